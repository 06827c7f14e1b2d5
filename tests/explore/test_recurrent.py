"""Both explorers of lesson 13, without a browser and without training."""

import time

import numpy as np
import pytest

from labkit.explore import recurrent as explore
from labkit.explore.recurrent import FADED, GatesExplorer, MemoryExplorer, most_moved
from labkit.lab import parameters, places
from labkit.maths import recurrent as maths

# Three utterances of 5, 9 and 29 frames, read by an LSTM of six units with random weights.
RANDOM = np.random.default_rng(0)
SERIES = [RANDOM.normal(size=(frames, 12)) for frames in (5, 9, 29)]
WEIGHTS = maths.random_weights("lstm", 12, 6, radius=0.5)
READ_OUT = RANDOM.normal(size=(6, 9)), RANDOM.normal(size=9)


@pytest.fixture(scope="module")
def gates():
    return GatesExplorer(WEIGHTS, READ_OUT, SERIES, [0, 4, 8])


@pytest.fixture(scope="module")
def memory():
    return MemoryExplorer()


@pytest.fixture(autouse=True)
def as_at_the_start(gates, memory):
    starts = [(explorer, explorer.params) for explorer in (gates, memory)]
    yield
    for explorer, start in starts:
        explorer._jump(start)


def test_the_gates_are_those_of_the_layer(gates):
    gates._jump({"utterance": 1, "unit": 4, "step": 7, "padded_length": 29, "masking": "mask"})
    trace = maths.forward(SERIES[1][None], WEIGHTS)
    for name in ("forget", "input", "output"):
        np.testing.assert_allclose(gates.result["gates"][name][:9], trace.gates[name][0, :, 4])
        assert np.isnan(gates.result["gates"][name][9:]).all()
    np.testing.assert_allclose(gates.result["cell"][:9], trace.cells[0, 1:, 4])
    scores = trace.outputs[0, 6] @ READ_OUT[0] + READ_OUT[1]
    expected = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(gates.result["chances"], expected)


def test_a_mask_keeps_the_state_and_padding_washes_it_out(gates):
    """Without a mask, two utterances end in nearly the same state; with it they do not."""
    ends = {}
    for masking in ("mask", "no mask"):
        results = [gates.compute(u, 0, 100, 100, masking) for u in (0, 2)]
        ends[masking] = np.abs(results[0]["chances"] - results[1]["chances"]).max()
    assert ends["no mask"] < 0.02 < ends["mask"]


def test_the_most_moved_unit_is_the_one_whose_state_padding_changes_most():
    """All forget gates are open but one: only that unit loses its state behind the voice."""
    units, moved = 4, 2
    kernel, bias = np.zeros((12, 16)), np.zeros(16)
    kernel[:, 8:12], bias[4:8], bias[0:4] = 0.1, 10.0, 10.0  # gates open, content from the input
    bias[4 + moved] = -10.0
    weights = maths.Weights("lstm", kernel, np.zeros((units, 16)), bias)
    assert most_moved(weights, [np.ones((5, 12)), np.ones((8, 12))], 20) == moved


def test_the_axis_holds_the_whole_cell_state_of_every_unit(gates):
    """A state that leaves the plot would look like one that is kept."""
    for unit in range(6):
        gates._jump({"utterance": 2, "unit": unit, "padded_length": 100, "masking": "no mask"})
        line = gates._picture(gates.params).moving["cell"]
        low, high = line.axes.get_ylim()
        np.testing.assert_array_equal(line.get_ydata(), gates.result["cell"])
        assert low < gates.result["cell"].min() <= gates.result["cell"].max() < high
        assert high < 2.5 * np.abs(gates.result["cell"]).max() + 0.2  # nor is it lost in the axis


def test_the_caption_says_what_is_seen(gates):
    gates._jump({"utterance": 1, "step": 4, "padded_length": 60, "masking": "no mask"})
    assert "Utterance 1 by speaker 5: 9 frames, padded to 60" in gates.text
    assert "Step 4, frame" in gates.text
    gates._jump({"step": 40})
    assert "Step 40, padding" in gates.text
    gates._jump({"masking": "mask"})
    assert "Step 40 is masked" in gates.text
    gates._jump({"step": 100, "padded_length": 29})  # beyond the end: the last step is shown
    assert gates.result["at"] == 28


