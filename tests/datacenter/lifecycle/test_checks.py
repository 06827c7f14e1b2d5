"""The same checks find every trap in every field, and are quiet where there is none."""

import numpy as np
import pytest

from labkit.datacenter.lifecycle import checks, fields

SEEDS = range(3)


def found(field, trap, seed):
    archive, live = fields.collect(field, trap, seed)
    looks = checks.check(archive, *checks.split(archive, seed), live)
    return {each.check for each in looks if each.found}


@pytest.mark.parametrize("field", fields.FIELDS)
def test_a_field_without_a_trap_raises_no_alarm(field):
    assert [found(field, None, seed) for seed in SEEDS] == [set() for _ in SEEDS]


@pytest.mark.parametrize("field", fields.FIELDS)
def test_the_trap_that_a_field_sets_is_found_and_no_other(field):
    for seed in SEEDS:
        assert found(field, "own", seed) == {*fields.FIELDS[field].traps}


@pytest.mark.parametrize("trap", fields.TRAPS)
def test_every_trap_is_found_in_every_field(trap):
    assert [field for field in fields.FIELDS if trap not in found(field, trap, 0)] == []


def test_the_same_seed_makes_the_same_tables_and_another_seed_others():
    for field in fields.FIELDS:
        first, again, other = (fields.collect(field, "own", seed)[0].x for seed in (1, 1, 2))
        assert np.array_equal(first, again)
        assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.mark.parametrize("field", fields.FIELDS)
def test_no_live_row_is_in_the_archive(field):
    archive, live = fields.collect(field, "own", 0)
    ends = {row.tobytes() for row in archive.x}
    assert np.mean([row.tobytes() in ends for row in live.x]) < 0.01


def test_followers_are_spearmans_with_ties_and_a_constant_column_follows_nothing():
    from scipy.stats import spearmanr

    archive, _ = fields.collect("speech", "own")
    x = archive.x.copy()
    x[:, 0] = np.random.default_rng(0).integers(0, 5, len(x))
    x[:, 1] = 7.0
    wanted = [abs(spearmanr(archive.place, column)[0]) for column in np.delete(x, 1, axis=1).T]
    found = checks._followers(archive._replace(x=x))
    assert np.allclose(np.delete(found, 1), wanted)
    assert found[1] == 0


def test_distances_are_scipys_of_scaled_columns():
    from scipy.spatial.distance import cdist

    random = np.random.default_rng(0)
    a, b = random.normal(size=(5, 3)), random.normal(size=(8, 3)) * [1, 10, 100]
    right = cdist(a / (b.std(0) + 1e-6), b / (b.std(0) + 1e-6), "sqeuclidean")
    assert np.allclose(checks._distances(a, b), right)


def test_repeats_are_those_of_a_markov_chain():
    random = np.random.default_rng(0)
    y = np.cumsum(random.random(40_000) < 0.1) % 2  # correlation 0.8, so (1 + r) / (1 - r) = 9
    table = fields.Table(y[:, None], y, y, np.arange(len(y)), ("a",), ("0", "1"))
    assert checks._repeats(table) == pytest.approx(9, rel=0.1)


@pytest.mark.parametrize(
    ("field", "trap", "told"), [("visual", None, "vision"), ("vision", "hole", "copies")]
)
def test_a_wrong_name_is_told_with_the_right_ones(field, trap, told):
    with pytest.raises(ValueError, match=told):
        fields.collect(field, trap)


def test_rows_that_came_back_stand_below_those_of_the_archive():
    archive, live = fields.collect("speech", "own")
    both = archive.plus(live.rows(np.arange(5)))
    assert np.array_equal(both.x[-5:], live.x[:5])
    assert np.array_equal(both.place, [*archive.place, *live.place[:5]])
    assert both.columns == archive.columns
