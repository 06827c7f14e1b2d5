"""The figure of more machines: its curves and words."""

import numpy as np
import pytest

from labkit.datacenter.links import Link
from labkit.explore import figures, scaling

LINE = Link(bandwidth=20e6, latency=0.01)


def test_one_machine_is_the_measure_of_both_curves():
    for kind in scaling.LOOKS:
        gains, hours = scaling.curves(0.4, 4e5, LINE, np.array([1, 2, 4]), kind)
        assert gains[0] == hours[0] == 1
        assert gains * hours == pytest.approx([1, 2, 4])  # N machines, shared by the speed-up


def test_dots_stand_where_they_were_measured(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "show", lambda *each: shown.append(each))
    measured = {"strong": {1: 0.4, 2: 0.25}, "weak": {1: 0.4, 2: 0.5}}
    scaling.more_machines(0.4, 4e5, LINE, measured, most=16)
    figure, words = shown[0]
    dots = [line.get_xydata() for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    assert np.concatenate(dots) == pytest.approx(np.array([[1, 1], [2, 1.6], [1, 1], [2, 1.6]]))
    assert "up to 2 processes" in words
    assert "sleeps 0.4 s" in words


def test_without_measurements_the_words_say_so():
    assert "Nothing was measured" in scaling.caption(0.4, {})
