"""Attention and what a transformer is built of, in NumPy: heads, masks, positions, normalization.

Shapes: sequences (..., length, width), scores and masks (..., queries, keys), any axes in front.
A mask is True where a query may look. Weights have the shapes and the order of the Keras layers,
so that `HeadWeights(*layer.get_weights())` is all it takes to compare. Numbers of 32 bits stay of
32 bits: a whole trained network is run with these functions.  Lesson: 14_attention.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class HeadWeights(NamedTuple):
    """Weights of multi-head attention, as `keras.layers.MultiHeadAttention.get_weights()`.

    Attributes:
        query_kernel, key_kernel, value_kernel: shape (width, heads, width of a head).
        query_bias, key_bias, value_bias: shape (heads, width of a head).
        output_kernel: shape (heads, width of a head, width).
        output_bias: shape (width,).
    """

    query_kernel: np.ndarray
    query_bias: np.ndarray
    key_kernel: np.ndarray
    key_bias: np.ndarray
    value_kernel: np.ndarray
    value_bias: np.ndarray
    output_kernel: np.ndarray
    output_bias: np.ndarray


# --- softmax ------------------------------------------------------------------------------------


def softmax_at(logits: ArrayLike, temperature: float = 1.0) -> np.ndarray:
    """Return softmax(logits / temperature) along the last axis: probabilities to sample from.

    Below 1 the likely gets likelier, above 1 all move together; at 0 the largest logit gets
    everything (the first of them, if several are largest).

    Args:
        logits: real numbers, shape (..., choices).
        temperature: from 0 up; 1 leaves the probabilities as they are.

    Raises:
        ValueError: a temperature below 0, or not a number.

    >>> softmax_at([0.0, 1.0], temperature=0).tolist()
    [0.0, 1.0]
    >>> softmax_at([0.0, 1.0], temperature=0.5).round(3).tolist()
    [0.119, 0.881]
    """
    logits = _floats("logits", logits)
    if not temperature >= 0:
        raise ValueError(f"temperature is a number from 0 up; got {temperature!r}")
    if temperature == 0:
        return np.eye(logits.shape[-1], dtype=logits.dtype)[logits.argmax(axis=-1)]
    shifted = logits - logits.max(axis=-1, keepdims=True)  # at most 0: no exponential overflows
    with np.errstate(over="ignore"):  # -5 / 1e-308 is -inf, and exp of that is the right 0
        parts = np.exp(shifted / temperature)
    return parts / parts.sum(axis=-1, keepdims=True)


def restricted(p: ArrayLike, top_k: int = 0, top_p: float = 1.0) -> np.ndarray:
    """Return probabilities of the likeliest choices alone, which add up to 1 again.

    Args:
        p: probabilities, shape (choices,).
        top_k: choices that are kept, of equals the first ones; 0 for all.
        top_p: of these, as few of the likeliest are kept as hold this share, in (0, 1].

    Raises:
        ValueError: a number that is not allowed.

    Source: top-k: Fan, Lewis and Dauphin, Hierarchical neural story generation (2018); top-p:
    Holtzman and others, The curious case of neural text degeneration (2020).

    >>> restricted([0.5, 0.3, 0.2], top_k=2).round(3).tolist()
    [0.625, 0.375, 0.0]
    >>> restricted([0.5, 0.25, 0.25], top_p=0.6).round(3).tolist()
    [0.667, 0.333, 0.0]
    """
    p = _floats("p", p)
    if top_k != int(top_k) or top_k < 0 or not 0 < top_p <= 1:
        raise ValueError(
            f"top_k is a whole number from 0 on, and top_p lies in (0, 1]; got {top_k}, {top_p}"
        )
    if not top_k and top_p == 1:
        return p
    order = np.argsort(-p, kind="stable")[: int(top_k) or None]
    before = np.cumsum(p[order]) - p[order]
    kept = np.zeros_like(p)
    order = order[before / p[order].sum() < top_p]
    kept[order] = p[order]
    return kept / kept.sum()


def masked_softmax(scores: ArrayLike, mask: ArrayLike | None = None) -> np.ndarray:
    """Return softmax along the last axis over the places that the mask allows; 0 elsewhere.

    A row in which nothing is allowed is 0 everywhere, as in Keras.

    Args:
        scores: real numbers, shape (..., queries, keys).
        mask: True where a query may look; any shape that stretches to that of the scores.

    >>> masked_softmax([[1.0, 1.0, 5.0]], [[True, True, False]]).tolist()
    [[0.5, 0.5, 0.0]]
    """
    scores = _floats("scores", scores)
    if mask is None:
        return softmax_at(scores)
    allowed = np.broadcast_to(np.asarray(mask, bool), scores.shape)
    least = np.finfo(scores.dtype).min
    shifted = np.where(allowed, scores, least)
    parts = np.exp(shifted - shifted.max(axis=-1, keepdims=True)) * allowed
    total = parts.sum(axis=-1, keepdims=True)
    return parts / np.where(total == 0, 1, total)


# --- masks --------------------------------------------------------------------------------------


def causal_mask(length: int) -> np.ndarray:
    """Return the mask of GPT: place i may look at places 0 to i, shape (length, length).

    >>> causal_mask(3).astype(int).tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    return np.tri(length, dtype=bool)


