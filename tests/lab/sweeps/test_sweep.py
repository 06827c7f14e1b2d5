"""Planning and running sweeps; the faults that they survive are in test_faults."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import NASTY, call, wait_until

import labkit
from labkit import machine
from labkit.lab import lesson as lessons
from labkit.lab import sweep
from labkit.lab.parameters import ParameterError
from labkit.lab.places import PlaceError
from labkit.lab.runs.limits import RunError, memory_in_bytes
from labkit.lab.sweeps import driver, planning, worker
from labkit.lab.sweeps.grids import SweepError
from labkit.lab.table import results

pytestmark = pytest.mark.alone

PARAMETERS = "rate = 0.1  # step size, in [0.01, 1]\nseed = 0  # random seed, in [0, 99]"
RECORD = "from labkit.lab import record\nrecord('98', answer=2 * rate)"
# Fails by its own doing at rate 0.5.
CELLS = [RECORD, "if rate == 0.5:\n    1 / 0"]


def ended(lab, parameters, status="finished", kind=None, seconds=2.0, **more):
    """Leave the record that a run with these parameters would have left."""
    path = lab.home / "notebooks" / "98_trial.ipynb"
    run_id = lessons.read(path).identity({"rate": 0.1, "seed": 0} | parameters)
    error = {"kind": kind, "message": f"a {kind}"} if kind else None
    folder = run_id + ("" if status == "finished" else f".{status}")
    more |= {"parameters": parameters, "status": status, "error": error, "seconds": seconds}
    lab.record(run_id, folder=folder, **more)
    return run_id


def states(plan):
    return [row["state"] for row in plan.rows()]


# --- planning -----------------------------------------------------------------------------------


def test_a_plan_tells_what_is_done_and_what_will_be_run(lab):
    lab.lesson(*CELLS, parameters=PARAMETERS)
    ended(lab, {"rate": 0.1})
    ended(lab, {"rate": 0.2}, "failed", "cell error")
    ended(lab, {"rate": 0.3}, "failed", "expectation")
    ended(lab, {"rate": 0.4}, "failed", "timeout")
    ended(lab, {"rate": 0.6}, "interrupted", "interrupted")
    grid = {"rate": [0.1, 0.2, 0.3, 0.4, 0.6, 0.7]}
    plan = planning.plan("98", grid)
    assert states(plan) == [
        "finished",
        "failed: cell error",
        "failed: expectation",
        "to run again (failed: timeout)",
        "to run again (interrupted)",
        "to run",
    ]
    assert [point.parameters["rate"] for point in plan.todo] == [0.4, 0.6, 0.7]
    again = planning.plan("98", grid, retry_failed=True)
    assert [point.parameters["rate"] for point in again.todo] == [0.2, 0.3, 0.4, 0.6, 0.7]
    assert "6 runs; 1 finished before, 2 failed before (--retry-failed" in str(plan)
    assert plan.names == ("rate",)
    assert not (lab.runs / "runs.sqlite").exists()  # planning writes nothing


def test_another_code_or_parameter_is_another_run(lab):
    lab.lesson(*CELLS, parameters=PARAMETERS)
    ended(lab, {"rate": 0.1})
    assert not planning.plan("98", {"rate": [0.1]}).todo
    assert planning.plan("98", {"rate": [0.1], "seed": [1]}).todo
    lab.lesson(*CELLS, "1", parameters=PARAMETERS)
    assert planning.plan("98", {"rate": [0.1]}).todo


def test_a_good_run_with_a_later_failure_is_done(lab):
    lab.lesson(*CELLS, parameters=PARAMETERS)
    ended(lab, {"rate": 0.1})
    ended(lab, {"rate": 0.1}, "failed", "timeout", started="2027-01-01T00:00:00.000+00:00")
    assert states(planning.plan("98", {"rate": [0.1]})) == ["finished"]


def test_an_unreadable_record_is_no_end(lab):
    lab.lesson(*CELLS, parameters=PARAMETERS)
    run_id = ended(lab, {"rate": 0.1})
    (lab.runs / "98_trial" / run_id / "record.json").write_text("{")
    assert states(planning.plan("98", {"rate": [0.1]})) == ["to run"]


def test_the_time_is_estimated_from_what_was_measured(lab):
    lab.lesson(*CELLS, parameters=PARAMETERS)
    grid = {"rate": "0.1..1:10"}
    plan = planning.plan("98", grid, workers=4)
    assert plan.seconds is None
    assert "no estimate of the time: no run of this lesson has been measured yet" in str(plan)
    header = "lesson,seconds,peak_memory_mb,calibration_seconds\n"
    (lab.home / "notebooks" / "measured.csv").write_text(header + "98,7.0,100,0.003\n")
    plan = planning.plan("98", grid, workers=4)
    assert plan.seconds == 3 * 7.0  # ten runs are three rounds of four
    assert "from notebooks/measured.csv" in str(plan)
    for n, seconds in enumerate((2.0, 3.0, 100.0)):
        ended(lab, {"rate": 0.1, "seed": n}, seconds=seconds)
    ended(lab, {"rate": 0.9}, "failed", "timeout", seconds=1000.0)
    plan = planning.plan("98", grid, workers=4)
    assert plan.seconds == 3 * 3.0  # nine runs are left
    assert "under 10 s (the median of 3 finished runs there)" in str(plan)


def test_shards_are_disjoint_and_together_the_whole(lab):
    lab.lesson(*CELLS, parameters=PARAMETERS)
    grid = {"rate": "0.1..1:10", "seed": [0, 1, 2]}
    whole = [point.run_id for point in planning.plan("98", grid).points]
    ended(lab, {"rate": 0.1})  # what is done already must not move the others
    parts = [planning.plan("98", grid, shard=f"{i}/7").points for i in range(1, 8)]
    assert sorted(p.run_id for part in parts for p in part) == sorted(whole)
    assert {len(part) for part in parts} == {4, 5}
    assert planning.plan("98", {"rate": [0.1]}, shard="2/2").points == []
    with pytest.raises(SweepError, match="exclude each other"):
        sweep("98", grid, shard="1/2", scheduler="local")


@pytest.mark.parametrize("shard", ["0/0", "0/3", "4/3", "1", "a/b", "1/2/3", "-1/3", (1,), 3])
def test_a_shard_that_makes_no_sense_is_refused(shard):
    with pytest.raises(SweepError, match=r"it is I/N, one of N parts, with I from 1 to N"):
        planning.read_shard(shard)


@pytest.mark.parametrize(
    ("wrong", "error", "reason"),
    [
        ({"lesson": "77"}, PlaceError, "There is no lesson '77'; there are: 98_trial"),
        ({"grid": {"rat": [1]}}, ParameterError, "Did you mean 'rate'"),
        ({"grid": {"rate": [7]}}, ParameterError, "a number from 0.01 to 1"),
        ({"grid": {"rate": []}}, SweepError, "rate has no values"),
        ({"grid": {}}, SweepError, "Nothing to sweep"),
        ({"points": []}, SweepError, "points has no rows"),
        ({"points": [{"rat": 1}]}, SweepError, "row 1: There is no parameter 'rat'"),
        ({"points": "none.csv"}, SweepError, r"Cannot read none\.csv"),
        ({"workers": 0}, SweepError, "workers = 0 is not allowed"),
        ({"workers": 1.5}, SweepError, "workers = 1.5 is not allowed"),
        ({"seed": -1}, SweepError, "seed = -1 is not allowed"),
        ({"timeout": 0}, RunError, "a number of seconds above 0"),
        ({"memory": "lots"}, RunError, "a size such as 2GB or 500MB"),
        ({"memory": 0}, RunError, "at least 50MB"),
        ({"memory": "-2GB"}, RunError, "a size such as 2GB"),
        ({"shard": "0/0"}, SweepError, "with I from 1 to N"),
    ],
)
def test_everything_is_checked_before_anything_starts(lab, wrong, error, reason):
    lab.lesson(*CELLS, parameters=PARAMETERS)
    given = {"lesson": "98", "grid": {"rate": [0.1]}} | wrong
    with pytest.raises(error, match=reason):
        sweep(given.pop("lesson"), given.pop("grid"), show=False, **given)
    assert not lab.runs.exists()


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2 * 10**9), ("1.5 GiB", 3 * 2**29), ("500m", 500 * 10**6), (60_000_000, 60_000_000)],
)
def test_sizes_of_memory_are_read(text, size):
    assert memory_in_bytes(text) == size


# --- the command line ---------------------------------------------------------------------------


def test_a_dry_run_lists_what_would_run_and_runs_nothing(lab, tmp_path):
    lab.lesson(*CELLS, parameters=PARAMETERS)
    ended(lab, {"rate": 0.2})
    (tmp_path / "points.csv").write_text("rate\n0.1\n0.2\n0.2\n")
    words = ["sweep", 98, "--points", tmp_path / "points.csv", "-g", "seed=0,1", "--dry-run"]
    result = call(*words, "--workers", "1")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["rate", "seed", "run", "state"]
    assert [[*line[:2], *line[3:]] for line in lines[1:]] == [
        ["0.1", "0", "to", "run"],
        ["0.1", "1", "to", "run"],
        ["0.2", "0", "finished"],
        ["0.2", "1", "to", "run"],
    ]
    assert (
        "4 runs (2 duplicates left out); 1 finished before; 3 to run with 1 worker, under 10 s"
        in (result.stderr)
    )
    assert len(lab.folders()) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-g", "rate=7"], "rate = 7.0 is not allowed; rate is a number from 0.01 to 1"),
        (["-g", "rate=0.1..1"], "add --sample K"),
        (["-g", "rate=0.1", "--shard", "0/0"], "shard = '0/0' is not allowed"),
        (["-g", "rate=0.1", "--workers", "0"], "workers = 0 is not allowed"),
        (["-g", "rate=0.1", "--memory", "2 chips"], "memory = '2 chips' is not allowed"),
        (["-g", "rate=0.1", "--timeout", "-1"], "a number of seconds above 0"),
        (["--points", "none.csv"], "Cannot read none.csv"),
        ([], "Nothing to sweep"),
    ],
)
@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_a_bad_call_is_a_sentence(lab, words, reason, dry):
    lab.lesson(*CELLS, parameters=PARAMETERS)
    result = call("sweep", "98", *words, *dry, code=2)
    assert reason in result.stderr
    assert result.stdout == ""
    assert not lab.runs.exists()


def test_the_help_shows_each_notation():
    text = call("sweep", "--help").stdout
    for notation in ("=0.1,0.01 ", "=1..10:4 ", "=0.001..1:log:4 ", "=0..0.5 ", "[8,16],[32]"):
        assert notation in text


# --- running ------------------------------------------------------------------------------------


def rows(lab):
    """Return (rate, status) of each row of the table, hidden folders that are left, if any."""
    table = results()
    found = sorted(zip(table["param.rate"], table["status"], strict=True))
    return found, [name for name in lab.folders() if name.startswith(".")]


@pytest.mark.slow
def test_a_sweep_keeps_every_result_and_the_same_command_runs_nothing_again(lab):
    lab.lesson(*CELLS, parameters=PARAMETERS)
    words = ["sweep", "98", "-g", "rate=0.1,0.5", "--repeats", "2"]
    result = call(*words, code=1)  # one of the two rates fails
    assert result.stdout == "98_trial: 4 runs, 2 finished, 2 failed (2 cell error)\n"
    assert "FAILED rate=0.5 seed=0 and 1 more: lesson 98, cell 4 of 4 [c1]" in result.stderr
    expected = [(0.1, "finished"), (0.1, "finished"), (0.5, "failed"), (0.5, "failed")]
    assert rows(lab) == (expected, [])
    before = {path: path.stat().st_mtime_ns for path in lab.runs.glob("*/*/record.json")}
    assert call(*words, code=1).stdout == result.stdout
    after = {path: path.stat().st_mtime_ns for path in lab.runs.glob("*/*/record.json")}
    assert after == before
    lab_folder = next((lab.runs / "98_trial").glob("*[!d]/"))
    assert sorted(os.listdir(lab_folder)) == ["notebook.ipynb", "record.json"]  # no page
    (record,) = [json.loads(path.read_text()) for path in list(before)[:1]]
    assert record["schema"] == 2
    assert record["attempt"] == 1
    assert record["environment"]["kernel"] in ("forked", "started")


@pytest.mark.slow
def test_failures_are_run_again_when_asked(lab, monkeypatch):
    lab.lesson(RECORD, "import os\nif 'FAIL' in os.environ:\n    1 / 0", parameters=PARAMETERS)
    monkeypatch.setenv("FAIL", "1")
    first = sweep("98", {"rate": [0.1, 0.2]}, show=False)
    assert not first.ok
    assert [end.cause for end in first.results.values()] == ["cell error"] * 2
    monkeypatch.delenv("FAIL")
    assert not sweep("98", {"rate": [0.1, 0.2]}, show=False).ok
    again = sweep("98", {"rate": [0.1, 0.2]}, show=False, retry_failed=True)
    assert again.ok
    assert again.table()["attempt"].tolist() == [2, 2]
    assert rows(lab) == ([(0.1, "finished"), (0.2, "finished")], [])


def test_a_sweep_ends_with_its_last_run_and_waits_for_nothing_more(lab, monkeypatch):
    lab.lesson(PARAMETERS)
    monkeypatch.setattr(driver, "TICK", 30.0)
    monkeypatch.setattr(driver, "execute", lambda job, stop: worker.End("finished"))
    started = time.monotonic()
    assert sweep("98", {"rate": [0.1, 0.2, 0.3]}, workers=1, show=False).ok
    assert time.monotonic() - started < 15


@pytest.mark.slow
def test_a_shard_uses_no_sqlite_and_the_table_has_all(lab):
    lab.lesson(*CELLS, parameters=PARAMETERS)
    grid = {"rate": [0.1, 0.2, 0.3]}
    for part in ("1/2", "2/2"):
        done = sweep("98", grid, shard=part, show=False, workers=1)
        assert done.ok
        assert not (lab.runs / "runs.sqlite").exists()
    assert not planning.plan("98", grid).todo
    assert rows(lab) == ([(0.1, "finished"), (0.2, "finished"), (0.3, "finished")], [])


@pytest.mark.slow
def test_a_sweep_in_the_background_is_seen_while_it_goes_and_can_be_stopped(lab):
    lab.lesson(
        "from labkit.lab import record, log\nlog('98', 1, loss=rate)",
        "import time\ntime.sleep(60 if rate == 0.5 else 0)",
        RECORD,
        parameters=PARAMETERS,
    )
    going = sweep("98", {"rate": [0.1, 0.5]}, workers=2, wait=False, show=False)
    assert going.going
    deadline = time.monotonic() + 120
    seen: list = []
    while not (seen and seen[0].get("curves")) or rows(lab)[0][0][1] != "finished":
        assert time.monotonic() < deadline
        time.sleep(0.05)
        seen = [
            record
            for path in (lab.runs / "98_trial").glob(".*/record.json")
            if (record := json.loads(path.read_text()))["parameters"]["rate"] == 0.5
        ]
    assert seen[0]["status"] == "running"
    assert seen[0]["curves"] == {"loss": {"step": [1], "value": [0.5]}}
    assert seen[0]["progress"]["cells"] == 6  # with the cell of the injected parameters
    going.stop()
    going.wait()
    assert not going.ok
    assert rows(lab) == ([(0.1, "finished"), (0.5, "interrupted")], [])
    assert "2 runs, 1 finished, 1 interrupted" in repr(going)


@pytest.mark.slow
def test_explorers_are_not_walked_and_cores_are_shared_out(lab, monkeypatch):
    for name in worker.THREADS:
        monkeypatch.delenv(name, raising=False)
    lab.lesson(
        "import os\nfrom labkit.explore import kit\nfrom labkit.lab import record",
        "record('98', walks=kit.walks(), headless=kit.headless())",
        "record('98', threads=os.environ['OMP_NUM_THREADS'])",
        parameters=PARAMETERS,
    )
    done = sweep("98", {"rate": [0.1]}, show=False, workers=1)
    (row,) = done.table().to_dict("records")
    assert (row["result.walks"], row["result.headless"]) == (False, True)
    assert row["result.threads"] == str(machine.cores())
    assert labkit.run("98", page=False).results["walks"] is True


@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(lab):
    started = lab.home / "started"
    started.mkdir()
    lab.lesson(
        "import os, pathlib, time\n"
        f"pathlib.Path({str(started)!r}, str(os.getpid())).touch()\n"
        f"while rate > 0.25 and not pathlib.Path({str(lab.home / 'go')!r}).exists():\n"
        "    time.sleep(0.1)",
        RECORD,
        parameters=PARAMETERS,
    )
    command = [sys.executable, "-m", "labkit", "sweep", "98", "--workers", "2"]
    command += ["-g", "rate=0.1,0.2,0.3,0.4,0.6"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: len(list(started.iterdir())) == 4)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, message = process.communicate(timeout=120)
    assert process.returncode == 130
    assert b"5 runs, 2 finished, 2 interrupted, 1 not run" in message
    assert b"the same command goes on from there" in message
    found, hidden = rows(lab)
    assert [status for _, status in found] == ["finished"] * 2 + ["interrupted"] * 2
    assert hidden == []
    for pid in map(int, os.listdir(started)):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    (lab.home / "go").touch()
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert done.stdout == "98_trial: 5 runs, 5 finished\n"
    assert rows(lab) == ([(r, "finished") for r in (0.1, 0.2, 0.3, 0.4, 0.6)], [])
    assert len(list(started.iterdir())) == 4 + 3


# --- parameters are data ------------------------------------------------------------------------

TEXTS = ("text = ''  # a text", "texts = ['a']  # texts", "number = 0.5  # a number")


@pytest.mark.slow
def test_crafted_values_arrive_unchanged_through_file_and_kernel(lab, tmp_path):
    lab.lesson(
        "from labkit.lab import record\nrecord('98', text=text, texts=texts, number=number)",
        parameters="\n".join(TEXTS),
    )
    crafted = [text for text in NASTY if text not in ("", "\x00")]  # empty cell: the default
    points = tmp_path / "points.csv"
    with points.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "texts", "number"])
        writer.writerow(["".join(crafted), json.dumps(crafted), "1e-300"])
        writer.writerow(["/a/{path}/../*", json.dumps([str(n) for n in range(1000)]), "-0.0"])
    done = sweep("98", points=str(points), show=False)
    assert done.ok, done
    table = done.table().set_index("param.number")
    assert table["result.text"].to_dict() == {1e-300: "".join(crafted), 0.0: "/a/{path}/../*"}
    assert table["result.texts"][1e-300] == crafted
    assert len(table["result.texts"][0.0]) == 1000
    assert not list(lab.home.rglob("made"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"number": [float("nan")]}, "number = nan is not allowed; number is a number, neither"),
        ({"number": [float("inf")]}, "neither nan nor infinite"),
        ({"number": ["__import__('os').getpid()"]}, "is not allowed; number is a number"),
        ({"texts": [["a"] * 1001]}, "texts has 1001 items; at most 1000 are allowed"),
        ({"text": ["\ud800"]}, "is not allowed; text is text"),
        ({"text": [{"a": 1}]}, "is not allowed; text is text"),
        ({"number": [10**400]}, "is not allowed; number is a number"),
    ],
)
def test_values_that_cannot_be_kept_are_refused_with_the_reason(lab, given, reason):
    lab.lesson("1", parameters="\n".join(TEXTS))
    with pytest.raises(ParameterError) as error:
        sweep("98", given, show=False)
    assert reason in str(error.value)


def test_a_path_is_taken_as_the_text_that_it_is(lab):
    lab.lesson("1", parameters="\n".join(TEXTS))
    (point,) = planning.plan("98", {"text": [Path("/a/b")]}).points
    assert point.parameters["text"] == "/a/b"
