"""A dense network made small for a web page: every weight in 6 bits, one character each.

The page unpacks it in JavaScript (explore/js/digit/maths.js). Lesson 10 measures what the rounding
changes. Lessons: 00_start_here, 10_first_network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# One character a weight keeps the 397,510 numbers of 784-500-10 below half a megabyte.
CODES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ACTIVATIONS = ("Activation", "ReLU", "Relu", "Softmax")  # layers and operations of Keras
MIDDLE, MOST = 32, 31  # the place of a weight 0, and how far others lie from it at most


def pack(network: Any) -> list[dict]:
    """Return the dense layers of a network for the page: every weight rounded to 6 bits.

    Args:
        network: a Keras model of Dense layers one after the other (Flatten, Reshape, Dropout and
            layers of activations may stand between), or a list of NumPy layers, pairs (W, b) of
            shapes (inputs, units) and (units,). ReLU inside, softmax at the end.

    Returns:
        A list of dicts: inputs, units, codes (one character for each weight, its place in `CODES`
        less 32), steps (what a unit's numbers are multiplied by), biases.

    Raises:
        ValueError: other layers, activations or shapes; the message names the first.

    >>> layers = pack([(np.ones((4, 3)), np.zeros(3)), (np.ones((3, 2)), np.zeros(2))])
    >>> [layer["units"] for layer in layers]
    [3, 2]
    """
    plain = isinstance(network, list | tuple)
    return [pack_layer(W, b) for W, b in (_checked(network) if plain else _dense(network))]


def _checked(layers: Sequence) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return NumPy layers, if each takes what the one before gives."""
    pairs = [(np.asarray(W, dtype=float), np.asarray(b, dtype=float)) for W, b in layers]
    inputs = None
    for number, (W, b) in enumerate(pairs, start=1):
        if W.ndim != 2 or b.shape != W.shape[1:] or W.shape[0] != (inputs or W.shape[0]):
            wanted = f"({inputs or 'inputs'}, units) and (units,)"
            raise ValueError(
                f"layer {number} has W {W.shape} and b {b.shape}; give pairs (W, b) of shapes "
                f"{wanted}, each layer with as many inputs as the one before has units"
            )
        inputs = W.shape[1]
    return pairs


def _dense(model: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return weights and biases of a Keras model, if the page can compute it."""
    found = _with_activations(getattr(model, "operations", model.layers))
    wanted = ["relu"] * (len(found) - 1) + ["softmax"]
    for (layer, activation), name in zip(found, wanted, strict=True):
        if activation != name:
            raise ValueError(
                f"layer {layer.name} has the activation {activation!r}; the page "
                f"computes hidden layers with 'relu' and the last one with 'softmax'"
            )
    return [tuple(layer.get_weights()) for layer, _ in found]


def _with_activations(layers: Sequence) -> list[list]:
    """Return [dense layer, name of its activation], which may be a layer of its own after it."""
    found = []
    for layer in layers:
        kind = type(layer).__name__
        if kind == "Dense":
            found.append([layer, layer.activation.__name__])
        elif (
            kind in ("Activation", "ReLU", "Relu", "Softmax") and found and found[-1][1] == "linear"
        ):
            found[-1][1] = getattr(getattr(layer, "activation", None), "__name__", kind.lower())
        elif kind not in ("Flatten", "Reshape", "Dropout", "InputLayer"):
            raise ValueError(
                f"layer {layer.name} is a {kind}; the page computes Dense layers only "
                "(with Flatten, Reshape and Dropout around them, and activations after them)"
            )
    return found


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
