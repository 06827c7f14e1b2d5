"""The words of the lessons: `data/glossary.csv`, the notebook made from it, and links to it.

A lesson links a word by `[loss](glossary.ipynb#loss-function)`. In JupyterLab that opens the
glossary; once it is open, it leads to this word. An HTML page stands alone, so `with_words` lists
the linked words at its end.
"""

from __future__ import annotations

import csv
import html
import json
import re
from pathlib import Path

from labkit.lab.places import home

COLUMNS = ["term", "chinese", "meaning"]
_LINK = re.compile(r'href="(?:\./)?glossary\.ipynb#([^"]+)"')
_MARKDOWN_LINK = re.compile(r"""\]\(glossary\.ipynb#([^()\s]+)(?:\s+"(?:[^"\\]|\\.)*")?\)""")
_LOOK = (
    'class="jp-RenderedHTMLCommon" '
    'style="padding:1em 0 2em calc(var(--jp-cell-prompt-width, 64px) + 17px)"'
)
_INTRODUCTION = """# Glossary

The words of the lessons, each with its Chinese term and its meaning in one line. \
This page is made from `data/glossary.csv`; change that file, then run \
`python -m labkit.lab.pages.glossary`."""


def read_glossary() -> list[dict[str, str]]:
    """Return the words as dicts of term, chinese and meaning, in the order of the file.

    >>> read_glossary()[0]["term"]
    'accuracy'
    """
    with (home() / "data" / "glossary.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def anchor(term: str) -> str:
    """Return what follows `glossary.ipynb#` in a link to this term.

    >>> anchor("F1 score")
    'f1-score'
    """
    return term.lower().replace(" ", "-")


def glossary_notebook(words: list[dict[str, str]]) -> dict:
    """Return the glossary as a notebook: one Markdown cell a letter, one heading a word.

    >>> word = {"term": "loss", "chinese": "损失", "meaning": "how wrong an answer is"}
    >>> [cell["id"] for cell in glossary_notebook([word])["cells"]]
    ['introduction', 'letter-L']
    """
    letters: dict[str, list[str]] = {}
    for word in words:
        # The heading is in lower case, because JupyterLab makes the anchor from it.
        heading = f"## {word['term'].lower()}"
        line = f"**{word['term']}** · {word['chinese']} · {word['meaning']}"
        letters.setdefault(word["term"][0].upper(), []).append(f"{heading}\n\n{line}")
    sources = {"introduction": _INTRODUCTION}
    sources |= {f"letter-{letter}": "\n\n".join(parts) for letter, parts in letters.items()}
    return {
        "cells": [
            {"cell_type": "markdown", "id": name, "metadata": {}, "source": text.splitlines(True)}
            for name, text in sources.items()
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def with_tooltips(markdown: str) -> str:
    """Return a text whose links to the glossary show the word's meaning when one points at them.

    >>> with_tooltips("The [accuracy](glossary.ipynb#accuracy) is high.")
    'The [accuracy](glossary.ipynb#accuracy "准确率 · The share of samples that a model answers rightly.") is high.'
    """  # noqa: E501
    known = {anchor(word["term"]): word for word in read_glossary()}

    def link(found: re.Match) -> str:
        word = known.get(found[1])
        if word is None:
            return found[0]
        told = f"{word['chinese']} · {word['meaning']}".replace("\\", r"\\").replace('"', r"\"")
        return f'](glossary.ipynb#{found[1]} "{told}")'

    return _MARKDOWN_LINK.sub(link, markdown)


def with_words(page: str) -> str:
    """Return an HTML page whose links to the glossary lead to a list of words at its end.

    A link to a word that the glossary lacks stays as it is; a test finds those in lessons.

    >>> with_words('<a href="glossary.ipynb#accuracy">accuracy</a>')[:40]
    '<a href="#word-accuracy">accuracy</a><se'
    """
    linked = dict.fromkeys(_LINK.findall(page))  # each once, in the order of the page
    if not linked:
        return page
    known = {anchor(word["term"]): word for word in read_glossary()}
    items = "\n".join(_item(name, known[name]) for name in linked if name in known)
    section = f"<section {_LOOK}><h2>Words</h2>\n<dl>\n{items}\n</dl></section>"
    page = _LINK.sub(lambda m: f'href="#word-{m[1]}"' if m[1] in known else m[0], page)
    before, end, after = page.rpartition("</main>")
    return f"{before}{section}\n{end}{after}" if end else page + section


def _item(name: str, word: dict[str, str]) -> str:
    term, chinese, meaning = (html.escape(word[column]) for column in COLUMNS)
    return (
        f'<dt id="word-{name}" style="float:none;width:auto"><b>{term}</b> · '
        f'<span lang="zh">{chinese}</span></dt>'
        f'<dd style="float:none;width:auto;margin-left:1.5em">{meaning}</dd>'
    )


def write_notebook() -> Path:
    """Write notebooks/glossary.ipynb from data/glossary.csv; return its path."""
    path = home() / "notebooks" / "glossary.ipynb"
    text = json.dumps(glossary_notebook(read_glossary()), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write_notebook())
