"""The results explorer: all runs of a sweep, filtered, grouped, compared, and opened.

It computes in the page (results_explorer.js), so that thousands of runs answer at once, also in an
HTML page without a kernel. Python computes the same for `text`, `shown`, `best` and the picture in
an executed copy; tests/test_explore_results.py holds the two together, and both to pandas.
"""

import base64
import functools
import io
import itertools
import json
import math
import os
import re
import threading
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Context
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from labkit.explore import figures, kit
from labkit.lab import places, report
from labkit.lab import table as runs_table

VIEWS = ("effect", "curves", "heat map", "parallel", "trade-off")
BANDS = ("std", "interval", "range")
STATUSES = ("finished", "running", "failed", "interrupted")
FAILED = {"failed", "interrupted"}
FEW, BINS, WIDE = 16, 8, 50  # as in results_explorer.js

# --- numbers in words -------------------------------------------------------------------------


def number(x: float, digits: int = 4) -> str:
    """Return a number to so many significant digits, as the page writes it.

    >>> number(0.97342), number(1.5e-5), number(12000.0), number(float("inf"))
    ('0.9734', '1.5e-5', '12000', 'inf')
    """
    if not math.isfinite(x):
        return "nan" if x != x else "inf" if x > 0 else "-inf"
    # JavaScript rounds halves of the exact value up, Python to even.
    rounded = float(
        Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal_from_float(float(x))
    )
    if x != 0 and (abs(x) < 1e-4 or abs(x) >= 1e6):
        mantissa, power = f"{rounded:.{digits - 1}e}".split("e")
        return f"{float(mantissa):.10g}e{int(power)}"
    return f"{rounded + 0.0:.10g}"  # never -0


def label(value: Any) -> str:
    """Return a value as it is read; lists in brackets.

    >>> label(0.001), label([32, 64]), label(None), label(True)
    ('0.001', '[32, 64]', 'not set', 'true')
    """
    if value is None:
        return "not set"
    if isinstance(value, list):
        return f"[{', '.join(map(label, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else number(value, 6)


def _bare(name: str) -> str:
    head, dot, rest = name.partition(".")
    return rest if dot and head in ("param", "result", "env") else name


