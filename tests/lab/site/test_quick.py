"""What is promised in seconds: the pages are written, and the front page moves."""

import functools
import shutil
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browser import QUIET, find_browser, needs_browser

from labkit.lab.site import others
from labkit.lab.site.build import build
from labkit.lab.site.frame import FOLDER, Link, Site

pytestmark = pytest.mark.alone


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that writes no log."""

    def log_message(self, *said):
        """Say nothing."""


@pytest.fixture
def address(tmp_path):
    """The address of a front page on a server of this machine."""
    shutil.copytree(FOLDER / "assets", tmp_path / "assets")
    (tmp_path / "index.html").write_text(
        others.front(Site("en", [Link("00", "00_start_here.html", "Start here")], "")),
        encoding="utf-8",
    )
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
@needs_browser
def test_the_front_page_moves_within_two_seconds_of_a_cold_load(address):
    from playwright.sync_api import sync_playwright

    moved = """() => {
      const host = document.querySelector('.hero figure > div');
      const epoch = host?.shadowRoot?.textContent.match(/epoch (\\d+)/);
      return epoch && Number(epoch[1]) > 0 && performance.now();
    }"""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(), args=QUIET)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(address, wait_until="commit")
        milliseconds = page.wait_for_function(moved, polling=20).json_value()
        below = page.evaluate(
            "document.querySelector('.hero figure').getBoundingClientRect().bottom"
        )
        browser.close()
    assert milliseconds < 2000  # since the navigation began
    assert below < 768  # all of it in the first screen


@pytest.mark.slow
def test_all_pages_are_written_within_a_minute(tmp_path):
    begin = time.monotonic()
    build(tmp_path / "site", tmp_path / "no runs")
    assert time.monotonic() - begin < 60
