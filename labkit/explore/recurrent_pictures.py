"""Pictures of lesson 13: sequences, gradients through time, what was remembered and forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike

from labkit.data.sequences import LETTERS
from labkit.explore import figures

COLORS = (figures.BLUE, figures.ORANGE, figures.PINK, figures.RED, figures.GRAY)
MARKERS = "os^DX"
DASHES = ("-", "--", "-.", ":", (0, (1, 1)))


def letters(x: np.ndarray, y: ArrayLike, gap: int) -> None:
    """Show two sequences of `which_first` as letters over steps.

    Args:
        x: sequences, shape (2, steps, 6).
        y: what came first, 0 or 1, shape (2,).
        gap: letters behind the part in which X and Y stand.
    """
    fig, axes = plt.subplots(2, 1, figsize=(8, 2.6), sharex=True)
    steps = x.shape[1]
    for ax, sequence, first in zip(axes, x, y, strict=True):
        chosen = sequence.argmax(axis=1)
        for step, letter in enumerate(chosen):
            color, weight = (figures.GRAY, "normal") if letter > 1 else (figures.ORANGE, "bold")
            ax.text(step + 1, 0, LETTERS[letter], color=color, weight=weight, ha="center")
        ax.axvspan(steps - gap + 0.5, steps + 0.5, color=figures.SKY, alpha=0.25)
        ax.set(xlim=(0.5, steps + 0.5), ylim=(-0.6, 1.1), yticks=[])
        ax.set_title(f"{LETTERS[first]} came first", loc="left", fontsize=10)
        ax.grid(False)
    axes[1].set(xlabel="step")
    figures.show(fig, f"Two sequences. Shaded: the last {gap} steps, without an X or a Y.")


def by_gap(
    gaps: Sequence[int], found: Mapping[str, np.ndarray], chance: float, caption: str
) -> None:
    """Show accuracies over the gap, one line for each trained network.

    Args:
        gaps: steps between signal and end.
        found: kind of network -> accuracies, shape (networks, gaps).
        chance: accuracy of guessing.
        caption: what is shown.
    """
    fig, ax = plt.subplots(figsize=(8, 2.9))
    for (name, rows), color, mark, dash in zip(
        found.items(), COLORS, MARKERS, DASHES, strict=False
    ):
        for nth, row in enumerate(np.atleast_2d(rows)):
            label = name if nth == 0 else None
            ax.plot(gaps, 100 * row, mark, ls=dash, color=color, alpha=0.75, ms=6, label=label)
    ax.axhline(100 * chance, ls=":", color=figures.GRAY)
    ax.set(ylim=(25, 104), xlabel="steps between signal and question", ylabel="accuracy (%)")
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9)
    figures.show(fig, f"{caption} Dotted: guessing.")


def vanishing(norms: Mapping[float, tuple[np.ndarray, np.ndarray]]) -> None:
    """Show gradient norms over the steps back, measured and as theory expects.

    Args:
        norms: spectral radius -> (measured, expected), one value for each step back.
    """
    fig, ax = plt.subplots(figsize=(6.4, 2.9))
    for (radius, (measured, expected)), mark, color in zip(
        norms.items(), MARKERS, COLORS, strict=False
    ):
        lags = np.arange(len(measured))
        ax.plot(lags[::10], measured[::10], mark, color=color, label=f"measured, radius {radius}")
        ax.plot(lags, expected, "--", color=color, lw=1.2)
    ax.set(yscale="log", xlabel="steps back", ylabel="gradient norm (newest = 1)")
    ax.legend(fontsize=9)
    figures.show(
        fig, "Gradient norm of a tanh RNN over the steps back: measured (marks), theory (dashed)."
    )


def explosion(norms: np.ndarray, losses: Mapping[str, np.ndarray], limit: float) -> None:
    """Show one training's gradient norms, and its losses without clipping and with it.

    Args:
        norms: of the training without clipping, shape (updates,).
        losses: name -> loss at each update, shape (updates,).
        limit: the norm from which clipping sets in.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 2.7))
    left.plot(norms, color=figures.BLUE, lw=0.8)
    left.axhline(limit, ls="--", color=figures.ORANGE)
    left.set(yscale="log", xlabel="update", ylabel="norm of the gradient")
    for (name, loss), color, dash in zip(losses.items(), COLORS, DASHES, strict=False):
        smooth = np.convolve(loss, np.ones(25) / 25, "valid")
        right.plot(smooth, dash, color=color, label=name)
    right.axhline(np.log(2), ls=":", color=figures.GRAY)
    right.set(xlabel="update", ylabel="loss, mean of 25", ylim=(0, 1.5))
    right.legend(fontsize=9)
    figures.show(
        fig,
        "Left: norms without clipping (dashed: the limit). Right: the losses of the same start, "
        "each side at its own best rate. Dotted: guessing.",
    )


