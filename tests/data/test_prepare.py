"""Cleaning reports what it did, splits keep apart what they promise, scales are learned once."""

import numpy as np
import pandas as pd
import pytest

from labkit.data import clean, load_glucose, load_titanic, prepare, split


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "name": ["Ann", "Bob", "Bob", "Cleo", "Dan"],
            "age": [30.0, np.nan, np.nan, 999.0, 41.0],
            "class": ["1st", "2nd", "2nd", "3rd", "*"],
        }
    )


# --- cleaning -----------------------------------------------------------------------------------


def test_the_report_counts_what_each_step_removed_changed_and_filled(table):
    steps = {
        "duplicates": lambda t: t.drop_duplicates(),
        "class": lambda t: t[t["class"] != "*"],
        "age": lambda t: t[~(t.age > 120)],
        "mark": lambda t: t.assign(age_missing=t.age.isna().astype(int)),
        "fill": lambda t: t.fillna({"age": 30.0}),
    }
    done = clean.clean(table, steps)
    assert done.report.rows_removed.tolist() == [1, 1, 1, 0, 0]
    assert done.report.cells_changed.tolist() == [0, 0, 0, 0, 1]
    assert done.report.missing_before.tolist() == [2, 1, 1, 1, 1]
    assert done.report.missing_after.tolist() == [1, 1, 1, 1, 0]
    assert done.table.name.tolist() == ["Ann", "Bob"]
    assert done.table.age_missing.tolist() == [0, 1]
    assert {name: rows.index.tolist() for name, rows in done.removed.items()} == {
        "duplicates": [2], "class": [4], "age": [3], "mark": [], "fill": [],
    }  # fmt: skip


def test_nothing_is_lost_unseen(table):
    done = clean.clean(
        table, {"class": lambda t: t[t["class"] == "1st"], "age": lambda t: t.dropna()}
    )
    seen = pd.concat([done.table, *done.removed.values()])
    pd.testing.assert_frame_equal(seen.sort_index(), table)


def test_steps_leave_the_table_that_came_in_as_it_was(table):
    before = table.copy()

    def careless(some):
        some["age"] = 0.0
        return some

    assert clean.clean(table, {"careless": careless}).report.cells_changed.tolist() == [5]
    pd.testing.assert_frame_equal(table, before)


def as_numbers(table):
    return table.assign(x=pd.to_numeric(table.x, errors="coerce"))


def test_text_that_is_read_as_its_number_has_not_changed():
    table = pd.DataFrame({"x": ["2.5", "nil", "-1e3", None], "y": ["1", "b", "c", "d"]})
    done = clean.clean(table, {"numbers": as_numbers})
    assert done.report.cells_changed.tolist() == [1]  # nil became a gap
    assert done.report.missing_after.tolist() == [2]
    wrong = clean.clean(table, {"doubled": lambda t: t.assign(x=[5.0, None, -1000.0, None])})
    assert wrong.report.cells_changed.tolist() == [2]


def test_a_step_may_not_invent_rows(table):
    with pytest.raises(ValueError, match="'more' makes rows"):
        clean.clean(table, {"more": lambda t: pd.concat([t, t])})
    with pytest.raises(ValueError, match="makes rows"):
        clean.clean(table, {"again": lambda t: t.set_axis(range(9, 14))})
    with pytest.raises(ValueError, match="unique"):
        clean.clean(pd.concat([table, table]), {})


# --- splits -------------------------------------------------------------------------------------

LABELS = np.array([0] * 90 + [1] * 10)
GROUPS = np.repeat(np.arange(25), 4)
SPLITS = {
    "random": lambda seed: split.split_random(100, 0.2, seed),
    "stratified": lambda seed: split.split_stratified(LABELS, 0.2, seed),
    "groups": lambda seed: split.split_groups(GROUPS, 0.2, seed),
    "time": lambda seed: split.split_time(np.arange(100), 0.2),
}


@pytest.mark.parametrize("make", SPLITS.values(), ids=SPLITS)
def test_every_row_is_in_exactly_one_part(make):
    for seed in range(5):
        train, test = make(seed)
        assert sorted([*train, *test]) == list(range(100))
        assert len(test) == 20
        for again, first in zip(make(seed), (train, test), strict=True):
            np.testing.assert_array_equal(again, first)


def test_other_seeds_make_other_splits():
    for name in ("random", "stratified", "groups"):
        assert set(SPLITS[name](0)[1]) != set(SPLITS[name](1)[1])


def test_strata_keep_their_share():
    for seed in range(5):
        train, test = SPLITS["stratified"](seed)
        assert LABELS[test].sum() == 2
        assert LABELS[train].sum() == 8
    with pytest.raises(ValueError, match="class"):
        split.split_stratified([0, 0, 0, 0, 0, 1], 0.2)


def test_groups_are_never_torn():
    random = np.random.default_rng(0)
    for seed in range(20):
        names = random.integers(0, 12, 60).astype(str)
        train, test = split.split_groups(names, 0.25, seed)
        assert not set(names[train]) & set(names[test])
        assert len(test) >= 15
    with pytest.raises(ValueError, match="too few"):
        split.split_groups(["a", "a", "a"], 0.4)


def test_time_tests_on_the_future_behind_the_gap():
    times = np.random.default_rng(0).permutation(50)
    train, test = split.split_time(times, 0.2, gap=5)
    assert times[train].max() == 34
    assert sorted(times[test]) == list(range(40, 50))
    with pytest.raises(ValueError, match="gap"):
        split.split_time(times, 0.2, gap=40)


