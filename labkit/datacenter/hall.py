"""One hall of a data center in formulas: power, cooling, network, storage, availability."""

from __future__ import annotations

from math import ceil, comb, prod

from labkit.datacenter.energy import HOURS
from labkit.datacenter.factors import Factor

AIR = 1.2 * 1005  # J for a cubic meter of air and a kelvin: density x heat capacity at 20 degrees C


# --- how often it is up ---------------------------------------------------------------------------


def series(*availabilities: float) -> float:
    """Return the availability of parts that are all needed.

    >>> round(series(0.99, 0.99), 4)
    0.9801
    """
    return prod(availabilities)


def enough(availability: float, needed: int, present: int) -> float:
    """Return how often at least `needed` of `present` equal parts are up, if each fails alone.

    N+1 modules, two power paths, and the pieces of an erasure code are all this one formula.

    Raises:
        ValueError: more needed than present.

    >>> enough(0.99, needed=1, present=2)
    0.9999
    """
    if not 0 <= needed <= present:
        raise ValueError(f"needed must lie in 0 to present. Received: {needed}, {present}")
    up, down = availability, 1 - availability
    return sum(comb(present, n) * up**n * down ** (present - n) for n in range(needed, present + 1))


def hours_down(availability: float) -> float:
    """Return the hours without service in a year of 365 days.

    >>> round(hours_down(0.99671), 1)
    28.8
    """
    return (1 - availability) * HOURS


_PAPER = "Uptime Institute white paper, 2006, as reprinted"
_PAGE = "datacenters.com and others, seen in 2026"
# Hours without service in a year, and the percentage that many pages print beside them.
TIERS = {
    tier: (Factor(hours, "h", "quoted", _PAPER), Factor(percent, "%", "quoted", _PAGE))
    for tier, hours, percent in [
        ("I", 28.8, 99.671),
        ("II", 22.0, 99.741),
        ("III", 1.6, 99.982),
        ("IV", 0.4, 99.995),
    ]
}


# --- power, cooling, network, storage -------------------------------------------------------------


def modules(load: float, size: float, spare: int = 1) -> int:
    """Return how many modules carry a load, with so many to spare: N + spare.

    >>> modules(load=1000, size=250, spare=1)
    5
    """
    return ceil(load / size) + spare


def air(watts: float, kelvin: float) -> float:
    """Return the cubic meters of air a second that carry so much heat away.

    Args:
        watts: of the computers; all of it becomes heat.
        kelvin: by how much the air warms up.

    >>> round(air(10_000, 12), 2)
    0.69
    """
    return watts / (AIR * kelvin)


def oversubscription(down: float, up: float) -> float:
    """Return what a switch can take from its servers over what it can pass on.

    >>> oversubscription(down=32 * 100, up=8 * 400)
    1.0
    """
    return down / up


def bisection(servers: int, bits_per_second: float, oversubscription: float = 1.0) -> float:
    """Return the bits a second that one half of the servers can send to the other half.

    >>> bisection(64, 100e9, oversubscription=2)
    1600000000000.0
    """
    return servers / 2 * bits_per_second / oversubscription


def storage(data: float, pieces: int, parity: int = 0) -> float:
    """Return the bytes on disk: objects in `pieces` that rebuild them, and `parity` more.

    Three full copies are one piece and two of parity.

    >>> storage(1e15, pieces=1, parity=2), storage(1e15, pieces=8, parity=3)
    (3000000000000000.0, 1375000000000000.0)
    """
    return data * (pieces + parity) / pieces
