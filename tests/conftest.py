"""A small lab of its own for tests of the runner: a folder with tiny lessons and its own runs."""

import json
import os
import sys
from pathlib import Path

import browser
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

# Two test files at once share the cores: threads of their own would only wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")

TITLE = "# 98 · Trial\n\nA formula $x^2$."
PARAMETERS = "rate = 0.1  # step size, in [0.01, 1]"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


class Lab:
    """A temporary LABKIT_HOME; cells of a lesson are c0, c1, ... after title and parameters."""

    def __init__(self, home: Path):
        self.home, self.runs = home, home / "runs"
        (home / "notebooks").mkdir()

    def lesson(self, *cells, parameters=PARAMETERS, title=TITLE, name="98_trial", tags=()) -> Path:
        """Write a lesson of these code cells; the tags are those of the last one."""
        notebook = new_notebook(metadata={"kernelspec": KERNEL})
        tagged = {"tags": ["parameters"]}
        notebook.cells = [
            new_markdown_cell(title, id="title"),
            new_code_cell(parameters, id="parameters", metadata=tagged),
            *(new_code_cell(source, id=f"c{n}") for n, source in enumerate(cells)),
        ]
        notebook.cells[-1].metadata |= {"tags": list(tags)} if tags else {}
        path = self.home / "notebooks" / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    def record(self, run_id="aaa", lesson="98", folder=None, **content) -> Path:
        """Write a finished run's record.json, as an earlier run would have left it."""
        entry = {
            "schema": 1,
            "lesson": lesson,
            "title": "Trial",
            "run_id": run_id,
            "status": "finished",
            "started": "2026-01-01T00:00:00.000+00:00",
            "seconds": 1.5,
            "parameters": {"rate": 0.1},
            "results": {"answer": 0.2},
            "expectations": [],
            "error": None,
            "environment": {"mode": "headless"},
        }
        path = self.runs / f"{lesson}_trial" / (folder or run_id) / "record.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entry | content), encoding="utf-8")
        return path

    def folders(self) -> list[str]:
        """Names of the folders of lesson 98's runs, hidden ones too."""
        return sorted(os.listdir(self.runs / "98_trial"))


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    for name in ("LABKIT_RUNS", "LABKIT_HEADLESS"):
        monkeypatch.delenv(name, raising=False)
    return Lab(tmp_path)


@pytest.fixture(autouse=True)
def keras_computes_in_float32():
    """Undo what a test, or code that it ran, set for all of Keras."""
    yield
    if "keras" in sys.modules:
        _set_precision("float32")


@pytest.fixture
def keras_in_float64():
    """Keras in double precision, so that it can be compared closely with NumPy."""
    pytest.importorskip("keras")
    return _set_precision("float64")


def _set_precision(name):
    """Set both of Keras' defaults: the first layer built under a floatx keeps it as the policy."""
    import keras

    keras.config.set_floatx(name)
    keras.config.set_dtype_policy(name)
    return keras


@pytest.fixture
def chromium():
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=browser.find_browser(), args=browser.QUIET)
        yield running
        running.close()


@pytest.fixture
def still(chromium, tmp_path):
    """A function that opens explorers, or a whole page, from disk, without network and kernel."""
    opened, path = [], tmp_path / "page.html"

    def open_page(*parts, body="", width=1000, height=900, **context):
        html = "\n".join(part if isinstance(part, str) else part.html() for part in parts)
        if not html.startswith("<!"):
            html = f'<!doctype html><meta charset="utf-8"><body style="{body}">{html}'
        path.write_text(html, encoding="utf-8")
        size = {"width": width, "height": height}
        page = chromium.new_context(offline=True, viewport=size, **context).new_page()
        page.set_default_timeout(15_000)
        page.problems, page.requests = [], []
        page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(path.as_uri())
        if context.get("java_script_enabled", True):
            page.evaluate(browser.SETTLED)
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        assert page.problems == []
        assert [url for url in page.requests if not url.startswith("data:")] == [path.as_uri()]
        page.context.close()
