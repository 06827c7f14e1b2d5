"""Exercises of lesson 26: clip and noise, epsilon, masks that cancel, check before you open."""

from __future__ import annotations

import numpy as np

from labkit.datacenter.privacy import accounting, aggregation, dp_sgd
from labkit.learn import values
from labkit.learn.checks import Exercise

# --- clip and noise: my_clip(norms, limit, sigma, expected) -> (factors, deviation) ---------------


def _factors(norms, limit):
    return np.minimum(1, limit / norms)


def _with_factors(factors):
    """Return a wrong answer: other factors, the right noise."""
    return lambda norms, limit, sigma, n: (factors(norms, limit, n), sigma * limit / n)


def _with_noise(deviation):
    """Return a wrong answer: the right factors, other noise."""
    return lambda norms, limit, sigma, n: (_factors(norms, limit) / n, deviation(limit, sigma, n))


def _read_clip(answer, *_):
    factors, deviation = answer
    return np.asarray(factors, dtype=float), float(deviation)


_NORMS = np.array([0.5, 2.0, 4.0, 1.6, 0.1])

clip = Exercise(
    name="clip",
    lesson="26",
    right=dp_sgd.clip_and_noise,
    cases=[
        (_NORMS, 1.5, 2.0, 8.0),
        (_NORMS[:3], 0.25, 0.7, 4.0),
        (np.array([3.0, 0.2]), 2.0, 3.0, 5.0),
    ],
    read=_read_clip,
    mistakes={
        "the batch that came": (
            lambda norms, limit, sigma, n: (
                _factors(norms, limit) / norms.size,
                sigma * limit / norms.size,
            ),
            "You divide by the number of examples that came. By chance that number is larger when "
            "one more person is in the data, and it would tell: divide by the expected one.",
        ),
        "the noise by the batch that came": (
            lambda norms, limit, sigma, n: (_factors(norms, limit) / n, sigma * limit / norms.size),
            "Your noise is divided by the number of examples that came. Both parts of the step are "
            "divided by the expected one.",
        ),
        "the sum instead of the mean": (
            lambda norms, limit, sigma, n: (_factors(norms, limit), sigma * limit),
            "This is the noisy sum. The step is that sum over the expected batch, noise included.",
        ),
        "the noise is not divided": (
            _with_noise(lambda limit, sigma, n: sigma * limit),
            "Your noise belongs to the sum of the gradients, and is not divided as they are. Every "
            "step would drown in it.",
        ),
        "the noise ignores the limit": (
            _with_noise(lambda limit, sigma, n: sigma / n),
            "Your noise is the same whatever the limit. It must hide one example, which adds at "
            "most `limit` to the sum.",
        ),
        "variance instead of deviation": (
            _with_noise(lambda limit, sigma, n: (sigma * limit / n) ** 2),
            "You return the variance of the noise. Asked is its standard deviation.",
        ),
        "noise as of a mean": (
            _with_noise(lambda limit, sigma, n: sigma * limit / np.sqrt(n)),
            "You divide the noise by a root. It is drawn once for the sum, not for each example.",
        ),
        "all get the same length": (
            _with_factors(lambda norms, limit, n: limit / norms / n),
            "You give every gradient the length `limit`: short ones grow. Only what is longer than "
            "the limit is shortened.",
        ),
        "thrown away": (
            _with_factors(lambda norms, limit, n: np.where(norms > limit, 0.0, 1.0) / n),
            "You throw away what is longer than the limit. Shorten it to that length.",
        ),
        "upside down": (
            _with_factors(lambda norms, limit, n: np.minimum(1, norms / limit) / n),
            "Your factor grows with the norm: short gradients shrink, long ones stay as they are.",
        ),
        "long ones grow": (
            _with_factors(lambda norms, limit, n: np.maximum(1, limit / norms) / n),
            "Your factor is never below 1: long gradients stay, short ones grow.",
        ),
        "the norm instead of a factor": (
            _with_factors(lambda norms, limit, n: np.minimum(norms, limit) / n),
            "You return the lengths after clipping. Asked is what each gradient is multiplied by.",
        ),
        "nothing is clipped": (
            _with_factors(lambda norms, limit, n: np.ones_like(norms) / n),
            "You clip nothing. Then one example can move the sum as far as it likes, and no noise "
            "is large enough.",
        ),
    },
    hint="A gradient longer than `limit` is multiplied by what makes it exactly `limit` long; a "
    "shorter one by 1. Then one example moves the sum by `limit` at most, and the noise counts in "
    "that. What is the sum divided by?",
)

