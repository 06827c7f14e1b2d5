"""A small language model: built, trained on a number of tokens, and judged on held-out text.

It is the decoder of lesson 14, in Keras, with its weights in the order that
`labkit.networks.transformer.Decoder` reads.  Lesson: 16_language_models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labkit.data.text import decode, load_text, windows
from labkit.networks import tokens, transformer
from labkit.networks.backend import keras
from labkit.networks.training import fit


@keras.saving.register_keras_serializable("labkit")
class Positions(keras.layers.Layer):
    """Adds a learned vector for each place: (n, places, width) in and out."""

    def build(self, shape: Sequence[int | None]) -> None:
        """Make the table, far smaller than the tokens' vectors: what they are counts first."""
        small = keras.initializers.RandomNormal(stddev=0.005)
        self.table = self.add_weight(shape=tuple(shape[-2:]), initializer=small, name="table")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return x plus the table, shape (n, places, width)."""
        return x + self.table


def build(
    vocabulary: int = 384, context: int = 32, width: int = 64, layers: int = 1, heads: int = 4
) -> keras.Model:
    """Return a decoder of the GPT kind: from tokens, shape (n, context), to scores of the next.

    `keras.utils.set_random_seed(seed)` before it decides its first weights.

    Args:
        vocabulary: number of different tokens.
        context: places, all of them read at once.
        width: numbers a place, a multiple of `heads`.
        layers: number of blocks.
        heads: of each attention.

    Raises:
        ValueError: a width that the heads cannot share equally.

    >>> build(vocabulary=300, width=8).count_params()
    6244
    """
    transformer.check_heads(width, heads)
    L = keras.layers
    codes = keras.Input((context,), dtype="int32")
    x = Positions()(L.Embedding(vocabulary, width)(codes))
    for _ in range(layers):
        y = L.LayerNormalization()(x)
        x = x + L.MultiHeadAttention(heads, width // heads)(y, y, use_causal_mask=True)
        y = L.Dense(4 * width, activation="gelu")(L.LayerNormalization()(x))
        x = x + L.Dense(width)(y)
    return keras.Model(codes, L.Dense(vocabulary)(L.LayerNormalization()(x)))


def compiled(model: keras.Model, rate: float, steps: int) -> keras.Model:
    """Return the model with Adam and a loss in nats: the rate warms up, then falls along a cosine.

    Args:
        model: from tokens to scores.
        rate: the highest learning rate, after a twentieth of the steps.
        steps: updates that are planned.
    """
    warm = max(1, steps // 20)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm), warmup_target=rate, warmup_steps=warm
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(schedule, beta_2=0.98), loss=loss)
    return model


def pieces(
    codes: np.ndarray, context: int, count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return pieces of a text to train on, and their next tokens: each token once, then again.

    Every pass cuts the text elsewhere and mixes the pieces.

    Args:
        codes: tokens of the text, shape (n,), more than `context`.
        context: tokens of a piece.
        count: pieces, at least 1.
        seed: of the cuts and of the order.

    Returns:
        (x, y): int32, both of shape (count, context).

    Raises:
        ValueError: a text that is too short, or no pieces.

    >>> x, y = pieces(np.arange(100), context=9, count=30)
    >>> x.shape, bool((y == x + 1).all())
    ((30, 9), True)
    """
    if count < 1:
        raise ValueError(f"count is the number of pieces, from 1 on; got {count}")
    random = np.random.default_rng(seed)
    codes = np.asarray(codes)
    offsets = max(1, min(context, len(codes) - context))
    parts, got = [], 0
    while got < count:
        x, y = windows(codes[random.integers(offsets) :], context, context)
        order = random.permutation(len(x))[: count - got]
        parts.append((x[order], y[order]))
        got += len(order)
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))


def train(
    model: keras.Model,
    codes: np.ndarray,
    count: int,
    rate: float,
    batch_size: int = 4,
    seed: int = 0,
) -> float:
    """Train a model on a number of tokens, each piece for one update; return the seconds.

    Args:
        model: from tokens, shape (n, context), to scores; it is compiled here.
        codes: tokens of the text, shape (n,).
        count: tokens to train on, rounded down to whole batches (one at least). More than the
            text has are read again.
        rate: the highest learning rate of Adam.
        batch_size: pieces of `context` tokens in each update.
        seed: of the pieces. The first weights belong to the model.
    """
    context = model.input_shape[1]
    steps = max(1, int(count) // (batch_size * context))
    x, y = pieces(codes, context, steps * batch_size, seed)
    compiled(model, rate, steps)
    history = fit(model, x, y, batch_size, verbose=0)
    return float(sum(history.seconds))


def losses(model: keras.Model, codes: np.ndarray) -> np.ndarray:
    """Return -log probability (in nats) of each held-out token, those without context among them.

    Args:
        model: from tokens, shape (n, context), to scores.
        codes: tokens of the held-out text, shape (n,).

    Returns:
        float64, shape (pieces, context); the mean of all is the loss.
    """
    context = model.input_shape[1]
    return transformer.place_losses(model, *windows(np.asarray(codes), context, context))


def token_text(merges: int, merge: tokens.Merge = tokens.merge_pair) -> TokenText:
    """Return the language reference of Python as tokens, which its training part chose.

    Args:
        merges: tokens beside the 256 bytes.
        merge: function of tokens, pair and new token, as `tokens.merge_pair`.
    """
    text = load_text()
    known, judge = decode(text.train), decode(text.test)
    table = tokens.train(known, merges, merge)
    return TokenText(known, judge, table, text.source)


class TokenText:
    """A text as tokens, in a part for training and a part that judges.

    Attributes:
        known, judge: the two parts, str.
        tokens: the table of tokens.
        train, test: tokens of the two parts, int32, shape (n,).
        source: which text it is, in words.
    """

    def __init__(self, known: str, judge: str, table: tokens.Tokens, source: str):
        self.known, self.judge, self.tokens, self.source = known, judge, table, source
        self.train, self.test = (np.array(table.encode(each), np.int32) for each in (known, judge))
