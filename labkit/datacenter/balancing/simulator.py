"""Many servers with a line before each, simulated: a policy says who gets the next request.

A server works first come, first served, so the moment at which a request will be finished is known
when it joins a line: nothing has to be simulated but arrivals, and a heap tells which requests have
left by then. Plain Python, because NumPy that is called for each request is slower than lists.
Times count in mean service times of a server of speed 1.

Lesson: 24_load_balancing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import cycle
from math import inf
from random import Random
from typing import NamedTuple

import numpy as np

# A policy gets how many requests each server has, as far as it sees, and returns whose turn it is.
Policy = Callable[[Sequence[float]], int]


class Run(NamedTuple):
    """What became of each request, in the order of arrival.

    Attributes:
        arrivals: when it came, shape (requests,).
        seconds: its time in line and in service, shape (requests,).
        chosen: who served it, shape (requests,).
    """

    arrivals: np.ndarray
    seconds: np.ndarray
    chosen: np.ndarray


def simulate(
    policy: str | Policy,
    servers: int = 10,
    utilization: float = 0.9,
    requests: int = 200_000,
    seed: int = 0,
    staleness: float = 0.0,
    speeds: Sequence[float] | None = None,
    variation: float = 1.0,
) -> Run:
    """Return what became of each request under a policy; the system starts empty.

    Runs with the same seed get the same requests at the same moments, whatever the policy.

    Args:
        policy: a name of `POLICIES`, or a function that gets the number of requests at each server
            (a tuple) and returns the number of a server, 0 to servers - 1.
        servers: how many.
        utilization: work that comes over work that all servers can do, above 0.
        requests: how many come, at random moments (Poisson).
        seed: of arrivals, of service times, and of what a named policy draws.
        staleness: time from one report of the servers to the next; in between a policy sees the
            last one. 0: it always sees how things are.
        speeds: of each server; all 1 if not given.
        variation: variance of the service time over its squared mean: 1 exponential, 0 all equal,
            more than 1: a few long ones among many short ones (gamma).

    Raises:
        ValueError: settings without a meaning, or an answer that is no number of a server.

    Source of the reports: Mitzenmacher, How useful is old information? (2000), periodic update.

    >>> run = simulate("two choices", requests=1000)
    >>> run.seconds.shape, bool(run.seconds.min() > 0)
    ((1000,), True)
    >>> simulate(lambda lengths: lengths.index(min(lengths)), servers=3, requests=5).chosen.tolist()
    [0, 1, 2, 0, 1]
    """
    speeds = [1.0] * servers if speeds is None else [float(speed) for speed in speeds]
    _check(servers, utilization, requests, staleness, speeds, variation)
    random = np.random.default_rng(seed)
    arrivals = random.exponential(1 / (utilization * sum(speeds)), requests).cumsum()
    works = random.gamma(1 / variation, variation, requests) if variation else np.ones(requests)
    return replay(policy, arrivals, works, speeds, seed, staleness)


def replay(
    policy: str | Policy,
    arrivals: np.ndarray,
    works: np.ndarray,
    speeds: Sequence[float],
    seed: int = 0,
    staleness: float = 0.0,
) -> Run:
    """Return what becomes of given requests: those that a real server got, say.

    Args:
        policy: as in `simulate`.
        arrivals: when each comes, ascending, shape (requests,).
        works: seconds of service that each needs at a server of speed 1, shape (requests,).
        speeds: of each server.
        seed: of what a named policy draws.
        staleness: as in `simulate`.

    >>> run = replay("round robin", np.array([0.0, 0.5, 1.0]), np.array([2.0, 1.0, 1.0]), [1, 1])
    >>> run.seconds.tolist()
    [2.0, 1.0, 2.0]
    """
    choose = _choice(policy, len(speeds), seed)
    found = _serve(choose, policy == "least work", arrivals, works, list(speeds), staleness)
    return Run(arrivals, *found)


def _serve(
    choose: Policy,
    sees_work: bool,
    arrivals: np.ndarray,
    works: np.ndarray,
    speeds: list[float],
    staleness: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the time inside and the server of each request."""
    lengths, free = [0] * len(speeds), [0.0] * len(speeds)  # who has how many, is free when
    now_seen = free if sees_work else lengths
    seen, report = (now_seen[:], 0.0) if staleness else (now_seen, inf)
    leaving = [(inf, 0)]  # heap of (moment, server)
    slowness = [1 / speed for speed in speeds]
    seconds, chosen = [], []
    for now, work in zip(arrivals.tolist(), works.tolist(), strict=True):
        if now >= report:
            report = now - now % staleness
            _leave(leaving, lengths, report)
            seen, report = now_seen[:], report + staleness
        while leaving[0][0] <= now:  # as _leave, without the price of a call for each request
            lengths[heappop(leaving)[1]] -= 1
        server = choose(seen)
        begin = free[server]
        end = free[server] = (begin if begin > now else now) + work * slowness[server]
        lengths[server] += 1
        heappush(leaving, (end, server))
        seconds.append(end - now)
        chosen.append(server)
    return np.array(seconds), np.array(chosen)


