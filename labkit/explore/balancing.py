"""Explorer of load balancing: what a policy makes of a load, by formula and simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.datacenter import queues
from labkit.datacenter.balancing.simulator import POLICIES, lengths_at, simulate
from labkit.explore import figures, kit
from labkit.maths.intervals import batch_mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REQUESTS = 30_000  # of one simulated dot: under 100 ms
PLACES = np.round(np.arange(0.1, 0.97, 0.01), 2)  # utilizations of a line
SPAN = 40  # service times of the picture of lines
MOST = 15  # requests at a server: the end of the colors
TOP = 200  # service times: the end of the axis
LOOKS = {
    "random": (figures.BLUE, "-"),
    "round robin": (figures.ORANGE, "--"),
    "two choices": (figures.SAND, "-."),
    "least connections": (figures.PINK, ":"),
    "least work": (figures.SKY, (0, (6, 3))),
}
ONE_LINE = "one line for all servers (M/M/c, Erlang C)"
FORMULAS = {
    "random": "a queue of its own at each server (M/M/1)",
    "round robin": "every c-th request at each server (E_c/M/1)",
    "two choices": "the limit of many servers (mean field)",
    "least connections": f"{ONE_LINE}, its floor",
    "least work": ONE_LINE,
}
OUTSIDE = {"two choices": "these servers are not yet many"}
BLIND = ("random", "round robin")  # they look at no server


def formula(policy: str, servers: int, utilization: float) -> float:
    """Return the modeled mean time in service times, with fresh reports and equal servers.

    Of least connections no formula is known: this is its floor.

    >>> round(formula("random", 10, 0.9), 6), round(formula("least work", 10, 0.9), 3)
    (10.0, 1.669)
    """
    if policy == "random":
        return queues.mm1_time(utilization)
    if policy == "round robin":
        return queues.round_robin_time(servers, utilization)
    if policy == "two choices":
        return queues.two_choices_time(utilization)
    return 1 + queues.mmc_wait(servers, servers * utilization)


@cache
def _line(policy: str, servers: int) -> list[float]:
    return [formula(policy, servers, place) for place in PLACES.tolist()]


class BalancingExplorer(kit.Explorer):
    """Turn policy, load, servers and the age of reports; see what a request feels, and the lines.

    The line is modeled, the dot simulated with a 95 % interval, and a hollow mark measured with a
    real proxy, where rows of such measurements are given. Times count in mean service times.

    Args:
        rows: measured means, each a dict with policy, servers, utilization, mean and margin (in
            service times); none shows formula and simulation alone.
        **start: start values of the controls.
    """

    lesson = "24"
    view_only = ("policy", "staleness", "formulas")
    size = (9.6, 3.6)
    presets = {
        "random, 90 % busy": {"policy": "random", "utilization": 0.9, "staleness": 0.0},
        "two choices, 90 % busy": {"policy": "two choices", "utilization": 0.9, "staleness": 0.0},
        "least connections, reports 8 old": {
            "policy": "least connections",
            "utilization": 0.9,
            "staleness": 8.0,
        },
    }

    def __init__(self, rows: Sequence[Mapping[str, Any]] = (), **start: Any) -> None:
        self.rows = list(rows)
        if self.rows:  # a button that shows one of them; from there the policies do
            row = self.rows[-1]
            place = {name: row[name] for name in ("policy", "servers", "utilization")}
            self.presets = self.presets | {"as measured": place | {"staleness": 0.0}}
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: the policy, three numbers, and whether all lines are drawn."""
        return {
            "policy": kit.choice("random", list(POLICIES)),
            "utilization": kit.slider(0.5, 0.3, 0.95, step=0.01),
            "servers": kit.slider(10, 2, 30),
            "staleness": kit.slider(0.0, 0.0, 10.0, step=0.5, description="age of reports"),
            "formulas": kit.switch(False, description="all formulas"),
        }

    def compute(
        self, policy: str, utilization: float, servers: int, staleness: float, formulas: bool
    ) -> dict:
        """Return the lines of formulas, a simulated mean with its margin, all lengths."""
        run = simulate(policy, servers, utilization, REQUESTS, staleness=staleness)
        mean, margin = batch_mean_interval(run.seconds)
        moments = run.arrivals[-1] - SPAN + np.linspace(0, SPAN, 240)
        shown = POLICIES if formulas else [policy]
        return {
            "lines": {each: _line(each, servers) for each in shown},
            "modeled": formula(policy, servers, utilization),
            "random": formula("random", servers, utilization),
            "mean": mean,
            "margin": margin,
            "p99": float(np.quantile(run.seconds[REQUESTS // 10 :], 0.99)),
            "lengths": lengths_at(run, moments, servers),
            "measured": self._measured(policy, servers) if not staleness else [],
        }

    def _measured(self, policy: str, servers: int) -> list[Mapping[str, Any]]:
        return [row for row in self.rows if (row["policy"], row["servers"]) == (policy, servers)]

    def build(self, figure: Figure) -> dict:
        """Draw mean times on the left, the lengths of all lines on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
        return self._build_times(left) | self._build_lengths(right, figure)

    def _build_times(self, ax: Axes) -> dict:
        ax.set(yscale="log", xlim=(0.1, 1.0), ylim=(0.9, TOP))
        ax.set(xlabel="utilization", ylabel="mean time (service times)")
        ticks = [1, 2, 5, 10, 20, 50, 100, 200]
        ax.set_yticks(ticks, [str(tick) for tick in ticks])
        ax.minorticks_off()
        lines, names = [], []
        for place, (color, dashes) in enumerate(LOOKS.values()):
            lines += ax.plot([], [], linestyle=dashes, color=color)
            names.append(ax.text(0.12, 130 / 1.5**place, "", color=color, size=10))
        (bar,) = ax.plot([], [], "-_", color=figures.RED, linewidth=1.6, markersize=10)
        (dot,) = ax.plot([], [], "o", color=figures.RED, ms=8, mec="white", zorder=5)
        gray = {"color": figures.GRAY, "zorder": 6}
        (marks,) = ax.plot([], [], "o", ms=13, mfc="none", mew=2, **gray)
        (ranges,) = ax.plot([], [], "-", linewidth=1.6, **gray)
        found = {"bar": bar, "dot": dot, "marks": marks, "ranges": ranges}
        return found | {"lines": lines, "names": names}

    def _build_lengths(self, ax: Axes, figure: Figure) -> dict:
        ax.set(xlabel="time (service times)", ylabel="servers", yticks=[])
        ax.set_title("requests at each server", size=11)
        ax.grid(False)
        image = ax.imshow(
            np.zeros((2, 2)), vmin=0, vmax=MOST, extent=(0, SPAN, 0, 1), aspect="auto",
            cmap="viridis", interpolation="nearest",
        )  # fmt: skip
        ticks = [0, 5, 10, MOST]
        bar = figure.colorbar(image, ax=ax, ticks=ticks)
        bar.ax.set_yticklabels([*map(str, ticks[:-1]), f"{MOST} or more"])
        return {"image": image}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move lines, dot and picture."""
        for policy, line, name in zip(LOOKS, artists["lines"], artists["names"], strict=True):
            shown = policy in result["lines"]
            line.set_data((PLACES, result["lines"][policy]) if shown else ([], []))
            kind = "floor" if policy == "least connections" else "modeled"
            name.set_text(f"{policy}, {kind}" if shown else "")
        mean, margin = result["mean"], result["margin"]
        ends = np.clip([mean - margin, mean + margin], 0.9, TOP)
        artists["bar"].set_data([params["utilization"]] * 2, ends)
        artists["dot"].set_data([params["utilization"]], [min(mean, TOP)])
        places, means, margins = _columns(result["measured"])
        artists["marks"].set_data(places, means)
        gaps = np.full(len(places), np.nan)
        ranges = np.array([means - margins, means + margins, gaps]).T.ravel()
        artists["ranges"].set_data(np.repeat(places, 3), ranges)
        artists["image"].set_data(result["lengths"])

    def caption(self, result: dict, params: dict) -> str:
        """Return in words the simulated mean beside the formula, and what old reports do."""
        mean, margin = result["mean"], result["margin"]
        policy, staleness = params["policy"], params["staleness"]
        told = (
            f"Simulated, {REQUESTS:,} requests: {kit.short(mean)} ± {kit.short(margin)} service "
            f"times on average (red, 95 % interval); one in a hundred takes longer than "
            f"{kit.short(result['p99'])}."
        )
        parts = [told, _beside(result, policy, staleness), self._told(result, params)]
        return " ".join(part for part in parts if part)

    def _told(self, result: dict, params: dict) -> str:
        """Return what a real proxy measured at this setting, if it did."""
        here = [
            m for m in result["measured"] if np.isclose(m["utilization"], params["utilization"])
        ]
        each = [f"{kit.short(m['mean'])} ± {kit.short(m['margin'])}" for m in here]
        return f"Measured with a real proxy (hollow): {', '.join(each)}." if here else ""


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[np.ndarray]:
    """Return utilizations, means and margins of measured rows."""
    names = ("utilization", "mean", "margin")
    return [np.array([row[name] for row in rows], dtype=float) for name in names]


def _beside(result: Mapping[str, Any], policy: str, staleness: float) -> str:
    """Return how the simulated mean stands to the line."""
    modeled, law = result["modeled"], FORMULAS[policy]
    told = f"Modeled by {law}: {kit.short(modeled)}"
    if staleness and policy not in BLIND:
        return (
            f"{told} with fresh reports; these come every {staleness:g} service times. At random "
            f"it would be {kit.short(result['random'])}."
        )
    if staleness:
        told += f"; {policy} reads no reports"
    if policy == "least connections":
        return f"{told}."
    if abs(result["mean"] - modeled) <= result["margin"]:
        return f"{told}, inside the interval."
    return f"{told}, outside the interval: {OUTSIDE.get(policy, 'by chance one in twenty is')}."
