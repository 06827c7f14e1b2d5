"""What of Python code is translated: comments, and the strings that people read.

A string is shown to translators as its value, an f-string with its holes: `{loss:.2f} cm²`. The
translation must compute the same: only words may differ.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass

from labkit.lab.templates import is_hole, parts

# Arguments, or keys of a dict, whose string is read even if it is one word.
LABELS = {"xlabel", "ylabel", "title", "label", "x_label", "y_label", "unit"}
_TWO_WORDS = re.compile(r"[A-Za-z]{2,}\S* (?:.*[^A-Za-z])?[A-Za-z]{2,}", re.DOTALL)
_DIRECTIVE = re.compile(r"#\s*(?:noqa|fmt:|ruff:|type:|pragma)")
ASKED = {"get", "index", "startswith", "endswith", "replace", "count", "pop", "split"}
_WIDTH = 44  # of a Chinese line in code


@dataclass(frozen=True)
class Found:
    """A text in code: where it stands, and what a translator reads."""

    start: int
    end: int
    text: str
    kind: str  # comment, string, or template: a string with holes


def texts(source: str, keys: frozenset[str] = frozenset(), only_comments: bool = False):
    """Return the texts in code, in order; none where the code cannot be read.

    Args:
        source: Python code.
        keys: strings that the code looks things up by; see `keys`.
        only_comments: leave the strings out, as in a cell of parameters.

    >>> [(each.kind, each.text) for each in texts('print(f"the loss is {loss:.2f}")  # in cm²')]
    [('template', 'the loss is {loss:.2f}')]
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    at = _offsets(source)
    found = [] if only_comments else list(_strings(tree, at, keys))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and _is_remark(token.string):
            start = at(token.start[0], token.start[1], characters=True)
            text = token.string[1:].strip()
            start += token.string.index(text)
            found.append(Found(start, start + len(text), text, "comment"))
    return sorted(found, key=lambda each: each.start)


def keys(sources: list[str]) -> frozenset[str]:
    """Return the strings that code compares with, or looks things up by: they must stay.

    >>> sorted(keys(['best["mini batch"]', 'whose == "all of it"']))
    ['all of it', 'mini batch']
    """
    found: set[str] = set()
    for source in sources:
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            found |= {n.value for part in _asking(node) for n in ast.walk(part) if is_string(n)}
    return frozenset(found)


def replaced(source: str, changes: list[tuple[Found, str]]) -> str:
    """Return code with texts replaced by their translations.

    >>> code = 'print("two words")'
    >>> replaced(code, [(texts(code)[0], "两个词")])
    'print("两个词")'
    """
    for each, new in sorted(changes, key=lambda change: -change[0].start):
        if each.kind != "comment":
            new = _as_before(source, each, new)
        source = source[: each.start] + new + source[each.end :]
    return source


def _as_before(source: str, each: Found, new: str) -> str:
    """Return a translation as a literal that is laid out as the old one was."""
    old, template = source[each.start : each.end], each.kind == "template"
    if old.lstrip("fFrR").startswith(('"""', "'''")):
        return _block_literal(new, template)
    indent = each.start - source.rfind("\n", 0, each.start) - 1
    return literal(new, template, indent if "\n" in old else None)


def literal(text: str, template: bool, indent: int | None = None) -> str:
    """Return a text as a literal of Python; with an indent, on several lines.

    >>> literal("损失 {loss:.2f}", template=True)
    'f"损失 {loss:.2f}"'
    """
    lines = _lines(text, template) if indent is not None else [text]
    written = [_one_literal(line, template) for line in lines]
    return ("\n" + " " * (indent or 0)).join(written)


def holes(template: str) -> list[str]:
    """Return what the holes of a template compute, in order.

    Raises:
        SyntaxError: it is no template.

    >>> holes("{a + 1:.2f} of {b}")
    ['{a + 1:.2f}', '{b}']
    """
    node = ast.parse(_one_literal(template, True), mode="eval").body
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return [_hole(part) for part in parts if isinstance(part, ast.FormattedValue)]


def meaning(source: str) -> str:
    """Return what code does, whatever its texts say: equal for a notebook and its translation."""
    return ast.dump(_Blank().visit(ast.parse(source)))


class _Blank(ast.NodeTransformer):
    """Takes the words out of strings; what f-strings compute stays, in any order."""

    def visit_Constant(self, node):
        return ast.Constant("text") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node):
        values = sorted(_hole(v) for v in node.values if isinstance(v, ast.FormattedValue))
        return ast.Constant("template " + " ".join(values))


