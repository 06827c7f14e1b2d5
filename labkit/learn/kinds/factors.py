"""Answers that are right up to a factor: 2, percent, n, an argument of the function."""

import math
from collections.abc import Iterator

import numpy as np

from labkit.learn.kinds.tried import Said, Tried, alike
from labkit.learn.values import numbers

_FACTORS = {
    2: "Your answer is twice the right one, everywhere",
    0.5: "Your answer is half of the right one, everywhere",
    1 / math.log(2): "Your logarithm is the one to base 2; the natural one is meant",
    1 / math.log(10): "Your logarithm is the one to base 10; the natural one is meant",
    math.log(2): "Your answer is too small by the factor ln 2: logarithms of two bases are mixed",
    100: "Your answer is 100 times the right one: is it in percent, and asked is a share?",
    0.01: "Your answer is a hundredth of the right one: is it a share, and asked is percent?",
    180 / math.pi: "Your answer is in degrees, and radians are meant",
    math.pi / 180: "Your answer is in radians, and degrees are meant",
}


def named(tried: Tried) -> Said:
    """Name the factor between what came and what is asked, None if there is not one."""
    ratios = _ratios(tried)
    if ratios is None:
        return None
    first = ratios[0]
    if not all(_near(ratio, first) for ratio in ratios):
        return _another_each_time(tried, ratios)
    if _near(first, -1):
        return "sign", "Your answer has the right size and the wrong sign, everywhere."
    if said := _known(abs(first)):
        turned = " The sign is wrong as well." if first < 0 else ""
        return said[0], f"{said[1]}{'' if said[1].endswith('?') else '.'}{turned}"
    if distinct(tried.y) > 1:
        return f"a factor of {first:.4g}", (
            f"Your answer is {first:.4g} times the right one, everywhere: a constant factor is too "
            "much, or missing."
        )
    return None


def distinct(values: list[np.ndarray]) -> int:
    """Return how many sizes, other than 0, there are: to one number alone any factor fits."""
    flat = np.concatenate([np.abs(each).ravel() for each in values])
    return len(set(np.round(flat[flat > 1e-12], 9)))


def _ratios(tried: Tried) -> list[float] | None:
    """Return answer / right answer, one number a case; None where there is not one."""
    found = []
    for a, b in tried.arrays():
        if not (np.abs(b) > 1e-12).any():
            if a.any():
                return None
            continue  # 0 for 0 says nothing
        ratio = float(np.sum(a * b) / np.sum(b * b))
        slack = max(1e-6, tried.tolerance) * max(1.0, abs(ratio))
        if abs(ratio) < 1e-9 or not math.isfinite(ratio) or not alike(a, ratio * b, slack):
            return None
        found.append(ratio)
    return found or None


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-5)


def _known(ratio: float) -> Said:
    for factor, text in _FACTORS.items():
        if _near(ratio, factor):
            return f"a factor of {factor:.4g}", text
    power = round(math.log10(ratio))
    if power and _near(10.0**power, ratio):
        return f"a factor of {10.0**power:g}", "Your answer is off by a power of ten"
    return None


def _another_each_time(tried: Tried, ratios: list[float]) -> Said:
    """Name a factor that changes from case to case: a count, or an argument."""
    if len(ratios) == len(tried.x):
        for what, counts in _counts(tried):
            if said := _from_count(what, counts, ratios):
                return said
    if all(each.size > 2 for each in tried.y):
        return "a factor", (
            "Your answer is right up to a factor, another one for each case: by what do you "
            "multiply, or divide, too often or not at all?"
        )
    return None


def _counts(tried: Tried) -> Iterator[tuple[str, list[float]]]:
    """Yield what such a factor may be, and its value in each case."""
    for place, name in enumerate(tried.names):
        given = [case[place] for case in tried.cases]
        if all(isinstance(each, (int, float)) for each in given):
            yield f"`{name}`", [abs(float(each)) for each in given]
            continue
        if all(isinstance(each, (list, tuple)) or _is_array(each) for each in given):
            yield f"the length of `{name}`", [float(len(each)) for each in given]
        arrays = [numbers(each) for each in given]  # None for a ragged list
        if all(array is not None and array.ndim > 1 for array in arrays):
            yield f"the size of `{name}`", [float(array.size) for array in arrays]
            yield f"the columns of `{name}`", [float(array.shape[-1]) for array in arrays]
    yield "the count of numbers in the answer", [float(each.size) for each in tried.y]


def _is_array(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def _from_count(what: str, counts: list[float], ratios: list[float]) -> Said:
    """Say that the factor is a count, its root or its square, if it is, times or divided by."""
    if len(set(counts)) < 2 or 0 in counts:
        return None
    bare = what.removeprefix("the ")
    powers = ((what, 1.0), (f"the root of {bare}", 0.5), (f"the square of {bare}", 2.0))
    for text, power in powers:
        for large in (True, False):
            made = [count ** (power if large else -power) for count in counts]
            if all(_near(abs(ratio), each) for ratio, each in zip(ratios, made, strict=True)):
                turned = " The sign is wrong as well." if min(ratios) < 0 else ""
                kind = f"{'times' if large else 'divided by'} {text.replace('`', '')}"
                size = "large" if large else "small"
                why = _WHY[large] if what.startswith("the") else ""
                return kind, f"Your answer is too {size} by a factor: {text}.{why}{turned}"
    less = [count / (count - 1) if count > 1 else 0.0 for count in counts]
    for power in (1, 0.5, -1, -0.5):
        made = [each**power if each else 0.0 for each in less]
        if what.startswith("the length") and all(map(_near, ratios, made)):
            return "n - 1", (
                "Your answer is off by n and n - 1 exchanged: `ddof=1` divides by n - 1, NumPy's "
                "default is n."
            )
    return None


_WHY = {
    True: " Is it a sum where a mean is asked?",
    False: " Is it divided by that twice, or a mean where a sum is asked?",
}
