"""Explorer, figures and tables of lesson 20: what a loss scale saves, and where time goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.datacenter import precision
from labkit.datacenter.batch_sizes import Arrival
from labkit.datacenter.precision import Arrays, Measured
from labkit.datacenter.steps import Accumulation, Line
from labkit.datacenter.tricks import Found
from labkit.explore import figures, kit

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame
    from pandas.io.formats.style import Styler

POWERS = np.arange(-60, 31)  # of two: the bins of the histogram
LOWEST = -25  # what float16 turns into 0 lies below 2^-25


class ScaleExplorer(kit.Explorer):
    """Turn the loss scale; see which errors fall out of 16 bits, and how wrong the gradient gets.

    The errors are those of the output layer.

    Args:
        networks: steps of training -> weights of the network after them.
        images, labels: the batch whose errors are shown.
        **start: start values of trained_steps, scale_power and number_format.
    """

    view_only = ("trained_steps", "scale_power", "number_format")
    size = (9.6, 3.3)

    def __init__(
        self, networks: Mapping[int, Arrays], images: np.ndarray, labels: np.ndarray, **start: Any
    ) -> None:
        self.networks, self.images, self.labels = dict(networks), images, labels
        self.exact = {k: self._gradients(w, "float32") for k, w in self.networks.items()}
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: how long it was trained, the scale, the format."""
        steps = list(self.networks)
        return {
            "trained_steps": kit.choice(steps[0], steps),
            "scale_power": kit.slider(0, -16, 24),
            "number_format": kit.choice("float16", ["float16", "bfloat16"]),
        }

    def _gradients(self, weights: Arrays, name: str, scale: float = 1.0) -> tuple[Arrays, Arrays]:
        rounding = precision.FORMATS[name]
        rounded = precision.round_all(weights, rounding)
        return precision.gradients(rounded, self.images, self.labels, rounding, scale)

    def compute(self, trained_steps: int, scale_power: int, number_format: str) -> dict:
        """Return how the scaled errors spread, which are lost, and how far the gradient is off."""
        scale = 2.0**scale_power
        gradients, errors = self.exact[trained_steps]
        exact = np.abs(errors[-1][errors[-1] != 0])
        found, _ = self._gradients(self.networks[trained_steps], number_format, scale)
        counts, _ = np.histogram(np.log2(exact) + scale_power, [*POWERS, POWERS[-1] + 1])
        return {
            "counts": counts / len(exact),
            "lost": precision.share_lost(exact, scale, precision.FORMATS[number_format]),
            "off": precision.distance(found, gradients, scale),
        }

    def build(self, figure: Figure) -> dict:
        """Draw the axes, and the parts where float16 holds nothing or less."""
        ax = figure.subplots()
        ax.set(xlim=(POWERS[0], POWERS[-1]), ylim=(0, 1.25), ylabel="how many errors")
        ax.set_yticks([])
        ax.set_xlabel("size of the error times the loss scale, as a power of two")
        ax.axvspan(POWERS[0], LOWEST, color=figures.RED, alpha=0.12)
        ax.axvspan(16, POWERS[-1], color=figures.RED, alpha=0.12)
        ax.axvspan(LOWEST, -14, color=figures.ORANGE, alpha=0.12)
        for x, text in ((-42, "0 in float16"), (-19.5, "fewer digits"), (23, "infinite")):
            ax.text(x, 1.2, text, ha="center", va="top", color=figures.GRAY)
        (line,) = ax.plot([], [], "-", color=figures.BLUE, drawstyle="steps-mid")
        return {"line": line, "heading": ax.set_title(" ")}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move the histogram; its highest place is 1, however wide it is."""
        artists["line"].set_data(POWERS + 0.5, result["counts"] / (result["counts"].max() or 1))
        scale = f"2^{params['scale_power']}"
        artists["heading"].set_text(
            f"errors of the output layer after {params['trained_steps']:,} steps, times {scale}"
        )

    def caption(self, result: dict, params: dict) -> str:
        """Return in words what is lost, and how far the gradient is off."""
        name, power = params["number_format"], params["scale_power"]
        told = f"{name}, loss scale 2^{power}: {result['lost']:.1%} of the errors become 0. "
        if not np.isfinite(result["off"]):
            return told + "The gradient overflows: some of it is infinite, and the step is lost."
        off = f"{result['off']:.2%}" if result["off"] < 0.1 else f"{result['off']:.0%}"
        note = " The red and orange parts are those of float16." if name == "bfloat16" else ""
        return told + f"The whole gradient is off by {off} of its length.{note}"


# --- figures --------------------------------------------------------------------------------------


def losing(steps: Sequence[int], lost: Mapping[str, Sequence], off: Mapping[str, Sequence]) -> None:
    """Show the share of errors that become 0, and how far the gradient is off, over the training.

    Args:
        steps: of training.
        lost, off: name -> a share for each of the steps.
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for ax, curves, label in zip(
        axes, (lost, off), ("errors that become 0 (%)", "gradient off by (%)"), strict=True
    ):
        for (name, shares), marker in zip(curves.items(), "os^D", strict=False):
            ax.plot(steps, 100 * np.array(shares), marker=marker, label=name)
        ax.set_xscale("symlog", linthresh=10)
        ax.set(xlabel="steps of training", ylabel=label, ylim=(-3, 103))
        ax.set_xticks([0, 10, 100, 1000], ["0", "10", "100", "1,000"])
    axes[0].legend()
    text = "Left: share of the errors of the output layer that float16 turns into 0, after more "
    figures.show(fig, f"{text}and more training. Right: how far that moves the whole gradient.")


