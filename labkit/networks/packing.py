"""A dense network made small for a web page: every weight in 6 bits, one character each.

The page unpacks it in JavaScript (explore/js/digit/maths.js). Lesson 10 measures what the rounding
changes. Lesson: 10_first_network.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# One character a weight keeps the 397,510 numbers of 784-500-10 below half a megabyte.
CODES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
MIDDLE, MOST = 32, 31  # the place of a weight 0, and how far others lie from it at most


def pack(model: Any) -> list[dict]:
    """Return the Dense layers of a model for the page: every weight rounded to 6 bits.

    Args:
        model: a Keras Sequential of Flatten, Dense and Dropout layers, ReLU inside, softmax at the
            end.

    Returns:
        A list of dicts: inputs, units, codes (one character for each weight, its place in `CODES`
        less 32), steps (what a unit's numbers are multiplied by), biases.

    Raises:
        ValueError: the model has other layers or other activations; the message names the first.
    """
    dense = [layer for layer in model.layers if _is_dense(layer)]
    wanted = ["relu"] * (len(dense) - 1) + ["softmax"]
    for layer, name in zip(dense, wanted, strict=True):
        if layer.activation.__name__ != name:
            raise ValueError(
                f"layer {layer.name} has the activation {layer.activation.__name__!r}; the page "
                f"computes hidden layers with 'relu' and the last one with 'softmax'"
            )
    return [pack_layer(*layer.get_weights()) for layer in dense]


def _is_dense(layer: Any) -> bool:
    kind = type(layer).__name__
    if kind not in ("Dense", "Flatten", "Dropout", "InputLayer"):
        raise ValueError(
            f"layer {layer.name} is a {kind}; the page computes Dense layers only "
            "(with Flatten and Dropout around them)"
        )
    return kind == "Dense"


def pack_layer(W: np.ndarray, b: np.ndarray) -> dict:
    """Return one layer as in `pack`; W has shape (inputs, units), b has (units,).

    >>> pack_layer(np.array([[0.0, -1.0], [31.0, 0.5]]), np.zeros(2))["codes"]  # 0 is "g"
    'gB/w'
    """
    steps = np.abs(W).max(axis=0) / MOST
    steps[steps == 0] = 1.0  # a unit whose weights are all 0
    codes = np.rint(W / steps).astype(int).ravel() + MIDDLE
    return {
        "inputs": W.shape[0],
        "units": W.shape[1],
        "codes": np.frombuffer(CODES.encode(), np.uint8)[codes].tobytes().decode(),
        "steps": [float(f"{step:.7g}") for step in steps],
        "biases": [float(f"{bias:.7g}") for bias in b],
    }


def unpack(layers: list[dict]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the layers of `pack` as pairs (W, b) for `labkit.maths.backprop.forward`.

    >>> (W, b), = unpack([pack_layer(np.array([[0.0, -1.0], [31.0, 0.5]]), np.zeros(2))])
    >>> W.round(2).tolist()
    [[0.0, -1.0], [31.0, 0.52]]
    """
    places, pairs = np.zeros(128, dtype=int), []
    places[np.frombuffer(CODES.encode(), np.uint8)] = np.arange(len(CODES))
    for each in layers:
        numbers = places[np.frombuffer(each["codes"].encode(), np.uint8)] - MIDDLE
        W = numbers.reshape(each["inputs"], each["units"]) * np.array(each["steps"])
        pairs.append((W, np.array(each["biases"])))
    return pairs
