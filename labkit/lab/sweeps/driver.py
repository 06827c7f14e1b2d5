"""What drives a sweep: hands points to an engine until each has ended, here or elsewhere."""

import os
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from labkit import machine
from labkit.lab import files
from labkit.lab.records import entry
from labkit.lab.records.entry import Failure
from labkit.lab.runs import keeping
from labkit.lab.runs.limits import RunError
from labkit.lab.sweeps.grids import SweepError
from labkit.lab.sweeps.leases import Leases, NoLeases
from labkit.lab.sweeps.planning import Plan, Point
from labkit.lab.sweeps.worker import NOT_RUN, THREADS, End, Job, WorkersDied, execute, new_end

TICK = 0.5  # seconds between two looks at what goes on
_ATTEMPTS_TO_KEEP = 10  # a disk may be full for a moment, until the run that filled it has ended


class Driver:
    """Hands points to an engine (threads, or dask) until every one has ended, here or elsewhere."""

    def __init__(
        self,
        plan: Plan,
        wishes: dict[str, Any],
        scheduler: str | None,
        results: dict[str, End],
        stop: threading.Event,
    ):
        self._plan, self._results, self._stop = plan, results, stop
        self._waiting = deque(plan.todo)
        self._elsewhere: deque[Point] = deque()  # another driver has them
        self._going: dict[Future, Point] = {}
        self._known = {run_id: end.started for run_id, end in plan.failures.items()}
        self._retried: set[str] = set()
        self._refused = 0  # leases and results in a row that could not be kept
        self._wake = threading.Event()
        self._wake.set()  # there is something to begin
        shared = not plan.shard and not files.network(plan.folder)
        self._leases = Leases(plan.place) if shared else NoLeases(plan.place)
        # All that can be wrong from the start is raised here, before anything runs.
        self._engine = None
        if plan.todo:
            _check_place(plan.place)
            self._engine = self._open_engine(scheduler)
            keeping.clean(plan.place)
        self._options = self._run_options(wishes)

    def work(self) -> None:
        """Run all points; return when each has ended, or the running ones have stopped."""
        try:
            while self._waiting or self._elsewhere or self._going:
                self._wake.wait(TICK)
                self._wake.clear()
                self._engine.check()
                self._collect()
                if self._stop.is_set():
                    self._ask_to_stop()
                    if not self._going:
                        break
                else:
                    self._fill()
                if self._refused:  # a disk that is full for a moment must not end a sweep
                    self._stop.wait(TICK)
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
        if not self._take(point.run_id):
            self._elsewhere.append(point)
        elif self._note_end(point):  # it ended elsewhere just before
            self._leases.give_back(point.run_id)
        else:
            future = self._engine.submit(self._job(point))
            self._going[future] = point
            future.add_done_callback(lambda _: self._wake.set())

    def _take(self, run_id: str) -> bool:
        try:
            taken = self._leases.take(run_id)
        except OSError as error:
            self._note_refusal(_cannot_keep(self._plan.place, error))
            return False
        return taken

    def _note_refusal(self, error: RunError) -> None:
        self._refused += 1
        if self._refused > _ATTEMPTS_TO_KEEP:
            raise error

    def _job(self, point: Point) -> Job:
        return Job(
            lesson=self._plan.lesson.address,
            folder=str(self._plan.folder),
            parameters=point.parameters,
            run_id=point.run_id,
            earlier=self._known.get(point.run_id),
            options=self._options,
        )

    def _note_end(self, point: Point) -> bool:
        end = new_end(self._plan.place, point.run_id, self._known.get(point.run_id))
        if end is not None:
            self._results[point.run_id] = end
        return end is not None

    def _collect(self) -> None:
        for future in [future for future in self._going if future.done()]:
            point = self._going.pop(future)
            end = self._end_of(future, point)
            self._leases.give_back(point.run_id)
            if end is not NOT_RUN:
                self._results[point.run_id] = end
            if end.cause == "runner error" and self._may_retry(point):
                # A full disk, a lost connection: once more, when the others have gone on.
                self._known[point.run_id] = end.started
                self._waiting.append(point)

    def _may_retry(self, point: Point) -> bool:
        first = point.run_id not in self._retried and not self._stop.is_set()
        self._retried.add(point.run_id)
        return first

    def _end_of(self, future: Future, point: Point) -> End:
        """Return how a run ended, whatever became of its worker."""
        try:
            end = future.result()
        except SweepError:  # nothing more can be run
            raise
        except RunError as error:
            self._retried.discard(point.run_id)  # it is tried until there is room, or for so long
            self._note_refusal(error)
            return self._keep_failure(point, error)
        except Exception as error:
            return self._keep_failure(point, error)
        self._refused = 0
        return end

    def _keep_failure(self, point: Point, error: Exception) -> End:
        """Leave a row for a run that ended without one, where the folder lets us."""
        kind = "killed kernel" if isinstance(error, WorkersDied) else "runner error"
        record = entry.begin(self._plan.lesson, point.parameters, point.run_id)
        record.status, record.error = "failed", Failure.of(kind, str(error) or repr(error))
        with suppress(RunError):
            keeping.leave_failure(record, self._plan.place)
        return End.of(record)

    def _ask_to_stop(self) -> None:
        for future, point in self._going.items():
            self._engine.stop(future, self._plan.place, point.run_id)

    def _open_engine(self, scheduler):
        if scheduler is None:
            return Threads(self._plan.workers, self._stop)
        from labkit.lab.sweeps.cluster import Cluster

        engine = Cluster(scheduler, self._plan)
        self._plan.workers = engine.slots()
        return engine

    def _run_options(self, wishes: dict) -> dict:
        """Return what all runs are asked for."""
        share = self._engine.share if self._engine else 1
        threads = {name: str(share) for name in THREADS if name not in os.environ}
        fork = "always" if len(self._plan.todo) > 1 else "auto"
        # Explorers are not walked through all their settings in each run of a sweep.
        return wishes | {"fork": fork, "environment": {"LABKIT_WALK": "0"} | threads}

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            keeping.clean(self._plan.place)
        self._leases.close()


class Threads:
    """Runs at once on this machine: a thread for each, as the kernels are processes anyway."""

    def __init__(self, workers: int, stop: threading.Event):
        self._workers, self._stop = workers, stop
        self.share = max(1, machine.cores() // workers)  # cores of each kernel
        self._threads: list[threading.Thread] = []

    def slots(self) -> int:
        """Return how many runs go on at once."""
        return self._workers

    def check(self) -> None:
        """This machine is there."""

    def submit(self, job: Job) -> Future:
        """Start one run."""
        future: Future = Future()
        future.set_running_or_notify_cancel()
        thread = threading.Thread(target=self._work, args=(job, future), daemon=True)
        thread.start()
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        return future

    def _work(self, job: Job, future: Future) -> None:
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


def _check_place(place: Path) -> None:
    """Raise a RunError if nothing can be written there."""
    probe = place / f".probe-{os.getpid()}-{threading.get_ident()}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(bytes(10_000))  # an empty file fits on a full disk
        probe.unlink()
    except OSError as error:
        raise _cannot_keep(place, error) from error


def _cannot_keep(place: Path, error: OSError) -> RunError:
    return RunError(
        f"Cannot keep results in {place}: {error.strerror or error}. Free some space, or name "
        "another folder with --to or LABKIT_RUNS."
    )
