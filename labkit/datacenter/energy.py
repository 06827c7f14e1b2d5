"""Energy, carbon and cost of a job: few formulas, and which of their factors decides.

kWh = sum of watts x hours, times PUE; kg = kWh x kg a kWh; cost = hours x price. What is hard about
them is not the multiplication, but who measured the factors (`factors`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from labkit.datacenter.factors import TRACKER, Factor

JOULES = 3.6e6  # in one kilowatt hour
HOURS = 8760  # in a year of 365 days
SHARES_A_CORE = hasattr(os, "sched_setaffinity")  # whether `timed` can choose its core


# --- energy, carbon, money ------------------------------------------------------------------------


def kwh(parts: Iterable[tuple[float, float]], pue: float = 1.0) -> float:
    """Return kilowatt hours at the meter of the building.

    Args:
        parts: (watts, seconds) of everything that draws power for the job.
        pue: power usage effectiveness, energy of the building / energy of its computers.

    Raises:
        ValueError: a PUE below 1: the building holds its computers.

    Source: ISO/IEC 30134-2, 2016, for PUE.

    >>> round(kwh([(300, 3600), (100, 1800)], pue=1.5), 3)
    0.525
    """
    if not pue >= 1:
        raise ValueError(f"pue is 1 or more: building / computers. Received: {pue!r}")
    return sum(watts * seconds for watts, seconds in parts) / JOULES * pue


def kilograms(kwh: float, kg_per_kwh: float) -> float:
    """Return the kilograms of CO2 equivalent of an energy from one grid.

    >>> round(kilograms(1_287_000, 0.429))
    552123
    """
    return kwh * kg_per_kwh


def cost_per_million(price_per_hour: float, per_second: float, utilization: float = 1.0) -> float:
    """Return what a million pieces cost: price / throughput.

    Args:
        price_per_hour: dollars for the machine, used or not.
        per_second: tokens, images, ... a second while it works.
        utilization: share of the time in which it works.

    >>> round(cost_per_million(3.6, 1000), 9)
    1.0
    """
    return price_per_hour / 3600 / (per_second * utilization) * 1e6


def break_even_hours(price: float, rent: float, running: float) -> float:
    """Return after how many hours of use a bought machine has cost as much as a rented one.

    Args:
        price: dollars for the machine.
        rent: dollars an hour for the same one, rented.
        running: dollars an hour that the bought one costs while it runs: power, room, care.

    Returns:
        hours of use; infinity where running alone costs as much as the rent.

    >>> break_even_hours(price=20_000, rent=5.0, running=1.0)
    5000.0
    """
    return price / (rent - running) if rent > running else float("inf")


def training_flop(parameters: float, tokens: float) -> float:
    """Return the FLOP of training a dense transformer: 6 N D.

    Two for each weight and token forward (multiply, add), four backward.

    Source: Kaplan and others, Scaling Laws for Neural Language Models (2020), section 2.1.

    >>> f"{training_flop(175e9, 300e9):.3g}"
    '3.15e+23'
    """
    return 6 * parameters * tokens


def training_kwh(flop: float, flop_per_second: float, watts: float, pue: float) -> float:
    """Return kilowatt hours of a training: how many machines share it does not matter.

    Args:
        flop: the work.
        flop_per_second: what one device really does, not its peak.
        watts: one device with its share of the server.
        pue: of the building.

    >>> round(training_kwh(3.14e23, 24.6e12, 330, 1.10) / 1000)
    1287
    """
    return kwh([(watts, flop / flop_per_second)], pue)


# --- a tracker that measures only the time --------------------------------------------------------


def tracker_watts(threads: int, load: float, memory_slots: int = 4) -> dict[str, float]:
    """Return the watts that codecarbon takes for a machine on which it can measure none.

    Args:
        threads: of the processor; 4 W are taken for each where its model is unknown.
        load: mean load of the whole machine, 0 to 1: 10% of those watts at rest, and the other 90%
            grow with its third power.
        memory_slots: 5 W are taken for each of up to four; 4 is its guess for 17 to 64 GB.

    Source: codecarbon 3.3.2 (2026), core/cpu.py, external/hardware.py, external/ram.py.

    >>> {part: round(watts, 2) for part, watts in tracker_watts(2, load=0.979).items()}
    {'processor': 7.56, 'memory': 20}
    """
    thread, slot = (TRACKER[name].value for name in ("watts a thread", "watts a module"))
    return {"processor": thread * threads * (0.1 + 0.9 * load**3), "memory": slot * memory_slots}


class Seconds(NamedTuple):
    """Two clocks of one job: what it used of a core, and how long it took."""

    cpu: float
    wall: float


def timed(worker: Any, job: Callable, *args: Any) -> Seconds:
    """Run a job beside the same job of all other workers; return its two times.

    All workers share one core where the system lets them choose (Linux), so that the others are in
    the way on any machine. Give it to `Workers.run`.

    Args:
        worker: of the pool.
        job: called with `args`.
    """
    allowed = os.sched_getaffinity(0) if SHARES_A_CORE else None
    if allowed:
        os.sched_setaffinity(0, {min(allowed)})
    try:
        worker.barrier()
        cpu, wall = time.process_time(), time.perf_counter()
        job(*args)
        return Seconds(time.process_time() - cpu, time.perf_counter() - wall)
    finally:
        if allowed:
            os.sched_setaffinity(0, allowed)


# --- which factor decides -------------------------------------------------------------------------


def tornado(
    formula: Callable[..., float], factors: Mapping[str, Factor]
) -> dict[str, tuple[float, float]]:
    """Turn one factor at a time over its range, the others at their values.

    Returns:
        name -> (result at its low end, result at its high end), the widest first.

    >>> watts, hours = Factor(300, "W", "assumed", low=200, high=400), Factor(2, "h", "measured")
    >>> tornado(lambda watts, hours: watts * hours, {"hours": hours, "watts": watts})
    {'watts': (400, 800), 'hours': (600, 600)}
    """
    values = {name: factor.value for name, factor in factors.items()}
    bars = {
        name: (formula(**values | {name: factor.low}), formula(**values | {name: factor.high}))
        for name, factor in factors.items()
    }
    return dict(sorted(bars.items(), key=lambda bar: -abs(bar[1][1] - bar[1][0])))


def draws(
    formula: Callable[..., Any], factors: Mapping[str, Factor], repeats: int = 10_000, seed: int = 0
) -> np.ndarray:
    """Draw all factors at once, each anywhere in its range, and return the results.

    Nobody knows how likely which value is: here equal ratios are equally likely (uniform in the
    logarithm), and no factor knows of the others.

    Args:
        formula: takes arrays of shape (repeats,) by name.
        factors: their ranges, above 0.

    Returns:
        array (repeats,).
    """
    rng = np.random.default_rng(seed)
    some = {}
    for name, factor in factors.items():
        ratio = factor.high / factor.low if factor.high > factor.low else 1.0
        some[name] = factor.low * ratio ** rng.random(repeats)
    return np.asarray(formula(**some))
