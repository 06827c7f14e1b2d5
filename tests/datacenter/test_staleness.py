"""Delayed gradients: the walk, the parameter server, its bounds."""

import sys
import time
from functools import partial

import cloudpickle
import numpy as np
import pytest

from labkit.datacenter.network import Network, small_digits
from labkit.datacenter.staleness import (
    digits_gradient,
    serve_as_they_come,
    simulate,
    tune,
    walk,
)
from labkit.datacenter.workers import Workers

NETWORK = Network((196, 6, 10))
cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests


@pytest.fixture(scope="module")
def pool():
    with Workers(4) as workers:
        yield workers


def test_each_gradient_sees_the_weights_of_delay_updates_ago():
    seen = []

    def gradient(w, update):
        seen.append(int(w))
        return -1  # so that the weight counts the updates

    assert [int(w) for w in walk(np.array(0), gradient, 1, 6, delay=2)] == [1, 2, 3, 4, 5, 6]
    assert seen == [0, 0, 0, 1, 2, 3]


# --- the parameter server -----------------------------------------------------------------------


def parabola(worker, w, update):
    return 2.0 * w


def now_and_then(worker, w, update):
    time.sleep(0.04 if np.random.default_rng(update).random() < 0.1 else 0.002)
    return -np.ones_like(w)


def counting(worker, w, update, pauses=(0, 0, 0, 0)):
    time.sleep(pauses[worker.rank])
    return -np.ones_like(w)


def test_a_server_with_one_worker_ends_bit_for_bit_where_one_process_does(pool):
    train = small_digits().train
    pool.put(x=train.x, y=train.y)
    gradient = partial(digits_gradient, seed=3, batch_size=8, network=NETWORK)
    job = serve_as_they_come, NETWORK.start(3), gradient, np.float32(0.1), 40
    served = pool.run(*job, size=2)[0]
    assert np.array_equal(served.w, simulate(train, 0, [0.05, 0.1], 3, 40, 8, NETWORK)[1])


@pytest.mark.parametrize("lead", [0, 1, 4, None])
def test_every_gradient_counts_once_and_no_lead_is_larger_than_allowed(pool, lead):
    pauses = (0, 0.004, 0, 0)
    gradient = partial(counting, pauses=pauses)
    served = pool.run(serve_as_they_come, np.zeros(1), gradient, 1.0, 60, lead)[0]
    assert served.w == 60
    assert len(served.ranks) == len(served.delays) == 60
    if lead is not None:
        done = np.cumsum(served.ranks[:, None] == [1, 2, 3], axis=0)
        assert np.max(done.max(axis=1) - done.min(axis=1)) <= lead + 1
        assert served.delays.max() <= 2 * (2 * lead + 1)  # others: twice, each from -lead to lead


def test_strong_consistency_is_a_synchronous_step_in_pieces(pool):
    served = pool.run(serve_as_they_come, np.ones(1), parabola, 0.05, 30, 0)[0]
    assert served.delays.tolist() == [0, 1, 2] * 10  # all three saw the same weights
    assert served.w == pytest.approx((1 - 3 * 0.05 * 2.0) ** 10)


@pytest.mark.alone
@pytest.mark.slow
def test_without_waiting_the_slow_worker_holds_up_nobody_and_its_gradients_are_old(pool):
    gradient = partial(counting, pauses=(0, 0.05, 0.005, 0.005))
    strong = pool.run(serve_as_they_come, np.zeros(1), gradient, 1.0, 60, 0)[0]
    eventual = pool.run(serve_as_they_come, np.zeros(1), gradient, 1.0, 60, None)[0]
    assert strong.seconds > 1.5 * eventual.seconds  # 20 rounds of 50 ms against some 130 ms
    assert np.sum(strong.ranks == 1) == 20 > 3 * np.sum(eventual.ranks == 1)
    slow = eventual.ranks == 1
    assert strong.delays.max() == 2 < np.median(eventual.delays[slow])
    assert np.median(eventual.delays[slow]) > 2 * np.median(eventual.delays[~slow])


@pytest.mark.alone
@pytest.mark.slow
def test_a_bounded_lead_makes_up_for_pauses_but_not_for_a_worker_that_is_always_slow(pool):
    def seconds(gradient, lead):
        job = serve_as_they_come, np.zeros(1), gradient, 1.0, 120, lead
        return min(pool.run(*job)[0].seconds for _ in range(3))  # of a quiet moment

    always = partial(counting, pauses=(0, 0.02, 0.002, 0.002))
    strong, bounded, eventual = [seconds(now_and_then, lead) for lead in (0, 8, None)]
    assert strong > 1.1 * bounded  # 0.38 s against 0.29 s, and 0.20 s without any bound
    assert strong > 1.4 * eventual
    assert seconds(always, 8) > 1.5 * seconds(always, None)  # 0.73 s against 0.15 s


@pytest.mark.slow
def test_the_longer_the_delay_the_smaller_the_best_rate_and_the_accuracy():
    parts = [small_digits(seed) for seed in range(3)]
    found = [tune(workers, parts, waits=False) for workers in (1, 4, 16)]
    rates, tests = [f.learning_rate for f in found], [f.test.mean() for f in found]
    assert rates[0] > 2 * rates[1] > 4 * rates[2]
    assert tests[0] > tests[2] + 0.03
    assert tests[1] > tests[2]
    together = tune(16, parts, waits=True)  # its rate is ruin for gradients 15 updates old
    assert together.validation[0.8].mean() > 0.6 > 0.3 > found[2].validation[0.8].mean()
