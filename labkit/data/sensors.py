"""Sensor readings of a space shuttle, normal or not, from the package river."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from labkit.data.packaged import packaged_source, packaged_text


@dataclass(frozen=True)
class Shuttle:
    """Readings of Statlog (Shuttle), in the order of the file, which is not that of time.

    Attributes:
        x: nine columns f1 to f9, float64, shape (n, 9); f1 is the time, in an unknown unit.
        y: 1 where the reading is an anomaly, else 0, shape (n,).
        source: which file was used, in words; lessons record it.
    """

    x: np.ndarray
    y: np.ndarray
    source: str


def load_shuttle() -> Shuttle:
    """Return 49,097 readings, of which 3,511 are anomalies.

    Raises:
        DataError: the package river is not installed, or its file is not the published one.

    >>> shuttle = load_shuttle()  # doctest: +SKIP
    >>> shuttle.x.shape, int(shuttle.y.sum())  # doctest: +SKIP
    ((49097, 9), 3511)
    """
    path, text = packaged_text("shuttle")
    table = np.loadtxt(io.BytesIO(text), dtype=np.int64, delimiter=",", skiprows=1)
    source = f"Shuttle sensors: {packaged_source('shuttle', path)}"
    return Shuttle(table[:, :9].astype(float), table[:, 9], source)
