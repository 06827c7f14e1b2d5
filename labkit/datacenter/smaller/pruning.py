"""Pruning: weights set to zero, what that saves in a file, and what it saves in time.

Zeros take part in a dense product like any other number. They save bytes only where they are
packed (gzip), and time only in a product that skips them (CSR, from a high share on).

Lesson: 22_smaller_models.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit.datacenter import roofline

if TYPE_CHECKING:
    import keras

    from labkit.datacenter.smaller.quantization import Dense

SHARES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98)

# --- which weights go ---------------------------------------------------------------------------


def masks(kernels: Sequence[ArrayLike], share: float) -> list[np.ndarray]:
    """Return for each array which weights stay: all but the smallest of all arrays together.

    Args:
        kernels: arrays of weights, any shapes; biases are not pruned.
        share: of all weights that go, in [0, 1]; the number is rounded to a whole one.

    Raises:
        ValueError: a share outside [0, 1].

    Source: Han, Pool, Tran and Dally, Learning both weights and connections for efficient neural
        networks, NeurIPS (2015).
    Lesson: 22_smaller_models.

    >>> small, large = np.array([0.1, -0.2]), np.array([3.0, -1.0])
    >>> [mask.tolist() for mask in masks([small, large], 0.5)]
    [[False, False], [True, True]]
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie in [0, 1], 0.9 for nine of ten. Received: share={share}")
    sizes = [np.abs(np.asarray(kernel)) for kernel in kernels]
    stays = _largest(np.concatenate([size.ravel() for size in sizes]), share)
    ends = np.cumsum([size.size for size in sizes])[:-1]
    parts = zip(np.split(stays, ends), sizes, strict=True)
    return [part.reshape(size.shape) for part, size in parts]


def _largest(sizes: np.ndarray, share: float) -> np.ndarray:
    """Return which of the numbers stay; of equal ones those further back."""
    stays = np.ones(sizes.size, bool)
    stays[np.argsort(sizes, kind="stable")[: round(share * sizes.size)]] = False
    return stays


def prune(layers: Sequence[Dense], share: float) -> list[Dense]:
    """Return dense layers with the smallest weights set to 0, biases as they are.

    >>> prune([(np.array([[0.1], [-2.0]]), np.ones(1))], 0.5)[0][0].tolist()
    [[0.0], [-2.0]]
    """
    stays = masks([weights for weights, _ in layers], share)
    return [(w * mask, b) for (w, b), mask in zip(layers, stays, strict=True)]


def share_of_zeros(kernels: Sequence[ArrayLike]) -> float:
    """Return which share of all weights is 0.

    >>> share_of_zeros([np.eye(2), np.zeros((1, 2))])
    0.6666666666666666
    """
    kernels = [np.asarray(kernel) for kernel in kernels]
    return float(sum((k == 0).sum() for k in kernels) / sum(k.size for k in kernels))


# --- a Keras model ------------------------------------------------------------------------------


def kernels(model: keras.Model) -> list[keras.Variable]:
    """Return the weights that may be pruned: those of two and more dimensions, no biases."""
    return [variable for variable in model.trainable_variables if len(variable.shape) > 1]


def prune_model(model: keras.Model, share: float) -> keras.Model:
    """Return a copy with the smallest weights at 0, where they stay however it is trained.

    The copy is not compiled. The mask is a constraint of each variable: every Keras optimizer
    applies it after its step, so that `fit` fine-tunes what is left.

    Args:
        model: stays as it is.
        share: of the weights that go, in [0, 1].

    Lesson: 22_smaller_models.
    """
    from labkit.networks.backend import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    stays = masks([np.asarray(kernel) for kernel in kernels(copy)], share)
    for kernel, mask in zip(kernels(copy), stays, strict=True):
        kernel.assign(np.asarray(kernel) * mask)
        kernel.constraint = _keep(mask)
    return copy


def _keep(mask: np.ndarray) -> Callable:
    """Return a constraint that sets the weights that went back to 0."""
    return lambda weights: weights * mask.astype("float32")


# --- bytes --------------------------------------------------------------------------------------


def gzip_in_bytes(arrays: Sequence[np.ndarray]) -> int:
    """Return the bytes of the arrays, one after the other, packed by gzip at its usual level 6.

    >>> gzip_in_bytes([np.zeros(10_000, np.float32)]) < 100
    True
    """
    raw = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    return len(gzip.compress(raw, compresslevel=6, mtime=0))


