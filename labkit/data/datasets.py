"""Which data sets there are, where they lie, and how to get what is missing.

`data/README.md` describes each one: origin, licence, counts, units and known faults.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from labkit.data import digits, packaged, text
from labkit.data.packaged import PACKAGED, DataError

NAMES = (*PACKAGED, "text")


class DataSet(NamedTuple):
    """One line of `labkit data`; `name` is what to type after it."""

    name: str
    rows: int
    bytes: int | None  # size of the file; None where there is no file
    where: str
    state: str  # "ready", or what is wrong
    optional: bool = False  # the lab runs without it


def available() -> list[DataSet]:
    """Return one row per data set: what it is called, how large it is, where, in which state."""
    rows = [_packaged_row(name) for name in PACKAGED]
    return [rows[0], _full_mnist_row(), *rows[1:], _text_row()]


def _packaged_row(name: str) -> DataSet:
    entry = PACKAGED[name]
    try:
        path = packaged.packaged_path(entry)
    except DataError as error:
        where = f"package {entry.distribution}"
        return DataSet(name, entry.rows, None, where, str(error), bool(entry.extra))
    return _row(name, entry.rows, path, lambda: packaged.packaged_text(name))


def _full_mnist_row() -> DataSet:
    path = digits.find_full_mnist()
    if path is None:
        where = str(digits.full_mnist_folders()[0])
        missing = "not there; `labkit data mnist --full` downloads it"
        return DataSet("mnist --full", 70000, None, where, missing, optional=True)
    return _row("mnist --full", 70000, path, lambda: digits.verified_mnist(path))


def _text_row() -> DataSet:
    try:
        path = text.text_path()
    except DataError as error:
        return DataSet("text", 0, None, "Python itself", str(error))
    lines = sum(topic.count("\n") for topic in text.topics().values())
    return DataSet("text", lines, path.stat().st_size, str(path), "ready")


def _row(name: str, rows: int, path: Path, verify: Callable[[], object]) -> DataSet:
    size = path.stat().st_size if path.is_file() else None
    try:
        verify()
    except DataError as error:
        return DataSet(name, rows, size, str(path), str(error))
    return DataSet(name, rows, size, str(path), "ready")


def fetch(name: str, full: bool = False) -> Path:
    """Return the path of a verified data set; download it first where that is needed.

    Only the full MNIST is ever downloaded: once, into the folder that LABKIT_DATA names, else
    into Keras' own cache. Progress goes to standard error.

    Args:
        name: "mnist", "prices", "vowels", "unemployment", "shuttle" or "text".
        full: the full data set instead of the packaged part; only "mnist" has one.

    Raises:
        ValueError: an unknown name, or `full` where there is no larger version.
        DataError: no connection, no space, or a file that is not what it should be.
    """
    if name not in NAMES:
        raise ValueError(f"there is no data set {name!r}; there are: {', '.join(NAMES)}")
    if full and name != "mnist":
        raise ValueError(f"{name} comes in one size; leave out --full. Only mnist has a full size")
    if name == "text":
        return text.text_path()
    if not full:
        return packaged.packaged_text(name)[0]
    path = digits.find_full_mnist()
    if path is None:
        return digits.download_mnist(digits.full_mnist_folders()[0])
    digits.verified_mnist(path)
    return path