# --- epsilon: my_epsilon(rdp, orders, steps, delta) -> epsilon ------------------------------------


def _conversions(rdp, orders, steps, delta):
    more = np.log((orders - 1) / orders) - (np.log(delta) + np.log(orders)) / (orders - 1)
    return steps * rdp + more


def _epsilon(rdp, orders, steps, delta):
    return accounting.to_epsilon(steps * rdp, delta, orders)[0]


def _older(rdp, orders, steps, delta):
    return (steps * rdp - np.log(delta) / (orders - 1)).min()


def _sign_of_delta(rdp, orders, steps, delta):
    more = np.log((orders - 1) / orders) + (np.log(delta) - np.log(orders)) / (orders - 1)
    return (steps * rdp + more).min()


def _only_the_last(rdp, orders, steps, delta):
    return (steps * rdp - (np.log(delta) + np.log(orders)) / (orders - 1)).min()


def _by_ten(rdp, orders, steps, delta):
    more = np.log10((orders - 1) / orders) - (np.log10(delta) + np.log10(orders)) / (orders - 1)
    return (steps * rdp + more).min()


def _all_by_the_order(rdp, orders, steps, delta):
    more = np.log((orders - 1) / orders) - (np.log(delta) + np.log(orders)) / orders
    return (steps * rdp + more).min()


def _half_divided(rdp, orders, steps, delta):
    return (
        steps * rdp + np.log(1 - 1 / orders) - np.log(delta) - np.log(orders) / (orders - 1)
    ).min()


def _half_subtracted(rdp, orders, steps, delta):
    return (
        steps * rdp + np.log(1 - 1 / orders) - np.log(delta) + np.log(orders) / (orders - 1)
    ).min()


def _half_a_logarithm(rdp, orders, steps, delta):
    more = np.log(orders - 1) / orders - (np.log(delta) + np.log(orders)) / (orders - 1)
    return (steps * rdp + more).min()


_LAST = (
    "The last term is one fraction: both logarithms stand above, and the minus is of both. In "
    "Python that takes parentheses."
)
_ORDERS = np.arange(2.0, 40.0)

