"""Runs for the page: the table of `results()` as compact JSON, and as one HTML file.

The HTML report holds the runs and the results explorer's JavaScript, so it needs no kernel and no
network; the explorer in a notebook gets the same JSON.
"""

import html
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import labkit
from labkit.lab import table as runs_table
from labkit.lab.records.entry import now, number_again

_SCRIPT = Path(labkit.__file__).with_name("explore") / "results_explorer.js"
_POINTS = 240_000  # numbers of all curves in one page; more are thinned
_FEWEST = 6  # points that a thinned curve keeps at least
# A result whose name has one of these words is better when lower.
_LOWER = {"loss", "error", "mse", "mae", "rmse", "seconds", "time", "steps", "epochs", "bytes"}
_LOWER |= {"memory", "energy", "joules", "latency", "size", "cost", "perplexity", "divergence"}
_LOWER |= {"regret", "gap", "mb", "ms", "watts"}


def payload(table) -> dict:
    """Return a table of `results()` as plain data for the page, without paths of this machine.

    Columns are key (lesson folder / run folder), lesson, run_id, status, seconds, cause, started,
    error, notebook and page (whether the run's folder has them), then param.*, result.*, env.*.
    """
    keys, folders = _keys(table), table["folder"].tolist()
    columns = [_column("key", keys)]
    for name in ("lesson", "run_id", "status", "seconds", "cause"):
        columns.append(_column(name, table[name]))
    columns.append(_column("started", _texts(table["started"])))
    columns.append(_column("error", _without_places(table)))
    columns.append(_column("notebook", [_has(folder, "notebook.ipynb") for folder in folders]))
    columns.append(_column("page", [_has(folder, "lesson.html") for folder in folders]))
    columns += [_column(name, table[name]) for name in table if "." in name]
    results = [name for name in table if name.startswith("result.")]
    return {
        "n": len(table),
        "columns": columns,
        "curves": _curves(table),
        "better": {name: better(name) for name in results},
        "titles": {lesson: _title(key) for lesson, key in zip(table["lesson"], keys, strict=True)},
    }


def better(result: str) -> str:
    """Return "min" for a result that is better when lower, by its name, else "max".

    >>> better("result.val_loss"), better("result.seconds_per_epoch"), better("result.accuracy")
    ('min', 'min', 'max')
    """
    words = result.split(".", 1)[-1].lower().split("_")
    return "min" if _LOWER & set(words) else "max"


def top_folder(table) -> Path | None:
    """Return the results folder that the runs of a table are in, None if they are in several."""
    tops = {os.path.dirname(os.path.dirname(folder)) for folder in table["folder"].dropna()}
    return Path(tops.pop()) if len(tops) == 1 else None


def _keys(table) -> list[str]:
    """Return what names each run's folder below the results folder: '12_trial/3f2a...'."""
    parts = [str(folder).rsplit(os.sep, 2) for folder in table["folder"]]
    return ["/".join(part[-2:]) for part in parts]


def _title(key: str) -> str:
    number, _, words = key.split("/")[0].partition("_")
    return f"{number} {words.replace('_', ' ').capitalize()}".strip()


def _has(folder: Any, file: str) -> bool:
    hidden = os.path.basename(str(folder)).startswith(".")  # a run still going
    return not hidden and os.path.exists(os.path.join(str(folder), file))


def _texts(times) -> list[str | None]:
    return [None if time != time else time.strftime("%Y-%m-%dT%H:%M:%S") for time in times]


def _without_places(table) -> list[str | None]:
    """Return the errors without the folders of this machine: a page may go to other people."""
    places = {f"{top_folder(table)}{os.sep}": "", str(Path.home()): "~"}
    places[str(Path(labkit.__file__).parents[1])] = "labkit"
    told = []
    for error in table["error"]:
        text = error if isinstance(error, str) else None
        for place, name in places.items() if text else ():
            text = text.replace(place, name)
        told.append(text)
    return told


def _column(name: str, values: Iterable) -> dict:
    """Return a column as {constant}, {levels, codes} or {values}, whichever is shortest."""
    plain = [_plain(value, 6 if name.startswith("result.") else None) for value in values]
    numbers = [v for v in plain if v is not None]
    real = {"real": True} if numbers and all(isinstance(v, float) for v in numbers) else {}
    codes: dict[Any, int] = {}
    of = [codes.setdefault(_key(value), len(codes)) for value in plain]
    levels = list({code: value for code, value in zip(of, plain, strict=True)}.values())
    if len(levels) <= 1:
        return {"name": name, "constant": levels[0] if levels else None} | real
    if len(levels) <= len(plain) / 2:
        return {"name": name, "levels": levels, "codes": of} | real
    return {"name": name, "values": plain} | real


def _key(value: Any) -> Any:
    """Return what tells values apart; 1, 1.0 and True are three."""
    return json.dumps(value) if isinstance(value, list | dict) else (type(value), value)


