"""The ledger of what the source articles state, and what the lessons computed about it.

`claims()` gives the ledger as a table; `claim("A2-GD-04", 0.4, 0.48, 0.496)` in a lesson
shows one row and fails when the values computed there part from those in the ledger.
"""

from __future__ import annotations

import csv
import difflib
import html
import math
import numbers
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.lab.places import home
from labkit.lab.words import count

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["id", "topic", "kind", "article", "section", "statement", "stated", "computed"]
COLUMNS += ["verdict", "why", "lesson", "values", "tolerance"]

# What a verdict means, in the words that `labkit claims` prints.
VERDICTS = {
    "holds": "true as stated",
    "wrong": "false as stated",
    "inconsistent": "contradicts another part of the same articles",
    "not reproducible": "could not be obtained by following the article",
    "underspecified": "too vague to be true or false until more is said",
    "opinion": "nothing in it can be checked",
    "open": "not computed yet",
}

NOT_COMPARED = "not compared: this run's settings are not those of the claim"
NOTHING = "nothing to compute"
# `computed` may begin with "n/a (read): ...": an answer that no cell can compute, and whose it is.
ANSWERS = {
    "read": "read in the articles, whose text is no part of this lab",
    "quoted": "quoted from the source named",
    "tried": "tried with the articles' listings, whose code is no part of this lab",
}
OPEN = "open: not computed yet"

COLLECT = "LABKIT_CLAIMS_COLLECT"  # in the environment of a run that recomputes rows
MIME = "application/vnd.labkit.claim+json"  # what a lesson computed, for who recomputes a row

_MARKS = {"holds": "✓", "wrong": "✗", "inconsistent": "≠", "open": "…"}
_TABLE = ("statement of", "stated", "computed, and why", "verdict")  # columns of `claim_table`
_CELL = "text-align:left;vertical-align:top;min-width:6em;white-space:normal"
_COLORS = {"holds": "#2e7d32", "wrong": "#d93025"}


class ClaimError(ValueError):
    """Raised when a lesson and the ledger do not say the same."""


def claims(
    topic: str | None = None,
    verdict: str | None = None,
    lesson: str | int | None = None,
    *,
    article: str | None = None,
    search: str | None = None,
) -> pd.DataFrame:
    """Return the ledger, or the part of it that is asked for, one row a claim.

    The last column, `evidence`, says where the computed value comes from: a lesson
    of this lab, or what was read, where there is nothing to compute.

    Args:
        topic: one of the ledger's topics, e.g. "gradient descent"; None for all.
        verdict: one of `VERDICTS`; None for all.
        lesson: number of the lesson that shows the claim, "01" or 1; None for all.
        article: a text that its article's name contains; None for all.
        search: a text that stands in the claim, in any case of letters; None for all.

    Raises:
        ValueError: the ledger has no such topic or verdict, or the lesson is not a number.

    >>> claims(topic="gradient descent").verdict.iloc[0]
    'holds'
    """
    import pandas as pd

    table = pd.DataFrame([row | {"evidence": evidence(row)} for row in read_ledger()])
    if topic is not None:
        _check_allowed("topic", topic, sorted(set(table.topic)))
    if verdict is not None:
        _check_allowed("verdict", verdict, sorted(VERDICTS))
    table = table[(table.topic == (topic or table.topic))]
    table = table[(table.verdict == (verdict or table.verdict))]
    if lesson is not None:
        table = table[table.lesson == _lesson_number(lesson)]
    if article is not None:
        table = table[_holding(table[["article"]], article)]
    if search is not None:
        table = table[_holding(table, search)]
    return table.reset_index(drop=True)


def claim(id: str, *values: float | bool | str, when: bool = True) -> None:
    """Show one row of the ledger beside the values that this lesson computed.

    Args:
        id: the row's id, e.g. "A2-GD-04".
        values: what the lesson computed, in the order of the ledger's column `values`:
            numbers, True or False, or single words. None for a row with nothing to compute.
        when: False when this run's settings are not the claim's (a part of the data, say):
            the values are shown, and compared with nothing.

    Raises:
        ClaimError: the id is unknown, the number of values differs from the ledger's, or a
            value lies further from the ledger's than its tolerance (absolute).
    """
    from IPython.display import display

    display(_card(id, values, when))


