"""A training goes on as if nothing had happened: after a pause, a restart, and a SIGKILL."""

import functools
import os
import random
import signal
import subprocess
import sys
import time
import types

import ml_dtypes
import numpy as np
import pytest

from labkit.networks import checkpoint
from labkit.networks.checkpoint import CheckpointError, Training

# --- without a framework -----------------------------------------------------------------------


class Model:
    """What Training asks of a Keras model; its one weight adds up what it has seen."""

    compiled = built = True

    def __init__(self, size=1):
        self.variables = [Variable(size)]
        self.optimizer = types.SimpleNamespace(built=True, variables=[Variable(1)])

    def train_on_batch(self, x, y, return_dict):
        weight, steps = self.variables[0].value, self.optimizer.variables[0].value
        weight[:] = 0.5 * weight + float((x * y).sum()) / (1 + steps[0])
        steps[0] += 1
        return {"loss": float(weight[0])}


class Variable:
    def __init__(self, size):
        self.value = np.zeros(size)
        self.shape = self.value.shape

    def assign(self, array):
        self.value[:] = array

    def numpy(self):
        return self.value


@pytest.fixture
def training():
    """A function that makes a fresh Training of the little model."""
    x = np.arange(10.0)

    def make(size=1, **settings):
        return Training(Model(size), x, x + 1, **({"batch_size": 4, "seed": 3} | settings))

    return make


def test_each_epoch_holds_every_example_once_in_an_order_of_its_own(training):
    t = training()
    assert t.steps_per_epoch == 3
    epochs = [np.concatenate([t.batch(3 * e + k) for k in range(3)]).tolist() for e in range(3)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 3
    assert t.batch(4).tolist() == training().batch(4).tolist()
    assert t.batch(4).tolist() != training(seed=4).batch(4).tolist()


def test_epoch_losses_weigh_the_smaller_last_batch(training):
    t = training()
    t.step, t.losses = 7, [1.0, 1.0, 7.0, 2.0, 2.0, 2.0, 100.0]
    assert t.epoch_losses().tolist() == [pytest.approx((4 + 4 + 2 * 7) / 10), 2.0]
    assert training().epoch_losses().tolist() == []


@pytest.mark.parametrize("until", [1, 3, 5, 8])
def test_a_saved_training_goes_on_to_the_same_bits(training, tmp_path, until):
    whole, first, second = training(), training(), training()
    whole.run(12)
    first.run(until)
    first.save(tmp_path / "c")
    second.load(tmp_path / "c")
    assert second.step == until
    second.run(12)
    assert second.losses == whole.losses
    assert second.model.variables[0].value == whole.model.variables[0].value


def test_restoring_goes_back(training):
    t = training()
    t.run(2)
    state = t.state()
    t.run(6)
    ahead = list(t.losses)
    t.restore(state)
    assert t.step == 2
    t.run(6)
    assert t.losses == ahead


def test_run_saves_at_every_so_many_steps_and_calls_after_each(training, tmp_path):
    saved, seen = [], []
    t = training()
    t.save = lambda path: saved.append(t.step)
    t.run(7, tmp_path / "c", every=3, after=lambda each: seen.append(each.step))
    assert saved == [3, 6]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    t.run(5)
    assert t.step == 7  # nothing to do


def test_a_save_that_fails_leaves_the_old_checkpoint_and_no_other_file(
    training, tmp_path, monkeypatch
):
    t = training()
    t.run(2)
    t.save(tmp_path / "c")
    t.run(4)

    def full_disk(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        t.save(tmp_path / "c")
    assert os.listdir(tmp_path) == ["c"]
    fresh = training()
    fresh.load(tmp_path / "c")
    assert fresh.step == 2


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"seed": 4}, "its seed is 3, here it is 4"),
        ({"batch_size": 5}, "its batch_size is 4, here it is 5"),
        ({"size": 2}, r"shapes \[\(1,\), \(1,\)\], here they are \[\(2,\), \(1,\)\]"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_and_nothing_changes(
    training, tmp_path, other, told
):
    t = training()
    t.run(2)
    t.save(tmp_path / "c")
    there = training(**other)
    with pytest.raises(CheckpointError, match=told):
        there.load(tmp_path / "c")
    assert there.step == 0
    assert not there.model.variables[0].value.any()


def test_a_checkpoint_of_other_data_is_refused(training, tmp_path):
    t = training()
    t.save(tmp_path / "c")
    x = np.arange(10.0)
    x[3] = 7
    with pytest.raises(CheckpointError, match="its data is"):
        Training(Model(), x, t.y, 4, 3).load(tmp_path / "c")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b'{"step": 3}'])
