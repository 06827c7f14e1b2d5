"""The quick max-pooling on JAX: the numbers and the gradient of Keras' own, bit for bit."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

COMPARED = """
import keras
import numpy as np
import jax
from labkit.networks.pooling import quick_max_pooling

assert keras.backend.backend() == "jax"
random = np.random.default_rng(0)
quick_ones = 0
for shape in ((2, 4, 6, 3), (1, 7, 5, 2), (3, 2, 2, 1), (2, 9, 4)):
    for kind, settings in (
        (2, {}), ((2, 2), {}), (2, {"strides": 1}), (2, {"padding": "same"}), (3, {}),
        ((2, 1), {}), (2, {"data_format": "channels_first"}),
    ):
        x = random.integers(0, 3, shape).astype("float32")  # many equal numbers
        size = kind if len(shape) == 4 or isinstance(kind, int) else kind[0]
        if min(shape[1:]) < 3 and size == 3 or "data_format" in settings and min(shape[2:]) < 2:
            continue
        pool = lambda x: keras.ops.max_pool(x, size, **{"strides": size, **settings})
        by = random.normal(size=pool(x).shape).astype("float32")
        both = lambda x: (pool(x), jax.grad(lambda x: (pool(x) * by).sum())(x))
        own = jax.jit(lambda x: both(x))(x)
        with quick_max_pooling():
            traced = jax.jit(lambda x: both(x)).lower(x)
            quick = traced.compile()(x)
        quick_ones += "select_and_scatter" not in traced.as_text()
        for a, b in zip(own, quick, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=f"{shape} {size} {settings}")
assert quick_ones == 6, quick_ones  # three shapes of images, windows 2 and (2, 2)
"""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_windows_side_by_side_have_keras_numbers_and_gradient_and_others_are_keras_own():
    done = subprocess.run(
        [sys.executable, "-c", COMPARED],
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
