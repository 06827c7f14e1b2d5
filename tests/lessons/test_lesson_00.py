"""Lesson 00 as a learner meets it: a live kernel, two settings, two rows."""

import os

import nbformat
import pandas as pd
import pytest

from labkit.exercises import start as exercise
from labkit.lab import places
from labkit.lab.table import results

LOADED = "import sys; sorted({'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules))"


def table(*rows):
    """A results table as `results("00")` gives it, from (mode, learning_rate, steps, loss)."""
    columns = ["env.mode", "param.learning_rate", "param.steps", "result.loss"]
    return pd.DataFrame(rows, columns=columns).assign(started="2026-01-01")


@pytest.fixture
def live(monkeypatch):
    monkeypatch.delenv("LABKIT_HEADLESS", raising=False)


# --- counting the learner's rows ------------------------------------------------------------


def test_rows_of_headless_runs_are_not_the_learners(live):
    rows = exercise.your_rows(table(("headless", 0.01, 20, 0.1), ("live", 0.02, 20, 0.05)))
    assert list(rows["param.learning_rate"]) == [0.02]
    assert "One row so far" in exercise.check_rows(rows).message


def test_no_row_at_all(live):
    nothing = pd.DataFrame(columns=["lesson", "run_id"])
    assert exercise.check_rows(exercise.your_rows(nothing)).kind == "not tried"


def test_the_same_setting_twice_is_one_setting(live):
    rows = exercise.your_rows(table(("live", 0.01, 20, 0.1), ("live", 0.01, 20, 0.1)))
    feedback = exercise.check_rows(rows)
    assert feedback.kind == "not tried"
    assert "One row so far: change learning_rate in the second cell" in feedback.message


def test_two_settings_are_praised_with_the_better_one(live):
    rows = exercise.your_rows(table(("live", 0.01, 20, 0.1), ("live", 0.03, 20, 0.05)))
    feedback = exercise.check_rows(rows)
    assert feedback.ok
    assert "2 settings" in feedback.message
    assert "0.05 cm², with learning_rate = 0.03" in feedback.message
    assert exercise.settings(rows) == [(0.01, 20), (0.03, 20)]


def test_a_row_without_parameters_does_not_count(live):
    rows = exercise.your_rows(table(("live", None, None, 0.1), ("live", 0.03, 20, 0.05)))
    assert exercise.settings(rows) == [(0.03, 20)]


def test_a_headless_run_explains_itself(monkeypatch):
    monkeypatch.setenv("LABKIT_HEADLESS", "1")
    feedback = exercise.check_rows(exercise.your_rows(table()))
    assert feedback.kind == "not tried"
    assert "headlessly" in feedback.message


def test_a_run_that_was_stopped_is_marked_in_the_table(live):
    stopped = table(("live", 0.1, 20, 1290.2)).assign(**{"result.diverged": True})
    assert list(exercise.your_rows(stopped)["result.diverged"]) == [True]


# --- the lesson in a live kernel ------------------------------------------------------------


@pytest.mark.slow
def test_two_settings_in_a_live_kernel_give_two_rows(tmp_path, monkeypatch):
    """Run all cells, change learning_rate, run all cells again: what the lesson asks for."""
    from nbclient import NotebookClient

    monkeypatch.setenv("LABKIT_RUNS", str(tmp_path))
    environment = {k: v for k, v in os.environ.items() if k != "LABKIT_HEADLESS"}
    notebook = nbformat.read(places.lesson_file("00"), as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    cells["loaded"] = nbformat.v4.new_code_cell(LOADED, id="loaded")
    notebook.cells.append(cells["loaded"])
    client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}})

    def run_all_cells():
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        assert not [output for output in outputs if output.get("name") == "stderr"]
        return cells["check-rows"].outputs[0].data["text/plain"]

    with client.setup_kernel(env=environment):
        assert "One row so far" in run_all_cells()
        assert "One row so far" in run_all_cells(), "the same setting again adds no row"
        parameters = cells["parameters"]
        parameters.source = parameters.source.replace("= 0.01 ", "= 0.03 ")
        cells[
            "exercise-prediction"
        ].source = "def my_prediction(length, w, b):\n    return w * length + b"
        assert "✓ Right. 2 settings" in run_all_cells()
        assert "✓ Right" in cells["check-prediction"].outputs[0].data["text/plain"]
        assert cells["loaded"].outputs[0].data["text/plain"] == "[]", "a framework was imported"

    rows = results("00", tmp_path)
    assert list(rows["param.learning_rate"]) == [0.01, 0.03]
    assert set(rows["status"]) == {"finished"}
    assert rows["result.loss"].is_monotonic_decreasing


@pytest.mark.slow
def test_the_lesson_runs_headlessly(tmp_path, monkeypatch):
    """The same notebook through the runner: every cell runs and says that nobody was there."""
    from labkit.lab.runs.runner import run

    monkeypatch.setenv("LABKIT_RUNS", str(tmp_path))
    done = run("00", {"learning_rate": 0.05, "steps": 100})
    assert done.ok, done
    cells = {cell.id: cell for cell in nbformat.read(done.notebook, as_version=4).cells}
    assert "ran without a reader" in cells["check-rows"].outputs[0].data["text/plain"]


@pytest.mark.slow
def test_a_run_that_diverges_tells_when_it_was_stopped(tmp_path, monkeypatch):
    """No loss is told as that of a step that was never done."""
    from labkit.lab.runs.runner import run

    monkeypatch.setenv("LABKIT_RUNS", str(tmp_path))
    done = run("00", {"learning_rate": 0.1})
    assert done.ok, done
    cells = {cell.id: cell for cell in nbformat.read(done.notebook, as_version=4).cells}
    assert "After 3 steps (stopped: it diverged)" in shown(cells["fit"])
    assert "at 5 % more it passes 1,000 cm² at step 32." in shown(cells["limit"])
    assert results("00", tmp_path)["result.diverged"].tolist() == [True]


def shown(cell):
    return cell.outputs[0].data["text/markdown"]
