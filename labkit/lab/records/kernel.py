"""What a lesson found: `record` named results, `expect` what they must be, `log` how it came.

A record travels as one notebook output of its own MIME type, so it lives in the notebook file and
reaches the runner while the lesson still runs. In a live JupyterLab kernel, where no runner
listens, `record` writes the learner's row itself.
"""

import json
import math
import os
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from labkit.lab import places
from labkit.lab.records import sparks

MIME = "application/vnd.labkit.record+json"
SCHEMA = 2  # 2 added `curves`
_LONGEST_LIST = 1000
_LONGEST_TEXT = 1000  # characters
_LONGEST_CURVE = 1000  # points; of a longer one every second is kept
_OFTEN = 0.25  # seconds between two pictures of a growing curve


class RecordError(ValueError):
    """A result or expectation that cannot be recorded; the message says what can."""


@dataclass(frozen=True)
class Expectation:
    """A range that a recorded result must lie in, with the reason."""

    name: str
    value: Any
    low: float | None
    high: float | None
    because: str
    applies: bool
    held: bool | None  # None when it does not apply with these parameters

    @property
    def range(self) -> str:
        """The range in words: 'at least 0.983', '0.249 to 0.251'."""
        if self.low is not None and self.high is not None:
            return f"{show(self.low)} to {show(self.high)}"
        if self.low is not None:
            return f"at least {show(self.low)}"
        return f"at most {show(self.high)}"

    def __str__(self) -> str:
        verdict = {True: "held", False: "NOT HELD", None: "does not apply with these parameters"}
        expected = f"expected {self.range} ({self.because})"
        return f"{self.name} = {show(self.value)}, {expected}: {verdict[self.held]}"


@dataclass
class _Curve:
    """The points of one metric; of a long curve evenly spread ones, and always the newest."""

    cell: int  # which run of a cell logged last
    kept: list[tuple] = field(default_factory=list)
    newest: tuple = ()
    count: int = 0
    every: int = 1

    def add(self, step: float, value: Any) -> None:
        self.newest = (step, value)
        if self.count % self.every == 0:
            self.kept.append(self.newest)
        self.count += 1
        if len(self.kept) > _LONGEST_CURVE:
            self.kept, self.every = self.kept[::2], 2 * self.every

    def plain(self) -> dict[str, list]:
        points = self.kept if self.newest is self.kept[-1] else [*self.kept, self.newest]
        return {"step": [step for step, _ in points], "value": [value for _, value in points]}


@dataclass
class _Plot:
    """The curves of a lesson, and the output that shows them in the cell that runs now."""

    curves: dict[str, _Curve] = field(default_factory=dict)
    output: Any = None
    shown: float = -math.inf  # when, in seconds
    behind: bool = False  # points came since


# Results of the lesson as far as this kernel has recorded them, by run identity.
_so_far: dict[str, dict] = {}
_plots: dict[str, _Plot] = {}  # by lesson
_cells_run = 0  # cells that ended since the first call of log()
_listening_to = None  # the shell that tells when a cell ends


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
    _show_what_is_behind()
    _state(lesson)["results"].update(clean)
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
    lesson, state = _state_with(name)
    low, high = _end(name, "low", low), _end(name, "high", high)
    if low is None and high is None:
        raise RecordError(f"expect({name!r}) needs low=, high= or both")
    if low is not None and high is not None and low > high:
        raise RecordError(f"expect({name!r}): low={low} is above high={high}")
    value = state["results"][name]
    held = _inside(name, value, low, high) if when else None
    found = Expectation(name, value, low, high, because, applies=bool(when), held=held)
    same = [e for e in state["expectations"] if _which(e) == _which(asdict(found))]
    state["expectations"] = [e for e in state["expectations"] if e not in same] + [asdict(found)]
    sign = {True: "✓", False: "✗", None: "○"}[held]
    color = {True: "#2e7d32", False: "#b3261e", None: "#6c6c6c"}[held]
    html = (
        f"<div style='border-left:4px solid {color};padding:0.2em 0.8em'>"
        f"{sign} {escape(str(found))}</div>"
    )
    payload = {"schema": SCHEMA, "lesson": lesson, "expectation": asdict(found)}
    _emit(payload, html, f"{sign} {found}")
    _save_live(lesson)


def log(lesson: str, step: float, **metrics: float) -> None:
    """Add one point to the curve of each metric, seen while the lesson still runs.

    The curves that a cell makes are one output that grows in place, and a part of the record.
    A cell that is run again begins its curves anew.

    Args:
        lesson: the lesson's number, such as "11".
        step: where on the x-axis: an epoch, an update, a number of samples; it grows.
        **metrics: one number each, such as loss=0.31, val_accuracy=0.97.

    Raises:
        RecordError: no metric, a step or metric that is no number, or a step that does not grow.

    >>> log("11", 1, loss=0.31)
    lesson 11, step 1: loss = 0.31
    """
    lesson = str(lesson).zfill(2)
    if not metrics:
        raise RecordError(f"log() needs a metric: log({lesson!r}, {step!r}, loss=0.31)")
    step = _point(step, "the step")
    if not isinstance(step, int | float):
        raise RecordError(f"the step of log() is {step}; it is a finite number that grows")
    values = {name: _point(value, f"metric {name}") for name, value in metrics.items()}
    plot = _plots.setdefault(lesson, _Plot())
    curves = {name: _curve_for(plot, name, step) for name in values}  # all are refused, or none
    for name, value in values.items():
        curves[name].add(step, value)
    plot.curves |= curves
    plot.behind = True
    if _shell() is None:
        print(_in_words(lesson, curves))
    elif time.monotonic() - plot.shown >= _OFTEN:
        _show_curves(lesson, plot)


