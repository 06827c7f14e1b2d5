"""Pictures of lesson 26: what came out of gradients and models, what was hidden, at what price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from labkit.datacenter.privacy.leakage import expected_alone
from labkit.datacenter.privacy.membership import share_named
from labkit.explore import figures
from labkit.maths.intervals import mean_interval

if TYPE_CHECKING:
    from labkit.datacenter.security.intruder import Found
    from labkit.datacenter.security.quoted import Advisory, Regulation
    from labkit.datacenter.smaller.strangers import Visit

COLORS = (figures.BLUE, figures.ORANGE, figures.GRAY, figures.PINK)
MARKERS = "os^X"


def pictured(rows: Mapping[str, Sequence[np.ndarray]], caption: str) -> None:
    """Show rows of images, each row with its name.

    Args:
        rows: name -> flat images, as many in each row.
        caption: what they are.
    """
    count = len(next(iter(rows.values())))
    fig, axes = plt.subplots(
        len(rows), count, figsize=(0.75 * count + 1.6, 0.85 * len(rows)), squeeze=False
    )
    for (name, shown), line in zip(rows.items(), axes, strict=True):
        for image, ax in zip(shown, line, strict=True):
            _image(ax, image)
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
        at = np.arange(1, len(scores.T) + 1)
        _means(ax, at, scores.T, color=color, marker=marker, label=name)
        told.append("{} {:.3f} ± {:.3f}".format(name, *mean_interval(scores[:, -1])))
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
            noise = np.abs(image).max() > 2
            _image(axes[row, column], image, (-32768, 32768) if noise else (0, own.max()))
    axes[0, 0].set_ylabel("clients have")
    axes[1, 0].set_ylabel("server sees")
    figures.show(
        fig,
        "Measured. Above: what clients have, and the means that are wanted. Below: what the server "
        "can see of each. Three messages and the sum without client 0 are noise; the sum of all is "
        "right; with shares of the missing key the sum of the other nine is right, too.",
    )


def leaks(images, candidates, off, taken, count: int = 10) -> None:
    """Show images of a batch, and of each the candidate that comes closest.

    Args:
        images: the batch, shape (n, pixels).
        candidates: what the division gives, one a unit, shape (k, pixels).
        off: largest difference of each image from each candidate, shape (n, k).
        taken: images that came out exactly; they stand first.
        count: how many are shown.
    """
    order = [*taken, *(i for i in range(len(images)) if i not in taken)][:count]
    nearest = candidates[off.argmin(axis=1)]
    first = ["", " (the first one)", " (the first ones)"][min(len(taken), 2)]
    caption = (
        f"Measured: {len(taken) or 'none'} of {len(images)} images of the batch came out "
        f"exactly{first}; of the others the closest that the division gives is a mixture."
    )
    rows = {"batch": [images[i] for i in order], "taken": [nearest[i] for i in order]}
    pictured(rows, caption)


def leak_counts(honest: Mapping[int, tuple], trapped: Mapping[int, tuple], bins: int) -> None:
    """Show how many images of a batch come out, beside theory.

    Args:
        honest: batch size -> (found, alone by theory), each of shape (seeds,).
        trapped: the same, with weights that the server made for it.
        bins: of the trap.
    """
    fig, ax = plt.subplots(figsize=(6.4, 3.2))
    sizes = list(honest)
    told = []
    for (name, counts), color, marker in zip(
        {"usual weights": honest, "weights made for it": trapped}.items(),
        COLORS,
        "os",
        strict=False,
    ):
        found = [each[0] for each in counts.values()]
        means = _means(ax, sizes, found, color=color, marker=marker, linestyle="")
        theory = [np.mean(each[1]) for each in counts.values()]
        ax.plot(sizes, theory, color=color, linestyle="--", label=f"{name}: alone")
        told.append(f"{name} {means[-1]:.1f} of {sizes[-1]}")
    modeled = [expected_alone(size, bins) for size in sizes]
    ax.plot(sizes, modeled, color=figures.GRAY, linestyle=":", label="modeled: alone in a bin")
    ax.set(xscale="log", xlabel="images in the batch", ylabel="images taken")
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.legend()
    seeds = len(next(iter(honest.values()))[0])
    figures.show(
        fig,
        f"Measured (markers, {seeds} batches each, 95 % intervals), counted (dashed: images that "
        f"light a unit alone) and modeled (dotted). On average: {'; '.join(told)}.",
    )


def noisy_leak(image, deviations, seen, modeled) -> None:
    """Show what the server sees of an image through noise, and the error over the noise.

    Args:
        image: the true one, shape (pixels,).
        deviations: of the noise on each number of the clipped gradient, rising.
        seen: what comes out at each, shape (deviations, pixels).
        modeled: root mean square error by the formula, for each.
    """
    measured = [float(np.sqrt(np.mean((each - image) ** 2))) for each in seen]
    fig = plt.figure(figsize=(9.0, 3.0))
    grid = fig.add_gridspec(2, 7)
    ax = fig.add_subplot(grid[:, :4])
    ax.plot(deviations, modeled, color=figures.GRAY, linestyle="--", label="modeled")
    ax.plot(deviations, measured, "o", color=figures.BLUE, label="measured")
    own = float(np.sqrt(np.mean(image**2)))
    ax.axhline(own, color=figures.ORANGE, linestyle=":", label="a white sheet")
    ax.set(xscale="log", yscale="log", xlabel="noise on each number", ylabel="error of a pixel")
    ax.legend()
    for place, (deviation, each) in enumerate(zip(deviations, seen, strict=True)):
        small = fig.add_subplot(grid[place // 3, 4 + place % 3])
        _image(small, each)
        small.set_title(f"{deviation:g}", fontsize=10)
    told = ", ".join(f"{s:g}: {error:.2g}" for s, error in zip(deviations, measured, strict=True))
    figures.show(
        fig,
        f"What comes out of a gradient of length 1 with noise. Root mean square error, {told}; "
        f"that of a white sheet is {own:.2g}.",
    )


def matched(image: np.ndarray, path: Sequence[np.ndarray]) -> None:
    """Show images on the way to the one whose gradient fits.

    Args:
        image: the true one, shape (pixels,).
        path: images, the first one noise.
    """
    steps = [0, 5, 10, 20, len(path) - 1]
    steps = sorted({min(step, len(path) - 1) for step in steps})
    apart = [float(np.sqrt(np.mean((path[step].ravel() - image) ** 2))) for step in steps]
    told = ", ".join(f"{step}: {error:.2g}" for step, error in zip(steps, apart, strict=True))
    caption = (
        f"Measured, a convolutional network: the sought image after steps {told} (root mean square "
        "error). Last: the true one."
    )
    pictured({"matched": [*(path[step] for step in steps), image]}, caption)


def two_curves(confidence: np.ndarray, members: np.ndarray, chosen: Sequence[int]) -> None:
    """Show the confidence of networks that saw an image, and of those that did not.

    Args:
        confidence: of each network in each image, shape (networks, images).
        members: who saw which, bool, same shape.
        chosen: a hard image and an easy one.
    """
    fig, axes = plt.subplots(1, 2, figsize=(8.4, 2.6), sharex=True)
    for ax, image, name in zip(axes, chosen, ("a hard image", "an easy image"), strict=True):
        for saw, color, marker in ((True, COLORS[0], "o"), (False, COLORS[1], "s")):
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
        named = np.array([share_named(scores, truth, share) for share in at])
        ax.plot(at, named, color=color, linestyle=line, label=name)
        told.append(f"{name} {share_named(scores, truth, 0.01):.1%}")
    ax.plot(at, at, color=figures.GRAY, linestyle=":", label="a coin")
    ax.axvline(0.01, color=figures.GRAY, linewidth=1)
    ax.set(xscale="log", yscale="log", ylim=(1e-3, 1.1))
    ax.set(xlabel="others named (false positives)", ylabel="members named")
    ax.legend(loc="lower right")
    figures.show(fig, f"Measured. At 1 % false positives: {'; '.join(told)}.")


def read_as(rows: Mapping[str, np.ndarray], read, truth: np.ndarray) -> None:
    """Show images, changed in several ways, and how a network reads each.

    Args:
        rows: way -> images, shape (n, pixels).
        read: images -> the digit that the network reads on each.
        truth: the right digits, shape (n,).
    """
    count = len(truth)
    fig, axes = plt.subplots(len(rows), count, figsize=(1.05 * count + 1.6, 1.25 * len(rows)))
    told = []
    for (name, shown), line in zip(rows.items(), axes, strict=True):
        answers = read(shown)
        for image, ax, answer, right in zip(shown, line, answers, truth, strict=True):
            _image(ax, image)
            mark = "" if answer == right else " ✗"
            ax.set_title(f"{answer}{mark}", fontsize=11, pad=3)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
        told.append(f"{name} {(answers == truth).sum()}")
    figures.show(fig, f"Above each image how it is read; right of {count}: {', '.join(told)}.")


def attacked(rows: Sequence) -> None:
    """Show the accuracy over the size of the change, for each attack, and of other readers.

    Args:
        rows: of `adversarial.measure`.
    """
    fig, axes = plt.subplots(1, 2, figsize=(9.0, 3.4), sharey=True)
    names = list(dict.fromkeys(each.name for each in rows))
    told = []
    for name, color, marker in zip(names, COLORS[::-1], MARKERS, strict=False):
        some = [each for each in rows if each.name == name]
        sizes = [each.epsilon for each in some]
        own = [each.own for each in some]
        means = _means(axes[0], sizes, own, color=color, marker=marker, label=name)
        told.append(f"{name} {np.interp(0.1, sizes, means):.0%}")
    some = [each for each in rows if each.name == "FGSM"]
    sizes = [each.epsilon for each in some]
    readers = {"own": "the network itself", "int8": "the same in int8", "other": "another seed"}
    for (field, name), color, marker in zip(readers.items(), COLORS, "os^", strict=False):
        read = [getattr(each, field) for each in some]
        _means(axes[1], sizes, read, color=color, marker=marker, label=name)
    for ax, title in zip(axes, ("who chose the direction", "FGSM images, read by"), strict=True):
        ax.set(xlabel="largest change of a pixel", title=title, ylim=(-0.02, 1))
        ax.legend(fontsize=8, loc="lower left" if ax is axes[0] else "upper right")
    axes[0].set_ylabel("accuracy")
    count = len(rows[0].own)
    figures.show(
        fig, f"Measured, {count} networks, 95 % intervals. At 0.1, own gradient: {'; '.join(told)}."
    )


def knocks(found: Found) -> None:
    """Show what an intruder tried, what it was answered, and what the log has of it."""
    import pandas as pd
    from IPython.display import Markdown, display

    rows = [each._asdict() for each in found.attempts]
    display(pd.DataFrame(rows).rename(columns={"does": "tries to", "header": "with the header"}))
    answered = found.flood.count(200)
    last = {key: value for key, value in found.log[-1].items() if key != "before"}
    display(
        Markdown(
            f"Measured. Of {len(found.flood)} requests at once {answered} were answered, others "
            f"got 429 and `Retry-After: {found.wait}`. The log has {found.kept} lines, the last "
            f"one `{last}`; a token or a pixel in it: {'yes' if found.leaked else 'no'}. After one "
            f"word was changed: *{found.forged}*."
        )
    )


def guard(found: Sequence[Visit], advisories: Sequence[Advisory]) -> None:
    """Show a table of holes in Keras' guard: what is said of each, and what came of trying it.

    Args:
        found: of `bypasses.visits`.
        advisories: of `quoted.advisories`.
    """
    from importlib.metadata import version

    here = {each.name: _came_of(each) for each in found}
    head = f"number | a file could | closed in | older, tried once | {version('keras')}, tried now"
    _table(
        head,
        [
            (
                each.number,
                each.what,
                each.closed_in or "not found",
                each.tried,
                here.get(each.number, ""),
            )
            for each in advisories
        ],
        "Number, words and closing version are quoted from advisories of Keras.",
    )


def rules(regulations: Sequence[Regulation]) -> None:
    """Show what regulations ask, quoted in short."""
    _table(
        "rule | asks for | number | source | from | how far it was read",
        [
            (
                f"{each.rule}, {each.article}",
                each.asks,
                each.number,
                each.source,
                each.applies_from,
                each.checked,
            )
            for each in regulations
        ],
        "Quoted in short; no legal advice.",
    )


def _table(head: str, rows: Sequence[Sequence[str]], told: str) -> None:
    """Show a table whose long words wrap."""
    from IPython.display import Markdown, display

    ruled = " | ".join("---" for _ in head.split(" | "))
    lines = [head, ruled, *(" | ".join(row) for row in rows)]
    display(Markdown("\n".join(f"| {line} |" for line in lines) + f"\n\n{told}"))


def _came_of(visit: Visit) -> str:
    if visit.reading is None:
        return "not tried"
    return "its code ran" if visit.reading or visit.running else "refused"


def _means(ax, x: Sequence[float], samples: Sequence[np.ndarray], **looks) -> np.ndarray:
    """Draw and return the mean of each sample over seeds, with its 95 % interval."""
    means, margins = np.array([mean_interval(each) for each in samples]).T
    ax.errorbar(x, means, margins, capsize=3, **looks)
    return means


def _image(ax, image: np.ndarray, limits: tuple[float, float] = (0, 1)) -> None:
    """Draw a flat image; the limits are the pixel values that are white and black."""
    side = int(np.sqrt(np.size(image)))
    ax.imshow(np.reshape(image, (side, side)), cmap="gray_r", vmin=limits[0], vmax=limits[1])
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(True)
