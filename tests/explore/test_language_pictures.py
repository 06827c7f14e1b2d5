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
    ax, near = shown[0][0].axes
    stars = [line[0].tolist() for line in lines(ax) if len(line) == 1]
    assert stars == [[9, 3.0], [9, 3.1], [9, 3.15]]
    assert [label.get_text() for label in near.get_xticklabels()] == ["line", "surface", "measured"]


def test_runs_that_no_fit_has_seen_look_different(shown):
    pictures.scaling(TABLE, SURFACE, least=40_000)
    left_out, _, fitted, _ = shown[0][0].axes[0].get_lines()
    assert left_out.get_markerfacecolor() == "none" != fitted.get_markerfacecolor()
    assert left_out.get_marker() != fitted.get_marker()


def test_both_cuts_fall_behind_the_tokens_that_they_keep(shown):
    falling = np.array([0.6, 0.3, 0.05, 0.03, 0.02])
    pictures.nucleus({"a": falling, "b": np.full(5, 0.2)}, 1, 0.85)
    cuts = [[line.get_xdata()[0] for line in ax.get_lines()[1:]] for ax in shown[0][0].axes]
    assert cuts == [[1.5, 2.5], [1.5, 5.5]]


def test_the_surface_at_a_budget_meets_a_run_that_lies_on_it(shown):
    pictures.spent(SURFACE, 6e9, (2e4, float(SURFACE(2e4, 5e4))), [(1e4, 3.0), (4e4, 3.1)])
    curve, beat, tries = lines(shown[0][0].axes[0])
    np.testing.assert_allclose(np.interp(*beat[0, :1], *curve.T), beat[0, 1], rtol=1e-3)
    assert tries.tolist() == [[1e4, 3.0], [4e4, 3.1]]


def test_the_diamond_of_each_budget_is_the_lowest_point_of_its_line(shown):
    pictures.budgets(TABLE, SURFACE, [1e10, 1e11])
    curves = lines(shown[0][0].axes[0])
    for curve, diamond in (curves[:2], curves[2:]):
        assert diamond[0, 1] <= curve[:, 1].min() + 1e-9


def test_every_picture_has_words(shown):
    pictures.compression({0: 1.0, 8: 1.3}, 8)
    pictures.one_step(["a", "b"], np.array([0.1, 0.2]), np.array([0.2, 0.3]), 0.1)
    pictures.nucleus({"a": np.full(50, 0.02), "b": np.eye(50)[0]}, 20, 0.9)
    lora = [(2.5, 2.4), (2.6, 2.3)]
    pictures.forgetting({"before": [(3.0, 2.0)], "LoRA": lora}, {"LoRA": lora})
    assert len(shown) == 4
    assert all(len(caption) > 40 for _, caption in shown)
