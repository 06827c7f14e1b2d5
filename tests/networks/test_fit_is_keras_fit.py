"""`fit` against `model.fit`, case by case: the same weights, states, history and return, or words.

Each case is trained by both, some twice in a row, from the same `keras.utils.set_random_seed`, with
models alike; then everything that Keras changes is compared, bit for bit or within 1e-6. On JAX
the same file is run by `test_fit_is_keras_fit_on_jax.py`.
"""

import inspect
import os
from dataclasses import dataclass, field

import numpy as np
import pytest

from labkit.networks.loops import on_tensorflow

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
TENSORFLOW = BACKEND == "tensorflow"
# On JAX a whole loop is one compiled function, which may take a sum in another order than a step.
# So does the fused LSTM kernel on TensorFlow.
CLOSE = {"rtol": 2e-6, "atol": 1e-6}
LOOP, SKIP = "looped", "Keras itself cannot do this"


@dataclass
class Case:
    """A training: a compiled model, the arguments of `fit`, and what happens between two calls."""

    model: object
    args: tuple = ()
    options: dict = field(default_factory=dict)
    between: object = None  # called with the model
    notes: object = None  # called with nothing, gives what callbacks have seen
    test: tuple = ()  # arguments of evaluate; nothing: not asked
    configure: object = None  # called with keras, before the first call


CASES = {}
WAY = [""]  # who trains now
KNOWN = {}  # way: a compiled model, traced but once, and the values it started from


def case(says=LOOP, jax=None, exact=True):
    """Add a case.

    Args:
        says: what stands in the words of `execution`; a list for each of two trainings.
        jax: the same on JAX, if it differs there.
        exact: equal bit for bit on TensorFlow.
    """

    def add(make):
        words = jax if jax and not TENSORFLOW else says
        if words != SKIP:
            words = [words] * 2 if isinstance(words, str) else words
            CASES[make.__name__] = pytest.param(make, words, exact and TENSORFLOW, id=make.__name__)
        return make

    return add


# --- data and models -----------------------------------------------------------------------------


def numbers(count=75, width=4):
    """Two classes of points: the last batch of 32 is smaller."""
    random = np.random.default_rng(0)
    x = random.normal(size=(count, width)).astype("float32")
    return x, (x.sum(axis=1) > 0).astype("int32")


def sequences(count=75):
    random = np.random.default_rng(1)
    x = random.normal(size=(count, 5, 3)).astype("float32")
    return x, x.mean(axis=(1, 2))[:, None]


def net(*layers, optimizer="sgd", end=2, loss="sparse_categorical_crossentropy", **options):
    import keras

    options = {"metrics": ["accuracy"]} | options
    start, activation = keras.Input((4,)), "softmax" if end > 1 else None
    model = keras.Sequential([start, *layers, keras.layers.Dense(end, activation)])
    model.compile(optimizer, loss, **options)
    return model


def dense(**options):
    """A model of two dense layers; without options, the same one in all cases of a way, reset."""
    import keras

    if options:
        return net(keras.layers.Dense(6, "relu"), **options)
    if WAY[0] not in KNOWN:
        model = net(keras.layers.Dense(6, "relu"), optimizer="adam")
        model.optimizer.build(model.trainable_variables)
        KNOWN[WAY[0]] = model, [np.array(each) for each in variables(model)]
    model, start = KNOWN[WAY[0]]
    for variable, value in zip(variables(model), start, strict=True):
        variable.assign(value)
    return model


def variables(model):
    return [*model.variables, *model.optimizer.variables]


def plain(model, between=None, notes=None, configure=None, **options):
    """A case on points: two epochs of three batches."""
    options = {"epochs": 2, "batch_size": 25} | options
    return Case(model, numbers(), options, between, notes, configure=configure)


