"""Take many of Keras' own training steps in one call of the backend, with the data in place.

Between two steps `model.fit` hands over a batch and comes back to Python, which on a CPU often
costs more than the step. A loop here gathers each batch inside the compiled function instead and
calls the model's own `train_step`: loss, gradients, optimizer and metrics are Keras'.

`on_tensorflow` and `on_jax` have the loops, `common` what both share.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from labkit.networks.loops import on_jax, on_tensorflow
from labkit.networks.loops.common import (
    STEPS_PER_CALL,
    Data,
    Orders,
    Train,
    calls,
    create_variables,
    fixed_batch,
    leaves,
)
from labkit.networks.loops.on_jax import StateChanges
from labkit.networks.loops.on_tensorflow import tensorflow_steps

if TYPE_CHECKING:
    import keras

__all__ = [
    "STEPS_PER_CALL",
    "StateChanges",
    "against",
    "calls",
    "create_variables",
    "epoch_function",
    "fixed_batch",
    "leaves",
    "tensorflow_steps",
]


def against(model: keras.Model) -> str:
    """Return why a loop would not do for this model here what `model.fit` does, or ""."""
    import keras

    backend = keras.backend.backend()
    if backend not in ("tensorflow", "jax"):
        return f"on {backend} there is no loop"
    if model.run_eagerly:
        return "the model asks to run eagerly"
    # On JAX a step returns what it reports; on TensorFlow the loop asks the model for it.
    reports = ("train_step", "compute_metrics", "get_metrics_result")
    for name in ("make_train_function", *(reports if backend == "tensorflow" else ())):
        if getattr(type(model), name) is not getattr(keras.Model, name):
            return f"the model has its own {name}"
    if fixed_batch(model) == 0:
        return "a stateful layer is not built yet"
    return _of_backend().against(model)


def _of_backend() -> ModuleType:
    """Return the module that has the loop of the backend in use."""
    import keras

    return {"tensorflow": on_tensorflow, "jax": on_jax}[keras.backend.backend()]


def epoch_function(
    model: keras.Model, data: Data, batch_size: int, steps: int
) -> tuple[Callable[[Orders, Callable[[], Data], Callable[[int, int], None]], Train], str]:
    """Return what makes a `train_function` that takes all steps of an epoch, and how, in words.

    It is called as make(orders, inputs, within): `inputs()` gives the examples of an epoch, and
    within(done, count) hears how many were trained on.

    Args:
        model: a compiled Keras model whose variables exist.
        data: examples of the kind and shape that will come.
        batch_size: examples of a step.
        steps: of the whole training.

    Raises:
        StateChanges: a step on JAX returns the state with other kinds of arrays.
    """
    return _of_backend().epoch_function(model, data, batch_size, steps)
