"""Explorers of lesson 03: a function and its slope; signal and gradient through many layers."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets

from labkit.explore import figures, kit
from labkit.explore.kit.script import script
from labkit.maths import activations as maths

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# GELU's approximation by tanh would look the same.
CHOICES = [name for name in maths.ACTIVATIONS if name != "gelu_tanh"]
RANGE = 6.0  # the part of the x axis that is drawn
MOST_LAYERS = 50
NETWORKS = 5  # drawn at once, so that luck shows
FLOOR, CEILING = 1e-20, 1e20  # the picture ends there; the words go on
VANISHED, EXPLODED = 1e-3, 1e3
PANELS = ((0.075, 0.475), (0.575, 0.975))  # left and right edge of the axes, shares of the picture
_walked = set()


# --- function and derivative --------------------------------------------------------------------


class _Pointer(anywidget.AnyWidget):
    """What the pointer says when it drags the point; it takes no room on the page.

    Attributes:
        place: low and high end of the x axis, and the panels' edges as shares of the picture.
        value: where on that axis the pointer stands.
    """

    place = traitlets.Dict().tag(sync=True)
    value = traitlets.Float().tag(sync=True)
    _esm = script("activations/drag")


class ActivationExplorer(kit.Explorer):
    """Drag the point along an activation function; see its slope, and ten slopes in a row."""

    lesson = "03"
    view_only = ("x",)
    rebuild_for = ("activation",)
    presets = {"far left": {"x": -5.0}, "kink": {"x": 0.0}, "far right": {"x": 5.0}}
    size = (9.6, 3.6)

    def make_controls(self) -> dict:
        """Return the controls: the function, and where the point stands."""
        return {
            "activation": kit.choice("sigmoid", CHOICES),
            "x": kit.slider(1.0, -RANGE, RANGE, step=0.05),
        }

    def _rows(self) -> list[widgets.Widget]:
        pointer = _Pointer(place={"low": -RANGE, "high": RANGE, "panels": PANELS})
        traitlets.link((self.controls["x"], "value"), (pointer, "value"))
        return [*super()._rows(), pointer]

    @staticmethod
    def compute(activation: str, x: float) -> dict[str, float]:
        """Return height and slope at x."""
        function = maths.find(activation)
        return {"value": float(function.value(x)), "slope": float(function.slope(x))}

    def build(self, figure: Figure) -> dict:
        """Draw the curve on the left, its slope on the right."""
        function = maths.find(self.params["activation"])
        figure.set_layout_engine("none")  # the pointer must know where the axes are
        left, right = (figure.add_axes((a, 0.16, b - a, 0.73)) for a, b in PANELS)
        x = np.linspace(-RANGE, RANGE, 601)
        bounded = function.value(RANGE) < 2
        left.plot(x, function.value(x), "-", color=figures.BLUE)
        left.set(xlim=(-RANGE, RANGE), ylim=(-1.3, 1.5) if bounded else (-2.2, RANGE))
        left.set(xlabel="x", ylabel="f(x)", title=f"{function.name}: {function.formula}")
        right.plot(x, function.slope(x), "-", color=figures.BLUE)
        right.set(xlim=(-RANGE, RANGE), ylim=(-0.25, 1.3))
        right.set(xlabel="x", ylabel="slope f '(x)", title="slope")
        (tangent,) = left.plot([], [], "--", color=figures.ORANGE)
        (point,) = left.plot([], [], "o", color=figures.RED, markersize=9)
        (stem,) = right.plot([], [], ":", color=figures.ORANGE)
        (height,) = right.plot([], [], "o", color=figures.RED, markersize=9)
        return {"tangent": tangent, "point": point, "stem": stem, "height": height}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move point and tangent."""
        x, value, slope = params["x"], result["value"], result["slope"]
        ends = np.array([x - 2, x + 2])
        artists["tangent"].set_data(ends, value + slope * (ends - x))
        artists["point"].set_data([x], [value])
        artists["stem"].set_data([x, x], [0, slope])
        artists["height"].set_data([x], [slope])

    def caption(self, result: dict, params: dict) -> str:
        """Return in words height, slope, and what ten such slopes leave of a gradient."""
        name, x, slope = params["activation"], params["x"], result["slope"]
        text = f"{name}({x:g}) = {result['value']:.4f}, slope {slope:.4f}. "
        if slope == 0:
            return text + "A gradient that arrives here stops here."
        if slope == 1:
            return text + "A gradient passes unchanged, through any number of such slopes."
        return text + f"Ten such slopes in a row multiply a gradient by {slope**10:.2g}."


# --- signal through depth -----------------------------------------------------------------------


def fate(share: float) -> str:
    """Return what has become of a gradient of which this share arrives, in one word.

    >>> fate(1e-9), fate(0.3), fate(1e9), fate(0)
    ('vanishes', 'arrives', 'explodes', 'dies')
    """
    if share == 0:
        return "dies"
    if share < VANISHED:
        return "vanishes"
    return "explodes" if share > EXPLODED else "arrives"


