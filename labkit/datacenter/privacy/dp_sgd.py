"""DP-SGD: draw by chance, clip each example's gradient, add noise, divide by the expected batch.

No gradient of a single example is ever built. In a dense layer it is the outer product of input a
and error d, so its squared norm is |a|² |d|², and a weighted sum of many is one matrix product.
All functions take leading axes: networks of several learning rates, or with other members, train
at once.

Source: Abadi and others, Deep learning with differential privacy (2016); Goodfellow, Efficient
per-example gradient computations (2015), for the norms.
Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from labkit.datacenter.network import Images, Layers, Network, summed
from labkit.machine import one_thread

NETWORK = Network()
RATES = tuple(0.05 * 2.0**power for power in range(10))  # to 25.6: clipped steps are short

# step(norms, limit, sigma, expected batch) -> factor of each gradient, deviation of the noise
Step = Callable[[np.ndarray, float, float, float], tuple[np.ndarray, float]]


def clip_and_noise(
    norms: np.ndarray, limit: float, sigma: float, expected: float
) -> tuple[np.ndarray, float]:
    """Return what each example's gradient is multiplied by, and the noise of their sum.

    Args:
        norms: of the gradients of the examples that were drawn, any shape.
        limit: longest gradient; what is longer is shortened to it.
        sigma: standard deviation of the noise, in limits; 0 only clips.
        expected: examples in an average batch. The number that came would tell who is in the data.

    Returns:
        Factors of the gradients, shape as norms, and the standard deviation of the noise that is
        added to the step in each direction.

    Source: Abadi and others (2016), algorithm 1.

    >>> clip_and_noise(np.array([0.5, 4.0]), limit=1.0, sigma=2.0, expected=2.0)
    (array([0.5  , 0.125]), 1.0)
    """
    return np.minimum(1, limit / norms) / expected, sigma * limit / expected


def no_clip(
    norms: np.ndarray, limit: float, sigma: float, expected: float
) -> tuple[np.ndarray, float]:
    """Return factors and noise of plain SGD: nothing is clipped, nothing is added.

    >>> no_clip(np.array([0.5, 4.0]), limit=1.0, sigma=2.0, expected=2.0)
    (array([0.5, 0.5]), 0.0)
    """
    return np.ones_like(norms) / expected, 0.0


# --- gradients of single examples, never built --------------------------------------------------


def gradient_norms(parts: Layers) -> np.ndarray:
    """Return the norm of each example's gradient, shape (..., n): root of the sum of |a|² |d|².

    The bias is a weight whose input is 1, so |a|² counts 1 more.

    >>> gradient_norms([(np.array([[2.0, 2.0]]), np.array([[3.0, 0.0]]))])  # 3 sqrt(4 + 4 + 1)
    array([9.])
    """
    squares = (((a * a).sum(-1) + 1) * (d * d).sum(-1) for a, d in parts)
    return np.sqrt(sum(squares))


def weighted_sum(parts: Layers, factors: np.ndarray) -> np.ndarray:
    """Return the sum of factor times gradient over the examples, shape (..., items).

    Args:
        parts: of `Network.inputs_and_errors`.
        factors: of each example, shape (..., n).
    """
    return summed([(a, d * factors[..., None]) for a, d in parts])


# --- training -----------------------------------------------------------------------------------


def draw(members: np.ndarray, q: float, random: np.random.Generator) -> tuple:
    """Return who is in each network's batch: every member with probability q, by its own coin.

    Args:
        members: who may be drawn, bool, shape (networks, n).
        q: probability.
        random: tosses.

    Returns:
        Row numbers (networks, largest batch), and which of them count: shorter batches are filled
        up with rows that do not.

    >>> rows, counts = draw(np.ones((2, 5), bool), 0.5, np.random.default_rng(0))
    >>> rows[0][counts[0]].tolist(), rows[1][counts[1]].tolist()
    ([1, 2, 3], [])
    """
    drawn = members & (random.random(members.shape) < q)
    rows = np.argsort(~drawn, axis=1, kind="stable")[:, : drawn.sum(axis=1).max()]
    return rows, np.take_along_axis(drawn, rows, axis=1)


def descend(
    w: np.ndarray,
    images: Images,
    members: np.ndarray,
    learning_rate: np.ndarray | float,
    *,
    seed: int,
    q: float,
    steps: int,
    sigma: float = 0.0,
    limit: float = 1.0,
    step: Step = clip_and_noise,
    network: Network = NETWORK,
) -> np.ndarray:
    """Return the weights of each network after so many steps of DP-SGD.

    Args:
        w: weights to begin with, shape (networks, items).
        images: all examples.
        members: which of them each network learns from, bool, shape (networks, n); or (1, n), and
            all networks get the same batches.
        learning_rate: one for all, or shape (networks, 1).
        seed: of draws and noise; the draws do not hang on the noise.
        q: probability that a member is drawn in a step.
        steps: how many.
        sigma: standard deviation of the noise, in limits; 0 only clips.
        limit: longest gradient of an example.
        step: what clips and says how much noise; as `clip_and_noise`.
        network: its layers.
    """
    coins, noise = (np.random.default_rng([seed, part]) for part in range(2))
    expected = q * members.sum(axis=1).mean()
    with one_thread(), np.errstate(divide="ignore"):  # a gradient of length 0 is not clipped
        for _ in range(steps):
            rows, counts = draw(members, q, coins)
            parts = network.inputs_and_errors(w, images.x[rows], images.y[rows])
            norms = gradient_norms(parts)  # one list for the step: a learner's may be a loop
            factors, deviation = step(norms.ravel(), limit, sigma, expected)
            factors = np.reshape(factors, norms.shape).astype(w.dtype)
            change = weighted_sum(parts, factors * counts)
            if deviation:
                change += np.float32(deviation) * noise.standard_normal(w.shape, dtype=np.float32)
            w = w - np.asarray(learning_rate, w.dtype) * change
    return w


def train(
    images: Images,
    rates: Sequence[float],
    seed: int,
    *,
    network: Network = NETWORK,
    **settings: Any,
) -> np.ndarray:
    """Return weights at each learning rate, shape (rates, items): what `tuning.tune` asks for.

    Args:
        images: all are members.
        rates: learning rates; they share start and batches.
        seed: of start, draws and noise.
        network: its layers.
        **settings: q, steps, sigma, limit and step of `descend`.

    >>> from functools import partial
    >>> from labkit.datacenter.network import small_digits
    >>> from labkit.datacenter.tuning import tune
    >>> private = partial(train, sigma=1.0, q=0.02, steps=10)
    >>> tuned = tune(private, [small_digits()], rates=(0.5, 1.0))
    >>> tuned.test.shape
    (1,)
    """
    w = np.repeat(network.start(seed)[None], len(rates), axis=0)
    members, learning_rate = np.ones((1, len(images.y)), bool), np.reshape(rates, (-1, 1))
    return descend(w, images, members, learning_rate, seed=seed, network=network, **settings)
