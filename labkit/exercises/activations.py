"""Exercises of lesson 03: a ReLU network, a hat, a slope, a stable softmax, an own activation."""

from dataclasses import replace

import numpy as np

from labkit.learn import values
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


# --- a hat: my_hat, (bias, weight) of three ReLUs ------------------------------------------------


# Places where an answer is compared with the hat: the corners first, then between them.
_PLACES = [-1.0, 0.0, 1.0, 2.0, 3.0, *np.linspace(-3, 6, 37)]


def _units(answer) -> list:
    """Return [bias, weight] of each ReLU, the kink farthest left first."""
    pairs = np.asarray(answer, dtype=float)
    if pairs.shape == (2, 3):  # all biases, then all weights
        pairs = pairs.T
    return pairs[np.lexsort((pairs[:, 1], -pairs[:, 0]))].tolist()


class _Hat(Exercise):
    """An exercise that says of unplanned weights what they draw."""

    def _unplanned(self, answer, trial, right, trace):
        found = super()._unplanned(answer, trial, right, trace)
        units = values.numbers(trial.got[0])
        if units is None or units.shape != (3, 2) or not np.isfinite(units).all():
            return found
        for x in _PLACES:
            height, wanted = relu(x + units[:, 0]) @ units[:, 1], np.interp(x, [0, 1, 2], [0, 1, 0])
            if abs(height - wanted) > 1e-6:
                told = f"At x = {x:g} your line has the height {height:g}, the hat has {wanted:g}."
                told += f" You gave {values.short(trial.got[0])}."
                return replace(found, kind=f"wrong at x = {x:g}", message=told)
        return found


hat = _Hat(
    name="hat",
    lesson="03",
    right=[[0.0, 1.0], [-1.0, -2.0], [-2.0, 1.0]],
    read=_units,
    mistakes={
        "kinks for biases": (
            [(0, 1), (1, -2), (2, 1)],
            "Your weights are right. But relu(x + 1) has its kink at x = -1: which bias puts the "
            "kink at x = 1?",
        ),
        "slopes for changes": (
            [(0, 1), (-1, -1), (-2, 0)],
            "Your weights are the slopes of the hat. All ReLUs that are awake add up, so a weight "
            "says by how much the slope *changes* at its kink.",
        ),
        "the change too small": (
            [(0, 1), (-1, -1), (-2, 1)],
            "From x = 1 to x = 2 your line is level, and then it rises again. From slope +1 to "
            "slope -1, how large is the change?",
        ),
        "all fall": (
            [(0, 1), (-1, -1), (-2, -1)],
            "Up to x = 2 you never go down, and from there on you fall for ever. Where is the top, "
            "and where does the slope become 0 again?",
        ),
        "it falls for ever": (
            [(0, 1), (-1, -2), (-2, 0)],
            "Right up to x = 2. There the fall must stop.",
        ),
        "heights for weights": (
            [(0, 0), (-1, 1), (-2, 0)],
            "Your weights are the heights of the hat at its kinks. A ReLU adds slope, not height.",
        ),
        "it ends on a rise": (
            [(0, 1), (-1, -2), (-2, 2)],
            "Behind x = 2 your line rises again. The slope before is -1, behind it must be 0.",
        ),
        "weights first": (
            [(1, 0), (-2, -1), (1, -2)],
            "You give the weight first. Of each pair the bias comes first.",
        ),
    },
    hint="Walk along the hat: at which x does its slope change, and by how much each time? The "
    "changes are the weights. A bias moves a kink to the other side.",
)


# --- an activation of one's own: my_activation(z) -> array of the same shape ---------------------


def _selu(z):
    return 1.0507 * np.where(z > 0, z, 1.67326 * np.expm1(np.minimum(z, 0)))


def _bends(answer) -> tuple[bool, str]:
    """Return whether a function can stand between layers, and why or why not."""
    with np.errstate(all="ignore"):
        far = np.array([[-1000.0, 1000.0], [-30.0, 30.0]])
        ends = np.asarray(answer(far.copy()), dtype=float)
        z = np.linspace(-6, 6, 2401)
        value = np.asarray(answer(z.copy()), dtype=float)
        part = np.asarray(answer(z[:500].copy()), dtype=float)
        stack = np.shape(answer(np.ones((2, 3, 4))))
    if (ends.shape, value.shape, stack) != (far.shape, z.shape, (2, 3, 4)):
        given = f"For {values.short(far)} it gives {values.short(ends)}."
        return False, f"{given} Each number has its own answer: as many come back as are given."
    for at, end in zip(far.ravel(), ends.ravel(), strict=True):
        if not np.isfinite(end):
            return False, f"For z = {at:g} it gives {end:g}. Such numbers come up in training."
    if not np.isfinite(value).all():
        return False, f"For z = {z[~np.isfinite(value)][0]:g} it gives no finite number."
    if not np.allclose(part, value[:500]):
        return False, "What it gives for a number depends on the numbers beside it."
    if np.abs(np.diff(value)).max() > 0.5:
        steep = np.abs(np.diff(value)).argmax()
        return False, f"It jumps, or is far too steep, near z = {z[steep]:.1f}."
    if np.abs(np.diff(value, 2)).max() < 1e-9:
        return False, "It is one straight line, so ten layers are only one."
    return True, "It bends and is finite, so it may enter the race."


class _Bend(Exercise):
    """An exercise without one right answer: every function that bends may enter."""

    def _judged(self, answer):
        found = super()._judged(answer)
        known = ("not tried", "nothing returned", "an older version", "error", "by chance")
        if found.kind in (*self.mistakes, *known):
            return found
        return self._by_goal(found, answer, _bends, ("In a network it fails", "error"))

    def _first_difference(self, got, right):
        return f"For {values.call(self.cases[0])} you return {values.short(got[0])}."


activation = _Bend(
    name="activation",
    lesson="03",
    right=_selu,
    cases=[(np.array([[-2.0, 0.5, 3.0], [1.0, -0.25, -6.0]]),)],
    mistakes={
        "a straight line": (
            lambda z: 1.0 * z,
            "You return z itself. Without a bend ten layers are only one.",
        ),
        "a jump": (
            lambda z: np.where(z > 0, 1.0, 0.0),
            "That is a step: its slope is 0 wherever it has one, so no gradient comes through.",
        ),
        "softmax": (
            stable_softmax,
            "Softmax lets the numbers of a row compete. Inside a network each unit bends its own.",
        ),
        "the sign": (
            lambda z: np.sign(z),
            "You return only the sign: its slope is 0 on both sides, so no gradient comes through.",
        ),
        "one number": (
            lambda z: np.max(z),
            "You return one number for the whole array. `np.maximum(a, b)` compares number by "
            "number; `np.max` takes the largest of all.",
        ),
    },
    hint="Start with a function of the lesson and change one piece of it, such as how it falls on "
    "the left. `np.where(z > 0, right, left)` puts two pieces together.",
)
