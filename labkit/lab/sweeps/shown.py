"""What a running sweep shows: in a terminal, in a notebook, or as plain lines in a log file.

Nothing is told to the view. It reads the results folder, as anybody can: staged records of runs
that are going, records of those that ended. So it sees runs of other processes and machines too.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.lab.records import folders, sparks
from labkit.lab.records.entry import Record
from labkit.lab.records.reading import is_going, read_record
from labkit.lab.records.shell import in_notebook
from labkit.lab.words import better, clock, cut, one_line, show

if TYPE_CHECKING:
    from rich.console import Group

_LATEST, _BEST = 5, 3  # rows of runs that ended
_PACE = 50  # runs that tell how fast it goes
_LONGEST = 300  # characters of a cause in a log line
_POINTS = 100  # points kept of a curve that is drawn small
_CURVES = 2  # curves drawn of a run
_LONGEST_VALUE = 24  # characters of a parameter in a terminal
_COLUMNS = 6  # parameters that get a column each
_WIDE, _NARROW = 110, 8  # columns of a terminal with room for curves; bars of one without
_CELL = "text-align:left;padding:1px 1em 1px 0;vertical-align:middle;white-space:nowrap"
_MARKS = {"finished": "✓", "failed": "✗", "interrupted": "◌", "running": "▶"}
_COLORS = {"finished": "green", "failed": "red", "interrupted": "yellow", "running": "cyan"}


def view(plan: Any, folder: str | os.PathLike | None = None) -> View:
    """Return the view that suits where this runs: notebook, terminal or log file.

    Use it as a context manager and call `.update()` now and then, such as twice a second.

    Args:
        plan: what the sweep runs (`labkit.lab.sweeps.sweep.Plan`).
        folder: the results folder, when it is not the plan's own.
    """
    watched = Watched(plan, folder)
    if in_notebook():
        return _InNotebook(watched)
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return _InTerminal(watched)
    return _AsLines(watched)


# --- what is seen ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One run, as the view shows it."""

    run_id: str
    status: str
    parameters: dict[str, str]  # those that differ between the runs
    place: str  # where a running one is; how long an ended one took
    name: str  # of the headline result
    value: Any
    cause: str
    curves: dict[str, list]

    @property
    def words(self) -> str:
        """The run in a line: parameters, then the headline result or what went wrong.

        >>> Row("aaa", "finished", {"rate": "0.1"}, "2 s", "loss", 0.25, "", {}).words
        'finished  2 s  rate=0.1  loss = 0.25'
        """
        settings = " ".join(f"{name}={value}" for name, value in self.parameters.items())
        result = self.cause or (f"{self.name} = {self.result}" if self.name else "")
        parts = (self.status, self.place, settings or self.run_id, cut(result, _LONGEST))
        return "  ".join(part for part in parts if part)

    @property
    def result(self) -> str:
        """The headline result without its name, or what went wrong.

        >>> Row("aaa", "finished", {"rate": "0.1"}, "2 s", "loss", 0.25, "", {}).result
        '0.25'
        """
        return self.cause or (one_line(show(self.value)) if self.name else "")


@dataclass(frozen=True)
class Snapshot:
    """A sweep at one moment."""

    lesson: str
    total: int
    before: int  # had ended before this sweep began
    counts: Counter  # ended in this sweep, by status
    seconds: float
    pace: float | None  # runs a second
    left: float | None  # seconds
    running: list[Row]
    latest: list[Row]
    best: list[Row] = field(default_factory=list)

    @property
    def ended(self) -> int:
        """Runs that need no rerun, those of earlier sweeps among them.

        >>> Snapshot("01", 4, 1, Counter(finished=2), 60.0, None, None, [], []).ended
        3
        """
        return self.before + self.counts["finished"] + self.counts["failed"]

    @property
    def words(self) -> str:
        """The state in one line.

        >>> Snapshot("01", 4, 1, Counter(finished=2), 60.0, None, None, [], []).words
        '3 of 4 runs · 1 done before · 2 finished · 1:00'
        """
        parts = [f"{self.ended} of {self.total} runs"]
        parts += [f"{self.before} done before"] if self.before else []
        parts += [f"{n} {status}" for status, n in sorted(self.counts.items()) if n]
        parts += [f"{len(self.running)} running"] if self.running else []
        parts += [f"{60 * self.pace:.3g} runs/min"] if self.pace else []
        parts.append(clock(self.seconds))
        if self.left is not None and self.ended < self.total:
            parts.append(f"about {clock(self.left)} left")
        return " · ".join(parts)


