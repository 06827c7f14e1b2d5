"""`labkit site`: the whole site, from the latest runs to a folder that opens without a server."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from labkit.lab import files, places
from labkit.lab.lesson import content
from labkit.lab.site import lessons, others, search
from labkit.lab.site.frame import FOLDER, Link, Site

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
    tell: Callable[[str], object] = lambda text: None,
) -> Built:
    """Build the site of all lessons in a folder; it appears whole or stays as it was.

    Args:
        out: the folder; a new one, an empty one, or one that holds an earlier site.
        runs: the results folder; None for the lab's own.
        tell: gets a line for each page.

    Raises:
        SiteError: the folder holds something else, or cannot be written.
    """
    out = Path(out).expanduser().absolute()
    _check(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
            new = Path(scratch, "site")
            found = lessons.sources(places.runs_folder(runs))
            pages = _write(new, found, places.runs_folder(runs), tell)
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


def _write(
    folder: Path, found: list[lessons.Source], runs: Path, tell: Callable[[str], object]
) -> int:
    """Write all pages and assets; return how many pages."""
    from labkit.lab.pages.page import PageExporter

    exporter = PageExporter()
    shutil.copytree(FOLDER / "assets", folder / "assets")
    for name, css in lessons.style_sheets(exporter).items():
        files.write(folder / "assets" / name, css)
    site = Site("en", _links(found), datetime.now(UTC).date().isoformat())
    entries = []
    for source in found:
        name = f"{source.lesson.name}.html"
        files.write(folder / name, lessons.page(site, source, exporter))
        entries += search.of_lesson(source.lesson.number, name, source.lesson.content["cells"])
        tell(f"{source.lesson.number}  {source.lesson.title}")
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


def _links(found: list[lessons.Source]) -> list[Link]:
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


def _pages(found: list[lessons.Source]) -> dict[str, str]:
    """Return run (lesson folder / run folder) -> its page."""
    return {
        "/".join(Path(source.record.folder).parts[-2:]): f"{source.lesson.name}.html"
        for source in found
        if source.record
    }
