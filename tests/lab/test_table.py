import io
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import psutil
import pytest
import synthetic
from nbformat.v4 import new_code_cell, new_notebook

from labkit.lab import lesson as lessons
from labkit.lab import table
from labkit.lab.records import entry, index, reading
from labkit.lab.table import results


def test_no_runs_is_an_empty_table_with_its_columns_and_types(lab):
    table = results()
    assert len(table) == 0
    first = ["lesson", "run_id", "status", "started", "seconds", "cause", "error", "folder"]
    assert list(table) == [*first, "attempt"]
    assert isinstance(table.started.dtype, pd.DatetimeTZDtype)
    assert table.seconds.dtype == float


def test_the_table_has_types_that_pandas_can_compute_with(lab):
    lab.record("a", parameters={"epochs": 3, "rate": 0.1}, results={"accuracy": 0.9, "ok": True})
    lab.record("b", lesson="97", parameters={"rate": 1.0}, results={"loss": "inf", "note": "x"})
    table = results().set_index("run_id")
    assert isinstance(table.started.dtype, pd.DatetimeTZDtype)
    assert table["param.rate"].dtype == float
    assert table["param.epochs"].dtype == "Int64"  # one row lacks it, and 3 stays 3
    assert table.loc["a", "param.epochs"] == 3
    assert table.loc["b", "result.loss"] == float("inf")
    assert table.loc["a", "result.ok"] is True
    assert pd.isna(table.loc["b", "result.ok"])


def test_columns_keep_the_order_of_the_lesson(lab):
    lab.record(parameters={"z": 1, "a": 2}, results={"headline": 1, "also": 2})
    columns = list(results())[9:]
    assert columns == ["param.z", "param.a", "result.headline", "result.also", "env.mode"]


def test_rows_are_in_order_of_time_and_of_one_lesson_if_asked(lab):
    lab.lesson()
    lab.record("late", started="2026-02-01T00:00:00+00:00")
    lab.record("early", started="2026-01-01T00:00:00.5+00:00")
    lab.record("other", lesson="97", results={"of_97": 1})
    assert list(results().run_id) == ["other", "early", "late"]
    assert list(results("98").run_id) == ["early", "late"]
    assert "result.of_97" not in results(98)


def test_another_folder_can_be_read(lab, tmp_path):
    lab.record()
    assert len(results(folder=tmp_path / "nowhere")) == 0
    assert len(results(folder=lab.runs)) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Expecting value"),
        ('{"schema": 1, "lesson"', "Expecting"),
        ("\x00\x01", "Expecting value"),
        ("[]", "not a record"),
        ("{}", "not a record"),
        ('{"schema": "1"}', "not a record"),
        ('{"schema": 3}', "schema 3, but this labkit reads up to 2; update labkit"),
        ('{"schema": 1}', "missing or of a wrong kind are lesson, run_id, status, started"),
    ],
)
def test_a_record_that_cannot_be_read_is_a_row_that_says_so(lab, content, reason):
    lab.record("good")
    path = lab.record("bad")
    path.write_text(content)
    table = results().set_index("run_id")
    assert table.status.to_dict() == {"good": "finished", "bad": "unreadable"}
    assert reason in table.error["bad"]
    assert str(path) in table.error["bad"]
    assert table.lesson["bad"] == "98"


@pytest.mark.parametrize(
    "wrong",
    [
        {"parameters": [1]},
        {"results": None},
        {"error": "text"},
        {"environment": 3},
        {"process": []},
        {"started": 5},
        {"lesson": None},
        {"curves": [1]},
        {"curves": {"loss": [1, 2]}},
        {"curves": {"loss": {"step": [1, 2], "value": [1]}}},
    ],
)
def test_a_record_with_a_section_of_another_kind_is_unreadable_too(lab, wrong):
    lab.record(folder="bad", **wrong)
    (row,) = results().to_dict("records")
    assert row["status"] == "unreadable"
    assert next(iter(wrong)) in row["error"]


def test_odd_times_do_not_break_the_table(lab):
    lab.record(started="yesterday", seconds="long")
    (row,) = results().to_dict("records")
    assert pd.isna(row["started"])
    assert pd.isna(row["seconds"])


