"""Let Keras' max-pooling have a quick gradient on a CPU while JAX traces a training step.

JAX hands the gradient of a maximum back by going through all windows one after the other
(`select_and_scatter`), which in a small convolutional network takes longer than the convolutions'
own sums. Where windows of 2 x 2 lie side by side, each is four slices of the image, and a
comparison tells which of the four it was: the same gradient, bit for bit, several times faster.

Lesson: 11_convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from labkit.networks.standing_in import standing_in


@contextmanager
def quick_max_pooling() -> Iterator[None]:
    """While this is open, max-pooling that is traced by JAX has the quick gradient where it fits.

    It fits windows of 2 x 2 side by side, channels last, without padding; any other is traced as
    Keras does it. Does nothing where this Keras has no such place to stand in.
    """
    from keras.src.backend.jax import nn as place

    with standing_in(place, "max_pool", _max_pooling):
        yield


def _max_pooling(original: Callable) -> Callable:
    def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
        from keras import config

        channels_last = (data_format or config.image_data_format()) == "channels_last"
        sizes = [_pair(size) for size in (pool_size, pool_size if strides is None else strides)]
        fits = inputs.ndim == 4 and channels_last and padding == "valid"
        if not fits or sizes != [(2, 2), (2, 2)]:
            return original(inputs, pool_size, strides, padding, data_format)
        _, rows, columns, _ = inputs.shape
        return _quick()(inputs[:, : rows // 2 * 2, : columns // 2 * 2])

    return max_pool


def _pair(size: Any) -> tuple:
    return tuple(size) if isinstance(size, list | tuple) else (size, size)


def _quick() -> Any:
    """Return max-pooling of images (n, rows, columns, channels), rows and columns even."""
    import jax
    from jax import numpy as jnp

    def corners(x: Any) -> list:
        return [x[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]

    def forward(x: Any) -> tuple[Any, Any]:
        one, two, three, four = corners(x)
        return jnp.maximum(jnp.maximum(one, two), jnp.maximum(three, four)), x

    def backward(x: Any, gradient: Any) -> tuple[Any]:
        largest, none = forward(x)[0], jnp.zeros_like(gradient)
        free, parts = jnp.ones(gradient.shape, bool), []
        for corner in corners(x)[:3]:  # of equal numbers the first gets it, as in JAX
            parts.append(jnp.where(free & (corner == largest), gradient, none))
            free &= corner != largest
        parts.append(jnp.where(free, gradient, none))
        n, rows, columns, channels = x.shape
        pairs = [jnp.stack(parts[i : i + 2], axis=3) for i in (0, 2)]
        lines = [pair.reshape(n, rows // 2, columns, channels) for pair in pairs]
        return (jnp.stack(lines, axis=2).reshape(x.shape),)

    pool = jax.custom_vjp(lambda x: forward(x)[0])
    pool.defvjp(forward, backward)
    return pool
