"""Pictures of lesson 12: what their captions count, and both kinds of luck."""

import numpy as np
import pytest
from scipy import stats

from labkit.explore import training_well_pictures as pictures


def test_networks_that_all_answer_alike_leave_the_luck_of_the_images_alone(shown):
    right = np.tile(np.random.default_rng(0).random(400) < 0.8, (5, 1))
    seeds, images, both = pictures.two_lucks(right)
    assert seeds == pytest.approx(0, abs=1e-9)
    by_scipy = 100 * 1.96 * stats.sem(right[0].astype(float))
    assert images == pytest.approx(by_scipy)
    assert both == pytest.approx(images)
    assert f"other images ± {images:.1f}" in shown[0][1]


def test_networks_that_fail_on_as_many_images_each_have_no_luck_of_the_seeds(shown):
    right = np.ones((4, 400), bool)
    right[range(4), range(4)] = False  # another image each
    assert pictures.two_lucks(right)[0] == pytest.approx(0, abs=1e-9)


def test_the_luck_of_the_seeds_is_the_interval_of_student(shown):
    right = np.arange(100) < np.array([[80], [82], [85]])
    found, _, both = pictures.two_lucks(right)
    low, high = stats.t.interval(0.95, 2, np.mean([80, 82, 85]), stats.sem([80, 82, 85]))
    assert found == pytest.approx((high - low) / 2)
    assert both > found


def test_a_table_says_better_worse_or_not_sure_for_accuracy_and_loss():
    plain = np.array([[80.0, 82.0, 84.0], [0.5, 0.6, 0.7]])
    shift = np.array([[3.0, 3.1, 2.9], [0.2, 0.21, 0.19]])
    row = pictures.table({"cure": plain + shift}, plain)["cure"]
    assert (row["accuracy (%)"], row["accuracy is"]) == ("85.0", "better")
    assert row["change (points)"].startswith("+3.0 ± 0.2")
    assert (row["loss"], row["loss is"]) == ("0.800", "worse")
    mixed = plain + np.array([[3.0, -3.0, 0.5], [0.0, 0.0, 0.0]])
    assert pictures.table({"cure": mixed}, plain)["cure"]["accuracy is"] == "not sure"


def test_figures_of_many_intervals_say_how_many_will_miss(shown):
    random = np.random.default_rng(0)
    plain = random.normal(size=(2, 5))
    tried = {name: ((1, 2, 3), random.normal(size=(3, 2, 5))) for name in "abcdef"}
    pictures.strengths(tried, plain)
    assert "36 of them, so about 2 miss" in shown[0][1]
    pictures.changes({name: random.normal(size=(2, 5)) for name in "abcdefghij"}, plain)
    assert "Of 20 intervals about 1 miss" in shown[1][1]
