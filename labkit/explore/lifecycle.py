"""Explorer of lesson 28: a field, a trap, and how far along its life a model is."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from labkit.datacenter.lifecycle import checks, fields, stages
from labkit.datacenter.lifecycle.fields import FIELDS, TRAPS, Table
from labkit.datacenter.lifecycle.stages import Score
from labkit.explore import figures, kit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STAGES = ("collect", "check", "evaluate", "monitor")
MOST = 300  # rows that are asked; twice as many may answer: under 100 ms


class LifecycleExplorer(kit.Explorer):
    """Choose a field and a trap, go from stage to stage, with the checks heeded or ignored.

    The model needs no training: it answers with the class of the most similar row to learn from.
    """

    lesson = "28"
    view_only = ("trap", "stage", "heed")
    size = (9.6, 3.5)
    presets = {
        "speech, its trap": {"field": "speech", "trap": "own", "stage": "check", "heed": False},
        "a film of digits": {"field": "vision", "trap": "neighbors", "stage": "check"},
        "no trap": {"trap": "none", "stage": "check"},
    }

    def make_controls(self) -> dict:
        """Return the controls: field, trap, stage, and whether the checks are heeded."""
        return {
            "field": kit.choice("vision", list(FIELDS)),
            "trap": kit.choice("none", ["none", "own", *TRAPS]),
            "stage": kit.choice("check", list(STAGES)),
            "heed": kit.switch(False, description="mend what is found"),
        }

    def compute(self, field: str, trap: str, stage: str, heed: bool) -> dict:
        """Return what the checks found, the promised score and the live one."""
        return _looked(field, None if trap == "none" else trap, heed)

    def build(self, figure: Figure) -> dict:
        """Draw the checks on the left, the scores on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        return self._build_checks(left) | self._build_scores(right)

    def _build_checks(self, ax: Axes) -> dict:
        names = list(checks.CHECKS)
        ax.set(xlim=(0, 2.5), ylim=(len(names) - 0.5, -0.5), title="checks")
        ax.set_yticks(range(len(names)), names)
        ax.set_xticks([0, 1, 2], ["0", "its limit", "twice, or more"])
        ax.axvline(1, color=figures.GRAY, linestyle=":")
        bars = ax.barh(range(len(names)), [0] * len(names), color=figures.BLUE, height=0.6)
        words = [ax.text(0.04, n, "", va="center", size=10) for n in range(len(names))]
        return {"bars": bars.patches, "words": words}

    def _build_scores(self, ax: Axes) -> dict:
        ax.set(xlim=(0, 1.02), ylim=(1.5, -0.5), xlabel="share of right answers", title="scores")
        ax.set_yticks([0, 1], ["promised", "live"])
        found = {}
        for n, (name, color) in enumerate((("promised", figures.ORANGE), ("live", figures.BLUE))):
            (bar,) = ax.plot([], [], "-", color=color, linewidth=2)
            (dot,) = ax.plot([], [], "so"[n], color=color, markersize=9)
            (base,) = ax.plot([], [], ":", color=figures.GRAY)
            found |= {f"{name} bar": bar, f"{name} dot": dot, f"{name} base": base}
        return found

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Show what is known at this stage."""
        reached = STAGES.index(params["stage"])
        looks = zip(artists["bars"], artists["words"], result["findings"], strict=True)
        for bar, word, each in looks:
            width = min(each.value / each.limit if each.limit else 2 * each.found, 2)
            bar.set_width(width if reached >= 1 else 0)
            bar.set_color(figures.RED if each.found else figures.BLUE)
            word.set_text(
                ("speaks" if each.found else "quiet") if reached >= 1 else "not yet asked"
            )
            word.set_position((width + 0.04 if reached >= 1 else 0.04, word.get_position()[1]))
        for place, (name, from_stage) in enumerate((("promised", 2), ("live", 3))):
            score, shown = result[name], reached >= from_stage
            bounds = ([score.low, score.high], [place, place])
            artists[f"{name} bar"].set_data(*(bounds if shown else ([], [])))
            artists[f"{name} dot"].set_data(*(([score.accuracy], [place]) if shown else ([], [])))
            line = ([score.baseline] * 2, [place - 0.3, place + 0.3])
            artists[f"{name} base"].set_data(*(line if shown else ([], [])))

    def caption(self, result: dict, params: dict) -> str:
        """Return in words what is known at this stage."""
        reached, field = STAGES.index(params["stage"]), FIELDS[params["field"]]
        rows, left, live = result["sizes"]
        told = [f"A row is {field.row}; asked is {field.asks}. {rows:,} rows, {live:,} come live."]
        if reached >= 1:
            found = [each.told for each in result["findings"] if each.found]
            told.append(f"Checks: {'; '.join(found) or 'quiet'}.")
            if found:
                mended = f"Mended: {left:,} rows are left." if params["heed"] else "Ignored."
                told.append(mended)
        if reached >= 2:
            told.append(f"Promised {result['promised']} (dotted: the most common class).")
        if reached >= 3:
            told.append(f"Live {result['live']}.")
        return " ".join(told)


@lru_cache(maxsize=128)  # going from stage to stage computes nothing
def _looked(field: str, trap: str | None, heed: bool) -> dict:
    archive, live = fields.collect(field, trap)
    found = checks.check(archive, *checks.split(archive), live)
    mended, later = stages.clean(archive, live, found) if heed else (archive, live)
    learn, judge = (mended.rows(each) for each in checks.split(mended))
    learn, judge, later = _some(learn, 2 * MOST), _some(judge, MOST), _some(later, MOST)
    sizes = len(archive.y), len(mended.y), len(live.y)
    scores = {"promised": _score(learn, judge), "live": _score(learn, later)}
    return {"findings": found, "sizes": sizes} | scores


def _some(table: Table, most: int) -> Table:
    """Return at most so many rows, spread over all."""
    return table.rows(np.linspace(0, len(table.y) - 1, min(most, len(table.y))).astype(int))


def _score(learn: Table, asked: Table) -> Score:
    """Return the score of the most similar row's class, scaled by the rows to learn from."""
    mean, spread = stages.features(learn.x)
    nearest = checks._distances((asked.x - mean) / spread, (learn.x - mean) / spread).argmin(1)
    answers = np.eye(len(learn.classes))[learn.y[nearest]]
    return stages.evaluate(answers, asked, int(np.bincount(learn.y).argmax()))
