"""`labkit site`: the whole site, from the latest runs to a folder that opens without a server."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path

from labkit import machine
from labkit.lab import files, places
from labkit.lab.lesson import content
from labkit.lab.pages.contents import found_out
from labkit.lab.site import lessons, others, search
from labkit.lab.site.frame import FOLDER, Link, Site
from labkit.lab.site.lessons import Source
from labkit.lab.site.python.bundle import Bundle, with_python, write_python
from labkit.lab.translation import editions

MARK = "assets/site.js"  # a folder that has it is a site of ours, and may be written anew


class SiteError(ValueError):
    """The site cannot be built there; the message says what to do."""


@dataclass(frozen=True)
class Built:
    """What was built."""

    folder: Path
    pages: int
    size: int  # bytes
    not_run: list[str]  # numbers of lessons without a finished run
    outdated: list[str]  # numbers of lessons whose code has changed since


def build(
    out: str | os.PathLike,
    runs: str | os.PathLike | None = None,
    pyodide: str | os.PathLike | None = None,
    tell: Callable[[str], object] = lambda text: None,
) -> Built:
    """Build the site of all lessons in a folder; it appears whole or stays as it was.

    Args:
        out: the folder; a new one, an empty one, or one that holds an earlier site.
        runs: the results folder; None for the lab's own.
        pyodide: the folder of a Pyodide release, with which lessons 00 to 05 run in their pages;
            None leaves that out.
        tell: gets a line for each page.

    Raises:
        SiteError: the folder holds something else, or cannot be written.
        BundleError: a file of Pyodide is missing or not the one that its lock names.
    """
    out = Path(out).expanduser().absolute()
    _check(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
            new = Path(scratch, "site")
            found = lessons.sources(places.runs_folder(runs))
            pages = _write(new, found, places.runs_folder(runs), pyodide, tell)
            _swap(new, out, Path(scratch, "old"))
    except OSError as error:
        raise SiteError(f"{out} cannot be written: {error}.") from error
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    not_run = [each.lesson.number for each in found if each.record is None]
    outdated = [each.lesson.number for each in found if not each.is_current]
    return Built(out, pages, size, not_run, outdated)


def _check(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise SiteError(f"{out} is a file; name a folder for the site.")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise SiteError(
            f"{out} holds something that is not a site of labkit. Name a new folder, or empty it."
        )


def _swap(new: Path, out: Path, old: Path) -> None:
    """Put a new folder where an old one may be."""
    if out.exists():
        out.rename(old)
    new.rename(out)


def _write(folder: Path, found: list[Source], runs: Path, pyodide, tell: Callable) -> int:
    """Write all pages and assets; return how many pages."""
    shutil.copytree(FOLDER / "assets", folder / "assets")
    for name, css in lessons.style_sheets().items():
        files.write(folder / "assets" / name, css)
    bundle = None
    if pyodide is not None:
        bundle = write_python(Path(pyodide), folder)
        tell(f"Python for lessons {', '.join(bundle.assets)}, Pyodide {bundle.version}")
    date = datetime.now(UTC).date().isoformat()
    every = {"en": found, "zh": lessons.in_chinese(found, runs / "zh")}
    board = others.results_board(runs, _pages(found))
    with _processes() as pool:
        for lang, own in every.items():
            minutes = [source.lesson.minutes for source in found]  # counted in English words
            site = Site(lang, _links(own, minutes, lang), date, list(every))
            _write_edition(folder, site, own, bundle, pool, board, tell)
    return len(list(folder.rglob("*.html")))


def _write_edition(
    top: Path,
    site: Site,
    found: list[Source],
    bundle: Bundle | None,
    pool: Executor,
    board: str,
    tell: Callable,
) -> None:
    """Write the pages of one language, and what its search looks through."""
    folder = top if site.lang == "en" else top / site.lang
    folder.mkdir(exist_ok=True)
    for source, page in zip(found, pool.map(lessons.page, repeat(site), found), strict=True):
        number, name = source.lesson.number, f"{source.lesson.name}.html"
        if bundle and number in bundle.assets:
            page = with_python(page, number, bundle, site.top)
        files.write(folder / name, page)
        tell(f"{number}  {source.lesson.title}")
    entries = [entry for source in found for entry in search.of_lesson(source.lesson)]
    entries += search.of_glossary(others.told_words(site.lang))
    files.write(top / "assets" / f"search-{site.lang}.js", search.script(entries))
    rest = {
        "index.html": others.front(site),
        "glossary.html": others.glossary(site),
        "results.html": others.results(site, board),
        "ledger.html": others.ledger(site),
    }
    for name, page in rest.items():
        files.write(folder / name, page)
        tell(name)


def _processes() -> ProcessPoolExecutor:
    """Return processes that write pages: to convert one takes half a second of a core."""
    return ProcessPoolExecutor(min(4, machine.cores()), multiprocessing.get_context("spawn"))


def _links(found: list[Source], minutes: list[int], lang: str) -> list[Link]:
    """Return the lessons as the front page shows them, with what the index says one finds out."""
    index = content(places.english_notebooks() / "index.ipynb")
    if lang != "en":
        index = editions.edition("index", lang)
    told = found_out("".join(index["cells"][0]["source"]))
    return [
        Link(
            lesson.number,
            f"{lesson.name}.html",
            lesson.title,
            told.get(lesson.path.name, lesson.question).replace("`", ""),
            each,
            lesson.before,
        )
        for lesson, each in zip((source.lesson for source in found), minutes, strict=True)
    ]


def _pages(found: list[Source]) -> dict[str, str]:
    """Return run (lesson folder / run folder) -> its page."""
    return {
        "/".join(Path(source.record.folder).parts[-2:]): f"{source.lesson.name}.html"
        for source in found
        if source.record
    }
