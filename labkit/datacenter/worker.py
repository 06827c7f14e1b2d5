"""One worker: a process that waits for jobs, runs them, and tells how they ended.

`workers.Workers` starts it. It lets in only processes that know the token, and ends as soon as the
process that started it is gone.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle
import numpy as np

from labkit.datacenter.links import Link, Links, Stalled, call, listen, welcome


class Worker:
    """What a job gets: who it is, the lines to the others, and the arrays that all were given.

    Attributes:
        rank: 0 to size - 1.
        size: number of workers in this experiment.
        data: name -> what `Workers.put` gave.
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

    def send(self, to: int, array: np.ndarray) -> Callable[[], None]:
        """Begin to send an array; call what comes back to wait until it is on the line."""
        return self.links.send(to, array)

    def receive(self, source: int, into: np.ndarray) -> np.ndarray:
        """Fill an array with the next message of another worker, and return it."""
        return self.links.receive(source, into)

    def barrier(self) -> None:
        """Wait until all workers are here: an empty word goes around the ring twice."""
        word = np.zeros(1, np.uint8)
        for _ in range(2 if self.size > 1 else 0):
            if self.rank == 0:
                self.send(self.right, word)()
                self.receive(self.left, word)
            else:
                self.receive(self.left, word)
                self.send(self.right, word)()


def main() -> None:
    """Serve one pool until it says stop, or is gone. The way in comes on standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pool's to answer
    port, rank = int(sys.argv[1]), int(sys.argv[2])
    token = bytes.fromhex(sys.stdin.readline().strip())
    control = Connection(call(port, token, rank).detach())
    lines = Lines(rank, token)
    control.send(("ready", lines.port))
    jobs: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_listen_to_pool, args=(control, jobs), daemon=True).start()
    data: dict[str, Any] = {}
    while (order := jobs.get())[0] != "stop":
        match order:
            case ("join", ports):
                lines.join(ports)
                control.send(("joined", None))
            case ("put", arrays):
                data.update(cloudpickle.loads(arrays))
            case ("run", payload, size, link, patience):
                control.send(_run(payload, rank, size, lines.sockets, link, patience, data))


def _listen_to_pool(control: Connection, jobs: queue.SimpleQueue) -> None:
    """Pass orders on; when the pool is gone, so is this worker, whatever it is doing."""
    try:
        while True:
            jobs.put(control.recv())
    except (EOFError, OSError):
        os._exit(0)


def _run(payload, rank, size, sockets, link: Link, patience: float, data) -> tuple:
    """Run a job; return how it ended, as the pool is told."""
    others = {peer: line for peer, line in sockets.items() if peer < size}
    links = Links(others, link, patience)
    try:
        job, args, kwargs = cloudpickle.loads(payload)
        result = job(Worker(rank, size, links, data), *args, **kwargs)
        links.close()
        return ("done", cloudpickle.dumps(result))
    except Stalled as stalled:
        return ("stalled", stalled.waits_for, stalled.seconds)
    except BaseException as error:
        return ("raised", f"{type(error).__name__}: {error}", traceback.format_exc())


class Lines:
    """The sockets to the other workers: those of lower rank are called, the others call."""

    def __init__(self, rank: int, token: bytes):
        self.rank, self.token = rank, token
        self.sockets: dict[int, socket.socket] = {}
        self._listener = listen()
        self.port = self._listener.getsockname()[1]
        self._arrived = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def join(self, ports: list[int], limit: float = 20.0) -> None:
        """Connect to all workers; `ports` are theirs, by rank."""
        for peer in range(self.rank):
            self.sockets[peer] = call(ports[peer], self.token, self.rank)
        until = time.monotonic() + limit
        with self._arrived:
            while len(self.sockets) < len(ports) - 1:
                if not self._arrived.wait(until - time.monotonic()):
                    raise TimeoutError(f"worker {self.rank} met only {sorted(self.sockets)}")
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:  # closed: all are here
                return
            threading.Thread(target=self._let_in, args=(line,), daemon=True).start()

    def _let_in(self, line: socket.socket) -> None:
        if (peer := welcome(line, self.token)) is not None:
            with self._arrived:
                self.sockets[peer] = line
                self._arrived.notify()
