"""Exercises of lesson 14: attention in four lines, the causal mask, heads, the block.

Each name is an Exercise: `attention.use(my_attention)`.  Lesson: 14_attention.
"""

from __future__ import annotations

from dataclasses import replace

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


def _split(x, heads):
    return x.reshape(len(x), heads, -1).swapaxes(0, 1)


def _numbered(places, width):
    """Return rows whose numbers tell where they stand: 3.02 is place 3, number 2."""
    return np.arange(places)[:, None] + np.arange(width) / 100


split = Exercise(
    name="split",
    lesson="14",
    right=_split,
    # First as many heads as places: whoever mixes up two of them gets an array of the right shape.
    cases=[(_numbered(2, 4), 2), (_numbered(5, 6), 2), (_numbered(4, 12), 4)],
    then=[(_numbered(3, 8), 1)],
    mistakes={
        "cut across the places": (
            lambda x, heads: x.reshape(heads, len(x), -1),
            "The shape is right, the numbers are not: the first head holds whole places, cut in "
            "pieces. Each head must get a part of *every* place.",
        ),
        "places before heads": (
            lambda x, heads: x.reshape(len(x), heads, -1),
            "Heads come first, then places: exchange the first two axes.",
        ),
        "every head-th number": (
            lambda x, heads: np.stack([x[:, h::heads] for h in range(heads)]),
            "Each head gets numbers from all over the place. It shall get neighbors: the first "
            "head the first numbers.",
        ),
        "places last": (
            lambda x, heads: x.reshape(len(x), heads, -1).transpose(1, 2, 0),
            "The last two axes are exchanged: a row of each head is one place.",
        ),
        "places split": (
            lambda x, heads: np.stack(np.array_split(x, heads)[:1] * heads),
            "You split the places. Every head sees all places; what is split is their numbers.",
        ),
        "heads in reverse": (
            lambda x, heads: _split(x, heads)[::-1],
            "The heads are in reverse order: the first numbers belong to the first head.",
        ),
        "all heads alike": (
            lambda x, heads: np.stack([x[:, : x.shape[1] // heads]] * heads),
            "Every head got the same numbers, the first ones.",
        ),
    },
    hint="A place has width = heads * d numbers that lie in a row: first cut each row into heads, "
    "then bring the heads to the front.",
)


class _Part:
    """A part of a block that can be told from the others: it mixes, bends and shifts."""

    def __init__(self, name: str, seed: int, width: int):
        self.name, random = name, np.random.default_rng(seed)
        self.W, self.b = random.normal(0, 0.7, (width, width)), random.normal(0, 1, width)

    def __call__(self, x):
        return np.tanh(np.asarray(x) @ self.W + self.b)

    def __repr__(self):
        return self.name


def _block_case(seed, places, width):
    x = np.random.default_rng(seed).normal(0, 1, (places, width)).round(1)
    names = ("norm_1", "attend", "norm_2", "feed")
    return (x, *(_Part(name, 10 * seed + k, width) for k, name in enumerate(names)))


def _block(x, norm_1, attend, norm_2, feed):
    x = x + attend(norm_1(x))
    return x + feed(norm_2(x))


class _InKeras(Exercise):
    """An exercise about a function of arrays that must run on Keras' symbols as well."""

    def _compared(self, answer, trial):
        found = super()._compared(answer, trial)
        if found.kind != "right":
            return found
        where = (
            "It is right for arrays, but a network is built of Keras' symbols, which hold no "
            "numbers yet; NumPy's functions fail on them, and + works on both. There"
        )
        from labkit.networks.backend import keras  # loaded before the time limit begins

        def judge(block) -> tuple[bool, str]:
            same = lambda x: 1.0 * x
            out = block(keras.Input((3, 2)), same, same, same, same)
            fits = out.shape == (None, 3, 2)
            return fits, "" if fits else "On Keras' symbols its result has another shape."

        # Not wrapped: one that changes its arguments changes no symbol.
        unwrapped = replace(found, usable=None)
        return self._by_goal(unwrapped, answer, judge, (where, "NumPy alone"), seconds=60)


block = _InKeras(
    name="block",
    lesson="14",
    right=_block,
    cases=[_block_case(1, 3, 2), _block_case(2, 2, 4)],
    mistakes={
        "post-norm": (
            lambda x, n1, attend, n2, feed: (lambda y: n2(y + feed(y)))(n1(x + attend(x))),
            "You normalize after adding: that is *post-norm*, as the transformer of 2017 had it. "
            "It trains, but needs a slow warm-up. Here the norm stands before each part.",
        ),
        "no way around": (
            lambda x, n1, attend, n2, feed: feed(n2(attend(n1(x)))),
            "What comes in is lost: each part must *add* to it.",
        ),
        "no way around attention": (
            lambda x, n1, attend, n2, feed: (lambda y: y + feed(n2(y)))(attend(n1(x))),
            "The first half loses what came in: attention must add to x.",
        ),
        "no way around the feed-forward part": (
            lambda x, n1, attend, n2, feed: feed(n2(x + attend(n1(x)))),
            "The second half loses what came in: the feed-forward part must add to it.",
        ),
        "both halves from x": (
            lambda x, n1, attend, n2, feed: x + attend(n1(x)) + feed(n2(x)),
            "The feed-forward part works on the x from before attention (a parallel block, as "
            "GPT-J has it). Here it works on what attention has added to.",
        ),
        "attention is forgotten": (
            lambda x, n1, attend, n2, feed: x + feed(n2(x + attend(n1(x)))),
            "The second half adds to the first x, so what attention found is lost on the way.",
        ),
        "no norms": (
            lambda x, n1, attend, n2, feed: (lambda y: y + feed(y))(x + attend(x)),
            "The two norms are left out: each part works on normalized numbers.",
        ),
        "adds what was normalized": (
            lambda x, n1, attend, n2, feed: (lambda y: n2(y) + feed(n2(y)))(n1(x) + attend(n1(x))),
            "You add to norm(x). The straight way carries x itself, untouched.",
        ),
        "norms exchanged": (
            lambda x, n1, attend, n2, feed: _block(x, n2, attend, n1, feed),
            "norm_1 belongs to attention, norm_2 to the feed-forward part: each learns its own "
            "scale and shift.",
        ),
        "parts exchanged": (
            lambda x, n1, attend, n2, feed: _block(x, n1, feed, n2, attend),
            "The feed-forward part came first. The places look at each other first, then each "
            "works on its own.",
        ),
        "only the first half": (
            lambda x, n1, attend, n2, feed: x + attend(n1(x)),
            "That is the first half. The feed-forward part is missing.",
        ),
        "only the second half": (
            lambda x, n1, attend, n2, feed: x + feed(n2(x)),
            "That is the second half. Attention is missing.",
        ),
    },
    hint="Two halves of the same form: what came in, plus a part of what came in, normalized.",
)
