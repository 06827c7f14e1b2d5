"""Compressed gradients: bytes and values by hand, what feedback promises, workers, simulation."""

import itertools

import numpy as np
import pytest

from labkit.datacenter.compression import (
    METHODS,
    OneBit,
    Plain,
    RandomK,
    Sender,
    Settings,
    TopK,
    error_feedback,
    no_feedback,
    optimizer_bytes,
    simulate,
    train,
    tune,
)
from labkit.datacenter.network import Network, draw_batch, small_digits
from labkit.datacenter.workers import Workers
from labkit.maths.descent import OPTIMIZERS

FEEDBACKS = (no_feedback, error_feedback)
GRADIENT = np.array([0.5, -3.0, 0.1, 1.0, 0.0, -0.2, 0.3, -0.9, 2.0], np.float32)
EVERY = [*METHODS.values(), RandomK(0.01), RandomK(0.01, scaled=True)]
SMALL = Settings(workers=3, batch_size=8, steps=12, network=Network((196, 6, 10)))


@pytest.fixture(scope="module")
def parts():
    return small_digits()


def arrived(method, vectors, draw=0):
    return method.unpack(method.pack(vectors, draw), vectors.shape[-1], draw)


# --- methods ----------------------------------------------------------------------------------


def test_each_method_brings_back_what_its_idea_says():
    assert arrived(Plain(), GRADIENT).tolist() == GRADIENT.tolist()
    assert arrived(TopK(1 / 3), GRADIENT).tolist() == [0, -3, 0, 1, 0, 0, 0, 0, 2]
    mean = np.float32(8 / 9)  # of 0.5, 3, 0.1, 1, 0, 0.2, 0.3, 0.9, 2
    signs = [1, -1, 1, 1, 1, -1, 1, -1, 1]
    assert arrived(OneBit(), GRADIENT) == pytest.approx(mean * np.array(signs), rel=1e-6)
    some = arrived(RandomK(1 / 3), GRADIENT, draw=5)
    assert np.count_nonzero(some == GRADIENT) >= 3
    assert set(some) <= {*GRADIENT, 0}


def test_one_bit_on_the_wire_by_hand():
    message = OneBit().pack(GRADIENT)
    assert message[:4].view(np.float32) == pytest.approx(8 / 9)
    assert [f"{byte:08b}" for byte in message[4:]] == ["10111010", "10000000"]


@pytest.mark.parametrize("items", [1, 7, 8, 9, 1000, 6634])
@pytest.mark.parametrize("method", EVERY)
def test_a_message_is_as_long_as_its_formula_says(method, items):
    vector = np.random.default_rng(1).normal(size=items).astype(np.float32)
    assert method.pack(vector).nbytes == method.size_in_bytes(items)


def test_the_bytes_of_the_ledgers_network():
    sizes = [m.size_in_bytes(93_322) for m in (Plain(), OneBit(), TopK(0.01))]
    assert sizes == [4 * 93_322, 4 + 11_666, 8 * 933]


@pytest.mark.parametrize("method", EVERY)
def test_many_vectors_at_once_are_packed_as_one_by_one(method):
    vectors = np.random.default_rng(2).normal(size=(3, 2, 501)).astype(np.float32)
    together = arrived(method, vectors, draw=4)
    for place in np.ndindex(3, 2):
        assert np.array_equal(together[place], arrived(method, vectors[place], draw=4))


def test_top_k_loses_less_than_any_other_choice_of_as_many():
    vector = np.random.default_rng(3).normal(size=200).astype(np.float32)
    lost = np.linalg.norm(vector - arrived(TopK(0.1), vector))
    others = [np.linalg.norm(vector - arrived(RandomK(0.1), vector, d)) for d in range(50)]
    assert lost < min(others)
    assert lost == pytest.approx(np.linalg.norm(np.sort(abs(vector))[:180]), rel=1e-6)


def test_random_k_is_right_in_the_mean_only_when_scaled():
    draws = 4000
    scaled = np.mean([arrived(RandomK(1 / 3, scaled=True), GRADIENT, d) for d in range(draws)], 0)
    # each coordinate is 3 g with probability 1/3: variance 2 g²; five standard errors
    assert np.all(abs(scaled - GRADIENT) <= 5 * abs(GRADIENT) * np.sqrt(2 / draws) + 1e-12)
    plain = np.mean([arrived(RandomK(1 / 3), GRADIENT, d) for d in range(draws)], 0)
    assert plain == pytest.approx(GRADIENT / 3, rel=0.15)


