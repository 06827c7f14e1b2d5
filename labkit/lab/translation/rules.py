"""What a translation must keep: formulas, links, code, tags, holes, numbers, the glossary's terms.

Each rule is a function of the text and its translation that returns sentences, none when all is
well. `problems` asks them all.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from labkit.lab.pages.glossary import anchor, read_glossary
from labkit.lab.templates import is_hole, parts
from labkit.lab.translation import code

_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
_TEXT_OF_FORMULA = re.compile(r"(\\text\w*)\{[^{}]*\}")
_CODE = re.compile(r"`[^`]+`")
_LINK = re.compile(r"\]\(([^()\s]*(?:\([^()]*\))?)[^)]*\)|(https?://[\w./#?=&%-]+)")
_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL)
_HOLE = re.compile(r"(?<!\{)\{[^{}]+\}(?!\})")
_PLURAL = re.compile(
    r"\{s\}|\{'is' if .* else 'are'\}|\{'s' \*.*\}|\{'s' if .* else ''\}|\{'' if .* else 's'\}"
)
_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])(?<![A-Za-z]-)\d[\d,]*(?:\.\d+)?")
_LARGE = re.compile(r"thousand|million|billion|trillion", re.IGNORECASE)
_RANGE = re.compile(r"in \[[^\]]*\]|one of: .*")
_TERM = re.compile(r"\[([^\]]*)\]\(glossary\.ipynb#([^()\s]+)")
_MARKDOWN = ("text", "row", "formula", "string", "template", "phrase")


def problems(text: str, translation: str, kind: str) -> list[str]:
    """Return what is wrong with a translation, one sentence a problem.

    Args:
        text: the English.
        translation: of it.
        kind: text, row, formula, comment, string or template.

    >>> problems("the weight $w$", "权重 $x$", "text")
    ['formulas differ: $w$ is missing, $x$ is new']
    """
    found: list[str] = []
    if kind in _MARKDOWN:
        found += _differ("formulas", _formulas(text), _formulas(translation))
        found += _differ("inline code", _CODE.findall(text), _CODE.findall(translation))
        found += _differ("links", _links(text), _links(translation))
        found += _differ("tags", _TAG.findall(text), _TAG.findall(translation))
        found += _stars(text, translation)
    if kind == "row":
        found += _cells(text, translation)
    if kind == "template":
        found += _holes(text, translation)
    if kind == "phrase":
        old, new = ([part for part in parts(t) if is_hole(part)] for t in (text, translation))
        found += _differ("holes", old, new)
    if kind == "comment":
        found += _differ("limits", _RANGE.findall(text), _RANGE.findall(translation))
        found += ["a comment is one line"] if "\n" in translation else []
    if "{minutes}" in text and "{minutes}" not in translation:
        found.append("{minutes} is missing")
    return found + _numbers(text, translation, kind) + _terms(translation)


def mended(translation: str) -> str:
    """Return a translation with spaces where Markdown would otherwise show stars.

    In Markdown `叫**[梯度](x)**。` is not bold: stars beside a sign of punctuation need a space or
    another sign on their other side.

    >>> mended("叫**[梯度](x)**的")
    '叫 **[梯度](x)** 的'
    """
    found = translation
    for at, end, opens in reversed(_broken_stars(translation)):
        place = at if opens else end
        found = found[:place] + " " + found[place:]
    return found


def _formulas(text: str) -> list[str]:
    return [_TEXT_OF_FORMULA.sub(r"\1{}", each) for each in _FORMULA.findall(text)]


def _links(text: str) -> list[str]:
    return [first or second for first, second in _LINK.findall(text)]


def _differ(what: str, old: list[str], new: list[str]) -> list[str]:
    missing, extra = Counter(old) - Counter(new), Counter(new) - Counter(old)
    missing = {each: n for each, n in missing.items() if not _PLURAL.fullmatch(each)}
    told = [f"{each} is missing" for each in missing] + [f"{each} is new" for each in extra]
    return [f"{what} differ: {', '.join(told)}"] if told else []


def _cells(text: str, translation: str) -> list[str]:
    count, got = (len(re.findall(r"(?<!\\)\|", _CODE.sub("", t))) + 1 for t in (text, translation))
    return [] if count == got else [f"the row has {count} cells, its translation {got}"]


def _holes(text: str, translation: str) -> list[str]:
    try:
        return _differ("holes", code.holes(text), code.holes(translation))
    except (SyntaxError, ValueError) as error:
        return [f"the braces are no template: {error}"]


def _numbers(text: str, translation: str, kind: str) -> list[str]:
    """A number in digits stays one; words such as million may become digits of another size."""
    if _LARGE.search(text):
        return []
    old, new = (set(_NUMBER.findall(_plain(t, kind))) for t in (text, translation))
    missing = {n.replace(",", "").rstrip(".") for n in old}
    missing -= {n.replace(",", "").rstrip(".") for n in new}
    return [f"numbers are missing: {', '.join(sorted(missing))}"] if missing else []


def _plain(text: str, kind: str) -> str:
    if kind in ("template", "phrase"):
        text = "".join(part for part in parts(text) if not is_hole(part))
    for pattern in (_FORMULA, _CODE, _LINK, _TAG):
        text = pattern.sub(" ", text)
    return text


def _terms(translation: str) -> list[str]:
    """A word linked to the glossary is the glossary's word."""
    known = {anchor(row["term"]): row["chinese"] for row in read_glossary()}
    found = []
    for shown, name in _TERM.findall(translation):
        chinese = known.get(name, "")
        base = re.sub(r"[（(].*?[）)]", "", chinese).strip()
        latin = " ".join(re.findall(r"[A-Za-z][\w.+-]*", base))
        allowed = [each for each in (chinese, base, latin) if each]
        if allowed and not any(_even(each) in _even(shown) for each in allowed):
            found.append(f"the glossary says {base!r} for #{name}, not {shown!r}")
    return found


def _even(text: str) -> str:
    return text.replace(" ", "").lower()


def _stars(text: str, translation: str) -> list[str]:
    old, new = (len(_star_runs(t, "**")) for t in (text, translation))
    if old % 2 == 0 and new % 2:
        return ["a ** is not closed"]
    broken = [translation[max(0, a - 6) : e + 6] for a, e, _ in _broken_stars(translation)]
    return [f"stars would be shown, put a space outside them: {each!r}" for each in broken]


def _hidden(text: str) -> str:
    """Return a text with letters for its formulas, code and holes."""
    for pattern in (_FORMULA, _CODE, _HOLE):
        text = pattern.sub(lambda m: "x" * len(m[0]), text)
    return text


def _star_runs(text: str, mark: str) -> list[tuple[int, int]]:
    hidden = _hidden(text)
    pattern = r"(?<!\*)\*\*(?!\*)" if mark == "**" else r"(?<![\*\s])\*(?![\*])|(?<!\*)\*(?![\*\s])"
    return [match.span() for match in re.finditer(pattern, hidden)]


def _broken_stars(text: str) -> list[tuple[int, int, bool]]:
    """Return (start, end, opens) of stars that Markdown would not take as the ends of bold."""
    found, text = [], _hidden(text)
    for mark in ("**", "*"):
        runs = _star_runs(text, mark)
        if len(runs) % 2:
            continue
        for number, (start, end) in enumerate(runs):
            before, after = text[start - 1 : start] or " ", text[end : end + 1] or " "
            opens = number % 2 == 0
            inner, outer = (after, before) if opens else (before, after)
            if _is_punctuation(inner) and not (outer.isspace() or _is_punctuation(outer)):
                found.append((start, end, opens))
    return sorted(found)


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"
