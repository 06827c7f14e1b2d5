"""How far a learner or a class is, by what the lessons ask for."""

import csv
import io
import json
import re

import pytest
from helpers import call
from helpers import progress_line as line
from helpers import write_progress as write

from labkit.lab import lesson as lessons
from labkit.lab import places, progress, standing

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


def test_the_same_answer_checked_again_is_no_other_try(lesson):
    lines = [
        line(kind="sign", ok=False, tries=1),
        line(kind="sign", ok=False, tries=1),
        line(kind="sign", ok=False, tries=2),
        line(kind="sign", ok=False, tries=1, at="2026-11-29T09:00:00+00:00"),
        line(kind="right", ok=True, tries=2),
        line(kind="right", ok=True, tries=2),
    ]
    update = standing.item("check", "update", lines)
    assert (update["tries"], update["mistakes"]) == (4, {"sign": 3})


def test_an_answer_that_was_just_shown_is_no_guess_and_nothing_is_left_to_do(lesson):
    shown = line("guess", "steps-needed", guess=None, close=None, shown=True)
    row = standing.item("guess", "steps-needed", [shown])
    assert (row["done"], row["guess"], row["first_try_right"]) == (True, None, None)
    (told,) = standing.items_told([row])
    assert (told["state"], told["mistakes, or guess"]) == ("shown", "")


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
    assert going_on(*done, later | {"lesson": "97"}, line(lesson="98")) == ["97"]
    both = [
        line(name=n, lesson=k, ok=True) for k in ["97", "98"] for n in ("update", "stable_rate")
    ]
    assert going_on(*done, *both) == []


def test_what_was_done_in_exercises_that_are_gone_is_still_told(lesson):
    lines = [line(name="old", kind="sign", ok=False), line("guess", "x", lesson="55", guess=[1, 2])]
    found = {(row["lesson"], row["name"]): row for row in standing.rows(lines)}
    assert found["98", "old"]["mistakes"] == {"sign": 1}
    assert found["55", "x"]["guess"] == [1, 2]
    assert standing.standing(lesson, lines)["exercises"] == [0, 2]


# --- in the terminal ----------------------------------------------------------------------------


def test_a_learner_sees_how_far_they_are_and_what_is_next(lab, lesson):
    assert call("progress").stderr == "\nBegin with lesson 98: labkit open 98\n"
    lines = [line(kind="sign", ok=False), line(kind="sign", ok=False), line(kind="right", ok=True)]
    write(lab.home / "learner", *lines, line("run", "abc", value=1))
    result = call("progress")
    heading, row = result.stdout.splitlines()
    assert heading.split() == ["lesson", "status", "exercises", "predictions", "runs", "last"]
    assert re.split(r"\s{2,}", row) == [
        *("98 Trial", "begun", "1 of 2", "0 of 1", "1", "2026-11-28"),
    ]
    assert result.stderr == "\nGo on with lesson 98: labkit open 98\n"
    more = [line(name="stable_rate", ok=True), line("guess", "steps-needed", guess=3, close=True)]
    write(lab.home / "learner", *lines, *more)
    assert call("progress").stderr == "\nEvery lesson is done.\n"
    assert "done" in call("list").stdout


def test_one_lesson_tells_the_mistakes_and_the_guesses(lab, lesson):
    lines = [line(kind="sign", ok=False), line(kind="sign", ok=False), line(kind="error", ok=False)]
    guess = line("guess", "steps-needed", guess=12.0, answer=9, close=False)
    write(lab.home / "learner", *lines, guess)
    _, update, rate, steps = [
        re.split(r"\s{2,}", row.rstrip()) for row in call("progress", "98").stdout.splitlines()
    ]
    assert update[:4] == ["exercise", "update", "not right yet", "3"]
    assert update[4:] == ["sign (2 times), error", "2026-11-28"]
    assert rate == ["exercise", "stable_rate", "not tried"]
    assert steps[:3] == ["prediction", "steps-needed", "guessed"]
    assert steps[4] == "12, not close"


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_and_json_say_the_same_and_nothing_else_is_on_standard_output(lab, lesson):
    nasty = 'a "b", 中文;\n=1+1'
    lines = [
        line(kind=nasty, ok=False),
        line(kind="sign", ok=False),
        line("guess", "steps-needed", guess=[0.5, float("nan")], close=True),
    ]
    write(lab.home / "learner", *lines)
    rows = read_csv(call("progress", "--format", "csv").stdout)
    plain = json.loads(call("progress", "--format", "json").stdout, parse_constant=pytest.fail)
    assert list(rows[0]) == [
        *("lesson", "what", "name", "done", "tries", "first_try_right", "mistakes"),
        *("guess", "close", "first", "last"),
    ]
    assert [list(row) for row in plain] == [list(rows[0])] * 3
    assert rows[0]["mistakes"] == f"{nasty}; sign"
    assert plain[0]["mistakes"] == {nasty: 1, "sign": 1}
    assert (rows[0]["done"], rows[0]["tries"]) == ("False", "2")
    assert rows[1]["first"] == rows[1]["first_try_right"] == ""
    assert plain[2]["guess"] == [0.5, "nan"]
    assert rows[2]["close"] == "True"


