"""What a class did, as a page and as tables: who is where, mistakes, guesses against truth.

It reads the progress files that learners handed in, and sends nothing anywhere.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from labkit.lab import files, progress, standing
from labkit.lab import lesson as lessons
from labkit.lab.classroom import catalog, guesses
from labkit.lab.classroom.page import page, templates
from labkit.lab.classroom.students import ClassError
from labkit.lab.words import count, cut, one_line

PAGE = "index.html"
OUT = "class-report"
_LONGEST = 200  # letters of a name or a kind that are shown
_RISKY = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes what begins so for a formula


@dataclass(frozen=True)
class Class:
    """What was read of a class."""

    learners: dict[str, list[dict]]  # name -> lines, oldest first
    problems: list[str]  # what could not be read, a sentence each


@dataclass(frozen=True)
class Report:
    """What was written."""

    page: Path
    files: list[Path]
    found: Class


# --- reading ------------------------------------------------------------------------------------


def read(folder: str | os.PathLike) -> Class:
    """Return what can be read of a class; nothing that is broken keeps the rest away.

    Args:
        folder: of each learner it holds NAME/progress.jsonl, NAME/learner/progress.jsonl or
            NAME.jsonl.

    Raises:
        ClassError: there is no such folder, or nothing of any learner in it.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise ClassError(f"There is no folder {folder} to read a class from.")
    problems: list[str] = []
    try:
        found = progress.read_class(folder, problems.append)
        problems += _broken(folder)
    except OSError as error:
        raise ClassError(f"{folder} cannot be read: {error.strerror or error}") from error
    if not found:
        told = " ".join(problems[:3])
        raise ClassError(f"Nothing of any learner could be read in {folder}. {told}".strip())
    return Class({name: _once(lines) for name, lines in found.items()}, problems)


def _once(lines: list[dict]) -> list[dict]:
    """Return lines without those that were handed in twice, such as in two files."""
    seen: dict[str, dict] = {}
    for line in lines:
        seen.setdefault(repr(sorted(line.items())), line)
    return list(seen.values())


def _broken(folder: Path) -> list[str]:
    """Return a sentence on each file in which lines had to be left out."""
    told = []
    patterns = ("*.jsonl", f"*/{progress.FILE}", f"*/learner/{progress.FILE}")
    for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
        try:
            whole = len(progress.read_file(path))
            text = path.read_text(encoding="utf-8-sig", errors="replace")
        except OSError:
            continue  # `read_class` has told it
        lost = sum(bool(line.strip()) for line in text.split("\n")) - whole
        if whole and lost:
            told.append(f"{path.relative_to(folder)}: {count(lost, 'line')} left out as broken.")
    return told


# --- what is told -------------------------------------------------------------------------------


def exercises(found: Class) -> list[dict]:
    """Return every exercise that anyone tried, with the mistakes made in it.

    Returns:
        Dicts of lesson, name, tried, right, first (learners who had it right at once), tries (of
        all together), and mistakes: (kind, learners, times, what the check says), most first.
    """
    rows = [row | {"learner": n} for n, own in found.learners.items() for row in standing.rows(own)]
    grouped: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        if row["what"] == "exercise" and row["tries"]:
            grouped.setdefault((row["lesson"], row["name"]), []).append(row)
    order = _order("check")
    names = sorted(grouped, key=lambda name: (name[0], order.get(name, len(order)), name))
    return [_exercise(*name, grouped[name]) for name in names]


def _order(what: str) -> dict[tuple[str, str], int]:
    """Return (lesson, name) -> place of all exercises ("check") or predictions ("guess")."""
    every = lessons.read_all(lambda *skipped: None)
    found = [(x.number, name) for x in every for kind, name in standing.tasks(x) if kind == what]
    return {name: place for place, name in enumerate(found)}


def _exercise(lesson: str, name: str, rows: list[dict]) -> dict:
    learners: Counter = Counter(kind for row in rows for kind in row["mistakes"])
    times: Counter = Counter()
    for row in rows:
        times.update(row["mistakes"])
    said = _said(lesson, name) if learners else {}
    return {
        "lesson": lesson,
        "name": name,
        "tried": len(rows),
        "right": sum(row["done"] for row in rows),
        "first": sum(row["first_try_right"] is True for row in rows),
        "tries": sum(row["tries"] for row in rows),
        "mistakes": [
            (kind, number, times[kind], said.get(kind, ""))
            for kind, number in sorted(learners.items(), key=lambda one: (-one[1], one[0]))
        ],
    }


def _said(lesson: str, name: str) -> dict[str, str]:
    """Return kind -> what the check says about it, of the mistakes that are planned for."""
    try:
        found = catalog.exercises(lessons.read(lesson)).get(name)
    except (OSError, ValueError, ImportError):  # a lesson of another lab, or without its framework
        return {}
    return {kind: text for kind, (_, text) in found.mistakes.items()} if found else {}


