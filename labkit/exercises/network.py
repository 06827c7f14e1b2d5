"""Exercises of lesson 10: a network in Keras, a training step, a bug in the labels, a better one.

Each name is an Exercise: `network.use(my_network)`.  Lesson: 10_first_network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.learn import values
from labkit.learn.checks import Exercise
from labkit.maths import backprop as maths

if TYPE_CHECKING:
    import keras

_random = np.random.default_rng(10)
_images = _random.random((4, 28, 28, 1))


class _KerasExercise(Exercise):
    """An exercise about Keras models: Keras is loaded when an answer is checked, not before."""

    needs_keras = True

    def _outputs(self, answer: Any) -> list:
        """Build the lab's own answers once: there are many, and each is a model."""
        known = _known.setdefault((self.name, len(self.cases)), {})
        if answer not in known:
            known[answer] = super()._outputs(answer)
        return known[answer]

    def _usable(self, answer: Any, trial: Any, wanted: list) -> Any:
        return answer  # it gives or changes a model: nothing to bring into another form


_known: dict[tuple, dict] = {}
SECONDS = 60  # a framework may compile first


class _Network(_KerasExercise):
    """Says of an answer that nobody planned what came back."""

    asked = "a Keras network"

    def _named(self, answer: Any, got: list, right: list) -> tuple[str, str]:
        if isinstance(got[0], str):
            return "another network", f"What came back: {got[0]}."
        if isinstance(got[0], np.ndarray) and got[0].shape == right[0].shape:
            told = "Its weights have the right shapes, and it computes something else with them."
            return "another function", f"{told} Look at the activations."
        return "no network", f"Asked is {self.asked}. You return {values.short(got[0])}."

    def _first_difference(self, got: list, right: list) -> str:
        return ""


class _NetworkAndSize(_Network):
    asked = "two things, a compiled network and a batch size"


# --- network: my_network(hidden) -> a Keras model 784-hidden-10, not yet compiled -----------------


def _build(*units: int | str, shape: tuple = (28, 28, 1), flatten: bool = True) -> keras.Sequential:
    """Return a Sequential: units and activation of each Dense layer in turn, "" for none."""
    from labkit.networks.backend import keras

    pairs = zip(units[::2], units[1::2], strict=True)
    model = keras.Sequential([keras.Input(shape)] if shape else [])
    if flatten:
        model.add(keras.layers.Flatten())
    for count, activation in pairs:
        model.add(keras.layers.Dense(count, activation or None))
    return model


def _network(hidden: int) -> keras.Sequential:
    return _build(hidden, "relu", 10, "softmax")


def _behavior(model: keras.Model, hidden: int) -> np.ndarray | str | None:
    """Return what a network answers to fixed images with fixed weights; or its shapes, in words.

    So it does not matter how it was written: as a list, by `add`, or as a graph of layers.
    """
    if model is None or model is ...:
        return model
    from labkit.networks.backend import keras

    shapes = [tuple(array.shape) for array in model.get_weights()]
    if not shapes:
        return "no weights yet"
    if shapes != [(784, hidden), (hidden,), (hidden, 10), (10,)]:
        return f"weights of shapes {', '.join(map(str, shapes))}"
    if len(model.input_shape) != 4:
        return f"a network for inputs of shape {model.input_shape[1:]}"
    random = np.random.default_rng(1)
    model.set_weights([random.normal(0, 0.3, shape) for shape in shapes])
    return keras.ops.convert_to_numpy(model(_images, training=True))


