"""Failure detection against scikit-learn's scores, and what a split in time does to it."""

import importlib.util

import numpy as np
import pytest

from labkit.data import DataError, available, load_shuttle, packaged
from labkit.datacenter.monitoring import failures
from labkit.lab.doctor import data_checks

needs_river = pytest.mark.skipif(not importlib.util.find_spec("river"), reason="extra monitor")


@pytest.fixture(scope="module")
def shuttle():
    return load_shuttle()


@needs_river
def test_readings_are_those_that_river_gives(shuttle):
    from itertools import islice

    from river import datasets

    rows = [([*x.values()], y) for x, y in islice(datasets.Shuttle(), 500)]
    assert np.array_equal(shuttle.x[:500], [x for x, _ in rows])
    assert np.array_equal(shuttle.y[:500], [y for _, y in rows])
    assert (shuttle.x.shape, shuttle.y.sum()) == ((49097, 9), 3511)
    assert "river" in shuttle.source


@needs_river
def test_what_the_readme_says_of_the_readings_is_so(shuttle):
    time = shuttle.x[:, failures.TIME]
    assert len(np.unique(time)) == 76
    assert shuttle.y[time <= 60].mean() == pytest.approx(1 / 250, rel=0.1)
    assert shuttle.y[time >= 75].all()
    assert len(np.unique(shuttle.x, axis=0)) == len(shuttle.x)
    neighbors = np.corrcoef(time[1:], time[:-1])[0, 1]
    assert abs(neighbors) < 0.02  # shuffled


@needs_river
def test_a_random_split_praises_what_a_split_in_time_refutes(shuttle):
    x, y = shuttle.x, shuttle.y
    mixed = failures.compare(x, y, np.random.default_rng(0).random(len(y)) < 0.7)
    early = failures.earlier(x[:, failures.TIME], 0.7)
    honest = failures.compare(x, y, early)
    prevalence = y[~early].mean()
    assert honest["no model"] == pytest.approx(prevalence)
    assert mixed["one feature"] > 0.9  # the time alone
    assert mixed["decision tree"] > mixed["logistic regression"]
    assert honest["one feature"] < prevalence + 0.1
    assert honest["decision tree"] < prevalence + 0.2
    assert honest["logistic regression"] > prevalence + 0.5


def test_scores_are_scikit_learns():
    from sklearn.metrics import average_precision_score

    random = np.random.default_rng(0)
    x, y = random.normal(size=(400, 3)), random.integers(0, 2, 400)
    x[:, 1] -= y
    train = np.arange(400) < 200
    rule = failures.one_feature(x[train], y[train])
    assert rule == failures.Rule(1, -1)
    expected = average_precision_score(y[~train], -x[~train, 1])
    assert failures.compare(x, y, train)["one feature"] == pytest.approx(expected)


def test_equal_times_stay_together():
    time = np.array([1, 1, 2, 2, 2, 3])
    assert failures.earlier(time, 0.6).tolist() == [True, True, True, True, True, False]
    with pytest.raises(ValueError, match="take less"):
        failures.earlier(np.ones(5), 0.5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        failures.earlier(time, 1.5)


def test_a_side_without_anomalies_is_refused():
    x, y = np.zeros((4, 1)), np.array([0, 0, 0, 1])
    with pytest.raises(ValueError, match="the 3 readings to learn from"):
        failures.compare(x, y, np.array([True, True, True, False]))


def test_without_river_a_sentence_says_what_adds_it(monkeypatch):
    entry = packaged.PACKAGED["shuttle"]._replace(module="a_package_nobody_has")
    monkeypatch.setitem(packaged.PACKAGED, "shuttle", entry)
    with pytest.raises(DataError, match=r"pip install 'labkit\[monitor\]'"):
        load_shuttle()
    row = next(row for row in available() if row.name == "shuttle")
    assert (row.rows, row.bytes, row.optional) == (49097, None, True)
    assert "labkit[monitor]" in row.state
    assert data_checks([row])[0].ok  # nothing to repair: the lab runs without it
