"""Executed notebooks as HTML pages that need no kernel, no network and no third-party script."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from labkit.lab.lesson import NAVIGATION
from labkit.lab.pages.glossary import with_words

# A link to a cell of a lesson, as JupyterLab opens it.
_CELL = re.compile(r'<a href="([0-9]{2}_[a-z0-9_]+)\.ipynb(#cell-id=[^"]+)">(.*?)</a>')
# What only some readers can do: turn an explorer of the kernel, press a key of JupyterLab.
_MARKED = re.compile(r"(^)?<!-- (live|jupyter) -->(.*?)<!-- /\2 -->", re.DOTALL | re.MULTILINE)
_TEMPLATES = Path(__file__).parent / "templates"


class MathRenderer(IPythonRenderer):
    """Writes formulas as MathML, which browsers draw by themselves."""

    def inline_math(self, body: str) -> str:
        """Return a formula within a line."""
        return mathml(body, "inline")

    def block_math(self, body: str) -> str:
        """Return a formula on a line of its own."""
        return mathml(body, "block")


class PageExporter(HTMLExporter):
    """nbconvert's page, without the scripts that it takes from other hosts."""

    def __init__(self, **kwargs):
        folders = [str(_TEMPLATES)]
        super().__init__(template_name="labkit", extra_template_basedirs=folders, **kwargs)

    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        """Return Markdown as HTML, formulas as MathML.

        A page stands alone, so it has no line of links to other lessons.
        """
        attachments = context.get("cell", {}).get("attachments", {})
        return with_marks(html_of(source, attachments))


def html_of(markdown: str, attachments: Mapping[str, Any] | None = None) -> str:
    """Return Markdown of the lab's own as HTML, formulas as MathML, without lines of navigation.

    Never for what a learner wrote: HTML in it stays HTML.

    >>> html_of("**a**").strip()
    '<p><strong>a</strong></p>'
    """
    renderer = MathRenderer(escape=False, attachments=attachments or {}, exclude_anchor_links=True)
    return MarkdownWithMath(renderer=renderer).render(NAVIGATION.sub("", markdown))


def with_marks(html: str) -> str:
    """Return HTML of a lesson's text whose marked parts are elements that a page can hide.

    A lesson marks with `<!-- live -->...<!-- /live -->` what asks the reader to turn something
    that needs Python, and with `jupyter` what only makes sense in JupyterLab. The marks of whole
    paragraphs stand on lines of their own; a line that begins with a comment is no Markdown.

    >>> with_marks("<p>A line.<!-- live --> Drag it.<!-- /live --></p>")
    '<p>A line.<span class="labkit-live"> Drag it.</span></p>'
    """

    def element(found: re.Match) -> str:
        start, name, inside = found.groups()
        tag = "span" if start is None else "div"
        return f'<{tag} class="labkit-{name}">{inside}</{tag}>'

    return _MARKED.sub(element, html)


def mathml(latex: str, display: str) -> str:
    """Return a LaTeX formula as MathML; what cannot be converted stays readable as LaTeX.

    >>> mathml("x^2", "inline")[:23]
    '<math xmlns="http://www'
    """
    try:
        return convert(latex.strip(), display=display)
    except Exception:  # the converter raises many kinds; the formula must not cost the page
        return f"<code>{IPythonRenderer().escape_html(latex)}</code>"


def write_page(notebook: NotebookNode, path: Path, title: str) -> None:
    """Write an executed notebook (as nbformat reads it) as one HTML file with this title.

    >>> from tempfile import TemporaryDirectory
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> notebook = new_notebook(cells=[new_markdown_cell("$x^2$")])
    >>> with TemporaryDirectory() as folder:
    ...     write_page(notebook, Path(folder, "a.html"), "A")
    ...     "<msup>" in Path(folder, "a.html").read_text(encoding="utf-8")
    True
    """
    html, _ = PageExporter().from_notebook_node(notebook, {"metadata": {"name": title}})
    path.write_text(with_cells(with_words(html), path), encoding="utf-8")


def with_cells(page: str, path: Path) -> str:
    """Return an HTML page whose links to cells lead to the newest pages of those lessons.

    Args:
        page: the page.
        path: where it will lie: RUNS/LESSON/RUN/lesson.html. A link to a lesson of which no
            finished run lies beside it becomes plain text.

    >>> with_cells('<a href="01_name.ipynb#cell-id=claims">A2-GD-04</a>', Path("runs/90_x/a/b"))
    'A2-GD-04'
    """
    runs = path.absolute().parents[2]

    def link(found: re.Match) -> str:
        lesson, cell, text = found.groups()
        if path.absolute().parents[1].name == lesson:
            return f'<a href="{cell}">{text}</a>'
        finished = [f for f in runs.glob(f"{lesson}/*/{path.name}") if f.parent.name.isalnum()]
        if not finished:
            return text
        newest = max(finished, key=lambda each: each.stat().st_mtime).parent.name
        return f'<a href="../../{lesson}/{newest}/{path.name}{cell}">{text}</a>'

    return _CELL.sub(link, page)
