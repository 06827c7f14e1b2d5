"""How wrong numbers stand to the right ones: the sign, a factor, an argument left out, ...

A relation is only named when it holds for every number of every case.
"""

import dis
import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from labkit.learn.values import call, close, copied, numbers, same, short

Said = tuple[str, str] | None


def named(tried) -> Said:
    """Return the kind of wrong numbers in the right shape, None for none that is known.

    Args:
        tried: a `kinds.Tried`, whose answers have the shapes of the right ones.
    """
    x = [numbers(mine) for mine in tried.got]
    y = [numbers(wanted) for wanted in tried.wanted]
    if not x or any(each is None for each in [*x, *y]):
        return None
    this = SimpleNamespace(
        x=x, y=y, cases=tried.cases, answer=tried.answer, right=tried.right, tried=tried
    )
    this.alike = lambda function: all(
        _alike(a, function(b), tried.tolerance) for a, b in zip(x, y, strict=True)
    )
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if tried.cases is None:
            return _first(_OF_VALUES, this)
        this.names = _names(tried)
        return _first(_OF_FUNCTIONS, this)


def _first(rules: list[Callable], this: SimpleNamespace) -> Said:
    return next(filter(None, (rule(this) for rule in rules)), None)


def _alike(x: np.ndarray, y: np.ndarray, tolerance: float) -> bool:
    return np.shape(x) == np.shape(y) and bool(close(np.asarray(x), np.asarray(y), tolerance).all())


def _names(tried) -> list[str]:
    """Return the names of the arguments: the learner's, else the lab's."""
    for function in (tried.answer, tried.right):
        try:
            names = list(inspect.signature(function).parameters)
        except (TypeError, ValueError):
            continue
        if len(names) == len(tried.cases[0]) and names[0] not in ("args", "case", "arguments"):
            return names
    return [f"argument {place}" for place in range(1, len(tried.cases[0]) + 1)]


# --- no number at all, or the same whatever comes ------------------------------------------------


def _not_finite(this) -> Said:
    bad = [~np.isfinite(a) & np.isfinite(b) for a, b in zip(this.x, this.y, strict=True)]
    place = next((k for k, each in enumerate(bad) if each.any()), None)
    if place is None:
        return None
    nan = np.isnan(this.x[place][bad[place]]).any()
    what, why = (
        ("nan", "0 / 0, infinity minus infinity, or the logarithm or root of a negative number")
        if nan
        else ("infinity", "an overflow of `np.exp`, a division by 0, or the logarithm of 0")
    )
    gaps = this.cases and any(_has_nan(argument) for argument in this.cases[place])
    more = " Or there was nan in what came in." if nan and gaps else ""
    where = "" if all(each.any() for each in bad) else f" for {call(this.cases[place])}"
    return what, f"Your answer holds {what}{where}: {why}.{more}"


def _has_nan(argument: Any) -> bool:
    array = numbers(argument)
    return array is not None and bool(np.isnan(array).any())


def _input(this) -> Said:
    """What came in, and nothing done to it."""
    for place, name in enumerate(this.names):
        given = [numbers(case[place]) for case in this.cases]
        if any(each is None for each in given):
            continue
        if all(_alike(a, b, 1e-12) for a, b in zip(this.x, given, strict=True)):
            return f"{name} came back", (
                f"Your function gives `{name}` back as it came in. Is the result computed, and is "
                "it what stands after `return`?"
            )
        if this.tried.changed and all(
            _alike(a, numbers(after[place]), 1e-12)
            for a, after in zip(this.x, this.tried.changed, strict=True)
        ):
            return None
    return None


def _zeros(this) -> Said:
    if any(each.any() for each in this.x):
        return None
    return "zeros", (
        "All of your answer is 0. Is an array of zeros never filled, a number rounded down, or "
        "does something cancel with itself?"
    )


