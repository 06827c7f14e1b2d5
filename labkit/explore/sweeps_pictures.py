"""The figures of lesson 91."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from labkit.explore import figures

if TYPE_CHECKING:
    from pandas import DataFrame

_SCORE = "result.validation_accuracy"


def means(table: DataFrame, settings: DataFrame, colors: Mapping[str, str]) -> None:
    """Show the accuracy of every run and setting over the learning rate, the failed ones too.

    Args:
        table: of all runs, as of `labkit.results()`.
        settings: columns optimizer, learning_rate, mean, low, high.
        colors: optimizer -> color; the explorer below has the same.
    """
    fig, ax = plt.subplots()
    for (name, color), marker in zip(colors.items(), "os^Dv", strict=False):
        rows = settings[settings.optimizer == name]
        half = rows.high - rows["mean"]
        ax.errorbar(rows.learning_rate, rows["mean"], half, marker=marker, color=color, label=name)
        runs = table[table["param.optimizer"] == name]
        style = {"color": color, "alpha": 0.4, "linestyle": "", "markersize": 5}
        ax.plot(runs["param.learning_rate"], runs[_SCORE], marker, **style)
        for rate, lost in runs[runs.status == "failed"].groupby("param.learning_rate"):
            told, spot = f"{len(lost)} failed", (rate, lost[_SCORE].mean())
            ax.annotate(told, spot, (7, -3), textcoords="offset points", color=color, size=9)
    rates = table["param.learning_rate"]
    ax.set(xscale="log", xlabel="learning rate", ylabel="validation accuracy", ylim=(0, 1.05))
    ax.set_xlim(0.85 * rates.min(), 1.7 * rates.max())
    ax.legend(loc="lower center", ncol=3)
    failed = int((table.status == "failed").sum())
    caption = "Pale: every run. Solid: mean of the finished ones, with its 95% interval."
    figures.show(fig, f"{caption} {failed} runs failed and are in no mean.")


def flattered(
    everything: Sequence[float], chosen: float, fresh: Sequence[float], interval: Sequence[float]
) -> None:
    """Show all runs, the chosen one among them, and new runs of its setting.

    Args:
        everything: accuracies of the runs to choose from.
        chosen: accuracy of the chosen one.
        fresh: accuracies of its setting with new seeds.
        interval: of their mean, (low, high).
    """
    jitter = np.random.default_rng(0)
    fig, ax = plt.subplots(figsize=(7, 2.8))
    for height, values, marker in [(1, everything, "o"), (0, fresh, "s")]:
        ax.plot(values, height + jitter.uniform(-0.15, 0.15, len(values)), marker, alpha=0.5)
    ax.plot(chosen, 1, "*", color=figures.RED, markersize=16)
    ax.axvline(chosen, color=figures.RED, linestyle=":", linewidth=1.5)
    middle, half = sum(interval) / 2, (interval[1] - interval[0]) / 2
    ax.errorbar(middle, 0, xerr=half, color=figures.GRAY, marker="D", capsize=5)
    ax.set(yticks=[0, 1], yticklabels=["its setting,\nnew seeds", "all runs"], ylim=(-0.5, 1.5))
    ax.set(xlabel="validation accuracy", xlim=(0.7, 1))
    text = "Above: the runs of the sweep, the chosen one as a star. Below: new runs of its setting,"
    figures.show(fig, f"{text} their mean with its 95% interval. Runs below 0.7 are cut off.")


def halving(curves: Mapping[str, Sequence[float]], ends: Mapping[str, int]) -> None:
    """Show how runs are given up, one half after the other.

    Args:
        curves: run -> validation accuracy after each epoch.
        ends: run -> the epoch after which it is given up.
    """
    fig, ax = plt.subplots()
    last = max(ends.values())
    for name, end in sorted(ends.items(), key=lambda each: each[1]):
        stays = end == last
        epochs = np.arange(1, end + 1)
        style = {"color": figures.BLUE if stays else figures.GRAY, "linewidth": 2 if stays else 1}
        ax.plot(epochs, curves[name][:end], **style)
        ax.plot(end, curves[name][end - 1], "o" if stays else "x", color=style["color"])
    ax.set(xlabel="epoch", ylabel="validation accuracy", ylim=(0, 1))
    many = len(ends) - sum(end == last for end in ends.values())
    caption = f"{len(ends)} settings drawn at random. Gray, ended by a cross: {many} that are given"
    figures.show(fig, f"{caption} up early. Blue: those that run to the end.")
