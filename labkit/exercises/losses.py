"""Exercises of lesson 02: mean squared error, its gradient, a stable cross-entropy, softmax.

And a loss of one's own, of which every one is right that suits the task.
"""

from dataclasses import replace

import numpy as np

from labkit.learn import values
from labkit.learn.checks import Exercise
from labkit.maths import losses

# --- mean squared error: my_mse(y_true, y_pred) -> number ---------------------------------------

_PAIRS = [
    (np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.7, 0.3, 0.8, 0.2])),
    (np.array([3.0, -0.5, 2.0]), np.array([2.5, 0.0, 8.0])),
    (np.array([2.0, 5.0]), np.array([2.0, -1000.0])),
]

mse = Exercise(
    name="mse",
    lesson="02",
    right=losses.mean_squared_error,
    cases=_PAIRS,
    mistakes={
        "sum instead of mean": (
            lambda y, p: np.sum((p - y) ** 2),
            "You added the squares up, so the loss grows with the size of the data set.",
        ),
        "square missing": (
            lambda y, p: np.mean(p - y),
            "Without the square, errors to the left and to the right cancel each other.",
        ),
        "absolute value": (
            lambda y, p: np.mean(np.abs(p - y)),
            "That is the mean absolute error, another loss. Here each error is squared.",
        ),
        "square of the mean": (
            lambda y, p: np.mean(p - y) ** 2,
            "You averaged first and squared then, so errors to both sides cancel.",
        ),
        "root": (
            lambda y, p: np.sqrt(np.mean((p - y) ** 2)),
            "You took the root at the end. That is the RMSE, another measure.",
        ),
        "half": (
            lambda y, p: np.mean((p - y) ** 2) / 2,
            "You divided by 2. Some books do, to have a simpler gradient; here, as in Keras, "
            "there is no 2.",
        ),
        "every pair": (
            lambda y, p: np.mean((p[:, None] - y) ** 2),
            "You compared every prediction with every target. Check the shapes: (n,) and (n, 1) "
            "broadcast to (n, n).",
        ),
    },
    hint="Read the name backwards: error, squared, mean.",
)

# --- its gradient: my_mse_gradient(y_true, y_pred) -> array (n,) --------------------------------

mse_gradient = Exercise(
    name="mse_gradient",
    lesson="02",
    right=losses.mean_squared_error_grad,
    cases=_PAIRS,
    mistakes={
        "sign": (
            lambda y, p: 2 * (y - p) / len(y),
            "The sign is turned. A prediction above its target must have a positive gradient: "
            "moving it up makes the loss larger.",
        ),
        "factor 2": (
            lambda y, p: (p - y) / len(y),
            "Your answer is half of the right one. What is the derivative of a square?",
        ),
        "not divided by n": (
            lambda y, p: 2 * (p - y),
            "You forgot that the loss is a mean: how much of it does one sample have?",
        ),
        "averaged": (
            lambda y, p: np.mean(2 * (p - y)),
            "You returned one number. Each prediction has its own gradient, so return n numbers.",
        ),
        "size of the error lost": (
            lambda y, p: np.sign(p - y) / len(y),
            "You kept only the sign of each error. That is the gradient of the absolute error.",
        ),
        "the loss itself": (
            lambda y, p: (p - y) ** 2 / len(y),
            "These are the shares of the loss. Asked is how they change with the prediction.",
        ),
    },
    hint="Only one term of the mean holds this prediction. Differentiate that term.",
)

# --- stable binary cross-entropy: my_cross_entropy(y_true, logits) -> number --------------------


def _bits(y, z):
    return losses.binary_cross_entropy_from_logits(y, z) / np.log(2)


def _through_the_sigmoid(y, z):
    with np.errstate(all="ignore"):
        p = 1 / (1 + np.exp(-z))
        return np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))


def _clipped(tiny):
    def loss(y, z):
        with np.errstate(all="ignore"):
            p = np.clip(1 / (1 + np.exp(-z)), tiny, 1 - tiny)
            return np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))

    return loss


def _added(tiny):
    def loss(y, z):
        with np.errstate(all="ignore"):
            p = 1 / (1 + np.exp(-z))
            return np.mean(-y * np.log(p + tiny) - (1 - y) * np.log(1 - p + tiny))

    return loss


def _cut(how, tiny):
    return (
        how(tiny),
        f"You keep the probability {tiny:g} away from 0 and 1. Nothing overflows, but a logit of "
        f"1000 on the wrong side must cost 1000, and here it costs only about {-np.log(tiny):.0f}.",
    )


# Everybody takes another tiny number. 1 - 1e-16 is rounded to 1, so nobody can clip there; at
# 1e-12 it does not show whether it was added or the probability was clipped.
_CUTS = {f"cut off at 1e-{n}": _cut(_clipped, 10.0**-n) for n in range(4, 16)}
_CUTS |= {f"cut off by adding 1e-{n}": _cut(_added, 10.0**-n) for n in range(4, 17) if n != 12}


