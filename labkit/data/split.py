"""Split rows into training and test, balance or draw classes, plant and find label errors.

Every split returns two arrays of row numbers, (train, test): each row is in exactly one of them
(except for the rows that a `gap` leaves out).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

Indices = tuple[np.ndarray, np.ndarray]


def split_random(count: int, test_fraction: float = 0.2, seed: int = 0) -> Indices:
    """Return a split that ignores everything: right for rows that have nothing to do together.

    Args:
        count: number of rows.
        test_fraction: share of rows for the test, between 0 and 1.
        seed: the same seed makes the same split.

    Raises:
        ValueError: a fraction outside (0, 1), or so few rows that one part is empty.

    >>> train, test = split_random(10, 0.2)
    >>> len(train), len(test)
    (8, 2)
    """
    size = _test_size(count, test_fraction)
    order = np.random.default_rng(seed).permutation(count)
    return order[size:], order[:size]


def split_stratified(labels: ArrayLike, test_fraction: float = 0.2, seed: int = 0) -> Indices:
    """Return a random split in which each class has the same share in training and test.

    Args:
        labels: class of each row, shape (n,).
        test_fraction: share of each class for the test, rounded to whole rows.
        seed: the same seed makes the same split.

    Raises:
        ValueError: labels that are not (n,), or a class too small to be in both parts.

    >>> train, test = split_stratified([0] * 95 + [1] * 5, 0.2)
    >>> int(np.sum(test >= 95))
    1
    """
    labels = _one_a_row("labels", labels)
    random = np.random.default_rng(seed)
    train, test = [], []
    for one in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == one))
        size = _test_size(len(rows), test_fraction, f"class {one} with {len(rows)} rows")
        train.append(rows[size:])
        test.append(rows[:size])
    return random.permutation(np.concatenate(train)), random.permutation(np.concatenate(test))


def split_groups(groups: ArrayLike, test_fraction: float = 0.2, seed: int = 0) -> Indices:
    """Return a random split that never tears a group: a family, a patient, copies of an image.

    Args:
        groups: name of the group of each row, shape (n,).
        test_fraction: groups go to the test until it holds at least this share of the rows.
        seed: the same seed makes the same split.

    Raises:
        ValueError: groups that are not (n,), or so few that one part would be empty.

    >>> train, test = split_groups(["a", "a", "b", "b", "c", "c"], 0.3)
    >>> len(train), len(test)
    (4, 2)
    """
    groups = _one_a_row("groups", groups)
    wanted = _test_size(len(groups), test_fraction)
    names, number = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    sizes = np.bincount(number)[order]
    taken = order[: np.searchsorted(np.cumsum(sizes), wanted) + 1]
    chosen = np.isin(number, taken)
    if chosen.all():
        raise ValueError(f"{len(names)} groups are too few for a test of {test_fraction:.0%}")
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def split_time(times: ArrayLike, test_fraction: float = 0.2, gap: int = 0) -> Indices:
    """Return a split that trains on the past and tests on the future.

    Args:
        times: time of each row, shape (n,); anything that can be sorted.
        test_fraction: share of the latest rows for the test.
        gap: rows just before the test that are left out. A label that looks h rows ahead needs
            a gap of h: without it the last training labels lie inside the test period.

    Raises:
        ValueError: times that are not (n,), or a gap that leaves nothing to train on.

    >>> train, test = split_time([3, 1, 2, 5, 4], 0.2, gap=1)
    >>> train.tolist(), test.tolist()
    ([1, 2, 0], [3])
    """
    times = _one_a_row("times", times)
    size = _test_size(len(times), test_fraction)
    if gap < 0 or gap >= len(times) - size:
        raise ValueError(f"gap must be 0 to {len(times) - size - 1} rows here; got {gap}")
    order = np.argsort(times, kind="stable")
    return order[: len(times) - size - gap], order[len(times) - size :]


def share_seen(train: ArrayLike, test: ArrayLike) -> float:
    """Return the share of test rows of which an exact copy is in training.

    Args:
        train: rows, shape (n, features).
        test: rows, shape (m, features).

    Raises:
        ValueError: not two tables with equally many features.

    >>> share_seen([[1, 2], [3, 4]], [[1, 2], [5, 6]])
    0.5
    """
    train, test = np.asarray(train), np.asarray(test)
    if train.ndim != 2 or test.ndim != 2 or train.shape[1] != test.shape[1]:
        raise ValueError(f"need (n, features) and (m, features); got {train.shape}, {test.shape}")
    known = {row.tobytes() for row in np.ascontiguousarray(train, dtype=float) + 0.0}
    rows = np.ascontiguousarray(test, dtype=float) + 0.0  # + 0.0 makes -0.0 and 0.0 one
    return float(np.mean([row.tobytes() in known for row in rows]))


# --- balance ------------------------------------------------------------------------------------


def oversample(labels: ArrayLike, seed: int = 0) -> np.ndarray:
    """Return row numbers in which rare classes are repeated until all are equally common.

    Every row is kept. Use it on training rows only, after the split.

    Raises:
        ValueError: labels that are not (n,).

    >>> chosen = oversample([0, 0, 0, 1])
    >>> sorted(chosen.tolist())
    [0, 1, 2, 3, 3, 3]
    """
    labels = _one_a_row("labels", labels)
    random = np.random.default_rng(seed)
    largest = np.unique(labels, return_counts=True)[1].max()
    chosen = []
    for one in np.unique(labels):
        rows = np.flatnonzero(labels == one)
        chosen += [rows, random.choice(rows, largest - len(rows))]
    return random.permutation(np.concatenate(chosen))


def undersample(labels: ArrayLike, seed: int = 0) -> np.ndarray:
    """Return row numbers in which common classes are thinned out until all are equally rare.

    Raises:
        ValueError: labels that are not (n,).

    >>> len(undersample([0, 0, 0, 1]))
    2
    """
    labels = _one_a_row("labels", labels)
    random = np.random.default_rng(seed)
    smallest = np.unique(labels, return_counts=True)[1].min()
    rows = [random.choice(np.flatnonzero(labels == one), smallest, False) for one in set(labels)]
    return random.permutation(np.concatenate(rows))


def draw_per_class(labels: ArrayLike, count: int, seed: int = 0) -> np.ndarray:
    """Return row numbers of `count` samples of each class, drawn at random, in random order.

    A larger draw with the same seed contains the smaller ones.

    Args:
        labels: class of each row, shape (n,).
        count: samples of each class, at least 1.
        seed: the same seed draws the same rows.

    Raises:
        ValueError: a class has fewer than `count` rows.

    Lesson: 12_training_well, 15_transfer_learning.

    >>> labels = np.array([0, 0, 0, 1, 1, 1])
    >>> np.bincount(labels[draw_per_class(labels, 2)]).tolist()
    [2, 2]
    """
    labels = np.asarray(labels)
    random = np.random.default_rng(seed)
    classes, sizes = np.unique(labels, return_counts=True)
    if count < 1 or count > sizes.min():
        raise ValueError(
            f"count must lie in 1 to {sizes.min()}, the rows of the rarest class. Received: {count}"
        )
    rows = [random.permutation(np.flatnonzero(labels == one))[:count] for one in classes]
    return random.permutation(np.concatenate(rows))


# --- label errors -------------------------------------------------------------------------------


def plant_label_errors(labels: ArrayLike, share: float, seed: int = 0) -> tuple:
    """Return labels of which a share is replaced by another class, and where they are wrong.

    Args:
        labels: class of each row, shape (n,), two classes or more.
        share: share of rows to spoil, 0 to 1, rounded to whole rows.
        seed: the same seed spoils the same rows.

    Raises:
        ValueError: labels that are not (n,), one class only, or a share outside 0 to 1.

    >>> spoiled, wrong = plant_label_errors([0, 1] * 10, 0.1)
    >>> int(wrong.sum()), int(np.sum(spoiled != np.array([0, 1] * 10)))
    (2, 2)
    """
    labels = _one_a_row("labels", labels)
    classes, number = np.unique(labels, return_inverse=True)
    if not 0 <= share <= 1 or len(classes) < 2:
        raise ValueError(f"need a share of 0 to 1 and two classes; got {share}, {len(classes)}")
    random = np.random.default_rng(seed)
    wrong = np.zeros(len(labels), dtype=bool)
    wrong[random.choice(len(labels), round(share * len(labels)), replace=False)] = True
    moved = (number + random.integers(1, len(classes), len(labels))) % len(classes)
    return np.where(wrong, classes[moved], labels), wrong


def least_confident(labels: ArrayLike, probabilities: ArrayLike, count: int) -> np.ndarray:
    """Return the `count` rows whose given label the model finds least likely, worst first.

    Args:
        labels: given labels as column numbers of `probabilities`, shape (n,).
        probabilities: from a model that has not trained on the row, shape (n, classes).
        count: how many rows to name.

    Raises:
        ValueError: shapes or labels that do not fit, or a count outside 0 to n.

    >>> least_confident([0, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], 1).tolist()
    [1]
    """
    labels, probabilities = _one_a_row("labels", labels), np.asarray(probabilities)
    if probabilities.ndim != 2 or len(probabilities) != len(labels):
        raise ValueError(f"probabilities must be ({len(labels)}, classes): {probabilities.shape}")
    if not np.isin(labels, np.arange(probabilities.shape[1])).all():
        raise ValueError(f"labels must be columns 0 to {probabilities.shape[1] - 1}")
    if not 0 <= count <= len(labels):
        raise ValueError(f"count must be 0 to {len(labels)}; got {count}")
    own = probabilities[np.arange(len(labels)), labels]
    return np.argsort(own, kind="stable")[:count]


# --- inside -------------------------------------------------------------------------------------


def _one_a_row(name: str, values: ArrayLike) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"{name} must have shape (n,), n at least 1. Received: {values.shape}")
    return values


def _test_size(count: int, test_fraction: float, of: str = "") -> int:
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must lie between 0 and 1; got {test_fraction}")
    size = round(count * test_fraction)
    if not 0 < size < count:
        whole = of or f"{count} rows"
        raise ValueError(f"{whole}: test_fraction={test_fraction} leaves training or test empty")
    return size
