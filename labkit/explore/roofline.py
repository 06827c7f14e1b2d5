"""Explorer of lesson 20: the roofs of a machine, its measured dots, and a layer that one moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from labkit.datacenter.roofline import (
    BATCHES,
    KIB,
    LAYERS,
    MIB,
    Dot,
    Roofline,
    intensity,
    ridge,
    roof,
    size_in_bytes,
)
from labkit.explore import figures, kit
from labkit.lab.words import short_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Rates in GFLOP/s of one layer with the batches 1, 8, 64, 512: by CPU time, and by wall time beside
# four busy processes on two cores.
_EXAMPLE_RATES = {
    "MLP hidden": [(49.0, 18.3), (68.9, 6.63), (112, 11.7), (118, 10.2)],
    "LSTM step": [(27.1, 3.56), (63.9, 3.41), (113, 9.24), (121, 42.6)],
    "CNN conv_2": [(113, 20.4), (119, 12.5), (91.8, 6.60), (90.1, 8.28)],
    "transformer": [(112, 6.12), (122, 23.8), (99.5, 6.07), (86.9, 7.96)],
    "large matrix": [(18.3, 1.56), (45.2, 3.14), (105, 9.75), (120, 10.6)],
}
_EXAMPLE_SIZES = {
    128 * KIB: 66.1e9,
    512 * KIB: 93.1e9,
    2 * MIB: 102e9,
    8 * MIB: 91.4e9,
    32 * MIB: 45.8e9,
    128 * MIB: 35.9e9,
}


def _example_dot(layer: str, batch: int, rates: tuple[float, float]) -> Dot:
    shape = LAYERS[layer].shape(batch)
    cpu, wall = (1e9 * rate for rate in rates)
    return Dot(layer, batch, intensity(*shape), size_in_bytes(*shape), cpu, wall)


# Shown where nothing was measured; `labkit.datacenter.roofline.measure(25, neighbors=4)` found it.
EXAMPLE = Roofline(
    machine="a virtual AMD EPYC (Zen 5) with two cores and busy neighbors",
    origin="quoted",
    peak=121e9,
    bandwidths={"cache": 93.1e9, "memory": 35.9e9},
    sizes=_EXAMPLE_SIZES,
    dots=tuple(
        _example_dot(layer, batch, pair)
        for layer, pairs in _EXAMPLE_RATES.items()
        for batch, pair in zip(BATCHES, pairs, strict=True)
    ),
)

_MARKS = dict(
    zip(LAYERS, zip("osD^v", [figures.BLUE, figures.ORANGE, figures.PINK, figures.SKY,
                              figures.SAND], strict=True), strict=True)
)  # fmt: skip
_WAY = np.unique(np.geomspace(1, 4096, 200).astype(int)).tolist()  # batches, for the dot's way
_X = (0.3, 1500.0)  # FLOP per byte that the picture shows


class RooflineExplorer(kit.Explorer):
    """Give a square layer a width and a batch; see its dot below the roofs of a machine.

    Args:
        measured: roofs and dots of this machine, from `labkit.datacenter.roofline.measure`; None
            shows those of another machine, and says so.
        busy: the same, measured beside busy neighbors: a control then chooses whose dots are drawn.
        **start: start values of batch, width, clock and neighbors.
    """

    view_only = ("batch", "width", "clock", "neighbors")
    size = (9.6, 4.1)

    def __init__(
        self, measured: Roofline | None = None, busy: Roofline | None = None, **start: Any
    ) -> None:
        self.machine = measured or EXAMPLE
        self.runs = {"none": self.machine} | ({"busy": busy} if busy else {})
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: batch and width of the layer, and what the dots were measured by."""
        controls = {
            "batch": _doubling(1, 4096, description="batch (rows)"),
            "width": _doubling(64, 8192, value=1024, description="width of the layer"),
            "clock": kit.choice("CPU", ["CPU", "wall"], description="clock of the dots"),
        }
        if len(self.runs) > 1:
            controls["neighbors"] = kit.choice("none", list(self.runs))
        return controls

    def compute(self, batch: int, width: int, clock: str, neighbors: str = "none") -> dict:
        """Return the modeled dot, its way over all batches, and the measured rates."""
        way = [self._modeled(rows, width) for rows in _WAY]
        later = [rows for rows, each in zip(_WAY, way, strict=True) if _bound_by_arithmetic(each)]
        dots = self.runs[neighbors].dots
        return {
            "way": np.array([(each["intensity"], each["rate"]) for each in way]).T,
            "reached_at": next((rows for rows in later if rows > batch), None),
            "rates": np.array([dot.rate if clock == "CPU" else dot.wall_rate for dot in dots]),
            "wall_share": float(np.median([dot.wall_rate / dot.rate for dot in dots])),
            **self._modeled(batch, width),
        }

    def _modeled(self, rows: int, side: int) -> dict:
        """Return what the model says of a (rows, side) times (side, side) product."""
        held, flop = size_in_bytes(rows, side, side), 2 * rows * side**2
        bandwidth, at = self.machine.bandwidth(held), intensity(rows, side, side)
        return {
            "intensity": at, "rate": roof(at, self.machine.peak, bandwidth),
            "arithmetic": flop / self.machine.peak, "moving": held / bandwidth,
            "held": held, "bandwidth": bandwidth,
        }  # fmt: skip

    def build(self, figure: Figure) -> dict:
        """Draw roofs and dots on the left, the two times of the layer on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[2.2, 1])
        moving = self._build_roofs(left)
        right.set(xlim=(0, 1.02), ylim=(-0.7, 1.7), xlabel="share of the longer time")
        right.set(yticks=[0, 1], yticklabels=["moving\nnumbers", "arith-\nmetic"])
        right.set_title("the layer, modeled")
        right.grid(False)
        colors = (figures.ORANGE, figures.BLUE)
        moving["bars"] = [right.barh(k, 0, 0.45, color=colors[k])[0] for k in range(2)]
        moving["times"] = [right.text(0.02, k + 0.36, "", va="center") for k in range(2)]
        return moving

    def _build_roofs(self, ax: Axes) -> dict:
        here, x = self.machine, np.geomspace(*_X, 200)
        rates = [rate for run in self.runs.values() for d in run.dots for rate in d[4:]]
        low = min(*rates, roof(_X[0], here.peak, here.bandwidths["memory"])) / 1e9 / 8  # a legend
        ax.set(xscale="log", yscale="log", xlim=_X, ylim=(low, 2.2 * here.peak / 1e9))
        ax.set(xlabel="intensity (FLOP per byte)", ylabel="rate (GFLOP/s)")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter("{x:g}")
        whose = "this machine" if here.origin == "measured" else "another machine"
        ax.set_title(f"one thread of {whose}, {here.origin}")
        for place, dashes in (("cache", "--"), ("memory", "-")):
            line = roof(x, here.peak, here.bandwidths[place]) / 1e9
            ax.plot(x, line, dashes, color=figures.GRAY, label=f"roof, from {place}")
        moving = {}
        for name, (mark, color) in _MARKS.items():
            (moving[name],) = ax.plot([], [], mark + ":", color=color, lw=1, ms=6, label=name)
        (moving["way"],) = ax.plot([], [], "-", color=figures.RED, lw=1.2, alpha=0.6)
        (moving["dot"],) = ax.plot([], [], "*", color=figures.RED, ms=17, label="modeled", zorder=5)
        ax.legend(loc="lower right", fontsize=9, ncols=2, handlelength=2.4, columnspacing=1)
        return moving

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move the modeled dot, its way, the measured dots and the bars."""
        dots = self.runs[params.get("neighbors", "none")].dots
        for name in _MARKS:
            some = [k for k, dot in enumerate(dots) if dot.layer == name]
            artists[name].set_data([dots[k].intensity for k in some], result["rates"][some] / 1e9)
        artists["way"].set_data(result["way"][0], result["way"][1] / 1e9)
        artists["dot"].set_data([result["intensity"]], [result["rate"] / 1e9])
        times = result["moving"], result["arithmetic"]
        for bar, text, seconds in zip(artists["bars"], artists["times"], times, strict=True):
            bar.set_width(seconds / max(times))
            text.set_text(short_time(seconds))

    def caption(self, result: dict, params: dict) -> str:
        """Return in words what bounds the layer, how far it is from the ridge, and whose dots."""
        return f"{self._layer(result, params)} {self._dots(result, params)}"

    def _layer(self, result: dict, params: dict) -> str:
        side, ratio = params["width"], result["moving"] / result["arithmetic"]
        edge = ridge(self.machine.peak, result["bandwidth"])
        at = float(f"{result['intensity']:.3g}")
        told = (
            f"{side} × {side} weights, batch {params['batch']}: {at:,g} FLOP per byte; "
            f"for {_bytes(result['held'])} of numbers the ridge is at {edge:.3g}. "
        )
        if _bound_by_arithmetic(result):
            told += f"Compute-bound: the arithmetic takes {1 / ratio:.3g} times as long as moving "
            return told + "the numbers, and a larger batch would not raise the rate."
        told += f"Memory-bound: moving takes {ratio:.3g} times as long as the arithmetic"
        if result["reached_at"] is None:
            return f"{told}, and no larger batch changes that: its rows must be moved as well."
        return f"{told}; from a batch of about {result['reached_at']} on it is the other way round."

    def _dots(self, result: dict, params: dict) -> str:
        run = self.runs[params.get("neighbors", "none")]
        whose = "of this machine" if run.origin == "measured" else f"quoted from {run.machine}"
        batches = ", ".join(map(str, sorted({dot.batch for dot in run.dots})))
        told = f"Dots, batch {batches}: {whose}, by {params['clock']} time"
        if params["clock"] == "CPU":
            return f"{told}, which neighbors hardly lengthen."
        share = result["wall_share"]
        if share > 0.9:
            return f"{told}; nobody disturbed, so that both clocks agree ({share:.0%})."
        return f"{told}: waiting counts, and the middle dot has {share:.0%} of its rate."


def _doubling(low: int, high: int, value: int = 0, **options: Any) -> widgets.SelectionSlider:
    """Return a slider whose every arrow key doubles, from a power of two to another."""
    stops = [2**power for power in range(low.bit_length() - 1, high.bit_length())]
    return widgets.SelectionSlider(options=stops, value=value or low, **options)


def _bound_by_arithmetic(modeled: dict) -> bool:
    return modeled["arithmetic"] >= modeled["moving"]


def _bytes(size: float) -> str:
    """Return a size in a unit that suits it.

    >>> _bytes(4 * MIB), _bytes(1500)
    ('4 MiB', '1.46 KiB')
    """
    return f"{size / MIB:.3g} MiB" if size >= MIB else f"{size / KIB:.3g} KiB"
