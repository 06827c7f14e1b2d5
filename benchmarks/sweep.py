"""Print how many runs of one notebook `labkit.sweep` ends in the time of one with plain papermill.

Both execute the same notebook with the same parameters, taking turns in one sitting: a training of
about a second with Keras, and a lesson that needs NumPy only, with one epoch where it has epochs:
what is measured is what surrounds a training. Results are compared run by run.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import papermill
import psutil
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labkit.lab import lesson as lessons
from labkit.lab.records.entry import MIME, merge
from labkit.lab.sweeps import sweep as sweeps
from labkit.lab.warm import client as kernels

LESSONS = Path(__file__).resolve().parents[1] / "notebooks"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
TRAINING = [
    "learning_rate = 0.01  # step size of Adam, in [0.0001, 1]\nseed = 0  # in [0, 1000000]",
    "import matplotlib.pyplot as plt\nimport numpy as np\nimport pandas as pd\n\n"
    "from labkit.data import load_mnist\nfrom labkit.lab import record\n"
    "from labkit.networks.backend import keras",
    "digits = load_mnist()\nimages, labels = digits.x_train[:1000], digits.y_train[:1000]",
    "keras.utils.set_random_seed(seed)\n"
    "layers = [keras.layers.Flatten(), keras.layers.Dense(64, activation='relu')]\n"
    "layers += [keras.layers.Dense(10, activation='softmax')]\n"
    "model = keras.Sequential([keras.Input((28, 28, 1)), *layers])\n"
    "optimizer = keras.optimizers.Adam(learning_rate)\n"
    "model.compile(optimizer, 'sparse_categorical_crossentropy', metrics=['accuracy'])",
    "history = model.fit(images, labels, epochs=3, batch_size=32, verbose=0).history",
    "loss, accuracy = model.evaluate(digits.x_test, digits.y_test, verbose=0)\n"
    "record('97', test_accuracy=accuracy, test_loss=loss, train_loss=history['loss'][-1])",
]


def main() -> None:
    """Measure and print both parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=["keras", "numpy", "both"], default="both")
    parser.add_argument("--lesson", default="00", help="lesson of the NumPy part")
    parser.add_argument("--runs", type=int, default=4, help="runs of each way in a round")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lk") as short:
        os.environ["JUPYTER_RUNTIME_DIR"] = short  # zygotes of this benchmark's own
        os.environ["LABKIT_HOME"] = str(Path(short) / "lab")
        shutil.copytree(LESSONS.parent / "data", Path(short) / "lab" / "data")
        folder = Path(short) / "lab" / "notebooks"
        folder.mkdir(parents=True)
        try:
            if asked.part != "numpy":
                notebook = folder / "97_one_second.ipynb"
                nbformat.write(training_notebook(), notebook)
                Part("Keras, about a second of training", notebook, asked).report()
            if asked.part != "keras":
                (source,) = LESSONS.glob(f"{asked.lesson}_*.ipynb")
                notebook = folder / source.name
                notebook.write_bytes(source.read_bytes())
                Part(f"lesson {source.stem}", notebook, asked).report()
        finally:
            kernels.stop_all()


def training_notebook():
    """Return the notebook of the Keras part."""
    cells = [new_markdown_cell("# 97 · One second of training")]
    cells += [new_code_cell(source) for source in TRAINING]
    cells[1].metadata["tags"] = ["parameters"]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


