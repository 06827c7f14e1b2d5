"""Real processes: what they bring back, and how an experiment ends when one of them breaks."""

import importlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import types
import warnings
from pathlib import Path

import cloudpickle
import numpy as np
import psutil
import pytest
from helpers import are_gone, wait_until

from labkit.datacenter import parcel, processes, workers
from labkit.datacenter.links import Link
from labkit.datacenter.workers import WorkerError, Workers


@pytest.fixture(scope="module")
def pool():
    with Workers(3) as made:
        yield made


def around(worker):
    """Send one's rank to the right, and return what came from the left."""
    wait = worker.send(worker.right, np.array([worker.rank]))
    got = worker.receive(worker.left, np.empty(1, int))
    wait()
    return int(got[0]), worker.sent


def rank_of(worker):
    return worker.rank


def test_each_worker_hears_its_neighbor(pool):
    assert pool.run(around) == [(2, 8), (0, 8), (1, 8)]
    assert pool.run(around, size=2) == [(1, 8), (0, 8)]
    assert pool.run(rank_of, size=1) == [0]


def test_the_same_processes_serve_all_experiments(pool):
    pool.run(around)
    pids = pool.pids
    assert pool.run(lambda worker: os.getpid()) == pids
    assert pool.run(lambda worker, add: worker.rank + add, add=1) == [1, 2, 3]
    assert pool.pids == pids


# --- one that breaks ----------------------------------------------------------------------------


class Unreadable:
    def __reduce__(self):
        return (int, ("this is no number",))


def broken(worker, how):
    """Let worker 1 break in some way while the others wait for it."""
    if worker.rank == 1:
        match how:
            case "raised":
                raise ValueError("a shard is empty")
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "terminated":
                os.kill(os.getpid(), signal.SIGTERM)
            case "hung":
                time.sleep(1000)
            case "stopped":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "exited":
                os._exit(3)
            case "left":
                sys.exit("good bye")
            case "memory":
                raise MemoryError("Unable to allocate 9 TiB")
            case "finished":
                return None
            case "lock":
                around(worker)
                return threading.Lock()
            case "unreadable":
                around(worker)
                return Unreadable()
            case "another size":
                worker.send(2, np.zeros(3))
            case "segfault":
                import ctypes

                ctypes.string_at(0)
            case "unread":
                worker.send(2, np.zeros(1))
    return around(worker)


BREAKS = {
    "raised": (1, "raised", "worker 1 raised ValueError: a shard is empty"),
    "killed": (1, "killed", "worker 1 was killed by SIGKILL. .* out of memory"),
    "terminated": (1, "killed", "worker 1 was killed by SIGTERM"),
    "segfault": (1, "killed", "worker 1 was killed by SIGSEGV"),
    "hung": (1, "hung", "worker 1 hung: it did nothing for 2.5 s, and workers? .* for it"),
    "stopped": (1, "hung", "worker 1 hung: it was stopped for 2.5 s"),
    "exited": (1, "exited", "worker 1 ended by itself with exit code 3, .* return instead"),
    "left": (1, "raised", "worker 1 raised SystemExit: good bye"),
    "memory": (1, "raised", "worker 1 raised MemoryError: Unable to allocate 9 TiB"),
    "finished": (1, "finished", "waits for worker 1, which has finished its job"),
    "lock": (1, "pickle", "the result of worker 1: this cannot travel .*lock"),
    "unreadable": (1, "pickle", "the result of worker 1 cannot be read here: ValueError"),
    "another size": (2, "raised", "worker 1 sent a message of 24 bytes, expected .* 8 bytes"),
    "unread": (2, "unread", "worker 2 finished without 1 of the messages that worker 1 sent"),
}


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("how", BREAKS)
def test_a_worker_that_breaks_is_named_within_five_seconds_and_nothing_is_left(pool, how, capfd):
    rank, cause, words = BREAKS[how]
    pool.run(around)
    pids, begun = pool.pids, time.monotonic()
    with pytest.raises(WorkerError, match=words) as caught:
        pool.run(broken, how, **({} if how in ("hung", "stopped") else {"patience": 0.6}))
    assert time.monotonic() - begun < 5
    assert (caught.value.rank, caught.value.cause) == (rank, cause)
    assert pool.pids == []
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert capfd.readouterr().err == ""
    assert pool.run(around, size=2) == [(1, 8), (0, 8)]  # the pool goes on


