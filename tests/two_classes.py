"""Two classes that a straight line parts, and a small network that always starts the same."""

import numpy as np


def points(count=60):
    """Two classes that a straight line parts."""
    x = np.random.default_rng(0).normal(size=(count, 4)).astype("float32")
    return x, (x[:, 0] + x[:, 1] > 0).astype("int64")


def compiled(optimizer="adam"):
    from labkit.networks.backend import keras

    start = keras.initializers.GlorotUniform
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, activation="relu", kernel_initializer=start(seed=1)),
            keras.layers.Dense(2, activation="softmax", kernel_initializer=start(seed=2)),
        ]
    )
    model.compile(optimizer, loss="sparse_categorical_crossentropy")
    return model
