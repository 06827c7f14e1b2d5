"""Start a program that ends when the process that asked for it is gone, however that ended.

`python launch.py PIPE PROGRAM ARGUMENT ...`: the asker holds the other end of the pipe of that
number, and the system closes it with the asker. It is run as a script, and imports nothing of
labkit. The program keeps the process id, the standard input and the open files of this one.
"""

import fcntl
import os
import select
import signal
import sys


def main(pipe: int, program: list[str]) -> None:
    """Turn this process into the program, bound to the other end of the pipe."""
    os.set_inheritable(pipe, True)
    if sys.platform == "linux":  # the system itself kills, even what is stopped
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
        if _is_closed(pipe):  # before the system was asked to tell
            sys.exit(1)
    elif child := os.fork():  # elsewhere the first process watches, and passes a signal on
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
        _watch(pipe, child)
    os.execv(program[0], program)


def _watch(pipe: int, child: int) -> None:
    """Wait until the pipe or the child ends, and end as the child does."""
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if _is_closed(pipe, 0.2):
            os.kill(child, signal.SIGKILL)
    sys.exit(0)


def _is_closed(pipe: int, seconds: float = 0.0) -> bool:
    return bool(select.select([pipe], [], [], seconds)[0])  # it is never written to


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
