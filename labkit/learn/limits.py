"""An end for a loop that has none: what a learner writes must not stop the notebook."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 10.0  # an exercise's cases together take milliseconds


@contextmanager
def limited(seconds: float | None = None) -> Iterator[None]:
    """Raise a TimeoutError in what stands below, once it has run for so long: 10 s when None.

    Only in the main thread, where notebooks run their cells, and not on Windows: elsewhere there is
    no alarm, and no limit.

    Raises:
        TimeoutError: it was still running.

    >>> with limited(0.05):
    ...     while True:
    ...         pass
    Traceback (most recent call last):
    TimeoutError: still running after 0.05 s
    """
    seconds = SECONDS if seconds is None else seconds
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