def process_of(pid: int) -> dict:
    return {
        "host": socket.gethostname(),
        "pid": pid,
        "created": psutil.Process(pid).create_time(),
    }


def test_a_running_row_of_a_living_process_is_running(lab):
    lab.record(folder=".aaa-1", status="running", process=process_of(os.getpid()))
    assert results().status.tolist() == ["running"]


def test_a_running_row_on_another_machine_is_believed(lab):
    process = {"host": "another", "pid": 1, "created": 0.0}
    lab.record(folder=".aaa-1", status="running", process=process)
    assert results().status.tolist() == ["running"]


def test_a_silent_row_of_another_machine_is_interrupted(lab):
    process = {"host": "another", "pid": 1, "created": 0.0}
    path = lab.record(folder=".aaa-1", schema=2, status="running", process=process)
    assert results().status.tolist() == ["running"]
    long_ago = time.time() - 1000
    os.utime(path, (long_ago, long_ago))
    (row,) = results().to_dict("records")
    assert row["status"] == "interrupted"
    assert re.search("no sign of life from another since 20.*:", row["error"])


def test_a_running_row_of_a_dead_process_is_interrupted(lab):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = process_of(child.pid)
    lab.record(folder=".aaa-1", status="running", process=process)
    assert results().status.tolist() == ["running"]
    child.kill()
    deadline = time.monotonic() + 5
    while results().status.tolist() == ["running"]:  # a zombie until we wait for it
        assert time.monotonic() < deadline
    child.communicate()
    (row,) = results().to_dict("records")
    assert row["status"] == "interrupted"
    assert "ended before it could finish" in row["error"]


@pytest.mark.parametrize("process", [None, {}, {"host": socket.gethostname(), "pid": "x"}])
def test_a_running_row_without_a_usable_process_does_not_break_the_table(lab, process):
    lab.record(folder=".aaa-1", status="running", process=process)
    assert len(results()) == 1


def test_another_process_with_the_same_number_is_not_taken_for_it(lab):
    process = process_of(os.getpid()) | {"created": 1.0}
    lab.record(folder=".aaa-1", status="running", process=process)
    assert results().status.tolist() == ["interrupted"]


def test_a_cut_off_run_shows_until_a_later_one_of_the_same_identity_ends(lab):
    lab.record(started="2026-01-01T00:00:01+00:00")
    lab.record(folder=".aaa-1", status="running", process={"host": socket.gethostname()})
    assert results().status.tolist() == ["finished"]  # it started before the other ended
    lab.record(
        folder=".aaa-2",
        status="running",
        started="2026-01-02T00:00:00+00:00",
        process={"host": socket.gethostname()},
    )
    assert results().status.tolist() == ["finished", "interrupted"]


# --- many records -------------------------------------------------------------------------------


def count_reads(monkeypatch):
    """Note each record.json that is read as a file."""
    reads, whole = [], reading._text
    monkeypatch.setattr(reading, "_text", lambda path: reads.append(path) or whole(path))
    return reads


@pytest.fixture
def many(tmp_path, monkeypatch):
    """A folder with 300 records, more than are read without an index."""
    monkeypatch.setattr(reading, "_seen", {})
    synthetic.write_runs(tmp_path / "many", 300, epochs=3)
    return tmp_path / "many"


def test_what_has_not_changed_is_not_read_again(many, monkeypatch):
    reads = count_reads(monkeypatch)
    first = results(folder=many)
    assert (len(first), len(reads)) == (300, 300)
    assert results(folder=many).equals(first)
    assert len(reads) == 300
    changed = next(many.glob("12_trial/*/record.json"))
    entry = json.loads(changed.read_text()) | {"seconds": 12345.5}
    changed.write_text(json.dumps(entry))
    assert 12345.5 in results(folder=many)["seconds"].tolist()
    assert len(reads) == 301


