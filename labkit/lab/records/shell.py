"""The notebook that this process is the kernel of, if it is one."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipykernel.zmqshell import ZMQInteractiveShell


def shell() -> ZMQInteractiveShell | None:
    """Return the notebook's IPython shell, or None in a plain Python process."""
    if "IPython" not in sys.modules:
        return None
    found = sys.modules["IPython"].get_ipython()
    return found if found is not None and hasattr(found, "kernel") else None


def in_notebook() -> bool:
    """Return whether this runs in the kernel of a notebook.

    >>> in_notebook()
    False
    """
    return shell() is not None


def is_headless() -> bool:
    """Return whether a runner runs this lesson and keeps its record."""
    return bool(os.environ.get("LABKIT_HEADLESS"))


class LessonEndsHere(Exception):
    """Ends a lesson early because a parameter asks for it: nothing went wrong."""

    def _render_traceback_(self) -> list[str]:
        return [f"LessonEndsHere: {self}"]


def end_here(words: str) -> None:
    """Skip the cells below: with a word where somebody looks on, in silence where nobody does.

    JupyterLab sends the id of the cell that it runs; papermill and `labkit run` do not. There a
    raised error would fail the run, so that the cells below are emptied instead.

    Args:
        words: why the lesson ends.

    Raises:
        LessonEndsHere: in JupyterLab. Cells below can still be run, one by one.

    Lesson: 12_training_well.
    """
    kernel_shell = shell()
    if kernel_shell and "cellId" not in kernel_shell.kernel.get_parent("shell")["metadata"]:
        kernel_shell.input_transformers_post.append(lambda lines: [])
    else:
        raise LessonEndsHere(words)


def load_ipython_extension(kernel_shell: ZMQInteractiveShell) -> None:
    """Display errors of threads and forgotten tasks, which nothing catches, as errors of a cell.

    Python only prints them; the runner has this loaded, so that a run fails of them.
    """

    def show(raised) -> None:
        if raised.exc_type is not SystemExit:  # which only ends the thread
            kernel_shell.showtraceback(raised[:3])

    threading.excepthook = show
    logging.getLogger("asyncio").addHandler(_Display(kernel_shell))


class _Display(logging.Handler):
    """Displays the errors that are logged."""

    def __init__(self, kernel_shell):
        super().__init__(logging.ERROR)
        self._shell = kernel_shell

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[0]:
            self._shell.showtraceback(record.exc_info)
