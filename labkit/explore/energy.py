"""Explorer and figures of lesson 25: which factor of an estimate decides, and who measured it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from labkit.datacenter import energy
from labkit.datacenter.factors import DEVICES, GPT3, GRID, UNKNOWN, Factor
from labkit.explore import figures, kit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = {
    "measured": figures.BLUE,
    "modeled": figures.ORANGE,
    "quoted": figures.SAND,
    "assumed": figures.RED,
}
NAMES = {"country": "country", "utilization": "utilization", "watts": "watts", "pue": "PUE"}
WORDS = {"carbon": "t of CO₂", "energy": "MWh"}
NOTHING = "nothing"


def training(kg_per_kwh: float, pue: float, watts: float, utilization: float, result: str) -> float:
    """Return MWh, or tons of CO2, of GPT-3's training on V100; arrays go through."""
    speed = DEVICES["V100"].peak.value * utilization
    mwh = energy.training_kwh(GPT3["flop"].value, speed, watts, 1.0) * pue / 1000
    return mwh * kg_per_kwh if result == "carbon" else mwh


def estimate(
    country: str, pue: float, watts: float, utilization: float, known: str, result: str
) -> dict:
    """Return an estimate, its range, and what each factor does to it.

    Args:
        country, pue, watts, utilization: the settings.
        known: name of the factor that somebody measured; "nothing" for none.
        result: "carbon" in tons or "energy" in MWh.

    Returns:
        dict with value; bars, name -> (low, high); range, the middle 90% of draws of all factors
        that are not known.

    >>> round(estimate("France", 1.1, 330, 0.197, "nothing", "energy")["value"])
    1286
    """
    chosen = {"country": GRID[country].value, "utilization": utilization, "pue": pue}
    factors = {
        name: _around(UNKNOWN[name], value, name == known)
        for name, value in (chosen | {"watts": watts}).items()
    }

    def formula(country, utilization, pue, watts):
        return training(country, pue, watts, utilization, result)

    draws = energy.draws(formula, factors, repeats=20_000)
    return {
        "value": formula(**{name: factor.value for name, factor in factors.items()}),
        "bars": energy.tornado(formula, factors),
        "range": tuple(float(end) for end in np.quantile(draws, [0.05, 0.95])),
    }


def _around(factor: Factor, value: float, known: bool) -> Factor:
    """Return a factor at a setting; its range holds the setting, and is nothing more if known."""
    if known:
        return replace(factor, value=value, low=value, high=value)
    return replace(factor, value=value, low=min(factor.low, value), high=max(factor.high, value))


