"""Four trainings on real data, as Keras models: what `training.py` and `gpu.py` compare.

MLP and CNN read MNIST 5k, the LSTM forecasts tomorrow's move from 60 days of real prices, and the
transformer predicts the next character of Python's own documentation.
"""

from dataclasses import dataclass

import numpy as np

CONTEXT, WIDTH, HEADS, BLOCKS = 64, 64, 4, 2  # of the transformer
UNITS = 50  # of each of the two LSTM layers: the articles' network for prices, 31,251 weights


@dataclass
class Data:
    """Training and held-out examples; the score is accuracy or, for prices, the squared error."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def digits():
    """Return MNIST 5k: 4,000 training and 1,000 held-out images."""
    from labkit.data import load_mnist

    found = load_mnist()
    return Data(found.x_train, found.y_train, found.x_test, found.y_test)


def full_digits():
    """Return the full MNIST, 60,000 training and 10,000 test images; 5k where it is not there."""
    from labkit.data import DataError, load_mnist

    try:
        found = load_mnist("full")
    except DataError:
        return digits()
    return Data(found.x_train, found.y_train, found.x_test, found.y_test)


def prices():
    """Return windows of 60 days of four logarithmic moves, and the close's move a day later."""
    from labkit.data import load_prices

    xs, ys = [], []
    for _, table in load_prices().table.groupby("ticker"):
        dollars = table[["open", "high", "low", "close"]]
        values = np.log(dollars.mul(table["factor"], axis=0).to_numpy())  # splits taken out
        moves = np.diff(values, axis=0).astype("float32") * 50  # about unit variance
        xs.append(np.lib.stride_tricks.sliding_window_view(moves, 60, axis=0)[:-1].swapaxes(1, 2))
        ys.append(moves[60:, 3])
    x, y = np.ascontiguousarray(np.concatenate(xs)), np.concatenate(ys)[:, None]
    order = np.random.default_rng(0).permutation(len(x))
    return Data(x[order[:3200]], y[order[:3200]], x[order[3200:4200]], y[order[3200:4200]])


def characters():
    """Return pieces of 64 characters of Python's documentation, and the same one later."""
    from pydoc_data.topics import topics

    text = "\n".join(topics.values())
    known = sorted(set(text))
    codes = np.array([known.index(c) for c in text[: 2400 * CONTEXT + 1]], "int32")
    x = codes[:-1].reshape(-1, CONTEXT)
    y = codes[1:].reshape(-1, CONTEXT)
    return Data(x[:1600], y[:1600], x[1600:2000], y[1600:2000])


def mlp(seed):
    """Return 784-500-10, compiled."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(500, activation="relu"),
            layers.Dense(10, activation="softmax", dtype="float32"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def cnn(seed):
    """Return the network 32-64-64 of lesson 11, compiled."""
    from labkit.networks.models import small_cnn

    model = small_cnn(seed=seed)
    model.layers[-1].dtype_policy = "float32"  # in mixed precision, too, as in the others
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def lstm(seed):
    """Return two LSTM layers of 50 units and one output, compiled."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((60, 4)),
            layers.LSTM(UNITS, return_sequences=True),
            layers.LSTM(UNITS),
            layers.Dense(1, dtype="float32"),
        ]
    )
    model.compile("adam", "mse", metrics=["mse"])
    return model


def transformer(seed):
    """Return a decoder of two blocks of width 64 from Keras' own layers, compiled."""
    import keras

    keras.utils.set_random_seed(seed)
    layers, ops = keras.layers, keras.ops

    class Positions(layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(shape=(CONTEXT, WIDTH), initializer="uniform")

        def call(self, x):
            return x + self.table

    tokens = keras.Input((CONTEXT,), dtype="int32")
    x = Positions()(layers.Embedding(128, WIDTH)(tokens))
    for _ in range(BLOCKS):
        normal = layers.LayerNormalization(epsilon=1e-5)(x)
        attention = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)
        x = x + attention(normal, normal, use_causal_mask=True)
        normal = layers.LayerNormalization(epsilon=1e-5)(x)
        hidden = layers.Dense(4 * WIDTH, activation=lambda z: ops.gelu(z, approximate=True))
        x = x + layers.Dense(WIDTH)(hidden(normal))
    logits = layers.Dense(128, dtype="float32")(layers.LayerNormalization(epsilon=1e-5)(x))
    model = keras.Model(tokens, logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


# Multiplications and additions of one example in the forward pass, layer by layer; the first
# number needs no gradient of its inputs, which are data.
def _lstm_flop(inputs):
    return 60 * 2 * 4 * UNITS * (inputs + UNITS)


FORWARD = {
    "mlp": [2 * 784 * 500, 2 * 500 * 10],
    "cnn": [
        2 * 26 * 26 * 32 * 9,
        2 * 11 * 11 * 64 * 9 * 32 + 2 * 3 * 3 * 64 * 9 * 64 + 2 * 64 * 576 + 2 * 10 * 64,
    ],
    "lstm": [_lstm_flop(4), _lstm_flop(UNITS) + 2 * UNITS],
    # Per character: 12 width^2 weights a block, scores and mixture over the context, output.
    "transformer": [
        0,
        CONTEXT * (BLOCKS * (24 * WIDTH**2 + 4 * CONTEXT * WIDTH) + 2 * WIDTH * 128),
    ],
}
# name -> (data, Keras model, examples a batch, epochs, what the score is)
WORKLOADS = {
    "mlp": (digits, mlp, 64, 50, "accuracy"),
    "cnn": (digits, cnn, 64, 4, "accuracy"),
    "lstm": (prices, lstm, 32, 3, "squared error"),
    "transformer": (characters, transformer, 32, 3, "accuracy"),
}


def training_flop(name):
    """Return what one example costs to train: forward, gradient of weights and of inputs."""
    first, rest = FORWARD[name]
    return 2 * first + 3 * rest
