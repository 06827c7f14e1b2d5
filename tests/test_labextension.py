"""JupyterLab's part of the lab: what it covers, tells and leaves alone; what the server answers."""

import json
import re
import shutil
import sys
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import nbformat
import pytest
from browser import KERNEL_READY, SETTLED, Lab, needs_browser, run_last_cell, wait_until

import labkit
from labkit.lab import places, progress, server

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(server.__file__).with_name("labextension")
sys.path.insert(0, str(ROOT / "scripts"))

import setup_lab  # noqa: E402

# --- files and functions: no browser --------------------------------------------------------------


def test_the_package_names_a_module_that_is_there_and_that_no_browser_keeps():
    package = json.loads((SOURCE / "package.json").read_text())
    assert package["name"] == "labkit"
    assert package["version"] == labkit.__version__
    build = package["jupyterlab"]["_build"]
    assert package["jupyterlab"]["extension"] is True
    entry = SOURCE / build["load"]
    assert f'"{build["extension"]}"' in entry.read_text()
    # JupyterLab's server lets browsers keep files below static/ for a year: only hashed names may.
    assert "static" not in entry.relative_to(SOURCE).parts


def test_every_module_that_is_imported_is_there_and_used():
    files = {path.name: path.read_text("utf-8") for path in (SOURCE / "js").glob("*.js")}
    named = {name for text in files.values() for name in re.findall(r'"\./([\w.]+\.js)"', text)}
    assert named | {"remoteEntry.js"} == set(files)


def test_wheel_and_setup_bring_everything_to_where_jupyter_looks(monkeypatch, tmp_path):
    monkeypatch.setattr(setup_lab, "VENV", str(tmp_path))
    stale = tmp_path / "share" / "jupyter" / "labextensions" / "labkit" / "js" / "gone.js"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    setup_lab.offer_to_jupyter()
    copied = {str(path.relative_to(stale.parents[1])) for path in stale.parents[1].rglob("*.*")}
    there = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.*")}
    assert copied == there - {"labkit.json"}
    config = tmp_path / "etc" / "jupyter" / "jupyter_server_config.d" / "labkit.json"
    [module] = json.loads(config.read_text())["ServerApp"]["jpserver_extensions"]
    assert [{"module": module}] == server._jupyter_server_extension_points()
    assert (tmp_path / "share" / "jupyter" / "kernels" / "labkit" / "kernel.json").exists()


def test_setup_runs_again_when_the_extension_changes(monkeypatch, tmp_path):
    before = setup_lab.fingerprint()
    (tmp_path / "more.js").write_text("// new\n")
    files = [*setup_lab.for_jupyter(), (str(tmp_path / "more.js"), "share/jupyter")]
    monkeypatch.setattr(setup_lab, "for_jupyter", lambda: files)
    assert setup_lab.fingerprint() != before


