"""Exercises of lesson 16: merge a pair of tokens, fit an exponent, a LoRA layer.

Each name is an Exercise: `merge.use(my_merge)`.  Lesson: 16_language_models.
"""

from __future__ import annotations

import numpy as np

from labkit.learn.checks import Exercise
from labkit.networks.tokens import merge_pair

# --- merging: my_merge(tokens, pair, new) -> list of tokens -------------------------------------


def _is_pair(tokens, i, pair):
    return tuple(tokens[i : i + 2]) == tuple(pair)


def _only_the_first(tokens, pair, new):
    for i in range(len(tokens)):
        if _is_pair(tokens, i, pair):
            return [*tokens[:i], new, *tokens[i + 2 :]]
    return list(tokens)


def _second_stays(tokens, pair, new):
    return [new if _is_pair(tokens, i, pair) else token for i, token in enumerate(tokens)]


def _pair_stays(tokens, pair, new):
    out = []
    for i, token in enumerate(tokens):
        out.append(token)
        if i and _is_pair(tokens, i - 1, pair):
            out.append(new)
    return out


def _overlapping(tokens, pair, new):
    """Each place where the pair begins becomes `new`; only a second half that begins none goes."""
    begins = [_is_pair(tokens, i, pair) for i in range(len(tokens))]
    out = []
    for i, token in enumerate(tokens):
        if begins[i]:
            out.append(new)
        elif not (i and begins[i - 1]):
            out.append(token)
    return out


def _last_lost(tokens, pair, new):
    out, i = [], 0
    while i < len(tokens) - 1:
        both = _is_pair(tokens, i, pair)
        out.append(new if both else tokens[i])
        i += 2 if both else 1
    return out


def _neighbor_skipped(tokens, pair, new):
    """After a merge one token too many is passed over."""
    out, i = [], 0
    while i < len(tokens):
        both = _is_pair(tokens, i, pair)
        out.append(new if both else tokens[i])
        i += 3 if both else 1
    return out


def _from_the_right(tokens, pair, new):
    return merge_pair(tokens[::-1], tuple(pair)[::-1], new)[::-1]


