"""The same network, training and lesson run on TensorFlow, JAX and PyTorch."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

LESSON = Path(__file__).resolve().parents[1] / "notebooks" / "11_convolution.ipynb"

TRAINING = """
import json, sys
import keras
from labkit.data import load_mnist
from labkit.networks.models import small_cnn
from labkit.networks.training import fit

digits = load_mnist()
model = small_cnn(dropout=0.1, seed=1)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = fit(
    model, digits.x_train[:810], digits.y_train[:810], epochs=6, batch_size=32,
    validation_data=(digits.x_test, digits.y_test), verbose=0,
)
frameworks = {"tensorflow", "jax", "torch"} & set(sys.modules)
print(json.dumps({
    "backend": keras.backend.backend(), "execution": history.execution,
    "history": history.history, "frameworks": sorted(frameworks),
}))
"""


def backend(name):
    missing = find_spec(name) is None
    reason = f"{name} is not installed: pip install '.[{name}]'"
    return pytest.param(name, marks=pytest.mark.skipif(missing, reason=reason))


def environment(name):
    # One thread: those of PyTorch wait for each other in a busy loop, and where another program
    # takes a core, two of them are many times slower than one.
    settings = {"KERAS_BACKEND": name, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    settings["LABKIT_WALK"] = "0"  # explorers know no backend
    return os.environ | settings


@pytest.mark.slow
@pytest.mark.parametrize("name", [backend("tensorflow"), backend("jax"), backend("torch")])
def test_training_learns_alike_on_every_backend(name):
    done = subprocess.run(
        [sys.executable, "-c", TRAINING],
        env=environment(name),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["backend"] == name
    assert name in told["frameworks"]
    assert ("model.fit" in told["execution"]) == (name == "torch" or "CUDA" in done.stderr)
    history = told["history"]
    assert all(len(values) == 6 for values in history.values())
    assert history["loss"][-1] < 0.4 < 1.5 < history["loss"][0]
    assert history["val_accuracy"][-1] > 0.86  # three seeds of each backend: 0.888 to 0.925


@pytest.mark.slow
@pytest.mark.skipif(not LESSON.exists(), reason="lesson 11 is not in this copy")
@pytest.mark.parametrize("name", [backend("jax"), backend("torch")])
def test_lesson_11_runs_on_other_backends(name, tmp_path):
    labkit = [sys.executable, "-c", "from labkit.cli import main; main()"]
    settings = ["-p", "epochs=1", "-p", "seeds=1"]
    done = subprocess.run(
        [*labkit, "run", "11", *settings, "--to", str(tmp_path)],
        env=environment(name),
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads(next(tmp_path.glob("11*/*/record.json")).read_text())
    assert record["status"] == "finished"
    assert record["environment"]["backend"] == name
    assert record["results"]["difference_to_keras"] < 1e-5
    assert record["results"]["test_accuracy"] > 0.5
    executed = nbformat.read(next(tmp_path.glob("11*/*/notebook.ipynb")), as_version=4)
    outputs = [o for c in executed.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o.text for o in outputs if o.get("name") == "stderr"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [backend("jax"), backend("torch")])
def test_tensorflow_says_nothing_where_keras_loads_it_beside_another_backend(name):
    code = (
        "import sys\nfrom labkit.networks.backend import keras\n"
        "keras.utils.set_random_seed(0)\nprint('tensorflow' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment(name), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "True"
    assert done.stderr == ""


def test_keras_is_taken_without_a_call_from_the_second_time_on():
    """A call holds standard error back, which takes longer than a small operation."""
    from labkit.networks import backend as module

    first = module.keras
    assert vars(module)["keras"] is first
