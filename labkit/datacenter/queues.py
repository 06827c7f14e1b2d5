"""Queues in formulas: how long a request waits, for how many servers, under which policy.

Requests come at random (Poisson). Loads are in erlangs: arrivals a second times mean seconds of
service, so that a load of 9 keeps nine servers busy. The utilization is load / servers. A queue
that gets as much as it can do, or more, has no mean: these functions return infinity then. A load
below 0, or no server, is a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, takewhile
from math import erf, exp, inf, pi, sqrt

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
    return erlang_c(servers, load) * seconds / (servers - load) if load < servers else inf


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
