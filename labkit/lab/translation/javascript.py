"""The texts in JavaScript: strings and template literals of two words or more.

No parser is at hand, and none is needed: the scanner knows comments, strings, template literals
and regular expressions, and joins literals that stand on both sides of a plus sign.
"""

from __future__ import annotations

import re

_WORDS = re.compile(r"[A-Za-z][\w'’]*[,.:;)]* +[^A-Za-z]*[A-Za-z]{2,}")
_SHOWN = re.compile(r"^[A-Z][a-z]+[.!?…]?$")  # one word that begins a line: Play, Reset
_NOT = re.compile(
    r"^\s*[<.#@]|;\s*$|\{[^}]*:[^}]*;|[\w-]+:\s?[^ ]+;|://|^[a-z]+(-[a-z]+)+ [a-z-]+$|^M ?[\d$]|"
    r"^\d*px |sans-serif|^(rotate|translate|scale)\("
)
_LONGEST_HOLE = 40


def texts(source: str) -> list[tuple[str, str]]:
    """Return (text, kind) of the texts of a module, in order; holes are `{expression}`.

    >>> texts("const told = `It is ${x} cm ` + 'long.'; // a remark of two words")
    [('It is {x} cm long.', 'phrase')]
    """
    found = []
    for literal in _literals(source):
        plain = re.sub(r"\{[^{}]*\}", "·", literal)
        if (_WORDS.search(plain) or _SHOWN.match(plain)) and not _NOT.search(plain):
            kind = "phrase" if plain != literal else "string"
            found.append((literal.strip(), kind))
    return list(dict.fromkeys(found))


def _literals(source: str) -> list[str]:
    """Return the literals, those that are added as one, and those within holes."""
    found: list[str] = []
    at, joins, before = 0, False, ""
    while at < len(source):
        two, sign = source[at : at + 2], source[at]
        if two == "//":
            at = source.find("\n", at) if "\n" in source[at:] else len(source)
        elif two == "/*":
            at = source.index("*/", at) + 2
        elif sign in "\"'`":
            text, inner, at = _read(source, at)
            if joins and found:
                found[-1] += text
            else:
                found.append(text)
            head = found.pop()
            found += [*inner, head]
            joins, before = False, sign
        elif sign == "/" and before in "(,=:[!&|?{};\n":
            at = _after_pattern(source, at)
            before = "/"
        else:
            if not sign.isspace():
                joins = sign == "+" and before in "\"'`" and two != "+="
                before = sign
            at += 1
    return found


def _read(source: str, at: int) -> tuple[str, list[str], int]:
    """Return the text of a literal, the literals within its holes, and where it ends."""
    quote, text, inner = source[at], "", []
    at += 1
    while source[at] != quote:
        if source[at] == "\\":
            text += {"n": "\n", "t": "\t"}.get(source[at + 1], source[at + 1])
            at += 2
        elif quote == "`" and source.startswith("${", at):
            end = _after_hole(source, at + 2)
            expression = source[at + 2 : end - 1]
            inner += _literals(expression)
            text += "{" + _named(expression, text) + "}"
            at = end
        else:
            text += {"{": "{{", "}": "}}"}.get(source[at], source[at])
            at += 1
    return text, inner, at + 1


def _named(expression: str, text: str) -> str:
    """Return how a hole is shown to translators: its expression, or a number for a long one."""
    expression = " ".join(expression.split())
    if len(expression) <= _LONGEST_HOLE and not re.search(r"[{}`\"']", expression):
        return expression
    return str(len(re.findall(r"\{[^{}]+\}", text)) + 1)


def _after_hole(source: str, at: int) -> int:
    """Return the place after the brace that ends a hole."""
    depth = 1
    while depth:
        if source[at] in "\"'`":
            _, _, at = _read(source, at)
            continue
        depth += {"{": 1, "}": -1}.get(source[at], 0)
        at += 1
    return at


def _after_pattern(source: str, at: int) -> int:
    """Return the place after a regular expression."""
    at += 1
    inside = False
    while inside or source[at] != "/":
        if source[at] == "\\":
            at += 1
        inside = source[at] == "[" or (inside and source[at] != "]")
        at += 1
    return at + 1
