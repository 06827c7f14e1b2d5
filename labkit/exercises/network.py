"""Exercises of lesson 10: labels, a training step by hand, a parameter count, a bug in the labels.

Each name is an Exercise: `labels.check(my_labels)`.  Lesson: 10_first_network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import index
from typing import Any

import numpy as np

from labkit.learn.checks import Exercise

_random = np.random.default_rng(10)


# --- labels: my_labels(pairs) -> 1 where the first number is larger, else 0, shape (n, 1) --------


def _labels(pairs: np.ndarray) -> np.ndarray:
    return (pairs[:, :1] > pairs[:, 1:]).astype(float)


_FLAT = "the shape is (n,). The network answers with (n, 1): keep a column a column."

_LABEL_MISTAKES = {
    "-1 and 1": (
        lambda pairs: np.where(pairs[:, :1] > pairs[:, 1:], 1.0, -1.0),
        "These are still the labels of the listing. A label is a probability here: "
        "0 or 1, nothing below.",
    ),
    "turned around": (
        lambda pairs: (pairs[:, :1] < pairs[:, 1:]).astype(float),
        "Your 1 means that the second number is larger. The question is about the first.",
    ),
    "a tie counted as larger": (
        lambda pairs: (pairs[:, :1] >= pairs[:, 1:]).astype(float),
        "Two equal numbers get the label 1. The first one is not larger then: use >.",
    ),
    "larger than a half": (
        lambda pairs: (pairs[:, :1] > 0.5).astype(float),
        "You compared the first number with 0.5. Compare it with the second one.",
    ),
}


def _flat(wrong: Callable) -> Callable:
    return lambda pairs: wrong(pairs)[:, 0]


labels = Exercise(
    name="labels",
    lesson="10",
    right=_labels,
    # The first case is small enough to be shown; the tie in it is not larger.
    cases=[
        (np.array([[0.6, 0.8], [0.4, 0.3], [0.5, 0.5]]),),
        (_random.random((6, 2)),),
        (_random.normal(size=(4, 2)),),
    ],
    mistakes={
        **_LABEL_MISTAKES,
        **{  # the listing has two faults, and whoever starts from it may mend one
            f"{kind}, shape (n,)": (_flat(wrong), f"{message} And {_FLAT}")
            for kind, (wrong, message) in _LABEL_MISTAKES.items()
        },
        "shape (n,)": (_flat(_labels), f"The numbers are right, {_FLAT}"),
        "both columns": (
            lambda pairs: (pairs == pairs.max(axis=1, keepdims=True)).astype(float),
            "You made two columns, one for each number. One output needs one label a pair.",
        ),
        "one number for all": (
            lambda pairs: float(np.mean(pairs[:, 0] > pairs[:, 1])),
            "You averaged over the pairs. Each pair keeps its own label.",
        ),
    },
    hint="Compare two columns, and make numbers of True and False. `pairs[:, :1]` keeps a column "
    "a column.",
)


# --- step: my_step(W, X, y, learning_rate) -> W after one update of a softmax classifier ---------


def _softmax(z: np.ndarray, axis: int = 1) -> np.ndarray:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _one_hot(W: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.eye(W.shape[1])[y]


def _gradient(W: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    return X.T @ (_softmax(X @ W) - _one_hot(W, y)) / len(X)


def _step(W: np.ndarray, X: np.ndarray, y: np.ndarray, learning_rate: float) -> np.ndarray:
    return W - learning_rate * _gradient(W, X, y)


def _column_softmax(W, X, y, rate):
    return W - rate * X.T @ (_softmax(X @ W, axis=0) - _one_hot(W, y)) / len(X)


def _sigmoid_outputs(W, X, y, rate):
    return W - rate * X.T @ (1 / (1 + np.exp(-X @ W)) - _one_hot(W, y)) / len(X)


def _logits_as_probabilities(W, X, y, rate):
    return W - rate * X.T @ (X @ W - _one_hot(W, y)) / len(X)


def _labels_as_numbers(W, X, y, rate):
    return W - rate * X.T @ (_softmax(X @ W) - np.asarray(y)[:, None]) / len(X)


def _step_case(n: int, inputs: int, classes: int, rate: float) -> tuple:
    W, X = (_random.normal(size=shape).round(1) for shape in ((inputs, classes), (n, inputs)))
    return W, X, _random.integers(0, classes, n), rate


step = Exercise(
    name="step",
    lesson="10",
    right=_step,
    # The first case is small enough to be shown.
    cases=[_step_case(2, 2, 3, 0.1), _step_case(8, 3, 6, 0.5), _step_case(1, 2, 2, 1.0)],
    mistakes={
        "uphill": (
            lambda W, X, y, rate: W + rate * _gradient(W, X, y),
            "You walk uphill: subtract the gradient.",
        ),
        "mean forgotten": (
            lambda W, X, y, rate: W - rate * len(X) * _gradient(W, X, y),
            "You added the gradients of the examples up. The loss is a mean over the batch.",
        ),
        "gradient returned": (
            lambda W, X, y, rate: _gradient(W, X, y),
            "This is the gradient. Return the weights after the step.",
        ),
        "change returned": (
            lambda W, X, y, rate: -rate * _gradient(W, X, y),
            "This is the change. Return the old weights plus the change.",
        ),
        "learning rate left out": (
            lambda W, X, y, rate: W - _gradient(W, X, y),
            "The gradient is not multiplied by the learning rate.",
        ),
        "softmax over the batch": (
            _column_softmax,
            "Your softmax adds up to 1 over the batch. Each row, one example, must add up to 1.",
        ),
        "sigmoid instead of softmax": (
            _sigmoid_outputs,
            "You used the sigmoid for each class. The classes exclude each other: softmax.",
        ),
        "logits as probabilities": (
            _logits_as_probabilities,
            "You compared the scores with the labels. First make probabilities of them: softmax.",
        ),
        "labels not one-hot": (
            _labels_as_numbers,
            "You subtracted the class number from all probabilities. A label must say for each "
            "class whether it is the right one.",
        ),
    },
    hint="Scores, probabilities, their difference to the one-hot labels, back through X to the "
    "shape of W, and a step of gradient descent.",
)


# --- parameters: my_parameters(sizes) -> weights and biases of a network of Dense layers ---------


def _weights(sizes: Sequence[int]) -> int:
    return sum(a * b for a, b in pairwise(sizes))


def _parameters(sizes: Sequence[int]) -> int:
    return _weights(sizes) + sum(sizes[1:])


parameters = Exercise(
    name="parameters",
    lesson="10",
    right=_parameters,
    cases=[([784, 500, 10],), ([2, 3, 1],), ([20, 128, 64, 2],), ([7, 5],)],
    mistakes={
        "no biases": (
            _weights,
            "You counted the weights only. Every unit after the inputs has a bias as well.",
        ),
        "biases for the inputs": (
            lambda sizes: _weights(sizes) + sum(sizes),
            "You gave the inputs biases. They are numbers that come in; nothing is added to them.",
        ),
        "one bias a layer": (
            lambda sizes: _weights(sizes) + len(sizes) - 1,
            "You counted one bias a layer. Every unit has its own.",
        ),
        "units counted": (
            lambda sizes: sum(sizes),
            "These are the units. Between two layers there is a weight for every pair of units.",
        ),
        "all multiplied": (
            lambda sizes: int(np.prod(sizes)),
            "You multiplied all sizes. Only neighboring layers are connected.",
        ),
        "first layer only": (
            lambda sizes: _parameters(sizes[:2]),
            "You stopped after the first layer of weights. Go on to the output.",
        ),
    },
    hint="Count one layer first, from a units to b units: how many arrows run between them, and "
    "how many biases are added? Then go through the pairs of neighbors.",
)


# --- swapped: which two labels of the training set are exchanged? A list of two digits ----------


def exchange_labels(y: np.ndarray) -> np.ndarray:
    """Return labels in which somebody has exchanged two digits: the bug of the exercise.

    Args:
        y: labels 0 to 9, shape (n,); not changed.
    """
    exchanged = np.arange(10)
    exchanged[_SWAPPED] = _SWAPPED[::-1]
    return exchanged[y]


_SWAPPED = [2, 7]


def _pair(answer: Any) -> Any:
    """Return two digits as a list, however they are written; sorted if order is not their fault."""
    digits = map(int, re.findall(r"\d+", answer)) if isinstance(answer, str) else answer
    found = [index(digit) for digit in (sorted(digits) if isinstance(digits, set) else digits)]
    if len(found) != 2:
        return answer
    return found if sorted(found) == _SWAPPED else sorted(found)


swapped = Exercise(
    name="swapped",
    lesson="10",
    right=_SWAPPED,
    read=_pair,
    mistakes={
        "in the other order": ([7, 2], "You found it. Write the smaller digit first."),
        "digits that look alike": (
            [4, 9],
            "4 and 9 look alike, so a good network mixes some of them up, too. "
            "Look for a pair of which nearly all go wrong.",
        ),
        "also alike": (
            [3, 5],
            "3 and 5 look alike, so a good network mixes some of them up, too. "
            "Look for a pair of which nearly all go wrong.",
        ),
        "counts instead of digits": (
            [2, 2],
            "A digit exchanged with itself changes nothing. Give the row and the column.",
        ),
        "only one of them": (2, "That is one of the two. Which digit do its images get?"),
        "only the other": (7, "That is one of the two. Which digit do its images get?"),
    },
    hint="In the table, look off the diagonal for cells as large as those on it.",
)
