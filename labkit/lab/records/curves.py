"""`log`: how a result came, as curves that are seen while a lesson still runs."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

from labkit.lab.records import sparks
from labkit.lab.records.entry import MIME, SCHEMA, RecordError, plain_one, unwrapped
from labkit.lab.records.shell import shell
from labkit.lab.words import show

_LONGEST_CURVE = 1000  # points; of a longer one every second is kept
_OFTEN = 0.25  # seconds between two pictures of a growing curve


@dataclass
class Curve:
    """The points of one metric; of a long curve evenly spread ones, and always the newest."""

    cell: int  # which run of a cell logged last
    kept: list[tuple] = field(default_factory=list)
    newest: tuple = ()
    count: int = 0
    every: int = 1

    def add(self, step: float, value: Any) -> None:
        """Add a point.

        >>> curve = Curve(cell=1)
        >>> curve.add(1, 0.5)
        >>> curve.newest
        (1, 0.5)
        """
        self.newest = (step, value)
        if self.count % self.every == 0:
            self.kept.append(self.newest)
        self.count += 1
        if len(self.kept) > _LONGEST_CURVE:
            self.kept, self.every = self.kept[::2], 2 * self.every

    def plain(self) -> dict[str, list]:
        """Return the points as a record keeps them.

        >>> curve = Curve(cell=1)
        >>> curve.add(1, 0.5)
        >>> curve.plain()
        {'step': [1], 'value': [0.5]}
        """
        points = self.kept if self.newest is self.kept[-1] else [*self.kept, self.newest]
        return {"step": [step for step, _ in points], "value": [value for _, value in points]}


@dataclass
class Plot:
    """The curves of a lesson, and the output that shows them in the cell that runs now."""

    lesson: str
    curves: dict[str, Curve] = field(default_factory=dict)
    output: Any = None
    shown: float = -math.inf  # when, in seconds
    behind: bool = False  # points came since
    picture: Callable[[dict[str, dict]], str] | None = None  # HTML of the curves, None: small ones

    def plain(self) -> dict[str, dict[str, list]]:
        """Return the curves as a record keeps them."""
        return {name: curve.plain() for name, curve in self.curves.items()}

    def curve_for(self, name: str, step: float, cell: int) -> Curve:
        """Return the metric's curve for its next point, a new one where a cell is run again.

        >>> plot = Plot("11", {"loss": Curve(cell=1, newest=(5, 0.2))})
        >>> plot.curve_for("loss", 6, cell=1).newest, plot.curve_for("loss", 1, cell=2).newest
        ((5, 0.2), ())
        """
        curve = self.curves.get(name)
        if curve is None or (step <= curve.newest[0] and curve.cell != cell):
            return Curve(cell)
        if step <= curve.newest[0]:
            raise RecordError(
                f"step {show(step)} of {name} does not come after step {show(curve.newest[0])}; a "
                f"second curve in one cell needs a name of its own, such as {name}_2"
            )
        curve.cell = cell
        return curve

    def draw(self) -> None:
        """Display the curves, in place of what this cell displayed of them before."""
        from IPython.display import display

        curves = self.plain()
        bundle = {
            MIME: {"schema": SCHEMA, "lesson": self.lesson, "curves": curves},
            "text/html": self.picture(curves) if self.picture else _html(self.lesson, curves),
            "text/plain": _in_words(self.lesson, self.curves),
        }
        if self.output is None:
            self.output = display(bundle, raw=True, display_id=True)
        else:
            self.output.update(bundle, raw=True)
        self.shown, self.behind = time.monotonic(), False


class Plots:
    """The curves of all lessons that this kernel has logged."""

    def __init__(self):
        self._of: dict[str, Plot] = {}
        self._cells_run = 0  # cells that ended since the first call of log()
        self._listening_to: Any = None  # the shell that tells when a cell ends

    def of(self, lesson: str) -> Plot:
        """Return the curves of a lesson."""
        return self._of.setdefault(lesson, Plot(lesson))

    def add(self, lesson: str, step: float, values: dict[str, Any]) -> None:
        """Add a point to each curve, and show them now and then.

        >>> Plots().add("11", 1, {"loss": 0.31})
        lesson 11, step 1: loss = 0.31
        """
        plot = self.of(lesson)
        curves = {name: plot.curve_for(name, step, self._cells_run) for name in values}
        for name, value in values.items():  # all are refused, or none
            curves[name].add(step, value)
        plot.curves |= curves
        plot.behind = True
        if shell() is None:
            print(_in_words(lesson, curves))
        elif time.monotonic() - plot.shown >= _OFTEN:
            self._draw(plot)

    def catch_up(self) -> None:
        """Show the points that are not shown yet."""
        for plot in self._of.values():
            if plot.behind and shell() is not None:
                self._draw(plot)

    def _draw(self, plot: Plot) -> None:
        if self._listening_to is not shell():
            self._listening_to = shell()
            self._listening_to.events.register("post_run_cell", self._cell_ended)
        plot.draw()

    def _cell_ended(self, result: Any) -> None:
        """Show the last points; the next cell that logs gets an output of its own."""
        self.catch_up()
        self._cells_run += 1
        for plot in self._of.values():
            plot.output = plot.picture = None


PLOTS = Plots()


def log(lesson: str, step: float, **metrics: float) -> None:
    """Add one point to the curve of each metric, seen while the lesson still runs.

    The curves that a cell makes are one output that grows in place, and a part of the record.
    A cell that is run again begins its curves anew.

    Args:
        lesson: the lesson's number, such as "11".
        step: where on the x-axis: an epoch, an update, a number of samples; it grows.
        **metrics: one number each, such as loss=0.31, val_accuracy=0.97.

    Raises:
        RecordError: no metric, a step or metric that is no number, or a step that does not grow.

    >>> log("11", 1, loss=0.31)
    lesson 11, step 1: loss = 0.31
    """
    lesson = str(lesson).zfill(2)
    if not metrics:
        raise RecordError(f"log() needs a metric: log({lesson!r}, {step!r}, loss=0.31)")
    step = _point(step, "the step")
    if not isinstance(step, int | float):
        raise RecordError(f"the step of log() is {step}; it is a finite number that grows")
    PLOTS.add(lesson, step, {name: _point(v, f"metric {name}") for name, v in metrics.items()})


def _point(value: Any, what: str) -> float | str:
    value = unwrapped(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecordError(f"{what} of log() is a {type(value).__name__}; allowed are numbers")
    return plain_one(value, what)


def _in_words(lesson: str, curves: dict[str, Curve]) -> str:
    last = max(curve.newest[0] for curve in curves.values())
    values = ", ".join(f"{name} = {show(curve.newest[1])}" for name, curve in curves.items())
    return f"lesson {lesson}, step {show(last)}: {values}"


def _html(lesson: str, curves: dict[str, dict]) -> str:
    rows = ""
    for name, curve in curves.items():
        first, last, step = curve["value"][0], curve["value"][-1], show(curve["step"][-1])
        words = f"{name}: from {show(first)} to {show(last)} at step {step}"
        rows += (
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td>{sparks.svg(curve['value'], words)}</td>"
            f"<td>{escape(show(last))}</td><td>at step {step}</td></tr>"
        )
    return f"<table><caption>Curves of lesson {escape(lesson)}</caption>{rows}</table>"
