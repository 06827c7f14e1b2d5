"""Lesson 23: its cells are the server and the batches of the lab, and servers run what was written.

The measured side of the lesson is judged by its own expectations whenever it runs.
"""

import ast
import os
import signal
import subprocess
import sys
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import psutil
import pytest
from lesson_code import names_after

from labkit.datacenter.serving import bench, generation, served, theory
from labkit.datacenter.serving.simulator import simulate
from labkit.datacenter.steps import Line
from labkit.exercises import serving as exercise
from labkit.lab import places

LINE = Line(0.050, 0.002)


def defined(cell: str, name: str, **names):
    """Return one function of a cell of the lesson, without running what stands around it."""
    cells = nbformat.read(places.lesson_files()["23"], as_version=4).cells
    (source,) = [each.source for each in cells if each.id == cell]
    (function,) = [node for node in ast.parse(source).body if getattr(node, "name", None) == name]
    exec(ast.unparse(function), names)
    return names[name]


@pytest.fixture
def poisson():
    return defined("serve", "poisson", np=np)


# --- what the cells compute -----------------------------------------------------------------------


@pytest.mark.parametrize("max_batch", [1, 4, 32])
@pytest.mark.parametrize("load", [0.5, 2.0])
def test_the_server_in_the_cell_is_the_simulated_one(poisson, max_batch, load):
    serve = defined("serve", "serve", np=np, bisect_right=bisect_right)
    planned = poisson(load * theory.capacity(LINE, max_batch), 10, seed=1)
    done = simulate(planned, LINE, max_batch=max_batch).done
    np.testing.assert_allclose(serve(planned, LINE, max_batch), done)


def test_its_mean_is_that_of_the_formula(poisson):
    serve = defined("serve", "serve", np=np, bisect_right=bisect_right)
    planned = poisson(0.5 / LINE.seconds(1), 4000, seed=2)
    mean = (serve(planned, LINE, 1) - planned).mean()
    assert mean == pytest.approx(theory.steady(LINE, 0.5 / LINE.seconds(1), 1).latency, rel=0.02)


def test_requests_come_as_a_poisson_process(poisson):
    planned = poisson(50, 400, seed=3)
    assert len(planned) == pytest.approx(20_000, rel=0.03)
    assert planned[-1] < 400
    counts = np.histogram(planned, bins=4000, range=(0, 400))[0]
    assert counts.var() == pytest.approx(counts.mean(), rel=0.1)  # as no even pace would have it


@pytest.mark.parametrize("way", ["static, padded", "static", "continuous"])
@pytest.mark.parametrize("slots", [1, 3, 8, 40])
def test_each_text_is_written_once_whole_and_in_a_slot_of_its_own(way, slots):
    from collections import deque

    write_all = defined("write-all", "write_all", deque=deque)
    lengths = np.random.default_rng(0).geometric(1 / 9, 30)
    writer = generation.ModeledWriter(LINE)
    texts, spans = write_all(writer, lengths, slots, way)
    assert sorted(texts) == list(range(30))
    assert sorted(end - start for _, start, end in spans) == sorted(lengths)
    for slot in range(slots):
        mine = sorted((start, end) for where, start, end in spans if where == slot)
        assert all(end <= start for (_, end), (start, _) in pairwise(mine))
    batches = [lengths[n : n + slots] for n in range(0, 30, slots)]
    longest = sum(int(batch.max()) for batch in batches)
    written = {
        "static, padded": sum(int(batch.max()) * len(batch) for batch in batches),
        "static": sum(lengths),
        "continuous": sum(lengths),
    }
    if way != "continuous":
        assert writer.steps == longest
    else:
        assert max(-(-sum(lengths) // slots), max(lengths)) <= writer.steps <= longest
    seconds = writer.steps * LINE.overhead + written[way] * LINE.per_example
    assert writer.seconds == pytest.approx(seconds)


def cell(id: str) -> str:
    """Return the source of a cell of the lesson."""
    cells = nbformat.read(places.lesson_files()["23"], as_version=4).cells
    return next(each.source for each in cells if each.id == id)


def test_the_growth_of_p99_that_is_guessed_is_that_of_a_long_run(poisson):
    serve = defined("serve", "serve", np=np, bisect_right=bisect_right)
    most = {1: theory.capacity(LINE, 1)}
    names = {"line": LINE, "most": most, "seed": 3, "np": np, "poisson": poisson, "serve": serve}
    names["percentile"] = exercise.percentile.right
    exec(cell("long-run"), names)
    p99 = []
    for share in (0.5, 0.9):  # by Lindley's recursion, twenty times as long
        planned = poisson(share * most[1], 2_000_000 / most[1], seed=8)
        begun = np.arange(len(planned)) * LINE.seconds(1)
        latency = begun + np.maximum.accumulate(planned - begun) + LINE.seconds(1) - planned
        p99.append(np.quantile(latency, 0.99))
    assert names["growth"] == pytest.approx(p99[1] / p99[0], rel=0.15)


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        ('"max_batch": 4, "queue_limit": 10', "do not win"),  # no better than what is to beat
        ('"max_batch": 16, "queue_limit": 1000', "do not win"),  # does not fit into the memory
        ('"max_batch": 4, "admit": rule', "they win"),
    ],
)
def test_who_wins_the_rush(poisson, settings, verdict):
    def rule(waiting, _):
        return bool(exercise.admit.right(waiting, 50, 2, 4, 400))

    said = []
    names = {"line": LINE, "most": {4: theory.capacity(LINE, 4)}, "seed": 0, "np": np, "pd": pd}
    names |= {"poisson": poisson, "bench": bench, "promise": 400, "rule": rule, "real": False}
    names |= {"display": said.append, "Markdown": str}
    names["summary"] = lambda answers, share: answers.percentile(share)
    given = '"max_batch": 4, "max_wait": 0.0, "queue_limit": 1000'
    assert given in cell("plan")
    exec(cell("plan").replace(given, settings), names)
    assert verdict in said[-1]