merge = Exercise(
    name="merge",
    lesson="16",
    right=merge_pair,
    # tokens, pair, new: two places; three and five in a row; the halves turned around; none; a
    # first half at the very end
    cases=[
        ([1, 2, 3, 1, 2], (1, 2), 9),
        ([4, 1, 1, 1, 2, 1, 1], (1, 1), 7),
        ([5, 5, 5, 5, 5], (5, 5), 8),
        ([2, 1, 2, 3, 1], (1, 2), 9),
        ([4, 3, 2], (2, 3), 6),
        ([7, 8], (7, 8), 9),
    ],
    mistakes={
        "only the first place": (
            _only_the_first,
            "You merged the pair at one place. It may stand at many: go on to the end.",
        ),
        "second half stays": (
            _second_stays,
            "The new token stands in the place of the first half; the second half stands there "
            "still. Both halves go: pass over the second one.",
        ),
        "the pair stays": (
            _pair_stays,
            "You put the new token behind the pair. It takes the place of both halves.",
        ),
        "tokens used twice": (
            _overlapping,
            "Three equal tokens in a row, and two merges: the middle one was used twice. A token "
            "belongs to one pair at most.",
        ),
        "from right to left": (
            _from_the_right,
            "With three equal tokens in a row you merged the last two. Begin at the left, so that "
            "everybody gets the same tokens.",
        ),
        "last token lost": (
            _last_lost,
            "The last token is lost where it belongs to no pair: your loop ends one token early.",
        ),
        "a token too many passed over": (
            _neighbor_skipped,
            "Behind a pair you pass over one token too many.",
        ),
        "nothing merged": (
            lambda tokens, pair, new: list(tokens),
            "The tokens came back as they were: no pair was found. A slice of a list is a list, "
            "and `pair` is a tuple; `==` of the two is never true. Make both the same kind first.",
        ),
        "only pairs looked at": (
            lambda tokens, pair, new: _second_stays(tokens, pair, new)[:-1],
            "You go from neighbors to neighbors: the second half of a pair stands there still, and "
            "the last token of all begins no pair, so it is lost. Walk with a place of your own.",
        ),
        "added at the end": (
            lambda tokens, pair, new: [*tokens, new],
            "You added the new token at the end. It takes the place of the pair, wherever it "
            "stands.",
        ),
        "halves exchanged": (
            lambda tokens, pair, new: merge_pair(tokens, tuple(pair)[::-1], new),
            "You merged the pair in the other order. Left and right must not be exchanged.",
        ),
        "in either order": (
            lambda tokens, pair, new: merge_pair(
                merge_pair(tokens, pair, new), tuple(pair)[::-1], new
            ),
            "You merged the pair in the other order, too. Left and right must not be exchanged.",
        ),
        "each half by itself": (
            lambda tokens, pair, new: [new if token in pair else token for token in tokens],
            "You replaced every token that is one half of the pair. Both must stand side by side.",
        ),
        "the first half by itself": (
            lambda tokens, pair, new: [new if token == pair[0] else token for token in tokens],
            "You replaced every first half, whatever stands behind it.",
        ),
        "the pair taken out": (
            lambda tokens, pair, new: [t for t in merge_pair(tokens, pair, new) if t != new],
            "The pair is gone, and nothing stands in its place.",
        ),
        "merges counted": (
            lambda tokens, pair, new: merge_pair(tokens, pair, new).count(new),
            "This is the number of merges. Return the tokens themselves.",
        ),
        "words for numbers": (
            lambda tokens, pair, new: [str(token) for token in merge_pair(tokens, pair, new)],
            "The merges are right, but your tokens are text now. Tokens are whole numbers: compare "
            "and keep them as they are.",
        ),
        "one long text": (
            lambda tokens, pair, new: " ".join(map(str, merge_pair(tokens, pair, new))),
            "You made one text of all tokens. It cannot tell 1 and 2 from 12: work on the list.",
        ),
    },
    hint="Walk from the left with a place i that you move yourself: two tokens on where the pair "
    "stands, and one otherwise.",
)

# --- the exponent: my_exponent(sizes, losses) -> a of L = A N**-a ------------------------------


def _line(x, y):
    """Return slope and height of the nearest line."""
    deviation = x - np.mean(x)
    slope = deviation @ y / (deviation @ deviation)
    return np.array([slope, np.mean(y) - slope * np.mean(x)])


def _slope(x, y):
    return _line(x, y)[0]


def _endpoints(sizes, losses):
    return -np.log(losses[-1] / losses[0]) / np.log(sizes[-1] / sizes[0])


def _neighbors(sizes, losses):
    return -np.mean(np.diff(np.log(losses)) / np.diff(np.log(sizes)))


def _through_the_origin(sizes, losses):
    x, y = np.log(sizes), np.log(losses)
    return -np.sum(x * y) / np.sum(x * x)


