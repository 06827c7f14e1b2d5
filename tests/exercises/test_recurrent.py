"""What the walker over all exercises does not see: learners' own ways of writing the answers."""

import numpy as np
import pytest

from labkit.data.sequences import seasonal_naive, windows
from labkit.exercises import recurrent as exercise


def test_the_step_of_the_library_is_right_as_tuple_or_as_array():
    right = exercise.lstm_step.right
    assert exercise.lstm_step.check(lambda *a: right(*a)).ok
    assert exercise.lstm_step.check(lambda *a: np.array(right(*a))).ok
    assert exercise.lstm_step.check(lambda *a: right(*a)[::-1]).kind == "other"


def test_windows_of_labkit_give_the_right_table():
    def answer(series, width, horizon, train_rows):
        scaled = (series - series[:train_rows].mean()) / series[:train_rows].std()
        x, y = windows(scaled, width, horizon)
        return np.column_stack([x[:, :, 0], y])

    assert exercise.leak_free.check(answer).ok


def test_the_baseline_is_the_one_of_labkit():
    """One forecast of many steps here, many forecasts of one step there."""
    values = np.random.default_rng(0).normal(size=30)
    ahead = exercise.baseline.right(values, 12, 5)
    for horizon in range(1, 6):
        assert ahead[horizon - 1] == seasonal_naive(values[None, :, None], horizon, 12)[0]


def test_loops_and_lists_are_welcome():
    def answer(values, period, horizon):
        season = list(values[-period:])
        return [season[k % period] for k in range(horizon)]

    assert exercise.baseline.check(answer).ok


@pytest.mark.parametrize("name", ["lstm_step", "leak_free", "baseline"])
def test_at_least_four_mistakes_that_differ_from_each_other(name):
    each = getattr(exercise, name)
    assert len(each.mistakes) >= 4
    kinds = [each.check(wrong).kind for wrong, _ in each.mistakes.values()]
    assert kinds == list(each.mistakes)
