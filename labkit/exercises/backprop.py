"""Exercises of lesson 04: back through a product, two deltas, the gradient check."""

import numpy as np

from labkit.learn.checks import Exercise
from labkit.maths import backprop as maths

_RNG = np.random.default_rng(4)


def _between(*shape):
    """Numbers as a sigmoid gives them, away from 0 and 1."""
    return _RNG.uniform(0.1, 0.9, shape)


# --- back through a product: my_product_slopes(a, b, slope) -> dJ/da, dJ/db ----------------------

product_slopes = Exercise(
    name="product_slopes",
    lesson="04",
    right=lambda a, b, slope: (slope * b, slope * a),
    cases=[(2.0, -3.0, 0.5), (0.25, 4.0, -2.0), (-1.5, 0.7, 3.0)],
    then=[(-1.5, 0.0, 3.0)],
    mistakes={
        "factors not exchanged": (
            lambda a, b, slope: (slope * a, slope * b),
            "You multiplied each slope by its own factor. Move a by a little: the product moves "
            "by that little times what?",
        ),
        "slope behind forgotten": (
            lambda a, b, slope: (b, a),
            "These are the slopes of the product itself. J lies further on: along a path, slopes "
            "are multiplied, and the one that came in is missing.",
        ),
        "divided": (
            lambda a, b, slope: (slope / a, slope / b),
            "You divided. Each link of a path multiplies the slope: when only a moves, how fast "
            "does a * b move?",
        ),
        "as through a sum": (
            lambda a, b, slope: (slope, slope),
            "A sum hands the slope on unchanged. A product stretches it: by what?",
        ),
        "times the whole product": (
            lambda a, b, slope: (slope * a * b, slope * a * b),
            "You multiplied by the product. When only a moves, how fast does a * b move?",
        ),
        "added": (
            lambda a, b, slope: (slope + b, slope + a),
            "You added. Slopes are added where paths meet; along a path they are multiplied.",
        ),
        "sign": (
            lambda a, b, slope: (-slope * b, -slope * a),
            "The sign is turned over. The minus of gradient descent comes later, in the update.",
        ),
    },
    hint="Keep b still and move a: how fast does a * b move? Then along the path, multiply.",
)


# --- delta of the output: my_output_delta(prediction, y) -> dJ/dz, shape (n, outputs) -----------

_TARGETS = np.array([[1.0], [0.0], [0.0], [1.0]])

output_delta = Exercise(
    name="output_delta",
    lesson="04",
    right=lambda prediction, y: (prediction - y) / len(y),
    cases=[
        (_between(4, 1), _TARGETS),
        (_between(3, 2), np.hstack([_TARGETS[:3], 1 - _TARGETS[:3]])),  # rows are not columns
        (_between(1, 1), _TARGETS[:1]),
    ],
    mistakes={
        "sign": (
            lambda prediction, y: (y - prediction) / len(y),
            "The sign is turned over. Where the prediction is too large, a larger z makes the loss "
            "larger: the slope is positive there.",
        ),
        "mean forgotten": (
            lambda prediction, y: prediction - y,
            "The loss is the mean over the samples. How much of it does one sample have?",
        ),
        "slope of the sigmoid twice": (
            lambda prediction, y: (prediction - y) * prediction * (1 - prediction) / len(y),
            "You multiplied by a (1 - a). With cross-entropy this factor cancels. You would need "
            "it with the squared error.",
        ),
        "dJ/da instead of dJ/dz": (
            lambda prediction, y: (prediction - y) / (prediction * (1 - prediction)) / len(y),
            "This is the slope with respect to the prediction a. One link of the chain is "
            "missing, the one from a to z.",
        ),
        "dJ/da of the ones": (
            lambda prediction, y: -y / prediction / len(y),
            "This is the slope of - y log(a) with respect to a. The second term of the loss is "
            "missing, and the link from a to z.",
        ),
        "samples added up": (
            lambda prediction, y: np.mean(prediction - y, axis=0),
            "You took the mean over the samples too early. Each sample keeps its own delta: the "
            "shape stays that of y.",
        ),
        "divided by all numbers": (
            lambda prediction, y: (prediction - y) / np.size(y),
            "With one output it would be right. With more, y.size counts every number; the loss "
            "is a mean over the samples, and those are the rows.",
        ),
        "squared error": (
            lambda prediction, y: 2 * (prediction - y) / len(y),
            "Your answer is twice too large. The 2 belongs to the squared error; the loss here is "
            "cross-entropy.",
        ),
        "only the ones": (
            lambda prediction, y: y * (prediction - 1) / len(y),
            "Samples with target 0 get no delta. You took the first half of the loss alone: its "
            "second term, (1 - y) log(1 - a), is missing.",
        ),
    },
    hint="Multiply dJ/da by da/dz on paper: much of it cancels. And the loss is a mean over the "
    "samples.",
)


