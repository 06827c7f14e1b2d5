"""Alerts on what users feel against alerts on causes, in simulated months whose truth is known.

An objective of 99.9 % leaves an error budget of 0.1 %. The burn rate is how many times faster than
allowed it is spent. The incidents are made up, the requests drawn: what a rule finds is measured
in the simulation, what it should find is modeled by `minutes_to_alert`.

Lesson: 27_monitoring_and_interpretability.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from typing import NamedTuple

import numpy as np

from labkit.maths.intervals import wilson_interval

DAYS, DAY = 30, 1440  # of a month, and minutes of a day
OBJECTIVE = 0.999  # share of requests that are to be answered well


class Kind(NamedTuple):
    """An incident: how long, what share of requests fails, how busy the processors are.

    Length and share are medians: each incident draws its own, mostly within a factor of 2.
    """

    name: str
    minutes: int
    errors: float
    cpu: float
    each_month: int


KINDS = (
    Kind("outage", 10, 0.9, 0.05, 1),  # nothing arrives, so that the processors rest
    Kind("bad release", 60, 0.04, 0.4, 2),
    Kind("overload", 45, 0.1, 0.97, 1),
    Kind("slow leak", 500, 0.006, 0.5, 1),
    Kind("blip", 2, 0.05, 0.4, 4),  # over before anybody could get up
    Kind("batch job", 60, 0.0, 0.97, 4),  # busy, and nobody is harmed
)
NORMAL_ERRORS, NORMAL_CPU = 0.0002, 0.4
SPREAD = 0.4  # of the logarithms of length and share


class Months(NamedTuple):
    """Simulated months, minute by minute; all arrays have the shape (months, minutes).

    Attributes:
        requests: in each minute.
        errors: those of them that failed.
        cpu: share of the processors that is busy.
        incident: -1, or which of KINDS is on.
    """

    requests: np.ndarray
    errors: np.ndarray
    cpu: np.ndarray
    incident: np.ndarray


class Incident(NamedTuple):
    """What happened: its kind, the minutes from start to end, the share of the budget it spent."""

    kind: str
    month: int
    start: int
    end: int
    spent: float


def simulate(months: int = 20, requests: float = 300.0, seed: int = 0) -> Months:
    """Return months with incidents of every kind, never two at once.

    Args:
        months: of 30 days each.
        requests: in a minute, on average over the day: fewer at night, more at noon.
        seed: the same seed draws the same months.

    >>> found = simulate(months=2)
    >>> found.errors.shape, bool((found.errors <= found.requests).all())
    ((2, 43200), True)
    """
    random = np.random.default_rng(seed)
    incident = np.full((months, DAYS * DAY), -1, dtype=np.int8)
    failing = np.full(incident.shape, NORMAL_ERRORS)
    cpu = NORMAL_CPU + 0.07 * random.normal(size=incident.shape)
    for month in range(months):
        for kind, minutes, share in _drawn(random):
            incident[month, minutes], failing[month, minutes] = kind, share
            cpu[month, minutes] += KINDS[kind].cpu - NORMAL_CPU
    day = 1 - 0.8 * np.cos(2 * np.pi * np.arange(DAYS * DAY) / DAY)
    arrived = random.poisson(requests * day, size=incident.shape)
    return Months(arrived, random.binomial(arrived, failing), cpu.clip(0, 1), incident)


def _drawn(random: np.random.Generator) -> Iterator[tuple[int, slice, float]]:
    """Yield the incidents of a month: which kind, in which minutes, and what share fails."""
    which = np.repeat(np.arange(len(KINDS)), [kind.each_month for kind in KINDS])
    days = 2 * random.permutation(DAYS // 2)[: len(which)]  # two days for each
    for kind, day in zip(which, days, strict=True):
        longer, worse = np.exp(SPREAD * random.normal(size=2))
        start = int(day * DAY + random.integers(DAY))
        length = min(max(round(KINDS[kind].minutes * longer), 1), DAY - 1)
        share = NORMAL_ERRORS + KINDS[kind].errors * worse
        yield kind, slice(start, start + length), min(share, 1.0)


def incidents(months: Months, objective: float = OBJECTIVE) -> list[Incident]:
    """Return all incidents, each with the share of its month's error budget that it spent.

    Args:
        months: with the truth.
        objective: share of requests that are to be answered well.
    """
    on = np.pad(months.incident >= 0, ((0, 0), (1, 1)))
    starts, ends = (np.argwhere(on[:, 1:] & ~on[:, :-1]), np.argwhere(~on[:, 1:] & on[:, :-1]))
    budget = (1 - objective) * months.requests.sum(axis=1)
    found = []
    for (month, start), (_, end) in zip(starts, ends, strict=True):
        kind = KINDS[months.incident[month, start]].name
        spent = months.errors[month, start:end].sum() / budget[month]
        found.append(Incident(kind, int(month), int(start), int(end), float(spent)))
    return found


# --- the budget -----------------------------------------------------------------------------------


def burn_rate(
    errors: np.ndarray, requests: np.ndarray, minutes: int, objective: float = OBJECTIVE
) -> np.ndarray:
    """Return how many times faster than allowed the budget is spent, over the last minutes.

    Args:
        errors, requests: in each minute, along the last axis.
        minutes: length of the window; at the start of the series it is shorter.
        objective: share of requests that are to be answered well.

    Source: Beyer and others, The site reliability workbook (2018), chapter 5.

    >>> burn_rate(np.array([0, 0, 3]), np.array([1000, 1000, 1000]), minutes=3).round(6).tolist()
    [0.0, 0.0, 1.0]
    """
    shares = trailing(errors, minutes) / np.maximum(trailing(requests, minutes), 1)
    return shares / (1 - objective)


def trailing(values: np.ndarray, minutes: int) -> np.ndarray:
    """Return the sum over the last minutes, this one too, along the last axis.

    >>> trailing(np.array([1, 2, 3, 4]), 2).tolist()
    [1, 3, 5, 7]
    """
    total = np.cumsum(values, axis=-1)
    late = total[..., minutes:] - total[..., :-minutes]
    return np.concatenate([total[..., :minutes], late], axis=-1)


class Window(NamedTuple):
    """Ring when the budget burns this fast over the long window, and still does over the short."""

    long: int
    short: int
    burn: float


PAGES = (Window(60, 5, 14.4), Window(360, 30, 6.0))  # spend 2 % and 5 % of a month's budget


def multiwindow(months: Months, windows: Iterable[Window] = PAGES) -> np.ndarray:
    """Return the burn as a multiple of what the windows allow: above 1 somebody is called.

    Of each pair the slower burn counts, of all pairs the worst; floats, as requests in shape.

    The long window keeps blips from ringing, the short one ends the alarm when the trouble ends.

    Args:
        months: requests and errors.
        windows: each with its burn rate.

    Source: Beyer and others, The site reliability workbook (2018), chapter 5, approach 6.
    """
    worst = np.zeros(months.requests.shape)
    for long, short, burn in windows:
        both = [burn_rate(months.errors, months.requests, w) for w in (long, short)]
        worst = np.maximum(worst, np.minimum(*both) / burn)
    return worst


def minutes_to_alert(errors: float, window: Window, objective: float = OBJECTIVE) -> float:
    """Return after how many minutes an error share is noticed: window x burn x budget / errors.

    Args:
        errors: share of requests that fail from now on, 0 to 1.
        window: with its burn rate.
        objective: share of requests that are to be answered well.

    Source: Beyer and others, The site reliability workbook (2018), chapter 5.

    >>> round(minutes_to_alert(1.0, PAGES[0]), 3), minutes_to_alert(0.001, PAGES[0])
    (0.864, inf)
    """
    allowed = window.burn * (1 - objective)
    return window.long * allowed / errors if errors > allowed else inf


# --- how good a rule is ---------------------------------------------------------------------------

HARM = 0.02  # of a month's budget: an incident that spends less is not worth a call
QUIET = 60  # minutes without an alarm, after which the next one calls again
LATE = 5  # minutes after its end in which an alarm may still belong to an incident


class Score(NamedTuple):
    """How a rule did.

    Attributes:
        calls: how often somebody was called: an alarm after an hour or more without one.
        useful: calls during a harmful incident, or 5 minutes after it.
        harmful: how many incidents spent 2 % of their month's budget, or more.
        found: those with an alarm.
        delay: median minutes from the start of a found one to its alarm.
        after: median minutes for which the alarm goes on when a found one is over.
    """

    calls: int
    useful: int
    harmful: int
    found: int
    delay: float
    after: float

    @property
    def precision(self) -> float:
        """Share of calls that were useful; of none it is 0."""
        return self.useful / self.calls if self.calls else 0.0

    @property
    def recall(self) -> float:
        """Share of harmful incidents that were found."""
        return self.found / self.harmful

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def intervals(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return Wilson's 95 % intervals of precision and recall."""
        precision = wilson_interval(self.precision, max(self.calls, 1))
        return precision, wilson_interval(self.recall, self.harmful)


