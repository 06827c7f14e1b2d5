"""The exercises of lesson 03 take every right form, and say what is not."""

import numpy as np
import pytest
from scipy.special import softmax as scipy_softmax

from labkit.exercises import activations as exercise
from labkit.maths.activations import relu, sigmoid


def test_other_forms_of_the_slope_count():
    assert exercise.sigmoid_slope.check(lambda x: sigmoid(x) * (1 - sigmoid(x))).ok
    assert exercise.sigmoid_slope.check(lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2).ok


def test_other_ways_to_the_hat_count():
    assert exercise.hat.check(lambda x: relu(x - 2 * relu(x - 1))).ok  # one ReLU inside another
    assert exercise.hat.check(lambda x: relu(1 - abs(x - 1))).ok
    assert exercise.hat.check(lambda x: np.interp(x, [0, 1, 2], [0, 1, 0])).ok


def test_a_library_softmax_counts():
    assert exercise.softmax.check(lambda z: scipy_softmax(z, axis=1)).ok


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_formula_as_it_stands_is_called_unstable():
    def naive(z):
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

    assert exercise.softmax.check(naive).kind == "not stable"


def test_the_network_of_the_lesson_computes_xor():
    x, *weights = exercise.network.cases[0]
    np.testing.assert_array_equal(exercise.network.right(x, *weights).ravel(), [0, 1, 1, 0])


def test_a_network_without_second_axis_is_shown_where_it_differs():
    feedback = exercise.network.check(lambda x, W1, b1, W2, b2: relu(x @ W1 + b1).sum())
    assert feedback.kind == "W2, b2 not used"


@pytest.mark.parametrize("far", [15, 19, 20, 22, 24])
def test_a_slope_that_ends_is_not_the_slope(far):
    def ends(x):
        return np.where(np.abs(x) > far, 0.0, sigmoid(x) * (1 - sigmoid(x)))

    feedback = exercise.sigmoid_slope.check(ends)
    assert feedback.kind == "right for some cases"
    assert "(-25" in feedback.message or "(20" in feedback.message


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("shift", "kind"),
    [
        (lambda z: z.max(axis=1, keepdims=True), "right"),
        (lambda z: z.max(), "one maximum for all rows"),
        (lambda z: np.abs(z).max(axis=1, keepdims=True), "the largest size"),
        (lambda z: z.mean(axis=1, keepdims=True), "the mean"),
    ],
)
def test_softmax_says_what_was_subtracted(shift, kind):
    def answer(z):
        e = np.exp(z - shift(z))
        return e / e.sum(axis=1, keepdims=True)

    assert exercise.softmax.check(answer).kind == kind
