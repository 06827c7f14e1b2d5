"""A small training in NumPy whose levers cost: width, epochs, batch, rate."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from labkit.data import load_mnist
from labkit.datacenter.network import Images, Network
from labkit.datacenter.precision import start
from labkit.machine import one_thread


class Recipe(NamedTuple):
    """A network 784-hidden-10 with ReLU, and how long it trains by plain mini-batch descent."""

    hidden: int
    epochs: int
    batch_size: int
    learning_rate: float


# The network of the source articles, and a common way to train it.
USUAL = Recipe(hidden=500, epochs=5, batch_size=64, learning_rate=0.3)


def train(
    x: np.ndarray, y: np.ndarray, recipe: Recipe, seed: int = 0
) -> tuple[Network, np.ndarray]:
    """Return the network and its trained weights, one vector.

    Args:
        x: samples, float32 of shape (n, 784).
        y: their classes, shape (n,).
        recipe: what to train, and how long.
        seed: of the first weights and of the order.
    """
    network = Network((x.shape[1], recipe.hidden, 10))
    w = np.concatenate([part.ravel() for part in start(network.widths, seed)])
    rng, rate = np.random.default_rng(seed), np.float32(recipe.learning_rate)
    for _ in range(recipe.epochs):
        order = rng.permutation(len(x))
        for first in range(0, len(x), recipe.batch_size):
            rows = order[first : first + recipe.batch_size]
            w -= rate * network.gradient(w, x[rows], y[rows])
    return network, w


TRAINED = 3000  # digits; of the others 1,000 choose between recipes, and 1,000 judge the chosen one


class Outcome(NamedTuple):
    """What a recipe brought; of several seeds the means."""

    validation: float
    test: float
    seconds: float  # of a core


def outcome(recipe: Recipe, seeds: int = 3) -> Outcome:
    """Train a recipe on 3,000 digits, once for each seed, on one thread.

    Args:
        recipe: what to train.
        seeds: how many times.

    Returns:
        accuracy on 1,000 digits to choose by and on 1,000 others, and CPU seconds.
    """
    found = [_trained(recipe, seed) for seed in range(seeds)]
    return Outcome(*(float(mean) for mean in np.mean(found, axis=0)))


def accuracies(recipe: Recipe, seeds: Iterable[int]) -> np.ndarray:
    """Return the accuracy on 1,000 new digits after training on 3,000, for each seed.

    Args:
        recipe: what to train.
        seeds: of the first weights and of the order.
    """
    return np.array([_trained(recipe, seed).test for seed in seeds])


@lru_cache(maxsize=256)
def _trained(recipe: Recipe, seed: int) -> Outcome:
    digits = load_mnist()
    x, x_test = (each.reshape(len(each), -1) for each in (digits.x_train, digits.x_test))
    y = digits.y_train
    with one_thread(), np.errstate(all="ignore"):
        begun = time.process_time()
        network, w = train(x[:TRAINED], y[:TRAINED], recipe, seed)
        seconds = time.process_time() - begun
        held = Images(x[TRAINED:], y[TRAINED:]), Images(x_test, digits.y_test)
        return Outcome(*(float(network.accuracy(w, images)) for images in held), seconds)
