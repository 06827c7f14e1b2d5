"""The gradient descent explorer: it computes in the page, so it follows the pointer.

Maths, words and picture exist twice. JavaScript (descent.js) moves what the learner turns, also in
an HTML page without a kernel; Python computes the same for `result`, `text` and the picture in an
executed copy. tests/test_explore_descent.py holds the two together over a grid.
"""

import base64
import functools
import io
import itertools
import math
from decimal import ROUND_HALF_UP, Decimal

import anywidget
import numpy as np
import traitlets

from labkit.explore import figures, kit
from labkit.maths.descent import OPTIMIZERS, SURFACES, descend, diverged, largest_stable_rate

RANGES = {"learning_rate": (0.0001, 3.0), "steps": (0, 500), "momentum": (0.0, 0.99)}
PARAMETERS = ("surface", "optimizer", "learning_rate", "steps", "momentum", "start_x", "start_y")
HIDEABLE = (*PARAMETERS[:5], "start", "limit", "presets", "stepping", "keep", "copy")
TOLERANCE = 1e-6  # closer to a minimum than this counts as arrived
MOST_KEPT = 4

# What each button sets. Its name is the verdict that the run gets: the tests see to that.
PRESETS = {
    "article": {
        "crawls": {"learning_rate": 0.001, "steps": 50},
        "converges": {"learning_rate": 0.1, "steps": 20},
        "oscillates": {"learning_rate": 0.25, "steps": 20},
        "diverges": {"learning_rate": 0.3, "steps": 50},
    },
    "bowl": {
        "crawls": {"learning_rate": 0.005, "steps": 50},
        "converges": {"learning_rate": 0.2, "steps": 50},
        "oscillates": {"learning_rate": 1.0, "steps": 20},
        "diverges": {"learning_rate": 1.3, "steps": 50},
    },
    "ravine": {
        "crawls": {"learning_rate": 0.03, "steps": 50},
        "converges": {"learning_rate": 0.36, "steps": 250},
        "oscillates": {"learning_rate": 0.4, "steps": 50},
        "diverges": {"learning_rate": 0.44, "steps": 100},
    },
    "saddle": {
        "crawls": {"learning_rate": 0.02, "steps": 50},
        "converges": {"learning_rate": 0.2, "steps": 100},
        "gets stuck": {"learning_rate": 0.2, "steps": 100, "start_x": -1.5, "start_y": 0.0},
        "diverges": {"learning_rate": 1.3, "steps": 100},
    },
    "rosenbrock": {
        "crawls": {"learning_rate": 0.001, "steps": 200},
        "on its way": {"optimizer": "momentum", "learning_rate": 0.001, "steps": 500},
        "oscillates": {"optimizer": "rmsprop", "learning_rate": 0.1, "steps": 500},
        "diverges": {"learning_rate": 0.01, "steps": 50},
    },
}


# --- what is known of each surface ------------------------------------------------------------


@functools.cache
def describe_surface(name):
    """What the page must know of a surface besides its formula.

    Returns:
        dict with label; start; bounds; minima, list of points; lowest, J there; curvature, the
        largest at the minimum; local, whether it is another one elsewhere; flat, whether w2 plays
        no part; levels of the map; loss_axis, lowest and highest loss drawn; presets.

    >>> describe_surface("ravine")["curvature"]
    5.0
    """
    surface = SURFACES[name]
    lowest = float(surface.value(surface.minimum))
    levels = _levels(surface)
    top = math.ceil(math.log10(levels["high"] - lowest)) + 1
    return {
        "label": _label(surface.formula),
        "start": list(surface.start),
        "bounds": [list(pair) for pair in surface.bounds],
        "minima": _minima(surface),
        "lowest": lowest,
        "curvature": _curvature(surface),
        "local": surface.largest_curvature is None,
        "flat": name == "article",
        "levels": levels,
        "loss_axis": [1e-5 if name == "rosenbrock" else 1e-13, 10.0**top],
        "presets": [
            {"name": verdict, "params": _preset(surface, settings)}
            for verdict, settings in PRESETS[name].items()
        ],
    }


