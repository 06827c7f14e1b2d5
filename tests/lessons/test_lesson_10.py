"""Lesson 10: its automatic gradient, and what its words say of files."""

import io
import zipfile

import h5py
import nbformat
import numpy as np
import pytest

from labkit.lab import places
from labkit.networks import keeping

CELLS = {
    cell.id: cell.source for cell in nbformat.read(places.lesson_files()["10"], as_version=4).cells
}


@pytest.fixture(scope="module")
def model():
    """A network after some updates with Adam."""
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, "relu"), layers.Dense(3, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).random((20, 6)), np.arange(20) % 3
    for _ in range(3):
        model.train_on_batch(x, y)
    return model


@pytest.mark.slow
def test_the_automatic_gradient_is_the_slope_that_finite_differences_measure(model):
    import keras

    names = {"keras": keras}
    exec(CELLS["loss"], names)
    exec(CELLS["automatic"], names)
    x, y = np.random.default_rng(1).random((8, 6)).astype("float32"), np.arange(8) % 3
    _, gradients = names["loss_and_gradients"](model, x, y)
    weights, tiny = model.trainable_variables[0], 1e-2
    start = keras.ops.convert_to_numpy(weights)
    sides = []
    for sign in (1, -1):
        moved = start.copy()
        moved[2, 1] += sign * tiny
        weights.assign(moved)
        sides.append(float(names["loss_of"](model, x, y)))
    weights.assign(start)
    slope = (sides[0] - sides[1]) / (2 * tiny)
    assert float(gradients[0][2, 1]) == pytest.approx(slope, rel=0.02, abs=2e-5)


@pytest.mark.slow
def test_the_optimizer_is_in_the_h5_file_and_only_the_loader_leaves_it(model, tmp_path):
    """As the lesson says; if Keras mends its loader, the lesson must say so."""

    def arrays(file, name):
        found = []
        file[name].visititems(lambda _, item: found.append(isinstance(item, h5py.Dataset)))
        return sum(found)

    # In this order: after .h5, Keras 3.15 writes a .keras file that has forgotten Adam.
    whole, bare = (keeping.saved_and_loaded(model, tmp_path / f"m{e}") for e in (".keras", ".h5"))
    inside = zipfile.ZipFile(tmp_path / "m.keras").read("model.weights.h5")
    with h5py.File(io.BytesIO(inside)) as new, h5py.File(tmp_path / "m.h5") as old:
        assert arrays(new, "optimizer") == arrays(old, "optimizer_weights")
    kept, batch = len(model.optimizer.variables), (np.ones((2, 6)), np.zeros(2))
    assert len(whole.optimizer.variables) == kept > len(bare.optimizer.variables)
    assert keeping.largest_difference(model, bare) == 0  # the weights are there
    assert keeping.next_losses(bare, *batch).startswith("refused")
    assert keeping.next_losses(whole, *batch) == keeping.next_losses(model, *batch)


def test_no_word_calls_a_strangers_file_safe():
    text = CELLS["keep-read"]
    assert "load no model file from somebody you do not trust" in text
    assert "Load such a file only with" not in text
