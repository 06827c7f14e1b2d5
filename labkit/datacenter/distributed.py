"""Train one network on many workers: split the rows, a layer, or the optimizer's memory.

The network is dense, with ReLU inside and softmax cross-entropy at the end; its weights are one
flat vector, so that they and their gradient travel as they are. Lesson: 21.

>>> from labkit.datacenter.workers import Workers
>>> x, y = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 3
>>> with Workers(3) as workers:
...     workers.put(x=x, y=y)
...     found = workers.run(train, (4, 5, 3), steps=4, batch_size=32)
>>> one = train(Alone(x=x, y=y), (4, 5, 3), steps=4, batch_size=32)
>>> bool(np.abs(found[0]["weights"] - one["weights"]).max() < 1e-12)
True
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.datacenter.collectives import all_gather, owned, reduce_scatter, ring
from labkit.maths.activations import gelu

if TYPE_CHECKING:
    from labkit.datacenter.worker import Worker

EPSILON = 1e-3  # of batch normalization, as in Keras
BETA_1, BETA_2, TINY = 0.9, 0.999, 1e-8  # of Adam, as in the paper


class Alone:
    """What a job gets that runs in this process, with nobody beside it.

    Args:
        **data: what `Workers.put` would give.
    """

    rank, size, sent, messages = 0, 1, 0, 0

    def __init__(self, **data: Any):
        self.data = data


# --- a network as one vector --------------------------------------------------------------------


def parameters(widths: Sequence[int]) -> int:
    """Return how many weights and biases a network has.

    >>> parameters((784, 100, 10))
    79510
    """
    return sum((inputs + 1) * units for inputs, units in pairwise(widths))


def start(widths: Sequence[int], seed: int = 0, dtype: str = "float64") -> np.ndarray:
    """Return weights to begin with, one flat vector: He's for the weights, 0 for the biases.

    Args:
        widths: inputs, units of each hidden layer, classes.
        seed: the same on all workers, so that they begin alike.
        dtype: "float64" or "float32".
    """
    rng = np.random.default_rng(seed)
    shapes = pairwise(widths)
    layers = [(rng.normal(0, math.sqrt(2 / n), (n, m)), np.zeros(m)) for n, m in shapes]
    return flatten(layers).astype(dtype)


def flatten(layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return pairs (W, b) as one vector.

    >>> flatten([(np.array([[1.0, 2.0]]), np.array([3.0, 4.0]))]).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    return np.concatenate([array.ravel() for layer in layers for array in layer])


def unflatten(vector: np.ndarray, widths: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the pairs (W, b) of a vector; they are views: who changes one changes the vector.

    >>> [(W.shape, b.shape) for W, b in unflatten(np.zeros(23), (3, 4, 1))][:2]
    [((3, 4), (4,)), ((4, 1), (1,))]
    """
    if vector.size < parameters(widths):
        raise ValueError(
            f"widths {tuple(widths)} have {parameters(widths)} parameters; got {vector.size}"
        )
    layers, place = [], 0
    for inputs, units in pairwise(widths):
        end = place + inputs * units
        layers.append((vector[place:end].reshape(inputs, units), vector[end : end + units]))
        place = end + units
    return layers


