"""All runs as one table: read, group, compare and export every record of a results folder.

Records are read once: a process keeps what it has read, and `runs.sqlite` in the results folder
keeps it for the next one. Both only save time; the records are the truth, and a broken one gets a
row that says what is wrong with it.
"""

import difflib
import json
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.lab import places
from labkit.lab.records.kernel import SCHEMA, RecordError, show
from labkit.lab.sweeps import leases as store

# Prefix of a column -> section of a record.
_SECTIONS = {"param": "parameters", "result": "results", "env": "environment"}
FIRST = ("lesson", "run_id", "status", "started", "seconds", "cause", "error", "folder", "attempt")
_FEW = 200  # new records that are read faster one by one than through an index
_MOST = 20_000  # records kept in memory
_SILENT = 120.0  # seconds; a run that goes on touches its record every ten


class TableError(ValueError):
    """A run or column that is not there; the message says what is."""


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


def as_table(entries: list[dict]):
    """Return records, as `read_records` gives them, as the table of `results()`."""
    import pandas as pd

    rows = [_row(entry) for entry in entries]
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
    for row, error in table["error"].items():
        if isinstance(error, str):
            shown.loc[row, "result"] = error.split("`: ", 1)[-1]  # without lesson and cell
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


# --- columns and groups -----------------------------------------------------------------------


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
    from scipy.special import stdtrit

    names = [column(table, name) for name in ([by] if isinstance(by, str) else by)]
    y = _numbers(table, headline(table) if result is None else column(table, result))
    y = y.where((table["status"] == "finished") & np.isfinite(y)).to_numpy()
    failed = table["status"].isin(["failed", "interrupted", "unreadable"]).to_numpy()
    rows = []
    for members in _grouped(table[names]):
        values = y[members][~np.isnan(y[members])]
        n, mean = len(values), values.mean() if len(values) else np.nan
        std = values.std(ddof=1) if n > 1 else np.nan
        half = stdtrit(n - 1, 0.975) * std / np.sqrt(n) if n > 1 else np.nan
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


# --- curves -----------------------------------------------------------------------------------


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
    for entry in _entries(runs, folder):
        for metric, curve in entry.get("curves", {}).items():
            for step, value in zip(curve["step"], curve["value"], strict=True):
                point = (entry["lesson"], entry["run_id"], metric, step, number_again(value))
                for values, each in zip(columns.values(), point, strict=True):
                    values.append(each)
    table = pd.DataFrame(columns)
    return table.astype({"step": float, "value": float})


def _entries(runs, folder) -> list[dict]:
    """Return the records of a table, of run ids, or of a folder."""
    if runs is None:
        return read_records(folder)
    if not hasattr(runs, "columns"):
        return [find(run, folder) for run in ([runs] if isinstance(runs, str) else runs)]
    return entries_of(runs)


def entries_of(table) -> list[dict]:
    """Return the record of each row of a table; {} for a row without a folder."""
    paths = [os.path.join(str(folder), "record.json") for folder in table["folder"]]
    with _reading:
        known = {path: _seen[path][1] for path in paths if path in _seen}
    return [known.get(path) or read_record(Path(path)) for path in paths]


# --- two runs beside each other -----------------------------------------------------------------

_WORDS = {"latest": -1, "previous": -2, "first": 0}
_INSERTED = {"injected-parameters", "papermill-error-cell-tag"}  # cells that no lesson has


def find(run: str, folder: str | os.PathLike | None = None) -> dict:
    """Return the record of one run.

    Args:
        run: its id, the beginning of one, or a lesson with a word: "01:latest", "01:previous",
            "01:first" (by the time of their start).
        folder: the results folder; default LABKIT_RUNS or `runs/`.

    Raises:
        TableError: there is no such run, or more than one; the message names some.
    """
    lesson, colon, word = run.partition(":")
    if colon:
        return _by_word(lesson, word, folder)
    entries = sorted(read_records(folder), key=lambda entry: entry.get("started") or "")
    ids = {entry["run_id"] for entry in entries}
    chosen = {run} & ids or {each for each in ids if run and each.startswith(run)}
    if len(chosen) == 1:
        return [entry for entry in entries if entry["run_id"] in chosen][-1]
    if chosen:
        some = ", ".join(sorted(chosen)[:5])
        raise TableError(f"{len(chosen)} runs begin with {run!r}: {some}. Give more of the id.")
    some = ", ".join(f"{entry['run_id']} (lesson {entry['lesson']})" for entry in entries[-5:])
    latest = f"The latest are {some}" if some else "There are no runs yet"
    raise TableError(f"There is no run {run!r} in {places.runs_folder(folder)}. {latest}.")


