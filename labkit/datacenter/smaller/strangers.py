"""What a model's file from a stranger can do: some are made here, and opened.

Each asks for something harmless: a file named `ran`, in a temporary folder that is gone afterwards.
If it is there after the model was read, or run, its author's code has run on this machine.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labkit.datacenter.smaller import formats

X = np.ones((1, 2), np.float32)


class Visit(NamedTuple):
    """What came of opening a file; None where it could not be tried.

    Attributes:
        name: of the kind of file, and how it was opened.
        reading: its author's code ran while it was read.
        running: its author's code ran when the model was run.
        refused: the first sentence of the error, if it was not read.
        why_not: what was missing, in words, where it could not be tried.
    """

    name: str
    reading: bool | None = None
    running: bool | None = None
    refused: str = ""
    why_not: str = ""


class Mark:
    """Something that pickle builds again by creating a file: the author says how."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        """Tell pickle what to call in order to build this object."""
        return Path.touch, (self.path,)


def visits() -> list[Visit]:
    """Make each file, open it as one would, and return what its author could do.

    Lesson: 22_smaller_models.
    """
    return [visit(name, *each) for name, each in _VISITORS.items()]


def visit(name: str, needs: str, make: Callable, read: Callable) -> Visit:
    """Make a file, open it, run it, and return what its author could do.

    Args:
        name: of the kind of file.
        needs: one of `formats.FORMATS`, or nothing.
        make: `make(path, ran)` writes a file near the path, whose author wants the file `ran`
            to appear, and returns the file's path.
        read: `read(path)` opens it and returns what runs it.
    """
    if needs and (sentence := formats.missing(needs)):
        return Visit(name, why_not=sentence)
    with tempfile.TemporaryDirectory(prefix="labkit_") as folder, formats.quietly():
        path, ran = Path(folder) / "model", Path(folder) / "ran"
        file = make(path, ran)
        ran.unlink(missing_ok=True)  # Keras runs a layer while it builds it
        try:
            run = read(file)
        except Exception as error:  # any refusal is what is asked for
            return Visit(name, ran.exists(), False, refused=str(error).split(". ")[0])
        reading = ran.exists()
        ran.unlink(missing_ok=True)
        run(X)
        return Visit(name, reading, ran.exists())


# --- each kind of file --------------------------------------------------------------------------


def _pickle(path: Path, ran: Path) -> Path:
    path.write_bytes(pickle.dumps(Mark(ran)))
    return path


def _read_pickle(path: Path) -> Callable:
    pickle.loads(path.read_bytes())
    return lambda x: x


def _numpy(path: Path, ran: Path) -> Path:
    np.save(path.with_suffix(".npy"), np.array([Mark(ran)], dtype=object), allow_pickle=True)
    return path.with_suffix(".npy")


def _read_numpy(path: Path) -> Callable:
    weights = np.load(path)
    return lambda x: x @ weights


def lambda_layer(suffix: str) -> Callable[[Path, Path], Path]:
    """Return what makes a Keras file with a layer that holds compiled Python."""

    def make(path: Path, ran: Path) -> Path:
        from labkit.networks.backend import keras

        marked = str(ran)
        layer = keras.layers.Lambda(lambda x: (open(marked, "w").close(), x)[1])
        model = keras.Sequential([keras.Input((2,)), layer, keras.layers.Dense(1)])
        model.save(path.with_suffix(suffix))
        return path.with_suffix(suffix)

    return make


def _keras(safe_mode: bool) -> Callable[[Path], Callable]:
    """Return what opens a Keras file, as Keras does by default or without its guard."""

    def read(path: Path) -> Callable:
        from labkit.networks.backend import keras

        return keras.models.load_model(path, safe_mode=safe_mode).predict_on_batch

    return read


def savedmodel(path: Path, ran: Path) -> Path:
    """Write a graph that has an operation of TensorFlow's own in it: write a file."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((None, 2))])
    def serve(x):
        tf.io.write_file(str(ran), "")
        return x

    module = tf.Module()
    module.serve = serve
    path = path.with_suffix(".savedmodel")
    tf.saved_model.save(module, str(path))
    return path


def _onnx(path: Path, ran: Path) -> Path:
    """Write a graph that asks for an operator nobody knows; ONNX has none that write files."""
    import onnx
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in "xy"]
    node = helper.make_node("WriteFile", ["x"], ["y"], domain="stranger", path=str(ran))
    graph = helper.make_graph([node], "model", ends[:1], ends[1:])
    known = [helper.make_opsetid("", 17), helper.make_opsetid("stranger", 1)]
    onnx.save(
        helper.make_model(graph, opset_imports=known, ir_version=9), path.with_suffix(".onnx")
    )
    return path.with_suffix(".onnx")


_VISITORS = {
    "pickle": ("", _pickle, _read_pickle),
    "NumPy .npy": ("", _numpy, _read_numpy),
    ".keras": ("", lambda_layer(".keras"), _keras(safe_mode=True)),
    ".keras, safe_mode=False": ("", lambda_layer(".keras"), _keras(safe_mode=False)),
    ".h5": ("", lambda_layer(".h5"), _keras(safe_mode=True)),
    ".h5, safe_mode=False": ("", lambda_layer(".h5"), _keras(safe_mode=False)),
    "SavedModel": ("SavedModel", savedmodel, formats.load),
    "ONNX": ("ONNX", _onnx, formats.load),
}
