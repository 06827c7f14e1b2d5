"""Telemetry of real servers with faults put in: what happened is known, so alarms can be judged.

Two replicas of lesson 23's server read digits. Each tick they get some images by HTTP and their
`/metrics` are read. From one tick on something is wrong: with a replica, or with the images.

Lesson: 27_monitoring_and_interpretability.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from labkit.datacenter.network import Images, Network, Parts, small_digits
from labkit.datacenter.serving import served
from labkit.datacenter.smaller.distillation import Teacher, soften, teach

SIDE = 14  # pixels of an image's side
WORK, SLOW = 0.003, 0.02  # seconds that a sound and a slow replica sleep for each batch
SECONDS = "labkit_model_seconds"  # histogram in /metrics: seconds of a batch in the model
CLIP = 4.0  # standard deviations that one tick may count: an outlier alone must not ring


class Tick(NamedTuple):
    """What is known of one tick.

    Attributes:
        x: images as the model got them, (rows, pixels).
        y: the digit on each, (rows,); in a real service it comes later, or never.
        answers: probability of each digit, (rows, 10).
        seconds: mean of a batch in each replica's model, (2,).
    """

    x: np.ndarray
    y: np.ndarray
    answers: np.ndarray
    seconds: np.ndarray


class Fault(NamedTuple):
    """Something that goes wrong.

    Attributes:
        change: (images (rows, pixels), ticks since the begin of the fault) -> images.
        slow: whether the second replica is a slow one.
    """

    change: Callable[[np.ndarray, int], np.ndarray] = lambda x, age: x
    slow: bool = False


def transposed(x: np.ndarray) -> np.ndarray:
    """Return images (rows, pixels) read column by column.

    >>> transposed(np.arange(196.0)[None])[0, :3].tolist()
    [0.0, 14.0, 28.0]
    """
    return x.reshape(-1, SIDE, SIDE).swapaxes(1, 2).reshape(x.shape)


def without_rows(x: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return images (rows, pixels) whose lines first..last of pixels are 0.

    >>> int(without_rows(np.ones((1, 196)), 6, 7).sum())
    168
    """
    images = x.reshape(-1, SIDE, SIDE).copy()
    images[:, first : last + 1] = 0
    return images.reshape(x.shape)


FAULTS = {
    "nothing": Fault(),
    "slow replica": Fault(slow=True),
    "pixels 0 to 255": Fault(lambda x, age: 255 * x),
    "columns for rows": Fault(lambda x, age: transposed(x)),
    "two dead lines": Fault(lambda x, age: without_rows(x, 6, 7)),
    "pens run dry": Fault(lambda x, age: x * max(0.25, 1 - 0.02 * age)),  # a drift, not a step
}


# --- who answers ----------------------------------------------------------------------------------


def reader(seed: int = 0) -> tuple[Teacher, Images]:
    """Return a network that reads digits of 14 x 14 pixels, and 2,000 images it never saw.

    Args:
        seed: of the split, the weights and the batches.
    """
    parts: Parts = small_digits(seed)
    unseen = Images(*map(np.concatenate, zip(parts.valid, parts.test, strict=True)))
    return teach(parts.train, seed, Network()), unseen


def answer(model: Teacher, pause: float, rows: np.ndarray) -> np.ndarray:
    """Return the probability of each digit, (rows, 10), after a pause in seconds."""
    time.sleep(pause)
    return soften(model.scores(np.asarray(rows, np.float32))).astype(np.float32)


