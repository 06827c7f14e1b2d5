"""Small pictures of a curve: a line of characters for a terminal, an SVG for a page."""

import math
from collections.abc import Sequence
from html import escape

_BARS = "▁▂▃▄▅▆▇█"
_LINE = "#578dff"  # told apart from a white and from a black ground


def spark(values: Sequence, width: int = 16) -> str:
    """Return a curve as a line of bars, at most `width` characters; no finite value is a gap.

    Args:
        values: numbers, or the words "nan", "inf" and "-inf" of a record.
        width: characters; a longer curve shows the last value of each stretch.

    >>> spark([1, 2, 4, 8, "nan", 8])
    '▁▂▄█ █'
    """
    points = [_number(value) for value in thinned(values, width)]
    heights = _heights(points)
    return "".join(" " if h is None else _BARS[round(h * (len(_BARS) - 1))] for h in heights)


def svg(values: Sequence, words: str, width: int = 160, height: int = 28) -> str:
    """Return a curve as an inline SVG, legible on a light and on a dark ground.

    Args:
        values: numbers, or the words "nan", "inf" and "-inf" of a record.
        words: what the picture shows, for whoever cannot see it.
        width, height: size in CSS pixels.

    >>> svg([4, 2, 1], "the loss falls")[:40]
    '<svg role="img" aria-label="the loss fal'
    """
    heights = _heights([_number(value) for value in thinned(values, 2 * width)])
    across = (width - 6) / max(1, len(heights) - 1)
    down = height - 6
    places = [
        None if h is None else f"{3 + i * across:.1f},{3 + (1 - h) * down:.1f}"
        for i, h in enumerate(heights)
    ]
    lines = "".join(
        f'<polyline points="{" ".join(part)}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>'
        for part in _unbroken(places)
    )
    last = next((place for place in reversed(places) if place), None)
    dot = ""
    if last:
        x, y = last.split(",")
        dot = f'<circle cx="{x}" cy="{y}" r="2.5" fill="{_LINE}"/>'
    return (
        # Notebooks allow a picture 100 % of its cell; the cell would then have no width of its own.
        f'<svg role="img" aria-label="{escape(words)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" style="max-width:none;vertical-align:middle">'
        f"{lines}{dot}</svg>"
    )


def thinned(values: Sequence, count: int) -> Sequence:
    """Return at most `count` of the values, evenly spread; the last one is always among them.

    >>> thinned([1, 2, 3, 4, 5, 6], 3)
    [2, 4, 6]
    """
    if len(values) <= count:
        return values
    return [values[(i + 1) * len(values) // count - 1] for i in range(count)]


def _number(value) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _heights(points: list[float | None]) -> list[float | None]:
    """Return each point's place between the lowest (0) and the highest (1); 0 for a flat curve."""
    finite = [p / 2 for p in points if p is not None]  # halves: their difference cannot overflow
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = high - low
    return [None if p is None else (p / 2 - low) / span if span > 0 else 0.0 for p in points]


def _unbroken(places: list[str | None]) -> list[list[str]]:
    """Return the stretches between gaps."""
    parts: list[list[str]] = [[]]
    for place in places:
        if place is None:
            parts.append([])
        else:
            parts[-1].append(place)
    return [part for part in parts if len(part) > 1]