def _preset(surface, settings):
    start = dict(zip(("start_x", "start_y"), map(float, surface.start), strict=True))
    return {"optimizer": "sgd"} | start | settings


def _label(formula):
    """The formula in small and raised digits: w1^2 becomes w₁²."""
    for plain, pretty in {"w1": "w₁", "w2": "w₂", "^2": "²", "^4": "⁴", " - ": " − "}.items():
        formula = formula.replace(plain, pretty)
    return formula


def _minima(surface):
    """The minimum, and its mirror image where that lies as low."""
    there = np.array(surface.minimum, dtype=float)
    lowest = surface.value(there)
    points = [there] if surface.value(-there) > lowest else [there, 0 - there]
    return np.unique(points, axis=0).tolist()


def _curvature(surface):
    """Largest curvature at the minimum, from the gradient a little to each side."""
    if surface.largest_curvature is not None:
        return surface.largest_curvature
    h = 1e-5
    moves = h * np.eye(2)
    there = np.array(surface.minimum)
    hessian = (surface.gradient(there + moves) - surface.gradient(there - moves)) / (2 * h)
    return 2 / largest_stable_rate((hessian + hessian.T) / 2)


def _levels(surface, lines=14, cells=120):
    """Contour levels, dense where the surface is low: half of the map lies below the middle."""
    x, y = (np.linspace(*pair, cells) for pair in surface.bounds)
    values = surface.value(np.stack(np.meshgrid(x, y), axis=-1))
    low, high = float(surface.value(surface.minimum)), float(values.max())
    power = math.log((float(np.median(values)) - low) / (high - low)) / math.log(0.5)
    heights = low + (high - low) * (np.arange(1, lines) / lines) ** power
    return {"low": low, "high": high, "power": power, "lines": heights.tolist()}


def stable_rate(curvature, optimizer, momentum):
    """Return the largest stable learning rate on a quadratic; None where theory has none.

    Args:
        curvature: the largest second derivative, above 0.
        optimizer: a name in `OPTIMIZERS`. The adaptive ones divide by the size of the gradient,
            so that no rate is a limit for them.
        momentum: share of the velocity kept from step to step, in [0, 1).

    Source: roots of the characteristic polynomial of the update inside the unit circle.

    >>> stable_rate(8, "sgd", 0.9)
    0.25
    >>> stable_rate(8, "momentum", 0.5)
    0.375
    """
    if optimizer == "sgd":
        return 2 / curvature
    if optimizer == "momentum":
        return 2 * (1 + momentum) / curvature
    if optimizer == "nesterov":
        return 2 * (1 + momentum) / ((1 + 2 * momentum) * curvature)
    return None


# --- one run, in numbers and in words ---------------------------------------------------------


def explain(params, theory=True):
    """Walk down once and say what happened.

    Args:
        params: dict with all of `PARAMETERS`.
        theory: whether the text names the largest stable rate.

    Returns:
        dict with path, shape (n + 1, 2); losses, shape (n + 1,); gradients, shape (n + 1, 2);
        verdict, one word or two; limit, the largest stable rate or None; text, one sentence.

    >>> start = {"start_x": 0.0, "start_y": 0.0, "momentum": 0.9}
    >>> run = explain({"surface": "article", "optimizer": "sgd", "learning_rate": 0.1, "steps": 20}
    ...               | start)
    >>> run["verdict"], run["path"][:3, 0].round(6).tolist()
    ('converges', [0.0, 0.4, 0.48])
    """
    info = describe_surface(params["surface"])
    surface = SURFACES[params["surface"]]
    path = descend(
        surface,
        params["optimizer"],
        params["learning_rate"],
        params["steps"],
        start=(params["start_x"], params["start_y"]),
        momentum=params["momentum"],
    )
    losses, gradients = surface.value(path), surface.gradient(path)
    verdict, headline, detail = _judge(params["steps"], info, path, losses, gradients)
    limit = stable_rate(info["curvature"], params["optimizer"], params["momentum"])
    steps = f"{len(path) - 1} step{'s' * (len(path) != 2)}"
    told = _theory(limit, info) if theory else ""
    text = (
        f"{_name(params)} on the {params['surface']} surface, learning rate "
        f"{short(params['learning_rate'])}, {steps}: {headline}{detail}.{told}"
    )
    return {
        "path": path,
        "losses": losses,
        "gradients": gradients,
        "verdict": verdict,
        "limit": limit,
        "text": text,
    }


