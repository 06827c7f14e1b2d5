"""The network that workers train: its gradient against finite differences and Keras."""

import numpy as np
import pytest

from labkit.datacenter.distributed import ring
from labkit.datacenter.network import Network
from labkit.datacenter.workers import Workers
from labkit.maths.backprop import numeric_gradient

NETWORK = Network((20, 16, 12, 5))
AVERAGES = [None, lambda numbers: numbers.mean(axis=0)]


def digits_like():
    """Five classes that overlap."""
    rng = np.random.default_rng(7)
    y = rng.integers(0, 5, 400)
    return rng.normal(size=(400, 20)) + 0.7 * rng.normal(size=(5, 20))[y], y


@pytest.mark.parametrize("average", AVERAGES)
def test_gradient_is_that_of_finite_differences_with_and_without_batch_norm(average):
    network, (x, y) = Network((20, 6, 5)), digits_like()
    w, batch = network.start(3, "float64"), (x[:30], y[:30])
    slope = numeric_gradient(lambda w: network.loss(w, *batch, average), w)
    np.testing.assert_allclose(network.gradient(w, *batch, average), slope, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("average", AVERAGES)
def test_gradient_and_loss_are_those_of_keras(keras_in_float64, average):
    keras = keras_in_float64
    norm = {"center": False, "scale": False, "momentum": 0.0}
    layers = [keras.Input((20,))]
    for units in NETWORK.widths[1:-1]:
        layers.append(keras.layers.Dense(units))
        layers += [keras.layers.BatchNormalization(**norm)] * bool(average)
        layers.append(keras.layers.ReLU())
    model = keras.Sequential([*layers, keras.layers.Dense(5)])
    w, batch = NETWORK.start(2, "float64"), digits_like()
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    for layer, pair in zip(dense, NETWORK.layers(w), strict=True):
        layer.set_weights(pair)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1.0), loss)  # one step moves the weights by the gradient
    told = float(model.train_on_batch(*batch))
    after = np.concatenate([a.ravel() for layer in dense for a in layer.get_weights()])
    np.testing.assert_allclose(NETWORK.gradient(w, *batch, average), w - after, atol=1e-6)
    assert NETWORK.loss(w, *batch, average) == pytest.approx(told, abs=1e-6)


def test_many_networks_and_batches_at_once_are_each_by_itself():
    rng, (x, y) = np.random.default_rng(0), digits_like()
    w = rng.normal(size=(3, 1, NETWORK.items))
    x, y = x.reshape(4, 100, 20), y.reshape(4, 100)
    found = NETWORK.gradient(w, x, y)
    assert found.shape == (3, 4, NETWORK.items)
    for k, b in np.ndindex(3, 4):
        alone = NETWORK.gradient(w[k, 0], x[b], y[b])
        np.testing.assert_allclose(found[k, b], alone, rtol=0, atol=1e-12)
        assert NETWORK.loss(w, x, y)[k, b] == pytest.approx(NETWORK.loss(w[k, 0], x[b], y[b]))


def test_shards_weighted_by_their_rows_add_up_and_an_empty_one_adds_nothing():
    (x, y), w = digits_like(), NETWORK.start(0)
    parts = [slice(0, 0), slice(0, 17), slice(17, 400)]
    gradients = [len(x[p]) / 400 * NETWORK.gradient(w, x[p], y[p]) for p in parts]
    assert not gradients[0].any()
    np.testing.assert_allclose(sum(gradients), NETWORK.gradient(w, x, y), atol=1e-12)


def test_a_vector_and_its_layers_are_the_same_memory():
    w = NETWORK.start(0)
    layers = NETWORK.layers(w)
    np.testing.assert_array_equal(np.concatenate([a.ravel() for pair in layers for a in pair]), w)
    layers[0][0][...] = 0
    assert not w[: 20 * 16].any()


def test_batch_norm_by_shard_is_off_and_synchronized_means_mend_it():
    x, y = digits_like()
    w, whole = NETWORK.start(0, "float64"), AVERAGES[1]

    def gradient(worker, synchronized):
        def average(numbers):
            mean = numbers.mean(axis=0) / worker.size
            return ring(worker, mean) if synchronized else worker.size * mean

        mine = slice(worker.rank, None, worker.size)
        return ring(worker, NETWORK.gradient(w, x[mine], y[mine], average) / worker.size)

    with Workers(4) as workers:
        for size in (2, 4):
            off = [
                np.abs(workers.run(gradient, way, size=size)[0] - NETWORK.gradient(w, x, y, whole))
                for way in (True, False)
            ]
            assert off[0].max() < 1e-12
            assert off[1].max() > 1e-3
