"""The figures of lesson 03."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from labkit.explore import figures
from labkit.maths import activations as maths
from labkit.maths.activation_trials import RATES, Race

MARKERS = "osD^vP"
GUESSED = 0.1  # share of ten digits that guessing reads right


def hats(x: np.ndarray, curve: np.ndarray, built: Mapping[int, np.ndarray]) -> None:
    """Show a curve and what a number of hats makes of it.

    Args:
        x: places, shape (n,).
        curve: its heights there, shape (n,).
        built: number of hats -> heights of their sum, shape (n,).
    """
    fig, ax = plt.subplots(figsize=(7, 3.2))
    ax.plot(x, curve, "-", color=figures.GRAY, label="sine")
    for (number, heights), line in zip(list(built.items())[:2], ("--", ":"), strict=True):
        ax.plot(x, heights, line, label=f"{number} hats")
    ax.set(xlabel="x", ylabel="output")
    ax.legend()
    errors = [f"{number} hats {abs(each - curve).max():.3f}" for number, each in built.items()]
    figures.show(fig, f"A sine built from ReLU hats. Largest error: {', '.join(errors)}.")


def teeth(x: np.ndarray, deep: Mapping[int, np.ndarray]) -> None:
    """Show a hat put into itself again and again.

    Args:
        x: places, shape (n,).
        deep: number of layers -> output, shape (n,).
    """
    fig, all_axes = plt.subplots(1, len(deep), figsize=(7.5, 2.1), sharey=True)
    for ax, (layers, output) in zip(all_axes, deep.items(), strict=True):
        ax.plot(x, output, "-", color=figures.BLUE, linewidth=1.5)
        ax.set(xlabel="x", title=f"{layers} layers" if layers > 1 else "1 layer")
    all_axes[0].set_ylabel("output")
    told = ", ".join(f"{n} layers {peaks(each)}" for n, each in deep.items() if n > 1)
    figures.show(fig, f"The hat, put into itself. Teeth: 1 layer {peaks(deep[1])}, {told}.")


def peaks(output: np.ndarray) -> int:
    """Return how often a curve turns from rising to falling.

    >>> peaks(np.array([0, 1, 0, 2, 2, 1]))
    2
    """
    slopes = np.sign(np.diff(output))
    slopes = slopes[slopes != 0]
    return int(np.sum((slopes[:-1] > 0) & (slopes[1:] < 0)))


def family(names: Sequence[str]) -> None:
    """Show activation functions and their slopes, keys of `maths.ACTIVATIONS`, at most eight."""
    x = np.linspace(-4, 4, 401)
    fig, axes = plt.subplots(2, 4, figsize=(9, 4.2), sharex=True)
    for ax, name in zip(axes.flat, names, strict=False):
        ax.plot(x, maths.find(name).value(x), "-", label="f(x)")
        ax.plot(x, maths.find(name).slope(x), "--", label="slope")
        ax.set(title=name, ylim=(-1.2, 2.2))
    axes[1, 3].axis("off")
    axes[1, 3].legend(*axes[0, 0].get_legend_handles_labels(), loc="center")
    for ax in [*axes[1, :3], axes[0, 3]]:
        ax.set_xlabel("x")
    figures.show(fig, "Seven activation functions (solid) and their slopes (dashed).")


def gradients(
    shares: Mapping[tuple[str, str], tuple[np.ndarray, float]], depth: int, words: str
) -> None:
    """Show which share of the gradient arrives at the first layer, beside theory.

    Args:
        shares: (activation, initialization) -> measured shares, shape (networks,), and theory's.
        depth: number of layers.
        words: end of the caption.
    """
    names = list(dict.fromkeys(name for name, _ in shares))
    starts = list(dict.fromkeys(start for _, start in shares))
    fig, ax = plt.subplots(figsize=(9, 4))
    for k, (start, marker) in enumerate(zip(starts, "osD^", strict=True)):
        measured = np.array([shares[name, start][0] for name in names])
        place = np.arange(len(names)) + 0.18 * (k - 1.5)
        middle = np.median(measured, axis=1)
        spread = abs(np.array([measured.min(axis=1), measured.max(axis=1)]) - middle)
        ax.errorbar(place, middle, yerr=spread, fmt=marker, markersize=5, label=start)
        expected = [shares[name, start][1] for name in names]
        ax.plot(place, expected, "_", color="black", markersize=13, zorder=4)
    ax.axhspan(1e-3, 1e3, color=figures.SKY, alpha=0.25)
    ax.set(yscale="log", ylabel="share of the gradient that arrives")
    ax.set_xticks(range(len(names)), names)
    ax.legend(ncol=4, loc="upper center", bbox_to_anchor=(0.5, 1.15))
    caption = f"Gradient at layer 1 divided by that at layer {depth}: median and range of twenty"
    figures.show(fig, f"{caption} networks; short bars: theory. {words}")


def off(two: np.ndarray, theory: np.ndarray, hundred: np.ndarray) -> None:
    """Show how many units are off from the start, layer by layer.

    Args:
        two, hundred: measured for two and for a hundred inputs, shares, shape (depth,).
        theory: of two, likewise.
    """
    fig, ax = plt.subplots(figsize=(7, 3.2))
    layers = np.arange(1, len(two) + 1)
    ax.plot(layers, 100 * two, "o", markersize=4, label="two inputs, measured")
    ax.plot(layers, 100 * theory, "--", color=figures.GRAY, label="two inputs, theory")
    ax.plot(layers, 100 * hundred, "s", markersize=4, label="100 inputs, measured")
    ax.set(xlabel="layer", ylabel="units off for all inputs (%)", ylim=(0, 55))
    ax.legend(loc="lower right")
    last = f"In the last layer {hundred[-1]:.0%} of the units are off for all 100 inputs."
    figures.show(fig, f"Units off from the start, ReLU with He, mean of 20 networks. {last}")


def silence(silent: Mapping[str, np.ndarray], bad: int, back: Mapping[str, str]) -> None:
    """Show how many units are silent while networks train, first at a rate that is too high.

    Args:
        silent: activation -> whether a unit is off for all samples, shape (steps, seeds, units).
        bad: number of steps at the high rate.
        back: activation -> how many units came back, in words.
    """
    fig, ax = plt.subplots(figsize=(7, 3.2))
    for (name, each), line in zip(silent.items(), ["-", "--"], strict=True):
        share = 100 * each.mean(axis=2)
        (drawn,) = ax.plot(share.mean(axis=1), line, label=name)
        band = share.min(axis=1), share.max(axis=1)
        ax.fill_between(range(len(share)), *band, color=drawn.get_color(), alpha=0.2)
    ax.axvspan(0, bad, color=figures.RED, alpha=0.12)
    ax.set(xlabel="step", ylabel="units off for all digits (%)", ylim=(-3, 122))
    ax.legend(loc="upper right", ncol=2)
    told = "; ".join(f"{name}: {text}" for name, text in back.items())
    figures.show(fig, f"Silent units while training, mean and range of the seeds. {told}.")


def races(rows: Mapping[str, Mapping[str, Race]], words: str = "") -> None:
    """Show how many digits networks read with each activation, one panel for each kind of network.

    Args:
        rows: kind of network in words -> activation -> race.
        words: begin of the caption.
    """
    fig, all_axes = plt.subplots(
        1, len(rows), figsize=(min(9, 2.2 + 3.3 * len(rows)), 3.4), sharey=True, squeeze=False
    )
    far = min(each.test.min() for found in rows.values() for each in found.values()) < 0.9
    for ax, (title, found) in zip(all_axes.flat, rows.items(), strict=True):
        for place, (name, marker) in enumerate(zip(found, MARKERS * 2, strict=False)):
            test = 100 * found[name].test
            spot = place + np.linspace(-0.2, 0.2, len(test))
            (dots,) = ax.plot(spot, np.sort(test), marker, markersize=5, alpha=0.7)
            ax.plot([place - 0.3, place + 0.3], [test.mean()] * 2, "-", color=dots.get_color())
        ax.axhline(100 * GUESSED, color=figures.GRAY, linestyle=":", linewidth=1.2)
        ax.set_xticks(range(len(found)), found, rotation=40, ha="right")
        ax.set(title=title, ylim=(-3, 103) if far else (90, 100))
    all_axes[0, 0].set_ylabel("test digits read right (%)")
    told = [
        f"{title}: " + ", ".join(f"{n} {100 * each.test.mean():.1f}" for n, each in found.items())
        for title, found in rows.items()
    ]
    dotted = "Each mark is a network, each bar the mean" + ("; dotted: guessing." if far else ".")
    figures.show(fig, f"{words} {dotted} {'. '.join(told)} (%).".strip())


def own_race(entries: Mapping[str, Race], bends: Mapping[str, Callable]) -> None:
    """Show an own activation, how it did at each rate, and in the final.

    Args:
        entries: name -> race.
        bends: name -> function.
    """
    x = np.linspace(-4, 4, 401)
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.2))
    for place, (name, marker) in enumerate(zip(entries, MARKERS, strict=False)):
        (line,) = left.plot(x, bends[name](x), label=name)
        color, found = line.get_color(), entries[name]
        style = line.get_linestyle()
        middle.semilogx(RATES, 100 * found.heats.mean(axis=1), style, marker=marker, color=color)
        right.plot(place + np.linspace(-0.2, 0.2, len(found.test)), 100 * np.sort(found.test),
                   marker, color=color)  # fmt: skip
        right.plot([place - 0.3, place + 0.3], [100 * found.test.mean()] * 2, "-", color=color)
    left.set(xlabel="z", ylabel="f(z)", title="the functions")
    left.legend()
    middle.set(xlabel="learning rate", ylabel="digits read right (%)", title="heat")
    right.set(title="final, new digits")
    right.set_xticks(range(len(entries)), entries)
    told = ", ".join(
        f"{name} {100 * each.test.mean():.1f}% (heat won at rate {each.rate:g})"
        for name, each in entries.items()
    )
    figures.show(fig, f"Ten hidden layers. Final, mean of five new networks: {told}.")


def tables(printed: Mapping[str, Sequence[float]]) -> None:
    """Show printed tables of values for -2, -1, 0, 1, 2 beside the functions they should be of.

    Args:
        printed: "sigmoid" or "tanh" -> five values.
    """
    five, x = np.array([-2, -1, 0, 1, 2]), np.linspace(-3, 3, 301)
    fig, all_axes = plt.subplots(1, len(printed), figsize=(7.5, 2.7))
    wrong = []
    for ax, (name, values) in zip(all_axes, printed.items(), strict=True):
        f = maths.find(name).value
        ax.plot(x, f(x), "-", color=figures.BLUE, label="formula")
        ax.plot(five, values, "X", color=figures.RED, markersize=8, label="printed table")
        ax.set(xlabel="x", ylabel=name)
        ax.legend()
        wrong.append(f"{(abs(f(five) - values) > 0.001).sum()} of 5 {name} values")
    caption = "Printed tables (crosses) and the formulas (lines). More than 0.001 off:"
    figures.show(fig, f"{caption} {', '.join(wrong)}.")
