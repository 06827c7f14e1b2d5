"""What a server with batches can do, in formulas: capacity, latency, overload, queue limits.

A batch of b requests takes a + c b seconds, a `labkit.datacenter.steps.Line`: a for the call,
however many it computes, c for each of them.

Lesson: 23_serving.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from labkit.datacenter.steps import Line
from labkit.machine import one_thread

# --- how much it can do ---------------------------------------------------------------------------


def capacity(line: Line, batch: int) -> float:
    """Return the requests a second of a server that always computes full batches: b / (a + c b).

    Args:
        line: seconds of a batch.
        batch: requests in it, at least 1.

    Raises:
        ValueError: a batch below 1.

    >>> line = Line(0.050, 0.002)
    >>> [round(capacity(line, b), 1) for b in (1, 8, 32)]
    [19.2, 121.2, 280.7]
    """
    if batch < 1:
        raise ValueError(f"a batch holds at least 1 request. Received: {batch!r}")
    return batch / line.seconds(batch)


# --- in a steady state ----------------------------------------------------------------------------


class Steady(NamedTuple):
    """A server after a long time, on average.

    Attributes:
        latency: seconds of a request that is not refused, from arrival to answer.
        batch: requests in a batch.
        busy: share of the time in which it computes.
        refused: share of the requests that find the queue full.
    """

    latency: float
    batch: float
    busy: float
    refused: float


def steady(line: Line, rate: float, max_batch: int, queue_limit: int | None = None) -> Steady:
    """Return what a server does in the long run that computes all that waits, up to `max_batch`.

    Requests come as a Poisson process, and an idle server starts at once. How many wait when a
    batch is done is a Markov chain: of q waiting, min(q, max_batch) are taken, and those who come
    while these are computed are added. Mean latency then follows by Little's law. With
    `max_batch=1` and no limit this is the queue M/D/1.

    Args:
        line: seconds of a batch.
        rate: requests a second, above 0.
        max_batch: most requests of a batch.
        queue_limit: most requests that wait, those in the batch not counted; None for no limit.

    Raises:
        ValueError: no limit and a rate of the capacity or more: the queue grows forever.

    Source: the embedded Markov chain as in Inoue, Queueing Analysis of GPU-Based Inference Servers
        with Dynamic Batching (Performance Evaluation, 2021).

    >>> steady(Line(0.050, 0.0), rate=10, max_batch=1).latency  # M/D/1: s + rate s^2 / (2 (1 - u))
    0.075
    """
    most = _places(line, rate, max_batch) if queue_limit is None else queue_limit
    waiting = np.arange(most + 1)
    batch = np.clip(waiting, 1, max_batch)  # an empty server waits for one, and computes it
    left, seconds = np.maximum(waiting - max_batch, 0), line.seconds(batch)
    share = _stationary(_moves(batch, left, rate * line.seconds(np.arange(1, max_batch + 1))))
    cycle = share @ seconds + share[0] / rate
    served = share @ batch / cycle
    held = batch * seconds + _waited(batch, left, seconds, rate)
    return Steady(
        latency=round(float(share @ held / cycle / served), 12),
        batch=float(share @ batch),
        busy=float(share @ seconds / cycle),
        refused=max(0.0, float(1 - served / rate)),
    )


def _moves(batch: np.ndarray, left: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return the chain's matrix: from each state, `left` of them stay, and Poisson(mean) come.

    Args:
        batch, left: requests taken and not taken from each state, (n,).
        mean: requests that come during a batch of 1, 2, ...
    """
    from scipy.special import pdtr

    places = np.arange(len(left))
    at_most = np.pad(pdtr(places, mean[:, None]), ((0, 0), (1, 0)))  # column k: fewer than k come
    come = np.maximum(places[None, :] - left[:, None], 0)
    below = at_most[batch[:, None] - 1, come]
    return np.diff(below, axis=1, append=1.0)  # all who come beyond the limit stay outside


