"""A learner walks through their copies in JupyterLab, and nothing changes that they did not."""

import json
import shutil

import pytest
from browser import KERNEL_READY, SETTLED, Lab, needs_browser, run_last_cell, wait_until
from helpers import wait_until as wait_for

from labkit.lab import copies, places, progress

pytestmark = [pytest.mark.slow, needs_browser]

IS_AT = "(path) => jupyterapp.shell.currentWidget?.context?.path === path"
DIRTY = """() => [...jupyterapp.shell.widgets('main')]
  .filter((widget) => widget.context?.model.dirty).map((widget) => widget.context.path)"""
ADD_CELL = """() => {
  const { content } = jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.length - 1;
  return jupyterapp.commands.execute('notebook:insert-cell-below');
}"""
CLOSE_ALL = """async () => {
  const open = [...jupyterapp.shell.widgets('main')].filter((widget) => widget.context);
  for (const widget of open) widget.close();
  await new Promise((done) => setTimeout(done, 500));
  return document.querySelectorAll('.jp-Dialog').length;
}"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A checkout of its own."""
    shutil.copytree(places.home() / "notebooks", tmp_path / "notebooks")
    shutil.copytree(places.home() / "data", tmp_path / "data")
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    monkeypatch.setenv("LABKIT_LEARNER", str(tmp_path / "learner"))
    return tmp_path


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.ipynb"))}


def go(page, link, file):
    """Follow a link of the notebook in front; wait until the file that it leads to is there."""
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)").get_by_role(
        "link", name=link
    ).first.click()
    page.wait_for_function(IS_AT, arg=f"learner/{file}")
    wait_until(page, KERNEL_READY)
    page.evaluate(SETTLED)


def test_a_learner_walks_and_nothing_changes_that_they_did_not(home):
    told = []
    copies.open_copy(home / "notebooks" / "index.ipynb", told.append)
    given, mine = content(home / "notebooks"), content(home / "learner")
    with Lab(home, 1366, 768) as lab:
        page = lab.open("learner/index.ipynb")
        page.set_default_timeout(30_000)
        go(page, "03 · Activation functions", "03_activation_functions.ipynb")
        words = page.locator('a[href*="glossary.ipynb"][title*=" · "]')
        assert words.count() > 5, "the meaning shows on hover"
        go(page, "02 · Loss functions", "02_loss_functions.ipynb")
        go(page, "All lessons", "index.ipynb")
        go(page, "glossary", "glossary.ipynb")
        page.wait_for_timeout(1000)
        assert page.evaluate(DIRTY) == []
        assert page.evaluate(CLOSE_ALL) == 0, "closing an untouched lesson asks nothing"
        assert content(home / "learner") == mine

        page = lab.open("learner/03_activation_functions.ipynb")
        page.evaluate(ADD_CELL)
        run_last_cell(page, "from labkit.lab import record\nrecord('03', answer=1)")
        wait_for(lambda: progress.read(), 30)
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        wait_for(lambda: content(home / "learner") != mine, 30)
        assert page.problems == []
    (line,) = progress.read()
    assert (line["lesson"], line["what"], line["result"], line["value"]) == (
        "03",
        "run",
        "answer",
        1,
    )
    assert content(home / "notebooks") == given, "no file of the lab has changed"
    saved = content(home / "learner")
    assert [name for name in saved if saved[name] != mine[name]] == [
        "03_activation_functions.ipynb"
    ]
    marks = json.loads(saved["03_activation_functions.ipynb"])["metadata"]["labkit"]
    assert marks == json.loads(mine["03_activation_functions.ipynb"])["metadata"]["labkit"]
    assert told == []
