"""Lesson 90 on what a learner wrote, its families of errors, and its links."""

import re

import nbformat
import pytest
from lesson_code import names_after

from labkit.lab import places
from labkit.learn.claims import read_ledger
from labkit.learn.shown import where_shown

LESSON = places.lesson_files()["90"]
CELLS = {cell.id: cell for cell in nbformat.read(LESSON, as_version=4).cells}
LEDGER = {row["id"]: row for row in read_ledger()}

LEARNED = {
    "exercise_judge": 'my_verdicts = {"A": "Holds", "B": "wrong", "C": "underspecified"}',
    "exercise_slip": """
def my_trusted(lines):
    good = [f"{v:.{len(p.partition('.')[2])}f}" == p for v, p in lines]
    asked.append(len(good))
    return [*good, False].index(False)
asked = []
""",
    "exercise_rule": """
def my_rule(with_it, without):
    gain = with_it - without
    seen.append(len(gain))
    return "holds" if gain.min() > 0 else "wrong" if gain.max() < 0 else "open"
seen = []
""",
}
# What a process of its own computes is tried in tests/learn/test_recomputing.py.
WITHOUT_RUNS = {"again": "class Row: ok = True\nrecomputed = [Row()]"}


@pytest.mark.slow
def test_the_lesson_runs_on_what_the_learner_wrote_and_with_other_draws():
    settings = 'draws, seed, again = 300, 7, "quick"'
    names = names_after("90", "expectations", parameters=settings, **LEARNED, **WITHOUT_RUNS)
    assert names["verdicts"] == ["holds", "wrong", "underspecified"]
    assert names["trusted"] is names["my_trusted"]
    assert names["rule"] is names["my_rule"]
    assert set(names["asked"]) >= {5, 2}
    assert names["lines"]["A2: gradient step"] == names["lines"]["A2: gradient step"][::-1]
    assert len(names["seen"]) > 600  # in the worlds, and on what was measured


@pytest.fixture(scope="module")
def families():
    namespace = {"ledger": __import__("pandas").DataFrame(LEDGER.values())}
    exec(CELLS["families"].source, namespace)
    return namespace["families"]


def test_the_same_error_is_the_same_verdict_in_several_articles(families):
    for name, ids in families.items():
        assert len({LEDGER[id]["article"] for id in ids}) > 1, name
        assert {LEDGER[id]["verdict"] for id in ids} <= {"wrong", "inconsistent"}, name
        assert all(id in where_shown() for id in ids)


def test_no_number_of_the_ledger_is_typed_into_the_text():
    text = "\n".join(c.source for c in CELLS.values() if c.cell_type == "markdown")
    text = text.replace("Of 324 statements", "")
    assert not re.findall(
        r"\b\d+ ?%(?! (interval|margin))", text.replace("95 %", "").replace("60 %", "")
    )
    assert "324" not in text


def test_every_row_of_the_lesson_is_shown_once_here():
    mine = {id for id, row in LEDGER.items() if row["lesson"] == "90"}
    assert mine == {id for id, shown in where_shown().items() if shown.lesson == "90"}
