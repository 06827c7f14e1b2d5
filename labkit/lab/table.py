"""All runs as one table: group, compare and export what every record of a results folder tells."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from labkit.lab import places
from labkit.lab.diff import diff, diff_text
from labkit.lab.records.entry import Record, number_again
from labkit.lab.records.reading import TableError, find, read_record, read_records
from labkit.lab.words import show
from labkit.maths.intervals import mean_interval

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ALWAYS",
    "TableError",
    "answer",
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


def results(lesson: str | None = None, folder: str | os.PathLike | None = None) -> pd.DataFrame:
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

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as no_runs_yet:
    ...     list(results("01", no_runs_yet))[:5]
    ['lesson', 'run_id', 'status', 'started', 'seconds']
    """
    number = None if lesson is None else places.lesson_file(lesson).name[:2]
    return as_table(read_records(folder, number))


def as_table(records: list[Record]) -> pd.DataFrame:
    """Return records, as `read_records` gives them, as the table of `results()`.

    >>> as_table([Record("01", "aaa", "finished", results={"loss": 0.1})])["result.loss"].tolist()
    [0.1]
    """
    import pandas as pd

    rows = [_row(record) for record in records]
    seen = dict.fromkeys(name for row in rows for name in row if name not in FIRST)
    columns = [*FIRST, *sorted(seen, key=_section)]
    table = pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in columns})
    table["started"] = pd.to_datetime(table["started"], utc=True, format="ISO8601", errors="coerce")
    table["seconds"] = pd.to_numeric(table["seconds"], errors="coerce").astype(float)
    table["attempt"] = pd.to_numeric(table["attempt"], errors="coerce").astype("Int64")
    return table.sort_values("started", kind="stable", ignore_index=True, na_position="last")


ALWAYS = ("lesson", "run", "started", "seconds", "status")  # columns of an overview


