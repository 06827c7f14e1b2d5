"""Two explorers of a first network: draw a digit for it, and watch it learn.

`DigitExplorer` computes in the page (network.js), so that the network answers while one draws, also
in an HTML page without a kernel; Python computes the same for `image`, `probabilities`, `text` and
the picture in an executed copy. tests/test_explore_network.py holds the two together.
`LiveTraining` trains a Keras network in the kernel, in a thread: the page stays responsive.
"""

import base64
import functools
import io
import itertools
import math
import threading
import time

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets

from labkit.explore import figures, kit
from labkit.explore.descent import short
from labkit.maths import backprop as maths

# --- a drawing --------------------------------------------------------------------------------

SIDE = 28  # the field in pixels of the network
FINE = 5  # cells of ink along each of them
CELLS = SIDE * FINE
BOX = 20  # MNIST fits the digit into a box of 20 x 20 pixels ...
CENTER = 14.5  # ... and its center of mass into the pixel in row and column 14, counted from 0
SOFT = 0.4  # width of a stroke's soft edge, in pixels
TRACE = 0.02  # less ink than this is none
LONGEST = 20_000  # numbers in all strokes of a drawing


def ink_of(strokes, pen):
    """Return the ink of strokes: array (140, 140), 0 for none to 1.

    Args:
        strokes: each a list x, y, x, y, ... of places in pixels, 0 to 28 from the upper left.
        pen: width of the pen in pixels.

    >>> round(float(ink_of([[14, 14]], pen=2.0).sum()) / 25, 1)  # a dot: about pi
    3.2
    """
    ink = np.zeros((CELLS, CELLS))
    at = (np.arange(CELLS) + 0.5) / FINE
    for stroke in strokes:
        points = np.reshape(np.asarray(stroke, dtype=float), (-1, 2))
        for begin, end in zip(points[[0, *range(len(points) - 1)]], points, strict=True):
            _add_segment(ink, at, begin, end, pen)
    return ink


def _add_segment(ink, at, begin, end, pen):
    reach = pen / 2 + SOFT
    columns, rows = (
        slice(*np.searchsorted(at, [min(a, b) - reach - 0.2, max(a, b) + reach + 0.2]))
        for a, b in zip(begin, end, strict=True)
    )
    x, y = at[columns] - begin[0], (at[rows] - begin[1])[:, None]
    dx, dy = end - begin
    length = dx * dx + dy * dy
    t = np.clip((x * dx + y * dy) / length, 0, 1) if length > 0 else 0.0  # the nearest point
    distance = np.hypot(x - t * dx, y - t * dy)
    value = np.clip((pen / 2 - distance) / SOFT + 0.5, 0, 1)
    ink[rows, columns] = np.maximum(ink[rows, columns], value)


def resample(ink, left, top, width):
    """Return means of the ink over 28 x 28 squares of `width` cells, the first at (left, top).

    >>> resample(np.ones((140, 140)), 0, 0, 5).shape
    (28, 28)
    """

    def shares(start):
        edges = start + width * np.arange(SIDE + 1)
        cells = np.arange(CELLS)
        low = np.maximum(cells, edges[:-1, None])
        high = np.minimum(cells + 1, edges[1:, None])
        return np.maximum(high - low, 0) / width  # (28, 140)

    return shares(top) @ ink @ shares(left).T


def center_ink(ink):
    """Return the 28 x 28 image of a drawing as MNIST prepares its digits.

    The longer side of the drawing becomes 20 pixels, and its center of mass comes to lie in the
    pixel of row 14 and column 14, counted from 0.

    Source: LeCun, Cortes and Burges, the description of the MNIST database.

    >>> image = center_ink(ink_of([[2, 2, 2, 6]], pen=1.0))  # a short stroke in a corner
    >>> lit = np.flatnonzero(image.sum(axis=1) > 0.01)
    >>> int(lit[0]), int(lit[-1])  # 20 pixels long, from the middle of row 4 to that of row 24
    (4, 24)
    """
    rows, columns = np.nonzero(ink > TRACE)
    if len(rows) == 0:
        return np.zeros((SIDE, SIDE))
    width = max(np.ptp(rows) + 1, np.ptp(columns) + 1) / BOX
    at = np.arange(CELLS) + 0.5
    mass = ink.sum()
    x, y = ink.sum(axis=0) @ at / mass, ink.sum(axis=1) @ at / mass
    return resample(ink, x - CENTER * width, y - CENTER * width, width)