network = _Network(
    name="network",
    lesson="10",
    seconds=SECONDS,
    right=_network,
    read=_behavior,
    cases=[(5,), (12,)],
    tolerance=1e-4,
    mistakes={
        "no softmax": (
            lambda hidden: _build(hidden, "relu", 10, ""),
            "Its ten outputs are scores of any size. The loss of this lesson expects "
            "probabilities that add up to 1.",
        ),
        "sigmoid at the end": (
            lambda hidden: _build(hidden, "relu", 10, "sigmoid"),
            "Each output is a probability of its own, and the ten do not add up to 1. An image "
            "shows exactly one digit.",
        ),
        "no activation in the hidden layer": (
            lambda hidden: _build(hidden, "", 10, "softmax"),
            "Two layers with nothing between them are one: a product of two matrices is a matrix. "
            "The hidden layer needs an activation.",
        ),
        "sigmoid in the hidden layer": (
            lambda hidden: _build(hidden, "sigmoid", 10, "softmax"),
            "It would learn, too. Asked is a hidden layer with ReLU.",
        ),
        "softmax in the hidden layer": (
            lambda hidden: _build(hidden, "softmax", 10, "softmax"),
            "Softmax in the hidden layer lets its units share a sum of 1. Only the ten answers "
            "are probabilities.",
        ),
        "no hidden layer": (
            lambda hidden: _build(10, "softmax"),
            "This is the first network again: the images go straight to ten outputs.",
        ),
        "layers exchanged": (
            lambda hidden: _build(10, "relu", hidden, "softmax"),
            "The layer with ten units comes first, and the one with `hidden` units answers. There "
            "are ten digits to answer.",
        ),
        "always the same size": (
            lambda hidden: _build(500, "relu", 10, "softmax"),
            "It has 500 hidden units whatever `hidden` says.",
        ),
        "one output": (
            lambda hidden: _build(hidden, "relu", 1, "sigmoid"),
            "One output answers yes or no. Here are ten classes.",
        ),
        "not flattened": (
            lambda hidden: _build(hidden, "relu", 10, "softmax", flatten=False),
            "A Dense layer looks at the last axis alone, here the one gray value of a pixel. Lay "
            "all pixels of an image into one row first.",
        ),
        "rows instead of images": (
            lambda hidden: _build(hidden, "relu", 10, "softmax", shape=(784,), flatten=False),
            "It takes rows of 784 numbers. The images come in as 28 x 28 x 1.",
        ),
        "no input": (
            lambda hidden: _build(hidden, "relu", 10, "softmax", shape=()),
            "It has no weights yet, because it does not know how large an image is. Begin with "
            "the shape of one.",
        ),
    },
    hint="The first network of this lesson, and one layer more between its last two lines.",
)


# --- step: my_step(model, x, y, learning_rate) -> loss; the model's weights have moved ------------


class _Start:
    """Stands for a fresh network with one hidden layer; a copy of it *is* one, a Keras model."""

    def __init__(self, shape: tuple[int, ...], hidden: int, classes: int):
        self.shape, self.sizes = shape, (int(np.prod(shape)), hidden, classes)

    def __deepcopy__(self, memo: dict) -> keras.Sequential:
        model = _build(self.sizes[1], "relu", self.sizes[2], "softmax", shape=self.shape)
        random = np.random.default_rng(2)
        model.set_weights([random.normal(0, 0.5, each.shape) for each in model.get_weights()])
        return model

    def __repr__(self) -> str:
        return f"a network {'-'.join(map(str, self.sizes))}"


def _loss_and_gradients(model, x, y) -> tuple[float, list[np.ndarray]]:
    """By the backward pass of lesson 04: the lab's own step uses no automatic gradient."""
    weights = model.get_weights()
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    outputs = maths.forward(layers, np.reshape(x, (len(x), -1)), "relu", "softmax")
    targets = np.eye(len(weights[-1]))[y]
    gradients = maths.backward(layers, outputs, targets, "relu")
    loss = maths.network_loss(outputs[-1], targets, "softmax")
    return float(loss), [each for pair in gradients for each in pair]


def _taken(change: Callable, told: Callable = lambda loss, *_: loss) -> Callable:
    """Return a step that moves the weights by change(gradients, rate, n), and tells a loss."""

    def step(model, x, y, learning_rate):
        loss, gradients = _loss_and_gradients(model, x, y)
        moves = change(gradients, learning_rate, len(x))
        pairs = zip(model.get_weights(), moves, strict=True)
        model.set_weights([weights + move for weights, move in pairs])
        return told(loss, gradients, model, x, y)

    return step


def _downhill(gradients: Sequence[np.ndarray], rate: float, n: int) -> list:
    return [-rate * each for each in gradients]


def _some(chosen: Callable[[int], bool]) -> Callable:
    """Return a change of only some arrays, by their place."""
    return lambda gradients, rate, n: [
        -rate * each * chosen(place) for place, each in enumerate(gradients)
    ]


