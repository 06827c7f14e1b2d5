"""The frame around every page of the site: the bar, the contents of the page, the way on."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

import labkit
from labkit.lab.site.wording import LANGUAGES, TAGS, words

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Link:
    """A lesson as the bar and the front page know it."""

    number: str
    file: str  # of its page
    title: str
    about: str = ""
    minutes: int = 0
    before: str = ""


@dataclass
class Site:
    """What all pages of one language share."""

    lang: str
    lessons: list[Link]
    date: str  # when it was made
    languages: list[str] = field(default_factory=lambda: ["en"])

    @property
    def words(self) -> dict[str, str]:
        """The words of the frame in this language."""
        return words(self.lang)

    @property
    def top(self) -> str:
        """The way from a page to the folder of the site, "" or "../"."""
        return "" if self.lang == "en" else "../"

    def other(self, file: str) -> list[tuple[str, str, str]]:
        """Return (tag, name, address) of a page in each other language."""
        found = []
        for lang in self.languages:
            if lang != self.lang:
                folder = self.top + ("" if lang == "en" else f"{lang}/")
                found.append((TAGS[lang], LANGUAGES[lang], folder + file))
        return found


def framed(site: Site, file: str, title: str, main: str, **more) -> str:
    """Return a whole page of the site.

    Args:
        site: what its pages share.
        file: the page's own name, "01_gradient_descent.html".
        title: what the browser's tab says.
        main: HTML of its text.
        **more: `number` of a lesson; `contents`, pairs (cell id, heading); `note` above the text;
            `kind`, a class of the body; `main_lang`, where the text has another language than the
            frame.
    """
    at = [each.file for each in site.lessons].index(file) if more.get("number") else None
    before = site.lessons[at - 1] if at else None
    after = site.lessons[at + 1] if at is not None and at + 1 < len(site.lessons) else None
    return _template("page.html.j2").render(
        site=site,
        w=site.words,
        tag=TAGS[site.lang],
        file=file,
        title=title,
        main=main,
        previous=before,
        next=after,
        version=labkit.__version__,
        **{"contents": [], "note": "", "kind": "", "number": "", **more},
    )


def rendered(name: str, site: Site, **values) -> str:
    """Return a template of this folder, filled in: the inside of a page."""
    return _template(name).render(site=site, w=site.words, **values)


@functools.cache
def _template(name: str):
    import jinja2

    loader = jinja2.FileSystemLoader(FOLDER / "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True)
    environment.lstrip_blocks = True
    return environment.get_template(name)