def plateau(
    powers: Sequence[int], accuracies: Mapping[str, np.ndarray], base: np.ndarray, at: float
) -> None:
    """Show the accuracy of whole trainings over the loss scale, single seeds as dots.

    Args:
        powers: of two, the scales.
        accuracies: format -> shape (powers, seeds).
        base: accuracy in float32, shape (seeds,).
        at: power of the scale that corresponds to a million samples a step.
    """
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(8, 3.3))
    for (name, values), marker in zip(accuracies.items(), "os", strict=False):
        (line,) = ax.plot(powers, 100 * values.mean(axis=1), label=name)
        for column in values.T:
            ax.plot(powers, 100 * column, marker, ms=5, alpha=0.6, color=line.get_color())
    ax.axhline(100 * base.mean(), color=figures.GRAY, ls=":", label="float32")
    ax.axvline(at, color=figures.RED, lw=1)
    ax.text(at + 0.4, 40, "a million\nsamples a step", color=figures.RED, size=10)
    ax.set(xlabel="loss scale, as a power of two", ylabel="digits read right (%)", ylim=(0, 100))
    ax.legend(loc="lower center")
    text = "Accuracy after a short training at each fixed loss scale: means as lines, each seed as"
    figures.show(fig, f"{text} a mark. Upright: the scale as if a step had a million samples.")


def amdahl(networks: Mapping[str, Measured], speedup: Any) -> None:
    """Show measured speed-ups of whole networks beside Amdahl's line.

    Args:
        networks: name -> what was measured.
        speedup: function (share, speed-up of the part) -> speed-up of the whole.
    """
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(7, 3.4))
    shares = np.linspace(0, 1, 101)
    best = max(each.product_speedup for each in networks.values())
    for times, style in ((best, "-"), (4, "--"), (16, ":")):
        line = [speedup(share, times) for share in shares]
        ax.plot(shares * 100, line, style, label=f"products {times:.2g} times faster: modeled")
    for (name, each), marker in zip(networks.items(), "os^D", strict=False):
        ax.plot(100 * each.share, each.step_speedup, marker, ms=9, label=f"{name}: measured")
    ax.set(xlabel="share of the step that its products take (%)", ylabel="whole step, times faster")
    ax.set(ylim=(0, 6), xlim=(0, 102))
    ax.legend(fontsize=9)
    text = "Lines: Amdahl's law. Marks: training steps of three networks, measured with and without"
    figures.show(fig, f"{text} bfloat16 products.")


def overhead(
    minutes: np.ndarray, exact: np.ndarray, simulated: Mapping[float, tuple], best: float
) -> None:
    """Show what failures and checkpoints cost over the interval, modeled and simulated.

    Args:
        minutes: intervals of the line.
        exact: wall time for each of them, as a multiple of the work.
        simulated: minutes -> (mean, lowest, highest), such multiples.
        best: minutes of the chosen interval.
    """
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(7, 3.3))
    ax.plot(minutes, 100 * (exact - 1), label="exact formula")
    x = list(simulated)
    mean, low, high = 100 * (np.array(list(simulated.values())).T - 1)
    bars = [mean - low, high - mean]
    ax.errorbar(x, mean, yerr=bars, fmt="o", color=figures.ORANGE, capsize=3, label="simulated")
    ax.axvline(best, color=figures.GRAY, ls=":", label="the interval of your formula")
    ax.set(xscale="log", xlabel="minutes between checkpoints", ylabel="time lost (%)")
    ax.set_xticks(*_ticks(minutes[0], minutes[-1]))
    ax.minorticks_off()
    ax.set_ylim(0, None)
    ax.legend()
    text = "Time beyond the pure work, over the interval between checkpoints. Dots: simulated runs,"
    figures.show(fig, f"{text} mean and 95 % interval.")


