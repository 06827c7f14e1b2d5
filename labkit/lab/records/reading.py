"""Every record of a results folder, read back; each file is read once.

A process keeps what it has read, and `runs.sqlite` keeps it for the next one. Both only save time.
A broken record gets a row that says what is wrong with it.
"""

import json
import os
import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from labkit.lab import files, places
from labkit.lab.records import folders, index
from labkit.lab.records.entry import Failure, Record
from labkit.lab.words import count

SILENT = 120.0  # seconds without a sign of life, after which a run of another machine is dead
_FEW = 200  # new records that are read faster one by one than through an index
_MOST = 20_000  # records kept in memory
_WORDS = {"latest": -1, "previous": -2, "first": 0}


class TableError(ValueError):
    """A run or column that is not there; the message says what is."""


def read_records(
    folder: str | os.PathLike | None = None, lesson: str | None = None
) -> list[Record]:
    """Return every record below a results folder; an unreadable one says so in its status.

    Cheap to call again and again: what has not changed is not read again.

    Args:
        folder: the results folder; default LABKIT_RUNS or `runs/`.
        lesson: only this lesson's number ("01"); None for all.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as top:
    ...     folder = Path(top, "01_a", "3f2a81c09b7d")
    ...     folder.mkdir(parents=True)
    ...     files.write_json(folder / "record.json", Record("01", folder.name, "finished").plain())
    ...     [record.status for record in read_records(top)]
    ['finished']
    """
    top = places.runs_folder(folder)
    stamps = _stamps(top, lesson or "")
    with _reading:
        _remember(top, {path: s for path, s in stamps.items() if _seen.get(path, (0,))[0] != s})
        found = [_settled(_seen[path][1], stamps[path][0] / 1e9) for path in stamps]
    settled: dict[tuple, str] = {}
    for record in found:
        if not folders.is_staged(record.folder):
            key = record.lesson, record.run_id
            settled[key] = max(settled.get(key, ""), record.started)
    # A staged folder is a run still going or cut off; a later run of the same settles it.
    return [
        record
        for record in found
        if not folders.is_staged(record.folder)
        or settled.get((record.lesson, record.run_id), "") < (record.started or "~")
    ]


def read_record(folder: str | os.PathLike) -> Record:
    """Return the record of a run's folder; its status is 'unreadable' when it cannot be read.

    >>> read_record("runs/01_a/no_such_run").status
    'unreadable'
    """
    path = os.path.join(folder, folders.RECORD)
    try:
        stat = os.stat(path)
    except OSError as error:
        return _parsed(path, error)
    known = _seen.get(path)
    if known is None or known[0] != (stat.st_mtime_ns, stat.st_size):
        return _settled(_parsed(path, _text(path)), stat.st_mtime)
    return _settled(known[1], stat.st_mtime)


def find(run: str, folder: str | os.PathLike | None = None) -> Record:
    """Return the record of one run.

    Args:
        run: its id, the beginning of one, or a lesson with a word: "01:latest", "01:previous",
            "01:first" (by the time of their start).
        folder: the results folder; default LABKIT_RUNS or `runs/`.

    Raises:
        TableError: there is no such run, or more than one; the message names some.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as top:
    ...     folder = Path(top, "01_a", "3f2a81c09b7d")
    ...     folder.mkdir(parents=True)
    ...     files.write_json(folder / "record.json", Record("01", folder.name, "finished").plain())
    ...     find("3f2a", top).run_id, find("01:latest", top).run_id
    ('3f2a81c09b7d', '3f2a81c09b7d')
    """
    lesson, colon, word = run.partition(":")
    if colon:
        return _by_word(lesson, word, folder)
    found = sorted(read_records(folder), key=lambda record: record.started)
    ids = {record.run_id for record in found}
    chosen = {run} & ids or {each for each in ids if run and each.startswith(run)}
    if len(chosen) == 1:
        return [record for record in found if record.run_id in chosen][-1]
    if chosen:
        some = ", ".join(sorted(chosen)[:5])
        raise TableError(f"{len(chosen)} runs begin with {run!r}: {some}. Give more of the id.")
    some = ", ".join(f"{record.run_id} (lesson {record.lesson})" for record in found[-5:])
    latest = f"The latest are {some}" if some else "There are no runs yet"
    raise TableError(f"There is no run {run!r} in {places.runs_folder(folder)}. {latest}.")


