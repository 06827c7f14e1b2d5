"""Numbers of 16 bits: what they hold, and what a training loses in them.

Products of 16-bit hardware add up in 32 bits and round the result. So does `gradients`: it computes
in float32 and rounds every result to the format, which gives the numbers without the hardware.
The formats are rounding functions: float32 in, float32 out, on the grid of the format.

Lesson: 20_faster_training.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit.datacenter import network
from labkit.maths.backprop import glorot_layers

Rounding = Callable[[ArrayLike], np.ndarray]
Arrays = list[np.ndarray]  # W1, b1, W2, b2, ...

# --- the formats ----------------------------------------------------------------------------------


def float32(x: ArrayLike) -> np.ndarray:
    """Return numbers rounded to float32: 8 bits of exponent, 23 of fraction."""
    return np.asarray(x, np.float32)


def float16(x: ArrayLike) -> np.ndarray:
    """Return numbers rounded to float16: 5 bits of exponent, 10 of fraction.

    Source: IEEE 754-2008, binary16.

    >>> float16([1 + 2**-11, 65504, 65520, 2**-24, 2**-25]).tolist()
    [1.0, 65504.0, inf, 5.960464477539063e-08, 0.0]
    """
    x = np.asarray(x, np.float32, order="C")
    small = np.abs(x) < np.float32(2**-14)  # from here on down the steps are 2^-24, all the same
    near = np.where(small, x, np.float32(0))
    near = (near + np.float32(0.75)) - np.float32(0.75)  # float32 between 0.5 and 1 has this step
    rounded = np.where(small, near, _cut(x, 13))
    rounded = np.where(np.abs(rounded) > np.float32(65504), np.copysign(np.inf, x), rounded)
    return np.copysign(rounded, x).astype(np.float32)


def bfloat16(x: ArrayLike) -> np.ndarray:
    """Return numbers rounded to bfloat16: float32 without the last 16 bits of its fraction.

    >>> bfloat16([1 + 2**-8, 1 + 2**-7, 3.0e38]).tolist()
    [1.0, 1.0078125, 3.00405527047391e+38]
    """
    return _cut(np.asarray(x, np.float32, order="C"), 16)


def _cut(x: np.ndarray, last: int) -> np.ndarray:
    """Return float32 without its `last` bits, rounded to the nearest, halfway to the even one."""
    bits = x.view(np.uint32)
    even = (bits >> last) & 1  # the last bit that stays decides a tie
    rounded = (bits + np.uint32((1 << (last - 1)) - 1) + even) >> last << last
    return np.where(np.isnan(x), x, rounded.view(np.float32))


FORMATS: dict[str, Rounding] = {"float32": float32, "float16": float16, "bfloat16": bfloat16}


class Facts(NamedTuple):
    """largest: finite number. smallest: above 0. step: from 1 to the next number."""

    largest: float
    smallest: float
    step: float


def facts(rounding: Rounding) -> Facts:
    """Return what a format can hold, found by trying powers of two.

    >>> facts(float16)
    Facts(largest=65504.0, smallest=5.960464477539063e-08, step=0.0009765625)
    """
    powers = 2.0 ** np.arange(-149, 128)
    smallest = float(powers[rounding(powers) > 0].min())
    step = float(powers[rounding(1 + powers) - 1 == powers].min())
    top = float(powers[np.isfinite(rounding(powers))].max())
    return Facts(top * (2 - step), smallest, step)  # all bits of the fraction set


def share_lost(numbers: ArrayLike, scale: float = 1.0, rounding: Rounding = float16) -> float:
    """Return which share of the numbers that are not 0 becomes 0, times `scale` and rounded.

    >>> share_lost([0.0, 1.0, 1e-8, 1e-9, 1.0]), share_lost([1.0, 1e-8], scale=1024)
    (0.5, 0.0)
    """
    numbers = np.asarray(numbers, np.float32)
    numbers = numbers[numbers != 0]
    with np.errstate(over="ignore"):
        return float((rounding(numbers * np.float32(scale)) == 0).mean()) if numbers.size else 0.0


# --- a network that computes in a format ----------------------------------------------------------
# Its own passes beside those of `network`: here every result on the way is rounded.


def start(sizes: Sequence[int], seed: int = 0) -> Arrays:
    """Return random weights in float32: W1, b1, W2, b2, ...

    >>> [a.shape for a in start([784, 64, 10])]
    [(784, 64), (64,), (64, 10), (10,)]
    """
    return [a.astype(np.float32) for layer in glorot_layers(list(sizes), seed) for a in layer]


def round_all(arrays: Sequence[np.ndarray], rounding: Rounding) -> Arrays:
    """Return a rounded copy of every array."""
    return [rounding(a) for a in arrays]


def are_finite(arrays: Sequence[np.ndarray]) -> bool:
    """Return whether no number is infinite or undefined.

    >>> are_finite([np.ones(2)]), are_finite([np.array([1, np.inf])])
    (True, False)
    """
    return all(np.isfinite(a).all() for a in arrays)


def distance(found: Arrays, exact: Arrays, scale: float = 1.0) -> float:
    """Return how far `found` / `scale` lies from `exact`, as a share of the length of `exact`.

    >>> distance([np.array([8.0, 6.0])], [np.array([4.0, 3.0])], scale=2.0)
    0.0
    """
    apart = sum(
        float(((a / scale - b).astype(float) ** 2).sum()) for a, b in zip(found, exact, strict=True)
    )
    length = sum(float((b.astype(float) ** 2).sum()) for b in exact)
    return float(np.sqrt(apart / length))


def logits(weights: Arrays, x: np.ndarray, rounding: Rounding = float32) -> Arrays:
    """Return the inputs, what every hidden layer gives (ReLU), and the last z, rounded each.

    Args:
        weights: W1, b1, W2, b2, ...
        x: inputs, shape (n, inputs).
    """
    given = [rounding(x)]
    for number in range(0, len(weights), 2):
        z = given[-1] @ weights[number] + weights[number + 1]
        given.append(rounding(z if number == len(weights) - 2 else np.maximum(z, 0)))
    return given


def gradients(
    weights: Arrays,
    x: np.ndarray,
    labels: np.ndarray,
    rounding: Rounding = float32,
    scale: float = 1.0,
) -> tuple[Arrays, Arrays]:
    """Return the gradient of `scale` times the mean cross-entropy, and the errors on the way.

    Softmax and loss stay in float32, as in the mixed precision of the frameworks.

    Args:
        weights: W1, b1, W2, b2, ...
        x: inputs, shape (n, inputs).
        labels: whole numbers, shape (n,).
        rounding: one of `FORMATS`; every product is rounded to it.
        scale: the loss scale.

    Returns:
        The gradients in the order of `weights`, and the error of every layer (n, units), both
        still times `scale`.

    >>> w = start([4, 3, 2])
    >>> found, errors = gradients(w, np.ones((5, 4), np.float32), np.array([0, 1, 0, 1, 1]))
    >>> [g.shape for g in found], [e.shape for e in errors]
    ([(4, 3), (3,), (3, 2), (2,)], [(5, 3), (5, 2)])
    """
    given = logits(weights, x, rounding)
    with np.errstate(over="ignore", invalid="ignore"):
        slopes = network.errors(given[-1], labels) / np.float32(len(labels))
        error = rounding(slopes * np.float32(scale))
        found, errors = [], []
        for number in range(len(weights) - 2, -1, -2):
            before = given[number // 2]
            found = [rounding(before.T @ error), rounding(error.sum(axis=0)), *found]
            errors.insert(0, error)
            if number:
                error = rounding((error @ weights[number].T) * (before > 0))
    return found, errors


def judge(weights: Arrays, x: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return (mean cross-entropy, share of labels that are right), computed in float32."""
    z = logits(weights, x)[-1]
    return float(network.losses(z, labels).mean()), float((z.argmax(axis=1) == labels).mean())


