"""Cutting, freezing and restarting a network, as lesson 15 does it."""

import numpy as np
import pytest

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


def test_only_the_head_is_exchanged_and_the_rest_must_fit():
    old = [np.ones((2, 3)), np.ones(3), np.ones((3, 5)), np.ones(5)]
    new = [np.zeros((2, 3)), np.zeros(3), np.zeros((3, 2)), np.zeros(2)]
    moved = transfer.with_new_head(old, new)
    assert [float(weights.sum()) for weights in moved] == [6, 3, 0, 0]
    with pytest.raises(ValueError, match="differ before the head"):
        transfer.with_new_head(old, [np.zeros((4, 3)), *new[1:]])


# --- with Keras ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def task():
    random = np.random.default_rng(0)
    x = random.random((24, 28, 28, 1), dtype=np.float32)
    return x, np.arange(24) % 5


@pytest.fixture(scope="module")
def network():
    return transfer.strided_cnn(seed=1)


def answers(model, x):
    from labkit.networks.watching import probabilities

    return probabilities(model, x)


@pytest.mark.slow
def test_the_network_has_the_parameters_that_it_says(network):
    assert network.count_params() == 56_645
    assert [layer.name for layer in transfer.weighted_layers(network)] == [
        "conv_1", "conv_2", "hidden", "head",
    ]  # fmt: skip
    same, other = (transfer.strided_cnn(seed=seed).get_weights()[0] for seed in (1, 2))
    np.testing.assert_array_equal(same, network.get_weights()[0])
    assert not np.array_equal(other, same)


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [0, 1, 2, 3])
def test_the_tail_on_the_features_is_the_whole_network(network, task, frozen):
    x, _ = task
    seen = transfer.features(network, x, frozen)
    rest = transfer.tail(network, frozen)
    np.testing.assert_allclose(answers(rest, seen), answers(network, x), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [1, 3])
def test_training_the_tail_is_training_the_frozen_network(network, task, frozen):
    x, y = task
    weights = network.get_weights()
    whole = transfer.Restarts(transfer.freeze(transfer.strided_cnn(), frozen))
    rest = transfer.Restarts(transfer.tail(network, frozen))
    whole.train(weights, x, y, updates=10, batch_size=8)
    rest.train(weights[2 * frozen :], transfer.features(network, x, frozen), y, 10, 8)
    trained = whole.model.get_weights()
    for before, after in zip(weights[: 2 * frozen], trained[: 2 * frozen], strict=True):
        np.testing.assert_array_equal(before, after)  # what is frozen stays
    assert not np.array_equal(weights[-2], trained[-2])
    for a, b in zip(trained[2 * frozen :], rest.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.slow
def test_freezing_again_sets_the_others_free(network):
    copy = transfer.strided_cnn()
    transfer.freeze(transfer.freeze(copy, 3), 1)
    assert [layer.trainable for layer in transfer.weighted_layers(copy)] == [False, *[True] * 3]
    for count in (-1, 4):
        with pytest.raises(ValueError, match="0 to 3"):
            transfer.freeze(copy, count)


@pytest.mark.slow
def test_a_restart_forgets_and_none_goes_on(task):
    x, y = task
    trainer = transfer.Restarts(transfer.strided_cnn())
    start = transfer.strided_cnn(seed=3).get_weights()
    ends = []
    for _ in range(2):
        trainer.train(start, x, y, updates=10, batch_size=8, seed=4)
        ends.append(trainer.model.get_weights())
    for a, b in zip(*ends, strict=True):
        np.testing.assert_array_equal(a, b)
    trainer.train(None, x, y, updates=10, batch_size=8, seed=5)
    assert not np.array_equal(trainer.model.get_weights()[-2], ends[0][-2])
    assert int(trainer.model.optimizer.iterations) == 20
