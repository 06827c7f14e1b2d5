"""Retries, crowds and parts that fail together: simulations beside their formulas."""

import math

import numpy as np
import pytest

from labkit.datacenter import hall, queues
from labkit.datacenter.balancing import capacity
from labkit.datacenter.balancing.capacity import autoscale, crowd, recovery, retry_storm


def storm(retries, **more):
    return retry_storm(70, 10, 0.1, timeout=1.0, retries=retries, **more)


# --- retries --------------------------------------------------------------------------------------


def test_without_an_outage_hardly_anything_is_tried_again():
    calm = storm(2, outage=(0, 0))
    assert len(calm.tries) < 1.01 * len(calm.planned)
    assert np.isfinite(calm.done).mean() > 0.99


def test_an_unfailing_storm_is_the_queue_of_erlang():
    calm = retry_storm(90, 10, 0.1, timeout=1e9, retries=0, outage=(0, 0), until=2000)
    waits = calm.done - calm.planned - 0.1
    assert waits.mean() == pytest.approx(queues.mmc_wait(10, 9.0, 0.1), rel=0.15)


def test_a_short_outage_never_ends_when_everything_is_tried_twice_more():
    """The servers are as good as before; they work for people who have gone."""
    assert recovery(70, 100, 10, extra=2) == math.inf
    stuck = storm(2, until=300)
    assert stuck.goodput(5)[10:59].sum() < 0.02 * 70 * 49
    assert stuck.offered(5)[10:59].mean() == pytest.approx(210, rel=0.05)


@pytest.mark.parametrize("extra", [0.0, 0.1])
def test_with_a_budget_it_ends_about_when_the_backlog_is_worked_off(extra):
    ended = storm(2, allow=lambda requests, retries: retries < extra * requests)
    back = 30 + recovery(70, 100, 10, extra)
    assert ended.goodput(1)[30 : int(back) - 12].max(initial=0) < 20
    assert ended.goodput(5)[int(back / 5) + 3 : -1].min() > 50


def test_the_budget_is_asked_with_the_counts_of_the_last_seconds():
    seen = []

    def allow(requests, retries):
        seen.append((requests, retries))
        return False

    refused = storm(2, allow=allow, window=10)
    assert len(refused.tries) == len(refused.planned)
    assert {retries for _, retries in seen} == {0}
    assert np.mean([requests for requests, _ in seen]) == pytest.approx(700, rel=0.1)


# --- servers that come and go ---------------------------------------------------------------------


@pytest.mark.parametrize("servers", [4, 5, 8])
def test_the_longest_wait_of_a_crowd_is_that_of_the_formula(servers):
    arrivals = crowd(30, 100, at=100, until=250)
    scaled = autoscale(arrivals, 0.1, target=0.8, cold=30, servers=servers)
    wanted = (5 + 30) * (1 - servers / 0.1 / 100)  # it is noticed, and servers start: 35 s
    assert scaled.waits.max() == pytest.approx(wanted, rel=0.3)
    assert scaled.waits[arrivals > 230].mean() < 0.1


def test_a_fixed_number_of_servers_is_the_queue_of_erlang():
    arrivals = crowd(90, 90, at=1000, until=2000)
    scaled = autoscale(arrivals, 0.1, target=1.0, cold=0, period=100, servers=10)
    assert scaled.waits.mean() == pytest.approx(queues.mmc_wait(10, 9.0, 0.1), rel=0.3)


def test_all_arrivals_are_served_and_paid_servers_are_counted():
    arrivals = crowd(30, 30, at=50, until=100)
    scaled = autoscale(arrivals, 0.1, target=0.5, cold=20, servers=6)
    assert len(scaled.waits) == len(arrivals)
    assert scaled.waits.min() >= 0
    fixed = autoscale(arrivals, 0.1, target=1.0, cold=20, servers=6)
    assert fixed.server_seconds == pytest.approx(600, rel=0.01)
    assert scaled.server_seconds > fixed.server_seconds


def test_servers_leave_when_the_crowd_is_gone_but_none_that_works():
    arrivals = np.concatenate([crowd(100, 100, 30, 60), 60 + crowd(10, 10, 30, 60)])
    scaled = autoscale(arrivals, 0.1, target=0.5, cold=5, servers=2)
    assert scaled.servers[scaled.times == 55] > 15
    assert scaled.servers[-1] <= 4
    with pytest.raises(ValueError, match="utilization"):
        autoscale(arrivals, 0.1, target=1.2, cold=5)


# --- parts that fail ------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [0.0, 0.2])
def test_replicas_are_up_as_often_as_when_their_failures_are_drawn(shared):
    rng, draws, down = np.random.default_rng(0), 400_000, 0.1
    own = rng.random((draws, 3)) < (1 - shared) * down
    common = rng.random(draws) < shared * down
    up = (~own).sum(axis=1) * ~common
    for needed in (1, 2, 3):
        wanted = capacity.replicas_up(1 - down, 3, needed, shared)
        assert np.mean(up >= needed) == pytest.approx(wanted, abs=0.002)


def test_what_all_share_decides_how_often_many_replicas_fail():
    assert capacity.replicas_up(0.99, 3) == hall.enough(0.99, 1, 3)
    assert 1 - capacity.replicas_up(0.99, 9, shared=0.1) == pytest.approx(0.001, rel=1e-6)


def test_availability_is_that_of_drawn_times():
    rng = np.random.default_rng(0)
    works, fails = rng.exponential(100, 100_000).sum(), rng.exponential(5, 100_000).sum()
    assert works / (works + fails) == pytest.approx(capacity.availability(100, 5), abs=0.002)
