"""Trials of losses that are too long for a cell: printed losses tried again, many networks at once.

Lesson: 02_loss_functions.
"""

import numpy as np

from labkit.maths.descent import start_optimizer
from labkit.maths.losses import categorical_cross_entropy_from_logits, one_hot

# Row s of `w` holds the 13 numbers of network s: 2 inputs, 3 hidden units, 1 output, all sigmoid.
_LIMITS = np.array([1.2**0.5] * 6 + [0] * 3 + [1.5**0.5] * 3 + [0])  # Glorot uniform, biases 0
_CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
_XOR = np.array([[0], [1], [1], [0]])


def printed_starts() -> list[float]:
    """Return lowest, middle and highest first loss of 1000 networks for three classes, twice.

    10 inputs, 50 hidden units (ReLU), 3 outputs, started as PyTorch does, on 90 random samples:
    with standardized inputs, then with inputs eight times as large.
    """
    labels, found = one_hot(np.arange(90) % 3, 3), []
    for scale in (1, 8):
        rng = np.random.default_rng(0)
        losses = []
        for _ in range(1000):
            hidden = np.maximum(_layer(rng, scale * rng.normal(size=(90, 10)), 50), 0)
            losses.append(categorical_cross_entropy_from_logits(labels, _layer(rng, hidden, 3)))
        found += [float(each) for each in np.percentile(losses, [0, 50, 100])]
    return found


def xor_losses() -> tuple[np.ndarray, np.ndarray]:
    """Return the cross-entropy of 10,000 untrained networks on XOR, and of 500 after training.

    Training: 1000 epochs of gradient descent at rate 0.1, from the first 500 starts.
    """
    w = np.random.default_rng(0).uniform(-1, 1, (10_000, 13)) * _LIMITS
    before, w = _losses(w, _CORNERS, _XOR), w[:500]
    for _ in range(1000):
        w = w - 0.1 * _gradient(w, _CORNERS, _XOR)
    return before, _losses(w, _CORNERS, _XOR)


def larger_of_two(seeds: int = 24) -> dict[str, np.ndarray]:
    """Train networks to say which of two numbers is larger, with labels -1 and 1, and 0 and 1.

    100 random pairs, Adam, batches of 10, 1000 epochs; the same pairs and starts for both.

    Returns:
        dict with wrong (labels -1 and 1) and fixed (0 and 1), losses after each epoch, shape
        (1000, seeds); accuracy, the share answered right at the end, shape (2, seeds).
    """
    rng = np.random.default_rng(0)
    X = np.tile(rng.random((seeds, 100, 2)), (2, 1, 1))
    larger = (X[:, :, :1] > X[:, :, 1:]).astype(float)
    low = np.repeat([-1, 0], seeds)[:, None, None]
    targets = low + (1 - low) * larger
    start = rng.uniform(-1, 1, (seeds, 13)) * _LIMITS
    w, update, history = np.tile(start, (2, 1)), start_optimizer("adam"), []
    for _ in range(1000):
        for batch in rng.permutation(100).reshape(10, 10):
            w = update(w, _gradient(w, X[:, batch], targets[:, batch]), 0.001)
        history.append(_losses(w, X, targets))
    wrong, fixed = np.split(np.array(history), 2, axis=1)
    right = np.mean((_forward(w, X)[1] > 0) == larger, axis=(1, 2))
    return {"wrong": wrong, "fixed": fixed, "accuracy": right.reshape(2, seeds)}


def one_sided_bias() -> float:
    """Return the probability that a model of three equal classes gives to each of them, in the end.

    Its three logits have a sigmoid each, and the loss -sum y log p, which nothing holds back.

    >>> one_sided_bias() > 0.999
    True
    """
    bias = 0.0
    for _ in range(1500):
        bias = bias + 10 * (1 - _sigmoid(bias)) / 3
    return float(_sigmoid(bias))


def _layer(rng, x, outputs):
    limit = 1 / np.sqrt(x.shape[1])  # how PyTorch starts a layer
    weights = rng.uniform(-limit, limit, (x.shape[1] + 1, outputs))  # the last row is the bias
    return x @ weights[:-1] + weights[-1]


def _sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))


def _forward(w, X):
    hidden = _sigmoid(X @ w[:, :6].reshape(-1, 2, 3) + w[:, None, 6:9])
    return hidden, hidden @ w[:, 9:12, None] + w[:, 12:, None]


def _losses(w, X, y):
    _, z = _forward(w, X)
    return (np.maximum(z, 0) - y * z + np.log1p(np.exp(-abs(z)))).mean(axis=(1, 2))


def _gradient(w, X, y):
    hidden, z = _forward(w, X)
    change = (_sigmoid(z) - y) / y.shape[-2]  # probability minus label
    inner = change * w[:, None, 9:12] * hidden * (1 - hidden)
    parts = X.swapaxes(-1, -2) @ inner, inner.sum(1), hidden.swapaxes(1, 2) @ change, change.sum(1)
    return np.concatenate([part.reshape(len(w), -1) for part in parts], axis=1)
