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
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from itertools import count
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any

from labkit.datacenter import processes
from labkit.datacenter.links import Link
from labkit.datacenter.parcel import pack, unpack
from labkit.datacenter.parent import forget_in_copies
from labkit.datacenter.processes import Process
from labkit.datacenter.watch import Pulse, WorkerError, blame, named

MOST = 32  # processes: more than that is a mistake on one machine
TICK = 0.25  # seconds from one look at the workers to the next
LOOPBACK = Link()


class Workers:
    """So many processes; they start at the first `run`, and anew after an experiment that failed.

    Args:
        size: number of processes, 1 to 32.

    Raises:
        ValueError: a size outside this range.
        OSError: on Windows.
    """

    def __init__(self, size: int):
        self._processes: list[Process] = []
        if os.name != "posix":
            raise OSError("workers need Linux or macOS; on Windows use its Linux subsystem, WSL")
        if not 1 <= size <= MOST:
            raise ValueError(f"size must lie in 1 to {MOST} processes. Received: {size!r}")
        self.size = size
        self._data: dict[str, bytes] = {}
        self._numbers = count(1)  # of the experiments
        self._one_at_a_time = threading.Lock()
        forget_in_copies(self)

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
        with self._one_at_a_time, self._all_or_none():
            # Where one is gone, the next run starts all anew, with this data.
            if all(each.runs() for each in self._processes):
                self._send_data(packed)
            else:
                self._kill()

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
        try:
            with self._one_at_a_time, self._all_or_none():
                self._start()
                number = next(self._numbers)
                for process in self._processes[:size]:
                    process.send(("run", number, size, link, packed))
                return self._collect(number, size, patience, limit)
        except WorkerError as error:
            # The message says it all: where in this module it was found helps nobody.
            raise error.with_traceback(None) from None

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
        if not self._processes or not all(each.runs() for each in self._processes):
            self._kill()
            self._processes = processes.start(self.size)
            self._send_data(self._data)

    def _send_data(self, data: dict[str, bytes]) -> None:
        for name, packed in data.items():
            for process in self._processes:
                process.send(("put", name, packed))

    @contextlib.contextmanager
    def _all_or_none(self) -> Iterator[None]:
        """Leave no process after an error, nor after Ctrl-C in the middle of a message."""
        try:
            yield
        except BaseException:
            self._kill()
            raise

    def _kill(self) -> None:
        processes.end([each.popen for each in self._processes])
        for process in self._processes:
            process.control.close()
        self._processes = []

    def _forget(self) -> None:
        """Leave the processes alone: this is a copy, by fork, of the pool that has them."""
        for process in self._processes:
            process.control.close()
            process.popen.stdin.close()
        self._processes, self._one_at_a_time = [], threading.Lock()

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
        match self._processes[rank].hear():
            case ("so far", of, *answer) if of == number:
                pulses[rank].hear(time.monotonic(), *answer)
            case ("print", stream, lines):
                _show(rank, stream, lines)
            case ("done", *answer):
                done[rank] = answer
                del pulses[rank]
            case ("cut", other):
                raise self._processes[other].error()
            case ("raised", words, frames):
                raise _raised(rank, words, frames)
            case ("unpacked", words):
                raise WorkerError(f"the result of worker {rank}: {words}", rank, "pickle")

    def _look(self, pulses: dict[int, Pulse], now: float, since: float) -> None:
        """See how much each process has worked, and ask how far it is."""
        for rank, pulse in pulses.items():
            if self._processes[rank].left_children():
                raise self._processes[rank].error()
            pulse.since += max(0.0, since - 2 * TICK)  # this process was away itself
            pulse.look(now, *self._processes[rank].look())
            self._processes[rank].send("how far?")


def _pack(value: Any, what: str) -> bytes:
    try:
        return pack(value)
    except TypeError as error:
        raise WorkerError(f"{what}: {error}", None, "pickle") from None


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
    # Whoever waits for another one is not to blame; in a circle all are.
    slow = [rank for rank, pulse in pulses.items() if pulse.waits_for is None] or list(pulses)
    waited = f", and {named(rest)} waited" if (rest := sorted(pulses.keys() - slow)) else ""
    message = f"{named(slow)} did not finish within {limit:g} s{waited}"
    return WorkerError(f"{message}. If that needs longer, set limit=.", slow[0], "limit")


def _show(rank: int, stream: str, lines: list[str]) -> None:
    print(*(f"[worker {rank}] {line}" for line in lines), sep="\n", file=getattr(sys, stream))
