"""The runs of a sweep while it goes on, as the results folder tells them.

Nothing is told to who watches. It reads the results folder, as anybody can: staged records of runs
that are going, records of those that ended. So it sees runs of other processes and machines too.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.lab.records import folders, sparks
from labkit.lab.records.entry import Record
from labkit.lab.records.reading import is_going, read_record
from labkit.lab.words import better, clock, cut, one_line, show

_LATEST, _BEST = 5, 3  # rows of runs that ended
_PACE = 50  # runs that tell how fast it goes
_LONGEST = 300  # characters of a cause in a log line
_POINTS = 100  # points kept of a curve that is drawn small
_CURVES = 2  # curves drawn of a run


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
