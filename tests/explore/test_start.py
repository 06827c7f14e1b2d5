"""The first explorer: its numbers against scikit-learn and theory, its words at every regime."""

import numpy as np
import pytest

from labkit.explore.start import FLOWERS, TOO_LARGE, StartExplorer, fit_line


def test_the_flowers_are_rows_of_the_iris_data():
    from sklearn.datasets import load_iris

    petals = {tuple(row) for row in load_iris().data[:, 2:].tolist()}
    assert {tuple(row) for row in FLOWERS.tolist()} <= petals


def test_the_first_step_is_the_gradient_by_finite_differences():
    def loss(w, b):
        return np.mean((w * FLOWERS[:, 0] + b - FLOWERS[:, 1]) ** 2)

    h = 1e-6
    gradient = [(loss(h, 0) - loss(-h, 0)) / (2 * h), (loss(0, h) - loss(0, -h)) / (2 * h)]
    result = fit_line(learning_rate=0.01, steps=1)
    assert [result["w"], result["b"]] == pytest.approx([-0.01 * g for g in gradient], rel=1e-6)
    assert result["losses"] == pytest.approx([loss(0, 0), loss(result["w"], result["b"])])


def test_it_ends_at_the_least_squares_line():
    from sklearn.linear_model import LinearRegression

    best = LinearRegression().fit(FLOWERS[:, :1], FLOWERS[:, 1])
    result = fit_line(learning_rate=0.05, steps=3000)
    assert result["w"] == pytest.approx(best.coef_[0], abs=1e-6)
    assert result["b"] == pytest.approx(best.intercept_, abs=1e-6)
    assert result["loss"] == pytest.approx(result["best_loss"], rel=1e-6)


def test_the_limit_separates_falling_from_growing():
    limit = fit_line(0.01, 0)["largest_stable_rate"]
    below, above = (fit_line(limit * factor, 3000) for factor in (0.99, 1.01))
    assert below["loss"] < 0.06
    assert not below["diverged"]
    assert above["diverged"]
    assert TOO_LARGE < above["loss"] < 2 * TOO_LARGE  # it stops at once
    assert len(above["losses"]) < 3001


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"learning_rate": 0.01, "steps": 20}, "the line is width"),
        ({"learning_rate": 0.1, "steps": 100}, "Diverged"),
        ({"learning_rate": 0.055, "steps": 5}, "growing"),
        ({"learning_rate": 0.1, "steps": 0}, "After 0 steps"),
        ({"learning_rate": 0.01, "steps": 1}, "After 1 step at"),
        ({"learning_rate": 0.052, "steps": 20}, "rate 0.052 the"),
        ({"learning_rate": 0.052, "steps": 20}, "above the limit of 0.0518."),
    ],
)
def test_it_says_in_words_what_happens(settings, words):
    assert words in StartExplorer(**settings).text


def test_the_squares_have_the_area_of_the_squared_errors():
    explorer = StartExplorer(steps=3)
    artists = explorer._picture(explorer.params).moving
    areas = []
    for path in artists["squares"].get_paths():
        sides = path.vertices.max(axis=0) - path.vertices.min(axis=0)
        assert sides[0] == pytest.approx(sides[1])
        areas.append(np.prod(sides))
    assert np.mean(areas) == pytest.approx(explorer.result["loss"])
    assert artists["line"].axes.get_aspect() == 1  # so that they look like squares


def test_the_loss_curve_ends_at_the_dot():
    explorer = StartExplorer(steps=7)
    artists = explorer._picture(explorer.params).moving
    assert artists["curve"].get_xydata()[-1] == pytest.approx([7, explorer.result["loss"]])
    assert artists["now"].get_xydata()[0] == pytest.approx([7, explorer.result["loss"]])


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        ("rate 0.001", "at learning rate 0.001"),
        ("rate 0.03", "rate 0.03 the"),
        ("rate 0.06", "limit"),
    ],
)
def test_presets_show_what_they_promise(preset, words):
    explorer = StartExplorer(**StartExplorer.presets[preset])
    assert words in explorer.text


def test_it_walks():
    assert StartExplorer().walk() >= 20
