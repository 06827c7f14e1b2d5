"""Transfer learning: a small network, cut after any layer, and trained again and again.

The study of lesson 15 trains hundreds of tiny networks. Two things make that cheap: a network is
compiled once and restarted from other weights, and what frozen layers answer is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from labkit.networks import training

if TYPE_CHECKING:
    import keras

STEPS_PER_CALL = 10  # updates that Keras runs between two looks back to Python


def strided_cnn(classes: int = 5, seed: int = 0) -> keras.Sequential:
    """Return a small convolutional network: two strided convolutions, a hidden layer, a head.

    Strides of 2 take the place of pooling; 56,645 parameters for five classes.

    Args:
        classes: number of classes of the head.
        seed: start of all kernels.

    Returns:
        A model from images (n, 28, 28, 1) in [0, 1] to probabilities (n, classes), not compiled.

    Lesson: 15_transfer_learning.
    """
    from labkit.networks.backend import keras

    layers = keras.layers

    def start(layer: int) -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=10 * seed + layer)

    def convolution(filters: int, kernel: int, name: str, layer: int) -> keras.Layer:
        return layers.Conv2D(
            filters,
            kernel,
            strides=2,
            activation="relu",
            kernel_initializer=start(layer),
            name=name,
        )

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            convolution(16, 5, "conv_1", 1),  # 12 x 12 x 16
            convolution(32, 3, "conv_2", 2),  # 5 x 5 x 32
            layers.Flatten(name="flatten"),  # 800
            layers.Dense(64, activation="relu", kernel_initializer=start(3), name="hidden"),
            layers.Dense(classes, activation="softmax", kernel_initializer=start(4), name="head"),
        ],
        name="strided_cnn",
    )


def weighted_layers(model: keras.Sequential) -> list:
    """Return the layers that have weights, the head last; only they can be frozen."""
    return [layer for layer in model.layers if layer.weights]


def freeze(model: keras.Sequential, count: int) -> keras.Sequential:
    """Freeze the first `count` layers that have weights, and set all others free.

    Compile the model afterwards: what an already compiled model trains is settled.

    Args:
        model: a built Sequential model.
        count: 0 freezes nothing; the head is never frozen.

    Returns:
        The same model, for a chain of calls.

    Raises:
        ValueError: a count that would freeze the head, or below 0.

    Lesson: 15_transfer_learning.
    """
    layers = weighted_layers(model)
    _check_count(layers, count)
    for place, layer in enumerate(layers):
        layer.trainable = place >= count
    return model


def with_new_head(pretrained: Sequence[np.ndarray], fresh: Sequence[np.ndarray]) -> list:
    """Return the pre-trained weights of all layers but the head, and the fresh ones of the head.

    Args:
        pretrained: weights of the source network, as `model.get_weights()` gives them, with
            kernel and bias of the head last.
        fresh: weights of an untrained network for the target; the head may have another size.

    Raises:
        ValueError: networks that differ before the head.

    Lesson: 15_transfer_learning.

    >>> body, old, new = np.ones((3, 2)), np.ones((2, 5)), np.zeros((2, 7))
    >>> [w.shape for w in with_new_head([body, old, np.ones(5)], [body, new, np.zeros(7)])]
    [(3, 2), (2, 7), (7,)]
    """
    shapes = [[np.shape(w) for w in weights[:-2]] for weights in (pretrained, fresh)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"the networks differ before the head: {shapes[0]} and {shapes[1]}")
    return [*pretrained[:-2], *fresh[-2:]]


def features(model: keras.Sequential, x: np.ndarray, frozen: int) -> np.ndarray:
    """Return what comes out of the first `frozen` layers with weights; the inputs themselves for 0.

    Args:
        model: a built Sequential model.
        x: inputs, shape (n, ...).
        frozen: as in `freeze`.

    Returns:
        Array (n, ...), the input of the next layer that has weights.

    Lesson: 15_transfer_learning.
    """
    import keras

    values = np.asarray(x, dtype="float32")
    for layer in model.layers[: _cut(model, frozen)]:
        values = layer(values)  # outside fit, so dropout does nothing
    return keras.ops.convert_to_numpy(values)


def tail(model: keras.Sequential, frozen: int) -> keras.Sequential:
    """Return a new network of the layers behind the first `frozen` ones, with their weights.

    `tail(model, k)` on `features(model, x, k)` answers what `model` answers to x. Training it is
    the same as training `freeze(model, k)`, without computing the frozen part again and again.

    Args:
        model: a built Sequential model.
        frozen: as in `freeze`.

    Lesson: 15_transfer_learning.
    """
    from labkit.networks.backend import keras

    cut = _cut(model, frozen)
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

        Returns:
            The model, trained.
        """
        if weights is not None:
            self.model.set_weights(weights)
            for variable, value in zip(self.model.optimizer.variables, self._fresh, strict=True):
                variable.assign(value)
        order = batch_order(len(x), updates, batch_size, seed)
        batch_size = min(batch_size, len(x))
        if training.loop_pays_off(self.model):
            if self._steps is None:
                training.create_variables(self.model, x, y)
                self._steps = training.tensorflow_steps(self.model, x, y)
            self._steps(order.reshape(-1, batch_size), x, y)
        else:  # one long epoch: every epoch of Keras costs as much as a dozen of these updates
            self.model.fit(x[order], y[order], batch_size=batch_size, shuffle=False, verbose=0)
        return self.model


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


def _cut(model: keras.Sequential, frozen: int) -> int:
    """Return the place in `model.layers` of the first layer that is not frozen."""
    layers = weighted_layers(model)
    _check_count(layers, frozen)
    return model.layers.index(layers[frozen]) if frozen else 0


def _check_count(layers: list, count: int) -> None:
    if not 0 <= count < len(layers):
        raise ValueError(
            f"0 to {len(layers) - 1} layers can be frozen; the head stays free. Received: {count}"
        )
