"""Explorers and figures in a real JupyterLab, turned with the keyboard, in both themes."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from browser import (
    KERNEL_READY,
    Lab,
    contrast_of,
    focus,
    needs_browser,
    wait_until,
    write_notebook,
)

from labkit.lab import places

pytestmark = [
    pytest.mark.slow,
    needs_browser,
]

ROOT = Path(__file__).parents[1]
ARTIFACTS = Path(__file__).with_name("artifacts")
THEMES = ["light", "dark"]

KIT_CELLS = {
    "start": """
        from labkit.explore.start import StartExplorer
        StartExplorer(learning_rate=0.01, steps=20)""",
    "odd": """
        from labkit.explore.start import StartExplorer
        StartExplorer(learning_rate=0.01234, steps=20)""",
    "controls": """
        from labkit.explore import kit
        class Controls(kit.Explorer):
            lesson = "00"
            def make_controls(self):
                return {
                    "few": kit.choice("a", ["a", "b", "c"]),
                    "many": kit.choice("v0", [f"v{i}" for i in range(8)]),
                    "rate": kit.log_slider(0.01, 0.001, 1.0),
                    "fails": kit.switch(False),
                }
            @staticmethod
            def compute(few, many, rate, fails):
                if fails:
                    raise ZeroDivisionError("the planted error")
                return f"{few} {many} {rate:g}"
            def build(self, figure):
                return {"word": figure.text(0.5, 0.5, "")}
            def paint(self, artists, result, params):
                artists["word"].set_text(result)
            def caption(self, result, params):
                return f"Chosen: {result}."
        Controls()""",
    "radio": """
        import ipywidgets
        from labkit.explore import kit
        class Radio(kit.Explorer):
            def make_controls(self):
                return {"radio": ipywidgets.RadioButtons(options=["x", "y", "z"])}
            @staticmethod
            def compute(radio):
                return radio
            def build(self, figure):
                return {"word": figure.text(0.5, 0.5, "")}
            def paint(self, artists, result, params):
                artists["word"].set_text(result)
            def caption(self, result, params):
                return f"Radio: {result}."
        Radio()""",
    "figure": """
        import matplotlib.pyplot as plt
        from labkit.explore import figures
        figures.use_style()
        fig, ax = plt.subplots()
        ax.plot([0, 1], [1, 0])
        figures.show(fig, "One line, a < b & falling.")""",
}


CHANGES_WHILE_IDLE = """async (node) => {
  let count = 0;
  const watch = new MutationObserver((records) => { count += records.length; });
  watch.observe(node, { subtree: true, childList: true, attributes: true, characterData: true });
  await new Promise((done) => setTimeout(done, 300));
  watch.disconnect();
  return count;
}"""


def _dedent(source):
    return "\n".join(line.removeprefix(" " * 8) for line in source.strip("\n").splitlines())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Copies of the lessons, and notebooks of one cell each for the kit itself.

    The copies end with their first explorer, and train only as much as it takes to get there:
    whole lessons run in test_lessons.py.
    """
    folder = tmp_path_factory.mktemp("notebooks")
    for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"(epochs: int =) \d+", r"\1 1", text)
        text = re.sub(r"(\bseeds: int =) \d+", r"\1 2", text)  # an interval needs two
        notebook = nbformat.reads(text, as_version=4)
        explorers = ["explorer" in cell.metadata.get("tags", []) for cell in notebook.cells]
        del notebook.cells[explorers.index(True) + 1 :]
        nbformat.write(notebook, folder / path.name)
    for name, source in KIT_CELLS.items():
        write_notebook(folder / f"kit_{name}.ipynb", _dedent(source))
    write_notebook(
        folder / "warm.ipynb", "import psutil\nprint(psutil.Process().cmdline())", kernel="labkit"
    )
    return folder


@pytest.fixture(scope="module")
def lab(folder):
    with Lab(folder) as lab:
        yield lab


@pytest.fixture
def opened(lab):
    """Open and run a notebook; afterwards nothing may be wrong in the console."""
    pages = []

    def open_and_run(name, theme="light"):
        page = lab.open(name, theme)
        pages.append((name, theme, page))
        assert lab.run(page), f"a cell of {name} raised"
        return page

    yield open_and_run
    for name, theme, page in pages:
        ARTIFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTIFACTS / f"{Path(name).stem}-{theme}.png")
        problems, outside = page.problems, page.outside
        lab.close(page)
        assert problems == []
        assert outside == []


def _explorer(page, at=0):
    root = page.locator(".labkit-explorer").nth(at)
    root.scroll_into_view_if_needed()
    return root


