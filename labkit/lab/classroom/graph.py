"""The graph of what comes before what, as a picture and as text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from labkit.lab.classroom.plan import Before
from labkit.lab.lesson import Lesson
from labkit.lab.words import cut

_WIDTH, _HEIGHT = 140, 40  # of a box
_ACROSS, _DOWN = 176, 54  # from box to box
_MARGIN = 8


def told(every: Sequence[Lesson], edges: dict[str, Before]) -> list[str]:
    """Return a line for each lesson: its number, its title and what comes before it.

    >>> from labkit.lab import lesson as lessons
    >>> from labkit.lab.classroom.plan import graph
    >>> every = lessons.read_all()[:2]
    >>> told(every, graph(every))[1]
    '01 · Gradient descent: 00'
    """
    return [
        f"{lesson.number} · {lesson.title}: {before_told(edges[lesson.number])}" for lesson in every
    ]


def before_told(before: Before) -> str:
    """Return what comes before a lesson: "01 (02 helps)"; "nothing" where nothing does.

    >>> before_told(Before((("21", "22"),), ("14",)))
    '21 or 22 (14 helps)'
    """
    needed = ", ".join(" or ".join(group) for group in before.needs) or "nothing"
    verb = "helps" if len(before.helps) == 1 else "help"
    return f"{needed} ({', '.join(before.helps)} {verb})" if before.helps else needed


def layers(edges: dict[str, Before]) -> dict[str, int]:
    """Return number -> how many lessons lie at least before it, one after another.

    >>> layers({"00": Before(), "01": Before((("00",),)), "02": Before((("00",), ("01",)))})
    {'00': 0, '01': 1, '02': 2}
    """
    found: dict[str, int] = {}
    while len(found) < len(edges):
        ready = {
            number: before
            for number, before in edges.items()
            if number not in found
            and all(each in found or each not in edges for each in before.all)
        }
        if not ready:  # a circle; `plan` names it
            ready = {number: edges[number] for number in edges if number not in found}
        for number, before in ready.items():
            found[number] = 1 + max((found.get(each, -1) for each in before.all), default=-1)
    return found


def svg(every: Sequence[Lesson], edges: dict[str, Before]) -> str:
    """Return the graph as SVG in the colors of the page around it.

    Arrows lead from a lesson to those that need it; dashed ones where it only helps. An arrow that
    follows from others is not drawn.

    Args:
        every: the lessons that are drawn.
        edges: from `plan.graph`.
    """
    shown = {lesson.number: lesson for lesson in every}
    own = {number: edges[number] for number in shown}
    places = _places(own)
    width = max((x for x, _ in places.values()), default=0) + _WIDTH + _MARGIN
    height = max((y for _, y in places.values()), default=0) + _HEIGHT + _MARGIN
    lines = [
        _arrow(places[each], places[number], each in before.helps)
        for number, before in own.items()
        for each in before.all
        if each in places and not _implied(each, number, own)
    ]
    boxes = [_box(shown[number], *place) for number, place in places.items()]
    words = ". ".join(told(every, own))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" class="graph" font-family="system-ui, sans-serif">'
        f"<title>What comes before each lesson</title><desc>{escape(words)}</desc>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="currentColor"/></marker>'
        f"</defs>{''.join(lines)}{''.join(boxes)}</svg>"
    )


def _implied(each: str, number: str, edges: dict[str, Before]) -> bool:
    """Return whether another lesson that is needed needs this one already."""
    others = [group[0] for group in edges[number].needs if len(group) == 1 and group[0] != each]
    return any(each in _all_before(other, edges) for other in others)


def _all_before(number: str, edges: dict[str, Before]) -> set[str]:
    """Return the lessons that are needed before a lesson, near and far."""
    found: set[str] = set()
    waiting = [number]
    while waiting:
        needs = edges.get(waiting.pop(), Before()).needs
        new = {group[0] for group in needs if len(group) == 1} - found
        found |= new
        waiting += new
    return found


def _places(edges: dict[str, Before]) -> dict[str, tuple[float, float]]:
    """Return number -> left upper corner; in a layer, lessons stand near what they need."""
    depth = layers(edges)
    rows: dict[str, float] = {}
    for layer in range(max(depth.values(), default=-1) + 1):
        own = [number for number in edges if depth[number] == layer]
        near = {number: _near(edges[number], rows) for number in own}
        taken = -1.0
        for number in sorted(own, key=lambda number: (near[number], number)):
            rows[number] = taken = max(taken + 1, near[number])
    least = min(rows.values(), default=0)
    return {
        number: (_MARGIN + _ACROSS * depth[number], _MARGIN + _DOWN * (row - least))
        for number, row in rows.items()
    }


def _near(before: Before, rows: dict[str, float]) -> float:
    """Return the mean row of what comes before a lesson."""
    found = [rows[each] for each in before.all if each in rows]
    return round(sum(found) / len(found)) if found else 0


def _box(lesson: Lesson, x: float, y: float) -> str:
    return (
        f'<g><rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" '
        'fill="Canvas" stroke="currentColor"/>'
        f'<text x="{x + 9}" y="{y + 17}" font-size="13" font-weight="600" fill="currentColor">'
        f'{lesson.number}</text><text x="{x + 9}" y="{y + 32}" font-size="11.5" '
        f'fill="currentColor">{escape(cut(lesson.title, 20))}</text></g>'
    )


def _arrow(start: tuple[float, float], end: tuple[float, float], helps: bool) -> str:
    x, y = start[0] + _WIDTH, start[1] + _HEIGHT / 2
    right, down = end[0], end[1] + _HEIGHT / 2
    bend = max(24, (right - x) / 2)
    dashes = ' stroke-dasharray="4 4"' if helps else ""
    return (
        f'<path d="M{x} {y}C{x + bend} {y} {right - bend} {down} {right} {down}" fill="none" '
        f'stroke="currentColor" stroke-opacity="0.55"{dashes} marker-end="url(#tip)"/>'
    )
