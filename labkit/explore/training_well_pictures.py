"""Pictures of lesson 12: learning curves, masks, cures over their strength, two kinds of luck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from labkit.explore import figures
from labkit.maths.intervals import compare, mean_interval
from labkit.networks.rates import RateSearch
from labkit.networks.watching import Watched

Curves = tuple[Sequence[float], Sequence[float]]  # loss in training, in validation
Scores = tuple[np.ndarray, np.ndarray]  # accuracy in %, loss in nats; each (..., seeds)

MARKERS = "os^Dv*P"
DASHES = ("-", "--", "-.", ":")

# --- learning curves ------------------------------------------------------------------------------


def learning_curve(course: Watched) -> None:
    """Show accuracy and loss after each epoch, on training and on validation images."""
    fig, axes = plt.subplots(1, 2, figsize=(7.2, 2.6))
    for ax, values, factor in zip(axes, (course.accuracy, course.loss), (100, 1), strict=True):
        for name, style in (("training", "--"), ("validation", "-")):
            ax.plot(factor * np.array(values[name]), style, label=name)
        ax.set(xlabel="epochs")
    axes[0].set(ylabel="accuracy (%)")
    axes[1].set(ylabel="cross-entropy (nats)")
    axes[0].legend()
    low = int(np.argmin(course.loss["validation"]))
    axes[1].axvline(low, color=figures.GRAY, ls=":")
    gap = 100 * (course.accuracy["training"][-1] - course.accuracy["validation"][-1])
    caption = (
        "Measured, one network: training images (dashed) and validation images (solid). The "
        f"validation loss is lowest after {low} epochs (dotted). At the end the accuracies lie "
        f"{gap:.1f} points apart."
    )
    figures.show(fig, caption)


def four_curves(curves: Mapping[str, Curves]) -> None:
    """Show the loss of several networks over 40 epochs, beside each other."""
    fig, axes = plt.subplots(1, len(curves), figsize=(7.2, 2.4), sharey=True)
    for ax, (name, (training, checked)) in zip(axes, curves.items(), strict=True):
        ax.plot(np.arange(0, 41, 2), training, "--", label="training")
        ax.plot(np.arange(0, 41, 2), checked, "-", label="validation")
        ax.set(title=name, xlabel="epochs", ylim=(0, 3))
    axes[0].set_ylabel("cross-entropy (nats)")
    axes[-1].legend(fontsize=9)
    names = ", ".join(curves)
    figures.show(fig, f"Curves {names}: loss in training (dashed) and in validation (solid).")


# --- cures ----------------------------------------------------------------------------------------


def masks(dropped: np.ndarray, rate: float) -> None:
    """Show by what dropout multiplies each unit of a few images.

    Args:
        dropped: what it makes of ones, shape (images, units).
        rate: share that should be off.
    """
    fig, ax = plt.subplots(figsize=(8.6, 1.5))
    ax.imshow(dropped, cmap="cividis", aspect="auto")
    ax.set(xlabel="units of a layer", ylabel="image", yticks=(0, len(dropped) - 1))
    ax.grid(visible=False)
    caption = (
        f"What dropout at rate {rate:g} makes of ones in {len(dropped)} images of one batch: "
        f"{(dropped == 0).mean():.0%} of the units are off (dark), no two images alike; "
        f"the mean is {dropped.mean():.2f}."
    )
    figures.show(fig, caption)


def decay(paths: Mapping[str, np.ndarray], sizes: Sequence[float]) -> None:
    """Show how two weights fall under each rule.

    Args:
        paths: name of the rule -> the weights after each update, shape (updates, 2).
        sizes: of the gradients that the weights feel beside the pull.
    """
    fig, axes = plt.subplots(1, len(paths), figsize=(7.2, 2.5), sharey=True)
    told = []
    for ax, (name, path) in zip(axes, paths.items(), strict=True):
        for values, size, style in zip(np.transpose(path), sizes, ("-", "--"), strict=True):
            ax.plot(values, style, label=f"gradients of size {size:g}")
        ax.set(title=name, xlabel="updates")
        told.append(f"{name}: {path[-1][0]:.2f} and {path[-1][1]:.2f}")
    axes[0].set(ylabel="weight")
    axes[-1].legend(fontsize=9)
    figures.show(
        fig, f"Computed. Two weights, pulled alike; at the end they are, {'; '.join(told)}."
    )


def strengths(tried: Mapping[str, tuple[Sequence[float], np.ndarray]], plain: np.ndarray) -> None:
    """Show what each strength of each cure changes on validation images, seed by seed.

    Args:
        tried: cure -> its strengths, and their scores (strengths, 2, seeds): accuracy in %, loss.
        plain: scores of the network without a cure, shape (2, seeds).
    """
    fig, axes = plt.subplots(1, 2, figsize=(7.2, 2.8))
    for i, (levels, scores) in enumerate(tried.values()):
        for part, ax in enumerate(axes):
            changes = [mean_interval(each[part] - plain[part]) for each in scores]
            means, margins = np.transpose(changes)
            places = i + np.linspace(-0.25, 0.25, len(levels))
            ax.errorbar(places, means, margins, fmt=MARKERS[i % 7] + ":", ms=5, capsize=2)
    for ax, label in zip(axes, ("accuracy (points)", "cross-entropy (nats)"), strict=True):
        ax.axhline(0, color=figures.GRAY, ls="--", lw=1)
        ax.set_xticks(range(len(tried)), tried, rotation=30, ha="right")
        ax.set(ylabel=f"change of {label}")
    count = 2 * sum(len(levels) for levels, _ in tried.values())
    caption = (
        "Measured on validation images, against no cure, paired by seed: each cure at its "
        f"strengths, weak to strong from left to right. Bars: 95 % intervals, {count} of them, so "
        f"about {count / 20:.0f} miss by chance."
    )
    figures.show(fig, caption)


def changes(sides: Mapping[str, Scores], plain: Scores) -> None:
    """Show by how much each side beats the network without a cure on test images, seed by seed.

    Args:
        sides: name -> accuracies in % and losses of the seeds.
        plain: the same of the network without a cure.
    """
    fig, axes = plt.subplots(1, 2, figsize=(7.2, 0.9 + 0.34 * len(sides)), sharey=True)
    for part, ax in enumerate(axes):
        for i, scores in enumerate(sides.values()):
            each = np.subtract(scores[part], plain[part])
            center, margin = mean_interval(each)
            ax.errorbar(center, i, xerr=margin, fmt="o", capsize=4, color=figures.BLUE)
            ax.plot(each, [i + 0.28] * len(each), "x", color=figures.ORANGE, ms=4)
        ax.axvline(0, color=figures.GRAY, ls=":")
    axes[0].set(yticks=range(len(sides)), yticklabels=sides, xlabel="change of accuracy (points)")
    axes[1].set(xlabel="change of cross-entropy (nats)")
    axes[0].invert_yaxis()
    caption = (
        "Measured on test images, against no cure: means with 95 % intervals for the luck of the "
        f"seeds (dots and bars), and the seeds (crosses). Of {2 * len(sides)} intervals about "
        f"{2 * len(sides) / 20:.0f} miss by chance. Better is right in accuracy, left in loss."
    )
    figures.show(fig, caption)


def table(sides: Mapping[str, Scores], plain: Scores) -> dict[str, dict[str, str]]:
    """Return a row of words for each side: its scores, and their change against no cure."""
    rows = {}
    for name, scores in sides.items():
        accuracy, loss = scores
        gain = compare(accuracy, plain[0])
        relief = compare(loss, plain[1], higher_is_better=False)
        row = {
            "accuracy (%)": f"{np.mean(accuracy):.1f}",
            "change (points)": f"{gain.change:+.1f} ± {gain.margin:.1f}",
            "accuracy is": gain.verdict,
            "loss": f"{np.mean(loss):.3f}",
            "change of loss": f"{relief.change:+.3f} ± {relief.margin:.3f}",
            "loss is": relief.verdict,
        }
        if scores is plain:  # against itself there is nothing to say
            row |= dict.fromkeys([key for key in row if "change" in key or " is" in key], "")
        rows[name] = row
    return rows


def more_images(accuracies: Mapping[int, tuple[Sequence[float], Sequence[float]]]) -> None:
    """Show the accuracy on training and on validation images over the number of the former.

    Args:
        accuracies: images -> accuracies in % in training and in validation, one for each seed.
    """
    fig, ax = plt.subplots(figsize=(6.4, 2.8))
    for part, (name, style) in enumerate((("training", "s--"), ("validation", "o-"))):
        spans = [mean_interval(pair[part]) for pair in accuracies.values()]
        means, margins = np.transpose(spans)
        ax.errorbar(list(accuracies), means, margins, fmt=style, capsize=4, label=name)
    ax.set(xscale="log", xlabel="training images", ylabel="accuracy (%)")
    ax.set_xticks(list(accuracies), map(str, accuracies))
    ax.minorticks_off()
    ax.legend()
    told = "; ".join(
        f"{count}: {np.mean(a):.1f} and {np.mean(b):.1f} %" for count, (a, b) in accuracies.items()
    )
    caption = "Measured, equal numbers of updates; bars: 95 % intervals over the seeds."
    figures.show(fig, f"{caption} Training and validation accuracy, by images: {told}.")


# --- choosing, and two kinds of luck --------------------------------------------------------------


def winners(scores: Mapping[int, tuple[float, float]]) -> None:
    """Show how well the winner of an exam does in it and elsewhere, over how many took part.

    Args:
        scores: networks to choose from -> accuracy in % in the exam, and on other images.
    """
    inside, outside = np.transpose(list(scores.values()))
    counts = list(scores)
    fig, ax = plt.subplots(figsize=(6.4, 2.8))
    ax.plot(counts, inside, "s--", label="in the exam that chose it")
    ax.plot(counts, outside, "o-", label="on the other images")
    ax.set(xscale="log", xlabel="networks to choose from", ylabel="the winner's accuracy (%)")
    ax.set_xticks(counts, map(str, counts))
    ax.minorticks_off()
    ax.legend()
    least, most = (f"{inside[i] - outside[i]:.1f} points with {counts[i]}" for i in (0, -1))
    caption = f"Measured, mean of 1,000 random exams. The exam flatters by {least}, by {most}."
    figures.show(fig, caption)


def two_lucks(right: np.ndarray) -> tuple[float, float, float]:
    """Show who is right on the hardest images, and both meanings of 95 %; return the margins.

    Args:
        right: whether each network is right on each test image, shape (seeds, images).

    Returns:
        margins of the accuracy, in points: for other seeds, for other images, for both.
    """
    mean, seeds = mean_interval(100 * right.mean(axis=1))
    images = 196 * right.mean(axis=0).std(ddof=1) / np.sqrt(right.shape[1])
    lucks = {"other seeds": seeds, "other images": images, "both": float(np.hypot(seeds, images))}
    hardest = np.argsort(right.mean(axis=0), kind="stable")[:200]
    fig, (left, axis) = plt.subplots(1, 2, figsize=(8.6, 2.6), width_ratios=[2, 1])
    left.imshow(right[:, hardest], aspect="auto", cmap="cividis", interpolation="nearest")
    left.set(xlabel=f"the {len(hardest)} hardest test images", ylabel="network (seed)")
    left.grid(visible=False)
    for place, margin in enumerate(lucks.values()):
        axis.errorbar(mean, place, xerr=margin, fmt="o", capsize=4, color=figures.BLUE)
    axis.set(yticks=range(3), yticklabels=lucks, xlabel="test accuracy (%)", ylim=(2.5, -0.5))
    told = ", ".join(f"{name} ± {margin:.1f}" for name, margin in lucks.items())
    caption = (
        "Measured. Left: which network is right (bright) on which of the hardest test images. "
        f"Right: {mean:.1f} %, with its 95 % interval for {told}."
    )
    figures.show(fig, caption)
    return tuple(lucks.values())


# --- learning rates -------------------------------------------------------------------------------


def rate_searches(searches: Mapping[str, RateSearch]) -> None:
    """Show the loss of single updates while the learning rate grows, for several optimizers."""
    fig, ax = plt.subplots(figsize=(6.4, 2.8))
    told = []
    for (name, found), style in zip(searches.items(), DASHES, strict=False):
        (line,) = ax.plot(found.rates, found.losses, style, label=name)
        at = found.losses[found.rates == found.steepest]
        ax.plot(found.steepest, at, "o", ms=9, color=line.get_color())
        lowest = found.rates[np.argmin(found.losses)]
        told.append(f"{name}: steepest at {found.steepest:.2g}, lowest at {lowest:.2g}")
    ax.set(xscale="log", ylim=(0, 4), xlabel="learning rate", ylabel="loss (smoothed)")
    ax.legend()
    figures.show(fig, f"Measured; dots: where the loss falls fastest. {'; '.join(told)}.")


def schedules(
    rates: Sequence[float], scores: Mapping[str, np.ndarray], plans: Mapping[str, Sequence[float]]
) -> None:
    """Show the schedules, and the accuracy with each at several highest rates.

    Args:
        rates: highest rates.
        scores: name -> validation accuracies in %, shape (rates, seeds).
        plans: name -> the rate over a training, as a share of the highest.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(7.6, 2.6))
    for i, (name, accuracies) in enumerate(scores.items()):
        left.plot(np.linspace(0, 100, len(plans[name])), plans[name], DASHES[i], label=name)
        means, margins = np.transpose([mean_interval(each) for each in accuracies])
        beside = np.array(rates) * 1.06 ** (2 * i - 1)  # so that no bar hides another
        right.errorbar(beside, means, margins, fmt=MARKERS[i] + DASHES[i], capsize=4)
    left.set(xlabel="% of the updates", ylabel="rate / highest rate", ylim=(0, 1.3))
    left.legend(loc="upper right", ncols=2, fontsize=9)
    right.set(xscale="log", xlabel="highest learning rate", ylabel="validation accuracy (%)")
    right.set_xticks(rates, [f"{rate:.2g}" for rate in rates])
    right.minorticks_off()
    best = "; ".join(
        f"{name} {np.mean(each, 1).max():.1f} % at {rates[int(np.mean(each, 1).argmax())]:.2g}"
        for name, each in scores.items()
    )
    caption = "Left: two schedules. Right, measured: accuracy with each, 95 % intervals over seeds."
    figures.show(fig, f"{caption} Best means: {best}.")


# --- trees ----------------------------------------------------------------------------------------


def tree_ensembles(seeds: int = 5) -> tuple[float, float, float]:
    """Return the accuracies in % of one decision tree, of 50 bagged and of 50 boosted ones.

    On scikit-learn's digits, half of them for training; means over the seeds of split and trees.
    """
    from sklearn.datasets import load_digits
    from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
    from sklearn.model_selection import train_test_split
    from sklearn.tree import DecisionTreeClassifier as Tree

    found = []
    for seed in range(seeds):
        few, new, y_few, y_new = train_test_split(
            *load_digits(return_X_y=True), test_size=0.5, random_state=seed
        )
        bagged = BaggingClassifier(n_estimators=50, random_state=seed)
        boosted = AdaBoostClassifier(Tree(max_depth=6), random_state=seed)
        kinds = (Tree(random_state=seed), bagged, boosted)
        found.append([100 * kind.fit(few, y_few).score(new, y_new) for kind in kinds])
    return tuple(np.mean(found, axis=0).tolist())
