"""A child process that does not outlive the program that started it, and copies of that by fork.

A process of the lab calls `end_with_the_parent`. Any other program is started by
`python parent.py PIPE PROGRAM ARGUMENT ...`, where the asker holds the other end of the pipe of
that number: so this file imports nothing of labkit. The program keeps the process id, the standard
input and the open files.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import weakref
from typing import Any


def end_with_the_parent() -> int:
    """Let the system kill this process, and what it has started, when its parent is gone.

    The parent holds the other end of standard input, and closes it by its own end. The system
    looks at that even while this process is stopped, or computes without a pause. Elsewhere than
    on Linux the caller has to read what is returned: it has an end when the parent is gone.

    Call it when all that the parent sends has been read, in a process with a group of its own.

    Returns:
        The descriptor of the pipe; standard input itself is empty from here on.
    """
    held = os.dup(0)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    _bind(held)
    return held


def become(pipe: int, program: list[str]) -> None:
    """Turn this process, which has a group of its own, into a program that ends with the pipe."""
    os.set_inheritable(pipe, True)
    if _bind(pipe):
        if _is_closed(pipe):  # before the system was asked to tell
            sys.exit(1)
    elif child := os.fork():  # the first process watches
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
        _watch(pipe, child)
    os.execv(program[0], program)


def _bind(pipe: int) -> bool:
    """Let the system kill this group when the pipe's other end is closed; False: it cannot."""
    if sys.platform != "linux":
        return False
    import fcntl

    fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    return True


def _watch(pipe: int, child: int) -> None:
    """Wait until the pipe or the child ends, and end as the child does."""
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if _is_closed(pipe, 0.2):
            os.kill(child, signal.SIGKILL)
    sys.exit(0)


def _is_closed(pipe: int, seconds: float = 0.0) -> bool:
    return bool(select.select([pipe], [], [], seconds)[0])  # it is never written to


# --- copies by fork -----------------------------------------------------------------------------


def forget_in_copies(holder: Any) -> None:
    """Let `holder._forget()` be called in each copy of this process by fork.

    A copy has the other end of the pipes too, and would keep the children alive.
    """
    _HOLDERS.add(holder)


_HOLDERS: weakref.WeakSet = weakref.WeakSet()


def _forget_all() -> None:
    for holder in list(_HOLDERS):
        holder._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
