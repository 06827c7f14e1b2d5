"""A teacher's notes on a lesson: what to ask, what to show, which mistakes to expect."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from labkit.lab import files
from labkit.lab import lesson as lessons
from labkit.lab.classroom import catalog, graph, plan, seen
from labkit.lab.classroom.page import html, page
from labkit.lab.classroom.sections import Section, must_and_may, sections
from labkit.lab.classroom.seen import Prediction, Seen
from labkit.lab.classroom.students import ClassError
from labkit.lab.lesson import Lesson, tags
from labkit.lab.words import count

_ABLE = re.compile(r"\*\*You will be able to\*\*\s*\n\n((?:- .*\n?)+)")
_OPEN = re.compile(
    r"(?:\*\*Open questions\*\*|^##+ Open questions)[^\n]*\n\n((?:[-*] .*(?:\n|$)|  .*\n)+)", re.M
)


def notes(lesson: Lesson, folder: str | os.PathLike | None = None) -> str:
    """Return the notes on a lesson as Markdown.

    They are generated: from the lesson's cells, from its checks (each planned mistake with what the
    check says), and from its latest run (what was measured).

    Args:
        lesson: which one.
        folder: the results folder; default LABKIT_RUNS or `runs/`.

    >>> notes(lessons.read("01")).splitlines()[0]
    '# 01 · Gradient descent: notes for who teaches it'
    """
    shown, found = seen.latest(lesson, folder), sections(lesson)
    first = next(c["source"] for c in lesson.content["cells"] if c["cell_type"] == "markdown")
    able, opened = _ABLE.search(first), _OPEN.search(_all_text(found))
    must, may = must_and_may(lesson)
    before = graph.before_told(plan.before(lesson.before))
    parts = [
        f"# {lesson.number} · {lesson.title}: notes for who teaches it",
        f"**The question to ask.** {lesson.question}",
        able and f"**Afterward they can**\n\n{able[1].strip()}",
        f"**Time.** About {lesson.minutes} minutes of a learner's own work: {must:.0f} for what "
        f"must be, {may:.0f} for what may be left out. **Before it:** {before}.",
        _about_run(lesson, shown),
        "## Minutes",
        _minutes(found, shown),
        *(_section(lesson, section, shown) for section in found),
        opened and f"## To discuss\n\n{opened[1].strip()}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _all_text(found: list[Section]) -> str:
    return "\n\n".join(section.text for section in found)


def _about_run(lesson: Lesson, shown: Seen) -> str:
    if shown.day:
        return f"Truths and captions are those of the run of {shown.day}."
    return f"No run of this lesson is at hand, so truths are missing: `labkit run {lesson.number}`."


def _minutes(found: list[Section], shown: Seen) -> str:
    lines = ["| section | | minutes | exercises | predictions | to show |"]
    lines += ["| --- | --- | --: | --: | --: | --: |"]
    for section in found:
        kinds = [what for what, _ in section.tasks]
        number = sum(len(_to_show(cell, shown)) for cell in section.cells)
        numbers = [kinds.count("check"), kinds.count("guess"), number]
        cells = " | ".join(str(each or "") for each in numbers)
        must = "must" if section.must else f"may: {section.why_may}"
        minutes = f"{section.minutes:.0f}" if section.minutes >= 0.5 else "&lt;1"
        lines.append(f"| {section.title} | {must} | {minutes} | {cells} |")
    return "\n".join(lines)


def _section(lesson: Lesson, section: Section, shown: Seen) -> str:
    """Return what a section shows, asks and wants written, in its order; "" if nothing."""
    parts: list[str] = []
    own, stubs = catalog.exercises(lesson), catalog.stubs(lesson)
    for cell in section.cells:
        parts += [f"**Show.** {text}" for text in _to_show(cell, shown)]
        parts += [_prediction(each) for each in shown.predictions(cell)]
        parts += [
            _exercise(stubs[name], own[name])
            for name in catalog.checked(cell)
            if name in own and name in stubs
        ]
    if not parts:
        return ""
    must = "must" if section.must else "may"
    minutes = count(max(1, round(section.minutes)), "minute")
    return "\n\n".join([f"## {section.title} ({minutes}, {must})", *parts])


def _to_show(cell: dict, shown: Seen) -> list[str]:
    """Return a line on the explorer of a cell, or on each of its figures."""
    call = catalog.shown(cell)
    if "explorer" in tags(cell):
        captions = [figure.caption for figure in shown.figures(cell)]
        at_first = f" At first: {_line(captions[0])}" if captions else ""
        return [f"Explorer `{_line(call)}`.{at_first}"]
    found = [_line(figure.caption) for figure in shown.figures(cell)]
    if not shown.day and call:
        return [f"Figure `{call}`."]
    return [f"Figure: {caption}" for caption in found if caption]


def _line(text: str) -> str:
    return " ".join(text.split())


def _prediction(each: Prediction) -> str:
    lines = [f"**Predict** `{each.name}`. {each.question}"]
    if each.truth:
        lines.append(f"> **{each.truth}** {' '.join(each.reasons)}")
    told = [f"- *{label}*: {text}" if text else f"- *{label}*" for label, text in each.choices]
    return "\n\n".join([*lines, *(["\n".join(told)] if told else [])])


def _exercise(task: catalog.Task, exercise) -> str:
    """Return an exercise: stub, mistakes to expect, hint, solution."""
    table = ["| mistake to expect | what the check says |", "| --- | --- |"]
    table += [f"| {_cell(kind)} | {_cell(text)} |" for kind, (_, text) in exercise.mistakes.items()]
    parts = [f"**Exercise** `{task.name}`\n\n```python\n{task.stub}\n```"]
    parts += ["\n".join(table)] if exercise.mistakes else []
    parts += [f"*Hint.* {task.hint}"] if task.hint else []
    parts += [f"*A solution.*\n\n{task.solution}"] if task.solution else []
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


def to_html(text: str) -> str:
    """Return notes as a page that works without a network, and prints.

    Args:
        text: from `notes`.
    """
    return page(text.splitlines()[0].removeprefix("# "), html(text))


def write(
    out: str | os.PathLike,
    names: Sequence[str] = (),
    form: str = "html",
    folder: str | os.PathLike | None = None,
) -> list[Path]:
    """Write one file of notes for each lesson; return the files.

    Args:
        out: the folder; it is made.
        names: lessons; none means all.
        form: "html" or "md".
        folder: the results folder; default LABKIT_RUNS or `runs/`.

    Raises:
        ClassError: nothing can be written there.
        PlaceError: there is no such lesson.
    """
    chosen = [lessons.read(name) for name in names] or lessons.read_all()
    out = Path(out).expanduser().absolute()
    made = []
    for lesson in chosen:
        text = notes(lesson, folder)
        path = out / f"{lesson.name}.notes.{form}"
        try:
            out.mkdir(parents=True, exist_ok=True)
            files.write(path, to_html(text) if form == "html" else text)
        except OSError as error:
            raise ClassError(f"{path} cannot be written: {error.strerror or error}") from error
        made.append(path)
    return made
