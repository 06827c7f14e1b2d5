"""Capacity when things go wrong: retries, a sudden crowd, parts that fail together.

The simulations take seconds of simulated time; each has a formula beside it that leaves out chance.

Lesson: 24_load_balancing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush, heapreplace
from math import ceil, inf
from typing import NamedTuple

import numpy as np

from labkit.datacenter.hall import enough
from labkit.datacenter.serving.traffic import poisson

# --- retries --------------------------------------------------------------------------------------


def recovery(rate: float, capacity: float, outage: float, extra: float = 0.0) -> float:
    """Return the seconds from the end of an outage until its backlog is worked off, or infinity.

    Args:
        rate: requests a second.
        capacity: tries a second that the servers can answer.
        outage: seconds without service.
        extra: retries for each request while all is late: the number of retries, or the budget.

    Source: the backlog, outage x rate x (1 + extra), over what is left of the capacity. Servers
    that work off what nobody waits for any more never get out of it if nothing is left.

    >>> recovery(rate=70, capacity=100, outage=10), recovery(70, 100, 10, extra=2)
    (23.333333333333332, inf)
    """
    offered = rate * (1 + extra)
    return outage * offered / (capacity - offered) if offered < capacity else inf


class Storm(NamedTuple):
    """What became of requests: arrays of seconds.

    Attributes:
        planned: when each was sent first.
        done: when its answer came in time; infinity if none did.
        tries: when each try was sent, first ones and retries.
    """

    planned: np.ndarray
    done: np.ndarray
    tries: np.ndarray

    def goodput(self, width: float = 1.0) -> np.ndarray:
        """Return requests answered in time, by the second of their begin, each `width` long."""
        return _per_second(self.planned[np.isfinite(self.done)], self.planned[-1], width)

    def offered(self, width: float = 1.0) -> np.ndarray:
        """Return tries a second."""
        return _per_second(self.tries, self.planned[-1], width)


def retry_storm(
    rate: float,
    servers: int,
    seconds: float,
    *,
    timeout: float,
    retries: int,
    allow: Callable[[int, int], bool] = lambda requests, retries: True,
    outage: tuple[float, float] = (20.0, 30.0),
    until: float = 120.0,
    window: float = 10.0,
    seed: int = 0,
) -> Storm:
    """Simulate clients that give up after a time-out and try again, and servers that do not know.

    Servers take all tries from one line, in order; also those that nobody waits for any more.

    Args:
        rate: requests a second.
        servers: how many.
        seconds: mean service time, exponential.
        timeout: seconds after which a client gives up a try.
        retries: how often it tries again, at most.
        allow: gets the requests (at least 1) and the retries sent in the last `window` seconds;
            says whether one more retry may be sent.
        outage: begin and end of a time in which no server begins anything.
        until: seconds for which requests come.
        window: seconds.
        seed: of arrivals and service times.

    Source: Bronson and others, Metastable failures in distributed systems, HotOS 2021.

    >>> calm = retry_storm(70, 10, 0.1, timeout=1, retries=2, outage=(0, 0))
    >>> len(calm.tries) - len(calm.planned) < 5
    True
    """
    rng = np.random.default_rng(seed)
    planned = poisson(rate, until, rng)
    done, sent = np.full(len(planned), inf), []
    waiting = [(time, n, 0) for n, time in enumerate(planned.tolist())]  # sorted: a heap already
    free = [0.0] * servers
    recent: tuple[deque, deque] = (deque(), deque())  # times of requests, times of retries
    while waiting:
        now, n, tried = heappop(waiting)
        for times in recent:
            while times and times[0] < now - window:
                times.popleft()
        if tried and not allow(max(1, len(recent[0])), len(recent[1])):
            continue
        recent[tried > 0].append(now)
        sent.append(now)
        begin = max(now, free[0])
        end = (outage[1] if outage[0] <= begin < outage[1] else begin) + rng.exponential(seconds)
        heapreplace(free, end)
        if end <= now + timeout:
            done[n] = end
        elif tried < retries:
            heappush(waiting, (now + timeout, n, tried + 1))
    return Storm(planned, done, np.array(sent))


def _per_second(times: np.ndarray, until: float, width: float) -> np.ndarray:
    counts, _ = np.histogram(times, np.arange(0, until + width, width))
    return counts / width


# --- servers that come and go ---------------------------------------------------------------------


class Scaled(NamedTuple):
    """What a crowd met: arrivals, seconds in line of each; times and numbers of servers booked."""

    arrivals: np.ndarray
    waits: np.ndarray
    times: np.ndarray
    servers: np.ndarray

    @property
    def server_seconds(self) -> float:
        """Seconds paid for, from the first to the last arrival: cold servers are paid for too."""
        spans = np.diff(np.append(self.times, self.arrivals[-1]))
        return float(np.sum(spans * self.servers))


def crowd(before: float, after: float, at: float, until: float, seed: int = 0) -> np.ndarray:
    """Return times of arrivals whose rate jumps.

    Args:
        before, after: requests a second.
        at, until: seconds of the jump and of the end.
        seed: of the arrivals.

    >>> len(crowd(10, 50, at=100, until=200))
    5885
    """
    rng = np.random.default_rng(seed)
    return np.concatenate([poisson(before, at, rng), at + poisson(after, until - at, rng)])


def autoscale(
    arrivals: np.ndarray,
    seconds: float,
    *,
    target: float,
    cold: float,
    period: float = 5.0,
    servers: int = 1,
    seed: int = 0,
) -> Scaled:
    """Simulate servers before one line whose number follows the requests of the last period.

    Args:
        arrivals: times, in order.
        seconds: mean service time, exponential.
        target: utilization aimed at: servers = requests a second x seconds / target, rounded up.
        cold: seconds from booking a server to its first request.
        period: seconds between two decisions.
        servers: at the beginning, and never fewer.
        seed: of the service times.

    Raises:
        ValueError: a target that is no utilization.

    Source: the rule is that of the Horizontal Pod Autoscaler of Kubernetes, without its tolerance.

    >>> scaled = autoscale(crowd(20, 60, 50, 100), 0.1, target=0.5, cold=10, servers=4)
    >>> scaled.servers[:3].tolist(), int(scaled.servers.max())
    ([4, 4, 5], 13)
    """
    if not 0 < target <= 1:
        raise ValueError(f"target is a utilization above 0, at most 1. Received: {target}")
    rng, line, waits, count = np.random.default_rng(seed), deque(), [], 0

    def serve(until: float) -> None:
        while line and (begin := max(line[0], free[0])) <= until:
            waits.append(begin - line.popleft())
            heapreplace(free, begin + rng.exponential(seconds))

    steps, free = [], [0.0] * servers
    for now in np.arange(0, arrivals[-1] + period, period).tolist():
        seen = bisect_left(arrivals, now) - count
        line.extend(arrivals[count : count + seen].tolist())
        count += seen
        serve(now)
        wanted = max(servers, ceil(seen / period * seconds / target)) if now else len(free)
        free = _booked(free, wanted, now, cold)
        steps.append((now, len(free)))
    serve(inf)
    times, booked = np.array(steps).T
    return Scaled(np.asarray(arrivals), np.array(waits), times, booked.astype(int))


def _booked(free: list[float], wanted: int, now: float, cold: float) -> list[float]:
    """Return when each server is free, after booking some more, or letting idle ones go."""
    if wanted >= len(free):
        free = free + [now + cold] * (wanted - len(free))
    else:
        busy = [time for time in free if time > now]
        free = busy + [time for time in free if time <= now][: max(0, wanted - len(busy))]
    heapify(free)
    return free


# --- parts that fail ------------------------------------------------------------------------------


def availability(between: float, outage: float) -> float:
    """Return the share of the time in which something works.

    Args:
        between: mean seconds that it works at a time.
        outage: mean seconds until it works again: to notice, to switch, to mend.

    >>> availability(between=99, outage=1)
    0.99
    """
    return between / (between + outage)


def replicas_up(availability: float, present: int, needed: int = 1, shared: float = 0.0) -> float:
    """Return how often enough replicas are up, if part of what fails them fails all at once.

    Args:
        availability: of one replica.
        present, needed: replicas.
        shared: share of a replica's downtime whose cause all have in common: a power line, a bad
            release, the network, a certificate.

    Source: the beta factor of K. N. Fleming (1975); `hall.enough` for the rest.

    >>> round(replicas_up(0.99, 3), 8), round(replicas_up(0.99, 3, shared=0.1), 5)
    (0.999999, 0.999)
    """
    down = 1 - availability
    return (1 - shared * down) * enough(1 - (1 - shared) * down, needed, present)
