import io
import json
import os
import re
import subprocess
import sys
import time

import click
import pandas as pd
import pytest
from helpers import call

import labkit
from labkit import cli
from labkit.lab import table
from labkit.lab.records.entry import Record

RECORD = "from labkit.lab import record, expect\nrecord('98', answer=2 * rate)"


def names_of(group, *before):
    """Every command and every group, as words."""
    for name, command in group.commands.items():
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from names_of(command, *before, name)


COMMANDS = [*names_of(cli.main)]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_each_command_teaches(command):
    text = call(*command, "--help").stdout
    examples = re.split(r"^ *Examples:$", text, flags=re.MULTILINE)  # on a line of its own
    assert len(examples) == 2
    assert f"labkit {' '.join(command)}" in examples[1]
    assert "\\b" not in text
    above = call(*command[:-1], "--help").stdout.splitlines()
    short = next(line for line in above if f"  {command[-1]} " in line)
    assert not short.endswith("...")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a disk that is full")
def test_an_output_that_is_full_is_a_sentence():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "labkit", "claims", "--format", "json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


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


@pytest.mark.parametrize("command", ["run", "list", "results", "open", "reset", "progress"])
def test_an_unknown_lesson_is_refused_with_those_there_are(lab, command):
    lab.lesson(RECORD)
    result = call(command, "77", code=2)
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
    result = call("run", "98", "-p", text, code=2)
    assert reason in result.stderr
    assert result.stdout == ""
    assert not lab.runs.exists()


def test_a_parameter_that_one_of_the_lessons_lacks_stops_all(lab):
    lab.lesson(RECORD)
    lab.lesson(RECORD, name="99_other", parameters="speed = 1  # other")
    result = call("run", "--all", "-p", "rate=0.5", code=2)
    assert "99_other: There is no parameter 'rate'" in result.stderr
    assert not lab.runs.exists()


def test_bad_timeouts_and_folders_are_sentences(lab):
    lab.lesson(RECORD)
    assert "a number of seconds above 0" in call("run", "98", "--timeout", "0", code=2).stderr
    refused = call("run", "98", "--memory", "lots", code=2)
    assert "memory = 'lots' is not" in refused.stderr
    assert refused.stdout == "", "no heading above a refusal"
    (lab.home / "file").touch()
    assert "Cannot keep results" in call("run", "98", "--to", lab.home / "file", code=1).stderr


def test_a_bad_parameters_cell_is_named_with_file_and_line(lab):
    lab.lesson(RECORD, parameters="rate = 1\nrate = 2")
    for words in (["list"], ["list", "98"], ["run", "98"], ["run", "--all"]):
        message = call(*words, code=1).stderr
        assert "98_trial.ipynb, line 2 of the parameters cell: rate is set twice" in message


def test_list_shows_lessons_and_one_lesson_in_full(lab):
    lab.lesson(RECORD)
    assert re.search(r"98  Trial +5 min +not measured to run  not begun\n", call("list").stdout)
    assert "\n    rate\n" in call("list").stdout
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
    assert "answer=0.4" in (tmp_path / "table.txt").read_text(), "as text, without colors"
    assert "\x1b" not in (tmp_path / "table.txt").read_text()


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
        (["--diff", "a", "zz"], "There is no run 'zz'", 2),
        (["--diff", "77:latest", "a"], "There is no lesson '77'", 2),
        (["-g", "rat"], "There is no column 'rat'. Did you mean 'rate'?", 2),
        (["-g", "rate", "--result", "x"], "There is no column 'x'", 2),
        (["98", "--diff", "a", "b"], "--diff takes two runs", 2),
        (["--diff", "a", "b", "--format", "html"], "--diff takes two runs", 2),
        (["--diff", "a"], "requires 2 arguments", 2),
        (["--result", "answer"], "without -g leave it out", 2),
        (["-g", "rate", "--format", "html"], "-g has no page", 2),
        (["--out", "/nowhere/at/all"], "No such file or directory", 1),
        (["--from", "/typo"], "There is no folder /typo to read results from", 2),
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
    assert lines[0].split()[:6] == [
        "lesson",
        "run",
        "started",
        "seconds",
        "status",
        "learning_rate",
    ]
    assert " 0.2857 " in lines[3]
    assert "largest_stable_learning_rate=0" in lines[3]
    assert (
        len({line.index("2026") if "2026" in line else line.index("Jan") for line in lines[1:]})
        == 1
    )


