"""Cutting, freezing and restarting a network, as lesson 15 does it."""

import numpy as np
import pytest

from labkit.exercises import transfer as exercise
from labkit.networks import transfer


def test_the_order_of_batches_visits_all_samples_equally_often():
    order = transfer.batch_order(10, updates=6, batch_size=5, seed=1)
    assert order.shape == (30,)
    assert np.bincount(order).tolist() == [3] * 10
    assert sorted(order[:10].tolist()) == list(range(10))


def test_a_batch_is_never_larger_than_the_samples_and_holds_none_twice():
    order = transfer.batch_order(3, updates=4, batch_size=32)
    assert all(len(set(batch)) == 3 for batch in order.reshape(4, 3))


def test_samples_that_do_not_fill_a_batch_wait_for_another_order():
    order = transfer.batch_order(7, updates=20, batch_size=3)
    assert order.shape == (60,)
    assert set(order.tolist()) == set(range(7))


def test_the_seed_decides_the_order():
    orders = [transfer.batch_order(20, 3, 8, seed).tolist() for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("bad", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_there_is_no_empty_order(bad):
    with pytest.raises(ValueError, match="at least 1"):
        transfer.batch_order(*bad)


# --- with Keras ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def task():
    random = np.random.default_rng(0)
    x = random.random((24, 28, 28, 1), dtype=np.float32)
    return x, np.arange(24) % 5


def small_network(seed=0):
    import keras

    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(4, 5, strides=3, activation="relu"),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(5, activation="softmax"),
        ]
    )


def frozen_network(count, seed=0):
    model = small_network(seed)
    exercise.freeze.right(model.layers, count)
    return model


@pytest.fixture(scope="module")
def network():
    return small_network(seed=1)


def answers(model, x):
    from labkit.networks.watching import probabilities

    return probabilities(model, x)


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [0, 1, 2, 3])
def test_the_tail_on_the_features_is_the_whole_network(task, frozen):
    x, _ = task
    model = frozen_network(frozen, seed=1)
    seen = transfer.features(model, x)
    np.testing.assert_allclose(answers(transfer.tail(model), seen), answers(model, x), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [1, 3])
def test_training_the_tail_is_training_the_frozen_network(network, task, frozen):
    x, y = task
    weights = network.get_weights()
    model = frozen_network(frozen)
    model.set_weights(weights)
    seen, rest = transfer.features(model, x), transfer.Restarts(transfer.tail(model))
    whole = transfer.Restarts(model)
    whole.train(weights, x, y, updates=10, batch_size=8)
    rest.train(weights[2 * frozen :], seen, y, 10, 8)
    trained = whole.model.get_weights()
    for before, after in zip(weights[: 2 * frozen], trained[: 2 * frozen], strict=True):
        np.testing.assert_array_equal(before, after)  # what is frozen stays
    assert not np.array_equal(weights[-2], trained[-2])
    for a, b in zip(trained[2 * frozen :], rest.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.slow
def test_where_everything_is_frozen_nothing_can_learn():
    model = small_network()
    model.trainable = False
    with pytest.raises(ValueError, match="every layer is frozen"):
        transfer.tail(model)


@pytest.mark.slow
def test_a_learning_rate_counts_from_its_training_on(task, network):
    x, y = task
    trainer, start = transfer.Restarts(small_network()), network.get_weights()
    moved = {}
    for rate in (0.002, 0.02, 0.002):
        after = trainer.train(start, x, y, updates=1, batch_size=8, learning_rate=rate)
        moved[rate] = np.abs(after.get_weights()[-1] - start[-1]).max()
    assert moved[0.02] == pytest.approx(10 * moved[0.002], rel=0.01)  # Adam's first step


@pytest.mark.slow
def test_a_restart_forgets_and_none_goes_on(task):
    x, y = task
    trainer = transfer.Restarts(small_network())
    start = small_network(seed=3).get_weights()
    ends = []
    for _ in range(2):
        trainer.train(start, x, y, updates=10, batch_size=8, seed=4)
        ends.append(trainer.model.get_weights())
    for a, b in zip(*ends, strict=True):
        np.testing.assert_array_equal(a, b)
    trainer.train(None, x, y, updates=10, batch_size=8, seed=5)
    assert not np.array_equal(trainer.model.get_weights()[-2], ends[0][-2])
    assert int(trainer.model.optimizer.iterations) == 20


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [0, 2])
def test_accuracies_on_the_way_are_those_of_whole_trainings_in_the_same_order(task, frozen):
    x, y = task
    start = small_network(seed=1).get_weights()
    trainings = transfer.Trainings(small_network(), exercise.freeze.right)
    found = trainings.accuracies(start, frozen, 0.01, task, task, [4, 12], batch_size=8, seed=3)
    whole = transfer.Restarts(frozen_network(frozen), 0.01)
    for stop, more, weights, accuracy in zip((4, 12), (4, 8), (start, None), found, strict=True):
        model = whole.train(weights, x, y, more, batch_size=8, seed=3 + stop - more)
        assert accuracy == pytest.approx(100 * np.mean(answers(model, x).argmax(axis=1) == y))
    assert len(trainings.tails) == 4