def _by_word(lesson: str, word: str, folder) -> dict:
    if word not in _WORDS:
        allowed = ", ".join(f"{lesson}:{each}" for each in _WORDS)
        raise TableError(f"{lesson}:{word} names no run; use {allowed}, or a run id")
    number = places.lesson_file(lesson).name[:2]
    entries = read_records(folder, number)
    entries.sort(key=lambda entry: entry.get("started") or "")
    try:
        return entries[_WORDS[word]]
    except IndexError:
        raise TableError(
            f"Lesson {number} has {len(entries)} runs; there is no {word} one"
        ) from None


def diff(a: str, b: str, folder: str | os.PathLike | None = None):
    """Return what differs between two runs.

    Args:
        a, b: runs, as `find` takes them.
        folder: the results folder; default LABKIT_RUNS or `runs/`.

    Returns:
        A DataFrame with the columns section, name, a, b: a row a difference. Sections are run
        (lesson, status, seconds, ...), parameters, results, versions (packages, device, the digest
        of labkit's code) and code (cells of the executed notebooks, by id, with their sources).
        None stands where one of the two has no such thing.

    Raises:
        TableError: there is no such run.
    """
    import pandas as pd

    one, two = find(a, folder), find(b, folder)
    rows = []
    for section, left, right in _sections(one, two):
        names = list(dict.fromkeys([*left, *right]))
        pairs = [(name, left.get(name), right.get(name)) for name in names]
        rows += [(section, name, x, y) for name, x, y in pairs if x != y]
    columns = ["section", "name", "a", "b"]
    return pd.DataFrame(
        {c: pd.Series([row[i] for row in rows], dtype=object) for i, c in enumerate(columns)}
    )


def _sections(one: dict, two: dict) -> Iterator[tuple[str, dict, dict]]:
    facts = ("lesson", "run_id", "status", "started", "seconds", "attempt")
    yield "run", *({name: e.get(name) for name in facts} | _measured(e) for e in (one, two))
    for section in ("parameters", "results"):
        yield section, *(e.get(section) or {} for e in (one, two))
    yield "versions", *(_versions(e) for e in (one, two))
    yield "code", *(code_cells(e) for e in (one, two))


def _measured(entry: dict) -> dict:
    error = entry.get("error") or {}
    memory = (entry.get("environment") or {}).get("peak_memory_mb")
    return {"peak_memory_mb": memory, "cause": error.get("kind"), "error": error.get("message")}


def _versions(entry: dict) -> dict:
    found = {k: v for k, v in (entry.get("environment") or {}).items() if k != "peak_memory_mb"}
    if "code" in found:
        found["labkit code"] = found.pop("code")
    return found


def code_cells(entry: dict) -> dict[str, str]:
    """Return {cell id: source} of the code cells of a run's executed notebook, {} without one."""
    try:
        text = Path(entry["folder"], "notebook.ipynb").read_text(encoding="utf-8")
        cells = json.loads(text)["cells"]
    except (OSError, ValueError, KeyError):
        return {}
    return {
        cell.get("id", f"cell {number}"): "".join(cell["source"])
        for number, cell in enumerate(cells, start=1)
        if cell["cell_type"] == "code" and not _INSERTED & set(cell["metadata"].get("tags", []))
    }


def code_diff(rows) -> str:
    """Return the rows of section code of `diff` as a unified diff, cell by cell."""
    lines = []
    for name, a, b in rows.loc[rows["section"] == "code", ["name", "a", "b"]].itertuples(
        index=False
    ):
        old, new = (text.splitlines() if text else [] for text in (a, b))
        lines += difflib.unified_diff(old, new, f"a, cell {name}", f"b, cell {name}", lineterm="")
    return "\n".join(lines)


