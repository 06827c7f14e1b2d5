"""A load on a simulated server and on a real one: the same requests, and answers of one kind."""

import signal
import socket
import threading
import time

import numpy as np
import pytest
from helpers import wait_until

from labkit.datacenter.serving import bench, load, theory
from labkit.datacenter.serving.traffic import poisson
from labkit.datacenter.steps import Line

LINE = Line(0.020, 0.002)


def test_one_client_on_a_plan_falls_behind_as_a_queue_would_grow():
    planned = poisson(60, 5)
    alone = bench.one_by_one(planned).modeled(line=LINE, max_batch=1)
    crowd = bench.open_loop(planned).modeled(line=LINE, max_batch=1)
    np.testing.assert_allclose(alone.done, crowd.done)  # both are served one after the other
    np.testing.assert_allclose(alone.response, LINE.seconds(1))  # but this one calls it fast
    assert alone.latency.max() > 20 * alone.response.max()


@pytest.mark.parametrize(("max_batch", "waits"), [(4, 0.1), (1, 0.0)])
def test_one_client_waits_as_long_as_the_server_waits_for_others(max_batch, waits):
    rules = {"line": LINE, "max_batch": max_batch, "max_wait": 0.1}
    planned = np.arange(10) / 20  # closer together than one is answered after the other
    alone = bench.one_by_one(planned).modeled(**rules)
    loop = bench.closed_loop(1, 1.0).modeled(**rules)  # it sends as soon as it can, too
    np.testing.assert_allclose(alone.response, LINE.seconds(1) + waits)
    np.testing.assert_allclose(loop.response, LINE.seconds(1) + waits)


def test_without_a_real_server_the_simulated_one_answers():
    tests = {"a": (bench.closed_loop(4, 10.0), {"max_batch": 1})}
    found = bench.compare(tests, LINE, real=False)["a"]
    assert found.measured is None
    assert found.best.goodput == pytest.approx(theory.capacity(LINE, 1), rel=0.01)


def test_both_servers_get_the_same_settings_also_those_that_are_not_said(monkeypatch):
    given = {}

    def measure(tests, line):
        given.update({name: settings for name, (_, settings) in tests.items()})
        return {name: (None, {}) for name in tests}

    monkeypatch.setattr(bench, "missing", str)
    monkeypatch.setattr(bench, "_measure", measure)
    tests = {"a": (bench.offline(8), {}), "b": (bench.offline(8), {"max_batch": 8})}
    found = bench.compare(tests, LINE)
    assert [found[name].modeled.batch.max() for name in "ab"] == [1, 7]  # the first goes alone
    assert [given[name]["max_batch"] for name in "ab"] == [1, 8]


def test_an_interrupt_ends_a_comparison_at_once():
    pytest.importorskip("fastapi")
    pytest.importorskip("aiohttp")

    def interrupt_once_it_runs():
        while not load._RUNNING:
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt_once_it_runs, daemon=True).start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        bench.compare({"a": (bench.closed_loop(2, 100.0), {})}, LINE)
    assert time.monotonic() - begun < 30
    wait_until(lambda: not load._RUNNING, 10)


def test_an_answer_in_two_parts_does_not_wait_for_word_of_the_first():
    pytest.importorskip("fastapi")
    from labkit.datacenter.serving import server

    with server.bind("127.0.0.1", 0) as door:
        door.listen()
        with socket.create_connection(door.getsockname()), door.accept()[0] as line:
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.slow
@pytest.mark.alone
def test_real_servers_get_the_same_requests_and_the_learners_rule():
    pytest.importorskip("fastapi")
    planned, cap = poisson(100, 2), theory.capacity(LINE, 1)
    tests = {
        "all": (bench.open_loop(planned), {"max_batch": 1}),
        "rule": (bench.open_loop(planned), {"max_batch": 1, "admit": lambda q, oldest: q < 3}),
    }
    found = bench.compare(tests, LINE)
    for name, each in found.items():
        np.testing.assert_allclose(each.measured.planned, planned)
        assert each.counts["answered"] == each.measured.ok.sum(), name
        assert each.measured.goodput < 1.1 * cap
        assert each.measured.percentile(0.5) > LINE.seconds(1)
    assert found["all"].measured.ok.all()
    assert found["rule"].measured.refused > 0.3
    assert found["rule"].measured.percentile(0.99) < found["all"].measured.percentile(0.99) / 3
