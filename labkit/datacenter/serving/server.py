"""The server: a model behind HTTP. Its own process loads this module, and nobody else.

It speaks the open inference protocol, version 2, and adds `/metrics`. uvicorn with plain h11
carries it; `Guarded` adds the time limits that uvicorn lacks.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import math
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import h11
import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol

import labkit
from labkit.datacenter.parcel import unpack
from labkit.datacenter.parent import end_with_the_parent
from labkit.datacenter.serving import description, models, protocol
from labkit.datacenter.serving.batching import Batcher, Expired, ModelError, Refused, RuleError, ask
from labkit.datacenter.serving.models import Model
from labkit.datacenter.serving.served import LOOPBACK, Settings

HEADER_BYTES = 16 * 1024  # of a request's first line and headers together
READ = 256 * 1024  # bytes that asyncio reads at once, before the app sees any
SLACK = 64 * 1024  # bytes of a body beside the numbers of its rows
COMING = 128 * 1024 * 1024  # bytes of all bodies that are not there whole
DIGITS = 26  # bytes of a number as JSON, at most
LEAST = 8  # connections that there may be though the system lets hardly any file be opened
LINGER = 0.25  # seconds that a silent connection stays open when the server drains
OUTCOMES = ("accepted", "answered", "refused", "failed", "expired", "left", "lost")
TOLD = (ValueError, OSError, ModuleNotFoundError, RuleError)  # errors whose words say it all


# --- what the server answers --------------------------------------------------------------------


def application(
    model: Model, settings: Settings, batcher: Batcher, is_draining: Callable[[], bool]
) -> Guard:
    """Return the app: its routes, and the guard before them.

    Args:
        model: what answers.
        settings: the server's.
        batcher: the queue before the model.
        is_draining: whether the server has been told to end.
    """
    app = FastAPI(title="labkit serve", version=labkit.__version__, docs_url=None, redoc_url=None)
    app.router.redirect_slashes = False
    registry = measured(batcher)
    here = f"/v2/models/{settings.name}"
    bodies = _Bodies(body_limit(model, settings))

    @app.get("/v2")
    async def server() -> dict:
        """Return what this server is."""
        extensions = ["binary_tensor_data"]
        return {"name": "labkit", "version": labkit.__version__, "extensions": extensions}

    @app.get("/v2/health/live")
    async def live() -> dict:
        """Return that the server is there."""
        return {"live": True}

    @app.get("/v2/health/ready", responses=description.documented(503))
    @app.get(f"{here}/ready", responses=description.documented(503))
    async def ready() -> Response:
        """Return whether new requests should come here: not while the server drains."""
        return _error(503, "the server drains") if is_draining() else JSONResponse({"ready": True})

    @app.get(here)
    async def metadata() -> dict:
        """Return what the model takes and answers."""
        return {
            "name": settings.name,
            "platform": model.platform,
            "inputs": [description.tensor("input", model.inputs)],
            "outputs": [description.tensor("output", model.outputs)],
        }

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Return the measurements, as Prometheus reads them."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    @app.post(
        f"{here}/infer",
        openapi_extra=description.request_body(model, settings.max_batch),
        responses=description.answers(),
    )
    async def infer(request: Request) -> Response:
        """Return the model's answer to some rows."""
        length = request.headers.get(protocol.LENGTH)
        _check_type(request, protocol.JSON if length is None else protocol.BINARY)
        body = await bodies.read(request)
        rows, binary, name = protocol.read_request(body, length, model.inputs, settings.max_batch)
        answer = await _unless_gone(request, batcher.answer(rows))
        return _answered(settings.name, answer, binary, name)

    _tell_errors(app)
    return Guard(app, settings.token, is_draining)


def body_limit(model: Model, settings: Settings) -> int:
    """Return the bytes that a body may have: what the most rows need as JSON, generously."""
    return settings.body_limit or SLACK + DIGITS * settings.max_batch * math.prod(model.inputs)


def _check_type(request: Request, wanted: str) -> None:
    if encoding := request.headers.get("content-encoding"):
        raise HTTPException(415, f"send the body as it is, not as {encoding[:20]}")
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != wanted:
        raise HTTPException(415, f"content-type must be {wanted}. Received: {said[:40]!r}")


class _Bodies:
    """Reads bodies: none beyond the limit, and no large one while very much is coming."""

    def __init__(self, limit: int):
        self.limit, self.coming = limit, 0

    async def read(self, request: Request) -> bytes:
        too_large = HTTPException(413, f"a body here has at most {self.limit} bytes")
        if int(request.headers.get("content-length", 0)) > self.limit:
            raise too_large
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                self.coming += len(chunk)
                if len(body) > self.limit:
                    raise too_large
                if self.coming > COMING and len(body) > SLACK:
                    raise Refused("many large requests are coming; try again later", 1.0)
        finally:
            self.coming -= len(body)
        return bytes(body)


async def _unless_gone(request: Request, answer: Any) -> np.ndarray:
    """Wait for an answer; give it up when the client goes away first."""
    answer = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(request.receive())  # after the body nothing comes but the end
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel("left")
        raise ClientDisconnect
    finally:
        gone.cancel()
        answer.cancel()  # when this handler itself was canceled, at the end of the time to drain


def _answered(model: str, rows: np.ndarray, binary: bool, name: str | None) -> Response:
    if not np.isfinite(rows).all():
        raise protocol.BadRequest("the model's answer to these rows is not finite")
    head = {"model_name": model} | ({} if name is None else {"id": name})
    if not binary:
        return JSONResponse(head | {"outputs": [protocol.json_tensor(rows, "output")]})
    head["outputs"] = [protocol.binary_tensor(rows, "output")]
    body, headers = protocol.joined(head, rows)
    return Response(body, headers=headers)


