"""Dynamic batching: requests that come one by one are computed together. No web in it.

A batch begins when the model is free and a request waits. It takes those that are there, oldest
first, up to `max_batch` rows; it waits up to `max_wait` for more to come. Who is let in is decided
when a request comes: by the queue's limit, and by the learner's own rule.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from labkit.learn.limits import limited

Run = Callable[[np.ndarray], np.ndarray]
Rule = Callable[[int, float], bool]
RULE_SECONDS = 1.0  # as long as a rule thinks nothing else happens: it needs microseconds


class Refused(Exception):
    """A request that was not let in.

    Attributes:
        retry_after: seconds until there should be room again.
    """

    def __init__(self, message: str, retry_after: float):
        super().__init__(message)
        self.retry_after = retry_after


class Expired(Exception):
    """A request that waited longer than its patience, and was not computed."""


class ModelError(Exception):
    """The model raised an error, or answered another number of rows."""


class RuleError(Exception):
    """The learner's admission rule raised an error, had no end, or returned no yes or no."""


@dataclass(eq=False)
class _Request:
    rows: np.ndarray
    answer: asyncio.Future
    since: float


@dataclass
class Batcher:
    """A queue before a model, and the loop that empties it. Enter it inside a running event loop.

    Args:
        run: the model, (b, ...) -> (b, ...); called in a thread of its own, one batch at a time.
        max_batch: rows that a batch may have.
        max_wait: seconds that the first of a batch may wait for others.
        queue_limit: requests that may wait.
        admit: rule asked for each request, `admit(queue_length, oldest_wait) -> bool`; None lets
            all in that the limit lets in.
        patience: seconds after which a request that still waits is not computed any more.
        on_batch: told rows, seconds of the model, and seconds waited of each request.

    Attributes:
        counts: how many requests were accepted and refused, and of the accepted: answered,
            failed (the model raised an error), expired, left (the client went away), lost (the
            server ended before their turn).

    >>> async def two():
    ...     async with Batcher(lambda rows: rows * 2, max_batch=8) as batcher:
    ...         answers = [batcher.answer(np.full((1, 1), x)) for x in (3.0, 4.0)]
    ...         return [float(a[0, 0]) for a in await asyncio.gather(*answers)]
    >>> asyncio.run(two())
    [6.0, 8.0]
    """

    run: Run
    max_batch: int = 32
    max_wait: float = 0.0
    queue_limit: int = 1000
    admit: Rule | None = None
    patience: float = math.inf
    on_batch: Callable[[int, float, list[float]], None] = lambda rows, seconds, waited: None
    counts: Counter = field(default_factory=Counter)

    def __post_init__(self):
        _check_at_least("max_batch", self.max_batch, 1)
        _check_at_least("max_wait", self.max_wait, 0)
        _check_at_least("queue_limit", self.queue_limit, 0)
        _check_at_least("patience", self.patience, 0)
        self._queue: deque[_Request] = deque()
        self._rows = 0  # that wait
        self._changed = asyncio.Event()
        self._seconds = 0.0  # of the model for a batch, lately
        self.running = 0  # requests in the batch that is computed

    async def __aenter__(self) -> Batcher:
        self._thread = ThreadPoolExecutor(1, "model")
        self._task = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        for request in self._queue:
            request.answer.cancel()
        self._thread.shutdown(wait=False)

    @property
    def queue_length(self) -> int:
        """Requests that wait; those in the batch that is computed do not count."""
        return len(self._queue)

    @property
    def oldest_wait(self) -> float:
        """Seconds that the oldest request has waited, 0.0 where none waits."""
        return time.monotonic() - self._queue[0].since if self._queue else 0.0

    async def answer(self, rows: np.ndarray) -> np.ndarray:
        """Return the model's answer to some rows, once they had their turn.

        Args:
            rows: (n, ...), 1 to max_batch rows.

        Raises:
            ValueError: no row, or more than a batch may have.
            Refused: the queue is full, or the rule said no.
            RuleError: the rule is broken.
            Expired: it waited longer than its patience.
            ModelError: the model failed for its batch.
        """
        if not 1 <= len(rows) <= self.max_batch:
            raise ValueError(f"a request has 1 to {self.max_batch} rows. Received: {len(rows)}")
        self._let_in()
        request = _Request(rows, asyncio.get_running_loop().create_future(), time.monotonic())
        self._queue.append(request)
        self._rows += len(rows)
        self._changed.set()
        try:
            result = await request.answer
            self.counts["answered"] += 1
            return result
        except asyncio.CancelledError as canceled:
            self.counts["left" if canceled.args == ("left",) else "lost"] += 1
            self._forget(request)
            raise

    # --- who is let in ----------------------------------------------------------------------

    def _let_in(self) -> None:
        """Count a request as accepted, or raise why it is not."""
        full = self.queue_length >= self.queue_limit
        if full or not self._rule_says_yes():
            self.counts["refused"] += 1
            why = f"{self.queue_length} requests wait" if full else "the admission rule says no"
            raise Refused(f"{why}; try again later", self._until_room())
        self.counts["accepted"] += 1

    def _rule_says_yes(self) -> bool:
        if self.admit is None:
            return True
        return ask(self.admit, self.queue_length, self.oldest_wait)

    def _until_room(self) -> float:
        """Return the seconds that the model needs for all that wait, at its latest pace."""
        return self._seconds * (1 + self._rows / self.max_batch)

    def _forget(self, request: _Request) -> None:
        with suppress(ValueError):  # it is in the batch that runs
            self._queue.remove(request)
            self._rows -= len(request.rows)

    # --- batch after batch ------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            await self._batch_is_ready()
            if batch := self._take():
                await self._compute(batch)

    async def _batch_is_ready(self) -> None:
        """Wait for a request, then until the batch is full or its first has waited enough."""
        while not self._queue:
            await self._change(None)
        until = self._queue[0].since + self.max_wait
        while self._rows < self.max_batch and (left := until - time.monotonic()) > 0:
            await self._change(left)

    async def _change(self, seconds: float | None) -> None:
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _take(self) -> list[_Request]:
        """Take the next batch off the queue: whole requests, as long as their rows fit."""
        batch, rows, now = [], 0, time.monotonic()
        while self._queue and rows + len(self._queue[0].rows) <= self.max_batch:
            request = self._queue.popleft()
            self._rows -= len(request.rows)
            if now - request.since > self.patience:
                self._end(request, "expired", Expired(f"it waited {self.patience:g} s"))
            else:
                batch.append(request)
                rows += len(request.rows)
        return batch

    async def _compute(self, batch: list[_Request]) -> None:
        begun = time.monotonic()
        rows = np.concatenate([request.rows for request in batch])
        self.running = len(batch)
        try:
            loop = asyncio.get_running_loop()
            seconds, results = await loop.run_in_executor(self._thread, _timed, self.run, rows)
        except (Exception, SystemExit) as error:
            for request in batch:
                words = f"the model failed: {type(error).__name__}: {error}"
                self._end(request, "failed", ModelError(words))
            return
        finally:
            self.running = 0
        self._seconds = seconds
        self.on_batch(len(rows), seconds, [begun - request.since for request in batch])
        ends = np.cumsum([len(request.rows) for request in batch])
        for request, part in zip(batch, np.split(results, ends[:-1]), strict=True):
            if not request.answer.done():  # else its client has left
                request.answer.set_result(part)

    def _end(self, request: _Request, how: str, error: Exception) -> None:
        if not request.answer.done():
            self.counts[how] += 1
            request.answer.set_exception(error)


