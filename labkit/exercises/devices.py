"""Exercises of lesson 17: seconds of a copy, the batch that fills a card, bytes of a training."""

import math

from labkit.learn.checks import Exercise

# --- copies: my_transfer(size, pieces, latency, bandwidth) -> seconds -----------------------------

transfer = Exercise(
    name="transfer",
    lesson="17",
    right=lambda size, pieces, latency, bandwidth: pieces * latency + size / bandwidth,
    cases=[
        (4.0e6, 1, 1e-3, 1e9),
        (4.0e6, 100, 1e-3, 1e9),
        (7.0e8, 30, 2e-2, 5e9),
        (5.0e3, 7, 3e-4, 2e8),
    ],
    mistakes={
        "one latency": (
            lambda size, pieces, latency, bandwidth: latency + size / bandwidth,
            "You pay the latency once. Each piece is a copy of its own, and each copy begins anew.",
        ),
        "every piece is everything": (
            lambda size, pieces, latency, bandwidth: pieces * (latency + size / bandwidth),
            "In each piece you copy all the bytes. The pieces together have `size` bytes.",
        ),
        "one piece alone": (
            lambda size, pieces, latency, bandwidth: latency + size / pieces / bandwidth,
            "That is the time of one piece. Asked is the time of all of them.",
        ),
        "no latency": (
            lambda size, pieces, latency, bandwidth: size / bandwidth,
            "You count the bytes alone: then a million copies of one byte each would be free of "
            "charge beside one large one.",
        ),
        "latency alone": (
            lambda size, pieces, latency, bandwidth: pieces * latency,
            "You count how often a copy begins. The bytes must go over the line as well.",
        ),
        "times instead of over the bandwidth": (
            lambda size, pieces, latency, bandwidth: pieces * latency + size * bandwidth,
            "A line that brings more bytes a second takes less time. Yours takes more.",
        ),
        "bandwidth over size": (
            lambda size, pieces, latency, bandwidth: pieces * latency + bandwidth / size,
            "Bytes a second over bytes is no time. Turn the fraction over.",
        ),
        "bits": (
            lambda size, pieces, latency, bandwidth: pieces * latency + 8 * size / bandwidth,
            "You turn bytes into bits. The bandwidth is in bytes a second already.",
        ),
        "latency divided among the pieces": (
            lambda size, pieces, latency, bandwidth: latency / pieces + size / bandwidth,
            "More pieces make your copies begin more cheaply. Each piece begins anew.",
        ),
        "both at once": (
            lambda size, pieces, latency, bandwidth: max(pieces * latency, size / bandwidth),
            "You take the longer of the two. A copy begins, and then its bytes go: one after the "
            "other.",
        ),
    },
    hint="Two things take time: every piece has to begin, and all bytes together have to go over "
    "the line.",
)


# --- launches: my_fill(operations, launch, flop, peak) -> examples -------------------------------


def _examples(operations, launch, flop, peak):
    return operations * launch * peak / flop


