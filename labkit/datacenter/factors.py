"""Numbers that carry their mark: who says so, and how far it may be off.

A tracker's "0.000119 kWh" looks measured. Mostly one of its factors is: the time. Here every factor
says what it is: *measured* on this machine, *modeled* by a formula, *quoted* from a named and dated
source, or *assumed* because nobody said so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

MARKS = ("measured", "modeled", "quoted", "assumed")


@dataclass(frozen=True)
class Factor:
    """One number of an estimate.

    Args:
        value: the number.
        unit: its unit, as in "kg/kWh".
        mark: "measured", "modeled", "quoted" or "assumed".
        source: who says so and when; a quoted number must name a year.
        low, high: the range in which it may lie; the value itself when left out.

    Raises:
        ValueError: an unknown mark, a quotation without a year, or a range without the value.

    >>> Factor(400, "W", "quoted", "NVIDIA, A100 data sheet, 2020").low
    400
    """

    value: float
    unit: str
    mark: str
    source: str = ""
    low: float | None = None
    high: float | None = None

    def __post_init__(self):
        for end in ("low", "high"):
            if getattr(self, end) is None:
                object.__setattr__(self, end, self.value)
        if self.mark not in MARKS:
            raise ValueError(f"mark must be one of {', '.join(MARKS)}. Received: {self.mark!r}")
        if self.mark == "quoted" and not re.search(r"\b(19|20)\d\d\b", self.source):
            raise ValueError(
                f"a quoted number needs a source with its year. Received: {self.source!r}"
            )
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"low <= value <= high must hold. Received: {self.low}, {self.value}, {self.high}"
            )


def mark_of(factors: Iterable[Factor]) -> str:
    """Return the mark of what is computed from these: measured only where all of them are.

    >>> watts, seconds = Factor(4, "W", "assumed"), Factor(15.5, "s", "measured")
    >>> mark_of([watts, seconds])
    'modeled (from 1 measured, 1 assumed)'
    >>> mark_of([seconds])
    'measured'
    """
    counts = Counter(factor.mark for factor in factors)
    if set(counts) <= {"measured"}:
        return "measured"
    told = ", ".join(f"{counts[mark]} {mark}" for mark in MARKS if counts[mark])
    return f"modeled (from {told})"


# --- quoted: each with its source and year --------------------------------------------------------

_MIX = "Our World in Data (Ember), 2023"
_AR5 = "IPCC, AR5 WG III, annex III, 2014: median and range over the life cycle"


def _grid(grams: float) -> Factor:
    return Factor(grams / 1000, "kg/kWh", "quoted", _MIX)


# A country's mean over a year, as codecarbon 3.3.2 ships it. Its hours differ: the sun sets.
GRID = {
    "Norway": _grid(30.080),
    "Sweden": _grid(40.695),
    "France": _grid(56.039),
    "UK": _grid(237.589),
    "USA": _grid(369.473),
    "Germany": _grid(380.950),
    "China": _grid(582.317),
    "India": _grid(713.441),
}

# What one kilowatt hour costs the climate when building the plant counts too.
SOURCES = {
    "wind, on land": Factor(0.011, "kg/kWh", "quoted", _AR5, 0.007, 0.056),
    "solar, large field": Factor(0.048, "kg/kWh", "quoted", _AR5, 0.018, 0.180),
    "hydropower": Factor(0.024, "kg/kWh", "quoted", _AR5, 0.001, 2.200),
    "coal": Factor(0.820, "kg/kWh", "quoted", _AR5, 0.740, 0.910),
}

_SURVEY = "Uptime Institute, Global Data Center Survey, {}: mean of the largest site of each answer"
PUE = {
    "best large sites": Factor(1.10, "", "quoted", "Patterson and others, 2021: Google's mean"),
    "mean of the survey, 2023": Factor(1.58, "", "quoted", _SURVEY.format(2023)),
    "mean of the survey, 2024": Factor(1.56, "", "quoted", _SURVEY.format(2024)),
}


@dataclass(frozen=True)
class Device:
    """An accelerator as its data sheet describes it.

    Args:
        peak: FLOP a second of its matrix units in 16 bits.
        watts: what its maker lets it draw.
        memory: bytes on it.
    """

    peak: Factor
    watts: Factor
    memory: Factor


DEVICES = {
    "V100": Device(
        Factor(125e12, "FLOP/s", "quoted", "NVIDIA, V100 SXM2 data sheet, 2017"),
        Factor(300, "W", "quoted", "NVIDIA, V100 SXM2 data sheet, 2017"),
        Factor(32e9, "B", "quoted", "NVIDIA, V100 SXM2 data sheet, 2018"),
    ),
    "A100": Device(
        Factor(312e12, "FLOP/s", "quoted", "NVIDIA, A100 SXM data sheet, 2020"),
        Factor(400, "W", "quoted", "NVIDIA, A100 SXM data sheet, 2020"),
        Factor(80e9, "B", "quoted", "NVIDIA, A100 SXM 80 GB data sheet, 2021"),
    ),
    "H100": Device(
        Factor(989e12, "FLOP/s", "quoted", "NVIDIA, H100 SXM data sheet, 2023: dense"),
        Factor(700, "W", "quoted", "NVIDIA, H100 SXM data sheet, 2023"),
        Factor(80e9, "B", "quoted", "NVIDIA, H100 SXM data sheet, 2023"),
    ),
}

# A server with eight A100: bought, and rented by the hour.
SERVER = {
    "price": Factor(199_000, "$", "quoted", "DGX A100 at its launch, press of May 2020"),
    "watts": Factor(6500, "W", "quoted", "NVIDIA, DGX A100 data sheet, 2020: at most"),
    "rent": Factor(32.77, "$/h", "quoted", "AWS, p4d.24xlarge on demand, Virginia, 2023"),
    "rent, reserved": Factor(14.75, "$/h", "quoted", "AWS Capacity Blocks, p4d, Ohio, end of 2024"),
}
DGX_H100_WATTS = Factor(10_200, "W", "quoted", "NVIDIA, DGX H100 data sheet, 2023: at most")

ELECTRICITY = Factor(0.0806, "$/kWh", "quoted", "EIA, 2024: mean of US industry in 2023")

# Patterson and others, Carbon Emissions and Large Neural Network Training (2021), table 4.
_PATTERSON = "Patterson and others, 2021, table 4"
GPT3 = {
    "parameters": Factor(175e9, "", "quoted", "Brown and others, 2020"),
    "tokens": Factor(300e9, "", "quoted", "Brown and others, 2020"),
    "flop": Factor(3.14e23, "FLOP", "quoted", _PATTERSON),
    "flop_per_second": Factor(24.6e12, "FLOP/s", "quoted", _PATTERSON + ": one V100"),
    "watts": Factor(330, "W", "quoted", _PATTERSON + ": one V100 and its share of the server"),
    "pue": Factor(1.10, "", "quoted", _PATTERSON),
    "kg_per_kwh": Factor(0.429, "kg/kWh", "quoted", _PATTERSON),
    "mwh": Factor(1287, "MWh", "quoted", _PATTERSON),
    "tons": Factor(552.1, "t", "quoted", _PATTERSON),
}

# What one may assume of a training on V100 without having seen it: `energy.draws` takes the ranges.
UNKNOWN = {
    "country": Factor(0.429, "kg/kWh", "quoted", "Patterson, 2021; range: " + _MIX, 0.030, 0.713),
    "utilization": Factor(0.197, "of peak", "assumed", low=0.10, high=0.40),
    "pue": Factor(1.10, "", "quoted", "Patterson, 2021, to the survey of 2023", 1.10, 1.58),
    "watts": Factor(
        330,
        "W",
        "quoted",
        "Patterson, 2021; range assumed: the chip alone to 1/8 of a server of 3,500 W",
        300,
        438,
    ),
}

# What codecarbon 3.3.2 (2026) takes where it can read no power; the ranges are this lab's.
TRACKER = {
    "watts a thread": Factor(4, "W", "assumed", "codecarbon's default", 2, 8),
    "memory modules": Factor(4, "", "assumed", "codecarbon's guess for 17 to 64 GB", 1, 8),
    "watts a module": Factor(5, "W", "assumed", "codecarbon's default", 2, 5),
    "PUE": Factor(1.0, "", "assumed", "no building", 1.0, 1.58),
    "grid": replace(GRID["USA"], source="USA: " + _MIX, low=0.030, high=0.713),
}
