"""A small transformer that writes text character by character, and how it writes.

`small_transformer` builds it from plain Keras layers. `Decoder` runs the trained network with the
NumPy functions of `labkit.maths.attention`: it returns the same scores, shows every attention
weight, and keeps keys and values in a cache, so that each new character costs one place of work
and not the whole text again.  Lesson: 14_attention.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit.machine import one_thread
from labkit.maths import attention as maths
from labkit.networks.backend import without_chatter

if TYPE_CHECKING:
    import keras

EPSILON = 1e-5  # of the layer normalizations, as in GPT-2


@without_chatter()  # under JAX, Keras' attention layer imports TensorFlow where it is installed
def small_transformer(
    vocabulary: int = 96,
    context: int = 64,
    width: int = 64,
    layers: int = 2,
    heads: int = 4,
    dropout: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """Return a decoder of the GPT kind, not yet compiled: characters in, scores of the next out.

    Token table plus table of positions; blocks of attention and a feed-forward part, each behind
    a layer normalization and added to what came in; a last normalization and a dense layer.

    Args:
        vocabulary: number of different characters.
        context: places of the position table, the longest text it can read at once.
        width: numbers a place.
        layers: number of blocks.
        heads: heads of each attention; they share the width.
        dropout: share of numbers switched off at random while training, in [0, 1).
        seed: of Keras, for the starting weights and dropout (`keras.utils.set_random_seed`).

    Returns:
        A model from integers of shape (n, up to context) to logits (n, places, vocabulary).

    Raises:
        ValueError: a width that the heads cannot share equally, or a size below 1.

    Source: Radford and others, Language Models are Unsupervised Multitask Learners (2019).
    Lesson: 14_attention.
    """
    _check_sizes(vocabulary, context, width, layers, heads, dropout)
    from labkit.networks.backend import keras

    keras.utils.set_random_seed(seed)
    build, small = keras.layers, keras.initializers.RandomNormal(stddev=0.02)

    def norm(name: str) -> keras.Layer:
        return build.LayerNormalization(epsilon=EPSILON, name=name)

    tokens = keras.Input((None,), dtype="int32", name="characters")
    places = keras.ops.cumsum(keras.ops.ones_like(tokens), axis=1) - 1  # 0, 1, 2, ...
    table = build.Embedding(vocabulary, width, embeddings_initializer="uniform", name="tokens")
    where = build.Embedding(context, width, embeddings_initializer=small, name="positions")
    x = build.Dropout(dropout)(table(tokens) + where(places))
    for block in (f"block_{number}_" for number in range(1, layers + 1)):
        y = norm(block + "norm_1")(x)
        attend = build.MultiHeadAttention(
            heads, width // heads, dropout=dropout, name=block + "attention"
        )
        x = x + build.Dropout(dropout)(attend(y, y, use_causal_mask=True))
        y = norm(block + "norm_2")(x)
        y = build.Dense(4 * width, activation="gelu", name=block + "hidden")(y)
        x = x + build.Dropout(dropout)(build.Dense(width, name=block + "back")(y))
    scores = build.Dense(vocabulary, name="scores")(norm("last_norm")(x))
    return keras.Model(tokens, scores, name="small_transformer")


def warmup_cosine(learning_rate: float, steps: int) -> keras.optimizers.schedules.CosineDecay:
    """Return a schedule: up in a straight line for a twentieth of the steps, then a cosine down.

    Args:
        learning_rate: the highest, reached after the warm-up.
        steps: updates of the whole training; the last ones are near 0.
    """
    from labkit.networks.backend import keras

    warmup = max(1, steps // 20)
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / 20,
        max(1, steps - warmup),
        alpha=0.02,
        warmup_target=learning_rate,
        warmup_steps=warmup,
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

    @property
    def numbers(self) -> int:
        """How many numbers it holds when it is full."""
        return self.keys.size + self.values.size


class Decoder:
    """A `small_transformer` as NumPy arrays: the same scores, and a look inside.

    It computes with 64 bits: rounding then never decides which character is drawn.

    Args:
        model: a network that `small_transformer` made.

    Attributes:
        layers, heads, context, vocabulary: the sizes of the network.
    """

    def __init__(self, model: keras.Model):
        def weights(name: str) -> list[np.ndarray]:
            return [array.astype(float) for array in model.get_layer(name).get_weights()]

        names = {layer.name for layer in model.layers}
        self.layers = sum(name.endswith("_attention") for name in names)
        (self._tokens,), (self._positions,) = weights("tokens"), weights("positions")
        self._blocks = [
            _Block(
                tuple(weights(f"block_{number}_norm_1")),
                maths.HeadWeights(*weights(f"block_{number}_attention")),
                *(
                    tuple(weights(f"block_{number}_{part}"))
                    for part in ("norm_2", "hidden", "back")
                ),
            )
            for number in range(1, self.layers + 1)
        ]
        self._last_norm, self._scores = weights("last_norm"), weights("scores")
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
        mask = np.arange(end) <= np.arange(start, end)[:, None]  # the new rows of causal_mask(end)
        looks = []
        for number, block in enumerate(self._blocks):
            x, weights = self._through(block, x, cache.keys[number], cache.values[number], mask)
            looks.append(weights)
        cache.length = end
        x = maths.layer_normalization(x, *self._last_norm, EPSILON)
        return x @ self._scores[0] + self._scores[1], np.stack(looks)

    def _through(
        self, block: _Block, x: np.ndarray, keys: np.ndarray, values: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return x after one block and its attention weights; put new keys and values away."""
        heads, (new, end) = block.heads, mask.shape
        y = maths.layer_normalization(x, *block.norm_1, EPSILON)
        query = maths.split_heads(y, heads.query_kernel, heads.query_bias)
        keys[:, end - new : end] = maths.split_heads(y, heads.key_kernel, heads.key_bias)
        values[:, end - new : end] = maths.split_heads(y, heads.value_kernel, heads.value_bias)
        out, weights = maths.attention(query, keys[:, :end], values[:, :end], mask)
        x = x + maths.merge_heads(out, heads)
        y = maths.layer_normalization(x, *block.norm_2, EPSILON)
        hidden = _gelu(y @ block.hidden[0] + block.hidden[1])
        return x + hidden @ block.back[0] + block.back[1], weights


