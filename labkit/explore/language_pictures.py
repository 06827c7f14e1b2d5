"""Pictures of lesson 16: tokens, one step, power laws, what is drawn, what is forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

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


def one_step(pieces: Sequence[str], before: np.ndarray, after: np.ndarray, even: float) -> None:
    """Show the probability of the token that really came, at each place, before and after a step.

    Args:
        pieces: the token that came at each place.
        before, after: its probability, shape (places,).
        even: the probability if all tokens were equally likely.
    """
    fig, ax = plt.subplots(figsize=(7.0, 2.7))
    places = np.arange(len(pieces))
    ax.vlines(places, before, after, color=figures.GRAY, lw=1)
    ax.axhline(even, color=figures.GRAY, ls=":", label="all tokens equally likely")
    ax.semilogy(places, before, "o", color=figures.BLUE, mfc="none", label="before the step")
    ax.semilogy(places, after, "s", color=figures.ORANGE, label="after it")
    ax.set_xticks(places, pieces, rotation=60, family="monospace", size=min(9, 330 / len(pieces)))
    ax.set(xlabel="the token that came", ylabel="its probability")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=9)
    figures.show(fig, "Measured: probability of the right token at each place, around one step.")


def scaling(table: pd.DataFrame, surface: Surface, least: float = 0) -> None:
    """Show the loss over the parameters, a line for each number of tokens.

    Args:
        table: the sweep's runs.
        surface: fitted to them; drawn as broken lines.
        least: runs with fewer tokens were left out of the fit.
    """
    fig, ax = plt.subplots(figsize=(7.2, 3.1))
    _runs(ax, table, surface, least=least)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9)
    left_out = " Hollow marks and a dotted line: left out of the fit." if least else ""
    text = "Measured: held-out loss of each run over its parameters. Broken lines: the fitted "
    figures.show(fig, text + f"surface (modeled).{left_out}")


def _runs(
    ax: plt.Axes, table: pd.DataFrame, surface: Surface, most: float = 0, least: float = 0
) -> None:
    sizes = np.geomspace(table[PARAMETERS].min(), max(table[PARAMETERS].max(), most), 50)
    for i, (count, rows) in enumerate(table.groupby(TOKENS)):
        color, marker = COLORS[i % len(COLORS)], MARKERS[(i + i // len(COLORS)) % len(MARKERS)]
        fitted = count >= least
        look = {"color": color, "mfc": color if fitted else "none"}
        ax.plot(rows[PARAMETERS], rows[LOSS], marker, label=f"{count:,} tokens", **look)
        ax.plot(sizes, surface(sizes, count), "--" if fitted else ":", color=color, lw=1)
    ax.set(ylabel="held-out loss, nats a token")
    _over_parameters(ax, (1, 2, 5))


def _over_parameters(ax: plt.Axes, steps: Sequence[float] = (1,)) -> None:
    """Write 10k and 2M below a logarithmic axis, at these steps within each power of ten."""
    ax.set(xscale="log", xlabel="parameters N")
    ax.xaxis.set_major_locator(LogLocator(subs=steps))
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.xaxis.set_minor_locator(NullLocator())


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
    fig, (ax, near) = plt.subplots(1, 2, figsize=(7.4, 3.0), width_ratios=(3, 2))
    most = table[table[TOKENS] == table[TOKENS].max()]
    _runs(ax, most, surface, most=size)
    star = {"color": figures.PINK, "ms": 14}
    looks = list(zip((figures.ORANGE, figures.SAND, figures.SKY), "s^D", strict=True))
    for (name, (loss, low, high)), (color, marker) in zip(predicted.items(), looks, strict=False):
        ax.plot(size, loss, marker, color=color, mfc="none", mew=1.8, label=f"foretold: {name}")
        near.plot([name, name], [low, high], "-", color=color, lw=3)
        near.plot(name, loss, marker, color=color, mfc="white", mew=1.8)
    ax.plot(size, measured, "*", label="the largest, measured", **star)
    ax.legend(fontsize=8)
    near.axhline(measured, color=figures.PINK, ls=":")
    near.plot("measured", measured, "*", **star)
    names = [name.replace(" and ", "\nand ") for name in (*predicted, "measured")]
    near.set_xticks(range(len(names)), names, size=9)
    near.set(ylabel="loss, nats a token", xlim=(-0.5, len(predicted) + 0.5))
    text = "Left: runs with the most tokens, the surface (broken line), and the largest, which no "
    text += "fit has seen. Right: the same predictions with their intervals, and what was measured."
    figures.show(fig, text)


def budgets(table: pd.DataFrame, surface: Surface, flops: Sequence[float]) -> None:
    """Show the loss over the parameters at equal compute, and measured runs at their own.

    Args:
        table: the sweep's runs.
        surface: fitted to them.
        flops: budgets, a line for each.
    """
    fig, (ax, free) = plt.subplots(1, 2, figsize=(7.2, 2.9))
    for flop, color, dashes in zip(flops, COLORS, ("-", "--", "-.", ":", "-"), strict=False):
        best = float(surface.compute_optimal(flop)[0])
        sizes = np.geomspace(best / 10, best * 10, 80)
        losses = surface(sizes, flop / 6 / sizes)
        ax.plot(sizes, losses, ls=dashes, color=color, label=f"{_power(flop)} FLOP")
        ax.plot(best, surface(best, flop / 6 / best), "D", color=color)
    ax.set(ylabel="loss, nats a token")
    _over_parameters(ax)
    ax.legend(fontsize=8)
    spent = 6 * table[PARAMETERS] * table[TOKENS]
    free.semilogx(spent, table[LOSS], "o", color=figures.BLUE, label="runs (measured)")
    line = np.geomspace(spent.min(), spent.max() * 3, 50)
    N, D = surface.compute_optimal(line)
    free.semilogx(line, surface(N, D), "--", color=figures.ORANGE, label="best size (modeled)")
    free.set(xlabel="FLOP of the training, 6 N D", ylabel="held-out loss, nats a token")
    free.xaxis.set_minor_formatter("")  # within two powers of ten the small labels run together
    free.legend(fontsize=8)
    text = "Left (modeled): the same FLOP spent on few or many parameters; a diamond marks the best"
    figures.show(fig, text + " size. Right: the runs over their FLOP, and the modeled lower edge.")


def _power(number: float) -> str:
    digits, power = f"{number:.1e}".split("e")
    return rf"${digits} \cdot 10^{{{int(power)}}}$"


def spent(
    surface: Surface, flop: float, beat: tuple[float, float], tries: Sequence[tuple[float, float]]
) -> None:
    """Show what one budget buys at each size, and networks that were trained with it.

    Args:
        surface: the fitted law.
        flop: the budget.
        beat: parameters and loss of the run that is to be beaten.
        tries: parameters and loss of one's own networks.
    """
    fig, ax = plt.subplots(figsize=(5.4, 2.7))
    seen = [size for size, _ in (beat, *tries)]
    sizes = np.geomspace(min(seen) / 8, max(seen) * 2, 60)
    label = "the surface (modeled)"
    ax.plot(sizes, surface(sizes, flop / 6 / sizes), "--", color=figures.GRAY, label=label)
    ax.plot(*beat, "*", color=figures.PINK, ms=14, label="to beat (measured)")
    ax.plot(*np.transpose(tries), "o", color=figures.BLUE, label="yours (measured)")
    ax.set(ylabel="held-out loss, nats a token")
    _over_parameters(ax, (1, 2, 5))
    ax.legend(fontsize=9)
    text = f"Loss of networks whose training takes {flop:.1e} FLOP, over their size: fewer "
    figures.show(fig, text + "parameters read more tokens.")


def nucleus(shares: Mapping[str, np.ndarray], top_k: int, top_p: float) -> None:
    """Show probabilities from the likeliest down, for two places, and where the cuts fall.

    Args:
        shares: what stands before -> probabilities, in falling order.
        top_k: tokens that one cut keeps.
        top_p: the share that the other cut keeps.
    """
    fig, axes = plt.subplots(1, len(shares), figsize=(7.2, 2.6), sharex=True, sharey=True)
    counts = [int(np.searchsorted(np.cumsum(p), top_p * 0.999999)) + 1 for p in shares.values()]
    most = min(len(next(iter(shares.values()))), max(40, int(1.2 * max(*counts, top_k))))
    for ax, (before, p), kept in zip(axes, shares.items(), counts, strict=True):
        ax.semilogy(np.arange(1, most + 1), p[:most], ".", color=figures.GRAY)
        if top_k < len(p):
            label = f"top-k: {top_k} hold {p[:top_k].sum():.0%}"
            ax.axvline(top_k + 0.5, color=figures.BLUE, ls="--", label=label)
        label = f"top-p: {kept} hold {p[:kept].sum():.0%}"
        ax.axvline(kept + 0.5, color=figures.ORANGE, ls="-", label=label)
        ax.set(xlabel="tokens, the likeliest first")
        ax.set_title(before, fontsize=9, family="monospace", parse_math=False)
        ax.legend(fontsize=8)
    axes[0].set_ylabel("probability")
    text = "Measured: probability of the likeliest next tokens after two beginnings, and where both"
    figures.show(fig, text + " cuts fall: what stands to the right of a line is not drawn.")


def forgetting(
    rows: Mapping[str, Sequence[tuple[float, float]]],
    tried: Mapping[str, Sequence[tuple[float, float]]] | None = None,
) -> None:
    """Show the loss on the new text beside that on the old one, for each network.

    Args:
        rows: way -> (loss on the new text, loss on the old text) of each network.
        tried: way -> the same of one network for each rate, the lowest rate first.
    """
    fig, ax = plt.subplots(figsize=(5.6, 3.0))
    tried = tried or {}
    for (name, points), color, marker in zip(rows.items(), COLORS, MARKERS, strict=False):
        if name in tried:
            path = np.transpose(tried[name])
            ax.plot(*path, ":" + marker, color=color, lw=1.2, ms=5, mfc="none")
        ax.plot(*np.transpose(points), marker, color=color, label=name, ms=8)
    ax.set(xlabel="loss on new text, nats a token", ylabel="loss on old text, nats a token")
    ax.legend()
    text = "Measured: each mark is a network. Left: it knows the new text better; up: it has "
    paths = " Small marks: the rates that were tried, from low to high along the line."
    figures.show(fig, text + "forgotten more of the old one." + (paths if tried else ""))
