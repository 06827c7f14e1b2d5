"""Explorer of differential privacy: what noise promises, and what it cost where it was tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.datacenter.privacy import accounting
from labkit.explore import figures, kit
from labkit.maths.intervals import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIGMAS = np.geomspace(0.4, 16, 25)  # of the lines
ENDS = 0.01, 1e5  # epsilon: the ends of its axis on the left
MEASURED_ENDS = 0.05, 2000.0  # on the right
FALSE_ALARMS = 0.01


class PrivacyExplorer(kit.Explorer):
    """Turn noise, sampling and steps; see epsilon three ways, beside accuracies that were measured.

    Lines, triangle and square are modeled: epsilon with all examples in every step, epsilon with
    sampling (RDP), and by the privacy loss distribution where dp-accounting is installed. Dots are
    measured, each a mean over seeds with its 95 % interval.

    Args:
        rows: measured runs, each a dict with sigma, q, steps and accuracy, which has one value for
            each seed, shape (seeds,); none shows epsilon alone.
        plain: accuracy without privacy, one value for each seed; None for no line.
        delta: of every epsilon.
        **start: start values of sigma, q and steps.
    """

    lesson = "26"
    view_only = ("sigma", "q", "steps")
    size = (9.8, 3.5)

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]] = (),
        plain: Sequence[float] | None = None,
        delta: float = 1e-5,
        **start: Any,
    ) -> None:
        self.delta, self.plain = delta, None if plain is None else mean_interval(plain)
        self.dots = [_measured(row, delta) for row in rows]
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: the noise, who is drawn, and how often."""
        return {
            "sigma": kit.log_slider(1.0, 0.4, 16.0, description="noise (limits)"),
            "q": kit.log_slider(0.04, 0.001, 1.0, description="drawn with q"),
            "steps": kit.log_slider(200, 10, 5000),
        }

    def texts(self) -> dict[str, str]:
        """Return what the copy button copies: the call that computes epsilon."""
        values = ", ".join(f"{name}={value:g}" for name, value in self.params.items())
        return {"Copy as Python": f"accounting.epsilon({values}, delta={self.delta:g})"}

    def compute(self, sigma: float, q: float, steps: float) -> dict:
        """Return epsilon in three ways, both lines, and what any attacker can do at most."""
        steps = int(steps)
        every, sampled = _lines(q, steps, self.delta)
        place, rdp = (sigma, q, steps), accounting.epsilon(sigma, q, steps, self.delta)
        return {
            "every_line": every,
            "sampled_line": sampled,
            "every": accounting.gaussian_epsilon(sigma, self.delta, steps),
            "rdp": rdp,
            "pld": _pld(*place, self.delta, rdp),
            "ceiling": accounting.ceiling(sigma, q, steps, FALSE_ALARMS),
            "here": [dot for dot in self.dots if _place(dot) == place],
        }

    def build(self, figure: Figure) -> dict:
        """Draw epsilon over the noise on the left, measured accuracy over epsilon on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[1.1, 1])
        return self._build_epsilon(left) | self._build_accuracy(right)

    def _build_epsilon(self, ax: Axes) -> dict:
        ax.set(xscale="log", yscale="log", xlim=(0.37, 17), ylim=ENDS)
        ax.set(xlabel="noise sigma (limits)", ylabel=f"epsilon (delta {kit.short(self.delta)})")
        ax.set_xticks([0.5, 1, 2, 4, 8, 16], ["0.5", "1", "2", "4", "8", "16"])
        ax.minorticks_off()
        ax.yaxis.set_major_formatter("{x:g}")
        (every,) = ax.plot([], [], "--", color=figures.GRAY, label="all examples in every step")
        (sampled,) = ax.plot([], [], "-", color=figures.BLUE, label="sampled, by RDP")
        (now,) = ax.plot([], [], "s", color=figures.BLUE, markersize=9)
        (pld,) = ax.plot([], [], "v", color=figures.ORANGE, markersize=9, label="sampled, by PLD")
        known = [every, sampled, *([pld] if accounting.pld_available() else [])]
        ax.legend(handles=known, loc="upper right", fontsize=9, title="modeled")
        return {"every": every, "sampled": sampled, "now": now, "pld": pld}

    def _build_accuracy(self, ax: Axes) -> dict:
        ax.set(xscale="log", xlim=MEASURED_ENDS, title="measured", xlabel="epsilon by RDP")
        ax.set(ylabel="accuracy on new images", ylim=self._accuracies())
        ax.xaxis.set_major_formatter("{x:g}")
        for dot in self.dots:
            ax.errorbar(
                dot["epsilon"], dot["mean"], dot["margin"], fmt="o", color=figures.BLUE, capsize=3
            )
        if self.plain:
            mean, margin = self.plain
            ax.axhspan(mean - margin, mean + margin, color=figures.GRAY, alpha=0.15)
            ax.axhline(mean, color=figures.GRAY, linestyle=":")
            ax.text(
                1.2 * MEASURED_ENDS[0],
                mean,
                "not private",
                va="bottom",
                color=figures.GRAY,
                size=10,
            )
        if not self.dots:
            ax.text(10, 0.5, "no run was measured", ha="center", color=figures.GRAY)
        (line,) = ax.plot([], [], "-", color=figures.BLUE, alpha=0.5)
        (ring,) = ax.plot([], [], "o", color=figures.RED, markersize=14, mfc="none", mew=2)
        return {"line": line, "ring": ring}

    def _accuracies(self) -> tuple[float, float]:
        """Return limits of the accuracy axis that hold all intervals, with room for words."""
        pairs = [(dot["mean"], dot["margin"]) for dot in self.dots]
        pairs += [self.plain] if self.plain else []
        if not pairs:
            return 0.0, 1.0
        low = min(mean - margin for mean, margin in pairs)
        high = max(mean + margin for mean, margin in pairs)
        return low - 0.1 * (high - low) - 0.01, high + 0.15 * (high - low) + 0.01

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move the lines, the marks at this noise, and the ring around what was measured here."""
        sigma, rdp = params["sigma"], result["rdp"]
        artists["every"].set_data(SIGMAS, result["every_line"])
        artists["sampled"].set_data(SIGMAS, result["sampled_line"])
        artists["now"].set_data([sigma], [rdp])
        artists["pld"].set_data(*([], []) if result["pld"] is None else ([sigma], [result["pld"]]))
        artists["line"].set_data(np.clip([rdp, rdp], *MEASURED_ENDS), [-1, 2])
        here = result["here"]
        artists["ring"].set_data([dot["epsilon"] for dot in here], [dot["mean"] for dot in here])

    def caption(self, result: dict, params: dict) -> str:
        """Return in words: epsilon in each way, what it allows an attacker, what was measured."""
        every = f" All examples in every step: {kit.short(result['every'])}, exactly."
        return (
            f"Modeled, delta {kit.short(self.delta)}: epsilon {kit.short(result['rdp'])} by RDP"
            f"{_by_pld(result['pld'])}.{every} {_promised(result['ceiling'])}"
            f"{self._told(result['here'])}"
        )

    def _told(self, here: Sequence[Mapping[str, float]]) -> str:
        """Return what was measured at this setting, or that nothing was."""
        if not self.dots:
            return ""
        if not here:
            return " None of the dots was measured at this setting."
        told = [f"{dot['mean']:.3f} ± {dot['margin']:.3f}" for dot in here]
        plain = f", {self.plain[0]:.3f} without privacy" if self.plain else ""
        return f" Measured here (red ring): accuracy {', '.join(told)}{plain}."


