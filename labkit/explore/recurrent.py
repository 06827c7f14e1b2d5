"""Explorers of lesson 13: the gates of an LSTM over time; how far back each cell remembers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from labkit.data.sequences import pad
from labkit.explore import figures, kit
from labkit.maths import recurrent as maths
from labkit.maths.recurrent import LAGS, expected_memory, memory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FADED = 0.01  # a cell has forgotten what counts less than this share of the newest input
LENGTHS = (29, 60, 100)
CELLS = ("rnn", "lstm", "gru")
KERAS_BIAS = {"forget_bias": 1.0, "update_bias": 0.0}  # LSTM(unit_forget_bias=True); GRU: zeros


def most_moved(weights: maths.Weights, series: Sequence[ArrayLike], length: int) -> int:
    """Return the unit of an LSTM whose cell state zeros behind the sequences move most.

    Args:
        weights: of an LSTM.
        series: sequences, arrays (frames, features).
        length: steps that they are padded to with zeros.
    """
    x, mask = pad(series, length)
    cells = maths.forward(x, weights).cells
    ends = cells[np.arange(len(x)), mask.sum(axis=1)]
    return int(np.abs(cells[:, -1] - ends).mean(axis=0).argmax())


class GatesExplorer(kit.Explorer):
    """Step through an utterance and see what one unit of a trained LSTM does with it.

    Args:
        weights: `labkit.maths.recurrent.Weights` of the LSTM.
        read_out: kernel and bias of the dense softmax layer behind it.
        series: utterances, arrays (frames, features), scaled as in training.
        labels: the speaker of each, counted from 0.
        **start: start values of utterance, unit, step, padded_length and masking.
    """

    lesson = "13"
    view_only = ("step", "masking")
    rebuild_for = ("padded_length",)
    size = (9.6, 4.4)

    def __init__(
        self,
        weights: maths.Weights,
        read_out: Sequence[ArrayLike],
        series: Sequence[ArrayLike],
        labels: ArrayLike,
        **start: Any,
    ) -> None:
        self.weights, self.series, self.labels = weights, list(series), np.asarray(labels)
        self.kernel, self.bias = (np.asarray(each, dtype=float) for each in read_out)
        self._run = functools.lru_cache(maxsize=64)(self._run_once)
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: utterance, unit, step, how much padding, and whether masked."""
        return {
            "utterance": kit.slider(0, 0, len(self.series) - 1),
            "unit": kit.slider(0, 0, self.weights.units - 1),
            "step": kit.slider(10, 1, max(LENGTHS)),
            "padded_length": kit.choice(60, list(LENGTHS)),
            "masking": kit.choice("no mask", ["no mask", "mask"]),
        }

    def _run_once(
        self, utterance: int, padded_length: int, masking: str
    ) -> tuple[maths.Trace, np.ndarray]:
        """Return trace and class probabilities after each step of one padded utterance."""
        frames = np.asarray(self.series[utterance], dtype=float)
        x = np.zeros((1, padded_length, frames.shape[1]))
        x[0, : len(frames)] = frames
        real = np.arange(padded_length) < len(frames)
        trace = maths.forward(x, self.weights, real[None] if masking == "mask" else None)
        scores = trace.outputs[0] @ self.kernel + self.bias
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        return trace, chances / chances.sum(axis=1, keepdims=True)

    def compute(
        self, utterance: int, unit: int, step: int, padded_length: int, masking: str
    ) -> dict:
        """Return gates, cell state and output of one unit, and the answer after this step."""
        trace, chances = self._run(utterance, padded_length, masking)
        frames, at = len(self.series[utterance]), min(step, padded_length) - 1
        gates = {name: values[0, :, unit].copy() for name, values in trace.gates.items()}
        if masking == "mask":
            for values in gates.values():
                values[frames:] = np.nan  # computed, but without any effect
        return {
            "x": trace.x[0].T,
            "gates": gates,
            "cell": trace.cells[0, 1:, unit],
            "output": trace.outputs[0, :, unit],
            "chances": chances[at],
            "frames": frames,
            "at": at,
            "speaker": int(self.labels[utterance]),
            "last_answer": int(chances[-1].argmax()),
        }

    def build(self, figure: Figure) -> dict:
        """Draw inputs, gates and cell state; on the right the answer of this step."""
        length = self.params["padded_length"]
        grid = figure.add_gridspec(3, 2, width_ratios=[2.3, 1], height_ratios=[0.8, 1, 1])
        top, middle, low = (figure.add_subplot(grid[row, 0]) for row in range(3))
        right = figure.add_subplot(grid[:, 1])
        extent = (0.5, length + 0.5, self.kernel_features() + 0.5, 0.5)
        blank = np.zeros((self.kernel_features(), length))
        image = top.imshow(
            blank, cmap="PuOr_r", vmin=-3, vmax=3, aspect="auto", extent=extent,
            interpolation="nearest",
        )  # fmt: skip
        top.set(ylabel="coefficient", title="input (white: 0)")
        lines = {}
        for name, color, dash in (
            ("forget", figures.BLUE, "-"), ("input", figures.ORANGE, "--"),
            ("output", figures.RED, ":"),
        ):  # fmt: skip
            lines[name] = middle.plot([], [], dash, color=color, label=f"{name} gate")[0]
        middle.set(ylim=(-0.03, 1.4), yticks=[0, 0.5, 1], ylabel="gate, 0 to 1")
        middle.legend(loc="upper right", ncols=3, fontsize=9)
        lines["cell"] = low.plot([], [], "-", color=figures.PINK, label="cell state c")[0]
        lines["shown"] = low.plot([], [], "--", color=figures.GRAY, label="output h")[0]
        low.set(ylim=(-3, 5), ylabel="value", xlabel="step")
        low.legend(loc="upper right", ncols=2, fontsize=9)
        cursors = [ax.axvline(1, color="black", lw=1.2) for ax in (top, middle, low)]
        ends = [ax.axvline(1, color=figures.SAND, lw=2, ls="--") for ax in (top, middle, low)]
        for ax in (top, middle, low):
            ax.set_xlim(0.5, length + 0.5)
        top.grid(False)
        bars = right.barh(range(1, 10), np.zeros(9), color=figures.SKY)
        right.set(xlim=(0, 1), ylim=(9.6, 0.4), yticks=range(1, 10))
        right.set(xlabel="probability", ylabel="speaker", title="answer after this step")
        spoken = right.plot([], [], ">", color=figures.ORANGE, markersize=9)[0]
        return {
            "image": image, "lines": lines["forget"], "input": lines["input"],
            "output": lines["output"], "cell": lines["cell"], "shown": lines["shown"],
            "cursors": cursors, "ends": ends, "bars": list(bars), "spoken": spoken,
            "values": low.yaxis,  # moves with the unit: a cell state has no fixed range
        }  # fmt: skip

    def kernel_features(self) -> int:
        """Return how many numbers one frame has."""
        return self.weights.kernel.shape[0]

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Show the utterance, the lines, the cursor and the bars."""
        steps = np.arange(1, params["padded_length"] + 1)
        artists["image"].set_data(np.clip(result["x"], -3, 3))
        artists["lines"].set_data(steps, result["gates"]["forget"])
        artists["input"].set_data(steps, result["gates"]["input"])
        artists["output"].set_data(steps, result["gates"]["output"])
        artists["cell"].set_data(steps, result["cell"])
        artists["shown"].set_data(steps, result["output"])
        reach = max(0.1, np.abs(result["cell"]).max())
        artists["values"].axes.set_ylim(-1.1 * reach, 1.8 * reach)  # room for the legend
        for cursor in artists["cursors"]:
            cursor.set_xdata([result["at"] + 1] * 2)
        for end in artists["ends"]:
            end.set_xdata([result["frames"] + 0.5] * 2)
        for bar, chance in zip(artists["bars"], result["chances"], strict=True):
            bar.set_width(chance)
        artists["spoken"].set_data([0.02], [result["speaker"] + 1])

    def caption(self, result: dict, params: dict) -> str:
        """Return in words what the unit does at this step, and what the network would answer."""
        at, frames = result["at"], result["frames"]
        best = int(result["chances"].argmax())
        text = (
            f"Utterance {params['utterance']} by speaker {result['speaker'] + 1}: {frames} frames, "
            f"padded to {params['padded_length']} steps (dashed: its end). "
        )
        if at < frames or params["masking"] == "no mask":
            kept = result["gates"]["forget"][at]
            kind = "frame" if at < frames else "padding"
            text += (
                f"Step {at + 1}, {kind}: unit {params['unit']} keeps {kept:.0%} of its cell state, "
                f"which is then {result['cell'][at]:.2f}. "
            )
        else:
            text += f"Step {at + 1} is masked: the state stays as it was. "
        answer = f"The answer now: speaker {best + 1} ({result['chances'][best]:.0%})"
        last = result["last_answer"]
        right = "right" if last == result["speaker"] else "wrong"
        return text + answer + f"; after the last step: speaker {last + 1}, {right}."


class MemoryExplorer(kit.Explorer):
    """Turn the weights of three cells and see how far back each one remembers."""

    lesson = "13"
    view_only = ("input_size", "weights_seed")
    presets = {
        "as Keras starts": {"radius": 1.0, **KERAS_BIAS, "input_size": 0.3},
        "gates open": {"radius": 1.0, "forget_bias": 5.0, "update_bias": 5.0, "input_size": 0.3},
        "explodes": {"cell": "rnn", "radius": 1.5, "input_size": 0.1},
    }
    size = (9.6, 3.9)

    def make_controls(self) -> dict:
        """Return the controls: the cell, its recurrent weights, its gates, its inputs, the draw."""
        return {
            "cell": kit.choice("rnn", list(CELLS)),
            "radius": kit.slider(1.0, 0.5, 1.5, 0.05),
            "forget_bias": kit.slider(KERAS_BIAS["forget_bias"], -2.0, 6.0, 0.5),
            "update_bias": kit.slider(KERAS_BIAS["update_bias"], -2.0, 6.0, 0.5),
            "input_size": kit.slider(0.3, 0.0, 2.0, 0.1),
            "weights_seed": kit.slider(0, 0, 9),
        }

    @staticmethod
    def compute(
        cell: str,
        radius: float,
        forget_bias: float,
        update_bias: float,
        input_size: float,
        weights_seed: int,
    ) -> dict:
        """Return the share that an input k steps back has in all cells, and theory for the one."""
        bias = {"rnn": 0.0, "lstm": forget_bias, "gru": update_bias}
        settings = (radius, input_size, weights_seed)
        shares = {name: memory(name, bias[name], *settings) for name in CELLS}
        curve = shares[cell]
        below = np.flatnonzero(curve < FADED)
        return {
            "shares": shares,
            "theory": expected_memory(cell, bias[cell], *settings),
            "reach": int(below[0]) if len(below) else None,
            "last": float(curve[-1]),
        }

    def build(self, figure: Figure) -> dict:
        """Draw one line per cell over the steps back, on a logarithmic scale."""
        ax = figure.subplots()
        lines = {}
        for name, color, dash in zip(
            CELLS, (figures.BLUE, figures.ORANGE, figures.PINK), ("-", "--", "-."), strict=True
        ):
            lines[name] = ax.plot([], [], dash, color=color, label=name.upper())[0]
        lines["theory"] = ax.plot([], [], ":", color="black", lw=1.4, label="theory")[0]
        ax.axhline(FADED, color=figures.GRAY, lw=1)
        ax.text(LAGS, FADED * 1.3, "1 %", ha="right", color=figures.GRAY)
        spot = ax.plot([], [], "o", ms=9, mfc="none", mew=2.5, color="black")[0]
        ax.set(xlim=(0, LAGS), ylim=(1e-9, 1e4), yscale="log", xlabel="steps back")
        ax.set(ylabel="weight of an input (newest = 1)")
        ax.legend(loc="lower left", ncols=4)
        return {**lines, "spot": spot}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Draw the three curves; the chosen cell is thick, and has its theory beside it."""
        lags = np.arange(LAGS)
        for name in CELLS:
            artists[name].set_data(lags, np.clip(result["shares"][name], 1e-12, 1e6))
            artists[name].set_linewidth(3.5 if name == params["cell"] else 1.3)
        theory = result["theory"]
        artists["theory"].set_data(lags[: len(theory)], np.clip(theory, 1e-12, 1e6))
        artists["theory"].set_visible(len(theory) > 0)
        reach = result["reach"]
        artists["spot"].set_visible(reach is not None)
        if reach is not None:
            height = max(result["shares"][params["cell"]][reach], 2e-9)
            artists["spot"].set_data([reach], [height])

    def caption(self, result: dict, params: dict) -> str:
        """Return in words how many steps the cell remembers, or that its gradient grows."""
        name, reach = params["cell"].upper(), result["reach"]
        gate = {
            "LSTM": f", forget bias {params['forget_bias']:g}",
            "GRU": f", update bias {params['update_bias']:g}",
        }.get(name, "")
        text = f"{name}, spectral radius {params['radius']:g}{gate}: "
        if reach is not None:
            return text + (
                f"an input counts less than 1 % of the newest one after {reach} steps; after "
                f"{LAGS - 1} steps its weight is {result['last']:.1e}."
            )
        if result["last"] > 1:
            return text + (
                f"the oldest input weighs {result['last']:.2g} times as much as the newest: "
                "the gradient grows instead of fading (it explodes)."
            )
        return text + (
            f"even after {LAGS - 1} steps an input keeps {result['last']:.1%} of the weight of "
            "the newest one."
        )
