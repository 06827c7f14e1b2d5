"""Lesson 16: what it says in words was computed, and it runs with other settings."""

import re

import nbformat
import pytest

from labkit.lab import places
from labkit.lab.runs import runner as runs

LESSON = places.lesson_files()["16"]


def test_prose_states_no_result_that_a_cell_should_compute():
    cells = nbformat.read(LESSON, as_version=4).cells
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    text = re.sub(r"(?s)<details>.*?</details>", "", text)
    assert set(re.findall(r"\d+\.\d+", text)) <= {"3.14"}  # quoted, of GPT-3


@pytest.mark.slow
def test_a_tiny_sweep_runs_and_foretells(tmp_path):
    settings = {"widths": [8, 16, 24], "tokens": [2000, 4000, 8000], "largest": 32, "merges": 32}
    settings |= {"new_tokens": 2000, "context": 16, "top_k": 0, "top_p": 0.5, "rank": 1}
    outcome = runs.run("16", settings, folder=tmp_path, timeout=600)
    assert outcome.ok, outcome.error
    assert outcome.results["runs"] == 9
    assert outcome.results["slope_error"] < 1e-3
    assert outcome.results["trained_by_lora"] < 0.2
