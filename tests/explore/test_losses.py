"""The explorers of lesson 02: their numbers, their words, and a walk through all settings."""

import numpy as np
import pytest

from labkit.explore import losses as explore
from labkit.explore.losses import OutlierExplorer, PredictionExplorer
from labkit.maths import losses as maths


def moving(explorer):
    return explorer._picture(explorer.params).moving


def test_it_starts_at_the_articles_example():
    explorer = PredictionExplorer()
    assert explorer.result["loss"] == pytest.approx(0.065)
    assert "0.0650" in explorer.text
    np.testing.assert_allclose(explorer.result["gradient"], [-0.15, 0.15, -0.1, 0.1])


@pytest.mark.parametrize("loss", explore.LOSSES)
def test_costs_average_to_the_loss_and_the_gradient_is_its_slope(loss):
    start = np.array([0.6, 0.35, 0.9, 0.15])
    result = explore.evaluate(loss, start)
    assert result["costs"].mean() == pytest.approx(result["loss"])
    for k in range(4):
        move = 1e-6 * np.eye(4)[k]
        up, down = (explore.evaluate(loss, start + side)["loss"] for side in (move, -move))
        assert result["gradient"][k] == pytest.approx((up - down) / 2e-6, abs=1e-7)


def test_the_marks_lie_on_the_chosen_curve():
    for loss in explore.LOSSES:
        explorer = PredictionExplorer(loss=loss)
        artists = moving(explorer)
        x, y = artists["marks"].get_data()
        curve = np.interp(x, *artists["chosen"].get_data())
        np.testing.assert_allclose(y, curve, atol=1e-3)


def test_the_push_goes_against_the_gradient():
    explorer = PredictionExplorer(loss="mse")
    ends = moving(explorer)["pushes"].get_ydata().reshape(4, 3)[:, 1]
    np.testing.assert_allclose(ends, np.array([0.85, 0.15, 0.9, 0.1]))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"first": 1.0, "second": 0.0, "third": 1.0, "fourth": 0.0}, "at its target"),
        ({"loss": "cross_entropy", "fourth": 0.98}, "above the picture"),
        ({"loss": "cross_entropy", "first": 0.0}, "Sure and wrong"),
        (
            {"loss": "cross_entropy", "first": 0.5, "second": 0.5, "third": 0.5, "fourth": 0.5},
            ".69",
        ),
        ({"loss": "huber"}, "delta 0.3"),
    ],
)
def test_it_says_what_happens(settings, words):
    assert words in PredictionExplorer(**settings).text


@pytest.mark.parametrize("loss", explore.LOSSES)
@pytest.mark.parametrize(
    ("predictions", "words"),
    [
        ((0.5, 0.5, 0.5, 0.5), "The first, second, third and fourth samples have 25% of it each"),
        ((1.0, 1.0, 1.0, 1.0), "The second and fourth samples have 50% of it each"),
        ((0.7, 0.3, 0.8, 0.2), "The first and second samples have"),
        ((0.7, 0.9, 0.8, 0.2), "The second sample has"),
    ],
)
def test_samples_that_cost_the_same_are_all_named(loss, predictions, words):
    names = PredictionExplorer.view_only
    text = PredictionExplorer(loss=loss, **dict(zip(names, predictions, strict=True))).text
    assert words in text


def test_the_cut_of_the_probability_is_told_as_the_labs_own():
    text = PredictionExplorer(loss="cross_entropy", first=0.0).text
    assert "the probability is cut 1e-07 before 0 and 1, so the loss ends at 16.1" in text
    assert "Keras" not in text  # what Keras does depends on its backend: lesson 02, section 5


def test_sure_and_wrong_pulls_hardest_under_cross_entropy():
    pull = {}
    for loss in explore.LOSSES:
        explorer = PredictionExplorer(loss=loss, **PredictionExplorer.presets["one sure and wrong"])
        pull[loss] = np.abs(explorer.result["gradient"])
    assert max(pull, key=lambda loss: pull[loss][3]) == "cross_entropy"
    assert pull["cross_entropy"][3] > 20 * pull["mse"][3]
    assert np.ptp(pull["mae"]) == pytest.approx(0)


def test_two_losses_prefer_two_models():
    presets = PredictionExplorer.presets
    settings = [presets[name] for name in ("all answers 0.5", "one sure and wrong")]
    for loss, better in (("cross_entropy", 0), ("mse", 1)):
        found = [PredictionExplorer(loss=loss, **each).result["loss"] for each in settings]
        assert np.argmin(found) == better


def test_the_lines_are_the_best_lines():
    explorer = OutlierExplorer(outlier=30.0, outlier_at=9.0)
    x, y = np.append(explore.X, 9.0), np.append(explore.Y, 30.0)
    for name, loss in [("mse", maths.mean_squared_error), ("mae", maths.mean_absolute_error)]:
        slope, intercept = explorer.result["lines"][name]
        best = loss(y, slope * x + intercept)
        for move in np.random.default_rng(0).normal(scale=0.1, size=(50, 2)):
            assert loss(y, (slope + move[0]) * x + intercept + move[1]) >= best - 1e-12


def test_the_marks_lie_on_the_slope_curves():
    artists = moving(OutlierExplorer(outlier=24.0))
    for name, (_, y) in zip(("mse", "mae", "huber"), artists["marks"].get_xydata(), strict=True):
        assert np.interp(24, *artists[f"{name} slope"].get_data()) == pytest.approx(y)


def test_what_the_lesson_says_about_the_slopes():
    slopes = OutlierExplorer(outlier_at=9.0).result["slopes"]
    assert np.ptp(np.diff(slopes["mse"])) == pytest.approx(0, abs=1e-9)  # a straight line
    assert np.ptp(slopes["mae"][-5:]) == pytest.approx(0)  # flat once it is far
    assert np.ptp(slopes["huber"][-5:]) < 1e-6
    middle = OutlierExplorer(outlier_at=5.0).result["slopes"]["mse"]
    assert np.ptp(middle) < 0.02
    far = explore.fit_three(outlier=0.0, outlier_at=20.0, delta=1.0)["lines"]
    assert far["huber"][0] < 0.9
    assert far["mse"][0] < 0.1


def test_a_large_delta_is_half_the_squared_error():
    lines = explore.fit_three(outlier=11.0, outlier_at=9.0, delta=10.0)["lines"]
    assert lines["huber"] == pytest.approx(lines["mse"])


@pytest.mark.parametrize("explorer", [PredictionExplorer, OutlierExplorer])
def test_they_walk(explorer):
    assert explorer().walk() >= 20


def test_settings_copy_as_parameters_of_the_lesson():
    assert PredictionExplorer(loss="mae").texts()["Copy as parameters"] == 'loss = "mae"'
    command = OutlierExplorer(outlier=3.0).texts()["Copy as command"]
    assert command == "labkit run 02 -p outlier=3.0 -p outlier_at=9.0 -p delta=1.0"