def recurrent(*layers, **options):
    import keras

    model = keras.Sequential([keras.Input((5, 3)), *layers, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return Case(model, sequences(), {"epochs": 2, "batch_size": 25} | options)


# --- arguments and defaults ----------------------------------------------------------------------


@case()
def defaults():
    return Case(dense(optimizer="adam"), numbers(), test=numbers())


@case()
def by_position():
    return Case(dense(), (*numbers(), 20, 3))


@case()
def one_large_batch():
    return plain(dense(), batch_size=200)


@case()
def batches_of_one_size():
    return plain(dense())


@case("model.fit: no epoch is asked for")
def no_epoch():
    return plain(dense(), epochs=0)


@case()
def in_order():
    return plain(dense(), shuffle=False)


@case("model.fit: shuffle='batch'")
def shuffled_in_pieces():
    return plain(dense(), shuffle="batch")


@case()
def later_epochs():
    return plain(dense(), epochs=4, initial_epoch=2)


@case("model.fit: an epoch is a number of steps")
def epoch_of_two_steps():
    return plain(dense(), steps_per_epoch=2)


@case()
def class_weights():
    return plain(dense(), class_weight={0: 1.0, 1: 5.0}, batch_size=32)


@case()
def sample_weights():
    return plain(dense(weighted_metrics=["accuracy"]), sample_weight=np.linspace(0, 2, 75))


@case()
def validated():
    return plain(dense(), validation_data=numbers(41))


@case()
def validated_with_weights():
    held = (*numbers(41), np.linspace(0, 1, 41))
    return plain(dense(), validation_data=held, validation_batch_size=7)


@case()
def split_off():
    return plain(dense(), validation_split=0.3, sample_weight=np.linspace(0, 2, 75))


@case()
def validated_now_and_then():
    held = {"validation_data": numbers(41), "validation_freq": 2, "validation_steps": 1}
    return plain(dense(), epochs=5, **held)


@case("model.fit: an epoch is a number of steps")
def short_epochs_by_configuration():
    return plain(dense(), configure=lambda keras: keras.config.set_max_steps_per_epoch(2))


@case()
def few_epochs_by_configuration():
    return plain(dense(), epochs=3, configure=lambda keras: keras.config.set_max_epochs(2))


# --- kinds of data -------------------------------------------------------------------------------


@case()
def doubles():
    x, y = numbers()
    model = dense(loss="mse", end=1, metrics=["mae"])
    return Case(model, (x.astype("float64"), y.astype("float64")), {"epochs": 2})


@case()
def whole_numbers():
    import keras

    x, y = numbers()
    model = keras.Sequential([keras.Input((4,), dtype="int32"), keras.layers.Embedding(9, 3)])
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(2, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Case(model, (np.round(np.abs(x)).astype("int64"), y), {"epochs": 2})


@case()
def truth_values():
    x, y = numbers()
    model = dense(loss="binary_crossentropy", end=1, metrics=["accuracy", "AUC"])
    return Case(model, (x > 0, y > 0), {"epochs": 2})


@case()
def tensors():
    import keras

    return Case(dense(), tuple(map(keras.ops.convert_to_tensor, numbers())), {"epochs": 2})


@case()
def pandas_tables():
    pd = pytest.importorskip("pandas")
    x, y = numbers()
    return Case(
        dense(optimizer="adam"),
        (pd.DataFrame(x, columns=list("abcd")), pd.Series(y)),
        {"epochs": 2},
    )


@case("model.fit: the data are not arrays in memory")
def tensorflow_data():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(numbers()).batch(20)
    return Case(dense(), (data,), {"epochs": 2, "validation_data": data})


@case("model.fit: the data are not arrays in memory")
def a_generator():
    x, y = numbers()

    def batches():
        while True:
            yield x[:30], y[:30]

    return Case(dense(), (batches(),), {"epochs": 2, "steps_per_epoch": 2})


@case("model.fit: the data are not arrays in memory")
def a_py_dataset():
    import keras

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return tuple(each[25 * index : 25 * index + 25] for each in numbers())

    return Case(dense(), (Batches(),), {"epochs": 2, "shuffle": False})


# --- several inputs and outputs ------------------------------------------------------------------


def branched(names=None, **options):
    import keras

    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    both = keras.layers.Concatenate()([keras.layers.Dense(3, "tanh")(a), b])
    ends = [keras.layers.Dense(1, name=name)(both) for name in ("p", "q")]
    inputs, outputs = ({"a": a, "b": b}, dict(zip("pq", ends, strict=True))) if names else (
        [a, b],
        ends,
    )  # fmt: skip
    model = keras.Model(inputs, outputs)
    model.compile("adam", **{"loss": "mse"} | options)
    return model


def halves():
    x, y = numbers()
    return x[:, :2], x[:, 2:], y[:, None].astype("float32"), x[:, :1]


@case()
def lists_in_and_out():
    a, b, p, q = halves()
    model = branched(loss=["mse", "mae"], loss_weights=[1.0, 0.3])
    return Case(model, ([a, b], [p, q]), {"epochs": 2})


@case()
def names_in_and_out():
    a, b, p, q = halves()
    model = branched(True, metrics={"p": ["mae"], "q": ["mse"]})
    return Case(model, ({"a": a, "b": b}, {"p": p, "q": q}), {"epochs": 2, "validation_split": 0.2})


@case()
def no_targets():
    import keras

    class Shrink(keras.layers.Layer):
        def call(self, x):
            self.add_loss(keras.ops.mean(keras.ops.square(x)))
            return x

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), Shrink()])
    model.compile("sgd")
    return Case(model, numbers()[:1], {"epochs": 2})


