"""Telemetry of the server of lesson 23 with faults put in: what is wrong is known."""

import numpy as np
import pytest

from labkit.datacenter.monitoring import telemetry
from labkit.datacenter.serving import served


@pytest.fixture(scope="module")
def read():
    return telemetry.reader()


def step(state, value):
    return max(0.0, state + value - 0.5)


def signals(tick):
    return {
        "replicas": np.log(tick.seconds[1] / tick.seconds[0]),
        "ink": tick.x.mean(),
        "confidence": tick.answers.max(axis=1).mean(),
        "errors": (tick.answers.argmax(axis=1) != tick.y).mean(),
    }


def seen(read, fault, seed, **settings):
    model, unseen = read
    service = telemetry.Simulated(model, seed)
    return telemetry.series(telemetry.watch(service, unseen, fault, seed=seed, **settings), signals)


@pytest.fixture(scope="module")
def usual(read):
    return seen(read, "nothing", 100, ticks=400)


def test_the_same_images_come_under_every_fault_until_it_begins(read):
    model, unseen = read
    runs = [
        telemetry.watch(telemetry.Simulated(model), unseen, fault, ticks=12, onset=8, seed=3)
        for fault in telemetry.FAULTS
    ]
    for run in runs[1:]:
        for tick, healthy in enumerate(runs[0]):
            np.testing.assert_array_equal(run[tick].y, healthy.y)
            if tick < 8:
                np.testing.assert_array_equal(run[tick].x, healthy.x)


def test_each_fault_changes_the_images_as_its_name_says(read):
    x = read[1].x[:50]
    images = x.reshape(-1, 14, 14)
    changed = {name: fault.change(x, 30) for name, fault in telemetry.FAULTS.items()}
    np.testing.assert_array_equal(changed["nothing"], x)
    np.testing.assert_array_equal(changed["pixels 0 to 255"], 255 * x)
    np.testing.assert_array_equal(
        changed["columns for rows"].reshape(-1, 14, 14), np.transpose(images, (0, 2, 1))
    )
    assert not changed["two dead lines"].reshape(-1, 14, 14)[:, 6:8].any()
    np.testing.assert_array_equal(
        np.delete(changed["two dead lines"].reshape(-1, 14, 14), [6, 7], axis=1),
        np.delete(images, [6, 7], axis=1),
    )
    np.testing.assert_allclose(changed["pens run dry"], 0.4 * x)
    assert images[:, 6:8].any()  # what was given is as it was


@pytest.mark.parametrize(
    ("fault", "sees", "blind"),
    [
        ("slow replica", ["replicas"], ["ink", "confidence", "errors"]),
        ("pixels 0 to 255", ["ink", "confidence"], ["replicas"]),
        ("columns for rows", ["confidence", "errors"], ["replicas", "ink"]),
        ("two dead lines", ["ink", "confidence", "errors"], ["replicas"]),
        ("pens run dry", ["ink", "confidence"], ["replicas"]),
    ],
)
def test_a_signal_sees_what_it_measures_and_nothing_else(read, usual, fault, sees, blind):
    late = {name: [] for name in usual}
    for seed in range(8):
        z = telemetry.standardized(seen(read, fault, seed), usual)
        for name, values in z.items():
            late[name].append(telemetry.alarms(values, step, 8.0, 20).true)
    for name in sees:
        assert all(each is not None for each in late[name]), (name, late[name])
    for name in blind:
        assert sum(each is not None for each in late[name]) <= 2, (name, late[name])


def test_alarms_are_those_of_a_plain_loop_over_both_sides():
    rng = np.random.default_rng(0)
    for _ in range(50):
        z = rng.normal(0.4, 1.5, 80)
        rang, high, low = [], 0.0, 0.0
        for tick, value in enumerate(z):
            high, low = max(0, high + value - 0.5), max(0, low - value - 0.5)
            if high > 6 or low > 6:
                rang.append(tick)
                high = low = 0.0
        before = [tick for tick in rang if tick < 40]
        after = [tick for tick in rang if tick >= 40]
        expected = (before[0] if before else None, after[0] if after else None)
        assert telemetry.alarms(z, step, 6.0, 40) == expected


def test_the_path_is_the_furthest_excursion_of_the_sums_from_their_lowest_point():
    z = np.random.default_rng(1).normal(size=200)
    up = np.concatenate([[0], np.cumsum(z - 0.5)])
    down = np.concatenate([[0], np.cumsum(-z - 0.5)])
    expected = [
        max(side[t] - side[: t + 1].min() for side in (up, down)) for t in range(1, len(up))
    ]
    np.testing.assert_allclose(telemetry.path(z, step), expected, atol=1e-12)


def test_a_spread_smaller_than_what_matters_does_not_count():
    usual = {"a": np.linspace(-1, 1, 1001), "b": np.linspace(-1, 1, 1001)}
    z = telemetry.standardized({"a": np.ones(1), "b": np.ones(1)}, usual, {"a": 2.0})
    assert z["a"] == pytest.approx(0.5)
    assert z["b"] == pytest.approx(1 / 0.6826, rel=0.01)  # as many of these lie within one


def test_an_unknown_fault_is_told_with_those_that_there_are(read):
    with pytest.raises(ValueError, match=r"slow replica.*Received: 'fire'"):
        telemetry.watch(telemetry.Simulated(read[0]), read[1], "fire")


@pytest.mark.slow
@pytest.mark.skipif(bool(served.missing()), reason="needs the extra serve")
def test_real_servers_answer_as_the_network_does_and_the_slow_one_is_seen_in_their_metrics(read):
    model, unseen = read
    with telemetry.Replicas(model) as service:
        ticks = telemetry.watch(service, unseen, "slow replica", ticks=16, onset=8, seed=1)
    for tick in ticks:
        np.testing.assert_allclose(
            tick.answers, telemetry.answer(model, 0.0, tick.x), rtol=1e-4, atol=1e-6
        )
    seconds = np.array([tick.seconds for tick in ticks])
    assert (seconds[:, 0] >= telemetry.WORK).all()
    assert (seconds[8:, 1] >= telemetry.SLOW).all()  # it slept, so it can't be faster
    assert np.median(seconds[:8, 1] / seconds[:8, 0]) < 2
    assert np.median(seconds[8:, 1] / seconds[8:, 0]) > 2
