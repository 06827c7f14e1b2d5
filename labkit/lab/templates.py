"""Texts with holes, `the loss is {loss:.2f}`: cut apart, matched with what is said, filled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

# What a hole with a format for numbers can hold.
_NUMERIC = re.compile(r":[^{}]*[eEfFgGdn%]\}$|:,\}$")
_NUMBER = r"([-+−]?(?:[\d.,]*\d(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf)\s?%?)"
_ANY = r"(.*?)"
_PLURAL = re.compile(r"^\{s\}$|^\{'s' |^\{'' if .* else 's'\}$")
_WIDE_SPACE = re.compile(
    r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]) +(?=[\u3000-\u9fff\uff00-\uffef])"
)


def parts(template: str) -> list[str]:
    """Return a template cut into its holes and the texts between them.

    >>> parts("a {b:.2f} {{c}}")
    ['a ', '{b:.2f}', ' {{c}}']
    """
    found, depth, start, at = [], 0, 0, 0
    while at < len(template):
        if depth == 0 and template[at : at + 2] in ("{{", "}}"):
            at += 2
            continue
        if template[at] == "{":
            if depth == 0:
                found.append(template[start:at])
                start = at
            depth += 1
        elif template[at] == "}" and depth:
            depth -= 1
            if depth == 0:
                found.append(template[start : at + 1])
                start = at + 1
        at += 1
    found.append(template[start:])
    return [part for part in found if part]


def is_hole(part: str) -> bool:
    """Return whether a part of a template is a hole, not text.

    >>> is_hole("{b:.2f}"), is_hole("{{b}}")
    (True, False)
    """
    return part.startswith("{") and not part.startswith("{{")


def even(text: str) -> str:
    """Return a text with one space where it has any white space, and none at its ends."""
    return " ".join(text.split())


_MANY = 10  # letters of a template that is more than a frame around others
_CUTS = " ,;:("  # where one of two holes may end


@dataclass(frozen=True)
class Template:
    """A text with holes, and its translation with the same holes in any order.

    >>> Template("{n} steps at {rate:g}", "在 {rate:g} 下走 {n} 步").filled("20 steps at 0.1")
    '在 0.1 下走 20 步'
    """

    text: str
    translation: str
    first: bool = False  # preferred to others that leave as little English

    @cached_property
    def words(self) -> str:
        """The longest text between two holes: what a text must hold to be of this template."""
        plain = [_plain(part) for part in parts(even(self.text)) if not is_hole(part)]
        return max(plain, key=len, default="")

    @cached_property
    def weight(self) -> int:
        """How many letters stand outside its holes: of several templates the heaviest fits best."""
        plain = "".join(part for part in parts(self.text) if not is_hole(part))
        return len(re.findall("[A-Za-z]", plain))

    def filled(self, said: str, translated=lambda text: text) -> str | None:
        """Return the translation of what was said, None where it is not of this template.

        Args:
            said: a text without holes, its white space even.
            translated: is asked for what stands in the holes.
        """
        if self.words not in said:
            return None
        found = self._pattern.fullmatch(said)
        if found is None:
            return None
        if any(map(_holds_sentence, self._inner(found.groups()))):
            return None
        if self.weight >= _MANY and any(map(self._holds_too_much, found.groups())):
            return None
        values: dict[str, list[str]] = {}
        for holes, text in zip(self._groups, found.groups(), strict=True):
            say = str if holes[0] in self._in_code else translated
            for hole, value in zip(holes, _shared(text, len(holes), say), strict=True):
                values.setdefault(hole, []).append(value)
        made = []
        for part in parts(self.translation):
            left = values.get(part, [""]) if is_hole(part) else [_plain(part)]
            made.append(left.pop(0) if is_hole(part) and len(left) > 1 else left[0])
        return _WIDE_SPACE.sub("", "".join(made))

    @cached_property
    def _in_code(self) -> set[str]:
        """The holes that stand in backticks: names, which are not translated."""
        return set(re.findall(r"`(\{[^`]*?\})`", even(self.text)))

    def _holds_too_much(self, text: str) -> bool:
        """Return whether what stands in a hole is more than a part of the sentence."""
        bare = re.sub(r"[\[({][^\[\](){}]*[\])}]", "", text)  # {0: 1} is one thing
        ends = any(f"{sign} " in bare and sign not in self.text for sign in ";:")
        return ends or _holds_sentence(text)

    def _inner(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Return what stands in holes with text on both sides."""
        cut = parts(even(self.text))
        return texts[is_hole(cut[0]) : len(texts) - is_hole(cut[-1])]

    @cached_property
    def _groups(self) -> list[list[str]]:
        """The holes; those that stand side by side are one group."""
        groups: list[list[str]] = []
        before = ""
        for part in parts(even(self.text)):
            if is_hole(part):
                if before and is_hole(before):
                    groups[-1].append(part)
                else:
                    groups.append([part])
            before = part
        return groups

    @cached_property
    def _pattern(self) -> re.Pattern:
        pattern, before = "", ""
        for part in parts(even(self.text)):
            if not is_hole(part):
                pattern += re.escape(_plain(part))
            elif not (before and is_hole(before)):
                pattern += _one(part)
            else:
                pattern = pattern.removesuffix(_one(before)) + _ANY
            before = part
        return re.compile(pattern, re.DOTALL)


def _one(hole: str) -> str:
    """Return the pattern of what a hole can hold."""
    if _PLURAL.search(hole):
        return "(s?)"
    return _NUMBER if _NUMERIC.search(hole) else _ANY


def _is_known(text: str, translated) -> bool:
    """Return whether a text has no words, or words that are known."""
    return not re.search("[A-Za-z]{2,}", text) or translated(text) != text.strip()


def _holds_sentence(text: str) -> bool:
    """Return whether a sentence ends within a text: no hole between two texts holds that much."""
    return bool(re.search(r"[a-z)`][.!?] [A-Z`]", text))


def _shared(text: str, count: int, translated) -> list[str]:
    """Return what each of some holes side by side holds: the cut that leaves the least English."""
    if count == 1:
        return [translated(text)]
    cuts = []
    for at in range(1, len(text)):
        first, rest = text[:at], text[at:]
        if rest.strip() and (rest[0] in _CUTS or first[-1] in _CUTS):
            cuts.append([translated(first), translated(rest)])
    cuts.append([translated(text), ""])
    best = min(cuts, key=lambda cut: sum(map(letters_left, cut)))
    return [*best, *[""] * (count - 2)]


def letters_left(text: str) -> int:
    """Return how many letters of English words a text holds, outside its code.

    >>> letters_left("步 step `code`")
    4
    """
    return sum(map(len, re.findall(r"[A-Za-z]{2,}", re.sub(r"`[^`]*`", "", text))))


def _plain(part: str) -> str:
    return part.replace("{{", "{").replace("}}", "}")
