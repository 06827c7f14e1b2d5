"""Figures of lesson 90: rates with intervals, judges that do not look, a claim put to the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from labkit.explore import figures
from labkit.maths.intervals import mean_interval

Rates = Mapping[str, tuple[int, int, float, float]]  # group -> rows, hits, low, high


def rates(by_topic: Rates, by_article: Rates, overall: float) -> None:
    """Show the share that holds in each topic and each article, with 95 % intervals.

    Args:
        by_topic, by_article: group -> (rows, rows that hold, lower end, upper end).
        overall: the share among all rows.
    """
    fig = Figure(figsize=(9.4, 5.2))
    panels = zip(fig.subplots(1, 2), (by_topic, by_article), ("topic", "article"), strict=True)
    for ax, groups, name in panels:
        _rates(ax, groups, overall)
        ax.set_title(f"by {name}")
    figures.show(
        fig,
        "Share of the statements that hold, with Wilson's 95 % interval, by topic (left) and by "
        f"article (right); the dotted line is the share of all, {overall:.0%}.",
    )


def _rates(ax, groups: Rates, overall: float) -> None:
    y = np.arange(len(groups))
    rows, hits, low, high = np.array(list(groups.values()), dtype=float).T
    share = hits / rows
    ax.errorbar(share, y, xerr=[share - low, high - share], fmt="o", markersize=4, linewidth=1.5)
    ax.axvline(overall, color=figures.GRAY, linestyle=":")
    ax.set_yticks(y, [f"{name} ({n:.0f})" for name, n in zip(groups, rows, strict=True)], size=8)
    ax.set(xlim=(-0.03, 1.03), xlabel="share that holds (rows in parentheses)")
    ax.invert_yaxis()


def judges(blind: ArrayLike, expected: float, others: Mapping[str, float]) -> None:
    """Show how often blind judges agree with the ledger, and how often others do.

    Args:
        blind: agreement of each blind judge, shares of the rows.
        expected: the sum of the squared shares of the verdicts.
        others: name of a judge -> its agreement.
    """
    fig = Figure(figsize=(7.2, 3.1))
    ax = fig.subplots()
    values = np.unique(blind)
    row = np.diff(values).min()  # a judge agrees on one row more
    bins = np.arange(values[0] - row / 2, values[-1] + 4 * row, 4 * row)
    ax.hist(blind, bins=bins, color=figures.SKY, label="blind judges (simulated)")
    ax.axvline(expected, color=figures.GRAY, label="sum of squared shares (modeled)")
    looks = zip(("D", "s", "^"), (figures.ORANGE, figures.RED, figures.PINK), others, strict=False)
    for marker, color, name in looks:
        ax.plot([others[name]], [0], marker, color=color, markersize=9, label=name, clip_on=False)
    ax.set(xlabel="share of the rows on which it agrees with the ledger", ylabel="judges")
    ax.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
    told = "; ".join(f"{name}: {share:.0%}" for name, share in others.items())
    figures.show(fig, f"How often blind judges agree with the ledger, beside {told}.")


def tested(claims: Mapping[str, Sequence[float]], said: Mapping[str, str]) -> None:
    """Show of each claim the differences of its pairs, their mean and its 95 % interval.

    Args:
        claims: what is claimed -> difference of each pair, in points.
        said: what is claimed -> the verdict of the rule.
    """
    fig = Figure(figsize=(8.6, 0.7 * len(claims) + 1.2))
    ax = fig.subplots()
    for y, (name, pairs) in enumerate(claims.items()):
        mean, margin = mean_interval(pairs)
        ax.plot(pairs, np.full(len(pairs), y - 0.14), "|", color=figures.GRAY, markersize=10)
        ax.errorbar(mean, y + 0.1, xerr=margin, fmt="o", color=figures.BLUE)
        ax.text(1.01, y, said[name], transform=ax.get_yaxis_transform(), va="center")
    ax.axvline(0, color=figures.ORANGE, linestyle="--")
    ax.set_yticks(range(len(claims)), list(claims))
    ax.set(ylim=(len(claims) - 0.5, -0.5), xlabel="accuracy gained (points)")
    told = "; ".join(f"{name}: {verdict}" for name, verdict in said.items())
    figures.show(fig, f"Differences of the pairs (gray), mean and 95 % interval (blue). {told}.")
