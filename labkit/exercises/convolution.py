"""Exercises of lesson 11: a convolution, the size of an output, the network that does not fit.

Each name is an Exercise: `output_size.use(my_output_size)`.  Lesson: 11_convolution.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from labkit.learn.checks import Exercise
from labkit.maths import convolution as maths


def _features(size: int, filters: int, kernel: int, pool: int) -> int:
    """Return the numbers per image after a convolution and a pooling: filters * side * side."""
    side = maths.output_size(maths.output_size(size, kernel), pool, stride=pool)
    return filters * side * side


def _windows(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return sliding_window_view(np.asarray(image, float), np.shape(kernel))


_random = np.random.default_rng(11)

output_size = Exercise(
    name="output_size",
    lesson="11",
    right=lambda size, kernel, stride, padding: maths.output_size(size, kernel, stride, padding),
    # (size, kernel, stride, padding)
    cases=[
        *[(28, 3, 1, 0), (26, 2, 2, 0), (28, 5, 1, 2), (28, 3, 2, 1), (10, 3, 2, 0), (7, 3, 3, 1)],
        (8, 3, 4, 0),  # room for 1.25 steps: rounded up it is another number than rounded
    ],
    mistakes={
        "the first position is missing": (
            lambda n, k, s, p: (n + 2 * p - k) // s,
            "You counted the steps between the positions. There is one position more than steps: "
            "a kernel as large as the image has one position and no step.",
        ),
        "padding on one side only": (
            lambda n, k, s, p: (n + p - k) // s + 1,
            "Padding adds its pixels on both sides of the image.",
        ),
        "stride left out": (
            lambda n, k, s, p: n + 2 * p - k + 1,
            "Right for stride 1. With stride 2 the kernel visits every second position.",
        ),
        "rounded up": (
            lambda n, k, s, p: -(-(n + 2 * p - k) // s) + 1,
            "You rounded up. A last step that would leave the image is not taken.",
        ),
        "rounded to the nearest": (
            lambda n, k, s, p: round((n + 2 * p - k) / s) + 1,
            "You rounded to the nearest whole number. A last step that would leave the image is "
            "not taken, however little is missing.",
        ),
        "not a whole number": (
            lambda n, k, s, p: (n + 2 * p - k) / s + 1,
            "The formula is right but for the rounding: sizes are whole numbers. Which way?",
        ),
        "kernel subtracted after dividing": (
            lambda n, k, s, p: (n + 2 * p) // s - k + 1,
            "You divided too early. How much room is there to move? That room is walked through in "
            "strides.",
        ),
    },
    hint="How far can the kernel move from the left edge to the right one? How many steps is that, "
    "and how many positions?",
)

convolution = Exercise(
    name="convolution",
    lesson="11",
    right=lambda image, kernel: maths.cross_correlate2d(image, kernel),
    # images of unequal sides and kernels without symmetry, so that no mistake stays hidden
    cases=[
        (np.array([[1.0, 4, 2, 7], [3, 0, 5, 6]]), np.array([[1.0, -2], [0, 3]])),  # can be shown
        (_random.integers(0, 9, (5, 7)).astype(float), np.arange(9.0).reshape(3, 3)),
        (_random.integers(0, 9, (4, 6)).astype(float), np.array([[1.0, -2.0], [0.0, 3.0]])),
    ],
    then=[(_random.normal(size=(7, 5)), np.array([[0.5, -1.0, 4.0], [2.0, 0.0, -3.0]]))],
    mistakes={
        "flipped kernel": (
            lambda image, kernel: maths.convolve2d(image, kernel),
            "You turned the kernel by 180 degrees. That is the convolution of mathematics; "
            "the layer of a network does not turn it.",
        ),
        "output as large as the input": (
            lambda image, kernel: maths.cross_correlate2d(image, kernel, padding="same"),
            "You padded the image with zeros. Here the kernel stays inside the image, so the "
            "output is smaller than the input.",
        ),
        "last row and column missing": (
            lambda image, kernel: maths.cross_correlate2d(image, kernel)[:-1, :-1],
            "Your loops stop one position early: one row and one column are missing.",
        ),
        "blocks instead of windows": (
            lambda image, kernel: maths.cross_correlate2d(image, kernel, stride=len(kernel)),
            "Your windows lie side by side. They overlap: move on by one pixel, not by a kernel.",
        ),
        "mean instead of sum": (
            lambda image, kernel: maths.cross_correlate2d(image, kernel) / np.size(kernel),
            "You averaged the products. Add them up.",
        ),
        "matrix product": (
            lambda image, kernel: (kernel @ _windows(image, kernel)).sum(axis=(2, 3)),
            "You used @, the matrix product. Multiply element by element: kernel * window.",
        ),
        "transposed kernel": (
            lambda image, kernel: maths.cross_correlate2d(image, kernel.T),
            "Rows and columns of the kernel are exchanged.",
        ),
        "the kernel is not used": (
            lambda image, kernel: _windows(image, kernel).sum(axis=(2, 3)),
            "You added up the pixels of each window. Multiply them by the kernel first.",
        ),
    },
    hint="For each place of the output: cut the window out of the image, weigh its pixels with the "
    "kernel, and make one number of them. How many places are there?",
)

features = Exercise(
    name="features",
    lesson="11",
    right=_features,
    # (size, filters, kernel, pool)
    # the last one leaves a remainder, like the lesson's second pooling (11 -> 5)
    cases=[(28, 32, 3, 2), (32, 16, 5, 2), (20, 8, 3, 3), (13, 3, 3, 2), (13, 5, 4, 3)],
    mistakes={
        "the listing's number": (
            lambda size, filters, kernel, pool: filters * (size // pool**2) ** 2,
            "That gives the listing's 32 * 7 * 7. It fits two padded convolutions with two "
            "poolings; this network has one of each, without padding.",
        ),
        "padding that is not there": (
            lambda size, filters, kernel, pool: filters * (size // pool) ** 2,
            "You let the convolution keep the size. Without padding it loses kernel - 1 pixels.",
        ),
        "pooling left out": (
            lambda size, filters, kernel, pool: filters * (size - kernel + 1) ** 2,
            "That is the size after the convolution. The pooling divides each side.",
        ),
        "filters left out": (
            lambda size, filters, kernel, pool: _features(size, 1, kernel, pool),
            "That is one feature map. The flattened vector holds one map for each filter.",
        ),
        "one side only": (
            lambda size, filters, kernel, pool: filters * ((size - kernel + 1) // pool),
            "A map has two sides: multiply by the side twice.",
        ),
        "both sides added": (
            lambda size, filters, kernel, pool: 2 * filters * ((size - kernel + 1) // pool),
            "You added the two sides of a map. Its numbers lie in rows and columns: multiply.",
        ),
        "a shape": (
            lambda size, filters, kernel, pool: (
                filters,
                (size - kernel + 1) // pool,
                (size - kernel + 1) // pool,
            ),
            "These are the right sizes. How many numbers are in such a block?",
        ),
        "a shape, filters last": (
            lambda size, filters, kernel, pool: (
                (size - kernel + 1) // pool,
                (size - kernel + 1) // pool,
                filters,
            ),
            "These are the right sizes. How many numbers are in such a block?",
        ),
        "kernel taken off whole": (
            lambda size, filters, kernel, pool: filters * ((size - kernel) // pool) ** 2,
            "You took the whole kernel off. A kernel as large as the image has one position.",
        ),
        "half a block": (
            lambda size, filters, kernel, pool: filters * ((size - kernel + 1) / pool) ** 2,
            "A row that does not fill a block is left out: a side is a whole number.",
        ),
        "squared before dividing": (
            lambda size, filters, kernel, pool: filters * (size - kernel + 1) ** 2 // pool**2,
            "You divided the whole area. What is left over is cut off on each side, before the "
            "sides are multiplied.",
        ),
        "rounded up": (
            lambda size, filters, kernel, pool: filters * (-(-(size - kernel + 1) // pool)) ** 2,
            "You counted a block that is only half there. Without padding it is left out.",
        ),
        "pooling before the convolution": (
            lambda size, filters, kernel, pool: filters * (size // pool - kernel + 1) ** 2,
            "The order is convolution, then pooling: divide last.",
        ),
    },
    hint="Follow one side: how long is it after the convolution, and after the pooling? Then count "
    "the numbers in all maps.",
)
