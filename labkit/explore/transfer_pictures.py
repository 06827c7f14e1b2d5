"""The figures of lesson 15."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from labkit.explore import figures
from labkit.maths.intervals import mean_interval

_STYLES = ("s--", "o-", "D-.", "^:")


def accuracies(
    places: Sequence[int], rows: Mapping[str, ArrayLike], x_label: str, caption: str
) -> None:
    """Show accuracies over labels or epochs, with their 95% intervals over the seeds.

    Args:
        places: numbers of labels a class, or of epochs; the axis is logarithmic.
        rows: name of a line -> accuracies in percent, shape (places, seeds).
        x_label: of the axis.
        caption: what is shown.
    """
    fig, ax = plt.subplots(figsize=(7, 3.4))
    _lines(ax, places, rows)
    ax.set(xlabel=x_label, ylabel="accuracy on the target (%)")
    ax.legend()
    figures.show(fig, f"{caption}; bars are 95% intervals over the seeds.")


def gains(sizes: Sequence[int], by_freezing: Mapping[str, Mapping[str, ArrayLike]]) -> None:
    """Show the gain over training from scratch for two sources, a picture for each freezing.

    Args:
        sizes: labels a class.
        by_freezing: title -> source -> gains in points, shape (sizes, seeds).
    """
    fig, axes = plt.subplots(1, len(by_freezing), figsize=(9, 3.4), sharey=True)
    for ax, (title, rows) in zip(axes, by_freezing.items(), strict=True):
        _lines(ax, sizes, rows)
        ax.axhline(0, color=figures.GRAY, linestyle=":")
        ax.set(xlabel="labels a class", title=title)
    axes[0].set_ylabel("gain over scratch (points)")
    axes[0].legend()
    caption = "Gain over training from scratch, for two sources, over the number of labels"
    figures.show(fig, f"{caption}; bars are 95% intervals over the seeds.")


def _lines(ax: Axes, places: Sequence[int], rows: Mapping[str, ArrayLike]) -> None:
    for i, ((name, values), style) in enumerate(zip(rows.items(), _STYLES, strict=False)):
        means, margins = np.transpose([mean_interval(row) for row in values])
        beside = np.array(places) * 1.06 ** (i - 1)  # so that no bar hides another
        ax.errorbar(beside, means, yerr=margins, fmt=style, capsize=3, label=name)
    ax.set_xscale("log")
    ax.set_xticks(places, list(map(str, places)))
    ax.minorticks_off()