def _constant(this) -> Said:
    """The same answer to every case, whatever the arguments are."""
    if len(this.x) < 2 or any(a.shape != this.x[0].shape for a in this.x):
        return None
    if all(_alike(a, this.x[0], 1e-12) for a in this.x):
        return "always the same", (
            f"Your function returns {short(this.tried.got[0])} whatever it is given: it must "
            "compute with its arguments."
        )
    return None


def _unused(this) -> Said:
    """An argument that the learner's code never reads, and the lab's does."""
    mine, ours = _read(this.answer), _read(this.right)
    if mine is None or ours is None or len(mine) != len(ours) or not any(mine):
        return None
    left = [f"`{n}`" for n, a, b in zip(this.names, mine, ours, strict=True) if b and not a]
    if not left:
        return None
    return f"{' and '.join(left).replace('`', '')} not used", (
        f"Your function never uses {' and '.join(left)}."
    )


def _read(function: Any) -> list[bool] | None:
    """Return for each argument whether a function's code reads it, None if that is not known."""
    function = inspect.unwrap(function) if callable(function) else function
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return None
    loaded: set[str] = set()
    for step in dis.get_instructions(code):
        if step.opname.startswith("LOAD") or step.opname in ("MAKE_CELL", "LOAD_CLOSURE"):
            names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
            loaded |= {name for name in names if isinstance(name, str)}
    return [name in loaded for name in code.co_varnames[: code.co_argcount]]


# --- one rule for all numbers --------------------------------------------------------------------


def _transposed(this) -> Said:
    if any(each.ndim == 2 and min(each.shape) > 1 for each in this.y) and this.alike(np.transpose):
        return "transposed", (
            "The numbers are right, but rows and columns are exchanged: `.T` turns a matrix over."
        )
    return None


def _order(this) -> Said:
    if not any(each.size > 1 for each in this.y):
        return None
    if this.alike(lambda y: y[::-1] if y.ndim else y):
        return "reversed", "The numbers are right, but stand the other way round, last one first."
    if this.alike(lambda y: y[:, ::-1] if y.ndim == 2 else y):
        return "columns reversed", "The numbers are right, but the columns stand in reverse order."
    for shift in (1, -1):
        if this.alike(lambda y, shift=shift: np.roll(y, shift, axis=0) if y.ndim else y):
            return "shifted by one", "The numbers are right, but each stands one place too far."
    if all(
        _alike(np.sort(a, axis=None), np.sort(b, axis=None), this.tried.tolerance)
        for a, b in zip(this.x, this.y, strict=True)
    ):
        return "order", "Your numbers are the right ones, in another order."
    return None


def _sign(this) -> Said:
    if this.alike(np.negative):
        return "sign", "Your answer has the right size and the wrong sign, everywhere."
    if any((each < 0).any() for each in this.y):
        if this.alike(np.abs):
            return "absolute value", "Your answer is never negative: the sign of it is lost."
        if this.alike(lambda y: np.maximum(y, 0)):
            return "nothing below 0", "Right where the answer is positive; yours is cut off at 0."
        if this.alike(lambda y: -np.abs(y)):
            return "never positive", "Your answer has the right size, but is never positive."
    if any((each > 1).any() for each in this.y) and this.alike(lambda y: np.clip(y, 0, 1)):
        return "cut off", "Right between 0 and 1; beyond, your answer is cut off."
    sizes = all(
        _alike(np.abs(a), np.abs(b), this.tried.tolerance)
        for a, b in zip(this.x, this.y, strict=True)
    )
    if sizes:
        return "some signs", "All numbers have the right size, and some of them the wrong sign."
    return None


