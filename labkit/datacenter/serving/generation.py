"""A transformer that writes several texts at once: slots of one cache, and who may use them when.

A **slot** is room for the keys and values of one text. In each step every busy slot gets one more
character, by one product with the weights for all of them. Static batching fills all slots, and
waits until the longest text is done; continuous batching gives a slot away as soon as its text is
done. The loop that decides stands in the lesson: it runs on a `Writer`, whose seconds are measured,
and on a `ModeledWriter`, whose seconds are a + c b.

Source: Yu and others, Orca: A Distributed Serving System for Transformer-Based Generative Models
(OSDI 2022).  Lesson: 23_serving.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit import machine
from labkit.datacenter.roofline import cpu_clock
from labkit.datacenter.serving.bench import batch_seconds
from labkit.datacenter.steps import Line, fit_line
from labkit.maths import attention as maths

EPSILON = 1e-5  # of the layer normalizations, as in GPT-2

# --- the weights --------------------------------------------------------------------------------


class Block(NamedTuple):
    """Weights of one block: of each part its kernel and bias, or its scale and shift."""

    norm_1: tuple[np.ndarray, np.ndarray]
    qkv: tuple[np.ndarray, np.ndarray]  # (width, 3 width) and (3 width,): queries, keys, values
    out: tuple[np.ndarray, np.ndarray]
    norm_2: tuple[np.ndarray, np.ndarray]
    hidden: tuple[np.ndarray, np.ndarray]
    back: tuple[np.ndarray, np.ndarray]


class Weights(NamedTuple):
    """All weights of a small transformer, as NumPy arrays of one type.

    Attributes:
        heads: of each block.
        tokens: shape (vocabulary, width).
        positions: shape (context, width).
        blocks: one `Block` a layer.
        last_norm: scale and shift, shape (width,) each.
        scores: kernel (width, vocabulary) and bias (vocabulary,).
    """

    heads: int
    tokens: np.ndarray
    positions: np.ndarray
    blocks: tuple[Block, ...]
    last_norm: tuple[np.ndarray, np.ndarray]
    scores: tuple[np.ndarray, np.ndarray]


def random_weights(
    seed: int = 0,
    vocabulary: int = 96,
    context: int = 192,
    width: int = 128,
    layers: int = 2,
    heads: int = 4,
    dtype: str = "float32",
) -> Weights:
    """Return a transformer that was never trained: what it writes means nothing, its time is real.

    Args:
        seed: of the draw.
        vocabulary: number of different characters.
        context: the most characters of a text.
        width: numbers a place, a multiple of `heads`.
        layers: number of blocks.
        heads: of each block.
        dtype: "float32" or "float64".

    Raises:
        ValueError: a width that the heads cannot share equally.

    Lesson: 23_serving.
    """
    if width % heads:
        raise ValueError(f"the heads share the width equally. Received: {width=}, {heads=}")
    rng = np.random.default_rng(seed)

    def drawn(rows: int, columns: int) -> np.ndarray:
        return rng.normal(size=(rows, columns)).astype(dtype)

    def dense(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
        return drawn(rows, columns) / rows**0.5, np.zeros(columns, dtype)

    norm = np.ones(width, dtype), np.zeros(width, dtype)
    tokens, positions = drawn(vocabulary, width), drawn(context, width)
    sizes = (width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)
    blocks = []
    for _ in range(layers):
        qkv, out, hidden, back = (dense(*size) for size in sizes)
        blocks.append(Block(norm, qkv, out, norm, hidden, back))
    return Weights(heads, tokens, positions, tuple(blocks), norm, dense(width, vocabulary))


# --- the writers --------------------------------------------------------------------------------


class Writer:
    """A transformer with a cache of several slots; it always writes the likeliest character.

    Args:
        weights: such as `random_weights` draws.
        slots: texts at once.

    Attributes:
        keys, values: shape (layers, slots, heads, context, width of a head).
        places: characters read in each slot, shape (slots,).
        seconds: CPU seconds of all steps so far.
        steps: how many steps that were.

    Lesson: 23_serving.
    """

    def __init__(self, weights: Weights, slots: int):
        self._weights, self._clock = weights, cpu_clock()
        context, width = weights.positions.shape
        shape = len(weights.blocks), slots, weights.heads, context, width // weights.heads
        self.keys = np.zeros(shape, weights.tokens.dtype)
        self.values = np.zeros_like(self.keys)
        self.places, self._codes = np.zeros(slots, int), np.zeros(slots, int)
        self._written: list[list[int]] = [[] for _ in range(slots)]
        self.seconds, self.steps = 0.0, 0

    def begin(self, slot: int, code: int) -> None:
        """Give a slot to a new text, which begins with this character."""
        self.places[slot], self._codes[slot] = 0, code % len(self._weights.tokens)
        self._written[slot] = []

    def text(self, slot: int) -> list[int]:
        """Return the characters written in a slot since its text began."""
        return list(self._written[slot])

    def step(self, slots: Sequence[int]) -> None:
        """Write one more character in each of these slots, and count the CPU seconds.

        Raises:
            ValueError: a slot whose text fills the context already.
        """
        slots = np.asarray(slots)
        with machine.one_thread():
            began = self._clock()
            self._codes[slots] = self.scores(slots).argmax(axis=-1)
            self.seconds += self._clock() - began
        self.steps += 1
        for slot in slots:
            self._written[slot].append(int(self._codes[slot]))

    def scores(self, slots: np.ndarray) -> np.ndarray:
        """Read the last character of each of these slots; return the scores of the next.

        Args:
            slots: shape (b,).

        Returns:
            Logits, shape (b, vocabulary).

        Raises:
            ValueError: a slot whose text fills the context already.
        """
        weights, at = self._weights, self.places[slots]
        if at.max() >= len(weights.positions):
            raise ValueError(f"a text has at most {len(weights.positions)} characters here")
        x = weights.tokens[self._codes[slots]] + weights.positions[at]
        mask = (np.arange(at.max() + 1) <= at[:, None])[:, None, None]  # each text sees its own
        for number, block in enumerate(weights.blocks):
            x = self._through(block, x, number, slots, mask)
        self.places[slots] += 1
        x = maths.layer_normalization(x, *weights.last_norm, EPSILON)
        return _dense(x, weights.scores)

    def _through(
        self, block: Block, x: np.ndarray, layer: int, slots: np.ndarray, mask: np.ndarray
    ) -> np.ndarray:
        """Return x, shape (b, width), after one block; put its new keys and values away."""
        b, heads, top = len(slots), self._weights.heads, mask.shape[-1]
        keys, values = self.keys[layer], self.values[layer]
        y = maths.layer_normalization(x, *block.norm_1, EPSILON)
        query, key, value = _dense(y, block.qkv).reshape(b, 3, heads, -1).swapaxes(0, 1)
        keys[slots, :, self.places[slots]] = key
        values[slots, :, self.places[slots]] = value
        seen = keys[slots, :, :top], values[slots, :, :top]
        out, _ = maths.attention(query[:, :, None], *seen, mask)
        x = x + _dense(out.reshape(b, -1), block.out)
        y = maths.layer_normalization(x, *block.norm_2, EPSILON)
        return x + _dense(_gelu(_dense(y, block.hidden)), block.back)


class ModeledWriter:
    """A writer that only counts: a step for b slots takes a + c b seconds.

    Args:
        line: a and c.

    >>> writer = ModeledWriter(Line(0.5, 0.25))
    >>> writer.step([0, 1])
    >>> writer.seconds, writer.steps
    (1.0, 1)
    """

    def __init__(self, line: Line):
        self._line, self.seconds, self.steps = line, 0.0, 0

    def begin(self, slot: int, code: int) -> None:
        """Begin a text: takes no time."""

    def text(self, slot: int) -> list[int]:
        """Return no characters: none are written."""
        return []

    def step(self, slots: Sequence[int]) -> None:
        """Let the seconds of a step pass."""
        self.seconds += self._line.seconds(len(slots))
        self.steps += 1


def _gelu(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf  # in 32 bits, three times as fast as in 64

    return x * (1 + erf(x * 0.5**0.5)) / 2


def _dense(x: np.ndarray, weights: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return x @ weights[0] + weights[1]


# --- what a step costs --------------------------------------------------------------------------


def measure_steps(
    weights: Weights,
    batches: Sequence[int] = (1, 2, 4, 8, 16, 32),
    place: int = 32,
    seconds: float = 2.0,
) -> tuple[dict[int, float], Line]:
    """Return the CPU seconds of one step for so many slots, and the line a + c b through them.

    A single slot needs products of a matrix and a vector, for which libraries have a way of their
    own: it is measured, but the line goes through the others.

    Args:
        weights: of the transformer.
        batches: slots of a step, at least two of them above 1.
        place: characters that each slot holds already.
        seconds: of wall time, for all of them by turns.

    Lesson: 23_serving.
    """

    def step(writer: Writer, slots: np.ndarray) -> None:
        writer.places[:] = place
        writer.scores(slots)

    writers = {b: Writer(weights, b) for b in batches}
    found, _ = batch_seconds(lambda b: step(writers[b], np.arange(b)), batches, seconds)
    many = [b for b in found if b > 1]
    return found, fit_line(many, [[found[b] for b in many]])


def cache_bytes(layers: int, width: int, characters: int = 1, bytes_a_number: int = 4) -> int:
    """Return the bytes of the keys and values of so many characters: 2 x layers x width numbers.

    >>> cache_bytes(layers=2, width=128)
    2048
    """
    return 2 * layers * width * characters * bytes_a_number


# --- the useful share ---------------------------------------------------------------------------


def useful_share(lengths: ArrayLike, slots: int) -> float:
    """Return which share of the slots' steps static batching uses: mean / E[longest of a batch].

    The batch is drawn from these lengths with replacement.

    Args:
        lengths: characters of each text, above 0, shape (n,).
        slots: texts of a batch.

    >>> useful_share([10, 10, 10], slots=8), round(useful_share([1, 9], slots=2), 3)
    (1.0, 0.714)
    """
    lengths = np.sort(np.asarray(lengths, float))
    below = (np.arange(len(lengths) + 1) / len(lengths)) ** slots  # chance that all are this short
    return float(lengths.mean() / (lengths @ np.diff(below)))


def harmonic_share(slots: int) -> float:
    """Return 1 / (1 + 1/2 + ... + 1/slots): the useful share if lengths are exponential.

    The longest of B exponential times has mean H_B times the mean of one; geometric lengths, where
    each next character is the last one with the same chance, come close.

    Source: Renyi, On the theory of order statistics (1953).

    >>> harmonic_share(1), round(harmonic_share(8), 4)
    (1.0, 0.3679)
    """
    return float(1 / np.sum(1 / np.arange(1, slots + 1)))
