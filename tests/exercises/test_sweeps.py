"""What the walker over all exercises does not see: lesson 91's own ways of answering."""

import numpy as np
import pytest

from labkit.exercises import sweeps as exercise


def test_scipys_interval_is_right():
    stats = pytest.importorskip("scipy.stats")
    answer = lambda v, t: stats.t.interval(0.95, len(v) - 1, np.mean(v), stats.sem(v))
    assert exercise.interval.check(answer).ok


@pytest.mark.parametrize(
    ("change", "kind"),
    [(abs, "size of the flattery"), (lambda x: max(0, x), "no flattery below 0")],
)
def test_a_chosen_score_may_have_been_too_modest(change, kind):
    answer = lambda chosen, fresh: change(chosen - np.mean(fresh))
    assert exercise.flattery.check(answer).kind == kind


@pytest.mark.parametrize("name", ["interval", "flattery"])
def test_the_right_numbers_are_shown_as_plain_numbers(name):
    each = getattr(exercise, name)
    message = each.check(lambda *_: (0.5, 0.25)).message
    assert "np.float64" not in message
