"""The HTML pages: nothing from another host, formulas without scripts, alt text, solutions."""

import base64
import re
import subprocess
from html.parser import HTMLParser

import nbformat
import pytest
from browser import QUIET, find_browser
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from labkit.lab.pages.page import mathml, write_page

PIXEL = base64.b64encode(bytes.fromhex("89504e470d0a1a0a")).decode()
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """A parsed page: its tags with their attributes, and its text."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def output(**data):
    return new_output("display_data", data={k.replace("_", "/", 1): v for k, v in data.items()})


def lesson() -> nbformat.NotebookNode:
    """An executed lesson with everything that lessons show."""
    image = output(image_png=PIXEL, text_plain="<Figure>")
    image.metadata = {"image/png": {"alt": 'a "curve" & its <minimum>'}}
    widget = output(text_plain="FloatSlider(value=0.1)")
    widget.data["application/vnd.jupyter.widget-view+json"] = {"model_id": "abc"}
    recorded = output(text_html="<table><caption>Recorded</caption></table>", text_plain="x = 1")
    recorded.data["application/vnd.labkit.record+json"] = {"schema": 1}
    hidden = {"jupyter": {"source_hidden": True}, "tags": ["solution"]}
    notebook = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python"}})
    notebook.cells = [
        new_markdown_cell(
            "# 98 · Trial\n\nInline $w_{t+1} = w_t - \\eta g$ and\n\n$$\\sum_i x_i^2$$"
        ),
        new_markdown_cell(
            "Price: 5 $ and a [link](https://example.org/paper).\n\n<details>hint</details>"
        ),
        new_code_cell("print('<b>')", outputs=[new_output("stream", text="<b>\x1b[31mred\x1b[0m")]),
        new_code_cell("figure", outputs=[image]),
        new_code_cell("slider", outputs=[widget]),
        new_code_cell("record", outputs=[recorded]),
        new_code_cell("def update_solution(): return 1", metadata=hidden),
    ]
    return notebook


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    found = tmp_path_factory.mktemp("page") / "lesson.html"
    write_page(lesson(), found, "98 Trial")
    return found


@pytest.fixture(scope="module")
def html(path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_nothing_is_loaded_from_anywhere(html, page):
    loaded = [tag[LOADS[name]] for name, tag in page.tags if LOADS.get(name) in tag]
    assert [address for address in loaded if not address.startswith("data:")] == []
    assert re.findall(r"@import|url\(\s*['\"]?(?!data:|#)[^)]{0,80}", html) == []
    assert not page.all("script")


def test_formulas_are_mathml(page):
    assert [tag["display"] for tag in page.all("math")] == ["inline", "block"]
    assert "$w_" not in page.text
    assert "5 $ and" in page.text  # a lone dollar is a dollar


def test_pictures_have_the_alt_text_of_the_figure(page):
    (image,) = page.all("img")
    assert image["alt"] == 'a "curve" & its <minimum>'
    assert image["src"] == "data:image/png;base64," + PIXEL


def test_a_picture_without_alt_text_falls_back_to_its_text(tmp_path):
    notebook = lesson()
    notebook.cells[3].outputs[0].metadata = {}
    write_page(notebook, tmp_path / "page.html", "98 Trial")
    assert 'alt="&lt;Figure&gt;"' in (tmp_path / "page.html").read_text()


def test_the_solution_is_folded_and_other_code_is_not(html):
    folded = re.findall(r'<details class="labkit-solution">.*?</details>', html, re.DOTALL)
    assert len(folded) == 1
    assert "Show the solution" in folded[0]
    assert "update_solution" in folded[0]


def test_outputs_show_as_in_the_lab(page):
    assert "FloatSlider(value=0.1)" in page.text  # a widget without a picture
    assert "Recorded" in page.text  # the record's table, not its data
    assert "<b>red" in page.text.replace("\n", "")  # text stays text


def test_the_page_has_title_and_language(html, page):
    assert "<title>98 Trial</title>" in html
    assert page.all("html") == [{"lang": "en"}]


def test_a_formula_that_cannot_be_converted_stays_readable():
    assert "frac" in mathml(r"\frac{1}{", "inline")
    assert mathml("a < b", "inline").startswith("<math")


@pytest.mark.slow
@pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on PATH")
def test_the_page_opens_in_a_browser_without_a_complaint(path, tmp_path):
    command = [find_browser(), "--headless", *QUIET, "--enable-logging=stderr", "--dump-dom"]
    command += [f"--user-data-dir={tmp_path}", f"file://{path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if ":CONSOLE" in line] == []
    assert "<math" in done.stdout
    assert "Show the solution" in done.stdout