exponent = Exercise(
    name="exponent",
    lesson="16",
    right=lambda sizes, losses: -_slope(np.log(sizes), np.log(losses)),
    # sizes, losses: near a power law, not on it, and at no even distances
    cases=[
        (np.array([1e3, 4e3, 1e5]), np.array([5.0, 4.0, 2.5])),
        (np.array([500.0, 2e3, 6e3, 5e4]), np.array([5.1, 4.6, 3.9, 3.4])),
        (np.array([10.0, 20.0, 90.0, 100.0, 800.0]), np.array([0.9, 0.7, 0.33, 0.36, 0.12])),
    ],
    mistakes={
        "negative": (
            lambda sizes, losses: _slope(np.log(sizes), np.log(losses)),
            "This is the slope of the line, which falls. The law has a minus of its own: its a is "
            "positive.",
        ),
        "no logarithm": (
            lambda sizes, losses: -_slope(sizes, losses),
            "You fitted a line to the numbers as they are. A power law is straight only where both "
            "axes are logarithmic.",
        ),
        "no logarithm, negative": (
            lambda sizes, losses: _slope(sizes, losses),
            "You fitted a line to the numbers as they are. A power law is straight only where both "
            "axes are logarithmic.",
        ),
        "logarithm of the losses alone": (
            lambda sizes, losses: -_slope(sizes, np.log(losses)),
            "You took the logarithm of the losses alone: that is straight for an exponential. A "
            "power law needs it on both axes.",
        ),
        "logarithm of the sizes alone": (
            lambda sizes, losses: -_slope(np.log(sizes), losses),
            "You took the logarithm of the sizes alone. A power law needs it on both axes.",
        ),
        "logarithm of the sizes alone, to 10": (
            lambda sizes, losses: -_slope(np.log10(sizes), losses),
            "You took the logarithm of the sizes alone. A power law needs it on both axes.",
        ),
        "two bases": (
            lambda sizes, losses: -_slope(np.log10(sizes), np.log(losses)),
            "Your logarithms have two bases, 10 for the sizes and e for the losses. Any base will "
            "do, but the same for both.",
        ),
        "two bases, turned around": (
            lambda sizes, losses: -_slope(np.log(sizes), np.log10(losses)),
            "Your logarithms have two bases, e for the sizes and 10 for the losses. Any base will "
            "do, but the same for both.",
        ),
        "the two ends alone": (
            _endpoints,
            "You drew the line through the first and the last point. The others count as well: "
            "one unlucky run at an end would decide it all. Take the line nearest to all points.",
        ),
        "mean of the pieces": (
            _neighbors,
            "You took the mean of the slopes between neighbors. Points that stand close to each "
            "other then count too much: take one line through all of them.",
        ),
        "axes exchanged": (
            lambda sizes, losses: -_slope(np.log(losses), np.log(sizes)),
            "Your line tells the size from the loss. The sizes belong on the horizontal axis.",
        ),
        "the height of the line": (
            lambda sizes, losses: _line(np.log(sizes), np.log(losses))[1],
            "This is the height of the line, the logarithm of A. The exponent is its slope.",
        ),
        "the factor A": (
            lambda sizes, losses: np.exp(_line(np.log(sizes), np.log(losses))[1]),
            "This is the factor A. The exponent comes from the slope of the line.",
        ),
        "slope and height": (
            lambda sizes, losses: _line(np.log(sizes), np.log(losses)),
            "These are slope and height of the line. Return one number, the exponent.",
        ),
        "through the origin": (
            _through_the_origin,
            "Your line goes through the origin, as if A were 1. It has a height of its own.",
        ),
        "correlation": (
            lambda sizes, losses: -np.corrcoef(np.log(sizes), np.log(losses))[0, 1],
            "This is the correlation: how near the points are to a line. What is its slope?",
        ),
        "not a logarithm": (
            lambda sizes, losses: np.exp(_slope(np.log(sizes), np.log(losses))),
            "You took the exponential of the slope. The slope is the exponent already, but for "
            "its sign.",
        ),
    },
    hint="Take the logarithm of L = A N**-a: what is a straight line of what, and which sign has "
    "its slope? `np.polyfit(x, y, 1)` returns slope and height of the nearest line.",
)

# --- LoRA: my_lora(x, W, A, B, scale) -> (n, k) ------------------------------------------------


def _lora(x, W, A, B, scale):
    return x @ W + scale * ((x @ A) @ B)


def _lora_case(n, d, r, k, scale, seed):
    random = np.random.default_rng(seed)
    shapes = (n, d), (d, k), (d, r), (r, k)
    return *(random.normal(size=shape).round(1) for shape in shapes), scale


_TURNED = (
    "A or B stands transposed. A leads from the d numbers of x to the few in between, and B from "
    "those to the k numbers of the answer."
)

