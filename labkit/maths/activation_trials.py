"""Trials of lesson 03: the same small networks, trained with one activation after the other.

All networks of a trial are trained at once, stacked along the first axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from labkit.maths.activations import (
    Activation,
    draw_networks,
    propagate,
    theory,
    weight_std,
)

RATES = (0.01, 0.05, 0.25, 1.25, 6.25)
HEAT, FINAL = 2, 5  # networks for each rate, and new ones at the picked rate
STEPS, BATCH, UNITS = 200, 32, 32
TINY = 1e-4  # step of a slope by finite differences
SMALLEST = 1e-12  # smallest mean square that a row is divided by

Bend = Callable[[np.ndarray], np.ndarray]
Back = Callable[[np.ndarray, np.ndarray], np.ndarray]
Layers = list[tuple[np.ndarray, np.ndarray]]
Step = Callable[[Layers, Bend, Back, np.ndarray, np.ndarray, np.ndarray], None]


class Digits(NamedTuple):
    """Images and labels: to learn from, to pick the rate by, to test on.

    Each of `learn`, `check` and `test` is a pair of X, shape (n, 64), and labels, shape (n,).
    """

    learn: tuple[np.ndarray, np.ndarray]
    check: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


class Race(NamedTuple):
    """What a race found.

    Attributes:
        rate: the picked learning rate.
        heats: share of the check images read right, shape (rates, HEAT).
        test: share of the test images read right at the picked rate, shape (FINAL,).
    """

    rate: float
    heats: np.ndarray
    test: np.ndarray


def in_three(X: np.ndarray, labels: np.ndarray) -> Digits:
    """Return digits in three parts: 900 to learn from, 400 to pick a rate by, the rest to test.

    Each pixel has mean 0, and all together have variance 1, in the images to learn from.

    Args:
        X: pixels, shape (n, 64), n above 1,300.
        labels: digits, shape (n,).

    >>> X, labels = np.random.default_rng(0).random((1797, 64)), np.arange(1797) % 10
    >>> [len(each) for _, each in in_three(X, labels)]
    [900, 400, 497]
    """
    parts = np.split(np.random.default_rng(0).permutation(len(X)), [900, 1300])
    known = X[parts[0]]
    X = (X - known.mean(axis=0)) / known.std()
    return Digits(*((X[part], labels[part]) for part in parts))


def draw_layers(hidden: int, variance: float, seeds: Sequence, inputs: int = 64) -> Layers:
    """Return layers of a network for each seed: (W, b) of shapes (seeds, n, m), (seeds, 1, m).

    Args:
        hidden: number of hidden layers of 32 units; ten outputs follow.
        variance: of a hidden weight, times the inputs n of its layer: 1 is Xavier (for layers as
            wide as their inputs), 2 is He. The last layer has 1.
        seeds: whatever `np.random.default_rng` takes, one for each network.
        inputs: width of a sample.

    >>> [W.shape for W, b in draw_layers(hidden=2, variance=2, seeds=[0, 1, 2])]
    [(3, 64, 32), (3, 32, 32), (3, 32, 10)]
    """
    sizes = [inputs, *[UNITS] * hidden, 10]
    rngs = [np.random.default_rng(seed) for seed in seeds]
    layers = []
    for n, m in pairwise(sizes):
        scale = np.sqrt((1 if m == 10 else variance) / n)
        W = scale * np.stack([rng.standard_normal((n, m)) for rng in rngs])
        layers.append((W, np.zeros((len(rngs), 1, m))))
    return layers


def plain(f: Activation) -> tuple[Bend, Back]:
    """Return what a hidden layer does to its weighted sums, and to a gradient on its way back.

    >>> from labkit.maths.activations import find
    >>> bend, back = plain(find("relu"))
    >>> back(np.array([-1.0, 2.0]), np.array([5.0, 5.0])).tolist()
    [0.0, 5.0]
    """
    return f.value, lambda z, gradient: gradient * f.slope(z)


def normalized(f: Activation) -> tuple[Bend, Back]:
    """Return the same as `plain` for a layer that first brings each sample to root mean square 1.

    Source: Zhang and Sennrich, Root mean square layer normalization (2019), without its gains.

    >>> from labkit.maths.activations import find
    >>> bend, back = normalized(find("linear"))
    >>> bend(np.array([[30.0, 40.0]])).round(3).tolist()
    [[0.849, 1.131]]
    """

    def size(z: np.ndarray) -> np.ndarray:
        return np.sqrt(np.mean(z**2, axis=-1, keepdims=True) + SMALLEST)

    def back(z: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        u = z / size(z)
        gradient = gradient * f.slope(u)
        # What would only change the size is taken away again.
        return (gradient - u * np.mean(gradient * u, axis=-1, keepdims=True)) / size(z)

    return lambda z: f.value(z / size(z)), back


def own(value: Bend) -> Activation:
    """Return a learner's function as an activation; its slope is measured.

    >>> round(float(own(np.tanh).slope(np.array(0.0))), 6)
    1.0
    """

    def slope(z: np.ndarray) -> np.ndarray:
        return (value(z + TINY) - value(z - TINY)) / (2 * TINY)

    return Activation("own", "", value, slope)


def accuracy(layers: Layers, bend: Bend, X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the share of images that each network reads right, shape (networks,).

    A network whose outputs are no numbers any more has read none.
    """
    h = X
    for W, b in layers[:-1]:
        h = bend(h @ W + b)
    z = h @ layers[-1][0] + layers[-1][1]
    right = (z.argmax(axis=-1) == labels).mean(axis=-1)
    return np.where(np.isfinite(z).all(axis=(-1, -2)), right, 0.0)


