"""Explorer of lesson 14: type a beginning, letters stream, point at one and see where it looked.

`LookExplorer` writes in the kernel; the page (js/attention) streams the letters, follows the
pointer, and colors the letters before by the weights of each head, also without a kernel.
tests/explore/test_attention.py holds its words and Python's together.
"""

from __future__ import annotations

import base64
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from labkit.data.text import decode, encode
from labkit.explore import figures, kit
from labkit.explore.attention_pictures import visible
from labkit.explore.kit import state_link
from labkit.explore.kit.script import script
from labkit.maths.attention import softmax_at
from labkit.networks.transformer import write

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from traitlets import Bunch

    from labkit.networks.transformer import Decoder, Step

LETTERS = 120  # that the network writes
LONGEST = 40  # letters of a beginning: as many as every network of the lesson can read
MOST = 12  # heads that are shown, a row each
SHOWN = 5  # likeliest letters that are shown
WIDE, LINES = 64, 8  # letters of a line in the picture, and its lines: the last ones
BEGINNINGS = ("the iterator returns ", ">>> print(numbers[0", "with_stmt ::= ")


def in_words(written: Mapping[str, Any], place: int) -> str:
    """Return where the network looked when it told a letter, and how likely that one was.

    Args:
        written: the letters and all about them, as `LookExplorer.written`; its text may be pieces
            of several letters, and its `unit` another word for one of them.
        place: of the letter, from 0; -1 for none.
    """
    text, given, unit = written["text"], written["given"], written.get("unit", "letter")
    if place < 0:
        return (
            f"{given} {unit}s are given, {len(text) - given} follow. Point at a {unit}, or use "
            "the arrow keys."
        )
    state = "given" if place < given else "written"
    who = f"{unit.capitalize()} {place + 1}, “{mark(text[place])}”, {state}"
    if place == 0:
        return f"{who}: the first {unit}. Nothing stands before it."
    if written["starts"][place] == place:
        return f"{who}: too far back. The network saw nothing before it."
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
    return f"“{mark(text[start + best])}” {far}"


def _head(written: Mapping[str, Any], head: int) -> str:
    return f"{head // written['each'] + 1}.{head % written['each'] + 1}"


def mark(piece: str) -> str:
    r"""Return a letter or piece with its blanks and line ends as marks.

    >>> mark(" of\n")
    '␣of↵'
    """
    return piece.replace(" ", "␣").replace("\n", "↵")


def account(
    decoder: Decoder,
    codes: Sequence[int],
    steps: Sequence[Step],
    chances: Callable[[np.ndarray], np.ndarray],
    name: Callable[[int], str] = visible,
) -> dict[str, Any]:
    """Return all about a text that a network wrote but the text itself, as plain data.

    Args:
        decoder: the network.
        codes: what was given; of a long beginning the network reads the end only.
        steps: what `labkit.networks.transformer.write` made of it.
        chances: from scores to the probabilities that are drawn from.
        name: of a code among the likeliest.
    """
    start = max(0, len(codes) - decoder.context)
    logits, looks = decoder.read(codes[start:])
    none = np.zeros((decoder.layers, decoder.heads, 0))
    told = [(place, none, None) for place in range(min(start + 1, len(codes)))]
    told += [(start, looks[:, :, i, : i + 1], chances(logits[i])) for i in range(len(logits) - 1)]
    told += [(step.start, step.looks, step.probability) for step in steps]
    text = [*codes, *(step.code for step in steps)]
    return {
        "given": len(codes),
        "heads": min(decoder.layers * decoder.heads, MOST),
        "each": decoder.heads,  # heads of a block
        "starts": [start for start, *_ in told],
        "looks": base64.b64encode(b"".join(_shown(seen) for _, seen, _ in told)).decode(),
        "chances": [_chances(p, code, name) for (*_, p), code in zip(told, text, strict=True)],
    }


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
        return drawn_text(self.written, self.place)

    def link_rules(self) -> state_link.Rules:
        """Return what a link to a page may set: the letter; only a kernel writes another text."""
        return {"place": state_link.number(-1, len(self.written["text"]) - 1, whole=True)}

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
            drawn_text(written, len(written["text"]) - 1)

    # ---- inside

    def _write(self, change: Bunch | None = None) -> None:
        self.place = -1
        self.written = self._written(**self.params)

    def _written(self, beginning: str, temperature: float, draw: int) -> dict[str, Any]:
        """Return a text that the network wrote, and all about it, as plain data."""
        codes = encode(beginning)
        steps = list(write(self._decoder, codes, LETTERS, temperature, draw))
        text = beginning + decode([step.code for step in steps])
        chances = functools.partial(softmax_at, temperature=temperature)
        return {"text": text} | account(self._decoder, codes, steps, chances)


