"""The learner's copies of the lessons: what they write stays outside of the lab's own files.

Each copy knows the version of the lesson that it was made from, and the hash of each cell as it
was then. So what the learner wrote can be told from what was given, and goes along when the
lesson changes. What cannot go along is kept in `old/`, and said.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from labkit.lab import files, places
from labkit.lab import lesson as lessons
from labkit.lab.lesson import tags
from labkit.lab.parameters import ParameterError
from labkit.lab.standing import CHECK
from labkit.lab.words import count

BESIDE = ("index.ipynb", "glossary.ipynb")  # the notebooks that lessons link
OLD = "old"
Tell = Callable[[str], Any]


class CopyError(RuntimeError):
    """A copy cannot be written; the message says what to do."""


class UnknownExercise(ValueError):
    """A lesson has no such exercise; the message lists those it has."""


def open_copy(notebook: str | os.PathLike, tell: Tell = print) -> Path:
    """Return the learner's copy of one of the lab's notebooks; all copies are up to date then.

    The others are made as well, so that links between them lead somewhere.

    Args:
        notebook: its path, below `notebooks/`.
        tell: gets a sentence on each copy in which something did not stay as it was.

    Raises:
        CopyError: the learner's folder cannot be written.
        ParameterError: this is no readable notebook.

    >>> from tempfile import TemporaryDirectory
    >>> from unittest.mock import patch
    >>> with TemporaryDirectory() as folder, patch.dict(os.environ, LABKIT_LEARNER=folder):
    ...     open_copy(places.lesson_file("04")).name
    '04_backpropagation.ipynb'
    """
    notebook = Path(notebook)
    for path in _given():
        if path != notebook:
            _refresh_or_tell(path, tell)
    _refresh(notebook, tell)
    return Path(os.path.realpath(places.copies_folder())) / notebook.name


def refresh(tell: Tell = print) -> None:
    """Make the copies that are not there, and bring those up to date whose lesson has changed.

    Args:
        tell: gets a sentence on each copy in which something did not stay as it was.

    Raises:
        CopyError: the learner's folder cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from unittest.mock import patch
    >>> with TemporaryDirectory() as folder, patch.dict(os.environ, LABKIT_LEARNER=folder):
    ...     refresh()
    ...     "index.ipynb" in os.listdir(folder)
    True
    """
    for path in _given():
        _refresh_or_tell(path, tell)


def reset(lesson: str | int | os.PathLike, exercise: str | None = None, tell: Tell = print) -> Path:
    """Bring a lesson back as it was given, or one exercise of it; return the copy.

    Args:
        lesson: which one.
        exercise: its name, such as "update"; None for the whole lesson.
        tell: gets a sentence on where the old answers are.

    Raises:
        UnknownExercise: the lesson has no such exercise.
        CopyError: the learner's folder cannot be written.
        PlaceError: there is no such lesson.

    >>> from tempfile import TemporaryDirectory
    >>> from unittest.mock import patch
    >>> with TemporaryDirectory() as folder, patch.dict(os.environ, LABKIT_LEARNER=folder):
    ...     copy = reset("04", "hidden_delta")
    The exercise hidden_delta is as it was given. No answer was in it.
    """
    path = places.lesson_file(lesson)
    stub = _stub(path, exercise) if exercise else None
    copy = open_copy(path, tell)
    with _writing():
        mine, given = _read(copy), _fresh(path)
        if stub is None:
            is_touched, new, what = any(_answers(mine, given)), given, path.stem
        else:
            here = {c["source"] for c in mine["cells"] if c.get("id") == stub["id"]}
            is_touched = any(text.strip() and text != stub["source"] for text in here)
            new, what = _with_stub(mine, given, stub), f"The exercise {exercise}"
        kept = f"Your old answers are in {_keep(copy)}" if is_touched else "No answer was in it."
        _write(copy, new)
    tell(f"{what} is as it was given. {kept}")
    return copy


# --- bringing a copy up to date -----------------------------------------------------------------


def _given() -> list[Path]:
    """Return the notebooks of which a learner gets copies: all lessons, and what they link."""
    folder = places.notebooks()
    beside = [folder / name for name in BESIDE if (folder / name).is_file()]
    return [*places.lesson_files().values(), *beside]


def _refresh_or_tell(path: Path, tell: Tell) -> None:
    """Bring a copy up to date; a lesson that cannot be read does not keep the others away."""
    try:
        _refresh(path, tell)
    except ParameterError as error:
        tell(f"Left out: {error}")


def _refresh(path: Path, tell: Tell) -> None:
    copy = places.copies_folder() / path.name
    with _writing():
        if copy.exists() and copy.samefile(path):
            raise CopyError(
                f"{places.copies_folder()} is the folder of the lessons themselves. Set "
                "LABKIT_LEARNER to another folder, or unset it."
            )
        update(copy, prepared(lessons.content(path)), tell)


def update(copy: Path, given: dict, tell: Tell) -> None:
    """Make a copy, or bring it up to date with what is given now; no answer in it is lost.

    Args:
        copy: where it is, or will be.
        given: the notebook as `prepared` returns it.
        tell: gets a sentence when something did not stay as it was.

    Raises:
        OSError: it cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     given = prepared(lessons.content(places.lesson_file("04")))
    ...     update(Path(folder, "a.ipynb"), given, print)
    ...     os.listdir(folder)
    ['a.ipynb']
    """
    if not copy.exists():
        _write(copy, given)
        return
    try:
        mine = _read(copy)
    except ParameterError:
        kept = _keep(copy)
        _write(copy, given)
        tell(f"Your copy {copy.name} could not be read. It is kept in {kept}; a new one is made.")
        return
    if _mark(mine).get("lesson") == _mark(given)["lesson"]:
        _tell_kernel(copy, mine, given)
        return
    if not any(_answers(mine, given)):
        _write(copy, given)
        return
    kept = _keep(copy)
    new, carried, lost = _carried(mine, given)
    _write(copy, new)
    text = f"{copy.stem} has changed. {_are(carried)} carried into the new version"
    text += f"; {', '.join(lost)} could not be" if lost else ""
    tell(f"{text}. Your old copy is {kept}")


def _are(carried: int) -> str:
    return f"{count(carried, 'cell')} of yours {'is' if carried == 1 else 'are'}"


def _tell_kernel(copy: Path, mine: dict, given: dict) -> None:
    """Write what the kernel says of itself into a copy, after another Python was installed."""
    changed = mine["metadata"].get("language_info") != given["metadata"]["language_info"]
    if changed:
        _write(copy, mine | {"metadata": mine["metadata"] | _kernel_of(mine, given)})


def _kernel_of(mine: dict, given: dict) -> dict:
    """Return the kernel of a copy; one that the learner chose stays."""
    spec = mine["metadata"].get("kernelspec") or {}
    own = {"kernelspec": spec} if spec.get("name") not in (None, "python3") else {}
    return {name: given["metadata"][name] for name in ("kernelspec", "language_info")} | own


def _was(mine: dict, given: dict) -> dict[str, str]:
    """Return id -> hash of the cells that a copy was made from."""
    return _mark(mine).get("cells") or _mark(given)["cells"]


def _answers(mine: dict, given: dict) -> tuple[list[dict], list[dict]]:
    """Return the cells of a copy that the learner has changed, and those added, in order."""
    was, seen, changed, added = _was(mine, given), set(), [], []
    for cell in mine["cells"]:
        if "id" not in cell and _hash(cell["source"]) in was.values():
            continue  # an old program took the id away; the text is the lesson's
        if cell.get("id") not in was or cell["id"] in seen:
            added += [cell] if cell["source"].strip() else []
        elif _hash(cell["source"]) != was[cell["id"]]:
            changed.append(cell)
        seen.add(cell.get("id"))
    return changed, added


def _carried(mine: dict, given: dict) -> tuple[dict, int, list[str]]:
    """Return the new version with the learner's cells, how many, and the ids of those left out.

    A changed cell takes its old place if the lesson still gives the same cell there, or an
    exercise about the same function. An added cell stays behind the one that it stood behind.
    """
    new = given | {"metadata": given["metadata"] | _kernel_of(mine, given)}
    new["cells"] = [dict(cell) for cell in given["cells"]]
    (changed, added), lost, place = _answers(mine, given), [], 0
    for cell in mine["cells"]:
        if any(cell is each for each in added):
            new["cells"].insert(place, _without_outputs(cell, _free_id(cell, new)))
            place += 1
            continue
        here = _by_id(new).get(cell.get("id"))
        if here is not None:
            place = _position(new, cell["id"]) + 1
        if any(cell is each for each in changed):
            if here is not None and _fits(cell, here, _was(mine, given)):
                here |= {name: cell[name] for name in ("source", "attachments") if name in cell}
            else:
                lost.append(cell["id"])
    return new, len(changed) + len(added) - len(lost), lost


def _fits(cell: dict, here: dict, was: dict[str, str]) -> bool:
    """Return whether an answer still belongs in the cell that the lesson gives now."""
    if cell["cell_type"] != here["cell_type"]:
        return False
    if was.get(cell["id"]) == _hash(here["source"]) or cell["source"] == here["source"]:
        return True
    asked = re.search(r"^(?:def (\w+)\(|(\w+) = )", here["source"], re.MULTILINE)
    name = asked and (asked[1] or asked[2])
    same = name and re.search(rf"^(?:def {name}\(|{name}\s*=)", cell["source"], re.MULTILINE)
    return "exercise" in tags(here) and bool(same)


# --- one exercise -------------------------------------------------------------------------------


def _stub(path: Path, exercise: str) -> dict:
    """Return the cell in which an exercise is answered, as the lesson gives it."""
    stubs: dict[str, dict] = {}
    cells = lessons.content(path)["cells"]
    for stub, check in pairwise(cells):
        if "exercise" in tags(stub) and "check" in tags(check):
            stubs |= {name: stub for name in CHECK.findall(check["source"])}
    name = exercise.replace("-", "_")
    if name not in stubs:
        there = ", ".join(stubs) or "none"
        raise UnknownExercise(f"{path.stem} has no exercise {exercise!r}; there are: {there}")
    return stubs[name]


def _with_stub(mine: dict, given: dict, stub: dict) -> dict:
    """Return a copy with one cell as it was given, in its place or behind what stood before it."""
    cells = [cell for cell in mine["cells"] if cell.get("id") != stub["id"]]
    before = [cell["id"] for cell in given["cells"][: _position(given, stub["id"])]]
    behind = [at + 1 for at, cell in enumerate(cells) if cell.get("id") in before]
    is_there = stub["id"] in _by_id(mine)
    at = _position(mine, stub["id"]) if is_there else max(behind, default=0)
    return mine | {"cells": [*cells[:at], _without_outputs(stub), *cells[at:]]}


# --- notebooks as plain data --------------------------------------------------------------------


def _fresh(path: Path) -> dict:
    return prepared(lessons.content(path))


def prepared(content: dict) -> dict:
    """Return a notebook as a learner gets it, in which JupyterLab finds nothing to change.

    It knows its version, and the hash of each of its cells.

    Args:
        content: a notebook as `lesson.content` returns it; it is changed.

    >>> prepared(lessons.content(places.lesson_file("04")))["nbformat_minor"]
    5
    """
    for number, cell in enumerate(content["cells"]):
        cell.setdefault("id", f"cell-{number}")  # older notebooks have none
    content["nbformat_minor"] = max(5, content["nbformat_minor"])
    shown = [{name: cell.get(name) for name in _DECIDING} for cell in content["cells"]]
    version = _hash(json.dumps(shown, sort_keys=True))
    cells = {cell["id"]: _hash(cell["source"]) for cell in content["cells"]}
    mark = {"lesson": version, "cells": cells}
    if lang := _told(content).get("lang"):
        mark["lang"] = lang
    content["metadata"] = _kernel() | {"labkit": mark}
    return content


_DECIDING = ("id", "cell_type", "source", "metadata")  # of a cell: they make another version


@cache
def _kernel() -> dict:
    """Return what a kernel says of itself, which JupyterLab writes into every notebook."""
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelspec import get_kernel_dict

    spec = get_kernel_dict()
    names = {"display_name": spec["display_name"], "language": spec["language"], "name": "python3"}
    return {"kernelspec": names, "language_info": IPythonKernel.language_info}


def _read(copy: Path) -> dict:
    """Return a copy as plain data.

    Raises:
        ParameterError: it is no notebook.
    """
    content = lessons.content(copy)
    kinds = {cell.get("cell_type") for cell in content["cells"]}
    if not isinstance(content.get("metadata"), dict) or not kinds <= {"code", "markdown", "raw"}:
        raise ParameterError(f"{copy} is not a readable notebook")
    return content


def _mark(notebook: dict) -> dict:
    """Return what a copy knows of the lesson that it was made from, {} where that is lost."""
    mark = _told(notebook)
    return mark if isinstance(mark.get("cells"), dict) else {}


def _told(notebook: dict) -> dict:
    """Return what a notebook's metadata say of the lab, {} where they say nothing."""
    told = notebook["metadata"].get("labkit")
    return told if isinstance(told, dict) else {}


