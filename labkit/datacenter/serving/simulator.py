"""A server with a queue and batches, simulated: the rules of the real one, on a clock of its own.

Lesson: 23_serving.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from labkit.datacenter.events import Events
from labkit.datacenter.serving.traffic import LOST, OK, REFUSED, Answers


class Seconds(Protocol):
    """What knows how long a batch takes, such as `labkit.datacenter.steps.Line`."""

    def seconds(self, batch: int) -> float:
        """Return the seconds of a batch."""


class Server:
    """One accelerator and the queue before it.

    An idle server starts a batch as soon as `max_batch` requests wait, or the oldest has waited for
    `max_wait`. It takes those that came first. A request that finds `queue_limit` waiting is
    refused.

    Args:
        events: the clock.
        line: seconds of a batch.
        answered: called with request, status and batch size as soon as it is answered.
        max_batch: most requests of a batch, at least 1.
        max_wait: seconds that an idle server waits for a fuller batch.
        queue_limit: most requests that wait, those in the batch not counted; None for no limit.
        admit: a rule of its own for who is let in, `admit(queue_length, oldest_wait)`, asked as
            that of `labkit.datacenter.serving.batching.Batcher` is.

    Raises:
        ValueError: a batch or a limit below 1, or a wait below 0.
    """

    def __init__(
        self,
        events: Events,
        line: Seconds,
        answered: Callable[[int, int, int], None],
        max_batch: int = 1,
        max_wait: float = 0.0,
        queue_limit: int | None = None,
        admit: Callable[[int, float], bool] | None = None,
    ):
        limit = 1 if queue_limit is None else queue_limit
        if not (max_batch >= 1 and max_wait >= 0 and limit >= 1):
            raise ValueError(
                "max_batch and queue_limit must be 1 or more, max_wait 0 or more. Received: "
                f"{max_batch}, {queue_limit}, {max_wait}"
            )
        self.events, self.line, self.answered = events, line, answered
        self.max_batch, self.max_wait, self.queue_limit = max_batch, max_wait, queue_limit
        self.admit = admit
        self.busy, self._looks_at = False, 0.0
        self.queue: deque[tuple[float, int]] = deque()  # since when it waits, and who

    def arrive(self, request: int) -> None:
        """Let a request come: it waits, or is refused."""
        if self._lets_in():
            self.queue.append((self.events.now, request))
            self._look()
        else:
            self.answered(request, REFUSED, 0)

    def _lets_in(self) -> bool:
        waiting, now = len(self.queue), self.events.now
        if self.queue_limit is not None and waiting >= self.queue_limit:
            return False
        return self.admit is None or self.admit(waiting, now - self.queue[0][0] if waiting else 0.0)

    def _look(self) -> None:
        """Start a batch if there is one to start, or look again when its first has waited."""
        queue = self.queue
        if self.busy or not queue:
            return
        until = queue[0][0] + self.max_wait
        if len(queue) >= self.max_batch or until <= self.events.now:
            batch = [queue.popleft()[1] for _ in range(min(len(queue), self.max_batch))]
            self.busy = True
            self.events.after(self.line.seconds(len(batch)), self._done, batch)
        elif until > self._looks_at:
            self._looks_at = until
            self.events.at(until, self._look)

    def _done(self, batch: list[int]) -> None:
        self.busy = False
        for request in batch:
            self.answered(request, OK, len(batch))
        self._look()


def simulate(planned: np.ndarray, line: Seconds, **server) -> Answers:
    """Return how a simulated server answers requests that come when they are planned.

    An open loop: nobody waits for an answer before the next request comes.

    Args:
        planned: seconds of the requests, ascending, shape (n,).
        line: seconds of a batch.
        **server: max_batch, max_wait, queue_limit, admit of `Server`.

    >>> from labkit.datacenter.steps import Line
    >>> answers = simulate(np.array([0.0, 0.1, 0.2]), Line(1.0, 0.5), max_batch=2)
    >>> answers.done.tolist(), answers.batch.tolist()  # the first alone, then two together
    ([1.5, 3.5, 3.5], [1, 2, 2])
    """
    events, seen = Events(), {}

    def answered(request: int, status: int, batch: int) -> None:
        seen[request] = events.now, status, batch

    machine = Server(events, line, answered, **server)
    times = np.asarray(planned, float).tolist()

    def come(request: int) -> None:
        if request + 1 < len(times):
            events.at(times[request + 1], come, request + 1)
        machine.arrive(request)

    if times:
        events.at(times[0], come, 0)
    events.run()
    return _answers(times, times, seen)


def simulate_closed(
    clients: int, seconds: float, line: Seconds, think: float = 0.0, seed: int = 0, **server
) -> Answers:
    """Return how a simulated server answers clients that wait for an answer before the next.

    A closed loop. Who is refused asks again after a pause, too.

    Args:
        clients: how many.
        seconds: no request is sent later.
        line: seconds of a batch.
        think: seconds before each request of a client, on average (exponential); 0 for none.
        seed: of these pauses.
        **server: max_batch, max_wait, queue_limit, admit of `Server`.

    Raises:
        ValueError: refusals that cost a client no time.

    >>> from labkit.datacenter.steps import Line
    >>> answers = simulate_closed(4, 10.0, Line(0.25, 0.0))
    >>> answers.latency[-1].item(), answers.goodput  # Little: 4 clients = latency x rate
    (1.0, 4.0)
    """
    if not think and (server.get("queue_limit") is not None or server.get("admit")):
        raise ValueError("give think above 0: a refused client would ask again without end")
    events, sent, seen = Events(), [], {}
    rng = np.random.default_rng(seed)

    def pause() -> None:
        events.after(rng.exponential(think), send)

    def send() -> None:
        if events.now < seconds:
            sent.append(events.now)
            machine.arrive(len(sent) - 1)

    def answered(request: int, status: int, batch: int) -> None:
        seen[request] = events.now, status, batch
        pause()

    machine = Server(events, line, answered, **server)
    for _ in range(clients):
        pause()
    events.run()
    return _answers(sent, sent, seen)


def _answers(planned: list[float], sent: list[float], seen: dict[int, tuple]) -> Answers:
    nothing = (float("nan"), LOST, 0)
    found = np.array([seen.get(n, nothing) for n in range(len(planned))]).reshape(-1, 3)
    done, status, batch = found.T
    return Answers(np.array(planned), np.array(sent), done, status.astype(int), batch.astype(int))
