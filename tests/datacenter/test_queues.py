"""Queue formulas against published tables, mlsysim, other formulas and a Markov chain."""

from math import exp, factorial, inf

import numpy as np
import pytest

from labkit.datacenter import queues

ERLANG_B = {  # servers, blocked share -> load, to the digits printed
    (15, 0.01): "8.108",  # erlang.com, manual of its calculator, "How much traffic?"
    (5, 0.01): "1.36",  # this and what follows: Rappaport, Wireless Communications, table 3.4
    (10, 0.01): "4.46",
    (20, 0.01): "12.0",
    (24, 0.01): "15.3",
    (70, 0.002): "51.0",
    (100, 0.001): "75.2",
}
ADAN_RESING = {  # servers -> share that waits, mean wait: Queueing Systems (2015), M/M/c
    1: (0.90, 9.00),
    2: (0.85, 4.26),
    5: (0.76, 1.53),
    10: (0.67, 0.67),
    20: (0.55, 0.28),
}


@pytest.mark.parametrize(("place", "load"), ERLANG_B.items())
def test_erlang_b_is_the_published_table(place, load):
    servers, blocked = place
    last = 10.0 ** -len(load.partition(".")[2])
    below, above = float(load) - last, float(load) + last
    assert queues.erlang_b(servers, below) < blocked < queues.erlang_b(servers, above)


@pytest.mark.parametrize(("servers", "published"), ADAN_RESING.items())
def test_erlang_c_is_the_published_table(servers, published):
    load = 0.9 * servers
    waiting, wait = queues.erlang_c(servers, load), queues.mmc_wait(servers, load)
    assert (waiting, wait) == pytest.approx(published, abs=0.0051)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (4, 3.6), (10, 9.0), (300, 285.0)])
def test_waits_agree_with_mlsysim(servers, load):
    physics = pytest.importorskip("mlsysim.physics", reason="mlsysim is a test-only package")
    seconds = 0.1
    _, _, p99 = physics.calc_queue_latency_mmc(load / seconds, 1 / seconds, servers)
    beyond = exp(-(servers - load) * p99.magnitude / seconds)  # of those who wait
    assert queues.erlang_c(servers, load) * beyond == pytest.approx(0.01)


@pytest.mark.parametrize("variation", [0.0, 1.0, 4.0])
def test_one_server_agrees_with_mlsysim(variation):
    physics = pytest.importorskip("mlsysim.physics", reason="mlsysim is a test-only package")
    ratio = physics.calc_mg1_wait_ratio(0.8, variation**0.5)
    assert queues.mg1_wait(0.8, seconds=3, variation=variation) == pytest.approx(3 * float(ratio))


def test_one_line_is_the_birth_and_death_chain():
    """P(n) by balance of flows up to 400 requests; mean wait by Little from those in line."""
    servers, load = 7, 6.1
    steps = load / np.minimum(np.arange(1, 400), servers)
    chain = np.cumprod(np.concatenate([[1], steps]))
    chain /= chain.sum()
    line = np.maximum(np.arange(400) - servers, 0) @ chain
    assert queues.erlang_c(servers, load) == pytest.approx(chain[servers:].sum())
    assert load * queues.mmc_wait(servers, load) == pytest.approx(line)


def test_erlang_b_is_its_sum():
    terms = [4.0**n / factorial(n) for n in range(7)]
    assert queues.erlang_b(6, 4.0) == pytest.approx(terms[-1] / sum(terms))


def test_round_robin_lies_between_one_queue_and_regular_arrivals():
    """One server in turn is M/M/1; arrivals of infinitely many in turn are regular: D/M/1."""
    assert queues.round_robin_time(1, 0.9) == pytest.approx(queues.mm1_time(0.9))
    busy, sigma = 0.9, 0.5
    for _ in range(2000):
        sigma = exp(-(1 - sigma) / busy)
    assert queues.round_robin_time(100_000, busy) == pytest.approx(1 / (1 - sigma), rel=1e-4)
    assert queues.round_robin_time(10, busy) == pytest.approx(5.66, abs=0.005)


def test_two_choices_is_the_fixed_point_of_its_differential_equations():
    """Mitzenmacher's s_i' = rho (s_(i-1)^2 - s_i^2) - (s_i - s_(i+1)), run until it stands."""
    busy, s = 0.7, np.zeros(20)
    s[0] = 1
    for _ in range(20_000):
        flow = busy * (s[:-2] ** 2 - s[1:-1] ** 2) - (s[1:-1] - s[2:])
        s[1:-1] += 0.05 * flow
    assert queues.two_choices_time(busy) == pytest.approx(s[1:].sum() / busy, rel=1e-6)
    assert queues.two_choices_time(busy, choices=1) == pytest.approx(queues.mm1_time(busy))


@pytest.mark.parametrize("load", [100.0, 400.0])
@pytest.mark.parametrize("waiting", [0.1, 0.5])
def test_square_root_staffing_is_near_erlang_c(load, waiting):
    servers = queues.square_root_servers(load, waiting)
    low, high = (queues.erlang_c(c, load) for c in (int(servers) + 1, int(servers)))
    assert low - 0.03 < waiting < high + 0.03


def test_without_capacity_to_spare_there_is_no_mean():
    everything = [
        queues.mg1_wait(1.0),
        queues.mm1_time(1.2),
        queues.mmc_wait(3, 3.0),
        queues.round_robin_time(3, 1.0),
        queues.two_choices_time(1.0),
    ]
    assert everything == [inf] * len(everything)
    assert queues.erlang_c(3, 3.0) == 1


def test_an_empty_system_waits_for_nobody():
    assert queues.erlang_b(3, 0) == queues.erlang_c(3, 0) == queues.mmc_wait(3, 0) == 0
    assert queues.two_choices_time(0) == queues.round_robin_time(4, 0) == queues.mm1_time(0) == 1


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: queues.erlang_c(0, 1.0), "at least one server"),
        (lambda: queues.mm1_time(-0.1), "0 or more"),
    ],
)
def test_impossible_settings_are_refused(call, told):
    with pytest.raises(ValueError, match=told):
        call()
