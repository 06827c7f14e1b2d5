"""Lesson 05: no row is dropped without need, the learner's parts drive it, a leak costs a lot."""

import nbformat
import numpy as np
import pytest
from lesson_code import names_after

from labkit.lab import places

LESSON = places.lesson_files()["05"]
MY_F1 = """
scored = []
def my_f1(tp, fp, fn, tn):
    scored.append(tp)
    return 2 * tp / (2 * tp + fp + fn)
"""
MY_PIPELINE = """
prepared = []
def my_pipeline(rows, test_count):
    prepared.append(test_count)
    rows = np.where(np.isnan(rows), np.nanmedian(rows[:-test_count], axis=0), rows)
    return (rows - rows[:-test_count].mean(axis=0)) / rows[:-test_count].std(axis=0)
"""


@pytest.fixture(scope="module")
def names():
    return names_after("05", "time-split")


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


def test_no_table_fits_the_three_stated_numbers(names):
    assert names["every"]["F1 0.75"].size == 2501
    assert names["fits"] == 0


def test_the_judge_of_the_lesson_equals_scikit_learns(names):
    theirs = pytest.importorskip("sklearn.metrics")
    truth, answer = np.random.default_rng(0).integers(0, 2, (2, 300))
    ours = names["judge"](truth, answer)
    expected = [theirs.accuracy_score(truth, answer)]
    expected += theirs.precision_recall_fscore_support(truth, answer, average="binary")[:3]
    assert list(ours.values()) == pytest.approx(expected)
    nobody = names["judge"](truth, 0 * answer)
    assert nobody["precision"] == nobody["recall"] == nobody["F1"] == 0


@pytest.mark.slow
def test_the_learners_parts_drive_the_lesson_and_a_leak_costs_the_forecast():
    names = names_after("05", "film-score", exercise_f1=MY_F1, exercise_pipeline=MY_PIPELINE)
    assert names["exercise"].f1.whose == names["exercise"].pipeline.whose == "yours"
    assert len(names["scored"]) > 3000
    assert len(names["prepared"]) > 22  # ten seeds of two leaks, two forecasts, and the check
    reported, came = names["entries"]["yours"]
    assert came < 0.1 < 0.6 < reported
    assert names["entries"]["to beat"][1] > 0.2
    table = names["past"].drop_duplicates(["title", "year"])
    hours = table.runtime.between(0.1, 8)
    runtime = table.runtime.where(~hours, 60 * table.runtime).where(table.runtime >= 0)
    columns = ["runtime", "critics", "liked"]
    better = names["forecast"](table.assign(runtime=runtime), columns, True)
    assert better[1] > names["entries"]["to beat"][1]
    # The threshold moved on the validation set, without a row repeated or thrown away.
    assert names["balance"].recall["as it is"] < 0.1
    assert names["moved"].F1["as it is"] > 0.9 * names["balance"].F1["oversampled"]
    assert names["balance"].AUC.min() > 0.85


def test_every_lesson_of_the_mathematics_names_the_one_that_follows():
    files = list(places.lesson_files())
    for number in ("01", "02", "03", "04", "05"):
        last = nbformat.read(places.lesson_files()[number], as_version=4).cells[-1].source
        assert f"**Next:** lesson {files[files.index(number) + 1]} " in last
