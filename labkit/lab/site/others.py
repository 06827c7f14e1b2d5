"""The pages beside the lessons: front page, glossary, results board, ledger."""

from __future__ import annotations

import html
from collections import Counter
from pathlib import Path

from labkit.explore.board import page as board
from labkit.explore.training import hero
from labkit.lab import table
from labkit.lab.pages.glossary import anchor, read_glossary
from labkit.lab.site.frame import Site, framed, rendered
from labkit.lab.site.wording import TAGS
from labkit.lab.translation import editions
from labkit.learn import claims
from labkit.learn.shown import where_shown


def front(site: Site) -> str:
    """Return the front page: an explorer that moves by itself, what the lab is, every lesson."""
    main = rendered("front.html.j2", site, hero=hero())
    return framed(site, "index.html", site.words["title"], main, kind="front")


def glossary(site: Site) -> str:
    """Return the page of all words, with an anchor each."""
    entries = [word | {"anchor": anchor(word["term"])} for word in told_words(site.lang)]
    main = rendered("glossary.html.j2", site, entries=entries)
    return framed(site, "glossary.html", site.words["glossary"], main, kind="glossary")


def told_words(lang: str) -> list[dict[str, str]]:
    """Return the words of the glossary, with `told`, their meaning in a language, and its tag.

    >>> told_words("en")[0]["tag"]
    'en'
    """
    known = {} if lang == "en" else editions.meanings(lang)
    found = []
    for word in read_glossary():
        told = known.get(word["meaning"])
        found.append(word | {"told": told or word["meaning"], "tag": TAGS[lang if told else "en"]})
    return found


def results_board(runs: Path, pages: dict[str, str]) -> str:
    """Return the results board of all runs, which is the same in each language.

    Args:
        runs: the results folder.
        pages: run (lesson folder / run folder) -> its page on this site.
    """
    return board.body(table.results(folder=runs), pages=pages)


def results(site: Site, shown: str) -> str:
    """Return the page with the results board."""
    title = site.words["results"]
    main = f"<h1>{html.escape(title)}</h1>{shown}"
    return framed(site, "results.html", title, main, kind="board", main_lang="en")


def ledger(site: Site) -> str:
    """Return the page of all statements of the articles, each with its verdict and its cell."""
    shown = where_shown()
    rows = []
    for row in claims.read_ledger():
        place = shown.get(row["id"])
        link = place.link.replace(".ipynb#", ".html#") if place else ""
        rows.append(row | {"link": link, "said": claims.ClaimCard(row).lines()})
    main = rendered(
        "ledger.html.j2",
        site,
        rows=rows,
        verdicts=claims.VERDICTS,
        counts=Counter(row["verdict"] for row in rows),
        topics=sorted({row["topic"] for row in rows}),
    )
    return framed(site, "ledger.html", site.words["ledger"], main, kind="ledger", main_lang="en")
