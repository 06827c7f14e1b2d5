"""Slides of a lesson, from its latest run: question, figures, predictions, exercises.

Without anything else they are one page that scrolls from slide to slide and prints. With a copy of
reveal.js they are a reveal.js deck, made by nbconvert. Neither asks another host.
"""

from __future__ import annotations

import html as escaping
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from labkit.lab import files
from labkit.lab import lesson as lessons
from labkit.lab.classroom import catalog, reveal, seen
from labkit.lab.classroom.page import html, templates
from labkit.lab.classroom.sections import BEGINNING, Section, sections
from labkit.lab.classroom.seen import Figure, Prediction, Seen
from labkit.lab.classroom.students import ClassError
from labkit.lab.lesson import Lesson, tags

_FORMULA = re.compile(r"\$\$.+?\$\$", re.DOTALL)
_TASK = re.compile(r"^### Your turn[^\n]*\n(.*?)(?=^#|\Z)", re.DOTALL | re.MULTILINE)
_ABLE = re.compile(r"\*\*You will be able to\*\*\s*\n\n((?:- .*\n?)+)")
_FIVE = re.compile(r"(?:^\d\. .*(?:\n|$))+", re.MULTILINE)


@dataclass(frozen=True)
class Slide:
    """One slide: what kind it is, its heading as text, its body as HTML."""

    kind: str  # title, aims, section, formula, figure, question, answer, exercise, summary
    heading: str
    body: str
    cell: str = ""  # the id of the cell that it comes from
    is_answer: bool = False


# --- which slides -------------------------------------------------------------------------------


def slides(lesson: Lesson, shown: Seen) -> list[Slide]:
    """Return the slides of a lesson.

    Args:
        lesson: which one.
        shown: what its latest run showed, from `seen.latest`.

    >>> found = slides(lessons.read("01"), seen.Seen("", {}))
    >>> [slide.kind for slide in found][:3]
    ['title', 'aims', 'section']
    """
    found = sections(lesson)
    first = next(c["source"] for c in lesson.content["cells"] if c["cell_type"] == "markdown")
    made = [Slide("title", f"{lesson.number} · {lesson.title}", html(lesson.question))]
    if able := _ABLE.search(first):
        made.append(Slide("aims", "You will be able to", html(able[1])))
    for section in found:
        made += _section(lesson, section, shown)
    return made


def _section(lesson: Lesson, section: Section, shown: Seen) -> Iterator[Slide]:
    open_text = [c["source"] for c in section.cells if _is_text(c) and "answer" not in tags(c)]
    formulas = _FORMULA.findall("\n\n".join(open_text))
    five = _FIVE.findall(section.text)
    if "five lines" in section.title and five:
        yield Slide("summary", "In five lines", html(five[-1]), section.anchor)
    parts = [slide for cell in section.cells for slide in _cell(lesson, section, cell, shown)]
    if section.title != BEGINNING and (parts or formulas):
        yield Slide("section", _plain(section.title), html("\n\n".join(formulas)), section.anchor)
    yield from parts


def _cell(lesson: Lesson, section: Section, cell: dict, shown: Seen) -> Iterator[Slide]:
    heading, id = _plain(section.title), cell.get("id", "")
    if heading == BEGINNING:
        heading = lesson.title
    if _is_text(cell) and "answer" in tags(cell) and (told := _FORMULA.findall(cell["source"])):
        yield Slide("formula", heading, html("\n\n".join(told)), id)  # not before its prediction
    for figure in shown.figures(cell):
        yield Slide("figure", heading, _figure(figure, "explorer" in tags(cell), lesson), id)
    for each in shown.predictions(cell):
        yield Slide("question", "Predict", _question(each), id)
        if each.truth:
            yield Slide("answer", "Predict", _answer(each), id, is_answer=True)
    stubs = catalog.stubs(lesson)
    for name in catalog.checked(cell):
        yield Slide("exercise", "Your turn", _exercise(lesson, stubs[name]), id)


def _is_text(cell: dict) -> bool:
    return cell["cell_type"] == "markdown" and "solution" not in tags(cell)


def _plain(title: str) -> str:
    return re.sub(r"[`*]", "", title)


def _figure(figure: Figure, explorer: bool, lesson: Lesson) -> str:
    caption = escaping.escape(figure.caption)
    live = f" <b>Live: lesson {lesson.number}.</b>" if explorer else ""
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{figure.png.strip()}">'
        f"<figcaption>{caption}{live}</figcaption></figure>"
    )


