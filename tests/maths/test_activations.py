"""Activations: hand values, SciPy and Keras as witnesses, extreme inputs, theory in wide networks.

The slopes are compared with finite differences in test_maths_gradients.py.
"""

import numpy as np
import pytest
from scipy import special

from labkit.maths import activations as a

# Keras 3 hands its tensors to NumPy in a way that NumPy 2 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EVERYWHERE = np.concatenate([np.linspace(-30, 30, 1201), [-1000, -745, -100, 100, 710, 1000]])
every_activation = pytest.mark.parametrize("name", a.ACTIVATIONS)


def rows(shape=(50, 7), scale=10):
    return np.random.default_rng(0).normal(0, scale, shape)


# --- values


def test_hand_values():
    inputs = [-2, -1, 0, 1, 2]
    table = [0.11920292, 0.26894142, 0.5, 0.73105858, 0.88079708]
    np.testing.assert_allclose(a.sigmoid(inputs), table, atol=5e-9)
    table = [-0.96402758, -0.76159416, 0, 0.76159416, 0.96402758]
    np.testing.assert_allclose(a.tanh(inputs), table, atol=5e-9)
    np.testing.assert_array_equal(a.relu(inputs), [0, 0, 0, 1, 2])
    np.testing.assert_allclose(a.elu(inputs)[:2], [np.exp(-2) - 1, np.exp(-1) - 1], rtol=1e-15)
    np.testing.assert_allclose(a.leaky_relu(inputs, 0.01)[:2], [-0.02, -0.01], rtol=1e-15)
    np.testing.assert_allclose(a.silu(inputs), np.array(inputs) * a.sigmoid(inputs), rtol=1e-15)


def test_scipy_agrees():
    x = EVERYWHERE
    np.testing.assert_allclose(a.sigmoid(x), special.expit(x), rtol=1e-14, atol=1e-320)
    np.testing.assert_allclose(a.gelu(x), x * special.ndtr(x), rtol=1e-12, atol=1e-300)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(a.gelu_grad(x), special.ndtr(x) + x * density, atol=1e-15)
    for z in (rows(), rows(scale=1000), rows((2, 3, 4))):
        np.testing.assert_allclose(a.softmax(z), special.softmax(z, axis=-1), rtol=1e-11)
        np.testing.assert_allclose(a.log_softmax(z), special.log_softmax(z, axis=-1), rtol=1e-13)


