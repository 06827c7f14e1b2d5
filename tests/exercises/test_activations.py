"""The exercises of lesson 03 take every right form, and say what is not."""

import numpy as np
import pytest
from scipy.special import softmax as scipy_softmax

from labkit.exercises import activations as exercise
from labkit.maths.activations import relu, sigmoid


def test_other_forms_of_the_slope_count():
    assert exercise.sigmoid_slope.check(lambda x: sigmoid(x) * (1 - sigmoid(x))).ok
    assert exercise.sigmoid_slope.check(lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2).ok


def test_the_hat_is_the_hat_of_the_lessons_network():
    """Not its numbers: what they draw, as the network of the lesson draws it."""
    biases, weights = np.array(exercise.hat.right).T
    x = np.linspace(-3, 6, 91)
    ones = np.ones((1, 3))
    drawn = exercise.network.right(x[:, None], ones, biases, weights[:, None], np.zeros(1))[:, 0]
    np.testing.assert_allclose(drawn, np.interp(x, [0, 1, 2], [0, 1, 0]), atol=1e-12)


def test_the_order_of_the_units_does_not_matter_and_the_hat_keeps_its_form():
    found = exercise.hat._judged(((-2, 1), (0, 1), (-1, -2)))
    assert found.kind == "right"
    assert found.usable == exercise.hat.right


@pytest.mark.parametrize(
    ("units", "told"),
    [
        ([(0, 2), (-1, -4), (-2, 2)], "At x = 1 your line has the height 2"),
        ([(0, 1), (-0.5, -2), (-1, 1)], "At x = 1 your line has the height 0"),
        ([(1, 1), (0, -2), (-1, 1)], "At x = 0 your line has the height 1"),
        ([(-0.5, 2), (-1.5, -6), (-2, 4)], "At x = 0.25 your line has the height 0"),
        ([(0, 1), (-1, -2), (-2, -1)], "At x = 3 your line has the height -2"),
    ],
)
def test_a_hat_that_nobody_planned_is_said_where_it_leaves_the_hat(units, told):
    assert told in exercise.hat.check(units).message


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda z: np.exp(z), "For z = 1000 it gives inf"),
        (lambda z: z - z.mean(), "depends on the numbers beside it"),
        (lambda z: 2 * z + 1, "one straight line"),
        (lambda z: np.where(z > 2, z, 0), "near z = 2.0"),
        (lambda z: relu(z).ravel(), "as many come back"),
        (lambda z: np.log(np.abs(z) - 2), "no finite number"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_cannot_stand_between_layers_is_told_why(answer, told):
    feedback = exercise.activation.check(answer)
    assert not feedback.ok
    assert told in feedback.message


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