def generate(
    decoder: Decoder,
    prompt: ArrayLike,
    length: int,
    temperature: float = 1.0,
    seed: int = 0,
    use_cache: bool = True,
) -> np.ndarray:
    """Return characters that the network writes after a prompt, one drawn after the other.

    When the network's context is full, the older half is forgotten and the newer half read again.

    Args:
        decoder: the network.
        prompt: characters to begin with, at least one; only the end counts if it is long.
        length: characters to write.
        temperature: of `softmax_at`; 0 always takes the likeliest.
        seed: of the draw.
        use_cache: False reads the whole visible text again for each character: slower, and the
            same characters come out.

    Raises:
        ValueError: an empty prompt.
    """
    visible = [int(code) for code in np.asarray(prompt, int)][-decoder.context :]
    if not visible:
        raise ValueError("the prompt is empty; give at least one character to begin with")
    written, cache, new = [], None, visible
    with one_thread():
        for draw in np.random.default_rng(seed).random(length):
            if len(visible) > decoder.context:
                visible = visible[-max(1, decoder.context // 2) :]
                cache = None
            if cache is None or not use_cache:
                cache, new = decoder.new_cache(), visible
            logits, _ = decoder.read(new, cache)
            p = maths.softmax_at(logits[-1], temperature)
            code = min(int(np.searchsorted(np.cumsum(p), draw, side="right")), len(p) - 1)
            written.append(code)
            visible, new = [*visible, code], [code]
    return np.array(written, int)


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


def _gelu(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    return x * (1 + erf(x / np.sqrt(2))) / 2


def _check_sizes(
    vocabulary: int, context: int, width: int, layers: int, heads: int, dropout: float
) -> None:
    sizes = {"vocabulary": vocabulary, "context": context, "width": width}
    for name, size in (sizes | {"layers": layers, "heads": heads}).items():
        if not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"{name} must be an integer of at least 1. Received: {name}={size!r}")
    if width % heads:
        raise ValueError(
            f"the heads share the width equally, so it must be a multiple of heads. "
            f"Received: width={width}, heads={heads}"
        )
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must lie in [0, 1), 0 for none. Received: dropout={dropout}")
