"""What a class did: thirty learners, broken files, and names that mean harm."""

import csv
import json
import random
import stat

import pytest
from helpers import call
from markupsafe import escape

from labkit.lab import lesson as lessons
from labkit.lab.classroom import catalog, guesses, report
from labkit.lab.classroom.students import ClassError
from labkit.lab.standing import tasks

HOSTILE = ["<img src=x onerror=alert(1)>", "=cmd()|'x'!A1", '"><svg onload=alert(2)>', "李 雷 & co"]
FILES = ("learners.csv", "items.csv", "mistakes.csv", "guesses.csv")


def line(what, name, lesson="01", minute=0, **facts):
    at = f"2026-11-28T{9 + minute // 60:02}:{minute % 60:02}:00+00:00"
    return {"at": at, "lesson": lesson, "what": what, "name": name, **facts}


def write(path, *lines, more=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in lines)
    path.write_text(text + more, encoding="utf-8")


def table(out, name):
    return list(csv.DictReader((out / name).open(encoding="utf-8", newline="")))


def handed_in(folder):
    """Write what thirty learners did in lessons 00 and 01; return name -> lines."""
    rng, made = random.Random(7), {}
    names = [f"learner {k:02}" for k in range(26)] + HOSTILE
    every = [lessons.read("00"), lessons.read("01")]
    kinds = {x.number: {n: [*e.mistakes] for n, e in catalog.exercises(x).items()} for x in every}
    for k, name in enumerate(names):
        lines = []
        for lesson in every:
            for what, task in tasks(lesson):
                fact = {"lesson": lesson.number, "minute": len(lines)}
                if what == "guess":
                    number = rng.uniform(0, 1)
                    close = abs(number - 0.5) < 0.1
                    lines.append(line(what, task, guess=number, close=close, answer=0.5, **fact))
                    continue
                for tries in range(rng.randint(0, 2)):
                    kind = rng.choice(kinds[lesson.number][task])
                    lines.append(line(what, task, kind=kind, ok=False, tries=tries + 1, **fact))
                lines.append(line(what, task, kind="right", ok=True, tries=3, **fact))
        place = (f"{name}.jsonl", f"{name}/progress.jsonl", f"{name}/learner/progress.jsonl")[k % 3]
        write(folder / place, *lines)
        made[name] = lines
    return made


@pytest.fixture(scope="module")
def thirty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    lines = handed_in(folder / "in")
    return lines, report.write(folder / "in", folder / "out"), folder / "out"


def test_thirty_learners_are_read_in_each_layout(thirty):
    lines, made, out = thirty
    assert set(made.found.learners) == set(lines)
    assert made.found.problems == []
    assert sum(map(len, made.found.learners.values())) == sum(map(len, lines.values()))
    rows = table(out, "learners.csv")
    assert len(rows) == 60
    assert {row["status"] for row in rows} == {"done"}


def test_mistakes_are_counted_by_learners_and_by_times(thirty):
    lines, _, out = thirty
    wrong = [
        (name, x["lesson"], x["name"], x["kind"])
        for name, own in lines.items()
        for x in own
        if x["what"] == "check" and not x["ok"]
    ]
    rows = table(out, "mistakes.csv")
    assert sum(int(row["times"]) for row in rows) == len(wrong)
    for row in rows:
        key = (row["lesson"], row["exercise"], row["mistake"])
        learners = {name for name, *rest in wrong if tuple(rest) == key}
        assert int(row["learners"]) == len(learners)
    assert sum(int(row["learners"]) for row in rows) == len(set(wrong))


def test_guesses_stand_beside_the_truth(thirty):
    lines, made, out = thirty
    close = sum(x["close"] for own in lines.values() for x in own if x["what"] == "guess")
    rows = table(out, "guesses.csv")
    assert sum(row["close"] == "True" for row in rows) == close
    assert {row["answer"] for row in rows} == {"0.5"}
    found = guesses.predictions(guesses.first_guesses(made.found.learners))
    assert sum(each.close for each in found) == close
    for each in found:
        assert sum(number for _, number, _ in each.bars) == each.guessed == 30
        true = [label for label, _, is_true in each.bars if is_true]
        low, high = (float(edge) for edge in true[0].split(" to "))
        assert low <= 0.5 <= high


def test_names_that_mean_harm_are_text(thirty):
    _, made, out = thirty
    text = made.page.read_text(encoding="utf-8")
    for name in HOSTILE:
        assert str(escape(name)) in text
    assert "<img" not in text
    assert "<svg" not in text
    assert "<script" not in text
    names = {row["learner"] for name in FILES if name != "mistakes.csv" for row in table(out, name)}
    assert "'=cmd()|'x'!A1" in names
    assert not any(name.startswith(("=", "+", "@")) for name in names)


def test_the_page_asks_nobody(thirty):
    text = thirty[1].page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert "://" not in text
    assert "@import" not in text


def test_only_the_owner_can_read_the_report(thirty):
    assert stat.S_IMODE(thirty[2].stat().st_mode) == 0o700


