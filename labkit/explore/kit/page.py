"""The base of all explorers that compute in the page: they follow the pointer, without a kernel.

Maths, words and picture of such an explorer exist twice. JavaScript moves what the learner turns,
also in an HTML page; Python computes the same for the lesson, for tests, and for the picture in an
executed copy. Twin tests hold the two together.
"""

from __future__ import annotations

import base64
import html
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import anywidget
import numpy as np
import traitlets

from labkit import machine
from labkit.explore import figures
from labkit.explore.kit import in_page, state_link
from labkit.explore.kit.copying import as_call, as_command, as_parameters
from labkit.explore.kit.walking import ExplorerError, headless, sentence, walks
from labkit.lab.phrases import page_phrases, translated

_walked: set[type] = set()  # explorers whose settings this process has tried


class PageExplorer(anywidget.AnyWidget):
    """Base of explorers whose JavaScript computes; a subclass says the same in Python.

    A subclass declares a traitlet for each of its parameters, sets `_esm` to a joined script that
    exports `render` and `revive`, and overrides `text`, `pixels`, and, to be tried in headless
    runs, `grid` and `attempt`.

    Class attributes:
        parameters: names of the settings, as the lesson's parameters.
        allowed: parameter -> (lowest, highest), or the list of its choices.
        hideable: names of controls that `hide` may leave out.
        linked: further traitlets, with a range in `allowed`, that a link to a page sets.
        sent: further traitlets that a page without a kernel needs.
        page_width: the most CSS pixels that it takes of a page.
    """

    parameters: ClassVar[tuple[str, ...]] = ()
    allowed: ClassVar[Mapping[str, Sequence]] = {}
    hideable: ClassVar[tuple[str, ...]] = ()
    linked: ClassVar[tuple[str, ...]] = ()
    sent: ClassVar[tuple[str, ...]] = ("lesson",)
    page_width: ClassVar[int] = 1080

    lesson = traitlets.Unicode().tag(sync=True)
    hide = traitlets.List(traitlets.Unicode()).tag(sync=True)
    phrases = traitlets.List().tag(sync=True)  # what its page says, in the learner's language

    @traitlets.default("phrases")
    def _phrases(self):
        return page_phrases(self._esm)

    @property
    def params(self) -> dict[str, Any]:
        """All settings, by name."""
        return {name: getattr(self, name) for name in self.parameters}

    @property
    def lesson_params(self) -> dict[str, Any]:
        """The settings as parameters of the lesson."""
        return self.params

    @property
    def text(self) -> str:
        """What is shown and what happened, in words."""
        raise NotImplementedError

    def pixels(self) -> np.ndarray:
        """Return the picture of these settings, array (height, width, 4)."""
        raise NotImplementedError

    @property
    def png(self) -> bytes:
        """The picture of these settings, a PNG file."""
        return figures.small_png(self.pixels())

    def texts(self) -> dict[str, str]:
        """Return what the copy buttons copy: label -> text."""
        return {
            "Copy as parameters": as_parameters(self.lesson_params),
            "Copy as command": as_command(self.lesson, self.lesson_params),
        }

    # ---- trying itself

    def grid(self) -> Iterable[dict[str, Any]]:
        """Yield settings that cover the controls, for headless runs and tests."""
        return ()

    def attempt(self, params: dict[str, Any], drawn: bool) -> None:
        """Compute at these settings and draw if `drawn`; raise where something is wrong."""
        raise NotImplementedError

    def draws(self, number: int, params: dict[str, Any]) -> bool:
        """Return whether to draw setting `number` of the grid: drawing costs most."""
        return number % 50 == 0

    def walk(self) -> int:
        """Compute at these settings and all of the grid, draw some; return how many were tried.

        Raises:
            ExplorerError: names the settings at which something failed.
        """
        self._try(self.params, drawn=True)
        grid = list(self.grid())
        for number, params in enumerate(grid):
            self._try(params, self.draws(number, params))
        return len(grid) + 1

    def _try(self, params: dict[str, Any], drawn: bool) -> None:
        try:
            self.attempt(params, drawn)
        except Exception as error:
            call = as_call(type(self).__name__, params)
            raise ExplorerError(f"{call}: {sentence(error)}") from error

    def _try_once(self) -> None:
        """Try these settings; the grid too, once for all explorers of the class."""
        if walks() and type(self) not in _walked:
            self.walk()
            _walked.add(type(self))
        else:
            self._try(self.params, drawn=False)  # it is drawn where it is shown

    # ---- checking settings

    def _check_names(self, settings: Iterable[str], *more: str) -> None:
        """Raise a TypeError for a setting that does not exist; `more` are names beside the own."""
        known = (*self.parameters, *more)
        if unknown := sorted(set(settings) - set(known)):
            name = type(self).__name__
            raise TypeError(f"{name} has no setting {unknown[0]!r}; it has: {', '.join(known)}")

    def _check(self, name: str, value: Any) -> Any:
        """Return the value of a parameter, if the control can show it."""
        whole = isinstance(getattr(type(self), name), traitlets.Int)
        return check_setting(name, value, self.allowed[name], whole)

    @traitlets.validate("hide")
    def _validate_hide(self, proposal: Mapping[str, Any]) -> list[str]:
        for name in proposal["value"]:
            if name not in self.hideable:
                allowed = ", ".join(self.hideable)
                raise ValueError(f"hide = {name!r} is no control; use some of: {allowed}")
        return list(proposal["value"])

    # ---- the forms it takes

    def state(self) -> dict[str, Any]:
        """Return what a page without a kernel needs to know."""
        names = (*self.parameters, "hide", *self.sent, *(["phrases"] if self.phrases else []))
        return {name: getattr(self, name) for name in names}

    def for_page(self) -> dict[str, str]:
        """Return the forms for a page with Python of its own: it moves there, so none is drawn."""
        state = {**self.state(), "link": self.link_rules()}
        joined = state | {"kernel": in_page.join(self, state)}
        words = f"<figcaption>{html.escape(self.text)}</figcaption>"
        live = alive(words, self._esm, joined, self.page_width)
        return {"text/html": live, "text/plain": self.text}

    def link_rules(self) -> state_link.Rules:
        """Return what a link to a page may set, and to which values; see `state_link`.

        Settings with a range or choices in `allowed`, ticks, and `hide`; a subclass adds others.
        """
        known = (*self.parameters, *self.linked)
        rules = {name: self._link_rule(name) for name in known}
        if self.hideable:
            rules["hide"] = state_link.names(self.hideable)
        return {name: rule for name, rule in rules.items() if rule}

    def _link_rule(self, name: str) -> state_link.Rule | None:
        trait = getattr(type(self), name)
        if isinstance(trait, traitlets.Bool):
            return state_link.flag()
        if name not in self.allowed:
            return None
        if any(isinstance(each, str) for each in self.allowed[name]):
            return state_link.choice(self.allowed[name])
        return state_link.number(*self.allowed[name], whole=isinstance(trait, traitlets.Int))

    def html(self, png: bytes | None = None) -> str:
        """Return the explorer as HTML that computes in the page: no kernel, nothing to load.

        Where scripts are not run (an untrusted notebook) the picture and its caption show.

        Args:
            png: the picture of these settings, where it has been drawn.
        """
        state = {**self.state(), "link": self.link_rules()}
        return living(png or self.png, self.text, self._esm, state, self.page_width)

    def flat(self, png: bytes | None = None) -> dict[str, str]:
        """Return the forms that need neither kernel nor script: a picture, plain text.

        Args:
            png: the picture of these settings, where it has been drawn.
        """
        told = translated(self.text)
        return {"image/png": base64.b64encode(png or self.png).decode(), "text/plain": told}

    def still(self) -> dict[str, str]:
        """Return the forms that need no kernel: a page that computes, and the flat ones."""
        png = self.png  # drawing costs most
        return {"text/html": self.html(png), **self.flat(png)}

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the live widget, and the forms that need no kernel."""
        if machine.in_page():
            return self.for_page(), {}
        if headless():
            self._try_once()
        live, metadata = super()._repr_mimebundle_(**options)
        # A widget without its kernel shows an error in JupyterLab: leave it out of executed copies.
        forms = self.still() if headless() else live | self.still()
        return forms, {**metadata, "image/png": {"alt": translated(self.text)}}


def check_setting(name: str, value: Any, allowed: Sequence, whole: bool = False) -> Any:
    """Return a setting as a plain value, if it is allowed.

    Args:
        name: for the message.
        allowed: choices, or a pair (lowest, highest) of numbers.
        whole: whether only whole numbers will do.

    Raises:
        ValueError: it is not allowed; the message says what is.

    >>> check_setting("steps", 20.0, (0, 500), whole=True)
    20
    """
    if any(isinstance(each, str) for each in allowed):
        if value not in allowed:
            raise ValueError(f"{name} = {value!r} is not known; use one of: {', '.join(allowed)}")
        return value
    low, high = allowed
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise ValueError(f"{name} = {value!r}; use a number in [{low:g}, {high:.10g}]")
    if whole and value != int(value):
        raise ValueError(f"{name} = {value!r}; use a whole number")
    return int(value) if whole else float(value)


def living(png: bytes, caption: str, code: str, state: Mapping[str, Any], width: int) -> str:
    """Return a captioned picture that a script brings to life: no kernel, nothing to load.

    Args:
        png: the picture; where scripts are not run (an untrusted notebook) it stays.
        caption: its words.
        code: JavaScript that exports `revive(figure, state)`.
        state: what the script needs to know, plain data.
        width: the most CSS pixels that it takes.
    """
    words = html.escape(translated(caption))
    picture = figures.image(png, caption)
    inside = f'{picture}<figcaption style="margin-top:0.4em">{words}</figcaption>'
    return alive(inside, code, state, width)


def alive(inside: str, code: str, state: Mapping[str, Any], width: int) -> str:
    """Return a figure of any HTML that a script brings to life; arguments as in `living`."""
    name = f"labkit-{uuid.uuid4().hex[:8]}"
    data = json.dumps(state).replace("<", "\\u003c")  # neither </script> nor <!-- can arise
    return (
        f'<figure class="{name}" style="margin:0.5em 0;max-width:{width}px">{inside}</figure>\n'
        f'<script type="module">\n{code}\n'
        f'document.querySelectorAll(".{name}").forEach((figure) => revive(figure, {data}));\n'
        "</script>"
    )
