"""Lesson 00 as a learner meets it: a network in seconds, a live kernel, two settings, two rows."""

import os

import browser
import nbformat
import numpy as np
import pandas as pd
import pytest

from labkit.exercises import start as exercise
from labkit.lab import lesson as lessons
from labkit.lab import places
from labkit.lab.table import results
from labkit.maths.start import FLOWERS, best_loss, fit_line

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
    assert "One row so far: change learning_rate in the cell of the param" in feedback.message


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


# --- the score to beat ----------------------------------------------------------------------


def scored(*steps_of_rate):
    """The feedback on rows of these (learning_rate, steps), each with the loss it really has."""
    made = [("live", rate, steps, fit_line(rate, steps)["loss"]) for rate, steps in steps_of_rate]
    return exercise.score(exercise.your_rows(table(*made)))


def test_the_score_names_what_is_missing(live):
    assert scored((0.01, 20)).kind == "not tried"
    assert scored((0.01, 20), (0.03, 20)).kind == "above the goal"
    assert scored((0.01, 20), (0.04, 100)).kind == "too many steps"
    assert scored((0.01, 20), (0.04, exercise.TO_BEAT)).kind == "too many steps"
    assert scored((0.01, 20), (0.1, 20)).kind == "above the goal", "a diverged run is no score"
    beaten = scored((0.01, 20), (0.045, 85))
    assert beaten.ok
    assert beaten.message.startswith("85 steps: that beats 95.")


def test_the_score_to_beat_is_what_a_rate_of_0_04_needs():
    losses = fit_line(0.04, exercise.TO_BEAT)["losses"]
    assert losses[-1] <= exercise.GOAL < losses[-2]


def test_no_rate_needs_fewer_steps_than_the_fewest():
    """By the closed form: along each eigenvector the distance shrinks by 1 - rate * curvature."""
    X = np.column_stack([FLOWERS[:, 0], np.ones(len(FLOWERS))])
    curvatures, vectors = np.linalg.eigh(2 * X.T @ X / len(X))
    start = vectors.T @ np.linalg.lstsq(X, FLOWERS[:, 1])[0]
    rates = np.linspace(0.001, 0.0518, 2000)[:, None]
    steps = exercise.fewest_steps() - 1
    left = start * (1 - rates * curvatures) ** steps
    losses = best_loss() + (curvatures * left**2).sum(axis=1) / 2
    assert losses.min() > exercise.GOAL, "fewer steps would do"


# --- its first ten minutes --------------------------------------------------------------------


def test_the_digit_is_drawn_within_the_first_ten_minutes():
    cells = lessons.read("00").content["cells"]
    ids = [cell["id"] for cell in cells]
    until_drawn = cells[: ids.index("explorer-digit") + 1]
    assert lessons.minutes(until_drawn) <= 10
    assert "DigitExplorer(" in until_drawn[-1]["source"]
    assert ids.index("explorer-digit") < ids.index("explorer"), "the digits before the flowers"


def test_three_predictions_one_of_each_form():
    source = "\n".join(lessons.read("00").code)
    for form in ("choices=", '"number":', "curve="):
        assert source.count(form) == 1, form


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
        return plain("check-rows")

    def plain(name):
        return cells[name].outputs[-1].data["text/plain"]

    with client.setup_kernel(env=environment):
        assert "One row so far" in run_all_cells()
        assert "This line is the lab's." in plain("line")
        assert "One row so far" in run_all_cells(), "the same setting again adds no row"
        parameters = cells["parameters"]
        parameters.source = parameters.source.replace("= 0.01 ", "= 0.045 ")
        parameters.source = parameters.source.replace("steps: int = 20 ", "steps: int = 85 ")
        stub = "def my_prediction(length, w, b):\n    "
        cells["exercise-prediction"].source = f"{stub}calls.append(1)\n    return w * length + b"
        cells["setup"].source += "\ncalls = []"
        cells["loaded"].source = f"{LOADED}, len(calls)"
        assert "✓ Right. 2 settings" in run_all_cells()
        assert "✓ Right" in plain("check-prediction")
        assert "This line is yours." in plain("line")
        assert "✓ Right. 85 steps" in plain("score")
        found, calls = eval(plain("loaded"))
        assert found == [], "a framework was imported"
        assert calls >= 3 + 2 + 12, "the check, the line and the loss call the learner's function"

    rows = results("00", tmp_path)
    assert list(rows["param.learning_rate"]) == [0.01, 0.045]
    assert set(rows["status"]) == {"finished"}
    assert rows["result.loss"].is_monotonic_decreasing
    assert rows["result.digit_accuracy"].between(0.93, 0.975).all()


@pytest.mark.slow
def test_the_lesson_runs_headlessly(tmp_path, monkeypatch):
    """The same notebook through the runner: every cell runs and says that nobody was there."""
    from labkit.lab.runs.runner import run

    monkeypatch.setenv("LABKIT_RUNS", str(tmp_path))
    done = run("00", {"learning_rate": 0.1, "epochs": 1})
    assert done.ok, done
    assert done.results["diverged"] is True
    assert done.results["digit_accuracy"] > 0.8
    assert done.entry["curves"]["digit_accuracy"]["step"][-1] == 1
    cells = {cell.id: cell for cell in nbformat.read(done.notebook, as_version=4).cells}
    assert "ran without a reader" in cells["check-rows"].outputs[0].data["text/plain"]


# --- in JupyterLab, with the mouse ------------------------------------------------------------

SHIFT_ENTER = "() => jupyterapp.commands.execute('notebook:run-cell-and-select-next')"
DRAWN = {  # as one draws them: corners where a hand would draw a bow
    3: [(8, 7), (13, 4), (18, 7), (17, 12), (12, 14), (18, 17), (18, 22), (12, 24), (7, 21)],
    7: [(7, 6), (20, 6), (12, 24)],
    0: [(14, 4), (8, 9), (8, 19), (14, 24), (20, 19), (20, 9), (14, 4)],
}


@browser.needs_browser
@pytest.mark.slow
def test_the_network_that_was_trained_reads_what_the_mouse_and_the_keys_draw(tmp_path):
    notebook = nbformat.read(places.lesson_file("00"), as_version=4)
    ids = [cell.id for cell in notebook.cells]
    del notebook.cells[ids.index("explorer-digit") + 1 :]
    nbformat.write(notebook, tmp_path / "00_start_here.ipynb")
    with browser.Lab(tmp_path, 1366, 768) as lab:
        page = lab.open("00_start_here.ipynb")
        for _ in notebook.cells:  # as the lesson says: Shift+Enter, cell after cell
            assert page.evaluate(SHIFT_ENTER) is not False
        browser.wait_until(page, browser.KERNEL_READY)
        page.locator(".field").wait_for()
        page.evaluate(browser.SETTLED)
        assert page.get_by_text("passes over the training images").is_visible()
        status, field = page.locator(".status").first, page.locator(".field").first
        for digit, points in DRAWN.items():
            draw(page, field, points)
            assert f"the network is sure, {digit} " in status.inner_text()
            page.get_by_role("button", name="Clear").click()
        browser.focus(page, field)
        for key in (" ", *12 * ["ArrowDown"], " "):
            page.keyboard.press(key)
        assert "the network is sure, 1 " in status.inner_text()
        assert page.problems == []
        assert page.outside == []


def draw(page, field, points):
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    path = [
        (box["x"] + x / 28 * box["width"], box["y"] + y / 28 * box["height"]) for x, y in points
    ]
    page.mouse.move(*path[0])
    page.mouse.down()
    for place in path[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()
