"""The simulated servers against formulas, other simulators, a Markov chain, published numbers."""

from random import Random

import numpy as np
import pytest

from labkit.datacenter import queues
from labkit.datacenter.balancing.simulator import POLICIES, lengths_at, simulate
from labkit.maths.intervals import batch_mean_interval


def mean_of(policy, **settings):
    """Return the mean time of a run, without its first tenth, and three times its margin."""
    mean, margin = batch_mean_interval(simulate(policy, **settings).seconds)
    return mean, 1.5 * margin  # about three standard deviations


def near(policy, truth, **settings):
    mean, margin = mean_of(policy, **settings)
    assert margin < 0.2 * truth  # or the comparison says nothing
    assert abs(mean - truth) < margin, (policy, mean, margin, truth)


# --- formulas -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("servers", "utilization"), [(10, 0.7), (3, 0.85)])
def test_means_are_those_of_the_formulas(servers, utilization):
    settings = {"servers": servers, "utilization": utilization, "requests": 150_000}
    near("random", queues.mm1_time(utilization), **settings)
    near("round robin", queues.round_robin_time(servers, utilization), **settings)
    near("least work", 1 + queues.mmc_wait(servers, servers * utilization), **settings)


def test_the_tail_of_one_line_is_that_of_the_formula():
    seconds = simulate("least work", servers=10, utilization=0.8).seconds[20_000:]
    for limit in (1.0, 3.0, 5.0):
        # Who waits, waits exponentially, (servers - load) to the service's 1; and then is served.
        beyond = np.exp(-limit) * (1 + queues.erlang_c(10, 8.0) * (1 - np.exp(-limit)))
        assert np.mean(seconds > limit) == pytest.approx(beyond, rel=0.1)


@pytest.mark.parametrize("variation", [0.0, 3.0])
def test_one_server_with_any_service_time_is_that_of_pollaczek_and_khinchine(variation):
    truth = 1 + queues.mg1_wait(0.6, variation=variation)
    near("random", truth, servers=1, utilization=0.6, variation=variation, requests=100_000)


def test_two_choices_come_near_their_limit_as_servers_become_many():
    limit = queues.two_choices_time(0.9)
    few, many = (mean_of("two choices", servers=c)[0] for c in (4, 200))
    assert abs(many / limit - 1) < 0.05
    assert few > 1.15 * limit


def test_unequal_servers_are_each_a_queue_of_their_own_under_random():
    speeds, draw = [2.0, 1.5, 1.0], Random(1)
    shares = [0.5, 0.3, 0.2]
    settings = {"servers": 3, "utilization": 0.6, "speeds": speeds, "requests": 200_000}
    load = 0.6 * sum(speeds)

    def truth(shares):
        each = zip(shares, speeds, strict=True)
        return sum(p * queues.mm1_time(load * p / speed, 1 / speed) for p, speed in each)

    near("random", truth([1 / 3] * 3), **settings)
    near(lambda lengths: draw.choices(range(3), shares)[0], truth(shares), **settings)


# --- other truths -------------------------------------------------------------------------------


