"""Pictures of lesson 21 about gradients that are small or old; an explorer of error feedback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from labkit.datacenter.compression import (
    Method,
    OneBit,
    RandomK,
    Sender,
    TopK,
    error_feedback,
    kept,
    no_feedback,
)
from labkit.datacenter.tuning import Tuned
from labkit.explore import figures, kit
from labkit.lab.words import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WITH = " + feedback"  # ends the name of a method that keeps what it did not send
COLORS = (figures.GRAY, figures.BLUE, figures.ORANGE, figures.PINK, figures.SAND, figures.RED)
MARKERS = "PXos^Dv"

# --- bytes against accuracy ---------------------------------------------------------------------


def bytes_against_accuracy(found: Mapping[str, Tuned], sizes: Mapping[str, int]) -> None:
    """Show what each method sends and how well it learns, each at its own best learning rate.

    Args:
        found: name -> the tuned method; with feedback its name ends in " + feedback".
        sizes: name -> bytes of a message.
    """
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(8.4, 4.2))
    plain = [name for name in found if not name.endswith(WITH)]
    for name, color, marker in zip(plain, COLORS, MARKERS, strict=False):
        ends = [each for each in (name, name + WITH) if each in found]
        means = [found[each].test.mean() for each in ends]
        ax.plot([sizes[each] for each in ends], means, "-", color=color, linewidth=1.2)
        for each in ends:
            _seeds(ax, sizes[each], found[each].test, color, marker, each == name)
        lowest = min(found[each].test.min() for each in ends)
        ax.annotate(name, (sizes[name], lowest), (0, -15), textcoords="offset points", ha="center")
    low = min(each.test.min() for each in found.values())
    ax.set(xscale="log", xlabel="bytes of a gradient on the wire", ylim=(low - 0.05, None))
    ax.set(ylabel="accuracy on test images", title="fewer bytes: what is lost, and what comes back")
    ax.margins(x=0.12)
    caption = (
        "Measured: accuracy against the bytes of a message, each method at its own best learning "
        "rate. Hollow marks send and forget, filled ones keep what they did not send (error "
        "feedback); the bar is the standard deviation over seeds, small dots are the seeds."
    )
    figures.show(fig, caption)


def _seeds(ax: Axes, x: float, values: np.ndarray, color: str, marker: str, hollow: bool) -> None:
    """Draw a mean with its spread, and each seed beside it."""
    ax.errorbar(
        x, values.mean(), values.std(ddof=1), color=color, marker=marker, markersize=9, capsize=3,
        markerfacecolor="white" if hollow else color,
    )  # fmt: skip
    ax.plot(np.full(len(values), 1.07 * x), values, ".", color=color, markersize=4, alpha=0.7)


# --- old gradients ------------------------------------------------------------------------------


def waiting_against_delay(together: Mapping[int, Tuned], stale: Mapping[int, Tuned]) -> None:
    """Show best learning rate and accuracy: steps in common against old gradients.

    Args:
        together: number of workers -> tuned synchronous training.
        stale: number of workers -> tuned training with a delay of one less.
    """
    import matplotlib.pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    for results, label, color, marker, shift in (
        (together, "synchronous: one step of all", figures.BLUE, "o", 0.97),
        (stale, "stale: each its own step", figures.ORANGE, "s", 1.03),
    ):
        look = {"color": color, "marker": marker, "label": label}
        places = shift * np.array(list(results))
        left.plot(places, [each.learning_rate for each in results.values()], **look)
        means = [each.test.mean() for each in results.values()]
        spread = [each.test.std(ddof=1) for each in results.values()]
        right.errorbar(places, means, spread, capsize=3, **look)
    for ax in (left, right):
        ax.set_xscale("log", base=2)
        ax.set_xticks(list(together), [str(workers) for workers in together])
        ax.set_xlabel("workers")
    left.set_yscale("log", base=2)
    left.yaxis.set_major_formatter("{x:g}")
    left.set_ylabel("best learning rate")
    left.legend(loc="lower left", fontsize=9)
    right.set(ylabel="accuracy on test images")
    caption = (
        "Measured, after equally many gradients. Left: the learning rate with the best accuracy on "
        "validation images. Right: accuracy at that rate; the bar is the standard deviation over "
        "seeds. Synchronous workers take fewer and larger steps; stale ones take as many steps as "
        "one worker, by gradients that are old."
    )
    figures.show(fig, caption)


# --- error feedback, number by number -----------------------------------------------------------

NEEDED = np.float32([1.0, -0.7, 0.5, -0.35, 0.25, -0.18, 0.12, -0.08, 0.05, -0.03])
NOISE = 0.02  # standard deviation of each step's gradient around NEEDED
MOST_STEPS = 60


def _method(method: str, share: float, feedback: bool) -> Method:
    match method:
        case "largest":
            return TopK(share)
        case "random":
            return RandomK(share, scaled=not feedback)
    return OneBit()


def send_steps(method: str, share: float, feedback: bool, steps: int) -> dict:
    """Send ten numbers again and again, compressed; return what arrived.

    Args:
        method: "largest", "random" or "one bit".
        share: of the numbers that travels; one bit sends all signs.
        feedback: whether what was not sent is added at the next step.
        steps: 1 to `MOST_STEPS`.

    Returns:
        dict with wanted and sent, arrays (10,) of the last step; asked and arrived, the sums of all
        steps; size_in_bytes of a message.

    >>> result = send_steps("largest", 0.1, feedback=False, steps=50)
    >>> int(np.count_nonzero(result["arrived"])), result["size_in_bytes"]
    (1, 8)
    """
    chosen = _method(method, share, feedback)
    sender = Sender(chosen, error_feedback if feedback else no_feedback)
    noise = np.random.default_rng(0).normal(0, NOISE, (MOST_STEPS, len(NEEDED)))
    gradients = NEEDED + noise[:steps].astype(np.float32)
    arrived = np.zeros_like(NEEDED)
    for step, gradient in enumerate(gradients):
        kept_back = 0 if sender.residual is None else sender.residual
        sent = chosen.unpack(sender.pack(gradient, step), len(NEEDED), step)
        arrived += sent
    return {
        "wanted": gradient + kept_back,
        "sent": sent,
        "asked": gradients.sum(axis=0),
        "arrived": arrived,
        "size_in_bytes": chosen.size_in_bytes(len(NEEDED)),
    }


class FeedbackExplorer(kit.Explorer):
    """Ten numbers travel compressed, step after step: which arrive, and which never do?"""

    lesson = "21"
    view_only = ("method", "share", "feedback", "steps")
    presets = {
        "the largest two": {"method": "largest", "share": 0.2, "steps": 40},
        "two at random": {"method": "random", "share": 0.2, "steps": 40},
        "signs": {"method": "one bit", "steps": 40},
    }
    size = (9.6, 3.4)
    compute = staticmethod(send_steps)

    def make_controls(self) -> dict:
        """Return the controls: how to compress, how much, with feedback or not, how long."""
        return {
            "method": kit.choice("largest", ["largest", "random", "one bit"]),
            "feedback": kit.switch(False),
            "share": kit.slider(0.2, 0.1, 1.0, 0.1),
            "steps": kit.slider(1, 1, MOST_STEPS),
        }

    def build(self, figure: Figure) -> dict:
        """Draw ten numbers: this step on the left, the sums of all steps on the right."""
        left, right = figure.subplots(1, 2)
        left.set(title="this step", ylabel="size")
        right.set(title="all steps", ylabel="sum arrived / sum of gradients")
        for ax in (left, right):
            ax.set(xticks=range(10), xlabel="number, from the largest to the smallest")
            ax.set_xlim(-0.6, 9.6)
        left.set(yscale="log", ylim=(0.005, 20))
        right.set(ylim=(-0.3, 3.3))
        right.axhline(1, color=figures.GRAY, linestyle=":")
        (wanted,) = left.plot([], [], "o", color=figures.BLUE, fillstyle="none", markersize=11)
        (sent,) = left.plot([], [], "o", color=figures.ORANGE, markersize=7)
        left.legend([wanted, sent], ["wanted", "arrives"], loc="upper right", ncol=2)
        (share,) = right.plot([], [], "s", color=figures.ORANGE, markersize=8)
        (above,) = right.plot([], [], "^", color=figures.RED, markersize=9)
        return {"wanted": wanted, "sent": sent, "share": share, "above": above}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move the dots; what lies above the picture becomes a red triangle at its top."""
        places, some = np.arange(10), np.flatnonzero(result["sent"])
        artists["wanted"].set_data(places, np.abs(result["wanted"]))
        artists["sent"].set_data(some, np.abs(result["sent"][some]))
        share = result["arrived"] / result["asked"]
        inside = share < 3.2
        artists["share"].set_data(places[inside], np.maximum(share[inside], -0.25))
        artists["above"].set_data(places[~inside], np.full(np.sum(~inside), 3.15))

    def caption(self, result: dict, params: dict) -> str:
        """Return in words what traveled, and what never arrived."""
        share = result["arrived"] / result["asked"]
        if never := int(np.sum(result["arrived"] == 0)):
            missing = f"{count(never, 'number')} never traveled"
        else:
            missing = "every number has traveled"
        right = int(np.sum(np.abs(share - 1) < 0.2))
        what = "all ten signs and one size"
        if params["method"] != "one bit":
            what = f"{count(kept(params['share'], 10), 'number')} of ten"
        if params["method"] == "random" and not params["feedback"]:
            what += ", made larger so that they are right on average"
        told = (
            f"{result['size_in_bytes']} bytes instead of 40 a step: {what}. After "
            f"{count(params['steps'], 'step')}, {right} of ten sums arrived within 20 %, and "
            f"{missing}."
        )
        if np.any(share >= 3.2):
            told += f" {count(int(np.sum(share >= 3.2)), 'number')} (triangle) came too large."
        return told
