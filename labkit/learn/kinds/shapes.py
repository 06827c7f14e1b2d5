"""The shape of an answer, where it is not the one asked."""

from typing import Any

import numpy as np

from labkit.learn.kinds.things import described
from labkit.learn.kinds.tried import Said, Tried
from labkit.learn.values import same


def named(tried: Tried) -> Said:
    """Name what is wrong with the shape, for the first case where it is not the one asked."""
    apart = [(x, y) for x, y in tried.arrays() if x.shape != y.shape]
    apart.sort(key=lambda pair: -max(pair[0].size, pair[1].size))  # the largest tells most
    if not apart:
        return None
    for rule in _SHAPES:
        found = [rule(x, y, tried.tolerance) for x, y in apart]
        if all(found) and len({kind for kind, _ in found}) == 1:
            return found[0]
    # No rule fits all cases: say what is wrong with the largest.
    found = filter(None, (rule(*apart[0], tried.tolerance) for rule in _SHAPES))
    return next(found, None) or _other_shape(*apart[0])


def _other_shape(x: np.ndarray, y: np.ndarray) -> Said:
    return "shape", f"Your answer has the shape {x.shape}. Asked is {described(y)}."


def _near(x: Any, y: Any, tolerance: float) -> bool:
    return np.shape(x) == np.shape(y) and same(
        np.asarray(x, float), np.asarray(y, float), tolerance
    )


def _clothes(x: np.ndarray, y: np.ndarray, tolerance: float) -> Said:
    """The right numbers in another shape."""
    if x.size != y.size or not _near(x.ravel(), y.ravel(), tolerance):
        return ("transposed", _TRANSPOSED) if _near(x.T, y, tolerance) else None
    asked = f"Asked is {'one number' if y.ndim == 0 else f'the shape {y.shape}'}"
    if y.ndim == 0 or x.shape == (1, *y.shape):
        return "wrapped in a list", (
            f"The answer is right, but wrapped in a list or an array: its shape is {x.shape}. "
            f"{asked}: leave out the outer brackets, or take it out with `[0]`."
        )
    if x.ndim == 0:
        return "a bare number", f"The number is right, but it stands alone. {asked}."
    start = f"Your answer has the shape {x.shape}"
    if y.ndim == 1 and x.ndim == 2 and x.shape[1] == 1:
        return "a column", (
            f"The numbers are right. {start}, a column. {asked}: `.ravel()` makes it flat."
        )
    if y.ndim == 2 and y.shape[1] == 1 and x.shape == y.shape[::-1]:
        return "a row", (
            f"The numbers are right. {start}, a row. {asked}, a column: `.T` turns it over."
        )
    if x.ndim == 1:
        return "flat", (
            f"The numbers are right. {start}, it is flat. {asked}: `keepdims=True` keeps an axis, "
            "`reshape` brings one back."
        )
    return "another shape", f"The numbers are right. {start}. {asked}."


_TRANSPOSED = "The numbers are right, but rows and columns are exchanged: `.T` turns a matrix over."


def _reduced(x: np.ndarray, y: np.ndarray, tolerance: float) -> Said:
    """One number that was made of the numbers that are asked."""
    if x.ndim or y.ndim == 0:
        return None
    for what, function in (("sum", np.sum), ("mean", np.mean), ("largest", np.max)):
        if y.size > 1 and _near(x, function(y), tolerance):
            return f"the {what} of them", (
                f"You return one number, the {what} of those that are asked. Asked is the shape "
                f"{y.shape}: a step is too much."
            )
    flat = y.ravel()
    for which, number in (("first", flat[:1]), ("last", flat[-1:])):
        if y.size > 1 and _near(x.reshape(1), number, tolerance):
            return f"only the {which}", (
                f"You return one number, the {which} of those that are asked. Does your `return` "
                "stand inside the loop, or behind a name that each turn overwrites?"
            )
    return None


def _number_for_array(x: np.ndarray, y: np.ndarray, tolerance: float) -> Said:
    if x.ndim or y.ndim == 0:
        return None
    return "one number for many", (
        f"You return one number. Asked is the shape {y.shape}, one number for each place: is there "
        "a sum or a mean too many, or a `return` inside a loop?"
    )


