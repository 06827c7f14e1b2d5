"""Queues in formulas: how long a request waits, for how many servers, under which policy.

Requests come at random (Poisson). Loads are in erlangs: arrivals a second times mean seconds of
service, so that a load of 9 keeps nine servers busy. The utilization is load / servers. A queue
that gets as much as it can do, or more, has no mean: these functions return infinity then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count, takewhile
from math import ceil, erf, exp, expm1, inf, log, pi, sqrt


def little(rate: float, seconds: float) -> float:
    """Return how many requests are inside on average, whatever the queue: L = lambda T.

    Args:
        rate: requests a second that come (and leave).
        seconds: mean time that one is inside.

    Source: Little, A proof for the queuing formula L = lambda W (1961).

    >>> little(rate=9, seconds=0.5)
    4.5
    """
    return rate * seconds


# --- one server -----------------------------------------------------------------------------------


def mg1_wait(utilization: float, seconds: float = 1.0, variation: float = 1.0) -> float:
    """Return the mean seconds in line before one server, for any law of the service.

    Args:
        utilization: share of the time that the server is busy, 0 or more.
        seconds: mean service time.
        variation: variance of the service time over its squared mean: 1 for exponential times
            (M/M/1), 0 for equal times (M/D/1).

    Source: Pollaczek (1930), Khinchine (1932).

    >>> mg1_wait(0.5), mg1_wait(0.5, variation=0)
    (1.0, 0.5)
    """
    if _check_load(utilization, 1) >= 1:
        return inf
    return seconds * utilization / (1 - utilization) * (1 + variation) / 2


def mm1_time(utilization: float, seconds: float = 1.0) -> float:
    """Return the mean seconds in line and in service: exponential service, one server.

    Random balancing over equal servers makes of each one such a queue.

    >>> round(mm1_time(0.9), 6)
    10.0
    """
    return mg1_wait(utilization, seconds) + seconds


# --- many servers, one line -----------------------------------------------------------------------


def erlang_b(servers: int, load: float) -> float:
    """Return the share of requests that find all servers busy, where nobody waits (M/G/c/c).

    Args:
        servers: how many.
        load: in erlangs.

    Source: Erlang (1917), by the recursion over the number of servers.

    >>> round(erlang_b(2, 1.0), 6)
    0.2
    """
    _check_load(load, servers)
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Return the share of requests that have to wait in one line before all servers (M/M/c).

    Source: Erlang (1917).

    >>> round(erlang_c(2, 1.0), 6)
    0.333333
    """
    blocked = erlang_b(servers, load)
    return blocked / (1 - load / servers * (1 - blocked)) if load < servers else 1.0


def mmc_wait(servers: int, load: float, seconds: float = 1.0) -> float:
    """Return the mean seconds in line.

    >>> round(mmc_wait(10, 9.0), 3)
    0.669
    """
    return erlang_c(servers, load) * _wait_of_who_waits(servers, load, seconds)


def mmc_wait_quantile(servers: int, load: float, share: float, seconds: float = 1.0) -> float:
    """Return the seconds in line that this share of the requests does not exceed.

    Args:
        servers: how many.
        load: in erlangs.
        share: 0.99 for the p99, below 1.
        seconds: mean service time.

    Source: who waits, waits for an exponential time of mean seconds / (servers - load).

    >>> round(mmc_wait_quantile(10, 9.0, 0.99), 2)
    4.2
    """
    beyond = 1 - _check_share(share)
    waiting = erlang_c(servers, load)
    if waiting <= beyond:
        return 0.0
    return _wait_of_who_waits(servers, load, seconds) * log(waiting / beyond)


def mmc_time_beyond(servers: int, load: float, limit: float, seconds: float = 1.0) -> float:
    """Return the share of requests that take longer than `limit` seconds, line and service.

    >>> round(mmc_time_beyond(1, 0.5, limit=2.0), 6) == round(exp(-1), 6)
    True
    """
    waiting = erlang_c(servers, load)
    if load >= servers:
        return 1.0
    time, gap = limit / seconds, servers - load - 1
    # (1 - e^(-gap t)) / gap, which is t where the gap closes
    both = -expm1(-gap * time) / gap if abs(gap) > 1e-9 else time
    return exp(-time) * (1 + waiting * both)


def mmc_time_quantile(servers: int, load: float, share: float, seconds: float = 1.0) -> float:
    """Return the seconds, line and service, that this share of the requests does not exceed.

    >>> round(mmc_time_quantile(1, 0.5, 0.99), 2)  # M/M/1: exponential of mean 1 / (1 - 0.5)
    9.21
    """
    beyond = 1 - _check_share(share)
    if load >= servers:
        return inf
    return _root(lambda t: beyond - mmc_time_beyond(servers, load, t)) * seconds


def _wait_of_who_waits(servers: int, load: float, seconds: float) -> float:
    """Return the mean wait of those who wait."""
    return seconds / (servers - load) if load < servers else inf


# --- a line before each server --------------------------------------------------------------------


