"""Recurrent layers against central differences, hand values, theory, and Keras."""

import dataclasses

import numpy as np
import pytest

from labkit.maths import recurrent as maths
from labkit.maths.recurrent import Weights, backward, forward, random_weights

# cell, reset_after
KINDS = [("rnn", True), ("lstm", True), ("gru", True), ("gru", False)]
every_kind = pytest.mark.parametrize(("cell", "reset_after"), KINDS)

MASKS = {
    "none": np.ones((3, 6), bool),
    "post": np.arange(6) < np.array([[6], [4], [1]]),
    "pre": np.arange(6) >= np.array([[0], [2], [5]]),
    "holes": np.array([[1, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 1, 0]], bool),
}


def drawn(cell, reset_after=True, activation="tanh", seed=0):
    weights = random_weights(
        cell, 2, 4, reset_after=reset_after, activation=activation, seed=seed, radius=1.1
    )
    bias = np.random.default_rng(seed).normal(0, 0.3, weights.bias.shape)
    return dataclasses.replace(weights, bias=weights.bias + bias)


def difference(function, array, step=1e-6):
    """Central differences of a function of an array that is changed in place."""
    gradient = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        old, values = array[place], []
        for sign in (1, -1):
            array[place] = old + sign * step
            values.append(function())
        array[place] = old
        gradient[place] = (values[0] - values[1]) / (2 * step)
    return gradient


@every_kind
@pytest.mark.parametrize("mask", MASKS)
def test_backward_equals_central_differences(cell, reset_after, mask):
    random = np.random.default_rng(1)
    weights, x = drawn(cell, reset_after), random.normal(size=(3, 6, 2))
    h0, c0 = random.normal(size=(2, 3, 4))
    wanted = random.normal(size=(3, 6, 4))

    def loss():
        trace = forward(x, weights, MASKS[mask], h0, c0 if cell == "lstm" else None)
        return float((wanted * trace.outputs).sum())

    trace = forward(x, weights, MASKS[mask], h0, c0 if cell == "lstm" else None)
    got = backward(trace, weights, wanted)
    arrays = {name: getattr(weights, name) for name in maths.TRAINED} | {"x": x, "h0": h0}
    arrays |= {"c0": c0} if cell == "lstm" else {}
    for name, array in arrays.items():
        np.testing.assert_allclose(got[name], difference(loss, array), atol=2e-7, err_msg=name)


@pytest.mark.parametrize("activation", ["relu", "linear"])
@every_kind
def test_backward_knows_the_slope_of_every_activation(cell, reset_after, activation):
    random = np.random.default_rng(2)
    weights, x = drawn(cell, reset_after, activation, seed=5), random.normal(size=(2, 4, 2))
    trace = forward(x, weights)
    got = backward(trace, weights, np.ones((2, 4, 4)))["kernel"]
    expected = difference(lambda: float(forward(x, weights).outputs.sum()), weights.kernel)
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_an_lstm_step_by_hand():
    """One unit, one feature: the numbers were worked out with a pocket calculator's functions."""
    from math import exp, tanh

    def s(z):
        return 1 / (1 + exp(-z))

    kernel, recurrent, bias = [0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8], [0.0, 1.0, 0.0, 0.0]
    weights = Weights("lstm", np.array([kernel]), np.array([recurrent]), np.array(bias))
    h, c, gates = maths.lstm_step(np.array([[2.0]]), np.array([[0.5]]), np.array([[-1.0]]), weights)
    i, f, g, o = s(0.2 + 0.25), s(0.4 + 0.3 + 1), tanh(0.6 + 0.35), s(0.8 + 0.4)
    assert c[0, 0] == pytest.approx(f * -1.0 + i * g)
    assert h[0, 0] == pytest.approx(o * tanh(f * -1.0 + i * g))
    assert [float(gates[name][0, 0]) for name in maths.GATES["lstm"]] == pytest.approx([i, f, g, o])


