"""Pictures of lesson 16: tokens, one step, power laws, what is drawn, what is forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from labkit.explore import figures

if TYPE_CHECKING:
    import pandas as pd

    from labkit.maths.power_law import Surface

COLORS = (figures.BLUE, figures.ORANGE, figures.PINK, figures.SAND, figures.SKY)
MARKERS = "os^Dv"
PARAMETERS, TOKENS, LOSS = "result.parameters", "param.tokens", "result.loss"


def visible(piece: bytes) -> str:
    r"""Return a token as it can be read alone: marks for blanks, line ends and broken letters.

    >>> visible(b" the"), visible(b"\n"), visible(b"\xc3")
    ('␣the', '↵', '�')
    """
    return piece.decode("utf-8", "replace").replace(" ", "␣").replace("\n", "↵")


def compression(ratios: Mapping[int, float], chosen: int) -> None:
    """Show how many characters a token has, over the number of merges.

    Args:
        ratios: merges -> characters a token.
        chosen: the number of merges that the lesson goes on with; it is marked.
    """
    fig, ax = plt.subplots(figsize=(5.4, 2.7))
    ax.plot(list(ratios), list(ratios.values()), "o-", color=figures.BLUE)
    if chosen in ratios:
        ax.plot(chosen, ratios[chosen], "D", color=figures.ORANGE, ms=9, label="taken here")
        ax.legend(loc="lower right")
    ax.set(xlabel="merges", ylabel="characters a token", ylim=(0.9, None))
    figures.show(fig, "Measured: characters of the text for each token, over the number of merges.")


def one_step(pieces: Sequence[str], before: np.ndarray, after: np.ndarray) -> None:
    """Show the probability of the token that really came, at each place, before and after a step.

    Args:
        pieces: the token that came at each place.
        before, after: its probability, shape (places,).
    """
    fig, ax = plt.subplots(figsize=(7.4, 2.7))
    places = np.arange(len(pieces))
    ax.vlines(places, before, after, color=figures.GRAY, lw=1)
    ax.semilogy(places, before, "o", color=figures.BLUE, mfc="none", label="before the step")
    ax.semilogy(places, after, "s", color=figures.ORANGE, label="after it")
    ax.set_xticks(places, pieces, rotation=60, family="monospace", size=9)
    ax.set(xlabel="the token that came", ylabel="its probability")
    ax.legend()
    figures.show(fig, "Measured: probability of the right token at each place, around one step.")


def scaling(table: pd.DataFrame, surface: Surface) -> None:
    """Show the loss over the parameters, a line for each number of tokens.

    Args:
        table: the sweep's runs.
        surface: fitted to them; drawn as broken lines.
    """
    fig, ax = plt.subplots(figsize=(7.0, 3.6))
    _runs(ax, table, surface)
    ax.legend(title="tokens", fontsize=9)
    text = "Measured: held-out loss of each run over its parameters. Broken lines: the surface "
    figures.show(fig, text + "fitted to all of them (modeled).")


def _runs(ax: plt.Axes, table: pd.DataFrame, surface: Surface, most: float = 0) -> None:
    sizes = np.geomspace(table[PARAMETERS].min(), max(table[PARAMETERS].max(), most), 50)
    looks = [(color, marker) for marker in MARKERS for color in COLORS]
    for (count, rows), (color, marker) in zip(table.groupby(TOKENS), looks, strict=False):
        ax.plot(rows[PARAMETERS], rows[LOSS], marker, color=color, label=f"{count:,}")
        ax.plot(sizes, surface(sizes, count), "--", color=color, lw=1)
    ax.set(xscale="log", xlabel="parameters N", ylabel="held-out loss, nats a token")
    ax.xaxis.set_minor_formatter("")  # within two powers of ten the small labels run together


def foretold(
    table: pd.DataFrame,
    surface: Surface,
    predicted: Mapping[str, tuple[float, float, float]],
    size: int,
    measured: float,
) -> None:
    """Show the largest run beside what was predicted for it.

    Args:
        table: the sweep's runs.
        surface: fitted to them.
        predicted: name -> loss, lower and upper end of its interval.
        size: parameters of the largest run.
        measured: its loss.
    """
    fig, (ax, near) = plt.subplots(1, 2, figsize=(7.6, 3.3), width_ratios=(3, 2))
    most = table[table[TOKENS] == table[TOKENS].max()]
    _runs(ax, most, surface, most=size)
    ax.plot(size, measured, "*", color=figures.PINK, ms=14, label="the largest, measured")
    ax.legend(fontsize=8)
    for i, (loss, low, high) in enumerate(predicted.values()):
        near.plot([i, i], [low, high], "-", color=COLORS[i], lw=3)
        near.plot(i, loss, MARKERS[i], color=COLORS[i])
    near.axhline(measured, color=figures.PINK, ls=":")
    near.plot(len(predicted), measured, "*", color=figures.PINK, ms=14)
    near.set_xticks(range(len(predicted) + 1), [*predicted, "measured"], rotation=20, size=9)
    near.set(ylabel="nats a token", xlim=(-0.5, len(predicted) + 0.5))
    text = "Left: runs with the most tokens, and the largest, which no fit has seen. Right: what "
    figures.show(fig, text + "was predicted for it, with the intervals, and what was measured.")


def budgets(table: pd.DataFrame, surface: Surface, flops: Sequence[float]) -> None:
    """Show the loss over the parameters at equal compute, and measured runs at their own.

    Args:
        table: the sweep's runs.
        surface: fitted to them.
        flops: budgets, a line for each.
    """
    fig, (ax, free) = plt.subplots(1, 2, figsize=(7.6, 3.3))
    for flop, color in zip(flops, COLORS, strict=False):
        best = float(surface.compute_optimal(flop)[0])
        sizes = np.geomspace(best / 20, best * 20, 80)
        ax.plot(sizes, surface(sizes, flop / 6 / sizes), "-", color=color, label=f"{flop:.0e} FLOP")
        ax.plot(best, surface(best, flop / 6 / best), "D", color=color)
    ax.set(xscale="log", xlabel="parameters N", ylabel="loss, nats a token")
    ax.legend(fontsize=8)
    spent = 6 * table[PARAMETERS] * table[TOKENS]
    free.semilogx(spent, table[LOSS], "o", color=figures.BLUE, label="runs (measured)")
    line = np.geomspace(spent.min(), spent.max() * 3, 50)
    N, D = surface.compute_optimal(line)
    free.semilogx(line, surface(N, D), "--", color=figures.ORANGE, label="best size (modeled)")
    free.set(xlabel="FLOP of the training, 6 N D", ylabel="held-out loss")
    free.xaxis.set_minor_formatter("")  # as in `_runs`
    free.legend(fontsize=8)
    text = "Left (modeled): the same FLOP spent on few or many parameters; a diamond marks the best"
    figures.show(fig, text + " size. Right: the runs over their FLOP, and the modeled lower edge.")


def nucleus(shares: Mapping[str, np.ndarray], top_k: int, top_p: float) -> None:
    """Show probabilities from the likeliest down, for two places, and where the cuts fall.

    Args:
        shares: what stands before -> probabilities, in falling order.
        top_k: tokens that one cut keeps.
        top_p: the share that the other cut keeps.
    """
    fig, axes = plt.subplots(1, len(shares), figsize=(7.6, 2.9), sharey=True)
    for ax, (before, p) in zip(axes, shares.items(), strict=True):
        rank, kept = np.arange(1, 41), int(np.searchsorted(np.cumsum(p), top_p * 0.999999)) + 1
        ax.bar(rank, p[:40], color=figures.SKY)
        ax.axvline(top_k + 0.5, color=figures.BLUE, ls="--", label=f"top-k: {top_k}")
        label = f"top-p: {kept} for {top_p:.0%}"
        ax.axvline(min(kept, 40) + 0.5, color=figures.ORANGE, ls="-", label=label)
        ax.set(xlabel="tokens, the likeliest first", title=f"…{before}")
        ax.title.set(fontsize=9, family="monospace")
        ax.legend(fontsize=8)
    axes[0].set_ylabel("probability")
    figures.show(fig, "Measured: the 40 likeliest next tokens after two beginnings, and both cuts.")


def forgetting(rows: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Show the loss on the new text beside that on the old one, for each network.

    Args:
        rows: way -> (loss on the new text, loss on the old text) of each network.
    """
    fig, ax = plt.subplots(figsize=(5.6, 3.3))
    for (name, points), color, marker in zip(rows.items(), COLORS, MARKERS, strict=False):
        new, old = np.transpose(points)
        ax.plot(new, old, marker, color=color, label=name, ms=8, mfc="none", mew=1.8)
    ax.set(xlabel="loss on new text, nats a token", ylabel="loss on old text")
    ax.legend()
    text = "Measured: each mark is a network. To the left it knows the new text better; "
    figures.show(fig, text + "further up it has forgotten more of the old one.")
