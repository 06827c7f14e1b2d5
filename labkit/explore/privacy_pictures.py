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
            ax.set(xticks=[], yticks=[])
            ax.grid(visible=False)
            if image is None:
                ax.axis("off")
                continue
            side = int(np.sqrt(np.size(image)))
            low, high = limits
            ax.imshow(np.reshape(image, (side, side)), cmap="gray_r", vmin=low, vmax=high)
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
