"""Claims in a student's copy: statement and measurement are shown, the verdict is asked for.

Copies made by `labkit class make` take `claim` and `claim_table` from here. What a lesson
computed is still compared with the ledger, so a copy that computes something else fails.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterable

from labkit.lab.words import count
from labkit.learn import claims
from labkit.learn.claims import NOT_COMPARED, VERDICTS, check_claim, show, stated

_CELL = "text-align:left;vertical-align:top;min-width:6em;white-space:normal"
_NO_VERDICT = ("open",)  # nobody judges so


class AskedCard:
    """One statement beside what this lesson computed for it; whether it holds is not told."""

    def __init__(self, row: dict[str, str], values: tuple = (), compared: bool = True):
        self.row, self.values, self.compared = row, values, compared

    def lines(self) -> list[tuple[str, str]]:
        """Return what the card says as (label, text) pairs.

        >>> from labkit.learn.claims import find_row
        >>> [label for label, _ in AskedCard(find_row("A2-GD-04"), (1, 2)).lines()]
        ['Stated', 'In this run', 'Your verdict']
        """
        verdicts = ", ".join(each for each in VERDICTS if each not in _NO_VERDICT)
        pairs = [
            ("Stated", stated(self.row)),
            ("In this run", self.computed()),
            ("Your verdict", f"{verdicts}? And why?"),
        ]
        return [(label, text) for label, text in pairs if text]

    def computed(self) -> str:
        """Return the values that this run computed; "" where there are none."""
        shown = ", ".join(map(show, self.values))
        return shown if self.compared or not shown else f"{shown} ({NOT_COMPARED})"

    def title(self) -> str:
        """Return the first line: id, article and section."""
        row = self.row
        return f"? {row['id']} · {row['article']}, section {row['section']}"

    def __repr__(self) -> str:
        return "\n".join([self.title(), *(f"    {label}: {text}" for label, text in self.lines())])

    def _repr_html_(self) -> str:
        items = "".join(
            f"<div style='margin:2px 0'><strong>{label}:</strong> {html.escape(text)}</div>"
            for label, text in self.lines()
        )
        return (
            "<section style='border-left:4px solid #6c6c6c;padding:2px 12px;margin:8px 0'>"
            f"<div style='margin:0 0 4px'><strong>{html.escape(self.title())}</strong></div>"
            f"{items}</section>"
        )


def claim(id: str, *values: float | bool | str, when: bool = True) -> None:
    """Show what an article states beside what this lesson computed; the verdict is asked for.

    Args:
        id: as in `labkit.learn.claims.claim`, and so are the others.
        values: what the lesson computed.
        when: False when this run's settings are not the claim's.

    Raises:
        ClaimError: see `labkit.learn.claims.claim`.
    """
    if os.environ.get(claims.COLLECT):  # rows are computed again: that run needs the values
        claims.claim(id, *values, when=when)
        return
    from IPython.display import display

    display(AskedCard(check_claim(id, *values, when=when), values, when))


def claim_table(rows: dict[str, tuple], when: bool = True) -> None:
    """Show many statements in one folded table, each beside what this lesson computed.

    Args:
        rows: id -> what the lesson computed for it.
        when: as in `claim`.

    Raises:
        ClaimError: see `labkit.learn.claims.claim`.
    """
    if os.environ.get(claims.COLLECT):
        claims.claim_table(rows, when)
        return
    from IPython.display import HTML, display

    cards = [AskedCard(check_claim(id, *v, when=when), v, when) for id, v in rows.items()]
    display(HTML(_table(cards)))


def _table(cards: Iterable[AskedCard]) -> str:
    cards = list(cards)
    names = ("statement of", "stated", "in this run", "your verdict")
    head = "".join(f"<th scope='col' style='{_CELL}'>{name}</th>" for name in names)
    body = "".join(
        "<tr>{}</tr>".format(
            "".join(
                f"<td style='{_CELL}'>{html.escape(text)}</td>"
                for text in (card.title()[2:], stated(card.row), card.computed() or "–", "")
            )
        )
        for card in cards
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    title = f"{count(len(cards), 'further statement')} to judge"
    return f"<details><summary>{title}</summary>{table}</details>"
