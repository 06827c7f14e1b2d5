"""A lesson: its notebook, read once, and what follows from it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import labkit
from labkit import machine
from labkit.lab import places
from labkit.lab.parameters import Parameter, ParameterError, read_parameters, validate

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Cells that papermill adds to a notebook that it runs; no lesson has them of its own.
INSERTED = {"injected-parameters", "papermill-error-cell-tag", "papermill-error-cell"}
_COMPUTING = ("maths", "data", "networks", "datacenter")  # rooms of labkit that make the numbers
_MOST = 100  # lessons kept in memory
# A line of nothing but links to notebooks, such as the previous and the next lesson.
NAVIGATION = re.compile(r"^(?:[←→· ]*\[[^\]\n]*\]\([^()\s]*\.ipynb\))+[←→· ]*$", re.MULTILINE)
_FOLDED = re.compile(r"<details\b.*?</details>|<!--.*?-->", re.DOTALL)  # or not shown at all
_TARGET = re.compile(r"""\]\([^()\s]*(?:\s+"(?:[^"\\]|\\.)*")?\)""")  # of a link, with its title


@dataclass(frozen=True, eq=False)
class Lesson:
    """One lesson as its notebook stands now; `read` makes it."""

    path: Path
    content: dict  # the notebook as plain data, without cells that papermill inserted
    schema: dict[str, Parameter]

    @property
    def number(self) -> str:
        """The lesson's number, '01'.

        >>> read("01_gradient_descent").number
        '01'
        """
        return self.path.name[:2]

    @property
    def name(self) -> str:
        """The name of its notebook, '01_gradient_descent', and of the folder of its runs.

        >>> read("01").name
        '01_gradient_descent'
        """
        return self.path.stem

    @property
    def address(self) -> str:
        """What finds it again, here or on a machine with the same lessons: its name or path.

        >>> read(places.lesson_files()["01"]).address
        '01_gradient_descent'
        """
        return self.name if self.path in places.all_lesson_files() else str(self.path)

    @cached_property
    def title(self) -> str:
        """The title without its number, from the heading of the first text cell."""
        texts = [c for c in self.content["cells"] if c["cell_type"] == "markdown"]
        lines = "".join(texts[0]["source"]).splitlines() if texts else []
        heading = next((line for line in lines if line.startswith("#")), "")
        return heading.lstrip("# 0123456789·").strip() or self.name[3:].replace("_", " ")

    @cached_property
    def question(self) -> str:
        """The question that it answers, from its first text cell; "" where none is asked."""
        if told := self._told.get("question"):
            return told
        texts = [c["source"] for c in self.content["cells"] if c["cell_type"] == "markdown"]
        _, found, rest = texts[0].partition("**Question.**") if texts else ("", "", "")
        return rest.split("\n\n")[0].strip() if found else ""

    @cached_property
    def before(self) -> str:
        """What comes before it: the first sentence of `**Before it:**` in its first cell, or "".

        >>> read("00").before
        'nothing'
        """
        if told := self._told.get("before"):
            return told
        texts = [c["source"] for c in self.content["cells"] if c["cell_type"] == "markdown"]
        _, _, rest = texts[0].partition("**Before it:**") if texts else ("", "", "")
        said = rest.split("\n\n")[0].partition(". ")[0].strip().rstrip(".")
        return re.sub(r" \([^)]*\)", "", said)  # without the titles

    @property
    def _told(self) -> dict:
        """What an edition in another language tells of itself."""
        return self.content["metadata"].get("labkit") or {}

    @cached_property
    def minutes(self) -> int:
        """How long it takes to work through; see `minutes`.

        >>> 0 < read("00").minutes < read("01").minutes
        True
        """
        return self._told.get("minutes") or minutes(self.content["cells"])  # in English words

    @cached_property
    def code(self) -> list[str]:
        """The source of each code cell."""
        cells = self.content["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]

    @property  # read each time: the list may change while the notebook does not
    def full(self) -> dict[str, Any]:
        """The parameters of its full-size run (full.yml beside it), {} when it has none.

        Raises:
            ParameterError: full.yml cannot be read.

        >>> read("01").full
        {}
        """
        import yaml

        listed = self.path.parent / "full.yml"
        if not listed.exists():
            return {}
        try:
            lessons = yaml.safe_load(listed.read_text(encoding="utf-8")) or {}
            return dict(lessons.get(self.name) or {})
        except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
            raise ParameterError(
                f"{listed} must list `lesson:` and below it `name: value` lines: {error}"
            ) from error

    def values(self, given: dict[str, Any] | None = None, *, full: bool = False) -> dict[str, Any]:
        """Return all parameters of a run: the defaults with the given ones, checked.

        Raises:
            ParameterError: an unknown name or a value that is not allowed.

        >>> read("01").values({"steps": 10})["steps"]
        10
        """
        return validate(self.schema, {**(self.full if full else {}), **(given or {})})

    def identity(self, values: dict[str, Any]) -> str:
        """Return the id of a run with these values: a hash of all that decides its results.

        That is the lesson's code, labkit's code that computes, the parameters (the seed is one),
        the backend and the versions of Python and of the packages that compute.

        >>> lesson = read("01")
        >>> lesson.identity(lesson.values()) == lesson.identity(lesson.values({"seed": 1}))
        False
        """
        facts = [self.name, self.code, values, code_digest(), versions()]
        content = json.dumps(facts, sort_keys=True, default=str)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def notebook(self) -> NotebookNode:
        """Return the notebook as nbformat has it, a new one at each call.

        >>> read("01").notebook().cells[0].cell_type
        'markdown'
        """
        import nbformat

        return nbformat.from_dict(self.content)


def read(lesson: str | int | os.PathLike | Lesson) -> Lesson:
    """Return a lesson; while its file stays as it is, it is read once.

    Args:
        lesson: 1, "01", "01_gradient_descent", or the path of a notebook.

    Raises:
        PlaceError: there is no such lesson.
        ParameterError: the file is no notebook, or its parameters cell cannot be understood.

    >>> read(1).title, read(1) is read("01")
    ('Gradient descent', True)
    """
    if isinstance(lesson, Lesson):
        return lesson
    path = places.lesson_file(lesson)
    try:
        found = path.stat()
    except OSError as error:
        raise places.PlaceError(f"{path} cannot be read: {error.strerror}") from error
    stamp = (path, found.st_mtime_ns, found.st_size, found.st_ino)
    if stamp not in _known:
        if len(_known) >= _MOST:
            _known.clear()
        found = content(path)
        _known[stamp] = Lesson(path, found, read_parameters(found, path.name))
    return _known[stamp]


def read_all(skipped: Callable[[Path, Exception], None] | None = None) -> list[Lesson]:
    """Return every numbered lesson, in order.

    Args:
        skipped: called with (path, error) for a notebook that is no readable lesson; without it
            the first such error is raised.

    >>> [lesson.number for lesson in read_all()][:3]
    ['00', '01', '02']
    """
    found = []
    for path in places.lesson_files().values():
        try:
            found.append(read(path))
        except ParameterError as error:
            if skipped is None:
                raise
            skipped(path, error)
    return found


def versions() -> dict[str, str]:
    """Return the backend in use and the versions that can change a result.

    >>> {"backend", "python", "numpy"} <= set(versions())
    True
    """
    return machine.versions(machine.chosen_backend()[0])


@cache
def code_digest() -> str:
    """Return a hash of labkit's code that computes: another formula is another run.

    >>> len(code_digest())
    12
    """
    top = Path(labkit.__file__).parent
    files = sorted(path for room in _COMPUTING for path in (top / room).rglob("*.py"))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(top).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


_known: dict[tuple, Lesson] = {}


def content(path: Path) -> dict:
    """Return a notebook as plain data of format 4, each cell with its source as one text.

    Raises:
        ParameterError: the file is no notebook.

    >>> content(places.lesson_file("01"))["nbformat"]
    4
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        if found["nbformat"] < 4:
            import nbformat

            found = nbformat.convert(nbformat.from_dict(found), 4)
        return plain(found)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ParameterError(f"{path} is not a readable notebook: {error!r}") from error


def plain(notebook: dict) -> dict:
    r"""Return a notebook of format 4, each cell with its source as one text, none inserted.

    >>> cell = {"cell_type": "code", "metadata": {}, "source": ["a\n", "b"]}
    >>> plain({"cells": [cell]})["cells"][0]["source"]
    'a\nb'
    """
    cells = [_cell(cell) for cell in notebook["cells"]]
    return {**notebook, "cells": [cell for cell in cells if not INSERTED & tags(cell)]}


def tags(cell: dict) -> set[str]:
    """Return the tags of a cell.

    >>> tags({"metadata": {"tags": ["parameters"]}})
    {'parameters'}
    """
    return set(cell["metadata"].get("tags") or [])


def minutes(cells: list[dict]) -> int:
    """Return how long it takes to work through cells, to five minutes.

    150 words a minute, 3 seconds a line of code, 3 minutes an explorer, 5 minutes an exercise.
    What is folded away counts nothing.

    >>> minutes([{"cell_type": "markdown", "metadata": {}, "source": 1500 * "word "}])
    10
    """
    return max(5, 5 * round(exact_minutes(cells) / 5))


def exact_minutes(cells: list[dict]) -> float:
    """Return how long it takes to work through cells, by the rule of `minutes`, not rounded.

    >>> exact_minutes([{"cell_type": "markdown", "metadata": {}, "source": 75 * "word "}])
    0.5
    """
    shown = [cell for cell in cells if not is_folded(cell)]
    code = "\n".join(cell["source"] for cell in shown if cell["cell_type"] == "code")
    lines = sum(bool(line.strip()) for line in code.splitlines())
    words = sum(count_words(c["source"]) for c in shown if c["cell_type"] == "markdown")
    explorers = sum("explorer" in tags(cell) for cell in shown)
    exercises = sum("exercise" in tags(cell) for cell in shown)
    return words / 150 + lines * 3 / 60 + 3 * explorers + 5 * exercises


def is_folded(cell: dict) -> bool:
    """Return whether a cell's source is hidden until it is asked for.

    >>> is_folded({"metadata": {"jupyter": {"source_hidden": True}}})
    True
    """
    return bool((cell["metadata"].get("jupyter") or {}).get("source_hidden"))


def count_words(markdown: str) -> int:
    """Return how many words of a text are read: not what is folded, nor where links lead.

    >>> count_words("One [loss](glossary.ipynb#loss). <details>Two three</details> four")
    3
    >>> count_words("One <!-- live -->two<!-- /live -->.")
    2
    """
    text = _TARGET.sub("]", NAVIGATION.sub("", _FOLDED.sub("", markdown)))
    return len(re.findall(r"[\w'’]+", text))


def _cell(cell: dict) -> dict:
    metadata = {name: value for name, value in cell["metadata"].items() if value is not None}
    return {**cell, "source": "".join(cell["source"]), "metadata": metadata}
