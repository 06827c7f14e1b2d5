"""Controls of the explorers that compute in the kernel: ipywidgets with the lab's defaults."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np

from labkit.explore.kit import state_link
from labkit.lab.phrases import translated

_LONGEST_TEXT = 2000  # letters of a text field that a link may set


def slider(
    value: float, low: float, high: float, step: float | None = None, **options: Any
) -> widgets.Widget:
    """Return a slider for whole numbers if `value`, `low` and `high` are, else for real ones.

    Args:
        value: where it starts.
        low, high: the range, both reachable.
        step: width of one arrow key; 1, or a hundredth of the range for real numbers.
        **options: further options of the ipywidgets slider, such as `description`.
    """
    if all(isinstance(number, int) for number in (value, low, high)):
        return widgets.IntSlider(value, low, high, step=step or 1, **options)
    step = step or (high - low) / 100
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return widgets.FloatSlider(
        value, min=low, max=high, step=step, readout_format=f".{decimals}f", **options
    )


# Two digits at most, about equal ratios: what people type, and what copies well.
_MANTISSAS = (1, 1.1, 1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.5, 2.8, 3, 3.5, 4, 4.5, 5, 5.5, 6, 7, 8, 9)


class LogSlider(widgets.SelectionSlider):
    """A slider over round numbers whose every arrow key multiplies by about the same factor.

    ipywidgets' FloatLogSlider shows 0.0631 when it is set to 0.06, because its handle can only
    stand on a fixed grid of exponents; here every value is shown, read and copied as it is.
    """

    def __init__(self, value: float, low: float, high: float, **options: Any) -> None:
        self.low, self.high = low, high
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        grid = [float(f"{mantissa}e{power}") for power in powers for mantissa in _MANTISSAS]
        inside = {number for number in grid if low < number < high}
        super().__init__(options=self._labels(inside | {low, high, value}), value=value, **options)

    def include(self, value: float) -> None:
        """Make room for a number of the range that is not on the grid."""
        if value not in self._options_values:
            self.options = self._labels({*self._options_values, value})

    @staticmethod
    def _labels(grid: Iterable[float]) -> list[tuple[str, float]]:
        return [(f"{number:g}", number) for number in sorted(grid)]


def log_slider(value: float, low: float, high: float, **options: Any) -> LogSlider:
    """Return a slider for learning rates: every arrow key multiplies by about 1.12.

    Args:
        value: where it starts; it need not be a round number.
        low, high: the range, both above 0 and reachable.
        **options: further options of the ipywidgets slider, such as `description`.
    """
    return LogSlider(float(value), float(low), float(high), **options)


def choice(value: Any, options: Sequence | dict[str, Any], **more: Any) -> widgets.Widget:
    """Return one of a few: buttons that all show for up to five, a menu for more.

    Args:
        value: the one chosen at the start.
        options: list of values, or dict of label -> value.
        **more: further options of the ipywidgets control.
    """
    if len(options) > 5:
        return widgets.Dropdown(options=options, value=value, **more)
    more = {"style": {"button_width": "auto"}} | more
    return widgets.ToggleButtons(options=options, value=value, **more)


def switch(value: bool, **options: Any) -> widgets.Checkbox:
    """Return a control that is on or off."""
    return widgets.Checkbox(value, **options)


COLUMN = 445  # pixels of one of two columns in JupyterLab, 1366 pixels wide, side bar open
# At most two columns: more would leave the sliders no room. One, where two are too narrow.
_COLUMNS = "repeat(auto-fit, minmax(min(100%, max(22em, 34%)), 1fr))"


def arranged(controls: Mapping[str, widgets.Widget]) -> widgets.GridBox:
    """Return the controls with their labels, side by side where the page is wide enough.

    Args:
        controls: name -> control; one without a description gets its name as its label.

    >>> arranged({"rate": slider(1, 0, 9)}).children[0].description
    'rate'
    """
    for name, control in controls.items():
        control.description = translated(control.description or name.replace("_", " "))
        _say_options(control)
    # Wide enough for the longest: the default cuts "learning rate" to "learning r..."
    label = 0.55 * max(len(control.description) for control in controls.values()) + 1
    for control in controls.values():
        control.style.description_width = f"{label:.1f}em"
        if "Slider" in type(control).__name__:
            control.layout.width = "auto"  # all of its column
        elif isinstance(control, widgets.ToggleButtons) and _width(control, label) > COLUMN:
            control.layout.grid_area = "auto / 1 / auto / -1"  # the page forgets grid_column
    return widgets.GridBox(
        list(controls.values()),
        layout={"grid_template_columns": _COLUMNS, "grid_gap": "0 1.5em"},
    )


def _say_options(control: widgets.Widget) -> None:
    """Put the labels of a choice into the language of LABKIT_LANG; its values stay."""
    if isinstance(control, LogSlider) or not hasattr(control, "_options_values"):
        return
    labels = [translated(label) for label in control._options_labels]
    if labels != list(control._options_labels):
        value = control.value
        control.options = list(zip(labels, control._options_values, strict=True))
        control.value = value


def _width(buttons: widgets.ToggleButtons, label: float) -> float:
    """Return about how many pixels these buttons and their label take in one line."""
    return 13 * label + sum(7 * len(text) + 24 for text in buttons._options_labels)


def read(control: widgets.Widget) -> Any:
    """Return the value of a control, without the binary tail that steps leave behind.

    >>> read(slider(0.1 + 0.2, 0.0, 1.0))
    0.3
    """
    value = control.value
    if isinstance(value, float) and not isinstance(control, LogSlider):
        value = float(f"{value:.12g}")
    return value


def bounds(control: widgets.Widget) -> tuple[float, float]:
    """Return the lowest and the highest value of a numeric control.

    >>> bounds(log_slider(0.1, 0.001, 1.0))
    (0.001, 1.0)
    """
    if isinstance(control, LogSlider):
        return control.low, control.high
    return control.min, control.max


def link_rule(control: widgets.Widget) -> state_link.Rule:
    """Return the rule of a control's values in a link; see `state_link`.

    >>> link_rule(slider(3, 0, 9))
    {'kind': 'number', 'low': 0, 'high': 9, 'whole': True}
    """
    if isinstance(control, widgets.Checkbox | widgets.ToggleButton):
        return state_link.flag()
    if isinstance(control, LogSlider):
        return state_link.number(control.low, control.high)
    if hasattr(control, "_options_values"):
        return state_link.choice(control._options_values)
    if _is_number(control):
        return state_link.number(*bounds(control), whole=isinstance(control.value, int))
    if isinstance(control.value, str):
        return state_link.text(_LONGEST_TEXT)
    return state_link.numbers(2, *bounds(control))  # of a range


def walk_values(control: widgets.Widget, count: int = 9) -> list:
    """Return values that cover a control: both ends and a neighbor, several between, all options.

    >>> walk_values(slider(3, 0, 4))
    [0, 1, 2, 3, 4]
    >>> walk_values(choice("a", ["a", "b"]))
    ['a', 'b']
    """
    if isinstance(control, widgets.Checkbox | widgets.ToggleButton):
        return [False, True]
    if hasattr(control, "_options_values"):
        values = list(control._options_values)
        if not isinstance(control, LogSlider):
            return values
    elif _is_number(control):
        values = _stops(control)
    else:
        return [read(control)]  # free text and ranges: only what the author set
    spots = np.linspace(0, len(values) - 1, min(count, len(values))).round().astype(int)
    return sorted({values[spot] for spot in spots} | {values[1], values[-2], read(control)})


def _is_number(control: widgets.Widget) -> bool:
    """Return whether it holds one number of a range (a range slider holds two)."""
    return hasattr(control, "max") and not isinstance(control.value, tuple)


def _stops(control: widgets.Widget) -> list[float]:
    """Return every value at which a slider can stand; its upper end even if no step lands there."""
    count = math.floor((control.max - control.min) / control.step + 1e-9)
    stops = [control.min + step * control.step for step in range(count + 1)]
    if isinstance(control.value, float):
        stops = [float(f"{stop:.12g}") for stop in stops]
    return stops if stops[-1] == control.max else [*stops, control.max]


def place(owner: str, name: str, control: widgets.Widget, value: Any) -> None:
    """Set a control, or say what it would take: ipywidgets itself clips silently.

    Args:
        owner: name of the explorer, for the message.
        name: name of the setting.

    Raises:
        ValueError: the control cannot show this value; the message says what it can.
    """
    value = value.item() if isinstance(value, np.generic) else value
    if hasattr(control, "_options_values") and not isinstance(control, LogSlider):
        if value not in control._options_values:
            allowed = ", ".join(map(str, control._options_values))
            raise ValueError(f"{owner}: {name} = {value!r} is not a choice; use one of: {allowed}")
    elif isinstance(control, LogSlider) or _is_number(control):
        low, high = bounds(control)
        whole = isinstance(control.value, int)  # ipywidgets would cut 2.5 to 2
        number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            kind = "whole number" if whole else "number"
            raise ValueError(f"{owner}: {name} = {value!r}; use a {kind} in [{low:g}, {high:g}]")
    try:
        if isinstance(control, LogSlider):
            control.include(value)
        control.value = value
    except Exception as error:  # traitlets names the trait, not the setting
        raise ValueError(
            f"{owner}: {name} = {value!r} does not fit its control: {error}"
        ) from error
