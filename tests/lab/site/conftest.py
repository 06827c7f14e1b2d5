"""What the tests of the site share: one browser for all tests of a file."""

import browser
import pytest


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=browser.find_browser(), args=browser.QUIET)
        yield running
        running.close()
