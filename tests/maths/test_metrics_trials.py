"""Luck on a test, sureness, scales: against simulations, hand values and other formulas."""

import numpy as np
import pytest

from labkit.maths import metrics_trials as trials


@pytest.mark.parametrize(("models", "rows"), [(1, 100), (10, 100), (100, 100), (100, 1000)])
def test_the_best_of_many_coins_is_that_of_a_simulation(models, rows):
    right = np.random.default_rng(0).binomial(rows, 0.5, size=(4000, models)).max(axis=1)
    margin = 4 * right.std() / rows / 4000**0.5
    assert trials.best_of(models, rows) == pytest.approx(right.mean() / rows, abs=margin)


def test_luck_is_computed_for_large_tests_too():
    assert 0.5 < trials.best_of(100, 10_000) < trials.best_of(100, 1000)
    assert trials.best_of(1, 10_000) == pytest.approx(0.5)


def test_tries_until_is_one_over_the_chance():
    stats = pytest.importorskip("scipy.stats")
    assert trials.tries_until(60, 100) == pytest.approx(1 / stats.binom.sf(59, 100, 0.5))


@pytest.mark.parametrize(("p", "classes"), [(0.5, 2), (0.7, 3), (0.95, 10)])
def test_a_model_as_sure_as_it_is_right_is_found_again(p, classes):
    accuracy = 0.97
    loss = -accuracy * np.log(p) - (1 - accuracy) * np.log((1 - p) / (classes - 1))
    assert trials.sureness(accuracy, loss, classes) == pytest.approx(p, abs=0.002)


def test_a_row_stays_when_none_of_its_cells_is_missing():
    gaps = np.random.default_rng(0).random((50_000, 4)) < 0.1
    assert trials.rows_left(4) == pytest.approx((~gaps.any(axis=1)).mean(), abs=0.01)


def test_copies_are_as_many_as_chance_gives():
    # A test row has a copy elsewhere with 2 * 2,000 / 12,000; four in five of these are training.
    assert trials.copies_in_training() == pytest.approx(1 / 3 * 0.8, abs=0.02)


def test_one_neighbor_knows_by_heart_and_nothing_else():
    known, new = trials.known_by_heart()
    assert known == 1
    assert new == pytest.approx(0.5, abs=0.05)


def test_min_max_is_ruined_by_one_value_and_the_z_score_has_no_fixed_range():
    low, high, squeezed = trials.ranges()
    assert low < -3
    assert high > 3
    assert squeezed < 0.01


def test_later_rows_move_the_mean_of_a_random_walk():
    median, largest = trials.shift_of_the_mean()
    assert 0.1 < median < largest


def test_the_small_network_learns_what_can_be_learned():
    random = np.random.default_rng(0)
    y = random.integers(0, 10, 1400)
    X = (np.eye(10)[y] + random.normal(scale=0.1, size=(1400, 10))).astype("float32")
    parts = X[:1200], y[:1200], X[1200:], y[1200:]
    answers, losses = trials.train_small(*parts[:3], seed=0, epochs=10, rate=0.5)
    assert (answers == parts[3]).mean() > 0.95
    assert losses[-1] < losses[0] / 5
    found = trials.scales(*parts)
    assert found["0 to 1"] == trials.tuned_score(*parts)
    assert found["0 to 1"] > 0.8
