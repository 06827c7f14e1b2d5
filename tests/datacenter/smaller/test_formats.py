"""A network as a file: outputs, bytes, and what comes back, in each format that is installed."""

import json
import os
import subprocess
import sys

import matplotlib
import pytest

from labkit.datacenter.smaller import formats
from labkit.datacenter.smaller.formats import FORMATS
from labkit.networks.backend import is_chatter


def installed(name):
    lacks = formats.missing(name)
    return pytest.param(name, marks=pytest.mark.skipif(lacks != "", reason=lacks))


EACH = [installed(name) for name in FORMATS]


def test_a_format_that_lacks_its_packages_says_which_and_what_to_install(monkeypatch):
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    assert formats.missing("Keras") == formats.missing("HDF5") == ""
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    told = formats.missing("ONNX")
    assert "onnx and onnxruntime and tf2onnx" in told
    assert "labkit[serve]" in told
    with pytest.raises(ImportError, match="labkit"):
        formats.save(None, "ONNX", ".")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert formats.missing("ONNX").endswith("pip install 'labkit[serve]' jax2onnx")


def test_an_unknown_format_or_file_is_told_what_there_is():
    with pytest.raises(ValueError, match="Keras, HDF5, SavedModel, ONNX, LiteRT"):
        formats.missing("pickle")
    with pytest.raises(ValueError, match=r"\.onnx"):
        formats.load("model.pkl")


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "in" / "b").write_bytes(b"123")
    assert formats.size_in_bytes(tmp_path) == 8
    assert formats.size_in_bytes(tmp_path / "a") == 5


TRY = """
import json, sys
import numpy as np
from labkit.datacenter.smaller import formats
from labkit.networks.models import mlp
x, y = np.random.default_rng(0).random((40, 28, 28, 1), np.float32), np.arange(40) % 10
model = mlp(20)
model.compile("adam", "sparse_categorical_crossentropy")
model.train_on_batch(x, y)
state = lambda: [np.array(each.numpy()) for each in model.variables + model.optimizer.variables]
before = state()
print("begun", file=sys.stderr)
rows = formats.try_formats(model, x, y)
print("ended", file=sys.stderr)
same = all(map(np.array_equal, before, state()))
print(json.dumps([rows, same]))
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """Return rows, whether the network is as it was, words on standard error, and files left."""
    # ONNX Runtime would put a number for this machine into the cache, and a file into TMPDIR.
    temporary, cache = tmp_path_factory.mktemp("temporary"), tmp_path_factory.mktemp("cache")
    env = os.environ | {"TMPDIR": str(temporary), "XDG_CACHE_HOME": str(cache)}
    env |= {"MPLCONFIGDIR": matplotlib.get_cachedir(), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("ORT_DISABLE_TELEMETRY", None)
    done = subprocess.run([sys.executable, "-c", TRY], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows, same = json.loads(done.stdout)
    return rows, same, done.stderr, [*temporary.iterdir(), *cache.glob("**/*onnx*")]


@pytest.fixture(scope="module")
def kept(tried):
    return {row.name: row for row in (formats.Kept(*each) for each in tried[0])}


@pytest.mark.slow
def test_trying_leaves_the_network_as_it_was_and_no_word_and_no_file(tried):
    _, same, told, files = tried
    assert same
    assert [line for line in told.splitlines() if not is_chatter(line)] == ["begun", "ended"]
    assert files == []


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH)
def test_a_file_computes_what_the_network_computed(kept, name):
    assert kept[name].difference < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH)
def test_the_bytes_are_those_of_the_weights_and_an_optimizer_triples_what_keeps_it(kept, name):
    weights = 4 * (784 * 20 + 20 + 20 * 10 + 10)
    assert weights < kept[name].bare_bytes
    grown = kept[name].size_in_bytes - kept[name].bare_bytes
    if name in ("Keras", "HDF5"):
        assert 2 * weights < grown < 2.4 * weights  # Adam keeps two numbers a weight
    else:
        assert abs(grown) < 0.05 * weights


@pytest.mark.slow
def test_a_format_keeps_layers_or_runs_alone(kept):
    tried = [row for row in kept.values() if not row.why_not]
    assert {row.name for row in tried if row.layers} == {"Keras", "HDF5"}
    assert kept["Keras"].training
    assert not any(row.training for row in tried if not row.layers)
    assert not any(row.alone for row in tried if row.layers)
    assert kept["ONNX"].alone or kept["ONNX"].why_not
