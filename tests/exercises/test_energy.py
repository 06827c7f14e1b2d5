"""What the walker over all exercises does not see: lesson 25's recipes."""

import pytest

from labkit.datacenter import recipes
from labkit.datacenter.recipes import USUAL, Recipe
from labkit.exercises import energy as exercise


def test_flop_of_a_training_are_those_of_its_steps():
    """3,000 digits in batches of 64: 46 whole ones and one of 56."""
    step = exercise.step_flop.right
    by_hand = 5 * (46 * step([784, 500, 10], 64) + step([784, 500, 10], 56))
    assert exercise.recipe_flop(USUAL) == by_hand
    assert exercise.recipe_flop(USUAL._replace(epochs=10)) == 2 * by_hand
    whole = Recipe(16, 1, 1000, 0.1)
    assert exercise.recipe_flop(whole) == 3 * step([784, 16, 10], 1000)


def test_a_recipe_over_the_budget_is_not_even_trained(monkeypatch):
    monkeypatch.setattr(recipes, "outcome", lambda recipe: pytest.fail("it was trained"))
    assert exercise.recipe.check(lambda: (400, 10, 1, 0.1)).kind == "over the budget"
    assert exercise.recipe.check(lambda: (16, 99, 16, 0.1)).kind == "outside the limits"


def test_a_recipe_may_be_a_tuple_a_list_or_a_dictionary():
    assert exercise.recipe.check(lambda: [16, 3, 16, 0.2]).ok
    named = {"hidden": 16, "epochs": 3, "batch_size": 16, "learning_rate": 0.2}
    assert exercise.recipe.check(lambda: named).ok
    assert exercise.recipe_of(lambda: named) == [16, 3, 16, 0.2]


def test_no_feedback_on_a_recipe_tells_the_labs_own():
    for answer in (lambda: (16, 3), lambda: "16", lambda: 7, lambda: (2, 3, 16, 0.2)):
        assert "24, 2, 8, 0.1" not in exercise.recipe.check(answer).message


def test_a_try_is_told_in_numbers_and_what_is_none_is_not():
    assert "5.00%" in exercise.tried(lambda: (25, 5, 64, 0.3))
    assert "reads" in exercise.tried(lambda: [2, 3, 16, 0.2])
    for answer in (lambda: ..., lambda: (16, 3), lambda: (0, 1, 1, 1), lambda: 1 / 0, 5):
        assert exercise.tried(answer) == ""


def test_the_same_recipe_brings_the_same_accuracy():
    once = recipes.outcome(Recipe(8, 1, 32, 0.2), seeds=1)
    recipes._trained.cache_clear()
    again = recipes.outcome(Recipe(8, 1, 32, 0.2), seeds=1)
    assert recipes.accuracies(Recipe(8, 1, 32, 0.2), [0]) == [once.test]
    assert (again.validation, again.test) == (once.validation, once.test)
    assert 0.3 < once.test < 0.95