# --- layers --------------------------------------------------------------------------------------


@case()
def dropout():
    import keras

    return plain(net(keras.layers.Dense(8), keras.layers.Dropout(0.5)), batch_size=32)


@case()
def batch_normalization():
    import keras

    model = net(keras.layers.Dense(8), keras.layers.BatchNormalization(momentum=0.8))
    return plain(model, batch_size=32)


@case()
def penalties_and_constraints():
    import keras

    bound = {"kernel_regularizer": "l1", "kernel_constraint": keras.constraints.MaxNorm(1)}
    return plain(
        net(
            keras.layers.Dense(8, activity_regularizer="l2", **bound),
            keras.layers.Dense(4, trainable=False),
        )
    )


@case(jax="compiled steps, the data in place")
def convolution():
    import keras

    layers = [keras.layers.Dropout(0.5, seed=3), keras.layers.GaussianNoise(0.1)]
    layers += [keras.layers.Reshape((2, 2, 1)), keras.layers.Conv2D(3, 2), keras.layers.Flatten()]
    return plain(net(*layers, optimizer="adam"))


@case(exact=False)
def attention():
    import keras

    inputs = keras.Input((5, 3))
    heads = keras.layers.MultiHeadAttention(2, 4, dropout=0.2)(inputs, inputs)
    pooled = keras.layers.GlobalAveragePooling1D()(keras.layers.LayerNormalization()(heads))
    model = keras.Model(inputs, keras.layers.Dense(1)(pooled))
    model.compile("sgd", "mse")
    return Case(model, sequences(), {"epochs": 2})


@case(exact=False)
def decoder():
    import keras

    layers, inputs = keras.layers, keras.Input((5, 3))
    x = layers.Dense(8)(inputs)
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, 4, use_bias=False)(y, y, use_causal_mask=True)
    pooled = layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=1e-5)(x))
    model = keras.Model(inputs, layers.Dense(1)(pooled))
    model.compile("adam", "mse")
    return Case(model, sequences(), {"epochs": 3})


@case()
def attention_and_normalization_of_other_kinds():
    import keras

    layers, inputs = keras.layers, keras.Input((5, 3))
    x = layers.Masking()(layers.LayerNormalization(axis=(1, 2))(inputs))
    x = layers.GroupQueryAttention(4, 4, 2)(x, x)
    x = layers.LayerNormalization(center=False)(x)
    x = layers.MultiHeadAttention(2, 4)(x, x)  # it is given the mask
    model = keras.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling1D()(x)))
    model.compile("sgd", "mse")
    return Case(model, sequences(), {"epochs": 2})


