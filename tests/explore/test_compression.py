"""The pictures of small and of old gradients, and the explorer of error feedback."""

import numpy as np
import pytest

from labkit.datacenter.tuning import Tuned
from labkit.explore import compression as pictures
from labkit.explore.compression import FeedbackExplorer, send_steps


def tuned(test, rate=0.4, fails=1.6):
    """A way of training that learned up to half of `fails`."""
    rates = [0.2, 0.4, 0.8, 1.6, 3.2]
    validation = {r: np.full(3, 0.1 if r >= fails else 0.9 - abs(r - rate) / 10) for r in rates}
    return Tuned(rate, validation, np.asarray(test))


# --- pictures -----------------------------------------------------------------------------------


def points(ax):
    return {(x, round(y, 6)) for line in ax.lines for x, y in line.get_xydata()}


def test_each_method_stands_at_its_bytes_and_its_mean(shown):
    found = {
        "float32": tuned([0.90, 0.92]),
        "top 1 %": tuned([0.80, 0.82]),
        "top 1 % + feedback": tuned([0.89, 0.91]),
    }
    pictures.bytes_against_accuracy(found, dict(zip(found, [4000, 80, 80], strict=True)))
    fig, caption = shown[0]
    assert {(4000, 0.91), (80, 0.81), (80, 0.90)} <= points(fig.axes[0])
    assert {text.get_text() for text in fig.axes[0].texts} == {"float32", "top 1 %"}
    assert "Measured" in caption
    assert "spread" in caption or "standard deviation" in caption


def test_waiting_and_delay_are_drawn_side_by_side(shown):
    one = tuned([0.9, 0.92])
    together, stale = {1: one, 4: tuned([0.88, 0.9])}, {1: one, 4: tuned([0.8, 0.9])}
    pictures.waiting_against_delay(together, stale)
    fig, caption = shown[0]
    assert {0.91, 0.89, 0.85} <= {y for _, y in points(fig.axes[1])}
    rates = [line.get_ydata().tolist() for line in fig.axes[0].lines]
    assert rates == [[each.learning_rate for each in x.values()] for x in (together, stale)]
    assert "equally many gradients" in caption


# --- the explorer -------------------------------------------------------------------------------


def test_largest_without_feedback_sends_the_same_numbers_for_ever():
    result = send_steps("largest", 0.2, feedback=False, steps=60)
    assert np.flatnonzero(result["arrived"]).tolist() == [0, 1]
    assert result["arrived"][:2] == pytest.approx(result["asked"][:2])


@pytest.mark.parametrize("method", ["largest", "random", "one bit"])
def test_with_feedback_what_is_missing_is_what_waits(method):
    result = send_steps(method, 0.3, feedback=True, steps=60)
    waits = result["wanted"] - result["sent"]
    assert result["arrived"] + waits == pytest.approx(result["asked"], abs=1e-4)


def test_signs_alone_make_small_numbers_too_large_and_large_ones_too_small():
    share = np.divide(*[send_steps("one bit", 1.0, False, 40)[k] for k in ("arrived", "asked")])
    assert share[0] < 0.5
    assert share[-2:].min() > 2


def test_it_starts_at_one_step_without_feedback_and_its_words_count():
    explorer = FeedbackExplorer()
    assert "16 bytes instead of 40" in explorer.text
    assert "8 numbers never traveled" in explorer.text
    assert "6 bytes" in FeedbackExplorer(method="one bit").text
    assert "too large" in FeedbackExplorer(method="one bit", steps=40).text
    assert "10 of ten sums" in FeedbackExplorer(share=1.0).text


def test_the_dots_are_the_numbers():
    explorer = FeedbackExplorer(steps=9, feedback=True)
    artists = explorer._picture(explorer.params).moving
    assert artists["wanted"].get_ydata() == pytest.approx(abs(explorer.result["wanted"]))
    assert len(artists["sent"].get_xdata()) == 2
    share = explorer.result["arrived"] / explorer.result["asked"]
    assert artists["share"].get_ydata() == pytest.approx(share)


def test_a_walk_through_all_settings_finds_nothing_wrong():
    assert FeedbackExplorer().walk() > 20
