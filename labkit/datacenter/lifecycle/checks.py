"""One set of checks for every field: is what the score is taken on new to the model?

Each check looks at a table, the rows to learn from and to test on, and a labeled sample of live
rows; it knows no field. It returns one number, the limit beyond which it speaks, and what to do.

Lesson: 28_one_pipeline_six_fields.

>>> from labkit.datacenter.lifecycle import fields
>>> archive, live = fields.collect("vision", "own")
>>> train, test = split(archive)
>>> [found.check for found in check(archive, train, test, live) if found.found]
['copies']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from labkit.data.split import share_seen, split_groups, split_random, split_time
from labkit.datacenter.lifecycle.fields import FIELDS, TRAPS, Table, collect

TEST = 0.25  # share of the archive that is kept for the score
GAP = 60  # rows between the last that is learned from and the first to test on, by time
SAMPLE = 120  # rows of live that somebody has labeled
NEAR = 3  # rows in the file that count as beside each other
FOLLOWS = 0.9  # rank correlation of a column that counts the rows
SURE = 3.5  # standard deviations: chance gets there once in 4,000 times


class Finding(NamedTuple):
    """What a check found.

    Attributes:
        check: its name, one of `CHECKS`.
        found: whether it speaks.
        value: what it measured.
        limit: beyond which it speaks.
        told: what was measured, and what to do, in words.
    """

    check: str
    found: bool
    value: float
    limit: float
    told: str


def split(table: Table, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the rows to learn from and to test on, by the plan of the table.

    Args:
        table: of an archive.
        seed: of a plan that draws.

    Raises:
        ValueError: no such plan.
    """
    if table.plan == "rows":
        return split_random(len(table.y), TEST, seed)
    if table.plan == "groups":
        return split_groups(table.group, TEST, seed)
    if table.plan == "time":
        return split_time(table.place, TEST, GAP)
    raise ValueError(f"a plan is rows, groups or time. Received: {table.plan!r}")


def check(table: Table, train: np.ndarray, test: np.ndarray, live: Table) -> list[Finding]:
    """Return what each check found, in the order of `CHECKS`.

    Args:
        table: the archive.
        train, test: numbers of its rows.
        live: rows that came later, of which `SAMPLE`, spread over all, have labels.
    """
    return [look(table, train, test, live) for look in CHECKS.values()]


def copies(table: Table, train: np.ndarray, test: np.ndarray, live: Table) -> Finding:
    """Find rows to test on that the model learns by heart: exact copies across the split."""
    share = share_seen(table.x[train], table.x[test])
    told = f"{share:.0%} of the test rows are in training, number for number: keep each row once"
    return Finding("copies", share > 0.01, share, 0.01, told)


def groups(table: Table, train: np.ndarray, test: np.ndarray, live: Table) -> Finding:
    """Find things of which some rows are learned and others tested: a torn group."""
    share = float(np.isin(table.group[test], table.group[train]).mean())
    told = f"{share:.0%} of the test rows are of a group that is in training: split by group"
    return Finding("groups", share > 0.01, share, 0.01, told)


def order(table: Table, train: np.ndarray, test: np.ndarray, live: Table) -> Finding:
    """Find columns about the file and not the thing: they count its rows up or down."""
    value = float(_followers(table).max())
    told = f"a column follows the order of the file (rank correlation {value:.2f}): drop it"
    return Finding("order", value > FOLLOWS, value, FOLLOWS, told)


def future(table: Table, train: np.ndarray, test: np.ndarray, live: Table) -> Finding:
    """Find columns that were not known yet when the answer was needed."""
    late = [name for name, known in table.known.items() if (known > table.place).any()]
    share = len(late) / len(table.columns)
    told = f"{share:.0%} of the columns hold what was known later: take what was known then"
    return Finding("future", share > 0, share, 0.0, told)


def prevalence(table: Table, train: np.ndarray, test: np.ndarray, live: Table) -> Finding:
    """Find classes that are more common in the archive than where the model will work.

    Chi-square of both counts, each divided by how much rows in a row repeat each other.
    """
    few = sample(live)
    counts = [np.bincount(each.y, minlength=len(table.classes)) for each in (table, few)]
    first, second = (n / _repeats(each) for n, each in zip(counts, (table, few), strict=True))
    value = _chi_square_sd(first, second)
    told = f"class shares differ from live by {value:.1f} standard deviations: use live's shares"
    return Finding("prevalence", value > SURE, value, SURE, told)


