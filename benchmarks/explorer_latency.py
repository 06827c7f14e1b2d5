"""How fast explorers of the kit follow: from a key press to painted pixels, in JupyterLab.

    python benchmarks/explorer_latency.py [--presses 30]

One notebook, one kernel, two explorers that draw the same figure (a surface with 121 x 121 points
and 30 contours, a path of gradient descent, its loss): one made with the kit, one with
`ipywidgets.interact` and a figure drawn anew by the inline backend. Their presses take turns, so
that both see the same machine. A time runs from the key's own time stamp to the first task after
the frame in which the new picture is painted. A drag is 38 key presses in about two seconds; its
lag is the time from the last press to the last picture. A blank frame is one without a picture.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import browser

GOALS = {"median": 75, "p90": 100, "drag lag": 125, "blank frames": 0, "ratio": 4}

EXPLORER = """
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from labkit.explore import kit

class Bowl(kit.Explorer):
    def make_controls(self):
        return {"learning_rate": kit.log_slider(0.01, 0.001, 0.1), "steps": kit.slider(50, 0, 100)}

    @staticmethod
    def compute(learning_rate, steps):
        path = [np.array([-2.5, 1.5])]
        for _ in range(steps):
            path.append(path[-1] - learning_rate * path[-1] * [1, 10])
        path = np.array(path)
        return {"path": path, "losses": path**2 @ [0.5, 5]}

    def build(self, figure):
        left, right = figure.subplots(1, 2)
        x, y = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(-2, 2, 121))
        left.contourf(x, y, 0.5 * x**2 + 5 * y**2, 30, cmap="cividis")
        left.set(xlim=(-3, 3), ylim=(-2, 2), xlabel="w1", ylabel="w2", title="path")
        right.set(xlim=(0, 100), ylim=(1e-6, 100), yscale="log", xlabel="step", title="loss")
        return {"path": left.plot([], [], "w.-")[0], "loss": right.plot([], [])[0]}

    def paint(self, artists, result, params):
        artists["path"].set_data(*result["path"].T)
        artists["loss"].set_data(range(len(result["losses"])), result["losses"])

    def caption(self, result, params):
        return f"Loss {result['losses'][-1]:.3g} after {params['steps']} steps."

explorer = Bowl()
explorer
"""
# The twin: what a notebook does without the kit, with the same maths and the same drawing.
TWIN = """
def redraw(learning_rate, steps):
    figure = plt.figure(figsize=Bowl.size, dpi=Bowl.dpi, layout="constrained")
    result = Bowl.compute(learning_rate, steps)
    explorer.paint(explorer.build(figure), result, {})
    plt.show()

