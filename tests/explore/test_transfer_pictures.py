"""Pictures of lesson 15: their intervals, and whether two lines can be told apart."""

import numpy as np
import pytest
from scipy import stats

from labkit.explore import transfer_pictures as pictures

SIZES = [1, 20, 300]


def test_bars_are_the_intervals_of_student_and_none_hides_another(shown):
    random = np.random.default_rng(0)
    rows = {name: random.normal(80, 5, (3, 5)) for name in ("scratch", "two frozen", "the head")}
    pictures.accuracies(SIZES, rows, "labels a class", "Accuracy")
    (ax,) = shown[0][0].axes
    assert [each.get_label() for each in ax.containers] == list(rows)
    places = set()
    for drawn, values in zip(ax.containers, rows.values(), strict=True):
        segments = np.array(drawn.lines[2][0].get_segments())
        low, high = stats.t.interval(0.95, 4, values.mean(axis=1), stats.sem(values, axis=1))
        assert segments[:, :, 1] == pytest.approx(np.transpose([low, high]))
        places |= set(segments[:, 0, 0].round(6))
    assert len(places) == 9
    assert "95% intervals over the seeds" in shown[0][1]


def test_a_gain_below_the_line_of_zero_stays_in_sight_beside_a_large_one(shown):
    gains = {"digits": np.full((3, 4), 9.0) + np.arange(4), "shuffled": np.full((3, 4), -6.0)}
    pictures.gains(SIZES, {"nothing frozen": gains, "2 layers frozen": gains})
    left, right = shown[0][0].axes
    assert [ax.get_title() for ax in (left, right)] == ["nothing frozen", "2 layers frozen"]
    for ax in (left, right):
        assert ax.get_ylim()[0] < -6 < 0 < 10.5 < ax.get_ylim()[1]
        assert ax.get_ylim() == left.get_ylim()