def _without_absolute(sign):
    def loss(y, z):
        with np.errstate(all="ignore"):
            return np.mean(np.maximum(z, 0) - y * z + np.log1p(np.exp(sign * z)))

    return loss


def _softplus_overflows(y, z):
    with np.errstate(all="ignore"):
        return np.mean(np.log1p(np.exp(z)) - y * z)


stable_cross_entropy = Exercise(
    name="stable_cross_entropy",
    lesson="02",
    right=losses.binary_cross_entropy_from_logits,
    cases=[
        (np.array([1.0, 0.0]), np.array([0.8, -0.3])),
        (np.array([1.0, 0.0, 1.0]), np.array([2.0, 1.0, -0.5])),
        (np.array([1.0, 0.0]), np.array([1000.0, -1000.0])),
        (np.array([0.0, 1.0, 1.0]), np.array([1000.0, -1000.0, 0.0])),
    ],
    mistakes={
        "through the sigmoid": (
            _through_the_sigmoid,
            "The formula is right, but at logits of 1000 the sigmoid is rounded to exactly 1 and "
            "the logarithm of 0 follows. Put the sigmoid into the logarithm on paper first.",
        ),
        **_CUTS,
        "exponential overflows": (
            _softplus_overflows,
            "log(1 + exp(z)) - y z is right on paper, but exp(1000) overflows. Which part of it "
            "can be taken out, so that no large exponential is left?",
        ),
        "absolute value missing": (
            _without_absolute(-1),
            "exp(-z) is right for a positive logit only; for a negative one it grows, and at -1000 "
            "it overflows. What is left must be small on both sides.",
        ),
        "exp(z) in place of exp(-|z|)": (
            _without_absolute(1),
            "After max(z, 0) is taken out, the exponential that is left must never be above 1.",
        ),
        "second term missing": (
            lambda y, z: np.mean(y * np.logaddexp(0, -z)),
            "Samples with label 0 cost nothing in your version. Which term counts for them?",
        ),
        "labels swapped": (
            lambda y, z: np.mean(np.logaddexp(0, z) - (1 - y) * z),
            "A large logit must be cheap for label 1. In your version it is cheap for label 0.",
        ),
        "sum instead of mean": (
            lambda y, z: len(y) * losses.binary_cross_entropy_from_logits(y, z),
            "You added the samples up, so the loss grows with their number.",
        ),
        "logarithm to base 2": (
            _bits,
            "You measure in bits. In machine learning the logarithm is the natural one.",
        ),
    },
    hint="log(1 + exp(z)) is z + log(1 + exp(-z)): use for each sign of z the one that stays "
    "small. np.log1p(x) is log(1 + x).",
)

# --- gradient of softmax and cross-entropy: my_softmax_gradient(y_true, logits) -> (n, k) -------


def _softmax(z, axis=1):
    shifted = np.exp(z - z.max(axis=axis, keepdims=True))
    return shifted / shifted.sum(axis=axis, keepdims=True)


def _less(shift):
    """The gradient with softmax of z - shift(z), which is right on paper for any shift."""

    def gradient(y, z):
        with np.errstate(all="ignore"):
            e = np.exp(z - shift(z))
            return (e / e.sum(axis=1, keepdims=True) - y) / len(y)

    return gradient


softmax_gradient = Exercise(
    name="softmax_gradient",
    lesson="02",
    right=losses.categorical_cross_entropy_from_logits_grad,
    cases=[
        (np.array([[0.0, 1.0, 0.0]]), np.array([[0.5, -0.2, 1.0]])),
        (np.eye(3)[[0, 2]], np.array([[2.0, 1.0, -1.0], [0.0, 0.3, 0.1]])),
        (np.eye(4)[[1, 1, 3]], np.arange(12.0).reshape(3, 4) % 5),
        (np.eye(3)[[0, 1]], np.array([[1000.0, 0.0, -1000.0], [1000.0, 0.0, 0.0]])),
        (np.eye(2), np.array([[1000.0, 0.0], [-1000.0, -1000.0]])),
        (np.eye(2), np.array([[-1000.0, -999.0], [-1000.0, -1001.0]])),
    ],
    mistakes={
        "sign": (
            lambda y, z: (y - _softmax(z)) / len(y),
            "The sign is turned. The logit of the right class must have a negative gradient: "
            "moving it up makes the loss smaller.",
        ),
        "not divided by n": (
            lambda y, z: _softmax(z) - y,
            "Right for one sample. But the loss is a mean over the samples.",
        ),
        "divided by every number": (
            lambda y, z: (_softmax(z) - y) / y.size,
            "You divided by samples times classes. The loss sums over the classes; the mean is "
            "over the samples only.",
        ),
        "labels missing": (
            lambda y, z: _softmax(z) / len(y),
            "These are probabilities. The labels must come in: what should they have been?",
        ),
        "softmax over the samples": (
            lambda y, z: (_softmax(z, axis=0) - y) / len(y),
            "Your softmax runs down the columns. Each row is one sample, and must sum to 1.",
        ),
        "sigmoid": (
            lambda y, z: (np.exp(-np.logaddexp(0, -z)) - y) / len(y),
            "You used the sigmoid, one class at a time. Here the classes compete: use softmax.",
        ),
        "exponential overflows": (
            _less(lambda z: 0),
            "Right on paper, but exp(1000) overflows. Softmax does not change when the same number "
            "is subtracted from all logits of a row: which one helps?",
        ),
        "one maximum for all rows": (
            _less(lambda z: z.max()),
            "You subtract the largest logit of the whole table. A row far below it becomes 0 / 0. "
            "Each row needs its own.",
        ),
        "the largest size": (
            _less(lambda z: np.abs(z).max(axis=1, keepdims=True)),
            "You subtract the largest size, without its sign. A row of -1000 and -999 then falls "
            "to about -2000, and becomes 0 / 0.",
        ),
        "the mean": (
            _less(lambda z: z.mean(axis=1, keepdims=True)),
            "You subtract the mean of each row. The largest logit can still lie far above it, and "
            "exp overflows.",
        ),
    },
    hint="What does the gradient compare, row by row? A row whose probabilities are the labels has "
    "a gradient of 0. And the loss is a mean.",
)