def _question(each: Prediction) -> str:
    listed = "".join(f"<li>{escaping.escape(label)}</li>" for label, _ in each.choices)
    return f"<p>{escaping.escape(each.question)}</p>" + (f"<ul>{listed}</ul>" if listed else "")


def _answer(each: Prediction) -> str:
    parts = [f'<p class="quiet">{escaping.escape(each.question)}</p>']
    parts.append(f"<p><b>{escaping.escape(each.truth)}</b></p>")
    if each.png:
        parts.append(
            f'<figure><img alt="" src="data:image/png;base64,{each.png.strip()}"></figure>'
        )
    parts += [f"<p>{escaping.escape(text)}</p>" for text in each.reasons if text]
    told = [(escaping.escape(label), escaping.escape(text)) for label, text in each.choices if text]
    if told:
        parts.append("<ul>" + "".join(f"<li><b>{a}</b>: {b}</li>" for a, b in told) + "</ul>")
    return "".join(parts)


def _exercise(lesson: Lesson, task: catalog.Task) -> str:
    """Return the words of an exercise and its stub; no solution."""
    return html(f"{_words(lesson, task)}\n\n```python\n{task.stub}\n```")


def _words(lesson: Lesson, task: catalog.Task) -> str:
    """Return the text below "Your turn" above a stub, "" where the lesson has it otherwise."""
    text = ""
    for cell in lesson.content["cells"]:
        if cell["cell_type"] == "markdown" and (found := _TASK.findall(cell["source"])):
            text = found[-1]
        if "exercise" in tags(cell):
            if cell["source"] == task.stub:
                return _FORMULA.sub(lambda match: match[0], text).strip()
            text = ""
    return ""


# --- how they are written -----------------------------------------------------------------------


def deck(lesson: Lesson, made: Sequence[Slide]) -> str:
    """Return slides as one page without a script: it scrolls from slide to slide, and prints.

    Args:
        lesson: which one.
        made: from `slides`.
    """
    css = (Path(__file__).parent / "templates" / "deck.css").read_text(encoding="utf-8")
    return templates().get_template("deck.html.j2").render(
        title=f"{lesson.number} · {lesson.title}",
        css=Markup(css),
        slides=[(slide, Markup(slide.body)) for slide in made],
    )  # fmt: skip


def write(
    out: str | os.PathLike,
    names: Sequence[str] = (),
    library: str | os.PathLike | None = None,
    folder: str | os.PathLike | None = None,
) -> list[Path]:
    """Write the slides of lessons, a file each; return the files.

    Args:
        out: the folder; it is made.
        names: lessons; none means all that have been run.
        library: a folder with npm's package reveal.js; what is needed of it is copied beside the
            slides. None: a page of the lab's own.
        folder: the results folder; default LABKIT_RUNS or `runs/`.

    Raises:
        ClassError: a lesson has not been run, the folder is no reveal.js, or nothing can be
            written.
        PlaceError: there is no such lesson.
    """
    chosen = [lessons.read(name) for name in names] or lessons.read_all()
    shown = {lesson.number: seen.latest(lesson, folder) for lesson in chosen}
    if missing := [n for n, each in shown.items() if names and not each.day]:
        raise ClassError(f"Lesson {missing[0]} has no finished run: labkit run {missing[0]}")
    chosen = [lesson for lesson in chosen if shown[lesson.number].day]
    if not chosen:
        raise ClassError("No lesson has a finished run: labkit run --all")
    out = Path(out).expanduser().absolute()
    if library is not None:
        reveal.check(library)
    try:
        out.mkdir(parents=True, exist_ok=True)
        if library is not None:
            reveal.copy(library, out)
        return [_write(out, each, shown[each.number], library is not None) for each in chosen]
    except (OSError, shutil.Error) as error:
        raise ClassError(f"{out} cannot be written: {error}") from error


def _write(out: Path, lesson: Lesson, shown: Seen, revealed: bool) -> Path:
    made = slides(lesson, shown)
    path = out / f"{lesson.name}.slides.html"
    title = f"{lesson.number} · {lesson.title}"
    if revealed:
        parts = [(slide.heading, slide.body, slide.kind, slide.is_answer) for slide in made]
        files.write(path, reveal.deck(title, parts))
    else:
        files.write(path, deck(lesson, made))
    return path
