"""Explorer of lesson 04: a network learns to tell two kinds of points apart, in the page.

`TrainingExplorer` computes in the page (js/training), so that it trains while one watches, also in
an HTML page without a kernel; Python computes the same for `result`, `text` and the picture in an
executed copy. tests/explore/test_training.py holds the two together, and runs the exported code.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from labkit.explore import figures, kit
from labkit.explore.kit.page import living
from labkit.explore.kit.script import script
from labkit.explore.training_code import (
    FUNCTIONS,
    PLACES,
    as_code,
    code_parts,
    make_layers,
    make_points,
)
from labkit.maths import backprop as maths
from labkit.maths.backprop import Layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from traitlets import Bunch

PARAMETERS = (
    "data", "points", "noise", "depth", "width", "activation", "learning_rate", "batch_size",
    "epochs", "seed",
)  # fmt: skip
ALLOWED = {  # choices, or lowest and highest
    "data": list(PLACES), "points": (20, 400), "noise": (0.0, 1.0), "depth": (0, 4),
    "width": (1, 8), "activation": list(FUNCTIONS), "learning_rate": (0.0001, 10.0),
    "batch_size": (1, 400), "epochs": (0, 5000), "seed": (0, 4294967295),
}  # fmt: skip
OFFERED = {  # in the menus; any value of the range is taken
    "data": list(PLACES), "activation": list(FUNCTIONS),
    "learning_rate": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    "batch_size": [1, 5, 10, 30, 100, 400],
}  # fmt: skip
_HERO_WIDTH = 640  # CSS pixels: its height follows
SPAN = 3  # the picture shows -3 to 3 on both axes
GUESSING = math.log(2)  # the loss of the answer 1/2 to everything


def explain(params: dict) -> dict:
    """Train from the random weights for `epochs` epochs and say what happened.

    Args:
        params: dict with all of `PARAMETERS`.

    Returns:
        dict with layers; losses and fresh_losses, shape (epochs + 1,); right and fresh_right, the
        shares of points on the right side; epoch, the last one reached; diverged; kind, one word;
        text, a sentence.

    >>> run = explain({"data": "blobs", "points": 40, "noise": 0.0, "depth": 1, "width": 3,
    ...     "activation": "tanh", "learning_rate": 0.3, "batch_size": 10, "epochs": 20, "seed": 0})
    >>> run["kind"], len(run["losses"])
    ('learned', 21)
    """
    return _explain(tuple(params[name] for name in PARAMETERS))


@functools.lru_cache(maxsize=32)
def _explain(values: tuple) -> dict:
    params = dict(zip(PARAMETERS, values, strict=True))
    with np.errstate(over="ignore", invalid="ignore"):  # it may diverge; the words say so
        run = _train(params)
    kind, headline, detail = _judge(run)
    text = (
        f"{params['data']} points, noise {kit.short(params['noise'])}; "
        f"a {'-'.join(map(str, sizes(params)))} network with {params['activation']}, "
        f"learning rate {kit.short(params['learning_rate'])}, "
        f"batches of {min(params['batch_size'], params['points'])}; "
        f"epoch {run['epoch']}: {headline}{detail}."
    )
    return run | {"kind": kind, "text": text}


def sizes(params: dict) -> list[int]:
    """Return the units of all layers, inputs first."""
    return [2, *[params["width"]] * params["depth"], 1]


def _train(params: dict) -> dict:
    points, batch = params["points"], params["batch_size"]
    X, y = make_points(PLACES[params["data"]], points, params["noise"], params["seed"])
    layers = make_layers(sizes(params), params["seed"])
    history = [_measure(layers, X, y, params)]
    diverged, epoch = False, 0
    while epoch < params["epochs"] and not diverged:
        epoch += 1
        before = layers
        for first in range(0, points, batch):
            part = slice(first, min(first + batch, points))
            outputs = maths.forward(layers, X[part], params["activation"])
            gradients = maths.backward(layers, outputs, y[part], params["activation"])
            layers = maths.descend_layers(layers, gradients, params["learning_rate"])
        diverged = not all(np.all(np.abs(w) <= maths.DIVERGED) for pair in layers for w in pair)
        if diverged:
            layers = before  # the last ones that can be drawn
        else:
            history.append(_measure(layers, X, y, params))
    losses, fresh, right, fresh_right = np.array(history).T
    return {
        "X": X, "y": y, "layers": layers, "losses": losses, "fresh_losses": fresh,
        "right": right[-1], "fresh_right": fresh_right[-1], "epoch": epoch, "diverged": diverged,
    }  # fmt: skip


def _measure(
    layers: Layers, X: np.ndarray, y: np.ndarray, params: dict
) -> tuple[float, float, float, float]:
    """Return the loss of training and of fresh points, then the shares that are right."""
    z = maths.forward(layers, X, params["activation"], "linear")[-1]
    losses = (np.logaddexp(0, z) - y * z).reshape(2, -1).mean(axis=1)
    right = ((z > 0) == (y == 1)).reshape(2, -1).mean(axis=1)
    return (*losses, *right)


def _judge(run: dict) -> tuple[str, str, str]:
    """Return kind, headline and what to add."""
    train, fresh = run["losses"][-1], run["fresh_losses"][-1]
    now = (
        f"{kit.percent(run['right'])} of the training points are right (loss {kit.short(train)}), "
        f"{kit.percent(run['fresh_right'])} of fresh points (loss {kit.short(fresh)})"
    )
    smaller = "Try a smaller learning rate"
    if run["diverged"]:
        shown = "The picture shows the epoch before"
        return "diverges", "diverged", f": a weight passed 1,000,000. {shown}. {smaller}"
    if run["epoch"] == 0:
        return "start", "at the start", f". The weights are random; {now}"
    if train > 1.2 * max(run["losses"][0], GUESSING):
        return "worse", "a higher loss than at the start", f"; {now}. {smaller}"
    rise = max(0.0, float(np.diff(run["losses"][-10:]).max()))
    if run["epoch"] >= 10 and rise > 0.1:
        jump = f" up by {kit.short(rise)} in one epoch; {now}. {smaller}"
        return "jumps", "the loss jumps", jump
    if train > 0.95 * GUESSING and run["right"] <= 0.6:
        guess = run["right"] >= 0.4 and train <= 1.05 * GUESSING
        kind, word = ("guesses", "no better") if guess else ("wrong", "worse")
        half = "which is right for half of the points and has loss 0.693"
        return kind, f"{word} than guessing", f", {half}; {now}"
    if fresh > 1.3 * train + 0.1 and run["right"] - run["fresh_right"] > 0.05:
        known = ": it knows the training points better than fresh ones"
        return "overfits", "overfitting", f"{known}; {now}"
    if run["right"] == 1:
        return "learned", "learned", f"; {now}"
    return "learns", "learning", f"; {now}"


# --- the explorer -----------------------------------------------------------------------------


class TrainingExplorer(kit.PageExplorer):
    """A network learns to tell two kinds of points apart, and its decision boundary moves.

    Args:
        data, points, noise, depth, width, activation, learning_rate, batch_size, seed: as the
            lesson's parameters. epochs: how far it is trained when it appears.
        hide: controls to leave out, names in `TrainingExplorer.hideable`.
        playing: whether it begins to train by itself when a page opens, unless the reader asked
            the system for less motion; it ends when all is learned.

    Attributes:
        params: all settings. result: the training in Python, as `explain` returns it.
        text: what happened, in words. png: the picture.

    Raises:
        TypeError: there is no such setting.
        ValueError: a setting that is not allowed.

    >>> TrainingExplorer(data="blobs", epochs=20, learning_rate=0.3).result["kind"]
    'learned'
    """

    parameters = PARAMETERS
    allowed = ALLOWED
    hideable = (*PARAMETERS[:8], "copy", "stepping", "words")
    sent = ("lesson", "catalog", "playing")
    page_width = 1000

    lesson = traitlets.Unicode("04").tag(sync=True)
    data = traitlets.Unicode("circle").tag(sync=True)
    points = traitlets.Int(200).tag(sync=True)
    noise = traitlets.Float(0.1).tag(sync=True)
    depth = traitlets.Int(2).tag(sync=True)
    width = traitlets.Int(4).tag(sync=True)
    activation = traitlets.Unicode("tanh").tag(sync=True)
    learning_rate = traitlets.Float(0.1).tag(sync=True)
    batch_size = traitlets.Int(10).tag(sync=True)
    epochs = traitlets.Int(0).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)
    catalog = traitlets.Dict().tag(sync=True)

    _esm = script("training/explorer")

    def __init__(self, **settings: Any) -> None:
        self._check_names(settings, "hide", "playing")
        more = {name: settings.pop(name) for name in ("hide", "playing") if name in settings}
        checked = {name: self._check(name, value) for name, value in settings.items()}
        super().__init__(catalog=_catalog(), **more, **checked)

    @traitlets.validate(*PARAMETERS)
    def _validate(self, proposal: Bunch) -> Any:
        return self._check(proposal["trait"].name, proposal["value"])

    @property
    def result(self) -> dict:
        """The training, computed by labkit.maths.backprop."""
        return explain(self.params)

    @property
    def text(self) -> str:
        """What is shown and what happened, in words."""
        return self.result["text"]

    def pixels(self) -> np.ndarray:
        """Return the picture: points, boundary and both losses."""
        return _draw(self.params)

    def texts(self) -> dict[str, str]:
        """Return what the copy buttons copy: label -> text."""
        return super().texts() | {
            "Copy as NumPy code": as_code("numpy", self.params),
            "Copy as Keras code": as_code("keras", self.params),
        }

    def grid(self) -> Iterator[dict[str, Any]]:
        """Yield settings that cover the controls: all choices, ends and middles of all ranges."""
        base = {"points": 20, "noise": 0.0, "width": 3, "batch_size": 10, "epochs": 3, "seed": 0}
        choices = itertools.product(PLACES, FUNCTIONS, (0, 4), (0.0001, 0.1, 10.0))
        for values in choices:
            names = ("data", "activation", "depth", "learning_rate")
            yield base | dict(zip(names, values, strict=True))
        corners = {"points": (20, 400), "noise": (0.0, 1.0), "width": (1, 8)}
        corners |= {"batch_size": (1, 400), "epochs": (1,), "seed": (0, 4294967295)}
        for values in itertools.product(*corners.values()):
            corner = dict(zip(corners, values, strict=True))
            yield {"data": "xor", "activation": "tanh", "depth": 2, "learning_rate": 1.0} | corner

    def attempt(self, params: dict[str, Any], drawn: bool) -> None:
        """Train at these settings; raise where a number is none."""
        run = explain(params)
        if not np.isfinite(run["losses"]).all() or "nan" in run["text"]:
            raise ValueError("the training holds a value that is no number")
        as_code("numpy", params)
        if drawn:
            _draw(params)


def hero() -> str:
    """Return HTML of a network that begins to learn by itself when a page opens.

    At most 430 CSS pixels high where the page is wide; no wider than a phone on a phone. Nothing is
    loaded, and nothing moves by itself for a reader who asked the system for less motion.

    >>> "Start" in hero()
    True
    """
    kept = ("data", "learning_rate")
    hidden = [name for name in TrainingExplorer.hideable if name not in kept]
    network = {"depth": 3, "width": 8, "learning_rate": 0.1, "noise": 0.0}
    shown = TrainingExplorer(data="spiral", **network, hide=hidden, playing=True)
    return living(shown.png, shown.text, shown._esm, shown.state(), _HERO_WIDTH)


@functools.cache
def _catalog() -> dict:
    """Return what the page needs to know: choices, ranges, and the text of the exported code."""
    ranges = {name: list(ends) for name, ends in ALLOWED.items() if isinstance(ends, tuple)}
    return {"choices": OFFERED, "ranges": ranges, "code": code_parts()}


# --- the picture of an executed copy ----------------------------------------------------------


def probabilities(layers: Layers, activation: str, cells: int = 60) -> np.ndarray:
    """Return the probability of class 1 on a grid over the picture, (cells, cells), top first.

    >>> probabilities([(np.zeros((2, 1)), np.zeros(1))], "tanh", cells=2).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    at = SPAN * ((2 * np.arange(cells) + 1) / cells - 1)
    x1, x2 = np.meshgrid(at, -at)
    X = np.stack([x1.ravel(), x2.ravel()], axis=1)
    return maths.forward(layers, X, activation)[-1].reshape(cells, cells)


