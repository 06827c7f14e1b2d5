"""The way through the lessons: links between them, minutes, the index, how far a learner is.

`python -m labkit.lab.pages.contents` (`make contents`) writes what follows from the lessons
themselves into their notebooks and into the index; nobody types it.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from labkit.lab import files, places, progress, standing
from labkit.lab import lesson as lessons
from labkit.lab.language import VARIABLE, language
from labkit.lab.lesson import NAVIGATION, Lesson
from labkit.lab.pages.glossary import with_tooltips

_TIME = re.compile(r"(?:\*\*Time:\*\*.*?)?\*\*Before it:\*\*", re.DOTALL)
_TABLE = re.compile(r"(?:^\|.*\|$\n?)+", re.MULTILINE)
_ROW = re.compile(r"^\| \[[^\]]*\]\(([^)]+)\) \| (.*?) \|", re.MULTILINE)


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
    found = {each["number"]: each for each in standing.standings(progress.read(folder))}
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


# --- what is written into the notebooks ---------------------------------------------------------


def way(lesson: Lesson, every: list[Lesson]) -> str:
    """Return the line of links to the lesson before, to the index and to the lesson after.

    >>> every = lessons.read_all()
    >>> way(every[0], every)
    '[All lessons](index.ipynb) · [01 · Gradient descent](01_gradient_descent.ipynb) →'
    """
    at = every.index(lesson)
    links = [f"← {_link(each)}" for each in every[at - 1 : at] if at]
    links.append("[All lessons](index.ipynb)")
    links += [f"{_link(each)} →" for each in every[at + 1 : at + 2]]
    return " · ".join(links)


def _link(lesson: Lesson) -> str:
    return f"[{lesson.number} · {lesson.title}]({lesson.path.name})"


def written(lesson: Lesson, every: list[Lesson]) -> list[dict]:
    """Return the cells of a lesson with its links, its minutes and the meanings of its words.

    Raises:
        ValueError: its first cell has no line `**Before it:**`; the message names the lesson.
    """
    cells = [dict(cell) for cell in lesson.content["cells"]]
    texts = [cell for cell in cells if cell["cell_type"] == "markdown"]
    if not texts or "**Before it:**" not in texts[0]["source"]:
        raise ValueError(
            f"{lesson.path.name}: the first cell needs a line that begins with **Before it:** and "
            "says which lessons come before."
        )
    if cells[-1]["cell_type"] != "markdown":
        texts.append({"cell_type": "markdown", "id": "way", "metadata": {}, "source": ""})
        cells.append(texts[-1])
    for cell in texts:
        cell["source"] = with_tooltips(cell["source"])
    links = way(lesson, every)
    title, *rest = _paragraphs(_TIME.sub(_time(0), texts[0]["source"], count=1))
    texts[0]["source"] = "\n\n".join([title, links, *rest])
    texts[-1]["source"] = "\n\n".join([*_paragraphs(texts[-1]["source"]), links]).strip()
    time = _time(lessons.minutes(cells))
    texts[0]["source"] = _TIME.sub(time, texts[0]["source"], count=1)
    return cells


def _time(minutes: int) -> str:
    return f"**Time:** about {minutes} minutes. **Before it:**"


def _paragraphs(source: str) -> list[str]:
    """Return the paragraphs of a text without lines of links."""
    return [part for part in source.split("\n\n") if not NAVIGATION.fullmatch(part.strip())]


def found_out(source: str) -> dict[str, str]:
    """Return file of each lesson -> what one finds out in it, as the index's text tells it.

    >>> found_out("| [01 · A](01_a.ipynb) | How far to step. | 65 | lesson 00 |")
    {'01_a.ipynb': 'How far to step.'}
    """
    return dict(_ROW.findall(source))


def with_table(source: str, every: list[Lesson]) -> str:
    """Return the index's text with its table of lessons as they are now.

    What one finds out in a lesson is told in the table itself and stays as it stands there; a
    lesson that is new in it brings its question.
    """
    told = found_out(source)
    rows = [
        f"| {_link(each)} | {told.get(each.path.name, each.question)} | {each.minutes} | "
        f"{each.before} |\n"
        for each in every
    ]
    heading = "| lesson | what you find out | minutes | before it |\n| --- | --- | --: | --- |\n"
    return _TABLE.sub(lambda _: heading + "".join(rows), source, count=1)


def write_all() -> list[Path]:
    """Write links, minutes and meanings into all lessons and the index; return what changed.

    Raises:
        ValueError: LABKIT_LANG names another language than English.
    """
    if language() != "en":
        raise ValueError(
            f"links and minutes are written into the English lessons: unset {VARIABLE}"
        )
    every = lessons.read_all()
    changed = [each.path for each in every if _write(each.path, written(each, every))]
    index = places.home() / "notebooks" / "index.ipynb"
    cells = lessons.content(index)["cells"]
    cells[0]["source"] = with_table(cells[0]["source"], lessons.read_all())
    return changed + ([index] if _write(index, cells) else [])


def _write(path: Path, cells: list[dict]) -> bool:
    """Write a notebook with these cells, as JupyterLab stores it; return whether it changed."""
    import nbformat

    notebook = nbformat.from_dict(lessons.content(path) | {"cells": cells})
    text = nbformat.writes(notebook) + "\n"
    if text == path.read_text(encoding="utf-8"):
        return False
    files.write(path, text)
    return True


if __name__ == "__main__":
    try:
        for path in write_all():
            print(path)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
