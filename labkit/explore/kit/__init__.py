"""The explorer kit: controls -> a pure `compute` -> moving artists of a matplotlib figure.

The figure is drawn off-screen. Its static part is drawn once; a change redraws only the moving
artists and sends one picture, so no other JavaScript than ipywidgets' own is needed, and the
reader of an explorer meets ordinary matplotlib. See `labkit/explore/start.py` for a short one.
"""

import html
import itertools
import json
import math
import os
import random
import re
import shlex
import warnings
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from labkit.explore import figures

# A widget that shows HTML runs no <script>, but an image in it may say what to do once loaded.
_PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


class ExplorerError(RuntimeError):
    """An explorer fails, or breaks the kit's rules, at settings a learner can reach."""


def headless():
    """Whether no one is there to turn the controls: a run of `labkit run` or of the tests."""
    return os.environ.get("LABKIT_HEADLESS") == "1"


def walks():
    """Whether an explorer walks through its settings when it is shown; in a sweep it does not."""
    return headless() and os.environ.get("LABKIT_WALK") != "0"


# ---- settings as text ------------------------------------------------------------------------


def as_parameters(params):
    """The settings as lines of a parameters cell.

    >>> print(as_parameters({"learning_rate": 0.1, "optimizer": "sgd"}))
    learning_rate = 0.1
    optimizer = "sgd"
    """
    return "\n".join(f"{name} = {_literal(value)}" for name, value in params.items())


def as_command(lesson, params):
    """The command that runs `lesson` with these settings, quoted for a shell.

    >>> as_command("01", {"learning_rate": 0.1, "surface": "a bowl"})
    "labkit run 01 -p learning_rate=0.1 -p 'surface=a bowl'"
    """
    pairs = (f"{name}={_plain(value)}" for name, value in params.items())
    return " ".join(["labkit", "run", lesson, *(f"-p {shlex.quote(pair)}" for pair in pairs)])


def as_call(name, params):
    """The call that builds an explorer with these settings.

    >>> as_call("StartExplorer", {"steps": 20})
    'StartExplorer(steps=20)'
    """
    return f"{name}({', '.join(f'{key}={_literal(value)}' for key, value in params.items())})"


def _literal(value):
    """Python source of a setting; text in double quotes, NumPy numbers as plain ones."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return repr(value)


def _plain(value):
    return value if isinstance(value, str) else _literal(value)


# ---- controls --------------------------------------------------------------------------------


def slider(value, low, high, step=None, **options):
    """A slider for whole numbers if `value`, `low` and `high` are, else for real ones.

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

    def __init__(self, value, low, high, **options):
        self.low, self.high = low, high
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        grid = [float(f"{mantissa}e{power}") for power in powers for mantissa in _MANTISSAS]
        grid = {number for number in grid if low < number < high} | {low, high, value}
        super().__init__(options=self._labels(grid), value=value, **options)

    def include(self, value):
        """Make room for a number of the range that is not on the grid."""
        if value not in self._options_values:
            self.options = self._labels({*self._options_values, value})

    @staticmethod
    def _labels(grid):
        return [(f"{number:g}", number) for number in sorted(grid)]


def log_slider(value, low, high, **options):
    """A slider for learning rates: every arrow key multiplies by about 1.12.

    Args:
        value: where it starts; it need not be a round number.
        low, high: the range, both above 0 and reachable.
        **options: further options of the ipywidgets slider, such as `description`.
    """
    return LogSlider(float(value), float(low), float(high), **options)


def choice(value, options, **more):
    """One of a few: buttons that all show for up to five, a menu for more.

    Args:
        value: the one chosen at the start.
        options: list of values, or dict of label -> value.
        **more: further options of the ipywidgets control.
    """
    kind = widgets.ToggleButtons if len(options) <= 5 else widgets.Dropdown
    if kind is widgets.ToggleButtons:
        more = {"style": {"button_width": "auto"}} | more
    return kind(options=options, value=value, **more)


def switch(value, **options):
    """On or off."""
    return widgets.Checkbox(value, **options)