class Replicas:
    """Two real servers of one network, and a slow one that can take the second's place.

    Called with the images of a tick (rows, pixels), and whether the second replica is the slow one,
    it returns the answers (rows, 10) and the mean seconds of each replica (2,): these as the
    difference of two readings of `/metrics`.

    Args:
        model: what each replica holds.
        requests: to each replica in a tick.

    Raises:
        ModuleNotFoundError: the extra `serve` is not installed.
    """

    mark = "measured"

    def __init__(self, model: Teacher, requests: int = 2):
        self.requests, shape = requests, (model.network.widths[0],)
        self.read = {n: (0.0, 0.0) for n in range(3)}  # of each server, when last read
        self.servers = [
            served.Served(partial(answer, model, pause), shape=shape, max_batch=64)
            for pause in (WORK, WORK, SLOW)
        ]

    def __enter__(self) -> Replicas:
        self._running = served.started(self.servers)
        self._running.__enter__()
        return self

    def __exit__(self, *_) -> None:
        self._running.__exit__(None, None, None)

    def __call__(self, x: np.ndarray, slow: bool) -> tuple[np.ndarray, np.ndarray]:
        """Ask both replicas in turn, and read their metrics."""
        pair = (0, 2 if slow else 1)
        parts = np.array_split(x, 2 * self.requests)
        answers = [self.servers[pair[n % 2]].predict(part) for n, part in enumerate(parts)]
        return np.concatenate(answers), np.array([self._seconds(n) for n in pair])

    def _seconds(self, n: int) -> float:
        """Return the mean seconds of a batch since the last reading of a server."""
        before, self.read[n] = self.read[n], busy(self.servers[n].metrics())
        seconds, batches = np.subtract(self.read[n], before)
        return seconds / batches

    def page(self) -> str:
        """Return what the first server says under `/metrics`."""
        return self.servers[0].ask("GET", "/metrics")[1].decode()


class Simulated:
    """The same network without servers, and seconds that are drawn; used as `Replicas` is.

    Args:
        model: that answers.
        seed: of the seconds.
        noise: standard deviation of the logarithm of a replica's seconds in a tick.
    """

    mark = "simulated"

    def __init__(self, model: Teacher, seed: int = 0, noise: float = 0.1):
        self.model, self.noise, self.rng = model, noise, np.random.default_rng(seed)
        self.worked, self.batches = 0.0, 0  # of the first replica

    def __enter__(self) -> Simulated:
        return self

    def __exit__(self, *_) -> None:
        pass

    def __call__(self, x: np.ndarray, slow: bool) -> tuple[np.ndarray, np.ndarray]:
        """Answer in this process, and draw the seconds."""
        mean = np.array([WORK, SLOW if slow else WORK])
        seconds = mean * np.exp(self.rng.normal(0, self.noise, 2))
        self.worked, self.batches = self.worked + float(seconds[0]), self.batches + 1
        return answer(self.model, 0.0, x), seconds

    def page(self) -> str:
        """Return what a server would say under `/metrics` of its seconds."""
        return f"{SECONDS}_count {self.batches}.0\n{SECONDS}_sum {self.worked}\n"


Service = Replicas | Simulated


def service(model: Teacher, seed: int = 0) -> Service:
    """Return real replicas, or where the extra `serve` is not installed, simulated ones."""
    return Simulated(model, seed) if served.missing() else Replicas(model)


def busy(metrics: Mapping[str, float]) -> tuple[float, float]:
    """Return the seconds that a server's model has worked, and for how many batches.

    Args:
        metrics: as `Served.metrics` reads them.

    >>> busy({"labkit_model_seconds_sum": 1.5, "labkit_model_seconds_count": 30.0})
    (1.5, 30.0)
    """
    return metrics[f"{SECONDS}_sum"], metrics[f"{SECONDS}_count"]


# --- what is seen ---------------------------------------------------------------------------------


def watch(
    service: Service,
    unseen: Images,
    fault: Fault | str = "nothing",
    ticks: int = 60,
    rows: int = 60,
    onset: int = 20,
    seed: int = 0,
) -> list[Tick]:
    """Send a service images, tick after tick, and return what is known of each tick.

    Args:
        service: that runs.
        unseen: images to draw from, with replacement.
        fault: what goes wrong, one of `FAULTS` or one of your own.
        ticks: how many.
        rows: images of a tick.
        onset: first tick with the fault.
        seed: of the images.

    Raises:
        ValueError: no such fault.
    """
    if isinstance(fault, str):
        if fault not in FAULTS:
            raise ValueError(f"fault is one of {', '.join(FAULTS)}. Received: {fault!r}")
        fault = FAULTS[fault]
    rng, seen = np.random.default_rng(seed), []
    for tick in range(ticks):
        drawn = rng.integers(len(unseen.x), size=rows)
        x, wrong = unseen.x[drawn], tick >= onset
        x = fault.change(x, tick - onset) if wrong else x
        answers, seconds = service(x, wrong and fault.slow)
        seen.append(Tick(x, unseen.y[drawn], answers, seconds))
    return seen


