"""Lesson 03 tells no answer before its question, and counts what it calls saturated."""

import nbformat
import pytest
from lesson_code import names_after

from labkit.lab import places

LESSON = places.lesson_files()["03"]


def test_the_figure_of_the_family_does_not_tell_the_slopes_that_are_asked_below_it():
    cells = {cell.id: cell.source for cell in nbformat.read(LESSON, as_version=4).cells}
    assert "how steep?" in cells["family-read"]
    assert "teepest" not in cells["family-figure"]


@pytest.mark.slow
def test_the_saturated_share_is_that_of_the_units_themselves():
    names = names_after("03", "sweep-table")
    maths, np = names["maths"], names["np"]
    a = names["inputs"]
    for weights in names["networks"]:
        z = maths.weight_std("unit_normal", 64, 64) * (a @ weights)
        a = maths.sigmoid(z)
    assert names["flat"] == pytest.approx(np.mean(abs(z) > 4), abs=0.03)
    assert maths.sigmoid_grad(4) < 0.02
