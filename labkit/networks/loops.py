"""Take many of Keras' own training steps in one call of the backend, with the data in place.

Between two steps `model.fit` hands over a batch and comes back to Python, which on a CPU often
costs more than the step. A loop here gathers each batch inside the compiled function instead and
calls the model's own `train_step`: loss, gradients, optimizer and metrics are Keras'.

- TensorFlow: a loop in one graph, with the fused kernel for LSTM layers, and compiled by XLA where
  a network of dense layers trains long enough to earn that back.
- JAX: a loop in one compiled function; on a CPU convolutions step by step, which is faster there,
  and max-pooling with a quicker gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.networks.backend import without_chatter
from labkit.networks.fused import fused_lstm
from labkit.networks.pooling import quick_max_pooling

if TYPE_CHECKING:
    import keras

# Steps run in one call. Python hears of Ctrl-C, and shows progress, only in between: with 100
# steps that is about once a second for a small network.
STEPS_PER_CALL = 100
# From so many updates on, compiling a network of dense layers saves more than it costs: about
# 0.8 s once against 0.2 to 0.8 ms an update. Convolutions are several times slower compiled. XLA
# draws other random numbers than TensorFlow, so that no layer that draws some is among these.
STEPS_TO_COMPILE = 3000
_COMPILED_WELL = ("InputLayer", "Flatten", "Dense", "Activation", "Rescaling")

Data = Any  # arrays of n examples each: x, or (x, y), or (x, y, sample_weight), as Keras packs them


class StateChanges(ValueError):
    """A step on JAX returns the state with other shapes or types, so that no loop can carry it."""


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
    return _against_on_tensorflow(model) if backend == "tensorflow" else _against_on_jax(model)


def _against_on_tensorflow(model: keras.Model) -> str:
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return "the loop is for a CPU"
    if model.jit_compile:
        return "the model asks for its own compilation"
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return "there are several replicas"
    return ""


def _against_on_jax(model: keras.Model) -> str:
    import keras

    if not model.jit_compile:
        return "the model asks not to be compiled"
    return "the data are distributed" if keras.distribution.distribution() is not None else ""


def fixed_batch(model: keras.Model) -> int | None:
    """Return how many examples each batch must hold, because a layer keeps a state for each.

    None: any number, as in most models. 0: not known yet.
    """
    layers = getattr(model, "_flatten_layers", tuple)()
    states = [getattr(layer, "states", None) for layer in layers if getattr(layer, "stateful", 0)]
    if not states:
        return None
    import keras

    return next((one.shape[0] for one in keras.tree.flatten(states) if one is not None), 0)


def create_variables(model: keras.Model, data: Data) -> bool:
    """Make weights, optimizer, loss and metrics exist, from shapes alone: nothing is computed.

    Args:
        model: a compiled Keras model; what it has already stays as it is.
        data: examples of the kind and shape that will come.

    Returns:
        True if Keras would have looked at a batch for this: anything but the optimizer was missing.
    """
    import keras

    parts = [getattr(model, "_compile_metrics", None), getattr(model, "_compile_loss", None)]
    parts += model._flatten_layers()
    missing = not all(getattr(part, "built", True) for part in parts if part is not None)
    batch = fixed_batch(model)
    kinds = keras.tree.map_structure(
        lambda each: keras.KerasTensor((batch, *each.shape[1:]), _held_as(each.dtype)),
        data,
        none_is_leaf=False,
    )
    model._symbolic_build(data_batch=kinds)
    return missing


def _held_as(kind: Any) -> str:
    """Return the name of the type in which the backend holds numbers of this type."""
    import keras

    if keras.backend.backend() != "jax":
        return str(kind)
    import jax

    return jax.dtypes.canonicalize_dtype(kind).name  # 32 bits for 64; newer JAX warns of those


def compiling_pays_off(model: keras.Model, steps: int) -> bool:
    """Tell whether XLA makes so many steps of TensorFlow shorter, its compilation included."""
    kinds = {type(layer).__name__ for layer in model.layers}
    return steps >= STEPS_TO_COMPILE and kinds <= set(_COMPILED_WELL)


def calls(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Return the order cut into arrays (steps, batch) for one call each; the rest comes last.

    >>> [batches.tolist() for batches in calls(np.arange(5), batch_size=2)]
    [[[0, 1], [2, 3]], [[4]]]
    """
    whole = len(order) // batch_size * batch_size
    steps = order[:whole].reshape(-1, batch_size)
    found = [steps[i : i + STEPS_PER_CALL] for i in range(0, len(steps), STEPS_PER_CALL)]
    rest = order[whole:]
    return [*found, rest[None, :]] if len(rest) else found


# --- a whole epoch -------------------------------------------------------------------------------

