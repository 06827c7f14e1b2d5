"""How many pictures a second the training explorer draws while it trains.

    python benchmarks/backprop_frames.py              a static page from disk, no kernel
    python benchmarks/backprop_frames.py --lab        the same explorer in JupyterLab
    python benchmarks/backprop_frames.py --seconds 10

Every picture holds the decision boundary on 60 x 60 points (40 x 40 once a picture took more than
10 ms), a small picture of every unit, the weights and both loss curves. Between two pictures the
network trains ("normal": one epoch; "fast": up to eight, as far as the time of a frame allows). A
picture counts when it was drawn; the column "changed" counts those whose pixels, read in each
animation frame, differ from the frame before. The browser is headless and paints in software.
"""

import argparse
import time

from explorer_pages import pages

from labkit.explore.backprop import TrainingExplorer

GOAL = 30  # pictures a second
SERIES = {
    "as in the lesson": {"data": "spiral", "depth": 2, "width": 8},
    "smallest": {"data": "circle", "depth": 1, "width": 2, "points": 20},
    "largest": {"data": "spiral", "depth": 4, "width": 8, "points": 400, "batch_size": 1},
}

# In every frame: did the pixels of the largest canvas change, and how long since the last change?
PROBE = """(host) => {
  const canvases = [...host.shadowRoot.querySelectorAll('canvas')];
  const map = canvases.find((c) => c.getAttribute('aria-label').includes('boundary'));
  const copy = document.createElement('canvas');
  copy.width = copy.height = 64;
  const context = copy.getContext('2d', { willReadFrequently: true });
  window.seen = { frames: 0, changed: 0, drawn: host.frames, began: performance.now(), longest: 0 };
  let before = null, last = performance.now();
  const look = () => {
    context.drawImage(map, 0, 0, 64, 64);
    const now = context.getImageData(0, 0, 64, 64).data;
    seen.frames += 1;
    if (before && now.some((value, k) => value !== before[k])) {
      seen.changed += 1;
      seen.longest = Math.max(seen.longest, performance.now() - last);
      last = performance.now();
    }
    before = now;
    seen.drawnNow = host.frames;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
REPORT = """() => {
  const seconds = (performance.now() - seen.began) / 1000;
  return { frames: seen.frames / seconds, drawn: (seen.drawnNow - seen.drawn) / seconds,
    changed: seen.changed / seconds, longest: seen.longest };
}"""
HOST = """(status) => status.getRootNode().host"""


def measure(page, seconds, speed):
    """Frames, pictures drawn, and pictures that differ from the one before, each per second."""
    page.locator(".status").wait_for()
    page.get_by_label("speed").select_option(speed)
    page.locator(".play").click()
    host = page.locator(".status").evaluate_handle(HOST)
    page.evaluate(PROBE, host)
    time.sleep(seconds)
    found = page.evaluate(REPORT)
    page.close()
    return found


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--lab", action="store_true", help="in JupyterLab, not a static page")
    arguments = parser.parse_args()
    slowest = float("inf")
    with pages(TrainingExplorer, arguments.lab) as open_page:
        columns = ("browser frames", "pictures", "changed", "longest gap ms")
        print(f"{'each second':28}" + "".join(f"{column:>16}" for column in columns))
        for name, settings in SERIES.items():
            for speed in ("normal", "fast"):
                row = measure(open_page(**settings), arguments.seconds, speed)
                print(f"{name + ', ' + speed:28}" + "".join(f"{v:16.1f}" for v in row.values()))
                slowest = min(slowest, row["drawn"])
    print(f"fewest pictures a second: {slowest:.1f} (goal: at least {GOAL})")


if __name__ == "__main__":
    main()
