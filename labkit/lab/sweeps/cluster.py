"""A sweep on more than one machine: the runs are tasks of an existing dask scheduler.

The workers share nothing with the driver but the results folder, which every one of them must see
under the same path. They never open its SQLite file: claims are the driver's business. A task
looks first whether its run has ended, so it may be repeated, on any worker, at any time.
"""

import importlib.metadata
import itertools
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from labkit import machine
from labkit.lab import lesson as lessons
from labkit.lab.records import folders
from labkit.lab.runs import keeping
from labkit.lab.sweeps.grids import SweepError
from labkit.lab.sweeps.planning import Plan
from labkit.lab.sweeps.worker import NOT_RUN, End, Job, WorkersDied, execute

_PATIENCE = 5  # seconds to wait for a scheduler to answer, and for a first worker
_RETRIES = 2  # of a task that fails by itself; a worker that dies is dask's own business
_LOOK = 5.0  # seconds between two looks at how many workers there are
_GONE = 10.0  # seconds without the scheduler after which it is taken for gone
_SCHEMES = ("tcp", "tls", "ucx", "ws", "wss")
_INSTALL = "pip install 'labkit[cluster]' adds it"


class Cluster:
    """The engine of a sweep that hands its runs to dask.distributed."""

    def __init__(self, address: str, plan: Plan):
        _check_address(address)
        try:
            from distributed import Client, LocalCluster  # noqa: F401
        except ImportError:
            raise SweepError(f"--scheduler needs dask.distributed; {_INSTALL}") from None
        logging.getLogger("distributed").setLevel(logging.ERROR)  # it tells of each lost worker
        self._local = _local_cluster(plan.workers) if address == "local" else None
        self._token, self._count = uuid4().hex[:8], itertools.count()
        self._address, self._seen = address, time.monotonic()
        self._slots, self._looked = 0, 0.0
        try:
            self._client = _connect(self._local or address)
            try:
                self.share = _check_workers(self._client, address, plan)
            except BaseException:
                self._client.close()
                raise
        except BaseException:
            if self._local is not None:
                self._local.close()
            raise

    def slots(self) -> int:
        """Return how many runs go on at once: one for each thread of a worker.

        Nothing waits at the workers: dask blames all that a worker had when it died.
        """
        if time.monotonic() - self._looked > _LOOK and self._client.status == "running":
            self._slots = max(1, sum(self._client.nthreads().values()))
            self._looked = time.monotonic()
        return self._slots

    def check(self) -> None:
        """Raise a SweepError when the scheduler has been away for long."""
        if self._client.status == "running":
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > _GONE:
            raise _dropped(f"The scheduler at {self._address} is gone.")

    def submit(self, job: Job) -> "Task":
        """Hand one run to the scheduler."""
        key = f"labkit-{job.run_id}-{self._token}-{next(self._count)}"
        future = self._client.submit(execute, job, key=key, pure=False, retries=_RETRIES)
        return Task(future)

    def stop(self, task: "Task", place: Path, run_id: str) -> None:
        """Take back a run that has not begun; ask the worker to stop one that has."""
        if keeping.runs_now(place, run_id):
            folders.ask_to_stop(place, run_id)
        else:
            task.cancel()

    def close(self) -> None:
        """Leave the scheduler as it was found."""
        with suppress(OSError, TimeoutError):  # it may be gone
            self._client.close(timeout=_PATIENCE)
        if self._local is not None:
            self._local.close()


class Task:
    """A run at the scheduler; the same few methods as `concurrent.futures.Future`."""

    def __init__(self, future: Any):
        self._future = future
        self.taken_back = False

    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._future.done()

    def cancel(self) -> None:
        """Take it back."""
        self.taken_back = True
        self._future.cancel()

    def add_done_callback(self, call: Callable[[Any], None]) -> None:
        """Call back when it has ended."""
        self._future.add_done_callback(call)

    def result(self) -> End:
        """Return how the run ended.

        Raises:
            WorkersDied: several workers in a row died while they ran it.
            SweepError: the scheduler dropped it.
        """
        from distributed import CancelledError, KilledWorker

        if self.taken_back:
            return NOT_RUN

        try:
            return self._future.result()
        except KilledWorker as error:
            raise WorkersDied(
                f"the workers that ran it died, the last was {error.last_worker.address}"
            ) from None
        except CancelledError:
            raise _dropped("The scheduler dropped a run; is it still there?") from None


