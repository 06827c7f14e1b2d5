"""Sequences: spoken vowels, monthly unemployment, letters in order; padding, windows, splits.

Loaders verify the file by SHA-256 before use. A window never looks past its last row, and a
target says how far ahead it lies, so that a test can tell whether the two overlap.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from labkit.data.packaged import packaged_source, packaged_text


@dataclass(frozen=True)
class Vowels:
    """Utterances of /ae/ by nine speakers, in the archive's own split.

    Attributes:
        train, test: one array per utterance, float32, shape (frames, 12), 7 to 29 frames.
        y_train, y_test: who spoke, int64 in 0..8 (the archive counts from 1).
        source: which file was used, in words; lessons record it.
    """

    train: list[np.ndarray]
    y_train: np.ndarray
    test: list[np.ndarray]
    y_test: np.ndarray
    source: str


@dataclass(frozen=True)
class Monthly:
    """One number a month.

    Attributes:
        values: float64, shape (months,).
        months: datetime64[M], shape (months,).
        source: which file was used, in words; lessons record it.
    """

    values: np.ndarray
    months: np.ndarray
    source: str


# --- loading ------------------------------------------------------------------------------------


def load_vowels() -> Vowels:
    """Return the Japanese Vowels: 270 utterances to train on and 370 to test on.

    Raises:
        DataError: the file is missing or is not the published one.

    Source: Kudo, Toyama and Shimbo, Multidimensional curve classification using passing-through
    regions, Pattern Recognition Letters 20 (1999). Lesson: 13_sequences.

    >>> vowels = load_vowels()
    >>> len(vowels.train), len(vowels.test), vowels.train[0].shape
    (270, 370, (20, 12))
    """
    path, text = packaged_text("vowels")
    rows = [line.split(",") for line in text.decode("ascii").splitlines()[1:]]
    parts = {part: _utterances([row for row in rows if row[0] == part]) for part in TRAIN_TEST}
    return Vowels(*parts["train"], *parts["test"], packaged_source("vowels", path))


TRAIN_TEST = ("train", "test")


def _utterances(rows: list[list[str]]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return one array per utterance and who spoke, from the rows of one part."""
    utterance = np.array([int(row[1]) for row in rows])
    speaker = np.array([int(row[2]) for row in rows]) - 1
    frames = np.array([row[3:] for row in rows], dtype=np.float32)
    starts = np.flatnonzero(np.diff(utterance, prepend=0))
    return np.split(frames, starts[1:]), speaker[starts].astype(np.int64)


def load_unemployment() -> Monthly:
    """Return the US unemployment rate in percent, monthly from 1948-01, not seasonally adjusted.

    Raises:
        DataError: the file is missing or is not the published one.

    Source: U.S. Bureau of Labor Statistics, in the package bokeh-sampledata.
    Lesson: 13_sequences.

    >>> series = load_unemployment()
    >>> len(series.values), str(series.months[0]), float(series.values[0])
    (828, '1948-01', 4.0)
    """
    path, text = packaged_text("unemployment")
    table = np.loadtxt(io.BytesIO(text), delimiter=",", skiprows=1)  # year, 12 months, the mean
    months = np.datetime64(f"{int(table[0, 0])}-01") + np.arange(12 * len(table))
    return Monthly(table[:, 1:13].ravel(), months, packaged_source("unemployment", path))


# --- sequences of unequal length ----------------------------------------------------------------


