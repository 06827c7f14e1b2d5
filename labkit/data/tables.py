"""Small tables of others that lessons learn from: patients, tumors, digits, films.

The first three are scikit-learn's, kept as files of the lab, so that a lesson that only reads one
imports no scikit-learn: a web page waits seconds for that.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labkit.data.packaged import Packaged, verified_text

if TYPE_CHECKING:
    import pandas as pd

TABLES = {
    "diabetes": Packaged(
        "diabetes",
        "labkit",
        None,
        "diabetes.csv.gz",
        "c62f36c952d91c04c60cf9bf682a55ebfcf9e31aa8692b790383d0395ad746e9",
        442,
    ),
    "breast_cancer": Packaged(
        "breast cancer",
        "labkit",
        None,
        "breast_cancer.csv.gz",
        "ddac21cf58cef7fa9e5b519f4b012874e0e80560cceef34a8847ed0fdd333a5f",
        569,
    ),
    "digits": Packaged(
        "scanned digits",
        "labkit",
        None,
        "digits.csv.gz",
        "592cc047d0a1cc7fdef9fd724514209dcb45a80aa147dc3ab375e3e1a9a380f4",
        1797,
    ),
    "films": Packaged(
        "films",
        "labkit",
        None,
        "films.csv.gz",
        "d50129782a522fa3c3d58f7c6a01adbf598fc66cccdf78f1010bfd63998746b7",
        10261,
    ),
    "titanic": Packaged(
        "Titanic",
        "bokeh-sampledata",
        "bokeh_sampledata",
        "_data/titanic_all.csv",
        "05b0f524a4c9737bb963e828364628d8f9e8da1945033bc635e4287890327048",
        1313,
    ),
    "glucose": Packaged(
        "blood sugar",
        "bokeh-sampledata",
        "bokeh_sampledata",
        "_data/CGM.csv.gz",
        "7adf3b557411df4791e89eb9d36e9efcaf3d3d8dd1da40e0d42173ec134d052b",
        52281,
    ),
}


class Table(NamedTuple):
    """A table to learn from.

    Attributes:
        data: measurements, float64 of shape (rows, features).
        target: what to predict, shape (rows,).
        feature_names: of the columns of `data`.
    """

    data: np.ndarray
    target: np.ndarray
    feature_names: list[str]


def load_diabetes() -> Table:
    """Return 442 patients, ten measurements each as they were taken, and the progress in a year.

    Raises:
        DataError: the file is missing or is not the one it should be.

    >>> patients = load_diabetes()
    >>> patients.data.shape, float(patients.target.mean().round(1))
    ((442, 10), 152.1)
    """
    return _table("diabetes")


def load_breast_cancer() -> Table:
    """Return 569 tumors, thirty measurements each, and 1 for the benign, 0 for the malignant.

    Raises:
        DataError: the file is missing or is not the one it should be.

    >>> tumors = load_breast_cancer()
    >>> tumors.data.shape, int(tumors.target.sum())
    ((569, 30), 357)
    """
    return _whole("breast_cancer")


def load_digits() -> Table:
    """Return 1,797 scanned digits of 8 x 8 pixels, each 0 to 16, and which digit each one is.

    Raises:
        DataError: the file is missing or is not the one it should be.

    >>> load_digits().data.shape
    (1797, 64)
    """
    return _whole("digits")


def load_titanic() -> pd.DataFrame:
    """Return the people on the Titanic with the faults of the list: doubled names, missing ages.

    Raises:
        DataError: the file is missing or is not the one it should be.

    >>> len(load_titanic())
    1313
    """
    import pandas as pd

    return pd.read_csv(io.BytesIO(_text("titanic")))


def load_glucose() -> pd.DataFrame:
    """Return what a blood sugar sensor read every five minutes, with its gaps; times are the index.

    Raises:
        DataError: the file is missing or is not the one it should be.

    >>> load_glucose().columns.tolist()
    ['isig', 'glucose']
    """
    import pandas as pd

    return pd.read_csv(io.BytesIO(_text("glucose")), parse_dates=[1], index_col=1)


def film_rows() -> pd.DataFrame:
    """Return the films and their Oscars as they are, by year; see `labkit.data.films.load_films`.

    Raises:
        DataError: the file is missing or is not the one it should be.

    >>> len(film_rows())
    10261
    """
    import pandas as pd

    gaps = {name: [""] for name in ("runtime", "liked", "box_office", "awards")}
    return pd.read_csv(io.BytesIO(_text("films")), keep_default_na=False, na_values=gaps)


def _text(name: str) -> bytes:
    return verified_text(TABLES[name])[1]


def _table(name: str) -> Table:
    text = _text(name)
    numbers = np.loadtxt(io.BytesIO(text), delimiter=",", skiprows=1)
    names = text.split(b"\n", 1)[0].decode().split(",")[:-1]
    return Table(numbers[:, :-1].copy(), numbers[:, -1].copy(), names)


def _whole(name: str) -> Table:
    """Return a table whose target is a class."""
    table = _table(name)
    return table._replace(target=table.target.astype(int))
