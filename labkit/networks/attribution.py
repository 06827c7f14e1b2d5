"""What a trained network looks at: feature maps and Grad-CAM, on any Keras backend.

Lesson: 11_convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from labkit.maths.convolution import receptive_field

if TYPE_CHECKING:
    import keras


def feature_maps(model: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each convolution layer answers to the images, after its activation.

    Args:
        model: a built Keras model.
        images: shape (n, height, width, channels), as the model takes them.

    Returns:
        Layer name -> array (n, rows, columns, filters), in the order of the layers.

    Raises:
        ValueError: the model has no convolution layer.
    """
    import keras

    layers = _convolutions(model)
    inner = keras.Model(model.inputs[0], [layer.output for layer in layers])
    outputs = inner(np.asarray(images, "float32"), training=False)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    arrays = map(keras.ops.convert_to_numpy, outputs)
    return {layer.name: array for layer, array in zip(layers, arrays, strict=True)}


def receptive_fields(model: keras.Sequential) -> dict[str, tuple[int, int, float]]:
    """Return, for each convolution layer, (size, step, center) of what its values see.

    Args:
        model: a Sequential model whose convolutions and poolings have square windows and no
            padding, up to the last convolution.

    Raises:
        ValueError: a layer pads, so that the first value is not centered as the formula says.
    """
    last = _convolutions(model)[-1]
    chain, fields = [], {}
    for layer in model.layers:
        window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
        if window is None:
            continue
        if layer.padding != "valid":
            raise ValueError(f"layer {layer.name} has padding {layer.padding!r}, not 'valid'")
        chain.append((window[0], layer.strides[0]))
        if hasattr(layer, "kernel_size"):
            fields[layer.name] = receptive_field(chain)
        if layer is last:
            break
    return fields


def grad_cam(
    model: keras.Sequential, images: np.ndarray, classes: np.ndarray, layer: str
) -> np.ndarray:
    """Return where a convolution layer speaks for a class: one map per image, 0 to 1.

    Each feature map is weighted by the mean gradient of the class score (before the softmax)
    with respect to it; the weighted sum, negative parts cut off, is scaled to a maximum of 1.

    Args:
        model: a Sequential classifier that ends in a Dense layer (with or without softmax).
        images: shape (n, height, width, channels).
        classes: the class to explain for each image, shape (n,).
        layer: name of a convolution layer of the model.

    Returns:
        Array (n, rows, columns) at the size of that layer's maps. All zero where nothing
        speaks for the class.

    Raises:
        ValueError: the model has no such convolution layer, or classes and images differ in number.

    Source: Selvaraju and others, Grad-CAM (2017), equations 1 and 2.
    """
    images, classes = np.asarray(images, "float32"), np.asarray(classes)
    if classes.shape != (len(images),):
        raise ValueError(f"{len(images)} images need as many classes; got shape {classes.shape}")
    maps = feature_maps(model, images)
    if layer not in maps:
        raise ValueError(f"no convolution layer {layer!r}; the model has {', '.join(maps)}")
    gradient = _gradient(_score_after(model, layer, classes), maps[layer])
    weights = gradient.mean(axis=(1, 2), keepdims=True)  # one per image and feature map
    cam = np.maximum((weights * maps[layer]).sum(axis=3), 0)
    peak = cam.max(axis=(1, 2), keepdims=True)
    return cam / np.where(peak > 0, peak, 1)


def occlude(images: np.ndarray, rows: np.ndarray, columns: np.ndarray, size: int) -> np.ndarray:
    """Return copies of the images, each with one square set to 0.

    Args:
        images: shape (n, height, width, channels).
        rows, columns: upper left corner of each square in pixels; may lie outside the image.
        size: side of the square in pixels.

    >>> occlude(np.ones((1, 3, 3, 1)), [0], [1], 2)[0, :, :, 0].tolist()
    [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    """
    down = np.arange(images.shape[1]) - np.asarray(rows)[:, None]  # (n, height)
    right = np.arange(images.shape[2]) - np.asarray(columns)[:, None]
    inside = ((down >= 0) & (down < size))[:, :, None] & ((right >= 0) & (right < size))[:, None]
    return np.where(inside[..., None], 0, images)


def _convolutions(model: keras.Model) -> list:
    import keras

    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    if not layers:
        raise ValueError(f"{model.name} has no convolution layer, so it has no feature maps")
    return layers


def _score_after(model: keras.Sequential, name: str, classes: np.ndarray) -> Callable:
    """Return the function: maps of layer `name` -> sum of the class scores before the softmax."""
    import keras

    names = [layer.name for layer in model.layers]
    *between, last = model.layers[names.index(name) + 1 :]
    chosen = np.eye(last.units, dtype="float32")[classes]

    def score(maps):
        for layer in between:
            maps = layer(maps)  # outside fit, so dropout does nothing
        # The last layer without its softmax, whose gradient vanishes where the network is sure.
        scores = keras.ops.matmul(maps, last.kernel) + last.bias
        return keras.ops.sum(keras.ops.multiply(scores, chosen))

    return score


def _gradient(function: Callable, x: np.ndarray) -> np.ndarray:
    """Return the gradient of a scalar function at x: what each backend does in its own way."""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return tape.gradient(value, x).numpy()
    if backend == "jax":
        import jax

        return np.asarray(jax.grad(function)(x))
    if backend == "torch":
        x = keras.ops.convert_to_tensor(x).detach().requires_grad_()
        function(x).backward()
        return keras.ops.convert_to_numpy(x.grad)
    raise NotImplementedError(f"no gradient for the Keras backend {backend!r}")
