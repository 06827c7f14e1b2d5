"""What N machines would do: modeled, from numbers that were measured or assumed on few.

The model of data parallel training is work / N + all-reduce. `measure` puts real processes beside
it as far as one machine goes: their work is emulated by sleeping, their messages are real.

>>> from labkit.datacenter.links import Link
>>> line = Link(bandwidth=20e6, latency=0.01)
>>> [round(step_seconds(size, 0.4, 400_000, line), 3) for size in (1, 2, 4, 8, 16)]
[0.4, 0.24, 0.19, 0.225, 0.362]
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from labkit.datacenter import distributed
from labkit.datacenter.links import Link

if TYPE_CHECKING:
    from labkit.datacenter.worker import Worker
    from labkit.datacenter.workers import Workers

KINDS = ("strong", "weak")


def step_seconds(
    size: int,
    work: float,
    size_in_bytes: float,
    link: Link,
    kind: str = "strong",
) -> float:
    """Return how long a step of data parallel training takes, modeled: work, then a ring.

    Args:
        size: number of machines, N.
        work: seconds of computing in a step on one machine.
        size_in_bytes: of the gradient.
        link: each machine's line.
        kind: "strong" shares the batch of one machine among all; "weak" gives each machine as large
            a batch as one machine has alone.

    Raises:
        ValueError: an unknown kind, or a size below 1.

    Source: work / N as in Amdahl (1967); the ring as in `distributed.seconds`.
    """
    return own_work(size, work, kind) + distributed.seconds("ring", size, size_in_bytes, link)


def own_work(size: int, work: float, kind: str = "strong") -> float:
    """Return the seconds that each of N machines computes in a step; as `step_seconds`.

    >>> own_work(4, 0.4), own_work(4, 0.4, kind="weak")
    (0.1, 0.4)
    """
    _check_kind(kind)
    return work / size if kind == "strong" else work


def speed_up(size: int, one: float, seconds: float, kind: str = "strong") -> float:
    """Return how many times as much N machines get done in the same time as one.

    Args:
        size: number of machines, N.
        one: seconds of a step on one machine.
        seconds: of a step on N.
        kind: "strong": T(1) / T(N). "weak": N T(1) / T(N), for a step then does N times the work.

    Source: Amdahl (1967); Gustafson, Reevaluating Amdahl's law (1988).

    >>> speed_up(4, 1.0, 0.5), speed_up(4, 1.0, 1.25, kind="weak")
    (2.0, 3.2)
    """
    _check_kind(kind)
    return (1 if kind == "strong" else size) * one / seconds


def device_hours(size: int, speed_up: float) -> float:
    """Return machine-hours, on N machines, of what one does in an hour: N / speed-up, 1 or more.

    Args:
        size: number of machines, N.
        speed_up: of so many.

    >>> round(device_hours(8, 6.0), 3)
    1.333
    """
    return size / speed_up


def amdahl(size: int, serial: float, messages: float = 0.0) -> float:
    """Return the speed-up when a part of a step stays as it is: 1 / (s + (1 - s) / N + c).

    Args:
        size: number of machines, N.
        serial: s, share of one machine's step that cannot be split, 0 to 1.
        messages: c, what messages add as soon as there are two machines; a share of one machine's
            step. That it does not grow with N is an assumption: see `step_seconds`.

    Source: Amdahl, Validity of the single processor approach (1967); c is an addition.

    >>> [round(amdahl(size, 0.02, 0.04), 2) for size in (1, 2, 4, 8, 16)]
    [1.0, 1.82, 3.28, 5.48, 8.25]
    """
    if size < 1 or not 0 <= serial <= 1 or messages < 0:
        raise ValueError(
            "size must be 1 or more, serial in 0 to 1, messages 0 or more. "
            f"Received: {size!r}, {serial!r}, {messages!r}"
        )
    return 1 / (serial + (1 - serial) / size + (messages if size > 1 else 0))


# --- measured, as far as one machine goes -------------------------------------------------------


def emulated_steps(
    worker: Worker, work: float, items: int, steps: int, all_reduce: Callable
) -> list[float]:
    """Job: sleep and sum a vector over all workers, again and again; return seconds of each step.

    A first step is not counted: after it all workers are in step.

    Args:
        worker: of a pool.
        work: seconds of a step that this worker sleeps, as if it computed.
        items: length of the vector, float32.
        steps: how many are measured.
        all_reduce: `distributed.ring`, or a function like it.
    """
    vector, ended = np.ones(items, np.float32), []
    for _ in range(steps + 1):
        time.sleep(work)
        all_reduce(worker, vector)
        vector[:] = 1
        ended.append(time.monotonic())
    return np.diff(ended).tolist()


def measure(
    workers: Workers,
    sizes: Sequence[int],
    work: float,
    items: int,
    link: Link,
    kind: str = "strong",
    steps: int = 3,
    all_reduce: Callable = distributed.ring,
) -> dict[int, float]:
    """Return seconds of a step with so many real processes: median over steps and workers.

    Args:
        workers: the pool.
        sizes: numbers of processes to try.
        work: seconds of a step on one machine, emulated by sleeping.
        items: length of the vector that is summed, float32.
        link: the line of each worker.
        kind: "strong" or "weak", as in `step_seconds`.
        steps: measured for each size.
        all_reduce: `distributed.ring`, or a function like it.
    """
    found = {}
    for size in sizes:
        job = (own_work(size, work, kind), items, steps, all_reduce)
        found[size] = float(np.median(workers.run(emulated_steps, *job, size=size, link=link)))
    return found


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}. Received: {kind!r}")
