"""DP-SGD without gradients of single examples: against the slow loop that builds each of them."""

from functools import partial

import numpy as np
import pytest
from scipy import stats

from labkit.datacenter.network import Images, Network, Parts
from labkit.datacenter.privacy import dp_sgd
from labkit.datacenter.tuning import tune

NETWORK = Network((6, 5, 4, 3))


def examples(n: int, seed: int = 0) -> Images:
    random = np.random.default_rng(seed)
    return Images(random.normal(size=(n, 6)), random.integers(0, 3, n))


def one_by_one(w, images):
    """Return the gradient of each example, shape (n, items)."""
    pairs = zip(images.x, images.y, strict=True)
    return np.array([NETWORK.gradient(w, x[None], np.array([y])) for x, y in pairs])


def test_norms_are_those_of_gradients_built_one_by_one():
    w, images = NETWORK.start(0, "float64"), examples(40)
    parts = NETWORK.inputs_and_errors(w, *images)
    by_hand = np.linalg.norm(one_by_one(w, images), axis=1)
    assert dp_sgd.gradient_norms(parts) == pytest.approx(by_hand, rel=1e-12)


def test_a_weighted_sum_is_that_of_gradients_built_one_by_one_for_a_stack_too():
    w = np.stack([NETWORK.start(seed, "float64") for seed in range(3)])
    images = examples(20)
    factors = np.random.default_rng(1).normal(size=(3, 20))
    parts = NETWORK.inputs_and_errors(w, images.x[None], images.y[None])
    found = dp_sgd.weighted_sum(parts, factors)
    by_hand = [f @ one_by_one(each, images) for each, f in zip(w, factors, strict=True)]
    assert found == pytest.approx(np.array(by_hand), rel=1e-12, abs=1e-14)


def test_a_weighted_sum_is_the_slope_of_the_weighted_loss():
    images, tiny, random = examples(8), 1e-6, np.random.default_rng(2)
    factors, w = random.random(8), random.normal(0, 0.5, NETWORK.items)  # biases too: no kink

    def loss(w):
        pairs = zip(images.x, images.y, strict=True)
        return factors @ [NETWORK.loss(w, x[None], np.array([y])) for x, y in pairs]

    slope = [
        (loss(w + tiny * axis) - loss(w - tiny * axis)) / (2 * tiny) for axis in np.eye(len(w))
    ]
    parts = NETWORK.inputs_and_errors(w, *images)
    assert dp_sgd.weighted_sum(parts, factors) == pytest.approx(np.array(slope), abs=1e-8)


def test_clipping_is_where_an_example_ends_that_would_be_longer():
    w, images = NETWORK.start(0, "float64"), examples(30)
    gradients = one_by_one(w, images)
    parts = NETWORK.inputs_and_errors(w, *images)
    norms = dp_sgd.gradient_norms(parts)
    limit = float(np.median(norms))
    factors, deviation = dp_sgd.clip_and_noise(norms, limit, 0.0, 1.0)
    lengths = np.linalg.norm(factors[:, None] * gradients, axis=1)
    assert lengths == pytest.approx(np.minimum(np.linalg.norm(gradients, axis=1), limit))
    assert deviation == 0


def settings(**changed):
    return {"sigma": 0.0, "limit": 0.4, "q": 0.3, "steps": 12, "network": NETWORK} | changed


def slowly(w, images, members, row, rate, seed, sigma, limit, q, steps):
    """Return the weights of one network of a stack, as Abadi and others write it."""
    coins, noise = (np.random.default_rng([seed, part]) for part in range(2))
    for _ in range(steps):
        total, tossed = np.zeros_like(w), coins.random(members.shape)
        for i in np.flatnonzero(members[row] & (tossed[row] < q)):
            gradient = NETWORK.gradient(w, images.x[i : i + 1], images.y[i : i + 1])
            total += gradient / max(1, np.linalg.norm(gradient) / limit)
        drawn = noise.standard_normal((len(members), len(w)), dtype=np.float32)
        w = w - rate * (total + sigma * limit * drawn[row]) / (q * members.sum(axis=1).mean())
    return w


@pytest.mark.parametrize("sigma", [0.0, 1.5])
def test_training_is_that_of_the_slow_loop_for_every_network_of_a_stack(sigma):
    images = examples(50)
    w = np.stack([NETWORK.start(seed, "float64") for seed in range(3)])
    members = np.random.default_rng(0).random((3, 50)) < 0.6
    fast = dp_sgd.descend(w, images, members, 0.5, seed=3, **settings(sigma=sigma))
    for row in range(3):
        slow = slowly(w[row], images, members, row, 0.5, 3, sigma, 0.4, 0.3, 12)
        assert fast[row] == pytest.approx(slow, rel=1e-6, abs=1e-7)  # noise is float32


