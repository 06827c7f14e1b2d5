"""The simulated server against queueing theory, hand values and another simulator."""

import numpy as np
import pytest

from labkit.datacenter.queues import mg1_wait
from labkit.datacenter.serving import theory
from labkit.datacenter.serving.simulator import simulate, simulate_closed
from labkit.datacenter.serving.traffic import poisson
from labkit.datacenter.steps import Line

LINE = Line(0.050, 0.002)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_one_at_a_time_it_is_the_queue_m_d_1(load):
    service = LINE.seconds(1)
    answers = simulate(poisson(load / service, 8000, seed=1), LINE)
    md1 = mg1_wait(load, service, variation=0) + service
    assert answers.latency.mean() == pytest.approx(md1, rel=0.04)
    found = theory.steady(LINE, load / service, max_batch=1)
    assert found.latency == pytest.approx(md1, rel=1e-8)
    assert found.busy == pytest.approx(load)


@pytest.mark.parametrize(
    ("rate", "max_batch", "queue_limit"),
    [(60, 8, None), (110, 8, None), (250, 32, None), (40, 1, 5), (60, 8, 4), (300, 32, 32)],
)
def test_with_batches_and_a_limit_it_is_the_markov_chain(rate, max_batch, queue_limit):
    found = theory.steady(LINE, rate, max_batch, queue_limit)
    planned = poisson(rate, 1000, seed=2)
    answers = simulate(planned, LINE, max_batch=max_batch, queue_limit=queue_limit)
    assert answers.latency.mean() == pytest.approx(found.latency, rel=0.03)
    assert answers.refused == pytest.approx(found.refused, abs=0.01)
    assert answers.batch_mean == pytest.approx(found.batch, rel=0.03)


def simpy_latencies(planned, line, max_batch, max_wait, queue_limit):
    """The same rules written for another simulator."""
    simpy = pytest.importorskip("simpy")
    env, queue, done = simpy.Environment(), [], {}
    news = [env.event()]

    def tell():
        news[0].succeed()
        news[0] = env.event()

    def arrivals():
        for request, time in enumerate(planned):
            yield env.timeout(time - env.now)
            if queue_limit is None or len(queue) < queue_limit:
                queue.append((request, time))
                tell()

    def accelerator():
        while True:
            while not queue:
                yield news[0]
            until = queue[0][1] + max_wait
            while len(queue) < max_batch and env.now < until:
                yield news[0] | env.timeout(until - env.now)
            batch = [queue.pop(0)[0] for _ in range(min(max_batch, len(queue)))]
            yield env.timeout(line.seconds(len(batch)))
            done.update(dict.fromkeys(batch, env.now))

    env.process(arrivals())
    env.process(accelerator())
    env.run(planned[-1] + 60)
    return np.array([done.get(n, np.nan) - time for n, time in enumerate(planned)])


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("max_wait", [0.0, 0.03, 0.2])
@pytest.mark.parametrize("queue_limit", [None, 12])
def test_every_request_takes_as_long_as_in_simpy(seed, max_wait, queue_limit):
    planned = poisson(100, 10, seed)
    rules = {"max_batch": 8, "max_wait": max_wait, "queue_limit": queue_limit}
    answers = simulate(planned, LINE, **rules)
    ours = np.where(answers.ok, answers.done - planned, np.nan)
    np.testing.assert_allclose(ours, simpy_latencies(planned, LINE, **rules), atol=1e-9)


def test_waiting_by_hand():
    line = Line(1.0, 0.0)
    full = simulate(np.array([0.0, 0.1]), line, max_batch=2, max_wait=5.0)
    assert full.done.tolist() == [1.1, 1.1]  # two are there: it starts
    alone = simulate(np.array([0.0, 9.0]), line, max_batch=2, max_wait=5.0)
    assert alone.done.tolist() == [6.0, 15.0]  # none came within 5 s
    waited = simulate(np.array([0.0, 5.5]), line, max_batch=2, max_wait=5.0)
    assert waited.done.tolist() == [6.0, 11.5]  # who waits while it computes has waited, too


