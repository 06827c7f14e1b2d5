"""What the walker over all exercises does not see: lesson 28's goal and its splitter."""

import numpy as np
import pytest

from labkit.datacenter.lifecycle import checks, fields, rollout, stages
from labkit.exercises import lifecycle as exercise


@pytest.mark.parametrize("seed", range(3))
def test_the_labs_rule_keeps_the_goal_with_room(seed):
    found = rollout.judge(rollout.by_difference, runs=exercise.TRIALS, seed=seed)
    assert found.false_alarms < 0.9 * exercise.FALSE_ALARMS + 0.01
    assert found.caught > 0.99
    assert found.canaries < 0.75 * exercise.CANARIES


def test_a_rule_that_is_not_good_enough_is_told_what_it_did_and_not_the_answer():
    found = exercise.rollback.check(lambda e, n, f, m: m >= 20 and f / m > 2 * e / n)
    assert found.kind == "not good enough"
    assert "The goal" in found.message
    assert "right answer" not in found.message


def test_a_rule_that_is_right_in_the_cases_must_keep_the_goal_in_canaries_too():
    def lenient(*counts):  # 2.5 standard errors: as the lab's in each case
        return rollout.by_difference(*counts, 2.5)

    assert rollout.judge(lenient, runs=exercise.TRIALS).false_alarms > 1.4 * exercise.FALSE_ALARMS
    assert exercise.rollback.check(lenient).kind == "not good enough"


def test_another_rule_that_keeps_the_goal_is_right_and_is_used():
    def rule(errors, requests, errors_new, requests_new):
        return requests_new >= 30 and errors_new / requests_new - errors / requests > 0.15

    assert exercise.rollback.check(rule).ok
    assert exercise.rollback._judged(rule).usable is rule


def test_the_splitter_tears_no_group_and_leaves_other_plans_alone():
    split = exercise.splitter(exercise.split.right)
    archive, _ = fields.collect("medicine", "groups")
    train, test = split(archive._replace(plan="groups"))
    assert not set(archive.group[train]) & set(archive.group[test])
    assert len(train) + len(test) == len(archive.y)
    assert len(test) / len(archive.y) == pytest.approx(checks.TEST, abs=0.01)
    same = zip(split(archive), checks.split(archive), strict=True)
    assert all(np.array_equal(a, b) for a, b in same)


def test_the_pipeline_runs_on_the_learners_split():
    whole = stages.run("medicine", "groups", splitter=exercise.splitter(exercise.split.right))
    assert "by groups" in whole.told["split"]


def test_the_formula_is_the_least_cost_of_probabilities_that_can_be_trusted():
    random = np.random.default_rng(0)
    scores = random.random(200_000)
    truth = (random.random(200_000) < scores).astype(int)
    grid = np.round(np.linspace(0.01, 0.99, 99), 2)
    best = grid[exercise.costs(scores[:50_000], truth[:50_000], grid, 9, 1).argmin()]
    assert best == pytest.approx(1 / 10, abs=0.03)


def test_a_rule_that_agrees_in_every_case_and_looks_too_boldly_is_still_judged():
    for limit, kind in ((2.5, "not good enough"), (3.0, "right")):
        found = exercise.rollback.check(
            lambda e, n, f, m, z=limit: rollout.by_difference(e, n, f, m, z)
        )
        assert found.kind == kind
        assert "it rolls back" in found.message


def test_a_rule_may_answer_1_or_0():
    found = exercise.rollback.check(lambda e, n, f, m: int(m >= 30 and f / m - e / n > 0.15))
    assert found.ok


def test_a_score_at_the_threshold_that_is_not_called_back_has_a_name():
    def strict(scores, truth, thresholds, miss, alarm):
        missed = [np.sum((scores <= t) & (truth == 1)) for t in thresholds]
        called = [np.sum((scores > t) & (truth == 0)) for t in thresholds]
        return thresholds[np.argmin(miss * np.array(missed) + alarm * np.array(called))]

    assert exercise.threshold.check(strict).kind == "above the threshold"
