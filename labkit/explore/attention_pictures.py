"""Pictures of lesson 14: who looks where, what learns to reverse, and text against counting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from labkit.data.text import ALPHABET
from labkit.explore import figures

if TYPE_CHECKING:
    import pandas as pd

COLORS = (figures.BLUE, figures.ORANGE, figures.PINK, figures.SAND, figures.SKY)
MARKERS = "os^Dv"


def visible(code: int) -> str:
    """Return a character as it can be read alone: a mark for the blank and for the end of a line.

    >>> visible(0), visible(1), visible(66)
    ('↵', '␣', 'a')
    """
    return {" ": "␣", "\n": "↵"}.get(ALPHABET[code], ALPHABET[code])


# --- attention ----------------------------------------------------------------------------------


def saturation(scale: pd.DataFrame) -> None:
    """Show the variance of the scores, and the slope of the softmax, over d.

    Args:
        scale: one row for each d; columns variance, slope, and slope, scaled.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(7.4, 2.7))
    left.loglog(scale.index, scale["variance"], "o", color=figures.BLUE, label="measured")
    left.loglog(scale.index, scale.index, "-", color=figures.GRAY, label="theory: d")
    left.set(xlabel="d, numbers in a key", ylabel="variance of the scores")
    right.semilogx(scale.index, scale["slope"], "s--", color=figures.ORANGE, label="not divided")
    right.semilogx(scale.index, scale["slope, scaled"], "o-", color=figures.BLUE, label="divided")
    right.set(xlabel="d, numbers in a key", ylabel="slope of the softmax", ylim=(0, 1))
    for ax in (left, right):
        ax.legend()
    text = "Measured. Left: variance of a dot product of d numbers. Right: slope of softmax, "
    figures.show(fig, text + "with scores as they are, and divided by the square root of d.")


def masks(weights: Mapping[str, np.ndarray], tokens: Sequence[str]) -> None:
    """Show the weights that the same scores give under several masks; × where the weight is 0.

    Args:
        weights: name -> shape (tokens, tokens), rows are queries.
        tokens: a word for each row and column.
    """
    fig, axes = plt.subplots(1, len(weights), figsize=(3.6 * len(weights), 3.1))
    for ax, (name, each) in zip(axes, weights.items(), strict=True):
        ax.imshow(each, vmin=0, vmax=1, cmap="Blues", interpolation="nearest")
        for (i, j), weight in np.ndenumerate(each):
            color = "white" if weight > 0.6 else "black"
            label = f"{weight:.2f}" if weight else "×"
            ax.text(j, i, label, ha="center", va="center", size=10, color=color)
        ax.set_xticks(range(len(tokens)), tokens)
        ax.set_yticks(range(len(tokens)), tokens)
        ax.set(title=name, xlabel="looks at", ylabel="who looks")
        ax.grid(visible=False)
    figures.show(fig, "Weights from the same scores under two masks; × marks what is hidden.")


def maps(looks: np.ndarray, letters: Sequence[str], first: int) -> None:
    """Show where each head of a block looks, place by place.

    Args:
        looks: weights, shape (heads, places, places).
        letters: one for each place.
        first: the first place whose row is shown.
    """
    heads, places = looks.shape[0], len(letters)
    fig, axes = plt.subplots(1, heads, figsize=(4.6 * heads, 3.0), squeeze=False)
    for head, (ax, each) in enumerate(zip(axes[0], looks, strict=True)):
        image = ax.imshow(each[first:], vmin=0, vmax=1, cmap="Blues", aspect="auto")
        ax.set_xticks(range(places), letters, family="monospace", size=10)
        ax.set_yticks(range(places - first), letters[first:], family="monospace", size=10)
        ax.set(title=f"head {head + 1}", xlabel="looks at")
        ax.tick_params(length=0)
        ax.grid(visible=False)
    axes[0, 0].set(ylabel="who looks")
    fig.colorbar(image, ax=axes[0].tolist(), label="weight")
    figures.show(fig, "Measured on a line that no network saw in training. A row adds up to 1.")


