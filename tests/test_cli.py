import io
import json
import subprocess
import sys

import pandas as pd
import pytest
from helpers import call

import labkit

RECORD = "from labkit.lab import record, expect\nrecord('98', answer=2 * rate)"
COMMANDS = ["list", "run", "sweep", "results", "claims", "doctor", "data"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_teaches(command):
    text = call(command, "--help").stdout
    assert "Examples:" in text
    assert f"labkit {command}" in text.split("Examples:")[1]
    short = next(line for line in call("--help").stdout.splitlines() if f"  {command} " in line)
    assert not short.endswith("...")


def test_help_and_version():
    assert "labkit run --all" in call("-h").stdout
    assert labkit.__version__ in call("--version").stdout
    done = subprocess.run([sys.executable, "-m", "labkit", "-h"], capture_output=True, text=True)
    assert done.stdout.startswith("Usage: labkit ")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["run"], "Name the lessons to run"),
        (["run", "98", "--all"], "Name the lessons to run"),
        (["run", "98", "--timeout", "soon"], "'soon' is not a valid float"),
        (["results", "--format", "xml"], "'xml' is not one of"),
        (["sing"], "No such command 'sing'"),
    ],
)
def test_a_wrong_call_is_exit_status_2(lab, words, reason):
    lab.lesson(RECORD)
    assert reason in call(*words, code=2).stderr


@pytest.mark.parametrize("command", ["run", "list", "results"])
def test_an_unknown_lesson_is_refused_with_those_there_are(lab, command):
    lab.lesson(RECORD)
    result = call(command, "77", code=1)
    assert result.stderr == "Error: There is no lesson '77'; there are: 98_trial\n"
    assert result.stdout == ""


def test_a_missing_home_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    assert call("list", code=1).stderr.startswith("Error: No folder 'notebooks' with lessons in")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rat=1", "98_trial: There is no parameter 'rat'. Did you mean 'rate'?"),
        ("rate=7", "98_trial: rate = 7.0 is not allowed; rate is a number from 0.01 to 1"),
        ("rate", "98_trial: 'rate' is not NAME=VALUE"),
    ],
)
def test_a_bad_parameter_is_refused_before_anything_runs(lab, text, reason):
    lab.lesson(RECORD)
    assert reason in call("run", "98", "-p", text, code=1).stderr
    assert not lab.runs.exists()


def test_a_parameter_that_one_of_the_lessons_lacks_stops_all(lab):
    lab.lesson(RECORD)
    lab.lesson(RECORD, name="99_other", parameters="speed = 1  # other")
    result = call("run", "--all", "-p", "rate=0.5", code=1)
    assert "99_other: There is no parameter 'rate'" in result.stderr
    assert not lab.runs.exists()


def test_bad_timeouts_and_folders_are_sentences(lab):
    lab.lesson(RECORD)
    assert "a number of seconds above 0" in call("run", "98", "--timeout", "0", code=1).stderr
    assert "memory = 'lots' is not" in call("run", "98", "--memory", "lots", code=1).stderr
    (lab.home / "file").touch()
    assert "Cannot keep results" in call("run", "98", "--to", lab.home / "file", code=1).stderr


def test_a_bad_parameters_cell_is_named_with_file_and_line(lab):
    lab.lesson(RECORD, parameters="rate = 1\nrate = 2")
    for words in (["list"], ["list", "98"], ["run", "98"]):
        message = call(*words, code=1).stderr
        assert "98_trial.ipynb, line 2 of the parameters cell: rate is set twice" in message


def test_list_shows_lessons_and_one_lesson_in_full(lab):
    lab.lesson(RECORD)
    assert "98  Trial" in call("list").stdout
    assert "rate=0.1" in call("list").stdout
    assert call("list", "98").stdout == "rate = 0.1\n    step size, in [0.01, 1]\n"


