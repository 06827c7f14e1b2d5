"""Gradient compression: what travels instead of a gradient, byte for byte, and what it costs.

A method packs a vector into bytes and unpacks them again, as exactly as its idea allows. The
learning rate of each method is tuned by the same rule, because compression changes how large the
steps are: a comparison at one rate compares rates.

>>> gradient = np.array([0.5, -3.0, 0.1, 1.0], np.float32)
>>> message = TopK(0.5).pack(gradient)
>>> len(message), TopK(0.5).unpack(message, 4).tolist()
(16, [0.0, -3.0, 0.0, 1.0])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from labkit.datacenter import tuning
from labkit.datacenter.network import Images, Network, Parts, draw_batch
from labkit.maths.descent import start_optimizer

if TYPE_CHECKING:
    from labkit.datacenter.worker import Worker

# --- methods ------------------------------------------------------------------------------------
# All vectors may have leading axes, (..., items); a message is uint8, (..., bytes).


class Method(Protocol):
    """A way to write a gradient in fewer bytes."""

    def pack(self, vectors: np.ndarray, draw: int = 0) -> np.ndarray:
        """Return what travels, uint8 (..., bytes), for vectors (..., items) in float32."""

    def unpack(self, message: np.ndarray, items: int, draw: int = 0) -> np.ndarray:
        """Return what arrives, float32 (..., items)."""

    def size_in_bytes(self, items: int) -> int:
        """Return the bytes of a message, by formula."""


@dataclass(frozen=True)
class Plain:
    """Every number as it is: 4 bytes each."""

    def pack(self, vectors: np.ndarray, draw: int = 0) -> np.ndarray:
        """Return the numbers."""
        return _bytes(vectors.astype(np.float32))

    def unpack(self, message: np.ndarray, items: int, draw: int = 0) -> np.ndarray:
        """Return the numbers."""
        return message.view(np.float32)

    def size_in_bytes(self, items: int) -> int:
        """Return 4 bytes for each number."""
        return 4 * items


@dataclass(frozen=True)
class TopK:
    """The largest numbers and where they stand: 4 + 4 bytes each.

    Args:
        share: of the numbers, in (0, 1]; at least one number travels.

    Source: Aji and Heafield, Sparse communication for distributed gradient descent (2017).
    """

    share: float

    def __post_init__(self):
        _check_share(self.share)

    def pack(self, vectors: np.ndarray, draw: int = 0) -> np.ndarray:
        """Return first the values, then the positions."""
        count = kept(self.share, vectors.shape[-1])
        order = np.argpartition(-np.abs(vectors), count - 1, axis=-1)
        places = order[..., :count].astype(np.uint32)
        values = np.take_along_axis(vectors, places, axis=-1)
        return np.concatenate([_bytes(values), _bytes(places)], axis=-1)

    def unpack(self, message: np.ndarray, items: int, draw: int = 0) -> np.ndarray:
        """Return zeros with the values in their places."""
        half = message.shape[-1] // 2
        values = np.ascontiguousarray(message[..., :half]).view(np.float32)
        places = np.ascontiguousarray(message[..., half:]).view(np.uint32)
        vectors = np.zeros((*message.shape[:-1], items), np.float32)
        np.put_along_axis(vectors, places, values, axis=-1)
        return vectors

    def size_in_bytes(self, items: int) -> int:
        """Return 8 bytes for each number that is kept."""
        return 8 * kept(self.share, items)


@dataclass(frozen=True)
class RandomK:
    """Numbers at random places, the control for top-k: 4 bytes each, for all know the places.

    Sender and receiver draw the places with the same seed, so only values travel.

    Args:
        share: of the numbers, in (0, 1].
        scaled: divide by the share, so that the mean over all draws is the vector itself. With
            error feedback it must be False: what is lost would be sent a second time.

    Source: Stich, Cordonnier and Jaggi, Sparsified SGD with memory (2018).
    """

    share: float
    scaled: bool = False

    def __post_init__(self):
        _check_share(self.share)

    def pack(self, vectors: np.ndarray, draw: int = 0) -> np.ndarray:
        """Return the values at the places of this draw."""
        items = vectors.shape[-1]
        values = vectors[..., self._places(items, draw)]
        return _bytes(values * np.float32(items / values.shape[-1] if self.scaled else 1))

    def unpack(self, message: np.ndarray, items: int, draw: int = 0) -> np.ndarray:
        """Return zeros with the values in the places of this draw."""
        vectors = np.zeros((*message.shape[:-1], items), np.float32)
        vectors[..., self._places(items, draw)] = message.view(np.float32)
        return vectors

    def size_in_bytes(self, items: int) -> int:
        """Return 4 bytes for each number that is kept."""
        return 4 * kept(self.share, items)

    def _places(self, items: int, draw: int) -> np.ndarray:
        return np.random.default_rng(draw).choice(items, kept(self.share, items), replace=False)


@dataclass(frozen=True)
class OneBit:
    """The sign of each number, 8 to a byte, and one size for all: the mean of the sizes.

    Source: Seide et al., 1-bit stochastic gradient descent (2014); one scale as in Karimireddy et
    al., Error feedback fixes SignSGD (2019).
    """

    def pack(self, vectors: np.ndarray, draw: int = 0) -> np.ndarray:
        """Return the scale, then the signs; 0 counts as positive."""
        scale = np.abs(vectors).mean(axis=-1, keepdims=True, dtype=np.float32)
        return np.concatenate([_bytes(scale), np.packbits(vectors >= 0, axis=-1)], axis=-1)

    def unpack(self, message: np.ndarray, items: int, draw: int = 0) -> np.ndarray:
        """Return plus or minus the scale."""
        scale = np.ascontiguousarray(message[..., :4]).view(np.float32)
        signs = np.unpackbits(message[..., 4:], axis=-1, count=items)
        return np.where(signs.view(bool), scale, -scale)

    def size_in_bytes(self, items: int) -> int:
        """Return 4 bytes and a bit for each number, in whole bytes."""
        return 4 + -(-items // 8)


def kept(share: float, items: int) -> int:
    """Return how many numbers a share is: rounded, and at least one.

    >>> kept(0.001, 6634), kept(0.001, 10)
    (7, 1)
    """
    return max(1, round(share * items))


def _check_share(share: float) -> None:
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in (0, 1], such as 0.01. Received: {share!r}")


def _bytes(numbers: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(numbers).view(np.uint8)


# --- what was lost ------------------------------------------------------------------------------

Compress = Callable[[np.ndarray], np.ndarray]
Feedback = Callable[[np.ndarray, np.ndarray, Compress], tuple[np.ndarray, np.ndarray]]


def error_feedback(
    gradient: np.ndarray, residual: np.ndarray, compress: Compress
) -> tuple[np.ndarray, np.ndarray]:
    """Return what arrives, and what is left for the next step.

    Args:
        gradient: of this step, (..., items).
        residual: what earlier steps did not send; 0 at first.
        compress: returns what would arrive of a vector.

    Source: Seide et al. (2014); Stich, Cordonnier and Jaggi (2018).

    >>> sent, residual = error_feedback(np.array([3.0, 1.0]), np.array([0.0, 2.5]), np.floor)
    >>> sent.tolist(), residual.tolist()
    ([3.0, 3.0], [0.0, 0.5])
    """
    wanted = gradient + residual
    sent = compress(wanted)
    return sent, wanted - sent


def no_feedback(
    gradient: np.ndarray, residual: np.ndarray, compress: Compress
) -> tuple[np.ndarray, np.ndarray]:
    """Return what arrives, and the residual as it was: what is lost stays lost."""
    return compress(gradient), residual


class Sender:
    """One worker's end of the line: it packs its gradient and keeps what did not go.

    Attributes:
        residual: what has not been sent yet, like a gradient; None before the first one.
    """

    def __init__(self, method: Method, feedback: Feedback = no_feedback):
        self.method, self.feedback = method, feedback
        self.residual: np.ndarray | None = None

    def pack(self, gradient: np.ndarray, draw: int = 0) -> np.ndarray:
        """Return the message for a gradient, uint8 (..., bytes)."""
        messages, residual = [], self.residual
        if residual is None:
            residual = np.zeros_like(gradient)

        def compress(vectors: np.ndarray) -> np.ndarray:
            vectors = np.asarray(vectors, gradient.dtype)  # whatever a learner computes in
            messages.append(self.method.pack(vectors, draw))
            return self.method.unpack(messages[-1], vectors.shape[-1], draw)

        _, left = self.feedback(gradient, residual, compress)
        self.residual = np.asarray(left, gradient.dtype)
        return messages[-1]


# --- training: in real processes, and all in one ------------------------------------------------


class Settings(NamedTuple):
    """What all methods share: how many workers, images of each in a step, and steps."""

    workers: int = 4
    batch_size: int = 32
    steps: int = 150
    network: Network = Network()


SETTINGS = Settings()


def train(
    worker: Worker,
    method: Method,
    feedback: Feedback,
    learning_rate: float,
    seed: int = 0,
    settings: Settings = SETTINGS,
) -> tuple[np.ndarray, int]:
    """Train beside the other workers; return the weights and the bytes that this one sent.

    The job of a pool that was given `x` and `y`. In each step every worker sends its packed
    gradient to every other one, unpacks all, and steps along the mean.

    Args:
        worker: with `data` x (n, pixels) and y (n,).
        method: packs and unpacks.
        feedback: `error_feedback` or `no_feedback`, or the learner's own.
        learning_rate: of plain gradient descent.
        seed: of weights and batches, the same for all.
        settings: of all; as many workers as the pool has.
    """
    network, sender = settings.network, Sender(method, feedback)
    images = Images(worker.data["x"], worker.data["y"])
    w = network.start(seed)
    for step in range(settings.steps):
        x, y = draw_batch(images, (worker.size, settings.batch_size), seed, step)
        gradient = network.gradient(w, x[worker.rank], y[worker.rank])
        messages = exchange(worker, sender.pack(gradient, _draw(seed, step)))
        arrived = method.unpack(messages, network.items, _draw(seed, step))
        w -= np.float32(learning_rate) * arrived.mean(axis=0)
    return w, worker.sent


def exchange(worker: Worker, message: np.ndarray) -> np.ndarray:
    """Send a message to every other worker; return all, by rank, shape (size, bytes)."""
    messages = np.empty((worker.size, len(message)), np.uint8)
    messages[worker.rank] = message
    others = [rank for rank in range(worker.size) if rank != worker.rank]
    waits = [worker.send(rank, message) for rank in others]
    for rank in others:
        worker.receive(rank, messages[rank])
    for wait in waits:
        wait()
    return messages


def simulate(
    images: Images,
    method: Method,
    feedback: Feedback,
    learning_rates: Sequence[float],
    seed: int = 0,
    settings: Settings = SETTINGS,
) -> np.ndarray:
    """Return the weights that `train` ends with, for all rates at once, shape (rates, items).

    Args:
        images: to learn from.
        method, feedback, seed, settings: as for `train`.
        learning_rates: each starts at the same weights and sees the same batches.
    """
    network, sender = settings.network, Sender(method, feedback)
    rates = np.asarray(learning_rates, np.float32)[:, None]
    w = np.tile(network.start(seed), (len(rates), 1))
    with np.errstate(all="ignore"):  # a rate that is too large ends in nan, and loses
        for step in range(settings.steps):
            x, y = draw_batch(images, settings[:2], seed, step)
            gradients = network.gradient(w[:, None], x, y)  # (rates, workers, items)
            messages = sender.pack(gradients, _draw(seed, step))
            arrived = method.unpack(messages, network.items, _draw(seed, step))
            w -= rates * arrived.mean(axis=1)
    return w


def _draw(seed: int, step: int) -> int:
    return 1_000_003 * seed + step


# --- the comparison -----------------------------------------------------------------------------

METHODS: dict[str, Method] = {
    "float32": Plain(),
    "1 bit": OneBit(),
    "top 1 %": TopK(0.01),
    "top 0.1 %": TopK(0.001),
}


def tune(method: Method, feedback: Feedback, parts: Sequence[Parts]) -> tuning.Tuned:
    """Return a method at its best learning rate, found by the rule of `tuning.tune`.

    Args:
        method, feedback: of every worker.
        parts: the images of seed 0, 1, ...; the seed also draws weights and batches.
    """

    def run(images: Images, rates: Sequence[float], seed: int) -> np.ndarray:
        return simulate(images, method, feedback, rates, seed)

    return tuning.tune(run, parts)


# --- what travels, and what does not ------------------------------------------------------------


def optimizer_bytes(name: str, items: int) -> tuple[int, int]:
    """Return what an optimizer keeps beside the weights, and the gradient that still travels.

    Both are counted, at 4 bytes a number: the arrays that the update rule remembers, the message.

    Args:
        name: one of `labkit.maths.descent.OPTIMIZERS`.
        items: number of weights, in float32.

    >>> optimizer_bytes("sgd", 1000), optimizer_bytes("adamw", 1000)
    ((0, 4000), (8000, 4000))
    """
    update, gradient = start_optimizer(name), np.ones(items, np.float32)
    update(np.ones(items, np.float32), gradient, 0.1)
    state = sum(array.size for array in _remembered(update)) * gradient.itemsize
    return state, len(Plain().pack(gradient))


def _remembered(update: Callable) -> list[np.ndarray]:
    """Return the arrays in a function's closure, and in those of the functions in it."""
    inside = [cell.cell_contents for cell in update.__closure__ or ()]
    deeper = [array for each in inside if callable(each) for array in _remembered(each)]
    return [each for each in inside if isinstance(each, np.ndarray)] + deeper
