"""The fused LSTM kernel against Keras' own LSTM: outputs, gradients, and what it leaves alone."""

import os

import numpy as np
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow", reason="a TensorFlow kernel"
    ),
]
LAYERS = {
    "last output": {},
    "whole sequence": {"return_sequences": True},
    "with state": {"return_state": True},
    "backward": {"go_backwards": True, "return_sequences": True},
    "dropout": {"dropout": 0.3, "seed": 1},
}


def traced(settings, features, fused, mask=None):
    """Return outputs and gradients of a seeded layer, and the operations that its graph holds."""
    import keras
    import tensorflow as tf

    from labkit.networks.fused import fused_lstm

    random = np.random.default_rng(0)
    x = tf.constant(random.normal(size=(5, 7, features)).astype("float32"))
    keras.utils.set_random_seed(0)
    layer = keras.layers.LSTM(6, bias_initializer="normal", **settings)
    layer.build(x.shape)

    @tf.function(autograph=False)
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            found = layer(x, mask=mask, training=True)
            parts = tf.nest.flatten(found)
            loss = sum(tf.reduce_sum(tf.sin(part)) for part in parts)
        return parts, tape.gradient(loss, [x, *layer.trainable_variables])

    if fused:
        with fused_lstm():
            graph = run.get_concrete_function(x)
    else:
        graph = run.get_concrete_function(x)
    bodies = graph.graph.as_graph_def().library.function
    kinds = {node.op for node in graph.graph.as_graph_def().node}
    kinds |= {node.op for body in bodies for node in body.node_def}
    return [a.numpy() for a in tf.nest.flatten(run(x))], kinds


@pytest.mark.parametrize("features", [1, 4])
@pytest.mark.parametrize("kind", LAYERS)
def test_outputs_and_gradients_equal_those_of_keras(kind, features):
    ours, kinds = traced(LAYERS[kind], features, fused=True)
    theirs, plain = traced(LAYERS[kind], features, fused=False)
    assert "BlockLSTM" in kinds, "the fused kernel was not used"
    assert "BlockLSTM" not in plain
    assert len(ours) == len(theirs)
    for here, there in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(here, there, atol=1e-5)


def tanh(z):  # LeCun's, of the same name as another function
    import keras

    return 1.7159 * keras.ops.tanh(2 * z / 3)


@pytest.mark.parametrize(
    ("settings", "mask"),
    [
        ({"activation": "relu"}, None),
        ({"activation": tanh}, None),
        ({"use_bias": False}, None),
        ({"recurrent_dropout": 0.2}, None),
        ({"unroll": True}, None),
        ({}, np.array([[True] * 5 + [False] * 2] * 5)),
    ],
)
def test_what_the_kernel_cannot_do_is_left_to_keras(settings, mask):
    ours, kinds = traced(settings, 4, fused=True, mask=mask)
    assert "BlockLSTM" not in kinds
    theirs, _ = traced(settings, 4, fused=False, mask=mask)
    if "recurrent_dropout" not in settings:
        for here, there in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(here, there, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("threads", [1, 2])
def test_stacked_layers_equal_those_of_keras(threads, n, monkeypatch):
    """Between them the sequence stays as the kernel has it; what comes out must not differ."""
    import keras
    import tensorflow as tf

    from labkit.networks import fused
    from labkit.networks.fused import fused_lstm

    monkeypatch.setattr(fused, "_threads", lambda: threads)
    monkeypatch.setattr(fused, "UNITS_TO_SHARE", 4)  # the last layer stays whole
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((9, 3)),
            layers.LSTM(5, return_sequences=True),
            layers.Dropout(0.0),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.LSTM(6, return_sequences=True),
            layers.LSTM(2),
        ]
    )
    x = tf.constant(np.random.default_rng(0).normal(size=(n, 9, 3)).astype("float32"))
    run = tf.function(lambda x: model(x, training=True), autograph=False)
    with fused_lstm():
        ours = run(x)
    assert (
        str(run.get_concrete_function(x).graph.as_graph_def()).count('op: "BlockLSTM"')
        == 1 + 4 * threads
    )
    np.testing.assert_allclose(ours, model(x, training=True), atol=1e-6)


def test_nothing_stays_changed():
    from keras.src.layers.rnn import lstm

    from labkit.networks.fused import fused_lstm

    before = lstm.backend.lstm
    with fused_lstm():
        assert lstm.backend.lstm is not before
    with pytest.raises(ZeroDivisionError), fused_lstm():
        _ = 1 / 0
    assert lstm.backend.lstm is before


@pytest.mark.slow
def test_without_being_told_tensorflow_may_use_the_cores_of_this_process(monkeypatch):
    from labkit.networks import fused

    monkeypatch.delenv("TF_NUM_INTEROP_THREADS", raising=False)
    monkeypatch.setattr(fused, "cores", lambda: 7)
    assert fused._threads() == 7
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "3")
    assert fused._threads() == 3
