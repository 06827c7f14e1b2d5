"""The explorer: a widget whose JavaScript (js/descent) computes, and the same in Python."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import traitlets

from labkit.explore.descent import picture, words
from labkit.explore.descent.surfaces import describe_surface
from labkit.explore.kit import state_link
from labkit.explore.kit.page import PageExplorer, check_setting
from labkit.explore.kit.script import script
from labkit.maths.descent import OPTIMIZERS, SURFACES

RANGES = {"learning_rate": (0.0001, 3.0), "steps": (0, 500), "momentum": (0.0, 0.99)}
PARAMETERS = ("surface", "optimizer", "learning_rate", "steps", "momentum", "start_x", "start_y")
START = PARAMETERS[5:]
GRID_STEPS = (0, 1, 60)


class DescentExplorer(PageExplorer):
    """Surface x optimizer x learning rate x steps, with the path and the loss.

    Args:
        surface, optimizer, learning_rate, steps, momentum: as the lesson's parameters.
        start_x, start_y: where the walk starts; the surface's own start when None.
        hide: controls to leave out, names in `hideable`; "limit" is the mark of the largest
            stable rate, for readers who are to find it themselves.
        kept: runs to compare with, a list of dicts of settings (what is left out is as now).

    Attributes:
        params: all settings. result: the run computed in Python, as `explain` returns it.
        text: what happened, in words. png: the picture.

    >>> DescentExplorer(surface="article", learning_rate=0.1, steps=20).result["verdict"]
    'converges'
    """

    parameters = PARAMETERS
    allowed = {"surface": tuple(SURFACES), "optimizer": tuple(OPTIMIZERS), **RANGES}
    hideable = (*PARAMETERS[:5], "start", "limit", "presets", "stepping", "keep", "copy")
    sent = ("lesson", "kept", "catalog")

    lesson = traitlets.Unicode("01").tag(sync=True)
    surface = traitlets.Unicode("ravine").tag(sync=True)
    optimizer = traitlets.Unicode("sgd").tag(sync=True)
    learning_rate = traitlets.Float(0.1).tag(sync=True)
    steps = traitlets.Int(50).tag(sync=True)
    momentum = traitlets.Float(0.9).tag(sync=True)
    start_x = traitlets.Float(0.0).tag(sync=True)
    start_y = traitlets.Float(0.0).tag(sync=True)
    kept = traitlets.List(traitlets.Dict()).tag(sync=True)
    catalog = traitlets.Dict().tag(sync=True)

    _esm = script("descent/explorer")

    def __init__(self, **settings: Any) -> None:
        self._check_names(settings, "hide", "kept")
        more = {name: settings.pop(name) for name in ("hide", "kept") if name in settings}
        defaults = {name: getattr(type(self), name).default_value for name in PARAMETERS}
        super().__init__(catalog=_catalog(), **self._complete(settings, defaults), **more)
        self._was = self.params
        self.observe(self._follow_surface, PARAMETERS)

    def _follow_surface(self, _change: object) -> None:
        """Take the start of a new surface, unless the start was set with it."""
        now, was = self.params, self._was
        self._was = now
        moved = any(now[name] != was[name] for name in START)
        if now["surface"] != was["surface"] and not moved:
            self.start_x, self.start_y = SURFACES[now["surface"]].start

    @traitlets.validate(*PARAMETERS[:5])
    def _validate(self, proposal: Mapping[str, Any]) -> Any:
        return self._check(proposal["trait"].name, proposal["value"])

    @traitlets.validate(*START)
    def _validate_start(self, proposal: Mapping[str, Any]) -> float:
        return _check_start(self.surface, proposal["trait"].name, proposal["value"])

    @traitlets.validate("kept")
    def _validate_kept(self, proposal: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [self._complete(run, self.params) for run in proposal["value"]]

    def _complete(self, settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Return all parameters: those given, checked; the surface's start where none is given."""
        given = {name: value for name, value in settings.items() if value is not None}
        merged = defaults | given
        params = {name: self._check(name, merged[name]) for name in PARAMETERS[:5]}
        for axis, name in enumerate(START):
            value = given.get(name, SURFACES[params["surface"]].start[axis])
            params[name] = _check_start(params["surface"], name, value)
        return params

    @property
    def lesson_params(self) -> dict[str, Any]:
        """The settings as parameters of the lesson: the start only where it was moved."""
        at_start = (self.start_x, self.start_y) == SURFACES[self.surface].start
        return {n: v for n, v in self.params.items() if not (at_start and n in START)}

    @property
    def result(self) -> dict[str, Any]:
        """The run, computed by labkit.maths.descent."""
        return words.explain(self.params, theory="limit" not in self.hide)

    @property
    def text(self) -> str:
        """What is shown and what happened, in words."""
        return self.result["text"]

    def link_rules(self) -> state_link.Rules:
        """Return what a link to a page may set: the start inside its surface, and kept runs."""
        rules = dict(super().link_rules())
        hide = rules.pop("hide")
        for axis, name in enumerate(START):
            bounds = {each.name: each.bounds[axis] for each in SURFACES.values()}
            rules[name] = state_link.number_by("surface", bounds)
        return {**rules, "kept": state_link.records(rules), "hide": hide}

    def pixels(self) -> np.ndarray:
        """Return the picture of these settings, array (height, width, 4)."""
        return picture.draw(self.params, self.kept)

    def grid(self) -> Iterator[dict[str, Any]]:
        """Yield settings that cover the controls, ends and middles, and all presets."""
        yield from _grid()
        for name in SURFACES:
            for preset in describe_surface(name)["presets"]:
                yield {"surface": name, "momentum": 0.9, **preset["params"]}

    def draws(self, number: int, params: Mapping[str, Any]) -> bool:
        """Return whether to draw this one: some runs, on one figure a surface."""
        return params["steps"] == GRID_STEPS[-1] and number % 20 == 0

    def attempt(self, params: Mapping[str, Any], drawn: bool) -> None:
        """Compute at these settings and draw if `drawn`; raise where something is wrong."""
        with np.errstate(all="raise"):
            run = words.explain(params)
        if not np.isfinite(run["path"]).all() or "nan" in run["text"]:
            raise ValueError("the run holds a value that is no number")
        if drawn:
            picture.draw(params, [params])


