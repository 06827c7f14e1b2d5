"""Exercises of lesson 03: a slope, a stable softmax, a ReLU network, a hat of ReLUs."""

import numpy as np

from labkit.learn.checks import Exercise
from labkit.maths.activations import relu, sigmoid, sigmoid_grad
from labkit.maths.activations import softmax as stable_softmax

# --- the slope of the sigmoid: my_sigmoid_slope(x) -> slope --------------------------------------

sigmoid_slope = Exercise(
    name="sigmoid_slope",
    lesson="03",
    right=sigmoid_grad,
    # Far out each case stands alone: beside a larger slope, a slope of 1e-11 would count as 0.
    cases=[(0.0,), (1.0,), (-2.0,), (np.array([-4.0, 0.5, 3.0]),), (-25.0,), (20.0,), (24.0,)],
    tolerance=1e-4,  # there 1 - s has lost most of its digits
    mistakes={
        "the sigmoid itself": (
            sigmoid,
            "You returned the height of the curve. Asked is how fast it rises.",
        ),
        "slope of the output": (
            lambda x: x * (1 - x),
            "You put x where the height of the curve belongs: the s of the formula is not x.",
        ),
        "plus instead of minus": (
            lambda x: sigmoid(x) * (1 + sigmoid(x)),
            "You wrote 1 + s. Then the slope would grow with x, but the curve gets flat.",
        ),
        "squared": (
            lambda x: sigmoid(x) ** 2,
            "You squared the sigmoid. For large x that goes to 1, but the slope must go to 0.",
        ),
        "the slope of tanh": (
            lambda x: 1 - sigmoid(x) ** 2,
            "1 - s^2 is the slope of tanh. This curve runs from 0 to 1, not from -1 to 1.",
        ),
        "minus sign": (
            lambda x: -sigmoid_grad(x),
            "Your slope is negative, but the sigmoid rises everywhere. Check the chain rule: "
            "the inner derivative of exp(-x) brings a second minus.",
        ),
    },
    hint="The slope can be written with the height of the curve alone. It is 0 where the height is "
    "0, and where it is 1.",
)


# --- softmax: my_softmax(z) -> shares, for an array (rows, classes) ------------------------------


def _quiet(function):
    """The function without NumPy's warnings: the overflow is what the exercise is about."""

    def quiet(z):
        with np.errstate(all="ignore"):
            return function(z)

    return quiet


def _shares(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


softmax = Exercise(
    name="softmax",
    lesson="03",
    right=stable_softmax,
    cases=[
        (np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0]]),),
        (np.array([[1000.0, 0.0, -1000.0], [-1000.0, -1000.0, -999.0]]),),
        (np.array([[0.5, 0.5]]),),
        (np.array([[-1.0, 1.0, 700.0], [2.0, 0.0, 2.0]]),),
        (np.array([[1000.0, 0.0], [-1000.0, -1000.0]]),),
        (np.array([[-1000.0, -999.0], [-1000.0, -1001.0]]),),
    ],
    mistakes={
        "not stable": (
            _quiet(lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)),
            "The formula is right, but exp(1000) overflows and gives nan. Shares do not change "
            "when the same number is subtracted from a whole row: which one helps?",
        ),
        "sum over everything": (
            lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
            "You divide by the sum of the whole table. Each row must sum to 1 by itself.",
        ),
        "sum over the samples": (
            lambda z: np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=0),
            "You sum down the columns, over the samples. The classes of one row must sum to 1.",
        ),
        "exp missing": (
            _quiet(lambda z: z / z.sum(axis=1, keepdims=True)),
            "You divide the numbers themselves. Take exp first: only then are all shares positive.",
        ),
        "not divided": (
            lambda z: np.exp(z - z.max(axis=1, keepdims=True)),
            "Your rows do not sum to 1, so they are no shares yet.",
        ),
        "the logarithm": (
            lambda z: np.log(stable_softmax(z) + 1e-300),
            "You returned the logarithm of softmax. Shares lie between 0 and 1.",
        ),
        "sigmoid": (
            sigmoid,
            "You took the sigmoid of each number alone. Softmax lets the numbers of a row "
            "compete: a larger one makes the others smaller.",
        ),
        "one maximum for all rows": (
            _quiet(lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=1, keepdims=True)),
            "You subtract the largest number of the whole table. A row far below it becomes 0 / 0. "
            "Each row needs its own maximum.",
        ),
        "the largest size": (
            _quiet(lambda z: _shares(z - np.abs(z).max(axis=1, keepdims=True))),
            "You subtract the largest size, without its sign. A row of -1000 and -999 then falls "
            "to about -2000, and becomes 0 / 0.",
        ),
        "the mean": (
            _quiet(lambda z: _shares(z - z.mean(axis=1, keepdims=True))),
            "You subtract the mean of each row. The largest number can still lie far above it, "
            "and exp overflows.",
        ),
    },
    hint="Three steps, each row by itself: make its largest number harmless, make all numbers "
    "positive, make them sum to 1. `keepdims=True` keeps the column that a row is divided by.",
)


