"""Backpropagation: the gradient of a network of any depth, and the check that it is right.

A network is a list of layers, each a pair (W, b): W has shape (inputs, units), b has (units,).
All functions also take a stack of networks, W (..., inputs, units) and b (..., units), and then
work on all of them at once: this is how hundreds of seeds are trained in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

Layers = list[tuple[np.ndarray, np.ndarray]]

DIVERGED = 1e6  # a weight larger than this counts as diverged


def _sigmoid(z):
    e = np.exp(-np.abs(z))  # in (0, 1], whatever the sign of z
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def _softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# Hidden activations: the function of z, and its slope written with the activation a it gave.
ACTIVATIONS: dict[str, tuple[Callable, Callable]] = {
    "sigmoid": (_sigmoid, lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "relu": (lambda z: np.maximum(z, 0.0), lambda a: (a > 0) * 1.0),
    "linear": (lambda z: z, np.ones_like),
}

# Output functions; each belongs to one loss, and with it the delta of the output is (a - y) / n.
OUTPUTS: dict[str, Callable] = {
    "sigmoid": _sigmoid,  # binary cross-entropy
    "softmax": _softmax,  # categorical cross-entropy
    "linear": lambda z: z,  # half the squared error
}


# --- a graph small enough to be drawn -------------------------------------------------------------


def graph_values(
    x: float, w1: float, w2: float, v1: float = 1.5, v2: float = -1.0, target: float = 0.5
) -> dict[str, float]:
    """Return all values and slopes of J = (v1 tanh(w1 x) + v2 tanh(w2 x) - target)^2 / 2.

    Args:
        x: the input. w1, w2: weights of the two hidden units. v1, v2: weights of the prediction.
        target: what the prediction should be.

    Returns:
        dict with z1, z2, h1, h2, p, J, and dJ/d... of all of them as d_z1, d_w1, d_x, ...

    Source: the chain rule. Lesson: 04_backpropagation.

    >>> found = graph_values(x=1.0, w1=0.0, w2=0.0, target=1.0)
    >>> found["J"], found["d_w1"]
    (0.5, -1.5)
    """
    z1, z2 = w1 * x, w2 * x
    h1, h2 = math.tanh(z1), math.tanh(z2)
    p = v1 * h1 + v2 * h2
    values = {"x": x, "w1": w1, "w2": w2, "v1": v1, "v2": v2, "target": target}
    values |= {"z1": z1, "z2": z2, "h1": h1, "h2": h2, "p": p, "J": 0.5 * (p - target) ** 2}
    d_p = p - target
    d_h1, d_h2 = d_p * v1, d_p * v2
    d_z1, d_z2 = d_h1 * (1 - h1**2), d_h2 * (1 - h2**2)
    slopes = {"p": d_p, "h1": d_h1, "h2": d_h2, "v1": d_p * h1, "v2": d_p * h2, "z1": d_z1}
    slopes |= {"z2": d_z2, "w1": d_z1 * x, "w2": d_z2 * x, "x": d_z1 * w1 + d_z2 * w2}
    return values | {f"d_{name}": value for name, value in slopes.items()}


# --- a network --------------------------------------------------------------------------------


def glorot_layers(sizes: Sequence[int], seed: int = 0, stack: int | None = None) -> Layers:
    """Return layers with weights drawn as Keras does by default, and biases 0.

    Args:
        sizes: units of each layer, inputs first: (2, 3, 1) is two inputs, three hidden, one output.
        seed: of the draw.
        stack: how many networks at once; None for a single one without the extra axis.

    Returns:
        Weights uniform in [-limit, limit] with limit = sqrt(6 / (inputs + units)).

    Raises:
        ValueError: fewer than two sizes, or a size below 1.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks (2010). Lesson: 04_backpropagation.

    >>> [(W.shape, b.shape) for W, b in glorot_layers([2, 3, 1])]
    [((2, 3), (3,)), ((3, 1), (1,))]
    >>> glorot_layers([2, 3, 1], stack=200)[0][0].shape
    (200, 2, 3)
    """
    sizes = list(sizes)
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes is {sizes}; give at least inputs and outputs, such as [2, 3, 1]")
    rng = np.random.default_rng(seed)
    many = () if stack is None else (stack,)
    layers = []
    for inputs, units in pairwise(sizes):
        limit = np.sqrt(6 / (inputs + units))
        layers.append(
            (rng.uniform(-limit, limit, (*many, inputs, units)), np.zeros((*many, units)))
        )
    return layers


def forward(
    layers: Layers, X: ArrayLike, activation: str = "sigmoid", output: str = "sigmoid"
) -> list[np.ndarray]:
    """Return what every layer gives out, the inputs first and the prediction last.

    Args:
        layers: pairs (W, b).
        X: samples, shape (n, inputs).
        activation: of the hidden layers, a name in `ACTIVATIONS`.
        output: of the last layer, a name in `OUTPUTS`.

    Returns:
        Arrays (..., n, units). `backward` needs all of them, so none is thrown away.

    Raises:
        ValueError: an unknown name, or samples that do not fit the first layer.

    Its derivative with respect to the weights is `backward`. Lesson: 04_backpropagation.

    >>> two_one = [(np.array([[1.0], [2.0]]), np.array([0.5]))]
    >>> forward(two_one, [[1.0, 1.0]], output="linear")[-1].tolist()
    [[3.5]]
    """
    function, _ = _find(ACTIVATIONS, activation, "activation")
    last = _find(OUTPUTS, output, "output")
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or X.shape[-1] != layers[0][0].shape[-2]:
        raise ValueError(
            f"X has shape {X.shape}, and the first layer takes {layers[0][0].shape[-2]} inputs; "
            f"wanted (n, {layers[0][0].shape[-2]})"
        )
    outputs = [X]
    for number, (W, b) in enumerate(layers, start=1):
        z = outputs[-1] @ W + b[..., None, :]  # (..., n, units)
        outputs.append(last(z) if number == len(layers) else function(z))
    return outputs


def backward(
    layers: Layers, outputs: list[np.ndarray], y: ArrayLike, activation: str = "sigmoid"
) -> Layers:
    """Return the gradient of `network_loss` for every weight and bias, in the shape of `layers`.

    Args:
        layers: pairs (W, b).
        outputs: what `forward` returned for them.
        y: targets, shape (n, outputs).
        activation: of the hidden layers, a name in `ACTIVATIONS`.

    Raises:
        ValueError: an unknown activation, or targets that have another shape than the predictions.

    Source: Rumelhart, Hinton and Williams, Learning representations by back-propagating errors
    (1986). Lesson: 04_backpropagation.

    >>> one_one = [(np.array([[2.0]]), np.array([0.0]))]
    >>> backward(one_one, forward(one_one, [[3.0]], output="linear"), [[5.0]])[0][0].tolist()
    [[3.0]]
    """
    steps = deltas(layers, outputs, y, activation)
    return [
        (a.mT @ delta, delta.sum(axis=-2)) for a, delta in zip(outputs[:-1], steps, strict=True)
    ]


def deltas(
    layers: Layers, outputs: list[np.ndarray], y: ArrayLike, activation: str = "sigmoid"
) -> list[np.ndarray]:
    """Return the delta of every layer, the first one first: the slope of `network_loss` for its z.

    Args: as in `backward`.

    Returns:
        Arrays (..., n, units). The slope for the inputs is the first one times `W.mT` of the first
        layer; training does not need it.

    Raises:
        ValueError: see `backward`.

    Source: the chain rule, from the last layer to the first. Lesson: 04_backpropagation.

    >>> chain = [(np.array([[2.0]]), np.array([0.0])), (np.array([[3.0]]), np.array([0.0]))]
    >>> found = deltas(chain, forward(chain, [[1.0]], "relu", "linear"), [[4.0]], "relu")
    >>> [delta.tolist() for delta in found]
    [[[6.0]], [[2.0]]]
    """
    _, slope = _find(ACTIVATIONS, activation, "activation")
    y = _check_targets(outputs[-1], y)
    found = [(outputs[-1] - y) / len(y)]  # dJ/dz of the last layer, (..., n, outputs)
    for (W, _), a in zip(layers[:0:-1], outputs[-2:0:-1], strict=True):
        found.insert(0, (found[0] @ W.mT) * slope(a))
    return found


def network_loss(
    prediction: ArrayLike, y: ArrayLike, output: str = "sigmoid", from_logits: bool = False
) -> np.ndarray:
    """Return the loss that belongs to an output function, one number for each network.

    sigmoid: binary cross-entropy, summed over outputs. softmax: categorical cross-entropy.
    linear: half the squared error, summed over outputs. Always the mean over the samples.

    Args:
        prediction: last array of `forward`, shape (..., n, outputs).
        y: targets, shape (n, outputs); with softmax each row adds up to 1.
        output: a name in `OUTPUTS`.
        from_logits: whether `prediction` is z, before the output function. This is exact for
            every z; from a probability that was rounded to 0 or 1 the loss is at most 709.

    Raises:
        ValueError: an unknown name, or shapes that differ: (n,) against (n, 1) would broadcast.

    Its derivative with respect to the last z is (prediction - y) / n, the first line of `backward`.
    Lesson: 04_backpropagation.

    >>> float(network_loss([[0.5], [0.5]], [[0], [1]]).round(4))
    0.6931
    >>> float(network_loss([[-1000.0]], [[1]], from_logits=True))
    1000.0
    """
    _find(OUTPUTS, output, "output")
    a = np.asarray(prediction, dtype=float)
    y = _check_targets(a, y)
    if output == "linear":
        per_sample = 0.5 * (a - y) ** 2
    elif from_logits:
        highest = a.max(axis=-1, keepdims=True)
        both = highest + np.log(np.exp(a - highest).sum(axis=-1, keepdims=True))
        per_sample = (np.logaddexp(0, a) if output == "sigmoid" else y * both) - y * a
    else:
        tiny = np.finfo(float).tiny  # log(0) is -inf; this keeps the loss finite
        per_sample = -y * np.log(np.maximum(a, tiny))
        if output == "sigmoid":
            per_sample -= (1 - y) * np.log(np.maximum(1 - a, tiny))
    return per_sample.sum(axis=-1).mean(axis=-1)


def descend_layers(layers: Layers, gradients: Layers, learning_rate: float) -> Layers:
    """Return the layers after one step of gradient descent.

    Args:
        layers, gradients: pairs (W, b) and their gradients, as `backward` returns them.
        learning_rate: step size, above 0.

    >>> one_one = [(np.array([[2.0]]), np.array([0.0]))]
    >>> descend_layers(one_one, one_one, 0.1)[0][0].tolist()
    [[1.8]]
    """
    return [
        (W - learning_rate * dW, b - learning_rate * db)
        for (W, b), (dW, db) in zip(layers, gradients, strict=True)
    ]


def train(
    layers: Layers,
    X: ArrayLike,
    y: ArrayLike,
    learning_rate: float,
    epochs: int,
    activation: str = "sigmoid",
    output: str = "sigmoid",
) -> tuple[Layers, np.ndarray]:
    """Return the layers after gradient descent on all samples, and the loss before every step.

    Args:
        layers: where it starts; not changed.
        X: samples, shape (n, inputs).
        y: targets, shape (n, outputs).
        learning_rate: step size, above 0.
        epochs: steps, 0 or more; each uses all samples.
        activation, output: as in `forward`.

    Returns:
        The trained layers, and losses of shape (epochs + 1, ...), the last one after the last step.

    Lesson: 04_backpropagation.

    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[0], [1], [1], [1]]
    >>> _, losses = train(glorot_layers([2, 3, 1]), X, y, learning_rate=1.0, epochs=500)
    >>> bool(losses[-1] < 0.1)
    True
    """
    losses = []
    for _ in range(epochs):
        outputs = forward(layers, X, activation, output)
        losses.append(network_loss(outputs[-1], y, output))
        layers = descend_layers(layers, backward(layers, outputs, y, activation), learning_rate)
    losses.append(network_loss(forward(layers, X, activation, output)[-1], y, output))
    return layers, np.array(losses)


def descend_batches(
    layers: Layers,
    X: ArrayLike,
    y: ArrayLike,
    learning_rate: float,
    batch_size: int = 32,
    activation: str = "sigmoid",
    output: str = "sigmoid",
    seed: int = 0,
) -> Iterator[Layers]:
    """Yield the layers after every step of mini-batch descent, for as long as one asks.

    Args:
        layers, X, y, learning_rate, activation, output: as in `train`.
        batch_size: samples of a step; those left over at the end of an epoch wait for the next.
        seed: of the order of the samples, drawn anew for every epoch.

    Raises:
        ValueError: the batch is larger than the data.

    Lesson: 04_backpropagation.

    >>> walk = descend_batches([(np.zeros((1, 1)), np.zeros(1))], [[1.0]], [[1.0]], 1.0, 1)
    >>> [next(walk)[0][0].round(3).tolist() for _ in range(2)]
    [[[0.5]], [[0.769]]]
    """
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if not 1 <= batch_size <= len(X):
        raise ValueError(f"batch_size is {batch_size}; use 1 to {len(X)}, the number of samples")
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(X))
        for first in range(0, len(X) - batch_size + 1, batch_size):
            rows = order[first : first + batch_size]
            outputs = forward(layers, X[rows], activation, output)
            gradients = backward(layers, outputs, y[rows], activation)
            layers = descend_layers(layers, gradients, learning_rate)
            yield layers


def solved(layers: Layers, X: ArrayLike, y: ArrayLike, activation: str = "sigmoid") -> np.ndarray:
    """Return, for each network of a stack, whether all samples lie on their side of 0.5.

    Args:
        layers: pairs (W, b), the last one followed by a sigmoid.
        X: samples, shape (n, inputs). y: targets 0 or 1, shape (n, 1).
        activation: of the hidden layers.

    >>> always = [(np.zeros((2, 1)), np.array([5.0]))]
    >>> bool(solved(always, [[0.0, 0.0]], [[1]]))
    True
    """
    prediction = forward(layers, X, activation)[-1]
    return ((prediction > 0.5) == (_check_targets(prediction, y) > 0.5)).all(axis=(-2, -1))


# --- the check --------------------------------------------------------------------------------


def numeric_gradient(loss: Callable, w: ArrayLike, tiny: float = 1e-5) -> np.ndarray:
    """Return the gradient of any function by central differences, in the shape of `w`.

    Args:
        loss: a function of `w` that returns one number.
        w: where, an array of any shape; not changed.
        tiny: how far each weight is moved to both sides.

    Source: loss(w + tiny) - loss(w - tiny) = 2 tiny * slope + O(tiny^3).
    Lesson: 04_backpropagation.

    >>> numeric_gradient(lambda w: (w**2).sum(), [1.0, -2.0]).round(6).tolist()
    [2.0, -4.0]
    """
    w = np.array(w, dtype=float)
    gradient = np.zeros(w.shape)
    for place in np.ndindex(w.shape):
        old = w[place]
        w[place] = old + tiny
        above = loss(w)
        w[place] = old - tiny
        gradient[place] = (above - loss(w)) / (2 * tiny)
        w[place] = old
    return gradient


def relative_error(a: ArrayLike, b: ArrayLike) -> float:
    """Return how far two gradients lie apart, from 0 (equal) to 1 (opposite, or one is zero).

    Args:
        a, b: arrays of the same shape; the error is |a - b| / (|a| + |b|), Euclidean lengths.

    Raises:
        ValueError: the shapes differ.

    Lesson: 04_backpropagation.

    >>> relative_error([1.0, 0.0], [1.0, 0.0]), relative_error([2.0], [-2.0])
    (0.0, 1.0)
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape:
        raise ValueError(f"the gradients have shapes {a.shape} and {b.shape}; they must be equal")
    length = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(a - b) / length) if length else 0.0


