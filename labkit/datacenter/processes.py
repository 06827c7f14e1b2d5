"""The processes of a pool: started, spoken to, looked at and ended.

Each gets a session of its own, one thread for its matrix products, and a secret on its standard
input that lets it in. It listens on loopback, and nobody can call it once all have met.
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
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import labkit
from labkit.datacenter.links import TOKEN, listen, meet
from labkit.datacenter.watch import WorkerError, named

START = 60.0  # seconds for all processes to come up, on a machine with other work to do
SILENCE = 3  # seconds that a process may pause within a message to or from the pool
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
# Set before a worker starts: once NumPy is loaded it is too late.
ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
# This labkit, not another one that may be installed; and no module of the learner's folder (-P).
COMMAND = (
    "import sys; sys.path.insert(0, sys.argv.pop()); "
    "from labkit.datacenter.worker import main; main()"
)


class Process:
    """One worker as its pool has it: the process, and the line for orders and answers."""

    def __init__(self, rank: int, popen: subprocess.Popen, line: socket.socket):
        self.rank, self.popen = rank, popen
        for way in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            line.setsockopt(socket.SOL_SOCKET, way, struct.pack("ll", SILENCE, 0))
        self.control = Connection(line.detach())

    def send(self, message: Any) -> None:
        """Send one message, whole.

        Raises:
            WorkerError: how the process ended.
        """
        try:
            self.control.send(message)
        except OSError:
            raise self.error() from None

    def hear(self, seconds: float = 0.0) -> tuple:
        """Return the next message; with `seconds`, wait that long for its begin.

        Raises:
            WorkerError: how the process ended.
        """
        try:
            if seconds and not self.control.poll(seconds):
                raise TimeoutError
            return self.control.recv()
        except (EOFError, OSError):
            raise self.error() from None

    def error(self) -> WorkerError:
        """Return why this process cannot be reached."""
        try:
            return ended(self.rank, self.popen.wait(1.0))
        except subprocess.TimeoutExpired:
            return WorkerError(f"worker {self.rank} hung: its line is silent", self.rank, "hung")

    def runs(self) -> bool:
        """Return whether the process is still there."""
        return self.popen.poll() is None

    def left_children(self) -> bool:
        """Return whether it is gone and said all, but a child of its keeps the line open."""
        return not self.runs() and not self.control.poll()

    def look(self) -> tuple[float, bool]:
        """Return the seconds of a processor that it has used, and whether it is stopped."""
        import psutil

        try:
            process = psutil.Process(self.popen.pid)
            times = process.cpu_times()
            return times.user + times.system, process.status() == psutil.STATUS_STOPPED
        except psutil.Error:  # it is gone, as its line will tell
            return 0.0, False


def start(size: int) -> list[Process]:
    """Start so many workers, and let them meet.

    Raises:
        WorkerError: one ended, or did not come, or the system lets no more be opened.
    """
    token = secrets.token_bytes(TOKEN)
    popens: list[subprocess.Popen] = []
    try:
        with listen() as door:
            for rank in range(size):
                popens.append(_spawn(door.getsockname()[1], rank, token))
            lines = meet(door, token, range(size), _all_come(popens))
        processes = [Process(rank, popen, lines[rank]) for rank, popen in enumerate(popens)]
        ports = [each.hear(START)[0] for each in processes]
        for each in processes:
            each.send(ports)
        for each in processes:
            each.hear(START)  # it has met the others
    except BaseException as error:
        end(popens)
        if isinstance(error, OSError):
            raise _refused(size, error) from error
        raise
    return processes


def end(popens: list[subprocess.Popen]) -> None:
    """Kill processes and what they have started, and wait until they are gone."""
    for each in popens:
        with contextlib.suppress(OSError):  # its children may live, though it is gone itself
            os.killpg(each.pid, signal.SIGKILL)
    for each in popens:
        each.wait()
        each.stdin.close()


def ended(rank: int, code: int, started: bool = True) -> WorkerError:
    """Return in words how a process ended, by its exit code; below 0 it is that of a signal."""
    if code >= 0:
        message = f"worker {rank} ended by itself with exit code {code}, before "
        if started:
            message += "its job was done. Let the job return instead."
        else:
            message += "it could start. Its own words stand where this program prints its errors."
        return WorkerError(message, rank, "exited")
    told = f"worker {rank} was killed by {signal.Signals(-code).name}"
    if code == -signal.SIGKILL:
        told += ". If nobody did that, the system ran out of memory: use less data, fewer workers"
    elif -code in CRASHES:
        told += ": compiled code that the job called has crashed. Try that call alone, on less data"
    return WorkerError(told, rank, "killed")


def _refused(size: int, error: OSError) -> WorkerError:
    message = f"the system refused {size} workers what they need to start: {error}"
    told = f"{message}. Use fewer, or allow more files and processes: ulimit -n, ulimit -u"
    return WorkerError(told, None, "refused")


def _spawn(port: int, rank: int, token: bytes) -> subprocess.Popen:
    here = Path(labkit.__file__).parents[1]
    popen = subprocess.Popen(
        [sys.executable, "-P", "-c", COMMAND, str(port), str(rank), str(here)],
        env=os.environ | ONE_THREAD,
        stdin=subprocess.PIPE,  # stays open: it closes when the pool is gone, however that ended
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # a terminal's Ctrl-C reaches the pool alone
        bufsize=0,
    )
    with contextlib.suppress(OSError):  # if it is gone, `meet` finds out
        popen.stdin.write(token.hex().encode() + b"\n")
    return popen


def _all_come(popens: list[subprocess.Popen]) -> Callable[[list[int]], None]:
    """Return what raises an error when a process that has not come yet will not come."""
    until = time.monotonic() + START

    def check(missing: list[int]) -> None:
        for rank in missing:
            if popens[rank].poll() is not None:
                raise ended(rank, popens[rank].returncode, started=False)
        if time.monotonic() > until:
            message = f"{named(missing)} did not start in {START:g} s"
            raise WorkerError(message, missing[0], "hung")

    return check
