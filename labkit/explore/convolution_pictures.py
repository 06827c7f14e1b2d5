"""Pictures of lesson 11: each shows a figure with its caption, and computes nothing new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from labkit.explore import figures
from labkit.explore.convolution import draw_images
from labkit.maths.intervals import mean_interval

if TYPE_CHECKING:
    import keras
    import pandas as pd

STYLES = (("-", "o", figures.BLUE), ("--", "s", figures.ORANGE), (":", "^", figures.GRAY))


def window(image: np.ndarray, feature_map: np.ndarray, size: int = 3) -> None:
    """Show the numbers of an image and of its feature map, and frame the first window of each."""
    fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.6))
    for ax, values, name, side in zip(
        axes, (image, feature_map), ("input X", "feature map F"), (size, 1), strict=True
    ):
        limit = 2 * np.abs(values).max()
        ax.imshow(values, cmap="PuOr_r", vmin=-limit, vmax=limit)
        for (row, column), value in np.ndenumerate(values):
            ax.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=9)
        frame = {"fill": False, "linewidth": 3, "edgecolor": figures.BLUE}
        ax.add_patch(plt.Rectangle((-0.5, -0.5), side, side, **frame))
        rows, columns = values.shape
        ax.set(title=f"{name}, {rows} × {columns}", xlabel="column", ylabel="row")
        ax.grid(visible=False)
    figures.show(fig, "The nine framed numbers on the left make the framed one on the right.")


def learned(losses: Sequence[float], kernel: np.ndarray) -> None:
    """Show the loss while a kernel was learned, and the kernel."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3), width_ratios=[2, 1])
    left.plot(losses)
    left.set(xlabel="step", ylabel="mean squared error", yscale="log")
    right.imshow(kernel, cmap="PuOr_r", vmin=-4, vmax=4)
    for (row, column), weight in np.ndenumerate(kernel):
        right.text(column, row, f"{weight:.2f}", ha="center", va="center")
    right.set(title="learned", xticks=[], yticks=[])
    right.grid(visible=False)
    figures.show(fig, "Gradient descent looks for nine weights, and what it has found at the end.")


def moved(shifts: Sequence[int], curves: Mapping[str, Sequence[float]]) -> None:
    """Show the accuracy of networks over how far the held-out digits were moved.

    Args:
        shifts: pixels down and right.
        curves: name -> a share for each shift.
    """
    fig, ax = plt.subplots(figsize=(6.4, 3.2))
    for (name, shares), (line, marker, color) in zip(curves.items(), STYLES, strict=False):
        ax.plot(shifts, 100 * np.asarray(shares), line, marker=marker, color=color, label=name)
    ax.axhline(10, color=figures.GRAY, linewidth=0.8)
    ax.set(xlabel="moved down and right (pixels)", ylabel="held-out accuracy (%)", ylim=(0, 102))
    ax.set_xticks(shifts)
    ax.legend()
    told = "; ".join(f"{n}: {', '.join(f'{100 * v:.0f}' for v in c)}" for n, c in curves.items())
    pixels = ", ".join(map(str, shifts))
    figures.show(
        fig, f"Percent read (measured), moved by {pixels} pixels. {told}. Thin line: luck."
    )


def sizes(network: keras.Sequential, sides: Sequence[int]) -> pd.DataFrame:
    """Return what each layer puts out, as Keras and as the learner says, and its parameters.

    Args:
        network: a built Sequential model.
        sides: of the first layers' maps, by the formula.
    """
    import pandas as pd

    rows = {
        layer.name: {
            "output in Keras": " × ".join(map(str, layer.output.shape[1:])),
            "side by output_size": sides[number] if number < len(sides) else "",
            "parameters": f"{layer.count_params():,}",
        }
        for number, layer in enumerate(network.layers)
    }
    return pd.DataFrame(rows).T


