"""The figures of lesson 05: impossible tables, luck, leaks, sureness, changed digits, labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from labkit.data.prepare import rotate
from labkit.explore import figures
from labkit.maths import metrics

MARKERS = "os^DvP"
_BINS = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0])


def tables(fitting: Mapping[str, np.ndarray]) -> int:
    """Show which confusion matrices fit each of some stated numbers; return how many fit all.

    Args:
        fitting: the number, in words -> bools, shape (positives + 1, negatives + 1): does the
            matrix of so many true positives (row) and false positives (column) fit?
    """
    fig, ax = plt.subplots(figsize=(6, 3.6))
    for (name, fits), marker, color in zip(fitting.items(), MARKERS, figures.COLORS, strict=False):
        ax.plot(*np.nonzero(fits)[::-1], marker, color=color, label=name, markersize=4)
    shape = next(iter(fitting.values())).shape
    ax.set(xlim=(-1, shape[1]), ylim=(-1, shape[0]))
    ax.set(xlabel=f"false positives (of {shape[1] - 1})")
    ax.set(ylabel=f"true positives (of {shape[0] - 1})")
    ax.legend()
    all_fit = int(np.logical_and.reduce(list(fitting.values())).sum())
    total = shape[0] * shape[1]
    figures.show(
        fig,
        "Each mark is a confusion matrix that fits one of the stated numbers. "
        f"Of {total:,} matrices, {all_fit} fit all of them.",
    )
    return all_fit


def of_scikit_learn(truth: np.ndarray, answer: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """Return scikit-learn's scores, under the names of the lesson.

    Args:
        truth: 0 or 1, shape (n,).
        answer: 0 or 1, shape (n,).
        score: any numbers, for the AUC, shape (n,).
    """
    from sklearn import metrics as theirs

    counted = theirs.precision_recall_fscore_support(truth, answer, average="binary")[:3]
    scores = theirs.accuracy_score(truth, answer), *counted, theirs.roc_auc_score(truth, score)
    return dict(zip(["accuracy", "precision", "recall", "F1", "AUC"], scores, strict=True))


def luck(models: Sequence[int], best: Mapping[int, Sequence[float]]) -> None:
    """Show the accuracy of the best of many models that flip coins, by the size of the test.

    Args:
        models: how many were scored.
        best: rows of the test -> the best accuracy for each number of models.
    """
    fig, ax = plt.subplots(figsize=(6.4, 3))
    for (rows, values), marker in zip(best.items(), MARKERS, strict=False):
        ax.semilogx(models, values, marker=marker, label=f"{rows:,} test rows")
    ax.axhline(0.5, color=figures.GRAY, linestyle=":")
    ax.set(xlabel="models that flip coins", ylabel="accuracy of the best")
    ax.legend()
    figures.show(
        fig,
        f"Expected accuracy of the best of 1 to {max(models)} models that know nothing, scored on "
        "the same test (modeled). Dotted: what each of them is worth.",
    )


def leaks(
    pairs: Mapping[str, Sequence[Sequence[float]]], whose: str
) -> dict[str, tuple[float, float]]:
    """Show scores with and without each leak, one mark a seed; return the two means of each.

    Args:
        pairs: the leak's name -> (scores with it, scores without it).
        whose: whose pipeline has no leak, in words.
    """
    fig, ax = plt.subplots(figsize=(7.4, 3))
    for row, (leaky, honest) in enumerate(pairs.values()):
        ax.plot(leaky, [row - 0.14] * len(leaky), "^", color=figures.RED, alpha=0.7)
        ax.plot(honest, [row + 0.14] * len(honest), "o", color=figures.BLUE, alpha=0.7)
    ax.axvline(0.5, color=figures.GRAY, linestyle=":")
    ax.set(yticks=range(len(pairs)), ylim=(len(pairs) - 0.5, -0.5), xlabel="score on the test")
    ax.set_yticklabels(pairs)
    means = {name: tuple(np.mean(pair, axis=1)) for name, pair in pairs.items()}
    told = "; ".join(f"{name} {a:.3f} and {b:.3f}" for name, (a, b) in means.items())
    signs = "Red triangles: with the leak. Blue circles: without; the pipeline is "
    signs += f"{whose}. One mark a seed; dotted: a coin."
    figures.show(fig, f"{signs} Means: {told}.")
    return means


def sureness(
    chances: Mapping[str, np.ndarray], truth: np.ndarray, costs: Mapping[str, float]
) -> None:
    """Show whether what is called 30 % sure comes in 30 % of cases, and what each rule costs.

    Args:
        chances: model -> its probability of a positive, shape (n,).
        truth: 0 or 1, shape (n,).
        costs: rule -> its cost on the test.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.3), width_ratios=[1, 1.15])
    left.plot([0, 1], [0, 1], ":", color=figures.GRAY)
    for (name, p), marker in zip(chances.items(), MARKERS, strict=False):
        bins = [(p >= low) & (p < high) for low, high in pairwise(_BINS)]
        kept = [rows for rows in bins if rows.sum() >= 5]
        points = [(p[rows].mean(), truth[rows].mean()) for rows in kept]
        left.plot(*zip(*points, strict=True), marker=marker, label=name)
    left.set(xlabel="probability that the model gives", ylabel="share that is positive")
    left.legend(fontsize=9)
    right.barh(range(len(costs)), list(costs.values()), color=figures.BLUE, height=0.55)
    right.set(yticks=range(len(costs)), ylim=(len(costs) - 0.5, -0.5), xlabel="cost on the test")
    right.set_yticklabels(costs)
    right.grid(axis="y", visible=False)
    told = ", ".join(f"{name} {value:,.0f}" for name, value in costs.items())
    figures.show(
        fig,
        "Left: marks on the dotted line mean what they say; marks above it are too modest, below "
        f"it too sure (groups of 5 or more). Right: costs of the rules: {told}.",
    )


