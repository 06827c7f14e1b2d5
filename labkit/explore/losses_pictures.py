"""The figures of lesson 02: prices of errors, where losses come from, what they do to learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from labkit.explore import figures
from labkit.maths import losses as maths

MARKERS = "so^Dv"


def prices(delta: float) -> None:
    """Show what one error costs under three losses, and how hard it pulls.

    Args:
        delta: where the parabola of Huber's loss ends.
    """
    e = np.linspace(-4, 4, 201)
    huber = np.where(abs(e) <= delta, e**2 / 2, delta * (abs(e) - delta / 2))
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 2.9))
    for name, price in {"mse": e**2, "mae": abs(e), "huber": huber}.items():
        left.plot(e, price, label=name)
        right.plot(e, np.gradient(price, e))
    left.set(xlabel="error e", ylabel="loss of one sample", ylim=(0, 8))
    right.set(xlabel="error e", ylabel="slope")
    left.legend()
    figures.show(
        fig, f"The price of an error (left) and its slope (right). Huber: delta {delta:g}."
    )


def likelihood(seed: int) -> float:
    """Show minus the log-likelihood of a constant beside two losses; return how far they part.

    Args:
        seed: of eight of the nine numbers that the constant is to fit.

    Returns:
        the largest change of the gap between the two curves of a panel.
    """
    numbers = np.append(np.random.default_rng(seed).normal(2, 1, 8), 12.0)
    constants = np.linspace(0, 8, 801)
    # Noise: minus the logarithm of its density at an error, the loss, the best constant.
    normal, laplace = (lambda e: e**2 / 2 + np.log(2 * np.pi) / 2), (lambda e: abs(e) + np.log(2))
    table = {
        "normal noise": (normal, lambda e: e**2 / 2, np.mean(numbers), "mean"),
        "Laplace noise": (laplace, abs, np.median(numbers), "median"),
    }
    fig, axes = plt.subplots(1, 2, figsize=(8, 2.9))
    gaps = []
    for ax, (name, (surprise, price, center, label)) in zip(axes, table.items(), strict=True):
        errors = constants[:, None] - numbers
        from_likelihood = surprise(errors).mean(axis=1)
        from_loss = price(errors).mean(axis=1)
        ax.plot(constants, from_likelihood, label="minus log-likelihood / n")
        ax.plot(constants, from_loss, label="loss")
        ax.axvline(center, ymax=0.6, color=figures.GRAY, linestyle=":", label=label)
        ax.set(xlabel="constant prediction c", title=name)
        ax.legend()
        gaps.append(np.ptp(from_likelihood - from_loss))
    caption = "Minus the log-likelihood, and the loss: half the MSE (left), the MAE (right)."
    figures.show(fig, f"{caption} The gap between the two curves varies by {max(gaps):.0e}.")
    return float(max(gaps))


def blind(curves: Mapping[str, Sequence[float]], p: Sequence[float]) -> None:
    """Show what it costs to give everybody the same answer, under several losses.

    Args:
        curves: loss -> its value at each answer.
        p: the answers, between 0 and 1.
    """
    fig, ax = plt.subplots(figsize=(6.2, 3.1))
    lows = []
    for (name, values), marker in zip(curves.items(), MARKERS, strict=False):
        (line,) = ax.plot(p, values, label=name)
        low = int(np.argmin(values))
        ax.plot(p[low], values[low], marker, color=line.get_color(), markersize=8, clip_on=False)
        lows.append(f"{name} {values[low]:.4f} at p = {p[low]:.2f}")
    ax.set(xlabel="the same answer p for everybody", ylabel="loss", ylim=(0, 2.4))
    ax.legend(loc="upper center")
    figures.show(
        fig, f"One label in four is 1. The marks are the lowest points: {', '.join(lows)}."
    )


def overflow() -> float:
    """Show three ways to compute one loss, and its slope for the logit beside the squared error's.

    Returns:
        the largest logit, of those drawn, at which the naive formula gives a number.
    """
    z = np.linspace(0, 50, 501)  # the label is 0, so a large logit is sure and wrong
    p = 1 / (1 + np.exp(-z))
    cut = np.clip(p, maths.EPSILON, 1 - maths.EPSILON)
    with np.errstate(divide="ignore"):
        naive = -np.log(1 - p)
    last = z[np.isfinite(naive)].max()
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 2.9))
    left.plot(z, np.logaddexp(0, z), label="from logits")
    left.plot(z, -np.log(1 - cut), label="probability cut")
    left.plot(z, naive, label="naive (ends)")
    right.plot(z, p, label="cross-entropy")
    right.plot(z, np.where(cut == p, p, 0), label="probability cut")
    right.plot(z, 2 * p**2 * (1 - p), "-.", color=figures.PINK, label="squared error")
    left.set(xlabel="logit z (label 0)", ylabel="loss")
    right.set(xlabel="logit z (label 0)", ylabel="slope for the logit")
    left.legend()
    right.legend()
    figures.show(fig, f"A sample that is sure and wrong. The naive loss ends at z = {last:.1f}.")
    return float(last)


def only_the_rate(
    rates: Sequence[float], found: Mapping[str, Mapping[float, Sequence[float]]], steps: int
) -> None:
    """Show how many steps each loss needs at each rate, from starts that are more and more wrong.

    Args:
        rates: learning rates.
        found: loss -> how wrong the start is -> steps needed at each rate, nan where `steps` are
            not enough.
        steps: the most that were taken.
    """
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True)
    told = []
    for ax, (name, starts) in zip(axes, found.items(), strict=True):
        for (wrong, needed), marker in zip(starts.items(), MARKERS, strict=False):
            label = f"start wrong by {wrong:g}" if wrong else "a fair start"
            ax.loglog(rates, needed, marker=marker, markersize=6, label=label)
        ax.set(xlabel="learning rate", title=name, ylim=(0.8, 1.3 * steps))
        enough = np.all([np.isfinite(needed) for needed in starts.values()], axis=0)
        told.append(f"{name} {int(enough.sum())} of {len(rates)}")
    axes[0].set(ylabel="steps until 95 % are right")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncol=4)
    caption = f"Steps to 95 % right; no mark: not in {steps}. Rates that serve every start:"
    figures.show(fig, f"{caption} {', '.join(told)}.")


def smoothing(leads: Mapping[float, Sequence[float]], theory: float) -> None:
    """Show how far the right logit gets ahead of the others while it learns.

    Args:
        leads: label smoothing -> lead after each step.
        theory: where smoothing should hold it.
    """
    fig, ax = plt.subplots(figsize=(7, 3.2))
    for s, lead in leads.items():
        steps = np.arange(1, len(lead) + 1)
        ax.semilogx(steps, lead, label=f"label smoothing {s:g}")
    ax.axhline(theory, color=figures.GRAY, linewidth=1.5, linestyle=":", label="theory")
    ax.set(xlabel="step", ylabel="lead of the right logit")
    ax.legend()
    ends = ", ".join(f"{lead[-1]:.2f} with smoothing {s:g}" for s, lead in leads.items())
    figures.show(fig, f"One sample, three classes. Lead at the end: {ends}; theory {theory:.2f}.")


def reserves(scores: Mapping[str, float], quarters: Sequence[float], entry: str) -> None:
    """Show what each way to reserve costs a day, and where one is better, quarter by quarter.

    Args:
        scores: name -> mean cost of a day of the test.
        quarters: cost saved a day against the score to beat, for each quarter of a year.
        entry: whose savings these are.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 2.9), width_ratios=[1.3, 1])
    colors = [figures.ORANGE if name == entry else figures.BLUE for name in scores]
    left.barh(list(scores), list(scores.values()), color=colors)
    left.invert_yaxis()
    left.set(xlabel="cost of a day (test)")
    right.bar(range(1, len(quarters) + 1), quarters, color=figures.ORANGE)
    right.axhline(0, color=figures.GRAY, linewidth=1)
    right.set(xlabel="quarter of the test", ylabel="saved a day")
    told = ", ".join(f"{name} {score:.2f}" for name, score in scores.items())
    better = f"cheaper than the score to beat in {np.sum(np.array(quarters) > 0)} of"
    figures.show(fig, f"{told}. Right: {entry}, {better} {len(quarters)} quarters.")


def below_zero(wrong: np.ndarray, fixed: np.ndarray, accuracy: np.ndarray) -> None:
    """Show a loss that has no floor beside the same loss with right labels.

    Args:
        wrong, fixed: losses after each epoch with labels -1 and 1, and 0 and 1, (epochs, seeds).
        accuracy: share answered right at the end, shape (2, seeds).
    """
    fig, ax = plt.subplots(figsize=(7, 3.2))
    for name, losses, color, dashes in [
        ("labels -1 and 1", wrong, figures.RED, "--"),
        ("labels 0 and 1", fixed, figures.BLUE, "-"),
    ]:
        ax.plot(np.median(losses, axis=1), dashes, color=color, label=name)
        ax.fill_between(range(len(losses)), losses.min(1), losses.max(1), color=color, alpha=0.2)
    ax.axhline(0, color=figures.GRAY, linewidth=1)
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend()
    bad, good = np.median(accuracy, axis=1)
    caption = f"Which of two numbers is larger: median and range of {wrong.shape[1]} seeds."
    right = f"Right answers at the end, median: {bad:.0%} with labels -1 and 1, {good:.0%} with"
    figures.show(fig, f"{caption} {right} 0 and 1.")
