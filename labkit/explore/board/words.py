"""Numbers and values as the explorer writes them."""

import math
from decimal import ROUND_HALF_UP, Context
from typing import Any


def number(x: float, digits: int = 4) -> str:
    """Return a number to so many significant digits, as the page writes it.

    >>> number(0.97342), number(1.5e-5), number(12000.0), number(float("inf"))
    ('0.9734', '1.5e-5', '12000', 'inf')
    """
    if not math.isfinite(x):
        return "nan" if x != x else "inf" if x > 0 else "-inf"
    # JavaScript rounds halves of the exact value up, Python to even.
    rounded = float(
        Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal_from_float(float(x))
    )
    if x != 0 and (abs(x) < 1e-4 or abs(x) >= 1e6):
        mantissa, power = f"{rounded:.{digits - 1}e}".split("e")
        return f"{float(mantissa):.10g}e{int(power)}"
    return f"{rounded + 0.0:.10g}"  # never -0


def label(value: Any) -> str:
    """Return a value as it is read; lists in brackets.

    >>> label(0.001), label([32, 64]), label(None), label(True)
    ('0.001', '[32, 64]', 'not set', 'true')
    """
    if value is None:
        return "not set"
    if isinstance(value, list):
        return f"[{', '.join(map(label, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else number(value, 6)


def bare(name: str) -> str:
    """Return the name of a column without its section.

    >>> bare("result.loss"), bare("loss")
    ('loss', 'loss')
    """
    head, dot, rest = name.partition(".")
    return rest if dot and head in ("param", "result", "env") else name


def superlative(better: str) -> str:
    """Return what the best is called: 'highest' or 'lowest'."""
    return "highest" if better == "max" else "lowest"
