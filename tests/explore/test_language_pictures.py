"""The pictures of lesson 16 draw what they are given, and say it in words."""

import numpy as np
import pandas as pd
import pytest

from labkit.explore import figures
from labkit.explore import language_pictures as pictures
from labkit.maths.power_law import Surface

SURFACE = Surface(E=2.0, A=60.0, a=0.4, B=300.0, b=0.5)
TABLE = pd.DataFrame(
    [(n, d, float(SURFACE(n, d))) for n in (1e4, 3e4) for d in (20_000, 40_000)],
    columns=[pictures.PARAMETERS, pictures.TOKENS, pictures.LOSS],
)


@pytest.fixture
def shown(monkeypatch):
    """Return the figures that were shown, with their captions."""
    kept = []
    monkeypatch.setattr(figures, "show", lambda fig, caption: kept.append((fig, caption)))
    return kept


def lines(axes):
    return [line.get_xydata() for line in axes.get_lines()]


def test_measured_runs_lie_on_the_surface_that_made_them(shown):
    pictures.scaling(TABLE, SURFACE)
    ax = shown[0][0].axes[0]
    dots, curve = lines(ax)[:2]
    np.testing.assert_allclose(np.interp(dots[:, 0], *curve.T), dots[:, 1], rtol=1e-3)


def test_the_measured_loss_stands_beside_each_prediction(shown):
    pictures.foretold(TABLE, SURFACE, {"line": (3.0, 2.9, 3.2), "surface": (3.1, 3, 3.3)}, 9, 3.15)
    near = shown[0][0].axes[1]
    assert [label.get_text() for label in near.get_xticklabels()] == ["line", "surface", "measured"]


def test_the_diamond_of_each_budget_is_the_lowest_point_of_its_line(shown):
    pictures.budgets(TABLE, SURFACE, [1e10, 1e11])
    curves = lines(shown[0][0].axes[0])
    for curve, diamond in (curves[:2], curves[2:]):
        assert diamond[0, 1] <= curve[:, 1].min() + 1e-9


def test_every_picture_has_words(shown):
    pictures.compression({0: 1.0, 8: 1.3}, 8)
    pictures.one_step(["a", "b"], np.array([0.1, 0.2]), np.array([0.2, 0.3]))
    pictures.nucleus({"a": np.full(50, 0.02), "b": np.eye(50)[0]}, 20, 0.9)
    pictures.forgetting({"before": [(3.0, 2.0)], "LoRA": [(2.5, 2.4), (2.6, 2.3)]})
    assert len(shown) == 4
    assert all(len(caption) > 40 for _, caption in shown)
