"""Trials of lesson 01, against what they must give."""

import numpy as np
import pytest

from labkit.exercises import descent as exercise
from labkit.maths import descent as maths
from labkit.maths import descent_trials as trials

plain = exercise.update.right


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)) @ np.array(
        [[1, 0.8, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]]
    )
    X -= X.mean(axis=0)
    return X, X @ [1.0, -2.0, 0.5, 0.0] + 0.3 * rng.normal(size=60)


def test_invented_rows_have_the_correlations_of_the_real_ones(samples):
    X, _ = samples
    many, y = trials.more_rows(X, [1.0, 0.0, 0.0, 0.0], 0.5, rows=100_000, seed=1)
    np.testing.assert_allclose(many.T @ many / len(many), X.T @ X / len(X), atol=0.05)
    assert np.std(y - many[:, 0]) == pytest.approx(0.5, rel=0.02)


def test_a_timed_walk_is_the_walk_itself(samples):
    X, y = samples
    seconds, above = trials.timed_descent(X, y, len(X), 0.05, 30, plain)
    walked = maths.fit_linear(X, y, learning_rate=0.05, epochs=30)
    best = maths.linear_loss(np.linalg.lstsq(X, y, rcond=None)[0], X, y)
    assert above[0] == pytest.approx(maths.linear_loss(walked[1], X, y) / best - 1)
    assert above[-1] == pytest.approx(maths.linear_loss(walked[30], X, y) / best - 1)
    assert np.all(np.diff(seconds) > 0)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_a_rule_races_as_the_optimizer_of_its_name_walks(samples, name):
    X, y = samples
    score = trials.race(exercise.rule_of(name), X, y, rate=0.05, steps=40)
    walked = maths.fit_linear(X, y, learning_rate=0.05, epochs=40, optimizer=name)
    best = maths.linear_loss(np.linalg.lstsq(X, y, rcond=None)[0], X, y)
    assert score == pytest.approx(maths.linear_loss(walked[-1], X, y) / best - 1, abs=1e-12)


def test_rising_momentum_beats_momentum_on_other_data(samples):
    """The lab's entry was not chosen for the data of its race alone."""
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(60)[:40]
        X, y = samples[0][order] * [1, 1, 30, 0.2], samples[1][order]
        limit = maths.largest_stable_rate(maths.linear_hessian(X))
        rates = limit * np.geomspace(1 / 64, 4, 13)
        own, theirs = (
            min(trials.race(rule, X, y, rate) for rate in rates)
            for rule in (exercise.optimizer.right, exercise.rule_of("momentum"))
        )
        assert own < theirs


def test_the_steepest_direction_is_that_of_the_gradient():
    for surface in maths.SURFACES.values():
        at = np.add(surface.minimum, (0.3, 0.4))
        slope = surface.gradient(at)
        degrees = np.degrees(np.arctan2(slope[1], slope[0])) % 360
        assert abs(trials.steepest_degrees(surface.value, at) - degrees) <= 0.51


def test_uphill_lowers_no_loss():
    assert trials.falls_everywhere(plain) == len(maths.SURFACES)
    assert trials.falls_everywhere(lambda w, g, rate: w + rate * g) == 0


def test_four_groups_go_down_and_up_again_the_wrong_way():
    alone, together, first, last = trials.four_groups(plain)
    assert (alone, together) == (4, True)
    assert last < 0.01 < first
    alone, together, *_ = trials.four_groups(lambda w, g, rate: w + 0.1 * rate * g)
    assert (alone, together) == (0, False)


def test_the_bias_finds_the_mean(samples):
    X, y = samples
    first, second, last, bias = trials.bias_losses(X, y + 3, plain)
    assert first > second > last
    assert bias == pytest.approx(np.mean(y + 3))
