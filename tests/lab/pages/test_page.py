"""The HTML pages: nothing from another host, formulas without scripts, alt text, solutions."""

import base64
import os
import re
import subprocess
from html.parser import HTMLParser

import nbformat
import pytest
from browser import QUIET, find_browser
from colors import contrast
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
    hidden = {"jupyter": {"source_hidden": True}, "tags": ["predict"]}
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
        new_code_cell("reason_of_the_answer = 1", metadata=hidden),
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


def test_hidden_code_is_folded_and_other_code_is_not(html):
    folded = re.findall(r'<details class="labkit-code">.*?</details>', html, re.DOTALL)
    assert len(folded) == 1
    assert "<summary>Show the code</summary>" in folded[0]
    assert "reason_of_the_answer" in folded[0]


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
    assert "Show the code" in done.stdout


CODE = """@decorate  # a comment
def update(w: float, *rest) -> float:
    \"\"\"What it does.\"\"\"
    if w > 0.5 and not None:
        raise ValueError(f"w = {w!r}" + 'x')
    return [np.sum(w @ each) for each in range(10)]  # another
class Name(object): pass"""
# Each text that shows: its color, what stands behind it, and the text itself.
TEXTS = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !node.checkVisibility()) continue;
    if (node.closest('style, script, math')) continue;
    let behind = node;
    const clear = (each) => /, 0\\)$/.test(getComputedStyle(each).backgroundColor);
    while (behind.parentElement && clear(behind)) behind = behind.parentElement;
    const at = getComputedStyle(node);
    found.push([at.color, getComputedStyle(behind).backgroundColor, walk.currentNode.data.trim()]);
  }
  return found;
}"""


def hexadecimal(color: str) -> str:
    """A color such as rgb(1, 2, 3) as #010203; one that is half clear is taken as it is."""
    return "#" + "".join(f"{round(float(n)):02x}" for n in re.findall(r"[\d.]+", color)[:3])


@pytest.mark.slow
@pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on PATH")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_of_the_page_stands_out_in_both_themes(tmp_path, scheme):
    from playwright.sync_api import sync_playwright

    notebook = lesson()
    words = f"A `name` and a [word](glossary.ipynb#loss):\n\n```python\n{CODE}\n```"
    colors = new_output(
        "stream", text="".join(f"\x1b[{n}mcolor {n}\x1b[0m " for n in range(31, 37))
    )
    executed = new_code_cell(CODE, execution_count=1, outputs=[colors])
    notebook.cells += [executed, new_markdown_cell(words)]
    write_page(notebook, tmp_path / "page.html", "98 Trial")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(), args=QUIET)
        page = browser.new_page(color_scheme=scheme)
        page.goto((tmp_path / "page.html").as_uri())
        texts = page.evaluate(TEXTS)
        browser.close()
    ground = "#111111" if scheme == "dark" else "#ffffff"
    faint = []
    for color, behind, text in texts:
        under = ground if re.search(r", 0\)$", behind) else hexadecimal(behind)
        if contrast(hexadecimal(color), under) < 4.5:
            faint.append((text, color, under))
    assert len(texts) > 60
    assert faint == []
    assert ground in {hexadecimal(behind) for _, behind, _ in texts}


def test_links_to_cells_lead_to_the_newest_finished_page_of_that_lesson(tmp_path):
    link = '<a href="{}.ipynb#cell-id=claims">A2-GD-04</a>'
    for name in ("aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc.failed", ".dddddddddddd-1"):
        (tmp_path / "01_one" / name).mkdir(parents=True)
        (tmp_path / "01_one" / name / "lesson.html").write_text(name)
        os.utime(tmp_path / "01_one" / name / "lesson.html", (ord(name[0]), ord(name[0])))
    here = tmp_path / "90_verdicts" / "eeeeeeeeeeee"
    here.mkdir(parents=True)
    cells = [
        new_output("display_data", data={"text/html": link.format(name)})
        for name in ("01_one", "02_never_run", "90_verdicts")
    ]
    notebook = new_notebook(cells=[new_code_cell("", outputs=cells, id="claims")])
    write_page(notebook, here / "lesson.html", "90")
    found = Page((here / "lesson.html").read_text())
    leads = [a["href"] for a in found.all("a") if "cell-id" in a.get("href", "")]
    assert leads == ["../../01_one/bbbbbbbbbbbb/lesson.html#cell-id=claims", "#cell-id=claims"]
    assert (here / leads[0].partition("#")[0]).read_text() == "bbbbbbbbbbbb"
    assert 'id="cell-id=claims"' in (here / "lesson.html").read_text()
    assert found.text.count("A2-GD-04") == 3


@pytest.mark.slow
@pytest.mark.skipif(not find_browser(), reason="no Chromium or Chrome on PATH")
def test_a_page_without_python_hides_what_asks_for_it(tmp_path):
    from playwright.sync_api import sync_playwright

    text = (
        "A line<!-- live -->, *turned*<!-- /live -->, ends.\n\n<!-- live -->\n**Turn.**\n"
        "<!-- /live -->\n\nOne<!-- jupyter --> (key)<!-- /jupyter -->."
    )
    write_page(new_notebook(cells=[new_markdown_cell(text)]), tmp_path / "a.html", "98 Trial")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(), args=QUIET)
        page = browser.new_page()
        page.goto((tmp_path / "a.html").as_uri())
        hidden = page.locator("p:visible").all_inner_texts()
        page.evaluate("document.documentElement.dataset.python = 'on'")
        shown = page.locator("p:visible").all_inner_texts()
        browser.close()
    assert hidden == ["A line, ends.", "One."]
    assert shown == ["A line, turned, ends.", "Turn.", "One."]
