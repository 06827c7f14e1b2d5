"""Drift tests against SciPy, against their own laws in simulation, and on real digits."""

import numpy as np
import pytest
from scipy import stats

from labkit.data import load_mnist
from labkit.datacenter.monitoring import drift


@pytest.fixture(scope="module")
def digits():
    """Return 5,000 rows of 784 pixels in random order."""
    found = load_mnist("5k", test_fraction=0.2, seed=0)
    return np.concatenate([found.x_train, found.x_test]).reshape(5000, 784)


# --- population stability index


def test_psi_is_the_sum_of_both_divergences():
    first, second = np.array([10, 20, 30, 40]), np.array([25, 25, 25, 25])
    both = stats.entropy(first, second) + stats.entropy(second, first)
    assert drift.psi_of_counts(first, second) == pytest.approx(both)


def test_an_empty_bin_gives_a_number():
    assert np.isfinite(drift.psi_of_counts([0, 100], [50, 50]))


@pytest.mark.parametrize("bins", [5, 10])
def test_bins_hold_equal_shares_of_the_reference(bins):
    values = np.random.default_rng(0).normal(size=1000)
    counts = drift.bin_counts(values, drift.bin_edges(values, bins))
    assert counts.tolist() == [1000 // bins] * bins


def test_values_that_occur_often_leave_fewer_bins():
    assert len(drift.bin_edges([0.0] * 95 + [1.0, 2.0, 3.0, 4.0, 5.0])) == 1


@pytest.mark.parametrize(("n", "m"), [(200, 200), (1000, 300)])
def test_psi_without_drift_follows_the_chi_square_law(n, m):
    random = np.random.default_rng(1)
    first, second = (random.multinomial(count, [0.1] * 10, size=4000) for count in (n, m))
    found = drift.psi_of_counts(first, second)
    assert found.mean() == pytest.approx(9 * (1 / n + 1 / m), rel=0.06)
    assert np.mean(found > drift.psi_limit(n, m)) == pytest.approx(0.05, abs=0.016)


def test_the_law_holds_too_where_the_reference_sets_the_bins():
    random = np.random.default_rng(2)
    found = [drift.psi(*random.normal(size=(2, 400))) for _ in range(1500)]
    assert np.mean(np.array(found) > drift.psi_limit(400, 400)) == pytest.approx(0.05, abs=0.02)


def test_the_usual_limit_is_about_the_sample_size():
    random = np.random.default_rng(3)
    counts = random.multinomial(100, [0.1] * 10, size=(2, 2000))
    assert np.mean(drift.psi_of_counts(*counts) > 0.1) > 0.75  # no drift at all
    assert drift.psi_limit(100_000, 100_000) < 0.1 / 100


# --- Kolmogorov and Smirnov


@pytest.mark.parametrize("kind", ["continuous", "with ties", "constant"])
def test_ks_is_scipys(kind):
    random = np.random.default_rng(5)
    first, second = random.normal(size=(150, 6)), random.normal(0.2, 1, size=(90, 6))
    if kind == "with ties":
        first, second = first.round(), second.round()
    if kind == "constant":
        first, second = 0 * first, 0 * second
    ours, theirs = drift.ks_test(first, second), stats.ks_2samp(first, second, method="asymp")
    assert ours.distance == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue)


def test_p_values_without_drift_are_spread_evenly():
    random = np.random.default_rng(6)
    p_values = drift.ks_test(*random.normal(size=(2, 300, 2000))).p_value
    assert np.mean(p_values < 0.05) == pytest.approx(0.05, abs=0.02)


def test_pixels_alarm_less_than_promised_for_most_are_white(digits):
    false = [
        np.mean(
            drift.ks_test(
                *np.random.default_rng(seed).permutation(digits)[:1000].reshape(2, 500, 784)
            ).p_value
            < 0.05
        )
        for seed in range(5)
    ]
    assert 0 < np.mean(false) < 0.04


# --- many tests


def test_benjamini_hochberg_is_scipys():
    random, kept = np.random.default_rng(0), 0
    for _ in range(100):
        p_values = np.r_[random.uniform(size=10), random.uniform(size=10) ** 4]
        theirs = stats.false_discovery_control(p_values) <= 0.05
        assert np.array_equal(drift.benjamini_hochberg(p_values), theirs)
        kept += theirs.sum()
    assert kept > 200
    assert not drift.benjamini_hochberg(np.full(9, 0.5)).any()


def test_bonferroni_keeps_its_promise_over_many_families():
    p_values = np.random.default_rng(7).uniform(size=(4000, 100))
    any_false = np.mean([drift.bonferroni(family).any() for family in p_values])
    assert any_false == pytest.approx(0.05, abs=0.015)
    assert np.mean((p_values < 0.05).any(axis=1)) > 0.98  # each for itself: nearly always one


# --- one test for all


def test_a_classifier_keeps_its_level_and_adds_up_small_changes():
    random = np.random.default_rng(8)
    none, small = [], []
    for seed in range(200):
        first, second = random.normal(size=(2, 200, 30))
        none.append(drift.classifier_test(first, second, seed))
        small.append(drift.classifier_test(first, second + 0.15, seed))
    assert np.mean(np.array(none) < 0.05) < 0.11
    assert np.mean(np.array(small) < 0.05) > 0.5


def test_enough_examples_show_the_shift():
    n = drift.samples_for(0.4, power=0.8)
    values = np.random.default_rng(9).normal(size=(2, 4000, n))
    found = stats.ttest_ind(values[0], values[1] + 0.4, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: drift.bin_edges([1.0, 2.0], 10), "10 bins, 2 values"),
        (lambda: drift.ks_test(np.zeros((4, 2)), np.zeros((4, 3))), "same features"),
        (lambda: drift.samples_for(0.0), "shift of 0"),
    ],
)
def test_what_cannot_be_tested_is_said(call, words):
    with pytest.raises(ValueError, match=words):
        call()
