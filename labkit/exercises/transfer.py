"""Exercises of lesson 15: freeze correctly, count what is trained, a gain with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from labkit.learn.checks import Exercise

# --- freeze: my_freeze(layers, count) -> the trainable flag of each layer ------------------------


@dataclass
class Layer:
    """A stand-in for a Keras layer: its name, how many weight arrays it has, and its flag."""

    name: str
    weights: int
    trainable: bool = True


def _network(*free):
    """The network of the lesson; `free` are the flags before, all True if none is given."""
    parts = [("conv_1", 2), ("conv_2", 2), ("flatten", 0), ("hidden", 2), ("head", 2)]
    flags = free or (True,) * len(parts)
    return [Layer(*part, flag) for part, flag in zip(parts, flags, strict=True)]


def _freeze(layers, count):
    seen = 0
    for layer in layers:
        frozen = seen < count
        seen += layer.weights > 0
        layer.trainable = not (frozen and layer.weights > 0)
    return _flags(layers)


def _flags(layers):
    """Flags of the layers with weights: on the others they mean nothing."""
    return [layer.trainable for layer in layers if layer.weights]


def _set(layers, flags):
    for layer, flag in zip([each for each in layers if each.weights], flags, strict=True):
        layer.trainable = bool(flag)
    return _flags(layers)


def _only_freezes(layers, count):
    for layer in [each for each in layers if each.weights][:count]:
        layer.trainable = False
    return _flags(layers)


def _counts_all_layers(layers, count):
    for place, layer in enumerate(layers):
        layer.trainable = place >= count
    return _flags(layers)


freeze = Exercise(
    name="freeze",
    right=_freeze,
    cases=[
        (_network(), 0),
        (_network(), 1),
        (_network(), 2),
        (_network(), 3),
        (_network(False, False, True, False, True), 1),
    ],
    mistakes={
        "flags the other way round": (
            lambda layers, count: _set(layers, np.arange(4) < count),
            "You freeze what should learn. `trainable = False` means frozen; the first layers "
            "are to be frozen.",
        ),
        "the last layers are frozen": (
            lambda layers, count: _set(layers, np.arange(4) < 4 - count),
            "You freeze from the end. The head must learn the new classes; general features sit "
            "in the first layers.",
        ),
        "one layer too many": (
            lambda layers, count: _set(layers, np.arange(4) > count),
            "You freeze one layer too many: count = 0 shall freeze nothing.",
        ),
        "everything but the head": (
            lambda layers, count: _set(layers, np.arange(4) == 3),
            "You freeze everything but the head, whatever `count` says.",
        ),
        "flatten is counted": (
            _counts_all_layers,
            "You count the flatten layer. It has no weights, so freezing it freezes nothing: count "
            "only layers with weights.",
        ),
        "nothing is set free again": (
            _only_freezes,
            "You set flags to False and none to True. A layer that was frozen before stays frozen: "
            "say for each layer which it is.",
        ),
        "nothing changes": (
            lambda layers, count: _flags(layers),
            "No flag changes. Set `layer.trainable` on the layers themselves.",
        ),
    },
    hint="take the layers with weights, in order; layer.trainable = (place >= count).",
)

# --- count: my_trained(shapes, frozen) -> number of weights that are trained ---------------------

_SHAPES = [
    ((5, 5, 1, 16), (16,)),
    ((3, 3, 16, 32), (32,)),
    ((800, 64), (64,)),
    ((64, 5), (5,)),
]


def _sizes(shapes):
    return [int(np.prod(kernel) + np.prod(bias)) for kernel, bias in shapes]


trained = Exercise(
    name="trained",
    right=lambda shapes, frozen: sum(_sizes(shapes)[frozen:]),
    cases=[(_SHAPES, 0), (_SHAPES, 1), (_SHAPES, 2), (_SHAPES, 3), (_SHAPES[2:], 1)],
    mistakes={
        "the frozen ones": (
            lambda shapes, frozen: sum(_sizes(shapes)[:frozen]),
            "You counted the frozen weights. Those behind them are trained.",
        ),
        "all of them": (
            lambda shapes, frozen: sum(_sizes(shapes)),
            "You counted all weights of the network, the frozen ones too.",
        ),
        "biases left out": (
            lambda shapes, frozen: sum(int(np.prod(kernel)) for kernel, _ in shapes[frozen:]),
            "You counted the kernels alone. Each layer has its biases too, and they are trained "
            "with it.",
        ),
        "biases of frozen layers": (
            lambda shapes, frozen: (
                sum(_sizes(shapes)[frozen:]) + sum(bias[0] for _, bias in shapes[:frozen])
            ),
            "You count the biases of the frozen layers. A frozen layer freezes its bias too.",
        ),
        "only the head": (
            lambda shapes, frozen: _sizes(shapes)[-1],
            "You counted the head alone. All layers behind the frozen ones are trained.",
        ),
        "only the first free layer": (
            lambda shapes, frozen: _sizes(shapes)[frozen],
            "You counted the first layer behind the frozen ones. There are more behind it.",
        ),
        "the shapes are added": (
            lambda shapes, frozen: sum(sum(k) + sum(b) for k, b in shapes[frozen:]),
            "You added the sides of the kernels. A kernel of shape (3, 3, 16, 32) has "
            "3 * 3 * 16 * 32 weights.",
        ),
    },
    hint="np.prod(kernel) + np.prod(bias) for each layer from `frozen` on; add them up.",
)

# --- gain: my_gain(transfer, scratch, t) -> (mean gain, margin) ---------------------------------


def _gain(transfer, scratch, t):
    difference = np.subtract(transfer, scratch)
    return float(difference.mean()), t * float(difference.std(ddof=1)) / sqrt(len(difference))


def _unpaired(transfer, scratch, t):
    spread = np.var(transfer, ddof=1) + np.var(scratch, ddof=1)
    return _gain(transfer, scratch, t)[0], t * sqrt(spread / len(transfer))


_RANDOM = np.random.default_rng(15)


def _results(seeds, t):
    scratch = _RANDOM.normal(80, 4, seeds).round(1)
    return (scratch + _RANDOM.normal(3, 1, seeds)).round(1).tolist(), scratch.tolist(), t


gain = Exercise(
    name="gain",
    right=_gain,
    cases=[_results(5, 2.776), _results(8, 2.365), _results(3, 4.303)],
    mistakes={
        "sign": (
            lambda transfer, scratch, t: _gain(scratch, transfer, t),
            "Your gain is negative where transfer is better. Subtract the result from scratch.",
        ),
        "not paired": (
            _unpaired,
            "You added the spreads of the two lists. Both lists share their seeds: subtract seed "
            "by seed first, then take the spread of the differences.",
        ),
        "spread of one list": (
            lambda transfer, scratch, t: (
                _gain(transfer, scratch, t)[0],
                t * float(np.std(transfer, ddof=1)) / sqrt(len(transfer)),
            ),
            "Your margin is that of the accuracies after transfer. It shall be that of the gain: "
            "take the spread of the differences.",
        ),
        "divided by n": (
            lambda transfer, scratch, t: (
                _gain(transfer, scratch, t)[0],
                t * float(np.subtract(transfer, scratch).std()) / sqrt(len(transfer)),
            ),
            "np.std divides by n unless told otherwise. The spread of a few results needs n - 1: "
            "ddof=1.",
        ),
        "spread of single results": (
            lambda transfer, scratch, t: (
                _gain(transfer, scratch, t)[0],
                t * float(np.subtract(transfer, scratch).std(ddof=1)),
            ),
            "You forgot to divide by the root of n. A mean varies less than a single result.",
        ),
        "1.96 for t": (
            lambda transfer, scratch, t: _gain(transfer, scratch, 1.96),
            "You used 1.96, which is right for many seeds. For few, use the t that is given.",
        ),
        "divided by n twice": (
            lambda transfer, scratch, t: (
                _gain(transfer, scratch, t)[0],
                _gain(transfer, scratch, t)[1] / sqrt(len(transfer)),
            ),
            "You divided by n. The margin of a mean falls with the *root* of n.",
        ),
    },
    hint="d = transfer - scratch; mean of d, and t * np.std(d, ddof=1) / sqrt(n).",
)
