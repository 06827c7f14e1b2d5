"""Lesson 13 with other settings: without the calendar the forecasting LSTM loses."""

import re

import nbformat
import pytest

from labkit.lab import places
from labkit.lab.runs import runner as runs

LESSON = places.lesson_files()["13"]


@pytest.mark.slow
def test_other_settings_run_and_an_lstm_that_is_not_told_the_month_loses(tmp_path):
    settings = {"seeds": 2, "vowel_seeds": 2, "epochs": 2, "units": 8, "padded_length": 45}
    settings |= {"calendar": "withheld", "longest_gap": 25, "memory_epochs": 1}
    settings |= {"cell": "gru", "utterance": 369, "unit": 100, "window": 5, "price_epochs": 1}
    outcome = runs.run("13", settings, folder=tmp_path, timeout=900)
    assert outcome.ok, outcome.error
    difference, doubt = outcome.results["lstm_minus_linear"]
    assert difference > doubt > 0
    assert outcome.results["difference_to_keras"] < 1e-5


def test_prose_states_no_result_that_a_cell_should_compute():
    """Numbers with decimals in the text are settings or dates, never measured results."""
    cells = nbformat.read(LESSON, as_version=4).cells
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert not re.findall(r"\d+\.\d+ ?%", text)
    quoted = re.findall(r"(\d+) %", text)  # a threshold (1, 90), the article's figure (92)
    assert set(quoted) <= {"1", "90", "92"}
