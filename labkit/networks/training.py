"""Train a compiled Keras model: `fit(model, x, y)` is `model.fit(x, y)` on a faster path.

On a CPU, Keras spends much of `model.fit` between the training steps. `fit` here lets `model.fit`
do all that it does, callbacks, validation, history, and hands it another function for the steps of
an epoch: `labkit.networks.loops` takes Keras' own steps, on the same examples in the same order, in
one call of the backend. What a loop could not do in the same way goes to `model.fit` as it is, and
the returned history says why.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.networks import loops

if TYPE_CHECKING:
    import keras

HEADLESS_LINES = 5  # lines of output that a whole training may leave in an executed notebook
NOT_COMPILED = (
    "the model is not compiled yet; say how it shall learn first, for example "
    'model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])'
)

Augment = Callable[..., np.ndarray]


def fit(
    model: keras.Model,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: str | int = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool = True,
    class_weight: dict[int, float] | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: int = 1,
    *,
    augment: Augment | None = None,
) -> keras.callbacks.History:
    """Train a compiled model as `model.fit` does, faster: the same arguments, order and defaults.

    After `keras.utils.set_random_seed` the same seed gives the same order of examples, the same
    weights and the same history as `model.fit`, but for the last bits of sums that are taken in
    another order: where XLA compiles the steps together, on JAX and where `execution` says so, in
    the fused kernel of LSTM layers, in layer normalization and attention
    (`labkit.networks.formulas`), and where TensorFlow multiplies by a constant in another place (a
    factor in the activation of a recurrent layer). The keys' bias of attention, which changes
    nothing, is such last bits and nothing else. On TensorFlow a set seed means, as in Keras,
    the same order in every epoch: the state of its seeded shuffle begins anew with each pass.

    Ctrl-C (or the stop button) ends the training and keeps what was learned; in a headless run it
    is raised, so that half a training is never recorded as a whole one.

    Args:
        model: a Keras model after `model.compile(...)`.
        x, y, batch_size, ..., validation_freq: as in `keras.Model.fit`.
        verbose: 0 for silence, 1 or "auto" for one line of progress, 2 as in Keras.
        augment: called as augment(x, seed=...) before each epoch; trains on what it returns.

    Returns:
        Keras' own history, with three attributes more: `execution`, how the steps were run, in
        words; `seconds`, the wall time of each epoch without validation (the first one includes
        compilation); `interrupted`, True if it was stopped by hand.

    Raises:
        ValueError: a model that is not compiled, `augment` with anything but one array of inputs,
            or what `model.fit` raises.

    Lesson: 11_convolution.
    """
    asked = {name: value for name, value in locals().items() if name not in ("model", "augment")}
    if not getattr(model, "compiled", False):
        raise ValueError(NOT_COMPILED)
    if augment:
        _check_one_array(x)
    watch, before = _watch(verbose, epochs), getattr(model, "history", None)
    against = _against(model, asked)
    try:
        if against:
            history, words = _keras_fit(model, asked, watch, augment), f"model.fit: {against}"
        else:
            history, words = _looped_fit(model, asked, watch, augment)
    except KeyboardInterrupt:
        if _headless():
            raise
        history, words = _begun(model, before), "stopped by hand"
        watch.stopped(len(history.epoch))
    history.execution, history.seconds = f"{_backend_name()}, {words}", watch.seconds
    history.interrupted = watch.interrupted
    return history


def _check_one_array(x: Any) -> None:
    if isinstance(x, list | tuple | dict) or not _in_memory([x]):
        raise ValueError(
            "augment changes one array of inputs in memory. "
            f"Received: x={type(x).__name__}; augment such data before, or give x as an array"
        )


def _begun(model: keras.Model, before: Any) -> keras.callbacks.History:
    """Return the history of a stopped training, an empty one if it stopped before Keras had one."""
    import keras

    if getattr(model, "history", None) is before:
        model.history = keras.callbacks.History()
    if not hasattr(model.history, "epoch"):
        model.history.on_train_begin()
    return model.history


def _backend_name() -> str:
    import keras

    return {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}[keras.backend.backend()]


# --- which way -----------------------------------------------------------------------------------


def _against(model: keras.Model, asked: dict[str, Any]) -> str:
    """Return why the call goes to `model.fit` as it is, or ""."""
    import keras

    if why := loops.against(model):
        return why
    if not _in_memory([asked[name] for name in ("x", "y", "sample_weight")]):
        return "the data are not arrays in memory"
    if asked["epochs"] <= asked["initial_epoch"]:
        return "no epoch is asked for"
    if not isinstance(asked["shuffle"], bool):
        return f"shuffle={asked['shuffle']!r} mixes within batches"
    if asked["steps_per_epoch"] or keras.config.max_steps_per_epoch():
        return "an epoch is a number of steps, not a pass over the data"
    for callback in _listed(asked["callbacks"]):
        if _reads_batches(callback):
            return f"{type(callback).__name__} is called at every batch"
    return ""


def _in_memory(parts: list) -> bool:
    """Tell whether all are arrays of numbers, alone or in lists and dictionaries."""
    leaves = loops.leaves(parts)
    known = ("ndarray", "EagerTensor", "ArrayImpl", "DataFrame", "Series")
    return bool(leaves) and all(
        type(each).__name__ in known
        and each.ndim
        and (type(each).__name__ == "DataFrame" or str(each.dtype) not in ("object", "string"))
        for each in leaves
    )


def _listed(callbacks: Any) -> list:
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


def _reads_batches(callback: Any) -> bool:
    """Tell whether a callback must hear of every batch; those that save once an epoch need not."""
    import keras

    if isinstance(callback, keras.callbacks.CallbackList):
        return True
    savers = (keras.callbacks.ModelCheckpoint, keras.callbacks.BackupAndRestore)
    if type(callback) in savers and callback.save_freq == "epoch":
        return False
    names = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    return not all(hasattr(getattr(callback, name), "_is_default") for name in names)


# --- model.fit as it is --------------------------------------------------------------------------


def _keras_fit(
    model: keras.Model, asked: dict[str, Any], watch: Any, augment: Augment | None
) -> keras.callbacks.History:
    """Call `model.fit` with what was asked for, and watch it."""
    import keras

    asked = dict(asked)
    if not isinstance(asked["callbacks"], keras.callbacks.CallbackList):
        asked["callbacks"] = [*_listed(asked["callbacks"]), watch]
        asked["verbose"] = 2 if asked["verbose"] == 2 else 0
    if augment:
        asked["x"] = _augmented(asked, augment)
        asked |= dict.fromkeys(("y", "sample_weight", "batch_size"))
    return model.fit(**asked)


def _augmented(asked: dict[str, Any], augment: Augment) -> keras.utils.PyDataset:
    """Return the data as batches that change from epoch to epoch."""
    import keras

    parts = [
        np.asarray(asked[name]) for name in ("x", "y", "sample_weight") if asked[name] is not None
    ]
    size = asked["batch_size"] or 32

    class Batches(keras.utils.PyDataset):
        def on_epoch_begin(self) -> None:
            self.x = _changed(parts[0], augment)
            count = len(self.x)
            self.order = np.random.permutation(count) if asked["shuffle"] else np.arange(count)  # noqa: NPY002

        def __len__(self) -> int:
            return -(-len(parts[0]) // size)

        def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
            rows = self.order[index * size : (index + 1) * size]
            return tuple(each[rows] for each in (self.x, *parts[1:]))

    return Batches()


def _changed(x: np.ndarray, augment: Augment) -> np.ndarray:
    """Return the inputs of one epoch; what `augment` draws follows from Keras' seed."""
    changed = augment(x, seed=int(np.random.randint(2**31)))  # noqa: NPY002
    if changed.shape != x.shape:
        raise ValueError(
            f"augment must return inputs of the same shape {x.shape}. Received: {changed.shape}"
        )
    return changed.astype(x.dtype, copy=False)


