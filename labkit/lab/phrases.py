"""What the lab says, in the language of LABKIT_LANG: looked up where it is shown.

The code is written in English. `translated` is asked at the few places where a text reaches the
learner: a check's feedback, an explorer's caption, a figure's. It knows the texts and templates of
`locale/zh/*.po`; several sentences are looked up one by one, and what is not known stays English.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from labkit.lab import places
from labkit.lab.language import language
from labkit.lab.templates import Template, even, is_hole, letters_left, parts

PACKAGES = ("exercises", "learn", "explore", "lab", "javascript")  # files of texts of the package
# Whole captions as they are said, where code puts them together from words; they win.
CAPTIONS = "captions"
_SENTENCES = re.compile(r"(?<=[.!?:;…])\s+")
_LEAST = 3  # letters of a template; less would fit anything
_ENDS = {".": "。", ";": "；", ":": "：", "?": "？", "!": "！"}
_WORD = re.compile(r"[A-Za-z]{3,}")
_SIGNS = {",": "，", ";": "；", ":": "："}
_WIDE = "。，：；！？、（）“”"


@dataclass
class Phrases:
    """Texts and templates of a language."""

    plain: dict[str, str] = field(default_factory=dict)
    templates: list[Template] = field(default_factory=list)
    scripts: list[tuple[str, str, str]] = field(default_factory=list)  # text, translation, words
    captions: list[tuple[str, str, set[str]]] = field(default_factory=list)  # the same
    _found: dict[str, str | None] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)  # what is being looked up
    _cut_short: int = 0  # how often a text was asked for while it was being looked up
    _first: set[str] = field(default_factory=set)  # found by a template that is preferred

    def add_to_scripts(self, text: str, translation: str) -> None:
        """Take a text of JavaScript, with the part of it that stands in the script as it is."""
        words = max((part for part in parts(text) if not is_hole(part)), key=len, default="")
        self.scripts.append((even(text), translation.strip(), words))

    def add_to_captions(self, text: str, translation: str, always: bool) -> None:
        """Take a caption, with the words of the scripts that say it (no plurals)."""
        plain = " ".join(part for part in parts(text) if not is_hole(part))
        words = {word.removesuffix("s") for word in re.findall(_WORD, plain)}
        self.captions.append((even(text), translation.strip(), set() if always else words))

    def add(self, text: str, translation: str, first: bool = False) -> None:
        """Take the translation of a text; one with holes is a template, preferred with `first`."""
        if (bare := re.sub(r"^[,;:.] ?(?=\w|\{)", "", text)) != text:  # a sentence may be cut here
            self.add(bare, translation.lstrip("，；：。 "))
        cut = parts(text)
        if (
            not first
            and is_hole(cut[0])
            and cut[1:]
            and cut[1].startswith(" ")
            and translation.startswith(cut[0])
        ):
            self.add("".join(cut[1:]), translation.removeprefix(cut[0]))  # said by itself, too
        if not any(map(is_hole, cut)):
            self._add_plain(even(text), translation.strip())
        elif (made := Template(text, translation, first)).weight >= _LEAST:
            self.templates.append(made)

    def _add_plain(self, text: str, translation: str) -> None:
        self.plain[text] = translation
        self.plain.setdefault(_key(text), translation)  # "Start" need not mean what "start" does

    def _known(self, text: str) -> str | None:
        return self.plain.get(text, self.plain.get(_key(text)))

    def find(self, text: str) -> str | None:
        """Return the translation of a text that is known as a whole, None without one."""
        text = even(text)
        if text in self._found:
            return self._found[text]
        if text in self._asked:  # by a template, for the very text that it stands in
            self._cut_short += 1
            return None
        self._asked.add(text)
        before = self._cut_short
        try:
            made = self._find(text)
        finally:
            self._asked.discard(text)
        if self._cut_short == before or not self._asked:  # else it may be more, asked for alone
            self._found[text] = made
        return made

    def _find(self, text: str) -> str | None:
        if (known := self._known(text)) is not None:
            return known
        if text[-1:] in _ENDS and (bare := self._known(text[:-1])) is not None:
            return bare + _ENDS[text[-1]]
        found = []
        if text[-1:] in _ENDS:
            bare = self._filled(text[:-1])  # before the others: a sign at the end is of no number
            found = [(left, each, made + _ENDS[text[-1]]) for left, each, made in bare]
        found += self._filled(text)
        if not found:
            return None
        _, best, made = min(found, key=lambda each: (each[0], not each[1].first, -each[1].weight))
        if best.first:
            self._first.add(text)
        return made

    def _filled(self, text: str) -> list[tuple[int, Template, str]]:
        """Return (English letters left, template, translation) for each template that fits."""
        filled = [(each, each.filled(text, self.say)) for each in self.templates]
        return [(letters_left(made), each, made) for each, made in filled if made is not None]

    def say(self, text: str) -> str:
        """Return a text in this language, as far as it is known."""
        text = even(text)
        if not re.search("[A-Za-z]{2,}", text):
            return text
        if (known := self._known(text)) is not None:
            return known
        sentences = _SENTENCES.split(text)
        if len(sentences) == 1:
            return self.find(text) or self._listed(text)
        return joined(self._cut(tuple(sentences))[-1])

    def _cut(self, sentences: tuple[str, ...]) -> tuple[int, int, list[str]]:
        """Return sentences in this language, cut so that the fewest English letters are left."""
        best: list[tuple[int, int, list[str]]] = [(0, 0, [])]  # letters, pieces, what is said
        for end in range(1, len(sentences) + 1):
            choices = []
            for start in range(end):
                text = " ".join(sentences[start:end])
                said = self.find(text)
                if said is None and end - start == 1:
                    said = self._listed(sentences[start])
                if said is not None:
                    cost, pieces, before = best[start]
                    cost += letters_left(said) + (not re.search(r"\w", said))  # no sign by itself
                    choices.append((cost, pieces + (text not in self._first), [*before, said]))
            best.append(min(choices))
        return best[-1]

    def _listed(self, text: str) -> str:
        """Return a list `a, b and c` whose parts are all known, in this language."""
        counted = re.fullmatch(r"([\d,]+) (.+?)s?", text)
        if counted and (what := self._known(counted[2])):
            return f"{counted[1]} {what}"
        items = re.split(r"(?:, (?:and )?| and )(?![^()]*\))", text)  # not in (a, b)
        known = [self.find(item) if re.search("[A-Za-z]", item) else item for item in items]
        if len(items) > 1 and all(each is not None for each in known):
            return "、".join(known)
        return text


def translated(text: str) -> str:
    """Return a text that is shown to the learner, in the language of LABKIT_LANG.

    >>> translated("The loss falls.")
    'The loss falls.'
    """
    return text if language() == "en" else _said(text, language())


def page_phrases(code: str, said: Sequence[str] = ()) -> list[list[str]]:
    """Return [text, translation] of what a script says: [] in English.

    Args:
        code: the script; only texts that stand in it are returned.
        said: texts that the page gets from Python, and shows.

    >>> page_phrases("let label = 'Play';")
    []
    """
    if language() == "en":
        return []
    known = phrases(language())
    told = [[text, translated(text)] for text in said if text and translated(text) != text]
    there = [[text, new] for text, new, words in known.scripts if words in code]
    said_there = {word.removesuffix("s") for word in re.findall(_WORD, code)}
    there += [[text, new] for text, new, words in known.captions if words <= said_there]
    return there + told


class Said(str):
    """A text that code compares, and that is translated where it becomes a part of another.

    >>> f"{Said('yours')}" == "yours"
    True
    """

    __slots__ = ()

    def __format__(self, form: str) -> str:
        """Return it in the language of LABKIT_LANG."""
        return format(translated(str(self)), form)


def joined(texts: list[str]) -> str:
    """Return texts as one, with a space where two words would touch, and none after a wide sign.

    >>> joined(["第一句。", "Second.", "第三句。"])
    '第一句。Second. 第三句。'
    """
    made = ""
    for text in texts:
        touches = made and text and made[-1] not in _WIDE and text[0] not in _WIDE
        made += f" {text}" if touches else text
    return made


@lru_cache(maxsize=20_000)
def _said(text: str, named: str) -> str:
    known = phrases(named)
    return "\n".join(tidy(known.say(line)) if line.strip() else line for line in text.split("\n"))


def tidy(text: str) -> str:
    """Return a text with Chinese signs after Chinese, and a space between it and a number.

    >>> tidy("走20步: 损失0.5. 好; 再走。 完。")
    '走 20 步：损失 0.5。好；再走。完。'
    """
    text = re.sub(r"(?<=[\u4e00-\u9fff）”])([,;:]) ", lambda found: _SIGNS[found[1]], text)
    text = re.sub(r"(?<=\d)\. (?=[\u4e00-\u9fff])", "。", text)
    text = re.sub(r"(?<=\d)\.$", "。" if re.search("[\u4e00-\u9fff]", text) else ".", text)
    text = re.sub(r"(?<=[。，：；！？）]) +(?=[\u4e00-\u9fff])", "", text)
    text = re.sub(r"(?<=[\u4e00-\u9fff])(?=[-+−]?\d|[A-Za-z])", " ", text)
    return re.sub(r"(?<=[\dA-Za-z%])(?=[\u4e00-\u9fff])", " ", text)


@cache
def phrases(named: str) -> Phrases:
    """Return all that is known in a language: the texts of the package, and the glossary."""
    import polib

    found = Phrases()
    for row in _glossary():
        found.add(row["term"], re.sub(r"（.*?）", "", row["chinese"]))
    for name in (*PACKAGES, CAPTIONS):
        path = _file(name, named)
        if path.exists():
            for entry in polib.pofile(str(path)):
                if entry.translated() and not entry.obsolete:
                    found.add(entry.msgid, entry.msgstr, first=name == CAPTIONS)
                    if name == "javascript":
                        found.add_to_scripts(entry.msgid, entry.msgstr)
                    if name == CAPTIONS:
                        found.add_to_captions(entry.msgid, entry.msgstr, entry.msgctxt == "page")
    return found


def _glossary() -> list[dict[str, str]]:
    with (places.home() / "data" / "glossary.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _file(name: str, named: str) -> Path:
    return places.home() / "locale" / named / f"{name}.po"


def _key(text: str) -> str:
    """Return what two writings of one text have in common."""
    return text[:1].lower() + text[1:]
