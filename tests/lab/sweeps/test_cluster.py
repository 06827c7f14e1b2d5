"""Sweeps on dask: a real scheduler and real worker processes, killed in the middle."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from helpers import RATES, Counted, Lab, are_gone, call, wait_until

from labkit.lab import places, sweep
from labkit.lab.sweeps import planning, worker
from labkit.lab.sweeps.grids import SweepError
from labkit.lab.table import results

pytestmark = pytest.mark.alone

distributed = pytest.importorskip("distributed")
cluster = pytest.importorskip("labkit.lab.sweeps.cluster")

RECORD = "from labkit.lab import record\nrecord('98', answer=rate)"


class Machines:
    """A scheduler and its workers, each a process of its own that listens on this machine only."""

    def __init__(self, folder):
        self.folder, self.workers, self.drivers = folder, [], []
        self.address = f"tcp://127.0.0.1:{free_port()}"
        port = self.address.rpartition(":")[2]
        where = ["--host", "127.0.0.1", "--port", port, "--no-dashboard", "--no-show"]
        # A lesson that killed two workers is to blame, not three as dask has it by default.
        blame = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
        self.scheduler = self._start("scheduler", "Scheduler at", *where, **blame)

    def need(self, count) -> list[subprocess.Popen]:
        """Return so many workers with a thread each, started where they are missing."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < count:
            self.workers.append(self.new_worker())
        for each in self.workers[count:]:
            kill(each)
        return self.workers[:count]

    def new_worker(self):
        where = [self.address, "--host", "127.0.0.1", "--no-dashboard", "--no-nanny"]
        return self._start("worker", "Registered to", *where, "--nthreads", "1")

    def _start(self, what, ready, *words, **environment) -> subprocess.Popen:
        log = self.folder / f"{what}-{time.monotonic_ns()}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", what, *words],
                stdout=file,
                stderr=file,
                env=os.environ | environment,
                start_new_session=True,
            )
        wait_until(lambda: ready in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        return process

    def stop(self):
        for process in (*self.workers, self.scheduler):
            kill(process)


def kill(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A lab and a scheduler that all tests share, as both take seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("cluster")
        patch.setenv("LABKIT_HOME", str(home))
        patch.delenv("LABKIT_RUNS", raising=False)
        lab = Lab(home)
        machines = Machines(home)
        yield lab, machines
        machines.stop()


@pytest.fixture
def machines(place, monkeypatch):
    """The shared scheduler, with no results yet."""
    lab, found = place
    monkeypatch.setenv("LABKIT_HOME", str(lab.home))
    for folder in ("runs", "started"):
        shutil.rmtree(lab.home / folder, ignore_errors=True)
    yield found
    for driver in found.drivers:
        kill(driver)
    (lab.home / "wait").unlink(missing_ok=True)


@pytest.fixture
def shared(place):
    return place[0]


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["", "head", "head:8786", "tcp://", "tcp://head", "tcp://a:b"])
def test_an_address_that_is_none_is_refused_before_anything_starts(lab, address):
    lab.lesson(RECORD)
    with pytest.raises(SweepError, match="an address such as tcp://head:8786, or local"):
        sweep("98", {"rate": [0.1]}, scheduler=address, show=False)


def test_a_scheduler_that_does_not_answer_is_refused_within_seconds(lab, monkeypatch):
    assert cluster._PATIENCE <= 5  # seconds
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    lab.lesson(RECORD)
    began = time.monotonic()
    address = f"tcp://127.0.0.1:{free_port()}"
    result = call("sweep", "98", "-g", "rate=0.1", "--scheduler", address, code=1)
    assert f"No dask scheduler answers at {address} within 1 s" in result.stderr
    assert "dask scheduler" in result.stderr
    assert time.monotonic() - began < 60  # seconds; minutes would be a hang
    assert results().empty


def test_without_dask_the_error_says_how_to_get_it(lab, monkeypatch):
    lab.lesson(RECORD)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SweepError, match=r"--scheduler needs dask\.distributed; pip install"):
        sweep("98", {"rate": [0.1]}, scheduler="tcp://127.0.0.1:1", show=False)


