"""The two explorers of lesson 04, by the path that lessons know; each has a file of its own."""

from labkit.explore.graph import GraphExplorer
from labkit.explore.training import TrainingExplorer
from labkit.maths.backprop import graph_values

__all__ = ["GraphExplorer", "TrainingExplorer", "graph_values"]
