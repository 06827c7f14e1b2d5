"""The server: a model behind HTTP. Its own process loads this module, and nobody else."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn

from labkit.datacenter.parcel import unpack
from labkit.datacenter.parent import end_with_the_parent
from labkit.datacenter.security.audit import Audit
from labkit.datacenter.serving import models
from labkit.datacenter.serving.app import OUTCOMES, application, body_limit
from labkit.datacenter.serving.batching import Batcher, RuleError, ask
from labkit.datacenter.serving.connections import HEADER_BYTES, Guarded
from labkit.datacenter.serving.models import Model
from labkit.datacenter.serving.settings import LEAST, Settings

READ = 256 * 1024  # bytes that asyncio reads at once, before the app sees any
TOLD = (ValueError, OSError, ModuleNotFoundError, RuleError)  # errors whose words say it all


class Server(uvicorn.Server):
    """uvicorn's server, which ends as one asks it to: drained, and without a signal's exit code."""

    def __init__(self, config: uvicorn.Config, grace: float, on_event: Callable[[str], None]):
        super().__init__(config)
        self.grace, self.on_event, self.draining = grace, on_event, False
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell it."""
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.on_event("started")

    def handle_exit(self, number: int, frame: Any) -> None:
        """Drain at the first signal, end at the second."""
        if self.draining:
            os._exit(1)
        self.draining = True
        self.on_event("draining")
        if self.loop is None:  # it does not listen yet
            self.should_exit = True
        else:
            self.loop.call_soon_threadsafe(self.loop.call_later, self.grace, self._end)

    def _end(self) -> None:
        self.should_exit = True


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        OSError: the port is taken, or the host is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        door = socket.create_server((host, port), family=family)
    except OSError as error:
        why = os.strerror(error.errno) if (error.errno or 0) > 0 else "there is no such host"
        raise OSError(f"cannot listen on {host}, port {port}: {why}. Take another one") from None
    # Accepted sockets inherit it. Without it the end of an answer waits 40 ms for the client's
    # acknowledgment, and asyncio sets it only on sockets that were made with a protocol's number.
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return door


async def serve(
    model: Model,
    settings: Settings,
    admit: Callable | None,
    door: socket.socket,
    on_event: Callable[[str], None],
    audit: Audit | None = None,
) -> dict[str, int]:
    """Serve until a signal comes and all that was accepted is answered.

    Args:
        model: what answers.
        settings: the server's.
        admit: the rule, or None.
        door: socket that listens.
        on_event: told "started" and "draining".
        audit: log of who did what.

    Returns:
        How many requests were accepted, answered, and so on.
    """
    batcher = Batcher(
        model.run,
        max_batch=settings.max_batch,
        max_wait=settings.max_wait,
        queue_limit=settings.queue_limit,
        admit=admit,
        patience=settings.patience,
    )
    app = application(model, settings, batcher, lambda: server.draining, audit)
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=_limited(model, settings),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.CRITICAL + 1,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=settings.drain,
    )
    server = Server(config, settings.grace, on_event)
    async with batcher:
        await server.serve([door])
    return {outcome: batcher.counts[outcome] for outcome in OUTCOMES}


def _limited(model: Model, settings: Settings) -> type[Guarded]:
    """Return the connections of a server with these settings."""
    limits = {
        "seconds": {"headers": settings.header_seconds, "body": settings.body_seconds},
        "most_bytes": 4 * body_limit(model, settings) + READ,
        "most_connections": min(settings.connections, max(LEAST["connections"], _files() - 64)),
    }
    return type("Limited", (Guarded,), limits)


def _files() -> int:
    """Return how many files this process may open, after asking for as many as are allowed."""
    try:
        import resource
    except ImportError:  # Windows
        return 512
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return soft


# --- a process of a lesson ----------------------------------------------------------------------


def main() -> None:
    """Serve a lesson until it is gone, or says SIGTERM. What to serve comes on standard input."""
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the model and the rule print is no report

    def tell(**what: Any) -> None:
        with suppress(BrokenPipeError):
            print(json.dumps(what), file=report, flush=True)

    size = int(sys.stdin.buffer.readline())
    packed = sys.stdin.buffer.read(size)
    threading.Thread(target=_end_too, args=[end_with_the_parent()], daemon=True).start()
    try:
        wanted = unpack(packed)
        model = models.load(wanted["model"], wanted["shape"])
        _try_rule(wanted["admit"])
        file = wanted["settings"].audit
        audit = None if file is None else Audit(file)
        door = bind("127.0.0.1", wanted["port"])
    except Exception as error:
        tell(error=f"{error}" if isinstance(error, TOLD) else f"{type(error).__name__}: {error}")
        os._exit(1)
    tell(port=door.getsockname()[1], inputs=model.inputs, outputs=model.outputs)
    on_event = lambda event: tell(event=event)
    counts = asyncio.run(serve(model, wanted["settings"], wanted["admit"], door, on_event, audit))
    tell(counts=counts)
    os._exit(0)  # a model that is stuck in its thread does not hold the process


def _end_too(held: int) -> None:
    os.read(held, 1)
    os._exit(1)


def _try_rule(admit: Callable | None) -> None:
    for length, wait in ((0, 0.0), (1, 0.1), (1000, 100.0)):
        if admit is not None:
            ask(admit, length, wait)
