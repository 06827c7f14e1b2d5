"""An intruder at a running server: who gets in, how often, and what is left in the log.

The server is lesson 23's, with three clients of three roles, a rate limit and an audit log. What
the intruder tries is a table; what it gets is measured.

Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from labkit.datacenter.security import access, audit
from labkit.datacenter.serving import protocol
from labkit.datacenter.serving.served import Served

ROLES = {"viewer": "read", "ward": "predict", "chief": "admin"}  # client -> its role
PATHS = {
    "look": "/v2",
    "predict": "/v2/models/model/infer",
    "read the log": "/v2/audit",
}
MARK = 0.31337


class Attempt(NamedTuple):
    """A request of the intruder, and what came of it.

    Attributes:
        who: a client of `ROLES`, or anybody else, who has no token.
        does: one of `PATHS`.
        header: one more header, or none.
        status: of the answer: 200, 401 (who are you?), 403 (you may not).
    """

    who: str
    does: str
    header: str = ""
    status: int = 0


class Found(NamedTuple):
    """What an intruder got.

    Attributes:
        attempts: with their answers.
        flood: answers to requests that one client sends as fast as it can.
        wait: what the first refused one was told: seconds, the header Retry-After.
        log: its lines, read back.
        kept: how many lines follow from each other, in the log as it was written.
        forged: what is said of a log in which one line was changed.
        leaked: whether a token or a pixel stands in the log.
    """

    attempts: list[Attempt]
    flood: list[int]
    wait: str
    log: list[dict[str, Any]]
    kept: int
    forged: str
    leaked: bool


def intrude(
    model: Sequence[np.ndarray],
    attempts: Sequence[Attempt],
    row: np.ndarray,
    flood: int = 12,
    rate: float = 2.0,
    burst: int = 5,
) -> Found:
    """Start a server, knock, and return what came of it; the server and its log are gone then.

    Args:
        model: arrays of dense layers, as `Served` takes them.
        attempts: what is tried, in order.
        row: what is sent to be predicted, shape (inputs,).
        flood: requests at once, by `ward`, after these.
        rate, burst: of the server's limit.

    Raises:
        ModuleNotFoundError: the extra `serve` is not installed: see `served.missing`.
    """
    row = np.concatenate([[MARK], row[1:]])  # a number to look for in the log
    tokens = {who: secrets.token_hex(16) for who in ROLES}
    known = [access.client(who, role, tokens[who]) for who, role in ROLES.items()]
    limits = {"rate": rate, "burst": burst}

    with tempfile.TemporaryDirectory(prefix="labkit_") as folder:
        path = Path(folder) / "audit.jsonl"
        with Served(model, clients=known, audit=str(path), **limits) as server:
            done = [each._replace(status=_ask(server, tokens, each, row)[0]) for each in attempts]
            much = [_ask(server, tokens, Attempt("ward", "predict"), row) for _ in range(flood)]
        text = path.read_text()
        kept, forged = audit.verify(path), _forged(path, text)
    wait = next((headers.get("retry-after", "") for status, headers in much if status == 429), "")
    lines = [json.loads(line) for line in text.splitlines()]
    leaked = any(each in text for each in [*tokens.values(), str(MARK)])
    return Found(done, [status for status, _ in much], wait, lines, kept, forged, leaked)


def _ask(server: Served, tokens: dict[str, str], attempt: Attempt, row: np.ndarray) -> tuple:
    """Send one request; return its status, and the headers of the answer in small letters."""
    predicts = attempt.does == "predict"
    body, headers = protocol.json_body([row]) if predicts else (None, {})
    if token := tokens.get(attempt.who):
        headers |= {"authorization": f"Bearer {token}"}
    if attempt.header:
        name, _, value = attempt.header.partition(": ")
        headers |= {name: value}
    sent = server.ask("POST" if predicts else "GET", PATHS[attempt.does], body, headers)
    return sent[0], {name.lower(): value for name, value in sent[2].items()}


def _forged(path: Path, text: str) -> str:
    """Change one word in the log, and return what the check says."""
    path.write_text(text.replace('"viewer"', '"chief"', 1))
    try:
        audit.verify(path)
    except audit.Forged as error:
        return str(error).replace(str(path), "the log")
    return "nothing"
