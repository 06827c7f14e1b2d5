"""Many training steps in one compiled function of JAX, with the data on the device.

On a CPU convolutions go step by step, which is faster there, max-pooling has a quicker gradient,
and normalization and attention have shorter formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.networks.formulas import short_formulas
from labkit.networks.loops import common
from labkit.networks.loops.common import Data, Train
from labkit.networks.pooling import quick_max_pooling

if TYPE_CHECKING:
    import keras

# The parts of Keras' state, in the order in which a step takes and returns them.
STATE = ("trainable_variables", "non_trainable_variables", "optimizer_variables")
STATE += ("metrics_variables",)


class StateChanges(ValueError):
    """A step returns the state with other shapes or types, so that no loop can carry it."""


def against(model: keras.Model) -> str:
    """Return why JAX' loop would not do for this model, or ""."""
    import keras

    if not model.jit_compile:
        return "the model asks not to be compiled"
    return "the data are distributed" if keras.distribution.distribution() is not None else ""


def epoch_function(
    model: keras.Model, data: Data, batch_size: int, steps: int
) -> tuple[Callable[..., Train], str]:
    """Return what makes a `train_function` for all steps of an epoch, as `loops.epoch_function`."""
    import jax

    run, words = common.kept(model, common.kinds(data), lambda: jax_steps(model, data, batch_size))

    def make(orders: Any, inputs: Callable[[], Data], within: Callable[[int, int], None]) -> Train:
        placed = common.placed_once(jax.device_put)

        def train(state: tuple, iterator: Any) -> tuple[dict, tuple]:
            order, data = next(orders).astype(np.int32), placed(inputs())
            logs, done, on_device = {}, 0, common.placed_once(jax.device_put)
            for batches, first, end in common.calls(order, batch_size):
                # What Keras puts back into the model if this is interrupted.
                model._jax_state = dict(zip(STATE, state, strict=True))
                found = run(state, on_device(batches), first, end, data)
                logs, state = jax.block_until_ready(found)
                done += (end - first) * batches.shape[1]
                within(done, len(order))
            return logs, state

        return train

    return make, words


# Programs are kept by their text, for the next model that trains by the same one: a training of the
# same network from another seed has nothing to compile.
PROGRAMS_KEPT = 16
_programs: dict[tuple, Callable] = {}
Steps = Callable[[tuple, Any, int, int, Data], tuple[dict, tuple]]


def jax_steps(model: keras.Model, data: Data, batch_size: int) -> tuple[Steps, str]:
    """Return a function that takes many training steps of a model, and how, in words.

    It is called as steps(state, batches, first, end, data) for the steps first to end - 1:
    `batches` holds positions of examples, int32 of shape (steps, batch), and the state is Keras'
    own: variables that are trained, other variables, the optimizer's, the metrics'. It returns the
    last step's logs and the new state. How many steps a call takes is open, so that one program
    serves all of that shape.

    The steps are one compiled loop. Where the model convolves, on a CPU, each is a call: inside a
    loop XLA computes convolutions many times slower there.

    Args:
        model: a compiled Keras model on the JAX backend whose variables exist.
        data: examples of the kind and shape that will come.
        batch_size: examples of a step.

    Raises:
        StateChanges: a step returns the state with other kinds of arrays, as one's own may.
    """
    import jax
    import keras
    from jax import numpy as jnp

    on_cpu = jax.default_backend() == "cpu"
    # A step of one's own may ask for more than a gradient, which the quick pooling cannot give.
    plain = on_cpu and type(model).train_step is keras.Model.train_step
    quick = _quick_on_a_cpu if plain else nullcontext
    step = jax.jit(model.train_step)  # so that Keras is asked for it once, and not at each use

    def one(state: tuple, batches: Any, index: Any, data: Data) -> tuple[dict, tuple]:
        rows = batches[index]
        return step(state, jax.tree.map(lambda each: each[rows], data))

    def loop(state: tuple, batches: Any, first: Any, end: Any, data: Data) -> tuple[dict, tuple]:
        kinds = jax.eval_shape(one, state, batches, first, data)[0]
        logs = jax.tree.map(lambda kind: jnp.zeros(kind.shape, kind.dtype), kinds)
        take = lambda index, found: one(found[1], batches, index, data)
        return jax.lax.fori_loop(first, end, take, (logs, state))

    size = min(batch_size, len(common.leaves(data)[0]))
    batch = jax.tree.map(
        lambda each: jax.ShapeDtypeStruct((size, *each.shape[1:]), common.held_as(each.dtype)),
        data,
    )
    state = model._get_jax_state(True, True, True, True)
    with quick():
        traced = step.trace(state, batch)
    _check_carry(state, traced.out_info)
    apart = on_cpu and "conv_general_dilated" in str(traced.jaxpr)
    words = "compiled steps, the data in place" if apart else "steps looped in one call"
    programs: dict = {}

    def steps(state: tuple, batches: Any, first: int, end: int, data: Data) -> tuple[dict, tuple]:
        first, end = np.int32(first), np.int32(end)
        # The old state is not given away: what interrupts a call finds it whole.
        # The state is other where layers were frozen and the model not compiled anew.
        shapes = [(each.shape, str(each.dtype)) for each in jax.tree.leaves((batches, data))]
        kinds = (jax.tree.structure(state), *shapes)
        if kinds not in programs:
            with quick():
                if apart:
                    lowered = jax.jit(one).lower(state, batches, first, data)
                else:
                    lowered = jax.jit(loop).lower(state, batches, first, end, data)
            programs[kinds] = _compiled(lowered)
        program = programs[kinds]
        if not apart:
            return program(state, batches, first, end, data)
        for index in np.arange(first, end, dtype=np.int32):
            logs, state = program(state, batches, index, data)
        return logs, state

    return steps, words


@contextmanager
def _quick_on_a_cpu() -> Iterator[None]:
    with quick_max_pooling(), short_formulas():
        yield


def _check_carry(state: tuple, found: Any) -> None:
    """Raise StateChanges unless a step, which returns `found`, keeps the kinds of its state."""
    import jax

    def kinds(nest: Any) -> Any:
        return jax.tree.map(lambda each: (tuple(each.shape), str(each.dtype)), nest)

    logs_and_state = isinstance(found, tuple) and len(found) == 2
    if not logs_and_state or kinds(found[1]) != kinds(state):
        raise StateChanges("a step changes the kind of the state, which a loop cannot carry on")


def _compiled(lowered: Any) -> Callable:
    """Return the compiled program, or the same one that was compiled before."""
    text = lowered.as_text()
    if "callback" in text:  # Python functions in it are told apart by more than the text
        return lowered.compile()
    key = (text, lowered.in_tree, lowered.out_tree)
    program = _programs.pop(key, None) or lowered.compile()
    _programs[key] = program  # the last one used comes last
    while len(_programs) > PROGRAMS_KEPT:
        del _programs[next(iter(_programs))]
    return program