def _stationary(moves: np.ndarray) -> np.ndarray:
    """Return the share of time in each state of a chain: p = p M, all shares together 1."""
    size = len(moves)
    system = moves.T - np.eye(size)
    system[-1] = 1
    with one_thread():
        return np.linalg.solve(system, np.eye(size)[-1])


def _waited(batch: np.ndarray, left: np.ndarray, seconds: np.ndarray, rate: float) -> np.ndarray:
    """Return the integral of the number that waits over a batch, for each state.

    With K places and r left it is min(r + N, K) = K - (sum over n < K - r of [N <= n]), and the
    integral of P(N <= n) over a batch is the sum over i <= n of P(N > i) / rate.
    """
    from scipy.special import pdtrc

    most = len(left) - 1
    _, first, same = np.unique(batch, return_index=True, return_inverse=True)
    free = np.arange(most)
    above = pdtrc(free, rate * seconds[first][:, None]) / rate
    room = np.maximum(most - left[:, None] - free, 0)
    return most * seconds - (room * above[same]).sum(axis=1)


def _places(line: Line, rate: float, max_batch: int) -> int:
    """Return a number of places in the queue that are never all taken, up to 1 of 10^10.

    Far out, a queue is z times less likely with each place, z^b = e^(rate t(b) (z - 1)).
    """
    load = rate / capacity(line, max_batch)
    if load >= 1:
        raise ValueError(
            f"{rate:g} a second on a capacity of {rate / load:g}: the queue grows without limit. "
            "Set queue_limit, raise max_batch, or lower the rate"
        )
    low, high = 1 + (1 - load) * 1e-9, 2 + 60 / load
    for _ in range(60):
        middle = (low + high) / 2
        grows = max_batch * math.log(middle) < max_batch * load * (middle - 1)
        low, high = (low, middle) if grows else (middle, high)
    return max_batch + math.ceil(10 * math.log(10) / math.log(low)) + 10


# --- in overload ----------------------------------------------------------------------------------


def overload_latency(rate: float, capacity: float, time: float | np.ndarray) -> float | np.ndarray:
    """Return the seconds that a request waits that comes at a time, if nobody is refused.

    rate x time have come before it, capacity x time of them are answered; the others take
    (rate / capacity - 1) x time.

    Args:
        rate, capacity: requests a second.
        time: seconds since the first request.

    >>> overload_latency(rate=40, capacity=20, time=10)
    10.0
    """
    return max(rate / capacity - 1, 0.0) * time


def worst_latency(line: Line, max_batch: int, queue_limit: int, max_wait: float = 0.0) -> float:
    """Return the seconds that nobody let in exceeds: a batch has just begun, all places are full.

    Args:
        line: seconds of a batch.
        max_batch: most requests of a batch.
        queue_limit: most requests that wait, its own included; at least 1.
        max_wait: seconds that an idle server waits for a fuller batch.

    >>> round(worst_latency(Line(0.050, 0.002), max_batch=1, queue_limit=5), 3)
    0.312
    """
    batches = math.ceil(queue_limit / max_batch)
    return max_wait + (1 + batches) * line.seconds(max_batch)


# --- what a client makes of it --------------------------------------------------------------------


def stall_percentile(stall: float, seconds: float, share: float, usual: float = 0.0) -> float:
    """Return the percentile of latency when a server stands still once, seen from planned arrivals.

    Who comes x seconds before the end of the stall waits x: of all, (stall - x) / seconds wait
    longer. So that share is 1 - share at x = stall - (1 - share) seconds.

    Args:
        stall: seconds that it stands still.
        seconds: of the whole measurement.
        share: of the requests that do not exceed what is returned; 0.99 for p99.
        usual: seconds of a request otherwise.

    >>> round(stall_percentile(stall=1, seconds=10, share=0.99), 3)
    0.9
    """
    return max(usual, stall - (1 - share) * seconds)
