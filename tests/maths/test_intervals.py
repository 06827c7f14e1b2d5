"""Intervals against SciPy's, on how often they hold the truth, and on what they must refuse."""

import numpy as np
import pytest

from labkit.maths import intervals, metrics
from labkit.maths.intervals import wilson_interval

# --- of repeated results -------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "confidence"), [(2, 0.95), (5, 0.95), (9, 0.8)])
def test_the_interval_is_students(count, confidence):
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(count).normal(size=count)
    mean, margin = intervals.mean_interval(values, confidence)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    np.testing.assert_allclose([mean - margin, mean + margin], [low, high])


def test_the_interval_holds_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(1.0, 2.0, (2000, 5))
    found = [intervals.mean_interval(draw) for draw in draws]
    assert np.mean([abs(mean - 1) <= margin for mean, margin in found]) == pytest.approx(
        0.95, abs=0.02
    )


@pytest.mark.parametrize(("values", "confidence"), [([1.0], 0.95), ([[1.0], [2.0]], 0.95)])
def test_one_value_has_no_interval(values, confidence):
    with pytest.raises(ValueError, match="at least 2"):
        intervals.mean_interval(values, confidence)


def test_a_confidence_is_a_share():
    with pytest.raises(ValueError, match="between 0 and 1"):
        intervals.mean_interval([1.0, 2.0], 95)


def test_pairs_show_what_two_intervals_hide():
    plain = np.array([0.70, 0.80, 0.90])
    found = intervals.compare(plain + np.array([0.010, 0.012, 0.011]), plain)
    assert found.verdict == "better"
    assert intervals.mean_interval(plain)[1] > 10 * found.margin


def test_the_verdict_knows_which_way_is_better():
    plain, less = [0.5, 0.6, 0.7], [0.4, 0.51, 0.59]
    assert intervals.compare(less, plain).verdict == "worse"
    assert intervals.compare(less, plain, higher_is_better=False).verdict == "better"
    assert intervals.compare([0.4, 0.7, 0.7], plain).verdict == "not sure"


def test_pairs_need_partners():
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        intervals.compare([1, 2], [1, 2, 3])


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_a_result_that_is_no_number_says_nothing(higher_is_better):
    found = intervals.compare([0.9, np.nan, 0.8], [0.7, 0.6, 0.6], higher_is_better)
    assert found.verdict == "not sure"


# --- of scores -----------------------------------------------------------------------------------


def test_equals_scipys_interval():
    stats = pytest.importorskip("scipy.stats")
    for right, count in [(0, 10), (7, 10), (983, 1000), (1000, 1000)]:
        interval = stats.binomtest(right, count).proportion_ci(method="wilson")
        ours = wilson_interval(right / count, count, z=1.959964)
        assert ours == pytest.approx((interval.low, interval.high), abs=1e-6)


@pytest.mark.parametrize(("accuracy", "count"), [(98.3, 100), (-0.1, 100), (0.5, 0)])
def test_refuses_what_is_no_share(accuracy, count):
    with pytest.raises(ValueError, match="got"):
        wilson_interval(accuracy, count)


def test_a_bootstrap_interval_of_accuracy_is_close_to_wilsons():
    y = np.ones(400, int)
    answers = np.repeat([1, 0], [340, 60])
    ours = intervals.bootstrap_interval(metrics.accuracy, y, answers, repeats=2000)
    assert ours == pytest.approx(wilson_interval(0.85, 400), abs=0.01)
    assert ours == intervals.bootstrap_interval(metrics.accuracy, y, answers, repeats=2000)
    with pytest.raises(ValueError, match="share"):
        intervals.bootstrap_interval(metrics.accuracy, y, answers, share=95)


def test_a_95_percent_interval_holds_the_truth_about_95_times_in_100():
    random = np.random.default_rng(1)
    right = random.binomial(100, 0.9, size=2000) / 100
    held = [low <= 0.9 <= high for low, high in (wilson_interval(a, 100) for a in right)]
    assert 0.92 < np.mean(held) < 0.98


def test_the_old_names_lead_here():
    assert metrics.wilson_interval is intervals.wilson_interval
    assert metrics.bootstrap_interval is intervals.bootstrap_interval