def short(number):
    """A number in at most three digits.

    >>> short(0.012345), short(12.0), short(0.000123)
    ('0.0123', '12', '1.2e-4')
    """
    size = abs(number)
    exact = Decimal(float(number))
    if number and (size < 1e-3 or size >= 1e5):
        return _with_exponent(exact)
    if not number:
        return "0"
    places = 2 - exact.adjusted()
    rounded = exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_exponent(exact):
    """As 1.2e-4. A tie is rounded away from zero, as JavaScript does."""
    power = exact.adjusted()
    digits = exact.scaleb(-power).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    if abs(digits) >= 10:
        digits, power = digits / 10, power + 1
    return f"{digits:.1f}".removesuffix(".0") + f"e{power}"


def _name(params):
    name = params["optimizer"]
    return f"{name} ({short(params['momentum'])})" if name in ("momentum", "nesterov") else name


def _theory(limit, info):
    if limit is None:
        return ""
    where = "near the minimum, " if info["local"] else ""
    return f" Theory: {where}stable below {short(limit)}."


def _judge(steps, info, path, losses, gradients):
    """The verdict on a run, its headline, and what to add."""
    n = len(path) - 1
    if n < steps or diverged(path):
        detail = ": the steps grow until a weight passes 1,000,000"
        return "diverges", f"diverged at step {n}", detail
    if n == 0:
        return "start", "at the start", ""
    distance = np.min([np.hypot(*(path - m).T) for m in info["minima"]], axis=0)
    arrived = _settled(distance)
    if arrived is not None:
        headline = f"converged in {arrived} step{'s' * (arrived != 1)}"
        return "converges", headline, ", |w - w*| < 1e-6"
    fall = f"from {short(losses[0])} to {short(losses[n])}"
    if losses[n] > losses[0]:
        return "diverges", "diverging", f": J grew {fall}"
    if np.hypot(*gradients[n]) < TOLERANCE:
        return "gets stuck", "stuck", ": the gradient is 0 here, and this is no minimum"
    left = f" (|w - w*| = {short(distance[n])})"
    if _reversals(path) >= 0.5 and distance[n] > 0.5 * distance[n // 2]:
        return "oscillates", "oscillates", f": it jumps to and fro and comes no closer{left}"
    if distance[n] > 0.5 * distance[0]:
        percent = math.floor(100 * distance[n] / distance[0] + 0.5)
        return "crawls", "crawls", f": {percent} % of the way is left{left}"
    return "on its way", "on its way", f": J fell {fall}{left}"


def _settled(distance):
    """The first step from which on the distance stays below TOLERANCE, None if never."""
    away = np.flatnonzero(~(distance < TOLERANCE))
    first = int(away[-1]) + 1 if away.size else 0
    return first if first < len(distance) else None


def _reversals(path):
    """The share of the last ten moves that turn back against the move before."""
    moves = np.diff(path[-12:] if len(path) >= 12 else path, axis=0)
    if len(moves) < 2:
        return 0.0
    return float(np.mean(np.sum(moves[1:] * moves[:-1], axis=1) < 0))


# --- the explorer -----------------------------------------------------------------------------


class DescentExplorer(anywidget.AnyWidget):
    """Surface x optimizer x learning rate x steps, with the path and the loss.

    Args:
        surface, optimizer, learning_rate, steps, momentum: as the lesson's parameters.
        start_x, start_y: where the walk starts; the surface's own start when None.
        hide: controls to leave out, names in `HIDEABLE`; "limit" is the mark of the largest
            stable rate, for readers who are to find it themselves.
        kept: runs to compare with, a list of dicts of settings (what is left out is as now).

    Attributes:
        params: all settings. result: the run computed in Python, as `explain` returns it.
        text: what happened, in words. png: the picture.

    >>> DescentExplorer(surface="article", learning_rate=0.1, steps=20).result["verdict"]
    'converges'
    """

    lesson = traitlets.Unicode("01").tag(sync=True)
    surface = traitlets.Unicode("ravine").tag(sync=True)
    optimizer = traitlets.Unicode("sgd").tag(sync=True)
    learning_rate = traitlets.Float(0.1).tag(sync=True)
    steps = traitlets.Int(50).tag(sync=True)
    momentum = traitlets.Float(0.9).tag(sync=True)
    start_x = traitlets.Float(0.0).tag(sync=True)
    start_y = traitlets.Float(0.0).tag(sync=True)
    kept = traitlets.List(traitlets.Dict()).tag(sync=True)
    hide = traitlets.List(traitlets.Unicode()).tag(sync=True)
    catalog = traitlets.Dict().tag(sync=True)

    _esm = figures.script("descent")

    def __init__(self, **settings):
        unknown = sorted(settings.keys() - {*PARAMETERS, "hide", "kept"})
        if unknown:
            allowed = ", ".join([*PARAMETERS, "hide", "kept"])
            raise TypeError(f"DescentExplorer has no setting {unknown[0]!r}; it has: {allowed}")
        more = {name: settings.pop(name) for name in ("hide", "kept") if name in settings}
        defaults = {name: getattr(type(self), name).default_value for name in PARAMETERS}
        super().__init__(catalog=_catalog(), **_complete(settings, defaults), **more)
        self._was = self.params
        self.observe(self._follow_surface, PARAMETERS)

    def _follow_surface(self, _change):
        """A new surface brings its own start, unless the start was set with it."""
        now, was = self.params, self._was
        self._was = now
        moved = any(now[name] != was[name] for name in ("start_x", "start_y"))
        if now["surface"] != was["surface"] and not moved:
            self.start_x, self.start_y = SURFACES[now["surface"]].start

    @traitlets.validate(*PARAMETERS[:5])
    def _validate(self, proposal):
        return _check(proposal["trait"].name, proposal["value"])

    @traitlets.validate("start_x", "start_y")
    def _validate_start(self, proposal):
        return _check_start(self.surface, proposal["trait"].name, proposal["value"])

    @traitlets.validate("kept")
    def _validate_kept(self, proposal):
        return [_complete(run, self.params) for run in proposal["value"]]

    @traitlets.validate("hide")
    def _validate_hide(self, proposal):
        return _check_hide(proposal["value"])

    @property
    def params(self):
        """All settings, by name."""
        return {name: getattr(self, name) for name in PARAMETERS}

    @property
    def lesson_params(self):
        """The settings as parameters of the lesson: the start only where it was moved."""
        params = self.params
        if (self.start_x, self.start_y) == SURFACES[self.surface].start:
            del params["start_x"], params["start_y"]
        return params

    @property
    def result(self):
        """The run, computed by labkit.maths.descent."""
        return explain(self.params, theory="limit" not in self.hide)

    @property
    def text(self):
        """What is shown and what happened, in words."""
        return self.result["text"]

    @property
    def png(self):
        """The picture of these settings, bytes of a PNG file."""
        from PIL import Image

        # 256 colors do: a fifth of the size, in every executed copy twice.
        picture = Image.fromarray(_draw(self.params, self.kept)[..., :3])
        out = io.BytesIO()
        picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            out, "PNG", optimize=True
        )
        return out.getvalue()

    def texts(self):
        """What the copy buttons copy: label -> text."""
        return {
            "Copy as parameters": kit.as_parameters(self.lesson_params),
            "Copy as command": kit.as_command(self.lesson, self.lesson_params),
        }

    def walk(self):
        """Compute over the whole grid of settings, and draw some; return how many were tried.

        Raises:
            ExplorerError: names the settings at which something failed or gave nan.
        """
        count = _walk_grid()
        _try(self.params, drawn=True)
        return count + 1

    def html(self):
        """The explorer as HTML that computes in the page: no kernel, nothing to load.

        Where scripts are not run (an untrusted notebook) the picture and its caption show.
        """
        state = {key: getattr(self, key) for key in (*PARAMETERS, "lesson", "kept", "hide")}
        state |= {"catalog": self.catalog}
        return figures.living("descent", self.png, self.text, self._esm, state, width=1080)

    def _repr_mimebundle_(self, **options):
        """The live widget, and forms that need no kernel: a page that computes, and a picture."""
        if kit.walks():
            _walk_grid_once()  # the grid is the same for all explorers of a lesson
        if kit.headless():
            _try(self.params, drawn=True)
        live, metadata = super()._repr_mimebundle_(**options)
        still = {
            "text/html": self.html(),
            "image/png": base64.b64encode(self.png).decode(),
            "text/plain": self.text,
        }
        metadata = {**metadata, "image/png": {"alt": self.text}}
        # A widget without its kernel shows an error in JupyterLab: leave it out of executed copies.
        return (still if kit.headless() else live | still), metadata


