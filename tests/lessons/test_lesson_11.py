"""Lesson 11 with other settings, and on all 70,000 images (test_backends.py: on JAX, PyTorch)."""

import re

import nbformat
import pytest

from labkit.data import available
from labkit.lab import places
from labkit.lab.runs import runner as runs

pytestmark = pytest.mark.slow

LESSON = places.lesson_files()["11"]


def test_other_settings_run_and_flipped_digits_mislead(tmp_path):
    settings = {"epochs": 3, "seeds": 1, "augmentation": "flip", "digit": 8}
    settings |= {
        "layer": "conv_3",
        "channel": 63,
        "stride": 2,
        "padding": "same",
        "pooling": "max 2 x 2",
    }
    outcome = runs.run("11", settings, folder=tmp_path, timeout=900)
    assert outcome.ok, outcome.error
    assert outcome.results["augmentation_gain"] < 0
    # A map beats another image's map; against any stroke of the same image it wins nothing.
    against_other, against_stroke = (
        outcome.results[f"grad_cam_minus_{name}"] for name in ("other", "stroke")
    )
    assert against_other[0] > against_stroke[0]
    assert against_stroke[1] > 0


def test_on_all_images_it_reaches_the_articles_figure(tmp_path):
    states = {data.name: data.state for data in available()}
    if states["mnist --full"] != "ready":
        pytest.skip(f"the full MNIST is not here ({states['mnist --full']}); set LABKIT_DATA")
    outcome = runs.run("11", {"seeds": 1, "epochs": 2}, full=True, folder=tmp_path, timeout=3000)
    assert outcome.ok, outcome.error
    assert outcome.results["worst_test_accuracy"] >= 0.983
    assert outcome.entry["parameters"]["dataset"] == "full"


def test_prose_states_no_result_that_a_cell_should_compute():
    """Numbers with decimals in the text are settings or dates, never measured results."""
    cells = nbformat.read(LESSON, as_version=4).cells
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert not re.findall(r"\d+\.\d+ ?%", text)
