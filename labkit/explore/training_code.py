"""Points and starting weights that JavaScript, NumPy and Keras draw alike, and the exported code.

The source of these functions is part of that code: what a learner copies out of the explorer is
what the explorer computes. js/training/maths.js repeats it.
"""

import functools
import inspect
from collections.abc import Callable

import numpy as np

from labkit.explore import kit


def random_numbers(seed: int, count: int) -> np.ndarray:
    """Return numbers in [0, 1), the same in a web page and here (the generator mulberry32)."""
    state, numbers = seed, []
    for _ in range(count):
        state = (state + 0x6D2B79F5) % 2**32
        t = (state ^ state >> 15) * (state | 1) % 2**32
        t = (t + (t ^ t >> 7) * (t | 61)) % 2**32 ^ t
        numbers.append((t ^ t >> 14) / 2**32)
    return np.array(numbers)


def xor_points(label: np.ndarray, u: np.ndarray, v: np.ndarray, c: np.ndarray) -> tuple:
    """Return x1, x2: the two classes lie in opposite quarters."""
    across = np.where(c < 0.5, -1, 1)
    up = np.where(label == 1, -across, across)
    return across * (0.2 + 2.3 * u), up * (0.2 + 2.3 * v)


def circle_points(label: np.ndarray, u: np.ndarray, v: np.ndarray, c: np.ndarray) -> tuple:
    """Return x1, x2: class 1 is a disc, class 0 a ring around it."""
    radius = np.where(label == 1, 1.2 * u, 1.7 + 0.8 * u)
    return radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)


def blobs_points(label: np.ndarray, u: np.ndarray, v: np.ndarray, c: np.ndarray) -> tuple:
    """Return x1, x2: two squares side by side: a straight line parts them."""
    center = np.where(label == 1, 1.2, -1.2)
    return center + 2 * (u - 0.5), center + 2 * (v - 0.5)


def spiral_points(label: np.ndarray, u: np.ndarray, v: np.ndarray, c: np.ndarray) -> tuple:
    """Return x1, x2: two arms, each one and a quarter turns."""
    angle = 2.5 * np.pi * u + np.pi * label
    return (0.2 + 2.3 * u) * np.cos(angle), (0.2 + 2.3 * u) * np.sin(angle)


def make_points(place: "Callable", points: int, noise: float, seed: int) -> tuple:
    """Return X (2 * points, 2) and y (2 * points, 1): training points, then as many fresh ones."""
    u, v, c, e, f = random_numbers(seed, 10 * points).reshape(-1, 5).T
    label = np.arange(2 * points) % 2
    x1, x2 = place(label, u, v, c)
    X = np.stack([x1 + noise * (2 * e - 1), x2 + noise * (2 * f - 1)], axis=1)
    return X, label.reshape(-1, 1).astype(float)


def make_layers(sizes: list, seed: int) -> list:
    """Return weights as Keras draws them (Glorot, uniform), biases 0: a list of (W, b)."""
    shapes = [(sizes[k], sizes[k + 1]) for k in range(len(sizes) - 1)]
    numbers = random_numbers(seed + 1, sum(rows * columns for rows, columns in shapes))
    layers = []
    for rows, columns in shapes:
        drawn, numbers = numbers[: rows * columns], numbers[rows * columns :]
        limit = np.sqrt(6 / (rows + columns))
        layers.append((limit * (2 * drawn.reshape(rows, columns) - 1), np.zeros(columns)))
    return layers


PLACES = {
    "xor": xor_points, "circle": circle_points, "blobs": blobs_points, "spiral": spiral_points,
}  # fmt: skip

FUNCTIONS = {  # the function of z, and its slope written with the activation a
    "tanh": ("np.tanh(z)", "1 - a * a"),
    "sigmoid": ("1 / (1 + np.exp(-z))", "a * (1 - a)"),
    "relu": ("np.maximum(z, 0)", "(a > 0) * 1.0"),
    "linear": ("z", "np.ones_like(a)"),
}

