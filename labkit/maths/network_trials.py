"""Trials of many small networks at once: wrong labels, and listings of the source articles.

Lesson: 10_first_network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from labkit.maths import backprop as maths

NETWORKS = 20  # trained side by side on two numbers
STARTS = 300  # of the XOR network


def larger_of_two(
    pairs: ArrayLike, targets: ArrayLike, seed: int = 0, epochs: int = 30
) -> tuple[np.ndarray, np.ndarray]:
    """Train twenty networks 2-3-1, all sigmoid, with gradient descent at rate 1 in batches of 50.

    Args:
        pairs: shape (n, 2).
        targets: what the loss is given as labels, shape (n, 1).
        seed: of the starting weights.
        epochs: passes over the pairs.

    Returns:
        The loss of each network after each epoch, shape (epochs, 20), and whether it says that the
        first number is larger, shape (20, n).

    >>> losses, yes = larger_of_two([[0.9, 0.1], [0.2, 0.7]], [[1], [0]], epochs=3)
    >>> losses.shape, yes.shape
    ((3, 20), (20, 2))
    """
    pairs, targets = np.asarray(pairs, dtype=float), np.asarray(targets, dtype=float)
    stack, losses = maths.glorot_layers([2, 3, 1], seed, stack=NETWORKS), []
    for _ in range(epochs):
        for start in range(0, len(pairs), 50):
            X, y = pairs[start : start + 50], targets[start : start + 50]
            gradients = maths.backward(stack, maths.forward(stack, X), y)
            stack = maths.descend_layers(stack, gradients, 1.0)
        logits = maths.forward(stack, pairs, output="linear")[-1]
        losses.append(maths.network_loss(logits, targets, from_logits=True))
    return np.array(losses), logits[..., 0] > 0  # a positive logit means p > 0.5


def clouds(distance: float) -> float:
    """Return the share of new points that 10-50-3 puts into the right one of three clouds.

    Args:
        distance: of the clouds' centers from each other, in standard deviations of a cloud.
    """
    rng = np.random.default_rng(0)
    kinds, spread = np.arange(900) % 3, rng.normal(size=(900, 10))
    points = spread + distance * rng.normal(size=(3, 10))[kinds]
    layers = maths.glorot_layers([10, 50, 3], 0, stack=5)
    layers, _ = maths.train(
        layers, points[:450], np.eye(3)[kinds[:450]], 0.5, 100, "relu", "softmax"
    )
    answers = maths.forward(layers, points[450:], "relu", "softmax")[-1].argmax(axis=-1)
    return float((answers == kinds[450:]).mean())


def xor_listing() -> tuple[np.ndarray, list[float]]:
    """Train the XOR network 2-3-1 from 300 starts, as an article prescribes, and otherwise.

    Returns:
        Smallest, median and largest loss after 1,000 epochs at rate 0.1; and the share of starts
        that solved it after 1,000 epochs, after 10,000, and after 1,000 at rate 1.
    """
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
    start = maths.glorot_layers([2, 3, 1], 0, stack=STARTS)
    early, losses = maths.train(start, X, y, 0.1, 1000)
    late, _ = maths.train(early, X, y, 0.1, 9000)
    steep, _ = maths.train(start, X, y, 1.0, 1000)
    solved = [float(maths.solved(each, X, y).mean()) for each in (early, late, steep)]
    return np.percentile(losses[-1], [0, 50, 100]), solved
