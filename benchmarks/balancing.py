"""Print how many requests a second the simulated servers take, beside simpy and ciw, by CPU time.

Ten servers at utilization 0.9, a line before each. All get as many requests; those of simpy and ciw
are written as their manuals show, with the same policy. Means stand beside the formulas.
"""

import argparse
import random
import time

import numpy as np

from labkit.datacenter import queues
from labkit.datacenter.balancing.simulator import POLICIES, simulate
from labkit.maths.intervals import batch_mean_interval

SERVERS, UTILIZATION = 10, 0.9
FORMULAS = {
    "random": queues.mm1_time(UTILIZATION),
    "round robin": queues.round_robin_time(SERVERS, UTILIZATION),
    "two choices": queues.two_choices_time(UTILIZATION),
    "least work": 1 + queues.mmc_wait(SERVERS, SERVERS * UTILIZATION),
}


def with_simpy(requests, policy):
    """Simulate two choices or least connections with simpy."""
    import simpy

    draw, world = random.Random(0), simpy.Environment()
    lines = [simpy.Resource(world) for _ in range(SERVERS)]

    def length(line):
        return line.count + len(line.queue)

    def request():
        looked = draw.sample(lines, 2) if policy == "two choices" else lines
        with min(looked, key=length).request() as turn:
            yield turn
            yield world.timeout(draw.expovariate(1))

    def source():
        for _ in range(requests):
            yield world.timeout(draw.expovariate(SERVERS * UTILIZATION))
            world.process(request())

    world.process(source())
    world.run()


def with_ciw(requests, policy):
    """Simulate least connections with ciw, which has no two choices."""
    import ciw

    door = ciw.routing.LoadBalancing(destinations=list(range(2, SERVERS + 2)))
    exponential, nobody = ciw.dists.Exponential, [None] * SERVERS
    network = ciw.create_network(
        arrival_distributions=[exponential(SERVERS * UTILIZATION), *nobody],
        service_distributions=[ciw.dists.Deterministic(0), *[exponential(1)] * SERVERS],
        number_of_servers=[float("inf"), *[1] * SERVERS],
        routing=ciw.routing.NetworkRouting(routers=[door, *[ciw.routing.Leave()] * SERVERS]),
    )
    ciw.Simulation(network).simulate_until_max_customers(requests, method="Arrive")


def ours(requests, policy):
    """Simulate any policy with the lab."""
    simulate(policy, SERVERS, UTILIZATION, requests)


def shortest(lengths):
    """Return the first of the shortest lines, as a learner would write it."""
    return lengths.index(min(lengths))


def shortest_by_numpy(lengths):
    """Return the same by NumPy."""
    return np.argmin(lengths)


def requests_a_second(simulator, requests, policy, rounds=3):
    """Return the most requests a second of CPU time, of some rounds."""
    taken = []
    for _ in range(rounds):
        begun = time.process_time()
        simulator(requests, policy)
        taken.append(time.process_time() - begun)
    return requests / min(taken)


def print_speeds(requests):
    """Print the speed of every policy, and of two other simulators."""
    print(f"requests a second of CPU time, one core, plain Python, {requests:,} at a time")
    speeds = {name: requests_a_second(ours, requests, name) for name in POLICIES}
    speeds["a function of one's own"] = requests_a_second(ours, requests, shortest)
    speeds["the same with NumPy"] = requests_a_second(ours, requests, shortest_by_numpy)
    for name, speed in speeds.items():
        print(f"  {name:24} {speed:12,.0f}")
    others = [("simpy", with_simpy, "two choices"), ("simpy", with_simpy, "least connections")]
    others.append(("ciw", with_ciw, "least connections"))
    for name, simulator, policy in others:
        speed = requests_a_second(simulator, requests // 10, policy, rounds=2)
        print(f"  {name}, {policy:18} {speed:12,.0f}   lab: {speeds[policy] / speed:.0f} times")


def print_means(requests):
    """Print mean times with intervals beside the formulas."""
    print(f"mean time in service times, {requests:,} requests, 95 % interval")
    for name in POLICIES:
        mean, margin = batch_mean_interval(simulate(name, SERVERS, UTILIZATION, requests).seconds)
        beside = f"formula {FORMULAS[name]:.3f}" if name in FORMULAS else "no formula"
        print(f"  {name:24} {mean:7.3f} ± {margin:.3f}   {beside}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000, help="of each run")
    requests = parser.parse_args().requests
    print_speeds(requests)
    print_means(2 * requests)
