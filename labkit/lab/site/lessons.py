"""A lesson as a page of the site: its latest run, else its notebook as it stands."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.lab import lesson as lessons
from labkit.lab import places
from labkit.lab.lesson import Lesson, tags
from labkit.lab.records.reading import read_records
from labkit.lab.site.frame import Site, framed
from labkit.lab.translation import catalog, editions
from labkit.lab.words import show

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from labkit.lab.records.entry import Record

_NOTEBOOK = re.compile(r'href="(?:\./)?((?:[0-9]{2}_[a-z0-9_]+|index|glossary))\.ipynb(#[^"]*)?"')
_OTHER = re.compile(r'<a href="[^":]*\.ipynb[^"]*"[^>]*>(.*?)</a>', re.DOTALL)
_HEADING = re.compile(r'id="cell-id=([^"]+)"|<h2[^>]*>(.*?)</h2>', re.DOTALL)
_STYLE = re.compile(r"<style([^>]*)>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """Where a lesson's page comes from."""

    lesson: Lesson
    record: Record | None  # None: it has not been run
    is_default: bool = True  # whether that run had the lesson's own parameters
    in_english: bool = True  # whether its text is English

    @property
    def is_current(self) -> bool:
        """Whether the lesson's code still is what was run."""
        if self.record is None:
            return True
        run = [c.source for c in self.executed().cells if _is_code(c)]
        return run == [c["source"] for c in self.lesson.content["cells"] if _is_code(c)]

    def executed(self) -> NotebookNode:
        """Return the notebook of its run."""
        import nbformat

        return nbformat.read(Path(self.record.folder) / "notebook.ipynb", as_version=4)

    def notebook(self) -> NotebookNode:
        """Return the executed notebook with the lesson's texts; not run, the lesson's own."""
        if self.record is None:
            return self.lesson.notebook()
        notebook = self.executed()
        texts = {cell.get("id"): cell["source"] for cell in self.lesson.content["cells"]}
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = texts.get(cell.id, cell.source)
        return notebook


def _is_code(cell: dict) -> bool:
    return cell["cell_type"] == "code" and "injected-parameters" not in tags(cell)


def sources(runs: Path) -> list[Source]:
    """Return for every lesson its latest finished run, one with its own parameters if there is one.

    Args:
        runs: the results folder.

    >>> [source.record for source in sources(Path("no such folder"))][:2]
    [None, None]
    """
    found = _finished(runs)
    every = lessons.read_all(lambda *skipped: None)
    return [_latest(lesson, found.get(lesson.number, [])) for lesson in every]


def in_chinese(given: list[Source], runs: Path) -> list[Source]:
    """Return the lessons with Chinese texts, where there are translations.

    A lesson that was run in Chinese shows that run; another one shows its English outputs.

    Args:
        given: the English lessons.
        runs: the results folder of runs in Chinese.
    """
    links, found = editions.links_of("zh"), _finished(runs)
    made = []
    for source in given:
        number = source.lesson.number
        is_english = not any(entry.translated() for entry in catalog.read(number, "zh"))
        if is_english:
            made.append(source)
            continue
        content = lessons.plain(editions.edition(number, "zh", links))
        lesson = Lesson(source.lesson.path, content, source.lesson.schema)
        own = _latest(lesson, found.get(number, []))
        made.append(
            replace(own if own.record else replace(source, lesson=lesson), in_english=False)
        )
    return made


def _finished(runs: Path) -> dict[str, list[Record]]:
    """Return number -> finished headless runs that kept their notebook."""
    found: dict[str, list[Record]] = {}
    for record in read_records(runs) if runs.is_dir() else []:
        is_headless = record.environment.get("mode") == "headless"
        if record.status == "finished" and is_headless and _has_notebook(record):
            found.setdefault(record.lesson, []).append(record)
    return found


def _has_notebook(record: Record) -> bool:
    return (Path(record.folder) / "notebook.ipynb").is_file()


def _latest(lesson: Lesson, records: list[Record]) -> Source:
    if not records:
        return Source(lesson, None)
    defaults = lesson.values()
    own = [record for record in records if record.parameters == defaults]
    return Source(lesson, max(own or records, key=lambda each: each.started), bool(own))


@functools.cache
def _exporter():
    from labkit.lab.pages.page import PageExporter

    return PageExporter()


def page(site: Site, source: Source) -> str:
    """Return the lesson's page in its frame.

    Args:
        site: what the pages of this language share.
        source: the lesson and its run.
    """
    lesson = source.lesson
    name = {"metadata": {"name": lesson.title}}
    html, _ = _exporter().from_notebook_node(source.notebook(), name)
    main = linked(html.partition("<main>")[2].rpartition("</main>")[0])
    main = main.replace(str(places.home()), "labkit")  # nobody needs to know this machine's folders
    return framed(
        site,
        f"{lesson.name}.html",
        f"{lesson.number} · {lesson.title}",
        main,
        number=lesson.number,
        contents=contents(main),
        note=note(site, source),
        kind="lesson",
        main_lang="en" if source.in_english and site.lang != "en" else None,
    )


def linked(html: str) -> str:
    """Return HTML whose links to notebooks lead to the site's pages, or are no links any more.

    >>> linked('<a href="glossary.ipynb#loss">loss</a>, <a href="small/99_digits.ipynb">it</a>')
    '<a href="glossary.html#loss">loss</a>, it'
    """
    html = _NOTEBOOK.sub(lambda found: f'href="{found[1]}.html{found[2] or ""}"', html)
    return _OTHER.sub(r"\1", html)


def contents(html: str) -> list[tuple[str, str]]:
    """Return (cell id, heading) of each section of a page.

    >>> contents('<div id="cell-id=a"><h2>One</h2></div>')
    [('a', 'One')]
    """
    cell, found = "", []
    for match in _HEADING.finditer(html):
        if match[1]:
            cell = match[1]
        else:
            found.append((cell, re.sub(r"</?a\b[^>]*>", "", match[2]).strip()))
    return found


def note(site: Site, source: Source) -> str:
    """Return what stands above a lesson: when it was run, and what its run kept."""
    record, words = source.record, site.words
    english = words["english"] + " " if source.in_english and site.lang != "en" else ""
    if record is None:
        return english + words["not run"]
    applying = [each for each in record.expectations if each.applies]
    told = words["ran" if applying else "ran plainly"].format(
        date=record.started[:10],
        seconds=show(round(record.seconds or 0, 1)),
        held=sum(each.held is True for each in applying),
        all=len(applying),
    )
    if not source.is_current:
        told += " " + words["earlier"]
    if not source.is_default:
        defaults = source.lesson.values()
        other = {k: v for k, v in record.parameters.items() if defaults.get(k) != v}
        settings = ", ".join(f"{name} = {show(value)}" for name, value in other.items())
        told += " " + words["other parameters"].format(settings)
    return english + told


def style_sheets() -> dict[str, str]:
    """Return the sheets of all lesson pages: file -> CSS; light and dark are chosen by the page."""
    import nbformat

    empty = nbformat.v4.new_notebook()
    html, _ = _exporter().from_notebook_node(empty, {"metadata": {"name": ""}})
    sheets = {"notebook.css": "", "light.css": "", "dark.css": ""}
    for attributes, css in _STYLE.findall(html.partition("</head>")[0]):
        kind = re.search(r'class="labkit-(light|dark)"', attributes)
        sheets[f"{kind[1]}.css" if kind else "notebook.css"] += css.strip() + "\n"
    return sheets
