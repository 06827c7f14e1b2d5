"""The wires between workers: TCP over loopback, with counted bytes and, if asked, a slow line.

A slow line is a token bucket in each direction and a delay before each message. It needs no
administrator's rights, and takes no time of a core.
"""

from __future__ import annotations

import contextlib
import hmac
import queue
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.connection import wait

import numpy as np

PIECE = 16 * 1024  # bytes that a throttled line lets through at once
CATCH_UP = 0.002  # seconds: `sleep` comes back late, and the bucket makes up for so much
HEADER = struct.Struct("!Q")  # bytes of the message that follows
MARK = 2**64 - 1  # in place of them: a word of a barrier, nothing follows
TOKEN = 32  # bytes of the secret that lets a process in
HANDSHAKE = 2.0  # seconds for a call to be answered
CROWD = 64  # callers without a word who may stand at the door


@dataclass(frozen=True)
class Link:
    """What one worker's line carries, the same in both directions.

    Args:
        bandwidth: bytes a second; None for what loopback gives.
        latency: seconds before each message.

    >>> Link(bandwidth=20e6, latency=0.005).seconds(1_000_000)
    0.055
    """

    bandwidth: float | None = None
    latency: float = 0.0

    def __post_init__(self):
        if self.bandwidth is not None and not self.bandwidth > 0:
            raise ValueError(
                f"bandwidth must be positive, in bytes a second, or None. "
                f"Received: {self.bandwidth!r}"
            )
        if not self.latency >= 0:
            raise ValueError(f"latency must be 0 or more seconds. Received: {self.latency!r}")

    def seconds(self, size_in_bytes: float) -> float:
        """Return how long one message takes: latency + bytes / bandwidth (alpha + n beta).

        Source: Hockney, The communication challenge for MPP, Parallel Computing (1994).
        """
        return self.latency + (size_in_bytes / self.bandwidth if self.bandwidth else 0.0)


class Cut(Exception):
    """The line to a worker is cut: its process is gone."""

    def __init__(self, rank: int):
        self.rank = rank
        super().__init__(f"the line to worker {rank} is cut")


class SlowLine:
    """One direction of a line: a token bucket without depth, which knows when it is free again.

    Attributes:
        busy: whether something is on the line now.
    """

    def __init__(self, link: Link):
        self.link, self.free, self.busy = link, 0.0, False

    def delay(self) -> None:
        """Wait as long as a message takes to begin."""
        self._sleep(self.link.latency)

    def take(self, size_in_bytes: int) -> None:
        """Wait until so many bytes are through."""
        if self.link.bandwidth is not None:
            now = time.perf_counter()
            self.free = max(self.free, now - CATCH_UP) + size_in_bytes / self.link.bandwidth
            self._sleep(self.free - now)

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.busy = True
            time.sleep(seconds)
            self.busy = False


