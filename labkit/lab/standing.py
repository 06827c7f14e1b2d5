"""What the lessons ask for, and how far a learner or a class is with it."""

import csv
import io
import json
import math
import re
from collections import Counter
from datetime import datetime
from itertools import pairwise
from typing import Any

from labkit.lab import lesson as lessons
from labkit.lab.lesson import Lesson, tags
from labkit.lab.words import show

CHECK = re.compile(r"\bexercise\.(\w+)\.(?:use|check)\(")  # in a check cell: the exercise
_PREDICT = re.compile(r"""\bpredict\(\s*["']\d\d["'],\s*["']([^"']+)["']""")


def tasks(lesson: Lesson) -> list[tuple[str, str]]:
    """Return what a lesson asks for, in its order: ("check", exercise) or ("guess", prediction).

    >>> ("check", "hat") in tasks(lessons.read("03"))
    True
    """
    found: dict[tuple[str, str], None] = {}
    for cell in lesson.content["cells"]:
        for tag, what, pattern in (("check", "check", CHECK), ("predict", "guess", _PREDICT)):
            if tag in tags(cell):
                found |= {(what, name): None for name in pattern.findall(cell["source"])}
    return list(found)


def standing(lesson: Lesson, lines: list[dict]) -> dict:
    """Return how far a learner is in one lesson.

    Args:
        lesson: which one.
        lines: all that this learner did, from `read`.

    Returns:
        status: "not begun", "begun", or "done" when all exercises are right and all predictions
        guessed or shown; exercises and predictions: [done, all]; runs: how many; last: when
        something was done, "" for never; items: see `item`.

    >>> line = {"at": "2026-11-28T09:00:00+00:00", "lesson": "03", "what": "check"}
    >>> found = standing(lessons.read("03"), [line | {"name": "hat", "kind": "right", "ok": True}])
    >>> found["status"], found["exercises"][0]
    ('begun', 1)
    """
    own = [line for line in lines if line["lesson"] == lesson.number]
    of_task = _grouped(own, "what", "name")
    items = [item(*task, of_task.get(task, [])) for task in tasks(lesson)]
    exercises = [each["done"] for each in items if each["what"] == "exercise"]
    predictions = [each["done"] for each in items if each["what"] == "prediction"]
    is_done = bool(items) and all(exercises) and all(predictions)
    return {
        "number": lesson.number,
        "status": "done" if is_done else "begun" if own else "not begun",
        "exercises": [sum(exercises), len(exercises)],
        "predictions": [sum(predictions), len(predictions)],
        "runs": len({line["name"] for line in own if line["what"] == "run"}),
        "last": max((line["at"] for line in own), default=""),
        "items": items,
    }


def item(what: str, name: str, lines: list[dict]) -> dict:
    """Return what became of one exercise or prediction.

    Args:
        what: "check" or "guess".
        name: of the exercise or prediction.
        lines: what a learner did in its lesson.

    Returns:
        A flat dict. tries counts up to the first right answer; mistakes is kind -> how often;
        guess and close are those of the first guess, None where the answer was just shown.
    """
    mine = [line for line in lines if (line["what"], line["name"]) == (what, name)]
    mine = [line for line in mine if line.get("kind") != "not tried"]
    mine = [line for before, line in pairwise([None, *mine]) if not _repeats(line, before)]
    right = [line.get("ok") is True for line in mine]
    tries = right.index(True) + 1 if True in right else len(mine)
    wrong = [str(line.get("kind", "other")) for line in mine if line.get("ok") is not True]
    first = mine[0] if mine else {}
    is_check = what == "check"
    return {
        "what": "exercise" if is_check else "prediction",
        "name": name,
        "done": any(right) if is_check else bool(mine),
        "tries": tries,
        "first_try_right": first.get("ok" if is_check else "close"),
        "mistakes": dict(Counter(wrong)) if is_check else {},
        "last_kind": str(mine[-1].get("kind", "")) if mine and is_check else "",
        "guess": first.get("guess"),
        "close": first.get("close"),
        "first": first.get("at", ""),
        "last": mine[-1]["at"] if mine else "",
    }


def _repeats(line: dict, before: dict | None) -> bool:
    """Return whether the same answer was checked once more, as when cells are run again."""
    facts = ("kind", "ok", "tries")
    return bool(before) and "tries" in line and all(line.get(f) == before.get(f) for f in facts)


