"""The exercises of lesson 04 take every right form, and name the likely slips."""

import numpy as np
import pytest

from labkit.exercises import backprop as exercise


@pytest.mark.parametrize(
    "answer",
    [
        lambda p, y: (p - y) / y.shape[0],
        lambda p, y: (p - y) / p.shape[0],
        lambda p, y: (-(y / p) + (1 - y) / (1 - p)) * p * (1 - p) / len(y),
        lambda p, y: np.where(y == 1, p - 1, p) / len(y),
    ],
)
def test_every_right_form_of_the_output_delta_counts(answer):
    assert exercise.output_delta.check(answer).ok


def test_all_numbers_are_not_the_samples():
    assert (
        exercise.output_delta.check(lambda p, y: (p - y) / y.size).kind == "divided by all numbers"
    )


@pytest.mark.parametrize(
    "answer",
    [
        lambda a, b, slope: [b * slope, a * slope],
        lambda a, b, slope: slope * np.array([b, a]),
        lambda a, b, slope: (((a + 1) * b - a * b) * slope, (a * (b + 1) - a * b) * slope),
    ],
)
def test_every_right_form_of_the_product_counts(answer):
    assert exercise.product_slopes.check(answer).ok


def test_a_hidden_delta_must_fit_matrices_that_are_not_square():
    forgotten = exercise.hidden_delta.check(lambda delta, W, h: (delta @ W) * h * (1 - h))
    assert forgotten.kind == "W not transposed"

    def only_square(delta, W, h):
        turned = W.T if W.shape[0] == W.shape[1] else np.zeros(W.shape[::-1])
        return (delta @ turned) * h * (1 - h)

    assert not exercise.hidden_delta.check(only_square).ok


def aliases(loss, w, tiny):
    slopes = np.zeros(len(w))
    for place in range(len(w)):
        above = w
        below = w
        above[place] += tiny
        below[place] -= tiny
        slopes[place] = (loss(above) - loss(below)) / (2 * tiny)
    return slopes


def without_parentheses(loss, w, tiny):
    slopes = np.zeros(len(w))
    for place in range(len(w)):
        above, below = w.copy(), w.copy()
        above[place] += tiny
        below[place] -= tiny
        slopes[place] = (loss(above) - loss(below)) / 2 * tiny
    return slopes


def return_in_the_loop(loss, w, tiny):
    slopes = np.zeros(len(w))
    for place in range(len(w)):
        above, below = w.copy(), w.copy()
        above[place] += tiny
        below[place] -= tiny
        slopes[place] = (loss(above) - loss(below)) / (2 * tiny)
        return slopes
    return None


def half_way_back(loss, w, tiny):
    slopes = []
    for place in range(len(w)):
        moved = w.copy()
        moved[place] += tiny
        above = loss(moved)
        moved[place] -= tiny
        slopes.append((above - loss(moved)) / (2 * tiny))
    return slopes


def own_tiny(loss, w, tiny, step=1e-5):
    return [(loss(w + m) - loss(w - m)) / (2 * step) for m in step * np.eye(len(w))]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (aliases, "one array under two names"),
        (without_parentheses, "multiplied by tiny"),
        (return_in_the_loop, "only the first slope"),
        (half_way_back, "put back half way"),
        (own_tiny, "a tiny of your own"),
        (
            lambda loss, w, t: (loss(w + t) - loss(w - t)) / (2 * t),
            "all weights at once, as a number",
        ),
        (lambda *a: own_tiny(*a, step=1e-4), "a tiny of your own"),
        (lambda *a: own_tiny(*a, step=1e-6), "a tiny of your own"),
    ],
)
def test_the_likely_slips_of_the_gradient_check_are_named(answer, kind):
    assert exercise.gradient.check(answer).kind == kind


def test_a_division_is_not_called_one_by_zero():
    assert (
        exercise.product_slopes.check(lambda a, b, slope: (slope / a, slope / b)).kind == "divided"
    )


def test_the_slope_of_the_loss_of_the_ones_is_no_wrong_operator():
    feedback = exercise.output_delta.check(lambda prediction, y: -y / prediction / len(y))
    assert feedback.kind == "dJ/da of the ones"