def image_of(strokes, pen, center, example=None):
    """Return the 28 x 28 numbers that the network gets.

    Args:
        strokes, pen: as for `ink_of`.
        center: whether to center and scale the drawing as MNIST does.
        example: an image (28, 28) on which was drawn; it is centered already. None for a blank.
    """
    ink = _known_ink(tuple(map(tuple, strokes)), pen)
    if example is None:
        return center_ink(ink) if center else resample(ink, 0, 0, FINE)
    return np.maximum(resample(ink, 0, 0, FINE), example)


_known_ink = functools.lru_cache(maxsize=32)(ink_of)


# --- the network ------------------------------------------------------------------------------

# One character a weight keeps the 397,510 numbers of 784-500-10 below half a megabyte.
CODES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
MIDDLE, MOST = 32, 31  # the place of a weight 0, and how far others lie from it at most


def pack(model):
    """Return the Dense layers of a model for the page: every weight rounded to 6 bits.

    Args:
        model: a Keras Sequential of Flatten, Dense and Dropout layers, ReLU inside, softmax at the
            end.

    Returns:
        A list of dicts: inputs, units, codes (one character for each weight, its place in `CODES`
        less 32), steps (what a unit's numbers are multiplied by), biases.

    Raises:
        ValueError: the model has other layers or other activations; the message names the first.
    """
    dense = [layer for layer in model.layers if _is_dense(layer)]
    wanted = ["relu"] * (len(dense) - 1) + ["softmax"]
    for layer, name in zip(dense, wanted, strict=True):
        if layer.activation.__name__ != name:
            raise ValueError(
                f"layer {layer.name} has the activation {layer.activation.__name__!r}; the page "
                f"computes hidden layers with 'relu' and the last one with 'softmax'"
            )
    return [_pack_layer(*layer.get_weights()) for layer in dense]


def _is_dense(layer):
    kind = type(layer).__name__
    if kind not in ("Dense", "Flatten", "Dropout", "InputLayer"):
        raise ValueError(
            f"layer {layer.name} is a {kind}; the page computes Dense layers only "
            "(with Flatten and Dropout around them)"
        )
    return kind == "Dense"


def _pack_layer(W, b):
    steps = np.abs(W).max(axis=0) / MOST
    steps[steps == 0] = 1.0  # a unit whose weights are all 0
    codes = np.rint(W / steps).astype(int).ravel() + MIDDLE
    return {
        "inputs": W.shape[0],
        "units": W.shape[1],
        "codes": np.frombuffer(CODES.encode(), np.uint8)[codes].tobytes().decode(),
        "steps": [float(f"{step:.7g}") for step in steps],
        "biases": [float(f"{bias:.7g}") for bias in b],
    }


def unpack(layers):
    """Return the layers of `pack` as pairs (W, b) for `labkit.maths.backprop.forward`."""
    places, pairs = np.zeros(128, dtype=int), []
    places[np.frombuffer(CODES.encode(), np.uint8)] = np.arange(len(CODES))
    for each in layers:
        numbers = places[np.frombuffer(each["codes"].encode(), np.uint8)] - MIDDLE
        W = numbers.reshape(each["inputs"], each["units"]) * np.array(each["steps"])
        pairs.append((W, np.array(each["biases"])))
    return pairs


# --- its words --------------------------------------------------------------------------------