@functools.cache
def _catalog():
    return {
        "surfaces": {name: describe_surface(name) for name in SURFACES},
        "optimizers": list(OPTIMIZERS),
        "ranges": {name: list(ends) for name, ends in RANGES.items()},
    }


# --- checking settings ------------------------------------------------------------------------


def _complete(settings, defaults):
    """All parameters: those given, checked; the start of the surface where none is given."""
    given = {name: value for name, value in settings.items() if value is not None}
    merged = defaults | given
    params = {name: _check(name, merged[name]) for name in PARAMETERS[:5]}
    for axis, name in enumerate(("start_x", "start_y")):
        value = given.get(name, SURFACES[params["surface"]].start[axis])
        params[name] = _check_start(params["surface"], name, value)
    return params


def _check_start(surface, name, value):
    low, high = SURFACES[surface].bounds[("start_x", "start_y").index(name)]
    return _check_number(f"{name} on the {surface} surface", value, low, high)


def _check(name, value):
    """The value, if the control can show it."""
    if name in ("surface", "optimizer"):
        allowed = SURFACES if name == "surface" else OPTIMIZERS
        if value not in allowed:
            raise ValueError(f"{name} = {value!r} is not known; use one of: {', '.join(allowed)}")
        return value
    value = _check_number(name, value, *RANGES[name])
    if name == "steps" and value != int(value):
        raise ValueError(f"steps = {value!r}; use a whole number")
    return int(value) if name == "steps" else value


