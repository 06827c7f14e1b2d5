"""Explorers of lesson 11: the window under a place of a feature map; the maps of a network.

Both compute in the page (js/sliding, js/maps), and here the same for their words and pictures;
tests/explore/test_convolution.py holds the two together.
"""

from __future__ import annotations

import base64
import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from labkit.data import load_mnist
from labkit.explore import figures, kit
from labkit.explore.kit import state_link
from labkit.explore.kit.page import check_setting
from labkit.explore.kit.script import script
from labkit.maths.convolution import (
    KERNELS,
    conv2d,
    cross_correlate2d,
    max_pool2d,
    pad_amounts,
)

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure
    from traitlets import Bunch

WEIGHT_RANGE = (-10.0, 10.0)


@functools.cache
def examples() -> np.ndarray:
    """Return the most typical training image of each digit, array (10, 28, 28), values 0 to 1."""
    digits = load_mnist("5k", seed=0)
    chosen = [_typical(digits.x_train[digits.y_train == d, :, :, 0]) for d in range(10)]
    return np.rint(255 * np.stack(chosen).astype(float)) / 255  # in float64, as JavaScript computes


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


class SlidingWindow(kit.PageExplorer):
    """Point at a number of a feature map: the window under it, nine products, their sum.

    Args:
        weights: of the kernel, row by row, nine numbers in [-10, 10].
        digit: which image lies under it, 0 to 9.
        stride: 1 to 3. padding: "valid" or "same". pooling: "none" or "max 2 x 2".
        row, column: the place of the map that is pointed at, from 0; -1 for none.

    Raises:
        ValueError: a setting that is not allowed. TypeError: one that does not exist.
    """

    parameters = ("weights", "digit", "stride", "padding", "pooling")
    linked = ("row", "column")
    sent = ("lesson", "examples", "kernels", "row", "column")
    allowed: ClassVar[dict[str, Sequence]] = {
        "digit": (0, 9),
        "stride": (1, 3),
        "padding": ("valid", "same"),
        "pooling": ("none", "max 2 x 2"),
        "row": (-1, 27),
        "column": (-1, 27),
    }

    lesson = traitlets.Unicode("11").tag(sync=True)
    examples = traitlets.Unicode().tag(sync=True)
    kernels = traitlets.Dict().tag(sync=True)
    weights = traitlets.List(nine(KERNELS["sobel x"])).tag(sync=True)
    digit = traitlets.Int(3).tag(sync=True)
    stride = traitlets.Int(1).tag(sync=True)
    padding = traitlets.Unicode("valid").tag(sync=True)
    pooling = traitlets.Unicode("none").tag(sync=True)
    row = traitlets.Int(-1).tag(sync=True)
    column = traitlets.Int(-1).tag(sync=True)

    _esm = script("sliding/explorer")

    def __init__(self, **start: Any) -> None:
        self._check_names(start, "row", "column")
        pixels = np.rint(255 * examples()).astype(np.uint8)
        super().__init__(
            examples=base64.b64encode(pixels.tobytes()).decode(),
            kernels={name: nine(kernel) for name, kernel in KERNELS.items()},
            **start,
        )

    @traitlets.validate("digit", "stride", "padding", "pooling", "row", "column")
    def _validate(self, proposal: Bunch) -> Any:
        return self._check(proposal["trait"].name, proposal["value"])

    @traitlets.validate("weights")
    def _validate_weights(self, proposal: Bunch) -> list[float]:
        weights, (low, high) = proposal["value"], WEIGHT_RANGE
        fits = len(weights) == 9 and all(isinstance(w, int | float) for w in weights)
        if not fits or not all(low <= weight <= high for weight in weights):
            raise ValueError(
                f"weights are nine numbers from {low:g} to {high:g}, row by row; got {weights}"
            )
        return [float(weight) for weight in weights]

    @staticmethod
    def compute(weights: list[float], digit: int, stride: int, padding: str, pooling: str) -> dict:
        """Return the digit, its feature map, and that after pooling (None without)."""
        image, kernel = examples()[digit], np.reshape(weights, (3, 3))
        found = cross_correlate2d(image, kernel, stride, padding)
        pooled = None if pooling == "none" else max_pool2d(found[None, :, :, None])[0, :, :, 0]
        return {"image": image, "map": found, "pooled": pooled}

    @property
    def text(self) -> str:
        """The kernel, the map, and what happens at the place that is pointed at."""
        result = self.compute(**self.params)
        place = place_in_words(self.params, result, self.row, self.column)
        return f"{summary(self.params, result)} {place}"

    def link_rules(self) -> state_link.Rules:
        """Return what a link to a page may set: also the nine weights."""
        return {"weights": state_link.numbers(9, *WEIGHT_RANGE), **super().link_rules()}

    def pixels(self) -> np.ndarray:
        """Return the picture: image, kernel, map, and the framed window."""
        return self._draw(self.params)

    def grid(self) -> Iterator[dict[str, Any]]:
        """Yield every kernel over every stride, padding and pooling, and every digit."""
        kernels = [*map(nine, KERNELS.values()), [0.0] * 9, [10.0, -10.0, 0.25] * 3]
        names = ("stride", "padding", "pooling")
        for number, weights in enumerate(kernels):
            for choice in itertools.product((1, 2, 3), *(self.allowed[name] for name in names[1:])):
                settings = dict(zip(names, choice, strict=True))
                yield {"weights": weights, "digit": number, **settings}

    def attempt(self, params: dict[str, Any], drawn: bool) -> None:
        """Compute at these settings, and say it at three places; raise where a number is none."""
        result = self.compute(**params)
        if not np.isfinite(result["map"]).all():
            raise ValueError("the map has numbers that are not finite")
        summary(params, result)
        for place in (-1, 0, len(result["map"]) - 1):
            place_in_words(params, result, place, place)
        if drawn:
            self._draw(params)

    def _draw(self, params: dict[str, Any]) -> np.ndarray:
        result = self.compute(**params)

        def paint(figure: Figure) -> None:
            _paint_window(figure, params, result, self.row, self.column)

        return kit.draw_once(paint, (8.6, 3.2), 90)