@every_kind
def test_what_is_masked_changes_nothing(cell, reset_after):
    weights, random = drawn(cell, reset_after), np.random.default_rng(3)
    x, mask = random.normal(size=(3, 6, 2)), MASKS["post"]
    other = np.where(mask[..., None], x, 99.0)
    np.testing.assert_array_equal(
        forward(x, weights, mask).outputs, forward(other, weights, mask).outputs
    )
    short = forward(x[2:, :1], weights).outputs[:, -1]
    np.testing.assert_allclose(forward(x, weights, mask).outputs[2:, -1], short)
    grads = backward(forward(x, weights, mask), weights, np.ones((3, 6, 4)))
    assert not grads["x"][~mask].any()


def test_leading_masked_steps_give_zeros_as_in_keras():
    weights = drawn("rnn")
    h0 = np.ones((3, 4))
    trace = forward(np.ones((3, 6, 2)), weights, MASKS["pre"], h0)
    assert not trace.outputs[1, :2].any()
    np.testing.assert_array_equal(trace.states[1, 2], h0[1])


def test_the_two_reset_conventions_differ_and_agree_where_they_must():
    after = drawn("gru", True)
    before = dataclasses.replace(after, bias=after.bias.sum(axis=0), reset_after=False)
    x = np.random.default_rng(4).normal(size=(2, 5, 2))
    assert np.abs(forward(x, after).outputs - forward(x, before).outputs).max() > 0.01
    # From a state of zeros there is nothing to reset: one step agrees but for the second bias.
    plain = dataclasses.replace(after, bias=np.stack([after.bias[0], np.zeros(12)]))
    same = dataclasses.replace(before, bias=after.bias[0])
    np.testing.assert_allclose(
        forward(x[:, :1], plain).outputs, forward(x[:, :1], same).outputs, atol=1e-12
    )


# --- how far back a gradient reaches --------------------------------------------------------------


@pytest.mark.parametrize("radius", [0.5, 0.9, 1.0, 1.1])
def test_without_activation_the_gradient_norm_is_the_radius_to_the_power_of_steps(radius):
    weights = random_weights("rnn", 1, 16, radius=radius, activation="linear")
    trace = forward(np.random.default_rng(0).normal(size=(1, 40, 1)), weights)
    norms = maths.gradient_norms(trace, weights)
    np.testing.assert_allclose(norms, radius ** np.arange(41))
    np.testing.assert_allclose(maths.expected_norms(trace, weights), norms)


@pytest.mark.parametrize("seed", range(5))
def test_with_tanh_it_follows_the_mean_squared_slope(seed):
    weights = random_weights("rnn", 1, 64, radius=0.9, seed=seed)
    trace = forward(np.random.default_rng(seed).normal(size=(1, 60, 1)), weights)
    measured = np.log10(maths.gradient_norms(trace, weights))
    expected = np.log10(maths.expected_norms(trace, weights))
    assert measured[-1] < 60 * np.log10(0.9)  # below the linear law: tanh only takes away
    assert measured[-1] == pytest.approx(expected[-1], rel=0.1)


@every_kind
def test_gradient_norms_are_those_of_the_jacobian_of_central_differences(cell, reset_after):
    weights, x = drawn(cell, reset_after), np.random.default_rng(6).normal(size=(1, 5, 2))
    trace = forward(x, weights)

    def last(unit):
        return float(forward(x, weights).states[0, -1, unit])

    of_x = np.array([difference(lambda u=u: last(u), x)[0] for u in range(4)])  # (unit, step, 2)
    expected = np.sqrt((of_x**2).sum(axis=(0, 2)) / 4)[::-1]
    np.testing.assert_allclose(maths.gradient_norms(trace, weights, of="x"), expected, rtol=1e-5)

    def continued(unit):
        return float(forward(x[:, 2:], weights, h0=state, c0=cells).states[0, -1, unit])

    state = trace.states[:, 2].copy()
    cells = trace.cells[:, 2] if cell == "lstm" else None
    of_state = np.array([difference(lambda u=u: continued(u), state) for u in range(4)])
    norms = maths.gradient_norms(trace, weights)
    assert norms[0] == pytest.approx(1)
    assert norms[3] == pytest.approx(np.sqrt((of_state**2).sum() / 4), rel=1e-6)


