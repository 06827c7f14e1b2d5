"""The exercises of lesson 90: honest rules of many kinds are right, and the worlds are fair."""

import numpy as np
import pytest
from scipy import stats

from labkit.exercises import verdicts as exercise


def paired_t(with_it, without):
    p, up = stats.ttest_rel(with_it, without).pvalue, with_it.mean() > without.mean()
    return "open" if p > 0.05 else "holds" if up else "wrong"


def signs(with_it, without):
    up = (with_it > without).sum()
    n = len(with_it)
    return "holds" if up >= n - n // 8 else "wrong" if up <= n // 8 else "open"


def signed_ranks(with_it, without):
    p = stats.wilcoxon(with_it, without).pvalue
    return paired_t(with_it, without) if p <= 0.15 else "open"


def normal_margin(with_it, without):
    gain = with_it - without
    margin = 1.96 * gain.std(ddof=1) / len(gain) ** 0.5
    return "open" if abs(gain.mean()) < margin else "holds" if gain.mean() > 0 else "wrong"


def all_of_them(with_it, without):
    gain = with_it - without
    return "holds" if (gain > 0).all() else "wrong" if (gain < 0).all() else "open"


@pytest.mark.parametrize("rule", [paired_t, signs, signed_ranks, normal_margin, all_of_them])
def test_each_honest_rule_is_right(rule):
    assert exercise.rule.check(rule).ok, exercise.rule.check(rule)


def test_words_in_other_forms_are_read():
    def shouted(with_it, without):
        return {"holds": True, "wrong": np.False_, "open": " Not sure."}[paired_t(with_it, without)]

    assert exercise.rule.check(shouted).ok


def test_the_worlds_have_the_spread_that_they_promise():
    pairs = exercise.worlds(2.0, seed=5)
    gain = pairs[:, 0] - pairs[:, 1]
    assert gain.mean() == pytest.approx(2.0, abs=0.1)
    assert gain.std() == pytest.approx(1.0, abs=0.05)
    assert pairs[:, 1].std() == pytest.approx(9.5**0.5, abs=0.2)


def test_a_paired_test_is_fooled_as_often_as_it_promises():
    fooled = [exercise.score(paired_t, seed)["fooled by luck"] for seed in range(5)]
    assert np.mean(fooled) == pytest.approx(0.05, abs=0.03)


def test_the_three_rows_have_the_verdicts_of_the_ledger():
    from labkit.learn.claims import find_row

    assert [find_row(id)["verdict"] for id in exercise.JUDGED] == exercise.judge.right


@pytest.mark.parametrize(
    "answer",
    [
        {"a": "holds", "c": "underspecified", "b": "Wrong"},
        dict(zip(exercise.JUDGED, exercise.judge.right, strict=True)),
        "holds, wrong, underspecified",
        np.array(["Holds", "wrong.", "under-specified"]),
    ],
)
def test_verdicts_in_other_forms_are_read(answer):
    assert exercise.judge.check(answer).ok, exercise.judge.check(answer)


@pytest.mark.parametrize("answer", [set(exercise.judge.right), [True, False, None]])
def test_what_names_no_verdict_is_not_right(answer):
    assert not exercise.judge.check(answer).ok


def no_root(with_it, without):
    gain = with_it - without
    return "open" if abs(gain.mean()) < 2.36 * gain.std() else paired_t(with_it, without)


def unclear(with_it, without):
    return paired_t(with_it, without).replace("open", "unclear")


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (lambda with_it, without: "holds", "same word whatever"),
        (lambda with_it, without: "wrong", "same word whatever"),
        (no_root, "the mean of eight spreads less"),
        (unclear, "you return 'unclear'"),
    ],
)
def test_an_unplanned_rule_is_told_what_is_true_of_it(rule, told):
    assert told in str(exercise.rule.check(rule))


def test_a_tolerance_relative_to_the_value_is_not_called_cutting_off():
    def relative(lines):
        off = [abs(value - float(printed)) > 0.01 * value for value, printed in lines]
        return off.index(True) if True in off else len(lines)

    assert "a share of the value" in str(exercise.slip.check(relative))
