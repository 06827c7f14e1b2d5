"""Wrong numbers of which something is right: some cases, some places, the pattern, the signs."""

from typing import Any

import numpy as np

from labkit.learn.kinds.tried import Said, Tried, alike
from labkit.learn.values import call, close, has_nan, numbers


def named(tried: Tried) -> Said:
    """Name what is right in a wrong answer; None where nothing is."""
    return next(filter(None, (rule(tried) for rule in _RULES)), None)


def _cases(tried: Tried) -> Said:
    """Right for some cases."""
    right = [alike(a, b, tried.tolerance) for a, b in tried.arrays()]
    return _some_cases(tried, right) if any(right) else None


def _places(tried: Tried) -> Said:
    """Right in some places of each case."""
    fits = [close(a, b, tried.tolerance) for a, b in tried.arrays()]
    if said := _edges(fits):
        return said
    if said := _up_to(tried, fits):
        return said
    told = [fit & (b != 0) for fit, b in zip(fits, tried.y, strict=True)]
    return _some_places(fits) if all(each.any() for each in told) else None


def _up_to(tried: Tried, fits: list[np.ndarray]) -> Said:
    """Right as long as an argument is small, or large, where each number has its own."""
    fit = np.concatenate([each.ravel() for each in fits])
    if fit.sum() < 2 or (~fit).sum() < 2:
        return None
    for place, name in enumerate(tried.names):
        given = [numbers(case[place]) for case in tried.cases]
        if any(a is None or a.shape != f.shape for a, f in zip(given, fits, strict=True)):
            continue
        values = np.concatenate([each.ravel() for each in given])
        if values[fit].max() < values[~fit].min():
            return "right up to a point", (
                f"Right up to `{name}` = {values[fit].max():.4g}, and wrong beyond: what must "
                "change there?"
            )
        if values[fit].min() > values[~fit].max():
            return "right from a point on", (
                f"Right from `{name}` = {values[fit].min():.4g} on, and wrong below: what must be "
                "different there?"
            )
    return None


def _some_cases(tried: Tried, right: list[bool]) -> Said:
    wrong = [k for k, fit in enumerate(right) if not fit]
    good = [case for case, fit in zip(tried.cases, right, strict=True) if fit]
    for place, name in enumerate(tried.names):
        given = [tried.cases[k][place] for k in wrong]
        fine = [case[place] for case in good]
        if said := _fixed_count(tried, name, fine, given):
            return said
        at_fault = [_at_fault(tried, k, place) for k in wrong]
        for traits, those in ((_OF_NUMBERS, at_fault), (_OF_SHAPES, given)):
            for text, has in traits:
                try:
                    tells = all(map(has, those)) and not any(map(has, fine))
                except Exception:  # this trait does not go with such an argument
                    continue
                if tells:
                    told = f"Right for some cases; wrong where {text.format(name)}."
                    return "right for some cases", told
    if len(good) == 1:
        return "right for one case", f"Right for {call(good[0])} only: what is different there?"
    return "right for some cases", (
        f"Right for {len(good)} of {len(right)} cases: what is different in the others?"
    )


def _at_fault(tried: Tried, case: int, place: int) -> Any:
    """Return an argument, of an array as large as the answer only the numbers that go wrong."""
    given = tried.cases[case][place]
    if np.ndim(given) and np.shape(given) == tried.x[case].shape:
        return numbers(given)[~close(tried.x[case], tried.y[case], tried.tolerance)]
    return given


def _fixed_count(tried: Tried, name: str, good: list, wrong: list) -> Said:
    """A number in the code, where the rows of an argument should be counted."""
    counts = {np.shape(each)[:1] for each in good}
    written = getattr(getattr(tried.answer, "__code__", None), "co_consts", ())
    for count in written if len(counts) == 1 else ():
        if counts == {(count,)} and not counts & {np.shape(each)[:1] for each in wrong}:
            return "a fixed number", (
                f"Right for {count} rows of `{name}`, and for no other count: you wrote {count} "
                "where they should be counted."
            )
    return None


_OF_NUMBERS = [
    ("there is nan in `{}`", has_nan),
    ("`{}` holds numbers above 100", lambda a: np.max(np.abs(numbers(a))) > 100),
    ("`{}` is negative", lambda a: np.max(numbers(a)) < 0),
    ("`{}` is positive", lambda a: np.min(numbers(a)) > 0),
    ("`{}` holds negative numbers", lambda a: np.min(numbers(a)) < 0),
    ("`{}` holds positive numbers", lambda a: np.max(numbers(a)) > 0),
    ("`{}` is 0", lambda a: not np.any(numbers(a))),
    ("`{}` is not 0", lambda a: bool(np.any(numbers(a)))),
    ("`{}` is odd", lambda a: a % 2 == 1),
    ("`{}` is larger than 1", lambda a: a > 1),
]
_OF_SHAPES = [
    ("`{}` is an array", lambda a: np.ndim(a) > 0),
    ("`{}` is a single number", lambda a: np.ndim(a) == 0 and numbers(a) is not None),
    ("`{}` has more than one row", lambda a: len(a) > 1),
    ("`{}` has one row", lambda a: len(a) == 1),
    ("`{}` has more than two rows", lambda a: len(a) > 2),
    ("`{}` has more than one column", lambda a: np.shape(a)[1] > 1),
    ("`{}` is not square", lambda a: np.shape(a)[0] != np.shape(a)[1]),
    ("`{}` is not diagonal", lambda a: bool(np.any(a - np.diag(np.diag(a))))),
]


