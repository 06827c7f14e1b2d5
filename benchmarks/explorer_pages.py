"""Where explorers that compute in the page are measured: in a page from disk, or in JupyterLab."""

import contextlib
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import browser


@contextlib.contextmanager
def pages(explorer, lab=False):
    """A function that opens an explorer of this class with given settings.

    Args:
        explorer: a class of explorers with `html()`.
        lab: in JupyterLab with its kernel, not in a static page without one.
    """
    if not browser.find_browser():
        sys.exit("No Chromium or Chrome on PATH; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        where = _in_lab if lab else _from_disk
        with where(explorer, Path(folder)) as open_page:
            yield open_page


@contextlib.contextmanager
def _from_disk(explorer, folder):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser.find_browser(), args=browser.QUIET)

        def open_page(**settings):
            path = folder / "page.html"
            path.write_text(f'<!doctype html><meta charset="utf-8">{explorer(**settings).html()}')
            page = chromium.new_page(viewport={"width": 1200, "height": 900})
            page.goto(path.as_uri())
            return page

        yield open_page
        chromium.close()


@contextlib.contextmanager
def _in_lab(explorer, folder):
    with browser.Lab(folder) as lab:

        def open_page(**settings):
            words = ", ".join(f"{name}={value!r}" for name, value in settings.items())
            name = explorer.__name__
            source = f"from {explorer.__module__} import {name}\n{name}({words})"
            browser.write_notebook(folder / "page.ipynb", source)
            page = lab.open("page.ipynb")
            if not lab.run(page):
                sys.exit("the cell of the benchmark raised")
            return page

        yield open_page
