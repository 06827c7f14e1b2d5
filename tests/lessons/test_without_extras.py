"""Lessons without their extras: they run, and say what an extra would add."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from labkit.lab import places
from labkit.lab.runs import runner

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
# Lesson -> the extra that it tells of.
EXTRA = {"22": "serve", "23": "serve", "24": "balance"}
EXTRA |= {"26": "privacy", "27": "serve", "28": "serve"}
LESSONS = {number: path for number, path in places.lesson_files().items() if number in EXTRA}

# Python runs a module of this name when it starts, in the kernel and in what the kernel starts.
HIDING = """
import shutil
import sys
from importlib.machinery import PathFinder

HIDDEN = {hidden}


class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in HIDDEN else super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
which = shutil.which
shutil.which = lambda name, *rest, **more: None if name == "caddy" else which(name, *rest, **more)
"""


def modules_of_extras() -> set[str]:
    """Return the modules of every extra but the ones that bring TensorFlow, which all have."""
    extras = PROJECT["optional-dependencies"]
    wanted = {
        canonicalize_name(Requirement(line).name)
        for extra in extras.keys() - {"cpu", "gpu"}
        for line in extras[extra]
    }
    return {
        module
        for module, brought in packages_distributions().items()
        if wanted & {canonicalize_name(name) for name in brought}
    }


@pytest.fixture(scope="module")
def hiding(tmp_path_factory):
    """Return a folder for PYTHONPATH that hides the extras from a process and its children."""
    folder = tmp_path_factory.mktemp("hiding")
    text = HIDING.format(hidden=modules_of_extras())
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    return folder


def test_what_is_hidden_are_the_extras_and_nothing_that_all_have():
    hidden = modules_of_extras()
    assert not hidden & {"numpy", "keras", "tensorflow", "scipy", "labkit", "click", "PIL"}
    if "onnxruntime" in packages_distributions():
        assert {"onnx", "onnxruntime", "tf2onnx", "aiohttp", "fastapi", "uvicorn"} <= hidden


LOOK = """
from importlib.util import find_spec
import labkit, numpy, shutil
assert find_spec("keras") and not find_spec("fastapi") and not find_spec("onnxruntime")
assert shutil.which("python3") and not shutil.which("caddy")
try:
    import onnx
except ModuleNotFoundError:
    print("hidden")
"""


def test_a_process_finds_no_extra_and_all_else(hiding):
    env = os.environ | {"PYTHONPATH": str(hiding)}
    done = subprocess.run([sys.executable, "-c", LOOK], env=env, capture_output=True, text=True)
    assert done.stdout == "hidden\n", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_runs_without_extras_and_says_what_one_would_add(number, hiding, tmp_path):
    done = runner.run(
        LESSONS[number],
        folder=tmp_path,
        timeout=300,
        fork="never",
        page=False,
        environment={"PYTHONPATH": str(hiding), "LABKIT_WALK": "0"},
    )
    assert done.ok, done.error
    cells = nbformat.read(done.notebook, as_version=4).cells
    outputs = [o for cell in cells if cell.cell_type == "code" for o in cell.outputs]
    assert not [o.text for o in outputs if o.get("name") == "stderr"]
    told = " ".join(str(o.get("text", "")) + str(o.get("data", "")) for o in outputs)
    assert re.search(rf"\[{EXTRA[number]}\]|`{EXTRA[number]}`", told)
