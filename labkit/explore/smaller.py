"""Explorer of lesson 22: zeros and bits, and what they do to bytes, accuracy and latency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from labkit.datacenter.smaller.tradeoff import (
    BATCHES,
    FLOAT_BITS,
    NUMPY,
    RUNTIME,
    RUNTIME_INT8,
    SCIPY,
    Latencies,
    Shrunk,
)
from labkit.explore import figures, kit
from labkit.lab.words import short_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Found = Mapping[tuple[float, int], Shrunk]


class SmallerExplorer(kit.Explorer):
    """Choose a share of zeros and the bits of a weight; see bytes, accuracy and latency apart.

    Args:
        found: (share of zeros, bits) -> what was measured, from `tradeoff.measure`.
        times: (how, share, batch) -> CPU seconds, from `tradeoff.latencies` of the same shares.
        tuned: the same as `found` of networks that were trained on after pruning; None for none.
        **start: start values of pruned and bits.

    Raises:
        ValueError: shares in `found` that `times` or `tuned` lack.
    """

    lesson = "22"
    view_only = ("pruned", "bits")
    size = (9.8, 3.3)

    def __init__(
        self, found: Found, times: Latencies, tuned: Found | None = None, **start: Any
    ) -> None:
        self.found, self.times, self.tuned = dict(found), dict(times), dict(tuned or {})
        self.shares, self.bits = (sorted({key[place] for key in found}) for place in (0, 1))
        timed = {share for _, share, _ in times}
        for name, known in (("times", timed), ("tuned", _shares(tuned or found))):
            if missing := set(self.shares) - known:
                raise ValueError(f"{name} lacks the shares {sorted(missing)} that found has")
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: which share of the weights is 0, and the bits of a weight."""
        return {
            "pruned": _steps({f"{share:.0%}": share for share in self.shares}),
            "bits": _steps({str(bits): bits for bits in self.bits[::-1]}),
        }

    def texts(self) -> dict[str, str]:
        """Return what the copy button copies: code that makes the network which is shown."""
        return {"Copy as Python": as_code(**self.params)}

    def compute(self, pruned: float, bits: int) -> dict:
        """Return what was measured at this setting, and the accuracies on the way to it."""
        way = [share for share in self.shares if share <= pruned]
        return {
            "now": self.found[pruned, bits],
            "before": self.found[self.shares[0], self.bits[-1]],
            "tuned": self.tuned.get((pruned, bits)),
            "one_shot_way": [self.found[share, bits].accuracy for share in way],
            "tuned_way": [self.tuned[share, bits].accuracy for share in way if self.tuned],
            "start": [self._fastest((NUMPY, RUNTIME), self.shares[0], b) for b in BATCHES],
            "dense": [self._fastest(self._kernels(bits), pruned, b) for b in BATCHES],
            "csr": [self.times[SCIPY, pruned, b] / b for b in BATCHES],
        }

    def _has_int8(self) -> bool:
        return any(how == RUNTIME_INT8 for how, *_ in self.times)

    def _kernels(self, bits: int) -> tuple[str, ...]:
        """Return the ways to compute a dense network with so many bits, as far as there are any."""
        return (RUNTIME_INT8,) if bits != FLOAT_BITS and self._has_int8() else (NUMPY, RUNTIME)

    def _fastest(self, hows: tuple[str, ...], share: float, batch: int) -> float:
        """Return CPU seconds of an image, by the fastest of the ways that were measured."""
        keys = [(how, share, batch) for how in hows]
        return min(self.times[key] for key in keys if key in self.times) / batch

    def build(self, figure: Figure) -> dict:
        """Draw three frames: bytes, accuracy, latency; each has its own dots."""
        sizes, accuracy, latency = figure.subplots(1, 3, width_ratios=[1.15, 1, 1.15])
        return self._build_sizes(sizes) | self._build_accuracy(accuracy) | self._build_time(latency)

    def _build_sizes(self, ax: Axes) -> dict:
        all_bytes = [v for s in self.found.values() for v in s[:3]]
        ax.set(xscale="log", xlim=_around(np.array(all_bytes) / 1000), ylim=(-0.6, 2.6))
        ax.set(xlabel="kB", title="size", yticks=range(3))
        ax.set_yticklabels(["gzip,\nmodeled", "gzip", "file"])
        ax.xaxis.set_major_formatter("{x:g}")
        before = self.found[self.shares[0], self.bits[-1]].size_in_bytes / 1000
        ax.axvline(before, color=figures.GRAY, linestyle=":")
        (file,) = ax.plot([], [], "o", color=figures.BLUE, markersize=9)
        (gzip,) = ax.plot([], [], "s", color=figures.ORANGE, markersize=9)
        (model,) = ax.plot([], [], "D", color=figures.SAND, fillstyle="none", markersize=9)
        return {"file": file, "gzip": gzip, "model": model}

    def _build_accuracy(self, ax: Axes) -> dict:
        places = range(len(self.shares))
        ax.set(xlim=(-0.4, len(self.shares) - 0.6), ylim=(0, 1.02), xticks=places)
        ax.set_xticklabels([f"{100 * share:g}" for share in self.shares])
        ax.set(xlabel="% of the weights at 0", title="accuracy")
        before = self.found[self.shares[0], self.bits[-1]].accuracy
        ax.axhline(before, color=figures.GRAY, linestyle=":", label="at first")
        (one_shot,) = ax.plot([], [], "o-", color=figures.BLUE, label="one-shot")
        (tuned,) = ax.plot([], [], "^--", color=figures.PINK, label="fine-tuned")
        lines, _ = ax.get_legend_handles_labels()
        ax.legend(handles=lines if self.tuned else lines[:2], loc="lower left", fontsize=9)
        return {"one_shot": one_shot, "tuned": tuned}

    def _build_time(self, ax: Axes) -> dict:
        per_image = np.array([seconds / key[2] for key, seconds in self.times.items()]) * 1e6
        ax.set(xscale="log", xlim=_around(per_image), ylim=(-0.6, 1.9))
        ax.set(xlabel="CPU µs an image", title="latency", yticks=range(2))
        ax.set_yticklabels([f"batch {batch}" for batch in BATCHES])
        ax.xaxis.set_major_formatter("{x:g}")
        # Shifted a little, so that equal times do not hide each other.
        (start,) = ax.plot([], [], "P", color=figures.GRAY, markersize=9, label="at first")
        (dense,) = ax.plot([], [], "o", color=figures.BLUE, markersize=9, label="dense")
        (csr,) = ax.plot([], [], "v", color=figures.ORANGE, markersize=9, label="CSR")
        ax.legend(loc="upper center", fontsize=9, ncol=3, handletextpad=0.1, columnspacing=0.8)
        return {"start": start, "dense": dense, "csr": csr}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move the dots; CSR stands there for float32 alone."""
        now: Shrunk = result["now"]
        for name, value, y in (
            ("file", now.size_in_bytes, 2), ("gzip", now.gzip_in_bytes, 1),
            ("model", now.modeled_bytes, 0),
        ):  # fmt: skip
            artists[name].set_data([value / 1000], [y])
        for name in ("one_shot", "tuned"):
            values = result[f"{name}_way"]
            artists[name].set_data(range(len(values)), values)
        shown = {"start": 0.18, "dense": 0.0, "csr": -0.18}
        for name, shift in shown.items():
            hidden = name == "csr" and params["bits"] != FLOAT_BITS
            values = [] if hidden else 1e6 * np.array(result[name])
            artists[name].set_data(values, [] if hidden else np.arange(2) + shift)

    def caption(self, result: dict, params: dict) -> str:
        """Return in words: bytes, accuracy, latency, and which kernel computes."""
        now: Shrunk = result["now"]
        kind = "float32" if params["bits"] == FLOAT_BITS else f"{params['bits']} bits each"
        one, many = (short_time(seconds) for seconds in result["dense"])
        first, each = (short_time(seconds) for seconds in result["start"])
        accuracy = f"accuracy {now.accuracy:.3f}"
        if result["tuned"]:
            accuracy += f", fine-tuned {result['tuned'].accuracy:.3f}"
        return (
            f"{now.zeros:.0%} of the weights are 0, {kind}: {_kb(now.size_in_bytes)} in a file, "
            f"{_kb(now.gzip_in_bytes)} with gzip (modeled {_kb(now.modeled_bytes)}); {accuracy} "
            f"({result['before'].accuracy:.3f} at first). Dense, one image alone takes {one} "
            f"({first} at first), one of 64 {many} ({each} at first). "
        ) + self._kernel(result, params["bits"])

    def _kernel(self, result: dict, bits: int) -> str:
        """Return which kernel the latency is of."""
        if bits == FLOAT_BITS:
            alone, among = (short_time(seconds) for seconds in result["csr"])
            return f"CSR, which skips zeros: {alone} and {among}."
        if not self._has_int8():
            return "Without ONNX Runtime the integers are turned back into float32 to compute."
        return "" if bits == 8 else f"No kernel here computes with {bits} bits: it takes them as 8."


def as_code(pruned: float, bits: int) -> str:
    """Return code that prunes the dense layers of lesson 22 and runs them in so many bits.

    >>> print(as_code(0.9, 32))
    cut = pruning.prune(layers, 0.9)
    scores = quantization.run_float(cut, digits.x_test)
    """
    code = f"cut = pruning.prune(layers, {pruned:g})\n"
    if bits == FLOAT_BITS:
        return code + "scores = quantization.run_float(cut, digits.x_test)"
    return code + (
        "ranges = quantization.calibrate(cut, digits.x_train[:500])\n"
        f"network = quantization.quantize_network(cut, ranges, bits={bits})\n"
        "scores = quantization.run(network, digits.x_test)"
    )


def _steps(options: dict[str, float]) -> widgets.SelectionSlider:
    """Return a slider over a few values, which begins at the first."""
    return widgets.SelectionSlider(options=list(options.items()))


def _shares(found: Found) -> set[float]:
    return {share for share, _ in found}


def _around(values: np.ndarray) -> tuple[float, float]:
    """Return limits of a logarithmic axis with room at both ends."""
    return float(values.min()) / 1.6, float(values.max()) * 1.6


def _kb(size: float) -> str:
    return f"{size / 1000:.3g} kB"
