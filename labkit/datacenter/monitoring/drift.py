"""Has the input changed? Tests of drift, what sample size does to them, and many tests at once.

The population stability index (PSI) and the Kolmogorov-Smirnov test (KS) compare one feature of a
reference sample with the same feature today. Neither knows whether a change matters: each grows
more certain with every example. The limits that are quoted for PSI, .1 and .25, hold at no sample
size in particular; `psi_limit` is the one that keeps a promised share of false alarms.

Lesson: 27_monitoring_and_interpretability.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

# --- population stability index -------------------------------------------------------------------


def psi(reference: ArrayLike, current: ArrayLike, bins: int = 10) -> float:
    """Return the population stability index of a sample against a reference.

    Args:
        reference: values that set the bins, of equal share each, shape (n,).
        current: values of today, shape (m,).
        bins: how many; values that occur often leave fewer.

    Source: Siddiqi, Credit risk scorecards (2006); it is Jeffreys' divergence of the two shares.

    >>> psi(range(1000), range(1000))
    0.0
    >>> psi(range(1000), range(250, 1250)) > 0.25
    True
    """
    edges = bin_edges(reference, bins)
    return float(psi_of_counts(bin_counts(reference, edges), bin_counts(current, edges)))


def psi_of_counts(reference: ArrayLike, current: ArrayLike) -> np.ndarray:
    """Return sum (p - q) ln(p / q) of the shares p and q, over the last axis.

    An empty bin counts half an example, for the logarithm of 0 is no number.

    Args:
        reference, current: examples in each bin, shape (..., bins).

    >>> float(psi_of_counts([50, 50], [40, 60]).round(4))
    0.0405
    """
    p, q = (_shares(np.asarray(counts)) for counts in (reference, current))
    return ((p - q) * np.log(p / q)).sum(axis=-1)


def _shares(counts: np.ndarray) -> np.ndarray:
    return np.maximum(counts, 0.5) / counts.sum(axis=-1, keepdims=True)


def bin_edges(reference: ArrayLike, bins: int = 10) -> np.ndarray:
    """Return the inner edges of bins with equal shares of the reference, at most bins - 1.

    Raises:
        ValueError: fewer than two bins, or fewer values than bins.

    >>> bin_edges([0, 1, 2, 3, 4, 5, 6, 7], 4).tolist()
    [1.75, 3.5, 5.25]
    """
    reference = np.asarray(reference, dtype=float)
    if not 2 <= bins <= reference.size:
        raise ValueError(
            f"there must be 2 bins or more, and a value for each. Received: {bins} bins, "
            f"{reference.size} values"
        )
    return np.unique(np.quantile(reference, np.arange(1, bins) / bins))


def bin_counts(values: ArrayLike, edges: ArrayLike) -> np.ndarray:
    """Return how many values fall below, between and above the edges, shape (edges + 1,).

    >>> bin_counts([1, 2, 3, 9], [2.5, 5.0]).tolist()
    [2, 1, 1]
    """
    return np.bincount(np.searchsorted(edges, np.ravel(values)), minlength=len(edges) + 1)


def psi_limit(first: int, second: int, bins: int = 10, level: float = 0.05) -> float:
    """Return the PSI that this share of samples exceeds although nothing has changed.

    With no drift, PSI / (1 / n + 1 / m) follows the chi-square law with bins - 1 degrees of
    freedom, so that its mean is (bins - 1) (1 / n + 1 / m): small samples "drift" by themselves.

    Args:
        first, second: n and m, examples in the reference and today; good from 200 up.
        bins: how many.
        level: share of false alarms.

    Source: Yurdakul and Naranjo, Statistical properties of the population stability index (2020).

    >>> round(psi_limit(100, 100), 2), round(psi_limit(100_000, 100_000), 5)
    (0.34, 0.00034)
    """
    from scipy.special import chdtri

    return float(chdtri(bins - 1, level) * (1 / first + 1 / second))


# --- Kolmogorov and Smirnov -----------------------------------------------------------------------


class FeatureTests(NamedTuple):
    """One test for each feature: the largest distance of the two shares, and its p value."""

    distance: np.ndarray
    p_value: np.ndarray


def ks_test(reference: ArrayLike, current: ArrayLike) -> FeatureTests:
    """Return the Kolmogorov-Smirnov test of each column.

    The distance is the largest gap between the shares of both samples below any value. Where
    values occur often, such as the white pixels of a digit, p values are too large: the test then
    gives fewer false alarms than it promises.

    Args:
        reference: shape (n,) or (n, features).
        current: shape (m,) or (m, features).

    Raises:
        ValueError: different numbers of features.

    Source: Kolmogorov (1933), Smirnov (1939); p values of one sample of n m / (n + m) values.

    >>> tests = ks_test([1.0, 2.0, 3.0, 4.0], [3.5, 4.5, 5.5, 6.5])
    >>> tests.distance.tolist()
    [0.75]
    """
    from scipy.stats import kstwo

    first, second = _columns(reference), _columns(current)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            "reference and current must have the same features. Received: "
            f"{first.shape[1]} and {second.shape[1]}"
        )
    distance = ks_distance(first, second)
    n, m = len(first), len(second)
    few, place = np.unique(distance.round(12), return_inverse=True)  # each takes a millisecond
    return FeatureTests(distance, kstwo.sf(few, round(n * m / (n + m)))[place])


def ks_distance(reference: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Return the largest gap of the two shares below any value, of each column, (features,).

    Args:
        reference, current: shapes (n, features) and (m, features).
    """
    both = np.concatenate([reference, current])
    order = np.argsort(both, axis=0, kind="stable")
    n, m = len(reference), len(current)
    gap = np.cumsum(np.where(order < n, 1 / n, -1 / m), axis=0)
    values = np.take_along_axis(both, order, axis=0)
    last = np.ones_like(values, dtype=bool)  # of equal values: only there all of them are counted
    last[:-1] = values[1:] > values[:-1]
    return np.abs(np.where(last, gap, 0)).max(axis=0)


