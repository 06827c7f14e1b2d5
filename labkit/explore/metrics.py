"""Explorer of lesson 05: one threshold, four counts, two curves, on 569 real tumors."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from labkit.data.tables import load_breast_cancer
from labkit.explore import figures, kit
from labkit.lab.words import count
from labkit.maths import metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PATIENTS = 1000  # the table speaks of this many, whatever share of them is ill
LOWEST, HIGHEST = -3.5, 5.0  # thresholds; no tumor has a lower score, with any feature
FEATURES = ["mean radius", "mean concavity", "mean texture", "mean smoothness"]


@functools.cache
def tumors(feature: str) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and labels of 569 tumors: the z-score of one measurement, and 1 for malignant.

    Args:
        feature: one of `FEATURES`, measured on images of cell nuclei.

    Returns:
        (scores, labels), arrays of shape (569,).
    """
    data = load_breast_cancer()
    values = data.data[:, list(data.feature_names).index(feature)]
    # The class 0 of this data set is "malignant": the one to find, so here it is 1.
    return (values - values.mean()) / values.std(), 1 - data.target


def expected_counts(
    tpr: ArrayLike, fpr: ArrayLike, positive_share: float
) -> tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]:
    """Return TP, FP, FN, TN among `PATIENTS`, of whom a share is positive; not rounded.

    >>> [float(round(n, 6)) for n in expected_counts(0.9, 0.2, 0.1)]
    [90.0, 180.0, 10.0, 720.0]
    """
    positives = PATIENTS * positive_share
    negatives = PATIENTS - positives
    return tpr * positives, fpr * negatives, (1 - tpr) * positives, (1 - fpr) * negatives


