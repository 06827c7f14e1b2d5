"""How often to save: the formulas against a simulation, other sources, and a killed process."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from labkit.datacenter import checkpoints
from labkit.datacenter.checkpoints import (
    CheckpointError,
    best_interval,
    daly,
    expected_seconds,
    simulate,
    train_and_kill,
    young,
)
from labkit.datacenter.workers import WorkerError

HOURS = 3600.0
WEEK = {"cost": 60.0, "mtbf": 3 * HOURS, "restart": 120.0, "work": 7 * 24 * HOURS}


def slowly(interval, cost, mtbf, restart, work, rng):
    """Return the wall time of one run, one interval after the other."""
    time, done, pause, fails = 0.0, 0.0, 0.0, rng.exponential(mtbf)
    while done < work - 1e-9:
        part = min(interval, work - done)
        need = pause + part + cost
        if fails >= need:
            time, done, pause, fails = time + need, done + part, 0.0, fails - need
        else:
            time, pause, fails = time + fails, restart, rng.exponential(mtbf)
    return time


@pytest.mark.parametrize("interval", [120, 600, 1080, 1800, 3600, 7200])
@pytest.mark.parametrize("rest", [0, 1000])
def test_the_simulation_meets_the_exact_mean(interval, rest):
    week = WEEK | {"work": WEEK["work"] + rest}
    run = simulate(interval, **week, repeats=400, seed=interval)
    error = (run.high - run.low) / (2 * 1.96)
    assert abs(run.mean - expected_seconds(interval, **week)) < 4 * error
    assert run.low < run.mean < run.high
    assert run.seconds.min() > week["work"] + week["work"] // interval * week["cost"]


def test_the_simulation_of_intervals_in_one_go_is_that_of_each_in_turn():
    case = {"cost": 30.0, "mtbf": 2000.0, "restart": 300.0, "work": 20_500.0}  # restarts fail too
    rng = np.random.default_rng(3)
    one_by_one = np.array([slowly(700, **case, rng=rng) for _ in range(4000)])
    at_once = simulate(700, **case, repeats=4000, seed=4)
    error = math.hypot(one_by_one.std(), at_once.seconds.std()) / math.sqrt(4000)
    assert abs(one_by_one.mean() - at_once.mean) < 4 * error
    assert one_by_one.std() == pytest.approx(at_once.seconds.std(), rel=0.1)
    assert abs(expected_seconds(700, **case) - at_once.mean) < 4 * error


def test_the_interval_of_confidence_holds_the_mean_as_often_as_it_says():
    exact = expected_seconds(1080, **WEEK)
    runs = [simulate(1080, **WEEK, repeats=60, seed=seed) for seed in range(300)]
    assert 0.90 < np.mean([run.low < exact < run.high for run in runs]) < 0.99


@pytest.mark.parametrize(("cost", "mtbf"), [(60, 10800), (600, 3600), (5, 1e6), (1, 60)])
def test_the_best_interval_is_that_of_a_search(cost, mtbf):
    rate = lambda interval: expected_seconds(interval, cost, mtbf, 30.0, interval) / interval
    found = minimize_scalar(rate, bounds=(cost / 10, 3 * mtbf), method="bounded").x
    assert best_interval(cost, mtbf) == pytest.approx(found, rel=1e-3)
    assert daly(cost, mtbf) == pytest.approx(found, rel=0.01)  # Daly: to 0.2 % where it matters
    assert young(cost, mtbf) > best_interval(cost, mtbf)


def test_young_is_the_one_of_another_package():
    from mlsysim import physics, ureg

    theirs = physics.calc_young_daly_interval(60 * ureg.second, 3 * 3600 * ureg.second)
    assert young(60, 3 * 3600) == pytest.approx(theirs.to("second").magnitude, rel=1e-12)


def test_daly_stops_growing_where_checkpoints_take_longer_than_failures_allow():
    assert daly(cost=100, mtbf=40) == 40
    assert daly(cost=79.9999, mtbf=40) == pytest.approx(40 * 2 * (1 + 1 / 3 + 1 / 9) - 80, rel=1e-4)


def test_without_failures_only_the_checkpoints_cost():
    never = expected_seconds(100, cost=5, mtbf=1e12, restart=60, work=1000)
    assert never == pytest.approx(1000 + 10 * 5, rel=1e-6)
    assert simulate(100, 5, 1e12, 60, 1000).mean == pytest.approx(1050)
    assert expected_seconds(300, 5, 1e12, 60, 1000) == pytest.approx(1000 + 4 * 5, rel=1e-6)


def test_a_work_that_never_ends_takes_for_ever():
    for interval in (1e6, 2e7):
        assert expected_seconds(interval, cost=60, mtbf=100, restart=1, work=1e7) == math.inf


def test_a_curve_is_its_points():
    intervals = np.array([120.0, 1000.0, 7000.0])
    assert expected_seconds(intervals, **WEEK).tolist() == [
        expected_seconds(float(each), **WEEK) for each in intervals
    ]


def test_failures_that_come_in_clusters_keep_their_mean_and_cost_a_little_less():
    clustered = simulate(1080, **WEEK, repeats=400, seed=1, shape=0.7)
    exact = expected_seconds(1080, **WEEK)
    assert 0.97 * exact < clustered.mean < exact


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cost": 0}, "cost must be positive"),
        ({"mtbf": -1}, "mtbf must be positive"),
        ({"work": 0}, "work must be positive"),
        ({"interval": 0}, "interval must be positive"),
        ({"repeats": 1}, "repeats"),
        ({"interval": 3 * 24 * HOURS}, "Save more often"),
    ],
)
def test_what_cannot_be_simulated(values, words):
    with pytest.raises(ValueError, match=words):
        simulate(**{"interval": 1080, **WEEK, **values})


# --- the real thing -----------------------------------------------------------------------------

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(256, 20)), RNG.normal(size=(256, 1))


def start():
    weights = np.random.default_rng(1).normal(size=(20, 1))
    return {
        "weights": weights,
        "velocity": np.zeros_like(weights),
        "rng": np.random.default_rng(2),
    }


def step(state, number):
    """Momentum on examples that a generator draws: a checkpoint must hold all three."""
    chosen = state["rng"].integers(0, 256, 16)
    error = X[chosen] @ state["weights"] - Y[chosen]
    state["velocity"] *= 0.9
    state["velocity"] -= 0.01 * 2 / 16 * X[chosen].T @ error
    state["weights"] += state["velocity"]
    return float((error**2).mean())


@pytest.mark.slow
@pytest.mark.alone
def test_a_killed_training_goes_on_bit_for_bit():
    whole = train_and_kill(step, start(), steps=200, kills=0, kills_in_save=0)
    killed = train_and_kill(step, start(), steps=200, kills=2, kills_in_save=2, seed=5)
    assert killed["losses"].tobytes() == whole["losses"].tobytes()
    for name in ("weights", "velocity"):
        assert killed["state"][name].tobytes() == whole["state"][name].tobytes()
    assert len(killed["kills"]) == 4
    assert sum(killed["in_save"]) == 2
    places = zip(killed["kills"], killed["in_save"], strict=True)
    saved = [(at - half) // 10 * 10 for at, half in places]  # a save that was cut off is none
    assert killed["resumed_at"] == saved
    assert killed["repeated"] == sum(killed["kills"]) - sum(saved) > 0
    assert whole["repeated"] == 0
    # Independent truth: the same steps in this process.
    here, state = [], start()
    for number in range(200):
        here.append(step(state, number))
    np.testing.assert_allclose(killed["losses"], here, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("forgotten", ["velocity", "rng"])
def test_what_a_checkpoint_forgets_shows_in_the_curve(forgotten):
    keep = [name for name in start() if name != forgotten]
    killed = train_and_kill(step, start(), steps=60, kills=1, kills_in_save=0, seed=2, keep=keep)
    here, state = [], start()
    for number in range(60):
        here.append(step(state, number))
    at = killed["resumed_at"][0]
    np.testing.assert_allclose(killed["losses"][:at], here[:at], rtol=1e-12)
    assert at > 0
    assert np.abs(killed["losses"][at:] - here[at:]).max() > 1e-3


@pytest.mark.slow
@pytest.mark.alone
def test_a_checkpoint_written_in_place_is_lost_with_the_process():
    with pytest.raises(CheckpointError, match="no whole checkpoint"):
        train_and_kill(step, start(), 40, kills=0, kills_in_save=1, save=checkpoints.save_in_place)


def test_half_a_checkpoint_never_takes_the_place_of_a_whole_one(tmp_path):
    path = tmp_path / "checkpoint"
    checkpoints.save(path, {"step": 1})

    def seen():
        assert checkpoints.load(path) == {"step": 1}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(path, {"step": 2}, seen)
    assert checkpoints.load(path) == {"step": 1}
    checkpoints.save(path, {"step": 3})
    assert checkpoints.load(path) == {"step": 3}
    for size in range(len(path.read_bytes())):  # no cut passes for a whole one
        (tmp_path / "cut").write_bytes(path.read_bytes()[:size])
        with pytest.raises(CheckpointError):
            checkpoints.load(tmp_path / "cut")


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", b"c\n\xff\n.", b"I1x\n.", b"(lp0\n", b"h\x05."]
)
def test_a_file_of_something_else_is_told(tmp_path, content):
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(CheckpointError, match="other is no whole checkpoint"):
        checkpoints.load(tmp_path / "other")


def test_a_checkpoint_holds_objects_of_a_notebook(tmp_path):
    namespace = {"__name__": "__main__"}
    exec("class Own:\n    rate = 3", namespace)
    checkpoints.save(tmp_path / "checkpoint", namespace["Own"]())
    assert checkpoints.load(tmp_path / "checkpoint").rate == 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"every": 0}, "every must be positive"),
        ({"steps": 0}, "steps must be positive"),
        ({"keep": ["weight"]}, r"keep names no part of the state: \['weight'\]\. It has"),
    ],
)
def test_a_training_that_cannot_be_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        train_and_kill(step, start(), **{"steps": 40, **settings})


def test_more_kills_than_places():
    with pytest.raises(ValueError, match="at most 3 kills fit in a save"):
        train_and_kill(step, start(), steps=40, kills_in_save=4)


def test_an_error_in_the_step_is_told():
    def bad(state, number):
        return 1 / 0

    with pytest.raises(WorkerError, match="ZeroDivisionError"):
        train_and_kill(bad, {}, steps=3, kills=0, kills_in_save=0)
