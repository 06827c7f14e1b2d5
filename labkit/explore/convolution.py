"""Explorers of lesson 11: edit a kernel over a digit; look at the feature maps of a network."""

from __future__ import annotations

import functools
import types
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import traitlets
from numpy.typing import ArrayLike

from labkit.data import load_mnist
from labkit.explore import figures, kit
from labkit.maths.convolution import KERNELS, cross_correlate2d

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure
    from traitlets import Bunch

WEIGHT_RANGE = (-10.0, 10.0)


@functools.cache
def examples() -> np.ndarray:
    """Return the most typical training image of each digit, array (10, 28, 28), values 0 to 1."""
    digits = load_mnist("5k", seed=0)
    return np.stack([_typical(digits.x_train[digits.y_train == d, :, :, 0]) for d in range(10)])


def nine(kernel: ArrayLike) -> list[float]:
    """Return the weights of a 3 × 3 kernel row by row, at most four digits each.

    >>> nine(KERNELS["sobel x"])
    [-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0]
    """
    return [float(f"{weight:.4g}") for weight in np.ravel(kernel)]


def kernel_name(weights: ArrayLike) -> str | None:
    """Return the name of the preset with these nine weights, or None.

    >>> kernel_name([0, 0, 0, 0, 1, 0, 0, 0, 0])
    'identity'
    """
    for name, kernel in KERNELS.items():
        if np.allclose(np.ravel(kernel), weights, atol=1e-3):
            return name
    return None


class WeightGrid(widgets.VBox):
    """Nine number fields in three rows; `value` is the list of the nine numbers."""

    value = traitlets.List(traitlets.Float())
    description = traitlets.Unicode()

    def __init__(self, value: list[float]) -> None:
        low, high = WEIGHT_RANGE
        self.fields = [
            widgets.BoundedFloatText(
                min=low,
                max=high,
                step=0.5,
                tooltip=f"weight row {u + 1}, column {v + 1}",
                layout={"width": "5.6em"},
            )
            for u in range(3)
            for v in range(3)
        ]
        super().__init__([widgets.HBox(self.fields[row : row + 3]) for row in (0, 3, 6)])
        self.add_class("labkit-matrix")  # the page names the fields by row and column
        self.style = types.SimpleNamespace()  # the kit sets the width of a label there
        self.value = value
        for field in self.fields:
            field.observe(self._read, "value")

    @traitlets.validate("value")
    def _check(self, proposal: Bunch) -> list[float]:
        low, high = WEIGHT_RANGE
        weights = [float(weight) for weight in proposal["value"]]
        if len(weights) != 9 or not all(low <= weight <= high for weight in weights):
            raise traitlets.TraitError(
                f"weights are nine numbers from {low:g} to {high:g}, row by row; got {weights}"
            )
        return weights

    @traitlets.observe("value")
    def _write(self, change: Bunch) -> None:
        # Each field reports back; hold that until all nine are written.
        self._writing = True
        for field, weight in zip(self.fields, change["new"], strict=True):
            field.value = weight
        self._writing = False

    def _read(self, _change: Bunch) -> None:
        if not self._writing:
            self.value = [field.value for field in self.fields]


