"""Trials of lesson 05 that are too long for a cell: luck on a test, scales, what a loss can mean.

Lesson: 05_data_and_metrics.
"""

from __future__ import annotations

from math import comb, lgamma

import numpy as np

RATES = (0.0003, 0.05, 0.1, 0.2, 0.5)


def best_of(models: int, rows: int) -> float:
    """Return the expected accuracy of the best of some models that flip coins.

    The best of k has at most m right with the probability P(X <= m)^k, X binomial.

    Args:
        models: k, how many are scored on the same test.
        rows: of the test.

    >>> round(best_of(1, 100), 3), round(best_of(100, 100), 3)
    (0.5, 0.625)
    """
    ways = [lgamma(right + 1) + lgamma(rows - right + 1) for right in range(rows + 1)]
    chance = np.exp(lgamma(rows + 1) - np.array(ways) - rows * np.log(2))
    at_most = np.cumsum(chance) ** models
    return float(np.sum(np.arange(rows + 1) * np.diff(at_most, prepend=0)) / rows)


def tries_until(right: int, rows: int) -> float:
    """Return how often a coin is tested, on average, until it has so many of the rows right.

    >>> round(tries_until(60, 100), 1)
    35.2
    """
    return 2**rows / sum(comb(rows, k) for k in range(right, rows + 1))


def sureness(accuracy: float, loss: float, classes: int) -> float:
    """Return how sure a model is that has this accuracy and cross-entropy, if always equally sure.

    Args:
        accuracy: share of right answers.
        loss: mean cross-entropy, in nats.
        classes: number of classes; what is left is shared equally by the wrong ones.

    >>> round(sureness(0.92, 0.7456, 3), 3)
    0.502
    """
    p = np.linspace(1 / classes, 0.9999, 100_000)
    losses = -accuracy * np.log(p) - (1 - accuracy) * np.log((1 - p) / (classes - 1))
    falling = losses[: losses.argmin() + 1]
    return float(p[np.argmin(abs(falling - loss))])


