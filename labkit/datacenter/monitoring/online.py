"""Learning from a stream: what to forget when the rule changes, and whom not to trust.

Every learner first answers, then learns from the same example, so that each answer is a test. Many
runs go side by side. A drift turns the rule that gives the labels; an attacker sends examples with
wrong labels. Both look alike to a learner: whoever throws surprises away is safe from the second
and blind to the first.

Lesson: 27_monitoring_and_interpretability.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit.maths.activations import sigmoid


class Stream(NamedTuple):
    """Examples of many runs, in time.

    Attributes:
        x: inputs, shape (steps, runs, features).
        y: labels, 0 or 1, shape (steps, runs).
        rule: weights that gave the labels, shape (steps, runs, features).
        poisoned: examples that an attacker sent, bool (steps, runs).
    """

    x: np.ndarray
    y: np.ndarray
    rule: np.ndarray
    poisoned: np.ndarray


def drifting(
    steps: int = 3000,
    runs: int = 20,
    features: int = 5,
    drift: int = 1500,
    angle: float = 90.0,
    over: int = 1,
    noise: float = 0.05,
    seed: int = 0,
) -> Stream:
    """Return streams whose rule turns at some step.

    Args:
        steps, runs, features: sizes.
        drift: step at which the turn begins.
        angle: by which the weights turn, in degrees; 0 is no drift, 180 the opposite rule.
        over: steps that the turn takes; 1 is sudden.
        noise: share of labels that are wrong by chance: nobody can do better than 1 - noise.
        seed: the same seed draws the same streams.

    >>> stream = drifting(steps=100, runs=3)
    >>> stream.x.shape, stream.y.shape
    ((100, 3, 5), (100, 3))
    """
    random = np.random.default_rng(seed)
    first, second = np.moveaxis(np.linalg.qr(random.normal(size=(runs, features, 2)))[0], -1, 0)
    done = np.clip((np.arange(steps) - drift + 1) / over, 0, 1)
    turned = np.radians(angle) * done[:, None, None]
    rule = np.cos(turned) * first + np.sin(turned) * second
    x = random.normal(size=(steps, runs, features))
    wrong = random.random((steps, runs)) < noise
    y = (answers(rule, x) != wrong).astype(int)
    return Stream(x, y, rule, np.zeros((steps, runs), dtype=bool))


def poisoned(
    stream: Stream, start: int, share: float = 0.2, size: float = 3.0, seed: int = 0
) -> Stream:
    """Return the stream with an attacker in it: far-out examples, labeled the wrong way around.

    Args:
        stream: clean.
        start: step from which the attacker sends.
        share: of the examples that are his.
        size: how many times larger his inputs are.
        seed: decides which examples.
    """
    random = np.random.default_rng(seed)
    his = random.random(stream.y.shape) < share
    his[:start] = False
    x = np.where(his[..., None], size * stream.x, stream.x)
    return Stream(x, np.where(his, 1 - answers(stream.rule, x), stream.y), stream.rule, his)


def answers(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return whether each example, (..., features), is on the positive side, bool (...)."""
    return (weights * x).sum(axis=-1) > 0


def accuracy(right: np.ndarray, stream: Stream, start: int = 0, stop: int | None = None):
    """Return the accuracy of each run on examples that no attacker sent, array (runs,).

    Args:
        right: whether each answer was right, bool (steps, runs).
        stream: whose examples they were.
        start, stop: steps that count.
    """
    clean = ~stream.poisoned[start:stop]
    return (right[start:stop] & clean).sum(axis=0) / clean.sum(axis=0)


# --- learn from each example ----------------------------------------------------------------------


def online(stream: Stream, update: Callable) -> np.ndarray:
    """Return whether each answer was right, bool (steps, runs), of a learner of single examples.

    Args:
        stream: examples in time.
        update: `update(weights, x, y)` -> new weights; arrays (runs, features), (runs, features)
            and (runs,). It learns from what has just been answered.

    >>> stream = drifting(steps=1000, runs=4)
    >>> bool(online(stream, sgd(0.1))[500:].mean() > 0.85)
    True
    """
    weights = np.zeros(stream.x.shape[1:])
    right = np.empty(stream.y.shape, dtype=bool)
    for t, (x, y) in enumerate(zip(stream.x, stream.y, strict=True)):
        right[t] = answers(weights, x) == y
        weights = update(weights, x, y)
    return right