def is_going(record: Record) -> bool:
    """Return whether the process that writes a record still exists.

    Of a run on another machine this cannot be known; it counts as going.

    >>> process = {"host": socket.gethostname(), "pid": os.getpid(), "created": 0.0}
    >>> is_going(Record("01", "aaa", "running", process=process))
    False
    """
    process = record.process
    if process.get("host") != socket.gethostname():
        return True
    return files.process_runs(process.get("pid"), process.get("created"))


def _by_word(lesson: str, word: str, folder: str | os.PathLike | None) -> Record:
    if word not in _WORDS:
        allowed = ", ".join(f"{lesson}:{each}" for each in _WORDS)
        raise TableError(f"{lesson}:{word} names no run; use {allowed}, or a run id")
    number = places.lesson_file(lesson).name[:2]
    found = sorted(read_records(folder, number), key=lambda record: record.started)
    try:
        return found[_WORDS[word]]
    except IndexError:
        there = count(len(found), "run")
        raise TableError(f"Lesson {number} has {there}; there is no {word} one") from None


# Path of a record -> its (mtime_ns, size), and its content.
_seen: dict[str, tuple[tuple[int, int], Record]] = {}
_reading = threading.Lock()  # a live explorer reads in a thread of its own


def _stamps(top: Path, lesson: str) -> dict[str, tuple[int, int]]:
    """Return the (mtime_ns, size) of each record below the folder, sorted by path."""
    found = {}
    for folder in folders.runs_below(top, lesson):
        path = os.path.join(folder, folders.RECORD)
        try:
            stat = os.stat(path)
        except OSError:  # no record there, or its run was renamed just now
            continue
        found[path] = (stat.st_mtime_ns, stat.st_size)
    return dict(sorted(found.items()))


def _remember(top: Path, new: dict[str, tuple[int, int]]) -> None:
    """Read these records into memory, through the index where they are many."""
    if len(_seen) + len(new) > _MOST:
        _seen.clear()
    many = len(new) > _FEW
    known = index.texts(top, new) if many else {}
    fresh = []
    for path, stamp in new.items():
        text = known.get(path) or _text(path)
        _seen[path] = (stamp, _parsed(path, text))
        still_changes = folders.is_staged(os.path.dirname(path))
        if path not in known and isinstance(text, str) and not still_changes:
            fresh.append((path[len(str(top)) + 1 :], *stamp, text))
    if many and fresh:
        index.keep(top, fresh)


def _text(path: str) -> str | Exception:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        return error


def _parsed(path: str, text: str | Exception) -> Record:
    """Return a record with its folder; its status is 'unreadable' when it cannot be read."""
    folder = os.path.dirname(path)
    try:
        if isinstance(text, Exception):
            raise text
        return Record.read(json.loads(text), folder)
    except (OSError, ValueError) as error:
        failure = Failure("unreadable", f"{path}: {error}")
        place, run_id = folder.split(os.sep)[-2:]
        return Record(place[:2], run_id, "unreadable", error=failure, folder=folder)


def _settled(record: Record, touched: float) -> Record:
    """Return a record that says 'interrupted' if its run goes no longer."""
    if record.status != "running":
        return record
    if not is_going(record):
        cause = "the process that ran it ended before it could finish"
    elif _silent_elsewhere(record, touched) > SILENT:
        since = datetime.fromtimestamp(touched, UTC).isoformat(" ", timespec="seconds")
        cause = f"no sign of life from {record.process.get('host')} since {since}"
    else:
        return record
    return replace(record, status="interrupted", error=Failure("interrupted", cause))


def _silent_elsewhere(record: Record, touched: float) -> float:
    """Return for how many seconds a run of another machine has not touched its record."""
    host = record.process.get("host")
    if record.schema < 2 or host in (None, socket.gethostname()):
        return 0.0
    return time.time() - touched