# --- a loss of one's own, told by its slope: my_slope(error) -> array (n,) ------------------------

_SIZES = np.array([0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0])


class _Slope(Exercise):
    """An exercise without one right answer: every loss that fears a short reserve more is right."""

    def _judged(self, answer):
        found = super()._judged(answer)
        decided = (*self.mistakes, "not tried", "nothing returned", "an older version", "right")
        if found.kind in decided or not callable(answer):
            return found
        try:
            short, idle = (np.array(answer(side * _SIZES), dtype=float) for side in (-1, 1))
        except (Exception, SystemExit):  # what was raised, or came back, is said already
            return found
        if short.shape != _SIZES.shape or idle.shape != _SIZES.shape:
            return found
        return replace(found, **_verdict(short, idle, answer))

    def _first_difference(self, got, right):
        return f"For {values.call(self.cases[0])} you return {values.short(got[0])}."


def _verdict(short, idle, answer):
    """Say what a loss with these slopes, of errors to both sides, would do."""
    if not np.isfinite([short, idle]).all():
        return {"kind": "no number", "message": "A slope is no number for one of the errors."}
    uphill = (short > 0).any() or (idle < 0).any()
    if uphill or not (short < 0).any():
        told = (
            "For some errors your slope pushes away from the target, or nowhere: below it the "
            "slope must be negative, above it positive."
        )
        return {"kind": "uphill", "message": told}
    if np.sum(-short) <= np.sum(idle) * (1 + 1e-9):
        told = "Your loss pulls no harder at a reserve that is too small than at one too large."
        return {"kind": "not the short side", "message": told}
    told = "It fears a short reserve more, so it may enter. How much more is best, validation says."
    return {"kind": "right", "message": told, "usable": lambda e: np.array(answer(e), dtype=float)}


own_slope = _Slope(
    name="own_slope",
    lesson="02",
    right=lambda error: np.where(error < 0, -9.0, 1.0),
    cases=[(np.array([-2.0, 3.0, -0.5, 4.0, 0.25]),), (np.array([1.5, -6.0, 0.75]),)],
    mistakes={
        "sides turned around": (
            lambda error: np.where(error < 0, -1.0, 9.0),
            "Your loss fears the reserve that is too large. The error is prediction minus target: "
            "which sign has it when the reserve is too small?",
        ),
        "the loss itself": (
            lambda error: np.where(error < 0, -9.0 * error, error),
            "That is what an error costs. Asked is its slope: how the cost changes when the "
            "prediction moves up a little.",
        ),
        "a slope without its sign": (
            lambda error: np.where(error < 0, 9.0, 1.0),
            "Both of your slopes are positive, so every reserve is pushed down. If it is too "
            "small, a higher one costs less.",
        ),
        "uphill": (
            lambda error: np.where(error < 0, 9.0, -1.0),
            "Your slopes point the other way: training goes against the slope, and would lead away "
            "from the target.",
        ),
        "squared error": (
            lambda error: 2 * error,
            "That is the squared error, which enters anyway. It treats both sides alike.",
        ),
        "absolute error": (
            np.sign,
            "That is the absolute error, which enters anyway. It treats both sides alike.",
        ),
        "averaged": (
            lambda error: np.mean(np.where(error < 0, -9.0, 1.0)),
            "You returned one number. Each error has its own slope.",
        ),
    },
    hint="A loss with two straight arms, of different steepness, has two slopes. `np.where` "
    "chooses between them.",
)
