"""One worker: a process that waits for jobs, runs them, and tells how they ended.

`workers.Workers` starts it. It lets in only processes that know the token, and ends as soon as the
process that started it is gone.
"""

from __future__ import annotations

import io
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from labkit.datacenter.links import Cut, Links, call, listen, meet
from labkit.datacenter.parcel import pack, unpack
from labkit.datacenter.parent import end_with_the_parent

JOIN = 20.0  # seconds for all workers to call each other


class Worker:
    """What a job gets: who it is, the lines to the others, and the data that all were given.

    Attributes:
        rank: 0 to size - 1.
        size: number of workers in this experiment.
        data: name -> what `Workers.put` gave; arrays can be read, not changed.
    """

    def __init__(self, rank: int, size: int, links: Links, data: dict[str, Any]):
        self.rank, self.size, self.links, self.data = rank, size, links, data

    @property
    def right(self) -> int:
        """Rank of the next worker in the ring."""
        return (self.rank + 1) % self.size

    @property
    def left(self) -> int:
        """Rank of the worker before, in the ring."""
        return (self.rank - 1) % self.size

    @property
    def sent(self) -> int:
        """Bytes that this worker has sent in this experiment: contents only, no headers."""
        return self.links.sent

    @property
    def messages(self) -> int:
        """Messages that this worker has sent in this experiment."""
        return self.links.messages

    @property
    def waited(self) -> dict[int, float]:
        """Rank -> seconds that this worker has waited for that one to begin a message."""
        return dict(self.links.waited)

    def send(self, to: int, array: np.ndarray) -> Callable[[], None]:
        """Begin to send an array; call what comes back to wait until it is on the line.

        Change the array only after that.
        """
        return self.links.send(to, array)

    def receive(self, source: int, into: np.ndarray) -> np.ndarray:
        """Fill an array with the next message of another worker, and return it.

        It waits as long as the other one works. Messages of one worker come in their order, and
        each needs an array of its size.
        """
        return self.links.receive(source, into)

    def first_of(self, ranks: Iterable[int]) -> int:
        """Wait until one of these workers sends something; return its rank, to `receive` it."""
        return self.links.first_of(ranks)

    def barrier(self) -> None:
        """Wait until all workers are here: a word goes around the ring twice, uncounted."""
        for _ in range(2 if self.size > 1 else 0):
            if self.rank > 0:
                self.links.receive_mark(self.left)
            self.links.send_mark(self.right)
            if self.rank == 0:
                self.links.receive_mark(self.left)


def main() -> None:
    """Serve one pool until it is gone. The token comes on standard input, unseen by others."""
    port, rank = int(sys.argv[1]), int(sys.argv[2])
    token = bytes.fromhex(sys.stdin.readline().strip())
    end_with_the_parent()  # elsewhere than on Linux `Pool` alone ends it, as soon as it can
    with listen() as door:
        try:
            pool = Pool(Connection(call(port, token, rank).detach()))
        except OSError:  # it was closed while this process started
            return
        pool.tell(door.getsockname()[1])
        ports = pool.orders.get()
        sockets = _join(rank, ports, token, door)
    pool.tell("joined")
    sys.stdout, sys.stderr = printed = Lines(pool, "stdout"), Lines(pool, "stderr")
    data: dict[str, Any] = {}
    new: list[tuple[str, bytes]] = []
    while order := pool.orders.get():
        match order:
            case ("put", name, packed):
                new.append((name, packed))
            case ("run", number, size, link, packed):
                links = Links({r: line for r, line in sockets.items() if r < size}, link)
                pool.now = number, links
                answer = _run(packed, Worker(rank, size, links, data), new)
                for each in printed:
                    each.end()
                pool.tell(*answer)


def _join(rank: int, ports: list[int], token: bytes, door: socket.socket) -> dict:
    """Call the workers of lower rank, and let in the others; return rank -> socket."""
    until = time.monotonic() + JOIN

    def check(missing: list[int]) -> None:
        if time.monotonic() > until:
            raise TimeoutError(f"worker {rank} met no worker {missing}")

    sockets = {peer: call(ports[peer], token, rank) for peer in range(rank)}
    return sockets | meet(door, token, range(rank + 1, len(ports)), check)


def _run(packed: bytes, worker: Worker, new: list[tuple[str, bytes]]) -> tuple:
    """Run a job; return how it ended, as the pool is told."""
    try:
        while new:
            name, value = new.pop(0)
            worker.data[name] = _locked(unpack(value))
        job, args, kwargs = unpack(packed)
        result = job(worker, *args, **kwargs)
        worker.links.close()
    except Cut as cut:
        return ("cut", cut.rank)
    except BaseException as error:
        return ("raised", *_in_words(error))
    try:
        answer = pack(result)
    except TypeError as error:
        return ("unpacked", str(error))
    return ("done", answer, worker.links.sent_to, worker.links.received_from)


def _locked(value: Any) -> Any:
    """Let no experiment change what the next one is given."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    return value


def _in_words(error: BaseException) -> tuple[str, list]:
    """Return the error, and file, line and function of each call on the way to it."""
    words = "".join(traceback.format_exception_only(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is this module's
    return words, [(frame.filename, frame.lineno, frame.name) for frame in frames]


class Pool:
    """The line to the pool: orders come in, and several threads tell it something.

    A thread listens. It says how far the job is when asked, whatever the job is doing; and when
    the pool is gone, so is this worker.
    """

    def __init__(self, control: Connection):
        self.orders: queue.SimpleQueue = queue.SimpleQueue()
        self.now: tuple[int, Links] | None = None  # number of the experiment, and its lines
        self._control, self._one_at_a_time = control, threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def tell(self, *message: Any) -> None:
        """Send the pool one message, whole."""
        with self._one_at_a_time:
            self._control.send(message)

    def _listen(self) -> None:
        try:
            while True:
                order = self._control.recv()
                if order != "how far?":
                    self.orders.put(order)
                elif self.now:
                    number, links = self.now
                    moved = links.sent + links.received
                    self.tell("so far", number, moved, links.waits_for, links.busy)
        except (EOFError, OSError):
            os.killpg(0, signal.SIGKILL)  # with what a job has started


class Lines(io.TextIOBase):
    """What a job prints: line by line to the pool, which shows it to who ran the job."""

    def __init__(self, pool: Pool, name: str):
        self._pool, self._name, self._begun = pool, name, ""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Tell the lines that have an end; keep the rest."""
        *lines, self._begun = (self._begun + text).split("\n")
        if lines:
            self._pool.tell("print", self._name, lines)
        return len(text)

    def end(self) -> None:
        """Tell the last line, if it has no end."""
        if self._begun:
            self.write("\n")
