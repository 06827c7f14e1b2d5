"""Explorer of lesson 04: hidden units cut the plane, and fold it until one straight line does."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from labkit.explore import figures, kit
from labkit.explore.training_code import PLACES, make_points
from labkit.maths import backprop as maths
from labkit.maths.backprop import Layers
from labkit.maths.descent import start_optimizer
from labkit.maths.folding import count_regions, most_regions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS, NOISE, RATE = 200, 0.1, 0.1
SPAN = 3.0  # the plane is shown from -3 to 3
MOST_UNITS, EPOCHS = 8, 300
CELLS = 90  # of the grid on which answers and regions are found
LINES = np.linspace(-SPAN, SPAN, 13)  # of the grid that is folded


def points(data: str) -> tuple[np.ndarray, np.ndarray]:
    """Return X (200, 2) and y (200, 1), the points of lesson 04's training explorer."""
    X, y = make_points(PLACES[data], POINTS, NOISE, seed=0)
    return X[:POINTS], y[:POINTS]


@functools.lru_cache(maxsize=64)
def history(data: str, activation: str, units: int, seed: int) -> list[Layers]:
    """Return the layers of a 2-units-1 network before training and after each epoch.

    Args:
        data: a name in `training_code.PLACES`.
        activation: of the hidden units.
        units: how many.
        seed: of the random weights.

    It takes all points in each step, and Adam: it is to be quick, not to be a lesson in training.

    >>> len(history("xor", "relu", 2, seed=0))
    301
    """
    X, y = points(data)
    rng = np.random.default_rng(seed)
    (W, _), last = maths.glorot_layers([2, units, 1], seed)
    layers = [(W, rng.normal(scale=0.3, size=units)), last]
    updates = [[start_optimizer("adam") for _ in pair] for pair in layers]
    found = [layers]
    for _ in range(EPOCHS):
        gradients = maths.backward(layers, maths.forward(layers, X, activation), y, activation)
        layers = [
            tuple(update(w, g, RATE) for update, w, g in zip(*trio, strict=True))
            for trio in zip(updates, layers, gradients, strict=True)
        ]
        found.append(layers)
    return found


def fold(layers: Layers, X: np.ndarray, activation: str) -> np.ndarray:
    """Return where samples lie in the hidden space, seen along the border of the output.

    Args:
        layers: a 2-units-1 network.
        X: samples, shape (n, 2).
        activation: of the hidden units.

    Returns:
        array (n, 2): first the output's z, positive on the side of class 1; then the direction
        across it in which the plane spreads most (0 with a single unit).
    """
    (w,) = layers[1][0].T
    h = maths.forward(layers[:1], X, output="linear")[-1]
    h = maths.ACTIVATIONS[activation][0](h)
    z = h @ w + layers[1][1]
    spread = _fold_grid(layers, activation)
    aside = spread - np.outer(spread @ w, w) / (w @ w)
    across = np.linalg.svd(aside - aside.mean(axis=0), full_matrices=False)[2][0]
    across = across * np.sign(across[np.abs(across).argmax()])
    across = np.zeros_like(across) if len(w) == 1 else across
    return np.stack([z, h @ across], axis=1)


def _fold_grid(layers: Layers, activation: str) -> np.ndarray:
    z = maths.forward(layers[:1], _grid(15), output="linear")[-1]
    return maths.ACTIVATIONS[activation][0](z)


@functools.cache
def _grid(cells: int) -> np.ndarray:
    """Return points all over the plane, row by row from the top, shape (cells * cells, 2)."""
    at = SPAN * ((2 * np.arange(cells) + 1) / cells - 1)
    x1, x2 = np.meshgrid(at, -at)
    return np.stack([x1.ravel(), x2.ravel()], axis=1)


@functools.cache
def _lines() -> np.ndarray:
    """Return the lines of the plane's grid, shape (26, 61, 2)."""
    along = np.linspace(-SPAN, SPAN, 61)
    upright = [np.stack([np.full(61, at), along], axis=1) for at in LINES]
    level = [np.stack([along, np.full(61, at)], axis=1) for at in LINES]
    return np.array(upright + level)


