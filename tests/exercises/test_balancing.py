"""What the walker over all exercises does not see: lesson 24's hall and its policies."""

import random

import pytest

from labkit.datacenter.balancing.simulator import simulate
from labkit.exercises import balancing as exercise
from labkit.learn import limits


def test_the_hall_is_hard_for_the_known_policies_and_easy_for_one_that_counts():
    for name in ("random", "round robin", "two choices", "least connections"):
        assert exercise.mean_time(name) > 1.5 * exercise.GOAL
    for seed in range(3):
        assert exercise.mean_time(exercise.policy.right, seed) < 0.8 * exercise.GOAL


def test_another_policy_that_is_good_enough_is_right_and_the_lesson_runs_on_it():
    rng = random.Random(0)

    def shorter_of_three(lengths, sent, speeds):
        some = rng.sample(range(len(speeds)), 3)
        return min(some, key=lambda n: (lengths[n] + sent[n] + 1) / speeds[n])

    assert exercise.policy.check(shorter_of_three).ok
    assert exercise.policy._judged(shorter_of_three).usable is shorter_of_three


def test_a_policy_that_is_not_good_enough_is_told_its_score_and_not_the_answer():
    rng = random.Random(0)
    found = exercise.policy.check(
        lambda lengths, sent, speeds: rng.choices(range(len(speeds)), speeds)[0]
    )
    assert found.kind == "not good enough"
    assert "goal is 1.6 s" in found.message
    assert "right answer" not in found.message
    outside = exercise.policy.check(lambda lengths, sent, speeds: len(speeds))
    assert outside.kind == "no number of a server"


def test_a_policy_without_an_end_in_the_hall_is_stopped(monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.5)

    def policy(lengths, sent, speeds):
        while len(lengths) == len(exercise.HALL):
            pass
        return 0

    found = exercise.policy.check(policy)
    assert "In the hall: still running after 0.5 s" in found.message


def test_what_was_sent_is_counted_from_report_to_report():
    """With reports that never change the counts are all that there is: turns are taken."""
    seen = []

    def policy(lengths, sent, speeds):
        seen.append((lengths, sent))
        return sent.index(min(sent))

    plugged = exercise.plugged(policy, speeds=(1.0, 1.0))
    reports = [(0, 0), (0, 0), (0, 0), (2, 1), (2, 1)]
    assert [plugged(report) for report in reports] == [0, 1, 0, 0, 1]
    assert [sent for _, sent in seen] == [(0, 0), (1, 0), (1, 1), (0, 0), (1, 0)]


def test_a_policy_is_plugged_into_the_simulator():
    def own(lengths, sent, speeds):
        return exercise.policy.right(lengths, sent, speeds)

    run = simulate(exercise.plugged(own), 10, 0.8, 5000, speeds=exercise.HALL, staleness=4.0)
    assert set(run.chosen) == set(range(10))
    assert (run.chosen >= 5).mean() == pytest.approx(0.75, abs=0.07)  # three times as fast
