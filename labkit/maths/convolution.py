"""Convolution and pooling of images, in NumPy: what the layers of a CNN compute.

Deep-learning libraries call cross-correlation "convolution": they do not flip the kernel.
`cross_correlate2d` and `convolve2d` are both here for one gray image; `conv2d` and `max_pool2d`
work on batches, as the Keras layers of the same names do.
Shapes follow Keras: images (n, height, width, channels).  Lesson: 11_convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

Padding = int | str  # "valid", "same", or a number of pixels on each side

# Nine weights each, by what the eye sees after them.
KERNELS: dict[str, np.ndarray] = {
    "identity": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], float),
    "blur": np.ones((3, 3)) / 9,
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], float),
    "edges": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], float),
    "sobel x": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float),
    "sobel y": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], float),
    "emboss": np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], float),
}


def output_size(size: int, kernel: int, stride: int = 1, padding: Padding = "valid") -> int:
    """Return how many positions a kernel takes along an axis: the size of the output.

    The formula is floor((size + 2 * padding - kernel) / stride) + 1. "valid" is padding 0;
    "same" pads so that the output has ceil(size / stride) pixels, as in Keras.

    Args:
        size: pixels of the input along this axis.
        kernel: pixels of the kernel (or of the pooling window) along this axis.
        stride: pixels from one position to the next.
        padding: "valid", "same", or the number of zeros put on each side.

    Raises:
        ValueError: an argument is not a positive whole number, or the kernel does not fit.

    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016).

    >>> output_size(28, 3)
    26
    >>> output_size(26, 2, stride=2)
    13
    >>> output_size(28, 3, stride=2, padding="same")
    14
    """
    before, after = pad_amounts(size, kernel, stride, padding)
    room = size + before + after - kernel
    if room < 0:
        raise ValueError(
            f"a kernel of {kernel} pixels does not fit into {size} pixels with padding "
            f"{padding!r}; use a kernel of at most {size + before + after}, or more padding"
        )
    return room // stride + 1


def pad_amounts(size: int, kernel: int, stride: int = 1, padding: Padding = "valid") -> tuple:
    """Return the zeros to put (before, after) an axis of `size` pixels.

    Args: as in `output_size`. "same" puts the odd zero after, as TensorFlow does.

    Raises:
        ValueError: an argument is not a positive whole number, or padding is unknown.

    >>> pad_amounts(28, 3, padding="same"), pad_amounts(28, 3, stride=2, padding="same")
    ((1, 1), (0, 1))
    """
    for name, value in {"size": size, "kernel": kernel, "stride": stride}.items():
        _check_count(name, value)
    if padding == "valid":
        return 0, 0
    if padding == "same":
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2
    if isinstance(padding, Integral) and not isinstance(padding, bool) and padding >= 0:
        return int(padding), int(padding)
    raise ValueError(f"padding is 'valid', 'same' or a number of pixels from 0 up; got {padding!r}")


def cross_correlate2d(
    image: ArrayLike, kernel: ArrayLike, stride: int = 1, padding: Padding = "valid"
) -> np.ndarray:
    """Return the image with the kernel slid over it: at each place, multiply and add up.

    out[i, j] = sum over u, v of kernel[u, v] * image[i * stride + u, j * stride + v].
    This is what libraries call convolution.

    Args:
        image: one gray image, shape (height, width).
        kernel: weights, shape (kernel height, kernel width).
        stride, padding: as in `output_size`.

    Raises:
        ValueError: image or kernel has not two axes, or the kernel does not fit.

    >>> cross_correlate2d([[1, 2, 3], [4, 5, 6]], [[0, 1]]).tolist()
    [[2.0, 3.0], [5.0, 6.0]]
    """
    image, kernel = _array("image", image, 2), _array("kernel", kernel, 2)
    windows = _windows(image[None, :, :, None], kernel.shape, stride, padding)
    return np.einsum("ijuv,uv->ij", windows[0, :, :, 0], kernel)


def convolve2d(
    image: ArrayLike, kernel: ArrayLike, stride: int = 1, padding: Padding = "valid"
) -> np.ndarray:
    """Return the convolution of mathematics: cross-correlation with the kernel turned by 180°.

    Args and Raises: as in `cross_correlate2d`.

    >>> convolve2d([[1, 2, 3], [4, 5, 6]], [[0, 1]]).tolist()
    [[1.0, 2.0], [4.0, 5.0]]
    """
    kernel = _array("kernel", kernel, 2)
    return cross_correlate2d(image, kernel[::-1, ::-1], stride, padding)


def conv2d(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    stride: int = 1,
    padding: Padding = "valid",
) -> np.ndarray:
    """Return what the Keras layer Conv2D computes, before its activation.

    out[n, i, j, c] = bias[c] + sum over u, v, k of
    kernel[u, v, k, c] * x[n, i * stride + u, j * stride + v, k].

    Args:
        x: images, shape (n, height, width, channels in).
        kernel: shape (kernel height, kernel width, channels in, channels out).
        bias: one number per output channel, shape (channels out,); None for zero.
        stride, padding: as in `output_size`.

    Raises:
        ValueError: a shape does not fit; the message says which.

    >>> conv2d(np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 2)), bias=[0, 1])[0, 0, 0].tolist()
    [9.0, 10.0]
    """
    x, kernel, bias = _conv_arguments(x, kernel, bias)
    windows = _windows(x, kernel.shape[:2], stride, padding)  # (n, i, j, k, u, v)
    return np.tensordot(windows, kernel, axes=([4, 5, 3], [0, 1, 2])) + bias


def conv2d_grad(
    x: ArrayLike,
    kernel: ArrayLike,
    upstream: ArrayLike,
    stride: int = 1,
    padding: Padding = "valid",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradients of a loss with respect to (x, kernel, bias) of `conv2d`.

    A weight touches every window, so its gradient adds up over all of them: it is the
    cross-correlation of the input with the upstream gradient.

    Args:
        x, kernel, stride, padding: as given to `conv2d`.
        upstream: gradient of the loss with respect to conv2d's output, of that shape.

    Raises:
        ValueError: a shape does not fit; the message says which.

    >>> x, kernel = np.ones((1, 4, 4, 1)), np.zeros((3, 3, 1, 1))
    >>> dx, dkernel, dbias = conv2d_grad(x, kernel, np.ones((1, 2, 2, 1)))
    >>> dkernel[0, 0, 0].tolist(), dbias.tolist()
    ([4.0], [4.0])
    """
    x, kernel, _ = _conv_arguments(x, kernel, None)
    windows = _windows(x, kernel.shape[:2], stride, padding)
    upstream = _array("upstream", upstream, 4)
    expected = (*windows.shape[:3], kernel.shape[3])
    if upstream.shape != expected:
        raise ValueError(f"upstream has shape {upstream.shape}; the output of conv2d is {expected}")
    dkernel = np.tensordot(windows, upstream, axes=([0, 1, 2], [0, 1, 2])).transpose(1, 2, 0, 3)
    dwindows = np.tensordot(upstream, kernel, axes=([3], [3]))  # (n, i, j, u, v, k)
    return _add_windows(dwindows, x.shape, stride, padding), dkernel, upstream.sum(axis=(0, 1, 2))


