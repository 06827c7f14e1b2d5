"""Watch a NumPy network learn to read digits: a picture that grows while a cell runs."""

from __future__ import annotations

import base64
import html
import math
import time

import numpy as np
from numpy.typing import ArrayLike

from labkit.explore import figures
from labkit.lab.records.curves import PLOTS, log
from labkit.maths.backprop import Layers, network_loss
from labkit.maths.start import probabilities

WIDTH, HEIGHT = 900, 238  # of the picture
LEFT, RIGHT, TOP, BOTTOM = 62, 420, 34, 186  # edges of the curve's panel
FIRST, CELL, ROWS = 470, 42, (34, 122)  # the images: where they begin, how far apart, their tops
SIDE = 36  # of an image on the page


class WatchDigits:
    """The share of held-out images that a network reads right, and its answers to twenty of them.

    Args:
        lesson: whose record keeps the curves, such as "00".
        images: held-out ones, shape (n, 28, 28, 1), at least two of each digit.
        labels: their digits, shape (n,).
        passes: how far the picture goes, in passes over the training images.

    Attributes:
        accuracy: share of the held-out images that the latest network reads right.
        answers: its answer to each of them, shape (n,).

    Raises:
        ValueError: fewer than two images of a digit.
    """

    def __init__(self, lesson: str, images: ArrayLike, labels: ArrayLike, passes: float) -> None:
        self.lesson, self.passes = lesson, passes
        self.images, self.labels = np.asarray(images), np.asarray(labels)
        places = [np.flatnonzero(self.labels == digit)[:2] for digit in range(10)]
        if min(map(len, places)) < 2:
            raise ValueError("the picture needs at least two held-out images of each digit")
        self._shown = np.stack(places, axis=1)  # (2, 10): a row of images each
        self._pictures = {int(place): _address(self.images[place]) for place in self._shown.flat}
        self._started = time.monotonic()
        self.accuracy, self.answers = math.nan, np.full(len(self.labels), -1)

    def see(self, passes: float, network: Layers) -> None:
        """Try the network on all held-out images, add a point to the curves, and show it.

        Args:
            passes: how often it has seen all training images, more at every call.
            network: layers, pairs (W, b).
        """
        chances = probabilities(network, self.images)
        self.answers = chances.argmax(axis=1)
        self.accuracy = float((self.answers == self.labels).mean())
        loss = network_loss(chances, np.eye(10)[self.labels], "softmax")
        PLOTS.of(self.lesson).picture = self.html
        log(self.lesson, passes, digit_accuracy=self.accuracy, digit_loss=float(loss))

    @property
    def text(self) -> str:
        """What has been reached, in words."""
        right, count = int((self.answers == self.labels).sum()), len(self.labels)
        seconds = time.monotonic() - self._started
        return f"{right:,} of {count:,} held-out images read right, after {seconds:.1f} s."

    def html(self, curves: dict[str, dict]) -> str:
        """Return the picture of the curves so far, HTML that needs no script and no address."""
        curve = curves["digit_accuracy"]
        words = html.escape(f"{self.text} Shown are two images of each digit, and its answers.")
        return (
            '<figure style="margin:0.5em 0">'
            f'<svg role="img" aria-label="{words}" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'style="width:100%;max-width:{WIDTH}px;display:block" fill="currentColor" '
            'font-family="system-ui, sans-serif" font-size="13">'
            f"{self._panel()}{self._curve(curve['step'], curve['value'])}{self._answers()}</svg>"
            f'<figcaption style="margin-top:0.4em">{words}</figcaption></figure>'
        )

    # ---- inside

    def _panel(self) -> str:
        lines = "".join(
            f'<line x1="{LEFT}" x2="{RIGHT}" y1="{_y(share):.0f}" y2="{_y(share):.0f}" '
            'stroke="currentColor" stroke-opacity="0.25"/>'
            f'<text x="{LEFT - 8}" y="{_y(share) + 5:.0f}" text-anchor="end">{share:.0%}</text>'
            for share in (0, 0.5, 1)
        )
        chance = (
            f'<line x1="{LEFT}" x2="{RIGHT}" y1="{_y(0.1):.1f}" y2="{_y(0.1):.1f}" '
            'stroke="currentColor" stroke-opacity="0.7" stroke-dasharray="2 4"/>'
            f'<text x="{RIGHT}" y="{_y(0.1) - 6:.0f}" text-anchor="end">guessing: 10%</text>'
        )
        ends = (
            f'<text x="{LEFT}" y="{BOTTOM + 18}" text-anchor="middle">0</text>'
            f'<text x="{RIGHT}" y="{BOTTOM + 18}" text-anchor="middle">{self.passes:g}</text>'
            f'<text x="{(LEFT + RIGHT) / 2:.0f}" y="{BOTTOM + 36}" text-anchor="middle">'
            "passes over the training images</text>"
            f'<text x="{LEFT}" y="18" font-weight="600">held-out images read right</text>'
        )
        return lines + chance + ends

    def _curve(self, steps: list, values: list) -> str:
        points = [
            (LEFT + (RIGHT - LEFT) * step / self.passes, _y(share))
            for step, share in zip(steps, values, strict=True)
        ]
        (x, y), line = points[-1], " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        color = figures.LIGHT_BLUE  # told apart from a white and from a dark ground
        return (
            f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2.5"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>'
            f'<text x="{RIGHT}" y="{_y(0.5) - 10:.0f}" text-anchor="end" font-size="30" '
            f'font-weight="600">{self.accuracy:.1%}</text>'
        )

    def _answers(self) -> str:
        title = f'<text x="{FIRST}" y="18" font-weight="600">what it says to some of them</text>'
        return title + "".join(
            self._answer(place, FIRST + CELL * column, top)
            for row, top in zip(self._shown, ROWS, strict=True)
            for column, place in enumerate(row)
        )

    def _answer(self, place: int, x: float, top: float) -> str:
        """Return one image and the answer below it; a wrong one has a frame and a cross."""
        right = self.answers[place] == self.labels[place]
        frame = "" if right else f' stroke="{figures.ORANGE}" stroke-width="4"'
        sign = f"{self.answers[place]}" if right else f"✗ {self.answers[place]}"
        return (
            f'<rect x="{x}" y="{top}" width="{SIDE}" height="{SIDE}"{frame}/>'
            f'<image x="{x}" y="{top}" width="{SIDE}" height="{SIDE}" '
            f'href="{self._pictures[int(place)]}"/>'
            f'<text x="{x + SIDE / 2:g}" y="{top + SIDE + 19}" text-anchor="middle" '
            f'font-size="15" font-weight="{"400" if right else "700"}">{sign}</text>'
        )


def _y(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * share


def _address(image: np.ndarray) -> str:
    """Return an image (28, 28, 1) in [0, 1] as an address that holds it."""
    png = figures.encode_png(np.rint(255 * image.repeat(3, axis=2)).astype(np.uint8), level=9)
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