epsilon = Exercise(
    name="epsilon",
    lesson="26",
    right=_epsilon,
    cases=[
        (_ORDERS / 200, _ORDERS, 40, 1e-5),
        (0.002 * _ORDERS**1.5, _ORDERS, 300, 1e-6),
        (np.array([0.01, 0.2]), np.array([2.0, 16.0]), 10, 1e-3),
        (_ORDERS[4:] / 150, _ORDERS[4:], 60, 1e-5),  # without order 2, where dividing does nothing
    ],
    mistakes={
        "one step": (
            lambda rdp, orders, steps, delta: _epsilon(rdp, orders, 1, delta),
            "This is the price of a single step. What `rdp` says of one step adds up.",
        ),
        "the root of the steps": (
            lambda rdp, orders, steps, delta: _epsilon(rdp, orders, np.sqrt(steps), delta),
            "You take the root of the steps. Divergences of independent steps add up; that "
            "epsilon grows more slowly comes out by itself.",
        ),
        "every step is converted": (
            lambda rdp, orders, steps, delta: steps * _epsilon(rdp, orders, 1, delta),
            "You turn one step into epsilon, and add epsilons. Add the divergences first, then "
            "convert once: that is what they are for.",
        ),
        "the worst order": (
            lambda *given: _conversions(*given).max(),
            "You take the largest. Every order gives a bound that is true; which of them would you "
            "like to tell?",
        ),
        "the mean": (
            lambda *given: _conversions(*given).mean(),
            "You take the mean over the orders. Every order gives a bound that is true; the best "
            "of them is true as well.",
        ),
        "the first order": (
            lambda *given: _conversions(*given)[0],
            "You take the first order alone. Another one may give a better bound.",
        ),
        "all orders": (
            _conversions,
            "You return a bound for each order. Asked is the best of them.",
        ),
        "the older formula": (
            _older,
            "This is the conversion of 2017. It is true, and larger than it need be: the formula "
            "above has two terms more.",
        ),
        "no delta": (
            lambda rdp, orders, steps, delta: (steps * rdp).min(),
            "These are divergences, not yet an epsilon: `delta` has no part in it.",
        ),
        "sign of the logarithm": (
            _sign_of_delta,
            "A smaller delta promises more and must cost more. The logarithm of a small number is "
            "negative, and here it is taken with the other sign.",
        ),
        "a term is missing": (
            _only_the_last,
            "The term in the middle is missing: the logarithm of (order - 1) over order.",
        ),
        "only one logarithm is divided": (_half_divided, _LAST),
        "only one logarithm is subtracted": (_half_subtracted, _LAST),
        "the logarithm of the upper part": (
            _half_a_logarithm,
            "You take the logarithm of (order - 1), and divide that by the order. Divide first: it "
            "is the logarithm of the fraction.",
        ),
        "logarithm to ten": (_by_ten, "You take logarithms to base 10. The formula has natural."),
        "divided by the order": (
            _all_by_the_order,
            "You divide by the order. The formula divides by one less.",
        ),
    },
    hint="Compute the three terms for the whole array `orders` at once; `steps` multiplies the "
    "first. Every order gives a bound that is true.",
)

# --- masks that cancel: my_mask(number, streams) -> mask ------------------------------------------

MODULUS = aggregation.MODULUS


def _sign(number, other):
    return 1 if number < other else -1


def _sum(sign, modulus=MODULUS):
    """Return an answer that adds each stream with the sign of (number, other), modulo."""

    def answer(number, streams):
        return sum(sign(number, other) * stream for other, stream in streams.items()) % modulus

    return answer


def _no_modulo(number, streams):
    return sum(_sign(number, other) * stream for other, stream in streams.items())


def _modulo_of_each(number, streams):
    return sum(_sign(number, other) * stream % MODULUS for other, stream in streams.items())


def _one_neighbor(number, streams):
    other = next(iter(streams))
    return aggregation.pair_mask(number, {other: streams[other]})


def _xor(number, streams):
    mask = 0
    for stream in streams.values():
        mask = mask ^ stream
    return mask


def _read_numbers(answer, *_):
    return np.asarray(answer) if isinstance(answer, list) else answer


_STREAMS = np.random.default_rng(26).integers(2**30, MODULUS, (5, 3))

