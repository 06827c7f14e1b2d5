"""What an answer is, where it is no number and no array, list or tuple of numbers."""

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

import numpy as np

from labkit.learn.kinds.tried import Said
from labkit.learn.values import has_words, numbers, same, short, within


def named(mine: Any, wanted: Any) -> Said:
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
    return any(part is ... for part in within(answer))


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
    for part in within(mine):
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
            "Your answer is complex: a root or another power of a negative number, or "
            "eigenvalues of a matrix that is not symmetric. Asked are real numbers."
        )
    if array.dtype.kind == "b" and kind in "iuf" and not same(mine, wanted):
        return "True or False", (
            f"Your answer is True or False, as a comparison gives. Asked is {described(wanted)}."
        )
    if numbers(mine) is None and not isinstance(wanted, tuple):
        return _ragged(mine, wanted)
    return None


def _ragged(mine: Any, wanted: Any) -> Said:
    if isinstance(wanted, tuple) or isinstance(mine, tuple):
        return None  # several answers may well differ in shape
    if isinstance(mine, list):
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
    >>> described([np.ones(2), np.ones((3, 4))])
    'a list of 2 arrays'
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
    if isinstance(value, list) and len({np.shape(each) for each in value}) > 1:
        return f"a list of {len(value)} arrays"
    shape = np.shape(value)
    return f"an array of shape {shape}" if shape else "a number"
