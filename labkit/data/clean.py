"""Clean a table in small steps that each say what they removed.

A step is a plain function: a pandas DataFrame goes in, a new one comes out, the old one stays
as it was. `clean` applies steps in order and compares the tables before and after each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

Step = Callable[["pd.DataFrame"], "pd.DataFrame"]


class Cleaned(NamedTuple):
    """What `clean` returns.

    Attributes:
        table: the table after all steps.
        report: one row a step: rows_before, rows_removed, cells_changed (a text that is read as
            the number it shows has not changed), missing_before and missing_after (cells; those
            of removed rows count in missing_before).
        removed: step -> the rows that it removed, to be looked at.
    """

    table: pd.DataFrame
    report: pd.DataFrame
    removed: dict[str, pd.DataFrame]


def clean(table: pd.DataFrame, steps: dict[str, Step]) -> Cleaned:
    """Return the table after all steps, with a report of what each of them did.

    Args:
        table: rows with a unique index; it is not changed.
        steps: name -> function that takes a table and returns a new one. It may drop rows and
            change or add columns, but must keep the index of the rows that stay.

    Raises:
        ValueError: the index is not unique, or a step makes rows that were not there.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"age": [30.0, None, 30.0], "sex": ["f", "m", "f"]})
    >>> done = clean(table, {"duplicates": drop_duplicates, "age": fill_missing("age", 28.0)})
    >>> done.report.rows_removed.tolist(), done.table.age.tolist()
    ([1, 0], [30.0, 28.0])
    """
    import pandas as pd

    if not table.index.is_unique:
        raise ValueError("the index must be unique, so that rows can be followed: reset_index()")
    rows, removed = [], {}
    for name, step in steps.items():
        before, table = table, step(table.copy())
        if not table.index.isin(before.index).all() or not table.index.is_unique:
            raise ValueError(f"step {name!r} makes rows that were not there; it may only drop rows")
        removed[name] = before[~before.index.isin(table.index)]
        rows.append(_row(name, before, table))
    return Cleaned(table, pd.DataFrame(rows).set_index("step"), removed)


def _row(name: str, before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Any]:
    shared = [column for column in before.columns if column in after.columns]
    old, new = before.loc[after.index, shared], after[shared]
    return {
        "step": name,
        "rows_before": len(before),
        "rows_removed": len(before) - len(after),
        "cells_changed": sum(_changed(old[column], new[column]) for column in shared),
        "missing_before": int(before[shared].isna().to_numpy().sum()),
        "missing_after": int(new.isna().to_numpy().sum()),
    }


def _changed(old: pd.Series, new: pd.Series) -> int:
    """Count the cells of a column that differ; "2.5" read as the number 2.5 does not."""
    import pandas as pd

    same = (old == new) | (old.isna() & new.isna())
    if pd.api.types.is_numeric_dtype(new) and not pd.api.types.is_numeric_dtype(old):
        same |= pd.to_numeric(old, errors="coerce") == new
    return int((~same).sum())


# --- steps: functions that return a function ----------------------------------------------------


def drop_duplicates(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table without rows that repeat an earlier row in every column."""
    return table.drop_duplicates()


def drop_repeated(columns: str | Sequence[str]) -> Step:
    """Return a step that keeps only the first row for each value of these columns.

    >>> import pandas as pd
    >>> drop_repeated("name")(pd.DataFrame({"name": ["a", "b", "a"]})).index.tolist()
    [0, 1]
    """
    columns = [columns] if isinstance(columns, str) else list(columns)
    return lambda table: table.drop_duplicates(_known(table, columns))


def keep_values(column: str, allowed: Sequence) -> Step:
    """Return a step that drops rows whose value is not allowed; a missing value stays.

    >>> import pandas as pd
    >>> keep_values("class", ["1st", "2nd"])(pd.DataFrame({"class": ["1st", "*"]})).index.tolist()
    [0]
    """

    def step(table):
        _known(table, [column])
        return table[table[column].isin(list(allowed)) | table[column].isna()]

    return step


def keep_range(column: str, low: float, high: float) -> Step:
    """Return a step that drops rows whose number lies outside [low, high]; missing stays.

    Raises:
        ValueError: low is above high.

    >>> import pandas as pd
    >>> keep_range("age", 0, 120)(pd.DataFrame({"age": [30.0, 999.0]})).index.tolist()
    [0]
    """
    if low > high:
        raise ValueError(f"low must not be above high; got {low} and {high}")

    def step(table):
        _known(table, [column])
        return table[table[column].between(low, high) | table[column].isna()]

    return step


def to_numbers(column: str) -> Step:
    """Return a step that turns text into numbers; what is no number becomes missing.

    >>> import pandas as pd
    >>> to_numbers("x")(pd.DataFrame({"x": ["2.5", "nil"]})).x.tolist()
    [2.5, nan]
    """

    def step(table):
        import pandas as pd

        _known(table, [column])
        return table.assign(**{column: pd.to_numeric(table[column], errors="coerce")})

    return step


def drop_missing(columns: str | Sequence[str]) -> Step:
    """Return a step that drops rows in which one of these columns is missing."""
    columns = [columns] if isinstance(columns, str) else list(columns)
    return lambda table: table.dropna(subset=_known(table, columns))


def fill_missing(column: str, value: Any) -> Step:
    """Return a step that writes `value` where the column is missing.

    The value must come from training rows only: a median over all rows has seen the test.
    """

    def step(table):
        _known(table, [column])
        return table.assign(**{column: table[column].fillna(value)})

    return step


def mark_missing(column: str) -> Step:
    """Return a step that adds a column `<column>_missing` of 0 and 1: that it lacks can tell."""

    def step(table):
        _known(table, [column])
        return table.assign(**{f"{column}_missing": table[column].isna().astype(int)})

    return step


def _known(table: pd.DataFrame, columns: list[str]) -> list[str]:
    unknown = [column for column in columns if column not in table.columns]
    if unknown:
        raise ValueError(
            f"no column {unknown}; the table has: {', '.join(map(str, table.columns))}"
        )
    return columns
