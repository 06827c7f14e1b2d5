"""Alerts against pandas' windows, the workbook's own table and months whose truth is known."""

from math import inf

import numpy as np
import pytest

from labkit.datacenter.monitoring import alerts
from labkit.datacenter.monitoring.alerts import Months, Window


@pytest.fixture(scope="module")
def months():
    return alerts.simulate(months=20, seed=0)


def made(errors, requests=1000, incident=None):
    """Return one made-up month of these error counts, (minutes,)."""
    errors = np.atleast_2d(errors)
    kinds = np.full(errors.shape, -1) if incident is None else np.atleast_2d(incident)
    return Months(np.full(errors.shape, requests), errors, np.zeros(errors.shape), kinds)


def test_windows_are_those_of_pandas():
    import pandas as pd

    values = np.random.default_rng(0).integers(0, 9, size=500)
    rolled = pd.Series(values).rolling(30, min_periods=1).sum()
    assert np.array_equal(alerts.trailing(values, 30), rolled)
    burn = alerts.burn_rate(values, np.full(500, 1000), 30, objective=0.99)
    means = pd.Series(values / 1000).rolling(30, min_periods=1).mean()
    assert burn == pytest.approx(means.to_numpy() / 0.01)


@pytest.mark.parametrize(
    ("window", "published"), [(alerts.PAGES[0], 0.02), (alerts.PAGES[1], 0.05)]
)
def test_pages_spend_the_published_share_of_a_month(window, published):
    """The workbook's table 5-8: 2 % of the budget in an hour, 5 % in six."""
    assert window.burn * window.long / (30 * 24 * 60) == pytest.approx(published)


@pytest.mark.parametrize("share", [1.0, 0.2, 0.05, 0.02])
def test_an_alarm_comes_when_the_formula_says(share):
    quiet, window = 400, alerts.PAGES[0]
    errors = np.r_[np.zeros(quiet), np.full(400, 10_000 * share)]
    rings = alerts.multiwindow(made(errors, requests=10_000), [window])[0] > 1
    delay = np.flatnonzero(rings)[0] - quiet + 1
    assert delay == np.floor(alerts.minutes_to_alert(share, window)) + 1


def test_what_burns_too_slowly_for_a_window_never_rings():
    window = alerts.PAGES[0]
    assert alerts.minutes_to_alert(0.0144, window) == inf
    assert not (alerts.multiwindow(made(np.full(3000, 14.0)), [window]) > 1).any()


def test_the_short_window_ends_the_alarm():
    errors = np.r_[np.zeros(400), np.full(30, 500), np.zeros(400)]
    both = alerts.multiwindow(made(errors), [Window(60, 5, 14.4)])[0] > 1
    alone = alerts.multiwindow(made(errors), [Window(60, 60, 14.4)])[0] > 1
    assert both[430:].sum() <= 5
    assert alone[430:].sum() > 50


def test_months_hold_what_they_promise(months):
    found = alerts.incidents(months)
    each = {kind.name: kind.each_month for kind in alerts.KINDS}
    for name, count in each.items():
        assert sum(incident.kind == name for incident in found) == 20 * count
    normal = months.incident < 0
    share = months.errors[normal].sum() / months.requests[normal].sum()
    assert share == pytest.approx(alerts.NORMAL_ERRORS, rel=0.02)
    assert months.requests.mean() == pytest.approx(300, rel=0.01)
    spent = sum(i.spent for i in found if i.month == 0)
    all_spent = months.errors[0].sum() / (0.001 * months.requests[0].sum())
    assert 0 < all_spent - spent < 0.25  # the rest are the usual errors


def test_a_score_counts_calls_incidents_and_minutes():
    minutes = 6000
    errors, incident = np.zeros(minutes), np.full(minutes, -1)
    errors[1000:1010], incident[1000:1010] = 1000, 0  # spends far more than 2 %
    errors[3000:3010], incident[3000:3010] = 1000, 1
    rings = np.zeros((1, minutes), dtype=bool)
    rings[0, 1003:1020] = True
    rings[0, 1030:1035] = True  # the same call: less than an hour later
    rings[0, 5000] = True  # for nothing
    found = alerts.score(rings, made(errors, incident=incident))
    assert found == alerts.Score(calls=2, useful=1, harmful=2, found=1, delay=4.0, after=10.0)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    precision, _ = found.intervals()
    assert precision[0] < 0.5 < precision[1]


def test_no_call_is_no_success(months):
    silent = alerts.score(np.zeros(months.requests.shape, dtype=bool), months)
    assert (silent.precision, silent.recall, silent.f1, silent.delay) == (0, 0, 0, inf)


def test_symptoms_beat_causes_even_where_the_cause_is_tuned(months):
    other = alerts.simulate(months=20, seed=1)
    busy, tuning = (alerts.trailing(m.cpu, 5) / 5 for m in (months, other))
    limit = alerts.best_limit(tuning, other, np.linspace(0.45, 0.95, 6))
    cause = alerts.score(busy > limit, months)
    symptom = alerts.score(alerts.multiwindow(months) > 1, months)
    assert symptom.f1 > cause.f1 + 0.2
    assert symptom.precision > 0.7
    assert symptom.recall > 0.75


def test_a_rule_at_the_objective_rings_all_the_time(months):
    naive = alerts.score(alerts.burn_rate(months.errors, months.requests, 10) > 1, months)
    assert naive.recall > 0.95
    assert naive.precision < 0.1


def test_a_tuned_hour_finds_as_much_and_rings_on_for_twice_as_long(months):
    """The strongest simple rule: what two windows buy is the end of the alarm, and no tuning."""
    other = alerts.simulate(months=20, seed=1)
    burns, tuning = (alerts.burn_rate(m.errors, m.requests, 60) for m in (months, other))
    limit = alerts.best_limit(tuning, other, np.geomspace(2, 30, 8))
    hour, both = (
        alerts.score(burns > limit, months),
        alerts.score(alerts.multiwindow(months) > 1, months),
    )
    assert abs(hour.f1 - both.f1) < 0.1
    assert hour.delay < both.delay
    assert hour.after > 1.5 * both.after