def standings(lines: list[dict]) -> list[dict]:
    """Return `standing` of every lesson, in order; `next` is true for the one to go on with.

    That is the lesson begun and not done in which something was done last, else the first one
    that is not begun.

    >>> [each["number"] for each in standings([]) if each["next"]]
    ['00']
    """
    of_lesson = _grouped(lines, "lesson")
    every = lessons.read_all(lambda *skipped: None)
    found = [standing(lesson, of_lesson.get((lesson.number,), [])) for lesson in every]
    begun = [each for each in found if each["status"] == "begun"]
    new = [each["number"] for each in found if each["status"] == "not begun"]
    here = max(begun, key=lambda each: each["last"])["number"] if begun else (new or [None])[0]
    return [each | {"next": each["number"] == here} for each in found]


def rows(lines: list[dict]) -> list[dict]:
    """Return one flat row for each exercise and prediction of every lesson; see `item`.

    What was done in exercises that no lesson has any more comes last.

    >>> rows([])[0]["lesson"], rows([])[0]["done"]
    ('00', False)
    """
    found = [
        {"lesson": each["number"], **item} for each in standings(lines) for item in each["items"]
    ]
    known = {(row["lesson"], row["what"], row["name"]) for row in found}
    kinds = {"check": "exercise", "guess": "prediction"}
    for (lesson, what, name), own in _grouped(lines, "lesson", "what", "name").items():
        if what in kinds and (lesson, kinds[what], name) not in known:
            found.append({"lesson": lesson, **item(what, name, own)})
    return found


def _grouped(lines: list[dict], *facts: str) -> dict[tuple, list[dict]]:
    """Return the lines with the same facts together, in their order."""
    found: dict[tuple, list[dict]] = {}
    for line in lines:
        found.setdefault(tuple(line[fact] for fact in facts), []).append(line)
    return found


def mistakes(found: list[dict]) -> list[dict]:
    """Return which mistakes a class made, those of most learners first.

    Args:
        found: rows as `rows` returns them, each with its learner.

    >>> row = {"lesson": "01", "name": "update", "mistakes": {"sign": 2}}
    >>> mistakes([row | {"learner": "anna"}, row | {"learner": "bert"}])
    [{'learners': 2, 'lesson': '01', 'exercise': 'update', 'mistake': 'sign'}]
    """
    made = Counter((r["lesson"], r["name"], kind) for r in found for kind in r["mistakes"])
    return [
        {"learners": number, "lesson": lesson, "exercise": name, "mistake": kind}
        for (lesson, name, kind), number in sorted(made.items(), key=lambda one: (-one[1], one[0]))
    ]


def stuck(found: list[dict]) -> list[dict]:
    """Return which learners tried an exercise three times or more, and have it not right yet.

    Args:
        found: rows as `rows` returns them, each with its learner.

    >>> row = {"learner": "anna", "lesson": "01", "name": "update", "what": "exercise"}
    >>> stuck([row | {"done": False, "tries": 4, "last_kind": "sign"}])
    [{'not right yet': 'anna', 'lesson': '01', 'exercise': 'update', 'tries': 4, 'last': 'sign'}]
    """
    return [
        {
            "not right yet": row["learner"],
            "lesson": row["lesson"],
            "exercise": row["name"],
            "tries": row["tries"],
            "last": row["last_kind"],
        }
        for row in sorted(found, key=lambda row: (row["lesson"], -row["tries"]))
        if row["what"] == "exercise" and not row["done"] and row["tries"] >= 3
    ]


def surprises(found: list[dict]) -> list[dict]:
    """Return how many first guesses were close, those predictions first that surprised most.

    Args:
        found: rows as `rows` returns them, of all learners.

    >>> row = {"lesson": "01", "name": "limit", "what": "prediction", "guess": 1.0}
    >>> surprises([row | {"close": False}, row | {"close": True}])
    [{'close': '1 of 2', 'lesson': '01', 'prediction': 'limit'}]
    """
    guesses: dict[tuple[str, str], list[bool]] = {}
    for row in found:
        if row["what"] == "prediction" and row["guess"] is not None:
            guesses.setdefault((row["lesson"], row["name"]), []).append(row["close"] is True)
    most = sorted(
        guesses.items(), key=lambda one: (sum(one[1]) / len(one[1]), -len(one[1]), one[0])
    )
    return [
        {"close": f"{sum(close)} of {len(close)}", "lesson": lesson, "prediction": name}
        for (lesson, name), close in most
    ]


# --- how it reads -------------------------------------------------------------------------------


