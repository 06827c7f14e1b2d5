"""One look for all pages that a teacher gets: no script, nothing from elsewhere, light and dark."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

_TEMPLATES = Path(__file__).parent / "templates"


@cache
def templates() -> Environment:
    """Return the templates; what is put into them is escaped."""
    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def page(title: str, body: str) -> str:
    """Return a whole page.

    Args:
        title: as text.
        body: as HTML.

    >>> "<title>a &amp; b</title>" in page("a & b", "<p>c</p>")
    True
    """
    css = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    return (
        templates()
        .get_template("page.html.j2")
        .render(title=title, css=Markup(css), body=Markup(body))
    )


def html(markdown: str) -> str:
    """Return Markdown of the lab's own as HTML, formulas as MathML; wide tables can be scrolled.

    Never for what a learner wrote: HTML in it stays HTML.

    >>> html("**a**").strip()
    '<p><strong>a</strong></p>'
    """
    from labkit.lab.pages.page import html_of

    made = html_of(markdown).replace("<table>", '<div class="wide" tabindex="0"><table>')
    return made.replace("</table>", "</table></div>")
