"""The figures of lesson 01: walks and what theory says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from labkit.explore import figures
from labkit.maths.surfaces import Surface

MARKERS = "os^DvP"
ABOVE = "loss above the best possible (%)"
SHOWN = 800  # steps of a stochastic walk


def contraction(walks: Mapping[float, np.ndarray], lowest: float, curvature: float) -> None:
    """Show how the distance shrinks at each learning rate, beside the formula.

    Args:
        walks: learning rate -> weights after each step, shape (steps + 1,).
        lowest: the weight they should reach.
        curvature: second derivative of the loss.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    for (rate, path), marker in zip(walks.items(), MARKERS, strict=False):
        distance = abs(path[:13] - lowest)
        left.semilogy(distance, marker=marker, markersize=4, label=f"{rate:g}")
        right.plot(rate, distance[4] / distance[3], marker, color=left.lines[-1].get_color())
    left.set(xlabel="step", ylabel="distance to the lowest point", ylim=(1e-8, 1e4))
    left.legend(title="learning rate", ncol=3, loc="upper center")
    rates = np.linspace(0, 0.32, 161)
    right.plot(rates, abs(1 - rates * curvature), "-", color=figures.GRAY, zorder=0)
    right.axhspan(1, 1.6, color=figures.RED, alpha=0.12)
    right.text(0.01, 1.45, "diverges")
    right.set(xlabel="learning rate", ylabel="distance after a step / before", ylim=(0, 1.6))
    caption = "Left: distance after each step, log scale. Right: by which factor a step changes it;"
    figures.show(fig, f"{caption} marks are measured walks, the gray line is theory.")


def axes(surface: Surface, hessian: np.ndarray) -> None:
    """Show a quadratic with its own axes, and where gradients point.

    Args:
        surface: around its minimum (0, 0).
        hessian: its second derivatives, shape (2, 2).
    """
    curvatures, directions = np.linalg.eigh(hessian)
    turn = np.linspace(0, 2 * np.pi, 100)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    fig, ax = plt.subplots(figsize=(5.2, 3.7))
    for level in np.geomspace(0.05, 40, 9):  # an ellipse for each loss
        ellipse = directions @ (np.sqrt(2 * level / curvatures)[:, None] * circle)
        ax.plot(*ellipse, "-", color=figures.GRAY, linewidth=0.8)
    for curvature, axis, color in zip(
        curvatures, directions.T, [figures.BLUE, figures.ORANGE], strict=True
    ):
        up = axis * np.sign(axis[1])
        both = {"arrowstyle": "<->", "color": color, "lw": 2.5}
        ax.annotate("", 2.4 * up, -2.4 * up, arrowprops=both)
        ax.annotate(f"curvature {curvature:.2g}", 2.5 * up, color=color, ha="center")
    for point in np.array([[-3.0, 0.5], [-1.0, -2.6], [0.8, 2.5], [3.2, 0.6]]):
        downhill = -surface.gradient(point)
        to = point + 0.8 * downhill / np.linalg.norm(downhill)
        ax.annotate("", to, point, arrowprops={"arrowstyle": "-|>", "color": "black", "lw": 1.5})
    ax.set(xlim=(-4, 4), ylim=(-3, 3))
    ax.set(xlabel="w₁", ylabel="w₂", aspect="equal")
    caption = f"The {surface.name} ravine and its own two axes, with the curvature along each."
    figures.show(fig, f"{caption} Short arrows point against the gradient.")


def batches(
    tried: Sequence[float],
    runs: Mapping[str, np.ndarray],
    clocks: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> None:
    """Show each batch size at every rate, at its best rate by epochs, and by the clock.

    Args:
        tried: learning rates.
        runs: batch size in words -> excess loss, shape (rates, seeds, epochs + 1), nan where a
            walk diverged.
        clocks: batch size in words -> seconds, and excess loss then, on a large table.
    """
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.4))
    for (name, run), marker in zip(runs.items(), MARKERS, strict=False):
        ends, at_end = 100 * run[:, :, -1], 100 * np.median(run[:, :, -1], axis=1)
        (line,) = left.loglog(tried, at_end, marker=marker, label=name)
        left.fill_between(
            tried, ends.min(axis=1), ends.max(axis=1), color=line.get_color(), alpha=0.25
        )
        best = np.nanargmin(at_end)
        label = f"{name.split()[0]}, rate {tried[best]:g}"
        middle.semilogy(100 * np.median(run[best], axis=0), marker=marker, label=label)
        seconds, above = clocks[name]
        right.loglog(1000 * seconds, 100 * above, marker=marker, markersize=3)
    left.set(xlabel="learning rate", ylabel=ABOVE, ylim=(0.3, 300))
    middle.set(xlabel="epoch: all rows read once more")
    middle.legend()
    right.set(xlabel="milliseconds on this machine, large table")
    caption = "Left: after ten epochs, at each rate; median and range of the seeds, a gap where it"
    caption += " diverges. Middle: each at its best rate. Right: the large table, by the clock."
    figures.show(fig, caption)


