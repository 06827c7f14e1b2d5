"""First explorer of lesson 03: what a network with random weights draws, with and without bends."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from labkit.explore import figures, kit
from labkit.lab.words import count
from labkit.maths import activations as maths
from labkit.maths.folding import same_region

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPAN, CELLS = 3.0, 150  # the plane is shown from -3 to 3, in 150 x 150 cells
CHOICES = ["linear", "relu", "leaky_relu", "tanh", "gelu_tanh"]
STRAIGHT = ("linear", "relu", "leaky_relu")  # made of straight pieces
MOST_LAYERS = 4


@functools.cache
def _grid() -> np.ndarray:
    """Return the middles of all cells, row by row from the top, shape (CELLS², 2)."""
    at = SPAN * ((2 * np.arange(CELLS) + 1) / CELLS - 1)
    x1, x2 = np.meshgrid(at, -at)
    return np.stack([x1.ravel(), x2.ravel()], axis=1)


def draw(activation: str, layers: int, units: int, seed: int) -> dict:
    """Return what a network with random weights answers over the plane.

    Args:
        activation: a key of `maths.ACTIVATIONS`.
        layers: hidden layers.
        units: in each of them.
        seed: of weights (He) and biases.

    Returns:
        dict with answers, shape (CELLS, CELLS), between -1 and 1; region, the number of the region
        in which each cell lies, likewise (None if the activation is not made of straight pieces);
        regions, how many there are.

    >>> draw("linear", layers=3, units=8, seed=0)["regions"]
    1
    """
    f, rng, h, awake = maths.find(activation), np.random.default_rng(seed), _grid(), []
    for _ in range(layers):
        W = rng.normal(0, (2 / h.shape[1]) ** 0.5, (h.shape[1], units))
        z = h @ W + rng.normal(0, 0.7, units)
        awake.append(z > 0)
        h = f.value(z)
    answers = h @ rng.normal(0, 1, units)
    answers = (answers - answers.mean()) / np.abs(answers - answers.mean()).max()
    shape, region = (CELLS, CELLS), None
    if activation in STRAIGHT:
        bends = np.concatenate(awake, axis=1) & (activation != "linear")
        region = same_region(bends).reshape(shape)
    return {
        "answers": answers.reshape(shape),
        "region": region,
        "regions": None if region is None else int(region.max()) + 1,
    }


class RegionsExplorer(kit.Explorer):
    """Choose activation, layers and units; see what the network draws over the plane."""

    lesson = "03"
    view_only = ("activation", "layers", "units", "seed")
    size = (9.6, 3.9)
    compute = staticmethod(draw)

    def make_controls(self) -> dict:
        """Return the controls: what the network is made of."""
        return {
            "activation": kit.choice("linear", CHOICES),
            "layers": kit.slider(1, 1, MOST_LAYERS),
            "units": kit.slider(8, 4, 32, step=4),
            "seed": kit.slider(0, 0, 20),
        }

    def walk(self, samples: int = 8) -> int:
        """Try settings as the kit does, fewer drawn ones."""
        return super().walk(samples)

    def build(self, figure: Figure) -> dict:
        """Draw the plane on the left, a cut through it on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
        return self._build_plane(left) | self._build_cut(right)

    def _build_plane(self, ax: Axes) -> dict:
        box = (-SPAN, SPAN, -SPAN, SPAN)
        ax.set(xlabel="x₁", ylabel="x₂", title="the network's answer, and its kinks")
        ax.grid(visible=False)
        answers = ax.imshow(np.zeros((CELLS, CELLS)), extent=box, cmap="cividis", vmin=-1, vmax=1)
        kinks = ax.imshow(np.zeros((CELLS, CELLS, 4)), extent=box, interpolation="nearest")
        ax.axhline(0, color="white", linestyle="--", linewidth=1.2)
        return {"answers": answers, "kinks": kinks}

    def _build_cut(self, ax: Axes) -> dict:
        ax.set(xlim=(-SPAN, SPAN), ylim=(-1.08, 1.08), xlabel="x₁ (along the dashed line)")
        ax.set(ylabel="answer", title="the same, seen from the side")
        (line,) = ax.plot([], [], "-", color=figures.BLUE)
        (spots,) = ax.plot([], [], "o", color=figures.RED, markersize=5)
        return {"line": line, "spots": spots}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Color the plane, mark the kinks, move the cut."""
        answers, middle = result["answers"], CELLS // 2
        artists["answers"].set_data(answers)
        edges = _edges(result["region"])
        artists["kinks"].set_data(np.stack([1.0 * edges] * 4, axis=2))
        x = _grid()[:CELLS, 0]
        artists["line"].set_data(x, answers[middle])
        region = result["region"]
        here = [] if region is None else np.flatnonzero(np.diff(region[middle]))
        artists["spots"].set_data(x[here], answers[middle][here])

    def caption(self, result: dict, params: dict) -> str:
        """Return in words into how many straight pieces the network cuts the plane."""
        layers, units, name = params["layers"], params["units"], params["activation"]
        what = f"{count(layers, 'layer')} of {units} units with {name}"
        if result["regions"] is None:
            return f"{what}: smooth everywhere, so there are no kinks to count."
        if result["regions"] == 1:
            return f"{what}: one flat sheet, however many layers there are."
        total = f" ({layers * units} in all)" if layers > 1 else ""
        pieces = f"{result['regions']:,} flat pieces"
        return f"{what}{total}: this part of the plane is folded into {pieces}. Dots: kinks."


def _edges(region: np.ndarray | None) -> np.ndarray:
    """Return where a cell lies in another region than the one to its right or below it."""
    edges = np.zeros((CELLS, CELLS), dtype=bool)
    if region is not None:
        edges[:, :-1] |= region[:, :-1] != region[:, 1:]
        edges[:-1] |= region[:-1] != region[1:]
    return edges