def _after_the_step(value: Any, model, x, y, learning_rate) -> Any:
    """Return the loss that an answer tells, and all weights of the model after the call."""
    if value is None or value is ...:
        return value
    from labkit.networks.backend import keras

    if isinstance(value, (list, tuple)):
        return f"{len(value)} things"
    loss = np.ravel(keras.ops.convert_to_numpy(value))
    return np.concatenate([loss, *map(np.ravel, model.get_weights())]).astype(float)


def _step_case(n: int, shape: tuple[int, ...], hidden: int, classes: int, rate: float) -> tuple:
    x = _random.random((n, *shape)).round(1)
    return _Start(shape, hidden, classes), x, _random.integers(0, classes, n), rate


class _Step(_KerasExercise):
    """Says of a step that nobody planned whether it is the loss or the weights that are wrong."""

    def _first_difference(self, got: list, right: list) -> str:
        if any(np.shape(mine) != wanted.shape for mine, wanted in zip(got, right, strict=True)):
            return super()._first_difference(got, right)
        close = np.concatenate(list(map(np.isclose, got, right, [1e-4] * 2, [1e-5] * 2)))
        starts = np.cumsum([0, *map(len, right[:-1])])
        loss = "right" if close[starts].all() else "wrong"
        weights = np.delete(close, starts)
        where = f"{weights.sum()} of {len(weights)} weights and biases are where they should be"
        return f"The loss that you return is {loss}; {where} after the step."


step = _Step(
    name="step",
    lesson="10",
    seconds=SECONDS,
    right=_taken(_downhill),
    read=_after_the_step,
    cases=[_step_case(3, (2, 2, 1), 3, 2, 0.5), _step_case(7, (3, 2, 1), 5, 4, 0.2)],
    tolerance=1e-4,
    mistakes={
        "no weight has changed": (
            _taken(lambda gradients, rate, n: [0 * each for each in gradients]),
            "The loss is right, and the model is as it was. `w = w - ...` gives the name `w` to a "
            "new array; the variable of the model does not hear of it.",
        ),
        "uphill": (
            _taken(lambda gradients, rate, n: [rate * each for each in gradients]),
            "The weights move with the gradient, where the loss grows.",
        ),
        "learning rate left out": (
            _taken(lambda gradients, rate, n: [-each for each in gradients]),
            "The weights move by the whole gradient. How long a step is says the learning rate.",
        ),
        "the gradient itself": (
            _taken(
                lambda gradients, rate, n: [-rate * each for each in gradients],
                lambda loss, gradients, *_: gradients,
            ),
            "You return the gradients. The loop needs the loss, to show how the training goes.",
        ),
        "loss and gradients": (
            _taken(_downhill, lambda loss, gradients, *_: (loss, gradients)),
            "You return loss and gradients. The loop needs the loss alone.",
        ),
        "the loss afterwards": (
            _taken(
                _downhill, lambda loss, gradients, model, x, y: _loss_and_gradients(model, x, y)[0]
            ),
            "The weights are right. The loss that you return was computed after the step; `fit` "
            "reports the one before it, which is there already.",
        ),
        "divided by the batch once more": (
            _taken(lambda gradients, rate, n: [-rate * each / n for each in gradients]),
            "You divide by the number of images. The loss is a mean over them already, and so is "
            "its gradient.",
        ),
        "only the first layer": (
            _taken(_some(lambda place: place < 2)),
            "Only the first layer has moved. Each variable of the model has its own gradient.",
        ),
        "only the last layer": (
            _taken(_some(lambda place: place > 1)),
            "Only the last layer has moved. Each variable of the model has its own gradient.",
        ),
        "only the first array": (
            _taken(_some(lambda place: place == 0)),
            "Only the first array of weights has moved. Does a `return` stand inside of your loop?",
        ),
        "biases left out": (
            _taken(_some(lambda place: place % 2 == 0)),
            "The weights have moved, and the biases have not. They learn as well.",
        ),
    },
    hint="Ask for loss and gradients. Go through the variables and their gradients side by side, "
    "and give each variable its new value. Return the loss.",
)


# --- swapped: which two labels of the training set are exchanged? A list of two digits ----------


