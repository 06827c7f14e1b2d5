"""Ctrl-C that ends a task where it waits, not amid whatever Python is doing just then."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def gently(stop: Callable[[], bool]) -> Iterator[None]:
    """Let `stop` deal with the signals that would raise KeyboardInterrupt, as asyncio.run does.

    Raised anywhere, it may leave a process that nobody knows, or a socket that nobody closes.

    Args:
        stop: returns whether it stops something; where it does not, KeyboardInterrupt is raised.

    >>> with gently(lambda: True):
    ...     signal.raise_signal(signal.SIGINT)
    """

    def handle(number: int, frame) -> None:
        if not stop():
            signal.default_int_handler(number, frame)

    numbers = []
    if threading.current_thread() is threading.main_thread():  # no other may set what a signal does
        raising = signal.default_int_handler
        numbers = [n for n in signal.valid_signals() if signal.getsignal(n) is raising]
    for number in numbers:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.default_int_handler)
