"""The search for a learning rate, and a schedule that rises and falls once."""

import numpy as np
import pytest
from two_classes import compiled, points

from labkit.networks import rates
from labkit.networks.watching import fit_watched


@pytest.mark.slow
def test_the_search_for_a_rate_leaves_the_model_as_it_was():
    from labkit.networks.backend import keras

    x, y = points()
    model = compiled(keras.optimizers.SGD(0.25))
    before = model.get_weights()
    found = rates.find_learning_rate(model, x, y, low=1e-4, high=1e4, steps=60, batch_size=20)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.25)
    assert int(model.optimizer.iterations) == 0
    assert found.diverged
    assert len(found.rates) == len(found.losses) < 60
    lowest = found.rates[np.argmin(found.losses)]
    assert 1e-4 < found.steepest < lowest
    model.optimizer.learning_rate = found.steepest
    course = fit_watched(model, x, y, {"all": (x, y)}, epochs=20, batch_size=20)
    assert course.loss["all"][-1] < 0.7 * course.loss["all"][0]


@pytest.mark.slow
def test_the_search_refuses_what_it_cannot_do():
    from labkit.networks.backend import keras

    x, y = points()
    with pytest.raises(ValueError, match="0 < low < high"):
        rates.find_learning_rate(compiled(), x, y, low=1.0, high=0.1)
    planned = keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10))
    with pytest.raises(ValueError, match="schedule"):
        rates.find_learning_rate(compiled(planned), x, y)


@pytest.mark.slow
def test_one_cycle_rises_once_and_falls_to_almost_nothing():
    plan = rates.one_cycle(0.1, steps=100, warm_up=0.3)
    found = np.array([float(plan(step)) for step in range(101)])
    np.testing.assert_allclose(found[[0, 30, 100]], [0.1 / 25, 0.1, 0.1 / 10_000], rtol=1e-3)
    assert (np.diff(found[:31]) > 0).all()
    assert (np.diff(found[30:]) < 0).all()
    assert found[15] == pytest.approx((0.1 / 25 + 0.1) / 2)  # half a cosine: half way up


@pytest.mark.slow
def test_one_cycle_trains():
    from labkit.networks.backend import keras

    x, y = points()
    model = compiled(keras.optimizers.Adam(rates.one_cycle(0.05, steps=40)))
    course = fit_watched(model, x, y, {"all": (x, y)}, epochs=10, batch_size=15)
    assert course.loss["all"][-1] < course.loss["all"][0]


@pytest.mark.parametrize("bad", [(0, 10, 0.3), (0.1, 1, 0.3), (0.1, 10, 1.0)])
def test_one_cycle_needs_a_peak_steps_and_a_share(bad):
    with pytest.raises(ValueError, match="Received"):
        rates.one_cycle(*bad)
