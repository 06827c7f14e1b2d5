"""Python in the pages of lessons, in Chromium, from a disk, with no network."""

import functools
import http.server
import json
import os
import re
import threading
import time
from pathlib import Path

import nbformat
import pytest
from browser import needs_browser

from labkit.lab import places
from labkit.lab.pages.page import PageExporter
from labkit.lab.site.python.bundle import LESSONS, with_python, write_python

PYODIDE = os.environ.get("LABKIT_PYODIDE")
pytestmark = [
    pytest.mark.slow,
    needs_browser,
    pytest.mark.skipif(
        not PYODIDE,
        reason="LABKIT_PYODIDE names no folder of Pyodide: Python in pages was NOT tried",
    ),
]
IS_ON = "() => document.documentElement.dataset.python === 'on'"
IS_IDLE = "() => !document.querySelector('.lkp-running')"
RIGHT = "def my_update(w, gradient, learning_rate):\n    return w - learning_rate * gradient"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the pages of the lessons, without outputs."""
    out = tmp_path_factory.mktemp("site")
    bundle = write_python(Path(PYODIDE), out)
    for lesson in LESSONS:
        path = places.lesson_file(lesson)
        notebook = nbformat.read(path, as_version=4)
        page, _ = PageExporter().from_notebook_node(notebook)
        (out / f"{path.stem}.html").write_text(with_python(page, lesson, bundle), "utf-8")
    return out


@pytest.fixture(scope="module")
def visitor(chromium):
    """A browser's profile: what it keeps between visits it keeps for all tests below."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, offline=True)
    yield context
    context.close()


def opened(context, address):
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(address)
    return page


def address_of(site, lesson):
    return (site / f"{places.lesson_file(lesson).stem}.html").as_uri()


def started(context, address):
    page = opened(context, address)
    page.get_by_role("button", name="Start Python in this page").click()
    page.wait_for_function(IS_ON)
    return page


def run_cell(page, cell, source=None, wait=True):
    """Run a cell as a learner does; returns what it shows."""
    if source is None:
        page.get_by_role("button", name=f"Run: {cell}", exact=True).click()
    else:
        field = page.locator(f"[id='cell-id={cell}'] textarea")
        field.fill(source)
        field.press("Control+Enter")
    if wait:
        page.wait_for_function(
            f"() => {{ const cell = document.getElementById('cell-id={cell}');"
            " return /^In \\[\\d/.test(cell.querySelector('.jp-InputPrompt').textContent); }"
        )
        page.wait_for_function(IS_IDLE)
    return page.locator(f"[id='cell-id={cell}'] .jp-Cell-outputWrapper").inner_text()


def run_all(page):
    page.get_by_role("button", name="Run all").click()
    page.wait_for_function(
        "() => /Ran \\d+ cells|Stopped at/.test(document.querySelector('.lkp-status').textContent)"
    )
    assert page.locator(".lkp-status").inner_text().startswith("Ran")
    assert page.locator(".lkp-error").count() == 0
    assert page.problems == []


def test_all_of_lesson_01_runs_from_a_disk_without_network(site, visitor, capsys):
    page = opened(visitor, address_of(site, "01"))
    assert re.search(
        r"Reads \d+ MB.* \d+ seconds.*memory", page.locator(".lkp-status").inner_text()
    )
    begun = time.monotonic()
    page.get_by_role("button", name="Run: explorer-hook").click()
    page.get_by_role("button", name="Start Python and run this cell").click()
    page.wait_for_selector("[id='cell-id=explorer-hook'] figure")
    first = time.monotonic() - begun
    page.wait_for_function(IS_IDLE)
    cell = page.locator("[id='cell-id=explorer-hook']")
    assert cell.get_by_role("button", name="Copy link").count() == 1
    run_all(page)
    whole = time.monotonic() - begun
    load = os.getloadavg()[0]
    with capsys.disabled():
        print(
            f"\nlesson 01 from a disk: first output {first:.1f} s, all {whole:.1f} s, "
            f"load {load:.1f}"
        )
    held = page.locator("[id='cell-id=expectations']").inner_text()
    assert held.count("held") >= 10
    assert "missed" not in held
    assert all(url.startswith(("file:", "blob:", "data:")) for url in page.asked)
    page.close()


