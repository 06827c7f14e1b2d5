"""An end for a loop that has none: what a learner writes must not stop the notebook."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from labkit import machine

SECONDS = 10.0  # an exercise's cases together take milliseconds
_OURS = (__file__, contextlib.__file__)  # code that ends the limit must not be ended by it


@contextmanager
def limited(seconds: float | None = None) -> Iterator[None]:
    """Raise a TimeoutError in what stands below, once it has run for so long: 10 s when None.

    Only in the main thread, where notebooks run their cells, and not on Windows: elsewhere there is
    no alarm, and no limit. A web page has no alarm either: there the time is looked at whenever a
    function that stands in a cell loops, and whenever any function of Python begins. Only what
    never comes back to Python, such as `sum(itertools.count())`, goes on.

    Raises:
        TimeoutError: it was still running.

    >>> with limited(0.05):
    ...     while True:
    ...         pass
    Traceback (most recent call last):
    TimeoutError: still running after 0.05 s
    """
    seconds = SECONDS if seconds is None else seconds
    if machine.in_page():
        with _watched(seconds):
            yield
        return
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise TimeoutError(f"still running after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, end)
    # Again and again: the first may end in an `except` of the learner's own loop.
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    """Do the same without an alarm: Python 3.12 and newer tell of every loop and every call."""
    tools = sys.monitoring
    free = next((n for n in range(6) if tools.get_tool(n) is None), None)
    if free is None:  # a limit within limits, five deep: the outer ones hold
        yield
        return
    due = time.monotonic() + seconds

    def begins(code, *_: object) -> None:
        if time.monotonic() > due and code.co_filename not in _OURS:
            raise TimeoutError(f"still running after {seconds:g} s")

    def loops(code, *_: object) -> None:
        # In cells alone: an error raised at a jump passes by the `with` and `try` around the loop
        # (seen in Python 3.12 and 3.13), which would leave a library's state as it is.
        if code.co_filename.startswith("<"):
            begins(code)

    events = {tools.events.PY_START: begins, tools.events.JUMP: loops}
    tools.use_tool_id(free, "labkit.learn.limits")
    try:
        for event, callback in events.items():
            tools.register_callback(free, event, callback)
        tools.set_events(free, sum(events))
        yield
    finally:
        tools.set_events(free, 0)
        tools.free_tool_id(free)
