"""The seconds of a training step, t(b) = a + c b, and what accumulated gradients cost and save.

a is what a step costs however few examples it sees: the way from Python to the step and back, and
the update of all weights. c is what an example adds. A larger batch shares a among more examples,
and nothing else: from b = a / c on, an example's own cost is the larger part.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit import machine
from labkit.datacenter.network import Network
from labkit.datacenter.roofline import Times, cpu_clock, interleave
from labkit.networks import loops

if TYPE_CHECKING:
    import keras

BATCHES = (1, 4, 16, 64, 256, 1024)
STEPS_PER_CALL = 8  # of the loop in the graph

# --- the line -----------------------------------------------------------------------------------


class Line(NamedTuple):
    """Seconds of a step, a + c b."""

    overhead: float  # a, seconds
    per_example: float  # c, seconds

    def seconds(self, batch: float | np.ndarray) -> float | np.ndarray:
        """Return the seconds of a step with so many examples; an array gives an array."""
        return self.overhead + self.per_example * batch

    def large_enough(self, share: float = 0.8) -> float:
        """Return the batch that reaches a share of the highest throughput 1 / c.

        b / (a + c b) = share / c at b = share / (1 - share) x a / c.

        Args:
            share: above 0 and below 1, which no batch reaches.

        >>> round(Line(0.001, 0.00002).large_enough(0.8))
        200
        """
        if not 0 < share < 1:
            raise ValueError(f"share must lie between 0 and 1. Received: {share!r}")
        return share / (1 - share) * self.overhead / self.per_example


def fit_line(batches: ArrayLike, seconds: ArrayLike) -> Line:
    """Return the line through the medians of several rounds, each point missed in proportion.

    The squares of the relative misses are summed: in seconds, the largest batch alone would decide.

    Args:
        batches: examples of a step, shape (n,), at least 2 different ones.
        seconds: of a step, above 0, shape (rounds, n).

    Lesson: 20_faster_training.

    >>> line = fit_line([1, 10, 100], [[0.0011, 0.002, 0.011]] * 3)
    >>> round(line.overhead, 6), round(line.per_example, 6)
    (0.001, 0.0001)
    """
    batches, middle = np.asarray(batches, float), np.median(seconds, axis=0)
    columns = np.stack([1 / middle, batches / middle], axis=1)
    overhead, per_example = np.linalg.lstsq(columns, np.ones(len(batches)))[0].tolist()
    return Line(overhead, per_example)


# --- the steps of a Keras model -----------------------------------------------------------------


def measure_steps(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    batches: tuple[int, ...] = BATCHES,
    seconds: float = 6.0,
) -> dict[str, dict[int, Times]]:
    """Return the seconds of a training step of a model, by turns over ways and batch sizes.

    "train_on_batch": one call from Python for each step. "loop in the graph": several steps a call,
    as `labkit.networks.training.fit` takes them; TensorFlow only, without it the way is missing.
    The CPU time is that of all threads.

    Args:
        model: compiled; it goes on learning.
        x, y: examples, as many as the largest batch or more.
        batches: examples of a step.
        seconds: of wall time, in all a few more for tracing.

    Returns:
        way -> batch -> `Times`, whose arrays hold one value for each round.

    Lesson: 20_faster_training.
    """
    if len(x) < max(batches):
        raise ValueError(f"{max(batches)} examples are needed. Received: {len(x)}")
    calls = {("train_on_batch", b): (_one_step(model, x, y, b), 1) for b in batches}
    for batch, loop in _loops(model, x, y, batches).items():
        calls["loop in the graph", batch] = loop, STEPS_PER_CALL
    only = {name: call for name, (call, _) in calls.items()}
    found: dict[str, dict[int, Times]] = {}
    for (way, batch), times in interleave(only, seconds, time.process_time).items():
        steps = calls[way, batch][1]
        found.setdefault(way, {})[batch] = Times(times.cpu / steps, times.wall / steps)
    return found


def _one_step(model: keras.Model, x: np.ndarray, y: np.ndarray, batch: int) -> Callable:
    return lambda: model.train_on_batch(x[:batch], y[:batch])


def _loops(model: keras.Model, x: np.ndarray, y: np.ndarray, batches: tuple[int, ...]) -> dict:
    """Return batch -> function that takes several steps in the graph; empty where it is no gain."""
    from labkit.networks.backend import keras

    if keras.backend.backend() != "tensorflow" or loops.against(model):
        return {}
    import tensorflow as tf

    loops.create_variables(model, (x, y))
    steps, data = loops.tensorflow_steps(model, (x, y)), (tf.constant(x), tf.constant(y))
    rows = {b: np.tile(np.arange(b), (STEPS_PER_CALL, 1)) for b in batches}
    return {b: lambda rows=rows[b]: steps(rows, data) for b in batches}


def lines(measured: dict[str, dict[int, Times]], clock: str = "cpu") -> dict[str, Line]:
    """Return way -> line of what `measure_steps` found, by the "cpu" or the "wall" clock."""
    return {
        way: fit_line(list(found), np.stack([getattr(t, clock) for t in found.values()], axis=1))
        for way, found in measured.items()
    }


# --- a large batch in small parts ---------------------------------------------------------------


def accumulated(
    network: Network, w: np.ndarray, x: np.ndarray, y: np.ndarray, parts: int
) -> np.ndarray:
    """Return the gradient of a batch, added up over parts of it: one part's activations at a time.

    Args:
        network: whose gradient is a mean over rows.
        w: weights, shape (items,).
        x, y: rows (n, pixels) and digits (n,).
        parts: into how many; they need not be equal.

    Lesson: 20_faster_training.
    """
    total = np.zeros_like(w)
    for rows in np.array_split(np.arange(len(x)), parts):
        part = slice(rows[0], rows[-1] + 1)  # a slice is a view: no row is copied
        total += network.gradient(w, x[part], y[part]) * np.float32(len(rows) / len(x))
    return total


class Accumulation(NamedTuple):
    """A large batch in so many parts: how far from whole, what it costs, what it needs."""

    parts: int
    difference: float  # largest, as a share of the largest entry of the whole batch's gradient
    cpu_seconds: float  # the median
    peak_in_bytes: int  # the most memory that NumPy held at once, beyond weights and examples


def measure_accumulation(
    x: np.ndarray,
    y: np.ndarray,
    parts: tuple[int, ...] = (1, 2, 4, 8, 16),
    hidden: int = 500,
    seconds: float = 1.5,
) -> list[Accumulation]:
    """Compare one batch, whole and in parts: the gradient, the time and the memory of each.

    Args:
        x, y: the batch, rows (n, pixels) in float32 and digits (n,).
        parts: into how many, from 1 on.
        hidden: units.
        seconds: of wall time.

    Lesson: 20_faster_training.
    """
    network = Network((x.shape[1], hidden, 10))
    w = network.start(0)
    calls = {p: lambda p=p: accumulated(network, w, x, y, p) for p in (1, *parts)}
    whole = calls[1]()
    with machine.one_thread():
        times = interleave(calls, seconds, cpu_clock())
    return [
        Accumulation(
            parts=p,
            difference=float(np.abs(calls[p]() - whole).max() / np.abs(whole).max()),
            cpu_seconds=float(np.median(times[p].cpu)),
            peak_in_bytes=_peak(calls[p]),
        )
        for p in parts
    ]


def _peak(call: Callable[[], object]) -> int:
    """Return the most bytes that a call holds at once; NumPy tells tracemalloc of its arrays."""
    traced = tracemalloc.is_tracing()
    if not traced:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not traced:
            tracemalloc.stop()