def _check_number(name, value, low, high):
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise ValueError(f"{name} = {value!r}; use a number in [{low:g}, {high:g}]")
    return float(value)


def _check_hide(hide):
    for name in hide:
        if name not in HIDEABLE:
            raise ValueError(f"hide = {name!r} is no control; use some of: {', '.join(HIDEABLE)}")
    return list(hide)


# --- walking over the settings ----------------------------------------------------------------


GRID_STEPS = (0, 1, 60)


def _grid():
    """Settings that cover the controls: every surface and optimizer, ends and middles."""
    rates, momenta = (0.0001, 0.01, 0.1, 0.5, 3.0), (0.0, 0.9, 0.99)
    for surface, optimizer in itertools.product(SURFACES.values(), OPTIMIZERS):
        uses_momentum = optimizer in ("momentum", "nesterov")
        start = dict(zip(("start_x", "start_y"), surface.start, strict=True))
        settings = {"surface": surface.name, "optimizer": optimizer, **start}
        for rate, count in itertools.product(rates, GRID_STEPS):
            for momentum in momenta if uses_momentum and count > 1 else (0.9,):
                yield settings | {"learning_rate": rate, "steps": count, "momentum": momentum}
    yield from _corner_starts()


def _corner_starts():
    """The four corners of every surface, at the largest rate and all 500 steps."""
    extremes = {"learning_rate": RANGES["learning_rate"][1], "steps": RANGES["steps"][1]}
    for surface in SURFACES.values():
        for x, y in itertools.product(*surface.bounds):
            start = {"start_x": x, "start_y": 0.0 if surface.name == "article" else y}
            yield {
                "surface": surface.name,
                "optimizer": "sgd",
                "momentum": 0.9,
                **start,
                **extremes,
            }


