"""Bytes of a shrunk network against files and formulas; its accuracy and its kernels."""

import itertools

import numpy as np
import pytest

from labkit.datacenter.network import Images
from labkit.datacenter.smaller import onnx_runtime, pruning, tradeoff
from labkit.datacenter.smaller import quantization as quantized

WIDTHS = (196, 24, 10)
ITEMS, BIASES = 196 * 24 + 24 * 10, 34


@pytest.fixture(scope="module")
def layers():
    rng = np.random.default_rng(0)
    return [
        (rng.normal(0, k**-0.5, (k, n)).astype(np.float32), rng.normal(0, 0.1, n))
        for k, n in itertools.pairwise(WIDTHS)
    ]


@pytest.fixture(scope="module")
def images(layers):
    """Images whose labels are the network's own answers, so that it reads all of them right."""
    x = np.random.default_rng(1).random((500, 196), np.float32)
    return Images(x, quantized.run_float(layers, x).argmax(axis=1))


@pytest.fixture(scope="module")
def found(layers, images):
    versions = {share: pruning.prune(layers, share) for share in (0.0, 0.8, 0.98)}
    return tradeoff.measure(versions, images.x[:100], images)


def test_a_file_in_float32_is_as_long_as_numpys_arrays_and_zeros_do_not_change_it(found):
    for share in (0.0, 0.8, 0.98):
        assert found[share, 32].size_in_bytes == 4 * (ITEMS + BIASES)


@pytest.mark.parametrize("bits", [8, 4, 3, 2])
def test_a_file_in_few_bits_is_as_long_as_its_bits(found, bits):
    assert found[0.8, bits].size_in_bytes == ITEMS * bits // 8 + 4 * BIASES


def test_gzip_packs_zeros_and_theory_says_about_how_far(found):
    sizes = [found[share, 32].gzip_in_bytes for share in (0.0, 0.8, 0.98)]
    assert sizes[2] < sizes[1] / 2 < sizes[0] / 4
    for share in (0.0, 0.8):
        each = found[share, 32]
        assert 0.8 < each.gzip_in_bytes / each.modeled_bytes < 2


def test_nothing_changed_reads_all_and_little_changed_nearly_all(found):
    assert found[0.0, 32].accuracy == 1
    assert found[0.0, 8].accuracy > 0.97
    assert found[0.98, 2].accuracy < found[0.0, 4].accuracy


def test_few_bits_round_more_weights_to_zero(found):
    zeros = [found[0.0, bits].zeros for bits in (32, 8, 4, 2)]
    assert zeros[0] == 0
    assert zeros == sorted(zeros)
    assert found[0.8, 8].zeros >= found[0.8, 32].zeros == pytest.approx(0.8, abs=1e-3)


@pytest.mark.parametrize("batch", [1, 7])
def test_all_ways_compute_the_same_network(layers, images, batch):
    ways = tradeoff._ways(pruning.prune(layers, 0.6), images.x[:100], batch)
    plain = ways.pop(tradeoff.NUMPY)()
    assert plain.shape == (batch, 10)
    for how, run in ways.items():
        scores = run()
        scores = scores if scores.shape == plain.shape else scores.T.reshape(plain.shape)
        near = 0.1 if how == tradeoff.RUNTIME_INT8 else 1e-4
        np.testing.assert_allclose(scores, plain, atol=near)
    assert (tradeoff.RUNTIME in ways) == onnx_runtime.available()


def test_latencies_have_every_share_batch_and_way(layers, images):
    versions = {0.0: layers, 0.9: pruning.prune(layers, 0.9)}
    times = tradeoff.latencies(versions, images.x[:50], batches=(1, 8), seconds=0)
    ways = 4 if onnx_runtime.available() else 2
    assert len(times) == 2 * 2 * ways
    assert all(seconds > 0 for seconds in times.values())
