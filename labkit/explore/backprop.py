"""Two explorers of backpropagation: a small graph, step by step, and a network that learns.

`GraphExplorer` is one of the kit. `TrainingExplorer` computes in the page (backprop.js), so that it
trains while one watches, also in an HTML page without a kernel; Python computes the same for
`result`, `text` and the picture in an executed copy. tests/test_explore_backprop.py holds the two
together, and runs the code that the explorer exports.
"""

from __future__ import annotations

import base64
import functools
import inspect
import io
import itertools
import math
from typing import TYPE_CHECKING

import anywidget
import numpy as np
import traitlets

from labkit.explore import figures, kit
from labkit.explore.descent import short
from labkit.maths import backprop as maths
from labkit.maths.backprop import graph_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# --- forward and backward through a graph -----------------------------------------------------

GRAPH_STEPS = (
    "Only the inputs are known: x, the four weights and the target y.",
    "Forward: each hidden unit multiplies x by its weight.",
    "Forward: tanh of both products.",
    "Forward: the prediction adds what the two units say, each times its weight.",
    "Forward: the loss J is half the squared error.",
    "Backward: dJ/dp = p - y. From here every number is the slope of J.",
    "Backward: through a product, the slope is multiplied by the other factor.",
    "Backward: through tanh, the slope is multiplied by 1 - h².",
    "Backward: both paths meet at x, and their slopes add up.",
)


# name of the node: place, and the steps at which its value and its slope become known
NODES = {
    "x": ((0.3, 1.5), 0, 8), "w1": ((0.3, 2.9), 0, 8), "w2": ((0.3, 0.1), 0, 8),
    "z1": ((2.0, 2.4), 1, 7), "z2": ((2.0, 0.6), 1, 7),
    "h1": ((3.7, 2.4), 2, 6), "h2": ((3.7, 0.6), 2, 6),
    "v1": ((5.3, 2.9), 0, 6), "v2": ((5.3, 0.1), 0, 6),
    "p": ((6.2, 1.5), 3, 5), "target": ((8.0, 0.3), 0, None), "J": ((8.0, 1.5), 4, None),
}  # fmt: skip
EDGES = [
    ("x", "z1"), ("w1", "z1"), ("x", "z2"), ("w2", "z2"), ("z1", "h1"), ("z2", "h2"),
    ("h1", "p"), ("v1", "p"), ("h2", "p"), ("v2", "p"), ("p", "J"), ("target", "J"),
]  # fmt: skip
# what an edge multiplies a slope by on the way back: the derivative of its end by its beginning
LOCAL = {
    ("x", "z1"): lambda g: g["w1"], ("x", "z2"): lambda g: g["w2"],
    ("w1", "z1"): lambda g: g["x"], ("w2", "z2"): lambda g: g["x"],
    ("z1", "h1"): lambda g: 1 - g["h1"] ** 2, ("z2", "h2"): lambda g: 1 - g["h2"] ** 2,
    ("h1", "p"): lambda g: g["v1"], ("h2", "p"): lambda g: g["v2"],
    ("v1", "p"): lambda g: g["h1"], ("v2", "p"): lambda g: g["h2"],
    ("p", "J"): lambda g: g["d_p"],
}  # fmt: skip
LABELS = {"z1": "w₁x", "z2": "w₂x", "h1": "tanh", "h2": "tanh", "target": "y"}
LABELS |= {"w1": "w₁", "w2": "w₂", "v1": "v₁", "v2": "v₂"}


def _number(value):
    return f"{value:.3f}".rstrip("0").rstrip(".").replace("-0", "0" if value == 0 else "-0")


