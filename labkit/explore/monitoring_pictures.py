"""The figures of lesson 27: what was measured or simulated, beside what theory says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from labkit.explore import figures

if TYPE_CHECKING:
    from labkit.datacenter.monitoring.alerts import Score

LOOKS = {
    "Shewhart": (figures.BLUE, "-", "o"),
    "EWMA": (figures.ORANGE, "--", "s"),
    "CUSUM": (figures.RED, "-.", "D"),
}
MARKS, DASHES = "osD^vPX*h", ("-", "--", "-.", ":")


def psi_by_chance(chance: Mapping[int, np.ndarray], law: Mapping[str, Sequence[float]]) -> None:
    """Show PSI of samples without any drift over their size, beside its law.

    Args:
        chance: size of both samples -> PSI of many pairs.
        law: name of the line -> its value at each size.
    """
    fig, ax = plt.subplots(figsize=(7.2, 3.5))
    sizes = list(chance)
    middle = [np.mean(values) for values in chance.values()]
    tails = np.transpose([np.quantile(values, [0.05, 0.95]) for values in chance.values()])
    bars = np.abs(tails - middle)
    ax.errorbar(sizes, middle, bars, fmt="o", color=figures.BLUE, capsize=3, label="simulated")
    for (name, values), dashes in zip(law.items(), ("--", ":"), strict=True):
        ax.plot(sizes, values, dashes, color=figures.ORANGE, label=name)
    for rule in (0.1, 0.25):
        ax.axhline(rule, color=figures.GRAY, linewidth=1.5)
        ax.annotate(f"rule of thumb {rule}", (sizes[-1], rule), ha="right", va="bottom")
    ax.set(xscale="log", yscale="log", xlabel="examples in each sample", ylabel="PSI, no drift")
    ax.legend(loc="lower left")
    figures.show(
        fig,
        "PSI of two samples of the same source, ten bins: mean, and 5 to 95 % of 2000 pairs "
        "(simulated), beside mean and 95 % quantile of the chi-square law (modeled).",
    )


def run_lengths(
    shifts: Sequence[float],
    theory: Mapping[str, Sequence[float]],
    simulated: Mapping[str, Sequence[tuple[float, float]]],
) -> None:
    """Show the average run length of each chart over the shift.

    Args:
        shifts: in standard deviations.
        theory: chart -> run length at each shift.
        simulated: chart -> mean and margin at each shift.
    """
    fig, ax = plt.subplots(figsize=(7.2, 3.6))
    for name, (color, dashes, mark) in LOOKS.items():
        ax.plot(shifts, theory[name], dashes, color=color, label=name)
        middle, margins = np.transpose(simulated[name])
        ax.errorbar(shifts, middle, margins, fmt=mark, color=color, capsize=3)
    ax.set(yscale="log", xlabel="shift (standard deviations)", ylabel="values up to an alarm")
    ax.set(yticks=[1, 3, 10, 30, 100, 300], yticklabels=[1, 3, 10, 30, 100, 300])
    ax.minorticks_off()
    ax.legend()
    figures.show(
        fig,
        "Average run length over the shift: lines by the Markov chain (modeled), marks with 95 % "
        "intervals from simulated runs.",
    )


def autocorrelated(
    correlations: Sequence[float],
    simulated: Mapping[str, Sequence[tuple[float, float]]],
    promised: Mapping[str, float],
) -> None:
    """Show how long a chart is silent without a shift, over the correlation of neighbors.

    Args:
        correlations: of neighboring values.
        simulated: chart -> mean and margin at each correlation.
        promised: chart -> run length of independent values.
    """
    fig, ax = plt.subplots(figsize=(7.2, 3.4))
    for name, rows in simulated.items():
        color, dashes, mark = LOOKS.get(name, (figures.COLORS[5], ":", "^"))
        middle, margins = np.transpose(rows)
        ax.errorbar(
            correlations, middle, margins, fmt=mark + dashes, color=color, capsize=3, label=name
        )
    ax.axhline(np.mean(list(promised.values())), color=figures.GRAY, linewidth=1.5, linestyle=":")
    ax.set(yscale="log", xlabel="correlation of neighbors", ylabel="values up to a false alarm")
    ax.set(yticks=[30, 100, 300, 1000], yticklabels=[30, 100, 300, 1000])
    ax.minorticks_off()
    ax.legend()
    figures.show(
        fig,
        "Values up to a false alarm when each value is like the one before (simulated, with 95 % "
        "intervals). Dotted: what theory promises for independent values.",
    )


def seen(delays: Mapping[str, Mapping[str, float | None]], z: Mapping, shown: Sequence) -> None:
    """Show which signal saw which fault after how many ticks, and the sums of some of them.

    Args:
        delays: fault -> signal -> ticks from the begin of the fault to the alarm; None for none.
        z: (fault, signal) -> state of the chart after each tick.
        shown: pairs (fault, signal) to be drawn on the left; the begin of the fault; the limit.
    """
    pairs, onset, limit = shown
    fig, (left, right) = plt.subplots(
        1, 2, figsize=(9.6, 3.9), gridspec_kw={"width_ratios": [1, 1.25]}
    )
    for n, pair in enumerate(pairs):
        left.plot(z[pair], DASHES[n], color=figures.COLORS[n], label=f"{pair[0]}: {pair[1]}")
    left.axvline(onset, color=figures.GRAY, linestyle=":")
    left.axhline(limit, color=figures.GRAY, linewidth=1.5)
    left.set(xlabel="tick", ylabel="sum of the chart", ylim=(0, 5 * limit))
    left.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1))
    faults, signals = list(delays), list(next(iter(delays.values())))
    late = [[delays[f][s] for s in signals] for f in faults]
    filled = np.array([[np.nan if each is None else each for each in row] for row in late], float)
    right.set_facecolor("#cfcfcf")  # no alarm; not white, which would glare in the dark theme
    right.imshow(filled, cmap="cividis", vmin=0, vmax=40, aspect="auto")
    for row, values in enumerate(late):
        for column, value in enumerate(values):
            text = "-" if value is None else f"{value:.0f}"
            dark = value is None or value > 25
            right.text(column, row, text, ha="center", va="center", color="k" if dark else "w")
    right.set_xticks(range(len(signals)), signals, rotation=30, ha="right")
    right.set_yticks(range(len(faults)), faults)
    right.tick_params(length=0)
    right.grid(False)
    figures.show(
        fig,
        "Left: the larger of the two sums of some charts; dotted: the fault begins; horizontal: "
        "the limit. Right: ticks from the fault to the alarm of each signal; - is no alarm.",
    )


def nights(ticks: Mapping[str, Mapping[str, Sequence[float | None]]]) -> None:
    """Show in how many nights each signal rang, and how late, as a table.

    Args:
        ticks: fault -> signal -> of each night, ticks from the fault to the alarm; None for none.
    """
    import pandas as pd
    from IPython.display import display

    def told(late: Sequence[float | None]) -> str:
        rang = [each for each in late if each is not None]
        return f"{len(rang)}, after {np.median(rang):.0f}" if rang else "-"

    rows = {fault: {name: told(late) for name, late in row.items()} for fault, row in ticks.items()}
    count = len(next(iter(next(iter(ticks.values())).values())))
    table = pd.DataFrame.from_dict(rows, orient="index")
    display(table.rename_axis(f"alarms in {count} nights, median ticks"))


def calls(scores: Mapping[str, Score]) -> None:
    """Show how rules did as a table, shares with Wilson's 95 % intervals.

    Args:
        scores: rule -> how it did.
    """
    import pandas as pd
    from IPython.display import display

    def share(value: float, ends: tuple[float, float]) -> str:
        return f"{value:.2f} ({ends[0]:.2f} to {ends[1]:.2f})"

    rows = {}
    for name, each in scores.items():
        precision, recall = each.intervals()
        shares = share(each.precision, precision), share(each.recall, recall)
        rows[name] = [each.calls, *shares, f"{each.delay:.0f} min", f"{each.after:.0f} min"]
    columns = ["calls", "precision", "recall", "until it rings", "rings on, after the end"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    display(table.rename_axis("simulated; shares with 95 %"))


def learners(right: Mapping[str, np.ndarray], drift: int, best: float, span: int = 100) -> None:
    """Show the accuracy of learners of a stream over its steps.

    Args:
        right: learner -> whether each answer was right, (steps, runs).
        drift: step at which the rule turns.
        best: accuracy that nobody can exceed.
        span: steps that each point averages over.
    """
    fig, ax = plt.subplots(figsize=(8.6, 3.4))
    for n, (name, values) in enumerate(right.items()):
        parts = values[: len(values) // span * span].reshape(-1, span, values.shape[1])
        steps = span * (np.arange(len(parts)) + 0.5)
        ax.plot(
            steps,
            parts.mean(axis=(1, 2)),
            MARKS[n] + DASHES[n % 4],
            color=figures.COLORS[n],
            label=name,
            markersize=4,
        )
    ax.axvline(drift, color=figures.GRAY, linestyle=":")
    ax.axhline(best, color=figures.GRAY, linewidth=1)
    ax.set(xlabel="examples so far", ylabel="accuracy", ylim=(0.35, 1))
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    figures.show(
        fig,
        "Accuracy of each learner, mean of all runs (simulated). Dotted: the rule turns. "
        "Horizontal: nobody can do better.",
    )


def maps(images: np.ndarray, found: Mapping[str, np.ndarray]) -> None:
    """Show images, and below each what every method says of its pixels.

    Args:
        images: (n, height, width).
        found: method -> (n, height, width).
    """
    rows = {"image": images} | dict(found)
    fig, axes = plt.subplots(
        len(images), len(rows), figsize=(1.45 * len(rows), 1.4 * len(images)), squeeze=False
    )
    for column, (name, each) in enumerate(rows.items()):
        for row, ax in enumerate(axes[:, column]):
            top = np.abs(each[row]).max() or 1.0
            signed = name != "image" and each[row].min() < 0
            ax.imshow(
                each[row] / top,
                cmap="PuOr" if signed else "cividis",
                vmin=-1 if signed else 0,
                vmax=1,
            )
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
        axes[0, column].set_title(name, fontsize=9)
    figures.show(
        fig,
        "Digits, and what each method calls important. Where a map has two signs: purple speaks "
        "for the class, orange against it.",
    )


def deletions(counts: Sequence[int], curves: Mapping[str, np.ndarray], controls: set[str]) -> None:
    """Show the probability of the class over the number of deleted pixels.

    Args:
        counts: pixels deleted.
        curves: name -> (counts, images).
        controls: names of those that know nothing of the model.
    """
    fig, ax = plt.subplots(figsize=(7.6, 3.9))
    for n, (name, values) in enumerate(curves.items()):
        known = name not in controls
        color = figures.COLORS[n % len(figures.COLORS)] if known else figures.GRAY
        look = MARKS[n % len(MARKS)] + ("-" if known else "--")
        ax.plot(counts, values.mean(axis=1), look, color=color, label=name)
    ax.set(xlabel="pixels deleted", ylabel="probability of the class", ylim=(0, 1))
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    figures.show(
        fig,
        "Mean probability of the class when the pixels that a map ranks highest are deleted "
        "(measured). Dashed: controls that know nothing of the model.",
    )
