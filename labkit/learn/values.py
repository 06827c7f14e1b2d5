"""Values as answers: when two are the same, what form they have, and how to show them."""

import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np

SHOWN = 8  # an array with more items is shown by its shape
_COARSE = 1e-5  # single precision, after a few operations


def same(a: Any, b: Any, tolerance: float = 1e-6) -> bool:
    """Return whether the answer `a` is `b`: numbers by size and shape, text ignoring case.

    A list, a tuple and an array are the same, and so are a number and an array of no dimension.

    >>> same((1, 2.0), np.array([1.0, 2.0])), same([1.0], 1.0), same(" Adam", "adam")
    (True, False, True)
    """
    if isinstance(b, str) and getattr(a, "shape", None) == ():
        a = a.tolist()  # an array that holds one word
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and _plain(a) == _plain(b)
    if isinstance(a, Callable) or isinstance(b, Callable) or is_blank(a) or is_blank(b):
        return a is b
    x, y = numbers(a), numbers(b)
    if y is None or (isinstance(b, tuple) and y.size):  # several answers, each of its own size
        return _same_parts(a, b, tolerance)
    if x is None or x.shape != y.shape or isinstance(a, np.matrix):
        return False
    return bool(close(x, y, max(tolerance, _COARSE) if is_coarse(a) else tolerance).all())


def _same_parts(a: Any, b: Any, tolerance: float) -> bool:
    """Compare what is not made of numbers alone: part by part, or else by ==."""
    if isinstance(b, dict):
        return (
            isinstance(a, dict)
            and a.keys() == b.keys()
            and all(same(a[key], b[key], tolerance) for key in b)
        )
    x, y = items(a), items(b)
    if y is not None:
        return (
            x is not None
            and len(x) == len(y)
            and all(same(*pair, tolerance) for pair in zip(x, y, strict=True))
        )
    try:
        return type(a) is type(b) and bool(a == b)
    except Exception:  # a learner's object need not compare
        return False


def negative(value: Any) -> Any:
    """Return numbers with the other sign, None for what has none.

    >>> negative((1, np.ones(1)))
    (-1.0, array([-1.]))
    """
    if isinstance(value, tuple):
        return tuple(map(negative, value))
    array = numbers(value)
    return None if array is None or not array.any() else -array if array.ndim else -float(array)


def is_blank(value: Any) -> bool:
    """Return whether a value is None or `...`."""
    return value is None or value is ...


def items(value: Any) -> list | None:
    """Return what a list, a tuple, a range or an array holds, None for anything else."""
    try:
        if isinstance(value, np.ndarray):
            return list(value)
        value = value.tolist() if hasattr(value, "tolist") else value
    except Exception:  # whatever a learner's object does when it is converted
        return None
    return list(value) if isinstance(value, (list, tuple, range)) else None


def within(value: Any, depth: int = 6) -> Iterator:
    """Yield all that stands inside a list, a tuple or an array of objects, and inside of that.

    >>> [part for part in within([1, (2, ["a"])]) if not isinstance(part, (list, tuple))]
    [1, 2, 'a']
    """
    if depth == 0 or (isinstance(value, np.ndarray) and value.dtype.kind not in "OSU"):
        return  # a list may hold itself; an array of numbers holds nothing else
    for item in items(value) or []:
        yield item
        yield from within(item, depth - 1)


def has_words(value: Any) -> bool:
    """Return whether a list, at any depth, holds text."""
    return any(isinstance(item, str) for item in within(value))


def numbers(value: Any) -> np.ndarray | None:
    """Return a value as an array of floats, or None when it is not made of real numbers.

    >>> numbers([1, True]).tolist(), numbers("1"), numbers([1, [2, 3]])
    ([1.0, 1.0], None, None)
    """
    try:
        array = np.asarray(value)
        if array.dtype.kind == "c" and not array.imag.any():
            array = array.real
        return array.astype(float) if array.dtype.kind in "biufO" else None
    except Exception:  # ragged lists, or whatever a learner's object does when it is converted
        return None


def has_nan(value: Any) -> bool:
    """Return whether there is nan among the numbers of a value."""
    array = numbers(value)
    return array is not None and bool(np.isnan(array).any())


def is_coarse(value: Any) -> bool:
    """Return whether numbers were computed in single precision, or less."""
    try:
        array = np.asarray(value)
    except Exception:  # as above
        return False
    return array.dtype.kind == "f" and array.dtype.itemsize < 8


def close(x: np.ndarray, y: np.ndarray, tolerance: float) -> np.ndarray:
    """Return where x equals y, an array of the same shape, relative to the size of all of y."""
    size = float(np.abs(y[np.isfinite(y)]).max(initial=0.0))
    # A right answer of 1e-17 is a zero with rounding; it sets no scale.
    scale = size if size > 1e-12 else 1.0
    return np.isclose(x, y, rtol=0, atol=tolerance * scale, equal_nan=True)


# --- form ---------------------------------------------------------------------------------------