class ThresholdExplorer(kit.Explorer):
    """Turn the threshold and the share of ill patients; see the counts, ROC and PR curve."""

    lesson = "05"
    presets = {
        "alarm for everybody": {"threshold": LOWEST},
        "middle": {"threshold": 0.0},
        "alarm for nobody": {"threshold": 5.0},
        "as collected": {"positive_share": 0.37},
        "screening": {"positive_share": 0.01},
    }
    rebuild_for = ("feature",)
    size = (9.6, 4.3)

    def make_controls(self) -> dict:
        """Return the controls: the measurement that is the score, threshold, share of positives."""
        return {
            "feature": kit.choice(FEATURES[0], FEATURES),
            "threshold": kit.slider(0.0, LOWEST, HIGHEST, 0.1),
            "positive_share": kit.slider(0.37, 0.01, 0.99, 0.01),
        }

    @staticmethod
    def compute(feature: str, threshold: float, positive_share: float) -> dict:
        """Return the four counts, the scores that follow from them, and both curves."""
        scores, labels = tumors(feature)
        alarm = scores >= threshold
        tpr, fpr = float(alarm[labels == 1].mean()), float(alarm[labels == 0].mean())
        tp, fp, fn, tn = expected_counts(tpr, fpr, positive_share)
        curve_fpr, curve_tpr, _ = metrics.roc_curve(labels, scores)
        hits, alarms, _, _ = expected_counts(curve_tpr[1:], curve_fpr[1:], positive_share)
        return {
            "counts": (tp, fp, fn, tn),
            "tpr": tpr,
            "fpr": fpr,
            "accuracy": (tp + tn) / PATIENTS,
            "baseline": max(positive_share, 1 - positive_share),
            "precision": tp / (tp + fp) if tp + fp > 0 else None,
            "f1": 2 * tp / (2 * tp + fp + fn),
            "auc": metrics.area(curve_fpr, curve_tpr),
            "roc": (curve_fpr, curve_tpr),
            "pr": (curve_tpr[1:], hits / (hits + alarms)),
        }

    def build(self, figure: Figure) -> dict:
        """Draw scores over counts on the left, the two curves beside them."""
        axes = figure.subplot_mosaic(
            [["scores", "roc", "pr"], ["table", "roc", "pr"]],
            width_ratios=[1.25, 1, 1], height_ratios=[1.35, 1],
        )  # fmt: skip
        scores, table, roc, pr = (axes[name] for name in ("scores", "table", "roc", "pr"))
        return self._build_scores(scores) | self._build_table(table) | self._build_curves(roc, pr)

    def _build_scores(self, ax: Axes) -> dict:
        scores, labels = tumors(self.params["feature"])
        bins = np.linspace(LOWEST, HIGHEST, 41)
        for label, name, color, hatch in [
            (0, "benign", figures.BLUE, ""),
            (1, "malignant", figures.ORANGE, "//"),
        ]:
            some = scores[labels == label]
            weights = np.full(len(some), 100 / len(some))
            ax.hist(
                np.clip(some, LOWEST, HIGHEST), bins, weights=weights, color=color, alpha=0.55,
                hatch=hatch, label=name,
            )  # fmt: skip
        ax.set(
            xlim=(LOWEST - 0.2, HIGHEST + 0.2),
            xlabel="score: " + self.params["feature"] + " (z-score)",
        )
        ax.set(ylabel="share of its class (%)", title="alarm right of the line")
        ax.legend(loc="upper right")
        return {"line": ax.axvline(0, linestyle="-", color=figures.RED, linewidth=2.5)}

    def _build_table(self, ax: Axes) -> dict:
        ax.set(xlim=(-0.5, 1.5), ylim=(1.5, -0.5), xticks=[0, 1], yticks=[0, 1])
        ax.set_xticklabels(["no alarm", "alarm"])
        ax.set_yticklabels(["benign", "malignant"])
        ax.set(title=f"{PATIENTS:,} patients", xlabel="answer", ylabel="truth")
        ax.grid(False)
        image = ax.imshow(np.zeros((2, 2)), cmap="Blues", vmin=0, vmax=PATIENTS, aspect="auto")
        cells = [[ax.text(j, i, "", ha="center", va="center", size=15) for j in (0, 1)]
                 for i in (0, 1)]  # fmt: skip
        return {"image": image, "cells": cells}

    def _build_curves(self, roc: Axes, pr: Axes) -> dict:
        scores, labels = tumors(self.params["feature"])
        fpr, tpr, _ = metrics.roc_curve(labels, scores)
        roc.plot(fpr, tpr, "-", color=figures.BLUE)
        roc.plot([0, 1], [0, 1], ":", color=figures.GRAY)
        auc = metrics.area(fpr, tpr)
        roc.text(0.98, 0.05, f"area {auc:.3f}", ha="right", color=figures.GRAY)
        roc.set(title="ROC", xlabel="false alarms / benign", ylabel="recall")
        pr.set(title="precision and recall", xlabel="recall", ylabel="precision")
        for ax in (roc, pr):
            ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.05))
        (roc_point,) = roc.plot([], [], "o", color=figures.RED, markersize=9)
        (curve,) = pr.plot([], [], "-", color=figures.BLUE)
        (chance,) = pr.plot([], [], ":", color=figures.GRAY)
        (pr_point,) = pr.plot([], [], "o", color=figures.RED, markersize=9)
        return {"roc_point": roc_point, "curve": curve, "chance": chance, "pr_point": pr_point}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move the line, fill the table, move the points and the PR curve."""
        threshold, share = params["threshold"], params["positive_share"]
        artists["line"].set_xdata([threshold, threshold])
        tp, fp, fn, tn = _whole(result["counts"])
        shown = np.array([[tn, fp], [fn, tp]])
        artists["image"].set_data(shown)
        for i, j in np.ndindex(2, 2):
            name = [["TN", "FP"], ["FN", "TP"]][i][j]
            artists["cells"][i][j].set_text(f"{name} {shown[i, j]}")
            artists["cells"][i][j].set_color("white" if shown[i, j] > 0.6 * PATIENTS else "black")
        artists["roc_point"].set_data([result["fpr"]], [result["tpr"]])
        artists["curve"].set_data(*result["pr"])
        artists["chance"].set_data([0, 1], [share, share])
        known = result["precision"] is not None
        artists["pr_point"].set_data([result["tpr"]], [result["precision"] if known else 0])
        artists["pr_point"].set_visible(known)

    def caption(self, result: dict, params: dict) -> str:
        """Return in words the counts, the scores, and the baseline."""
        tp, fp, fn, _ = _whole(result["counts"])
        told = (
            f"Of {PATIENTS:,} patients {tp + fn} are ill. "
            f"The threshold {params['threshold']:g} raises "
            f"{_alarms(tp, fp, any(result['counts'][:2]))}; {count(fn, 'ill patient')} "
            f"{'is' if fn == 1 else 'are'} missed. "
        )
        if result["precision"] is None:
            told += "Without an alarm there is no precision; recall and F1 are 0. "
        else:
            told += (
                f"Precision {result['precision']:.2f}, recall {result['tpr']:.2f}, "
                f"F1 {result['f1']:.2f}. "
            )
        accuracy, baseline = round(result["accuracy"], 4), round(result["baseline"], 4)
        word = "above" if accuracy > baseline else "not above"
        digits = 2 if f"{accuracy:.2f}" != f"{baseline:.2f}" else 4  # say by how little
        return told + (
            f"Accuracy {accuracy:.{digits}f}, {word} the {baseline:.{digits}f} of always giving "
            f"the commoner answer."
        )


def _whole(counts: tuple) -> tuple[int, int, int, int]:
    """Return TP, FP, FN, TN as whole patients, so that the ill stay the ill, and sums are sums.

    >>> _whole((46.8, 2.6, 323.2, 627.4))
    (47, 3, 323, 627)
    """
    tp, fp, fn, _ = counts
    ill = round(tp + fn)
    return round(tp), round(fp), ill - round(tp), PATIENTS - ill - round(fp)


def _alarms(tp: int, fp: int, some: bool) -> str:
    if tp + fp:
        return f"{count(tp + fp, 'alarm')}: {tp} right, {fp} false"
    return f"less than one alarm among {PATIENTS:,} patients" if some else "no alarm"
