"""A training to a given accuracy, and what each part of it costs in CPU seconds.

Lesson: 20_faster_training.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from labkit.datacenter.precision import judge, start, tensorflow_step

SIZES = (784, 500, 10)
LOOK = 640  # images from one look at the accuracy to the next; looking is not billed


class Finish(NamedTuple):
    """What a training took, in CPU seconds.

    steps: until the accuracy was reached. accuracy: at the end, on images it did not learn from.
    first: seconds of the first step, with compilation. step: seconds of a later one.
    """

    steps: int
    accuracy: float
    first: float
    step: float

    @property
    def seconds(self) -> float:
        """All steps together."""
        return self.first + (self.steps - 1) * self.step


def race(
    images: np.ndarray,
    labels: np.ndarray,
    held: int,
    batch_size: int,
    learning_rate: float,
    precision: str = "float32",
    compiled: bool = True,
    target: float = 0.9,
    most: int = 5000,
    seed: int = 0,
) -> Finish:
    """Train 784-500-10 by TensorFlow until it reads enough digits right.

    Args:
        images: shape (n, 784).
        labels: shape (n,).
        held: how many images at the end are kept to judge by, and not learned from.
        batch_size, learning_rate: of gradient descent.
        precision: "float32", or "bfloat16" for the products.
        compiled: whether TensorFlow compiles the step.
        target: accuracy at which it ends.
        most: steps after which it ends in any case.
        seed: of weights and order.
    """
    import tensorflow as tf

    weights = [tf.Variable(a) for a in start(SIZES, seed)]
    step = tensorflow_step(weights, precision, learning_rate)
    step = tf.function(step) if compiled else step
    order, known = np.random.default_rng(seed), len(images) - held
    billed, accuracy, every = [], 0.0, max(1, LOOK // batch_size)
    while accuracy < target and len(billed) < most:
        rows = order.choice(known, batch_size, replace=False)
        begun = time.process_time()
        step(images[rows], labels[rows]).numpy()
        billed.append(time.process_time() - begun)
        if len(billed) % every == 0:
            now = [w.numpy() for w in weights]
            accuracy = judge(now, images[known:], labels[known:])[1]
    later = float(np.median(billed[1:])) if len(billed) > 1 else billed[0]
    return Finish(len(billed), accuracy, billed[0], later)
