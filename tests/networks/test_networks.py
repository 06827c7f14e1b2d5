"""The networks are what they claim to be, and `fit` trains as Keras does, only faster."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import types

import numpy as np
import pytest

from labkit.networks import loops, training
from labkit.networks.models import small_cnn
from labkit.networks.training import fit

# --- without a framework -----------------------------------------------------------------------


def test_importing_networks_loads_no_framework():
    code = (
        "import sys, labkit.networks.models, labkit.networks.training\n"
        "heavy = {'keras', 'tensorflow', 'torch', 'jax', 'pandas', 'sklearn', 'scipy', 'IPython'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(("examples", "batch_size"), [(1, 64), (64, 64), (1000, 3), (777, 2)])
def test_calls_hold_every_example_once_in_order(examples, batch_size):
    calls = [batches[i:j] for batches, i, j in loops.calls(np.arange(examples), batch_size)]
    assert np.concatenate([call.ravel() for call in calls]).tolist() == list(range(examples))
    assert all(len(call) <= loops.STEPS_PER_CALL for call in calls)
    assert all(call.shape[1] == batch_size for call in calls[:-1])
    assert calls[-1].shape[1] in (batch_size, examples % batch_size)


def test_augment_that_changes_the_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(4, 2\). Received: \(4, 1\)"):
        training._changed(np.zeros((4, 2)), lambda x, seed: x[:, :1])


def watched(epochs, verbose=1):
    """Return what shows a training, at its begin."""
    watch = training._watch(verbose, epochs)
    watch.set_params({"epochs": epochs})
    watch.on_train_begin()
    return watch


def progress_output(capsys, epochs):
    watch = watched(epochs)
    for epoch in range(epochs):
        watch.on_epoch_begin(epoch)
        watch.within(2000, 4000)
        watch.on_epoch_end(epoch, {"loss": 0.1234, "accuracy": 0.9})
    return capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [1, 3, 5, 12, 50])
def test_headless_training_leaves_few_short_lines(capsys, monkeypatch, epochs):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    output = progress_output(capsys, epochs)
    lines = output.splitlines()
    assert len(lines) == min(epochs, 5)
    assert len(output) < 400
    assert "\r" not in output
    assert lines[-1] == f"epoch {epochs}/{epochs}  loss 0.1234  accuracy 0.9000  0.0 s"


@pytest.mark.slow
def test_terminal_shows_one_line_that_is_rewritten(capsys, monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    output = progress_output(capsys, 3)
    assert output.count("\n") == 1
    assert output.endswith("\n")
    assert "2,000 of 4,000 examples" in output


@pytest.mark.slow
def test_notebook_shows_one_output_that_is_replaced(monkeypatch):
    shown = []
    handle = types.SimpleNamespace(update=lambda data, raw: shown.append(data["text/plain"]))
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    monkeypatch.setattr("IPython.get_ipython", lambda: types.SimpleNamespace(kernel="any"))
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: handle)
    watch = watched(2)
    watch.on_epoch_begin(0)
    watch.within(2000, 4000)
    watch.on_epoch_end(0, {"loss": 0.5})
    assert shown == [
        "epoch 1/2  2,000 of 4,000 examples",
        "epoch 1/2  loss 0.5000  0.0 s",
    ]


@pytest.mark.slow
def test_silent_training_shows_nothing(capsys):
    watch = watched(1, verbose=0)
    watch.on_epoch_begin(0)
    watch.within(10, 10)
    watch.on_epoch_end(0, {"loss": 0.5})
    watch.stopped(0)
    assert capsys.readouterr().out == ""


def test_a_model_that_is_not_compiled_is_told_how():
    with pytest.raises(ValueError, match=r"model\.compile"):
        fit(types.SimpleNamespace(compiled=False), np.zeros(4), np.zeros(4))


@pytest.mark.parametrize("dropout", [-0.1, 1, 1.5])
def test_impossible_dropout_is_refused(dropout):
    with pytest.raises(ValueError, match=f"dropout={dropout}"):
        small_cnn(dropout=dropout)


# --- with Keras ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    from labkit.data import load_mnist

    return load_mnist()


def compiled_cnn(**settings):
    model = small_cnn(**settings)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def weights(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


needs_tensorflow = pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow",
    reason="is about the TensorFlow loop; tests/test_backends.py covers the other backends",
)


@pytest.mark.slow
def test_small_cnn_is_the_network_of_the_articles():
    model = small_cnn()
    assert model.count_params() == 93_322
    assert model.output_shape == (None, 10)
    shapes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    assert shapes == {
        "conv_1": (26, 26, 32),
        "pool_1": (13, 13, 32),
        "conv_2": (11, 11, 64),
        "pool_2": (5, 5, 64),
        "conv_3": (3, 3, 64),
        "flatten": (576,),
        "dense_1": (64,),
        "digits": (10,),
    }
    assert small_cnn(dropout=0.5).count_params() == 93_322


@pytest.mark.slow
def test_seed_decides_the_starting_weights():
    assert np.array_equal(weights(small_cnn(seed=1)), weights(small_cnn(seed=1)))
    assert not np.array_equal(weights(small_cnn(seed=1)), weights(small_cnn(seed=2)))


@pytest.mark.slow
def test_starting_weights_are_as_keras_chooses_them():
    import keras

    ours = small_cnn(seed=0)
    theirs = keras.models.clone_model(ours)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        if a.ndim > 1:  # kernels: Glorot uniform, biases: zero
            assert np.abs(a).max() == pytest.approx(np.abs(b).max(), rel=0.05)
        else:
            assert not a.any()


def gradient_tape_training(model, x, y, batch_size, orders):
    """Train by hand, step by step; return loss and accuracy of each epoch as Keras defines them."""
    import keras
    import tensorflow as tf

    loss_of = keras.losses.SparseCategoricalCrossentropy()
    result = []
    for order in orders:
        loss_sum = right = 0.0
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            with tf.GradientTape() as tape:
                predicted = model(x[batch], training=True)
                loss = loss_of(y[batch], predicted)
            gradients = tape.gradient(loss, model.trainable_weights)
            model.optimizer.apply(gradients, model.trainable_weights)
            loss_sum += float(loss) * len(batch)
            right += float((np.argmax(predicted, axis=1) == y[batch]).sum())
        result.append((loss_sum / len(order), right / len(order)))
    return np.array(result)


@pytest.mark.slow
@needs_tensorflow
@pytest.mark.parametrize("examples", [640, 650])  # 650: the last batch holds 10
def test_fit_equals_a_training_loop_by_hand(digits, examples):
    x, y = digits.x_train[:examples], digits.y_train[:examples]
    ours, by_hand = compiled_cnn(), compiled_cnn()
    # Two epochs: rounding in another order then grows with every further update.
    history = fit(ours, x, y, epochs=2, batch_size=64, shuffle=False, verbose=0)
    assert history.execution == "TensorFlow, steps looped in one graph"
    orders = [np.arange(examples)] * 2
    expected = gradient_tape_training(by_hand, x, y, 64, orders)
    np.testing.assert_allclose(history.history["loss"], expected[:, 0], rtol=1e-5)
    np.testing.assert_allclose(history.history["accuracy"], expected[:, 1], atol=1e-6)
    np.testing.assert_allclose(weights(ours), weights(by_hand), atol=1e-4)
    assert int(ours.optimizer.iterations) == int(by_hand.optimizer.iterations)


@pytest.mark.slow
@needs_tensorflow
@pytest.mark.slow
@needs_tensorflow
@pytest.mark.slow
def test_two_runs_are_equal_to_the_bit(digits):
    import keras

    def run():
        keras.utils.set_random_seed(5)
        model = compiled_cnn(dropout=0.3, seed=5)
        history = fit(model, digits.x_train[:700], digits.y_train[:700], epochs=2, verbose=0)
        return weights(model), history.history["loss"]

    (first, loss), (second, same_loss) = run(), run()
    assert np.array_equal(first, second)
    assert loss == same_loss


@pytest.mark.slow
def test_augmented_training_sees_changed_images(digits):
    from labkit.data.prepare import augment

    x, y = digits.x_train[:500], digits.y_train[:500]
    plain, changed = compiled_cnn(), compiled_cnn()
    before = x.copy()
    fit(plain, x, y, epochs=1, verbose=0)
    gently = functools.partial(augment, shift_pixels=1, rotation_degrees=5)
    fit(changed, x, y, epochs=1, augment=gently, verbose=0)
    assert not np.array_equal(weights(plain), weights(changed))
    assert np.array_equal(x, before)


def stop_in_epoch(number):
    """Return an `augment` that is interrupted by hand when the given epoch begins."""
    epochs = iter(range(1, 100))

    def augment(x, seed):
        if next(epochs) == number:
            raise KeyboardInterrupt
        return x

    return augment


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_learned(digits, monkeypatch, capsys):
    import keras

    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    x, y = digits.x_train[:500], digits.y_train[:500]
    stopped, whole = compiled_cnn(), compiled_cnn()
    keras.utils.set_random_seed(0)
    history = fit(stopped, x, y, epochs=3, augment=stop_in_epoch(2))
    keras.utils.set_random_seed(0)
    fit(whole, x, y, epochs=1, augment=stop_in_epoch(99), verbose=0)
    assert history.interrupted
    assert len(history.history["loss"]) == len(history.epoch) == 1
    assert np.array_equal(weights(stopped), weights(whole))
    assert "stopped by hand after 1 of 3 epochs" in capsys.readouterr().out


def small_net():
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.slow
@pytest.mark.parametrize("trained_before", [False, True])
@pytest.mark.parametrize("eagerly", [False, True])
def test_ctrl_c_before_keras_has_begun_leaves_an_empty_history(
    trained_before, eagerly, monkeypatch, capsys
):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)

    def stop(*given):
        raise KeyboardInterrupt

    x, model = np.ones((8, 4), "float32"), small_net()
    model.run_eagerly = eagerly
    if trained_before:
        fit(model, x, x, verbose=0)
    monkeypatch.setattr(training, "_keras_fit" if eagerly else "_looped_fit", stop)
    history = fit(model, x, x, epochs=3)
    assert history.interrupted
    assert (history.history, history.epoch, history.seconds) == ({}, [], [])
    assert "stopped by hand after 0 of 3 epochs" in capsys.readouterr().out


@pytest.mark.slow
def test_augment_takes_inputs_without_targets_and_refuses_several():
    import keras

    class Shrink(keras.layers.Layer):
        def call(self, x):
            self.add_loss(keras.ops.mean(keras.ops.square(x)))
            return x

    model = keras.Sequential([keras.Input((4,)), Shrink()])
    model.compile("sgd")
    x = np.ones((8, 4), "float32")
    history = fit(model, x, augment=lambda x, seed: 3 * x, verbose=0)
    assert history.history["loss"] == [pytest.approx(9)]
    for several in ([x, x], {"a": x}, iter([x])):
        with pytest.raises(ValueError, match=f"Received: x={type(several).__name__}; augment"):
            fit(model, several, augment=lambda x, seed: x, verbose=0)


@pytest.mark.slow
def test_ctrl_c_is_raised_in_a_headless_run(digits, monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    x, y = digits.x_train[:100], digits.y_train[:100]
    with pytest.raises(KeyboardInterrupt):
        fit(compiled_cnn(), x, y, epochs=2, augment=stop_in_epoch(2), verbose=0)


@pytest.mark.slow
def test_real_signal_stops_within_an_epoch(digits, monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)
    x, y = np.tile(digits.x_train, (15, 1, 1, 1)), np.tile(digits.y_train, 15)
    model = compiled_cnn()
    start = weights(model)
    timer = threading.Timer(4, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    history = fit(model, x, y, batch_size=64, epochs=50, verbose=0)
    timer.cancel()
    with contextlib.suppress(KeyboardInterrupt):
        timer.join()
    assert history.interrupted
    assert np.isfinite(weights(model)).all()
    assert not np.array_equal(weights(model), start)
    assert model.evaluate(digits.x_test, digits.y_test, verbose=0)[1] > 0.5


@pytest.mark.slow
def test_the_measured_orders_are_those_of_keras():
    import keras

    from labkit.networks import keeping

    orders = keeping.orders(images=6, epochs=3, seed=0)
    assert all(sorted(order) == list(range(6)) for order in orders)
    assert orders == keeping.orders(images=6, epochs=3, seed=0)
    assert orders != keeping.orders(images=6, epochs=3, seed=1)
    always_the_same = orders[0] == orders[1] == orders[2]
    assert always_the_same == (keras.backend.backend() == "tensorflow")
