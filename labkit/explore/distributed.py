"""The figures of lesson 21: what was measured, beside what the formulas say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from labkit.datacenter import scaling
from labkit.datacenter.links import Link
from labkit.explore import figures
from labkit.explore.collectives import LOOKS, ring_steps
from labkit.explore.compression import (
    FeedbackExplorer,
    bytes_against_accuracy,
    waiting_against_delay,
)
from labkit.lab.words import count

__all__ = [
    "FeedbackExplorer",
    "bubbles",
    "bytes_against_accuracy",
    "collectives",
    "more_machines",
    "ring_steps",
    "split",
    "traps",
    "waiting_against_delay",
]


def collectives(measured: Iterable[Mapping], model: Callable[[str, float, float], float]) -> None:
    """Show the seconds of each all-reduce over the number of workers, one picture for each length.

    Args:
        measured: rows as of `datacenter.distributed.measure`.
        model: seconds of a method, a number of workers and a length in bytes.
    """
    rows = list(measured)
    lengths = sorted({row["size_in_bytes"] for row in rows}, reverse=True)
    fig, axes = plt.subplots(1, len(lengths), figsize=(9, 3.4), squeeze=False)
    for ax, length in zip(axes[0], lengths, strict=True):
        for method, (color, marker, dashes) in LOOKS.items():
            mine = [r for r in rows if (r["method"], r["size_in_bytes"]) == (method, length)]
            sizes = [row["size"] for row in mine]
            # A tree has whole rounds only; between powers of two its line would be a staircase.
            line = sizes if method == "tree" else np.linspace(min(sizes), max(sizes), 50)
            ax.plot(line, [model(method, n, length) for n in line], dashes, color=color)
            names = ("least", "seconds", "most")
            low, middle, high = (np.array([row[name] for row in mine]) for name in names)
            spread = [middle - low, high - middle]
            ax.errorbar(sizes, middle, spread, fmt=marker, color=color, label=method, capsize=3)
        ax.set(title=f"{length / 1024:,.0f} KiB", xlabel="workers", ylabel="seconds", xticks=sizes)
        ax.set_ylim(bottom=0)
    axes[0][0].legend()
    caption = "Seconds of an all-reduce on the slow line. Marks: measured, median and range of "
    figures.show(fig, f"{caption}three repeats. Lines: modeled, by latency and bandwidth alone.")


def split(whole: np.ndarray, right: np.ndarray, wrong: np.ndarray) -> None:
    """Show the outputs of a split block against those of one process.

    Args:
        whole: of one process.
        right, wrong: of the workers, split by hidden units and by inputs; shaped as `whole`.
    """
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True)
    titles = ("hidden units handed out", "inputs handed out")
    for ax, found, title in zip(axes, (right, wrong), titles, strict=True):
        some = slice(None, None, 4)  # enough to see, and a small picture
        ax.plot(whole.ravel()[some], found.ravel()[some], ".", markersize=3, alpha=0.6)
        error = abs(found - whole).max()
        ax.set(title=f"{title}: off by up to {error:.2g}", xlabel="output of one process")
    axes[0].set_ylabel("output of the workers")
    caption = (
        "Each dot is one number of the block's output, every fourth: what the workers computed "
    )
    figures.show(fig, f"{caption}over what one process computed. On the diagonal both are equal.")


def traps(
    mean_error: float,
    weighted_error: float,
    norm_error: Mapping[int, float],
    together: float,
    apart: np.ndarray,
    averaged: float,
) -> None:
    """Show what changes the result: unweighted means, batch normalization, no talk at all.

    Args:
        mean_error, weighted_error: relative errors of a gradient from unequal shards.
        norm_error: number of workers -> relative error of normalized sums.
        together: accuracy of one network that all trained.
        apart, averaged: of each worker's own network, and of the mean of their weights.
    """
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.2), width_ratios=[1, 1, 1.5])
    left.bar(["not weighted", "weighted"], [mean_error, weighted_error], color=figures.BLUE)
    left.set(title="unequal shards", ylabel="relative error of the gradient")
    _write_above(left, [mean_error, weighted_error])
    middle.bar(list(map(str, norm_error)), norm_error.values(), color=figures.ORANGE)
    middle.set(title="batch normalization", xlabel="workers")
    _write_above(middle, list(norm_error.values()))
    scores = {"together: one network": together, "apart: each of four": apart}
    scores["apart, averaged"] = averaged
    for place, (name, score) in enumerate(scores.items()):
        values = 100 * np.atleast_1d(score)
        right.plot(values, np.full(len(values), -place), "o", color=figures.BLUE)
        right.text(3, -place + 0.12, name)
    right.set(title="four workers", xlabel="right on test digits (%)", xlim=(0, 100), yticks=[])
    right.set_ylim(-len(scores) + 0.5, 0.6)
    caption = "Measured. Left: error of a gradient from shards of 100, 28 and 128 samples. Middle: "
    caption += "of a batch-normalized network, 256 samples shared by some workers. Right: accuracy "
    figures.show(fig, f"{caption}of networks trained together and apart.")


def _write_above(ax: plt.Axes, heights: Sequence[float]) -> None:
    for place, height in enumerate(heights):
        text = f"{height:.2f}" if height > 0.005 else f"{height:.0e}"
        ax.text(place, height, text, ha="center", va="bottom")
    ax.margins(y=0.12)


def bubbles(
    steps: Mapping[int, Mapping[str, Sequence]], bubble: Callable[[int, int], float], stages: int
) -> None:
    """Show the idle share of a pipeline over the micro-batches, and how much each stage holds.

    Args:
        steps: number of micro-batches -> schedule -> measured steps, as of `pipeline.compare`.
        bubble: idle share of so many stages and micro-batches.
        stages: number of stages.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    many = np.arange(1, max(steps) + 3)
    left.plot(many, [bubble(stages, m) for m in many], "-", color=figures.GRAY, label="formula")
    looks = {"gpipe": ("GPipe", figures.BLUE, "o"), "1f1b": ("1F1B", figures.ORANGE, "s")}
    for shift, (kind, (name, color, marker)) in zip((-0.2, 0.2), looks.items(), strict=True):
        for m, found in steps.items():
            label = name if m == max(steps) else None
            idle = [step.idle for step in found[kind]]
            left.plot([m + shift / 2] * len(idle), idle, marker, color=color, label=label)
        live = steps[max(steps)][kind][0].live
        right.bar(np.arange(stages) + shift, live, 0.38, color=color, label=name)
    left.set(xlabel="micro-batches", ylabel="idle share of a step", ylim=(0, 0.8))
    left.legend()
    right.set(xlabel="stage", ylabel="micro-batches held at once", xticks=range(stages))
    right.set_ylim(top=1.25 * max(steps))
    right.legend(ncol=2, loc="upper right")
    caption = f"Left: share of a step in which {stages} stages wait; marks measured, line modeled. "
    figures.show(fig, f"{caption}Right: activations held at once with {max(steps)} micro-batches.")


