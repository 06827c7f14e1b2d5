"""The figures of lesson 91 say what they show."""

import pandas as pd
import pytest

from labkit.explore import sweeps_pictures as pictures


def test_failed_runs_are_drawn_and_counted_but_in_no_mean(shown):
    rows = [
        ("sgd", 0.1, "finished", 0.8),
        ("sgd", 0.1, "finished", 0.9),
        ("sgd", 0.1, "failed", 0.2),
        ("adam", 0.3, "failed", 0.1),
        ("adam", 0.3, "failed", 0.3),
    ]
    names = ["param.optimizer", "param.learning_rate", "status", "result.validation_accuracy"]
    finished = [("sgd", 0.1, 0.85, 0.2, 1.5)]
    columns = ["optimizer", "learning_rate", "mean", "low", "high"]
    table, settings = pd.DataFrame(rows, columns=names), pd.DataFrame(finished, columns=columns)
    pictures.means(table, settings, {"sgd": "blue", "adam": "red"})
    (ax,), caption = shown[0][0].axes, shown[0][1]
    assert "3 runs failed" in caption
    marked = {told.get_text(): told.xy for told in ax.texts}
    assert marked == {"1 failed": (0.1, 0.2), "2 failed": (0.3, pytest.approx(0.2))}
    drawn = sorted(y for line in ax.lines for y in line.get_ydata() if line.get_alpha() == 0.4)
    assert drawn == [0.1, 0.2, 0.3, 0.8, 0.9]
    assert [bars.lines[0].get_ydata().tolist() for bars in ax.containers] == [[0.85], []]


def test_a_run_that_is_given_up_ends_where_it_was(shown):
    curves = {"a": [0.1, 0.2, 0.3, 0.4], "b": [0.5, 0.6, 0.7, 0.8], "c": [0.3, 0.3, 0.4, 0.9]}
    pictures.halving(curves, {"a": 1, "b": 4, "c": 2})
    (ax,) = shown[0][0].axes
    crosses = [
        (*line.get_xdata(), *line.get_ydata()) for line in ax.lines if line.get_marker() == "x"
    ]
    assert crosses == [(1, 0.1), (2, 0.3)]
    (rest,) = (line.get_ydata() for line in ax.lines if line.get_marker() == "o")
    assert list(rest) == [0.8]
    assert "3 settings" in shown[0][1]
    assert "2 that are given up early" in shown[0][1]


def test_the_chosen_run_is_a_star_among_all_runs(shown):
    pictures.flattered([0.8, 0.95, 0.9], 0.95, [0.88, 0.92], (0.85, 0.95))
    (ax,) = shown[0][0].axes
    (star,) = (line for line in ax.lines if line.get_marker() == "*")
    assert (*star.get_xdata(), *star.get_ydata()) == (0.95, 1)
    (bar,) = ax.containers
    assert bar.lines[0].get_xdata() == pytest.approx([0.9])
