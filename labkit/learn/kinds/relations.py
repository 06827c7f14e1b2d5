"""How wrong numbers stand to the right ones: the sign, a factor, rounded, something added.

A relation is only named when it holds for every number of every case.
"""

from collections.abc import Callable

import numpy as np

from labkit.learn.kinds import factors
from labkit.learn.kinds.tried import Said, Tried, alike
from labkit.learn.values import call, has_nan, numbers, short

# --- no number at all, or the same whatever comes ------------------------------------------------


def _not_finite(tried: Tried) -> Said:
    bad = [~np.isfinite(a) & np.isfinite(b) for a, b in tried.arrays()]
    place = next((k for k, each in enumerate(bad) if each.any()), None)
    if place is None:
        return None
    nan = np.isnan(tried.x[place][bad[place]]).any()
    what, why = (
        ("nan", "0 / 0, infinity minus infinity, or the logarithm or root of a negative number")
        if nan
        else ("infinity", "an overflow of `np.exp`, a division by 0, or the logarithm of 0")
    )
    if nan and tried.cases and any(map(has_nan, tried.cases[place])):
        return "nan", (
            "Your answer holds nan, because there is nan in what came in: a sum, a mean or a "
            "comparison with nan is nan, or never true. NumPy has `np.isnan` and `np.nanmean`."
        )
    where = "" if all(each.any() for each in bad) else f" for {call(tried.cases[place])}"
    return what, f"Your answer holds {what}{where}: {why}."


def _zeros(tried: Tried) -> Said:
    if any(each.any() for each in tried.x):
        return None
    return "zeros", (
        "All of your answer is 0. Is an array of zeros never filled, a number rounded down, or "
        "does something cancel with itself?"
    )


def _constant(tried: Tried) -> Said:
    """The same answer to every case, whatever the arguments are."""
    if len(tried.x) < 2 or any(a.shape != tried.x[0].shape for a in tried.x):
        return None
    if all(alike(a, tried.x[0], 1e-12) for a in tried.x):
        return "always the same", (
            f"Your function returns {short(tried.got[0])} whatever it is given: it must "
            "compute with its arguments."
        )
    return None


def _level(tried: Tried) -> Said:
    """One number for all places of a case."""
    flat = all(a.size > 1 and np.ptp(a) <= 1e-12 * max(1.0, np.abs(a).max()) for a in tried.x)
    if not flat or any(np.ptp(b) <= 1e-9 for b in tried.y):
        return None
    return "the same at each place", (
        "Your answer holds one and the same number at each place. The right one differs from place "
        "to place: is there a sum, a mean or a maximum too early?"
    )


# --- one rule for all numbers --------------------------------------------------------------------


def _transposed(tried: Tried) -> Said:
    if any(each.ndim == 2 and min(each.shape) > 1 for each in tried.y) and tried.holds(
        np.transpose
    ):
        return "transposed", (
            "The numbers are right, but rows and columns are exchanged: `.T` turns a matrix over."
        )
    return None


def _order(tried: Tried) -> Said:
    if not any(each.size > 1 for each in tried.y):
        return None
    if tried.holds(lambda y: y[::-1] if y.ndim else y):
        return "reversed", "The numbers are right, but stand the other way round, last one first."
    if tried.holds(lambda y: y[:, ::-1] if y.ndim == 2 else y):
        return "columns reversed", "The numbers are right, but the columns stand in reverse order."
    for shift in (1, -1):
        if tried.holds(lambda y, shift=shift: np.roll(y, shift, axis=0) if y.ndim else y):
            return "shifted by one", "The numbers are right, but each stands one place too far."
    if all(
        alike(np.sort(a, axis=None), np.sort(b, axis=None), tried.tolerance)
        for a, b in tried.arrays()
    ):
        return "order", "Your numbers are the right ones, in another order."
    return None


def _sign(tried: Tried) -> Said:
    if tried.holds(np.negative):
        return "sign", "Your answer has the right size and the wrong sign, everywhere."
    if any((each < 0).any() for each in tried.y):
        if tried.holds(np.abs):
            return "absolute value", "Your answer is never negative: the sign of it is lost."
        if tried.holds(lambda y: np.maximum(y, 0)):
            return "nothing below 0", "Right where the answer is positive; yours is cut off at 0."
        if tried.holds(lambda y: -np.abs(y)):
            return "never positive", "Your answer has the right size, but is never positive."
    if any((each > 1).any() for each in tried.y) and tried.holds(lambda y: np.clip(y, 0, 1)):
        return "cut off", "Right between 0 and 1; beyond, your answer is cut off."
    sizes = all(alike(np.abs(a), np.abs(b), tried.tolerance) for a, b in tried.arrays())
    if sizes:
        return "some signs", "All numbers have the right size, and some of them the wrong sign."
    return None


def _offset(tried: Tried) -> Said:
    """The right number plus something."""
    apart = [a - b for a, b in tried.arrays()]
    flat = np.concatenate([each.ravel() for each in apart])
    scale = max(float(np.abs(np.concatenate([b.ravel() for b in tried.y])).max()), 1e-12)
    if not np.isfinite(scale):  # beside infinity any two numbers are close
        return None
    for place, name in enumerate(tried.names if tried.cases else []):
        given = [numbers(case[place]) for case in tried.cases]
        if any(each is None for each in given) or not any(each.any() for each in given):
            continue
        for sign, word in ((1, "too much"), (-1, "missing")):
            try:
                if all(
                    np.allclose(a, sign * b, rtol=1e-6, atol=1e-9 * scale)
                    for a, b in zip(apart, given, strict=True)
                ):
                    return f"off by {name}", (
                        f"Your answer differs from the right one by exactly `{name}`: it is {word}."
                    )
            except ValueError:  # shapes that do not go together
                break
    constant = flat[0]
    if abs(constant) > 1e-9 and np.allclose(flat, constant, rtol=1e-5, atol=1e-9 * scale):
        whole = abs(constant) == 1 and all((each == np.round(each)).all() for each in tried.y)
        if factors.distinct(tried.y) > 1:
            return "off by one" if whole else "an offset", (
                f"Your answer is too {'large' if constant > 0 else 'small'} by "
                f"{abs(constant):.4g}, everywhere."
            )
    return None


