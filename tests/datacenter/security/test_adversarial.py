"""Small changes, chosen or not: against finite differences, closed forms and each other."""

import numpy as np
import pytest

from labkit.datacenter.network import Images, Network, losses, small_digits
from labkit.datacenter.security import adversarial
from labkit.datacenter.security.adversarial import (
    borrowed,
    fgsm,
    input_slope,
    measure,
    pgd,
    random_signs,
    train,
)

EPSILON = 0.1
NETWORK = Network((196, 64, 10))


def small(seed=0):
    random = np.random.default_rng(seed)
    network = Network((5, 4, 3))
    w = random.normal(size=(2, network.items))
    return network, w, random.uniform(0.2, 0.8, (2, 6, 5)), random.integers(0, 3, (2, 6))


def test_the_slope_is_that_of_finite_differences_for_two_networks_at_once():
    network, w, x, y = small()
    found = input_slope(network, w)(x, y)
    for pixel in range(5):
        step = np.eye(5)[pixel] * 1e-6
        up, down = (losses(network.scores(w, x + sign * step), y) for sign in (1, -1))
        np.testing.assert_allclose(found[..., pixel], (up - down) / 2e-6, atol=1e-6)


def test_a_network_that_is_very_sure_still_has_a_slope_in_float32():
    w = np.float32([30.0, 0.0, 0.0, 0.0, 0.0, 0.0])  # scores 30 and 0: softmax is 1 in float32
    slope = input_slope(Network((2, 2)), w)(np.float32([[1.0, 0.0]]), np.array([0]))
    assert slope.dtype == np.float32
    assert slope[0, 0] < 0


def test_of_a_linear_network_fgsm_takes_exactly_epsilon_times_the_1_norm():
    random = np.random.default_rng(1)
    w, x = random.normal(size=Network((50, 2)).items), np.full((1, 50), 0.5)
    scores = lambda rows: Network((50, 2)).scores(w, rows)[0]
    slope, y = input_slope(Network((50, 2)), w), np.array([0])
    W = w[:100].reshape(50, 2)
    lost = lambda rows: -np.subtract(*(scores(rows) - scores(x)))
    assert lost(fgsm(slope, x, y, EPSILON)) == pytest.approx(EPSILON * abs(W[:, 0] - W[:, 1]).sum())
    by_chance = [lost(random_signs(x, EPSILON, seed)) for seed in range(400)]
    assert np.std(by_chance) == pytest.approx(EPSILON * np.linalg.norm(W[:, 0] - W[:, 1]), rel=0.15)


@pytest.mark.parametrize("attack", adversarial.ATTACKS.values(), ids=adversarial.ATTACKS)
def test_no_pixel_moves_by_more_than_epsilon_or_out_of_the_image(attack):
    network, w, x, y = small()
    x[0, 0] = [0, 1, 0.05, 0.95, 0.5]
    moved = attack(input_slope(network, w), x, y, EPSILON)
    assert moved.shape == x.shape
    assert abs(moved - x).max() <= EPSILON + 1e-12
    assert 0 <= moved.min() <= moved.max() <= 1
    assert np.array_equal(attack(input_slope(network, w), x, y, 0.0), x)


def test_a_borrowed_change_is_that_of_the_image_before():
    network, w, x, y = small()
    slope = input_slope(network, w)
    change = fgsm(slope, x, y, EPSILON) - x
    np.testing.assert_allclose(borrowed(slope, x, y, EPSILON)[:, 1], x[:, 1] + change[:, 0])


def test_one_network_alone_has_no_other_to_show_images_to():
    with pytest.raises(ValueError, match="two seeds or more"):
        measure(NETWORK, np.zeros((1, NETWORK.items)), Images(np.zeros((1, 196)), np.zeros(1)), [0])


@pytest.fixture(scope="module")
def plain():
    return train(NETWORK, small_digits().train, range(3))


@pytest.fixture(scope="module")
def found(plain):
    rows = measure(NETWORK, plain, small_digits().test, [0, EPSILON])
    return {(row.name, row.epsilon): row for row in rows}


@pytest.mark.slow
def test_noise_of_the_same_size_does_little_and_the_gradient_nearly_all(found):
    clean, chance = found["FGSM", 0].own, found["random signs", EPSILON].own
    assert clean.min() > 0.85
    assert (clean - chance).max() < 0.06
    assert found["FGSM", EPSILON].own.max() < 0.45
    assert (found["PGD", EPSILON].own < found["FGSM", EPSILON].own + 0.01).all()
    assert found["FGSM", EPSILON].own.max() < found["FGSM of another image", EPSILON].own.min()
    lengths = [found[name, EPSILON].moved for name in adversarial.ATTACKS]
    assert np.max(lengths) < 1.2 * np.min(lengths)


@pytest.mark.slow
def test_the_images_fool_another_network_and_the_same_one_in_int8(found):
    attacked, chance = found["FGSM", EPSILON], found["random signs", EPSILON]
    assert (attacked.other < chance.other - 0.2).all()
    assert (abs(attacked.int8 - attacked.own) < 0.1).all()


@pytest.mark.slow
def test_who_trains_on_attacked_images_gains_under_attack_and_pays_without(plain):
    parts = small_digits()
    hardened = train(NETWORK, parts.train, range(3), epsilon=EPSILON)
    clean, attacked = measure(NETWORK, hardened, parts.test, [0, EPSILON], {"PGD": pgd})
    before, broken = measure(NETWORK, plain, parts.test, [0, EPSILON], {"PGD": pgd})
    assert attacked.own.min() > broken.own.max() + 0.2
    assert clean.own.mean() < before.own.mean()
