"""What the walker over all exercises does not see: lesson 26's functions as it uses them."""

import numpy as np
import pytest

from labkit.datacenter.network import small_digits
from labkit.datacenter.privacy import accounting, aggregation, dp_sgd
from labkit.exercises import privacy as exercise


def naive_clip(norms, limit, sigma, expected):
    """As a learner writes it who knows no `np.minimum`."""
    factors = np.ones_like(norms)
    factors[norms > limit] = limit / norms[norms > limit]
    return factors / expected, sigma * limit / expected


def test_a_learners_own_clip_trains_the_same_weights_as_the_labs():
    assert exercise.clip.check(naive_clip).ok
    images, given = small_digits().train, {"sigma": 1.0, "q": 0.02, "steps": 5}
    mine, labs = (
        dp_sgd.train(images, [0.5, 1.0], 0, step=step, **given)
        for step in (naive_clip, exercise.clip.right)
    )
    assert np.allclose(mine, labs, atol=1e-6)


def test_epsilon_is_that_of_the_accountant():
    orders = np.array(accounting.ORDERS, float)
    costs = accounting.rdp(2.0, 0.04)
    found = exercise.epsilon.right(costs, orders, 200, 1e-5)
    assert found == pytest.approx(accounting.epsilon(2.0, 0.04, 200, 1e-5), rel=1e-12)


def test_masks_of_a_group_cancel_only_as_a_whole():
    random = np.random.default_rng(0)
    pairs = {(a, b): random.integers(0, 2**32, 50) for a in range(4) for b in range(a + 1, 4)}
    masks = [
        exercise.mask.right(n, {o: pairs[min(n, o), max(n, o)] for o in range(4) if o != n})
        for n in range(4)
    ]
    assert (sum(masks) % aggregation.MODULUS == 0).all()
    assert (sum(masks[1:]) % aggregation.MODULUS != 0).all()


def test_a_file_that_was_read_before_the_check_is_told_from_one_that_was_not():
    def late(data, tag, old, is_genuine, read):
        model = read(data)
        return model if is_genuine(data, tag) else old

    assert exercise.open_checked.check(late).kind == "read before it is checked"
    assert exercise.open_checked.check(exercise.open_checked.right).ok


def test_a_loop_over_the_norms_trains_many_networks_at_once():
    def loop(norms, limit, sigma, expected):
        return [min(1, limit / norm) / expected for norm in norms], sigma * limit / expected

    assert exercise.clip.check(loop).ok
    images, given = small_digits().train, {"sigma": 1.0, "q": 0.02, "steps": 3}
    mine, labs = (
        dp_sgd.train(images, [0.5, 1.0], 0, step=step, **given)
        for step in (loop, exercise.clip.right)
    )
    assert np.allclose(mine, labs, atol=1e-6)


def test_a_bound_with_one_logarithm_outside_the_fraction_is_not_called_the_first_order():
    def slip(rdp, orders, steps, delta):
        bounds = steps * rdp + np.log(1 - 1 / orders) - np.log(delta)
        return (bounds - np.log(orders) / (orders - 1)).min()

    assert exercise.epsilon.check(slip).kind == "only one logarithm is divided"