def train(
    step: Step,
    both: tuple[Bend, Back],
    layers: Layers,
    rates: np.ndarray,
    seeds: Sequence,
    data: tuple[np.ndarray, np.ndarray],
) -> Layers:
    """Return the layers after STEPS steps of BATCH images; each network draws its own images.

    Args:
        step: changes the layers in place: step(layers, bend, back, x, y, rate).
        both: what `plain` or `normalized` returns.
        layers: of K networks.
        rates: learning rate of each, shape (K,).
        seeds: of the images, one for each.
        data: X, shape (n, inputs), and labels, shape (n,).
    """
    X, labels = data
    drawn = [np.random.default_rng(s).integers(len(X), size=(STEPS, BATCH)) for s in seeds]
    rows, Y = np.stack(drawn, axis=1), np.eye(10)[labels]
    with np.errstate(all="ignore"):  # at rates that are too high numbers overflow
        for now in rows:
            step(layers, *both, X[now], Y[now], np.reshape(rates, (-1, 1, 1)))
    return layers


def race(
    step: Step,
    f: Activation,
    variance: float,
    hidden: int,
    data: Digits,
    seed: int = 0,
    normalize: bool = False,
) -> Race:
    """Train networks at each of RATES, pick the best by the check images, and test new ones.

    Args:
        step: see `train`.
        f: the activation of the hidden layers.
        variance: see `draw_layers`.
        hidden: number of hidden layers.
        data: what `in_three` returns.
        seed: of weights and images.
        normalize: whether each hidden layer is `normalized`.
    """
    both = normalized(f) if normalize else plain(f)

    def share(rates: Sequence[float], seeds: list, part: tuple) -> np.ndarray:
        layers = draw_layers(hidden, variance, seeds)
        layers = train(step, both, layers, np.array(rates), seeds, data.learn)
        with np.errstate(all="ignore"):
            return accuracy(layers, both[0], *part)

    heat = [[seed, k] for k in range(HEAT)]
    heats = share(np.repeat(RATES, HEAT), heat * len(RATES), data.check).reshape(-1, HEAT)
    rate = RATES[heats.mean(axis=1).argmax()]
    final = [[seed, HEAT + k] for k in range(FINAL)]
    return Race(float(rate), heats, share([rate] * FINAL, final, data.test))


def better_start(activation: str, depth: int = 30, width: int = 64) -> float:
    """Return the variance, 1 (Xavier) or 2 (He), that theory says leaves the gradient its size.

    Of the two it is the one with which the share that arrives at the first layer is nearer to 1,
    by factors.

    >>> better_start("relu"), better_start("linear")
    (2.0, 1.0)
    """

    def off_by(variance: float) -> float:
        gradient = theory(activation, (variance / width) ** 0.5, depth, width)[1]
        return abs(float(np.log(gradient[0] / gradient[-1])))

    return min((1.0, 2.0), key=off_by)


def silent_units(
    step: Step,
    f: Activation,
    X: np.ndarray,
    labels: np.ndarray,
    rates: Sequence[float],
    seeds: int = 5,
    seed: int = 0,
) -> np.ndarray:
    """Return which units are off for all samples before each step, shape (steps, seeds, units).

    Args:
        step: see `train`.
        f: activation of the one hidden layer of 32 units, which starts with He.
        X, labels: samples, shape (n, inputs), all of them in each step, and their classes.
        rates: learning rate of each step.
        seeds: number of networks.
        seed: of their weights.
    """
    layers = draw_layers(1, 2.0, [[seed, k] for k in range(seeds)], X.shape[1])
    x, y = np.stack([X] * seeds), np.stack([np.eye(10)[labels]] * seeds)
    silent = []
    for rate in rates:
        W, b = layers[0]
        silent.append((X @ W + b <= 0).all(axis=1))
        step(layers, *plain(f), x, y, np.full((seeds, 1, 1), rate))
    return np.array(silent)


def gradients_left(pairs: dict[str, str], depth: int = 20, width: int = 64) -> list[float]:
    """Return which share of the gradient arrives at the first layer, the median of 100 networks.

    Args:
        pairs: activation -> initialization.
        depth, width: of the networks.

    >>> 0.5 < gradients_left({"relu": "he"}, depth=2, width=8)[0] < 2
    True
    """
    networks = draw_networks(depth, width, seeds=100)
    inputs = np.random.default_rng(0).normal(size=(8, width))
    inputs /= np.sqrt(np.mean(inputs**2))
    left = []
    for name, start in pairs.items():
        gradient = propagate(name, weight_std(start, width, width), networks, inputs).gradient
        left.append(float(np.median(gradient[0] / gradient[-1])))
    return left