# --- reversal -----------------------------------------------------------------------------------


def by_place(shares: Mapping[str, np.ndarray], guessing: float) -> None:
    """Show which share of each written letter is right.

    Args:
        shares: name -> share of right letters at each written place, in [0, 1].
        guessing: what guessing would reach.
    """
    fig, ax = plt.subplots(figsize=(7.0, 3.0))
    for (name, each), color, marker in zip(shares.items(), COLORS, MARKERS, strict=False):
        ax.plot(np.arange(1, len(each) + 1), each, marker=marker, color=color, label=name)
    ax.axhline(guessing, color=figures.GRAY, linestyle=":", label="guessing")
    ax.set(ylim=(-0.03, 1.03), xlabel="letter of the answer", ylabel="share that is right")
    ax.legend(loc="upper right")
    told = ", ".join(f"{name} {each.mean():.0%}" for name, each in shares.items())
    figures.show(fig, f"Measured on fresh lines. All letters together: {told}.")


def reversal(shares: Mapping[str, Sequence[float]], guessing: float) -> None:
    """Show the share of right letters of each network, one dot a seed.

    Args:
        shares: name -> share of right letters, one a seed.
        guessing: what guessing would reach.
    """
    fig, ax = plt.subplots(figsize=(7.0, 2.6))
    for row, (each, color, marker) in enumerate(
        zip(shares.values(), COLORS, MARKERS, strict=False)
    ):
        ax.plot(each, [row] * len(each), marker, color=color, markersize=9, alpha=0.7)
    ax.axvline(guessing, color=figures.GRAY, linestyle=":")
    ax.set_yticks(range(len(shares)), list(shares))
    ax.set(xlim=(-0.02, 1.03), ylim=(len(shares) - 0.5, -0.5), xlabel="share of right letters")
    told = "; ".join(
        f"{name} {', '.join(f'{share:.1%}' for share in each)}" for name, each in shares.items()
    )
    figures.show(fig, f"Measured on fresh lines, a dot a seed: {told}. Dotted: guessing.")


# --- text ---------------------------------------------------------------------------------------


def known_before(network: np.ndarray, ladder: Sequence[float]) -> None:
    """Show the loss over how many characters are known, of the network and of n-grams.

    Args:
        network: mean loss at each place of its pieces, in nats.
        ladder: loss of n-grams, n = 1, 2, ..., in nats.
    """
    edges = np.unique(np.geomspace(1, len(network), 12).astype(int))
    groups = list(pairwise(edges))
    middle = [(low + high) / 2 for low, high in groups]
    fig, ax = plt.subplots(figsize=(6.4, 2.9))
    means = [network[low - 1 : high - 1].mean() for low, high in groups]
    ax.plot(middle, means, "o-", color=figures.BLUE, label="transformer")
    ax.plot(range(1, len(ladder)), ladder[1:], "s--", color=figures.ORANGE, label="n-grams")
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.set(xlabel="characters known before the one to predict", ylabel="held-out loss (nats)")
    ax.legend()
    figures.show(fig, "Measured: loss over how much text is known, n = 2 to 9 for the n-grams.")


def cache_time(places: Sequence[int], without: Sequence[float], kept: Sequence[float]) -> None:
    """Show the time of one more character with and without a cache of keys and values.

    Args:
        places: characters so far.
        without, kept: seconds.
    """
    fig, ax = plt.subplots(figsize=(6.4, 2.7))
    ax.plot(places, np.multiply(1e3, without), "s--", color=figures.ORANGE, label="without")
    ax.plot(places, np.multiply(1e3, kept), "o-", color=figures.BLUE, label="with cache")
    for n, slow, ratio in zip(places, without, np.divide(without, kept), strict=True):
        ax.annotate(f"{ratio:.0f} ×", (n, 1e3 * slow), (0, 8), textcoords="offset points")
    ax.margins(x=0.12, y=0.2)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.set(xlabel="characters so far", ylabel="one more (ms)", yscale="log")
    ax.legend(loc="upper left")
    figures.show(fig, "Measured: time of one more character; the numbers are the ratios.")
