"""Membership attacks: against the best test there is, SciPy, scikit-learn, and a promise kept."""

import numpy as np
import pytest
from scipy import stats

from labkit.datacenter.network import Network, small_digits
from labkit.datacenter.privacy import accounting, dp_sgd, membership


def synthetic(shift, spread, networks=64, n=400, seed=0):
    """Return values N(m + shift, 1) of members, N(m, 1) of others; each example has its m."""
    random = np.random.default_rng(seed)
    members = membership.split_members(networks, n, seed)
    values = random.normal(size=(networks, n)) + random.normal(0, spread, n) + shift * members
    return values, members


def test_half_of_the_networks_learn_each_example_and_no_two_examples_alike():
    members = membership.split_members(32, 200, seed=1)
    assert (members.sum(axis=0) == 16).all()
    assert len({tuple(column) for column in members.T}) == 200
    assert members.sum(axis=1).std() > 0


def test_confidence_is_the_logit_of_the_probability_and_bears_large_scores():
    random = np.random.default_rng(0)
    scores, y = random.normal(0, 3, (4, 7, 10)), random.integers(0, 10, 7)
    p = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    p = p[:, np.arange(7), y]
    assert membership.confidence(scores, y) == pytest.approx(np.log(p / (1 - p)), rel=1e-9)
    certain = membership.confidence(np.array([[2000.0, 0.0, 0.0]]), np.array([0]))
    assert certain == pytest.approx(2000 - np.log(2))


def test_the_ratio_is_that_of_scipys_normals_without_the_network_asked():
    values, members = synthetic(1.0, 2.0, networks=10, n=6)
    ratio = membership.likelihood_ratio(values, members)
    for asked in range(10):
        for example in range(6):
            rows = np.arange(10) != asked
            saw = values[rows & members[:, example], example]
            not_saw = values[rows & ~members[:, example], example]
            own = values[asked, example]
            by_hand = stats.norm.logpdf(own, saw.mean(), saw.std(ddof=1))
            by_hand -= stats.norm.logpdf(own, not_saw.mean(), not_saw.std(ddof=1))
            assert ratio[asked, example] == pytest.approx(by_hand, rel=1e-6)


def test_the_ratio_attack_comes_near_the_best_test_and_a_threshold_does_not():
    values, members = synthetic(shift=2.0, spread=3.0)
    best = stats.norm.sf(stats.norm.isf(0.01) - 2.0)  # Neyman and Pearson, means known: 37 %
    ratio = membership.true_positives(membership.likelihood_ratio(values, members), members)
    usual = membership.true_positives(values, members)
    assert 0.75 * best < ratio.share < 1.05 * best
    assert usual.share < 0.2 * best
    assert ratio.low < ratio.share < ratio.high
    assert usual.high < ratio.low


def test_true_positives_are_those_of_scikit_learns_curve():
    metrics = pytest.importorskip("sklearn.metrics")
    values, members = synthetic(1.5, 1.0)
    false, true, _ = metrics.roc_curve(members.ravel(), values.ravel(), drop_intermediate=False)
    for allowed in (0.001, 0.01, 0.1):
        theirs = true[false <= allowed].max()
        assert membership.true_positives(values, members, allowed).share == pytest.approx(theirs)


def test_where_nothing_leaks_no_more_members_are_named_than_others():
    values, members = synthetic(shift=0.0, spread=2.0, n=1000)
    found = membership.true_positives(membership.likelihood_ratio(values, members), members, 0.05)
    assert found.share == pytest.approx(0.05, abs=0.01)
    assert membership.true_positives(np.zeros(members.shape), members).share == 0  # ties: none


def test_the_attack_stays_below_the_promise_of_a_gaussian_release():
    # Each "network" releases 1 for a member, 0 for others, with noise of sigma 1.
    values, members = synthetic(shift=1.0, spread=0.0, n=1000)
    ratio = membership.likelihood_ratio(values, members)
    delta = 1e-5
    promised = accounting.gaussian_epsilon(1.0, delta)
    for allowed in (0.001, 0.01, 0.1, 0.5):
        found = membership.true_positives(ratio, members, allowed)
        assert found.share < accounting.most_found(promised, delta, allowed)


def test_the_strongest_attack_on_everybody_at_once_is_the_best_test_there_is():
    scores, members = membership.strongest(sigma=6.0, q=1.0, steps=49)
    for allowed in (0.01, 0.1):
        best = stats.norm.sf(stats.norm.isf(allowed) - np.sqrt(49) / 6.0)
        found = membership.true_positives(scores, members, allowed)
        assert found.share == pytest.approx(best, abs=0.02)


@pytest.mark.parametrize(("sigma", "q"), [(4.0, 0.25), (2.0, 0.25), (1.0, 0.02), (0.6, 0.02)])
def test_the_strongest_attack_comes_close_to_the_ceiling_and_stays_below(sigma, q):
    found = membership.true_positives(*membership.strongest(sigma, q, 200))
    by_rdp = accounting.ceiling(sigma, q, 200, 0.01)
    assert 0.4 * by_rdp < found.share < by_rdp
    if accounting.pld_available():
        by_pld = accounting.ceiling(sigma, q, 200, 0.01, pld=True)
        assert found.low < by_pld < by_rdp  # tight: inside or just above the interval
        assert 0.9 * by_pld < found.high
        assert found.share < 1.25 * by_pld


@pytest.mark.parametrize("networks", [4, 7])
def test_too_few_networks_are_refused(networks):
    with pytest.raises(ValueError, match="even number, 6 or more"):
        membership.split_members(networks, 10)


def test_more_examples_than_images_are_refused():
    with pytest.raises(ValueError, match="5000 examples of 3000"):
        membership.measure(small_digits(), membership.split_members(6, 5000), q=0.1, steps=1)


@pytest.mark.slow
def test_noise_hides_members_and_clipping_alone_does_not():
    parts, members = small_digits(), membership.split_members(32, 200)
    network, given = Network((196, 16, 10)), {"q": 0.25, "steps": 100}
    ways = {
        "plain": {"step": dp_sgd.no_clip},
        "clipped": {},
        "private": {"sigma": 4.0},
    }
    found = {
        name: membership.measure(parts, members, network=network, **given, **way)
        for name, way in ways.items()
    }
    share = {
        name: membership.true_positives(each.ratio, members).share for name, each in found.items()
    }
    usual = membership.true_positives(found["plain"].confidence, members).share
    assert share["plain"] > 3 * usual
    assert share["clipped"] > 0.6 * share["plain"]
    assert share["private"] < 0.4 * share["plain"]
    accuracy = {name: each.test_accuracy.mean() for name, each in found.items()}
    assert accuracy["clipped"] > accuracy["private"] + 0.05
    assert not any(each.at_the_edge for each in found.values())
    assert (found["plain"].train_accuracy > found["plain"].test_accuracy).all()
    # A given rate is taken as it is.
    untuned = membership.measure(parts, members, network=network, learning_rate=0.05, **given)
    assert untuned.learning_rate == 0.05
    assert untuned.test_accuracy.mean() < accuracy["clipped"] - 0.1
