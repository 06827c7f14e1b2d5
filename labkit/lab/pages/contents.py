"""The way through the lessons: what each is about, how long it takes, and how far a learner is."""

from __future__ import annotations

import os

from labkit.lab import lesson as lessons
from labkit.lab import progress


def overview(folder: str | os.PathLike | None = None) -> list[dict]:
    """Return every lesson with what it is about and how far the learner is, in order.

    Args:
        folder: the learner's folder; None for the one of this lab.

    Returns:
        Flat dicts, fit for JSON: number, title, file (of its notebook), question, minutes, before,
        status ("not begun", "begun" or "done"), exercises and predictions ([done, all]), and next
        (true for the lesson to go on with).

    >>> first = overview("no such folder")[0]
    >>> first["file"], first["status"], first["next"]
    ('00_start_here.ipynb', 'not begun', True)
    """
    kept = ("status", "exercises", "predictions", "next")
    found = {each["number"]: each for each in progress.standings(progress.read(folder))}
    return [
        {
            "number": lesson.number,
            "title": lesson.title,
            "file": lesson.path.name,
            "question": lesson.question,
            "minutes": lesson.minutes,
            "before": lesson.before,
            **{name: found[lesson.number][name] for name in kept},
        }
        for lesson in lessons.read_all(lambda *skipped: None)
    ]