def _columns(values: ArrayLike) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    return values.reshape(len(values), -1)


# --- many tests at once ---------------------------------------------------------------------------


def bonferroni(p_values: ArrayLike, level: float = 0.05) -> np.ndarray:
    """Return which tests stay: at most this chance of any false alarm at all, bool of each.

    Args:
        p_values: of all tests, of any dependence.
        level: chance of one or more false alarms when nothing has changed.

    Source: Dunn, Multiple comparisons among means (1961).

    >>> bonferroni([0.01, 0.02, 0.04, 0.9]).tolist()
    [True, False, False, False]
    """
    p_values = np.asarray(p_values)
    return p_values <= level / p_values.size


def benjamini_hochberg(p_values: ArrayLike, level: float = 0.05) -> np.ndarray:
    """Return which tests stay: at most this share of them is false, on average, bool of each.

    Args:
        p_values: of all tests, independent or positively dependent, shape (tests,).
        level: share of false ones among those that stay.

    Source: Benjamini and Hochberg, Controlling the false discovery rate (1995).

    >>> benjamini_hochberg([0.01, 0.02, 0.04, 0.9]).tolist()
    [True, True, False, False]
    """
    p_values = np.asarray(p_values)
    ranked = np.sort(p_values)
    small = np.flatnonzero(ranked <= level * np.arange(1, len(ranked) + 1) / len(ranked))
    return p_values <= (ranked[small[-1]] if len(small) else -1.0)


# --- one test for all features --------------------------------------------------------------------


def classifier_test(reference: ArrayLike, current: ArrayLike, seed: int = 0) -> float:
    """Return the p value of one test for all features: can a classifier tell the samples apart?

    A linear classifier learns from half of each sample; the scores that it gives the other halves
    are compared by KS. A small change of many features at once adds up.

    Args:
        reference: shape (n, features), n at least 4.
        current: shape (m, features), m at least 4.
        seed: the same seed takes the same halves.

    Source: Lopez-Paz and Oquab, Revisiting classifier two-sample tests (2017); here with a linear
    discriminant, and KS in place of its accuracy.

    >>> random = np.random.default_rng(0)
    >>> classifier_test(random.normal(size=(200, 50)), random.normal(0.2, 1, (200, 50))) < 0.001
    True
    """
    random = np.random.default_rng(seed)
    first, second = (random.permutation(_columns(sample)) for sample in (reference, current))
    n, m = len(first) // 2, len(second) // 2
    direction = _discriminant(first[:n], second[:m])
    return float(ks_test(first[n:] @ direction, second[m:] @ direction).p_value[0])


def _discriminant(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return Fisher's direction between two samples, with the mean variance as ridge."""
    centered = np.concatenate([first - first.mean(axis=0), second - second.mean(axis=0)])
    covariance = centered.T @ centered / len(centered)
    ridge = np.trace(covariance) / len(covariance) + 1e-12
    between = second.mean(axis=0) - first.mean(axis=0)
    return np.linalg.solve(covariance + ridge * np.eye(len(covariance)), between)


# --- how many examples ----------------------------------------------------------------------------


def samples_for(shift: float, level: float = 0.05, power: float = 0.9) -> int:
    """Return how many examples, before and today each, show a shift of the mean.

    Args:
        shift: in standard deviations, not 0.
        level: share of false alarms of the two-sided test of means.
        power: share of shifts that are found.

    Source: n = 2 ((z[1 - level / 2] + z[power]) / shift)².

    >>> samples_for(0.5), samples_for(0.05)
    (85, 8406)
    """
    from scipy.special import ndtri

    if not shift:
        raise ValueError("no number of examples shows a shift of 0")
    return int(np.ceil(2 * ((ndtri(1 - level / 2) + ndtri(power)) / shift) ** 2))
