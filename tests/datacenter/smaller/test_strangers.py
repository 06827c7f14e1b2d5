"""Files that run what their author wants: found by what is left on the disk, not by a rule."""

import tempfile

import pytest

from labkit.datacenter.smaller import formats, strangers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        found = {visit.name: visit for visit in strangers.visits()}
    assert [file for file in folder.iterdir() if file.name.startswith("labkit_")] == []
    return found


def test_pickle_runs_its_authors_code_while_it_is_read(visits):
    assert visits["pickle"].reading


def test_arrays_alone_run_nothing(visits):
    assert (visits["NumPy .npy"].reading, visits["NumPy .npy"].running) == (False, False)
    assert "allow_pickle=False" in visits["NumPy .npy"].refused


@pytest.mark.parametrize("name", [".keras", ".h5"])
def test_keras_refuses_python_in_a_file_unless_its_guard_is_switched_off(visits, name):
    guarded, open_ = visits[name], visits[f"{name}, safe_mode=False"]
    assert (guarded.reading, guarded.running) == (False, False)
    assert "Lambda" in guarded.refused
    assert open_.reading
    assert open_.running


@pytest.mark.skipif(formats.missing("SavedModel") != "", reason="without TensorFlow")
def test_a_savedmodel_is_a_program_that_can_write_files(visits):
    assert (visits["SavedModel"].reading, visits["SavedModel"].running) == (False, True)


@pytest.mark.skipif(formats.missing("ONNX") != "", reason="without ONNX Runtime")
def test_onnx_runtime_refuses_an_operator_that_it_does_not_have(visits):
    assert (visits["ONNX"].reading, visits["ONNX"].running) == (False, False)
    assert "WriteFile" in visits["ONNX"].refused
