"""Weights in 6 bits: never off by more than half a step, and only for networks a page computes."""

import types

import numpy as np
import pytest
from plain_network import PlainDense, plain_network

from labkit.networks import packing
from labkit.networks.packing import pack, unpack


def test_packed_weights_are_off_by_half_a_step_at_most():
    model = plain_network()
    for layer, (W, b) in zip(model.layers, unpack(pack(model)), strict=True):
        true, bias = layer.get_weights()
        steps = np.abs(true).max(axis=0) / packing.MOST
        assert (np.abs(W - true) <= 0.5001 * steps).all()
        np.testing.assert_allclose(b, bias, rtol=1e-6)


def test_a_unit_without_weights_can_be_packed():
    model = types.SimpleNamespace(
        layers=[PlainDense(np.zeros((784, 10)), np.arange(10.0), "softmax")]
    )
    assert not unpack(pack(model))[0][0].any()


def test_other_layers_and_activations_are_refused_by_name():
    model = plain_network()
    model.layers[0].activation.__name__ = "tanh"
    with pytest.raises(ValueError, match=r"'tanh'.*'relu'"):
        pack(model)
    conv = type("Conv2D", (), {"name": "conv_1"})()
    with pytest.raises(ValueError, match="conv_1 is a Conv2D"):
        pack(types.SimpleNamespace(layers=[conv]))


def layer(kind, **fields):
    return type(kind, (), {"name": kind.lower(), **fields})()


@pytest.mark.parametrize(
    "between", [layer("ReLU"), layer("Activation", activation=np.abs), layer("Relu")]
)
def test_an_activation_may_be_a_layer_of_its_own(between):
    if hasattr(between, "activation"):
        between.activation = types.SimpleNamespace(__name__="relu")
    model = plain_network()
    first, last = model.layers
    apart = [PlainDense(*first.get_weights(), "linear"), between]
    end = [PlainDense(*last.get_weights(), "linear"), layer("Softmax")]
    same = types.SimpleNamespace(layers=[layer("InputLayer"), layer("Reshape"), *apart, *end])
    assert pack(same) == pack(model)


def test_numpy_layers_are_packed_as_a_model_of_the_same_weights():
    model = plain_network()
    assert pack([layer.get_weights() for layer in model.layers]) == pack(model)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([(np.zeros((4, 3)), np.zeros(2))], r"layer 1 has W \(4, 3\) and b \(2,\)"),
        ([(np.zeros(4), np.zeros(4))], "layer 1"),
        (
            [(np.zeros((4, 3)), np.zeros(3)), (np.zeros((4, 2)), np.zeros(2))],
            r"layer 2 has W \(4, 2\).*\(3, units\)",
        ),
    ],
)
def test_numpy_layers_that_do_not_fit_are_refused_by_number(layers, message):
    with pytest.raises(ValueError, match=message):
        pack(layers)
