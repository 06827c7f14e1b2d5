"""Federated learning: the data stay with the clients, weights travel.

A round: the server sends its weights to clients, each trains them on its own data, the server
averages what comes back. One full-batch step each is FedSGD, which is the step of central training;
more local work is FedAvg, which is not. All clients of all learning rates train at once, as one
stack of weights, so that several seeds take seconds.

Source: McMahan, Moore, Ramage, Hampson and Aguera y Arcas, Communication-efficient learning of deep
    networks from decentralized data, AISTATS (2017).
Lesson: 26_privacy_and_security (its cells hold the average; dealing, local training and the count
    of bytes are here).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit.datacenter import tuning
from labkit.datacenter.network import Images, Network, Parts, errors
from labkit.machine import one_thread

NETWORK = Network()

# average(weights (..., clients, items), examples of each client (clients,)) -> (..., items)
Average = Callable[[np.ndarray, np.ndarray], np.ndarray]

# --- whose data -----------------------------------------------------------------------------------


def deal(
    labels: ArrayLike, sizes: Sequence[int], alpha: float = np.inf, seed: int = 0
) -> list[np.ndarray]:
    """Return the rows of each client, dealt without replacement; no two have one in common.

    Each client draws its class shares from a symmetric Dirichlet distribution, then its examples,
    class by class as these shares say. A class that has run out is replaced by what is left, so the
    last clients get shares that are less their own when all rows are dealt.

    Args:
        labels: class of each row, shape (n,).
        sizes: examples of each client; their sum is at most n. Unequal ones are welcome.
        alpha: infinite for clients that are alike (iid), 1 for skewed, 0.1 for one or two classes
            each.
        seed: the same seed deals the same rows.

    Raises:
        ValueError: sizes that are not whole numbers from 1 on, or more than the rows; alpha not
            above 0.

    Source: Hsu, Qi and Brown, Measuring the effects of non-identical data distribution for
        federated visual classification (2019), section 2.

    >>> [rows.tolist() for rows in deal([0, 1, 0, 1], sizes=[3, 1])]
    [[2, 0, 1], [3]]
    """
    labels, sizes = np.asarray(labels), np.asarray(sizes)
    if sizes.dtype.kind not in "iu" or sizes.min() < 1 or sizes.sum() > len(labels):
        raise ValueError(
            f"sizes must be whole numbers from 1 on with a sum of at most {len(labels)}, the rows. "
            f"Received: {sizes.tolist()}"
        )
    if not alpha > 0:
        raise ValueError(f"alpha must be above 0; infinite for alike clients. Received: {alpha}")
    random = np.random.default_rng(seed)
    if np.isinf(alpha):
        return np.split(random.permutation(len(labels))[: sizes.sum()], sizes.cumsum()[:-1])
    classes = np.unique(labels)
    pools = [random.permutation(np.flatnonzero(labels == one)).tolist() for one in classes]
    shares = random.dirichlet(np.full(len(classes), alpha), len(sizes))
    return [_take(pools, share, size, random) for share, size in zip(shares, sizes, strict=True)]


def _take(pools: list[list[int]], share: np.ndarray, size: int, random) -> np.ndarray:
    """Return so many rows out of the pools, which lose them."""
    rows = []
    for lot in random.random(size):
        left = np.array([bool(pool) for pool in pools])
        chances = np.cumsum(share * left if (share * left).sum() > 0 else left)
        place = np.searchsorted(chances, lot * chances[-1], side="right")
        rows.append(pools[place].pop())
    return np.array(rows)


# --- a round --------------------------------------------------------------------------------------


def train_locally(
    network: Network,
    w: np.ndarray,
    images: Images,
    clients: Sequence[np.ndarray],
    learning_rate: ArrayLike,
    epochs: int = 1,
    batch_size: int | None = 32,
    seed: int | Sequence[int] = 0,
) -> np.ndarray:
    """Return the weights of each client after training on its own rows, (..., clients, items).

    Plain gradient descent. A client of fewer examples takes fewer steps an epoch, then waits.

    Args:
        network: what is trained.
        w: weights that all start with, shape (..., items).
        images: of all clients.
        clients: rows of each client, as `deal` returns them.
        learning_rate: a number, or one for each of the leading axes of w.
        epochs: how often a client sees each of its examples.
        batch_size: examples of a step; the last batch of an epoch may be smaller. None: all.
        seed: of the batches.
    """
    random = np.random.default_rng(seed)
    rates = np.asarray(learning_rate, w.dtype)[..., None, None]
    w = np.repeat(w[..., None, :], len(clients), axis=-2)
    for rows in _batches(clients, epochs, batch_size, random):
        w = w - rates * _gradient(network, w, images, rows)
    return w


def _gradient(network: Network, w: np.ndarray, images: Images, rows: np.ndarray) -> np.ndarray:
    """Return the gradient of each client over its rows (clients, batch), of which -1 are none."""
    there = rows >= 0
    weight = there * (rows.shape[1] / np.maximum(there.sum(axis=1, keepdims=True), 1))
    weight = weight[..., None].astype(w.dtype)  # so that a mean over the batch is one over rows

    def error(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
        return errors(scores, y) * weight

    return network.gradient(w, images.x[rows], images.y[rows], error=error)


def _batches(
    clients: Sequence[np.ndarray], epochs: int, batch_size: int | None, random
) -> np.ndarray:
    """Return rows (steps, clients, batch); -1 where a client has none left in an epoch."""
    most = max(map(len, clients))
    size = min(batch_size or most, most)
    steps = -(-most // size)
    out = np.full((epochs, len(clients), steps * size), -1)
    for client, rows in enumerate(clients):
        out[:, client, : len(rows)] = random.permuted(np.tile(rows, (epochs, 1)), axis=1)
    by_step = out.reshape(epochs, len(clients), steps, size).swapaxes(1, 2)
    return by_step.reshape(epochs * steps, len(clients), size)


def weighted_average(weights: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the mean over clients, each weighted by its number of examples.

    Args:
        weights: shape (..., clients, items).
        counts: examples of each client, shape (clients,).

    >>> weighted_average(np.array([[0.0], [4.0]]), np.array([30, 10])).tolist()
    [1.0]
    """
    shares = (counts / counts.sum()).astype(weights.dtype)
    return shares @ weights