@functools.lru_cache(maxsize=4)
def _networks(width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    networks = maths.draw_networks(MOST_LAYERS, width, NETWORKS, seed)
    inputs = np.random.default_rng(seed).standard_normal((4, width))
    return networks, inputs / np.sqrt(np.mean(inputs**2))


def flow(activation: str, initialization: str, depth: int, width: int, seed: int) -> dict:
    """Return signal and gradient in five freshly drawn networks, and as theory has them.

    Returns:
        dict with signal and gradient, arrays (depth, 5); the gradient is divided by that of the
        last layer, which makes the first row the share that arrives; signal_theory and
        gradient_theory, arrays (depth,); arrives, the median share; fate, one word.

    >>> flow("sigmoid", "xavier", depth=30, width=64, seed=0)["fate"]
    'vanishes'
    """
    networks, inputs = _networks(width, seed)
    std = maths.weight_std(initialization, width, width)
    flow = maths.propagate(activation, std, networks[:depth], inputs, seed)
    signal, gradient = maths.theory(activation, std, depth, width)
    last = np.where(flow.gradient[-1] > 0, flow.gradient[-1], 1)
    share = flow.gradient / last
    arrives = float(np.median(share[0]))
    return {
        "signal": flow.signal,
        "gradient": share,
        "signal_theory": signal,
        "gradient_theory": gradient / gradient[-1],
        "arrives": arrives,
        "fate": fate(arrives),
    }


class SignalExplorer(kit.Explorer):
    """Choose activation, initialization and depth; see what arrives at both ends of a network."""

    lesson = "03"
    size = (9.6, 3.8)
    presets = {
        "sigmoid, Xavier": {"activation": "sigmoid", "initialization": "xavier"},
        "tanh, Xavier": {"activation": "tanh", "initialization": "xavier"},
        "ReLU, He": {"activation": "relu", "initialization": "he"},
        "ReLU, unit normal": {"activation": "relu", "initialization": "unit_normal"},
    }
    compute = staticmethod(flow)

    def walk(self, samples: int = 24) -> int:
        """Try settings as the kit does, once in a lesson that shows the explorer twice."""
        if kit.headless() and type(self) in _walked:
            return 1  # its own settings, which have just been drawn
        _walked.add(type(self))
        return super().walk(samples)

    def make_controls(self) -> dict:
        """Return the controls: what the network is made of."""
        return {
            "activation": kit.choice("sigmoid", CHOICES),
            "initialization": kit.choice("xavier", list(maths.INITIALIZATIONS)),
            "depth": kit.slider(30, 2, MOST_LAYERS),
            "width": kit.slider(64, 16, 128, step=16),
            "seed": kit.slider(0, 0, 20),
        }

    def build(self, figure: Figure) -> dict:
        """Draw two logarithmic panels over the layers."""
        left, right = figure.subplots(1, 2, sharey=True)
        artists = {}
        for ax, name in ((left, "signal"), (right, "gradient")):
            ax.set(xlim=(0, MOST_LAYERS + 1), ylim=(FLOOR, CEILING), yscale="log", xlabel="layer")
            ax.axhspan(VANISHED, EXPLODED, color=figures.SKY, alpha=0.25)
            lines = [
                ax.plot([], [], "-", color=figures.BLUE, linewidth=1, alpha=0.7)[0]
                for _ in range(NETWORKS)
            ]
            (theory,) = ax.plot([], [], "--", color=figures.ORANGE)
            artists |= {name: lines, f"{name}_theory": theory}
        left.set(title="signal, forward (left to right)", ylabel="root mean square")
        right.set(title="gradient, backward (right to left)")
        right.legend([lines[0], theory], ["five networks", "theory"], loc="upper left")
        return artists

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move all lines; a number of 0 or outside the picture stands at its edge."""
        layers = np.arange(1, params["depth"] + 1)
        for name in ("signal", "gradient"):
            for line, values in zip(artists[name], result[name].T, strict=True):
                line.set_data(layers, np.clip(values, FLOOR, CEILING))
            theory = np.clip(result[f"{name}_theory"], FLOOR, CEILING)
            artists[f"{name}_theory"].set_data(layers, theory)

    def caption(self, result: dict, params: dict) -> str:
        """Return in words what share of the gradient arrives, measured and in theory."""
        what = f"{params['activation']} with {params['initialization']}, {params['depth']} layers"
        word, theory = result["fate"], result["gradient_theory"][0]
        if word == "dies":
            return f"{what}: no unit answers in the last layers, so no gradient comes back at all."
        text = f"{what}: the gradient {word}. Layer 1 gets {result['arrives']:.2g} times the "
        text += f"gradient of the last layer (median of five; theory {theory:.2g}). "
        return text + f"The signal ends at {np.median(result['signal'][-1]):.2g}."