def test_tables_have_headings_for_rows_and_columns(thirty):
    text = thirty[1].page.read_text(encoding="utf-8")
    assert text.count("<table>") == text.count("<thead>") >= 3
    assert text.count('<th scope="row">') > 30
    assert "<th>" not in text


def test_broken_files_and_lines_are_told_and_the_rest_is_read(tmp_path):
    folder = tmp_path / "in"
    good = line("check", "update", kind="right", ok=True, tries=1)
    write(folder / "anna.jsonl", good, more='{"at": "2026-\nnot json\n[1, 2]\n')
    (folder / "bert.jsonl").write_bytes(b"\xff\xfe\x00garbage\n")
    (folder / "carl").mkdir()
    (folder / "dora.jsonl").mkdir()
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    result = call("class", "read", folder, "--out", tmp_path / "out")
    assert "anna.jsonl: 3 lines left out as broken." in result.stderr
    assert "bert" in result.stderr
    assert "carl: there is no progress.jsonl in it." in result.stderr
    assert "1 learner." in result.stderr
    assert [row["learner"] for row in table(tmp_path / "out", "learners.csv")] == ["anna"]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "3 lines left out as broken" in page


@pytest.mark.parametrize(
    "guess",
    [None, True, [1, 2], {"a": 1}, "x" * 10_000, 10**400, float("inf"), float("nan"), "<b>", -1],
)
def test_whatever_stands_in_a_guess_does_not_end_the_report(tmp_path, guess):
    odd = line("guess", "limit", guess=guess, close="yes", answer=guess)
    more = line("guess", "limit", guess=0.25, close=True, answer=0.25)
    write(tmp_path / "in" / "anna.jsonl", odd)
    write(tmp_path / "in" / "bert.jsonl", more)
    made = report.write(tmp_path / "in", tmp_path / "out")
    text = made.page.read_text(encoding="utf-8")
    assert "<b>" not in text.replace("<b>← truth</b>", "")
    assert "1 of" in text
    assert max(map(len, text.split("</style>")[1].splitlines())) < 3000


def test_strange_lines_are_no_trouble(tmp_path):
    lines = [
        line("check", "no such exercise", kind={"a": 1}, ok="yes"),
        line("guess", "limit", lesson="../../etc"),
        line("run", "x") | {"at": "yesterday"},
        line("check", "update", kind=None, ok=None, tries="many"),
    ]
    write(tmp_path / "in" / "anna.jsonl", *lines)
    made = report.write(tmp_path / "in", tmp_path / "out")
    assert "no such exercise" in made.page.read_text(encoding="utf-8")


def test_a_file_that_was_handed_in_twice_counts_once(tmp_path):
    wrong = line("check", "update", kind="sign of the gradient", ok=False, tries=1)
    write(tmp_path / "in" / "anna.jsonl", wrong)
    write(tmp_path / "in" / "anna" / "progress.jsonl", wrong)
    report.write(tmp_path / "in", tmp_path / "out")
    assert [row["times"] for row in table(tmp_path / "out", "mistakes.csv")] == ["1"]


def test_the_page_says_what_the_check_says(tmp_path):
    wrong = line("check", "update", kind="sign of the gradient", ok=False, tries=1)
    write(tmp_path / "in" / "anna.jsonl", wrong)
    text = report.write(tmp_path / "in", tmp_path / "out").page.read_text(encoding="utf-8")
    assert "You walk uphill" in text


def test_choices_are_counted_and_the_truth_is_there_even_if_nobody_chose_it():
    rows = [
        {"lesson": "01", "prediction": "a", "guess": g, "answer": "b", "close": False}
        for g in ("c", "c", "d", None)
    ]
    found = guesses.predictions(rows)[0]
    assert found.bars == [("c", 2, False), ("d", 1, False), ("b", 0, True)]
    assert (found.guessed, found.shown, found.close) == (3, 1, 0)


def test_numbers_over_many_sizes_are_counted_in_ranges_of_a_factor():
    rows = [
        {"lesson": "01", "prediction": "a", "guess": 10.0**k, "answer": 3e9, "close": False}
        for k in range(9)
    ]
    bars = guesses.predictions(rows)[0].bars
    assert sum(number for _, number, _ in bars) == 9
    assert all(number in (1, 2) for _, number, _ in bars[:8])  # on a linear scale: 8, 0, 0, ...
    assert bars[-1] == ("above 1e+08", 0, True)


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_a_folder_that_is_none_is_refused(tmp_path, name):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    told = call("class", "read", tmp_path / name, code=2).stderr
    assert "There is no folder" in told


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ClassError, match="Nothing of any learner"):
        report.read(tmp_path)


def test_the_report_is_not_written_among_the_learners(tmp_path):
    write(tmp_path / "in" / "anna.jsonl", line("run", "x"))
    told = call("class", "read", tmp_path / "in", "--out", tmp_path / "in" / "out", code=2).stderr
    assert "would be read as a learner" in told
