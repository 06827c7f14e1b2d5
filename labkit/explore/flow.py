"""Explorer of lesson 04: what flows back through a real network while it reads one digit."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING

import numpy as np

from labkit.data.digits import load_mnist
from labkit.explore import figures, kit
from labkit.machine import one_thread
from labkit.maths import backprop as maths
from labkit.maths.backprop import Layers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = (784, 32, 32, 32, 32, 10)
STEPS = (0, 10, 100, 300, 1000)  # of mini-batch descent, 32 images each
RATES = {"sigmoid": 1.0, "tanh": 0.1, "relu": 0.05}  # each learns as well as it can, or nearly
PLACES = ("pixels", "hidden 1", "hidden 2", "hidden 3", "hidden 4", "output")
LOWEST = 1e-7  # sizes below it are drawn on the lower edge


@functools.cache
def histories() -> dict[str, dict[int, Layers]]:
    """Return the layers of three networks that learn to read digits, by activation and step."""
    digits = load_mnist()
    X, y = digits.x_train.reshape(-1, 784), np.eye(10)[digits.y_train]
    found = {}
    for name, rate in RATES.items():
        start = maths.glorot_layers(SIZES, seed=0)
        walk = maths.descend_batches(start, X, y, rate, 32, name, "softmax")
        steps = enumerate(itertools.islice(walk, STEPS[-1]), start=1)
        with one_thread():
            found[name] = {0: start} | {step: layers for step, layers in steps if step in STEPS}
    return found


@functools.cache
def examples() -> np.ndarray:
    """Return ten held-out images, one of each digit, shape (10, 784)."""
    digits = load_mnist()
    firsts = [np.argmax(digits.y_test == digit) for digit in range(10)]
    return digits.x_test[firsts].reshape(10, 784).astype(float)


def flow(network: str, step: int, digit: int) -> dict:
    """Return what flows back through one of the networks when it reads one image.

    Args:
        network: activation of its hidden layers, a name in `RATES`.
        step: how many steps it has learned, one of `STEPS`.
        digit: which image, 0 to 9.

    Returns:
        dict with chances, ten probabilities; slopes, the slope of the loss for the pixels and the
        delta of each layer behind them; sizes, their root mean squares.

    >>> found = flow("tanh", 0, 3)
    >>> [len(slope) for slope in found["slopes"]]
    [784, 32, 32, 32, 32, 10]
    """
    layers, image = histories()[network][step], examples()[digit : digit + 1]
    outputs = maths.forward(layers, image, network, "softmax")
    found = maths.deltas(layers, outputs, np.eye(10)[digit : digit + 1], network)
    slopes = [delta[0] for delta in (found[0] @ layers[0][0].T, *found)]
    sizes = np.array([np.sqrt(np.mean(slope**2)) for slope in slopes])
    return {"chances": outputs[-1][0], "slopes": slopes, "sizes": sizes}


class FlowExplorer(kit.Explorer):
    """See the delta on its way back to the pixels: its picture at every layer, and its size."""

    lesson = "04"
    view_only = ("network", "step", "digit")
    presets = {
        "deep sigmoids, untrained": {"network": "sigmoid", "step": 0},
        "tanh, untrained": {"network": "tanh", "step": 0},
        "tanh, trained": {"network": "tanh", "step": 1000},
    }
    size = (10.0, 4.2)
    compute = staticmethod(flow)

    def make_controls(self) -> dict:
        """Return the controls: which network, how far it is trained, which image."""
        return {
            "network": kit.choice("sigmoid", list(RATES)),
            "step": kit.choice(0, STEPS),
            "digit": kit.slider(3, 0, 9),
        }

    def walk(self, samples: int = 4) -> int:
        """Try settings as the kit does, fewer drawn ones: nothing depends on three at once."""
        return super().walk(samples)

    def build(self, figure: Figure) -> dict:
        """Draw the panels, empty, and the axes of the sizes below them."""
        above, below = figure.add_gridspec(2, 1, height_ratios=[1.1, 1])
        panels = above.subgridspec(1, 7, width_ratios=[1, 1, 0.5, 0.5, 0.5, 0.5, 0.9]).subplots()
        image = panels[0].imshow(np.zeros((28, 28)), cmap="gray", vmin=0, vmax=1)
        signed = {"cmap": "PuOr_r", "vmin": -1, "vmax": 1}
        grids = [panels[1].imshow(np.zeros((28, 28)), **signed)]
        grids += [ax.imshow(np.zeros((8, 4)), **signed) for ax in panels[2:6]]
        for ax, name in zip(panels[:6], ("the image", "its pixels", *PLACES[1:5]), strict=True):
            ax.set(xticks=[], yticks=[], xlabel=name)
            ax.grid(visible=False)
        bars = panels[6].bar(range(10), np.zeros(10), color=figures.ORANGE)
        panels[6].set(ylim=(-1, 1), xticks=range(10), xlabel="output: p - y")
        heads = [ax.set_title(" ", size=10) for ax in panels]
        ax = figure.add_subplot(below)
        ax.set(yscale="log", ylim=(LOWEST, 1), xlim=(-0.3, 5.3), ylabel="size of the slope")
        ax.set_xticks(range(6), PLACES)
        (start,) = ax.plot([], [], "s:", color=figures.GRAY, label="before training")
        (now,) = ax.plot([], [], "o-", color=figures.BLUE, label="now")
        ax.legend(loc="lower right", ncol=2)
        return {"image": image, "grids": grids, "bars": list(bars), "heads": heads,
                "start": start, "now": now}  # fmt: skip

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Fill the panels, each with its own largest slope as full color, and move the line."""
        artists["image"].set_data(examples()[params["digit"]].reshape(28, 28))
        for grid, slope in zip(artists["grids"], result["slopes"], strict=False):
            largest = np.abs(slope).max() or 1.0
            grid.set_data((slope / largest).reshape(grid.get_array().shape))
        for bar, height in zip(artists["bars"], result["slopes"][-1], strict=True):
            bar.set_height(height)
        told = [kit.short(float(f"{size:.1g}")) for size in result["sizes"]]
        for head, words in zip(artists["heads"], [_answer(result["chances"]), *told], strict=True):
            head.set_text(words)
        start = flow(params["network"], 0, params["digit"])["sizes"]
        for name, sizes in (("start", start), ("now", result["sizes"])):
            artists[name].set_data(range(6), np.maximum(sizes, LOWEST))

    def caption(self, result: dict, params: dict) -> str:
        """Return what the network reads, and how the slope changes on its way back."""
        sizes = result["sizes"]
        when = f"After {params['step']:,} steps" if params["step"] else "Untrained,"
        answer, digit = _answer(result["chances"]), params["digit"]
        told = f"{when} the {params['network']} network {answer} on this {digit}."
        if sizes[-1] < 1e-3:
            told += " It is right and sure, so hardly anything is left to flow back."
        if sizes[0] == 0:
            return f"{told} No slope reaches the pixels: a unit that is off stands on every way."
        ways = sizes[-1] / sizes[0]
        return (
            f"{told} The size of the slope is {kit.short(float(f'{sizes[-1]:.2g}'))} at the output "
            f"and {kit.short(float(f'{sizes[0]:.2g}'))} at the pixels: "
            f"{float(f'{ways:.2g}'):,.10g} times smaller."
        )


def _answer(chances: np.ndarray) -> str:
    """Return what the network reads, in words.

    >>> _answer(np.array([0.1, 0.9]))
    'reads 1 (0.90)'
    """
    return f"reads {chances.argmax()} ({chances.max():.2f})"
