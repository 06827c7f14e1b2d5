"""What the controls are set to: what is given, checked, and completed by what suits the runs."""

from collections.abc import Iterable
from typing import Any

from labkit.explore.board.runs import LessonRuns
from labkit.explore.board.statistics import importance
from labkit.explore.board.words import bare
from labkit.explore.kit import state_link

VIEWS = ("effect", "curves", "heat map", "parallel", "trade-off")
BANDS = ("std", "interval", "range")
STATUSES = ("finished", "running", "failed", "interrupted")
_WAYS = ("max", "min")
_LONGEST_KEY = 300  # letters of the key of a run, its two folders
DEFAULTS: dict[str, Any] = {"statuses": None, "filters": {}, "selected": None}
DEFAULTS |= dict.fromkeys(("lesson", "view", "result", "better", "x", "y", "group", "metric"))
DEFAULTS |= dict.fromkeys(("band", "second", "betterSecond", "average"))


def complete(runs: LessonRuns, given: dict) -> dict:
    """Return all settings, with sensible values for what is not given or does not fit the runs."""
    given = DEFAULTS | given
    results, varied, metrics = runs.results, runs.varied, list(runs.curves)
    result = _one(given["result"], results, results)
    main = by_importance(runs, result)
    order = main + [name for name in varied if name not in main]
    x = _one(given["x"], varied, order)
    y = _one(None if given["y"] == x else given["y"], varied, [n for n in order if n != x])
    usual = [n for n in main if n != x and len(runs.columns[n].groups.levels) <= 8]
    by = "" if given["group"] == "" else _one(given["group"], varied, usual) or ""
    others = [name for name in results if name != result]
    costs = [n for n in others if runs.better(n) == "min" and bare(n) not in metrics]
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
        "better": given["better"] or (result and runs.better(result)),
        "betterSecond": given["betterSecond"] or (second and runs.better(second)),
        "metric": _one(given["metric"], metrics, like),
        "band": _one(given["band"], BANDS, BANDS),
        "average": runs.repeats if given["average"] is None else given["average"],
    }


def _one(value: Any, allowed: Iterable, usual: Iterable) -> Any:
    """Return a value if it is allowed, else the first usual one, else None."""
    return value if value is not None and value in allowed else next(iter(usual), None)


def by_importance(runs: LessonRuns, result: str | None) -> list[str]:
    """Return the varied parameters without the seed, the one that explains most first."""
    names = [name for name in runs.varied if bare(name) != "seed"]
    if result is None:
        return names
    if result not in runs.important:
        rows = list(range(runs.n))
        shares = {name: importance(runs, rows, name, result) for name in names}
        runs.important[result] = sorted(names, key=lambda name: -round(shares[name], 9))
    return runs.important[result]


def checked(runs: LessonRuns, given: dict) -> dict:
    """Return settings with full column names.

    Raises:
        ValueError: there is no such setting or column, or it cannot have this value; the message
            says what is allowed.
    """
    unknown = sorted(given.keys() - DEFAULTS.keys())
    if unknown:
        allowed = ", ".join(DEFAULTS)
        raise ValueError(f"results() has no setting {unknown[0]!r}; it has: {allowed}")
    settings = {name: value for name, value in given.items() if value is not None}
    allowed = {
        "view": VIEWS,
        "better": _WAYS,
        "betterSecond": _WAYS,
        "band": BANDS,
        "metric": tuple(runs.all.curves),
        "lesson": tuple(runs.lessons),
    }
    for name in settings.keys() & allowed.keys():
        if settings[name] not in allowed[name]:
            choices = ", ".join(map(str, allowed[name])) or "none, for these runs have none"
            raise ValueError(f"{name} = {settings[name]!r} is not allowed; use one of: {choices}")
    every = list(runs.all.columns)
    for name in settings.keys() & {"result", "second", "x", "y", "group"}:
        if settings[name] != "":
            section = "result" if name in ("result", "second") else "param"
            settings[name] = _full(settings[name], section, every)
    if "filters" in settings:
        found = settings["filters"].items()
        settings["filters"] = {_full(name, None, every): _filter(v) for name, v in found}
    return settings


def link_rules(runs: LessonRuns) -> state_link.Rules:
    """Return what a link to a page of these runs may set, and to which values."""
    every = list(runs.all.columns)
    results = state_link.choice(name for name in every if name.startswith("result."))
    varied = [name for name in every if name.startswith("param.")]
    way, parameter = state_link.choice(_WAYS), state_link.choice(varied)
    return {
        "lesson": state_link.choice(runs.lessons),
        "view": state_link.choice(VIEWS),
        "result": results,
        "better": way,
        "x": parameter,
        "y": parameter,
        "group": state_link.choice(["", *varied]),
        "metric": state_link.choice(runs.all.curves),
        "band": state_link.choice(BANDS),
        "second": results,
        "betterSecond": way,
        "average": state_link.flag(),
        "statuses": state_link.names(STATUSES),
        "filters": state_link.filters(every),
        "selected": state_link.text(_LONGEST_KEY),
    }


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
