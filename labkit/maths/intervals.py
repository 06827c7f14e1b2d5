"""How sure we may be of a result: of a mean of repeats, a share of right answers, any score."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

# --- of repeated results ------------------------------------------------------------------------


class Comparison(NamedTuple):
    """A paired comparison: mean change, half the width of its interval, and what it means."""

    change: float
    margin: float
    verdict: str  # "better", "worse" or "not sure"


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Return the mean of repeated results and the margin of its confidence interval.

    The margin is t * s / sqrt(n), with Student's t for n - 1 degrees of freedom: for five
    repeats t is 2.78, not the 1.96 of many.

    Args:
        values: one result of each repeat, shape (n,), n at least 2.
        confidence: probability that such an interval holds the true mean, if the results are
            independent and about normal.

    Raises:
        ValueError: fewer than two values, or a confidence outside (0, 1).

    Source: Student, The probable error of a mean, Biometrika (1908).
    Lesson: 12_training_well, 15_transfer_learning.

    >>> mean, margin = mean_interval([0.8, 0.9, 0.85, 0.85, 0.85])
    >>> round(mean, 3), round(margin, 4)
    (0.85, 0.0439)
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values must be (n,) with n at least 2. Received: shape {values.shape}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1. Received: {confidence}")
    from scipy.special import stdtrit  # a tenth of a second, only paid by who needs it

    t = stdtrit(len(values) - 1, 0.5 + confidence / 2)
    return float(values.mean()), float(t * values.std(ddof=1) / sqrt(len(values)))


def batch_mean_interval(
    values: ArrayLike, batches: int = 20, warmup: float = 0.1, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the mean of one long run and the margin of its confidence interval.

    Neighbors in a run are alike: a request behind a long line waits as long as the one before it.
    `mean_interval` of all values would count them as independent, and be many times too narrow.
    The means of long batches nearly are independent; what is left of their likeness, the
    correlation r of neighboring batches, widens the margin by sqrt((1 + r) / (1 - r)).

    Args:
        values: of one run, in order, shape (n,), at least two for each batch.
        batches: how many, 3 or more.
        warmup: share of the run left out at the start, where it does not yet look as later.
        confidence: probability that such an interval holds the true mean, in a run whose batches
            are much longer than its memory; in a shorter one it is less.

    Raises:
        ValueError: too few values or batches, or a warmup outside [0, 1).

    Source: Law and Carson, A sequential procedure for determining the length of a steady-state
    simulation (1979); Tafazzoli and Wilson, Skart (2011), for the correction.
    Lesson: 24_load_balancing.

    >>> batch_mean_interval([1.0, 3.0] * 500, warmup=0)  # all batches are alike
    (2.0, 0.0)
    """
    values = np.asarray(values, dtype=float)
    if not 0 <= warmup < 1 or batches < 3:
        raise ValueError(
            f"warmup must lie in [0, 1), batches be 3 or more. Received: {warmup}, {batches}"
        )
    kept = values[int(warmup * len(values)) :]
    if len(kept) < 2 * batches:
        raise ValueError(
            f"{batches} batches need {2 * batches} values after the warmup. Received: {len(kept)}"
        )
    means = kept[len(kept) % batches :].reshape(batches, -1).mean(axis=1)
    mean, margin = mean_interval(means, confidence)
    off = means - means.mean()
    alike = max(0.0, off[1:] @ off[:-1] / (off @ off)) if margin else 0.0
    return mean, margin * sqrt((1 + alike) / (1 - alike))


def compare(
    values: ArrayLike, baseline: ArrayLike, higher_is_better: bool = True, confidence: float = 0.95
) -> Comparison:
    """Return the mean change against a baseline, seed by seed, with its margin and a verdict.

    What both sides of a pair share (the drawn images, the start) falls out of the difference,
    so pairs show smaller effects than two separate intervals do.

    Args:
        values: one result for each seed, shape (n,), n at least 2.
        baseline: the results of the same seeds without the change, shape (n,).
        higher_is_better: True for accuracy, False for a loss.
        confidence: of the interval of the mean change.

    Raises:
        ValueError: different numbers of results, or fewer than two.

    Lesson: 12_training_well, 15_transfer_learning.

    >>> compare([0.82, 0.86, 0.91], [0.80, 0.85, 0.89]).verdict
    'better'
    """
    values, baseline = np.asarray(values, dtype=float), np.asarray(baseline, dtype=float)
    if values.shape != baseline.shape:
        raise ValueError(
            "each seed needs a result with and one without the change. "
            f"Received: shapes {values.shape} and {baseline.shape}"
        )
    change, margin = mean_interval(values - baseline, confidence)
    if not abs(change) > margin:  # also where a result is no number
        return Comparison(change, margin, "not sure")
    return Comparison(change, margin, "better" if (change > 0) == higher_is_better else "worse")