def resumed(whole: np.ndarray, killed: Mapping, forgetful: Mapping) -> None:
    """Show the loss of a training that was killed over that of one that was not, and what is equal.

    Args:
        whole: losses of each step without a kill.
        killed, forgetful: of trainings that were killed, from `checkpoints.train_and_kill`; the
            second one kept its weights alone.
    """
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(8, 3))
    ax.plot(whole, "-", lw=5, alpha=0.35, label="never killed")
    ax.plot(killed["losses"], "-", lw=1.2, color=figures.ORANGE, label="killed and resumed")
    for kill, again in zip(killed["kills"], killed["resumed_at"], strict=True):
        ax.axvspan(again, kill, color=figures.RED, alpha=0.15)
        ax.axvline(kill, color=figures.RED, lw=1)
    ax.set(xlabel="step", ylabel="loss", ylim=(0, None))
    ax.legend()
    equal, few = (np.mean(each["losses"] == whole) for each in (killed, forgetful))
    text = (
        "Loss of each step. Red lines: the process was killed; the red areas were computed twice, "
        f"{killed['repeated']} steps in all. Equal to the last bit are {equal:.0%} of the losses, "
        f"and {few:.0%} where the checkpoint held the weights alone."
    )
    figures.show(fig, text)


def step_lines(measured: Mapping[str, Mapping], lines: Mapping[str, Line]) -> None:
    """Show the time of a step and the rate over the batch, measured beside the line a + c b.

    Args:
        measured: way -> batch -> times, as `steps.measure_steps` returns them.
        lines: way -> its line.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullLocator

    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
    for (way, found), marker in zip(measured.items(), "os", strict=False):
        batches = np.array(list(found))
        seconds = np.array([np.median(times.cpu) for times in found.values()])
        finer = np.geomspace(batches.min(), batches.max(), 60)
        line = lines[way].seconds(finer)
        (curve,) = left.plot(finer, 1e3 * line)
        style = {"marker": marker, "ls": "none", "color": curve.get_color()}
        left.plot(batches, 1e3 * seconds, label=way, **style)
        right.plot(finer, finer / line / 1e3, ls=curve.get_linestyle(), color=curve.get_color())
        right.plot(batches, batches / seconds / 1e3, **style)
    left.set(xscale="log", yscale="log", xlabel="images in a batch", ylabel="step (ms)")
    right.set(xscale="log", xlabel="images in a batch", ylabel="thousand images a second")
    left.set_yticks(*_ticks(*left.get_ylim()))
    left.yaxis.set_minor_locator(NullLocator())
    for ax in (left, right):
        ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    left.legend(fontsize=9)
    text = "CPU time of a training step (left) and images a second (right) over the batch size:"
    figures.show(fig, f"{text} marks are measured, lines are a + c b.")


def _ticks(lowest: float, highest: float) -> tuple[list[float], list[str]]:
    """Return 1, 2, 5, 10, ... within a logarithmic axis, and their labels.

    >>> _ticks(0.4, 3)
    ([0.5, 1.0, 2.0], ['0.5', '1', '2'])
    """
    every = [base * 10.0**power for power in range(-3, 5) for base in (1, 2, 5)]
    ticks = [tick for tick in every if lowest <= tick <= highest]
    return ticks, [f"{tick:g}" for tick in ticks]


def arrivals(found: Sequence[Arrival]) -> None:
    """Show images needed, time of an image, and time to the accuracy, over the batch size.

    Args:
        found: as `batch_sizes.time_to_accuracy` returns it.
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 3, figsize=(9, 3))
    sizes = [each.batch_size for each in found]
    parts = {
        "images needed (thousand)": [each.examples / 1e3 for each in found],
        "CPU time of an image (µs)": [1e6 * np.full(1, each.example_seconds) for each in found],
        "CPU time to 90 % right (ms)": [1e3 * each.seconds for each in found],
    }
    for ax, (label, values), color in zip(
        axes, parts.items(), (figures.BLUE, figures.ORANGE, figures.PINK), strict=True
    ):
        ax.plot(sizes, [np.median(each) for each in values], "-", color=color)
        for size, each in zip(sizes, values, strict=True):
            ax.plot([size] * len(each), each, "o", color=color, ms=5, alpha=0.7)
        ax.set(xscale="log", xlabel="images in a batch", title=label, ylim=(0, None))
        ax.set_xticks(sizes, [str(size) for size in sizes])
        ax.minorticks_off()
    rates = ", ".join(f"{each.learning_rate:g}" for each in found)
    text = (
        "Left: images until 90 % are right. Middle: time of an image. Right: their product. Marks"
    )
    figures.show(fig, f"{text} are single seeds; the best learning rates were {rates}.")


