"""What lesson 02 says about Keras is what Keras does, on each backend."""

import os
import subprocess
import sys

import pytest

from labkit.maths import losses as maths

pytestmark = pytest.mark.slow

# A sigmoid layer whose logit is 30, and a label of 0: sure and wrong.
PROGRAM = """
import keras, numpy as np
start = {"kernel_initializer": "zeros", "bias_initializer": keras.initializers.Constant(30.0)}
layer = keras.layers.Dense(1, activation="sigmoid", **start)
model = keras.Sequential([keras.Input((1,)), layer])
model.compile(keras.optimizers.SGD(1.0), "binary_crossentropy")
loss = model.train_on_batch(np.zeros((1, 1)), np.zeros((1, 1)))
given = keras.losses.BinaryCrossentropy()(np.zeros(1), np.ones(1))  # only a probability
print(float(loss), 30 - float(layer.get_weights()[1][0]), float(given))
"""


@pytest.mark.parametrize(
    ("backend", "module", "from_logits"),
    [("tensorflow", "tensorflow", True), ("jax", "jax", False), ("torch", "torch", False)],
)
def test_only_tensorflow_finds_the_logits_behind_a_sigmoid(backend, module, from_logits):
    pytest.importorskip(module)
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    loss, moved, given = map(float, done.stdout.split())
    assert loss == pytest.approx(30 if from_logits else maths.binary_cross_entropy([0], [1]), 0.02)
    assert moved == pytest.approx(1 if from_logits else 0, abs=1e-6)
    assert given == pytest.approx(maths.binary_cross_entropy([0], [1]), 0.02)  # all cut this
