"""Sequences: what the files hold, that nothing looks ahead, and who came first."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from labkit.data import (
    DataError,
    load_unemployment,
    load_vowels,
    packaged,
)
from labkit.data.sequences import pad, walk_forward, which_first, windows

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
VOWELS_FILE = packaged.PACKAGED["vowels"].file


# --- the vowels -----------------------------------------------------------------------------------


def test_the_vowels_are_those_that_the_archive_describes():
    vowels = load_vowels()
    assert np.bincount(vowels.y_train).tolist() == [30] * 9
    assert np.bincount(vowels.y_test).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    lengths = {part: [len(each) for each in getattr(vowels, part)] for part in ("train", "test")}
    assert (min(lengths["train"]), max(lengths["train"])) == (7, 26)
    assert (min(lengths["test"]), max(lengths["test"])) == (7, 29)
    assert sum(lengths["train"]) + sum(lengths["test"]) == 9961
    assert {each.shape[1] for each in vowels.train + vowels.test} == {12}
    first = [1.860936, -0.207383, 0.261557]  # the first numbers of the archive's ae.train
    np.testing.assert_allclose(vowels.train[0][0, :3], first, rtol=1e-6)


def test_another_file_is_refused(tmp_path, monkeypatch):
    text = gzip.decompress((ROOT / "data" / VOWELS_FILE).read_bytes())
    (tmp_path / VOWELS_FILE).write_bytes(gzip.compress(text.replace(b"1.860936", b"1.9")))
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"(?s)not the file.*expected SHA-256 75d3127e"):
        load_vowels()
    (tmp_path / VOWELS_FILE).write_bytes(b"no gzip")
    with pytest.raises(DataError, match=r"cannot read .*japanese_vowels"):
        load_vowels()


def test_an_installed_labkit_finds_the_vowels(tmp_path, monkeypatch):
    """pip puts data/ into share/labkit/data of the environment."""
    share = tmp_path / "share/labkit/data"
    share.mkdir(parents=True)
    shutil.copy(ROOT / "data" / VOWELS_FILE, share)
    for name in ("LABKIT_DATA", "LABKIT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(packaged, "__file__", str(tmp_path / "lib/labkit/data/packaged.py"))
    monkeypatch.setattr(packaged.sys, "prefix", str(tmp_path))
    assert len(load_vowels().train) == 270
    monkeypatch.setattr(packaged.sys, "prefix", str(tmp_path / "elsewhere"))
    with pytest.raises(DataError, match=r"is in none of:(?s:.*)install labkit again"):
        load_vowels()


def test_every_hash_and_count_stands_in_the_readme():
    assert all(entry.sha256 in README for entry in packaged.PACKAGED.values())
    for words in (
        "9,961 frames",
        "CC BY 4.0",
        "828 months",
        "31, 35, 88, 44, 29, 24, 40, 50 and 29",
    ):
        assert words in README


# --- unemployment ---------------------------------------------------------------------------------


def test_unemployment_has_every_month_in_order():
    series = load_unemployment()
    assert series.values.shape == series.months.shape == (828,)
    assert (np.diff(series.months) == np.timedelta64(1, "M")).all()
    assert (str(series.months[-1]), float(series.values[-1])) == ("2016-12", 4.5)
    # October 2009, seven years before the end: 9.5 % without seasonal adjustment
    assert float(series.values[series.months == np.datetime64("2009-10")][0]) == 9.5


def test_unemployment_is_seasonal():
    """January lies above the October before it in nearly every year: no adjusted series."""
    values = load_unemployment().values.reshape(-1, 12)
    assert (values[1:, 0] > values[:-1, 9]).mean() > 0.9


# --- padding --------------------------------------------------------------------------------------


def test_padding_stands_where_it_should_and_the_mask_says_so():
    series = [np.ones((2, 3)), np.full((4, 3), 2.0)]
    x, mask = pad(series, length=5, side="pre", value=-9)
    assert x.shape == (2, 5, 3)
    assert x.dtype == np.float32
    assert mask.tolist() == [[False] * 3 + [True] * 2, [False] + [True] * 4]
    assert (x[~mask] == -9).all()
    assert (x[mask][:2] == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("side", ["post", "pre"])
def test_padding_equals_keras(side):
    from labkit.networks.backend import keras

    series = load_vowels().test[:20]
    theirs = keras.utils.pad_sequences(series, maxlen=40, dtype="float32", padding=side)
    np.testing.assert_array_equal(pad(series, 40, side)[0], theirs)


def test_padding_refuses_to_cut():
    with pytest.raises(ValueError, match=r"longest sequence has 4 steps and length is 3"):
        pad([np.zeros((4, 1))], length=3)
    with pytest.raises(ValueError, match=r"'middle'"):
        pad([np.zeros((4, 1))], side="middle")
    with pytest.raises(ValueError, match="steps, features"):
        pad([np.zeros(4)])
    with pytest.raises(ValueError, match="at least one"):
        pad([])


# --- windows and splits ---------------------------------------------------------------------------


@pytest.mark.parametrize("horizon", [0, 1, 5])
@pytest.mark.parametrize("width", [1, 4])
def test_the_target_lies_horizon_rows_after_the_window(width, horizon):
    rows = np.arange(20)
    x, y = windows(rows, width, horizon)
    assert len(x) == len(y) == 20 - width + 1 - horizon
    assert (y - x[:, -1, 0] == horizon).all()
    assert (np.diff(x[:, :, 0], axis=1) == 1).all()


def test_windows_of_tables_keep_rows_and_features_apart():
    rows = np.arange(10)[:, None] * [1, 100]
    x, y = windows(rows, 3)
    assert x.shape == (7, 3, 2)
    assert x[2].tolist() == [[2, 200], [3, 300], [4, 400]]
    assert y[2].tolist() == [5, 500]


def test_windows_own_their_numbers():
    rows = np.arange(6.0)
    x, _ = windows(rows, 3)
    x[0] = 99
    assert rows.tolist() == [0, 1, 2, 3, 4, 5]


def test_windows_that_do_not_fit_are_named():
    with pytest.raises(
        ValueError, match=r"5 rows hold no window of 4 with a target 2 rows later; 6"
    ):
        windows(np.zeros(5), 4, 2)
    with pytest.raises(ValueError, match="width >= 1"):
        windows(np.zeros(5), 0)
    with pytest.raises(ValueError, match=r"\(2, 2, 2\)"):
        windows(np.zeros((2, 2, 2)), 1)


@pytest.mark.parametrize(("count", "folds", "gap"), [(100, 4, 0), (101, 3, 11), (12, 5, 2)])
def test_walk_forward_tests_each_row_once_and_never_trains_on_the_future(count, folds, gap):
    made = walk_forward(count, folds, gap=gap)
    assert len(made) == folds
    tested = np.concatenate([test for _, test in made])
    assert tested.tolist() == list(range(round(count / 2), count))
    for train, test in made:
        assert train.tolist() == list(range(test[0] - gap))


def test_a_gap_of_horizon_less_one_keeps_targets_apart():
    """The last training target lies before the first row that no test window may know."""
    horizon, width = 6, 24
    x, y = windows(np.arange(200), width, horizon)
    for train, test in walk_forward(len(y), 3, gap=horizon - 1):
        assert y[train].max() <= x[test[0], -1, 0]


def test_walk_forward_names_what_is_wrong():
    with pytest.raises(ValueError, match=r"first_train=1\.5"):
        walk_forward(100, 3, first_train=1.5)
    with pytest.raises(ValueError, match="too few"):
        walk_forward(4, 3)


# --- letters in order -----------------------------------------------------------------------------


@pytest.mark.parametrize(("gap", "length"), [(0, None), (13, 40), ([0, 5, 9, 2] * 50, None)])
def test_one_x_and_one_y_in_the_order_told_and_nothing_after_them(gap, length):
    x, y = which_first(200, gap, length, seed=3)
    assert x.shape[1:] == ((length or 6 + np.max(gap)), 6)
    letters, gaps = x.argmax(axis=2), np.broadcast_to(gap, 200)
    assert (x.sum(axis=2) == 1).all()
    for row, first, behind in zip(letters, y, gaps, strict=True):
        spots = np.flatnonzero(row < 2)
        assert row[spots].tolist() == [first, 1 - first]
        assert len(row) - behind - 6 <= spots[0] < spots[1] < len(row) - behind
    assert 70 < y.sum() < 130


def test_which_first_names_what_does_not_fit():
    with pytest.raises(ValueError, match="gap=-1"):
        which_first(3, -1)
    with pytest.raises(ValueError, match="needs 16 steps"):
        which_first(3, 10, length=15)
