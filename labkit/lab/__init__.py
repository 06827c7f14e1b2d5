"""The laboratory itself: parameters, runs, records, checks, claims, doctor.

Lessons need five names from here: `record`, `expect`, `claim`, `claim_table` and `results`.
"""

from importlib import import_module

from labkit import machine

_LAZY = {
    "claim": "labkit.learn.claims",
    "claim_table": "labkit.learn.claims",
    "expect": "labkit.lab.records.kernel",
    "log": "labkit.lab.records.curves",
    "record": "labkit.lab.records.kernel",
    "results": "labkit.lab.table",
    "run": "labkit.lab.runs.runner",
    "sweep": "labkit.lab.sweeps.sweep",
}

__all__ = list(_LAZY)


def __getattr__(name: str):
    if name in ("run", "sweep"):
        machine.needs(f"labkit.{name}", "processes and threads")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'labkit.lab' has no attribute {name!r}; it has {__all__}")
