"""How far a learner or a class is, by what the lessons ask for."""

import json
import re

import pytest

from labkit.lab import lesson as lessons
from labkit.lab import places, progress, standing


def line(what="check", name="update", lesson="98", at="2026-11-28T09:00:00+00:00", **facts):
    return {"at": at, "lesson": lesson, "what": what, "name": name, **facts}


def write(folder, *lines):
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(each) + "\n" for each in lines)
    (folder / progress.FILE).write_text(text, encoding="utf-8")


EXERCISE = ("exercise.update.check(1)\nexercise.stable_rate.use(2)", "check")
PREDICT = ('predict(\n    "98",\n    "steps-needed", "How many?")', "predict")


@pytest.fixture
def lesson(lab):
    return lessons.read(lab.lesson("exercise.no.check(0)", EXERCISE, PREDICT))


def test_tasks_are_read_from_the_cells_that_are_tagged(lesson):
    assert standing.tasks(lesson) == [
        ("check", "update"),
        ("check", "stable_rate"),
        ("guess", "steps-needed"),
    ]


def test_every_check_cell_of_the_labs_own_lessons_is_a_task():
    for path in places.lesson_files().values():
        found = lessons.read(path)
        cells = [c for c in found.content["cells"] if "check" in lessons.tags(c)]
        cells = [c for c in cells if re.search(r"\.(check|use)\(", c["source"])]
        assert len([t for t in standing.tasks(found) if t[0] == "check"]) >= len(cells) > 0


def test_tries_count_up_to_the_first_right_answer_and_mistakes_all_the_way(lesson):
    lines = [
        line(kind="not tried", ok=False, at="2026-11-28T09:00:00+00:00"),
        line(kind="sign", ok=False, at="2026-11-28T09:01:00+00:00"),
        line(kind="sign", ok=False, at="2026-11-28T09:02:00+00:00"),
        line(kind="right", ok=True, at="2026-11-28T09:03:00+00:00"),
        line(kind="error", ok=False, at="2026-11-28T09:04:00+00:00"),
    ]
    found = standing.standing(lesson, lines)
    assert found["status"] == "begun"
    assert found["exercises"] == [1, 2]
    update = found["items"][0]
    assert update["done"] is True
    assert (update["tries"], update["first_try_right"]) == (3, False)
    assert update["mistakes"] == {"sign": 2, "error": 1}
    assert update["last_kind"] == "error"
    assert update["first"].endswith("09:01:00+00:00")
    assert update["last"].endswith("09:04:00+00:00")


def test_a_lesson_is_done_when_all_is_right_and_guessed(lesson):
    lines = [
        line(kind="right", ok=True),
        line(name="stable_rate", kind="right", ok=True),
        line("guess", "steps-needed", guess=12, answer=9, close=False),
    ]
    assert standing.standing(lesson, [])["status"] == "not begun"
    assert standing.standing(lesson, lines[:2])["status"] == "begun"
    found = standing.standing(lesson, lines)
    assert found["status"] == "done"
    assert found["predictions"] == [1, 1]
    guess = found["items"][-1]
    assert (guess["guess"], guess["close"], guess["first_try_right"]) == (12, False, False)


def test_a_run_alone_is_begun_and_lines_of_other_lessons_do_not_count(lesson):
    runs = [line("run", "a", value=1), line("run", "a", value=2), line("run", "b")]
    found = standing.standing(lesson, runs)
    assert (found["status"], found["runs"]) == ("begun", 2)
    assert standing.standing(lesson, [line(lesson="97")])["status"] == "not begun"


def test_one_goes_on_where_one_was_last_and_then_with_what_is_new(lab):
    for number in ("96", "97", "98"):
        lab.lesson(EXERCISE, name=f"{number}_trial", title=f"# {number} · Trial")

    def going_on(*lines):
        return [each["number"] for each in standing.standings(list(lines)) if each["next"]]

    done = [line(name=n, lesson="96", ok=True) for n in ("update", "stable_rate")]
    later = line(lesson="98", at="2026-11-29T09:00:00+00:00")
    assert going_on() == ["96"]
    assert going_on(*done) == ["97"]
    assert going_on(*done, line(lesson="97"), later) == ["98"]
    both = [
        line(name=n, lesson=k, ok=True) for k in ["97", "98"] for n in ("update", "stable_rate")
    ]
    assert going_on(*done, *both) == []
