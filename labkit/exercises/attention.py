"""Exercises of lesson 14: attention in four lines, the causal mask, the parameters of a block.

Each name is an Exercise: `attention.check(my_attention)`.  Lesson: 14_attention.
"""

from __future__ import annotations

import numpy as np

from labkit.learn.checks import Exercise
from labkit.maths import attention as maths


def _scores(Q, K):
    return Q @ K.T / np.sqrt(K.shape[1])


def _softmax(scores, axis=-1):
    parts = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return parts / parts.sum(axis=axis, keepdims=True)


def _sequences(seed, queries, keys, d, width):
    random = np.random.default_rng(seed)
    shapes = ((queries, d), (keys, d), (keys, width))
    return tuple(random.normal(0, 1.5, shape).round(1) for shape in shapes)


def _sum_without_keepdims(Q, K, V):
    parts = np.exp(_scores(Q, K))
    return parts / parts.sum(axis=1) @ V


attention = Exercise(
    name="attention",
    lesson="14",
    right=lambda Q, K, V: maths.attention(Q, K, V)[0],
    # As many queries as keys: whoever mixes up two of them gets an array of the right shape, so
    # that the mistake is told by its numbers. Last, four sizes that all differ.
    cases=[_sequences(2, 2, 2, 2, 2), _sequences(1, 5, 5, 3, 3), _sequences(3, 3, 3, 2, 4)],
    then=[_sequences(4, 2, 3, 4, 5)],
    mistakes={
        "not scaled": (
            lambda Q, K, V: _softmax(Q @ K.T) @ V,
            "The scores are not divided by the square root of d, the width of a key.",
        ),
        "divided by d": (
            lambda Q, K, V: _softmax(Q @ K.T / K.shape[1]) @ V,
            "You divided by d. The variance of a score is d; what is its typical size?",
        ),
        "scaled by the number of keys": (
            lambda Q, K, V: _softmax(Q @ K.T / np.sqrt(len(K))) @ V,
            "You took the root of the number of keys. d is the width of one key.",
        ),
        "scaled by the width of a value": (
            lambda Q, K, V: _softmax(Q @ K.T / np.sqrt(V.shape[1])) @ V,
            "You took the root of the width of a value. The scores are products of queries and "
            "keys, so d is the width of a key.",
        ),
        "sum without keepdims": (
            _sum_without_keepdims,
            "You divided column by column: a sum of shape (queries,) lies down as a row. It must "
            "stay a column, so that each row is divided by its own sum.",
        ),
        "multiplied by the root": (
            lambda Q, K, V: _softmax(Q @ K.T * np.sqrt(K.shape[1])) @ V,
            "You made the scores larger by the root of d. Large scores saturate the softmax.",
        ),
        "softmax over the queries": (
            lambda Q, K, V: _softmax(_scores(Q, K), axis=0) @ V,
            "Your softmax runs down the columns. Each row is one query; its weights sum to 1.",
        ),
        "one softmax for all": (
            lambda Q, K, V: _softmax(_scores(Q, K).ravel()).reshape(len(Q), len(K)) @ V,
            "All weights together sum to 1. Each query has weights of its own.",
        ),
        "no softmax": (
            lambda Q, K, V: _scores(Q, K) @ V,
            "The scores went straight to the values. Softmax makes weights of them first.",
        ),
        "keys and queries exchanged": (
            lambda Q, K, V: _softmax(_scores(K, Q)) @ V,
            "Q and K are exchanged: the rows of the scores belong to queries.",
        ),
        "keys in place of values": (
            lambda Q, K, V: _softmax(_scores(Q, K)) @ K,
            "You mixed the keys. Keys are what is compared; the values are what is mixed.",
        ),
        "the weights only": (
            lambda Q, K, V: _softmax(_scores(Q, K)),
            "Those are the weights. What is to be weighed with them?",
        ),
    },
    hint="Four lines: how well does each query fit each key, in which size; weights that sum to 1 "
    "for each query; a mixture of the values.",
)


def _added(mask, length):
    """Return a mask of numbers to add with -inf for any very large negative number."""
    numbers = np.asarray(mask, dtype=float)
    return np.where(numbers < -100, -np.inf, numbers) if (numbers < -100).any() else mask


causal_mask = Exercise(
    name="causal_mask",
    lesson="14",
    right=lambda length: maths.causal_mask(length),
    read=_added,
    cases=[(4,), (1,), (6,)],
    mistakes={
        "looks into the future": (
            lambda length: np.triu(np.ones((length, length))),
            "Your row i allows the places after i: those are what the network shall predict. "
            "Rows are queries, columns are keys.",
        ),
        "must not see itself": (
            lambda length: np.tri(length, k=-1),
            "The diagonal is missing. A place may look at itself; the target is the *next* "
            "character. And the first place would have nothing to look at.",
        ),
        "one place too far": (
            lambda length: np.tri(length, k=1),
            "Row i allows place i + 1, the very character that is to be predicted.",
        ),
        "only itself": (
            lambda length: np.eye(length),
            "Each place sees itself alone. It may see all places before it as well.",
        ),
        "everything allowed": (
            lambda length: np.ones((length, length)),
            "Nothing is hidden: that is the mask of an encoder such as BERT.",
        ),
        "exactly the wrong way round": (
            lambda length: 1 - np.tri(length),
            "True and False are exchanged: here True means that a query may look.",
        ),
        "numbers to add": (
            lambda length: np.where(np.tri(length) > 0, 0.0, -np.inf),
            "That is the mask as numbers to add to the scores. Return True where looking is "
            "allowed, False elsewhere.",
        ),
    },
    hint="Row i is a query, column j a key: which places j may place i see?",
)

block_parameters = Exercise(
    name="block_parameters",
    lesson="14",
    right=lambda width: maths.block_parameters(width),
    cases=[(64,), (768,), (96,)],
    mistakes={
        "biases left out": (
            lambda d: 12 * d * d + 4 * d,
            "All the matrices are there, but the layers have biases too, one for each number that "
            "comes out.",
        ),
        "layer normalization left out": (
            lambda d: 12 * d * d + 9 * d,
            "Two layer normalizations are missing; each has a scale and a shift of d numbers.",
        ),
        "layer normalization counted once": (
            lambda d: 12 * d * d + 11 * d,
            "A block has two layer normalizations, one before each half.",
        ),
        "matrices only": (
            lambda d: 12 * d * d,
            "Those are all the matrices. Add the biases and the two layer normalizations.",
        ),
        "output projection left out": (
            lambda d: 11 * d * d + 12 * d,
            "Attention has four projections: queries, keys, values, and the way back.",
        ),
        "only the way up": (
            lambda d: 8 * d * d + 12 * d,
            "The feed-forward part goes up to 4 d and back to d: two matrices.",
        ),
        "feed-forward not wider": (
            lambda d: 6 * d * d + 10 * d,
            "The hidden layer of the feed-forward part has 4 d units, not d.",
        ),
        "times the number of heads": (
            lambda d: 4 * (4 * d * d + 4 * d) + 8 * d * d + 9 * d,
            "The heads share the width: together they have one matrix of d by d for each "
            "projection, however many they are.",
        ),
    },
    hint="Go through the block: four projections in attention, two layers in the feed-forward "
    "part, two normalizations. Count the weights and the biases of each.",
)
