"""Students as packed files: what pruning, bits and gzip make of known weights."""

import gzip

import numpy as np
import pytest

from labkit.datacenter.network import Network
from labkit.datacenter.smaller import distillation, recipes

NETWORK = Network((20, 6, 3))


def test_pruning_takes_the_smallest_weights_of_all_layers_and_no_bias():
    w = NETWORK.start(0)
    for _, bias in NETWORK.layers(w):
        bias[...] = 1e-6
    cut = recipes.pruned(NETWORK, w, 0.5)
    kernels = np.concatenate([kernel.ravel() for kernel, _ in NETWORK.layers(w)])
    limit = np.median(np.abs(kernels))
    for (kernel, bias), (before, _) in zip(NETWORK.layers(cut), NETWORK.layers(w), strict=True):
        assert ((kernel == 0) == (np.abs(before) < limit)).all()
        assert (bias == np.float32(1e-6)).all()


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_packed_weights_lie_within_half_a_step_of_their_own_column(bits):
    w = NETWORK.start(1)
    near, _ = recipes.packed(NETWORK, w, bits)
    for (kernel, _), (before, _) in zip(NETWORK.layers(near), NETWORK.layers(w), strict=True):
        steps = np.abs(before).max(axis=0) / (2 ** (bits - 1) - 1)
        assert (np.abs(kernel - before) <= 0.501 * steps + 1e-6).all()
        assert len(np.unique(kernel[:, 0])) <= 2**bits


def test_a_packed_file_is_as_long_as_gzip_of_its_numbers():
    network = Network((2, 2))
    w = np.float32([1, -0.5, 0.5, 1, 7, 8])  # weights by row, then biases
    _, size = recipes.packed(network, w, 8)
    q, scales = np.int8([[127, -64], [64, 127]]), np.float32([1, 1]) / np.float32(127)
    raw = q.tobytes() + scales.tobytes() + np.float32([7, 8]).tobytes()
    assert size == len(gzip.compress(raw, 6, mtime=0))


def test_zeros_stay_zeros_while_the_others_train_on():
    random = np.random.default_rng(0)
    images = distillation.Images(random.random((80, 20), np.float32), np.full((80, 3), 1 / 3, "f4"))
    start = recipes.pruned(NETWORK, NETWORK.start(0), 0.6)
    for kernel, bias in NETWORK.layers(start):
        kernel[0], bias[...] = 0, 0.1
    after = distillation.train(NETWORK, images, [0.1], 0, steps=5, start=start)[0]
    assert (after[start == 0] == 0).all()
    assert (after[start != 0] != start[start != 0]).mean() > 0.8


def test_each_of_the_three_makes_the_file_smaller():
    sizes = [
        recipes.outcome(recipes.Recipe(*each), seeds=1).size_in_bytes
        for each in ((12, 0.0, 16), (12, 0.0, 8), (12, 0.8, 8), (6, 0.8, 8))
    ]
    assert sizes == sorted(sizes, reverse=True)