class EnergyExplorer(kit.Explorer):
    """Set the factors of GPT-3's training; see which decides, and what knowing one brings."""

    lesson = "25"
    view_only = ("known", "result")
    rebuild_for = ("result",)
    presets = {
        "as published": {
            "country": "USA",
            "pue": 1.1,
            "watts": 330,
            "utilization": 0.197,
        },
        "a clean grid": {"country": "Norway"},
        "a poor building": {"pue": 1.58},
    }
    size = (9.6, 3.5)
    compute = staticmethod(estimate)

    def make_controls(self) -> dict:
        """Return the controls."""
        return {
            "country": kit.choice("USA", list(GRID)),
            "pue": kit.slider(1.1, 1.0, 2.0, step=0.01, description="PUE"),
            "watts": kit.slider(330, 200, 800, step=10),
            "utilization": kit.slider(0.197, 0.05, 0.6, step=0.001),
            "known": kit.choice(NOTHING, {NOTHING: NOTHING} | {NAMES[n]: n for n in NAMES}),
            "result": kit.choice("carbon", list(WORDS)),
        }

    def build(self, figure: Figure) -> dict:
        """Draw axes and the published number; make a row for each factor, and one for all."""
        what = self.params["result"]
        ax = figure.subplots()
        ax.set(xscale="log", ylim=(-0.6, len(UNKNOWN) + 0.6), yticks=[])
        ax.set_xlim((1.5, 40_000) if what == "carbon" else (50, 40_000))
        ax.set_xlabel(f"{WORDS[what]} for training GPT-3 (each bar: one factor over its range)")
        ax.spines["left"].set_visible(False)
        ax.axhline(0.5, color=figures.GRAY, linewidth=0.8)
        published = GPT3["tons" if what == "carbon" else "mwh"].value
        ax.axvline(published, linestyle="--", color=figures.GRAY)
        above = {"transform": ax.get_xaxis_transform(), "va": "bottom", "ha": "center"}
        ax.text(published, 1.0, "published", color=figures.GRAY, size=10, **above)
        rows = {name: _row(ax, COLORS[factor.mark]) for name, factor in UNKNOWN.items()}
        rows["all"] = _row(ax, figures.ORANGE)
        return rows | {"now": ax.axvline(1, color=figures.RED)}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move the bars, the longest on top, and the line of the settings."""
        artists["now"].set_xdata([result["value"]] * 2)
        for place, (name, ends) in enumerate(reversed(result["bars"].items()), start=1):
            mark = _mark(name, params)
            _move(artists[name], place, ends, f"{NAMES[name]}: {mark}")
            artists[name][0].set_color(COLORS.get(mark, figures.BLUE))
        _move(artists["all"], 0, result["range"], "all at once: modeled")

    def caption(self, result: dict, params: dict) -> str:
        """Return the estimate, its range, and the factor with the longest bar."""
        unit, known = WORDS[params["result"]], params["known"]
        low, high = result["range"]
        name, ends = next(iter(result["bars"].items()))
        widest = f"The longest bar is {NAMES[name]}: a factor of {max(ends) / min(ends):.1f}."
        told = "Nothing is measured" if known == NOTHING else f"Only the {NAMES[known]} is known"
        return (
            f"Red line, your settings: {result['value']:,.0f} {unit}. {told}: 90% of the draws "
            f"over all ranges lie between {low:,.0f} and {high:,.0f} {unit}, a factor of "
            f"{high / low:.1f}. {widest}"
        )


def _mark(name: str, params: Mapping) -> str:
    """Return the mark of a setting: nobody but the reader says what a moved slider says."""
    if name == params["known"]:
        return "known"
    moved = name != "country" and params[name] != UNKNOWN[name].value
    return "assumed" if moved else UNKNOWN[name].mark


def _row(ax: Axes, color: str) -> tuple:
    (bar,) = ax.plot([], [], "-", color=color, linewidth=11, solid_capstyle="butt")
    label = ax.text(0.0, 0, "", size=11, va="center", transform=ax.get_yaxis_transform())
    ends = [ax.text(1, 0, "", va="center", size=10, ha=side) for side in ("right", "left")]
    return bar, label, *ends


def _move(row: tuple, place: int, ends: Sequence[float], text: str) -> None:
    bar, label, *numbers = row
    low, high = sorted(ends)
    bar.set_data([low, high], [place, place])
    label.set_y(place)
    label.set_text(text)
    for number, at, spot in zip(numbers, (low, high), (low / 1.06, high * 1.06), strict=True):
        number.set_position((spot, place))
        number.set_text(f"{at:,.0f}")


# --- figures ----------------------------------------------------------------------------------


def quietest(rounds: Sequence[Sequence[energy.Seconds]]) -> energy.Seconds:
    """Return the median job of the quietest round: other programs only ever add to both clocks.

    >>> quietest([[energy.Seconds(1, 2)], [energy.Seconds(1.5, 1.8)]])
    Seconds(cpu=1.0, wall=1.8)
    """
    medians = np.array([np.median(each, axis=0) for each in rounds])
    return energy.Seconds(*medians.min(axis=0).tolist())


def clocks(
    alone: Sequence[Sequence[energy.Seconds]], together: Sequence[Sequence[energy.Seconds]]
) -> None:
    """Show CPU and wall seconds of one job, alone and with others on its core.

    Args:
        alone, together: rounds, each with the times of its jobs.
    """
    from matplotlib.figure import Figure

    fig = Figure(figsize=(8, 2.6))
    ax = fig.subplots()
    rows = [(r, c) for r in ("with others", "alone") for c in ("wall", "cpu")]
    for place, (runs, clock) in enumerate(rows):
        rounds = alone if runs == "alone" else together
        values = [getattr(job, clock) for jobs in rounds for job in jobs]
        marker, color = ("s", figures.BLUE) if clock == "cpu" else ("o", figures.ORANGE)
        ax.plot(values, [place] * len(values), marker, color=color, markersize=8, alpha=0.6)
    ax.set_yticks(range(4), [f"{r}: {c.replace('cpu', 'CPU')} seconds" for r, c in rows])
    ax.set(xlabel="seconds (measured)", ylim=(-0.6, 3.6))
    ax.set_xlim(left=0)
    one, many = quietest(alone), quietest(together)
    figures.show(
        fig,
        "The same job, each mark one run. With the others on its core the wall clock (orange dots) "
        f"shows {many.wall / one.wall:.1f} times as much, the CPU clock (blue squares) "
        f"{many.cpu / one.cpu:.2f} times (quietest round of each).",
    )


def tornado(
    bars: Mapping[str, tuple[float, float]], factors: Mapping[str, Factor], value: float, unit: str
) -> None:
    """Show what each factor does to a result, colored by its mark.

    Args:
        bars: what `energy.tornado` returns.
        factors: the same names.
        value: the result at the factors' own values.
        unit: of the result.
    """
    from matplotlib.figure import Figure

    fig = Figure(figsize=(8, 0.42 * len(bars) + 1))
    ax = fig.subplots()
    for place, (name, ends) in enumerate(reversed(bars.items())):
        color = COLORS[factors[name].mark]
        ax.plot(sorted(ends), [place] * 2, "-", color=color, linewidth=11, solid_capstyle="butt")
        if ends[0] == ends[1]:
            ax.plot(ends[0], place, "o", color=color)
    ax.axvline(value, color=figures.GRAY, linestyle="--")
    ax.set_yticks(range(len(bars)), [f"{n} ({factors[n].mark})" for n in reversed(list(bars))])
    ax.set(xscale="log", xlabel=unit, ylim=(-0.6, len(bars) - 0.4))
    longest = next(iter(bars))
    figures.show(
        fig,
        f"Each bar: one factor over its range, the others as they were. The longest is {longest} "
        f"({factors[longest].mark}); the dashed line is the printed number.",
    )


def gpt3(draws: np.ndarray, published: float) -> None:
    """Show draws of GPT-3's training energy (MWh) beside the published number."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(8, 2.8))
    ax = fig.subplots()
    low, high = np.quantile(draws, [0.05, 0.95])
    ax.hist(draws, np.geomspace(draws.min(), draws.max(), 50), color=figures.ORANGE, alpha=0.6)
    ax.axvspan(low, high, color=figures.GRAY, alpha=0.15)
    ax.axvline(published, color=figures.BLUE, linestyle="--")
    ticks = [500, 1000, 2000, 4000]
    ax.set(xscale="log", xlabel="MWh for training GPT-3", ylabel="draws (modeled)")
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.minorticks_off()
    share = np.mean(draws < published)
    figures.show(
        fig,
        f"Orange: 10,000 draws of utilization, watts and PUE. 90% of them lie between {low:,.0f} "
        f"and {high:,.0f} MWh (gray). Blue, dashed: the published {published:,.0f} MWh; "
        f"{share:.0%} of the draws are lower.",
    )


