"""The ways around Keras' guard, with the Keras that is installed: found by what is left on disk."""

import json
import tempfile
import zipfile

import pytest

from labkit.datacenter.security import bypasses, quoted


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        found = {visit.name: visit for visit in bypasses.visits()}
    assert [file for file in folder.iterdir() if file.name.startswith("labkit_")] == []
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", bypasses._BYPASSES)
def test_the_keras_that_is_installed_refuses_each(visits, number):
    visit = visits[number]
    if visit.why_not:
        pytest.skip(visit.why_not)
    assert (visit.reading, visit.running) == (False, False)
    assert visit.refused


def test_each_is_quoted_with_what_came_of_trying_it():
    tried = {each.number for each in quoted.advisories() if each.tried}
    assert tried == set(bypasses._BYPASSES)


@pytest.mark.slow
def test_a_file_by_hand_is_one_that_keras_reads_when_it_asks_for_nothing_else(tmp_path):
    import keras
    import numpy as np

    dense = bypasses._layer("Activation", activation="relu", name="relu")
    path = bypasses._archive(tmp_path / "a", [bypasses._connected(dense)], output="relu")
    assert json.loads(zipfile.ZipFile(path).read("config.json"))["class_name"] == "Functional"
    model = keras.models.load_model(path)
    assert np.array_equal(model.predict_on_batch(np.float32([[-1, 2]])), [[0, 2]])
