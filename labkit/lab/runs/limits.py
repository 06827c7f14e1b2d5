"""The limits of a run as they are given, and the error of a run that cannot be started or kept."""

import math
import re

_SMALLEST_MEMORY = 50_000_000  # bytes; an idle kernel needs as much
_SMALLEST_OUTPUT = 1_000_000  # bytes
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}


class RunError(RuntimeError):
    """A run that could not be started or kept; the message says why and what to do."""


def check_timeout(timeout: float | None) -> None:
    """Raise a RunError if this is no time limit.

    >>> check_timeout(-1)
    Traceback (most recent call last):
    ...
    labkit.lab.runs.limits.RunError: timeout = -1 is not allowed; it is a number of seconds above 0
    """
    if timeout is not None and not 0 < timeout < math.inf:
        raise RunError(f"timeout = {timeout} is not allowed; it is a number of seconds above 0")


def memory_in_bytes(text: int | str) -> int:
    """Return the bytes that a memory limit such as "2GB", "1.5 GiB" or 500000000 means.

    Raises:
        RunError: it cannot be read, or no kernel could live with it.

    >>> memory_in_bytes("500MB")
    500000000
    """
    return _size("memory", text, _SMALLEST_MEMORY, "an idle kernel needs as much")


def output_in_bytes(text: int | str) -> int:
    """Return the bytes that a limit of output such as "100MB" means.

    Raises:
        RunError: it cannot be read, or is too small for a figure.

    >>> output_in_bytes("100 MB")
    100000000
    """
    return _size("output", text, _SMALLEST_OUTPUT, "a figure needs as much")


def _size(name: str, text: int | str, smallest: int, because: str) -> int:
    match = re.fullmatch(r"\s*([0-9]+\.?[0-9]*)\s*([KMG]I?|)B?\s*", str(text).upper())
    size = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if size < smallest:
        raise RunError(
            f"{name} = {text!r} is not allowed; it is a size such as 2GB or 500MB (at least "
            f"{smallest // 10**6}MB: {because})"
        )
    return size
