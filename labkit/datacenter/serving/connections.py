"""Connections to the server: uvicorn's, with the time limits that it lacks."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import suppress

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_BYTES = 16 * 1024  # of a request's first line and headers together
LINGER = 0.25  # seconds that a silent connection stays open when the server drains


class Guarded(H11Protocol):
    """A connection of uvicorn, with what it lacks: time limits for headers, and for a body.

    uvicorn knows one limit alone, for the time between two requests. A client that sends a byte
    now and then could hold a connection for ever, as one could that never says anything, or never
    reads its answers.
    """

    seconds = {"headers": 10.0, "body": 20.0}  # until they must be there, whole
    most_bytes = math.inf  # of one body on the line; the app answers 413 long before
    most_connections = 1024  # beyond, the one that has done nothing for longest is closed

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self.phase, self.timer, self.came = None, None, 0
        self.since = self.loop.time()
        self._enter("headers")
        if len(self.connections) > self.most_connections:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Take bytes, in pieces: h11 limits headers only as long as their end is not there."""
        for start in range(0, len(data), HEADER_BYTES):
            if not self.transport.is_closing():
                self._take(data[start : start + HEADER_BYTES])

    def _take(self, data: bytes) -> None:
        """Take some bytes, and see how far the request is."""
        self.came += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        state = self.conn.their_state
        begun = state is h11.IDLE and (self.conn.trailing_data[0] or self.cycle is None)
        self._enter("headers" if begun else "body" if state is h11.SEND_BODY else None)
        if self.came > self.most_bytes + HEADER_BYTES:
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the time limit."""
        self._enter(None)
        super().connection_lost(error)

    def pause_writing(self) -> None:
        """Give a client that does not read its answers as long as one that sends slowly."""
        super().pause_writing()
        self.unread = self.loop.call_later(self.seconds["body"], self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: it has read."""
        self.unread.cancel()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been silent, without waiting for it to read the rest."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, words: str) -> None:
        """Say what is wrong with the request, unless it has been answered."""
        self.refuse(400, words)

    def refuse(self, status: int, words: str) -> None:
        """Answer in the app's place where nothing has been answered, and close."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": words}).encode()
            headers = [("content-type", "application/json"), ("connection", "close")]
            headers.append(("content-length", str(len(body))))
            with suppress(h11.LocalProtocolError):
                for event in (
                    h11.Response(status_code=status, headers=headers),
                    h11.Data(data=body),
                    h11.EndOfMessage(),
                ):
                    self.transport.write(self.conn.send(event))
        self.transport.close()

    def shutdown(self) -> None:
        """Let a request that is on its way come in; then close."""
        if self.is_idle():
            self.loop.call_later(LINGER, self._close_if_idle)
        else:
            super().shutdown()

    def is_idle(self) -> bool:
        """Return whether no request that came whole waits for its answer here."""
        return self.cycle is None or self.cycle.response_complete

    def _close_if_idle(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def _enter(self, phase: str | None) -> None:
        if phase is None:
            self.came = 0
        if phase == self.phase:
            return
        if self.timer:
            self.timer.cancel()
        self.phase, self.timer, self.came = phase, None, 0
        if phase:
            self.timer = self.loop.call_later(self.seconds[phase], self._too_slow)

    def _too_slow(self) -> None:
        if self.phase == "headers" and not self.conn.trailing_data[0]:
            self.transport.close()  # it never began
        else:
            self.refuse(408, f"the {self.phase} did not come within {self.seconds[self.phase]:g} s")

    def _make_room(self) -> None:
        """Close the connection that has been idle longest, when there are too many."""
        open_ones = [each for each in self.connections if not each.transport.is_closing()]
        idle = [each for each in open_ones if each is not self and each.is_idle()]
        if len(open_ones) <= self.most_connections:
            return
        if idle:
            min(idle, key=lambda each: each.since).transport.abort()
        else:
            self.refuse(503, "too many connections")
