"""Explorer and pictures of all-reduce: who holds what in a ring, and what each way costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Patch

from labkit.datacenter.distributed import COSTS, Simulated, crossover, seconds
from labkit.datacenter.links import Link
from labkit.explore import figures, kit
from labkit.lab.words import short_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = {
    "ring": (figures.BLUE, "o", "-"),
    "star": (figures.ORANGE, "s", "--"),
    "tree": (figures.SAND, "^", ":"),
}
MESSAGES = [2**k for k in range(2, 13)]  # KiB
DECADES = {"workers": 3, "message size": 4}  # of seconds on the left
MOST = 1.2  # of the slowest model: a mark farther out stands at the edge; its words say more
WHY = {
    "ring": "each worker sends less than two vectors, however many workers there are",
    "star": "its senders wait their latency at the same time, and it has few messages in a row",
    "tree": "it has the fewest messages in a row, {rounds} up and {rounds} down",
}


class CollectivesExplorer(kit.Explorer):
    """Turn workers, message, latency and bandwidth; see what ring, star and tree cost.

    Lines and bars are modeled; marks are what real workers took, where they were measured.

    Args:
        rows: of `labkit.datacenter.distributed.measure`; none shows the model alone.
        link: the line on which they were measured.
        **start: start values of the controls.

    Raises:
        ValueError: rows without the link on which they were measured.
    """

    lesson = "21"
    view_only = ("over", "workers", "message_kib")
    rebuild_for = ("over",)
    size = (9.6, 3.7)
    presets = {
        "8 workers, 16 KiB": {"workers": 8, "message_kib": 16},
        "8 workers, 1,024 KiB": {"workers": 8, "message_kib": 1024},
        "32 workers, 1,024 KiB": {"workers": 32, "message_kib": 1024},
    }

    def __init__(
        self, rows: Sequence[Mapping[str, Any]] = (), link: Link | None = None, **start: Any
    ) -> None:
        if len(rows) and link is None:
            raise ValueError("give the link on which these rows were measured: link=Link(...)")
        self.rows, self.link = list(rows), link
        if link is not None:
            mine = {"latency": 1e3 * link.latency, "bandwidth": (link.bandwidth or 0) / 1e6}
            start = {name: float(f"{value:.6g}") for name, value in mine.items()} | start
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: what the picture runs over, and four numbers."""
        return {
            "workers": kit.slider(2, 2, 32),
            "message_kib": widgets.SelectionSlider(
                options=[(f"{each:,} KiB", each) for each in MESSAGES],
                value=1024,
                description="message",
            ),
            "latency": kit.log_slider(10, 2, 50, description="latency (ms)"),
            "bandwidth": kit.log_slider(20, 5, 100, description="bandwidth (MB/s)"),
            "over": kit.choice("workers", list(DECADES), description="picture over"),
        }

    def compute(
        self, workers: int, message_kib: int, latency: float, bandwidth: float, over: str
    ) -> dict:
        """Return modeled lines up to this setting, its parts, and what was measured there."""
        link, length = Link(1e6 * bandwidth, latency / 1e3), 1024 * message_kib
        if over == "workers":
            places = [(n, n, length) for n in range(2, workers + 1)]
        else:
            places = [(k, workers, 1024 * k) for k in MESSAGES if k <= message_kib]
        x = [place[0] for place in places]
        lines = {m: (x, [seconds(m, n, b, link) for _, n, b in places]) for m in COSTS}
        parts = {m: _parts(m, workers, length, link) for m in COSTS}
        measured = {
            (row["method"], x): row
            for row in self.rows
            for x, n, b in places
            if self._measured_on(link) and (row["size"], row["size_in_bytes"]) == (n, b)
        }
        here = {m: row for (m, x), row in measured.items() if x == places[-1][0]}
        return {"lines": lines, "parts": parts, "measured": measured, "here": here, "link": link}

    def _measured_on(self, link: Link) -> bool:
        """Return whether the rows were measured on such a line."""
        return self.link is not None and np.allclose(
            [link.latency, link.bandwidth], [self.link.latency, self.link.bandwidth or math.inf]
        )

    def build(self, figure: Figure) -> dict:
        """Draw lines on the left, the parts of this setting on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        return self._build_lines(left) | self._build_bars(right)

    def _build_lines(self, ax: Axes) -> dict:
        over = self.params["over"]
        ticks, unit = ([2, 4, 8, 16, 32], "") if over == "workers" else (MESSAGES[::2], " (KiB)")
        ax.set(xscale="log", xlim=(0.8 * ticks[0], 1.25 * ticks[-1]), xlabel=over + unit)
        ax.set_xticks(ticks, [f"{each:,}" for each in ticks])
        ax.minorticks_off()
        # Decades, counted from one that the setting decides: the labels move, the axes do not.
        places = range(DECADES[over] + 1)
        ax.set(ylim=(0, places[-1]), yticks=places, ylabel="seconds (log scale)")
        ax.set_yticklabels(["0.001" for _ in places], alpha=0)
        look = {"transform": ax.get_yaxis_transform(), "ha": "right", "va": "center"}
        labels = [ax.text(-0.02, place, "", **look) for place in places]
        artists = {"labels": labels, "lines": [], "ends": [], "dots": [], "ranges": []}
        for method, (color, marker, dashes) in LOOKS.items():
            label = {"color": color, "label": f"{method}, modeled"}
            artists["lines"] += ax.plot([], [], dashes, **label)
            artists["ends"] += ax.plot([], [], "_", color=color, markersize=12)
            artists["ranges"] += ax.plot([], [], "-", color=color, linewidth=1.2)
            label = {"label": f"{method}, measured"} if self.rows else {}
            artists["dots"] += ax.plot([], [], marker, color=color, mec="white", ms=8, **label)
        ax.legend(ncol=3, fontsize=9, loc="lower center", bbox_to_anchor=(0.46, 1))
        return artists

    def _build_bars(self, ax: Axes) -> dict:
        ax.set(xlim=(0, 1.65), ylim=(2.5, -0.5), xticks=[], yticks=range(3))
        ax.set_yticklabels(list(LOOKS))
        ax.grid(False)
        heading = ax.set_title(" ")
        latency, bandwidth, texts, marks = [], [], [], []
        for place, (color, marker, _) in enumerate(LOOKS.values()):
            latency += ax.barh(place, 0, 0.5, color=color, alpha=0.45).patches
            bandwidth += ax.barh(place, 0, 0.5, color=color).patches
            texts.append(ax.text(0, place, "", va="center", size=9.5))
            marks += ax.plot([], [], marker, color=color, mec="white", ms=9, zorder=5)
        gray = {"facecolor": figures.GRAY}
        legend = [Patch(alpha=0.45, label="latencies", **gray), Patch(label="bytes", **gray)]
        if self.rows:
            legend += ax.plot([], [], "o", color=figures.GRAY, ms=8, label="measured")
        ax.legend(handles=legend, ncol=3, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, 0))
        return {
            "heading": heading, "latency": latency, "bandwidth": bandwidth,
            "texts": texts, "marks": marks,
        }  # fmt: skip

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move lines, marks and bars, and rename the decades."""
        lowest = min(min(line) for _, line in result["lines"].values())
        base = math.floor(math.log10(0.9 * lowest))
        for place, label in enumerate(artists["labels"]):
            label.set_text(f"{10.0 ** (base + place):g}")
        slowest = max(sum(parts) for parts in result["parts"].values())
        for place, method in enumerate(LOOKS):
            self._paint_line(artists, result, place, method, base)
            self._paint_bar(artists, result, place, method, slowest)
        artists["heading"].set_text(f"{params['workers']} workers, {params['message_kib']:,} KiB")

    def _paint_line(self, artists: dict, result: dict, place: int, method: str, base: int) -> None:
        x, y = result["lines"][method]
        height = np.log10(y) - base
        artists["lines"][place].set_data(x, height)
        artists["ends"][place].set_data(x[-1:], height[-1:])
        found = [(at, row) for (m, at), row in result["measured"].items() if m == method]
        spots = [at for at, _ in found]
        heights = [
            [math.log10(r[k]) - base for _, r in found] for k in ("seconds", "least", "most")
        ]
        artists["dots"][place].set_data(spots, heights[0])
        gaps = [math.nan] * len(found)
        joined = np.array([heights[1], heights[2], gaps]).T.ravel()
        artists["ranges"][place].set_data(np.repeat(spots, 3), joined)

    def _paint_bar(
        self, artists: dict, result: dict, place: int, method: str, slowest: float
    ) -> None:
        first, second = (part / slowest for part in result["parts"][method])
        artists["latency"][place].set_width(first)
        artists["bandwidth"][place].set_x(first)
        artists["bandwidth"][place].set_width(second)
        row = result["here"].get(method)
        told, end = f"modeled {short_time(sum(result['parts'][method]))}", first + second
        artists["marks"][place].set_data([], [])
        if row:
            spot = min(row["seconds"] / slowest, MOST)
            artists["marks"][place].set_data([spot], [place])
            told, end = f"{told}\nmeasured {short_time(row['seconds'])}", max(end, spot)
        artists["texts"][place].set_text(told)
        artists["texts"][place].set_x(end + 0.04)

    def caption(self, result: dict, params: dict) -> str:
        """Return in words which is the fastest, why, and what was measured."""
        total = {method: sum(parts) for method, parts in result["parts"].items()}
        return " ".join(
            [_who_wins(total, params["workers"], result["link"]), self._told(result, total)]
        )

    def _told(self, result: dict, total: dict) -> str:
        """Return what real workers took here, or where they were measured."""
        if not self.rows:
            return "This is the model alone: no measurement was given."
        if result["here"]:
            found = {method: row["seconds"] for method, row in result["here"].items()}
            each = [
                f"{m} {short_time(s)} ({s / total[m]:.2f} × the model)" for m, s in found.items()
            ]
            return f"Measured with real workers on such a line: {', '.join(each)}."
        if not self._measured_on(result["link"]):
            return (
                f"No marks: workers were measured at {1e3 * self.link.latency:g} ms and "
                f"{(self.link.bandwidth or 0) / 1e6:g} MB/s. Run the lesson with this line, and it "
                "is measured."
            )
        sizes = _listed({row["size"] for row in self.rows})
        lengths = _listed({row["size_in_bytes"] // 1024 for row in self.rows})
        return f"Measured were {sizes} workers with {lengths} KiB, not this."


def _parts(method: str, size: int, length: int, link: Link) -> tuple[float, float]:
    """Return the seconds that latencies take, and those that bytes take."""
    waiting = seconds(method, size, 0, link)
    return waiting, seconds(method, size, length, link) - waiting


def _who_wins(total: Mapping[str, float], workers: int, link: Link) -> str:
    order = sorted(total, key=total.get)
    best = [method for method in order if total[method] <= 1.01 * total[order[0]]]
    others = [f"{method} {short_time(total[method])}" for method in order if method not in best]
    if len(best) == len(order):
        return f"Modeled: all three take {short_time(total[best[0]])}."
    compared = f"Modeled: {' and '.join(best)} {short_time(total[best[0]])}, {', '.join(others)}."
    if len(best) > 1:
        return f"{compared} Nobody wins alone."
    why = WHY[best[0]].format(rounds=(workers - 1).bit_length())
    told = f"{compared} The {best[0]} wins: {why}."
    rival = "tree" if best[0] == "ring" else "ring"
    where = crossover(best[0], rival, workers, link)
    if where is not None:
        side = "above" if best[0] == "ring" else "below"
        told += f" It beats the {rival} {side} {where / 1024:,.0f} KiB."
    return told


def _listed(numbers: set[int]) -> str:
    return ", ".join(f"{number:,}" for number in sorted(numbers))


# --- pictures -----------------------------------------------------------------------------------


def ring_steps(simulated: Simulated) -> None:
    """Show who holds whose numbers in which chunk, at the start and after each step.

    Args:
        simulated: what `labkit.datacenter.distributed.simulate_ring` found, of 2 to 6 workers.
    """
    size, panels = len(simulated.vectors), len(simulated.held)
    if not 2 <= size <= 6:
        raise ValueError(f"a picture has room for 2 to 6 workers; got {size}")
    rows = 1 + (panels > size)
    fig, axes = plt.subplots(rows, size, figsize=(min(9.6, 2.4 * size), 2.5 * rows), squeeze=False)
    for ax in axes.flat[panels:]:
        ax.set_axis_off()
    names = ["start", *(f"sum, step {k}" for k in range(size - 1))]
    names += [f"copy, step {k}" for k in range(size - 1)]
    moves = [[], *simulated.moves]
    for ax, name, held, moved in zip(axes.flat, names, simulated.held, moves, strict=False):
        _ring_panel(ax, held, moved)
        ax.set_title(name, size=10)
    for ax in axes[:, 0]:
        ax.set(xlabel="chunk", ylabel="worker")
    told = simulated.problem or "In the end every worker has every sum."
    figures.show(
        fig,
        "Rows are workers, columns are chunks; a cell says whose numbers are added up in it, a "
        f"full color that those of all {size} are. A frame marks what has just come from the left "
        f"neighbor. {told}",
    )


def _ring_panel(ax: Axes, held: np.ndarray, moves: list[tuple[int, int]]) -> None:
    size = len(held)
    whole = (held == 1).all(axis=2)
    ax.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), xticks=range(size), yticks=range(size))
    ax.tick_params(length=0, labelsize=8)
    ax.grid(False)
    for rank, chunk in np.ndindex(size, size):
        color = figures.BLUE if whole[rank, chunk] else "white"
        new = bool(moves) and moves[rank][1] == chunk
        style = {"edgecolor": figures.ORANGE if new else figures.GRAY, "lw": 2.5 if new else 0.6}
        box = (chunk - 0.45, rank - 0.45), 0.9, 0.9
        ax.add_patch(plt.Rectangle(*box, facecolor=color, zorder=3 + new, **style))
        ink = "white" if whole[rank, chunk] else figures.GRAY
        text = "all" if whole[rank, chunk] else _whose(held[rank, chunk])
        ax.text(chunk, rank, text, ha="center", va="center", size=8, color=ink, zorder=6)


def _whose(times: np.ndarray) -> str:
    """Return 0+3 for one time worker 0 and 3, 2·1 for two times worker 1."""
    parts = [str(who) if n == 1 else f"{n}·{who}" for who, n in enumerate(times.tolist()) if n]
    text = "+".join(parts)
    middle = len(parts) // 2
    return text if len(text) < 8 else "+".join(parts[:middle]) + "+\n" + "+".join(parts[middle:])
