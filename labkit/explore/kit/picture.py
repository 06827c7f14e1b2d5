"""Pictures drawn off-screen: pyplot never hears of them, so there is nothing to close."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import matplotlib.style
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from labkit.explore import figures, fonts


class Picture:
    """A figure drawn once, of which only the moving artists are drawn again.

    Axis limits must not change while artists move: the axes belong to the static part.
    """

    def __init__(
        self, build: Callable[[Figure], dict], size: tuple[float, float], dpi: float = 100
    ) -> None:
        with matplotlib.style.context(figures.STYLE | fonts.style()):
            self.figure = Figure(figsize=size, dpi=dpi)
            self.canvas = FigureCanvasAgg(self.figure)
            self.moving = build(self.figure)
            figures.speak(self.figure)
            self._artists = sorted(_flat(self.moving.values()), key=lambda each: each.zorder)
            for artist in self._artists:
                artist.set_animated(True)  # left out by canvas.draw()
            self.canvas.draw()
        self._static = self.canvas.copy_from_bbox(self.figure.bbox)
        self.data = figures.data_boxes(self.figure)

    def draw(self) -> np.ndarray:
        """Return pixels (height, width, 4) of the static part with the moving artists on top."""
        self.canvas.restore_region(self._static)
        for artist in self._artists:
            if isinstance(artist, Text):
                figures.say(artist)
            self.figure.draw_artist(artist)
        return np.asarray(self.canvas.buffer_rgba())


def draw_once(
    paint: Callable[[Figure], None], size: tuple[float, float], dpi: float = 100
) -> np.ndarray:
    """Return pixels (height, width, 4) of a figure in the lab's style that `paint` draws.

    Args:
        paint: draws on the figure that it gets.
        size: width and height in inches, at `dpi` pixels each.

    >>> draw_once(lambda figure: figure.subplots(), size=(2, 1)).shape
    (100, 200, 4)
    """

    def build(figure: Figure) -> dict:
        paint(figure)
        return {}

    return Picture(build, size, dpi).draw()


def _flat(artists) -> Iterator[Artist]:
    """Yield the artists of a nested list, such as the bars that `ax.bar` returns."""
    for each in artists:
        if isinstance(each, list | tuple):
            yield from _flat(each)
        else:
            yield each