def alone(worker, how):
    """Let worker 1 break while nobody waits for it."""
    if worker.rank == 1:
        if how == "stopped":
            os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(1000)


def circle(worker, how):
    worker.receive(worker.right, np.empty(1))


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize(
    ("job", "how", "verdict", "words"),
    [
        (
            alone,
            "asleep",
            (1, "hung"),
            "worker 1 hung: it did nothing for 0.6 s. If it only sleeps",
        ),
        (alone, "stopped", (1, "hung"), "worker 1 hung: it was stopped for 0.6 s"),
        (circle, "", (None, "deadlock"), "deadlock: worker 0 waits for worker 1, which"),
    ],
)
def test_a_worker_that_nobody_waits_for_hangs_too(pool, job, how, verdict, words):
    pool.run(around)
    pids, begun = pool.pids, time.monotonic()
    with pytest.raises(WorkerError, match=words) as caught:
        pool.run(job, how, patience=0.6)
    assert time.monotonic() - begun < 5
    assert (caught.value.rank, caught.value.cause) == verdict
    assert are_gone(pids)


@pytest.mark.alone
@pytest.mark.slow
def test_work_without_end_is_stopped_at_the_limit(pool):
    def job(worker):
        while worker.rank == 2:
            pass

    begun = time.monotonic()
    with pytest.raises(WorkerError, match=r"worker 2 did not .* 1 s.*limit=") as caught:
        pool.run(job, limit=1, patience=0.5)
    assert (caught.value.rank, caught.value.cause) == (2, "limit")
    assert time.monotonic() - begun < 5


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("how", ["steps", "one call", "bytes", "latency"])
def test_a_slow_neighbor_is_waited_for_and_told(pool, how):
    """It works for longer than patience allows to do nothing, also without letting go of the GIL;
    or its line is slow."""

    def job(worker):
        if worker.rank == 1:
            cpu = time.process_time()
            while how == "steps" and time.process_time() < cpu + 0.8:
                pass
            while how == "one call" and time.process_time() < cpu + 0.8:
                sum(range(40_000_000))
        items = 25_000 if how == "bytes" else 1
        wait = worker.send(worker.right, np.zeros(items, np.uint8))
        worker.receive(worker.left, np.empty(items, np.uint8))
        wait()
        return worker.waited

    link = {"bytes": Link(bandwidth=20_000), "latency": Link(latency=0.9)}.get(how, Link())
    waited = pool.run(job, patience=0.5, link=link)
    if how in ("steps", "one call"):
        assert waited[2][1] > 0.7
        assert waited[1][0] < waited[2][1]
    assert [sorted(each) for each in waited] == [[1, 2], [0, 2], [0, 1]]


def test_nothing_of_an_experiment_that_failed_reaches_the_next(pool):
    def job(worker):
        for _ in range(5):
            worker.send(worker.right, np.full(1000, -1.0))()
        if worker.rank == 1:
            raise ValueError("in the middle")
        worker.barrier()

    with pytest.raises(WorkerError):
        pool.run(job)
    assert pool.run(around) == [(2, 8), (0, 8), (1, 8)]


def test_what_a_job_has_started_ends_with_it():
    def job(worker):
        child = subprocess.Popen(["sleep", "1000"])
        print(child.pid)
        raise ValueError

    with Workers(1) as pool, pytest.MonkeyPatch.context() as patch:
        told = []
        patch.setattr(workers, "_show", lambda rank, stream, lines: told.extend(lines))
        with pytest.raises(WorkerError):
            pool.run(job)
    wait_until(lambda: are_gone([int(told[0])]), 5)


