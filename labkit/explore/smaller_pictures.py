"""Pictures of lesson 22: what a teacher's answers bring, bits, zeros, and one table of it all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from labkit.datacenter.smaller import quantization
from labkit.explore import figures
from labkit.maths.intervals import compare, mean_interval

if TYPE_CHECKING:
    import pandas as pd

    from labkit.datacenter.smaller.formats import Kept
    from labkit.datacenter.smaller.pruning import SparseTime
    from labkit.datacenter.smaller.runtimes import Row
    from labkit.datacenter.smaller.strangers import Visit

COLORS = (figures.GRAY, figures.ORANGE, figures.BLUE, figures.PINK)
MARKERS = "Xos^"

# --- distillation -------------------------------------------------------------------------------


def unseen(shares: Mapping[str, np.ndarray], digit: int) -> None:
    """Show which share of a digit's images each student reads that never saw one.

    Args:
        shares: name of the side -> share of each seed, in [0, 1].
        digit: the one that was not there.
    """
    fig, ax = plt.subplots(figsize=(7.0, 3.2))
    _strips(ax, shares)
    ax.set(xlim=(-0.05, 1.05), xlabel=f"share of the images of a {digit} that are read right")
    ax.axvline(0.1, color=figures.GRAY, linestyle=":", linewidth=1.2)
    means = ", ".join(f"{name} {np.mean(each):.0%}" for name, each in shares.items())
    count = len(next(iter(shares.values())))
    caption = (
        f"Measured on test images, {count} seeds, means: {means}. Small dots: one seed each; bars: "
        "the 95% interval of the mean. Dotted: guessing."
    )
    figures.show(fig, caption)


def softness(image: np.ndarray, answers: Mapping[float, np.ndarray], label: int) -> None:
    """Show an image, and the teacher's answer to it at several temperatures.

    Args:
        image: pixels, shape (196,).
        answers: temperature -> probabilities of the digits, shape (10,).
        label: the digit that it is.
    """
    fig, axes = plt.subplots(1, 1 + len(answers), figsize=(8.8, 2.6))
    axes[0].imshow(image.reshape(14, 14), cmap="gray_r")
    axes[0].set(xticks=[], yticks=[], title=f"labeled {label}")
    axes[0].grid(visible=False)
    for ax, (temperature, probabilities) in zip(axes[1:], answers.items(), strict=True):
        ax.bar(range(10), probabilities, color=figures.BLUE)
        ax.set(ylim=(0, 1), xticks=range(0, 10, 3), title=f"T = {temperature:g}", xlabel="digit")
        ax.grid(visible=False, axis="x")
    axes[1].set(ylabel="probability")
    told = "; ".join(
        f"T = {t:g}: {', '.join(f'{p[i]:.0%} {i}' for i in np.argsort(-p)[:3])}"
        for t, p in answers.items()
    )
    figures.show(fig, f"A training image, and what the teacher thinks of it. {told}.")


def gradient_sizes(
    temperatures: Sequence[float],
    sizes: Mapping[str, Sequence[float]],
    limit: float,
) -> None:
    """Show how large the error signal is over the temperature, beside the limit by theory.

    Args:
        temperatures: rising.
        sizes: name of the rule -> mean size of the gradient at each temperature.
        limit: of the rule with T², by theory.
    """
    fig, ax = plt.subplots()
    for (name, values), color, marker in zip(sizes.items(), COLORS[2:0:-1], "os", strict=False):
        ax.plot(temperatures, values, marker=marker, color=color, label=name)
    ax.axhline(limit, color=figures.GRAY, linestyle=":", label="theory for large T")
    ax.set(xscale="log", yscale="log", xlabel="temperature T", ylabel="mean size of the gradient")
    ax.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
    ax.minorticks_off()
    ax.legend()
    ends = "; ".join(f"{name}: {v[0]:.2g} to {v[-1]:.2g}" for name, v in sizes.items())
    figures.show(fig, f"Computed for an untrained student, over T = 1 to 64. {ends}.")


def gains(settings: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Show what each setting gains, seed by seed, and return a table of it.

    Args:
        settings: name -> accuracies alone and taught, each of shape (seeds,).
    """
    import pandas as pd

    fig, ax = plt.subplots(figsize=(7.6, 0.9 + 0.62 * len(settings)))
    _strips(ax, {name: taught - alone for name, (alone, taught) in settings.items()})
    ax.axvline(0, color=figures.GRAY, linewidth=1.2)
    ax.set(xlabel="gain in accuracy on test images, student by student")
    rows = {}
    for name, (alone, taught) in settings.items():
        found = compare(taught, alone)
        rows[name] = {
            "alone": f"{alone.mean():.3f}",
            "taught": f"{taught.mean():.3f}",
            "gain (95% interval)": f"{found.change:+.3f} ± {found.margin:.3f}",
            "seeds that gain": f"{(taught > alone).sum()} of {len(alone)}",
        }
    told = ". ".join(f"{name}: {row['gain (95% interval)']}" for name, row in rows.items())
    figures.show(fig, f"Measured, paired by seed: the same start, each rate tuned. {told}.")
    return pd.DataFrame(rows).T


