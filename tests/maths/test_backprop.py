"""Backpropagation against hand values, finite differences and Keras; XOR over many seeds."""

import numpy as np
import pytest

from labkit.maths import backprop as maths
from labkit.maths.backprop import (
    backward,
    check_gradients,
    deltas,
    forward,
    glorot_layers,
    network_loss,
    numeric_gradient,
    relative_error,
    solved,
    train,
)

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
XOR = np.array([[0], [1], [1], [0.0]])
SMOOTH = ("sigmoid", "tanh", "linear")
OUTPUTS = ("sigmoid", "softmax", "linear")


def network(sizes, seed=0):
    """Layers with random biases too, so that no relu stands on its kink."""
    rng = np.random.default_rng(seed)
    return [(W, rng.normal(scale=0.5, size=b.shape)) for W, b in glorot_layers(sizes, seed)]


def task(outputs, kind, seed=0):
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(6, 3))
    classes = np.eye(outputs)[rng.integers(0, outputs, 6)]
    targets = {"softmax": classes, "linear": rng.normal(size=(6, outputs))}
    return samples, targets.get(kind, rng.integers(0, 2, (6, outputs)).astype(float))


# --- hand values ------------------------------------------------------------------------------


def test_a_network_computed_on_paper():
    layers = [(np.array([[1.0, -1.0]]), np.array([0.0, 1.0])), (np.array([[2.0], [3.0]]), [0.5])]
    layers = [(W, np.asarray(b)) for W, b in layers]
    outputs = forward(layers, [[2.0]], "relu", "linear")
    assert [a.tolist() for a in outputs] == [[[2.0]], [[2.0, 0.0]], [[4.5]]]
    (dW1, db1), (dW2, db2) = backward(layers, outputs, [[4.0]], "relu")
    assert dW2.tolist() == [[1.0], [0.0]]  # delta 0.5 times h
    assert db2.tolist() == [0.5]
    assert dW1.tolist() == [[2.0, 0.0]]  # the second unit is off
    assert db1.tolist() == [1.0, 0.0]


def test_loss_values_on_paper():
    a, y = [[0.9], [0.2]], [[1], [0]]
    assert network_loss(a, y) == pytest.approx(-(np.log(0.9) + np.log(0.8)) / 2)
    assert network_loss([[0.7, 0.3]], [[0, 1]], "softmax") == pytest.approx(-np.log(0.3))
    assert network_loss([[3.0], [5.0]], [[1.0], [5.0]], "linear") == 1.0


@pytest.mark.parametrize("output", OUTPUTS)
def test_loss_from_logits_is_the_loss_of_the_predictions(output):
    z = np.random.default_rng(0).normal(size=(5, 3))
    y = np.eye(3)[[0, 1, 2, 0, 1]]
    prediction = maths.OUTPUTS[output](z)
    here = network_loss(z, y, output, from_logits=True)
    assert here == pytest.approx(float(network_loss(prediction, y, output)), rel=1e-12)


def test_numbers_as_large_as_a_thousand_stay_finite_and_right():
    with np.errstate(all="raise", under="ignore"):
        assert maths.OUTPUTS["sigmoid"](np.array([-1000.0, 0.0, 1000.0])).tolist() == [0, 0.5, 1]
        z = np.array([[1000.0, 0.0, -1000.0]])
        assert maths.OUTPUTS["softmax"](z).tolist() == [[1, 0, 0]]
        assert network_loss(z, [[0, 0, 1]], "softmax", from_logits=True) == 2000
        assert network_loss([[1000.0], [-1000.0]], [[0], [0]], from_logits=True) == 500
        assert np.isfinite(network_loss([[0.0], [1.0]], [[1], [0]]))


# --- the gradient -----------------------------------------------------------------------------


