"""A plan respects what comes before what, tears no section, and adds up to the lessons' minutes."""

import csv
import io
from xml.etree import ElementTree

import pytest
from helpers import call

from labkit.lab import lesson as lessons
from labkit.lab.classroom import graph, schedule
from labkit.lab.classroom import plan as plans
from labkit.lab.classroom.may import EVERYWHERE, MAY
from labkit.lab.classroom.plan import Before, before
from labkit.lab.classroom.sections import must_and_may, sections
from labkit.lab.classroom.students import ClassError
from labkit.lab.lesson import exact_minutes

LESSONS = lessons.read_all()
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
SETTINGS = [(8, 90), (15, 90), (8, 45), (15, 180), (1, 10), (30, 60)]


@each_lesson
def test_minutes_of_sections_add_up_to_those_of_the_lesson(lesson):
    total = sum(section.minutes for section in sections(lesson))
    # Words that stand on both sides of a cut are counted once, so only rounding can part them.
    assert total == pytest.approx(exact_minutes(lesson.content["cells"]), abs=0.1)
    assert abs(total - lesson.minutes) <= 2.6
    assert sum(must_and_may(lesson)) == pytest.approx(total)


@each_lesson
def test_sections_hold_every_task_and_every_code_cell_once(lesson):
    found = sections(lesson)
    code = [c["id"] for s in found for c in s.cells if c["cell_type"] == "code"]
    assert code == [c["id"] for c in lesson.content["cells"] if c["cell_type"] == "code"]
    asked = [task for section in found for task in section.tasks]
    assert len(asked) == len(set(asked)) >= 4


@each_lesson
def test_what_may_be_left_out_names_sections_that_are_there(lesson):
    titles = {section.title for section in sections(lesson)}
    assert set(MAY.get(lesson.number, {})) <= titles
    assert titles & set(EVERYWHERE)
    must, may = must_and_may(lesson)
    assert must > may > 0


def test_what_may_be_left_out_names_lessons_that_are_there():
    assert set(MAY) == {lesson.number for lesson in LESSONS}


@pytest.mark.parametrize(
    ("text", "needs", "helps"),
    [
        ("nothing", (), ()),
        ("lesson 00", (("00",),), ()),
        ("lesson 01; lessons 02 and 03 help", (("01",),), ("02", "03")),
        ("lessons 05, 10 and 11", (("05",), ("10",), ("11",)), ()),
        ("lesson 21 or 22; lesson 14 for section 8", (("21", "22"),), ("14",)),
    ],
)
def test_what_comes_before_is_read_from_the_lessons_words(text, needs, helps):
    assert before(text) == Before(needs, helps)


@pytest.mark.parametrize(("weeks", "minutes"), SETTINGS)
def test_each_lesson_comes_after_what_it_needs(weeks, minutes):
    found = plans.plan(weeks, minutes)
    edges, seen = plans.graph(LESSONS), []
    for section in (s for week in found.weeks for s in week.sections):
        if section.lesson not in seen:
            seen.append(section.lesson)
            for group in edges[section.lesson].needs:
                assert set(group) & set(seen), (section.lesson, group)
    assert [lesson.number for lesson in found.lessons] == seen
    beyond = {lesson.number for lesson in found.beyond}
    assert beyond | set(seen) == {lesson.number for lesson in LESSONS}
    assert not beyond & set(seen)


@pytest.mark.parametrize(("weeks", "minutes"), SETTINGS)
def test_no_week_is_longer_than_a_week_unless_no_section_can_be_torn(weeks, minutes):
    found = plans.plan(weeks, minutes)
    assert len(found.weeks) == weeks
    total = sum(week.minutes for week in found.weeks)
    if len(found.lessons) > 1:
        assert total <= weeks * minutes
        for week in found.weeks:
            titles = [s.title for s in week.sections if s.title != "Beginning"]
            assert week.minutes <= minutes + 1 or len(titles) == 1


