"""The exercises of lesson 10 against Keras, central differences and the data they speak of."""

import numpy as np
import pytest

from labkit.exercises import network as exercise
from labkit.maths import backprop as maths


def test_the_step_goes_down_the_slope_that_finite_differences_measure():
    W, X, y, rate = exercise.step.cases[0]
    one_hot = np.eye(W.shape[1])[y]

    def loss(w):
        return maths.network_loss(X @ w, one_hot, "softmax", from_logits=True)

    slope = (W - exercise.step.right(W, X, y, rate)) / rate
    np.testing.assert_allclose(slope, maths.numeric_gradient(loss, W), atol=1e-8)


def test_labels_are_probabilities_and_a_tie_is_not_larger():
    labels = exercise.labels.right(np.array([[2.0, 1.0], [1.0, 2.0], [1.0, 1.0]]))
    assert labels.tolist() == [[1.0], [0.0], [0.0]]


@pytest.mark.slow
def test_parameters_are_those_that_keras_counts():
    import keras

    for (sizes,) in exercise.parameters.cases:
        layers = [keras.layers.Dense(size) for size in sizes[1:]]
        model = keras.Sequential([keras.Input((sizes[0],)), *layers])
        assert model.count_params() == exercise.parameters.right(sizes)


def test_two_labels_are_exchanged_and_all_others_stay():
    y = np.arange(10).repeat(3)
    changed = exercise.exchange_labels(y)
    small, large = exercise.swapped.right
    assert (changed[y == small] == large).all()
    assert (changed[y == large] == small).all()
    others = ~np.isin(y, exercise.swapped.right)
    assert (changed[others] == y[others]).all()
    assert y.tolist() == np.arange(10).repeat(3).tolist()  # not changed in place


def test_feedback_names_the_bug_of_the_listing():
    answer = lambda pairs: np.where(pairs[:, :1] > pairs[:, 1:], 1, -1)
    assert exercise.labels.check(answer).kind == "-1 and 1"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda pairs: np.where(pairs[:, 0] > pairs[:, 1], 1, -1), "-1 and 1, shape (n,)"),
        (lambda pairs: (pairs[:, 0] < pairs[:, 1]).astype(int), "turned around, shape (n,)"),
        (lambda pairs: [a >= b for a, b in pairs], "a tie counted as larger, shape (n,)"),
        (lambda pairs: [a > b for a, b in pairs], "shape (n,)"),
        (lambda pairs: [[a > b] for a, b in pairs], "right"),
    ],
)
def test_the_listing_has_two_faults_and_both_are_told(answer, kind):
    feedback = exercise.labels.check(answer)
    assert feedback.kind == kind
    assert ("(n, 1)" in feedback.message) == ("shape" in kind)


@pytest.mark.parametrize("pair", [[2, 7], (2, 7), {7, 2}, "2 and 7", "2, 7", np.array([2, 7])])
def test_the_pair_may_be_written_in_any_form(pair):
    assert exercise.swapped.check(pair).ok


@pytest.mark.parametrize("pair", [[9, 4], (9, 4), (4, 9), {4, 9}, "9 and 4", np.array([9, 4])])
def test_a_pair_that_looks_alike_is_told_in_any_form(pair):
    assert exercise.swapped.check(pair).kind == "digits that look alike"


@pytest.mark.parametrize("pair", [(7, 2), "7 and 2", [7, 2]])
def test_only_the_right_pair_is_told_its_order(pair):
    assert exercise.swapped.check(pair).kind == "in the other order"


@pytest.mark.parametrize("junk", ["two and seven", [2], [2, 7, 7], ["a", "b"], [[2], 7], {}, 2.5])
def test_no_pair_is_no_crash(junk):
    assert not exercise.swapped.check(junk).ok
