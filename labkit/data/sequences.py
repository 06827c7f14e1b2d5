"""Sequences: spoken vowels and monthly unemployment; padding, windows, baselines.

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


# --- baselines ----------------------------------------------------------------------------------


def persistence(x: ArrayLike) -> np.ndarray:
    """Return the last value of each window: "it stays as it is".

    Args:
        x: windows, shape (n, width, 1).

    Raises:
        ValueError: windows of another shape.

    >>> persistence([[[1.0], [2.0]], [[2.0], [5.0]]]).tolist()
    [2.0, 5.0]
    """
    return _one_feature(x)[:, -1]


def seasonal_naive(x: ArrayLike, horizon: int = 1, period: int = 12) -> np.ndarray:
    """Return the value one period before the target: "as in the same month last year".

    Args:
        x: windows, shape (n, width, 1), at least one period wide.
        horizon: how far after the window the target lies; up to one period.
        period: rows in a season.

    Raises:
        ValueError: windows narrower than a period, or a horizon outside 1 to period.

    Source: Hyndman and Athanasopoulos, Forecasting: principles and practice. Lesson: 13_sequences.

    >>> seasonal_naive([[[1.0], [2.0], [3.0], [4.0]]], horizon=1, period=4).tolist()
    [1.0]
    """
    x = _one_feature(x)
    _check_season(x, horizon, period)
    return x[:, horizon - 1 - period]


def seasonal_change(x: ArrayLike, horizon: int = 1, period: int = 12) -> np.ndarray:
    """Return the last value plus the change of the same stretch one period earlier.

    Args and Raises: as in `seasonal_naive`; the window must be wider than a period.

    >>> seasonal_change([[[1.0], [2.0], [3.0], [4.0], [5.0]]], horizon=1, period=4).tolist()
    [6.0]
    """
    x = _one_feature(x)
    _check_season(x[:, 1:], horizon, period)
    return x[:, -1] + x[:, horizon - 1 - period] - x[:, -1 - period]


def linear_forecast(x_train: ArrayLike, y_train: ArrayLike, x: ArrayLike) -> np.ndarray:
    """Return the forecast of a linear model, fitted by least squares on the training windows.

    The forecast is the last value plus a weighted sum of the differences inside the window plus
    a constant; this is an autoregression of order `width` whose weights sum to 1.

    Args:
        x_train: windows to fit on, shape (n, width, 1), more of them than a window has rows.
        y_train: their targets, shape (n,).
        x: windows to forecast from, shape (m, width, 1).

    Raises:
        ValueError: shapes that do not fit, or too few windows to fit on.

    Lesson: 13_sequences.

    >>> x, y = windows(np.arange(20.0), width=3)
    >>> linear_forecast(x[:10], y[:10], x[10:12]).round(6).tolist()
    [13.0, 14.0]
    """
    past, targets = _one_feature(x_train), np.asarray(y_train, dtype=float)
    if targets.shape != (len(past),) or len(past) <= past.shape[1]:
        raise ValueError(
            "need one target for each training window, and more windows than rows in one. "
            f"Received: {past.shape} windows and {targets.shape} targets"
        )
    weights = np.linalg.lstsq(_differences(past), targets - past[:, -1], rcond=None)[0]
    now = _one_feature(x)
    return now[:, -1] + _differences(now) @ weights


def _differences(x: np.ndarray) -> np.ndarray:
    return np.column_stack([np.diff(x, axis=1), np.ones(len(x))])


def _one_feature(x: ArrayLike) -> np.ndarray:
    x = np.asarray(x, dtype=float)
    if x.ndim != 3 or x.shape[2] != 1:
        raise ValueError(f"windows must have shape (n, width, 1). Received: {x.shape}")
    return x[:, :, 0]


def _check_season(x: np.ndarray, horizon: int, period: int) -> None:
    if not 1 <= horizon <= period:
        raise ValueError(f"horizon must be 1 to {period}, one period. Received: {horizon}")
    if x.shape[1] < period:
        raise ValueError(f"a window of {x.shape[1]} rows does not reach back {period} rows")
