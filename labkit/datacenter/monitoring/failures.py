"""Sensors that tell a failure: the simplest rule first, and time in its order.

The readings of `load_shuttle` were shuffled before they were published. A random split then holds
rows of every time on both sides; `earlier` splits at a time instead, as the future will. What is
marked is the state at the moment of the reading: this is detection, and no prediction of what is
to come. Scores are average precision: with 7 % anomalies, who never gives an alarm is 93 % right.

Lesson: 27_monitoring_and_interpretability.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from labkit.maths.metrics import average_precision

TIME = 0  # column of the time in the readings


class Rule(NamedTuple):
    """The highest (sign 1) or lowest (sign -1) values of one feature are the most suspicious."""

    feature: int
    sign: int

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return a score for each row, higher where it is more suspicious, shape (n,)."""
        return self.sign * x[:, self.feature]


def earlier(time: np.ndarray, share: float) -> np.ndarray:
    """Return which readings are among the earliest, about this share of them, bool (n,).

    Readings of the same time stay on the same side.

    Args:
        time: of each reading, shape (n,).
        share: to be learned from, between 0 and 1.

    Raises:
        ValueError: nothing is left for one of the sides.

    >>> earlier(np.array([3, 1, 2, 4]), 0.5).tolist()
    [False, True, True, False]
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1. Received: {share}")
    first = time <= np.quantile(time, share, method="lower")
    if first.all():
        raise ValueError(f"all readings are at or before that time; take less than {share}")
    return first


def one_feature(x: np.ndarray, y: np.ndarray) -> Rule:
    """Return the best rule of a single feature: the baseline that each model must beat.

    Args:
        x: readings, shape (n, features).
        y: 1 where a reading is an anomaly, shape (n,).

    >>> one_feature(np.array([[0, 5], [1, 4], [2, 1], [2, 0]]), np.array([0, 0, 0, 1]))
    Rule(feature=1, sign=-1)
    """
    rules = [Rule(feature, sign) for feature in range(x.shape[1]) for sign in (1, -1)]
    return max(rules, key=lambda rule: average_precision(y, rule(x)))


def logistic(x: np.ndarray, y: np.ndarray) -> Callable:
    """Return the scores of a logistic regression of standardized features, as a function of x."""
    from sklearn.linear_model import LogisticRegression

    center, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    model = LogisticRegression(max_iter=1000).fit((x - center) / scale, y)
    return lambda rows: model.decision_function((rows - center) / scale)


def tree(x: np.ndarray, y: np.ndarray, depth: int = 3, seed: int = 0) -> Callable:
    """Return the scores of a small decision tree, as a function of x."""
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(max_depth=depth, random_state=seed).fit(x, y)
    return lambda rows: model.predict_proba(rows)[:, 1]


MODELS = {
    "no model": lambda x, y: lambda rows: np.zeros(len(rows)),
    "one feature": one_feature,
    "decision tree": tree,
    "logistic regression": logistic,
}


def compare(
    x: np.ndarray, y: np.ndarray, train: np.ndarray, models: dict[str, Callable] | None = None
) -> dict[str, float]:
    """Return the average precision of each model on the readings that it did not see.

    "no model" gets the share of anomalies among them.

    Args:
        x: readings, shape (n, features).
        y: 1 where a reading is an anomaly, shape (n,).
        train: which readings to learn from, bool (n,).
        models: name -> function of (x, y) that returns a score as a function of x; None takes
            MODELS.

    Raises:
        ValueError: one of the sides has no anomaly, or nothing else.

    >>> x, y = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([0, 1, 0, 1])
    >>> compare(x, y, np.array([True, True, False, False]), {"one feature": one_feature})
    {'one feature': 1.0}
    """
    for side, part in (("learn from", train), ("test on", ~train)):
        if len(np.unique(y[part])) < 2:
            raise ValueError(
                f"the {part.sum()} readings to {side} must hold anomalies and others; choose "
                "another split"
            )
    fits = MODELS if models is None else models
    test_x, test_y = x[~train], y[~train]
    scores = {name: fit(x[train], y[train])(test_x) for name, fit in fits.items()}
    return {name: average_precision(test_y, found) for name, found in scores.items()}