@pytest.mark.parametrize("activation", [*SMOOTH, "relu"])
@pytest.mark.parametrize("depth", range(1, 9))
def test_gradients_pass_the_check_at_every_depth(depth, activation):
    samples, targets = task(1, "sigmoid")
    layers = network([3, *[4, 5, 2, 6, 3, 4, 5][: depth - 1], 1])
    assert check_gradients(layers, samples, targets, activation) < 1e-6


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("seed", range(3))
def test_gradients_pass_the_check_with_every_output(output, seed):
    samples, targets = task(4, output, seed)
    layers = network([3, 5, 2, 4], seed)
    assert check_gradients(layers, samples, targets, "tanh", output) < 1e-8


def test_saturated_outputs_pass_the_check():
    layers = [(W * 40, b) for W, b in network([3, 4, 1])]
    samples, targets = task(1, "sigmoid")
    assert check_gradients(layers, samples, targets, "relu") < 1e-5


@pytest.mark.parametrize("fault", ["transposed", "untransposed", "slope", "mean", "bias"])
def test_the_check_catches_every_planted_mistake(monkeypatch, fault):
    def broken(layers, outputs, y, activation="sigmoid"):
        delta = outputs[-1] - y if fault == "mean" else (outputs[-1] - y) / len(y)
        gradients = []
        for number in reversed(range(len(layers))):
            W, a = layers[number][0], outputs[number]
            dW = a.T @ delta
            square = dW.shape[0] == dW.shape[1]
            dW = dW.T if fault == "transposed" and square else dW
            db = delta.mean(axis=0) if fault == "bias" else delta.sum(axis=0)
            gradients.insert(0, (dW, db))
            if number:
                inner = maths.OUTPUTS["sigmoid"](a) if fault == "slope" else a
                W = W.T if fault == "untransposed" and W.shape[0] == W.shape[1] else W
                delta = (delta @ W.T) * inner * (1 - inner)
        return gradients

    samples, targets = task(1, "sigmoid")
    assert check_gradients(network([3, 4, 4, 1]), samples, targets) < 1e-7
    monkeypatch.setattr(maths, "backward", broken)
    assert check_gradients(network([3, 4, 4, 1]), samples, targets) > 0.01


def test_a_stack_of_networks_learns_as_each_one_alone():
    stack = glorot_layers([2, 3, 1], seed=5, stack=4)
    together, losses = train(stack, X, XOR, learning_rate=1.0, epochs=50)
    for k in range(4):
        alone, its_losses = train([(W[k], b[k]) for W, b in stack], X, XOR, 1.0, 50)
        np.testing.assert_allclose(losses[:, k], its_losses, rtol=1e-10)
        np.testing.assert_allclose(together[0][0][k], alone[0][0], rtol=1e-9)


def test_training_leaves_its_start_alone():
    start = glorot_layers([2, 3, 1])
    before = start[0][0].copy()
    train(start, X, XOR, 1.0, 3)
    assert (start[0][0] == before).all()


def test_deltas_are_the_slopes_for_what_comes_before_the_activation():
    """Moving a bias by t moves z of all samples by t: its slope is the sum of the deltas."""
    layers = network([3, 4, 5, 2])
    samples, targets = task(2, "softmax")
    outputs = forward(layers, samples, "tanh", "softmax")
    found = maths.deltas(layers, outputs, targets, "tanh")
    assert [each.shape for each in found] == [(6, 4), (6, 5), (6, 2)]

    def loss(shift):  # of one unit's z, for one sample only
        h = np.tanh(samples @ layers[0][0] + layers[0][1])
        z = h @ layers[1][0] + layers[1][1]
        z[2, 3] += shift[0]
        last = np.tanh(z) @ layers[2][0] + layers[2][1]
        return network_loss(last, targets, "softmax", from_logits=True)

    assert found[1][2, 3] == pytest.approx(numeric_gradient(loss, [0.0])[0], abs=1e-9)