def pad(
    series: Sequence[ArrayLike], length: int | None = None, side: str = "post", value: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences of unequal length as one array, and a mask that says what is real.

    Args:
        series: arrays of shape (steps, features), as many steps as each has.
        length: steps of the result; None for the longest.
        side: "post" puts the padding after the sequence, "pre" before it.
        value: what the padding holds.

    Returns:
        x, float32 of shape (n, length, features), and mask, bool of shape (n, length), True
        where a step is real.

    Raises:
        ValueError: an unknown side, nothing to pad, or a sequence longer than `length`: Keras'
            own pad_sequences would cut it silently.

    Lesson: 13_sequences.

    >>> x, mask = pad([[[1.0], [2.0]], [[3.0]]])
    >>> x[..., 0].tolist(), mask.tolist()
    ([[1.0, 2.0], [3.0, 0.0]], [[True, True], [True, False]])
    """
    if side not in ("post", "pre"):
        raise ValueError(f'side must be "post" or "pre". Received: side={side!r}')
    arrays = [np.asarray(each, dtype=np.float32) for each in series]
    if not arrays or any(each.ndim != 2 for each in arrays):
        raise ValueError("series must hold arrays of shape (steps, features), and at least one")
    longest = max(map(len, arrays))
    length = longest if length is None else length
    if longest > length:
        raise ValueError(
            f"the longest sequence has {longest} steps and length is {length}: its rest would be "
            "cut off. Choose a larger length, or cut the sequences yourself"
        )
    x = np.full((len(arrays), length, arrays[0].shape[1]), value, dtype=np.float32)
    mask = np.zeros((len(arrays), length), dtype=bool)
    for row, each in enumerate(arrays):
        place = slice(0, len(each)) if side == "post" else slice(length - len(each), length)
        x[row, place], mask[row, place] = each, True
    return x, mask


# --- a task that needs a memory -----------------------------------------------------------------

LETTERS = "XYabcd"  # the two that count, and four that do not
SIGNAL = 6  # steps in which X and Y come


def which_first(
    count: int, gap: int | ArrayLike, length: int | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences of letters and what came first in each: X or Y?

    X and Y stand at two random ones of six steps, `gap` steps before the end; everywhere else
    stands one of four other letters. Each sequence holds one X and one Y, so that counting letters
    says nothing about their order, and the last `gap` letters say nothing at all.

    Args:
        count: number of sequences.
        gap: letters behind those six steps: one number, or one for each sequence, shape (count,).
        length: letters of each sequence; None: as many as the largest gap needs.
        seed: of the draw.

    Returns:
        x, float32 of shape (count, length, 6), one column for each of `LETTERS`; and y, int64 of
        shape (count,): 0 where X came first, 1 where Y did.

    Raises:
        ValueError: a negative gap, no sequence, or a length that is too short.

    Source: after the temporal order problem of Hochreiter and Schmidhuber, Long short-term memory
    (1997). Lesson: 13_sequences.

    >>> x, y = which_first(1, gap=3, seed=0)
    >>> "".join(LETTERS[k] for k in x[0].argmax(axis=1)), int(y[0])
    ('dcYbbXaaa', 1)
    """
    if count < 1 or np.min(gap) < 0:
        raise ValueError(f"need count >= 1 and gap >= 0; got count={count} and gap={gap}")
    gaps = np.broadcast_to(np.asarray(gap), count)
    least = SIGNAL + int(gaps.max())
    length = least if length is None else length
    if length < least:
        raise ValueError(f"a gap of {gaps.max()} needs {least} steps. Received: length={length}")
    rng, rows = np.random.default_rng(seed), np.arange(count)
    letters = rng.integers(2, len(LETTERS), (count, length))
    spots = np.sort(rng.permuted(np.tile(np.arange(SIGNAL), (count, 1)), axis=1)[:, :2], axis=1)
    spots += (length - SIGNAL - gaps)[:, None]
    y = rng.integers(0, 2, count)
    letters[rows, spots[:, 0]], letters[rows, spots[:, 1]] = y, 1 - y
    return np.eye(len(LETTERS), dtype=np.float32)[letters], y


# --- windows and splits -------------------------------------------------------------------------


def windows(rows: ArrayLike, width: int, horizon: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return sliding windows and, for each, the row that lies `horizon` rows after its last one.

    Window i holds rows i to i + width - 1; its target is row i + width - 1 + horizon. With
    horizon 0 the target is the last row of the window itself: the network can read it off.

    Args:
        rows: a series, shape (n,) or (n, features), oldest first.
        width: rows in a window.
        horizon: how far ahead the target lies.

    Returns:
        x, shape (count, width, features), and y, shape (count,) or (count, features), with
        count = n - width + 1 - horizon.

    Raises:
        ValueError: a width below 1, a negative horizon, or too few rows for one window.

    Lesson: 13_sequences.

    >>> x, y = windows([1, 2, 3, 4, 5], width=3, horizon=1)
    >>> x[:, :, 0].tolist(), y.tolist()
    ([[1, 2, 3], [2, 3, 4]], [4, 5])
    """
    rows = np.asarray(rows)
    if rows.ndim not in (1, 2):
        raise ValueError(f"rows must have shape (n,) or (n, features). Received: {rows.shape}")
    if width < 1 or horizon < 0:
        raise ValueError(f"need width >= 1 and horizon >= 0; got {width} and {horizon}")
    count = len(rows) - width + 1 - horizon
    if count < 1:
        raise ValueError(
            f"{len(rows)} rows hold no window of {width} with a target {horizon} rows later; "
            f"{width + horizon} rows are the least"
        )
    table = rows[:, None] if rows.ndim == 1 else rows
    x = sliding_window_view(table, width, axis=0)[:count]  # (count, features, width)
    return x.transpose(0, 2, 1).copy(), rows[width - 1 + horizon :]


def walk_forward(
    count: int, folds: int, first_train: float = 0.5, gap: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return folds that train on everything up to a moment and test on the stretch after it.

    Args:
        count: number of rows, oldest first.
        folds: number of test stretches; together they cover the rest, each row once.
        first_train: share of the rows before the first test stretch, between 0 and 1.
        gap: rows left out before each test stretch. A target that lies h rows ahead needs a
            gap of h - 1 or more: else the last training targets lie in the test stretch.

    Raises:
        ValueError: a share outside (0, 1), no fold, a negative gap, or nothing left to train
            or test on.

    Lesson: 13_sequences.

    >>> [(len(train), test.tolist()) for train, test in walk_forward(10, folds=2, gap=1)]
    [(4, [5, 6, 7]), (7, [8, 9])]
    """
    if not 0 < first_train < 1 or folds < 1 or gap < 0:
        raise ValueError(
            "need 0 < first_train < 1, folds >= 1 and gap >= 0. Received: "
            f"first_train={first_train}, folds={folds}, gap={gap}"
        )
    start = round(count * first_train)
    if start - gap < 1 or count - start < folds:
        raise ValueError(
            f"{count} rows are too few: {start - gap} to train on first, {count - start} to test "
            f"in {folds} folds"
        )
    stretches = np.array_split(np.arange(start, count), folds)
    return [(np.arange(stretch[0] - gap), stretch) for stretch in stretches]
