"""Run a lesson headlessly: validated parameters in, one folder with notebook, page and record out.

A run is staged in a hidden folder and appears under its name by a rename, so whoever looks sees
the previous run or this one, never half of one. Whatever ends a run, it leaves a row.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.lab import files, lesson as lessons, places
from labkit.lab.lesson import Lesson
from labkit.lab.records import entry, folders
from labkit.lab.records.entry import Record
from labkit.lab.runs import keeping
from labkit.lab.runs.limits import check_timeout, memory_in_bytes
from labkit.lab.runs.running import Running


@dataclass(frozen=True)
class Run:
    """How one run ended, as kept in its record.json."""

    record: Record
    folder: Path

    @property
    def ok(self) -> bool:
        """True when every cell ran and every expectation that applies held."""
        return self.record.status == "finished"

    @property
    def entry(self) -> dict[str, Any]:
        """The whole record as plain data."""
        return self.record.plain()

    @property
    def lesson(self) -> str:
        """The lesson's number, '01'."""
        return self.record.lesson

    @property
    def title(self) -> str:
        """The lesson's title."""
        return self.record.title

    @property
    def run_id(self) -> str:
        """The hash of lesson code, labkit code, parameters and versions that names the run."""
        return self.record.run_id

    @property
    def status(self) -> str:
        """How it ended: finished, failed or interrupted."""
        return self.record.status

    @property
    def seconds(self) -> float:
        """Wall-clock seconds that the cells took."""
        return self.record.seconds

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters, as validated."""
        return self.record.parameters

    @property
    def results(self) -> dict[str, Any]:
        """What the lesson recorded."""
        return self.record.results

    @property
    def expectations(self) -> list[dict[str, Any]]:
        """What the results had to be, each with `held`."""
        return self.entry["expectations"]

    @property
    def curves(self) -> dict[str, dict[str, list]]:
        """What the lesson logged: {metric: {"step": [...], "value": [...]}}."""
        return self.record.curves

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, device, peak memory and more."""
        return self.record.environment

    @property
    def error(self) -> dict[str, Any] | None:
        """What went wrong, with kind, message and cell; None of a good run."""
        return self.entry["error"]

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.folder / folders.NOTEBOOK

    @property
    def page(self) -> Path:
        """The same as an HTML page that needs no kernel and no network."""
        return self.folder / folders.PAGE

    def __repr__(self) -> str:
        cause = f": {self.record.message}" if self.record.error else ""
        return f"<run {self.lesson} {self.run_id} {self.status}{cause}>"


def run(
    lesson: str | int | os.PathLike | Lesson,
    parameters: dict[str, Any] | None = None,
    *,
    full: bool = False,
    folder: str | os.PathLike | None = None,
    timeout: float | None = None,
    memory: int | str | None = None,
    fork: str = "auto",
    page: bool = True,
    attempt: int | None = None,
    environment: dict[str, str] | None = None,
    stop: threading.Event | None = None,
    on_cell: Callable[[int, int], None] = lambda index, count: None,
    on_record: Callable[[dict], None] = lambda payload: None,
) -> Run:
    """Run a lesson in a fresh kernel and keep what it found; a failing lesson does not raise.

    Args:
        lesson: "01", 1, "01_gradient_descent", or the path of a notebook.
        parameters: values that differ from the lesson's defaults.
        full: start from the lesson's full-size parameters (notebooks/full.yml).
        folder: the results folder; default LABKIT_RUNS or `runs/`.
        timeout: seconds after which the run is stopped and counts as failed.
        memory: bytes (or "2GB", "500MB") of private memory above which the run is stopped and
            counts as failed.
        fork: "auto" forks the kernel where a warm parent process runs already, "always" starts
            one, "never" starts a kernel from nothing.
        page: whether to make the HTML page too.
        attempt: which attempt this is; default one more than earlier records tell.
        environment: variables for the kernel, beside those of this process.
        stop: an event that stops the run when another thread sets it.
        on_cell: called with (index, count) before each cell.
        on_record: called with each record's payload as soon as the lesson shows it.

    Returns:
        The run, with `.ok`, `.status`, `.results`, `.error`, `.folder`, `.notebook`, `.page`.

    Raises:
        PlaceError: there is no such lesson.
        ParameterError: a parameter is unknown or its value not allowed; nothing was run.
        RunError: the results folder cannot be written, or a limit makes no sense.
        KeyboardInterrupt: after the interrupted run has left its row (a run stopped by `stop` is
            returned).
    """
    check_timeout(timeout)
    memory = None if memory is None else memory_in_bytes(memory)
    lesson = lessons.read(lesson)
    values = lesson.values(parameters, full=full)
    record = entry.begin(lesson, values)
    place = places.runs_folder(folder) / lesson.name
    record.attempt = attempt or 1 + keeping.earlier_attempts(place, record.run_id)
    staging = folders.new_staged(place, record.run_id)
    try:
        staging.mkdir(parents=True)
        files.write_json(staging / folders.RECORD, record.plain())
    except OSError as error:
        raise keeping.cannot_keep(staging, error) from error
    # A lesson that looks at results() sees those that this run will join.
    given = {"LABKIT_HOME": str(places.home()), "LABKIT_RUNS": str(place.parent)}
    wishes = {"timeout": timeout, "memory": memory, "fork": fork}
    wishes |= {"environment": given | (environment or {})}
    # Defaults stand in the parameters cell already; only what differs is injected below it.
    changed = {name: v for name, v in values.items() if v != lesson.schema[name].default}
    try:
        running = Running(record, staging, stop, on_cell, on_record, wishes)
        executed = running.execute(lesson.notebook(), changed)
        end = keeping.settle(record, executed, staging, page)
    except OSError as error:
        end = keeping.settle_what_fits(record, staging, error)
    if record.status == "interrupted" and stop is None:
        raise KeyboardInterrupt
    return Run(record, end)