def test_machine_readable_results_are_alone_on_standard_output(lab):
    lab.record("a", parameters={"epochs": 3}, results={"answer": 0.2, "note": 'a "b", 中文'})
    lab.record("b", status="failed", error={"message": "two\nlines"})
    as_csv = call("results", "--format", "csv")
    table = pd.read_csv(io.StringIO(as_csv.stdout), dtype={"lesson": str})
    assert table["lesson"].tolist() == ["98", "98"]
    assert table["result.note"][0] == 'a "b", 中文'
    assert "\n98,a,finished,2026-01-01 00:00:00+00:00,1.5,,"[1:] in as_csv.stdout
    assert ",3," in as_csv.stdout  # not 3.0, though the other run has no epochs
    as_json = call("results", "--format", "json")
    rows = json.loads(as_json.stdout)
    assert [row["run_id"] for row in rows] == ["a", "b"]
    assert rows[0]["started"] == "2026-01-01T00:00:00.000Z"
    assert rows[1]["error"] == "two\nlines"
    assert as_csv.stderr == as_json.stderr == ""


def test_results_go_to_a_file_in_every_form(lab, tmp_path):
    lab.record("a", results={"answer": 0.2})
    lab.record("b", results={"answer": 0.4})
    for form, start in {
        "csv": b"lesson,",
        "json": b"[",
        "parquet": b"PAR1",
        "html": b"<!doct",
    }.items():
        out = tmp_path / f"runs.{form}"
        done = call("results", "--format", form, "--out", out)
        assert done.stdout == ""
        assert f"Written: {out}" in done.stderr
        assert out.read_bytes().startswith(start)
    parquet = pd.read_parquet(tmp_path / "runs.parquet")
    assert parquet["result.answer"].tolist() == [0.2, 0.4]
    call("results", "--out", tmp_path / "table.txt")
    assert "answer=0.4" in (tmp_path / "table.txt").read_text()


def test_a_page_on_standard_output_links_from_the_file_that_it_becomes(lab, tmp_path):
    lab.record("a")
    command = [sys.executable, "-m", "labkit", "results", "--format", "html"]
    for folder, base in ((lab.runs, '"base":"./"'), (tmp_path, '"base":"runs/"')):
        with open(folder / "page.html", "wb") as out:
            done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, check=True)
        assert base in (folder / "page.html").read_text()
        assert done.stderr == b""
    piped = subprocess.run(command, capture_output=True, check=True)
    assert b'"base":null' in piped.stdout
    assert b"no links to the notebooks" in piped.stderr


def test_results_are_grouped(lab):
    for n, rate in enumerate([0.1, 0.1, 0.2]):
        lab.record(f"r{n}", parameters={"rate": rate}, results={"answer": n, "more": 5})
    text = call("results", "-g", "rate").stdout
    assert text.splitlines()[0].split() == ["rate", "n", "mean", "std", "low", "high", "failed"]
    assert text.splitlines()[1].split()[:3] == ["0.1", "2", "0.5"]
    rows = json.loads(call("results", "-g", "rate", "--result", "more", "--format", "json").stdout)
    assert [(row["rate"], row["n"], row["mean"]) for row in rows] == [(0.1, 2, 5), (0.2, 1, 5)]


def test_two_runs_are_compared(lab):
    lab.record("aaa1", parameters={"rate": 0.1}, results={"answer": 1})
    lab.record("bbb1", parameters={"rate": 0.2}, results={"answer": 1})
    text = call("results", "--diff", "aaa", "bbb").stdout
    assert "\n  rate              0.1                      0.2 " in text
    assert "results: the same" in text
    rows = json.loads(call("results", "--diff", "aaa", "bbb", "--format", "json").stdout)
    assert {"section": "parameters", "name": "rate", "a": 0.1, "b": 0.2} in rows


@pytest.mark.parametrize(
    ("words", "reason", "code"),
    [
        (["--diff", "a", "zz"], "There is no run 'zz'", 1),
        (["--diff", "77:latest", "a"], "There is no lesson '77'", 1),
        (["-g", "rat"], "There is no column 'rat'. Did you mean 'rate'?", 1),
        (["-g", "rate", "--result", "x"], "There is no column 'x'", 1),
        (["98", "--diff", "a", "b"], "--diff takes two runs", 2),
        (["--diff", "a", "b", "--format", "html"], "--diff takes two runs", 2),
        (["--diff", "a"], "requires 2 arguments", 2),
        (["--result", "answer"], "without -g leave it out", 2),
        (["-g", "rate", "--format", "html"], "-g has no page", 2),
        (["--out", "/nowhere/at/all"], "No such file or directory", 1),
    ],
)
def test_wrong_questions_about_results_are_sentences(lab, words, reason, code):
    lab.lesson(RECORD)
    lab.record("a")
    lab.record("b")
    result = call("results", *words, code=code)
    assert reason in result.stderr
    assert result.stdout == ""


