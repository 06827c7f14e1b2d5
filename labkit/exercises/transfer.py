"""Exercises of lesson 15: freeze correctly, count what is trained, a gain with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from labkit.learn.checks import Exercise

# --- freeze: my_freeze(layers, count) -> the trainable flag of each layer ------------------------


class Layer:
    """A layer with what Keras' layers tell of their weights, and without Keras.

    Args:
        name: name of the layer.
        shapes: shape of each array of weights.
        trainable: its flag.
    """

    def __init__(self, name: str, *shapes: tuple[int, ...], trainable: bool = True):
        self.name, self.built = name, True
        self.weights = [np.zeros(shape) for shape in shapes]
        self.trainable = trainable

    def __repr__(self) -> str:
        return self.name

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, value) -> None:
        self._trainable = bool(value)

    @property
    def variables(self) -> list[np.ndarray]:
        """All arrays, as `weights`."""
        return self.weights

    @property
    def trainable_weights(self) -> list[np.ndarray]:
        """The arrays that training changes."""
        return self.weights if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[np.ndarray]:
        """The arrays that training leaves alone."""
        return [] if self.trainable else self.weights

    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """Return all arrays."""
        return self.weights

    def count_params(self) -> int:
        """Return the number of weights."""
        return sum(each.size for each in self.weights)


_SHAPES = {
    "conv_1": ((5, 5, 1, 16), (16,)),
    "conv_2": ((3, 3, 16, 32), (32,)),
    "flatten": (),
    "hidden": ((800, 64), (64,)),
    "head": ((64, 5), (5,)),
}


def _network(*free):
    """The network of the lesson; `free` are the flags before, all True if none is given."""
    flags = free or (True,) * len(_SHAPES)
    pairs = zip(_SHAPES.items(), flags, strict=True)
    return [Layer(name, *shapes, trainable=flag) for (name, shapes), flag in pairs]


def _flags(layers):
    """Flags of the layers with weights: on the others they mean nothing."""
    return [layer.trainable for layer in layers if layer.weights]


def _freeze(layers, count):
    return _set(layers, np.arange(4) >= count)


def _set(layers, flags):
    for layer, flag in zip([each for each in layers if each.weights], flags, strict=True):
        layer.trainable = flag
    return _flags(layers)


def _only_freezes(layers, count):
    for layer in [each for each in layers if each.weights][:count]:
        layer.trainable = False
    return _flags(layers)


def _counts_all_layers(layers, count):
    for place, layer in enumerate(layers):
        layer.trainable = place >= count
    return _flags(layers)


@dataclass(frozen=True)
class _Contradiction:
    """What is returned, and what the layers themselves say."""

    returned: str
    flags: tuple[bool, ...]

    def __repr__(self) -> str:
        return f"{self.returned}, while the layers say {list(self.flags)}"


def _as_the_layers_say(returned, layers, count):
    """Return what an answer gave, if the layers' own flags say the same."""
    if returned is None or returned is ...:
        return returned
    flags = _flags(layers)
    every = [layer.trainable for layer in layers]  # the flatten layer's may be returned too
    agrees = [bool(flag) for flag in returned] in (flags, every)
    return flags if agrees else _Contradiction(str(returned), tuple(flags))


freeze = Exercise(
    name="freeze",
    lesson="15",
    right=_freeze,
    read=_as_the_layers_say,  # flags that are only returned freeze nothing
    cases=[
        (_network(), 0),
        (_network(), 1),
        (_network(), 2),
        (_network(), 3),
        (_network(False, False, True, False, True), 1),
    ],
    mistakes={
        "only returned": (
            lambda layers, count: [place >= count for place in range(4)],
            "The flags that you return are right, but no layer has changed: Keras would train them "
            "all. Set `layer.trainable` on the layers themselves.",
        ),
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
            "You freeze one layer too many. Which ones are frozen for count = 0?",
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
    hint="Number the layers that have weights. Say for each whether it learns, on the layer "
    "itself.",
)

# --- count: my_trained(shapes, frozen) -> number of weights that are trained ---------------------

_PAIRS = [shapes for shapes in _SHAPES.values() if shapes]


def _sizes(shapes):
    return [int(np.prod(kernel) + np.prod(bias)) for kernel, bias in shapes]


trained = Exercise(
    name="trained",
    lesson="15",
    right=lambda shapes, frozen: sum(_sizes(shapes)[frozen:]),
    cases=[*((_PAIRS, frozen) for frozen in range(4)), (_PAIRS[2:], 1)],
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
    hint="How many numbers are in an array of that shape? Count kernels and biases of the layers "
    "that still learn.",
)

# --- gain: my_gain(transfer, scratch, t) -> (mean gain, margin) ---------------------------------


def _gain(transfer, scratch, t):
    difference = np.subtract(transfer, scratch)
    return float(difference.mean()), t * float(difference.std(ddof=1)) / sqrt(len(difference))


def _unpaired(transfer, scratch, t):
    spread = np.var(transfer, ddof=1) + np.var(scratch, ddof=1)
    return _gain(transfer, scratch, t)[0], t * sqrt(spread / len(transfer))


_RANDOM = np.random.default_rng(15)


def _results(seeds, t, mean=3):
    scratch = _RANDOM.normal(80, 4, seeds).round(1)
    return (scratch + _RANDOM.normal(mean, 1, seeds)).round(1).tolist(), scratch.tolist(), t


gain = Exercise(
    name="gain",
    lesson="15",
    right=_gain,
    # Student's t to the last digit, so that scipy's answer is right as well; in the last case
    # transfer harms.
    cases=[
        _results(5, 2.7764451051977987),
        _results(8, 2.364624251592785),
        _results(3, 4.302652729911275),
        _results(5, 2.7764451051977987, mean=-3),
    ],
    mistakes={
        "sign": (
            lambda transfer, scratch, t: _gain(scratch, transfer, t),
            "Your gain is negative where transfer is better.",
        ),
        "size of the gain": (
            lambda transfer, scratch, t: (
                abs(_gain(transfer, scratch, t)[0]),
                _gain(transfer, scratch, t)[1],
            ),
            "Your gain is never negative. Where transfer harms it must be: leave the sign.",
        ),
        "no gain below 0": (
            lambda transfer, scratch, t: (
                max(0.0, _gain(transfer, scratch, t)[0]),
                _gain(transfer, scratch, t)[1],
            ),
            "You cut the gain off at 0. Transfer can harm; then the gain is negative.",
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
            "np.std divides by n unless told otherwise. The spread of a few results needs n - 1.",
        ),
        "spread of single results": (
            lambda transfer, scratch, t: (
                _gain(transfer, scratch, t)[0],
                t * float(np.subtract(transfer, scratch).std(ddof=1)),
            ),
            "This is the spread of single results. A mean varies less: by how much?",
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
            "Your margin falls too fast with n: four times the seeds only halve it.",
        ),
    },
    hint="Subtract seed by seed first. Then the mean of these differences, and how sure it is: t "
    "standard errors to each side.",
)
