"""Exercises of lesson 27: CUSUM, a PSI limit, a deletion test, and when to ring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from labkit.datacenter.monitoring import deletion, drift, telemetry
from labkit.learn import values
from labkit.learn.checks import Exercise

# --- CUSUM: my_cusum(total, z, allowance) -> the next sum -----------------------------------------

cusum = Exercise(
    name="cusum",
    lesson="27",
    right=lambda total, z, allowance: np.maximum(0.0, total + z - allowance),
    cases=[
        (0.0, 2.0, 0.5),
        (1.5, 0.25, 0.5),
        (0.75, -3.0, 0.5),
        (4.0, -1.0, 0.25),
        (0.0, 0.3, 1.0),
    ],
    then=[(np.array([0.0, 2.0, 5.0]), np.array([1.0, -4.0, 0.2]), 0.5)],
    mistakes={
        "no floor": (
            lambda total, z, allowance: total + z - allowance,
            "Your sum can fall far below 0. Then a shift has to climb out of that hole before "
            "anybody hears of it.",
        ),
        "the floor under the value": (
            lambda total, z, allowance: total + np.maximum(0.0, z - allowance),
            "You put the floor under each value, so the sum never falls: sooner or later it rings "
            "though nothing is wrong.",
        ),
        "no allowance": (
            lambda total, z, allowance: np.maximum(0.0, total + z),
            "You take off nothing. Without an allowance the sum of pure noise wanders up.",
        ),
        "the allowance added": (
            lambda total, z, allowance: np.maximum(0.0, total + z + allowance),
            "You add the allowance. The sum then grows by it at each step, with nothing wrong.",
        ),
        "no memory": (
            lambda total, z, allowance: np.maximum(0.0, z - allowance),
            "You forget the sum so far. That is a limit on single values, Shewhart's chart.",
        ),
        "the size of the sum": (
            lambda total, z, allowance: np.abs(total + z - allowance),
            "You turn a sum below 0 into one above it. So a fall looks like a rise.",
        ),
        "a ceiling": (
            lambda total, z, allowance: np.minimum(0.0, total + z - allowance),
            "You keep the sum from rising above 0. It is to be kept from falling below.",
        ),
        "the allowance taken off twice": (
            lambda total, z, allowance: np.maximum(0.0, total + z - 2 * allowance),
            "You take the allowance off twice.",
        ),
        "the size of the value": (
            lambda total, z, allowance: np.maximum(0.0, total + np.abs(z) - allowance),
            "You count falls as rises. This sum looks for a rise; a second one, of -z, for a fall.",
        ),
    },
    hint="Three steps: what was there, plus what came, less what is always taken off. And it never "
    "goes below which number?",
)


# --- the limit of PSI: my_psi_limit(reference, current, bins, false_alarms) -> PSI ----------------


def _psi_limit(reference, current, bins, false_alarms, off=1):
    from scipy.stats import chi2

    return chi2.ppf(1 - false_alarms, bins - off) * (1 / reference + 1 / current)


def _lower(reference, current, bins, false_alarms):
    return _psi_limit(reference, current, bins, 1 - false_alarms)


def _by_normal(reference, current, bins, false_alarms):
    from scipy.stats import norm

    return norm.ppf(1 - false_alarms) * (1 / reference + 1 / current)


psi_limit = Exercise(
    name="psi_limit",
    lesson="27",
    right=drift.psi_limit,
    cases=[(100, 100, 10, 0.05), (5000, 200, 10, 0.01), (50, 400, 20, 0.1), (1000, 1000, 5, 0.05)],
    tolerance=1e-4,
    mistakes={
        "as many degrees of freedom as bins": (
            lambda *given: _psi_limit(*given, off=0),
            "You take one degree of freedom for each bin. The shares add up to 1, so the last one "
            "is known when the others are.",
        ),
        "the mean": (
            lambda n, m, bins, share: (bins - 1) * (1 / n + 1 / m),
            "That is the mean of PSI without any drift: about half of all comparisons lie above "
            "it. Asked is what only a share of `false_alarms` exceeds.",
        ),
        "the lower tail": (
            _lower,
            "Nearly every comparison without drift lies above your limit: you took the quantile "
            "of the other end.",
        ),
        "one sample": (
            lambda n, m, bins, share: _psi_limit(np.inf, m, bins, share),
            "Your limit knows the size of the new sample only. The reference is a sample, too.",
        ),
        "the samples thrown together": (
            lambda n, m, bins, share: _psi_limit(n + m, np.inf, bins, share),
            "You divide by the sum of the sizes. The noise of two samples adds up: 1/n + 1/m.",
        ),
        "not scaled": (
            lambda n, m, bins, share: _psi_limit(1, np.inf, bins, share),
            "That is the quantile of chi-square. PSI is that many times smaller as the samples are "
            "large.",
        ),
        "two-sided": (
            lambda n, m, bins, share: _psi_limit(n, m, bins, share / 2),
            "You halve the share, as for a test of both sides. PSI is never below 0: only large "
            "values speak of a drift.",
        ),
        "the rule of thumb": (
            lambda *given: 0.1,
            "You return the rule of thumb, 0.1, whatever the sizes. That rule is on trial here.",
        ),
        "the other rule of thumb": (
            lambda *given: 0.25,
            "You return the rule of thumb, 0.25, whatever the sizes. That rule is on trial here.",
        ),
        "normal": (
            _by_normal,
            "You take the quantile of the normal distribution. PSI is a sum of squares.",
        ),
    },
    hint="Without drift PSI is (1/n + 1/m) times a chi-square variable. How many degrees of "
    "freedom has it, and which of its quantiles do so few exceed?",
)


# --- a deletion test: my_delete(image, heat, count) -> image --------------------------------------


def _order(heat):
    return np.argsort(np.asarray(heat, float), axis=None, kind="stable")


def _blank(image, places, value=0.0):
    left = np.array(image, float)
    left.flat[places] = value
    return left


def _without(image, heat, count):
    images, maps = np.asarray(image)[None, ..., None], np.asarray(heat)[None]
    return deletion.delete(images, maps, count)[0, ..., 0]


def _pixels(seed, rows=4, columns=5):
    rng = np.random.default_rng(seed)
    image = rng.uniform(0.2, 1, (rows, columns)).round(2)
    heat = rng.permutation(np.linspace(-1.0, 1.25, rows * columns)).reshape(rows, columns).round(3)
    return image, heat


delete = Exercise(
    name="delete",
    lesson="27",
    right=_without,
    cases=[(*_pixels(0), 3), (*_pixels(1), 7), (*_pixels(2, 3, 5), 2)],
    mistakes={
        "the least important": (
            lambda image, heat, count: _blank(image, _order(heat)[:count]),
            "You delete where the map is lowest. The test asks what happens without the pixels "
            "that it holds for the most important.",
        ),
        "the others": (
            lambda image, heat, count: _blank(image, _order(heat)[::-1][count:]),
            "You keep the most important pixels and delete all others. That is another test, of "
            "insertion.",
        ),
        "the largest by size": (
            lambda image, heat, count: _blank(image, _order(np.abs(heat))[::-1][:count]),
            "You rank by size, without the sign. A pixel with a strongly negative value speaks "
            "against the class.",
        ),
        "the map, not the image": (
            lambda image, heat, count: _blank(heat, _order(heat)[::-1][:count]),
            "You return the map with holes. Asked is the image with holes.",
        ),
        "painted": (
            lambda image, heat, count: _blank(image, _order(heat)[::-1][:count], 1.0),
            "You paint the pixels, to 1. Deleted means 0, the background.",
        ),
        "the brightest": (
            lambda image, heat, count: _blank(image, _order(image)[::-1][:count]),
            "You delete the brightest pixels of the image and never look at the map. Keep this "
            "one: it is the control.",
        ),
        "times the ink": (
            lambda image, heat, count: _blank(image, _order(image * heat)[::-1][:count]),
            "You rank by the map times the ink. Rank by the map as it comes: the lesson multiplies "
            "where it means to.",
        ),
        "one too many": (
            lambda image, heat, count: _blank(image, _order(heat)[::-1][: count + 1]),
            "One pixel too many is gone. Look at where your slice or your comparison ends.",
        ),
        "one too few": (
            lambda image, heat, count: _blank(image, _order(heat)[::-1][: count - 1]),
            "One pixel too few is gone. Look at where your slice or your comparison ends.",
        ),
        "nothing": (
            lambda image, heat, count: np.array(image, float),
            "The image comes back as it was. Perhaps you changed a copy, such as what `flatten` "
            "returns, and not what you return?",
        ),
        "the places": (
            lambda image, heat, count: _order(heat)[::-1][:count],
            "You return where the pixels are. Asked is the image without them.",
        ),
    },
    hint="`np.argsort(heat, axis=None)` gives the places of all pixels, the lowest first. Set "
    "those of the last `count` to 0 in a copy: `copy.flat[places] = 0`.",
)


# --- when to ring: my_ring(z) -> bool -------------------------------------------------------------

SIGNALS = ("replicas", "ink", "dark pixels", "confidence", "answers")  # none waits for labels
TICKS, ONSET = 60, 20
NEVER = float(TICKS - ONSET)  # what a fault counts that a rule never tells of
DELAY, FALSE = 10.0, 0.1  # the goal: mean ticks up to the alarm, share of nights rung for nothing


def signals(tick: telemetry.Tick, usual: np.ndarray) -> dict[str, float]:
    """Return what can be known of a tick without labels.

    Args:
        tick: of `telemetry.watch`.
        usual: share of each answer when all is well, (10,).
    """
    shares = np.bincount(tick.answers.argmax(axis=1), minlength=10) / len(tick.y)
    return {
        "replicas": float(np.log(tick.seconds[1] / tick.seconds[0])),
        "ink": float(tick.x.mean()),
        "dark pixels": float((tick.x.max(axis=0) < 0.05).sum()),
        "confidence": float(tick.answers.max(axis=1).mean()),
        "answers": float(np.abs(shares - usual).sum()),
    }


class Score(NamedTuple):
    """How a rule does: mean ticks from fault to alarm, and the share of nights with a false one."""

    delay: float
    false: float


def _slipped(x: np.ndarray, age: int) -> np.ndarray:
    """Return images as by a camera that slips sideways, by half a pixel within 10 ticks."""
    images, way = x.reshape(-1, telemetry.SIDE, telemetry.SIDE), min(0.5, age / 20)
    return ((1 - way) * images + way * np.roll(images, 1, axis=2)).reshape(x.shape)


NEW = {  # faults that the lesson has not shown, each too small to be seen in one tick
    "nothing": telemetry.Fault(),
    "the camera slips": telemetry.Fault(_slipped),
    "paler ink": telemetry.Fault(lambda x, age: 0.9 * x),
    "darker ink": telemetry.Fault(lambda x, age: 1.1 * x),
    "one dead line": telemetry.Fault(lambda x, age: telemetry.without_rows(x, 3, 3)),
    "slow replica": telemetry.Fault(slow=True),
}
ROWS, NOISE = 20, 1.0  # images of a tick; of the logarithm of a replica's seconds


@cache
def nights(seed: int = 0, each: int = 6) -> list[tuple[str, np.ndarray]]:
    """Return simulated nights: the fault, and the signals in standard deviations, (ticks, 5).

    Args:
        seed: of images and seconds.
        each: nights with each fault.
    """
    model, unseen = telemetry.reader()
    usual = np.bincount(model.scores(unseen.x).argmax(axis=1), minlength=10) / len(unseen.x)
    service = telemetry.Simulated(model, seed, NOISE)

    def seen(fault: telemetry.Fault, ticks: int, seed: int) -> dict[str, np.ndarray]:
        found = telemetry.watch(service, unseen, fault, ticks, ROWS, ONSET, seed)
        return telemetry.series(found, lambda tick: signals(tick, usual))

    well = seen(NEW["nothing"], 600, 1000 + seed)
    found = []
    for fault, change in NEW.items():
        for night in range(each):
            z = telemetry.standardized(seen(change, TICKS, 100 * seed + night), well)
            found.append((fault, np.column_stack([z[name] for name in SIGNALS])))
    return found


def score(ring: Callable[[np.ndarray], bool], seed: int = 0) -> Score:
    """Return how a rule does in simulated nights; a fault it never tells of counts as 40 ticks.

    Args:
        ring: gets the signals so far, (ticks so far, 5); says whether to ring now.
        seed: of the nights.
    """
    delays, false = [], []
    for fault, z in nights(seed):
        rang = next((t for t in range(TICKS) if ring(z[: t + 1].copy())), TICKS)
        healthy = TICKS if fault == "nothing" else ONSET
        false.append(rang < healthy)
        if fault != "nothing" and rang >= ONSET:
            delays.append(rang - ONSET)
    return Score(float(np.mean(delays)) if delays else NEVER, float(np.mean(false)))


def sums(z: np.ndarray) -> np.ndarray:
    """Return the larger of the two CUSUMs of each signal after the last tick, (signals,).

    Args:
        z: signals in standard deviations, (ticks, signals).
    """
    return np.maximum(_rises(z), _rises(-np.asarray(z)))


def _rises(z: np.ndarray) -> np.ndarray:
    total = np.zeros(np.shape(z)[1])
    for each in np.asarray(z, float):
        total = np.maximum(0, total + each - 0.5)
    return total


def _any_sum(z, limit=7.0):
    return bool(sums(z).max() > limit)


class _Ring(Exercise):
    """An exercise with many right answers: every rule that is good enough in the nights is one."""

    def _compared(self, answer, trial):
        found = super()._compared(answer, trial)
        if found.kind in (*self.mistakes, "not tried", "nothing returned"):
            return found
        if found.kind != "right" and not all(map(_is_truth, trial.got)):
            return replace(found, kind="no yes or no")
        found = self._by_goal(found, answer, _judge, ("In a night", "error"))
        # Another score is another answer, also where the cases do not tell them apart.
        return replace(found, trace=found.message) if found.kind == "not good enough" else found

    def _first_difference(self, got: list, right: list) -> str:
        other = next((g for g, r in zip(got, right, strict=True) if not values.same(g, r)), got[0])
        return f"You return {values.short(other)}. Asked is whether to ring now: True or False."


def _judge(rule) -> tuple[bool, str]:
    reached = score(rule)
    told = (
        f"Your rule rings {reached.delay:.1f} ticks after a fault begins, on average, and in "
        f"{reached.false:.0%} of the nights for nothing."
    )
    if reached.delay <= DELAY and reached.false <= FALSE:
        return True, told
    return False, f"{told} The goal is {DELAY:g} ticks, and not more than {FALSE:.0%}."


def _is_truth(value) -> bool:
    return isinstance(value, bool | np.bool | int)


def _night(seed: int, **shifts: float) -> np.ndarray:
    """Return noise of 12 ticks, with signals shifted over the last 6 of them: a0=2.0 the first."""
    z = 0.3 * np.random.default_rng(seed).normal(size=(12, len(SIGNALS)))
    for name, shift in shifts.items():
        z[6:, int(name[1:])] += shift
    return z.round(2)


def _spike(seed: int, tick: int, *signals: int) -> np.ndarray:
    """Return noise of 12 ticks, with single values far off: a chart with a memory bears that."""
    z = _night(seed)
    z[tick, list(signals)] = 4.0
    return z


ring = _Ring(
    name="ring",
    lesson="27",
    right=_any_sum,
    cases=[
        (_night(0),),
        (_night(1, a0=3.0),),
        (_night(2, a3=-3.0),),
        (_night(3, a1=2.2),),
        (_spike(4, 3, 1),),
        (_spike(11, -1, 2),),
        (_spike(12, -1, 1, 4),),
        (_night(5, a4=3.5),),
        (_night(6, a2=-2.5),),
        (_night(7)[:1],),
        (_night(8, a0=3.9)[:7],),
        (_night(9, a0=3.0, a1=3.0, a2=3.0, a3=3.0, a4=3.0),),
        (_night(10, a0=3.9, a1=3.9, a2=3.9),),
    ],
    mistakes={
        "never": (lambda z: False, "You never ring. The users will."),
        "always": (lambda z: True, "You always ring. Soon nobody gets up any more."),
        "only rises": (
            lambda z: bool(_rises(z).max() > 7.0),
            "You look for rises only. Confidence falls when the network no longer knows.",
        ),
        "the first signal alone": (
            lambda z: bool(sums(z)[0] > 7.0),
            "You look at the seconds of the replicas alone, as at response time alone: what the "
            "model says may be nonsense, promptly.",
        ),
        "all signals at once": (
            lambda z: bool((sums(z) > 7.0).all()),
            "You ring once all signals agree. Most faults move one or two of them.",
        ),
        "the mean of the signals": (
            lambda z: bool(sums(np.mean(z, axis=1, keepdims=True))[0] > 7.0),
            "You average over the signals first. A rise of one and a fall of another cancel.",
        ),
        "one value": (
            lambda z: bool(np.abs(z[-1]).max() > 3.0),
            "You ring at any single value beyond 3. Five signals for a whole night: one such value "
            "comes by chance.",
        ),
        "one value, at any time": (
            lambda z: bool(np.abs(z).max() > 3.0),
            "You ring at any single value beyond 3, however long ago it was.",
        ),
        "the wrong way around": (
            lambda z: not _any_sum(z),
            "You ring as long as all is well.",
        ),
    },
    hint="Run two sums for each signal, of z and of -z, over all ticks so far. Ring when the "
    "largest of them is beyond a limit that the noise alone rarely reaches.",
)