class FoldingExplorer(kit.Explorer):
    """See the plane with each unit's line, and the same plane as the output unit sees it."""

    lesson = "04"
    view_only = ("data", "hidden_activation", "units", "start", "epoch")
    presets = {
        "xor, 2 units": {"data": "xor", "units": 2},
        "circle, 3 units": {"data": "circle", "units": 3},
        "spiral, 8 units": {"data": "spiral", "units": 8},
    }
    size = (9.6, 3.9)

    def make_controls(self) -> dict:
        """Return the controls: points, hidden units, random start, epochs."""
        return {
            "data": kit.choice("xor", ["xor", "circle", "spiral"]),
            "hidden_activation": kit.choice("relu", ["relu", "tanh"]),
            "units": kit.slider(3, 1, MOST_UNITS),
            "start": kit.choice(3, range(5)),
            "epoch": kit.slider(0, 0, EPOCHS),
        }

    def walk(self, samples: int = 4) -> int:
        """Try settings as the kit does, fewer drawn ones: each new one trains a network."""
        return super().walk(samples)

    @staticmethod
    def compute(data: str, hidden_activation: str, units: int, start: int, epoch: int) -> dict:
        """Return layers, answers on a grid, the folded grid and points, right ones and regions."""
        layers = history(data, hidden_activation, units, start)[epoch]
        X, y = points(data)
        lines = fold(layers, _lines().reshape(-1, 2), hidden_activation)
        scale = np.abs(lines).max(axis=0)
        scale[scale == 0] = 1.0  # a single unit has nothing across
        folded = fold(layers, X, hidden_activation) / scale
        answers = maths.forward(layers, _grid(CELLS), hidden_activation)[-1]
        return {
            "layers": layers,
            "answers": answers.reshape(CELLS, CELLS),
            "lines": (lines / scale).reshape(_lines().shape),
            "folded": folded,
            "right": float(np.mean((folded[:, :1] > 0) == (y == 1))),
            "regions": count_regions(*layers[0], _grid(CELLS)),
        }

    def build(self, figure: Figure) -> dict:
        """Draw the two axes; points, lines and the folded grid move."""
        left, right = figure.subplots(1, 2)
        return self._build_plane(left) | self._build_folded(right)

    def _build_plane(self, ax: Axes) -> dict:
        from matplotlib.colors import LinearSegmentedColormap

        ramp = LinearSegmentedColormap.from_list("classes", ["#7193fb", "#fafafa", "#fd9b62"])
        ax.set(xlim=(-SPAN, SPAN), ylim=(-SPAN, SPAN), xlabel="x₁", ylabel="x₂", aspect="equal")
        ax.set_title("the plane, and the line of each unit")
        ax.grid(visible=False)
        answers = ax.imshow(
            np.full((CELLS, CELLS), 0.5), extent=(-SPAN, SPAN, -SPAN, SPAN), cmap=ramp,
            vmin=0, vmax=1,
        )  # fmt: skip
        cuts = [ax.plot([], [], "--", color="#222", linewidth=1.3)[0] for _ in range(MOST_UNITS)]
        return {"answers": answers, "cuts": cuts, "spots": _dots(ax)}

    def _build_folded(self, ax: Axes) -> dict:
        from matplotlib.collections import LineCollection

        ax.set(xlim=(-1.08, 1.08), ylim=(-1.08, 1.08), xticks=[0], yticks=[])
        ax.set(xlabel="z of the output", ylabel="across", aspect="equal")
        ax.set_title("the same plane, as the output unit sees it")
        ax.axvline(0, color="#222", linewidth=1.5)
        mesh = LineCollection([], colors=figures.GRAY, linewidths=0.8, alpha=0.7)
        ax.add_collection(mesh, autolim=False)
        return {"mesh": mesh, "folded": _dots(ax)}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move the points, the line of each unit, the colors and the folded grid."""
        X, y = points(params["data"])
        for name, places in (("spots", X), ("folded", result["folded"])):
            for label, dots in enumerate(artists[name]):
                dots.set_data(*places[y[:, 0] == label].T)
        artists["answers"].set_data(result["answers"])
        W, b = result["layers"][0]
        for number, cut in enumerate(artists["cuts"]):
            cut.set_data(*(_cut(W[:, number], b[number]) if number < len(b) else ([], [])))
        artists["mesh"].set_segments(result["lines"])

    def caption(self, result: dict, params: dict) -> str:
        """Return what the units have made of the plane, in words."""
        units, kind = params["units"], params["hidden_activation"]
        several = "1 unit" if units == 1 else f"{units} units"
        told = f"{params['data']} points, {several} with {kind}, epoch {params['epoch']}"
        share = f"{kit.percent(result['right'])} of the points lie on the right side"
        if kind == "tanh":
            return f"{told}: {share}. Dashed: where each unit is 0, in the middle of its bend."
        cut = f"the lines cut this part of the plane into {result['regions']}"
        return f"{told}: {share}; {cut} of at most {most_regions(units)} regions."


def _dots(ax: Axes) -> list:
    styles = (("o", figures.BLUE), ("^", "#be3e00"))
    return [
        ax.plot([], [], marker, color=color, markersize=5, mec="white", mew=0.5, zorder=3)[0]
        for marker, color in styles
    ]


def _cut(w: np.ndarray, b: float) -> np.ndarray:
    """Return two points far out on the line w · x + b = 0, array (2, 2): its x₁, its x₂.

    >>> _cut(np.array([0.0, 2.0]), 1.0).round(6).tolist()
    [[-10.0, 10.0], [-0.5, -0.5]]
    """
    length = np.linalg.norm(w)
    if length < 1e-12:
        return np.empty((2, 0))
    foot, along = -b * w / length**2, np.array([w[1], -w[0]]) / length
    return np.stack([foot - 10 * along, foot + 10 * along], axis=1)
