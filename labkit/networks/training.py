"""Train a compiled Keras model: `fit(model, x, y)` as in Keras, on the fast path of each backend.

On a CPU, Keras on TensorFlow spends much of `model.fit` between the training steps: it hands
over every batch and comes back to Python after it. `fit` here runs many steps of Keras' own
`train_step` inside one TensorFlow graph instead, with the fused kernel for LSTM layers, and
compiled by XLA where a network of dense layers trains long enough to earn that back. The steps,
the loss and the metrics are Keras'; only the way there is shorter. On other backends and on a GPU
it calls `model.fit`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from labkit.networks.backend import without_chatter
from labkit.networks.fused import fused_lstm

if TYPE_CHECKING:
    import keras

# Steps run in one call into TensorFlow. Python hears of Ctrl-C, and shows progress, only in
# between: with 100 steps that is about once a second for a small network.
STEPS_PER_CALL = 100
# From so many updates on, compiling a network of dense layers saves more than it costs: about
# 0.8 s once against 0.2 to 0.8 ms an update. Convolutions are several times slower compiled.
STEPS_TO_COMPILE = 3000
_COMPILED_WELL = ("InputLayer", "Flatten", "Dense", "Dropout", "Activation", "Rescaling")
HEADLESS_LINES = 5  # lines of output that a whole training may leave in an executed notebook

Logs = dict[str, float]


@dataclass
class History:
    """What a training went through.

    Attributes:
        history: one list per quantity, one value per epoch: "loss" and each metric, averaged
            over the batches of the epoch while they were trained on; the same with "val_" in
            front, on the validation data after the epoch; "seconds", the wall time of the epoch
            without validation (the first epoch includes compilation).
        epoch: the numbers of the finished epochs, from 0.
        execution: how the steps were run, in words.
        interrupted: True if it was stopped by hand; the network keeps what it had learned.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    epoch: list[int] = field(default_factory=list)
    execution: str = ""
    interrupted: bool = False

    def _add(self, logs: Logs) -> None:
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
        self.epoch.append(len(self.epoch))


def fit(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    epochs: int = 5,
    batch_size: int = 64,
    validation_data: tuple[np.ndarray, np.ndarray] | None = None,
    augment: Callable[..., np.ndarray] | None = None,
    seed: int = 0,
    verbose: int = 1,
    on_epoch: Callable[[int, Logs], None] | None = None,
) -> History:
    """Train a compiled model and return what happened, epoch by epoch.

    The last batch of an epoch is smaller when the batch size does not divide the number of
    examples. Ctrl-C (or the stop button) ends the training and keeps what was learned; in a
    headless run it is raised, so that half a training is never recorded as a whole one.

    Args:
        model: a Keras model after `model.compile(...)`.
        x: inputs, shape (n, ...).
        y: targets, shape (n,) or (n, ...).
        epochs: passes over all examples, at least 1.
        batch_size: examples per update, at least 1.
        validation_data: inputs and targets to measure on after each epoch.
        augment: called as augment(x, seed=...) before each epoch; trains on what it returns.
        seed: order of the examples in each epoch, and what `augment` is given. Starting weights
            belong to the model, not to this seed.
        verbose: 0 for silence, 1 for one line of progress.
        on_epoch: called as on_epoch(epoch, logs) after each epoch, while the training goes on;
            epoch counts from 1, logs hold what `History` keeps of this epoch.

    Raises:
        ValueError: a model that is not compiled, inputs and targets of different length, epochs or
            batch_size below 1, or batches that a stateful model cannot take.

    Lesson: 11_convolution.
    """
    check(model, x, y, epochs=epochs, batch_size=batch_size)
    execute, words = _execution(model)
    course = _Course(
        model=model,
        x=np.asarray(x),
        y=np.asarray(y),
        epochs=epochs,
        batch_size=batch_size,
        validation_data=validation_data,
        augment=augment,
        seed=seed,
        history=History(execution=words),
        progress=_Progress(epochs, len(x), verbose),
        on_epoch=on_epoch or (lambda epoch, logs: None),
    )
    try:
        execute(course)
    except KeyboardInterrupt:
        if _headless():
            raise
        course.history.interrupted = True
        course.progress.stopped(len(course.history.epoch))
    return course.history


def check(model: keras.Model, x: np.ndarray, y: np.ndarray, **counts: int) -> None:
    """Refuse what cannot be trained: see `fit`; `counts` are epochs, batch_size."""
    if not getattr(model, "compiled", False):
        raise ValueError(
            "the model is not compiled yet; say how it shall learn first, for example "
            'model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", '
            'metrics=["accuracy"])'
        )
    if len(x) != len(y) or len(x) == 0:
        raise ValueError(
            "x and y must hold one entry per example, and at least one. "
            f"Received: {len(x)} inputs and {len(y)} targets"
        )
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be an integer of at least 1. Received: {name}={value!r}")
    batch, batch_size = fixed_batch(model), counts["batch_size"]
    if batch == 0:
        raise ValueError(
            "a stateful layer keeps a state for each example of a batch, so that it must know how "
            f"many there are: begin with keras.Input(batch_shape={(batch_size, *x.shape[1:])}), or "
            f"call the model once on {batch_size} examples"
        )
    if batch and (batch_size != batch or len(x) % batch):
        raise ValueError(
            f"a stateful layer keeps a state for each of {batch} examples: give batch_size={batch} "
            f"and a multiple of {batch} examples, such as the first {len(x) // batch * batch}. "
            f"Received: batch_size={batch_size} and {len(x)} examples"
        )


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


