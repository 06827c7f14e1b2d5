"""One rule for all: how each way of training gets its learning rate before it is compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from labkit.datacenter.network import Images, Network, Parts

RATES = tuple(0.025 * 2.0**power for power in range(9))  # 0.025 to 6.4

# train(images, learning rates, seed) -> weights, shape (rates, items)
Train = Callable[[Images, Sequence[float], int], np.ndarray]


class Tuned(NamedTuple):
    """A way of training at its best learning rate.

    Attributes:
        learning_rate: the one with the highest mean accuracy on the validation images.
        validation: rate -> accuracy of each seed, shape (seeds,), in order of the rates.
        test: accuracy of each seed at this rate, on images that chose nothing.
        weights: of each seed at this rate, shape (seeds, items).
    """

    learning_rate: float
    validation: dict[float, np.ndarray]
    test: np.ndarray
    weights: np.ndarray | None = None

    @property
    def at_the_edge(self) -> bool:
        """Return whether the best rate is the first or last one tried: then tune further."""
        return self.learning_rate in (min(self.validation), max(self.validation))


def tune(
    train: Train,
    parts: Sequence[Parts],
    rates: Sequence[float] = RATES,
    network: Network = Network(),  # noqa: B008 (frozen)
) -> Tuned:
    """Return a way of training at its best learning rate, by the rule that is the same for all.

    The rule: try all `rates`; add the two halfway, by ratio, to the neighbors of the best; take the
    one with the highest mean accuracy on the validation images. Test once.

    Args:
        train: returns weights (rates, items) for training images, rates and a seed.
        parts: the images of seed 0, 1, ...
        rates: rising, a factor of 2 apart.
        network: reads the weights.
    """
    weights: dict[float, np.ndarray] = {}  # rate -> (seeds, items)
    validation: dict[float, np.ndarray] = {}

    def score(w: np.ndarray, images: Sequence[Images]) -> np.ndarray:
        return np.array([network.accuracy(*pair) for pair in zip(w, images, strict=True)])

    def attempt(some: Sequence[float]) -> float:
        runs = [train(each.train, some, seed) for seed, each in enumerate(parts)]
        for rate, w in zip(some, np.stack(runs, axis=1), strict=True):
            weights[rate], validation[rate] = w, score(w, [each.valid for each in parts])
        return max(validation, key=lambda rate: validation[rate].mean())

    best = attempt(rates)
    best = attempt([best / 2**0.5, best * 2**0.5])
    test = score(weights[best], [each.test for each in parts])
    return Tuned(best, dict(sorted(validation.items())), test, weights[best])