def lessons_told(lines: list[dict]) -> list[dict]:
    """Return every lesson and how far a learner is in it, as a table for reading has it.

    >>> lessons_told([])[0]["lesson"], lessons_told([])[0]["status"]
    ('00 Start here', 'not begun')
    """
    titles = {each.number: each.title for each in lessons.read_all(lambda *skipped: None)}
    return [
        {
            "lesson": f"{each['number']} {titles[each['number']]}",
            "status": each["status"],
            "exercises": _of(each["exercises"]),
            "predictions": _of(each["predictions"]),
            "runs": each["runs"] or "",
            "last": _day(each["last"]),
        }
        for each in standings(lines)
    ]


def items_told(found: list[dict]) -> list[dict]:
    """Return what became of exercises and predictions, as a table for reading has it.

    Args:
        found: rows as `rows` returns them.

    >>> row = {"what": "exercise", "name": "hat", "done": False, "tries": 3, "last": "2026-11-28"}
    >>> items_told([row | {"mistakes": {"sign": 2, "error": 1}}])[0]["mistakes, or guess"]
    'sign (2 times), error'
    """
    return [
        {
            "what": row["what"],
            "name": row["name"],
            "state": _state(row),
            "tries": row["tries"] or "",
            "mistakes, or guess": _made(row),
            "last": _day(row["last"]),
        }
        for row in found
    ]


def class_told(learners: dict[str, list[dict]], number: str | None = None) -> list[dict]:
    """Return who has done what, a row a learner and a column a lesson that anyone has begun.

    Args:
        learners: name -> lines, from `progress.read_class`.
        number: of the only lesson to tell of.

    >>> line = {"at": "2026", "lesson": "00", "what": "run", "name": "a"}
    >>> class_told({"anna": [line], "bert": []})[1]
    {'learner': 'bert', '00': ''}
    """
    own = {name: standings(lines) for name, lines in learners.items()}
    begun = {e["number"] for every in own.values() for e in every if e["status"] != "not begun"}
    shown = begun & ({number} if number else begun)
    return [
        {"learner": name} | {e["number"]: _share(e) for e in every if e["number"] in shown}
        for name, every in own.items()
    ]


def _share(standing: dict) -> str:
    if standing["status"] != "begun":
        return "" if standing["status"] == "not begun" else "done"
    both = (standing["exercises"], standing["predictions"])
    return f"{sum(done for done, _ in both)} of {sum(every for _, every in both)}"


def _of(counted: list[int]) -> str:
    return f"{counted[0]} of {counted[1]}" if counted[1] else ""


def _state(row: dict) -> str:
    if row["what"] == "prediction":
        shown = "shown" if row["guess"] is None else "guessed"
        return shown if row["done"] else "not guessed"
    return "right" if row["done"] else "not right yet" if row["tries"] else "not tried"


def _made(row: dict) -> str:
    if row["what"] == "prediction":
        close = {True: ", close", False: ", not close"}.get(row["close"], "")
        guess = "a curve" if isinstance(row["guess"], list) else show(row["guess"])
        return "" if row["guess"] is None else f"{guess}{close}"
    each = row["mistakes"].items()
    return ", ".join(kind if times == 1 else f"{kind} ({times} times)" for kind, times in each)


def _day(at: str) -> str:
    """Return the local day of a time, "" for what is none."""
    try:
        return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d}"
    except ValueError:
        return ""


# --- for other programs -------------------------------------------------------------------------


def to_csv(found: list[dict]) -> str:
    """Return rows as CSV, the kinds of mistakes in one cell.

    >>> to_csv(rows([])).splitlines()[0]
    'lesson,what,name,done,tries,first_try_right,mistakes,guess,close,first,last'
    """
    out = io.StringIO()
    names = [name for name in (found[0] if found else {}) if name != "last_kind"]
    table = csv.DictWriter(out, names, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for row in found:
        guess = row["guess"]
        guess = json.dumps(guess, ensure_ascii=False) if isinstance(guess, list | dict) else guess
        table.writerow(row | {"mistakes": "; ".join(row["mistakes"]), "guess": guess})
    return out.getvalue()


def to_json(found: list[dict]) -> str:
    """Return rows as JSON, the mistakes as kind -> how often; infinite numbers are texts.

    >>> json.loads(to_json(rows([])))[0]["mistakes"]
    {}
    """
    kept = [{name: row[name] for name in row if name != "last_kind"} for row in found]
    return json.dumps(_finite(kept), indent=1, ensure_ascii=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value