def _many(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def _clip(text: str, length: int = 32) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


# --- the table --------------------------------------------------------------------------------


class Column:
    """One column of the runs: its values, its numbers if it holds only those, its groups."""

    def __init__(self, name: str, values: list):
        self.name, self.values = name, values
        given = [value for value in values if value is not None]
        self.numeric = bool(given) and all(
            isinstance(v, int | float) and not isinstance(v, bool) for v in given
        )
        numbers = [math.nan if v is None else v for v in values] if self.numeric else []
        self.num = np.array(numbers, float) if self.numeric else None
        first: dict = {}
        for value in values:
            first.setdefault(_rank(value), value)
        order = sorted(first)
        self.distinct = [first[key] for key in order]
        place = {key: code for code, key in enumerate(order)}
        self.exact = np.array([place[_rank(value)] for value in values], int)

    @functools.cached_property
    def groups(self) -> tuple[list[dict], np.ndarray, bool]:
        """Levels ({label, value}), the level of each row, and whether numbers were binned."""
        if self.numeric and len(self.distinct) > FEW:
            return *_bins(self), True
        levels = [{"label": label(value), "value": value} for value in self.distinct]
        return levels, self.exact, False


def _rank(value: Any) -> tuple:
    """Sorts numbers and truth values, then texts and lists, then what is missing."""
    if value is None or value != value:
        return 2, 0.0, ""
    if isinstance(value, str):
        return 1, 0.0, value, 0
    if isinstance(value, list):
        return 1, 0.0, json.dumps(value), 1
    return 0, float(value), ""


def _scale(numbers: np.ndarray, factor: float = WIDE) -> tuple[float, float, bool]:
    """Lowest and highest finite number, and whether their axis is logarithmic."""
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return math.inf, -math.inf, False
    low, high = float(finite.min()), float(finite.max())
    return low, high, low > 0 and high / low > factor


def _bins(column: Column) -> tuple[list[dict], np.ndarray]:
    low, high, log = _scale(column.num)
    to, back = (math.log, math.exp) if log else (float, float)
    width = (to(high) - to(low)) / BINS
    ends = [low, *(back(to(low) + i * width) for i in range(1, BINS)), high]
    levels = [
        {
            "label": f"{number(ends[i], 3)} to {number(ends[i + 1], 3)}",
            "value": back(to(low) + (i + 0.5) * width),
        }
        for i in range(BINS)
    ]
    if not np.isfinite(column.num).all():
        levels.append({"label": "not set", "value": None})
    codes = [
        min(BINS - 1, max(0, math.floor((to(x) - to(low)) / width))) if math.isfinite(x) else BINS
        for x in column.num.tolist()
    ]
    return levels, np.array(codes, int)


class Runs:
    """The runs of one lesson, from the payload that the page gets too."""

    def __init__(self, payload: dict, lesson: str | None = None):
        columns = {c["name"]: _decode(c, payload["n"]) for c in payload["columns"]}
        lessons = columns["lesson"]
        self.lessons = sorted(set(lessons))
        self.lesson = _most_common(lessons) if lesson is None else lesson
        own = [row for row, each in enumerate(lessons) if each == self.lesson]
        self.rows = [row for row in own if columns["status"][row] != "unreadable"]
        self.unreadable = len(own) - len(self.rows)
        self.n, self.payload = len(self.rows), payload
        self.columns = {}
        for name, values in columns.items():
            mine = [values[row] for row in self.rows]
            if "." not in name or any(value is not None for value in mine):
                self.columns[name] = Column(name, mine)
        self.status = self.columns["status"].values
        parameters = self.named("param")
        self.varied = [name for name in parameters if len(self.columns[name].distinct) > 1]
        self.results = [name for name in self.named("result") if self.columns[name].numeric]
        self.curves = _own_curves(payload["curves"], self.rows)
        codes = [self.columns[n].exact for n in self.varied if _bare(n) != "seed"]
        settings = list(zip(*codes, strict=True)) if codes else [()] * self.n
        place: dict = {}
        self.setting = [place.setdefault(each, len(place)) for each in settings]
        self.repeats = self.n > len(place)
        self._shares: dict = {}

    def named(self, section: str) -> list[str]:
        """Names of the columns of a section: param, result, env."""
        return [name for name in self.columns if name.startswith(f"{section}.")]

    def better(self, result: str) -> str:
        """Whether the highest ("max") or the lowest ("min") is best."""
        return self.payload["better"].get(result, "max")

    def finite(self, rows: Iterable[int], *names: str) -> list[int]:
        """Those rows that finished with a finite number in each of these columns."""
        numbers = [self.columns[name].num for name in names]
        return [
            row
            for row in rows
            if self.status[row] == "finished" and all(math.isfinite(n[row]) for n in numbers)
        ]


def _decode(column: dict, n: int) -> list:
    if "values" in column:
        return [_read(value) for value in column["values"]]
    if "levels" in column:
        levels = [_read(value) for value in column["levels"]]
        return [levels[code] for code in column["codes"]]
    return [_read(column.get("constant"))] * n


def _read(value: Any) -> Any:
    return float(value["f"]) if isinstance(value, dict) else value


def _most_common(values: list) -> Any:
    return min(set(values), key=lambda v: (-values.count(v), v), default=None)


def _own_curves(packed: dict, rows: list[int]) -> dict[str, dict[int, tuple[list, list]]]:
    """Metric -> {row: (steps, values)}, for those metrics that one of these rows has."""
    place = {row: at for at, row in enumerate(rows)}
    found = {}
    for metric, curve in packed.items():
        of = {
            place[row]: (curve["steps"][which], [_read(v) for v in values])
            for row, which, values in zip(curve["rows"], curve["of"], curve["values"], strict=True)
            if row in place
        }
        if of:
            found[metric] = of
    return found


# --- statistics -------------------------------------------------------------------------------


def spread(values: Iterable[float]) -> dict:
    """Return n, mean, std, low and high (95 % interval of the mean), least and most.

    >>> spread([1.0, 2.0, 3.0])["mean"], round(spread([1.0, 2.0, 3.0])["low"], 3)
    (2.0, -0.484)
    """
    from scipy.special import stdtrit

    x = np.asarray(list(values), float)
    n = len(x)
    if not n:
        return {"n": 0} | dict.fromkeys(("mean", "std", "low", "high", "least", "most"), math.nan)
    mean = float(x.sum() / n)
    std = float(x.std(ddof=1)) if n > 1 else math.nan
    half = float(stdtrit(n - 1, 0.975)) * std / math.sqrt(n) if n > 1 else math.nan
    ends = {"low": mean - half, "high": mean + half}
    return {
        "n": n,
        "mean": mean,
        "std": std,
        **ends,
        "least": float(x.min()),
        "most": float(x.max()),
    }


def select(runs: Runs, statuses: list[str] | None, filters: dict[str, dict]) -> list[int]:
    """Return the rows that filters leave; each filter is {"values"} or {"low", "high"}."""
    keep = np.ones(runs.n, bool)
    if statuses:
        keep &= np.isin(np.array(runs.status, object), statuses)
    for name, chosen in filters.items():
        column = runs.columns.get(name)
        if column is None:
            continue
        if "values" in chosen:
            wanted = {_rank(value) for value in chosen["values"]}
            kept = np.array([_rank(value) in wanted for value in column.distinct])
            keep &= kept[column.exact]
        elif column.numeric:
            with np.errstate(invalid="ignore"):
                keep &= (column.num >= chosen["low"]) & (column.num <= chosen["high"])
    return np.flatnonzero(keep).tolist()


def group(runs: Runs, rows: list[int], names: list[str]) -> dict[tuple, list[int]]:
    """Return the rows of each group, by the codes of its levels, in their order."""
    codes = [runs.columns[name].groups[1] for name in names]
    found: dict[tuple, list[int]] = {}
    for row in rows:
        found.setdefault(tuple(int(code[row]) for code in codes), []).append(row)
    return dict(sorted(found.items()))


def summary(runs: Runs, rows: list[int], result: str | None) -> dict:
    """Return the spread of a result over some rows, with the number of rows that failed."""
    values = runs.columns[result].num[runs.finite(rows, result)] if result else []
    return spread(values) | {"failed": sum(runs.status[row] in FAILED for row in rows)}


def best_of(runs: Runs, rows: list[int], result: str | None, better: str) -> int | None:
    """Return the finished row with the best finite result, the first of equals, or None."""
    usable = runs.finite(rows, result) if result else []
    if not usable:
        return None
    values = runs.columns[result].num[usable]
    return usable[int(values.argmax() if better == "max" else values.argmin())]


def importance(runs: Runs, rows: list[int], name: str, result: str) -> float:
    """Return the share of a result's variance that the groups of a parameter explain.

    Epsilon squared: unlike eta squared it is about 0 for a parameter without any effect. Repeats
    of one setting count as one, their mean; else what differs in every setting explains all.

    Source: Kelley (1935), An unbiased correlation ratio measure.
    """
    codes, values = runs.columns[name].groups[1], runs.columns[result].num
    settings: dict[int, list[int]] = {}
    for row in runs.finite(rows, result):
        settings.setdefault(row if _bare(name) == "seed" else runs.setting[row], []).append(row)
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


def pareto(a: list[float], b: list[float], better_a: str, better_b: str) -> list[int]:
    """Return the positions of the points that no other beats in one value and equals in the other.

    >>> pareto([1.0, 2.0, 3.0, 1.5], [5.0, 9.0, 2.0, 4.0], "max", "max")
    [2, 1]
    """
    s, t = (-1 if better == "max" else 1 for better in (better_a, better_b))
    front: list[int] = []
    for i in sorted(range(len(a)), key=lambda i: (s * a[i], t * b[i], i)):
        last = front[-1] if front else None
        same = last is not None and (a[i], b[i]) == (a[last], b[last])
        if last is None or same or t * (b[i] - b[last]) < 0:
            front.append(i)
    return front


def curve_of(runs: Runs, rows: list[int], metric: str) -> dict:
    """Return {runs, points}: the spread of a metric at each step; failed runs are left out."""
    at: dict[float, list[float]] = {}
    used = [r for r in rows if r in runs.curves[metric] and runs.status[r] not in FAILED]
    for row in used:
        for step, value in zip(*runs.curves[metric][row], strict=True):
            if value is not None and math.isfinite(value):
                at.setdefault(step, []).append(value)
    return {"runs": len(used), "points": [{"step": s, **spread(at[s])} for s in sorted(at)]}


# --- what is shown ----------------------------------------------------------------------------

DEFAULTS = {"statuses": None, "filters": {}, "selected": None}
DEFAULTS |= dict.fromkeys(("lesson", "view", "result", "better", "x", "y", "group", "metric"))
DEFAULTS |= dict.fromkeys(("band", "second", "betterSecond", "average"))


def complete(runs: Runs, given: dict) -> dict:
    """Return all settings, with sensible values for what is not given or does not fit the runs."""
    given = DEFAULTS | given
    results, varied, metrics = runs.results, runs.varied, list(runs.curves)
    result = _one(given["result"], results, results)
    main = by_importance(runs, result)
    order = main + [name for name in varied if name not in main]
    x = _one(given["x"], varied, order)
    y = _one(None if given["y"] == x else given["y"], varied, [n for n in order if n != x])
    usual = [n for n in main if n != x and len(runs.columns[n].groups[0]) <= 8]
    by = "" if given["group"] == "" else _one(given["group"], varied, usual) or ""
    others = [name for name in results if name != result]
    costs = [n for n in others if runs.better(n) == "min" and _bare(n) not in metrics]
    second = _one(given["second"], results, costs + others)
    fits = {"effect": x and result, "curves": metrics, "heat map": y, "parallel": varied}
    views = [view for view in VIEWS if (fits | {"trade-off": second})[view]]
    like = [metric for metric in metrics if f"result.{metric}" == result] + metrics
    return given | {
        "lesson": runs.lesson,
        "views": views,
        "view": _one(given["view"], views, [*views, "effect"]),
        "result": result,
        "x": x,
        "y": y,
        "group": by,
        "second": second,
        "better": given["better"] or (runs.better(result) if result else "max"),
        "betterSecond": given["betterSecond"] or (runs.better(second) if second else "max"),
        "metric": _one(given["metric"], metrics, like),
        "band": _one(given["band"], BANDS, BANDS),
        "average": runs.repeats if given["average"] is None else given["average"],
    }


def _one(value: Any, allowed: Iterable, usual: Iterable) -> Any:
    """Return a value if it is allowed, else the first usual one, else None."""
    return value if value is not None and value in allowed else next(iter(usual), None)


def by_importance(runs: Runs, result: str | None) -> list[str]:
    """Return the varied parameters without the seed, the one that explains most first."""
    names = [name for name in runs.varied if _bare(name) != "seed"]
    if result is None:
        return names
    if result not in runs._shares:
        rows = list(range(runs.n))
        shares = {name: importance(runs, rows, name, result) for name in names}
        runs._shares[result] = sorted(names, key=lambda name: -round(shares[name], 9))
    return runs._shares[result]


def explain(runs: Runs, given: dict) -> dict:
    """Return everything that is shown with these settings: settings, rows, best, shown, text."""
    settings = complete(runs, given)
    rows = select(runs, settings["statuses"], settings["filters"])
    best = best_of(runs, rows, settings["result"], settings["better"])
    shown = COMPUTE[settings["view"]](runs, rows, settings)
    parts = [_how_many(runs, rows, settings), shown["text"], _best_text(runs, best, settings)]
    text = " ".join(filter(None, parts))
    return {"settings": settings, "rows": rows, "best": best, "shown": shown, "text": text}


def _superlative(better: str) -> str:
    return "highest" if better == "max" else "lowest"


def _lines(runs: Runs, rows: list[int], by: str | None) -> list[dict]:
    if not by:
        return [{"label": "all runs", "code": 0, "rows": rows}]
    levels = runs.columns[by].groups[0]
    found = group(runs, rows, [by]).items()
    return [{"label": levels[c]["label"], "code": c, "rows": members} for (c,), members in found]


def _best_by(items: list, value: Callable, better: str) -> Any:
    best = None
    for each in items:
        x = value(each)
        if math.isfinite(x) and (
            best is None or (x > value(best) if better == "max" else x < value(best))
        ):
            best = each
    return best


def _level(runs: Runs, name: str, code: int) -> str:
    return f"{_bare(name)} {runs.columns[name].groups[0][code]['label']}"


def _effect(runs, rows, s):
    if not s["x"] or not s["result"]:
        return {"series": [], "text": "There is no result to show yet."}
    by = s["group"] if s["group"] != s["x"] else ""
    lines = _lines(runs, rows, by)
    for line in lines:
        found = group(runs, line["rows"], [s["x"]]).items()
        line["points"] = [
            {"code": code, "rows": members, **summary(runs, members, s["result"])}
            for (code,), members in found
        ]
    every = [(line, point) for line in lines for point in line["points"]]
    best = _best_by(every, lambda pair: pair[1]["mean"], s["better"])
    text = f"Effect of {_bare(s['x'])} on {_bare(s['result'])}{f', by {_bare(by)}' if by else ''}"
    if best is None:
        return {"series": lines, "text": text + "."}
    line, point = best
    where = _level(runs, s["x"], point["code"]) + (f", {_bare(by)} {line['label']}" if by else "")
    told = f"{_superlative(s['better'])} mean {number(point['mean'])} at {where} (n = {point['n']})"
    return {"series": lines, "text": f"{text}: {told}."}


def _curves(runs, rows, s):
    lines = [
        line | curve_of(runs, line["rows"], s["metric"]) for line in _lines(runs, rows, s["group"])
    ]
    lines = [line for line in lines if line["points"]]
    count = sum(line["runs"] for line in lines)
    named = f"result.{s['metric']}"
    way = s["better"] if named == s["result"] else runs.better(named)
    best = _best_by(lines, lambda line: line["points"][-1]["mean"], way)
    by = f", by {_bare(s['group'])}" if s["group"] else ""
    text = f"Curves of {s['metric']} of {_many(count, 'run')}{by}"
    if best is None:
        return {"series": lines, "text": text + "."}
    last = best["points"][-1]
    of = f" with {_bare(s['group'])} {best['label']}" if s["group"] else ""
    told = f"{_superlative(way)} last mean {number(last['mean'])}{of}"
    return {
        "series": lines,
        "text": f"{text}: {told} (step {number(last['step'])}, n = {last['n']}).",
    }


def _heat_map(runs, rows, s):
    cells = [
        {"i": i, "j": j, "rows": members, **summary(runs, members, s["result"])}
        for (i, j), members in group(runs, rows, [s["x"], s["y"]]).items()
    ]
    best = _best_by(cells, lambda cell: cell["mean"], s["better"])
    of = _bare(s["result"]) if s["result"] else "result"
    text = f"Mean {of} over {_bare(s['x'])} and {_bare(s['y'])}"
    if best is None:
        return {"cells": cells, "best": None, "text": text + "."}
    where = f"{_level(runs, s['x'], best['i'])}, {_level(runs, s['y'], best['j'])}"
    told = f"{_superlative(s['better'])} {number(best['mean'])} at {where} (n = {best['n']})"
    return {"cells": cells, "best": best, "text": f"{text}: {told}."}


def _parallel(runs, rows, s):
    axes = runs.varied + ([s["result"]] if s["result"] else [])
    failed = sum(runs.status[row] in FAILED for row in rows)
    through = ", ".join(map(_bare, axes))
    of = f"; {'one' if failed == 1 else f'{failed:,}'} of them failed" if failed else ""
    text = f"A line for each of {_many(len(rows), 'run')} through {through}{of}."
    return {"axes": axes, "text": text}


def _trade_off(runs, rows, s):
    a, b = (runs.columns[s[name]].num for name in ("result", "second"))
    usable = runs.finite(rows, s["result"], s["second"])
    points = [{"a": float(a[r]), "b": float(b[r]), "row": r, "n": 1} for r in usable]
    if s["average"]:
        points = _averages(runs, usable, a, b)
    ways = s["better"], s["betterSecond"]
    front = pareto([p["a"] for p in points], [p["b"] for p in points], *ways)
    unit = "setting" if s["average"] else "run"
    text = (
        f"Trade-off: {_bare(s['result'])} ({_superlative(ways[0])} is best) against "
        f"{_bare(s['second'])} ({_superlative(ways[1])}): {len(front):,} of "
        f"{_many(len(points), unit)} {'is' if len(front) == 1 else 'are'} on the Pareto front."
    )
    return {"points": points, "front": front, "text": text}


def _averages(runs, rows, a, b) -> list[dict]:
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(runs.setting[row], []).append(row)
    # Summed from the left, as the page does.
    return [
        {
            "a": sum(a[m].tolist()) / len(m),
            "b": sum(b[m].tolist()) / len(m),
            "row": m[0],
            "n": len(m),
        }
        for m in found.values()
    ]


COMPUTE = {
    "effect": _effect,
    "curves": _curves,
    "heat map": _heat_map,
    "parallel": _parallel,
    "trade-off": _trade_off,
}


def _how_many(runs, rows, s) -> str:
    status = [runs.status[row] for row in rows]
    told = [f"{status.count(name):,} {name}" for name in STATUSES if name in status]
    limited = s["filters"] or s["statuses"]
    every = _many(runs.n, "run")
    shown = f"{len(rows):,} of {every} shown" if limited else every
    broken = f" {_many(runs.unreadable, 'record')} cannot be read." if runs.unreadable else ""
    return f"{shown}{': ' + ', '.join(told) if told else ''}.{broken}"


def _best_text(runs, best, s) -> str:
    if best is None:
        return ""
    value = number(float(runs.columns[s["result"]].num[best]))
    told = [f"{_bare(n)} = {_clip(label(runs.columns[n].values[best]))}" for n in runs.varied]
    settings = f" with {', '.join(told)}" if told else ""
    return f"Best run, {_superlative(s['better'])} {_bare(s['result'])}: {value}{settings}."


# --- the explorer -----------------------------------------------------------------------------


class ResultsExplorer(anywidget.AnyWidget):
    """All runs of a lesson to filter, group and compare; `labkit.explore.results()` makes one.

    Attributes:
        shown: the runs that the filters leave, a DataFrame as of `labkit.results()`.
        best: the best of them, a row of that table, None without any.
        text: what is shown, in words. png: the picture.
        settings: what the controls are set to, a dict.
        live: whether it follows a sweep.
    """

    settings = traitlets.Dict().tag(sync=True)
    place = traitlets.Dict().tag(sync=True)
    live = traitlets.Bool(False).tag(sync=True)
    # Never set: what is sent when a page opens is what is known then.
    runs = traitlets.Any(None).tag(sync=True, to_json=lambda _, widget: widget._payload)

    _esm = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

    def __init__(self, table=None, *, lesson=None, folder=None, live=None, every=1.0, **settings):
        if isinstance(table, str | int):
            lesson, table = table, None
        self._number = None if lesson is None else places.lesson_file(lesson).name[:2]
        self._every = every
        self._stopped = threading.Event()
        self._sent = 0  # messages to the page
        self._folder = top = places.runs_folder(folder)
        if table is None:
            self._take_entries(self._entries())
        else:
            self._take_table(table)
            top = report.top_folder(table)
            self._folder = top or self._folder
        place = {"folder": str(top or ""), "home": os.path.expanduser("~")}
        super().__init__(settings=_checked(self._runs_of(None), settings), place=place)
        follow = table is None if live is None else live
        if follow and not kit.headless():
            self._follow(keep=live is True)

    # -- what it shows

    @property
    def shown(self):
        """The runs that the filters leave, as a table of `labkit.results()`."""
        found = self._explained()
        rows = [self._lesson_runs().rows[row] for row in found["rows"]]
        return self._table.iloc[rows].reset_index(drop=True)

    @property
    def best(self):
        """The best of the runs shown, a row of the table; None without a finished one."""
        found = self._explained()
        if found["best"] is None:
            return None
        return self._table.iloc[self._lesson_runs().rows[found["best"]]]

    @property
    def text(self) -> str:
        """What is shown, in words."""
        return self._explained()["text"]

    @property
    def png(self) -> bytes:
        """The picture of these settings, a PNG file."""
        return _draw(self._lesson_runs(), self._explained())

    def set(self, **settings) -> None:
        """Change settings as the controls do, such as view="heat map", x="learning_rate".

        Raises:
            ValueError: there is no such setting, or its value is not allowed.
        """
        self.settings = dict(self.settings) | _checked(self._runs_of(None), settings)

    def _lesson_runs(self) -> Runs:
        return self._runs_of(self.settings.get("lesson"))

    def _runs_of(self, lesson: str | None) -> Runs:
        if lesson not in self._by_lesson:
            self._by_lesson[lesson] = Runs(self._payload, lesson)
        return self._by_lesson[lesson]

    def _explained(self) -> dict:
        return explain(self._lesson_runs(), self.settings)

    # Made when somebody asks: a sweep that goes on changes them every second.

    @property
    def _table(self):
        if self._made is None:
            self._made = runs_table.as_table(self._kept)
        return self._made

    @property
    def _payload(self) -> dict:
        if self._packed is None:
            self._packed = report.payload(self._table)
        return self._packed

    def _take_entries(self, entries: list) -> None:
        self._kept, self._made, self._packed, self._by_lesson = entries, None, None, {}

    def _take_table(self, table) -> None:
        if not hasattr(table, "columns") or "run_id" not in table:
            raise TypeError(
                f"results() shows a table of labkit.results(), a lesson or nothing; got {table!r}"
            )
        self._take_entries([])
        self._made = table.reset_index(drop=True)

    # -- following a sweep

    def refresh(self) -> bool:
        """Read the results folder again and send what changed; return whether anything did."""
        before = {entry.folder: entry for entry in self._kept}
        entries = self._entries()
        changed = [e for e in entries if before.pop(e.folder, None) != e]
        gone = ["/".join(folder.rsplit(os.sep, 2)[-2:]) for folder in before]
        if not changed and not gone:
            return False
        self._take_entries(entries)
        self._sent += 1
        # All of them now and then, should a page have missed some; more seldom where they are many.
        if self._sent % (10 + len(entries) // 50) == 0 or len(changed) > 300:
            self.send({"kind": "all", "runs": self._payload})
        else:
            runs = report.payload(runs_table.as_table(changed))
            self.send({"kind": "some", "runs": runs, "gone": gone})
        return True

    def stop(self) -> None:
        """Stop following."""
        self._stopped.set()
        self.live = False

    def _follow(self, keep: bool) -> None:
        """Read again every second while runs are going, in a thread: the kernel may be busy."""
        self.live = keep or self._is_going()
        if self.live:
            threading.Thread(target=self._watch, args=(keep,), daemon=True).start()

    def _watch(self, keep: bool) -> None:
        idle = 0.0
        while not self._stopped.wait(self._every):
            try:
                idle = 0.0 if self.refresh() or self._is_going() else idle + self._every
            except (OSError, ValueError, RuntimeError) as error:
                self.log.warning("The results explorer stopped following: %s", error)
                break
            if idle > (60 if keep else 5):
                break
        self.live = False

    def _is_going(self) -> bool:
        return any(entry.status == "running" for entry in self._kept)

    def _entries(self) -> list:
        return runs_table.read_records(self._folder, self._number)

    # -- without a kernel

    def html(self) -> str:
        """The explorer as HTML that works in the page: no kernel, nothing to load."""
        state = {"runs": self._payload, "settings": self.settings, "live": False, "base": None}
        return figures.living("results", self.png, self.text, self._esm, state, width=1120)

    def walk(self) -> int:
        """Compute every view over all parameters and results, draw each view; return how many.

        Raises:
            ExplorerError: names the settings at which something failed.
        """
        tried = 0
        for lesson in self._runs_of(None).lessons or [None]:
            runs = self._runs_of(lesson)
            drawn = set()
            for settings in _grid(runs):
                _try(runs, settings, drawn)
                tried += 1
        return tried

    def _repr_mimebundle_(self, **options):
        """The live widget, and forms that need no kernel: a living page, and a picture."""
        if kit.headless():
            self.walk()
        live, metadata = super()._repr_mimebundle_(**options)
        png, text = self.png, self.text
        still = {"image/png": base64.b64encode(png).decode(), "text/plain": text}
        if kit.headless():  # a live page gets no second copy of thousands of runs
            still["text/html"] = self.html()
        metadata = {**metadata, "image/png": {"alt": text}}
        # A widget without its kernel shows an error in JupyterLab: leave it out of executed copies.
        return (still if kit.headless() else live | still), metadata


def _checked(runs: Runs, given: dict) -> dict:
    """Return settings with full column names, or say what is allowed."""
    unknown = sorted(given.keys() - DEFAULTS.keys())
    if unknown:
        allowed = ", ".join(DEFAULTS)
        raise ValueError(f"results() has no setting {unknown[0]!r}; it has: {allowed}")
    settings = {name: value for name, value in given.items() if value is not None}
    allowed = {
        "view": VIEWS,
        "better": ("max", "min"),
        "betterSecond": ("max", "min"),
        "band": BANDS,
        "metric": tuple(runs.payload["curves"]),
        "lesson": tuple(runs.lessons),
    }
    for name in settings.keys() & allowed.keys():
        if settings[name] not in allowed[name]:
            choices = ", ".join(map(str, allowed[name])) or "none, for these runs have none"
            raise ValueError(f"{name} = {settings[name]!r} is not allowed; use one of: {choices}")
    every = [column["name"] for column in runs.payload["columns"]]
    for name in settings.keys() & {"result", "second", "x", "y", "group"}:
        if settings[name] != "":
            section = "result" if name in ("result", "second") else "param"
            settings[name] = _full(settings[name], section, every)
    if "filters" in settings:
        found = settings["filters"].items()
        settings["filters"] = {_full(name, None, every): _filter(v) for name, v in found}
    return settings


def _full(name: str, section: str | None, every: list[str]) -> str:
    sections = [section] if section else ["param", "result", "env"]
    for candidate in [name, *(f"{each}.{name}" for each in sections)]:
        if candidate in every and (not section or candidate.startswith(f"{section}.")):
            return candidate
    near = [n for n in every if n.split(".")[0] in sections]
    raise ValueError(f"There is no column {name!r}; there are: {', '.join(near) or 'none yet'}")


def _filter(value: Any) -> dict:
    """Return a filter: a value, a list of values, a pair (low, high) or the dict itself."""
    if isinstance(value, dict) and set(value) in ({"values"}, {"low", "high"}):
        return value
    if isinstance(value, tuple) and len(value) == 2:
        return {"low": value[0], "high": value[1]}
    return {"values": value if isinstance(value, list) else [value]}


# --- walking and drawing ----------------------------------------------------------------------


def _grid(runs: Runs) -> Iterable[dict]:
    """Settings that cover the controls: all views with all parameters, results and choices."""
    base = {"lesson": runs.lesson}
    yield base
    for view, result in itertools.product(VIEWS, runs.results or [None]):
        for better in ("max", "min"):
            yield base | {"view": view, "result": result, "better": better}
    for view, x, y in itertools.product(("effect", "heat map"), runs.varied, runs.varied):
        yield base | {"view": view, "x": x, "y": y, "group": y}
    for metric, by, band in itertools.product(runs.curves, ["", *runs.varied], BANDS):
        yield base | {"view": "curves", "metric": metric, "group": by, "band": band}
    for second, average in itertools.product(runs.results, (True, False)):
        yield base | {"view": "trade-off", "second": second, "average": average}
    for name in runs.varied:
        some = runs.columns[name].distinct[:1]
        yield base | {"filters": {name: {"values": some}}}
    for status in sorted(set(runs.status)):
        for view in VIEWS:
            yield base | {"view": view, "statuses": [status]}


def _try(runs: Runs, settings: dict, drawn: set[str]) -> None:
    try:
        found = explain(runs, settings)
        if re.search(r"(mean|highest|lowest|:) nan", found["text"]):
            raise ValueError(f"the text holds a value that is no number: {found['text']}")
        view = found["settings"]["view"]
        if view not in drawn:
            drawn.add(view)
            _draw(runs, found)
    except Exception as error:
        raise kit.ExplorerError(
            f"results explorer at {settings}: {type(error).__name__}: {error}"
        ) from error


def _draw(runs: Runs, found: dict) -> bytes:
    """Return the picture of an executed copy, a PNG file."""
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    with matplotlib.style.context(figures.STYLE):
        figure = Figure(figsize=(9.0, 4.2), dpi=100)
        canvas = FigureCanvasAgg(figure)
        ax = figure.subplots()
        settings = found["settings"]
        if runs.n and settings["views"] and found["rows"]:
            DRAW[settings["view"]](ax, runs, found)
        else:
            ax.axis("off")
            ax.text(0.5, 0.5, "No runs to show yet.", ha="center", va="center")
        canvas.draw()
    out = io.BytesIO()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


_MARKERS = "os^Dv*ph"


def _ends(point: dict, band: str) -> tuple[float, float]:
    if band == "std":
        return point["mean"] - point["std"], point["mean"] + point["std"]
    low, high = ("low", "high") if band == "interval" else ("least", "most")
    return point[low], point[high]


def _draw_lines(ax, lines: list[dict], at: Callable, band: str) -> None:
    """Mean lines with their bands; `at` gives the place of a point on the x-axis."""
    for k, line in enumerate(lines[:12]):
        points = [point for point in line["points"] if point["n"]]
        if not points:
            continue
        x = [at(point) for point in points]
        count = sum(point["n"] for point in points) if "runs" not in line else line["runs"]
        name = f"{_clip(line['label'], 24)} (n = {count:,})"
        every = max(1, len(x) // 10)
        (drawn,) = ax.plot(x, [p["mean"] for p in points], marker=_MARKERS[k % 8], markevery=every,
                           markersize=5, label=name)  # fmt: skip
        ends = np.array([_ends(point, band) for point in points], float)
        ends = np.where(np.isfinite(ends), ends, [[p["mean"]] * 2 for p in points])
        ax.fill_between(x, *ends.T, color=drawn.get_color(), alpha=0.16, linewidth=0)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))


def _axis_of(ax, runs: Runs, name: str) -> Callable:
    """Set up the x-axis for a parameter; return code -> place."""
    column = runs.columns[name]
    levels = column.groups[0]
    finite = all(level["value"] is not None for level in levels)
    if column.numeric and finite and np.isfinite(column.num).all():
        ax.set_xscale("log" if _scale(column.num)[2] else "linear")
        return lambda code: levels[code]["value"]
    ax.set_xticks(range(len(levels)), [_clip(level["label"], 14) for level in levels])
    return lambda code: code


def _draw_effect(ax, runs, found):
    s, column = found["settings"], runs.columns[found["settings"]["x"]]
    at = _axis_of(ax, runs, s["x"])
    usable = runs.finite(found["rows"], s["result"])
    places = [at(int(code)) for code in column.groups[1][usable]]
    if column.groups[2] and ax.get_xticks is not None and np.isfinite(column.num).all():
        places = column.num[usable]
    ax.plot(places, runs.columns[s["result"]].num[usable], ".", color=figures.GRAY, alpha=0.25,
            markersize=4)  # fmt: skip
    _draw_lines(ax, found["shown"]["series"], lambda point: at(point["code"]), s["band"])
    ax.set(xlabel=_bare(s["x"]), ylabel=_bare(s["result"]))
    if s["group"]:
        _title_legend(ax, _bare(s["group"]))


def _title_legend(ax, title: str) -> None:
    if ax.get_legend():
        ax.get_legend().set_title(_clip(title, 24))


def _draw_curves(ax, runs, found):
    s = found["settings"]
    _draw_lines(ax, found["shown"]["series"], lambda point: point["step"], s["band"])
    ax.set(xlabel="step", ylabel=s["metric"])
    if s["group"]:
        _title_legend(ax, _bare(s["group"]))


def _draw_heat_map(ax, runs, found):
    s = found["settings"]
    across, up = (runs.columns[s[name]].groups[0] for name in ("x", "y"))
    grid = np.full((len(up), len(across)), np.nan)
    for cell in found["shown"]["cells"]:
        grid[cell["j"], cell["i"]] = cell["mean"]
    shade = ax.imshow(grid, origin="lower", aspect="auto")
    if np.isfinite(grid).any():
        ax.figure.colorbar(shade, label=f"mean {_bare(s['result'])}")
    for cell in found["shown"]["cells"] if grid.size <= 150 else ():
        told = f"{number(cell['mean'], 3)}\nn = {cell['n']}" if cell["n"] else f"✕ {cell['failed']}"
        light = cell["n"] and shade.norm(cell["mean"]) > 0.55
        color = "#111" if light or not cell["n"] else "white"
        ax.text(cell["i"], cell["j"], told, ha="center", va="center", size=8, color=color)
    ax.set_xticks(range(len(across)), [_clip(level["label"], 12) for level in across], rotation=20)
    ax.set_yticks(range(len(up)), [_clip(level["label"], 16) for level in up])
    ax.grid(visible=False)
    ax.set(xlabel=_bare(s["x"]), ylabel=_bare(s["y"]))


def _draw_parallel(ax, runs, found):
    import matplotlib
    from matplotlib.collections import LineCollection

    axes, result = found["shown"]["axes"], found["settings"]["result"]
    rows = runs.finite(found["rows"], result) if result else found["rows"]
    rows = rows[:2000]  # a picture of more is no more than a stain
    heights = np.array([_heights(runs.columns[name], rows) for name in axes]).T
    lines = [np.column_stack([range(len(axes)), each]) for each in heights]
    color = heights[:, -1] if result else np.full(len(rows), 0.5)
    drawn = LineCollection(lines, alpha=max(0.08, min(0.8, 40 / max(1, len(rows)))), linewidths=1)
    drawn.set(array=np.nan_to_num(color), cmap=matplotlib.colormaps["cividis"], clim=(0, 1))
    ax.add_collection(drawn)
    ax.set_xticks(range(len(axes)), [_clip(_bare(name), 16) for name in axes], rotation=15)
    ax.set(xlim=(-0.1, max(0.5, len(axes) - 0.9)), ylim=(-0.03, 1.03), yticks=[])
    for k, name in enumerate(axes):
        ax.axvline(k, color="#333", linewidth=1)
        ends = runs.columns[name].distinct
        ends = [e for e in ends if e is not None]
        for value, y, side in ((ends[0], 0, "bottom"), (ends[-1], 1, "top")):
            ax.text(k, y, f" {_clip(label(value), 12)}", size=8, va=side)


def _heights(column: Column, rows: list[int]) -> np.ndarray:
    """Places of rows on an axis from 0 to 1."""
    if column.numeric and column.groups[2]:
        low, high, log = _scale(column.num)
        values = column.num[rows]
        f = np.log if log else np.asarray
        return (f(values) - f(low)) / (f(high) - f(low))
    if column.numeric and column.name.startswith("result."):
        low, high, _ = _scale(column.num)
        return (column.num[rows] - low) / (high - low) if high > low else np.full(len(rows), 0.5)
    return column.exact[rows] / max(1, len(column.distinct) - 1)


def _draw_trade_off(ax, runs, found):
    s, points, front = found["settings"], found["shown"]["points"], found["shown"]["front"]
    a, b = (np.array([point[name] for point in points]) for name in "ab")
    ax.plot(a, b, ".", color=figures.GRAY, alpha=0.35, label=f"all ({len(points):,})")
    order = sorted(front, key=lambda i: a[i])
    ax.plot(a[order], b[order], "D-", color=figures.ORANGE, markersize=6,
            drawstyle="steps-pre" if s["better"] == "max" else "steps-post",
            label=f"Pareto front ({len(front)})")  # fmt: skip
    ax.legend(fontsize=9)
    ax.set(xlabel=_bare(s["result"]), ylabel=_bare(s["second"]))


DRAW = {
    "effect": _draw_effect,
    "curves": _draw_curves,
    "heat map": _draw_heat_map,
    "parallel": _draw_parallel,
    "trade-off": _draw_trade_off,
}
