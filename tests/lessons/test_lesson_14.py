"""Lesson 14: what it says in words was computed, and it runs with other settings."""

import re

import nbformat
import pytest

from labkit.lab import places
from labkit.lab.runs import runner as runs

LESSON = places.lesson_files()["14"]


def test_prose_states_no_result_that_a_cell_should_compute():
    """Numbers with decimals in the text are settings or dates, never measured results."""
    cells = nbformat.read(LESSON, as_version=4).cells
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    numbers = set(re.findall(r"\d+\.\d+", text))
    assert numbers <= {"0.002", "0.004", "0.008", "1.2"}  # rates that were tried; a row's name


@pytest.mark.slow
def test_a_tiny_network_runs_and_says_that_counting_is_better(tmp_path):
    settings = {"width": 16, "layers": 1, "heads": 2, "context": 50, "batch_size": 128}
    settings |= {"epochs": 1, "networks": 2, "temperature": 0.0, "beginning": "def "}
    settings |= {"letters": 4, "rounds": 1, "held_out": "validation"}
    outcome = runs.run("14", settings, folder=tmp_path, timeout=900)
    assert outcome.ok, outcome.error
    assert outcome.results["beaten_orders"] in ([], [1])
    assert len(outcome.results["losses"]) == 2