def over_temperature(
    temperatures: Sequence[float], curves: Mapping[str, Sequence[np.ndarray]]
) -> None:
    """Show a score over the temperature, with the interval of its mean over seeds.

    Args:
        temperatures: rising.
        curves: name -> for each temperature the scores of all seeds.
    """
    fig, ax = plt.subplots()
    for (name, values), color, marker in zip(curves.items(), COLORS[2:0:-1], "os", strict=False):
        means, margins = np.array([mean_interval(each) for each in values]).T
        ax.errorbar(temperatures, means, margins, color=color, marker=marker, capsize=4, label=name)
    ax.set(xscale="log", xlabel="temperature T", ylabel="accuracy on test images", ylim=(0, 1.02))
    ax.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
    ax.minorticks_off()
    ax.legend(loc="lower right")
    told = "; ".join(
        f"{name}: {', '.join(f'{np.mean(v):.2f}' for v in values)}"
        for name, values in curves.items()
    )
    shown = ", ".join(f"{t:g}" for t in temperatures)
    figures.show(fig, f"Measured at T = {shown}, each rate tuned. {told}. Bars: 95% intervals.")


def _strips(ax, sides: Mapping[str, np.ndarray]) -> None:
    """Draw a row for each side: a dot for each seed, the mean, and its interval."""
    for place, values in enumerate(sides.values()):
        color, marker = COLORS[place % 4], MARKERS[place % 4]
        mean, margin = mean_interval(values)
        ax.errorbar(mean, place, xerr=margin, color=color, marker=marker, capsize=5, markersize=9)
        ax.plot(values, np.full(len(values), place + 0.22), ".", color=color, alpha=0.7)
    ax.set_yticks(range(len(sides)), sides)
    ax.set_ylim(len(sides) - 0.45, -0.55)


# --- bits ---------------------------------------------------------------------------------------


def rounding_errors(errors: Mapping[int, tuple[float, float]]) -> None:
    """Show the mean square of the rounding error over the bits, beside the theory.

    Args:
        errors: bits -> (measured, step² / 12).
    """
    fig, ax = plt.subplots()
    measured, theory = np.array([*errors.values()]).T
    ax.plot([*errors], theory, "-", color=figures.ORANGE, label="modeled: step² / 12")
    ax.plot([*errors], measured, "o", color=figures.BLUE, label="measured")
    ax.set(yscale="log", xlabel="bits of a weight", ylabel="mean square of the error")
    ax.legend()
    ratios = measured / theory
    told = f"Measured over modeled: {ratios[-1]:.3f} at {max(errors)} bits, "
    figures.show(fig, f"{told}{ratios[0]:.3f} at {min(errors)}. A bit less: four times the error.")


def accuracy_by_bits(curves: Mapping[str, Mapping[int, float]], whole: float) -> None:
    """Show the accuracy of a network over the bits of its weights.

    Args:
        curves: name -> bits -> accuracy.
        whole: accuracy in float32.
    """
    fig, ax = plt.subplots()
    ax.axhline(whole, color=figures.GRAY, linestyle=":", label="float32")
    for (name, curve), color, marker in zip(curves.items(), COLORS[1:3], "so", strict=True):
        ax.plot([*curve], [*curve.values()], color=color, marker=marker, label=name)
    ax.set(xlabel="bits of a weight", ylabel="accuracy on test images", ylim=(0, 1.02))
    ax.legend(loc="lower right")
    told = "; ".join(
        f"{name}: {', '.join(f'{v:.3f} at {b}' for b, v in curve.items())}"
        for name, curve in curves.items()
    )
    figures.show(fig, f"Measured: weights rounded, sums in float32. {told} bits.")


# --- zeros --------------------------------------------------------------------------------------