class Watched:
    """The runs of a plan as the results folder tells them; each ended run is read once."""

    def __init__(self, plan: Any, folder: str | os.PathLike | None = None):
        self.plan = plan
        self.place = Path(folder) / plan.lesson.name if folder else Path(plan.place)
        self.started = time.monotonic()
        self.names = _varied(plan)
        self.rows: dict[str, Row] = {}  # ended in this sweep, in the order seen
        self._ends: deque[float] = deque(maxlen=_PACE)  # when the last ones ended
        self._wanted = {p.run_id: p for p in plan.points if p.run_id not in plan.done}
        done = [point for point in plan.points if point.run_id in plan.done]
        self._best = _best([_row(self.names, point, plan.done[point.run_id]) for point in done])
        self._seen = {
            (name, inode) for name, inode in self._folders() if not folders.is_staged(name)
        }
        self._staged: dict[
            str, tuple[int, Record | None]
        ] = {}  # folder -> time of the file, its record

    def look(self) -> tuple[Snapshot, list[Row]]:
        """Return the state now, and the runs that ended since the last look."""
        staged, new = [], []
        for name, inode in self._folders():
            if folders.is_staged(name):
                staged.append(name)
            elif (name, inode) not in self._seen:
                self._seen.add((name, inode))
                new += self._ended(name)
        self._staged = {name: self._staged[name] for name in staged if name in self._staged}
        running = [row for name in sorted(staged) for row in self._running(name)]
        for row in new:
            self.rows.pop(row.run_id, None)  # an interrupted run that was run again
            self.rows[row.run_id] = row
            self._ends.append(time.monotonic())
        self._best = _best(self._best + new)
        return self._snapshot(running), new

    def _snapshot(self, running: list[Row]) -> Snapshot:
        counts = Counter(row.status for row in self.rows.values())
        seconds, pace = time.monotonic() - self.started, self._pace()
        todo = len(self._wanted) - counts["finished"] - counts["failed"]
        estimate = getattr(self.plan, "seconds", None)
        left = todo / pace if pace else estimate and max(0.0, estimate - seconds)
        return Snapshot(
            lesson=self.plan.lesson.name,
            total=len(self.plan.points),
            before=len(self.plan.points) - len(self._wanted),
            counts=counts,
            seconds=seconds,
            pace=pace,
            left=left,
            running=running,
            latest=list(self.rows.values())[: -_LATEST - 1 : -1],
            best=self._best,
        )

    def _pace(self) -> float | None:
        """Return how many runs end in a second, by the last ones: the first are slow to start."""
        first, now = self._ends[0] if self._ends else self.started, time.monotonic()
        if len(self._ends) > 2 and now > first:
            return (len(self._ends) - 1) / (now - first)
        return len(self._ends) / (now - self.started) if self._ends else None

    def _folders(self) -> Iterator[tuple[str, int]]:
        """Yield name and inode of each run's folder; a run that ends anew has another inode."""
        try:
            with os.scandir(self.place) as found:
                entries = [(entry.name, entry.inode()) for entry in found]
        except FileNotFoundError:  # nothing has started yet
            return
        yield from (e for e in entries if folders.run_id(e[0]) in self._wanted)

    def _ended(self, name: str) -> list[Row]:
        record = read_record(self.place / name)
        return [_row(self.names, self._wanted[folders.run_id(name)], record)]

    def _running(self, name: str) -> list[Row]:
        path = self.place / name / folders.RECORD
        try:
            changed = path.stat().st_mtime_ns
        except OSError:  # it has just ended, or just begun
            return []
        if self._staged.get(name, (0, None))[0] != changed:
            self._staged[name] = (changed, read_record(path.parent))
        record = self._staged[name][1]
        if record.status != "running" or not is_going(record):
            return []  # left by a process that was killed
        return [_row(self.names, self._wanted[folders.run_id(name)], record)]


