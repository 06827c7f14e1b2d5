"""Who is to blame: pulses made by hand, and the worker that a person would name."""

import pytest

from labkit.datacenter.watch import ENOUGH, Pulse, blame

QUIET, BUSY = 0.0, 9.9  # times of the last sign of life


def judged(*pulses, now=10.0, patience=2.5):
    found = blame(dict(enumerate(pulses)), now, patience)
    return found and (found.rank, found.cause)


@pytest.mark.parametrize(
    ("pulses", "verdict"),
    [
        ([Pulse(BUSY), Pulse(BUSY)], None),
        ([Pulse(BUSY), Pulse(QUIET)], (1, "hung")),
        ([Pulse(QUIET, waits_for=1), Pulse(BUSY)], None),  # a slow neighbor
        ([Pulse(QUIET, waits_for=1), Pulse(QUIET)], (1, "hung")),
        ([Pulse(QUIET, waits_for=1), Pulse(QUIET, waits_for=2), Pulse(BUSY)], None),
        ([Pulse(QUIET, waits_for=1), Pulse(QUIET, waits_for=2), Pulse(QUIET)], (2, "hung")),
        ([Pulse(QUIET, waits_for=1), Pulse(QUIET, waits_for=0)], (None, "deadlock")),
        ([Pulse(QUIET, waits_for=1), Pulse(BUSY, waits_for=0)], None),  # it moves still
        ([Pulse(QUIET, waits_for=1), Pulse(QUIET, waits_for=0, stopped=True)], (1, "hung")),
        ([Pulse(QUIET, waits_for=5)], (5, "finished")),
        ([Pulse(QUIET, waits_for=1), Pulse(QUIET, waits_for=5)], (5, "finished")),
        ([Pulse(BUSY, waits_for=5)], None),
        ([Pulse(BUSY, stopped=True)], None),  # it may go on soon
    ],
)
def test_the_one_to_blame(pulses, verdict):
    assert judged(*pulses) == verdict


def test_a_deadlock_names_the_circle_only():
    pulses = {
        0: Pulse(QUIET, waits_for=1),
        1: Pulse(QUIET, waits_for=2),
        2: Pulse(QUIET, waits_for=1),
    }
    words = str(blame(pulses, 10, 2.5))
    assert words.startswith("deadlock: worker 1 waits for worker 2, which waits for worker 1.")


def test_a_hung_worker_is_told_with_those_who_wait_for_it():
    pulses = {0: Pulse(QUIET, waits_for=1), 1: Pulse(QUIET), 2: Pulse(QUIET, waits_for=1)}
    words = str(blame(pulses, 10, 2.5))
    assert words.startswith("worker 1 hung: it did nothing for 2.5 s, and workers 0, 2 waited")
    assert "patience=" in words


def test_signs_of_life():
    pulse = Pulse(since=0.0)
    pulse.look(1.0, cpu=ENOUGH / 2, stopped=False)
    assert pulse.since == 0.0  # to answer the pool is no work
    pulse.look(2.0, cpu=ENOUGH * 2, stopped=False)
    assert pulse.since == 2.0
    pulse.hear(3.0, moved=0, waits_for=None, busy=False)
    assert pulse.since == 2.0
    pulse.hear(4.0, moved=8, waits_for=None, busy=False)
    assert pulse.since == 4.0
    pulse.hear(5.0, moved=8, waits_for=1, busy=False)
    assert pulse.since == 5.0
    pulse.hear(6.0, moved=8, waits_for=1, busy=True)
    assert pulse.since == 6.0