def test_in_overload_the_last_one_waits_as_the_line_says():
    rate, capacity = 40, theory.capacity(LINE, 1)
    planned = poisson(rate, 60, seed=0)
    answers = simulate(planned, LINE)
    said = theory.overload_latency(len(planned) / 60, capacity, planned[-1])
    assert answers.latency[-1] == pytest.approx(said, rel=0.1)


def test_a_limit_bounds_what_those_wait_who_are_let_in_and_keeps_the_goodput():
    planned = poisson(40, 60, seed=0)
    open_, limited = (simulate(planned, LINE, queue_limit=limit) for limit in (None, 5))
    assert limited.latency.max() <= theory.worst_latency(LINE, 1, queue_limit=5) + 1e-9
    assert limited.goodput == pytest.approx(open_.goodput, rel=0.03)
    assert open_.percentile(0.99) > 10 * limited.percentile(0.99)
    refused = 1 - theory.capacity(LINE, 1) / (len(planned) / 60)
    assert limited.refused == pytest.approx(refused, abs=0.03)


@pytest.mark.parametrize("max_batch", [1, 4, 16])
def test_the_bound_of_a_limit_is_never_exceeded_and_nearly_reached(max_batch):
    for seed in range(3):
        planned = poisson(600, 20, seed)
        answers = simulate(planned, LINE, max_batch=max_batch, queue_limit=10)
        bound = theory.worst_latency(LINE, max_batch, queue_limit=10)
        assert 0.8 * bound < answers.latency.max() <= bound + 1e-9


def test_a_rule_of_ones_own_decides_who_is_let_in():
    seen = []

    def admit(queue_length, oldest_wait):
        seen.append((queue_length, oldest_wait))
        return queue_length < 3

    planned = poisson(60, 20, seed=0)
    answers = simulate(planned, LINE, admit=admit)
    assert answers.done.tolist() == simulate(planned, LINE, queue_limit=3).done.tolist()
    assert {length for length, _ in seen} == {0, 1, 2, 3}
    assert all((wait == 0) == (length == 0) for length, wait in seen)
    assert max(wait for _, wait in seen) <= 3 * LINE.seconds(1)


@pytest.mark.parametrize(("clients", "think"), [(1, 0.0), (5, 0.0), (5, 0.2), (20, 1.5)])
def test_littles_law_holds_in_a_closed_loop(clients, think):
    answers = simulate_closed(clients, 200.0, LINE, think)
    rate = len(answers.done) / answers.seconds
    inside = rate * (answers.latency.mean() + think)
    assert inside == pytest.approx(clients, rel=0.03)
    most = min(clients / (think + LINE.seconds(1)), theory.capacity(LINE, 1))  # Denning and Buzen
    assert rate <= most * 1.01


def test_a_closed_loop_hides_the_overload_that_an_open_one_shows():
    closed = simulate_closed(5, 60.0, LINE)
    open_ = simulate(poisson(40, 60), LINE)
    assert closed.latency.max() <= 5 * LINE.seconds(1) + 1e-9
    assert open_.latency.max() > 50 * closed.latency.max()


def test_nobody_comes():
    answers = simulate(np.array([]), LINE)
    assert (len(answers.done), answers.goodput, answers.refused) == (0, 0.0, 0.0)


@pytest.mark.parametrize(
    "rules", [{"max_batch": 0}, {"max_wait": -1.0}, {"queue_limit": 0}, {"max_wait": float("nan")}]
)
def test_rules_that_cannot_be(rules):
    with pytest.raises(ValueError, match="must be 1 or more"):
        simulate(np.array([0.0]), LINE, **rules)


def test_who_is_refused_at_once_and_asks_at_once_would_never_end():
    with pytest.raises(ValueError, match="think above 0"):
        simulate_closed(5, 1.0, LINE, queue_limit=1)
