"""The letters of pictures: matplotlib's own, and a Chinese font where the lab speaks Chinese."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from labkit.lab.language import language

FONT = Path(__file__).parent / "NotoSansSC-Lab.ttf"


def style() -> dict[str, Any]:
    """Return the settings of matplotlib for the language of LABKIT_LANG; none for English.

    matplotlib takes each sign from the first of its fonts that has it, so Latin letters look as
    they always do.

    >>> style()
    {}
    """
    return {} if language() == "en" else {"font.family": ["DejaVu Sans", name()]}


@cache
def name() -> str:
    """Make the Chinese font known to matplotlib; return its name."""
    from matplotlib.font_manager import FontProperties, fontManager

    fontManager.addfont(FONT)
    return FontProperties(fname=FONT).get_name()
