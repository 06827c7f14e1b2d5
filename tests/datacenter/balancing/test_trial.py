"""The same requests on real replicas and in the simulator; what a kill costs under each setting."""

import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import psutil
import pytest
from helpers import are_gone, wait_until

from labkit.datacenter import queues
from labkit.datacenter.balancing import proxy, trial
from labkit.datacenter.balancing.proxy import Proxy
from labkit.datacenter.serving import served

ROOT = Path(trial.__file__).parents[3]
needs_extras = pytest.mark.skipif(bool(trial.missing()), reason="an extra is missing")


def test_a_long_trace_is_the_queue_of_the_formulas():
    trace = trial.poisson(4, 0.7, 0.05, seconds=4000)
    assert trace.works.mean() == pytest.approx(0.05, rel=0.02)
    for policy, wanted in [
        ("random", queues.mm1_time(0.7, 0.05)),
        ("round robin", queues.round_robin_time(4, 0.7, 0.05)),
        ("least work", 0.05 + queues.mmc_wait(4, 2.8, 0.05)),
    ]:
        assert trial.simulated(policy, trace, 4).mean() == pytest.approx(wanted, rel=0.06), policy


def test_what_a_request_costs_besides_is_found_again():
    trace = trial.poisson(4, 0.7, 0.05, seconds=20, seed=3)
    for cost in (0.0, 0.002, 0.01):
        mean = trial.simulated("round robin", trace, 4, cost).mean()
        assert trial.fitted_overhead(trace, 4, mean) == pytest.approx(cost, abs=1e-6)


def test_at_the_chosen_moment_every_server_is_busy():
    for seed in range(5):
        trace = trial.poisson(4, 0.6, 0.05, seconds=2.5, seed=seed)
        at = trial.busy_moment(trace, 4)
        assert 0.5 < at < 1.5
        run = trial.simulator.replay("round robin", trace.arrivals, trace.works, [1.0] * 4)
        assert trial.simulator.lengths_at(run, np.array([at]), 4).min() >= 1


def first_looks(lengths, draws=4000):
    """Return how often each server is chosen at these lengths, as a share."""
    choose = trial._as_caddy(len(lengths), Random(5))
    return np.bincount([choose(lengths) for _ in range(draws)], minlength=len(lengths)) / draws


def test_as_caddy_it_looks_in_the_order_that_the_real_one_showed():
    """Shares by hand over the six pairs of four servers and the orders of a reservoir sample."""
    near = lambda *shares: pytest.approx(shares, abs=0.03)
    assert first_looks([0, 0, 0, 0]) == near(1 / 2, 0, 1 / 4, 1 / 4)
    assert first_looks([1, 1, 1, 1]) == near(1 / 4, 1 / 4, 1 / 4, 1 / 4)
    assert first_looks([2, 1, 1, 1]) == near(1 / 4, 1 / 4, 1 / 4, 1 / 4)  # in front: a coin
    assert first_looks([1, 2, 1, 1]) == near(1 / 3, 0, 1 / 3, 1 / 3)  # never in front: left out
    assert first_looks([1, 2])[0] == 1
    assert first_looks([2, 1]) == near(1 / 2, 1 / 2)


def test_as_caddy_two_choices_are_worse_than_they_could_be_and_better_than_chance():
    trace = trial.poisson(4, 0.75, 0.05, seconds=2000)
    names = ("two choices", trial.AS_CADDY, "random")
    good, real, chance = (trial.simulated(name, trace, 4).mean() for name in names)
    assert 1.08 * good < real < 0.7 * chance


@pytest.mark.parametrize(("caddy", "lacks"), [(None, ""), ("/caddy", "no server"), ("/caddy", "")])
def test_what_is_missing_is_said(monkeypatch, caddy, lacks):
    monkeypatch.setattr(proxy, "binary", lambda: caddy)
    monkeypatch.setattr(served, "missing", lambda: lacks)
    assert ("labkit[serve,balance]" in trial.missing()) == (caddy is None or lacks != "")


# --- real processes -------------------------------------------------------------------------------

slow = [pytest.mark.slow, pytest.mark.alone, needs_extras]


@pytest.fixture(scope="module")
def replicas():
    with trial.replicas(3) as servers:
        yield servers


class TestReal:
    pytestmark = slow

    def test_every_request_gets_its_own_answer_through_the_proxy(self, replicas):
        trace = trial.poisson(3, 0.5, 0.02, seconds=1.5)
        before = [each.metrics()["labkit_model_seconds_count"] for each in replicas]
        with Proxy(trial.addresses(replicas)) as front:
            found = trial.send(front, trace)
        counts = [each.metrics()["labkit_model_seconds_count"] for each in replicas]
        assert found.ok.all()
        assert (found.latency >= trace.works - 0.002).all()
        turns = np.subtract(counts, before)
        assert turns.sum() == len(trace.arrivals)
        assert turns.max() - turns.min() <= 1  # round robin

    def test_least_connections_needs_less_time_than_random(self, replicas):
        trace = trial.poisson(3, 0.75, 0.04, seconds=4.0, seed=1)
        means = {}
        for policy in ("random", "least connections"):
            with Proxy(trial.addresses(replicas), policy) as front:
                means[policy] = trial.send(front, trace).latency.mean()
        assert means["least connections"] < means["random"]

    def test_a_kill_costs_a_share_or_those_inside_or_nothing(self):
        trace = trial.poisson(3, 0.5, 0.05, seconds=2.0, seed=2)
        at, lost = trial.busy_moment(trace, 3), {}
        settings = {
            "nothing": {},
            "leaves out": {"passive": 30},
            "again": {"retry": 2, "again": ["POST"]},
        }
        for name, setting in settings.items():
            with (
                trial.replicas(3) as servers,
                Proxy(trial.addresses(servers), **setting) as front,
                trial.later(at, servers[0].kill),
            ):
                lost[name] = int(np.sum(~trial.send(front, trace).ok))
        after = np.sum(trace.arrivals > at + 0.2)
        assert lost["nothing"] >= after // 3 - 1
        assert lost["leaves out"] < lost["nothing"]
        assert lost["again"] == 0


LESSON = """
import sys
sys.path.insert(0, sys.argv[1])
from labkit.datacenter.balancing import trial
from labkit.datacenter.balancing.proxy import Proxy
with trial.replicas(2) as servers, Proxy(trial.addresses(servers)) as front:
    print(*[each.pid for each in servers], front.pid, flush=True)
    trial.send(front, trial.poisson(2, 0.5, 0.02, seconds=60))
"""


@pytest.mark.slow
@pytest.mark.alone
@needs_extras
def test_a_killed_lesson_leaves_neither_replicas_nor_proxy():
    lesson = subprocess.Popen([sys.executable, "-c", LESSON, str(ROOT)], stdout=subprocess.PIPE)
    pids = [int(word) for word in lesson.stdout.readline().split()]
    assert len(pids) == 3
    assert all(map(psutil.pid_exists, pids))
    lesson.send_signal(signal.SIGKILL)
    lesson.communicate()
    wait_until(lambda: are_gone(pids), 20)