def test_a_class_of_five_is_merged(lab, lesson, tmp_path):
    klass = tmp_path / "class"
    sign, right = line(kind="sign", ok=False), line(kind="right", ok=True)
    write(klass / "anna", sign, sign, right)
    write(klass / "bert" / "learner", line(kind="not tried", ok=False), sign)
    write(klass / "carl", right, line(name="stable_rate", kind="half", ok=False))
    (klass / "carl" / progress.FILE).rename(klass / "carl.jsonl")
    (klass / "carl").rmdir()
    write(klass / "dora 李")
    (klass / "emil").mkdir()
    (klass / "notes.txt").touch()
    (klass / ".git").mkdir()

    result = call("progress", "--class", klass, "--format", "csv")
    rows = read_csv(result.stdout)
    assert [row["learner"] for row in rows] == ["anna"] * 3 + ["bert"] * 3 + ["carl"] * 3
    anna, bert, carl = rows[0], rows[3], rows[6]
    assert (anna["done"], anna["tries"], anna["first_try_right"]) == ("True", "3", "False")
    assert (bert["done"], bert["tries"], bert["mistakes"]) == ("False", "1", "sign")
    assert (carl["done"], carl["first_try_right"]) == ("True", "True")
    assert "dora 李: " in result.stderr
    assert "emil: there is no progress.jsonl in it." in result.stderr
    assert len(result.stderr.splitlines()) == 2

    result = call("progress", "--class", klass)
    table, mistakes = result.stdout.rstrip("\n").split("\n\n")
    assert [re.split(r"\s{2,}", row) for row in table.splitlines()] == [
        *(["learner", "98"], ["anna", "1 of 3"], ["bert", "0 of 3"], ["carl", "1 of 3"]),
    ]
    assert [re.split(r"\s{2,}", row) for row in mistakes.splitlines()] == [
        ["learners", "lesson", "exercise", "mistake"],
        ["2 of 3", "98", "update", "sign"],
        ["1 of 3", "98", "stable_rate", "half"],
    ]


def test_a_name_with_a_line_end_or_a_control_character_stays_in_its_row(lesson, tmp_path):
    write(tmp_path / "class" / "anna", line(kind="a\nb\x1b[31m", ok=False))
    told = call("progress", "--class", tmp_path / "class").stdout
    assert told.splitlines()[-1].endswith("a b�[31m")


def test_two_files_of_one_learner_are_one_story_in_the_order_of_time(lesson, tmp_path):
    late = line(kind="right", ok=True, at="2026-11-28T10:00:00+00:00")
    write(tmp_path / "class" / "anna", late)
    write(tmp_path / "class" / "anna" / "learner", line(kind="sign", ok=False))
    (row, *_) = json.loads(
        call("progress", "--class", tmp_path / "class", "--format", "json").stdout
    )
    assert (row["done"], row["tries"], row["first_try_right"]) == (True, 2, False)


def test_a_class_of_which_nothing_can_be_read_is_exit_status_1(lesson, tmp_path):
    (tmp_path / "class" / "anna" / progress.FILE).mkdir(parents=True)
    (tmp_path / "class" / "bert.jsonl").write_bytes(b"\xff\x00 garbage")
    result = call("progress", "--class", tmp_path / "class", code=1)
    assert result.stdout == ""
    assert "anna: " in result.stderr
    assert "bert: " in result.stderr
    assert "Nothing of any learner could be read" in result.stderr


def test_progress_that_cannot_be_read_is_said(lab, lesson):
    (lab.home / "learner" / progress.FILE).mkdir(parents=True)
    assert "Is a directory" in call("progress", code=1).stderr


def test_a_class_that_is_not_there_is_refused(lesson, tmp_path):
    assert "There is no folder" in call("progress", "--class", tmp_path / "no", code=2).stderr


def test_one_lesson_of_a_class(lab, lesson, tmp_path):
    lab.lesson(EXERCISE, name="97_other", title="# 97 · Other")
    both = [line(kind="sign", ok=False), line(lesson="97", kind="factor", ok=False)]
    write(tmp_path / "class" / "anna", *both)
    text = call("progress", "97", "--class", tmp_path / "class").stdout
    assert "factor" in text
    assert "sign" not in text
    assert "98" not in text


def test_a_class_shows_who_is_stuck_and_what_surprised(lab, lesson, tmp_path):
    sign, half = line(kind="sign", ok=False), line(kind="half", ok=False)
    guess = {"what": "guess", "name": "limit", "guess": 1.0}
    write(tmp_path / "class" / "anna", sign, half, sign, line(**guess, close=False))
    write(tmp_path / "class" / "bert", sign, half, sign, line(kind="right", ok=True))
    write(tmp_path / "class" / "carl", sign, line(**guess, close=True))
    tables = call("progress", "--class", tmp_path / "class").stdout.rstrip("\n").split("\n\n")
    stuck, surprised = (
        [re.split(r"\s{2,}", row) for row in tables[k].splitlines()] for k in (1, 3)
    )
    assert stuck[1:] == [["anna", "98", "update", "3", "sign"]]
    assert surprised[1:] == [["1 of 2", "98", "limit"]]


def test_a_table_about_a_class_stays_short(lab, lesson, tmp_path):
    many = [line(kind=f"slip {n}", ok=False) for n in range(20)]
    write(tmp_path / "class" / "anna", *many)
    assert "and 8 more" in call("progress", "--class", tmp_path / "class").stdout
