"""The rule that gives each way of training its learning rate."""

import numpy as np
import pytest

from labkit.datacenter.network import Network, draw_batch, small_digits
from labkit.datacenter.tuning import RATES, tune

NETWORK = Network((196, 6, 10))


@pytest.fixture(scope="module")
def parts():
    return [small_digits(seed) for seed in range(2)]


def train(images, rates, seed, steps=12):
    w = np.tile(NETWORK.start(seed), (len(rates), 1))
    for step in range(steps):
        x, y = draw_batch(images, (24,), seed, step)
        w -= np.float32(rates)[:, None] * NETWORK.gradient(w, x, y)
    return w


def test_the_rate_is_the_best_of_the_validation_images_and_the_test_images_see_it_once(parts):
    found = tune(train, parts, RATES, NETWORK)
    means = {rate: values.mean() for rate, values in found.validation.items()}
    assert found.learning_rate == max(means, key=means.get)
    assert not found.at_the_edge
    for seed, each in enumerate(parts):
        (w,) = train(each.train, [found.learning_rate], seed)
        assert found.test[seed] == NETWORK.accuracy(w, each.test)


def test_the_two_halfway_rates_lie_beside_the_best_of_the_first_ones(parts):
    found = tune(train, parts, RATES, NETWORK)
    halfway = sorted(set(found.validation) - set(RATES))
    best = max(RATES, key=lambda rate: found.validation[rate].mean())
    assert halfway == pytest.approx([best / 2**0.5, best * 2**0.5])


def test_a_best_rate_at_the_edge_is_told(parts):
    low = tune(train, parts, [0.005, 0.01, 0.02], NETWORK)
    assert low.at_the_edge


def test_no_image_is_in_two_parts(parts):
    for each in parts:
        rows = np.concatenate([part.x for part in each])
        assert len(rows) == 5000
        assert len({row.tobytes() for row in rows}) > 4990  # MNIST itself repeats hardly any
        assert [np.bincount(part.y).tolist() for part in each] == [[300] * 10] + 2 * [[100] * 10]
