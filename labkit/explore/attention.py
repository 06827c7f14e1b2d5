"""Explorer of lesson 14: type a beginning, letters stream, point at one and see where it looked.

`LookExplorer` writes in the kernel; the page (js/attention) streams the letters, follows the
pointer, and colors the letters before by the weights of each head, also without a kernel.
tests/explore/test_attention.py holds its words and Python's together.
"""

from __future__ import annotations

import base64
import itertools
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from labkit.data.text import decode, encode
from labkit.explore import figures, kit
from labkit.explore.attention_pictures import visible
from labkit.explore.kit.script import script
from labkit.maths.attention import softmax_at
from labkit.networks.transformer import write

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from traitlets import Bunch

    from labkit.networks.transformer import Decoder

LETTERS = 120  # that the network writes
LONGEST = 40  # letters of a beginning: as many as every network of the lesson can read
MOST = 12  # heads that are shown, a row each
SHOWN = 5  # likeliest letters that are shown
BEGINNINGS = ("the iterator returns ", ">>> print(numbers[0", "with_stmt ::= ")


def in_words(written: Mapping[str, Any], place: int) -> str:
    """Return where the network looked when it told a letter, and how likely that one was.

    Args:
        written: the letters and all about them, as `LookExplorer.written`.
        place: of the letter, from 0; -1 for none.
    """
    text, given = written["text"], written["given"]
    if place < 0:
        return (
            f"{given} letters are given, {len(text) - given} follow. Point at a letter, or use "
            "the arrow keys."
        )
    who = f"Letter {place + 1}, “{_mark(text[place])}”, {'given' if place < given else 'written'}"
    if place == 0:
        return f"{who}: the first letter. Nothing stands before it."
    told = [
        f"{_head(written, h)} {_most(text, *each)}" for h, each in enumerate(rows(written)[place])
    ]
    chance = written["chances"][place]["own"]
    return f"{who}, had probability {chance:.3f}. Most weight: {'; '.join(told)}."


def rows(written: Mapping[str, Any]) -> list[list[tuple[int, np.ndarray]]]:
    """Return for each letter and head (the first place that was seen, weights in 255ths).

    Args:
        written: as in `in_words`. The first letter looked nowhere: its arrays are empty.
    """
    looks = np.frombuffer(base64.b64decode(written["looks"]), np.uint8)
    heads, at, found = written["heads"], 0, []
    for place, start in enumerate(written["starts"]):
        seen = place - start
        found.append([(start, each) for each in looks[at : at + heads * seen].reshape(heads, seen)])
        at += heads * seen
    return found


def _most(text: str, start: int, weights: np.ndarray) -> str:
    best = int(weights.argmax())
    far = f"{len(weights) - best} back ({weights[best] / 255:.2f})"
    return f"“{_mark(text[start + best])}” {far}"


def _head(written: Mapping[str, Any], head: int) -> str:
    return f"{head // written['each'] + 1}.{head % written['each'] + 1}"


def _mark(letter: str) -> str:
    return {" ": "␣", "\n": "↵"}.get(letter, letter)