def summary(params: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """Return in words which kernel lies on which digit, and what comes out."""
    weights, found, pooled = params["weights"], result["map"], result["pooled"]
    name = kernel_name(weights)
    text = (
        f"{f'The kernel “{name}”' if name else 'Your kernel'} on a {params['digit']}, "
        f"stride {params['stride']}, padding {params['padding']}: {len(found)} × {len(found)} "
        f"numbers from {two_decimals(found.min())} to {two_decimals(found.max())}"
    )
    text += "." if pooled is None else f"; after pooling {len(pooled)} × {len(pooled)}."
    if not any(weights):
        return text + " All weights are 0, so nothing of the image is left."
    total = sum(weights)
    if abs(total) < 0.01:
        return text + " The weights sum to 0: even areas vanish, edges stay."
    return text + f" The weights sum to {two_decimals(total)}: even areas are multiplied by that."


def place_in_words(
    params: Mapping[str, Any], result: Mapping[str, Any], row: int, column: int
) -> str:
    """Return in words what happens at a place of the map, or how to point at one."""
    found, pooled = result["map"], result["pooled"]
    if row < 0 or column < 0 or max(row, column) >= len(found):
        return "Point at a number of the map, or go there with the arrow keys."
    top, left = _corner(params, row, column)
    text = (
        f"Row {row}, column {column} of the map: the window begins at row {top}, column {left} of "
        f"the image; its nine products add up to {two_decimals(found[row, column])}."
    )
    if pooled is None:
        return text
    block = row // 2, column // 2
    if max(block) >= len(pooled):
        return f"{text} No block of four holds it: pooling leaves it out."
    four = found[2 * block[0] :][:2, 2 * block[1] :][:, :2]
    if 2 * (row % 2) + column % 2 == four.argmax():
        return f"{text} It is the largest of its block: pooling keeps it."
    largest = two_decimals(four.max())
    return f"{text} Its block has a larger number, {largest}, and pooling keeps that."


def two_decimals(number: float) -> str:
    """Return a number with two decimals, a half rounded away from 0, and no minus before 0.

    >>> two_decimals(-0.125), two_decimals(-0.001)
    ('-0.13', '0.00')
    """
    size = math.floor(100 * abs(number) + 0.5) / 100
    return f"{'-' if number < 0 and size else ''}{size:.2f}"


def _corner(params: Mapping[str, Any], row: int, column: int) -> tuple[int, int]:
    """Return where the window of a place begins, in pixels of the image."""
    before, _ = pad_amounts(28, 3, params["stride"], params["padding"])
    return row * params["stride"] - before, column * params["stride"] - before


def _paint_window(figure: Figure, params: dict, result: dict, row: int, column: int) -> None:
    from matplotlib.patches import Rectangle

    found, kernel = result["map"], np.reshape(params["weights"], (3, 3))
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 0.6, 1])
    left.imshow(result["image"], cmap="gray", vmin=0, vmax=1)
    left.set(title="input, 28 × 28", xlim=(-1.5, 28.5), ylim=(28.5, -1.5), xticks=[], yticks=[])
    middle.imshow(kernel / _largest(kernel), cmap="PuOr_r", vmin=-2, vmax=2)
    middle.set(title="kernel", xticks=[], yticks=[])
    for (u, v), weight in np.ndenumerate(kernel):
        middle.text(v, u, f"{weight:.3g}", ha="center", va="center", color="black")
    right.imshow(found, cmap="PuOr_r", vmin=-_largest(found), vmax=_largest(found))
    right.set(title=f"feature map, {len(found)} × {len(found)}", xticks=[], yticks=[])
    right.set(xlim=(-0.5, 27.5), ylim=(27.5, -0.5))
    if 0 <= row < len(found) and 0 <= column < len(found):
        top, start = _corner(params, row, column)
        frame = {"fill": False, "edgecolor": figures.ORANGE, "linewidth": 2.5}
        left.add_patch(Rectangle((start - 0.5, top - 0.5), 3, 3, **frame))
        right.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **frame))
    for ax in (left, middle, right):
        ax.grid(visible=False)


