"""Lesson 12 as a run of a sweep: one network, quickly, and nothing else."""

import json
import re

import nbformat
import pytest

from labkit.lab import places
from labkit.lab.runs import runner as runs

LESSON = places.lesson_files()["12"]


@pytest.mark.slow
def test_one_network_is_trained_and_the_rest_is_skipped(tmp_path):
    settings = {"part": "one network", "cure": "early_stopping", "epochs": 6, "seed": 3}
    outcome = runs.run("12", settings, folder=tmp_path, timeout=300)
    assert outcome.ok, outcome.error
    names = ["validation_accuracy", "validation_loss", "training_accuracy", "best_epoch"]
    assert list(outcome.results) == names
    assert outcome.results["validation_accuracy"] > 0.5
    executed = nbformat.read(outcome.notebook, as_version=4)
    ids = [cell.id for cell in executed.cells]
    after = executed.cells[ids.index("record-one") + 1 :]
    assert not [cell.id for cell in after if cell.cell_type == "code" and cell.outputs]


def test_a_sweep_inside_the_lesson_never_sweeps_itself():
    cells = {
        cell["id"]: "".join(cell["source"]) for cell in json.loads(LESSON.read_text())["cells"]
    }
    assert '"part": ["one network"]' in cells["sweep"]
    ids = list(cells)
    assert ids.index("record-one") < ids.index("sweep")


@pytest.mark.parametrize("number", ["12", "15"])
def test_prose_states_no_result_that_a_cell_should_compute(number):
    cells = nbformat.read(places.lesson_files()[number], as_version=4).cells
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert not re.findall(r"\d+\.\d+ ?%", text)
