"""Pictures of lesson 26: what came out of gradients and models, what was hidden, at what price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from labkit.explore import figures
from labkit.maths.intervals import mean_interval

COLORS = (figures.BLUE, figures.ORANGE, figures.GRAY, figures.PINK)
MARKERS = "os^X"


def images(rows: Mapping[str, Sequence[np.ndarray]], caption: str, limits=(0.0, 1.0)) -> None:
    """Show rows of images, each row with its name.

    Args:
        rows: name -> flat images, as many in each row; None leaves a gap.
        caption: what they are.
        limits: pixel values that are drawn white and black.
    """
    count = len(next(iter(rows.values())))
    fig, axes = plt.subplots(
        len(rows), count, figsize=(0.75 * count + 1.6, 0.85 * len(rows)), squeeze=False
    )
    for (name, shown), line in zip(rows.items(), axes, strict=True):
        for image, ax in zip(shown, line, strict=True):
            if image is None:
                ax.axis("off")
            else:
                _image(ax, image, limits)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    figures.show(fig, caption)


def rounds(curves: Mapping[str, np.ndarray], central: np.ndarray, passed: float) -> None:
    """Show the accuracy after each round, with the interval of the mean over seeds.

    Args:
        curves: name -> accuracy, shape (seeds, rounds).
        central: accuracy of central training, shape (seeds,).
        passed: rounds after which more has been sent than the data have.
    """
    fig, ax = plt.subplots()
    told = []
    for (name, scores), color, marker in zip(curves.items(), COLORS, MARKERS, strict=False):
        means, margins = np.array([mean_interval(each) for each in scores.T]).T
        at = np.arange(1, len(means) + 1)
        ax.errorbar(at, means, margins, color=color, marker=marker, capsize=3, label=name)
        told.append(f"{name} {means[-1]:.3f} ± {margins[-1]:.3f}")
    mean, margin = mean_interval(central)
    ax.axhline(mean, color=figures.GRAY, linestyle="--", label="central, as many epochs")
    ax.axvline(passed, color=figures.GRAY, linestyle=":", linewidth=1.4)
    ax.text(passed, 0.02, " sent more than the data have", transform=ax.get_xaxis_transform())
    ax.set(xlabel="round", ylabel="accuracy on test images")
    ax.legend(loc="lower right")
    told.append(f"central {mean:.3f} ± {margin:.3f}")
    figures.show(
        fig, f"Measured, {len(central)} seeds, each rate tuned; at the end: {'; '.join(told)}."
    )


def masked(own, messages, summed, without, rescued) -> None:
    """Show what three clients have, what the server gets, and what it can make of the sums.

    Args:
        own: what each client has, shape (clients, pixels).
        messages: what the server gets from each, as numbers, same shape.
        summed: the mean of all messages, shape (pixels,).
        without: the mean of all but the first client's.
        rescued: the same, after the others have revealed their shares.
    """
    fig, axes = plt.subplots(2, 6, figsize=(9.0, 3.3))
    titles = ["client 0", "client 1", "client 2", "mean of all", "client 0 gone", "with shares"]
    truth = [*own[:3], own.mean(axis=0), own[1:].mean(axis=0), own[1:].mean(axis=0)]
    seen = [*messages[:3], summed, without, rescued]
    for column, title in enumerate(titles):
        axes[0, column].set_title(title, fontsize=11)
        for row, image in enumerate((truth[column], seen[column])):
            _image(axes[row, column], image, (0, own.max()))
    axes[0, 0].set_ylabel("clients have")
    axes[1, 0].set_ylabel("server sees")
    figures.show(
        fig,
        "Measured. Above: what clients have, and the means that are wanted. Below: what the server "
        "can see of each. Three messages and the sum without client 0 are noise; the sum of all is "
        "right; with shares of the missing key the sum of the other nine is right, too.",
    )


def two_curves(confidence: np.ndarray, members: np.ndarray, chosen: Sequence[int]) -> None:
    """Show the confidence of networks that saw an image, and of those that did not.

    Args:
        confidence: of each network in each image, shape (networks, images).
        members: who saw which, bool, same shape.
        chosen: a hard image and an easy one.
    """
    fig, axes = plt.subplots(1, 2, figsize=(8.4, 2.6), sharex=True)
    for ax, image, name in zip(axes, chosen, ("a hard image", "an easy image"), strict=True):
        for saw, label, color, marker in (
            (True, "saw it", COLORS[0], "o"),
            (False, "did not", COLORS[1], "s"),
        ):
            values = confidence[members[:, image] == saw, image]
            ax.plot(values, np.full(len(values), saw) + 0.0, marker, color=color, alpha=0.6)
            grid = np.linspace(
                confidence[:, chosen].min() - 2, confidence[:, chosen].max() + 2, 300
            )
            bell = np.exp(-((grid - values.mean()) ** 2) / (2 * values.var(ddof=1)))
            ax.plot(grid, 0.75 * bell + saw, color=color, linestyle="-" if saw else "--")
        ax.set(yticks=[0, 1], yticklabels=["did not", "saw it"], title=name)
        ax.set_xlabel("confidence ln(p / (1 - p))")
    means = [
        [confidence[members[:, image] == saw, image].mean() for saw in (True, False)]
        for image in chosen
    ]
    told = "; ".join(
        f"{name}: {a:.1f} if seen, {b:.1f} if not"
        for name, (a, b) in zip(("hard", "easy"), means, strict=True)
    )
    figures.show(fig, f"Measured, one marker a network, and a normal of each kind. Means, {told}.")


def members(attacks: Mapping[str, np.ndarray], truth: np.ndarray) -> None:
    """Show the share of members named over the share of others named, both logarithmic.

    Args:
        attacks: name -> score, higher for a member, shape (networks, images).
        truth: who was a member, bool, same shape.
    """
    fig, ax = plt.subplots(figsize=(5.6, 3.6))
    at = np.geomspace(1e-3, 1, 60)
    told = []
    for (name, scores), color, line in zip(attacks.items(), COLORS, ("-", "--"), strict=False):
        others = np.sort(scores[~truth])[::-1]
        limits = others[np.minimum((at * len(others)).astype(int), len(others) - 1)]
        named = np.array([(scores[truth] > limit).mean() for limit in limits])
        ax.plot(at, named, color=color, linestyle=line, label=name)
        told.append(f"{name} {named[np.argmin(abs(at - 0.01))]:.1%}")
    ax.plot(at, at, color=figures.GRAY, linestyle=":", label="a coin")
    ax.axvline(0.01, color=figures.GRAY, linewidth=1)
    ax.set(xscale="log", yscale="log", ylim=(1e-3, 1.1))
    ax.set(xlabel="others named (false positives)", ylabel="members named")
    ax.legend(loc="lower right")
    figures.show(fig, f"Measured. At 1 % false positives: {'; '.join(told)}.")


def _image(ax, image: np.ndarray, limits: tuple[float, float]) -> None:
    side = int(np.sqrt(np.size(image)))
    ax.imshow(np.reshape(image, (side, side)), cmap="gray_r", vmin=limits[0], vmax=limits[1])
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(True)