lora = Exercise(
    name="lora",
    lesson="16",
    right=_lora,
    # x, W, A, B, scale. First square ones: whoever exchanges or transposes gets numbers, which tell
    # what happened. Then sizes that all differ.
    cases=[_lora_case(2, 2, 2, 2, 0.5, 1), _lora_case(3, 3, 3, 3, 4.0, 2)],
    then=[_lora_case(2, 3, 1, 4, 2.0, 3)],
    mistakes={
        "scale forgotten": (
            lambda x, W, A, B, scale: x @ W + x @ A @ B,
            "The small matrices are added in full: `scale` is left out.",
        ),
        "W forgotten": (
            lambda x, W, A, B, scale: scale * (x @ A @ B),
            "This is the change alone. The frozen weights W go on working beside it.",
        ),
        "change forgotten": (
            lambda x, W, A, B, scale: x @ W,
            "This is the frozen layer alone. What A and B have learned is left out.",
        ),
        "A and B exchanged": (
            lambda x, W, A, B, scale: x @ W + scale * (x @ B @ A),
            "B comes before A. Which of them takes the d numbers of x?",
        ),
        "A transposed": (
            lambda x, W, A, B, scale: x @ W + scale * (x @ A.T @ B),
            _TURNED,
        ),
        "B transposed": (
            lambda x, W, A, B, scale: x @ W + scale * (x @ A @ B.T),
            _TURNED,
        ),
        "both transposed": (
            lambda x, W, A, B, scale: x @ W + scale * (x @ A.T @ B.T),
            _TURNED,
        ),
        "exchanged and transposed": (
            lambda x, W, A, B, scale: x @ W + scale * (x @ B.T @ A.T),
            "You multiply by B^T A^T, as papers do that write x as a column. Here x is a row, so "
            "A comes first, and nothing is transposed.",
        ),
        "everything scaled": (
            lambda x, W, A, B, scale: scale * (x @ W + x @ A @ B),
            "`scale` multiplies the frozen layer as well. It belongs to the change alone.",
        ),
        "scaled the other one": (
            lambda x, W, A, B, scale: scale * (x @ W) + x @ A @ B,
            "`scale` multiplies the frozen layer. It belongs to the change.",
        ),
        "scaled twice": (
            lambda x, W, A, B, scale: x @ W + (scale * x @ A) @ (scale * B),
            "`scale` is there twice, so the change has its square.",
        ),
        "divided by scale": (
            lambda x, W, A, B, scale: x @ W + x @ A @ B / scale,
            "You divided the change by `scale`. Multiply by it.",
        ),
        "divided by the rank": (
            lambda x, W, A, B, scale: x @ W + scale / A.shape[1] * (x @ A @ B),
            "You divided by the rank. Papers write alpha / rank; here `scale` is that quotient "
            "already.",
        ),
        "subtracted": (
            lambda x, W, A, B, scale: x @ W - scale * (x @ A @ B),
            "The change is subtracted. It is added to what the frozen layer says.",
        ),
        "x left out of the change": (
            lambda x, W, A, B, scale: x @ W + scale * (A @ B),
            "The product of A and B is a matrix of weights. It works on x, as W does.",
        ),
        "product of places": (
            lambda x, W, A, B, scale: x @ (W + scale * A * B),
            "You multiplied A and B place by place. The product of matrices is `@`.",
        ),
        "the change by places": (
            lambda x, W, A, B, scale: x @ W + scale * (x * A * B),
            "`*` multiplies place by place. The product of matrices is `@`, here twice.",
        ),
        "one of the change by places": (
            lambda x, W, A, B, scale: x @ W + scale * ((x @ A) * B),
            "`*` multiplies place by place. What A gives goes on through B with `@`.",
        ),
        "behind W": (
            lambda x, W, A, B, scale: x @ W + scale * (x @ W @ A @ B),
            "A and B got what the frozen layer gave. They stand beside it: both get x.",
        ),
        "before W": (
            lambda x, W, A, B, scale: (x + scale * (x @ A @ B)) @ W,
            "The change went through the frozen layer, too. It stands beside that layer, and both "
            "answers are added.",
        ),
        "one after the other": (
            lambda x, W, A, B, scale: scale * (x @ W @ A @ B),
            "You sent x through W, then through A and B. They stand beside each other: both get "
            "x, and both answers are added.",
        ),
        "new weights alone": (
            lambda x, W, A, B, scale: W + scale * (A @ B),
            "These are the weights of a merged layer. Return what it answers to x.",
        ),
    },
    hint="Two ways from x to the answer, side by side: the frozen W, and the narrow one through A "
    "and then B. How are their answers put together, and which of them does `scale` turn up?",
)
