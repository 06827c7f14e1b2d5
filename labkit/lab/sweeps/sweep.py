"""Sweeps: one lesson over many parameters, on all cores, and never lost.

A sweep has no state of its own. What is to be run follows from the lesson and the parameters; what
has ended stands in the results folder; who runs what now stands in its `runs.sqlite`. So the same
command resumes after whatever happened, and several drivers share one folder.
"""

import os
import threading
from collections import Counter, deque
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from labkit.lab import doctor, places, table
from labkit.lab.parameters import read_parameters
from labkit.lab.records import kernel as records
from labkit.lab.runs import runner as runs
from labkit.lab.sweeps import grids
from labkit.lab.sweeps import leases as store
from labkit.lab.sweeps.grids import SweepError

# Ends that the same run would meet again. All others (killed, timeout, memory, output,
# interrupted, runner error) may have come from outside, and the same command tries them again.
FINAL = ("cell error", "expectation")
NOT_RUN = {"status": "not run", "cause": None, "error": None, "started": ""}
_TICK = 0.5  # seconds between two looks at what goes on
_ATTEMPTS_TO_CLAIM = 10  # a disk may be full for a moment, until the run that filled it has ended
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


@dataclass(frozen=True)
class Point:
    """One run of a sweep: all its parameters, and the id that its folder has."""

    parameters: dict[str, Any]
    run_id: str


