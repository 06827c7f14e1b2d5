"""Statistics of a result: filtered, grouped, compared."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from labkit.explore.board.columns import rank
from labkit.explore.board.runs import LessonRuns
from labkit.explore.board.words import bare
from labkit.maths.intervals import mean_interval

FAILED = {"failed", "interrupted"}


def spread(values: Iterable[float]) -> dict:
    """Return n, mean, std, low and high (95 % interval of the mean), least and most.

    >>> spread([1.0, 2.0, 3.0])["mean"], round(spread([1.0, 2.0, 3.0])["low"], 3)
    (2.0, -0.484)
    """
    x = np.asarray(list(values), float)
    if not len(x):
        return {"n": 0} | dict.fromkeys(("mean", "std", "low", "high", "least", "most"), math.nan)
    one = len(x) == 1  # alone it says nothing of its spread
    mean, margin = (float(x[0]), math.nan) if one else mean_interval(x)
    return {
        "n": len(x),
        "mean": mean,
        "std": math.nan if one else float(x.std(ddof=1)),
        "low": mean - margin,
        "high": mean + margin,
        "least": float(x.min()),
        "most": float(x.max()),
    }


def select(runs: LessonRuns, statuses: list[str] | None, filters: dict[str, dict]) -> list[int]:
    """Return the rows that filters leave; each filter is {"values"} or {"low", "high"}."""
    keep = np.ones(runs.n, bool)
    if statuses:
        keep &= np.isin(np.array(runs.status, object), statuses)
    for name, chosen in filters.items():
        column = runs.columns.get(name)
        if column is None:
            continue
        if "values" in chosen:
            wanted = {rank(value) for value in chosen["values"]}
            kept = np.array([rank(value) in wanted for value in column.distinct])
            keep &= kept[column.exact]
        elif column.numeric:
            with np.errstate(invalid="ignore"):
                keep &= (column.num >= chosen["low"]) & (column.num <= chosen["high"])
    return np.flatnonzero(keep).tolist()


def group(runs: LessonRuns, rows: list[int], names: list[str]) -> dict[tuple, list[int]]:
    """Return the rows of each group, by the codes of its levels, in their order."""
    codes = [runs.columns[name].groups.codes for name in names]
    found: dict[tuple, list[int]] = {}
    for row in rows:
        found.setdefault(tuple(int(code[row]) for code in codes), []).append(row)
    return dict(sorted(found.items()))


def summary(runs: LessonRuns, rows: list[int], result: str | None) -> dict:
    """Return the spread of a result over some rows, with the number of rows that failed."""
    values = runs.columns[result].num[runs.finite(rows, result)] if result else []
    return spread(values) | {"failed": sum(runs.status[row] in FAILED for row in rows)}


def best_of(
    runs: LessonRuns, rows: list[int], result: str | None, better: str | None
) -> int | None:
    """Return the finished row with the best finite result, the first of equals.

    None where no run has one, or where it is not known which way is better.
    """
    usable = runs.finite(rows, result) if result and better else []
    if not usable:
        return None
    values = runs.columns[result].num[usable]
    return usable[int(values.argmax() if better == "max" else values.argmin())]


def best_by(items: Iterable[Any], value: Callable[[Any], float], better: str | None) -> Any:
    """Return the item with the best finite value, the first of equals; None without a direction."""
    best = None
    for each in items if better else ():
        x = value(each)
        if math.isfinite(x) and (
            best is None or (x > value(best) if better == "max" else x < value(best))
        ):
            best = each
    return best


def best_setting(
    runs: LessonRuns, rows: list[int], result: str | None, better: str | None
) -> dict | None:
    """Return the setting with the best mean among those that ran at least twice, with other seeds.

    One run alone proves nothing: the best of many was chosen by its luck, too.

    Returns:
        Its rows and their statistics, `of` how many settings it was chosen; None if none ran again.
    """
    if not (result and better):
        return None
    found: dict[int, list[int]] = {}
    for row in runs.finite(rows, result):
        found.setdefault(runs.setting[row], []).append(row)
    again = [own for own in found.values() if len({runs.seed[row] for row in own}) > 1]
    values = runs.columns[result].num
    best = best_by(again, lambda own: sum(values[own].tolist()) / len(own), better)
    if best is None:
        return None
    setting = runs.setting[best[0]]
    members = [row for row in rows if runs.setting[row] == setting]
    return {"of": len(again), **summary(runs, members, result), "rows": best}


def importance(runs: LessonRuns, rows: list[int], name: str, result: str) -> float:
    """Return the share of a result's variance that the groups of a parameter explain.

    Epsilon squared: unlike eta squared it is about 0 for a parameter without any effect. Repeats
    of one setting count as one, their mean; else what differs in every setting explains all.

    Source: Kelley (1935), An unbiased correlation ratio measure.
    """
    codes, values = runs.columns[name].groups.codes, runs.columns[result].num
    settings: dict[int, list[int]] = {}
    for row in runs.finite(rows, result):
        settings.setdefault(row if bare(name) == "seed" else runs.setting[row], []).append(row)
    means = {
        members[0]: sum(values[members].tolist()) / len(members) for members in settings.values()
    }
    groups: dict[int, list[float]] = {}
    for row, mean in means.items():
        groups.setdefault(int(codes[row]), []).append(mean)
    within, total = sum(map(_squares, groups.values())), _squares(list(means.values()))
    free = len(means) - len(groups)
    if not total > 0 or free < 1:
        return 0.0
    return max(0.0, 1 - within / free / (total / (len(means) - 1)))


def _squares(values: list[float]) -> float:
    return float(np.var(values) * len(values)) if values else 0.0


def pareto(a: list[float], b: list[float], better_a: str | None, better_b: str | None) -> list[int]:
    """Return the positions of the points that no other beats in one value and equals in the other.

    There are none where it is not known which way is better.

    >>> pareto([1.0, 2.0, 3.0, 1.5], [5.0, 9.0, 2.0, 4.0], "max", "max")
    [2, 1]
    """
    if not (better_a and better_b):
        return []
    s, t = (-1 if better == "max" else 1 for better in (better_a, better_b))
    front: list[int] = []
    for i in sorted(range(len(a)), key=lambda i: (s * a[i], t * b[i], i)):
        last = front[-1] if front else None
        same = last is not None and (a[i], b[i]) == (a[last], b[last])
        if last is None or same or t * (b[i] - b[last]) < 0:
            front.append(i)
    return front


def curve_of(runs: LessonRuns, rows: list[int], metric: str) -> dict:
    """Return {runs, points}: the spread of a metric at each step; failed runs are left out."""
    at: dict[float, list[float]] = {}
    used = [r for r in rows if r in runs.curves[metric] and runs.status[r] not in FAILED]
    for row in used:
        for step, value in zip(*runs.curves[metric][row], strict=True):
            if value is not None and math.isfinite(value):
                at.setdefault(step, []).append(value)
    return {"runs": len(used), "points": [{"step": s, **spread(at[s])} for s in sorted(at)]}