class FeatureMapExplorer(kit.PageExplorer):
    """Click a channel of a layer, point at a place of its map; see what that value has seen.

    Args:
        model: a Sequential network; up to its last convolution, all of 3 × 3, without padding,
            with ReLU, and max pooling between them.
        images: one image of each digit, shape (10, 28, 28, 1) in [0, 1].
        **start: start values of layer, channel and digit; of row and column, the place pointed at.

    Raises:
        ValueError: other layers, or a setting that is not allowed.

    The page holds the weights rounded to 6 bits.
    """

    parameters = ("digit", "layer", "channel")
    linked = ("row", "column")
    sent = ("lesson", "layers", "examples", "row", "column")
    allowed: ClassVar[dict[str, Sequence]] = {
        "digit": (0, 9),
        "channel": (0, 4095),
        "row": (-1, 27),
        "column": (-1, 27),
    }

    lesson = traitlets.Unicode("11").tag(sync=True)
    layers = traitlets.List().tag(sync=True)
    examples = traitlets.Unicode().tag(sync=True)
    digit = traitlets.Int(3).tag(sync=True)
    layer = traitlets.Unicode().tag(sync=True)
    channel = traitlets.Int(0).tag(sync=True)
    row = traitlets.Int(-1).tag(sync=True)
    column = traitlets.Int(-1).tag(sync=True)

    _esm = script("maps/explorer")

    def __init__(self, model: keras.Model, images: ArrayLike, **start: Any) -> None:
        self._check_names(start, "row", "column")
        pixels = np.rint(255 * np.asarray(images)).astype(np.uint8)
        layers = _packed(model)
        super().__init__(
            layers=layers,
            examples=base64.b64encode(pixels.tobytes()).decode(),
            **{"layer": layers[0]["name"]} | start,
        )

    @traitlets.validate("digit", "channel", "row", "column")
    def _validate(self, proposal: Bunch) -> Any:
        return self._check(proposal["trait"].name, proposal["value"])

    @traitlets.validate("layer")
    def _validate_layer(self, proposal: Bunch) -> str:
        names = [layer["name"] for layer in self.layers]
        return check_setting("layer", proposal["value"], names)

    def compute(self, digit: int, layer: str, channel: int) -> dict:
        """Return what the filter answers, and the pixels behind the value that is looked at."""
        image, maps = self._maps(digit)
        number = [each["name"] for each in self.layers].index(layer)
        found, facts = maps[number], self.layers[number]
        own = channel % found.shape[2]
        answer = np.floor(1e6 * found[:, :, own] + 0.5) / 1e6  # equal answers stay equal
        pointed = min(self.row, self.column) >= 0 and max(self.row, self.column) < len(answer)
        strongest = np.unravel_index(answer.argmax(), answer.shape)
        row, column = (self.row, self.column) if pointed else map(int, strongest)
        corner, step = facts["corner"], facts["step"]
        return {
            "image": image,
            "answer": answer,
            "channel": own,
            "mosaic": mosaic(found),
            "filters": found.shape[2],
            "pointed": pointed,
            "place": (row, column),
            "seen": (corner + step * row, corner + step * column, facts["size"]),
        }

    @property
    def text(self) -> str:
        """What the filter answers, and what the value that is looked at has seen."""
        return filter_in_words(self.params, self.compute(**self.params))

    def link_rules(self) -> state_link.Rules:
        """Return what a link to a page may set: also the layer, one of this network's."""
        layer = state_link.choice(each["name"] for each in self.layers)
        return {"layer": layer, **super().link_rules()}

    def pixels(self) -> np.ndarray:
        """Return the picture: the digit, all channels of the layer, the chosen one."""
        return self._draw(self.params)

    def grid(self) -> Iterator[dict[str, Any]]:
        """Yield every digit and layer with the first, some, and a channel too many."""
        for digit, layer in itertools.product(range(10), self.layers):
            for channel in (0, 5, layer["units"] - 1, layer["units"] + 8):
                yield {"digit": digit, "layer": layer["name"], "channel": channel}

    def attempt(self, params: dict[str, Any], drawn: bool) -> None:
        """Compute at these settings; raise where an answer is no number."""
        result = self.compute(**params)
        if not np.isfinite(result["answer"]).all():
            raise ValueError("the map has numbers that are not finite")
        filter_in_words(params, result)
        if drawn:
            self._draw(params)

    # ---- inside

    @functools.cached_property
    def _known(self) -> dict[int, tuple]:
        return {}

    def _maps(self, digit: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return a digit and the maps of all layers, by the weights that the page has."""
        if digit not in self._known:
            pixels = np.frombuffer(base64.b64decode(self.examples), dtype=np.uint8)
            image = pixels.reshape(10, 28, 28)[digit] / 255
            self._known[digit] = image, _all_maps(image, self.layers)
        return self._known[digit]

    def _draw(self, params: dict[str, Any]) -> np.ndarray:
        result = self.compute(**params)
        return kit.draw_once(lambda figure: _paint_maps(figure, result), (8.6, 3.2), 90)


def filter_in_words(params: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """Return in words what a filter answers, or that it is silent."""
    own, answer, (row, column) = result["channel"], result["answer"], result["place"]
    text = f"Layer {params['layer']}, channel {own} of {result['filters']}"
    if params["channel"] != own:
        text += f" (there is no channel {params['channel']}; counting starts again)"
    text += f" for a {params['digit']}: "
    if answer.max() <= 0:
        return f"{text}silent, every value is 0."
    value, strongest = two_decimals(answer[row, column]), two_decimals(answer.max())
    if result["pointed"]:
        text += f"row {row}, column {column} of the map answers {value}; "
        text += f"the strongest answer is {strongest}."
    else:
        text += f"strongest answer {value}, in row {row}, column {column} of the map."
    size = result["seen"][2]
    return f"{text} It has seen the {size} × {size} pixels framed on the left."


def _packed(model: keras.Model) -> list[dict]:
    """Return the convolutions of a model for the page, each with the pooling before it."""
    from labkit.networks.attribution import receptive_fields
    from labkit.networks.packing import pack_layer

    fields, packed, pool = receptive_fields(model), [], 1
    for layer in model.layers:
        if len(packed) == len(fields):
            break
        if layer.name not in fields:
            pool *= getattr(layer, "pool_size", (1,))[0]
            continue
        kernel, bias = layer.get_weights()
        shown = kernel.shape[:2], layer.strides, layer.activation.__name__
        if shown != ((3, 3), (1, 1), "relu"):
            raise ValueError(f"layer {layer.name} is {shown}; the page computes 3 × 3 with ReLU")
        size, step, center = fields[layer.name]
        facts = {"size": size, "step": step, "corner": center - (size - 1) / 2, "pool": pool}
        plain = kernel.reshape(-1, kernel.shape[3])
        packed.append({"name": layer.name, **facts, **pack_layer(plain, bias)})
        pool = 1
    return packed


def _all_maps(image: np.ndarray, layers: Sequence[Mapping]) -> list[np.ndarray]:
    from labkit.networks.packing import unpack

    below, found = image[None, :, :, None], []
    for (plain, bias), layer in zip(unpack(layers), layers, strict=True):
        if layer["pool"] > 1:
            below = max_pool2d(below, layer["pool"])
        kernel = plain.reshape(3, 3, below.shape[3], -1)
        below = np.maximum(conv2d(below, kernel, bias), 0)
        found.append(below[0])
    return found


def _paint_maps(figure: Figure, result: Mapping[str, Any]) -> None:
    from matplotlib.patches import Rectangle

    def frame(ax: Any, row: float, column: float, side: float) -> None:
        style = {"fill": False, "edgecolor": figures.ORANGE, "linewidth": 2.5}
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), side, side, **style))

    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1.3, 1])
    answer, own = result["answer"], result["channel"]
    left.imshow(result["image"], cmap="gray", vmin=0, vmax=1)
    left.set(title="input")
    middle.imshow(result["mosaic"], cmap="gray", vmin=0, vmax=1)
    middle.set(title="all channels of the layer")
    tile = len(answer) + 1
    frame(middle, tile * (own // 8), tile * (own % 8), len(answer))
    right.imshow(answer / _largest(answer), cmap="gray", vmin=0, vmax=1)
    right.set(title=f"channel {own}, {len(answer)} × {len(answer)}")
    if answer.max() > 0:
        frame(left, *result["seen"])
        frame(right, *result["place"], 1)
    for ax in (left, middle, right):
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)


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