_FACTORS = {
    2: "Your answer is twice the right one",
    0.5: "Your answer is half of the right one",
    1 / math.log(2): "Your logarithm is the one to base 2; the natural one is meant",
    1 / math.log(10): "Your logarithm is the one to base 10; the natural one is meant",
    math.log(2): "Your answer is too small by the factor ln 2: logarithms of two bases are mixed",
    100: "Your answer is in percent, and asked is a share",
    0.01: "Your answer is a share, and asked is percent",
    math.pi: "Your answer is too large by the factor pi",
    180 / math.pi: "Your answer is in degrees, and radians are meant",
    math.pi / 180: "Your answer is in radians, and degrees are meant",
}


def _ratios(this) -> list[float] | None:
    """Return answer / right answer, one number a case; None where there is not one."""
    found = []
    for a, b in zip(this.x, this.y, strict=True):
        big = np.abs(b) > 1e-12
        if not big.any():
            if a.any():
                return None
            continue  # 0 for 0 says nothing
        ratio = float(np.sum(a * b) / np.sum(b * b))
        if abs(ratio) < 1e-9 or not math.isfinite(ratio):
            return None
        if not _alike(a, ratio * b, max(1e-6, this.tried.tolerance) * max(1.0, abs(ratio))):
            return None
        found.append(ratio)
    return found or None


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-5)


def _factor(this) -> Said:
    ratios = _ratios(this)
    if ratios is None:
        return None
    one = all(_near(ratio, ratios[0]) for ratio in ratios)
    if one and (said := _known_factor(abs(ratios[0]))):
        sign = ", with the wrong sign" if ratios[0] < 0 else ""
        return said[0], f"{said[1]}{sign}, everywhere."
    if not one and len(ratios) == len(this.x) and (said := _factor_of_the_case(this, ratios)):
        return said
    if one and _distinct(this.y) > 1:
        return f"a factor of {ratios[0]:.4g}", (
            f"Your answer is {ratios[0]:.4g} times the right one, everywhere: a constant factor is "
            "too much, or missing."
        )
    if not one and all(each.size > 2 for each in this.y):
        return "a factor", (
            "Your answer is right up to a factor, another one for each case: by what do you "
            "multiply, or divide, too often or not at all?"
        )
    return None


def _known_factor(ratio: float) -> Said:
    for factor, text in _FACTORS.items():
        if _near(ratio, factor):
            return f"a factor of {factor:.4g}", text
    power = math.log10(ratio)
    if _near(10.0 ** round(power), ratio) and round(power):
        return f"a factor of {10.0 ** round(power):g}", "Your answer is off by a power of ten"
    return None


def _distinct(values: list[np.ndarray]) -> int:
    flat = np.concatenate([np.abs(each).ravel() for each in values])
    return len(set(np.round(flat[flat > 1e-12], 9)))


def _counts(this) -> Iterator[tuple[str, list[float]]]:
    """Yield what a factor may be: the length of an argument, or an argument itself."""
    for place, name in enumerate(this.names):
        given = [case[place] for case in this.cases]
        if all(hasattr(each, "__len__") and not isinstance(each, str) for each in given):
            yield f"the length of `{name}`", [float(len(each)) for each in given]
            if any(np.ndim(each) > 1 for each in given if numbers(each) is not None):
                yield f"the size of `{name}`", [float(np.size(each)) for each in given]
                yield f"the columns of `{name}`", [float(np.shape(each)[-1]) for each in given]
        elif all(isinstance(each, (int, float)) for each in given):
            yield f"`{name}`", [float(each) for each in given]
    yield "the count of numbers in the answer", [float(each.size) for each in this.y]