def max_pool2d(
    x: ArrayLike, size: int = 2, stride: int | None = None, padding: str = "valid"
) -> np.ndarray:
    """Return the largest value of each window, channel by channel.

    Args:
        x: images, shape (n, height, width, channels).
        size: pixels of the square window along each axis.
        stride: pixels from one window to the next; None for `size` (windows side by side).
        padding: "valid" or "same"; padded places never win.

    Raises:
        ValueError: x has not four axes, or the window does not fit.

    >>> max_pool2d(np.arange(16).reshape(1, 4, 4, 1))[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """
    if padding not in ("valid", "same"):
        raise ValueError(f"padding of a pooling layer is 'valid' or 'same'; got {padding!r}")
    stride = size if stride is None else stride
    windows = _windows(_array("x", x, 4), (size, size), stride, padding, fill=-np.inf)
    return windows.max(axis=(4, 5))


def receptive_field(layers: Sequence[tuple[int, int]]) -> tuple[int, int, float]:
    """Return which input pixels one value sees after a chain of layers without padding.

    Args:
        layers: (kernel size, stride) of each convolution or pooling, first layer first.

    Returns:
        (size, step, center): a value sees `size` pixels along an axis, its neighbor sees the
        pixels `step` further on, and the first value is centered on pixel `center`.

    Source: Araujo, Norris and Sim, Computing Receptive Fields of CNNs (2019).

    >>> receptive_field([(3, 1), (2, 2), (3, 1)])
    (8, 2, 3.5)
    """
    size, step, center = 1, 1, 0.0
    for kernel, stride in layers:
        _check_count("kernel", kernel)
        _check_count("stride", stride)
        size += (kernel - 1) * step
        center += (kernel - 1) / 2 * step
        step *= stride
    return size, step, center


