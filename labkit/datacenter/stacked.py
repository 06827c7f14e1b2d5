"""A small network for digits whose weights are one flat vector, and many such networks at once.

What compresses or delays gradients sees a network as one vector. All functions take leading axes:
the networks of several learning rates, and the batches of several workers, go through one product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from labkit.data.digits import load_mnist
from labkit.data.split import split_stratified


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
    """Pixels -> hidden ReLU units -> a score for each digit, in float32.

    >>> Network().items
    6634
    """

    pixels: int = 196
    hidden: int = 32
    classes: int = 10

    @property
    def items(self) -> int:
        """Number of weights, and so of numbers in a gradient."""
        return (self.pixels + 1) * self.hidden + (self.hidden + 1) * self.classes

    def start(self, seed: int) -> np.ndarray:
        """Return weights to begin with, shape (items,): He's for both layers, 0 for the biases."""
        random = np.random.default_rng(seed)
        w = np.zeros(self.items, np.float32)
        first, _, second, _ = self.layers(w)
        for layer in (first, second):
            layer[...] = random.normal(0, np.sqrt(2 / len(layer)), layer.shape)
        return w

    def layers(self, w: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return W1, b1, W2, b2 as views into weights of shape (..., items)."""
        shapes = (self.pixels, self.hidden), (1, self.hidden)
        shapes += (self.hidden, self.classes), (1, self.classes)
        ends = np.cumsum([rows * columns for rows, columns in shapes])
        parts = np.split(w, ends[:-1], axis=-1)
        return tuple(p.reshape(*w.shape[:-1], *s) for p, s in zip(parts, shapes, strict=True))

    def scores(self, w: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return a score for each digit, shape (..., n, classes), for images (..., n, pixels)."""
        return self._forward(w, x)[1]

    def accuracy(self, w: np.ndarray, images: Images) -> np.ndarray:
        """Return the share of right answers, shape (...) for weights (..., items)."""
        with np.errstate(all="ignore"):  # weights of a run that diverged: right by chance
            return (self.scores(w, images.x).argmax(axis=-1) == images.y).mean(axis=-1)

    def gradient(self, w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the gradient of the mean cross-entropy, shape (..., items).

        Args:
            w: weights (..., items).
            x, y: images (..., n, pixels) and digits (..., n); leading axes as those of w, or 1.
        """
        hidden, scores = self._forward(w, x)
        out = np.exp(scores - scores.max(axis=-1, keepdims=True))
        out /= out.sum(axis=-1, keepdims=True)
        out -= np.arange(self.classes) == y[..., None]
        out /= np.float32(x.shape[-2])
        back = out @ self.layers(w)[2].swapaxes(-1, -2) * (hidden > 0)
        parts = (x.swapaxes(-1, -2) @ back, back.sum(axis=-2))
        parts += (hidden.swapaxes(-1, -2) @ out, out.sum(axis=-2))
        lead = scores.shape[:-2]
        return np.concatenate([part.reshape(*lead, -1) for part in parts], axis=-1)

    def _forward(self, w: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first, first_bias, second, second_bias = self.layers(w)
        hidden = np.maximum(x @ first + first_bias, 0)
        return hidden, hidden @ second + second_bias


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