def round_robin_time(servers: int, utilization: float, seconds: float = 1.0) -> float:
    """Return the mean seconds, line and service, where requests go to the servers in turn.

    Each server then sees every c-th arrival: an E_c/M/1 queue.

    Args:
        servers: c.
        utilization: of each.
        seconds: mean service time, exponential.

    Source: the root of sigma = A(mu (1 - sigma)) for a GI/M/1 queue (Kendall, 1953).

    >>> round(round_robin_time(10, 0.9), 2)
    5.66
    """
    if _check_load(utilization, 1) >= 1:
        return inf
    stage = servers * utilization

    def rising(idle: float) -> float:  # idle = 1 - sigma, which has another root at 0
        return (stage / (stage + idle)) ** servers - (1 - idle)

    return seconds / _between(rising, (1 - utilization) / 2, 1.0)


def split_time(
    load: float, speeds: Sequence[float], shares: Sequence[float], seconds: float = 1.0
) -> float:
    """Return the mean seconds where each request is sent to a server by chance, by fixed shares.

    Each server then is an M/M/1 queue of its own, whether all are equally fast or not.

    Args:
        load: in erlangs, for a server of speed 1.
        speeds: of each server.
        shares: of the requests, for each server; together 1.
        seconds: mean service time at speed 1.

    Raises:
        ValueError: shares that are not one for each server, or not 1 together.

    >>> round(split_time(3.2, speeds=[1, 3], shares=[0.25, 0.75]), 6)  # both at 0.8
    2.5
    >>> split_time(3.2, speeds=[1, 3], shares=[0.5, 0.5])  # more than the slow one can do
    inf
    """
    if len(shares) != len(speeds) or abs(sum(shares) - 1) > 1e-9 or min(shares) < 0:
        raise ValueError(
            f"shares are one for each of {len(speeds)} servers, and 1 together. Received: {shares}"
        )
    times = [
        share * mm1_time(load * share / speed, seconds / speed)
        for share, speed in zip(shares, speeds, strict=True)
        if share
    ]
    return sum(times)


def two_choices_time(utilization: float, seconds: float = 1.0, choices: int = 2) -> float:
    """Return the mean seconds where each request takes the shorter line of two drawn at random.

    This is the limit of many servers (mean field); ten servers need some tenths more.

    Args:
        utilization: of each server.
        seconds: mean service time, exponential.
        choices: how many lines are looked at; 1 is random.

    Source: Vvedenskaya, Dobrushin, Karpelevich (1996); Mitzenmacher (1996).

    >>> round(two_choices_time(0.9), 2)
    2.61
    """
    if _check_load(utilization, 1) >= 1:
        return inf
    places = (sum(choices**n for n in range(1, i)) for i in count(1))
    terms = (utilization**place for place in places)
    return seconds * sum(takewhile(lambda term: term > 1e-16, terms))


# --- how many servers -----------------------------------------------------------------------------


def servers_needed(load: float, share: float, longest: float, seconds: float = 1.0) -> int:
    """Return the fewest servers with which this share of the requests waits at most `longest`.

    Args:
        load: in erlangs.
        share: 0.99 for the p99.
        longest: seconds in line.
        seconds: mean service time.

    >>> servers_needed(load=9.0, share=0.99, longest=1.0)
    13
    """
    _check_share(share)
    numbers = count(max(1, ceil(load)))
    return next(c for c in numbers if mmc_wait_quantile(c, load, share, seconds) <= longest)


def square_root_servers(load: float, waiting: float) -> float:
    """Return load + beta sqrt(load): about so many servers let this share of requests wait.

    Args:
        load: in erlangs; the formula is meant for many.
        waiting: share of requests that have to wait, between 0 and 1.

    Source: Halfin and Whitt, Heavy-traffic limits for queues with many exponential servers (1981).

    >>> round(square_root_servers(100, waiting=0.5), 1)
    105.1
    """
    beta = _root(lambda b: waiting - halfin_whitt(b))
    return load + beta * sqrt(load)


def halfin_whitt(beta: float) -> float:
    """Return the share of requests that wait, for load + beta sqrt(load) servers and many of them.

    >>> round(halfin_whitt(0.5), 3)
    0.505
    """
    below = (1 + erf(beta / sqrt(2))) / 2
    density = exp(-(beta**2) / 2) / sqrt(2 * pi)
    return 1 / (1 + beta * below / density) if density else 0.0


def _root(rising: Callable[[float], float]) -> float:
    """Return where a rising function of a number above 0 crosses 0."""
    high = 1.0
    while rising(high) < 0:
        high *= 2
    return _between(rising, 0.0, high)


def _between(rising: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function that is negative at `low` and positive at `high` crosses 0."""
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def _check_load(load: float, servers: int) -> float:
    if load < 0 or servers < 1:
        raise ValueError(
            f"load and utilization are 0 or more, and there is at least one server. Received: "
            f"load {load}, servers {servers}"
        )
    return load


def _check_share(share: float) -> float:
    if not 0 <= share < 1:
        raise ValueError(
            f"share must lie in [0, 1): 0.99 for the p99; some request always takes longer. "
            f"Received: {share}"
        )
    return share
