"""All that lesson 00 shows, and the first explorer: a line learns to fit twelve flowers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labkit.explore import figures, kit
from labkit.explore.digit import DigitExplorer
from labkit.explore.predict import predict
from labkit.explore.watch import WatchDigits
from labkit.lab.words import count
from labkit.maths.start import FLOWERS, TOO_LARGE, best_loss, fit_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DigitExplorer", "StartExplorer", "WatchDigits", "figures", "predict"]


class StartExplorer(kit.Explorer):
    """Turn the learning rate and the number of steps; see the line, its squares and the loss."""

    lesson = "00"
    # The names do not tell what happens: the reader is to predict it.
    presets = {
        "rate 0.001": {"learning_rate": 0.001, "steps": 20},
        "rate 0.03": {"learning_rate": 0.03, "steps": 20},
        "rate 0.06": {"learning_rate": 0.06, "steps": 20},
    }
    size = (9.6, 3.5)
    compute = staticmethod(fit_line)

    def make_controls(self) -> dict:
        """Return the controls: two sliders."""
        return {
            "learning_rate": kit.log_slider(0.01, 0.001, 0.1),
            "steps": kit.slider(20, 0, 100),
        }

    def build(self, figure: Figure) -> dict:
        """Draw flowers and line on the left, loss on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
        return self._build_line(left) | self._build_loss(right)

    def _build_line(self, ax: Axes) -> dict:
        from matplotlib.collections import PolyCollection

        # Equal axes: a square drawn from point to line then has the area of the squared error.
        ax.set(xlim=(0, 8.4), ylim=(-0.6, 4.0), aspect="equal")
        ax.set(xlabel="petal length (cm)", ylabel="petal width (cm)", title="flowers and line")
        ax.plot(*FLOWERS.T, "o", color=figures.GRAY, zorder=4)
        squares = PolyCollection([], facecolor=figures.ORANGE, edgecolor=figures.RED, alpha=0.3)
        ax.add_collection(squares, autolim=False)
        (line,) = ax.plot([], [], "-", color=figures.BLUE)
        note = ax.text(4.2, 3.6, "", ha="center", va="center", color=figures.RED, size=13)
        return {"squares": squares, "line": line, "note": note}

    def _build_loss(self, ax: Axes) -> dict:
        ax.set(xlim=(-2, 102), ylim=(0.02, TOO_LARGE * 4), yscale="log")
        ax.set(xlabel="step", ylabel="loss: mean square (cm²)", title="loss after each step")
        best = best_loss()
        ax.axhline(best, color=figures.GRAY, linestyle=":")
        ax.text(100, best / 1.1, "best possible", ha="right", va="top", color=figures.GRAY, size=10)
        (curve,) = ax.plot([], [], "-", color=figures.BLUE)
        (now,) = ax.plot([], [], "o", color=figures.RED)
        return {"curve": curve, "now": now}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move line, squares and curve."""
        diverged = result["diverged"]
        ends = np.array([0.0, 8.4])
        artists["line"].set_data(ends, result["w"] * ends + result["b"])
        artists["squares"].set_verts([] if diverged else _squares(result["predictions"]))
        artists["note"].set_text("the line has left the picture" if diverged else "")
        steps = np.arange(len(result["losses"]))
        artists["curve"].set_data(steps, result["losses"])
        artists["now"].set_data(steps[-1:], result["losses"][-1:])

    def caption(self, result: dict, params: dict) -> str:
        """Return in words what the line is, or that it diverged."""
        rate, steps = params["learning_rate"], params["steps"]
        limit = result["largest_stable_rate"]
        if result["diverged"]:
            return (
                f"Diverged: at learning rate {rate:g} each step overshoots further, and after "
                f"{count(len(result['losses']) - 1, 'step')} the loss is above "
                f"{TOO_LARGE:,.0f} cm². The limit here is {limit:.4f}."
            )
        line = f"width = {result['w']:.2f} × length {result['b']:+.2f}"
        told = (
            f"After {count(steps, 'step')} at learning rate {rate:g} the line is {line}; the mean "
            f"square is {result['loss']:.3g} cm² (best possible: {result['best_loss']:.3g})."
        )
        if rate > limit and steps:
            told += f" It is growing: the rate is above the limit of {limit:.4f}."
        return told


def _squares(predictions: np.ndarray) -> np.ndarray:
    """Return corners, array (12, 4, 2), of a square on each distance from point to line."""
    length, width = FLOWERS.T
    side = np.abs(predictions - width)
    # The square opens to the right; its upright edge is the error itself.
    x = np.stack([length, length, length + side, length + side], axis=1)
    y = np.stack([width, predictions, predictions, width], axis=1)
    return np.stack([x, y], axis=2)
