"""How good a result is; how sure we may be of it is told by `labkit.maths.intervals`.

Accuracy, precision, recall and F1 are built in lesson 05, from the four counts.

All scores here count answers. An answer jumps from right to wrong, so where a score depends on
the outputs of a network at all, its derivative is 0, and between two counts it does not exist.
This is why networks are trained on a loss (`labkit.maths.losses`) and judged by a score; no
`_grad` belongs to any of these functions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from labkit.maths.intervals import bootstrap_interval as bootstrap_interval
from labkit.maths.intervals import same_length
from labkit.maths.intervals import wilson_interval as wilson_interval

# --- counting right and wrong -------------------------------------------------------------------


def confusion_matrix(y_true: ArrayLike, y_pred: ArrayLike, classes: ArrayLike | None = None):
    """Return how often each true class (row) was answered with each class (column).

    With classes 0 and 1 the four counts are [[TN, FP], [FN, TP]].

    Args:
        y_true: true classes, shape (n,).
        y_pred: answered classes, shape (n,).
        classes: the classes in the order of rows and columns; None: all that occur, sorted.

    Returns:
        Integer array, shape (number of classes, number of classes).

    Raises:
        ValueError: the shapes differ, nothing is given, or a class is missing from `classes`.

    Lesson: 05_data_and_metrics.

    >>> confusion_matrix([0, 0, 0, 1, 1], [0, 0, 1, 1, 0]).tolist()
    [[2, 1], [1, 1]]
    """
    y_true, y_pred = same_length(y_true, y_pred, "y_pred")
    occurring = np.unique(np.concatenate([y_true, y_pred]))
    classes = occurring if classes is None else np.asarray(classes)
    unknown = np.setdiff1d(occurring, classes)
    if len(unknown):
        raise ValueError(f"classes must hold every class that occurs; missing: {unknown.tolist()}")
    return np.array([[np.sum((y_true == t) & (y_pred == p)) for p in classes] for t in classes])


def balanced_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the mean of the recalls of all classes that occur in `y_true`.

    Answering one class to everything scores 1 / (number of classes), however rare a class is.

    Raises:
        ValueError: the shapes differ, or nothing is given.

    >>> balanced_accuracy([0, 0, 0, 1], [0, 0, 0, 0])
    0.5
    """
    y_true, y_pred = same_length(y_true, y_pred, "y_pred")
    return float(np.mean([np.mean(y_pred[y_true == c] == c) for c in np.unique(y_true)]))


def majority_baseline(y_train: ArrayLike, y_test: ArrayLike) -> float:
    """Return the accuracy on `y_test` of always answering the commonest class of `y_train`.

    Raises:
        ValueError: one of the two is empty.

    >>> majority_baseline([0, 0, 1], [0, 1, 0, 0])
    0.75
    """
    y_train, y_test = np.asarray(y_train), np.asarray(y_test)
    if not y_train.size or not y_test.size:
        raise ValueError(f"a baseline needs labels; got {y_train.size} and {y_test.size}")
    classes, numbers = np.unique(y_train, return_counts=True)
    return float(np.mean(y_test == classes[np.argmax(numbers)]))


# --- every threshold at once --------------------------------------------------------------------


def roc_curve(y_true: ArrayLike, scores: ArrayLike):
    """Return false-positive rate, true-positive rate and threshold, one each a distinct score.

    An answer is positive where its score is at least the threshold. The first threshold is
    infinite: nothing is positive.

    Args:
        y_true: 0 or 1, shape (n,), both present.
        scores: any numbers, larger for more positive, shape (n,).

    Raises:
        ValueError: shapes that differ, values other than 0 and 1, one class only, or scores
            that are not finite.

    >>> fpr, tpr, _ = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> fpr.tolist(), tpr.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    tp, fp, thresholds = _cumulated(y_true, scores)
    return fp / fp[-1], tp / tp[-1], thresholds


def precision_recall_curve(y_true: ArrayLike, scores: ArrayLike):
    """Return precision, recall and threshold, from the lowest score to no alarm at all.

    The last point has precision 1 and recall 0 by convention, and no threshold.

    Args:
        y_true: 0 or 1, shape (n,), both present.
        scores: any numbers, larger for more positive, shape (n,).

    Raises:
        ValueError: see `roc_curve`.

    >>> precisions, recalls, _ = precision_recall_curve([0, 1, 1], [0.1, 0.4, 0.8])
    >>> recalls.tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    tp, fp, thresholds = _cumulated(y_true, scores)
    tp, fp, thresholds = tp[:0:-1], fp[:0:-1], thresholds[:0:-1]
    return np.append(tp / (tp + fp), 1.0), np.append(tp / tp[0], 0.0), thresholds