# --- model.fit around a loop ---------------------------------------------------------------------


def _looped_fit(
    model: keras.Model, asked: dict[str, Any], watch: Any, augment: Augment | None
) -> tuple[keras.callbacks.History, str]:
    """Call `model.fit` for one step an epoch, which is the loop over all of them."""
    import keras

    data, validation = _split(asked)
    data = _as_keras_has_it(*data, asked["class_weight"])
    count = len(loops.leaves(data)[0])
    size = asked["batch_size"] or 32
    steps = -(-count // size)
    missing = loops.create_variables(model, data)
    updates = steps * (asked["epochs"] - asked["initial_epoch"])
    try:
        run, words = loops.epoch_function(model, data, size, updates)
    except loops.StateChanges as why:
        if missing and asked["shuffle"]:  # a look at the first batch would have drawn an order
            np.random.permutation(count)  # noqa: NPY002
        return _keras_fit(model, asked, watch, augment), f"model.fit: {why}"
    orders = _orders(count, asked["shuffle"], missing)

    def inputs() -> Any:
        if not augment:
            return data
        if not isinstance(data, tuple):  # inputs alone
            return _changed(data, augment)
        return _changed(data[0], augment), *data[1:]

    callbacks = keras.callbacks.CallbackList(
        [*_listed(asked["callbacks"]), watch],
        add_history=True,
        add_progbar=asked["verbose"] == 2,
        verbose=asked["verbose"],
        epochs=min(asked["epochs"], keras.config.max_epochs() or asked["epochs"]),
        steps=steps,
        model=model,
    )
    kept, model.train_function = model.train_function, run(orders, inputs, watch.within)
    names = ("epochs", "initial_epoch", "validation_steps", "validation_freq")
    try:
        history = model.fit(
            _one_step(),
            shuffle=False,  # of the one step
            callbacks=callbacks,
            validation_data=validation,
            validation_batch_size=asked["validation_batch_size"] or asked["batch_size"],
            **{name: asked[name] for name in names},
        )
    finally:
        model.train_function = kept
    return history, words


def _split(asked: dict[str, Any]) -> tuple[tuple, Any]:
    """Return (x, y, sample weights) to train on, and the validation data, split off as in Keras."""
    from keras.src.trainers.data_adapters import array_slicing

    parts = tuple(asked[name] for name in ("x", "y", "sample_weight"))
    if not asked["validation_split"] or asked["validation_data"] is not None:
        return parts, asked["validation_data"]
    return array_slicing.train_validation_split(parts, validation_split=asked["validation_split"])


def _as_keras_has_it(x: Any, y: Any, sample_weight: Any, class_weight: Any) -> Any:
    """Return all examples as one batch of Keras' own: packed, in its types, weights made."""
    import keras
    from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

    adapter = ArrayDataAdapter(
        x,
        y,
        sample_weight,
        batch_size=max(1, len(loops.leaves((x, y))[0])),
        class_weight=class_weight,
    )
    return keras.tree.lists_to_tuples(next(iter(adapter.get_numpy_iterator())))


def _one_step() -> Any:
    """Return data of one step an epoch for `model.fit`, the cheapest that the backend has."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return np.zeros((1, 1))
    import tensorflow as tf

    return tf.data.Dataset.from_tensors(0)


def _orders(count: int, shuffle: bool, missing: bool) -> Iterator[np.ndarray]:
    """Yield the order of the examples in each epoch, the one that `model.fit` would draw.

    Args:
        count: examples.
        shuffle: False keeps them as they are.
        missing: True if Keras had to look at a first batch to create variables.
    """
    import keras

    if not shuffle:
        draw = lambda: np.arange(count)
    elif keras.backend.backend() == "tensorflow":
        draw = _tensorflow_draw(count)
    else:
        draw = lambda: np.random.permutation(count)  # noqa: NPY002
        if missing:  # the look at the first batch has drawn an order
            draw()
    while True:
        yield draw()


def _tensorflow_draw(count: int) -> Callable[[], np.ndarray]:
    """Return a function that draws an order as Keras' data adapter does on TensorFlow."""
    from tensorflow.python.eager import context

    order = _seeded_order(count, context.global_seed())
    return lambda: np.random.permutation(count) if order is None else order  # noqa: NPY002


@lru_cache(maxsize=32)
def _seeded_order(count: int, seed: int | None) -> np.ndarray | None:
    """Return the order that a seed of TensorFlow makes, or None if every epoch has another.

    After `keras.utils.set_random_seed` that is the same order in each epoch: the state of the
    seeded shuffle begins anew with each pass over the data.
    """
    import keras
    from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

    if seed is None:
        return None
    adapter = ArrayDataAdapter(np.arange(count), batch_size=count, shuffle=True)
    dataset = adapter.get_tf_dataset()
    first, second = (keras.tree.flatten(next(iter(dataset)))[0].numpy() for _ in range(2))
    return first if np.array_equal(first, second) else None


# --- one line of progress ------------------------------------------------------------------------


def _headless() -> bool:
    return os.environ.get("LABKIT_HEADLESS") == "1"


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")  # loaded, if this is a notebook: nothing to import
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _watch(verbose: str | int, epochs: int) -> Any:
    """Return a Keras callback that takes the time of each epoch and shows how far it is.

    One line that renews itself for somebody who watches; a few lines for an executed copy.
    """
    import keras

    class Watch(keras.callbacks.Callback):
        interrupted = False

        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[float] = []  # of each epoch
            self.epochs, self.show = epochs, None

        def on_train_begin(self, logs: dict | None = None) -> None:
            self.epochs = self.params["epochs"]
            self.open()
            # Headless, these epochs leave a line: evenly spread, the last one among them.
            lines = min(self.epochs, HEADLESS_LINES)
            self.kept = {round(self.epochs * (i + 1) / lines) for i in range(lines)}

        def open(self) -> None:
            if verbose in (1, "auto", True) and not self.show:
                self.show = _line_writer()

        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.epoch, self.started, self.ended = epoch, time.perf_counter(), 0.0

        def on_test_begin(self, logs: dict | None = None) -> None:
            self.ended = self.ended or time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            self.seconds.append((self.ended or time.perf_counter()) - self.started)
            if self.show:
                values = "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
                text = f"epoch {epoch + 1}/{self.epochs}  {values}  {self.seconds[-1]:.1f} s"
                self.show(text, keep=epoch + 1 in self.kept, last=epoch + 1 == self.epochs)

        def within(self, done: int, count: int) -> None:
            if self.show:
                text = f"epoch {self.epoch + 1}/{self.epochs}  {done:,} of {count:,} examples"
                self.show(text, keep=False)

        def stopped(self, epochs_done: int) -> None:
            self.interrupted = True
            self.open()
            if self.show:
                text = f"stopped by hand after {epochs_done} of {self.epochs} epochs; the network "
                self.show(text + "keeps what it has learned so far", keep=True, last=True)

    return Watch()


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
