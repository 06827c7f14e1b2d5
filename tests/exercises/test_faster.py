"""The exercises of lesson 20 agree with the lab's modules, with Keras, and with timed parts."""

import numpy as np
import pytest

from labkit.datacenter import checkpoints, roofline
from labkit.exercises import faster as exercise


@pytest.mark.parametrize("sizes", [(1, 784, 500), (64, 100, 200), (7, 3, 5)])
def test_the_right_intensity_is_that_of_the_roofline(sizes):
    assert exercise.intensity.right(*sizes) == pytest.approx(roofline.intensity(*sizes))


def test_the_right_intensity_counts_the_bytes_of_numpys_arrays():
    x, w = np.ones((6, 4), np.float32), np.ones((4, 9), np.float32)
    moved = x.nbytes + w.nbytes + (x @ w).nbytes
    assert exercise.intensity.right(6, 4, 9) == 2 * 6 * 4 * 9 / moved


def test_the_right_speedup_is_the_ratio_of_times():
    rest, part = 3.0, 7.0
    before, after = rest + part, rest + part / 2.5
    assert exercise.whole_speedup.right(0.7, 2.5) == pytest.approx(before / after)


def test_the_right_interval_has_the_least_overhead():
    cost, mtbf = 60.0, 10_800.0
    grid = np.geomspace(60, 10_800, 20_001)
    best = grid[np.argmin(cost / grid + grid / (2 * mtbf))]
    assert exercise.interval.right(cost, mtbf) == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize("function", [checkpoints.daly, checkpoints.best_interval])
def test_a_closer_interval_is_right_too(function):
    found = exercise.interval.check(function)
    assert found.ok
    assert "below the one derived here" in found.message


def test_a_scale_as_a_list_is_right_and_used():
    def listed(scale, good, overflow, patience):
        return list(exercise.next_scale.right(scale, good, overflow, patience))

    assert exercise.next_scale.check(listed).ok


@pytest.mark.slow
def test_the_right_next_scale_is_that_of_keras():
    """The same overflows, step by step: Keras' LossScaleOptimizer halves and doubles alike."""
    keras = pytest.importorskip("keras")
    patience, overflows = 4, [True, False, False, True] + [False] * 9 + [True, True] + [False] * 5
    inner = keras.optimizers.SGD(0.1)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, 2.0**10, patience)
    assert keras.optimizers.LossScaleOptimizer(inner).get_config()["initial_scale"] == 2**15
    assert keras.optimizers.LossScaleOptimizer(inner).dynamic_growth_steps == 2000
    weight = keras.Variable(1.0)
    optimizer.build([weight])
    scale, good = 2.0**10, 0
    for overflow in overflows:
        gradient = keras.ops.convert_to_tensor(np.float32(np.inf if overflow else 1.0))
        optimizer.apply([gradient], [weight])
        scale, good = exercise.next_scale.right(scale, good, overflow, patience)
        assert float(optimizer.dynamic_scale.numpy()) == scale
        assert int(optimizer.step_counter.numpy()) == good
