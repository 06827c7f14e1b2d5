"""The trials of lesson 02: their gradient, and what a start of a network costs."""

import numpy as np
import pytest

from labkit.maths import loss_trials as trials


@pytest.mark.parametrize("low", [-1.0, 0.0])
def test_many_networks_have_the_gradients_of_their_losses(low):
    rng = np.random.default_rng(0)
    w, X = rng.normal(size=(3, 13)), rng.random((3, 7, 2))
    y = np.where(rng.random((3, 7, 1)) < 0.5, low, 1.0)
    found = trials._gradient(w, X, y)
    for place in range(13):
        move = 1e-6 * np.eye(13)[place]
        measured = (trials._losses(w + move, X, y) - trials._losses(w - move, X, y)) / 2e-6
        np.testing.assert_allclose(found[:, place], measured, atol=1e-8)


def test_a_single_network_is_a_row_of_them():
    w = np.random.default_rng(1).normal(size=(4, 13))
    all_at_once = trials._losses(w, trials._CORNERS, trials._XOR)
    alone = [trials._losses(row[None], trials._CORNERS, trials._XOR)[0] for row in w]
    np.testing.assert_allclose(all_at_once, alone)


def test_one_sided_loss_holds_no_probability_back():
    assert 0.999 < trials.one_sided_bias() < 1
