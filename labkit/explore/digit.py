"""Draw a digit for a trained network, and it answers while one draws.

`DigitExplorer` computes in the page (js/digit), also in an HTML page without a kernel; Python
computes the same for `image`, `probabilities`, `text` and the picture in an executed copy.
tests/explore/test_digit.py holds the two together.
"""

from __future__ import annotations

import base64
import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from labkit.data.drawing import FINE, SIDE, Strokes, image_of, ink_of
from labkit.explore import figures, kit
from labkit.explore.kit import state_link
from labkit.explore.kit.script import script
from labkit.maths import backprop as maths
from labkit.networks.packing import pack, unpack

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure
    from traitlets import Bunch

LONGEST = 20_000  # numbers in all strokes of a drawing
HIDDEN = ("relu", "sigmoid")  # activations that the page computes

DRAWINGS = {  # for walking: nothing, a dot, corners, and a digit of three strokes
    "empty": [],
    "dot": [[14.0, 14.0]],
    "edge": [[0.0, 0.0, 28.0, 0.0], [28.0, 28.0]],
    "small": [[3.0, 3.0, 6.0, 4.5, 3.5, 9.0]],
    "four": [[9.0, 4.0, 7.0, 15.0, 20.0, 15.0], [17.0, 5.0, 16.0, 24.0]],
    "all over": [[[0.5 * k % 28, 3.1 * k % 28][axis] for k in range(40) for axis in (0, 1)]],
}


def in_words(chances: Sequence[float], digit: int, count: int) -> tuple[str, str]:
    """Return (kind, text): what the network answers; kind is "sure", "leans" or "torn".

    Args:
        chances: ten probabilities. digit: of the held-out image underneath, -1 for none.
        count: number of strokes.

    >>> in_words([0.05] + [0.0] * 2 + [0.95] + [0.0] * 6, digit=-1, count=2)
    ('sure', 'A drawing of 2 strokes: the network is sure, 3 (probability 0.950).')
    """
    strokes = "1 stroke" if count == 1 else f"{count:,} strokes"
    what = f"A drawing of {strokes}" if count else "An empty field"
    if digit >= 0:
        what = f"A held-out image of a {digit}" + (f" with {strokes} added" if count else "")
    order = np.argsort(-np.asarray(chances), kind="stable")
    first, second = (f"{k} (probability {chances[k]:.3f})" for k in order[:2])
    top = chances[order[0]]
    if top >= 0.9:
        return "sure", f"{what}: the network is sure, {first}."
    if top < 0.5:
        return "torn", f"{what}: the network is torn, {first} or {second}."
    return "leans", f"{what}: the network says {first}; next comes {second}."


# --- draw a digit -----------------------------------------------------------------------------


