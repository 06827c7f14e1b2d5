"""What a view shows, in numbers and in words."""

from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.explore.board.runs import LessonRuns
from labkit.explore.board.settings import STATUSES, complete
from labkit.explore.board.statistics import (
    FAILED,
    best_by,
    best_of,
    best_setting,
    curve_of,
    group,
    pareto,
    select,
    summary,
)
from labkit.explore.board.words import bare, label, number, superlative
from labkit.lab.words import count, cut

Settings = dict[str, Any]
Shown = dict[str, Any]


def explain(runs: LessonRuns, given: Settings) -> dict[str, Any]:
    """Return everything that is shown with these settings.

    Returns:
        settings, completed; rows that the filters leave; best, the row of the best single run;
        star, the best setting that ran again; shown, the numbers of the view; text.
    """
    settings = complete(runs, given)
    rows = select(runs, settings["statuses"], settings["filters"])
    best = best_of(runs, rows, settings["result"], settings["better"])
    star = best_setting(runs, rows, settings["result"], settings["better"])
    shown = COMPUTE[settings["view"]](runs, rows, settings)
    told = _best_text(runs, rows, settings, best, star)
    text = " ".join(filter(None, [_how_many(runs, rows, settings), shown["text"], told]))
    found = {"settings": settings, "rows": rows, "best": best, "star": star}
    return found | {"shown": shown, "text": text}


def _lines(runs: LessonRuns, rows: list[int], by: str | None) -> list[dict]:
    """Return the runs of each level of a column, all in one without a column."""
    if not by:
        return [{"label": "all runs", "code": 0, "color": 0, "rows": rows}]
    levels, colors = runs.columns[by].groups.levels, runs.colors_of(by)
    return [
        {"label": levels[code]["label"], "code": code, "color": colors[code], "rows": members}
        for (code,), members in group(runs, rows, [by]).items()
    ]


def _level(runs: LessonRuns, name: str, code: int) -> str:
    return f"{bare(name)} {runs.columns[name].groups.levels[code]['label']}"


def _hidden(groups: list[tuple[dict, str]]) -> str:
    """Say where no run finished: a mean of the others hides it."""
    none = [(each, where) for each, where in groups if not each["n"] and each["failed"]]
    if not none:
        return ""
    told = [f"{where} ({each['failed']:,} failed)" for each, where in none[:3]]
    told += [f"{len(none) - 3:,} more"] if len(none) > 3 else []
    return f" No run finished at {'; '.join(told)}."


def _failed(runs: LessonRuns, rows: list[int]) -> int:
    return sum(runs.status[row] in FAILED for row in rows)


def _effect(runs: LessonRuns, rows: list[int], s: Settings) -> Shown:
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
    every = [
        (
            point,
            _level(runs, s["x"], point["code"]) + (f", {bare(by)} {line['label']}" if by else ""),
        )
        for line in lines
        for point in line["points"]
    ]
    text = f"Effect of {bare(s['x'])} on {bare(s['result'])}{f', by {bare(by)}' if by else ''}"
    if best := best_by(every, lambda pair: pair[0]["mean"], s["better"]):
        point, where = best
        mean = number(point["mean"])
        text += f": {superlative(s['better'])} mean {mean} at {where} (n = {point['n']})"
    layout = runs.columns[s["x"]].layout
    return {"series": lines, "layout": layout, "text": f"{text}.{_hidden(every)}"}


def _curves(runs: LessonRuns, rows: list[int], s: Settings) -> Shown:
    every = []
    for line in _lines(runs, rows, s["group"]):
        failed = _failed(runs, line["rows"])
        own = {"n": len(line["rows"]) - failed, "failed": failed}
        every.append(line | curve_of(runs, line["rows"], s["metric"]) | own)
    lines = [line for line in every if line["points"]]
    named = f"result.{s['metric']}"
    way = s["better"] if named == s["result"] else runs.better(named)
    best = best_by(lines, lambda line: line["points"][-1]["mean"], way)
    by = bare(s["group"])
    text = f"Curves of {s['metric']} of {count(sum(line['runs'] for line in lines), 'run')}"
    text += f", by {by}" if by else ""
    if best:
        last = best["points"][-1]
        of = f" with {by} {best['label']}" if by else ""
        text += f": {superlative(way)} last mean {number(last['mean'])}{of}"
        text += f" (step {number(last['step'])}, n = {last['n']})"
    hidden = _hidden([(line, f"{by} {line['label']}") for line in every]) if by else ""
    return {"series": lines, "text": f"{text}.{hidden}"}


def _heat_map(runs: LessonRuns, rows: list[int], s: Settings) -> Shown:
    cells = [
        {"i": i, "j": j, "rows": members, **summary(runs, members, s["result"])}
        for (i, j), members in group(runs, rows, [s["x"], s["y"]]).items()
    ]
    best = best_by(cells, lambda cell: cell["mean"], s["better"])

    def where(cell: dict) -> str:
        return f"{_level(runs, s['x'], cell['i'])}, {_level(runs, s['y'], cell['j'])}"

    of = bare(s["result"]) if s["result"] else "result"
    text = f"Mean {of} over {bare(s['x'])} and {bare(s['y'])}"
    if best:
        mean = number(best["mean"])
        text += f": {superlative(s['better'])} {mean} at {where(best)} (n = {best['n']})"
    hidden = _hidden([(cell, where(cell)) for cell in cells]) if s["result"] else ""
    return {"cells": cells, "best": best, "text": f"{text}.{hidden}"}


