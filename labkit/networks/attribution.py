"""What a trained network looks at: feature maps, gradients, occlusion, on any Keras backend.

Lesson: 11_convolution (Grad-CAM, occlusion), 27_monitoring_and_interpretability (gradient,
    integrated gradients, Grad-CAM, occlusion; `labkit.datacenter.monitoring.deletion` tests them).
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
    images, classes = _paired(images, classes)
    maps = feature_maps(model, images)
    if layer not in maps:
        raise ValueError(f"no convolution layer {layer!r}; the model has {', '.join(maps)}")
    names = [each.name for each in model.layers]
    score = _class_scores(model.layers[names.index(layer) + 1 :], classes)
    gradient = _gradient(score, maps[layer])
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


def peaks(maps: np.ndarray) -> np.ndarray:
    """Return where each map is largest, rows and columns, shape (2, n).

    Args:
        maps: shape (n, rows, columns).

    >>> peaks(np.array([[[0, 1], [0, 0]], [[0, 0], [5, 2]]])).tolist()
    [[0, 1], [1, 0]]
    """
    return np.array(np.unravel_index(maps.reshape(len(maps), -1).argmax(axis=1), maps.shape[1:]))


def stroke_pixels(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return of each image one pixel of its stroke (above 0.5), all with equal chances, (2, n).

    Args:
        images: shape (n, height, width, 1), 0 is background.

    >>> image = np.zeros((1, 3, 3, 1)); image[0, 2, 1] = 1
    >>> stroke_pixels(image, np.random.default_rng(0)).tolist()
    [[2], [1]]
    """
    return peaks(random.random(images.shape[:3]) * (images[..., 0] > 0.5))


# --- maps of pixels -------------------------------------------------------------------------------


def class_scores(model: keras.Sequential, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the score of one class for each image, before the softmax, shape (n,).

    Args:
        model: a Sequential classifier that ends in a Dense layer (with or without softmax).
        images: shape (n, height, width, channels).
        classes: of each image the class whose score is asked for, shape (n,).

    Raises:
        ValueError: classes and images differ in number.
    """
    import keras

    images, classes = _paired(images, classes)
    return keras.ops.convert_to_numpy(_class_scores(model.layers, classes)(images))


def class_gradient(model: keras.Sequential, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the gradient of `class_scores` by the pixels, of the images' shape; same arguments.

    Source: Simonyan, Vedaldi and Zisserman, Deep inside convolutional networks (2013).
    """
    images, classes = _paired(images, classes)
    return _gradient(_class_scores(model.layers, classes), images)


def integrated_gradients(
    gradient: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    baseline: float | np.ndarray = 0.0,
    steps: int = 32,
) -> np.ndarray:
    """Return what each pixel adds to the score on the straight way from a baseline to the image.

    (x - x0) times the mean gradient on the way, at the middle of each of `steps` equal parts. The
    sum over the pixels tends to score(x) - score(x0): completeness.

    Args:
        gradient: of the score by the pixels, for images of the shape given here.
        images: x, shape (n, height, width, channels).
        baseline: x0, an image or one number: 0 is black.
        steps: parts of the way, from 1 on.

    Raises:
        ValueError: fewer than one step.

    Source: Sundararajan, Taly and Yan, Axiomatic attribution for deep networks, ICML (2017).

    >>> product = lambda x: x[:, ::-1]  # the gradient of x1 x2, of which each gets a half
    >>> integrated_gradients(product, np.array([[2.0, 3.0]])).tolist()
    [[3.0, 3.0]]
    """
    if steps < 1:
        raise ValueError(f"steps must be 1 or more. Received: {steps}")
    way = (np.arange(steps) + 0.5) / steps
    away = images - baseline
    # Added up one by one: all gradients at once would take `steps` times the memory.
    return away * sum(gradient(baseline + share * away) for share in way) / steps


def occlusion_map(
    score: Callable[[np.ndarray], np.ndarray], images: np.ndarray, size: int = 7, step: int = 2
) -> np.ndarray:
    """Return how much the score falls, on average, when a square over a pixel is set to 0.

    Args:
        score: images -> one number each, shape (n,).
        images: shape (n, height, width, channels).
        size: side of the square in pixels.
        step: pixels from one square to the next, at most `size`.

    Returns:
        Shape (n, height, width).

    Raises:
        ValueError: a step below 1, or one that leaves pixels out.

    Source: Zeiler and Fergus, Visualizing and understanding convolutional networks (2014).
    """
    if not 1 <= step <= size:
        raise ValueError(f"step must lie in 1 to {size}, the side of the square. Received: {step}")
    height, width = images.shape[1:3]
    whole = score(images)
    total, count = np.zeros(images.shape[:3]), np.zeros((height, width))
    for row in range(1 - size, height, step):  # also half outside: each pixel is covered as often
        for column in range(1 - size, width, step):
            square = (
                slice(max(row, 0), max(row + size, 0)),
                slice(max(column, 0), max(column + size, 0)),
            )
            fall = whole - score(occlude(images, [row], [column], size))
            total[:, *square] += fall[:, None, None]
            count[square] += 1
    return total / count


def _paired(images: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    images, classes = np.asarray(images, "float32"), np.asarray(classes)
    if classes.shape != (len(images),):
        raise ValueError(f"{len(images)} images need as many classes; got shape {classes.shape}")
    return images, classes


def _convolutions(model: keras.Model) -> list:
    import keras

    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    if not layers:
        raise ValueError(f"{model.name} has no convolution layer, so it has no feature maps")
    return layers


def _class_scores(layers: list, classes: np.ndarray) -> Callable:
    """Return the function: input of these layers -> class scores before the softmax, (n,)."""
    import keras

    *between, last = layers
    chosen = np.eye(last.units, dtype="float32")[classes]

    def scores(x):
        for layer in between:
            x = layer(x)  # outside fit, so dropout does nothing
        # The last layer without its softmax, whose gradient vanishes where the network is sure.
        every = keras.ops.matmul(x, last.kernel) + last.bias
        return keras.ops.sum(keras.ops.multiply(every, chosen), axis=1)

    return scores


def _gradient(function: Callable, x: np.ndarray) -> np.ndarray:
    """Return the gradient of the sum of a function at x, as each backend does it."""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = keras.ops.sum(function(x))
        return tape.gradient(value, x).numpy()
    if backend == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: keras.ops.sum(function(x)))(x))
    if backend == "torch":
        x = keras.ops.convert_to_tensor(x).detach().requires_grad_()
        keras.ops.sum(function(x)).backward()
        return keras.ops.convert_to_numpy(x.grad)
    raise NotImplementedError(f"no gradient for the Keras backend {backend!r}")
