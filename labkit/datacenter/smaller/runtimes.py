"""One network in several runtimes and widths: size, accuracy and latency, as columns of their own.

Whatever maps images to probabilities can be compared: a Keras model, a file in another runtime,
a function in NumPy. All are timed by turns, by the CPU time of the whole process, and the best
repeat counts. ONNX Runtime, where it is installed, adds int8 in two ways: static, whose scales come
from examples beforehand, and dynamic, whose scales are found anew for each batch.
"""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labkit.datacenter.roofline import fastest
from labkit.datacenter.smaller import formats
from labkit.datacenter.smaller.onnx_runtime import open_session
from labkit.networks.backend import without_advice

if TYPE_CHECKING:
    import keras

BATCHES = (1, 64)
IMAGES_AT_ONCE = 50  # while the ranges are found


class Candidate(NamedTuple):
    """What is compared: a function from images to probabilities, and the bytes of its storage.

    Attributes:
        run: images of shape (n, ...) -> probabilities of shape (n, classes).
        size_in_bytes: of its file, or of its weights.
    """

    run: formats.Run
    size_in_bytes: int


class Row(NamedTuple):
    """What was measured of a candidate.

    Attributes:
        name: of the candidate.
        size_in_bytes: as it was handed in.
        accuracy: share of the images that are read right.
        agreement: share of the images that it reads as the first candidate does.
        latency_1: CPU seconds of a call with one image, the best repeat.
        latency_64: CPU seconds of a call with 64 images, the best repeat.
    """

    name: str
    size_in_bytes: int
    accuracy: float
    agreement: float
    latency_1: float
    latency_64: float


# --- measuring ----------------------------------------------------------------------------------


def compare(
    candidates: dict[str, Candidate], x: np.ndarray, y: np.ndarray, seconds: float = 4.0
) -> list[Row]:
    """Measure candidates beside each other and return a row for each.

    Args:
        candidates: name -> candidate; the first one is what the others are to agree with.
        x: images, shape (n, ...), n >= 64.
        y: labels, shape (n,).
        seconds: of wall time for the latencies.

    Raises:
        ValueError: no candidate, or fewer than 64 images.

    Lesson: 22_smaller_models.
    """
    if not candidates or len(x) < max(BATCHES):
        counts = f"{len(candidates)} candidates, {len(x)} images"
        raise ValueError(f"a comparison needs a candidate and 64 images. Received: {counts}")
    with without_advice():  # TensorFlow's, against calling many models in turn
        read = {name: np.argmax(each.run(x), axis=1) for name, each in candidates.items()}
        times = latencies({name: each.run for name, each in candidates.items()}, x, seconds)
    first = next(iter(read.values()))
    return [
        Row(
            name,
            each.size_in_bytes,
            accuracy=float(np.mean(read[name] == y)),
            agreement=float(np.mean(read[name] == first)),
            latency_1=times[name, 1],
            latency_64=times[name, 64],
        )
        for name, each in candidates.items()
    ]


def latencies(
    runs: dict[str, formats.Run], x: np.ndarray, seconds: float
) -> dict[tuple[str, int], float]:
    """Return (name, batch) -> CPU seconds of a call, the best repeat, for batches of 1 and 64.

    The clock is that of the process: TensorFlow computes in threads of its own.

    Args:
        runs: name -> function from images to probabilities.
        x: images, shape (n, ...), n >= 64.
        seconds: of wall time; all functions take turns in it.
    """
    calls = {(name, b): _call(run, x[:b]) for name, run in runs.items() for b in BATCHES}
    return fastest(calls, seconds, time.process_time)


def _call(run: formats.Run, images: np.ndarray) -> Callable[[], object]:
    return lambda: run(images)


# --- candidates ---------------------------------------------------------------------------------


def from_keras(model: keras.Model) -> Candidate:
    """Return a Keras model as a candidate; its size is that of its weights.

    It is called by `predict_on_batch`, Keras' compiled way without the loop around it.
    """
    return Candidate(model.predict_on_batch, sum(w.nbytes for w in model.get_weights()))


def from_file(path: str | Path) -> Candidate:
    """Return a file or folder that `formats.save` wrote as a candidate.

    Raises:
        ImportError: a package that the format needs is not installed.
    """
    return Candidate(formats.load(path), formats.size_in_bytes(path))


def onnx_candidates(
    model: keras.Model, calibration: np.ndarray, folder: str | Path
) -> dict[str, Candidate]:
    """Return a model in ONNX Runtime as float32, static int8 and dynamic int8; {} without it.

    Args:
        model: a Keras model that is built.
        calibration: images of the training data, shape (n, ...), whose ranges set the scales.
        folder: where the files are put; each is read into memory and may go afterwards.

    Lesson: 22_smaller_models.
    """
    if formats.missing("ONNX"):
        return {}
    path = formats.save(model, "ONNX", folder)
    files = {
        "ONNX Runtime, float32": path,
        "ONNX Runtime, static int8": quantize_static(path, calibration),
        "ONNX Runtime, dynamic int8": quantize_dynamic(path),
    }
    return {name: from_file(file) for name, file in files.items()}


# --- int8 of ONNX Runtime -----------------------------------------------------------------------


def quantize_static(path: str | Path, calibration: np.ndarray) -> Path:
    """Write an ONNX file with int8 weights and uint8 activations; return the new file beside it.

    Each operator stays one of floats between a pair that quantizes and dequantizes; the runtime
    fuses them.

    Args:
        path: an ONNX file in float32.
        calibration: inputs, shape (n, ...); the smallest and largest value that each activation
            takes on them sets its scale and zero point.

    Raises:
        ImportError: without onnx and onnxruntime.

    Source: Jacob and others, Quantization and Training of Neural Networks for Efficient
        Integer-Arithmetic-Only Inference, CVPR (2018).
    Lesson: 22_smaller_models.
    """
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization import quantize_static as quantize

    target = _beside(path, "_static")
    with _silently():
        quantize(
            _prepared(path),
            target,
            _reader(path, calibration),
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    return target


def quantize_dynamic(path: str | Path) -> Path:
    """Write an ONNX file with int8 weights, whose activations are quantized batch by batch.

    Each call finds the range of its own activations first, and no examples are needed. ONNX Runtime
    has a fast kernel for this in dense layers; its ConvInteger for convolutions is far slower than
    float32.

    Args:
        path: an ONNX file in float32.

    Raises:
        ImportError: without onnx and onnxruntime.

    Lesson: 22_smaller_models.
    """
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization import quantize_dynamic as quantize

    target = _beside(path, "_dynamic")
    with _silently():
        quantize(_prepared(path), target, weight_type=QuantType.QInt8)
    return target


def _prepared(path: str | Path) -> Path:
    """Return the file with its constants folded and its shapes known, as quantization wants it."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    target = _beside(path, "_prepared")
    quant_pre_process(path, target, skip_symbolic_shape=True)  # the symbolic one needs sympy
    return target


def _reader(path: str | Path, calibration: np.ndarray):
    from onnxruntime.quantization import CalibrationDataReader

    name = open_session(path).get_inputs()[0].name
    parts = np.array_split(calibration, -(-len(calibration) // IMAGES_AT_ONCE))

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left: Iterable = iter({name: part} for part in parts)

        def get_next(self):
            return next(self.left, None)

    return Reader()


def _beside(path: str | Path, ending: str) -> Path:
    path = Path(path)
    return path.with_name(path.stem + ending + path.suffix)


@contextlib.contextmanager
def _silently():
    """Hold back what the quantizer prints and logs: integers that it leaves alone, and advice."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with formats.quietly(), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