def test_an_index_gives_the_same_table_without_reading_the_records(many, monkeypatch):
    plain = results(folder=many)
    reading._seen.clear()
    reads = count_reads(monkeypatch)
    assert results(folder=many).equals(plain)
    assert reads == []
    changed = next(many.glob("12_trial/*/record.json"))
    entry = json.loads(changed.read_text()) | {"seconds": 12345.5}
    changed.write_text(json.dumps(entry))
    shutil.rmtree(next(p.parent for p in many.glob("12_trial/*/record.json") if p != changed))
    reading._seen.clear()
    again = results(folder=many)
    assert (len(again), len(reads)) == (299, 1)
    assert 12345.5 in again["seconds"].tolist()


def test_reading_leaves_an_index_and_nothing_else(many):
    before = {path.name for path in many.rglob("*")}
    results(folder=many)
    assert {path.name for path in many.rglob("*")} - before <= {
        *(index.FILE, f"{index.FILE}-wal", f"{index.FILE}-shm")
    }
    assert (many / index.FILE).exists()


def test_no_index_is_made_on_a_network_file_system(many, monkeypatch):
    monkeypatch.setattr(index, "network", lambda folder: "nfs4")
    results(folder=many)
    assert not (many / index.FILE).exists()


def test_a_folder_that_cannot_be_written_is_read_all_the_same(many, monkeypatch):
    plain = results(folder=many)
    (many / index.FILE).unlink()
    monkeypatch.setattr(index.sqlite3, "connect", refuse)
    reading._seen.clear()
    assert results(folder=many).equals(plain)


def refuse(*args, **options):
    raise sqlite3.OperationalError("unable to open database file")


@pytest.mark.parametrize("content", [b"no database at all", b""])
def test_a_damaged_index_costs_nothing(many, content):
    plain = results(folder=many)
    (many / index.FILE).write_bytes(content)
    reading._seen.clear()
    assert results(folder=many).equals(plain)


def test_a_locked_index_costs_nothing(many):
    plain = results(folder=many)
    with closing(sqlite3.connect(many / index.FILE)) as other:
        other.execute("begin exclusive")
        reading._seen.clear()
        assert results(folder=many).equals(plain)


def test_running_records_are_not_kept_in_the_index(many):
    for folder in (many / "12_trial").iterdir():
        folder.rename(folder.with_name(f".{folder.name}-x"))
    index.keep(many, [])
    results(folder=many)
    with closing(sqlite3.connect(many / index.FILE)) as kept:
        assert kept.execute("select count(*) from records").fetchone() == (0,)


# --- schemas ------------------------------------------------------------------------------------


def test_a_record_of_schema_1_stays_readable(lab):
    lab.record("old")
    (record,) = reading.read_records()
    assert (record.schema, record.curves, record.attempt) == (1, {}, 1)
    assert results().status.tolist() == ["finished"]


def test_the_documentation_names_every_key_of_a_record(lab):
    content = entry.begin(lessons.read(lab.lesson()), {}).plain()
    page = Path(__file__).parents[2].joinpath("docs", "results.md").read_text(encoding="utf-8")
    rows = page.split("## Records")[1].split("## ")[0].splitlines()
    named = [
        key
        for row in rows
        if row.startswith("| `")
        for key in re.findall("`([a-z_]+)`", row.split("|")[1])
    ]
    assert sorted(named) == sorted([*content, "progress"])
    assert f"`schema` | {content['schema']} |" in page


def test_cause_and_attempt_have_columns(lab):
    lab.record("a", status="failed", error={"kind": "timeout", "message": "late"}, attempt=2)
    (row,) = results().to_dict("records")
    assert (row["cause"], row["error"], row["attempt"]) == ("timeout", "late", 2)


# --- groups -------------------------------------------------------------------------------------


def test_groups_are_those_of_pandas_and_scipy(tmp_path):
    from scipy import stats

    synthetic.write_runs(tmp_path, 150, failures=0.2)
    runs = results(folder=tmp_path)
    found = table.group(runs, ["optimizer", "augment"], "accuracy")
    finished = runs[runs["status"] == "finished"]
    by = finished.groupby(["param.optimizer", "param.augment"])["result.accuracy"]
    expected = by.agg(["count", "mean", "std"])
    np.testing.assert_allclose(found[["n", "mean", "std"]].astype(float), expected)
    ends = [stats.t.interval(0.95, len(y) - 1, y.mean(), stats.sem(y)) for _, y in by]
    np.testing.assert_allclose(found[["low", "high"]], ends)
    assert found["failed"].sum() == (runs["status"] == "failed").sum() > 0
    assert list(found)[:2] == ["optimizer", "augment"]


