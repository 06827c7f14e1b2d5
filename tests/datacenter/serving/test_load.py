"""The clients send when they should and note what came, by a server that keeps its own book."""

import asyncio
import signal
import threading
import time

import numpy as np
import pytest

from labkit.datacenter.serving import load
from labkit.datacenter.serving.traffic import poisson

web = pytest.importorskip("aiohttp.web")


class Book:
    """A web server in a thread that answers one request after the other, and notes who came."""

    def __init__(self, seconds=0.0, status=200, stall=None, tail=0.0):
        self.seconds, self.status, self.stall, self.tail = seconds, status, stall, tail
        self.came, self.bodies, self.headers = [], [], []
        self.most = self.now = 0

    async def handle(self, request):
        self.came.append(time.perf_counter())
        self.bodies.append(await request.read())
        self.headers.append(request.headers)
        self.now += 1
        self.most = max(self.most, self.now)
        async with self.turn:
            await asyncio.sleep(self.seconds)
            if self.stall and len(self.came) > self.stall[0]:
                seconds, self.stall = self.stall[1], None
                await asyncio.sleep(seconds)
        self.now -= 1
        answer = web.StreamResponse(status=self.status, headers={"content-length": "4"})
        await answer.prepare(request)
        await answer.write(b"do")
        await asyncio.sleep(self.tail)
        await answer.write(b"ne")
        return answer

    async def main(self):
        self.turn, self.end = asyncio.Lock(), asyncio.Event()
        app = web.Application()
        app.router.add_post("/ask", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/ask"
        self.loop = asyncio.get_running_loop()
        self.ready.set()
        await self.end.wait()
        await runner.cleanup()

    def __enter__(self):
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.main()))
        self.thread.start()
        self.ready.wait(20)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.end.set)
        self.thread.join(20)


def test_an_open_loop_sends_by_its_plan_though_nobody_has_been_answered():
    planned = poisson(100, 0.5, seed=0)
    with Book(seconds=0.02) as book:
        target = load.Target(book.url, b"body", {"x-token": "secret"})
        answers = load.open_loop(target, planned)
    np.testing.assert_array_equal(answers.planned, planned)
    assert answers.ok.all()
    assert book.most > 10  # were under way at once
    came = np.sort(book.came) - min(book.came)
    late = np.abs(came - (planned - planned[0]))
    assert np.median(late) < 0.05
    # One after the other, 20 ms each: the last is answered after all of them at the earliest.
    assert answers.done.max() > planned[0] + 0.02 * len(planned)
    assert set(book.bodies) == {b"body"}
    assert {each["x-token"] for each in book.headers} == {"secret"}


@pytest.mark.parametrize("clients", [1, 4])
def test_a_closed_loop_has_as_many_under_way_as_clients(clients):
    with Book(seconds=0.01) as book:
        answers = load.closed_loop(load.Target(book.url), clients, seconds=0.4)
    assert book.most == clients
    assert len(answers.ok) == len(book.came)
    rate = len(answers.ok) / answers.seconds
    assert answers.latency.mean() * rate == pytest.approx(clients, rel=0.15)  # Little


def test_offline_all_were_there_at_the_begin():
    with Book() as book:
        answers = load.offline(load.Target(book.url), requests=50, at_once=8)
    assert len(book.came) == 50
    assert book.most <= 8
    assert set(answers.planned) == {0.0}
    assert answers.goodput == pytest.approx(50 / answers.done.max())


def test_one_by_one_omits_who_would_have_come_during_a_stall():
    planned = np.arange(100) / 100
    with Book(stall=(20, 0.5)) as book:
        answers = load.one_by_one(load.Target(book.url), planned)
    assert book.most == 1
    slow = [np.sum(seconds > 0.1) for seconds in (answers.response, answers.latency)]
    assert slow[0] <= 3  # the one that met the stall, and what another program disturbed
    assert slow[1] > 30
    assert answers.percentile(0.9) > 0.25
    assert np.median(answers.response) < 0.05


def test_refusals_and_errors_are_counted_apart():
    with Book(status=503) as book:
        refused = load.open_loop(load.Target(book.url), np.zeros(5))
    assert (refused.refused, refused.failed, refused.goodput) == (1.0, 0, 0.0)
    nobody = load.open_loop(load.Target(book.url), np.zeros(5))  # it is gone
    assert (nobody.refused, nobody.failed) == (0.0, 5)
    assert set(nobody.status) == {0}
    with Book(seconds=5) as book:
        gave_up = load.open_loop(load.Target(book.url), np.zeros(3), patience=0.2)
    assert gave_up.failed == 3
    assert gave_up.done.max() < 3


def test_it_works_where_an_event_loop_runs_as_in_a_notebook():
    async def cell():
        return load.open_loop(load.Target(book.url), np.zeros(2))

    with Book() as book:
        assert asyncio.run(cell()).ok.all()


def test_an_answer_is_there_when_its_last_byte_is():
    with Book(tail=0.3) as book:
        answers = load.open_loop(load.Target(book.url), np.zeros(2))
    assert answers.response.min() > 0.29


def test_who_finds_nobody_does_not_ask_without_a_pause():
    with Book() as book:
        pass  # it is gone
    answers = load.closed_loop(load.Target(book.url), clients=1, seconds=0.3)
    assert 1 <= answers.failed == len(answers.ok) <= 7


def test_an_interrupt_ends_the_clients_too():
    with Book(seconds=0.01) as book:
        main = threading.main_thread().ident
        threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT)).start()
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            load.closed_loop(load.Target(book.url), clients=2, seconds=30)
        assert time.monotonic() - begun < 10
        came = len(book.came)
        time.sleep(0.1)
        assert len(book.came) == came > 0


def test_without_aiohttp_it_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(load, "missing", lambda: "pip install 'labkit[serve]'")
    with pytest.raises(ModuleNotFoundError, match=r"labkit\[serve\]"):
        load.open_loop(load.Target("http://127.0.0.1:1"), [0.0])