def _by_id(notebook: dict) -> dict[str, dict]:
    return {cell["id"]: cell for cell in notebook["cells"] if "id" in cell}


def _position(notebook: dict, id: str) -> int:
    return next(at for at, cell in enumerate(notebook["cells"]) if cell.get("id") == id)


def _free_id(cell: dict, notebook: dict) -> str:
    """Return the id of a cell, another one where the notebook has that already."""
    name = cell.get("id") or "mine"
    taken, number = _by_id(notebook), 2
    while name in taken:
        name, number = f"{cell.get('id') or 'mine'}-{number}", number + 1
    return name


def _without_outputs(cell: dict, id: str | None = None) -> dict:
    empty = {"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {}
    return cell | empty | ({"id": id} if id else {})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _write(copy: Path, notebook: dict) -> None:
    cells = [cell | {"source": cell["source"].splitlines(True)} for cell in notebook["cells"]]
    copy.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(copy, notebook | {"cells": cells})


def _keep(copy: Path) -> Path:
    """Put what a copy is now into the folder of old ones; return where."""
    folder = copy.parent / OLD
    folder.mkdir(parents=True, exist_ok=True)
    stem, number = f"{copy.stem}.{datetime.now():%Y-%m-%d_%H%M%S}", 1
    while True:
        kept = folder / f"{stem}{'' if number == 1 else f'_{number}'}.ipynb"
        try:
            kept.touch(exist_ok=False)  # the name is ours: another `labkit open` takes the next
        except FileExistsError:
            number += 1
        else:
            break
    try:
        files.write(kept, copy.read_bytes())
    except BaseException:
        kept.unlink(missing_ok=True)
        raise
    return kept


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CopyError(
            f"Your copies of the lessons cannot be kept in {places.copies_folder()}: "
            f"{error.strerror or error}. Set LABKIT_LEARNER to a folder that you may write."
        ) from error
