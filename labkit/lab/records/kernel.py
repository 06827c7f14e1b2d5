"""What a lesson found: `record` named results, `expect` what they must be.

A record travels as one notebook output of its own MIME type, so it lives in the notebook file and
reaches the runner while the lesson still runs. In a live JupyterLab kernel, where no runner
listens, `record` writes the learner's row itself.
"""

import math
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from labkit.lab import files, places, progress
from labkit.lab import lesson as lessons
from labkit.lab.parameters import ParameterError
from labkit.lab.records import entry, folders
from labkit.lab.records.curves import PLOTS
from labkit.lab.records.entry import (
    MIME,
    SCHEMA,
    Expectation,
    RecordError,
    now,
    plain,
    unwrapped,
)
from labkit.lab.records.shell import in_notebook, is_headless, shell
from labkit.lab.words import show


@dataclass
class _Found:
    """What a lesson with certain parameters has recorded so far in this kernel."""

    lesson: str
    started: str = field(default_factory=now)
    results: dict[str, Any] = field(default_factory=dict)
    expectations: dict[tuple, Expectation] = field(default_factory=dict)
    run_id: str = ""  # of the row that was written


_found: dict[str, _Found] = {}  # by lesson and parameters; the latest comes last


def record(lesson: str, **results: Any) -> None:
    """Show named results of a lesson and keep them; the first one named is its headline.

    Args:
        lesson: the lesson's number, such as "01".
        **results: numbers, booleans, short texts, None, or short flat lists of them. A later
            call adds to an earlier one; the same name again replaces it.

    Raises:
        RecordError: a value of another kind; the message names it.

    >>> record("01", steps_to_converge=9)
    lesson 01: steps_to_converge = 9
    """
    if not results:
        raise RecordError("record() needs at least one named result: record('01', accuracy=0.9)")
    lesson = str(lesson).zfill(2)
    clean = {name: plain(value, f"result {name}") for name, value in results.items()}
    PLOTS.catch_up()
    _found_of(lesson).results.update(clean)
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td>{escape(show(value))}</td></tr>"
        for name, value in clean.items()
    )
    text = f"lesson {lesson}: " + ", ".join(f"{k} = {show(v)}" for k, v in clean.items())
    html = f"<table><caption>Recorded for lesson {escape(lesson)}</caption>{rows}</table>"
    _emit({"schema": SCHEMA, "lesson": lesson, "results": clean}, html, text)
    _save_live(lesson)


def expect(
    name: str,
    low: float | None = None,
    high: float | None = None,
    *,
    because: str,
    when: bool = True,
) -> None:
    """State the range in which a recorded result must lie; a headless run fails outside it.

    Args:
        name: a result already given to `record`.
        low, high: the ends of the range, both included; None leaves an end open.
        because: the reason for the range, in a few words.
        when: False when the range is not meant for the parameters of this run.

    Raises:
        RecordError: the result was not recorded or is no number, or the range is empty.

    >>> record("01", steps_to_converge=9)
    lesson 01: steps_to_converge = 9
    >>> expect("steps_to_converge", high=10, because="theory says 9")
    ✓ steps_to_converge = 9, expected at most 10 (theory says 9): held
    """
    found = _found_with(name)
    low, high = _end(name, "low", low), _end(name, "high", high)
    if low is None and high is None:
        raise RecordError(f"expect({name!r}) needs low=, high= or both")
    if low is not None and high is not None and low > high:
        raise RecordError(f"expect({name!r}): low={low} is above high={high}")
    value = found.results[name]
    held = _inside(name, value, low, high) if when else None
    expected = Expectation(name, value, low, high, because, applies=bool(when), held=held)
    found.expectations.pop(expected.key, None)  # stated again, it comes last
    found.expectations[expected.key] = expected
    sign = {True: "✓", False: "✗", None: "○"}[held]
    color = {True: "#2e7d32", False: "#d93025", None: "#6c6c6c"}[held]
    html = (
        f"<div style='border-left:4px solid {color};padding:0.2em 0.8em'>"
        f"{sign} {escape(str(expected))}</div>"
    )
    payload = {"schema": SCHEMA, "lesson": found.lesson, "expectation": asdict(expected)}
    _emit(payload, html, f"{sign} {expected}")
    _save_live(found.lesson)


def _found_of(lesson: str) -> _Found:
    key = f"{lesson}:{_live_parameters(lesson)!r}"
    found = _found.pop(key, None) or _Found(lesson)
    _found[key] = found  # last, so that expect() finds the run that is being recorded now
    return found


def _found_with(name: str) -> _Found:
    for found in reversed(_found.values()):
        if name in found.results:
            return found
    known = next((sorted(f.results) for f in reversed(_found.values()) if f.results), [])
    raise RecordError(
        f"expect({name!r}) comes before record(..., {name}=...); recorded so far: {known}"
    )


def _live_parameters(lesson: str) -> dict:
    """Return the values that the lesson's parameters have in this kernel (none outside one)."""
    if not in_notebook():
        return {}
    try:
        schema = lessons.read(lesson).schema
    except (places.PlaceError, OSError, ParameterError):
        return {}
    given = shell().user_ns
    return {name: given[name] for name in schema if name in given}


def _save_live(lesson: str) -> None:
    """In a live notebook kernel, write the learner's row; a headless run has a runner for that."""
    if not in_notebook() or is_headless():
        return
    try:
        _write_row(_found_of(lesson))
    except OSError as error:  # the lesson goes on; only its row is missing
        print(f"This row could not be saved: {error}. Set LABKIT_RUNS to a folder you may write.")
    except ValueError as error:  # such as a parameter that was set to something else than a value
        print(f"This row could not be saved: {error}.")


def _write_row(found: _Found) -> None:
    lesson = lessons.read(found.lesson)
    values = {name: plain(v, name) for name, v in _live_parameters(found.lesson).items()}
    row = entry.begin(lesson, values)
    folder = folders.live(places.runs_folder() / lesson.name, row.run_id)
    row.run_id, row.status, row.started = folder.name, "finished", found.started
    row.environment["mode"] = "live"
    row.results, row.expectations = found.results, list(found.expectations.values())
    row.curves = PLOTS.of(found.lesson).plain()
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / folders.RECORD, row.plain())
    if found.run_id != row.run_id:  # a later call adds to the same run
        found.run_id = row.run_id
        name, value = next(iter(found.results.items()))
        progress.add(found.lesson, "run", row.run_id, result=name, value=value)


def _emit(payload: dict, html: str, text: str) -> None:
    if not in_notebook():
        print(text)
        return
    from IPython.display import display

    display({MIME: payload, "text/html": html, "text/plain": text}, raw=True)


def _inside(name: str, value: Any, low: float | None, high: float | None) -> bool:
    if value is None or value in ("nan", "inf", "-inf"):
        return False  # nothing found, or nothing finite: in no range
    if not isinstance(value, bool | int | float):
        raise RecordError(f"expect({name!r}) is about a number, but {name} = {show(value)}")
    return (low is None or value >= low) and (high is None or value <= high)


def _end(name: str, which: str, value: Any) -> float | None:
    """Return one end of an expected range as a plain number (or None)."""
    value = unwrapped(value)
    if value is None or (isinstance(value, int | float) and math.isfinite(value)):
        return value
    raise RecordError(f"expect({name!r}): {which}={value!r} is not a finite number")
