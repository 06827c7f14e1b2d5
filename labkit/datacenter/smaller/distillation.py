"""Distillation: a small network learns from a large one's answers instead of from labels.

What the student is shown decides, so a setting is told by the images that there are to learn from
and by target probabilities: one-hot labels, or a teacher's soft answers. Both sides of a comparison
have the same network, start, and steps, and get their learning rate by the same rule.

Source: Hinton, Vinyals and Dean, Distilling the knowledge in a neural network (2015).
Lesson: 22_smaller_models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from labkit.datacenter import tuning
from labkit.datacenter.network import Images, Network, Parts
from labkit.machine import one_thread
from labkit.maths.attention import softmax_at
from labkit.maths.descent import start_optimizer

TEACHER = Network((196, 200, 10))
STUDENT = Network((196, 16, 10))
STEPS, BATCH_SIZE = 600, 64
TEACHER_RATE = 0.08
RATES = tuple(0.005 * 2.0**power for power in range(7))  # 0.005 to 0.32

# error(scores, targets, temperature) -> gradient of the loss of each row by the scores
Error = Callable[[np.ndarray, np.ndarray, float], np.ndarray]

# --- the loss -----------------------------------------------------------------------------------


def soften(scores: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return softmax(scores / temperature) over the last axis: probabilities.

    Args:
        scores: of the classes, before softmax, shape (..., classes).
        temperature: above 0; 1 gives the plain probabilities, a large one nearly equal shares.

    Raises:
        ValueError: a temperature that is not above 0.

    >>> soften(np.array([0.0, np.log(3)])).round(2).tolist()
    [0.25, 0.75]
    >>> soften(np.array([0.0, np.log(9)]), temperature=2).round(2).tolist()
    [0.25, 0.75]
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0; 1 changes nothing. Received: {temperature}")
    return softmax_at(scores, temperature)


def error(scores: np.ndarray, targets: np.ndarray, temperature: float) -> np.ndarray:
    """Return the gradient, by the student's scores, of T^2 times its cross-entropy with targets.

    The cross-entropy alone gives (softmax(z / T) - target) / T, and the second factor 1 / T hides
    in the difference itself. T^2 brings the gradient back to the size that it has at T = 1.

    Args:
        scores: of the student, z, shape (..., n, classes).
        targets: probabilities of the teacher at the same temperature, same shape.
        temperature: T, above 0.

    Source: Hinton, Vinyals and Dean (2015), section 2.

    >>> error(np.array([[2.0, 0.0]]), np.array([[0.5, 0.5]]), 2.0).round(3).tolist()
    [[0.462, -0.462]]
    """
    return temperature * (soften(scores, temperature) - targets)


def matching_limit(scores: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    """Return what `error` tends to for large T: centered differences of scores over classes.

    Args:
        scores, teacher: of student and teacher, shape (..., classes).

    Source: Hinton, Vinyals and Dean (2015), section 2.1.

    >>> matching_limit(np.array([2.0, 0.0]), np.array([0.0, 0.0])).tolist()
    [0.5, -0.5]
    """
    gap = scores - teacher
    return (gap - gap.mean(axis=-1, keepdims=True)) / gap.shape[-1]


# --- what a student is shown ---------------------------------------------------------------------


def one_hot(y: np.ndarray, classes: int = 10) -> np.ndarray:
    """Return labels as probabilities, float32 (n, classes).

    >>> one_hot(np.array([1, 0]), 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    return np.eye(classes, dtype=np.float32)[y]


def where(images: Images, keep: np.ndarray) -> Images:
    """Return the images that a mask or a slice keeps, with what belongs to each.

    >>> where(Images(np.eye(3), np.array([7, 3, 9])), np.array([True, False, True])).y.tolist()
    [7, 9]
    """
    return Images(images.x[keep], images.y[keep])


# --- training -----------------------------------------------------------------------------------


def train(
    network: Network,
    images: Images,
    learning_rates: Sequence[float],
    seed: int,
    temperature: float = 1.0,
    error: Error = error,
    steps: int = STEPS,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Return weights for each learning rate, shape (rates, items), all trained at once.

    Momentum 0.9; the rate falls to 0 over the second half of the steps.

    Args:
        network: what is trained.
        images: rows (n, inputs) and target probabilities (n, classes), n at least 64.
        learning_rates: each starts at the same weights and sees the same batches.
        seed: of weights and batches.
        temperature: of the student while it learns; that at which the targets were made.
        error: gradient of the loss of each row by the scores.
        steps: batches of 64.
        start: weights to go on from, (items,); what is 0 there stays 0. None: the network's own.
    """
    random, update = np.random.default_rng(seed), start_optimizer("momentum")
    rates = np.asarray(learning_rates, np.float32)[:, None]
    first = network.start(seed) if start is None else start
    w, keep = np.tile(first, (len(rates), 1)), start is None or start != 0

    def at_temperature(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return np.asarray(error(scores, targets, temperature), np.float32)

    # A rate that is too large ends in nan, and loses.
    with one_thread(), np.errstate(all="ignore"):
        for step in range(steps):
            rows = random.choice(len(images.x), BATCH_SIZE, replace=False)
            gradient = network.gradient(w, images.x[rows], images.y[rows], error=at_temperature)
            w = update(w, gradient * keep, rates * np.float32(min(1, 2 - 2 * step / steps)))
    return w


class Teacher(NamedTuple):
    """A trained network and its weights, (items,)."""

    network: Network
    w: np.ndarray

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Return a score for each class, (n, classes), for rows (n, inputs)."""
        return self.network.scores(self.w, x)


def teach(images: Images, seed: int, network: Network = TEACHER) -> Teacher:
    """Return a teacher that learned images with their classes.

    Args:
        images: rows (n, inputs), classes (n,).
        seed: of weights and batches.
        network: the teacher's.
    """
    targets = Images(images.x, one_hot(images.y))
    return Teacher(network, train(network, targets, [TEACHER_RATE], seed)[0])


def tune(
    parts: Sequence[Parts],
    targets: Sequence[np.ndarray],
    keep: Sequence[np.ndarray | slice] | None = None,
    temperature: float = 1.0,
    error: Error = error,
    network: Network = STUDENT,
) -> tuning.Tuned:
    """Return students at their best learning rate, by the rule of `tuning.tune`: one for all.

    Args:
        parts: of seed 0, 1, ...: images to learn from, to choose the rate by, and to judge once.
        targets: of each seed, probabilities for all images to learn from, (n, classes).
        keep: of each seed, a mask (n,) or a slice: which of these images there are; None for all.
        temperature: of the student while it learns; that at which the targets were made.
        error: gradient of the loss of each row by the scores.
        network: the student's.
    """
    keep = keep or [slice(None)] * len(parts)
    shown = [
        each._replace(train=where(Images(each.train.x, target), some))
        for each, target, some in zip(parts, targets, keep, strict=True)
    ]

    def run(images: Images, rates: Sequence[float], seed: int) -> np.ndarray:
        return train(network, images, rates, seed, temperature, error)

    return tuning.tune(run, shown, RATES, network)