fill = Exercise(
    name="fill",
    lesson="17",
    right=lambda *given: math.ceil(_examples(*given)),
    cases=[
        (100, 5e-6, 1.1e6, 20e12),
        (1000, 4e-6, 3.7e7, 150e12),
        (3, 2e-5, 1.1e6, 1e12),
        (50, 1e-5, 1.0e6, 1.3e9),
    ],
    mistakes={
        "rounded down": (
            lambda *given: math.floor(_examples(*given)),
            "With so many examples the arithmetic is still a little shorter than the launching. "
            "Which whole number comes next?",
        ),
        "not a whole number": (
            _examples,
            "A batch has a whole number of examples. Which is the smallest that is enough?",
        ),
        "rounded to the nearest": (
            lambda *given: round(_examples(*given)),
            "The nearest whole number may be too small. Which is the smallest that is enough?",
        ),
        "one launch": (
            lambda operations, launch, flop, peak: math.ceil(launch * peak / flop),
            "You count one launch. A step launches all of its operations.",
        ),
        "upside down": (
            lambda *given: math.ceil(1 / _examples(*given)),
            "That is the launching of a batch in units of the wrong one: you divide the arithmetic "
            "of one example by the launching. Asked is how many examples it takes.",
        ),
        "the times multiplied": (
            lambda operations, launch, flop, peak: operations * launch * flop / peak,
            "You multiply the launching by the time of one example. How often does one time go "
            "into the other?",
        ),
        "seconds of launching": (
            lambda operations, launch, flop, peak: operations * launch,
            "That is how long the launching takes, in seconds. How many examples can be computed "
            "in that time?",
        ),
        "seconds of an example": (
            lambda operations, launch, flop, peak: flop / peak,
            "That is the time of one example, in seconds. How many of them fill the launching?",
        ),
        "operations each": (
            lambda operations, launch, flop, peak: math.ceil(launch * peak / (operations * flop)),
            "You multiply the work of an example by the number of launches. `flop` is the work of "
            "an example in the whole step.",
        ),
        "one too many": (
            lambda *given: math.ceil(_examples(*given)) + 1,
            "One example fewer is enough as well.",
        ),
        "both times together": (
            lambda operations, launch, flop, peak: math.ceil(operations * launch + flop / peak),
            "You add two times. Asked is a number of examples: how often does one time go into the "
            "other?",
        ),
    },
    hint="How long does the launching of a step take? How long does one example take? How often "
    "does the second go into the first, at least?",
)


# --- memory: my_memory(parameters, outputs, batch) -> bytes ---------------------------------------


def _bytes(of_a_weight, of_an_output=4):
    return lambda parameters, outputs, batch: (
        of_a_weight * parameters + (of_an_output * batch * outputs)
    )


memory = Exercise(
    name="memory",
    lesson="17",
    right=_bytes(16),
    cases=[(1000, 300, 8), (93_322, 41_000, 64), (175, 10, 1), (5_000_000, 800, 512)],
    mistakes={
        "no moments": (
            _bytes(8),
            "You count weights and gradients. Adam keeps two averages for each weight beside them.",
        ),
        "one moment": (
            _bytes(12),
            "Three numbers a weight: one is missing. Adam keeps an average of the gradient and one "
            "of its square.",
        ),
        "weights alone": (
            _bytes(4),
            "You count the weights. Training also keeps a gradient and Adam's two averages for "
            "each of them.",
        ),
        "one number too many": (
            _bytes(20),
            "Five numbers a weight. There are the weight, its gradient and two averages.",
        ),
        "numbers instead of bytes": (
            _bytes(4, 1),
            "You count numbers. A number in float32 has 32 bits.",
        ),
        "eight bytes": (_bytes(32, 8), "Eight bytes a number would be float64."),
        "two bytes": (_bytes(8, 2), "Two bytes a number would be a 16-bit format."),
        "outputs of one example": (
            lambda parameters, outputs, batch: 4 * (4 * parameters + outputs),
            "You count the outputs of one example. Every example of the batch has its own.",
        ),
        "everything for each example": (
            lambda parameters, outputs, batch: 4 * batch * (4 * parameters + outputs),
            "You keep the weights once for each example. All examples share them.",
        ),
        "no outputs": (
            lambda parameters, outputs, batch: 16 * parameters,
            "You forget the outputs of the layers: the backward pass needs them.",
        ),
        "outputs four times": (
            _bytes(16, 16),
            "You keep four numbers for each output. Gradient and averages belong to weights.",
        ),
        "outputs alone": (
            lambda parameters, outputs, batch: 4 * batch * outputs,
            "You count the outputs of the layers alone. The weights lie on the device too, with "
            "what belongs to each of them.",
        ),
        "outputs in numbers": (
            _bytes(16, 1),
            "The part of the weights is right. The outputs are in float32 too.",
        ),
    },
    hint="How many numbers belong to one weight? How many outputs does a batch have? And how many "
    "bytes has a number?",
)
