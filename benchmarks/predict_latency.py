"""How fast a predicted curve follows the pen: from the pointer's move to painted pixels.

    python benchmarks/predict_latency.py         a static page from disk, no kernel
    python benchmarks/predict_latency.py --lab   the same prediction in JupyterLab

Measured as in hero_latency.py, and under the same conditions.
"""

import argparse
import random

from explorer_pages import pages
from hero_latency import STOPWATCH, spread

from labkit.explore.predict import predict

GOAL = 17  # milliseconds, one frame
ASKED = {
    "lesson": "01", "name": "loss", "question": "How does the loss go?", "because": "It falls.",
    "answer": [0.8**step for step in range(41)],
    "curve": {"x": (0, 40), "y": (1e-4, 1), "x_label": "step", "y_label": "loss", "log_y": True},
}  # fmt: skip


def draw(page, moves):
    """Draw from left to right, at times that no frame knows of."""
    plot = page.locator(".plot")
    plot.scroll_into_view_if_needed()
    box = plot.locator(".frame").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 20)
    page.mouse.down()
    for move in range(moves):
        across, down = move / moves, (move % 7) / 10 + 0.1
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        page.wait_for_timeout(random.uniform(15, 40))
    page.mouse.up()


def main():
    """Print median and 90th percentile."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--lab", action="store_true", help="in JupyterLab, not in a static page")
    parser.add_argument("--count", type=int, default=200, help="moves of the pointer")
    options = parser.parse_args()
    with pages(predict, options.lab) as start:
        page = start(**ASKED)
        page.locator(".plot").wait_for()
        page.evaluate(STOPWATCH)
        draw(page, 20)  # warm up
        before = page.locator(".guess").first.get_attribute("d")
        page.evaluate("() => { window.times.length = 0; }")
        draw(page, options.count)
        page.wait_for_timeout(200)
        if page.locator(".guess").first.get_attribute("d") == before:
            raise SystemExit("the curve did not change: nothing was measured")
        times = page.evaluate("() => window.times")
    median, late = spread(times)
    verdict = "held" if float(late) <= GOAL else "MISSED"
    print(f"{len(times)} moves painted: median {median} ms, 90 % within {late} ms")
    print(f"goal: 90 % within one frame, {GOAL} ms: {verdict}")


if __name__ == "__main__":
    main()
