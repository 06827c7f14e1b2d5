"""Lesson 24: its cells are the formulas of the lab, and it runs on what a learner wrote."""

import ast
import heapq
import re

import nbformat
import numpy as np
import pytest
from lesson_code import names_after

from labkit.datacenter import queues
from labkit.datacenter.balancing import trial
from labkit.exercises import balancing as exercise
from labkit.lab import places
from labkit.maths.intervals import batch_mean_interval, mean_interval

CELLS = nbformat.read(places.lesson_files()["24"], as_version=4).cells
PROSE = "\n".join(
    cell.source
    for cell in CELLS
    if cell.cell_type == "markdown" and "solution" not in cell.metadata.get("tags", [])
)


def defined(cell: str, name: str, **names):
    """Return one function of a cell of the lesson, without running what stands around it."""
    (source,) = [each.source for each in CELLS if each.id == cell]
    (function,) = [node for node in ast.parse(source).body if getattr(node, "name", None) == name]
    exec(ast.unparse(function), names)
    return names[name]


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (3, 2.0), (10, 8.0)])
def test_the_line_in_the_cell_is_that_of_erlang(servers, load):
    line = defined("one-line", "waits_in_one_line", np=np, heapq=heapq)
    waits = line(servers, load, 150_000, np.random.default_rng(0))
    mean, margin = batch_mean_interval(waits)
    assert abs(mean - queues.mmc_wait(servers, load)) < 2.5 * margin
    assert np.mean(waits > 0) == pytest.approx(queues.erlang_c(servers, load), abs=0.03)


def test_the_interval_in_the_cell_is_that_of_the_lab():
    margin = defined("intervals-figure", "batch_margin", np=np, mean_interval=mean_interval)
    alike = np.random.default_rng(0).normal(size=5000).cumsum()
    assert margin(alike) == pytest.approx(batch_mean_interval(alike, warmup=0)[1])


@pytest.mark.parametrize("rho", [0.3, 0.75, 0.95])
def test_the_sum_in_the_cell_is_that_of_the_lab(rho):
    assert defined("policies-table", "squared")(rho) == pytest.approx(queues.two_choices_time(rho))


@pytest.mark.parametrize("failing", [0.0, 0.2, 0.9])
def test_tries_are_those_of_callers_that_try_one_by_one(failing):
    tries, rng, counts = defined("tries", "tries"), np.random.default_rng(0), []
    for _ in range(20_000):
        used = 1
        while used < 4 and rng.random() < failing:
            used += 1
        counts.append(used)
    assert tries(failing, 3, layers=1) == pytest.approx(np.mean(counts), abs=0.04)
    assert tries(failing, 1, layers=3) == pytest.approx((1 + failing) ** 3)


LEARNED = {
    "parameters": "servers, utilization, requests, real_seconds, seed = 5, 0.8, 20_000, 3.0, 7",
    "exercise_erlang_c": """
used = set()
def my_erlang_c(servers, load):
    used.add("erlang_c")
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return servers * blocked / (servers - load * (1 - blocked))
""",
    "exercise_staff": """
def my_staff(load, longest, waits):
    used.add("staff")
    c = np.arange(len(waits))
    late = np.array(waits) * np.exp(-(c - load) * longest)
    return int(np.argmax((c > load) & (late <= 0.01)))
""",
    "exercise_may_retry": """
def my_may_retry(requests, retries, budget):
    used.add("may_retry")
    return retries / requests < budget
""",
    "exercise_policy": """
def my_policy(lengths, sent, speeds):
    used.add("policy")
    return int(np.argmin((np.add(lengths, sent) + 1) / np.array(speeds)))
""",
}


@pytest.mark.slow
def test_without_extras_it_runs_on_what_the_learner_wrote_and_with_other_settings(monkeypatch):
    monkeypatch.setattr(trial, "missing", lambda: "Install the extra `balance`.")
    names = names_after("24", "expectations", **LEARNED)
    assert names["erlang_c"] is names["my_erlang_c"]
    assert names["may_retry"] is names["my_may_retry"]
    assert names["used"] == {"erlang_c", "staff", "may_retry", "policy"}
    assert names["answers"] == names["killed"] == {}
    assert names["longest"][0.6] == pytest.approx(35 / 2)
    assert names["scores"]["policy (yours)"] == names["score"] < exercise.GOAL
    back = names["storms"]["two each, budget 10 %"].goodput(1.0)[-30:]
    assert back.mean() > 60


def test_the_text_states_no_result_that_a_cell_should_compute():
    assert not re.findall(r"\d+\.\d+ ?(?:%|ms)", PROSE)