@pytest.fixture
def described(lab):
    lab.lesson(RECORD)
    plan = planning.plan("98", {"rate": [0.1]})
    own = cluster.describe("98", None)
    return lambda facts: cluster._compare("tcp://a:1", facts, own, plan), own


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        (
            {"facts": {"labkit code": "other"}},
            "labkit code other there, [0-9a-f]{12} here.*Install the same labkit",
        ),
        ({"facts": {"numpy": "1.0"}}, r"numpy 1\.0 there, [0-9.]+ here"),
        ({"run id": "other"}, "another code in the notebook of the lesson"),
        ({"sees": False}, "does not see .*Name with --to a folder that all machines share"),
    ],
)
def test_a_worker_that_would_run_something_else_is_refused(described, change, reason):
    compare, own = described
    theirs = own | change
    theirs["facts"] = own["facts"] | change.get("facts", {})
    if reason is None:
        compare(theirs)
        return
    with pytest.raises(SweepError) as error:
        compare(theirs)
    assert re.search(reason, str(error.value))
    assert "tcp://a:1" in str(error.value)


def test_a_worker_without_labkit_is_refused(described):
    compare, _ = described
    with pytest.raises(SweepError, match=r"cannot run labkit: ModuleNotFoundError: No module"):
        compare(ModuleNotFoundError("No module named 'labkit'"))


# --- tasks ----------------------------------------------------------------------------------------


def job_of(point, plan):
    return worker.Job(
        lesson=plan.lesson.address,
        folder=str(plan.folder),
        parameters=point.parameters,
        run_id=point.run_id,
        earlier=None,
        options={"page": False, "fork": "auto"},
    )


@pytest.mark.slow
def test_a_task_may_be_repeated_and_runs_once(lab):
    lab.lesson(
        f"import pathlib, uuid\n(pathlib.Path({str(lab.home)!r}) / uuid.uuid4().hex).touch()"
    )
    plan = planning.plan("98", {"rate": [0.1]})
    (point,) = plan.points
    first = worker.execute(job_of(point, plan))
    assert worker.execute(job_of(point, plan)) == first
    assert len(list(lab.home.glob("?" * 32))) == 1
    assert (first.status, first.cause, first.error) == ("finished", None, None)


@pytest.mark.slow
def test_a_task_that_another_process_runs_already_waits_for_its_end(lab):
    counted = Counted(lab)
    counted.hold.touch()
    plan = planning.plan("98", {"rate": [0.5]})
    (point,) = plan.points
    ends = []
    tasks = [
        threading.Thread(target=lambda: ends.append(worker.execute(job_of(point, plan))))
        for _ in range(2)
    ]
    tasks[0].start()
    wait_until(lambda: counted.runs() == [0.5])
    tasks[1].start()
    time.sleep(1.5)
    counted.hold.unlink()
    for task in tasks:
        task.join()
    assert [end.status for end in ends] == ["finished"] * 2
    assert counted.runs() == [0.5]


def test_a_task_for_another_code_is_refused(lab):
    path = lab.lesson(RECORD)
    plan = planning.plan("98", {"rate": [0.1]})
    lab.lesson(RECORD, "1")
    assert places.lesson_file("98") == path
    with pytest.raises(SweepError, match="is not the one that the sweep was planned with"):
        worker.execute(job_of(plan.points[0], plan))


# --- whole sweeps ---------------------------------------------------------------------------------


def start(counted, machines):
    """Start a driver in which two runs have finished and two wait, one on each worker."""
    counted.hold.touch()
    machines.need(2)
    command = [*counted.command(1), "--scheduler", machines.address]
    driver = subprocess.Popen(command, stdout=-1, stderr=-1, text=True, start_new_session=True)
    machines.drivers.append(driver)
    wait_until(lambda: len(counted.runs()) == 4)
    return command, driver


