"""The figures of lesson 23 show what they were given: lines modeled, marks measured."""

import numpy as np
import pytest

from labkit.datacenter.serving.bench import Beside
from labkit.datacenter.serving.traffic import Answers
from labkit.datacenter.steps import Line
from labkit.explore import serving_pictures as pictures

LINE = Line(0.050, 0.002)


def answers(latency, count=5):
    planned = np.arange(count, dtype=float)
    status = np.where(planned == 2, 503, 200)
    return Answers(planned, planned, planned + latency, status, np.ones(count, int))


def marks(ax, fill="full"):
    """Return the points of an axes that are marks, not lines."""
    lines = [line for line in ax.lines if line.get_marker() not in ("None", "")]
    return [line.get_xydata().tolist() for line in lines if line.get_fillstyle() == fill]


@pytest.mark.parametrize("real", [True, False])
def test_requests_a_second_stand_beside_the_capacity(shown, real):
    one = answers(0.5)
    found = {b: Beside(one, one if real else None, {}) for b in (1, 8)}
    pictures.batches(LINE, found, {1: 5e-6, 64: 15e-6}, Line(5e-6, 1e-7))
    (fig, caption), *_ = shown
    left, right = fig.axes
    x, y = left.lines[0].get_data()
    np.testing.assert_allclose(y, x / (0.050 + 0.002 * x))
    assert [x for x, _ in marks(left, "full" if real else "none")[0]] == [1, 8]
    np.testing.assert_allclose(marks(right)[0], [[1, 5], [64, 15]])
    assert ("simulated" in caption) is not real


@pytest.mark.parametrize("real", [True, False])
def test_over_the_load_full_marks_are_measured_and_open_ones_modeled(shown, real):
    modeled = {"mean": [0.06, 0.2], "p99": [0.1, 0.9]}
    found = {0.3: {"mean": (0.05, 0.055 if real else None), "p99": (0.1, 0.2 if real else None)}}
    pictures.loads([0.1, 0.9], modeled, found)
    (fig, caption), *_ = shown
    (ax,) = fig.axes
    assert marks(ax, "none") == [[[0.3, 50]], [[0.3, 100]]]
    assert marks(ax) == ([[[0.3, 55]], [[0.3, 200]]] if real else [])
    assert ("No real server ran" in caption) is not real


def test_over_time_the_refused_have_no_latency(shown):
    pictures.over_time({"a": answers(0.5), "b": answers(0.1)}, ("slope", 0.25), promise=0.4)
    (fig, caption), *_ = shown
    line, promise, first, second = fig.axes[0].lines
    np.testing.assert_allclose(line.get_xydata(), [[0, 0], [4, 1]])
    assert set(promise.get_ydata()) == {0.4}
    np.testing.assert_allclose(first.get_xydata(), [[x, 0.5] for x in (0, 1, 3, 4)])
    np.testing.assert_allclose(second.get_ydata(), 0.1)
    assert "measured" in caption


def test_a_wait_that_was_not_measured_has_no_mark(shown):
    found = {("quiet", 0.0): Beside(answers(0.1), answers(0.12), {})}
    found |= {("quiet", 0.1): Beside(answers(0.2), None, {})}
    pictures.waits(found)
    line, dots = shown[0][0].axes[0].lines
    np.testing.assert_allclose(line.get_xydata(), [[0, 100], [100, 200]])
    np.testing.assert_allclose(dots.get_xydata(), [[0, 120]])


def test_slots_tell_the_share_that_is_used(shown):
    spans = {"static": [(0, 0, 4), (1, 0, 2)], "continuous": [(0, 0, 3), (1, 0, 3)]}
    pictures.slots(spans, [4, 2])
    first, second = shown[0][0].axes
    assert first.get_title() == "static: 4 steps, 75% of the slots' steps are used"
    assert second.get_title() == "continuous: 3 steps, 100% of the slots' steps are used"
    assert [bar.get_width() for bar in first.patches] == [4, 2]


def test_characters_of_each_way_stand_beside_their_model(shown):
    rates = {"static": {2: (8000, 9000), 8: (12_000, 15_000)}}
    pictures.characters({1: 1e-4, 8: 3e-4}, Line(1e-4, 2e-5), rates)
    left, right = shown[0][0].axes
    np.testing.assert_allclose(marks(left)[0], [[1, 100], [8, 300]])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [9, 15])
    np.testing.assert_allclose(marks(right)[0], [[2, 8], [8, 12]])
