"""What a running sweep shows: in a terminal, in a notebook, or as plain lines in a log file.

What there is to see, `labkit.lab.sweeps.watch` reads from the results folder.
"""

from __future__ import annotations

import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from labkit.lab.records import sparks
from labkit.lab.records.shell import in_notebook
from labkit.lab.sweeps.watch import Row, Snapshot, Watched
from labkit.lab.words import cut, show

if TYPE_CHECKING:
    from rich.console import Group

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

    >>> from collections import Counter
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
