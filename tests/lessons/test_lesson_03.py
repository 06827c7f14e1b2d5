"""Lesson 03 tells no answer before its question, and counts what it calls saturated."""

import inspect

import nbformat
import pytest
from lesson_code import names_after

from labkit.explore import activation_pictures as pictures
from labkit.lab import places

LESSON = places.lesson_files()["03"]


def test_no_figure_above_a_question_tells_its_answer():
    cells = {cell.id: cell.source for cell in nbformat.read(LESSON, as_version=4).cells}
    assert "teepest" not in cells["family-figure"]
    assert inspect.getsource(pictures.family).count("figures.show") == 1
    assert "teepest" not in inspect.getsource(pictures.family)
    before = list(cells)[: list(cells).index("predict-deep")]
    assert not any("races(10" in cells[each] for each in before)


@pytest.mark.slow
def test_the_saturated_share_is_that_of_the_units_themselves():
    names = names_after("03", "sweep")
    maths, np = names["maths"], names["np"]
    a = names["inputs"]
    for weights in names["networks"]:
        z = maths.weight_std("unit_normal", 64, 64) * (a @ weights)
        a = maths.sigmoid(z)
    assert names["flat"] == pytest.approx(np.mean(abs(z) > 4), abs=0.03)
    assert maths.sigmoid_grad(4) < 0.02
