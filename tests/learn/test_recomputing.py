"""Rows of the ledger, computed again: by the command, in a run that leaves nothing behind."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from labkit.cli import main
from labkit.lab import places
from labkit.lab.runs.limits import RunError
from labkit.learn import claims as ledger
from labkit.learn import recomputing
from labkit.learn.shown import claims_in, where_shown

TITLE = "# 01 · One lesson\n\n**Question.** What is it?"
CELLS = {
    "parameters": "seed = 0  # of nothing, in [0, 9]",
    "setup": "from labkit.lab import claim, claim_table",
    "first": 'claim("T1-ONE-01", seed + 0.5)',
    "gather": 'others = {"T1-ONE-02": (2,), "T1-ONE-03": (), "T1-ONE-04": (float("nan"),)}',
    "second": "claim_table(others)",
    "third": 'claim("T1-ONE-05", 5, when=False)',
    "broken": "1 / 0",
    "last": 'claim("T1-ONE-06", 6)',
}
VALUES = {"T1-ONE-01": "0.5", "T1-ONE-02": "3", "T1-ONE-03": "", "T1-ONE-04": "4"}
VALUES |= {"T1-ONE-05": "6", "T1-ONE-06": "6", "T1-ONE-07": "7"}
STOPPED = "Stopped. Nothing of the runs is left; the ledger is as it was.\n"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A lab with one small lesson and a ledger of its own, in which two values are false."""
    home = tmp_path / "lab"
    for room in ("notebooks", "data"):
        (home / room).mkdir(parents=True)
    cells = [nbformat.v4.new_markdown_cell(TITLE, id="title")]
    for name, source in CELLS.items():
        metadata = {"tags": [name]} if name in ("parameters", "setup") else {}
        cells.append(nbformat.v4.new_code_cell(source, id=name, metadata=metadata))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), home / "notebooks" / "01_one.ipynb")
    with (home / "data" / "claims.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ledger.COLUMNS)
        writer.writeheader()
        for id, values in VALUES.items():
            row = dict.fromkeys(ledger.COLUMNS, "text") | {"id": id, "verdict": "holds"}
            computed = values or "n/a (nothing to compute): the text says so"
            row |= {"lesson": "01", "values": values, "tolerance": "", "computed": computed}
            writer.writerow(row)
    monkeypatch.setenv("LABKIT_HOME", str(home))
    monkeypatch.delenv("LABKIT_RUNS", raising=False)
    return home


def ask(*arguments):
    return CliRunner().invoke(main, ["claims", "check", *arguments])


# --- where a claim is shown -------------------------------------------------------------------


def test_a_claim_is_shown_in_the_cell_that_calls_and_not_where_values_are_gathered(lab):
    found = {id: shown.cell for id, shown in where_shown().items()}
    assert found == {
        "T1-ONE-01": "first",
        **dict.fromkeys(("T1-ONE-02", "T1-ONE-03", "T1-ONE-04"), "second"),
        "T1-ONE-05": "third",
        "T1-ONE-06": "last",
    }
    assert where_shown()["T1-ONE-02"].link == "01_one.ipynb#cell-id=second"


def test_every_cell_named_is_there_and_every_id_is_the_ledgers():
    ids = {row["id"] for row in ledger.read_ledger()}
    for id, shown in where_shown().items():
        cells = json.loads((places.home() / "notebooks" / shown.notebook).read_text())["cells"]
        assert cells[shown.index]["id"] == shown.cell
        assert id in ids


def test_each_row_of_the_ledger_is_found_in_the_lesson_that_it_names():
    found = {id: shown.lesson for id, shown in where_shown().items()}
    assert found == {row["id"]: row["lesson"] for row in ledger.read_ledger()}


def test_code_that_is_no_python_shows_nothing():
    assert list(claims_in('claim("A2-GD-04", 1')) == []


# --- what is planned --------------------------------------------------------------------------


def test_rows_of_one_lesson_share_a_run_that_ends_at_the_last_of_their_cells(lab):
    tasks, known = recomputing.plan(["T1-ONE-05", "T1-ONE-01", "T1-ONE-03", "T1-ONE-01"])
    (task,) = tasks
    assert [row["id"] for row in task.rows] == ["T1-ONE-05", "T1-ONE-01"]
    assert [cell["id"] for cell in task.lesson.content["cells"]][-1] == "third"
    assert [(each.state, each.told) for each in known] == [
        ("nothing to compute", "the text says so")
    ]


def test_a_row_that_no_lesson_shows_is_not_computed(lab):
    done = ask("T1-ONE-07")
    assert done.exit_code == 1
    assert "no cell of the lessons here does" in done.output


def test_an_unknown_id_and_a_wrong_call_are_refused(lab):
    assert (ask("T1-ONE-8").exit_code, ask().exit_code) == (2, 2)
    assert "Near it: T1-ONE-0" in ask("T1-ONE-8").output
    assert CliRunner().invoke(main, ["claims", "--topic", "text", "check", "x"]).exit_code == 2
    assert CliRunner().invoke(main, ["claims", "--topic", "text"]).exit_code == 0


def test_a_lesson_without_rows_is_refused(lab):
    path = lab / "notebooks" / "01_one.ipynb"
    (lab / "notebooks" / "02_two.ipynb").write_text(path.read_text().replace("# 01", "# 02"))
    done = ask("--lesson", "02")
    assert (done.exit_code, "shows no row" in done.output) == (2, True)


def test_every_id_in_the_help_is_the_ledgers():
    texts = [
        CliRunner().invoke(main, ["claims", *words, "--help"]).output for words in ([], ["check"])
    ]
    ids = set(re.findall(r"[A-E]\d?-[A-Z]+-\d\d", " ".join(texts)))
    assert len(ids) >= 3
    tasks, known = recomputing.plan(ids)
    assert (len(tasks), known) == (2, [])  # "two runs for three rows"


# --- what is computed -------------------------------------------------------------------------


@pytest.mark.slow
def test_all_rows_of_a_lesson_are_computed_and_compared_and_nothing_is_left(lab):
    before = set(lab.rglob("*"))
    done = ask("--lesson", "01", "--format", "json")
    assert done.exit_code == 1
    found = {each["id"]: each for each in json.loads(done.stdout)}
    states = {id: each["state"] for id, each in found.items()}
    assert states == {
        "T1-ONE-01": "agrees",
        "T1-ONE-02": "parts",
        "T1-ONE-03": "nothing to compute",
        "T1-ONE-04": "parts",
        "T1-ONE-05": "not compared",
        "T1-ONE-06": "not computed",
        "T1-ONE-07": "not computed",
    }
    assert found["T1-ONE-01"]["now"] == [0.5]
    assert found["T1-ONE-04"]["now"] == ["nan"]
    assert "ZeroDivisionError" in found["T1-ONE-06"]["told"]
    assert set(lab.rglob("*")) == before


def test_a_full_disk_is_told_with_what_helps_here(lab, monkeypatch):
    def full(*_, **__):
        raise RunError("name another folder with --to") from OSError(28, "No space left")

    monkeypatch.setattr(recomputing.runner, "run", full)
    done = ask("T1-ONE-01")
    assert (done.exit_code, "--to" in done.output) == (1, False)
    assert "No space left" in done.output
    assert "TMPDIR" in done.output


def test_what_a_killed_run_left_is_removed_by_a_later_one_and_a_run_that_lives_is_not(
    lab, tmp_path, monkeypatch
):
    monkeypatch.setattr(recomputing.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(recomputing.runner, "run", lambda *_, **__: 1 / 0)
    old = time.time() - 2 * recomputing._DEAD
    for name in ("labkit-claims-dead", "labkit-claims-lives", "other"):
        (tmp_path / name / "run").mkdir(parents=True)
        (tmp_path / name / "run" / "record.json").touch()
        for path in (tmp_path / name).rglob("*"):
            os.utime(path, (old, old))
        os.utime(tmp_path / name, (old, old))
    os.utime(tmp_path / "labkit-claims-lives" / "run" / "record.json")
    ask("T1-ONE-01")
    assert {path.name for path in tmp_path.iterdir()} == {"lab", "labkit-claims-lives", "other"}


@pytest.mark.slow
def test_a_row_above_a_cell_that_fails_is_computed(lab):
    done = ask("T1-ONE-01")
    assert (done.exit_code, "Computed now: 0.5" in done.output) == (0, True)


@pytest.mark.slow
def test_ctrl_c_ends_it_with_one_sentence_and_leaves_nothing(lab, tmp_path):
    path = lab / "notebooks" / "01_one.ipynb"
    path.write_text(
        path.read_text().replace(
            'claim(\\"T1-ONE-01', 'import time; time.sleep(60); claim(\\"T1-ONE-01'
        )
    )
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-m", "labkit", "claims", "check", "T1-ONE-01"]
    running = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=with_temporary(tmp_path / "temporary")
    )
    assert "Running 01_one" in running.stderr.readline()
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    told = running.communicate(timeout=60)[1]
    assert (running.returncode, told) == (130, STOPPED)
    assert not list((tmp_path / "temporary").glob("labkit-claims-*"))


def with_temporary(folder: Path) -> dict:
    return {**os.environ, "TMPDIR": str(folder)}


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 0.02, 0.04, 0.1, 0.3, 0.6])
def test_ctrl_c_from_the_start_of_the_kernel_on_leaves_nothing(lab, tmp_path, after):
    place = tmp_path / "temporary"
    place.mkdir()
    path = lab / "notebooks" / "01_one.ipynb"  # the cells go on until they are stopped
    path.write_text(path.read_text().replace('claim(\\"T', 'while True: pass\\nclaim(\\"T', 1))
    command = [sys.executable, "-m", "labkit", "claims", "check", "T1-ONE-01"]
    running = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=with_temporary(place)
    )
    while not [*place.glob("labkit-kernel-*.json")]:  # how to reach it: written as it starts
        time.sleep(0.005)
    time.sleep(after)
    running.send_signal(signal.SIGINT)
    told = running.communicate(timeout=60)[1]
    told = told.removeprefix("Running 01_one (1 of 1)\n")  # it may have come so far
    assert (running.returncode, told) == (130, STOPPED)
    assert not [*place.iterdir()]