@functools.cache
def _catalog() -> dict[str, Any]:
    return {
        "surfaces": {name: describe_surface(name) for name in SURFACES},
        "optimizers": list(OPTIMIZERS),
        "ranges": {name: list(ends) for name, ends in RANGES.items()},
    }


def _check_start(surface: str, name: str, value: Any) -> float:
    bounds = SURFACES[surface].bounds[START.index(name)]
    return check_setting(f"{name} on the {surface} surface", value, bounds)


def _grid() -> Iterator[dict[str, Any]]:
    """Yield every surface and optimizer with ends and middles, then the corners of each surface."""
    rates, momenta = (0.0001, 0.01, 0.1, 0.5, 3.0), (0.0, 0.9, 0.99)
    for surface, optimizer in itertools.product(SURFACES.values(), OPTIMIZERS):
        uses_momentum = optimizer in ("momentum", "nesterov")
        start = dict(zip(START, surface.start, strict=True))
        settings = {"surface": surface.name, "optimizer": optimizer, **start}
        for rate, count in itertools.product(rates, GRID_STEPS):
            for momentum in momenta if uses_momentum and count > 1 else (0.9,):
                yield settings | {"learning_rate": rate, "steps": count, "momentum": momentum}
    ends = {"learning_rate": RANGES["learning_rate"][1], "steps": RANGES["steps"][1]}
    for surface in SURFACES.values():
        for start in itertools.product(*surface.bounds):
            settings = {"surface": surface.name, "optimizer": "sgd", "momentum": 0.9, **ends}
            yield settings | dict(zip(START, start, strict=True))