def score(rings: np.ndarray, months: Months) -> Score:
    """Return what a rule found, and how often it called for nothing.

    Args:
        rings: whether the alarm is on, bool (months, minutes).
        months: with the truth, at least one harmful incident in them.

    >>> months = simulate(months=2)
    >>> score(months.incident >= 0, months).recall, score(months.incident >= 9, months).calls
    (1.0, 0)
    """
    called = trailing(rings, QUIET) > 0
    calls = called & ~np.pad(called, ((0, 0), (1, 0)))[:, :-1]
    harmful = [each for each in incidents(months) if each.spent >= HARM]
    useful, delays, after = 0, [], []
    for _, month, start, end, _ in harmful:
        useful += int(calls[month, start : end + LATE].sum())
        on = np.flatnonzero(rings[month, start : end + LATE])
        if len(on):
            delays.append(on[0] + 1)
            after.append(int(np.argmin(np.append(rings[month, end:], False))))
    middle = [float(np.median(values)) if values else inf for values in (delays, after)]
    return Score(int(calls.sum()), useful, len(harmful), len(delays), *middle)


def best_limit(signal: np.ndarray, months: Months, limits: Iterable[float]) -> float:
    """Return the limit with the highest F1, so that a simple rule is tried at its best.

    Args:
        signal: the rule rings where it is above the limit, (months, minutes).
        months: to tune on: judge on others.
        limits: to be tried.
    """
    return max(limits, key=lambda limit: score(signal > limit, months).f1)
