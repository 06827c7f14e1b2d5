"""What the page must know of each surface besides its formula, and the presets on it."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.maths.descent import SURFACES, Surface, largest_stable_rate

# What each button sets. Its name is the verdict that the run gets: the tests see to that.
PRESETS = {
    "article": {
        "crawls": {"learning_rate": 0.001, "steps": 50},
        "converges": {"learning_rate": 0.1, "steps": 20},
        "oscillates": {"learning_rate": 0.25, "steps": 20},
        "diverges": {"learning_rate": 0.3, "steps": 50},
    },
    "bowl": {
        "crawls": {"learning_rate": 0.005, "steps": 50},
        "converges": {"learning_rate": 0.2, "steps": 50},
        "oscillates": {"learning_rate": 1.0, "steps": 20},
        "diverges": {"learning_rate": 1.3, "steps": 50},
    },
    "ravine": {
        "crawls": {"learning_rate": 0.03, "steps": 50},
        "converges": {"learning_rate": 0.36, "steps": 250},
        "oscillates": {"learning_rate": 0.4, "steps": 50},
        "diverges": {"learning_rate": 0.44, "steps": 100},
    },
    "rotated": {
        "crawls": {"learning_rate": 0.03, "steps": 50},
        "converges": {"learning_rate": 0.36, "steps": 250},
        "oscillates": {"learning_rate": 0.4, "steps": 50},
        "diverges": {"learning_rate": 0.44, "steps": 100},
    },
    "saddle": {
        "crawls": {"learning_rate": 0.02, "steps": 50},
        "converges": {"learning_rate": 0.2, "steps": 100},
        "gets stuck": {"learning_rate": 0.2, "steps": 100, "start_x": -1.5, "start_y": 0.0},
        "diverges": {"learning_rate": 1.3, "steps": 100},
    },
    "rosenbrock": {
        "crawls": {"learning_rate": 0.001, "steps": 200},
        "on its way": {"optimizer": "momentum", "learning_rate": 0.001, "steps": 500},
        "oscillates": {"optimizer": "rmsprop", "learning_rate": 0.1, "steps": 500},
        "diverges": {"learning_rate": 0.01, "steps": 50},
    },
}


@functools.cache
def describe_surface(name: str) -> dict[str, Any]:
    """Return what the page must know of a surface besides its formula.

    Returns:
        dict with label; start; bounds; minima, list of points; lowest, J there; curvature, the
        largest at the minimum; local, whether it is another one elsewhere; curvatures, those along
        w1 and w2 where each weight walks alone and they are the same everywhere; flat, whether w2
        plays no part; levels of the map; loss_axis, lowest and highest loss drawn; presets.

    >>> describe_surface("ravine")["curvatures"]
    [0.2, 5.0]
    """
    surface = SURFACES[name]
    lowest = float(surface.value(surface.minimum))
    levels = _levels(surface)
    top = math.ceil(math.log10(levels["high"] - lowest)) + 1
    local = surface.largest_curvature is None
    return {
        "label": _label(surface.formula),
        "start": list(surface.start),
        "bounds": [list(pair) for pair in surface.bounds],
        "minima": _minima(surface),
        "lowest": lowest,
        "curvature": _curvature(surface),
        "local": local,
        "curvatures": [] if local else _curvatures(surface),
        "flat": name == "article",
        "levels": levels,
        "loss_axis": [1e-5 if name == "rosenbrock" else 1e-13, 10.0**top],
        "presets": [
            {"name": verdict, "params": _preset(surface, settings)}
            for verdict, settings in PRESETS[name].items()
        ],
    }


def _preset(surface: Surface, settings: Mapping[str, Any]) -> dict[str, Any]:
    start = dict(zip(("start_x", "start_y"), map(float, surface.start), strict=True))
    return {"optimizer": "sgd"} | start | settings


def _label(formula: str) -> str:
    """Return the formula in small and raised digits: w1^2 becomes w₁²."""
    for plain, pretty in {"w1": "w₁", "w2": "w₂", "^2": "²", "^4": "⁴", " - ": " − "}.items():
        formula = formula.replace(plain, pretty)
    return formula


def _minima(surface: Surface) -> list[list[float]]:
    """Return the minimum, and its mirror image where that lies as low."""
    there = np.array(surface.minimum, dtype=float)
    lowest = surface.value(there)
    points = [there] if surface.value(-there) > lowest else [there, 0 - there]
    return np.unique(points, axis=0).tolist()


def _beside(surface: Surface, h: float) -> np.ndarray:
    """Return the points beside the minimum along w1 and along w2."""
    return np.array(surface.minimum) + h * np.eye(2)


def _curvatures(surface: Surface) -> list[float]:
    """Return the curvatures along w1 and w2 of a quadratic, none where its axes are rotated."""
    hessian = surface.gradient(_beside(surface, 1.0))  # its slopes one step beside the minimum
    curvatures = np.diag(hessian)
    return curvatures.tolist() if np.array_equal(hessian, np.diag(curvatures)) else []


def _curvature(surface: Surface) -> float:
    """Return the largest curvature at the minimum, from the gradient a little to each side."""
    if surface.largest_curvature is not None:
        return surface.largest_curvature
    h = 1e-5
    rise = surface.gradient(_beside(surface, h)) - surface.gradient(_beside(surface, -h))
    hessian = rise / (2 * h)
    return 2 / largest_stable_rate((hessian + hessian.T) / 2)


def _levels(surface: Surface, lines: int = 14, cells: int = 120) -> dict[str, Any]:
    """Return contour levels, dense where it is low: half of the map lies below the middle."""
    x, y = (np.linspace(*pair, cells) for pair in surface.bounds)
    values = surface.value(np.stack(np.meshgrid(x, y), axis=-1))
    low, high = float(surface.value(surface.minimum)), float(values.max())
    power = math.log((float(np.median(values)) - low) / (high - low)) / math.log(0.5)
    heights = low + (high - low) * (np.arange(1, lines) / lines) ** power
    return {"low": low, "high": high, "power": power, "lines": heights.tolist()}
