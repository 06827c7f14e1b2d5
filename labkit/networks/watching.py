"""Measure a network from outside: what it answers, after every epoch, and together with others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from labkit.networks.training import fit

if TYPE_CHECKING:
    import keras

Data = tuple[np.ndarray, np.ndarray]


def accuracy_and_loss(probabilities: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
    """Return the share of right answers and the cross-entropy in nats.

    Args:
        probabilities: shape (n, classes).
        labels: class of each row as a column number, shape (n,).

    Raises:
        ValueError: shapes that do not fit.

    >>> accuracy_and_loss([[0.5, 0.5], [1.0, 0.0]], [0, 0])
    (1.0, 0.34657359027997264)
    """
    probabilities, labels = np.asarray(probabilities, dtype=float), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise ValueError(
            "probabilities must have shape (n, classes) and labels (n,). "
            f"Received: {probabilities.shape} and {labels.shape}"
        )
    own = probabilities[np.arange(len(labels)), labels]
    # A probability of exactly 0 comes from rounding; Keras bounds it by the same 1e-7.
    loss = -np.log(np.maximum(own, 1e-7)).mean()
    return float((probabilities.argmax(axis=1) == labels).mean()), float(loss)


def probabilities(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Return what a model answers, with dropout off, as a NumPy array (n, classes).

    For a few thousand small inputs at a time; `model.predict` cuts many into batches.

    Args:
        model: a Keras model.
        x: inputs, shape (n, ...).
    """
    import keras

    return keras.ops.convert_to_numpy(model(x, training=False))


@dataclass
class Watched:
    """What a training went through, measured from outside: dropout off, no penalty counted.

    Attributes:
        accuracy, loss: name of a set -> one value after 0, 1, 2, ... epochs.
        answers: name of a set -> the probabilities after 0, 1, 2, ... epochs, (n, classes) each.
    """

    accuracy: dict[str, list[float]] = field(default_factory=dict)
    loss: dict[str, list[float]] = field(default_factory=dict)
    answers: dict[str, list[np.ndarray]] = field(default_factory=dict)


def fit_watched(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    watch: Mapping[str, Data],
    **options: Any,
) -> Watched:
    """Train with `fit`, and measure the model on each named set before and after every epoch.

    Args:
        model: a compiled Keras model that ends in class probabilities.
        x: inputs, shape (n, ...).
        y: classes, shape (n,).
        watch: name -> (inputs, classes) to measure on; at least one set.
        options: of `fit`, such as epochs and batch_size.

    Raises:
        ValueError: what `fit` raises.

    Lesson: 12_training_well.
    """
    import keras

    watched = Watched(*({name: [] for name in watch} for _ in range(3)))
    together = np.concatenate([inputs for inputs, _ in watch.values()])  # one call, not several
    borders = np.cumsum([len(inputs) for inputs, _ in watch.values()])[:-1]

    def measure(*_: object) -> None:
        parts = np.split(probabilities(model, together), borders)
        for (name, (_, labels)), answers in zip(watch.items(), parts, strict=True):
            accuracy, loss = accuracy_and_loss(answers, labels)
            watched.accuracy[name].append(accuracy)
            watched.loss[name].append(loss)
            watched.answers[name].append(answers)

    measure()
    every = keras.callbacks.LambdaCallback(on_epoch_end=measure)
    callbacks = [*options.pop("callbacks", ()), every]
    fit(model, x, y, callbacks=callbacks, **{"verbose": 0} | options)
    return watched


def ensemble(probabilities: Sequence[ArrayLike]) -> np.ndarray:
    """Return the mean of the members' probabilities, shape (n, classes).

    Args:
        probabilities: what each member answered to the same inputs, each of shape (n, classes).

    Raises:
        ValueError: no member, or members that answered with different shapes.

    Source: Hansen and Salamon, Neural network ensembles, IEEE PAMI (1990).
    Lesson: 12_training_well.

    >>> ensemble([[[0.9, 0.1]], [[0.4, 0.6]]]).round(2).tolist()
    [[0.65, 0.35]]
    """
    members = [np.asarray(each, dtype=float) for each in probabilities]
    shapes = {each.shape for each in members}
    if len(shapes) != 1:
        raise ValueError(f"members must answer with one and the same shape. Received: {shapes}")
    return np.mean(members, axis=0)
