"""Who was in the training data? An attack by likelihood ratio, and the usual one by a threshold.

Many networks learn, each from a random half of the same examples. Each example then has networks
that saw it and networks that did not: two normals of confidence. One more network is asked which
of the two its own confidence fits better. A threshold on confidence, the same for all examples,
asks only whether an example is easy.

All that is found here is measured, with these attackers; what none can do is in `accounting`.
Fair opponents of noise are clipping alone, at its own learning rate, and plain training that stops
early.

Source: Carlini, Chien, Nasr, Song, Terzis, Tramèr, Membership inference attacks from first
principles (2022).
Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from labkit.datacenter.network import Images, Network, Parts
from labkit.datacenter.privacy import dp_sgd
from labkit.datacenter.tuning import tune
from labkit.machine import one_thread
from labkit.maths.intervals import bootstrap_interval

TUNERS = 3  # networks whose members choose the learning rate


class Found(NamedTuple):
    """Share of the members that an attack names, with its interval; low and high 95 %."""

    share: float
    low: float
    high: float


class Attacked(NamedTuple):
    """Networks of one way of training, and what they give away.

    Attributes:
        learning_rate: of all, chosen on held-out images.
        at_the_edge: whether that is the first or last rate tried.
        train_accuracy, test_accuracy: on its members, and on images of nobody; shape (networks,).
        confidence: of each network in each example, shape (networks, n).
        ratio: what `likelihood_ratio` makes of it, shape (networks, n).
    """

    learning_rate: float
    at_the_edge: bool
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray
    confidence: np.ndarray
    ratio: np.ndarray


# --- the attack ---------------------------------------------------------------------------------


def split_members(networks: int, n: int, seed: int = 0) -> np.ndarray:
    """Return who learns what, bool (networks, n): each example is a member of exactly half.

    Args:
        networks: an even number, 6 or more, so that two are left on each side of one asked.
        n: examples.
        seed: of the draw.

    Raises:
        ValueError: another number of networks.

    >>> members = split_members(8, 100)
    >>> bool((members.sum(axis=0) == 4).all())
    True
    """
    if networks < 6 or networks % 2:
        raise ValueError(f"networks must be an even number, 6 or more. Received: {networks!r}")
    order = np.random.default_rng(seed).random((networks, n)).argsort(axis=0)
    return order < networks // 2


def confidence(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return log(p / (1 - p)) of the right class, shape (..., n): about normal over networks.

    Args:
        scores: of each class before softmax, shape (..., n, classes).
        y: right class of each example, shape (n,).

    Source: Carlini and others (2022), who show that it is.

    >>> scores = np.log([[0.8, 0.1, 0.1]])
    >>> confidence(scores, np.array([0])).round(4).tolist()  # log(0.8 / 0.2)
    [1.3863]
    """
    right = np.arange(scores.shape[-1]) == y[:, None]
    others = np.where(right, -np.inf, scores)
    top = others.max(axis=-1)
    rest = top + np.log(np.exp(others - top[..., None]).sum(axis=-1))
    return np.where(right, scores, 0).sum(axis=-1) - rest