@pytest.mark.slow
def test_all_goes_on_after_a_failure_and_ends_with_1(lab, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
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
    assert errors.count("/lesson.html\n") == errors.count("file://") == 3
    # No terminal, no bar: a line as each lesson starts, and nothing redrawn.
    assert "\r" not in result.output
    assert errors.splitlines()[0] == "Running 97_bad (1 of 3)"
    assert len(errors.splitlines()) == 3 + 2 + 1 + 1 + 3 + 1


@pytest.mark.slow
def test_on_a_terminal_there_is_a_bar_on_standard_error(lab):
    pty = pytest.importorskip("pty")
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
    text = b""
    while True:
        try:
            text += os.read(terminal, 4096)
        except OSError:  # the other end is closed
            return text.decode(errors="replace")


# --- what a reader looks for ----------------------------------------------------------------------


def test_each_varied_parameter_has_a_column_and_so_has_a_result_that_it_changed(lab, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    lab.lesson()
    for n, rate in enumerate([0.1, 0.2]):
        lab.record(
            f"r{n}",
            parameters={"rate": rate, "units": 8},
            results={"limit": 0.25, "loss": rate / 2},
        )
    head, *rows = call("results", "98").stdout.splitlines()
    assert head.split()[5:] == ["rate", "result", "loss"]
    assert [row.split()[-3:] for row in rows] == [
        ["0.1", "limit=0.25", "0.05"],
        ["0.2", "limit=0.25", "0.1"],
    ]


def test_none_and_nan_are_told_apart_from_what_is_missing(lab, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    lab.lesson()
    lab.record("a", parameters={"rate": 0.1, "cap": None}, results={"answer": "nan"})
    lab.record("b", parameters={"rate": 0.1, "cap": 0.5}, results={"answer": None})
    lab.record("c", parameters={"rate": 0.1, "cap": 0.5}, results={})
    head, *rows = call("results", "98").stdout.splitlines()
    assert head.split()[5:] == ["cap", "result"]
    assert [row.split()[6:] for row in rows] == [
        ["finished", "none", "answer=nan"],
        ["finished", "0.5", "answer=none"],
        ["finished", "0.5"],
    ]


def test_one_lesson_and_all_lessons_show_the_same_headline(lab):
    for number in ("97", "98"):
        lab.record("a" + number, lesson=number, results={"other": 1} if number == "97" else {})
        lab.record("b" + number, lesson=number, results={"answer": 2, "other": 3})
    together = call("results").stdout
    for number in ("97", "98"):
        lab.lesson(name=f"{number}_trial")
        alone = call("results", number).stdout.splitlines()[1:]
        assert all(line.split()[-1] in together for line in alone if "=" in line.split()[-1])
    assert together.count("answer=2") == 2


def test_times_are_local(lab, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        lab.record("a", started="2026-01-01T03:29:00.000+00:00")
        assert "01 Jan 11:29" in call("results").stdout
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_result_that_answers_what_was_turned(lab):
    def run(rate, **results):
        return Record("98", f"r{rate}", "finished", parameters={"rate": rate}, results=results)

    defaults = {"rate": 0.1}
    lab.record("a", parameters=defaults, results={"limit": 0.25, "loss": 0.5})
    assert table.answer(run(0.1, limit=0.25, loss=0.5), defaults) == "limit = 0.25"
    assert table.answer(run(0.3, limit=0.25, loss=0.125), defaults) == "loss = 0.125 (was 0.5)"
    assert table.answer(run(0.3, limit=0.5, loss=0.125), defaults) == "limit = 0.5"
    assert table.answer(run(0.3, limit=0.25, loss=0.5), defaults) == "limit = 0.25"


def test_claims_begin_with_a_summary_and_have_filters_and_formats():
    first, blank, head, *_ = call("claims", "--topic", "losses").stdout.splitlines()
    assert re.match(r"\d+ claims: \d+ ", first)
    assert blank == ""
    assert head.split()[:2] == ["topic", "claims"]
    assert len(call("claims", "--summary").stdout.splitlines()) < 40
    rows = json.loads(call("claims", "--search", "DROPOUT", "--format", "json").stdout)
    assert rows
    assert all("dropout" in " ".join(map(str, row.values())).casefold() for row in rows)
    text = call("claims", "--verdict", "wrong", "--format", "csv").stdout
    assert set(pd.read_csv(io.StringIO(text)).verdict) == {"wrong"}
    assert call("claims", "--search", "no such words at all").stdout == "0 claims: none\n"
    assert "no topic 'loses'" in call("claims", "--topic", "loses", code=2).stderr


def test_a_lesson_that_cannot_be_read_does_not_hide_the_others(lab):
    lab.lesson(RECORD)
    lab.lesson(RECORD, name="97_bad", parameters="rate = 1\nrate = 2")
    (lab.home / "notebooks" / "96_MyLesson.ipynb").touch()
    (lab.home / "notebooks" / "95_no_json.ipynb").write_text("{")
    result = call("list", code=1)
    assert "98  Trial" in result.stdout
    assert "Not a lesson: 97_bad.ipynb, line 2 of the parameters cell" in result.stderr
    assert "95_no_json.ipynb is not a readable notebook" in result.stderr
    assert "96_MyLesson.ipynb is not named like a lesson" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_gets_a_script_that_completes(shell):
    assert "_LABKIT_COMPLETE" in call("completion", shell).stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("labkit run 9", "98"),
        ("labkit run 98 -p r", "rate="),
        ("labkit sweep 98 -g r", "rate="),
        ("labkit results 98_", "98_trial"),
    ],
)
def test_lessons_and_parameters_are_completed(lab, words, found):
    lab.lesson(RECORD)
    asked = {"_LABKIT_COMPLETE": "bash_complete", "COMP_WORDS": words}
    asked["COMP_CWORD"] = str(len(words.split()) - 1)
    done = subprocess.run(
        [sys.executable, "-c", "from labkit.cli import main; main(prog_name='labkit')"],
        env=os.environ | asked,
        capture_output=True,
        text=True,
    )
    assert f"plain,{found}" in done.stdout, done.stderr


def test_an_output_that_is_not_utf8_still_gets_its_lines(lab):
    lab.lesson(RECORD, title="# 98 · 试验 ✓ and more words than a table has room for in a line")
    command = [sys.executable, "-m", "labkit", "list"]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert b" and more words than a table" in done.stdout


def test_there_is_color_on_a_terminal_and_none_elsewhere(lab, monkeypatch):
    pty = pytest.importorskip("pty")
    lab.record("a")
    command = [sys.executable, "-m", "labkit", "results"]
    assert b"\x1b" not in subprocess.run(command, capture_output=True, check=True).stdout
    for no_color, colored in (("", True), ("1", False)):
        monkeypatch.setenv("NO_COLOR", no_color)
        terminal, theirs = pty.openpty()
        with subprocess.Popen(command, stdout=theirs, stderr=subprocess.PIPE):
            os.close(theirs)
            text = read_all(terminal)
        os.close(terminal)
        assert ("\x1b[32mfinished" in text) is colored


@pytest.mark.slow
def test_failures_of_a_sweep_are_told_once_for_each_cause(lab):
    lab.lesson("1 / 0 if rate > 0.2 else None", RECORD)
    result = call("sweep", "98", "-g", "rate=0.1,0.3,0.4,0.5", "--workers", "2", code=1)
    told = [line for line in result.stderr.splitlines() if line.startswith("FAILED")]
    assert told == [
        "FAILED rate=0.3 and 2 more: lesson 98, cell 3 of 4 [c0] `1 / 0 if rate > 0.2 else None`: "
        "ZeroDivisionError: division by zero"
    ]