def _windows(
    x: np.ndarray, kernel: tuple, stride: int, padding: Padding, fill: float = 0.0
) -> np.ndarray:
    """Return all windows of x, shape (n, i, j, channels, kernel height, kernel width)."""
    for size, length in zip(x.shape[1:3], kernel, strict=True):
        output_size(size, length, stride, padding)  # raises where the kernel does not fit
    pads = [pad_amounts(s, k, stride, padding) for s, k in zip(x.shape[1:3], kernel, strict=True)]
    x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    return sliding_window_view(x, kernel, axis=(1, 2))[:, ::stride, ::stride]


def _add_windows(dwindows: np.ndarray, shape: tuple, stride: int, padding: Padding) -> np.ndarray:
    """Return the sum of the window gradients at the pixels where the windows lay."""
    rows, columns, u_count, v_count = dwindows.shape[1:5]
    pads = [pad_amounts(shape[1], u_count, stride, padding)]
    pads += [pad_amounts(shape[2], v_count, stride, padding)]
    dx = np.zeros((shape[0], shape[1] + sum(pads[0]), shape[2] + sum(pads[1]), shape[3]))
    for u in range(u_count):
        for v in range(v_count):
            # Pixel (u, v) of every window at once: a grid with the stride as its mesh.
            dx[:, u : u + rows * stride : stride, v : v + columns * stride : stride] += dwindows[
                :, :, :, u, v
            ]
    top, left = pads[0][0], pads[1][0]
    return dx[:, top : top + shape[1], left : left + shape[2]]


def _conv_arguments(x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None) -> tuple:
    x, kernel = _array("x", x, 4), _array("kernel", kernel, 4)
    if x.shape[3] != kernel.shape[2]:
        raise ValueError(
            f"x has {x.shape[3]} channels (shape {x.shape}), but the kernel expects "
            f"{kernel.shape[2]} (shape {kernel.shape}: height, width, channels in, channels out)"
        )
    bias = np.zeros(kernel.shape[3]) if bias is None else np.asarray(bias, float)
    if bias.shape != (kernel.shape[3],):
        raise ValueError(
            f"bias has shape {bias.shape}; it needs one number per output channel, "
            f"shape ({kernel.shape[3]},)"
        )
    return x, kernel, bias


def _array(name: str, value: ArrayLike, axes: int) -> np.ndarray:
    array = np.asarray(value, float)
    if array.ndim != axes:
        meaning = {2: "(height, width)", 4: "(n, height, width, channels)"}[axes]
        if name == "kernel" and axes == 4:
            meaning = "(height, width, channels in, channels out)"
        raise ValueError(f"{name} needs {axes} axes, {meaning}; got shape {array.shape}")
    return array


def _check_count(name: str, value: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is a whole number from 1 up; got {value!r}")
