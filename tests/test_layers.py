"""Who may import whom, as CONTRIBUTING.md says, and where a framework may be imported."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import labkit

TOP = Path(labkit.__file__).parent
FILES = sorted(TOP.rglob("*.py"))

RULES = Path(__file__).parents[1] / "CONTRIBUTING.md"
DOORS = {"__init__", "lab.__init__", "__main__"}  # they hand on names from any room, when asked
HEAVY = {
    "labkit.lab.runs.engine",
    "labkit.lab.pages.page",
    "labkit.lab.sweeps.cluster",
    "labkit.networks",
    "labkit.datacenter.serving.server",
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LATE = {
    "cli",
    "explore.__init__",
}  # each command loads what it needs, so that --help is there at once
FRAMEWORKS = {"tensorflow", "keras", "jax", "torch", "sklearn", "pandas", "matplotlib"}
SERVING = {"aiohttp", "fastapi", "prometheus_client", "starlette", "uvicorn"}
FRAMEWORKS |= SERVING | {"onnx", "onnxruntime", "tf2onnx"}
FRAMEWORKS |= {"cryptography", "dp_accounting", "river"}
# Room or module -> frameworks that may be imported when it is imported itself.
AT_IMPORT = {
    "explore": {"matplotlib"},
    "networks": {"keras"},
    # Only the server's own process loads these.
    "datacenter.serving.server": SERVING,
    "datacenter.serving.app": SERVING,
    "datacenter.serving.connections": SERVING,
}


def rules() -> dict[str, set[str]]:
    """Return room -> the rooms that it may import, as the table of CONTRIBUTING.md has them."""
    text = RULES.read_text(encoding="utf-8").split("| room of `labkit/` |")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in text.splitlines()[2:]]
    names = {row[0].partition(":")[0]: re.findall(r"`([\w.]+)`", row[0]) for row in rows}
    found = {}
    for rooms, _, allowed in rows:
        own = re.findall(r"`([\w.]+)`", rooms)
        words = re.findall(r"[\w.]+", allowed)
        may = {each for word in words for each in names.get(word, [word])}
        found |= {room: may | set(own) for room in own}
    return found


ROOMS = rules()


def module(path: Path) -> str:
    """Return 'lab.runs.engine' of a file; a package is named by its __init__."""
    return ".".join(path.relative_to(TOP).with_suffix("").parts)


def room_of(name: str) -> str | None:
    """Return the room that a module is in, by the longest name that fits; None for a door."""
    parts = name.split(".")
    within = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((each for each in within if each in ROOMS), None)


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


def own_imports(path: Path) -> list[str]:
    """Return the modules of labkit that a file imports anywhere, such as 'lab.places'."""
    found = imports(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return [name.removeprefix("labkit.") for name in found if name.startswith("labkit.")]


def may(own: str, name: str) -> bool:
    """Whether a module may import this name of labkit."""
    return own in DOORS or name == "__version__" or room_of(name) in ROOMS.get(room_of(own), set())


@pytest.mark.parametrize("path", FILES, ids=module)
def test_a_room_imports_only_the_rooms_below_it(path):
    assert [name for name in own_imports(path) if not may(module(path), name)] == []


def test_every_file_is_in_a_room():
    names = [module(path) for path in FILES]
    assert [n for n in names if n not in DOORS and room_of(n) is None] == []


def test_there_is_no_circle_of_rooms_or_of_files():
    files = {module(path).removesuffix(".__init__") for path in FILES}
    arrows = {module(path).removesuffix(".__init__"): set() for path in FILES}
    for path in FILES:
        if module(path) not in DOORS:
            own = module(path).removesuffix(".__init__")
            for name in own_imports(path):
                target = name if name in files else name.rpartition(".")[0]
                arrows[own] |= {target} - {own, *own.split(".")[:1]} & files
    assert list(graphlib.TopologicalSorter(arrows).static_order())
    between = {room: set() for room in ROOMS}
    for own, targets in arrows.items():
        between.get(room_of(own), set()).update(filter(None, map(room_of, targets)))
    between = {room: targets - {room} for room, targets in between.items()}
    assert list(graphlib.TopologicalSorter(between).static_order())


@pytest.mark.parametrize("path", FILES, ids=module)
def test_own_modules_are_imported_at_the_top(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    within = [node for f in ast.walk(tree) if isinstance(f, FUNCTIONS) for node in ast.walk(f)]
    late = [name for name in imports(within) if name.startswith("labkit.")]
    heavy = [n for n in late if any(n == h or n.startswith(f"{h}.") for h in HEAVY)]
    assert late == heavy or module(path) in LATE, late


@pytest.mark.parametrize("path", FILES, ids=module)
def test_no_framework_is_loaded_by_importing_a_module(path):
    names = imports(at_import(ast.parse(path.read_text(encoding="utf-8"))))
    own = module(path)
    banned = FRAMEWORKS - AT_IMPORT.get(own.split(".")[0], set()) - AT_IMPORT.get(own, set())
    assert [name for name in names if name.split(".")[0] in banned] == []


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ("maths.losses", "data.load_mnist"),
        ("exercises.losses", "lab.runs.runner"),
        ("explore.start", "lab.runs.runner.run"),
        ("lab.places", "maths.descent"),
        ("lab.records.entry", "lab.table"),
        ("lab.runs.runner", "lab.sweeps"),
        ("data.text", "networks"),
        ("learn.checks", "exercises.losses"),
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
        "import labkit.lab.runs.runner, labkit.learn.claims",
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
