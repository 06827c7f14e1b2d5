"""What each lesson took where it was measured, and how long it may take here."""

import csv
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.lab import lesson as lessons
from labkit.lab import places
from labkit.lab.records.entry import Record

COLUMNS = ["lesson", "seconds", "peak_memory_mb", "calibration_seconds"]
KINDS = {"lesson": str, "peak_memory_mb": int}  # the others are floats


@dataclass(frozen=True)
class LessonTime:
    """Seconds a lesson is expected to take on this machine; `measured` is what another took."""

    lesson: str
    title: str
    seconds: float
    measured: float


def calibration(repeats: int = 20, steady: int = 6) -> float:
    """Return the seconds of a fixed piece of work: how fast this machine is.

    Half of it multiplies matrices, as training does; half is plain Python, as imports and
    drawing are. A lesson is a mixture of the two. The piece is short and the best of many
    counts, because another program that is busy meanwhile only makes it seem slower.

    Args:
        repeats: at most so many pieces.
        steady: it ends when so many in a row were no better than the best before, to 3 %.
    """
    import numpy as np

    a = np.random.default_rng(0).standard_normal((512, 512), dtype=np.float32)

    def work() -> None:
        a @ a
        sum(i * i for i in range(60_000))

    best, last = float("inf"), 0
    for number in range(repeats):
        seconds = _seconds(work)
        if seconds < 0.97 * best:
            last = number
        best = min(best, seconds)
        if number - last == steady:
            break
    return best


def lesson_times(here: float | None) -> list[LessonTime]:
    """Return the expected seconds of each measured lesson on a machine with this calibration.

    Args:
        here: seconds from `calibration()`; None takes this machine for the one measured on.

    >>> half_as_fast = [2 * row["calibration_seconds"] for row in read_measured()][0]
    >>> time = lesson_times(half_as_fast)[0]
    >>> round(time.seconds / time.measured, 6)
    2.0
    """
    titles = {number: path.stem for number, path in places.lesson_files().items()}
    return [
        LessonTime(
            lesson=row["lesson"],
            title=titles[row["lesson"]][3:].replace("_", " ").capitalize(),
            seconds=row["seconds"] * (here / row["calibration_seconds"] if here else 1.0),
            measured=row["seconds"],
        )
        for row in read_measured()
        if row["lesson"] in titles
    ]


def read_measured() -> list[dict[str, Any]]:
    """Return the rows of notebooks/measured.csv: what each lesson took where it was measured.

    >>> read_measured()[0]["lesson"]
    '00'
    """
    path = _measured_path()
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: KINDS.get(name, float)(row[name]) for name in COLUMNS}
            for row in csv.DictReader(file)
        ]


def write_measured(runs: Iterable[Record], calibration_seconds: float) -> list[dict]:
    """Write the latest finished headless run of each lesson to notebooks/measured.csv.

    Only runs with the lesson's default parameters count: those are what `make lab` does.

    Args:
        runs: records, as `labkit.lab.records.reading.read_records` returns them.
        calibration_seconds: this machine's `calibration()`.

    Returns:
        The rows written.
    """
    latest = {row["lesson"]: row for row in read_measured()}
    for run in sorted(runs, key=lambda run: run.started):
        if _is_default_run(run):
            latest[run.lesson] = {
                "lesson": run.lesson,
                "seconds": round(run.seconds, 1),
                "peak_memory_mb": run.environment["peak_memory_mb"],
                "calibration_seconds": round(calibration_seconds, 5),
            }
    rows = [latest[lesson] for lesson in sorted(latest)]
    with _measured_path().open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def _is_default_run(run: Record) -> bool:
    if run.status != "finished" or run.environment.get("mode") != "headless":
        return False
    path = places.lesson_files().get(run.lesson)
    return path is not None and run.parameters == lessons.read(path).values()


def _measured_path() -> Path:
    return places.home() / "notebooks" / "measured.csv"


def _seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