def augmented(digit: np.ndarray, scores: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Show a digit, changed in four ways, and the accuracy with each; return the medians.

    Args:
        digit: shape (height, width, 1).
        scores: test accuracy, one a seed, of "none", small turns, mirrored, and mirrored twice.
    """
    views = [digit, rotate(digit[None], 5)[0], digit[:, ::-1], digit[::-1, ::-1]]
    widths = [1] * len(views) + [3.6]
    fig, (*axes, last) = plt.subplots(1, len(widths), figsize=(9, 2.4), width_ratios=widths)
    for ax, name, view in zip(axes, scores, views, strict=True):
        ax.imshow(np.squeeze(view), cmap="gray")
        ax.set(xticks=[], yticks=[])
        ax.set_title(name.replace(" ", "\n", 1), fontsize=9)
    for row, values in enumerate(scores.values()):
        last.plot(values, [row] * len(values), "o", color=figures.COLORS[row])
    last.set(yticks=range(len(scores)), ylim=(len(scores) - 0.5, -0.5))
    last.set(xlabel="accuracy on 1,000 test digits")
    last.set_yticklabels(scores)
    middle = {name: float(np.median(values)) for name, values in scores.items()}
    told = ", ".join(f"{name} {value:.3f}" for name, value in middle.items())
    low, high = metrics.wilson_interval(middle["none"], 1000)
    figures.show(
        fig,
        f"A seven, changed; accuracy with each change, one mark a seed. Medians: {told} (interval "
        f"of the first: {low:.3f} to {high:.3f}; baseline 0.1).",
    )
    return middle


def inspected(found: Sequence[np.ndarray], budget: int) -> None:
    """Show how many wrong labels one finds, looking at the most suspicious rows first.

    Args:
        found: for each seed, whether the label of the 1st, 2nd, ... row looked at is wrong.
        budget: rows that are looked at.
    """
    fig, ax = plt.subplots(figsize=(6.4, 3))
    for wrong in found:
        ax.plot(np.arange(1, len(wrong) + 1), np.cumsum(wrong) / wrong.sum(), "-", color="C0")
    ax.plot([0, len(wrong)], [0, 1], ":", color=figures.GRAY)
    ax.axvline(budget, color=figures.RED, linestyle="--")
    ax.set(xlabel="rows looked at, most suspicious first", ylabel="share of the errors found")
    shares = [wrong[:budget].mean() for wrong in found]
    figures.show(
        fig,
        f"One line a seed; dotted: rows in a random order; dashed: {budget} rows. Of those, "
        f"{min(shares):.0%} to {max(shares):.0%} have a wrong label.",
    )