def _preset_grid():
    for name in SURFACES:
        for preset in describe_surface(name)["presets"]:
            yield {"surface": name, "momentum": 0.9, **preset["params"]}


def _walk_grid():
    """Compute all settings, draw some; return how many were tried."""
    settings = [*_grid(), *_preset_grid()]
    for number, params in enumerate(settings):
        # Drawing costs far more than computing: some runs, on one figure a surface.
        _try(params, drawn=params["steps"] == GRID_STEPS[-1] and number % 20 == 0)
    return len(settings)


_walk_grid_once = functools.cache(_walk_grid)


def _try(params, drawn):
    try:
        with np.errstate(all="raise"):
            run = explain(params)
        if not np.isfinite(run["path"]).all() or "nan" in run["text"]:
            raise ValueError("the run holds a value that is no number")
        if drawn:
            _draw(params, [params])
    except Exception as error:
        settings = kit.as_call("DescentExplorer", params)
        raise kit.ExplorerError(f"{settings}: {type(error).__name__}: {error}") from error


# --- the picture of an executed copy ----------------------------------------------------------

# The run under way, then the kept ones: each differs in color, line and marker (as in descent.js).
STYLES = [
    {"color": figures.ORANGE, "linestyle": "-", "marker": "o"},
    {"color": figures.BLUE, "linestyle": "--", "marker": "s"},
    {"color": figures.PINK, "linestyle": ":", "marker": "^"},
    {"color": figures.GRAY, "linestyle": "-.", "marker": "D"},
    {"color": figures.RED, "linestyle": (0, (4, 3)), "marker": "P"},
]
LENGTHS = (10, 20, 50, 100, 200, 500)


def _draw(params, kept):
    """Pixels of the picture, array (height, width, 4)."""
    kept = [run for run in kept[-MOST_KEPT:] if run["surface"] == params["surface"]]
    longest = max(run["steps"] for run in [params, *kept])
    length = next(length for length in LENGTHS if length >= longest)
    picture = _picture(params["surface"], length)
    for line in picture.moving.values():
        line.set_data([], [])
    runs = [explain(each) for each in [params, *kept]]
    for number, run in enumerate(runs):
        _place_run(picture.moving, number, run, describe_surface(params["surface"]))
    return _with_legend(picture, [params, *kept])


def _with_legend(picture, settings):
    """Pixels with a legend that names the runs; it grows with them, so it is drawn each time."""
    axes = picture.moving["loss0"].axes
    handles = [picture.moving[f"loss{number}"] for number in range(len(settings))]
    names = [f"{_name(each)}, rate {short(each['learning_rate'])}" for each in settings]
    legend = axes.legend(handles, names, loc="upper right", fontsize=9, frameon=True)
    legend.set_animated(True)
    picture.draw()
    picture.figure.draw_artist(legend)
    legend.remove()
    return np.array(picture.canvas.buffer_rgba())


