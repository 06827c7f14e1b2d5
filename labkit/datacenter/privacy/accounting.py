"""What noise promises: epsilon of many noisy steps, by hand.

A step of DP-SGD draws each example with probability q, sums their clipped gradients and adds noise
of sigma times the clipping norm. Rényi differential privacy (RDP) says how much a step may tell
about one example, at each order; the steps add up; one line turns the sum into (epsilon, delta).
All numbers here are modeled: upper bounds that hold for every attacker. Neighbors are two data
sets of which one has an example more.

>>> round(epsilon(sigma=1.0, q=0.01, steps=1000, delta=1e-5), 3)
2.108
>>> round(gaussian_epsilon(sigma=1.0, delta=1e-5, steps=1000), 1)  # all examples in each step
633.9

Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from math import exp, inf, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from dp_accounting.pld import PLDAccountant

ORDERS = (*range(2, 65), *range(72, 257, 8))
DELTAS = tuple(10 ** (power / 10) for power in range(-60, 0))  # of `ceiling`
_SIGMAS = 1e-2, 1e5  # between which noise is searched


def rdp(sigma: float, q: float = 1.0, orders: Sequence[int] = ORDERS) -> np.ndarray:
    """Return the Rényi divergence that one step may reach, at each order, shape (orders,).

    Args:
        sigma: standard deviation of the noise, in clipping norms; 0 for none.
        q: probability that an example is drawn (Poisson sampling); 1 for all of them.
        orders: whole numbers, 2 or more.

    Raises:
        ValueError: sigma below 0, q outside [0, 1], or orders that are no whole numbers from 2 up.

    Source: Mironov, Rényi differential privacy (2017), for q = 1: order / (2 sigma²); Mironov,
    Talwar, Zhang, Rényi differential privacy of the sampled Gaussian mechanism (2019).

    >>> rdp(sigma=2.0, orders=(2, 4)).tolist()
    [0.25, 0.5]
    >>> [round(float(cost), 6) for cost in rdp(sigma=2.0, q=0.1, orders=(2, 4))]
    [0.002836, 0.006003]
    """
    _check(sigma, q)
    alpha = np.asarray(orders)
    if alpha.dtype.kind not in "iu" or alpha.ndim != 1 or alpha.min(initial=2) < 2:
        raise ValueError(f"orders must be whole numbers, 2 or more. Received: {orders!r}")
    if q == 0:
        return np.zeros(len(alpha))
    if sigma == 0:
        return np.full(len(alpha), inf)
    if q == 1:
        return alpha / (2 * sigma**2)
    return _log_moments(sigma, q, alpha) / (alpha - 1)


def _log_moments(sigma: float, q: float, alpha: np.ndarray) -> np.ndarray:
    """Return log sum over k of C(alpha, k) q^k (1 - q)^(alpha - k) e^((k² - k) / 2 sigma²)."""
    from scipy.special import gammaln, logsumexp

    a, k = alpha[:, None], np.arange(alpha.max() + 1)
    choose = gammaln(a + 1) - gammaln(k + 1) - gammaln(a - k + 1)  # -inf where k > alpha
    chance = choose + k * log(q) + (a - k) * np.log1p(-q)
    return logsumexp(chance + (k * k - k) / (2 * sigma**2), axis=1)


def to_epsilon(costs: ArrayLike, delta: float, orders: Sequence[int] = ORDERS) -> tuple[float, int]:
    """Return the least epsilon that these costs promise at delta, and the order that gives it.

    Args:
        costs: Rényi divergence at each order, of all steps together, shape (orders,).
        delta: probability that the promise may fail, in (0, 1); below 1 / examples.
        orders: of the costs.

    Raises:
        ValueError: delta outside (0, 1), or costs and orders of different number.

    Source: Canonne, Kamath, Steinke, The discrete Gaussian for differential privacy (2020),
    proposition 12: cost + log(1 - 1 / a) - log(delta a) / (a - 1), the least over the orders a.

    >>> epsilon, order = to_epsilon(1000 * rdp(sigma=1.0, q=0.01), delta=1e-5)
    >>> round(epsilon, 3), order
    (2.108, 8)
    """
    costs, a = np.asarray(costs, dtype=float), np.asarray(orders, dtype=float)
    if not 0 < delta < 1:
        raise ValueError(f"delta is a probability between 0 and 1. Received: {delta!r}")
    if costs.shape != a.shape:
        raise ValueError(f"each order needs one cost. Received: shapes {costs.shape} and {a.shape}")
    promised = costs + np.log1p(-1 / a) - np.log(delta * a) / (a - 1)
    best = int(promised.argmin())
    return max(0.0, float(promised[best])), int(orders[best])


def epsilon(sigma: float, q: float, steps: int, delta: float) -> float:
    """Return epsilon of so many steps of DP-SGD by RDP: costs add up, then one conversion.

    Args:
        sigma: standard deviation of the noise, in clipping norms.
        q: probability that an example is drawn in a step. For 1, and wherever epsilon is above 20,
            whole orders lose much: `gaussian_epsilon` is exact for 1.
        steps: how many.
        delta: probability that the promise may fail.

    >>> [round(epsilon(sigma, 0.064, 300, 1e-5), 1) for sigma in (0.7, 1, 2, 4)]
    [18.2, 8.5, 2.8, 1.2]
    """
    return to_epsilon(steps * rdp(sigma, q), delta)[0]


def noise_for(target: float, q: float, steps: int, delta: float) -> float:
    """Return the least sigma whose steps cost at most this epsilon, to a part in a million.

    Args:
        target: epsilon that may be spent.
        q, steps, delta: as those of `epsilon`.

    Raises:
        ValueError: a target that no noise from 0.01 to 100,000 reaches.

    >>> round(noise_for(2.0, q=0.064, steps=300, delta=1e-5), 3)
    2.584
    """
    low, high = _SIGMAS
    if not target > 0 or epsilon(high, q, steps, delta) > target:
        raise ValueError(f"no noise up to {high:g} gives an epsilon of {target!r}")
    while high / low > 1 + 1e-6:
        middle = sqrt(low * high)
        enough = epsilon(middle, q, steps, delta) <= target
        low, high = (low, middle) if enough else (middle, high)
    return high


# --- what others say of the same noise ----------------------------------------------------------


def gaussian_epsilon(sigma: float, delta: float, steps: int = 1) -> float:
    """Return the exact epsilon of noise on all examples: no sampling, no bound to lose by.

    T releases with noise sigma tell as much as one with sigma / sqrt(T).

    Args:
        sigma: standard deviation of the noise, in clipping norms, above 0.
        delta: probability that the promise may fail.
        steps: T, how many releases.

    Source: Balle and Wang, Improving the Gaussian mechanism (2018), theorem 8; Dong, Roth, Su,
    Gaussian differential privacy (2019), for T.

    >>> round(gaussian_epsilon(1.0, 1e-5), 3), round(one_shot_epsilon(1.0, 1e-5), 3)
    (4.377, 4.845)
    """
    from scipy.optimize import brentq

    _check(sigma, 1.0)
    shift = sqrt(steps) / sigma if sigma else inf
    if shift == inf:
        return inf
    if _gaussian_delta(0.0, shift) <= delta:
        return 0.0
    # By the tail of a normal, e^-shift² or less is left beyond this.
    most = shift**2 / 2 + shift * sqrt(2 * log(1 / delta)) + 1
    return float(brentq(lambda e: _gaussian_delta(e, shift) - delta, 0.0, most, xtol=1e-12))


def _gaussian_delta(promised: float, shift: float) -> float:
    """Return the least delta at this epsilon, for normals of spread 1 that lie `shift` apart."""
    from scipy.special import log_ndtr

    near, far = shift / 2 - promised / shift, -shift / 2 - promised / shift
    return float(np.exp(log_ndtr(near)) - np.exp(promised + log_ndtr(far)))


def one_shot_epsilon(sigma: float, delta: float) -> float:
    """Return sqrt(2 log(1.25 / delta)) / sigma: of one release, proven only where it is below 1.

    It knows neither steps nor sampling, so it is no formula for DP-SGD.

    Source: Dwork and Roth, The algorithmic foundations of differential privacy (2014), appendix A.

    >>> one_shot_epsilon(10.0, 1e-5) < 1 < one_shot_epsilon(2.0, 1e-5)
    True
    """
    return sqrt(2 * log(1.25 / delta)) / sigma


def basic_epsilon(sigma: float, q: float, steps: int, delta: float) -> float:
    """Return epsilon by basic composition: the steps' own epsilons are simply added.

    Each step may fail with delta / steps, and drawing examples with probability q turns epsilon
    into log(1 + q (e^epsilon - 1)), delta into q delta.

    Args:
        sigma, q, steps, delta: as those of `epsilon`.

    Source: Dwork and Roth (2014), theorem 3.16; Balle, Barthe, Gaboardi, Privacy amplification by
    subsampling (2018).

    >>> round(basic_epsilon(1.0, 0.01, 1000, 1e-5), 1)
    839.4
    """
    _check(sigma, q)
    if q == 0:
        return 0.0
    alone = gaussian_epsilon(sigma, min(delta / steps / q, 1 - 1e-12))
    # log(1 + q (e^x - 1)), without e^x where x is large.
    return steps * float(np.logaddexp(np.log1p(-q) if q < 1 else -inf, log(q) + alone))


def pld_available() -> bool:
    """Tell whether dp-accounting is installed: pip install 'labkit[privacy]'."""
    return importlib.util.find_spec("dp_accounting") is not None


def pld_epsilon(sigma: float, q: float, steps: int, delta: float, interval: float = 1e-3) -> float:
    """Return epsilon by the privacy loss distribution: nearly exact, computed by dp-accounting.

    Args:
        sigma, q, steps, delta: as those of `epsilon`.
        interval: width of a bin of privacy loss; losses are rounded up, so this is a bound too.

    Raises:
        ImportError: dp-accounting is not installed.

    Source: Sommer, Meiser, Mohammadi, Privacy loss classes (2019); Koskela, Jälkö, Honkela,
    Computing tight differential privacy guarantees using FFT (2020).
    """
    if not pld_available():
        raise ImportError("the privacy loss distribution needs: pip install 'labkit[privacy]'")
    return float(_losses(sigma, q, steps, interval).get_epsilon(delta))


@lru_cache(maxsize=32)
def _losses(sigma: float, q: float, steps: int, interval: float) -> PLDAccountant:
    """Return dp-accounting's accountant after all steps; it answers for any delta."""
    import dp_accounting
    from dp_accounting import pld

    step = dp_accounting.PoissonSampledDpEvent(q, dp_accounting.GaussianDpEvent(sigma))
    accountant = pld.PLDAccountant(value_discretization_interval=interval)
    return accountant.compose(step, steps)


