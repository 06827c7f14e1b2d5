"""The films of lesson 05: real rows, and exactly the faults that the text names."""

import numpy as np
import pytest

from labkit.data import films


@pytest.fixture(scope="module")
def tables():
    return films.load_films(seed=3)


def test_past_and_future_do_not_overlap(tables):
    past, future = tables
    assert past.year.max() == films.FROM - 1
    assert future.year.min() == films.FROM
    assert past.index.is_unique
    assert future.index.is_unique


def test_one_row_in_eleven_is_a_copy(tables):
    past, _ = tables
    copies = past.duplicated().sum()
    assert copies == pytest.approx(len(past) / 11, abs=1)


def test_some_running_times_are_in_hours_and_some_are_lost(tables):
    past, future = tables
    assert (past.runtime == -1).mean() == pytest.approx(0.05, abs=0.01)
    assert past.runtime.between(0.1, 8).mean() == pytest.approx(0.05, abs=0.01)
    assert (future.runtime.dropna() > 0).all()


def test_the_awards_tell_the_past_and_nothing_of_the_future(tables):
    past, future = tables
    assert (past.awards[past.won == 1] > 0).all()
    assert future.won.sum() > 50
    assert (future.awards == 0).all()


def test_another_seed_breaks_other_rows_and_the_same_seed_the_same(tables):
    past, _ = tables
    assert films.load_films(seed=3)[0].equals(past)
    other = films.load_films(seed=4)[0]
    assert not other.equals(past)
    assert np.isclose(other.critics.sum(), past.critics.sum(), rtol=0.02)
