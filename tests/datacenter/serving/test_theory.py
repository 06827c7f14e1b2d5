"""The formulas of a server against counting, against each other, and at their ends."""

import numpy as np
import pytest

from labkit.datacenter.serving import theory
from labkit.datacenter.serving.theory import steady
from labkit.datacenter.steps import Line

LINE = Line(0.050, 0.002)


def test_no_batch_beats_the_time_of_one_example():
    assert theory.capacity(LINE, 10**9) == pytest.approx(500)
    with pytest.raises(ValueError, match="at least 1 request"):
        theory.capacity(LINE, 0)


def test_a_queue_with_one_place_is_solved_by_hand():
    # One at a time, one place: an embedded chain of two states, q = 0 and q = 1.
    rate, service = 15.0, LINE.seconds(1)
    nobody = np.exp(-rate * service)  # comes while one is computed
    p0 = nobody  # the rows of the chain are equal: whatever q is, the place is free, then
    served = 1 / (service + p0 / rate)
    found = steady(LINE, rate, max_batch=1, queue_limit=1)
    assert found.refused == pytest.approx(1 - served / rate)
    assert found.busy == pytest.approx(served * service)


@pytest.mark.parametrize(("rate", "max_batch"), [(15, 1), (60, 8), (250, 32)])
def test_a_limit_that_is_never_reached_changes_nothing(rate, max_batch):
    without, far = (steady(LINE, rate, max_batch, limit) for limit in (None, 500))
    np.testing.assert_allclose(without, far, rtol=1e-7, atol=1e-7)


def test_in_deep_overload_all_places_are_full():
    found = steady(LINE, 5000, max_batch=8, queue_limit=16)
    assert found.refused == pytest.approx(1 - theory.capacity(LINE, 8) / 5000)
    assert found.latency == pytest.approx(theory.worst_latency(LINE, 8, 16), rel=0.35)
    assert found.batch == pytest.approx(8)


def test_a_rate_above_capacity_has_no_steady_state_without_a_limit():
    with pytest.raises(ValueError, match=r"20 a second on a capacity of 19\.2"):
        steady(LINE, 20, max_batch=1)


@pytest.mark.parametrize("rate", [150, 250, 350])
def test_a_busy_server_has_the_batch_in_which_as_many_come_while_it_is_computed(rate):
    exact = steady(LINE, rate, max_batch=200)
    seconds = LINE.overhead / (1 - LINE.per_example * rate)
    assert exact.batch == pytest.approx(rate * seconds, rel=0.03)
    assert exact.latency == pytest.approx(1.5 * seconds, rel=0.04)  # half a batch, and the next


def test_an_idle_server_takes_one_at_a_time():
    found = steady(LINE, 0.01, max_batch=32)
    assert found.latency == pytest.approx(LINE.seconds(1), rel=0.001)
    assert found.batch == pytest.approx(1, abs=0.001)


def test_the_percentile_of_a_stall_is_that_of_a_count():
    stall, seconds, rate = 1.0, 8.0, 1000
    planned = np.arange(rate * seconds) / rate
    latency = np.where((planned >= 3) & (planned < 3 + stall), 3 + stall - planned, 0.001)
    for share in (0.5, 0.9, 0.95, 0.99, 0.999):
        counted = np.quantile(latency, share, method="inverted_cdf")
        said = theory.stall_percentile(stall, seconds, share, usual=0.001)
        assert said == pytest.approx(counted, abs=0.002)
