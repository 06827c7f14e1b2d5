"""The lab's activation functions beside those of Keras. Lesson: 03_activation_functions."""

from collections.abc import Mapping

import numpy as np

from labkit.maths.activations import Activation
from labkit.networks.backend import keras


def gaps(activations: Mapping[str, Activation], x: np.ndarray) -> dict[str, float]:
    """Return by how much each function differs from Keras' own at most, in 32-bit numbers.

    Args:
        activations: name -> function; names that Keras does not have are left out.
        x: inputs, any shape.
    """
    x, found = np.float32(x), {}
    for name, each in activations.items():
        options = {"gelu": {"approximate": False}}.get(name, {})
        if theirs := getattr(keras.activations, name, None):
            found[name] = float(abs(np.asarray(theirs(x, **options)) - each.value(x)).max())
    return found
