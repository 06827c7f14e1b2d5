"""The base of all explorers that compute in the kernel."""

from __future__ import annotations

import html
import itertools
import math
import random
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from labkit import machine
from labkit.explore import figures
from labkit.explore.kit import in_page, state_link
from labkit.explore.kit.controls import arranged, link_rule, place, read, walk_values
from labkit.explore.kit.copying import CopyButtons, as_call, as_command, as_parameters, literal
from labkit.explore.kit.picture import Picture
from labkit.explore.kit.still import still_bundle
from labkit.explore.kit.walking import ExplorerError, headless, sentence, walks
from labkit.lab.phrases import translated


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

    lesson: ClassVar[str] = ""
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    view_only: ClassVar[tuple[str, ...]] = ()
    rebuild_for: ClassVar[tuple[str, ...]] = ()
    size: ClassVar[tuple[float, float]] = (9.0, 3.6)
    dpi: ClassVar[int] = 100

    def make_controls(self) -> dict[str, widgets.Widget]:
        """Return controls by name; each has the name of the lesson's parameter, if there is one."""
        raise NotImplementedError

    @staticmethod
    def compute(**params: Any) -> Any:
        """Return the result for these settings: pure, no widgets, under 100 ms."""
        raise NotImplementedError

    def build(self, figure: Figure) -> dict[str, Any]:
        """Draw the static part on `figure`, fix all limits; return the moving artists by name."""
        raise NotImplementedError

    def paint(self, artists: dict[str, Any], result: Any, params: dict[str, Any]) -> None:
        """Move the artists: `set_data`, `set_text`, `set_visible`; create nothing."""
        raise NotImplementedError

    def caption(self, result: Any, params: dict[str, Any]) -> str:
        """Return one or two sentences: what is shown, also when something diverges."""
        raise NotImplementedError

    def __init__(self, **start: Any) -> None:
        self.controls = self.make_controls()
        self._set(start)
        self._pictures: dict[tuple, Picture] = {}
        self._silent = False  # True while several controls change at once
        self._view, self._status, self._copies = widgets.HTML(), widgets.HTML(), CopyButtons()
        self._status.add_class("labkit-status")
        super().__init__(children=[*self._rows(), self._view, self._status, self._copies])
        self.add_class("labkit-explorer")
        for control in self.controls.values():
            control.observe(self._update, "value")
        self._update()
        if walks():
            self.walk()

    @property
    def params(self) -> dict[str, Any]:
        """The settings, by name."""
        return {name: read(control) for name, control in self.controls.items()}

    @property
    def lesson_params(self) -> dict[str, Any]:
        """The settings that are parameters of the lesson."""
        return {name: v for name, v in self.params.items() if name not in self.view_only}

    def texts(self) -> dict[str, str]:
        """Return what the copy buttons copy: label -> text."""
        if not (self.lesson and self.lesson_params):
            return {"Copy as Python": as_call(type(self).__name__, self.params)}
        return {
            "Copy as parameters": as_parameters(self.lesson_params),
            "Copy as command": as_command(self.lesson, self.lesson_params),
        }

    def link_rules(self) -> state_link.Rules:
        """Return what a link to a page may set, and to which values: what the controls can show."""
        return {name: link_rule(control) for name, control in self.controls.items()}

    def follow(self, given: Mapping[str, str]) -> None:
        """Set the controls as a link does.

        Args:
            given: setting -> text, as `state_link.split_hash` finds them in an address.

        Raises:
            ValueError: there is no such setting, or its control cannot show this value; the
                message says what is allowed, and nothing is set.
        """
        self._jump(state_link.read_settings(given, self.link_rules(), self.params))

    def walk(self, samples: int = 24) -> int:
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

    def _set(self, params: dict[str, Any]) -> None:
        """Set several controls; unknown names and bad values are refused before any is set."""
        owner = type(self).__name__
        for name in params:
            if name not in self.controls:
                known = ", ".join(self.controls)
                raise TypeError(f"{owner} has no control {name!r}; it has: {known}")
        for name, value in params.items():
            place(owner, name, self.controls[name], value)

    def _rows(self) -> list[widgets.Widget]:
        """Return the controls, and a row of presets."""
        rows = [arranged(self.controls)]
        if self.presets:
            buttons = [self._preset(*item) for item in self.presets.items()]
            row = widgets.HBox([widgets.HTML(f"<b>{translated('Try:')}</b>"), *buttons])
            row.layout.flex_flow = "row wrap"
            row.add_class("labkit-presets")
            rows.append(row)
        return rows

    def _preset(self, label: str, params: dict[str, Any]) -> widgets.Button:
        names = {name: translated(name.replace("_", " ")) for name in params}
        told = ", ".join(f"{names[name]} {value}" for name, value in params.items())
        width = {"width": "auto"}
        button = widgets.Button(description=translated(label), tooltip=told, layout=width)
        button.on_click(lambda _: self._jump(params))
        return button

    def _jump(self, params: dict[str, Any]) -> None:
        """Change several controls and draw once."""
        self._silent = True
        try:
            self._set(params)
        finally:
            self._silent = False
        self._update()

    def _update(self, _change: object = None) -> None:
        """Compute, draw and show; a failure is said in the status line and raised."""
        if self._silent:
            return
        params = self.params
        try:
            self._render(params)
        except Exception as error:
            self._say(f"{self._at(params)}: {sentence(error)} The picture shows earlier settings.")
            raise
        self.png = figures.encode_png(self._pixels, level=1)
        self._view.value = self._html()
        self._say(self.text)
        self._copies.texts = self.texts()

    def _html(self) -> str:
        height, width = self._pixels.shape[:2]
        data = self._picture(self.params).data
        return figures.image(self.png, self.text, (width, height), data)

    def _say(self, text: str) -> None:
        self._status.value = html.escape(translated(text))

    def _render(self, params: dict[str, Any]) -> None:
        """Compute and draw, without encoding or sending anything."""
        picture = self._picture(params)
        self.result = self.compute(**params)
        self.paint(picture.moving, self.result, params)
        self._pixels = picture.draw()
        self.text = _checked(self.caption(self.result, params))

    def _picture(self, params: dict[str, Any]) -> Picture:
        key = tuple(params[name] for name in self.rebuild_for)
        if key not in self._pictures:
            self._pictures[key] = Picture(self.build, self.size, self.dpi)
        return self._pictures[key]

    def _changes(self, samples: int) -> Iterator[dict[str, Any]]:
        """Yield settings for a walk: each control alone, corners if few, a seeded sample."""
        values = {name: walk_values(control) for name, control in self.controls.items()}
        for name, some in values.items():
            yield from ({name: value} for value in some)
        ends = [some if len(some) <= 5 else (some[0], some[-1]) for some in values.values()]
        if math.prod(map(len, ends)) <= 64:
            for corner in itertools.product(*ends):
                yield dict(zip(values, corner, strict=True))
        rng = random.Random(0)
        for _ in range(samples):
            yield {name: rng.choice(some) for name, some in values.items()}

    def _drawn(self, params: dict[str, Any]) -> np.ndarray:
        """Return pixels at these settings, set through the real controls; strict about warnings."""
        self._silent = True
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)  # overflow, division by zero
                warnings.simplefilter("error", UserWarning)  # matplotlib: missing glyphs, limits
                self._set(params)
                self._render(self.params)
                self.texts()
        except Exception as error:
            raise ExplorerError(f"{self._at(params)}: {sentence(error)}") from error
        finally:
            self._silent = False
        return self._pixels.copy()

    def _press_buttons(self) -> None:
        """Call what every button calls: ipywidgets itself would swallow an error in it."""
        for button in _buttons(self):
            for callback in button._click_handlers.callbacks:
                try:
                    callback(button)
                except Exception as error:
                    where = f"{type(self).__name__}, button {button.description!r}"
                    raise ExplorerError(f"{where}: {sentence(error)}") from error

    def _at(self, params: dict[str, Any]) -> str:
        settings = ", ".join(f"{name}={literal(value)}" for name, value in params.items())
        return f"{type(self).__name__} at {settings}"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """Return the live widget, and a picture for viewers without a kernel."""
        if machine.in_page():
            return in_page.bundle(self)
        live = super()._repr_mimebundle_(**options) or {}
        small = figures.small_png(self._pixels)
        data = self._picture(self.params).data
        shown = (type(self).__name__, self.params, data)
        still = still_bundle(small, self.text, self._pixels.shape[1], *shown, note=headless())
        # A widget without its kernel shows an error in JupyterLab: leave it out of executed copies.
        return still if headless() else live | still


def _checked(text: str) -> str:
    """Return the caption, if it says something in words."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"`caption` must return one or two sentences, not {text!r}.")
    if re.search(r"\b(nan|inf)\b", text, re.IGNORECASE):
        raise ValueError(f"the caption shows nan or inf: {text!r}; say in words what happened.")
    return text


def _buttons(widget: widgets.Widget) -> Iterator[widgets.Button]:
    """Yield all ipywidgets buttons inside a widget."""
    if isinstance(widget, widgets.Button):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from _buttons(child)