def test_wrong_and_right_answers_are_told_and_kept(site, visitor):
    page = started(visitor, address_of(site, "01"))
    run_cell(page, "exercise-update", RIGHT.replace("-", "+"))
    assert "You walk uphill" in run_cell(page, "check-update")
    run_cell(page, "exercise-update", RIGHT)
    assert "Right." in run_cell(page, "check-update")
    lines = progress_of(page)
    assert [line["kind"] for line in lines if line["name"] == "update"][-2:] == [
        "sign of the gradient",
        "right",
    ]
    page.close()
    again = opened(visitor, address_of(site, "01"))
    assert again.locator("[id='cell-id=exercise-update'] textarea").input_value() == RIGHT
    again.get_by_role("button", name="Reset this cell").click()
    assert "..." in again.locator("[id='cell-id=exercise-update'] textarea").input_value()
    again.close()


def progress_of(page):
    """Export the learner's progress, and read the file."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Export my progress").click()
    assert download.value.suggested_filename == "progress.jsonl"
    return [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]


def test_a_guess_is_kept_after_a_reload(site, visitor):
    page = started(visitor, address_of(site, "01"))
    run_cell(page, "predict-limit")
    cell = page.locator("[id='cell-id=predict-limit']")
    cell.locator("input[type=text]").fill("0.2")
    cell.get_by_role("button", name="That is my guess").click()
    page.wait_for_function(
        "() => (localStorage['labkit.python.progress'] ?? '').includes('\"guess\"')"
    )
    guesses = [line for line in progress_of(page) if line["what"] == "guess"]
    assert [(line["lesson"], line["name"], line["guess"]) for line in guesses] == [
        ("01", "limit", 0.2)
    ]
    page.reload()
    page.get_by_role("button", name="Start Python in this page").click()
    page.wait_for_function(IS_ON)
    run_cell(page, "predict-limit")
    cell.get_by_text("Your guess", exact=True).wait_for()
    page.close()


def test_an_endless_loop_is_interrupted_and_variables_stay(site, visitor):
    page = started(visitor, address_of(site, "00"))
    run_cell(page, "parameters", "n = 0\nwhile True:\n    n += 1", wait=False)
    page.wait_for_selector(".lkp-running")
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Interrupt").click()
    page.wait_for_function(IS_IDLE, timeout=5000)
    assert "Interrupted" in page.locator(".lkp-status").inner_text()
    assert int(run_cell(page, "parameters", "print(n)")) > 1000
    page.locator("[id='cell-id=parameters']").get_by_role("button", name="Reset").click()
    page.close()


WITHOUT_JSPI = """
const Own = Blob;
window.Blob = class extends Own {
  constructor(parts, options) {
    const isScript = options?.type === "text/javascript";
    super(isScript ? ["delete WebAssembly.Suspending;\\n", ...parts] : parts, options);
  }
};
"""


def test_a_browser_in_which_webassembly_cannot_wait_runs_python_too(site, chromium):
    """As Firefox 140: from a disk, no shared memory and no JSPI; only Interrupt does less."""
    context = chromium.new_context(offline=True)
    context.add_init_script(WITHOUT_JSPI)
    page = started(context, address_of(site, "00"))
    shown = run_cell(page, "parameters", "import time; time.sleep(0.1); kept = 42; kept")
    assert shown.strip() == "42"
    run_cell(page, "parameters", "while True: pass", wait=False)
    page.get_by_role("button", name="Interrupt").click()
    page.get_by_role("button", name="Stop Python and start it again").click()
    page.locator(".lkp-status", has_text="Python was stopped").wait_for()
    assert run_cell(page, "parameters", "1 + 1").strip() == "2"
    assert not page.problems
    context.close()


def test_what_does_not_react_is_stopped_and_python_started_again(site, visitor):
    page = started(visitor, address_of(site, "00"))
    run_cell(page, "parameters", "sum(iter(int, 1))", wait=False)
    page.wait_for_selector(".lkp-running")
    page.get_by_role("button", name="Interrupt").click()
    page.get_by_role("button", name="Stop Python and start it again").click()
    page.wait_for_function(IS_ON)
    assert "variables are gone" in page.locator(".lkp-status").inner_text()
    assert run_cell(page, "parameters", "print(6 * 7)").strip() == "42"
    page.locator("[id='cell-id=parameters']").get_by_role("button", name="Reset").click()
    page.close()


def test_an_error_says_in_which_line_of_which_cell(site, visitor):
    page = started(visitor, address_of(site, "00"))
    run_cell(page, "parameters", "def half(x):\n    return x / 0")
    told = run_cell(page, "setup", "half(1)")
    assert "ZeroDivisionError: division by zero" in told
    assert "in line 1" in told
    assert "in the cell parameters, line 2" in told
    assert "SyntaxError" in run_cell(page, "parameters", "x = = 1")
    page.get_by_role("button", name="Delete what this page keeps").click()
    page.get_by_role("button", name="Delete all").click()
    assert (
        page.evaluate(
            "() => Object.keys(localStorage).filter((k) => k.startsWith('labkit.python'))"
        )
        == []
    )
    assert "learning_rate" in page.locator("[id='cell-id=parameters'] textarea").input_value()
    page.close()


def test_an_address_sets_a_kernel_explorer_and_its_control_draws_anew(site, visitor):
    page = started(visitor, address_of(site, "00") + "#cell-id=parameters&steps=7")
    run_cell(page, "parameters", "from labkit.explore.start import StartExplorer\nStartExplorer()")
    explorer = page.locator("[id='cell-id=parameters'] .lkp-explorer")
    steps = explorer.locator(".lkp-control", has_text="steps")
    steps.get_by_text("7", exact=True).wait_for()
    before = explorer.locator(".lkp-caption").inner_text()
    slider = explorer.get_by_role("slider", name="steps")
    slider.focus()
    slider.press("End")
    page.wait_for_function(
        "(before) => document.querySelector('.lkp-explorer .lkp-caption').textContent !== before",
        arg=before,
    )
    assert "100" in steps.inner_text()
    page.evaluate("() => { navigator.clipboard.writeText = async (text) => { copied = text; }; }")
    explorer.get_by_role("button", name="Copy link").click()
    assert re.search(r"\.html#cell-id=parameters&(.*&)?steps=100(&|$)", page.evaluate("copied"))
    page.evaluate("location.hash = '#cell-id=parameters&steps=31'")  # another link is followed
    steps.get_by_text("31", exact=True).wait_for()
    page.evaluate("location.hash = '#cell-id=parameters&steps=moon'")
    explorer.locator(".lkp-caption", has_text="steps = moon; use a whole number").wait_for()
    page.close()


def test_a_chinese_page_speaks_chinese(site, chromium):
    english = (site / f"{places.lesson_file('01').stem}.html").read_text("utf-8")
    chinese = site / "zh.html"
    chinese.write_text(english.replace('<html lang="en"', '<html lang="zh-CN"', 1), "utf-8")
    context = chromium.new_context(offline=True)
    page = opened(context, chinese.as_uri())
    page.get_by_role("button", name="在本页启动 Python").click()
    page.wait_for_function(IS_ON)
    page.locator("[id='cell-id=check-update']").get_by_role("button", name="运行").click()
    told = page.locator("[id='cell-id=check-update'] [role='status']").last
    told.filter(has_text="还没有做").wait_for()
    context.close()


@pytest.mark.parametrize("lesson", ["00"])  # Node runs all of them: test_lessons_in_node.py
def test_all_cells_of_a_lesson_run(site, chromium, lesson):
    context = chromium.new_context(offline=True)
    page = started(context, address_of(site, lesson))
    run_all(page)
    context.close()


@pytest.mark.parametrize("isolated", [True, False])
def test_it_runs_and_is_interrupted_over_plain_http(site, chromium, isolated):
    with served(site, isolated) as address:
        context = chromium.new_context()
        page = started(context, f"{address}/{places.lesson_file('00').stem}.html")
        assert page.evaluate("() => crossOriginIsolated") is isolated
        for code in ("while True:\n    pass", "import time\ntime.sleep(600)"):
            run_cell(page, "parameters", code, wait=False)
            page.wait_for_selector(".lkp-running")
            page.wait_for_timeout(500)
            page.get_by_role("button", name="Interrupt").click()
            page.wait_for_function(IS_IDLE, timeout=5000)
            assert "Interrupted" in page.locator(".lkp-status").inner_text()
        assert all(url.startswith((address, "blob:", "data:")) for url in page.asked)
        context.close()


class served:
    """A server of a folder; `isolated` pages may share memory with their workers."""

    def __init__(self, folder, isolated):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def end_headers(self):
                if isolated:
                    self.send_header("Cross-Origin-Opener-Policy", "same-origin")
                    self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
                super().end_headers()

            def log_message(self, *_):
                pass

        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
