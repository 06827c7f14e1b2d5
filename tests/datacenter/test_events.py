"""The clock and the heap of simulated time."""

import pytest

from labkit.datacenter.events import Events


def test_what_is_planned_happens_in_its_order_and_may_plan_more():
    events, seen = Events(), []

    def tick(name, left):
        seen.append((events.now, name))
        if left:
            events.after(1.0, tick, name, left - 1)

    events.at(0.5, tick, "late", 1)
    events.at(0.0, tick, "early", 2)
    events.at(1.0, seen.append, "same moment, planned first")
    events.run()
    assert seen == [
        (0.0, "early"),
        (0.5, "late"),
        "same moment, planned first",
        (1.0, "early"),
        (1.5, "late"),
        (2.0, "early"),
    ]


def test_it_can_stop_and_go_on():
    events, seen = Events(), []
    for time in (1.0, 2.0, 3.0):
        events.at(time, seen.append, time)
    events.run(until=2.0)
    assert (seen, events.now) == ([1.0, 2.0], 2.0)
    events.run()
    assert (seen, events.now) == ([1.0, 2.0, 3.0], 3.0)


@pytest.mark.parametrize("time", [0.5, float("nan")])
def test_nothing_can_be_planned_for_the_past_or_for_no_time(time):
    events = Events()
    events.at(1.0, lambda: None)
    events.run()
    with pytest.raises(ValueError, match="from now"):
        events.at(time, lambda: None)