class KernelExplorer(kit.Explorer):
    """Slide a 3 × 3 kernel over a handwritten digit; choose a kernel or type its nine weights."""

    lesson = "11"
    presets = {name: {"weights": nine(kernel)} for name, kernel in KERNELS.items()}
    size = (9.6, 3.7)

    def make_controls(self) -> dict:
        """Return the controls: nine weights, the digit under them, and how they slide."""
        return {
            "weights": WeightGrid(nine(KERNELS["sobel x"])),
            "digit": kit.slider(3, 0, 9),
            "stride": kit.choice(1, [1, 2, 3]),
            "padding": kit.choice("valid", ["valid", "same"]),
        }

    def _rows(self) -> list[widgets.Widget]:
        # The presets stand above the weights that they fill in, the rest beside them.
        grid, presets = super()._rows()
        self.controls["weights"].layout.grid_area = "1 / 1 / span 3 / auto"
        return [presets, grid]

    @staticmethod
    def compute(weights: list[float], digit: int, stride: int, padding: str) -> dict:
        """Return the digit, the kernel and its feature map."""
        image, kernel = examples()[digit], np.reshape(weights, (3, 3))
        return {
            "image": image,
            "kernel": kernel,
            "output": cross_correlate2d(image, kernel, stride, padding),
        }

    def build(self, figure: Figure) -> dict:
        """Draw input, kernel with its numbers, and output, each with its own color scale."""
        left, middle, right = figure.subplots(1, 3, width_ratios=[1, 0.62, 1])
        pixels = {"interpolation": "nearest", "animated": False}
        image = left.imshow(np.zeros((28, 28)), cmap="gray", vmin=0, vmax=1, **pixels)
        left.set(title="input, 28 × 28", xlabel="column (pixels)", ylabel="row (pixels)")
        kernel = middle.imshow(np.zeros((3, 3)), cmap="PuOr_r", vmin=-1, vmax=1, **pixels)
        middle.set(xticks=[], yticks=[], title="kernel, 3 × 3")
        output = right.imshow(np.zeros((28, 28)), cmap="PuOr_r", vmin=-1, vmax=1, **pixels)
        right.set(xlim=(-0.5, 27.5), ylim=(27.5, -0.5), xlabel="column", ylabel="row")
        for ax in (left, middle, right):
            ax.grid(False)
        middle.spines[:].set_visible(False)
        numbers = [
            [middle.text(v, u, "", ha="center", va="center", size=13) for v in range(3)]
            for u in range(3)
        ]
        bar = figure.colorbar(output, ax=right, ticks=[-1, 0, 1], fraction=0.046)
        bar.ax.set_yticklabels(["negative", "0", "positive"])
        heading = right.set_title("output")
        return {
            "image": image,
            "kernel": kernel,
            "output": output,
            "numbers": numbers,
            "heading": heading,
        }

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Show the new images and write the nine weights."""
        kernel, output = result["kernel"], result["output"]
        rows, columns = output.shape
        artists["image"].set_data(result["image"])
        artists["kernel"].set_data(kernel / _largest(kernel))
        artists["output"].set_data(output / _largest(output))
        # One output number is one square of the frame, so a smaller output looks smaller.
        artists["output"].set_extent((-0.5, columns - 0.5, rows - 0.5, -0.5))
        artists["heading"].set_text(f"output, {rows} × {columns}")
        for u, v in np.ndindex(3, 3):
            number = artists["numbers"][u][v]
            number.set_text(f"{kernel[u, v]:.3g}")
            number.set_color("white" if abs(kernel[u, v]) > 0.6 * _largest(kernel) else "black")

    def caption(self, result: dict, params: dict) -> str:
        """Return in words the kernel, the size of the output, and what its sum means."""
        output = result["output"]
        name = kernel_name(params["weights"])
        kernel = f"The kernel “{name}”" if name else "Your kernel"
        rows, columns = output.shape
        text = (
            f"{kernel} on a {params['digit']}, stride {params['stride']}, padding "
            f"{params['padding']}: {rows} × {columns} numbers from {output.min():.2f} "
            f"to {output.max():.2f}."
        )
        if not np.any(result["kernel"]):
            return text + " All weights are 0, so nothing of the image is left."
        total = result["kernel"].sum()
        if abs(total) < 0.01:
            return text + " The weights sum to 0: even areas vanish, edges stay."
        return text + f" The weights sum to {total:.2f}: even areas are multiplied by that."


class FeatureMapExplorer(kit.Explorer):
    """Choose a digit, a layer and a channel of a network; see what that filter answers.

    Args:
        model: a Sequential network whose convolution layers are to be looked at.
        images: one image of each digit, shape (10, 28, 28, 1).
        **start: start values of layer, channel and digit.
    """

    lesson = "11"
    size = (9.6, 3.9)

    def __init__(self, model: keras.Model, images: ArrayLike, **start: Any) -> None:
        from labkit.networks.attribution import feature_maps, receptive_fields

        # All answers now, so that turning a control computes nothing.
        self.images = np.asarray(images)[..., 0]
        self.maps = feature_maps(model, images)
        self.fields = receptive_fields(model)
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: the digit, and which filter of which layer."""
        largest = max(maps.shape[3] for maps in self.maps.values())
        return {
            "digit": kit.slider(3, 0, len(self.images) - 1),
            "layer": kit.choice(next(iter(self.maps)), list(self.maps)),
            "channel": kit.slider(0, 0, largest - 1),
        }

    def compute(self, digit: int, layer: str, channel: int) -> dict:
        """Return what the filter answers, and the pixels behind its strongest answer."""
        maps = self.maps[layer][digit]  # (rows, columns, filters)
        channel = channel % maps.shape[2]
        answer = maps[:, :, channel]
        size, step, center = self.fields[layer]
        row, column = np.unravel_index(answer.argmax(), answer.shape)
        corner = (center - (size - 1) / 2 + step * row, center - (size - 1) / 2 + step * column)
        return {
            "image": self.images[digit],
            "answer": answer,
            "channel": int(channel),
            "mosaic": mosaic(maps),
            "filters": maps.shape[2],
            "seen": (float(corner[0]), float(corner[1]), size),
            "strongest": (int(row), int(column), float(answer.max())),
        }

    def build(self, figure: Figure) -> dict:
        """Draw input, all channels of the layer, and the chosen channel."""
        from matplotlib.patches import Rectangle

        left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1.15, 1])
        image = left.imshow(np.zeros((28, 28)), cmap="gray", vmin=0, vmax=1)
        left.set(title="input", xlabel="column (pixels)", ylabel="row (pixels)")
        seen = Rectangle((0, 0), 1, 1, fill=False, edgecolor=figures.ORANGE, linewidth=2.5)
        left.add_patch(seen)
        tiles = middle.imshow(np.zeros((8, 8)), vmin=0, vmax=1, extent=(0, 8, 8, 0))
        middle.set(
            xlim=(0, 8), ylim=(8, 0), xticks=[], yticks=[], title="all channels of the layer"
        )
        chosen = Rectangle((0, 0), 1, 1, fill=False, edgecolor=figures.ORANGE, linewidth=2.5)
        middle.add_patch(chosen)
        middle.spines[:].set_visible(False)
        answer = right.imshow(np.zeros((8, 8)), vmin=0, vmax=1, extent=(0, 1, 1, 0))
        right.set(xticks=[], yticks=[])
        spot = right.plot([], [], "o", markersize=11, markerfacecolor="none", markeredgewidth=2.5)[
            0
        ]
        spot.set_color(figures.ORANGE)
        bar = figure.colorbar(answer, ax=right, ticks=[0, 1], fraction=0.046)
        bar.ax.set_yticklabels(["0", "max"])
        for ax in (left, middle, right):
            ax.grid(False)
        return {
            "image": image,
            "seen": seen,
            "tiles": tiles,
            "chosen": chosen,
            "answer": answer,
            "spot": spot,
            "heading": right.set_title("channel 0"),
        }

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Show the new maps; frame the chosen channel and what its strongest value has seen."""
        answer = result["answer"]
        rows, columns = answer.shape
        top, left, size = result["seen"]
        artists["image"].set_data(result["image"])
        artists["seen"].set_bounds(left - 0.5, top - 0.5, size, size)
        artists["tiles"].set_data(result["mosaic"])
        artists["tiles"].set_extent((0, 8, result["filters"] / 8, 0))
        artists["chosen"].set_xy((result["channel"] % 8, result["channel"] // 8))
        artists["answer"].set_data(answer / _largest(answer))
        row, column, strongest = result["strongest"]
        artists["spot"].set_data([(column + 0.5) / columns], [(row + 0.5) / rows])
        for name in ("seen", "spot"):
            artists[name].set_visible(strongest > 0)
        artists["heading"].set_text(f"channel {result['channel']}, {rows} × {columns}")

    def caption(self, result: dict, params: dict) -> str:
        """Return in words where the filter answers most strongly, or that it is silent."""
        row, column, strongest = result["strongest"]
        text = f"Layer {params['layer']}, channel {result['channel']} of {result['filters']}"
        if params["channel"] != result["channel"]:
            text += f" (there is no channel {params['channel']}; counting starts again)"
        if strongest <= 0:
            return text + f": silent for this {params['digit']}, every value is 0."
        size = result["seen"][2]
        return text + (
            f", for a {params['digit']}: strongest answer {strongest:.2f} in row {row}, column "
            f"{column} of the map. It has seen the {size} × {size} pixels framed on the left."
        )


def draw_images(
    pictures: Sequence[ArrayLike], titles: Sequence[str] | None = None, columns: int | None = None
) -> tuple[Figure, np.ndarray]:
    """Draw pictures side by side; return the figure and its axes, one a picture.

    Pictures without negative values are gray, black for 0; others show negative values in
    violet, 0 in white and positive values in brown.

    Args:
        pictures: arrays that are one image each, shape (28, 28), (28, 28, 1) or (1, 28, 28, 1).
        titles: one text a picture, or None.
        columns: pictures in a row; None for all in one.
    """
    import matplotlib.pyplot as plt

    columns = columns or len(pictures)
    rows = -(-len(pictures) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(9, 9.6 * rows / columns), squeeze=False)
    for ax in axes.flat[len(pictures) :]:
        ax.set_visible(False)
    used = axes.flat[: len(pictures)]
    for ax, picture, title in zip(used, pictures, titles or [""] * len(pictures), strict=True):
        picture = np.squeeze(picture)
        signed = picture.min() < 0
        limit = _largest(picture)
        colors = "PuOr_r" if signed else "gray"
        ax.imshow(picture, cmap=colors, vmin=-limit if signed else 0, vmax=limit)
        ax.set(title=title, xticks=[], yticks=[])
        ax.grid(False)
    return fig, axes.ravel()


def mosaic(maps: np.ndarray) -> np.ndarray:
    """Return all maps of a layer in rows of eight, scaled together so that the largest value is 1.

    Args:
        maps: array (rows, columns, filters); a dark line separates neighbors.

    >>> mosaic(np.ones((2, 2, 16))).shape
    (6, 24)
    """
    tiles = np.pad(maps / _largest(maps), ((0, 1), (0, 1), (0, 0)))
    tiles = np.pad(tiles, ((0, 0), (0, 0), (0, -maps.shape[2] % 8)))
    rows, columns, count = tiles.shape
    return (
        tiles.reshape(rows, columns, count // 8, 8).transpose(2, 0, 3, 1).reshape(-1, columns * 8)
    )


def _typical(images: np.ndarray) -> np.ndarray:
    """Return the image closest to the mean of all."""
    return images[((images - images.mean(axis=0)) ** 2).sum(axis=(1, 2)).argmin()]


def _largest(values: np.ndarray) -> float:
    """Return the largest size of a value, or 1 where all are 0."""
    return float(np.abs(values).max()) or 1.0
