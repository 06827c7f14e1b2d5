"""Transfer learning: a small network, cut after any layer, and trained again and again.

The study of lesson 15 trains hundreds of tiny networks. Two things make that cheap: a network is
compiled once and restarted from other weights, and what frozen layers answer is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from labkit.networks import loops
from labkit.networks.watching import accuracy_and_loss, probabilities

if TYPE_CHECKING:
    import keras

STEPS_PER_CALL = 10  # updates that Keras runs between two looks back to Python


def features(model: keras.Sequential, x: np.ndarray) -> np.ndarray:
    """Return what comes out of the frozen layers at the begin; the inputs themselves without any.

    Args:
        model: a built Sequential model; its first layers may have `trainable = False`.
        x: inputs, shape (n, ...).

    Returns:
        Array (n, ...), the input of the first layer that learns.

    Raises:
        ValueError: no layer of the model learns.

    Lesson: 15_transfer_learning.
    """
    import keras

    values = np.asarray(x, dtype="float32")
    for layer in model.layers[: _cut(model)]:
        values = layer(values)  # outside fit, so dropout does nothing
    return keras.ops.convert_to_numpy(values)


def tail(model: keras.Sequential) -> keras.Sequential:
    """Return a new network of the layers behind the frozen ones, with their weights.

    `tail(model)` on `features(model, x)` answers what `model` answers to x. Training it is the same
    as training `model`, without computing the frozen part again and again.

    Args:
        model: a built Sequential model; its first layers may have `trainable = False`.

    Raises:
        ValueError: no layer of the model learns.

    Lesson: 15_transfer_learning.
    """
    from labkit.networks.backend import keras

    cut = _cut(model)
    inputs = model.layers[cut].input.shape[1:] if cut else model.input_shape[1:]
    kept = [type(layer).from_config(layer.get_config()) for layer in model.layers[cut:]]
    rest = keras.Sequential([keras.Input(inputs), *kept])
    rest.set_weights([w for layer in model.layers[cut:] for w in layer.get_weights()])
    return rest


class Restarts:
    """A network compiled once, to be trained many times from weights that are given each time.

    Compiling anew would cost more than these short trainings themselves.

    Args:
        model: a built Keras model that ends in class probabilities.
        learning_rate: of Adam.

    Lesson: 15_transfer_learning.
    """

    def __init__(self, model: keras.Model, learning_rate: float = 0.002):
        import keras

        together = 1 if keras.backend.backend() == "torch" else STEPS_PER_CALL
        self.model, optimizer = model, keras.optimizers.Adam(learning_rate)
        model.compile(
            optimizer, loss="sparse_categorical_crossentropy", steps_per_execution=together
        )
        optimizer.build(model.trainable_variables)
        self._looped = keras.backend.backend() == "tensorflow" and not loops.against(model)
        self._steps = None  # a loop in one graph, once the kind of data is known
        self._fresh = [keras.ops.convert_to_numpy(v) for v in optimizer.variables]

    def train(
        self,
        weights: Sequence[np.ndarray] | None,
        x: np.ndarray,
        y: np.ndarray,
        updates: int = 100,
        batch_size: int = 32,
        seed: int = 0,
        learning_rate: float | None = None,
    ) -> keras.Model:
        """Train for a number of updates from these weights, with a fresh optimizer.

        Each pass goes through all samples in another order; with fewer samples than `batch_size`
        a batch is all of them.

        Args:
            weights: as `model.get_weights()` gives them; None goes on from where it stands.
            x: inputs, shape (n, ...).
            y: classes, shape (n,).
            updates: number of batches.
            batch_size: samples of a batch.
            seed: the order of the samples.
            learning_rate: of this training; None: that of the last one.

        Returns:
            The model, trained.
        """
        if weights is not None:
            self.model.set_weights(weights)
            for variable, value in zip(self.model.optimizer.variables, self._fresh, strict=True):
                variable.assign(value)
        if learning_rate is not None:
            self.model.optimizer.learning_rate = learning_rate
        order = batch_order(len(x), updates, batch_size, seed)
        batch_size = min(batch_size, len(x))
        if self._looped:
            if self._steps is None:
                loops.create_variables(self.model, (x, y))
                self._steps = loops.tensorflow_steps(self.model, (x, y))
            self._steps(order.reshape(-1, batch_size), (x, y))
        else:  # one long epoch: every epoch of Keras costs as much as a dozen of these updates
            self.model.fit(x[order], y[order], batch_size=batch_size, shuffle=False, verbose=0)
        return self.model


class Trainings:
    """One network, to be trained from any start with any number of its first layers frozen.

    The layers behind the frozen ones are compiled once for each number of frozen layers, and what
    frozen layers answer is computed once for each training.

    Args:
        model: a built Sequential model that ends in class probabilities.
        freeze: `freeze(layers, count)` freezes the first `count` layers that have weights, and sets
            all others free.

    Attributes:
        tails: number of frozen layers -> the `Restarts` of the layers behind them.

    Lesson: 15_transfer_learning.
    """

    def __init__(self, model: keras.Sequential, freeze: Callable):
        self.model, self.freeze, self.tails = model, freeze, {}
        for count in range(sum(bool(layer.weights) for layer in model.layers)):
            freeze(model.layers, count)
            self.tails[count] = Restarts(tail(model))

    def accuracies(
        self,
        start: Sequence[np.ndarray],
        frozen: int,
        learning_rate: float,
        images: tuple[np.ndarray, np.ndarray],
        judge: tuple[np.ndarray, np.ndarray],
        stops: Sequence[int],
        batch_size: int = 32,
        seed: int = 0,
    ) -> list[float]:
        """Return the accuracy in percent on `judge` after each of `stops` updates of one training.

        Args:
            start: weights of the whole network, as `model.get_weights()` gives them.
            frozen: number of frozen layers.
            learning_rate: of Adam.
            images: inputs (n, ...) and classes (n,) to train on.
            judge: inputs (m, ...) and classes (m,) to measure on.
            stops: numbers of updates from the start, rising.
            batch_size: samples of a batch.
            seed: the order of the samples.
        """
        self.freeze(self.model.layers, frozen)
        self.model.set_weights(start)
        seen, seen_judge = (features(self.model, x) for x, _ in (images, judge))
        trainer, done, found = self.tails[frozen], 0, []
        weights = start[len(start) - len(trainer.model.weights) :]
        for stop in stops:
            order = {"batch_size": batch_size, "seed": seed + done}
            model = trainer.train(
                weights, seen, images[1], stop - done, learning_rate=learning_rate, **order
            )
            found.append(100 * accuracy_and_loss(probabilities(model, seen_judge), judge[1])[0])
            weights, done = None, stop  # None: go on from here
        return found


def batch_order(count: int, updates: int, batch_size: int, seed: int = 0) -> np.ndarray:
    """Return the row numbers of all batches, one after the other, shape (updates * batch,).

    Args:
        count: number of samples.
        updates: number of batches.
        batch_size: samples of a batch; `count`, if that is smaller.
        seed: the same seed makes the same order.

    >>> batch_order(2, updates=3, batch_size=32).shape
    (6,)
    """
    if min(count, updates, batch_size) < 1:
        raise ValueError(f"need at least 1 each; got {count}, {updates}, {batch_size}")
    random, batch = np.random.default_rng(seed), min(batch_size, count)
    whole = count // batch * batch  # what is left over waits for another order
    passes = -(-updates * batch // whole)
    return np.concatenate([random.permutation(count)[:whole] for _ in range(passes)])[
        : updates * batch
    ]


def _cut(model: keras.Sequential) -> int:
    """Return the place in `model.layers` of the first layer that learns; 0 if it is the first."""
    weighted = [layer for layer in model.layers if layer.weights]
    free = [layer for layer in weighted if layer.trainable]
    if not free:
        raise ValueError("every layer is frozen, so nothing can learn; set the head free")
    return 0 if free[0] is weighted[0] else model.layers.index(free[0])
