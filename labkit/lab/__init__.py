"""The laboratory itself: parameters, runs, records, checks, claims, doctor.

Lessons need four names from here: `record`, `expect`, `claim` and `results`.
"""

from importlib import import_module

_LAZY = {
    "claim": "labkit.lab.claims",
    "expect": "labkit.lab.records",
    "log": "labkit.lab.records",
    "record": "labkit.lab.records",
    "results": "labkit.lab.table",
    "run": "labkit.lab.runs",
    "sweep": "labkit.lab.sweeps",
}

__all__ = list(_LAZY)


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'labkit.lab' has no attribute {name!r}; it has {__all__}")