def test_the_shorter_of_two_lines_is_its_markov_chain():
    """Two servers: `two choices` and `least connections` are the same, solved as a chain."""
    from scipy.sparse import lil_matrix
    from scipy.sparse.linalg import spsolve

    size, come = 40, 2 * 0.8
    flow = lil_matrix((size**2, size**2))
    for a, b in np.ndindex(size, size):
        targets = {(a - 1, b): 1.0, (a, b - 1): 1.0}
        joins = [(a + 1, b)] * (a <= b) + [(a, b + 1)] * (b <= a)
        targets |= {pair: come / len(joins) for pair in joins}
        for (i, j), rate in targets.items():
            if 0 <= i < size and 0 <= j < size:
                flow[i * size + j, a * size + b] += rate
                flow[a * size + b, a * size + b] -= rate
    flow[0] = 1  # shares add up to 1
    shares = spsolve(flow.tocsr(), np.eye(size**2)[0])
    inside = sum(p * (k // size + k % size) for k, p in enumerate(shares))
    for policy in ("two choices", "least connections"):
        near(policy, inside / come, servers=2, utilization=0.8, requests=150_000)


# Gast and Van Houdt, A refined mean field approximation (2017): requests at one of ten
# servers on average, by their simulation; both choices may be the same server.
TEN_SERVERS = {0.7: 1.2194, 0.9: 2.8040}


@pytest.mark.slow
@pytest.mark.parametrize(("utilization", "published"), TEN_SERVERS.items())
def test_two_choices_of_ten_servers_are_the_published_numbers(utilization, published):
    draw = Random(1).random

    def policy(lengths):
        one, other = int(draw() * 10), int(draw() * 10)
        return one if lengths[one] <= lengths[other] else other

    near(policy, published / utilization, utilization=utilization, requests=400_000)


def works_of(run, speeds):
    """Return the work of each request, from when its server could begin and when it was done."""
    free, works = [0.0] * len(speeds), []
    for came, took, server in zip(*(each.tolist() for each in run), strict=True):
        works.append((came + took - max(came, free[server])) * speeds[server])
        free[server] = came + took
    return np.array(works)


def test_each_request_takes_as_long_as_in_simpy():
    """The same arrivals, work and policy: not on average, each one."""
    simpy = pytest.importorskip("simpy", reason="simpy is a test-only package")
    speeds = [1.0, 2.0, 0.5, 1.0]

    def policy(lengths):
        return min(range(4), key=lambda server: (lengths[server] + 1) / speeds[server])

    run = simulate(policy, servers=4, speeds=speeds, utilization=0.9, requests=20_000)
    works = works_of(run, speeds)
    world, took = simpy.Environment(), np.zeros(len(works))
    lines = [simpy.Resource(world) for _ in speeds]

    def request(number):
        server = policy([line.count + len(line.queue) for line in lines])
        with lines[server].request() as turn:
            yield turn
            yield world.timeout(works[number] / speeds[server])
        took[number] = world.now - run.arrivals[number]

    def source():
        for number, moment in enumerate(run.arrivals):
            yield world.timeout(moment - world.now)
            world.process(request(number))

    world.process(source())
    world.run()
    np.testing.assert_allclose(took, run.seconds, atol=1e-6)
    assert works.mean() == pytest.approx(1, abs=0.03)
    assert works.min() >= -1e-9


@pytest.mark.slow
def test_least_connections_are_those_of_ciw():
    ciw = pytest.importorskip("ciw", reason="ciw is a test-only package")
    servers, utilization, instant = 5, 0.8, ciw.dists.Deterministic(0)
    door = ciw.routing.LoadBalancing(destinations=list(range(2, servers + 2)))
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(servers * utilization)] + [None] * servers,
        service_distributions=[instant] + [ciw.dists.Exponential(1)] * servers,
        number_of_servers=[float("inf")] + [1] * servers,
        routing=ciw.routing.NetworkRouting(routers=[door] + [ciw.routing.Leave()] * servers),
    )
    ciw.seed(1)
    theirs = ciw.Simulation(network)
    theirs.simulate_until_max_customers(40_000, method="Arrive")
    records = sorted((r for r in theirs.get_all_records() if r.node > 1), key=lambda r: r.id_number)
    mean, margin = batch_mean_interval([r.exit_date - r.arrival_date for r in records])
    ours, error = mean_of("least connections", servers=servers, utilization=utilization)
    assert abs(mean - ours) < 1.5 * margin + error
    assert 1.5 * margin + error < 0.2 * ours


def plain(policy, arrivals, works, speeds, staleness):
    """Return times and servers, by looking at every request again for each one: slow and plain."""
    begun, ends, chosen = [], [], []
    for now, work in zip(arrivals, works, strict=True):
        looked = now if not staleness else now // staleness * staleness
        seen = [
            sum(
                s == server and b <= looked < e for b, e, s in zip(begun, ends, chosen, strict=True)
            )
            for server in range(len(speeds))
        ]
        server = policy(seen)
        before = [e for e, s in zip(ends, chosen, strict=True) if s == server]
        begun.append(now)
        ends.append(max([now, *before]) + work / speeds[server])
        chosen.append(server)
    return np.array(ends) - arrivals, chosen


@pytest.mark.parametrize("staleness", [0.0, 0.5, 3.0])
def test_each_request_is_served_as_in_a_plain_simulation(staleness):
    speeds = [1.0, 2.0, 0.5]

    def policy(lengths):
        return lengths.index(min(lengths))

    settings = {"servers": 3, "speeds": speeds, "utilization": 0.9, "requests": 600}
    run = simulate(policy, **settings, staleness=staleness)
    seconds, chosen = plain(policy, run.arrivals, works_of(run, speeds), speeds, staleness)
    np.testing.assert_array_equal(chosen, run.chosen)
    np.testing.assert_allclose(seconds, run.seconds, atol=1e-9)


