"""What the walker over all exercises does not see: lesson 27's nights and the rules for them."""

import numpy as np

from labkit.exercises import monitoring as exercise


def test_the_nights_are_hard_for_limits_on_single_values_and_easy_for_sums():
    for limit in (3.0, 3.3, 3.6, 3.9):
        delay, false = exercise.score(lambda z, limit=limit: np.abs(z[-1]).max() > limit)
        assert delay > 1.3 * exercise.DELAY or false > 1.5 * exercise.FALSE, (limit, delay, false)
    for seed in range(3):
        delay, false = exercise.score(exercise.ring.right, seed)
        assert delay < 0.85 * exercise.DELAY
        assert false <= exercise.FALSE


def test_sums_are_those_of_a_plain_loop():
    z = np.random.default_rng(0).normal(size=(40, 3))
    for column in range(3):
        high = low = 0.0
        for value in z[:, column]:
            high, low = max(0, high + value - 0.5), max(0, low - value - 0.5)
        assert exercise.sums(z)[column] == max(high, low)


def test_an_early_alarm_is_false_and_a_missing_one_counts_as_the_rest_of_the_night():
    assert exercise.score(lambda z: True) == (exercise.NEVER, 1.0)
    assert exercise.score(lambda z: False) == (exercise.NEVER, 0.0)
    at_once = exercise.score(lambda z: len(z) == exercise.ONSET + 1)
    quiet = sum(fault == "nothing" for fault, _ in exercise.nights()) / len(exercise.nights())
    assert at_once == (0.0, quiet)


def test_another_rule_that_is_good_enough_is_right_and_the_lesson_runs_on_it():
    def mean_of_eight(z):
        return bool(len(z) >= 8 and np.abs(z[-8:].mean(axis=0)).max() > 1.4)

    assert exercise.ring.check(mean_of_eight).ok
    assert exercise.ring._judged(mean_of_eight).usable is mean_of_eight


def test_a_rule_that_is_not_good_enough_is_told_its_score_and_not_the_answer():
    found = exercise.ring.check(lambda z: bool((z[-1] ** 2).sum() > 25))
    assert found.kind == "not good enough"
    assert "The goal is 10 ticks" in found.message
    assert "right answer" not in found.message
    assert exercise.ring.check(lambda z: z.max()).kind == "no yes or no"


def test_a_rule_that_is_right_in_the_cases_must_keep_the_goal_in_the_nights_too():
    def mean_of_all(z):  # as right as the lab's in each case: they are short
        return bool(np.abs(z.mean(axis=0)).max() > 1)

    found = exercise.ring.check(mean_of_all)
    assert exercise.score(mean_of_all).false > 0.5
    assert found.kind == "not good enough"
    assert "ticks after a fault begins" in exercise.ring.check(exercise.ring.right).message