def _factor_of_the_case(this, ratios: list[float]) -> Said:
    for what, counts in _counts(this):
        if len({round(each, 9) for each in counts}) < 2 or 0 in counts:
            continue
        for text, power in (
            (f"{what}", 1.0),
            (f"the root of {what.removeprefix('the ')}", 0.5),
            (f"the square of {what.removeprefix('the ')}", 2.0),
        ):
            for sign in (1, -1):
                made = [abs(count) ** (sign * power) for count in counts]
                if all(map(_near, map(abs, ratios), made)):
                    large = sign > 0
                    mean = " Is it a sum where a mean is asked?" if large else ""
                    mean = mean or " Is it divided by that twice, or a mean where a sum is asked?"
                    mean = mean if "length" in what or "size" in what or "count" in what else ""
                    turned = " The sign is wrong as well." if min(ratios) < 0 else ""
                    return f"{'times' if large else 'divided by'} {text.replace('`', '')}", (
                        f"Your answer is too {'large' if large else 'small'} by a factor: {text}."
                        f"{mean}{turned}"
                    )
        less = [count / (count - 1) if count > 1 else 0.0 for count in counts]
        for made in (less, [math.sqrt(each) for each in less], [1 / e if e else 0.0 for e in less]):
            if "length" in what and all(map(_near, ratios, made)):
                return "n - 1", (
                    "Your answer is off by n and n - 1 exchanged: `ddof=1` divides by n - 1, "
                    "NumPy's default is n."
                )
    return None


def _offset(this) -> Said:
    """The right number plus something."""
    apart = [a - b for a, b in zip(this.x, this.y, strict=True)]
    flat = np.concatenate([each.ravel() for each in apart])
    scale = max(float(np.abs(np.concatenate([b.ravel() for b in this.y])).max()), 1e-12)
    for place, name in enumerate(this.names if this.cases else []):
        given = [numbers(case[place]) for case in this.cases]
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
        whole = abs(constant) == 1 and all((each == np.round(each)).all() for each in this.y)
        if _distinct(this.y) > 1:
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
    ("the cube", lambda y: y**3, "Your answer is the third power of the right one."),
    (
        "minus the logarithm",
        lambda y: -np.log(y),
        "Your answer is minus the logarithm of the right one.",
    ),
    ("the sine", np.sin, "Your answer is the sine of the right one."),
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


def _made(this) -> Said:
    """Something was done to the right number, or a last step was left out."""
    for kind, function, text in _MADE:
        if this.alike(function):
            return kind, text
    shares = [each for each in this.y if each.ndim == 2 and np.allclose(each.sum(axis=1), 1)]
    if len(shares) == len(this.y) and all(
        _alike(a / a.sum(axis=1, keepdims=True), b, this.tried.tolerance)
        for a, b in zip(this.x, this.y, strict=True)
    ):
        return "not divided by the sum", "Your rows are in proportion, but do not add up to 1."
    return None


def _rounded(this) -> Said:
    if all((b == np.round(b)).all() for b in this.y):
        return _not_whole(this)
    for digits in range(7):
        if this.alike(lambda y, digits=digits: np.round(y, digits)):
            return "rounded", (
                "Your answer is the right one, rounded. Return all its digits; rounding is for "
                "showing."
            )
    for function in (np.trunc, np.floor, np.ceil):
        if this.alike(function):
            return "whole numbers", (
                "Your answer is the right one, cut to whole numbers: by `//`, by `int()`, or by an "
                "array whose dtype is int."
            )
    off = max(
        float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-12))
        for a, b in zip(this.x, this.y, strict=True)
    )
    if off < 5e-3:
        return "nearly right", (
            "Your answer is right to about three digits, and not more: a rounded constant, a step "
            "of another size, or an approximation?"
        )
    return None


def _not_whole(this) -> Said:
    """Asked are whole numbers; what came lies less than one from them."""
    near = all((np.abs(a - b) < 1).all() for a, b in zip(this.x, this.y, strict=True))
    if near and not all((a == np.round(a)).all() for a in this.x):
        return "not whole", (
            "Your answer lies within one of the right whole number. Which way is to be rounded, "
            "and where?"
        )
    apart = {float(d) for a, b in zip(this.x, this.y, strict=True) for d in np.ravel(a - b)}
    if apart <= {0.0, 1.0} or apart <= {0.0, -1.0}:
        return "off by one", "Your answer is off by one in some places: `<` or `<=`, up or down?"
    return None


