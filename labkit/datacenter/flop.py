"""FLOP of a training step, counted by hand, and what TensorFlow's profiler counts.

One multiplication and one addition are two floating-point operations (FLOP). A product of a
(B, n) by a (n, m) matrix takes 2 B n m of them; all layers below come down to that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from labkit.networks.backend import without_advice, without_chatter

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Work:
    """FLOP of one layer in one training step.

    Args:
        name: of the layer.
        forward: from the layer's inputs to its outputs.
        weights: backward, to the gradient of its weights.
        inputs: backward, to the gradient of its inputs; 0 for the first layer, which has nobody to
            tell.
        update: of its weights by plain gradient descent: a product and a difference each.
    """

    name: str
    forward: int
    weights: int
    inputs: int
    update: int

    @property
    def total(self) -> int:
        """All FLOP of the step."""
        return self.forward + self.weights + self.inputs + self.update


def dense(inputs: int, outputs: int, batch: int, first: bool = False, name: str = "dense") -> Work:
    """Return the FLOP of a dense layer with bias.

    Args:
        inputs, outputs: numbers of its units.
        batch: samples in the step.
        first: nobody needs the gradient of its inputs.

    >>> dense(784, 500, batch=64, first=True).total / 1e6
    101.201
    """
    product, bias = 2 * batch * inputs * outputs, batch * outputs
    back = 0 if first else product
    return Work(name, product + bias, product + bias, back, 2 * (inputs + 1) * outputs)


def convolution(
    places: int, window: int, channels: int, filters: int, batch: int, first=False, name="conv"
) -> Work:
    """Return the FLOP of a convolution with bias: a dense layer at each place of its output.

    Args:
        places: height x width of the output.
        window: height x width of the kernel.
        channels, filters: what goes in and out at each place.
        batch: samples in the step.
        first: nobody needs the gradient of its inputs.

    >>> convolution(26 * 26, 9, channels=1, filters=32, batch=1).forward
    411008
    """
    one = dense(window * channels, filters, places * batch, first, name)
    return Work(name, one.forward, one.weights, one.inputs, 2 * (window * channels + 1) * filters)


def lstm(steps: int, inputs: int, units: int, batch: int, first=False, name: str = "lstm") -> Work:
    """Return the FLOP of the products of an LSTM: four gates, each from input and state.

    The gates' own functions, some 30 FLOP a unit and step, are left out.

    >>> lstm(28, 28, 64, batch=1).forward
    1326080
    """
    gates = dense(inputs + units, 4 * units, steps * batch, name=name)
    state = 2 * steps * batch * units * 4 * units  # the state's gradient is always needed
    back = state if first else gates.inputs
    return Work(name, gates.forward, gates.weights, back, 2 * (inputs + units + 1) * 4 * units)


def attention(places: int, width: int, batch: int, name: str = "attention") -> Work:
    """Return the FLOP of self-attention: four dense layers, and two products of places by places.

    Softmax and the mask are left out; a causal mask saves nothing here, as most programs compute
    what they then hide.

    >>> attention(64, 64, batch=1).forward
    3162112
    """
    one = dense(width, width, places * batch)
    scores = 2 * 2 * batch * places * places * width  # queries x keys, weights x values
    return Work(
        name,
        4 * one.forward + scores,
        4 * one.weights,
        4 * one.inputs + 2 * scores,  # each product has two factors, and both need a gradient
        4 * one.update,
    )


def of_model(model: keras.Model, batch: int) -> list[Work]:
    """Return the FLOP of each dense layer and convolution of a plain Keras network.

    Raises:
        ValueError: a layer with weights that is neither.
    """
    works = []
    for layer in model.layers:
        kind, first = type(layer).__name__, not works
        if kind == "Dense":
            works.append(dense(layer.kernel.shape[0], layer.units, batch, first, layer.name))
        elif kind == "Conv2D":
            height, width, channels, filters = layer.kernel.shape
            size = (places(layer.output), height * width, channels, filters)
            works.append(convolution(*size, batch, first, layer.name))
        elif layer.count_params():
            raise ValueError(f"of_model counts Dense and Conv2D. Received: {layer.name}, a {kind}")
    return works


@without_chatter()
def profile(model: keras.Model, batch: int) -> dict[str, int]:
    """Return what TensorFlow's profiler counts in one step of plain gradient descent.

    It runs nothing: it adds up a formula for each operation of the program.

    Args:
        model: a network with class probabilities. If Keras runs on another backend, its copy is
            built and counted in a process of its own, on TensorFlow.
        batch: samples in the step.

    Returns:
        name of the operation -> FLOP, the largest first.

    Raises:
        RuntimeError: TensorFlow is not there.
    """
    from labkit.networks.backend import keras

    if keras.backend.backend() != "tensorflow":
        return _profile_elsewhere(model, batch)
    import tensorflow as tf

    def step(x, y):
        with tf.GradientTape() as tape:
            scores = tf.math.log(model(x, training=True))
            loss = -tf.reduce_mean(tf.gather(scores, y, batch_dims=1))
        weights = [variable.value for variable in model.trainable_variables]
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(0.1 * gradient)

    x = tf.TensorSpec((batch, *model.input_shape[1:]), tf.float32)
    graph = tf.function(step).get_concrete_function(x, tf.TensorSpec((batch,), tf.int32)).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    with without_advice():  # else it says that it is an old interface
        nodes = tf.compat.v1.profiler.profile(graph, cmd="scope", options=options).children
    return {node.name: node.total_float_ops for node in nodes}


_COUNT = """
import json, sys
from labkit.datacenter import flop
from labkit.networks.backend import keras
model, batch = json.load(sys.stdin)
print(json.dumps(flop.profile(keras.models.model_from_json(model), batch)))
"""


def _profile_elsewhere(model: keras.Model, batch: int) -> dict[str, int]:
    if find_spec("tensorflow") is None:
        raise RuntimeError("profile reads a program of TensorFlow's; install labkit[cpu]")
    done = subprocess.run(
        [sys.executable, "-c", _COUNT],
        input=json.dumps([model.to_json(), batch]),
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the profile failed on TensorFlow:\n{done.stderr[-1000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def corrected(model: keras.Model, profiled: dict[str, int]) -> dict[str, int]:
    """Return a profile without the profiler's two assumptions about convolutions.

    It takes the input's height x width for the two backward operations, where only the output's
    places are computed; and it counts the gradient of the network's input, which nobody asks for
    and which is cut out of the program before it runs.

    Args:
        model: the network.
        profiled: what `profile` returned for it.
    """
    right, convolutions = dict(profiled), [x for x in model.layers if type(x).__name__ == "Conv2D"]
    for layer in convolutions:
        share = places(layer.output) / places(layer.input)
        for name, count in profiled.items():
            if f"/{layer.name}" in name and "Conv2DBackprop" in name:
                asked = layer is not model.layers[0] or name.endswith("Filter")
                right[name] = round(count * share) if asked else 0
    return right


def places(tensor: keras.KerasTensor) -> int:
    """Return height x width of a batch of images."""
    return tensor.shape[1] * tensor.shape[2]