def test_a_process_that_died_between_two_experiments(pool):
    pool.run(around)
    pool.put(x=np.arange(3))
    before = pool.pids
    os.kill(before[1], signal.SIGKILL)
    psutil.wait_procs([psutil.Process(before[1])], timeout=5)
    pool.put(y=np.arange(4))
    read = pool.run(lambda worker: (worker.data["x"].sum(), worker.data["y"].sum()))
    assert read == [(3, 6)] * 3
    assert not set(pool.pids) & set(before)


def test_an_error_shows_the_lines_of_the_job(pool):
    def job(worker):
        return 1 / 0  # the culprit

    with pytest.raises(WorkerError) as caught:
        pool.run(job)
    words = str(caught.value)
    assert "return 1 / 0  # the culprit" in words
    assert "in job" in words
    assert "labkit/datacenter" not in words


# --- jobs and data ------------------------------------------------------------------------------


def test_a_job_that_cannot_travel(pool):
    pool.run(around)
    pids, lock = pool.pids, threading.Lock()
    with pytest.raises(WorkerError, match=r"the job: this cannot travel .*lock.*Let") as bad:
        pool.run(lambda worker: lock)
    assert (bad.value.rank, bad.value.cause) == (None, "pickle")
    with pytest.raises(WorkerError, match="gradients: this cannot travel"):
        pool.put(gradients=(n for n in range(3)))
    assert pool.run(around) == [(2, 8), (0, 8), (1, 8)]
    assert pool.pids == pids


def test_a_job_that_takes_the_pool_with_it(pool):
    with pytest.raises(WorkerError, match="a pool stays where it is; use the worker"):
        pool.run(lambda worker: pool.size)


def test_a_worker_that_falls_silent_within_a_message(monkeypatch):
    monkeypatch.setattr(processes, "SILENCE", 1)
    near, far = socket.socketpair()
    control = processes.Process(0, None, near).control
    far.send(b"\x00\x00\x10\x00half a mess")
    begun = time.monotonic()
    with pytest.raises(OSError, match="temporarily unavailable"):
        control.recv()
    assert time.monotonic() - begun < 3
    control.close()
    far.close()


def test_data_is_given_once_and_again_to_running_workers(pool):
    x = np.arange(10.0)
    pool.put(x=x, rate=0.1)
    read = lambda worker: (worker.data["x"].sum(), worker.data["rate"])
    assert pool.run(read) == [(45.0, 0.1)] * 3
    pool.put(rate=0.2)
    assert pool.run(read) == [(45.0, 0.2)] * 3
    x[:] = -1  # what was put, was put: also for processes that start anew
    pool.close()
    assert pool.run(read) == [(45.0, 0.2)] * 3


def test_no_experiment_changes_the_data_of_the_next(pool):
    pool.put(x=np.zeros(3))

    def job(worker):
        worker.data["x"] += 1

    with pytest.raises(WorkerError, match="read-only"):
        pool.run(job)


def test_large_data_and_results(pool):
    pool.put(x=np.arange(3_000_000.0))
    back = pool.run(lambda worker: worker.data["x"] * worker.rank)
    assert [each[-1] for each in back] == [0, 2_999_999, 5_999_998]


def test_what_a_job_prints_comes_back_with_its_worker(pool, capsys):
    def job(worker):
        if worker.rank == 1:
            print("loss", 0.5)
            print("two\nlines", end="")
            warnings.warn("the loss is nan", stacklevel=1)
            print("...", end="", flush=True)

    pool.run(job)
    told = capsys.readouterr()
    assert told.out == "[worker 1] loss 0.5\n[worker 1] two\n[worker 1] lines...\n"
    assert "[worker 1]" in told.err
    assert "UserWarning: the loss is nan" in told.err

    def dies(worker):
        print("before the end")
        os._exit(1)

    with pytest.raises(WorkerError):
        pool.run(dies, size=1)
    assert capsys.readouterr().out == "[worker 0] before the end\n"