# --- what a learner wrote -------------------------------------------------------------------------

RIGHT = {
    "exercise_capacity": "def my_capacity(a, c, batch):\n    return 1e3 / (a / batch + c)",
    "exercise_percentile": """
def my_percentile(planned, sent, done, share):
    latencies = sorted(done - planned)
    return latencies[int(share * (len(latencies) - 1))]
""",
    "exercise_admit": """
def my_admit(waiting, a, c, batch, promise):
    full = a + c * batch
    return waiting < batch * (promise // full - 1)
""",
}
WRONG = {
    "exercise_capacity": "def my_capacity(a, c, batch):\n    return 1000 / (a + c)",
    "exercise_percentile": "def my_percentile(planned, sent, done, share):\n    return done.mean()",
    "exercise_admit": "def my_admit(waiting, a, c, batch, promise):\n    return True",
}
SETTINGS = """
overhead, per_request, seconds, promise, seed = 60, 3, {seconds}, 350, 4
real_server = "{real}"
"""


@pytest.mark.slow
@pytest.mark.parametrize(("written", "whose"), [(RIGHT, "yours"), (WRONG, "the lab's")])
def test_without_a_server_the_lesson_runs_on_the_simulated_one(written, whose):
    settings = SETTINGS.format(seconds=5, real="never")
    names = names_after("23", "plan", parameters=settings, ways="", continuous_figure="",
                        predict_continuous="", **written)  # fmt: skip
    assert {each.whose for each in (exercise.capacity, exercise.percentile, exercise.admit)} == {
        whose
    }
    assert names["most"] == pytest.approx({b: theory.capacity(Line(0.06, 0.003), b)
                                           for b in (1, 4, 8, 16)})  # fmt: skip
    assert not any(each.measured for each in names["over"].values())
    by_rule = names["let_in"]["your rule"].modeled
    assert by_rule.latency.max() <= 0.35
    assert by_rule.refused > 0.1
    assert names["ratio"] > 5


@pytest.mark.slow
@pytest.mark.alone
def test_what_the_learner_wrote_decides_in_the_running_server():
    if served.missing():
        pytest.skip(served.missing())
    shut = "def my_admit(waiting, a, c, batch, promise):\n    return (2 + waiting // batch) * "
    shut += "(a + c * batch) <= promise and promise > OPEN"
    cells = {"parameters": SETTINGS.format(seconds=2, real="never"), "network": "", "server": ""}
    cells |= dict.fromkeys(("questions", "batches", "long_run", "predict_load", "loads"), "")
    cells |= {"overload": "most = {1: 16, 4: 55, 8: 95}", "overload_figure": ""}
    cells |= dict.fromkeys(("predict_overload", "predict_limit", "limit_figure"), "")
    names = names_after("23", "check-admit", **cells, exercise_admit=f"OPEN = 0\n{shut}")
    assert exercise.admit.whose == "yours"
    load = bench.open_loop(names["poisson"](100, 1.5, 0))
    found = bench.compare({"rule": (load, {"max_batch": 4, "admit": names["rule"]})}, LINE)["rule"]
    assert found.counts["refused"] == (found.measured.status == 503).sum() > 10
    names["OPEN"] = 1e9  # the learner shuts the door, and the next server has it so
    found = bench.compare({"rule": (load, {"max_batch": 4, "admit": names["rule"]})}, LINE)["rule"]
    assert found.counts["accepted"] == 0


# --- its end --------------------------------------------------------------------------------------

KILLED = """
import sys, threading, time
sys.path.insert(0, {tests!r})
import psutil
from lesson_code import names_after
def tell():
    while len(found := psutil.Process().children(recursive=True)) < 4:
        time.sleep(0.05)
    print(*[each.pid for each in found], file=sys.__stdout__, flush=True)
threading.Thread(target=tell, daemon=True).start()
cells = dict.fromkeys(("server", "batches", "predict_load", "loads"), "")
cells["batches"] = "line = Line(0.05, 0.002); most = {{1: 19, 4: 69, 8: 121}}"
names_after("23", "overload", **cells)
"""


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_no_server_outlives_a_lesson_that_was_killed_under_load():
    if served.missing():
        pytest.skip(served.missing())
    code = KILLED.format(tests=str(Path(__file__).resolve().parents[1]))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as lesson:
        servers = [psutil.Process(int(pid)) for pid in lesson.stdout.readline().split()]
        assert len(servers) == 4
        os.kill(lesson.pid, signal.SIGKILL)
    assert psutil.wait_procs(servers, timeout=30)[1] == []


@pytest.mark.parametrize("seed", range(5))
def test_the_score_to_beat_is_beaten_by_the_rule_of_the_lesson_and_not_by_no_rule(poisson, seed):
    most = theory.capacity(LINE, 4)
    rush, begins = [], 0.0
    for rate, length in ((10, 1.0), (1.7 * most, 2.0), (10, 1.0)):
        rush.extend(begins + poisson(rate, length, seed))
        begins += length

    def score(**settings):
        answers = bench.open_loop(rush).modeled(line=LINE, max_batch=4, **settings)
        return np.sum(answers.latency <= 0.4) / len(rush)

    def rule(waiting, _):
        return bool(exercise.admit.right(waiting, 50, 2, 4, 400))

    assert score(admit=rule) > score(queue_limit=10) + 0.02
    assert score() < score(queue_limit=10) - 0.2
