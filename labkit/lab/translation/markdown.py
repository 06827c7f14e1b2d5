"""What of a Markdown cell is translated: headings, paragraphs, list items, rows of tables.

A cell is cut into pieces that join to the cell again. Formulas on lines of their own, lines of
nothing but tags, and blocks of code stay as they are; of Python code, `code.py` takes the texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from labkit.lab.lesson import NAVIGATION

_FENCE = re.compile(r"^\s*(```|~~~)\s*(\w*)")
_TAGS = re.compile(r"^\s*(?:<!--.*?-->|</?[a-zA-Z][^>]*>|\s)+$")
_MARK = re.compile(r"^(\s*(?:[-*+]|\d+[.)]|#{1,6}|>)\s+)")
_STARTS = re.compile(r"^\s*(?:[-*+]|\d+[.)]|#{1,6}|>)\s")
_RULE = re.compile(r"^\s*\|?[\s:|-]+\|?\s*$")
_NO_WORDS = re.compile(
    r"\$\$.*?\$\$|\$[^$\n]+\$|`[^`]+`|\]\([^)]*\)|https?://\S+|<!--.*?-->|<[^>]+>", re.DOTALL
)
_WORDS_OF_FORMULA = re.compile(r"\\text\w*\{[^{}]*[A-Za-z]{2,}[^{}]*\}")
_MEANING = re.compile(r"^(\*\*[^*]+\*\* · .+? · )(.+)$")
_MINUTES = re.compile(r"(\*\*Time:\*\* about )(\d+)( minutes)")
_TITLE = re.compile(r"""(\]\(glossary\.ipynb#[^()\s]+)\s+"((?:[^"\\]|\\.)*)"\)""")


@dataclass(frozen=True)
class Piece:
    """A piece of a cell: its kind is text, row, formula, python, or "" for what stays."""

    source: str
    kind: str = ""
    before: str = ""  # what stands before the text, such as "- " or "## "
    after: str = ""

    @property
    def text(self) -> str:
        """What a translator reads: no meanings of glossary links, no minutes."""
        core = self.source.removeprefix(self.before).removesuffix(self.after)
        return _MINUTES.sub(r"\g<1>{minutes}\g<3>", _TITLE.sub(r"\1)", core))

    @property
    def minutes(self) -> str:
        """The minutes that its text leaves out, or ""."""
        found = _MINUTES.search(self.source)
        return found[2] if found else ""


def pieces(source: str) -> list[Piece]:
    r"""Return the pieces of a Markdown cell, in order; their sources join to the cell.

    >>> [(piece.kind, piece.text) for piece in pieces("## One\n\n- a word\n- $x$\n")]
    [('text', 'One'), ('', '\n\n'), ('text', 'a word'), ('', '\n- $x$\n')]
    """
    found = [_piece(kind, block) for kind, block in _blocks(source)]
    joined: list[Piece] = []
    for piece in found:
        core = piece.source[: len(piece.source) - len(piece.after)]
        for part in (Piece(core, piece.kind, piece.before), Piece(piece.after)):
            if part.kind or not joined or joined[-1].kind:
                joined += [part] if part.source else []
            else:
                joined[-1] = Piece(joined[-1].source + part.source)
    return joined


def meanings(source: str) -> list[Piece]:
    """Return the pieces of a cell of the glossary: of each word, its meaning.

    >>> [p.text for p in meanings("**loss** · 损失 · How wrong it is.") if p.kind]
    ['How wrong it is.']
    """
    found = []
    for line in source.splitlines(keepends=True):
        match = _MEANING.match(line.rstrip("\n"))
        end = "\n" if line.endswith("\n") else ""
        found += [Piece(line[: len(line) - len(end)], "text", match[1])] if match else [Piece(line)]
        found += [Piece(end)] if match and end else []
    return found


def has_words(text: str) -> bool:
    """Return whether anything is left to translate beside formulas, code, links and tags.

    >>> has_words("`sgd` | $w$"), has_words("the weight $w$")
    (False, True)
    """
    return bool(re.search(r"[A-Za-z]{2,}", _NO_WORDS.sub("", text)))


def _piece(kind: str, block: str) -> Piece:
    """Return a block as a piece; one without words stays as it is."""
    core = block.rstrip()
    after = block[len(core) :]
    if kind == "formula":
        return Piece(block, kind if _WORDS_OF_FORMULA.search(core) else "", "", after)
    if kind == "python":
        head = block.index("\n") + 1
        end = core.rfind("\n") + 1
        return Piece(block, "python" if end > head else "", block[:head], block[end:])
    if not kind or NAVIGATION.fullmatch(core.strip()) or not has_words(core):
        return Piece(block)
    if kind == "row":
        before = re.match(r"\s*\|?\s*", core)[0]
        end = re.search(r"\s*\|?$", core)[0]
        return Piece(block, "row", before, end + after)
    mark = _MARK.match(core)
    return Piece(block, "text", mark[0] if mark else re.match(r"\s*", core)[0], after)


def _blocks(source: str) -> list[tuple[str, str]]:
    """Return (kind, lines) of each block; together they are the cell."""
    lines = source.splitlines(keepends=True)
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(lines):
        kind, end = _block(lines, at)
        found.append((kind, "".join(lines[at:end])))
        at = end
    return found


def _block(lines: list[str], at: int) -> tuple[str, int]:
    """Return kind and end of the block that begins at a line."""
    line = lines[at]
    fence = _FENCE.match(line)
    if fence:
        end = _until(lines, at + 1, lambda text: text.strip().startswith(fence[1]))
        return ("python" if fence[2] == "python" else ""), end
    if line.strip().startswith("$$"):
        if line.count("$$") >= 2:
            alone = re.fullmatch(r"\s*\$\$.*\$\$[.,;]?\s*", line, re.DOTALL)
            return ("formula" if alone else "text"), at + 1
        return "formula", _until(lines, at + 1, lambda text: "$$" in text)
    if not line.strip() or _TAGS.match(line):
        return "", at + 1
    if line.lstrip().startswith("|"):
        return ("" if _RULE.match(line) else "row"), at + 1
    end = at + 1
    while not line.startswith("#") and end < len(lines) and _goes_on(lines[end]):
        end += 1
    return "text", end


def _goes_on(line: str) -> bool:
    """Return whether a line belongs to the paragraph or the item before it."""
    begins = line.strip().startswith(("$$", "|")) or _STARTS.match(line) or _FENCE.match(line)
    return bool(line.strip()) and not begins and not _TAGS.match(line)


def _until(lines: list[str], at: int, is_end) -> int:
    """Return the place after the next line that ends a block."""
    while at < len(lines) and not is_end(lines[at]):
        at += 1
    return min(at + 1, len(lines))