# --- a ReLU network: my_network(x, W1, b1, W2, b2) -> answers, shape (samples, outputs) ----------


def _network(x, W1, b1, W2, b2):
    return relu(x @ W1 + b1) @ W2 + b2


_CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
_XOR = (np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0]), np.array([[1.0], [-2.0]]))

network = Exercise(
    name="network",
    lesson="03",
    right=_network,
    cases=[
        (_CORNERS, *_XOR, np.array([0.0])),
        (
            np.array([[1.0, -2.0], [0.5, 3.0], [-1.0, -1.0]]),
            np.array([[1.0, -1.0], [2.0, 0.5]]),
            np.array([0.5, -1.0]),
            np.array([[1.0, -1.0], [-3.0, 2.0]]),
            np.array([-2.0, 0.25]),
        ),
    ],
    mistakes={
        "ReLU missing": (
            lambda x, W1, b1, W2, b2: (x @ W1 + b1) @ W2 + b2,
            "You left out ReLU. Without it the two layers are only one straight line.",
        ),
        "ReLU also at the end": (
            lambda *arguments: relu(_network(*arguments)),
            "You applied ReLU to the answer as well. The last layer stays linear, "
            "so that it can answer below 0.",
        ),
        "bias after ReLU": (
            lambda x, W1, b1, W2, b2: (relu(x @ W1) + b1) @ W2 + b2,
            "You added b1 after ReLU. The bias moves the kink, so it must come before it.",
        ),
        "ReLU on the input": (
            lambda x, W1, b1, W2, b2: (relu(x) @ W1 + b1) @ W2 + b2,
            "You applied ReLU to the input. It comes after the first layer.",
        ),
        "weights transposed": (
            lambda x, W1, b1, W2, b2: relu(x @ W1.T + b1) @ W2 + b2,
            "You transposed W1. Its rows belong to inputs, its columns to units.",
        ),
        "second bias missing": (
            lambda x, W1, b1, W2, b2: relu(x @ W1 + b1) @ W2,
            "You forgot b2, the bias of the last layer.",
        ),
        "first bias missing": (
            lambda x, W1, b1, W2, b2: relu(x @ W1) @ W2 + b2,
            "You forgot b1, the bias of the first layer. Without it all kinks stand at 0.",
        ),
        "only the hidden layer": (
            lambda x, W1, b1, W2, b2: relu(x @ W1 + b1),
            "You stopped after the first layer: W2 and b2 have nothing to do yet.",
        ),
    },
    hint="Two layers, one after the other. Each multiplies and adds its bias; only the first bends "
    "what it gives.",
)


# --- a hat: my_hat(x) -> 0 up to x = 0, 1 at x = 1, 0 again from x = 2 on -------------------------

hat = Exercise(
    name="hat",
    lesson="03",
    right=lambda x: relu(x) - 2 * relu(x - 1) + relu(x - 2),
    cases=[(np.linspace(-3, 6, 37),), (np.array([0.0, 1.0, 2.0]),)],
    mistakes={
        "it never comes down": (
            lambda x: relu(x) - relu(x - 1),
            "From x = 1 on your line is level. To go down, its slope must change by more.",
        ),
        "it falls for ever": (
            lambda x: relu(x) - 2 * relu(x - 1),
            "Right up to x = 2. There the fall must stop: a third ReLU adds the missing slope.",
        ),
        "shifted to the wrong side": (
            lambda x: relu(x) - 2 * relu(x + 1) + relu(x + 2),
            "relu(x + 1) has its kink at x = -1. Which shift puts it at x = 1?",
        ),
        "ReLU missing": (
            lambda x: x - 2 * (x - 1) + (x - 2),
            "Without ReLU the three lines cancel to 0 everywhere: lines add up to lines.",
        ),
        "only the rise": (
            relu,
            "That is the rise. Two more ReLUs bend it: where must their kinks be?",
        ),
        "all slopes one": (
            lambda x: relu(x) - relu(x - 1) - relu(x - 2),
            "Up to x = 1 the slope is right. There it must change from +1 to -1.",
        ),
    },
    hint="Three ReLUs. Walk along the hat: at which x does its slope change, and by how much each "
    "time?",
)
