"""The SQLite file of a results folder: who is running what, so that several drivers share it.

A claim says "this process runs this now". It holds while its lease does, which the owner keeps
renewing, and no longer than the owner lives. What a run found is not here but in its record.json:
delete `runs.sqlite`, and nothing is lost but the count of attempts.
"""

import os
import socket
import sqlite3
import time
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from labkit.lab.files import network, process_runs

FILE = "runs.sqlite"
LEASE = 60.0  # seconds that a claim holds after it was last renewed
RENEW = 10.0  # seconds between two renewals
_PATIENCE = 30.0  # seconds to wait for another writer

_CLAIMS = """
CREATE TABLE IF NOT EXISTS claims (
    lesson TEXT NOT NULL,
    run_id TEXT NOT NULL,
    owner TEXT,             -- host:pid:created:token of the driver; NULL when nobody runs it
    lease REAL NOT NULL,    -- until when, in seconds since 1970
    attempts INTEGER NOT NULL,
    PRIMARY KEY (lesson, run_id)
) WITHOUT ROWID
"""


_working: set[str] = set()  # drivers of this very process that have not ended


class StoreError(RuntimeError):
    """The SQLite file cannot be used; the message says why and what to do."""


def connect(folder: str | os.PathLike) -> sqlite3.Connection:
    """Return a connection to the SQLite file of a results folder, made where it is missing.

    Each statement commits by itself; several processes may write.

    Raises:
        StoreError: the folder cannot be written or is on a network file system, or the file is
            no SQLite file.
    """
    path = Path(folder) / FILE
    if kind := network(folder):
        raise StoreError(f"{path.parent} is on a network file system ({kind}): no SQLite there")
    with _sentences(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            # A write-ahead log: readers do not wait for a writer. Losing the last commits when
            # the power fails costs nothing here, so not every commit waits for the disk.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_CLAIMS)
        except BaseException:
            connection.close()
            raise
    return connection


class Claims:
    """The claims of one driver on one results folder; one thread uses it."""

    def __init__(self, folder: str | os.PathLike, lesson: str):
        self.folder, self.lesson = Path(folder), lesson
        self.owner = new_owner()
        self._connection = connect(folder)
        self._renewed = time.monotonic()

    def claim(self, run_id: str) -> int | None:
        """Take a run: return the number of this attempt, from 1, or None when another has it.

        A claim whose lease ran out, or whose owner was a process of this host that is dead, is
        free.
        """
        with _sentences(self.folder / FILE):
            now, holder = time.time(), self._holder(run_id)
            gone = holder if holder is not None and is_gone(holder) else None
            row = self._connection.execute(
                "INSERT INTO claims VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE "
                "SET owner = excluded.owner, lease = excluded.lease, attempts = attempts + 1 "
                "WHERE owner IS NULL OR lease < ? OR owner = ? RETURNING attempts",
                (self.lesson, run_id, self.owner, now + LEASE, now, gone),
            ).fetchone()
        return row and row[0]

    def release(self, run_id: str) -> None:
        """Give a run back, whether it ended or not."""
        with _sentences(self.folder / FILE):
            self._connection.execute(
                "UPDATE claims SET owner = NULL, lease = 0 "
                "WHERE lesson = ? AND run_id = ? AND owner = ?",
                (self.lesson, run_id, self.owner),
            )

    def unclaim(self, run_id: str) -> None:
        """Give a run back that was not begun: the attempt does not count."""
        with _sentences(self.folder / FILE):
            self._connection.execute(
                "UPDATE claims SET owner = NULL, lease = 0, attempts = attempts - 1 "
                "WHERE lesson = ? AND run_id = ? AND owner = ?",
                (self.lesson, run_id, self.owner),
            )

    def renew(self) -> None:
        """Extend all leases of this driver when it is time to; call it often."""
        if time.monotonic() - self._renewed < RENEW:
            return
        with _sentences(self.folder / FILE):
            self._connection.execute(
                "UPDATE claims SET lease = ? WHERE owner = ?", (time.time() + LEASE, self.owner)
            )
        self._renewed = time.monotonic()

    def held(self, run_ids: Iterable[str] | None = None) -> dict[str, str]:
        """Return {run id: owner} of the claims on this lesson that hold now."""
        with _sentences(self.folder / FILE):
            rows = self._connection.execute(
                "SELECT run_id, owner FROM claims WHERE lesson = ? AND owner IS NOT NULL "
                "AND lease >= ?",
                (self.lesson, time.time()),
            ).fetchall()
        wanted = None if run_ids is None else set(run_ids)
        return {r: o for r, o in rows if (wanted is None or r in wanted) and not is_gone(o)}

    def close(self) -> None:
        """Close the file; claims that could not be given back are free from now on."""
        _working.discard(self.owner)
        self._connection.close()

    def _holder(self, run_id: str) -> str | None:
        row = self._connection.execute(
            "SELECT owner FROM claims WHERE lesson = ? AND run_id = ?", (self.lesson, run_id)
        ).fetchone()
        return row and row[0]


class NoClaims:
    """In the place of `Claims` where there is no file: shards, and network file systems.

    Each run has one driver by agreement; a run that is going on all the same is waited for.
    """

    def claim(self, run_id: str) -> int:
        """Take a run; which attempt it is, its earlier records tell."""
        return 0

    def release(self, run_id: str) -> None:
        """Nothing was taken."""

    unclaim = release

    def renew(self) -> None:
        """There is no lease."""

    def close(self) -> None:
        """There is no file."""


def new_owner() -> str:
    """Return a name for a driver that tells its process, host:pid:created:token."""
    import psutil

    created = psutil.Process().create_time()
    owner = f"{socket.gethostname()}:{os.getpid()}:{created:.2f}:{uuid4().hex[:8]}"
    _working.add(owner)
    return owner


def is_gone(owner: str) -> bool:
    """Whether an owner is a driver on this host that no longer works.

    >>> is_gone(new_owner())
    False
    """
    host, pid, created, _ = owner.rsplit(":", 3)
    if host != socket.gethostname():
        return False  # cannot know; its lease will tell
    if int(pid) == os.getpid() and process_runs(int(pid), float(created)):
        return owner not in _working
    return not process_runs(int(pid), float(created))


@contextmanager
def _sentences(path: Path):
    """Turn what SQLite and the system say into one sentence with a way out."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"Cannot use {path}: {error}. Free some space, or name another folder with --to; on a "
            "network file system use --shard, which needs no such file."
        ) from error
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path} is damaged ({error}). Delete it: it is made again, and no result is in it."
        ) from error
    except OSError as error:
        raise StoreError(
            f"Cannot keep results in {path.parent}: {error.strerror or error}. "
            "Name another folder with --to or LABKIT_RUNS."
        ) from error
