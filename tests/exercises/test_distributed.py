"""The exercises of lesson 21 ask for what adds gradients up, splits layers and loses nothing."""

import numpy as np
import pytest

from labkit.datacenter import compression, distributed
from labkit.exercises import distributed as exercise
from labkit.learn import limits
from labkit.maths.activations import gelu
from labkit.maths.backprop import backward, forward, glorot_layers


@pytest.mark.parametrize("counts", [[10, 20, 34], [1, 1, 62], [64]])
def test_combined_means_are_the_gradient_of_one_process(counts):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(64, 3)), rng.integers(0, 2, (64, 1)).astype(float)
    layers = glorot_layers([3, 4, 1])

    def gradient(rows):
        pairs = backward(layers, forward(layers, X[rows]), y[rows])
        return np.concatenate([part.ravel() for pair in pairs for part in pair])

    shards = np.split(np.arange(64), np.cumsum(counts)[:-1])
    means = np.array([gradient(shard) for shard in shards])
    combined = exercise.combine.right(means, np.array(counts))
    np.testing.assert_allclose(combined, gradient(np.arange(64)), rtol=1e-12, atol=1e-15)


RING_STEPS = [exercise.ring_step.right, *(rule for rule, _ in exercise.ring_step.also)]


@pytest.mark.parametrize("size", [2, 3, 4, 8])
@pytest.mark.parametrize("rule", RING_STEPS)
def test_every_ring_that_is_called_right_brings_the_sum_to_all(rule, size):
    vectors = np.random.default_rng(1).normal(size=(size, 19))
    done = distributed.simulate_ring(vectors, rule)
    assert done.problem == ""
    for vector in done.vectors:
        np.testing.assert_allclose(vector, vectors.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("kind", exercise.ring_step.mistakes)
def test_no_ring_that_is_called_wrong_brings_the_sum_to_all(kind):
    rule, _ = exercise.ring_step.mistakes[kind]
    assert distributed.simulate_ring(np.ones((4, 8)), rule).problem


SPLITS = [exercise.split.right, *(rule for rule, _ in exercise.split.also)]


@pytest.mark.parametrize("rule", SPLITS)
def test_every_split_that_is_called_right_adds_up_to_the_block(rule):
    rng = np.random.default_rng(2)
    x, W1, W2 = rng.normal(size=(5, 6)), rng.normal(size=(6, 8)), rng.normal(size=(8, 4))
    parts = [rule(W1, W2, rank, 4) for rank in range(4)]
    np.testing.assert_allclose(sum(gelu(x @ A) @ B for A, B in parts), gelu(x @ W1) @ W2)


@pytest.mark.parametrize("kind", exercise.split.mistakes)
def test_no_split_that_is_called_wrong_adds_up_and_saves_memory(kind):
    rule, _ = exercise.split.mistakes[kind]
    rng = np.random.default_rng(3)
    x, W1, W2 = rng.normal(size=(5, 8)), rng.normal(size=(8, 8)), rng.normal(size=(8, 8))
    parts = [rule(W1, W2, rank, 4) for rank in range(4)]
    try:
        found = sum(gelu(x @ A) @ B for A, B in parts)
    except ValueError:  # shapes that do not fit, even of square matrices
        return
    if kind != "exchanged":  # in square matrices both parts, exchanged, may well add up
        assert found.shape != (5, 8) or not np.allclose(found, gelu(x @ W1) @ W2)


def test_feedback_is_what_the_workers_run():
    rng, rest, twin = np.random.default_rng(4), np.zeros(50), np.zeros(50)
    method = compression.TopK(0.1)

    def compress(vector):
        return method.unpack(method.pack(vector.astype(np.float32)), 50)

    for _ in range(20):
        gradient = rng.normal(size=50)
        sent, rest = exercise.feedback.right(gradient, rest, compress)
        wanted, twin = compression.error_feedback(gradient, twin, compress)
        np.testing.assert_array_equal(sent, wanted)
        np.testing.assert_array_equal(rest, twin)


def test_a_function_that_changes_its_arguments_is_right_and_comes_back_tame():
    def in_place(gradient, rest, compress):
        rest += gradient
        sent = compress(rest)
        return sent, rest - sent

    used = exercise.feedback.use(in_place)
    rest = np.ones(3)
    used(np.ones(3), rest, lambda v: 0.5 * v)
    assert rest.tolist() == [1, 1, 1]


def test_a_loop_over_workers_comes_back_as_an_array():
    used = exercise.combine.use(
        lambda means, counts: [
            sum(n * g for n, g in zip(counts, column, strict=True)) / sum(counts)
            for column in means.T
        ]
    )
    assert isinstance(used(np.ones((2, 3)), np.array([1, 2])), np.ndarray)


def test_feedback_in_another_form_sends_the_same_bytes():
    def in_place(gradient, rest, compress):
        rest += gradient
        sent = compress(rest.astype(np.float64))
        return [sent, rest - sent]

    method, rng = compression.TopK(0.1), np.random.default_rng(5)
    theirs = compression.Sender(method, exercise.feedback.use(in_place))
    ours = compression.Sender(method, compression.error_feedback)
    for _ in range(5):
        gradient = rng.normal(size=(2, 50)).astype(np.float32)
        np.testing.assert_array_equal(theirs.pack(gradient), ours.pack(gradient))


def test_a_loop_without_an_end_ends_with_a_sentence(monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.2)

    def endless(means, counts):
        while True:
            counts = counts + 1

    found = exercise.combine.check(endless)
    assert found.kind == "error"
    assert "Does a loop of yours ever end?" in found.message