# --- what a promise means to an attacker --------------------------------------------------------


def most_found(promised: float, delta: float, false_positives: float) -> float:
    """Return the largest share of members that any attacker can name, at so many false alarms.

    Args:
        promised: epsilon.
        delta: probability that the promise may fail.
        false_positives: share of the others that the attacker names too, 0 to 1.

    Source: Wasserman and Zhou, A statistical framework for differential privacy (2010); Kairouz,
    Oh, Viswanath, The composition theorem for differential privacy (2015): both
    e^epsilon FPR + delta and 1 - e^-epsilon (1 - delta - FPR) are bounds.

    >>> round(most_found(1.0, 1e-5, 0.01), 4), most_found(8.0, 1e-5, 0.01) > 0.99
    (0.0272, True)
    """
    if not promised < 700:  # e^709 is the largest float
        return 1.0
    many = exp(promised) * false_positives + delta
    return min(1.0, many, 1 - exp(-promised) * (1 - delta - false_positives))


def ceiling(sigma: float, q: float, steps: int, false_positives: float, pld: bool = False) -> float:
    """Return the largest share of members that any attacker can name after so many steps.

    One run keeps many promises, an epsilon for each delta, and all of them hold at once: this is
    the least of `most_found` over them, and far below that of one small delta.

    Args:
        sigma, q, steps: as those of `epsilon`.
        false_positives: share of the others that the attacker names too, 0 to 1.
        pld: by `pld_epsilon`, which is tight; else by RDP.

    >>> round(ceiling(4.0, 0.25, 200, 0.01), 3)
    0.105
    >>> round(most_found(epsilon(4.0, 0.25, 200, 1e-5), 1e-5, 0.01), 3)  # one promise alone
    0.737
    """
    if pld:
        promised = [pld_epsilon(sigma, q, steps, delta) for delta in DELTAS]
    else:
        costs = steps * rdp(sigma, q)
        promised = [to_epsilon(costs, delta)[0] for delta in DELTAS]
    pairs = zip(promised, DELTAS, strict=True)
    return min(most_found(each, delta, false_positives) for each, delta in pairs)


def _check(sigma: float, q: float) -> None:
    if not sigma >= 0 or not 0 <= q <= 1:
        raise ValueError(f"sigma must be 0 or more, q in [0, 1]. Received: {sigma!r} and {q!r}")
