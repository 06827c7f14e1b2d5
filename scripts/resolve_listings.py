"""Resolve the install commands of the source articles anew: what would they install today?

    python -m pip install uv && python scripts/resolve_listings.py

Asks the public package index, for 64-bit Linux on x86 and each Python named below, and writes
`labkit/datacenter/smaller/listings.csv`. Nothing is installed. uv and not pip: pip --dry-run reads
the conditions of a dependency ("only on Python below 3.8") for the Python it runs on, not for the
one that is asked about.
"""

import csv
import re
import subprocess
import sys
import tempfile
import tomllib
from datetime import date
from pathlib import Path

from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

TARGET = Path(__file__).parents[1] / "labkit" / "datacenter" / "smaller" / "listings.csv"
PYTHONS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
REQUIREMENTS = (
    ("tensorflow",),
    ("tensorflow", "numpy", "PIL"),
    ("tensorflow", "numpy", "pillow"),
    ("torch", "torchvision", "torchaudio"),
)
COLUMNS = ["command", "python", "package", "version", "released", "packages", "size_in_bytes"]
COLUMNS += ["failure", "resolved"]
GLIBC = 28  # of manylinux_2_28


def main():
    """Write a row for each package that was asked for by name, or one that says it failed."""
    with TARGET.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for wanted in REQUIREMENTS:
            for python in PYTHONS:
                for row in resolve(wanted, python):
                    rows.writerow([" ".join(wanted), python, *row, date.today()])
                print(" ".join(wanted), python, *row)


def resolve(wanted, python):
    """Return package, version, day of its upload, packages, bytes to download, failure."""
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "pylock.toml"
        command = ["uv", "pip", "compile", "-", "--no-config", "--format", "pylock.toml"]
        command += ["--python-version", python, "-o", str(lock)]
        command += ["--python-platform", f"x86_64-manylinux_2_{GLIBC}"]
        done = subprocess.run(
            command,
            input="\n".join(wanted),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            return [("", "", "", "", "", failure(done.stderr))]
        packages = tomllib.loads(lock.read_text())["packages"]
    tags = order(python)
    files = {package["name"]: chosen(package, tags) for package in packages}
    size = sum(file["size"] for file in files.values())
    versions = {package["name"]: package["version"] for package in packages}
    return [
        (name, versions[name], files[name]["upload-time"].date(), len(packages), size, "")
        for name in wanted
    ]


def chosen(package, tags):
    """Return the file that an installer takes: the wheel with the best tag, else the source."""
    ranked = [
        (min(tags[tag] for tag in found if tag in tags), file["url"], file)
        for file in package.get("wheels", [])
        if (found := parse_wheel_filename(file["url"].rsplit("/", 1)[-1])[3]) & tags.keys()
    ]
    return min(ranked)[2] if ranked else package["sdist"]


def order(python):
    """Return tag -> place, the best first, of a Python on Linux."""
    version = tuple(map(int, python.split(".")))
    old = ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"]
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC, 4, -1)] + old
    tags = [*cpython_tags(version, platforms=platforms)]
    tags += compatible_tags(version, f"cp{version[0]}{version[1]}", platforms)
    return {tag: place for place, tag in reversed(list(enumerate(tags)))}


def failure(told):
    """Return uv's reason: the package that does not exist, else all its words."""
    found = re.search(r"Because (\S+ was not found in the package registry)", told)
    return found[1] if found else " ".join(told.split())


if __name__ == "__main__":
    sys.exit(main())