def test_the_memory_is_the_gradient_of_the_last_state(memory):
    memory._jump({"cell": "gru", "radius": 0.8, "update_bias": 2.0, "weights_seed": 3})
    weights = maths.random_weights("gru", 4, 16, radius=0.8, forget_bias=2.0, seed=3)
    x = np.random.default_rng(3).normal(0, 1, (1, explore.LAGS, 4)) * 0.3
    norms = maths.gradient_norms(maths.forward(x, weights), weights, of="x")
    np.testing.assert_allclose(memory.result["shares"]["gru"], norms / norms[0])
    reach = memory.result["reach"]
    assert memory.result["shares"]["gru"][reach] < FADED
    assert (memory.result["shares"]["gru"][:reach] >= FADED).all()


def test_an_rnn_follows_its_theory_and_an_open_gate_remembers(memory):
    memory._jump({"cell": "rnn", "radius": 0.9})
    curve, theory = memory.result["shares"]["rnn"], memory.result["theory"]
    assert np.abs(np.log10(curve / theory)).max() < 1
    memory._jump({"cell": "lstm", "forget_bias": 1.0, "radius": 1.0})
    assert memory.result["reach"] is None
    assert "even after 79 steps" in memory.text


def test_as_keras_starts_is_how_keras_starts():
    """LSTM: forget bias 1. GRU: all biases 0. Whatever the layers do, the preset does."""
    keras = pytest.importorskip("keras")
    preset, units = MemoryExplorer.presets["as Keras starts"], 4
    kinds = {"forget_bias": keras.layers.LSTM(units), "update_bias": keras.layers.GRU(units)}
    starts = {"forget_bias": slice(units, 2 * units), "update_bias": slice(0, units)}
    for name, layer in kinds.items():
        layer.build((None, 1, 3))
        bias = np.atleast_2d(layer.get_weights()[2])[0][starts[name]]
        assert bias.tolist() == [preset[name]] * units


def test_a_fresh_gru_forgets_faster_than_a_plain_rnn(memory):
    memory._jump(memory.presets["as Keras starts"])
    reach = {}
    for cell in explore.CELLS:
        memory._jump({"cell": cell})
        reach[cell] = memory.result["reach"] or explore.LAGS
    assert 2 * reach["gru"] < reach["rnn"] < reach["lstm"]


def test_a_growing_gradient_is_said_in_words(memory):
    memory._jump(memory.presets["explodes"])
    assert "explodes" in memory.text
    assert memory.result["last"] > 10


def test_settings_come_back_as_the_lesson_understands_them(gates, memory):
    schema = parameters.read_parameters(places.lesson_files()["13"])
    for explorer in (gates, memory):
        parameters.validate(schema, explorer.lesson_params)
    assert "-p radius=1.0" in memory.texts()["Copy as command"]
    assert "step" not in gates.texts()["Copy as command"]


def test_turning_changes_the_picture_and_the_words(gates, memory):
    for explorer, change in ((gates, {"step": 2}), (memory, {"cell": "lstm"})):
        picture, words = explorer.png, explorer.text
        explorer._jump(change)
        assert explorer.png != picture
        assert explorer.text != words


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="radius"):
        MemoryExplorer(radius=9.0)
    with pytest.raises(ValueError, match="padded_length"):
        GatesExplorer(WEIGHTS, READ_OUT, SERIES, [0, 4, 8], padded_length=45)
    with pytest.raises(ValueError, match="utterance"):
        GatesExplorer(WEIGHTS, READ_OUT, SERIES, [0, 4, 8], utterance=3)


@pytest.mark.slow
def test_the_whole_range_works(gates, memory):
    assert gates.walk() > 40
    assert memory.walk() > 60


def test_they_compute_fast_enough_to_be_dragged(gates, memory):
    maths._random_run.cache_clear()
    maths.memory.cache_clear()
    gates._run.cache_clear()
    for explorer in (gates, memory):
        times = []
        for _ in range(3):
            started = time.perf_counter()
            explorer.compute(**explorer.params)
            times.append(time.perf_counter() - started)
        assert min(times) < 0.1