def test_a_file_that_is_no_checkpoint_is_refused(training, tmp_path, content):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        training().load(tmp_path / "c")


def test_a_missing_checkpoint_is_said(training, tmp_path):
    with pytest.raises(CheckpointError, match=r"there is no checkpoint .*nowhere"):
        training().load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("compiled", "examples", "settings", "told"),
    [
        (False, (4, 4), {}, "model.compile"),
        (True, (4, 3), {}, "4 inputs and 3 targets"),
        (True, (0, 0), {}, "0 inputs"),
        (True, (4, 4), {"batch_size": 0}, "batch_size=0"),
        (True, (4, 4), {"batch_size": 2.5}, "batch_size=2.5"),
    ],
)
def test_bad_input_says_what_came(compiled, examples, settings, told):
    model = types.SimpleNamespace(compiled=compiled)
    with pytest.raises(ValueError, match=told):
        Training(model, np.zeros(examples[0]), np.zeros(examples[1]), **settings)


KINDS = ["float32", "float16", "int8", "bfloat16", "float8_e4m3fn", "float8_e5m2", "int4"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_number_keeps_its_bits(training, tmp_path, kind):
    bits = np.arange(-6, 6).reshape(3, 4)
    dtype = np.dtype(getattr(ml_dtypes, kind, kind))
    saved, loaded = training(), training()
    for each, values in ((saved, bits), (loaded, 0 * bits)):
        each.model.variables[0] = Variable(1)
        each.model.variables[0].value = values.astype(dtype)
        each.model.variables[0].shape = values.shape
    saved.save(tmp_path / "c")
    loaded.load(tmp_path / "c")
    found = loaded.model.variables[0].value
    assert found.dtype == dtype
    assert found.tobytes() == bits.astype(dtype).tobytes()


@pytest.mark.parametrize("kind", KINDS[1:])
def test_numbers_of_another_kind_are_refused(training, tmp_path, kind):
    saved, loaded = training(), training()
    saved.model.variables[0].value = np.ones(1, getattr(ml_dtypes, kind, kind))
    saved.save(tmp_path / "c")
    with pytest.raises(CheckpointError, match=rf"types \['{kind}', .*here they are \['float64'"):
        loaded.load(tmp_path / "c")
    assert not loaded.model.variables[0].value.any()


def test_data_may_be_of_any_kind_too(tmp_path):
    x = np.arange(10).astype(ml_dtypes.bfloat16)
    Training(Model(), x, x, 4, 3).save(tmp_path / "c")
    Training(Model(), x, x, 4, 3).load(tmp_path / "c")
    with pytest.raises(CheckpointError, match="its data is"):
        Training(Model(), x, -x, 4, 3).load(tmp_path / "c")


# --- with Keras, and processes that are killed ---------------------------------------------------

PROGRAM = """
import hashlib, os, signal, sys
import numpy as np
from labkit.networks.backend import keras
from labkit.networks.checkpoint import Training
from labkit.networks.models import mlp

keras.utils.set_random_seed(0)
model = mlp(hidden=32, dropout=0.3, seed=0)
model.compile("adam", "sparse_categorical_crossentropy")
rng = np.random.default_rng(0)
x, y = rng.random((510, 28, 28, 1)).astype("float32"), rng.integers(0, 10, 510)
training = Training(model, x, y, batch_size=64, seed=0)  # 8 steps an epoch, the last one smaller
path, kill_at = sys.argv[1], int(sys.argv[2])
if os.path.exists(path):
    training.load(path)
print("from", training.step, flush=True)

def after(t):
    if t.step == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    if kill_at < 0:
        print(t.step, flush=True)

training.run(30, path, every=3, after=after)
weights = np.concatenate([w.ravel() for w in model.get_weights()])
print("end", hashlib.sha256(weights.tobytes() + np.array(training.losses).tobytes()).hexdigest())
"""


def start(path, kill_at=0):
    command = [sys.executable, "-c", PROGRAM, str(path), str(kill_at)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment
    )


@pytest.mark.slow
def test_a_training_killed_in_the_middle_of_an_epoch_ends_with_the_same_bits(tmp_path):
    whole = start(tmp_path / "whole")
    victim = start(tmp_path / "killed", kill_at=13)
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    resumed = start(tmp_path / "killed").communicate()[0].split()
    assert resumed[:2] == ["from", "12"]
    assert resumed[2:] == whole.communicate()[0].split()[2:]


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint_or_none(tmp_path):
    """The parent kills without asking, also while a file is written."""
    victim = start(tmp_path / "c", kill_at=-1)
    for line in victim.stdout:
        if line.strip() == "4":
            break
    time.sleep(random.random() / 20)
    victim.kill()
    victim.wait()
    assert victim.returncode in (-signal.SIGKILL, 0)
    about, losses, arrays = checkpoint._read(tmp_path / "c")
    assert about["step"] == len(losses) >= 3
    assert len(arrays) == about["arrays"]


def subclassed():
    from labkit.networks.backend import keras

    class Two(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = keras.layers.Dense(8, activation="relu")
            self.last = keras.layers.Dense(1)

        def call(self, x):
            return self.last(self.hidden(keras.ops.mean(x, axis=1)))

    return Two()


def sequential(*layers, built=True, **settings):
    from labkit.networks.backend import keras

    start = [keras.Input((12, 4), **settings)] if built else []
    return keras.Sequential([*start, *layers, keras.layers.Flatten(), keras.layers.Dense(1)])


def dropping(kind, **settings):
    from labkit.networks.backend import keras

    return sequential(getattr(keras.layers, kind)(8, seed=1, **settings))


def all_bfloat16():
    from labkit.networks.backend import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("bfloat16")
    try:
        return sequential(keras.layers.Dense(8))
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.slow
@pytest.mark.parametrize(
    "build",
    [
        subclassed,
        functools.partial(sequential, built=False),
        all_bfloat16,
        functools.partial(dropping, "GRU", recurrent_dropout=0.3),
        functools.partial(dropping, "LSTM", recurrent_dropout=0.3),
        functools.partial(dropping, "SimpleRNN", dropout=0.3, recurrent_dropout=0.3),
    ],
)
def test_a_model_made_anew_goes_on_to_the_same_bits(build, tmp_path):
    from labkit.networks.backend import keras

    rng = np.random.default_rng(0)
    x = rng.normal(size=(22, 12, 4)).astype("float32")
    y = rng.normal(size=(22, 1)).astype("float32")

    def start():
        keras.utils.set_random_seed(0)
        model = build()
        model.compile("adam", "mse")
        return Training(model, x, y, batch_size=8)  # 3 steps an epoch, the last one smaller

    def end(training):
        training.run(9)
        return [*(array.tobytes() for array in training.state()["arrays"]), training.losses]

    whole = end(start())
    first, second = start(), start()
    first.run(2)  # the next batch is the smaller one
    first.save(tmp_path / "c")
    second.load(tmp_path / "c")
    assert second.step == 2
    assert end(second) == whole


@pytest.mark.slow
def test_a_model_compiled_anew_learns_as_it_is_told_now():
    from labkit.networks.backend import keras

    x = np.ones((8, 12, 4), "float32")
    model = sequential()
    model.compile(keras.optimizers.SGD(0.1), "mse")
    training = Training(model, x, np.zeros(8), batch_size=4)
    training.run(2)
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    training.run(4)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_a_training_takes_the_steps_of_fit():
    import keras

    from labkit.networks.models import mlp
    from labkit.networks.training import fit

    rng = np.random.default_rng(0)
    x, y = rng.random((300, 28, 28, 1)).astype("float32"), rng.integers(0, 10, 300)
    ours, theirs = mlp(16), mlp(16)
    for model in (ours, theirs):
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    training = Training(ours, x, y, batch_size=64, seed=5)
    steps, losses = training.steps_per_epoch, []
    for epoch in range(2):  # fit in the order that the training draws
        rows = [training.batch(step) for step in range(epoch * steps, (epoch + 1) * steps)]
        order = np.concatenate(rows)
        ran = fit(theirs, x[order], y[order], batch_size=64, shuffle=False, verbose=0)
        losses += ran.history["loss"]
    training.run(2 * steps)
    np.testing.assert_allclose(training.epoch_losses(), losses, rtol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.slow
def test_the_network_of_lesson_10_is_that_of_the_articles():
    from labkit.networks.models import mlp

    assert mlp().count_params() == 397_510
    assert mlp(hidden=20, dropout=0.5).count_params() == 785 * 20 + 21 * 10
    assert [layer.name for layer in mlp(dropout=0.5).layers] == [
        "flatten", "hidden", "dropout", "digits",
    ]  # fmt: skip
    first, same, other = (mlp(4, seed=s).get_weights() for s in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"hidden": 0}, "hidden=0"), ({"hidden": 2.5}, "hidden=2.5"), ({"dropout": 1}, "dropout=1")],
)
def test_impossible_networks_are_refused(settings, told):
    from labkit.networks.models import mlp

    with pytest.raises(ValueError, match=told):
        mlp(**settings)