# --- the same on this machine's own 16-bit units --------------------------------------------------


class Measured(NamedTuple):
    """CPU seconds of one training step of a network, and of its matrix products alone, by format.

    step, products: "float32" and "bfloat16" -> seconds.
    """

    step: dict[str, float]
    products: dict[str, float]

    @property
    def share(self) -> float:
        """Which share of the step in float32 its products take, at most 1."""
        return min(1.0, self.products["float32"] / self.step["float32"])

    @property
    def product_speedup(self) -> float:
        """How many times faster the products are in bfloat16."""
        return self.products["float32"] / self.products["bfloat16"]

    @property
    def step_speedup(self) -> float:
        """How many times faster the whole step is."""
        return self.step["float32"] / self.step["bfloat16"]


def measure_network(sizes: Sequence[int], batch_size: int, repeats: int = 9) -> Measured:
    """Measure a training step by TensorFlow on this machine, with and without bfloat16 products.

    Weights, loss and update stay in float32, as in mixed precision. The clock is CPU time; formats
    take turns, and the fastest of all repeats counts.

    Args:
        sizes: units of each layer, inputs first.
        batch_size: samples of the step.
        repeats: measurements of each.
    """
    both = ("float32", "bfloat16")
    steps = fastest({name: _compiled_step(sizes, batch_size, name) for name in both}, repeats)
    products = fastest(
        {name: _tensorflow_products(sizes, batch_size, name) for name in both}, repeats
    )
    return Measured(steps, products)


