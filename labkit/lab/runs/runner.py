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

from labkit.lab import files, places
from labkit.lab import lesson as lessons
from labkit.lab.lesson import Lesson
from labkit.lab.records import entry, folders
from labkit.lab.records.entry import Record
from labkit.lab.runs import keeping
from labkit.lab.runs.limits import check_timeout, memory_in_bytes, output_in_bytes
from labkit.lab.runs.running import Running


def _kept(name: str, meaning: str) -> property:
    """Return a property of a run that its record has as plain data."""
    return property(lambda run: run.entry[name], doc=meaning)


@dataclass(frozen=True)
class Run:
    """How one run ended, as kept in its record.json."""

    record: Record
    folder: Path

    @property
    def ok(self) -> bool:
        """True when every cell ran and every expectation that applies held.

        >>> Run(Record("01", "aaa", "failed"), Path("runs/01_a/aaa.failed")).ok
        False
        """
        return self.record.status == "finished"

    @property
    def entry(self) -> dict[str, Any]:
        """The whole record as plain data, as record.json has it.

        >>> Run(Record("01", "aaa", "finished"), Path("runs/01_a/aaa")).entry["status"]
        'finished'
        """
        return self.record.plain()

    lesson = _kept("lesson", "The lesson's number, '01'.")
    title = _kept("title", "The lesson's title.")
    run_id = _kept("run_id", "The hash of code, parameters and versions that names the run.")
    status = _kept("status", "How it ended: finished, failed or interrupted.")
    seconds = _kept("seconds", "Wall-clock seconds that the cells took.")
    parameters = _kept("parameters", "All parameters, as validated.")
    results = _kept("results", "What the lesson recorded, by name.")
    expectations = _kept("expectations", "What the results had to be, each with `held`.")
    curves = _kept("curves", 'What it logged: {metric: {"step": [...], "value": [...]}}.')
    environment = _kept("environment", "Versions, device, peak memory and more.")
    error = _kept("error", "What went wrong: kind, cause, where, cell, message; else None.")

    @property
    def notebook(self) -> Path:
        """The executed notebook.

        >>> Run(Record("01", "aaa", "finished"), Path("runs/01_a/aaa")).notebook.as_posix()
        'runs/01_a/aaa/notebook.ipynb'
        """
        return self.folder / folders.NOTEBOOK

    @property
    def page(self) -> Path:
        """The same as an HTML page that needs no kernel and no network.

        >>> Run(Record("01", "aaa", "finished"), Path("runs/01_a/aaa")).page.as_posix()
        'runs/01_a/aaa/lesson.html'
        """
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
    output: int | str | None = None,
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
        output: bytes (or "100MB") of printed text above which the run is stopped and counts as
            failed; of figures it may have ten times as many. Default: LABKIT_OUTPUT or 20 MB.
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
    wishes = _limits(timeout, memory, output) | {"fork": fork}
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


def _limits(timeout, memory, output) -> dict[str, Any]:
    """Return the limits that were asked for, in seconds and bytes."""
    check_timeout(timeout)
    output = output or os.environ.get("LABKIT_OUTPUT") or "20MB"
    memory = None if memory is None else memory_in_bytes(memory)
    return {"timeout": timeout, "memory": memory, "output": output_in_bytes(output)}