def likelihood_ratio(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return how much better "member" explains a value than "not": log ratio (networks, n).

    Each network is asked in turn, and is left out of the normals that it is compared with.

    Args:
        values: confidence of each network in each example, shape (networks, n).
        members: who learned from whom, bool, shape (networks, n).

    Source: Carlini and others (2022), algorithm 1, leave one out.

    >>> values = np.array([[5.0], [6.0], [7.0], [1.0], [2.0], [3.0]])
    >>> ratio = likelihood_ratio(values, values > 4)
    >>> np.sign(ratio[:, 0]).tolist()
    [1.0, 1.0, 1.0, -1.0, -1.0, -1.0]
    """
    ratio = np.empty(values.shape)
    for asked, own in enumerate(values):
        others, saw = np.delete(values, asked, axis=0), np.delete(members, asked, axis=0)
        ratio[asked] = _log_normal(own, others, saw) - _log_normal(own, others, ~saw)
    return ratio


def _log_normal(own: np.ndarray, others: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the log density of own values in the normals of the others that count."""
    n = counts.sum(axis=0)
    mean = (others * counts).sum(axis=0) / n
    variance = ((others - mean) ** 2 * counts).sum(axis=0) / (n - 1) + 1e-12
    return -((own - mean) ** 2) / (2 * variance) - np.log(2 * np.pi * variance) / 2


def true_positives(scores: np.ndarray, members: np.ndarray, false_positives: float = 0.01) -> Found:
    """Return the share of members that are named when so few others are, and its interval.

    One threshold for all: as low as the allowed false alarms permit. The interval is over examples
    drawn anew (bootstrap), with the networks as they are.

    Args:
        scores: higher for a member, shape (networks, n).
        members: the truth, bool, shape (networks, n).
        false_positives: share of the others that may be named.

    >>> members = split_members(6, 50)
    >>> true_positives(members * 1.0, members).share
    1.0
    """
    columns = np.arange(members.shape[1])
    low, high = bootstrap_interval(
        lambda some, _: share_named(scores[:, some], members[:, some], false_positives),
        *(columns, columns),
        repeats=200,
    )
    return Found(share_named(scores, members, false_positives), low, high)


def share_named(scores: np.ndarray, members: np.ndarray, false_positives: float) -> float:
    """Return the share of members that are named; arguments as those of `true_positives`.

    >>> share_named(np.array([3.0, 1.0, 2.0, 0.0]), np.array([True, True, False, False]), 0.5)
    1.0
    """
    others = np.sort(scores[~members])[::-1]
    threshold = others[min(int(false_positives * len(others) + 1e-9), len(others) - 1)]
    return float((scores[members] > threshold).mean())


def strongest(
    sigma: float, q: float, steps: int, trials: int = 10_000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of the strongest attacker that DP-SGD allows for, simulated, and the truth.

    It sees the noisy sum of every step, knows all other examples, and has one whose gradient is
    always as long as the limit and points where nothing else does. Of a step it so sees N(0,
    sigma²), and N(1, sigma²) whenever its example was drawn; it scores by the likelihood ratio.

    Args:
        sigma, q, steps: as those of `accounting.epsilon`.
        trials: runs with the example, and as many without.
        seed: of draws and noise.

    Returns:
        Scores and truth, shape (2, trials): first the runs without; as `true_positives` takes them.

    Source: Nasr and others, Adversary instantiation (2021); the two distributions are
    those of Mironov, Talwar, Zhang (2019).

    >>> found = true_positives(*strongest(4.0, 0.25, 200))
    >>> 0.05 < found.share < 0.1
    True
    """
    random = np.random.default_rng(seed)
    scores, members = np.zeros((2, trials)), np.zeros((2, trials), bool)
    members[1] = True
    for _ in range(steps):
        seen = random.normal(0, sigma, scores.shape)
        seen[1] += random.random(trials) < q
        scores += np.log1p(q * np.expm1((2 * seen - 1) / (2 * sigma**2)))
    return scores, members


# --- what is attacked ---------------------------------------------------------------------------


def measure(
    parts: Parts,
    members: np.ndarray,
    *,
    learning_rate: float | None = None,
    rates: Sequence[float] = dp_sgd.RATES,
    network: Network = dp_sgd.NETWORK,
    seed: int = 0,
    **settings: Any,
) -> Attacked:
    """Train a network on each row of members at its best learning rate, and attack all of them.

    The rule is the same for every way of training: `tuning.tune` on the first networks' members,
    judged on `parts.valid`; `parts.test` chooses nothing.

    Args:
        parts: the first n images of `train` are the examples.
        members: who learns from whom, bool, shape (networks, n).
        learning_rate: untuned; None tunes it.
        rates: that are tried.
        network: its layers.
        seed: of starts, draws and noise.
        **settings: q, steps, sigma, limit and step of `dp_sgd.descend`.

    Raises:
        ValueError: more examples than images.
    """
    if members.shape[1] > len(parts.train.y):
        raise ValueError(f"members has {members.shape[1]} examples of {len(parts.train.y)} images")
    images = _some(parts.train, slice(members.shape[1]))
    halves = [parts._replace(train=_some(images, row)) for row in members[:TUNERS]]
    fit = partial(dp_sgd.train, network=network, **settings)
    tuned = None if learning_rate else tune(fit, halves, rates, network)
    rate = tuned.learning_rate if tuned else learning_rate
    starts = np.stack([network.start(1000 * seed + each) for each in range(len(members))])
    w = dp_sgd.descend(starts, images, members, rate, seed=seed, network=network, **settings)
    with one_thread():
        scores = network.scores(w, images.x).astype(float)
        test = network.accuracy(w, parts.test)
    right = scores.argmax(axis=-1) == images.y
    train = (right * members).sum(axis=1) / members.sum(axis=1)
    values = confidence(scores, images.y)
    edge = bool(tuned and tuned.at_the_edge)
    return Attacked(rate, edge, train, test, values, likelihood_ratio(values, members))


def _some(images: Images, rows: np.ndarray | slice) -> Images:
    return Images(images.x[rows], images.y[rows])
