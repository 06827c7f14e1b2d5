"""Lesson 21: its cells are the formulas of the lab, and its real workers run what was written."""

import ast
import functools
import time

import nbformat
import numpy as np
import pytest
from lesson_code import names_after

from labkit.datacenter import compression, distributed, pipeline, plans
from labkit.datacenter.distributed import bytes_sent
from labkit.datacenter.links import Link
from labkit.datacenter.network import Network, small_digits
from labkit.datacenter.workers import Workers
from labkit.exercises import distributed as exercise
from labkit.lab import places


def defined(cell: str, name: str, **names):
    """Return one function of a cell of the lesson, without running what stands around it."""
    cells = nbformat.read(places.lesson_files()["21"], as_version=4).cells
    (source,) = [each.source for each in cells if each.id == cell]
    (function,) = [node for node in ast.parse(source).body if getattr(node, "name", None) == name]
    exec(ast.unparse(function), names)
    return names[name]


@pytest.mark.parametrize("kind", pipeline.KINDS)
@pytest.mark.parametrize("stages", [1, 2, 3, 5])
@pytest.mark.parametrize("micro_batches", [1, 2, 4, 9])
def test_the_schedule_in_the_cell_is_that_of_the_field(kind, stages, micro_batches):
    schedule = defined("schedule", "schedule")
    for rank in range(stages):
        wanted = pipeline.schedule(kind, stages, rank, micro_batches)
        assert schedule(kind, stages, rank, micro_batches) == wanted


@pytest.mark.parametrize("method", distributed.ALL_REDUCE)
@pytest.mark.parametrize("size", [2, 3, 4, 7, 8, 32])
@pytest.mark.parametrize("size_in_bytes", [100, 2**20])
def test_the_seconds_in_the_cell_are_the_models(method, size, size_in_bytes):
    line = Link(bandwidth=20e6, latency=0.01)
    model = defined("models", "model", line=line, np=np)
    wanted = distributed.seconds(method, size, size_in_bytes, line)
    assert model(method, size, size_in_bytes) == pytest.approx(wanted)


# Cells that measure for a while, and nothing of which the tests below need.
SHORT = dict.fromkeys(("models", "predict_ring", "schedule", "predict_pipeline"), "")
# Each in a way of its own: shifted by a chunk, dealt like cards, added in another order.
RIGHT = """
calls = []


def my_combine(means, counts):
    calls.append("combine")
    return np.average(means, axis=0, weights=counts)


def my_ring_step(rank, step, size):
    calls.append("ring_step")
    return (rank + 1 - step) % size, (rank - step) % size


def my_split(W1, W2, rank, size):
    calls.append("split")
    return W1[:, rank::size], W2[rank::size]


def my_feedback(gradient, rest, compress):
    sent = compress(rest + gradient)
    return sent, gradient + (rest - sent)
"""
WRONG = """
def my_combine(means, counts):
    return means.mean(axis=0)


def my_ring_step(rank, step, size):
    return rank, rank


def my_split(W1, W2, rank, size):
    return W1, W2


def my_feedback(gradient, rest, compress):
    return compress(gradient), rest
"""
EXERCISES = ("combine", "ring_step", "split", "feedback")
# A job that tells which of the learner's functions were called inside the worker.
COUNTED = """
def counted(worker):
    calls.clear()
    star(worker, np.ones(5), 1)
    ring(worker, np.ones(9))
    block(worker, sample, W1, W2)
    return {name: calls.count(name) for name in ("combine", "ring_step", "split")}
"""


