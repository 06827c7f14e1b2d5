"""A dense network, pruned and in few bits: its bytes, its accuracy and its time, each measured.

Three questions with three answers: what is smaller in a file need not be faster, and what is faster
need not be worse.

>>> layers = [(np.eye(4), np.zeros(4)), (np.ones((4, 2)), np.zeros(2))]
>>> images = Images(np.eye(4, dtype=np.float32), np.zeros(4, int))
>>> versions = {share: pruning.prune(layers, share) for share in (0.0, 0.5)}
>>> found = measure(versions, images.x, images, bits=(32, 8))
>>> found[0.5, 32].size_in_bytes, found[0.5, 8].size_in_bytes, found[0.5, 8].zeros
(120, 48, 0.5)

Lesson: 22_smaller_models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from labkit.datacenter import roofline
from labkit.datacenter.network import Images
from labkit.datacenter.smaller import onnx_runtime, pruning
from labkit.datacenter.smaller import quantization as quantized
from labkit.datacenter.smaller.quantization import Dense, Range

FLOAT_BITS = 32
BITS = (32, 8, 6, 4, 3, 2)
BATCHES = (1, 64)
# How a network is computed: what each needs, and who does it.
NUMPY, SCIPY = "float32, NumPy", "float32, CSR of SciPy"
RUNTIME, RUNTIME_INT8 = "float32, ONNX Runtime", "int8, ONNX Runtime"

Versions = Mapping[float, Sequence[Dense]]  # share of zeros -> layers
Latencies = Mapping[tuple[str, float, int], float]  # (how, share of zeros, batch) -> CPU seconds


class Shrunk(NamedTuple):
    """What a network is, once pruned and in few bits.

    Attributes:
        size_in_bytes: weights packed without gaps, biases at 4 bytes; zeros and all.
        gzip_in_bytes: the same, packed by gzip, which gets whole bytes: one for a weight of few
            bits, 4 in float32.
        modeled_bytes: by theory (`pruning.packed_bytes`), which sees the zeros and nothing else.
        zeros: share of the weights that is 0; few bits round some more to it.
        accuracy: share of the images that it reads right.
    """

    size_in_bytes: int
    gzip_in_bytes: int
    modeled_bytes: float
    zeros: float
    accuracy: float


def shrink(layers: Sequence[Dense], bits: int, ranges: Sequence[Range], images: Images) -> Shrunk:
    """Return what dense layers weigh and how well they read, in float32 or with integer weights.

    Args:
        layers: in float32, pruned or not; ReLU after each but the last.
        bits: of a weight: 32 for float32, or 2 to 8 for integers, with activations in uint8.
        ranges: of the activations, from `quantization.calibrate`.
        images: rows and labels that judge.

    Raises:
        ValueError: bits of another number.

    Lesson: 22_smaller_models.
    """
    if bits == FLOAT_BITS:
        weights = [np.float32(w) for w, _ in layers]
        scores = quantized.run_float(layers, images.x)
    else:
        network = quantized.quantize_network(layers, ranges, bits)
        weights = [layer.weights for layer in network]
        scores = quantized.run(network, images.x)
    items = sum(w.size for w in weights)
    biases = [np.float32(b) for _, b in layers]
    more, zeros = sum(b.nbytes for b in biases), pruning.share_of_zeros(weights)
    return Shrunk(
        quantized.size_in_bytes(items, bits) + more,
        pruning.gzip_in_bytes([*weights, *biases]),
        pruning.packed_bytes(items, zeros, bits) + more,
        zeros,
        float((scores.argmax(axis=1) == images.y).mean()),
    )


def measure(
    versions: Versions, calibration: np.ndarray, images: Images, bits: Sequence[int] = BITS
) -> dict[tuple[float, int], Shrunk]:
    """Return (share of zeros, bits) -> what each version is with so many bits.

    Args:
        versions: share of zeros -> dense layers in float32, ReLU after each but the last.
        calibration: examples whose activations set the ranges, (n, ...); not those that judge.
        images: rows and labels that judge.
        bits: of a weight.

    Lesson: 22_smaller_models.
    """
    found = {}
    for share, layers in versions.items():
        ranges = quantized.calibrate(layers, calibration)
        found |= {(share, each): shrink(layers, each, ranges, images) for each in bits}
    return found


def latencies(
    versions: Versions,
    calibration: np.ndarray,
    batches: Sequence[int] = BATCHES,
    seconds: float = 2.0,
) -> dict[tuple[str, float, int], float]:
    """Return (how, share of zeros, batch) -> CPU seconds of a call, all by turns.

    One thread; the best repeat counts. Without the extra `serve` the ways of ONNX Runtime are
    missing.

    Args:
        versions: share of zeros -> dense layers in float32.
        calibration: examples whose activations set the ranges, (n, ...).
        batches: images at once.
        seconds: of wall time.

    Lesson: 22_smaller_models.
    """
    calls = {
        (how, share, batch): call
        for share, layers in versions.items()
        for batch in batches
        for how, call in _ways(layers, calibration, batch).items()
    }
    return roofline.fastest(calls, seconds, roofline.cpu_clock())


# --- the ways -----------------------------------------------------------------------------------


def _ways(
    layers: Sequence[Dense], calibration: np.ndarray, batch: int
) -> dict[str, Callable[[], object]]:
    """Return how -> a function that reads one batch of images."""
    x = np.random.default_rng(0).random((batch, len(layers[0][0])), np.float32)
    layers = [(np.float32(w), np.float32(b)) for w, b in layers]
    found = {NUMPY: _dense(layers, x), SCIPY: _csr(layers, x)}
    if onnx_runtime.available():
        ranges = quantized.calibrate(layers, calibration)
        plain = onnx_runtime.float_model(layers).SerializeToString()
        found[RUNTIME] = _session(plain, x)
        found[RUNTIME_INT8] = _session(onnx_runtime.static_model(layers, ranges), x)
    return found


def _dense(layers: Sequence[Dense], x: np.ndarray) -> Callable[[], np.ndarray]:
    return _through(layers, x, np.matmul)


def _csr(layers: Sequence[Dense], x: np.ndarray) -> Callable[[], np.ndarray]:
    """Images are columns: SciPy multiplies a sparse matrix from the left fastest."""
    from scipy.sparse import csr_array

    one = len(x) == 1  # a vector has a faster product of its own
    columns = x[0] if one else np.ascontiguousarray(x.T)
    parts = [(csr_array(w.T), b if one else b[:, None]) for w, b in layers]
    return _through(parts, columns, lambda a, weights: weights @ a)


def _through(layers: Sequence, x: np.ndarray, product: Callable) -> Callable[[], np.ndarray]:
    """Return a function that takes x through layers, with as few copies as can be."""
    (*hidden, (last, last_biases)) = layers

    def run() -> np.ndarray:
        a = x
        for weights, biases in hidden:
            z = product(a, weights)
            z += biases
            a = np.maximum(z, 0, out=z)
        return product(a, last) + last_biases

    return run


def _session(model: bytes, x: np.ndarray) -> Callable[[], np.ndarray]:
    session = onnx_runtime.open_session(model)
    return lambda: session.run(None, {"input": x})[0]
