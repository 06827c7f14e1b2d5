"""The network of lesson 00: its steps against finite differences, and how good it becomes."""

import numpy as np
import pytest

from labkit.data import load_mnist
from labkit.data.drawing import image_of
from labkit.data.prepare import augment
from labkit.exercises import start as exercise
from labkit.maths import start as maths
from labkit.maths.backprop import network_loss
from labkit.networks.packing import pack, unpack


@pytest.fixture(scope="module")
def digits():
    return load_mnist()


def loss_of(network, images, labels):
    return network_loss(maths.probabilities(network, images), np.eye(10)[labels], "softmax")


def test_one_step_goes_against_the_gradient_by_finite_differences(digits):
    network = maths.new_network(hidden=8, seed=0)
    images, labels = digits.x_train[: maths.BATCH].astype(float), digits.y_train[: maths.BATCH]
    ((share, after),) = maths.learn(network, images, labels, seed=0)
    assert share == 1
    for layer, part, place in ((0, 0, (406, 3)), (0, 1, (3,)), (1, 0, (2, 7)), (1, 1, (4,))):
        step = after[layer][part][place] - network[layer][part][place]
        slope = slope_at(network, layer, part, place, images, labels)
        assert step == pytest.approx(-maths.RATE * slope, rel=1e-4)


def slope_at(network, layer, part, place, images, labels, h=1e-6):
    losses = []
    for change in (h, -h):
        moved = [[array.copy() for array in pair] for pair in network]
        moved[layer][part][place] += change
        losses.append(loss_of(moved, images, labels))
    return (losses[0] - losses[1]) / (2 * h)


def test_a_pass_takes_every_image_once_in_an_order_that_the_seed_decides(digits, monkeypatch):
    seen = []
    monkeypatch.setattr(maths, "_step", lambda network, images, wanted: seen.append(images))
    images = np.arange(100.0).reshape(100, 1, 1, 1)
    shares = [share for share, _ in maths.learn([], images, np.zeros(100, dtype=int), seed=1)]
    assert shares == [1.0]
    assert [len(batch) for batch in seen] == [16, 16, 16, 16, 16, 16, 4]
    order = np.concatenate(seen).ravel().astype(int).tolist()
    assert sorted(order) == list(range(100))
    assert order == np.random.default_rng(1).permutation(100).tolist()


def test_the_network_that_learns_is_left_as_it_was(digits):
    network = maths.new_network(hidden=8, seed=0)
    before = [W.copy() for W, _ in network]
    list(maths.learn(network, digits.x_train[:64], digits.y_train[:64], seed=0))
    assert all((old == W).all() for (W, _), old in zip(network, before, strict=True))


@pytest.mark.slow
def test_it_reads_held_out_digits_also_packed_and_is_sure_of_a_heart(digits):
    """What lesson 00 tells, over three seeds."""
    for seed in range(3):
        network = untrained = maths.new_network(hidden=64, seed=seed)
        for epoch in range(12):
            moved = augment(digits.x_train, 1, 15, seed=1000 * seed + epoch)
            *_, (_, network) = maths.learn(network, moved, digits.y_train, 1000 * seed + epoch)
        assert 0.03 < right(untrained, digits) < 0.17, "about one in ten"
        assert 0.94 < right(network, digits) < 0.97
        assert abs(right(unpack(pack(network)), digits) - right(network, digits)) < 0.006
        heart = maths.probabilities(network, image_of(exercise.HEART, 2.0, center=True)[None])[0]
        assert "sure of one digit" in exercise.saying(heart)
        assert heart.argmax() == 0


def right(network, digits):
    return (maths.probabilities(network, digits.x_test).argmax(axis=1) == digits.y_test).mean()