def test_no_results_are_said_in_words_and_stay_readable_for_machines(lab):
    assert call("results").stdout == ""
    assert "No runs yet" in call("results").stderr
    assert json.loads(call("results", "--format", "json").stdout) == []
    assert call("results", "--format", "csv").stdout.startswith("lesson,run_id,status")


def test_the_table_for_reading_fits_in_120_columns(lab, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    many = {f"parameter_{n}": n for n in range(20)}
    for n in range(3):
        lab.record(
            f"{n:012x}-live",
            parameters=many | {"learning_rate": n / 7, "optimizer": "momentum"},
            results={"largest_stable_learning_rate": n / 3} | many,
        )
    lab.record("bad", status="failed", error={"message": "lesson 98, cell 3: " + "word " * 99})
    lines = call("results").stdout.splitlines()
    assert len(lines) == 5
    assert max(map(len, lines)) <= 120
    assert "learning_rate=0.2857" in lines[3]
    assert "largest_stable_learning_rate=0" in lines[3]
    assert (
        len({line.index("2026") if "2026" in line else line.index("Jan") for line in lines[1:]})
        == 1
    )


@pytest.mark.slow
def test_all_goes_on_after_a_failure_and_ends_with_1(lab):
    lab.lesson(RECORD, "1 / 0", name="97_bad", title="# 97 · A title of rather many letters indeed")
    lab.lesson(
        "from labkit.lab import record, expect\n"
        "record('98', a_result_with_a_very_long_name_that_goes_on=2 * rate)\n"
        "expect('a_result_with_a_very_long_name_that_goes_on', 0, 0.123456789, because='wrong')"
    )
    lab.lesson(RECORD, "expect('answer', 0, 1, because='right')", name="99_good", title="# 99 Good")
    result = call("run", "--all", code=1)
    head, bad, broken, good = result.stdout.splitlines()
    assert head.split() == ["lesson", "seconds", "headline", "result", "expectations"]
    at = head.index("expectations")
    assert bad[at:] == "FAILED: cell error"
    assert broken[at:] == "FAILED: expectation"
    assert good[at:] == "1 of 1 held"
    assert "answer = 0.2 (expected 0 to 1)" in good
    assert max(map(len, result.stdout.splitlines())) <= 120
    errors = result.stderr
    assert "FAILED: lesson 97, cell 4 of 4 [c1] `1 / 0`: ZeroDivisionError" in errors
    assert "expected 0 to 0.1235 (wrong): NOT HELD" in errors
    assert errors.count("lesson.html") == 3
    # No terminal, no bar: a line as each lesson starts, and nothing redrawn.
    assert "\r" not in result.output
    assert errors.splitlines()[0] == "Running 97_bad (1 of 3)"
    assert len(errors.splitlines()) == 3 + 2 + 1 + 1 + 3


@pytest.mark.slow
def test_on_a_terminal_there_is_a_bar_on_standard_error(lab):
    pty = pytest.importorskip("pty")
    import os

    lab.lesson(RECORD, "import time; time.sleep(2.5)")
    terminal, theirs = pty.openpty()
    command = [sys.executable, "-m", "labkit", "run", "98"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        out, err = process.stdout.read(), read_all(terminal)
    assert process.returncode == 0
    assert [line[:8] for line in out.splitlines()] == ["lesson  ", "98 Trial"]
    assert "98_trial" in err
    assert "4 cells" in err
    clocks = {frame.strip()[-5:] for frame in err.split("\r") if "3/4 cells" in frame}
    assert len(clocks) >= 3  # the clock moves while a cell runs


def read_all(terminal) -> str:
    import os

    text = b""
    while True:
        try:
            text += os.read(terminal, 4096)
        except OSError:  # the other end is closed
            return text.decode(errors="replace")
