"""The explorer of lesson 27: line, ring, dot and words, without a browser."""

import time

import numpy as np
import pytest
from helpers import drawn, moving

from labkit.datacenter.monitoring import charts
from labkit.explore import monitoring as explore
from labkit.explore.monitoring import DAY, DAYS, MonitoringExplorer

pytestmark = pytest.mark.usefixtures("as_at_the_start")


@pytest.fixture(scope="module")
def explorer():
    return MonitoringExplorer()


def test_it_opens_with_one_chart_and_no_correlation(explorer):
    assert drawn(explorer, explore.LOOKS) == ["CUSUM"]
    assert explorer.params["correlation"] == 0
    assert "as promised" not in explorer.text
    explorer._jump({"others": True})
    assert drawn(explorer, explore.LOOKS) == list(explore.LOOKS)


@pytest.mark.parametrize(("chart", "limit"), [("CUSUM", 4.0), ("EWMA", 2.6), ("Shewhart", 3.0)])
def test_ring_and_dot_stand_on_the_line_of_independent_values(explorer, chart, limit):
    explorer._jump({"chart": chart, "limit": limit, "shift": 1.0})
    delays, false = explorer.result["lines"][chart]
    x, y = (moving(explorer)["point"].get_data()[axis][0] for axis in (0, 1))
    assert np.exp(np.interp(np.log(x), np.log(delays), np.log(false))) == pytest.approx(y, rel=0.03)
    assert y == pytest.approx(DAY / charts.arl(explore.MAKE[chart](limit)))
    mean, margin = explorer.result["false"]
    assert abs(mean - y) < 2 * margin
    mean, margin = explorer.result["delay"]
    assert abs(mean - x) < 2 * margin


def test_alike_neighbors_lift_the_dot_off_the_line_and_the_words_say_so(explorer):
    explorer._jump({"correlation": 0.6})
    assert "times as many as promised" in explorer.text
    y = moving(explorer)["dot"].get_ydata()[0]
    assert y > 3 * moving(explorer)["point"].get_ydata()[0]


def test_what_is_never_told_is_said_and_stays_inside_the_axes(explorer):
    explorer._jump({"chart": "Shewhart", "limit": 6.0, "shift": 0.25})
    assert "fewer than 0.001 false alarms a day" in explorer.text
    assert "no shift was told within a day" in explorer.text
    for name in ("point", "dot"):
        x, y = (values[0] for values in moving(explorer)[name].get_data())
        assert (x, y) == (DAY, explore.LEAST)


def test_one_day_begins_anew_after_each_alarm(explorer):
    explorer._jump({"limit": 2.0, "shift": 3.0})
    states, alarms = explorer.result["day"]
    assert [m for m in range(explore.SHOWN) if states[m] > 1] == alarms
    assert sum(m >= explore.ONSET for m in alarms) > 10
    assert DAYS >= 100


def test_all_settings_draw_and_each_takes_less_than_a_tenth_of_a_second(explorer):
    begun = time.thread_time()
    settings = explorer.walk(samples=4)
    assert (time.thread_time() - begun) / settings < 0.1