@pytest.mark.parametrize("fraction", [0, 1, 1.2, 0.001])
def test_a_part_may_not_be_empty(fraction):
    with pytest.raises(ValueError, match="test"):
        split.split_random(100, fraction)


def test_columns_instead_of_rows_are_refused():
    column = np.zeros((5, 1))
    for make in (split.split_stratified, split.split_groups, split.split_time, split.oversample):
        with pytest.raises(ValueError, match=r"\(5, 1\)"):
            make(column)


def test_share_seen_counts_exact_copies():
    train = np.array([[0.0, 1.0], [2.0, 3.0]])
    assert split.share_seen(train, [[-0.0, 1.0], [2.0, 3.1], [2.0, 3.0], [9, 9]]) == 0.5
    with pytest.raises(ValueError, match="features"):
        split.share_seen(train, [[1.0]])


# --- balance and labels -------------------------------------------------------------------------


def test_over_and_undersampling_make_classes_equal():
    labels = np.array([0] * 70 + [1] * 20 + [2] * 10)
    more, fewer = split.oversample(labels, 1), split.undersample(labels, 1)
    assert np.bincount(labels[more]).tolist() == [70, 70, 70]
    assert set(more) == set(range(100))
    assert np.bincount(labels[fewer]).tolist() == [10, 10, 10]
    assert len(set(fewer)) == 30


def test_planted_errors_are_wrong_exactly_where_it_says():
    labels = np.random.default_rng(0).integers(0, 4, 1000)
    spoiled, wrong = split.plant_label_errors(labels, 0.1, seed=3)
    assert wrong.sum() == 100
    np.testing.assert_array_equal(spoiled != labels, wrong)
    assert set(spoiled) == {0, 1, 2, 3}
    names, _ = split.plant_label_errors(["cat", "dog"] * 5, 0.2)
    assert set(names) == {"cat", "dog"}
    with pytest.raises(ValueError, match="share"):
        split.plant_label_errors(labels, 10)


def test_the_least_confident_rows_come_first():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.05, 0.95], [0.5, 0.5]])
    assert split.least_confident([0, 0, 0, 1], probabilities, 2).tolist() == [2, 1]
    with pytest.raises(ValueError, match="columns"):
        split.least_confident([0, 0, 0, 2], probabilities, 2)
    with pytest.raises(ValueError, match="count"):
        split.least_confident([0, 0, 0, 1], probabilities, 9)
    with pytest.raises(ValueError, match="classes"):
        split.least_confident([0, 1], probabilities, 1)


# --- scales -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"), [("standard", "StandardScaler"), ("min-max", "MinMaxScaler")]
)
def test_scaling_equals_scikit_learns(kind, name):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    random = np.random.default_rng(0)
    train, test = random.normal(3, 5, (40, 4)), random.normal(0, 9, (10, 4))
    train[:, 2] = 7  # a constant feature
    theirs = getattr(preprocessing, name)().fit(train)
    learned = prepare.fit_scale(train, kind)
    for rows in (train, test):
        np.testing.assert_allclose(
            prepare.scale(rows, *learned), theirs.transform(rows), atol=1e-12
        )


def test_scaling_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="kind"):
        prepare.fit_scale([[1.0]], "robust")
    with pytest.raises(ValueError, match="features"):
        prepare.fit_scale([1.0, 2.0])
    with pytest.raises(ValueError, match="features"):
        prepare.scale(np.zeros((4, 2)), np.zeros((4, 2)), np.ones(2))
    with pytest.raises(ValueError, match="features"):
        prepare.scale(np.zeros((4, 2)), 0.0, 1.0)


def test_large_numbers_stay_finite():
    rows = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]])
    assert prepare.scale(rows, *prepare.fit_scale(rows)).tolist() == [[1, -1], [-1, 1]]


# --- the tables of lesson 05 --------------------------------------------------------------------


def test_the_titanic_list_has_the_faults_that_lesson_05_speaks_of():
    people = load_titanic()
    assert len(people) == 1313
    assert people.age.isna().sum() == 557
    assert (people["class"] == "*").sum() == 1
    assert people.duplicated(["name", "age"]).sum() == 1
    assert people.duplicated("name").sum() == 3


def test_the_sensor_has_the_faults_that_lesson_05_speaks_of():
    sensor = load_glucose().reset_index()
    assert (sensor.isig == "nil").sum() == 1061
    assert sensor.datetime.duplicated().sum() == 3


# --- draws ---------------------------------------------------------------------------------------


CLASSES = np.repeat([0, 1, 2], [20, 30, 40])


def test_a_draw_holds_equally_many_of_each_class_and_no_row_twice():
    rows = split.draw_per_class(CLASSES, 7, seed=3)
    assert np.bincount(CLASSES[rows]).tolist() == [7, 7, 7]
    assert len(set(rows.tolist())) == 21


def test_a_larger_draw_contains_the_smaller_one_and_the_seed_decides():
    few, many = (set(split.draw_per_class(CLASSES, count, seed=3).tolist()) for count in (5, 15))
    assert few < many
    assert few != set(split.draw_per_class(CLASSES, 5, seed=4).tolist())


@pytest.mark.parametrize("count", [0, 21])
def test_a_draw_that_cannot_be_made_says_what_can(count):
    with pytest.raises(ValueError, match=r"1 to 20.*Received"):
        split.draw_per_class(CLASSES, count)
