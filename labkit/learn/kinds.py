"""What kind of thing came back: the feedback on answers that no exercise planned for.

`named` looks at the answer alone and at the right one, and says in a sentence what came, what is
asked and how one usually mends it. It knows no exercise, and gives no formula away.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from labkit.learn import relations
from labkit.learn.values import has_words, items, numbers, same, short

Said = tuple[str, str] | None  # the name of the kind, and a sentence


@dataclass(frozen=True)
class Tried:
    """What an answer gave.

    Args:
        got: what came back, for each case (for a value: the value alone).
        wanted: the right answers.
        cases: the arguments of each case, None for an exercise about a value.
        answer: the learner's function.
        right: the lab's.
        tolerance: largest difference that counts as equal.
        changed: for each case the arguments after the call.
    """

    got: list
    wanted: list
    cases: list[tuple] | None = None
    answer: Any = None
    right: Any = None
    tolerance: float = 1e-6
    changed: list[tuple] | None = None


def named(tried: Tried) -> Said:
    """Return the kind of a wrong answer and a sentence about it, None for one of no known kind.

    >>> tried = Tried([[2.0], [3.0]], [2.0, 3.0], [(1.0,), (2.0,)])
    >>> named(tried)[0]
    'one number in a list'
    """
    for mine, wanted in zip(tried.got, tried.wanted, strict=True):
        if said := _thing(mine, wanted):
            return said
    if all(isinstance(wanted, tuple) for wanted in tried.wanted):
        return _tuple(tried)
    if any(isinstance(wanted, Mapping) for wanted in tried.wanted):
        return _mapping(tried)
    return _several(tried) or _shape(tried) or relations.named(tried)


# --- what it is ---------------------------------------------------------------------------------


def _thing(mine: Any, wanted: Any) -> Said:
    """Name what is no number, and no array, list or tuple of numbers, where such is asked."""
    if isinstance(mine, str) != isinstance(wanted, str) and not _is_word(mine):
        return _text(mine, wanted)
    if isinstance(mine, type) or (isinstance(mine, Callable) and not hasattr(mine, "shape")):
        return "a function", (
            "Your answer is a function itself, not what it returns: call it, with its arguments in "
            "parentheses."
        )
    if isinstance(mine, (Iterator, range)) or type(mine).__name__.startswith("dict_"):
        if numbers(mine) is None:
            return "a generator", (
                f"Your answer is a {type(mine).__name__}, which has computed nothing yet. "
                "`list(...)` or `np.array(list(...))` makes numbers of it."
            )
    elif isinstance(mine, Set):
        return "a set", "Your answer is a set. A set has no order: use a list or an array."
    elif isinstance(mine, Mapping) and not isinstance(wanted, Mapping):
        return "a dictionary", f"Your answer is a dictionary. Asked is {described(wanted)}."
    elif isinstance(mine, np.matrix):
        return "np.matrix", (
            "Your answer is an np.matrix, which has two axes always, and whose `*` is a matrix "
            "product. NumPy advises against it: return an array."
        )
    return _inside(mine) or _other_thing(mine, wanted)


def is_unfinished(answer: Any) -> bool:
    """Return whether a part of an answer is still `...`."""
    return any(part is ... or is_unfinished(part) for part in _parts_of(answer))


def _parts_of(value: Any) -> list:
    return [] if isinstance(value, (str, np.ndarray)) else items(value) or []


def _is_word(mine: Any) -> bool:
    return getattr(mine, "shape", None) == () and isinstance(mine.tolist(), str)


def _text(mine: Any, wanted: Any) -> Said:
    if isinstance(wanted, str):
        if has_words(mine):
            return "a word in a list", "Your word is wrapped in a list. Asked is the word itself."
        return "no word", f"Asked is a word, in quotes. You gave {short(mine)}."
    advice = " A number is written without quotes." if _reads_as_number(mine) else ""
    return "text", f"Your answer is text. Asked is {described(wanted)}.{advice}"


def _reads_as_number(text: str) -> bool:
    try:
        float(text.strip(" %[]()").split(",")[0])
    except ValueError:
        return False
    return True


def _inside(mine: Any) -> Said:
    """Name what does not belong inside a list, at any depth."""
    for part in _parts_of(mine):
        if part is None:
            return "None inside", (
                "A part of your answer is None: the result of a function without `return`, or of "
                "something that works in place, such as `append` or `sort`."
            )
        if isinstance(part, Callable) and not hasattr(part, "shape"):
            return "a function inside", (
                "A part of your answer is a function itself, not what it returns: call it, with "
                "parentheses."
            )
        if said := _inside(part):
            return said
    return None


def _other_thing(mine: Any, wanted: Any) -> Said:
    if has_words(mine) and not has_words(wanted):
        return "text inside", (
            "A part of your answer is text. Numbers are written without quotes, and text is made a "
            "number with `float(...)`."
        )
    if numbers(wanted) is None:
        return None
    kind = getattr(np.asarray(wanted), "dtype", np.dtype(float)).kind
    try:
        array = np.asarray(mine)
    except Exception:  # ragged lists, or whatever a learner's object does when it is converted
        return _ragged(mine, wanted)
    if array.dtype.kind == "c" and numbers(mine) is None:
        return "complex numbers", (
            "Your answer is complex: a root of a negative number, or eigenvalues of a matrix that "
            "is not symmetric. Asked are real numbers."
        )
    if array.dtype.kind == "b" and kind in "iuf" and not same(mine, wanted):
        return "True or False", (
            f"Your answer is True or False, as a comparison gives. Asked is {described(wanted)}."
        )
    if numbers(mine) is None and not isinstance(wanted, tuple):
        return _ragged(mine, wanted)
    return None


def _ragged(mine: Any, wanted: Any) -> Said:
    if isinstance(wanted, tuple):
        return None  # several answers may well differ in shape
    if isinstance(mine, (list, tuple)):
        return "parts of unequal length", (
            f"The parts of your answer have different lengths. Asked is {described(wanted)}."
        )
    return "another thing", (
        f"Your answer is a {type(mine).__name__}. Asked is {described(wanted)}."
    )


def described(value: Any) -> str:
    """Say in words what form a value has, and not what it is.

    >>> described(1.5), described(np.zeros((2, 3))), described((1, 2)), described("a")
    ('a number', 'an array of shape (2, 3)', '2 values', 'a word')
    """
    if isinstance(value, str):
        return "a word"
    if isinstance(value, (bool, np.bool_)):
        return "True or False"
    if isinstance(value, tuple):
        return f"{len(value)} values"
    if isinstance(value, Mapping):
        return "a dictionary"
    if has_words(value):
        return f"a list of {len(value)} words"
    shape = np.shape(value)
    return f"an array of shape {shape}" if shape else "a number"


# --- several values -----------------------------------------------------------------------------

_PLACES = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]


def _tuple(tried: Tried) -> Said:
    """Name what is wrong where several values are asked."""
    asked = len(tried.wanted[0])
    if any(len(wanted) != asked for wanted in tried.wanted):
        return None
    parts = [items(mine) for mine in tried.got]
    if any(part is None for part in parts):
        return "one value too few" if asked == 2 else "too few values", (
            f"Your function returns one value. Asked are {asked}, with commas between them: "
            "`return a, b`."
        )
    counts = {len(part) for part in parts}
    if counts == {1} and items(parts[0][0]) is not None and len(items(parts[0][0])) == asked:
        return "wrapped twice", f"Your {asked} values stand in a list of their own: leave it out."
    if counts != {asked}:
        few = min(counts) < asked
        return "too few values" if few else "too many values", (
            f"Your function returns {min(counts) if few else max(counts)} values. Asked are "
            f"{asked}, in the order that the task names."
        )
    return _order(tried, parts) or _parts(tried, parts)


def _order(tried: Tried, parts: list[list]) -> Said:
    """Say that the values are right and their order is not."""
    asked = len(parts[0])
    turns = [list(range(asked))[::-1], *[np.roll(range(asked), n) for n in range(1, asked)]]
    for turn in turns:
        turned = [tuple(part[place] for place in turn) for part in parts]
        if all(map(same, turned, tried.wanted, [tried.tolerance] * len(parts))):
            return "order", "The values are right, and stand in another order than asked."
    return None


def _parts(tried: Tried, parts: list[list]) -> Said:
    """Say which of several values are right, and what is wrong with the first that is not."""
    count = len(parts[0])
    fits = [
        _column(tried, [p[i] for p in parts], [w[i] for w in tried.wanted]) for i in range(count)
    ]
    place = next((i for i, part in enumerate(fits) if part is not None), None)
    if place is None:
        return None
    name = _PLACES[place] if place < len(_PLACES) else f"{place + 1}th"
    only = sum(part is not None for part in fits) == 1
    start = (
        f"Of your {count} values only the {name} is not right." if only else f"The {name} value:"
    )
    if said := named(fits[place]):
        return f"{name} value: {said[0]}", f"{start} {said[1]}"
    return (f"{name} value", start) if only else None


def _column(tried: Tried, mine: list, wanted: list) -> Tried | None:
    """Return one part of all answers, None if it is right."""
    if all(map(same, mine, wanted, [tried.tolerance] * len(mine))):
        return None
    return replace(tried, got=mine, wanted=wanted, right=None)


def _several(tried: Tried) -> Said:
    """Name a tuple where one value is asked."""
    if not all(isinstance(mine, tuple) and len(mine) > 1 for mine in tried.got):
        return None
    counts = {len(mine) for mine in tried.got}
    if len(counts) > 1 or all(np.shape(m) == np.shape(w) for m, w in _pairs(tried)):
        return None
    count = counts.pop()
    right = [
        place
        for place in range(count)
        if all(same(mine[place], wanted, tried.tolerance) for mine, wanted in _pairs(tried))
    ]
    more = f" The {_PLACES[right[0]]} of them is right." if right and right[0] < 8 else ""
    return "too many values", (
        f"You give {count} values, with commas between them. Asked is one: "
        f"{described(tried.wanted[0])}.{more}"
    )


def _pairs(tried: Tried) -> list[tuple]:
    return list(zip(tried.got, tried.wanted, strict=True))


def _mapping(tried: Tried) -> Said:
    if not all(isinstance(mine, Mapping) for mine in tried.got):
        return "no dictionary", "Asked is a dictionary: `{name: value, ...}`."
    for mine, wanted in zip(tried.got, tried.wanted, strict=True):
        if missing := [repr(key) for key in wanted if key not in mine]:
            return "a key is missing", f"Your dictionary has no key {', '.join(missing)}."
        if more := [repr(key) for key in mine if key not in wanted]:
            return "a key too many", f"Nobody asked for the key {', '.join(more)}."
    for key in tried.wanted[0]:
        mine, wanted = [[each[key] for each in side] for side in (tried.got, tried.wanted)]
        if part := _column(tried, mine, wanted):
            said = named(part)
            return (f"{key}: {said[0]}", f"{key}: {said[1]}") if said else None
    return None


# --- its shape ----------------------------------------------------------------------------------


def _shape(tried: Tried) -> Said:
    """Name what is wrong with the shape, for the first case where it is not the one asked."""
    pairs = [
        (numbers(mine), numbers(wanted))
        for mine, wanted in zip(tried.got, tried.wanted, strict=True)
    ]
    if any(x is None or y is None for x, y in pairs):
        return None
    apart = [(x, y) for x, y in pairs if x.shape != y.shape]
    if not apart:
        return None
    for rule in _SHAPES:
        found = [rule(x, y, tried.tolerance) for x, y in apart]
        if all(found) and len({kind for kind, _ in found}) == 1:
            return found[0]
    # No rule fits all cases: say what is wrong with the first.
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
    if y.ndim == 0:
        return "one number in a list", (
            f"The number is right, but it is wrapped in a list or an array of shape {x.shape}. "
            f"{asked}: take it out with `[0]`, or leave out the brackets."
        )
    if x.ndim == 0:
        return "a bare number", f"The number is right, but it stands alone. {asked}."
    start = f"The numbers are right. Your answer has the shape {x.shape}"
    if y.ndim == 1 and x.ndim == 2 and x.shape[1] == 1:
        return "a column", f"{start}, a column. {asked}: `.ravel()` makes it flat."
    if y.ndim == 1 and x.ndim == 2 and x.shape[0] == 1:
        return "a row", f"{start}, a table with one row. {asked}: `.ravel()` makes it flat."
    if x.ndim == 1:
        return "flat", (
            f"{start}, it is flat. {asked}: `keepdims=True` keeps an axis, `reshape` brings one "
            "back."
        )
    return "another shape", f"{start}. {asked}."


_TRANSPOSED = "The numbers are right, but rows and columns are exchanged: `.T` turns a matrix over."


def _reduced(x: np.ndarray, y: np.ndarray, tolerance: float) -> Said:
    """One number that was made of the numbers that are asked."""
    if x.ndim or y.ndim == 0:
        return None
    known = {"the sum": np.sum, "the mean": np.mean, "the largest": np.max, "the smallest": np.min}
    for what, function in known.items():
        if y.size > 1 and _near(x, function(y), tolerance):
            verb = (
                "added up" if what == "the sum" else "averaged" if what == "the mean" else "picked"
            )
            return "one number for many", (
                f"You return one number, {what} of those that are asked. Asked is the shape "
                f"{y.shape}: nothing is to be {verb}."
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
    return "many numbers for one", (
        f"You return {x.size} numbers, of shape {x.shape}. Asked is one: is a step missing that "
        "makes one of many, such as a sum, a mean or a maximum?"
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
        f"Your answer holds {len(x)} {what}, asked are {len(y)}. Does a slice or a loop "
        "stop one too early, or go one too far?"
    )


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
