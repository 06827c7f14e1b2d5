"""All runs as one table: group, compare and export what every record of a results folder tells."""

import difflib
import json
import os
from typing import Any

from labkit.lab import places
from labkit.lab.diff import diff, diff_text
from labkit.lab.records.entry import Record, number_again
from labkit.lab.records.reading import TableError, find, read_record, read_records
from labkit.lab.words import show
from labkit.maths.intervals import mean_interval

__all__ = [
    "TableError",
    "as_table",
    "column",
    "curves",
    "diff",
    "diff_text",
    "find",
    "group",
    "headline",
    "overview",
    "read_records",
    "records_of",
    "results",
    "to_csv",
    "to_json",
    "to_parquet",
    "varied",
]

# Prefix of a column -> section of a record.
_SECTIONS = {"param": "parameters", "result": "results", "env": "environment"}
FIRST = ("lesson", "run_id", "status", "started", "seconds", "cause", "error", "folder", "attempt")


def results(lesson: str | None = None, folder: str | os.PathLike | None = None):
    """Return all runs as one pandas table, a row a run, oldest first.

    Args:
        lesson: only this lesson ("01"); None for all.
        folder: the results folder; default LABKIT_RUNS or `runs/`.

    Returns:
        A DataFrame with columns lesson, run_id, status, started (a time in UTC), seconds, cause
        (the kind of failure), error, folder, attempt, then param.*, result.* and env.*, each in
        the order of the lesson. Status is finished, failed, interrupted, running or unreadable;
        failed runs have rows too. Whole numbers that some rows lack are of pandas' type Int64, so
        that they stay whole.

    Raises:
        PlaceError: there is no such lesson.
    """
    number = None if lesson is None else places.lesson_file(lesson).name[:2]
    return as_table(read_records(folder, number))


def as_table(records: list[Record]):
    """Return records, as `read_records` gives them, as the table of `results()`."""
    import pandas as pd

    rows = [_row(record) for record in records]
    seen = dict.fromkeys(name for row in rows for name in row if name not in FIRST)
    columns = [*FIRST, *sorted(seen, key=_section)]
    table = pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in columns})
    table["started"] = pd.to_datetime(table["started"], utc=True, format="ISO8601", errors="coerce")
    table["seconds"] = pd.to_numeric(table["seconds"], errors="coerce").astype(float)
    table["attempt"] = pd.to_numeric(table["attempt"], errors="coerce").astype("Int64")
    return table.sort_values("started", kind="stable", ignore_index=True, na_position="last")


def overview(table):
    """Return the table of `results()` in few columns, to be read: a line a run.

    Its parameters are those in which the runs of a lesson differ; its result is the headline,
    or what went wrong.
    """
    import pandas as pd

    if table.empty:
        return pd.DataFrame(columns=["lesson", "run", "started", "seconds", "status"])
    shown = table[["lesson", "run_id"]].rename(columns={"run_id": "run"})
    shown["started"] = table["started"].dt.tz_convert(None).dt.strftime("%d %b %H:%M").fillna("")
    shown["seconds"] = table["seconds"].map(lambda s: "" if pd.isna(s) else f"{s:.1f}")
    shown["status"] = table["status"]
    for _, rows in table.groupby("lesson"):
        used = rows.dropna(axis="columns", how="all")
        differ = [c for c in used if c.startswith("param.") and used[c].astype(str).nunique() > 1]
        first = [c for c in used if c.startswith("result.")][:1]
        shown.loc[rows.index, "parameters"] = _pairs(used[differ])
        shown.loc[rows.index, "result"] = _pairs(used[first])
    failed = table[table["error"].notna()]
    for row, record in zip(failed.index, records_of(failed), strict=True):
        shown.loc[row, "result"] = record.error.cause  # without lesson and cell
    return shown


def _pairs(columns) -> list[str]:
    """Return 'name=value name=value' of each row of these columns, without what is missing."""
    import pandas as pd

    names = [column.split(".", 1)[1] for column in columns]
    rows = zip(*(columns[c] for c in columns), strict=True) if names else [()] * len(columns)
    return [
        " ".join(
            f"{name}={show(value)}"
            for name, value in zip(names, row, strict=True)
            if isinstance(value, list) or not pd.isna(value)
        )
        for row in rows
    ]


def varied(table) -> list[str]:
    """Return the parameter columns in which the runs of a table differ."""
    columns = [name for name in table if name.startswith("param.")]
    return [name for name in columns if len(set(map(_rank, table[name]))) > 1]


def headline(table) -> str | None:
    """Return the column of the first result that a run of this table has, None if there is none."""
    columns = [name for name in table if name.startswith("result.")]
    return next((name for name in columns if table[name].notna().any()), None)


