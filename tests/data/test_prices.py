"""Prices: splits taken out, windows that do not look ahead, days that are never torn apart."""

import numpy as np
import pandas as pd
import pytest

from labkit.data import load_prices, prices
from labkit.data.prices import adjust, daily_moves, split_days, stock_windows


@pytest.fixture(scope="module")
def adjusted():
    return adjust(load_prices().table)


def test_adjusting_takes_the_splits_out_and_the_real_fall_stays(adjusted):
    raw = load_prices().table
    falls = {}
    for name, table in (("raw", raw), ("adjusted", adjusted)):
        moves = np.exp(daily_moves(table[table.ticker == "AAPL"])[:, 3] / 100) - 1
        days = table[table.ticker == "AAPL"].date.dt.strftime("%Y-%m-%d").to_numpy()[1:]
        falls[name] = days[moves < -0.3].tolist()
    assert falls["raw"] == ["2000-06-21", "2000-09-29", "2005-02-28"]
    assert falls["adjusted"] == ["2000-09-29"]
    # Within a day nothing changes: both prices have the same factor.
    np.testing.assert_allclose(adjusted.high / adjusted.low, raw.high / raw.low)


def test_moves_are_log_ratios_to_the_close_before():
    table = pd.DataFrame(
        {
            "ticker": "X",
            "date": pd.to_datetime(["2001-01-01", "2001-01-02"]),
            "open": [1.0, 11.0], "high": [1.0, 12.0], "low": [1.0, 9.0], "close": [10.0, 10.0],
        }
    )  # fmt: skip
    expected = 100 * np.log([1.1, 1.2, 0.9, 1.0])
    np.testing.assert_allclose(daily_moves(table), [expected])
    with pytest.raises(ValueError, match="not in order"):
        daily_moves(table[::-1])
    with pytest.raises(ValueError, match="one company"):
        daily_moves(table.assign(ticker=["X", "Y"]))


def test_next_day_windows_end_the_day_before_their_target(adjusted):
    made = stock_windows(adjusted, 20)
    assert (made.last < made.day).all()
    assert (np.diff(made.day) >= np.timedelta64(0)).all()
    # Looked up in the table again, by another way.
    random = np.random.default_rng(0)
    for row in random.choice(len(made.y), 25, replace=False):
        rows = adjusted[adjusted.ticker == made.ticker[row]].set_index("date")
        after, before = rows.close[made.day[row]], rows.close[made.last[row]]
        assert made.y[row] == (after > before)
        days = rows.index.to_numpy("datetime64[D]")
        at = np.flatnonzero(days == made.day[row])[0]
        assert days[at - 1] == made.last[row]
        last = rows.iloc[at - 1]
        close_before = rows.close.iloc[at - 2]
        expected = 100 * np.log([last.open, last.high, last.low, last.close] / close_before)
        np.testing.assert_allclose(made.x[row, -1], expected)


def test_the_same_bar_target_can_be_read_off_the_window(adjusted):
    made = stock_windows(adjusted, 20, "same bar")
    assert (made.day == made.last).all()
    assert ((made.x[:, -1, 3] > made.x[:, -1, 0]) == made.y).all()
    with pytest.raises(ValueError, match="'tomorrow'"):
        stock_windows(adjusted, 20, "tomorrow")


@pytest.mark.parametrize("target", prices.TARGETS)
def test_no_day_is_in_training_and_test_and_no_target_is_known_too_early(adjusted, target):
    made = stock_windows(adjusted, 20, target)
    tested = []
    for train, test in split_days(made.day, made.last, folds=3):
        assert made.day[train].max() < made.day[test].min()
        # What was trained on was known when the first test window ended.
        assert made.day[train].max() <= made.last[test].min()
        tested += test.tolist()
    assert len(tested) == len(set(tested))
    days = np.unique(made.day)
    assert len(tested) == (made.day >= days[round(len(days) / 2)]).sum()


def test_a_swing_is_predicted_from_days_before_it_alone():
    table = prices.load_prices().table.query("ticker == 'IBM'").reset_index(drop=True)
    made = prices.daily_swings(table)
    swing = (100 * (table["high"] - table["low"]) / table["close"]).to_numpy()
    for row in (0, 7, 200):
        at = row + 22  # a month lies before the first one
        assert made.day[row] == table["date"].to_numpy("datetime64[D]")[at]
        assert made.y[row] == swing[at]
        means = [swing[at - days : at].mean() for days in (1, 5, 22)]
        np.testing.assert_allclose(made.x[row], means)
