"""Beside a picture nobody is told to drag it: what needs Python or JupyterLab is marked.

An explorer that computes in the kernel is a picture on an HTML page. The sentences that ask to
turn it stand between marks, which JupyterLab does not show and a page hides.
"""

import importlib
import inspect
import pkgutil
import re

import ipywidgets as widgets
import nbformat
import pytest
from browser import Lab, needs_browser

import labkit.explore
from labkit.lab import places
from labkit.lab.pages.page import PageExporter

LESSONS = places.lesson_files()
every_lesson = pytest.mark.parametrize("path", LESSONS.values(), ids=lambda path: path.stem)

MARKS = re.compile(r"<!-- (/?)(\w+) -->")
MARKED = re.compile(r"<!-- (live|jupyter) -->.*?<!-- /\1 -->", re.DOTALL)
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
HEADING = re.compile(r"^#+ .*$", re.MULTILINE)
# What hands do, and what only they meet; verbs that also mean something else only as an order.
HANDS = re.compile(
    r"(?i:\b(?:drag|slider|press|click|pressed|turn (?:it|its|the|up|both)|move the)\b)"
    r"|(?:^|[.!?:;)] |\*\*)(?:Turn|Move|Set|Switch|Slide|Pick|Filter|Add|Raise|Then|Now)[ .]",
    re.MULTILINE,
)
# From these words on a text is about something else, such as an explorer that lives on pages.
ELSEWHERE = {
    ("00", "decide"): "| when, in JupyterLab",  # what to do there when something goes wrong
    ("04", "training-idea"): "**Now train",
    ("10", "watch-read"): "**Now draw.**",
}


def kernel_explorers() -> set[str]:
    """Names of all explorers that compute in the kernel: ipywidgets of the lab's own."""
    names = pkgutil.walk_packages(labkit.explore.__path__, "labkit.explore.")
    modules = [importlib.import_module(each.name) for each in names]
    classes = [
        each for module in modules for _, each in inspect.getmembers(module, inspect.isclass)
    ]
    own = [each for each in classes if each.__module__.startswith("labkit.explore")]
    return {each.__name__ for each in own if issubclass(each, widgets.VBox)} - {"Explorer"}


EXPLORER = re.compile(rf"\b({'|'.join(sorted(kernel_explorers()))})\(")


def texts_beside(cells: list, index: int) -> list[tuple[str, str]]:
    """Return (cell id, text) of what is said right before and right after a cell.

    A heading ends what is said about it.
    """
    before = next((c for c in cells[index - 1 :: -1] if c["cell_type"] == "markdown"), None)
    after = next((c for c in cells[index + 1 :] if c["cell_type"] == "markdown"), None)
    found = []
    if before:
        found.append((before["id"], HEADING.split(FOLDED.sub("", before["source"]))[-1]))
    if after:
        found.append((after["id"], HEADING.split(FOLDED.sub("", after["source"]))[0]))
    return found


def unmarked(text: str) -> list[str]:
    """Return what asks for hands outside of the marks."""
    return [found[0] for found in HANDS.finditer(MARKED.sub("", text))]


def test_the_explorers_of_the_kernel_are_known():
    known = kernel_explorers()
    assert {"StartExplorer", "LiveTraining", "LedgerExplorer"} <= known
    assert not known & {"DescentExplorer", "DigitExplorer", "NeuronExplorer", "ResultsExplorer"}


@pytest.mark.parametrize(
    "text", ["Drag it.", "**Turn.** Look.", "A line. Move the point.", "see: press *flat*"]
)
def test_an_order_is_seen_outside_of_marks_only(text):
    assert unmarked(text)
    assert not unmarked(f"A line.\n\n<!-- live -->\n{text}\n<!-- /live -->")


@every_lesson
def test_no_text_beside_a_picture_asks_for_hands(path):
    cells = nbformat.read(path, as_version=4)["cells"]
    for index, cell in enumerate(cells):
        if cell["cell_type"] != "code" or not EXPLORER.search(cell["source"]):
            continue
        for name, text in texts_beside(cells, index):
            end = ELSEWHERE.get((path.name[:2], name))
            assert end is None or end in text
            assert not unmarked(text.split(end)[0] if end else text), (cell["id"], name)


@every_lesson
def test_marks_are_in_pairs_and_begin_no_line_of_text(path):
    """A line that begins with a comment is taken for HTML: its stars would show."""
    for cell in nbformat.read(path, as_version=4)["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        rest = cell["source"]
        assert "<!--" not in MARKED.sub("", rest), cell["id"]
        for line in rest.splitlines():
            if line.startswith("<!--"):
                assert MARKS.fullmatch(line), (cell["id"], line)


@every_lesson
def test_on_a_page_all_marks_are_elements(path):
    notebook = nbformat.read(path, as_version=4)
    marks = [
        found[2]
        for cell in notebook["cells"]
        if cell["cell_type"] == "markdown"
        for found in MARKS.finditer(cell["source"])
        if not found[1]
    ]
    html, _ = PageExporter().from_notebook_node(notebook)
    assert len(re.findall(r'class="labkit-(?:live|jupyter)"', html)) == len(marks)
    assert "<!-- live" not in html
    assert "<!-- /" not in html


@needs_browser
@pytest.mark.slow
def test_jupyterlab_shows_no_mark(tmp_path):
    text = (
        "# 98 · Marks\n\nA **line**<!-- live -->, *turned*<!-- /live -->, ends.\n\n"
        "<!-- live -->\n**Turn.** It moves.\n<!-- /live -->\n\n"
        "1. One<!-- jupyter --> (key)<!-- /jupyter -->: two"
    )
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell("1")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "python3"}
    nbformat.write(notebook, tmp_path / "98_marks.ipynb")
    with Lab(tmp_path) as lab:
        page = lab.open("98_marks.ipynb")
        cell = page.locator(".jp-RenderedMarkdown").first
        cell.wait_for()
        assert cell.locator("p").all_inner_texts() == ["A line, turned, ends.", "Turn. It moves."]
        assert cell.locator("li").all_inner_texts() == ["One (key): two"]
        assert cell.locator("strong").all_inner_texts() == ["line", "Turn."]
        lab.close(page)
