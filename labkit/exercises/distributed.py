"""Exercises of lesson 21: unequal shards, a step of the ring, a split layer, error feedback."""

import numpy as np

from labkit.learn.checks import Exercise

_RNG = np.random.default_rng(21)

# --- unequal shards: my_combine(means, counts) -> the gradient of the whole batch ----------------

combine = Exercise(
    name="combine",
    lesson="21",
    right=lambda means, counts: counts @ means / counts.sum(),
    cases=[
        (np.array([[1.0, 2.0], [5.0, -6.0]]), np.array([3, 1])),
        (_RNG.normal(size=(3, 4)), np.array([100, 28, 128])),
        (_RNG.normal(size=(4, 3)), np.array([7, 0, 2, 30])),
    ],
    mistakes={
        "mean of the means": (
            lambda means, counts: means.mean(axis=0),
            "You gave each worker one vote. A worker with few samples then pulls as hard as one "
            "with many.",
        ),
        "sum of the means": (
            lambda means, counts: means.sum(axis=0),
            "You added the means. With equal shards that is as many times too long as there are "
            "workers; and a small shard still pulls as hard as a large one.",
        ),
        "sum over the samples": (
            lambda means, counts: counts @ means,
            "This is the sum over all samples. Asked is their mean, as one process computes it.",
        ),
        "divided by the workers": (
            lambda means, counts: counts @ means / len(counts),
            "You divided the sum over all samples by the number of workers. The mean is over "
            "samples.",
        ),
        "means over all samples": (
            lambda means, counts: means.sum(axis=0) / counts.sum(),
            "You divided a sum of means by the number of samples. Each mean has been divided by "
            "its own samples already.",
        ),
        "small shards count more": (
            lambda means, counts: (means / np.maximum(counts, 1)[:, None]).sum(axis=0),
            "You divided each mean by its count: it was divided once already, when it became a "
            "mean. Now small shards pull hardest.",
        ),
        "only the largest shard": (
            lambda means, counts: means[np.argmax(counts)],
            "You took the largest shard and threw the work of all others away.",
        ),
        "mean within each worker": (
            lambda means, counts: means.mean(axis=1),
            "You averaged along a row: over the weights of one worker. A row is a whole gradient; "
            "what is combined stands in one column.",
        ),
    },
    hint="Undo each mean: what would the worker have sent if it had added its samples up? Then "
    "one process adds all of that, and divides once.",
)


# --- the ring: my_ring_step(rank, step, size) -> chunk to send, chunk to receive -----------------


def _ring(shift, sign=1):
    """A reduce-scatter in which worker 0 begins with the chunk `shift`; -1 counts them backward."""
    return lambda rank, step, size: (
        (sign * (rank - step) + shift) % size,
        (sign * (rank - step - 1) + shift) % size,
    )


_SHIFTED = "You begin with another chunk than the lab does. All begin shifted alike: it works."
_MIRRORED = "You number the chunks the other way around. All do so alike: it works."

ring_step = Exercise(
    name="ring_step",
    lesson="21",
    right=_ring(0),
    also=[
        *((_ring(shift), _SHIFTED) for shift in (1, -1, 2, -2)),
        *((_ring(shift, sign=-1), _MIRRORED) for shift in (0, 1, -1)),
    ],
    cases=[(1, 0, 4), (2, 1, 4), (0, 0, 4), (0, 2, 4), (3, 2, 4), (0, 1, 3), (6, 1, 8)],
    mistakes={
        "exchanged": (
            lambda rank, step, size: tuple(reversed(_ring(0)(rank, step, size))),
            "Send and receive are exchanged: you send the chunk that you should be waiting for.",
        ),
        "against the stream": (
            lambda rank, step, size: ((rank + step) % size, (rank + step + 1) % size),
            "Your chunk numbers grow with the steps. Chunks travel to the right: what reaches you "
            "at the next step was farther to the left before, with a worker of smaller rank.",
        ),
        "the same at each step": (
            lambda rank, step, size: (rank, (rank - 1) % size),
            "You send the same chunk at each step, so no sum travels farther than one neighbor. "
            "Send on what you have just added to.",
        ),
        "the chunk that was sent": (
            lambda rank, step, size: ((rank - step) % size, (rank - step) % size),
            "You wait for the chunk that you send. Your left neighbor follows the same rule with "
            "a rank smaller by one: what does it send to you?",
        ),
        "waits for what the right neighbor sends": (
            lambda rank, step, size: ((rank - step) % size, (rank - step + 1) % size),
            "You wait for what your right neighbor sends. It comes from the left one, whose rank "
            "is smaller by one.",
        ),
        "outside the ring": (
            lambda rank, step, size: (rank - step, rank - step - 1),
            "Some of your numbers are negative: only Python would count them from the end. Chunks "
            "are numbered from 0 to size - 1, and behind the last comes the first: a ring.",
        ),
        "the same for all workers": (
            lambda rank, step, size: (step, (step - 1) % size),
            "Your numbers do not depend on the rank: all workers would send the same chunk at "
            "once, and the others would wait idle for their turn.",
        ),
    },
    hint="At step 0 worker 2 of 4 sends chunk 2, and gets chunk 1 from worker 1. It adds to it. "
    "At step 1 it sends on what it has just added to. Count down, and wrap around with %.",
)


