"""Explorer of lesson 17: what holds a training step back on a card, and on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.datacenter.cards import CARDS, FORMATS, LAUNCHES, Card, Parts, step
from labkit.explore import figures, kit
from labkit.lab.words import short_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HERE = "this machine"
ONE_BY_ONE, COMPILED = "one by one", "one compiled call"
BATCHES = [2**power for power in range(13)]
WIDTHS = [2**power for power in range(6, 14)]
_PARTS = {
    "launching": (figures.ORANGE, "--"),
    "moving": (figures.PINK, ":"),
    "arithmetic": (figures.SKY, "-."),
}
_BOUND = {
    "launch": "Launch-bound: a larger batch is nearly free, and fewer launches help.",
    "memory": "Memory-bound: a narrower format or a larger batch helps, not faster arithmetic.",
    "compute": "Compute-bound: units for a narrower format help, a larger batch does not.",
}

# Where nothing was measured: a processor of two cores with TensorFlow, by CPU time.
EXAMPLE = Card(
    "a virtual Intel Xeon", "quoted", {"float32": 166e9, "bfloat16": 821e9}, 12.3e9, 0, 0, ""
)
EXAMPLE_LAUNCHES = {ONE_BY_ONE: 19.7e-6, COMPILED: 0.2e-6}


class DeviceExplorer(kit.Explorer):
    """Give a network of three square layers a width and a batch; see what holds its step back.

    Args:
        here: what this machine can do, from `labkit.datacenter.cards.this_machine`; None shows
            another machine, and says so.
        launches: way -> seconds of a launch here, from `labkit.datacenter.cards.chains`.
        dots: width -> way -> batch -> measured seconds of a step here.
        **start: start values of card, batch, width, operations, launched and number_format.
    """

    view_only = ("card", "batch", "width", "operations", "launched", "number_format")
    size = (9.6, 3.5)

    def __init__(
        self,
        here: Card | None = None,
        launches: Mapping[str, float] | None = None,
        dots: Mapping[int, Mapping[str, Mapping[int, float]]] | None = None,
        **start: Any,
    ) -> None:
        self.here = here or EXAMPLE
        self.launches = dict(EXAMPLE_LAUNCHES if launches is None else launches)
        self.dots = dict(dots or {})
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: the card, the network, and how its operations are launched."""
        import ipywidgets as widgets

        return {
            "card": kit.choice(HERE, [HERE, *CARDS]),
            "batch": widgets.SelectionSlider(options=BATCHES, value=32),
            "width": widgets.SelectionSlider(options=WIDTHS, value=512),
            "operations": kit.log_slider(60, 10, 10_000, description="operations a step"),
            "launched": kit.choice(ONE_BY_ONE, [ONE_BY_ONE, COMPILED]),
            "number_format": kit.choice("float32", list(FORMATS)),
        }

    def launch(self, card: str, launched: str) -> float:
        """Return the seconds of a launch: measured for this machine, the slower side for a card."""
        host = self.launches.get(launched, self.launches[ONE_BY_ONE])
        if card == HERE:
            return host
        quoted = LAUNCHES["as a graph"] if launched == COMPILED else LAUNCHES["in a row"]
        return quoted if launched == COMPILED else max(host, quoted)

    def compute(
        self, card: str, batch: int, width: int, operations: float, launched: str,
        number_format: str,
    ) -> dict:  # fmt: skip
        """Return the parts of the step, for this batch and for all of them."""
        chosen, launch = CARDS.get(card, self.here), self.launch(card, launched)
        parts = lambda b: step(chosen, b, width, operations, launch, number_format)
        every = [parts(b) for b in BATCHES]
        return {
            "card": chosen,
            "launch": launch,
            "parts": parts(batch),
            "lines": np.array([each[:3] for each in every]).T,
            "whole": np.array([each.seconds for each in every]),
            "free": next((b for b, p in zip(BATCHES, every, strict=True) if _busy(p)), None),
            "dots": self.dots.get(width, {}) if card == HERE else {},
        }

    def build(self, figure: Figure) -> dict:
        """Draw the axes: seconds over the batch on the left, the parts of one step on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[2.1, 1])
        moving = self._build_lines(left)
        right.set(xlim=(0, 1.02), ylim=(-0.6, 2.8), xlabel="share of the longest part")
        right.set(yticks=range(3), yticklabels=list(_PARTS), title="this step, modeled")
        right.grid(False)
        moving["bars"] = [
            right.barh(k, 0, 0.4, color=color)[0] for k, (color, _) in enumerate(_PARTS.values())
        ]
        moving["times"] = [right.text(0.02, k + 0.32, "", va="center") for k in range(3)]
        return moving

    def _build_lines(self, ax: Axes) -> dict:
        ax.set(xscale="log", yscale="log", xlim=(0.8, 5200), ylim=(1e-6, 1e2))
        ax.set(xlabel="examples in a batch", ylabel="seconds of a step")
        ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
        moving = {
            name: ax.plot(BATCHES, np.ones(len(BATCHES)), ls, color=color, lw=1.4, label=name)[0]
            for name, (color, ls) in _PARTS.items()
        }
        line = np.ones(len(BATCHES))
        (moving["whole"],) = ax.plot(
            BATCHES, line, "-", color=figures.BLUE, lw=2.6, alpha=0.6, label="whole step, modeled"
        )
        (moving["star"],) = ax.plot([1], [1], "*", color=figures.RED, ms=15, zorder=5)
        for way, mark in (("a call a step", "o"), ("labkit's fit", "s")):
            label = {"o": "measured, a call a step", "s": "measured, one loop"}[mark]
            (moving[way],) = ax.plot([], [], mark, color=figures.GRAY, ms=6, label=label)
        moving["heading"] = ax.set_title(" ")
        ax.legend(loc="upper left", fontsize=8.5, ncols=2)
        return moving

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move lines, star, bars and dots."""
        for name, line in zip(_PARTS, result["lines"], strict=True):
            artists[name].set_ydata(line)
        artists["whole"].set_ydata(result["whole"])
        artists["star"].set_data([params["batch"]], [result["parts"].seconds])
        for way in ("a call a step", "labkit's fit"):
            found = result["dots"].get(way, {})
            artists[way].set_data(list(found), list(found.values()))
        times = result["parts"][:3]
        for bar, text, seconds in zip(artists["bars"], artists["times"], times, strict=True):
            bar.set_width(seconds / max(times))
            text.set_text(short_time(seconds))
        artists["heading"].set_text(f"{result['card'].name[:34]}, {result['card'].origin}")

    def caption(self, result: dict, params: dict) -> str:
        """Return in words what holds the step back, from which batch on it is busy, and whose."""
        parts, card = result["parts"], result["card"]
        rate = float(f"{params['batch'] / parts.seconds:.3g}")
        told = (
            f"Batch {params['batch']}, width {params['width']}: {short_time(parts.seconds)} a "
            f"step, {rate:,g} examples a second. {_BOUND[parts.bound]} "
        )
        if parts.bound == "launch" and result["free"]:
            told += f"From a batch of about {result['free']} on, something else is longer. "
        elif parts.bound == "launch":
            told += "No batch here changes that. "
        whose = (
            "quoted, its kernel included" if result["launch"] in LAUNCHES.values() else "measured"
        )
        told += f"Modeled; a launch {short_time(result['launch'])}, {whose}. "
        return told + self._whose(card, params)

    def _whose(self, card: Card, params: dict) -> str:
        form = params["number_format"]
        units = "" if form in card.peaks else f" It has no units for {form}: float32 is taken."
        if params["launched"] == COMPILED and COMPILED not in self.launches:
            units += " This backend compiled nothing here."
        if card.origin == "measured":
            dots = " Gray marks are measured." if params["width"] in self.dots else ""
            return f"Peak and bandwidth: measured here.{units}{dots}"
        return f"Peak and bandwidth quoted: {card.source or card.name}.{units}"


def _busy(parts: Parts) -> bool:
    """Tell whether the work of a step takes longer than launching it."""
    return parts.launching <= max(parts.moving, parts.arithmetic)
