"""A plan as it is read: Markdown, a page, a table for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from labkit.lab import lesson as lessons
from labkit.lab.classroom import graph
from labkit.lab.classroom import plan as plans
from labkit.lab.classroom.page import html, page
from labkit.lab.classroom.plan import Plan, Week
from labkit.lab.classroom.sections import Section, must_and_may
from labkit.lab.words import count

_RULE = (
    "Minutes are for one learner who reads, turns and writes: 150 words a minute, 3 seconds a line "
    "of code, 3 minutes an explorer, 5 minutes an exercise. They are computed from the lessons. "
    "Talking about it comes on top. Which sections *must* be and which *may* be left out is a "
    "judgment, with its reason in each case; cells of the latter are run all the same."
)
_GRAPH = "## What comes before what\n"


def to_markdown(plan: Plan) -> str:
    """Return a plan as Markdown.

    >>> to_markdown(plans.plan(1, 45)).splitlines()[0]
    '# 1 week of 45 minutes'
    """
    titles = {lesson.number: lesson.title for lesson in plan.asked}
    parts = [
        f"# {count(len(plan.weeks), 'week')} of {plan.minutes} minutes",
        f"{_told(plan)} {_RULE}",
        *(_week(week, titles) for week in plan.weeks),
    ]
    if left := plan.left_out:
        rows = [f"| {s.lesson} | {s.title} | {_minutes(s)} | {s.why_may} |" for s in left]
        head = "| lesson | section | minutes | why it may be left out |\n| --- | --- | --: | --- |"
        parts += ["## Left out, for want of time", "\n".join([head, *rows])]
    if plan.beyond:
        names = "\n".join(f"- {each.number} · {each.title}" for each in plan.beyond)
        parts += ["## No place in these weeks", names]
    parts += [_GRAPH.strip(), "\n".join(f"- {line}" for line in _graph_lines(plan))]
    return "\n\n".join(parts) + "\n"


def _told(plan: Plan) -> str:
    found = [section for week in plan.weeks for section in week.sections]
    must = sum(section.minutes for section in found if section.must)
    may = sum(section.minutes for section in found if not section.must)
    told = f"{count(len(plan.lessons), 'lesson')}: {must:.0f} minutes that must be"
    told += f", {may:.0f} that may be left out." if may else "."
    long = [week.number for week in plan.weeks if week.minutes > plan.minutes + 0.5]
    if long:
        weeks = ", ".join(map(str, long))
        told += f" **Week {weeks} takes longer than a week has**: no section is torn."
    return told


def _week(week: Week, titles: dict[str, str]) -> str:
    lines = [f"## Week {week.number}: {week.minutes:.0f} minutes"]
    if not week.sections:
        return f"{lines[0]}\n\nFree: for what took longer, for open questions, or a project."
    lines += ["", "| lesson | must | may | minutes | exercises | predictions |"]
    lines += ["| --- | --- | --- | --: | --: | --: |"]
    for number in week.lessons:
        own = [section for section in week.sections if section.lesson == number]
        must, may = ([s for s in own if s.must is wanted] for wanted in (True, False))
        checks, guesses = (sum(column) for column in zip(*map(_asked, own), strict=True))
        lines.append(
            f"| {number} {titles[number]} | {_listed(must)} | {_listed(may)} | "
            f"{sum(s.minutes for s in own):.0f} | {checks or ''} | {guesses or ''} |"
        )
    return "\n".join(lines)


def _listed(found: list[Section]) -> str:
    """Return sections with their minutes: 'Momentum: keep some speed (10)'."""
    return "; ".join(f"{section.title} ({_minutes(section)})" for section in found)


def _minutes(section: Section) -> str:
    return f"{section.minutes:.0f}" if section.minutes >= 0.5 else "&lt;1"


def _asked(section: Section) -> tuple[int, int]:
    kinds = [what for what, _ in section.tasks]
    return kinds.count("check"), kinds.count("guess")


def _must(section: Section) -> str:
    return "must" if section.must else "may"


def _graph_lines(plan: Plan) -> list[str]:
    return graph.told(plan.asked, plans.graph(plan.asked))


def to_svg(plan: Plan) -> str:
    """Return what comes before what among the lessons of a plan, as a picture."""
    return graph.svg(plan.asked, plans.graph(plan.asked))


def to_html(plan: Plan) -> str:
    """Return a plan as a page that works without a network, and prints."""
    text = to_markdown(plan)
    above, heading, below = text.partition(_GRAPH)
    drawn = f'<div class="wide" tabindex="0">{to_svg(plan)}</div>'
    told = f"<details><summary>The same in words</summary>{html(below)}</details>"
    return page(text.splitlines()[0][2:], html(above + heading) + drawn + told)


def to_csv(plan: Plan) -> str:
    """Return a plan as CSV, a row a section; those without a place come last, without a week.

    >>> to_csv(plans.plan(1, 45)).splitlines()[0]
    'week,lesson,title,section,must,minutes,exercises,predictions,why_may'
    """
    titles = {lesson.number: lesson.title for lesson in plan.asked}
    out = io.StringIO()
    names = ["week", "lesson", "title", "section", "must", "minutes", "exercises", "predictions"]
    table = csv.writer(out, lineterminator="\n")
    table.writerow([*names, "why_may"])
    placed = [(week.number, section) for week in plan.weeks for section in week.sections]
    for week, s in [*placed, *(("", section) for section in plan.left_out)]:
        row = [week, s.lesson, titles[s.lesson], s.title, _must(s), f"{s.minutes:.1f}", *_asked(s)]
        table.writerow([*row, s.why_may])
    return out.getvalue()


FORMS: dict[str, Callable[[Plan], str]] = {
    "md": to_markdown,
    "html": to_html,
    "csv": to_csv,
    "svg": to_svg,
}


def minutes_told() -> list[dict]:
    """Return every lesson with its minutes, as a table for reading has it.

    >>> minutes_told()[0]["lesson"]
    '00 Start here'
    """
    edges = plans.graph(every := lessons.read_all())
    return [
        {
            "lesson": f"{each.number} {each.title}",
            "must": round(must_and_may(each)[0]),
            "may": round(must_and_may(each)[1]),
            "before it": graph.before_told(edges[each.number]),
        }
        for each in every
    ]
