"""Explorer of lesson 04: forward and backward through a small graph, step by step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from labkit.explore import figures, kit
from labkit.maths.backprop import graph_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GRAPH_STEPS = (
    "Only the inputs are known: x, the four weights and the target y.",
    "Forward: each hidden unit multiplies x by its weight.",
    "Forward: tanh of both products.",
    "Forward: the prediction adds what the two units say, each times its weight.",
    "Forward: the loss J is half the squared error.",
    "Backward: dJ/dp = p - y. From here every number is the slope of J.",
    "Backward: through a product, the slope is multiplied by the other factor.",
    "Backward: through tanh, the slope is multiplied by 1 - h².",
    "Backward: both paths meet at x, and their slopes add up.",
)


# name of the node: place, and the steps at which its value and its slope become known
NODES = {
    "x": ((0.3, 1.5), 0, 8), "w1": ((0.3, 2.9), 0, 8), "w2": ((0.3, 0.1), 0, 8),
    "z1": ((2.0, 2.4), 1, 7), "z2": ((2.0, 0.6), 1, 7),
    "h1": ((3.7, 2.4), 2, 6), "h2": ((3.7, 0.6), 2, 6),
    "v1": ((5.3, 2.9), 0, 6), "v2": ((5.3, 0.1), 0, 6),
    "p": ((6.2, 1.5), 3, 5), "target": ((8.0, 0.3), 0, None), "J": ((8.0, 1.5), 4, None),
}  # fmt: skip
EDGES = [
    ("x", "z1"), ("w1", "z1"), ("x", "z2"), ("w2", "z2"), ("z1", "h1"), ("z2", "h2"),
    ("h1", "p"), ("v1", "p"), ("h2", "p"), ("v2", "p"), ("p", "J"), ("target", "J"),
]  # fmt: skip
# what an edge multiplies a slope by on the way back: the derivative of its end by its beginning
LOCAL = {
    ("x", "z1"): lambda g: g["w1"], ("x", "z2"): lambda g: g["w2"],
    ("w1", "z1"): lambda g: g["x"], ("w2", "z2"): lambda g: g["x"],
    ("z1", "h1"): lambda g: 1 - g["h1"] ** 2, ("z2", "h2"): lambda g: 1 - g["h2"] ** 2,
    ("h1", "p"): lambda g: g["v1"], ("h2", "p"): lambda g: g["v2"],
    ("v1", "p"): lambda g: g["h1"], ("v2", "p"): lambda g: g["h2"],
    ("p", "J"): lambda g: g["d_p"],
}  # fmt: skip
QUIET = "#8c8c8c"  # an edge on which nothing happens at this step
LABELS = {"z1": "w₁x", "z2": "w₂x", "h1": "tanh", "h2": "tanh", "target": "y"}
LABELS |= {"w1": "w₁", "w2": "w₂", "v1": "v₁", "v2": "v₂"}


class GraphExplorer(kit.Explorer):
    """Go forward through a graph, then back: values above each node, slopes below, on edges."""

    lesson = "04"
    presets = {
        "forward done": {"graph_step": 4},
        "first slope": {"graph_step": 5},
        "all slopes": {"graph_step": 8},
        "flat tanh": {"graph_step": 8, "w1": 3.0, "x": 2.0},
    }
    size = (10.0, 4.0)

    def make_controls(self) -> dict:
        """Return the controls: the step, the input and two of the weights."""
        return {
            "graph_step": kit.slider(0, 0, len(GRAPH_STEPS) - 1, description="step"),
            "x": kit.slider(1.0, -2.0, 2.0, 0.25),
            "w1": kit.slider(0.5, -3.0, 3.0, 0.25),
            "w2": kit.slider(-1.0, -3.0, 3.0, 0.25),
        }

    def walk(self, samples: int = 4) -> int:
        """Try settings as the kit does, fewer drawn ones: nothing depends on three at once."""
        return super().walk(samples)

    @staticmethod
    def compute(graph_step: int, x: float, w1: float, w2: float) -> dict[str, float]:
        """Return all values and slopes; the step only says which of them are shown."""
        return graph_values(x, w1, w2)

    def build(self, figure: Figure) -> dict:
        """Draw nodes and edges, which stay; the numbers appear."""
        ax = figure.subplots()
        ax.set(xlim=(-0.35, 8.7), ylim=(-0.5, 3.4))
        ax.axis("off")
        artists = {}
        for start, end in EDGES:
            (x0, y0), (x1, y1) = NODES[start][0], NODES[end][0]
            gap = 0.26 / math.hypot(x1 - x0, y1 - y0)  # the line ends where the circles begin
            ends = np.array([gap, 1 - gap])
            (artists[start + end],) = ax.plot(
                x0 + ends * (x1 - x0), y0 + ends * (y1 - y0), "-", color=QUIET, zorder=1
            )
            place = (x0 + 0.5 * (x1 - x0), y0 + 0.5 * (y1 - y0))
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # over the line
            artists[f"on {start}{end}"] = ax.text(
                *place, "", ha="center", va="center", size=9, color=figures.RED, bbox=box, zorder=2
            )
        for name, (place, _, _) in NODES.items():
            color = figures.BLUE if name[0] in "wv" else figures.GRAY
            ax.plot(*place, "o", markersize=32, mfc="white", mec=color, mew=1.6, zorder=3)
            ax.text(*place, LABELS.get(name, name), ha="center", va="center", size=10, zorder=4)
            x, y = place
            aside = {"p": 0.25, "target": 0.3}.get(
                name, 0
            )  # away from the line that comes from above
            artists[f"value {name}"] = ax.text(
                x + aside, y + 0.33, "", ha="center", va="bottom", size=11, zorder=4
            )
            beside = name[0] == "v"
            place = (x + 0.3, y) if beside else (x + aside, y - 0.33)
            artists[f"slope {name}"] = ax.text(
                *place, "", ha="left" if beside else "center", va="center" if beside else "top",
                size=11, color=figures.RED, zorder=4,
            )  # fmt: skip
        return artists

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Write the numbers that this step knows."""
        step = params["graph_step"]
        for name, (_, forward, backward) in NODES.items():
            artists[f"value {name}"].set_text(kit.short(result[name]) if step >= forward else "")
            known = backward is not None and step >= backward
            slope = f"dJ: {kit.short(result[f'd_{name}'])}" if known else ""
            artists[f"slope {name}"].set_text(slope)
        for start, end in EDGES:
            backward = NODES[start][2]
            known = backward is not None and step >= backward
            told = f"× {kit.short(LOCAL[start, end](result))}" if known else ""
            artists[f"on {start}{end}"].set_text(told)
            active = step in (NODES[end][1], backward)
            artists[start + end].set_color(figures.ORANGE if active else QUIET)
            artists[start + end].set_linewidth(3 if active else 1.5)

    def caption(self, result: dict, params: dict) -> str:
        """Return the step in words, with the numbers that it brings."""
        step = params["graph_step"]
        told = f"Step {step} of {len(GRAPH_STEPS) - 1}. {GRAPH_STEPS[step]}"
        if step == 4:
            told += f" J = {kit.short(result['J'])}."
        if step >= 5:
            told += f" dJ/dp = {kit.short(result['d_p'])}."
        if step == 8:
            slopes = [f"dJ/d{n} = {kit.short(result['d_' + n])}" for n in ("w1", "w2", "x")]
            told += f" {', '.join(slopes)}."
        return told
