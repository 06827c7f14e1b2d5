"""Trials of lesson 03: slopes by finite differences, fair races, units that die."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from labkit.maths import activation_trials as trials
from labkit.maths import activations as maths


def step(layers, bend, back, x, y, rate):
    """One step of gradient descent, as in the lesson."""
    z, h = [], [x]
    for W, b in layers:
        z.append(h[-1] @ W + b)
        h.append(bend(z[-1]))
    gradient = (maths.softmax(z[-1]) - y) / y.shape[-2]
    for k in reversed(range(len(layers))):
        W, b = layers[k]
        down = h[k].mT @ gradient, gradient.sum(axis=-2, keepdims=True)
        layers[k] = W - rate * down[0], b - rate * down[1]
        if k:
            gradient = back(z[k - 1], gradient @ W.mT)


@pytest.fixture(scope="module")
def digits():
    return trials.in_three(*load_digits(return_X_y=True))


@pytest.mark.parametrize("both", [trials.plain, trials.normalized])
@pytest.mark.parametrize("name", ["tanh", "gelu_tanh", "elu"])
def test_the_way_back_is_the_slope_of_the_way_there(both, name):
    bend, back = both(maths.find(name))
    rng = np.random.default_rng(0)
    z, arriving, move = (rng.normal(size=(3, 5)) for _ in range(3))
    tiny = 1e-6
    change = (bend(z + tiny * move) - bend(z - tiny * move)) / (2 * tiny)
    assert np.sum(back(z, arriving) * move) == pytest.approx(np.sum(arriving * change), rel=1e-6)


def test_normalized_rows_have_root_mean_square_1_whatever_comes():
    bend = trials.normalized(maths.find("linear"))[0]
    z = np.random.default_rng(1).normal(size=(4, 7)) * [[1e-3], [1.0], [50.0], [1e4]]
    np.testing.assert_allclose(np.sqrt(np.mean(bend(z) ** 2, axis=1)), 1, rtol=1e-5)
    assert np.isfinite(bend(np.zeros((1, 3)))).all()


def test_an_own_function_has_the_slope_that_it_has():
    z = np.linspace(-3, 3, 101)
    np.testing.assert_allclose(trials.own(maths.silu).slope(z), maths.silu_grad(z), atol=1e-7)


def test_the_parts_of_the_digits_share_no_image_and_only_known_ones_set_the_scale(digits):
    parts = [{row.tobytes() for row in X} for X, _ in digits]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    X = digits.learn[0]
    np.testing.assert_allclose([X.mean(), X.std()], [0, np.sqrt(np.mean(X**2))], atol=1e-12)
    assert abs(digits.test[0].mean()) > 1e-6  # its own mean was not taken away


@pytest.mark.parametrize(("variance", "size"), [(1, 1.0), (2, 2**0.5)])
def test_layers_start_with_the_variance_that_was_asked_for(variance, size):
    layers = trials.draw_layers(1, variance, range(40))
    assert np.std(layers[0][0]) * 8 == pytest.approx(size, rel=0.02)
    assert np.std(layers[1][0]) * 32**0.5 == pytest.approx(1, rel=0.02)
    alone = trials.draw_layers(1, variance, [7])
    np.testing.assert_array_equal(layers[0][0][7], alone[0][0][0])


def test_a_race_picks_the_rate_of_its_heat_and_tests_other_networks(digits, monkeypatch):
    monkeypatch.setattr(trials, "STEPS", 30)
    race = trials.race(step, maths.find("relu"), 2.0, 1, digits)
    assert race.rate == trials.RATES[race.heats.mean(axis=1).argmax()]
    assert race.test.shape == (trials.FINAL,)
    assert race.test.min() > 0.6  # 30 steps are enough to read most digits
    again = trials.race(step, maths.find("relu"), 2.0, 1, digits)
    np.testing.assert_array_equal(race.test, again.test)


def test_a_slope_that_is_wrong_trains_worse(digits, monkeypatch):
    """The race runs on the slope that it is given: a learner's own."""
    monkeypatch.setattr(trials, "STEPS", 30)
    f = maths.find("tanh")
    uphill = replace(f, slope=lambda x: -f.slope(x))
    right, wrong = (trials.race(step, each, 1.0, 3, digits).test.mean() for each in (f, uphill))
    assert right > wrong + 0.02


def test_a_network_that_diverged_has_read_nothing(digits):
    layers = [(np.full((1, 64, 10), np.nan), np.zeros((1, 1, 10)))]
    assert trials.accuracy(layers, maths.relu, *digits.check).tolist() == [0.0]


@pytest.mark.parametrize(
    ("name", "variance"), [("relu", 2), ("leaky_relu", 2), ("tanh", 2), ("linear", 1), ("silu", 2)]
)
def test_the_better_start_is_the_one_that_measured_networks_prefer(name, variance):
    assert trials.better_start(name) == variance
    shares = [trials.gradients_left({name: start}, depth=30)[0] for start in ("xavier", "he")]
    assert np.argmin(np.abs(np.log(shares))) + 1 == variance


def test_silent_units_are_off_for_all_samples_and_stay_so():
    rng = np.random.default_rng(0)
    X, labels = rng.random((60, 6)), rng.integers(10, size=60)
    rates = [5.0] * 10 + [0.1] * 5
    silent = trials.silent_units(step, maths.find("relu"), X, labels, rates, seeds=2)
    assert silent.shape == (15, 2, trials.UNITS)
    assert silent[10].sum() > silent[0].sum()
    assert not (silent[10] & ~silent[-1]).any()
    layers = trials.draw_layers(1, 2.0, [[0, 0], [0, 1]], 6)
    np.testing.assert_array_equal(silent[0], (X @ layers[0][0] <= 0).all(axis=1))