def read(control):
    """The value of a control, without the binary tail that steps leave behind.

    >>> read(slider(0.1 + 0.2, 0.0, 1.0))
    0.3
    """
    value = control.value
    if isinstance(value, float) and not isinstance(control, LogSlider):
        value = float(f"{value:.12g}")
    return value


def bounds(control):
    """Lowest and highest value of a numeric control.

    >>> bounds(log_slider(0.1, 0.001, 1.0))
    (0.001, 1.0)
    """
    if isinstance(control, LogSlider):
        return control.low, control.high
    return control.min, control.max


def walk_values(control, count=9):
    """Values that cover a control: both ends and a neighbor, several between, all options.

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


def _is_number(control):
    """Whether it holds one number of a range (a range slider holds two)."""
    return hasattr(control, "max") and not isinstance(control.value, tuple)


def _stops(control):
    """Every value at which a slider can stand; its upper end even if no step lands there."""
    count = math.floor((control.max - control.min) / control.step + 1e-9)
    stops = [control.min + step * control.step for step in range(count + 1)]
    if isinstance(control.value, float):
        stops = [float(f"{stop:.12g}") for stop in stops]
    return stops if stops[-1] == control.max else [*stops, control.max]


def _place(owner, name, control, value):
    """Set a control, or say what it would take: ipywidgets itself clips silently."""
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


# ---- the picture -----------------------------------------------------------------------------


class Picture:
    """A figure drawn once, of which only the moving artists are drawn again.

    Axis limits must not change while artists move: the axes belong to the static part.
    """

    def __init__(self, build, size, dpi):
        import matplotlib.style
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        # Off-screen: pyplot never hears of this figure, so there is nothing to close.
        with matplotlib.style.context(figures.STYLE):
            self.figure = Figure(figsize=size, dpi=dpi)
            self.canvas = FigureCanvasAgg(self.figure)
            self.moving = build(self.figure)
            self._artists = sorted(_flat(self.moving.values()), key=lambda each: each.zorder)
            for artist in self._artists:
                artist.set_animated(True)  # left out by canvas.draw()
            self.canvas.draw()
        self._static = self.canvas.copy_from_bbox(self.figure.bbox)

    def draw(self):
        """Pixels, array (height, width, 4), of the static part with the moving artists on top."""
        self.canvas.restore_region(self._static)
        for artist in self._artists:
            self.figure.draw_artist(artist)
        return np.asarray(self.canvas.buffer_rgba())


def _flat(artists):
    """Artists of a nested list, such as the bars that `ax.bar` returns."""
    for each in artists:
        if isinstance(each, list | tuple):
            yield from _flat(each)
        else:
            yield each


# ---- the explorer ----------------------------------------------------------------------------


class Explorer(widgets.VBox):
    """Base of all explorers; a subclass says what to turn, what to compute and what to draw.

    Override `make_controls`, `compute`, `build`, `paint` and `caption` (not `__init__`).

    Class attributes:
        lesson: number of the lesson, for "Copy as command".
        presets: label of a button -> the settings it makes, for instance {"diverges": {"rate": 3}}.
        view_only: names of controls that are no parameter of the lesson.
        rebuild_for: names of controls after which the static part is drawn anew (a new surface,
            another image); `build` may read `self.params`.
        size: width and height of the figure in inches, at `dpi` pixels each.
    """

    lesson = ""
    presets = {}
    view_only = ()
    rebuild_for = ()
    size = (9.0, 3.6)
    dpi = 100

    def make_controls(self):
        """Controls by name; each name is the lesson's parameter name where there is one."""
        raise NotImplementedError

    @staticmethod
    def compute(**params):
        """The result for these settings: pure, no widgets, under 100 ms."""
        raise NotImplementedError

    def build(self, figure):
        """Draw the static part on `figure`, fix all limits; return the moving artists by name."""
        raise NotImplementedError

    def paint(self, artists, result, params):
        """Move the artists: `set_data`, `set_text`, `set_visible`; create nothing."""
        raise NotImplementedError

    def caption(self, result, params):
        """One or two sentences: what is shown, in words also when something diverges."""
        raise NotImplementedError

    def __init__(self, **start):
        self.controls = self.make_controls()
        self._set(start)
        self._pictures = {}
        self._silent = False  # True while several controls change at once
        self._view, self._status, self._texts = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._status.add_class("labkit-status")
        self._texts.add_class("labkit-texts")
        super().__init__(children=[*self._rows(), self._view, self._status, self._texts, _script()])
        self.add_class("labkit-explorer")
        for control in self.controls.values():
            control.observe(self._update, "value")
        self._update()
        if walks():
            self.walk()

    @property
    def params(self):
        """The settings, by name."""
        return {name: read(control) for name, control in self.controls.items()}

    @property
    def lesson_params(self):
        """The settings that are parameters of the lesson."""
        return {name: v for name, v in self.params.items() if name not in self.view_only}

    def texts(self):
        """What the copy buttons copy: label -> text."""
        if not (self.lesson and self.lesson_params):
            return {"Copy as Python": as_call(type(self).__name__, self.params)}
        return {
            "Copy as parameters": as_parameters(self.lesson_params),
            "Copy as command": as_command(self.lesson, self.lesson_params),
        }

    def walk(self, samples=24):
        """Turn every control over its whole range, press every button; raise where one fails.

        One control at a time, then all corner combinations when they are few, then `samples`
        combinations drawn with a fixed seed. Returns how many settings were tried.

        Raises:
            ExplorerError: names the settings at which something failed, warned, gave a caption
                without words or with nan, left traces in the picture, or is not reproducible.
        """
        start = self.params
        before = self._drawn(start)
        if not np.array_equal(before, self._drawn(start)):
            raise ExplorerError(f"{self._at(start)}: the same settings give two different pictures")
        settings = [start | change for change in self._changes(samples)]
        for params in settings:
            self._drawn(params)
        self._press_buttons()
        if not np.array_equal(before, self._drawn(start)):
            raise ExplorerError(
                f"{self._at(start)}: the picture differs after a walk through all settings; "
                "`paint` must set every moving artist every time"
            )
        self._update()  # the page shows the settings that the controls have
        return len(settings)

    # ---- inside

    def _set(self, params):
        """Set several controls; unknown names and bad values are refused before any is set."""
        owner = type(self).__name__
        for name in params:
            if name not in self.controls:
                known = ", ".join(self.controls)
                raise TypeError(f"{owner} has no control {name!r}; it has: {known}")
        for name, value in params.items():
            _place(owner, name, self.controls[name], value)

    def _rows(self):
        """Controls with their labels, and a row of presets."""
        for name, control in self.controls.items():
            control.description = control.description or name.replace("_", " ")
        # Wide enough for the longest: the default cuts "learning rate" to "learning r..."
        longest = max(len(control.description) for control in self.controls.values())
        for control in self.controls.values():
            control.style.description_width = f"{0.55 * longest + 1:.1f}em"
            if "Slider" in type(control).__name__:
                control.layout.width = "min(36em, 98%)"
        rows = list(self.controls.values())
        if self.presets:
            rows.append(widgets.HBox([self._preset(*item) for item in self.presets.items()]))
        return rows

    def _preset(self, label, params):
        button = widgets.Button(description=label, layout={"width": "auto"})
        button.on_click(lambda _: self._jump(params))
        return button

    def _jump(self, params):
        """Change several controls and draw once."""
        self._silent = True
        try:
            self._set(params)
        finally:
            self._silent = False
        self._update()

    def _update(self, _change=None):
        """Compute, draw and show; a failure is said in the status line and raised."""
        if self._silent:
            return
        params = self.params
        try:
            self._render(params)
        except Exception as error:
            self._say(f"{self._at(params)}: {_sentence(error)} The picture shows earlier settings.")
            raise
        self.png = figures.encode_png(self._pixels, level=1)
        height, width = self._pixels.shape[:2]
        alt = html.escape(self.text)
        # The width and height keep the page from jumping while a new picture is decoded.
        self._view.value = (
            f'<img alt="{alt}" width="{width}" height="{height}" decoding="sync" '
            f'style="display:block;max-width:100%;height:auto;background:white;border-radius:3px" '
            f'src="{figures.data_address(self.png)}">'
        )
        self._say(self.text)
        self._texts.value = _copy_html(self.texts())

    def _say(self, text):
        self._status.value = html.escape(text)

    def _render(self, params):
        """Compute and draw, without encoding or sending anything."""
        picture = self._picture(params)
        self.result = self.compute(**params)
        self.paint(picture.moving, self.result, params)
        self._pixels = picture.draw()
        self.text = _checked(self.caption(self.result, params))

    def _picture(self, params):
        key = tuple(params[name] for name in self.rebuild_for)
        if key not in self._pictures:
            self._pictures[key] = Picture(self.build, self.size, self.dpi)
        return self._pictures[key]

    def _changes(self, samples):
        """Settings for a walk: each control alone, corners if few, a seeded sample."""
        values = {name: walk_values(control) for name, control in self.controls.items()}
        for name, some in values.items():
            yield from ({name: value} for value in some)
        ends = [some if len(some) <= 5 else (some[0], some[-1]) for some in values.values()]
        if math.prod(map(len, ends)) <= 64:
            yield from (
                dict(zip(values, corner, strict=True)) for corner in itertools.product(*ends)
            )
        rng = random.Random(0)
        for _ in range(samples):
            yield {name: rng.choice(some) for name, some in values.items()}

    def _drawn(self, params):
        """Pixels at these settings, set through the real controls; strict about warnings."""
        self._silent = True
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)  # overflow, division by zero
                warnings.simplefilter("error", UserWarning)  # matplotlib: missing glyphs, limits
                self._set(params)
                self._render(self.params)
                self.texts()
        except Exception as error:
            raise ExplorerError(f"{self._at(params)}: {_sentence(error)}") from error
        finally:
            self._silent = False
        return self._pixels.copy()

    def _press_buttons(self):
        """Call what every button calls: ipywidgets itself would swallow an error in it."""
        for button in _buttons(self):
            for callback in button._click_handlers.callbacks:
                try:
                    callback(button)
                except Exception as error:
                    where = f"{type(self).__name__}, button {button.description!r}"
                    raise ExplorerError(f"{where}: {_sentence(error)}") from error

    def _at(self, params):
        settings = ", ".join(f"{name}={_literal(value)}" for name, value in params.items())
        return f"{type(self).__name__} at {settings}"

    def _repr_mimebundle_(self, **options):
        """The live widget, and a picture for viewers without a kernel."""
        live = super()._repr_mimebundle_(**options) or {}
        small = figures.small_png(self._pixels)
        still = figures.bundle(small, self.text, width=self._pixels.shape[1])
        # A widget without its kernel shows an error in JupyterLab: leave it out of executed copies.
        return still if headless() else live | still


