"""Lessons 00 to 05 in Pyodide under Node, without a browser: every cell, every expectation.

LABKIT_PYODIDE names a folder with Pyodide 0.27.7 and its wheels; without it nothing is run.
"""

import importlib.metadata as metadata
import json
import os
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from labkit.data import packaged, tables
from labkit.lab import lesson as lessons

PYODIDE = os.environ.get("LABKIT_PYODIDE", "")
NODE = shutil.which("node")
HERE = Path(__file__).parent
ROOT = HERE.parents[3]
PACKAGES = ("numpy", "pandas", "matplotlib", "pillow", "ipython", "threadpoolctl")
MORE = {"05": ("scikit-learn",)}
PURE = ("ipywidgets", "anywidget", "psygnal", "comm", "typing-extensions", "jinja2", "markupsafe")
PURE += ("polib",)  # of the Chinese edition
DATA = (*map(packaged.PACKAGED.get, ("mnist", "prices")), *tables.TABLES.values())
MINUTES = 8

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (PYODIDE and NODE), reason="LABKIT_PYODIDE names no folder, or no node"),
]

SHELL = """
import json, os, sys, traceback
sys.path[:0] = ["/src", "/pure"]
os.makedirs("/runs", exist_ok=True)
os.chdir("/lab/notebooks")
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

shown = []

class Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, **_):
        shown.append(data)

class Hook(DisplayHook):
    def write_output_prompt(self): pass
    def start_displayhook(self): pass
    def finish_displayhook(self): pass
    def write_format_data(self, data, metadata=None):
        shown.append(data)

class Kernel:
    cell = ""
    def get_parent(self, channel="shell"):
        return {"metadata": {"cellId": self.cell}}

shell = InteractiveShell.instance(display_pub_class=Publisher, displayhook_class=Hook)
shell.kernel = Kernel()

def run(source, cell):
    shown.clear()
    shell.kernel.cell = cell
    done = shell.run_cell(source, store_history=True)
    error = done.error_before_exec or done.error_in_exec
    told = "".join(traceback.format_exception(error)) if error else ""
    forms = sorted({form for data in shown for form in data})
    return json.dumps({"error": told, "forms": forms})
"""

AFTER = """
import glob, json, time
from labkit.explore.kit import in_page
from labkit.learn.limits import limited

def far(control):
    return len(control["options"]) - 1 if "options" in control else control["max"]

turned = {}
for id, widget in list(in_page._known.items()):
    if hasattr(widget, "controls"):
        state = in_page.state(widget)
        asked = {"do": "set", "id": id, "values": {c["name"]: far(c) for c in state["controls"]}}
        begun = time.monotonic()
        answer = json.loads(in_page.call(json.dumps(asked)))
        turned[state["name"]] = [answer.get("error"), time.monotonic() - begun]
def forever():
    while True:
        pass

try:
    with limited(0.3):
        forever()
except TimeoutError as error:
    ended = str(error)
records = [json.load(open(path)) for path in glob.glob("/runs/*/*/record.json")]
json.dumps({"turned": turned, "ended": ended, "records": records})
"""


@pytest.fixture(scope="module")
def pure(tmp_path_factory):
    """A folder with packages in pure Python, as they are installed here, with what names them."""
    folder = tmp_path_factory.mktemp("pure")
    for name in PURE:
        for file in metadata.files(name):
            inside = ".." not in file.parts and file.suffix in (".py", "", ".json", ".js", ".css")
            if inside and "__pycache__" not in file.parts:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file.locate(), folder / file)
    return folder


def everything(lesson):
    """Return path in the page -> path here of all files that a lesson may read."""
    data = {path.name: path for path in (ROOT / "data").iterdir()}
    data |= {path.name: path for path in map(packaged.packaged_path, DATA)}
    found = {f"/lab/data/{name}": str(path) for name, path in data.items()}
    return found | {f"/lab/notebooks/{lesson.path.name}": str(lesson.path)}


@pytest.mark.parametrize("number", ["00", "01", "02", "03", "04", "05"])
def test_a_lesson_runs_in_a_page(number, pure, tmp_path):
    lesson = lessons.read(number)
    cells = [c for c in lesson.content["cells"] if c["cell_type"] == "code"]
    task = {
        "pyodide": PYODIDE.rstrip("/"),
        "packages": [*PACKAGES, *MORE.get(number, ())],
        "mounts": {"/src/labkit": str(ROOT / "labkit"), "/pure": str(pure)},
        "files": everything(lesson),
        "env": {
            "HOME": "/home/pyodide",
            "LABKIT_HOME": "/lab",
            "LABKIT_LEARNER": "/learner",
            "LABKIT_RUNS": "/runs",
            "MPLBACKEND": "agg",
        },
        "python": SHELL,
        "cells": [[cell["id"], cell["source"]] for cell in cells],
        "after": textwrap.dedent(AFTER),
    }
    (tmp_path / "task.json").write_text(json.dumps(task))
    command = [NODE, str(HERE / "lessons_in_node.cjs"), str(tmp_path / "task.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 * MINUTES)
    assert done.returncode == 0, done.stderr[-3000:]
    *ran, last = map(json.loads, done.stdout.splitlines())

    worst = sorted(ran, key=lambda cell: -cell["cpu"])[:3]
    total = sum(cell["cpu"] for cell in ran), sum(cell["seconds"] for cell in ran)
    named = ", ".join(f"{cell['id']} {cell['cpu']:.1f}" for cell in worst)
    print(f"\nlesson {number}: {total[0]:.1f} s of CPU, {total[1]:.1f} s in all; longest: {named}")

    assert [cell["id"] for cell in ran] == [cell["id"] for cell in cells]
    assert {cell["id"]: cell["error"] for cell in ran if cell["error"]} == {}
    (record,) = last["after"]["records"]
    assert record["status"] == "finished"
    assert record["expectations"]
    assert [e["name"] for e in record["expectations"] if e["held"] is False] == []
    assert {name: told for name, (told, _) in last["after"]["turned"].items() if told} == {}
    assert last["after"]["ended"] == "still running after 0.3 s"
    explorers = [c["id"] for c in cells if "explorer" in lessons.tags(c)]
    forms = {cell["id"]: cell["forms"] for cell in ran}
    alive = {"application/vnd.labkit.explorer+json", "text/html"}
    assert [id for id in explorers if not alive & set(forms[id])] == []