def _plain(value: Any, digits: int | None = None) -> Any:
    """Return one cell of a table as JSON holds it; infinite numbers as {"f": "inf"}."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, list | tuple):
        return [_plain(item, digits) for item in value]
    if isinstance(value, str):
        return value
    if value is None or str(value) in ("nan", "<NA>", "NaT"):
        return None
    if isinstance(value, float):
        if math.isinf(value):
            return {"f": str(value)}
        return float(f"{value:.{digits}g}") if digits else value
    return value if isinstance(value, bool | int) else str(value)


def _curves(table) -> dict:
    """Return {metric: {steps, rows, of, values}}: lists of steps are kept once, `of` says which."""
    found: dict[str, list[tuple[int, dict]]] = {}
    for row, record in enumerate(runs_table.records_of(table)):
        for metric, curve in record.curves.items():
            if curve["step"]:
                found.setdefault(metric, []).append((row, curve))
    count = sum(map(len, found.values()))
    longest = max(_FEWEST, _POINTS // max(1, count))
    return {metric: _packed(curves, longest) for metric, curves in found.items()}


def _packed(curves: list[tuple[int, dict]], longest: int) -> dict:
    steps: dict[tuple, int] = {}
    packed: dict[str, list] = {"steps": [], "rows": [], "of": [], "values": []}
    for row, curve in curves:
        kept = _kept(len(curve["step"]), longest)
        values = [number_again(curve["value"][k]) for k in kept]
        packed["rows"].append(row)
        packed["of"].append(steps.setdefault(tuple(curve["step"][k] for k in kept), len(steps)))
        packed["values"].append([_plain(v, 4) for v in values])
    return packed | {"steps": [list(each) for each in steps]}


def _kept(length: int, longest: int) -> list[int]:
    """Return which points of a curve stay, the first and the last among them.

    >>> _kept(5, 10), _kept(9, 5)
    ([0, 1, 2, 3, 4], [0, 2, 4, 6, 8])
    """
    if length <= longest:
        return list(range(length))
    return [round(k * (length - 1) / (longest - 1)) for k in range(longest)]


# --- the page -----------------------------------------------------------------------------------

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ --lk-ink: #1b1b1f; --lk-paper: #ffffff; }}
@media (prefers-color-scheme: dark) {{ :root {{ --lk-ink: #e8e8ea; --lk-paper: #16171a; }} }}
body {{ margin: 0 auto; padding: 14px 18px 30px; max-width: 1120px; background: var(--lk-paper);
  color: var(--lk-ink); font: 14px/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 13px; font-weight: 600; margin: 0 0 6px; opacity: 0.75; }}
table.plain {{ border-collapse: collapse; }}
table.plain td, table.plain th {{ text-align: left; padding: 2px 12px 2px 0; }}
footer {{ margin-top: 16px; font-size: 12px; opacity: 0.75; }}
</style>
</head>
<body>
<h1>{title}</h1>
<div id="explorer"><p>This page shows its runs with JavaScript; here are some as text.</p>
{text}</div>
<footer>{made}</footer>
<script type="module">
{script}
revive(document.getElementById("explorer"), {state});
</script>
</body>
</html>
"""


def page(table, title: str | None = None, beside: str | os.PathLike | None = None) -> str:
    """Return an HTML page with the results explorer of these runs: no kernel, no network.

    Args:
        table: as `results()` returns it.
        title: heading of the page; default "Results" with the lesson.
        beside: the folder in which the page will lie, for its links to the executed notebooks;
            None leaves the links out.
    """
    runs = payload(table)
    titles = sorted(set(runs["titles"].values()))
    title = title or ": ".join(["Results", *titles[:1]] if len(titles) == 1 else ["Results"])
    state = {"runs": runs, "settings": {}, "live": False, "base": link_base(table, beside)}
    made = f"Made by labkit {labkit.__version__} on {now()[:16].replace('T', ' ')} UTC."
    return _PAGE.format(
        title=html.escape(title),
        text=_as_text(table),
        made=html.escape(made),
        script=_SCRIPT.read_text(encoding="utf-8"),
        state=as_script(state),
    )


def as_script(state: Any) -> str:
    r"""Return data as JavaScript that is safe inside a <script>.

    >>> as_script({"a": "</script>"})
    '{"a":"\\u003c/script>"}'
    """
    text = json.dumps(state, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")  # neither </script> nor <!-- can arise


def link_base(table, beside: str | os.PathLike | None) -> str | None:
    """Return the relative address from a page's folder to the results folder, with a slash.

    None where there is no way between them that would not name folders of this machine.
    """
    top = top_folder(table)
    if top is None or beside is None:
        return None
    relative = Path(os.path.relpath(os.path.realpath(top), os.path.realpath(beside)))
    steps_up = relative.parts.count("..")
    if len(relative.parts) - steps_up > (1 if steps_up else 3):
        return None
    return "".join(f"{quote(part)}/" for part in relative.parts) or "./"


def _as_text(table) -> str:
    """Return the first runs as a plain HTML table, for readers without JavaScript."""
    table = table.assign(error=_without_places(table)).head(50)
    shown = runs_table.overview(table).drop(columns="started", errors="ignore")
    rows = [list(shown), *shown.itertuples(index=False)]
    cells = ["".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) for row in rows]
    return '<table class="plain">' + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"
