"""The figures of lesson 02 say what they show."""

import numpy as np

from labkit.explore import losses_pictures as pictures


def test_minus_the_log_likelihood_is_the_loss_up_to_a_constant(shown):
    assert pictures.likelihood(seed=3) < 1e-12
    left, right = shown[0][0].axes
    mean, median = (ax.lines[2].get_xdata()[0] for ax in (left, right))
    for ax, center in ((left, mean), (right, median)):
        x, y = ax.lines[1].get_data()
        assert abs(x[np.argmin(y)] - center) < 0.011


def test_a_naive_loss_ends_where_a_probability_is_rounded_to_1(shown):
    last = pictures.overflow()
    assert 1 / (1 + np.exp(-last)) < 1
    assert 1 / (1 + np.exp(-(last + 0.1))) == 1
    assert f"{last:.1f}" in shown[0][1]


def test_the_slopes_of_prices_are_limited_but_for_the_square(shown):
    pictures.prices(delta=1.0)
    mse, mae, huber = (line.get_ydata() for line in shown[0][0].axes[1].lines)
    assert mse.max() > 7
    assert mae.max() <= 1 + 1e-9
    assert huber.max() <= 1 + 1e-9


def test_the_lowest_blind_answers_are_told(shown):
    p = [0.2, 0.5, 0.8]
    pictures.blind({"one": [3.0, 1.0, 2.0], "other": [0.5, 1.0, 2.0]}, p)
    assert "one 1.0000 at p = 0.50, other 0.5000 at p = 0.20" in shown[0][1]


def test_rates_that_serve_every_start_are_counted(shown):
    nan = np.nan
    found = {
        "squared error": {0: [1.0, 2.0, nan], 3: [nan, nan, 4.0]},
        "cross-entropy": {0: [1.0, 1.0, 1.0], 3: [nan, 2.0, 2.0]},
    }
    pictures.only_the_rate([1, 10, 100], found, steps=100)
    assert "squared error 0 of 3, cross-entropy 2 of 3" in shown[0][1]


def test_the_lead_at_the_end_is_told_beside_theory(shown):
    pictures.smoothing({0.0: [1.0, 2.0], 0.1: [1.0, 1.5]}, theory=1.4)
    assert "2.00 with smoothing 0, 1.50 with smoothing 0.1; theory 1.40" in shown[0][1]


def test_cheaper_quarters_are_counted(shown):
    pictures.reserves({"yours": 1.5, "theirs": 2.0}, [0.2, -0.1, 0.3], entry="yours")
    assert "yours 1.50, theirs 2.00" in shown[0][1]
    assert "in 2 of 3 quarters" in shown[0][1]


def test_labels_that_are_answered_rightly_are_told(shown):
    losses = np.array([[1.0, 2.0], [-3.0, -1.0]])
    pictures.below_zero(losses, abs(losses), np.array([[0.6, 0.7], [1.0, 0.98]]))
    assert "65% with labels -1 and 1, 99% with 0 and 1" in shown[0][1]