# --- of scores ---------------------------------------------------------------------------------


def wilson_interval(accuracy: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Return the confidence interval of an accuracy measured on `count` held-out examples.

    Wilson's interval stays inside [0, 1] and is good also for accuracies close to 1, where
    accuracy ± z * sqrt(accuracy * (1 - accuracy) / count) is not.

    Args:
        accuracy: share of right answers, 0 to 1.
        count: number of examples.
        z: width in standard deviations; 1.96 gives 95 %.

    Raises:
        ValueError: accuracy is not between 0 and 1, or count is below 1.

    Source: Wilson, Probable inference, the law of succession, and statistical inference (1927).
    Lesson: 11_convolution.

    >>> low, high = wilson_interval(0.983, 10_000)
    >>> round(low, 4), round(high, 4)
    (0.9803, 0.9854)
    """
    if not 0 <= accuracy <= 1:
        raise ValueError(f"accuracy is a share between 0 and 1; got {accuracy!r}")
    if count < 1:
        raise ValueError(f"count is the number of examples, from 1 up; got {count!r}")
    center = accuracy + z**2 / (2 * count)
    spread = z * sqrt(accuracy * (1 - accuracy) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return (center - spread) / scale, (center + spread) / scale


def bootstrap_interval(
    metric: Callable,
    y_true: ArrayLike,
    answers: ArrayLike,
    repeats: int = 500,
    share: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Return a confidence interval of any score: draw the examples again, with replacement.

    Where `wilson_interval` is for shares such as accuracy, this serves F1 or AUC too.

    Args:
        metric: function of (y_true, answers) that returns a number.
        y_true: true classes, shape (n,).
        answers: what `metric` takes as its second argument, shape (n,).
        repeats: how many samples are drawn.
        share: 0.95 gives a 95 % interval.
        seed: the same seed draws the same samples.

    Raises:
        ValueError: shapes that differ, no repeats, or a share outside 0 to 1.

    Source: Efron, Bootstrap methods: another look at the jackknife (1979), percentile method.

    >>> def accuracy(y_true, answers):
    ...     return np.mean(y_true == answers)
    >>> low, high = bootstrap_interval(accuracy, [0, 1] * 50, [0, 1] * 45 + [1, 0] * 5)
    >>> 0.8 < low < 0.9 < high < 1
    True
    """
    y_true, answers = same_length(y_true, answers, "answers")
    if repeats < 1 or not 0 < share < 1:
        raise ValueError(f"repeats must be 1 or more, share in (0, 1); got {repeats}, {share}")
    random = np.random.default_rng(seed)
    draws = random.integers(len(y_true), size=(repeats, len(y_true)))
    values = [metric(y_true[draw], answers[draw]) for draw in draws]
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def clustered_interval(
    values: ArrayLike, groups: ArrayLike, z: float = 1.96
) -> tuple[float, float]:
    """Return a mean and its margin when the values of one group (a year, a day) move together.

    Args:
        values: one result of each row, shape (n,).
        groups: which group each row belongs to, shape (n,); groups are taken as independent.
        z: width in standard deviations; 1.96 gives 95 %.

    Raises:
        ValueError: shapes that differ or are not (n,), n at least 1.

    Source: Liang and Zeger, Longitudinal data analysis using generalized linear models (1986).
    Lesson: 13_sequences.

    >>> clustered_interval([0.0, 0.0, 1.0, 1.0], ["mon", "mon", "tue", "tue"], z=1.0)
    (0.5, 0.3535533905932738)
    """
    values, groups = same_length(values, groups, "values", "groups")
    values = values.astype(float)
    mean = values.mean()
    _, number = np.unique(groups, return_inverse=True)
    sums = np.bincount(number, values - mean)
    return float(mean), float(z * np.sqrt((sums**2).sum()) / len(values))


def same_length(
    first: ArrayLike, second: ArrayLike, name: str, first_name: str = "y_true"
) -> tuple[np.ndarray, np.ndarray]:
    """Return both as arrays (n,); (n,) against (n, 1) would broadcast to n * n comparisons.

    Args:
        first, second: one value for each example, shape (n,).
        name, first_name: what the message calls the second and the first.

    Raises:
        ValueError: shapes that differ or are not (n,), n at least 1.
    """
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ValueError(
            f"{first_name} and {name} must both have shape (n,), n at least 1. Received: "
            f"{first.shape} and {second.shape}. Use .ravel() on a column of shape (n, 1)."
        )
    return first, second