def packed_bytes(items: int, share: float, bits: int = 32) -> float:
    """Return bytes by theory: which weights are 0 (its entropy), and the others as they are.

    An ideal packer that finds no pattern needs H(share) + (1 - share) bits for each weight, H the
    entropy of a coin that shows zero with this probability. What the values themselves have of
    order (few of the large, many of the small) comes off it.

    Args:
        items: number of weights.
        share: of them that is 0, in [0, 1].
        bits: of a weight.

    Source: Shannon, A mathematical theory of communication (1948).
    Lesson: 22_smaller_models.

    >>> packed_bytes(8_000, 0.0), packed_bytes(8_000, 0.5, bits=8), packed_bytes(8_000, 1.0)
    (32000.0, 5000.0, 0.0)
    """
    coin = -sum(p * math.log2(p) for p in (share, 1 - share) if p)
    return items * (coin + (1 - share) * bits) / 8


# --- time ---------------------------------------------------------------------------------------


class SparseTime(NamedTuple):
    """CPU seconds of one product with weights of which a share is 0."""

    share: float
    batch: int
    dense: float  # NumPy, zeros and all
    csr: float  # SciPy, what is not 0


def measure_sparse(
    weights: np.ndarray | None = None,
    shares: Sequence[float] = SHARES,
    batches: Sequence[int] = (1, 64),
    seconds: float = 2.0,
) -> list[SparseTime]:
    """Time a product with pruned weights, dense and in CSR, all by turns; the best repeat counts.

    One thread, CPU time. Both get their inputs as they like them best. The crossing is that of
    these two libraries: a faster dense product, as ONNX Runtime has one, moves it to more zeros.

    Args:
        weights: (inputs, units); 784 x 500 random ones if None.
        shares: of the weights that go.
        batches: inputs at once.
        seconds: of wall time.

    Lesson: 22_smaller_models.
    """
    if weights is None:
        weights = np.random.default_rng(0).normal(size=(784, 500))
    weights = np.asarray(weights, np.float32)
    calls = {}
    for share in shares:
        pruned = weights * masks([weights], share)[0]
        for batch in batches:
            calls["dense", share, batch] = _dense_product(pruned, batch)
            calls["csr", share, batch] = _csr_product(pruned, batch)
    best = roofline.fastest(calls, seconds, roofline.cpu_clock())
    return [
        SparseTime(share, batch, best["dense", share, batch], best["csr", share, batch])
        for batch in batches
        for share in shares
    ]


def _inputs(width: int, batch: int) -> np.ndarray:
    return np.random.default_rng(1).random((batch, width), np.float32)


def _dense_product(weights: np.ndarray, batch: int) -> Callable[[], object]:
    x = _inputs(len(weights), batch)
    out = np.empty((batch, weights.shape[1]), np.float32)
    return lambda: np.matmul(x, weights, out=out)


def _csr_product(weights: np.ndarray, batch: int) -> Callable[[], object]:
    from scipy.sparse import csr_array

    sparse = csr_array(weights.T)  # rows are units
    x = np.ascontiguousarray(_inputs(len(weights), batch).T)
    x = x[:, 0] if batch == 1 else x  # one column has a faster product of its own
    return lambda: sparse @ x


def modeled_crossing(found: Sequence[SparseTime], batch: int) -> float:
    """Return the share of zeros from which CSR should win, out of the two times without zeros.

    CSR's time is about in proportion to what it stores: csr (1 - share) = dense. A product that
    takes k times as long for each weight must therefore skip all but one of k.

    Args:
        found: from `measure_sparse`, with share 0 in it.
        batch: one of those measured.

    Lesson: 22_smaller_models.

    >>> modeled_crossing([SparseTime(0.0, 1, dense=2.0, csr=20.0)], batch=1)
    0.9
    """
    whole = next(each for each in found if each.batch == batch and each.share == 0)
    return max(0.0, 1 - whole.dense / whole.csr)


def crossing(found: Sequence[SparseTime], batch: int) -> float:
    """Return the share of zeros from which CSR won, by a line between the dots beside it.

    0 where it always won, 1 where it never did.

    >>> pair = [SparseTime(0.8, 1, dense=2.0, csr=3.0), SparseTime(0.9, 1, dense=2.0, csr=1.0)]
    >>> round(crossing(pair, batch=1), 3)
    0.85
    """
    dots = sorted(each for each in found if each.batch == batch)
    lead = np.array([each.csr - each.dense for each in dots])
    if lead[0] <= 0 or (lead > 0).all():
        return 0.0 if lead[0] <= 0 else 1.0
    after = int(np.argmax(lead <= 0))
    ends = [dots[after - 1].share, dots[after].share]
    return float(np.interp(0, lead[[after, after - 1]], ends[::-1]))