@dataclass
class Plan:
    """What a sweep would run, what is there already, and how long the rest takes."""

    lesson: str  # its name, 01_gradient_descent
    title: str
    names: tuple[str, ...]  # parameters in which the points differ
    points: list[Point]
    folder: Path  # the results folder
    merged: int = 0  # points left out because they came twice
    done: dict[str, dict] = field(default_factory=dict)  # run id -> record of its end
    failures: dict[str, dict] = field(default_factory=dict)  # failed earlier, to be run again
    workers: int = 1
    shard: tuple[int, int] | None = None
    seconds_each: float | None = None
    source: str = "no run of this lesson has been measured yet"

    @property
    def number(self) -> str:
        """The lesson's number, '01'."""
        return self.lesson[:2]

    @property
    def place(self) -> Path:
        """The folder with the runs of this lesson."""
        return self.folder / self.lesson

    @property
    def todo(self) -> list[Point]:
        """The points that are not done."""
        return [point for point in self.points if point.run_id not in self.done]

    @property
    def seconds(self) -> float | None:
        """Estimated seconds for what is to do, on all workers together."""
        if self.seconds_each is None:
            return None
        return -(-len(self.todo) // self.workers) * self.seconds_each

    def state(self, point: Point) -> str:
        """Return what will become of a point, or has: 'to run', 'finished', 'failed: timeout'."""
        if point.run_id in self.done:
            return _state(self.done[point.run_id])
        earlier = self.failures.get(point.run_id)
        return f"to run again ({_state(earlier)})" if earlier else "to run"

    def rows(self) -> list[dict]:
        """Return a row a point: its varying parameters, run id and state."""
        return [
            {name: p.parameters[name] for name in self.names}
            | {"run": p.run_id, "state": self.state(p)}
            for p in self.points
        ]

    def __str__(self) -> str:
        ends = [end["status"] for end in self.done.values()]
        text = f"{self.lesson}: {_count(len(self.points), 'run')}"
        text += f" ({_count(self.merged, 'duplicate')} left out)" if self.merged else ""
        text += f", shard {self.shard[0]} of {self.shard[1]}" if self.shard else ""
        text += f"; {ends.count('finished')} finished before" if ends else ""
        failed = len(ends) - ends.count("finished")
        text += f", {failed} failed before (--retry-failed runs them again)" if failed else ""
        if not self.todo:
            return f"{text}; nothing to run."
        text += f"; {len(self.todo)} to run with {_count(self.workers, 'worker')}"
        if self.seconds is None:
            return f"{text}; no estimate of the time: {self.source}."
        return f"{text}, {doctor.in_words(self.seconds)} ({self.source})."


def plan(
    lesson: str,
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
    """
    path = places.lesson_file(lesson)
    workers = cores() if workers is None else _whole_workers(workers)
    part = None if shard is None else read_shard(shard)
    schema = read_parameters(path)
    rows, values = _given(schema, grid, points)
    chosen, merged = grids.combine(
        schema, rows, values, repeats=repeats, sample=sample, seed=_whole_seed(seed)
    )
    notebook = runs.read_lesson(path)
    found = [Point(each, runs.identity(path, notebook, each)) for each in chosen]
    if part:
        found = found[part[0] - 1 :: part[1]]
    names = list(dict.fromkeys([*(n for row in rows for n in row), *values]))
    made = Plan(
        lesson=path.stem,
        title=runs.title(notebook),
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


def sweep(
    lesson: str,
    grid: dict[str, Any] | None = None,
    *,
    points: str | os.PathLike | Iterable[dict] | None = None,
    repeats: int = 1,
    sample: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    scheduler: str | None = None,
    timeout: float | None = None,
    memory: int | str | None = None,
    folder: str | os.PathLike | None = None,
    shard: str | tuple[int, int] | None = None,
    retry_failed: bool = False,
    pages: bool = False,
    wait: bool = True,
    show: bool = True,
) -> "Sweep":
    """Run a lesson over many parameters and keep every result; the same call resumes.

    Runs that have finished, or failed by the lesson's own doing, are not run again. Runs that were
    killed, stopped or hit a limit are.

    Args:
        lesson: "01", 1 or "01_gradient_descent".
        grid: {name: values}; every combination is run. Values are a list, or a text as on the
            command line: "0.001..1:log:5" (5 values), "0.001..1:log" (to draw from).
        points: rows of parameters, or a CSV or YAML file of them; combined with the grid.
        repeats: how often each point runs, with its seed counted up.
        sample: draw this many points from the grid at random, instead of all combinations.
        seed: seed of that draw.
        workers: runs at once; default one a core.
        scheduler: address of a dask scheduler (tcp://...), or "local" to try one out.
        timeout, memory: limits of each run, in seconds and bytes (or "2GB").
        folder: the results folder; default LABKIT_RUNS or `runs/`.
        shard: "I/N" runs only each N-th point, beginning at the I-th, and needs no SQLite file.
        retry_failed: run failed points again, whatever made them fail.
        pages: make an HTML page of each run too.
        wait: return when all is done; False returns at once, and it goes on in the background.
        show: show progress.

    Returns:
        The sweep, with `.plan`, `.ok`, `.results`, `.table()`, `.wait()` and `.stop()`.

    Raises:
        SweepError, ParameterError, PlaceError, RunError, StoreError: what is wrong, what is
            allowed, what to do; nothing was run.
        KeyboardInterrupt: after the running lessons were stopped and have left their rows.
    """
    started = begin(
        lesson,
        grid,
        points=points,
        repeats=repeats,
        sample=sample,
        seed=seed,
        workers=workers,
        scheduler=scheduler,
        timeout=timeout,
        memory=memory,
        folder=folder,
        shard=shard,
        retry_failed=retry_failed,
        pages=pages,
        show=show,
    )
    if wait:
        return started.wait()
    if show:
        threading.Thread(target=started._watch, daemon=True).start()
    return started


def begin(
    lesson: str,
    grid: dict[str, Any] | list[str] | None = None,
    *,
    scheduler: str | None = None,
    timeout: float | None = None,
    memory: int | str | None = None,
    pages: bool = False,
    show: bool = True,
    **what: Any,
) -> "Sweep":
    """Start a sweep, all of it checked, and return at once; `sweep` tells the arguments."""
    limit = check(scheduler, what.get("shard"), timeout, memory)
    made = plan(lesson, grid, **what)
    return Sweep(made, {"timeout": timeout, "memory": limit, "page": pages}, scheduler, show)


def check(scheduler, shard, timeout, memory) -> int | None:
    """Return the memory limit in bytes; raise if one of these makes no sense."""
    if scheduler is not None and shard is not None:
        raise SweepError("scheduler and shard exclude each other: a shard needs no scheduler")
    runs.check_timeout(timeout)
    return None if memory is None else runs.memory_in_bytes(memory)


class Sweep:
    """A sweep that goes on, or has ended."""

    def __init__(self, plan: Plan, wishes: dict | None = None, scheduler=None, show: bool = True):
        self.plan = plan
        self.results: dict[str, dict] = {  # run id -> how it ended
            run_id: brief(entry) for run_id, entry in plan.done.items()
        }
        # An event, not Thread.join: Ctrl-C in a join makes Python 3.11 take the thread for ended.
        self._stop, self._ended = threading.Event(), threading.Event()
        self._problem: BaseException | None = None
        self._view = _view(plan, show)  # it remembers what was there before
        self._driver = _Driver(plan, wishes or {}, scheduler, self.results, self._stop)
        threading.Thread(target=self._drive, daemon=True).start()

    @property
    def ok(self) -> bool:
        """True when every run of the plan has finished."""
        ended = [self.results.get(point.run_id, {}) for point in self.plan.points]
        return all(end.get("status") == "finished" for end in ended)

    @property
    def going(self) -> bool:
        """True until all is done or stopped."""
        return not self._ended.is_set()

    def table(self):
        """Return the runs of this sweep as `labkit.results` shows runs, those going on too."""
        ids = [point.run_id for point in self.plan.points]
        found = table.results(self.plan.lesson, self.plan.folder)
        return found[found["run_id"].isin(ids)].reset_index(drop=True)

    def stop(self) -> None:
        """Stop the running lessons; what has finished is kept, and the same call resumes."""
        self._stop.set()

    def wait(self) -> "Sweep":
        """Show progress until all is done; Ctrl-C stops the sweep first, and is then raised."""
        with self._view as view:
            try:
                while not self._ended.wait(_TICK):
                    view.update()
            except KeyboardInterrupt:
                self.stop()
                self._ended.wait()  # a second Ctrl-C ends this at once
                raise
            finally:
                with suppress(Exception):
                    view.update()
        if self._problem:
            raise self._problem
        return self

    def _watch(self) -> None:
        """Show progress from a thread of its own; what went wrong, `wait` will raise."""
        with suppress(Exception):
            self.wait()

    def _drive(self) -> None:
        try:
            self._driver.work()
        except BaseException as error:
            self._problem = error
        finally:
            self._ended.set()

    def __repr__(self) -> str:
        return f"<sweep of {summary(self)}>"


def summary(sweep: Sweep) -> str:
    """Return how a sweep ended, in words: '01_...: 24 runs, 22 finished, 2 failed (2 timeout)'."""
    ends = [sweep.results.get(p.run_id, {"status": "not run"}) for p in sweep.plan.points]
    words = []
    for state in ("finished", "failed", "interrupted", "not run"):
        same = [end for end in ends if end["status"] == state]
        causes = Counter(end["cause"] for end in same if state == "failed")
        each = ", ".join(f"{count} {cause}" for cause, count in causes.items())
        words += [f"{len(same)} {state}" + (f" ({each})" if each else "")] if same else []
    return f"{sweep.plan.lesson}: {_count(len(ends), 'run')}, {', '.join(words)}"


# --- planning -----------------------------------------------------------------------------------


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


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
    there = set(os.listdir(made.place)) if made.place.is_dir() else set()
    for point in made.points:
        if not {point.run_id, f"{point.run_id}.failed", f"{point.run_id}.interrupted"} & there:
            continue
        entry = earlier_end(made.place, point.run_id)
        if entry is None:
            continue
        final = entry["status"] == "finished" or _kind(entry) in FINAL
        if final and not (retry_failed and entry["status"] != "finished"):
            made.done[point.run_id] = entry
        else:
            made.failures[point.run_id] = entry


def earlier_end(place: Path, run_id: str) -> dict | None:
    """Return the record of how a run ended last, None when it has not; a good end comes first."""
    for suffix in ("", ".failed", ".interrupted"):
        path = place / (run_id + suffix) / "record.json"
        if path.exists():
            entry = table.read_record(path)
            if entry["status"] != "unreadable":
                return entry
    return None


def new_end(place: Path, run_id: str, known: str | None) -> dict | None:
    """Return the record of a run's end, None if there is none but the failure known already.

    A run that was interrupted has not ended: somebody should go on with it.

    Args:
        place: the folder with the runs of the lesson.
        run_id: the run's id.
        known: when the failed run that is to be run again had started; None without one.
    """
    entry = earlier_end(place, run_id)
    if entry is None or entry["status"] == "interrupted" or entry["started"] == known:
        return None
    return entry


def _check_place(place: Path) -> None:
    """Raise a RunError if nothing can be written there."""
    probe = place / f".probe-{os.getpid()}-{threading.get_ident()}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise runs.RunError(
            f"Cannot keep results in {place}: {error.strerror or error}. "
            "Name another folder with --to or LABKIT_RUNS."
        ) from error


def _measured(made: Plan) -> tuple[float | None, str]:
    """Return (seconds a run, what tells so)."""
    found = []
    for path in sorted(made.place.glob("[0-9a-f]*/record.json"), reverse=True)[:200]:
        entry = table.read_record(path)
        if entry["status"] == "finished" and isinstance(entry.get("seconds"), int | float):
            found.append(entry["seconds"])
    if found:
        return median(found), f"the median of {_count(len(found), 'finished run')} there"
    for row in doctor.read_measured():
        if row["lesson"] == made.number:
            return row["seconds"], "one run with the defaults, from notebooks/measured.csv"
    return None, made.source


# --- driving ------------------------------------------------------------------------------------


class WorkersDied(RuntimeError):
    """The workers of a cluster died, one after the other, while they ran a lesson."""


class _Driver:
    """Hands points to an engine (threads, or dask) until every one has ended, here or elsewhere."""

    def __init__(self, plan, wishes, scheduler, results, stop):
        self._plan, self._results, self._stop = plan, results, stop
        self._waiting = deque(plan.todo)
        self._elsewhere: deque[Point] = deque()  # claimed by another driver
        self._going: dict[Future, Point] = {}
        self._known = {run_id: e["started"] for run_id, e in plan.failures.items()}
        self._retried: set[str] = set()
        self._owed: set[str] = set()  # claims that could not be given back yet
        self._refused = 0  # claims in a row that the disk refused
        self._wake = threading.Event()
        # All that can be wrong from the start is raised here, before anything runs.
        self._claims, self._engine = store.NoClaims(), None
        if plan.todo:
            _check_place(plan.place)
            if not plan.shard and not store.network(plan.folder):
                self._claims = store.Claims(plan.folder, plan.lesson)
            try:
                self._engine = self._open_engine(scheduler)
            except BaseException:
                self._claims.close()
                raise
            runs.clean(plan.place)
        self._job = self._common(wishes)

    def work(self) -> None:
        """Run all points; return when each has ended, or the running ones have stopped."""
        try:
            while self._waiting or self._elsewhere or self._going:
                self._renew()
                self._engine.check()
                self._collect()
                if self._stop.is_set():
                    self._ask_to_stop()
                    if not self._going:
                        break
                else:
                    self._fill()
                self._wake.wait(_TICK)
                self._wake.clear()
        finally:
            self._stop.set()  # whatever still goes on after an error
            self._close()

    def _fill(self) -> None:
        """Give the engine as much as it has room for."""
        for queue in (self._waiting, self._elsewhere):
            for _ in range(len(queue)):
                if len(self._going) >= self._engine.slots() or self._stop.is_set():
                    return
                self._begin(queue.popleft())

    def _begin(self, point: Point) -> None:
        """Start a point, unless it has ended or another driver has it."""
        if self._note_end(point):
            return
        try:
            if point.run_id in self._owed:  # its first attempt has not been given back yet
                self._claims.release(point.run_id)
                self._owed.discard(point.run_id)
            attempt = self._claims.claim(point.run_id)
        except store.StoreError:
            self._refused += 1
            if self._refused > _ATTEMPTS_TO_CLAIM:
                raise
            self._elsewhere.append(point)
            return
        self._refused = 0
        if attempt is None:
            self._elsewhere.append(point)
            return
        if self._note_end(point):  # it ended elsewhere just before the claim
            self._claims.unclaim(point.run_id)
            return
        job = self._job | {"parameters": point.parameters, "run_id": point.run_id}
        job |= {"attempt": attempt or None, "earlier": self._known.get(point.run_id)}
        future = self._engine.submit(job)
        self._going[future] = point
        future.add_done_callback(lambda _: self._wake.set())

    def _note_end(self, point: Point) -> bool:
        entry = new_end(self._plan.place, point.run_id, self._known.get(point.run_id))
        if entry is not None:
            self._results[point.run_id] = brief(entry)
        return entry is not None

    def _collect(self) -> None:
        for future in [future for future in self._going if future.done()]:
            point = self._going.pop(future)
            end = self._end_of(future, point)
            self._owed.add(point.run_id)
            if end["status"] != "not run":
                self._results[point.run_id] = end
            if end["cause"] == "runner error" and self._may_retry(point):
                # A full disk, a lost connection: once more, when the others have gone on.
                self._known[point.run_id] = end["started"]
                self._waiting.append(point)
        self._give_back()

    def _may_retry(self, point: Point) -> bool:
        first = point.run_id not in self._retried and not self._stop.is_set()
        self._retried.add(point.run_id)
        return first

    def _end_of(self, future: Future, point: Point) -> dict:
        """Return how a run ended, whatever became of its worker."""
        try:
            return future.result()
        except SweepError:  # nothing more can be run
            raise
        except Exception as error:
            return self._keep_failure(point, error)

    def _keep_failure(self, point: Point, error: Exception) -> dict:
        """Leave a row for a run that ended without one, where the folder lets us."""
        path = places.lesson_file(self._plan.lesson)
        kind = "killed kernel" if isinstance(error, WorkersDied) else "runner error"
        cause = " ".join(str(error).split()) or repr(error)
        entry = runs.new_entry(path, runs.read_lesson(path), point.parameters) | {
            "run_id": point.run_id,
            "status": "failed",
            "error": {"kind": kind, "message": f"lesson {self._plan.number}, {cause}"},
        }
        with suppress(runs.RunError):
            runs.leave_failure(entry, self._plan.place)
        return brief(entry)

    def _ask_to_stop(self) -> None:
        for future, point in self._going.items():
            self._engine.stop(future, self._plan.place, point.run_id)

    # Claims: a disk that is full for a moment must not end a sweep.

    def _renew(self) -> None:
        with suppress(store.StoreError):
            self._claims.renew()

    def _give_back(self) -> None:
        for run_id in list(self._owed):
            with suppress(store.StoreError):
                self._claims.release(run_id)
                self._owed.discard(run_id)

    def _open_engine(self, scheduler):
        if scheduler is None:
            return _Threads(self._plan.workers, self._stop)
        from labkit.lab.sweeps.cluster import Cluster

        engine = Cluster(scheduler, self._plan)
        self._plan.workers = engine.slots()
        return engine

    def _common(self, wishes: dict) -> dict:
        """Return what all jobs have in common, as plain data that travels to any worker."""
        share = self._engine.share if self._engine else 1
        threads = {name: str(share) for name in _THREADS if name not in os.environ}
        fork = "always" if len(self._plan.todo) > 1 else "auto"
        return wishes | {
            "lesson": self._plan.lesson,
            "folder": str(self._plan.folder),
            "fork": fork,
            # Explorers are not walked through all their settings in each run of a sweep.
            "environment": {"LABKIT_WALK": "0"} | threads,
        }

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            runs.clean(self._plan.place)
        self._owed |= {point.run_id for point in self._going.values()}
        self._give_back()
        self._claims.close()


class _Threads:
    """Runs at once on this machine: a thread for each, as the kernels are processes anyway."""

    def __init__(self, workers: int, stop: threading.Event):
        self._workers, self._stop = workers, stop
        self.share = max(1, cores() // workers)  # cores of each kernel
        self._threads: list[threading.Thread] = []

    def slots(self) -> int:
        return self._workers

    def check(self) -> None:
        """This machine is there."""

    def submit(self, job: dict) -> Future:
        future: Future = Future()
        future.set_running_or_notify_cancel()
        thread = threading.Thread(target=self._work, args=(job, future), daemon=True)
        thread.start()
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        return future

    def _work(self, job: dict, future: Future) -> None:
        try:
            future.set_result(execute(job, self._stop))
        except BaseException as error:
            future.set_exception(error)

    def stop(self, future: Future, place: Path, run_id: str) -> None:
        """All runs see the event."""

    def close(self) -> None:
        """Wait for the runs that are stopping."""
        for thread in self._threads:
            thread.join(10)


def execute(job: dict, stop: threading.Event | None = None) -> dict:
    """Run one point, unless it has ended or is going on already; return its small record.

    Called on whatever machine has the lesson, this labkit and the results folder.
    """
    stop = stop or threading.Event()
    place = Path(job["folder"]) / job["lesson"]
    while True:
        entry = new_end(place, job["run_id"], job["earlier"])
        if entry is not None:
            return brief(entry)
        if stop.is_set():
            return NOT_RUN
        if not runs.is_going(place, job["run_id"]):
            break
        stop.wait(1)  # a driver that is gone left it to its worker, or `labkit run` has it
    path = places.lesson_file(job["lesson"])
    if runs.identity(path, runs.read_lesson(path), job["parameters"]) != job["run_id"]:
        raise SweepError(
            "the lesson, labkit or a package is not the one that the sweep was planned with; was "
            "it changed meanwhile? Call the same command again"
        )
    wishes = ("folder", "timeout", "memory", "fork", "page", "attempt", "environment")
    found = {name: job.get(name) for name in wishes}
    return brief(runs.run(path.stem, job["parameters"], **found, stop=stop).entry)


def brief(entry: dict) -> dict:
    """Return the few facts of a record that a driver needs."""
    error = entry.get("error") or {}
    return {
        "status": entry["status"],
        "cause": error.get("kind"),
        "error": error.get("message"),
        "started": entry.get("started") or "",
        "seconds": entry.get("seconds"),
        "headline": records.headline(entry),
    }


# --- words --------------------------------------------------------------------------------------


def _kind(entry: dict) -> str | None:
    return (entry.get("error") or {}).get("kind")


def _state(entry: dict) -> str:
    kind = _kind(entry)
    return f"{entry['status']}: {kind}" if kind and kind != entry["status"] else entry["status"]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class _NoView:
    def update(self) -> None:
        """There is nothing to see."""


def _view(plan: Plan, show: bool):
    """Return what shows the sweep while it goes on, a context manager with `.update()`."""
    if not show:
        return nullcontext(_NoView())
    from labkit.lab.sweeps import shown as live

    return live.show(plan, plan.folder)