def exchange_labels(y: np.ndarray) -> np.ndarray:
    """Return labels in which somebody has exchanged two digits: the bug of the exercise.

    Args:
        y: labels 0 to 9, shape (n,); not changed.
    """
    exchanged = np.arange(10)
    exchanged[_SWAPPED] = _SWAPPED[::-1]
    return exchanged[y]


_SWAPPED = [2, 7]


def _pair(answer: Any) -> Any:
    """Return two digits as a sorted list, however they are written: an exchange has no order."""
    digits = map(int, re.findall(r"\d+", answer)) if isinstance(answer, str) else answer
    found = sorted(index(digit) for digit in digits)
    return found if len(found) == 2 else answer


swapped = Exercise(
    name="swapped",
    lesson="10",
    right=_SWAPPED,
    read=_pair,
    mistakes={
        "digits that look alike": (
            [4, 9],
            "4 and 9 look alike, so a good network mixes some of them up, too. "
            "Look for a pair of which nearly all go wrong.",
        ),
        "also alike": (
            [3, 5],
            "3 and 5 look alike, so a good network mixes some of them up, too. "
            "Look for a pair of which nearly all go wrong.",
        ),
        "counts instead of digits": (
            [2, 2],
            "A digit exchanged with itself changes nothing. Give the row and the column.",
        ),
        "only one of them": (2, "That is one of the two. Which digit do its images get?"),
        "only the other": (7, "That is one of the two. Which digit do its images get?"),
    },
    hint="In the table, look off the diagonal for cells as large as those on it.",
)


# --- better: my_better() -> a compiled network, and a batch size ----------------------------------

READY = "a compiled network for digits, and a batch size"


def _better() -> tuple[keras.Sequential, int]:
    return _compile(_build(300, "relu", 300, "relu", 10, "softmax")), 32


def _compile(model: keras.Model) -> keras.Model:
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _is_model(answer: Any) -> bool:
    return hasattr(answer, "get_weights") and not isinstance(answer, type)


def _ready(answer: Any) -> Any:
    """Return READY, or in words why an answer cannot be trained on images of digits."""
    if answer is None or answer is ...:
        return answer
    if _is_model(answer):
        return "no batch size"
    model, batch_size = answer
    if not _is_model(model):
        return answer
    if not isinstance(batch_size, int | np.integer) or not 1 <= batch_size <= 3000:
        return "a batch size of another kind"
    if not model.compiled:
        return "not compiled"
    from labkit.networks.backend import keras

    try:
        given = keras.ops.convert_to_numpy(model(_images, training=False))
    except Exception:  # whatever a model says of images that it cannot take
        return "it does not take the images"
    if given.shape != (len(_images), 10):
        return f"answers of shape {given.shape[1:]}"
    sure = given.min() >= 0 and np.allclose(given.sum(axis=1), 1, atol=1e-3)
    return READY if sure else "no probabilities"


better = _NetworkAndSize(
    name="better",
    lesson="10",
    seconds=SECONDS,
    right=_better,
    read=_ready,
    cases=[()],
    mistakes={
        "not compiled": (
            lambda: (_build(20, "relu", 10, "softmax"), 32),
            "The network is not compiled: it has no loss and no optimizer yet.",
        ),
        "no batch size": (
            lambda: _compile(_build(20, "relu", 10, "softmax")),
            "You return the network alone. Asked are two things: the network, and a batch size.",
        ),
        "a batch size of another kind": (
            lambda: (_compile(_build(20, "relu", 10, "softmax")), 0.5),
            "The second thing must be a batch size: a whole number of images, from 1 to 3000.",
        ),
        "no probabilities": (
            lambda: (_compile(_build(20, "relu", 10, "")), 32),
            "Its ten answers are no probabilities: they do not add up to 1.",
        ),
        "one answer": (
            lambda: (_compile(_build(20, "relu", 1, "sigmoid")), 32),
            "It gives one number for an image. Asked are ten probabilities.",
        ),
        "it does not take the images": (
            lambda: (_compile(_build(20, "relu", 10, "softmax", shape=(50,), flatten=False)), 32),
            "It does not take the images, which come in as 28 x 28 x 1.",
        ),
    },
    hint="The network of section 2 with something changed, compiled; then a comma, and how many "
    "images share an update.",
)