def diff_text(a: str, b: str, folder: str | os.PathLike | None = None) -> str:
    """Return what differs between two runs (see `diff`), to be read."""
    runs = {"a": find(a, folder), "b": find(b, folder)}
    rows = diff(a, b, folder)
    lines = [f"{name}  {_headline(entry)}" for name, entry in runs.items()]
    for section in ("parameters", "results", "versions"):
        found = rows[rows["section"] == section]
        lines.append(f"\n{section}{'' if len(found) else ': the same'}")
        width = max([16, *found["name"].str.len()])
        for name, x, y in found[["name", "a", "b"]].itertuples(index=False):
            lines.append(
                f"  {name:<{width}}  {_brief(x):<24} {_brief(y):<24} {_change(x, y)}".rstrip()
            )
    missing = [name for name, entry in runs.items() if not code_cells(entry)]
    code = code_diff(rows)
    if missing:
        return "\n".join([*lines, f"\ncode: {' and '.join(missing)} left no notebook"])
    return "\n".join([*lines, f"\ncode\n{code}" if code else "\ncode: the same"])


def _headline(entry: dict) -> str:
    started, seconds = (entry.get("started") or "")[:16].replace("T", " "), entry.get("seconds")
    took = f", {seconds:.1f} s" if isinstance(seconds, int | float) else ""
    error = f": {entry['error'].get('message')}" if entry.get("error") else ""
    return f"{entry['run_id']}  lesson {entry['lesson']}, {started}{took}, {entry['status']}{error}"


def _brief(value: Any) -> str:
    text = "-" if value is None else show(value)
    return text if len(text) <= 24 else text[:23] + "…"


