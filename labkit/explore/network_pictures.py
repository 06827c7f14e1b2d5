"""Pictures of lesson 10: images and what a network says of them, the course of a training, labels.

Lesson: 10_first_network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from labkit.explore import figures

COLUMNS = 10  # images in a row


def images(pictures: Sequence[np.ndarray], titles: Sequence[str], caption: str) -> None:
    """Show images in rows of ten, each with a title.

    Args:
        pictures: arrays of shape (28, 28, 1) in [0, 1].
        titles: one text an image.
        caption: what they are.
    """
    rows = -(-len(pictures) // COLUMNS)
    fig, axes = plt.subplots(rows, COLUMNS, figsize=(8, 1.05 * rows + 0.1), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()  # an image does not quite cover its axes: a light edge would show
    for ax, picture, title in zip(axes.flat, pictures, titles, strict=False):
        ax.imshow(np.squeeze(picture), cmap="gray", vmin=0, vmax=1)
        ax.set_title(title, fontsize=9)
    figures.show(fig, caption)


def course(history: Mapping[str, Sequence[float]], best: int, caption: str) -> None:
    """Show loss and accuracy by epoch, on training and on validation images.

    Args:
        history: as Keras' `fit` keeps it, with validation data and accuracy.
        best: the epoch of the lowest validation loss, from 1 on; a dotted line.
        caption: what is to be seen.
    """
    fig, axes = plt.subplots(1, 2, figsize=(7.6, 2.6))
    for ax, name, label in zip(axes, ("loss", "accuracy"), ("loss", "right answers"), strict=True):
        epochs = range(1, len(history[name]) + 1)
        ax.plot(epochs, history[name], "-", color=figures.BLUE, label="training")
        held = history[f"val_{name}"]
        ax.plot(epochs, held, "--o", ms=4, color=figures.ORANGE, label="validation")
        ax.axvline(best, color=figures.GRAY, linestyle=":", linewidth=1.2)
        ax.set(xlabel="epoch", ylabel=label)
    axes[0].set_yscale("log")
    axes[0].legend(fontsize=9)
    figures.show(fig, caption)


def hand_and_fit(by_hand: Sequence[float], fitted: Sequence[float], whose: str) -> None:
    """Show the loss of each epoch of two trainings that should be one and the same.

    Args:
        by_hand, fitted: losses by epoch.
        whose: the step of the loop by hand, as an exercise's `whose`.
    """
    fig, ax = plt.subplots(figsize=(4.6, 2.4))
    epochs = range(1, len(by_hand) + 1)
    ax.plot(epochs, by_hand, "-", label="loop by hand")
    ax.plot(epochs, fitted, "o", color=figures.ORANGE, ms=7, label="fit")
    ax.set(xlabel="epoch", ylabel="loss (cross-entropy)", xticks=epochs)
    ax.legend()
    apart = np.abs(np.subtract(by_hand, fitted)).max()
    told = f"The step of the loop by hand: {whose}. Largest difference of a loss: {apart:.0e}."
    figures.show(fig, f"Loss by epoch of a loop by hand, and of fit. {told}")


def wrong_labels(losses: Mapping[str, np.ndarray], shares: Mapping[str, np.ndarray]) -> None:
    """Show what labels of -1 do to twenty networks: losses by epoch, and what they have right.

    Args:
        losses: name of the labels -> loss after each epoch, (epochs, networks); wrong ones first.
        shares: what is counted -> share of the pairs, of each network.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(7.6, 2.7))
    styles = [(figures.RED, "--"), (figures.BLUE, "-")]
    for (name, each), (color, style) in zip(losses.items(), styles, strict=True):
        epochs = range(1, len(each) + 1)
        left.plot(epochs, np.median(each, axis=1), style, color=color, label=name)
        left.fill_between(epochs, each.min(1), each.max(1), color=color, alpha=0.2)
    left.set(xlabel="epoch", ylabel="loss", yscale="symlog")
    left.legend(fontsize=9)
    signs = [("x", figures.RED), ("^", figures.RED), ("o", figures.BLUE)]
    for place, (values, (marker, color)) in enumerate(zip(shares.values(), signs, strict=True)):
        spread = place + np.linspace(-0.2, 0.2, len(values))
        right.plot(spread, values, marker, color=color, ms=4)
    right.set_xticks(range(len(shares)), [name.replace(" (", "\n(") for name in shares], fontsize=9)
    right.set(ylabel="share of the pairs", ylim=(-0.03, 1.03))
    text = "Left: median and range of the loss of twenty networks, by epoch (measured)."
    figures.show(fig, f"{text} Right: one mark a network, {'; '.join(shares)}.")


def clouds_told(printed: np.ndarray, really: np.ndarray, silent: np.ndarray) -> str:
    """Return in words what the networks of each cloud have right; no mean over both.

    Args:
        printed: the accuracy that is printed, of each network.
        really: the share that is really right.
        silent: whether a network answers "no" to every pair.

    >>> clouds_told(np.array([0.0, 0.4]), np.array([0.5, 0.8]), np.array([True, False]))
    '1 of 2 say no to every pair: printed 0% to 0%, really right 50% to 50%. 1 of 2 answer both: \
printed 40% to 40%, really right 80% to 80%.'
    """
    told = []
    for group, name in ((silent, "say no to every pair"), (~silent, "answer both")):
        if group.any():
            first, second = (
                f"{e[group].min():.0%} to {e[group].max():.0%}" for e in (printed, really)
            )
            count = f"{group.sum()} of {len(group)} {name}"
            told.append(f"{count}: printed {first}, really right {second}.")
    return " ".join(told)