def _tell_errors(app: FastAPI) -> None:
    """Let each error be an answer of the protocol: its status, and words under "error"."""
    routes = ", ".join(sorted({route.path for route in app.routes}))

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> Response:
        words = f"nothing is here; this server has {routes}" if error.status_code == 404 else None
        return _error(error.status_code, words or error.detail, error.headers)

    @app.exception_handler(ClientDisconnect)
    async def _(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody reads it

    @app.exception_handler(protocol.BadRequest)
    async def _(request: Request, error: protocol.BadRequest) -> Response:
        return _error(400, str(error))

    @app.exception_handler(Refused)
    async def _(request: Request, error: Refused) -> Response:
        return _error(503, str(error), {"retry-after": str(max(1, math.ceil(error.retry_after)))})

    @app.exception_handler(Expired)
    async def _(request: Request, error: Expired) -> Response:
        return _error(504, str(error))

    @app.exception_handler(RuleError)
    @app.exception_handler(ModelError)
    async def _(request: Request, error: Exception) -> Response:
        return _error(500, str(error))


def _error(status: int, words: str, headers: dict | None = None) -> JSONResponse:
    return JSONResponse({"error": words}, status, headers)


# --- who may ask --------------------------------------------------------------------------------


class Guard:
    """What stands before the routes: the token, or where there is none, the host's name.

    A page of the web that lets its own name point to 127.0.0.1 could otherwise ask a server that
    listens here alone. While the server drains, each answer ends its connection.
    """

    def __init__(self, app: Any, token: str | None, is_draining: Callable[[], bool]):
        self.app, self.is_draining = app, is_draining
        self.expected = None if token is None else f"Bearer {token}".encode()

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Answer one request."""

        async def send_last(message: dict) -> None:
            if message["type"] == "http.response.start" and self.is_draining():
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await (self.refusal(scope) or self.app)(scope, receive, send_last)

    def refusal(self, scope: dict) -> Response | None:
        """Return the answer to who may not ask, or None."""
        headers = dict(scope["headers"])
        if b"content-length" in headers and b"transfer-encoding" in headers:
            # Whoever stands between may take one for the end of the request, h11 the other.
            words = "send content-length or transfer-encoding, not both"
            return _error(400, words, {"connection": "close"})
        if self.expected is None:
            host = headers.get(b"host", b"").decode("latin-1").rpartition(":")
            name = (host[0] if host[2].isdigit() and host[0] else "".join(host)).strip("[]")
            return (
                None
                if name.lower() in LOOPBACK
                else _error(421, "this server answers on loopback only")
            )
        if scope["path"] in ("/v2/health/live", "/v2/health/ready"):
            return None
        if hmac.compare_digest(headers.get(b"authorization", b""), self.expected):
            return None
        return _error(
            401, "send the header Authorization: Bearer TOKEN", {"www-authenticate": "Bearer"}
        )


# --- what it tells of itself --------------------------------------------------------------------


class _Counted:
    """The batcher's counts, as Prometheus collects them."""

    def __init__(self, batcher: Batcher):
        self.batcher = batcher

    def collect(self) -> list[CounterMetricFamily]:
        told = CounterMetricFamily(
            "labkit_requests", "Requests by what became of them", labels=["outcome"]
        )
        for outcome in OUTCOMES:
            told.add_metric([outcome], self.batcher.counts[outcome])
        return [told]


def measured(batcher: Batcher) -> CollectorRegistry:
    """Return what is measured of a batcher: counts, the queue, batches, seconds."""
    registry = CollectorRegistry()
    registry.register(_Counted(batcher))
    gauge = Gauge("labkit_queue_length", "Requests that wait", registry=registry)
    gauge.set_function(lambda: batcher.queue_length)
    gauge = Gauge("labkit_running", "Requests in the batch that is computed", registry=registry)
    gauge.set_function(lambda: batcher.running)
    powers = [2**k for k in range(9)]
    rows = Histogram("labkit_batch_rows", "Rows of a batch", buckets=powers, registry=registry)
    model = Histogram("labkit_model_seconds", "Seconds of a batch in the model", registry=registry)
    wait = Histogram("labkit_wait_seconds", "Seconds of a request in the queue", registry=registry)

    def on_batch(count: int, seconds: float, waited: list[float]) -> None:
        rows.observe(count)
        model.observe(seconds)
        for each in waited:
            wait.observe(each)

    batcher.on_batch = on_batch
    return registry


# --- connections --------------------------------------------------------------------------------


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
) -> dict[str, int]:
    """Serve until a signal comes and all that was accepted is answered.

    Args:
        model: what answers.
        settings: the server's.
        admit: the rule, or None.
        door: socket that listens.
        on_event: told "started" and "draining".

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
    app = application(model, settings, batcher, lambda: server.draining)
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
        "most_connections": min(settings.connections, max(LEAST, _files() - 64)),
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
        door = bind("127.0.0.1", wanted["port"])
    except Exception as error:
        tell(error=f"{error}" if isinstance(error, TOLD) else f"{type(error).__name__}: {error}")
        os._exit(1)
    tell(port=door.getsockname()[1], inputs=model.inputs, outputs=model.outputs)
    on_event = lambda event: tell(event=event)
    counts = asyncio.run(serve(model, wanted["settings"], wanted["admit"], door, on_event))
    tell(counts=counts)
    os._exit(0)  # a model that is stuck in its thread does not hold the process


def _end_too(held: int) -> None:
    os.read(held, 1)
    os._exit(1)


def _try_rule(admit: Callable | None) -> None:
    for length, wait in ((0, 0.0), (1, 0.1), (1000, 100.0)):
        if admit is not None:
            ask(admit, length, wait)
