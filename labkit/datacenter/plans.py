"""What becomes of an experiment, and of a plan for a slow line. Lesson: 21_distributed_training."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labkit.datacenter.compression import Feedback, Method, Sender, exchange
from labkit.datacenter.network import Network
from labkit.datacenter.watch import WorkerError

if TYPE_CHECKING:
    from labkit.datacenter.worker import Worker
    from labkit.datacenter.workers import Workers


class Outcome(NamedTuple):
    """How an experiment ended.

    told: what worker 0 returned, or the error's first sentence. seconds: until then. cause: of the
    error, as in `WorkerError`; "none" without one.
    """

    told: Any
    seconds: float
    cause: str


def outcome(workers: Workers, job: Callable, *args: Any, **settings: Any) -> Outcome:
    """Run a job that may fail, and return how it ended.

    Args:
        workers: the pool; its processes run before the clock does.
        job, args, settings: as of `Workers.run`.
    """
    workers.run(_nothing)
    begun = time.perf_counter()
    try:
        told, cause = workers.run(job, *args, **settings)[0], "none"
    except WorkerError as error:
        told, cause = str(error).splitlines()[0].partition(". ")[0], error.cause
    return Outcome(told, time.perf_counter() - begun, cause)


def _nothing(worker: Worker) -> None:
    pass


def race(
    worker: Worker,
    network: Network,
    steps: int,
    work: float,
    all_reduce: Callable,
    compress: Method | None = None,
    feedback: Feedback | None = None,
    batch_size: int = 128,
    seed: int = 0,
) -> tuple[np.ndarray, float]:
    """Job: train on the pool's `x` and `y`; return the weights, and seconds of a step (median).

    Args:
        worker: of a pool.
        network: what learns, at the rate 0.4.
        steps: how many.
        work: seconds that a sample takes, emulated by sleeping.
        all_reduce: adds gradients up where nothing is compressed.
        compress: a method whose messages go to every other worker; None for none.
        feedback: what is done with the rest of it.
        batch_size: of all workers together.
        seed: of weights and batches.
    """
    x, y, w = worker.data["x"], worker.data["y"], network.start(seed)
    draw, times = np.random.default_rng(seed), []
    sender = compress and Sender(compress, feedback)
    for _ in range(steps):
        begun = time.perf_counter()
        mine = draw.choice(len(x), batch_size, replace=False)[worker.rank :: worker.size]
        g = network.gradient(w, x[mine], y[mine]) * np.float32(len(mine) / batch_size)
        time.sleep(work * len(mine))
        if sender:
            g = sender.method.unpack(exchange(worker, sender.pack(g)), network.items).sum(axis=0)
        else:
            all_reduce(worker, g)
        w -= np.float32(0.4) * g
        times.append(time.perf_counter() - begun)
    return w, float(np.median(times))
