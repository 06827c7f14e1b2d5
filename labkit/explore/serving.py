"""Explorer and pictures of a server under load: rate, batches, waiting and a limit of the queue."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.datacenter.serving import theory
from labkit.datacenter.serving.simulator import simulate, simulate_closed
from labkit.datacenter.serving.traffic import Answers, bursts, poisson
from labkit.datacenter.steps import Line
from labkit.explore import figures, kit
from labkit.lab.words import short_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE = Line(0.050, 0.002)
SECONDS = 30.0  # that are simulated
BURST, SPREAD = 8, 0.005  # requests of one page, and the seconds within which they come
CLIENTS = 20
BATCHES, LIMITS = (1, 4, 8, 16, 32), (5, 20, 100, 1000)
LIMITED = 100  # places up to which a limit decides what happens in the long run
SETTLES = 0.96  # load up to which a queue without a limit settles within the picture
NEAR = 0.06  # a rate is about another one: half a step of the control
LOWEST, HIGHEST = 2.0, 400.0  # requests a second
SENDERS = {
    "server": "Poisson (MLPerf: server)",
    "bursts": f"bursts of {BURST}",
    "clients": f"{CLIENTS} clients that wait",
    "single stream": "1 client (MLPerf: single stream)",
}
START = {"senders": "server", "rate": 10, "max_batch": 1, "max_wait": 0, "queue_limit": 1000}


def row(answers: Answers, rate: float, **settings: Any) -> dict[str, Any]:
    """Return what was measured at a setting, as `ServingExplorer` takes it.

    Args:
        answers: of a real server.
        rate: requests a second, as the explorer's control has it.
        **settings: max_batch, max_wait (ms), queue_limit, senders, where they are not as at the
            explorer's start: 1, 0, 1000, "server".
    """
    told = {"mean": float(answers.latency.mean()), "p99": answers.percentile(0.99)}
    return START | settings | {"rate": rate, "refused": answers.refused} | told


class ServingExplorer(kit.Explorer):
    """Turn rate, batch, waiting and queue limit of a server; see latency by theory and simulated.

    Args:
        rows: of `row`, measured on a real server of the same line; none shows the model alone.
        line: seconds of a batch, a + c b.
        **start: start values of the controls.

    Raises:
        ValueError: a line so slow that hardly any rate of the picture can be served.
    """

    lesson = "23"
    view_only = tuple(START)
    size = (9.6, 3.3)
    presets = {
        "40 a second": START | {"rate": 40},
        "clients that wait": START | {"rate": 40, "senders": "clients"},
        "limit 5": START | {"rate": 40, "queue_limit": 5},
        "batches of 8": START | {"rate": 40, "max_batch": 8},
        "wait 100 ms": START | {"rate": 40, "max_batch": 8, "max_wait": 100},
        "bursts": START | {"rate": 40, "max_batch": 8, "senders": "bursts"},
    }

    def __init__(
        self, rows: Sequence[Mapping[str, Any]] = (), line: Line = LINE, **start: Any
    ) -> None:
        if SETTLES * theory.capacity(line, 1) <= LOWEST:
            raise ValueError(
                f"one request must take less than {SETTLES / LOWEST:g} s here. Received a line of "
                f"{line.seconds(1):g} s"
            )
        self.rows, self.line = list(rows), line
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: who sends, how much, and three rules of the server."""
        return {
            "senders": kit.choice("server", {label: name for name, label in SENDERS.items()}),
            "rate": kit.log_slider(10, LOWEST, HIGHEST, description="rate (1/s)"),
            "max_wait": kit.slider(0, 0, 200, step=5, description="max wait (ms)"),
            "max_batch": kit.choice(1, list(BATCHES)),
            "queue_limit": kit.choice(1000, {f"{each:,}": each for each in LIMITS}),
        }

    def compute(
        self, senders: str, rate: float, max_batch: int, max_wait: int, queue_limit: int
    ) -> dict:
        """Return simulated answers, the theory's line over the rate, and what was measured.

        Returns:
            dict with answers; rates and latencies, the theory of a server that does not wait;
            theory, its `Steady` at this rate or None; capacity; measured, the rows of these rules;
            here, one of them that was measured at about this rate, or None.
        """
        rules = {"max_batch": max_batch, "max_wait": max_wait / 1e3, "queue_limit": queue_limit}
        rates, latencies = _curve(self.line, max_batch, queue_limit)
        at = {"senders": senders, "max_batch": max_batch, "max_wait": max_wait}
        at |= {"queue_limit": queue_limit}
        measured = [each for each in self.rows if all(each[k] == v for k, v in at.items())]
        return {
            "answers": _sent(senders, rate, self.line, rules),
            "rates": rates,
            "latencies": latencies,
            "theory": _steady(self.line, rate, max_batch, queue_limit),
            "capacity": theory.capacity(self.line, max_batch),
            "measured": measured,
            "here": next((each for each in measured if abs(each["rate"] / rate - 1) < NEAR), None),
        }

    def build(self, figure: Figure) -> dict:
        """Draw latency over the rate on the left, over time on the right, on one scale."""
        left, right = figure.subplots(1, 2, sharey=True)
        low = 10.0 ** math.floor(math.log10(self.line.seconds(1)))
        left.set(xscale="log", yscale="log", xlim=(LOWEST, HIGHEST), ylim=(low, 1e4 * low))
        ticks = [5, 20, 50, 100, 200]
        left.set_xticks(ticks, list(map(str, ticks)))
        left.minorticks_off()
        decades = low * 10.0 ** np.arange(5)
        left.set_yticks(decades, [short_time(each) for each in decades])
        left.set(xlabel="requests a second", ylabel="latency")
        right.set(xlabel="planned at (s)", xlim=(0, SECONDS))
        return self._build_left(left) | _build_right(right)

    def _build_left(self, ax: Axes) -> dict:
        look = {"color": figures.ORANGE, "label": "mean, modeled"}
        artists = {"line": ax.plot([], [], "-", **look)[0]}
        artists["capacity"] = ax.axvline(1, color=figures.GRAY, linestyle="--")
        place = {"transform": ax.get_xaxis_transform(), "ha": "right", "va": "top", "size": 9}
        artists["told"] = ax.text(1, 0.98, "", color=figures.GRAY, rotation=90, **place)
        for name, marker in (("mean", "o"), ("p99", "^")):
            look = {"color": figures.BLUE, "ms": 9, "label": f"{name}, simulated"}
            artists[name] = ax.plot([], [], marker, **look)[0]
            look = {"color": figures.RED, "ms": 14, "mfc": "none", "mew": 1.8}
            label = {"label": f"{name}, measured"} if self.rows else {}
            artists[f"measured {name}"] = ax.plot([], [], marker, **look, **label)[0]
        ax.legend(loc="upper left", fontsize=8.5)
        return artists

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move lines and marks."""
        artists["line"].set_data(result["rates"], result["latencies"])
        artists["capacity"].set_xdata([result["capacity"]] * 2)
        artists["told"].set(x=result["capacity"] * 0.97, text="capacity")
        answers = result["answers"]
        found = _summary(answers)
        for name in ("mean", "p99"):
            spot = ([found["rate"]], [found[name]]) if answers.ok.any() else ([], [])
            artists[name].set_data(*spot)
            spots = [(each["rate"], each[name]) for each in result["measured"]]
            artists[f"measured {name}"].set_data(*(zip(*spots, strict=True) if spots else ([], [])))
        artists["each"].set_data(answers.planned[answers.ok], answers.latency)
        refused = answers.planned[~answers.ok]
        artists["refused"].set_data(refused, np.full(len(refused), 0.03))
        artists["overload"].set_data(*_growth(result, params))

    def caption(self, result: dict, params: dict) -> str:
        """Return in words what came, what was found, and what theory and measurement say."""
        return " ".join([_simulated(result), _modeled(result, params), self._measured(result)])

    def _measured(self, result: dict) -> str:
        if here := result["here"]:
            return (
                f"Measured at {here['rate']:.3g} a second: mean {short_time(here['mean'])}, p99 "
                f"{short_time(here['p99'])}, {kit.percent(here['refused'])} refused."
            )
        if result["measured"]:
            rates = ", ".join(f"{each['rate']:.3g}" for each in result["measured"])
            return f"The real server was measured with these rules at {rates} a second."
        if self.rows:
            return "The real server was measured with other rules."
        return "This is the model alone: no measurement was given."


def _build_right(ax: Axes) -> dict:
    look = {"color": figures.BLUE, "ms": 2.5, "alpha": 0.6, "label": "a request, simulated"}
    (each,) = ax.plot([], [], "o", **look)
    transform = ax.get_xaxis_transform()
    (refused,) = ax.plot([], [], "|", color=figures.RED, ms=9, label="refused", transform=transform)
    (overload,) = ax.plot([], [], "--", color=figures.ORANGE, label="overload, modeled")
    ax.legend(loc="upper left", fontsize=8, ncol=3, columnspacing=1)
    return {"each": each, "refused": refused, "overload": overload}


def _sent(senders: str, rate: float, line: Line, rules: Mapping[str, Any]) -> Answers:
    """Return how a simulated server answers such senders."""
    if senders == "server":
        return simulate(poisson(rate, SECONDS), line, **rules)
    if senders == "bursts":
        return simulate(bursts(rate, SECONDS, BURST, SPREAD), line, **rules)
    clients = 1 if senders == "single stream" else CLIENTS
    return simulate_closed(clients, SECONDS, line, think=clients / rate, **rules)


def _summary(answers: Answers) -> dict[str, float]:
    """Return the rate that came, and mean and p99 of the latency (0 if nobody was answered)."""
    found = {"rate": len(answers.planned) / SECONDS, "mean": 0.0, "p99": 0.0}
    if answers.ok.any():
        found |= {"mean": float(answers.latency.mean()), "p99": answers.percentile(0.99)}
    return found


@functools.lru_cache(maxsize=4096)
def _steady(line: Line, rate: float, max_batch: int, queue_limit: int) -> theory.Steady | None:
    """Return what theory says of the long run; None where a queue of hundreds fills slowly."""
    if queue_limit <= LIMITED:
        return theory.steady(line, rate, max_batch, queue_limit)
    if rate <= (SETTLES + 1e-9) * theory.capacity(line, max_batch):
        return theory.steady(line, rate, max_batch)
    return None


def _curve(line: Line, max_batch: int, queue_limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rates, and the mean latency at each, as far as there is a steady state."""
    if queue_limit <= LIMITED:
        rates = np.geomspace(LOWEST, HIGHEST, 24)
    else:  # closer together where the line is steep
        most = theory.capacity(line, max_batch)
        rates = most * (1 - np.geomspace(1 - LOWEST / most, 1 - SETTLES, 24))
    found = [_steady(line, float(rate), max_batch, queue_limit) for rate in rates]
    return rates, np.array([each.latency for each in found])


