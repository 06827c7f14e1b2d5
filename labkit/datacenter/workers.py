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
import struct
import subprocess
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from itertools import count
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import labkit
from labkit.datacenter.links import TOKEN, Link, listen, meet
from labkit.datacenter.parcel import pack, unpack
from labkit.datacenter.watch import Pulse, WorkerError, blame, named

MOST = 32  # processes: more than that is a mistake on one machine
START = 60.0  # seconds for all processes to come up, on a machine with other work to do
TICK = 0.25  # seconds from one look at the workers to the next
SILENCE = 3  # seconds that a process may pause within a message to or from the pool
# Set before a worker starts: once NumPy is loaded it is too late.
ONE_THREAD = dict.fromkeys(
    (f"{name}_NUM_THREADS" for name in ("OPENBLAS", "OMP", "MKL", "BLIS")), "1"
) | {"VECLIB_MAXIMUM_THREADS": "1"}
LOOPBACK = Link()
# This labkit, not another one that may be installed; and no module of the learner's folder (-P).
_COMMAND = (
    "import sys; sys.path.insert(0, sys.argv.pop()); "
    "from labkit.datacenter.worker import main; main()"
)


class _Process(NamedTuple):
    popen: subprocess.Popen
    control: Connection


class Workers:
    """So many processes; they start at the first `run`, and anew after an experiment that failed.

    Args:
        size: number of processes, 1 to 32.

    Raises:
        ValueError: a size outside this range.
        OSError: on Windows.
    """

    def __init__(self, size: int):
        self._processes: list[_Process] = []
        if os.name != "posix":
            raise OSError("workers need Linux or macOS; on Windows use its Linux subsystem, WSL")
        if not 1 <= size <= MOST:
            raise ValueError(f"size must lie in 1 to {MOST} processes. Received: {size!r}")
        self.size = size
        self._data: dict[str, bytes] = {}
        self._numbers = count(1)  # of the experiments
        self._one_at_a_time = threading.Lock()
        _POOLS.add(self)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, tb: TracebackType | None):
        self.close()

    def __del__(self):
        self.close()

    def __reduce__(self):
        raise TypeError("a pool stays where it is; use the worker that the job is given")

    @property
    def pids(self) -> list[int]:
        """Process ids by rank; empty before the first run."""
        return [each.popen.pid for each in self._processes]

    def put(self, **data: Any) -> None:
        """Give every worker some data once; jobs find it in `worker.data`.

        Raises:
            WorkerError: something that cannot travel to another process.
        """
        packed = {name: _pack(value, name) for name, value in data.items()}
        self._data.update(packed)
        with self._one_at_a_time:
            try:
                self._send_data(packed)
            except WorkerError:  # one is gone: the next run starts all anew, with this data
                self._kill()
            except BaseException:  # Ctrl-C, in the middle of a message
                self._kill()
                raise

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

        What a job prints appears here, behind the name of its worker.

        Args:
            job: a function, also one of a notebook.
            size: how many of the workers take part; all when None.
            link: the line of each worker.
            patience: seconds that a worker may do nothing at all: no work, no bytes.
            limit: seconds for the whole experiment.

        Raises:
            ValueError: more workers than the pool has.
            WorkerError: a worker raised an error, was killed or hung; all processes are gone then.
        """
        size = self.size if size is None else size
        if not 1 <= size <= self.size:
            raise ValueError(f"size must lie in 1 to {self.size}, the pool's. Received: {size!r}")
        packed = _pack((job, args, kwargs), "the job")
        with self._one_at_a_time:
            try:
                self._start()
                number = next(self._numbers)
                for rank in range(size):
                    self._send(rank, ("run", number, size, link, packed))
                return self._collect(number, size, patience, limit)
            except BaseException:  # Ctrl-C too
                self._kill()
                raise

    def close(self) -> None:
        """End all processes. A pool that is used again starts new ones."""
        for process in self._processes:
            process.control.close()  # a worker ends when its pool is gone
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
        popens: list[subprocess.Popen] = []
        try:
            with listen() as door:
                for rank in range(self.size):
                    popens.append(_spawn(door.getsockname()[1], rank, token))
                lines = meet(door, token, range(self.size), _all_come(popens))
        except BaseException:
            _end(popens)
            raise
        controls = [_control(lines[rank]) for rank in range(self.size)]
        self._processes = [_Process(*pair) for pair in zip(popens, controls, strict=True)]
        ports = [self._hear(rank, START)[0] for rank in range(self.size)]
        for rank in range(self.size):
            self._send(rank, ports)
        for rank in range(self.size):
            self._hear(rank, START)  # it has met the others
        self._send_data(self._data)

    def _send_data(self, data: dict[str, bytes]) -> None:
        for name, packed in data.items():
            for rank in range(len(self._processes)):
                self._send(rank, ("put", name, packed))

    def _kill(self) -> None:
        _end([each.popen for each in self._processes])
        for process in self._processes:
            process.control.close()
        self._processes = []

    def _forget(self) -> None:
        """Leave the processes alone: this is a copy, by fork, of the process that has them."""
        for process in self._processes:
            process.control.close()
            process.popen.returncode = 0  # no child of this process
        self._processes, self._one_at_a_time = [], threading.Lock()

    def _send(self, rank: int, message: Any) -> None:
        try:
            self._processes[rank].control.send(message)
        except OSError:
            raise self._ended(rank) from None

    def _hear(self, rank: int, seconds: float = 0.0) -> tuple:
        control = self._processes[rank].control
        try:
            if seconds and not control.poll(seconds):
                raise TimeoutError
            return control.recv()
        except (EOFError, OSError):
            raise self._ended(rank) from None

    def _ended(self, rank: int) -> WorkerError:
        """Return how a process ended that cannot be reached."""
        try:
            return _ended(rank, self._processes[rank].popen.wait(1.0))
        except subprocess.TimeoutExpired:
            return WorkerError(f"worker {rank} hung: its line is cut or silent", rank, "hung")

    # --- how an experiment ends -------------------------------------------------------------

    def _collect(self, number: int, size: int, patience: float, limit: float) -> list:
        """Wait until all have answered, and look at them now and then; return the results."""
        begun = looked = time.monotonic()
        pulses = {rank: Pulse(begun) for rank in range(size)}  # of those that have not finished
        done: dict[int, tuple] = {}
        while pulses:
            ranks = {self._processes[rank].control: rank for rank in pulses}
            for control in wait(list(ranks), timeout=TICK):
                self._take(ranks[control], number, pulses, done)
            now = time.monotonic()
            if pulses and now >= looked + TICK:
                self._look(pulses, now, now - looked)
                looked = now
                late = _late(pulses, limit) if now > begun + limit else None
                if error := blame(pulses, now, patience) or late:
                    raise error
        return _results(done)

    def _take(self, rank: int, number: int, pulses: dict[int, Pulse], done: dict) -> None:
        """Take one message of a worker."""
        match self._hear(rank):
            case ("so far", of, *answer) if of == number:
                pulses[rank].hear(time.monotonic(), *answer)
            case ("print", stream, lines):
                _show(rank, stream, lines)
            case ("done", *answer):
                done[rank] = answer
                del pulses[rank]
            case ("cut", other):
                raise self._ended(other)
            case ("raised", words, frames):
                raise _raised(rank, words, frames)
            case ("unpacked", words):
                raise WorkerError(f"the result of worker {rank}: {words}", rank, "pickle")

    def _look(self, pulses: dict[int, Pulse], now: float, since: float) -> None:
        """See how much each process has worked, and ask how far it is."""
        for rank, pulse in pulses.items():
            pulse.since += max(0.0, since - 2 * TICK)  # this process was away itself
            pulse.look(now, *_cpu_and_stopped(self._processes[rank].popen.pid))
            self._send(rank, "how far?")


def _pack(value: Any, what: str) -> bytes:
    try:
        return pack(value)
    except TypeError as error:
        raise WorkerError(f"{what}: {error}", None, "pickle") from error


def _results(done: dict[int, tuple]) -> list:
    """Return the results by rank; what was sent must have been read, or the next job reads it."""
    for rank, (_, sent_to, _) in sorted(done.items()):
        for peer, messages in sent_to.items():
            if left := messages - done[peer][2][rank]:
                raise WorkerError(
                    f"worker {peer} finished without {left} of the messages that worker {rank} "
                    f"sent it. Receive what is sent, or do not send it.",
                    peer,
                    "unread",
                )
    return [_unpacked(rank, done[rank][0]) for rank in sorted(done)]


def _unpacked(rank: int, packed: bytes) -> Any:
    try:
        return unpack(packed)
    except Exception as error:
        message = f"the result of worker {rank} cannot be read here: {error!r}"
        raise WorkerError(message, rank, "pickle") from error


def _raised(rank: int, words: str, frames: list) -> WorkerError:
    # Formatted here, where the lines of a notebook's cells are known.
    calls = [traceback.FrameSummary(*frame, lookup_line=False) for frame in frames]
    told = "".join(traceback.format_list(calls))
    return WorkerError(f"worker {rank} raised {words}\n\n{told}", rank, "raised")


def _late(pulses: dict[int, Pulse], limit: float) -> WorkerError:
    message = f"{named(list(pulses))} did not finish within {limit:g} s"
    return WorkerError(f"{message}. If it needs longer, set limit=.", min(pulses), "limit")


def _ended(rank: int, code: int) -> WorkerError:
    if code >= 0:
        message = f"worker {rank} ended by itself with exit code {code}, before its job was done"
        return WorkerError(f"{message}. Let the job return instead.", rank, "exited")
    told = f"worker {rank} was killed by {signal.Signals(-code).name}"
    if code == -signal.SIGKILL:
        told += ". If nobody did that, the system ran out of memory: use less data, fewer workers"
    return WorkerError(told, rank, "killed")


def _show(rank: int, stream: str, lines: list[str]) -> None:
    print(*(f"[worker {rank}] {line}" for line in lines), sep="\n", file=getattr(sys, stream))


def _cpu_and_stopped(pid: int) -> tuple[float, bool]:
    """Return the seconds of a processor that a process has used, and whether it is stopped."""
    import psutil

    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        return times.user + times.system, process.status() == psutil.STATUS_STOPPED
    except psutil.Error:  # it is gone, as its line will tell
        return 0.0, False


# --- processes ------------------------------------------------------------------------------


def _spawn(port: int, rank: int, token: bytes) -> subprocess.Popen:
    here = Path(labkit.__file__).parents[1]
    popen = subprocess.Popen(
        [sys.executable, "-P", "-c", _COMMAND, str(port), str(rank), str(here)],
        env=os.environ | ONE_THREAD,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # a terminal's Ctrl-C reaches the pool alone
    )
    with contextlib.suppress(OSError), popen.stdin as way_in:  # if it is gone, `meet` finds out
        way_in.write(token.hex().encode() + b"\n")
    return popen


def _all_come(popens: list[subprocess.Popen]) -> Callable[[list[int]], None]:
    """Return what raises an error when a process that has not come yet will not come."""
    until = time.monotonic() + START

    def check(missing: list[int]) -> None:
        for rank in missing:
            if popens[rank].poll() is not None:
                raise _ended(rank, popens[rank].returncode)
        if time.monotonic() > until:
            message = f"{named(missing)} did not start in {START:g} s"
            raise WorkerError(message, missing[0], "hung")

    return check


def _control(line: socket.socket) -> Connection:
    """Return a line for orders on which nobody waits for long within a message."""
    for way in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        line.setsockopt(socket.SOL_SOCKET, way, struct.pack("ll", SILENCE, 0))
    return Connection(line.detach())


def _end(popens: list[subprocess.Popen]) -> None:
    """Kill processes and what they have started, and wait until they are gone."""
    for each in popens:
        if each.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(each.pid, signal.SIGKILL)
    for each in popens:
        each.wait()


_POOLS: weakref.WeakSet[Workers] = weakref.WeakSet()


def _forget_all() -> None:
    for pool in list(_POOLS):
        pool._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
