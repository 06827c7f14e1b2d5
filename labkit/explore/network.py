"""The explorers of lesson 10, by the path that lessons know; each has a file of its own."""

from labkit.data.drawing import image_of
from labkit.explore.digit import DigitExplorer
from labkit.explore.live_training import LiveTraining
from labkit.networks.packing import pack, unpack

__all__ = ["DigitExplorer", "LiveTraining", "image_of", "pack", "unpack"]
