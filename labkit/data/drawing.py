"""A digit drawn by hand, prepared as MNIST prepares its own: strokes, ink, 28 x 28 pixels.

The page of the digit explorer computes the same in JavaScript (explore/js/digit/maths.js).
Lesson: 10_first_network.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

SIDE = 28  # the field in pixels of the network
FINE = 5  # cells of ink along each of them
CELLS = SIDE * FINE
BOX = 20  # MNIST fits the digit into a box of 20 x 20 pixels ...
CENTER = 14.5  # ... and its center of mass into the pixel in row and column 14, counted from 0
SOFT = 0.4  # width of a stroke's soft edge, in pixels
TRACE = 0.02  # less ink than this is none

Strokes = Sequence[ArrayLike]  # each x, y, x, y, ... in pixels, 0 to 28 from the upper left


def ink_of(strokes: Strokes, pen: float) -> np.ndarray:
    """Return the ink of strokes: array (140, 140), 0 for none to 1.

    Args:
        strokes: each a list x, y, x, y, ... of places in pixels, 0 to 28 from the upper left.
        pen: width of the pen in pixels.

    >>> round(float(ink_of([[14, 14]], pen=2.0).sum()) / 25, 1)  # a dot: about pi
    3.2
    """
    ink = np.zeros((CELLS, CELLS))
    at = (np.arange(CELLS) + 0.5) / FINE
    for stroke in strokes:
        points = np.reshape(np.asarray(stroke, dtype=float), (-1, 2))
        for begin, end in zip(points[[0, *range(len(points) - 1)]], points, strict=True):
            _add_segment(ink, at, begin, end, pen)
    return ink


def _add_segment(
    ink: np.ndarray, at: np.ndarray, begin: np.ndarray, end: np.ndarray, pen: float
) -> None:
    reach = pen / 2 + SOFT
    columns, rows = (
        slice(*np.searchsorted(at, [min(a, b) - reach - 0.2, max(a, b) + reach + 0.2]))
        for a, b in zip(begin, end, strict=True)
    )
    x, y = at[columns] - begin[0], (at[rows] - begin[1])[:, None]
    dx, dy = end - begin
    length = dx * dx + dy * dy
    t = np.clip((x * dx + y * dy) / length, 0, 1) if length > 0 else 0.0  # the nearest point
    distance = np.hypot(x - t * dx, y - t * dy)
    value = np.clip((pen / 2 - distance) / SOFT + 0.5, 0, 1)
    ink[rows, columns] = np.maximum(ink[rows, columns], value)


def resample(ink: np.ndarray, left: float, top: float, width: float) -> np.ndarray:
    """Return means of the ink over 28 x 28 squares of `width` cells, the first at (left, top).

    >>> resample(np.ones((140, 140)), 0, 0, 5).shape
    (28, 28)
    """

    def shares(start: float) -> np.ndarray:
        edges = start + width * np.arange(SIDE + 1)
        cells = np.arange(CELLS)
        low = np.maximum(cells, edges[:-1, None])
        high = np.minimum(cells + 1, edges[1:, None])
        return np.maximum(high - low, 0) / width  # (28, 140)

    return shares(top) @ ink @ shares(left).T


def center_ink(ink: np.ndarray) -> np.ndarray:
    """Return the 28 x 28 image of a drawing as MNIST prepares its digits.

    The longer side of the drawing becomes 20 pixels, and its center of mass comes to lie in the
    pixel of row 14 and column 14, counted from 0.

    Source: LeCun, Cortes and Burges, the description of the MNIST database.

    >>> image = center_ink(ink_of([[2, 2, 2, 6]], pen=1.0))  # a short stroke in a corner
    >>> lit = np.flatnonzero(image.sum(axis=1) > 0.01)
    >>> int(lit[0]), int(lit[-1])  # 20 pixels long, from the middle of row 4 to that of row 24
    (4, 24)
    """
    rows, columns = np.nonzero(ink > TRACE)
    if len(rows) == 0:
        return np.zeros((SIDE, SIDE))
    width = max(np.ptp(rows) + 1, np.ptp(columns) + 1) / BOX
    at = np.arange(CELLS) + 0.5
    mass = ink.sum()
    x, y = ink.sum(axis=0) @ at / mass, ink.sum(axis=1) @ at / mass
    return resample(ink, x - CENTER * width, y - CENTER * width, width)


def image_of(
    strokes: Strokes, pen: float, center: bool, example: np.ndarray | None = None
) -> np.ndarray:
    """Return the 28 x 28 numbers that the network gets, each in [0, 1].

    Args:
        strokes, pen: as for `ink_of`.
        center: whether to center and scale the drawing as MNIST does.
        example: an image (28, 28) on which was drawn; it is centered already. None for a blank.

    >>> image_of([[2, 2, 2, 6]], pen=1.0, center=True)[:, 14].argmax() in range(5, 24)
    True
    """
    ink = _known_ink(tuple(map(tuple, strokes)), pen)
    if example is None:
        return center_ink(ink) if center else resample(ink, 0, 0, FINE)
    return np.maximum(resample(ink, 0, 0, FINE), example)


_known_ink = lru_cache(maxsize=32)(ink_of)