class GraphExplorer(kit.Explorer):
    """Go forward through a graph, then back: values above each node, slopes below, on edges."""

    lesson = "04"
    presets = {
        "forward done": {"graph_step": 4},
        "first slope": {"graph_step": 5},
        "all slopes": {"graph_step": 8},
        "flat tanh": {"graph_step": 8, "w1": 3.0, "x": 2.0},
    }
    size = (10.0, 4.0)

    def make_controls(self) -> dict:
        """The step, the input and two of the weights."""
        return {
            "graph_step": kit.slider(0, 0, len(GRAPH_STEPS) - 1, description="step"),
            "x": kit.slider(1.0, -2.0, 2.0, 0.25),
            "w1": kit.slider(0.5, -3.0, 3.0, 0.25),
            "w2": kit.slider(-1.0, -3.0, 3.0, 0.25),
        }

    def walk(self, samples: int = 4) -> int:
        """As in the kit, with fewer random settings: nothing here depends on three at once."""
        return super().walk(samples)

    @staticmethod
    def compute(graph_step, x, w1, w2):
        """All values and slopes; the step only says which of them are shown."""
        return graph_values(x, w1, w2)

    def build(self, figure: Figure) -> dict:
        """Nodes and edges stay; the numbers appear."""
        ax = figure.subplots()
        ax.set(xlim=(-0.35, 8.7), ylim=(-0.5, 3.4))
        ax.axis("off")
        artists = {}
        for start, end in EDGES:
            (x0, y0), (x1, y1) = NODES[start][0], NODES[end][0]
            gap = 0.26 / math.hypot(x1 - x0, y1 - y0)  # the line ends where the circles begin
            ends = np.array([gap, 1 - gap])
            (artists[start + end],) = ax.plot(
                x0 + ends * (x1 - x0), y0 + ends * (y1 - y0), "-", color="#bbb", zorder=1
            )
            place = (x0 + 0.5 * (x1 - x0), y0 + 0.5 * (y1 - y0))
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # over the line
            artists[f"on {start}{end}"] = ax.text(
                *place, "", ha="center", va="center", size=9, color=figures.RED, bbox=box, zorder=2
            )
        for name, (place, _, _) in NODES.items():
            color = figures.BLUE if name[0] in "wv" else figures.GRAY
            ax.plot(*place, "o", markersize=32, mfc="white", mec=color, mew=1.6, zorder=3)
            ax.text(*place, LABELS.get(name, name), ha="center", va="center", size=10, zorder=4)
            x, y = place
            aside = {"p": 0.25}.get(name, 0)  # away from the line that comes from above
            artists[f"value {name}"] = ax.text(
                x + aside, y + 0.33, "", ha="center", va="bottom", size=11, zorder=4
            )
            beside = name[0] == "v"
            place = (x + 0.3, y) if beside else (x + aside, y - 0.33)
            artists[f"slope {name}"] = ax.text(
                *place, "", ha="left" if beside else "center", va="center" if beside else "top",
                size=11, color=figures.RED, zorder=4,
            )  # fmt: skip
        return artists

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Write the numbers that this step knows."""
        step = params["graph_step"]
        for name, (_, forward, backward) in NODES.items():
            artists[f"value {name}"].set_text(_number(result[name]) if step >= forward else "")
            known = backward is not None and step >= backward
            slope = f"dJ: {_number(result[f'd_{name}'])}" if known else ""
            artists[f"slope {name}"].set_text(slope)
        for start, end in EDGES:
            backward = NODES[start][2]
            known = backward is not None and step >= backward
            told = f"× {_number(LOCAL[start, end](result))}" if known else ""
            artists[f"on {start}{end}"].set_text(told)
            active = step in (NODES[end][1], backward)
            artists[start + end].set_color(figures.ORANGE if active else "#bbb")
            artists[start + end].set_linewidth(3 if active else 1.5)

    def caption(self, result: dict, params: dict) -> str:
        """The step in words, with the numbers that it brings."""
        step = params["graph_step"]
        told = f"Step {step} of {len(GRAPH_STEPS) - 1}. {GRAPH_STEPS[step]}"
        if step == 4:
            told += f" J = {_number(result['J'])}."
        if step >= 5:
            told += f" dJ/dp = {_number(result['d_p'])}."
        if step == 8:
            slopes = [f"dJ/d{n} = {_number(result['d_' + n])}" for n in ("w1", "w2", "x")]
            told += f" {', '.join(slopes)}."
        return told


# --- points and weights that JavaScript, NumPy and Keras draw alike ---------------------------
# The source of these functions is part of the exported code.


def random_numbers(seed, count):
    """Numbers in [0, 1), the same in a web page and here (the generator mulberry32)."""
    state, numbers = seed, []
    for _ in range(count):
        state = (state + 0x6D2B79F5) % 2**32
        t = (state ^ state >> 15) * (state | 1) % 2**32
        t = (t + (t ^ t >> 7) * (t | 61)) % 2**32 ^ t
        numbers.append((t ^ t >> 14) / 2**32)
    return np.array(numbers)


def xor_points(label, u, v, c):
    """The two classes lie in opposite quarters."""
    across = np.where(c < 0.5, -1, 1)
    up = np.where(label == 1, -across, across)
    return across * (0.2 + 2.3 * u), up * (0.2 + 2.3 * v)


def circle_points(label, u, v, c):
    """Class 1 is a disc, class 0 a ring around it."""
    radius = np.where(label == 1, 1.2 * u, 1.7 + 0.8 * u)
    return radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)


def blobs_points(label, u, v, c):
    """Two squares side by side: a straight line parts them."""
    center = np.where(label == 1, 1.2, -1.2)
    return center + 2 * (u - 0.5), center + 2 * (v - 0.5)


def spiral_points(label, u, v, c):
    """Two arms, each one and a quarter turns."""
    angle = 2.5 * np.pi * u + np.pi * label
    return (0.2 + 2.3 * u) * np.cos(angle), (0.2 + 2.3 * u) * np.sin(angle)


def make_points(place, points, noise, seed):
    """Training points and as many fresh ones: X of shape (2 * points, 2), y of (2 * points, 1)."""
    u, v, c, e, f = random_numbers(seed, 10 * points).reshape(-1, 5).T
    label = np.arange(2 * points) % 2
    x1, x2 = place(label, u, v, c)
    X = np.stack([x1 + noise * (2 * e - 1), x2 + noise * (2 * f - 1)], axis=1)
    return X, label.reshape(-1, 1).astype(float)


def make_layers(sizes, seed):
    """Weights as Keras draws them (Glorot, uniform), biases 0: a list of (W, b)."""
    shapes = [(sizes[k], sizes[k + 1]) for k in range(len(sizes) - 1)]
    numbers = random_numbers(seed + 1, sum(rows * columns for rows, columns in shapes))
    layers = []
    for rows, columns in shapes:
        drawn, numbers = numbers[: rows * columns], numbers[rows * columns :]
        limit = np.sqrt(6 / (rows + columns))
        layers.append((limit * (2 * drawn.reshape(rows, columns) - 1), np.zeros(columns)))
    return layers


PLACES = {
    "xor": xor_points, "circle": circle_points, "blobs": blobs_points, "spiral": spiral_points,
}  # fmt: skip

_FUNCTIONS = {  # the function of z, and its slope written with the activation a
    "tanh": ("np.tanh(z)", "1 - a * a"),
    "sigmoid": ("1 / (1 + np.exp(-z))", "a * (1 - a)"),
    "relu": ("np.maximum(z, 0)", "(a > 0) * 1.0"),
    "linear": ("z", "np.ones_like(a)"),
}

_HEAD = """
<<settings>>


