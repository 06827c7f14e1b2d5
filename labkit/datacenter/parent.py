"""A child process that does not outlive the program that started it, and a copy by fork."""

from __future__ import annotations

import os
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
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(held, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(held, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(held, fcntl.F_SETFL, fcntl.fcntl(held, fcntl.F_GETFL) | os.O_ASYNC)
    return held


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