# --- stale reports ------------------------------------------------------------------------------


def test_old_reports_make_the_best_policy_the_worst():
    requests = {"requests": 60_000}
    fresh = {policy: mean_of(policy, **requests)[0] for policy in POLICIES}
    assert sorted(fresh, key=fresh.get) == list(POLICIES)[::-1]
    old = {policy: mean_of(policy, **requests, staleness=8)[0] for policy in POLICIES}
    assert old["least connections"] > 1.5 * old["random"]
    assert old["two choices"] < old["random"]
    assert [old[p] for p in ("random", "round robin")] == [
        fresh[p] for p in ("random", "round robin")
    ]


# --- what comes back ----------------------------------------------------------------------------


def test_policies_get_the_same_requests_and_a_seed_repeats_them():
    runs = [simulate(policy, requests=500, seed=3) for policy in POLICIES]
    for run in runs:
        np.testing.assert_array_equal(run.arrivals, runs[0].arrivals)
        assert works_of(run, [1.0] * 10).sum() == pytest.approx(works_of(runs[0], [1.0] * 10).sum())
    again = simulate("two choices", requests=500, seed=3)
    np.testing.assert_array_equal(again.seconds, runs[2].seconds)
    assert simulate("two choices", requests=500, seed=4).seconds.sum() != again.seconds.sum()


def test_round_robin_takes_turns_and_random_is_even():
    assert simulate("round robin", servers=3, requests=7).chosen.tolist() == [0, 1, 2, 0, 1, 2, 0]
    shares = np.bincount(simulate("random", servers=4, requests=40_000).chosen) / 40_000
    assert shares == pytest.approx([0.25] * 4, abs=0.01)


def test_service_times_have_the_variation_asked_for():
    for variation in (0.0, 0.5, 1.0, 4.0):
        run = simulate("random", servers=2, utilization=0.3, variation=variation)
        works = works_of(run, [1.0, 1.0])
        assert (works.mean(), works.var()) == pytest.approx((1, variation), abs=0.15)


def test_a_line_holds_who_has_come_and_not_left():
    run = simulate("two choices", servers=3, requests=300)
    moments = np.linspace(0, run.arrivals[-1], 50)
    lengths = lengths_at(run, moments, servers=3)
    assert lengths.shape == (3, 50)
    left = run.arrivals + run.seconds
    for column, moment in enumerate(moments):
        inside = (run.arrivals <= moment) & (moment < left)
        counts = np.bincount(run.chosen[inside], minlength=3)
        np.testing.assert_array_equal(lengths[:, column], counts)


def test_the_time_average_of_the_lines_is_littles_law():
    run = simulate("least work", utilization=0.8)
    moments = np.linspace(2000, run.arrivals[-1], 5000)
    inside = lengths_at(run, moments, 10).sum(axis=0).mean()
    assert inside == pytest.approx(8.0 * run.seconds.mean(), rel=0.05)


def test_one_server_leaves_no_choice():
    times = [
        simulate(p, servers=1, requests=2000, staleness=s).seconds.sum()
        for p in POLICIES
        for s in (0, 2)
    ]
    assert times == pytest.approx([times[0]] * len(times))


# --- a policy of one's own ----------------------------------------------------------------------


def test_a_policy_of_ones_own_sees_the_lines_and_cannot_change_them():
    with pytest.raises(AttributeError, match="sort"):
        simulate(lambda lengths: lengths.sort() or 0, requests=10)
    mine = simulate(lambda lengths: int(np.argmin(lengths)), requests=50_000).seconds.mean()
    named = simulate("least connections", requests=50_000).seconds.mean()
    assert mine == pytest.approx(named, rel=0.1)  # they differ in who is taken where two are equal


@pytest.mark.parametrize("answer", [10, -1, None, 1.5, "0", np.array([1]), np.arange(2)])
def test_an_answer_that_is_no_server_is_told(answer):
    with pytest.raises(ValueError, match=r"0 to 9\. It returned .* when the servers had \[0, 0"):
        simulate(lambda lengths: answer, requests=10)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"policy": "best"}, "one of random, round robin, two choices"),
        ({"servers": 0}, "at least one server"),
        ({"utilization": 0}, "utilization must be above 0"),
        ({"staleness": -1}, "staleness"),
        ({"speeds": [1, 2]}, "10 numbers above 0"),
        ({"speeds": [0] * 10}, "10 numbers above 0"),
    ],
)
def test_settings_without_a_meaning_are_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        simulate(**({"policy": "random"} | settings))