def noise_balls(
    walks: Mapping[tuple[int, float], np.ndarray],
    excess: Mapping[tuple[int, float], Sequence[float]],
    theory: Callable[[int, float], float],
) -> None:
    """Show where stochastic walks stay, and their excess loss at each rate beside theory.

    Args:
        walks: (batch size, learning rate) -> places in two directions, shape (steps + 1, 2).
        excess: (batch size, learning rate) -> mean excess loss of each seed, a share.
        theory: from batch size and learning rate to the excess loss.
    """
    fig, panels = plt.subplots(1, len(walks) + 1, figsize=(2.7 * len(walks) + 2.7, 2.9))
    reach = 1.05 * max(np.abs(path[-SHOWN:]).max() for path in walks.values())
    for ax, ((size, rate), path) in zip(panels, walks.items(), strict=False):
        ax.plot(*path[-SHOWN:].T, linewidth=0.5)  # enough to see, and a smaller picture
        ax.plot(0, 0, "+", color=figures.ORANGE, markersize=13, markeredgewidth=2.5)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="steepest direction")
        ax.set_title(f"batch size {size}, rate {rate:g}", fontsize=11)
    panels[0].set(ylabel="second steepest")
    for size, marker, color in zip(
        sorted({s for s, _ in excess}), MARKERS, figures.COLORS, strict=False
    ):
        rates = np.array([rate for s, rate in excess if s == size])
        ends = 100 * np.array([excess[size, rate] for rate in rates])
        panels[-1].loglog(rates, 100 * theory(size, rates), "-", color=figures.GRAY, linewidth=1)
        for seed, end in enumerate(ends.T):
            label = None if seed else f"batch size {size}"
            panels[-1].loglog(rates, end, marker, color=color, markersize=5, label=label)
    panels[-1].set(xlabel="learning rate")
    panels[-1].set_title("loss above the best (%)", fontsize=11)
    panels[-1].legend()
    panels[-1].minorticks_off()
    panels[-1].set_xticks(rates, [f"{rate:g}" for rate in rates])
    caption = (
        "Walks that began at the best weights (+), seen in two directions. Right: their excess"
    )
    figures.show(fig, f"{caption} loss, a mark for each seed; the gray lines are theory.")


def schedules(
    plans: Mapping[str, Callable[[int], float]], settled: Mapping[str, np.ndarray], steps: int
) -> None:
    """Show learning rates that fall, and what descent reaches with each.

    Args:
        plans: name -> learning rate at each step.
        settled: name -> excess loss, shape (seeds, epochs + 1).
        steps: in all.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    ends = []
    for (name, plan), marker in zip(plans.items(), "oxs^D", strict=False):
        epochs = settled[name].shape[1] - 1
        at = np.linspace(0, steps, 200)
        left.plot(epochs * at / steps, [plan(step) for step in at])
        middle = 100 * np.median(settled[name], axis=0)
        right.semilogy(middle, marker=marker, label=name)
        ends.append(f"{name} {middle[-1]:.2f}%")
    left.set(xlabel="epoch", ylabel="learning rate")
    right.set(xlabel="epoch", ylabel=ABOVE)
    fig.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncol=len(plans))
    caption = "Left: the plans. Right: stochastic descent with each, median of the seeds."
    figures.show(fig, f"{caption} At the end: {', '.join(ends)}.")


def race(
    shares: Sequence[float],
    heats: Mapping[str, Sequence[float]],
    scores: Mapping[str, float],
    entry: str,
    rival: str = "momentum",
) -> None:
    """Show the heats of a race at all rates, and say who won the final.

    Args:
        shares: learning rates, as shares of the largest stable one.
        heats: name -> excess loss at each rate.
        scores: name -> excess loss in the final.
        entry: whose score is compared with that of `rival`.
    """
    fig, ax = plt.subplots(figsize=(7, 3.8))
    for (name, losses), marker in zip(heats.items(), MARKERS, strict=False):
        ax.loglog(shares, 100 * np.array(losses), marker=marker, markersize=5, label=name)
    ax.set(xlabel="learning rate / largest stable rate", ylabel=ABOVE, ylim=(1, 300))
    ax.legend(ncol=2)
    told = ", ".join(f"{name} {score:.2%}" for name, score in scores.items())
    verdict = "beats" if scores[entry] < scores[rival] else "does not beat"
    caption = f"The heats: a mark for each rate, none where it diverged. The final: {told}."
    figures.show(fig, f"{caption} {entry.capitalize()} {verdict} {rival}.")
