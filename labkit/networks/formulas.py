"""Let Keras' layer normalization and attention have shorter formulas while a step is traced.

Keras writes both for any axes, masks and types. In the usual case the same can be had with fewer
passes over the numbers, which is most of what they cost on a CPU: a normalization that shifts and
scales once, with its gradient by hand on TensorFlow; attention as products of matrices for each
head. Sums are taken in another order, so that results differ in their last bits.

Lesson: 14_attention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from labkit.networks.standing_in import standing_in

HIDDEN = -1e30  # added to a logit that must not be seen: its exponential is 0


@contextmanager
def short_formulas() -> Iterator[None]:
    """While this is open, what is traced in float32 has the shorter formulas where they fit.

    They fit a normalization over the last axis with scale and shift, and attention of as many
    heads of keys as of queries, without bias, cap or mask, but for a causal one. Any other is
    traced as Keras does it. Does nothing where this Keras has no such places to stand in.
    """
    import keras.src.backend
    import keras.src.ops.nn

    normalization = standing_in(keras.src.ops.nn, "_layer_normalization", _normalization)
    with normalization, standing_in(keras.src.backend.nn, "dot_product_attention", _attention):
        yield


def _all_float32(*parts: Any) -> bool:
    import keras

    return all(keras.backend.standardize_dtype(each.dtype) == "float32" for each in parts)


def _normalization(original: Callable) -> Callable:
    from keras import backend, ops

    def normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, rms_scaling=False):
        axes = [axis] if isinstance(axis, int) else list(axis)
        fits = axes in ([-1], [len(x.shape) - 1]) and not rms_scaling and epsilon is not None
        if not fits or gamma is None or beta is None or not _all_float32(x, gamma, beta):
            return original(x, gamma, beta, axis, epsilon, rms_scaling)
        parts = [ops.convert_to_tensor(each) for each in (x, gamma, beta)]
        if backend.backend() == "tensorflow":
            return _normalized_by_tensorflow(*parts, epsilon)
        straight, _ = _straightened(parts[0], epsilon)
        return straight * parts[1] + parts[2]

    return normalization


def _straightened(x: Any, epsilon: float) -> tuple[Any, Any]:
    """Return x with mean 0 and variance 1 along its last axis, and what it was scaled by."""
    from keras import ops

    apart = x - ops.mean(x, axis=-1, keepdims=True)
    scale = ops.rsqrt(ops.mean(ops.square(apart), axis=-1, keepdims=True) + epsilon)
    return apart * scale, scale


def _normalized_by_tensorflow(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    import tensorflow as tf

    @tf.custom_gradient
    def normalized(x, gamma, beta):
        straight, scale = _straightened(x, epsilon)

        def gradients(above):
            others = list(range(len(x.shape) - 1))
            inner = above * gamma
            turned = straight * tf.reduce_mean(inner * straight, -1, keepdims=True)
            of_x = (inner - tf.reduce_mean(inner, -1, keepdims=True) - turned) * scale
            return of_x, tf.reduce_sum(above * straight, others), tf.reduce_sum(above, others)

        return straight * gamma + beta, gradients

    return normalized(x, gamma, beta)


def _attention(original: Callable) -> Callable:
    from keras import ops

    def attention(query, key, value, *rest, is_causal=False, scale=None, **others):
        plain = not rest and all(each is None or each is False for each in others.values())
        if not plain or query.shape[2] != key.shape[2] or not _all_float32(query, key, value):
            return original(query, key, value, *rest, is_causal=is_causal, scale=scale, **others)
        scale = query.shape[-1] ** -0.5 if scale is None else scale
        queries = ops.transpose(query * scale, (0, 2, 1, 3))
        logits = ops.matmul(queries, ops.transpose(key, (0, 2, 3, 1)))
        if is_causal:
            places = [ops.arange(size) for size in ops.shape(logits)[-2:]]
            logits += ops.where(places[0][:, None] >= places[1], 0.0, HIDDEN)
        mixed = ops.matmul(ops.softmax(logits), ops.transpose(value, (0, 2, 1, 3)))
        return ops.transpose(mixed, (0, 2, 1, 3))

    return attention
