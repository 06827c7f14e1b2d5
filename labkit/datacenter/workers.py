"""A pool of real processes on this machine, reused by all experiments of a lesson.

>>> def job(worker, factor):
...     return worker.rank * factor
>>> with Workers(2) as workers:
...     workers.run(job, 10)
[0, 10]
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, NamedTuple

import cloudpickle

from labkit.datacenter.links import TOKEN, Link, listen, welcome
from labkit.datacenter.parcel import pack

MOST = 32  # processes: more than that is a mistake on one machine
START = 60.0  # seconds for all processes to come up, on a machine with other work to do
GRACE = 0.6  # seconds in which the others may say what they wait for, before one is blamed
# Set before a worker starts: once NumPy is loaded it is too late.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
LOOPBACK = Link()
_COMMAND = "from labkit.datacenter.worker import main; main()"


class WorkerError(RuntimeError):
    """An experiment that ended early.

    Attributes:
        rank: the worker that is to blame; None where all wait for each other.
        cause: "raised", "killed", "hung", "finished", "deadlock" or "limit".
    """

    def __init__(self, message: str, rank: int | None, cause: str):
        super().__init__(message)
        self.rank, self.cause = rank, cause


class _Process(NamedTuple):
    popen: subprocess.Popen
    control: Connection


class Workers:
    """So many processes; they start at the first `run`, and anew after an experiment that failed.

    Args:
        size: number of processes, 1 to 32.

    Raises:
        ValueError: a size outside this range.
    """

    def __init__(self, size: int):
        if not 1 <= size <= MOST:
            raise ValueError(f"size must lie in 1 to {MOST} processes. Received: {size!r}")
        self.size = size
        self._processes: list[_Process] = []
        self._data: dict[str, Any] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, tb: TracebackType | None):
        self.close()

    def __del__(self):
        self.close()

    @property
    def pids(self) -> list[int]:
        """Process ids by rank; empty before the first run."""
        return [each.popen.pid for each in self._processes]

    def put(self, **data: Any) -> None:
        """Give every worker some data once; jobs find it in `worker.data`."""
        self._data.update(data)
        for process in self._processes:
            process.control.send(("put", pack(data)))

    def run(
        self,
        job: Callable,
        *args: Any,
        size: int | None = None,
        link: Link = LOOPBACK,
        patience: float = 2.5,
        limit: float = 60.0,
        **kwargs: Any,
    ) -> list:
        """Run `job(worker, *args, **kwargs)` in each of `size` processes; return their results.

        Args:
            job: a function, also one of a notebook.
            size: how many of the workers take part; all when None.
            link: the line of each worker.
            patience: seconds that a worker waits for a message before it gives up.
            limit: seconds for the whole experiment.

        Raises:
            ValueError: more workers than the pool has.
            WorkerError: a worker raised an error, was killed or hung; all processes are gone then.
        """
        size = self.size if size is None else size
        if not 1 <= size <= self.size:
            raise ValueError(f"size must lie in 1 to {self.size}, the pool's. Received: {size!r}")
        payload = pack((job, args, kwargs))
        try:
            self._start()
            for process in self._processes[:size]:
                process.control.send(("run", payload, size, link, patience))
            return self._collect(size, limit)
        except BaseException:
            self._kill()
            raise

    def close(self) -> None:
        """End all processes. A pool that is used again starts new ones."""
        for process in self._processes:
            with contextlib.suppress(OSError):
                process.control.send(("stop",))
        until = time.monotonic() + 1.0
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.popen.wait(max(0.0, until - time.monotonic()))
        self._kill()

    # --- processes --------------------------------------------------------------------------

    def _start(self) -> None:
        if self._processes and all(each.popen.poll() is None for each in self._processes):
            return
        self._kill()
        token = secrets.token_bytes(TOKEN)
        with listen() as door:
            command = [sys.executable, "-P", "-c", _COMMAND, str(door.getsockname()[1])]
            popens = [_spawn([*command, str(rank)], token) for rank in range(self.size)]
            try:
                controls = _meet(door, token, popens)
            except BaseException:
                for each in popens:
                    each.kill()
                    each.wait()
                raise
        self._processes = [_Process(*pair) for pair in zip(popens, controls, strict=True)]
        ports = [each.control.recv()[1] for each in self._processes]
        for each in self._processes:
            each.control.send(("join", ports))
        for each in self._processes:
            each.control.recv()
        if self._data:
            self.put(**self._data)

    def _kill(self) -> None:
        for process in self._processes:
            process.popen.kill()
        for process in self._processes:
            process.popen.wait()
            process.control.close()
        self._processes = []

    # --- how an experiment ends -------------------------------------------------------------

    def _collect(self, size: int, limit: float) -> list:
        """Wait until all have answered; blame one as soon as it is clear which."""
        controls = {each.control: rank for rank, each in enumerate(self._processes[:size])}
        told: dict[int, tuple] = {}
        until, blame_at = time.monotonic() + limit, None
        while len(told) < size:
            end = until if blame_at is None else min(until, blame_at)
            waiting = [c for c, rank in controls.items() if rank not in told]
            for control in wait(waiting, timeout=max(0.0, end - time.monotonic())):
                rank = controls[control]
                told[rank] = self._answer(rank)
                if told[rank][0] == "stalled" and blame_at is None:
                    blame_at = time.monotonic() + GRACE
            if time.monotonic() >= end:
                break
        stalled = {rank: answer for rank, answer in told.items() if answer[0] == "stalled"}
        if stalled:
            raise _blame(stalled, told)
        if len(told) < size:
            missing = sorted(set(range(size)) - set(told))
            raise WorkerError(
                f"{_named(missing)} did not finish within {limit:g} s; allow more with limit=",
                missing[0],
                "limit",
            )
        return [cloudpickle.loads(told[rank][1]) for rank in range(size)]

    def _answer(self, rank: int) -> tuple:
        process = self._processes[rank]
        try:
            answer = process.control.recv()
        except (EOFError, OSError):
            raise _ended(rank, process.popen.wait()) from None
        if answer[0] == "raised":
            raise WorkerError(f"worker {rank} raised {answer[1]}\n\n{answer[2]}", rank, "raised")
        return answer


def _blame(stalled: dict[int, tuple], told: dict[int, tuple]) -> WorkerError:
    """Follow who waits for whom to the worker that waits for nobody."""
    first = min(stalled)
    chain = [first]
    while chain[-1] in stalled:
        after = stalled[chain[-1]][1]
        if after in chain:
            ring = " waits for ".join(f"worker {r}" for r in [*chain[chain.index(after) :], after])
            return WorkerError(f"deadlock: {ring}", None, "deadlock")
        chain.append(after)
    culprit, waiter = chain[-1], chain[-2]
    seconds = stalled[waiter][2]
    waited = "" if seconds is None else f" for {seconds:.1f} s"
    if culprit in told:
        message = f"worker {waiter} waits for worker {culprit}, which has finished its job"
        return WorkerError(message, culprit, "finished")
    message = f"worker {culprit} hung: worker {waiter} waited{waited} for it in vain"
    return WorkerError(message, culprit, "hung")


def _ended(rank: int, code: int) -> WorkerError:
    if code < 0:
        name = signal.Signals(-code).name
        return WorkerError(f"worker {rank} was killed by {name}", rank, "killed")
    return WorkerError(f"worker {rank} ended by itself with exit code {code}", rank, "killed")


def _named(ranks: list[int]) -> str:
    return f"worker{'s' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"


def _spawn(command: list[str], token: bytes) -> subprocess.Popen:
    popen = subprocess.Popen(
        command,
        env=os.environ | ONE_THREAD,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # a terminal's Ctrl-C reaches the pool alone
    )
    popen.stdin.write(token.hex().encode() + b"\n")
    popen.stdin.close()
    return popen


def _meet(door: socket.socket, token: bytes, popens: list[subprocess.Popen]) -> list[Connection]:
    """Wait until every process has called and shown the token."""
    met: dict[int, Connection] = {}
    until = time.monotonic() + START
    door.settimeout(0.1)

    def let_in(line: socket.socket) -> None:
        if (rank := welcome(line, token)) is not None:
            met[rank] = Connection(line.detach())

    while len(met) < len(popens):
        for rank, popen in enumerate(popens):
            if rank not in met and popen.poll() is not None:
                raise _ended(rank, popen.returncode)
        if time.monotonic() > until:
            missing = sorted(set(range(len(popens))) - set(met))
            raise WorkerError(f"{_named(missing)} did not start in {START:g} s", missing[0], "hung")
        try:
            line, _ = door.accept()
        except TimeoutError:
            continue
        threading.Thread(target=let_in, args=(line,), daemon=True).start()
    return [met[rank] for rank in range(len(popens))]