# --- another use of the arguments ----------------------------------------------------------------


def _arguments(this) -> Said:
    """The lab's function, given other arguments, does what the learner's does."""
    if this.right is None:
        return None
    count = len(this.names)
    for i in range(count):
        for j in range(i + 1, count):
            if this_is(this, lambda case, i=i, j=j: _exchanged(case, i, j)):
                return f"{this.names[i]} and {this.names[j]} exchanged", (
                    f"Your function does what is asked, with `{this.names[i]}` and "
                    f"`{this.names[j]}` exchanged."
                )
    for place, name in enumerate(this.names):
        for kind, change, text in _CHANGES:
            if this_is(this, lambda case, p=place, c=change: _with(case, p, c)):
                return kind.format(name), text.format(name)
    return None


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
    ("{} upside down", lambda value: 1 / value, "You divide by `{}` for times, or the reverse."),
    ("{} twice", lambda value: 2 * value, "Your function counts `{}` twice."),
    ("half of {}", lambda value: value / 2, "Your function counts `{}` by half."),
    ("{} and 1", lambda value: value + 1, "Your function uses `{}` + 1."),
    ("{} less 1", lambda value: value - 1, "Your function uses `{}` - 1."),
    ("the rest of {}", lambda value: 1 - value, "Your function uses 1 - `{}` in place of `{0}`."),
    ("only the sign of {}", np.sign, "Your function uses the sign of `{}`, and loses its size."),
]


def _square(value: np.ndarray) -> np.ndarray:
    if np.ndim(value) != 2:
        raise ValueError("no matrix")
    return value


def _exchanged(case: tuple, i: int, j: int) -> tuple:
    if np.shape(case[i]) != np.shape(case[j]) or type(case[i]) is not type(case[j]):
        raise ValueError("no two of a kind")
    new = list(case)
    new[i], new[j] = new[j], new[i]
    return tuple(new)


def _with(case: tuple, place: int, change: Callable) -> tuple:
    if not isinstance(case[place], (int, float, np.ndarray)) or isinstance(case[place], bool):
        raise TypeError("no number")
    new = list(case)
    value = change(np.asarray(case[place]))
    new[place] = value if isinstance(case[place], np.ndarray) else value.item()
    return tuple(new)


def this_is(this, change: Callable[[tuple], tuple]) -> bool:
    """Return whether the lab's function with changed arguments does what the learner's does."""
    try:
        made = [this.right(*change(tuple(map(copied, case)))) for case in this.cases]
        return all(
            same(a, b, this.tried.tolerance) for a, b in zip(this.tried.got, made, strict=True)
        )
    except Exception:  # the lab's function need not take such arguments
        return False


# --- right in part -------------------------------------------------------------------------------


def _in_part(this) -> Said:
    """Right for some cases, or in some places."""
    right = [_alike(a, b, this.tried.tolerance) for a, b in zip(this.x, this.y, strict=True)]
    if any(right):
        return _some_cases(this, right)
    fits = [close(a, b, this.tried.tolerance) for a, b in zip(this.x, this.y, strict=True)]
    told = [fit & (b != 0) for fit, b in zip(fits, this.y, strict=True)]
    if all(each.any() for each in told):
        return _some_places(fits)
    return None


def _some_cases(this, right: list[bool]) -> Said:
    wrong = [case for case, fit in zip(this.cases, right, strict=True) if not fit]
    good = [case for case, fit in zip(this.cases, right, strict=True) if fit]
    for place, name in enumerate(this.names):
        for text, has in _TRAITS:
            try:
                if all(has(case[place]) for case in wrong) and not any(
                    has(case[place]) for case in good
                ):
                    return "right for some cases", (
                        f"Right for some cases; wrong where {text.format(name)}."
                    )
            except Exception:  # this trait does not go with such an argument
                continue
    return "right for some cases", (
        f"Right for {len(good)} of {len(right)} cases: what is different in the others?"
    )