def _dropped(what: str) -> SweepError:
    return SweepError(f"{what} What has finished is kept: the same command goes on from there.")


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    try:
        good = address == "local" or (parts.scheme in _SCHEMES and parts.hostname and parts.port)
    except ValueError:  # a port that is no number
        good = False
    if not good:
        raise SweepError(
            f"scheduler = {address!r} is not allowed; it is an address such as tcp://head:8786, "
            "or local, which tries a scheduler with workers on this machine"
        )


def _local_cluster(workers: int):
    from distributed import LocalCluster

    try:
        importlib.metadata.version("cryptography")
    except importlib.metadata.PackageNotFoundError:
        raise SweepError(f"--scheduler local needs the package cryptography; {_INSTALL}") from None
    # A dask scheduler runs whatever it is sent. So: this machine only, and no one without the
    # certificate that lives as long as this process.
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        security=True,
        protocol="tls",
    )


def _connect(address: Any):
    from distributed import Client

    try:
        return Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise SweepError(
            f"No dask scheduler answers at {address} within {_PATIENCE} s "
            f"({' '.join(str(error).split())[:200]}). Start one there with `dask scheduler`, or "
            "leave --scheduler out to use this machine"
        ) from error


def _check_workers(client, address: str, plan: Plan) -> int:
    """Check that the workers can run the plan; return the threads that one kernel may use."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError:
        raise SweepError(
            f"The scheduler at {address} has no workers. Start some, on any machine that sees "
            f"{plan.folder}: dask worker {address} --nthreads 1"
        ) from None
    probe = plan.place / f".probe-{uuid4().hex[:8]}"
    probe.touch()
    try:
        found = client.run(describe, plan.lesson.address, str(probe), on_error="return")
    finally:
        probe.unlink()
    own = describe(plan.lesson.address, None)
    for worker, facts in found.items():
        _compare(worker, facts, own, plan)
    return _share(client, found)


def describe(lesson: str, probe: str | None) -> dict:
    """Return what decides the results of a run on this machine, and what it sees of the folder.

    >>> describe("01", "no/such/folder")["sees"]
    False
    """
    return {
        "run id": lessons.read(lesson).identity({}),
        "facts": {"labkit code": lessons.code_digest(), **lessons.versions()},
        "sees": probe is None or Path(probe).exists(),
        "cores": machine.cores(),
    }


def _compare(worker: str, facts: Any, own: dict, plan: Plan) -> None:
    """Raise a SweepError if a worker would compute something else, or elsewhere."""
    if isinstance(facts, BaseException):
        raise SweepError(
            f"The worker at {worker} cannot run labkit: {type(facts).__name__}: {facts}. Install "
            "the same labkit there, with the same lessons (LABKIT_HOME names their folder)"
        )
    theirs, ours = facts["facts"], own["facts"]
    differ = [
        f"{name} {theirs.get(name)} there, {ours.get(name)} here"
        for name in {**ours, **theirs}
        if theirs.get(name) != ours.get(name)
    ]
    if not differ and facts["run id"] != own["run id"]:
        differ = ["another code in the notebook of the lesson"]
    if differ:
        raise SweepError(
            f"The worker at {worker} would run something else than was planned: "
            f"{'; '.join(differ)}. Install the same labkit and packages there, restart the worker"
        )
    if not facts["sees"]:
        raise SweepError(
            f"The worker at {worker} does not see {plan.folder}. Name with --to a folder that all "
            "machines share under the same path"
        )


def _share(client, found: dict[str, dict]) -> int:
    """Return cores for each run on the fullest machine."""
    threads: dict[str | None, int] = {}
    for worker, count in client.nthreads().items():
        host = urlsplit(worker).hostname
        threads[host] = threads.get(host, 0) + count
    shares = [f["cores"] // threads.get(urlsplit(w).hostname, 1) for w, f in found.items()]
    return max(1, min(shares, default=1))
