"""The figures of lesson 23: lines are modeled, dots are measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from labkit.datacenter.serving.bench import Beside
from labkit.datacenter.serving.traffic import Answers
from labkit.datacenter.steps import Line
from labkit.explore import figures

LOOKS = [
    (figures.BLUE, "o", "-"),
    (figures.ORANGE, "s", "--"),
    (figures.RED, "^", "-."),
    (figures.PINK, "D", ":"),
]


def batches(
    line: Line, found: Mapping[int, Beside], own: Mapping[int, float], own_line: Line
) -> None:
    """Show what a batch does to the requests a second, and the seconds of a real network's batch.

    Args:
        line: of the emulated accelerator.
        found: largest batch -> requests that were all there at the begin.
        own: batch -> CPU seconds of the network.
        own_line: through them.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), gridspec_kw={"wspace": 0.08})
    sizes = np.geomspace(1, max(found), 60)
    left.plot(sizes, sizes / line.seconds(sizes), label="b / (a + c b)")
    left.axhline(1 / line.per_example, color=figures.GRAY, linestyle=":", label="1 / c")
    _dots(left, list(found), [each.best.goodput for each in found.values()], figures.BLUE, found)
    left.set(title="emulated accelerator", xlabel="largest batch", ylabel="requests a second")
    left.set_xticks(list(found))
    sizes = np.linspace(1, max(own), 60)
    right.plot(sizes, 1e6 * own_line.seconds(sizes), color=figures.ORANGE, label="a + c b")
    right.plot(list(own), [1e6 * each for each in own.values()], "s", color=figures.ORANGE)
    right.set(title="the digits network", xlabel="batch", ylabel="CPU time of a batch, µs")
    right.set_ylim(bottom=0)
    for ax in (left, right):
        ax.legend()
    told = "Left: requests a second over the largest batch. Right: microseconds of a batch of the "
    figures.show(fig, f"{told}network that reads digits. {_marks(found)}")