controls = explorer.make_controls()
ipywidgets.interact(redraw, **controls);
"""

# Watches one output area: `arm` before a press, `painted` resolves with milliseconds; `frames`
# counts all frames since `arm`, and those without a whole picture.
WATCH = """(root) => {
  const picture = () => [...root.querySelectorAll('img')].filter((i) => i.src.length > 5000).pop();
  const afterFrame = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(0);
  }));
  const watch = { pressed: 0, last: 0, frames: 0, blank: 0, on: false };
  root.addEventListener('keydown', (event) => { watch.pressed = event.timeStamp; }, true);
  let seen = picture()?.src;
  new MutationObserver(async () => {
    const now = picture();
    if (!now || now.src === seen) return;
    seen = now.src;
    await now.decode().catch(() => null);  // replaced before it was decoded
    watch.last = await afterFrame();
  }).observe(root, { subtree: true, childList: true, attributes: true });
  const count = () => {
    if (!watch.on) return;
    const now = picture();
    watch.frames += 1;
    if (!now || !now.complete || !now.naturalWidth || !now.height) watch.blank += 1;
    requestAnimationFrame(count);
  };
  watch.arm = () => { Object.assign(watch, { frames: 0, blank: 0, last: 0, on: true }); count(); };
  watch.painted = async (quiet) => {
    const until = performance.now() + 10000;
    while (!watch.last || performance.now() - Math.max(watch.last, watch.pressed) < quiet) {
      if (performance.now() > until) throw new Error('no new picture within 10 s');
      await new Promise((done) => setTimeout(done, 10));
    }
    watch.on = false;
    return { ms: watch.last - watch.pressed, blank: watch.blank };
  };
  return watch;
}"""


class Subject:
    """One explorer on the page: its slider, its watch and what was measured."""

    def __init__(self, page, name, cell):
        area = page.locator(".jp-Cell").nth(cell).locator(".jp-OutputArea-output").first
        self.name, self.page = name, page
        self.slider = area.locator(".noUi-handle").first
        self.slider.wait_for()
        area.locator("img").last.wait_for(state="attached")
        self.watch = area.evaluate_handle(WATCH)
        self.times, self.blank, self.lags, self.drag_blank = [], [], [], []

    def press(self, key):
        """One key, one new picture."""
        found = self._measure([key], quiet=150)
        self.times.append(found["ms"])
        self.blank.append(found["blank"])

    def drag(self, presses=38):
        """From the low end to the high one; the last picture counts."""
        self.slider.press("Home")
        self.page.wait_for_timeout(1500)
        found = self._measure(["ArrowRight"] * presses, quiet=1500)
        self.lags.append(found["ms"])
        self.drag_blank.append(found["blank"])

    def _measure(self, keys, quiet):
        self.slider.focus()
        self.page.wait_for_timeout(100)
        self.watch.evaluate("watch => watch.arm()")
        for key in keys:
            self.page.keyboard.press(key)
            if len(keys) > 1:
                self.page.wait_for_timeout(50)
        return self.watch.evaluate("(watch, quiet) => watch.painted(quiet)", quiet)

    def row(self):
        """The figures of one line of the table, milliseconds and frames."""
        parts = statistics.quantiles(self.times, n=20)
        return {
            "median": statistics.median(self.times),
            "p25": parts[4],
            "p90": parts[17],
            "drag lag": statistics.median(self.lags),
            "blank frames": sum(self.blank) + sum(self.drag_blank),
        }


def measure(presses, drags):
    """Rows of the table by explorer."""
    sources = [EXPLORER.strip(), TWIN.strip()]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(notebook, Path(folder, "latency.ipynb"))
        with browser.Lab(folder, height=2600) as lab:  # high: both stay in view
            page = lab.open("latency.ipynb")
            if not lab.run(page):
                sys.exit("a cell of the benchmark raised")
            subjects = [Subject(page, "kit", 0), Subject(page, "interact", 1)]
            run_all(subjects, presses, drags)
    return {subject.name: subject.row() for subject in subjects}


def run_all(subjects, presses, drags):
    """The subjects take turns; the first presses only warm up."""
    for turn in range(presses + 3):
        for subject in subjects:
            subject.press("ArrowLeft" if turn % 2 else "ArrowRight")
            print(".", end="", file=sys.stderr, flush=True)
    for subject in subjects:
        del subject.times[:3], subject.blank[:3]
    for _ in range(drags):
        for subject in subjects:
            subject.drag()
    print(file=sys.stderr)


def main():
    """Print the table and, beside each goal, what was reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presses", type=int, default=30)
    parser.add_argument("--drags", type=int, default=3)
    arguments = parser.parse_args()
    if not browser.find_browser():
        sys.exit("No Chromium or Chrome on PATH; on Debian: apt-get install chromium")
    rows = measure(arguments.presses, arguments.drags)
    columns = list(rows["kit"])
    print(f"{'ms':10}" + "".join(f"{column:>14}" for column in columns))
    for name, row in rows.items():
        print(f"{name:10}" + "".join(f"{row[column]:14.0f}" for column in columns))
    ratio = rows["interact"]["median"] / rows["kit"]["median"]
    print(f"{'goal':10}" + "".join(f"{GOALS.get(column, ''):>14}" for column in columns))
    print(f"interact takes {ratio:.1f} times as long as the kit (goal: at least {GOALS['ratio']})")


if __name__ == "__main__":
    main()