@case()
def subclassed():
    import keras

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.end = keras.layers.Dense(5, "relu"), keras.layers.Dense(2, "softmax")

        def call(self, x, training=False):
            return self.end(keras.ops.where(training, 1.0, 0.5) * self.hidden(x))

    model = Own()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return plain(model)


@case()
def not_built_yet():
    import keras

    model = keras.Sequential([keras.layers.Dense(5, "relu"), keras.layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return plain(model)


@case()
def mixed_float16():
    import keras

    layer = lambda n, kind=None: keras.layers.Dense(n, kind, dtype="mixed_float16")
    model = keras.Sequential([keras.Input((4,)), layer(6, "relu"), layer(2)])
    model.add(keras.layers.Activation("softmax", dtype="float32"))
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(), dynamic_growth_steps=2)
    model.compile(scaled, "sparse_categorical_crossentropy")
    return plain(model)


# --- layers with a memory ------------------------------------------------------------------------


@case(exact=False)
def lstm():
    import keras

    first = keras.layers.LSTM(50, return_sequences=True, go_backwards=True)
    return recurrent(first, keras.layers.LSTM(5, use_cudnn=False))


@case(exact=False)
def lstm_in_two_parts():
    import keras

    return recurrent(keras.layers.LSTM(64), batch_size=32)


@case()
def lstm_with_a_mask():
    import keras

    return recurrent(keras.layers.Masking(0.0), keras.layers.LSTM(6))


@case()
def lstm_of_another_kind():
    import keras

    first = keras.layers.LSTM(6, activation="relu", return_sequences=True)
    return recurrent(first, keras.layers.LSTM(6, use_bias=False))


@case(exact=False)  # TensorFlow multiplies by the constant elsewhere; the kernel would be far off
def lstm_with_an_own_tanh():
    import keras

    def tanh(z):  # LeCun's
        return 1.7159 * keras.ops.tanh(2 * z / 3)

    return recurrent(keras.layers.LSTM(6, activation=tanh))


@case()
def lstm_with_an_own_sigmoid():
    import keras

    def sigmoid(z):
        return keras.ops.clip(0.2 * z + 0.5, 0, 1)

    return recurrent(keras.layers.LSTM(6, recurrent_activation=sigmoid))


@case()
def recurrent_dropout():
    import keras

    first = keras.layers.GRU(6, recurrent_dropout=0.4, dropout=0.2, return_sequences=True)
    return recurrent(first, keras.layers.SimpleRNN(5, dropout=0.4, recurrent_dropout=0.4))


@case(exact=False)
def lstm_with_dropout():
    import keras

    first = keras.layers.LSTM(6, dropout=0.4, return_sequences=True)
    return recurrent(first, keras.layers.LSTM(5, recurrent_dropout=0.4))


def stateful(*layers, batch=15):
    import keras

    start = [keras.Input((5, 3), batch)] if batch else []
    model = keras.Sequential([*start, *layers, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    x, y = sequences()
    held = {"validation_data": (x[:30], y[:30])} if batch else {}
    return Case(model, (x, y, 15, 2), held)


@case()
def stateful_stack():
    import keras

    first = keras.layers.GRU(4, stateful=True, return_sequences=True)
    return stateful(first, keras.layers.SimpleRNN(4, stateful=True))


@case()
def stateful_cells():
    import keras

    cells = [keras.layers.LSTMCell(4), keras.layers.GRUCell(5)]
    return stateful(keras.layers.RNN(cells, stateful=True))


@case(["model.fit: a stateful layer is not built yet", LOOP], jax=SKIP, exact=False)
def stateful_without_a_batch_size():
    import keras

    return stateful(keras.layers.LSTM(4, stateful=True), batch=None)


# --- optimizers, losses, metrics -----------------------------------------------------------------


@case()
def averaged_weights():
    import keras

    return plain(dense(optimizer=keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)))


@case()
def decay_and_clipping():
    import keras

    return plain(dense(optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.1, clipnorm=0.2)))


@case()
def accumulated_gradients():
    import keras

    return plain(dense(optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)))