@pytest.mark.parametrize("share", [0, -0.1, 1.5, float("nan")])
@pytest.mark.parametrize("method", [TopK, RandomK])
def test_a_share_that_is_none_is_refused(method, share):
    with pytest.raises(ValueError, match=r"share must lie in \(0, 1\]"):
        method(share)


# --- feedback -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [OneBit(), TopK(0.05), RandomK(0.05)])
def test_with_feedback_all_that_was_sent_and_the_rest_are_all_gradients(method):
    random, sender = np.random.default_rng(4), Sender(method, error_feedback)
    gradients = random.normal(size=(200, 60)).astype(np.float32)
    sent = [method.unpack(sender.pack(g, d), 60, d) for d, g in enumerate(gradients)]
    total = np.sum(sent, axis=0, dtype=float) + sender.residual
    assert total == pytest.approx(gradients.sum(axis=0, dtype=float), abs=1e-3)


def test_without_feedback_small_numbers_never_travel():
    sender = Sender(TopK(0.5), no_feedback)
    sent = sum(TopK(0.5).unpack(sender.pack(np.float32([1, 0.4])), 2) for _ in range(100))
    assert sent.tolist() == [100, 0]
    assert not np.any(sender.residual)
    sender = Sender(TopK(0.5), error_feedback)
    sent = sum(TopK(0.5).unpack(sender.pack(np.float32([1, 0.4])), 2) for _ in range(100))
    assert sent == pytest.approx([100, 40], abs=1.5)


# --- training -----------------------------------------------------------------------------------


def test_uncompressed_training_of_three_workers_is_that_of_one_large_batch(parts):
    (w,) = simulate(parts.train, Plain(), no_feedback, [0.5], 0, SMALL)
    alone = SMALL.network.start(0)
    for step in range(SMALL.steps):
        x, y = draw_batch(parts.train, (3, 8), 0, step)
        alone -= np.float32(0.5) * SMALL.network.gradient(alone, x.reshape(24, -1), y.reshape(24))
    assert w == pytest.approx(alone, abs=1e-5)


def test_workers_send_the_packed_bytes_and_end_where_the_simulation_does(parts):
    with Workers(3) as workers:
        workers.put(x=parts.train.x, y=parts.train.y)
        for method, feedback in itertools.product(METHODS.values(), FEEDBACKS):
            results = workers.run(train, method, feedback, 0.4, 1, SMALL)
            simulated = simulate(parts.train, method, feedback, [0.1, 0.4], 1, SMALL)[1]
            for w, sent in results:
                assert np.array_equal(w, results[0][0])
                assert np.array_equal(w, simulated)
                assert sent == SMALL.steps * 2 * method.size_in_bytes(SMALL.network.items)


@pytest.mark.slow
def test_feedback_brings_back_what_compression_loses(parts):
    several = [parts, *map(small_digits, (1, 2))]
    arms = (Plain(), no_feedback), *((TopK(0.001), feedback) for feedback in FEEDBACKS)
    dense, without, with_it = found = [tune(*arm, several) for arm in arms]
    assert not any(each.at_the_edge for each in found)
    assert without.test.max() < with_it.test.min()
    assert dense.test.mean() - without.test.mean() > 0.1
    assert abs(dense.test.mean() - with_it.test.mean()) < 0.06


# --- what travels, and what does not ----------------------------------------------------------


def test_optimizers_keep_state_and_compress_nothing():
    states = {name: optimizer_bytes(name, 500) for name in OPTIMIZERS}
    tensors = {"sgd": 0, "momentum": 1, "nesterov": 1, "rmsprop": 1}
    tensors |= dict.fromkeys(("adam", "adamw", "adadelta"), 2)
    assert states == {name: (2000 * count, 2000) for name, count in tensors.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "AdamW", "Adadelta"])
def test_keras_keeps_as_much(name):
    keras = pytest.importorskip("keras")
    variable, optimizer = keras.Variable(np.ones(500, "float32")), getattr(keras.optimizers, name)()
    optimizer.build([variable])
    state = sum(v.numpy().nbytes for v in optimizer.variables if v.shape == (500,))
    assert state == optimizer_bytes(name.lower(), 500)[0]
