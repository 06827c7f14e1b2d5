"""What the latest run of a lesson showed: figures with their captions, predictions and truths."""

from __future__ import annotations

import ast
import html
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.lab import lesson as lessons
from labkit.lab.lesson import Lesson, tags
from labkit.lab.parameters import ParameterError
from labkit.lab.records import folders
from labkit.lab.records.reading import read_records

_MARK = re.compile(r'<section data-labkit-predict="\d\d/([^"]+)"')
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_CHOICE = re.compile(r"<li><b>(.*?)</b>(?::? ?)(.*?)</li>", re.DOTALL)


@dataclass(frozen=True)
class Figure:
    """A picture that a cell showed, with its caption."""

    png: str  # base64
    caption: str


@dataclass(frozen=True)
class Prediction:
    """A prediction; where the lesson has not been run, without what was measured."""

    name: str
    question: str
    truth: str = ""  # "Measured: 0.25."
    reasons: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()  # (label, what is right or wrong about it)
    png: str = ""  # the true curve


@dataclass(frozen=True)
class Seen:
    """What a lesson showed, by the ids of its cells."""

    day: str  # of the run, "" if there is none
    outputs: dict[str, list[dict[str, Any]]]

    def figures(self, cell: dict) -> list[Figure]:
        """Return the pictures that a cell showed; a prediction's curve is none of them."""
        if "predict" in tags(cell):
            return []
        bundles = [b for b in self.outputs.get(cell.get("id", ""), []) if "image/png" in b]
        return [Figure(_text(b["image/png"]), _text(b.get("text/plain", ""))) for b in bundles]

    def predictions(self, cell: dict) -> list[Prediction]:
        """Return the predictions of a cell, with what was measured if it has been run."""
        if "predict" not in tags(cell):
            return []
        bundles = self.outputs.get(cell.get("id", ""), [])
        found = [
            _shown(bundle) for bundle in bundles if _MARK.search(_text(bundle.get("text/html", "")))
        ]
        return found or _asked(cell["source"])


def latest(lesson: Lesson, folder: str | os.PathLike | None = None) -> Seen:
    """Return what the latest finished run of a lesson showed; nothing where there is none.

    Args:
        lesson: which one.
        folder: the results folder; default LABKIT_RUNS or `runs/`.
    """
    records = [r for r in read_records(folder, lesson.number) if r.status == "finished"]
    for record in sorted(records, key=lambda record: record.started or "", reverse=True):
        path = Path(record.folder) / folders.NOTEBOOK
        try:
            cells = lessons.content(path)["cells"]
        except (OSError, ParameterError):
            continue  # an older run may still be whole
        outputs = {
            cell["id"]: [out["data"] for out in cell.get("outputs", []) if "data" in out]
            for cell in cells
            if cell["cell_type"] == "code" and "id" in cell
        }
        return Seen((record.started or "")[:10], outputs)
    return Seen("", {})


def _text(value: Any) -> str:
    return "".join(value)


def _shown(bundle: dict[str, Any]) -> Prediction:
    """Return a prediction from what a headless run showed of it."""
    page = _text(bundle["text/html"])
    question, truth, *reasons = (_plain(part) for part in _PARAGRAPH.findall(page))
    return Prediction(
        name=_MARK.search(page)[1],
        question=question.removeprefix("Predict. "),
        truth=truth,
        reasons=tuple(reasons),
        choices=tuple((_plain(label), _plain(text)) for label, text in _CHOICE.findall(page)),
        png=_text(bundle.get("image/png", "")),
    )


def _plain(part: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", part)).strip()


def _asked(source: str) -> list[Prediction]:
    """Return the predictions that a cell asks, from its code; what it computes is left as {...}."""
    found = []
    for node in ast.walk(ast.parse(source)):
        is_one = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "predict"
        if is_one and len(node.args) > 2:
            found.append(Prediction(_words(node.args[1]), _words(node.args[2])))
    return found


def _words(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = [p.value if isinstance(p, ast.Constant) else "{...}" for p in node.values]
        return "".join(map(str, parts))
    return "{...}"
