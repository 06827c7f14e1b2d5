"""What the learner did: guesses, checks and runs, one line each in one file that only grows.

The file is `progress.jsonl` in the learner's folder, and stays there. A line that was cut off by a
kill or a full disk costs that line and no other; two kernels may write at once. Only the live
kernel of a notebook writes.
"""

import json
import os
import re
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.lab import lesson as lessons
from labkit.lab import places
from labkit.lab.lesson import Lesson, tags
from labkit.lab.records.shell import in_notebook, is_headless

FILE = "progress.jsonl"
_START = '{"at": '  # every line begins so; inside of a text a quote has a backslash before it
CHECK = re.compile(r"\bexercise\.(\w+)\.(?:use|check)\(")  # in a check cell: the exercise
_PREDICT = re.compile(r"""\bpredict\(\s*["']\d\d["'],\s*["']([^"']+)["']""")
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
    """Return the whole lines of one file.

    Raises:
        OSError: it cannot be read.
    """
    text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    return [line for part in text.split("\n") if (line := _line(part))]


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


# --- what a lesson asks for, and how far a learner is -------------------------------------------


def tasks(lesson: Lesson) -> list[tuple[str, str]]:
    """Return what a lesson asks for, in its order: ("check", exercise) or ("guess", prediction).

    >>> tasks(lessons.read("03"))[0]
    ('check', 'network')
    """
    found: dict[tuple[str, str], None] = {}
    for cell in lesson.content["cells"]:
        for tag, what, pattern in (("check", "check", CHECK), ("predict", "guess", _PREDICT)):
            if tag in tags(cell):
                found |= {(what, name): None for name in pattern.findall(cell["source"])}
    return list(found)


def standing(lesson: Lesson, lines: list[dict]) -> dict:
    """Return how far a learner is in one lesson.

    Args:
        lesson: which one.
        lines: all that this learner did, from `read`.

    Returns:
        status: "not begun", "begun", or "done" when all exercises are right and all predictions
        guessed; exercises and predictions: [done, all]; runs: how many; last: when something
        was done, "" for never; items: see `item`.

    >>> line = {"at": "2026-11-28T09:00:00+00:00", "lesson": "03", "what": "check"}
    >>> found = standing(lessons.read("03"), [line | {"name": "hat", "kind": "right", "ok": True}])
    >>> found["status"], found["exercises"]
    ('begun', [1, 4])
    """
    own = [line for line in lines if line["lesson"] == lesson.number]
    items = [item(what, name, own) for what, name in tasks(lesson)]
    exercises = [each["done"] for each in items if each["what"] == "exercise"]
    predictions = [each["done"] for each in items if each["what"] == "prediction"]
    is_done = bool(items) and all(exercises) and all(predictions)
    return {
        "number": lesson.number,
        "status": "done" if is_done else "begun" if own else "not begun",
        "exercises": [sum(exercises), len(exercises)],
        "predictions": [sum(predictions), len(predictions)],
        "runs": len({line["name"] for line in own if line["what"] == "run"}),
        "last": max((line["at"] for line in own), default=""),
        "items": items,
    }


def item(what: str, name: str, lines: list[dict]) -> dict:
    """Return what became of one exercise or prediction.

    Args:
        what: "check" or "guess".
        name: of the exercise or prediction.
        lines: what a learner did in its lesson.

    Returns:
        A flat dict. tries counts up to the first right answer; mistakes is kind -> how often;
        guess and close are those of the first guess.
    """
    mine = [line for line in lines if (line["what"], line["name"]) == (what, name)]
    mine = [line for line in mine if line.get("kind") != "not tried"]
    right = [line.get("ok") is True for line in mine]
    tries = right.index(True) + 1 if True in right else len(mine)
    wrong = [str(line.get("kind", "other")) for line in mine if line.get("ok") is not True]
    first = mine[0] if mine else {}
    is_check = what == "check"
    return {
        "what": "exercise" if is_check else "prediction",
        "name": name,
        "done": any(right) if is_check else bool(mine),
        "tries": tries,
        "first_try_right": first.get("ok" if is_check else "close"),
        "mistakes": dict(Counter(wrong)) if is_check else {},
        "last_kind": str(mine[-1].get("kind", "")) if mine and is_check else "",
        "guess": first.get("guess"),
        "close": first.get("close"),
        "first": first.get("at", ""),
        "last": mine[-1]["at"] if mine else "",
    }


def standings(lines: list[dict]) -> list[dict]:
    """Return `standing` of every lesson, in order; `next` is true for the one to go on with.

    That is the lesson begun and not done in which something was done last, else the first one
    that is not begun.

    >>> [each["number"] for each in standings([]) if each["next"]]
    ['00']
    """
    found = [standing(lesson, lines) for lesson in lessons.read_all(lambda *skipped: None)]
    begun = [each for each in found if each["status"] == "begun"]
    new = [each["number"] for each in found if each["status"] == "not begun"]
    here = max(begun, key=lambda each: each["last"])["number"] if begun else (new or [None])[0]
    return [each | {"next": each["number"] == here} for each in found]
