"""Old gradients: what a parameter server gains when nobody waits, and what training pays for it.

A gradient that was computed on weights of `delay` updates ago points where downhill was. The delay
is what a storage's consistency means for training: strong (0), bounded, or eventual (any).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labkit.datacenter import tuning
from labkit.datacenter.network import Images, Network, Parts, draw_batch

if TYPE_CHECKING:
    from labkit.datacenter.worker import Worker

NETWORK = Network()

# --- the walk, in one process -------------------------------------------------------------------


def walk(
    start: np.ndarray,
    gradient: Callable[[np.ndarray, int], np.ndarray],
    learning_rate: float | np.ndarray,
    updates: int,
    delay: int,
) -> Iterator[np.ndarray]:
    """Yield the weights after each update, by gradients that are `delay` updates old.

    Args:
        start: the first weights; the first gradients all see these.
        gradient: gradient(w, update).
        learning_rate: of each update.
        updates: how many.
        delay: 0 is plain descent.

    >>> [w.tolist() for w in walk(np.array([1.0]), lambda w, _: w, 0.5, 3, delay=1)]
    [[0.5], [0.0], [-0.25]]
    """
    recent = deque([start], maxlen=delay + 1)  # from the oldest that is still needed to the newest
    for update in range(updates):
        recent.append(recent[-1] - learning_rate * gradient(recent[0], update))
        yield recent[-1]


def simulate(
    images: Images,
    delay: int,
    learning_rates: Sequence[float],
    seed: int = 0,
    updates: int = 600,
    batch_size: int = 32,
    network: Network = NETWORK,
) -> np.ndarray:
    """Return weights after training by delayed gradients, for all rates at once, (rates, items).

    Args:
        images: to learn from.
        delay: of each gradient, in updates.
        learning_rates: each starts at the same weights and sees the same batches.
        seed: of weights and batches.
        updates: how many gradients.
        batch_size: images of each; that of a synchronous step is the sum of its workers'.
        network: what learns.
    """

    def gradient(w: np.ndarray, update: int) -> np.ndarray:
        return network.gradient(w, *draw_batch(images, (batch_size,), seed, update))

    start = np.tile(network.start(seed), (len(learning_rates), 1))
    rates = np.float32(learning_rates)[:, None]
    with np.errstate(all="ignore"):  # a rate that is too large ends in nan, and loses
        *_, w = walk(start, gradient, rates, updates, delay)
    return w


# --- the walk, with a parameter server in real processes ----------------------------------------

# gradient(worker, w, update): what a worker computes
Gradient = Callable[["Worker", np.ndarray, int], np.ndarray]


def digits_gradient(
    worker: Worker,
    w: np.ndarray,
    update: int,
    seed: int = 0,
    batch_size: int = 32,
    network: Network = NETWORK,
) -> np.ndarray:
    """Return the gradient of one update; the pool was given `x` and `y`."""
    images = Images(worker.data["x"], worker.data["y"])
    return network.gradient(w, *draw_batch(images, (batch_size,), seed, update))


class Served(NamedTuple):
    """What a parameter server saw.

    Attributes:
        w: weights at the end.
        ranks: whose gradient each update was, shape (updates,).
        delays: how many updates old it was, shape (updates,).
        seconds: from the first request to the last update.
    """

    w: np.ndarray
    ranks: np.ndarray
    delays: np.ndarray
    seconds: float


def serve_as_they_come(
    worker: Worker,
    start: np.ndarray,
    gradient: Gradient,
    learning_rate: float,
    updates: int,
    lead: int | None = None,
) -> Served | None:
    """Train with worker 0 as the server, which takes gradients in the order in which they come.

    Args:
        worker: of a pool of 2 or more.
        start: weights to begin with.
        gradient: gradient(worker, w, update); a slow worker is one whose gradient takes long.
        learning_rate: of each update.
        updates: how many gradients in all.
        lead: how many gradients a worker may be ahead of the slowest one. 0 is strong consistency:
            all compute on the same weights, then wait for each other; None is eventual: nobody
            waits.

    Source: Ho et al., More effective distributed ML via a stale synchronous parallel parameter
        server (2013).
    """
    if worker.rank:
        return _compute(worker, start, gradient)
    return _serve(worker, start, learning_rate, updates, lead)


def _serve(worker, start, learning_rate, updates, lead) -> Served:
    w, came, begun = start, np.empty_like(start), time.perf_counter()
    others = range(1, worker.size)
    done, sees, ranks, delays = dict.fromkeys(others, 0), {}, [], []  # sees: rank -> its version
    while len(ranks) < updates:
        for rank in others:
            ahead = done[rank] - min(done.values())
            room = len(ranks) + len(sees) < updates
            if rank not in sees and room and (lead is None or ahead <= lead):
                worker.send(rank, np.array([len(ranks) + len(sees)]))
                worker.send(rank, w)
                sees[rank] = len(ranks)
        rank = worker.first_of(sees)
        w = w - learning_rate * worker.receive(rank, came)
        delays.append(len(ranks) - sees.pop(rank))
        ranks.append(rank)
        done[rank] += 1
    seconds = time.perf_counter() - begun
    for rank in others:
        worker.send(rank, np.array([-1]))()
    return Served(w, np.array(ranks), np.array(delays), seconds)


def _compute(worker, start, gradient) -> None:
    update, w = np.empty(1, int), np.empty_like(start)
    while worker.receive(0, update)[0] >= 0:
        worker.send(0, gradient(worker, worker.receive(0, w), int(update[0])))()


# --- the comparison -----------------------------------------------------------------------------


def tune(workers: int, parts: Sequence[Parts], waits: bool, gradients: int = 600) -> tuning.Tuned:
    """Return training by so many workers at its best learning rate, after equally many gradients.

    What is sure is the price in learning rate. In accuracy the two ways differ by a point or two,
    less the longer they train; with a few seeds that is within the spread, so compare in pairs.

    Args:
        workers: how many compute gradients, of 32 images each.
        parts: the images of seed 0, 1, ...
        waits: True for steps of all workers together; False for gradients that are
            `workers` - 1 updates old.
        gradients: of all workers together.
    """
    together, delay = (workers, 0) if waits else (1, workers - 1)

    def train(images: Images, rates: Sequence[float], seed: int) -> np.ndarray:
        return simulate(images, delay, rates, seed, gradients // together, 32 * together)

    return tuning.tune(train, parts)
