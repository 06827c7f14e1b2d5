"""The explorer of lesson 24: lines, dots and words, without a browser."""

import time

import numpy as np
import pytest
from helpers import drawn, moving

from labkit.datacenter import queues
from labkit.explore import balancing as explore
from labkit.explore.balancing import BalancingExplorer, formula

ROW = {"policy": "random", "servers": 4, "utilization": 0.8, "mean": 5.5, "margin": 1.5}

pytestmark = pytest.mark.usefixtures("as_at_the_start")


@pytest.fixture(scope="module")
def explorer():
    return BalancingExplorer([ROW])


def test_it_opens_with_one_policy_and_nothing_of_the_others(explorer):
    assert drawn(explorer, explore.LOOKS) == ["random"]
    assert explorer.params["staleness"] == 0
    for name in list(explore.LOOKS)[1:]:
        assert name not in explorer.text


def test_a_button_shows_what_was_measured_and_without_rows_there_is_none(explorer):
    explorer._jump(explorer.presets["as measured"])
    assert "Measured with a real proxy (hollow): 5.5 ± 1.5" in explorer.text
    assert "as measured" not in BalancingExplorer().presets


def test_the_dot_stands_on_the_line_of_each_formula(explorer):
    for policy in ("random", "round robin", "least work"):
        explorer._jump({"policy": policy, "utilization": 0.7, "formulas": False})
        (line,) = (each for each in moving(explorer)["lines"] if len(each.get_xdata()))
        on_line = np.interp(0.7, line.get_xdata(), line.get_ydata())
        assert on_line == pytest.approx(formula(policy, 10, 0.7))
        dot, bar = moving(explorer)["dot"], moving(explorer)["bar"]
        assert dot.get_ydata()[0] == pytest.approx(on_line, rel=0.15)
        assert bar.get_ydata()[0] < dot.get_ydata()[0] < bar.get_ydata()[1]


def test_formulas_are_those_of_the_queues():
    assert formula("random", 3, 0.8) == pytest.approx(5)
    assert formula("least work", 1, 0.8) == pytest.approx(5)
    assert formula("least connections", 6, 0.7) == 1 + queues.mmc_wait(6, 6 * 0.7)
    assert set(explore.LOOKS) == set(explore.POLICIES) == set(explore.FORMULAS)


def test_old_reports_lift_the_dot_above_random_and_the_words_say_so(explorer):
    explorer._jump({"policy": "least connections", "utilization": 0.9, "staleness": 8.0})
    assert explorer.result["mean"] > 1.5 * queues.mm1_time(0.9)
    assert "these come every 8 service times. At random it would be 10." in explorer.text
    explorer._jump({"policy": "random"})
    assert "random reads no reports" in explorer.text


def test_the_picture_of_lines_shows_a_herd(explorer):
    """With old reports some servers stand idle while others have a long line."""
    spread = {}
    for staleness in (0.0, 8.0):
        explorer._jump({"policy": "least connections", "utilization": 0.9, "staleness": staleness})
        lengths = moving(explorer)["image"].get_array()
        assert lengths.shape == (10, 240)
        spread[staleness] = lengths.std(axis=0).mean()
    assert spread[8.0] > 5 * spread[0.0]


def test_two_choices_of_few_servers_are_not_excused_by_chance(explorer):
    explorer._jump({"policy": "two choices", "utilization": 0.9, "servers": 3})
    assert "outside the interval: these servers are not yet many" in explorer.text


def test_a_measured_mark_stands_only_where_it_was_measured(explorer):
    explorer._jump({"policy": "random", "servers": 4, "utilization": 0.8})
    assert moving(explorer)["marks"].get_ydata().tolist() == [5.5]
    assert moving(explorer)["ranges"].get_ydata()[:2].tolist() == [4.0, 7.0]
    assert "Measured with a real proxy (hollow): 5.5 ± 1.5." in explorer.text
    explorer._jump({"utilization": 0.7})
    assert "Measured" not in explorer.text
    for change in ({"servers": 5}, {"servers": 4, "staleness": 1.0}, {"policy": "round robin"}):
        explorer._jump({"policy": "random", "servers": 4, "staleness": 0.0} | change)
        assert len(moving(explorer)["marks"].get_ydata()) == 0


def test_all_formulas_are_drawn_when_asked(explorer):
    explorer._jump({"formulas": True})
    assert drawn(explorer, explore.LOOKS) == list(explore.LOOKS)


def test_all_settings_draw_and_each_takes_less_than_a_tenth_of_a_second(explorer):
    begun = time.thread_time()
    settings = explorer.walk(samples=4)
    assert (time.thread_time() - begun) / settings < 0.1