def _varied(plan: Any) -> list[str]:
    """Return the parameters that differ between the points of a plan."""
    texts = {n: {repr(point.parameters[n]) for point in plan.points} for n in plan.names or ()}
    return [name for name, values in texts.items() if len(values) > 1]


def _row(names: list[str], point: Any, record: Record) -> Row:
    name = next(iter(record.results), "")
    curves = list(record.curves.items())[:_CURVES]
    took = "" if record.seconds is None else f"{record.seconds:.1f} s"
    return Row(
        run_id=point.run_id,
        status=record.status,
        parameters={n: one_line(show(point.parameters[n])) for n in names},
        place=_progress(record) if record.status == "running" else took,
        name=name,
        value=record.results.get(name),
        cause=record.error.words if record.error else "",
        curves={n: sparks.thinned(curve["value"], _POINTS) for n, curve in curves},
    )


def _progress(record: Record) -> str:
    """Return where a run is: 'cell 12/40 step 8'."""
    at = record.progress
    steps = [curve["step"][-1] for curve in record.curves.values() if curve["step"]]
    words = [f"cell {at['cell'] + 1}/{at['cells']}"] if at else []
    words += [f"step {show(max(steps))}"] if steps else []
    return " ".join(words) or "starting"


def _best(rows: list[Row]) -> list[Row]:
    """Return the best few of these runs, none where the name does not tell what is better."""
    finished = [r for r in rows if r.status == "finished" and _is_number(r.value)]
    name = finished[0].name if finished else ""
    way = better(name)
    if way is None:
        return []
    return sorted(finished, key=lambda row: row.value, reverse=way == "max")[:_BEST]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# --- how it is shown ------------------------------------------------------------------------


class View(ABC):
    """A context manager around a sweep; each `.update()` shows how things stand."""

    def __init__(self, watched: Watched):
        self.watched = watched
        self._users = 0  # a sweep in the background and somebody who waits for it share a view
        self._lock = threading.RLock()

    def __enter__(self):
        with self._lock:
            self._users += 1
            if self._users == 1:
                self.now, _ = self.watched.look()
                self.begin(self.now)
        return self

    def __exit__(self, *_):
        with self._lock:
            self.update()
            self._users -= 1
            if self._users == 0:
                self.end(self.now)

    def update(self) -> None:
        """Look at the results folder and show what has changed."""
        with self._lock:
            try:
                self.now, new = self.watched.look()
            except OSError:  # a folder out of reach for a moment must not end the sweep
                return
            self.paint(self.now, new)

    @abstractmethod
    def begin(self, now: Snapshot) -> None:
        """Show the state at the start."""

    @abstractmethod
    def paint(self, now: Snapshot, new: list[Row]) -> None:
        """Show a state, and the runs that have ended since the last one."""

    @abstractmethod
    def end(self, now: Snapshot) -> None:
        """Leave the last state."""


