"""What each way to feed and to run the same training brings: one network, one batch size, by turns.

Every way takes the same number of the same steps; what differs is how batches come to the step,
and how many steps run before Python is asked again. Nothing here changes what is learned.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labkit.networks.backend import without_advice, without_chatter
from labkit.networks.loops import create_variables, tensorflow_steps

if TYPE_CHECKING:
    import keras

    Data = tuple[np.ndarray, np.ndarray]
    Epoch = Callable[[], float]  # trains once through the data, and returns its CPU seconds
    Way = Callable[[keras.Model, Data, int, int], Epoch]  # of model, data, batch size, seed

FIT = "fit"
WARM_UP = 2  # epochs that are not compared: tracing, compiling, and what comes late of it
STEPS_PER_EXECUTION = 16


class Trick(NamedTuple):
    """A way to train: how the model is compiled, and how an epoch of it runs."""

    options: dict[str, Any]  # of model.compile
    way: Way
    backends: tuple[str, ...]  # of Keras, that have it


class Found(NamedTuple):
    """What a way took for a step, beside `fit` in the same round."""

    name: str
    cpu_seconds: float  # of a step, the median, all threads together
    times_as_fast: float  # fit's CPU seconds over its own, the median of the rounds
    lowest: float  # of the rounds
    highest: float
    first_epochs: float  # wall seconds until two are done: tracing and compiling are in them


# --- the ways -----------------------------------------------------------------------------------


def _fit(model: keras.Model, data: Data, batch_size: int, seed: int) -> Epoch:
    """`model.fit` of arrays: Keras itself shuffles positions and gathers the examples."""
    return _fitted(model, x=data[0], y=data[1], batch_size=batch_size)


def _examples(model: keras.Model, data: Data, batch_size: int, seed: int) -> Epoch:
    """`tf.data` over single examples, as most tutorials write it."""
    import tensorflow as tf

    shuffled = tf.data.Dataset.from_tensor_slices(data).shuffle(len(data[0]), seed)
    return _fitted(model, x=shuffled.batch(batch_size).prefetch(tf.data.AUTOTUNE), shuffle=False)


def _positions(model: keras.Model, data: Data, batch_size: int, seed: int) -> Epoch:
    """`tf.data` over positions: a whole batch is gathered at once."""
    import tensorflow as tf

    x, y = map(tf.constant, data)
    batches = tf.data.Dataset.range(len(x)).shuffle(len(x), seed).batch(batch_size)
    gathered = batches.map(lambda rows: (tf.gather(x, rows), tf.gather(y, rows)))
    return _fitted(model, x=gathered.prefetch(tf.data.AUTOTUNE), shuffle=False)


def _fitted(model: keras.Model, **options: Any) -> Epoch:
    """Return a function that fits one epoch; the clocks run from its begin to its end."""
    from labkit.networks.backend import keras

    reads = []
    note = lambda *_: reads.append(time.process_time())
    around = keras.callbacks.LambdaCallback(on_epoch_begin=note, on_epoch_end=note)

    def epoch() -> float:
        reads.clear()
        with without_chatter():
            model.fit(**options, epochs=1, callbacks=[around], verbose=0)
        begun, ended = reads
        return ended - begun

    return epoch


def _graph_loop(model: keras.Model, data: Data, batch_size: int, seed: int) -> Epoch:
    """A loop over `train_step` inside one TensorFlow graph, as `labkit.networks.training.fit`."""
    import tensorflow as tf

    create_variables(model, data)
    steps = tensorflow_steps(model, data, compiled=True)
    rng, held = np.random.default_rng(seed), tuple(tf.constant(each) for each in data)

    def epoch() -> float:
        with without_chatter():
            begun = time.process_time()
            model.reset_metrics()
            steps(rng.permutation(len(data[0])).reshape(-1, batch_size), held)
            return time.process_time() - begun

    return epoch


_MANY, _XLA = {"steps_per_execution": STEPS_PER_EXECUTION}, {"jit_compile": True}
_TF = ("tensorflow",)
TRICKS = {
    FIT: Trick({}, _fit, ("tensorflow", "jax", "torch")),
    "steps_per_execution": Trick(_MANY, _fit, ("tensorflow", "jax")),
    "jit_compile": Trick(_XLA, _fit, _TF),  # JAX always does
    "tf.data, examples": Trick({}, _examples, _TF),
    "tf.data, positions": Trick({}, _positions, _TF),
    "graph loop, XLA": Trick({}, _graph_loop, _TF),
}


# --- side by side -------------------------------------------------------------------------------


@without_advice()  # against many traces: each way has a model of its own
def compare(
    build: Callable[[], keras.Model],
    x: np.ndarray,
    y: np.ndarray,
    batch_size: int = 64,
    seconds: float = 8.0,
) -> list[Found]:
    """Train the same network in each way, epoch by epoch in turn, and return what each took.

    The examples that do not fill a batch are left out everywhere. CPU time, of all threads, is what
    the ratios are made of: neighbors do not lengthen it. Each round gives one ratio to `fit`.

    Args:
        build: returns a Keras model that is not compiled, with the same weights each time.
        x, y: examples, shapes (n, ...) and (n,); classes.
        batch_size: examples of a step.
        seconds: of wall time for the rounds, after tracing and compiling; 3 rounds at least.

    Lesson: 20_faster_training.
    """
    whole = len(x) // batch_size * batch_size
    data = x[:whole], y[:whole]
    tricks = {name: trick for name, trick in TRICKS.items() if _works(trick)}
    models = {name: _compiled(build, trick) for name, trick in tricks.items()}
    epochs, first = {}, {}
    for name, trick in tricks.items():
        begun = time.perf_counter()
        epochs[name] = trick.way(models[name], data, batch_size, seed=0)
        for _ in range(WARM_UP):
            epochs[name]()
        first[name] = time.perf_counter() - begun
    rounds, end = [], time.perf_counter() + seconds
    while len(rounds) < 3 or time.perf_counter() < end:
        rounds.append([epoch() for epoch in epochs.values()])
    took = dict(zip(epochs, np.transpose(rounds) * batch_size / len(data[0]), strict=True))
    return [_found(name, each, took[FIT], first[name]) for name, each in took.items()]


def _works(trick: Trick) -> bool:
    from labkit.networks.backend import keras

    return keras.backend.backend() in trick.backends


def _compiled(build: Callable[[], keras.Model], trick: Trick) -> keras.Model:
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy", **trick.options)
    return model


def _found(name: str, took: np.ndarray, fit: np.ndarray, first: float) -> Found:
    ratios = fit / took
    middle, low, high = (float(f(ratios)) for f in (np.median, np.min, np.max))
    return Found(name, float(np.median(took)), middle, low, high, first)