def in_words(chances, digit, count):
    """Return (kind, text): what the network answers; kind is "sure", "leans" or "torn".

    Args:
        chances: ten probabilities. digit: of the held-out image underneath, -1 for none.
        count: number of strokes.

    >>> in_words([0.05] + [0.0] * 2 + [0.95] + [0.0] * 6, digit=-1, count=2)
    ('sure', 'A drawing of 2 strokes: the network is sure, 3 (probability 0.950).')
    """
    strokes = f"{count} stroke" if count == 1 else f"{count} strokes"
    what = f"A drawing of {strokes}" if count else "An empty field"
    if digit >= 0:
        what = f"A held-out image of a {digit}" + (f" with {strokes} added" if count else "")
    order = np.argsort(-np.asarray(chances), kind="stable")
    first, second = (f"{k} (probability {chances[k]:.3f})" for k in order[:2])
    top = chances[order[0]]
    if top >= 0.9:
        return "sure", f"{what}: the network is sure, {first}."
    if top < 0.5:
        return "torn", f"{what}: the network is torn, {first} or {second}."
    return "leans", f"{what}: the network says {first}; next comes {second}."


# --- draw a digit -----------------------------------------------------------------------------

PARAMETERS = ("digit", "pen", "center")


class DigitExplorer(anywidget.AnyWidget):
    """Draw a digit with the mouse or the keyboard; the network answers with every stroke.

    Args:
        model: a trained Keras network of Dense layers, ReLU inside and softmax at the end.
        images: ten held-out images, one of each digit from 0 to 9, shape (10, 28, 28, 1) in [0, 1].
        digit: which of them lies on the field at first, -1 for an empty field.
        pen: width of the pen in pixels of the network, 1 to 5.
        center: whether a drawing is centered and scaled as MNIST does.
        strokes: a drawing to begin with, lists x, y, x, y, ... in pixels, as "Copy the drawing"
            gives it.

    Attributes:
        image: what the network sees, array (28, 28). probabilities: its ten answers.
        text: the answer in words. png: the picture.

    The page holds the weights rounded to 6 bits; lesson 10 measures what that changes.
    """

    lesson = traitlets.Unicode("10").tag(sync=True)
    layers = traitlets.List().tag(sync=True)
    examples = traitlets.Unicode().tag(sync=True)
    digit = traitlets.Int(-1).tag(sync=True)
    pen = traitlets.Float(2.0).tag(sync=True)
    center = traitlets.Bool(True).tag(sync=True)
    strokes = traitlets.List().tag(sync=True)

    _esm = figures.script("network")

    def __init__(self, model, images, digit=-1, pen=2.0, center=True, strokes=()):
        images = np.asarray(images)
        if images.shape not in ((10, SIDE, SIDE, 1), (10, SIDE, SIDE)):
            raise ValueError(
                f"images has shape {images.shape}; give one of each digit, (10, 28, 28, 1)"
            )
        pixels = np.rint(255 * images).astype(np.uint8)
        super().__init__(
            layers=pack(model),
            examples=base64.b64encode(pixels.tobytes()).decode(),
            digit=digit, pen=float(pen), center=center,
            strokes=[list(map(float, stroke)) for stroke in strokes],
        )  # fmt: skip

    @traitlets.validate("digit")
    def _validate_digit(self, proposal):
        if not -1 <= proposal["value"] <= 9:
            raise ValueError(f"digit = {proposal['value']}; use 0 to 9, or -1 for an empty field")
        return proposal["value"]

    @traitlets.validate("pen")
    def _validate_pen(self, proposal):
        if not 1 <= proposal["value"] <= 5:
            raise ValueError(f"pen = {proposal['value']:g}; use a width in [1, 5] pixels")
        return proposal["value"]

    @traitlets.validate("strokes")
    def _validate_strokes(self, proposal):
        strokes = proposal["value"]
        if sum(map(len, strokes)) > LONGEST:
            raise ValueError(f"strokes hold more than {LONGEST:,} numbers")
        for stroke in strokes:
            inside = all(isinstance(v, int | float) and 0 <= v <= SIDE for v in stroke)
            if not inside or len(stroke) < 2 or len(stroke) % 2:
                raise ValueError(
                    "a stroke is a list x, y, x, y, ... of numbers in [0, 28]; "
                    f"got {str(stroke)[:60]}"
                )
        return strokes

    @property
    def params(self):
        """All settings but the strokes, by name."""
        return {name: getattr(self, name) for name in PARAMETERS}

    @property
    def image(self):
        """What the network sees, array (28, 28) of numbers in [0, 1]."""
        example = self._example(self.digit) if self.digit >= 0 else None
        return image_of(self.strokes, self.pen, self.center, example)

    @property
    def probabilities(self):
        """The ten answers, with weights rounded to 6 bits as in the page."""
        return self._answer(self.image[None])[0]

    @property
    def text(self):
        """The answer in words."""
        return in_words(self.probabilities, self.digit, len(self.strokes))[1]

    @property
    def png(self):
        """The picture of this state, bytes of a PNG file."""
        return _draw_answer(self)

    def texts(self):
        """What the copy buttons copy: label -> text."""
        drawing = [[int(v) if v == int(v) else v for v in stroke] for stroke in self.strokes]
        return {
            "Copy as parameters": kit.as_parameters(self.params),
            "Copy as command": kit.as_command(self.lesson, self.params),
            "Copy the drawing": f"strokes = {drawing}",
        }

    def walk(self):
        """Answer at all settings with several drawings; return how many were tried.

        Raises:
            ExplorerError: names the settings at which something failed or gave no probability.
        """
        settings = list(_walk_settings())
        for number, (digit, pen, center, strokes) in enumerate(settings):
            self._try(digit, pen, center, strokes, drawn=number % 60 == 0)
        return len(settings)

    def html(self):
        """The explorer as HTML that works in the page: no kernel, nothing to load.

        Where scripts are not run (an untrusted notebook) the picture and its caption show.
        """
        names = ("lesson", "layers", "examples", "strokes", *PARAMETERS)
        state = {name: getattr(self, name) for name in names}
        return figures.living("digit", self.png, self.text, self._esm, state, width=1000)

    def _repr_mimebundle_(self, **options):
        """The live widget, and forms that need no kernel: a page that answers, and a picture."""
        if kit.headless():
            self.walk()
        live, metadata = super()._repr_mimebundle_(**options)
        still = {"text/html": self.html(), "text/plain": self.text}
        # A widget without its kernel shows an error in JupyterLab: leave it out of executed copies.
        return (still if kit.headless() else live | still), metadata

    @functools.cached_property
    def _network(self):
        return unpack(self.layers)

    def _answer(self, images):
        X = np.reshape(images, (len(images), SIDE * SIDE))
        return maths.forward(self._network, X, "relu", "softmax")[-1]

    def _example(self, digit):
        pixels = np.frombuffer(base64.b64decode(self.examples), dtype=np.uint8)
        return pixels.reshape(10, SIDE, SIDE)[digit] / 255

    def _try(self, digit, pen, center, strokes, drawn):
        settings = {"digit": digit, "pen": pen, "center": center, "strokes": strokes}
        try:
            example = self._example(digit) if digit >= 0 else None
            image = image_of(strokes, pen, center, example)
            chances = self._answer(image[None])[0]
            if image.min() < 0 or image.max() > 1 + 1e-9:
                raise ValueError(f"pixels from {image.min()} to {image.max()}")
            if not math.isclose(chances.sum(), 1, abs_tol=1e-9):
                raise ValueError(f"the probabilities add up to {chances.sum()}")
            in_words(chances, digit, len(strokes))
            if drawn:
                _draw_answer(self, image, chances)
        except Exception as error:
            call = kit.as_call("DigitExplorer", settings)
            raise kit.ExplorerError(f"{call}: {type(error).__name__}: {error}") from error