def _leave(leaving: list, lengths: list[int], now: float) -> None:
    """Take away the requests that are finished by now."""
    while leaving[0][0] <= now:
        lengths[heappop(leaving)[1]] -= 1


def lengths_at(run: Run, moments: np.ndarray, servers: int) -> np.ndarray:
    """Return how many requests each server has at these moments, shape (servers, moments).

    >>> run = Run(np.array([0.0, 1.0]), np.array([3.0, 1.0]), np.array([0, 1]))
    >>> lengths_at(run, np.array([0.5, 1.5, 2.5]), servers=2).tolist()
    [[1, 1, 1], [0, 1, 0]]
    """
    left = run.arrivals + run.seconds
    counts = []
    for server in range(servers):
        mine = run.chosen == server  # a server's requests leave in the order in which they came
        came, gone = (np.searchsorted(t[mine], moments, "right") for t in (run.arrivals, left))
        counts.append(came - gone)
    return np.array(counts)


# --- policies -----------------------------------------------------------------------------------


def _random(servers: int, random: Random) -> Policy:
    draw = random.random
    return lambda lengths: int(draw() * servers)


def _round_robin(servers: int, random: Random) -> Policy:
    turns = cycle(range(servers))
    return lambda lengths: next(turns)


def _two_choices(servers: int, random: Random) -> Policy:
    draw, others = random.random, servers - 1

    def choose(lengths: Sequence[float]) -> int:
        one, other = int(draw() * servers), int(draw() * others)
        other += other >= one  # never the same twice
        return one if lengths[one] <= lengths[other] else other

    return choose if others else lambda lengths: 0


def _least(servers: int, random: Random) -> Policy:
    draw = random.random

    def choose(lengths: Sequence[float]) -> int:
        least = min(lengths)
        if lengths.count(least) == 1:
            return lengths.index(least)
        equal = [server for server, n in enumerate(lengths) if n == least]
        return equal[int(draw() * len(equal))]

    return choose


# Name -> what makes the policy for so many servers. "least work" is shown not how many requests a
# server has, but when it will have finished them; so it serves everyone as one common line would.
POLICIES: dict[str, Callable[[int, Random], Policy]] = {
    "random": _random,
    "round robin": _round_robin,
    "two choices": _two_choices,
    "least connections": _least,
    "least work": _least,
}


def _choice(policy: str | Policy, servers: int, seed: int) -> Policy:
    """Return the function that chooses; one from outside can neither change nor leave the lines."""
    if isinstance(policy, str):
        if policy not in POLICIES:
            raise ValueError(
                f"policy must be a function or one of {', '.join(POLICIES)}. Received: {policy!r}"
            )
        return POLICIES[policy](servers, Random(seed))
    numbers = range(servers)

    def choose(lengths: Sequence[float]) -> int:
        server = policy(tuple(lengths))
        if isinstance(server, np.ndarray) or server not in numbers:
            raise ValueError(
                f"a policy returns the number of a server, 0 to {servers - 1}. It returned "
                f"{server!r} when the servers had {list(lengths)} requests."
            )
        return int(server)

    return choose


def _check(
    servers: int,
    utilization: float,
    requests: int,
    staleness: float,
    speeds: list[float],
    variation: float,
) -> None:
    if servers < 1 or requests < 1:
        raise ValueError(
            f"there is at least one server and one request. Received: {servers}, {requests}"
        )
    if not utilization > 0 or staleness < 0 or variation < 0:
        raise ValueError(
            "utilization must be above 0, staleness and variation 0 or more. Received: "
            f"{utilization}, {staleness}, {variation}"
        )
    if len(speeds) != servers or min(speeds) <= 0:
        raise ValueError(
            f"speeds are {servers} numbers above 0, one for each server. Received: {speeds}"
        )
