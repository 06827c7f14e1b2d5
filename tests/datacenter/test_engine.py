"""The real engine: two processes against one, against NumPy, and how it ends when one breaks."""

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from packaging.requirements import Requirement

from labkit.datacenter import engine
from labkit.datacenter.network import Network

needs_jax = pytest.mark.skipif(not engine.available(), reason=engine.MISSING)
SETTINGS = {"batch_size": 32, "epochs": 3, "learning_rate": 0.2, "momentum": 0.9}


NETWORK = Network((12, 16, 5))


def task(rows=128):
    """Layers to begin with, and rows."""
    rng = np.random.default_rng(0)
    w = NETWORK.start(0, "float64") + rng.normal(0, 0.01, NETWORK.items)
    return NETWORK.layers(w), rng.normal(size=(rows, 12)), rng.integers(0, 5, rows)


def by_numpy(layers, x, y, batch_size, epochs, learning_rate, momentum):
    """The same training in one process, in float64: losses of the epochs, and weights."""
    w, speed, losses = flat(layers), np.zeros(NETWORK.items), []
    for _ in range(epochs):
        found = []
        for rows in np.arange(len(x)).reshape(-1, batch_size):
            found.append(NETWORK.loss(w, x[rows], y[rows]))
            speed = momentum * speed - learning_rate * NETWORK.gradient(w, x[rows], y[rows])
            w += speed
        losses.append(np.mean(found))
    return losses, w


def children():
    return [each for each in psutil.Process().children(recursive=True) if _is_engine(each)]


def _is_engine(process):
    try:
        return engine._COMMAND in process.cmdline()
    except psutil.Error:
        return False


def flat(layers):
    return np.concatenate([a.ravel() for pair in layers for a in pair])


@pytest.fixture(scope="module")
def trained():
    return {n: engine.train(*task(), processes=n, **SETTINGS) for n in (1, 2)}


@needs_jax
@pytest.mark.slow
def test_two_processes_find_what_one_finds_and_what_numpy_finds(trained):
    losses, w = by_numpy(*task(), **SETTINGS)
    assert losses[-1] < 0.9 * losses[0]  # it learns something
    for found in trained.values():
        assert found.losses == pytest.approx(losses, rel=1e-5)
        assert np.abs(flat(found.layers) - w).max() < 1e-5
    assert trained[2].losses == pytest.approx(trained[1].losses, rel=1e-6)
    assert trained[2].replicas_equal


@needs_jax
@pytest.mark.slow
def test_the_compiled_step_of_two_holds_one_all_reduce_of_all_gradients_and_the_loss(trained):
    assert "all-reduce" in trained[2].program
    assert "all-reduce" not in trained[1].program
    assert sum(trained[2].all_reduces) == NETWORK.items + 1
    assert trained[1].all_reduces == []


@needs_jax
@pytest.mark.slow
def test_the_processes_end_by_themselves_and_leave_this_one_as_it_was(trained):
    assert [found.exit_codes for found in trained.values()] == [[0], [0, 0]]
    assert children() == []
    assert "labkit-engine-" not in " ".join(os.listdir(tempfile.gettempdir()))
    assert not {"XLA_FLAGS", "JAX_PLATFORMS"} & os.environ.keys()


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("raise ValueError('a shard is empty')", "process 1 failed: ValueError: a shard is empty"),
        ("import os; os.kill(os.getpid(), 9)", "process 1 was killed by SIGKILL"),
        ("import os; os._exit(3)", "process 1 failed: it ended with exit code 3 without a word"),
    ],
)
def test_a_process_that_breaks_is_named_with_its_own_words_and_the_other_is_ended(
    monkeypatch, job, message
):
    monkeypatch.setattr(engine, "available", lambda: True)
    hang = "import time; time.sleep(1000)"
    command = f"import sys\nif sys.argv[1] == '0':\n    {hang}\n{job}"
    monkeypatch.setattr(engine, "_COMMAND", command)
    with pytest.raises(engine.EngineError, match=message) as caught:
        engine.train(*task(), limit=50, **SETTINGS)
    assert caught.value.rank == 1
    assert [each for each in psutil.Process().children() if hang in " ".join(each.cmdline())] == []