def test_bytes_are_exact_and_a_barrier_costs_none(pool):
    def job(worker):
        worker.barrier()
        for items in (0, 1, 1000):
            wait = worker.send(worker.right, np.zeros(items, np.float32))
            worker.receive(worker.left, np.empty(items, np.float32))
            wait()
            worker.barrier()
        return worker.sent, worker.messages

    assert pool.run(job) == [(4004, 3)] * 3
    assert pool.run(job, link=Link(latency=0.01)) == [(4004, 3)] * 3


def test_nobody_leaves_a_barrier_before_all_are_there(pool):
    def job(worker):
        time.sleep(0.2 * worker.rank)
        came = time.monotonic()
        worker.barrier()
        return came, time.monotonic()

    came, left = zip(*pool.run(job), strict=True)
    assert max(came) <= min(left)


def test_each_worker_computes_in_one_thread(pool):
    def job(worker):
        import threadpoolctl

        np.ones((300, 300)) @ np.ones((300, 300))
        return {each["num_threads"] for each in threadpoolctl.threadpool_info()}

    assert pool.run(job) == [{1}] * 3


@pytest.mark.slow
def test_a_thousand_runs_leak_nothing(pool):
    pool.run(around)
    own = [psutil.Process(), *map(psutil.Process, pool.pids)]
    before = [each.num_fds() for each in own]
    threads = max(each.num_threads() for each in own)
    for _ in range(1000):
        pool.run(around)
    assert [each.num_fds() for each in own] == before
    assert max(each.num_threads() for each in own) <= threads + 1  # one may be about to end


def test_a_pool_that_is_used_from_two_threads(pool):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(pool.run(around, size=2))) for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert found == [[(1, 8), (0, 8)]] * 8


def test_sizes_that_cannot_be(pool, monkeypatch):
    with pytest.raises(ValueError, match="size must lie in 1 to 32"):
        Workers(33)
    with pytest.raises(ValueError, match="size must lie in 1 to 3, the pool's"):
        pool.run(around, size=4)
    with pytest.raises(ValueError, match="size must lie in 1 to 3"):
        pool.run(around, size=0)
    monkeypatch.setattr(workers, "os", types.SimpleNamespace(name="nt"))
    with pytest.raises(OSError, match=r"Linux or macOS; on Windows use .* WSL"):
        Workers(2)


# --- modules ------------------------------------------------------------------------------------

MODULE = """
import numpy as np
import {name}_more as more

RATE = 2

class Shard(list):
    def total(self):
        return sum(self)

def job(worker):
    return Shard([helper(worker.rank), more.ADD])

def helper(x):
    return np.multiply(x, RATE).item()
"""


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """Return the name of a module of the learner's that no worker could import."""
    name = f"mine_{secrets.token_hex(4)}"
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"{name}.py").write_text(MODULE.format(name=name))
    (tmp_path / f"{name}_more.py").write_text("ADD = 100\n")
    yield name
    for each in (name, f"{name}_more"):
        sys.modules.pop(each, None)


def test_a_job_of_the_learners_own_module(pool, beside, tmp_path):
    mine = importlib.import_module(beside)
    back = pool.run(mine.job)
    assert back == [[0, 100], [2, 100], [4, 100]]
    assert all(isinstance(each, mine.Shard) for each in back)
    assert back[2].total() == 104
    pool.put(shard=mine.Shard([1, 2]), function=mine.helper)
    assert pool.run(lambda worker: worker.data["shard"].total()) == [3] * 3
    assert pool.run(lambda worker: worker.data["function"](3)) == [6] * 3
    mine.RATE = 5  # changed while the workers run
    assert pool.run(lambda worker, job: job(worker), mine.job) == [[0, 100], [5, 100], [10, 100]]


