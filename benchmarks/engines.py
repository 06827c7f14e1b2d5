"""Print what an engine adds to each run of a sweep: threads of the driver, or dask workers.

The runs have finished before, so all that is left is the way there and back, with the look at the
results folder that makes a task repeatable. Its share of a run that takes 1 s is printed beside it.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from labkit.lab import files
from labkit.lab.records import entry, folders
from labkit.lab.sweeps import planning
from labkit.lab.sweeps.cluster import Cluster
from labkit.lab.sweeps.driver import Threads
from labkit.lab.sweeps.grids import SweepError
from labkit.lab.sweeps.worker import Job

LESSON = "00"


def plan_of_finished(folder, count):
    """Return a plan with this many points that have finished records."""
    plan = planning.plan(LESSON, points=[{}], folder=folder)
    (point,) = plan.points
    points = []
    for number in range(count):
        record = entry.begin(plan.lesson, point.parameters, f"{number:012x}")
        record.status, record.results = "finished", {"answer": number}
        end = folders.final(plan.place, record.run_id, record.status)
        end.mkdir(parents=True)
        files.write_json(end / folders.RECORD, record.plain())
        points.append(planning.Point(point.parameters, record.run_id))
    plan.points = points
    return plan


def through(engine, plan):
    """Send every point through an engine, as many at once as it takes; return wall, CPU ms each."""
    common = {"lesson": plan.lesson.address, "folder": str(plan.folder), "earlier": None}
    common["options"] = {"page": False}
    waiting, going = list(plan.points), []
    wake = threading.Event()
    began, cpu = time.perf_counter(), cpu_seconds()
    while waiting or going:
        while waiting and len(going) < engine.slots():
            point = waiting.pop()
            job = Job(**common, parameters=point.parameters, run_id=point.run_id)
            going.append(engine.submit(job))
            going[-1].add_done_callback(lambda _: wake.set())
        wake.wait(0.5)
        wake.clear()
        for task in [task for task in going if task.done()]:
            assert task.result().status == "finished"
            going.remove(task)
    count = len(plan.points)
    return 1000 * (time.perf_counter() - began) / count, 1000 * (cpu_seconds() - cpu) / count


def cpu_seconds():
    """Return the CPU seconds of this process and all its children so far."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        times = process.cpu_times()
        total += times.user + times.system
    return total


def dask(workers):
    """Start a scheduler and workers as processes; return (address, processes)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    host = ["--host", "127.0.0.1", "--no-dashboard"]
    port = ["--port", address.rpartition(":")[2], "--no-show"]
    found = [subprocess.Popen([*command, "scheduler", *host, *port], **quiet)]
    for _ in range(workers):
        words = [*command, "worker", address, *host, "--no-nanny", "--nthreads", "1"]
        found.append(subprocess.Popen(words, **quiet))
    return address, found


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    os.environ.pop("LABKIT_RUNS", None)
    address, processes = dask(given.workers)
    try:
        with tempfile.TemporaryDirectory() as folder:
            plan = plan_of_finished(Path(folder), given.runs)
            began = time.perf_counter()
            while True:
                try:
                    cluster = Cluster(address, plan)
                    break
                except SweepError:  # they are still starting
                    if time.perf_counter() - began > 60:
                        raise
            while cluster.slots() < given.workers and time.perf_counter() - began < 60:
                time.sleep(0.2)
            engines = {
                "threads of the driver": Threads(given.workers, threading.Event()),
                "dask.distributed": cluster,
            }
            found = {name: [] for name in engines}
            for turn in range(given.rounds + 1):
                for name, engine in engines.items():
                    measured = through(engine, plan)
                    if turn:  # the first one warms up
                        found[name].append(measured)
            cluster.close()
    finally:
        for process in processes:
            process.kill()
            process.wait()
    print(f"{given.runs} runs, {given.workers} workers, {given.rounds} rounds: ms a run")
    print(
        f"{'engine':<24} {'median':>8} {'lowest':>8} {'highest':>8} {'CPU':>8} {'of a 1 s run':>14}"
    )
    for name, rounds in found.items():
        wall, cpu = zip(*rounds, strict=True)
        middle = statistics.median(wall)
        print(
            f"{name:<24} {middle:8.2f} {min(wall):8.2f} {max(wall):8.2f} "
            f"{statistics.median(cpu):8.2f} {middle / 10:12.2f} %"
        )


if __name__ == "__main__":
    main()
