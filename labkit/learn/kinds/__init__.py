"""What kind of thing came back: the feedback on answers that no exercise planned for.

It looks at what came, at what is asked and at the learner's code, and says in a sentence what came,
what is asked and how one usually mends it. It knows no exercise, and gives no formula away.

    things     what it is: text, a set, a function, None inside
    several    several values: too few, in another order, only the second wrong
    shapes     a column for a flat array, one number for many
    source     what stands in the code: a return inside a loop, a name that is never used
    relations  how the numbers stand to the right ones: the sign, rounded, something added
    factors    of these, a factor: 2, percent, n, an argument
    edits      the one change that makes the code right: a sign, a name, parentheses
    parts      what of it is right: some cases, some places, the signs
    arguments  what was done with the arguments: one not used, two exchanged
    errors     what the errors of Python and NumPy mean
"""

import warnings
from collections.abc import Callable, Mapping

import numpy as np

from labkit.learn.kinds import arguments, edits, parts, relations, several, shapes, source, things
from labkit.learn.kinds.tried import Said, Tried

__all__ = ["Tried", "named"]


def named(tried: Tried) -> Said:
    """Return the kind of a wrong answer and a sentence about it, None for one of no known kind.

    >>> tried = Tried([[2.0], [3.0]], [2.0, 3.0], [(1.0,), (2.0,)])
    >>> named(tried)[0]
    'wrapped in a list'
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for mine, wanted in tried.pairs():
            if said := things.named(mine, wanted):
                return said
        if tried.cases is None:
            return _form(tried, relations.of_values)
        for look in (source.certain, arguments.came_back, arguments.unused, _exact):
            if said := look(tried):
                return said
        return edits.named(tried) or _form(tried, _vague) or several.only_one(tried)


def _exact(tried: Tried) -> Said:
    return _form(tried, _all_numbers)


def _form(tried: Tried, numbers: Callable[[Tried], Said]) -> Said:
    """Name what is wrong with the values, their shapes or, by `numbers`, their numbers."""

    def again(part: Tried) -> Said:
        return _form(part, numbers)

    if all(isinstance(wanted, tuple) for wanted in tried.wanted):
        return several.values(tried, again)
    if any(isinstance(wanted, Mapping) for wanted in tried.wanted):
        return several.mapping(tried, again)
    if said := several.for_one(tried):
        return said
    if any(x is None or y is None for x, y in tried.arrays()):
        return several.words(tried)
    return shapes.named(tried) or numbers(tried)


def _all_numbers(tried: Tried) -> Said:
    """Name what holds for all numbers, or explains all of them."""
    return arguments.came_back(tried) or relations.plain(tried) or arguments.named(tried)


def _vague(tried: Tried) -> Said:
    """Name what stands in the code, or what is right in part."""
    return source.likely(tried) or parts.named(tried)
