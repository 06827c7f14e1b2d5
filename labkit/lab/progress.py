"""What the learner did: guesses, checks and runs, one line each in one file that only grows.

The file is `progress.jsonl` in the learner's folder, and stays there. A line that was cut off by a
kill or a full disk costs that line and no other; two kernels may write at once. Only the live
kernel of a notebook writes.
"""

import errno
import json
import os
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from labkit.lab import places
from labkit.lab.records.shell import in_notebook, is_headless

FILE = "progress.jsonl"
_START = '{"at": '  # every line begins so; inside of a text a quote has a backslash before it
_NAMES = ("at", "lesson", "what", "name")  # what every line says, as texts

_told = False  # that nothing can be kept; once a kernel is enough


def add(lesson: str, what: str, name: str, **facts: Any) -> None:
    """Add one line; never raises, because a lesson goes on without its progress being kept.

    Args:
        lesson: the lesson's number, "01".
        what: "guess", "check" or "run".
        name: of the prediction, the exercise or the run.
        **facts: plain data, such as kind="sign", ok=False.

    >>> add("01", "check", "update", kind="right", ok=True)  # no notebook, so nothing is written
    """
    global _told
    if is_headless() or not in_notebook():
        return
    line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "lesson": str(lesson).zfill(2)}
    line |= {"what": what, "name": name, **facts}
    try:
        path = places.learner_folder() / FILE
        _append(path, json.dumps(line, ensure_ascii=False, default=str) + "\n")
    except (OSError, TypeError, ValueError) as error:
        if not _told:
            reason = getattr(error, "strerror", None) or error
            print(
                f"What you do in this lesson is not kept in your progress: {reason}. The lesson "
                "goes on. LABKIT_LEARNER may name a folder that you may write.",
                file=sys.stderr,
            )
        _told = True


def _append(path: Path, line: str) -> None:
    """Append a line in one write; what a full disk cuts off is left as half a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        left = line.encode("utf-8", "replace")
        while left:
            left = left[os.write(handle, left) :]
    finally:
        os.close(handle)


# --- reading ------------------------------------------------------------------------------------


def read(folder: str | os.PathLike | None = None) -> list[dict]:
    """Return all lines of a learner's folder, oldest first; what is no whole line is left out.

    >>> read("no such folder")
    []
    """
    try:
        return read_file(Path(folder or places.learner_folder()) / FILE)
    except OSError:
        return []


def read_file(path: str | os.PathLike) -> list[dict]:
    """Return the whole lines of one file, which is read once as long as it stays as it is.

    Raises:
        OSError: it cannot be read, or is no plain file: a pipe could be waited for without end.

    >>> read_file(os.devnull)
    Traceback (most recent call last):
    ...
    OSError: [Errno 22] it is no plain file: '/dev/null'
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EINVAL, "it is no plain file", os.fspath(path))
    return list(_read_once(Path(path), found.st_mtime_ns, found.st_size, found.st_ino))


@lru_cache(maxsize=2)
def _read_once(path: Path, *stamp: int) -> tuple[dict, ...]:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return tuple(line for part in text.split("\n") if (line := _line(part)))


def _line(text: str) -> dict | None:
    """Return a line; one that was written behind half a line is found as well."""
    for part in (text, text[max(text.rfind(_START), 0) :]):
        try:
            line = json.loads(part)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict) and all(isinstance(line.get(name), str) for name in _NAMES):
            return line
    return None


# --- a class ------------------------------------------------------------------------------------


def read_class(folder: str | os.PathLike, skipped: Callable[[str], None]) -> dict[str, list[dict]]:
    """Return name -> lines of every learner of a class, names in order.

    A learner is a folder with `progress.jsonl` in it or in its `learner/`, or a file NAME.jsonl.

    Args:
        folder: of the class.
        skipped: gets a sentence on each learner of whom nothing can be read.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, "anna").mkdir()
    ...     read_class(folder, print)
    anna: there is no progress.jsonl in it.
    {}
    """
    found: dict[str, list[dict]] = {}
    for name, paths in _learners(Path(folder)).items():
        lines = []
        for path in paths:
            try:
                read_here = read_file(path)
            except OSError as error:
                skipped(f"{name}: {path} cannot be read: {error.strerror}.")
                continue
            if not read_here:
                skipped(f"{name}: {path} has no line that can be read.")
            lines += read_here
        if not paths:
            skipped(f"{name}: there is no {FILE} in it.")
        if lines:
            found[name] = sorted(lines, key=lambda line: line["at"])
    return found


def _learners(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            inside = (path / FILE, path / "learner" / FILE)
            found.setdefault(path.name, []).extend(each for each in inside if each.exists())
        elif path.suffix == ".jsonl":
            found.setdefault(path.stem, []).append(path)
    return found