def test_an_open_forget_gate_carries_the_cell_state():
    """With all weights 0 the cell state shrinks by sigmoid(bias) a step, and so its gradient."""
    for bias in (1.0, 3.0, 6.0):
        of_gates = np.repeat([0, bias, 0, 0], 3).astype(float)
        weights = Weights("lstm", np.zeros((1, 12)), np.zeros((3, 12)), of_gates)
        trace = forward(np.zeros((1, 20, 1)), weights, c0=np.full((1, 3), 1e-3))
        seen = np.zeros((1, 20, 3))
        seen[:, -1] = 1.0
        got = backward(trace, weights, seen)["c0"][0, 0]
        assert got == pytest.approx(0.5 * maths.sigmoid(bias) ** 20, rel=1e-5)


# --- errors ---------------------------------------------------------------------------------------


def test_bad_input_is_named():
    weights = random_weights("lstm", 2, 3)
    with pytest.raises(ValueError, match=r"\(n, steps, 2\).*\(4, 5\)"):
        forward(np.zeros((4, 5)), weights)
    with pytest.raises(ValueError, match=r"mask.*\(4, 5\).*\(4, 6\)"):
        forward(np.zeros((4, 5, 2)), weights, np.ones((4, 6), bool))
    with pytest.raises(ValueError, match=r"starting state.*\(4, 3\)"):
        forward(np.zeros((4, 5, 2)), weights, h0=np.zeros(3))
    with pytest.raises(ValueError, match=r"\(4, 5, 3\).*\(4, 3\)"):
        backward(forward(np.zeros((4, 5, 2)), weights), weights, np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"cell must be one of.*'elman'"):
        random_weights("elman", 2, 3)
    with pytest.raises(ValueError, match="activation"):
        random_weights("rnn", 2, 3, activation="sine")
    with pytest.raises(ValueError, match="at least 1"):
        random_weights("rnn", 0, 3)
    with pytest.raises(ValueError, match=r"kernel of a lstm.*\(2, 12\).*\(2, 9\)"):
        maths.from_keras([np.ones((2, 9)), np.ones((3, 12)), np.ones(12)], "lstm")
    with pytest.raises(ValueError, match="one sequence"):
        maths.gradient_norms(forward(np.zeros((4, 5, 2)), weights), weights)
    with pytest.raises(ValueError, match="simple RNN"):
        maths.expected_norms(forward(np.zeros((1, 5, 2)), weights), weights)


# --- Keras ----------------------------------------------------------------------------------------


def keras_layer(keras, cell, reset_after, **options):
    kind = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell]
    options |= {"reset_after": reset_after} if cell == "gru" else {}
    return kind(4, bias_initializer=keras.initializers.RandomNormal(0, 0.3), **options)


@pytest.mark.slow
@every_kind
@pytest.mark.parametrize("mask", MASKS)
def test_forward_equals_keras(cell, reset_after, mask):
    from labkit.networks.backend import keras

    x = np.random.default_rng(7).normal(size=(3, 6, 2)).astype("float32")
    layer = keras_layer(keras, cell, reset_after, return_sequences=True)
    theirs = keras.ops.convert_to_numpy(layer(x, mask=MASKS[mask]))
    weights = maths.from_keras(layer.get_weights(), cell)
    assert weights.reset_after == (reset_after and cell == "gru")
    np.testing.assert_allclose(forward(x, weights, MASKS[mask]).outputs, theirs, atol=1e-5)


@pytest.mark.slow
@every_kind
def test_gradients_equal_keras_autodiff(cell, reset_after, keras_in_float64):
    keras = keras_in_float64
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the gradient is taken with TensorFlow's tape")
    import tensorflow as tf

    x = np.random.default_rng(8).normal(size=(3, 6, 2))
    wanted = np.random.default_rng(9).normal(size=(3, 6, 4))
    layer = keras_layer(keras, cell, reset_after, return_sequences=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x, mask=MASKS["post"]) * wanted)
    theirs = tape.gradient(loss, layer.trainable_variables)
    weights = maths.from_keras(layer.get_weights(), cell)
    ours = backward(forward(x, weights, MASKS["post"]), weights, wanted)
    for name, other in zip(maths.TRAINED, theirs, strict=True):
        np.testing.assert_allclose(ours[name], other.numpy(), atol=1e-9, err_msg=name)