def loads(shares: Sequence[float], modeled: Mapping[str, Sequence], found: Mapping) -> None:
    """Show mean and percentiles of the latency over the load.

    Args:
        shares: loads, rate over capacity, of the lines.
        modeled: name of a line -> seconds at these loads; the first is the mean.
        found: load -> name -> (seconds modeled with the same requests, seconds measured or None).
    """
    fig, ax = plt.subplots(figsize=(7.5, 3.6))
    for (name, seconds), (color, marker, dashes) in zip(modeled.items(), LOOKS, strict=False):
        ax.plot(shares, 1e3 * np.array(seconds), dashes, color=color, label=name)
        for share, each in found.items():
            same, measured = each[name]
            ax.plot(share, 1e3 * same, marker, color=color, fillstyle="none", markersize=9)
            if measured is not None:
                ax.plot(share, 1e3 * measured, marker, color=color, markersize=6)
    ax.set(xlabel="load: rate / capacity", ylabel="latency, ms", yscale="log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.yaxis.set_minor_locator(NullLocator())
    ax.legend()
    told = "Latency over load. Lines: modeled, in the long run. Open marks: modeled, with the very "
    told += "requests of this test. "
    measured = any(pair[1] is not None for each in found.values() for pair in each.values())
    more = "Full marks: measured." if measured else "No real server ran."
    figures.show(fig, told + more)


def over_time(
    answers: Mapping[str, Answers],
    line: tuple[str, float],
    promise: float | None = None,
    measured: bool = True,
) -> None:
    """Show how long each request took, over the moment for which it was planned.

    Args:
        answers: name -> its answers.
        line: name and slope of the modeled line, seconds of latency a second.
        promise: seconds in which an answer was to come; a horizontal line.
        measured: whether these are of a real server.
    """
    fig, ax = plt.subplots(figsize=(7.5, 3.6))
    last = max(each.planned.max() for each in answers.values())
    ax.plot([0, last], [0, line[1] * last], color=figures.GRAY, label=f"modeled: {line[0]}")
    if promise is not None:
        ax.axhline(promise, color=figures.GRAY, linestyle=":", label="the promise")
    for (name, each), (color, marker, _) in zip(answers.items(), LOOKS, strict=False):
        at = each.planned[each.ok]
        ax.plot(at, each.latency, marker, color=color, markersize=4, linestyle="", label=name)
    ax.set(xlabel="planned moment of the request, s", ylabel="latency, s")
    ax.legend()
    told = "Latency of each answered request over its planned moment. Marks: "
    figures.show(fig, f"{told}{'measured' if measured else 'simulated'}. Line: modeled.")


def waits(found: Mapping[tuple[str, float], Beside]) -> None:
    """Show the median latency over the wait for a fuller batch, a line for each load.

    Args:
        found: (load, seconds of waiting) -> answers.
    """
    fig, ax = plt.subplots(figsize=(7.5, 3.4))
    names = list(dict.fromkeys(name for name, _ in found))
    for name, (color, marker, dashes) in zip(names, LOOKS, strict=False):
        mine = {wait: each for (other, wait), each in found.items() if other == name}
        x = [1e3 * wait for wait in mine]
        y = [1e3 * each.modeled.percentile(0.5) for each in mine.values()]
        ax.plot(x, y, dashes, color=color, label=name)
        dots = {w: each for w, each in mine.items() if each.measured is not None}
        y = [1e3 * each.measured.percentile(0.5) for each in dots.values()]
        ax.plot([1e3 * wait for wait in dots], y, marker, color=color)
    ax.set(xlabel="wait for a fuller batch, ms", ylabel="median latency, ms")
    ax.set_ylim(bottom=0)
    ax.legend()
    told = "Median latency over the time that a server waits for a fuller batch. Lines: simulated. "
    figures.show(fig, f"{told}Marks: measured.")


def slots(spans: Mapping[str, Sequence[tuple[int, int, int]]], lengths: Sequence[int]) -> None:
    """Show which slot wrote which text when, one picture for each way.

    Args:
        spans: way -> (slot, first step, step after the last) of each text.
        lengths: characters of each text.
    """
    fig, axes = plt.subplots(len(spans), 1, figsize=(9, 1.9 * len(spans)), sharex=True)
    for ax, (name, mine) in zip(np.atleast_1d(axes), spans.items(), strict=True):
        for place, (slot, start, end) in enumerate(mine):
            color = figures.COLORS[place % len(figures.COLORS)]
            ax.barh(slot, end - start, left=start, color=color, edgecolor="white", height=0.9)
        steps, count = max(end for *_, end in mine), 1 + max(slot for slot, *_ in mine)
        share = sum(lengths) / steps / count
        ax.set(title=f"{name}: {steps:,} steps, {share:.0%} of the slots' steps are used")
        ax.set(ylabel="slot", yticks=[])
        ax.grid(visible=False)
    np.atleast_1d(axes)[-1].set_xlabel("step")
    told = "Each bar is a text in its slot, from its first step to its last. Gaps: slots that "
    figures.show(fig, f"{told}nobody uses.")


def characters(
    steps: Mapping[int, float], line: Line, rates: Mapping[str, Mapping[int, tuple[float, float]]]
) -> None:
    """Show the CPU time of a step over the slots, and the characters a second of each way.

    Args:
        steps: slots -> CPU seconds of a step.
        line: through them.
        rates: way -> slots -> (characters a CPU second measured, modeled).
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    sizes = np.linspace(1, max(steps), 50)
    left.plot(sizes, 1e6 * line.seconds(sizes), label="a + c b")
    left.plot(list(steps), [1e6 * each for each in steps.values()], "o", color=figures.BLUE)
    left.set(xlabel="slots of a step", ylabel="CPU time of a step, µs")
    left.set_ylim(bottom=0)
    for (name, mine), (color, marker, dashes) in zip(rates.items(), LOOKS, strict=False):
        x, (measured, modeled) = list(mine), zip(*mine.values(), strict=True)
        right.plot(x, np.array(modeled) / 1e3, dashes, color=color, label=name)
        right.plot(x, np.array(measured) / 1e3, marker, color=color)
    right.set(xlabel="slots", ylabel="thousand characters a second")
    right.set_xscale("log", base=2)
    right.set_xticks(x, [str(each) for each in x])
    right.set_ylim(bottom=0)
    for ax in (left, right):
        ax.legend()
    told = "Left: CPU time of a step over its slots. Right: characters a CPU second over the slots."
    figures.show(fig, f"{told} Marks: measured. Lines: modeled.")


def _dots(ax: Axes, x: Sequence, y: Sequence, color: str, found: Mapping) -> None:
    full = all(each.measured is not None for each in found.values())
    ax.plot(x, y, "o", color=color, fillstyle="full" if full else "none")


def _marks(found: Mapping[int, Beside]) -> str:
    if all(each.measured is not None for each in found.values()):
        return "Marks: measured. Lines: modeled."
    return "Full marks: measured. Open marks: simulated, for no real server ran. Lines: modeled."
