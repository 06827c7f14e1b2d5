"""Control charts: when to call for help, how long that takes, and how often it is for nothing.

A chart keeps one number, its state, takes in one measured value after another, and gives an alarm
when the state is beyond the limit. Values are counted in standard deviations from their usual
mean. The average run length (ARL) is the mean number of values up to an alarm: with no shift it
should be long, with one it should be short. The Markov chain gives it where values are
independent; `run_lengths` counts it in simulated runs, also where each value is like the last.

Lesson: 27_monitoring_and_interpretability.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt
from typing import NamedTuple

import numpy as np


class Chart(NamedTuple):
    """How a state takes in a value, which value would take it where, and what is too far.

    `step(state, value)` returns the next state; `value_for(state, target)` is its inverse. The
    alarm comes when a state leaves [lowest, limit]. A state below 0 becomes 0 where lowest is 0.
    """

    name: str
    step: Callable
    value_for: Callable
    limit: float
    lowest: float


def shewhart(limit: float = 3.0) -> Chart:
    """Return the chart that looks at one value only: an alarm beyond ± limit.

    Args:
        limit: in standard deviations; 3 is the usual one.

    Raises:
        ValueError: a limit that is not above 0.

    Source: Shewhart, Economic control of quality of manufactured product (1931).

    >>> round(arl(shewhart(3.0)))
    370
    """
    _check(limit=limit)
    return Chart("Shewhart", lambda state, value: value, lambda state, to: to, limit, -limit)


def ewma(weight: float = 0.1, width: float = 2.7) -> Chart:
    """Return the chart of the exponentially weighted moving average, two-sided.

    Args:
        weight: lambda, of the newest value, in (0, 1]; 1 is Shewhart's chart.
        width: of the limits, in standard deviations of the average in the long run,
            sqrt(lambda / (2 - lambda)).

    Raises:
        ValueError: a weight outside (0, 1], or a width that is not above 0.

    Source: Roberts, Control chart tests based on geometric moving averages (1959).

    >>> round(arl(ewma(weight=0.1, width=2.814), shift=1.0), 1)  # Lucas and Saccucci: 10.3
    10.3
    """
    _check(weight=weight, width=width)
    if weight > 1:
        raise ValueError(f"the weight of the newest value lies in (0, 1]. Received: {weight}")
    limit = width * sqrt(weight / (2 - weight))

    def step(state, value):
        return (1 - weight) * state + weight * value

    return Chart("EWMA", step, lambda s, to: (to - (1 - weight) * s) / weight, limit, -limit)


def cusum(allowance: float = 0.5, limit: float = 4.0) -> Chart:
    """Return the chart of the cumulative sum, one-sided: it looks for a rise.

    Args:
        allowance: k, taken off each value: half the shift that is to be found.
        limit: h, of the sum.

    Raises:
        ValueError: an allowance or a limit that is not above 0.

    Source: Page, Continuous inspection schemes (1954).

    >>> round(arl(cusum(0.5, 5.0), shift=1.0), 1)  # Montgomery's table: 10.4
    10.4
    """
    _check(allowance=allowance, limit=limit)

    def step(state, value):
        return np.maximum(0.0, state + value - allowance)

    return Chart("CUSUM", step, lambda state, to: to - state + allowance, limit, 0.0)


def rises_only(chart: Chart) -> Chart:
    """Return the chart without its lower side: a state below 0 becomes 0, as that of `cusum` does.

    Charts can be compared only if all look for the same: the lower side costs false alarms, too.

    Args:
        chart: two-sided.

    Source: Champ, Woodall and Mohsen, A generalized quality control procedure (1991), for EWMA.

    >>> round(arl(rises_only(shewhart(3.0))))  # half of the false alarms
    741
    """
    return chart._replace(step=lambda s, z: np.maximum(0.0, chart.step(s, z)), lowest=0.0)


# --- by theory ------------------------------------------------------------------------------------


def arl(chart: Chart, shift: float = 0.0, cells: int = 91) -> float:
    """Return the mean number of values up to an alarm, from state 0, of independent values.

    The states between the limits are cut into cells; from each the chain goes to the others or
    out. The mean number of steps until it is out solves L = 1 + P L.

    Args:
        chart: from `shewhart`, `ewma` or `cusum`.
        shift: of the mean, from the first value on, in standard deviations.
        cells: how many; the error falls with their square. From 100 on the solver takes several
            threads, which costs more than it brings.

    Source: Brook and Evans, An approach to the probability distribution of CUSUM run length (1972).

    >>> round(arl(cusum(0.5, 4.0))), round(arl(cusum(0.5, 4.0), shift=1.0), 1)
    (335, 8.4)
    """
    from scipy.special import ndtr

    edges = np.linspace(chart.lowest, chart.limit, cells + 1)
    states = (edges[1:] + edges[:-1]) / 2
    if chart.lowest == 0:  # the sum rests at exactly 0, a state of its own
        states, edges = np.r_[0.0, states], np.r_[-inf, edges]
    below = ndtr(chart.value_for(states[:, None], edges) - shift)
    steps = np.linalg.solve(np.eye(len(states)) - np.diff(below), np.ones(len(states)))
    first = np.diff(ndtr(chart.value_for(0.0, edges) - shift))
    return float(1 + first @ steps)


def limit_for(make: Callable[[float], Chart], length: float) -> float:
    """Return the limit with which a chart has this ARL when nothing is wrong.

    Two charts can be compared once both are tuned so.

    Args:
        make: chart of one limit, such as `shewhart` or `lambda limit: cusum(0.5, limit)`.
        length: mean number of values up to a false alarm, 2 to 1,000,000.

    Raises:
        ValueError: a length outside that range.

    >>> round(limit_for(shewhart, 370.4), 2)
    3.0
    """
    if not 2 <= length <= 1e6:
        raise ValueError(f"the run length must lie in 2 to 1,000,000. Received: {length}")
    from scipy.optimize import brentq

    def excess(limit: float) -> float:  # in logarithms the ARL is nearly a line
        return np.log(arl(make(limit)) / length)

    top = 1.0
    while excess(top) < 0:
        top *= 1.3
    return float(brentq(excess, 0.01, top, xtol=1e-5))


# --- by simulation --------------------------------------------------------------------------------


def run_lengths(
    step: Callable,
    limit: float,
    shift: float = 0.0,
    correlation: float = 0.0,
    runs: int = 2000,
    most: int = 20_000,
    seed: int = 0,
) -> np.ndarray:
    """Return after how many values each of many simulated runs gave its first alarm, array (runs,).

    The noise has mean 0 and standard deviation 1 whatever its correlation: AR(1),
    x[t] = r x[t-1] + sqrt(1 - r²) noise. All runs go at once, so `step` gets arrays.

    Args:
        step: `step(state, value)` -> next state, of a chart or your own.
        limit: an alarm comes when the state is beyond ± limit.
        shift: added to each value from the first on, in standard deviations.
        correlation: r, of neighboring values, in (-1, 1).
        runs: how many.
        most: a run without an alarm ends after so many values and counts as that long.
        seed: the same seed draws the same runs.

    Raises:
        ValueError: a correlation outside (-1, 1), or a step that returns another shape.

    >>> chart = shewhart(2.0)
    >>> bool(abs(run_lengths(chart.step, chart.limit).mean() / arl(chart) - 1) < 0.1)
    True
    """
    if not -1 < correlation < 1:
        raise ValueError(f"a correlation lies between -1 and 1. Received: {correlation}")
    random = np.random.default_rng(seed)
    lengths, going = np.full(runs, most), np.arange(runs)
    state, noise = np.zeros(runs), random.normal(size=runs)
    for t in range(1, most + 1):
        state = _same_shape(step(state, noise + shift), going)
        alarm = np.abs(state) > limit
        if alarm.any():  # who had an alarm leaves
            lengths[going[alarm]] = t
            going, state, noise = going[~alarm], state[~alarm], noise[~alarm]
            if not len(going):
                break
        noise = autoregressive(noise, correlation, random)
    return lengths


def false_alarms(
    step: Callable,
    limit: float,
    correlation: float = 0.0,
    steps: int = 1440,
    runs: int = 200,
    seed: int = 0,
) -> np.ndarray:
    """Return how many alarms each simulated day has although nothing is wrong, array (runs,).

    After an alarm the state begins again at 0; the noise goes on.

    Args:
        step, limit, correlation, seed: as of `run_lengths`.
        steps: values of a day; one a minute are 1440.
        runs: days.

    >>> counts = false_alarms(shewhart(2.0).step, 2.0)
    >>> bool(abs(counts.mean() / (1440 / arl(shewhart(2.0))) - 1) < 0.1)
    True
    """
    random = np.random.default_rng(seed)
    state, noise, counts = np.zeros(runs), random.normal(size=runs), np.zeros(runs, dtype=int)
    for _ in range(steps):
        state = _same_shape(step(state, noise), counts)
        alarm = np.abs(state) > limit
        counts += alarm
        state = np.where(alarm, 0.0, state)
        noise = autoregressive(noise, correlation, random)
    return counts


def autoregressive(last: np.ndarray, correlation: float, random: np.random.Generator) -> np.ndarray:
    """Return the next value of each AR(1) series, with the standard deviation of the last, 1.

    Args:
        last: newest value of each series, of any shape.
        correlation: of neighboring values.
        random: generator of the noise.
    """
    return correlation * last + sqrt(1 - correlation**2) * random.normal(size=last.shape)


def whiten(values: np.ndarray, correlation: float) -> np.ndarray:
    """Return what each value of an AR(1) series adds to what the one before it told, (..., n - 1).

    The result is independent with standard deviation 1, so that a chart keeps its promise; of a
    shift of the mean only (1 - r) / sqrt(1 - r²) = sqrt((1 - r) / (1 + r)) is left in it.

    Args:
        values: series along the last axis, in standard deviations.
        correlation: r, of neighboring values, in (-1, 1).

    >>> whiten(np.array([1.0, 1.0, 1.0]), 0.6).tolist()
    [0.5, 0.5]
    """
    values = np.asarray(values, dtype=float)
    return (values[..., 1:] - correlation * values[..., :-1]) / sqrt(1 - correlation**2)


def _same_shape(state, going: np.ndarray) -> np.ndarray:
    if np.shape(state) != going.shape:
        raise ValueError(
            f"step must return one state for each run, shape {going.shape}. Received: shape "
            f"{np.shape(state)}. Use np.maximum and not max: all runs go at once."
        )
    return np.asarray(state, dtype=float)


def _check(**positive: float) -> None:
    for name, value in positive.items():
        if not 0 < value < inf:
            raise ValueError(f"the {name} of a chart is a number above 0. Received: {value}")
