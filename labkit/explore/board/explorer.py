"""The widget: what it shows, what it says, and how it follows a sweep."""

import itertools
import os
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from labkit.explore import kit
from labkit.explore.board import picture
from labkit.explore.board.runs import LessonRuns, Runs, top_folder
from labkit.explore.board.settings import BANDS, VIEWS, checked, link_rules
from labkit.explore.board.views import explain
from labkit.explore.kit import state_link
from labkit.explore.kit.page import PageExplorer
from labkit.explore.kit.script import script
from labkit.lab import places
from labkit.lab.records.entry import Record
from labkit.lab.records.reading import read_records

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_MANY = 300  # runs that changed at once: all of them are sent
_PATIENCE, _LONG = 5.0, 60.0  # seconds without news after which it no longer follows


class ResultsExplorer(PageExplorer):
    """All runs of a lesson to filter, group and compare; `labkit.explore.results()` makes one.

    Attributes:
        shown: the runs that the filters leave, a DataFrame as of `labkit.results()`.
        best: the run with the best result among them, a row of that table; None without any, or
            where it is not known which way of the result is better.
        text: what is shown, in words. png: the picture.
        settings: what the controls are set to, a dict.
        live: whether it follows a sweep.
    """

    page_width = 1120

    settings = traitlets.Dict().tag(sync=True)
    place = traitlets.Dict().tag(sync=True)
    live = traitlets.Bool(False).tag(sync=True)
    # Never set: what is sent when a page opens is what is known then.
    runs = traitlets.Any(None).tag(sync=True, to_json=lambda _, widget: widget._runs.payload)

    _esm = script("board/explorer")

    def __init__(
        self,
        table: "DataFrame | str | int | None" = None,
        *,
        lesson: str | int | None = None,
        folder: str | os.PathLike | None = None,
        live: bool | None = None,
        every: float = 1.0,
        **settings: Any,
    ) -> None:
        if isinstance(table, str | int):
            lesson, table = table, None
        self._number = None if lesson is None else places.lesson_file(lesson).name[:2]
        self._every = every
        self._stopped = threading.Event()
        self._sent = 0  # messages to the page
        self._folder = places.runs_folder(folder)
        self._records: list[Record] = []
        if table is None:
            self._records = self._read()
            self._runs, top = Runs(self._records), self._folder
        else:
            self._runs = Runs.of_table(_checked_table(table))
            top = top_folder(self._runs.table)
            self._folder = top or self._folder
        place = {"folder": str(top or ""), "home": os.path.expanduser("~")}
        super().__init__(settings=checked(self._runs.of(), settings), place=place)
        follow = table is None if live is None else live
        if follow and not kit.headless():
            self._follow(keep=live is True)

    # -- what it shows

    @property
    def shown(self) -> "DataFrame":
        """Return the runs that the filters leave, as a table of `labkit.results()`."""
        own = self._lesson_runs()
        rows = [own.rows[row] for row in self._explained()["rows"]]
        return own.all.table.iloc[rows].reset_index(drop=True)

    @property
    def best(self) -> "Series | None":
        """Return the run with the best result of those shown, a row of the table, or None."""
        own, row = self._lesson_runs(), self._explained()["best"]
        return None if row is None else own.all.table.iloc[own.rows[row]]

    @property
    def text(self) -> str:
        """Return what is shown, in words."""
        return self._explained()["text"]

    def pixels(self) -> np.ndarray:
        """Return the picture of these settings, array (height, width, 4)."""
        return picture.draw(self._lesson_runs(), self._explained())

    def set(self, **settings: Any) -> None:
        """Change settings as the controls do, such as view="heat map", x="learning_rate".

        Raises:
            ValueError: there is no such setting, or its value is not allowed.
        """
        self.settings = dict(self.settings) | checked(self._runs.of(), settings)

    def _lesson_runs(self) -> LessonRuns:
        return self._runs.of(self.settings.get("lesson"))

    def _explained(self) -> dict:
        return explain(self._lesson_runs(), self.settings)

    # -- following a sweep

    def refresh(self) -> bool:
        """Read the results folder again and send what changed; return whether anything did."""
        before = {record.folder: record for record in self._records}
        records = self._read()
        changed = [each for each in records if before.pop(each.folder, None) != each]
        gone = ["/".join(folder.rsplit(os.sep, 2)[-2:]) for folder in before]
        if not changed and not gone:
            return False
        self._records, self._runs = records, Runs(records)
        self._sent += 1
        # All of them now and then, should a page have missed some; more seldom where they are many.
        if self._sent % (10 + len(records) // 50) == 0 or len(changed) > _MANY:
            self.send({"kind": "all", "runs": self._runs.payload})
        else:
            self.send({"kind": "some", "runs": Runs(changed).payload, "gone": gone})
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
            if idle > (_LONG if keep else _PATIENCE):
                break
        self.live = False

    def _is_going(self) -> bool:
        return any(record.status == "running" for record in self._records)

    def _read(self) -> list[Record]:
        return read_records(self._folder, self._number)

    # -- without a kernel

    def link_rules(self) -> state_link.Rules:
        """Return what a link to a page may set: view, axes, filters, the chosen run."""
        return link_rules(self._runs.of())

    def state(self) -> dict[str, Any]:
        """Return what a page without a kernel needs to know."""
        return {"runs": self._runs.payload, "settings": self.settings, "live": False, "base": None}

    def still(self) -> dict[str, str]:
        """Return the forms without a kernel; a live page gets no second copy of many runs."""
        return super().still() if kit.headless() else self.flat()

    def walk(self) -> int:
        """Compute every view over all parameters and results, draw each view; return how many.

        Raises:
            ExplorerError: names the settings at which something failed.
        """
        tried = 0
        for lesson in self._runs.of().lessons or [None]:
            runs = self._runs.of(lesson)
            drawn: set[str] = set()
            for settings in grid(runs):
                _try(runs, settings, drawn)
                tried += 1
        return tried

    def _try_once(self) -> None:
        if kit.walks():
            self.walk()


def _checked_table(table: Any) -> "DataFrame":
    if not hasattr(table, "columns") or "run_id" not in table:
        raise TypeError(
            f"results() shows a table of labkit.results(), a lesson or nothing; got {table!r}"
        )
    return table


# --- walking ------------------------------------------------------------------------------------


def grid(runs: LessonRuns) -> Iterator[dict]:
    """Return settings that cover the controls: all views with all parameters, results, choices."""
    base = {"lesson": runs.lesson}
    yield base
    for view, result in itertools.product(VIEWS, runs.results or [None]):
        for better in ("max", "min"):
            yield base | {"view": view, "result": result, "better": better}
        yield base | {"view": view, "result": result}
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


def _try(runs: LessonRuns, settings: dict, drawn: set[str]) -> None:
    try:
        found = explain(runs, settings)
        if re.search(r"(mean|highest|lowest|:) nan", found["text"]):
            raise ValueError(f"the text holds a value that is no number: {found['text']}")
        view = found["settings"]["view"]
        if view not in drawn:
            drawn.add(view)
            picture.draw(runs, found)
    except Exception as error:
        raise kit.ExplorerError(
            f"results explorer at {settings}: {type(error).__name__}: {error}"
        ) from error
