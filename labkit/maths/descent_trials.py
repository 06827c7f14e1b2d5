"""Trials of gradient descent that are too long for a cell: a large table on the clock, claims.

Lesson: 01_gradient_descent.
"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from labkit.maths.descent import Update, fit_linear, linear_loss
from labkit.maths.surfaces import SURFACES

TINY = 1e-5  # of the moves that measure a slope


def more_rows(
    X: ArrayLike, w: ArrayLike, noise: float, rows: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return invented samples with the correlations of X, and targets X w plus normal noise.

    Args:
        X: samples, shape (n, features), each column with mean 0.
        w: weights, shape (features,).
        noise: standard deviation of the noise.
        rows: how many to invent.
        seed: of the drawing.

    >>> X, y = more_rows([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]], [1, 0], 0.0, 5)
    >>> X.shape, bool(np.allclose(X[:, 0], y))
    ((5, 2), True)
    """
    X, rng = np.asarray(X, dtype=float), np.random.default_rng(seed)
    new = rng.normal(size=(rows, X.shape[1])) @ np.linalg.cholesky(X.T @ X / len(X)).T
    return new, new @ np.asarray(w) + noise * rng.normal(size=rows)


def timed_descent(
    X: np.ndarray, y: np.ndarray, batch_size: int, rate: float, steps: int, update: Update
) -> tuple[np.ndarray, np.ndarray]:
    """Return seconds passed at some steps, and the excess loss there as a share of the lowest one.

    The rows are read in their order. Only the steps are timed, not what looks at them.

    Args:
        X, y: samples, shape (n, features), and targets, shape (n,).
        batch_size: rows for each step, in [1, n].
        rate: learning rate.
        steps: number of steps, at least 1; about forty of them are looked at.
        update: the rule, update(w, gradient, learning_rate).
    """
    w, path = np.zeros(X.shape[1]), []
    firsts = np.arange(steps) * batch_size % (len(X) - batch_size + 1)
    begun = time.perf_counter()
    for first in firsts:
        some, their = X[first : first + batch_size], y[first : first + batch_size]
        w = update(w.copy(), 2 / batch_size * some.T @ (some @ w - their), rate)
        path.append(w)
    each = (time.perf_counter() - begun) / steps
    shown = np.unique(np.geomspace(1, steps, 40).astype(int))
    lowest = linear_loss(np.linalg.lstsq(X, y, rcond=None)[0], X, y)
    losses = np.array([linear_loss(path[step - 1], X, y) for step in shown])
    return each * shown, losses / lowest - 1


def race(rule: Callable, X: np.ndarray, y: np.ndarray, rate: float, steps: int = 100) -> float:
    """Return the loss of a linear model above the lowest possible, as a share of it, after a walk.

    Args:
        rule: w, memory = rule(w, memory, gradient, rate, step), with step = 1, 2, 3, ... and a
            memory that begins with zeros.
        X, y: samples, shape (n, features), and targets, shape (n,); each step sees all.
        rate: learning rate.
        steps: number of steps.

    >>> plain = lambda w, memory, gradient, rate, step: (w - rate * gradient, memory)
    >>> X, y = np.array([[1.0], [2.0]]), np.array([1.0, 3.0])
    >>> round(race(plain, X, y, rate=0.01, steps=5), 6)
    29.33811
    """
    w, memory = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    for step in range(1, steps + 1):
        w, memory = rule(w.copy(), memory, 2 / len(X) * X.T @ (X @ w - y), rate, step)
    lowest = linear_loss(np.linalg.lstsq(X, y, rcond=None)[0], X, y)
    return linear_loss(w, X, y) / lowest - 1


def bias_losses(X: np.ndarray, y: np.ndarray, update: Update) -> tuple[float, ...]:
    """Fit weights and a bias, 100 steps at rate 0.1; return three losses and the bias.

    The losses are those at first, after one update, and at the end.
    """
    with_bias = np.column_stack([X, np.ones(len(X))])  # the last weight is the bias
    fit = fit_linear(with_bias, y, learning_rate=0.1, epochs=100, optimizer=update)
    first, second, last = (linear_loss(fit[step], with_bias, y) for step in (0, 1, 100))
    return first, second, last, float(fit[100][-1])


def falls_everywhere(update: Update) -> int:
    """Return on how many of the surfaces one step at rate 0.0001 lowers the loss.

    >>> falls_everywhere(lambda w, gradient, rate: w - rate * gradient) == len(SURFACES)
    True
    """
    starts = [(surface, np.array(surface.start)) for surface in SURFACES.values()]
    return sum(
        bool(surface.value(update(w.copy(), surface.gradient(w), 1e-4)) < surface.value(w))
        for surface, w in starts
    )


def steepest_degrees(value: Callable, w: ArrayLike) -> int:
    """Return in which of 360 directions the loss grows most beside w, in degrees from w1.

    >>> steepest_degrees(SURFACES["bowl"].value, (1.0, 1.0))
    45
    """
    angles = np.radians(np.arange(360))
    around = np.asarray(w) + TINY * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return int(np.argmax(value(around)))


def four_groups(update: Update) -> tuple[int, bool, float, float]:
    """Update the four groups of parameters of a 2-3-1 network for XOR, with measured gradients.

    Returns:
        how many of the groups, updated alone, lower the loss; whether all together do; the loss
        at first, and after 500 updates of all at rate 0.1.
    """
    p = np.random.default_rng(0).normal(scale=0.5, size=13)
    group, first, after = np.repeat([0, 1, 2, 3], [6, 3, 3, 1]), _xor_loss(p), _stepped(p, update)
    alone = sum(bool(_xor_loss(np.where(group == k, after, p)) < first) for k in range(4))
    for _ in range(500):
        p = _stepped(p, update)
    return alone, bool(_xor_loss(after) < first), float(first), float(_xor_loss(p))


def _xor_loss(p: np.ndarray) -> np.ndarray:
    """Return the mean squared error of networks with parameters p, shape (..., 13)."""
    corners, xor = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    W1, b1, W2, b2 = p[..., :6], p[..., 6:9], p[..., 9:12], p[..., 12:]
    hidden = np.tanh(corners @ W1.reshape(*p.shape[:-1], 2, 3) + b1[..., None, :])
    return np.mean(((hidden @ W2[..., None])[..., 0] + b2 - xor) ** 2, axis=-1)


def _stepped(p: np.ndarray, update: Update) -> np.ndarray:
    moves = TINY * np.eye(len(p))
    return update(p.copy(), (_xor_loss(p + moves) - _xor_loss(p - moves)) / (2 * TINY), 0.1)