class _AsLines(View):
    """One line for each run that ended, for log files."""

    def begin(self, now: Snapshot) -> None:
        _say(f"{now.lesson}: {now.words}")

    def paint(self, now: Snapshot, new: list[Row]) -> None:
        first = now.before + len(self.watched.rows) - len(new) + 1
        for number, row in enumerate(new, start=first):
            _say(f"{number}/{now.total}  {row.words}")

    def end(self, now: Snapshot) -> None:
        _say(f"{now.lesson}: {now.words}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class _InTerminal(View):
    """A bar and a table that renew themselves in place."""

    def begin(self, now: Snapshot) -> None:
        from rich.console import Console
        from rich.live import Live

        self.console = Console(stderr=True)
        self.screen = Live(console=self.console, auto_refresh=False, vertical_overflow="ellipsis")
        self.screen.start()
        self.paint(now, [])

    def paint(self, now: Snapshot, new: list[Row]) -> None:
        size = self.console.size
        self.screen.update(in_terminal(now, size.height, size.width), refresh=True)

    def end(self, now: Snapshot) -> None:
        self.screen.stop()


def in_terminal(now: Snapshot, height: int, width: int) -> Group:
    """Return a sweep's state for `rich`, in at most `height` lines."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    lines = Table(box=None, expand=True, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    *headings, result = _headings(now)
    wide = width >= _WIDE
    # Least widths, else the columns jump while they fill.
    least = {"": 1, "at": 18 if wide else 9, "curve": 28 if wide else _NARROW}
    for heading in headings:
        size = least.get(heading)
        most = _LONGEST_VALUE if size is None else size if heading == "at" else None
        lines.add_column(heading, no_wrap=True, overflow="ellipsis", min_width=size, max_width=most)
    # The last one takes what is left, so that a long cause does not squeeze the others.
    lines.add_column(result, no_wrap=True, overflow="ellipsis", min_width=12, ratio=1)
    for title, rows in _sections(now, height - 5):
        lines.add_row("", Text(title, style="dim"))
        for row in rows:
            mark = Text(_MARKS.get(row.status, "?"), style=_COLORS.get(row.status, "red"))
            # Text, because a plain string would be read for rich's own markup.
            texts = (*_settings(row), row.place, _line(row, wide), row.result)
            lines.add_row(mark, *map(Text, texts))
    bar = ProgressBar(max(1, now.total), now.ended, complete_style="blue", finished_style="green")
    around = Table.grid(expand=True)  # a bar alone does not end its line
    around.add_row(bar)
    parts = [Text(f"{now.lesson}  {now.words}"), around, lines]
    return Group(*parts if lines.row_count else parts[:2])


def _headings(now: Snapshot) -> list[str]:
    """Return the heading of each column: sign, parameters, at, curve, the headline's name."""
    rows = [*now.running, *now.latest, *now.best]
    names = list(rows[0].parameters) if rows else []
    name = next((row.name for row in rows if row.name), "result")
    return ["", *(names if 0 < len(names) <= _COLUMNS else ["run"]), "at", "curve", name]


def _settings(row: Row) -> list[str]:
    """Return a run's parameters, a column each, or as one text where they are too many."""
    if 0 < len(row.parameters) <= _COLUMNS:
        return list(row.parameters.values())
    return [" ".join(f"{n}={value}" for n, value in row.parameters.items()) or row.run_id]


def _sections(now: Snapshot, lines: int) -> list[tuple[str, list[Row]]]:
    """Return the parts of the table with their titles, cut to a number of lines."""
    sections = [("running", now.running), ("latest", now.latest), ("best", now.best)]
    sections = [(title, rows) for title, rows in sections if rows]
    room = max(len(sections), lines - len(sections))
    fair = room // max(1, len(sections))
    spare = room - sum(min(fair, len(rows)) for _, rows in sections)
    cut = []
    for title, rows in sections:
        shown = rows[: fair + spare]
        spare -= max(0, len(shown) - fair)
        more = f" (and {len(rows) - len(shown)} more)" if len(shown) < len(rows) else ""
        cut.append((title + more, shown))
    return cut


def _line(row: Row, wide: bool) -> str:
    """Return the first curve as a line of bars; where there is room, with name and last value."""
    for name, values in list(row.curves.items())[:1]:
        if values and wide:
            return f"{name} {sparks.spark(values)} {show(values[-1])}"
        return sparks.spark(values, _NARROW)
    return ""


class _InNotebook(View):
    """A widget while the sweep goes; at its end plain HTML, which stays in the saved notebook."""

    def begin(self, now: Snapshot) -> None:
        from IPython.display import display

        self.widget = None if os.environ.get("LABKIT_HEADLESS") else _widget(in_page(now))
        self.output = display(self._bundle(now), raw=True, display_id=True)

    def paint(self, now: Snapshot, new: list[Row]) -> None:
        if self.widget is None:
            self.output.update(self._bundle(now), raw=True)
        else:
            self.widget.value = in_page(now)

    def end(self, now: Snapshot) -> None:
        if self.widget is not None:
            self.widget.close()
            self.widget = None
        self.output.update(self._bundle(now), raw=True)

    def _bundle(self, now: Snapshot) -> dict:
        forms = {"text/html": in_page(now), "text/plain": f"{now.lesson}: {now.words}"}
        if self.widget is None:
            return forms
        return self.widget._repr_mimebundle_() | forms


def _widget(page: str):
    import ipywidgets

    return ipywidgets.HTML(page, layout={"width": "100%"})


def in_page(now: Snapshot) -> str:
    """Return a sweep's state as HTML without a script, legible in a light and a dark theme.

    >>> now = Snapshot("01", 4, 0, Counter(), 60.0, None, None, [], [])
    >>> now.words in in_page(now)
    True
    """
    sections = _sections(now, 100)
    names = dict.fromkeys(name for _, part in sections for row in part for name in row.curves)
    curves = list(names)[:_CURVES]
    *headings, _, result = _headings(now)
    headings += [f"{name} curve" for name in curves] + [result]
    rows = _html_row(map(escape, headings), "th") if sections else ""
    for title, part in sections:
        rows += f"<tr><th colspan={len(headings)} style='{_CELL};opacity:0.7'>{title}</th></tr>"
        rows += "".join(_html_row(_html_cells(row, curves)) for row in part)
    return (
        "<div style='color:var(--jp-content-font-color1,inherit);line-height:1.4;overflow-x:auto'>"
        f"<div><b>{escape(now.lesson)}</b> &nbsp;{escape(now.words)}</div>{_html_bar(now)}"
        "<table style='border-collapse:collapse;margin:0;font-size:inherit;table-layout:auto'>"
        f"{rows}</table></div>"
    )


def _html_bar(now: Snapshot) -> str:
    failed = 100 * now.counts["failed"] / max(1, now.total)
    good = 100 * now.ended / max(1, now.total) - failed
    parts = "".join(
        f"<div style='width:{width:.2f}%;background:{color}'></div>"
        for width, color in ((good, "#578dff"), (failed, "#ff5e02"))
    )
    return (
        f"<div role='progressbar' aria-label='runs that ended' aria-valuemin='0' "
        f"aria-valuemax='{now.total}' aria-valuenow='{now.ended}' style='display:flex;height:8px;"
        "margin:0.4em 0;border-radius:4px;overflow:hidden;background:rgba(128,128,128,0.3)'>"
        f"{parts}</div>"
    )


def _html_cells(row: Row, curves: list[str]) -> list[str]:
    mark = f"<span title='{escape(row.status)}'>{_MARKS.get(row.status, '?')}</span>"
    settings = [cut(text, _LONGEST_VALUE) for text in _settings(row)]
    pictures = [_html_curve(name, row.curves.get(name)) for name in curves]
    return [mark, *map(escape, (*settings, row.place)), *pictures, escape(row.result)]


def _html_curve(name: str, values: list | None) -> str:
    if not values:
        return ""
    return sparks.svg(values, f"{name}, now {show(values[-1])}", 90, 20)


def _html_row(cells: Iterable[str], tag: str = "td") -> str:
    *first, last = [f"<{tag} style='{_CELL}'>{cell}</{tag}>" for cell in cells]
    # Only the last cell breaks its lines: it may hold the cause of a failure.
    return f"<tr>{''.join(first)}{last.replace('nowrap', 'normal;min-width:14em')}</tr>"