def _change(x: Any, y: Any) -> str:
    """Return the difference of two numbers, and what part of the first it is."""
    numbers = [v for v in (x, y) if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < 2:
        return ""
    return f"{y - x:+.4g}" + (f" ({(y - x) / abs(x):+.1%})" if x else "")


# --- for other programs -------------------------------------------------------------------------


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


def save_file(path: str | os.PathLike, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it."""
    path = Path(path)
    if path.exists() and not path.is_file():  # such as /dev/null
        path.write_bytes(content)
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _arrow(values):
    import pyarrow

    try:
        return pyarrow.array(values, from_pandas=True)
    except (pyarrow.ArrowException, OverflowError, TypeError):  # numbers and texts, nested lists
        missing = values.isna()
        texts = [None if no else json.dumps(v) for v, no in zip(values, missing, strict=True)]
        return pyarrow.array(texts)


# --- reading records ------------------------------------------------------------------------


def read_records(folder: str | os.PathLike | None = None, lesson: str | None = None) -> list[dict]:
    """Return every record below a results folder; an unreadable one says so in its row.

    Cheap to call again and again: what has not changed is not read again.

    Args:
        folder: the results folder; default LABKIT_RUNS or `runs/`.
        lesson: only this lesson's number ("01"); None for all.
    """
    top = places.runs_folder(folder)
    stamps = _stamps(top, lesson or "")
    with _reading:
        _remember(top, {path: s for path, s in stamps.items() if _seen.get(path, (0,))[0] != s})
        entries = [_settled_status(_seen[path][1], stamps[path][0] / 1e9) for path in stamps]
    settled: dict[tuple, str] = {}
    for e in entries:
        if not _is_hidden(e):
            key = e["lesson"], e["run_id"]
            settled[key] = max(settled.get(key, ""), e.get("started") or "")
    # A hidden folder is a run still going or cut off; a later run of the same settles it.
    return [
        e
        for e in entries
        if not _is_hidden(e) or settled.get((e["lesson"], e["run_id"]), "") < e.get("started", "~")
    ]


def read_record(path: Path) -> dict:
    """Return one record with its folder; its status is 'unreadable' when it cannot be read."""
    try:
        touched = os.stat(path).st_mtime
    except OSError:
        touched = 0.0
    return _settled_status(_parsed(str(path), _text(str(path))), touched)


# Path of a record -> its (mtime_ns, size), and its content.
_seen: dict[str, tuple[tuple[int, int], dict]] = {}
_reading = threading.Lock()  # a live explorer reads in a thread of its own


def _stamps(top: Path, lesson: str) -> dict[str, tuple[int, int]]:
    """Return the (mtime_ns, size) of each record below the folder, sorted by path."""
    found = {}
    for place in _folders(top):
        if place.name.startswith(lesson):
            for run in _folders(place.path):
                path = os.path.join(run.path, "record.json")
                try:
                    stat = os.stat(path)
                except OSError:  # no record there, or its run was renamed just now
                    continue
                found[path] = (stat.st_mtime_ns, stat.st_size)
    return dict(sorted(found.items()))


def _folders(top: str | os.PathLike) -> list[os.DirEntry]:
    try:
        with os.scandir(top) as inside:
            return [entry for entry in inside if entry.is_dir()]
    except OSError:
        return []


def _remember(top: Path, new: dict[str, tuple[int, int]]) -> None:
    """Read these records into memory, through the index where they are many."""
    if len(_seen) + len(new) > _MOST:
        _seen.clear()
    many = len(new) > _FEW
    known = _from_index(top, new) if many else {}
    fresh = []
    for path, stamp in new.items():
        text = known.get(path) or _text(path)
        _seen[path] = (stamp, _parsed(path, text))
        # What is in a hidden folder still changes.
        if (
            path not in known
            and isinstance(text, str)
            and f"{os.sep}." not in path[len(str(top)) :]
        ):
            fresh.append((os.path.relpath(path, top), *stamp, text))
    if many and fresh:
        _to_index(top, fresh)


def _text(path: str) -> str | Exception:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        return error


def _parsed(path: str, text: str | Exception) -> dict:
    """Return a record with its folder; its status is 'unreadable' when it cannot be read."""
    try:
        if isinstance(text, Exception):
            raise text
        entry = _checked(json.loads(text))
    except (OSError, ValueError) as error:
        run = Path(path).parent
        entry = {
            "lesson": run.parent.name[:2],
            "run_id": run.name,
            "status": "unreadable",
            "error": {"kind": "unreadable", "message": f"{path}: {error}"},
        }
    entry["folder"] = os.path.dirname(path)
    return entry


def _settled_status(entry: dict, touched: float) -> dict:
    """Return a record that says 'interrupted' if its run goes no longer."""
    if entry["status"] != "running":
        return entry
    if not is_alive(entry):
        message = "the process that ran it ended before it could finish"
    elif _silent_elsewhere(entry, touched) > _SILENT:
        since = datetime.fromtimestamp(touched, UTC).isoformat(" ", timespec="seconds")
        message = f"no sign of life from {entry['process'].get('host')} since {since}"
    else:
        return entry
    return entry | {
        "status": "interrupted",
        "error": {"kind": "interrupted", "message": message},
    }


def _silent_elsewhere(entry: dict, touched: float) -> float:
    """Return for how many seconds a run of another machine has not touched its record."""
    host = (entry.get("process") or {}).get("host")
    if entry["schema"] < 2 or host in (None, socket.gethostname()):
        return 0.0
    return time.time() - touched


_TABLE = """create table if not exists records
    (path text primary key, mtime_ns integer, size integer, entry text)"""
_NO_INDEX = (sqlite3.Error, store.StoreError, OSError)  # the files tell all, only more slowly


def _from_index(top: Path, wanted: dict[str, tuple[int, int]]) -> dict[str, str]:
    """Return the text of those records that the index holds as they are now."""
    with suppress(*_NO_INDEX), _index(top) as index:
        rows = index.execute("select * from records")
        found = {os.path.join(top, name): (stamp, text) for name, *stamp, text in rows}
        return {p: found[p][1] for p, stamp in wanted.items() if found.get(p, [()])[0] == [*stamp]}
    return {}


def _to_index(top: Path, rows: list[tuple]) -> None:
    """Keep these records for the next process; some at a time, so that no one waits for us."""
    with suppress(*_NO_INDEX), _index(top) as index:
        for at in range(0, len(rows), 500):
            index.execute("begin immediate")
            index.executemany(
                "insert or replace into records values (?, ?, ?, ?)", rows[at : at + 500]
            )
            index.execute("commit")


@contextmanager
def _index(top: Path) -> Iterator[sqlite3.Connection]:
    """Open the index, beside the claims of a sweep.

    Where no sweep has made that file, reading makes none: the folder may lie on a network file
    system, where SQLite is not safe.
    """
    if not (top / store.FILE).exists():
        raise FileNotFoundError(store.FILE)
    with closing(store.connect(top)) as index:
        index.execute("pragma busy_timeout = 500")  # rather read the files than wait
        index.execute(_TABLE)
        yield index


def _checked(entry: Any) -> dict:
    """Return a record as read from its file, or raise a RecordError that says what is wrong."""
    if not isinstance(entry, dict) or not isinstance(entry.get("schema"), int):
        raise RecordError("not a record: it has no number of its schema")
    if entry["schema"] > SCHEMA:
        raise RecordError(
            f"a record of schema {entry['schema']}, but this labkit reads up to {SCHEMA}; "
            "update labkit to read it"
        )
    texts, sections = ("lesson", "run_id", "status", "started"), ("parameters", "results")
    wrong = [name for name in texts if not isinstance(entry.get(name), str)]
    wrong += [name for name in sections if not isinstance(entry.get(name), dict)]
    for name in ("error", "environment", "process", "progress"):
        if not isinstance(entry.setdefault(name, None), dict | None):
            wrong.append(name)
    if not _are_curves(entry.setdefault("curves", {})):  # schema 1 has none
        wrong.append("curves")
    entry.setdefault("attempt", 1)
    if wrong:
        raise RecordError(f"not a whole record: missing or of a wrong kind are {', '.join(wrong)}")
    return entry


def _are_curves(curves: Any) -> bool:
    """Whether this is {metric: {"step": [...], "value": [...]}}, both lists of one length."""
    return isinstance(curves, dict) and all(
        isinstance(curve, dict)
        and isinstance(curve.get("step"), list)
        and isinstance(curve.get("value"), list)
        and len(curve["step"]) == len(curve["value"])
        for curve in curves.values()
    )


def _is_whole(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**63


def _is_hidden(entry: dict) -> bool:
    return os.path.basename(entry["folder"]).startswith(".")


def is_alive(entry: dict) -> bool:
    """Whether the process that writes a record still exists (on this machine)."""
    import psutil

    process = entry.get("process") or {}
    if process.get("host") != socket.gethostname():
        return True  # cannot know; another machine may be running it
    try:
        found = psutil.Process(process["pid"])
        # Another process may have got the same number; a zombie writes nothing any more.
        same = abs(found.create_time() - process["created"]) < 2
        return same and found.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False


def _row(entry: dict) -> dict:
    error = entry.get("error") or {}
    row = {name: entry.get(name) for name in ("lesson", "run_id", "status", "started", "seconds")}
    row["cause"], row["error"] = error.get("kind"), error.get("message")
    row["folder"], row["attempt"] = entry.get("folder"), entry.get("attempt")
    for prefix, section in _SECTIONS.items():
        row |= {f"{prefix}.{name}": value for name, value in (entry.get(section) or {}).items()}
    for name, value in row.items():
        if isinstance(value, str) and name.startswith("result."):
            row[name] = number_again(value)
    return row


def number_again(value: Any) -> Any:
    """Return nan and infinities, which records write as texts, as the numbers they were.

    >>> number_again("-inf"), number_again("sgd")
    (-inf, 'sgd')
    """
    return float(value) if isinstance(value, str) and value in ("nan", "inf", "-inf") else value


def _section(column: str) -> int:
    return list(_SECTIONS).index(column.split(".")[0])


def _column(values: list):
    """Return a column as pandas types it, except that whole numbers with gaps stay whole."""
    import pandas as pd

    given = [value for value in values if value is not None]
    if given and len(given) < len(values) and all(_is_whole(v) for v in given):
        return pd.array(values, dtype="Int64")
    return pd.Series(values, dtype=None if given else object)