def availability(rows: Mapping[str, float], tiers: Mapping[str, float]) -> None:
    """Show hours without service a year: what formulas give, and what was published for tiers.

    Args:
        rows: design -> hours by formula.
        tiers: tier -> hours as published.
    """
    from matplotlib.figure import Figure

    fig = Figure(figsize=(8, 3))
    ax = fig.subplots()
    names = [*rows, *tiers]
    for place, name in enumerate(reversed(names)):
        modeled = name in rows
        style = ("o", figures.ORANGE) if modeled else ("s", figures.SAND)
        hours = rows[name] if modeled else tiers[name]
        ax.plot(hours, place, style[0], color=style[1], markersize=9)
        ax.text(hours * 1.4, place, f"{hours:.2g} h", va="center", size=10)
    ax.set_yticks(range(len(names)), list(reversed(names)))
    ax.set(xscale="log", xlabel="hours without service in a year", xlim=(1e-4, 3000))
    figures.show(
        fig,
        "Orange dots: by formula, from parts that fail independently (modeled). Brown squares: "
        "published for the four tiers (quoted).",
    )


def rent_or_buy(price: float, rent: float, running: float, hours: float, life: float) -> None:
    """Show what renting and buying cost as the hours of use grow.

    Args:
        price: dollars for the machine.
        rent, running: dollars an hour.
        hours: where they meet.
        life: hours until the machine is replaced.
    """
    from matplotlib.figure import Figure

    fig = Figure(figsize=(8, 3))
    ax = fig.subplots()
    use = np.array([0, life])
    ax.plot(use, rent * use / 1000, "-", color=figures.BLUE, label="rent")
    ax.plot(use, (price + running * use) / 1000, "--", color=figures.ORANGE, label="buy")
    ax.plot(hours, rent * hours / 1000, "o", color=figures.RED, markersize=9)
    ax.set(xlabel="hours of use", ylabel="thousand dollars", xlim=(0, life))
    ax.set_ylim(bottom=0)
    ax.legend()
    figures.show(
        fig,
        f"They meet after {hours:,.0f} hours of use, {hours / life:.0%} of the {life:,.0f} hours "
        "of its life (modeled from quoted and assumed prices).",
    )


