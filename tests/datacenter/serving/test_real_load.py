"""Simulated and real server beside each other: the same plan, the same rules.

The real one has HTTP on top, and other programs beside it: margins are wide, and what is compared
is what a queue makes tens of times larger.
"""

import numpy as np
import pytest

from labkit.datacenter.serving import load, theory
from labkit.datacenter.serving.served import Served, missing
from labkit.datacenter.serving.simulator import simulate, simulate_closed
from labkit.datacenter.serving.traffic import percentile, poisson
from labkit.datacenter.steps import Line

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(bool(missing()), reason="needs the extra serve"),
]
LINE = Line(0.040, 0.002)
MODEL = "emulated:40+2"


@pytest.mark.parametrize(
    ("rate", "rules"),
    [(16, {"max_batch": 1}), (90, {"max_batch": 8}), (40, {"max_batch": 8, "max_wait": 0.1})],
)
def test_the_simulator_is_near_the_real_server(rate, rules):
    planned = poisson(rate, 1.6, seed=1)
    with Served(MODEL, **rules) as server:
        real = load.open_loop(load.target(server), planned)
    simulated = simulate(planned, LINE, **rules)
    assert real.ok.all()
    assert real.goodput == pytest.approx(simulated.goodput, rel=0.25)
    for share in (0.25, 0.5):
        said = simulated.percentile(share)
        assert 0.95 * said < real.percentile(share) < 1.5 * said + 0.02


def test_overload_grows_without_a_limit_and_a_limit_keeps_goodput_with_a_tenth_of_the_p99():
    planned, answers = poisson(75, 1.5, seed=2), {}
    for limit in (1000, 4):
        with Served(MODEL, max_batch=1, queue_limit=limit) as server:
            answers[limit] = load.open_loop(load.target(server), planned)
    without, limited = answers[1000], answers[4]
    said = theory.overload_latency(len(planned) / 1.5, theory.capacity(LINE, 1), planned[-1])
    assert 0.9 * said < without.latency[-1] < 2 * said
    assert without.percentile(0.99) > 8 * limited.percentile(0.99)
    assert limited.goodput == pytest.approx(without.goodput, rel=0.2)
    assert limited.failed == without.failed == without.refused == 0
    assert limited.refused == pytest.approx(0.68, abs=0.15)


def test_five_clients_that_wait_hide_that_it_is_overloaded_and_obey_little():
    with Served(MODEL, max_batch=1) as server:
        real = load.closed_loop(load.target(server), clients=5, seconds=1.5)
    said = simulate_closed(5, 1.5, LINE).latency.mean()
    assert 0.9 * said < real.latency.mean() < 1.6 * said
    assert real.latency.mean() * real.goodput == pytest.approx(5, rel=0.2)


def test_waiting_for_a_fuller_batch_harms_independent_requests_and_helps_those_that_come_together():
    alone, found = poisson(8, 1.2, seed=1), {}
    together = (0.3 * np.arange(4)[:, None] + np.linspace(0, 0.02, 8)).ravel()
    for wait in (0.0, 0.1):
        with Served("emulated:80+1", max_batch=8, max_wait=wait) as server:
            goal = load.target(server)
            for name, planned in (("together", together), ("alone", alone)):
                found[name, wait] = load.open_loop(goal, planned).latency.mean()
            found["clients", wait] = load.closed_loop(goal, 8, 1.0).goodput
    assert found["alone", 0.1] > 1.3 * found["alone", 0.0]
    assert found["together", 0.1] < 0.9 * found["together", 0.0]
    assert found["clients", 0.1] > 1.2 * found["clients", 0.0]


def test_a_stall_is_seen_from_the_plan_and_omitted_by_a_client_that_waits():
    planned = np.arange(200) / 100
    with Served("emulated:1+0", max_batch=8) as server:
        goal = load.target(server)
        with load.stalled(server, after=0.5, seconds=1.0):
            one = load.one_by_one(goal, planned)
        with load.stalled(server, after=0.5, seconds=1.0):
            all_ = load.open_loop(goal, planned)
    assert np.mean(one.response > 0.3) < 0.03  # one request met it
    for answers in (one, all_):
        said = theory.stall_percentile(1.0, 2.0, share=0.9)
        assert answers.percentile(0.9) == pytest.approx(said, rel=0.4)
    assert percentile(one.response, 0.95) < 0.2 * all_.percentile(0.95)


def test_an_answer_on_an_open_connection_does_not_wait_for_an_acknowledgment():
    with Served("emulated:0+0") as server:
        stream = load.closed_loop(load.target(server), clients=1, seconds=1.0)
    assert stream.percentile(0.25) < 0.03  # of 40 ms that two small packets may wait
