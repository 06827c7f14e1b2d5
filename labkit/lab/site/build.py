"""`labkit site`: the whole site, from the latest runs to a folder that opens without a server."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path

from labkit import machine
from labkit.lab import files, places
from labkit.lab.lesson import content
from labkit.lab.site import lessons, others, search
from labkit.lab.site.frame import FOLDER, Link, Site
from labkit.lab.site.lessons import Source
from labkit.lab.site.python.bundle import with_python, write_python

MARK = "assets/site.js"  # a folder that has it is a site of ours, and may be written anew
_ROW = re.compile(r"^\| \[[^\]]*\]\(([^)]+)\.ipynb\) \| (.*?) \|", re.MULTILINE)


class SiteError(ValueError):
    """The site cannot be built there; the message says what to do."""


@dataclass(frozen=True)
class Built:
    """What was built."""

    folder: Path
    pages: int
    size: int  # bytes
    not_run: list[str]  # numbers of lessons without a finished run


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
        raise SiteError(f"{out} cannot be written: {error.strerror or error}.") from error
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return Built(out, pages, size, [each.lesson.number for each in found if each.record is None])


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
    site = Site("en", _links(found), datetime.now(UTC).date().isoformat())
    with _processes() as pool:
        made = pool.map(lessons.page, repeat(site), found)
        for source, page in zip(found, made, strict=True):
            number, name = source.lesson.number, f"{source.lesson.name}.html"
            if bundle and number in bundle.assets:
                page = with_python(page, number, bundle, site.top)
            files.write(folder / name, page)
            tell(f"{number}  {source.lesson.title}")
    entries = [entry for source in found for entry in search.of_lesson(source.lesson)]
    entries += search.of_glossary()
    files.write(folder / "assets" / f"search-{site.lang}.js", search.script(entries))
    rest = {
        "index.html": others.front(site),
        "glossary.html": others.glossary(site),
        "results.html": others.results(site, runs, _pages(found)),
        "ledger.html": others.ledger(site),
    }
    for name, page in rest.items():
        files.write(folder / name, page)
        tell(name)
    return len(found) + len(rest)


def _processes() -> ProcessPoolExecutor:
    """Return processes that write pages: to convert one takes half a second of a core."""
    return ProcessPoolExecutor(min(4, machine.cores()), multiprocessing.get_context("spawn"))


def _links(found: list[Source]) -> list[Link]:
    """Return the lessons as the front page shows them, with what the index says one finds out."""
    index = content(places.home() / "notebooks" / "index.ipynb")
    told = dict(_ROW.findall(index["cells"][0]["source"]))
    return [
        Link(
            lesson.number,
            f"{lesson.name}.html",
            lesson.title,
            told.get(lesson.name, lesson.question).replace("`", ""),
            lesson.minutes,
            lesson.before,
        )
        for lesson in (source.lesson for source in found)
    ]


def _pages(found: list[Source]) -> dict[str, str]:
    """Return run (lesson folder / run folder) -> its page."""
    return {
        "/".join(Path(source.record.folder).parts[-2:]): f"{source.lesson.name}.html"
        for source in found
        if source.record
    }
