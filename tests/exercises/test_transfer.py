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


@pytest.mark.slow
def test_the_exercises_agree_with_keras():
    from labkit.networks import transfer

    cnn = transfer.strided_cnn()
    layers = transfer.weighted_layers(cnn)
    shapes = [(layer.kernel.shape, layer.bias.shape) for layer in layers]
    for frozen in range(4):
        transfer.freeze(cnn, frozen)
        weights = [w for layer in layers if layer.trainable for w in layer.get_weights()]
        assert exercise.trained.right(shapes, frozen) == sum(w.size for w in weights)