Orders = Iterator[np.ndarray]  # one array of positions for each epoch
Train = Callable[..., Any]  # what Keras keeps as `model.train_function`


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
    """
    import keras

    kinds = tuple((tuple(each.shape[1:]), str(each.dtype)) for each in leaves(data))
    count = len(leaves(data)[0])
    if keras.backend.backend() == "jax":
        run, words = _kept(model, kinds, lambda: jax_steps(model, data, batch_size))
        return lambda *around: _jax_epoch(model, run, batch_size, *around), words
    compiled = compiling_pays_off(model, steps)
    even = None if count % batch_size else batch_size
    run = _kept(
        model, (kinds, compiled, even), lambda: tensorflow_steps(model, data, compiled, even)
    )
    words = "steps looped in one graph" + ", compiled by XLA" * compiled
    return lambda *around: _tensorflow_epoch(model, run, batch_size, *around), words


def leaves(data: Data) -> list:
    """Return the arrays of nested data, in Keras' order, without what is None."""
    import keras

    return [each for each in keras.tree.flatten(data) if each is not None]


def _kept(model: keras.Model, key: Any, make: Callable[[], Callable]) -> Callable:
    """Return what was made for the model with this key, as long as it is not compiled anew."""
    names = ("optimizer", "_compile_loss", "_compile_metrics")
    parts = [getattr(model, name, None) for name in names]
    before, found = model.__dict__.get("_labkit_loops", ([None] * len(parts), {}))
    if any(a is not b for a, b in zip(before, parts, strict=True)):
        found = {}
    if key not in found:
        found[key] = make()
    model.__dict__["_labkit_loops"] = parts, found  # past Keras, which would track it
    return found[key]


def _placed(inputs: Callable[[], Data], place: Callable[[Data], Data]) -> Callable[[], Data]:
    """Return inputs() as the backend has it; the same examples are placed once for all epochs."""
    seen, data = None, None

    def placed() -> Data:
        nonlocal seen, data
        found = inputs()
        if found is not seen:
            seen, data = found, place(found)
        return data

    return placed


def _tensorflow_epoch(
    model: keras.Model,
    run: Callable,
    batch_size: int,
    orders: Orders,
    inputs: Callable[[], Data],
    within: Callable[[int, int], None],
) -> Train:
    placed = _placed(inputs, _tensors)

    def train(iterator: Any) -> dict:
        order, data = next(orders), placed()
        done = 0
        for batches in calls(order, batch_size):
            run(batches, data)
            done += batches.size
            within(done, len(order))
        return model.get_metrics_result()

    return train


def _tensors(data: Data) -> Data:
    import keras
    import tensorflow as tf

    return keras.tree.map_structure(tf.convert_to_tensor, data, none_is_leaf=False)


def _jax_epoch(
    model: keras.Model,
    run: Callable,
    batch_size: int,
    orders: Orders,
    inputs: Callable[[], Data],
    within: Callable[[int, int], None],
) -> Train:
    import jax

    names = ("trainable_variables", "non_trainable_variables", "optimizer_variables")
    names += ("metrics_variables",)
    placed = _placed(inputs, jax.device_put)

    def train(state: tuple, iterator: Any) -> tuple[dict, tuple]:
        order, data = next(orders).astype(np.int32), placed()
        whole = len(order) // batch_size * batch_size
        logs, done = {}, 0
        for batches in (order[:whole].reshape(-1, batch_size), order[None, whole:]):
            on_device = jax.device_put(batches)
            for first in range(0, len(batches) if batches.size else 0, STEPS_PER_CALL):
                # What Keras puts back into the model if this is interrupted.
                model._jax_state = dict(zip(names, state, strict=True))
                end = min(first + STEPS_PER_CALL, len(batches))
                logs, state = jax.block_until_ready(run(state, on_device, first, end, data))
                done += (end - first) * batches.shape[1]
                within(done, len(order))
        return logs, state

    return train


# --- TensorFlow ----------------------------------------------------------------------------------


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
    with fused_lstm(), without_chatter():
        trace = run_steps.get_concrete_function()

    def steps(batches: np.ndarray, data: Data) -> None:
        # In the structure of the signature: leaves alone are taken, too, but only after a search
        # for what is wrong with them that costs as much as a few steps.
        with without_chatter():
            trace(tf.convert_to_tensor(batches), _tensors(data))

    return steps


# --- JAX -----------------------------------------------------------------------------------------


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
    pooling = quick_max_pooling if plain else nullcontext
    step = jax.jit(model.train_step)  # so that Keras is asked for it once, and not at each use

    def one(state: tuple, batches: Any, index: Any, data: Data) -> tuple[dict, tuple]:
        rows = batches[index]
        return step(state, jax.tree.map(lambda each: each[rows], data))

    def loop(state: tuple, batches: Any, first: Any, end: Any, data: Data) -> tuple[dict, tuple]:
        kinds = jax.eval_shape(one, state, batches, first, data)[0]
        logs = jax.tree.map(lambda kind: jnp.zeros(kind.shape, kind.dtype), kinds)
        take = lambda index, found: one(found[1], batches, index, data)
        return jax.lax.fori_loop(first, end, take, (logs, state))

    size = min(batch_size, len(leaves(data)[0]))
    batch = jax.tree.map(
        lambda each: jax.ShapeDtypeStruct((size, *each.shape[1:]), _held_as(each.dtype)), data
    )
    state = model._get_jax_state(True, True, True, True)
    with pooling():
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
            with pooling():
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
