"""Who may do what, and how often: roles and a rate limit.

The server of lesson 23 uses both (`labkit serve --help`). Nothing here needs it.

Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROLES = ("read", "predict", "admin")  # each may what the ones before it may
NOBODY = "nobody"  # who showed no token that is known


# --- who may do what ----------------------------------------------------------------------------


class Client(NamedTuple):
    """Who may ask, without the token: a file of these gives none away.

    Attributes:
        name: letters, digits, - and _; it stands in the audit log.
        role: one of `ROLES`.
        digest: SHA-256 of the token, in hexadecimal digits. A password would need a slow hash;
            a token is drawn by chance, and nobody can try them all.
    """

    name: str
    role: str
    digest: str


def client(name: str, role: str, token: str) -> Client:
    """Return a client for a token.

    Args:
        name, role: as `Client` has them.
        token: at least 16 characters of ASCII, no spaces.

    Raises:
        ValueError: a name, a role or a token that is none.

    >>> client("ward", "predict", "0123456789abcdef").role
    'predict'
    """
    check_token(token)
    return checked(Client(name, role, hashlib.sha256(token.encode()).hexdigest()))


def checked(found: Client) -> Client:
    """Return a client as it came, if it can be one.

    Raises:
        ValueError: what is wrong with it.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", found.name) or found.name == NOBODY:
        raise ValueError(f"a client's name has letters, digits, - and _. Received: {found.name!r}")
    if found.role not in ROLES:
        raise ValueError(f"a role is one of {', '.join(ROLES)}. Received: {found.role!r}")
    if not re.fullmatch(r"[0-9a-f]{64}", found.digest):
        raise ValueError(f"the token of {found.name} must be 64 hexadecimal digits of a SHA-256")
    return found


def check_token(token: str) -> None:
    """Refuse a token that can be guessed, or that no header can hold."""
    if not re.fullmatch(r"[!-~]{16,}", token):
        raise ValueError(
            "a token needs at least 16 characters of ASCII without spaces, such as "
            "`openssl rand -hex 16` prints"
        )


def read_clients(path: str | Path) -> list[Client]:
    """Return the clients of a file: a line for each, NAME ROLE SHA256; # begins a comment.

    Raises:
        OSError: there is no such file.
        ValueError: a line that says something else, or nobody at all.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()  # Windows writes a mark
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8") from None
    rows = {n: line.partition("#")[0].split() for n, line in enumerate(lines, 1)}
    found = [_client_of(row, f"line {n} of {path}") for n, row in rows.items() if row]
    if not found:
        raise ValueError(f"{path} must have a line NAME ROLE SHA256 for each client, and has none")
    return found


def _client_of(row: list[str], where: str) -> Client:
    try:
        name, role, digest = row
    except ValueError:
        raise ValueError(f"{where} must say NAME ROLE SHA256, and has {len(row)} words") from None
    try:
        return checked(Client(name, role, digest.lower()))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def who_is(clients: Sequence[Client], token: str | None) -> Client | None:
    """Return the client that a token belongs to, or None.

    All are compared, each in a time that does not depend on where the difference is.

    >>> ward = client("ward", "predict", "0123456789abcdef")
    >>> who_is([ward], "0123456789abcdef") == ward, who_is([ward], "0123456789abcdeF")
    (True, None)
    """
    digest = hashlib.sha256((token or "").encode("utf-8", "surrogateescape")).hexdigest()
    found = [each for each in clients if hmac.compare_digest(each.digest, digest)]
    return found[0] if found else None


def may(role: str, needed: str) -> bool:
    """Return whether a role is enough for what needs another one.

    >>> may("admin", "predict"), may("read", "predict")
    (True, False)
    """
    return ROLES.index(role) >= ROLES.index(needed)


# --- how often ----------------------------------------------------------------------------------


class Bucket:
    """A token bucket: `burst` requests at once, and `rate` a second in the long run.

    Args:
        rate: tokens that flow in each second.
        burst: tokens that it holds at most, and at the beginning.
        clock: seconds.

    Source: RFC 2697 (1999) has it for packets.

    >>> now = 0.0
    >>> bucket = Bucket(rate=2, burst=3, clock=lambda: now)
    >>> [bucket.wait() for _ in range(5)]
    [0.0, 0.0, 0.0, 0.5, 0.5]
    >>> now = 0.5
    >>> bucket.wait()
    0.0
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic):
        self.rate, self.burst, self.clock = rate, burst, clock
        self.left, self.seen = float(burst), clock()

    def wait(self) -> float:
        """Take a token and return 0; where there is none, return the seconds until there is."""
        now = self.clock()
        if now > self.seen:
            self.left = min(self.burst, self.left + (now - self.seen) * self.rate)
            self.seen = now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) / self.rate