def sgd(rate: float = 0.1, most_norm: float = np.inf, most_loss: float = np.inf) -> Callable:
    """Return the update of logistic regression by one example, with two defenses.

    Args:
        rate: learning rate.
        most_norm: longer inputs are shortened to it, so that no example weighs more than others.
        most_loss: examples of a greater loss, in nats, are thrown away: 0.69 is that of a guess.

    >>> weights, x = np.zeros((1, 2)), np.array([[3.0, 4.0]])
    >>> sgd(0.1)(weights, x, np.array([1])).tolist()
    [[0.15000000000000002, 0.2]]
    >>> sgd(0.1, most_norm=1.0)(weights, x, np.array([1])).round(3).tolist()
    [[0.03, 0.04]]
    """

    def update(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        norm = np.linalg.norm(x, axis=-1, keepdims=True)
        x = x * np.minimum(1, most_norm / norm)
        signed = (2 * y - 1) * (weights * x).sum(axis=-1)
        slope = np.where(np.logaddexp(0, -signed) > most_loss, 0, sigmoid(-signed))
        return weights + rate * (slope * (2 * y - 1))[:, None] * x

    return update


# --- learn anew from a stretch of the past --------------------------------------------------------


def refit(stream: Stream, span: Callable, every: int = 20) -> np.ndarray:
    """Return whether each answer was right, bool (steps, runs), of a learner that starts anew.

    Every so many steps it fits the labels, as -1 and 1, by least squares. What it learns from is
    all that tells these learners apart.

    Args:
        stream: examples in time.
        span: `span(now, wrong)` -> first and last step to learn from, numbers or arrays (runs,);
            wrong is bool (now, runs), the mistakes so far.
        every: steps between two fits.
    """
    steps, runs, features = stream.x.shape
    signed = 2 * stream.y - 1
    squares = _sums(stream.x[..., :, None] * stream.x[..., None, :])
    products = _sums(stream.x * signed[..., None])
    right, each = np.zeros(stream.y.shape, dtype=bool), np.arange(runs)
    for now in range(every, steps, every):
        first, last = span(now, ~right[:now])
        matrix = squares[last, each] - squares[first, each] + np.eye(features)
        vector = products[last, each] - products[first, each]
        weights = np.linalg.solve(matrix, vector[..., None])[..., 0]
        next_ = slice(now, now + every)
        right[next_] = answers(weights, stream.x[next_]) == stream.y[next_]
    return right


def _sums(values: np.ndarray) -> np.ndarray:
    """Return the sums of the first 0, 1, 2, ... steps."""
    return np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])


def static(last: int = 500) -> Callable:
    """Return the span of a model that is trained once and never again."""
    return lambda now, wrong: (0, min(now, last))


def everything() -> Callable:
    """Return the span of a model that learns from all that ever came."""
    return lambda now, wrong: (0, now)


def window(size: int) -> Callable:
    """Return the span of a model that learns from the newest examples only.

    Args:
        size: how many; 20 or more, the steps between two fits.
    """
    return lambda now, wrong: (max(0, now - size), now)


def adaptive(delta: float = 0.002) -> Callable:
    """Return the span of a model that forgets all before a change in its mistakes.

    Args:
        delta: of `adwin_cut`.
    """
    first = None

    def span(now: int, wrong: np.ndarray):
        nonlocal first
        first = np.zeros(wrong.shape[1], dtype=int) if first is None or now < 40 else first
        for run, start in enumerate(first):
            first[run] = start + adwin_cut(wrong[start:, run], delta)
        return first, now

    return span


def adwin_cut(values: ArrayLike, delta: float = 0.002, least: int = 5) -> int:
    """Return how many of the oldest values to forget, 0 if all are alike: ADWIN's test.

    Of all ways to cut the window in two it takes the one whose means differ most clearly. They
    differ if they are further apart than chance allows.

    Args:
        values: numbers in [0, 1], such as mistakes, oldest first, shape (n,).
        delta: chance of a false alarm in such a window, at most; it really is far less.
        least: values that each part must have.

    Source: Bifet and Gavaldà, Learning from time-changing data with adaptive windowing (2007).

    >>> adwin_cut([0] * 100 + [1] * 100), adwin_cut([0, 1] * 100)
    (100, 0)
    """
    values = np.asarray(values, dtype=float)
    n = len(values)
    if n < 2 * least:
        return 0
    cuts = np.arange(least, n - least + 1)
    total = np.cumsum(values)
    older, newer = total[cuts - 1] / cuts, (total[-1] - total[cuts - 1]) / (n - cuts)
    chance = log(2 * log(n) / delta)
    recip = 1 / cuts + 1 / (n - cuts)
    allowed = np.sqrt(2 * recip * values.var() * chance) + 2 / 3 * recip * chance
    excess = np.abs(older - newer) - allowed
    return int(cuts[excess.argmax()]) if excess.max() > 0 else 0
