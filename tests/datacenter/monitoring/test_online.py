"""Learning from a stream against scikit-learn, finite differences and river's ADWIN."""

import numpy as np
import pytest

from labkit.datacenter.monitoring import online
from labkit.maths.intervals import compare


@pytest.fixture(scope="module")
def sudden():
    return online.drifting(runs=10, angle=90, seed=0)


@pytest.fixture(scope="module")
def attacked():
    return online.poisoned(online.drifting(runs=10, angle=0, seed=0), start=1500, share=0.2)


def after(stream, right):
    return online.accuracy(right, stream, 1500)


# --- streams


def test_a_rule_turns_by_its_angle_when_it_should():
    stream = online.drifting(steps=200, runs=4, drift=100, angle=60, over=50)
    cosine = (stream.rule[0] * stream.rule).sum(axis=-1)
    assert cosine[:100] == pytest.approx(1)
    assert cosine[124] == pytest.approx(np.cos(np.radians(30)))
    assert cosine[150:] == pytest.approx(0.5)
    right = online.answers(stream.rule, stream.x) == stream.y
    assert right.mean() == pytest.approx(0.95, abs=0.03)


def test_the_attackers_examples_are_marked_and_do_not_count(attacked):
    his = attacked.poisoned
    assert not his[:1500].any()
    assert his[1500:].mean() == pytest.approx(0.2, abs=0.02)
    right = online.answers(attacked.rule, attacked.x) == attacked.y
    assert not right[his].any()
    assert after(attacked, right).mean() == pytest.approx(0.95, abs=0.01)


# --- learners


def test_the_update_follows_the_slope_of_the_logistic_loss():
    random = np.random.default_rng(0)
    weights, x, y = random.normal(size=(1, 4)), random.normal(size=(1, 4)), np.array([1])

    def loss(w):
        return np.log1p(np.exp(-(w * x[0]).sum()))

    slope = [
        (loss(weights[0] + step) - loss(weights[0] - step)) / 2e-6 for step in 1e-6 * np.eye(4)
    ]
    moved = online.sgd(0.3)(weights, x, y) - weights
    assert moved[0] == pytest.approx(-0.3 * np.array(slope), abs=1e-7)


def test_a_window_is_a_ridge_regression_of_its_examples(sudden):
    from sklearn.linear_model import Ridge

    right = online.refit(sudden, online.window(100), every=50)
    for run in (0, 7):
        for now in (50, 1550):
            past = slice(max(0, now - 100), now)
            model = Ridge(alpha=1.0, fit_intercept=False)
            model.fit(sudden.x[past, run], 2 * sudden.y[past, run] - 1)
            told = model.predict(sudden.x[now : now + 50, run]) > 0
            assert np.array_equal(right[now : now + 50, run], told == sudden.y[now : now + 50, run])


def test_no_learner_looks_ahead(sudden):
    """What comes later changes no earlier answer."""
    later = sudden._replace(y=sudden.y.copy())
    later.y[1000:] = 1 - later.y[1000:]
    for learn in (
        lambda s: online.online(s, online.sgd(0.1)),
        lambda s: online.refit(s, online.window(200)),
        lambda s: online.refit(s, online.adaptive()),
    ):
        assert np.array_equal(learn(sudden)[:1000], learn(later)[:1000])


# --- a drift


def test_who_forgets_follows_a_sudden_drift(sudden):
    spans = online.static(), online.everything(), online.window(200), online.adaptive()
    static, everything, window, adaptive = (
        after(sudden, online.refit(sudden, span)) for span in spans
    )
    assert static.mean() < 0.55  # a right angle: as good as guessing
    assert compare(everything, static).verdict == "better"
    assert compare(window, everything).verdict == "better"
    assert compare(adaptive, window).verdict == "better"


def test_a_detector_loses_to_a_plain_window_when_the_drift_is_slow():
    slow = online.drifting(runs=10, angle=90, over=1000, seed=0)
    window = after(slow, online.refit(slow, online.window(200)))
    adaptive = after(slow, online.refit(slow, online.adaptive()))
    assert compare(window, adaptive).verdict == "better"


def test_without_drift_forgetting_costs():
    still = online.drifting(runs=10, angle=0, seed=0)
    everything = after(still, online.refit(still, online.everything()))
    window = after(still, online.refit(still, online.window(100)))
    assert compare(everything, window).verdict == "better"


# --- an attacker


def test_what_saves_from_the_attacker_blinds_to_the_drift(sudden, attacked):
    plain, short, trims = (
        online.sgd(0.1),
        online.sgd(0.1, most_norm=1.0),
        online.sgd(0.1, most_loss=1),
    )
    hurt, held, blind = (after(attacked, online.online(attacked, u)) for u in (plain, short, trims))
    assert hurt.mean() < 0.65
    assert held.mean() > 0.87
    assert blind.mean() > 0.9
    follows, stays = (after(sudden, online.online(sudden, u)) for u in (plain, trims))
    assert compare(follows, stays).verdict == "better"
    assert stays.mean() < follows.mean() - 0.1


# --- ADWIN


def error_streams(before, later, seeds, steps=1000):
    for seed in seeds:
        random = np.random.default_rng(seed)
        yield np.r_[random.random(steps) < before, random.random(steps) < later].astype(float)


def first_cut(values):
    """Return after how many values a change is told, looking at every 32nd as river does."""
    start = 0
    for now in range(32, len(values) + 1, 32):
        if online.adwin_cut(values[start:now]):
            return now
    return np.inf


@pytest.mark.parametrize("later", [0.2, 0.5])
def test_changes_are_told_when_rivers_adwin_tells_them(later):
    drift = pytest.importorskip("river.drift", reason="extra monitor")

    def theirs(values):
        detector = drift.ADWIN()
        for now, value in enumerate(values, 1):
            detector.update(value)
            if detector.drift_detected:
                return now
        return np.inf

    for values in error_streams(0.05, later, range(8)):
        ours = first_cut(values)
        assert 1000 < ours < 1400
        assert abs(ours - theirs(values)) <= 64  # river sums its values in buckets


def test_no_change_is_told_where_there_is_none():
    assert all(first_cut(values) == np.inf for values in error_streams(0.1, 0.1, range(20)))


def test_the_cut_lies_near_the_change():
    for values in error_streams(0.05, 0.5, range(5), steps=400):
        assert abs(online.adwin_cut(values) - 400) < 40
    assert online.adwin_cut([1.0] * 5) == 0
