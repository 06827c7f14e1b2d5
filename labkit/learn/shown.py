"""Where the lessons show each claim of the ledger: read from the notebooks, one place for all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from labkit.lab import lesson as lessons
from labkit.lab.lesson import Lesson

_ID = re.compile(r"[A-Z]+\d?(?:-[A-Z]+)?-\d\d")  # A2-GD-04, ALL-02
_CALL = re.compile(r"\bclaim(?:_table)?\(")


@dataclass(frozen=True)
class Shown:
    """The cell of a lesson that shows a claim."""

    lesson: str  # its number, "01"
    notebook: str  # its file, "01_gradient_descent.ipynb"
    cell: str  # the cell's id
    index: int  # how many cells stand above it

    @property
    def link(self) -> str:
        """Where a notebook beside it finds the cell: JupyterLab opens it there.

        >>> Shown("01", "01_gradient_descent.ipynb", "claims", 40).link
        '01_gradient_descent.ipynb#cell-id=claims'
        """
        return f"{self.notebook}#cell-id={quote(self.cell)}"


def where_shown() -> dict[str, Shown]:
    """Return of each claim that a lesson shows the cell that shows it; a row is read once.

    >>> where_shown()["A2-GD-04"].notebook
    '01_gradient_descent.ipynb'
    """
    found: dict[str, Shown] = {}
    for lesson in lessons.read_all(skipped=lambda *_: None):
        for id, shown in _of_lesson(lesson).items():
            found.setdefault(id, shown)
    return found


def claims_in(source: str) -> Iterator[tuple[str | None, int | None]]:
    r"""Yield of each claim in a cell's code its id and the number of its values.

    The number is None where the code unpacks them, the id where it is not written out.

    >>> list(claims_in('claim("A2-GD-04", 1, 2)\nclaim_table({"E-OUT-01": (), "E-OUT-02": x})'))
    [('A2-GD-04', 2), ('E-OUT-01', 0), ('E-OUT-02', None)]
    """
    for node in ast.walk(_tree(source)):
        for id, values in _pairs(node):
            unpacked = any(isinstance(value, ast.Starred) for value in values)
            yield id, None if unpacked else len(values)


def _of_lesson(lesson: Lesson) -> dict[str, Shown]:
    """Return id -> cell; values may be gathered in a cell above the one that shows them."""
    found: dict[str, Shown] = {}
    waiting: list[str] = []
    for index, cell in enumerate(lesson.content["cells"]):
        if cell["cell_type"] != "code" or not _ID.search(cell["source"] + "".join(waiting)):
            continue
        waiting += [id for id, _ in claims_in(cell["source"]) if id]
        if _CALL.search(cell["source"]):
            here = Shown(lesson.number, lesson.path.name, cell.get("id", ""), index)
            found |= {id: here for id in waiting if id not in found}
            waiting = []
    return found


def _pairs(node: ast.AST) -> Iterator[tuple[str | None, list[ast.expr]]]:
    """Yield (id, nodes of its values) of the claims that a piece of code shows."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "claim":
        yield getattr(node.args[0], "value", None), node.args[1:]
    rows: list = []
    if isinstance(node, ast.Dict):
        rows = list(zip(node.keys, node.values, strict=True))
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        rows = [(node.targets[0].slice, node.value)]
    for key, values in rows:
        id = getattr(key, "value", None)
        if isinstance(id, str) and _ID.fullmatch(id):
            yield id, values.elts if isinstance(values, ast.Tuple) else [ast.Starred(values)]


def _tree(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:  # of a learner, or a line for IPython
        return ast.Module([], [])