def ask(admit: Rule, queue_length: int, oldest_wait: float) -> bool:
    """Return what a rule says.

    In the main thread, where a server asks, a rule that goes on is stopped after `RULE_SECONDS`.

    Raises:
        RuleError: it raised an error, was stopped, or returned no bool.

    >>> ask(lambda queue_length, oldest_wait: queue_length < 5, 4, 0.1)
    True
    """
    asked = f"the admission rule, asked with queue_length={queue_length}, "
    asked += f"oldest_wait={oldest_wait:.3g}, "
    try:
        with limited(RULE_SECONDS):
            said = admit(queue_length, oldest_wait)
    except BaseException as error:  # sys.exit() too: the server goes on
        raise RuleError(f"{asked}raised {type(error).__name__}: {error}") from error
    if not isinstance(said, bool | np.bool_):
        raise RuleError(f"{asked}returned {said!r}. It must return True or False")
    return bool(said)


def _timed(run: Run, rows: np.ndarray) -> tuple[float, np.ndarray]:
    begun = time.monotonic()
    results = run(rows)
    if len(results) != len(rows):
        raise ValueError(f"the model answered {len(rows)} rows with {len(results)}")
    return time.monotonic() - begun, results


def _check_at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise ValueError(f"{name} must be at least {least}. Received: {value!r}")
