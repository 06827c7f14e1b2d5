"""Epsilon by hand: against dp-accounting, integrals, exact formulas and sampled losses."""

import numpy as np
import pytest
from scipy import integrate, stats

from labkit.datacenter.privacy import accounting

GRID = [(s, q) for s in (0.6, 1.0, 2.0, 8.0) for q in (0.001, 0.01, 0.064, 0.5, 1.0)]
DELTA = 1e-5


@pytest.mark.parametrize("steps", [1, 100, 5000])
def test_epsilon_is_that_of_dp_accounting(steps):
    dp_accounting = pytest.importorskip("dp_accounting")
    from dp_accounting.rdp import RdpAccountant

    for sigma, q in GRID:
        step = dp_accounting.PoissonSampledDpEvent(q, dp_accounting.GaussianDpEvent(sigma))
        theirs = RdpAccountant(accounting.ORDERS).compose(step, steps).get_epsilon(DELTA)
        assert accounting.epsilon(sigma, q, steps, DELTA) == pytest.approx(theirs, rel=1e-10)


def test_the_cost_of_a_step_is_the_integral_that_defines_it():
    sigma, q, order = 1.5, 0.2, 5
    without, added = stats.norm(0, sigma), stats.norm(1, sigma)

    def integrand(x):
        ratio = 1 - q + q * added.pdf(x) / without.pdf(x)
        return without.pdf(x) * ratio**order

    moment = integrate.quad(integrand, -30, 40, epsabs=0, epsrel=1e-12, limit=200)[0]
    by_hand = accounting.rdp(sigma, q, (order,))[0]
    assert by_hand == pytest.approx(np.log(moment) / (order - 1), rel=1e-9)


def test_sampling_everything_costs_what_no_sampling_costs():
    near = accounting.rdp(1.3, 1 - 1e-13, (2, 5, 30))
    assert near == pytest.approx(accounting.rdp(1.3, 1.0, (2, 5, 30)), rel=1e-9)


def test_nothing_drawn_tells_nothing_and_no_noise_promises_nothing():
    assert accounting.epsilon(1.0, 0.0, 10, DELTA) < 0.02  # what the conversion loses
    assert accounting.epsilon(0.0, 0.1, 10, DELTA) == np.inf
    assert accounting.gaussian_epsilon(0.0, DELTA) == np.inf
    assert accounting.basic_epsilon(1.0, 0.0, 10, DELTA) == 0


def test_exact_gaussian_epsilon_is_where_the_loss_exceeds_it_as_rarely_as_delta_says():
    # delta = E[(1 - e^(epsilon - loss))+] with loss ~ N(m²/2, m²), m = sqrt(steps) / sigma
    sigma, steps = 4.0, 9
    promised = accounting.gaussian_epsilon(sigma, DELTA, steps)
    m = np.sqrt(steps) / sigma
    loss = stats.norm(m**2 / 2, m)

    def missed(x):
        return loss.pdf(x) * -np.expm1(promised - x)

    delta = integrate.quad(missed, promised, promised + 20 * m, epsabs=0)[0]
    assert delta == pytest.approx(DELTA, rel=1e-6)


@pytest.mark.parametrize(
    ("sigma", "steps"), [(0.05, 1), (1.0, 1), (1.0, 300), (30.0, 10), (1e4, 1)]
)
def test_rdp_is_never_below_the_exact_epsilon_and_close_where_it_matters(sigma, steps):
    exact = accounting.gaussian_epsilon(sigma, DELTA, steps)
    assert exact <= accounting.epsilon(sigma, 1.0, steps, DELTA) + 1e-9
    if 0.5 < exact < 5:
        assert accounting.epsilon(sigma, 1.0, steps, DELTA) < 1.25 * exact