def test_groups_of_odd_values(lab):
    values = [0.1, 1, None, "a", [1, 2], [1, 2], True]
    for n, value in enumerate(values):
        lab.record(f"r{n}", parameters={"p": value} if value is not None else {}, results={"y": n})
    lab.record("bad", parameters={"p": 0.1}, results={"y": "nan"})
    found = table.group(results(), "p")
    assert found["n"].tolist() == [1, 2, 2, 1, 1]  # 0.1; 1 and True; the list; "a"; missing
    assert found["mean"].tolist() == [0, 3.5, 4.5, 3, 2]


@pytest.mark.parametrize(
    ("by", "result", "message"),
    [
        ("rat", None, r"no column 'rat'. Did you mean 'rate'\? There are: .*param.rate"),
        ("rate", "accuracy", r"no column 'accuracy'.*result.answer"),
        ("rate", "note", r"'result.note' holds no numbers"),
    ],
)
def test_an_unknown_column_is_refused_with_those_there_are(lab, by, result, message):
    lab.record(results={"answer": 0.2, "note": "x"})
    with pytest.raises(table.TableError, match=message):
        table.group(results(), by, result)


# --- curves -------------------------------------------------------------------------------------


def test_curves_are_one_long_table(lab):
    curves = {"loss": {"step": [1, 2], "value": [0.5, "inf"]}, "acc": {"step": [1], "value": [1]}}
    lab.record("a", schema=2, curves=curves)
    lab.record("b", lesson="97")
    found = table.curves()
    assert found.to_dict("list") == {
        "lesson": ["98"] * 3,
        "run_id": ["a"] * 3,
        "metric": ["loss", "loss", "acc"],
        "step": [1, 2, 1],
        "value": [0.5, float("inf"), 1],
    }
    assert table.curves(results()).equals(found)
    assert table.curves(["a"]).equals(found)
    assert len(table.curves("b")) == 0


# --- two runs -----------------------------------------------------------------------------------


def two_runs(lab):
    lab.lesson()
    paths = [
        lab.record(
            f"{name}0123",
            parameters={"rate": rate, "seed": 0},
            results={"answer": rate * 2, "note": "x"},
            environment={"code": name, "numpy": "2.0", "peak_memory_mb": rate},
            started=f"2026-01-0{day}T00:00:00+00:00",
        )
        for name, rate, day in (("aa", 0.1, 1), ("ab", 0.2, 2))
    ]
    for path, source in zip(paths, ("x = 1\ny = 2", "x = 1\ny = 3"), strict=True):
        injected = new_code_cell("rate = 9", metadata={"tags": ["injected-parameters"]})
        cells = [injected, new_code_cell("same", id="same"), new_code_cell(source, id="changed")]
        nbformat.write(new_notebook(cells=cells), path.with_name("notebook.ipynb"))


def test_two_runs_differ_in_parameters_results_versions_and_code(lab):
    two_runs(lab)
    found = table.diff("aa", "ab")
    rows = {(r.section, r.name): (r.a, r.b) for r in found.itertuples()}
    assert rows["parameters", "rate"] == (0.1, 0.2)
    assert rows["results", "answer"] == (0.2, 0.4)
    assert rows["versions", "labkit code"] == ("aa", "ab")
    assert rows["code", "changed"] == ("x = 1\ny = 2", "x = 1\ny = 3")
    assert rows["run", "peak_memory_mb"] == (0.1, 0.2)
    same = {("parameters", "seed"), ("results", "note"), ("versions", "numpy"), ("code", "same")}
    assert not same & set(rows)
    text = table.diff_text("aa", "ab")
    assert (
        "answer            0.2                      0.4                      +0.2 (+100.0%)" in text
    )
    assert "\n-y = 2\n+y = 3" in text