def create_variables(model: keras.Model, x: np.ndarray, y: np.ndarray) -> None:
    """Make weights, optimizer, loss and metrics exist, from shapes alone: nothing is computed.

    Args:
        model: a compiled Keras model; what it has already stays as it is.
        x, y: inputs and targets of the kind and shape that will come.
    """
    import keras

    batch = fixed_batch(model)
    kinds = [keras.KerasTensor((batch, *each.shape[1:]), str(each.dtype)) for each in (x, y)]
    model._symbolic_build(data_batch=tuple(kinds))


def _epoch_data(
    x: np.ndarray, epoch: int, augment: Callable[..., np.ndarray] | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs of one epoch and the order to take them in; both follow from the seed."""
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(x))
    if augment is None:
        return x, order
    changed = augment(x, seed=int(random.integers(2**32)))
    if changed.shape != x.shape:
        raise ValueError(
            f"augment must return inputs of the same shape {x.shape}. Received: {changed.shape}"
        )
    return changed.astype(x.dtype, copy=False), order


@dataclass
class _Course:
    """One training: what it was asked for, and what both ways to run it do around an epoch."""

    model: keras.Model
    x: np.ndarray
    y: np.ndarray
    epochs: int
    batch_size: int
    validation_data: tuple[np.ndarray, np.ndarray] | None
    augment: Callable[..., np.ndarray] | None
    seed: int
    history: History
    progress: _Progress
    on_epoch: Callable[[int, Logs], None]

    def begin(self, epoch: int) -> None:
        """Prepare the inputs of an epoch and the order to take them in."""
        self.started = time.perf_counter()
        self.inputs, self.order = _epoch_data(self.x, epoch, self.augment, self.seed)

    def end(self, epoch: int, logs: Logs) -> None:
        """Measure on the validation data, note the epoch, show it and pass it on."""
        logs = {name: float(value) for name, value in logs.items()}
        logs["seconds"] = time.perf_counter() - self.started
        if self.validation_data is not None:
            x, y = self.validation_data
            batch = fixed_batch(self.model) or 256
            measured = self.model.evaluate(x, y, batch_size=batch, verbose=0, return_dict=True)
            logs.update({f"val_{name}": float(value) for name, value in measured.items()})
        self.history._add(logs)
        self.progress.epoch_done(epoch, logs)
        self.on_epoch(epoch + 1, dict(logs))


# --- how the steps are run -----------------------------------------------------------------


def _execution(model: keras.Model) -> tuple[Callable[[_Course], None], str]:
    """Return the function that runs a course fastest here, and its name in words."""
    import keras

    backend = keras.backend.backend()
    if loop_pays_off(model):
        return _run_tensorflow_loop, "TensorFlow, steps looped in one graph"
    return _run_keras_fit, f"{backend}, model.fit"


def loop_pays_off(model: keras.Model) -> bool:
    """Tell whether the loop is faster and means the same as `model.fit` for this model here."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    on_cpu = not tf.config.list_physical_devices("GPU")
    # An own compiler, step by step execution or several replicas are choices to be respected.
    plain = not (model.run_eagerly or model.jit_compile)
    return on_cpu and plain and model.distribute_strategy.num_replicas_in_sync == 1


def _compiling_pays_off(course: _Course) -> bool:
    """Tell whether XLA makes this training shorter, its compilation included."""
    steps = course.epochs * -(-len(course.x) // course.batch_size)
    kinds = {type(layer).__name__ for layer in course.model.layers}
    return steps >= STEPS_TO_COMPILE and kinds <= set(_COMPILED_WELL)


def _run_tensorflow_loop(course: _Course) -> None:
    """Train with a loop over Keras' own `train_step` inside one TensorFlow function."""
    import tensorflow as tf

    model, targets = course.model, tf.convert_to_tensor(course.y)
    create_variables(model, course.x, course.y)
    steps = tensorflow_steps(model, course.x, course.y, compiled=_compiling_pays_off(course))
    for epoch in range(course.epochs):
        course.begin(epoch)
        inputs = tf.convert_to_tensor(course.inputs)
        model.reset_metrics()
        done = 0
        for batches in _calls(course.order, course.batch_size):
            with without_chatter():
                steps(batches, inputs, targets)
            done += batches.size
            course.progress.within(epoch, done)
        course.end(epoch, model.get_metrics_result())
    # Only now, as in `model.fit`, do optimizers that average weights put the averages in.
    model.optimizer.finalize_variable_values(model.trainable_variables)


def tensorflow_steps(
    model: keras.Model, x: np.ndarray, y: np.ndarray, compiled: bool = False
) -> Callable[..., None]:
    """Return a function that takes many training steps of a model inside one TensorFlow graph.

    It is called as steps(batches, inputs, targets): `batches` holds positions of examples, int64
    of shape (steps, batch); inputs and targets are arrays or tensors, n examples each.

    Args:
        model: a compiled Keras model on the TensorFlow backend whose variables exist: a graph can
            use them, not create them.
        x, y: inputs and targets of the kind and shape that will come.
        compiled: by XLA, which pays off for dense layers in a long training.
    """
    import tensorflow as tf

    # autograph off: it needs the source of every layer, which a notebook cell may not have.
    # One trace serves the full batches and the last, smaller one: both axes are open. XLA compiles
    # the whole loop, once for each shape.
    @tf.function(
        autograph=False,
        jit_compile=True if compiled else None,
        input_signature=[
            tf.TensorSpec((None, None), tf.int64),
            tf.TensorSpec((None, *x.shape[1:]), x.dtype),
            tf.TensorSpec((None, *y.shape[1:]), y.dtype),
        ],
    )
    def run_steps(batches: tf.Tensor, inputs: tf.Tensor, targets: tf.Tensor) -> None:
        def body(step: tf.Tensor) -> tuple[tf.Tensor]:
            batch = batches[step]
            model.train_step((tf.gather(inputs, batch), tf.gather(targets, batch)))
            return (step + 1,)

        # parallel_iterations=1: each step needs the weights of the one before.
        tf.while_loop(lambda step: step < tf.shape(batches)[0], body, (0,), parallel_iterations=1)

    # The trace itself, and not the function: TensorFlow warns of functions traced often, and every
    # training has its own.
    with fused_lstm(), without_chatter():
        trace = run_steps.get_concrete_function()
    return lambda *arrays: trace(*map(tf.convert_to_tensor, arrays))


def _calls(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Return the order cut into arrays (steps, batch) for one call each; the rest comes last.

    >>> [batches.tolist() for batches in _calls(np.arange(5), batch_size=2)]
    [[[0, 1], [2, 3]], [[4]]]
    """
    whole = len(order) // batch_size * batch_size
    steps = order[:whole].reshape(-1, batch_size)
    calls = [steps[i : i + STEPS_PER_CALL] for i in range(0, len(steps), STEPS_PER_CALL)]
    rest = order[whole:]
    return [*calls, rest[None, :]] if len(rest) else calls


def _run_keras_fit(course: _Course) -> None:
    """Train with `model.fit`, which is handed the same batches in the same order."""
    import keras

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return -(-len(course.x) // course.batch_size)

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            start = index * course.batch_size
            batch = course.order[start : start + course.batch_size]
            return course.inputs[batch], course.y[batch]

    around = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: course.begin(epoch), on_epoch_end=course.end
    )
    # Keras looks at a first batch, to build the model, before the first epoch begins.
    course.inputs, course.order = course.x, np.arange(len(course.x))
    course.model.fit(Batches(), epochs=course.epochs, shuffle=False, callbacks=[around], verbose=0)


# --- one line of progress ------------------------------------------------------------------


def _headless() -> bool:
    return os.environ.get("LABKIT_HEADLESS") == "1"


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")  # loaded, if this is a notebook: nothing to import
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class _Progress:
    """One line that renews itself for somebody who watches; a few lines for an executed copy."""

    def __init__(self, epochs: int, examples: int, verbose: int):
        self.epochs, self.examples = epochs, examples
        self.show = _line_writer() if verbose else None
        # Headless, these epochs leave a line: evenly spread, the last one among them.
        lines = min(epochs, HEADLESS_LINES)
        self.kept = {round(epochs * (i + 1) / lines) for i in range(lines)}

    def within(self, epoch: int, done: int) -> None:
        if self.show:
            text = f"epoch {epoch + 1}/{self.epochs}  {done:,} of {self.examples:,} examples"
            self.show(text, keep=False)

    def epoch_done(self, epoch: int, logs: Logs) -> None:
        if self.show:
            values = "  ".join(f"{k} {v:.4f}" for k, v in logs.items() if k != "seconds")
            text = f"epoch {epoch + 1}/{self.epochs}  {values}  {logs['seconds']:.1f} s"
            self.show(text, keep=epoch + 1 in self.kept, last=epoch + 1 == self.epochs)

    def stopped(self, epochs_done: int) -> None:
        if self.show:
            text = f"stopped by hand after {epochs_done} of {self.epochs} epochs; the network "
            self.show(text + "keeps what it has learned so far", keep=True, last=True)


def _line_writer() -> Callable[..., None]:
    """Return show(text, keep, last=False), suited to where the output goes.

    A notebook somebody watches: one output, replaced in place. A terminal: one line, rewritten.
    A headless run or a pipe: only the lines to keep, each printed once.
    """
    if not _headless() and _in_notebook():
        from IPython.display import display

        handle = display({"text/plain": ""}, raw=True, display_id=True)
        return lambda text, keep, last=False: handle.update({"text/plain": text}, raw=True)
    if not _headless() and sys.stdout.isatty():
        return lambda text, keep, last=False: print(
            f"\r\033[K{text}", end="\n" if last else "", flush=True
        )
    return lambda text, keep, last=False: print(text, flush=True) if keep else None
