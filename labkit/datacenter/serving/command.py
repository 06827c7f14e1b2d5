"""`labkit serve`: a model behind HTTP in a terminal, until Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import math
import shlex
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from labkit.datacenter.security.audit import Audit
from labkit.datacenter.serving import models, protocol
from labkit.datacenter.serving.models import Model
from labkit.datacenter.serving.served import missing
from labkit.datacenter.serving.settings import LOOPBACK, Settings

EXAMPLE = 4  # numbers of a row that still fit into an example; a longer one comes from a file


def serve_here(
    name: str, host: str, port: int, settings: Settings, say: Callable[[str], None]
) -> dict[str, int]:
    """Serve a model from this process until Ctrl-C or SIGTERM, and what was accepted is answered.

    Args:
        name: file of the model, or emulated:A+C.
        host: address to listen on.
        port: 0 takes a free one.
        settings: of the server.
        say: prints a line.

    Returns:
        How many requests were accepted, answered, and so on.

    Raises:
        ModuleNotFoundError: the extra `serve` is not installed.
        ValueError: no model, or a host that others can reach without a token.
        OSError: no such file, or the port is taken.
    """
    if words := missing():
        raise ModuleNotFoundError(words)
    if host not in LOOPBACK and not settings.known:
        raise ValueError(
            f"others can reach {host}, so it needs a token. Set one that is hard to guess: "
            f"LABKIT_TOKEN=$(openssl rand -hex 16) labkit serve ...; or listen on 127.0.0.1"
        )
    model = models.load(name)
    audit = None if settings.audit is None else Audit(settings.audit)
    from labkit.datacenter.serving import server

    with server.bind(host, port) as door:
        address = _address(door.getsockname())

        def on_event(event: str) -> None:
            if event == "started":
                say(_greeting(name, address, model, settings))
                return
            with suppress(OSError):  # Ctrl-C has ended what read it, such as `| tee`, too
                say(DRAINS)

        return asyncio.run(server.serve(model, settings, None, door, on_event, audit))


DRAINS = "Draining: what was accepted is still answered. Ctrl-C again ends it at once."


def _address(found: tuple) -> str:
    host, port = found[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _greeting(name: str, address: str, model: Model, settings: Settings) -> str:
    lines = [
        f"{name} at {address}/v2/models/{settings.name}/infer",
        f"It takes rows of shape {list(model.inputs)}, up to {settings.max_batch} at once, "
        f"and answers rows of shape {list(model.outputs)}. Try it in another terminal:",
        "",
        f"  {_curl(address, model, settings)}",
        "",
        f"Measurements: {address}/metrics   Description: {address}/openapi.json",
        "Ctrl-C drains and ends it.",
    ]
    return "\n".join(lines)


def _curl(address: str, model: Model, settings: Settings) -> str:
    """Return a line for a shell that asks for one row."""
    words = [
        "curl",
        f"{address}/v2/models/{settings.name}/infer",
        "-H",
        "content-type: application/json",
    ]
    line = shlex.join(words)
    if settings.known:
        token = "$LABKIT_TOKEN" if settings.token else "$TOKEN"  # as --help calls a client's
        line += f' -H "authorization: Bearer {token}"'
    size = math.prod(model.inputs)
    body, _ = protocol.json_body(np.ones((1, *model.inputs)))
    if size <= EXAMPLE:
        return f"{line} -d {shlex.quote(body.decode())}"
    tensor = {"name": "input", "shape": [1, *model.inputs], "datatype": "FP32"}
    told = json.dumps(tensor)[:-1] + f', "data": [1.0] * {size}}}'
    program = f'import json; print(json.dumps({{"inputs": [{told}]}}))'
    return f"python3 -c {shlex.quote(program)} | {line} -d @-"