class Part:
    """One notebook, run by plain papermill and by sweeps of one and two workers, in turns."""

    def __init__(self, title: str, notebook: Path, asked):
        self.title, self.notebook, self.asked = title, notebook, asked
        self.lesson = notebook.name[:2]
        self.known = lessons.read(notebook).schema
        self.ways = {
            "papermill, one after the other": self.papermill,
            "labkit sweep, 1 worker": lambda *runs: self.sweep(1, *runs),
            "labkit sweep, 2 workers": lambda *runs: self.sweep(2, *runs),
        }
        self.results: dict[str, dict] = {way: {} for way in self.ways}  # way -> run -> results
        self.folder = Path(os.environ["LABKIT_HOME"]) / "out" / self.lesson
        self.folder.mkdir(parents=True)

    def report(self) -> None:
        """Measure in turns and print one line for each way."""
        memory, first = {}, {}
        for turn, (way, run) in enumerate(self.ways.items()):  # not timed: the first zygote starts
            with PrivateMemory() as seen:
                started = time.perf_counter()
                run(way, [900 + 2 * turn, 901 + 2 * turn])
                first[way] = time.perf_counter() - started
            memory[way] = seen.largest / 1e6
        rounds = [self.round(number) for number in range(self.asked.rounds)]
        base = next(iter(self.ways))
        print(f"\n{self.title}: {self.asked.rounds} rounds of {self.asked.runs} runs each way")
        print(f"{'':<32} {'s a run':>8} {'(lowest, highest)':>18} {'faster':>8}", end="")
        print(f" {'CPU-s a run':>12} {'less':>6} {'private MB':>11}")
        for way in self.ways:
            walls = [figures[way][0] for figures in rounds]
            cpus = [figures[way][1] for figures in rounds]
            faster = statistics.median(f[base][0] / f[way][0] for f in rounds)
            less = statistics.median(f[base][1] / f[way][1] for f in rounds)
            spread = f"({min(walls):.2f}, {max(walls):.2f})"
            print(f"{way:<32} {statistics.median(walls):8.2f} {spread:>18} {faster:7.1f}x", end="")
            print(f" {statistics.median(cpus):12.2f} {less:5.1f}x {memory[way]:11.0f}")
        begun = first["labkit sweep, 1 worker"]
        print(f"first two runs with one worker, which start the zygote: {begun:.1f} s")
        print(self.compared())

    def round(self, number: int) -> dict[str, tuple[float, float]]:
        """Return way -> (seconds, CPU seconds) a run."""
        count = self.asked.runs
        seeds = range(number * count, number * count + count)
        figures = {}
        for way, run in self.ways.items():
            cpu, started = cpu_seconds(), time.perf_counter()
            run(way, seeds)
            seconds = time.perf_counter() - started
            figures[way] = (seconds / count, (cpu_seconds() - cpu) / count)
            text = f"{seconds / count:.2f} s a run, {figures[way][1]:.2f} CPU-s"
            print(f"  {way}: {text}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
        return figures

    def parameters(self, number: int) -> dict:
        """Return the parameters of a run: a seed where the lesson has one, else a learning rate."""
        known = self.known
        point = {"seed": number} if "seed" in known else {"learning_rate": 0.01 + 1e-5 * number}
        return point | ({"epochs": 1} if "epochs" in known else {})

    def papermill(self, way: str, runs) -> None:
        """Run one after the other with papermill's defaults."""
        for number in runs:
            target = str(self.folder / f"{number}.ipynb")
            done = papermill.execute_notebook(
                str(self.notebook), target, self.parameters(number), progress_bar=False
            )
            outputs = [o for cell in done.cells for o in cell.get("outputs", [])]
            shown = [o.data[MIME] for o in outputs if MIME in o.get("data", {})]
            self.results[way][number] = merge(shown)[0]

    def sweep(self, workers: int, way: str, runs) -> None:
        """Run the same with a sweep of its own folder."""
        points = [self.parameters(number) for number in runs]
        place = self.folder / f"sweep-{workers}"
        swept = sweeps.sweep(self.lesson, points=points, workers=workers, folder=place, show=False)
        assert swept.ok, swept.table()
        name = next(iter(points[0]))
        rows = swept.table().to_dict("records")
        found = {row[f"param.{name}"]: results_of(row) for row in rows}
        for number, point in zip(runs, points, strict=True):
            self.results[way][number] = found[point[name]]

    def compared(self) -> str:
        """Return in words whether all ways found the same."""
        base, *others = self.results.values()
        same = sum(other[run] == base[run] for other in others for run in base if run in other)
        count = sum(run in other for other in others for run in base)
        return f"{same} of {count} runs have results equal to papermill's, to the last bit"


def results_of(row: dict) -> dict:
    """Return the results in a row of the table, by their names."""
    return {name.removeprefix("result."): row[name] for name in row if name.startswith("result.")}


def family() -> list[psutil.Process]:
    """Return this process, its zygotes, and all that they started."""
    here = psutil.Process()
    names = {path.stem for path in Path(os.environ["JUPYTER_RUNTIME_DIR"]).glob("labkit/*.sock")}
    found = [here, *here.children(recursive=True)]
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            if command and command[-1] in names and process.ppid() != process.pid:
                found += [process, *process.children(recursive=True)]
        except psutil.Error:
            continue
    return list(dict.fromkeys(found))


def cpu_seconds() -> float:
    """Return the CPU time of the family so far, children that ended included."""
    total = 0.0
    for process in family():
        try:
            total += sum(process.cpu_times()[:4])  # user, system, and those of ended children
        except psutil.Error:
            continue
    return total


class PrivateMemory(threading.Thread):
    """Samples the largest private memory that a kernel of the family has."""

    def __init__(self):
        super().__init__(daemon=True)
        self.largest, self._done = 0, threading.Event()

    def run(self) -> None:
        """Look several times a second."""
        while not self._done.wait(0.3):
            for process in family():
                try:
                    command = " ".join(process.cmdline())
                    forked = "zygote" in command and "zygote" in " ".join(
                        psutil.Process(process.ppid()).cmdline()
                    )
                    if forked or "ipykernel_launcher" in command:
                        self.largest = max(self.largest, process.memory_full_info().uss)
                except psutil.Error:
                    continue

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self.join()


if __name__ == "__main__":
    main()
