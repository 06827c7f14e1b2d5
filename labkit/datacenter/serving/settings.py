"""How a server treats requests: its settings, checked before any process starts."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields

from labkit.datacenter.security import access
from labkit.datacenter.security.access import Client

LOOPBACK = ("127.0.0.1", "localhost", "::1")  # what this machine alone can reach
# Of all other numbers 0.
LEAST = {"max_batch": 1, "body_limit": 1, "connections": 8, "rate": 0.001, "burst": 1}
OWNER = "owner"  # who shows `token`
NO_NUMBERS = ("name", "token", "clients", "audit")


@dataclass(frozen=True)
class Settings:
    """How a server treats requests.

    Args:
        name: of the model, in its address: letters, digits, -, _ and .
        max_batch: rows that a batch may have, and a request.
        max_wait: seconds that the first of a batch may wait for others.
        queue_limit: requests that may wait; the next ones are answered 503 with Retry-After.
        patience: seconds after which a request that still waits is answered 504, not computed.
        token: what a client must show as Authorization: Bearer TOKEN; at least 16 characters. It
            may do everything.
        clients: others who may ask, each with a role and a token of its own.
        rate: requests a second that each client may send in the long run; the next ones are
            answered 429 with Retry-After. All who show no right token count as one.
        burst: requests that each may send at once.
        audit: file of the log of who did what; None writes none.
        body_limit: bytes of a request's body; None takes what the model needs at most, as JSON.
        drain: seconds after SIGTERM for what was accepted.
        grace: seconds after SIGTERM in which new requests still come in, while ready says 503.
        header_seconds: until a request's headers must have come.
        body_seconds: until its body must have come, from then on.
        keep_alive: seconds that a connection may be silent between two requests.
        connections: that may be open; beyond, the one that is silent longest is closed.

    Raises:
        ValueError: a setting out of its range.
    """

    name: str = "model"
    max_batch: int = 32
    max_wait: float = 0.0
    queue_limit: int = 1000
    patience: float = math.inf
    token: str | None = None
    clients: tuple[Client, ...] = ()
    rate: float = math.inf
    burst: int = 20
    audit: str | None = None
    body_limit: int | None = None
    drain: float = 10.0
    grace: float = 0.0
    header_seconds: float = 10.0
    body_seconds: float = 20.0
    keep_alive: float = 5.0
    connections: int = 4096

    def __post_init__(self):
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", self.name):
            raise ValueError(f"a model's name has letters, digits, - _ . Received: {self.name!r}")
        for name in [each.name for each in fields(self) if each.name not in NO_NUMBERS]:
            value, least = getattr(self, name), LEAST.get(name, 0)
            if value is not None and not value >= least:
                raise ValueError(f"{name} must be at least {least}. Received: {value!r}")
        for what in ("name", "digest"):
            if len({getattr(each, what) for each in self.known}) < len(self.known):
                one = "name" if what == "name" else "token"
                raise ValueError(f"two clients have one {one}: who asked could not be told")
        if self.audit is not None and not str(self.audit):
            raise ValueError("the audit log needs the name of a file, and got an empty one")

    @property
    def known(self) -> tuple[Client, ...]:
        """All who may ask; nobody, where no token is needed."""
        owner = () if self.token is None else (access.client(OWNER, "admin", self.token),)
        return (*owner, *map(access.checked, self.clients))