def column(table, name: str) -> str:
    """Return the full name of a column: 'rate' stands for 'param.rate' or 'result.rate'.

    Raises:
        TableError: there is no such column; the message names those there are.
    """
    for prefix in ("", *(f"{section}." for section in _SECTIONS)):
        if prefix + name in table:
            return prefix + name
    near = difflib.get_close_matches(name, [c.split(".", 1)[-1] for c in table], 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    there = ", ".join(c for c in table if not c.startswith("env."))
    raise TableError(f"There is no column {name!r}.{hint} There are: {there}")


def group(table, by: str | list[str], result: str | None = None):
    """Return how a result spreads over the runs of each group, a row a group.

    Args:
        table: as `results()` returns it.
        by: columns whose values make the groups, such as "learning_rate" or "param.learning_rate".
        result: the result to look at; default the first one.

    Returns:
        A DataFrame with the columns `by`, then n (finished runs with a finite result), mean, std
        (n - 1 in the denominator), low and high (95 % confidence interval of the mean, by
        Student's t), failed (runs that did not finish).

    Raises:
        TableError: there is no such column, or it holds no numbers.
    """
    import numpy as np
    import pandas as pd

    names = [column(table, name) for name in ([by] if isinstance(by, str) else by)]
    y = _numbers(table, headline(table) if result is None else column(table, result))
    y = y.where((table["status"] == "finished") & np.isfinite(y)).to_numpy()
    failed = table["status"].isin(["failed", "interrupted", "unreadable"]).to_numpy()
    rows = []
    for members in _grouped(table[names]):
        values = y[members][~np.isnan(y[members])]
        n, mean = len(values), values.mean() if len(values) else np.nan
        std = values.std(ddof=1) if n > 1 else np.nan
        half = mean_interval(values)[1] if n > 1 else np.nan
        shown = [table[name].iloc[members[0]] for name in names]
        rows.append([*shown, n, mean, std, mean - half, mean + half, failed[members].sum()])
    heading = [name.split(".", 1)[-1] for name in names]
    return pd.DataFrame(rows, columns=[*heading, "n", "mean", "std", "low", "high", "failed"])


def _grouped(columns) -> list[list[int]]:
    """Return the row numbers of each group of equal values, in the order of the values."""
    groups: dict[tuple, list[int]] = {}
    for number, values in enumerate(columns.itertuples(index=False, name=None)):
        groups.setdefault(tuple(map(_rank, values)), []).append(number)
    return [groups[key] for key in sorted(groups)]


def _numbers(table, name: str | None):
    import pandas as pd

    if name is None:
        raise TableError("These runs have recorded no result")
    numbers = pd.to_numeric(table[name], errors="coerce").astype(float)
    if table[name].notna().any() and numbers.isna().all():
        raise TableError(f"The column {name!r} holds no numbers, so it has no mean")
    return numbers


def _rank(value: Any) -> tuple:
    """Return a key that is equal for equal values, and sorts numbers, texts, what is missing."""
    if isinstance(value, list):
        return 1, 0.0, json.dumps(value)
    if isinstance(value, str):
        return 1, 0.0, value
    if value is None or str(value) in ("<NA>", "NaT", "nan"):
        return 2, 0.0, ""
    return 0, float(value), ""


def curves(runs=None, folder: str | os.PathLike | None = None):
    """Return the curves that runs have logged, as one long table.

    Args:
        runs: a table of `results()`, a list of run ids, or None for all runs.
        folder: the results folder; default LABKIT_RUNS or `runs/`.

    Returns:
        A DataFrame with the columns lesson, run_id, metric, step, value: a row a point.
    """
    import pandas as pd

    columns: dict[str, list] = {c: [] for c in ("lesson", "run_id", "metric", "step", "value")}
    for record in _records(runs, folder):
        for metric, curve in record.curves.items():
            for step, value in zip(curve["step"], curve["value"], strict=True):
                point = (record.lesson, record.run_id, metric, step, number_again(value))
                for values, each in zip(columns.values(), point, strict=True):
                    values.append(each)
    table = pd.DataFrame(columns)
    return table.astype({"step": float, "value": float})


def _records(runs, folder) -> list[Record]:
    """Return the records of a table, of run ids, or of a folder."""
    if runs is None:
        return read_records(folder)
    if not hasattr(runs, "columns"):
        return [find(run, folder) for run in ([runs] if isinstance(runs, str) else runs)]
    return records_of(runs)


def records_of(table) -> list[Record]:
    """Return the record of each row of a table."""
    return [read_record(str(folder)) for folder in table["folder"]]


def to_csv(table) -> str:
    """Return a table as CSV with a heading."""
    return table.to_csv(index=False)


def to_json(table) -> str:
    """Return a table as JSON, a list with an object a row; infinite numbers are texts."""
    import numpy as np

    table = table.copy()
    for name in table.select_dtypes("float"):
        infinite = np.isinf(table[name])
        if infinite.any():
            texts = table[name].map(str)
            table[name] = table[name].astype(object).where(~infinite, texts)
    return table.to_json(orient="records", indent=1, date_format="iso", force_ascii=False)


def to_parquet(table) -> bytes:
    """Return a table as a Parquet file; a column of mixed kinds becomes texts in JSON.

    Raises:
        TableError: pyarrow, which writes Parquet, is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise TableError(
            "Parquet needs the package pyarrow, which is not here: pip install 'labkit[parquet]'"
        ) from None
    columns = {name: _arrow(table[name]) for name in table}
    out = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(columns), out)
    return out.getvalue().to_pybytes()


def _arrow(values):
    import pyarrow

    try:
        return pyarrow.array(values, from_pandas=True)
    except (pyarrow.ArrowException, OverflowError, TypeError):  # numbers and texts, nested lists
        missing = values.isna()
        texts = [None if no else json.dumps(v) for v, no in zip(values, missing, strict=True)]
        return pyarrow.array(texts)


def _is_whole(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**63


def _row(record: Record) -> dict:
    row = {name: getattr(record, name) for name in FIRST if name != "error"}
    row["error"], row["folder"] = record.message, record.folder or None
    for prefix, section in _SECTIONS.items():
        row |= {f"{prefix}.{name}": value for name, value in getattr(record, section).items()}
    for name, value in row.items():
        if isinstance(value, str) and name.startswith("result."):
            row[name] = number_again(value)
    return row


def _section(column: str) -> int:
    return list(_SECTIONS).index(column.split(".")[0])


def _column(values: list):
    """Return a column as pandas types it, except that whole numbers with gaps stay whole."""
    import pandas as pd

    given = [value for value in values if value is not None]
    if given and len(given) < len(values) and all(_is_whole(v) for v in given):
        return pd.array(values, dtype="Int64")
    return pd.Series(values, dtype=None if given else object)
