"""Explorer of control charts: false alarms against delay, by theory and simulated."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from labkit.datacenter.monitoring import charts
from labkit.explore import figures, kit
from labkit.maths.intervals import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAY = 1440  # values of a day, one a minute
DAYS = 120  # simulated for one dot: under 100 ms
SHOWN, ONSET = 240, 120  # minutes of the picture of one day, and where its shift begins
MAKE = {
    "CUSUM": lambda limit: charts.cusum(0.5, limit),
    "EWMA": lambda limit: charts.rises_only(charts.ewma(0.1, limit)),
    "Shewhart": lambda limit: charts.rises_only(charts.shewhart(limit)),
}
LOOKS = {
    "CUSUM": (figures.BLUE, "-"),
    "EWMA": (figures.ORANGE, "--"),
    "Shewhart": (figures.PINK, "-."),
}
PLACES = np.round(np.linspace(1.0, 6.0, 26), 1)  # limits of a line
LEAST, MOST = 0.002, 1000.0  # false alarms a day: the ends of the axis


@cache
def _lengths(chart: str, shift: float) -> np.ndarray:
    """Return the modeled run lengths at all limits; few cells are good enough for a line."""
    return np.array([charts.arl(MAKE[chart](limit), shift, cells=51) for limit in PLACES.tolist()])


class MonitoringExplorer(kit.Explorer):
    """Turn chart, limit, shift and correlation; see false alarms a day against minutes of delay.

    The line is modeled (Markov chain, independent values), the dot simulated with 95 % intervals.
    One value comes each minute, in standard deviations from its usual mean. All charts look
    for rises only, so that they can be compared.
    """

    lesson = "27"
    view_only = ("chart", "limit", "shift", "correlation", "others")
    size = (9.6, 3.5)
    presets = {
        "independent": {"correlation": 0.0},
        "each like the last": {"correlation": 0.6},
    }

    def make_controls(self) -> dict:
        """Return the controls: the chart, three numbers, and whether all lines are drawn."""
        return {
            "chart": kit.choice("CUSUM", list(MAKE)),
            "limit": kit.slider(4.0, 1.0, 6.0, step=0.1),
            "shift": kit.slider(1.0, 0.25, 3.0, step=0.25),
            "correlation": kit.slider(0.0, 0.0, 0.9, step=0.05),
            "others": kit.switch(False, description="all charts"),
        }

    def compute(
        self, chart: str, limit: float, shift: float, correlation: float, others: bool
    ) -> dict:
        """Return the modeled lines and point, the simulated dot, and the states of one day."""
        made = MAKE[chart](limit)
        shown = MAKE if others else [chart]
        noisy = {"correlation": correlation, "runs": DAYS}
        delays = charts.run_lengths(made.step, made.limit, shift, most=DAY, **noisy)
        return {
            "lines": {each: (_lengths(each, shift), DAY / _lengths(each, 0.0)) for each in shown},
            "modeled": (charts.arl(made, shift), DAY / charts.arl(made)),
            "delay": mean_interval(delays),
            "missed": int((delays == DAY).sum()),
            "false": mean_interval(charts.false_alarms(made.step, made.limit, **noisy)),
            "day": _one_day(made, shift, correlation),
        }

    def build(self, figure: Figure) -> dict:
        """Draw one day on the left, false alarms against delay on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[1.2, 1])
        return self._build_day(left) | self._build_trade(right)

    def _build_day(self, ax: Axes) -> dict:
        ax.set(xlim=(0, SHOWN), ylim=(0, 1.6), xlabel="minute", ylabel="state / limit")
        ax.axvspan(ONSET, SHOWN, color=figures.LIGHT_BLUE, alpha=0.25, linewidth=0)
        ax.set_title(f"shifted from minute {ONSET} on; after an alarm (▼) anew from 0", size=11)
        ax.axhline(1, color=figures.GRAY, linestyle=":")
        (state,) = ax.plot([], [], "-", color=figures.BLUE, linewidth=1.2)
        (alarms,) = ax.plot([], [], "v", color=figures.RED, markersize=8)
        return {"state": state, "alarms": alarms}

    def _build_trade(self, ax: Axes) -> dict:
        ax.set(xscale="log", yscale="log", xlim=(1, DAY), ylim=(LEAST, MOST))
        ax.set(xlabel="delay (minutes)", ylabel="false alarms a day")
        lines, names = [], []
        for place, (color, dashes) in enumerate(LOOKS.values()):
            lines += ax.plot([], [], linestyle=dashes, color=color)
            names.append(ax.text(0.8 * DAY, 250 / 3**place, "", color=color, size=10, ha="right"))
        (point,) = ax.plot([], [], "o", ms=13, mfc="none", mew=2, color=figures.GRAY, zorder=5)
        (bars,) = ax.plot([], [], "-", color=figures.RED, linewidth=1.6, zorder=6)
        (dot,) = ax.plot([], [], "o", color=figures.RED, ms=7, mec="white", zorder=7)
        return {"lines": lines, "names": names, "point": point, "bars": bars, "dot": dot}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move lines, dot and the day."""
        states, alarms = result["day"]
        artists["state"].set_data(np.arange(SHOWN), states.clip(0, 1.5))
        artists["alarms"].set_data(alarms, [1.5] * len(alarms))
        for chart, line, name in zip(LOOKS, artists["lines"], artists["names"], strict=True):
            line.set_data(*result["lines"].get(chart, ([], [])))
            name.set_text(f"{chart}, modeled" if chart in result["lines"] else "")
        (delay, later), (false, more) = result["delay"], result["false"]
        x = np.clip([delay, delay - later, delay + later], 1, DAY)
        y = np.clip([false, false - more, false + more], LEAST, MOST)
        point = [[np.clip(each, *ends)] for each, ends in zip(result["modeled"], ENDS, strict=True)]
        artists["point"].set_data(*point)
        artists["dot"].set_data(x[:1], y[:1])
        gap = np.nan
        artists["bars"].set_data([x[1], x[2], gap, x[0], x[0]], [y[0], y[0], gap, y[1], y[2]])

    def caption(self, result: dict, params: dict) -> str:
        """Return in words what is modeled, what was simulated, and whether they agree."""
        delay, false = result["modeled"]
        told = (
            "Modeled, if values are independent (line: all limits from 1 to 6; ring: this one): "
            f"{_rate(false)} false alarms a day, "
            f"and an alarm {kit.short(delay)} minutes after the shift. Simulated, {DAYS} days "
            f"(red): {_rate(*result['false'])} a day, {_delay(*result['delay'], result['missed'])}."
        )
        return told + _beside(false, *result["false"], params["correlation"])


ENDS = (1, DAY), (LEAST, MOST)


def _rate(false: float, margin: float = 0.0) -> str:
    """Return a number of a day in words."""
    if 0 < false < 1e-3:
        return "fewer than 0.001"
    return f"{kit.short(false)} ± {kit.short(margin)}" if margin else kit.short(false)


def _delay(mean: float, margin: float, missed: int) -> str:
    """Return the simulated delay in words."""
    if missed == DAYS:
        return "and no shift was told within a day"
    told = f"delay {kit.short(mean)} ± {kit.short(margin)} minutes"
    return (
        f"{told}; {missed} shifts were not told within a day and count as one" if missed else told
    )


def _beside(modeled: float, found: float, margin: float, correlation: float) -> str:
    """Return how the simulated rate stands to the modeled one, where it broke the promise."""
    if not correlation or found <= 1.5 * modeled + margin:
        return ""
    times = f"{kit.short(found / modeled)} times" if modeled > 1e-3 else "many times"
    return f" Each value is like the last: {times} as many as promised."


def _one_day(chart: charts.Chart, shift: float, correlation: float) -> tuple[np.ndarray, list[int]]:
    """Return the states of one chart, as shares of its limit, and the minutes of its alarms."""
    random = np.random.default_rng(1)
    state, noise, states, alarms = 0.0, random.normal(), [], []
    for minute in range(SHOWN):
        state = float(chart.step(state, noise + shift * (minute >= ONSET)))
        states.append(state / chart.limit)
        if state > chart.limit:
            alarms.append(minute)
            state = 0.0
        noise = charts.autoregressive(np.array(noise), correlation, random)
    return np.array(states), alarms
