"""Lesson 22 on what a learner wrote, with other settings, and its widths and counts in the text."""

import nbformat
import pytest
from lesson_code import names_after

from labkit.datacenter.network import small_digits
from labkit.datacenter.smaller import distillation, recipes
from labkit.exercises import smaller as exercise
from labkit.lab import places

PROSE = "\n".join(
    cell.source
    for cell in nbformat.read(places.lesson_files()["22"], as_version=4).cells
    if cell.cell_type == "markdown" and "solution" not in cell.metadata.get("tags", [])
)

LEARNED = {
    "exercise_error": """
def my_error(scores, targets, temperature):
    cooled.append(temperature)
    return (temperature * (soften(scores, temperature) - targets)).tolist()
cooled = []
""",
    "exercise_grid": """
def my_grid(low, high, bits):
    asked.add(bits)
    low, high = min(low, 0), max(high, 0)
    return (high - low) / (2**bits - 1), round(-low * (2**bits - 1) / (high - low))
asked = set()
""",
}


@pytest.mark.slow
def test_the_lesson_runs_on_what_the_learner_wrote_up_to_its_integers():
    settings = "digit, temperature, labels, seeds, epochs, seed = 8, 2.0, 100, 2, 1, 3"
    names = names_after("22", "int8-same", parameters=settings, temperatures="", **LEARNED)
    assert exercise.error.whose == exercise.grid.whose == "yours"
    assert names["cooled"].count(2.0) > 2 * distillation.STEPS  # students were trained by it
    assert names["asked"] >= {2, 8, 12}
    assert names["threes"]["teacher, soft"].mean() > names["threes"]["labels"].mean() + 0.2
    assert names["equal"] is None or names["equal"] > 0.999


def test_numbers_of_the_text_are_those_of_the_code():
    parts = small_digits()
    student, teacher, narrow = (
        "-".join(map(str, network.widths))
        for network in (distillation.STUDENT, distillation.TEACHER, recipes.NARROW)
    )
    for told in (
        student,
        teacher,
        narrow,
        f"{len(parts.train.y):,} images with labels",
        f"{len(parts.valid.y):,} validation images",
        f"at least {exercise.GOAL:.0%} of the digits",
        f"{recipes.USUAL.hidden} units, no zeros, {recipes.USUAL.bits} bits",
    ):
        assert told in PROSE, told
    assert recipes.USUAL.share == 0
