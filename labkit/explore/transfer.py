"""Explorer of lesson 15: labels x frozen layers, over results that the lesson has measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from labkit.explore import figures, kit
from labkit.maths.intervals import compare, mean_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FROZEN = ["nothing frozen", "1 layer", "2 layers", "all but the head"]


class TransferExplorer(kit.Explorer):
    """Choose the source, the number of frozen layers and of labels; see what transfer gained.

    Args:
        sizes: labels a class that were tried, in rising order.
        accuracies: accuracy in percent; "scratch" -> array (sizes, seeds), and
            (source, frozen layers) -> array (sizes, seeds), for every source and 0 to 3 layers.
        **start: start values of source, frozen_layers and labels.

    Raises:
        ValueError: an array that does not have a row for each size.
    """

    lesson = "15"
    size = (9.6, 3.9)

    def __init__(
        self, sizes: Sequence[int], accuracies: dict[Any, ArrayLike], **start: Any
    ) -> None:
        self.sizes = list(sizes)
        self.accuracies = {name: np.asarray(rows, float) for name, rows in accuracies.items()}
        for name, rows in self.accuracies.items():
            if rows.ndim != 2 or len(rows) != len(self.sizes):
                raise ValueError(
                    f"{name}: shape {rows.shape}; need a row for each of {len(self.sizes)} sizes"
                )
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: source, frozen layers, and how many labels the target has."""
        sources = list(dict.fromkeys(name[0] for name in self.accuracies if name != "scratch"))
        return {
            "source": kit.choice(sources[0], sources),
            "frozen_layers": kit.slider(2, 0, 3),
            "labels": kit.choice(self.sizes[min(1, len(self.sizes) - 1)], self.sizes),
        }

    def compute(self, source: str, frozen_layers: int, labels: int) -> dict:
        """Return the curve over all sizes, the gain at this one, and each freezing's accuracy."""
        place = self.sizes.index(labels)
        scratch, rows = self.accuracies["scratch"], self.accuracies[source, frozen_layers]
        each = [mean_interval(self.accuracies[source, k][place]) for k in range(len(FROZEN))]
        return {
            "curve": np.transpose([mean_interval(row) for row in rows]),  # means, margins
            "each": np.transpose(each),
            "scratch": mean_interval(scratch[place]),
            "accuracy": float(rows[place].mean()),
            "gain": compare(rows[place], scratch[place]),
        }

    def build(self, figure: Figure) -> dict:
        """Draw accuracy over labels on the left, over frozen layers on the right."""
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        lowest = min(rows.min() for rows in self.accuracies.values())
        limits = (max(0, 5 * (lowest // 5) - 5), 101)
        means, margins = np.transpose([mean_interval(row) for row in self.accuracies["scratch"]])
        left.errorbar(
            self.sizes, means, yerr=margins, fmt="s--", color=figures.GRAY, capsize=3,
            label="from scratch",
        )  # fmt: skip
        left.set(xscale="log", xlabel="labels a class", ylabel="accuracy (%)", ylim=limits)
        left.set_xticks(self.sizes, [str(size) for size in self.sizes])
        left.minorticks_off()
        (curve,) = left.plot([], [], "o-", color=figures.BLUE, label="with transfer")
        bars = [left.plot([], [], "-", color=figures.BLUE, lw=1.5)[0] for _ in self.sizes]
        spot = left.axvline(self.sizes[0], color=figures.ORANGE, ls=":")
        left.legend(loc="lower right")
        right.set(xlim=(-0.5, 3.5), ylim=limits, xlabel="frozen", title="")
        right.set_xticks(range(4), ["nothing", "1 layer", "2", "all but\nthe head"])
        dots = [right.plot([], [], "o", color=figures.BLUE)[0] for _ in FROZEN]
        lines = [right.plot([], [], "-", color=figures.BLUE, lw=1.5)[0] for _ in FROZEN]
        base = right.axhline(0, color=figures.GRAY, ls="--")
        ring = right.plot([], [], "o", ms=14, mfc="none", mec=figures.ORANGE, mew=2.5)[0]
        heading = right.set_title(" ")
        return {
            "curve": curve, "bars": bars, "spot": spot, "dots": dots, "lines": lines,
            "base": base, "ring": ring, "heading": heading,
        }  # fmt: skip

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move the curve and its bars, the points on the right, the line of scratch."""
        means, margins = result["curve"]
        artists["curve"].set_data(self.sizes, means)
        for bar, size, mean, margin in zip(
            artists["bars"], self.sizes, means, margins, strict=True
        ):
            bar.set_data([size, size], [mean - margin, mean + margin])
        artists["spot"].set_xdata([params["labels"]] * 2)
        for k, (mean, margin) in enumerate(result["each"].T):
            artists["dots"][k].set_data([k], [mean])
            artists["lines"][k].set_data([k, k], [mean - margin, mean + margin])
        artists["base"].set_ydata([result["scratch"][0]] * 2)
        artists["ring"].set_data([params["frozen_layers"]], [result["accuracy"]])
        artists["heading"].set_text(f"{_a_class(params['labels'])}; dashed: from scratch")

    def caption(self, result: dict, params: dict) -> str:
        """Return in words accuracy, gain with its interval, and what that allows to say."""
        gain = result["gain"]
        labels = params["labels"]
        means = {
            "better": "transfer helped",
            "worse": "transfer harmed",
            "not sure": "these seeds do not show whether it helped",
        }
        return (
            f"Source {params['source']}, {FROZEN[params['frozen_layers']]}, "
            f"{_a_class(labels)}: accuracy {result['accuracy']:.1f} %, "
            f"from scratch {result['scratch'][0]:.1f} %. Gain {gain.change:+.1f} ± "
            f"{gain.margin:.1f} points (95 %): {means[gain.verdict]}."
        )


def _a_class(labels: int) -> str:
    return f"{labels} label{'' if labels == 1 else 's'} a class"
