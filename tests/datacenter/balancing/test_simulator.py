"""The simulated servers against formulas, other simulators, a Markov chain and published numbers."""

import heapq
import random as plain_random

import numpy as np
import pytest

from labkit.datacenter import queues
from labkit.datacenter.balancing.simulator import POLICIES, Run, lengths_at, simulate
from labkit.maths.intervals import batch_mean_interval


def mean_of(policy, **settings):
    """Return the mean time of a run, without its first tenth, and three times its margin."""
    mean, margin = batch_mean_interval(simulate(policy, **settings).seconds)
    return mean, 1.5 * margin  # about three standard deviations


def near(policy, truth, **settings):
    mean, margin = mean_of(policy, **settings)
    assert margin < 0.2 * truth  # or the comparison says nothing
    assert abs(mean - truth) < margin, (policy, mean, margin, truth)


# --- formulas -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("servers", "utilization"), [(10, 0.7), (3, 0.85)])
def test_means_are_those_of_the_formulas(servers, utilization):
    settings = {"servers": servers, "utilization": utilization, "requests": 150_000}
    near("random", queues.mm1_time(utilization), **settings)
    near("round robin", queues.round_robin_time(servers, utilization), **settings)
    near("least work", 1 + queues.mmc_wait(servers, servers * utilization), **settings)


def test_the_tail_of_one_line_is_that_of_the_formula():
    seconds = simulate("least work", servers=10, utilization=0.8).seconds[20_000:]
    for limit in (1.0, 3.0, 5.0):
        beyond = queues.mmc_time_beyond(10, 8.0, limit)
        assert np.mean(seconds > limit) == pytest.approx(beyond, rel=0.1)


@pytest.mark.parametrize("variation", [0.0, 3.0])
def test_one_server_with_any_service_time_is_that_of_pollaczek_and_khinchine(variation):
    truth = 1 + queues.mg1_wait(0.6, variation=variation)
    near("random", truth, servers=1, utilization=0.6, variation=variation, requests=100_000)


def test_two_choices_come_near_their_limit_as_servers_become_many():
    limit = queues.two_choices_time(0.9)
    few, many = (mean_of("two choices", servers=c)[0] for c in (4, 200))
    assert abs(many / limit - 1) < 0.05
    assert few > 1.15 * limit


def test_unequal_servers_are_each_a_queue_of_their_own_under_random():
    """Each of the three gets a third: time 1 / (speed - a third of what comes)."""
    speeds = [2.0, 1.5, 1.0]
    come = 0.6 * sum(speeds)
    run = simulate("random", servers=3, utilization=0.6, speeds=speeds, requests=200_000)
    for server, speed in enumerate(speeds):
        mine = run.seconds[run.chosen == server]
        assert len(mine) == pytest.approx(len(run.seconds) / 3, rel=0.02)
        mean, margin = batch_mean_interval(mine)
        assert abs(mean - 1 / (speed - come / 3)) < 1.5 * margin


# --- other truths -------------------------------------------------------------------------------


def test_the_shorter_of_two_lines_is_its_markov_chain():
    """Two servers: `two choices` and `least connections` are the same, solved as a chain."""
    from scipy.sparse import lil_matrix
    from scipy.sparse.linalg import spsolve

    size, come = 60, 2 * 0.8
    flow = lil_matrix((size**2, size**2))
    for a, b in np.ndindex(size, size):
        targets = {(a - 1, b): 1.0, (a, b - 1): 1.0}
        joins = [(a + 1, b)] * (a <= b) + [(a, b + 1)] * (b <= a)
        targets |= {pair: come / len(joins) for pair in joins}
        for (i, j), rate in targets.items():
            if 0 <= i < size and 0 <= j < size:
                flow[i * size + j, a * size + b] += rate
                flow[a * size + b, a * size + b] -= rate
    flow[0] = 1  # shares add up to 1
    shares = spsolve(flow.tocsr(), np.eye(size**2)[0])
    inside = sum(p * (k // size + k % size) for k, p in enumerate(shares))
    for policy in ("two choices", "least connections"):
        near(policy, inside / come, servers=2, utilization=0.8, requests=150_000)


# Gast and Van Houdt, A refined mean field approximation (2017), table of the two-choice model at
# utilization 0.9: requests at one server on average, where both choices may be the same server.
GAST = {10: 2.8040, 20: 2.5665, 100: 2.3931}


@pytest.mark.parametrize("servers", GAST)
def test_two_choices_with_few_servers_are_the_published_numbers(servers):
    draw = plain_random.Random(1).random

    def policy(lengths):
        one, other = int(draw() * servers), int(draw() * servers)
        return one if lengths[one] <= lengths[other] else other

    near(policy, GAST[servers] / 0.9, servers=servers, requests=400_000)
