"""What a lesson asks and shows, gathered from its cells and from the checks themselves."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from labkit.lab.lesson import Lesson, tags
from labkit.lab.standing import CHECK
from labkit.learn.checks import Exercise

_MODULE = re.compile(r"^from labkit\.exercises import (\w+) as exercise$", re.MULTILINE)
_FOLDED = re.compile(r"<details>\s*<summary>\s*(\w+)\s*</summary>(.*?)</details>", re.DOTALL)


def exercises(lesson: Lesson) -> dict[str, Exercise]:
    """Return name -> exercise of a lesson, as its checks use them.

    >>> from labkit.lab import lesson as lessons
    >>> "sign" in " ".join(exercises(lessons.read("01"))["update"].mistakes)
    True
    """
    module = _MODULE.search("\n".join(lesson.code))
    if not module:
        return {}
    found = _of_module(module[1])
    own = {name.split(".")[-1] for cell in lesson.content["cells"] for name in checked(cell)}
    return {name: each for name, each in found.items() if name in own}


@cache
def _of_module(name: str) -> dict[str, Exercise]:
    module = import_module(f"labkit.exercises.{name}")
    return {name: each for name, each in vars(module).items() if isinstance(each, Exercise)}


def checked(cell: dict) -> list[str]:
    """Return the names of the exercises that a cell checks."""
    return CHECK.findall(cell["source"]) if "check" in tags(cell) else []


@dataclass(frozen=True)
class Task:
    """One exercise as its lesson gives it."""

    name: str
    stub: str
    hint: str  # Markdown
    solution: str  # Markdown


def stubs(lesson: Lesson) -> dict[str, Task]:
    """Return name -> stub, hint and solution of each exercise of a lesson.

    >>> from labkit.lab import lesson as lessons
    >>> stubs(lessons.read("01"))["update"].stub.splitlines()[0]
    'def my_update(w, gradient, learning_rate):'
    """
    found: dict[str, Task] = {}
    cells = lesson.content["cells"]
    stub = ""
    for at, cell in enumerate(cells):
        if "exercise" in tags(cell):
            stub = cell["source"]
        for name in checked(cell):
            below = next((c["source"] for c in cells[at:] if "solution" in tags(c)), "")
            told = {title: text.strip() for title, text in _FOLDED.findall(below)}
            found[name] = Task(name, stub, told.get("Hint", ""), told.get("Solution", ""))
    return found


def shown(cell: dict) -> str:
    r"""Return what a cell shows: the call of its explorer or of its figure, "" if none.

    >>> shown({"cell_type": "code", "metadata": {}, "source": "x = 1\npictures.axes(a, b)"})
    'pictures.axes'
    """
    if cell["cell_type"] != "code":
        return ""
    try:
        body = ast.parse(cell["source"]).body
    except SyntaxError:  # a line for IPython
        return ""
    calls = [node.value for node in body if isinstance(node, ast.Expr)]
    calls = [call for call in calls if isinstance(call, ast.Call)]
    names = [ast.unparse(call.func) for call in calls]
    if "explorer" in tags(cell):
        return next((ast.unparse(call) for call in reversed(calls)), "")
    return next((name for name in names if re.search(r"pictures?\b|figures\.show", name)), "")