def _edges(fits: list[np.ndarray]) -> Said:
    """Right but for an edge, or at an edge only."""
    if not all(each.ndim and len(each) > 1 for each in fits):
        return None
    for text, edge in (("first", 0), ("last", -1)):
        ends = [each[edge].all() for each in fits]
        others = [np.delete(each, edge, 0) for each in fits]
        if all(each.all() for each in others) and not any(ends):
            return f"all but the {text}", (
                f"All is right but the {text}. Does a loop start or end one too early?"
            )
        if all(ends) and not any(each.any() for each in others):
            return f"only the {text}", (
                f"Only the {text} of your numbers is right. Does a loop end too early, or is the "
                "rest overwritten?"
            )
    return None


def _some_places(fits: list[np.ndarray]) -> Said:
    if all(each.ndim == 2 for each in fits):
        if all(each.all(axis=0).any() for each in fits):
            return "some columns", "Some columns of your answer are right, and others are not."
        if all(each.all(axis=1).any() for each in fits):
            return "some rows", "Some rows of your answer are right, and others are not."
    count, total = sum(int(each.sum()) for each in fits), sum(each.size for each in fits)
    return "right in some places", f"{count} of your {total} numbers are right: which are they?"


def _pattern(tried: Tried) -> Said:
    """Right up to a scale and a zero: of the whole, of each column, of each row."""
    for what, axis in (("", None), ("each column of ", 0), ("each row of ", 1)):
        long = [b for b in tried.y if b.ndim and (axis is None or b.ndim == 2)]
        if (
            len(long) < len(tried.y)
            or min(b.size if axis is None else b.shape[axis] for b in long) < 3
        ):
            continue
        for kind, text, fitted in (
            ("scale", "a factor", _scaled),
            ("zero", "something added", _shifted),
            ("scale and zero", "a factor and something added", _stretched),
        ):
            if all(alike(a, fitted(a, b, axis), 1e-5) for a, b in tried.arrays()):
                return f"{kind}{f' of {what[:-4]}' if what else ''}", (
                    f"{what.capitalize()}{'y' if what else 'Y'}our answer is right up to {text}: "
                    "what is subtracted, and by what is divided?"
                )
    return None


def _scaled(a: np.ndarray, b: np.ndarray, axis: int | None) -> np.ndarray:
    return b * (a * b).sum(axis=axis, keepdims=True) / (b * b).sum(axis=axis, keepdims=True)


def _shifted(a: np.ndarray, b: np.ndarray, axis: int | None) -> np.ndarray:
    return b + (a - b).mean(axis=axis, keepdims=True)


def _stretched(a: np.ndarray, b: np.ndarray, axis: int | None) -> np.ndarray:
    center = a.mean(axis=axis, keepdims=True)
    return center + _scaled(a - center, b - b.mean(axis=axis, keepdims=True), axis)


def _range(tried: Tried) -> Said:
    """Outside of where all right answers lie."""
    low, high = (edge(tried.y, default=0) for edge in (_least, _most))
    if low >= 0 and _least(tried.x) < 0:
        return "below 0", ("Your answer is negative in some places, and the right one never is.")
    if low >= 0 and high <= 1 and _most(tried.x) > 1 + tried.tolerance:
        return "above 1", (
            "Your answer is larger than 1 in some places; the right ones lie between 0 and 1."
        )
    whole = [(each == np.round(each)).all() for each in (*tried.x, *tried.y)]
    count = len(tried.x)
    if all(whole[:count]) and not any(whole[count:]):
        return "whole numbers", "Your answer is whole numbers only, and the right ones are not."
    if all(whole[count:]) and not any(whole[:count]):
        return "not whole", "Asked are whole numbers, and yours are not: `//` divides to one."
    return None


def _least(arrays: list[np.ndarray], default: float = 0) -> float:
    return min((float(each.min(initial=np.inf)) for each in arrays), default=default)


def _most(arrays: list[np.ndarray], default: float = 0) -> float:
    return max((float(each.max(initial=-np.inf)) for each in arrays), default=default)


def _signs(tried: Tried) -> Said:
    """The signs are right, and the sizes are not."""
    x, y = (np.concatenate([each.ravel() for each in side]) for side in (tried.x, tried.y))
    told = np.abs(y) > 1e-12
    if told.sum() < 6 or not (y[told] > 0).any() or not (y[told] < 0).any():
        return None
    if (np.sign(x[told]) == np.sign(y[told])).all():
        return "only the signs are right", (
            "All your signs are right, the sizes are not: a factor is missing or too much, another "
            "one at each place."
        )
    return None


_RULES = [_cases, _places, _pattern, _range, _signs]
