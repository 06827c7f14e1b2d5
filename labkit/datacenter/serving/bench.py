"""One load on two servers: a simulated one, and a real one with an emulated accelerator.

What is compared gets the same requests at the same moments, and all real servers of a comparison
run at the same time: a disturbance of the machine meets them all.  Lesson: 23_serving.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit import machine
from labkit.datacenter.roofline import cpu_clock, interleave
from labkit.datacenter.serving import load
from labkit.datacenter.serving.served import Served, missing
from labkit.datacenter.serving.simulator import simulate, simulate_closed
from labkit.datacenter.serving.traffic import OK, Answers
from labkit.datacenter.steps import Line, fit_line

# --- loads --------------------------------------------------------------------------------------


class Load(NamedTuple):
    """How requests come, to a simulated server and to a real one.

    Attributes:
        modeled: of a line a + c b and the server's settings.
        measured: of a `labkit.datacenter.serving.load.Target`.
    """

    modeled: Callable[..., Answers]
    measured: Callable[[load.Target], Answers]


def open_loop(planned: ArrayLike) -> Load:
    """Return requests that come when they are planned (MLPerf: server).

    Args:
        planned: seconds from the begin, rising, shape (n,).
    """
    return Load(partial(simulate, planned), partial(load.open_loop, planned=planned))


def one_by_one(planned: ArrayLike) -> Load:
    """Return the requests of one client that waits for each answer, and may fall behind its plan.

    Args:
        planned: seconds from the begin, rising, shape (n,).
    """
    return Load(partial(_simulate_one, planned), partial(load.one_by_one, planned=planned))


def closed_loop(clients: int, seconds: float) -> Load:
    """Return requests of clients that each wait for an answer (MLPerf, for one: single stream).

    Args:
        clients: how many.
        seconds: no request is sent later.
    """
    settings = {"clients": clients, "seconds": seconds}
    return Load(partial(simulate_closed, **settings), partial(load.closed_loop, **settings))


def offline(requests: int) -> Load:
    """Return requests that are all there at the begin (MLPerf: offline)."""
    measured = partial(load.offline, requests=requests)
    return Load(partial(simulate, np.zeros(requests)), measured)


def _simulate_one(
    planned: ArrayLike, line: Line, max_batch: int = 1, max_wait: float = 0.0, **_: Any
) -> Answers:
    """Return answers to one client: it never meets a queue, so that no limit and no rule counts."""
    seconds = line.seconds(1) + (max_wait if max_batch > 1 else 0.0)
    planned = np.asarray(planned, float)
    sent, done = np.empty_like(planned), 0.0
    for place, moment in enumerate(planned):
        sent[place] = max(moment, done)
        done = sent[place] + seconds
    ones = np.ones(len(planned), int)
    return Answers(planned, sent, sent + seconds, OK * ones, ones)


# --- beside each other --------------------------------------------------------------------------


class Beside(NamedTuple):
    """Answers of the simulated server and, where one ran, of the real one.

    Attributes:
        modeled: by the simulator.
        measured: None without a real server.
        counts: what the real server says that it did: accepted, answered, ...
    """

    modeled: Answers
    measured: Answers | None
    counts: Mapping[str, int]

    @property
    def best(self) -> Answers:
        """What was measured, or else what was modeled."""
        return self.modeled if self.measured is None else self.measured


def compare(
    tests: Mapping[str, tuple[Load, Mapping[str, Any]]], line: Line, real: bool = True
) -> dict[str, Beside]:
    """Return how a simulated and a real server bear each load.

    Args:
        tests: name -> (load, settings): max_batch (1, if it is not said), max_wait, queue_limit,
            admit.
        line: seconds of a batch of the accelerator.
        real: False, or a missing extra `serve`, leaves the real servers out.

    Raises:
        ServerError: why a server did not start.

    Lesson: 23_serving.

    >>> tests = {"two at once": (offline(2), {"max_batch": 2})}
    >>> found = compare(tests, Line(1.0, 0.5), real=False)
    >>> found["two at once"].best.latency.tolist()
    [1.5, 3.0]
    """
    tests = {name: (one, {"max_batch": 1} | settings) for name, (one, settings) in tests.items()}
    modeled = {name: one.modeled(line=line, **settings) for name, (one, settings) in tests.items()}
    if not real or missing():
        return {name: Beside(found, None, {}) for name, found in modeled.items()}
    measured = _measure(tests, line)
    return {name: Beside(modeled[name], *measured[name]) for name in tests}


def batch_seconds(
    run: Callable[[int], object], sizes: Sequence[int], seconds: float = 0.5
) -> tuple[dict[int, float], Line]:
    """Return the CPU seconds of a batch of each size, and the line a + c b through them.

    Args:
        run: called with a size, computes a batch of it.
        sizes: at least two.
        seconds: of wall time, for all of them by turns.
    """
    calls = {size: partial(run, size) for size in sizes}
    with machine.one_thread():
        times = interleave(calls, seconds, cpu_clock())
    found = {size: float(np.median(each.cpu)) for size, each in times.items()}
    return found, fit_line(list(found), [list(found.values())])


def emulated(line: Line) -> str:
    """Return the model of a server that takes the seconds of a line, as `Served` reads it.

    >>> emulated(Line(0.05, 0.002))
    'emulated:50+2'
    """
    return f"emulated:{1000 * line.overhead:g}+{1000 * line.per_example:g}"


def _measure(tests: Mapping[str, tuple], line: Line) -> dict[str, tuple[Answers, dict]]:
    servers = {name: Served(emulated(line), **settings) for name, (_, settings) in tests.items()}
    threads = ThreadPoolExecutor(len(tests), "load")
    try:
        for server in servers.values():
            server.launch()
        for server in servers.values():
            server.wait_until_ready()
            server.metrics()  # its first answer takes longer than any other
        found = {
            name: threads.submit(one.measured, load.target(servers[name]))
            for name, (one, _) in tests.items()
        }
        return {name: (each.result(), servers[name].stop()) for name, each in found.items()}
    except KeyboardInterrupt:  # nobody waits for the end of a load, nor does it go on unseen
        load.cancel()
        raise
    finally:
        for server in servers.values():
            server.kill()
        threads.shutdown(wait=False, cancel_futures=True)
