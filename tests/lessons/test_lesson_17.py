"""Lesson 17 runs on what the learner wrote; its answers follow from what was measured."""

import pytest
from lesson_code import names_after

from labkit.datacenter import cards
from labkit.exercises import devices as exercise

pytestmark = pytest.mark.slow  # Keras

# What these cells measure has tests of its own; here it would only take time.
UNTIMED = {
    "copies": "line, latency, bandwidth = None, 1e-4, 1e9\nnumbers, called = (1, 10), 1e-5\n"
    "copies, additions = {4: 1e-4, 8: 1e-4}, {1: 1e-5, 10: 4e-5}",
    "crossing_figure": "",
    "chain": "chain, row = {'one by one': 1e-5}, 4e-6",
    "machine": "here, dots = cards.CARDS['A100'], {}",
    "epoch": "",
    "predict_gain": "",
    "epoch_figure": "",
    "cudnn_table": "",
    "throughput": "",
    "learned": "",
    "predict_learned": "",
    "learned_table": "",
}


@pytest.fixture(scope="module")
def learned():
    """The lesson up to the largest batches, with a learner's function for the memory."""
    answer = "def my_memory(parameters, outputs, batch):\n"
    return names_after(
        "17",
        "memory-figure",
        exercise_memory=f"{answer}    return 4 * (4 * parameters + batch * outputs)",
        **UNTIMED,
    )


def test_the_lesson_runs_on_what_the_learner_wrote(learned):
    assert exercise.memory.whose == "yours"
    assert learned["memory"](1, 1, 1) == 20


def test_the_largest_batch_fits_and_the_next_one_does_not(learned):
    weights, outputs = learned["weights"], learned["outputs"]
    for name, batch in learned["largest"].items():
        held = [exercise.memory.right(weights, outputs, b) for b in (batch, batch + 1)]
        assert held[0] <= cards.CARDS[name].memory < held[1]


def test_only_the_layer_with_dropout_between_steps_breaks_a_condition_of_the_four(learned):
    broken = list(learned["broken"].values())
    assert [bool(each) for each in broken] == [False, False, False, True, True, True]


def test_the_answer_about_additions_lies_where_the_time_has_doubled(learned):
    assert learned["twice"] == pytest.approx(1 + 9 / 3)
