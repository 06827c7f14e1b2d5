"""A plan of weeks: which sections in which week, in an order that the lessons allow.

Minutes are computed from the lessons (`lesson.minutes` has the rule), what comes before a lesson
is read from its first cell, and which sections may be left out stands in `may.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from labkit.lab import lesson as lessons
from labkit.lab.classroom.sections import BEGINNING, Section, sections
from labkit.lab.classroom.students import ClassError
from labkit.lab.lesson import Lesson

MINUTES = 90  # a week, where no other number is given
_NUMBERS = re.compile(r"\b\d\d\b")


@dataclass(frozen=True)
class Before:
    """What comes before a lesson: of each group in `needs` one lesson; `helps` may be missing."""

    needs: tuple[tuple[str, ...], ...] = ()
    helps: tuple[str, ...] = ()

    @property
    def all(self) -> list[str]:
        """Every lesson that is named, those needed first."""
        return [*(number for group in self.needs for number in group), *self.helps]


@dataclass
class Week:
    """The sections of one week."""

    number: int
    sections: list[Section] = field(default_factory=list)

    @property
    def minutes(self) -> float:
        """How long they take, not rounded."""
        return sum(section.minutes for section in self.sections)

    @property
    def lessons(self) -> list[str]:
        """The numbers of their lessons, in order."""
        return list(dict.fromkeys(section.lesson for section in self.sections))


@dataclass(frozen=True)
class Plan:
    """Weeks, and what found no place in them."""

    weeks: list[Week]
    minutes: int  # that a week has
    asked: list[Lesson]  # the lessons that were asked for, and what they need, in order
    left_out: list[Section]  # may sections of the lessons in the plan
    beyond: list[Lesson]  # lessons for which the weeks are too few

    @property
    def lessons(self) -> list[Lesson]:
        """The lessons that have a place, in order."""
        beyond = {lesson.number for lesson in self.beyond}
        return [lesson for lesson in self.asked if lesson.number not in beyond]


# --- what comes before what ---------------------------------------------------------------------


def before(text: str) -> Before:
    """Return what comes before a lesson, from the words of its first cell.

    What stands before the first semicolon is needed, what follows helps; of lessons joined by
    "or" one is enough.

    Args:
        text: `lesson.before`.

    >>> before("lesson 21 or 22; lesson 14 for section 8")
    Before(needs=(('21', '22'),), helps=('14',))
    >>> before("lessons 05, 10 and 11").needs
    (('05',), ('10',), ('11',))
    """
    needed, _, helping = text.partition(";")
    numbers = _NUMBERS.findall(needed)
    groups = (tuple(numbers),) if re.search(r"\bor\b", needed) else tuple((n,) for n in numbers)
    return Before(groups if numbers else (), tuple(_NUMBERS.findall(helping)))


def graph(every: Sequence[Lesson]) -> dict[str, Before]:
    """Return number -> what comes before it, of every lesson.

    >>> graph(lessons.read_all())["04"].needs
    (('01',),)
    """
    return {lesson.number: before(lesson.before) for lesson in every}


def with_needed(names: Sequence[str], edges: dict[str, Before]) -> list[str]:
    """Return lessons with all that they need, in an order in which each comes after that.

    Args:
        names: numbers of lessons.
        edges: from `graph`.

    Raises:
        ClassError: two lessons need each other.

    >>> with_needed(["04"], graph(lessons.read_all()))
    ['00', '01', '04']
    """
    found: list[str] = []
    for name in sorted(names):
        _add(name, edges, set(names), found, ())
    return found


def _add(name, edges, wanted: set[str], found: list[str], way: tuple[str, ...]) -> None:
    if name in way:
        raise ClassError(f"lessons need each other: {' <- '.join([*way[way.index(name) :], name])}")
    if name in found or name not in edges:
        return
    for group in edges[name].needs:
        known = [each for each in group if each in found or each in wanted]
        for each in known or group[:1]:
            _add(each, edges, wanted, found, (*way, name))
    for each in edges[name].helps:  # before it, where the class has both
        if each in wanted and each not in way:
            _add(each, edges, wanted, found, (*way, name))
    found.append(name)


# --- the weeks ----------------------------------------------------------------------------------


def plan(weeks: int, minutes: int = MINUTES, names: Sequence[str] = ()) -> Plan:
    """Return a plan: as many lessons as fit, first with what must be, then with what may be.

    Lessons come in an order in which each has what it needs before it. They are taken in this
    order for as long as all their must sections fit. May sections of the same lessons fill what is
    left. Weeks are filled evenly, and no section is torn, so one that is longer than a week has a
    week of its own.

    Args:
        weeks: how many.
        minutes: that a class works on lessons in a week, at home included.
        names: numbers of lessons; what they need is added. None means all.

    Raises:
        ClassError: no weeks, or no minutes.
        PlaceError: there is no such lesson.

    >>> found = plan(8)
    >>> len(found.weeks), found.lessons[0].number
    (8, '00')
    """
    for what, value in (("weeks", weeks), ("minutes per week", minutes)):
        if value < 1:
            raise ClassError(f"{what} = {value}; give a number from 1 on")
    every = {lesson.number: lesson for lesson in lessons.read_all()}
    wanted = [lessons.read(name).number for name in names] or list(every)
    if unknown := [number for number in wanted if number not in every]:
        raise ClassError(f"{unknown[0]} is none of the lab's lessons; `labkit list` has them")
    order = with_needed(wanted, graph(list(every.values())))
    parts = [(every[number], sections(every[number])) for number in order]
    taken = _as_many(parts, weeks, minutes)
    chosen = {id(s) for _, found in parts[:taken] for s in found if s.must}
    within = [section for _, found in parts[:taken] for section in found]
    for section in within:  # what may be, in order, where there is room for it
        tried = chosen | {id(section)}
        if section.must or _packed([s for s in within if id(s) in tried], minutes, weeks) is None:
            continue
        chosen = tried
    filled = _evenly([section for section in within if id(section) in chosen], weeks, minutes)
    return Plan(
        weeks=[Week(n + 1, own) for n, own in enumerate(filled)],
        minutes=minutes,
        asked=[lesson for lesson, _ in parts],
        left_out=[section for section in within if id(section) not in chosen],
        beyond=[lesson for lesson, _ in parts[taken:]],
    )


def _as_many(parts: list[tuple[Lesson, list[Section]]], weeks: int, minutes: int) -> int:
    """Return how many lessons fit with their must sections, at least one."""
    must: list[Section] = []
    for taken, (_, found) in enumerate(parts):
        must += [section for section in found if section.must]
        if _packed(must, minutes, weeks) is None:
            return max(taken, 1)
    return len(parts)


def _packed(found: list[Section], minutes: float, weeks: int) -> list[list[Section]] | None:
    """Return sections put into weeks one after another, None if these are too few."""
    filled: list[list[Section]] = []
    used = 0.0
    for piece in _pieces(found):
        takes = sum(section.minutes for section in piece)
        if not filled or (used and used + takes > minutes):
            filled.append([])
            used = 0.0
        filled[-1] += piece
        used += takes
    return filled if len(filled) <= weeks else None


def _pieces(found: list[Section]) -> list[list[Section]]:
    """Return sections one by one; the beginning of a lesson goes with what follows it."""
    pieces: list[list[Section]] = []
    for section in found:
        before = pieces[-1][-1] if pieces else None
        if before and before.title == BEGINNING and before.lesson == section.lesson:
            pieces[-1].append(section)
        else:
            pieces.append([section])
    return pieces


def _evenly(found: list[Section], weeks: int, minutes: float) -> list[list[Section]]:
    """Return sections in weeks, the longest week as short as it can be."""
    low, high = 0.0, float(minutes)
    if _packed(found, high, weeks) is None:  # one lesson, longer than all the weeks
        high = sum(section.minutes for section in found)
    while high - low > 0.5:
        middle = (low + high) / 2
        low, high = (low, middle) if _packed(found, middle, weeks) is not None else (middle, high)
    filled = _packed(found, high, weeks) or []
    return filled + [[] for _ in range(weeks - len(filled))]
