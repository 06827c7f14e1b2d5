"""What an answer does with its arguments: one is not used, two are exchanged, a sign is lost."""

import dis
import inspect
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from labkit.learn.kinds.tried import SECONDS, Said, Tried, alike
from labkit.learn.values import copied, numbers, same

_IN_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def names(functions: list, count: int) -> tuple[str, ...]:
    """Return the names of the arguments, from the first function that tells them."""
    for function in functions:
        try:
            found = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            continue
        given = tuple(each.name for each in found if each.kind in _IN_PLACE)
        if len(given) >= count:  # more of them have defaults
            return given[:count]
    return tuple(f"argument {place}" for place in range(1, count + 1))


def came_back(tried: Tried) -> Said:
    """What came in, and nothing done to it."""
    for place, name in enumerate(tried.names):
        given = [numbers(case[place]) for case in tried.cases]
        if all(
            a is not None and b is not None and alike(a, b, 1e-12)
            for a, b in zip(tried.x, given, strict=True)
        ):
            return f"{name} came back", (
                f"Your function gives `{name}` back as it came in. Is something left out, or does "
                "the result not stand after `return`?"
            )
    return None


def unused(tried: Tried) -> Said:
    """Name the arguments that the learner's code never reads, and the lab's does."""
    mine, ours = _read(tried.answer), _read(tried.right)
    count = len(tried.names)  # a function may have more arguments, which have defaults
    if mine is None or ours is None or min(len(mine), len(ours)) < count:
        return None
    asked = zip(tried.names, mine[:count], ours[:count], strict=True)
    left = [name for name, a, b in asked if b and not a]
    if not left:
        return None
    if not any(mine):
        return "no argument used", (
            "Your function uses none of its arguments, so it gives the same whatever comes: "
            f"{_listed(left)}."
        )
    return f"{', '.join(left)} not used", f"Your function never uses {_listed(left)}."


def _listed(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _read(function: Any) -> list[bool] | None:
    """Return for each argument whether a function's code reads it, None if that is not known."""
    function = inspect.unwrap(function) if callable(function) else function
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return None
    loaded: set[str] = set()
    for step in dis.get_instructions(code):
        if "LOAD" in step.opname:  # also STORE_FAST_LOAD_FAST, of newer Pythons
            names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
            loaded |= {name for name in names if isinstance(name, str)}
    return [name in loaded for name in code.co_varnames[: code.co_argcount]]


# --- the lab's function with other arguments -----------------------------------------------------


def named(tried: Tried) -> Said:
    """Name the change of the arguments under which the lab's function does what the learner's does.

    "with the wrong sign before `b`", "as if `b` were 0", "only the first of `y`".
    """
    until = time.monotonic() + SECONDS
    for change, kind, text in _guesses(tried.names) if tried.right else ():
        if _explains(tried, change):
            return kind, text
        if time.monotonic() > until:
            return None
    return None


def _guesses(names: tuple[str, ...]) -> Iterator[tuple[Callable[[tuple], tuple], str, str]]:
    """Yield (change of the arguments, kind, what to say)."""
    for i, j in combinations(range(len(names)), 2):
        yield (
            partial(_exchanged, i, j),
            f"{names[i]} and {names[j]} exchanged",
            f"Your function does what is asked, with `{names[i]}` and `{names[j]}` exchanged.",
        )
    for place, name in enumerate(names):
        for kind, change, text in _CHANGES:
            yield partial(_with, place, change), kind.format(name), text.format(name)
    for which, part in _PARTS.items():
        yield (
            partial(_cut, part),
            f"{which} only",
            f"Your function does what is asked with {which} only. Does a loop end too early, or "
            "does each turn overwrite what the turn before it found?",
        )


_PARTS = {
    "the first sample": slice(0, 1),
    "the last sample": slice(-1, None),
    "all samples but the last": slice(0, -1),
    "all samples but the first": slice(1, None),
    "every second sample": slice(0, None, 2),
}


_CHANGES = [
    (
        "{} left out",
        lambda value: np.zeros_like(value, dtype=float),
        "Your function does what it would do if `{}` were 0: is it left out somewhere?",
    ),
    (
        "{} left out",
        lambda value: np.ones_like(value, dtype=float),
        "Your function does what it would do if `{}` were 1: is it left out somewhere?",
    ),
    (
        "sign of {}",
        np.negative,
        "Your function does what is asked, with the wrong sign before `{}`.",
    ),
    ("size of {}", np.abs, "Your function loses the sign of `{}`."),
    ("{} transposed", lambda value: _square(value).T, "Your function uses `{}` turned over."),
    ("{} squared", np.square, "Your function uses the square of `{}`."),
    ("root of {}", np.sqrt, "Your function uses the root of `{}`."),
    (
        "{} upside down",
        lambda value: 1 / value,
        "You divide by `{}` where it multiplies, or the reverse.",
    ),
    ("{} twice", lambda value: 2 * value, "Your function does what is asked, with twice `{}`."),
    ("half of {}", lambda value: value / 2, "Your function does what is asked, with half of `{}`."),
    ("{} and 1", lambda value: value + 1, "Your function uses `{}` + 1."),
    ("{} less 1", lambda value: value - 1, "Your function uses `{}` - 1."),
    ("the rest of {}", lambda value: 1 - value, "Your function uses 1 - `{0}` in place of `{0}`."),
    ("only the sign of {}", np.sign, "Your function uses the sign of `{}`, and loses its size."),
]


def _square(value: np.ndarray) -> np.ndarray:
    if np.ndim(value) != 2:
        raise ValueError("no matrix")
    return value


def _exchanged(i: int, j: int, case: tuple) -> tuple:
    if np.shape(case[i]) != np.shape(case[j]) or type(case[i]) is not type(case[j]):
        raise ValueError("no two of a kind")
    new = list(case)
    new[i], new[j] = new[j], new[i]
    return tuple(new)


def _with(place: int, change: Callable, case: tuple) -> tuple:
    if not isinstance(case[place], (int, float, np.ndarray)) or isinstance(case[place], bool):
        raise TypeError("no number")
    new = list(case)
    value = change(np.asarray(case[place]))
    new[place] = value if isinstance(case[place], np.ndarray) else value.item()
    return tuple(new)


def _explains(tried: Tried, change: Callable[[tuple], tuple]) -> bool:
    """Return whether the lab's function with changed arguments does what the learner's does."""
    try:
        return all(
            same(mine, tried.right(*change(tuple(map(copied, case)))), tried.tolerance)
            for mine, case in zip(tried.got, tried.cases, strict=True)
        )
    except Exception:  # the lab's function need not take such arguments
        return False


def _cut(part: slice, case: tuple) -> tuple:
    """Keep a part of the rows of all arrays that have as many rows as the first."""
    sizes = [len(each) for each in case if np.ndim(each)]
    if not sizes or len(np.arange(sizes[0])[part]) in (0, sizes[0]):
        raise ValueError("no part of it")
    return tuple(each[part] if np.ndim(each) and len(each) == sizes[0] else each for each in case)
