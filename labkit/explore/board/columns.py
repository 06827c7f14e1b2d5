"""One column of the runs: its values, its numbers if it holds only those, its groups, its scale."""

import functools
import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from labkit.explore.board.words import label, number

# As in columns.js.
FEW, BINS, WIDE, LEAST, CROWDED = 16, 8, 50, 4, 0.04


class Scale(NamedTuple):
    """Lowest and highest finite number, and whether their axis is logarithmic."""

    low: float
    high: float
    log: bool


class Groups(NamedTuple):
    """Levels ({label, value}), the level of each row, and whether numbers were binned."""

    levels: list[dict]
    codes: np.ndarray
    binned: bool


class Column:
    """One column of the runs of a lesson."""

    def __init__(self, name: str, values: list) -> None:
        self.name, self.values = name, values
        given = [value for value in values if value is not None]
        self.numeric = bool(given) and all(
            isinstance(v, int | float) and not isinstance(v, bool) for v in given
        )
        numbers = [math.nan if v is None else v for v in values] if self.numeric else []
        self.num = np.array(numbers, float)
        first: dict = {}
        for value in values:
            first.setdefault(rank(value), value)
        order = sorted(first)
        self.distinct = [None if key == MISSING else first[key] for key in order]
        place = {key: code for code, key in enumerate(order)}
        self.exact = np.array([place[rank(value)] for value in values], int)

    @functools.cached_property
    def groups(self) -> Groups:
        """Return the groups of this column; many different numbers are binned."""
        if self.numeric and len(self.distinct) > FEW:
            return _bins(self)
        levels = [{"label": label(value), "value": value} for value in self.distinct]
        return Groups(levels, self.exact, False)

    @functools.cached_property
    def scale(self) -> Scale:
        """Return the ends of the finite numbers, and whether they are a logarithmic grid."""
        return _grid_scale([x for x in self.distinct if _is_finite(x)] if self.numeric else [])

    @functools.cached_property
    def layout(self) -> str:
        """Return how the column lies along an axis.

        "linear" or "log" by its numbers; in even "steps" where they would cover each other;
        "names" beside each other, which no line joins.
        """
        if not self.numeric or not all(map(_is_finite, self.distinct)):
            return "names"
        low, high, log = self.scale
        if log:
            return "log"
        near = np.diff(self.distinct) < CROWDED * (high - low)
        return "steps" if not self.groups.binned and near.any() else "linear"


MISSING = (2, 0.0, "")


def rank(value: Any) -> tuple:
    """Return a key of equal values; it sorts numbers, texts and lists, then what is missing."""
    if value is None or value != value:
        return MISSING
    if isinstance(value, str):
        return 1, 0.0, value, 0
    if isinstance(value, list):
        return 1, 0.0, json.dumps(value), 1
    return 0, float(value), ""


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def scale_of(numbers: Sequence[float], factor: float) -> Scale:
    """Return the ends of the finite numbers; their axis is logarithmic beyond this factor."""
    finite = np.asarray(numbers, float)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return Scale(math.inf, -math.inf, False)
    low, high = float(finite.min()), float(finite.max())
    return Scale(low, high, low > 0 and high / low > factor)


def _grid_scale(numbers: list[float]) -> Scale:
    """Return a logarithmic scale where that puts the middle number nearer the middle."""
    low, high, log = scale_of(numbers, WIDE)
    if not low > 0 or len(numbers) < 3:
        return Scale(low, high, log)
    half = len(numbers) / 2
    median = (numbers[math.ceil(half) - 1] + numbers[math.floor(half)]) / 2

    def off(f: Callable[[float], float]) -> float:
        return abs((f(median) - f(low)) / (f(high) - f(low)) - 0.5)

    return Scale(low, high, high / low >= LEAST and off(math.log) < off(float))


def _bins(column: Column) -> Groups:
    low, high, log = column.scale
    to, back = (math.log, math.exp) if log else (float, float)
    width = (to(high) - to(low)) / BINS
    ends = [low, *(back(to(low) + i * width) for i in range(1, BINS)), high]
    levels = [
        {
            "label": f"{number(ends[i], 3)} to {number(ends[i + 1], 3)}",
            "value": back(to(low) + (i + 0.5) * width),
        }
        for i in range(BINS)
    ]
    if not np.isfinite(column.num).all():
        levels.append({"label": "not set", "value": None})
    codes = [
        min(BINS - 1, max(0, math.floor((to(x) - to(low)) / width))) if math.isfinite(x) else BINS
        for x in column.num.tolist()
    ]
    return Groups(levels, np.array(codes, int), True)
