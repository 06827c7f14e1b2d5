"""The runs that the explorer shows: their records, and what is made of them when somebody asks."""

import functools
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.explore.board import payload
from labkit.explore.board.columns import Column
from labkit.explore.board.words import bare
from labkit.lab import table as runs_table
from labkit.lab.records.entry import Record
from labkit.lab.words import better

if TYPE_CHECKING:
    from pandas import DataFrame

_DIGITS = 6  # of a result
_LIBRARY = Path(__file__).parents[3]


class Runs:
    """Runs of one lesson or of several, in the order of their table.

    A table of `labkit.results()` may have lost or gained columns on its way here; what it has is
    shown. Its records know more: curves, and whether a result was nan or was not there.
    """

    def __init__(self, records: list[Record], table: "DataFrame | None" = None) -> None:
        self._records, self._given = records, table
        self._lessons: dict[str | None, LessonRuns] = {}

    @classmethod
    def of_table(cls, table: "DataFrame") -> "Runs":
        """Return the runs of a table, with the records that its folders hold."""
        table = table.reset_index(drop=True)
        return cls(runs_table.records_of(table), table)

    @functools.cached_property
    def table(self) -> "DataFrame":
        """Return the runs as a table of `labkit.results()`."""
        return runs_table.as_table(self._records) if self._given is None else self._given

    @functools.cached_property
    def records(self) -> list[Record]:
        """Return the record of each row of the table."""
        if self._given is not None:
            return self._records
        known = {record.folder: record for record in self._records}
        return [known[folder] for folder in self.table["folder"]]

    @functools.cached_property
    def columns(self) -> dict[str, list]:
        """Return {name: values} as the page has them, without folders of this machine.

        Columns are key (lesson folder / run folder), lesson, run_id, status, seconds, cause,
        started (UTC), error, notebook and page (whether the run's folder has them), then param.*,
        result.*, env.*.
        """
        table = self.table
        folders = table["folder"].tolist()
        own = {"key": ["/".join(str(folder).rsplit(os.sep, 2)[-2:]) for folder in folders]}
        own |= {n: _plain(table[n]) for n in ("lesson", "run_id", "status", "seconds", "cause")}
        own["started"] = [
            None if t != t else f"{t:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z" for t in table["started"]
        ]
        own["error"] = _without_places(table)
        own["notebook"] = [_has(folder, "notebook.ipynb") for folder in folders]
        own["page"] = [_has(folder, "lesson.html") for folder in folders]
        own |= {name: _plain(table[name]) for name in table if "." in name}
        return own | {name: self._result(name) for name in own if name.startswith("result.")}

    def _result(self, name: str) -> list:
        """Return the values of a result; in a table, nan looks as if there were none."""
        values = zip(_plain(self.table[name]), self.records, strict=True)
        return [
            math.nan
            if value is None and _is_nan(record, bare(name))
            else payload.rounded(value, _DIGITS)
            for value, record in values
        ]

    @functools.cached_property
    def curves(self) -> dict[str, dict[int, payload.Curve]]:
        """Return {metric: {row: (steps, values)}}, thinned to what one page can hold."""
        found: dict[str, dict[int, payload.Curve]] = {}
        for row, record in enumerate(self.records):
            for metric, curve in record.curves.items():
                if curve["step"]:
                    found.setdefault(metric, {})[row] = curve["step"], curve["value"]
        return payload.thinned(found)

    @functools.cached_property
    def better(self) -> dict[str, str]:
        """Return which way of a result is better, for those whose name tells it."""
        names = [name for name in self.columns if name.startswith("result.")]
        names += [f"result.{metric}" for metric in self.curves]
        return {name: way for name in names if (way := better(name))}

    @functools.cached_property
    def payload(self) -> dict:
        """Return all of it as plain data for the page."""
        lessons = zip(self.columns["lesson"], self.columns["key"], strict=True)
        return {
            "n": len(self.table),
            "columns": [payload.pack_column(*column) for column in self.columns.items()],
            "curves": payload.pack_curves(self.curves),
            "better": self.better,
            "titles": {lesson: _title(key) for lesson, key in lessons},
        }

    def of(self, lesson: str | None = None) -> "LessonRuns":
        """Return the runs of one lesson; None for the one with most runs."""
        if lesson not in self._lessons:
            self._lessons[lesson] = LessonRuns(self, lesson)
        return self._lessons[lesson]