def overview(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `results()` in few columns, to be read: a line a run.

    Of several lessons it has the columns lesson, run, started (local time), seconds, status,
    parameters (those in which the runs of a lesson differ) and result: the headline, or what went
    wrong. Of one lesson each parameter that differs has a column of its own, and so has each
    further result that differs.

    >>> list(overview(as_table([])))
    ['lesson', 'run', 'started', 'seconds', 'status']
    """
    import pandas as pd

    if table.empty:
        return pd.DataFrame(columns=list(ALWAYS))
    started = table["started"].dt.tz_convert(datetime.now().astimezone().tzinfo)
    shown = table[["lesson"]].assign(run=table["run_id"])
    shown["started"] = started.dt.strftime("%d %b %H:%M").fillna("")
    shown["seconds"] = table["seconds"].map(lambda s: "" if pd.isna(s) else f"{s:.1f}")
    shown["status"] = table["status"]
    records = records_of(table)
    lessons = dict.fromkeys(record.lesson for record in records)
    of = {lesson: [r for r in records if r.lesson == lesson] for lesson in lessons}
    if len(of) == 1:
        for name in _differing([record.parameters for record in records]):
            shown[name] = [_text(record.parameters, name) for record in records]
    else:
        names = {lesson: _differing([r.parameters for r in some]) for lesson, some in of.items()}
        shown["parameters"] = [_pairs(r.parameters, names[r.lesson]) for r in records]
    shown["result"] = [_outcome(record) for record in records]
    if len(of) == 1:
        more = _differing([record.results for record in records if record.status == "finished"])
        for name in [name for name in more if name != _first(records)]:
            shown[name] = [_text(record.results, name) for record in records]
    return shown


def answer(
    record: Record, defaults: dict[str, Any], folder: str | os.PathLike | None = None
) -> str:
    """Return the result that answers what was turned, in words.

    Where a run has other parameters than the defaults and its headline is as it was before, that
    is the first result that differs, beside the value of the latest finished run with the
    defaults (or, without one, with other parameters).

    Args:
        record: of the run.
        defaults: the lesson's own parameters.
        folder: the results folder; default LABKIT_RUNS or `runs/`.

    >>> answer(Record("01", "aaa", "finished", results={"loss": 0.1}), {"rate": 0.1})
    'loss = 0.1'
    """
    if record.parameters == defaults or record.status != "finished":
        return record.headline
    others = [other for other in read_records(folder, record.lesson) if _is_other(other, record)]
    others.sort(key=lambda other: (other.parameters == defaults, other.started))
    before = others[-1].results if others else {}
    differ = [name for name, value in record.results.items() if before.get(name, value) != value]
    if not differ or differ[0] == next(iter(record.results)):
        return record.headline
    name = differ[0]
    return f"{name} = {show(record.results[name])} (was {show(before[name])})"


def _is_other(other: Record, record: Record) -> bool:
    return other.status == "finished" and other.parameters != record.parameters


def _differing(rows: list[dict]) -> list[str]:
    """Return the names under which rows differ: by two values first, then where some lack one."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    values = {name: {_rank(row[name]) for row in rows if name in row} for name in names}
    two = [name for name in names if len(values[name]) > 1]
    return two + [n for n in names if n not in two and not all(n in row for row in rows)]


def _pairs(values: dict, names: list[str]) -> str:
    """Return 'name=value name=value', without what is missing."""
    return " ".join(f"{name}={_text(values, name)}" for name in names if name in values)


def _text(values: dict, name: str) -> str:
    """Return a value as it is read; none and nan are told apart from what is missing."""
    if name not in values:
        return ""
    return "none" if values[name] is None else show(values[name])


def _first(records: list[Record]) -> str | None:
    return next((next(iter(record.results)) for record in records if record.results), None)


def _outcome(record: Record) -> str:
    """Return the headline result, or what went wrong without lesson and cell."""
    if record.error:
        return record.error.cause
    return _pairs(record.results, list(record.results)[:1])


# --- columns and groups -----------------------------------------------------------------------


def varied(table: pd.DataFrame) -> list[str]:
    """Return the parameter columns in which the runs of a table differ.

    >>> turned = [{"rate": 0.1, "seed": 0}, {"rate": 0.2, "seed": 0}]
    >>> varied(as_table([Record("01", "aaa", "finished", parameters=p) for p in turned]))
    ['param.rate']
    """
    columns = [name for name in table if name.startswith("param.")]
    return [name for name in columns if len(set(map(_rank, table[name]))) > 1]


def headline(table: pd.DataFrame) -> str | None:
    """Return the column of the first result that a run of this table has, None if there is none.

    >>> headline(as_table([Record("01", "aaa", "finished", results={"loss": 0.1, "steps": 7})]))
    'result.loss'
    """
    columns = [name for name in table if name.startswith("result.")]
    return next((name for name in columns if table[name].notna().any()), None)


def column(table: pd.DataFrame, name: str) -> str:
    """Return the full name of a column: 'rate' stands for 'param.rate' or 'result.rate'.

    Raises:
        TableError: there is no such column; the message names those there are.

    >>> column(as_table([Record("01", "aaa", "finished", results={"loss": 0.1})]), "loss")
    'result.loss'
    """
    for prefix in ("", *(f"{section}." for section in _SECTIONS)):
        if prefix + name in table:
            return prefix + name
    near = difflib.get_close_matches(name, [c.split(".", 1)[-1] for c in table], 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    there = ", ".join(c for c in table if not c.startswith("env."))
    raise TableError(f"There is no column {name!r}.{hint} There are: {there}")


def group(table: pd.DataFrame, by: str | list[str], result: str | None = None) -> pd.DataFrame:
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

    >>> runs = [
    ...     Record("01", str(loss), "finished", parameters={"rate": 0.1}, results={"loss": loss})
    ...     for loss in (1.0, 3.0)
    ... ]
    >>> group(as_table(runs), "rate")[["rate", "n", "mean"]].values.tolist()
    [[0.1, 2.0, 2.0]]
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


def _numbers(table: pd.DataFrame, name: str | None):
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


def curves(
    runs: pd.DataFrame | str | Iterable[str] | None = None,
    folder: str | os.PathLike | None = None,
) -> pd.DataFrame:
    """Return the curves that runs have logged, as one long table.

    Args:
        runs: a table of `results()`, a list of run ids, or None for all runs.
        folder: the results folder; default LABKIT_RUNS or `runs/`.

    Returns:
        A DataFrame with the columns lesson, run_id, metric, step, value: a row a point.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as no_runs_yet:
    ...     list(curves(folder=no_runs_yet))
    ['lesson', 'run_id', 'metric', 'step', 'value']
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


def records_of(table: pd.DataFrame) -> list[Record]:
    """Return the record of each row of a table."""
    return [read_record(str(folder)) for folder in table["folder"]]


def to_csv(table: pd.DataFrame) -> str:
    """Return a table as CSV with a heading.

    >>> table = as_table([Record("01", "aaa", "finished", results={"loss": 0.1})])
    >>> to_csv(table[["run_id", "result.loss"]]).splitlines()
    ['run_id,result.loss', 'aaa,0.1']
    """
    return table.to_csv(index=False)


def to_json(table: pd.DataFrame) -> str:
    """Return a table as JSON, a list with an object a row; infinite numbers are texts.

    >>> table = as_table([Record("01", "aaa", "finished", results={"loss": "inf"})])
    >>> json.loads(to_json(table))[0]["result.loss"]
    'inf'
    """
    import numpy as np

    table = table.copy()
    for name in table.select_dtypes("float"):
        infinite = np.isinf(table[name])
        if infinite.any():
            texts = table[name].map(str)
            table[name] = table[name].astype(object).where(~infinite, texts)
    return table.to_json(orient="records", indent=1, date_format="iso", force_ascii=False)


def to_parquet(table: pd.DataFrame) -> bytes:
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