def _growth(result: dict, params: dict) -> tuple[list, list]:
    """Return times and latencies of an open loop in overload, until the queue is full."""
    rate, capacity = params["rate"], result["capacity"]
    if params["senders"] not in ("server", "bursts") or rate <= 1.05 * capacity:
        return [], []
    times = np.linspace(0.5, SECONDS, 60)
    most = params["queue_limit"] / capacity
    return times, np.minimum(theory.overload_latency(rate, capacity, times), most)


def _simulated(result: dict) -> str:
    answers = result["answers"]
    if not answers.ok.any():
        return "Nobody came in this time."
    found = _summary(answers)
    return (
        f"Simulated for {SECONDS:g} s: {found['rate']:.3g} requests a second, mean latency "
        f"{short_time(found['mean'])}, p99 {short_time(found['p99'])}, "
        f"{kit.percent(answers.refused)} refused, {answers.batch_mean:.1f} a batch."
    )


def _modeled(result: dict, params: dict) -> str:
    capacity, rate = result["capacity"], params["rate"]
    told = f"Capacity is {capacity:.3g} a second (modeled)"
    if params["senders"] in ("clients", "single stream"):
        return f"{told}; clients that wait for answers ask {rate:g} times a second at most."
    if result["theory"]:
        waits = "without waiting, " if params["max_wait"] else ""
        who = "" if params["senders"] == "server" else " of independent requests"
        return f"{told}; {waits}the mean{who} is {short_time(result['theory'].latency)} (modeled)."
    if rate > capacity:
        growth = theory.overload_latency(rate, capacity, 1.0)
        return (
            f"{told}: each second the latency grows by {short_time(growth)}, and nothing settles."
        )
    return f"{told}: so near to it the queue takes longer than this to settle."
