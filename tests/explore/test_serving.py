"""The explorer of a server under load, without a browser."""

import time

import numpy as np
import pytest

from labkit.datacenter.serving.simulator import simulate
from labkit.datacenter.serving.traffic import poisson
from labkit.datacenter.steps import Line
from labkit.explore.serving import LINE, START, ServingExplorer, row


@pytest.fixture(scope="module")
def rows():
    """Invented: what another run of the simulator gave."""
    rates = (10, 40, 80)
    found = [simulate(poisson(rate, 30, seed=7), LINE, max_batch=8) for rate in rates]
    return [row(each, rate, max_batch=8) for each, rate in zip(found, rates, strict=True)]


@pytest.fixture(scope="module")
def explorer(rows):
    return ServingExplorer(rows)


@pytest.fixture(autouse=True)
def as_at_the_start(explorer):
    yield
    explorer._jump(START)


def moving(explorer):
    return explorer._picture(explorer.params).moving


def test_it_opens_with_a_light_load_on_one_at_a_time(explorer):
    assert explorer.params == START
    assert "refused" in explorer.text
    assert "grows" not in explorer.text


def test_the_simulated_mean_stands_near_the_line_where_there_is_one(explorer):
    for rate, max_batch, limit in [(10, 1, 1000), (80, 8, 1000), (200, 32, 1000), (200, 8, 20)]:
        explorer._jump(START | {"rate": rate, "max_batch": max_batch, "queue_limit": limit})
        found = explorer.result["answers"].latency.mean()
        assert found == pytest.approx(explorer.result["theory"].latency, rel=0.2)
        at = np.interp(rate, explorer.result["rates"], explorer.result["latencies"])
        assert at == pytest.approx(explorer.result["theory"].latency, rel=0.1)


def test_overload_grows_from_independent_senders_and_hides_from_those_that_wait(explorer):
    explorer._jump(START | {"rate": 40})
    assert "each second the latency grows by 1.08 s" in explorer.text
    assert len(moving(explorer)["overload"].get_xdata()) > 0
    slow = explorer.result["answers"].percentile(0.99)
    explorer._jump(START | {"rate": 40, "senders": "clients"})
    assert explorer.result["answers"].percentile(0.99) < slow / 10
    assert len(moving(explorer)["overload"].get_xdata()) == 0


def test_a_limit_shows_who_was_refused_and_the_same_goodput(explorer):
    explorer._jump(START | {"rate": 40})
    without = explorer.result["answers"]
    explorer._jump(START | {"rate": 40, "queue_limit": 5})
    limited = explorer.result["answers"]
    assert len(moving(explorer)["refused"].get_xdata()) == (~limited.ok).sum() > 0
    assert limited.goodput == pytest.approx(without.goodput, rel=0.05)
    assert without.percentile(0.99) > 10 * limited.percentile(0.99)


def test_waiting_harms_independent_senders_and_helps_bursts(explorer):
    rules = START | {"rate": 10, "max_batch": 8}
    mean = {}
    for senders in ("server", "bursts"):
        for wait in (0, 100):
            explorer._jump(rules | {"senders": senders, "max_wait": wait})
            mean[senders, wait] = explorer.result["answers"].latency.mean()
    assert mean["server", 100] > 1.5 * mean["server", 0]
    assert mean["bursts", 100] < 0.8 * mean["bursts", 0]


def test_marks_are_drawn_for_the_rules_that_were_measured_and_for_no_others(explorer, rows):
    explorer._jump(START | {"max_batch": 8})
    assert list(moving(explorer)["measured mean"].get_xdata()) == [10, 40, 80]
    assert list(moving(explorer)["measured p99"].get_ydata()) == [each["p99"] for each in rows]
    assert "Measured at 10 a second: mean" in explorer.text
    explorer._jump({"rate": 20})
    assert "measured with these rules at 10, 40, 80 a second" in explorer.text
    explorer._jump({"max_wait": 50})
    assert len(moving(explorer)["measured mean"].get_xdata()) == 0
    assert "with other rules" in explorer.text
    assert "model alone" in ServingExplorer().text


def test_another_line_has_axes_that_hold_it():
    fast = ServingExplorer(line=Line(0.004, 0.001), rate=100)
    ax = fast._picture(fast.params).moving["line"].axes
    assert ax.get_ylim()[0] <= 0.005
    assert "Capacity is 200 a second" in fast.text
    with pytest.raises(ValueError, match=r"less than 0\.48 s here"):
        ServingExplorer(line=Line(0.4, 0.1))


def test_it_computes_fast(explorer):
    explorer._jump(START | {"max_batch": 32, "rate": 400})
    begun = time.process_time()
    for _ in range(5):
        explorer.compute(**explorer.params)
    assert time.process_time() - begun < 5 * 0.1


def test_it_walks_through_all_settings(explorer):
    assert explorer.walk(samples=6) > 40
