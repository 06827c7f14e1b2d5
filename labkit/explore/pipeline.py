"""Explorer of lesson 21: who does what when in a pipeline, by theory and in real processes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.datacenter import pipeline
from labkit.datacenter.pipeline import Operation, Step
from labkit.explore import figures, kit
from labkit.lab.words import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_STAGES, MOST_MICRO_BATCHES = 6, 12
NAMES = {"gpipe": "GPipe", "1f1b": "1F1B"}
PASSES = {"F": figures.LIGHT_BLUE, "B": figures.ORANGE}
WORDS = {"F": "forward", "B": "backward"}
NOT_MEASURED = "real processes: no step was measured with these settings"


class PipelineExplorer(kit.Explorer):
    """Choose schedule, stages and micro-batches; see when each stage works, and what it holds.

    Args:
        steps: measured ones, of `pipeline.measure`; where the settings are those of one of them,
            its real trace stands beneath the ideal one.
        **start: start values of kind, stages and micro_batches.

    Raises:
        ValueError: a step whose passes were not lengthened: theory does not know their seconds.
    """

    lesson = "21"
    view_only = ("kind", "stages", "micro_batches")
    size = (10.0, 4.3)

    def __init__(self, steps: Sequence[Step] = (), **start: Any) -> None:
        if not all(step.forward > 0 and step.backward > 0 for step in steps):
            raise ValueError(
                "measure steps with forward= and backward= above 0 s to show them here"
            )
        self.steps = {(step.kind, len(step.traces), step.micro_batches): step for step in steps}
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: the schedule, and how often network and batch are cut."""
        return {
            "kind": kit.choice("gpipe", {name: kind for kind, name in NAMES.items()}),
            "stages": kit.slider(2, 1, MOST_STAGES),
            "micro_batches": kit.slider(2, 1, MOST_MICRO_BATCHES),
        }

    def compute(self, kind: str, stages: int, micro_batches: int) -> dict:
        """Return the ideal trace, the measured step if there is one, the bubble and the memory.

        Returns:
            dict with traces, a list of operations for each stage; step, a `Step` or None; bubble,
            a share; curves, seconds and held micro-batches of each stage; held, the most of each.
        """
        step = self.steps.get((kind, stages, micro_batches))
        passes = (step.forward, step.backward) if step else (1.0, 2.0)
        traces = pipeline.ideal_trace(kind, stages, micro_batches, *passes)
        curves = [pipeline.live_curve(trace) for trace in (step.traces if step else traces)]
        return {
            "traces": traces,
            "step": step,
            "bubble": pipeline.bubble(stages, micro_batches),
            "curves": curves,
            "held": [int(held.max()) for _, held in curves],
        }

    def build(self, figure: Figure) -> dict:
        """Draw the axes: the ideal chart, the real one if any was measured, what is held."""
        charts = ("ideal", "real") if self.steps else ("ideal",)
        grid = figure.add_gridspec(len(charts) + 1, 2, width_ratios=[6, 1])
        artists = {}
        for row, name in enumerate(charts):
            for part, artist in _build_chart(figure.add_subplot(grid[row, 0])).items():
                artists[f"{name} {part}"] = artist
        held, beside = figure.add_subplot(grid[-1, 0]), figure.add_subplot(grid[:, 1])
        return artists | _build_held(held, beside)

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Place the blocks and their numbers, and the curves."""
        step, traces = result["step"], result["traces"]
        ideal = pipeline.step_seconds(traces)
        percent = 100 / max(ideal, step.seconds if step else 0)
        unit = "s" if step else "times a forward pass"
        told = f"ideal: {ideal:.3g} {unit} (modeled)"
        _paint_chart(artists, "ideal", told, traces, percent)
        if "real F" in artists:
            told = f"real processes: {step.seconds:.3g} s (measured)" if step else NOT_MEASURED
            _paint_chart(artists, "real", told, step.traces if step else [], percent)
        _paint_held(artists, result, percent)

    def caption(self, result: dict, params: dict) -> str:
        """Return in words how long each stage is idle, and how much it holds."""
        stages, micro_batches, held = params["stages"], params["micro_batches"], result["held"]
        last = f", the last stage {held[-1]}" if stages > 1 else ""
        told = (
            f"{NAMES[params['kind']]}, {count(stages, 'stage')}, {_batches(micro_batches)}: each "
            f"stage is idle for {kit.percent(result['bubble'])} of the step, which is "
            f"(p − 1) / (m + p − 1) = {stages - 1}/{micro_batches + stages - 1} (modeled). "
            f"Stage 0 holds the activations of at most {_batches(held[0])} at once{last}"
        )
        if (step := result["step"]) is None:
            return f"{told} (modeled)."
        forward, backward = 1000 * step.forward, 1000 * step.backward
        return (
            f"{told} (counted). In real processes, with passes lengthened to {forward:g} and "
            f"{backward:g} ms, they were idle for {kit.percent(step.idle)} of it (measured)."
        )


def _batches(number: int) -> str:
    return f"{number} micro-batch{'' if number == 1 else 'es'}"


def _build_chart(ax: Axes) -> dict:
    """Draw one empty schedule chart, with a number for every block that may come."""
    from matplotlib.collections import PolyCollection

    ax.set(xlim=(0, 100), ylim=(1, 0), yticks=[], ylabel="stage\n")
    ax.tick_params(labelbottom=False)
    ax.grid(visible=False)
    artists = {}
    for name, color in PASSES.items():
        artists[name] = PolyCollection([], facecolor=color, edgecolor="white", linewidth=0.8)
        ax.add_collection(artists[name], autolim=False)
    many = 2 * MOST_STAGES * MOST_MICRO_BATCHES
    artists["numbers"] = [ax.text(0, 0, "", ha="center", va="center", size=7) for _ in range(many)]
    place = {"ha": "right", "va": "center", "size": 9}
    artists["ranks"] = [ax.text(-0.8, 0, "", **place) for _ in range(MOST_STAGES)]
    artists["title"] = ax.set_title(" ", size=10, loc="left")
    return artists


def _build_held(ax: Axes, beside: Axes) -> dict:
    """Draw the axes of what is held, and the legend beside all charts."""
    from matplotlib.patches import Patch

    ax.set_title("micro-batches whose activations are held", size=10, loc="left")
    ax.set(xlim=(0, 100), ylim=(0, MOST_MICRO_BATCHES + 0.6), yticks=range(0, 13, 4))
    ax.set(xlabel="time (% of the step)", ylabel="held")
    beside.axis("off")
    patches = [Patch(facecolor=PASSES[name], label=word) for name, word in WORDS.items()]
    beside.legend(handles=patches, loc="upper left", borderaxespad=0)
    lines = [ax.plot([], [], drawstyle="steps-post", lw=1.6)[0] for _ in range(MOST_STAGES)]
    place = {"transform": beside.transAxes, "size": 10, "va": "bottom"}
    heights = [0.07 * (MOST_STAGES - 1 - rank) for rank in range(MOST_STAGES)]
    most = [
        beside.text(0, height, "", color=line.get_color(), **place)
        for height, line in zip(heights, lines, strict=True)
    ]
    return {"lines": lines, "most": most}


def _paint_chart(
    artists: dict, chart: str, title: str, traces: list[list[Operation]], percent: float
) -> None:
    """Place one block for each operation, rows from stage 0 downward."""
    artists[f"{chart} title"].set_text(title)
    height = 1 / max(1, len(traces))
    placed = [
        (height * (rank + 0.5), percent * each.begin, percent * each.end, each)
        for rank, trace in enumerate(traces)
        for each in trace
    ]
    for name in PASSES:
        corners = [_corners(*place, 0.42 * height) for *place, each in placed if each.name == name]
        artists[f"{chart} {name}"].set_verts(corners)
    numbers = [((begin + end) / 2, y, each.micro_batch) for y, begin, end, each in placed]
    _write(artists[f"{chart} numbers"], numbers)
    ranks = [(-0.8, height * (rank + 0.5), rank) for rank in range(len(traces))]
    _write(artists[f"{chart} ranks"], ranks)


def _write(texts: list, words: list[tuple]) -> None:
    """Write so many words (x, y, text), and empty the texts that are left."""
    for text, (x, y, word) in itertools.zip_longest(texts, words, fillvalue=(0, 0, "")):
        text.set(x=x, y=y, text=word)


def _corners(y: float, begin: float, end: float, half: float) -> np.ndarray:
    """Return the four corners of a block, array (4, 2)."""
    x = np.array([begin, end, end, begin])
    return np.column_stack([x, [y - half, y - half, y + half, y + half]])


def _paint_held(artists: dict, result: dict, percent: float) -> None:
    """Draw what each stage holds over time, and say beside it how much it is at most."""
    nothing = (np.array([]), np.array([]))
    for line, curve in itertools.zip_longest(artists["lines"], result["curves"], fillvalue=nothing):
        line.set_data(percent * curve[0], curve[1])
    for rank, words in enumerate(artists["most"]):
        held = result["held"][rank : rank + 1]
        words.set_text(f"stage {rank}: ≤ {held[0]}" if held else "")
