"""Explorer of lesson 02: one neuron learns under two losses, beside each other, in time.

The page computes (js/neuron); what stands here computes and says the same in Python.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import traitlets

from labkit.explore import figures, kit
from labkit.explore.kit.page import PageExplorer
from labkit.explore.kit.script import script

NAMES = {"mse": "squared error", "cross_entropy": "cross-entropy"}
# Rates found by one rule: from w = 0, where p = 0.5, both answers fall below 0.1 in epoch 20.
RATES = {"rate_mse": 1.7, "rate_cross_entropy": 0.5}
GOAL = 0.1  # an answer below it counts as learned
RANGES = {"start": (0.0, 8.0), "rate": (0.1, 100.0), "epoch": (0, 1000)}
PRESETS = {
    "a fair start": {"start": 0.0, **RATES},
    "sure and wrong": {"start": 6.0, **RATES},
    "surer still": {"start": 8.0, **RATES},
    "squared error at ten times the rate": {"start": 6.0, **RATES, "rate_mse": 17.0},
}
_LENGTHS = (50, 100, 200, 400, 1000)


def answer(w: float) -> float:
    """Return what a neuron with weight w answers to the input 1, a probability."""
    return 1 / (1 + np.exp(-w))


SLOPES: dict[str, Callable[[float], float]] = {  # of each loss for w, where the target is 0
    "mse": lambda p: 2 * p * p * (1 - p),
    "cross_entropy": lambda p: p,
}


def learn(loss: str, start: float, rate: float, epochs: int) -> np.ndarray:
    """Return the weight after 0, 1, ... epochs of gradient descent, shape (epochs + 1,).

    Args:
        loss: "mse" or "cross_entropy".
        start: the weight before.
        rate: learning rate.
        epochs: how often the one sample, input 1 and target 0, is shown.

    >>> learn("cross_entropy", start=0.0, rate=0.5, epochs=1).tolist()
    [0.0, -0.25]
    """
    weights = [start]
    for _ in range(epochs):
        weights.append(weights[-1] - rate * SLOPES[loss](answer(weights[-1])))
    return np.array(weights)


class NeuronExplorer(PageExplorer):
    """One neuron, one sample, target 0: how its answer falls under each of two losses.

    Args:
        start: its weight at the start; the larger, the surer it is, and wrong.
        rate_mse, rate_cross_entropy: the learning rate under each loss.
        epoch: how far it has learned.
        walks: loss -> answers after each epoch, found elsewhere: rings over the lines.
        whose: whose answers those are, for the legend.

    >>> NeuronExplorer(start=0.0).text  # doctest: +ELLIPSIS
    'At the start, w = 0 (target 0): squared error answers 0.5, slope 0.25; cross...'
    """

    parameters = ("start", "rate_mse", "rate_cross_entropy", "epoch")
    allowed = {
        "start": RANGES["start"],
        "rate_mse": RANGES["rate"],
        "rate_cross_entropy": RANGES["rate"],
        "epoch": RANGES["epoch"],
    }
    sent = ("lesson", "walks", "whose", "catalog")

    lesson = traitlets.Unicode("02").tag(sync=True)
    start = traitlets.Float(6.0).tag(sync=True)
    rate_mse = traitlets.Float(RATES["rate_mse"]).tag(sync=True)
    rate_cross_entropy = traitlets.Float(RATES["rate_cross_entropy"]).tag(sync=True)
    epoch = traitlets.Int(0).tag(sync=True)
    walks = traitlets.Dict().tag(sync=True)
    whose = traitlets.Unicode("measured").tag(sync=True)
    catalog = traitlets.Dict().tag(sync=True)

    _esm = script("neuron/explorer")

    def __init__(self, **settings: Any) -> None:
        self._check_names(settings, "walks", "whose")
        walks = {name: list(map(float, p)) for name, p in settings.pop("walks", {}).items()}
        ranges = {name: list(ends) for name, ends in RANGES.items()}
        super().__init__(catalog={"ranges": ranges, "presets": PRESETS}, walks=walks, **settings)

    @traitlets.validate("start", "rate_mse", "rate_cross_entropy", "epoch")
    def _validate(self, proposal: Mapping[str, Any]) -> Any:
        return self._check(proposal["trait"].name, proposal["value"])

    @property
    def lesson_params(self) -> dict[str, Any]:
        """The settings as parameters of the lesson: all but the epoch."""
        return {name: value for name, value in self.params.items() if name != "epoch"}

    @property
    def text(self) -> str:
        """What is shown and what happened, in words."""
        return explain(self.params)["text"]

    def pixels(self) -> np.ndarray:
        """Return the picture of these settings, array (height, width, 4)."""
        return kit.draw_once(lambda figure: self._draw(figure), size=(10.0, 3.4))

    def _draw(self, figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        w = np.linspace(-8, 8, 161)
        left.plot(w, answer(w), "-", color=figures.GRAY)
        looks = zip(NAMES, "so", ("-", "--"), figures.COLORS, strict=False)
        for loss, marker, dashes, color in looks:
            weights = explain(self.params)["weights"][loss]
            p, here = answer(weights), max(weights[-1], -8)
            left.plot(here, answer(here), marker, color=color, markersize=9)
            right.plot(p, dashes, color=color, label=NAMES[loss])
            right.plot(len(p) - 1, p[-1], marker, color=color)
            own = np.arange(0, min(len(p), len(self.walks.get(loss, []))), 5)
            rings = {"color": color, "fillstyle": "none", "linestyle": ""}
            right.plot(own, [self.walks[loss][k] for k in own], "o", **rings)
        left.set(xlabel="weight w", ylabel="answer p", xlim=(-8.3, 8.3))
        length = next(each for each in _LENGTHS if each >= self.epoch)
        right.set(xlabel="epoch", ylabel="answer p", xlim=(-0.02 * length, 1.02 * length))
        right.set(ylim=(-0.05, 1.05))
        right.legend()

    def grid(self) -> Iterator[dict[str, Any]]:
        """Yield ends and middles of all controls, and all presets."""
        for start, low, high, epoch in itertools.product(
            (0.0, 4.0, 8.0), (0.1, 1.7, 100.0), (0.1, 0.5, 100.0), (0, 60)
        ):
            yield {"start": start, "rate_mse": low, "rate_cross_entropy": high, "epoch": epoch}
        for settings in PRESETS.values():
            yield {**settings, "epoch": 400}

    def attempt(self, params: dict[str, Any], drawn: bool) -> None:
        """Compute at these settings and draw if `drawn`; raise where something is wrong."""
        with np.errstate(all="raise", under="ignore"):
            explain(params)
        if drawn:
            NeuronExplorer(**params).pixels()


def explain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the weights of both neurons up to an epoch, and what happened in words.

    Args:
        params: start, rate_mse, rate_cross_entropy and epoch, as of the explorer.

    Returns:
        dict with weights, loss -> array (epoch + 1,), and text.
    """
    start, epoch = params["start"], params["epoch"]
    weights = {loss: learn(loss, start, params[f"rate_{loss}"], epoch) for loss in NAMES}
    epochs = f"{epoch} epoch{'' if epoch == 1 else 's'}"
    when = f"After {epochs}" if epoch else f"At the start, w = {kit.short(start)}"
    told = "; ".join(_fate(loss, weights[loss]) for loss in NAMES)
    return {"weights": weights, "text": f"{when} (target 0): {told}."}


def _fate(loss: str, weights: np.ndarray) -> str:
    p = answer(weights)
    first = f", below {GOAL} since epoch {np.argmax(p < GOAL)}" if (p < GOAL).any() else ""
    slope = kit.short(SLOPES[loss](p[-1]))
    return f"{NAMES[loss]} answers {kit.short(p[-1])}, slope {slope}{first}"
