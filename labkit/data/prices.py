"""Daily share prices: load, adjust, cut into windows of daily moves, split by days.

A window never looks past its last row, and a target says how far ahead it lies, so that a test
can tell whether the two overlap.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from labkit.data.packaged import packaged_source, packaged_text
from labkit.data.sequences import walk_forward, windows

if TYPE_CHECKING:
    import pandas as pd

BAR = ("open", "high", "low", "close")
TARGETS = {"same bar": 0, "next day": 1}  # how many rows after its window the target lies


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


@dataclass(frozen=True)
class StockWindows:
    """Windows of daily moves, those of one day side by side, oldest first.

    Attributes:
        x: float64, shape (n, width, 4): open, high, low, close of each day, each as the
            logarithm of its ratio to the close of the day before, in percent.
        y: 1 where the target rose, else 0, shape (n,).
        day: the day whose price decides the target, datetime64[D], shape (n,).
        last: the last day inside the window, datetime64[D], shape (n,).
        ticker: the company, shape (n,).
    """

    x: np.ndarray
    y: np.ndarray
    day: np.ndarray
    last: np.ndarray
    ticker: np.ndarray


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


def adjust(table: pd.DataFrame) -> pd.DataFrame:
    """Return prices with splits and dividends taken out: each times the factor of its day.

    Args:
        table: rows of `load_prices().table`.

    Lesson: 13_sequences.

    >>> apple = load_prices().table.query("ticker == 'AAPL'").set_index("date")
    >>> split = slice("2005-02-25", "2005-02-28")  # two shares for one over this weekend
    >>> apple.close[split].tolist(), adjust(apple).close[split].round(2).tolist()
    ([88.99, 44.86], [5.72, 5.77])
    """
    adjusted = table.copy()
    for name in BAR:
        adjusted[name] = table[name] * table["factor"]
    return adjusted


def daily_moves(table: pd.DataFrame) -> np.ndarray:
    """Return open, high, low, close as log ratios to the close of the day before, in percent.

    A ratio means the same at 10 and at 700 dollars, so that windows of all years and companies
    can be compared. The first day has no day before and is left out.

    Args:
        table: adjusted prices of one company, oldest first.

    Returns:
        shape (days - 1, 4).

    Raises:
        ValueError: more than one company, or days out of order.
    """
    if "ticker" in table and table["ticker"].nunique() > 1:
        raise ValueError("daily_moves takes one company: a ratio across two means nothing")
    if not table["date"].is_monotonic_increasing:
        raise ValueError("the days are not in order; sort the table by date first")
    prices = np.log(table[list(BAR)].to_numpy(float))
    return 100 * (prices[1:] - prices[:-1, 3:])


@dataclass(frozen=True)
class Swings:
    """How far prices went up and down in a day, and what the days before knew of it.

    Attributes:
        x: float64, shape (n, 3): the swing of the day before, the mean of the last 5 days, and of
            the last 22 (a month), in percent of the close.
        y: the swing of the day, in percent, shape (n,).
        day: the day, datetime64[D], shape (n,), in order.
    """

    x: np.ndarray
    y: np.ndarray
    day: np.ndarray


def daily_swings(table: pd.DataFrame) -> Swings:
    """Return the swing, (high - low) / close, of each company and day beside those before it.

    Args:
        table: rows of `load_prices().table`. Within a day no split happens, so they may be as
            quoted.

    Lesson: 02_loss_functions.

    >>> swings = daily_swings(load_prices().table)
    >>> swings.x.shape, bool((np.diff(swings.day) >= np.timedelta64(0)).all())
    ((12044, 3), True)
    """
    parts = []
    for _, rows in table.groupby("ticker"):
        swing = (100 * (rows["high"] - rows["low"]) / rows["close"]).to_numpy()
        before = [swing[21:-1]] + [
            sliding_window_view(swing[22 - days : -1], days).mean(axis=1) for days in (5, 22)
        ]
        days = rows["date"].to_numpy("datetime64[D]")[22:]
        parts.append((np.stack(before, axis=1), swing[22:], days))
    x, y, day = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(day, kind="stable")
    return Swings(x[order], y[order], day[order])


def stock_windows(table: pd.DataFrame, width: int, target: str = "next day") -> StockWindows:
    """Return windows of daily moves of every company, with a direction to predict.

    "next day": did the close of the day after the window lie above the window's last close?
    "same bar": did the last day inside the window close above its own open? That is no forecast:
    both numbers are in the window.

    Args:
        table: adjusted prices of one or more companies (see `adjust`).
        width: days in a window.
        target: "next day" or "same bar".

    Raises:
        ValueError: an unknown target, or too few days.

    Lesson: 13_sequences.

    >>> made = stock_windows(adjust(load_prices().table), width=60)
    >>> made.x.shape, bool((made.day > made.last).all())
    ((11849, 60, 4), True)
    """
    if target not in TARGETS:
        raise ValueError(f"target must be one of {list(TARGETS)}. Received: {target!r}")
    horizon, parts = TARGETS[target], []
    for ticker, rows in table.groupby("ticker"):
        moves = daily_moves(rows)
        opened, _, _, closed = moves.T
        rose = closed > 0 if horizon else closed > opened
        x, y = windows(moves, width, horizon)[0], rose[width - 1 + horizon :]
        days = rows["date"].to_numpy("datetime64[D]")[1:]
        last = days[width - 1 : len(days) - horizon]
        parts.append((x, y.astype(int), days[width - 1 + horizon :], last, [ticker] * len(y)))
    x, y, day, last, ticker = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((ticker, day))
    return StockWindows(x[order], y[order], day[order], last[order], ticker[order])


def split_days(day: np.ndarray, last: np.ndarray, folds: int, first_train: float = 0.5) -> list:
    """Return walk-forward folds that never tear a day: train and test are row numbers.

    All companies move together on the same day, so that a day belongs whole to one side. A row
    is trained on only if its target was known before the first test window ended.

    Args:
        day: the day that decides each row's target, shape (n,).
        last: the last day inside each row's window, shape (n,).
        folds, first_train: as in `walk_forward`, counted in days.

    >>> day = np.array(["2001-01-02", "2001-01-03", "2001-01-04", "2001-01-05"], "datetime64[D]")
    >>> [(a.tolist(), b.tolist()) for a, b in split_days(day, day - 1, folds=2)]
    [([0, 1], [2]), ([0, 1, 2], [3])]
    """
    days = np.unique(day)
    made = []
    for _, stretch in walk_forward(len(days), folds, first_train):
        test = np.flatnonzero(np.isin(day, days[stretch]))
        known = (day <= last[test].min()) & (day < days[stretch[0]])
        made.append((np.flatnonzero(known), test))
    return made
