"""The notebook of a run as a file: written while it goes, whole or not at all, and true."""

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbformat.v4 import new_output, writes_json
from papermill.engines import NotebookExecutionManager
from papermill.iorw import LocalHandler, papermill_io

from labkit.lab import files
from labkit.lab.records.entry import Failure
from labkit.lab.runs.watch import Watch


class TruthfulManager(NotebookExecutionManager):
    """papermill's book-keeping, with saves now and then and statuses that are true."""

    def __init__(self, nb, watch: Watch, output_path, progress_bar, log_output):
        super().__init__(nb, output_path, log_output, progress_bar, autosave_cell_every=0)
        self.watch = watch
        self._next_save = 0.0 if output_path else time.monotonic() + watch.save_every
        local = papermill_io.get_handler(output_path)
        if type(local) is LocalHandler:
            local.__class__ = WholeFiles
        # What is read elsewhere while it is written, such as a pipe, is written once, at the end.
        self._once = isinstance(local, WholeFiles) and files.is_passed_on(local.at(output_path))
        self._began = False

    def save(self, **kwargs: Any) -> None:
        """Write the notebook if that was not done in the last seconds."""
        started = time.monotonic()
        if started < self._next_save or self._once:
            return
        # Where papermill cannot write is told before any cell runs. What happens later, such as a
        # full disk, is met again, and told, at the end.
        with suppress(OSError if self.watch.own or self._began else ()):
            self._write()
        self._began, ended = True, time.monotonic()
        self._next_save = ended + max(self.watch.save_every, 4 * (ended - started))

    def _write(self) -> None:
        if not self.watch.own:
            super().save()
        elif self.watch.save is not None:
            files.write(self.watch.save, writes_json(self.nb) + "\n")

    def notebook_complete(self, **kwargs: Any) -> None:
        """Write when the run ended; cells that were not reached stay pending."""
        self.end_time = self.now()
        seconds = (self.end_time - self.start_time).total_seconds()
        times = {"end_time": self.end_time.isoformat(), "duration": seconds}
        self.nb.metadata.papermill.update(times)
        if self.output_path:
            # papermill writes once more, but for an error that it raises at once.
            self._once = self._once and sys.exc_info()[0] is None
            self._next_save = 0.0
            self.save()


class WholeFiles(LocalHandler):
    """papermill's way to write local files, which then stay what they are and are never half."""

    def at(self, path: str) -> Path:
        """Return what a path means: it starts where papermill was called, not where cells run."""
        return Path(self._cwd or "", path)

    def write(self, buf: str, path: str) -> None:
        """Write the text, whole or not at all."""
        files.write(self.at(path), buf)


def mark_failed(notebook: Any, cell: Any, failure: Failure) -> None:
    """Write into an executed notebook at which cell, and why, the run failed.

    papermill leaves every cell 'completed' after a killed kernel or a timeout; a notebook that
    lies about its end must not be taken for a result. A second call changes nothing.

    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> notebook = new_notebook(cells=[new_code_cell("1 / 0"), new_code_cell("2")])
    >>> mark_failed(notebook, notebook.cells[0], Failure("timeout", "not done within 5 s"))
    >>> [cell.metadata["papermill"]["status"] for cell in notebook.cells]
    ['failed', 'pending']
    """
    notebook.metadata.setdefault("papermill", {})["exception"] = True
    if cell is None:  # the kernel did not start
        return
    index = next(i for i, candidate in enumerate(notebook.cells) if candidate is cell)
    cell.metadata.setdefault("papermill", {}).update(status="failed", exception=True)
    for later in notebook.cells[index + 1 :]:
        later.metadata.setdefault("papermill", {}).update(status="pending", exception=None)
    show_error(cell, failure.kind, failure.cause)


def show_error(cell: Any, name: str, value: str) -> None:
    """Let a cell show that it failed, if it does not yet.

    >>> from nbformat.v4 import new_code_cell
    >>> cell = new_code_cell("1 / 0")
    >>> show_error(cell, "ZeroDivisionError", "division by zero")
    >>> cell.outputs[0].evalue
    'division by zero'
    """
    outputs = cell.get("outputs", [])
    if not any(output.output_type == "error" for output in outputs):
        outputs.append(new_output("error", ename=name, evalue=value, traceback=[value]))
