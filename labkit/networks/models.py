"""Networks that several lessons use, built from plain Keras layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def small_cnn(dropout: float = 0.0, seed: int = 0) -> keras.Sequential:
    """Return the convolutional network 32-64-64 of the source articles, not yet compiled.

    Three convolutions with 3x3 kernels, max pooling after the first two, then a hidden layer
    of 64 units and ten class probabilities: 93,322 parameters.

    Args:
        dropout: share of the 64 hidden units switched off at random while training, in [0, 1).
        seed: start of the kernels and of dropout; the same seed gives the same network on the
            same backend (other backends draw other numbers).

    Returns:
        A model from images of shape (n, 28, 28, 1) in [0, 1] to probabilities of shape (n, 10).

    Raises:
        ValueError: a dropout outside [0, 1).

    Lessons: 22_smaller_models, 25_energy_and_cost; 11_convolution builds it in a cell.
    """
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must lie in [0, 1), 0 for none. Received: dropout={dropout}")
    from labkit.networks.backend import keras

    layers = keras.layers

    def start(layer: int) -> keras.initializers.Initializer:
        # One seed a layer: layers of the same shape would otherwise start with equal kernels.
        return keras.initializers.GlorotUniform(seed=10 * seed + layer)

    def convolution(filters: int, name: str, layer: int) -> keras.Layer:
        return layers.Conv2D(
            filters, 3, activation="relu", kernel_initializer=start(layer), name=name
        )

    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            convolution(32, "conv_1", 1),  # 26 x 26 x 32
            layers.MaxPooling2D(2, name="pool_1"),  # 13 x 13 x 32
            convolution(64, "conv_2", 2),  # 11 x 11 x 64
            layers.MaxPooling2D(2, name="pool_2"),  # 5 x 5 x 64
            convolution(64, "conv_3", 3),  # 3 x 3 x 64
            layers.Flatten(name="flatten"),  # 576
            layers.Dense(64, activation="relu", kernel_initializer=start(4), name="dense_1"),
        ],
        name="small_cnn",
    )
    if dropout:
        model.add(layers.Dropout(dropout, seed=seed, name="dropout"))
    model.add(layers.Dense(10, activation="softmax", kernel_initializer=start(5), name="digits"))
    return model


def mlp(hidden: int = 500, dropout: float = 0.0, seed: int = 0) -> keras.Sequential:
    """Return a network with one hidden layer for 28 x 28 images, not yet compiled.

    784-500-10 as shipped, the MLP of the source articles: 397,510 parameters.

    Args:
        hidden: units of the hidden layer (ReLU), at least 1.
        dropout: share of them switched off at random while training, in [0, 1).
        seed: start of the weights and of dropout; the same seed gives the same network on the
            same backend.

    Returns:
        A model from images of shape (n, 28, 28, 1) in [0, 1] to probabilities of shape (n, 10).

    Raises:
        ValueError: fewer than one hidden unit, or a dropout outside [0, 1).

    Lesson: 10_first_network.
    """
    if not isinstance(hidden, int) or hidden < 1:
        raise ValueError(f"hidden must be an integer of at least 1. Received: hidden={hidden!r}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must lie in [0, 1), 0 for none. Received: dropout={dropout}")
    from labkit.networks.backend import keras

    layers, glorot = keras.layers, keras.initializers.GlorotUniform
    first, last = glorot(seed=10 * seed + 1), glorot(seed=10 * seed + 2)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(name="flatten"),  # 784
            layers.Dense(hidden, "relu", kernel_initializer=first, name="hidden"),
        ],
        name="mlp",
    )
    if dropout:
        model.add(layers.Dropout(dropout, seed=seed, name="dropout"))
    model.add(layers.Dense(10, "softmax", kernel_initializer=last, name="digits"))
    return model