DRAWINGS = {  # for walking: nothing, a dot, corners, and a digit of three strokes
    "empty": [],
    "dot": [[14.0, 14.0]],
    "edge": [[0.0, 0.0, 28.0, 0.0], [28.0, 28.0]],
    "small": [[3.0, 3.0, 6.0, 4.5, 3.5, 9.0]],
    "four": [[9.0, 4.0, 7.0, 15.0, 20.0, 15.0], [17.0, 5.0, 16.0, 24.0]],
    "all over": [[0.5 * k % 28, 3.1 * k % 28][axis] for k in range(40) for axis in (0, 1)],
}
DRAWINGS["all over"] = [DRAWINGS["all over"]]


def _walk_settings():
    """Every control over its range, with each drawing."""
    for digit, strokes in itertools.product(range(-1, 10), DRAWINGS.values()):
        yield digit, 2.0, True, strokes
    pens = (1.0, 2.75, 5.0)
    for pen, center, strokes in itertools.product(pens, (True, False), DRAWINGS.values()):
        yield -1, pen, center, strokes


def _draw_answer(explorer, image=None, chances=None):
    """PNG: the field, what the network sees, and its ten answers."""
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    image = explorer.image if image is None else image
    chances = explorer.probabilities if chances is None else chances
    field = ink_of(explorer.strokes, explorer.pen)
    if explorer.digit >= 0:
        large = np.kron(explorer._example(explorer.digit), np.ones((FINE, FINE)))
        field = np.maximum(field, large)
    with matplotlib.style.context(figures.STYLE):
        figure = Figure(figsize=(9.0, 3.0), dpi=90)
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots(1, 3, width_ratios=[1, 1, 1.4])
        for ax, pixels, title in zip(
            axes, (field, image), ("the field", "what the network sees"), strict=False
        ):
            ax.imshow(pixels, cmap="gray", vmin=0, vmax=1, extent=(0, SIDE, SIDE, 0))
            ax.set(title=title, xticks=[], yticks=[])
            ax.grid(visible=False)
        colors = [figures.ORANGE if c == max(chances) else figures.SKY for c in chances]
        axes[2].barh(range(10), chances, color=colors)
        axes[2].set(xlim=(0, 1), xlabel="probability", ylabel="digit", yticks=range(10))
        axes[2].invert_yaxis()
        canvas.draw()
    return _small_png(np.asarray(canvas.buffer_rgba())[..., :3])