# --- a split layer: my_split(W1, W2, rank, size) -> the worker's part of W1 and of W2 ------------


def _mine(count, rank, size):
    return np.array_split(np.arange(count), size)[rank]


def _units(W1, W2, rank, size):
    mine = _mine(len(W2), rank, size)
    return W1[:, mine], W2[mine]


def _split_case(inputs, hidden, outputs, rank, size):
    return _RNG.normal(size=(inputs, hidden)), _RNG.normal(size=(hidden, outputs)), rank, size


def _dealt(W1, W2, rank, size):
    return W1[:, rank::size], W2[rank::size]


def _shifted(shift):
    return lambda W1, W2, rank, size: _units(W1, W2, (rank + shift) % size, size)


def _backward(W1, W2, rank, size):
    return _units(W1, W2, size - 1 - rank, size)


def _mixed(first, second):
    """W1 as one rule hands the units out, W2 as another does."""
    return lambda *case: (first(*case)[0], second(*case)[1])


_OTHERS = "You hold another worker's units, and it holds others: each unit is held once. It works."
_NOT_THE_SAME = (
    "Shapes fit, units do not: what your W1 makes are not the hidden units whose numbers your W2 "
    "carries on. Hand both out by the same rule."
)

_SMALL = np.arange(1.0, 9.0).reshape(4, 2), np.array([[0.1, 0.2], [0.3, 0.4]])

split = Exercise(
    name="split",
    lesson="21",
    right=_units,
    also=[
        (_dealt, "You deal the units out like cards; the lab hands out neighbors. Both work."),
        *((rule, _OTHERS) for rule in (_shifted(1), _shifted(-1), _backward)),
    ],
    cases=[
        (*_SMALL, 0, 2),
        _split_case(12, 8, 4, 1, 2),
        _split_case(12, 8, 4, 0, 4),
        _split_case(12, 8, 4, 3, 4),
    ],
    mistakes={
        "inputs handed out": (
            lambda W1, W2, rank, size: (W1[_mine(len(W1), rank, size)], W2),
            "You split the rows of W1, so that a worker sees a part of the inputs. Then it knows "
            "only a part of each unit's sum, and the activation of a part is not a part of the "
            "activation.",
        ),
        "outputs handed out": (
            lambda W1, W2, rank, size: (W1, W2[:, _mine(W2.shape[1], rank, size)]),
            "Each worker computes the whole hidden layer, the larger half of the work, and holds "
            "all of W1: nothing is saved there. And parts of the outputs do not add up.",
        ),
        "columns of both": (
            lambda W1, W2, rank, size: (
                W1[:, _mine(W1.shape[1], rank, size)],
                W2[:, _mine(W2.shape[1], rank, size)],
            ),
            "The parts do not fit: this W1 gives a part of the hidden units, and this W2 asks for "
            "all of them. What of W2 belongs to one hidden unit, a row or a column?",
        ),
        "rows of both": (
            lambda W1, W2, rank, size: (
                W1[_mine(len(W1), rank, size)],
                W2[_mine(len(W2), rank, size)],
            ),
            "The parts do not fit: this W1 gives all hidden units, and this W2 asks for some. What "
            "of W1 belongs to one hidden unit, a row or a column?",
        ),
        "W2 left whole": (
            lambda W1, W2, rank, size: (_units(W1, W2, rank, size)[0], W2),
            "Your part of W1 gives some hidden units, but W2 still asks for all of them.",
        ),
        "W1 left whole": (
            lambda W1, W2, rank, size: (W1, _units(W1, W2, rank, size)[1]),
            "Your part of W2 asks for some hidden units, but W1 still makes all of them.",
        ),
        "the whole block": (
            lambda W1, W2, rank, size: (W1, W2),
            "Every worker has everything: nothing is split, and the sum over the workers is as "
            "many times too large as there are workers.",
        ),
        "units of W2 dealt like cards": (_mixed(_units, _dealt), _NOT_THE_SAME),
        "units of W1 dealt like cards": (_mixed(_dealt, _units), _NOT_THE_SAME),
        "units of the other end": (_mixed(_units, _backward), _NOT_THE_SAME),
        "units of the next worker": (_mixed(_units, _shifted(1)), _NOT_THE_SAME),
        "only the first units": (
            lambda W1, W2, rank, size: _units(W1, W2, 0, size),
            "Your parts do not depend on the rank: all workers hold the same units, and nobody "
            "holds the others.",
        ),
        "exchanged": (
            lambda W1, W2, rank, size: _units(W1, W2, rank, size)[::-1],
            "Both parts are right, but in the other order: first the part of W1.",
        ),
    },
    hint="Hand out hidden units: each worker computes some of them from start to end. Which part "
    "of W1 makes a unit, and which part of W2 carries it on?",
)


