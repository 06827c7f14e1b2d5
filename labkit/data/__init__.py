"""Data sets of the lab: loaded from installed packages, verified by hash, offline.

`packaged` verifies files inside packages; `digits`, `prices`, `sensors`, `sequences` and `text`
load them; `datasets` lists and fetches all. `films` are a table with faults planted on purpose.
`gpu_runs` holds what was measured on GPUs.
`clean` and `split` work on tables, each step with its report; `prepare` scales columns and changes
images for training.
"""

from labkit.data.datasets import DataSet, available, fetch
from labkit.data.digits import Digits, load_mnist, load_scans
from labkit.data.packaged import DataError
from labkit.data.prices import Prices, load_prices
from labkit.data.sensors import Shuttle, load_shuttle
from labkit.data.sequences import Monthly, Vowels, load_unemployment, load_vowels
from labkit.data.tables import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_glucose,
    load_titanic,
)
from labkit.data.text import Text, load_text

__all__ = [
    "DataError",
    "DataSet",
    "Digits",
    "Monthly",
    "Prices",
    "Shuttle",
    "Text",
    "Vowels",
    "available",
    "fetch",
    "load_breast_cancer",
    "load_diabetes",
    "load_digits",
    "load_glucose",
    "load_mnist",
    "load_prices",
    "load_scans",
    "load_shuttle",
    "load_text",
    "load_titanic",
    "load_unemployment",
    "load_vowels",
]