def _small_png(pixels):
    from PIL import Image

    out = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


# --- watch a training -------------------------------------------------------------------------

SPEEDS = {"5 updates a second": 5, "50 a second": 50, "as fast as it can": 0}
SMOOTH = 20  # updates that the bold training curve averages over
CHECKS = 4  # measurements on the validation data in each epoch
PICTURE_EVERY = 0.15  # seconds
LOWEST, HIGHEST = 0.003, 10.0  # losses that the picture shows


class LiveTraining(widgets.VBox):
    """Watch a Keras network learn; pause, step and stop keep what it has learned.

    The training runs in a thread of the kernel: other cells can run meanwhile. After "Pause" or
    "Stop" nothing changes the network any more, so it can be used, saved, or trained on.

    Args:
        model: a compiled Keras model with accuracy among its metrics.
        x, y: training examples.
        validation_data: inputs and targets that it does not learn from.
        epochs: passes over the examples until it stops by itself.
        batch_size, seed: as for `labkit.networks.checkpoint.Training`.

    Attributes:
        training: the `Training`, with the model, the step and all losses.
        curves: what was measured: "updates" and "loss" and "accuracy" on the validation data.
        text: where it stands, in words. png: the picture.
    """

    lesson = "10"

    def __init__(self, model, x, y, validation_data, epochs=5, batch_size=64, seed=0):
        from labkit.networks.checkpoint import Training

        self.training = Training(model, x, y, batch_size, seed)
        self.validation_data = validation_data
        self.total = epochs * self.training.steps_per_epoch
        self._start = self.training.state()
        self._lock = threading.RLock()  # one at a time changes the network or the curves
        self._halt, self._thread = threading.Event(), None
        self._build_controls()
        self._picture = kit.Picture(self._build, (9.0, 3.4), 100)
        self._forget()
        self._show()
        if kit.headless():
            self.walk()
            self.reset()
            self.run(self.total)

    # ---- what the buttons do

    def start(self):
        """Train on in the background until the end, `pause` or `stop`."""
        if not self.running and self._can_go_on():
            self._halt.clear()
            self._thread = threading.Thread(target=self._work, daemon=True, name="LiveTraining")
            self._thread.start()
            self._buttons()

    def pause(self):
        """Wait for the update that is running, then stand still."""
        self._halt.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._show()

    def stop(self):
        """Stand still, measure once more, and say how good the network is now."""
        self.pause()
        self._measure()
        self._stopped = True
        self._show()

    def run(self, updates):
        """Do so many updates now, and wait for them; fewer at the end."""
        self.pause()
        self._advance(updates)
        self._measure()
        self._show()

    def reset(self):
        """Back to the starting weights."""
        self.pause()
        self.training.restore(self._start)
        self._forget()
        self._set_rate()
        self._show()

    @property
    def running(self):
        """Whether the thread trains."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def params(self):
        """The settings that are parameters of the lesson."""
        return {"learning_rate": kit.read(self.controls["learning_rate"])}

    @property
    def text(self):
        """Where the training stands, in words."""
        return self._in_words()

    def texts(self):
        """What the copy buttons copy: label -> text."""
        return {
            "Copy as parameters": kit.as_parameters(self.params),
            "Copy as command": kit.as_command(self.lesson, self.params),
        }

    def walk(self):
        """Press every button, at small, usual and wild learning rates; return how many were tried.

        Raises:
            ExplorerError: what failed, or what was lost by a pause or a stop.
        """
        rate, tried = self.controls["learning_rate"], 0
        before = rate.value
        for value in (rate.low, before, rate.high):
            try:
                self._walk_once(rate, value)
            except Exception as error:
                where = f"LiveTraining at learning_rate={value:g}"
                raise kit.ExplorerError(f"{where}: {type(error).__name__}: {error}") from error
            tried += 1
        rate.value = before
        self.reset()
        return tried

    def _walk_once(self, rate, value):
        self.reset()
        rate.value = value
        self.run(1)
        self.start()
        self.pause()
        held = self.training.state()
        self.stop()
        for kept, now in zip(held["arrays"], self.training.state()["arrays"], strict=True):
            if not np.array_equal(kept, now, equal_nan=True):
                raise AssertionError("the network changed although nothing trains it")
        self._render()

    # ---- inside

    def _build_controls(self):
        rate = _learning_rate(self.training.model)
        slow, fast = min(1e-5, rate), max(10.0, rate)
        self.controls = {
            "learning_rate": kit.log_slider(rate, slow, fast, description="learning rate"),
            "speed": kit.choice(0, SPEEDS, description="speed"),
        }
        for control in self.controls.values():
            control.style.description_width = "8.2em"
        self.controls["learning_rate"].layout.width = "min(36em, 98%)"
        self.controls["learning_rate"].observe(self._rate_changed, "value")
        self._button = {
            name: widgets.Button(description=label, layout={"width": "auto"}, tooltip=tip)
            for name, label, tip in [
                ("start", "Start", "train, or go on"),
                ("pause", "Pause", "stand still and keep what was learned"),
                ("step", "1 update", "one batch, one change of the weights"),
                ("epoch", "1 epoch", "one pass over all training images"),
                ("stop", "Stop", "end here, keep what was learned, measure it"),
                ("reset", "Reset", "back to the starting weights"),
            ]
        }
        epoch = self.training.steps_per_epoch
        actions = {
            "start": self.start, "pause": self.pause, "stop": self.stop, "reset": self.reset,
            "step": lambda: self.run(1), "epoch": lambda: self.run(epoch),
        }  # fmt: skip
        for name, button in self._button.items():
            button.on_click(lambda _, act=actions[name]: self._act(act))
        self._view, self._status, self._texts = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._status.add_class("labkit-status")
        self._texts.add_class("labkit-texts")
        row = widgets.HBox(list(self._button.values()), layout={"flex_flow": "row wrap"})
        parts = [row, *self.controls.values(), self._view, self._status, self._texts]
        super().__init__(children=[*parts, kit._script()])
        self.add_class("labkit-explorer")

    def _act(self, action):
        """Run what a button asks for; a failure is said in the status line and raised."""
        try:
            action()
        except Exception as error:
            self._status.value = f"{type(error).__name__}: {error}"
            raise

    def _rate_changed(self, _):
        self._set_rate()
        self._show()

    def _set_rate(self):
        self.training.model.optimizer.learning_rate = kit.read(self.controls["learning_rate"])

    def _forget(self):
        self.curves = {"updates": [], "loss": [], "accuracy": []}
        self._failure, self._stopped = "", False

    def _can_go_on(self):
        return self.training.step < self.total and not self._diverged()

    def _diverged(self):
        losses = self.training.losses
        return bool(losses) and not math.isfinite(losses[-1])

    def _work(self):
        """What the thread does: update after update, with pictures, until told to stand still."""
        shown = 0.0
        try:
            while self._can_go_on() and not self._halt.is_set():
                began = time.perf_counter()
                self._advance(1)
                if began - shown > PICTURE_EVERY:
                    self._show()
                    shown = began
                if pace := self.controls["speed"].value:
                    self._halt.wait(max(0.0, began + 1 / pace - time.perf_counter()))
            if not self._halt.is_set():  # it came to its end by itself
                self._measure()
        except Exception as error:  # a thread has nobody to raise to: say it
            self._failure = f"{type(error).__name__}: {error}"
        finally:
            self._thread = None
            self._show()

    def _advance(self, updates):
        every = max(1, self.training.steps_per_epoch // CHECKS)
        for _ in range(updates):
            if not self._can_go_on():
                break
            with self._lock:
                self.training.take_step()
                self._stopped = False
                if self.training.step % every == 0:
                    self._measure()

    def _measure(self):
        """Loss and accuracy on the validation data; nothing is learned from them."""
        with self._lock:
            if self.curves["updates"][-1:] == [self.training.step]:
                return
            x, y = self.validation_data
            logs = self.training.model.test_on_batch(x, y, return_dict=True)
            for name in ("loss", "accuracy"):
                self.curves[name].append(float(logs[name]))
            self.curves["updates"].append(self.training.step)

    # ---- picture and words

    def _build(self, figure):
        left, right = figure.subplots(1, 2)
        epochs = self.total / self.training.steps_per_epoch
        left.set(xlim=(0, epochs), ylim=(LOWEST, HIGHEST), yscale="log")
        left.set(xlabel="epoch", ylabel="loss (cross-entropy)")
        right.set(xlim=(0, epochs), ylim=(0, 100), xlabel="epoch", ylabel="right answers (%)")
        (each,) = left.plot([], [], "-", color=figures.SKY, linewidth=1, label="each batch")
        (mean,) = left.plot([], [], "-", color=figures.BLUE, label=f"mean of {SMOOTH}")
        style = {"color": figures.ORANGE, "marker": "o", "markersize": 4, "linestyle": "--"}
        (held,) = left.plot([], [], label="validation", **style)
        (accuracy,) = right.plot([], [], label="validation", **style)
        left.legend(fontsize=9)
        return {"each": each, "mean": mean, "held": held, "accuracy": accuracy}

    def _render(self):
        with self._lock:
            artists, per_epoch = self._picture.moving, self.training.steps_per_epoch
            losses = np.clip(np.nan_to_num(self.training.losses, nan=HIGHEST), LOWEST, HIGHEST)
            at = (np.arange(len(losses)) + 1) / per_epoch
            artists["each"].set_data(at, losses)
            artists["mean"].set_data(at[SMOOTH - 1 :], _running_mean(losses, SMOOTH))
            checked = np.array(self.curves["updates"]) / per_epoch
            held = np.nan_to_num(self.curves["loss"], nan=HIGHEST, posinf=HIGHEST)
            artists["held"].set_data(checked, np.clip(held, LOWEST, HIGHEST))
            artists["accuracy"].set_data(checked, 100 * np.array(self.curves["accuracy"]))
            self._pixels = self._picture.draw().copy()

    @property
    def png(self):
        """The picture, bytes of a PNG file; few colors make it small in an executed copy."""
        self._render()
        return _small_png(self._pixels[..., :3])

    def _show(self):
        with self._lock:
            self._render()
            words = figures.html.escape(self.text)
            height, width = self._pixels.shape[:2]
            self._view.value = (
                f'<img alt="{words}" width="{width}" height="{height}" decoding="sync" '
                f'style="{figures.IMAGE_STYLE};width:auto;max-width:100%" '
                f'src="{figures.data_address(figures.encode_png(self._pixels, level=1))}">'
            )
            self._status.value = words
            self._texts.value = kit._copy_html(self.texts())
            self._buttons()

    def _buttons(self):
        running, more = self.running, self._can_go_on()
        self._button["start"].description = "Go on" if self.training.step else "Start"
        self._button["start"].disabled = running or not more
        self._button["pause"].disabled = not running
        for name in ("step", "epoch"):
            self._button[name].disabled = not more

    def _in_words(self):
        done, per_epoch = self.training.step, self.training.steps_per_epoch
        rate = short(kit.read(self.controls["learning_rate"]))
        where = f"Learning rate {rate}; {done} of {self.total} updates"
        where += f", epoch {done / per_epoch:.2f}"
        if self._failure:
            return f"{where}: it failed with {self._failure}."
        if self._diverged():
            return f"{where}: diverged, the loss is no longer a number. Reset, and a smaller rate."
        if done == 0:
            return f"{where}: not trained yet."
        loss = np.mean(self.training.losses[-SMOOTH:])
        now = f"training loss {short(loss)} (mean of the last {min(done, SMOOTH)} batches)"
        if self.curves["updates"]:
            right = self.curves["accuracy"][-1]
            now += f"; {right:.1%} of the validation images right"
        state = "training" if self.running else "standing still; the network keeps what it learned"
        if done >= self.total:
            state = "finished; the network keeps what it learned"
        elif self._stopped:
            state = "stopped; the network keeps what it learned and is yours to use"
        return f"{where}: {now}. It is {state}."

    def _repr_mimebundle_(self, **options):
        """The live widget, and a picture for viewers without a kernel."""
        live = super()._repr_mimebundle_(**options) or {}
        still = figures.bundle(self.png, self.text, width=self._pixels.shape[1])
        return still if kit.headless() else live | still


def _learning_rate(model):
    """Learning rate of the optimizer in few digits: 0.001, not 0.0010000000474974513."""
    rate = model.optimizer.get_config()["learning_rate"]
    if isinstance(rate, dict):  # a schedule
        raise ValueError(
            f"the learning rate of the optimizer is a {rate['class_name']}; LiveTraining turns it "
            "by hand, so give the optimizer a number"
        )
    return float(f"{rate:.6g}")


def _running_mean(values, count):
    """Means of `count` neighbors, one for each place that has as many before it.

    >>> _running_mean(np.array([1.0, 2.0, 3.0]), 2).tolist()
    [1.5, 2.5]
    """
    if len(values) < count:
        return np.zeros(0)
    sums = np.cumsum(np.concatenate([[0.0], values]))
    return (sums[count:] - sums[:-count]) / count
