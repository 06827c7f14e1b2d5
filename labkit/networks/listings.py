"""Keras listings of the source articles, repaired so that they run. Lesson: 10_first_network."""

from __future__ import annotations

import numpy as np

from labkit.networks.training import fit
from labkit.networks.watching import probabilities

STARTS = 3  # of each listing: its accuracy hangs on luck


def sums_above_fifty() -> tuple[int, float]:
    """Train 128-64-2 to say whether a padded sequence of 1 to 20 numbers adds up to more than 50.

    Returns:
        Its parameters, and the mean share of 1,000 new sequences that three starts have right.
    """
    from labkit.networks.backend import keras

    rng = np.random.default_rng(0)
    sequences = [rng.integers(1, 10, rng.integers(1, 21)) for _ in range(2000)]
    padded = keras.utils.pad_sequences(sequences, maxlen=20).astype("float32")
    large = np.array([row.sum() > 50 for row in sequences]).astype("int64")
    return _trained([128, 64, 2], (20,), padded, large, 1000, "adam", epochs=10, batch_size=32)


def wrong_labels_in_words(pairs: np.ndarray, labels: np.ndarray) -> str:
    """Train 2-3-1, all sigmoid, on pairs with labels of -1 and 1; return what Keras says.

    Args:
        pairs: shape (n, 2).
        labels: shape (n, 1).
    """
    from labkit.networks.backend import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "sigmoid")])
    model.add(keras.layers.Dense(1, "sigmoid"))
    model.compile(keras.optimizers.SGD(1.0), "binary_crossentropy", metrics=["accuracy"])
    start = f"Keras on {keras.backend.backend()}"
    try:
        said = model.fit(pairs, labels, batch_size=50, epochs=10, verbose=0).history
    except RuntimeError as error:  # PyTorch looks at the labels
        return f"{start} refuses: {error}"
    return f"{start}: loss {said['loss'][-1]:.2f}, accuracy {said['accuracy'][-1]:.3f}."


def digits_at_a_small_rate(x: np.ndarray, y: np.ndarray, optimizer: str, epochs: int) -> float:
    """Train 784-500-10 at the rate 0.001; return the mean share of right answers of three starts.

    Args:
        x: images, shape (n, 28, 28, 1); it learns from the first four fifths.
        y: labels, shape (n,).
        optimizer: "SGD" or "Adam".
        epochs: passes over the images.
    """
    from labkit.networks.backend import keras

    rate = lambda: getattr(keras.optimizers, optimizer)(0.001)
    count = 4 * len(x) // 5
    return _trained([500, 10], x.shape[1:], x, y, count, rate, epochs=epochs, batch_size=64)[1]


def _trained(units, shape, x, y, count, optimizer, **options) -> tuple[int, float]:
    from labkit.networks.backend import keras

    scores = []
    for seed in range(STARTS):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input(shape), keras.layers.Flatten()])
        for each in units[:-1]:
            model.add(keras.layers.Dense(each, "relu"))
        model.add(keras.layers.Dense(units[-1], "softmax"))
        made = optimizer() if callable(optimizer) else optimizer
        model.compile(made, "sparse_categorical_crossentropy")
        fit(model, x[:count], y[:count], verbose=0, **options)
        answers = probabilities(model, x[count:]).argmax(axis=1)
        scores.append((answers == y[count:]).mean())
    return model.count_params(), float(np.mean(scores))