@case(exact=False)
def a_schedule():
    import keras

    rate = keras.optimizers.schedules.CosineDecay(0.1, 10)
    return plain(dense(optimizer=keras.optimizers.RMSprop(rate, momentum=0.9)))


@case()
def an_own_loss():
    import keras

    def squared(y, p):
        return keras.ops.mean(keras.ops.square(p - keras.ops.cast(y[:, None], p.dtype)), axis=-1)

    return plain(dense(loss=squared, end=1, metrics=[squared]))


@case()
def an_own_metric():
    import keras

    class Largest(keras.metrics.Metric):
        def __init__(self):
            super().__init__(name="largest")
            self.value = self.add_variable((), "zeros", name="value")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.value.assign(keras.ops.maximum(self.value, keras.ops.max(y_pred)))

        def result(self):
            return self.value * 1.0

    return plain(dense(metrics=[Largest(), "AUC"], loss="binary_crossentropy", end=1))


# --- how the model asks to be run ----------------------------------------------------------------


@case("model.fit: the model asks to run eagerly")
def eagerly():
    return plain(dense(run_eagerly=True), epochs=1)


@case("model.fit: the model asks for its own compilation", jax=LOOP)
def compiled_by_choice():
    return plain(dense(jit_compile=True))


@case(jax="model.fit: the model asks not to be compiled")
def not_compiled_by_choice():
    return plain(dense(jit_compile=False), epochs=1)


@case()
def several_steps_a_call():
    return plain(dense(steps_per_execution=2))


# --- own steps -----------------------------------------------------------------------------------


def own(**methods):
    import keras

    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, "relu")(inputs)
    kind = type("Own", (keras.Model,), methods)
    return kind(inputs, keras.layers.Dense(2, "softmax")(hidden))


def _own_step(self, *given):
    """Keras' guide: a step with an own loss and own logs; on JAX with the state."""
    import keras

    cost = keras.losses.sparse_categorical_crossentropy
    if TENSORFLOW:
        import tensorflow as tf

        x, y = given[0]
        with tf.GradientTape() as tape:
            loss = keras.ops.mean(cost(y, self(x, training=True)))
        self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        return {"mine": 2 * loss}
    import jax

    (weights, others, slots, metrics), (x, y) = given

    def of(weights):
        answers, after = self.stateless_call(weights, others, x, training=True)
        return keras.ops.mean(cost(y, answers)), after

    (loss, after), gradients = jax.value_and_grad(of, has_aux=True)(weights)
    weights, slots = self.optimizer.stateless_apply(slots, gradients, weights)
    return {"mine": 2 * loss}, (weights, after, slots, metrics)


@case("model.fit: the model has its own train_step", jax=LOOP)
def own_step():
    model = own(train_step=_own_step)
    model.compile("adam", "sparse_categorical_crossentropy")
    return plain(model)


@case()
def own_compute_loss():
    import keras

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(y, y_pred)) + 1.0

    model = own(compute_loss=compute_loss)
    model.compile("adam")
    return plain(model)


@case("model.fit: the model has its own compute_metrics", jax=LOOP)
def own_compute_metrics():
    import keras

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        logs = keras.Model.compute_metrics(self, x, y, y_pred, sample_weight)
        return logs | {"surest": keras.ops.max(y_pred)}

    model = own(compute_metrics=compute_metrics)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return plain(model)


@case("model.fit: the model has its own get_metrics_result", jax=LOOP)
def own_get_metrics_result():
    import keras

    def get_metrics_result(self):
        return keras.Model.get_metrics_result(self) | {"one": 1.0}

    model = own(get_metrics_result=get_metrics_result)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return plain(model)


# --- callbacks -----------------------------------------------------------------------------------


def called(name, *args, model=None, more=None, **options):
    """A case with one of Keras' callbacks."""
    import keras

    callback = getattr(keras.callbacks, name)(*args, **options)
    return plain(model or dense(), callbacks=[callback], **{"epochs": 3} | (more or {}))


