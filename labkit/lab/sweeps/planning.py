"""What a sweep would run: its points, what is there already, and how long the rest takes."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from labkit import machine
from labkit.lab import lesson as lessons
from labkit.lab import places
from labkit.lab.lesson import Lesson
from labkit.lab.measured import read_measured
from labkit.lab.records import folders
from labkit.lab.records.entry import Record
from labkit.lab.records.reading import read_record
from labkit.lab.sweeps import grids
from labkit.lab.sweeps.grids import SweepError
from labkit.lab.words import count, duration, show

# Ends that the same run would meet again. All others (killed, timeout, memory, output,
# interrupted, runner error) may have come from outside, and the same command tries them again.
FINAL = ("cell error", "expectation")


@dataclass(frozen=True)
class Point:
    """One run of a sweep: all its parameters, and the id that its folder has."""

    parameters: dict[str, Any]
    run_id: str


@dataclass
class Plan:
    """What a sweep would run, what is there already, and how long the rest takes."""

    lesson: Lesson
    names: tuple[str, ...]  # parameters in which the points differ
    points: list[Point]
    folder: Path  # the results folder
    merged: int = 0  # points left out because they came twice
    done: dict[str, Record] = field(default_factory=dict)  # run id -> record of its end
    failures: dict[str, Record] = field(default_factory=dict)  # failed earlier, to be run again
    workers: int = 1
    shard: tuple[int, int] | None = None
    seconds_each: float | None = None
    source: str = "no run of this lesson has been measured yet"

    @property
    def place(self) -> Path:
        """The folder with the runs of this lesson.

        >>> plan("01", {"steps": [10, 20]}, folder="no_runs_yet").place.name
        '01_gradient_descent'
        """
        return self.folder / self.lesson.name

    @property
    def todo(self) -> list[Point]:
        """The points that are not done.

        >>> len(plan("01", {"steps": [10, 20]}, folder="no_runs_yet").todo)
        2
        """
        return [point for point in self.points if point.run_id not in self.done]

    @property
    def seconds(self) -> float | None:
        """Estimated seconds for what is to do, on all workers together.

        >>> planned = plan("01", {"steps": "10..90:9"}, folder="no_runs_yet", workers=4)
        >>> round(planned.seconds / planned.seconds_each, 6)  # nine runs, four at once
        3.0
        """
        if self.seconds_each is None:
            return None
        return -(-len(self.todo) // self.workers) * self.seconds_each

    def state(self, point: Point) -> str:
        """Return what will become of a point, or has: 'to run', 'finished', 'failed: timeout'.

        >>> planned = plan("01", {"steps": [10, 20]}, folder="no_runs_yet")
        >>> planned.state(planned.points[0])
        'to run'
        """
        if point.run_id in self.done:
            return self.done[point.run_id].state
        earlier = self.failures.get(point.run_id)
        return f"to run again ({earlier.state})" if earlier else "to run"

    def settings(self, point: Point) -> str:
        """Return the parameters in which the points differ, as this one has them.

        >>> planned = plan("01", {"steps": [10, 20]}, folder="no_runs_yet")
        >>> planned.settings(planned.points[0])
        'steps=10'
        """
        return " ".join(f"{name}={show(point.parameters[name])}" for name in self.names)

    def rows(self) -> list[dict]:
        """Return a row a point: its varying parameters, run id and state.

        >>> [row["steps"] for row in plan("01", {"steps": [10, 20]}, folder="no_runs_yet").rows()]
        [10, 20]
        """
        return [
            {name: p.parameters[name] for name in self.names}
            | {"run": p.run_id, "state": self.state(p)}
            for p in self.points
        ]

    def __str__(self) -> str:
        ends = [end.status for end in self.done.values()]
        text = f"{self.lesson.name}: {count(len(self.points), 'run')}"
        text += f" ({count(self.merged, 'duplicate')} left out)" if self.merged else ""
        text += f", shard {self.shard[0]} of {self.shard[1]}" if self.shard else ""
        text += f"; {ends.count('finished')} finished before" if ends else ""
        failed = len(ends) - ends.count("finished")
        text += f", {failed} failed before (--retry-failed runs them again)" if failed else ""
        if not self.todo:
            return f"{text}; nothing to run."
        text += f"; {len(self.todo)} to run with {count(self.workers, 'worker')}"
        if self.seconds is None:
            return f"{text}; no estimate of the time: {self.source}."
        return f"{text}, {duration(self.seconds)} ({self.source})."


def plan(
    lesson: str | int | os.PathLike | Lesson,
    grid: dict[str, Any] | None = None,
    *,
    points: str | os.PathLike | Iterable[dict] | None = None,
    repeats: int = 1,
    sample: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    folder: str | os.PathLike | None = None,
    shard: str | tuple[int, int] | None = None,
    retry_failed: bool = False,
) -> Plan:
    """Return what `sweep` would run with the same arguments, all checked; nothing is run.

    Raises:
        SweepError, ParameterError, PlaceError: what is wrong, what is allowed, what to do.

    >>> grid = {"steps": "10..30:3", "learning_rate": [0.1, 0.2]}
    >>> planned = plan("01", grid, folder="no_runs_yet")
    >>> len(planned.points), planned.names
    (6, ('steps', 'learning_rate'))
    """
    lesson = lessons.read(lesson)
    workers = machine.cores() if workers is None else _whole_workers(workers)
    part = None if shard is None else read_shard(shard)
    rows, values = _given(lesson.schema, grid, points)
    chosen, merged = grids.combine(
        lesson.schema, rows, values, repeats=repeats, sample=sample, seed=_whole_seed(seed)
    )
    found = [Point(each, lesson.identity(each)) for each in chosen]
    if part:
        found = found[part[0] - 1 :: part[1]]
    names = list(dict.fromkeys([*(n for row in rows for n in row), *values]))
    made = Plan(
        lesson=lesson,
        names=tuple(names + ["seed"] * (repeats > 1)),
        points=found,
        folder=places.runs_folder(folder),
        merged=merged,
        workers=workers,
        shard=part,
    )
    _look(made, retry_failed)
    made.seconds_each, made.source = _measured(made)
    return made


def read_shard(shard: str | tuple[int, int]) -> tuple[int, int]:
    """Return (I, N) of a shard such as "3/10".

    >>> read_shard("3/10")
    (3, 10)
    """
    try:
        one, of = (int(part) for part in (shard.split("/") if isinstance(shard, str) else shard))
    except (ValueError, TypeError):
        one = of = 0
    if not 1 <= one <= of:
        raise SweepError(
            f"shard = {shard!r} is not allowed; it is I/N, one of N parts, with I from 1 to N. "
            "A SLURM array counts so with --array=1-N"
        )
    return one, of


def earlier_end(place: Path, run_id: str) -> Record | None:
    """Return the record of how a run ended last, None when it has not; a good end comes first."""
    found = (read_record(folder) for folder in folders.ended(place, run_id))
    return next((record for record in found if record.status != "unreadable"), None)


def _whole_workers(workers: int) -> int:
    return grids.whole(workers, "workers", 1, "how many runs go on at once")


def _whole_seed(seed: int) -> int:
    return grids.whole(seed, "seed", 0, "the seed of the random draw")


def _given(schema, grid, points) -> tuple[list[dict], dict]:
    """Return the checked (rows, grid) that were given as data, as texts or in a file."""
    rows: list[dict] = []
    values: dict = {}
    if isinstance(points, str | os.PathLike):
        rows, values = grids.read_file(points, schema)
    elif points is not None:
        rows = grids.check_rows(schema, points)
        if not rows:
            raise SweepError("points has no rows; give at least one mapping of names to values")
    if isinstance(grid, list | tuple):  # as on the command line
        more = grids.parse_grid(schema, grid)
    else:
        more = grids.check_grid(schema, grid or {})
    both = sorted(set(values) & set(more))
    if both:
        raise SweepError(f"{', '.join(both)}: in the file and in the grid; leave one of them out")
    return rows, values | more


def _look(made: Plan, retry_failed: bool) -> None:
    """Note in the plan what has ended already, and what has failed and is to run again."""
    there = _there(made)
    for point in made.points:
        if not folders.end_names(point.run_id) & there:
            continue
        end = earlier_end(made.place, point.run_id)
        if end is None:
            continue
        is_final = end.status == "finished" or end.cause in FINAL
        if is_final and not (retry_failed and end.status != "finished"):
            made.done[point.run_id] = end
        else:
            made.failures[point.run_id] = end


def _measured(made: Plan) -> tuple[float | None, str]:
    """Return (seconds a run, what tells so)."""
    names = sorted(name for name in _there(made) if folders.is_good_end(name))[-200:]
    found = [read_record(made.place / name).seconds for name in names]
    found = [seconds for seconds in found if seconds is not None]
    if found:
        return median(found), f"the median of {count(len(found), 'finished run')} there"
    for row in read_measured():
        if row["lesson"] == made.lesson.number:
            return row["seconds"], "one run with the defaults, from notebooks/measured.csv"
    return None, made.source


def _there(made: Plan) -> set[str]:
    return set(os.listdir(made.place)) if made.place.is_dir() else set()
