"""The page around Python, which needs no Python: editors, what is kept, what a click would cost."""

from pathlib import Path

import nbformat
import pytest
from browser import QUIET, find_browser, needs_browser

from labkit.explore.kit.still import still_bundle
from labkit.lab import places
from labkit.lab.pages.page import PageExporter
from labkit.lab.site.python import bundle as bundles

pytestmark = [pytest.mark.slow, needs_browser]
CELL = "[id='cell-id=exercise-update']"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page of lesson 01, whose assets are missing."""
    out = tmp_path_factory.mktemp("site")
    folder = out / "assets" / "python"
    folder.mkdir(parents=True)
    for name in ("run.js", "run.css"):
        (folder / name).write_text(bundles._page_file(name), "utf-8")
    assets = {"01": ["worker.js", "pyodide.js"]}
    bundle = bundles.Bundle({"worker.js": 5000, "pyodide.js": 41_000_000}, assets, {"01": []})
    notebook = nbformat.read(places.lesson_file("01"), as_version=4)
    still = still_bundle(b"", "A line.", 10, "StartExplorer", {"steps": 0})
    cell = next(cell for cell in notebook.cells if cell.id == "exercise-update")
    cell.outputs = [nbformat.v4.new_output("display_data", still)]
    page, _ = PageExporter().from_notebook_node(notebook)
    path = out / "01_gradient_descent.html"
    path.write_text(bundles.with_python(page, "01", bundle), "utf-8")
    return path.as_uri()


@pytest.fixture
def context():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(), args=QUIET)
        yield browser.new_context(viewport={"width": 1366, "height": 768}, offline=True)
        browser.close()


@pytest.fixture
def page(context, address):
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(address)
    return page


def test_the_code_of_every_cell_is_the_notebooks(page):
    notebook = nbformat.read(places.lesson_file("01"), as_version=4)
    sources = {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "code"}
    shown = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.jp-CodeCell')].map(
             (cell) => [cell.id.slice(8), cell.querySelector('textarea').value]))"""
    )
    assert shown == sources
    field = page.locator(f"{CELL} textarea")
    field.fill("def f():  # one\n    return 'two' + 3.5e-3 @ None")
    classes = page.locator(f"{CELL} pre span").evaluate_all("(s) => s.map((x) => x.className)")
    assert classes == ["k", "nf", "o", "c1", "k", "s2", "o", "mf", "o", "kc"]


def test_the_keys_of_the_editor(page):
    field = page.locator(f"{CELL} textarea")
    field.fill("")
    field.press_sequentially("for i in x:")
    field.press("Enter")
    field.press_sequentially("y")
    field.press("Enter")
    field.press("Tab")
    field.press_sequentially("z")
    assert field.input_value() == "for i in x:\n    y\n        z"
    field.press("Shift+Tab")
    assert field.input_value() == "for i in x:\n    y\n    z"
    field.press("Control+a")
    field.press("Tab")
    assert field.input_value() == "    for i in x:\n        y\n        z"
    field.press("Control+z")
    assert field.input_value() == "for i in x:\n    y\n    z"
    assert page.evaluate("() => document.activeElement.tagName") == "TEXTAREA"
    field.press("Escape")
    field.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "▶ Run"


def test_a_changed_cell_is_kept_and_can_be_reset_and_all_be_deleted(page):
    field, original = page.locator(f"{CELL} textarea"), "def my_update"
    field.fill("mine = 1")
    page.reload()
    assert field.input_value() == "mine = 1"
    assert "changed by you" in page.locator(CELL).inner_text()
    page.locator(CELL).get_by_role("button", name="Reset this cell").click()
    assert field.input_value().startswith(original)
    field.fill("mine = 2")
    page.get_by_role("button", name="Delete what this page keeps").click()
    page.get_by_role("button", name="Keep", exact=True).click()
    assert field.input_value() == "mine = 2"
    page.get_by_role("button", name="Delete what this page keeps").click()
    page.get_by_role("button", name="Delete all").click()
    assert field.input_value().startswith(original)
    page.reload()
    assert field.input_value().startswith(original)


def test_the_cost_is_said_before_anything_is_read(page):
    read = []
    page.on("request", lambda request: read.append(request.url))
    assert "Reads 41 MB" in page.locator(".lkp-bar").inner_text()
    page.locator(f"{CELL} textarea").press("Control+Enter")
    offer = page.locator(f"{CELL} .lkp-offer")
    assert "Reads 41 MB, takes about 20 seconds" in offer.inner_text()
    offer.get_by_role("button", name="Not now").click()
    assert page.locator(".lkp-offer").count() == 0
    assert read == []


def test_a_picture_of_the_kernel_says_how_to_turn_it_and_what_a_link_waits_for(page, address):
    note = page.locator(f"{CELL} .labkit-still-note")
    assert note.inner_text() == "A picture. To turn it, run this cell."
    page.evaluate("location.hash = '#cell-id=exercise-update&steps=7'")
    note.filter(has_text="Run this cell to see the explorer as the link sets it.").wait_for()
    page.evaluate("location.hash = '#cell-id=exercise-update'")
    note.filter(has_text="To turn it, run this cell.").wait_for()
    page.goto("about:blank")
    page.goto(f"{address}#cell-id=exercise-update&steps=7")
    assert "as the link sets it" in note.inner_text()


def test_a_missing_file_is_named(page):
    page.get_by_role("button", name="Start Python in this page").click()
    page.get_by_role("button", name="Try again").wait_for()
    assert "assets/python/worker.js.js" in page.locator(".lkp-status").inner_text()


def test_where_nothing_may_be_kept_the_page_says_so(context, address):
    page = context.new_page()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', "
        "{ get() { throw new DOMException('no', 'SecurityError'); } });"
    )
    page.goto(address)
    assert "keeps nothing for this page (SecurityError)" in page.locator(".lkp-bar").inner_text()
    page.locator(f"{CELL} textarea").fill("mine = 1")
    assert page.locator(f"{CELL} textarea").input_value() == "mine = 1"


def test_nothing_is_wider_than_a_telephone(page):
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_progress_is_exported_without_python(page):
    page.get_by_role("button", name="Export my progress").click()
    assert "no guess and no check" in page.locator(".lkp-status").inner_text()
    line = '{"at": "2026-01-01", "lesson": "01", "what": "guess", "name": "limit"}\n'
    page.evaluate("(line) => { localStorage['labkit.python.progress'] = line; }", line)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export my progress").click()
    assert download.value.suggested_filename == "progress.jsonl"
    assert Path(download.value.path()).read_text("utf-8") == line


@pytest.mark.parametrize("width", [1366, 390])
def test_nothing_moves_when_an_editor_takes_or_loses_the_focus(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    below = page.locator("[id='cell-id=check-update'] button").first
    before = below.bounding_box()
    page.locator(f"{CELL} textarea").evaluate("(field) => field.focus({ preventScroll: true })")
    assert below.bounding_box() == before
    below.click()  # with the focus elsewhere: it must hear the whole click
    assert page.locator("[id='cell-id=check-update'] .lkp-offer").count() == 1