@case()
def early_stopping():
    options = {"monitor": "val_loss", "patience": 1, "restore_best_weights": True}
    held = {"validation_split": 0.3, "epochs": 9}
    return called("EarlyStopping", more=held, min_delta=0.02, **options)


@case()
def rate_falls_on_a_plateau():
    return called("ReduceLROnPlateau", monitor="loss", patience=1, min_delta=1.0)


@case()
def rate_by_epoch():
    return called("LearningRateScheduler", lambda epoch, rate: rate * 0.5)


@case("model.fit: TerminateOnNaN is called at every batch")
def stops_at_no_number():
    import keras

    model = dense(optimizer=keras.optimizers.SGD(1e30), loss="mse", end=1, metrics=[])
    return called("TerminateOnNaN", model=model)


@case()
def swapped_averages():
    import keras

    model = dense(optimizer=keras.optimizers.Adam(0.1, use_ema=True))
    return called("SwapEMAWeights", swap_on_epoch=True, model=model)


def _saved(folder):
    return lambda: [
        (path.name, path.read_text() if path.suffix == ".csv" else "")
        for path in sorted(folder.glob("*"))
    ]


@case()
def checkpoint_each_epoch(folder):
    import keras

    saver = keras.callbacks.ModelCheckpoint(folder / "{epoch}-{loss:.4f}.keras", monitor="loss")
    return plain(dense(), notes=_saved(folder), callbacks=saver)


@case("model.fit: ModelCheckpoint is called at every batch")
def checkpoint_each_two_batches(folder):
    import keras

    path = folder / "{epoch}-{batch}.weights.h5"
    saver = keras.callbacks.ModelCheckpoint(path, save_freq=2, save_weights_only=True)
    return plain(dense(), notes=_saved(folder), callbacks=[saver])


@case()
def backed_up(folder):
    import keras

    backup = keras.callbacks.BackupAndRestore(folder)
    return plain(dense(), notes=_saved(folder), callbacks=[backup])


@case()
def logged_to_a_table(folder):
    import keras

    logger = keras.callbacks.CSVLogger(folder / "log.csv", append=True)
    return plain(dense(), notes=_saved(folder), callbacks=[logger], validation_split=0.3)


def _noting(*events):
    import keras

    seen = []

    def note(event):
        def take(*at, logs=None):
            *at, logs = (*at, logs) if len(at) < 2 else at
            seen.append((event, at, {name: float(value) for name, value in (logs or {}).items()}))

        return take

    options = {f"on_{event}": note(event) for event in events}
    return keras.callbacks.LambdaCallback(**options), lambda: seen


@case()
def told_of_epochs():
    events = ("epoch_begin", "epoch_end", "train_begin", "train_end")
    callback, seen = _noting(*events)
    return plain(dense(), notes=seen, callbacks=[callback], validation_split=0.3)


@case("model.fit: LambdaCallback is called at every batch")
def told_of_batches():
    callback, seen = _noting("train_batch_begin", "train_batch_end")
    return plain(dense(), notes=seen, callbacks=[callback])


@case()
def an_own_callback_stops_after_an_epoch():
    import keras

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            weights = [np.array(each) + 0.01 for each in self.model.get_weights()]
            self.model.set_weights(weights)
            self.model.stop_training = epoch == 1

    return plain(dense(), epochs=4, callbacks=[Stop()])


