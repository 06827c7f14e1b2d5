"""Clean a table in small steps that each say what they removed.

A step is a plain function: a pandas DataFrame goes in, a new one comes out, the old one stays
as it was. `clean` applies steps in order and compares the tables before and after each.
"""

from __future__ import annotations

from collections.abc import Callable
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
    >>> steps = {"twice": lambda t: t.drop_duplicates(), "age": lambda t: t.fillna({"age": 28.0})}
    >>> done = clean(table, steps)
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
