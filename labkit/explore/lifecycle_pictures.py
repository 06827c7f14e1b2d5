"""Pictures of lesson 28: promises and what became of them, checks, costs, a canary, drawings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from labkit.datacenter.lifecycle import checks, diagrams, fields, rollout
from labkit.datacenter.lifecycle.fields import FIELDS
from labkit.datacenter.lifecycle.stages import Outcome, Score
from labkit.explore import figures

if TYPE_CHECKING:
    import pandas as pd

PROMISED, LIVE = figures.ORANGE, figures.BLUE


def table_of_fields(seed: int = 0) -> pd.DataFrame:
    """Return what each field is, in words and numbers."""
    import pandas as pd

    rows = {}
    for name, each in FIELDS.items():
        archive, live = fields.collect(name, "own", seed)
        rows[name] = {
            "a row is": each.row,
            "asked is": each.asks,
            "data": each.source,
            "archive": len(archive.y),
            "live": len(live.y),
            "classes": len(archive.classes),
        }
    return pd.DataFrame(rows).T


def promises(outcomes: Mapping[str, Mapping[str, Outcome]]) -> None:
    """Show of each field what was promised and what came live, for each way of working.

    Args:
        outcomes: way of working -> field -> what a run found.
    """
    fig, axes = plt.subplots(1, len(outcomes), figsize=(9.6, 3.6), sharey=True)
    told, unsure = [], []
    for ax, (way, runs) in zip(np.atleast_1d(axes), outcomes.items(), strict=True):
        for place, run in enumerate(runs.values()):
            both = [("promised", run.promised, PROMISED, "s"), ("live", run.live, LIVE, "o")]
            for shift, (label, score, color, marker) in zip((-0.16, 0.16), both, strict=True):
                y = place + shift
                ax.plot([score.low, score.high], [y, y], "-", color=color)
                name = label if not place else None
                ax.plot(score.accuracy, y, marker, color=color, markersize=7, label=name)
            base = run.live.baseline
            ax.plot([base, base], [place - 0.34, place + 0.34], color=figures.GRAY, linestyle=":")
        ax.set(xlim=(0, 1.02), xlabel="share of right answers", title=way)
        ax.set_yticks(range(len(runs)), list(runs))
        broken = [name for name, run in runs.items() if run.alarm]
        told.append(f"{way}: " + (", ".join(broken) or "none"))
        unsure += [f"{name} ({way})" for name, run in runs.items() if _no_better(run.live)]
    np.atleast_1d(axes)[0].invert_yaxis()
    np.atleast_1d(axes)[0].legend(loc="lower left")
    caption = (
        "Measured: the score on the part that was kept back (square), and on live rows (dot), with "
        "95% intervals; dotted, the most common class on live rows. Live is worse than promised or "
        f"than the baseline in: {'; '.join(told)}. Not surely better than the most common class "
        f"(it lies in or above the live interval): {', '.join(unsure) or 'none'}."
    )
    figures.show(fig, caption)


def table_of_promises(outcomes: Mapping[str, Mapping[str, Outcome]]) -> pd.DataFrame:
    """Return the numbers of `promises`, a row for each field."""
    import pandas as pd

    rows = {}
    for way, runs in outcomes.items():
        for name, run in runs.items():
            row = rows.setdefault(name, {"trap": ", ".join(FIELDS[name].traps)})
            row[f"promised, {way}"], row[f"live, {way}"] = _short(run.promised), _short(run.live)
            row[f"baseline, {way}"] = f"{run.live.baseline:.0%}"
    return pd.DataFrame(rows).T


def _no_better(score: Score) -> bool:
    return score.low <= score.baseline


def _short(score: Score) -> str:
    return f"{score.accuracy:.0%} [{score.low:.0%}, {score.high:.0%}]"


def findings(counts: Mapping[str, np.ndarray], seeds: int) -> None:
    """Show how often each check spoke for each planted trap, over all fields and seeds.

    Args:
        counts: planted trap (or "none") -> how often each check spoke, shape (fields, checks).
        seeds: runs of each field.
    """
    names, traps = list(checks.CHECKS), list(counts)
    most = seeds * len(FIELDS)
    shares = np.array([np.sum(each, 0) / most for each in counts.values()])
    fig, ax = plt.subplots(figsize=(6.4, 3.8))
    ax.imshow(shares, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    ax.grid(visible=False)
    ax.set_xticks(range(len(names)), names, rotation=20)
    ax.set_yticks(range(len(traps)), traps)
    ax.set(xlabel="check that speaks", ylabel="planted trap")
    for (row, column), share in np.ndenumerate(shares):
        color = "black" if share > 0.5 else "white"
        ax.text(column, row, f"{share * most:.0f}", ha="center", va="center", color=color)
    own = [shares[traps.index(name), names.index(name)] for name in names]
    caption = (
        f"Measured: how often of {most} runs ({len(FIELDS)} fields, {seeds} seeds) each check "
        f"spoke. Each planted trap was found in at least {min(own):.0%} of its runs; "
        f"without a trap {np.sum(counts['none'])} of {most * len(names)} checks spoke."
    )
    figures.show(fig, caption)


def costs(
    thresholds: np.ndarray, curves: Mapping[str, np.ndarray], marks: Mapping[str, float]
) -> None:
    """Show what a threshold costs for each row, and where rules put it.

    Args:
        thresholds: shape (n,).
        curves: rows -> mean cost of a row, shape (n,).
        marks: rule -> its threshold.
    """
    fig, ax = plt.subplots(figsize=(7.2, 3.4))
    looks = zip(curves.items(), (PROMISED, LIVE), ("--", "-"), strict=False)
    for (name, values), color, dashes in looks:
        ax.plot(thresholds, values, linestyle=dashes, color=color, label=name)
    looks = (figures.GRAY, ":"), (figures.PINK, "-."), (figures.RED, "--")
    styles = ((mark, *look) for mark, look in zip(marks.items(), looks, strict=False))
    for (name, place), color, dashes in styles:
        ax.axvline(place, color=color, linestyle=dashes, label=f"{name}: {place:.2f}")
    ax.set(xlabel="threshold: positive from there on", ylabel="cost of a row", ylim=(0, None))
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    last = [*curves.values()][-1]
    at = {name: float(np.interp(place, thresholds, last)) for name, place in marks.items()}
    told = "; ".join(f"{name} {cost:.2f}" for name, cost in at.items())
    figures.show(fig, f"Measured cost of a row over the threshold. On the solid line: {told}.")


def canaries(runs: Mapping[str, rollout.Rollout]) -> None:
    """Show the share of wrong answers while new versions are tried, and when a rule decided.

    Args:
        runs: name of the new version -> what became of the requests.
    """
    fig, axes = plt.subplots(1, len(runs), figsize=(9.6, 3.2), sharey=True)
    told = []
    for ax, (name, run) in zip(np.atleast_1d(axes), runs.items(), strict=True):
        for is_new, color, label in ((False, LIVE, "old version"), (True, PROMISED, "new version")):
            numbers = np.flatnonzero(run.new == is_new)
            shares = np.cumsum(run.wrong[numbers]) / np.arange(1, len(numbers) + 1)
            dashes = "--" if is_new else "-"
            ax.plot(numbers + 1, shares, linestyle=dashes, color=color, label=label)
        ax.axvline(run.at, color=figures.RED, linestyle=":")
        end = len(run.new) if run.decision == "promoted" else min(2 * run.at, len(run.new))
        ax.set(xlabel="request", xlim=(0, end), ylim=(-0.02, 1.04), title=name)
        ax.locator_params(axis="x", nbins=4)
        told.append(
            f"{name}: {run.decision} at request {run.at:,}, after {run.canaries} of its answers"
        )
    np.atleast_1d(axes)[0].set(ylabel="share wrong so far")
    np.atleast_1d(axes)[-1].legend()
    figures.show(fig, f"Measured, every request counted. Dotted, the decision. {'; '.join(told)}.")


def table_of_drawings(rows: Mapping[str, diagrams.Edges]) -> pd.DataFrame:
    """Return what each drawing has and lacks."""
    import pandas as pd

    found = {}
    for name, edges in rows.items():
        facts = diagrams.facts(edges)
        found[name] = {
            "boxes": facts.boxes,
            "arrows": facts.arrows,
            "where it ends": ", ".join(facts.ends) or "nowhere: it comes back",
            "feedback": "yes" if facts.feedback else "no",
            "what serves is watched": "yes" if facts.watched else "no",
        }
    return pd.DataFrame(found).T
