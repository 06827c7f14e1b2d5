"""Lesson 25 on what a learner wrote, with other settings, and its quoted numbers."""

import re

import nbformat
import pytest
from lesson_code import names_after

from labkit.datacenter import factors
from labkit.exercises import energy as exercise
from labkit.lab import places

LESSON = places.lesson_files()["25"]
PROSE = "\n".join(
    cell.source
    for cell in nbformat.read(LESSON, as_version=4).cells
    if cell.cell_type == "markdown" and "solution" not in cell.metadata.get("tags", [])
)

LEARNED = {
    "exercise_step_flop": """
def my_step_flop(widths, batch):
    work = 2 * batch * np.array(widths[:-1]) * np.array(widths[1:])
    return int(3 * work.sum() - work[0])
""",
    "exercise_kwh": """
def my_kwh(parts, pue):
    asked.append(pue)
    return pue * sum(w * s for w, s in parts) / 1000 / 3600
asked = []
""",
}


@pytest.mark.slow
def test_the_lesson_runs_on_what_the_learner_wrote_and_with_other_settings():
    settings = 'country, pue, watts, utilization, neighbors, seed = "India", 1.58, 438, 0.1, 2, 7'
    names = names_after("25", "expectations", parameters=settings, **LEARNED)
    assert names["step_flop"] is names["my_step_flop"]
    assert names["kwh"] is names["my_kwh"]
    assert {1.10, 1.58, 1.25} <= set(names["asked"])  # buildings of sections 3, 6 and 7
    assert exercise.break_even.whose == exercise.recipe.whose == "the lab's"
    assert names["again"] == pytest.approx(names["printed"], rel=1e-12)
    speed = 125e12 * 0.1 / 24.6e12
    assert names["yours"] == pytest.approx(1287 * 438 / 330 * 1.58 / 1.1 / speed, rel=0.01)


def test_quoted_numbers_of_the_text_are_those_of_the_tables():
    server, known = factors.SERVER, factors.GPT3
    for number in (
        f"{server['price'].value:,} dollars",
        f"{server['rent'].value} an hour",
        f"{factors.DGX_H100_WATTS.value / 1000} kW for a server of eight H100",
        f"{known['mwh'].value:,} MWh",
        f"{known['flop_per_second'].value / 1e12} TFLOP/s",
        f"{factors.UNKNOWN['utilization'].low:.0%} to {factors.UNKNOWN['utilization'].high:.0%}",
        f"{factors.UNKNOWN['watts'].low} to {factors.UNKNOWN['watts'].high}",
        f"{factors.UNKNOWN['pue'].low:.2f} to {factors.UNKNOWN['pue'].high:.2f}",
    ):
        assert number in PROSE, number


def test_the_text_states_no_result_that_a_cell_should_compute():
    assert not re.findall(r"\d+\.\d+ ?%", PROSE)
