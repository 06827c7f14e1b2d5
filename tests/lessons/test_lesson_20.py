"""Lesson 20: what it computes is right, and it runs on what the learner wrote."""

import numpy as np
import pytest
from lesson_code import names_after

from labkit.datacenter import checkpoints, precision
from labkit.exercises import faster as exercise

# What these cells measure with TensorFlow has tests of its own; here it would only take time.
UNTIMED = {
    "roofline_measure": "here, memory = None, 1e9",
    "predict_memory": "",
    "step": "",
    "predict_arrival": "",
    "arrival_figure": "",
    "tricks": "",
    "accumulate": "",
    "plateau": "",
    "master": "",
    "predict_amdahl": "",
    "amdahl_figure": "",
    "resume": "",
}


def short(last: str, steps: int = 300, **replaced: str) -> dict:
    """Return the names of the lesson after a cell, with less training and without TensorFlow."""
    parameters = f"""
measure_seconds, trained_steps, seeds, nodes = 1.0, {steps}, 2, 10000
node_years, checkpoint_seconds, seed = 5.0, 60.0, 0
"""
    return names_after("20", last, parameters=parameters, **UNTIMED | replaced)


def test_the_share_that_is_lost_is_that_of_numpys_float16():
    names = short("predict-lost")
    weights, few = names["networks"][300], slice(1024)
    errors = precision.gradients(weights, names["images"][few], names["labels"][few])[1][-1]
    lost = (errors != 0) & (errors.astype(np.float16) == 0)
    assert names["seen"]["scale 1"][0, -1] == pytest.approx(lost.sum() / (errors != 0).sum())
    assert names["seen"]["scale 1"][0, 0] < 0.01  # at the start hardly any


@pytest.fixture(scope="module")
def learned():
    """The lesson after section 3's mixed step, with functions of a learner that count."""
    return short(
        "mixed-step",
        exercise_scale="""
calls = []
def my_next_scale(scale, good, overflow, patience):
    calls.append(overflow)
    if overflow:
        return scale / 2, 0
    return (scale * 2, 0) if good + 1 == patience else (scale, good + 1)
""",
    )


def test_dynamic_scaling_runs_on_what_the_learner_wrote(learned):
    calls = learned["calls"]
    calls.clear()
    accuracy, skipped, power = learned["train"](precision.float16, 2.0**24, 0, patience=20)
    assert len(calls) == 100
    assert sum(calls) == skipped > 0
    assert power < 24
    assert accuracy > 0.6


def test_mixed_precision_learns_as_float32_does_and_fails_at_either_cliff(learned):
    train, float16 = learned["train"], precision.float16
    base = train(precision.float32, 1.0, 0)[0]
    assert train(float16, 1.0, 0)[0] == pytest.approx(base, abs=0.02)
    assert train(precision.bfloat16, 2.0**-24, 0)[0] == pytest.approx(base, abs=0.02)
    for power, skipped in ((-24, 0), (24, 100)):
        accuracy, lost_steps, _ = train(float16, 2.0**power, 0)
        assert accuracy < 0.3
        assert lost_steps == skipped


def test_weights_in_bfloat16_alone_stand_still(learned):
    short_run = {"steps": 200, "rate": 0.003}
    rounding = precision.bfloat16
    kept = learned["train"](rounding, 1.0, 0, **short_run)[0]
    alone = learned["train"](rounding, 1.0, 0, after=rounding, **short_run)[0]
    assert alone < kept - 0.1


def test_an_overflow_leaves_the_master_copy_as_it_was(learned):
    master = precision.start([784, 64, 10])
    rows = np.arange(64)
    same, overflow = learned["mixed_step"](master, rows, precision.float16, 2.0**24, 0.2)
    assert overflow
    assert same is master


def test_the_curve_of_checkpoints_runs_on_the_learners_interval():
    names = short(
        "overhead", exercise_interval="my_interval = lambda cost, mtbf: (2 * cost * mtbf) ** 0.5"
    )
    assert names["interval"] is names["my_interval"]
    assert exercise.interval.whose == "yours"
    mtbf = 5 * 365.25 * 86400 / 10_000
    assert names["mtbf"] == pytest.approx(mtbf)
    assert names["chosen"] == pytest.approx(checkpoints.young(60, mtbf))
    assert names["exact"].min() == pytest.approx(names["at_best"], rel=0.005)
    _, low, high = np.array(list(names["simulated"].values())).T
    line = np.interp(list(names["simulated"]), names["line"] / 60, names["exact"])
    half = (high - low) / 2
    assert np.all(abs((low + high) / 2 - line) < 2.5 * half)  # five standard errors


@pytest.mark.parametrize(("nodes", "years", "cost"), [(1, 100, 0.1), (20000, 1, 300)])
def test_the_widest_settings_of_the_cluster_have_a_curve(nodes, years, cost):
    parameters = (
        f"nodes, node_years, checkpoint_seconds, seed, seeds = {nodes}, {years}, {cost}, 0, 2"
    )
    few = dict.fromkeys(("late", "predict_lost", "late_figure", "mixed_step"), "")
    names = names_after("20", "overhead", parameters=parameters, **UNTIMED | few)
    assert np.isfinite(names["exact"]).all()
    assert names["at_best"] == pytest.approx(names["exact"].min(), rel=0.06)


def test_the_training_to_be_killed_starts_the_same_each_time():
    names = short("kill")
    a, b = names["fresh"](), names["fresh"]()
    assert [names["step"](a, k) for k in range(5)] == [names["step"](b, k) for k in range(5)]
    assert names["step"](a, 5) < 3
