"""A small transformer that was trained to write, in NumPy: how it reads, looks and writes.

Lesson 14 builds and trains the network in Keras. `Decoder` runs it with the NumPy functions of
`labkit.maths.attention`, or with the learner's own attention: it returns the same scores, shows
every attention weight, and keeps keys and values in a cache, so that each new character costs one
place of work and not the whole text again.  Lesson: 14_attention.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit.machine import one_thread
from labkit.maths import attention as maths

if TYPE_CHECKING:
    import keras

EPSILON = 1e-3  # of the layer normalizations, as Keras has it
Attention = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # of Q, K, V; no mask


def random_weights(
    vocabulary: int = 96,
    context: int = 64,
    width: int = 64,
    layers: int = 2,
    heads: int = 4,
    seed: int = 0,
) -> list[np.ndarray]:
    """Return the weights of a network that was never trained, in the order of `Decoder`.

    What it writes means nothing; its time is real.

    Args:
        vocabulary: number of different characters.
        context: the most places that it reads.
        width: numbers a place, a multiple of `heads`.
        layers: number of blocks.
        heads: of each attention.
        seed: of the draw.

    Raises:
        ValueError: a width that the heads cannot share equally.

    >>> len(random_weights(layers=3))
    54
    """
    check_heads(width, heads)
    d = width // heads
    norm = [(width,), (width,)]
    projection = [(width, heads, d), (heads, d)]
    attention = 3 * projection + [(heads, d, width), (width,)]
    dense = [(width, 4 * width), (4 * width,), (4 * width, width), (width,)]
    shapes = [(vocabulary, width), (context, width)]
    shapes += layers * (norm + attention + norm + dense) + norm + [(width, vocabulary)]
    random = np.random.default_rng(seed)
    return [random.normal(0, 0.5, shape) for shape in [*shapes, (vocabulary,)]]


def check_heads(width: int, heads: int) -> None:
    """Raise ValueError for a width that the heads cannot share equally."""
    if width % heads:
        raise ValueError(
            f"the heads share the width equally, so it must be a multiple of heads. "
            f"Received: width={width}, heads={heads}"
        )


def place_losses(model: keras.Model, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return -log probability (in nats) of the right next character at each place.

    Args:
        model: from characters to logits.
        x, y: pieces of text and their next characters, shape (n, places).

    Returns:
        float64, shape (n, places). A place knows only what stands before it in its piece.
    """
    from labkit.networks.backend import keras

    parts, step = [], max(1, 8192 // x.shape[1])  # some 8,000 characters at a time: spares memory
    for start in range(0, len(x), step):
        logits = keras.ops.convert_to_numpy(model(x[start : start + step])).astype(float)
        shifted = logits - logits.max(axis=-1, keepdims=True)
        right = np.take_along_axis(shifted, y[start : start + step, :, None], axis=-1)[..., 0]
        parts.append(np.log(np.exp(shifted).sum(axis=-1)) - right)
    return np.concatenate(parts)


# --- the trained network in NumPy ----------------------------------------------------------------


class _Block(NamedTuple):
    norm_1: tuple
    heads: maths.HeadWeights
    norm_2: tuple
    hidden: tuple
    back: tuple


class Cache:
    """Keys and values of the places already read, for every block and head.

    Attributes:
        keys, values: shape (layers, heads, context, width of a head), filled up to `length`.
        length: places already read.
    """

    def __init__(self, layers: int, heads: int, context: int, d: int):
        self.keys = np.zeros((layers, heads, context, d))
        self.values = np.zeros_like(self.keys)
        self.length = 0


class Decoder:
    """A trained decoder of the GPT kind as NumPy arrays: the same scores, and a look inside.

    It computes with 64 bits: rounding then never decides which character is drawn.

    Args:
        weights: of the network, `model.get_weights()`, in this order: token table, position table;
            for each block a normalization, `keras.layers.MultiHeadAttention`, a normalization, two
            dense layers; a last normalization, a dense layer.
        attention: a function of Q, K and V, shapes (queries, d), (keys, d) and (keys, width), that
            returns the outputs; None for the lab's, which takes all heads at once.

    Attributes:
        layers, heads, context, vocabulary: the sizes of the network.
        weights: as they came.

    Raises:
        ValueError: a number of arrays that such a network cannot have.
    """

    def __init__(self, weights: Sequence[np.ndarray], attention: Attention | None = None) -> None:
        if len(weights) < 22 or (len(weights) - 6) % 16:
            raise ValueError(
                f"two tables, 16 arrays a block and 4 at the end make 22, 38, 54, ...; got "
                f"{len(weights)} arrays. Was it built with positions, and block by block?"
            )
        self.weights = list(weights)
        tokens, positions, *rest = (np.asarray(array, float) for array in weights)
        self.layers, self._attention = (len(weights) - 6) // 16, attention
        self._tokens, self._positions = tokens, positions
        self._blocks = [_block(rest[16 * n : 16 * n + 16]) for n in range(self.layers)]
        self._last_norm, self._scores = rest[-4:-2], rest[-2:]
        _, self.heads, self._d = self._blocks[0].heads.query_kernel.shape
        self.context, self.vocabulary = len(self._positions), len(self._tokens)

    def new_cache(self) -> Cache:
        """Return an empty cache for this network."""
        return Cache(self.layers, self.heads, self.context, self._d)

    def read(self, codes: ArrayLike, cache: Cache | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores of the next character at each new place, and who looked where.

        Args:
            codes: characters, shape (places,).
            cache: what was read before; it grows by these places. None to begin anew.

        Returns:
            (logits, weights): shapes (places, vocabulary) and (layers, heads, places, places
            read so far).

        Raises:
            ValueError: more places than the network has positions, or none.
        """
        codes = np.asarray(codes, int)
        cache = self.new_cache() if cache is None else cache
        start, end = cache.length, cache.length + len(codes)
        if not len(codes) or end > self.context:
            raise ValueError(
                f"this network reads 1 to {self.context} characters; got {len(codes)} new ones "
                f"after {start} in the cache"
            )
        x = self._tokens[codes] + self._positions[start:end]
        looks = []
        for number, block in enumerate(self._blocks):
            x, weights = self._through(block, x, cache.keys[number], cache.values[number], start)
            looks.append(weights)
        cache.length = end
        x = maths.layer_normalization(x, *self._last_norm, EPSILON)
        return x @ self._scores[0] + self._scores[1], np.stack(looks)

    def _through(
        self, block: _Block, x: np.ndarray, keys: np.ndarray, values: np.ndarray, start: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return x after one block and its attention weights; put new keys and values away."""
        heads, end = block.heads, start + len(x)
        y = maths.layer_normalization(x, *block.norm_1, EPSILON)
        query = maths.split_heads(y, heads.query_kernel, heads.query_bias)
        keys[:, start:end] = maths.split_heads(y, heads.key_kernel, heads.key_bias)
        values[:, start:end] = maths.split_heads(y, heads.value_kernel, heads.value_bias)
        out, weights = self._attend(query, keys[:, :end], values[:, :end])
        x = x + maths.merge_heads(out, heads)
        y = maths.layer_normalization(x, *block.norm_2, EPSILON)
        hidden = _gelu(y @ block.hidden[0] + block.hidden[1])
        return x + hidden @ block.back[0] + block.back[1], weights

    def _attend(
        self, query: np.ndarray, keys: np.ndarray, values: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return outputs and weights of the last places; none of them sees what comes after it."""
        new, end = query.shape[1], keys.shape[1]
        if self._attention is None:
            mask = np.arange(end) <= np.arange(end - new, end)[:, None]
            return maths.attention(query, keys, values, mask)
        out, weights = np.zeros_like(query), np.zeros((len(query), new, end))
        for head, i in np.ndindex(len(query), new):
            seen = end - new + i + 1  # it is given these keys only, so it needs no mask
            # The identity beside the values brings the weights out.
            beside = np.hstack([values[head, :seen], np.eye(seen)])
            both = self._attention(query[head, i : i + 1], keys[head, :seen], beside)
            out[head, i], weights[head, i, :seen] = np.split(both[0], [out.shape[-1]])
        return out, weights


def _block(arrays: list[np.ndarray]) -> _Block:
    parts = arrays[:2], maths.HeadWeights(*arrays[2:10]), arrays[10:12], arrays[12:14], arrays[14:]
    return _Block(*parts)


class Step(NamedTuple):
    """One character that a network wrote.

    Attributes:
        code: the character.
        probability: of each character at this place, shape (vocabulary,).
        start: the first place of the text, counted from the prompt's, that was still seen.
        looks: where the place before it looked, shape (layers, heads, places seen).
    """

    code: int
    probability: np.ndarray
    start: int
    looks: np.ndarray


def write(
    decoder: Decoder,
    prompt: ArrayLike,
    length: int,
    temperature: float = 1.0,
    seed: int = 0,
    use_cache: bool = True,
    top_k: int = 0,
    top_p: float = 1.0,
) -> Iterator[Step]:
    """Yield characters that the network writes after a prompt, one drawn after the other.

    When the network's context is full, the older half is forgotten and the newer half read again.

    Args:
        decoder: the network.
        prompt: characters to begin with, at least one; only the end counts if it is long.
        length: characters to write.
        temperature: of `softmax_at`; 0 always takes the likeliest.
        seed: of the draw.
        use_cache: False reads the whole visible text again for each character: slower, and the
            same characters come out.
        top_k, top_p: of `labkit.maths.attention.restricted`; 0 and 1 restrict nothing.

    Raises:
        ValueError: an empty prompt, or a setting that is not allowed.
    """
    text = [int(code) for code in np.asarray(prompt, int)]
    if not text:
        raise ValueError("the prompt is empty; give at least one character to begin with")
    start, cache = max(0, len(text) - decoder.context), decoder.new_cache()
    for draw in np.random.default_rng(seed).random(length):
        if len(text) - start > decoder.context:
            start = len(text) - max(1, decoder.context // 2)
            cache = decoder.new_cache()
        if not use_cache:
            cache = decoder.new_cache()
        with one_thread():
            logits, looks = decoder.read(text[start + cache.length :], cache)
        p = maths.restricted(maths.softmax_at(logits[-1], temperature), top_k, top_p)
        text.append(min(int(np.searchsorted(np.cumsum(p), draw, side="right")), len(p) - 1))
        yield Step(text[-1], p, start, looks[:, :, -1])


def generate(
    decoder: Decoder,
    prompt: ArrayLike,
    length: int,
    temperature: float = 1.0,
    seed: int = 0,
    use_cache: bool = True,
    top_k: int = 0,
    top_p: float = 1.0,
) -> np.ndarray:
    """Return the characters that `write` yields, shape (length,); arguments as there."""
    steps = write(decoder, prompt, length, temperature, seed, use_cache, top_k, top_p)
    return np.array([step.code for step in steps], int)


def seconds_per_character(
    decoder: Decoder, places: int, use_cache: bool, repeats: int = 5
) -> float:
    """Return how long the network takes for the scores after its `places`-th character.

    Args:
        decoder: the network; its context must hold that many places.
        places: characters of the text, the new one among them.
        use_cache: True if keys and values of all but the last are there already.
        repeats: measurements, of which the median counts; one more goes before, to warm up.
    """
    codes, seconds = np.zeros(places, int), []
    with one_thread():
        for _ in range(repeats + 1):
            cache = decoder.new_cache()
            if use_cache and places > 1:
                decoder.read(codes[:-1], cache)
            started = time.perf_counter()
            decoder.read(codes[cache.length :], cache)
            seconds.append(time.perf_counter() - started)
    return float(np.median(seconds[1:]))


class CacheCost(NamedTuple):
    """Seconds of one more character.

    Attributes:
        places: characters of the text, the new one among them.
        without, kept: seconds without and with a cache of keys and values, one for each.
    """

    places: list[int]
    without: list[float]
    kept: list[float]


def cache_cost(places: Sequence[int], width: int = 96) -> CacheCost:
    """Return what one more character costs with and without a cache, measured.

    The network was never trained: its time is the same.

    Args:
        places: characters of the text.
        width: of the network, with two blocks of four heads.
    """
    decoder = Decoder(random_weights(context=max(places), width=width))
    seconds = [[seconds_per_character(decoder, n, use) for n in places] for use in (False, True)]
    return CacheCost(list(places), *seconds)


def _gelu(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    return x * (1 + erf(x / np.sqrt(2))) / 2
