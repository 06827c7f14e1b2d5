"""The batcher: who is let in, who is computed with whom, and what becomes of each request."""

import asyncio
import threading
import time

import numpy as np
import pytest

from labkit.datacenter.serving.batching import Batcher, Expired, ModelError, Refused, RuleError


class Gate:
    """A model that waits until it is let go, and keeps what it was given."""

    def __init__(self):
        self.go, self.batches = threading.Event(), []

    def __call__(self, rows):
        self.batches.append(rows.ravel().tolist())
        assert self.go.wait(20)
        return rows * 10


def one(value, rows=1):
    return np.full((rows, 1), float(value))


async def ask(batcher, *requests):
    """Ask one after the other, without waiting for answers; return the tasks."""
    tasks = []
    for rows in requests:
        tasks.append(asyncio.create_task(batcher.answer(rows)))
        await asyncio.sleep(0.01)  # the first is computed before the second comes
    return tasks


def run(job, *args, **kwargs):
    """Run `job(batcher, gate)` in an event loop."""

    async def within():
        gate = Gate()
        async with Batcher(gate, *args, **kwargs) as batcher:
            try:
                return await job(batcher, gate)
            finally:
                gate.go.set()

    return asyncio.run(within())


def test_what_waits_while_the_model_computes_becomes_one_batch_in_its_order():
    async def job(batcher, gate):
        tasks = await ask(batcher, one(1), one(2), one(3, rows=2), one(4), one(5))
        assert batcher.queue_length == 4
        assert batcher.running == 1
        gate.go.set()
        answers = [float(rows[0, 0]) for rows in await asyncio.gather(*tasks)]
        return answers, gate.batches, dict(batcher.counts)

    answers, batches, counts = run(job, max_batch=4)
    assert answers == [10, 20, 30, 40, 50]
    assert batches == [[1], [2, 3, 3, 4], [5]]  # whole requests only, as many as fit
    assert counts == {"accepted": 5, "answered": 5}


def test_each_request_gets_its_own_rows_back():
    async def job():
        async with Batcher(lambda rows: rows.sum(-1, keepdims=True), max_batch=16) as batcher:
            parts = [np.random.default_rng(n).normal(size=(1 + n % 5, 3)) for n in range(40)]
            answers = await asyncio.gather(*map(batcher.answer, parts))
            return all(
                np.allclose(a, p.sum(-1, keepdims=True))
                for a, p in zip(answers, parts, strict=True)
            )

    assert asyncio.run(job())


def test_a_batch_waits_for_others_until_it_is_full_or_its_first_has_waited():
    async def job():
        sizes = []
        batcher = Batcher(lambda rows: rows, max_batch=3, max_wait=0.5)
        batcher.on_batch = lambda rows, *_: sizes.append(rows)
        async with batcher:
            begun = time.monotonic()
            await asyncio.gather(*(batcher.answer(one(n)) for n in range(3)))
            full = time.monotonic() - begun
            await asyncio.gather(*(batcher.answer(one(n)) for n in range(2)))
            return sizes, full, time.monotonic() - begun - full

    sizes, full, not_full = asyncio.run(job())
    assert sizes == [3, 2]
    assert full < 0.5 <= not_full


def test_the_queue_has_a_limit_and_says_when_to_come_again():
    async def job(batcher, gate):
        tasks = await ask(batcher, one(1), one(2), one(3))
        with pytest.raises(Refused, match="2 requests wait"):
            await batcher.answer(one(4))
        gate.go.set()
        await asyncio.gather(*tasks)
        return dict(batcher.counts), gate.batches

    counts, batches = run(job, max_batch=1, queue_limit=2)
    assert counts == {"accepted": 3, "refused": 1, "answered": 3}
    assert batches == [[1], [2], [3]]


def test_the_learners_rule_is_asked_with_what_waits():
    asked = []

    def rule(queue_length, oldest_wait):
        asked.append((queue_length, oldest_wait > 0))
        return queue_length < 1

    async def job(batcher, gate):
        await ask(batcher, one(1))
        await ask(batcher, one(2))
        with pytest.raises(Refused, match="the admission rule says no"):
            await batcher.answer(one(3))

    run(job, admit=rule)
    assert asked == [(0, False), (0, False), (1, True)]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda q, w: 1 / 0, "raised ZeroDivisionError"),
        (lambda q, w: None, "returned None"),
        (lambda q: True, "raised TypeError"),
    ],
)
def test_a_broken_rule_is_told_and_the_next_request_is_served(rule, words):
    async def job():
        async with Batcher(lambda rows: rows, admit=rule) as batcher:
            with pytest.raises(RuleError, match=words):
                await batcher.answer(one(1))
            batcher.admit = None
            return float((await batcher.answer(one(2)))[0, 0])

    assert asyncio.run(job()) == 2


def test_who_lost_patience_is_not_computed():
    async def job(batcher, gate):
        first, second = await ask(batcher, one(1), one(2))
        await asyncio.sleep(0.1)
        gate.go.set()
        await first
        with pytest.raises(Expired):
            await second
        return gate.batches, dict(batcher.counts)

    batches, counts = run(job, max_batch=1, patience=0.05)
    assert batches == [[1]]
    assert counts == {"accepted": 2, "answered": 1, "expired": 1}


def test_who_has_left_is_not_computed():
    async def job(batcher, gate):
        first, second, third = await ask(batcher, one(1), one(2), one(3))
        second.cancel("left")
        await asyncio.sleep(0)
        assert batcher.queue_length == 1
        gate.go.set()
        await asyncio.gather(first, third)
        return gate.batches, dict(batcher.counts)

    batches, counts = run(job, max_batch=8)
    assert batches == [[1], [3]]
    assert counts == {"accepted": 3, "left": 1, "answered": 2}


def test_a_model_that_fails_fails_its_batch_alone():
    def model(rows):
        if (rows < 0).any():
            raise ArithmeticError("a negative row")
        return rows

    async def job():
        async with Batcher(model) as batcher:
            with pytest.raises(ModelError, match="ArithmeticError: a negative row"):
                await batcher.answer(one(-1))
            answer = await batcher.answer(one(1))
            return float(answer[0, 0]), dict(batcher.counts)

    assert asyncio.run(job()) == (1.0, {"accepted": 2, "failed": 1, "answered": 1})


@pytest.mark.parametrize("rows", [0, 9])
def test_a_request_has_as_many_rows_as_a_batch_may_have(rows):
    async def job():
        async with Batcher(lambda rows: rows, max_batch=8) as batcher:
            await batcher.answer(one(1, rows=rows))

    with pytest.raises(ValueError, match=f"1 to 8 rows. Received: {rows}"):
        asyncio.run(job())


@pytest.mark.parametrize("setting", ["max_batch", "max_wait", "queue_limit", "patience"])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ValueError, match=setting):
        Batcher(lambda rows: rows, **{setting: -1})