_HEAD = """
<<settings>>


{random_numbers}

<<points>>

{make_points}

{make_layers}

X, y = make_points(<<data>>_points, points, noise, seed)
X, y = X[:points], y[:points]  # the second half are fresh points
layers = make_layers([2] + depth * [width] + [1], seed)
"""

_NUMPY = (
    '"""A network that learns, in NumPy alone: losses[k] is the training loss after k epochs."""\n'
    "import numpy as np\n"
    + _HEAD
    + """

def forward(X):
    outputs = [X]
    for number, (W, b) in enumerate(layers, start=1):
        z = outputs[-1] @ W + b
        outputs.append(z if number == len(layers) else <<function>>)
    return outputs


def loss():  # binary cross-entropy from the logits z: safe also where the sigmoid is 0 or 1
    z = forward(X)[-1]
    return np.mean(np.logaddexp(0, z) - y * z)


def step(X, y):
    outputs = forward(X)
    delta = (1 / (1 + np.exp(-outputs[-1])) - y) / len(y)
    for number in reversed(range(len(layers))):
        (W, b), a = layers[number], outputs[number]
        layers[number] = W - learning_rate * a.T @ delta, b - learning_rate * delta.sum(axis=0)
        delta = delta @ W.T * (<<slope>>)  # with the old W


losses = [loss()]
for _ in range(epochs):
    for first in range(0, points, batch_size):
        step(X[first : first + batch_size], y[first : first + batch_size])
    losses.append(loss())
print(f"training loss after {epochs} epochs: {losses[-1]:.4f}")
"""
)

_KERAS = (
    '"""The same network in Keras: losses[k] is the training loss after k epochs."""\n'
    "import keras\nimport numpy as np\n"
    + _HEAD
    + """
keras.config.set_floatx("float64")  # as NumPy computes
model = keras.Sequential([keras.Input((2,))])
for _ in range(depth):
    model.add(keras.layers.Dense(width, activation=activation))
model.add(keras.layers.Dense(1))  # gives the logit; the loss applies the sigmoid
model.set_weights([array for layer in layers for array in layer])
loss = keras.losses.BinaryCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.SGD(learning_rate), loss=loss)

losses = []


def note(*_):
    losses.append(float(loss(y, model(X))))


note()
after = keras.callbacks.LambdaCallback(on_epoch_end=note)
model.fit(
    X, y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0, callbacks=[after]
)
print(f"training loss after {epochs} epochs: {losses[-1]:.4f}")
"""
)


@functools.cache
def code_parts() -> dict[str, dict | str]:
    """Return templates of the exported code, and what fills their places."""
    sources = {f.__name__: inspect.getsource(f) for f in (random_numbers, make_points, make_layers)}

    def fill(template: str) -> str:
        for name, source in sources.items():
            template = template.replace("{" + name + "}", source)
        return template

    return {
        "numpy": fill(_NUMPY),
        "keras": fill(_KERAS),
        "points": {name: inspect.getsource(place) for name, place in PLACES.items()},
        "functions": {name: list(pair) for name, pair in FUNCTIONS.items()},
    }


def as_code(kind: str, params: dict) -> str:
    """Return a script that trains this network and leaves its losses in `losses`.

    Args:
        kind: "numpy" or "keras".
        params: dict with all of `PARAMETERS`.

    >>> params = {"data": "xor", "points": 40, "noise": 0.0, "depth": 1, "width": 3, "seed": 0,
    ...     "activation": "tanh", "learning_rate": 0.3, "batch_size": 10, "epochs": 2}
    >>> exec(as_code("numpy", params))
    training loss after 2 epochs: 0.7034
    """
    code = code_parts()
    function, slope = code["functions"][params["activation"]]
    slots = {
        "settings": kit.as_parameters(params), "points": code["points"][params["data"]],
        "function": function, "slope": slope, "data": params["data"],
    }  # fmt: skip
    text = code[kind]
    for name, value in slots.items():
        text = text.replace(f"<<{name}>>", value)
    return text