def test_a_run_compared_with_itself_is_the_same(lab):
    two_runs(lab)
    assert len(table.diff("aa0123", "aa0123")) == 0
    text = table.diff_text("aa", "aa")
    for section in ("parameters", "results", "versions", "code"):
        assert f"{section}: the same" in text


def test_a_run_without_a_notebook_says_so(lab):
    lab.record("a")
    lab.record("b")
    assert "code: a and b left no notebook" in table.diff_text("a", "b")


def test_runs_are_found_by_id_beginning_and_word(lab):
    two_runs(lab)
    assert table.find("ab").run_id == "ab0123"
    assert table.find("98:latest").run_id == "ab0123"
    assert table.find("98:previous").run_id == "aa0123"
    assert table.find("98:first").run_id == "aa0123"
    lab.record("aa")
    assert table.find("aa").run_id == "aa"  # exact, though another begins with it


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("a", r"2 runs begin with 'a': aa0123, ab0123. Give more"),
        ("zz", r"no run 'zz'.*The latest are aa0123 \(lesson 98\), ab0123"),
        ("", r"no run ''"),
        ("98:best", r"98:best names no run; use 98:latest, 98:previous, 98:first"),
    ],
)
def test_an_unknown_run_is_refused_with_those_there_are(lab, run, message):
    two_runs(lab)
    with pytest.raises(table.TableError, match=message):
        table.find(run)


# --- for other programs -------------------------------------------------------------------------


def test_parquet_csv_and_json_hold_what_the_table_holds(lab):
    lab.record(
        "a", parameters={"n": 3, "sizes": [1, 2]}, results={"y": "inf", "w": 1, "big": 10**30}
    )
    lab.record("b", parameters={"n": 4}, results={"y": 0.5, "w": "text", "flag": True})
    runs = results()
    back = pd.read_parquet(io.BytesIO(table.to_parquet(runs)))
    assert list(back) == list(runs)
    assert back["param.n"].tolist() == [3, 4]
    assert back["param.sizes"][0].tolist() == [1, 2]
    assert back["result.y"].tolist() == [float("inf"), 0.5]
    assert back["result.w"].tolist() == ["1", '"text"']  # of mixed kinds: JSON
    assert json.loads(back["result.big"][0]) == 10**30
    assert back["started"][0] == runs["started"][0]
    rows = json.loads(table.to_json(runs))
    assert [row["result.y"] for row in rows] == ["inf", 0.5]
    assert rows[0]["param.sizes"] == [1, 2]
    assert pd.read_csv(io.StringIO(table.to_csv(runs)))["param.n"].tolist() == [3, 4]


def test_parquet_without_pyarrow_says_what_to_install(lab, monkeypatch):
    lab.record()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(table.TableError, match=r"pip install 'labkit\[parquet\]'"):
        table.to_parquet(results())


# --- the overview for reading -------------------------------------------------------------------


def test_the_overview_names_what_differs_and_the_headline(lab):
    lab.record("a", parameters={"rate": 0.1, "seed": 0}, results={"answer": 0.2, "more": 1})
    lab.record("b", parameters={"rate": 0.2, "seed": 0}, results={"answer": None, "more": 1})
    lab.record(
        "c",
        parameters={"rate": 0.3, "seed": 0},
        results={},
        error={"message": "lesson 98, cell 1 of 3 [c0] `1/0`: ZeroDivisionError: division"},
    )
    shown = table.overview(results()).set_index("run")
    assert shown.rate.tolist() == ["0.1", "0.2", "0.3"]
    assert shown.result.tolist() == ["answer=0.2", "answer=none", "ZeroDivisionError: division"]
    lab.record("z", lesson="97", parameters={"rate": 1})
    both = table.overview(results()).set_index("run")
    assert both.parameters.tolist() == ["", "rate=0.1", "rate=0.2", "rate=0.3"]
    assert shown.started.tolist() == ["01 Jan 00:00"] * 3


def test_the_overview_of_nothing_is_empty(lab):
    assert len(table.overview(results())) == 0
