"""Runs as compact JSON: what the page gets."""

import json
import math
from typing import Any

from labkit.lab.records.entry import number_again

POINTS = 240_000  # numbers of all curves in one page; more are thinned
FEWEST = 6  # points that a thinned curve keeps at least

Curve = tuple[list, list]  # steps, values


def pack_column(name: str, values: list) -> dict:
    """Return a column as {constant}, {levels, codes} or {values}, whichever is shortest.

    >>> pack_column("param.p", [1, 1, 2, 2])
    {'name': 'param.p', 'levels': [1, 2], 'codes': [0, 0, 1, 1]}
    """
    given = [v for v in values if v is not None]
    real = {"real": True} if given and all(isinstance(v, float) for v in given) else {}
    codes: dict[Any, int] = {}
    of = [codes.setdefault(_key(value), len(codes)) for value in values]
    levels = list({code: value for code, value in zip(of, values, strict=True)}.values())
    if len(levels) <= 1:
        return {"name": name, "constant": _coded(levels[0]) if levels else None} | real
    if len(levels) <= len(values) / 2:
        return {"name": name, "levels": [_coded(each) for each in levels], "codes": of} | real
    return {"name": name, "values": [_coded(each) for each in values]} | real


def _key(value: Any) -> Any:
    """Return what tells values apart; 1, 1.0 and True are three, nan is one."""
    if isinstance(value, list | dict) or value != value:
        return json.dumps(value)
    return type(value), value


def _coded(value: Any) -> Any:
    """Return a value as JSON holds it; numbers that are not finite as {"f": "inf"}."""
    if isinstance(value, list):
        return [_coded(item) for item in value]
    return {"f": str(value)} if isinstance(value, float) and not math.isfinite(value) else value


def pack_curves(curves: dict[str, dict[int, Curve]]) -> dict:
    """Return {metric: {steps, rows, of, values}}: lists of steps are kept once, `of` says which."""
    return {metric: _packed(of) for metric, of in curves.items()}


def _packed(curves: dict[int, Curve]) -> dict:
    known: dict[tuple, int] = {}
    of = [known.setdefault(tuple(steps), len(known)) for steps, _ in curves.values()]
    return {
        "steps": [list(steps) for steps in known],
        "rows": list(curves),
        "of": of,
        "values": [[_coded(v) for v in values] for _, values in curves.values()],
    }


def thinned(curves: dict[str, dict[int, Curve]]) -> dict[str, dict[int, Curve]]:
    """Return curves, as records hold them, with so few points that one page can hold them all."""
    count = sum(map(len, curves.values()))
    longest = max(FEWEST, POINTS // max(1, count))
    return {
        metric: {row: _thin(*curve, longest) for row, curve in of.items()}
        for metric, of in curves.items()
    }


def _thin(steps: list, values: list, longest: int) -> Curve:
    kept = _kept(len(steps), longest)
    return [steps[k] for k in kept], [rounded(number_again(values[k]), 4) for k in kept]


def _kept(length: int, longest: int) -> list[int]:
    """Return which points of a curve stay, the first and the last among them.

    >>> _kept(5, 10), _kept(9, 5)
    ([0, 1, 2, 3, 4], [0, 2, 4, 6, 8])
    """
    if length <= longest:
        return list(range(length))
    return [round(k * (length - 1) / (longest - 1)) for k in range(longest)]


def rounded(value: Any, digits: int) -> Any:
    """Return a real number to so many significant digits, anything else as it is.

    >>> rounded(0.123456, 3), rounded(123456, 3), rounded("a", 3)
    (0.123, 123456, 'a')
    """
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def as_script(state: Any) -> str:
    r"""Return data as JavaScript that is safe inside a <script>.

    >>> as_script({"a": "</script>"})
    '{"a":"\\u003c/script>"}'
    """
    text = json.dumps(state, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")  # neither </script> nor <!-- can arise
