"""One execution of a lesson: its engine's watch, and the staged record, kept up to date."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from labkit.lab import files
from labkit.lab.records import folders
from labkit.lab.records.entry import Expectation, Failure, Record
from labkit.lab.runs.watch import Watch

_OFTEN, _TOUCH = 0.5, 10.0  # seconds between two writes of a live record, if changed and if not


class Running:
    """A lesson that is executed now: `execute` brings its record up to date, whatever happens.

    While it goes, its staged record.json tells how far it is. The file is touched even when
    nothing changes, so that another machine sees the run live.
    """

    def __init__(
        self,
        record: Record,
        staging: Path,
        stop: threading.Event | None,
        on_cell: Callable[[int, int], None],
        on_record: Callable[[dict], None],
        wishes: dict[str, Any],
    ):
        self.record, self.staging = record, staging
        self._stop, self._on_cell, self._on_record = stop, on_cell, on_record
        self._payloads: list[dict] = []
        self._stated: dict[tuple, Any] = {}  # key of an expectation -> the cell that stated it
        self._behind, self._ended = False, threading.Event()
        self.watch = Watch(
            folder=str(staging),
            save=staging / folders.NOTEBOOK,
            on_cell=self._begin_cell,
            on_record=self._keep,
            **wishes,
        )

    def execute(self, notebook: Any, changed: dict[str, Any]) -> Any:
        """Execute a notebook with the changed parameters and return it as executed."""
        from labkit.lab.runs.engine import execute  # it loads papermill

        writer = threading.Thread(target=self._keep_writing, daemon=True)
        writer.start()
        started = time.perf_counter()
        try:
            error = execute(notebook, changed, self.watch)
        finally:
            self._ended.set()
            writer.join()
        self._conclude(error, time.perf_counter() - started)
        return self.watch.notebook

    def _conclude(self, error: Failure | None, seconds: float) -> None:
        record = self.record
        record.take(self._payloads)
        record.seconds, record.progress = round(seconds, 3), {}
        record.environment["peak_memory_mb"] = round(self.watch.peak_memory / 2**20)
        record.environment["kernel"] = "forked" if self.watch.forked else "started"
        record.error = error or self._broken()
        record.status = {None: "finished", "interrupted": "interrupted"}.get(record.cause, "failed")

    def _broken(self) -> Failure | None:
        """Return the failure of a run that found something else than it must."""
        broken = [expected for expected in self.record.expectations if expected.held is False]
        if not broken:
            return None
        cause = "; ".join(map(str, broken))
        return self.watch.failure("expectation", cause, self._stated[broken[0].key])

    def _keep(self, payload: dict) -> None:
        if "curves" in payload:  # they are all there each time; a long run shows them often
            self._payloads[:] = [p for p in self._payloads if "curves" not in p]
        self._payloads.append(payload)
        if "expectation" in payload:
            self._stated[Expectation(**payload["expectation"]).key] = self.watch.cell
        self._behind = True
        self._on_record(payload)

    def _begin_cell(self, index: int) -> None:
        self.record.progress = {"cell": index, "cells": len(self.watch.notebook.cells)}
        self._behind = True
        self._on_cell(index, len(self.watch.notebook.cells))

    def _keep_writing(self) -> None:
        written = 0.0
        while not self._ended.wait(0.1):
            if (self._stop and self._stop.is_set()) or folders.is_asked_to_stop(self.staging):
                self.watch.stop()
            waited = time.monotonic() - written
            with suppress(OSError):  # a full disk is met, and told, when the run ends
                if self._behind and waited >= _OFTEN:
                    self._behind, written = False, time.monotonic()
                    self.record.take(list(self._payloads))
                    files.write_json(self.staging / folders.RECORD, self.record.plain())
                elif waited >= _TOUCH:
                    written = time.monotonic()
                    os.utime(self.staging / folders.RECORD)
