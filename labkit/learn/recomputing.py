"""Recompute rows of the ledger: each lesson runs headlessly, up to the cell that shows the claim.

A run is one of the lab's own, in a folder that is gone afterwards, with the lesson's parameters
as they are given. Claims asked for together share one run for each lesson.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labkit.lab import lesson as lessons
from labkit.lab.lesson import Lesson
from labkit.lab.runs import runner
from labkit.lab.runs.limits import RunError
from labkit.lab.words import duration
from labkit.learn import claims as ledger
from labkit.learn.shown import Shown, where_shown

_PREFIX, _DEAD = "labkit-claims-", 3600.0  # seconds without a sign of life
_ENVIRONMENT = {ledger.COLLECT: "1", "LABKIT_WALK": "0"}  # explorers need not try themselves

# What a recomputation may find, in words.
STATES = {
    "agrees": "computed again, within the ledger's tolerance",
    "parts": "computed again, and not what the ledger has",
    "not compared": "computed with other settings than the claim's",
    "nothing to compute": "answered by reading, or an opinion",
    "not computed": "the computation did not come so far",
}


@dataclass(frozen=True)
class Recomputed:
    """What came of one row."""

    row: dict[str, str]
    state: str  # one of STATES
    told: str = ""  # why, where there is more to say
    values: tuple | None = None  # as computed now
    seconds: float | None = None  # of the run up to the cell
    shown: Shown | None = None

    @property
    def ok(self) -> bool:
        """Return whether nothing speaks against the ledger.

        >>> Recomputed({}, "parts").ok
        False
        """
        return self.state not in ("parts", "not computed")

    def lines(self) -> list[tuple[str, str]]:
        """Return what there is to say as (label, text) pairs, empty ones left out.

        >>> row = ledger.find_row("A2-GD-04")
        >>> dict(Recomputed(row, "agrees", values=(-4.0, 0.4)).lines())["Computed now"]
        '-4; 0.4'
        """
        row, shown = self.row, self.shown
        within = f" (tolerance {row['tolerance']})" if row["tolerance"] else ""
        seconds = "" if self.seconds is None else f", after {duration(self.seconds)}"
        place = f"lesson {shown.lesson}, cell {shown.cell}{seconds}" if shown else ""
        now = "" if self.values is None else "; ".join(map(ledger.show, self.values))
        pairs = [
            ("Stated", ledger.stated(row)),
            ("In the ledger", row["values"] and row["values"] + within),
            ("Computed now", now),
            ("Verdict", f"{row['verdict']} ({ledger.VERDICTS[row['verdict']]})"),
            ("Why", row["why"]),
            ("But" if not self.ok else "Known", self.told),
            ("Computed in" if self.values is not None else "Shown in", place),
        ]
        return [(label, text) for label, text in pairs if text]

    def __str__(self) -> str:
        head = f"{'✓' if self.ok else '✗'} {self.row['id']}: {self.state} ({STATES[self.state]})"
        return "\n".join([head, *(f"    {label}: {text}" for label, text in self.lines())])

    def plain(self) -> dict[str, Any]:
        """Return all of it as data for JSON.

        >>> Recomputed({"id": "X"}, "agrees", values=(0.4,)).plain()["now"]
        [0.4]
        """
        names = ("id", "statement", "stated", "computed", "verdict", "why", "tolerance")
        found = {name: self.row.get(name, "") for name in names}
        found |= {"ledger": self.row.get("values", ""), "state": self.state, "told": self.told}
        found |= {"now": None if self.values is None else list(self.values)}
        found |= {"seconds": self.seconds, "lesson": self.shown and self.shown.lesson}
        return found | {"cell": self.shown and self.shown.cell, "ok": self.ok}


@dataclass(frozen=True)
class Task:
    """The claims that one run of a lesson recomputes."""

    lesson: Lesson  # without the cells below the last claim
    rows: list[dict[str, str]]
    shown: dict[str, Shown]


def plan(ids: Iterable[str]) -> tuple[list[Task], list[Recomputed]]:
    """Return the runs that these claims need, and what is known of the others without a run.

    Raises:
        ClaimError: the ledger has no such claim; the message names near ones.

    >>> tasks, known = plan(["A2-GD-04", "A2-GD-05"])
    >>> [task.lesson.number for task in tasks], known
    (['01'], [])
    """
    rows = [ledger.find_row(id) for id in dict.fromkeys(ids)]
    shown, lesson_of = where_shown(), {}
    known = [found for row in rows if (found := _without_run(row, shown.get(row["id"])))]
    answered = {each.row["id"] for each in known}
    for row in rows:
        if row["id"] not in answered:
            lesson_of.setdefault(shown[row["id"]].lesson, []).append(row)
    tasks = [_task(number, rows, shown) for number, rows in sorted(lesson_of.items())]
    return tasks, known


def recompute(
    task: Task,
    *,
    full: bool = False,
    stop: threading.Event | None = None,
    on_cell: Callable[[int, int], None] = lambda index, count: None,
) -> list[Recomputed]:
    """Run a lesson up to its last cell that is needed; return what came of each of its claims.

    Args:
        task: from `plan`.
        full: with the lesson's full-size parameters.
        stop: an event that ends the run when another thread sets it.
        on_cell: called with (index, count) before each cell.

    Raises:
        RunError: there is no room for the run.
        KeyboardInterrupt: Ctrl-C; nothing is left behind.
    """
    _sweep()
    options = {"full": full, "page": False, "environment": _ENVIRONMENT}
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
        try:
            outcome = runner.run(task.lesson, folder=folder, stop=stop, on_cell=on_cell, **options)
        except RunError as error:
            why = error.__cause__ or error
            raise RunError(
                f"{why}: a run in {folder}. Let TMPDIR name a folder with room"
            ) from error
        given = dict(_given(outcome.notebook)) if outcome.notebook.exists() else {}
    return [_judged(row, given.get(row["id"]), outcome, task) for row in task.rows]


def _sweep() -> None:
    """Remove what runs that were killed have left: a run that lives touches its record often."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # somebody else removes it
            latest = max(each.stat().st_mtime for each in [folder, *folder.rglob("*")])
            if time.time() - latest > _DEAD:
                shutil.rmtree(folder, ignore_errors=True)