@case()
def an_own_callback_looks_at_validation_batches():
    import keras

    seen = []

    class Look(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            seen.append((batch, {name: float(value) for name, value in logs.items()}))

    held = {"validation_data": numbers(41), "validation_batch_size": 20}
    return plain(dense(), notes=lambda: seen, callbacks=[Look()], **held)


# --- between two trainings -----------------------------------------------------------------------


@case()
def compiled_anew():
    anew = lambda model: model.compile("adam", "mse", metrics=["mae"])
    return plain(dense(loss="mse", end=1), anew)


@case()
def frozen_and_compiled_anew():
    import keras

    def freeze(model):
        model.layers[0].trainable = False
        model.compile("sgd", "sparse_categorical_crossentropy")

    return plain(net(keras.layers.Dense(8), keras.layers.Dense(5)), freeze)


@case(jax=SKIP)  # there `model.fit` raises, for the optimizer holds six variables
def frozen_and_not_compiled_anew():
    import keras

    def freeze(model):
        model.layers[0].trainable = False

    return plain(net(keras.layers.Dense(8), keras.layers.Dense(5)), freeze)


@case()
def another_rate():
    def change(model):
        model.optimizer.learning_rate = 0.5

    return plain(dense(), change)


@case()
def other_weights():
    return plain(dense(), lambda model: model.set_weights([2 * w for w in model.get_weights()]))


@case()
def another_layer_setting():
    import keras

    def change(model):
        model.layers[0].rate = 0.1

    return plain(net(keras.layers.Dropout(0.8)), change)


@case(jax="model.fit: a step changes the kind of the state", says=SKIP)
def a_state_that_changes():
    import keras

    def train_step(self, state, data):
        logs, (weights, others, slots, metrics) = keras.Model.train_step(self, state, data)
        narrow = [each.astype("bfloat16") for each in others]
        return logs, (weights, narrow, slots, metrics)

    inputs = keras.Input((4,))
    hidden = keras.layers.BatchNormalization()(inputs)
    kind = type("Own", (keras.Model,), {"train_step": train_step})
    model = kind(inputs, keras.layers.Dense(2, "softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy")
    return plain(model)


# --- the walk ------------------------------------------------------------------------------------


# Trained twice in a row, beside those where something happens in between: what is kept for the
# second time must be right. The model that `dense` keeps is trained in many cases in a row anyway.
TWICE = (
    "defaults batch_normalization dropout lstm_in_two_parts stateful_cells mixed_float16 "
    "stateful_without_a_batch_size accumulated_gradients not_built_yet own_step"
)


def trained(way, make, folder):
    """Return all that trainings and an evaluation leave behind, and the words."""
    import keras

    keras.utils.set_random_seed(1)
    WAY[0] = folder.name
    folder.mkdir()
    one = make(folder) if inspect.signature(make).parameters else make()
    found, words = [], []
    if one.configure:
        one.configure(keras)
    for _ in range(2 if one.between or make.__name__ in TWICE.split() else 1):
        history = way(one.model, *one.args, **{"verbose": 0} | one.options)
        found.append((history.history, history.epoch, history.params))
        found.append([keras.ops.convert_to_numpy(v).astype(float) for v in state(one.model)])
        words.append(getattr(history, "execution", ""))
        if one.between:
            one.between(one.model)
    found.append(one.model.evaluate(*one.test, verbose=0) if one.test else None)
    found.append(one.notes() if one.notes else None)
    found.append(np.random.random())  # noqa: NPY002
    return found, words


def state(model):
    """Return everything that Keras changes, the states of random generators among it."""
    return [*variables(model), *model.metrics_variables]


def compare(ours, theirs, exact, where=""):
    """Assert that two nests of numbers are equal, and name the place where they are not."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs), where
        for name in theirs:
            compare(ours[name], theirs[name], exact, f"{where}[{name!r}]")
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs), where
        for i, pair in enumerate(zip(ours, theirs, strict=True)):
            compare(*pair, exact, f"{where}[{i}]")
    elif isinstance(theirs, float | np.ndarray) and not exact:
        np.testing.assert_allclose(ours, theirs, **CLOSE, err_msg=where)
    else:
        np.testing.assert_array_equal(ours, theirs, err_msg=where)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND == "torch", reason="on PyTorch every training is model.fit")
@pytest.mark.parametrize(("make", "says", "exact"), CASES.values())
def test_fit_is_keras_fit(make, says, exact, tmp_path):
    import keras

    from labkit.networks.training import fit

    try:
        ours, words = trained(fit, make, tmp_path / "ours")
        theirs, _ = trained(lambda model, *a, **k: model.fit(*a, **k), make, tmp_path / "theirs")
    finally:
        keras.config.set_max_epochs(None)
        keras.config.set_max_steps_per_epoch(None)
    assert all(part in each for part, each in zip(says, words, strict=False)), words
    compare(ours, theirs, exact)


# Where variables are made otherwise, or may not be made before the trace.
TRACED_OTHERWISE = [
    *("defaults", "class_weights", "validated_with_weights", "lists_in_and_out"),
    *("names_in_and_out", "no_targets", "dropout", "batch_normalization", "subclassed"),
    *("not_built_yet", "mixed_float16", "stateful_stack", "averaged_weights"),
    *("accumulated_gradients", "an_own_loss", "an_own_metric", "eagerly", "own_step"),
    *("several_steps_a_call", "frozen_and_compiled_anew"),
]


@pytest.mark.slow
@pytest.mark.skipif(not TENSORFLOW, reason="on other backends Keras creates variables before")
@pytest.mark.parametrize("name", TRACED_OTHERWISE)
def test_keras_fit_traced_once_is_keras_fit(name, tmp_path, monkeypatch):
    import keras

    make = CASES[name].values[0]
    way = lambda model, *a, **k: model.fit(*a, **k)
    try:
        theirs, _ = trained(way, make, tmp_path / "theirs")
        _trace_once(monkeypatch)
        ours, _ = trained(way, make, tmp_path / "ours")
    finally:
        keras.config.set_max_epochs(None)
        keras.config.set_max_steps_per_epoch(None)
    compare(ours, theirs, exact=True)


def _trace_once(monkeypatch):
    """Have it until the test ends."""
    from keras.src.backend.tensorflow.trainer import TensorFlowTrainer

    from labkit.networks.early import trace_once

    for name in ("_maybe_symbolic_build", "make_train_function"):
        monkeypatch.setattr(TensorFlowTrainer, name, getattr(TensorFlowTrainer, name))
    trace_once()


@pytest.mark.slow
@pytest.mark.skipif(not TENSORFLOW, reason="on other backends Keras creates variables before")
def test_a_step_is_traced_once_and_its_variables_keep_their_names(monkeypatch):
    import keras

    def traces_and_names():
        keras.backend.clear_session()
        traced = []

        def loss(y, p):
            traced.append(p.shape)
            return keras.losses.sparse_categorical_crossentropy(y, p)

        model = dense(loss=loss, optimizer="adam")
        model.fit(*numbers(), batch_size=25, verbose=0)
        return len(traced), [v.path for v in [*variables(model), *model.metrics_variables]]

    twice, before = traces_and_names()
    _trace_once(monkeypatch)
    once, after = traces_and_names()
    assert (twice, once) == (2, 1)
    assert after == before


@pytest.mark.slow
@pytest.mark.skipif(not TENSORFLOW, reason="on TensorFlow, compiling is a choice")
def test_a_long_training_is_compiled_and_says_so_but_for_one_that_draws(monkeypatch, tmp_path):
    from labkit.networks.training import fit

    plainly, _ = trained(fit, batches_of_one_size, tmp_path / "plainly")
    drawn, _ = trained(fit, dropout, tmp_path / "drawn")
    monkeypatch.setattr(on_tensorflow, "STEPS_TO_COMPILE", 6)
    compiled, words = trained(fit, batches_of_one_size, tmp_path / "compiled")
    assert all("compiled by XLA" in each for each in words)
    compare(compiled, plainly, exact=False)
    again, words = trained(fit, dropout, tmp_path / "again")
    assert not any("XLA" in each for each in words)
    compare(again, drawn, exact=True)


@pytest.mark.slow
def test_its_arguments_are_those_of_keras():
    import keras

    from labkit.networks.training import fit

    theirs = list(inspect.signature(keras.Model.fit).parameters.values())[1:]
    *ours, augment = list(inspect.signature(fit).parameters.values())[1:]
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]
    assert (augment.name, augment.kind) == ("augment", inspect.Parameter.KEYWORD_ONLY)