{random_numbers}

<<points>>

{make_points}

{make_layers}

X, y = make_points(<<data>>_points, points, noise, seed)
X, y = X[:points], y[:points]  # the second half are fresh points
layers = make_layers([2] + depth * [width] + [1], seed)
"""

_NUMPY = (
    '"""A network that learns, in NumPy alone: losses[k] is the training loss after k epochs."""\n'
    "import numpy as np\n"
    + _HEAD
    + """

def forward(X):
    outputs = [X]
    for number, (W, b) in enumerate(layers, start=1):
        z = outputs[-1] @ W + b
        outputs.append(z if number == len(layers) else <<function>>)
    return outputs


def loss():  # binary cross-entropy from the logits z: safe also where the sigmoid is 0 or 1
    z = forward(X)[-1]
    return np.mean(np.logaddexp(0, z) - y * z)


def step(X, y):
    outputs = forward(X)
    delta = (1 / (1 + np.exp(-outputs[-1])) - y) / len(y)
    for number in reversed(range(len(layers))):
        (W, b), a = layers[number], outputs[number]
        layers[number] = W - learning_rate * a.T @ delta, b - learning_rate * delta.sum(axis=0)
        delta = delta @ W.T * (<<slope>>)  # with the old W


losses = [loss()]
for _ in range(epochs):
    for first in range(0, points, batch_size):
        step(X[first : first + batch_size], y[first : first + batch_size])
    losses.append(loss())
print(f"training loss after {epochs} epochs: {losses[-1]:.4f}")
"""
)

_KERAS = (
    '"""The same network in Keras: losses[k] is the training loss after k epochs."""\n'
    "import keras\nimport numpy as np\n"
    + _HEAD
    + """
