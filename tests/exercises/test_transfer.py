"""What the walker over all exercises does not see: lesson 15's own ways of answering."""

import numpy as np
import pytest

from labkit.exercises import transfer as exercise
from labkit.maths.intervals import compare


def test_a_gain_by_the_lab_itself_is_right():
    def gain(transfer, scratch, t):
        return compare(transfer, scratch)[:2]

    # The exercise gives t with three decimals.
    answers = [gain(*case) for case in exercise.gain.cases]
    np.testing.assert_allclose(
        answers, [exercise.gain.right(*c) for c in exercise.gain.cases], 1e-3
    )


def test_flags_are_returned_for_layers_with_weights_only():
    layers, count = exercise.freeze.cases[2]
    assert exercise.freeze.right(layers, count) == [False, False, True, True]


def keras_network():
    """The network that the lesson builds."""
    import keras

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(16, 5, strides=2, name="conv_1"),
            keras.layers.Conv2D(32, 3, strides=2, name="conv_2"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(64, name="hidden"),
            keras.layers.Dense(5, name="head"),
        ]
    )


@pytest.mark.slow
def test_the_exercises_agree_with_keras():
    layers = _weighted(keras_network().layers)
    shapes = [(layer.kernel.shape, layer.bias.shape) for layer in layers]
    for frozen in range(4):
        exercise.freeze.right(layers, frozen)
        weights = [w for layer in layers if layer.trainable for w in layer.get_weights()]
        assert exercise.trained.right(shapes, frozen) == sum(w.size for w in weights)


def _weighted(layers):
    return [layer for layer in layers if layer.weights]


def _set(layers, count):
    for place, layer in enumerate(_weighted(layers)):
        layer.trainable = place >= count


def test_flags_that_are_only_returned_freeze_nothing():
    only = lambda layers, count: [i >= count for i in range(len(_weighted(layers)))]
    assert exercise.freeze.check(only).kind == "only returned"


@pytest.mark.parametrize(
    "flags",
    [
        lambda layers: [layer.trainable for layer in layers if len(layer.weights) > 0],
        lambda layers: [layer.trainable for layer in layers if layer.get_weights()],
        lambda layers: [layer.trainable for layer in layers if layer.count_params()],
        lambda layers: np.array([bool(layer.trainable_weights) for layer in _weighted(layers)]),
        lambda layers: [int(layer.trainable) for layer in layers if layer.variables],
        lambda layers: [layer.trainable for layer in layers],  # of all layers
        lambda layers: tuple(layer.trainable for layer in _weighted(layers)),
    ],
)
def test_whatever_a_keras_layer_tells_may_be_asked(flags):
    def freeze(layers, count):
        _set(layers, count)
        return flags(layers)

    assert exercise.freeze.check(freeze).ok


def test_layers_that_are_set_wrongly_are_wrong_whatever_is_returned():
    def freeze(layers, count):
        _set(layers, len(layers))
        return [place >= count for place in range(len(_weighted(layers)))]

    feedback = exercise.freeze.check(freeze)
    assert not feedback.ok
    assert "the layers say" in feedback.message


@pytest.mark.slow
def test_the_stand_in_answers_as_keras_layers_do():
    (ours, _), theirs = exercise.freeze.cases[0], keras_network().layers
    for mine, layer in zip(ours, theirs, strict=True):
        layer.trainable = mine.trainable = np.bool_(mine.name != "hidden")
        shapes = [tuple(w.shape) for w in layer.weights]
        assert shapes == [w.shape for w in mine.weights] == [w.shape for w in mine.get_weights()]
        assert mine.count_params() == layer.count_params()
        for name in ("variables", "trainable_weights", "non_trainable_weights"):
            assert len(getattr(mine, name)) == len(getattr(layer, name))
        assert mine.trainable is layer.trainable


@pytest.mark.parametrize(
    ("change", "kind"), [(abs, "size of the gain"), (lambda g: max(0, g), "no gain below 0")]
)
def test_a_loss_is_no_gain(change, kind):
    answer = lambda *case: (change(exercise.gain.right(*case)[0]), exercise.gain.right(*case)[1])
    assert exercise.gain.check(answer).kind == kind


def test_scipys_interval_is_right():
    stats = pytest.importorskip("scipy.stats")

    def gain(transfer, scratch, t):
        change = np.subtract(transfer, scratch)
        low, high = stats.t.interval(0.95, len(change) - 1, change.mean(), stats.sem(change))
        return (low + high) / 2, (high - low) / 2

    assert exercise.gain.check(gain).ok
