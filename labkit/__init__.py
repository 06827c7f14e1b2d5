"""labkit: an interactive deep-learning lab where everything runs, is checked, and can be turned.

Importing labkit loads no framework; each name below is imported when it is first used.

>>> import labkit
>>> labkit.__version__
'0.1.0'
"""

import os
from importlib import import_module

# ONNX Runtime, from 1.29 on, sends what it runs to its maker and marks the machine with a number,
# unless this is set before it is imported. Nothing leaves the machine here.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

_LAZY = {
    "claim": "labkit.learn.claims",
    "claims": "labkit.learn.claims",
    "expect": "labkit.lab.records.kernel",
    "log": "labkit.lab.records.curves",
    "record": "labkit.lab.records.kernel",
    "results": "labkit.lab.table",
    "run": "labkit.lab.runs.runner",
    "sweep": "labkit.lab.sweeps.sweep",
}

__all__ = ["__version__", *_LAZY]


def __getattr__(name: str):
    if name in ("run", "sweep"):
        import_module("labkit.machine").needs(f"labkit.{name}", "processes and threads")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'labkit' has no attribute {name!r}; it has {sorted(_LAZY)}")


def __dir__() -> list[str]:
    return sorted(__all__)
