"""What was done, and by whom: a log whose lines are bound to each other.

The server of lesson 23 writes it (`labkit serve --audit`), `labkit audit` checks it.

Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

START = "0" * 64  # what the first line of a log has in the place of a hash


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
