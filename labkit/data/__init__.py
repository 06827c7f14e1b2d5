"""Data sets of the lab: loaded from installed packages, verified by hash, offline.

`datasets` finds, verifies and fetches; `clean` and `split` work on tables, each step with its
report; `prepare` scales columns and changes images for training; `sequences` pads sequences, cuts
windows and forecasts; `text` brings a text and n-grams.
"""

from labkit.data.datasets import (
    DataError,
    DataSet,
    Digits,
    Prices,
    available,
    fetch,
    load_mnist,
    load_prices,
)
from labkit.data.sequences import Monthly, Vowels, load_unemployment, load_vowels
from labkit.data.text import Text, load_text

__all__ = [
    "DataError",
    "DataSet",
    "Digits",
    "Monthly",
    "Prices",
    "Text",
    "Vowels",
    "available",
    "fetch",
    "load_mnist",
    "load_prices",
    "load_text",
    "load_unemployment",
    "load_vowels",
]
