"""Intervals against SciPy's, on how often they hold the truth, and on what they must refuse."""

import numpy as np
import pytest

from labkit.maths import intervals, metrics
from labkit.maths.intervals import (
    batch_mean_interval,
    clustered_interval,
    mean_interval,
    wilson_interval,
)

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
    ours = intervals.bootstrap_interval(metrics.balanced_accuracy, y, answers, repeats=2000)
    assert ours == pytest.approx(wilson_interval(0.85, 400), abs=0.01)
    assert ours == intervals.bootstrap_interval(metrics.balanced_accuracy, y, answers, repeats=2000)
    with pytest.raises(ValueError, match="share"):
        intervals.bootstrap_interval(metrics.balanced_accuracy, y, answers, share=95)


def test_a_95_percent_interval_holds_the_truth_about_95_times_in_100():
    random = np.random.default_rng(1)
    right = random.binomial(100, 0.9, size=2000) / 100
    held = [low <= 0.9 <= high for low, high in (wilson_interval(a, 100) for a in right)]
    assert 0.92 < np.mean(held) < 0.98


def test_the_old_names_lead_here():
    assert metrics.wilson_interval is intervals.wilson_interval
    assert metrics.bootstrap_interval is intervals.bootstrap_interval


# --- of one long run ----------------------------------------------------------------------------


def one_queue(runs, utilization, requests, seed=0):
    """Return times in one M/M/1 queue, shape (runs, requests), by Lindley's recursion."""
    random = np.random.default_rng(seed)
    come = random.exponential(1 / utilization, (runs, requests)).cumsum(axis=1)
    work = random.exponential(1, (runs, requests))
    done = work.cumsum(axis=1)
    return done + np.maximum.accumulate(come - (done - work), axis=1) - come


@pytest.mark.parametrize(("utilization", "held"), [(0.5, 0.93), (0.8, 0.91), (0.9, 0.87)])
def test_an_interval_of_one_run_holds_the_truth_as_often_as_it_says(utilization, held):
    """M/M/1 takes 1 / (1 - utilization); 300 runs of 20,000 requests, in all of which it counts."""
    runs, truth = one_queue(300, utilization, 20_000), 1 / (1 - utilization)
    share = np.mean([abs(m - truth) <= e for m, e in map(batch_mean_interval, runs)])
    assert held <= share <= 0.99
    naive = np.mean([abs(m - truth) <= e for m, e in map(mean_interval, runs)])
    assert naive < 0.6  # each request counted as if it knew nothing of the one before


def test_the_correction_for_alike_neighbors_helps_where_batches_are_short():
    runs = one_queue(300, 0.9, 5_000)
    corrected = np.mean([abs(m - 10) <= e for m, e in map(batch_mean_interval, runs)])
    plain = [mean_interval(run[500:].reshape(20, -1).mean(axis=1)) for run in runs]
    assert corrected > np.mean([abs(m - 10) <= e for m, e in plain]) + 0.03


def test_independent_values_get_the_interval_of_independent_values():
    values = np.random.default_rng(0).normal(5, 1, (400, 2000))
    margins = np.array([batch_mean_interval(row, warmup=0)[1] for row in values])
    plain = np.array([mean_interval(row)[1] for row in values])
    assert 1 < np.mean(margins / plain) < 1.3
    assert np.mean(abs(values.mean(axis=1) - 5) <= margins) == pytest.approx(0.95, abs=0.03)


def test_the_warmup_and_what_does_not_fill_a_batch_are_left_out_at_the_start():
    values = np.concatenate([np.full(103, 1e6), np.full(900, 2.0)])
    assert batch_mean_interval(values, warmup=0.1) == (2.0, 0.0)


@pytest.mark.parametrize("settings", [{"batches": 2}, {"warmup": 1.0}, {"batches": 60}])
def test_a_run_too_short_for_its_batches_is_refused(settings):
    with pytest.raises(ValueError, match="Received"):
        batch_mean_interval(np.arange(100.0), **settings)


def test_clustered_rows_count_as_their_groups():
    """Copies of a row add nothing: the margin is that of the rows without copies."""
    rng = np.random.default_rng(0)
    once = rng.normal(size=40)
    mean, margin = clustered_interval(np.repeat(once, 5), np.repeat(np.arange(40), 5))
    assert mean == pytest.approx(once.mean())
    assert margin == pytest.approx(1.96 * once.std() / np.sqrt(40))
    alone = clustered_interval(np.repeat(once, 5), np.arange(200))[1]
    assert margin == pytest.approx(np.sqrt(5) * alone)
    with pytest.raises(ValueError, match="groups"):
        clustered_interval([1.0, 2.0], [1])
