"""Candidates beside each other: what is counted by hand, and int8 of ONNX Runtime."""

import numpy as np
import pytest

from labkit.datacenter.smaller import formats, runtimes
from labkit.datacenter.smaller.runtimes import Candidate, compare


def one_hot(classes):
    return np.eye(10)[classes]


def test_size_accuracy_and_agreement_are_counted_apart():
    y = np.arange(100) % 10
    x = y[:, None].astype(float)
    right = Candidate(lambda x: one_hot(x[:, 0].astype(int)), 4000)
    half = Candidate(lambda x: one_hot(np.where(x[:, 0] < 5, x[:, 0], 0).astype(int)), 1000)
    first, second = compare({"all": right, "half": half}, x, y, seconds=0.01)
    assert (first.name, first.size_in_bytes, first.accuracy, first.agreement) == ("all", 4000, 1, 1)
    assert (second.size_in_bytes, second.accuracy, second.agreement) == (1000, 0.5, 0.5)
    assert compare({"half": half, "all": right}, x, y, seconds=0.01)[1].agreement == 0.5


def test_latencies_grow_with_the_work():
    weights = np.ones((400, 400), np.float32)
    x = np.ones((64, 400), np.float32)
    once = Candidate(lambda x: x @ weights, 0)
    often = Candidate(lambda x: sum(x @ weights for _ in range(20)), 0)
    one, many = compare({"once": once, "often": often}, x, np.zeros(64), seconds=0.5)
    assert many.latency_1 > 4 * one.latency_1
    assert many.latency_64 > 4 * one.latency_64
    assert one.latency_64 > one.latency_1


@pytest.mark.parametrize(("candidates", "images"), [({}, 64), ({"a": Candidate(len, 1)}, 63)])
def test_a_comparison_needs_candidates_and_images(candidates, images):
    with pytest.raises(ValueError, match="64 images"):
        compare(candidates, np.zeros((images, 1)), np.zeros(images))


def test_without_its_packages_there_is_no_candidate_of_onnx_runtime(monkeypatch):
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    assert runtimes.onnx_candidates(None, np.zeros((1, 2)), ".") == {}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return a trained network, digits, and ONNX Runtime's candidates made of them."""
    if told := formats.missing("ONNX"):
        pytest.skip(told)
    from labkit.data import load_mnist
    from labkit.networks.models import small_cnn
    from labkit.networks.training import fit

    digits = load_mnist()
    model = small_cnn()
    model.compile("adam", "sparse_categorical_crossentropy")
    fit(model, digits.x_train, digits.y_train, epochs=1, verbose=0)
    folder, calibration = tmp_path_factory.mktemp("onnx"), digits.x_train[:200]
    found = runtimes.onnx_candidates(model, calibration, folder)
    return model, digits, found


@pytest.mark.slow
def test_int8_takes_a_quarter_and_reads_alike(small):
    model, digits, found = small
    candidates = {"Keras": runtimes.from_keras(model)} | found
    rows = compare(candidates, digits.x_test, digits.y_test, seconds=1)
    whole, *int8 = rows[1:]
    parameters = model.count_params()
    assert rows[0].size_in_bytes == 4 * parameters
    assert 4 * parameters < whole.size_in_bytes < 4.1 * parameters
    assert len(int8) == 2
    for row in int8:
        assert parameters < row.size_in_bytes < 1.25 * parameters
        assert row.agreement > 0.97
        assert abs(row.accuracy - rows[0].accuracy) < 0.02
    assert whole.agreement == 1


@pytest.mark.slow
def test_int8_is_near_float_and_not_equal(small):
    model, digits, found = small
    x = digits.x_test[:200]
    expected = model.predict_on_batch(x)
    assert np.abs(found["ONNX Runtime, float32"].run(x) - expected).max() < 1e-5
    for name in found.keys() - {"ONNX Runtime, float32"}:
        assert 1e-4 < np.abs(found[name].run(x) - expected).max() < 0.5
