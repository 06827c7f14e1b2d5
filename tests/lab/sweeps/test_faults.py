"""What a sweep survives, each fault really made: in a lesson, in a kernel, in a driver, on a disk.

Each gives one failed row with its cause, the others finish, and the same command goes on.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from helpers import (
    LAST,
    RATES,
    Counted,
    Lab,
    are_gone,
    fill,
    largest_file,
    runs_still,
    small_disk,
    wait_until,
)

from labkit.lab import sweep
from labkit.lab.records import reading
from labkit.lab.records.reading import read_record
from labkit.lab.runs import keeping
from labkit.lab.runs.limits import RunError
from labkit.lab.sweeps import planning
from labkit.lab.table import results

pytestmark = [pytest.mark.slow, pytest.mark.alone]

# --- faults of a lesson -------------------------------------------------------------------------

# name -> (code, kind of the error, words of its message)
FAULTS = {
    "a hang in Python": ("import time\ntime.sleep(600)", "timeout", "not done within 6 s"),
    # PyDLL keeps Python's lock: no signal handler, no thread of the kernel runs any more.
    "a hang in native code": (
        "import ctypes\nctypes.PyDLL(None).sleep(600)",
        "timeout",
        "not done within 6 s",
    ),
    "memory": (
        "import time\nhog = bytearray(b'x') * 800_000_000\ntime.sleep(600)",
        "memory",
        "more than 500 MB of memory",
    ),
    "memory of a child": (
        "import subprocess, sys\n"
        "code = \"import time; hog = bytearray(b'x') * 800_000_000; time.sleep(600)\"\n"
        "subprocess.run([sys.executable, '-c', code])",
        "memory",
        "more than 500 MB of memory",
    ),
    "sys.exit(0)": ("import sys\nsys.exit(0)", "cell error", "sys.exit()"),
    "sys.exit(3)": ("import sys\nsys.exit(3)", "cell error", "SystemExit: 3"),
    "os._exit(0)": ("import os\nos._exit(0)", "killed kernel", "the kernel died"),
    "a crash": ("import ctypes\nctypes.string_at(0)", "killed kernel", "crashed in native code"),
    "an abort": ("import os\nos.abort()", "killed kernel", "the kernel died"),
    "SIGKILL": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "killed kernel",
        "the kernel died: killed",
    ),
    "an error": ("1 / 0", "cell error", "ZeroDivisionError: division by zero"),
}
FAULTY = f"""faults = {{name: code for name, (code, *_) in {FAULTS!r}.items()}}
exec(faults.get(fault, ""))"""
GOOD = ("none", "none at all")
LIMITS = {"timeout": 6, "memory": "500MB", "show": False, "workers": 4}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """The sweep of a lesson over every fault, and its results folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_HOME", str(home := tmp_path_factory.mktemp("faults")))
        patch.delenv("LABKIT_RUNS", raising=False)
        lab = Lab(home)
        parameters = "fault = 'none'  # what goes wrong\nrate = 0.1  # a number"
        lab.lesson(FAULTY, LAST, parameters=parameters)
        yield sweep("98", {"fault": [GOOD[0], *FAULTS, GOOD[1]]}, **LIMITS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_gives_one_failed_row_with_its_cause(faulty, fault):
    _, kind, words = FAULTS[fault]
    table = faulty.table()
    (row,) = table[table["param.fault"] == fault].to_dict("records")
    assert (row["status"], row["cause"]) == ("failed", kind)
    assert words in row["error"]
    assert "cell 3 of 4 [c0]" in row["error"]
    text = Path(row["folder"], "notebook.ipynb").read_text(encoding="utf-8")
    cells = json.loads(text)["cells"]
    told = {cell["id"]: cell["metadata"].get("papermill", {}).get("status") for cell in cells}
    assert (told["c0"], told["c1"]) == ("failed", "pending")


def test_a_lesson_that_prints_without_end_is_one_failed_row(lab):
    # Without a limit of memory, which the flood in the kernel's queue may pass first.
    lab.lesson("while rate == 0.2:\n    print('x' * 10_000)", LAST)
    done = sweep("98", {"rate": [0.1, 0.2, 0.3]}, show=False)
    table = done.table().sort_values("param.rate")
    assert table["status"].tolist() == ["finished", "failed", "finished"]
    assert table["cause"].tolist()[1] == "output"
    assert "more than 20 MB of output" in table["error"].tolist()[1]
    notebook = Path(table["folder"].tolist()[1], "notebook.ipynb")
    assert notebook.stat().st_size < 100_000


def test_the_others_finish_and_nothing_is_left_over(faulty):
    table = faulty.table()
    good = table[table["param.fault"].isin(GOOD)]
    assert good["status"].tolist() == ["finished"] * 2
    assert good["result.answer"].tolist() == [0.1] * 2
    assert len(table) == len(FAULTS) + 2
    assert not faulty.ok
    assert not list(faulty.plan.place.glob(".*"))


def test_the_same_command_tries_again_what_may_have_come_from_outside(faulty):
    grid = {"fault": [GOOD[0], *FAULTS, GOOD[1]]}
    plan = planning.plan("98", grid, folder=faulty.plan.folder)
    again = {point.parameters["fault"] for point in plan.todo}
    own_doing = {name for name, (_, kind, _) in FAULTS.items() if kind == "cell error"}
    assert again == set(FAULTS) - own_doing


# --- a lesson that tells when and where it runs --------------------------------------------------


@pytest.fixture
def counted(lab):
    return Counted(lab)


def kill_group(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_driver_killed_with_all_its_group_loses_nothing(counted):
    counted.hold.touch()
    with counted.start() as process:
        wait_until(lambda: len(counted.runs()) == 4)  # two have finished, two wait
        kill_group(process)
    wait_until(lambda: are_gone(counted.pids()), 30)  # no kernel outlives its driver
    assert sorted(results()["status"]) == ["finished"] * 2 + ["interrupted"] * 2
    assert sum(f.is_dir() for f in (counted.lab.runs / "98_trial").glob(".*")) == 2
    counted.hold.unlink()
    done = subprocess.run(counted.command(), capture_output=True, text=True)
    assert done.returncode == 0
    counted.check()
    assert counted.runs() == sorted([*RATES, 0.3, 0.4])  # only what had not finished ran again
    attempts = dict(zip(results()["param.rate"], results()["attempt"], strict=True))
    assert attempts == {0.1: 1, 0.2: 1, 0.3: 2, 0.4: 2, 0.5: 1, 0.6: 1}


def test_a_kernel_killed_from_outside_is_one_failed_row_and_runs_again(counted):
    counted.hold.touch()
    with counted.start(workers=6) as process:
        wait_until(lambda: len(counted.runs()) == len(RATES))
        victim = next(name for name in os.listdir(counted.started) if name.startswith("0.5-"))
        os.kill(int(victim.split("-")[1]), signal.SIGKILL)
        wait_until(lambda: "failed" in results()["status"].tolist())
        counted.hold.unlink()
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "6 runs, 5 finished, 1 failed (1 killed kernel)" in out
    assert subprocess.run(counted.command(), capture_output=True).returncode == 0
    counted.check()
    assert counted.runs() == sorted([*RATES, 0.5])


def test_two_drivers_at_once_share_the_work_and_both_end_with_the_whole_table(counted):
    both = [counted.start(workers=1), counted.start(workers=1)]
    for process in both:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0, out
        assert "6 runs, 6 finished" in out
    counted.check()
    assert counted.runs() == RATES  # nothing was run twice


def test_one_driver_takes_over_what_another_leaves(counted):
    counted.hold.touch()
    with counted.start() as first, counted.start() as second:
        wait_until(lambda: len(counted.runs()) == 6)  # two have finished, each driver holds two
        kill_group(first)
        counted.hold.unlink()
        out, _ = second.communicate(timeout=120)
    assert second.returncode == 0, out
    counted.check()
    assert len(counted.runs()) == len(RATES) + 2


def test_a_failure_that_another_driver_met_is_not_tried_again(lab):
    """Two drivers on a lesson that always dies: one attempt, not one each."""
    lab.lesson(
        f"import os, pathlib\npathlib.Path({str(lab.home)!r}, f'pid-{{os.getpid()}}').touch()",
        "import time\ntime.sleep(1)\nos._exit(1)",
    )
    words = [sys.executable, "-m", "labkit", "sweep", "98", "-g", "rate=0.1,0.2"]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 1
        assert out == "98_trial: 2 runs, 2 failed (2 killed kernel)\n"
    # The second may have begun when the first had ended; then it rightly tries again.
    assert len(list(lab.home.glob("pid-*"))) in (2, 4)
    assert len(results()) == 2


def test_chaos_ends_with_one_finished_row_each(lab):
    """Three drivers; drivers and kernels killed at random; the same command until all is done."""
    rates = [n / 20 for n in range(1, 13)]
    counted = Counted(lab, seconds=1.0)
    chance = random.Random(5)
    drivers, killed = [], {"drivers": 0, "kernels": 0}
    deadline = time.monotonic() + 40
    while min(killed.values()) < 3 and time.monotonic() < deadline:
        drivers = [driver for driver in drivers if driver.poll() is None]
        while len(drivers) < 3:
            drivers.append(counted.start(rates=rates))
        time.sleep(chance.uniform(0.1, 0.6))
        alive = [pid for pid in counted.pids() if runs_still(pid)]
        if alive and killed["kernels"] <= killed["drivers"]:
            killed["kernels"] += kill(chance.choice(alive))
        elif alive:  # what it was running is lost with it
            killed["drivers"] += kill(-chance.choice(drivers).pid)
    for driver in drivers:
        kill(-driver.pid)
        driver.communicate()
    for _ in range(5):
        done = subprocess.run(counted.command(2, rates), capture_output=True, text=True)
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr
    assert min(killed.values()) >= 1, killed
    counted.check(rates)


def kill(pid) -> int:
    """Kill a process, or a group if negative; tell whether it was there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


# --- what a killed process leaves ----------------------------------------------------------------


def test_a_run_cut_off_between_its_end_and_its_name_gets_its_name(lab):
    lab.lesson(LAST)
    done = sweep("98", {"rate": [0.1, 0.2]}, show=False)
    place, (one, two) = done.plan.place, done.plan.points
    # As if killed just before the rename, and in the middle of replacing an older folder.
    os.rename(place / one.run_id, make_dead(place, one.run_id, ".{}-01234567"))
    os.rename(place / two.run_id, make_dead(place, two.run_id, ".{}-01234567-old0"))
    (place / f".{one.run_id}-89abcdef").mkdir()  # killed before its record was there
    os.utime(place / f".{one.run_id}-89abcdef", (0, 0))
    again = sweep("98", {"rate": [0.1, 0.2, 0.3]}, show=False)
    assert again.ok
    assert lab.folders() == sorted(point.run_id for point in again.plan.points)
    assert again.table()["attempt"].tolist() == [1, 1, 1]


def make_dead(place, run_id, name):
    """Have the record of a run tell of a process that is gone; return a name for its folder."""
    path = place / run_id / "record.json"
    entry = json.loads(path.read_text())
    entry["process"]["pid"] = 2**22 + 1
    path.write_text(json.dumps(entry))
    return place / name.format(run_id)


def test_what_another_machine_runs_is_left_alone_until_it_is_silent(lab):
    lab.lesson(LAST)
    done = sweep("98", {"rate": [0.1]}, show=False)
    (point,), place = done.plan.points, done.plan.place
    entry = read_record(place / point.run_id).plain()
    staged = place / f".{point.run_id}-01234567"
    staged.mkdir()
    entry["process"]["host"] = "elsewhere"
    entry |= {"status": "running", "started": "2020-01-01T00:00:00.000+00:00"}
    (staged / "record.json").write_text(json.dumps(entry))
    assert keeping.runs_now(place, point.run_id)
    keeping.clean(place)
    assert staged.exists()
    long_ago = time.time() - 10 * reading.SILENT
    for path in (staged, staged / "record.json"):
        os.utime(path, (long_ago, long_ago))
    assert not keeping.runs_now(place, point.run_id)
    keeping.clean(place)
    assert not staged.exists()


# --- disks --------------------------------------------------------------------------------------


def test_a_lesson_that_fills_the_disk_fails_and_the_others_finish(lab, tmp_path):
    lab.lesson("print('x' * 3_000_000 if rate == 0.2 else 'x')", LAST)
    with small_disk(tmp_path / "disk") as disk:
        done = sweep("98", {"rate": [0.1, 0.2, 0.3, 0.4]}, show=False, folder=disk, workers=2)
        table = done.table().sort_values("param.rate")
        assert table["status"].tolist() == ["finished", "failed", "finished", "finished"]
        assert table["cause"].tolist()[1] == "runner error"
        assert "could not be kept: No space left on device" in table["error"].tolist()[1]
        assert not list(done.plan.place.glob(".*"))
        assert "1 failed (1 runner error)" in repr(done)


def test_a_disk_that_is_full_from_the_start_is_a_sentence(lab, tmp_path):
    lab.lesson(LAST)
    with small_disk(tmp_path / "disk") as disk:
        fill(disk, leave=0)
        with pytest.raises(RunError, match="No space left") as error:
            sweep("98", {"rate": [0.1]}, show=False, folder=disk)
        assert "--to" in str(error.value)


def test_a_notebook_too_large_for_the_file_system_is_one_failed_row(lab):
    lab.lesson("print('x' * 600_000 if rate == 0.2 else 'x')", LAST)
    with largest_file(500_000):
        done = sweep("98", {"rate": [0.1, 0.2, 0.3]}, show=False, shard="1/1")
    table = done.table().sort_values("param.rate")
    assert table["status"].tolist() == ["finished", "failed", "finished"]
    assert table["error"].tolist()[1].endswith("could not be kept: File too large")


def test_a_folder_that_cannot_be_written_is_a_sentence_and_stays_as_it_was(lab, tmp_path):
    lab.lesson(LAST)
    with small_disk(tmp_path / "disk") as disk:
        good = sweep("98", {"rate": [0.1]}, show=False, folder=disk)
        before = tree(disk)
        remount = ["mount", "-o", "remount,ro", str(disk)]
        subprocess.run(remount, check=True)
        with pytest.raises(RunError, match=r"Cannot keep results in .*: Read-only file system"):
            sweep("98", {"rate": [0.1, 0.2]}, show=False, folder=disk)
        # What is there already needs no writing.
        assert sweep("98", {"rate": [0.1]}, show=False, folder=disk).ok
        assert good.table()["status"].tolist() == ["finished"]
        assert tree(disk) == before


def test_a_disk_that_fills_up_meanwhile_costs_the_runs_that_end_then_and_no_others(lab, tmp_path):
    counted = Counted(lab)
    counted.hold.touch()
    with small_disk(tmp_path / "disk") as disk:
        going = sweep("98", {"rate": [0.1, 0.6]}, folder=disk, wait=False, show=False, workers=1)
        wait_until(lambda: counted.runs() == [0.1, 0.6])
        fill(disk, leave=0)
        counted.hold.unlink()
        with suppress(RunError):  # where not even the row of a failed run fits any more
            going.wait()
        assert not going.ok
        ends = [going.results[point.run_id] for point in going.plan.points]
        assert [end.status for end in ends] == ["finished", "failed"]
        assert ends[1].cause == "runner error"
        assert "No space left on device" in ends[1].error
        (disk / "filler0").unlink()
        # Its row is there if what it had written itself made room enough.
        assert results(folder=disk)["status"].tolist() in (["finished"], ["finished", "failed"])
        assert sweep("98", {"rate": [0.1, 0.6]}, folder=disk, show=False).ok
        assert results(folder=disk)["status"].tolist() == ["finished"] * 2
        assert not list(going.plan.place.glob(".*"))


def tree(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def test_a_results_folder_that_goes_away_does_not_hang_the_sweep(lab, tmp_path):
    lab.lesson("import time\ntime.sleep(1)", LAST)
    going = sweep("98", {"rate": [0.1, 0.2]}, folder=tmp_path / "gone", wait=False, show=False)
    wait_until(lambda: len(list(going.plan.place.glob(".[0-9a-f]*-*"))) == 2)
    shutil.rmtree(tmp_path / "gone")
    try:
        going.wait()
    except (RunError, OSError):
        return
    assert not going.going
