"""How runs end, in words: the same in the notebook and in the record."""

from typing import Any

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from labkit.lab.lesson import INSERTED, tags


def ending(watch: Any, error: BaseException) -> tuple[str, str]:
    """Return kind and cause of what ended a run before its last cell.

    Args:
        watch: what the engine saw of the run (`labkit.lab.runs.engine.Watch`).
        error: what was raised.
    """
    if isinstance(error, CellExecutionError):
        return "cell error", f"{error.ename}: {error.evalue}"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "stopped by Ctrl-C"
    if isinstance(error, CellTimeoutError):
        return "timeout", str(error).splitlines()[0]
    if isinstance(error, DeadKernelError):
        return _killed(watch)
    return "runner error", f"{type(error).__name__}: {error}"


def where(notebook: Any, cell: Any) -> str:
    """Return which cell of a lesson this is: 'cell 3 of 5 [c2] `1 / 0`'."""
    if cell is None:
        return "before the first cell"
    # papermill inserts a cell with parameters and marks a failing one; the lesson has neither.
    cells = [c for c in notebook.cells if not INSERTED & tags(c)]
    number = next((n for n, c in enumerate(cells, start=1) if c is cell), None)
    place = f"cell {number} of {len(cells)}" if number else "the cell with the parameters"
    first_line = next((line.strip() for line in cell["source"].splitlines() if line.strip()), "")
    return f"{place} [{cell.get('id', '')}] `{first_line[:60]}`"


def _killed(watch: Any) -> tuple[str, str]:
    """Return kind and cause of a kernel that is gone: the engine ended it, or something else."""
    peak = f"its peak was {watch.peak_memory / 1e6:.0f} MB"
    match watch.cause:
        case "timeout":
            return "timeout", f"not done within {watch.timeout:g} s"
        case "memory":
            return "memory", f"more than {watch.memory / 1e6:g} MB of memory ({peak})"
        case "output":
            return "output", f"more than {watch.output_limit / 1e6:g} MB of output"
        case "stopped":
            return "interrupted", "stopped before its end"
    cause = "the kernel died: killed, crashed in native code, or out of memory"
    return "killed kernel", f"{cause} ({peak})"
