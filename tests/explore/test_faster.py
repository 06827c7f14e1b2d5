"""The explorer of the loss scale: its numbers are NumPy's float16, its words fit what happens."""

import time

import numpy as np
import pytest

from labkit.datacenter import precision
from labkit.explore.faster import ScaleExplorer


@pytest.fixture(scope="module")
def explorer():
    rng = np.random.default_rng(0)
    images = rng.random((1024, 784)).astype(np.float32)  # as many as in the lesson
    stages = {0: precision.start([784, 64, 10]), 300: precision.start([784, 64, 10], seed=1)}
    return ScaleExplorer(stages, images, rng.integers(0, 10, 1024))


@pytest.mark.parametrize("power", [-16, -8, 0, 8])
def test_the_share_that_is_lost_is_that_of_numpys_float16(explorer, power):
    found = explorer.compute(0, power, "float16")
    _, errors = precision.gradients(explorer.networks[0], explorer.images, explorer.labels)
    errors = errors[-1][errors[-1] != 0] * np.float32(2.0**power)
    assert found["lost"] == pytest.approx(np.mean(errors.astype(np.float16) == 0), abs=1e-3)
    assert found["counts"].sum() == pytest.approx(1)


def test_too_small_a_scale_loses_the_gradient_and_too_large_a_one_overflows(explorer):
    off = [explorer.compute(0, power, "float16")["off"] for power in (-16, 0, 24)]
    assert off[0] > 0.3
    assert off[1] < 0.1
    assert not np.isfinite(off[2])
    assert explorer.compute(0, 24, "bfloat16")["off"] < 0.1


def test_its_words_tell_what_is_lost_and_that_a_step_is_lost(explorer):
    told = {}
    for power in (0, 24):
        params = {"trained_steps": 300, "scale_power": power, "number_format": "float16"}
        told[power] = explorer.caption(explorer.compute(**params), params)
    assert "of the errors become 0" in told[0]
    assert "off by" in told[0]
    assert "the step is lost" in told[24]


def test_it_computes_in_a_tenth_of_a_second(explorer):
    begun = time.thread_time()
    for _ in range(5):
        explorer.compute(300, 3, "float16")
    assert (time.thread_time() - begun) / 5 < 0.1