def check_gradients(
    layers: Layers, X: ArrayLike, y: ArrayLike, activation: str = "sigmoid", output: str = "sigmoid"
) -> float:
    """Return the largest relative error of `backward` against central differences.

    Deep sigmoid networks have slopes so small that rounding would hide them; so two central
    differences are combined such that their errors cancel up to tiny^4, and tiny can be large.
    With relu choose biases other than 0: where a whole layer is 0, z lies on the kink, and there
    is no slope to compare with.

    Args: as in `train`; a single network, no stack.

    Returns:
        The worst error of all weight matrices and biases; below 1e-6 where all is right.

    Lesson: 04_backpropagation.

    >>> check_gradients(glorot_layers([2, 3, 1]), [[0.5, -1.0]], [[1.0]]) < 1e-7
    True
    """
    gradients = backward(layers, forward(layers, X, activation, output), y, activation)
    tiny = 1e-6 if activation == "relu" else 1e-3  # a short move seldom crosses a kink
    worst = 0.0
    for number, part in np.ndindex(len(layers), 2):

        def loss(value, number=number, part=part):
            moved = [list(pair) for pair in layers]
            moved[number][part] = value
            z = forward(moved, X, activation, "linear")[-1]
            return network_loss(z, y, output, from_logits=True)

        w = layers[number][part]
        near, far = (numeric_gradient(loss, w, step) for step in (tiny, 2 * tiny))
        numeric = (4 * near - far) / 3
        worst = max(worst, relative_error(gradients[number][part], numeric))
    return worst


# --- bad input --------------------------------------------------------------------------------


def _find(table: dict, name: str, what: str):
    if name not in table:
        raise ValueError(f"{what} = {name!r} is not known; use one of: {', '.join(table)}")
    return table[name]


def _check_targets(prediction: np.ndarray, y: ArrayLike) -> np.ndarray:
    y = np.asarray(y, dtype=float)
    if y.shape != prediction.shape[-2:]:
        raise ValueError(
            f"the targets have shape {y.shape}, the predictions {prediction.shape[-2:]}; "
            "they must be equal, (n, outputs)"
        )
    return y