def test_packing_leaves_no_trace_and_takes_installed_packages_by_name(beside):
    mine = importlib.import_module(beside)
    before = cloudpickle.list_registry_pickle_by_value()
    packed = parcel.pack((mine.job, np.linalg.norm, psutil.Process, around, Link))
    assert cloudpickle.list_registry_pickle_by_value() == before
    assert b"def " not in packed
    assert len(parcel.pack((np.linalg.norm, psutil.Process, Link))) < 300
    assert [parcel.is_own(each) for each in (mine, sys.modules[__name__])] == [True, True]
    installed = [np, psutil, pytest, os, sys, workers, sys.modules["__main__"], np.linalg]
    assert not any(map(parcel.is_own, installed))


def test_threads_that_pack_at_once_all_send_code(beside):
    """cloudpickle's list of modules is one for all threads: the first one done cleared it."""
    job = importlib.import_module(beside).job
    sizes, before = [], sys.getswitchinterval()
    packing = [
        threading.Thread(target=lambda: sizes.extend(len(parcel.pack(job)) for _ in range(30)))
        for _ in range(4)
    ]
    sys.setswitchinterval(1e-6)
    try:
        for each in packing:
            each.start()
        for each in packing:
            each.join(60)
    finally:
        sys.setswitchinterval(before)
    assert len(sizes) == 120
    assert min(sizes) > 500  # a name alone takes some 60 bytes
    assert beside not in cloudpickle.list_registry_pickle_by_value()


# --- processes ----------------------------------------------------------------------------------


def script(tmp_path, code, *options, name="job.py", folder=None):
    """Return a started process that runs this code in a file of its own."""
    path = tmp_path / name
    path.write_text(textwrap.dedent(code))
    return subprocess.Popen(
        [sys.executable, *(options or [str(path)])],
        cwd=folder or tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )


HEAD = """
import os, signal, sys, time
import numpy as np
from labkit.datacenter.workers import Workers

class Result:
    def __init__(self, rank): self.rank = rank

def job(worker):
    return Result(worker.rank)

def hangs(worker):
    print("on")
    time.sleep(1000)
"""
SUMS = "workers = Workers(2)\nprint(sum(each.rank for each in workers.run(job)), *workers.pids)"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["file", "-c", "-m", "exec"])
def test_any_main_may_run_jobs_and_its_end_leaves_no_process(tmp_path, how):
    code = HEAD + SUMS
    options = {"file": (), "-c": ("-c", code), "-m": ("-m", "job")}.get(how)
    if how == "exec":
        options = ("-c", "exec(open('job.py').read(), {'__name__': 'elsewhere'})")
    process = script(tmp_path, code, *options)
    told, errors = process.communicate(timeout=30)
    assert errors == ""
    total, *pids = map(int, told.split())
    assert total == 1
    wait_until(lambda: are_gone(pids), 5)


def test_a_folder_with_a_file_named_numpy(tmp_path):
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    code = HEAD + SUMS
    process = script(tmp_path, code, "-P", "-c", code)
    told, errors = process.communicate(timeout=30)
    assert (told[:2], errors) == ("1 ", "")


