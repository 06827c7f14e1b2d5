"""What N machines would do: against mlsysim and the ledger, and beside real processes."""

import numpy as np
import pytest

from labkit.datacenter import hall, scaling
from labkit.datacenter.links import Link
from labkit.datacenter.workers import Workers

LINE = Link(bandwidth=20e6, latency=0.01)
SIZES = (1, 2, 3, 8, 64, 1024)


@pytest.mark.slow
def test_formulas_are_those_of_mlsysim():
    physics = pytest.importorskip("mlsysim.physics")
    for size in SIZES:
        for serial in (0.0, 0.02, 0.5, 1.0):
            theirs = physics.calc_amdahls_speedup(1 - serial, size)
            assert scaling.amdahl(size, serial) == pytest.approx(theirs, rel=1e-12)
        survives = physics.calc_all_up_availability(0.999, size)
        assert hall.enough(0.999, size, size) == pytest.approx(survives, rel=1e-12)
        up = physics.calc_availability_stacked(0.99, size)
        assert hall.enough(0.99, 1, size) == pytest.approx(up, rel=1e-12)


def test_with_messages_the_device_hours_are_those_of_the_ledger():
    hours = [scaling.device_hours(n, scaling.amdahl(n, 0.02, 0.04)) for n in (2, 4, 8, 16, 64)]
    assert hours == pytest.approx([1.10, 1.22, 1.46, 1.94, 4.82], abs=0.005)


def test_a_step_is_work_and_a_ring_written_out_by_hand():
    # 8 machines, 1 MB at 20 MB/s and 10 ms: 14 messages of an eighth of a megabyte.
    by_hand = 1.6 / 8 + 14 * (0.01 + 1e6 / 8 / 20e6)
    assert scaling.step_seconds(8, 1.6, 1e6, LINE) == pytest.approx(by_hand)
    weak = scaling.step_seconds(8, 1.6, 1e6, LINE, kind="weak")
    assert weak == pytest.approx(by_hand - 1.6 / 8 + 1.6)
    assert scaling.step_seconds(1, 1.6, 1e6, LINE) == 1.6


def test_the_same_work_never_costs_less_than_on_one_machine():
    for kind in scaling.KINDS:
        one = scaling.step_seconds(1, 0.4, 4e5, LINE, kind=kind)
        costs = []
        for size in range(1, 65):
            seconds = scaling.step_seconds(size, 0.4, 4e5, LINE, kind=kind)
            gain = scaling.speed_up(size, one, seconds, kind)
            costs.append(scaling.device_hours(size, gain))
            assert costs[-1] == pytest.approx(size / gain)
        assert costs[0] == pytest.approx(1)
        assert np.diff(costs).min() > 0


def test_strong_scaling_turns_back_and_weak_scaling_does_not():
    gains = {
        kind: [
            scaling.speed_up(n, 0.4, scaling.step_seconds(n, 0.4, 4e5, LINE, kind=kind), kind)
            for n in (1, 2, 4, 8, 16)
        ]
        for kind in scaling.KINDS
    }
    assert np.argmax(gains["strong"]) == 2
    assert np.diff(gains["weak"]).min() > 0


def test_bad_settings_are_refused_with_what_is_allowed():
    with pytest.raises(ValueError, match="one of strong, weak"):
        scaling.step_seconds(2, 1.0, 1.0, LINE, kind="both")
    with pytest.raises(ValueError, match="serial in 0 to 1"):
        scaling.amdahl(2, 1.5)


@pytest.mark.alone
@pytest.mark.slow
def test_real_processes_are_about_as_fast_as_the_model_says_far_from_n_times():
    work, items = 0.4, 100_000
    with Workers(8) as workers:
        found = scaling.measure(workers, (1, 4, 8), work, items, LINE, steps=2)
    for size, seconds in found.items():
        modeled = scaling.step_seconds(size, work, 4 * items, LINE)
        assert 0.9 * modeled < seconds < 1.6 * modeled
    assert found[4] < found[1]  # helped ...
    assert found[8] > work / 8 * 2  # ... and far from eight times as fast
