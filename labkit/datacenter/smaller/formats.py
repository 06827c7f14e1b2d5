"""A trained network as a file: five formats, what each keeps and loses, found by trying.

`.keras` and `.h5` hold the layers and how far their training is. SavedModel, ONNX and LiteRT hold
what the layers compute, as a graph that other programs run. All in files that are gone afterwards.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import labkit
from labkit import machine
from labkit.datacenter.smaller.onnx_runtime import open_session
from labkit.networks.backend import without_advice, without_chatter

if TYPE_CHECKING:
    import keras

Run = Callable[[np.ndarray], np.ndarray]  # inputs of shape (n, ...) -> outputs of shape (n, ...)


class Format(NamedTuple):
    """A format: how its files end, and the modules that write and run it beside Keras."""

    suffix: str
    modules: tuple[str, ...] = ()
    install: str = ""


SERVE = "pip install 'labkit[serve]'"
FORMATS = {
    "Keras": Format(".keras"),
    "HDF5": Format(".h5"),
    "SavedModel": Format(".savedmodel", ("tensorflow",), "pip install 'labkit[cpu]'"),
    "ONNX": Format(".onnx", ("onnx", "onnxruntime"), SERVE),
    "LiteRT": Format(".tflite", ("tensorflow",), "pip install 'labkit[cpu]'"),
}
# Keras' backend -> what else it writes ONNX files with; the extra brings that of TensorFlow.
ONNX_WRITERS = {"tensorflow": "tf2onnx", "jax": "jax2onnx"}
# What refuses to run in a process without these shows that it needs them.
FRAMEWORKS = ("keras", "tensorflow", "jax", "torch")


class Kept(NamedTuple):
    """What a format keeps of one model; None where it could not be tried.

    Attributes:
        name: of the format.
        size_in_bytes: of the file or folder of the model as it is, with its optimizer if compiled.
        bare_bytes: of the same model without an optimizer.
        difference: largest distance between its outputs and the model's.
        layers: it comes back as layers that can be looked at and changed.
        training: one more step of training leads to the same weights as in the original.
        alone: it runs in a process that has none of Keras, TensorFlow, JAX and PyTorch.
        why_not: what was missing, in words, where it could not be tried.
    """

    name: str
    size_in_bytes: int | None = None
    bare_bytes: int | None = None
    difference: float | None = None
    layers: bool | None = None
    training: bool | None = None
    alone: bool | None = None
    why_not: str = ""


# --- writing and reading ------------------------------------------------------------------------


def missing(name: str) -> str:
    """Return a sentence on what a format needs and this environment lacks; empty if nothing.

    Args:
        name: one of `FORMATS`.

    Raises:
        ValueError: a format that is not known.

    >>> missing("Keras")
    ''
    """
    form, writer = _format(name), ONNX_WRITERS.get(machine.chosen_backend()[0])
    needed = (*form.modules, writer) if name == "ONNX" and writer else form.modules
    absent = [module for module in needed if importlib.util.find_spec(module) is None]
    if not absent:
        return ""
    lacks = f"{name} needs {' and '.join(absent)}, which this environment lacks: {form.install}"
    return f"{lacks} jax2onnx" if "jax2onnx" in absent else lacks


def save(model: keras.Model, name: str, folder: str | Path) -> Path:
    """Write a model in a format and return the file, or the folder that SavedModel is.

    Args:
        model: a Keras model that is built, with one input.
        name: one of `FORMATS`.
        folder: where the file is put; it is named after the model.

    Raises:
        ValueError: a format that is not known.
        ImportError: a package that the format needs is not installed.

    Lesson: 22_smaller_models.
    """
    if sentence := missing(name):
        raise ImportError(sentence)
    path = Path(folder) / f"{model.name}{FORMATS[name].suffix}"
    with quietly():
        if name in ("Keras", "HDF5"):
            model.save(path)
        else:
            form = {"SavedModel": "tf_saved_model", "ONNX": "onnx", "LiteRT": "litert"}[name]
            model(
                np.zeros((1, *model.input_shape[1:]), np.float32)
            )  # only a called one is exported
            model.export(str(path), format=form, verbose=False)
    return path


def load(path: str | Path) -> Run:
    """Return what a file computes, as a function from inputs to outputs; one thread where it can.

    Args:
        path: a file or folder that `save` wrote.

    Raises:
        ValueError: a file that ends in another way than those of `FORMATS`.
        ImportError: a package that the format needs is not installed.

    Lesson: 22_smaller_models.
    """
    return _open(path)[1]


def size_in_bytes(path: str | Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    path = Path(path)
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def bare(model: keras.Model) -> keras.Model:
    """Return the same model with the same weights, and without an optimizer.

    `model.save(..., include_optimizer=False)` does not do that for a `.keras` file.
    """
    with quietly():
        copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


@contextmanager
def quietly() -> Iterator[None]:
    """Hold back what exporters say of themselves inside; errors are raised as ever."""
    with ExitStack() as held:
        held.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        held.enter_context(without_advice())
        held.enter_context(without_chatter())
        yield


# --- what a format keeps ------------------------------------------------------------------------


def try_formats(model: keras.Model, x: np.ndarray, y: np.ndarray) -> list[Kept]:
    """Write a model in every format, read it back, and return what was kept.

    The model is the same afterwards. Takes about ten seconds for a small one.

    Args:
        model: a Keras model that is built; compiled if its training is to be asked for.
        x: inputs, shape (n, ...), a few dozen of them.
        y: targets of these inputs, for one step of training.

    Lesson: 22_smaller_models.
    """
    expected = model.predict_on_batch(x)
    after = _weights_after_a_step(model, x, y)
    return [_try(model, name, x, y, expected, after) for name in FORMATS]


def _try(model: keras.Model, name: str, x, y, expected, after) -> Kept:
    if sentence := missing(name):
        return Kept(name, why_not=sentence)
    with tempfile.TemporaryDirectory(prefix="labkit_") as folder:
        try:
            path = save(model, name, folder)
        except (ImportError, RuntimeError, ValueError) as error:  # from JAX or PyTorch
            return Kept(name, why_not=f"Keras could not write {name}: {_first_line(error)}")
        size = size_in_bytes(path)
        loaded, run = _open(path)
        difference = float(np.abs(run(x) - expected).max())
        alone = runs_alone(path, x)
        layers = _same_layers(loaded, model)
        training = after is not None and _trains_on(loaded, x, y, after)
    with tempfile.TemporaryDirectory(prefix="labkit_") as folder:
        smaller = size_in_bytes(save(bare(model), name, folder))
    return Kept(name, size, smaller, difference, layers, training, alone)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _same_layers(loaded: object, model: keras.Model) -> bool:
    found = getattr(loaded, "layers", [])
    return [(type(x), x.name) for x in found] == [(type(x), x.name) for x in model.layers]


def _trains_on(loaded: object, x, y, after: list[np.ndarray]) -> bool:
    if not hasattr(loaded, "train_on_batch"):
        return False
    try:
        found = _weights_after_a_step(loaded, x, y)
    except ValueError:  # Keras 3.15 reads an .h5 file, and its optimizer then knows no weights
        return False
    return found is not None and all(map(np.array_equal, found, after))


def _weights_after_a_step(model: keras.Model, x, y) -> list[np.ndarray] | None:
    """Return the weights after one more step, and take the step back; None if not compiled."""
    if not getattr(model, "optimizer", None):
        return None
    from labkit.networks.backend import keras

    variables = model.variables + model.optimizer.variables
    before = [keras.ops.convert_to_numpy(each).copy() for each in variables]
    model.train_on_batch(x, y)
    found = model.get_weights()
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    return found


def runs_alone(path: str | Path, x: np.ndarray) -> bool:
    """Tell whether a file runs in a fresh process that can import none of `FRAMEWORKS`.

    Args:
        path: a file or folder that `save` wrote.
        x: inputs, shape (n, ...).

    Lesson: 22_smaller_models.
    """
    here = str(Path(labkit.__file__).parents[1])
    order = {"here": here, "path": str(path), "shape": x.shape, "hidden": FRAMEWORKS}
    done = subprocess.run(
        [sys.executable, "-c", _ALONE, json.dumps(order)], capture_output=True, check=False
    )
    return done.returncode == 0


_ALONE = """
import json, sys
order = json.loads(sys.argv[1])
sys.path.insert(0, order["here"])
sys.modules.update(dict.fromkeys(order["hidden"]))  # None: importing it raises ImportError
import numpy as np
from labkit.datacenter.smaller.formats import load
load(order["path"])(np.zeros(order["shape"], np.float32))
"""


# --- each format --------------------------------------------------------------------------------


def _open(path: str | Path) -> tuple[object, Run]:
    """Return what a file holds, and the function that it computes."""
    suffix = Path(path).suffix
    openers = {form.suffix: name for name, form in FORMATS.items()}
    if suffix not in openers:
        known = ", ".join(openers)
        raise ValueError(f"a model's file ends in one of {known}. Received: {str(path)!r}")
    with quietly():
        return _OPENERS[openers[suffix]](str(path))


def _open_keras(path: str) -> tuple[object, Run]:
    from labkit.networks.backend import keras

    model = keras.models.load_model(path)
    return model, model.predict_on_batch


def _open_savedmodel(path: str) -> tuple[object, Run]:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    return loaded, lambda x: loaded.serve(x).numpy()


def _open_onnx(path: str) -> tuple[object, Run]:
    opened = open_session(path)
    name = opened.get_inputs()[0].name
    return opened, lambda x: opened.run(None, {name: np.asarray(x, np.float32)})[0]


def _open_litert(path: str) -> tuple[object, Run]:
    interpreter = _interpreter()(path, num_threads=1)
    run = interpreter.get_signature_runner()
    ((name, first),) = run.get_input_details().items()
    (out,) = run.get_output_details()
    run(**{name: np.zeros(first["shape"], first["dtype"])})  # the first call tells how it computes
    return interpreter, lambda x: run(**{name: np.asarray(x, first["dtype"])})[out]


def _interpreter() -> type:
    """Return LiteRT's interpreter: its own package where installed, else TensorFlow's copy."""
    if importlib.util.find_spec("ai_edge_litert"):
        from ai_edge_litert.interpreter import Interpreter
    else:
        from tensorflow.lite.python.interpreter import Interpreter
    return Interpreter


_OPENERS = {
    "Keras": _open_keras,
    "HDF5": _open_keras,
    "SavedModel": _open_savedmodel,
    "ONNX": _open_onnx,
    "LiteRT": _open_litert,
}


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise ValueError(f"a format is one of {', '.join(FORMATS)}. Received: {name!r}")
    return FORMATS[name]
