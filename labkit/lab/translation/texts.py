"""The texts of a notebook, and the notebook with their translations in their places."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from labkit.lab.lesson import tags
from labkit.lab.translation import code
from labkit.lab.translation.links import Links
from labkit.lab.translation.markdown import Piece, meanings, pieces


@dataclass(frozen=True)
class Text:
    """One text to translate: the cell it is in (its context), itself, and its kind."""

    context: str
    text: str
    kind: str  # text, row, formula, comment, string or template


def texts_of(notebook: dict) -> list[Text]:
    """Return the texts of a notebook, in the order of its cells, each once.

    >>> cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "Two words"}
    >>> texts_of({"cells": [cell]})
    [Text(context='a', text='Two words', kind='text')]
    """
    keys = _keys(notebook)
    found = [Text(c["id"], t, kind) for c in notebook["cells"] for t, kind in _of_cell(c, keys)]
    return list({(each.context, each.text): each for each in found}.values())


def translated_notebook(
    notebook: dict, known: dict[tuple[str, str], str], links: Links | None = None
) -> dict:
    """Return a notebook with its translations; what has none stays as it is.

    Args:
        notebook: as its file holds it.
        known: (cell id, text) -> translation.
        links: what the links to lessons and to words of the glossary show.
    """
    made = copy.deepcopy(notebook)
    keys = _keys(notebook)
    for cell in made["cells"]:
        old = "".join(cell["source"])
        new = _translated(cell, old, known, keys, links or Links())
        if new != old:
            cell["source"] = new.splitlines(True) if isinstance(cell["source"], list) else new
    return made


def _keys(notebook: dict) -> frozenset[str]:
    return code.keys(["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"])


def _pieces(cell: dict) -> list[Piece]:
    source = "".join(cell["source"])
    return meanings(source) if cell["id"].startswith("letter-") else pieces(source)


def _of_cell(cell: dict, keys: frozenset[str]):
    """Yield (text, kind) of each text of a cell."""
    if cell["cell_type"] == "code":
        yield from ((t.text, t.kind) for t in _of_code(cell, "".join(cell["source"]), keys))
    elif cell["cell_type"] == "markdown":
        for piece in _pieces(cell):
            if piece.kind == "python":
                yield from ((t.text, t.kind) for t in code.texts(piece.text, keys))
            elif piece.kind:
                yield piece.text, piece.kind


def _of_code(cell: dict, source: str, keys: frozenset[str]) -> list[code.Found]:
    return code.texts(source, keys, only_comments="parameters" in tags(cell))


def _translated(cell: dict, source: str, known, keys: frozenset[str], links: Links) -> str:
    def of(text):
        return known.get((cell["id"], text))

    if cell["cell_type"] == "code":
        found = _of_code(cell, source, keys)
        return code.replaced(source, [(t, of(t.text)) for t in found if of(t.text)])
    if cell["cell_type"] != "markdown":
        return source
    return "".join(_translated_piece(piece, of, keys, links) for piece in _pieces(cell))


def _translated_piece(piece: Piece, of, keys: frozenset[str], links: Links) -> str:
    if piece.kind == "python":
        found = [(t, of(t.text)) for t in code.texts(piece.text, keys) if of(t.text)]
        return piece.before + code.replaced(piece.text, found) + piece.after
    new = of(piece.text) if piece.kind else None
    if new is None:
        return links.with_titles(piece.source)
    new = new.replace("{minutes}", piece.minutes) if piece.minutes else new
    return piece.before + links.with_words(new) + piece.after