@needs_jax
def test_time_over_ends_all_processes():
    begun = time.monotonic()
    with pytest.raises(engine.EngineError, match=r"not done within 0.3 s \(process 0, 1\)"):
        engine.train(*task(), limit=0.3, **SETTINGS)
    assert time.monotonic() - begun < 10
    assert children() == []


@needs_jax
@pytest.mark.slow
def test_an_error_inside_keras_comes_back_in_its_own_words():
    layers, x, y = task()
    with pytest.raises(engine.EngineError, match=r"failed: ValueError: .*Sequential") as caught:
        engine.train(layers, x[:, :5], y, processes=1, **SETTINGS)
    first, _, rest = str(caught.value).partition("\n\n")
    assert "to have value 12, but received input with shape" in first
    assert "Traceback" in rest
    assert children() == []


@needs_jax
@pytest.mark.alone
@pytest.mark.slow
def test_the_processes_end_when_the_kernel_that_started_them_is_killed(tmp_path):
    call = "engine.train([(np.ones((2, 2)), np.ones(2))], np.ones((64, 2)), np.ones(64, int))"
    code = f"import numpy as np; from labkit.datacenter import engine; {call}"
    kernel = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    started = wait_for(lambda: len(children()) == 2 and children())
    kernel.kill()
    kernel.wait()
    assert wait_for(lambda: not any(each.is_running() for each in started))
    assert wait_for(lambda: not list(tmp_path.iterdir()))  # nor a file


def test_what_a_user_has_set_for_jax_is_not_meant_for_these_processes(monkeypatch, tmp_path):
    others = ("JAX_DISABLE_JIT", "JAX_COMPILATION_CACHE_DIR", "JAX_PROCESS_ID", "HTTPS_PROXY")
    for name in (*others, "XLA_FLAGS", "KERAS_BACKEND"):
        monkeypatch.setenv(name, "1")
    found = engine._environment(0, "127.0.0.1:1", tmp_path)
    assert not found.keys() & set(others)
    assert (found["KERAS_BACKEND"], found["XLA_FLAGS"].split("=")[0]) == (
        "jax",
        "--xla_cpu_multi_thread_eigen",
    )


def wait_for(what, limit=20.0):
    until = time.monotonic() + limit
    while not (found := what()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def test_without_jax_a_sentence_says_what_to_install(monkeypatch):
    find = importlib.util.find_spec
    missing = lambda name, *more: None if name == "jax" else find(name, *more)
    monkeypatch.setattr(importlib.util, "find_spec", missing)
    assert not engine.available()
    with pytest.raises(ModuleNotFoundError, match=r'pip install "labkit\[dist\]"'):
        engine.train(*task())


@needs_jax
def test_rows_that_do_not_divide_are_refused_before_anything_starts():
    layers, x, y = task()
    with pytest.raises(ValueError, match="batch_size=33, processes=2"):
        engine.train(layers, x, y, batch_size=33)
    with pytest.raises(ValueError, match="128 rows; pass 120 of them"):
        engine.train(layers, x, y, batch_size=40)


def test_an_all_reduce_is_counted_in_every_form_in_which_xla_writes_it():
    program = """
      %a = f32[7,3]{1,0} all-reduce(f32[7,3]{1,0} %x), replica_groups={}
      %b = (f32[], f32[2,5]{1,0}) all-reduce-start(%y, %z), replica_groups={}
      %c = f32[9]{0} add(%all-reduce.1, %d)
      %all-reduce.2 = (f32[], bf16[4]{0}) all-reduce(%y, %z)"""
    assert engine.all_reduces(program) == [21, 11, 5]


@needs_jax
def test_the_extra_stands_beside_the_lock_and_changes_none_of_its_packages():
    lock = (Path(__file__).parents[2] / "requirements.lock").read_text()
    pins = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE)[::-1])  # of this Python
    for package in ("jax", "jaxlib"):
        assert package not in pins
        for text in importlib.metadata.requires(package):
            need = Requirement(text)
            applies = need.marker is None or need.marker.evaluate({"extra": ""})
            if need.name == "jaxlib" or not applies:
                continue
            pin = pins[re.sub(r"[-_.]+", "-", need.name).lower()]
            assert need.specifier.contains(pin), f"{package} needs {need}, the lock has {pin}"
