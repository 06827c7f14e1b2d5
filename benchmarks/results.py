"""How fast many runs are read, and how fast the results explorer answers.

    python benchmarks/results.py                5,000 runs: the table, then the page
    python benchmarks/results.py --runs 1000 --presses 60

Loading is measured in fresh processes, from the record.json files alone and through the index in
runs.sqlite, which is filled by who reads many files; pandas is imported before the clock starts.
In the page (headless Chromium, painted in software) a time runs from the time stamp of a real key
press, click or pointer move to the first task after the frame in which the new picture is painted.
The last column is what the page's own thread computed for each change, whatever else the machine
does.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import browser
import synthetic

from labkit.explore.board.page import page as page_of
from labkit.lab import table
from labkit.lab.records import index

LOAD = """
import sys, time
import pandas
from labkit.lab import table
wall, cpu = time.perf_counter(), time.process_time()
rows = len(table.results(folder=sys.argv[1]))
print(rows, time.perf_counter() - wall, time.process_time() - cpu)
"""

# Listens before the explorer does; by the frame after the event the explorer has redrawn.
STOPWATCH = """() => {
  window.times = [];
  const painted = new MessageChannel();
  let waiting = [];
  painted.port1.onmessage = () => {
    const now = performance.now();
    window.times.push(...waiting.map((began) => now - began));
    waiting = [];
  };
  const note = (event) => {
    if (event.type === 'pointermove' && event.buttons === 0 && !window.hovering) return;
    requestAnimationFrame(() => { waiting.push(event.timeStamp); painted.port2.postMessage(0); });
  };
  for (const type of ['keydown', 'pointermove']) addEventListener(type, note, true);
  addEventListener('pointerup', note, true); // a click acts right after it
}"""


def load(folder: Path, rounds: int) -> None:
    """Print how long fresh processes take to read all records."""
    for way in ("record.json files", "index in runs.sqlite"):
        found = []
        for _ in range(rounds):
            if "index" not in way:  # who reads many files fills the index
                (folder / index.FILE).unlink(missing_ok=True)
            command = [sys.executable, "-c", LOAD, str(folder)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rows, wall, cpu = out.split()
            found.append((float(wall), float(cpu)))
        wall, cpu = (statistics.median(each) for each in zip(*found, strict=True))
        lowest = min(wall for wall, _ in found)
        print(f"{rows} runs from {way:<22} {wall:6.2f} s (fastest {lowest:.2f}), {cpu:.2f} CPU-s")


def press_slider(page, count):
    """Move the lower end of the filter of dropout by arrow keys."""
    page.get_by_label("dropout from").focus()
    for press in range(count):
        page.keyboard.press("PageUp" if press < count / 2 else "PageDown")
        pause(page)


def click_chips(page, count):
    """Switch values of two parameters on and off."""
    names = ["adam", "sgd", "64", "momentum"]
    for press in range(count):
        page.get_by_role("button", name=names[press % len(names)], exact=True).click()
        pause(page)
    clear(page)


def choose_result(page, count):
    """Choose another result."""
    page.get_by_label("result", exact=True).focus()
    for press in range(count):
        page.keyboard.press("ArrowDown" if press % 6 < 3 else "ArrowUp")
        pause(page)
    page.keyboard.press("Home")


def brush_axis(page, count):
    """Drag along the first axis of the parallel coordinates."""
    box = page.locator(".over").bounding_box()
    x = box["x"] + 34
    page.mouse.move(x, box["y"] + 80)
    page.mouse.down()
    for move in range(count):
        page.mouse.move(x, box["y"] + 90 + 4 * (move % 50))
        pause(page)
    page.mouse.up()
    clear(page)


def hover(page, count):
    """Move over the picture: the nearest run lights up."""
    page.evaluate("() => { window.hovering = true; }")
    box = page.locator(".over").bounding_box()
    for move in range(count):
        page.mouse.move(box["x"] + 100 + 9 * (move % 60), box["y"] + 100 + 37 * move % 200)
        pause(page)
    page.evaluate("() => { window.hovering = false; }")


def sort_table(page, count):
    """Sort the table by its columns in turn."""
    for press in range(count):
        page.locator("th button").nth(2 + press % 5).click()
        pause(page)


def clear(page):
    """Take all filters away."""
    button = page.get_by_role("button", name="Clear filters")
    if button.is_enabled():
        button.click()


def pause(page):
    """Wait for a time that no frame knows of."""
    page.wait_for_timeout(random.uniform(40, 90))


ACTS = {
    "effect": [press_slider, click_chips, choose_result, hover, sort_table],
    "curves": [press_slider, click_chips],
    "heat map": [press_slider, click_chips, choose_result],
    "parallel": [press_slider, click_chips, brush_axis, hover],
    "trade-off": [press_slider, click_chips, choose_result, hover],
}


def in_page(path: Path, presses: int) -> None:
    """Print milliseconds per change, by view and act."""
    from playwright.sync_api import sync_playwright

    every = []
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser.find_browser(), args=browser.QUIET)
        page = chromium.new_page(viewport={"width": 1200, "height": 1300})
        began = time.perf_counter()
        page.goto(path.as_uri())
        page.locator("[role=status]").first.wait_for()
        print(f"page opened in {time.perf_counter() - began:.2f} s")
        page.evaluate(STOPWATCH)
        meter = page.context.new_cdp_session(page)
        meter.send("Performance.enable", {"timeDomain": "threadTicks"})
        print(f"{'view':<12}{'act':<16}{'changes':>8}{'median ms':>11}{'90 % ms':>9}{'CPU ms':>8}")
        for view, acts in ACTS.items():
            page.get_by_role("tab", name=view.capitalize(), exact=True).click()
            for act in acts:
                before = cpu(meter)
                times = measure(page, act, presses)
                each = (cpu(meter) - before) / len(times)
                every += times
                print(f"{view:<12}{act.__name__:<16}{len(times):>8}{spread(times)}{each:>8.1f}")
        chromium.close()
    print(f"{'all':<28}{len(every):>8}{spread(every)}")


def cpu(meter):
    """Milliseconds that the page's main thread has computed."""
    found = meter.send("Performance.getMetrics")["metrics"]
    return next(1000 * each["value"] for each in found if each["name"] == "TaskDuration")


def measure(page, act, presses):
    """Milliseconds of each change that an act makes."""
    page.evaluate("() => { window.times.length = 0; }")
    act(page, presses)
    page.wait_for_timeout(200)
    return page.evaluate("() => window.times")


def spread(times):
    """Median and 90th percentile as text."""
    return f"{statistics.median(times):>11.1f}{statistics.quantiles(times, n=10)[-1]:>9.1f}"


def main():
    """Write the runs, then print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5, help="processes for each way of loading")
    parser.add_argument("--presses", type=int, default=30, help="changes for each act")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder, "runs")
        synthetic.write_runs(top, options.runs)
        load(top, options.rounds)
        runs = table.results(folder=top)
        began = time.perf_counter()
        page = Path(folder, "report.html")
        page.write_text(page_of(runs, beside=folder), encoding="utf-8")
        megabytes = page.stat().st_size / 1e6
        print(f"report.html: {megabytes:.2f} MB, written in {time.perf_counter() - began:.2f} s")
        if browser.find_browser():
            in_page(page, options.presses)
        else:
            print("no Chromium or Chrome on PATH: the page was not measured")


if __name__ == "__main__":
    main()
