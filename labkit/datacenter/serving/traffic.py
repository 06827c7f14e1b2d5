"""Requests: when they are planned, and how they were answered, by a real server or a simulated one.

Lesson: 23_serving.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

OK, REFUSED, LOST = 200, 503, 0


def poisson(rate: float, seconds: float, seed: int | np.random.Generator = 0) -> np.ndarray:
    """Return the times of requests of many people who do not know of each other.

    A Poisson process: the gaps are exponential, and independent.

    Args:
        rate: requests a second, on average.
        seconds: how long they come.
        seed: of the gaps, or a generator that draws them.

    Raises:
        ValueError: a rate or a time that is not above 0.

    >>> len(poisson(100, 10)), len(poisson(100, 10, seed=1))
    (1012, 1001)
    """
    if not (rate > 0 and seconds > 0):
        raise ValueError(f"rate and seconds must be above 0. Received: {rate}, {seconds}")
    rng = np.random.default_rng(seed)
    # The number first, then the places: the same process as exponential gaps, and one line.
    return np.sort(rng.uniform(0, seconds, rng.poisson(rate * seconds)))


def bursts(rate: float, seconds: float, size: int, spread: float, seed: int = 0) -> np.ndarray:
    """Return the times of requests that come together: a page asks for `size` answers at once.

    Args:
        rate: requests a second, on average; bursts come as a Poisson process of rate / size.
        seconds: how long bursts come.
        size: requests of a burst.
        spread: seconds within which those of a burst come.
        seed: of all of it.

    >>> times = bursts(10, 1, size=4, spread=0.0)
    >>> bool((times[::4] == times[3::4]).all())
    True
    """
    begins = poisson(rate / size, seconds, seed)
    rng = np.random.default_rng([seed, size])
    return np.sort((begins[:, None] + rng.uniform(0, spread, (len(begins), size))).ravel())


class Answers(NamedTuple):
    """What became of requests; one array element for each, in the order of their plan.

    Attributes:
        planned: seconds from the begin, when the request was to be sent.
        sent: when it was sent: later, if the client did not come to it.
        done: when its answer was there, whole.
        status: 200 answered, 503 refused, 0 no answer; others as HTTP has them.
        batch: with how many it was computed, itself included; 0 where nobody said so.
    """

    planned: np.ndarray
    sent: np.ndarray
    done: np.ndarray
    status: np.ndarray
    batch: np.ndarray

    @property
    def ok(self) -> np.ndarray:
        """Which were answered with a result, array of bool."""
        return self.status == OK

    @property
    def latency(self) -> np.ndarray:
        """Seconds from the planned moment to the answer, of those answered with a result."""
        return (self.done - self.planned)[self.ok]

    @property
    def response(self) -> np.ndarray:
        """Seconds from sending to the answer: what a client sees that waits before it sends."""
        return (self.done - self.sent)[self.ok]

    @property
    def seconds(self) -> float:
        """Seconds from the first planned moment to the last answer."""
        return float(self.done.max() - self.planned.min()) if len(self.done) else 0.0

    @property
    def goodput(self) -> float:
        """Results a second."""
        return float(self.ok.sum() / self.seconds) if self.seconds else 0.0

    @property
    def batch_mean(self) -> float:
        """Requests in a batch, on average over batches; 0 where nobody said."""
        sizes = self.batch[self.ok & (self.batch > 0)]
        return float(len(sizes) / np.sum(1 / sizes)) if len(sizes) else 0.0

    @property
    def refused(self) -> float:
        """Share of all requests that were refused."""
        return float(np.mean(self.status == REFUSED)) if len(self.status) else 0.0

    @property
    def failed(self) -> int:
        """Requests that got neither a result nor a refusal."""
        return int(np.sum((self.status != OK) & (self.status != REFUSED)))

    def percentile(self, share: float) -> float:
        """Return the latency that this share of the results did not exceed.

        Args:
            share: above 0, at most 1.

        Raises:
            ValueError: another share, or no result at all.
        """
        return percentile(self.latency, share)


def percentile(seconds: np.ndarray, share: float) -> float:
    """Return the smallest of these values that a share of them does not exceed (nearest rank).

    Args:
        seconds: latencies, at least one.
        share: above 0, at most 1; 0.99 for the 99th percentile.

    Raises:
        ValueError: another share, or no value.

    >>> percentile([0.1] * 98 + [2.0, 3.0], 0.99)
    2.0
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0, at most 1 (0.99 for p99). Received: {share!r}")
    if not len(seconds):
        raise ValueError("no request was answered with a result: there is no percentile")
    return float(np.quantile(seconds, share, method="inverted_cdf"))