def zeros(found: pd.DataFrame, whole: float, size: int) -> None:
    """Show the accuracy, and the packed size, over the share of weights at zero.

    Args:
        found: index share; columns "one-shot" and "fine-tuned" (accuracies), "gzip" and "theory"
            (bytes).
        whole: accuracy without zeros.
        size: bytes of the weights as they are.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.6))
    left.axhline(whole, color=figures.GRAY, linestyle=":", label="unpruned")
    for name, color, marker in (
        ("one-shot", figures.ORANGE, "s"),
        ("fine-tuned", figures.BLUE, "o"),
    ):
        left.plot(found.index, found[name], color=color, marker=marker, label=name)
    left.set(xlabel="share of weights at zero", ylabel="accuracy on test images", ylim=(0, 1.02))
    left.legend(loc="lower left")
    right.axhline(size / 1000, color=figures.GRAY, linestyle=":", label="as it is")
    right.plot(found.index, found["theory"] / 1000, "-", color=figures.ORANGE, label="modeled")
    right.plot(found.index, found["gzip"] / 1000, "o", color=figures.BLUE, label="gzip, measured")
    right.set(xlabel="share of weights at zero", ylabel="kilobytes", ylim=(0, None))
    right.legend(loc="lower left")
    told = "; ".join(
        f"{share:.0%}: {row['one-shot']:.3f} and {row['fine-tuned']:.3f}, "
        f"{row['gzip'] / 1000:.0f} kB by gzip"
        for share, row in found.iterrows()
    )
    figures.show(fig, f"Measured, one-shot and fine-tuned. {told}. Unpruned: {size / 1000:.0f} kB.")


def sparse_times(found: Sequence[SparseTime]) -> None:
    """Show the CPU time of a product over the share of its zeros, dense and in CSR."""
    batches = sorted({each.batch for each in found})
    fig, axes = plt.subplots(1, len(batches), figsize=(9.4, 3.6))
    for ax, batch in zip(axes, batches, strict=True):
        some = [each for each in found if each.batch == batch]
        shares = [each.share for each in some]
        dense, csr = ([1e6 * getattr(each, name) for each in some] for name in ("dense", "csr"))
        ax.plot(shares, dense, "s-", color=figures.ORANGE, label="dense, zeros and all")
        ax.plot(shares, csr, "o--", color=figures.BLUE, label="CSR, what is not 0")
        model = csr[0] * (1 - np.array(shares))
        ax.plot(shares, model, ":", color=figures.GRAY, label="modeled: CSR in proportion")
        ax.set(yscale="log", xlabel="share of zeros", title=f"batches of {batch}")
    axes[0].set(ylabel="CPU microseconds")
    axes[0].legend(loc="lower left")
    told = "; ".join(
        f"batches of {each.batch}, {each.share:.0%} zeros: dense {1e6 * each.dense:.0f}, "
        f"CSR {1e6 * each.csr:.0f}"
        for each in found
        if each.share in (0.0, 0.9)
    )
    figures.show(fig, f"Measured, CPU time in microseconds, one thread, by turns. {told}.")


# --- the table ----------------------------------------------------------------------------------


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """Return a table of candidates: size, accuracy, and latency, each a column of its own."""
    import pandas as pd

    return pd.DataFrame(
        {
            row.name: {
                "kB": f"{row.size_in_bytes / 1000:.1f}",
                "accuracy": f"{row.accuracy:.3f}",
                "same answers": f"{row.agreement:.1%}",
                "CPU ms, 1 image": f"{1e3 * row.latency_1:.3f}",
                "CPU ms, 64 images": f"{1e3 * row.latency_64:.2f}",
            }
            for row in rows
        }
    ).T


def bytes_told(parameters: int) -> str:
    """Return in a sentence what so many parameters take at several widths."""
    sizes = {bits: quantization.size_in_bytes(parameters, bits) for bits in (32, 16, 8, 4)}
    told = ", ".join(f"{size / 1000:.1f} kB in {bits} bits" for bits, size in sizes.items())
    return f"{parameters:,} parameters: {told}."


def formats(kept: Sequence[Kept]) -> pd.DataFrame:
    """Return a table of formats: bytes, distance of the outputs, and what came back."""
    import pandas as pd

    words = {True: "yes", False: "no", None: "not tried"}
    rows, missing = {}, [each.why_not for each in kept if each.why_not]
    for each in kept:
        tried = not each.why_not
        rows[each.name] = {
            "kB": f"{each.size_in_bytes / 1000:.0f}" if tried else "",
            "kB, no optimizer": f"{each.bare_bytes / 1000:.0f}" if tried else "",
            "outputs apart": f"{each.difference:.0e}".replace("0e+00", "0") if tried else "",
            "layers": words[each.layers],
            "goes on training": words[each.training],
            "runs alone": words[each.alone],
        }
    if missing:
        from IPython.display import Markdown, display

        display(Markdown(f"Not tried: {'. '.join(missing)}."))
    return pd.DataFrame(rows).T


def visits(found: Sequence[Visit]) -> pd.DataFrame:
    """Return a table of files from strangers: whose code ran when, and what was refused."""
    import pandas as pd

    words = {True: "yes", False: "no", None: "not tried"}
    return pd.DataFrame(
        {
            each.name: {
                "code ran while read": words[each.reading],
                "code ran when run": words[each.running],
                "refused": "yes" if each.refused else "",
            }
            for each in found
        }
    ).T
