"""How hidden units cut the plane: every unit is one straight line, and lines cut it into regions.

With ReLU the network is linear inside each region, and bends only at the lines.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def most_regions(units: int, inputs: int = 2) -> int:
    """Return into how many regions one layer of `units` can cut the space of its inputs at most.

    Args:
        units: hidden units of the layer, 0 or more; each cuts once, straight through.
        inputs: dimension of the space, 1 or more; 2 is the plane.

    Source: T. Zaslavsky, Facing up to Arrangements (1975): the sum of binomial coefficients of
    `units` over 0 ... `inputs`. Lesson: 04_backpropagation.

    >>> [most_regions(units) for units in range(5)]
    [1, 2, 4, 7, 11]
    >>> most_regions(units=5, inputs=1)  # five points on a line
    6
    """
    return sum(math.comb(units, k) for k in range(inputs + 1))


def count_regions(W: ArrayLike, b: ArrayLike, X: ArrayLike) -> int:
    """Return how many regions of one layer hold at least one of the samples.

    Args:
        W: weights of the layer, shape (inputs, units).
        b: biases, shape (units,).
        X: samples, shape (n, inputs), such as a fine grid over a part of the plane.

    Two samples lie in one region when the same units are above 0 for both.
    Lesson: 04_backpropagation.

    >>> count_regions([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0], [[1, 1], [2, 1], [-1, 1], [-1, -1]])
    3
    """
    on = np.asarray(X, dtype=float) @ np.asarray(W, dtype=float) + np.asarray(b, dtype=float) > 0
    return int(same_region(on).max()) + 1


def same_region(on: ArrayLike) -> np.ndarray:
    """Return the number of each sample's region, shape (n,), from 0 up.

    Args:
        on: whether each unit of the network is above 0 for each sample, shape (n, units). In one
            region the same units are, so that a ReLU network is linear there.

    Lesson: 03_activation_functions.

    >>> same_region([[True, False], [True, True], [True, False]]).tolist()
    [0, 1, 0]
    """
    packed = np.packbits(np.asarray(on, dtype=bool), axis=1)
    whole = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), dtype=np.uint8)
    whole[:, : packed.shape[1]] = packed
    words, region = whole.view(np.uint64), np.zeros(len(packed), dtype=np.int64)
    for word in words.T:  # word by word: rows of numbers are found faster than rows of bytes
        word = np.unique(word, return_inverse=True)[1]
        region = np.unique(region * (word.max() + 1) + word, return_inverse=True)[1]
    return region
