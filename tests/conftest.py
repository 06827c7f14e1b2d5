"""A small lab of its own for tests of the runner: a folder with tiny lessons and its own runs."""

import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

import browser
import pytest
from helpers import Lab

# Two test files at once share the cores: threads of their own would only wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")


def pytest_collection_modifyitems(items):
    """Begin with the files of most slow tests: one that begins last leaves the other core idle."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session", autouse=True)
def _no_test_writes_into_the_learners_folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_LEARNER", str(tmp_path_factory.mktemp("learner") / "learner"))
        yield


@pytest.fixture(autouse=True)
def _no_command_leaves_its_language_behind():
    """`--lang` sets LABKIT_LANG for the process of a command; here commands share this one."""
    before = os.environ.get("LABKIT_LANG")
    yield
    if os.environ.get("LABKIT_LANG") != before:
        os.environ.pop("LABKIT_LANG")
        os.environ |= {} if before is None else {"LABKIT_LANG": before}


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    for name in ("LABKIT_RUNS", "LABKIT_LEARNER", "LABKIT_HEADLESS"):
        monkeypatch.delenv(name, raising=False)
    return Lab(tmp_path)


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """Zygotes of this module's own, that end with it, and the lab's kernelspec."""
    from labkit.lab.warm import client, zygote

    spec = Path(zygote.__file__).with_name("kernelspec") / "kernel.json"
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="lk") as short:
        patch.setenv("JUPYTER_RUNTIME_DIR", short)
        patch.setenv("LABKIT_ZYGOTE_IDLE", "60")
        specs = tmp_path_factory.mktemp("jupyter")
        (specs / "kernels" / "labkit").mkdir(parents=True)
        (specs / "kernels" / "labkit" / "kernel.json").write_text(spec.read_text())
        patch.setenv("JUPYTER_PATH", str(specs))
        yield Path(short)
        client.stop_all()


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