def trainings(found: Mapping[str, tuple[Sequence[Mapping], np.ndarray]]) -> None:
    """Show training losses over epochs and, seed by seed, held-out accuracies.

    Args:
        found: name -> (what each training went through, its accuracies), one a seed.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
    for (name, (runs, _)), (line, marker, color) in zip(found.items(), STYLES, strict=False):
        for run in runs:
            epochs = range(1, len(run["loss"]) + 1)
            left.plot(epochs, run["loss"], line, marker=marker, color=color)
        left.plot([], [], line, marker=marker, color=color, label=name)
    left.set(xlabel="epoch", ylabel="training loss (cross-entropy)", yscale="log")
    left.legend()
    pairs = 100 * np.array([accuracies for _, accuracies in found.values()])
    right.plot(range(len(pairs)), pairs, "-", color=figures.GRAY, linewidth=1)
    for place, (_, marker, color) in zip(range(len(pairs)), STYLES, strict=False):
        right.plot(np.full(pairs.shape[1], place), pairs[place], marker, color=color)
    right.set(xlim=(-0.5, len(pairs) - 0.5), ylabel="held-out accuracy (%)")
    right.set_xticks(range(len(pairs)), found)
    figures.show(fig, "Left: loss while training. Right: a line joins networks of equal seed.")


def deep(losses: Mapping[str, Mapping[float, Sequence[float]]]) -> None:
    """Show training losses of deep networks, the best rate of each as a thick line.

    Args:
        losses: name -> learning rate -> loss of each epoch.
    """
    fig, ax = plt.subplots(figsize=(6.4, 3.2))
    told = []
    for (name, rates), (line, marker, color) in zip(losses.items(), STYLES, strict=False):
        best = min(rates, key=lambda rate: rates[rate][-1])
        for rate, curve in rates.items():
            style = {"linewidth": 2.5, "label": name} if rate == best else {"linewidth": 0.8}
            ax.plot(range(1, len(curve) + 1), curve, line, marker=marker, color=color, **style)
        told.append(f"{name}: {rates[best][-1]:.2f} (rate {best:g})")
    ax.set(xlabel="epoch", ylabel="training loss (cross-entropy)")
    ax.set_xticks(range(1, len(curve) + 1))
    ax.legend()
    words = f"Last loss (measured), the best rate of each: {'; '.join(told)}. Thin: the other rate"
    figures.show(fig, f"{words}.")


def heat(images: np.ndarray, cams: np.ndarray, step: int, center: float) -> None:
    """Show Grad-CAM maps over their images, each value where its receptive field is centered.

    Args:
        images: shape (n, 28, 28, 1). cams: shape (n, rows, columns).
        step: pixels from one value to the next. center: the pixel of the first value.
    """
    edge = center - step / 2
    extent = (edge, edge + step * cams.shape[2], edge + step * cams.shape[1], edge)
    fig, axes = draw_images(images, columns=5)
    for ax, cam in zip(axes, cams, strict=True):
        ax.imshow(cam, extent=extent, alpha=0.55, cmap="cividis")
        ax.set(xlim=(-0.5, 27.5), ylim=(27.5, -0.5))
    told = "Held-out digits; bright yellow: where the layer speaks for the true class."
    figures.show(fig, told)


def falls(found: Mapping[str, np.ndarray]) -> None:
    """Show how far a probability falls on average, for each place that was covered.

    Args:
        found: name -> the fall of each image.
    """
    fig, ax = plt.subplots(figsize=(6.4, 0.8 + 0.5 * len(found)))
    for place, values in enumerate(found.values()):
        mean, margin = mean_interval(values)
        _, marker, color = STYLES[place % 3]
        ax.errorbar(mean, place, xerr=margin, color=color, marker=marker, capsize=5)
    ax.set_yticks(range(len(found)), found)
    ax.set(xlabel="fall of the true class's probability")
    ax.set_xlim(left=min(0, ax.get_xlim()[0]))  # from 0 on, unless a probability rose
    ax.set_ylim(len(found) - 0.5, -0.5)
    told = "; ".join(f"{name} {values.mean():.3f}" for name, values in found.items())
    figures.show(fig, f"Mean fall with its 95% interval over images (measured): {told}.")
