"""Lesson 01 when a learner changes the sample of section 1, and when it runs on what they wrote."""

import nbformat
import numpy as np
import pytest
from lesson_code import names_after
from nbclient import NotebookClient

from labkit.exercises import descent as exercise
from labkit.lab import places

LESSON = places.lesson_files()["01"]
SAMPLE = "x, y, tiny = 2.0, 1.0, 1e-5"


def first_cell(sample):
    """The cell that sets the sample, with another one."""
    (cell,) = [c for c in nbformat.read(LESSON, as_version=4).cells if c.id == "loss"]
    assert SAMPLE in cell.source
    return cell.source.replace(SAMPLE, f"x, y, tiny = {sample}, 1e-5")


@pytest.mark.parametrize("x", [0.02, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 100.0])
@pytest.mark.parametrize("y", [1.0, -7.0])
def test_the_measured_limit_follows_the_sample(x, y):
    names = names_after("01", "predict-limit", loss=first_cell(f"{x}, {y}"))
    assert names["largest_stable_rate"] == pytest.approx(1 / x**2, rel=1e-5)
    assert names["covered"] == pytest.approx(0.2 * x**2)


@pytest.mark.slow
def test_the_lesson_runs_with_another_sample(tmp_path, monkeypatch):
    """Its claims and expectations are about the sample as given; with another they do not fail."""
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    changed = nbformat.read(LESSON, as_version=4)
    for cell in changed.cells:
        if cell.id == "loss":
            cell.source = first_cell("3.0, 1.0")
    NotebookClient(changed, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()


COUNTING = """
calls = []
def my_update(w, gradient, learning_rate):
    calls.append(np.size(w))
    return w {sign} learning_rate * gradient
"""


def test_every_plain_walk_runs_on_what_the_learner_wrote():
    names = names_after("01", "batch-runs", exercise_update=COUNTING.format(sign="-"))
    assert exercise.update.whose == "yours"
    sizes = np.array(names["calls"])
    # The numbers of section 1, the weights of the ravines, the ten of the patients.
    assert np.sum(sizes == 1) > 1000
    assert np.sum(sizes == 2) > 1000
    assert np.sum(sizes == 10) > 100_000


def test_a_wrong_update_does_not_spoil_the_lesson():
    names = names_after("01", "predict-limit", exercise_update=COUNTING.format(sign="+"))
    assert exercise.update.whose == "the lab's"
    assert names["largest_stable_rate"] == pytest.approx(0.25)


def test_what_was_written_of_momentum_and_of_the_limit_is_used():
    written = {
        "exercise_momentum": "def my_momentum(w, velocity, gradient, learning_rate, momentum):\n"
        "    v = momentum * velocity - learning_rate * gradient\n    return w + v, v",
        "exercise_stable_rate": "def my_stable_rate(hessian):\n"
        "    return 2 / np.linalg.norm(hessian, 2)",
    }
    names = names_after("01", "predict-momentum", **written)
    assert names["momentum_update"] is names["my_momentum"]
    assert names["stable_rate"] is names["my_stable_rate"]
    assert (names["best_plain"], names["best_momentum"]) == (194, 47)


def test_no_batch_size_is_judged_at_one_rate():
    """Each has its own best rate inside the grid, and there they end close together."""
    names = names_after("01", "predict-batches")
    for name, best in names["best_at"].items():
        assert 0 < best < len(names["tried"]) - 1, name
    assert max(names["lowest_excess"].values()) < 0.02
    at_one_rate = [ends[names["tried"].index(0.01)] for ends in names["at_the_end"].values()]
    assert max(at_one_rate) > 10 * min(at_one_rate)  # what one rate for all would show
