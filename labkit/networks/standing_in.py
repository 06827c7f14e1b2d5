"""Let a function of ours stand in for one of Keras' while something is traced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def standing_in(place: Any, name: str, make: Callable[[Callable], Callable]) -> Iterator[None]:
    """While this is open, make(original) stands where `place` has a function of this name.

    Does nothing where this Keras has no such place, or no such name in it.

    >>> import math
    >>> with standing_in(math, "sqrt", lambda original: lambda x: -original(x)):
    ...     math.sqrt(4)
    -2.0
    >>> math.sqrt(4)
    2.0
    """
    original = getattr(place, name, None)
    if original is None:
        yield
        return
    setattr(place, name, make(original))
    try:
        yield
    finally:
        setattr(place, name, original)