# --- delta of a hidden layer: my_hidden_delta(delta, W, h) -> dJ/dz, shape (n, hidden) ----------


def _hidden_delta(delta, W, h):
    return (delta @ W.T) * h * (1 - h)


def _slope_of_the_activation(delta, W, h):
    again = 1 / (1 + np.exp(-h))
    return (delta @ W.T) * again * (1 - again)


hidden_delta = Exercise(
    name="hidden_delta",
    lesson="04",
    right=_hidden_delta,
    cases=[  # square: here every mistake runs, and can be named
        (_RNG.normal(size=(4, 2)), _RNG.normal(size=(2, 2)), _between(4, 2)),
        (_RNG.normal(size=(5, 3)), _RNG.normal(size=(3, 3)), _between(5, 3)),
    ],
    then=[
        (_RNG.normal(size=(4, 1)), _RNG.normal(size=(3, 1)), _between(4, 3)),
        (_RNG.normal(size=(2, 3)), _RNG.normal(size=(5, 3)), _between(2, 5)),
    ],
    mistakes={
        "slope missing": (
            lambda delta, W, h: delta @ W.T,
            "This is the slope with respect to h. One link is missing: back through the sigmoid, "
            "to what came before it.",
        ),
        "slope at the wrong place": (
            _slope_of_the_activation,
            "You put h into the sigmoid once more. h already is the sigmoid of z, and its slope "
            "can be written with h alone.",
        ),
        "slope of tanh": (
            lambda delta, W, h: (delta @ W.T) * (1 - h**2),
            "1 - h² is the slope of tanh. The units here are sigmoids.",
        ),
        "W not transposed": (
            lambda delta, W, h: (delta @ W) * h * (1 - h),
            "You went through W in the forward direction. It only ran because this W is square: "
            "with three units before W and one behind it, what would the shape be?",
        ),
        "multiplied by h": (
            lambda delta, W, h: (delta @ W.T) * h,
            "You multiplied by the activation. The chain rule asks for the slope of the sigmoid, "
            "not for its height.",
        ),
        "mean taken again": (
            lambda delta, W, h: (delta @ W.T) * h * (1 - h) / len(delta),
            "You divided by n a second time. The 1/n is already inside the delta that came in.",
        ),
        "sign": (
            lambda delta, W, h: -(delta @ W.T) * h * (1 - h),
            "The sign is turned over. The minus of gradient descent comes later, in the update.",
        ),
    },
    hint="Two links: back through the weights to h (which shape must come out?), then back "
    "through the sigmoid to z.",
)


# --- the check: my_gradient(loss, w, tiny) -> slopes, the shape of w ----------------------------


def _curved(w):
    return float(np.sum(np.exp(w) * np.array([1.0, 2.0, -1.0])) + w[0] * w[1] ** 2)


def _wave(w):
    return float(np.sin(w[0] + 2 * w[1]) + w[0] ** 3)


def _by_moves(ahead, behind, divisor=None):
    """A gradient from loss at w + ahead * move and w + behind * move, one weight at a time."""

    def gradient(loss, w, tiny):
        w = np.asarray(w, dtype=float)
        moves = tiny * np.eye(len(w))
        under = (ahead - behind) * tiny if divisor is None else divisor * tiny
        return np.array([loss(w + ahead * m) - loss(w + behind * m) for m in moves]) / under

    return gradient


def _to_tiny(loss, w, tiny):
    slopes = []
    for place in range(len(w)):
        above, below = np.array(w, dtype=float), np.array(w, dtype=float)
        above[place], below[place] = tiny, -tiny
        slopes.append((loss(above) - loss(below)) / (2 * tiny))
    return np.array(slopes)


def _all_at_once(loss, w, tiny):
    w = np.asarray(w, dtype=float)
    return np.full(len(w), (loss(w + tiny) - loss(w - tiny)) / (2 * tiny))