def test_guesses_are_those_of_the_lesson_each_once(monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_LEARNER", str(tmp_path))
    for lesson, what, name in [
        ("01", "guess", "rate"), ("01", "check", "update"), ("01", "guess", "limit"),
        ("02", "guess", "other"), ("01", "guess", "rate"),
    ]:  # fmt: skip
        line = {"at": "2026-01-01", "lesson": lesson, "what": what, "name": name}
        with (tmp_path / progress.FILE).open("a") as file:
            file.write(json.dumps(line) + "\n")
    assert server.guesses("01") == {"lesson": "01", "names": ["limit", "rate"]}
    assert server.guesses("05")["names"] == []


@pytest.mark.parametrize("lesson", ["", "1", "abc", "../x", "٠١"])
def test_what_is_no_number_of_a_lesson_is_refused_in_a_sentence(lesson):
    with pytest.raises(ValueError, match="not the number of a lesson: give two digits"):
        server.guesses(lesson)


# --- in JupyterLab --------------------------------------------------------------------------------

LONG = "Some words that make a line of a text long enough for a wide window of a browser. " * 4
LINK = '[gradients](glossary.ipynb#momentum "动量 · A running sum. Of gradients.")'
PREDICT = """from labkit.explore.predict import predict
predict("{}", "{}", "How many?", answer=3, because="Counted.", number=(0, 10))"""
STATUS = {"exercises": [0, 3], "predictions": [0, 0], "next": False}
OVERVIEW = [
    {**STATUS, "number": "00", "status": "done"},
    {"number": "01", "status": "begun", "exercises": [2, 3], "predictions": [4, 6], "next": True},
    {**STATUS, "number": "02", "status": "not begun"},
]
STATE = """() => {
  const { content, context } = jupyterapp.shell.currentWidget;
  const top = content.outerNode.getBoundingClientRect().top;
  const places = content.widgets.map((cell) => cell.node.getBoundingClientRect().top - top);
  return { active: content.activeCellIndex, places, dirty: context.model.dirty };
}"""
SCROLL_TO = """(at) => {
  const { outerNode, widgets } = jupyterapp.shell.currentWidget.content;
  const top = outerNode.getBoundingClientRect().top;
  outerNode.scrollTop += widgets[at].node.getBoundingClientRect().top - top - 8;
}"""
# Run all, and note where a cell is painted: asked last in each frame in which a size changes.
RUN_AND_FOLLOW = """async (at) => {
  const { outerNode, widgets } = jupyterapp.shell.currentWidget.content;
  const places = [];
  const running = jupyterapp.commands.execute('notebook:run-all-cells');
  const look = new ResizeObserver(() => {
    const top = outerNode.getBoundingClientRect().top;
    places.push(widgets[at].node.getBoundingClientRect().top - top);
  });
  widgets.forEach((cell) => look.observe(cell.node));
  return [await running, places];
}"""
OPEN = "async (path) => { await jupyterapp.commands.execute('docmanager:open', { path }); }"
HERE = "() => jupyterapp.shell.currentWidget.context.path"
READ = 21  # the cell that is read while all run: outputs come above and below it


def _lesson(number):
    """A notebook with two predictions, text and code that tell their answers, and some length."""

    def text(source, *tags):
        return nbformat.v4.new_markdown_cell(source, metadata={"tags": list(tags)})

    def code(source, *tags):
        return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})

    cells = [text(f"# {number} · Covers\n\n{LONG}"), text(f"The {LINK} of it."), code("ran = []")]
    for name in ("one", "two"):
        cells.append(code(PREDICT.format(number, name), "predict"))
        cells.append(text(f"The answer {name} is [told](https://example.org).", "answer"))
        cells.append(code(f"ran.append('{name}')\nprint('figure', '{name}')", "answer"))
        cells.append(text(f"Also told.\n\n### After {name}\n\nIt goes on.", "answer"))
    for part in range(8):
        cells.append(text(f"## Part {part}\n\n{LONG * 3}"))
        cells.append(code(f"import time; time.sleep(0.1); print('line\\n' * 12, {part})"))
    notebook = nbformat.v4.new_notebook(cells=[*cells, code("")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    return notebook


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab with the extension as it stands in the source, not as it was last set up."""
    folder, top = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    for name in ("77_covers", "78_length", "trial", "01_gradient_descent"):
        nbformat.write(_lesson(name[:2].replace("tr", "79")), folder / f"{name}.ipynb")
    for name in ("index", "glossary"):
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setup_lab, "VENV", str(top))
        setup_lab.offer_to_jupyter()
        patch.setenv("LABKIT_LEARNER", str(top / "learner"))
        patch.setenv("JUPYTER_PATH", str(top / "share" / "jupyter"))
        patch.setenv("JUPYTER_CONFIG_PATH", str(top / "etc" / "jupyter"))
        with Lab(folder, width=1366, height=768) as lab:
            lab.overview, lab.keep_guess = OVERVIEW, partial(_keep_guess, top / "learner")
            lab.context.route(
                "**/labkit/overview", lambda route: route.fulfill(body=json.dumps(lab.overview))
            )
            yield lab


def _keep_guess(learner, lesson, name):
    learner.mkdir(exist_ok=True)
    line = {"at": "2026-01-01", "lesson": lesson, "what": "guess", "name": name}
    with (learner / progress.FILE).open("a") as file:
        file.write(json.dumps(line) + "\n")


@pytest.fixture
def opened(lab):
    """Open a notebook; afterwards nothing may be wrong in the console."""
    pages = []

    def open_one(name):
        pages.append(lab.open(f"{name}.ipynb"))
        return pages[-1]

    yield open_one
    problems = [problem for page in pages for problem in page.problems]
    for page in pages:
        lab.close(page)
    assert problems == []


def in_browser(test):
    return pytest.mark.slow(needs_browser(test))


def _part(page, name):
    """The text that tells the answer to a prediction, as it is drawn."""
    return page.locator(".jp-MarkdownOutput", has_text=f"The answer {name}")


@in_browser
def test_answers_are_covered_until_the_guess_is_made_and_stay_open_after_a_reload(opened):
    from playwright.sync_api import expect

    page = opened("77_covers")
    assert page.evaluate(STATE)["dirty"] is False
    slips, covered = page.locator(".labkit-slip"), page.locator(".labkit-covered")
    expect(slips).to_have_count(2)
    expect(_part(page, "one")).to_be_hidden()
    expect(page.get_by_role("heading", name="After one")).to_be_visible()
    seen_by_readers = page.locator(".jp-Notebook").aria_snapshot()
    assert "Covered until you have entered your guess above." in seen_by_readers
    assert "told" not in seen_by_readers
    roles = covered.evaluate_all("cells => cells.map((cell) => cell.getAttribute('role'))")
    assert roles == ["article"] * 4  # the label that JupyterLab gives a cell needs a role
    assert seen_by_readers.count("It goes on.") == 2

    # An answer with a heading of its own and another one below it is covered whole.
    page.evaluate("""() => {
      const { widgets } = jupyterapp.shell.currentWidget.content;
      const { sharedModel } = widgets[4].model;
      sharedModel.setSource(`### First\n\n${sharedModel.getSource()}\n\n### Then`);
    }""")
    expect(page.get_by_role("heading", name="Then", include_hidden=True)).to_be_attached()
    expect(_part(page, "one")).to_be_hidden()

    # One cell after the other: covered ones are passed and run, and show nothing.
    page.evaluate("() => jupyterapp.shell.currentWidget.content.activate()")
    for at in range(11):
        assert page.evaluate(STATE)["active"] == at
        page.keyboard.press("Shift+Enter")
    run_last_cell(page, "print('ran', *ran)")
    expect(page.get_by_text("ran one two", exact=True)).to_be_attached()
    expect(page.get_by_text("figure one", exact=True)).to_be_hidden()
    expect(covered).to_have_count(4)

    first, second = (page.locator(f"[data-labkit-predict='77/{n}']") for n in ("one", "two"))
    first.get_by_role("textbox").fill("4")
    first.get_by_role("button", name="That is my guess").click()
    expect(_part(page, "one")).to_be_visible()
    expect(page.get_by_text("figure one", exact=True)).to_be_visible()
    expect(covered).to_have_count(2)
    expect(_part(page, "two")).to_be_hidden()
    slips.get_by_role("button", name="Show me").press("Enter")
    expect(_part(page, "two")).to_be_visible()
    expect(slips).to_have_count(0)
    expect(second).to_have_attribute("data-labkit-answered", "true")
    assert page.evaluate("() => document.activeElement.classList.contains('jp-Cell')")

    page.reload()  # nothing was saved; the server knows what was guessed
    wait_until(page, KERNEL_READY)
    expect(covered).to_have_count(0)
    expect(_part(page, "one")).to_be_visible()


@in_browser
def test_running_all_cells_moves_nothing_and_uncovers_nothing(opened, lab):
    from playwright.sync_api import expect

    page = opened("78_length")
    page.evaluate(SCROLL_TO, READ)
    page.evaluate(SETTLED)
    before = page.evaluate(STATE)
    assert abs(before["places"][READ] - 8) < 2
    fine, painted = page.evaluate(RUN_AND_FOLLOW, READ)
    assert fine
    after = page.evaluate(STATE)
    assert after["active"] == before["active"] == 0
    assert after["places"][0] < before["places"][0] - 500  # outputs came in between
    assert len(painted) > 8  # one frame or more for each output
    assert max(abs(place - before["places"][READ]) for place in painted) < 2
    expect(page.locator(".labkit-covered")).to_have_count(4)

    # Where JupyterLab keeps only what is in view in the page, covers go with their cells.
    page.evaluate("""() => {
      const { content } = jupyterapp.shell.currentWidget;
      content.notebookConfig = { ...content.notebookConfig, windowingMode: 'full' };
      return content.scrollToItem(content.widgets.length - 1);
    }""")
    expect(_part(page, "one")).not_to_be_attached()
    page.evaluate("""() => jupyterapp.shell.currentWidget.content.node.dispatchEvent(
      new CustomEvent('labkit:answered', { bubbles: true, detail: { lesson: '78', name: 'two' } })
    )""")
    page.evaluate("() => jupyterapp.shell.currentWidget.content.scrollToItem(0)")
    expect(_part(page, "two")).to_be_visible()
    expect(_part(page, "one")).to_be_hidden()

    lab.keep_guess("78", "one")  # in another tab
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(_part(page, "one")).to_be_visible()

    # Not ours: as JupyterLab has it.
    page.evaluate(OPEN, "trial.ipynb")
    wait_until(page, KERNEL_READY)
    expect(_part(page, "one").last).to_be_visible()
    assert lab.run(page)
    assert page.evaluate(STATE)["active"] == len(_lesson("77").cells) - 1


@in_browser
def test_words_are_told_on_hover_and_focus_and_the_glossary_opens_at_the_word(opened):
    from playwright.sync_api import expect

    page = opened("77_covers")
    link, tip = page.get_by_role("link", name="gradients"), page.get_by_role("tooltip")
    link.hover()
    expect(tip).to_have_text("gradients 动量A running sum. Of gradients.")
    expect(link).not_to_have_attribute(
        "title", re.compile(".*")
    )  # the browser's own would cover it
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    expect(link).to_have_attribute("title", "动量 · A running sum. Of gradients.")
    page.mouse.move(5, 5)
    page.evaluate(SCROLL_TO, READ)
    link.focus()  # which scrolls to it
    page.evaluate(SETTLED)
    expect(tip).to_be_visible()
    expect(link).to_have_accessible_description("gradients 动量 A running sum. Of gradients.")
    link.click()
    found = page.locator(".labkit-found")
    expect(found).to_be_in_viewport()
    assert found.get_attribute("data-jupyter-id") == "momentum"
    assert page.evaluate(HERE) == "glossary.ipynb"
    assert page.evaluate(STATE)["dirty"] is False
    expect(tip).to_be_hidden()

    lines = page.locator(".jp-Notebook:visible .jp-RenderedMarkdown p")
    widths = lines.evaluate_all("all => all.map((p) => p.clientWidth)")
    assert 500 < max(widths) <= 44 * 14


@in_browser
def test_the_index_finds_lessons_and_says_where_to_go_on(opened, lab):
    from playwright.sync_api import expect

    page = opened("index")
    field = page.get_by_role("searchbox", name="Find a lesson")
    rows = page.locator(".jp-RenderedMarkdown tbody tr")
    count = page.get_by_role("status").filter(has_text="lessons")
    total = rows.count()
    expect(count).to_have_text(f"{total} of {total} lessons")
    expect(rows.nth(0)).to_contain_text("done")
    expect(rows.nth(1)).to_contain_text("2 of 3 exercises, 4 of 6 predictions")
    expect(rows.nth(2)).to_contain_text("not begun")
    expect(page.get_by_role("link", name="Go on here")).to_have_count(1)
    field.click()
    page.keyboard.type("dd")  # deletes a cell where JupyterLab hears it
    expect(field).to_have_value("dd")
    field.fill("DOWNHILL adam")
    expect(count).to_have_text(f"1 of {total} lessons")
    field.fill("01")  # which others name as what comes before
    expect(count).to_have_text(f"1 of {total} lessons")
    assert [row.is_visible() for row in rows.all()] == [at == 1 for at in range(total)]
    field.press("Escape")
    expect(count).to_have_text(f"{total} of {total} lessons")
    assert page.evaluate(STATE)["dirty"] is False

    page.get_by_role("link", name="Go on here").click()
    wait_until(page, f"() => ({HERE})() === '01_gradient_descent.ipynb'")
    lab.overview = [{**each, "next": each["number"] == "02"} for each in OVERVIEW]
    page.evaluate(OPEN, "index.ipynb")
    expect(rows.nth(2)).to_contain_text("Go on here")
    expect(rows.nth(1)).not_to_contain_text("Go on here")


@pytest.mark.slow
@needs_browser
def test_the_server_answers_only_who_has_the_token_and_in_json(lab):
    def ask(question, token):
        headers = {"Authorization": f"token {token}"}
        request = urllib.request.Request(f"{lab.address}/labkit/{question}", headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    status, lessons = ask("overview", lab.token)
    assert status == 200
    assert [lesson["number"] for lesson in lessons] == sorted(places.lesson_files())
    assert {"status", "exercises", "predictions", "next"} < set(lessons[0])
    status, told = ask("guesses?lesson=05", lab.token)
    assert (status, told) == (200, {"lesson": "05", "names": []})
    lab.keep_guess("06", "half \ud83d")
    assert ask("guesses?lesson=06", lab.token) == (200, {"lesson": "06", "names": ["half \ud83d"]})
    status, told = ask("guesses?lesson=100%25", lab.token)
    assert status == 400
    assert told["message"].startswith("'100%' is not the number of a lesson: give two digits")
    assert ask("overview", "wrong")[0] == 403


@in_browser
def test_a_link_to_a_cell_opens_the_notebook_at_this_cell(opened):
    page = opened("77_covers")
    cell = page.evaluate("""async () => {
      await jupyterapp.commands.execute('docmanager:open', { path: '78_length.ipynb' });
      const panel = jupyterapp.shell.currentWidget;
      await panel.context.ready;
      await panel.sessionContext.ready;  // closed while it starts, JupyterLab stumbles
      const { id } = panel.context.model.cells.get(12);
      await jupyterapp.commands.execute('docmanager:open', { path: '77_covers.ipynb' });
      panel.close();
      return id;
    }""")
    link = {"path": "78_length.ipynb", "id": f"#cell-id={cell}"}
    page.evaluate(
        "(link) => jupyterapp.commands.execute('rendermime:handle-local-link', link)", link
    )
    wait_until(page, f"() => ({HERE})() === '78_length.ipynb'")
    wait_until(page, f"() => ({STATE})().active === 12")
    wait_until(page, f"() => Math.abs(({STATE})().places[12]) < 60")
    assert page.evaluate(STATE)["dirty"] is False
    wait_until(page, KERNEL_READY)