_TRAITS = [
    ("`{}` is an array", lambda a: np.ndim(a) > 0),
    ("`{}` is a single number", lambda a: np.ndim(a) == 0 and numbers(a) is not None),
    ("there is nan in `{}`", _has_nan),
    ("`{}` holds numbers above 100", lambda a: np.max(np.abs(numbers(a))) > 100),
    ("`{}` is negative", lambda a: np.max(numbers(a)) < 0),
    ("`{}` is positive", lambda a: np.min(numbers(a)) > 0),
    ("`{}` holds negative numbers", lambda a: np.min(numbers(a)) < 0),
    ("`{}` holds positive numbers", lambda a: np.max(numbers(a)) > 0),
    ("`{}` is 0", lambda a: not np.any(numbers(a))),
    ("`{}` is not 0", lambda a: bool(np.any(numbers(a)))),
    ("`{}` has more than one row", lambda a: len(a) > 1),
    ("`{}` has one row", lambda a: len(a) == 1),
    ("`{}` has more than two rows", lambda a: len(a) > 2),
    ("`{}` has more than one column", lambda a: np.shape(a)[1] > 1),
    ("`{}` is not square", lambda a: np.shape(a)[0] != np.shape(a)[1]),
    ("`{}` is not diagonal", lambda a: bool(np.any(a - np.diag(np.diag(a))))),
    ("`{}` is odd", lambda a: a % 2 == 1),
    ("`{}` is larger than 1", lambda a: a > 1),
]


def _some_places(fits: list[np.ndarray]) -> Said:
    if all(each.ndim for each in fits):
        for text, edge in (("first", 0), ("last", -1)):
            only = [each[edge].all() and not np.delete(each, edge, 0).any() for each in fits]
            if all(only):
                return f"only the {text}", (
                    f"Only the {text} of your numbers is right. Does a loop end too early, or is "
                    "the rest overwritten?"
                )
            but = [not each[edge].any() and np.delete(each, edge, 0).all() for each in fits]
            if all(but) and all(len(each) > 1 for each in fits):
                return f"all but the {text}", (
                    f"All is right but the {text}. Does a loop start or end one too early?"
                )
    if all(each.ndim == 2 for each in fits):
        columns = [each.all(axis=0) for each in fits]
        if all(each.any() for each in columns):
            return "some columns", "Some columns of your answer are right, and others are not."
        rows = [each.all(axis=1) for each in fits]
        if all(each.any() for each in rows):
            return "some rows", "Some rows of your answer are right, and others are not."
    count, total = sum(int(each.sum()) for each in fits), sum(each.size for each in fits)
    return "right in some places", f"{count} of your {total} numbers are right: which are they?"


def _value_off(this) -> Said:
    """What may be said of a wrong number without saying the right one."""
    if this.alike(np.negative):
        return "sign", "Look at the sign."
    for factor in (2.0, 0.5):
        if this.alike(lambda y, factor=factor: factor * y):
            return "a factor of 2", "A factor of 2 is too much, or missing."
    for power in (-3, -2, -1, 1, 2, 3):
        if this.alike(lambda y, power=power: 10.0**power * y):
            return "a power of ten", "You are off by a power of ten: percent, or another unit?"
    if this.alike(lambda y: 1 / y):
        return "upside down", "Look at what stands above the line, and what below."
    for digits in range(1, 4):
        if this.alike(lambda y, digits=digits: np.round(y, digits)):
            return "rounded", "You are close: more digits are asked."
    return None


_OF_VALUES = [_not_finite, _order, _value_off]
_OF_FUNCTIONS = [
    _not_finite,
    _input,
    _zeros,
    _constant,
    _transposed,
    _sign,
    _unused,
    _factor,
    _order,
    _rounded,
    _made,
    _offset,
    _arguments,
    _in_part,
]