mask = Exercise(
    name="mask",
    lesson="26",
    right=aggregation.pair_mask,
    cases=[
        (2, {0: _STREAMS[0], 1: _STREAMS[1], 3: _STREAMS[2], 4: _STREAMS[3]}),
        (0, {1: _STREAMS[0], 2: _STREAMS[4], 3: _STREAMS[3]}),
        (3, {0: _STREAMS[0, :1], 1: _STREAMS[2, :1], 4: _STREAMS[4, :1]}),
    ],
    read=_read_numbers,
    tolerance=1e-12,
    mistakes={
        "all are added": (
            _sum(lambda number, other: 1),
            "You add every stream. Both clients of a pair add the same one, and the sum holds it "
            "twice. One of the two must do something else.",
        ),
        "all are subtracted": (
            _sum(lambda number, other: -1),
            "You subtract every stream. Both clients of a pair subtract the same one, and nothing "
            "cancels. One of the two must do something else.",
        ),
        "the other way around": (
            _sum(lambda number, other: -_sign(number, other)),
            "Your masks would cancel among themselves. But all must keep one rule, and here the "
            "client with the smaller number adds.",
        ),
        "no modulo": (
            _no_modulo,
            "Your masks cancel, but their size tells something about what they hide. Modulo 2³² "
            "every number is equally likely, whatever is hidden under it.",
        ),
        "modulo of each stream": (
            _modulo_of_each,
            "You take the modulo of each stream, and then add. The sum can be 2³² or more again: "
            "the last step is the modulo.",
        ),
        "modulo one less": (
            _sum(_sign, MODULUS - 1),
            "Your modulus is 2³² - 1. Streams are drawn from 2³² numbers, 0 included.",
        ),
        "half of the modulus": (
            _sum(_sign, MODULUS // 2),
            "Your modulus is 2³¹: half of the numbers never come.",
        ),
        "only the later ones": (
            _sum(lambda number, other: number < other),
            "You add the streams shared with later clients, and do nothing with the others. So "
            "nobody takes away what the earlier ones have added.",
        ),
        "one neighbor": (
            _one_neighbor,
            "You use the stream of one other client. The others expect theirs to be used too.",
        ),
        "bits flipped": (
            _xor,
            "XOR hides a number as well, but the server adds, and XOR does not cancel in a sum.",
        ),
    },
    hint="Of each pair one adds the stream that both know, the other subtracts it. Which one is "
    "which, both know without asking: compare `number` with the other's.",
)

# --- check before you open: my_open(data, tag, old, is_genuine, read) -> model --------------------


class Reader:
    """Reads a file, and remembers that it did: a file that is read may have run.

    >>> reader = Reader()
    >>> reader(b"six"), reader.opened
    (3.0, 1)
    """

    def __init__(self):
        self.opened = 0

    def __call__(self, data: bytes) -> float:
        """Return the model that is in the file: here a number."""
        self.opened += 1
        return float(len(data))


def _is_genuine(data, tag):
    return tag == b"tag of " + data


def _open(data, tag, old, is_genuine, read):
    return read(data) if is_genuine(data, tag) else old


def _read_first(data, tag, old, is_genuine, read):
    model = read(data)
    return model if is_genuine(data, tag) else old


def _checked_and_forgotten(data, tag, old, is_genuine, read):
    is_genuine(data, tag)
    return read(data)


def _read_twice(data, tag, old, is_genuine, read):
    return read(data) if is_genuine(data, tag) and read(data) else old


def _read_opened(answer, data, tag, old, is_genuine, read):
    return (
        answer if values.is_blank(answer) else {"model": float(answer), "files read": read.opened}
    )


_FILES = [
    (b"digits", b"tag of digits", 1.0),
    (b"digitz", b"tag of digits", 2.0),
    (b"six", b"tag of nine", 1.0),
]

open_checked = Exercise(
    name="open_checked",
    lesson="26",
    right=_open,
    cases=[(*file, _is_genuine, Reader()) for file in _FILES],
    read=_read_opened,
    mistakes={
        "read before it is checked": (
            _read_first,
            "You read the file first. A file that can run has run by then; that you go on with the "
            "old model is too late.",
        ),
        "never checked": (
            _checked_and_forgotten,
            "You read every file. A tampered one is read, and runs, like any other.",
        ),
        "the other way around": (
            lambda data, tag, old, is_genuine, read: old if is_genuine(data, tag) else read(data),
            "You read what is not genuine, and refuse what is.",
        ),
        "no file is opened": (
            lambda data, tag, old, is_genuine, read: old,
            "You open no file, the genuine one included.",
        ),
        "read twice": (
            _read_twice,
            "Your model is right, but you read a genuine file twice. Read it once, and return "
            "that.",
        ),
        "the check instead of the model": (
            lambda data, tag, old, is_genuine, read: is_genuine(data, tag),
            "You return whether the file is genuine. Asked is a model.",
        ),
    },
    hint="Which of the two functions may see the bytes first, and what may the other one do only "
    "if that says so?",
)
