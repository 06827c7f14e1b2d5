"""Who may import whom, and where a framework may be imported: read from the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import labkit

TOP = Path(labkit.__file__).parent
FILES = sorted(TOP.rglob("*.py"))

# Room -> what it may import of labkit, beside itself. "" is labkit's own __init__ (its version).
ALLOWED = {
    "maths": (),
    "data": ("labkit.maths",),
    "machine": (),
    "networks": ("labkit.machine", "labkit.maths", "labkit.data"),
    "exercises": ("labkit.maths", "labkit.learn.checks"),
    "explore": (
        "labkit.maths",
        "labkit.data",
        "labkit.networks",
        "labkit.lab.records",
        "labkit.lab.table",
        "labkit.lab.words",
        "labkit.lab.places",
        "labkit.lab.parameters",
    ),
    "learn": ("labkit.lab.places", "labkit.lab.records"),
    "lab": (),
    "cli": ("labkit.lab", "labkit.learn", "labkit.data", "labkit.explore.board"),
    "__main__": ("labkit.cli",),
    "__init__": (),
}
READS_THE_VERSION = {"lab", "cli", "explore"}
FRAMEWORKS = {"tensorflow", "keras", "jax", "torch", "sklearn", "pandas", "matplotlib"}
# Room -> frameworks that its modules may import when they are imported themselves.
AT_IMPORT = {"explore": {"matplotlib"}, "networks": {"keras"}}


def room(path: Path) -> str:
    return path.relative_to(TOP).with_suffix("").parts[0]


def imports(nodes) -> list[str]:
    """Return full dotted names of what these nodes import, 'labkit.lab.places' for `from`."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write the import in full"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def at_import(tree: ast.Module) -> list[ast.stmt]:
    """Return the statements that run when a module is imported, those in if and try too."""
    found, waiting = [], list(tree.body)
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            waiting += [child for child in ast.walk(node) if isinstance(child, ast.stmt)][1:]
    return found


def may(own: str, name: str) -> bool:
    if name.split(".")[0] != "labkit":
        return True
    if name == "labkit" or name.startswith("labkit.__version__"):
        return own in READS_THE_VERSION
    allowed = (f"labkit.{own}", *ALLOWED[own])
    return any(name == prefix or name.startswith(prefix + ".") for prefix in allowed)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(TOP)))
def test_a_room_imports_only_the_rooms_below_it(path):
    names = imports(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    assert [name for name in names if not may(room(path), name)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(TOP)))
def test_no_framework_is_loaded_by_importing_a_module(path):
    names = imports(at_import(ast.parse(path.read_text(encoding="utf-8"))))
    banned = FRAMEWORKS - AT_IMPORT.get(room(path), set())
    assert [name for name in names if name.split(".")[0] in banned] == []


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ("maths", "labkit.data.load_mnist"),
        ("exercises", "labkit.lab.records.kernel.record"),
        ("explore", "labkit.lab.runs.runner"),
        ("lab", "labkit.maths.descent"),
        ("data", "labkit.networks"),
        ("networks", "labkit"),
    ],
)
def test_the_rule_forbids_what_it_should(own, name):
    assert not may(own, name)


def test_the_walk_sees_imports_in_conditions_and_not_those_in_functions():
    source = """
try:
    import torch
except ImportError:
    import keras
if TYPE_CHECKING:
    import pandas
def f():
    import jax
"""
    assert sorted(imports(at_import(ast.parse(source)))) == ["keras", "torch"]


@pytest.mark.parametrize(
    "code",
    [
        "import labkit",
        "import labkit.lab, labkit.lab.parameters, labkit.lab.records.kernel, labkit.lab.doctor",
        "import labkit.lab.runs.runner, labkit.learn.checks, labkit.learn.claims",
        "from labkit.cli import main; main(['--help'], standalone_mode=False)",
        "from labkit.cli import main; main(['run', '--help'], standalone_mode=False)",
    ],
)
def test_starting_labkit_loads_nothing_heavy(code):
    heavy = sorted(FRAMEWORKS | {"numpy", "papermill", "IPython", "nbformat", "scipy"})
    code += f"\nimport sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("module", ["labkit.lab", "labkit.explore.kit"])
def test_the_lab_and_the_explorers_load_without_keras(module):
    code = f"import {module}, sys; print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
