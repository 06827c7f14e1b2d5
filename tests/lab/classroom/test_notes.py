"""Notes name every planned mistake, and have the truths of the latest run."""

import re

import pytest
from helpers import call

from labkit.lab import lesson as lessons
from labkit.lab.classroom import catalog, notes, seen
from labkit.lab.standing import tasks

LESSONS = lessons.read_all()
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
SHOWN = (
    '<section data-labkit-predict="01/limit" data-labkit-answered="true"><p><b>Predict.</b> How '
    "large &lt; 1?</p><p><b>Measured:</b> 0.25.</p><p>So it is.</p>"
    "<ul><li><b>a</b>: no</li><li><b>b</b></li></ul></section>"
)


@pytest.fixture
def runs(keep_run):
    """A results folder with one run of lesson 01 in which a figure and a prediction were shown."""
    figure = {"image/png": "aGk=", "text/plain": "A caption: <b>."}
    return keep_run([("predict-limit", {"text/html": SHOWN}), ("contraction-figure", figure)])


@each_lesson
def test_notes_name_each_planned_mistake_and_what_the_check_says(lesson):
    text = notes.notes(lesson, "no such folder")
    own = catalog.exercises(lesson)
    assert set(own) == {name for what, name in tasks(lesson) if what == "check"}
    planned = [(k, said) for each in own.values() for k, (_, said) in each.mistakes.items()]
    assert planned
    for kind, said in planned:
        assert f"| {notes._cell(kind)} | {notes._cell(said)} |" in text


@each_lesson
def test_notes_ask_the_question_and_each_prediction_and_give_solutions(lesson):
    text = notes.notes(lesson, "no such folder")
    assert lesson.question in text
    for what, name in tasks(lesson):
        word = "Exercise" if what == "check" else "Predict"
        assert f"**{word}** `{name}`" in text
    assert text.count("*A solution.*") == len(catalog.stubs(lesson))
    assert "truths are missing" in text


@each_lesson
def test_the_table_has_the_minutes_of_each_section(lesson):
    text = notes.notes(lesson, "no such folder")
    rows = re.findall(r"^\| .* \| (?:must|may: [^|]*) \| ([\d&lt;]+) \|", text, re.MULTILINE)
    total = sum(0 if "lt" in row else int(row) for row in rows)
    assert abs(total - lesson.minutes) <= 2.6 + len(rows) / 2


def test_truths_and_captions_come_from_the_latest_run(runs):
    text = notes.notes(lessons.read("01"), runs)
    assert "those of the run of 2026-11-28" in text
    assert "**Predict** `limit`. How large \\< 1?" in text
    assert "> **Measured: 0.25.** So it is." in text
    assert "- *a*: no\n- *b*" in text
    assert "Figure: A caption: \\<b>." in text
    page = notes.to_html(text)
    assert "How large &lt; 1?" in page
    assert "A caption: &lt;b&gt;." in page


def test_what_looks_like_markdown_stays_as_it_was_written():
    told = notes.html(notes._literal("mean((a - b) ** 2) + c[1]_d_ < `e` $f$ ** g"))
    assert told.strip() == "<p>mean((a - b) ** 2) + c[1]_d_ &lt; `e` $f$ ** g</p>"
    assert "<code>a_b_c</code> *d*" in notes.html(notes._with_code("`a_b_c` *d*"))


def test_a_run_that_failed_is_no_source(runs):
    record = next(runs.rglob("record.json"))
    record.write_text(record.read_text().replace('"finished"', '"failed"'), encoding="utf-8")
    assert seen.latest(lessons.read("01"), runs).day == ""


def test_one_page_a_lesson_is_written(tmp_path, runs):
    told = call("class", "notes", "01", "04", "--out", tmp_path / "notes", "--from", runs).stdout
    names = sorted(path.name for path in (tmp_path / "notes").iterdir())
    assert names == ["01_gradient_descent.notes.html", "04_backpropagation.notes.html"]
    assert len(told.splitlines()) == 2
    page = (tmp_path / "notes" / names[0]).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "://" not in page.replace("http://www.w3.org", "")


def test_markdown_is_written_where_it_is_asked_for(tmp_path):
    call("class", "notes", "01", "--format", "md", "--out", tmp_path)
    text = (tmp_path / "01_gradient_descent.notes.md").read_text(encoding="utf-8")
    assert text.startswith("# 01 · Gradient descent")
