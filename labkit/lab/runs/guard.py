"""Limits of a run that hold whatever its cells do."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil

from labkit.lab.runs.watch import Watch

LOOK = 0.1  # seconds between two looks at a kernel


class Guard(threading.Thread):
    """Looks at a kernel while it runs and kills it at the limits of its watch.

    It is a thread, so a limit holds too while the run's own thread is busy, and it sends SIGKILL,
    so it holds too while the kernel is in native code.
    """

    def __init__(self, watch: Watch):
        super().__init__(name="labkit-guard", daemon=True)
        self.watch = watch
        self.kernel: Any = None  # the process, once there is one
        self.until: float | None = None
        self._done = threading.Event()
        self._next_measure = 0.0

    @property
    def cause(self) -> str | None:
        """Why the kernel was killed, None if it was not."""
        return self.watch.cause

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self.join()

    def watch_over(self, kernel: Any) -> None:
        """Begin: from now on the time of the run counts, not while a first zygote imports."""
        if self.watch.timeout is not None:
            self.until = time.monotonic() + self.watch.timeout
        self._next_measure = time.monotonic() + 1.0  # a kernel that starts has its smallest size
        self.kernel = kernel

    def run(self) -> None:
        """Look until the run is over or a limit is passed."""
        while not self._done.wait(LOOK):
            if self.kernel is None or self.cause:
                continue
            if self.watch.stopped.is_set():
                self.kill("stopped")
            elif self.until is not None and time.monotonic() > self.until:
                self.kill("timeout")
            elif self._is_too_large():
                self.kill("memory")

    def kill(self, cause: str) -> None:
        """Kill the kernel and what it started; the first cause counts."""
        self.watch.cause = self.watch.cause or cause
        if self.kernel.returncode is None:
            for kill in (getattr(os, "killpg", os.kill), os.kill):
                with suppress(OSError):
                    kill(self.kernel.pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    def _is_too_large(self) -> bool:
        """Measure the memory once a second, and at each look when the limit may be near."""
        limit = self.watch.memory
        if time.monotonic() < self._next_measure:
            if limit is None:
                return False
            resident = sum(_of_family(self.kernel.pid, lambda process: process.memory_info().rss))
            if resident <= limit:
                return False
        return self.measure() > (limit or float("inf"))

    def measure(self) -> int:
        """Return the private memory of the kernel and its children, in bytes; keep the peak."""
        if self.kernel is None:  # papermill was given one that runs already
            return 0
        # What a forked kernel shares with its zygote costs nothing: only private pages count.
        used = sum(_of_family(self.kernel.pid, lambda process: process.memory_full_info().uss))
        self._next_measure = time.monotonic() + 1.0
        self.watch.peak_memory = max(self.watch.peak_memory, used)
        return used


def _of_family(pid: int, ask: Callable[[psutil.Process], int]) -> list[int]:
    """Return what is asked of a kernel and its children, nothing if one has just ended."""
    try:
        kernel = psutil.Process(pid)
        return [ask(process) for process in (kernel, *kernel.children(recursive=True))]
    except psutil.Error:
        return []
