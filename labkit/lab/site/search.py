"""What the site's search looks through: every section of every lesson, and the glossary."""

from __future__ import annotations

import json
import re

from labkit.lab.lesson import NAVIGATION, Lesson
from labkit.lab.pages.glossary import anchor

_PARTS = re.compile(r"(?m)^(?=#{1,3} )")
_TITLE = re.compile(r"#{1,3} +(.*)")
_LINK = re.compile(r"""!?\[([^\]]*)\]\([^()\s]*(?:\s+"(?:[^"\\]|\\.)*")?\)""")
_HTML = re.compile(r"<!--.*?-->|</?[A-Za-z][^>]*>", re.DOTALL)


def plain(markdown: str) -> str:
    """Return a text as it is read: without links' targets, tags and marks.

    >>> plain("The **[loss](glossary.ipynb#loss)** of $x^2$ falls.")
    'The loss of x^2 falls.'
    """
    text = _HTML.sub("", _LINK.sub(r"\1", NAVIGATION.sub("", markdown)))
    text = re.sub(r"(?m)^\s*[-:| ]+$", "", text)  # the line below the head of a table
    return " ".join(re.sub(r"[*`$|]", " ", text).replace("\\", "").split())


def of_lesson(lesson: Lesson) -> list[dict]:
    """Return an entry for each section of a lesson: n(umber), u (address), h(eading), t(ext).

    >>> from labkit.lab.lesson import read
    >>> of_lesson(read("01"))[0]["u"]
    '01_gradient_descent.html#cell-id=title'
    """
    cells = lesson.content["cells"]
    return of_cells(lesson.number, f"{lesson.name}.html", cells)


def of_cells(number: str, file: str, cells: list[dict]) -> list[dict]:
    """Return an entry for each section of these cells.

    >>> of_cells("01", "x.html", [{"cell_type": "markdown", "id": "a", "source": "## One"}])
    [{'n': '01', 'u': 'x.html#cell-id=a', 'h': 'One', 't': ''}]
    """
    found: list[dict] = []
    heading = ""
    for cell in cells:
        if cell["cell_type"] != "markdown":
            continue
        for part in _PARTS.split("".join(cell["source"])):
            title = _TITLE.match(part)
            heading = plain(title[1]) if title else heading
            text = plain(part[title.end() :] if title else part)
            if title or text:
                address = f"{file}#cell-id={cell['id']}"
                found.append({"n": number, "u": address, "h": heading, "t": text})
    return found


def of_glossary(words: list[dict[str, str]]) -> list[dict]:
    """Return an entry for each word of the glossary.

    Args:
        words: dicts of term, chinese and told, the meaning.

    >>> of_glossary([{"term": "loss", "chinese": "损失", "told": "how wrong an answer is"}])
    [{'n': '', 'u': 'glossary.html#loss', 'h': 'loss · 损失', 't': 'how wrong an answer is'}]
    """
    return [
        {
            "n": "",
            "u": f"glossary.html#{anchor(word['term'])}",
            "h": f"{word['term']} · {word['chinese']}",
            "t": word["told"],
        }
        for word in words
    ]


def script(entries: list[dict]) -> str:
    r"""Return the entries as a script that a page loads when somebody searches.

    >>> script([])
    'globalThis.LABKIT_SEARCH = [];\n'
    """
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    return f"globalThis.LABKIT_SEARCH = {text.replace('<', chr(92) + 'u003c')};\n"
