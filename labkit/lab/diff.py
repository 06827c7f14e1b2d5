"""What differs between two runs: parameters, results, versions, code."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.lab.lesson import INSERTED, tags
from labkit.lab.records import folders
from labkit.lab.records.entry import Record
from labkit.lab.records.reading import find
from labkit.lab.words import cut, show

if TYPE_CHECKING:
    import pandas as pd


def diff(a: str, b: str, folder: str | os.PathLike | None = None) -> pd.DataFrame:
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

    >>> from tempfile import TemporaryDirectory
    >>> from labkit.lab.runs.keeping import leave_failure
    >>> with TemporaryDirectory() as folder:
    ...     for run_id, loss in {"aaa": 0.2, "bbb": 0.1}.items():
    ...         record = Record("01", run_id, "finished", results={"loss": loss})
    ...         _ = leave_failure(record, Path(folder, "01_a"))
    ...     diff("aaa", "bbb", folder).query("section == 'results'").values.tolist()
    [['results', 'loss', 0.2, 0.1]]
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


def _sections(one: Record, two: Record) -> Iterator[tuple[str, dict, dict]]:
    yield "run", _facts(one), _facts(two)
    yield "parameters", one.parameters, two.parameters
    yield "results", one.results, two.results
    yield "versions", _versions(one), _versions(two)
    yield "code", code_cells(one), code_cells(two)


def _facts(record: Record) -> dict:
    names = ("lesson", "run_id", "status", "started", "seconds", "attempt", "cause")
    facts = {name: getattr(record, name) for name in names}
    memory = record.environment.get("peak_memory_mb")
    return facts | {"peak_memory_mb": memory, "error": record.message}


def _versions(record: Record) -> dict:
    found = {k: v for k, v in record.environment.items() if k != "peak_memory_mb"}
    if "code" in found:
        found["labkit code"] = found.pop("code")
    return found


def code_cells(record: Record) -> dict[str, str]:
    """Return {cell id: source} of the code cells of a run's executed notebook, {} without one.

    >>> code_cells(Record("01", "aaa", "failed", folder="no/such/run"))
    {}
    """
    try:
        text = Path(record.folder, folders.NOTEBOOK).read_text(encoding="utf-8")
        cells = json.loads(text)["cells"]
    except (OSError, ValueError, KeyError):
        return {}
    return {
        cell.get("id", f"cell {number}"): "".join(cell["source"])
        for number, cell in enumerate(cells, start=1)
        if cell["cell_type"] == "code" and not INSERTED & tags(cell)
    }


def code_diff(rows: pd.DataFrame) -> str:
    """Return the rows of section code of `diff` as a unified diff, cell by cell.

    >>> import pandas as pd
    >>> row = {"section": "code", "name": "c2", "a": "rate = 0.1", "b": "rate = 0.2"}
    >>> print(code_diff(pd.DataFrame([row])))
    --- a, cell c2
    +++ b, cell c2
    @@ -1 +1 @@
    -rate = 0.1
    +rate = 0.2
    """
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
    lines = [f"{name}  {_headline(record)}" for name, record in runs.items()]
    for section in ("parameters", "results", "versions"):
        found = rows[rows["section"] == section]
        lines.append(f"\n{section}{'' if len(found) else ': the same'}")
        width = max([16, *found["name"].str.len()])
        for name, x, y in found[["name", "a", "b"]].itertuples(index=False):
            lines.append(
                f"  {name:<{width}}  {_brief(x):<24} {_brief(y):<24} {_change(x, y)}".rstrip()
            )
    missing = [name for name, record in runs.items() if not code_cells(record)]
    code = code_diff(rows)
    if missing:
        return "\n".join([*lines, f"\ncode: {' and '.join(missing)} left no notebook"])
    return "\n".join([*lines, f"\ncode\n{code}" if code else "\ncode: the same"])


def _headline(record: Record) -> str:
    started = record.started[:16].replace("T", " ")
    took = "" if record.seconds is None else f", {record.seconds:.1f} s"
    error = f": {record.message}" if record.error else ""
    return f"{record.run_id}  lesson {record.lesson}, {started}{took}, {record.status}{error}"


def _brief(value: Any) -> str:
    return cut("-" if value is None else show(value), 24)


def _change(x: Any, y: Any) -> str:
    """Return the difference of two numbers, and what part of the first it is."""
    numbers = [v for v in (x, y) if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < 2:
        return ""
    return f"{y - x:+.4g}" + (f" ({(y - x) / abs(x):+.1%})" if x else "")
