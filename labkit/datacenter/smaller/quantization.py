"""Numbers as integers of 8 bits and fewer: the rule, the product, a whole network.

A number x is kept as an integer q, and x is about scale (q - zero_point). The arithmetic is that of
the ONNX operators, in float32 and with halves rounded to the even neighbor, so the integers are
those of ONNX Runtime (`labkit.datacenter.smaller.onnx_runtime` runs them there).

>>> grid = affine(-1.0, 1.55)
>>> quantize([-1.0, 0.0, 0.013, 9.0], grid).tolist(), int(grid.zero_point)
([0, 100, 101, 255], 100)

Lesson: 22_smaller_models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import keras

Dense = tuple[np.ndarray, np.ndarray]  # weights (inputs, units), biases (units,)
Range = tuple[float, float]  # the lowest and the highest number that a grid must hold

# --- the rule -----------------------------------------------------------------------------------


class Affine(NamedTuple):
    """Which number each integer stands for: scale (q - zero_point).

    Attributes:
        scale: the step from one number to the next, float32; one, or one for each column.
        zero_point: the integer that stands for 0.
        bits: of an integer, 2 to 16.
        signed: whether the integers go below 0.
    """

    scale: ArrayLike
    zero_point: ArrayLike
    bits: int = 8
    signed: bool = False

    @property
    def limits(self) -> tuple[int, int]:
        """The lowest and the highest integer."""
        low = -(2 ** (self.bits - 1)) if self.signed else 0
        return low, low + 2**self.bits - 1

    @property
    def dtype(self) -> np.dtype:
        """The type of NumPy that holds an integer: 8 bits for fewer, too, and 16 for more."""
        return np.dtype(f"{'int' if self.signed else 'uint'}{8 if self.bits <= 8 else 16}")


def affine(low: float, high: float, bits: int = 8, signed: bool = False) -> Affine:
    """Return the grid from `low` to `high`, widened to hold 0, which must be exact.

    An exact 0 is what padding, ReLU and pruned weights need.

    Args:
        low, high: the range of the numbers, low <= high.
        bits: 2 to 16.
        signed: -128 to 127 instead of 0 to 255, for 8 bits.

    Raises:
        ValueError: a range that is no range, or bits outside 2 to 16.

    Source: Jacob et al., Quantization and training of neural networks for efficient
        integer-arithmetic-only inference, CVPR (2018), section 2.1.
    Lesson: 22_smaller_models.

    >>> affine(0.0, 1.0).zero_point, affine(-1.0, 1.0).zero_point, affine(2.0, 4.0).zero_point
    (0, 128, 0)
    """
    _check_bits(bits)
    if not (np.isfinite([low, high]).all() and low <= high):
        raise ValueError(f"a range needs finite low <= high. Received: low={low}, high={high}")
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    least, most = Affine(1, 0, bits, signed).limits
    scale = (high - low) / (most - least)
    if scale < np.finfo(np.float32).tiny:  # nothing but zeros: any step will do
        return Affine(np.float32(1), 0, bits, signed)
    return Affine(np.float32(scale), round(least - low / scale), bits, signed)


def symmetric(weights: ArrayLike, bits: int = 8, per_channel: bool = False) -> Affine:
    """Return the signed grid from -|largest| to |largest| with zero point 0, as weights have it.

    Args:
        weights: (inputs, units), or any shape for one scale.
        bits: 2 to 16; of 8 bits, -127 to 127 are used.
        per_channel: a scale for each column (each unit), instead of one for all.

    Raises:
        ValueError: bits outside 2 to 16.

    Source: Krishnamoorthi, Quantizing deep convolutional networks for efficient inference (2018).
    Lesson: 22_smaller_models.

    >>> grid = symmetric([[-2.54, 0.1], [1.0, 0.254]], per_channel=True)
    >>> [round(float(step), 4) for step in grid.scale]
    [0.02, 0.002]
    """
    _check_bits(bits)
    largest = np.abs(np.asarray(weights, np.float64)).max(axis=0 if per_channel else None)
    scale = np.asarray(2 * largest / (2**bits - 2))
    scale = np.where(scale < np.finfo(np.float32).tiny, 1, scale).astype(np.float32)
    return Affine(scale, np.zeros(scale.shape, np.int8), bits, signed=True)


def quantize(x: ArrayLike, grid: Affine) -> np.ndarray:
    """Return the integers: x / scale, rounded, halves to the even one, plus the zero point, cut.

    Args:
        x: numbers, any shape; with a scale for each column, (..., columns).
        grid: scale, zero point and limits.

    Source: ONNX, operator QuantizeLinear.
    Lesson: 22_smaller_models.

    >>> quantize([0.5, 1.5, 2.5, 300.0], Affine(1.0, 0)).tolist()
    [0, 2, 2, 255]
    """
    return _cut(np.asarray(x, np.float32) / np.float32(grid.scale), grid)


def dequantize(q: ArrayLike, grid: Affine) -> np.ndarray:
    """Return the numbers in float32 that the integers stand for: scale (q - zero_point).

    Source: ONNX, operator DequantizeLinear.
    Lesson: 22_smaller_models.

    >>> dequantize([0, 100, 250], Affine(0.5, 100)).tolist()
    [-50.0, 0.0, 75.0]
    """
    return _centered(q, grid).astype(np.float32) * np.float32(grid.scale)


def rounded(x: ArrayLike, grid: Affine) -> np.ndarray:
    """Return the numbers, each replaced by the nearest one of the grid.

    >>> rounded([0.4, 0.6], Affine(1.0, 0)).tolist()
    [0.0, 1.0]
    """
    return dequantize(quantize(x, grid), grid)


def size_in_bytes(parameters: int, bits: int) -> int:
    """Return the bytes of so many numbers, packed without gaps, the last byte filled up.

    >>> size_in_bytes(93_322, 32), size_in_bytes(93_322, 8)
    (373288, 93322)
    """
    return -(-parameters * bits // 8)


def _check_bits(bits: int) -> None:
    if not 2 <= bits <= 16:
        raise ValueError(f"bits must be 2 to 16. Received: bits={bits}")


def _cut(steps: np.ndarray, grid: Affine) -> np.ndarray:
    """Return float32 steps from zero as integers of the grid."""
    q = np.rint(steps) + np.asarray(grid.zero_point, np.float32)
    return np.clip(q, *grid.limits).astype(grid.dtype)


def _centered(q: ArrayLike, grid: Affine) -> np.ndarray:
    return np.asarray(q, np.int32) - np.asarray(grid.zero_point, np.int32)


# --- the product --------------------------------------------------------------------------------


def integer_product(a: ArrayLike, a_zero: int, b: ArrayLike, b_zero: ArrayLike = 0) -> np.ndarray:
    """Return (a - a_zero) @ (b - b_zero) in int32: no rounding at all.

    255 x 128 fits 65,793 times into 31 bits, so that many inputs of 8 bits never overflow. The sums
    go through float64, which holds them exactly and has a fast product; NumPy's of integers is not.

    Args:
        a: (m, k) integers of at most 8 bits.
        b: (k, n) integers of at most 8 bits.
        a_zero, b_zero: zero points; b_zero may have one for each column.

    Source: ONNX, operator MatMulInteger.
    Lesson: 22_smaller_models.

    >>> integer_product([[255, 0]], 5, [[2], [-3]]).tolist()
    [[515]]
    """
    left = np.asarray(a, np.float64) - a_zero
    return (left @ (np.asarray(b, np.float64) - b_zero)).astype(np.int32)


def requantize(sums: ArrayLike, scale: ArrayLike, grid: Affine) -> np.ndarray:
    """Return sums of one scale as integers of another grid.

    Args:
        sums: int32, (..., n).
        scale: what a sum of 1 stands for: the scale of the inputs times that of the weights; one,
            or one for each column.
        grid: of the result.

    Source: ONNX, operator QLinearMatMul.
    Lesson: 22_smaller_models.

    >>> requantize([-40, 100, 9_000], 0.001, Affine(0.01, 0)).tolist()
    [0, 10, 255]
    """
    ratio = np.float32(scale) / np.float32(grid.scale)
    return _cut(np.asarray(sums, np.int32).astype(np.float32) * ratio, grid)


# --- a network of dense layers ------------------------------------------------------------------


class Int8Layer(NamedTuple):
    """A dense layer that computes with integers.

    Attributes:
        weights: int8 (inputs, units).
        biases: int32 (units,), in steps of input scale times weight scale.
        inputs, kernel, outputs: the grids of what comes in, of the weights, of what goes out.
    """

    weights: np.ndarray
    biases: np.ndarray
    inputs: Affine
    kernel: Affine
    outputs: Affine


def dense_layers(model: keras.Model) -> list[Dense]:
    """Return copies of weights and biases of the dense layers of a Keras model, in order.

    Raises:
        ValueError: a layer with weights that is not dense.
    """
    layers = [layer for layer in model.layers if layer.weights]
    if odd := [layer.name for layer in layers if type(layer).__name__ != "Dense"]:
        raise ValueError(f"only dense layers are quantized by hand. Received: {', '.join(odd)}")
    # Copies: TensorFlow's arrays are its own memory, and change when the model goes on training.
    return [tuple(np.asarray(w).copy() for w in (layer.kernel, layer.bias)) for layer in layers]


def run_float(layers: Sequence[Dense], x: np.ndarray) -> np.ndarray:
    """Return scores (n, classes) in float32: ReLU after each layer but the last.

    >>> run_float([(np.eye(2), np.zeros(2)), (np.eye(2), np.ones(2))], [[-1.0, 2.0]]).tolist()
    [[1.0, 3.0]]
    """
    return list(_activations(layers, x))[-1]


def _activations(layers: Sequence[Dense], x: ArrayLike) -> Iterator[np.ndarray]:
    """Yield the input, then what each layer gives."""
    x = np.asarray(x, np.float32).reshape(len(x), -1)
    yield x
    for weights, biases in layers[:-1]:
        yield (x := np.maximum(x @ np.float32(weights) + np.float32(biases), 0))
    yield x @ np.float32(layers[-1][0]) + np.float32(layers[-1][1])


def calibrate(layers: Sequence[Dense], x: np.ndarray) -> list[Range]:
    """Return the range of the input and of each layer's output, seen on some examples.

    Args:
        layers: dense layers in float32.
        x: examples, (n, ...); a few hundred that look like those to come.

    Lesson: 22_smaller_models.
    """
    return [(float(each.min()), float(each.max())) for each in _activations(layers, x)]


def quantize_network(
    layers: Sequence[Dense],
    ranges: Sequence[Range],
    bits: int = 8,
    grid: Callable[[float, float], Affine] = affine,
) -> list[Int8Layer]:
    """Return the network in integers: weights symmetric, activations in uint8.

    Args:
        layers: dense layers in float32, ReLU after each but the last.
        ranges: of the input and of each output, from `calibrate`.
        bits: of the weights, 2 to 8; activations keep 8.
        grid: makes the grid of an activation out of its range.

    Raises:
        ValueError: more than 8 bits, or a number of ranges that does not fit the layers.

    Lesson: 22_smaller_models.
    """
    if bits > 8:
        raise ValueError(f"weights of the integer product have 2 to 8 bits. Received: bits={bits}")
    if len(ranges) != len(layers) + 1:
        wanted = f"{len(layers) + 1}: the input's and one for each layer"
        raise ValueError(f"ranges must be {wanted}. Received: {len(ranges)}")
    grids = [grid(*each) for each in ranges]
    return [
        _integer_layer(*layer, grids[i], symmetric(layer[0], bits), grids[i + 1])
        for i, layer in enumerate(layers)
    ]


def _integer_layer(
    weights: np.ndarray, biases: np.ndarray, inputs: Affine, kernel: Affine, outputs: Affine
) -> Int8Layer:
    step = np.float32(inputs.scale) * np.float32(kernel.scale)
    in_steps = np.rint(np.float64(biases) / np.float64(step)).astype(np.int32)
    return Int8Layer(quantize(weights, kernel), in_steps, inputs, kernel, outputs)


def run_layer(layer: Int8Layer, q: np.ndarray) -> np.ndarray:
    """Return the integers that a layer makes of integers.

    A grid that begins at 0 cuts off what is negative: that is the ReLU.

    Args:
        layer: the layer.
        q: uint8, (n, inputs), on the grid `layer.inputs`.

    Lesson: 22_smaller_models.
    """
    sums = integer_product(q, layer.inputs.zero_point, layer.weights) + layer.biases
    step = np.float32(layer.inputs.scale) * np.float32(layer.kernel.scale)
    return requantize(sums, step, layer.outputs)


def run(network: Sequence[Int8Layer], x: np.ndarray) -> np.ndarray:
    """Return scores (n, classes) in float32, computed with integers from end to end.

    Args:
        network: from `quantize_network`.
        x: examples, (n, ...).

    Lesson: 22_smaller_models.

    >>> layers = [(np.eye(2), np.zeros(2)), (np.eye(2), np.ones(2))]
    >>> network = quantize_network(layers, calibrate(layers, [[-1.0, 2.0], [1.0, 0.0]]))
    >>> run(network, [[-1.0, 2.0]]).round(1).tolist()
    [[1.0, 3.0]]
    """
    q = quantize(np.asarray(x).reshape(len(x), -1), network[0].inputs)
    for layer in network:
        q = run_layer(layer, q)
    return dequantize(q, network[-1].outputs)