def train_small(X, y, X_test, seed: int, epochs: int = 3, rate: float = 0.05, hidden: int = 64):
    """Train a network of one hidden layer by stochastic gradient descent, batches of about 32.

    Args:
        X: float32 rows, shape (n, features).
        y: classes 0 to 9, shape (n,).
        X_test: rows to answer, shape (m, features).
        seed: of weights and order.
        epochs: passes over X.
        rate: learning rate.
        hidden: units of the hidden layer.

    Returns:
        (answers for X_test, shape (m,); the loss of each batch).
    """
    random = np.random.default_rng(seed)
    W1, W2 = (
        (random.uniform(-1, 1, shape).astype("float32") * (6 / sum(shape)) ** 0.5).astype("float32")
        for shape in ((X.shape[1], hidden), (hidden, 10))
    )
    losses = []
    for _ in range(epochs):
        for rows in np.array_split(random.permutation(len(X)), len(X) // 32):
            h = np.maximum(X[rows] @ W1, 0)
            z = h @ W2
            z -= z.max(axis=1, keepdims=True)
            p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            right = np.arange(len(rows)), y[rows]
            losses.append(-np.mean(np.log(p[right] + 1e-12)))
            p[right] -= 1
            W2, back = W2 - rate * h.T @ p / len(rows), (p @ W2.T) * (h > 0)
            W1 = W1 - rate * X[rows].T @ back / len(rows)
    return (np.maximum(X_test @ W1, 0) @ W2).argmax(axis=1), np.array(losses)


def tuned_score(X, y, X_test, y_test, held: int = 500) -> float:
    """Return the mean test accuracy of two small networks at the rate that held rows choose.

    Args:
        X: float32 rows, shape (n, features); the last `held` of them choose the rate.
        y: classes 0 to 9, shape (n,).
        X_test: shape (m, features).
        y_test: shape (m,).
        held: rows that choose among `RATES`.
    """
    right = {rate: _right(X[:-held], y[:-held], X[-held:], y[-held:], 0, rate) for rate in RATES}
    chosen = max(right, key=right.get)
    return float(np.mean([_right(X, y, X_test, y_test, seed, chosen) for seed in range(2)]))


def scales(X, y, X_test, y_test) -> dict[str, float]:
    """Return the accuracy of a small network on each scale of the pixels, at its own best rate.

    Also that of 0 to 255 at the rate 0.05, which is usual for 0 to 1.

    Args:
        X: pixels 0 to 1, shape (n, features).
        y: classes 0 to 9, shape (n,).
        X_test: shape (m, features).
        y_test: shape (m,).
    """
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    width = np.where(deviation == 0, 1, deviation)
    ways = {
        "0 to 255": lambda x: 255 * x,
        "0 to 1": lambda x: x,
        "-1 to 1": lambda x: 2 * x - 1,
        "z-score": lambda x: ((x - mean) / width).astype("float32"),
    }
    own = {name: tuned_score(way(X), y, way(X_test), y_test) for name, way in ways.items()}
    return {"0 to 255, rate 0.05": _right(255 * X, y, 255 * X_test, y_test, 0, 0.05)} | own


def _right(X, y, X_test, y_test, seed: int, rate: float) -> float:
    with np.errstate(all="ignore"):  # some rates are too large
        return float(np.mean(train_small(X, y, X_test, seed, rate=rate)[0] == y_test))


def known_by_heart() -> tuple[float, float]:
    """Return the accuracy of one nearest neighbor on known and on new rows, labels without rule.

    >>> known_by_heart()[0]
    1.0
    """
    rows, labels = np.random.default_rng(0).random((2000, 10)), np.arange(2000) % 2
    known = rows[:1000]
    far = (rows**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2 * rows @ known.T
    right = labels[far.argmin(axis=1)] == labels
    return float(right[:1000].mean()), float(right[1000:].mean())


def rows_left(columns: int, missing: float = 0.1) -> float:
    """Return the share of rows that stay when each row with a gap is dropped.

    >>> round(rows_left(4), 3), round(rows_left(20), 3)
    (0.656, 0.122)
    """
    return (1 - missing) ** columns


def copies_in_training(rows: int = 10_000, copied: int = 2000, test: float = 0.2) -> float:
    """Return the share of test rows of which a copy is in training, when some rows occur twice."""
    random = np.random.default_rng(0)
    many = np.append(np.arange(rows), random.choice(rows, copied, replace=False))
    order = random.permutation(many)
    size = round(test * len(many))
    return float(np.isin(order[:size], order[size:]).mean())


def ranges() -> tuple[float, float, float]:
    """Return what scaling does to 1,000 normal values.

    Lowest and highest z-score; and, after one value has become 1000, the value below which
    min-max squeezes 99 % of them.
    """
    values = np.random.default_rng(0).normal(size=1000)
    z = (values - values.mean()) / values.std()
    values[0] = 1000
    squeezed = (values - values.min()) / np.ptp(values)
    return float(z.min()), float(z.max()), float(np.quantile(squeezed, 0.99))


def rights_that_print(text: str, rows: int) -> list[int]:
    """Return how many of some rows must be right so that the accuracy prints as this text.

    >>> rights_that_print("0.9217", 12_000)
    [11060, 11061]
    """
    digits = len(text.split(".")[1])
    return [right for right in range(rows + 1) if f"{right / rows:.{digits}f}" == text]


def shift_of_the_mean() -> tuple[float, float]:
    """Return how far later rows move a scaler's mean: median and largest of 200 random walks.

    In standard deviations of the training rows, the first 4,800 of 6,000.
    """
    walks = np.random.default_rng(0).normal(size=(200, 6000)).cumsum(axis=1)
    past = walks[:, :4800]
    moved = abs(walks.mean(axis=1) - past.mean(axis=1)) / past.std(axis=1)
    return float(np.median(moved)), float(moved.max())
