"""The sections of a lesson: what each holds, how long it takes, and whether it may be left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.lab.classroom.may import EVERYWHERE, MAY
from labkit.lab.lesson import Lesson, exact_minutes, tags
from labkit.lab.standing import tasks

BEGINNING = "Beginning"
# Sections are the headings of the second level, and the source check, which may stand lower.
_HEADING = re.compile(r"^(?=## |### Source check)", re.MULTILINE)
_NUMBER = re.compile(r"^\d+ · ")


@dataclass(frozen=True)
class Section:
    """A part of a lesson, from a heading to the next."""

    lesson: str  # its number, "01"
    title: str  # without its number
    anchor: str  # the id of the cell with its heading
    cells: tuple[dict, ...]  # of a cell that two sections share, the part that belongs here
    why_may: str  # why it may be left out; "" where it must not

    @property
    def minutes(self) -> float:
        """How long it takes, by the rule of `lesson.minutes`, not rounded."""
        return exact_minutes(list(self.cells))

    @property
    def must(self) -> bool:
        """Whether a class should not leave it out."""
        return not self.why_may

    @property
    def tasks(self) -> list[tuple[str, str]]:
        """What it asks for: ("check", exercise) or ("guess", prediction)."""
        return tasks(self)  # it reads nothing but the cells

    @property
    def content(self) -> dict:
        """The section as if it were a notebook."""
        return {"cells": list(self.cells)}

    @property
    def text(self) -> str:
        """All of its Markdown."""
        return "\n\n".join(c["source"] for c in self.cells if c["cell_type"] == "markdown")


def sections(lesson: Lesson) -> list[Section]:
    """Return the sections of a lesson in order; what stands above the first heading is the first.

    Their minutes add up to those of the lesson, before these are rounded.

    >>> from labkit.lab import lesson as lessons
    >>> [section.title for section in sections(lessons.read("01"))][:3]
    ['Beginning', 'Follow the slope', 'How long a step?']
    """
    found: list[tuple[str, str, list[dict]]] = [(BEGINNING, "", [])]
    for cell in lesson.content["cells"]:
        for title, part in _parts(cell):
            if title is not None:
                found.append((title, cell.get("id", ""), []))
            found[-1][2].append(part)
    return [
        Section(lesson.number, title, anchor, tuple(cells), _why_may(lesson.number, title))
        for title, anchor, cells in found
        if cells
    ]


def _parts(cell: dict) -> Iterator[tuple[str | None, dict]]:
    """Yield (title, part) of a cell, one for each section that it belongs to."""
    if cell["cell_type"] != "markdown" or "solution" in tags(cell):
        yield None, cell
        return
    for part in _HEADING.split(cell["source"]):
        heading = re.match(r"(?:## |###(?= Source check))(.*)", part)
        if part.strip():
            yield heading and _NUMBER.sub("", heading[1].strip()), cell | {"source": part}


def _why_may(number: str, title: str) -> str:
    return MAY.get(number, {}).get(title) or EVERYWHERE.get(title, "")


def must_and_may(lesson: Lesson) -> tuple[float, float]:
    """Return the minutes of a lesson that must be, and those that may be left out.

    >>> from labkit.lab import lesson as lessons
    >>> must, may = must_and_may(lessons.read("01"))
    >>> round(must + may) == round(exact_minutes(lessons.read("01").content["cells"]))
    True
    """
    found = sections(lesson)
    must = sum(section.minutes for section in found if section.must)
    return must, sum(section.minutes for section in found if not section.must)
