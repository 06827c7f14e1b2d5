"""Training on many workers equals training on one, where it should, and where it should not."""

import itertools

import numpy as np
import pytest

from labkit.datacenter.collectives import ALL_REDUCE, bytes_sent
from labkit.datacenter.distributed import (
    Alone,
    adam,
    block,
    bytes_per_parameter,
    columns_then_rows,
    flatten,
    gradient_sums,
    mean_of_means,
    parameters,
    rows_first,
    shard_optimizer,
    split_block,
    start,
    train,
    unflatten,
)
from labkit.datacenter.workers import WorkerError, Workers
from labkit.maths.activations import gelu
from labkit.maths.backprop import numeric_gradient

WIDTHS = (20, 16, 12, 5)
LIKE = {"widths": WIDTHS, "steps": 40, "batch_size": 50}


def digits_like():
    """Five classes that overlap, so that training goes on for a while."""
    rng = np.random.default_rng(7)
    y = rng.integers(0, 5, 400)
    return {"x": rng.normal(size=(400, 20)) + 0.7 * rng.normal(size=(5, 20))[y], "y": y}


def matrices():
    rng = np.random.default_rng(1)
    shapes = {"x": (32, 24), "W1": (24, 50), "W2": (50, 24)}
    return {name: rng.normal(size=shape) / np.sqrt(shape[0]) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def pool():
    with Workers(4) as workers:
        workers.put(**digits_like())
        yield workers


def gap(found, one):
    return np.abs(found[0]["weights"] - one["weights"]).max()


def same(found):
    return all(np.array_equal(found[0]["weights"], each["weights"]) for each in found)


# --- the network --------------------------------------------------------------------------------


def test_gradient_is_that_of_finite_differences_with_and_without_batch_norm():
    data, weights = digits_like(), start((20, 6, 5), seed=3)
    x, y = data["x"][:30], data["y"][:30]
    for total in (None, lambda sums: sums):
        sums = gradient_sums(weights, (20, 6, 5), x, y, total)
        slope = numeric_gradient(
            lambda w, total=total: gradient_sums(w, (20, 6, 5), x, y, total)[-1], weights
        )
        np.testing.assert_allclose(sums[:-1], slope, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("batch_norm", [False, True])
def test_gradient_and_loss_are_those_of_keras(keras_in_float64, batch_norm):
    keras = keras_in_float64
    norm = {"center": False, "scale": False, "momentum": 0.0}
    layers = [keras.Input((WIDTHS[0],))]
    for units in WIDTHS[1:-1]:
        layers.append(keras.layers.Dense(units))
        layers += [keras.layers.BatchNormalization(**norm)] * batch_norm
        layers.append(keras.layers.ReLU())
    model = keras.Sequential([*layers, keras.layers.Dense(WIDTHS[-1])])
    weights, data = start(WIDTHS, seed=2), digits_like()
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    for layer, pair in zip(dense, unflatten(weights, WIDTHS), strict=True):
        layer.set_weights(pair)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1.0), loss)  # one step moves the weights by the gradient
    told = float(model.train_on_batch(data["x"], data["y"]))
    moved = weights - flatten([layer.get_weights() for layer in dense])
    total = (lambda sums: sums) if batch_norm else None
    mean = gradient_sums(weights, WIDTHS, data["x"], data["y"], total) / 400
    np.testing.assert_allclose(mean[:-1], moved, atol=1e-6)
    assert mean[-1] == pytest.approx(told, abs=1e-6)


def test_sums_over_shards_add_up_and_an_empty_shard_adds_nothing():
    data, weights = digits_like(), start(WIDTHS)
    whole = gradient_sums(weights, WIDTHS, data["x"], data["y"])
    parts = [slice(0, 0), slice(0, 17), slice(17, 400)]
    sums = [gradient_sums(weights, WIDTHS, data["x"][p], data["y"][p]) for p in parts]
    assert not sums[0].any()
    np.testing.assert_allclose(sum(sums), whole, rtol=1e-10, atol=1e-10)


def test_a_vector_and_its_layers_are_the_same_memory():
    weights = start(WIDTHS)
    assert weights.size == parameters(WIDTHS)
    layers = unflatten(weights, WIDTHS)
    np.testing.assert_array_equal(flatten(layers), weights)
    layers[0][0][...] = 0
    assert not weights[: 20 * 16].any()
    with pytest.raises(ValueError, match="have 605 parameters; got 3"):
        unflatten(np.zeros(3), WIDTHS)


# --- data parallel ------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "most"), [("float64", 1e-12), ("float32", 1e-5)])
def test_many_workers_give_the_weights_of_one_and_are_bitwise_equal(pool, dtype, most):
    one = train(Alone(**digits_like()), dtype=dtype, **LIKE)
    assert one["losses"][-1] < 0.5 * one["losses"][0]
    assert one["weights"].dtype == dtype
    for size, all_reduce in itertools.product((2, 3, 4), ALL_REDUCE.values()):
        found = pool.run(train, size=size, dtype=dtype, all_reduce=all_reduce, **LIKE)
        assert gap(found, one) <= most
        assert same(found)
        np.testing.assert_allclose(found[0]["losses"], one["losses"], atol=10 * most)


def test_the_bytes_of_a_training_are_those_of_its_all_reduces(pool):
    found = pool.run(train, size=3, dtype="float32", **LIKE)
    told = bytes_sent("ring", 3, parameters(WIDTHS) + 1, 4)
    assert [each["sent"] for each in found] == [40 * step for step in told]