def in_form(value: Any, likes: list) -> Any:
    """Return a right answer in the form that the lab's own answers have; itself if it has it.

    Args:
        value: a list for an array, single precision, a list for a tuple, ...
        likes: the lab's answers to several cases.

    >>> in_form([1, 2], [np.zeros(2)])
    array([1., 2.])
    >>> in_form([0.5, (1, 2)], [(1.0, np.zeros(3))])
    (0.5, array([1., 2.]))
    """
    like = next((each for each in likes if isinstance(each, np.ndarray)), likes[0])
    if isinstance(like, dict) and isinstance(value, dict) and value.keys() == like.keys():
        parts = {key: in_form(value[key], [each[key] for each in likes]) for key in value}
        return value if all(parts[key] is value[key] for key in value) else parts
    if isinstance(like, (tuple, list)) and (parts := items(value)) is not None:
        return _sequence_in_form(value, parts, likes)
    if numbers(value) is None or not isinstance(like, (int, float, np.generic, np.ndarray)):
        return value
    dtype = np.asarray(like).dtype
    return _array_in_form(value, dtype) if np.ndim(value) else _number_in_form(value, dtype)


def _sequence_in_form(value: Any, parts: list, likes: list) -> Any:
    form = type(likes[0])
    if {len(each) for each in likes} == {len(parts)}:
        new = [
            in_form(*pair) for pair in zip(parts, map(list, zip(*likes, strict=True)), strict=True)
        ]
    else:
        new = parts
    kept = type(value) is form and all(a is b for a, b in zip(new, value, strict=True))
    return value if kept else form(new)


def _array_in_form(value: Any, dtype: np.dtype) -> Any:
    kept = type(value) is np.ndarray and value.dtype == dtype
    array = numbers(value)
    whole = dtype.kind in "biu" and not np.array_equal(array, array.astype(dtype))
    return value if kept or whole else array.astype(dtype)


def _number_in_form(value: Any, dtype: np.dtype) -> Any:
    if isinstance(value, (bool, float, int, np.integer)):  # np.float64 is a float
        return value
    number = numbers(value)
    return float(number) if dtype.kind == "f" else number.astype(dtype).item()


def copied(value: Any) -> Any:
    """Return a copy that can be changed without changing the value."""
    return value.copy() if type(value) is np.ndarray else deepcopy(value)


def unchanged(before: Any, after: Any) -> bool:
    """Return whether the arrays, lists and dicts of a value are as they were.

    >>> unchanged([1, np.ones(2)], [1, np.zeros(2)])
    False
    """
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        if before.dtype.kind in "fc":
            return np.array_equal(before, after, equal_nan=True)
        return np.array_equal(before, after)
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(unchanged(before[k], after[k]) for k in before)
    if isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        return len(before) == len(after) and all(map(unchanged, before, after))
    simple = isinstance(before, (int, float, str)) and isinstance(after, (int, float, str))
    return before == after or before != before if simple else True


# --- showing ------------------------------------------------------------------------------------


def quoted(text: Any) -> str:
    """Return text of others for a message, where backticks mark code."""
    return str(text).replace("`", "'")


def call(case: tuple) -> str:
    """Show the arguments of a call: "(1.0, [2.0, 3.0])"."""
    return f"({', '.join(map(short, case))})"


def two(wanted: Any, mine: Any) -> tuple[str, str]:
    """Show two values that differ, with more digits when six do not tell them apart."""
    shown = short(wanted), short(mine)
    return shown if shown[0] != shown[1] else (short(wanted, 12), short(mine, 12))


def short(value: Any, digits: int = 6) -> str:
    """Show a value on one line: arrays by shape when they are large.

    >>> short([1 / 3, np.float64(2)]), short(np.ones((3, 4)))
    ('[0.333333, 2.0]', 'an array of shape (3, 4)')
    """
    if isinstance(value, Callable) and not hasattr(value, "shape"):
        return "a function"
    try:
        shape = tuple(getattr(value, "shape", ()))
        if math.prod(shape) > SHOWN:
            return f"an array of shape {shape}"
        value = _rounded(value, digits)
        text = f"{value:.{digits}g}" if isinstance(value, float) else repr(value)
    except Exception:  # a learner's object may break its own repr
        return f"a {type(value).__name__}"
    return quoted(text if len(text) <= 80 else text[:77] + "...")


def _rounded(value: Any, digits: int) -> Any:
    """Return plain Python numbers with a few digits, also inside lists, tuples and dicts."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if type(value) in (list, tuple):
        return type(value)(_rounded(item, digits) for item in value)
    if type(value) is dict:
        return {key: _rounded(item, digits) for key, item in value.items()}
    return value


def first_place(mine: Any, wanted: Any, tolerance: float, shown: int = SHOWN) -> str:
    """Say where two arrays too large to show first differ, '' for anything else."""
    x, y = numbers(mine), numbers(wanted)
    if x is None or y is None or x.shape != y.shape or y.size <= shown:
        return ""
    apart = np.argwhere(~close(x, y, tolerance))
    if not len(apart):
        return ""
    place = tuple(apart[0].tolist())
    return f"; at {list(place)} it should be {y[place]:.6g} and is {x[place]:.6g}"


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
