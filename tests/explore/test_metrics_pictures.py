"""The figures of lesson 05 draw what they are given, and say it."""

import numpy as np
import pytest

from labkit.explore import figures, metrics_pictures


@pytest.fixture
def shown(monkeypatch):
    told = []
    monkeypatch.setattr(figures, "show", lambda fig, caption: told.append((fig, caption)))
    return told


def test_only_what_fits_everything_is_counted(shown):
    a, b = np.zeros((3, 4), bool), np.zeros((3, 4), bool)
    a[1] = b[:, 2] = True
    assert metrics_pictures.tables({"a": a, "b": b}) == 1
    assert "Of 12 matrices, 1 fit all" in shown[0][1]
    first = shown[0][0].axes[0].lines[0]
    assert first.get_ydata().tolist() == [1, 1, 1, 1]  # true positives upwards


def test_the_means_of_the_leaks_come_back(shown):
    found = metrics_pictures.leaks({"x": [[0.6, 0.8], [0.5, 0.5]]}, "yours")
    assert found["x"] == pytest.approx((0.7, 0.5))
    assert "the pipeline is yours" in shown[0][1]
    assert "x 0.700 and 0.500" in shown[0][1]


def test_groups_too_small_are_left_out_of_the_sureness(shown):
    p = np.append(np.full(50, 0.3), 0.9)
    truth = np.append(np.arange(50) < 15, True)
    metrics_pictures.sureness({"model": p}, truth, {"rule": 5})
    marks = shown[0][0].axes[0].lines[1]
    np.testing.assert_allclose([marks.get_xdata()[0], marks.get_ydata()[0]], [0.3, 0.3])
    assert len(marks.get_xdata()) == 1


def test_medians_and_errors_found_are_told(shown):
    scores = {"none": [0.8, 0.9, 0.7], "turned": [0.9] * 3, "a": [0.5] * 3, "b": [0.4] * 3}
    assert metrics_pictures.augmented(np.zeros((28, 28, 1)), scores)["none"] == 0.8
    wrong = np.arange(100) < 20
    metrics_pictures.inspected([wrong], budget=25)
    assert "80% to 80% have a wrong label" in shown[1][1]
    metrics_pictures.luck([1, 10], {100: [0.5, 0.577]})
    assert "modeled" in shown[2][1]


def test_the_names_are_those_of_the_lesson():
    pytest.importorskip("sklearn")
    truth = np.array([1, 1, 0, 0])
    found = metrics_pictures.of_scikit_learn(truth, truth, truth)
    assert found == {"accuracy": 1, "precision": 1, "recall": 1, "F1": 1, "AUC": 1}