SCALING = {"strong": (figures.BLUE, "-", "o"), "weak": (figures.ORANGE, "--", "s")}


def speed_ups(
    work: float, size_in_bytes: float, link: Link, sizes: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return modeled speed-ups, and machine-hours for the work that takes one machine an hour.

    Args:
        work, size_in_bytes, link, kind: as `scaling.step_seconds` takes them.
        sizes: numbers of machines.
    """
    seconds = [scaling.step_seconds(n, work, size_in_bytes, link, kind=kind) for n in sizes]
    gains = np.array(
        [scaling.speed_up(n, work, s, kind) for n, s in zip(sizes, seconds, strict=True)]
    )
    return gains, scaling.device_hours(sizes, gains)


def more_machines(
    work: float,
    size_in_bytes: float,
    link: Link,
    measured: Mapping[str, Mapping[int, float]],
    most: int = 64,
) -> None:
    """Show speed-up and machine-hours over the number of machines: lines modeled, dots measured.

    Args:
        work, size_in_bytes, link: as `scaling.step_seconds` takes them.
        measured: "strong" and "weak" -> what `scaling.measure` returned.
        most: the largest number of machines.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    sizes = np.arange(1, most + 1)
    left.plot(sizes, sizes, ":", color=figures.GRAY, label="N times as much")
    modeled = {kind: speed_ups(work, size_in_bytes, link, sizes, kind) for kind in SCALING}
    for kind, (color, dashes, marker) in SCALING.items():
        gains, hours = modeled[kind]
        left.plot(sizes, gains, dashes, color=color, label=f"{kind}: modeled")
        right.plot(sizes, hours, dashes, color=color)
        dots = measured[kind]
        one, tried = dots[min(dots)], np.array(list(dots))
        found = np.array([scaling.speed_up(n, one, dots[n], kind) for n in tried])
        left.plot(tried, found, marker, color=color, label=f"{kind}: measured")
        right.plot(tried, scaling.device_hours(tried, found), marker, color=color)
    for ax in (left, right):
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        ax.set_xlabel("machines N")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter("{x:g}")
    left.set(ylabel="speed-up", ylim=(0.5, most))
    right.set(ylabel="machine-hours, same work", ylim=(0.8, None))
    left.legend(loc="upper left", fontsize=9)
    caption = "What N machines do in the time of one (left), and what the same work then costs "
    caption += "(right). Strong scaling (blue) shares one batch, weak scaling (orange) gives each "
    caption += "machine a batch of its own. Lines are modeled: work / N, or work, and a ring. Dots "
    caption += f"are measured with up to {max(measured['strong'])} processes, their messages real "
    caption += f"and slowed, their work emulated: one machine sleeps {work:g} s in a step."
    gains, hours = modeled["strong"]
    best = int(np.argmax(gains))
    caption += f" One batch for all is fastest on {count(sizes[best], 'machine')} (modeled): "
    caption += f"{gains[best]:.1f} times as fast as on one, for {hours[best]:.1f} times the hours."
    figures.show(fig, caption)
