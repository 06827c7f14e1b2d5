"""The search for a learning rate."""

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
