"""The shorter formulas against NumPy's doubles, their gradients against Keras', their limits."""

import os

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow", reason="traced by TensorFlow"
)
RANDOM = np.random.default_rng(0)


def numbers(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def with_gradients(run, *inputs):
    """Return the output of run(*inputs), traced, and the gradients of a sum over it."""
    import tensorflow as tf

    @tf.function(autograph=False)
    def traced(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            found = run(*inputs)
            loss = tf.reduce_sum(tf.sin(found))
        return found, tape.gradient(loss, inputs)

    found, gradients = traced(*map(tf.constant, inputs))
    return [found.numpy(), *(each.numpy() for each in gradients)]


def short(run, *inputs):
    from labkit.networks.formulas import short_formulas

    with short_formulas():
        return with_gradients(run, *inputs)


def close(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("shape", [(6, 4), (3, 5, 8), (2, 3, 4, 5)])
def test_normalization_is_that_of_keras_with_its_gradients(shape):
    from keras import ops

    def run(x, gamma, beta):
        return ops.layer_normalization(x, gamma, beta, epsilon=1e-3)

    inputs = 3 + 2 * numbers(*shape), numbers(shape[-1]), numbers(shape[-1])
    ours = short(run, *inputs)
    close(ours, with_gradients(run, *inputs))
    x, gamma, beta = (each.astype(float) for each in inputs)
    straight = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(ours[0], straight * gamma + beta, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("places", "read"), [(6, 6), (4, 7)])
def test_attention_is_that_of_keras_with_its_gradients(causal, places, read):
    from keras import ops

    def run(query, key, value):
        return ops.dot_product_attention(query, key, value, is_causal=causal)

    inputs = numbers(2, places, 3, 5), numbers(2, read, 3, 5), numbers(2, read, 3, 4)
    ours = short(run, *inputs)
    close(ours, with_gradients(run, *inputs))
    q, k, v = (each.astype(float) for each in inputs)
    logits = np.einsum("bthd,bshd->bhts", q, k) / np.sqrt(5)
    if causal:
        logits = np.where(np.tri(places, read, dtype=bool), logits, -np.inf)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    expected = np.einsum("bhts,bshd->bthd", weights, v)
    np.testing.assert_allclose(ours[0], expected, rtol=1e-5, atol=1e-6)


def test_what_does_not_fit_is_left_to_keras_to_the_last_bit():
    from keras import ops

    mask = np.array([[True, False, True, True]])
    runs = {
        "axes": lambda x: ops.layer_normalization(x, axis=(1, 2), epsilon=1e-3),
        "no scale": lambda x: ops.layer_normalization(x, epsilon=1e-3),
        "half": lambda x: ops.cast(
            ops.layer_normalization(ops.cast(x, "float16"), numbers_of_4, numbers_of_4), "float32"
        ),
        "mask": lambda x: ops.dot_product_attention(x[None], x[None], x[None], mask=mask),
        "bias": lambda x: ops.dot_product_attention(x[None], x[None], x[None], bias=x[:1, :1, 0]),
    }
    numbers_of_4, x = numbers(4), numbers(4, 4, 4)
    for name, run in runs.items():
        for a, b in zip(short(run, x), with_gradients(run, x), strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


def test_afterwards_keras_is_as_it_was_and_an_error_passes():
    import keras.src.backend
    import keras.src.ops.nn

    from labkit.networks.formulas import short_formulas

    def places():
        return keras.src.ops.nn._layer_normalization, keras.src.backend.nn.dot_product_attention

    def fail():
        with short_formulas():
            assert not set(before) & set(places())
            raise ZeroDivisionError

    before = places()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert places() == before


@pytest.mark.slow
def test_only_the_keys_bias_which_changes_nothing_is_rounding_in_both_ways():
    import keras

    from labkit.networks.training import fit

    def trained(way):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((5, 3))
        found = keras.layers.MultiHeadAttention(2, 4)(inputs, inputs, use_causal_mask=True)
        found = keras.layers.LayerNormalization()(found)
        model = keras.Model(inputs, keras.layers.Dense(1)(found))
        model.compile("adam", "mse")
        way(model, x, x[:, :, :1], batch_size=8, epochs=20, verbose=0)
        return {each.path.split("/", 1)[1]: np.array(each) for each in model.weights}

    x = numbers(40, 5, 3)
    ours, theirs = trained(fit), trained(keras.Model.fit)
    for name, kept in ours.items():
        if name == "key/bias":  # softmax is the same whatever is added to all its logits
            assert 0 < np.abs(kept).max() < 1e-3 > np.abs(theirs[name]).max()
        else:
            np.testing.assert_allclose(kept, theirs[name], rtol=1e-5, atol=2e-6, err_msg=name)
