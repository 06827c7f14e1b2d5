"""The first two things of the lab that learn: a network that reads digits, a line through flowers.

Lesson: 00_start_here.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from labkit.machine import one_thread
from labkit.maths.backprop import Layers, backward, descend_layers, forward, glorot_layers
from labkit.maths.descent import largest_stable_rate, linear_gradient, linear_hessian, linear_loss

# --- a network that reads digits ------------------------------------------------------------------

BATCH = 16  # images that one step learns from
RATE = 0.1  # learning rate of those steps
STEPS_BETWEEN = 50  # steps from one network that `learn` yields to the next


def new_network(hidden: int, seed: int) -> Layers:
    """Return a network for images of 28 x 28 pixels and ten digits, with random weights.

    Args:
        hidden: units of its hidden layer.
        seed: of the weights.

    >>> [W.shape for W, b in new_network(hidden=64, seed=0)]
    [(784, 64), (64, 10)]
    """
    return glorot_layers([784, hidden, 10], seed)


def probabilities(network: Layers, images: ArrayLike) -> np.ndarray:
    """Return what the network answers: ten probabilities for each image, shape (n, 10).

    Args:
        network: layers, pairs (W, b); ReLU inside, softmax at the end.
        images: numbers in [0, 1], shape (n, 28, 28, 1) or (n, 784).

    >>> network = new_network(hidden=64, seed=0)
    >>> probabilities(network, np.zeros((1, 28, 28, 1))).round(2).tolist()[0][:3]
    [0.1, 0.1, 0.1]
    """
    images = np.asarray(images)
    with one_thread():
        return forward(network, images.reshape(len(images), -1), "relu", "softmax")[-1]


def learn(
    network: Layers, images: ArrayLike, labels: ArrayLike, seed: int
) -> Iterator[tuple[float, Layers]]:
    """Yield (share of the images seen, network) again and again during one pass over the images.

    Each step takes the next 16 images in a random order and changes all weights a little, against
    the gradient of the cross-entropy.

    Args:
        network: where to start; it is left as it is.
        images, labels: shapes (n, 28, 28, 1) and (n,).
        seed: of the order.

    Source: mini-batch gradient descent; lessons 01 and 04 take it apart.

    >>> images, labels = np.zeros((100, 28, 28, 1)), np.zeros(100, dtype=int)
    >>> [share for share, _ in learn(new_network(8, seed=0), images, labels, seed=0)]
    [1.0]
    """
    images = np.asarray(images).reshape(len(images), -1)
    wanted = np.eye(10)[labels]
    batches = np.random.default_rng(seed).permutation(len(images))
    batches = [batches[start : start + BATCH] for start in range(0, len(images), BATCH)]
    for start in range(0, len(batches), STEPS_BETWEEN):
        with one_thread():
            for batch in batches[start : start + STEPS_BETWEEN]:
                network = _step(network, images[batch], wanted[batch])
        yield min(1.0, (start + STEPS_BETWEEN) / len(batches)), network


def _step(network: Layers, images: np.ndarray, wanted: np.ndarray) -> Layers:
    outputs = forward(network, images, "relu", "softmax")
    return descend_layers(network, backward(network, outputs, wanted, "relu"), RATE)


# --- a line through flowers -----------------------------------------------------------------------

# Petal length and petal width, in cm, of twelve iris flowers of three kinds (R. A. Fisher, 1936).
FLOWERS = np.array(
    [
        (1.4, 0.2), (1.5, 0.4), (1.9, 0.2), (3.0, 1.1), (3.3, 1.0), (3.5, 1.0),
        (4.5, 1.7), (4.7, 1.4), (4.8, 1.8), (5.7, 2.5), (6.0, 2.5), (6.9, 2.3),
    ]
)  # fmt: skip
_X = np.column_stack([FLOWERS[:, 0], np.ones(len(FLOWERS))])  # the weight of the ones is b
_WIDTH = FLOWERS[:, 1]

TOO_LARGE = 1000.0  # cm^2; the loss starts below 3, so beyond this the run has diverged and stops


def fit_line(learning_rate: float, steps: int) -> dict:
    """Return what gradient descent finds for width = w * length + b, started at w = 0, b = 0.

    The loss is the mean squared error, in cm^2.

    Args:
        learning_rate: size of a step along the negative gradient, above 0.
        steps: how many steps, 0 or more.

    Returns:
        dict with w, b and loss after the last step done; losses, array of the loss after 0, 1, ...
        steps, shorter when the run diverged and was stopped; predictions, array (12,) in cm;
        best_loss, the smallest possible loss; largest_stable_rate, above which the steps grow;
        diverged, whether the run was stopped.

    >>> round(fit_line(learning_rate=0.01, steps=20)["loss"], 3)
    0.081
    """
    line = np.zeros(2)  # w, b
    losses = [linear_loss(line, _X, _WIDTH)]
    for _ in range(steps):
        line = line - learning_rate * linear_gradient(line, _X, _WIDTH)
        losses.append(linear_loss(line, _X, _WIDTH))
        if losses[-1] > TOO_LARGE:
            break
    return {
        "w": float(line[0]),
        "b": float(line[1]),
        "loss": losses[-1],
        "losses": np.array(losses),
        "predictions": _X @ line,
        "best_loss": best_loss(),
        "largest_stable_rate": largest_stable_rate(linear_hessian(_X)),
        "diverged": losses[-1] > TOO_LARGE,
    }


def best_loss() -> float:
    """Return the loss of the least-squares line, which no line can beat, in cm^2.

    >>> round(best_loss(), 3)
    0.046
    """
    line = np.linalg.lstsq(_X, _WIDTH)[0]
    return linear_loss(line, _X, _WIDTH)
