"""Seconds of a step, gradients in parts, and ways to train: formulas, sums and counts that hold."""

import numpy as np
import pytest

from labkit.datacenter import batch_sizes, steps, tricks
from labkit.datacenter.network import Network, small_digits

BATCHES = [1, 4, 16, 64, 256]


def test_the_line_is_found_where_there_is_one():
    seconds = 0.002 + 7e-6 * np.array(BATCHES)
    line = steps.fit_line(BATCHES, [seconds] * 5)
    assert line.overhead == pytest.approx(0.002)
    assert line.per_example == pytest.approx(7e-6)


def test_a_disturbed_round_moves_little():
    seconds = np.tile(0.002 + 7e-6 * np.array(BATCHES), (9, 1))
    seconds[3] *= 20
    assert steps.fit_line(BATCHES, seconds).overhead == pytest.approx(0.002)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_batch_is_large_enough_for_its_share_of_the_highest_throughput(share):
    line = steps.Line(0.0013, 9e-6)
    batch = line.large_enough(share)
    assert batch / line.seconds(batch) == pytest.approx(share / line.per_example)


def test_the_highest_throughput_itself_is_out_of_reach():
    with pytest.raises(ValueError, match="between 0 and 1"):
        steps.Line(1, 1).large_enough(1.0)


# --- accumulation -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    train = small_digits().train
    return train.x[:700], train.y[:700]


@pytest.mark.parametrize("parts", [2, 7, 16, 700])  # 700 / 16 leaves parts of two sizes
def test_the_parts_add_up_to_the_whole_batch(digits, parts):
    network = Network((196, 20, 10))
    w = network.start(1)
    whole = network.gradient(w, *digits)
    assert steps.accumulated(network, w, *digits, parts) == pytest.approx(whole, abs=1e-6)


def test_parts_save_the_memory_of_the_activations_and_little_else(digits):
    whole, quarter = steps.measure_accumulation(*digits, parts=(1, 4), hidden=400, seconds=0)
    assert whole.difference == 0
    assert quarter.difference < 1e-5
    saved = whole.peak_in_bytes - quarter.peak_in_bytes
    assert saved == pytest.approx(2 * 4 * 400 * (700 - 175), rel=0.25)  # units and their gradient


# --- ways to train ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(digits):
    from labkit.networks.backend import keras

    def build():
        keras.utils.set_random_seed(0)
        layers = [keras.Input((196,)), keras.layers.Dense(8, "relu")]
        return keras.Sequential([*layers, keras.layers.Dense(10, "softmax")])

    return build


@pytest.mark.slow
def test_every_way_takes_the_same_steps_and_learns(digits, small, monkeypatch, capfd):
    models, build = [], tricks._compiled
    monkeypatch.setattr(tricks, "_compiled", lambda *a: models.append(build(*a)) or models[-1])
    found = tricks.compare(small, *digits, batch_size=64, seconds=0)
    assert [each.name for each in found] == list(tricks.TRICKS)
    taken = {int(model.optimizer.iterations.numpy()) for model in models}
    assert taken == {(tricks.WARM_UP + 3) * (700 // 64)}  # two epochs to warm up, three rounds
    losses = [np.ravel(each.evaluate(*digits, verbose=0))[0] for each in models]
    assert max(losses) < np.log(10)  # chance
    assert found[0].times_as_fast == found[0].lowest == found[0].highest == 1
    assert all(0 < each.lowest <= each.times_as_fast <= each.highest for each in found)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_step_is_measured_in_both_ways(digits, small):
    model = small()
    model.compile("adam", "sparse_categorical_crossentropy")
    measured = steps.measure_steps(model, *digits, batches=(1, 16, 128), seconds=0)
    assert list(measured) == ["train_on_batch", "loop in the graph"]
    for line in steps.lines(measured).values():
        assert line.overhead > 0
    with pytest.raises(ValueError, match="1024 examples"):
        steps.measure_steps(model, *digits)


# --- batch sizes --------------------------------------------------------------------------------


def test_steps_to_an_accuracy_are_those_of_a_plain_training():
    network, parts, rate = Network(), small_digits(0), np.float32(0.1)
    found = batch_sizes._examples_to(network, parts, 100, 0.8, [0.01, 0.1], 5, seed=0)
    w, velocity, seen = network.start(0), 0, 0
    order = np.random.default_rng(0).permutation(3000)
    while True:
        rows = order[seen : seen + 100]
        velocity = 0.9 * velocity - rate * network.gradient(w, *(p[rows] for p in parts.train))
        w, seen = w + velocity, seen + 100
        if seen % 500 == 0 and network.accuracy(w, parts.valid) >= 0.8:
            break
    assert found[1] == seen
    assert found[0] > seen


@pytest.mark.slow
def test_a_smaller_batch_needs_fewer_examples_and_longer_for_each():
    small, large = batch_sizes.time_to_accuracy((8, 256), target=0.85, seeds=2)
    assert np.median(small.examples) < np.median(large.examples)
    assert small.example_seconds > 1.5 * large.example_seconds
    assert small.learning_rate < large.learning_rate
    assert np.all(small.seconds > 0)


def test_what_never_arrives_is_infinite():
    never = batch_sizes.time_to_accuracy((500,), target=1.0, seeds=1, most_epochs=1)[0]
    assert np.isinf(never.examples).all()
    assert np.isinf(never.seconds).all()