def _shown(looks: np.ndarray) -> bytes:
    """Return the weights of the first heads in 255ths; looks of shape (layers, heads, seen)."""
    return np.rint(255 * np.concatenate(looks)[:MOST]).astype(np.uint8).tobytes()


def _chances(p: np.ndarray | None, code: int, name: Callable[[int], str]) -> dict[str, Any]:
    if p is None:
        return {"own": 0.0, "best": []}
    best = np.argsort(-p, kind="stable")[:SHOWN]
    return {
        "own": round(float(p[code]), 3),
        "best": [[name(each), round(float(p[each]), 3)] for each in best],
    }


def drawn_text(written: Mapping[str, Any], place: int) -> np.ndarray:
    """Return the picture of a text, pixels: below it a row for each head if a place is given.

    Args:
        written: as in `in_words`.
        place: of a letter that the network told, or -1.
    """
    heads = rows(written)[place] if place > 0 and written["starts"][place] < place else []
    lines = min(LINES, 1 + _spots(written["text"])[-1][0]) if written["text"] else 1
    size = 9.0, 0.35 + 0.28 * (lines + 1 + len(heads))
    return kit.draw_once(lambda f: _paint(f, written, place, heads, lines), size, 90)


def _spots(text: Sequence[str]) -> list[tuple[int, int]]:
    """Return row and column at which each letter or piece begins, in lines of 64 letters."""
    spots, row, column = [], 0, 0
    for piece in text:
        if column and column + len(piece) > WIDE:
            row, column = row + 1, 0
        spots.append((row, column))
        column += len(piece)
    return spots


def _paint(figure: Figure, written: Mapping[str, Any], place: int, heads: list, lines: int) -> None:
    """Draw the text in lines, and below it for each head what stood before, on its colors."""
    ax = figure.subplots()
    ax.set(xlim=(0, 76), ylim=(lines + len(heads) + 1, -0.5))
    ax.set_axis_off()
    look = {"family": "monospace", "size": 13, "ha": "center", "va": "center", "parse_math": False}

    def put(column: int, row: float, piece: str, **more: Any) -> None:
        for k, letter in enumerate(mark(piece)):
            shown = letter if letter.isprintable() else "�"
            ax.text(column + k, row, shown, **look, **more)

    text, spots = written["text"], _spots(written["text"])
    above = spots[-1][0] + 1 - lines if spots else 0
    for at, (piece, (row, column)) in enumerate(zip(text, spots, strict=True)):
        color = figures.BLUE if at >= written["given"] else figures.GRAY
        if row >= above:
            put(column + 6, row - above, piece, color=figures.ORANGE if at == place else color)
    for head, (_, weights) in enumerate(heads):
        y, column = lines + head + 0.5, 6 + WIDE
        ax.text(2, y, _head(written, head), **look)
        for back in range(1, len(weights) + 1):
            column -= len(text[place - back])
            if column < 6:
                break
            box = {"facecolor": figures.ORANGE, "alpha": weights[-back] / 255}
            box |= {"edgecolor": "none", "pad": 1}
            put(column, y, text[place - back], bbox=box)
