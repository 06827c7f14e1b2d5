"""Requests: planned as they should be, and counted as they should be."""

import numpy as np
import pytest

from labkit.datacenter.serving.traffic import Answers, bursts, percentile, poisson


def test_gaps_of_a_poisson_process_are_exponential_and_counts_have_variance_equal_to_mean():
    from scipy.stats import expon, kstest

    times = poisson(rate=50, seconds=400, seed=1)
    assert kstest(np.diff(times), expon(scale=1 / 50).cdf).pvalue > 0.01
    counts = np.histogram(times, np.arange(401))[0]
    assert counts.mean() == pytest.approx(50, rel=0.05)
    assert counts.var() == pytest.approx(50, rel=0.25)
    assert (times[0] >= 0) & (times[-1] <= 400)


def test_the_same_seed_gives_the_same_times_and_another_does_not():
    np.testing.assert_array_equal(poisson(9, 9, seed=3), poisson(9, 9, seed=3))
    assert len(poisson(9, 99, seed=3)) != len(poisson(9, 99, seed=4))


@pytest.mark.parametrize(("rate", "seconds"), [(0, 1), (1, 0), (-1, 1), (float("nan"), 1)])
def test_a_rate_or_a_time_that_cannot_be(rate, seconds):
    with pytest.raises(ValueError, match="above 0"):
        poisson(rate, seconds)


def test_bursts_have_the_rate_that_was_asked_for_and_come_together():
    times = bursts(rate=80, seconds=200, size=8, spread=0.005, seed=2)
    assert len(times) % 8 == 0
    assert len(times) / 200 == pytest.approx(80, rel=0.15)
    counts = np.histogram(times, np.arange(0, 200, 0.5))[0]
    assert counts.var() > 5 * counts.mean()  # a Poisson process has 1, bursts of 8 about 8


def test_the_percentile_is_a_value_that_was_measured():
    values = np.array([5.0, 1.0, 3.0, 2.0, 4.0])
    assert [percentile(values, share) for share in (0.2, 0.21, 0.5, 0.99, 1.0)] == [1, 2, 3, 5, 5]


@pytest.mark.parametrize("share", [0, -0.1, 1.01, 99])
def test_a_share_that_cannot_be(share):
    with pytest.raises(ValueError, match=r"0\.99 for p99"):
        percentile(np.ones(3), share)


def test_answers_count_from_the_plan_and_refusals_are_no_results():
    answers = Answers(
        planned=np.array([0.0, 1.0, 2.0, 3.0]),
        sent=np.array([0.0, 1.5, 2.0, 3.0]),
        done=np.array([1.0, 2.0, 2.1, 5.0]),
        status=np.array([200, 200, 503, 0]),
        batch=np.array([1, 1, 0, 0]),
    )
    np.testing.assert_allclose(answers.latency, [1.0, 1.0])
    np.testing.assert_allclose(answers.response, [1.0, 0.5])
    assert answers.goodput == pytest.approx(2 / 5)
    assert (answers.refused, answers.failed) == (0.25, 1)
    assert answers.percentile(0.5) == 1.0
    nobody = answers._replace(status=np.full(4, 503))
    with pytest.raises(ValueError, match="no request was answered"):
        nobody.percentile(0.99)
