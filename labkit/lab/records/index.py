"""`runs.sqlite` in a results folder: the text of its records, for the next process that reads them.

It saves opening thousands of files. It is a cache: the records tell all, only more slowly, and it
can be deleted at any time. It is made where many records are read, but never on a network file
system, where SQLite is not safe.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from labkit.lab.files import network

FILE = "runs.sqlite"
_TABLE = """create table if not exists records
    (path text primary key, mtime_ns integer, size integer, entry text)"""
_NO_INDEX = (sqlite3.Error, OSError)  # the files tell all, only more slowly


def texts(top: Path, wanted: dict[str, tuple[int, int]]) -> dict[str, str]:
    """Return the text of those records that the index holds as they are now.

    Args:
        top: the results folder.
        wanted: path of a record -> its (mtime_ns, size).
    """
    if not (top / FILE).exists():
        return {}
    with suppress(*_NO_INDEX), _open(top) as index:
        rows = index.execute("select * from records")
        found = {os.path.join(top, name): (stamp, text) for name, *stamp, text in rows}
        return {p: found[p][1] for p, stamp in wanted.items() if found.get(p, [()])[0] == [*stamp]}
    return {}


def keep(top: Path, rows: list[tuple[str, int, int, str]]) -> None:
    """Keep (path, mtime_ns, size, text) of records for the next process.

    Some at a time, so that no one waits for us.
    """
    if network(top):
        return
    with suppress(*_NO_INDEX), _open(top) as index:
        for at in range(0, len(rows), 500):
            index.execute("begin immediate")
            index.executemany(
                "insert or replace into records values (?, ?, ?, ?)", rows[at : at + 500]
            )
            index.execute("commit")


@contextmanager
def _open(top: Path) -> Iterator[sqlite3.Connection]:
    # Rather read the files than wait long for another writer.
    with closing(sqlite3.connect(top / FILE, timeout=0.5, isolation_level=None)) as index:
        # A write-ahead log: readers do not wait for a writer. Losing the last commits when the
        # power fails costs nothing here, so not every commit waits for the disk.
        index.execute("pragma journal_mode = wal")
        index.execute("pragma synchronous = normal")
        index.execute(_TABLE)
        yield index