def dots(
    found: Mapping[str, ArrayLike], label: str, caption: str, marks: Mapping[str, float] = {}
) -> None:
    """Show one dot for each network, a row for each kind, and vertical lines.

    Args:
        found: kind -> results, shape (networks,).
        label: of the axis, with its unit.
        caption: what is shown.
        marks: line style -> where a vertical line stands.
    """
    fig, ax = plt.subplots(figsize=(6.8, 0.8 + 0.42 * len(found)))
    for row, values in enumerate(found.values()):
        ax.plot(values, np.full(len(values), row), "o", ms=8, alpha=0.7, color=figures.BLUE)
        ax.plot([np.mean(values)] * 2, [row - 0.3, row + 0.3], "-", color=figures.ORANGE, lw=3)
    for style, place in marks.items():
        ax.axvline(place, ls=style, color=figures.GRAY)
    ax.set(xlabel=label, yticks=range(len(found)), yticklabels=found)
    ax.invert_yaxis()
    figures.show(fig, f"{caption} Dots: networks. Bars: their mean.")


def utterances(series: Sequence[np.ndarray], speakers: Sequence[int], lengths: ArrayLike) -> None:
    """Show two utterances as images, and how long all are.

    Args:
        series: two arrays (frames, 12), standardized.
        speakers: who speaks, counted from 0.
        lengths: frames of all training utterances.
    """
    fig, axes = plt.subplots(1, 3, figsize=(8, 2.6), width_ratios=[1, 1, 1.1])
    look = {"cmap": "PuOr_r", "vmin": -3, "vmax": 3, "aspect": "auto"}
    for ax, frames, speaker in zip(axes, series, speakers, strict=False):
        ax.imshow(frames.T, extent=(0.5, len(frames) + 0.5, 12.5, 0.5), **look)
        ax.set(xlim=(0.5, 29.5), xlabel="frame", ylabel="coefficient")
        ax.set_title(f"speaker {speaker + 1}, {len(frames)} frames")
        ax.grid(False)
    axes[2].hist(lengths, bins=np.arange(6.5, 30), color=figures.SKY, edgecolor="white")
    axes[2].set(xlabel="frames", ylabel="training utterances", title="lengths")
    caption = "Two utterances, twelve standardized coefficients over time, and how long all are."
    figures.show(fig, caption)


def forecasts(errors: Mapping[str, np.ndarray]) -> None:
    """Show the mean absolute error of each forecast.

    Args:
        errors: name -> absolute errors in points, shape (months,).
    """
    fig, ax = plt.subplots(figsize=(6.6, 0.8 + 0.3 * len(errors)))
    colors = [figures.ORANGE if "LSTM" in name else figures.SKY for name in errors]
    ax.barh(list(errors), [np.mean(each) for each in errors.values()], color=colors)
    ax.invert_yaxis()
    ax.set(xlabel="mean absolute error (points of percent)")
    figures.show(fig, "Error of each forecast, all test months; the LSTM's by seed.")
