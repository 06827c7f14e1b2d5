"""Where Keras computes, cuDNN's conditions against Keras' own, memory against Keras' variables."""

import importlib
import itertools

import numpy as np
import pytest

from labkit.networks import devices
from labkit.networks.devices import Device

pytestmark = pytest.mark.slow  # Keras


def test_the_words_say_what_is_used_and_what_is_not():
    used = devices.in_words(Device("gpu", "H200", "jax"), cards=["H200, 141 GB"])
    assert used == "Keras on jax computes on the GPU (H200)."
    idle = devices.in_words(Device("cpu", "a processor", "tensorflow"), cards=["H200, 141 GB"])
    assert "There is H200, 141 GB, but this build of tensorflow cannot use it." in idle


def test_weights_lie_on_the_device_that_is_said():
    from labkit.networks.backend import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    (place,) = devices.where(model)
    assert place.lower().startswith("cpu") == (devices.device().kind == "cpu")


def test_a_copy_is_a_copy():
    from labkit.networks.backend import keras

    array = np.arange(5, dtype=np.float32)
    there = devices.put(array)
    array[:] = -1
    assert keras.ops.convert_to_numpy(there).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_chain_computes_what_it_is_said_to(compiled):
    from labkit.networks.backend import keras

    call = devices.chain(3, 4, compiled)
    if call:
        assert keras.ops.convert_to_numpy(call()).tolist() == [0, 0, 0, 0]


# --- cuDNN --------------------------------------------------------------------------------------

GRID = list(itertools.product(("tanh", "relu"), ("sigmoid", "hard_sigmoid"), (0, 1), (0, 1)))


@pytest.mark.parametrize(("first", "gates", "unroll", "bias"), GRID)
def test_a_layer_breaks_a_condition_exactly_when_keras_says_so(
    first, gates, unroll, bias, monkeypatch
):
    from labkit.networks.backend import keras

    layer = keras.layers.LSTM(
        3, first, recurrent_activation=gates, unroll=bool(unroll), use_bias=bool(bias)
    )
    found = devices.cudnn_breaks(layer)
    asked = layer.activation, layer.recurrent_activation, layer.unroll
    assert (not found) == _keras_says(asked, bool(bias), monkeypatch)
    assert len(found) == (first != "tanh") + (gates != "sigmoid") + unroll + (not bias)


def _keras_says(asked, bias, monkeypatch) -> bool:
    """Return what the backend's `cudnn_ok` says where there is a card."""
    rnn = importlib.import_module(f"keras.src.backend.{devices._backend()}.rnn")
    for name in ("_is_gpu_available", "_is_cuda_cudnn_available"):
        if hasattr(rnn, name):
            monkeypatch.setattr(rnn, name, lambda: True)
    return bool(rnn.cudnn_ok(*asked, use_bias=bias))


def test_the_backends_own_functions_count_as_keras_does(monkeypatch):
    from labkit.networks.backend import keras

    backend = devices._backend()
    if backend == "jax":
        own = importlib.import_module("jax.numpy").tanh
    else:
        own = importlib.import_module(backend).tanh
    layer = keras.layers.LSTM(3, activation=own)
    fine = _keras_says((layer.activation, layer.recurrent_activation, False), True, monkeypatch)
    assert (not devices.cudnn_breaks(layer)) == fine


def test_dropout_between_steps_and_a_ban_are_told():
    from labkit.networks.backend import keras

    LSTM = keras.layers.LSTM
    assert "between the steps" in devices.cudnn_breaks(LSTM(3, recurrent_dropout=0.1))[0]
    assert "forbids" in devices.cudnn_breaks(LSTM(3, use_cudnn=False))[0]
    assert devices.cudnn_breaks(LSTM(3, dropout=0.5, return_sequences=True)) == []


def test_masks_and_formats_depend_on_the_backend():
    from labkit.networks.backend import keras

    plain, half = keras.layers.LSTM(3), keras.layers.LSTM(3, dtype="mixed_bfloat16")
    allowed = {
        backend: [m for m in devices.MASKS if not devices.cudnn_breaks(plain, backend, m)]
        for backend in ("tensorflow", "jax", "torch")
    }
    assert allowed == {"tensorflow": ["none", "right"], "jax": ["none"], "torch": ["none"]}
    assert "float32 alone" in devices.cudnn_breaks(half, "jax")[0]
    assert devices.cudnn_breaks(half, "tensorflow") == []


def test_other_layers_and_unknown_words_are_refused():
    from labkit.networks.backend import keras

    with pytest.raises(TypeError, match=r"must be a keras\.layers\.LSTM\. Received: GRU"):
        devices.cudnn_breaks(keras.layers.GRU(3))
    with pytest.raises(ValueError, match="mask must be one of"):
        devices.cudnn_breaks(keras.layers.LSTM(3), mask="middle")
    with pytest.raises(ValueError, match="backend must be one of"):
        devices.cudnn_breaks(keras.layers.LSTM(3), backend="theano")


# --- memory and formats ---------------------------------------------------------------------------


def test_memory_is_that_of_the_variables_and_outputs_that_keras_has():
    from labkit.networks.backend import keras

    L = keras.layers
    model = keras.Sequential([keras.Input((6, 6, 1)), L.Conv2D(2, 3), L.Flatten(), L.Dense(5)])
    model.compile("adam", "mse")
    model.train_on_batch(np.zeros((4, 6, 6, 1), np.float32), np.zeros((4, 5), np.float32))
    arrays = lambda variables: [keras.ops.convert_to_numpy(v) for v in variables]
    size = lambda variables: sum(each.nbytes for each in arrays(variables) if each.ndim)
    found = devices.memory(model, 4)
    assert found.parameters == found.gradients == size(model.weights)
    assert found.optimizer == size(model.optimizer.variables)
    assert found.activations == 4 * 4 * (4 * 4 * 2 + 4 * 4 * 2 + 5)
    assert found.total == sum(found)
    model.layers[0].trainable = False
    assert devices.memory(model, 4).gradients == size(model.layers[-1].weights)


def test_memory_needs_a_compiled_model_and_an_example():
    from labkit.networks.backend import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match="not compiled"):
        devices.memory(model, 1)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"at least 1\. Received: 0"):
        devices.memory(model, 0)
    assert devices.memory(model, 1).optimizer == 0


def test_tf32_keeps_ten_bits_of_the_fraction_and_the_range():
    x = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    scale = 2.0 ** np.floor(np.log2(np.abs(x)))
    exact = np.sign(x) * np.floor(np.abs(x) / scale * 1024 + 0.5) / 1024 * scale
    assert np.array_equal(devices.tf32(x), exact.astype(np.float32))
    edges = np.float32([0, 1e-30, -1e30, 65504 * 2])
    assert np.allclose(devices.tf32(edges), edges, rtol=2**-11)
