"""Many training steps in one graph of TensorFlow.

LSTM layers use the fused kernel, normalization and attention have shorter formulas. Where a network
of dense layers trains long enough to earn that back, XLA compiles the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.networks.backend import without_chatter
from labkit.networks.formulas import short_formulas
from labkit.networks.fused import fused_lstm
from labkit.networks.loops import common

if TYPE_CHECKING:
    import keras

    from labkit.networks.loops.common import Data, Train

# From so many updates on, compiling a network of dense layers saves more than it costs: about
# 0.8 s once against 0.2 to 0.8 ms an update. Convolutions are several times slower compiled. XLA
# draws other random numbers than TensorFlow, so that no layer that draws some is among these.
STEPS_TO_COMPILE = 3000
_COMPILED_WELL = ("InputLayer", "Flatten", "Dense", "Activation", "Rescaling")


def against(model: keras.Model) -> str:
    """Return why TensorFlow's loop would not do for this model, or ""."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return "the loop is for a CPU"
    if model.jit_compile:
        return "the model asks for its own compilation"
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return "there are several replicas"
    return ""


def compiling_pays_off(model: keras.Model, steps: int) -> bool:
    """Tell whether XLA makes so many steps of TensorFlow shorter, its compilation included."""
    kinds = {type(layer).__name__ for layer in model.layers}
    return steps >= STEPS_TO_COMPILE and kinds <= set(_COMPILED_WELL)


def epoch_function(
    model: keras.Model, data: Data, batch_size: int, steps: int
) -> tuple[Callable[..., Train], str]:
    """Return what makes a `train_function` for all steps of an epoch, as `loops.epoch_function`."""
    count = len(common.leaves(data)[0])
    compiled = compiling_pays_off(model, steps)
    even = None if count % batch_size else batch_size
    run = common.kept(
        model,
        (common.kinds(data), compiled, even),
        lambda: tensorflow_steps(model, data, compiled, even),
    )

    def make(orders: Any, inputs: Callable[[], Data], within: Callable[[int, int], None]) -> Train:
        placed = common.placed_once(_tensors)

        def train(iterator: Any) -> dict:
            order, data, done = next(orders), placed(inputs()), 0
            for batches, first, end in common.calls(order, batch_size):
                run(batches[first:end], data)
                done += (end - first) * batches.shape[1]
                within(done, len(order))
            return model.get_metrics_result()

        return train

    return make, "steps looped in one graph" + ", compiled by XLA" * compiled


def _tensors(data: Data) -> Data:
    import keras
    import tensorflow as tf

    return keras.tree.map_structure(tf.convert_to_tensor, data, none_is_leaf=False)


def tensorflow_steps(
    model: keras.Model, data: Data, compiled: bool = False, batch_size: int | None = None
) -> Callable[[np.ndarray, Data], None]:
    """Return a function that takes many training steps of a model inside one TensorFlow graph.

    It is called as steps(batches, data): `batches` holds positions of examples, int64 of shape
    (steps, batch); data are arrays or tensors of n examples each.

    Args:
        model: a compiled Keras model on the TensorFlow backend whose variables exist: a graph can
            use them, not create them.
        data: examples of the kind and shape that will come.
        compiled: by XLA, which pays off for dense layers in a long training.
        batch_size: of every batch; None if they differ.
    """
    import keras
    import tensorflow as tf

    kinds = keras.tree.map_structure(
        lambda each: tf.TensorSpec((None, *each.shape[1:]), each.dtype), data, none_is_leaf=False
    )

    # autograph off: it needs the source of every layer, which a notebook cell may not have.
    # One trace serves full batches and a last, smaller one: both axes are open then. XLA compiles
    # the whole loop, once for each shape.
    @tf.function(
        autograph=False,
        jit_compile=True if compiled else None,
        input_signature=[tf.TensorSpec((None, batch_size), tf.int64), kinds],
    )
    def run_steps(batches: tf.Tensor, data: Data) -> None:
        def body(step: tf.Tensor) -> tuple[tf.Tensor]:
            rows = batches[step]
            gather = lambda each: tf.gather(each, rows)
            model.train_step(keras.tree.map_structure(gather, data, none_is_leaf=False))
            return (step + 1,)

        # parallel_iterations=1: each step needs the weights of the one before.
        tf.while_loop(lambda step: step < tf.shape(batches)[0], body, (0,), parallel_iterations=1)

    # The trace itself, and not the function: TensorFlow warns of functions traced often, and every
    # training has its own.
    with fused_lstm(), short_formulas(), without_chatter():
        trace = run_steps.get_concrete_function()

    def steps(batches: np.ndarray, data: Data) -> None:
        # In the structure of the signature: leaves alone are taken, too, but only after a search
        # for what is wrong with them that costs as much as a few steps.
        with without_chatter():
            trace(tf.convert_to_tensor(batches), _tensors(data))

    return steps
