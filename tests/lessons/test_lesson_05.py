"""Lesson 05: rows are dropped only where what they lack is needed; nothing hangs on one rate."""

import nbformat
import pytest
from lesson_code import names_after

from labkit.lab import places

LESSON = places.lesson_files()["05"]


@pytest.fixture(scope="module")
def names():
    return names_after("05", "sensor-gaps")


def test_the_sensor_keeps_every_reading_of_the_sugar(names):
    kept, all_rows = names["sensor_clean"].table, names["sensor"]
    assert len(kept) == all_rows.datetime.nunique()
    assert kept.isig.isna().sum() == (all_rows.isig == "nil").sum() > 1000


def test_a_text_read_as_its_number_is_no_changed_cell(names):
    changed = names["sensor_clean"].report.cells_changed["current is a number"]
    assert changed == (names["sensor"].isig == "nil").sum()


def test_the_missing_currents_are_not_missing_by_chance(names):
    known, missing = names["sugar_by_gap"]["mean"]
    assert missing > known + 25


@pytest.mark.slow
def test_each_scale_is_judged_at_its_own_rate():
    names = names_after("05", "scalings")
    assert names["raw"] > 0.7  # at the rate of the others it stays at chance
    assert names["raw"] < min(names["to_one"], names["around_0"], names["z_score"])


def test_every_lesson_of_the_mathematics_names_the_one_that_follows():
    files = list(places.lesson_files())
    for number in ("01", "02", "03", "04", "05"):
        last = nbformat.read(places.lesson_files()[number], as_version=4).cells[-1].source
        assert f"**Next:** lesson {files[files.index(number) + 1]} " in last
