"""One lesson over many parameters: planned, shared out, watched and resumed."""

from labkit.lab.sweeps.grids import SweepError
from labkit.lab.sweeps.planning import Plan, plan

__all__ = ["Plan", "SweepError", "plan"]