@pytest.mark.parametrize("name", ["00", "01", "04"])
def test_a_lesson_runs_up_to_its_first_explorer_which_answers_to_keys(opened, name):
    """In its place in a lesson; every explorer by itself is tried in test_small_window.py."""
    from playwright.sync_api import expect

    page = opened(places.lesson_files()[name].name)
    show = page.locator(".labkit-slip").get_by_role("button")
    while covered := show.count():
        show.first.click()  # an explorer that answers a question is covered at first
        expect(show).not_to_have_count(covered)
    # The last one of these: a question above may have a slider too, and no status line.
    root = page.locator(".jp-OutputArea-child").filter(has=page.get_by_role("slider")).last
    status = root.get_by_role("status").first
    words = status.inner_text()
    root.get_by_role("slider").first.press("ArrowRight")
    expect(status).not_to_have_text(words)


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_the_warm_kernel_serves_jupyterlab_and_restarts(lab, opened):
    from playwright.sync_api import expect

    page = opened("warm.ipynb")
    output = page.locator(".jp-OutputArea-output").first
    expect(output).to_contain_text("labkit.lab.warm.zygote")
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    page.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    wait_until(page, KERNEL_READY)
    assert lab.run(page)
    expect(output).to_contain_text("labkit.lab.warm.zygote")


def test_alt_text_and_caption_stay_the_same_text(opened):
    from playwright.sync_api import expect

    root = _explorer(opened("kit_start.ipynb"))
    image, status = root.locator("img[alt]:not([alt=''])"), root.get_by_role("status")
    words = status.inner_text()
    expect(image).to_have_attribute("alt", words)
    root.get_by_role("slider", name="steps").press("PageUp")
    expect(status).not_to_have_text(words)  # picture and line arrive one after the other
    expect(image).to_have_attribute("alt", status.inner_text())


def test_sliders_have_a_name_and_say_the_value_that_is_shown(opened):
    from playwright.sync_api import expect

    root = _explorer(opened("kit_start.ipynb"))
    rate = root.get_by_role("slider", name="learning rate")
    expect(rate).to_have_attribute("aria-valuetext", "0.01")
    rate.press("ArrowRight")
    expect(rate).to_have_attribute("aria-valuetext", "0.011")
    steps = root.get_by_role("slider", name="steps")
    steps.press("Home")
    expect(steps).to_have_attribute("aria-valuetext", "0")
    expect(root.get_by_role("textbox", name="learning rate, type a value")).to_have_count(1)


def test_a_rate_that_is_not_round_is_shown_as_it_is(opened):
    from playwright.sync_api import expect

    page = opened("kit_odd.ipynb")
    rate = _explorer(page).get_by_role("slider", name="learning rate")
    expect(rate).to_have_attribute("aria-valuetext", "0.01234")
    rate.press("ArrowLeft")
    expect(rate).to_have_attribute("aria-valuetext", "0.012")
    expect(_explorer(page).get_by_role("status")).to_contain_text("learning rate 0.012 ")


def test_presets_change_several_controls_at_once(opened):
    from playwright.sync_api import expect

    root = _explorer(opened("kit_start.ipynb"))
    root.get_by_role("button", name="rate 0.06").press("Enter")
    expect(root.get_by_role("status")).to_contain_text("limit")
    expect(root.get_by_role("slider", name="learning rate")).to_have_attribute(
        "aria-valuetext", "0.06"
    )


def test_menus_and_radio_buttons_keep_their_keys(opened):
    from playwright.sync_api import expect

    page = opened("kit_controls.ipynb")
    root = _explorer(page)
    status = root.get_by_role("status")
    assert root.evaluate(CHANGES_WHILE_IDLE) == 0  # what mend.js mends must not wake it again
    focus(page, root.locator("select"))
    page.keyboard.press("ArrowDown")
    expect(status).to_contain_text("Chosen: a v1")
    few = root.get_by_role("group", name="few")
    few.get_by_role("button", name="b").press("Enter")
    expect(status).to_contain_text("Chosen: b v1")
    expect(few.get_by_role("button", name="b")).to_have_attribute("aria-pressed", "true")
    # "d d" in JupyterLab deletes the cell; typed in a menu it must not.
    focus(page, root.locator("select"))
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(status).to_contain_text("Chosen: b v1")
    assert page.locator(".jp-Notebook .jp-Cell").count() == 1

    page = opened("kit_radio.ipynb")
    root = _explorer(page)
    focus(page, root.get_by_role("radio").first)
    page.keyboard.press("ArrowDown")
    expect(root.get_by_role("status")).to_have_text("Radio: y.")


def test_copy_buttons_copy_and_the_text_can_be_selected(opened):
    from playwright.sync_api import expect

    page = opened("kit_start.ipynb")
    root = _explorer(page)
    status = root.get_by_role("status")
    before = status.inner_text()
    root.get_by_role("slider", name="steps").press("ArrowRight")
    expect(status).not_to_have_text(before)
    command = "labkit run 00 -p learning_rate=0.01 -p steps=21"
    copy = root.get_by_role("button", name="Copy as command")
    copy.press("Enter")
    said = root.get_by_text("Copied.", exact=True)
    said.wait_for()
    row, word = copy.bounding_box(), said.bounding_box()
    assert row["y"] < word["y"] + word["height"] / 2 < row["y"] + row["height"]  # beside the button
    assert page.evaluate("() => navigator.clipboard.readText()") == command
    block = root.locator(".copied")
    expect(block).to_have_text(command)
    root.get_by_role("button", name="Copy as parameters").click()
    expect(block).to_have_text("learning_rate = 0.01\nsteps = 21")
    text = page.evaluate("() => navigator.clipboard.readText()")
    assert text == "learning_rate = 0.01\nsteps = 21"
    root.get_by_role("slider", name="steps").press("ArrowRight")
    expect(block).to_have_text("learning_rate = 0.01\nsteps = 22")  # it stays, and follows
    expect(said).to_have_count(0)  # for this text was not copied
    assert block.evaluate("node => getComputedStyle(node).userSelect") in ("text", "auto")


