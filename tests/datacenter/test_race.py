"""The race of lesson 20 trains as the lab's own network does, and bills only its steps."""

import numpy as np
import pytest

from labkit.data import load_mnist
from labkit.datacenter import precision
from labkit.datacenter.race import SIZES, race


@pytest.mark.slow
def test_a_step_by_tensorflow_is_that_of_the_lab():
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(0)
    x, labels = rng.random((32, 784)).astype(np.float32), rng.integers(0, 10, 32)
    start = precision.start(SIZES)
    weights = [tf.Variable(w) for w in start]
    loss = precision.tensorflow_step(weights, "float32", 0.5)(x, labels)
    assert float(loss) == pytest.approx(precision.judge(start, x, labels)[0], rel=1e-5)
    gradients, _ = precision.gradients(start, x, labels)
    for w, before, g in zip(weights, start, gradients, strict=True):
        np.testing.assert_allclose(w.numpy(), before - 0.5 * g, atol=1e-6)


@pytest.mark.slow
def test_it_ends_at_the_target_and_the_same_seed_takes_the_same_steps():
    digits = load_mnist()
    images, labels = digits.x_train.reshape(-1, 784), digits.y_train
    plan = {"batch_size": 64, "learning_rate": 0.3, "target": 0.8}
    first, again = (race(images, labels, 800, **plan) for _ in range(2))
    assert first.accuracy >= 0.8
    assert (first.steps, first.accuracy) == (again.steps, again.accuracy)
    assert first.seconds == pytest.approx(first.first + (first.steps - 1) * first.step)
    slower = race(images, labels, 800, most=25, batch_size=64, learning_rate=1e-6, target=0.8)
    assert slower.steps == 25
    assert slower.accuracy < 0.8