def series(seen: Sequence[Tick], signals: Callable[[Tick], Mapping[str, float]]) -> dict:
    """Return each signal over the ticks: name -> array (ticks,).

    Args:
        seen: ticks.
        signals: tick -> name -> value.
    """
    rows = [signals(tick) for tick in seen]
    return {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}


def standardized(
    found: Mapping[str, np.ndarray],
    usual: Mapping[str, np.ndarray],
    least: Mapping[str, float] | None = None,
) -> dict:
    """Return signals in standard deviations from their usual mean, cut at 4.

    Mean and deviation are those of quantiles, which a few outliers do not move.

    Args:
        found: name -> values.
        usual: name -> values of a time when all was well.
        least: name -> a standard deviation to count in if the usual one is smaller: what changes
            by less does not matter.

    >>> usual = {"ink": np.random.default_rng(0).normal(5, 2, 10_000)}
    >>> standardized({"ink": np.array([5.0, 9.0, 99.0])}, usual)["ink"].round(1).tolist()
    [0.0, 2.0, 4.0]
    """
    z = {}
    for name, values in found.items():
        low, middle, high = np.quantile(usual[name], [0.1587, 0.5, 0.8413])
        spread = max((high - low) / 2, (least or {}).get(name, 1e-12))
        z[name] = np.clip((values - middle) / spread, -CLIP, CLIP)
    return z


class Alarm(NamedTuple):
    """When a chart rang: the first tick before the onset, and the first from it on; None if not."""

    false: int | None
    true: int | None


def alarms(z: np.ndarray, step: Callable, limit: float, onset: int) -> Alarm:
    """Run a two-sided chart over a signal, started anew at each alarm.

    Args:
        z: the signal in standard deviations, (ticks,).
        step: (state, value) -> the next state, of a one-sided chart.
        limit: of the state.
        onset: first tick with a fault.

    >>> step = lambda state, value: max(0.0, state + value - 0.5)
    >>> alarms(np.array([0.0] * 10 + [2.0] * 10), step, 5.0, onset=10)
    Alarm(false=None, true=13)
    """
    first: dict[bool, int] = {}
    high = low = 0.0
    for tick, value in enumerate(np.asarray(z, float).tolist()):
        high, low = float(step(high, value)), float(step(low, -value))
        if max(high, low) > limit:
            first.setdefault(tick >= onset, tick)
            high = low = 0.0
    return Alarm(first.get(False), first.get(True))


def path(z: np.ndarray, step: Callable) -> np.ndarray:
    """Return the larger of the two states of a two-sided chart after each tick, (ticks,); no reset.

    Args:
        z, step: as `alarms`.
    """

    def side(values: np.ndarray) -> list[float]:
        return list(accumulate(values.tolist(), lambda s, v: float(step(s, v)), initial=0.0))[1:]

    z = np.asarray(z, float)
    return np.maximum(side(z), side(-z))


def nights(
    model: Teacher,
    unseen: Images,
    signals: Callable[[Tick], Mapping[str, float]],
    rule: Callable[[np.ndarray], Alarm],
    rows: int = 60,
    count: int = 20,
    seed: int = 0,
    least: Mapping[str, float] | None = None,
) -> dict[str, list[dict[str, Alarm]]]:
    """Return when each signal rings in simulated nights: fault -> for each night, name -> alarm.

    Args:
        model: that answers.
        unseen: images to draw from.
        signals: tick -> name -> value.
        rule: one signal in standard deviations (ticks,) -> its alarm.
        rows: images of a tick.
        count: nights with each fault.
        seed: of images and seconds.
        least: as of `standardized`.
    """
    service = Simulated(model, seed)

    def seen(fault: str, seed: int, ticks: int = 60) -> dict[str, np.ndarray]:
        return series(watch(service, unseen, fault, ticks, rows, seed=seed), signals)

    usual = seen("nothing", seed + 10_000, ticks=400)

    def night(fault: str, seed: int) -> dict[str, Alarm]:
        z = standardized(seen(fault, seed), usual, least)
        return {name: rule(values) for name, values in z.items()}

    return {fault: [night(fault, seed + n) for n in range(count)] for fault in FAULTS}
