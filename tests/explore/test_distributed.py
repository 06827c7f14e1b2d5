"""The figures of lesson 21 show what they were given, measured beside modeled."""

import numpy as np
import pytest

from labkit.datacenter import pipeline
from labkit.datacenter.links import Link
from labkit.explore import distributed as pictures


def test_measured_marks_stand_beside_the_modeled_lines(shown):
    rows = [
        {"method": m, "size": n, "size_in_bytes": b, "least": n, "seconds": n + 1, "most": n + 3}
        for m in pictures.LOOKS
        for n in (2, 4, 8)
        for b in (2**14, 2**20)
    ]
    pictures.collectives(rows, lambda method, n, length: 0.5 * n)
    (fig, caption), *_ = shown
    for ax, title in zip(fig.axes, ("1,024 KiB", "16 KiB"), strict=True):
        assert ax.get_title() == title
        lines = [line for line in ax.lines if line.get_marker() == "None"]
        for line in lines:
            x, y = line.get_data()
            np.testing.assert_allclose(y, 0.5 * np.array(x))
        marks = [each for each in ax.containers if hasattr(each, "lines")]
        assert [mark.lines[0].get_ydata().tolist() for mark in marks] == [[3, 5, 9]] * 3
    assert "measured" in caption
    assert "modeled" in caption


def test_the_traps_are_as_high_as_their_errors(shown):
    pictures.traps(0.26, 4e-16, {2: 0.05, 8: 0.1}, 0.9, np.array([0.8, 0.85]), 0.5)
    left, middle, right = shown[0][0].axes
    assert [bar.get_height() for bar in left.patches] == [0.26, 4e-16]
    assert [bar.get_height() for bar in middle.patches] == [0.05, 0.1]
    assert [text.get_text() for text in left.texts] == ["0.26", "4e-16"]
    points = [line.get_xdata().tolist() for line in right.lines]
    assert points == [[90.0], [80.0, 85.0], [50.0]]


def test_a_right_split_lies_on_the_diagonal_and_the_title_says_how_far_off(shown):
    whole = np.random.default_rng(0).normal(size=(4, 3))
    pictures.split(whole, whole, whole + 0.97)
    left, right = shown[0][0].axes
    x, y = left.lines[0].get_data()
    assert np.array_equal(x, y)
    assert left.get_title().endswith("off by up to 0")
    assert right.get_title().endswith("0.97")


def test_bubbles_stand_beside_their_formula(shown):
    traces = {m: pipeline.ideal_trace("gpipe", 2, m) for m in (2, 4)}

    class Step:
        def __init__(self, m):
            self.idle, self.live = pipeline.idle_share(traces[m]), [m, m]

    steps = {m: {"gpipe": [Step(m)], "1f1b": [Step(m)]} for m in traces}
    pictures.bubbles(steps, pipeline.bubble, stages=2)
    left, right = shown[0][0].axes
    formula = dict(zip(*left.lines[0].get_data(), strict=True))
    for line in left.lines[1:]:
        (place,), (idle,) = line.get_data()
        assert idle == pytest.approx(formula[round(place)])
    assert {bar.get_height() for bar in right.patches} == {4}


# --- more machines ------------------------------------------------------------------------------

LINE = Link(bandwidth=20e6, latency=0.01)


def test_one_machine_is_the_measure_of_both_curves():
    for kind in pictures.SCALING:
        gains, hours = pictures.speed_ups(0.4, 4e5, LINE, np.array([1, 2, 4]), kind)
        assert gains[0] == hours[0] == 1
        assert gains * hours == pytest.approx([1, 2, 4])  # N machines, shared by the speed-up


def test_dots_stand_where_they_were_measured(shown):
    measured = {"strong": {1: 0.4, 2: 0.25}, "weak": {1: 0.4, 2: 0.5}}
    pictures.more_machines(0.4, 4e5, LINE, measured, most=16)
    figure, words = shown[0]
    dots = [line.get_xydata() for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    assert np.concatenate(dots) == pytest.approx(np.array([[1, 1], [2, 1.6], [1, 1], [2, 1.6]]))
    assert "up to 2 processes" in words
    assert "sleeps 0.4 s" in words
