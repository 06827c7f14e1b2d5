"""Print latency and goodput of a real server beside the simulated one and theory, same requests.

The accelerator is emulated: 20 + 1 b ms. What HTTP, Python and other programs add is the rest.
"""

import argparse
import os

import numpy as np

from labkit.datacenter.serving import load, theory
from labkit.datacenter.serving.served import Served
from labkit.datacenter.serving.simulator import simulate, simulate_closed
from labkit.datacenter.serving.traffic import bursts, percentile, poisson
from labkit.datacenter.steps import Line

LINE, MODEL = Line(0.020, 0.001), "emulated:20+1"
PLANS = {"Poisson": poisson, "bursts of 8": lambda *args: bursts(*args[:2], 8, 0.005, *args[2:])}
OPEN = [  # what comes, requests a second, rules
    *[("Poisson", rate, {"max_batch": 1}) for rate in (10, 24, 38)],
    *[("Poisson", rate, {"max_batch": 8}) for rate in (40, 150, 250)],
    *[("Poisson", 100, {"max_batch": 1, "queue_limit": limit}) for limit in (1000, 5)],
    *[("Poisson", 20, {"max_batch": 8, "max_wait": wait}) for wait in (0.0, 0.1)],
    *[("bursts of 8", 40, {"max_batch": 8, "max_wait": wait}) for wait in (0.0, 0.1)],
]
CLOSED = [  # clients, rules
    (1, {"max_batch": 1}),
    (5, {"max_batch": 1}),
    *[(8, {"max_batch": 8, "max_wait": wait}) for wait in (0.0, 0.1)],
]


def told(answers):
    """Return mean, p50 and p99 in ms, answers a second, and the share refused."""
    ms = [answers.latency.mean(), *map(answers.percentile, (0.5, 0.99))]
    numbers = "".join(f"{1e3 * each:7.0f}" for each in ms)
    return f"{numbers}{answers.goodput:7.1f}{answers.refused:6.0%}"


def named(what, rules):
    """Return what comes and the rules, in a column."""
    return f"{what}, {', '.join(f'{name} {value}' for name, value in rules.items())}:"


def print_row(what, rules, simulated, real, modeled=""):
    """Print one setting."""
    print(f"{named(what, rules):56} {told(simulated)} | {told(real)}  {modeled}", flush=True)


def print_open(seconds, seed):
    """Print open loops: each request is sent when it is planned."""
    for what, rate, rules in OPEN:
        planned = PLANS[what](rate, seconds, seed)
        with Served(MODEL, **rules) as server:
            real = load.open_loop(load.target(server), planned)
        steady = rate < theory.capacity(LINE, rules["max_batch"]) and what == "Poisson"
        mean = 1e3 * theory.steady(LINE, rate, rules["max_batch"]).latency if steady else 0
        modeled = f"{mean:.0f} ms without waiting" if steady else ""
        print_row(f"{what}, {rate}/s", rules, simulate(planned, LINE, **rules), real, modeled)


def print_closed(seconds):
    """Print closed loops: a client waits for its answer."""
    for clients, rules in CLOSED:
        with Served(MODEL, **rules) as server:
            real = load.closed_loop(load.target(server), clients, seconds)
        simulated = simulate_closed(clients, seconds, LINE, **rules)
        print_row(f"closed loop of {clients}", rules, simulated, real)


def print_stall():
    """Print what a client that waits sees of a server that stands still for a second."""
    planned = np.arange(400) / 100
    with Served("emulated:1+0") as server, load.stalled(server, after=1.0, seconds=1.0):
        real = load.one_by_one(load.target(server), planned)
    seen, felt = (1e3 * percentile(each, 0.99) for each in (real.response, real.latency))
    said = 1e3 * theory.stall_percentile(1.0, 4.0, 0.99)
    print(f"stall of 1 s in 4 s, one client: p99 {seen:.0f} ms from sending, {felt:.0f} from plan")
    print(f"  formula: {said:.0f} ms from the plan")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("load of the machine:", *os.getloadavg())
    columns = f"{'mean':>7}{'p50':>7}{'p99':>7}{'1/s':>7}{'503':>6}"
    print(f"{'ms, and answers a second':56} {columns} | {columns}  mean in theory")
    print(f"{'':56} {'simulated':>34} | {'measured':>34}")
    print_open(options.seconds, options.seed)
    print_closed(options.seconds)
    print_stall()
