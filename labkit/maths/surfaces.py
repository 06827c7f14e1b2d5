"""Losses over two weights to walk down, with their gradients.

Lesson: 01_gradient_descent.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Surface:
    """A loss J(w) over two weights, with its gradient and what the lesson draws of it.

    Attributes:
        name: key in `SURFACES`.
        formula: the loss in plain text.
        value: function from w of shape (..., 2) to J of shape (...).
        gradient: function from w of shape (..., 2) to dJ/dw of shape (..., 2).
        start: where `descend` starts unless told otherwise.
        bounds: the part worth looking at, ((w1 low, w1 high), (w2 low, w2 high)).
        minimum: the lowest point; one of them where there are several.
        largest_curvature: largest eigenvalue of the Hessian where it is the same everywhere
            (a quadratic), else None.

    >>> SURFACES["ravine"].gradient([1, 1]).tolist()
    [0.2, 5.0]
    """

    name: str
    formula: str
    value: Callable[[ArrayLike], np.ndarray]
    gradient: Callable[[ArrayLike], np.ndarray]
    start: tuple[float, float]
    bounds: tuple[tuple[float, float], tuple[float, float]]
    minimum: tuple[float, float] | None = None
    largest_curvature: float | None = None


def _coordinates(w: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    w = np.asarray(w, dtype=float)
    if w.ndim == 0 or w.shape[-1] != 2:
        raise ValueError(
            f"w has shape {w.shape}; a surface takes shape (2,) or (..., 2): "
            "two weights in the last axis"
        )
    return w[..., 0], w[..., 1]


def _article_value(w: ArrayLike) -> np.ndarray:
    w1, _ = _coordinates(w)
    return (2 * w1 - 1) ** 2


def _article_gradient(w: ArrayLike) -> np.ndarray:
    w1, w2 = _coordinates(w)
    return np.stack([2 * 2 * (2 * w1 - 1), 0 * w2], axis=-1)


def _bowl_value(w: ArrayLike) -> np.ndarray:
    w1, w2 = _coordinates(w)
    return w1**2 + w2**2


def _bowl_gradient(w: ArrayLike) -> np.ndarray:
    w1, w2 = _coordinates(w)
    return np.stack([2 * w1, 2 * w2], axis=-1)


def _ravine_value(w: ArrayLike) -> np.ndarray:
    w1, w2 = _coordinates(w)
    return 0.1 * w1**2 + 2.5 * w2**2


def _ravine_gradient(w: ArrayLike) -> np.ndarray:
    w1, w2 = _coordinates(w)
    return np.stack([0.2 * w1, 5 * w2], axis=-1)


def _along_and_across(w1: np.ndarray, w2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far a point lies along and across a ravine that runs along (4, 3)."""
    return 0.8 * w1 + 0.6 * w2, 0.8 * w2 - 0.6 * w1


def _rotated_value(w: ArrayLike) -> np.ndarray:
    along, across = _along_and_across(*_coordinates(w))
    return 0.1 * along**2 + 2.5 * across**2


def _rotated_gradient(w: ArrayLike) -> np.ndarray:
    along, across = _along_and_across(*_coordinates(w))
    return np.stack(
        [0.8 * (0.2 * along) - 0.6 * (5 * across), 0.6 * (0.2 * along) + 0.8 * (5 * across)],
        axis=-1,
    )


def _saddle_value(w: ArrayLike) -> np.ndarray:
    w1, w2 = _coordinates(w)
    return w1**2 + w2**2 * (w2**2 - 2) / 4


def _saddle_gradient(w: ArrayLike) -> np.ndarray:
    w1, w2 = _coordinates(w)
    return np.stack([2 * w1, w2 * (w2**2 - 1)], axis=-1)


def _rosenbrock_value(w: ArrayLike) -> np.ndarray:
    w1, w2 = _coordinates(w)
    return (1 - w1) ** 2 + 100 * (w2 - w1**2) ** 2


def _rosenbrock_gradient(w: ArrayLike) -> np.ndarray:
    w1, w2 = _coordinates(w)
    off_valley = w2 - w1**2
    return np.stack([-2 * (1 - w1) - 400 * w1 * off_valley, 200 * off_valley], axis=-1)


SURFACES: dict[str, Surface] = {
    surface.name: surface
    for surface in [
        Surface(
            name="article",
            formula="J = (2 w1 - 1)^2",  # (w x - y)^2 with x = 2, y = 1; w2 plays no part
            value=_article_value,
            gradient=_article_gradient,
            start=(0.0, 0.0),
            bounds=((-0.5, 1.5), (-1.0, 1.0)),
            minimum=(0.5, 0.0),
            largest_curvature=8.0,
        ),
        Surface(
            name="bowl",
            formula="J = w1^2 + w2^2",
            value=_bowl_value,
            gradient=_bowl_gradient,
            start=(-4.0, 3.0),
            bounds=((-5.0, 5.0), (-5.0, 5.0)),
            minimum=(0.0, 0.0),
            largest_curvature=2.0,
        ),
        Surface(
            name="ravine",
            formula="J = 0.1 w1^2 + 2.5 w2^2",  # curvatures 0.2 and 5: condition number 25
            value=_ravine_value,
            gradient=_ravine_gradient,
            start=(-5.0, 2.0),
            bounds=((-6.0, 3.0), (-3.0, 3.0)),
            minimum=(0.0, 0.0),
            largest_curvature=5.0,
        ),
        Surface(
            name="rotated",  # the ravine, turned by 37 degrees: its Hessian is not diagonal
            formula="J = 0.1 (0.8 w1 + 0.6 w2)^2 + 2.5 (0.8 w2 - 0.6 w1)^2",
            value=_rotated_value,
            gradient=_rotated_gradient,
            start=(-5.2, -1.4),  # as far along and across as the start of the ravine
            bounds=((-6.0, 4.0), (-5.0, 3.0)),
            minimum=(0.0, 0.0),
            largest_curvature=5.0,
        ),
        Surface(
            name="saddle",
            formula="J = w1^2 - w2^2 / 2 + w2^4 / 4",  # saddle at (0, 0), minima at (0, +-1)
            value=_saddle_value,
            gradient=_saddle_gradient,
            start=(-1.5, 0.01),
            bounds=((-2.0, 2.0), (-1.6, 1.6)),
            minimum=(0.0, 1.0),
        ),
        Surface(
            name="rosenbrock",
            formula="J = (1 - w1)^2 + 100 (w2 - w1^2)^2",
            value=_rosenbrock_value,
            gradient=_rosenbrock_gradient,
            start=(-1.2, 1.0),
            bounds=((-2.0, 2.0), (-1.0, 3.0)),
            minimum=(1.0, 1.0),
        ),
    ]
}


def find_surface(surface: Surface | str) -> Surface:
    """Return the surface itself, or the one of that name in `SURFACES`.

    Raises:
        ValueError: no surface has that name.

    >>> find_surface("bowl").formula
    'J = w1^2 + w2^2'
    """
    if isinstance(surface, Surface):
        return surface
    if surface not in SURFACES:
        raise ValueError(f"no surface is called {surface!r}; choose one of {', '.join(SURFACES)}")
    return SURFACES[surface]
