"""Who may do what, how often, and what is written down: roles, a rate limit, an audit log.

The server of lesson 23 uses all three (`labkit serve --help`). Nothing here needs it.

Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

ROLES = ("read", "predict", "admin")  # each may what the ones before it may
NOBODY = "nobody"  # who showed no token that is known
START = "0" * 64  # what the first line of a log has in the place of a hash


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


# --- what is written down -----------------------------------------------------------------------


class Forged(ValueError):
    """A log is not as it was written; the message says from where on."""


class Audit:
    """A log in which each line holds the hash of the line before.

    Whoever changes, inserts or removes a line has to change all that follow, and so the last hash,
    `head`. Keep heads somewhere else: who may write the file can write all of it anew.

    Args:
        path: of the file; it is made, readable for its owner alone, or continued.

    Attributes:
        lines: how many there are.
        head: hash of the last one.

    Raises:
        Forged: the file that is there has been changed; keep it, and begin another one.
        OSError: it cannot be written, or another server writes it.

    Source: Haber and Stornetta, How to time-stamp a digital document (1991).
    """

    def __init__(self, path: str | Path):
        if Path(path).exists() and not Path(path).is_file():
            raise OSError(
                f"{path} is no plain file: a log must be one, so that it can be read back"
            )
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            _keep_others_out(self._file, path)  # before it is read: another may still write
            self.lines, self.head = _chain(path)
        except BaseException as error:
            os.close(self._file)
            if isinstance(error, Forged):
                raise Forged(f"{error}. Keep that file as it is, and begin another log") from None
            raise
        self._size = os.fstat(self._file).st_size

    def add(self, **what: Any) -> None:
        """Append a line, whole or not at all.

        Raises:
            OSError: it cannot be written, or somebody has cut, extended or deleted it; and what
                happened must not.
        """
        entry = {"time": round(time.time(), 3)} | what | {"before": self.head}
        line, there = json.dumps(entry).encode() + b"\n", os.fstat(self._file)
        if there.st_size != self._size or not there.st_nlink:
            raise OSError("somebody else has cut, extended or deleted the audit log; begin another")
        if os.write(self._file, line) < len(line):
            os.ftruncate(self._file, self._size)
            raise OSError("the audit log cannot be written: the disk is full")
        self._size += len(line)
        self.lines, self.head = self.lines + 1, hashlib.sha256(line[:-1]).hexdigest()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def verify(path: str | Path, lines: int | None = None, head: str = START) -> int:
    """Return how many lines a log has, when each follows from the one before.

    Args:
        path: of the log.
        lines, head: what an `Audit` said some time ago; the log may have grown since. Without it
            nobody notices lines that are cut off at the end, or a log that is all new.

    Raises:
        Forged: from which line on the log is not as it was written.
        OSError: there is no such file.
    """
    count, found = _chain(path, lines)
    if lines is not None and (count, found) != (lines, head):
        raise Forged(f"the first {lines} lines are not those that were written")
    return _chain(path)[0]


def _chain(path: str | Path, most: int | None = None) -> tuple[int, str]:
    """Return how many lines follow from each other, and the hash of the last."""
    count, head = 0, START
    with Path(path).open("rb") as lines:  # one at a time: a log may be larger than the memory
        for line in islice(lines, most):
            if not line.endswith(b"\n"):
                raise Forged(f"the last line of {path} is not whole")
            try:
                said = json.loads(line)["before"]
            except (ValueError, KeyError, TypeError):
                said = None
            if said != head:
                raise Forged(f"line {count + 1} of {path} does not follow from the one before")
            count, head = count + 1, hashlib.sha256(line[:-1]).hexdigest()
    return count, head


def _keep_others_out(file: int, path: str | Path) -> None:
    with suppress(ModuleNotFoundError):  # Windows
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OSError(f"another server writes {path}: give each its own log") from None