def padding_mask(lengths: ArrayLike, size: int) -> np.ndarray:
    """Return the mask that hides the filling after short sequences, shape (n, 1, size).

    Args:
        lengths: how many places of each sequence are real, shape (n,).
        size: places of all sequences with their filling.

    Raises:
        ValueError: a length outside 0 to size.

    >>> padding_mask([1, 3], size=3).astype(int).tolist()
    [[[1, 0, 0]], [[1, 1, 1]]]
    """
    lengths = np.asarray(lengths)
    if lengths.ndim != 1 or lengths.min() < 0 or lengths.max() > size:
        raise ValueError(f"lengths are whole numbers from 0 to size={size}; got {lengths.tolist()}")
    return np.arange(size) < lengths[:, None, None]


# --- attention ----------------------------------------------------------------------------------


def attention(
    query: ArrayLike, key: ArrayLike, value: ArrayLike, mask: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return scaled dot-product attention, softmax(Q K^T / sqrt(d)) V, and its weights.

    Args:
        query: shape (..., queries, d).
        key: shape (..., keys, d).
        value: shape (..., keys, width).
        mask: True where a query may look, stretching to (..., queries, keys); None for all.

    Returns:
        (output, weights): shapes (..., queries, width) and (..., queries, keys).

    Raises:
        ValueError: query and key differ in d, or key and value in their number.

    Source: Vaswani and others, Attention Is All You Need (2017).

    >>> output, weights = attention([[0.0]], [[1.0], [2.0]], [[10.0], [30.0]])
    >>> output.tolist(), weights.tolist()
    ([[20.0]], [[0.5, 0.5]])
    """
    query, key, value = _attention_arguments(query, key, value)
    weights = masked_softmax(query @ _turned(key) / _root(query), mask)
    return weights @ value, weights


# --- many heads ---------------------------------------------------------------------------------


def multi_head_attention(
    query: ArrayLike, value: ArrayLike, weights: HeadWeights, mask: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the Keras layer MultiHeadAttention computes, and the weights of every head.

    Each head projects queries, keys and values to its own small width and attends; the outputs
    of all heads are projected back and added. Keys and values are made from `value`.

    Args:
        query: shape (..., queries, width); the same array as `value` in self-attention.
        value: shape (..., keys, width).
        weights: as `HeadWeights(*layer.get_weights())`.
        mask: True where a query may look, shape (..., queries, keys), the same for all heads.

    Returns:
        (output, attention weights): (..., queries, width) and (..., heads, queries, keys).

    Raises:
        ValueError: a width that does not fit the weights.

    Source: Vaswani and others, Attention Is All You Need (2017).

    >>> one = HeadWeights(*[np.ones((1, 1, 1)), np.zeros((1, 1))] * 3, np.ones((1, 1, 1)), [0.0])
    >>> multi_head_attention([[0.0]], [[1.0], [3.0]], one)[0].tolist()
    [[2.0]]
    """
    query, value = _sequence("query", query, weights), _sequence("value", value, weights)
    q, k, v = _project(query, value, weights)
    output, attended = attention(q, k, v, _for_heads(mask))
    return merge_heads(output, weights), attended


def split_heads(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return a sequence projected for every head: (..., length, width) to (..., heads, length, d).

    >>> split_heads(np.ones((5, 8)), np.ones((8, 2, 4)), np.zeros((2, 4))).shape
    (2, 5, 4)
    """
    width, heads, d = np.shape(kernel)
    flat = x @ np.reshape(kernel, (width, heads * d)) + np.reshape(bias, heads * d)
    return np.moveaxis(flat.reshape(*x.shape[:-1], heads, d), -2, -3)


def merge_heads(heads: np.ndarray, weights: HeadWeights) -> np.ndarray:
    """Return the outputs of all heads side by side, projected back: (..., length, width).

    Args:
        heads: shape (..., heads, length, d).
        weights: of which output_kernel and output_bias are used.

    >>> one = HeadWeights(*[np.ones((1, 1, 1)), np.zeros((1, 1))] * 3, np.ones((1, 1, 1)), [0.5])
    >>> merge_heads(np.ones((1, 2, 1)), one).tolist()
    [[1.5], [1.5]]
    """
    count, d, width = np.shape(weights.output_kernel)
    side_by_side = np.moveaxis(heads, -3, -2)
    flat = side_by_side.reshape(*side_by_side.shape[:-2], count * d)
    return flat @ np.reshape(weights.output_kernel, (count * d, width)) + weights.output_bias


# --- layer normalization ------------------------------------------------------------------------


def layer_normalization(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, epsilon: float = 1e-3
) -> np.ndarray:
    """Return gamma * (x - mean) / sqrt(variance + epsilon) + beta, each place by itself.

    Mean and variance go over the last axis: over the numbers of one place, never over a batch.

    Args:
        x: shape (..., width).
        gamma: scale of each number, shape (width,).
        beta: shift of each number, shape (width,).
        epsilon: keeps the division from 0; 1e-3 is the default of the Keras layer.

    Raises:
        ValueError: gamma or beta has another width than x.

    Source: Ba, Kiros and Hinton, Layer Normalization (2016).

    >>> layer_normalization([[1.0, 3.0]], [1.0, 1.0], [0.0, 10.0], epsilon=0).tolist()
    [[-1.0, 11.0]]
    """
    x = _floats("x", x)
    gamma, beta = (_row(name, row, x) for name, row in (("gamma", gamma), ("beta", beta)))
    centered = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + epsilon)
    return gamma * (centered / deviation) + beta


# --- positions ----------------------------------------------------------------------------------


def sinusoidal_positions(length: int, width: int) -> np.ndarray:
    """Return the fixed position encodings of the first transformer, shape (length, width).

    Column 2 i holds sin(t / 10000^(2 i / width)) and column 2 i + 1 the cosine: clock hands that
    turn from fast to slow, so that a shift by k places is the same rotation everywhere.

    Args:
        length: number of places t.
        width: numbers a place; even, since they come in pairs.

    Raises:
        ValueError: an odd width.

    Source: Vaswani and others, Attention Is All You Need (2017), section 3.5.

    >>> sinusoidal_positions(2, 4).round(2).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.84, 0.54, 0.01, 1.0]]
    """
    if width % 2:
        raise ValueError(f"width must be even, a sine and a cosine for each speed; got {width}")
    speed = 10000.0 ** (-np.arange(0, width, 2) / width)
    angle = np.arange(length)[:, None] * speed  # (length, width / 2)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(length, width)


# --- parameters ---------------------------------------------------------------------------------


def block_parameters(width: int, feedforward: int | None = None) -> int:
    """Return the parameters of one transformer block.

    Four projections of attention, two dense layers of the feed-forward part, all with biases,
    and two layer normalizations: 12 width^2 + 13 width with the usual feedforward = 4 width.

    Args:
        width: numbers a place (d_model).
        feedforward: units of the hidden layer; None for 4 * width.

    >>> block_parameters(768)
    7087872
    """
    feedforward = 4 * width if feedforward is None else feedforward
    projections = 4 * (width * width + width)
    dense = width * feedforward + feedforward + feedforward * width + width
    return projections + dense + 2 * (2 * width)


def gpt_parameters(
    layers: int, width: int, vocabulary: int, context: int, tied: bool = True
) -> int:
    """Return the parameters of a decoder of the GPT kind.

    Token table, table of learned positions, blocks, a last layer normalization, and the map
    from the last vector to one score for each token.

    Args:
        layers: number of blocks.
        width: numbers a place (d_model).
        vocabulary: number of different tokens.
        context: number of places.
        tied: True if the scores are made with the token table itself, as GPT-2 and GPT-3 do;
            False for an own dense layer with biases.

    Source: configuration of GPT-2 (Radford and others, 2019) and of GPT-3 (Brown and others, 2020).

    >>> gpt_parameters(layers=12, width=768, vocabulary=50257, context=1024)
    124439808
    """
    scores = 0 if tied else width * vocabulary + vocabulary
    tables = (vocabulary + context) * width
    return tables + layers * block_parameters(width) + 2 * width + scores


def bert_parameters(layers: int, width: int, vocabulary: int = 30522, context: int = 512) -> int:
    """Return the parameters of an encoder of the BERT kind, with its pooler and without heads.

    As GPT, with two rows for the two kinds of segment, a layer normalization after the tables
    in place of the last one, and a dense layer (the pooler) on the first place.

    Source: configuration of BERT (Devlin and others, 2018).

    >>> bert_parameters(layers=12, width=768)
    109482240
    """
    tables = (vocabulary + context + 2) * width + 2 * width
    return tables + layers * block_parameters(width) + width * width + width


def published_parameters() -> dict[str, float]:
    """Return the parameters of known networks in billions, from their published settings.

    >>> {name: round(billions, 2) for name, billions in published_parameters().items()}
    {'BERT-base': 0.11, 'BERT-large': 0.34, 'GPT-2': 0.12, 'GPT-2 XL': 1.56, 'GPT-3': 174.6}
    """
    counts = {
        "BERT-base": bert_parameters(12, 768),
        "BERT-large": bert_parameters(24, 1024),
        "GPT-2": gpt_parameters(12, 768, 50257, 1024),
        "GPT-2 XL": gpt_parameters(48, 1600, 50257, 1024),
        "GPT-3": gpt_parameters(96, 12288, 50257, 2048),
    }
    return {name: count / 1e9 for name, count in counts.items()}


# --- inside -------------------------------------------------------------------------------------


def _floats(name: str, value: ArrayLike) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be made of real numbers of equal row lengths; got {value!r}")
    return array if array.dtype.kind == "f" else array.astype(float)


def _turned(x: np.ndarray) -> np.ndarray:
    return np.swapaxes(x, -1, -2)


def _root(query: np.ndarray) -> np.floating:
    return np.sqrt(query.dtype.type(query.shape[-1]))  # keeps 32-bit numbers at 32 bits


def _attention_arguments(query: ArrayLike, key: ArrayLike, value: ArrayLike) -> tuple:
    query, key = _floats("query", query), _floats("key", key)
    value = _floats("value", value)
    for name, array in (("query", query), ("key", key), ("value", value)):
        if array.ndim < 2:
            raise ValueError(f"{name} has shape {array.shape}; it needs (..., length, width)")
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"a query is compared with a key number by number, so both have the same width; "
            f"got query {query.shape} and key {key.shape}"
        )
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"each key belongs to one value; got {key.shape[-2]} keys (shape {key.shape}) and "
            f"{value.shape[-2]} values (shape {value.shape})"
        )
    return query, key, value


def _sequence(name: str, x: ArrayLike, weights: HeadWeights) -> np.ndarray:
    x = _floats(name, x)
    width = np.shape(weights.query_kernel)[0]
    if x.ndim < 2 or x.shape[-1] != width:
        raise ValueError(
            f"{name} has shape {x.shape}; these weights take sequences (..., length, {width})"
        )
    return x


def _project(query: np.ndarray, value: np.ndarray, weights: HeadWeights) -> tuple:
    return (
        split_heads(query, weights.query_kernel, weights.query_bias),
        split_heads(value, weights.key_kernel, weights.key_bias),
        split_heads(value, weights.value_kernel, weights.value_bias),
    )


def _for_heads(mask: ArrayLike | None) -> np.ndarray | None:
    """Return the mask with an axis for the heads, so that each of them gets the same."""
    return None if mask is None else np.expand_dims(np.asarray(mask, bool), -3)


def _row(name: str, row: ArrayLike, x: np.ndarray) -> np.ndarray:
    row = _floats(name, row)
    if row.shape != x.shape[-1:]:
        raise ValueError(f"{name} has shape {row.shape}; x of shape {x.shape} needs {x.shape[-1:]}")
    return row