keras.config.set_floatx("float64")  # as NumPy computes
model = keras.Sequential([keras.Input((2,))])
for _ in range(depth):
    model.add(keras.layers.Dense(width, activation=activation))
model.add(keras.layers.Dense(1))  # gives the logit; the loss applies the sigmoid
model.set_weights([array for layer in layers for array in layer])
loss = keras.losses.BinaryCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.SGD(learning_rate), loss=loss)

losses = []


def note(*_):
    losses.append(float(loss(y, model(X))))


note()
after = keras.callbacks.LambdaCallback(on_epoch_end=note)
model.fit(
    X, y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0, callbacks=[after]
)
print(f"training loss after {epochs} epochs: {losses[-1]:.4f}")
"""
)


@functools.cache
def _code():
    """Templates of the exported code, and what fills their places."""
    sources = {f.__name__: inspect.getsource(f) for f in (random_numbers, make_points, make_layers)}

    def fill(template):
        for name, source in sources.items():
            template = template.replace("{" + name + "}", source)
        return template

    return {
        "numpy": fill(_NUMPY),
        "keras": fill(_KERAS),
        "points": {name: inspect.getsource(place) for name, place in PLACES.items()},
        "functions": {name: list(pair) for name, pair in _FUNCTIONS.items()},
    }


# --- one training, in numbers and in words ----------------------------------------------------

RANGES = {
    "points": (20, 400), "noise": (0.0, 1.0), "depth": (0, 4), "width": (1, 8),
    "learning_rate": (0.0001, 10.0), "batch_size": (1, 400), "epochs": (0, 5000),
    "seed": (0, 4294967295),
}  # fmt: skip
CHOICES = {"data": list(PLACES), "activation": list(_FUNCTIONS)}
OFFERED = {  # in the menus; any value of the range is taken
    "learning_rate": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    "batch_size": [1, 5, 10, 30, 100, 400],
}
PARAMETERS = (
    "data", "points", "noise", "depth", "width", "activation", "learning_rate", "batch_size",
    "epochs", "seed",
)  # fmt: skip
HIDEABLE = (*PARAMETERS[:8], "copy")
SPAN = 3  # the picture shows -3 to 3 on both axes


def explain(params):
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
def _explain(values):
    params = dict(zip(PARAMETERS, values, strict=True))
    with np.errstate(over="ignore", invalid="ignore"):  # it may diverge; the words say so
        run = _train(params)
    kind, headline, detail = _judge(run)
    text = (
        f"{params['data']} points, noise {short(params['noise'])}; "
        f"a {'-'.join(map(str, _sizes(params)))} network with {params['activation']}, "
        f"learning rate {short(params['learning_rate'])}, "
        f"batches of {min(params['batch_size'], params['points'])}; "
        f"epoch {run['epoch']}: {headline}{detail}."
    )
    return run | {"kind": kind, "text": text}


def _sizes(params):
    return [2, *[params["width"]] * params["depth"], 1]


def _train(params):
    points, batch = params["points"], params["batch_size"]
    X, y = make_points(PLACES[params["data"]], points, params["noise"], params["seed"])
    layers = make_layers(_sizes(params), params["seed"])
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


def _measure(layers, X, y, params):
    """Loss of training and of fresh points, then the shares that are right."""
    z = maths.forward(layers, X, params["activation"], "linear")[-1]
    losses = (np.logaddexp(0, z) - y * z).reshape(2, -1).mean(axis=1)
    right = ((z > 0) == (y == 1)).reshape(2, -1).mean(axis=1)
    return (*losses, *right)


def _percent(share):
    return f"{math.floor(100 * share + 0.5)} %"


def _judge(run):
    """Kind, headline and what to add."""
    train, fresh = run["losses"][-1], run["fresh_losses"][-1]
    now = (
        f"{_percent(run['right'])} of the training points are right (loss {short(train)}), "
        f"{_percent(run['fresh_right'])} of fresh points (loss {short(fresh)})"
    )
    smaller = "Try a smaller learning rate"
    if run["diverged"]:
        shown = "The picture shows the epoch before"
        return "diverges", "diverged", f": a weight passed 1,000,000. {shown}. {smaller}"
    if run["epoch"] == 0:
        return "start", "at the start", f". The weights are random; {now}"
    if train > 1.2 * max(run["losses"][0], math.log(2)):
        return "worse", "worse than at the start", f"; {now}. {smaller}"
    rise = max(0.0, float(np.diff(run["losses"][-10:]).max()))
    if run["epoch"] >= 10 and rise > 0.1:
        jump = f" up by {short(rise)} in one epoch; {now}. {smaller}"
        return "jumps", "the loss jumps", jump
    if fresh > 1.3 * train + 0.1:
        known = ": it knows the training points better than fresh ones"
        return "overfits", "overfitting", f"{known}; {now}"
    if train > 0.95 * math.log(2):
        return "guesses", "no better than guessing", f", which has loss 0.693; {now}"
    if run["right"] == 1:
        return "learned", "learned", f"; {now}"
    return "learns", "learning", f"; {now}"


# --- the explorer -----------------------------------------------------------------------------


class TrainingExplorer(anywidget.AnyWidget):
    """A network learns to tell two kinds of points apart, and its decision boundary moves.

    Args:
        data, points, noise, depth, width, activation, learning_rate, batch_size, seed: as the
            lesson's parameters. epochs: how far it is trained when it appears.
        hide: controls to leave out, names in `HIDEABLE`.

    Attributes:
        params: all settings. result: the training in Python, as `explain` returns it.
        text: what happened, in words. png: the picture.

    >>> TrainingExplorer(data="blobs", epochs=20, learning_rate=0.3).result["kind"]
    'learned'
    """

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
    hide = traitlets.List(traitlets.Unicode()).tag(sync=True)
    catalog = traitlets.Dict().tag(sync=True)

    _esm = figures.script("backprop")

    def __init__(self, **settings):
        unknown = sorted(settings.keys() - {*PARAMETERS, "hide"})
        if unknown:
            allowed = ", ".join([*PARAMETERS, "hide"])
            raise TypeError(f"TrainingExplorer has no setting {unknown[0]!r}; it has: {allowed}")
        checked = {name: _check(name, settings[name]) for name in settings.keys() - {"hide"}}
        super().__init__(catalog=_catalog(), hide=settings.get("hide", []), **checked)

    @traitlets.validate(*PARAMETERS)
    def _validate(self, proposal):
        return _check(proposal["trait"].name, proposal["value"])

    @traitlets.validate("hide")
    def _validate_hide(self, proposal):
        for name in proposal["value"]:
            if name not in HIDEABLE:
                allowed = ", ".join(HIDEABLE)
                raise ValueError(f"hide = {name!r} is no control; use some of: {allowed}")
        return list(proposal["value"])

    @property
    def params(self):
        """All settings, by name."""
        return {name: getattr(self, name) for name in PARAMETERS}

    @property
    def result(self):
        """The training, computed by labkit.maths.backprop."""
        return explain(self.params)

    @property
    def text(self):
        """What is shown and what happened, in words."""
        return self.result["text"]

    @property
    def png(self):
        """The picture of these settings, bytes of a PNG file."""
        return _draw(self.params)

    def texts(self):
        """What the copy buttons copy: label -> text."""
        return {
            "Copy as parameters": kit.as_parameters(self.params),
            "Copy as command": kit.as_command(self.lesson, self.params),
            "Copy as NumPy code": as_code("numpy", self.params),
            "Copy as Keras code": as_code("keras", self.params),
        }

    def walk(self):
        """Train at settings that cover all controls, and draw some; return how many were tried.

        Raises:
            ExplorerError: names the settings at which something failed or gave nan.
        """
        _try(self.params, drawn=True)
        return _walk_grid() + 1

    def html(self):
        """The explorer as HTML that trains in the page: no kernel, nothing to load.

        Where scripts are not run (an untrusted notebook) the picture and its caption show.
        """
        state = {key: getattr(self, key) for key in (*PARAMETERS, "lesson", "hide")}
        state |= {"catalog": self.catalog}
        return figures.living("backprop", self.png, self.text, self._esm, state, width=1000)

    def _repr_mimebundle_(self, **options):
        """The live widget, and forms that need no kernel: a page that trains, and a picture."""
        if kit.walks():
            _walk_grid_once()
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


def as_code(kind, params):
    """Return a script that trains this network and leaves its losses in `losses`.

    Args:
        kind: "numpy" or "keras".
        params: dict with all of `PARAMETERS`.

    >>> "np.tanh" in as_code("numpy", TrainingExplorer().params)
    True
    """
    code = _code()
    function, slope = code["functions"][params["activation"]]
    slots = {
        "settings": kit.as_parameters(params), "points": code["points"][params["data"]],
        "function": function, "slope": slope, "data": params["data"],
    }  # fmt: skip
    text = code[kind]
    for name, value in slots.items():
        text = text.replace(f"<<{name}>>", value)
    return text


@functools.cache
def _catalog():
    return {
        "choices": CHOICES | OFFERED,
        "ranges": {name: list(ends) for name, ends in RANGES.items()},
        "code": _code(),
    }


def _check(name, value):
    """The value, if the control can show it."""
    if name in CHOICES:
        if value not in CHOICES[name]:
            allowed = ", ".join(CHOICES[name])
            raise ValueError(f"{name} = {value!r} is not known; use one of: {allowed}")
        return value
    low, high = RANGES[name]
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise ValueError(f"{name} = {value!r}; use a number in [{low:g}, {high:.10g}]")
    if name in ("noise", "learning_rate"):
        return float(value)
    if value != int(value):
        raise ValueError(f"{name} = {value!r}; use a whole number")
    return int(value)


# --- walking over the settings ----------------------------------------------------------------


def _grid():
    """Settings that cover the controls: all choices, ends and middles of all ranges."""
    base = {"points": 20, "noise": 0.0, "width": 3, "batch_size": 10, "epochs": 3, "seed": 0}
    networks = itertools.product(CHOICES["data"], CHOICES["activation"], (0, 4))
    for (data, activation, depth), rate in itertools.product(networks, (0.0001, 0.1, 10.0)):
        yield base | {"data": data, "activation": activation, "depth": depth, "learning_rate": rate}
    corners = {"points": (20, 400), "noise": (0.0, 1.0), "width": (1, 8), "batch_size": (1, 400)}
    corners |= {"epochs": (1,), "seed": (0, 4294967295)}
    for values in itertools.product(*corners.values()):
        corner = dict(zip(corners, values, strict=True))
        yield {"data": "xor", "activation": "tanh", "depth": 2, "learning_rate": 1.0} | corner


def _walk_grid():
    """Train at all of them, draw some; return how many were tried."""
    settings = list(_grid())
    for number, params in enumerate(settings):
        _try(params, drawn=number % 50 == 0)
    return len(settings)


_walk_grid_once = functools.cache(_walk_grid)


def _try(params, drawn):
    try:
        run = explain(params)
        if not np.isfinite(run["losses"]).all() or "nan" in run["text"]:
            raise ValueError("the training holds a value that is no number")
        as_code("numpy", params)
        if drawn:
            _draw(params)
    except Exception as error:
        settings = kit.as_call("TrainingExplorer", params)
        raise kit.ExplorerError(f"{settings}: {type(error).__name__}: {error}") from error


# --- the picture of an executed copy ----------------------------------------------------------


def probabilities(layers, activation, cells=60):
    """Probability of class 1 on a grid over the picture, row by row from the top, (cells, cells).

    >>> probabilities([(np.zeros((2, 1)), np.zeros(1))], "tanh", cells=2).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    at = SPAN * ((2 * np.arange(cells) + 1) / cells - 1)
    x1, x2 = np.meshgrid(at, -at)
    X = np.stack([x1.ravel(), x2.ravel()], axis=1)
    return maths.forward(layers, X, activation)[-1].reshape(cells, cells)


def _draw(params):
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    run = explain(params)
    with matplotlib.style.context(figures.STYLE):
        figure = Figure(figsize=(9.0, 4.0), dpi=100)
        canvas = FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
        _draw_boundary(left, run, params)
        _draw_losses(right, run)
        canvas.draw()
    out = io.BytesIO()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    # 256 colors do: a fifth of the size, in every executed copy twice.
    picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


def _draw_boundary(ax, run, params):
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


def _draw_losses(ax, run):
    ax.plot(run["losses"], "-", color=figures.ORANGE, label="training points")
    ax.plot(run["fresh_losses"], "--", color=figures.PINK, label="fresh points")
    ax.axhline(math.log(2), color=figures.GRAY, linestyle=":", linewidth=1, label="guessing")
    ax.set(xlabel="epoch", ylabel="loss", xlim=(0, max(20, len(run["losses"]) - 1)))
    ax.set_ylim(0, min(4.0, max(0.8, run["losses"].max(), run["fresh_losses"].max()) * 1.05))
    ax.legend(fontsize=9)