def holds_in_a_pool_of(size, shares, names):
    """The jobs of the lesson with other numbers of workers, and a batch shared unequally."""
    run, steps = functools.partial(names["workers"].run, size=size), names["training_steps"]
    items, one = names["network"].items, names["one_process"]
    trained = run(names["train"], shares, names["by_ring"])
    assert sum(sent for _, sent in trained) == steps * sum(bytes_sent("ring", size, items, 8))
    assert all(np.array_equal(w, trained[0][0]) for w, _ in trained)
    assert abs(trained[0][0] - one).max() < 1e-12
    plain, sharded = (run(names["train_adam"], each) for each in (False, True))
    assert all(np.array_equal(w, plain[0][0]) for w, *_ in plain + sharded)
    assert [sent for *_, sent in plain] == [sent for *_, sent in sharded]
    assert (
        {state for _, state, _ in plain} == {sum(state for _, state, _ in sharded)} == {8 * items}
    )
    assert max(abs(state - 8 * items / size) for _, state, _ in sharded) <= 8
    block = names["sample"], names["W1"], names["W2"]
    for found in run(names["block"], *block):
        np.testing.assert_allclose(found, names["whole_block"], atol=1e-12)
    assert abs(run(names["trap"], *block)[0] - names["whole_block"]).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("written", "whose"), [(RIGHT, "yours"), (WRONG, "the lab's")])
def test_what_is_trained_is_one_network_whoever_wrote_its_parts(written, whose):
    # All four are written at the first exercise; the stubs of the others stay out.
    stubs = {f"exercise_{name}": "" for name in EXERCISES} | {"exercise_combine": written}
    names = names_after("21", "check-feedback", **SHORT, **stubs)
    with names["workers"] as workers:
        assert {getattr(exercise, name).whose for name in EXERCISES} == {whose}
        assert all(names["equal"].values())
        off = names["far"]
        assert 0 < off["float64", "8"] < 1e-12
        assert max(off["float64", n] for n in names["shares"]) < 1e-12
        assert max(off["float32", n] for n in names["shares"]) < 1e-5
        assert max(abs(w - names["one_process"]).max() for w, _ in names["runs"]) < 1e-12
        assert names["plain"][2] == names["sharded"][2]  # bytes sent
        np.testing.assert_array_equal(names["plain"][0], names["sharded"][0])
        np.testing.assert_allclose(names["by_units"], names["whole_block"], atol=1e-12)
        assert abs(names["by_inputs"] - names["whole_block"]).max() > 0.1
        if whose == "yours":
            exec(COUNTED, names)
            found = workers.run(names["counted"], size=3)
            assert [each["combine"] for each in found] == [1, 0, 0]  # worker 0 combines
            # Two all-reduces, each with two steps there and two back.
            assert [(each["ring_step"], each["split"]) for each in found] == [(8, 1)] * 3
            for size, shares in {2: [128, 0], 3: [100, 21, 7]}.items():
                holds_in_a_pool_of(size, shares, names)


@pytest.mark.slow
@pytest.mark.alone
def test_the_plan_to_beat_can_be_beaten_by_what_the_lesson_taught():
    digits, big, found = small_digits(), Network((196, 512, 10)), {}
    line, job = Link(bandwidth=20e6, latency=0.01), {"size": 4, "patience": 9}
    with Workers(4) as workers:
        workers.put(x=digits.train.x, y=digits.train.y)
        for method in (None, compression.TopK(0.01)):
            how = distributed.ring, method, exercise.feedback.right
            seconds = workers.run(plans.race, big, 5, 0.003, *how, link=line, **job)[0][1]
            weights = [w for w, _ in workers.run(plans.race, big, 60, 0.0, *how, **job)]
            assert all((w == weights[0]).all() for w in weights)
            found[method] = seconds, big.accuracy(weights[0], digits.test)
    plain, small = found.values()
    assert small[0] < 0.9 * plain[0]  # 0.131 against 0.184 s by the model
    assert small[1] > plain[1] - 0.01


@pytest.mark.slow
@pytest.mark.alone
def test_a_worker_that_computes_is_waited_for_and_one_that_sleeps_is_not():
    def job(worker, rest):
        until = time.perf_counter() + 1.5
        while worker.rank == 1 and time.perf_counter() < until:
            rest()
        return "all"

    with Workers(2) as workers:
        busy = plans.outcome(workers, job, lambda: None, patience=1.0)
        asleep = plans.outcome(workers, job, lambda: time.sleep(30), patience=1.0)
    assert (busy.told, busy.cause) == ("all", "none")
    assert asleep.cause == "hung"
    assert asleep.told.startswith("worker 1 hung")
