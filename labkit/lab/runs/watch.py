"""What the runner asks of one execution, and what is seen of it."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from labkit.lab.lesson import INSERTED, tags
from labkit.lab.records.entry import Failure


@dataclass
class Watch:
    """What the runner asks of one execution, and what it sees of it."""

    own: bool = True  # a run of the lab; False where papermill calls: then its rules hold
    folder: str | None = None  # where the kernel starts
    save: str | os.PathLike | None = None  # where the notebook is kept while it runs
    save_every: float = 10.0  # seconds
    timeout: float | None = None  # seconds for the whole run, from the start of its kernel
    memory: int | None = None  # bytes of private memory, of the kernel and its children
    output: int | None = None  # bytes of all that is printed; of figures ten times as many
    fork: str = "auto"  # or "always" (start a zygote where none runs), "never"
    on_cell: Callable[[int], None] = lambda index: None
    on_record: Callable[[dict], None] = lambda payload: None
    environment: dict[str, str] = field(default_factory=dict)
    notebook: Any = None  # the notebook as far as it was executed
    cell: Any = None  # the cell that ran last
    failed: Failure | None = None  # what ended the run before its last cell
    peak_memory: int = 0  # bytes, private, of the kernel and its children
    cause: str | None = None  # why the engine killed the kernel: timeout, memory, output, stopped
    forked: bool = False  # the kernel was forked, not started
    kernel_pid: int | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End the run now; may be called from any thread.

        >>> watch = Watch()
        >>> watch.stop()
        >>> watch.stopped.is_set()
        True
        """
        self.stopped.set()

    def failure(self, kind: str, cause: str, cell: Any = None) -> Failure:
        """Return a failure at a cell, or at the one that ran last.

        >>> Watch().failure("timeout", "not done within 5 s").message("01")
        'lesson 01, before the first cell: not done within 5 s'
        """
        cell = cell or self.cell
        return Failure.of(kind, cause, where(self.notebook, cell), cell and cell.get("id"))


def where(notebook: Any, cell: Any) -> str:
    """Return which cell of a lesson this is: 'cell 3 of 5 [c2] `1 / 0`'.

    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> notebook = new_notebook(cells=[new_code_cell("1 / 0", id="c2")])
    >>> where(notebook, notebook.cells[0])
    'cell 1 of 1 [c2] `1 / 0`'
    """
    if cell is None:
        return "before the first cell"
    # papermill inserts a cell with parameters and marks a failing one; the lesson has neither.
    cells = [c for c in notebook.cells if not INSERTED & tags(c)]
    number = next((n for n, c in enumerate(cells, start=1) if c is cell), None)
    place = f"cell {number} of {len(cells)}" if number else "the cell with the parameters"
    first_line = next((line.strip() for line in cell["source"].splitlines() if line.strip()), "")
    return f"{place} [{cell.get('id', '')}] `{first_line[:60]}`"
