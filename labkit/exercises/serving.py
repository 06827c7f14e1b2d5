"""Exercises of lesson 23: capacity of batches, a percentile from the plan, admit or refuse."""

import math

import numpy as np

from labkit.datacenter.serving import theory, traffic
from labkit.datacenter.steps import Line
from labkit.learn.checks import Exercise

# --- capacity: my_capacity(a, c, batch) -> requests a second --------------------------------------

capacity = Exercise(
    name="capacity",
    lesson="23",
    right=lambda a, c, batch: 1000 * theory.capacity(Line(a, c), batch),
    cases=[(50, 2, 8), (20.0, 1.0, 1), (0.2, 0.05, 32), (3, 4, 5)],
    mistakes={
        "requests a millisecond": (
            lambda a, c, batch: batch / (a + c * batch),
            "These are requests a millisecond: `a` and `c` are in milliseconds. Asked are requests "
            "a second.",
        ),
        "batches a second": (
            lambda a, c, batch: 1000 / (a + c * batch),
            "So many batches are done in a second. How many requests are in each?",
        ),
        "one at a time": (
            lambda a, c, batch: 1000 / (a + c),
            "That is the capacity without batches: each request pays `a` for itself. In a batch "
            "they share it.",
        ),
        "only one pays": (
            lambda a, c, batch: 1000 * batch / (a + c),
            "Your batch takes as long as a single request. Each request in it adds `c`.",
        ),
        "the overhead is free": (
            lambda a, c, batch: 1000 / c,
            "That is what endless batches come close to. Here a batch has a size, and `a` is paid.",
        ),
        "only the overhead": (
            lambda a, c, batch: 1000 * batch / a,
            "You count `a` alone. Each request of the batch adds `c`.",
        ),
        "milliseconds of a request": (
            lambda a, c, batch: (a + c * batch) / batch,
            "These are the milliseconds for each request. Asked is how many fit into a second.",
        ),
        "milliseconds of a batch": (
            lambda a, c, batch: a + c * batch,
            "That is how long a batch takes, in milliseconds. How many requests a second is that?",
        ),
        "parentheses": (
            lambda a, c, batch: 1000 * batch / a + c * batch,
            "Python divides before it adds: what the batch takes needs parentheses.",
        ),
    },
    hint="How many milliseconds does one batch take, and how many requests are done with it? A "
    "second has 1,000 milliseconds.",
)

# --- a percentile: my_percentile(planned, sent, done, share) -> seconds ---------------------------

_RNG = np.random.default_rng(23)