_MADE = [
    ("squared", np.square, "Your answer is the square of the right one."),
    ("the root", lambda y: np.sqrt(np.abs(y)), "Your answer is the root of the right one."),
    ("upside down", lambda y: 1 / y, "Your answer is one over the right one: turn it over."),
    ("the rest to 1", lambda y: 1 - y, "Your answer is one minus the right one."),
    ("the logarithm", np.log, "Your answer is the logarithm of the right one."),
    ("the exponential", np.exp, "Your answer is the exponential of the right one."),
    (
        "minus the logarithm",
        lambda y: -np.log(y),
        "Your answer is minus the logarithm of the right one.",
    ),
    (
        "the running sum",
        lambda y: np.cumsum(y, axis=0) if y.ndim else y,
        "Your answer adds up the right numbers as it goes: each holds all before it.",
    ),
    (
        "a share of the whole",
        lambda y: y / y.sum() if y.ndim else y,
        "Your answer is divided by its own sum.",
    ),
    (
        "shares of the rows",
        lambda y: y / y.sum(axis=1, keepdims=True) if y.ndim == 2 else y,
        "Each row of your answer is divided by its own sum.",
    ),
]


def _made(tried: Tried) -> Said:
    """Something was done to the right number, or a last step was left out."""
    for kind, function, text in _MADE:
        if tried.holds(function):
            return kind, text
    shares = [each for each in tried.y if each.ndim == 2 and np.allclose(each.sum(axis=1), 1)]
    if len(shares) == len(tried.y) and all(
        alike(a / a.sum(axis=1, keepdims=True), b, tried.tolerance) for a, b in tried.arrays()
    ):
        return "not divided by the sum", "Your rows are in proportion, but do not add up to 1."
    return None


def _rounded(tried: Tried) -> Said:
    if all((b == np.round(b)).all() for b in tried.y):
        return _not_whole(tried)
    for digits in range(1, 7):
        if tried.holds(lambda y, digits=digits: np.round(y, digits), 1e-9):
            return "rounded", (
                "Your answer is the right one, rounded. Return all its digits; rounding is for "
                "showing."
            )
    for function in (np.round, np.trunc, np.floor, np.ceil):
        if tried.holds(function):
            return "whole numbers", (
                "Your answer is the right one, cut to whole numbers: by `round()`, `//`, `int()`, "
                "or an array whose dtype is int."
            )
    off = max(float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-12)) for a, b in tried.arrays())
    if off < 5e-3:
        return "nearly right", (
            "Your answer is right to about three digits, and not more: a rounded constant, a step "
            "of another size, or an approximation?"
        )
    return None


def _not_whole(tried: Tried) -> Said:
    """Asked are whole numbers; what came lies less than one from them."""
    near = all((np.abs(a - b) < 1).all() for a, b in tried.arrays())
    if near and not all((a == np.round(a)).all() for a in tried.x):
        return "not whole", (
            "Your answer lies within one of the right whole number. Which way is to be rounded, "
            "and where?"
        )
    apart = {float(d) for a, b in tried.arrays() for d in np.ravel(a - b)}
    if apart <= {0.0, 1.0} or apart <= {0.0, -1.0}:
        return "off by one", "Your answer is off by one in some places: `<` or `<=`, up or down?"
    return None


# --- a value: nothing may tell the right one -----------------------------------------------------


def _value_off(tried: Tried) -> Said:
    """What may be said of a wrong number without saying the right one."""
    if tried.holds(np.negative):
        return "sign", "Look at the sign."
    for factor in (2.0, 0.5):
        if tried.holds(lambda y, factor=factor: factor * y):
            return "a factor of 2", "A factor of 2 is too much, or missing."
    for power in (-3, -2, -1, 1, 2, 3):
        if tried.holds(lambda y, power=power: 10.0**power * y):
            return "a power of ten", "You are off by a power of ten: percent, or another unit?"
    if tried.holds(lambda y: 1 / y):
        return "upside down", "Look at what stands above the line, and what below."
    for digits in range(1, 4):
        if tried.holds(lambda y, digits=digits: np.round(y, digits)):
            return "rounded", "You are close: more digits are asked."
    return None


_OF_VALUES = [_not_finite, _order, _value_off]
_PLAIN = [
    _not_finite,
    _zeros,
    _constant,
    _level,
    _transposed,
    _sign,
    factors.named,
    _order,
    _rounded,
    _made,
    _offset,
]


def plain(tried: Tried) -> Said:
    """Name one relation that holds for all numbers that a function gave."""
    return _first(_PLAIN, tried)


def of_values(tried: Tried) -> Said:
    """Name what may be said of a wrong value."""
    return _first(_OF_VALUES, tried)


def _first(rules: list[Callable], tried: Tried) -> Said:
    return next(filter(None, (rule(tried) for rule in rules)), None)