def _point(value: Any, what: str) -> float | str:
    value = _unwrapped(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecordError(f"{what} of log() is a {type(value).__name__}; allowed are numbers")
    return _plain_one(value, what)


def _curve_for(plot: _Plot, name: str, step: float) -> _Curve:
    """Return the metric's curve, a new one where a cell is run again."""
    curve = plot.curves.get(name)
    if curve is None or (step <= curve.newest[0] and curve.cell != _cells_run):
        return _Curve(cell=_cells_run)
    if step <= curve.newest[0]:
        raise RecordError(
            f"step {show(step)} of {name} does not come after step {show(curve.newest[0])}; a "
            f"second curve in one cell needs a name of its own, such as {name}_2"
        )
    curve.cell = _cells_run
    return curve


def _show_curves(lesson: str, plot: _Plot) -> None:
    """Display the curves, in place of what this cell displayed of them before."""
    from IPython.display import display

    _hear_of_cell_ends()
    curves = {name: curve.plain() for name, curve in plot.curves.items()}
    bundle = {
        MIME: {"schema": SCHEMA, "lesson": lesson, "curves": curves},
        "text/html": _html_of_curves(lesson, curves),
        "text/plain": _in_words(lesson, plot.curves),
    }
    if plot.output is None:
        plot.output = display(bundle, raw=True, display_id=True)
    else:
        plot.output.update(bundle, raw=True)
    plot.shown, plot.behind = time.monotonic(), False


def _show_what_is_behind() -> None:
    for lesson, plot in _plots.items():
        if plot.behind and _shell() is not None:
            _show_curves(lesson, plot)


def _hear_of_cell_ends() -> None:
    global _listening_to
    if _listening_to is not _shell():
        _listening_to = _shell()
        _listening_to.events.register("post_run_cell", _cell_ended)


def _cell_ended(result: Any) -> None:
    """Show the last points; the next cell that logs gets an output of its own."""
    global _cells_run
    _show_what_is_behind()
    _cells_run += 1
    for plot in _plots.values():
        plot.output = None


def _in_words(lesson: str, curves: dict[str, _Curve]) -> str:
    last = max(curve.newest[0] for curve in curves.values())
    values = ", ".join(f"{name} = {show(curve.newest[1])}" for name, curve in curves.items())
    return f"lesson {lesson}, step {show(last)}: {values}"


def _html_of_curves(lesson: str, curves: dict[str, dict]) -> str:
    rows = ""
    for name, curve in curves.items():
        first, last, step = curve["value"][0], curve["value"][-1], show(curve["step"][-1])
        words = f"{name}: from {show(first)} to {show(last)} at step {step}"
        rows += (
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td>{sparks.svg(curve['value'], words)}</td>"
            f"<td>{escape(show(last))}</td><td>at step {step}</td></tr>"
        )
    return f"<table><caption>Curves of lesson {escape(lesson)}</caption>{rows}</table>"


def plain(value: Any, what: str) -> Any:
    """Return a value as plain JSON data: NumPy scalars and arrays become numbers and lists.

    Raises:
        RecordError: it is too long, nested, or of another kind; the message says what is allowed.

    >>> plain((1, 2), "result sizes")
    [1, 2]
    """
    value = _unwrapped(value)
    if not isinstance(value, list | tuple):
        return _plain_one(value, what)
    if len(value) > _LONGEST_LIST:
        raise RecordError(f"{what} has {len(value)} items; at most {_LONGEST_LIST} are kept")
    return [_plain_one(_unwrapped(item), f"an item of {what}") for item in value]


def _unwrapped(value: Any) -> Any:
    if not hasattr(value, "tolist") and hasattr(value, "numpy"):  # TensorFlow's tensors
        value = value.numpy()
    return value.tolist() if hasattr(value, "tolist") else value


def _plain_one(value: Any, what: str) -> Any:
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        raise RecordError(f"{what} has {len(value)} characters; at most {_LONGEST_TEXT} are kept")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no word for nan or inf
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise RecordError(
        f"{what} is a {type(value).__name__}; allowed are numbers, true/false, texts, None "
        "and flat lists of them"
    )


def merge(payloads: list[dict]) -> tuple[dict, list[dict], dict[str, dict]]:
    """Return (results, expectations, curves) of a run from the payloads of its outputs.

    Later ones win: a result or expectation replaces the same one, curves replace all curves.

    >>> merge([{"results": {"a": 1}}, {"results": {"a": 2}}, {"curves": {}}])
    ({'a': 2}, [], {})
    """
    results: dict[str, Any] = {}
    expectations: dict[tuple, dict] = {}
    curves: dict[str, dict] = {}
    for payload in payloads:
        results.update(payload.get("results", {}))
        curves = payload.get("curves", curves)
        if "expectation" in payload:
            expectations[_which(payload["expectation"])] = payload["expectation"]
    return results, list(expectations.values()), curves


def _which(expectation: dict) -> tuple:
    """Return what makes an expectation the same one, stated again; a result may have several."""
    return tuple(expectation[name] for name in ("name", "low", "high", "because"))


def headline(entry: dict) -> str:
    """Return a run's headline result with its expectation: 'accuracy = 0.95 (at least 0.9)'."""
    results = entry.get("results") or {}
    if not results:
        return ""
    name, value = next(iter(results.items()))
    about = [e for e in entry.get("expectations", []) if e["name"] == name and e["applies"]]
    for expected in sorted(about, key=lambda e: e["held"])[:1]:  # one that did not hold, if any
        return f"{name} = {show(value)} (expected {Expectation(**expected).range})"
    return f"{name} = {show(value)}"


# --- rows on disk ---------------------------------------------------------------------------


def save_json(path: Path, content: dict) -> None:
    """Write JSON so that a reader sees the old file or the new one, never half of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, ensure_ascii=False, default=str)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:  # a full disk leaves no half file
        beside.unlink(missing_ok=True)
        raise


# --- inside a kernel ------------------------------------------------------------------------


def _state(lesson: str) -> dict:
    identity = f"{lesson}:{_live_parameters(lesson)!r}"
    state = _so_far.setdefault(
        identity, {"lesson": lesson, "started": now(), "results": {}, "expectations": []}
    )
    # Keep the latest last, so that expect() finds the run that is being recorded now.
    _so_far[identity] = _so_far.pop(identity)
    return state


def _state_with(name: str) -> tuple[str, dict]:
    known: dict = {}
    for state in reversed(_so_far.values()):
        if name in state["results"]:
            return state["lesson"], state
        known = known or state["results"]
    raise RecordError(
        f"expect({name!r}) comes before record(..., {name}=...); recorded so far: {sorted(known)}"
    )


def _live_parameters(lesson: str) -> dict:
    """Return the values that the lesson's parameters have in this kernel (none outside one)."""
    shell = _shell()
    if shell is None:
        return {}
    from labkit.lab.parameters import read_parameters

    try:
        schema = read_parameters(places.lesson_file(lesson))
    except (places.PlaceError, OSError, ValueError):
        return {}
    return {name: shell.user_ns[name] for name in schema if name in shell.user_ns}


def _save_live(lesson: str) -> None:
    """In a live notebook kernel, write the learner's row; a headless run has a runner for that."""
    if _shell() is None or os.environ.get("LABKIT_HEADLESS"):
        return
    from labkit.lab.runs.runner import save_live_run

    try:
        curves = {n: curve.plain() for n, curve in _plots.get(lesson, _Plot()).curves.items()}
        save_live_run(lesson, _live_parameters(lesson), _state(lesson) | {"curves": curves})
    except OSError as error:  # the lesson goes on; only its row is missing
        print(f"This row could not be saved: {error}. Set LABKIT_RUNS to a folder you may write.")
    except ValueError as error:  # such as a parameter that was set to something else than a value
        print(f"This row could not be saved: {error}.")


def _emit(payload: dict, html: str, text: str) -> None:
    if _shell() is None:
        print(text)
        return
    from IPython.display import display

    display({MIME: payload, "text/html": html, "text/plain": text}, raw=True)


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    return _shell() is not None


def _shell():
    """Return the notebook's IPython shell, or None in a plain Python process."""
    if "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    return shell if shell is not None and hasattr(shell, "kernel") else None


def now() -> str:
    """Return the time in UTC to the millisecond, as ISO 8601."""
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")


def _inside(name: str, value: Any, low: float | None, high: float | None) -> bool:
    if value is None or value in ("nan", "inf", "-inf"):
        return False  # nothing found, or nothing finite: in no range
    if not isinstance(value, bool | int | float):
        raise RecordError(f"expect({name!r}) is about a number, but {name} = {show(value)}")
    return (low is None or value >= low) and (high is None or value <= high)


def _end(name: str, which: str, value: Any) -> float | None:
    """Return one end of an expected range as a plain number (or None)."""
    value = _unwrapped(value)
    if value is None or (isinstance(value, int | float) and math.isfinite(value)):
        return value
    raise RecordError(f"expect({name!r}): {which}={value!r} is not a finite number")


def show(value: Any) -> str:
    """Return a value as it is read: numbers to four digits."""
    if isinstance(value, list):
        return "[" + ", ".join(map(show, value)) + "]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