def _strings(tree: ast.AST, at, keys: frozenset[str]):
    """Yield the strings of code that people read."""
    skipped: set[int] = set()
    labels: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(sub) for sub in ast.walk(node) if sub is not node}
        skipped |= {id(sub) for part in _asking(node) for sub in ast.walk(part)}
        labels |= {id(value) for value in _labels(node)}
    for node in ast.walk(tree):
        if id(node) in skipped or not (is_string(node) or isinstance(node, ast.JoinedStr)):
            continue
        text, plain, kind = told(node)
        words = _TWO_WORDS.search(plain) or (
            id(node) in labels and re.search("[A-Za-z]{2,}", plain)
        )
        if words and text not in keys:
            start = at(node.lineno, node.col_offset)
            yield Found(start, at(node.end_lineno, node.end_col_offset), text, kind)


def told(node: ast.AST) -> tuple[str, str, str]:
    """Return a string's text for translators, its words alone, and its kind.

    >>> told(ast.parse('f"a {b}"', mode="eval").body)
    ('a {b}', 'a ·', 'template')
    """
    if isinstance(node, ast.Constant):
        return node.value, node.value, "string"
    parts = [(is_string(v), v) for v in node.values]
    text = "".join(escaped(v.value) if plain else _hole(v) for plain, v in parts)
    return text, "".join(v.value if plain else "·" for plain, v in parts), "template"


def _hole(node: ast.FormattedValue) -> str:
    """Return a hole of an f-string, written in one way."""
    convert = f"!{chr(node.conversion)}" if node.conversion > 0 else ""
    form = ""
    if node.format_spec is not None:
        form = ":" + "".join(v.value if is_string(v) else _hole(v) for v in node.format_spec.values)
    return "{" + ast.unparse(node.value) + convert + form + "}"


def _labels(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.keyword):
        return [node.value] if node.arg in LABELS else []
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return [value for key, value in pairs if is_string(key) and key.value in LABELS]
    return []


def _asking(node: ast.AST) -> list[ast.AST]:
    """Return the parts of an expression that it compares with or looks up by."""
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.Subscript):
        return [node.slice]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.args if node.func.attr in ASKED else []
    return []


def is_string(node: ast.AST | None) -> bool:
    """Return whether a node is a plain string."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_remark(comment: str) -> bool:
    return bool(re.search("[A-Za-z]{3,}", comment)) and not _DIRECTIVE.match(comment)


def _offsets(source: str):
    """Return the function that turns line and column into a place in the code."""
    lines = source.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def at(line: int, column: int, characters: bool = False) -> int:
        if not characters:  # ast counts bytes
            column = len(lines[line - 1].encode()[:column].decode())
        return starts[line - 1] + column

    return at


def escaped(text: str) -> str:
    """Return a text as it stands in a template."""
    return text.replace("{", "{{").replace("}", "}}")


def _one_literal(text: str, template: bool) -> str:
    if not template:
        return '"' + _quoted(text) + '"'
    split = parts(text)
    inside = "".join(part for part in split if is_hole(part))
    quote = '"""' if '"' in inside else '"'
    return "f" + quote + "".join(p if is_hole(p) else _quoted(p) for p in split) + quote


def _block_literal(text: str, template: bool) -> str:
    """Return a text between three quotes, its lines as they are."""
    split = parts(text) if template else [text]
    made = [p if template and is_hole(p) else p.replace("\\", "\\\\") for p in split]
    made = [p if template and is_hole(p) else p.replace('"', '\\"') for p in made]
    return ("f" if template else "") + '"""' + "".join(made) + '"""'


def _quoted(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return text.replace("\n", "\\n").replace("\t", "\\t")


def _lines(text: str, template: bool) -> list[str]:
    """Return a text in lines that fit; a hole is never cut."""
    split = parts(text) if template else [text]
    atoms = [a for p in split for a in ([p] if template and is_hole(p) else _atoms(p))]
    lines = [""]
    for atom in atoms:
        if lines[-1] and len(lines[-1]) + len(atom) > _WIDTH:
            lines.append("")
        lines[-1] += atom
    return lines


def _atoms(text: str) -> list[str]:
    """Return a text in the smallest parts that a line may be broken between."""
    return re.findall(r"\{\{|\}\}|[A-Za-z0-9_.]+\s*|.", text, re.DOTALL)
