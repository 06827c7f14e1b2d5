"""A small training in NumPy whose levers cost: width, epochs, batch, rate."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from labkit.data import load_mnist
from labkit.machine import one_thread
from labkit.maths.backprop import glorot_layers


class Recipe(NamedTuple):
    """A network 784-hidden-10 with ReLU, and how long it trains by plain mini-batch descent."""

    hidden: int
    epochs: int
    batch_size: int
    learning_rate: float


# The network of the source articles, and a common way to train it.
USUAL = Recipe(hidden=500, epochs=5, batch_size=64, learning_rate=0.3)


def train(x: np.ndarray, y: np.ndarray, recipe: Recipe, seed: int = 0) -> list:
    """Return the trained layers [(W1, b1), (W2, b2)].

    Args:
        x: samples, float32 of shape (n, 784).
        y: their classes, shape (n,).
        recipe: what to train, and how long.
        seed: of the first weights and of the order.
    """
    layers = glorot_layers([x.shape[1], recipe.hidden, 10], seed)
    W1, b1, W2, b2 = (np.float32(part) for layer in layers for part in layer)
    rng, rate = np.random.default_rng(seed), np.float32(recipe.learning_rate)
    for _ in range(recipe.epochs):
        order = rng.permutation(len(x))
        for first in range(0, len(x), recipe.batch_size):
            rows = order[first : first + recipe.batch_size]
            hidden = np.maximum(x[rows] @ W1 + b1, 0)
            error = _softmax(hidden @ W2 + b2)
            error[np.arange(len(rows)), y[rows]] -= 1
            error /= len(rows)
            back = (error @ W2.T) * (hidden > 0)
            W2, b2 = W2 - rate * hidden.T @ error, b2 - rate * error.sum(axis=0)
            W1, b1 = W1 - rate * x[rows].T @ back, b1 - rate * back.sum(axis=0)
    return [(W1, b1), (W2, b2)]


def accuracy(layers: list, x: np.ndarray, y: np.ndarray) -> float:
    """Return the share of samples whose class the layers read rightly."""
    (W1, b1), (W2, b2) = layers
    scores = np.maximum(x @ W1 + b1, 0) @ W2 + b2
    return float(np.mean(np.argmax(scores, axis=1) == y))


def _softmax(z: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):  # a rate that is too high ends in numbers that are none
        z = np.exp(z - z.max(axis=1, keepdims=True))
        return z / z.sum(axis=1, keepdims=True)


TRAINED = 3000  # digits; of the others 1,000 choose between recipes, and 1,000 judge the chosen one


class Outcome(NamedTuple):
    """What a recipe brought, means over seeds."""

    validation: float
    test: float
    seconds: float  # of a core


@lru_cache(maxsize=64)
def outcome(recipe: Recipe, seeds: int = 3) -> Outcome:
    """Train a recipe on 3,000 digits, once for each seed, on one thread.

    Args:
        recipe: what to train.
        seeds: how many times.

    Returns:
        accuracy on 1,000 digits to choose by and on 1,000 others, and CPU seconds.
    """
    digits = load_mnist()
    x, x_test = (each.reshape(len(each), -1) for each in (digits.x_train, digits.x_test))
    y, found = digits.y_train, []
    with one_thread(), np.errstate(all="ignore"):
        for seed in range(seeds):
            begun = time.process_time()
            layers = train(x[:TRAINED], y[:TRAINED], recipe, seed)
            seconds = time.process_time() - begun
            scores = accuracy(layers, x[TRAINED:], y[TRAINED:])
            found.append((scores, accuracy(layers, x_test, digits.y_test), seconds))
    return Outcome(*(float(mean) for mean in np.mean(found, axis=0)))