def _never_put_back(loss, w, tiny):
    w, slopes = np.array(w, dtype=float), []
    for place in range(len(w)):
        w[place] += tiny
        above = loss(w)
        w[place] -= 2 * tiny
        slopes.append((above - loss(w)) / (2 * tiny))
    return np.array(slopes)


def _put_back_half_way(loss, w, tiny):
    w, slopes = np.array(w, dtype=float), []
    for place in range(len(w)):
        w[place] += tiny
        above = loss(w)
        w[place] -= tiny
        slopes.append((above - loss(w)) / (2 * tiny))
    return np.array(slopes)


def _first_only(loss, w, tiny):
    slopes = np.zeros(len(w))
    slopes[0] = maths.numeric_gradient(loss, w, tiny)[0]
    return slopes


gradient = Exercise(
    name="gradient",
    lesson="04",
    right=maths.numeric_gradient,
    cases=[
        (_curved, np.array([0.3, -0.7, 0.5]), 0.05),
        (_wave, np.array([0.4, 1.1]), 0.02),
        (_curved, np.array([-1.0, 0.2, 1.5]), 0.1),
    ],
    mistakes={
        "one side only": (
            _by_moves(1, 0),
            "You moved to one side only. That works, but the error is of size tiny. Move to both "
            "sides and it is of size tiny².",
        ),
        "the other side only": (
            _by_moves(0, -1),
            "You moved to the lower side only. Move to both sides: the errors then cancel.",
        ),
        "divided by tiny": (
            _by_moves(1, -1, divisor=1),
            "Your slopes are twice too large. How long is the way from w - tiny to w + tiny?",
        ),
        "sign": (
            _by_moves(1, -1, divisor=-2),
            "The sign is turned over: take the loss above minus the loss below.",
        ),
        "not divided": (
            lambda loss, w, tiny: _by_moves(1, -1, divisor=1)(loss, w, tiny) * tiny,
            "This is the change of the loss. A slope is the change divided by the way.",
        ),
        "moved to tiny": (
            _to_tiny,
            "You set the weight to tiny, and to -tiny. It should move by tiny from where it is.",
        ),
        "all weights at once": (
            _all_at_once,
            "You moved all weights together. Then you only learn the sum of their slopes. Move "
            "one weight at a time.",
        ),
        "all weights at once, as a number": (
            lambda loss, w, tiny: _all_at_once(loss, w, tiny)[0],
            "You moved all weights together, and got one number: the sum of their slopes. Move "
            "one weight at a time, and return one slope for each.",
        ),
        "not put back": (
            _never_put_back,
            "After each weight you left it moved. Put it back before you turn to the next one.",
        ),
        "put back half way": (
            _put_back_half_way,
            "After the first move the weight must go to the other side of where it was. You only "
            "came back, so you compared with the loss at w itself.",
        ),
        "one array under two names": (
            lambda loss, w, tiny: np.zeros(len(w)),
            "All your slopes are 0: your two losses are one. After above = w and below = w there "
            "is still one array, with three names, and w.copy() makes another. Or do both moves go "
            "the same way?",
        ),
        "multiplied by tiny": (
            lambda loss, w, tiny: _by_moves(1, -1, divisor=2)(loss, w, tiny) * tiny**2,
            "Python reads / 2 * tiny from left to right: it divides by 2 and multiplies by tiny. "
            "Parentheses keep together what is divided by.",
        ),
        "a tiny of your own": (
            lambda loss, w, tiny: maths.numeric_gradient(loss, w, 1e-5),
            "Your slopes are nearer to the true ones than asked: you moved by a step of your own. "
            "That is a good gradient; but here, move by the tiny that the function is given.",
        ),
        "only the first slope": (
            _first_only,
            "Only the first slope is there. Your return stands inside the loop, so the loop ends "
            "after one turn: move it to the left, behind the loop.",
        ),
        "only the first slope, as a number": (
            lambda loss, w, tiny: maths.numeric_gradient(loss, w, tiny)[0],
            "You return one number, the first slope. Your return stands inside the loop: fill one "
            "place of an array in each turn, and return the array behind the loop.",
        ),
    },
    hint="One weight at a time: a little up, a little down, and back to where it was. What is the "
    "slope of the line through the two losses?",
)
