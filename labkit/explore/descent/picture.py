"""The picture of an executed copy: a map or a curve with the paths, and the losses beside it."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.explore import figures
from labkit.explore.descent.surfaces import describe_surface
from labkit.explore.descent.words import explain, name_of
from labkit.explore.kit.copying import short
from labkit.explore.kit.picture import Picture
from labkit.maths.descent import SURFACES

MOST_KEPT = 4
# The run under way, then the kept ones: each differs in color, line and marker (as in the page).
STYLES = [
    {"color": figures.ORANGE, "linestyle": "-", "marker": "o"},
    {"color": figures.BLUE, "linestyle": "--", "marker": "s"},
    {"color": figures.PINK, "linestyle": ":", "marker": "^"},
    {"color": figures.GRAY, "linestyle": "-.", "marker": "D"},
    {"color": figures.RED, "linestyle": (0, (4, 3)), "marker": "P"},
]
LENGTHS = (10, 20, 50, 100, 200, 500)


def draw(params: Mapping[str, Any], kept: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return pixels of a run and of those kept on the same surface, array (height, width, 4)."""
    kept = [run for run in kept[-MOST_KEPT:] if run["surface"] == params["surface"]]
    longest = max(run["steps"] for run in [params, *kept])
    length = next(length for length in LENGTHS if length >= longest)
    picture = _picture(params["surface"], length)
    for line in picture.moving.values():
        line.set_data([], [])
    runs = [explain(each) for each in [params, *kept]]
    for number, run in enumerate(runs):
        _place_run(picture.moving, number, run, describe_surface(params["surface"]))
    return _with_legend(picture, [params, *kept])


def _with_legend(picture: Picture, settings: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return pixels with a legend that names the runs; as many as they are, so drawn each time."""
    axes = picture.moving["loss0"].axes
    handles = [picture.moving[f"loss{number}"] for number in range(len(settings))]
    names = [f"{name_of(each)}, rate {short(each['learning_rate'])}" for each in settings]
    legend = axes.legend(handles, names, loc="upper right", fontsize=9, frameon=True)
    legend.set_animated(True)
    picture.draw()
    picture.figure.draw_artist(legend)
    legend.remove()
    return np.array(picture.canvas.buffer_rgba())


def _place_run(
    artists: Mapping[str, Artist], number: int, run: Mapping[str, Any], info: Mapping[str, Any]
) -> None:
    path, losses = run["path"], run["losses"]
    inside = np.abs(path).max(axis=1) < 1e4  # Agg takes no coordinates far off the picture
    height = losses if info["flat"] else path[:, 1]
    artists[f"path{number}"].set_data(path[inside, 0], height[inside])
    for name in ("path", "loss"):
        artists[f"{name}{number}"].set_markevery(math.ceil(len(path) / 45))
    excess = np.maximum(losses - info["lowest"], info["loss_axis"][0])
    artists[f"loss{number}"].set_data(np.arange(len(excess)), excess)
    if number == 0:
        artists["start"].set_data(path[:1, 0], height[:1])
        artists["now"].set_data(path[inside, 0][-1:], height[inside][-1:])
        artists["now loss"].set_data([len(excess) - 1], [min(excess[-1], info["loss_axis"][1])])


@functools.lru_cache(maxsize=16)
def _picture(surface: str, length: int) -> Picture:
    """Return the figure of a surface, drawn once; the runs move on it."""
    return Picture(lambda figure: _build(figure, surface, length), size=(10.0, 4.3))


def _build(figure: Figure, surface: str, length: int) -> dict[str, Artist]:
    info = describe_surface(surface)
    figure.set_layout_engine("none")  # the margins are known, and finding them is slow
    margins = {"left": 0.07, "right": 0.985, "bottom": 0.12, "top": 0.93, "wspace": 0.2}
    left, right = figure.subplots(1, 2, gridspec_kw=margins)
    (_build_curve if info["flat"] else _build_map)(left, surface, info)
    left.set_title(info["label"], fontsize=11)
    right.set(yscale="log", ylim=info["loss_axis"], xlim=(-0.02 * length, 1.02 * length))
    right.set(xlabel="step", ylabel="loss J" if info["lowest"] == 0 else "loss above its minimum")
    right.minorticks_off()
    right.xaxis.get_major_locator().set_params(integer=True)
    artists = {}
    for number, style in reversed(list(enumerate(STYLES))):
        for name, axes in (("path", left), ("loss", right)):
            (line,) = axes.plot([], [], **style, markersize=4, markeredgecolor="white")
            line.set(linewidth=2, markeredgewidth=0.4, zorder=5 - number / 10)
            artists[f"{name}{number}"] = line
    ring = {"linestyle": "", "marker": "o", "markerfacecolor": "none", "zorder": 6}
    (artists["start"],) = left.plot([], [], **ring, color="black", markersize=12, mew=1.6)
    for name, axes in (("now", left), ("now loss", right)):
        end = ring | {"markerfacecolor": "white", "markersize": 8, "mew": 2.2}
        (artists[name],) = axes.plot([], [], **end, color=figures.ORANGE)
    return artists


def _build_curve(axes: Axes, surface: str, info: Mapping[str, Any]) -> None:
    low, high = info["bounds"][0]
    w = np.linspace(low, high, 200)
    axes.plot(w, SURFACES[surface].value(np.stack([w, 0 * w], axis=-1)), "-", color=figures.GRAY)
    top = info["levels"]["high"]
    axes.set(xlabel="w₁", ylabel="J", xlim=(low, high), ylim=(-0.06 * top, top))


def _build_map(axes: Axes, surface: str, info: Mapping[str, Any]) -> None:
    levels, (x, y) = info["levels"], info["bounds"]
    grid = np.stack(np.meshgrid(np.linspace(*x, 240), np.linspace(*y, 240)), axis=-1)
    values = SURFACES[surface].value(grid)
    height = ((values - levels["low"]) / (levels["high"] - levels["low"])) ** (1 / levels["power"])
    height = np.round(56 * height) / 56  # even bands pack well
    # Paler than viridis itself, so that the runs stand out.
    axes.imshow(height, extent=(*x, *y), origin="lower", aspect="auto", cmap="viridis", alpha=0.55)
    axes.contour(
        grid[..., 0], grid[..., 1], values, levels["lines"], colors="white", linewidths=0.8
    )
    axes.plot(*np.transpose(info["minima"]), "+", color="black", markersize=11, mew=2)
    axes.grid(visible=False)
    axes.set(xlabel="w₁", ylabel="w₂", xlim=x, ylim=y)