def test_sums_are_right_for_unequal_shards_and_the_mean_of_means_is_not(pool):
    one = train(Alone(**digits_like()), **LIKE)
    shares = {"size": 3, "shares": (35, 10, 5)}
    assert gap(pool.run(train, **shares, **LIKE), one) <= 1e-12
    wrong = pool.run(train, combine=mean_of_means, **shares, **LIKE)
    assert same(wrong)  # all agree, and all are wrong
    assert gap(wrong, one) > 1e-2
    equal = pool.run(train, combine=mean_of_means, size=2, **LIKE)
    assert gap(equal, one) <= 1e-12


def test_batch_norm_breaks_the_equality_and_synchronized_statistics_mend_it(pool):
    one = train(Alone(**digits_like()), batch_norm="batch", **LIKE)
    own = pool.run(train, size=4, batch_norm="shard", **LIKE)
    assert same(own)
    assert gap(own, one) > 1e-2
    shared = pool.run(train, size=4, batch_norm="batch", shares=(20, 15, 10, 5), **LIKE)
    assert same(shared)
    assert gap(shared, one) <= 1e-12
    with pytest.raises(ValueError, match="'shard' or 'batch'"):
        train(Alone(**digits_like()), batch_norm="all", **LIKE)


def test_workers_that_never_talk_train_several_models(pool):
    def apart(worker):
        own = {"combine": lambda sums, rows, batch, size: sums / rows}
        return train(worker, all_reduce=lambda worker, sums: sums, **own, **LIKE)

    assert not same(pool.run(apart, size=3))


# --- tensor parallel ----------------------------------------------------------------------------


def test_columns_then_rows_give_the_block_with_one_all_reduce():
    data = matrices()
    y = block(**data)
    with Workers(4) as workers:
        workers.put(**data)
        for size in (1, 2, 3, 4):
            found = workers.run(split_block, size=size)
            for each in found:
                assert np.abs(each["y"] - y).max() < 1e-12
            assert [each["sent"] for each in found] == bytes_sent("ring", size, y.size, 8)
            assert sum(each["held"] for each in found) == data["W1"].size + data["W2"].size
        wrong = workers.run(split_block, rows_first, size=2)[0]["y"]
        assert np.abs(wrong - y).max() > 0.1 * np.abs(y).max()
        linear = workers.run(split_block, rows_first, lambda z: z, size=2)[0]["y"]
        np.testing.assert_allclose(linear, block(**data, activation=lambda z: z), atol=1e-12)


def test_the_wrong_split_is_the_sum_of_gelu_over_parts():
    data = matrices()
    parts = [rows_first(*data.values(), rank, 3) for rank in range(3)]
    assert sum(part[1].shape[0] for part in parts) == 24
    whole = sum(gelu(x @ W1) for x, W1, _ in parts) @ data["W2"]
    np.testing.assert_allclose(sum(block(*part) for part in parts), whole, atol=1e-12)


def test_a_split_of_the_wrong_shape_is_named():
    def columns(x, W1, W2, rank, size):
        return x, W1, W2[:, :5]

    with pytest.raises(ValueError, match=r"\(32, 24\).*\(32, 5\)"):
        split_block(Alone(**matrices()), columns)
    assert columns_then_rows(*matrices().values(), 0, 1)[1].shape == (24, 50)


# --- sharded optimizer --------------------------------------------------------------------------


def test_a_sharded_optimizer_gives_the_same_bits_and_bytes_and_a_part_of_the_state(pool):
    for size in (2, 3, 4):
        whole, sharded = (pool.run(shard_optimizer, stage, size=size, **LIKE) for stage in (0, 1))
        assert same(whole + sharded)
        # Both send the chunks of one reduce-scatter and one all-gather.
        assert [w["sent"] for w in whole] == [s["sent"] for s in sharded]
        state = 2 * 4 * parameters(WIDTHS)
        assert {each["state_in_bytes"] for each in whole} == {state}
        assert sum(each["state_in_bytes"] for each in sharded) == state
        for each in sharded:
            assert abs(each["state_in_bytes"] - state / size) <= 2 * 4
    with pytest.raises(WorkerError, match="stage must be 0 or 1"):
        pool.run(shard_optimizer, 3, size=2)


def test_adam_is_the_update_of_the_maths_room():
    from labkit.maths.descent import start_optimizer

    rng = np.random.default_rng(0)
    weights, moments = rng.normal(size=9), np.zeros((2, 9))
    theirs, update = weights.copy(), start_optimizer("adam", epsilon=0.0)
    for number in range(1, 20):
        gradient = rng.normal(size=9)
        adam(weights, gradient, moments, number, 0.01)
        theirs = update(theirs, gradient, 0.01)
    np.testing.assert_allclose(weights, theirs, atol=1e-7)


def test_memory_is_that_of_the_published_table():
    """ZeRO, figure 1: 7.5 billion parameters, 64 workers, in GB."""
    found = [7.5 * bytes_per_parameter(stage, 64) for stage in range(4)]
    np.testing.assert_allclose(found, [120, 31.4, 16.6, 1.9], atol=0.05)
    assert {bytes_per_parameter(stage, 1, "float32") for stage in range(4)} == {16.0}
    assert bytes_per_parameter(1, 4, "float32") == 10.0
    with pytest.raises(ValueError, match="stage must be 0 to 3"):
        bytes_per_parameter(4, 2)
