"""Load on a real server: clients that send requests over HTTP, and when each was answered.

MLPerf's names for how requests come: *single stream*, one client that waits for each answer;
*server*, many people who do not know of each other, an open loop of Poisson arrivals; *offline*,
all at once. Latency counts from the planned moment. A client that waits for an answer before it
sends leaves out the requests that others would have sent meanwhile: coordinated omission.

The clients run in a thread with an event loop of its own, so that they work in a notebook, too.
Without the extra `serve` they raise ModuleNotFoundError.

Lesson: 23_serving.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, NamedTuple

import numpy as np

from labkit.datacenter.serving import protocol
from labkit.datacenter.serving.served import Served, missing
from labkit.datacenter.serving.traffic import LOST, Answers

PATIENCE = 60.0  # seconds that a client waits for an answer
AGAIN = 0.05  # seconds until a client asks again that got no answer: nobody may listen any more
LEAD = 0.05  # seconds before the first request, for the clients to get ready


class Target(NamedTuple):
    """Where requests go, and what each says.

    Attributes:
        url: of the model's predictions.
        body: of every request.
        headers: of every request.
    """

    url: str
    body: bytes = b""
    headers: Mapping[str, str] = {}


def target(server: Served, rows: Any = None, url: str | None = None) -> Target:
    """Return where a server's model is asked, and a request for rows.

    Args:
        server: that runs.
        rows: (n, ...) numbers of each request; one row of zeros, if there are none.
        url: of a proxy before the server; the server itself, if there is none.
    """
    rows = np.zeros((1, *server.inputs)) if rows is None else rows
    body, headers = protocol.binary_body(rows)
    return Target((url or server.url) + server.path, body, headers | server.headers)


def open_loop(
    target: Target | Iterable[Target], planned: Iterable[float], patience: float = PATIENCE
) -> Answers:
    """Send each request when it is planned, whatever became of the others (MLPerf: server).

    Each request that is under way has a connection of its own.

    Args:
        target: where to; one for all requests, or one for each.
        planned: seconds from the begin, ascending, as of `labkit.datacenter.serving.traffic`.
        patience: seconds after which a client gives up: status 0.
    """
    planned = [float(each) for each in planned]
    targets = [target] * len(planned) if isinstance(target, Target) else list(target)

    async def clients(ask: Ask) -> None:
        async with asyncio.TaskGroup() as group:
            for each, to in zip(planned, targets, strict=True):
                await asyncio.sleep(each - ask.now())
                group.create_task(ask(each, to))

    return _run(None, clients, patience)


def one_by_one(target: Target, planned: Iterable[float], patience: float = PATIENCE) -> Answers:
    """Send planned requests from one client, none before the answer to the one before.

    If an answer takes long the client falls behind its plan. `Answers.response`, from sending, does
    not show that; `Answers.latency`, from the plan, does.

    Args:
        target, planned, patience: as `open_loop`.
    """
    planned = [float(each) for each in planned]

    async def client(ask: Ask) -> None:
        for each in planned:
            await asyncio.sleep(each - ask.now())
            await ask(each)

    return _run(target, client, patience)


def closed_loop(
    target: Target,
    clients: int,
    seconds: float,
    think: float = 0.0,
    seed: int = 0,
    patience: float = PATIENCE,
) -> Answers:
    """Let clients send requests, each one as soon as it has the answer to its last.

    One client is MLPerf's single stream.

    Args:
        target: where to.
        clients: how many.
        seconds: no request is sent later.
        think: seconds before each request of a client, on average (exponential); 0 for none.
        seed: of these pauses.
        patience: seconds after which a client gives up a request: status 0.
    """
    rng = np.random.default_rng(seed)

    async def client(ask: Ask) -> None:
        await asyncio.sleep(rng.exponential(think))
        while (now := ask.now()) < seconds:
            status = await ask(now)
            await asyncio.sleep(rng.exponential(think) + (status == LOST) * AGAIN)

    return _run(target, lambda ask: _together(client(ask) for _ in range(clients)), patience)


def offline(
    target: Target, requests: int, at_once: int = 64, patience: float = PATIENCE
) -> Answers:
    """Send requests that were all there at the begin (MLPerf: offline); `goodput` is the result.

    Args:
        target: where to.
        requests: how many.
        at_once: how many are under way at most.
        patience: seconds after which a client gives up a request: status 0.
    """
    left = itertools.repeat(0.0, requests)

    async def client(ask: Ask) -> None:
        for planned in left:  # all clients take from the same heap
            await ask(planned)

    return _run(target, lambda ask: _together(client(ask) for _ in range(at_once)), patience)


@contextmanager
def stalled(server: Served, after: float, seconds: float) -> Iterator[None]:
    """Let a server's process stand still once, as when its machine is paused or memory is swapped.

    Args:
        server: that runs.
        after: seconds from now until it stops.
        seconds: until it goes on.
    """

    def stand_still() -> None:
        os.kill(server.pid, signal.SIGSTOP)
        over.wait(seconds)
        os.kill(server.pid, signal.SIGCONT)

    over, thread = threading.Event(), threading.Timer(after, stand_still)
    thread.daemon = True
    thread.start()
    try:
        yield
    finally:
        thread.cancel()
        over.set()
        thread.join()


# --- inside ---------------------------------------------------------------------------------------


class Ask:
    """Asks the target once, and notes when and what came."""

    def __init__(self, session: Any, target: Target | None):
        self.session, self.target = session, target
        self.begin = time.perf_counter() + LEAD
        self.rows: list[tuple] = []

    def now(self) -> float:
        """Return the seconds since the begin."""
        return time.perf_counter() - self.begin

    async def __call__(self, planned: float, target: Target | None = None) -> int:
        """Send one request, and wait for the whole answer; return its status."""
        sent = self.now()
        status = await _status(self.session, target or self.target)
        self.rows.append((planned, sent, self.now(), status))
        return status


async def _status(session: Any, target: Target) -> int:
    """Return the status of the target's answer, once it is there; LOST without one."""
    import aiohttp

    try:
        async with session.post(target.url, data=target.body, headers=target.headers) as answer:
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        return LOST