@pytest.mark.parametrize(("weeks", "minutes"), SETTINGS)
def test_all_that_must_be_is_in_and_sections_keep_their_order(weeks, minutes):
    found = plans.plan(weeks, minutes)
    placed = [section for week in found.weeks for section in week.sections]
    left = {(s.lesson, s.title) for s in found.left_out}
    wanted = [s for x in found.lessons for s in sections(x) if (s.lesson, s.title) not in left]
    assert [(s.lesson, s.title) for s in placed] == [(s.lesson, s.title) for s in wanted]
    assert all(section.why_may for section in found.left_out)


def test_more_weeks_bring_more():
    few, more = plans.plan(8), plans.plan(15)
    assert len(few.lessons) < len(more.lessons)
    assert few.beyond


def test_lessons_that_are_named_bring_what_they_need():
    found = plans.plan(12, 90, ["14"])
    assert [lesson.number for lesson in found.lessons][-1] == "14"
    assert {"00", "01", "04", "10", "11", "13"} <= {lesson.number for lesson in found.lessons}
    assert "25" not in {lesson.number for lesson in found.asked}


def test_of_two_lessons_that_will_do_one_is_enough():
    edges = plans.graph(LESSONS)
    assert "22" not in plans.with_needed(["23"], edges)
    assert "21" not in plans.with_needed(["22", "23"], edges)


def test_lessons_that_need_each_other_are_refused():
    edges = {"01": Before((("02",),)), "02": Before((("01",),))}
    with pytest.raises(ClassError, match="need each other: 01 <- 02 <- 01"):
        plans.with_needed(["01"], edges)


@pytest.mark.parametrize("words", [["--weeks", 0], ["--minutes-per-week", -5]])
def test_a_plan_of_nothing_is_refused(words):
    told = call("class", "plan", *words, code=2).stderr
    assert "give a number from 1 on" in told


def test_the_table_has_a_row_a_section(tmp_path):
    rows = list(csv.DictReader(io.StringIO(call("class", "plan", "--format", "csv").stdout)))
    found = plans.plan(8)
    placed = [section for week in found.weeks for section in week.sections]
    assert len(rows) == len(placed) + len(found.left_out)
    assert [row["section"] for row in rows[: len(placed)]] == [s.title for s in placed]
    assert sum(float(row["minutes"]) for row in rows if row["week"]) == pytest.approx(
        sum(s.minutes for s in placed), abs=0.05 * len(placed)
    )


def test_the_page_asks_nobody_and_has_the_graph(tmp_path):
    call("class", "plan", "--format", "html", "--out", tmp_path / "plan.html")
    text = (tmp_path / "plan.html").read_text(encoding="utf-8")
    assert "<svg" in text
    assert "<script" not in text
    assert "://" not in text.replace("http://www.w3.org", "")
    assert text.count("<h2>Week ") == 8


def test_the_graph_draws_each_lesson_and_says_it_in_words():
    edges = plans.graph(LESSONS)
    drawn = ElementTree.fromstring(graph.svg(LESSONS, edges))
    boxes = [node for node in drawn.iter() if node.tag.endswith("rect")]
    assert len(boxes) == len(LESSONS)
    spots = {(box.get("x"), box.get("y")) for box in boxes}
    assert len(spots) == len(boxes)
    words = next(node.text for node in drawn.iter() if node.tag.endswith("desc"))
    assert all(f"{lesson.number} · {lesson.title}" in words for lesson in LESSONS)


def test_arrows_lead_from_left_to_right():
    depth = graph.layers(edges := plans.graph(LESSONS))
    for number, found in edges.items():
        assert all(depth[each] < depth[number] for each in found.all)


def test_the_markdown_names_what_found_no_place():
    text = schedule.to_markdown(plans.plan(8))
    assert "## No place in these weeks" in text
    assert "## Left out, for want of time" in text
    assert text.count("## Week ") == 8