def test_without_a_clipboard_the_text_is_shown_instead(opened):
    from playwright.sync_api import expect

    page = opened("kit_start.ipynb")
    page.evaluate("() => Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    root = _explorer(page)
    root.get_by_role("button", name="Copy as command").click()
    expect(root.locator(".said")).to_contain_text("the text below is selected")
    expect(root.locator(".copied")).to_have_text("labkit run 00 -p learning_rate=0.01 -p steps=20")
    assert page.evaluate("() => getSelection().toString()") == root.locator(".copied").inner_text()


def test_presets_are_a_named_group(opened):
    root = _explorer(opened("kit_start.ipynb"))
    presets = root.get_by_role("group", name="presets").get_by_role("button")
    assert presets.count() > 1
    for button in presets.all():
        assert button.get_attribute("title").startswith("learning rate ")


def test_an_error_in_a_live_callback_is_said_in_the_status_line(opened):
    from playwright.sync_api import expect

    page = opened("kit_controls.ipynb")
    root = _explorer(page)
    root.get_by_role("checkbox").press(" ")
    expect(root.get_by_role("status")).to_contain_text("ZeroDivisionError: the planted error")
    root.get_by_role("checkbox").press(" ")
    expect(root.get_by_role("status")).to_have_text("Chosen: a v0 0.01.")


@pytest.mark.parametrize("theme", THEMES)
def test_a_figure_has_alt_text_and_the_same_caption(opened, theme):
    page = opened("kit_figure.ipynb", theme)
    figure = page.locator(".jp-OutputArea figure")
    assert figure.locator("figcaption").inner_text() == "One line, a < b & falling."
    assert figure.locator("img").get_attribute("alt") == "One line, a < b & falling."
    assert page.locator(".jp-OutputArea-child").count() == 1  # shown once
    assert figure.locator("img").evaluate("img => img.naturalWidth / img.width") > 1.5
    assert contrast_of(figure.locator("figcaption")) >= 4.5


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("name", ["start", "figure"])
def test_an_executed_copy_shows_pictures_without_a_kernel(lab, folder, monkeypatch, name, trusted):
    from nbclient import NotebookClient

    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    notebook = nbformat.read(folder / f"kit_{name}.ipynb", 4)
    NotebookClient(notebook, store_widget_state=False).execute()
    nbformat.write(notebook, folder / f"executed_{name}.ipynb")
    page = lab.open(f"executed_{name}.ipynb")
    if trusted:
        page.evaluate(
            "() => { jupyterapp.shell.currentWidget.content.model.cells.get(0).trusted = true; }"
        )
    image = page.locator(".jp-OutputArea figure img")
    image.wait_for()
    assert image.evaluate("img => img.complete && img.naturalWidth > 500")
    assert image.get_attribute("alt") == page.locator("figcaption").inner_text()
    assert page.locator(".jp-OutputArea-child").count() == 1
    lab.close(page)


def test_a_lesson_that_was_run_saved_and_opened_again_shows_its_explorers(lab, folder):
    """Day two of a learner: nothing is run, and nothing says that a widget has no model."""
    from playwright.sync_api import expect

    name = "day_two.ipynb"
    kernels = "from labkit.explore.start import StartExplorer\nStartExplorer(steps=20)"
    pages = "from labkit.explore.descent import DescentExplorer\nDescentExplorer(steps=20)"
    write_notebook(folder / name, kernels, pages)
    page = lab.open(name)
    lab.run(page)
    page.get_by_role("button", name="Reset").wait_for()
    page.wait_for_timeout(4000)
    expect(page.get_by_text("run the cell again")).to_be_hidden()  # the kernel has answered
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    wait_until(page, "() => !jupyterapp.shell.currentWidget.context.model.dirty")
    lab.close(page)
    page = lab.open(name, theme="dark")  # saved in the light one
    outputs = page.locator(".jp-OutputArea-output")
    page.get_by_role("button", name="Reset").wait_for()
    picture = outputs.first.locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("img => getComputedStyle(img).filter") != "none"
    lab.change_theme(page, "light")
    assert picture.evaluate("img => getComputedStyle(img).filter") == "none"
    expect(page.get_by_text("to turn its controls, run the cell again")).to_be_visible()
    assert not page.get_by_text("model not found").count()
    assert not page.get_by_text("Error displaying widget").count()
    assert not [problem for problem in page.problems if "model" in problem.lower()]
    status = outputs.nth(1).get_by_role("status")
    before = status.inner_text()
    outputs.nth(1).get_by_role("button", name="Reset").click()
    expect(status).not_to_have_text(before)  # it is alive
    lab.close(page)