def trick_bars(found: Sequence[Found]) -> None:
    """Show how many times as fast each way to train is as `fit`, with the range of its rounds.

    Args:
        found: as `tricks.compare` returns it.
    """
    import matplotlib.pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, width_ratios=[2, 1])
    for place, each in enumerate(found):
        left.plot([each.lowest, each.highest], [place, place], "-", color=figures.SKY, lw=5)
        left.plot(each.times_as_fast, place, "o", color=figures.BLUE)
        right.plot(each.first_epochs, place, "s", color=figures.ORANGE)
    left.axvline(1, color=figures.GRAY, ls=":")
    left.set_yticks(range(len(found)), [each.name for each in found])
    left.set(
        xlabel="times as fast as fit, by CPU time", xlim=(0, None), ylim=(len(found) - 0.5, -0.5)
    )
    right.set(xlabel="first two epochs (s)", xlim=(0, None))
    text = "Left: speed of each way to train, beside fit; bars are the range of the rounds. Right:"
    figures.show(fig, f"{text} how long its first two epochs took, with tracing and compiling.")


# --- tables ---------------------------------------------------------------------------------------


def _table(rows: Mapping[Any, Mapping[str, Any]], index: str = "") -> DataFrame:
    import pandas as pd

    return pd.DataFrame(rows).T.rename_axis(index or None)


def step_table(lines: Mapping[str, Line]) -> Styler:
    """Return what the line a + c b says of each way to train.

    Args:
        lines: way -> its line.
    """
    rows = {
        way: {
            "fixed cost a (ms)": 1e3 * line.overhead,
            "cost of an image c (µs)": 1e6 * line.per_example,
            "a / c (images)": line.overhead / line.per_example,
            "batch for 80 % of the highest rate": line.large_enough(0.8),
        }
        for way, line in lines.items()
    }
    return _table(rows).style.format("{:,.1f}")


def accumulation_table(parts: Sequence[Accumulation]) -> Styler:
    """Return memory and time of one batch that is computed in parts.

    Args:
        parts: as `steps.measure_accumulation` returns them, the whole batch first.
    """
    rows = {
        each.parts: {
            "memory at the peak (MB)": each.peak_in_bytes / 1e6,
            "CPU time, whole batch = 1": each.cpu_seconds / parts[0].cpu_seconds,
            "gradient differs by (relative)": f"{each.difference:.0e}",
        }
        for each in parts
    }
    return _table(rows, "parts of the batch").style.format(precision=2)


def scaling_table(found: Mapping[str, Sequence[tuple]]) -> Styler:
    """Return how trainings with a loss scale ended, means over the seeds.

    Args:
        found: name -> (accuracy, steps skipped, power of two of the last scale) of each seed.
    """
    columns = ("digits read right (%)", "steps skipped of 100", "last scale, as a power of two")
    means = {name: np.mean(runs, axis=0) * (100, 1, 1) for name, runs in found.items()}
    rows = {name: dict(zip(columns, mean, strict=True)) for name, mean in means.items()}
    return _table(rows).style.format("{:.1f}")


def amdahl_table(networks: Mapping[str, Measured], speedup: Any) -> Styler:
    """Return measured speed-ups beside what Amdahl's law says of the whole.

    Args:
        networks: name -> what was measured.
        speedup: function (share, speed-up of the part) -> speed-up of the whole.
    """
    rows = {
        name: {
            "share of products": each.share,
            "products, times faster": each.product_speedup,
            "step, times faster": each.step_speedup,
            "Amdahl says": speedup(each.share, each.product_speedup),
        }
        for name, each in networks.items()
    }
    return _table(rows).style.format("{:.2f}")