def claim_table(rows: dict[str, tuple], when: bool = True) -> None:
    """Show many rows of the ledger in one folded table, each beside what this lesson computed.

    Args:
        rows: id -> what the lesson computed for it, as in `claim`: {"A2-GD-01": (6,)}.
        when: as in `claim`.

    Raises:
        ClaimError: see `claim`.
    """
    from IPython.display import HTML, display

    cards = [_card(id, values, when) for id, values in rows.items()]
    told = _verdicts(Counter(card.row["verdict"] for card in cards))
    title = f"{count(len(cards), 'further statement')}: {told}"
    head = "".join(f"<th scope='col' style='{_CELL}'>{name}</th>" for name in _TABLE)
    body = "".join(card.table_row() for card in cards)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    display(HTML(f"<details><summary>{title}</summary>{table}</details>"))


def _card(id: str, values: tuple, when: bool) -> ClaimCard:
    """Return the card of a claim; a run that recomputes rows gets the values, and compares."""
    if not os.environ.get(COLLECT):
        return ClaimCard(check_claim(id, *values, when=when), values, when)
    from IPython.display import display

    payload = {"id": id, "values": [_plain(value) for value in values], "compared": bool(when)}
    display({MIME: payload, "text/plain": id}, raw=True)
    return ClaimCard(find_row(id), values, when)


def check_claim(id: str, *values: float | bool | str, when: bool = True) -> dict[str, str]:
    """Return the ledger's row `id`, after comparing its values with `values`.

    Raises:
        ClaimError: see `claim`.

    >>> check_claim("A2-GD-4")
    Traceback (most recent call last):
    ...
    labkit.learn.claims.ClaimError: the ledger has no claim 'A2-GD-4'. Near it: A2-GD-04, ...
    """
    row = find_row(id)
    expected, tolerances = ledger_values(row)
    if len(values) != len(expected):
        raise ClaimError(
            f"claim {id}: this lesson gives {len(values)} values {list(map(show, values))}, "
            f"the ledger has {len(expected)}: {row['values'] or '(none)'}. "
            f"Give one value for each, or correct the columns `values` and `computed` of the "
            f"row {id} in data/claims.csv."
        )
    trios = zip(values, expected, tolerances, strict=True)
    for n, (value, wanted, tolerance) in enumerate(trios, start=1):
        if when and not _agree(value, wanted, tolerance):
            raise ClaimError(
                f"claim {id}: value {n} is {show(value)} in this lesson, but {show(wanted)} "
                f"(tolerance {tolerance:g}) in the ledger. One of the two is wrong: look at the "
                f"computation above this cell, then at the row {id} in data/claims.csv."
            )
    return row


def evidence(row: dict[str, str]) -> str:
    """Return where the computed value of a ledger row comes from, in words.

    >>> evidence({"verdict": "open", "computed": "", "values": "", "lesson": ""})
    'open: not computed yet'
    >>> evidence({"verdict": "holds", "computed": "0.48", "values": "0.48", "lesson": "01"})
    'computed in lesson 01'
    >>> evidence({"verdict": "wrong", "computed": "n/a (quoted): x", "values": "", "lesson": "90"})
    'quoted from the source named'
    """
    if row["verdict"] == "open":
        return OPEN
    if row["values"]:
        return f"computed in lesson {row['lesson']}"
    return ANSWERS.get(row["computed"][5:].partition(")")[0], NOTHING)


