"""The wires between workers: TCP over loopback, with counted bytes and, if asked, a slow line.

A slow line is a token bucket in each direction and a delay before each message. It needs no
administrator's rights, and takes no time of a core.
"""

from __future__ import annotations

import hmac
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PIECE = 16 * 1024  # bytes that a throttled line lets through at once
CATCH_UP = 0.002  # seconds: `sleep` comes back late, and the bucket makes up for so much
TOKEN = 32  # bytes of the secret that lets a process in
HANDSHAKE = 2.0  # seconds for a caller to show it


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


class Stalled(Exception):
    """A worker waited in vain for another one, or found the line to it cut."""

    def __init__(self, waits_for: int, seconds: float | None):
        self.waits_for, self.seconds = waits_for, seconds
        told = "the line is cut" if seconds is None else f"nothing came for {seconds:.1f} s"
        super().__init__(f"waits for worker {waits_for}: {told}")


class Bucket:
    """A token bucket without depth: it knows when the line is free again."""

    def __init__(self, bandwidth: float | None):
        self.bandwidth, self.free = bandwidth, 0.0

    def take(self, size_in_bytes: int) -> None:
        """Wait until so many bytes are through."""
        if self.bandwidth is None:
            return
        now = time.perf_counter()
        self.free = max(self.free, now - CATCH_UP) + size_in_bytes / self.bandwidth
        if self.free > now:
            time.sleep(self.free - now)


class Links:
    """The lines of one worker to the others: `send`, `receive`, and the bytes that went out."""

    def __init__(self, sockets: dict[int, socket.socket], link: Link, patience: float):
        self.sockets, self.link, self.patience = sockets, link, patience
        self.sent = self.received = self.messages = 0
        self._out, self._in = Bucket(link.bandwidth), Bucket(link.bandwidth)
        self._waiting: queue.SimpleQueue = queue.SimpleQueue()
        for each in sockets.values():
            each.settimeout(patience)
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        self._thread.start()

    def send(self, to: int, array: np.ndarray) -> Callable[[], None]:
        """Begin to send an array; return what waits until it is on the line.

        A thread of its own sends: two neighbors that both send first would otherwise wait for each
        other as soon as the messages are larger than the system's buffers.
        """
        done, failed = threading.Event(), []
        self._waiting.put((to, np.ascontiguousarray(array), done, failed))

        def wait() -> None:
            done.wait()
            if failed:
                raise failed[0]

        return wait

    def receive(self, source: int, into: np.ndarray) -> np.ndarray:
        """Fill a contiguous array with the next message of a worker, and return it.

        Raises:
            Stalled: nothing came for `patience` seconds, or the line was cut.
        """
        view = memoryview(into).cast("B")
        place, begun = 0, time.perf_counter()
        while place < len(view):
            piece = view[place : place + PIECE] if self.link.bandwidth else view[place:]
            try:
                got = self.sockets[source].recv_into(piece)
            except TimeoutError:
                raise Stalled(source, time.perf_counter() - begun) from None
            except OSError:
                got = 0
            if got == 0:
                raise Stalled(source, None)
            self._in.take(got)
            place, begun = place + got, time.perf_counter()
        self.received += len(view)
        return into

    def close(self) -> None:
        """Stop the sending thread; the sockets stay open for the next experiment."""
        self._waiting.put(None)
        self._thread.join(self.patience)

    def _send_all(self) -> None:
        while (job := self._waiting.get()) is not None:
            to, array, done, failed = job
            try:
                self._send_one(to, memoryview(array).cast("B"))
            except OSError as error:
                late = self.patience if isinstance(error, TimeoutError) else None
                failed.append(Stalled(to, late))
            done.set()

    def _send_one(self, to: int, view: memoryview) -> None:
        if self.link.latency:
            time.sleep(self.link.latency)
        step = PIECE if self.link.bandwidth else max(1, len(view))
        for place in range(0, len(view), step):
            piece = view[place : place + step]
            self._out.take(len(piece))
            self.sockets[to].sendall(piece)
        self.sent += len(view)
        self.messages += 1


# --- who may come in ----------------------------------------------------------------------------


def listen() -> socket.socket:
    """Return a socket that other processes of this machine, and nobody else, can call."""
    return socket.create_server(("127.0.0.1", 0))


def call(port: int, token: bytes, rank: int) -> socket.socket:
    """Call a process on this machine, and show the token and who is calling."""
    line = socket.create_connection(("127.0.0.1", port), timeout=HANDSHAKE)
    line.sendall(token + struct.pack("!i", rank))
    _prepare(line)
    return line


def welcome(line: socket.socket, token: bytes) -> int | None:
    """Return the rank of a caller who knows the token; close the line and return None if not."""
    line.settimeout(HANDSHAKE)
    try:
        head = line.recv(TOKEN + 4, socket.MSG_WAITALL)
    except OSError:
        head = b""
    if len(head) < TOKEN + 4 or not hmac.compare_digest(head[:TOKEN], token):
        line.close()
        return None
    _prepare(line)
    return struct.unpack("!i", head[TOKEN:])[0]


def _prepare(line: socket.socket) -> None:
    line.settimeout(None)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A large buffer would swallow a message at once, and hide a slow line.
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
