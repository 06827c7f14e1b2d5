"""Print what it costs to import labkit, and which frameworks lessons 00 and 01 load."""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
FRAMEWORKS = ("tensorflow", "keras", "torch", "jax")
IMPORTS = {
    "bare Python": "pass",
    "import labkit": "import labkit",
    "import labkit.lab": "import labkit.lab",
    "import labkit.data": "import labkit.data",
    "import labkit.networks": "import labkit.networks.models, labkit.networks.training",
    "import numpy": "import numpy",
    "import keras": "import keras",
}
TELL = f"import sys; print(*sorted(set({FRAMEWORKS!r}) & set(sys.modules)))"


def import_seconds(statements, rounds):
    """Return name -> seconds of each round; the statements take turns, each in a new Python."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    seconds = {name: [] for name in statements}
    for turn in range(rounds + 1):
        for name, statement in statements.items():
            started = time.perf_counter()
            command = [sys.executable, "-c", statement]
            subprocess.run(command, check=True, env=environment, capture_output=True)
            if turn:  # the first one only warms the disk cache
                seconds[name].append(time.perf_counter() - started)
    return seconds


def report_imports(rounds):
    """Print the time of each import and whether that of labkit is what it should be."""
    light = {name: code for name, code in IMPORTS.items() if name != "import keras"}
    seconds = import_seconds(light, rounds)
    seconds |= import_seconds({"import keras": IMPORTS["import keras"]}, 1)
    bare = statistics.median(seconds["bare Python"])
    print(f"{'':<24} {'median ms':>10} {'lowest':>8} {'highest':>8} {'more than bare Python':>23}")
    for name, values in seconds.items():
        middle = statistics.median(values)
        more = "" if name == "bare Python" else f"{round(1000 * (middle - bare)):20d} ms"
        print(
            f"{name:<24} {1000 * middle:10.0f} {1000 * min(values):8.0f} "
            f"{1000 * max(values):8.0f} {more:>23}"
        )
    extra = 1000 * (statistics.median(seconds["import labkit"]) - bare)
    verdict = "held" if extra < 100 else "NOT HELD"
    print(f"`import labkit` costs {round(extra)} ms; the aim is under 100 ms: {verdict}")


def frameworks_of(notebook):
    """Run a lesson headlessly as shipped and return the frameworks that it loaded."""
    import nbformat
    from nbclient import NotebookClient

    lesson = nbformat.read(notebook, as_version=4)
    lesson.cells.append(nbformat.v4.new_code_cell(TELL))
    before = os.environ.get("LABKIT_HEADLESS")
    os.environ["LABKIT_HEADLESS"] = "1"  # the kernel inherits it
    try:
        NotebookClient(lesson, timeout=300, kernel_name="python3").execute()
    finally:
        os.environ.pop("LABKIT_HEADLESS")
        if before is not None:
            os.environ["LABKIT_HEADLESS"] = before
    return lesson.cells[-1].outputs[0]["text"].split() if lesson.cells[-1].outputs else []


def report_lessons():
    """Print the frameworks that lessons 00 and 01 load."""
    for number in ("00", "01"):
        for notebook in sorted(NOTEBOOKS.glob(f"{number}_*.ipynb")):
            started = time.perf_counter()
            loaded = frameworks_of(notebook)
            seconds = time.perf_counter() - started
            words = ", ".join(loaded) if loaded else "no framework"
            print(f"lesson {number} ran in {seconds:.1f} s and loaded {words}")


def main():
    """Read the options and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11, help="new Pythons for each import")
    report_imports(parser.parse_args().rounds)
    report_lessons()


if __name__ == "__main__":
    main()
