"""The exercises of lesson 02 refuse what is not stable, and name how."""

import numpy as np
import pytest

from labkit.exercises import losses as exercise

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def shares(z):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("shift", "kind"),
    [
        (lambda z: z.max(axis=1, keepdims=True), "right"),
        (lambda z: z.max(), "one maximum for all rows"),
        (lambda z: np.abs(z).max(axis=1, keepdims=True), "the largest size"),
        (lambda z: z.mean(axis=1, keepdims=True), "the mean"),
        (lambda z: 0, "exponential overflows"),
    ],
)
def test_only_the_largest_logit_of_each_row_is_stable(shift, kind):
    def answer(y_true, logits):
        return (shares(logits - shift(logits)) - y_true) / len(y_true)

    assert exercise.softmax_gradient.check(answer).kind == kind


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("power", range(4, 16))
def test_any_cut_of_the_probability_is_called_so_with_what_it_costs(power):
    tiny = 10.0**-power

    def clipped(y, z):
        p = np.clip(sigmoid(z), tiny, 1 - tiny)
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    def added(y, z):
        p = sigmoid(z)
        return -np.mean(y * np.log(p + tiny) + (1 - y) * np.log(1 - p + tiny))

    for answer in (clipped, added):
        feedback = exercise.stable_cross_entropy.check(answer)
        assert feedback.kind.startswith("cut off")
        assert f"only about {-np.log(tiny):.0f}." in feedback.message


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        (lambda z: np.exp(-np.abs(z)), "right"),
        (lambda z: np.exp(-z), "absolute value missing"),
        (lambda z: np.exp(z), "exp(z) in place of exp(-|z|)"),
    ],
)
def test_a_forgotten_absolute_value_is_named(inner, kind):
    def answer(y_true, logits):
        return np.mean(np.maximum(logits, 0) - y_true * logits + np.log(1 + inner(logits)))

    assert exercise.stable_cross_entropy.check(answer).kind == kind


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda e: np.where(e < 0, -9, 1), "right"),
        (lambda e: [-3 if x < 0 else 2 for x in e], "right"),
        (lambda e: np.where(e < 0, 20 * e, e), "right"),
        (lambda e: np.where(e < 0, -1, 9), "sides turned around"),
        (lambda e: np.where(e < 0, -2, 5), "not the short side"),
        (lambda e: 0.5 * e, "not the short side"),
        (lambda e: np.where(e < 0, 2, -1), "uphill"),
        (lambda e: np.where(e < 0, -e, -9 * e), "uphill"),
    ],
)
def test_every_loss_that_fears_a_short_reserve_more_may_enter(answer, kind):
    feedback = exercise.own_slope.check(answer)
    assert feedback.kind == kind
    assert "-9" not in feedback.message  # no answer is given away