def test_basic_composition_pays_more_than_rdp_and_exactly_the_same_for_one_release():
    for sigma, q in [(0.7, 0.064), (2.0, 0.01), (1.0, 1.0)]:
        basic = accounting.basic_epsilon(sigma, q, 300, DELTA)
        assert basic > 2 * accounting.epsilon(sigma, q, 300, DELTA)
    once = accounting.basic_epsilon(2.0, 1.0, 1, DELTA)
    assert once == pytest.approx(accounting.gaussian_epsilon(2.0, DELTA), rel=1e-12)
    alone = accounting.gaussian_epsilon(2.0, 10 * DELTA)  # sampling makes of delta q delta
    amplified = np.log(1 + 0.1 * (np.exp(alone) - 1))
    assert accounting.basic_epsilon(2.0, 0.1, 1, DELTA) == pytest.approx(amplified, rel=1e-12)


def test_the_one_shot_formula_promises_what_does_not_hold_for_many_steps():
    assert accounting.one_shot_epsilon(4.0, DELTA) < 0.2 * accounting.gaussian_epsilon(
        4.0, DELTA, 300
    )


def test_noise_for_is_the_inverse_of_epsilon():
    for target in (0.5, 2.0, 8.0, 50.0):
        sigma = accounting.noise_for(target, 0.064, 300, DELTA)
        assert accounting.epsilon(sigma, 0.064, 300, DELTA) == pytest.approx(target, rel=1e-4)
        assert accounting.epsilon(sigma, 0.064, 300, DELTA) <= target


def test_privacy_loss_distribution_lies_between_the_exact_value_and_rdp():
    pytest.importorskip("dp_accounting")
    for sigma, q, steps in [(1.0, 0.064, 300), (2.0, 0.064, 300), (1.0, 0.01, 3000)]:
        pld = accounting.pld_epsilon(sigma, q, steps, DELTA)
        assert 0.8 < pld / accounting.epsilon(sigma, q, steps, DELTA) < 1
    exact = accounting.gaussian_epsilon(3.0, DELTA, 4)
    assert exact <= accounting.pld_epsilon(3.0, 1.0, 4, DELTA) < 1.01 * exact


def test_without_the_extra_a_sentence_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(accounting, "pld_available", lambda: False)
    with pytest.raises(ImportError, match=r"labkit\[privacy\]"):
        accounting.pld_epsilon(1.0, 0.1, 10, DELTA)


def test_no_attacker_beats_the_bound_and_the_best_one_meets_it_for_randomized_response():
    # A coin that tells the truth with probability e / (1 + e) is (1, 0)-private.
    promised, truth = 1.0, np.e / (1 + np.e)
    assert accounting.most_found(promised, 0, 1 - truth) == pytest.approx(truth)
    half_accused = 1 - 0.5 / np.e
    assert accounting.most_found(promised, 0, 0.5) == pytest.approx(half_accused)
    # One Gaussian release: the most powerful test at each share of false alarms.
    shares, sigma = np.linspace(0.001, 0.9, 30), 1.0
    promised = accounting.gaussian_epsilon(sigma, DELTA)
    best = stats.norm.sf(stats.norm.isf(shares) - 1 / sigma)
    bounds = [accounting.most_found(promised, DELTA, share) for share in shares]
    assert (best <= bounds).all()
    assert accounting.most_found(np.inf, DELTA, 0.01) == 1.0


def test_the_ceiling_of_one_release_is_close_above_the_best_test_there_is():
    best = stats.norm.sf(stats.norm.isf(0.01) - 1 / 2.0)
    assert best < accounting.ceiling(2.0, 1.0, 1, 0.01) < 1.8 * best
    assert accounting.ceiling(0.0, 0.1, 10, 0.01) == 1.0
    assert accounting.ceiling(100.0, 0.01, 1, 0.01) < 0.0102


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accounting.rdp(-1.0), "sigma must be 0 or more"),
        (lambda: accounting.rdp(1.0, 1.5), "q in"),
        (lambda: accounting.rdp(float("nan"), 0.5), "sigma must be"),
        (lambda: accounting.rdp(1.0, 0.5, (1.5, 2)), "whole numbers"),
        (lambda: accounting.rdp(1.0, 0.5, (1, 2)), "whole numbers"),
        (lambda: accounting.to_epsilon([1.0], 1.5, (2,)), "delta"),
        (lambda: accounting.to_epsilon([1.0, 2.0], 0.1, (2,)), "one cost"),
        (lambda: accounting.noise_for(0.0, 0.1, 10, DELTA), "no noise"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
