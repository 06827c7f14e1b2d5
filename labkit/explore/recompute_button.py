"""A button that computes a row of the ledger again, in a process of its own beside the kernel."""

from __future__ import annotations

import atexit
import html
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import ipywidgets as widgets

from labkit import machine
from labkit.lab.words import clock
from labkit.learn.claims import show

if TYPE_CHECKING:
    from labkit.learn.shown import Shown

_LOOK = 0.5  # seconds between two looks at a run
_START, _STOP = "Compute again", "Stop"


def command(id: str) -> list[str]:
    """Return the command that computes a row again, and tells the outcome as JSON.

    >>> command("A2-GD-04")[1:]
    ['-m', 'labkit', 'claims', 'check', 'A2-GD-04', '--format', 'json']
    """
    return [sys.executable, "-m", "labkit", "claims", "check", id, "--format", "json"]


class RecomputeButton(widgets.VBox):
    """A button and what it found; the page, and the kernel, are free meanwhile.

    Args:
        picked: returns the id of the row that is to be computed, None without one.
    """

    def __init__(self, picked: Callable[[], str | None]) -> None:
        self._picked = picked
        self._armed, self._can = True, False
        self._running: subprocess.Popen | None = None
        self.button = widgets.Button(description=_START, layout={"width": "auto"})
        self.button.on_click(self._press)
        self.told = widgets.HTML()
        self.told.add_class("labkit-status")
        super().__init__([self.button, self.told])

    def offer(self, row: dict[str, str] | None, shown: Shown | None) -> None:
        """Say what the button would do for this row; a run that goes on keeps its words."""
        self._can = bool(row and row["values"] and shown)
        if self._running is not None:
            return
        self.button.disabled = not self._can
        if self._can:
            told = f"Lesson {shown.lesson} would run from its first cell to {shown.cell}."
        else:
            told = "This row was answered by reading, or is an opinion: no run would tell more."
        self._say(told if row else "")

    @contextmanager
    def disarmed(self) -> Iterator[None]:
        """Within it, the button starts nothing."""
        self._armed = False
        try:
            yield
        finally:
            self._armed = True

    def wait(self, seconds: float) -> None:
        """Wait for a run that goes on, for so many seconds at most."""
        thread = getattr(self, "_thread", None)
        if thread is not None:
            thread.join(seconds)

    def _press(self, _button: object = None) -> None:
        id = self._picked()
        if not self._armed or id is None:
            return
        if self._running is not None:
            self._end()
            return
        machine.needs("Recomputing a row", "a process of its own")
        # A session of its own: interrupting the kernel does not interrupt it.
        self._running = subprocess.Popen(
            command(id),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={name: v for name, v in os.environ.items() if name != "LABKIT_HEADLESS"},
            start_new_session=True,
        )
        atexit.register(self._end)
        self.button.description = _STOP
        self._thread = threading.Thread(target=self._follow, args=(id, self._running), daemon=True)
        self._thread.start()

    def _follow(self, id: str, running: subprocess.Popen) -> None:
        begun = time.monotonic()
        while True:
            try:
                out, errors = running.communicate(timeout=_LOOK)
                break
            except subprocess.TimeoutExpired:
                self._say(f"{id} is computed again: {clock(time.monotonic() - begun)}")
        atexit.unregister(self._end)
        self._running = None
        self.button.description, self.button.disabled = _START, not self._can
        self._say(outcome(id, running.returncode, out, errors))

    def _end(self) -> None:
        """Ask the run to end; it leaves nothing behind.

        Not by SIGINT: what a script starts in the background may be deaf to it, and hands that on.
        """
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()

    def _say(self, text: str) -> None:
        self.told.value = html.escape(text)


def outcome(id: str, status: int, out: str, errors: str) -> str:
    """Return in words what the command said.

    >>> outcome("A2-GD-04", 130, "", "Stopped.")
    'A2-GD-04: stopped; nothing of the run is left.'
    """
    if status in (130, -signal.SIGTERM):
        return f"{id}: stopped; nothing of the run is left."
    try:
        (found,) = json.loads(out)
    except ValueError:
        last = (errors.strip().splitlines() or ["no word from it"])[-1]
        return f"{id} could not be computed again: {last}"
    now = "" if found["now"] is None else "; ".join(map(show, found["now"]))
    parts = [f"{id}: {found['state']}.", now and f"Now {now}; ledger {found['ledger']}."]
    return " ".join(part for part in [*parts, found["told"]] if part)
