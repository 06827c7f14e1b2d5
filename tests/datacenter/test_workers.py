"""Real processes: what they bring back, and how an experiment ends when one of them breaks."""

import os
import signal
import time

import numpy as np
import psutil
import pytest

from labkit.datacenter.links import Link
from labkit.datacenter.workers import WorkerError, Workers


@pytest.fixture(scope="module")
def pool():
    with Workers(3) as workers:
        yield workers


def around(worker):
    """Send one's rank to the right, and return what came from the left."""
    wait = worker.send(worker.right, np.array([worker.rank]))
    got = worker.receive(worker.left, np.empty(1, int))
    wait()
    return int(got[0]), worker.sent


def broken(worker, how):
    if worker.rank == 1:
        match how:
            case "raised":
                raise ValueError("a shard is empty")
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hung":
                time.sleep(1000)
            case "finished":
                return None
    return around(worker)


def test_each_worker_hears_its_neighbor(pool):
    assert pool.run(around) == [(2, 8), (0, 8), (1, 8)]
    assert pool.run(around, size=2) == [(1, 8), (0, 8)]


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("how", ["raised", "killed", "hung", "finished"])
def test_a_worker_that_breaks_is_named_within_five_seconds_and_nothing_is_left(pool, how):
    pool.run(around)
    pids, begun = pool.pids, time.monotonic()
    with pytest.raises(WorkerError, match="worker 1") as caught:
        pool.run(broken, how)
    assert time.monotonic() - begun < 5
    assert (caught.value.rank, caught.value.cause) == (1, how)
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert pool.run(around, size=2) == [(1, 8), (0, 8)]  # the pool goes on


def test_a_slow_line_takes_what_its_model_says():
    link = Link(bandwidth=2e6, latency=0.02)

    def timed(worker):
        worker.barrier()
        begun = time.perf_counter()
        around_of(worker, 100_000)
        return time.perf_counter() - begun

    def around_of(worker, items):
        wait = worker.send(worker.right, np.zeros(items, np.uint8))
        worker.receive(worker.left, np.empty(items, np.uint8))
        wait()

    with Workers(2) as workers:
        taken = max(workers.run(timed, link=link))
    assert 0.95 * link.seconds(100_000) < taken < 2 * link.seconds(100_000)