# --- rounds ---------------------------------------------------------------------------------------


class Round(NamedTuple):
    """What the server has after a round.

    Attributes:
        w: its weights, shape (..., items).
        size_in_bytes: sent in this round, for one learning rate: weights to each client, and back.
    """

    w: np.ndarray
    size_in_bytes: int


def federate(
    network: Network,
    w: np.ndarray,
    images: Images,
    clients: Sequence[np.ndarray],
    learning_rate: ArrayLike,
    rounds: int,
    epochs: int = 1,
    batch_size: int | None = 32,
    average: Average = weighted_average,
    seed: int = 0,
) -> Iterator[Round]:
    """Yield what the server has after each round of FedAvg.

    With `epochs=1, batch_size=None` it is FedSGD: each client takes one step with the gradient of
    all its examples, and the weighted average is the step of central training.

    Args:
        network, images, clients, learning_rate, epochs, batch_size: as in `train_locally`.
        w: weights to start with, shape (items,) or (..., items).
        rounds: how many.
        average: of what the clients send: weights (..., clients, items), examples (clients,).
        seed: of the batches.
    """
    counts = np.array([len(rows) for rows in clients])
    for number in range(rounds):
        sent = train_locally(
            network, w, images, clients, learning_rate, epochs, batch_size, [seed, number, 1]
        )
        w = average(sent, counts).astype(w.dtype, copy=False)
        yield Round(w, 2 * len(clients) * network.items * w.itemsize)


def raw_bytes(images: Images) -> int:
    """Return the bytes of the data themselves: one a pixel, one a label.

    >>> raw_bytes(Images(np.zeros((10, 196)), np.zeros(10)))
    1970
    """
    return images.x.size + images.y.size


def tune(
    parts: Sequence[Parts],
    sizes: Sequence[int],
    alpha: float = np.inf,
    rounds: int = 10,
    epochs: int = 1,
    batch_size: int | None = 32,
    rates: Sequence[float] = tuning.RATES,
    network: Network = NETWORK,
) -> tuning.Tuned:
    """Return FedAvg at its best learning rate, by the rule of `tuning.tune`: one for all.

    One client with all examples is central training; the same rule tunes it.

    Args:
        parts: the images of seed 0, 1, ...
        sizes, alpha: as in `deal`; each seed deals anew.
        rounds, epochs, batch_size: as in `federate`.
        rates: to try.
        network: what is trained.
    """

    def train(images: Images, rates: Sequence[float], seed: int) -> np.ndarray:
        clients = deal(images.y, sizes, alpha, seed)
        w = np.tile(network.start(seed), (len(rates), 1))
        # A rate that is too large ends in nan, and loses.
        with one_thread(), np.errstate(all="ignore"):
            *_, last = federate(
                network, w, images, clients, rates, rounds, epochs, batch_size, seed=seed
            )
        return last.w

    return tuning.tune(train, parts, rates, network)