class LookExplorer(kit.PageExplorer):
    """Type a beginning; letters stream; point at one, and each head shows where it looked.

    Args:
        decoder: a trained network, `labkit.networks.transformer.Decoder`.
        beginning: of the text, 1 to 40 letters.
        temperature: of the draw, 0 to 2.
        draw: another one draws another text, 0 to 99.
        place: the letter that is pointed at, from 0; -1 for none.

    Attributes:
        written: the text and all about it, as the page gets it: how many letters are given; for
            each letter where it could look, weights of each head in 255ths, and probabilities.
        text: in words what is pointed at.

    Raises:
        ValueError: a setting that is not allowed.
    """

    parameters = ("beginning", "temperature", "draw")
    allowed = {"temperature": (0, 2), "draw": (0, 99)}
    sent = ("lesson", "written", "place", "alive")
    page_width = 1000

    lesson = traitlets.Unicode("14").tag(sync=True)
    beginning = traitlets.Unicode(BEGINNINGS[0]).tag(sync=True)
    temperature = traitlets.Float(0.8).tag(sync=True)
    draw = traitlets.Int(0).tag(sync=True)
    place = traitlets.Int(-1).tag(sync=True)
    written = traitlets.Dict().tag(sync=True)
    alive = traitlets.Bool(True).tag(sync=True)  # False in a page without a kernel

    _esm = script("attention/explorer")

    def __init__(
        self,
        decoder: Decoder,
        beginning: str = BEGINNINGS[0],
        temperature: float = 0.8,
        draw: int = 0,
        place: int = -1,
    ) -> None:
        self._decoder = decoder
        super().__init__(beginning=beginning, temperature=float(temperature), draw=draw)
        self._write()
        self.place = place
        self.observe(self._write, ["beginning", "temperature", "draw"])

    @traitlets.validate("beginning")
    def _validate_beginning(self, proposal: Bunch) -> str:
        if not 1 <= len(proposal["value"]) <= LONGEST:
            raise ValueError(
                f"a beginning has 1 to {LONGEST} letters; got {len(proposal['value'])}"
            )
        return decode(encode(proposal["value"]))[:LONGEST]

    @traitlets.validate("temperature", "draw")
    def _validate_number(self, proposal: Bunch) -> float:
        return self._check(proposal["trait"].name, proposal["value"])

    @traitlets.validate("place")
    def _validate_place(self, proposal: Bunch) -> int:
        last = len(self.written["text"]) - 1 if self.written else -1
        if not -1 <= proposal["value"] <= last:
            raise ValueError(f"place = {proposal['value']}; use -1 for none, or 0 to {last}")
        return proposal["value"]

    @property
    def text(self) -> str:
        """Where the network looked for the letter that is pointed at."""
        return in_words(self.written, self.place)

    def pixels(self) -> np.ndarray:
        """Return the picture: the text, and a row for each head if a letter is pointed at."""
        return _drawn(self.written, self.place)

    def state(self) -> dict[str, Any]:
        """Return what a page without a kernel needs to know."""
        return super().state() | {"alive": False}

    def grid(self) -> Iterator[dict[str, Any]]:
        """Yield beginnings, temperatures and draws."""
        for beginning, temperature in itertools.product((*BEGINNINGS, "a"), (0.0, 0.8, 2.0)):
            yield {"beginning": beginning, "temperature": temperature, "draw": 3}

    def draws(self, number: int, params: dict[str, Any]) -> bool:
        """Return whether to draw setting `number`."""
        return number % 6 == 0

    def attempt(self, params: dict[str, Any], drawn: bool) -> None:
        """Write with these settings, say all its letters; raise where weights are none."""
        written = self._written(**params)
        for place, heads in enumerate(rows(written)):
            in_words(written, place)
            if any(abs(weights.sum() / 255 - 1) > 0.3 for _, weights in heads if len(weights)):
                raise ValueError(f"weights of letter {place} do not add up to 1")
        if drawn:
            _drawn(written, len(written["text"]) - 1)

    # ---- inside

    def _write(self, change: Bunch | None = None) -> None:
        self.place = -1
        self.written = self._written(**self.params)

    def _written(self, beginning: str, temperature: float, draw: int) -> dict[str, Any]:
        """Return a text that the network wrote, and all about it, as plain data."""
        codes = encode(beginning)
        logits, looks = self._decoder.read(codes)
        steps = [(0, looks[:, :, i - 1, :i], logits[i - 1]) for i in range(1, len(codes))]
        told = [(start, seen, softmax_at(z, temperature)) for start, seen, z in steps]
        new = list(write(self._decoder, codes, LETTERS, temperature, draw))
        told += [(step.start, step.looks, step.probability) for step in new]
        text = beginning + decode([step.code for step in new])
        shown = [_shown(seen) for _, seen, _ in told]
        chances = [_chances(p, code) for (*_, p), code in zip(told, encode(text)[1:], strict=True)]
        return {
            "text": text,
            "given": len(codes),
            "heads": min(self._decoder.layers * self._decoder.heads, MOST),
            "each": self._decoder.heads,  # heads of a block
            "starts": [0, *(start for start, *_ in told)],
            "looks": base64.b64encode(b"".join(shown)).decode(),
            "chances": [{"own": 0.0, "best": []}, *chances],
        }


def _shown(looks: np.ndarray) -> bytes:
    """Return the weights of the first heads in 255ths; looks of shape (layers, heads, seen)."""
    return np.rint(255 * looks.reshape(-1, looks.shape[-1])[:MOST]).astype(np.uint8).tobytes()


def _chances(p: np.ndarray, code: int) -> dict[str, Any]:
    best = np.argsort(-p, kind="stable")[:SHOWN]
    return {
        "own": round(float(p[code]), 3),
        "best": [[visible(each), round(float(p[each]), 3)] for each in best],
    }


def _drawn(written: Mapping[str, Any], place: int) -> np.ndarray:
    heads = written["heads"] if place > 0 else 0
    return kit.draw_once(lambda f: _paint(f, written, place), (9.0, 1.7 + 0.28 * heads), 90)


def _paint(figure: Figure, written: Mapping[str, Any], place: int) -> None:
    """Draw the text in lines, and below it for each head the letters before, on its colors."""
    ax = figure.subplots()
    heads = written["heads"] if place > 0 else 0
    lines = textwrap.wrap("".join(map(_mark, written["text"])), 64, drop_whitespace=False)
    ax.set(xlim=(0, 76), ylim=(len(lines) + heads + 1, -0.5))
    ax.set_axis_off()
    look = {"family": "monospace", "size": 13, "ha": "center", "va": "center", "parse_math": False}
    for row, line in enumerate(lines):
        for column, letter in enumerate(line):
            here = 64 * row + column == place
            color = (
                figures.ORANGE
                if here
                else figures.BLUE
                if 64 * row + column >= written["given"]
                else figures.GRAY
            )
            ax.text(column + 6, row, letter, color=color, **look)
    for head in range(heads):
        y, (_, weights) = len(lines) + head + 0.5, rows(written)[place][head]
        ax.text(2, y, _head(written, head), **look)
        for k, weight in enumerate(weights[-64:]):
            letter = written["text"][place - len(weights[-64:]) + k]
            box = {
                "facecolor": figures.ORANGE,
                "alpha": weight / 255,
                "edgecolor": "none",
                "pad": 1,
            }
            ax.text(6 + 64 - len(weights[-64:]) + k, y, _mark(letter), bbox=box, **look)
