"""Links in a translated notebook: titles of other lessons, meanings of words of the glossary."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from labkit.lab.lesson import NAVIGATION

_LINK = re.compile(r"\[([^\]\n]*)\]\(([^()\s]*\.ipynb)\)")
_WORD = re.compile(r"\]\(glossary\.ipynb#([^()\s]+)\)")


@dataclass(frozen=True)
class Links:
    """What links show in a language.

    `titles` is name of the notebook -> what a link to it says, where a line holds nothing but
    links; `words` is the anchor of a word in the glossary -> what is shown when one points at it.
    """

    titles: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def with_titles(self, source: str) -> str:
        """Return a text whose lines of nothing but links have the titles of this language.

        >>> links = Links(titles={"00_start.ipynb": "00 · 从这里开始"})
        >>> links.with_titles("← [00 · Start](00_start.ipynb)")
        '← [00 · 从这里开始](00_start.ipynb)'
        """

        def line(found: re.Match) -> str:
            return _LINK.sub(lambda m: f"[{self.titles.get(m[2], m[1])}]({m[2]})", found[0])

        return NAVIGATION.sub(line, source) if self.titles else source

    def with_words(self, source: str) -> str:
        """Return a text whose links to the glossary show what their words mean.

        >>> Links(words={"loss": "loss · 错了多少"}).with_words("[损失](glossary.ipynb#loss)")
        '[损失](glossary.ipynb#loss "loss · 错了多少")'
        """

        def link(found: re.Match) -> str:
            told = self.words.get(found[1], "").replace("\\", r"\\").replace('"', r"\"")
            return f'](glossary.ipynb#{found[1]} "{told}")' if told else found[0]

        return _WORD.sub(link, source)