# --- error feedback: my_feedback(gradient, rest, compress) -> what is sent, what is kept ---------


def _largest(vector):
    """Keep the largest half of a vector's numbers, and 0 in place of the others."""
    return np.where(np.abs(vector) > np.median(np.abs(vector), axis=-1, keepdims=True), vector, 0.0)


def _signs(vector):
    """Keep the signs, and one length for all."""
    return np.where(vector < 0, -1.0, 1.0) * np.abs(vector).mean(axis=-1, keepdims=True)


def _feedback(gradient, rest, compress):
    sent = compress(gradient + rest)
    return sent, gradient + rest - sent


def _forgets(gradient, rest, compress):
    sent = compress(gradient)
    return sent, gradient - sent


def _never_sends_the_rest(gradient, rest, compress):
    sent = compress(gradient)
    return sent, rest + gradient - sent


def _adds_after(gradient, rest, compress):
    sent = compress(gradient) + rest
    return sent, gradient - compress(gradient)


def _keeps_all(gradient, rest, compress):
    return compress(gradient + rest), gradient + rest


def _keeps_what_was_sent(gradient, rest, compress):
    sent = compress(gradient + rest)
    return sent, sent


def _negative_rest(gradient, rest, compress):
    sent = compress(gradient + rest)
    return sent, sent - gradient - rest


def _old_rest_lost(gradient, rest, compress):
    sent = compress(gradient + rest)
    return sent, gradient - sent


def _compresses_twice(gradient, rest, compress):
    sent = compress(gradient) + compress(rest)
    return sent, gradient + rest - sent


def _fades(gradient, rest, compress):
    sent, left = _feedback(gradient, rest, compress)
    return sent, left / 2


def _no_memory(gradient, rest, compress):
    return compress(gradient), np.zeros_like(gradient)


feedback = Exercise(
    name="feedback",
    lesson="21",
    right=_feedback,
    # The lesson trains at several learning rates at once: an axis more.
    then=[(_RNG.normal(size=(2, 4)), _RNG.normal(size=(2, 4)), _signs)],
    cases=[
        (np.array([3.0, -1.0]), np.array([0.0, -3.5]), _largest),
        (np.array([0.5, 2.0, -1.0, 0.2]), np.array([-0.4, 0.3, 0.9, 2.5]), _largest),
        (np.array([1.0, -0.5, 0.1]), np.array([-1.5, 0.2, 0.6]), _signs),
    ],
    mistakes={
        "the rest is never sent": (
            _never_sends_the_rest,
            "You collect what was lost, but what you compress is the gradient alone: the rest "
            "grows and never leaves.",
        ),
        "only this step's rest": (
            _forgets,
            "You forget what was kept from earlier steps: `rest` is never used.",
        ),
        "no memory": (
            _no_memory,
            "What the compression leaves out is lost for good. Keep it for the next step.",
        ),
        "sent around the compression": (
            _adds_after,
            "You add the rest after compressing, so that all its numbers travel in full: nothing "
            "is saved.",
        ),
        "kept though it was sent": (
            _keeps_all,
            "You keep what you have just sent as well: it would be sent twice.",
        ),
        "kept what was sent": (
            _keeps_what_was_sent,
            "You keep what was sent. Keep what was not.",
        ),
        "sign of the rest": (
            _negative_rest,
            "Your rest has the other sign: at the next step it would take away what is missing.",
        ),
        "compressed twice": (
            _compresses_twice,
            "You compress gradient and rest apart: two messages travel, and a small number may be "
            "left out of both, for ever.",
        ),
        "nothing compressed": (
            lambda gradient, rest, compress: (gradient + rest, np.zeros_like(rest)),
            "You send all numbers in full: `compress` is what makes the message short.",
        ),
        "nothing but the message": (
            lambda gradient, rest, compress: (compress(gradient + rest), np.zeros_like(rest)),
            "What you send is right. But what did not get through is forgotten.",
        ),
        "the rest fades": (
            _fades,
            "You let a part of the rest go. Then all that is sent, in the end, is no longer the "
            "sum of all gradients.",
        ),
        "the old rest is lost": (
            _old_rest_lost,
            "What you send is right. What you keep forgets that the old rest was part of what you "
            "wanted to send.",
        ),
    },
    hint="First: what would you like to send, if the line were free? Then: what of it got through? "
    "The difference is still owed.",
)
