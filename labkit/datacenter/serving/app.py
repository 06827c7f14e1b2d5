"""What the server answers: the routes of the open inference protocol, version 2, and `/metrics`."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

import labkit
from labkit.datacenter.security import access
from labkit.datacenter.security.access import Bucket, Client
from labkit.datacenter.security.audit import Audit
from labkit.datacenter.serving import description, protocol
from labkit.datacenter.serving.batching import Batcher, Expired, ModelError, Refused, RuleError
from labkit.datacenter.serving.models import Model
from labkit.datacenter.serving.settings import LOOPBACK, Settings

SLACK = 64 * 1024  # bytes of a body beside the numbers of its rows
COMING = 128 * 1024 * 1024  # bytes of all bodies that are not there whole
DIGITS = 26  # bytes of a number as JSON, at most
HEALTH = (
    "/v2/health/live",
    "/v2/health/ready",
)  # of these everybody may ask, and nothing is logged
AUDIT = "/v2/audit"
OUTCOMES = ("accepted", "answered", "refused", "failed", "expired", "left", "lost")


def application(
    model: Model,
    settings: Settings,
    batcher: Batcher,
    is_draining: Callable[[], bool],
    audit: Audit | None = None,
) -> Guard:
    """Return the app: its routes, and the guard before them.

    Args:
        model: what answers.
        settings: the server's.
        batcher: the queue before the model.
        is_draining: whether the server has been told to end.
        audit: log of who did what.
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

    if audit:

        @app.get(AUDIT)
        async def anchor() -> dict:
            """Return the log's length and last hash, to be kept where the server cannot write."""
            return {"lines": audit.lines, "head": audit.head}

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
    return Guard(app, settings, is_draining, audit)


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
    """What stands before the routes: who asks, how often, whether they may; and the log of it.

    Without tokens it looks at the host's name: a page of the web that lets its own name point to
    127.0.0.1 could otherwise ask a server that listens here alone. While the server drains, each
    answer ends its connection. What is no whole request of HTTP never comes here, nor into the log.
    """

    def __init__(
        self, app: FastAPI, settings: Settings, is_draining: Callable[[], bool], audit: Audit | None
    ):
        self.app, self.settings, self.is_draining, self.audit = app, settings, is_draining, audit
        self.clients = settings.known
        self.needs = {AUDIT: "admin", f"/v2/models/{settings.name}/infer": "predict"}
        self.routes = {route.path for route in app.routes}
        self.buckets: dict[str, Bucket] = {}
        self.unwritten: dict[str, int] = {}  # answers 429 since the last line about this client
        self.told = ""  # why the log cannot be written, as last told to who runs the server

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Answer one request."""
        who, refusal = self.judged(scope)

        async def send_last(message: dict) -> None:
            if message["type"] == "http.response.start":
                self.write_down(who, scope, message["status"])
                if self.is_draining():
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await (refusal or self.app)(scope, receive, send_last)

    def judged(self, scope: dict) -> tuple[str, Response | None]:
        """Return who asks, and the answer to who may not ask, or None."""
        headers = dict(scope["headers"])
        if b"content-length" in headers and b"transfer-encoding" in headers:
            # Whoever stands between may take one for the end of the request, h11 the other.
            words = "send content-length or transfer-encoding, not both"
            return access.NOBODY, _error(400, words, {"connection": "close"})
        if scope["path"] in HEALTH:  # of no rate either: who is refused here is started anew
            return access.NOBODY, None if self.clients else self.refusal(None, "", headers)
        found = access.who_is(self.clients, _token(scope["headers"]))
        who = found.name if found else access.NOBODY
        return who, self.too_many(who) or self.refusal(found, scope["path"], headers)

    def too_many(self, who: str) -> Response | None:
        """Return the answer to who asks too often, or None."""
        rate, burst = self.settings.rate, self.settings.burst
        if math.isinf(rate):
            return None
        if not (wait := self.buckets.setdefault(who, Bucket(rate, burst)).wait()):
            return None
        words = f"you may send {rate:g} requests a second, and {burst} at once; wait {wait:.2g} s"
        return _error(429, words, {"retry-after": str(math.ceil(wait))})

    def refusal(self, found: Client | None, path: str, headers: dict) -> Response | None:
        """Return the answer to who may not do this, or None."""
        if not self.clients:
            words = "this server answers on loopback only"
            return None if _is_loopback(headers) else _error(421, words)
        if not found:
            words = "send the header Authorization: Bearer TOKEN"
            return _error(401, words, {"www-authenticate": "Bearer"})
        needed = self.needs.get(path, "read")
        if access.may(found.role, needed):
            return None
        return _error(403, f"this needs the role {needed}; {found.name} has {found.role}")

    def write_down(self, who: str, scope: dict, status: int) -> None:
        """Log an answer: never a token, a query or a body, and no path that is not the server's.

        Of answers 429 only the first is written, and later how many there were: a flood does not
        fill the disk.
        """
        if not self.audit or scope["path"] in HEALTH:
            return
        before = self.unwritten.pop(who, 0)
        if status == 429:
            self.unwritten[who] = before + 1
            if before:
                return
        path = scope["path"] if scope["path"] in self.routes else "other"
        method = scope["method"] if scope["method"] in ("GET", "POST") else "other"
        what = {"who": who, "method": method, "path": path, "status": status}
        try:
            self.audit.add(**what, **({"unwritten": before - 1} if before > 1 else {}))
            self.told = ""
        except OSError as error:
            if self.told != str(error):  # the client learns no more than 500
                self.told = str(error)
                print(f"{error} (requests are answered 500)", file=sys.stderr, flush=True)
            raise


def _token(headers: list[tuple[bytes, bytes]]) -> str | None:
    """Return the token of the only header Authorization; of two, others might take the other."""
    said = [value.decode("latin-1") for name, value in headers if name == b"authorization"]
    kind, _, token = said[0].partition(" ") if len(said) == 1 else ("", "", "")
    return token if kind == "Bearer" else None


def _is_loopback(headers: dict[bytes, bytes]) -> bool:
    host = headers.get(b"host", b"").decode("latin-1").rpartition(":")
    name = (host[0] if host[2].isdigit() and host[0] else "".join(host)).strip("[]")
    return name.lower() in LOOPBACK


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