def test_one_batch_of_everything_is_a_step_of_plain_training():
    samples, targets = task(1, "sigmoid")
    layers = network([3, 4, 1])
    walk = maths.descend_batches(layers, samples, targets, 0.5, batch_size=6)
    trained, _ = train(layers, samples, targets, 0.5, epochs=3)
    *_, last = (next(walk) for _ in range(3))
    for (W, b), (V, c) in zip(last, trained, strict=True):
        assert np.allclose(W, V)
        assert np.allclose(b, c)


def test_batches_use_every_sample_once_an_epoch(monkeypatch):
    seen = []
    taken = maths.forward

    def watched(layers, X, *names):
        seen.append(X)
        return taken(layers, X, *names)

    monkeypatch.setattr(maths, "forward", watched)
    samples, targets = np.arange(12.0).reshape(12, 1), np.zeros((12, 1))
    walk = maths.descend_batches(network([1, 2, 1]), samples, targets, 0.1, batch_size=4)
    [next(walk) for _ in range(6)]
    for epoch in (seen[:3], seen[3:6]):
        assert sorted(np.concatenate(epoch).ravel()) == list(range(12))
    assert not np.array_equal(np.concatenate(seen[:3]), np.concatenate(seen[3:6]))
    with pytest.raises(ValueError, match="use 1 to 12"):
        next(maths.descend_batches(network([1, 2, 1]), samples, targets, 0.1, batch_size=13))


# --- the tools of the check -------------------------------------------------------------------


def test_numeric_gradient_of_a_known_function():
    w = np.array([[0.5, -1.0], [2.0, 0.1]])
    assert numeric_gradient(lambda w: np.sin(w).sum(), w) == pytest.approx(np.cos(w), abs=1e-9)
    assert w.tolist() == [[0.5, -1.0], [2.0, 0.1]]


def test_relative_error_is_between_equal_and_opposite():
    assert relative_error([1.0, 2.0], [1.0, 2.0]) == 0
    assert relative_error([1.0, 2.0], [-1.0, -2.0]) == 1
    assert relative_error([0.0], [0.0]) == 0
    assert relative_error([3.0], [1.0]) == 0.5
    with pytest.raises(ValueError, match=r"\(2,\).*\(2, 1\)"):
        relative_error([1.0, 2.0], [[1.0], [2.0]])


def test_glorot_weights_have_the_spread_that_keras_documents():
    (W, b), _ = glorot_layers([30, 70, 1], seed=1, stack=50)
    limit = np.sqrt(6 / 100)
    assert W.shape == (50, 30, 70)
    assert np.abs(W).max() <= limit
    assert W.std() == pytest.approx(limit / np.sqrt(3), rel=0.01)
    assert not b.any()
    assert (glorot_layers([2, 3, 1], seed=3)[0][0] == glorot_layers([2, 3, 1], seed=3)[0][0]).all()


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: glorot_layers([3]), r"\[3\].*such as"),
        (lambda: glorot_layers([3, 0, 1]), r"\[3, 0, 1\]"),
        (lambda: forward(glorot_layers([2, 1]), X, "swish"), "'swish'.*sigmoid, tanh, relu"),
        (lambda: forward(glorot_layers([2, 1]), X, output="tanh"), "'tanh'.*sigmoid, softmax"),
        (lambda: forward(glorot_layers([3, 1]), X), r"\(4, 2\).*3 inputs"),
        (lambda: network_loss([[0.5], [0.5]], [0, 1]), r"\(2,\).*\(2, 1\)"),
        (lambda: network_loss([0.5, 0.5], [[0], [1]]), r"\(2, 1\).*\(2,\)"),
        (
            lambda: backward(
                glorot_layers([2, 1]), forward(glorot_layers([2, 1]), X), [0, 1, 1, 0]
            ),
            r"\(4,\).*\(4, 1\)",
        ),
    ],
)
def test_bad_input_is_refused_with_what_came_and_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- XOR --------------------------------------------------------------------------------------


def xor_share(sizes, activation, rate, trials=300, epochs=1000, seed=0):
    trained, losses = train(glorot_layers(sizes, seed, trials), X, XOR, rate, epochs, activation)
    return solved(trained, X, XOR, activation).mean(), losses