def test_plain_steps_on_everybody_are_gradient_descent():
    images, w = examples(50), NETWORK.start(3, "float64")
    given = settings(q=1.0, steps=5, step=dp_sgd.no_clip)
    found = dp_sgd.descend(w[None], images, np.ones((1, 50), bool), 0.5, seed=0, **given)[0]
    for _ in range(5):
        w = w - 0.5 * NETWORK.gradient(w, *images)
    assert found == pytest.approx(w, rel=1e-10)


def test_a_stack_of_networks_learns_each_from_its_own_members_alone():
    images = examples(60)
    members = np.random.default_rng(0).permuted(np.tile(np.arange(60) < 30, (4, 1)), axis=1)
    w = np.stack([NETWORK.start(seed, "float64") for seed in range(4)])
    given = settings(q=1.0, steps=6)  # everybody is drawn, so that one alone draws the same
    together = dp_sgd.descend(w, images, members, 0.5, seed=0, **given)
    for each, start, found in zip(members, w, together, strict=True):
        own = Images(images.x[each], images.y[each])
        alone = dp_sgd.descend(start[None], own, np.ones((1, 30), bool), 0.5, seed=0, **given)
        assert found == pytest.approx(alone[0], rel=1e-10)


def test_every_member_is_drawn_by_its_own_coin_and_nobody_else():
    random, n, q, repeats = np.random.default_rng(0), 40, 0.2, 2000
    members = np.arange(n)[None] % 4 != 0
    seen, sizes = np.zeros(n), []
    for _ in range(repeats):
        rows, counts = dp_sgd.draw(members, q, random)
        seen[rows[counts]] += 1
        sizes.append(int(counts.sum()))
    assert not seen[~members[0]].any()
    assert abs(seen[members[0]] / repeats - q).max() < 5 * np.sqrt(q * (1 - q) / repeats)
    # The size is binomial: a fixed batch would have no variance.
    mean, variance = 30 * q, 30 * q * (1 - q)
    assert np.mean(sizes) == pytest.approx(mean, abs=5 * np.sqrt(variance / repeats))
    assert np.var(sizes) == pytest.approx(variance, rel=0.2)


def test_a_step_that_draws_nobody_is_noise_alone():
    images, w = examples(10), np.zeros((200, NETWORK.items), np.float32)
    given = settings(sigma=2.0, q=1e-12, steps=1)
    moved = dp_sgd.descend(w, images, np.ones((1, 10), bool), 1.0, seed=0, **given)
    deviation = 2.0 * 0.4 / (1e-12 * 10)
    assert stats.kstest(moved.ravel() / deviation, "norm").pvalue > 1e-3


def test_the_noise_changes_no_draw():
    images, w = examples(50), NETWORK.start(0)[None]
    seen = []

    def spy(norms, limit, sigma, expected):
        seen.append(norms.shape)
        return dp_sgd.clip_and_noise(norms, limit, sigma, expected)

    for sigma in (0.0, 3.0):
        given = settings(sigma=sigma, step=spy)
        dp_sgd.descend(w, images, np.ones((1, 50), bool), 0.5, seed=7, **given)
    assert seen[:12] == seen[12:]


def test_the_given_step_is_what_trains():
    images, w = examples(50), NETWORK.start(0)[None]

    def stand_still(norms, limit, sigma, expected):
        assert expected == pytest.approx(15)  # 0.3 of 50, whoever came
        return 0 * norms, 0.0

    given = settings(step=stand_still)
    assert (dp_sgd.descend(w, images, np.ones((1, 50), bool), 0.5, seed=0, **given) == w).all()


def test_all_rates_share_start_and_batches_and_the_tuner_takes_them():
    images = examples(60)
    parts = [Parts(images, examples(40, 1), examples(40, 2))]
    private = partial(dp_sgd.train, **settings())
    both = private(images, (0.1, 0.8), 0)
    assert both[1] == pytest.approx(private(images, (0.8,), 0)[0], rel=1e-5)
    tuned = tune(private, parts, rates=(0.1, 0.2, 0.4), network=NETWORK)
    assert len(tuned.validation) == 5
    assert tuned.test.shape == (1,)