@pytest.mark.slow
def test_a_notebooks_kernel_runs_jobs(tmp_path):
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_notebook

    cells = [new_code_cell(HEAD), new_code_cell(SUMS)]
    cells += [new_code_cell("workers.run(lambda worker: print('here', worker.rank), size=1)")]
    bad = "def bad(worker):\n    return 1 / 0  # the culprit\nworkers.run(bad)"
    cells += [new_code_cell(bad, metadata={"tags": ["raises-exception"]})]
    notebook = new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", timeout=60).execute(cwd=str(tmp_path))
    total, *pids = map(int, cells[1].outputs[0].text.split())
    assert total == 1
    assert cells[2].outputs[0].text == "[worker 0] here 0\n"
    assert "return 1 / 0  # the culprit" in cells[3].outputs[0].evalue
    assert len("\n".join(cells[3].outputs[0].traceback).split("\n")) < 25  # a screen, not more
    wait_until(lambda: are_gone(pids), 5)


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_process_that_has_the_pool_is_that_of_the_workers(tmp_path, ended_by):
    code = (
        HEAD
        + """
workers = Workers(2)
workers.run(job)
print(*workers.pids, flush=True)
sys.stdout.reconfigure(line_buffering=True)
try:
    workers.run(hangs, patience=100, limit=100)
except KeyboardInterrupt:
    print("interrupted", workers.pids, flush=True)
    assert [each.rank for each in workers.run(job)] == [0, 1]
"""
    )
    process = script(tmp_path, code)
    pids = list(map(int, process.stdout.readline().split()))
    assert {process.stdout.readline(), process.stdout.readline()} == {
        "[worker 0] on\n",
        "[worker 1] on\n",
    }
    begun = time.monotonic()
    process.send_signal(ended_by)
    wait_until(lambda: are_gone(pids), 5)
    assert time.monotonic() - begun < 5
    told, errors = process.communicate(timeout=10)
    assert errors == ""
    assert told == ("interrupted []\n" if ended_by == signal.SIGINT else "")


LEFT = """
import re, subprocess
def busy(worker):  # with a child, and each in another way unable to see that the pool is gone
    print(os.getpid(), subprocess.Popen(["sleep", "600"]).pid)
    if worker.rank == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
    re.match("(a+)+$", "a" * 60 + "b")  # never lets another thread run
workers = Workers(2)
sys.stdout.reconfigure(line_buffering=True)
workers.run(busy, patience=100)
"""


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills by a pipe's end")
def test_a_killed_pool_leaves_neither_stopped_workers_nor_busy_ones_nor_children(tmp_path):
    process = script(tmp_path, HEAD + LEFT)
    pids = [int(pid) for _ in range(2) for pid in process.stdout.readline().split()[2:]]
    process.kill()
    process.communicate()
    wait_until(lambda: are_gone(pids), 5)


