"""The picture of an executed copy: each view drawn once, in matplotlib."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.explore import figures
from labkit.explore.board.columns import Column, scale_of
from labkit.explore.board.runs import LessonRuns
from labkit.explore.board.statistics import FAILED
from labkit.explore.board.words import bare, label, number
from labkit.explore.kit.picture import draw_once
from labkit.lab.words import cut

_MARKERS = "os^Dv*ph"
_DASHES = ("-", "--", "-.", ":")
_MOST = 12  # lines that are drawn
_DENSE = 2000  # a picture of more lines is no more than a stain


def draw(runs: LessonRuns, found: dict) -> np.ndarray:
    """Return pixels (height, width, 4) of what `views.explain` found."""

    def paint(figure: Figure) -> None:
        ax = figure.subplots()
        if runs.n and found["settings"]["views"] and found["rows"]:
            DRAW[found["settings"]["view"]](ax, runs, found)
        else:
            ax.axis("off")
            ax.text(0.5, 0.5, "No runs to show yet.", ha="center", va="center")

    return draw_once(paint, size=(9.0, 4.2))


def _ends(point: dict, band: str) -> tuple[float, float]:
    if band == "std":
        return point["mean"] - point["std"], point["mean"] + point["std"]
    low, high = ("low", "high") if band == "interval" else ("least", "most")
    return point[low], point[high]


def _style(line: dict) -> dict[str, Any]:
    """Return color, marker and dash of a line, the same as in the page."""
    k = line["color"]
    color = figures.COLORS[k % len(figures.COLORS)]
    return {"color": color, "marker": _MARKERS[k % 8], "linestyle": _DASHES[k % 4]}


def _draw_lines(
    ax: Axes, lines: list[dict], at: Callable[[dict], float], band: str, joined: bool = True
) -> None:
    """Draw means with their spreads; `at` gives the place of a point on the x-axis."""
    for k, line in enumerate(lines[:_MOST]):
        points = [point for point in line["points"] if point["n"]]
        if not points:
            continue
        shift = 0.0 if joined else 0.5 * ((k + 0.5) / min(_MOST, len(lines)) - 0.5)
        x = np.array([at(point) for point in points], float) + shift
        mean = np.array([point["mean"] for point in points])
        ends = np.array([_ends(point, band) for point in points], float)
        low, high = np.where(np.isfinite(ends), ends, mean[:, None]).T
        of = line.get("runs", sum(point["n"] for point in points))
        style = _style(line) | {"markersize": 5, "label": f"{cut(line['label'], 24)} (n = {of:,})"}
        if joined:
            ax.plot(x, mean, markevery=max(1, len(x) // 10), **style)
            ax.fill_between(x, low, high, color=style["color"], alpha=0.16, linewidth=0)
        else:
            ax.errorbar(x, mean, [mean - low, high - mean], **style | {"linestyle": "none"})
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))


def _axis_of(ax: Axes, column: Column) -> Callable[[int], float]:
    """Set up the x-axis for a parameter; return code -> place."""
    levels, _, binned = column.groups
    if column.layout in ("linear", "log"):
        ax.set_xscale(column.layout)
        if not binned:
            ax.set_xticks(
                [level["value"] for level in levels], [level["label"] for level in levels]
            )
            ax.minorticks_off()
        return lambda code: levels[code]["value"]
    ax.set_xticks(range(len(levels)), [cut(level["label"], 14) for level in levels])
    return lambda code: code


def _draw_effect(ax: Axes, runs: LessonRuns, found: dict) -> None:
    s, series = found["settings"], found["shown"]["series"]
    column = runs.columns[s["x"]]
    at = _axis_of(ax, column)
    codes = column.groups.codes
    exact = column.groups.binned and column.layout != "names"
    place = column.num if exact else np.array([at(int(code)) for code in codes], float)
    usable = runs.finite(found["rows"], s["result"])
    results = runs.columns[s["result"]].num[usable]
    ax.plot(place[usable], results, ".", color=figures.GRAY, alpha=0.25, markersize=4)
    joined = column.layout != "names"
    _draw_lines(ax, series, lambda point: at(point["code"]), s["band"], joined)
    _draw_failed(ax, runs, series, place)
    ax.set(xlabel=bare(s["x"]), ylabel=bare(s["result"]))
    if s["group"]:
        _title_legend(ax, bare(s["group"]))


def _draw_failed(ax: Axes, runs: LessonRuns, series: list[dict], place: np.ndarray) -> None:
    """Draw failed runs as crosses on lines of their own, below all results, one for each group."""
    of = [(line, [r for r in line["rows"] if runs.status[r] in FAILED]) for line in series[:_MOST]]
    of = [(line, rows) for line, rows in of if rows]
    for k, (line, rows) in enumerate(of):
        height = -0.05 - 0.045 * k
        color = _style(line)["color"] if len(series) > 1 else figures.RED
        ax.plot(place[rows], [height] * len(rows), "x", color=color, markersize=5, clip_on=False,
                transform=ax.get_xaxis_transform())  # fmt: skip
        ax.text(-0.01, height, "failed", transform=ax.transAxes, ha="right", va="center",
                size=8, color=color)  # fmt: skip
    if of:
        ax.tick_params(axis="x", pad=8 + 11 * len(of))


def _title_legend(ax: Axes, title: str) -> None:
    if ax.get_legend():
        ax.get_legend().set_title(cut(title, 24))


def _draw_curves(ax: Axes, runs: LessonRuns, found: dict) -> None:
    s = found["settings"]
    _draw_lines(ax, found["shown"]["series"], lambda point: point["step"], s["band"])
    ax.set(xlabel="step", ylabel=s["metric"])
    if s["group"]:
        _title_legend(ax, bare(s["group"]))


def _draw_heat_map(ax: Axes, runs: LessonRuns, found: dict) -> None:
    s, cells = found["settings"], found["shown"]["cells"]
    across, up = (runs.columns[s[name]].groups.levels for name in ("x", "y"))
    grid = np.full((len(up), len(across)), np.nan)
    for cell in cells:
        grid[cell["j"], cell["i"]] = cell["mean"]
    shade = ax.imshow(grid, origin="lower", aspect="auto")
    if np.isfinite(grid).any():
        ax.figure.colorbar(shade, label=f"mean {bare(s['result'])}")
    for cell in cells if grid.size <= 150 else ():
        failed = f"✕ {cell['failed']}" if cell["failed"] else ""
        told = [number(cell["mean"], 3), f"n = {cell['n']}"] if cell["n"] else []
        light = cell["n"] and shade.norm(cell["mean"]) > 0.55
        color = "#111" if light or not cell["n"] else "white"
        text = "\n".join(filter(None, [*told, failed]))
        ax.text(cell["i"], cell["j"], text, ha="center", va="center", size=8, color=color)
    ax.set_xticks(range(len(across)), [cut(level["label"], 12) for level in across], rotation=20)
    ax.set_yticks(range(len(up)), [cut(level["label"], 16) for level in up])
    ax.grid(visible=False)
    ax.set(xlabel=bare(s["x"]), ylabel=bare(s["y"]))


def _draw_parallel(ax: Axes, runs: LessonRuns, found: dict) -> None:
    import matplotlib
    from matplotlib.collections import LineCollection

    axes, result = found["shown"]["axes"], found["settings"]["result"]
    rows = (runs.finite(found["rows"], result) if result else found["rows"])[:_DENSE]
    heights = np.array([_heights(runs.columns[name], rows) for name in axes]).T
    lines = [np.column_stack([range(len(axes)), each]) for each in heights]
    color = heights[:, -1] if result else np.full(len(rows), 0.5)
    drawn = LineCollection(lines, alpha=max(0.08, min(0.8, 40 / max(1, len(rows)))), linewidths=1)
    drawn.set(array=np.nan_to_num(color), cmap=matplotlib.colormaps["cividis"], clim=(0, 1))
    ax.add_collection(drawn)
    ax.set_xticks(range(len(axes)), [cut(bare(name), 16) for name in axes], rotation=15)
    ax.set(xlim=(-0.1, max(0.5, len(axes) - 0.9)), ylim=(-0.03, 1.03), yticks=[])
    for k, name in enumerate(axes):
        ax.axvline(k, color="#333", linewidth=1)
        ends = [each for each in runs.columns[name].distinct if each is not None]
        for value, y, side in ((ends[0], 0, "bottom"), (ends[-1], 1, "top")):
            ax.text(k, y, f" {cut(label(value), 12)}", size=8, va=side)


def _heights(column: Column, rows: list[int]) -> np.ndarray:
    """Return the places of rows on an axis, from 0 to 1."""
    if column.numeric and column.groups.binned:
        low, high, log = column.scale
        values = column.num[rows]
        f = np.log if log else np.asarray
        return (f(values) - f(low)) / (f(high) - f(low))
    if column.numeric and column.name.startswith("result."):
        low, high, _ = scale_of(column.num, np.inf)
        return (column.num[rows] - low) / (high - low) if high > low else np.full(len(rows), 0.5)
    return column.exact[rows] / max(1, len(column.distinct) - 1)


def _draw_trade_off(ax: Axes, runs: LessonRuns, found: dict) -> None:
    s, points, front = found["settings"], found["shown"]["points"], found["shown"]["front"]
    a, b = (np.array([point[name] for point in points]) for name in "ab")
    ax.plot(a, b, ".", color=figures.GRAY, alpha=0.35, label=f"all ({len(points):,})")
    if front:
        order = sorted(front, key=lambda i: a[i])
        steps = "steps-pre" if s["better"] == "max" else "steps-post"
        ax.plot(a[order], b[order], "D-", color=figures.ORANGE, markersize=6, drawstyle=steps,
                label=f"Pareto front ({len(front)})")  # fmt: skip
    ax.legend(fontsize=9)
    ax.set(xlabel=bare(s["result"]), ylabel=bare(s["second"]))


DRAW: dict[str, Callable[[Axes, LessonRuns, dict], None]] = {
    "effect": _draw_effect,
    "curves": _draw_curves,
    "heat map": _draw_heat_map,
    "parallel": _draw_parallel,
    "trade-off": _draw_trade_off,
}
