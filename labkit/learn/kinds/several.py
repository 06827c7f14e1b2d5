"""Several values: a tuple, a dictionary, words in a row."""

from collections.abc import Callable, Mapping

import numpy as np

from labkit.learn.kinds.things import described
from labkit.learn.kinds.tried import Said, Tried
from labkit.learn.values import has_words, items, same

_PLACES = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]


def values(tried: Tried, named: Callable[[Tried], Said]) -> Said:
    """Name what is wrong where several values are asked.

    Args:
        tried: what came, and what is asked: tuples.
        named: names what is wrong with one of them.
    """
    asked = len(tried.wanted[0])
    if any(len(wanted) != asked for wanted in tried.wanted):
        return None
    parts = [items(mine) for mine in tried.got]
    if any(part is None for part in parts):
        return "one value too few" if asked == 2 else "too few values", (
            f"Your function returns one value. Asked are {asked}, with commas between them: "
            "`return a, b`."
        )
    counts = {len(part) for part in parts}
    if counts == {1} and len(items(parts[0][0]) or ()) == asked:
        return "wrapped twice", f"Your {asked} values stand in a list of their own: leave it out."
    if counts != {asked}:
        few = min(counts) < asked
        return "too few values" if few else "too many values", (
            f"Your function returns {min(counts) if few else max(counts)} values. Asked are "
            f"{asked}, in the order that the task names."
        )
    return _order(tried, parts) or _parts(tried, named)


def _order(tried: Tried, parts: list[list]) -> Said:
    """Say that the values are right and their order is not."""
    asked = len(parts[0])
    turns = [list(range(asked))[::-1], *[np.roll(range(asked), n) for n in range(1, asked)]]
    for turn in turns:
        turned = [tuple(part[place] for place in turn) for part in parts]
        if all(map(same, turned, tried.wanted, [tried.tolerance] * len(parts))):
            return "order", "The values are right, and stand in another order than asked."
    return None


def _parts(tried: Tried, named: Callable[[Tried], Said]) -> Said:
    """Say what is wrong with the first of several values that has a name."""
    for place, part in _wrong(tried).items():
        if said := named(part):
            return f"{_PLACES[place]} value: {said[0]}", f"{_only(tried, place)} {said[1]}"
    return None


def only_one(tried: Tried) -> Said:
    """Say which of several values is not right, if it is only one."""
    if not all(isinstance(each, tuple) for each in tried.wanted):
        return None
    wrong = list(_wrong(tried))
    return (f"{_PLACES[wrong[0]]} value", _only(tried, wrong[0])) if len(wrong) == 1 else None


def _wrong(tried: Tried) -> dict[int, Tried]:
    count = min(len(tried.wanted[0]), len(_PLACES))
    return {place: part for place in range(count) if (part := tried.part(place))}


def _only(tried: Tried, place: int) -> str:
    if len(_wrong(tried)) > 1:
        return f"Look at the {_PLACES[place]} value first."
    return f"Of your {len(tried.wanted[0])} values only the {_PLACES[place]} is not right."


def for_one(tried: Tried) -> Said:
    """Name a tuple where one value is asked."""
    if not all(isinstance(mine, tuple) and len(mine) > 1 for mine in tried.got):
        return None
    counts = {len(mine) for mine in tried.got}
    fits = [x is not None and y is not None and x.shape == y.shape for x, y in tried.arrays()]
    if len(counts) > 1 or all(fits) or has_words(tried.wanted[0]):
        return None
    count = counts.pop()
    right = [
        place
        for place in range(min(count, len(_PLACES)))
        if all(same(mine[place], wanted, tried.tolerance) for mine, wanted in tried.pairs())
    ]
    more = f" The {_PLACES[right[0]]} of them is right." if right else ""
    return "too many values", (
        f"You give {count} values, with commas between them. Asked is one: "
        f"{described(tried.wanted[0])}.{more}"
    )


def mapping(tried: Tried, named: Callable[[Tried], Said]) -> Said:
    """Name what is wrong where a dictionary is asked."""
    if not all(isinstance(mine, Mapping) for mine in tried.got):
        return "no dictionary", "Asked is a dictionary: `{name: value, ...}`."
    for mine, wanted in tried.pairs():
        if missing := [repr(key) for key in wanted if key not in mine]:
            return "a key is missing", f"Your dictionary has no key {', '.join(missing)}."
        if more := [repr(key) for key in mine if key not in wanted]:
            return "a key too many", f"Nobody asked for the key {', '.join(more)}."
    for key in tried.wanted[0]:
        if part := tried.part(key):
            said = named(part)
            return (f"{key}: {said[0]}", f"{key}: {said[1]}") if said else (str(key), "")
    return None


def words(tried: Tried) -> Said:
    """Name a list of words that is too short, too long or wrapped twice."""
    for mine, wanted in tried.pairs():
        parts = items(mine)
        if not has_words(wanted):
            continue
        if parts is None:
            return "no list", f"Asked is {described(wanted)}, with commas between them."
        if len(parts) == len(wanted):
            continue
        if len(parts) == 1 and len(items(parts[0]) or ()) == len(wanted):
            return "wrapped twice", "Your words stand in a list inside a list: leave one out."
        few = len(parts) < len(wanted)
        return f"too {'few' if few else 'many'} words", (
            f"You give {len(parts)}. Asked is {described(wanted)}, one for each question."
        )
    return None