@pytest.mark.parametrize("how", ["os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_the_children_of_a_worker_that_is_gone_are_gone_too(pool, tmp_path, how):
    def job(worker):
        if worker.rank == 1:
            children = [subprocess.Popen(["sleep", "600"]).pid, os.fork()]
            if children[1] == 0:
                time.sleep(600)
            (tmp_path / "pids").write_text(f"{children[0]} {children[1]}")
            exec(how)

    with pytest.raises(WorkerError, match=r"worker 1 (ended by itself|was killed)"):
        pool.run(job)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    wait_until(lambda: are_gone(pids), 5)


def test_the_limit_blames_who_works_not_who_waits(pool):
    def job(worker):
        until = time.monotonic() + 600
        while worker.rank == 1 and time.monotonic() < until:
            pass
        worker.barrier()

    told = "worker 1 did not finish within 1.5 s, and workers 0, 2 waited"
    with pytest.raises(WorkerError, match=told) as bad:
        pool.run(job, limit=1.5)
    assert (bad.value.rank, bad.value.cause) == (1, "limit")


def test_crashed_compiled_code_is_told_as_such(pool):
    import ctypes

    with pytest.raises(WorkerError, match=r"SIGSEGV: compiled code .* has crashed\. Try"):
        pool.run(lambda worker: ctypes.string_at(0), size=1)


@pytest.mark.alone
@pytest.mark.slow
def test_a_copy_of_the_process_by_fork_has_no_part_in_its_pool(tmp_path):
    code = (
        HEAD
        + """
workers = Workers(2)
workers.run(job)
print(*workers.pids, flush=True)
copy = os.fork()
if copy == 0:
    assert workers.pids == []
    assert len(workers.run(job)) == 2  # processes of its own
    workers.close()
    print("copied", flush=True)
    time.sleep(1000 if len(sys.argv) > 1 else 0)
    sys.exit()
if len(sys.argv) == 1:
    os.waitpid(copy, 0)
    before = workers.pids
    assert len(workers.run(job)) == 2 and workers.pids == before
    print("still here")
else:
    print(copy, flush=True)
    time.sleep(1000)
"""
    )
    process = script(tmp_path, code)
    told, errors = process.communicate(timeout=30)
    assert errors == ""
    assert told.split("\n")[1:3] == ["copied", "still here"]
    process = script(tmp_path, code, str(tmp_path / "job.py"), "stay")
    pids = list(map(int, process.stdout.readline().split()))
    words = [process.stdout.readline().strip() for _ in range(2)]
    (copy,) = [int(each) for each in words if each != "copied"]
    process.kill()
    try:
        wait_until(lambda: are_gone(pids), 5)  # though the copy lives
        assert not are_gone([copy])
    finally:
        os.kill(copy, signal.SIGKILL)
        process.communicate()


@pytest.mark.alone
@pytest.mark.slow
def test_a_stopped_worker_is_gone_after_close():
    pool = Workers(2)
    pool.run(rank_of)
    pids = pool.pids
    os.kill(pids[0], signal.SIGSTOP)
    begun = time.monotonic()
    pool.close()
    assert time.monotonic() - begun < 5
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_a_pool_that_is_forgotten_leaves_no_process():
    pool = Workers(2)
    pool.run(rank_of)
    pids = pool.pids
    del pool
    wait_until(lambda: are_gone(pids), 5)


# --- strangers ----------------------------------------------------------------------------------


def test_workers_are_on_loopback_only_and_nothing_is_left_open_or_secret(monkeypatch):
    token = secrets.token_bytes(32)
    monkeypatch.setattr(processes.secrets, "token_bytes", lambda size: token)
    with Workers(3) as pool:
        pool.run(around)
        for process in map(psutil.Process, pool.pids):
            lines = process.net_connections(kind="all")
            assert {each.status for each in lines if each.laddr} == {"ESTABLISHED"}
            assert {each.laddr.ip for each in lines if each.family == socket.AF_INET} == {
                "127.0.0.1"
            }
            public = [*process.cmdline(), *process.environ().values()]
            assert not [each for each in public if token.hex() in each]


def test_strangers_at_the_door_do_not_disturb(monkeypatch):
    crowd, listen = [], processes.listen

    def listen_in_a_crowd():
        door = listen()
        for words in (b"", b"GET / HTTP/1.1\r\n\r\n", bytes(36), b"x" * 100_000) * 20:
            line = socket.create_connection(("127.0.0.1", door.getsockname()[1]))
            line.setblocking(False)
            line.send(words)
            crowd.append(line)
        return door

    monkeypatch.setattr(processes, "listen", listen_in_a_crowd)
    with Workers(2) as pool:
        assert pool.run(around) == [(1, 8), (0, 8)]
    assert len(crowd) == 80
    for line in crowd:
        line.close()


def test_too_few_open_files_are_told_with_what_to_do(tmp_path):
    code = HEAD + "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))\n"
    process = script(tmp_path, code + "Workers(32).run(job)")
    _, errors = process.communicate(timeout=30)
    assert "the system refused 32 workers" in errors
    assert "ulimit -n" in errors


def test_a_process_that_cannot_start_is_told(monkeypatch, capfd):
    monkeypatch.setattr(processes, "COMMAND", "raise SystemExit(7)")
    with pytest.raises(WorkerError, match=r"worker 0 .* exit code 7, before it could start\. Its"):
        Workers(1).run(rank_of)
    assert Path("/proc/self").exists() is sys.platform.startswith("linux")