@pytest.mark.slow
def test_a_scheduler_without_workers_is_refused(shared, machines, monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    shared.lesson(RECORD)
    machines.need(0)
    with pytest.raises(SweepError, match=r"has no workers\. Start some.*dask worker tcp://127"):
        sweep("98", {"rate": [0.1]}, scheduler=machines.address, show=False)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_loses_nothing(shared, machines):
    counted = Counted(shared)
    _, driver = start(counted, machines)
    workers = list(machines.workers)
    waiting = [pid for pid in counted.pids() if psutil.pid_exists(pid)]
    assert len(waiting) == 2
    kill(workers[0])
    wait_until(lambda: not all(map(psutil.pid_exists, waiting)))  # its kernel went with it
    counted.hold.unlink()
    out, err = driver.communicate(timeout=120)
    assert driver.returncode == 0, err
    assert out == "98_trial: 6 runs, 6 finished\n"
    counted.check()
    assert len(counted.runs()) == 7  # the one that was lost began again
    writers = {read(folder)["process"]["pid"] for folder in results()["folder"]}
    assert writers == {worker.pid for worker in workers}


def read(folder):
    return json.loads(Path(folder, "record.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_sigterm_stops_what_the_workers_run_and_the_same_command_goes_on(shared, machines):
    counted = Counted(shared)
    command, driver = start(counted, machines)
    driver.send_signal(signal.SIGTERM)  # as a batch system ends a job
    _, message = driver.communicate(timeout=120)
    assert driver.returncode == 130
    # The second worker may not have begun another run yet.
    assert re.search("2 finished, (2 interrupted, 2|1 interrupted, 3) not run", message)
    assert are_gone(counted.pids())
    counted.hold.unlink()
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    counted.check()


@pytest.mark.slow
def test_a_new_driver_goes_on_with_what_a_killed_one_left(shared, machines):
    counted = Counted(shared)
    command, driver = start(counted, machines)
    driver.kill()
    driver.communicate()
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as driver:
        time.sleep(2)
        counted.hold.unlink()
        out, err = driver.communicate(timeout=120)
    assert driver.returncode == 0, err
    assert out == "98_trial: 6 runs, 6 finished\n"
    counted.check()
    assert counted.runs() == RATES  # its workers had gone on, and no run was begun anew


@pytest.mark.slow
def test_a_lesson_that_kills_its_workers_is_one_failed_row(shared, machines):
    shared.lesson(
        "import json, os, signal\nworker = json.load(open('record.json'))['process']['pid']",
        "if rate == 0.2:\n    os.kill(worker, signal.SIGKILL)\n    import time\n    time.sleep(9)",
        RECORD,
    )
    machines.need(1)
    done = threading.Event()

    def keep_a_worker():  # as a cluster does that replaces what dies
        while not done.wait(0.1):
            machines.need(1)

    keeper = threading.Thread(target=keep_a_worker)
    keeper.start()
    try:
        found = sweep("98", {"rate": [0.1, 0.2, 0.3]}, scheduler=machines.address, show=False)
    finally:
        done.set()
        keeper.join()
    table = found.table().sort_values("param.rate")
    assert table["status"].tolist() == ["finished", "failed", "finished"]
    assert table["cause"].tolist()[1] == "killed kernel"
    assert "the workers that ran it died" in table["error"].tolist()[1]
    assert not list(found.plan.place.glob(".*"))


@pytest.mark.slow
def test_a_local_cluster_to_try_it_out(lab):
    lab.lesson(RECORD)
    done = sweep("98", {"rate": [0.1, 0.2]}, scheduler="local", workers=1, show=False)
    assert done.ok
    assert sorted(done.table()["result.answer"]) == [0.1, 0.2]
    pids = {read(folder)["process"]["pid"] for folder in done.table()["folder"]}
    assert os.getpid() not in pids
    assert are_gone(pids)


@pytest.mark.slow
def test_a_scheduler_that_goes_away_ends_the_sweep_with_a_sentence(shared, machines):
    counted = Counted(shared)
    _, driver = start(counted, machines)
    kill(machines.scheduler)
    _, err = driver.communicate(timeout=120)
    assert driver.returncode == 1
    assert "What has finished is kept: the same command goes on from there." in err
    machines.stop()
    counted.hold.unlink()
    assert subprocess.run(counted.command(), capture_output=True).returncode == 0
    counted.check()
