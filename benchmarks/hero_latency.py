"""How fast the gradient descent explorer follows: from an input event to painted pixels.

    python benchmarks/hero_latency.py            a static page from disk, no kernel
    python benchmarks/hero_latency.py --lab      the same explorer in JupyterLab

Every time runs from the time stamp of the key press (or of the pointer's move) to the first task
after the frame in which the new picture is painted. The last column is the browser's own time for
keys until the picture is presented on the screen (Event Timing: in steps of 8 ms, never below 16;
it has none for the pointer). After each series the pixels must differ from those before it. The
browser is headless and paints in software, at 60 frames a second: on average half a frame of each
time is waiting for the next frame.
"""

import argparse
import random
import statistics

from explorer_pages import pages

from labkit.explore.descent import DescentExplorer

GOAL = 33  # milliseconds, two frames

# Listens before the explorer does; by the frame after the event the explorer has redrawn.
STOPWATCH = """() => {
  window.times = [];
  window.presented = [];
  const keys = (list) => list.getEntries().filter((entry) => entry.name === 'keydown');
  new PerformanceObserver((list) => {
    window.presented.push(...keys(list).map((entry) => entry.duration));
  }).observe({ type: 'event', durationThreshold: 16 });
  const painted = new MessageChannel();
  let waiting = [];
  painted.port1.onmessage = () => {
    const now = performance.now();
    window.times.push(...waiting.map((began) => now - began));
    waiting = [];
  };
  const note = (event) => {
    if (event.type === 'pointermove' && event.buttons === 0) return;
    requestAnimationFrame(() => { waiting.push(event.timeStamp); painted.port2.postMessage(0); });
  };
  for (const type of ['keydown', 'pointermove']) addEventListener(type, note, true);
}"""
SERIES = [("bowl", "sgd", 50), ("ravine", "momentum", 100), ("rosenbrock", "adam", 500)]


def turn_rate(page, presses):
    """Press arrow keys on the learning rate, at times that no frame knows of."""
    page.get_by_label("learning rate", exact=True).focus()
    for press in range(presses):
        page.keyboard.press("ArrowRight" if press < presses * 2 / 3 else "ArrowLeft")
        page.wait_for_timeout(random.uniform(40, 90))


def drag_start(page, moves):
    """Drag the start point on a small zigzag."""
    box = page.get_by_role("slider", name="start point").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for move in range(moves):
        page.mouse.move(x + 1.5 * move, y + 10 * (move % 5))
        page.wait_for_timeout(random.uniform(15, 40))
    page.mouse.up()


def measure(page, act, count):
    """Milliseconds for `count` inputs, painted and presented; fails if no pixel changed."""
    panels = page.locator(".panels")
    before = panels.screenshot()
    page.evaluate("() => { window.times.length = window.presented.length = 0; }")
    act(page, count)
    page.wait_for_timeout(200)
    if panels.screenshot() == before:
        raise SystemExit("the picture did not change: nothing was measured")
    return page.evaluate("() => [window.times, window.presented]")


def settings(surface, optimizer, steps):
    """Settings of one series; the rate is in the middle of its slider."""
    return {"surface": surface, "optimizer": optimizer, "learning_rate": 0.01, "steps": steps}


def row(*cells):
    """Print one line of the table."""
    print("{:<12}{:<10}{:>6}  {:<20}{:>7}{:>11}{:>9}{:>17}".format(*cells), flush=True)


def measure_series(page, series, count):
    """All times of one explorer; prints its rows."""
    page.locator(".lk .status").wait_for()
    page.evaluate(STOPWATCH)
    turn_rate(page, 10)  # warm up
    every = []
    for name, act in {"key on the rate": turn_rate, "drag of the start": drag_start}.items():
        times, presented = measure(page, act, count)
        row(*series, name, len(times), *spread(times), " / ".join(spread(presented)))
        every += times
    page.close()
    return every


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--lab", action="store_true", help="in JupyterLab, not in a static page")
    parser.add_argument("--count", type=int, default=60, help="inputs in each series")
    options = parser.parse_args()
    row("surface", "optimizer", "steps", "input", "inputs", "median ms", "90 % ms", "presented ms")
    every = []
    with pages(DescentExplorer, options.lab) as start:
        for series in SERIES:
            every += measure_series(start(**settings(*series)), series, options.count)
    median, late = spread(every)
    row("all", "", "", "", len(every), median, late, "")
    verdict = "held" if float(late) <= GOAL else "MISSED"
    print(f"goal: 90 % of all inputs painted within {GOAL} ms: {verdict}")


def spread(times):
    """Median and 90th percentile, as text; nothing where nothing was measured."""
    if len(times) < 2:
        return ()
    return f"{statistics.median(times):.1f}", f"{statistics.quantiles(times, n=10)[-1]:.1f}"


if __name__ == "__main__":
    main()