class Links:
    """The lines of one worker to the others, in one experiment.

    Attributes:
        sent, received: bytes of contents so far; headers and barriers do not count.
        messages: how many went out.
        waited: rank -> seconds that this worker waited until a message of that rank began.
        sent_to, received_from: rank -> how many messages, barriers too.
    """

    def __init__(self, sockets: dict[int, socket.socket], link: Link):
        self.sockets, self.link = sockets, link
        self.sent = self.received = self.messages = 0
        self.waited = dict.fromkeys(sorted(sockets), 0.0)
        self.sent_to, self.received_from = Counter(), Counter()
        self._waits_for = self._sends_to = None
        self._closing = False
        self._out, self._in = SlowLine(link), SlowLine(link)
        self._queue: queue.SimpleQueue = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether this worker's slow line carries something at this moment."""
        return self._out.busy or self._in.busy

    @property
    def waits_for(self) -> int | None:
        """Rank of the worker that this one waits for at this moment; None when it waits for none.

        At the end of a job that is the one who does not take the last messages.
        """
        return self._sends_to if self._closing else self._waits_for

    def send(self, to: int, array: np.ndarray) -> Callable[[], None]:
        """Begin to send an array; return what waits until it is on the line.

        A thread of its own sends: two neighbors that both send first would otherwise wait for each
        other as soon as the messages are larger than the system's buffers.
        """
        return self._put(to, _as_bytes(np.ascontiguousarray(array)))

    def send_mark(self, to: int) -> None:
        """Send a word without contents, at once and uncounted."""
        self._put(to, None)

    def receive(self, source: int, into: np.ndarray) -> np.ndarray:
        """Fill a contiguous array with the next message of a worker, and return it.

        Raises:
            ValueError: the message has another size than the array.
            Cut: the other process is gone.
        """
        view, place = _as_bytes(into), 0
        self._await_header(source, len(view))
        while place < len(view):
            piece = view[place : place + PIECE] if self.link.bandwidth else view[place:]
            got = self._read(source, piece)
            self._in.take(got)
            self.received += got
            place += got
        self.received_from[source] += 1
        return into

    def first_of(self, ranks: Iterable[int]) -> int:
        """Wait until one of these workers sends something; return its rank."""
        ranks = list(ranks)
        for rank in ranks:
            self._check(rank)
        with self._waiting_for(ranks[0]):
            ready = wait([self.sockets[rank] for rank in ranks])
        return next(rank for rank in ranks if self.sockets[rank] in ready)

    def receive_mark(self, source: int) -> None:
        """Wait for the word that `send_mark` sends."""
        self._await_header(source, MARK)
        self.received_from[source] += 1

    def close(self) -> None:
        """Send what is left; the sockets stay open for the next experiment."""
        self._closing = True
        self._queue.put(None)
        self._thread.join()

    def _put(self, to: int, view: memoryview | None) -> Callable[[], None]:
        self._check(to)
        sent: Future = Future()
        self._queue.put((to, view, sent))

        def wait_for_it() -> None:
            with self._waiting_for(to):
                sent.result()

        return wait_for_it

    def _send_all(self) -> None:
        while (order := self._queue.get()) is not None:
            self._sends_to, view, sent = order
            try:
                self._send_one(self._sends_to, view)
                sent.set_result(None)
            except OSError:
                sent.set_exception(Cut(self._sends_to))
            self._sends_to = None

    def _send_one(self, to: int, view: memoryview | None) -> None:
        line = self.sockets[to]
        if view is None:
            line.sendall(HEADER.pack(MARK))
        else:
            self._out.delay()
            line.sendall(HEADER.pack(len(view)))
            step = PIECE if self.link.bandwidth else max(1, len(view))
            for place in range(0, len(view), step):
                piece = view[place : place + step]
                self._out.take(len(piece))
                line.sendall(piece)
                self.sent += len(piece)
            self.messages += 1
        self.sent_to[to] += 1

    def _await_header(self, source: int, wanted: int) -> None:
        self._check(source)
        header, begun = bytearray(HEADER.size), time.perf_counter()
        place = 0
        while place < len(header):
            place += self._read(source, memoryview(header)[place:])
        self.waited[source] += time.perf_counter() - begun
        (came,) = HEADER.unpack(header)
        if came != wanted:
            raise ValueError(f"worker {source} sent {_told(came)}, expected here {_told(wanted)}")

    def _read(self, source: int, view: memoryview) -> int:
        with self._waiting_for(source):
            try:
                got = self.sockets[source].recv_into(view)
            except OSError:
                got = 0
        if got == 0:
            raise Cut(source)
        return got

    @contextlib.contextmanager
    def _waiting_for(self, rank: int) -> Iterator[None]:
        self._waits_for = rank
        yield
        self._waits_for = None

    def _check(self, rank: int) -> None:
        if rank not in self.sockets:
            raise ValueError(
                f"there is no line to worker {rank!r}; there are lines to {sorted(self.sockets)}"
            )


def _as_bytes(array: np.ndarray) -> memoryview:
    """Return the bytes of an array as they lie in memory, without a copy."""
    if not (isinstance(array, np.ndarray) and array.flags.c_contiguous):
        raise ValueError(
            "receive needs a contiguous array to fill, such as np.empty(...); "
            "a column or every second item of one will not do"
        )
    if array.dtype.hasobject:
        raise ValueError("only numbers travel between workers. Received: an array of objects")
    return memoryview(array.reshape(-1).view(np.uint8))


def _told(size: int) -> str:
    return "a barrier" if size == MARK else f"a message of {size} bytes"


# --- who may come in ----------------------------------------------------------------------------


def listen() -> socket.socket:
    """Return a socket that other processes of this machine, and nobody else, can call."""
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def call(port: int, token: bytes, rank: int) -> socket.socket:
    """Call a process on this machine, and show the token and who is calling."""
    line = socket.create_connection(("127.0.0.1", port), timeout=HANDSHAKE)
    _prepare(line)
    line.sendall(token + struct.pack("!i", rank))
    return line


def meet(
    door: socket.socket, token: bytes, ranks: Iterable[int], check: Callable[[list[int]], None]
) -> dict[int, socket.socket]:
    """Let in the callers of these ranks; turn away whoever does not show the token.

    Args:
        check: called with the ranks that have not come, now and then; it raises to give up.

    Nobody is waited for alone: a stranger without a word keeps no other out.
    """
    met, silent = {}, []
    while missing := [rank for rank in ranks if rank not in met]:
        check(missing)
        for line in wait([door, *silent], timeout=0.1):
            if line is door:
                silent.append(door.accept()[0])
                continue
            silent.remove(line)
            rank = _rank_of(line, token)
            if rank in missing:
                met[rank] = line
            else:
                line.close()
        while len(silent) > CROWD:
            silent.pop(0).close()
    for line in silent:
        line.close()
    return met


def _rank_of(line: socket.socket, token: bytes) -> int | None:
    """Return the rank of a caller who shows the token, in one piece as `call` does."""
    line.setblocking(False)
    try:
        head = line.recv(TOKEN + 4)
    except OSError:
        return None
    if len(head) < TOKEN + 4 or not hmac.compare_digest(head[:TOKEN], token):
        return None
    _prepare(line)
    return struct.unpack("!i", head[TOKEN:])[0]


def _prepare(line: socket.socket) -> None:
    line.setblocking(True)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A large buffer would swallow a message at once, and hide a slow line.
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
