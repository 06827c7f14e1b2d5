"""A small network for digits whose weights are one flat vector, and many such networks at once.

What sends, compresses or delays gradients sees a network as one vector. All functions take leading
axes: the networks of several learning rates, and the batches of several workers, go through one
product. (`labkit.maths.backprop` takes one batch, and always float64.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from labkit.data.digits import load_mnist
from labkit.data.split import split_stratified

EPSILON = 1e-3  # of batch normalization, as in Keras

# Of each layer its inputs (..., n, inputs) and its errors (..., n, units).
Layers = list[tuple[np.ndarray, np.ndarray]]


class Images(NamedTuple):
    """Images as rows, and the digit on each: shapes (n, pixels) and (n,)."""

    x: np.ndarray
    y: np.ndarray


class Parts(NamedTuple):
    """What learns, what chooses the learning rate, and what judges once."""

    train: Images
    valid: Images
    test: Images


def small_digits(seed: int = 0) -> Parts:
    """Return MNIST's 5,000 images at 14 x 14 pixels: 3,000 learn, 1,000 choose, 1,000 judge.

    Args:
        seed: decides which image goes where.

    >>> parts = small_digits()
    >>> [part.x.shape for part in parts]
    [(3000, 196), (1000, 196), (1000, 196)]
    """
    digits = load_mnist("5k", 0.2, seed)
    learn, choose = split_stratified(digits.y_train, 0.25, seed)
    x = _halved(digits.x_train)
    return Parts(
        Images(x[learn], digits.y_train[learn]),
        Images(x[choose], digits.y_train[choose]),
        Images(_halved(digits.x_test), digits.y_test),
    )


def _halved(images: np.ndarray) -> np.ndarray:
    """Return the mean of each 2 x 2 pixels, one row an image."""
    squares = images.reshape(len(images), 14, 2, 14, 2)
    return squares.mean(axis=(2, 4)).reshape(len(images), -1)


@dataclass(frozen=True)
class Network:
    """Dense layers with a ReLU after each but the last, which gives a score for each class.

    Args:
        widths: inputs, units of each hidden layer, classes.

    >>> Network().items
    6634
    """

    widths: tuple[int, ...] = (196, 32, 10)

    @property
    def items(self) -> int:
        """Number of weights and biases, and so of numbers in a gradient."""
        return sum((inputs + 1) * units for inputs, units in pairwise(self.widths))

    def start(self, seed: int, dtype: str = "float32") -> np.ndarray:
        """Return weights to begin with, shape (items,): He's for the weights, 0 for the biases."""
        random, w = np.random.default_rng(seed), np.zeros(self.items, dtype)
        for W, _ in self.layers(w):
            W[...] = random.normal(0, np.sqrt(2 / len(W)), W.shape)
        return w

    def layers(self, w: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return weights (..., inputs, units) and bias (..., units) of each layer, views into w.

        Args:
            w: shape (..., items).
        """
        found, place = [], 0
        for inputs, units in pairwise(self.widths):
            end = place + inputs * units
            W = w[..., place:end].reshape(*w.shape[:-1], inputs, units)
            place = end + units
            found.append((W, w[..., end:place]))
        return found

    def scores(self, w: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return a score for each class, shape (..., n, classes), for rows (..., n, inputs)."""
        return self._forward(w, x)[0][-1]

    def accuracy(self, w: np.ndarray, images: Images) -> np.ndarray:
        """Return the share of right answers, shape (...) for weights (..., items)."""
        with np.errstate(all="ignore"):  # weights of a run that diverged: right by chance
            return (self.scores(w, images.x).argmax(axis=-1) == images.y).mean(axis=-1)

    def loss(
        self, w: np.ndarray, x: np.ndarray, y: np.ndarray, average: Callable | None = None
    ) -> np.ndarray:
        """Return the mean cross-entropy, shape (...); arguments as those of `gradient`."""
        return losses(self._forward(w, x, average)[0][-1], y).mean(axis=-1)

    def gradient(
        self,
        w: np.ndarray,
        x: np.ndarray,
        y: np.ndarray,
        average: Callable | None = None,
        error: Callable | None = None,
    ) -> np.ndarray:
        """Return the gradient of the mean cross-entropy, shape (..., items).

        Args:
            w: weights (..., items).
            x, y: rows (..., n, inputs) and classes (..., n); leading axes as those of w, or 1.
            average: turns batch normalization on, before each ReLU. It makes of numbers (n, units)
                their mean over all rows that count: `lambda z: z.mean(axis=0)` for these alone, a
                mean over the rows of all workers for synchronized batch normalization.

        Source: Rumelhart, Hinton, Williams (1986); Ioffe and Szegedy, Batch normalization (2015),
        without their scale and shift.
        """

        def share(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
            return (error or errors)(scores, y) / np.float32(x.shape[-2])

        return summed(self.inputs_and_errors(w, x, y, average, share))

    def inputs_and_errors(
        self,
        w: np.ndarray,
        x: np.ndarray,
        y: np.ndarray,
        average: Callable | None = None,
        error: Callable | None = None,
    ) -> Layers:
        """Return input (..., n, inputs) and error (..., n, units) of each layer, row by row.

        The error is the derivative of a row's loss by what the layer gives. A row's gradient is the
        outer product of the two.

        Args:
            w, x, y, average: as those of `gradient`.
            error: of the scores (..., n, classes), for classes (..., n); `errors` if not given.

        >>> network = Network((2, 2))
        >>> [(a, d)] = network.inputs_and_errors(network.start(0), np.ones((1, 2)), np.array([1]))
        >>> a.shape, d.shape
        ((1, 2), (1, 2))
        """
        outputs, backs = self._forward(w, x, average)
        found = [(error or errors)(outputs.pop(), y)]
        for (W, _), a in zip(self.layers(w)[:0:-1], outputs[:0:-1], strict=True):
            found.append(backs.pop()(found[-1] @ W.mT * (a > 0)))
        return list(zip(outputs, found[::-1], strict=True))

    def _forward(
        self, w: np.ndarray, x: np.ndarray, average: Callable | None = None
    ) -> tuple[list[np.ndarray], list[Callable]]:
        """Return x and what each layer makes of it; and the way back through each normalization."""
        *hidden, (last, last_bias) = self.layers(w)
        outputs, backs = [x], []
        for W, b in hidden:
            z, back = _normalized(outputs[-1] @ W + b[..., None, :], average)
            outputs.append(np.maximum(z, 0))
            backs.append(back)
        return [*outputs, outputs[-1] @ last + last_bias[..., None, :]], backs


def summed(parts: Layers) -> np.ndarray:
    """Return the sum of all rows' gradients, shape (..., items).

    Args:
        parts: of `Network.inputs_and_errors`.
    """
    found = []
    for a, d in parts:
        found += [(a.mT @ d).reshape(*d.shape[:-2], -1), d.sum(axis=-2)]
    return np.concatenate(found, axis=-1)


def losses(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the cross-entropy of each row, shape (..., n), from scores (..., n, classes)."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    right = np.arange(scores.shape[-1]) == y[..., None]
    return np.log(np.exp(shifted).sum(axis=-1)) - np.where(right, shifted, 0).sum(axis=-1)


def errors(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the gradient of `losses` with respect to the scores: softmax - one-hot."""
    out = np.exp(scores - scores.max(axis=-1, keepdims=True))
    out /= out.sum(axis=-1, keepdims=True)
    out -= np.arange(scores.shape[-1]) == y[..., None]
    return out


def _normalized(z: np.ndarray, average: Callable | None) -> tuple[np.ndarray, Callable]:
    """Return z normalized over the rows, and the function that takes a gradient back through it."""
    if average is None:
        return z, lambda delta: delta
    centered = z - average(z)
    scale = 1 / np.sqrt(average(centered**2) + EPSILON)
    normal = centered * scale
    return normal, lambda d: scale * (d - average(d) - normal * average(d * normal))


def draw_batch(images: Images, shape: tuple[int, ...], seed: int, step: int) -> Images:
    """Return the images of one step, drawn without replacement; every process draws the same.

    Args:
        images: all that there are to learn from.
        shape: (n,) for one batch, (workers, n) for the batch of each worker.
        seed, step: decide which.
    """
    random = np.random.default_rng([seed, step])
    rows = random.choice(len(images.y), shape, replace=False)
    return Images(images.x[rows], images.y[rows])
