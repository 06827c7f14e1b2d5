"""The ledger as an explorer: rates with intervals, rows to read, to open and to compute again."""

from __future__ import annotations

import html
import shlex
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from labkit.explore import figures, kit
from labkit.explore.recompute_button import RecomputeButton
from labkit.lab.words import count, cut
from labkit.learn.claims import VERDICTS, ClaimCard, ledger_path, read_ledger
from labkit.learn.shown import Shown, where_shown
from labkit.maths.intervals import wilson_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALL = "all"
GROUPS = ("topic", "kind", "article")
_SMALL = 8.5  # points, of the labels: the ledger has 25 topics


def ledger_rows() -> tuple[dict[str, str], ...]:
    """Return the rows of the ledger, read once while the file stays as it is.

    >>> len(ledger_rows()) >= 324
    True
    """
    return _rows(ledger_path(), ledger_path().stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _rows(path: Path, stamp: int) -> tuple[dict[str, str], ...]:
    return tuple(read_ledger())


def chosen(search: str = "", **columns: str) -> list[dict[str, str]]:
    """Return the rows with these values in these columns, and with this text in any of them.

    Args:
        search: a text, in any case of letters; "" for all.
        **columns: column -> value, "all" for all.

    >>> [row["id"] for row in chosen(topic="losses", verdict="holds", search="softmax")][:1]
    ['B2-CODE-07']
    """
    asked = {name: value for name, value in columns.items() if value != ALL}
    text = search.strip().casefold()
    found = [
        row
        for row in ledger_rows()
        if all(row[name] == value for name, value in asked.items())
        and (not text or text in " ".join(row.values()).casefold())
    ]
    return sorted(found, key=lambda row: row["id"].casefold() != text)  # its own id comes first


def rates(rows: list[dict[str, str]], by: str, verdict: str) -> dict[str, tuple]:
    """Return of each group (rows, rows with this verdict, share, low, high).

    The interval is Wilson's at 95 %: as if the rows were drawn from many statements of the kind.

    >>> rows = [{"topic": "losses", "verdict": v} for v in ("holds", "wrong")]
    >>> [round(x, 2) for x in rates(rows, "topic", "holds")["losses"]]
    [2, 1, 0.5, 0.09, 0.91]
    """
    every = Counter(row[by] for row in rows)
    hits = Counter(row[by] for row in rows if row["verdict"] == verdict)
    shares = {name: hits[name] / n for name, n in every.items()}
    return {
        name: (n, hits[name], shares[name], *wilson_interval(shares[name], n))
        for name, n in every.items()
    }


def _measure(by: str, topic: str, kind: str, verdict: str, article: str, search: str) -> dict:
    rows = chosen(search, topic=topic, kind=kind, article=article)
    judged = "holds" if verdict == ALL else verdict
    found = [row for row in rows if verdict in (ALL, row["verdict"])]
    return {"of": rows, "rows": found, "judged": judged, "rates": rates(rows, by, judged)}


class LedgerExplorer(kit.Explorer):
    """Choose statements; see how many hold, read one, open its cell, compute it again.

    The share of one verdict (of "holds", where none is chosen) stands with its 95 % interval for
    each topic, kind or article. "Compute again" runs `labkit claims check` in the background.
    """

    lesson = "90"
    view_only = ("by", "topic", "kind", "verdict", "article", "search")
    rebuild_for = ("by",)
    size = (4.3, 4.0)
    compute = staticmethod(_measure)

    def make_controls(self) -> dict:
        """Return the controls: what the picture counts by, four filters, a text."""
        rows = ledger_rows()
        options = {name: [ALL, *sorted({row[name] for row in rows})] for name in GROUPS}
        options["verdict"] = [ALL, *(v for v in VERDICTS if v in {r["verdict"] for r in rows})]
        menus = {
            name: widgets.Dropdown(options=options[name], value=ALL, layout={"width": "auto"})
            for name in ("topic", "kind", "verdict", "article")
        }
        search = widgets.Text(placeholder="a word, or an id", layout={"width": "auto"})
        search.continuous_update = True
        by = kit.choice("topic", list(GROUPS), description="rates by")
        return {"by": by, **menus, "search": search}

    def _rows(self) -> list[widgets.Widget]:
        return [kit.arranged(self.controls)]

    def __init__(self, **start: Any) -> None:
        self._shown = where_shown()
        self._list = widgets.Select(rows=8, layout={"width": "100%"})
        self._card = widgets.Output(layout={"height": "196px", "overflow": "auto"})
        self._again = RecomputeButton(self._picked_id)
        super().__init__(**start)
        beside = widgets.VBox(
            [self._list, self._card, self._again], layout={"flex": "1 1 22em", "min_width": "0"}
        )
        pair = widgets.HBox([self._view, beside], layout={"flex_flow": "row wrap"})
        self.children = [*self._rows(), pair, self._status, self._copies]
        self._list.observe(self._pick, "value")
        self._pick()

    @property
    def picked(self) -> dict[str, str] | None:
        """The row that is picked in the list, None when no row is chosen."""
        return next((row for row in self.result["rows"] if row["id"] == self._list.value), None)

    def _picked_id(self) -> str | None:
        return self.picked and self.picked["id"]

    def texts(self) -> dict[str, str]:
        """Return what the copy buttons copy: the same rows on the command line, and as Python."""
        names = ("topic", "verdict", "article", "search")
        given = {name: self.params[name] for name in names if self.params[name] not in (ALL, "")}
        words = [f"--{name} {shlex.quote(value)}" for name, value in given.items()]
        check = f"labkit claims check {self._list.value or '--help'}"
        return {
            "Copy as command": " ".join(["labkit claims", *words]),
            "Copy the check of this row": check,
            "Copy as Python": kit.as_call(type(self).__name__, self.params),
        }

    def build(self, figure: Figure) -> dict:
        """Draw a line for each group; return dots, intervals and numbers."""
        by = self.params["by"]
        sizes = Counter(row[by] for row in ledger_rows())
        names = [name for name, _ in sizes.most_common()]
        ax = figure.subplots()
        ax.set(xlim=(-0.02, 1.22), ylim=(len(names) - 0.4, -0.6))
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        size = _SMALL if len(names) < 15 else _SMALL * 14 / len(names) + 1.6
        ax.set_yticks(range(len(names)), [cut(name, 27) for name in names], size=size)
        ax.tick_params("x", labelsize=_SMALL)
        ax.grid(visible=False, axis="y")
        title = ax.set_title("share", size=_SMALL + 1.5)
        overall = ax.axvline(0, color=figures.GRAY, linestyle=":")
        bars = ax.hlines([0], 0, 1, color=figures.BLUE, linewidth=1.6)
        (dots,) = ax.plot([], [], "o", color=figures.BLUE, markersize=4.5)
        counts = [
            ax.text(1.2, y, "", ha="right", va="center", size=size) for y in range(len(names))
        ]
        return {"overall": overall, "bars": bars, "dots": dots, "counts": counts, "title": title}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move dots and intervals; a group without a chosen row has none."""
        labels = [text.get_text() for text in artists["dots"].axes.get_yticklabels()]
        full = sorted({row[params["by"]] for row in ledger_rows()})
        places = {name: labels.index(cut(name, 27)) for name in full}
        found = {places[name]: values for name, values in result["rates"].items()}
        shown = sorted(found)
        artists["dots"].set_data([found[y][2] for y in shown], shown)
        artists["bars"].set_segments([[(found[y][3], y), (found[y][4], y)] for y in shown])
        for y, text in enumerate(artists["counts"]):
            text.set_text(f"{found[y][1]} of {found[y][0]}" if y in found else "")
        rows, judged = result["of"], result["judged"]
        hits = [row["verdict"] == judged for row in rows]
        share = np.mean(hits) if rows else np.nan  # then no line is drawn
        artists["overall"].set_xdata([share, share])
        told = "that holds" if judged == "holds" else f"judged {judged!r}"
        artists["title"].set_text(f"share {told}, 95 % interval")

    def caption(self, result: dict, params: dict) -> str:
        """Return how many rows are chosen, and the share of the verdict among all of them."""
        rows, judged = result["of"], result["judged"]
        if not rows:
            return "No statement has all of this. Take one of the filters away."
        hits = sum(row["verdict"] == judged for row in rows)
        low, high = wilson_interval(hits / len(rows), len(rows))
        verdict = "hold" if judged == "holds" else f"are judged {judged!r}"
        listed = f"{count(len(result['rows']), 'statement')} in the list."
        share = f"{hits / len(rows):.0%}, interval {low:.0%} to {high:.0%}"
        return f"{listed} Of {len(rows)} with any verdict {hits} {verdict}: {share}."

    # ---- the list and the card

    def _update(self, change: object = None) -> None:
        super()._update(change)
        if not self._silent:
            self._list_rows()

    def _list_rows(self) -> None:
        before = self._list.value
        options = [(_line(row), row["id"]) for row in self.result["rows"]]
        self._list.options = options
        ids = [id for _, id in options]
        self._list.value = before if before in ids else next(iter(ids), None)

    def _pick(self, _change: object = None) -> None:
        row = self.picked
        shown = row and self._shown.get(row["id"])
        text = _card(row, shown) if row else "<p>No statement is picked.</p>"
        data = {"text/html": text, "text/plain": str(ClaimCard(row)) if row else ""}
        self._card.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)
        self._again.offer(row, shown)
        self._copies.texts = self.texts()

    def _press_buttons(self) -> None:
        """Press all buttons but the one that starts a run of a whole lesson."""
        with self._again.disarmed():
            super()._press_buttons()


def _line(row: dict[str, str]) -> str:
    return f"{row['id']} · {row['verdict']} · {cut(row['statement'], 90)}"


def _card(row: dict[str, str], shown: Shown | None) -> str:
    """Return a row as a card, with a link to the cell that shows it."""
    where = "No lesson shows it."
    if shown:
        told = html.escape(f"lesson {shown.lesson}, cell {shown.cell}")
        where = f'<a href="{html.escape(shown.link)}">Open {told}</a>'
    return f"<p>{where}</p>{ClaimCard(row)._repr_html_()}"