def test_the_recipe_of_the_articles_almost_never_learns_xor():
    for seed in range(3):
        share, losses = xor_share([2, 3, 1], "sigmoid", 0.1, seed=seed)
        assert share < 0.05
        assert np.median(losses[-1]) == pytest.approx(np.log(2), abs=0.01)  # the plateau


def test_one_changed_number_or_two_make_it_learn():
    assert xor_share([2, 3, 1], "sigmoid", 1.0, trials=1000)[0] > 0.95
    assert xor_share([2, 8, 1], "sigmoid", 1.0)[0] > 0.98
    assert xor_share([2, 8, 1], "tanh", 0.1)[0] > 0.98
    assert xor_share([2, 8, 1], "sigmoid", 0.1)[0] < 0.05  # units alone do not help


def test_some_networks_are_stuck_at_half_of_ln_2():
    trained, losses = train(glorot_layers([2, 3, 1], 0, 300), X, XOR, 1.0, 3000, "tanh")
    stuck = np.abs(losses[-1] - np.log(2) / 2) < 0.01
    assert 0 < stuck.mean() < 0.2
    prediction = forward(trained, X, "tanh")[-1][stuck, :, 0]
    halves = (np.abs(prediction - 0.5) < 0.05).sum(axis=1)
    assert np.median(halves) == 2


def test_solved_asks_for_all_four():
    three = [(np.array([[20.0], [20.0]]), np.array([-10.0]))]  # OR: wrong for (1, 1) only
    assert not solved(three, X, XOR)
    assert solved(three, X, np.array([[0], [1], [1], [1.0]]))


# --- Keras ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("activation", [*SMOOTH, "relu"])
def test_gradients_equal_those_of_keras_in_float64(activation, output, keras_in_float64):
    keras = keras_in_float64
    losses = {
        "sigmoid": keras.losses.BinaryCrossentropy(from_logits=True),
        "softmax": keras.losses.CategoricalCrossentropy(from_logits=True),
        "linear": keras.losses.MeanSquaredError(),
    }
    # Keras takes the mean over outputs where we add them up, and no half of the square.
    scale = {"sigmoid": 2.0, "softmax": 1.0, "linear": 1.0}[output]
    for depth in (1, 2, 4, 8):
        layers = network([3, *[5] * (depth - 1), 2], seed=depth)
        samples, targets = task(2, output, seed=depth)
        found = _moved_by_keras(keras, layers, samples, targets, activation, losses[output])
        ours = backward(layers, forward(layers, samples, activation, output), targets, activation)
        for there, here in zip(found, [a for pair in ours for a in pair], strict=True):
            assert relative_error(scale * there, here) < 1e-6


@pytest.mark.slow
def test_the_lessons_comparison_with_keras_sees_a_wrong_gradient(monkeypatch):
    from labkit.networks.gradients import gradient_error

    samples, _ = task(1, "sigmoid")
    targets, layers = np.array([[1.0], [0], [0], [1], [1], [0]]), network([3, 4, 4, 1])
    assert gradient_error(layers, samples, targets, "tanh") < 1e-6
    monkeypatch.setattr(maths, "deltas", lambda *a: [d * 1.01 for d in deltas(*a)])
    assert gradient_error(layers, samples, targets, "tanh") > 1e-3


def _moved_by_keras(keras, layers, samples, targets, activation, loss):
    """The gradient that Keras' autodiff finds: one step of descent at rate 1 subtracts it."""
    model = keras.Sequential([keras.Input((3,))])
    for W, _ in layers[:-1]:
        model.add(keras.layers.Dense(W.shape[1], activation=activation))
    model.add(keras.layers.Dense(layers[-1][0].shape[1]))
    model.set_weights([a for pair in layers for a in pair])
    model.compile(keras.optimizers.SGD(1.0), loss)
    start = model.get_weights()
    model.train_on_batch(samples, targets)
    return [a - b for a, b in zip(start, model.get_weights(), strict=True)]
