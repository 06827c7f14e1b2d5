"""Explorer of lesson 16: a small GPT writes in the page; point at a token and see where it looked.

The page (js/language) cuts the beginning into tokens, runs the network with a cache of keys and
values, and draws as NumPy draws: it writes what `labkit.networks.transformer.write` writes, without
a kernel. Words and picture of who looked where are those of lesson 14.
"""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from labkit.explore import kit
from labkit.explore.attention import account, drawn_text, in_words, rows
from labkit.explore.kit import state_link
from labkit.explore.kit.script import script
from labkit.maths.attention import restricted, softmax_at
from labkit.networks.transformer import Decoder, write

if TYPE_CHECKING:
    from traitlets import Bunch

    from labkit.networks.tokens import Tokens

LONGEST = 2000  # letters of a beginning, and tokens that it writes at most
DRAWS = 99
MOST_WEIGHTS = 10_000_000  # of a network in a page, some 27 MB of it
BEGINNINGS = ("The ", "def ", "naïve π", "")


def writing_in_words(written: Mapping[str, Any], place: int) -> str:
    """Return what is shown, in words.

    Args:
        written: as `WriteExplorer.written`.
        place: of the token that is pointed at, from 0; -1 for none.
    """
    count, given = len(written["text"]), written["given"]
    if not given:
        return (
            "The beginning is empty. The network goes on with what is there: type at least one "
            "letter."
        )
    if 0 <= place < count:
        return in_words(written, place)
    are = "token is" if given == 1 else "tokens are"
    told = f"{given} {are} given. Press Write, or Enter."
    end = " Here it stops." if count - given >= LONGEST else ""
    return (in_words(written, -1) if count > given else told) + _note(written) + end


def _note(written: Mapping[str, Any]) -> str:
    """Return what is to be said of a beginning: letters that it does not know, its length."""
    strange = [f"“{each}”" for each in dict.fromkeys(re.findall(r"[^\n -~]", written["beginning"]))]
    note, context = "", written["context"]
    if strange:
        note = (
            f" The text that it learned from has no {', no '.join(strange[:3])}: the bytes stand "
            "for nothing it knows."
        )
    return note + (
        f" It reads the last {context} tokens at once." if written["given"] > context else ""
    )