def _parallel(runs: LessonRuns, rows: list[int], s: Settings) -> Shown:
    axes = runs.varied + ([s["result"]] if s["result"] else [])
    failed = _failed(runs, rows)
    through = ", ".join(map(bare, axes))
    of = f"; {'one' if failed == 1 else f'{failed:,}'} of them failed" if failed else ""
    text = f"A line for each of {count(len(rows), 'run')} through {through}{of}."
    return {"axes": axes, "text": text}


def _trade_off(runs: LessonRuns, rows: list[int], s: Settings) -> Shown:
    a, b = (runs.columns[s[name]].num for name in ("result", "second"))
    usable = runs.finite(rows, s["result"], s["second"])
    points = [{"a": float(a[r]), "b": float(b[r]), "row": r, "n": 1} for r in usable]
    if s["average"]:
        points = _averages(runs, usable, a, b)
    ways = s["better"], s["betterSecond"]
    front = pareto([p["a"] for p in points], [p["b"] for p in points], *ways)

    def told(result: str, way: str | None) -> str:
        best = f"{superlative(way)} is best" if way else "which way is better is not chosen"
        return f"{bare(result)} ({best})"

    text = f"Trade-off: {told(s['result'], ways[0])} against {told(s['second'], ways[1])}: "
    units = count(len(points), "setting" if s["average"] else "run")
    on = f"{len(front):,} of {units} {'is' if len(front) == 1 else 'are'} on the Pareto front"
    text += on if all(ways) else units
    if failed := _failed(runs, rows):
        text += f"; {count(failed, 'run')} failed and {'has' if failed == 1 else 'have'} no point"
    return {"points": points, "front": front, "text": f"{text}."}


def _averages(runs: LessonRuns, rows: list[int], a: np.ndarray, b: np.ndarray) -> list[dict]:
    """Return a point for each setting: means of its repeats, summed from the left as in JS."""
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(runs.setting[row], []).append(row)
    means = [(sum(a[m].tolist()) / len(m), sum(b[m].tolist()) / len(m)) for m in found.values()]
    return [
        {"a": mean_a, "b": mean_b, "row": members[0], "n": len(members)}
        for (mean_a, mean_b), members in zip(means, found.values(), strict=True)
    ]


COMPUTE: dict[str, Callable[[LessonRuns, list[int], Settings], Shown]] = {
    "effect": _effect,
    "curves": _curves,
    "heat map": _heat_map,
    "parallel": _parallel,
    "trade-off": _trade_off,
}


def _how_many(runs: LessonRuns, rows: list[int], s: Settings) -> str:
    status = [runs.status[row] for row in rows]
    told = [f"{status.count(name):,} {name}" for name in STATUSES if name in status]
    limited = s["filters"] or s["statuses"]
    every = count(runs.n, "run")
    shown = f"{len(rows):,} of {every} shown" if limited else every
    broken = f" {count(runs.unreadable, 'record')} cannot be read." if runs.unreadable else ""
    return f"{shown}{': ' + ', '.join(told) if told else ''}.{broken}"


def _best_text(
    runs: LessonRuns, rows: list[int], s: Settings, best: int | None, star: dict | None
) -> str:
    """Say the best setting, if one ran again; the best run, and among how many it was chosen."""
    result, better = s["result"], s["better"]
    if not result:
        return ""
    if not better:
        return f"Which way of {bare(result)} is better, its name does not tell: choose it."
    if best is None:
        return ""
    of_runs = len(runs.finite(rows, result))
    value = number(float(runs.columns[result].num[best]))
    word = superlative(better)
    chosen = f", the best of {of_runs:,} runs, chosen by this result" if of_runs > 1 else ""
    if not star:
        again = ": not yet run again" if of_runs > 1 else ""
        setting = _setting(runs, best, runs.varied)
        return f"{word.capitalize()} {bare(result)}: {value}{setting}{chosen}{again}."
    setting = _setting(runs, star["rows"][0], [n for n in runs.varied if bare(n) != "seed"])
    failed = f", {star['failed']:,} failed" if star["failed"] else ""
    of = "only one" if star["of"] == 1 else f"best of {star['of']:,}"
    return (
        f"★ Best setting, {word} mean {bare(result)}: {number(star['mean'])} "
        f"(n = {star['n']}{failed}){setting}, the {of} that ran more than once. "
        f"{word.capitalize()} single run: {value}{chosen}."
    )


def _setting(runs: LessonRuns, row: int, names: list[str]) -> str:
    told = [f"{bare(n)} = {cut(label(runs.columns[n].values[row]), 32)}" for n in names]
    return f" with {', '.join(told)}" if told else ""