def stated(row: dict[str, str]) -> str:
    """Return what a row's article states, in brackets the value that it gives.

    >>> stated({"statement": "The next step is", "stated": "0.48"})
    'The next step is [0.48]'
    """
    value = "" if row["stated"] in ("", "(no value)") else f" [{row['stated']}]"
    return row["statement"] + value


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return how many claims of each topic have each verdict, and all together in the last row.

    >>> summary(claims(topic="losses")).topic.tolist()
    ['losses', 'all']
    """
    import pandas as pd

    verdicts = [verdict for verdict in VERDICTS if verdict in set(table.verdict)]
    counted = pd.crosstab(table.topic, table.verdict)[verdicts]
    counted.insert(0, "claims", counted.sum(axis="columns"))
    counted.loc["all"] = counted.sum()
    return counted.rename_axis("topic").rename_axis(columns=None).reset_index()


def counts(table: pd.DataFrame) -> str:
    """Return how many claims of each verdict there are: '3 claims: 2 hold, 1 wrong'.

    >>> counts(claims(search="A2-GD-04"))
    '1 claim: 1 holds'
    """
    return f"{count(len(table), 'claim')}: {_verdicts(table.verdict.value_counts())}"


def format_claims(table: pd.DataFrame) -> str:
    """Return claims as plain text for a terminal: a paragraph each.

    >>> format_claims(claims(search="A2-GD-04")).splitlines()[0]
    '✓ holds (true as stated) · A2-GD-04 · A2 data analysis (long), section 4.1'
    """
    return "\n\n".join(str(ClaimCard(row)) for row in table.to_dict("records"))


def _verdicts(numbers: Mapping[str, int]) -> str:
    """Return how many there are of each verdict, most first: '7 hold, 2 wrong'."""
    most_first = sorted(numbers.items(), key=lambda item: -item[1])
    words = [f"{n} {'hold' if v == 'holds' and n > 1 else v}" for v, n in most_first]
    return ", ".join(words) or "none"


def _holding(table: pd.DataFrame, text: str) -> pd.Series:
    """Return which rows have a cell in which this text stands."""
    cells = table.astype(str).apply(" ".join, axis="columns").str.casefold()
    return cells.str.contains(text.casefold(), regex=False).astype(bool)


class ClaimCard:
    """One row of the ledger as a notebook (HTML) or a terminal (text) shows it."""

    def __init__(self, row: dict[str, str], values: tuple = (), compared: bool = True):
        self.row, self.values, self.compared = row, values, compared

    def lines(self) -> list[tuple[str, str]]:
        """Return what the card says as (label, text) pairs, empty ones left out.

        >>> row = next(row for row in read_ledger() if row["id"] == "A2-GD-04")
        >>> [label for label, _ in ClaimCard(row).lines()]
        ['Stated', 'Computed', 'Why']
        """
        row, source = self.row, evidence(self.row)
        computed = source if source == OPEN else row["computed"]
        if source == NOTHING or source in ANSWERS.values():
            # "n/a (nothing to compute): what was found by looking"
            computed = row["computed"].partition(": ")[2] or NOTHING
        if source in ANSWERS.values():
            computed += f" ({source})"
        pairs = [
            ("Stated", stated(row)),
            ("Computed", computed),
            ("In this run", self._in_this_run()),
            ("Why", row["why"]),
        ]
        return [(label, text) for label, text in pairs if text]

    def _in_this_run(self) -> str:
        shown = ", ".join(map(show, self.values))
        return shown if self.compared or not shown else f"{shown} ({NOT_COMPARED})"

    def table_row(self) -> str:
        """Return the card as a row of the table of `claim_table`."""
        said, row = dict(self.lines()), self.row
        computed = [said.get("Computed", ""), said.get("In this run", ""), said.get("Why", "")]
        verdict = f"{_MARKS.get(row['verdict'], '~')} {row['verdict']}"
        cells = [
            [row["id"], f"{row['article']}, section {row['section']}"],
            [said["Stated"]],
            [f"In this run: {text}" if n == 1 else text for n, text in enumerate(computed) if text],
            [verdict],
        ]
        return "<tr>{}</tr>".format(
            "".join(f"<td style='{_CELL}'>{'<br>'.join(map(html.escape, c))}</td>" for c in cells)
        )

    def title(self) -> str:
        """Return the first line: mark, id, verdict, article and section.

        >>> row = next(row for row in read_ledger() if row["id"] == "A2-GD-04")
        >>> ClaimCard(row).title()
        '✓ holds (true as stated) · A2-GD-04 · A2 data analysis (long), section 4.1'
        """
        row = self.row
        mark = _MARKS.get(row["verdict"], "~")
        verdict = f"{row['verdict']} ({VERDICTS[row['verdict']]})"
        return f"{mark} {verdict} · {row['id']} · {row['article']}, section {row['section']}"

    def __repr__(self) -> str:
        return "\n".join([self.title(), *(f"    {label}: {text}" for label, text in self.lines())])

    def _repr_html_(self) -> str:
        # Text colors come from the page, so that the card reads in light and dark themes.
        color = _COLORS.get(self.row["verdict"], "#6c6c6c")
        # No <dl> or <table>: JupyterLab and nbconvert lay those out in narrow columns.
        items = "".join(
            f"<div style='margin:2px 0'><strong>{label}:</strong> {html.escape(text)}</div>"
            for label, text in self.lines()
        )
        return (
            f"<section style='border-left:4px solid {color};padding:2px 12px;margin:8px 0'>"
            f"<div style='margin:0 0 4px'><strong>{html.escape(self.title())}</strong></div>"
            f"{items}</section>"
        )


def read_ledger() -> list[dict[str, str]]:
    """Return the rows of data/claims.csv, all cells as text.

    >>> next(row["values"] for row in read_ledger() if row["id"] == "A2-GD-04")
    '-4; 0.4; -0.8; 0.48; 0.496; 0.4992'
    """
    with ledger_path().open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ledger_path() -> Path:
    """Return where the ledger is: in the lab's folder, be it a checkout or installed by pip.

    Raises:
        FileNotFoundError: it is not there.

    >>> ledger_path().name
    'claims.csv'
    """
    path = home() / "data" / "claims.csv"
    if not path.is_file():
        raise FileNotFoundError(
            f"The ledger {path} is missing. Restore it (git checkout data/claims.csv), or install "
            "labkit again."
        )
    return path


def ledger_values(row: dict[str, str]) -> tuple[list[float | bool | str], list[float]]:
    """Return a row's values and the tolerance of each.

    >>> ledger_values({"id": "X", "values": "0.4; true; sgd", "tolerance": "0.01"})
    ([0.4, True, 'sgd'], [0.01, 0.01, 0.01])
    """
    values = [_parse(part) for part in row["values"].split(";") if part.strip()]
    tolerances = [float(part) for part in row["tolerance"].split(";") if part.strip()] or [0.0]
    if len(tolerances) == 1:
        tolerances *= len(values)
    if len(tolerances) != len(values):
        raise ClaimError(
            f"claim {row['id']}: {len(values)} values but {len(tolerances)} tolerances in "
            "data/claims.csv; give one tolerance for all, or one for each value."
        )
    return values, tolerances


def find_row(id: str) -> dict[str, str]:
    """Return the ledger's row with this id.

    Raises:
        ClaimError: there is none; the message names near ones.

    >>> find_row("A2-GD-04")["verdict"]
    'holds'
    """
    rows = {row["id"]: row for row in read_ledger()}
    if id in rows:
        return rows[id]
    near = difflib.get_close_matches(str(id).upper(), rows, n=3, cutoff=0.5)
    hint = f"Near it: {', '.join(near)}." if near else "`labkit claims` lists all ids."
    raise ClaimError(f"the ledger has no claim {id!r}. {hint}")


def _check_allowed(name: str, wanted: str, allowed: list[str]) -> None:
    if wanted not in allowed:
        raise ValueError(f"no {name} {wanted!r} in the ledger; it has: {', '.join(allowed)}")


def _lesson_number(lesson: str | int) -> str:
    if not str(lesson).isdigit():
        raise ValueError(f"lesson must be a number such as 1 or '01', not {lesson!r}")
    return f"{int(lesson):02d}"


def _parse(text: str) -> float | bool | str:
    text = text.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _agree(value: Any, wanted: float | bool | str, tolerance: float) -> bool:
    value = value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(wanted, float):
        # isclose forgives rounding of the last digits only: 0.1 + 0.2 agrees with 0.3.
        return isinstance(value, numbers.Real) and (
            abs(value - wanted) <= tolerance or math.isclose(value, wanted, rel_tol=1e-9)
        )
    return str(value).strip().casefold() == wanted.casefold()


def _plain(value: Any) -> float | bool | str:
    """Return a value as JSON can have it; what is no number stays readable as a word."""
    value = value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
    if isinstance(value, bool):
        return value
    is_number = isinstance(value, numbers.Real) and math.isfinite(value)
    return float(value) if is_number else str(value)


def show(value: Any) -> str:
    """Return a value as a reader wants it: at most six digits, no NumPy type names.

    >>> show(0.48000001), show(True)
    ('0.48', 'True')
    """
    value = value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return f"{value:.6g}"
    return str(value)