class WriteExplorer(kit.PageExplorer):
    """Type a beginning; a small GPT writes on; point at a token, and each head shows its look.

    Args:
        weights: of the network, as `labkit.networks.transformer.Decoder` takes them, or a Decoder.
        tokens: the table of its tokens, `labkit.networks.tokens.Tokens`.
        beginning: of the text, up to 2,000 letters.
        temperature: of the draw, 0 to 2; at 0 the likeliest token is always taken.
        top_k: only so many of the likeliest tokens are drawn from, 0 for all.
        top_p: of these, as few of the likeliest as hold this share, 0.05 to 1.
        draw: seed of the draw, 0 to 99.
        length: tokens that are written at the start, 0 to 2,000.
        place: the token that is pointed at, from 0; -1 for none.
        lesson: whose parameters the settings are.

    Attributes:
        decoder: the network with its weights rounded to 16 bits, as the page has it.
        written: the text, a piece for each token, and all about it, as `LookExplorer.written`.
        text: in words what is shown.

    Raises:
        ValueError: weights that are no such network, no numbers, or too many for a page; another
            number of tokens than it knows; a setting that is not allowed.
    """

    parameters = ("beginning", "temperature", "top_k", "top_p", "draw")
    allowed = {"temperature": (0, 2), "top_p": (0.05, 1), "draw": (0, DRAWS)}
    sent = ("lesson", "network", "merges", "length", "place")
    page_width = 1000

    lesson = traitlets.Unicode("16").tag(sync=True)
    beginning = traitlets.Unicode(BEGINNINGS[0]).tag(sync=True)
    temperature = traitlets.Float(0.8).tag(sync=True)
    top_k = traitlets.Int(0).tag(sync=True)
    top_p = traitlets.Float(1.0).tag(sync=True)
    draw = traitlets.Int(0).tag(sync=True)
    length = traitlets.Int(0).tag(sync=True)
    place = traitlets.Int(-1).tag(sync=True)
    network = traitlets.Dict().tag(sync=True)
    merges = traitlets.List().tag(sync=True)

    _esm = script("language/explorer")

    def __init__(
        self,
        weights: Sequence[np.ndarray] | Decoder,
        tokens: Tokens,
        beginning: str = BEGINNINGS[0],
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        draw: int = 0,
        length: int = 0,
        place: int = -1,
        lesson: str = "16",
    ) -> None:
        arrays = _rounded(weights.weights if isinstance(weights, Decoder) else weights)
        self.decoder, self._tokens = Decoder(arrays), tokens
        if len(tokens.pieces) != self.decoder.vocabulary:
            raise ValueError(
                f"the network knows {self.decoder.vocabulary} tokens, the table has "
                f"{len(tokens.pieces)}; give the table that it was trained with"
            )
        super().__init__(
            lesson=lesson,
            network=_packed(arrays, self.decoder),
            merges=[list(pair) for pair in tokens.merges],
            beginning=beginning, temperature=float(temperature), top_k=top_k,
            top_p=float(top_p), draw=draw, length=length, place=place,
        )  # fmt: skip

    @traitlets.validate("beginning")
    def _validate_beginning(self, proposal: Bunch) -> str:
        if len(proposal["value"]) > LONGEST:
            raise ValueError(
                f"a beginning has up to {LONGEST:,} letters; got {len(proposal['value']):,}"
            )
        return proposal["value"]

    @traitlets.validate("temperature", "top_p", "draw")
    def _validate_number(self, proposal: Bunch) -> float:
        return self._check(proposal["trait"].name, proposal["value"])

    @traitlets.validate("top_k", "length", "place")
    def _validate_whole(self, proposal: Bunch) -> int:
        name = proposal["trait"].name
        least = -1 if name == "place" else 0
        most = {"top_k": self.decoder.vocabulary, "length": LONGEST}.get(name, 2 * LONGEST)
        return kit.check_setting(name, proposal["value"], (least, most), whole=True)

    @property
    def written(self) -> dict[str, Any]:
        """The text and all about it."""
        return self._written(**self.params, length=self.length)

    @property
    def text(self) -> str:
        """What is shown, in words."""
        return writing_in_words(self.written, self.place)

    def pixels(self) -> np.ndarray:
        """Return the picture: the text, and a row for each head if a token is pointed at."""
        return self._drawn(self.written, self.place)

    def link_rules(self) -> state_link.Rules:
        """Return what a link to a page may set: also the beginning and how far it is written."""
        return {
            "beginning": state_link.text(LONGEST),
            **super().link_rules(),
            "top_k": state_link.number(0, self.decoder.vocabulary, whole=True),
            "length": state_link.number(0, LONGEST, whole=True),
            "place": state_link.number(-1, 2 * LONGEST, whole=True),
        }

    def grid(self) -> Iterator[dict[str, Any]]:
        """Yield beginnings and ways to draw, and a beginning that is longer than the context."""
        ways = ((0.0, 0, 1.0), (0.8, 0, 1.0), (2.0, 3, 1.0), (1.0, 0, 0.5), (1.3, 20, 0.9))
        for beginning, (temperature, top_k, top_p) in itertools.product(
            (*BEGINNINGS, "a longer one " * self.decoder.context), ways
        ):
            yield {
                "beginning": beginning[:LONGEST],
                "temperature": temperature,
                "top_k": top_k,
                "top_p": top_p,
                "draw": 3,
            }

    def draws(self, number: int, params: dict[str, Any]) -> bool:
        """Return whether to draw setting `number`."""
        return number % 20 == 0

    def attempt(self, params: dict[str, Any], drawn: bool) -> None:
        """Write with these settings, say all its tokens; raise where weights are none."""
        written = self._written(**params, length=8)
        last = len(written["text"]) - 1
        for place in {-1, 0, last // 2, last}:
            writing_in_words(written, place)
        for place, heads in enumerate(rows(written)):
            if any(abs(weights.sum() / 255 - 1) > 0.3 for _, weights in heads if len(weights)):
                raise ValueError(f"weights of token {place} do not add up to 1")
        if drawn:
            self._drawn(written, last)

    # ---- inside

    def _written(
        self, beginning: str, temperature: float, top_k: int, top_p: float, draw: int, length: int
    ) -> dict[str, Any]:
        """Return a text that the network wrote, and all about it, as plain data."""
        codes = self._tokens.encode(beginning)
        about = {"unit": "token", "beginning": beginning, "context": self.decoder.context}
        if not codes:
            none = {"text": [], "given": 0, "heads": 0, "each": 1, "starts": [], "looks": ""}
            return about | none | {"chances": []}
        steps = write(self.decoder, codes, length, temperature, draw, top_k=top_k, top_p=top_p)
        steps = list(steps)

        def chances(scores: np.ndarray) -> np.ndarray:
            return restricted(softmax_at(scores, temperature), top_k, top_p)

        text = [self._piece(code) for code in (*codes, *(step.code for step in steps))]
        return about | {"text": text} | account(self.decoder, codes, steps, chances, self._piece)

    def _piece(self, code: int) -> str:
        return self._tokens.pieces[code].decode("utf-8", "replace")

    def _drawn(self, written: Mapping[str, Any], place: int) -> np.ndarray:
        return drawn_text(written, place if place < len(written["text"]) else -1)


def _rounded(weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return weights in half precision, if that and a page can hold them."""
    if (count := sum(np.size(array) for array in weights)) > MOST_WEIGHTS:
        raise ValueError(
            f"this network has {count:,} weights; a page holds up to {MOST_WEIGHTS:,}, so give it "
            "a smaller one"
        )
    with np.errstate(over="ignore"):  # too large a number becomes inf, which is refused below
        arrays = [np.asarray(array, np.float64).astype(np.float16) for array in weights]
    if wrong := [n for n, array in enumerate(arrays) if not np.isfinite(array).all()]:
        raise ValueError(
            f"weights of array {wrong[0]} are no numbers, or larger than 65,504; train it again "
            "with a lower learning rate"
        )
    return arrays


def _packed(arrays: Sequence[np.ndarray], decoder: Decoder) -> dict[str, Any]:
    """Return the network for the page: its sizes, and all weights behind each other."""
    _, heads, d = arrays[4].shape  # the kernel of the first queries
    return {
        "layers": decoder.layers,
        "heads": heads,
        "d": d,
        "hidden": arrays[14].shape[1],  # of the first dense layer
        "width": arrays[0].shape[1],
        "context": decoder.context,
        "vocabulary": decoder.vocabulary,
        "weights": base64.b64encode(b"".join(array.tobytes() for array in arrays)).decode(),
    }