@pytest.mark.slow
@every_activation
def test_keras_agrees_with_values_and_slopes(name):
    """In 64-bit numbers, with Keras' own functions and TensorFlow's automatic slopes."""
    tf = pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")

    options = {"gelu": {"approximate": False}, "gelu_tanh": {"approximate": True}}.get(name, {})
    function = getattr(keras.activations, name.replace("_tanh", ""))
    x = tf.constant(EVERYWHERE, "float64")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x, **options)
    activation = a.find(name)
    np.testing.assert_allclose(activation.value(EVERYWHERE), y.numpy(), rtol=1e-6, atol=1e-6)
    slope = tape.gradient(y, x).numpy()
    np.testing.assert_allclose(activation.slope(EVERYWHERE), slope, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_keras_agrees_with_softmax():
    keras = pytest.importorskip("keras")
    for z in (rows(), 100 * rows()):
        for ours, theirs in [
            (a.softmax, keras.activations.softmax),
            (a.log_softmax, keras.activations.log_softmax),
        ]:
            theirs = keras.ops.convert_to_numpy(theirs(keras.ops.convert_to_tensor(z, "float64")))
            np.testing.assert_allclose(ours(z), theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_what_the_lesson_shows_of_keras_is_rounding():
    pytest.importorskip("keras")
    from labkit.networks.activations import gaps

    found = gaps(a.ACTIVATIONS, EVERYWHERE)
    assert {"sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu"} <= set(found)
    assert max(found.values()) < 1e-5
    twice = {"relu": a.Activation("relu", "", lambda x: 2 * a.relu(x), a.relu_grad)}
    assert gaps(twice, EVERYWHERE)["relu"] > 1


# --- extremes


# Limits at -1000 and 1000: value, slope.
LIMITS = {
    "linear": [(-1000, 1), (1000, 1)],
    "sigmoid": [(0, 0), (1, 0)],
    "tanh": [(-1, 0), (1, 0)],
    "relu": [(0, 0), (1000, 1)],
    "leaky_relu": [(-200, 0.2), (1000, 1)],
    "elu": [(-1, 0), (1000, 1)],
    "gelu": [(0, 0), (1000, 1)],
    "gelu_tanh": [(0, 0), (1000, 1)],
    "silu": [(0, 0), (1000, 1)],
}


@every_activation
def test_it_is_right_at_a_thousand_and_silent_about_it(name):
    activation, x = a.find(name), np.array([-1000.0, 1000.0])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        got = np.stack([activation.value(x), activation.slope(x)], axis=1)
        np.testing.assert_array_equal(got, LIMITS[name])
        assert np.isfinite(activation.value(1e300 * np.sign(x))).all()
        assert np.isfinite(activation.slope(1e300 * np.sign(x))).all()


def test_softmax_is_right_at_a_thousand():
    z = np.array([[1000, 0, -1000], [-1000, -1000, -1000], [1000, 1000, -1000]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(a.softmax(z), [[1, 0, 0], [1 / 3] * 3, [0.5, 0.5, 0]])
        ln2, ln3 = np.log([2, 3])
        logs = [[0, -1000, -2000], [-ln3] * 3, [-ln2, -ln2, -2000 - ln2]]
        np.testing.assert_allclose(a.log_softmax(z), logs, rtol=1e-15)
        assert np.isfinite(a.softmax_grad(z)).all()


def test_far_tails_keep_their_digits():
    """Where 1 - s and 1 - tanh^2 round to 0, the slopes are still there."""
    assert a.sigmoid_grad(50.0) == pytest.approx(np.exp(-50), rel=1e-12)
    assert a.tanh_grad(30.0) == pytest.approx(4 * np.exp(-60), rel=1e-12)
    assert a.gelu(-10.0) == pytest.approx(-10 * special.ndtr(-10), rel=1e-12)
    slopes = a.softmax_grad([0.0, 50.0])
    assert slopes[1, 1] == pytest.approx(np.exp(-50), rel=1e-12)


def test_nan_stays_nan():
    for name in a.ACTIVATIONS:
        assert np.isnan(a.find(name).value(np.nan)), name


# --- symmetries


def test_symmetries():
    x = np.linspace(-20, 20, 401)
    np.testing.assert_allclose(a.sigmoid(x) + a.sigmoid(-x), 1, rtol=1e-15)
    np.testing.assert_allclose(a.tanh(x), 2 * a.sigmoid(2 * x) - 1, atol=1e-15)
    for gate in (a.gelu, a.gelu_tanh, a.silu):
        np.testing.assert_allclose(gate(x) - gate(-x), x, atol=1e-14)
    np.testing.assert_allclose(a.elu(x, alpha=3.0)[x < 0], 3 * a.elu(x)[x < 0])


def test_softmax_of_two_is_the_sigmoid_of_the_difference():
    z = rows((40, 2))
    np.testing.assert_allclose(a.softmax(z)[:, 0], a.sigmoid(z[:, 0] - z[:, 1]), rtol=1e-12)


def test_softmax_does_not_see_a_shift_and_rows_sum_to_one():
    z = rows()
    np.testing.assert_allclose(a.softmax(z), a.softmax(z + 300), rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(a.softmax(z).sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(a.softmax_grad(z).sum(axis=2), 0, atol=1e-15)
    np.testing.assert_allclose(a.log_softmax(z), np.log(a.softmax(z)), rtol=1e-9, atol=1e-15)


@every_activation
def test_shapes_stay_and_the_input_is_left_alone(name):
    activation = a.find(name)
    for shape in [(), (3,), (3, 1), (2, 3, 4)]:
        x = np.ones(shape)
        assert activation.value(x).shape == activation.slope(x).shape == shape
        if shape:
            activation.value(x)[...] += 1
        np.testing.assert_array_equal(x, 1)


@every_activation
def test_what_is_no_number_is_refused(name):
    for wrong in ("1", None, [1j], ["a", 2], [None, 1.0]):
        with pytest.raises(TypeError, match="real numbers"):
            a.find(name).value(wrong)


def test_softmax_refuses_what_has_no_classes():
    for wrong in (3.0, np.zeros((4, 0))):
        for function in (a.softmax, a.log_softmax, a.softmax_grad):
            with pytest.raises(ValueError, match="classes"):
                function(wrong)


def test_unknown_names_are_refused_with_those_known():
    with pytest.raises(ValueError, match=r"swish.*silu"):
        a.find("swish")
    with pytest.raises(ValueError, match=r"glorot.*xavier"):
        a.weight_std("glorot", 3, 3)
    with pytest.raises(ValueError, match=r"fan_out.*0"):
        a.weight_std("he", 3, 0)
    with pytest.raises(ValueError, match=r"\(5, 9\)"):
        a.propagate("relu", 1.0, a.draw_networks(2, 8, 1), np.ones((5, 9)))


# --- depth


def test_one_layer_by_hand():
    """Signal and gradient of a 1-unit network with weight 3, input 2: z = 6, then z = 18."""
    networks = np.full((2, 1, 1, 1), 3.0)
    flow = a.propagate("relu", 1.0, networks, np.array([[2.0]]), seed=4)
    arriving = np.random.default_rng(4).standard_normal((1, 1, 1)).item()
    np.testing.assert_allclose(flow.signal[:, 0], [6, 18])
    np.testing.assert_allclose(flow.gradient[:, 0], [3 * abs(arriving), abs(arriving)])
    np.testing.assert_array_equal(flow.silent, 0)


@every_activation
def test_the_backward_pass_is_the_derivative_of_the_forward_pass(name):
    networks, std = a.draw_networks(3, 4, 1), 0.7
    arriving = np.random.default_rng(9).standard_normal((1, 1, 4))
    x = np.random.default_rng(1).standard_normal((1, 4))

    def loss_after_first(z):
        h = a.find(name).value(z)
        for weights in networks[1:, 0]:
            h = a.find(name).value(std * h @ weights)
        return float(np.sum(arriving[0] * h))

    z = std * x @ networks[0, 0]
    nudges = 1e-6 * np.eye(4)
    numeric = [(loss_after_first(z + n) - loss_after_first(z - n)) / 2e-6 for n in nudges]
    flow = a.propagate(name, std, networks, x, seed=9)
    assert flow.gradient[0, 0] == pytest.approx(np.sqrt(np.mean(np.square(numeric))), rel=1e-5)


@pytest.mark.parametrize("initialization", a.INITIALIZATIONS)
@every_activation
def test_one_wide_layer_does_what_theory_says(name, initialization):
    width = 400
    std = a.weight_std(initialization, width, width)
    inputs = np.random.default_rng(0).standard_normal((16, width))
    inputs /= np.sqrt(np.mean(inputs**2))
    flow = a.propagate(name, std, a.draw_networks(2, width, 3), inputs)
    signal, gradient = a.theory(name, std, 2, width)
    np.testing.assert_allclose(np.sqrt(np.mean(flow.signal**2, axis=1)), signal, rtol=0.1)
    np.testing.assert_allclose(np.sqrt(np.mean(flow.gradient**2, axis=1)), gradient, rtol=0.12)


def test_theory_of_straight_and_half_straight_lines_is_exact():
    for name, gain in [("linear", 1), ("relu", 2)]:
        signal, gradient = a.theory(name, np.sqrt(gain / 64), 30, 64)
        np.testing.assert_allclose(signal, signal[0], rtol=1e-9)
        np.testing.assert_allclose(gradient, gradient[-1], rtol=1e-9)
    signal, _ = a.theory("relu", np.sqrt(1 / 64), 11, 64)
    assert signal[-1] / signal[0] == pytest.approx(2**-5, rel=1e-9)


def test_networks_are_fresh_for_each_seed_and_the_same_again():
    first, second = a.draw_networks(2, 3, 2, seed=5), a.draw_networks(2, 3, 1, seed=6)
    np.testing.assert_array_equal(first[:, 1], second[:, 0])
    assert (first[:, 0] != first[:, 1]).all()
    assert np.std(a.draw_networks(5, 50, 2)) == pytest.approx(1, abs=0.02)


def test_silent_units_are_those_off_for_every_sample():
    networks = np.array([[[[1.0, -1.0], [1.0, -1.0]]]])  # second unit gets minus the sum
    assert a.propagate("relu", 1.0, networks, np.ones((3, 2))).silent.item() == 0.5
    both = np.array([[1.0, 1.0], [-1.0, -1.0]])
    assert a.propagate("relu", 1.0, networks, both).silent.item() == 0.0


def test_relu_angle_is_what_a_wide_layer_does():
    width = 3000
    x = np.sqrt(width) * np.eye(width)[:2]
    h = a.relu(x @ np.random.default_rng(0).standard_normal((width, width)))
    cosine = h[0] @ h[1] / np.linalg.norm(h[0]) / np.linalg.norm(h[1])
    assert float(a.relu_angle(np.pi / 2)) == pytest.approx(np.arccos(cosine), abs=0.04)
    assert float(a.relu_angle(0.0)) == 0