def measure_product(size: int) -> dict[str, float]:
    """Return CPU seconds of one product of two square matrices by TensorFlow, by format."""
    import tensorflow as tf

    def product(name):
        a, b = (tf.cast(tf.random.normal((size, size)), name) for _ in range(2))
        return lambda: tf.matmul(a, b).numpy()

    return fastest({name: product(name) for name in ("float32", "bfloat16")}, 5)


def fastest(works: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Return the least CPU seconds of each work, all threads of the process; they take turns.

    Source of the clock: CPU time does not run while another program has the core.
    """
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats + 1):  # the first one compiles and is not counted
        for name, work in works.items():
            begun = time.process_time()
            work()
            found[name].append(time.process_time() - begun)
    return {name: min(seconds[1:]) for name, seconds in found.items()}


def tensorflow_step(weights: Sequence, rounding: str, learning_rate: float) -> Callable:
    """Return `step(x, labels)`: one update of the weights by TensorFlow, which returns the loss.

    Give it to `tf.function` to have it compiled. Weights, loss and update are in float32.

    Args:
        weights: tf.Variables W1, b1, W2, b2, ...
        rounding: "float32" or "bfloat16", of the layers.
        learning_rate: of gradient descent.
    """
    import tensorflow as tf

    def loss(x, labels):
        a = tf.cast(x, rounding)
        for number in range(0, len(weights), 2):
            z = a @ tf.cast(weights[number], rounding) + tf.cast(weights[number + 1], rounding)
            a = tf.nn.relu(z)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.cast(z, "float32"))
        return tf.reduce_mean(losses)

    def step(x, labels):
        with tf.GradientTape() as tape:
            now = loss(x, labels)
        for weight, gradient in zip(weights, tape.gradient(now, weights), strict=True):
            weight.assign_sub(learning_rate * gradient)
        return now

    return step


def _compiled_step(sizes: Sequence[int], batch_size: int, rounding: str) -> Callable:
    import tensorflow as tf

    step = tf.function(tensorflow_step([tf.Variable(a) for a in start(sizes)], rounding, 0.01))
    x = tf.random.normal((batch_size, sizes[0]))
    labels = tf.random.uniform((batch_size,), 0, sizes[-1], tf.int32)
    return lambda: step(x, labels).numpy()


def _tensorflow_products(sizes: Sequence[int], batch_size: int, name: str) -> Callable:
    """Return a function of the products of a step: forward, of the weights, and of the errors."""
    import tensorflow as tf

    def matrix(*shape):
        return tf.cast(tf.random.normal(shape), name)

    layers = [
        (matrix(batch_size, a), matrix(a, b), matrix(batch_size, b))
        for a, b in itertools.pairwise(sizes)
    ]

    @tf.function
    def products(layers):  # as arguments: of constants TensorFlow would compute them only once
        found = []
        for number, (x, w, error) in enumerate(layers):
            found += [tf.matmul(x, w), tf.matmul(x, error, transpose_a=True)]
            if number:  # nobody asks for the errors of the inputs
                found.append(tf.matmul(error, w, transpose_b=True))
        return found

    return lambda: products(layers)[0].numpy()
