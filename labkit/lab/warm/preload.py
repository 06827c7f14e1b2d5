"""What a fork server imports, so that no kernel has to: libraries of the lessons, and labkit."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from contextlib import contextmanager, suppress

import labkit
from labkit.lab.warm.identity import keras_settings

FRAMEWORKS = ("jax", "keras", "tensorflow", "torch")
_LIBRARIES = (
    *("IPython.core.completerlib", "IPython.core.interactiveshell", "IPython.core.pylabtools"),
    *("IPython.core.debugger", "IPython.core.oinspect", "IPython.extensions.storemagic"),
    *("ipykernel.debugger", "ipykernel.kernelapp", "ipykernel_launcher", "pdb", "jedi"),
    *("tornado.platform.asyncio", "matplotlib_inline.config", "ipywidgets", "anywidget"),
    *("numpy", "pandas", "pandas.io.formats.style", "pandas.io.formats.string", "contourpy"),
    *("pyarrow.pandas_compat", "scipy.stats", "scipy.optimize", "scipy.signal"),
    *("PIL.BmpImagePlugin", "PIL.GifImagePlugin", "PIL.JpegImagePlugin", "PIL.PngImagePlugin"),
    *("PIL.PpmImagePlugin", "matplotlib.pyplot", "matplotlib.backends.backend_agg"),
    *("matplotlib.mathtext", "mpl_toolkits.mplot3d", "sklearn.datasets", "sklearn.linear_model"),
    *("sklearn.metrics", "sklearn.model_selection", "sklearn.neighbors"),
    *("sklearn.preprocessing", "mlxtend.data", "zmq.utils.garbage", "packaging.requirements"),
    *("pandas.io.formats.html", "threadpoolctl"),
)
_OF_TENSORFLOW = (
    *("tensorflow.python.data.ops.concatenate_op", "tensorflow.python.data.ops.flat_map_op"),
    *("tensorflow.python.data.ops.from_tensors_op", "tensorflow.python.data.ops.range_op"),
    "tensorflow.python.data.ops.zip_op",
)
# It connects itself to the kernel's shell when it is imported; a kernel that inherits it shows no
# figure.
_NEVER = "matplotlib_inline.backend_inline"
# What runs lessons is of no use inside one.
_RUNS_LESSONS = ("labkit.__main__", "labkit.cli", "labkit.lab.pages", "labkit.lab.runs")
_RUNS_LESSONS += ("labkit.lab.sweeps", "labkit.lab.warm")


def import_all(preload: str) -> None:
    """Import what kernels need, and only that; a package that is not installed is left out.

    Args:
        preload: "light" loads no framework; "keras" loads Keras and its backend too.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    if preload == "keras":
        backend = os.environ.get("KERAS_BACKEND") or keras_settings(os.environ)["backend"]
        # Keras loads TensorFlow, where it is installed, with any backend as soon as it trains.
        for name in dict.fromkeys((backend, "tensorflow", "keras")):
            with suppress(ImportError if name != backend else ()):
                importlib.import_module(name)
    _import(*_LIBRARIES, *(_OF_TENSORFLOW if "tensorflow" in sys.modules else ()))
    with _without(*() if preload == "keras" else FRAMEWORKS):
        _import(*_modules_of_labkit())
    if "keras.src.backend.tensorflow.trainer" in sys.modules:
        with suppress(ImportError, AttributeError):  # a Keras with other names is left as it is
            sys.modules["labkit.networks.early"].trace_once()
    _do_once_for_all()
    if sys.modules.pop(_NEVER, None):
        del sys.modules["matplotlib_inline"].backend_inline


def _do_once_for_all() -> None:
    """Read and build once what each kernel would again; what is missing says so in a kernel."""
    with suppress(Exception):
        from matplotlib.backends import backend_registry

        backend_registry.list_all()  # of all installed packages, by their metadata
    with suppress(Exception):
        from matplotlib.mathtext import MathTextParser

        MathTextParser("path").parse("$10^{-1}$")  # builds the grammar, which all parsers share
    with suppress(Exception):
        sys.modules["labkit.data.digits"].small_table()


def _import(*names: str) -> None:
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)


def _modules_of_labkit():
    for module in pkgutil.walk_packages(labkit.__path__, "labkit."):
        if not f"{module.name}.".startswith(tuple(f"{room}." for room in _RUNS_LESSONS)):
            yield module.name


@contextmanager
def _without(*names: str):
    """Let the import of some packages fail meanwhile, and so of the modules that need them."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
