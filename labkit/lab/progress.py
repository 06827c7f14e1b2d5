"""What the learner did: guesses, checks and runs, one line each in one file that only grows.

The file is `progress.jsonl` in the learner's folder. A line that was cut off by a kill or a full
disk costs that line and no other; two kernels may write at once.
"""

import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.lab import places

FILE = "progress.jsonl"


def add(lesson: str, what: str, name: str, **facts: Any) -> None:
    """Add one line; never raises, because a lesson goes on without its progress being kept.

    Args:
        lesson: the lesson's number, "01".
        what: "guess", "check" or "run".
        name: of the prediction, the exercise or the run.
        **facts: plain data, such as kind="sign", ok=False.
    """
    line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "lesson": lesson}
    line |= {"what": what, "name": name, **facts}
    try:
        _append(places.learner_folder() / FILE, json.dumps(line, ensure_ascii=False, default=str))
    except OSError as error:
        print(f"This was not kept in your progress: {error.strerror}.", file=sys.stderr)


def read(folder: str | os.PathLike | None = None) -> list[dict]:
    """Return all lines of a learner's folder, oldest first; what is no whole line is left out.

    >>> read("no such folder")
    []
    """
    path = Path(folder or places.learner_folder()) / FILE
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return list(_lines(text.splitlines()))


def _lines(texts: Iterable[str]) -> Iterable[dict]:
    for text in texts:
        with suppress(ValueError):
            line = json.loads(text)
            if isinstance(line, dict):
                yield line


def _append(path: Path, line: str) -> None:
    """Append a line in one write, on a line of its own even after half a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(handle).st_size
        whole = size == 0 or os.pread(handle, 1, size - 1) == b"\n"
        os.write(handle, (("" if whole else "\n") + line + "\n").encode())
    finally:
        os.close(handle)