def _run(
    target: Target | None, clients: Callable[[Ask], Awaitable[None]], patience: float
) -> Answers:
    """Run clients in a thread; return what they noted, in the order of their plan."""
    if words := missing():
        raise ModuleNotFoundError(words)

    async def main() -> list[tuple]:
        running = asyncio.get_running_loop(), asyncio.current_task()
        _RUNNING.add(running)
        try:
            async with _session(patience) as session:
                ask = Ask(session, target)
                await asyncio.sleep(LEAD)
                await clients(ask)
                return ask.rows
        finally:
            _RUNNING.discard(running)

    with ThreadPoolExecutor(1, "clients") as pool:
        future = pool.submit(asyncio.run, main())
        try:
            return _answers(future.result())
        except KeyboardInterrupt:  # else the clients would go on unseen
            cancel()
            raise


_RUNNING: set[tuple[asyncio.AbstractEventLoop, asyncio.Task]] = set()


def cancel() -> None:
    """End the clients of all loads that run, in whichever thread."""
    for loop, task in list(_RUNNING):
        with suppress(RuntimeError):  # it has just ended
            loop.call_soon_threadsafe(task.cancel)


@asynccontextmanager
async def _session(patience: float):
    """Yield a session that opens as many connections as there are requests under way."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=patience)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield session


async def _together(clients: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*clients)


def _answers(rows: list[tuple]) -> Answers:
    planned, sent, done, status = np.array(sorted(rows), dtype=float).reshape(-1, 4).T
    batch = np.zeros(len(rows), int)  # the server does not tell
    return Answers(planned, sent, done, status.astype(int), batch)
