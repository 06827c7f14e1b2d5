"""Does a smaller batch train faster? Steps to an accuracy, counted, times seconds a step, measured.

Each batch size gets the learning rate that reaches the accuracy soonest, from the same rates. The
steps depend on luck and on the rate, not on the machine; the seconds of a step depend on nothing
else. Lesson: 20.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from labkit import machine
from labkit.datacenter.network import Images, Network, Parts, small_digits
from labkit.datacenter.roofline import cpu_clock, interleave

RATES = tuple(0.0025 * 2.0**power for power in range(11))  # 0.0025 to 2.56
MOMENTUM = 0.9
CHECK_EVERY = 500  # examples between two looks at the validation images
PATIENCE = 3  # a rate that has not arrived after so many times the examples of the best is given up


class Arrival(NamedTuple):
    """A batch size with its best rate: how far it is to the accuracy, and how long.

    Attributes:
        batch_size: examples of a step.
        learning_rate: that arrives soonest, by the median over the seeds.
        at_the_edge: True if that is the first or last rate tried: a better one may lie beyond.
        examples: seen until the accuracy was reached, one value for each seed; inf for never.
        step_seconds: CPU seconds of a step, the median.
    """

    batch_size: int
    learning_rate: float
    at_the_edge: bool
    examples: np.ndarray
    step_seconds: float

    @property
    def seconds(self) -> np.ndarray:
        """CPU seconds to the accuracy, one value for each seed."""
        return self.examples / self.batch_size * self.step_seconds

    @property
    def example_seconds(self) -> float:
        """CPU seconds of an example: what an epoch costs, divided by its examples."""
        return self.step_seconds / self.batch_size


def time_to_accuracy(
    batch_sizes: Sequence[int] = (8, 32, 128, 512),
    target: float = 0.9,
    seeds: int = 3,
    rates: Sequence[float] = RATES,
    most_epochs: int = 30,
) -> list[Arrival]:
    """Return for each batch size how soon a small network reads so many validation digits.

    The network has 196-32-10 units and learns 3,000 digits of 14 x 14 pixels by SGD with momentum;
    all rates learn at once. One thread, NumPy: a step costs little beside its arithmetic, which is
    kind to small batches.

    Args:
        batch_sizes: examples of a step.
        target: accuracy on 1,000 validation images.
        seeds: each with its own images, start and order; 1 or more.
        rates: learning rates, the same for every batch size.
        most_epochs: after which a rate counts as never arriving.

    Lesson: 20_faster_training.
    """
    network, parts = Network(), [small_digits(seed) for seed in range(seeds)]
    with machine.one_thread():
        examples = {
            size: np.array([
                _examples_to(network, each, size, target, rates, most_epochs, seed)
                for seed, each in enumerate(parts)
            ])
            for size in batch_sizes
        }  # size -> (seeds, rates)  # fmt: skip
        seconds = _step_seconds(network, parts[0].train, batch_sizes)
    return [_arrival(size, rates, examples[size], seconds[size]) for size in batch_sizes]


def _arrival(size: int, rates: Sequence[float], examples: np.ndarray, seconds: float) -> Arrival:
    best = int(np.argmin(np.median(examples, axis=0)))
    return Arrival(size, rates[best], best in (0, len(rates) - 1), examples[:, best], seconds)


def _examples_to(
    network: Network,
    parts: Parts,
    batch_size: int,
    target: float,
    rates: Sequence[float],
    most_epochs: int,
    seed: int,
) -> np.ndarray:
    """Return for each rate the examples seen until the validation accuracy reached the target."""
    rng, rate = np.random.default_rng(seed), np.asarray(rates, np.float32)[:, None]
    w = np.tile(network.start(seed), (len(rates), 1))
    velocity, arrived = np.zeros_like(w), np.full(len(rates), np.inf)
    count = len(parts.train.x)
    end, seen, next_look = most_epochs * count, 0, CHECK_EVERY
    while seen < min(end, PATIENCE * arrived.min()) and not np.isfinite(arrived).all():
        order = rng.permutation(count)
        for start in range(0, count - batch_size + 1, batch_size):
            rows = order[start : start + batch_size]
            with np.errstate(all="ignore"):  # a rate that diverges never arrives
                gradient = network.gradient(w, parts.train.x[rows], parts.train.y[rows])
                velocity = MOMENTUM * velocity - rate * gradient
                w = w + velocity
            seen += batch_size
            if seen >= next_look:
                next_look += max(CHECK_EVERY, batch_size)
                there = network.accuracy(w, parts.valid) >= target
                arrived[there & np.isinf(arrived)] = seen
    return arrived


def _step_seconds(network: Network, images: Images, batch_sizes: Sequence[int]) -> dict[int, float]:
    """Return the CPU seconds of a step for each batch size, measured by turns."""
    w, velocity = network.start(0), np.zeros(network.items, np.float32)

    def step(size: int) -> None:
        rows = np.arange(size)  # gathered, as in a training
        gradient = network.gradient(w, images.x[rows], images.y[rows])
        np.add(w, MOMENTUM * velocity - np.float32(0.01) * gradient)

    calls = {size: lambda size=size: step(size) for size in batch_sizes}
    times = interleave(calls, 1.0, cpu_clock())
    return {size: float(np.median(each.cpu)) for size, each in times.items()}