class DigitExplorer(kit.PageExplorer):
    """Draw a digit with the mouse or the keyboard; the network answers with every stroke.

    Args:
        network: a trained Keras network of Dense layers, or a list of NumPy layers (W, b) from 784
            inputs to 10 outputs; softmax at the end.
        images: ten held-out images, one of each digit from 0 to 9, shape (10, 28, 28, 1) in [0, 1].
        digit: which of them lies on the field at first, -1 for an empty field.
        pen: width of the pen in pixels of the network, 1 to 5.
        center: whether a drawing is centered and scaled as MNIST does.
        strokes: a drawing to begin with, lists x, y, x, y, ... in pixels, as "Copy the drawing"
            gives it.
        lesson: whose parameters the settings are, for the copy buttons; "" for none.
        hidden: activation of the hidden layers, "relu" (a Keras network has it) or "sigmoid".

    Attributes:
        image: what the network sees, array (28, 28). probabilities: its ten answers.
        text: the answer in words. png: the picture.

    Raises:
        ValueError: a network or images of another shape, or a setting that is not allowed.

    The page holds the weights rounded to 6 bits, so that it stays small and needs no kernel.
    """

    parameters = ("digit", "pen", "center")
    sent = ("lesson", "layers", "examples", "strokes")
    page_width = 1000

    lesson = traitlets.Unicode("10").tag(sync=True)
    layers = traitlets.List().tag(sync=True)
    examples = traitlets.Unicode().tag(sync=True)
    digit = traitlets.Int(-1).tag(sync=True)
    pen = traitlets.Float(2.0).tag(sync=True)
    center = traitlets.Bool(True).tag(sync=True)
    strokes = traitlets.List().tag(sync=True)

    _esm = script("digit/explorer")

    def __init__(
        self,
        network: keras.Model | maths.Layers,
        images: np.ndarray,
        digit: int = -1,
        pen: float = 2.0,
        center: bool = True,
        strokes: Strokes = (),
        lesson: str = "10",
        hidden: str = "relu",
    ) -> None:
        images = np.asarray(images)
        if images.shape not in ((10, SIDE, SIDE, 1), (10, SIDE, SIDE)):
            raise ValueError(
                f"images has shape {images.shape}; give one of each digit, (10, 28, 28, 1)"
            )
        if hidden not in HIDDEN:
            raise ValueError(f"hidden = {hidden!r}; use one of: {', '.join(HIDDEN)}")
        layers = [layer | {"hidden": hidden} for layer in pack(network)]
        ends = layers[0]["inputs"], layers[-1]["units"]
        if ends != (SIDE * SIDE, 10):
            raise ValueError(
                f"the network has {ends[0]} inputs and {ends[1]} outputs; "
                "give one with 784, a pixel each, and 10, a digit each"
            )
        pixels = np.rint(255 * images).astype(np.uint8)
        super().__init__(
            lesson=lesson,
            layers=layers,
            examples=base64.b64encode(pixels.tobytes()).decode(),
            digit=digit, pen=float(pen), center=center,
            strokes=[list(map(float, stroke)) for stroke in strokes],
        )  # fmt: skip

    @traitlets.validate("digit")
    def _validate_digit(self, proposal: Bunch) -> int:
        if not -1 <= proposal["value"] <= 9:
            raise ValueError(f"digit = {proposal['value']}; use 0 to 9, or -1 for an empty field")
        return proposal["value"]

    @traitlets.validate("pen")
    def _validate_pen(self, proposal: Bunch) -> float:
        if not 1 <= proposal["value"] <= 5:
            raise ValueError(f"pen = {proposal['value']:g}; use a width in [1, 5] pixels")
        return proposal["value"]

    @traitlets.validate("strokes")
    def _validate_strokes(self, proposal: Bunch) -> list[list[float]]:
        strokes = proposal["value"]
        if sum(map(len, strokes)) > LONGEST:
            raise ValueError(f"strokes hold more than {LONGEST:,} numbers")
        for stroke in strokes:
            inside = all(isinstance(v, int | float) and 0 <= v <= SIDE for v in stroke)
            if not inside or len(stroke) < 2 or len(stroke) % 2:
                raise ValueError(
                    "a stroke is a list x, y, x, y, ... of numbers in [0, 28]; "
                    f"got {str(stroke)[:60]}"
                )
        return strokes

    @property
    def image(self) -> np.ndarray:
        """What the network sees, array (28, 28) of numbers in [0, 1]."""
        return self._see(self.digit, self.pen, self.center, self.strokes)

    @property
    def probabilities(self) -> np.ndarray:
        """The ten answers, with weights rounded to 6 bits as in the page."""
        return self._answer(self.image)

    @property
    def text(self) -> str:
        """The answer in words."""
        return in_words(self.probabilities, self.digit, len(self.strokes))[1]

    def pixels(self) -> np.ndarray:
        """Return the picture: the field, what the network sees, and its ten answers."""
        return self._draw(self.digit, self.pen, self.center, self.strokes)

    def texts(self) -> dict[str, str]:
        """Return what the copy buttons copy: label -> text."""
        drawing = [[int(v) if v == int(v) else v for v in stroke] for stroke in self.strokes]
        settings = super().texts() if self.lesson else {}
        return settings | {"Copy the drawing": f"strokes = {drawing}"}

    def link_rules(self) -> state_link.Rules:
        """Return what a link to a page may set: also the drawing."""
        return {
            "digit": state_link.number(-1, 9, whole=True),
            "pen": state_link.number(1, 5),
            **super().link_rules(),
            "strokes": state_link.strokes(SIDE, LONGEST),
        }

    def grid(self) -> Iterator[dict[str, Any]]:
        """Yield every control over its range, with each drawing."""
        for digit, strokes in itertools.product(range(-1, 10), DRAWINGS.values()):
            yield {"digit": digit, "pen": 2.0, "center": True, "strokes": strokes}
        pens = (1.0, 2.75, 5.0)
        for pen, center, strokes in itertools.product(pens, (True, False), DRAWINGS.values()):
            yield {"digit": -1, "pen": pen, "center": center, "strokes": strokes}

    def attempt(self, params: dict[str, Any], drawn: bool) -> None:
        """Answer at these settings; raise where pixels or probabilities are none."""
        params = {"strokes": self.strokes} | params
        image = self._see(**params)
        chances = self._answer(image)
        if image.min() < 0 or image.max() > 1 + 1e-9:
            raise ValueError(f"pixels from {image.min()} to {image.max()}")
        if not math.isclose(chances.sum(), 1, abs_tol=1e-9):
            raise ValueError(f"the probabilities add up to {chances.sum()}")
        in_words(chances, params["digit"], len(params["strokes"]))
        if drawn:
            self._draw(**params)

    def still(self) -> dict[str, str]:
        """Return the forms that need no kernel; the weights are large enough without a PNG."""
        return {"text/html": self.html(), "text/plain": self.text}

    # ---- inside

    @functools.cached_property
    def _network(self) -> maths.Layers:
        return unpack(self.layers)

    def _see(self, digit: int, pen: float, center: bool, strokes: Strokes) -> np.ndarray:
        return image_of(strokes, pen, center, self._example(digit) if digit >= 0 else None)

    def _answer(self, image: np.ndarray) -> np.ndarray:
        hidden = self.layers[0]["hidden"]
        return maths.forward(self._network, image.reshape(1, -1), hidden, "softmax")[-1][0]

    def _example(self, digit: int) -> np.ndarray:
        pixels = np.frombuffer(base64.b64decode(self.examples), dtype=np.uint8)
        return pixels.reshape(10, SIDE, SIDE)[digit] / 255

    def _draw(self, digit: int, pen: float, center: bool, strokes: Strokes) -> np.ndarray:
        image = self._see(digit, pen, center, strokes)
        field = ink_of(strokes, pen)
        if digit >= 0:
            field = np.maximum(field, np.kron(self._example(digit), np.ones((FINE, FINE))))
        chances = self._answer(image)
        return kit.draw_once(lambda figure: _paint(figure, field, image, chances), (9.0, 3.0), 90)


def _paint(figure: Figure, field: np.ndarray, image: np.ndarray, chances: np.ndarray) -> None:
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.4])
    for ax, shown, title in ((left, field, "the field"), (middle, image, "what the network sees")):
        ax.imshow(shown, cmap="gray", vmin=0, vmax=1, extent=(0, SIDE, SIDE, 0))
        ax.set(title=title, xticks=[], yticks=[])
        ax.grid(visible=False)
    colors = [figures.ORANGE if c == max(chances) else figures.SKY for c in chances]
    right.barh(range(10), chances, color=colors)
    right.set(xlim=(0, 1), xlabel="probability", ylabel="digit", yticks=range(10))
    right.invert_yaxis()
