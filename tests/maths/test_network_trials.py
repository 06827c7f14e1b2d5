"""What labels of -1 do to a network, and whether the XOR listing learns."""

import numpy as np
import pytest

from labkit.maths import backprop as maths
from labkit.maths import network_trials as trials

PAIRS = np.random.default_rng(0).random((1000, 2))
TRUE = (PAIRS[:, :1] > PAIRS[:, 1:]).astype(float)


def test_networks_with_wrong_labels_form_two_clouds_and_none_stands_at_their_mean():
    losses, yes = trials.larger_of_two(PAIRS, 2 * TRUE - 1)
    assert losses[-1].max() < -100  # no floor at 0
    assert (np.diff(losses[-6:], axis=0) < 0).all()
    printed = (yes == 2 * TRUE[:, 0] - 1).mean(axis=1)
    low = printed < 0.05
    assert 2 <= low.sum() <= 18
    assert printed[~low].min() > 0.3
    assert not (abs(printed - printed.mean()) < 0.05).any()
    assert ((~yes).all(axis=1) == low).all()  # they say no to every pair


def test_with_labels_0_and_1_the_losses_are_those_of_networks_that_learn():
    losses, yes = trials.larger_of_two(PAIRS, TRUE)
    assert losses.min() > 0
    assert (losses[-1] < np.log(2) / 2).all()
    assert ((yes == TRUE[:, 0]).mean(axis=1) > 0.95).all()


def test_the_twenty_networks_go_the_way_of_one():
    losses, _ = trials.larger_of_two(PAIRS[:70], TRUE[:70], seed=3, epochs=2)
    (W1, b1), (W2, b2) = maths.glorot_layers([2, 3, 1], 3, stack=20)
    alone = [(W1[7], b1[7]), (W2[7], b2[7])]
    for batch in (slice(0, 50), slice(50, 70)) * 2:
        outputs = maths.forward(alone, PAIRS[:70][batch])
        gradients = maths.backward(alone, outputs, TRUE[:70][batch])
        alone = maths.descend_layers(alone, gradients, 1.0)
    loss = maths.network_loss(maths.forward(alone, PAIRS[:70])[-1], TRUE[:70])
    assert losses[-1, 7] == pytest.approx(float(loss), rel=1e-9)


def test_clouds_that_lie_far_apart_are_told_apart():
    near, far = trials.clouds(0.6), trials.clouds(3.0)
    assert 1 / 3 < near < far
    assert far > 0.99
