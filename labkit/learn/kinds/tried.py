"""What an answer gave, beside what is asked."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from operator import itemgetter
from typing import Any

import numpy as np

from labkit.learn.values import close, items, numbers, same

SECONDS = 1.0  # that any one search for a name may take; a learner waits for it
Said = tuple[str, str] | None  # the name of the kind, and a sentence


@dataclass(frozen=True)
class Tried:
    """What an answer gave.

    Args:
        got: what came back, for each case (for a value: the value alone).
        wanted: the right answers.
        cases: the arguments of each case, None for an exercise about a value.
        answer: the learner's function.
        right: the lab's.
        tolerance: largest difference that counts as equal.
        names: the names of the arguments.
        accepts: tells of a function whether it is right.
    """

    got: list
    wanted: list
    cases: list[tuple] | None = None
    answer: Any = None
    right: Any = None
    tolerance: float = 1e-6
    names: tuple[str, ...] = ()
    accepts: Callable[[Callable], bool] | None = None

    @cached_property
    def x(self) -> list:
        """What came back as arrays of floats, None where it is not made of numbers."""
        return list(map(numbers, self.got))

    @cached_property
    def y(self) -> list:
        """What is asked as arrays of floats, None where it is not made of numbers."""
        return list(map(numbers, self.wanted))

    def pairs(self) -> list[tuple]:
        """Return (what came, what is asked) for each case."""
        return list(zip(self.got, self.wanted, strict=True))

    def arrays(self) -> list[tuple]:
        """Return `pairs` as arrays."""
        return list(zip(self.x, self.y, strict=True))

    def holds(self, function: Callable, tolerance: float | None = None) -> bool:
        """Return whether what came is `function` of what is asked, in every case."""
        tolerance = self.tolerance if tolerance is None else tolerance
        return all(alike(x, function(y), tolerance) for x, y in self.arrays())

    def part(self, place: Any) -> "Tried | None":
        """Return one of several values (by place or by key), None if it is right."""
        take = (lambda each: items(each)[place]) if isinstance(place, int) else itemgetter(place)
        got, wanted = list(map(take, self.got)), list(map(take, self.wanted))
        if all(same(a, b, self.tolerance) for a, b in zip(got, wanted, strict=True)):
            return None
        return replace(self, got=got, wanted=wanted, right=_one_of(self.right, place))


def _one_of(function: Any, place: Any) -> Any:
    if function is None:
        return None

    @wraps(function)
    def one(*arguments):
        return function(*arguments)[place]

    return one


def alike(x: Any, y: Any, tolerance: float) -> bool:
    """Return whether two arrays have the same shape and the same numbers."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    return x.shape == y.shape and bool(close(x, y, tolerance).all())