def _place_run(artists, number, run, info):
    path, losses = run["path"], run["losses"]
    inside = np.abs(path).max(axis=1) < 1e4  # Agg takes no coordinates far off the picture
    height = losses if info["flat"] else path[:, 1]
    artists[f"path{number}"].set_data(path[inside, 0], height[inside])
    for name in ("path", "loss"):
        artists[f"{name}{number}"].set_markevery(math.ceil(len(path) / 45))
    excess = np.maximum(losses - info["lowest"], info["loss_axis"][0])
    artists[f"loss{number}"].set_data(np.arange(len(excess)), excess)
    if number == 0:
        artists["start"].set_data(path[:1, 0], height[:1])
        artists["now"].set_data(path[inside, 0][-1:], height[inside][-1:])
        artists["now loss"].set_data([len(excess) - 1], [min(excess[-1], info["loss_axis"][1])])


@functools.lru_cache(maxsize=16)
def _picture(surface, length):
    """The figure of a surface, drawn once; the runs move on it."""
    return kit.Picture(lambda figure: _build(figure, surface, length), size=(10.0, 4.3), dpi=100)


def _build(figure, surface, length):
    info = describe_surface(surface)
    figure.set_layout_engine("none")  # the margins are known, and finding them is slow
    margins = {"left": 0.07, "right": 0.985, "bottom": 0.12, "top": 0.93, "wspace": 0.2}
    left, right = figure.subplots(1, 2, gridspec_kw=margins)
    (_build_curve if info["flat"] else _build_map)(left, surface, info)
    left.set_title(info["label"], fontsize=11)
    right.set(yscale="log", ylim=info["loss_axis"], xlim=(-0.02 * length, 1.02 * length))
    right.set(xlabel="step", ylabel="loss J" if info["lowest"] == 0 else "loss above its minimum")
    right.minorticks_off()
    right.xaxis.get_major_locator().set_params(integer=True)
    artists = {}
    for number, style in reversed(list(enumerate(STYLES))):
        for name, axes in (("path", left), ("loss", right)):
            (line,) = axes.plot([], [], **style, markersize=4, markeredgecolor="white")
            line.set(linewidth=2, markeredgewidth=0.4, zorder=5 - number / 10)
            artists[f"{name}{number}"] = line
    ring = {"linestyle": "", "marker": "o", "markerfacecolor": "none", "zorder": 6}
    (artists["start"],) = left.plot([], [], **ring, color="black", markersize=12, mew=1.6)
    for name, axes in (("now", left), ("now loss", right)):
        end = ring | {"markerfacecolor": "white", "markersize": 8, "mew": 2.2}
        (artists[name],) = axes.plot([], [], **end, color=figures.ORANGE)
    return artists


def _build_curve(axes, surface, info):
    low, high = info["bounds"][0]
    w = np.linspace(low, high, 200)
    axes.plot(w, SURFACES[surface].value(np.stack([w, 0 * w], axis=-1)), "-", color=figures.GRAY)
    top = info["levels"]["high"]
    axes.set(xlabel="w₁", ylabel="J", xlim=(low, high), ylim=(-0.06 * top, top))


def _build_map(axes, surface, info):
    levels, (x, y) = info["levels"], info["bounds"]
    grid = np.stack(np.meshgrid(np.linspace(*x, 240), np.linspace(*y, 240)), axis=-1)
    values = SURFACES[surface].value(grid)
    height = ((values - levels["low"]) / (levels["high"] - levels["low"])) ** (1 / levels["power"])
    height = np.round(56 * height) / 56  # even bands pack well
    # Paler than viridis itself, so that the runs stand out.
    axes.imshow(height, extent=(*x, *y), origin="lower", aspect="auto", cmap="viridis", alpha=0.55)
    axes.contour(
        grid[..., 0], grid[..., 1], values, levels["lines"], colors="white", linewidths=0.8
    )
    axes.plot(*np.transpose(info["minima"]), "+", color="black", markersize=11, mew=2)
    axes.grid(visible=False)
    axes.set(xlabel="w₁", ylabel="w₂", xlim=x, ylim=y)