def _script():
    """A hidden child that runs kit.js in the page once."""
    code = html.escape((Path(__file__).with_name("kit.js")).read_text(encoding="utf-8"))
    host = widgets.HTML(f'<img alt="" src="{_PIXEL}" onload="{code}(this)">')
    host.layout.display = "none"
    return host


def _copy_html(texts):
    """Buttons that copy each text, and the texts to select by hand."""
    buttons = "".join(
        '<button type="button" class="jupyter-button widget-button labkit-copy" '
        f'style="width:auto;margin-right:4px" data-text="{html.escape(text)}">{label}</button>'
        for label, text in texts.items()
    )
    blocks = "".join(
        f'<pre style="user-select:text;margin:0.4em 0">{html.escape(text)}</pre>'
        for text in texts.values()
    )
    return (
        f'{buttons}<span class="labkit-copied" aria-live="polite" style="margin-left:0.6em"></span>'
        f"<details><summary>These settings as text</summary>{blocks}</details>"
    )


def _checked(text):
    """The caption, if it says something in words."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"`caption` must return one or two sentences, not {text!r}.")
    if re.search(r"\b(nan|inf)\b", text, re.IGNORECASE):
        raise ValueError(f"the caption shows nan or inf: {text!r}; say in words what happened.")
    return text


def _sentence(error):
    return f"{type(error).__name__}: {str(error).rstrip('.')}."


def _buttons(widget):
    """All ipywidgets buttons inside a widget."""
    if isinstance(widget, widgets.Button):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from _buttons(child)