def _requests(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return when requests were planned, sent and done, of a client that sometimes comes late."""
    planned = np.sort(_RNG.uniform(0, 10, count)).round(3)
    sent = planned + _RNG.exponential(0.2, count).round(3)
    return planned, sent, sent + _RNG.exponential(0.6, count).round(3) + 0.05


# With 101 requests the 99th percentile stands at a place, not between two: all definitions agree.
percentile = Exercise(
    name="percentile",
    lesson="23",
    right=lambda planned, sent, done, share: traffic.percentile(done - planned, share),
    cases=[(*_requests(101), 0.99), (*_requests(21), 0.95), (*_requests(101), 0.5)],
    mistakes={
        "from sending": (
            lambda planned, sent, done, share: np.quantile(done - sent, share),
            "You count from the moment of sending. A client that is late spares the server just "
            "the requests that would have waited. A user waits from the planned moment.",
        ),
        "before sending": (
            lambda planned, sent, done, share: np.quantile(sent - planned, share),
            "That is how late the requests were sent. Their answers came later still.",
        ),
        "the mean": (
            lambda planned, sent, done, share: np.mean(done - planned),
            "That is the mean. It tells nothing of those who wait longest; `share` must come in.",
        ),
        "the largest": (
            lambda planned, sent, done, share: np.max(done - planned),
            "That is the longest of all. Asked is the latency that a share of them does not "
            "exceed.",
        ),
        "a share, not percent": (
            lambda planned, sent, done, share: np.percentile(done - planned, share),
            "`np.percentile` takes percent. `share` is between 0 and 1, so you asked for less than "
            "the first percentile.",
        ),
        "from the other end": (
            lambda planned, sent, done, share: np.quantile(done - planned, 1 - share),
            "You counted from the slow end: only a few are faster than that. Sort from fast to "
            "slow.",
        ),
        "not sorted": (
            lambda planned, sent, done, share: (done - planned)[round(share * (len(done) - 1))],
            "You took the request at that place of the plan. Sort the latencies first.",
        ),
        "moments of answers": (
            lambda planned, sent, done, share: np.quantile(done, share),
            "These are moments at which answers came. A latency is a difference of two moments.",
        ),
        "a difference of percentiles": (
            lambda planned, sent, done, share: (
                np.quantile(done, share) - np.quantile(planned, share)
            ),
            "You took the percentile of two lists and then the difference: those may be two "
            "requests. First the latency of each, then the percentile.",
        ),
        "a mean of the slowest": (
            lambda planned, sent, done, share: np.mean(
                np.sort(done - planned)[round(share * (len(done) - 1)) :]
            ),
            "That is the mean of the slowest ones. Asked is where they begin.",
        ),
    },
    hint="First the latency of each request: from when to when does its user wait? Then "
    "`np.quantile`, or sort and take the place.",
)

# --- admit or refuse: my_admit(waiting, a, c, batch, promise) -> True or False --------------------


def _admit(waiting, a, c, batch, promise):
    return theory.worst_latency(Line(a, c), batch, queue_limit=waiting + 1) <= promise


def _as_few_as_now(waiting, a, c, batch, promise):
    whole, own = divmod(waiting, batch)
    return (1 + whole) * (a + c * batch) + a + c * (own + 1) <= promise


_ONE_TOO_FEW = (
    "You count one batch too few. One is being computed, whole batches of those who wait may come "
    "before you, and then there is your own."
)

_SERVERS = ((50, 2, 8, 300.5), (20, 1, 4, 130.5), (10, 5, 1, 99.5), (30, 10, 16, 700.5))
admit = Exercise(
    name="admit",
    lesson="23",
    right=_admit,
    cases=[
        (waiting, *server)
        for server in _SERVERS
        for waiting in (0, 1, 3, 4, 5, 8, 12, 13, 15, 16, 17, 20, 23, 24, 29, 32, 40, 48, 100)
    ],
    mistakes={
        "everyone": (
            lambda waiting, a, c, batch, promise: True,
            "You let everyone in. With a long queue the promise is broken for all of them. Every "
            "time here is in milliseconds, the promise too.",
        ),
        "no one": (
            lambda waiting, a, c, batch, promise: False,
            "You refuse everyone, even when nobody waits.",
        ),
        "the other way around": (
            lambda *server: not _admit(*server),
            "You let in those who would wait too long, and refuse the others.",
        ),
        "one batch too few": (
            lambda waiting, a, c, batch, promise: (
                (1 + waiting // batch) * (a + c * batch) <= promise
            ),
            _ONE_TOO_FEW,
        ),
        "one batch too many": (
            lambda waiting, a, c, batch, promise: (
                (3 + waiting // batch) * (a + c * batch) <= promise
            ),
            "You count one batch too many, and refuse some who would be in time. One is being "
            "computed, then the full batches before you, then your own.",
        ),
        "only those before": (
            lambda waiting, a, c, batch, promise: waiting // batch * (a + c * batch) <= promise,
            "You count whole batches of those who wait. The one that is being computed comes "
            "before them, and your own after them.",
        ),
        "not counted itself": (
            lambda waiting, a, c, batch, promise: (
                (1 + math.ceil(waiting / batch)) * (a + c * batch) <= promise
            ),
            "You forget the request itself. If exactly one batch waits, it does not fit in: it is "
            "the first of the next one.",
        ),
        "one at a time": (
            lambda waiting, a, c, batch, promise: (2 + waiting) * (a + c) <= promise,
            "You let them be computed one at a time. Up to `batch` of them share one `a`.",
        ),
        "a batch of one takes as long": (
            lambda waiting, a, c, batch, promise: (2 + waiting // batch) * (a + c) <= promise,
            "Your batches take as long as a single request. A full one takes `a` and `batch` times "
            "`c`.",
        ),
        "one batch for all": (
            lambda waiting, a, c, batch, promise: a + c * batch + a + c * (waiting + 1) <= promise,
            "You put all who wait into one batch. It has at most `batch` of them.",
        ),
        "parts of a batch": (
            lambda waiting, a, c, batch, promise: (
                (2 + waiting / batch) * (a + c * batch) <= promise
            ),
            "You count parts of batches. Who waits in the middle of a batch is computed with it, "
            "not after a half of it.",
        ),
        "a part of your own batch": (
            lambda waiting, a, c, batch, promise: (
                (1 + (waiting + 1) / batch) * (a + c * batch) <= promise
            ),
            "You count your own batch by the part that is filled now. Its answers come when all of "
            "it is computed, and later requests may fill it.",
        ),
        "as a stream": (
            lambda waiting, a, c, batch, promise: waiting * (a + c * batch) / batch <= promise,
            "You divide the queue by the capacity. That is when those before you are done, on "
            "average: the batch that is computed and your own are not counted.",
        ),
        "nobody comes after you": (
            _as_few_as_now,
            "You let your own batch be as small as it is now. More may come before it begins, and "
            "then it takes longer for you too.",
        ),
        "only the queue": (
            lambda waiting, a, c, batch, promise: waiting < batch,
            "You let in one batch, whatever was promised. A longer promise allows a longer queue.",
        ),
    },
    hint="At worst a full batch has just begun. How many full batches are computed until the new "
    "request is answered, its own included, if `waiting` others are before it?",
)
