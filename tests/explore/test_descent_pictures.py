"""The figures of lesson 01 show the numbers they are given."""

import numpy as np
import pytest

from labkit.explore.descent import pictures
from labkit.maths.descent import SURFACES


def test_marks_of_the_contraction_lie_on_the_line_of_theory(shown):
    walks = {rate: (1 - 8 * rate) ** np.arange(13) for rate in (0.01, 0.1, 0.2)}
    pictures.contraction(walks, lowest=0.0, curvature=8.0)
    (fig, caption) = shown[0]
    *marks, line = fig.axes[1].lines
    for mark in marks:
        (rate,), (factor,) = mark.get_data()
        assert factor == pytest.approx(abs(1 - 8 * rate))
        assert np.interp(rate, *line.get_data()) == pytest.approx(factor, abs=0.02)
    assert "theory" in caption


def test_each_ellipse_joins_places_of_one_loss(shown):
    surface = SURFACES["rotated"]
    pictures.axes(surface, np.array([surface.gradient(e) for e in np.eye(2)]))
    ellipses = [line.get_xydata() for line in shown[0][0].axes[0].lines]
    assert len(ellipses) == 9
    for ellipse in ellipses:
        losses = surface.value(ellipse)
        np.testing.assert_allclose(losses, losses[0])


def test_noise_balls_show_every_seed_and_theory(shown):
    cases = [(1, 0.01), (4, 0.01), (1, 0.02), (4, 0.02)]
    walks = {case: np.zeros((5, 2)) + case for case in cases[:2]}
    excess = {case: [0.1, 0.2, 0.3] for case in cases}
    pictures.noise_balls(walks, excess, lambda size, rate: rate / size)
    (fig, _) = shown[0]
    assert len(fig.axes) == 3
    assert len(fig.axes[-1].lines) == 2 * (1 + 3)  # for each size a line, and a mark a seed


@pytest.mark.parametrize(("score", "verdict"), [(0.01, "beats"), (0.03, "does not beat")])
def test_the_race_says_who_won(shown, score, verdict):
    scores = {"momentum": 0.02, "your rule": score}
    heats = {name: [0.5, np.inf] for name in scores}
    pictures.race([0.1, 1.0], heats, scores, "your rule")
    assert f"Your rule {verdict} momentum." in shown[0][1]