def neighbors(table: Table, train: np.ndarray, test: np.ndarray, live: Table) -> Finding:
    """Find rows whose most similar row to learn from stands right beside them in the file.

    By chance that is as rare as rows of the same class beside them are; where time makes neighbors
    alike, it is common.
    """
    apart = np.abs(table.place[test][:, None] - table.place[train][None, :])
    x = table.without(counters(table)).x
    nearest = _distances(x[test], x[train]).argmin(1)
    share = float((apart[np.arange(len(test)), nearest] <= NEAR).mean())
    same = table.y[test][:, None] == table.y[train][None, :]
    chance = float((((apart <= NEAR) & same).sum(1) / np.maximum(same.sum(1), 1)).mean())
    limit = chance + SURE * np.sqrt(chance * (1 - chance) / len(test)) + 0.02
    told = f"{share:.0%} of the test rows have their double beside them in the file: split by time"
    return Finding("neighbors", share > limit, share, float(limit), told)


CHECKS: dict[str, Callable[[Table, np.ndarray, np.ndarray, Table], Finding]] = {
    "copies": copies,
    "groups": groups,
    "order": order,
    "future": future,
    "prevalence": prevalence,
    "neighbors": neighbors,
}


def counts(seeds: Iterable[int]) -> dict[str, np.ndarray]:
    """Return planted trap, or "none" -> how often each check spoke, shape (fields, checks).

    Args:
        seeds: one run of each field with each trap for each of them.
    """
    found = {}
    for trap in (None, *TRAPS):
        spoke = np.zeros((len(FIELDS), len(CHECKS)), int)
        for row, field in enumerate(FIELDS):
            for seed in seeds:
                archive, live = collect(field, trap, seed)
                looks = check(archive, *split(archive, seed), live)
                spoke[row] += [each.found for each in looks]
        found[trap or "none"] = spoke
    return found


def sample(live: Table) -> Table:
    """Return the rows of live that somebody has labeled: `SAMPLE` of them, spread over all."""
    return live.rows(np.linspace(0, len(live.y) - 1, min(SAMPLE, len(live.y))).astype(int))


# --- inside ---------------------------------------------------------------------------------------


def _followers(table: Table) -> np.ndarray:
    """Return how closely each column follows the order of the file: |rank correlation|."""
    from scipy.stats import rankdata

    ranks = rankdata(np.column_stack([table.place, table.x]), axis=0)
    ranks -= ranks.mean(0)
    spread = np.sqrt((ranks**2).sum(0))
    spread[spread == 0] = np.inf  # a constant column follows nothing
    return np.abs(ranks[:, 0] @ ranks[:, 1:]) / (spread[0] * spread[1:])


def counters(table: Table) -> set[str]:
    """Return the columns that count the rows of the file."""
    return {table.columns[n] for n in np.flatnonzero(_followers(table) > FOLLOWS)}


def _repeats(table: Table) -> float:
    """Return to how many rows in a row one fresh label comes, (1 + r) / (1 - r) for AR(1)."""
    y = table.y[np.argsort(table.place, kind="stable")]
    alike, chance = (y[1:] == y[:-1]).mean(), (np.bincount(y) ** 2).sum() / len(y) ** 2
    r = np.clip((alike - chance) / max(1 - chance, 1e-9), 0, 0.99)
    return (1 + r) / (1 - r)


def _chi_square_sd(first: np.ndarray, second: np.ndarray) -> float:
    """Return how unlikely equal shares are, as standard deviations of a normal variable."""
    from scipy.stats import chi2, norm

    seen = (first + second) > 0
    table = np.array([first[seen], second[seen]])
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    p = chi2.sf(((table - expected) ** 2 / expected).sum(), max(seen.sum() - 1, 1))
    return float(max(norm.isf(max(p, 1e-300)), 0.0))


def _distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return squared distances (n, m) after each column was divided by its spread."""
    spread = others.std(0) + 1e-6
    a, b = rows / spread, others / spread
    return (a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)