class LessonRuns:
    """The runs of one lesson: columns with numbers and levels, settings, curves by row."""

    def __init__(self, runs: Runs, lesson: str | None = None) -> None:
        lessons, status = runs.columns["lesson"], runs.columns["status"]
        self.all = runs
        self.lessons = sorted(set(lessons))
        self.lesson = _most_common(lessons) if lesson is None else lesson
        own = [row for row, each in enumerate(lessons) if each == self.lesson]
        self.rows = [row for row in own if status[row] != "unreadable"]
        self.unreadable = len(own) - len(self.rows)
        self.n = len(self.rows)
        self.columns: dict[str, Column] = {}
        for name, values in runs.columns.items():
            mine = [values[row] for row in self.rows]
            if "." not in name or any(value is not None for value in mine):
                self.columns[name] = Column(name, mine)
        self.status = self.columns["status"].values
        parameters = self.named("param")
        self.varied = [name for name in parameters if len(self.columns[name].distinct) > 1]
        self.results = [name for name in self.named("result") if self.columns[name].numeric]
        self.curves = _own_curves(runs.curves, self.rows)
        self._number_settings()
        self.important: dict[str, list[str]] = {}  # result -> parameters, kept when asked

    def _number_settings(self) -> None:
        """Give rows that differ in nothing but the seed the same number."""
        codes = [self.columns[name].exact for name in self.varied if bare(name) != "seed"]
        settings = list(zip(*codes, strict=True)) if codes else [()] * self.n
        place: dict = {}
        self.setting = [place.setdefault(each, len(place)) for each in settings]
        self.repeats = self.n > len(place)
        # What tells two runs of a setting apart: the seed; without one, that they are two.
        seed = self.columns.get("param.seed")
        self.seed = seed.exact.tolist() if seed else self.rows

    def named(self, section: str) -> list[str]:
        """Return the names of the columns of a section: param, result, env."""
        return [name for name in self.columns if name.startswith(f"{section}.")]

    def better(self, result: str) -> str | None:
        """Return whether the highest ("max") or the lowest ("min") is best, None if not told."""
        return self.all.better.get(result)

    def finite(self, rows: Iterable[int], *names: str) -> list[int]:
        """Return those rows that finished with a finite number in each of these columns."""
        numbers = [self.columns[name].num for name in names]
        return [
            row
            for row in rows
            if self.status[row] == "finished" and all(math.isfinite(n[row]) for n in numbers)
        ]

    def colors_of(self, name: str) -> list[int]:
        """Return the number of the color of each level of a column.

        Numbers go by size; names in the order in which they first ran, as in a figure that draws
        one after the other.
        """
        levels, codes, _ = self.columns[name].groups
        if self.columns[name].numeric:
            return list(range(len(levels)))
        first: dict[int, tuple] = {}
        for row, (code, time) in enumerate(
            zip(codes.tolist(), self.columns["started"].values, strict=True)
        ):
            first[code] = min(first.get(code, ("~", math.inf)), (time or "~", row))
        order = sorted(first, key=first.__getitem__)
        return [order.index(code) for code in range(len(levels))]


def top_folder(table: "DataFrame") -> Path | None:
    """Return the results folder that the runs of a table are in, None if they are in several."""
    tops = _tops(table)
    return Path(tops.pop()) if len(tops) == 1 else None


def _tops(table: "DataFrame") -> set[str]:
    return {os.path.dirname(os.path.dirname(folder)) for folder in table["folder"].dropna()} - {""}


def _most_common(values: list) -> Any:
    return min(set(values), key=lambda v: (-values.count(v), v), default=None)


def _own_curves(
    curves: dict[str, dict[int, payload.Curve]], rows: list[int]
) -> dict[str, dict[int, payload.Curve]]:
    """Return the curves of these rows, for those metrics that one of them has."""
    place = {row: at for at, row in enumerate(rows)}
    found = {
        metric: {place[row]: curve for row, curve in of.items() if row in place}
        for metric, of in curves.items()
    }
    return {metric: of for metric, of in found.items() if of}


def _plain(values: Iterable) -> list:
    """Return the cells of a column as JSON could hold them; None for what is missing."""
    return [_cell(value) for value in values]


def _cell(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, list | tuple):
        return [_cell(item) for item in value]
    if isinstance(value, str):
        return value
    if value is None or str(value) in ("nan", "<NA>", "NaT"):
        return None
    return value if isinstance(value, bool | int | float) else str(value)


def _is_nan(record: Record, name: str) -> bool:
    return record.results.get(name) == "nan"


def _has(folder: Any, file: str) -> bool:
    hidden = os.path.basename(str(folder)).startswith(".")  # a run still going
    return not hidden and os.path.exists(os.path.join(str(folder), file))


def _title(key: str) -> str:
    number, _, words = key.split("/")[0].partition("_")
    return f"{number} {words.replace('_', ' ').capitalize()}".strip()


def _without_places(table: "DataFrame") -> list[str | None]:
    """Return the errors without the folders of this machine: a page may go to other people."""
    places = {f"{top}{os.sep}": "" for top in _tops(table)} | {
        str(Path.home()): "~",
        str(_LIBRARY): "labkit",
    }
    told = []
    for error in table["error"]:
        text = error if isinstance(error, str) else None
        for place, name in places.items() if text else ():
            text = text.replace(place, name)
        told.append(text)
    return told
