"""Figures and tables of lesson 17: copies and calls, ways to train, batches, memory, kept runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.datacenter.cards import CARDS
from labkit.explore import figures

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from labkit.datacenter.cards import Card
    from labkit.datacenter.steps import Line
    from labkit.networks.devices import Memory

# What of a kept run is shown, and its heading.
KEPT = {
    "date": "date",
    "card": "card",
    "network": "network",
    "way": "way",
    "precision": "precision",
    "batch": "batch",
    "examples_per_second": "examples a second",
    "peak_fraction": "share of its peak",
    "score": "score",
}
NO_RUNS = (
    "**No run on a GPU has been kept yet**, so this lesson quotes none: what it says of cards is "
    "modeled from their data sheets, and what it measures is measured on this machine."
)


def kept_runs(runs: pd.DataFrame) -> None:
    """Show the runs on a GPU that are kept with the lab, quoted; or say that there are none.

    Args:
        runs: as `data/gpu_runs.csv` has them, one row a run.
    """
    from IPython.display import Markdown, display

    if runs.empty:
        display(Markdown(NO_RUNS))
        return
    cards = ", ".join(sorted({str(card) for card in runs["card"]}))
    commands = ", ".join(f"`{command}`" for command in dict.fromkeys(runs["command"]))
    display(Markdown(f"**Quoted: {len(runs)} kept runs on {cards}**, made by {commands}."))
    table = runs[[name for name in KEPT if name in runs]].rename(columns=KEPT)
    display(table.style.hide(axis="index").format(precision=3, thousands=","))


def crossing(copies: Mapping[int, float], line: Line, additions: Mapping[int, float]) -> None:
    """Show seconds of a copy over its bytes, with its line, and of an addition over its numbers.

    Args:
        copies: bytes -> seconds.
        line: latency and seconds a byte.
        additions: numbers -> seconds.
    """
    import matplotlib.pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
    sizes = np.array(list(copies), float)
    left.plot(sizes, 1e6 * np.array(list(copies.values())), "o", label="measured")
    finer = np.geomspace(sizes.min(), sizes.max(), 80)
    left.plot(finer, 1e6 * line.seconds(finer), "-", color=figures.ORANGE, label="latency + bytes")
    left.set(xscale="log", yscale="log", xlabel="bytes copied", ylabel="time (µs)")
    left.legend()
    right.plot(list(additions), 1e6 * np.array(list(additions.values())), "s-", color=figures.PINK)
    right.set(xscale="log", yscale="log", xlabel="numbers added to", ylabel="time (µs)")
    _plain(left)
    _plain(right)
    text = "Left: time to copy an array to the device, over its bytes: measured, and the line of a"
    figures.show(fig, f"{text} latency and a bandwidth. Right: time of one addition, called once.")


def _plain(ax: Axes) -> None:
    """Write 1, 2, 5, 10, ... at a logarithmic axis of seconds, and no powers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def ways(found: Mapping[str, Mapping[str, float]]) -> None:
    """Show the milliseconds of a step of each network in each way.

    Args:
        found: network -> way -> seconds of a step.
    """
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(8, 0.9 + 0.75 * len(found)))
    names = list(next(iter(found.values())))
    colors = dict(zip(names, (figures.ORANGE, figures.SKY, figures.BLUE), strict=False))
    for place, took in enumerate(found.values()):
        for way, seconds in took.items():
            number = names.index(way)
            y = place + 0.26 * (number - 1)
            label = way if place == 0 else None
            hatch = ("//", "..", "")[number]
            ax.barh(y, 1e3 * seconds, 0.24, color=colors[way], label=label, hatch=hatch)
            ax.text(1e3 * seconds, y, f" {1e3 * seconds:.2g}", va="center", fontsize=9)
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()
    ax.set(xlabel="a training step (ms)")
    ax.grid(axis="y", visible=False)
    ax.legend(fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
    figures.show(fig, "Milliseconds of a training step of each network, in each way to run it.")


def throughput(found: Mapping[str, Mapping[int, float]], lines: Mapping[str, Line]) -> None:
    """Show the seconds of a step and the examples a second over the batch.

    Args:
        found: network -> batch -> seconds of a step.
        lines: network -> its line a + c b.
    """
    import matplotlib.pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
    for (name, took), marker in zip(found.items(), "osD", strict=False):
        batches, seconds = np.array(list(took)), np.array(list(took.values()))
        finer = np.geomspace(batches.min(), batches.max(), 60)
        (line,) = left.plot(finer, 1e3 * lines[name].seconds(finer))
        style = {"marker": marker, "ls": "none", "color": line.get_color()}
        left.plot(batches, 1e3 * seconds, label=name, **style)
        right.plot(finer, finer / lines[name].seconds(finer), ls=line.get_linestyle())
        right.plot(batches, batches / seconds, **style)
    left.set(xscale="log", yscale="log", xlabel="images in a batch", ylabel="step (ms)")
    right.set(xscale="log", xlabel="images in a batch", ylabel="images a second")
    for ax in (left, right):
        ax.set_xticks([16, 64, 256, 1024], ["16", "64", "256", "1,024"])
        ax.minorticks_off()
    right.yaxis.set_major_formatter("{x:,.0f}")
    _plain(left)
    left.legend()
    text = "Time of a training step (left) and images a second (right) over the batch: marks are"
    figures.show(fig, f"{text} measured, lines are a + c b.")


def memory(found: Mapping[int, Memory], card: Card, limit: float) -> None:
    """Show what a training holds over the batch, and where the memory of a card ends.

    Args:
        found: batch -> bytes of each kind.
        card: whose memory is the limit.
        limit: the largest batch that fits, by the learner's function.
    """
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(8, 3.2))
    batches = list(found)
    flat = [sum(each[:3]) / 1e9 for each in found.values()]
    rising = [each.activations / 1e9 for each in found.values()]
    ax.plot(batches, flat, "--", color=figures.ORANGE, label="weights, gradients, averages")
    ax.plot(batches, rising, "-", color=figures.BLUE, label="outputs of the layers")
    label = f"memory of a {card.name}"
    ax.axhline(card.memory / 1e9, color=figures.RED, ls="-.", lw=1.2, label=label)
    ax.axvline(limit, color=figures.GRAY, ls=":", label="largest batch, by your function")
    ax.set(xscale="log", yscale="log", xlabel="images in a batch", ylabel="gigabytes")
    ax.legend(fontsize=9)
    text = "Bytes of a training over the batch, modeled: the part of the weights is flat, that of"
    figures.show(fig, f"{text} the outputs rises. Horizontal: the memory of a card, quoted.")


def precision_table(card: Card, errors: Mapping[str, float]) -> Any:
    """Return what each format costs and brings: bits, error of a product, peak here and quoted.

    Args:
        card: of this machine, measured.
        errors: format -> relative error of a product.
    """
    import pandas as pd

    bits = {"float32": (8, 23, 4), "TF32": (8, 10, 4), "bfloat16": (8, 7, 2)}
    rows = {
        name: {
            "exponent, fraction (bits)": f"{bits[name][0]}, {bits[name][1]}",
            "bytes in memory": bits[name][2],
            "error of a product": f"{errors[name]:.0e}",
            "measured here (TFLOP/s)": _tera(card.peaks.get(name)),
            "A100, quoted (TFLOP/s)": _tera(CARDS["A100"].peaks[name]),
            "H200, quoted (TFLOP/s)": _tera(CARDS["H200"].peaks[name]),
        }
        for name in errors
    }
    return pd.DataFrame(rows).T


def _tera(rate: float | None) -> str:
    return "not measured" if rate is None else f"{rate / 1e12:.3g}"