def learners(found: Class) -> list[dict]:
    """Return who is where: a row a learner and lesson that he or she has begun."""
    return [
        {
            "learner": name,
            "lesson": each["number"],
            "status": each["status"],
            "exercises_right": each["exercises"][0],
            "exercises": each["exercises"][1],
            "predictions_made": each["predictions"][0],
            "predictions": each["predictions"][1],
            "runs": each["runs"],
            "last": each["last"],
        }
        for name, lines in found.learners.items()
        for each in standing.standings(lines)
        if each["status"] != "not begun"
    ]


# --- writing ------------------------------------------------------------------------------------


def write(folder: str | os.PathLike, out: str | os.PathLike | None = None) -> Report:
    """Read a class and write a page and four tables (CSV) about it.

    Args:
        folder: of the class, see `read`.
        out: where to; it is made, for nobody else to read. Default: `class-report` here.

    Raises:
        ClassError: nothing could be read, or nothing can be written.
    """
    found = read(folder)
    out = Path(out or OUT).expanduser().absolute()
    inside = Path(folder).expanduser().resolve()
    if out.resolve() == inside or inside in out.resolve().parents:
        raise ClassError(
            f"{out} lies in {folder}, where it would be read as a learner; name another."
        )
    made_guesses = guesses.first_guesses(found.learners)
    tables = {
        "learners.csv": learners(found),
        "items.csv": _items(found),
        "mistakes.csv": _mistakes(found),
        "guesses.csv": [row | {"guess": guesses.told(row["guess"]),
                               "answer": guesses.told(row["answer"])} for row in made_guesses],
    }  # fmt: skip
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, rows in tables.items():
            files.write(out / name, to_csv(rows))
        files.write(out / PAGE, to_html(found))
    except OSError as error:
        raise ClassError(f"{out} cannot be written: {error.strerror or error}") from error
    return Report(out / PAGE, [out / name for name in tables], found)


def _items(found: Class) -> list[dict]:
    return [
        {"learner": name}
        | {key: row[key] for key in ("lesson", "what", "name", "done", "tries", "last")}
        | {"mistakes": "; ".join(row["mistakes"])}
        for name, lines in found.learners.items()
        for row in standing.rows(lines)
        if row["last"]
    ]


def _mistakes(found: Class) -> list[dict]:
    return [
        {
            "lesson": each["lesson"],
            "exercise": each["name"],
            "mistake": kind,
            "learners": number,
            "times": times,
            "tried": each["tried"],
            "right": each["right"],
        }
        for each in exercises(found)
        for kind, number, times, _ in each["mistakes"]
    ]


def to_csv(rows: list[dict]) -> str:
    r"""Return rows as CSV; a text that a spreadsheet would take for a formula gets a quote mark.

    >>> to_csv([{"learner": "=1+1"}])
    "learner\n'=1+1\n"
    """
    out = io.StringIO()
    table = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
    table.writeheader()
    table.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _harmless(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(_RISKY):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def to_html(found: Class) -> str:
    """Return what a class did as a page: nothing in it comes from elsewhere."""
    own = {name: standing.standings(lines) for name, lines in found.learners.items()}
    begun = [
        lesson
        for lesson in lessons.read_all(lambda *skipped: None)
        if any(_of(every, lesson.number)["status"] != "not begun" for every in own.values())
    ]
    rows = [row | {"learner": n} for n, own in found.learners.items() for row in standing.rows(own)]
    body = templates().get_template("report.html.j2").render(
        learners=[(_short(name), _cells(every, begun)) for name, every in own.items()],
        lessons=begun,
        number=len(own),
        lines=sum(map(len, found.learners.values())),
        stuck=[{k: _short(v) for k, v in row.items()} for row in standing.stuck(rows)],
        exercises=exercises(found),
        predictions=_predictions(found),
        problems=list(map(_short, found.problems)),
        short=_short,
        count=count,
    )  # fmt: skip
    return page("What the class did", Markup(body))


def _predictions(found: Class) -> list[guesses.Prediction]:
    order = _order("guess")
    return sorted(
        guesses.predictions(guesses.first_guesses(found.learners)),
        key=lambda one: (one.lesson, order.get((one.lesson, one.name), len(order)), one.name),
    )


def _of(every: Sequence[dict], number: str) -> dict:
    return next(each for each in every if each["number"] == number)


def _cells(every: Sequence[dict], begun: list) -> list[tuple[str, str]]:
    """Return (status, words) of a learner for each lesson, and where he or she goes on."""
    cells = [(each["status"], _share(each)) for each in (_of(every, x.number) for x in begun)]
    here = next((each["number"] for each in every if each["next"]), "all done")
    last = max((each["last"] for each in every), default="")
    return [*cells, ("", here), ("", standing._day(last))]


def _share(each: dict) -> str:
    if each["status"] != "begun":
        return {"not begun": "", "done": "done"}[each["status"]]
    both = (each["exercises"], each["predictions"])
    return f"{sum(done for done, _ in both)} of {sum(every for _, every in both)}"


def _short(text: Any) -> str:
    return cut(one_line(str(text)), _LONGEST)