def _by_pld(pld: float | None) -> str:
    if pld is None:
        return "; dp-accounting (extra privacy) would give a lower one"
    return f", {kit.short(pld)} by the privacy loss distribution (PLD)"


def _promised(ceiling: float) -> str:
    """Return what epsilon at every delta says of the share of members that can be named."""
    if ceiling > 0.995:
        return "At 1 % false alarms RDP promises nothing: an attacker might name all members."
    named = f"{100 * ceiling:.3g} %"
    return f"At 1 % false alarms no attacker, by RDP, can name more than {named} of the members."


def _measured(row: Mapping[str, Any], delta: float) -> dict[str, float]:
    """Return a row with its epsilon, and mean and margin of its accuracies."""
    sigma, q, steps = _place(row)
    mean, margin = mean_interval(row["accuracy"])
    promised = accounting.epsilon(sigma, q, steps, delta)
    found = {"sigma": sigma, "q": q, "steps": steps, "epsilon": promised}
    return found | {"mean": mean, "margin": margin}


def _place(row: Mapping[str, Any]) -> tuple[float, float, int]:
    return row["sigma"], row["q"], row["steps"]


def _pld(sigma: float, q: float, steps: int, delta: float, rdp: float) -> float | None:
    """Return epsilon by the privacy loss distribution, where it can be had; quick enough to turn.

    The bins of privacy loss are as fine as epsilon asks for: always a bound.
    """
    if not accounting.pld_available():
        return None
    return accounting.pld_epsilon(sigma, q, steps, delta, float(np.clip(rdp / 500, 1e-4, 1e-2)))


@lru_cache(maxsize=64)
def _lines(q: float, steps: int, delta: float) -> tuple[list[float], list[float]]:
    """Return epsilon at each of `SIGMAS` with all examples in every step, and with sampling."""
    every = [accounting.gaussian_epsilon(sigma, delta, steps) for sigma in SIGMAS.tolist()]
    sampled = [accounting.epsilon(sigma, q, steps, delta) for sigma in SIGMAS.tolist()]
    return every, sampled
