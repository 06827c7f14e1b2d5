"""Markdown of a cell's output as HTML, where nbconvert is not."""

from __future__ import annotations

from functools import cache
from html import escape

import mistune
from latex2mathml.converter import convert
from mistune.plugins.math import math
from mistune.plugins.table import table


@cache
def _reader() -> mistune.Markdown:
    return mistune.Markdown(_Renderer(escape=False), plugins=[table, math])


class _Renderer(mistune.HTMLRenderer):
    """Writes formulas as MathML."""

    def inline_math(self, text: str) -> str:
        return mathml(text, "inline")

    def block_math(self, text: str) -> str:
        return f"<p>{mathml(text, 'block')}</p>\n"


def as_html(text: str) -> str:
    """Return Markdown as HTML, formulas as MathML.

    >>> as_html("**2** of $x^2$")[:38]
    '<p><strong>2</strong> of <math xmlns="'
    """
    return _reader()(text)


def mathml(latex: str, display: str) -> str:
    """Return a formula as MathML; what cannot be converted stays readable as LaTeX.

    Args:
        latex: the formula.
        display: "inline" or "block".
    """
    try:
        return convert(latex.strip(), display=display)
    except Exception:  # the converter raises many kinds; the formula must not cost the output
        return f"<code>{escape(latex)}</code>"