def _draw(params: dict) -> np.ndarray:
    run = explain(params)

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
        _draw_boundary(left, run, params)
        _draw_losses(right, run)

    return kit.draw_once(paint, size=(9.0, 4.0))


def _draw_boundary(ax: Axes, run: dict, params: dict) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colors = ["#7193fb", "#fafafa", "#fd9b62"]
    share = probabilities(run["layers"], params["activation"])
    box = (-SPAN, SPAN, -SPAN, SPAN)
    ramp = LinearSegmentedColormap.from_list("classes", colors)
    ax.imshow(share, extent=box, cmap=ramp, vmin=0, vmax=1, interpolation="bilinear")
    if share.min() < 0.5 < share.max():
        ax.contour(share, [0.5], extent=box, origin="upper", colors="#222", linewidths=1.5)
    X, y = run["X"][: params["points"]], run["y"][: params["points"], 0]
    for label, marker, color in ((0, "o", figures.BLUE), (1, "^", "#be3e00")):
        ax.plot(*X[y == label].T, marker, color=color, markersize=5, mec="white", mew=0.5,
                label=f"class {label}")  # fmt: skip
    ax.grid(visible=False)
    ax.set(xlim=box[:2], ylim=box[2:], xlabel="x₁", ylabel="x₂", title=f"epoch {run['epoch']}")
    ax.legend(loc="upper left", frameon=True, fontsize=9)


def _draw_losses(ax: Axes, run: dict) -> None:
    ax.plot(run["losses"], "-", color=figures.ORANGE, label="training points")
    ax.plot(run["fresh_losses"], "--", color=figures.PINK, label="fresh points")
    ax.axhline(GUESSING, color=figures.GRAY, linestyle=":", linewidth=1, label="guessing")
    ax.set(xlabel="epoch", ylabel="loss", xlim=(0, max(20, len(run["losses"]) - 1)))
    ax.set_ylim(0, min(4.0, max(0.8, run["losses"].max(), run["fresh_losses"].max()) * 1.05))
    ax.legend(fontsize=9)
