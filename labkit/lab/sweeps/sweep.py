"""Sweeps: one lesson over many parameters, on all cores, and never lost.

A sweep has no state of its own. What is to be run follows from the lesson and the parameters; what
has ended stands in the results folder; who runs what now is a lock there. So the same command
resumes after whatever happened, and several drivers share one folder.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

from labkit.lab import table
from labkit.lab.lesson import Lesson
from labkit.lab.runs.limits import check_timeout, memory_in_bytes
from labkit.lab.sweeps import shown
from labkit.lab.sweeps.driver import TICK, Driver
from labkit.lab.sweeps.grids import SweepError
from labkit.lab.sweeps.planning import Plan, plan
from labkit.lab.sweeps.worker import NOT_RUN, End
from labkit.lab.words import count

if TYPE_CHECKING:
    import pandas as pd


def sweep(
    lesson: str | int | os.PathLike | Lesson,
    grid: dict[str, Any] | None = None,
    *,
    points: str | os.PathLike | Iterable[dict] | None = None,
    repeats: int = 1,
    sample: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    scheduler: str | None = None,
    timeout: float | None = None,
    memory: int | str | None = None,
    folder: str | os.PathLike | None = None,
    shard: str | tuple[int, int] | None = None,
    retry_failed: bool = False,
    pages: bool = False,
    wait: bool = True,
    show: bool = True,
) -> Sweep:
    """Run a lesson over many parameters and keep every result; the same call resumes.

    Runs that have finished, or failed by the lesson's own doing, are not run again. Runs that were
    killed, stopped or hit a limit are.

    Args:
        lesson: "01", 1 or "01_gradient_descent".
        grid: {name: values}; every combination is run. Values are a list, or a text as on the
            command line: "0.001..1:log:5" (5 values), "0.001..1:log" (to draw from).
        points: rows of parameters, or a CSV or YAML file of them; combined with the grid.
        repeats: how often each point runs, with its seed counted up.
        sample: draw this many points from the grid at random, instead of all combinations.
        seed: seed of that draw.
        workers: runs at once; default one a core.
        scheduler: address of a dask scheduler (tcp://...), or "local" to try one out.
        timeout, memory: limits of each run, in seconds and bytes (or "2GB").
        folder: the results folder; default LABKIT_RUNS or `runs/`.
        shard: "I/N" runs only each N-th point, beginning at the I-th, and needs no SQLite file.
        retry_failed: run failed points again, whatever made them fail.
        pages: make an HTML page of each run too.
        wait: return when all is done; False returns at once, and it goes on in the background.
        show: show progress.

    Returns:
        The sweep, with `.plan`, `.ok`, `.results`, `.table()`, `.wait()` and `.stop()`.

    Raises:
        SweepError, ParameterError, PlaceError, RunError: what is wrong, what is allowed, what to
            do; nothing was run.
        KeyboardInterrupt: after the running lessons were stopped and have left their rows.
    """
    made = plan(
        lesson,
        grid,
        points=points,
        repeats=repeats,
        sample=sample,
        seed=seed,
        workers=workers,
        folder=folder,
        shard=shard,
        retry_failed=retry_failed,
    )
    limits = {"timeout": timeout, "memory": memory, "pages": pages}
    started = begin(made, scheduler=scheduler, show=show, **limits)
    if wait:
        return started.wait()
    if show:
        threading.Thread(target=started._watch, daemon=True).start()
    return started


def begin(
    plan: Plan,
    *,
    scheduler: str | None = None,
    timeout: float | None = None,
    memory: int | str | None = None,
    pages: bool = False,
    show: bool = True,
) -> Sweep:
    """Start what is planned and return at once; `sweep` tells the arguments."""
    limit = check(scheduler, plan.shard, timeout, memory)
    return Sweep(plan, {"timeout": timeout, "memory": limit, "page": pages}, scheduler, show)


def check(
    scheduler: str | None,
    shard: tuple[int, int] | None,
    timeout: float | None,
    memory: int | str | None,
) -> int | None:
    """Return the memory limit in bytes; raise if one of these makes no sense.

    >>> check(scheduler=None, shard=None, timeout=60, memory="2GB")
    2000000000
    """
    if scheduler is not None and shard is not None:
        raise SweepError("scheduler and shard exclude each other: a shard needs no scheduler")
    check_timeout(timeout)
    return None if memory is None else memory_in_bytes(memory)


class Sweep:
    """A sweep that goes on, or has ended."""

    def __init__(self, plan: Plan, wishes: dict | None = None, scheduler=None, show: bool = True):
        self.plan = plan
        self.results: dict[str, End] = {  # run id -> how it ended
            run_id: End.of(record) for run_id, record in plan.done.items()
        }
        # An event, not Thread.join: Ctrl-C in a join makes Python 3.11 take the thread for ended.
        self._stop, self._ended = threading.Event(), threading.Event()
        self._problem: BaseException | None = None
        self._view = _view(plan, show)  # it remembers what was there before
        self._driver = Driver(plan, wishes or {}, scheduler, self.results, self._stop)
        threading.Thread(target=self._drive, daemon=True).start()

    @property
    def ok(self) -> bool:
        """True when every run of the plan has finished."""
        return all(end.status == "finished" for end in self.ends)

    @property
    def ends(self) -> list[End]:
        """How each point of the plan ended, in its order."""
        return [self.results.get(point.run_id, NOT_RUN) for point in self.plan.points]

    @property
    def going(self) -> bool:
        """True until all is done or stopped."""
        return not self._ended.is_set()

    def table(self) -> pd.DataFrame:
        """Return the runs of this sweep as `labkit.results` shows runs, those going on too."""
        ids = [point.run_id for point in self.plan.points]
        found = table.results(self.plan.lesson.number, self.plan.folder)
        return found[found["run_id"].isin(ids)].reset_index(drop=True)

    def stop(self) -> None:
        """Stop the running lessons; what has finished is kept, and the same call resumes."""
        self._stop.set()

    def wait(self) -> Sweep:
        """Show progress until all is done; Ctrl-C stops the sweep first, and is then raised."""
        with self._view as view:
            try:
                while not self._ended.wait(TICK):
                    view.update()
            except KeyboardInterrupt:
                self.stop()
                self._ended.wait()  # a second Ctrl-C ends this at once
                raise
            finally:
                with suppress(Exception):
                    view.update()
        if self._problem:
            raise self._problem
        return self

    def _watch(self) -> None:
        """Show progress from a thread of its own; what went wrong, `wait` will raise."""
        with suppress(Exception):
            self.wait()

    def _drive(self) -> None:
        try:
            self._driver.work()
        except BaseException as error:
            self._problem = error
        finally:
            self._ended.set()

    def __repr__(self) -> str:
        return f"<sweep of {summary(self)}>"


def summary(sweep: Sweep) -> str:
    """Return how a sweep ended, in words: '01_...: 24 runs, 22 finished, 2 failed (2 timeout)'."""
    words = []
    for state in ("finished", "failed", "interrupted", "not run"):
        same = [end for end in sweep.ends if end.status == state]
        causes = Counter(end.cause for end in same if state == "failed")
        each = ", ".join(f"{number} {cause}" for cause, number in causes.items())
        words += [f"{len(same)} {state}" + (f" ({each})" if each else "")] if same else []
    return f"{sweep.plan.lesson.name}: {count(len(sweep.ends), 'run')}, {', '.join(words)}"


class _NoView:
    def update(self) -> None:
        """There is nothing to see."""


def _view(plan: Plan, show: bool):
    """Return what shows the sweep while it goes on, a context manager with `.update()`."""
    return shown.view(plan) if show else nullcontext(_NoView())