def per_million(measured: Mapping[int, float], modeled: Mapping[float, float]) -> None:
    """Show dollars for a million tokens against the batch: measured dots, a modeled line.

    Args:
        measured, modeled: texts at once -> dollars.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    fig = Figure(figsize=(8, 2.8))
    ax = fig.subplots()
    line = {"color": figures.ORANGE, "label": "a + c b, fitted (modeled)"}
    ax.plot(list(modeled), list(modeled.values()), "--", **line)
    dots = {"color": figures.BLUE, "label": "by this machine's speed (measured)"}
    ax.plot(list(measured), list(measured.values()), "o", **dots)
    ax.set(xscale="log", yscale="log", xlabel="texts at once", ylabel="$ for a million tokens")
    ax.set_xticks(list(measured), list(measured))
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    ax.legend()
    first, last = min(measured), max(measured)
    figures.show(
        fig,
        f"With {last} texts at once a million tokens cost {measured[first] / measured[last]:.1f} "
        f"times less than with {first}: the same weights are read once for all.",
    )


def recipes(rows: Mapping[str, tuple[float, float, float]]) -> None:
    """Show recipes: FLOP against CPU seconds, with the accuracy written beside each.

    Args:
        rows: name -> (FLOP, CPU seconds, accuracy); the first is the usual one.
    """
    from matplotlib.figure import Figure

    fig = Figure(figsize=(8, 3.2))
    ax = fig.subplots()
    usual_flop, usual_seconds, _ = next(iter(rows.values()))
    ends = np.array([min(flop for flop, _, _ in rows.values()) / 1.5, usual_flop * 1.5])
    line = ends / usual_flop * usual_seconds
    ax.plot(ends, line, "--", color=figures.ORANGE, label="seconds fall as FLOP do (modeled)")
    for name, (flop, seconds, accuracy) in rows.items():
        ax.plot(flop, seconds, "o", color=figures.BLUE, markersize=9)
        ax.annotate(
            f"{name}: {accuracy:.1%}",
            (flop, seconds),
            xytext=(-8, 6),  # left of the dot: the line goes on to the lower left
            textcoords="offset points",
            ha="right" if flop > ends[0] * 2 else "center",
        )
    ax.set(xscale="log", yscale="log", xlabel="FLOP (by hand)", ylabel="CPU seconds (measured)")
    ax.legend(loc="lower right")
    ax.margins(0.12)
    figures.show(
        fig,
        "Blue dots: trainings, with their accuracy on the test digits. The orange dashed line is "
        "what the usual one would take if time followed the FLOP.",
    )
