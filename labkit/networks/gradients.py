"""The lab's gradients beside those of Keras. Lesson: 04_backpropagation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from labkit.maths import backprop as maths
from labkit.maths.backprop import Layers
from labkit.networks.backend import keras


def gradient_error(layers: Layers, X: ArrayLike, y: ArrayLike, activation: str) -> float:
    """Return the largest relative error between `maths.backward` and Keras, in float64.

    Keras shows its gradient by one step of SGD at rate 1: the weights move by just that.

    Args:
        layers: pairs (W, b), the last one followed by a sigmoid.
        X: samples, shape (n, inputs).
        y: targets 0 or 1, shape (n, 1).
        activation: of the hidden layers, a name that Keras knows.
    """
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    try:
        names = [activation] * (len(layers) - 1) + ["sigmoid"]
        dense = [
            keras.layers.Dense(W.shape[1], activation=name)
            for (W, _), name in zip(layers, names, strict=True)
        ]
        model = keras.Sequential([keras.Input((layers[0][0].shape[0],)), *dense])
        model.set_weights([array for layer in layers for array in layer])
        start = model.get_weights()
        model.compile(keras.optimizers.SGD(1.0), "binary_crossentropy")
        model.train_on_batch(np.asarray(X), np.asarray(y))
        moved = [a - b for a, b in zip(start, model.get_weights(), strict=True)]
    finally:
        keras.config.set_floatx(before)
    ours = maths.backward(layers, maths.forward(layers, X, activation), y, activation)
    flat = [array for layer in ours for array in layer]
    return max(maths.relative_error(a, b) for a, b in zip(moved, flat, strict=True))
