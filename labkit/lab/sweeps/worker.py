"""What runs one point of a sweep, on this machine or another, and what a driver hears of it."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.lab import lesson as lessons
from labkit.lab.records.entry import Record
from labkit.lab.runs import keeping, runner
from labkit.lab.sweeps.grids import SweepError
from labkit.lab.sweeps.planning import earlier_end

# Numbers of threads of a kernel, when several share the cores.
THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)


class WorkersDied(RuntimeError):
    """The workers of a cluster died, one after the other, while they ran a lesson."""


@dataclass(frozen=True)
class End:
    """The few facts of a record that a driver needs."""

    status: str
    cause: str | None = None  # the kind of failure
    error: str | None = None  # in words, with lesson and cell
    started: str = ""
    seconds: float | None = None
    headline: str = ""

    @classmethod
    def of(cls, record: Record) -> "End":
        """Return the end that a record tells.

        >>> End.of(Record("01", "aaa", "finished", results={"loss": 0.1})).headline
        'loss = 0.1'
        """
        return cls(
            status=record.status,
            cause=record.cause,
            error=record.message,
            started=record.started,
            seconds=record.seconds,
            headline=record.headline,
        )


NOT_RUN = End("not run")


@dataclass(frozen=True)
class Job:
    """One run of a sweep as plain data that travels to any worker."""

    lesson: str  # its address
    folder: str  # the results folder
    parameters: dict[str, Any]
    run_id: str
    earlier: str | None  # when the failed run that is to be run again had started
    options: dict[str, Any]  # of the run: timeout, memory, fork, page, environment


def new_end(place: Path, run_id: str, known: str | None) -> End | None:
    """Return a run's end, None if there is none but the failure known already.

    A run that was interrupted has not ended: somebody should go on with it.

    Args:
        place: the folder with the runs of the lesson.
        run_id: the run's id.
        known: when the failed run that is to be run again had started; None without one.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     record = Record("01", "aaa", "failed", started="2026-01-31T12:00:00Z")
    ...     _ = keeping.leave_failure(record, Path(place))
    ...     new_end(Path(place), "aaa", None).status, new_end(Path(place), "aaa", record.started)
    ('failed', None)
    """
    record = earlier_end(place, run_id)
    if record is None or record.status == "interrupted" or record.started == known:
        return None
    return End.of(record)


def execute(job: Job, stop: threading.Event | None = None) -> End:
    """Run one point, unless it has ended or is going on already; return its end.

    Called on whatever machine has the lesson, this labkit and the results folder.
    """
    stop = stop or threading.Event()
    lesson = lessons.read(job.lesson)
    place = Path(job.folder) / lesson.name
    while True:
        end = new_end(place, job.run_id, job.earlier)
        if end is not None:
            return end
        if stop.is_set():
            return NOT_RUN
        if not keeping.runs_now(place, job.run_id):
            break
        stop.wait(1)  # a driver that is gone left it to its worker, or `labkit run` has it
    if lesson.identity(job.parameters) != job.run_id:
        raise SweepError(
            "the lesson, labkit or a package is not the one that the sweep was planned with; was "
            "it changed meanwhile? Call the same command again"
        )
    ended = runner.run(lesson, job.parameters, folder=job.folder, stop=stop, **job.options)
    return End.of(ended.record)