def area(x: ArrayLike, y: ArrayLike) -> float:
    """Return the area under a curve by the trapezoid rule; x must not turn back.

    Raises:
        ValueError: shapes that differ, fewer than two points, or x that turns back.

    >>> area([0, 0.5, 1], [0, 1, 1])
    0.75
    """
    x, y = same_length(x, y, "y", "x")
    steps = np.diff(x.astype(float))
    if len(x) < 2 or not (np.all(steps >= 0) or np.all(steps <= 0)):
        raise ValueError("x needs two or more values that only rise or only fall")
    return float(abs(np.sum(steps * (y[1:] + y[:-1]) / 2)))


def roc_auc(y_true: ArrayLike, scores: ArrayLike) -> float:
    """Return the area under the ROC curve.

    It is the chance that a positive drawn at random scores higher than a negative drawn at
    random (ties count half), so it does not depend on how rare the positives are.

    Raises:
        ValueError: see `roc_curve`.

    Source: Hanley and McNeil, The meaning and use of the area under a ROC curve (1982).

    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    fpr, tpr, _ = roc_curve(y_true, scores)
    return area(fpr, tpr)


def recall_at(y_true: ArrayLike, scores: ArrayLike, false_alarms: float) -> float:
    """Return the most recall that some threshold reaches with at most these false alarms.

    Args:
        y_true: 0 or 1, shape (n,), both present.
        scores: any numbers, larger for more positive, shape (n,).
        false_alarms: largest share of the negatives that may raise an alarm.

    Raises:
        ValueError: see `roc_curve`.

    >>> recall_at([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], false_alarms=0.4)
    0.5
    """
    fpr, tpr, _ = roc_curve(y_true, scores)
    return float(tpr[fpr <= false_alarms].max())


def precision_at(y_true: ArrayLike, scores: ArrayLike, recall: float) -> float:
    """Return the most precision that some threshold reaches with at least this recall.

    Args:
        y_true: 0 or 1, shape (n,), both present.
        scores: any numbers, larger for more positive, shape (n,).
        recall: smallest share of the positives that must be found, above 0.

    Raises:
        ValueError: see `roc_curve`.

    >>> precision_at([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], recall=1)
    0.6666666666666666
    """
    precisions, recalls, _ = precision_recall_curve(y_true, scores)
    return float(precisions[:-1][recalls[:-1] >= recall].max())


def average_precision(y_true: ArrayLike, scores: ArrayLike) -> float:
    """Return the mean precision over the positives, the area under the precision-recall steps.

    A scorer that knows nothing gets the share of positives.

    Raises:
        ValueError: see `roc_curve`.

    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    precisions, recalls, _ = precision_recall_curve(y_true, scores)
    return float(-np.sum(np.diff(recalls) * precisions[:-1]))


# --- inside -------------------------------------------------------------------------------------


def _check_binary(name: str, values: np.ndarray) -> None:
    if not np.isin(values, [0, 1]).all():
        strange = np.unique(values[~np.isin(values, [0, 1])])[:5].tolist()
        raise ValueError(f"{name} must be 0 or 1 everywhere; got also {strange}")


def _cumulated(y_true: ArrayLike, scores: ArrayLike):
    """Return TP and FP at each distinct threshold, highest first, with a start at 0 and 0."""
    y_true, scores = same_length(y_true, scores, "scores")
    _check_binary("y_true", y_true)
    if len(np.unique(y_true)) < 2:
        raise ValueError("a curve needs positives and negatives; y_true has one class only")
    if not np.isfinite(scores.astype(float)).all():
        raise ValueError("scores must be finite numbers")
    order = np.argsort(-scores.astype(float), kind="stable")
    hit, falling = y_true[order] == 1, scores[order].astype(float)
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)  # last of each tie
    tp, fp = np.cumsum(hit)[last], np.cumsum(~hit)[last]
    return np.append(0, tp), np.append(0, fp), np.append(np.inf, falling[last])