def gradient_sums(
    weights: np.ndarray,
    widths: Sequence[int],
    x: np.ndarray,
    y: np.ndarray,
    total: Callable[[np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """Return the gradient summed over rows, and behind it the losses summed: one vector to send.

    Sums, not means: they add up whatever the sizes of the shards.

    Args:
        weights: flat, as of `start`.
        widths: inputs, units of each hidden layer, classes.
        x: rows, shape (n, inputs); n may be 0.
        y: classes, shape (n,).
        total: turns batch normalization on, before each ReLU, and makes of sums over these rows the
            sums over the rows whose mean and variance count: `lambda sums: sums` for these alone, a
            function that sums over all workers for synchronized batch normalization.

    Source: Rumelhart, Hinton, Williams (1986); Ioffe and Szegedy, Batch normalization (2015),
    without their scale and shift.
    """
    layers = unflatten(weights, widths)
    inputs, backs = [x], []
    for W, b in layers[:-1]:
        z, back = _normalized(inputs[-1] @ W + b, total)
        inputs.append(np.maximum(z, 0))
        backs.append(back)
    W, b = layers[-1]
    losses, delta = _cross_entropy(inputs[-1] @ W + b, y)
    sums = []
    for (W, _), a, back in zip(
        reversed(layers), reversed(inputs), [*backs[::-1], None], strict=True
    ):
        sums.append((a.T @ delta, delta.sum(axis=0)))
        if back:
            delta = back((delta @ W.T) * (a > 0))
    return np.append(flatten(sums[::-1]), losses.sum()).astype(weights.dtype)


def _cross_entropy(logits: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss of each row and its gradient with respect to the logits."""
    rows = np.arange(len(y))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    delta = np.exp(log_p)
    delta[rows, y] -= 1
    return -log_p[rows, y], delta


def _normalized(z: np.ndarray, total: Callable | None) -> tuple[np.ndarray, Callable]:
    """Return z normalized over the rows, and the function that takes a gradient back through it."""
    if total is None:
        return z, lambda delta: delta
    sums = total(np.append(z.sum(axis=0), len(z)))
    mean, count = sums[:-1] / sums[-1], sums[-1]
    scale = 1 / np.sqrt(total(((z - mean) ** 2).sum(axis=0)) / count + EPSILON)
    normal = (z - mean) * scale

    def back(delta: np.ndarray) -> np.ndarray:
        sums = total(np.concatenate([delta.sum(axis=0), (delta * normal).sum(axis=0)])) / count
        first, second = np.split(sums, 2)
        return scale * (delta - first - normal * second)

    return normal, back


# --- data parallel: every worker has the whole network and some of the rows --------------------


def shards(rows: np.ndarray, size: int, shares: Sequence[float] | None = None) -> list[np.ndarray]:
    """Return the rows of each worker.

    Args:
        rows: row numbers of a batch.
        size: number of workers.
        shares: how much each gets; equal when None.

    >>> [len(part) for part in shards(np.arange(10), 3)]
    [4, 3, 3]
    >>> [len(part) for part in shards(np.arange(10), 3, (6, 3, 1))]
    [6, 3, 1]
    """
    if shares is None:
        return np.array_split(rows, size)
    if len(shares) != size or min(shares) < 0 or not sum(shares) > 0:
        raise ValueError(f"{size} workers need {size} shares of 0 or more. Received: {shares!r}")
    ends = np.cumsum(shares) / sum(shares) * len(rows)
    return np.split(rows, np.rint(ends[:-1]).astype(int))


def whole_batch(sums: np.ndarray, rows: int, batch_size: int, size: int) -> np.ndarray:
    """Return what a worker adds to the all-reduce: its sums, divided by the whole batch.

    Args:
        sums: over the rows of this worker.
        rows: how many those are.
        batch_size: rows of all workers together.
        size: number of workers.
    """
    return sums / batch_size


def mean_of_means(sums: np.ndarray, rows: int, batch_size: int, size: int) -> np.ndarray:
    """Return the mean over a worker's own rows, divided by the workers: right for equal shards."""
    return sums / max(rows, 1) / size


def train(
    worker: Worker | Alone,
    widths: Sequence[int] = (784, 100, 10),
    steps: int = 50,
    batch_size: int = 128,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    seed: int = 0,
    dtype: str = "float64",
    *,
    shares: Sequence[float] | None = None,
    combine: Callable = whole_batch,
    all_reduce: Callable = ring,
    batch_norm: str | None = None,
) -> dict[str, Any]:
    """Job: train on `worker.data["x"]` and `["y"]`, each worker on its shard of every batch.

    Args:
        worker: of a pool, or `Alone`.
        widths: inputs, units of each hidden layer, classes.
        steps: number of batches.
        batch_size: rows of a batch, over all workers.
        learning_rate, momentum: of SGD.
        seed: of the start and of the batches, the same for all.
        dtype: "float64" or "float32".
        shares: how much of a batch each worker gets; equal when None.
        combine: what a worker adds to the all-reduce, see `whole_batch`.
        all_reduce: `ring`, or a function like it.
        batch_norm: None, "shard" (each worker's own statistics) or "batch" (synchronized).

    Returns:
        losses (mean of each batch), weights (flat), sent (bytes), seconds, waited (seconds in the
        all-reduce of the gradient).
    """
    x, y = worker.data["x"].astype(dtype, copy=False), worker.data["y"]
    rng = np.random.default_rng(seed)
    weights = start(widths, seed, dtype)
    velocity, losses, waited = np.zeros_like(weights), [], 0.0
    total = _statistics(batch_norm, worker, all_reduce)
    begun = time.perf_counter()
    for _ in range(steps):
        rows = rng.choice(len(x), batch_size, replace=False)  # all workers draw the same
        mine = shards(rows, worker.size, shares)[worker.rank]
        sums = gradient_sums(weights, widths, x[mine], y[mine], total)
        part = np.ascontiguousarray(combine(sums, len(mine), batch_size, worker.size), dtype)
        asked = time.perf_counter()
        mean = all_reduce(worker, part)
        waited += time.perf_counter() - asked
        velocity = momentum * velocity + mean[:-1]
        weights -= learning_rate * velocity
        losses.append(float(mean[-1]))
    took = {"seconds": time.perf_counter() - begun, "waited": waited}
    return {"losses": losses, "weights": weights, "sent": worker.sent} | took


def _statistics(batch_norm: str | None, worker: Worker | Alone, all_reduce: Callable):
    kinds = {None: None, "shard": lambda sums: sums, "batch": lambda s: all_reduce(worker, s)}
    if batch_norm not in kinds:
        raise ValueError(f"batch_norm must be None, 'shard' or 'batch'. Received: {batch_norm!r}")
    return kinds[batch_norm]


# --- tensor parallel: every worker has a part of a layer ----------------------------------------


def columns_then_rows(
    x: np.ndarray, W1: np.ndarray, W2: np.ndarray, rank: int, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a worker's part of a block gelu(x W1) W2: some hidden units, whole.

    Args:
        x: shape (n, inputs).
        W1: shape (inputs, hidden); the part has some of its columns.
        W2: shape (hidden, outputs); the part has the same rows.
        rank, size: which worker of how many.

    Source: Shoeybi et al., Megatron-LM (2019).
    """
    units = np.array_split(np.arange(W1.shape[1]), size)[rank]
    return x, W1[:, units], W2[units]


def rows_first(
    x: np.ndarray, W1: np.ndarray, W2: np.ndarray, rank: int, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a part with some inputs of every hidden unit: GELU then sees partial sums."""
    inputs = np.array_split(np.arange(W1.shape[0]), size)[rank]
    return x[:, inputs], W1[inputs], W2


def block(x: np.ndarray, W1: np.ndarray, W2: np.ndarray, activation: Callable = gelu) -> np.ndarray:
    """Return activation(x W1) W2: the feed-forward block of a transformer, without biases."""
    return np.asarray(activation(x @ W1), x.dtype) @ W2


def split_block(
    worker: Worker | Alone,
    split: Callable = columns_then_rows,
    activation: Callable = gelu,
    all_reduce: Callable = ring,
) -> dict[str, Any]:
    """Job: compute a block whose weights are split, from `worker.data`: x, W1, W2.

    Args:
        worker: of a pool, or `Alone`.
        split: which part a worker has, see `columns_then_rows`.
        activation: between the two products.
        all_reduce: `ring`, or a function like it; it is called once.

    Returns:
        y (sum of all parts), held (weights on this worker), sent (bytes).
    """
    x, W1, W2 = split(*(worker.data[name] for name in ("x", "W1", "W2")), worker.rank, worker.size)
    part = block(x, W1, W2, activation)
    wanted = (len(worker.data["x"]), worker.data["W2"].shape[1])
    if part.shape != wanted:
        raise ValueError(f"the parts of shape {wanted} are summed; this one is {part.shape}")
    total = all_reduce(worker, part.ravel()).reshape(wanted)
    return {"y": total, "held": W1.size + W2.size, "sent": worker.sent}


# --- sharded optimizer: every worker keeps some of the moments ---------------------------------


def shard_optimizer(
    worker: Worker | Alone,
    stage: int,
    widths: Sequence[int] = (784, 100, 10),
    steps: int = 30,
    batch_size: int = 128,
    learning_rate: float = 0.001,
    seed: int = 0,
    dtype: str = "float32",
) -> dict[str, Any]:
    """Job: train by Adam; in stage 1 each worker keeps the moments of its own chunk alone.

    Stage 0 sums the gradient everywhere (reduce-scatter and all-gather), and every worker updates
    all weights. Stage 1 (ZeRO-1) updates between the two: reduce-scatter the gradient, update one
    chunk, all-gather the weights.

    Args:
        worker: of a pool, or `Alone`.
        stage: 0 or 1.
        widths: inputs, units of each hidden layer, classes.
        steps: number of batches.
        batch_size: rows of a batch, over all workers.
        learning_rate: of Adam.
        seed: of the start and of the batches.
        dtype: "float64" or "float32".

    Returns:
        weights (flat), state_in_bytes (of the optimizer on this worker), sent (bytes).

    Source: Rajbhandari et al., ZeRO (2020); Kingma and Ba, Adam (2015).
    """
    if stage not in (0, 1):
        raise ValueError(f"stage must be 0 or 1. Received: {stage!r}")
    x, y = worker.data["x"].astype(dtype, copy=False), worker.data["y"]
    rng, weights = np.random.default_rng(seed), start(widths, seed, dtype)

    def own(vector: np.ndarray) -> np.ndarray:
        chunk = owned(worker.rank, worker.size)
        return np.array_split(vector, worker.size)[chunk] if stage else vector

    moments = np.zeros((2, len(own(weights))), dtype)
    for number in range(1, steps + 1):
        rows = rng.choice(len(x), batch_size, replace=False)
        mine = shards(rows, worker.size)[worker.rank]
        gradient = gradient_sums(weights, widths, x[mine], y[mine])[:-1] / batch_size
        reduce_scatter(worker, gradient)
        if stage == 0:
            all_gather(worker, gradient)
        adam(own(weights), own(gradient), moments, number, learning_rate)
        if stage == 1:
            all_gather(worker, weights)
    return {"weights": weights, "state_in_bytes": moments.nbytes, "sent": worker.sent}


def adam(
    weights: np.ndarray, gradient: np.ndarray, moments: np.ndarray, number: int, rate: float
) -> None:
    """Do one step of Adam in place; each number depends on its own gradient alone.

    Args:
        weights, gradient: shape (n,).
        moments: shape (2, n): means of the gradient and of its square.
        number: of the step, from 1.
        rate: learning rate.

    Source: Kingma and Ba, Adam (2015), algorithm 1.
    """
    mean, square = moments
    mean += (1 - BETA_1) * (gradient - mean)
    square += (1 - BETA_2) * (gradient * gradient - square)
    corrected = mean / (1 - BETA_1**number)
    weights -= rate * corrected / (np.sqrt(square / (1 - BETA_2**number)) + TINY)


# Bytes a parameter: weights, gradient, optimizer. Mixed precision keeps float16 weights and
# gradients, and for Adam float32 weights and both moments; float32 keeps two moments.
PRECISIONS = {"mixed": (2, 2, 12), "float32": (4, 4, 8)}


def bytes_per_parameter(stage: int, size: int, precision: str = "mixed") -> float:
    """Return what one worker keeps for each parameter of a network that is trained by Adam.

    Args:
        stage: 0 shards nothing, 1 the optimizer, 2 the gradient too, 3 the weights too.
        size: number of workers.
        precision: "mixed" or "float32".

    Source: Rajbhandari et al., ZeRO (2020), section 3; without activations and buffers.

    >>> [bytes_per_parameter(stage, 64) for stage in range(4)]
    [16.0, 4.1875, 2.21875, 0.25]
    """
    if stage not in range(4) or size < 1 or precision not in PRECISIONS:
        raise ValueError(
            f"stage must be 0 to 3, size 1 or more, precision one of {', '.join(PRECISIONS)}. "
            f"Received: {stage!r}, {size!r}, {precision!r}"
        )
    kept = PRECISIONS[precision]
    sharded = sum(kept[3 - stage :])
    return float(sum(kept) - sharded + sharded / size)
