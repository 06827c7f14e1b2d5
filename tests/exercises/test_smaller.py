"""What the walker over all exercises does not see: lesson 22's recipes."""

import pytest

from labkit.datacenter.smaller import recipes
from labkit.exercises import smaller as exercise


def test_a_recipe_outside_the_limits_is_not_even_trained(monkeypatch):
    monkeypatch.setattr(recipes, "outcome", lambda recipe: pytest.fail("it was trained"))
    for answer in ((0, 0.5, 8), (16, 1.0, 8), (16, 0.5, 1), (16, 0.5, 32)):
        assert exercise.recipe.check(lambda answer=answer: answer).kind == "outside the limits"


def test_half_a_bit_is_not_silently_cut_off():
    for answer in ((16, 0.8, 4.5), (16.5, 0.8, 4)):
        found = exercise.recipe.check(lambda answer=answer: answer)
        assert found.kind == "not three numbers"
        assert "whole" in found.message


def test_no_feedback_on_a_recipe_tells_the_labs_own():
    for answer in (lambda: (16, 3), lambda: "16", lambda: 7, lambda: (8, 0.8, 4)):
        assert "16, 0.8, 4" not in exercise.recipe.check(answer).message


def test_a_try_is_told_in_numbers_and_what_is_none_is_not():
    told = exercise.tried(lambda: (32, 0.0, 16))
    assert "100.0% of the usual file" in told
    for answer in (lambda: ..., lambda: (16, 3), lambda: (0, 1, 1), lambda: 1 / 0, 5):
        assert exercise.tried(answer) == ""


def test_the_score_to_beat_can_be_beaten():
    lab, other = exercise.recipe_of(exercise.recipe.right), recipes.Recipe(12, 0.7, 4)
    assert exercise.recipe.check(lambda: tuple(other)).ok
    assert exercise.size_share(other) < exercise.size_share(lab) < exercise.BUDGET