def _not_reduced(x: np.ndarray, y: np.ndarray, tolerance: float) -> Said:
    """The numbers of which the one that is asked is made."""
    if y.ndim or x.ndim == 0 or x.size == 0:
        return None
    for what, function in (("sum", np.sum), ("mean", np.mean)):
        if _near(function(x), y, tolerance):
            return f"the {what} is missing", (
                f"You return {x.size} numbers. Asked is one: the last step, that makes one of "
                "them, is missing."
            )
    return None


def _array_for_number(x: np.ndarray, y: np.ndarray, tolerance: float) -> Said:
    if y.ndim or x.ndim == 0:
        return None
    if x.size == 0:
        return "empty", "Your answer is empty. Asked is one number."
    count = f"{x.size} number{'s' * (x.size > 1)}, of shape {x.shape}"
    return "many numbers for one", (
        f"You return {count}. Asked is one: is a step missing that makes one of many, such as a "
        "sum, a mean or a maximum?"
    )


def _each_with_each(x: np.ndarray, y: np.ndarray, tolerance: float) -> Said:
    """A flat array met a column."""
    if x.ndim == 2 and y.ndim in (1, 2) and x.shape == (y.size, y.size) and max(y.shape) == y.size:
        return "each with each", (
            f"Your answer has the shape {x.shape}: each number met each other. A flat array of "
            f"shape ({y.size},) and a column of shape ({y.size}, 1) combine to a table; give both "
            "the same shape."
        )
    return None


def _axis_lost(x: np.ndarray, y: np.ndarray, tolerance: float) -> Said:
    if x.ndim != y.ndim - 1:
        return None
    for axis in range(y.ndim):
        if np.delete(y.shape, axis).tolist() == list(x.shape):
            done = ""
            for what, function in (("sum", np.sum), ("mean", np.mean)):
                if _near(x, function(y, axis=axis), tolerance):
                    done = f" It is the {what} along axis {axis} of what is asked."
            return "an axis is gone", (
                f"Your answer has the shape {x.shape}. Asked is {y.shape}: the axis of "
                f"{y.shape[axis]} is gone.{done}"
            )
    return None


def _part(x: np.ndarray, y: np.ndarray, tolerance: float) -> Said:
    """A part of what is asked, or more than that, along the first axis."""
    if x.ndim != y.ndim or x.ndim == 0 or x.shape[1:] != y.shape[1:]:
        return None
    less, more = (x, y) if len(x) < len(y) else (y, x)
    word = "missing" if less is x else "too much"
    count = len(more) - len(less)
    what = "is" if count == 1 else "are"
    start = f"Your answer holds {len(x)} {'numbers' if x.ndim == 1 else 'rows'}, asked are {len(y)}"
    if len(less) and _near(less, more[: len(less)], tolerance):
        return (
            f"the end is {word}",
            f"{start}: the last {count} {what} {word}, the others are right.",
        )
    if len(less) and _near(less, more[count:], tolerance):
        return f"the beginning is {word}", (
            f"{start}: the first {count} {what} {word}, the others are right."
        )
    return None


def _length(x: np.ndarray, y: np.ndarray, tolerance: float) -> Said:
    if x.ndim != y.ndim or x.ndim == 0 or x.shape[1:] != y.shape[1:]:
        return None
    what = "numbers" if x.ndim == 1 else "rows"
    return f"too {'few' if len(x) < len(y) else 'many'} {what}", (
        f"Your answer holds {_counted(len(x), what)}, asked are {len(y)}. Does a slice or a loop "
        "stop one too early, or go one too far?"
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what.removesuffix('s') if count == 1 else what}"


def _turned(x: np.ndarray, y: np.ndarray, tolerance: float) -> Said:
    if x.ndim == 2 and x.shape == y.shape[::-1]:
        return "shape turned over", (
            f"Your answer has the shape {x.shape}. Asked is {y.shape}: rows and columns are "
            "exchanged, perhaps already in a product before."
        )
    return None


_SHAPES = [
    _clothes,
    _reduced,
    _number_for_array,
    _not_reduced,
    _array_for_number,
    _turned,
    _each_with_each,
    _part,
    _length,
    _axis_lost,
]