def _without_run(row: dict[str, str], shown: Shown | None) -> Recomputed | None:
    """Return what is known of a row that no run can tell more about, None of the others."""
    if not row["values"]:
        told = dict(ledger.ClaimCard(row).lines())["Computed"]
        return Recomputed(row, "nothing to compute", told, shown=shown)
    if shown is None:
        number = row["lesson"]
        return Recomputed(
            row,
            "not computed",
            f"the ledger says that lesson {number} shows it, and no cell of the lessons here does. "
            "`labkit list` shows which are here, and which cannot be read.",
        )
    return None


def _task(number: str, rows: list[dict[str, str]], shown: dict[str, Shown]) -> Task:
    lesson = lessons.read(number)
    end = 1 + max(shown[row["id"]].index for row in rows)
    content = {**lesson.content, "cells": lesson.content["cells"][:end]}
    return Task(replace(lesson, content=content), rows, {r["id"]: shown[r["id"]] for r in rows})


def _given(notebook) -> Iterator[tuple[str, dict]]:
    """Yield (id, payload) of the claims that the cells of an executed notebook handed out."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if payload := output.get("data", {}).get(ledger.MIME):
                yield payload["id"], payload


def _judged(row: dict[str, str], given: dict | None, outcome, task: Task) -> Recomputed:
    shown, seconds = task.shown[row["id"]], outcome.seconds
    if given is None:
        told = outcome.record.message if outcome.record.error else "its cell did not show it"
        return Recomputed(row, "not computed", told, None, seconds, shown)
    values = tuple(given["values"])
    if not given["compared"]:
        told = f"the claim has other settings; perhaps `labkit claims check {row['id']} --full`"
        return Recomputed(row, "not compared", told, values, seconds, shown)
    try:
        ledger.check_claim(row["id"], *values)
    except ledger.ClaimError as error:
        return Recomputed(row, "parts", str(error), values, seconds, shown)
    return Recomputed(row, "agrees", "", values, seconds, shown)


def recompute_together(
    ids: Iterable[str], workers: int = 2, tell: Callable[[str], None] = lambda text: None
) -> list[Recomputed]:
    """Return what came of claims of several lessons, some lessons at once; for a notebook.

    Args:
        ids: of the claims.
        workers: lessons that run at once.
        tell: gets a line on how far it is, whenever a cell begins.

    Raises:
        ClaimError: the ledger has no such claim.
        KeyboardInterrupt: the runs that went on are ended, and leave nothing behind.
    """
    tasks, found = plan(ids)
    stop, at = threading.Event(), dict.fromkeys((task.lesson.number for task in tasks), "waits")

    def run(task: Task) -> list[Recomputed]:
        def on_cell(index: int, count: int) -> None:
            at[task.lesson.number] = f"cell {index + 1} of {count}"
            tell("; ".join(f"lesson {number}: {where}" for number, where in at.items()))

        done = recompute(task, stop=stop, on_cell=on_cell)
        at[task.lesson.number] = "done"
        return done

    with ThreadPoolExecutor(workers) as pool:
        try:
            for each in pool.map(run, tasks):
                found += each
        except BaseException:
            stop.set()
            raise
    return found
