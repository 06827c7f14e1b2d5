"""Keras' own optimizers beside those of labkit.maths.descent."""

from __future__ import annotations

import numpy as np

from labkit.maths.descent import Surface, descend

NAMES = ("SGD", "RMSprop", "Adam", "AdamW", "Adadelta")


def differences_from_keras(surface: Surface, learning_rate: float, steps: int) -> dict[str, float]:
    """Return how far apart the walks of Keras and labkit end: optimizer -> largest difference.

    Keras computes in single precision, so that some 1e-6 remain.

    Args:
        surface: what both walk down, from its own start.
        learning_rate: of all walks.
        steps: of each walk.
    """
    from labkit.networks.backend import keras

    apart = {}
    for name in NAMES:
        theirs = getattr(keras.optimizers, name)(learning_rate)
        w = keras.Variable(surface.start)
        for _ in range(steps):
            theirs.apply([keras.ops.array(surface.gradient(w.numpy()), "float32")], [w])
        ours = descend(surface, name.lower(), learning_rate, steps)[-1]
        apart[name] = float(np.abs(ours - w.numpy()).max())
    return apart
