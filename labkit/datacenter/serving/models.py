"""Models that a server can hold: a file, NumPy weights, a function, or an emulated accelerator."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np

from labkit.datacenter.smaller.onnx_runtime import open_session

KINDS = "an .onnx, .keras or .npz file, or emulated:A+C such as emulated:50+2"


@dataclass(frozen=True)
class Model:
    """Something that answers a batch of rows.

    Attributes:
        run: (b, *inputs) float32 -> (b, *outputs).
        inputs: shape of one row of the input.
        outputs: shape of one row of the output.
        platform: what computes it, in a word.
    """

    run: Callable[[np.ndarray], np.ndarray]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    platform: str


def load(model: str | Path | Sequence[np.ndarray] | Callable, shape=None) -> Model:
    """Return a model, tried with two rows of zeros.

    Args:
        model: the path of an .onnx, .keras or .npz file, "emulated:A+C", a list of arrays
            [W, b, W, b, ...], or a function of a batch.
        shape: of one row of the input; only a function needs it.

    Raises:
        ValueError: what it is not, or why it cannot be served.
        FileNotFoundError: no such file.
        ModuleNotFoundError: what must be installed for it.

    >>> load("emulated:0+0").run(np.array([[7.0]]))
    array([[7.]])
    """
    run, inputs, platform = _opened(model, shape)
    if platform == "emulated":  # it answers with what it is asked; to try it takes its time
        return Model(run, inputs, inputs, platform)
    try:
        tried = np.asarray(run(np.zeros((2, *inputs), np.float32)))
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"the model fails for 2 rows of zeros, each of shape {inputs}: {error}. "
            f"It must take any number of rows"
        ) from error
    if tried.shape[:1] != (2,):
        raise ValueError(f"the model must answer each row; it answers 2 rows with {tried.shape}")
    return Model(run, inputs, tried.shape[1:], platform)


def _opened(model, shape) -> tuple[Callable, tuple[int, ...], str]:
    if callable(model):
        if shape is None:
            raise ValueError("a function needs shape=, the shape of one row of its input")
        return model, tuple(shape), "function"
    if not isinstance(model, str | Path):
        return _dense([np.asarray(each, np.float32) for each in model])
    if str(model).startswith("emulated:"):
        return _emulated(str(model))
    path = Path(model)
    openers = {".onnx": _onnx, ".keras": _keras, ".npz": _npz}
    if path.suffix not in openers:
        raise ValueError(f"a model is {KINDS}. Received: {model}")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        return openers[path.suffix](path)
    except (ValueError, ModuleNotFoundError):
        raise
    except Exception as error:  # each library has its own for a broken file
        raise ValueError(f"{path} cannot be read: {error}") from error


def _emulated(text: str) -> tuple[Callable, tuple[int, ...], str]:
    """Return what answers b rows with themselves, a + c b milliseconds later."""
    found = re.fullmatch(r"emulated:(\d+\.?\d*)\+(\d+\.?\d*)", text)
    if not found:
        raise ValueError(f"an emulated accelerator is emulated:A+C, in ms. Received: {text}")
    a, c = (float(each) / 1e3 for each in found.groups())

    def run(rows: np.ndarray) -> np.ndarray:
        time.sleep(a + c * len(rows))
        return rows

    return run, (1,), "emulated"


def _dense(weights: list[np.ndarray]) -> tuple[Callable, tuple[int, ...], str]:
    """Return a dense network: ReLU between its layers, softmax at its end."""
    layers = list(zip(weights[::2], weights[1::2], strict=False))
    fits = [w.ndim == 2 and b.shape == w.shape[1:] for w, b in layers]
    chained = [w.shape[1] == v.shape[0] for (w, _), (v, _) in pairwise(layers)]
    if not layers or len(weights) % 2 or not all(fits) or not all(chained):
        shapes = [each.shape for each in weights]
        raise ValueError(f"weights must be [W, b, W, b, ...] of dense layers. Received: {shapes}")

    def run(rows: np.ndarray) -> np.ndarray:
        for w, b in layers[:-1]:
            rows = np.maximum(rows @ w + b, 0)
        scores = rows @ layers[-1][0] + layers[-1][1]
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)

    return run, weights[0].shape[:1], "numpy"


def _npz(path: Path) -> tuple[Callable, tuple[int, ...], str]:
    with np.load(path, allow_pickle=False) as file:
        return _dense([file[name].astype(np.float32) for name in file.files])


def _onnx(path: Path) -> tuple[Callable, tuple[int, ...], str]:
    if not find_spec("onnxruntime"):
        raise ModuleNotFoundError("an .onnx model needs onnxruntime: pip install 'labkit[serve]'")
    session = open_session(path)
    inputs, (out, *_) = session.get_inputs(), session.get_outputs()
    if [_is_batch(each) for each in inputs] != [True]:
        told = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs) or "none"
        raise ValueError(
            f"an .onnx model needs one float32 input whose first size alone is free, the batch. "
            f"It has: {told}"
        )
    (each,) = inputs
    return lambda rows: session.run([out.name], {each.name: rows})[0], tuple(each.shape[1:]), "onnx"


def _is_batch(each) -> bool:
    sizes = [isinstance(size, int) for size in each.shape]
    return each.type == "tensor(float)" and sizes[:1] == [False] and all(sizes[1:])


def _keras(path: Path) -> tuple[Callable, tuple[int, ...], str]:
    import keras

    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    return lambda rows: np.asarray(model.predict_on_batch(rows)), model.input_shape[1:], "keras"
