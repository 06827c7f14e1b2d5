"""Watch a Keras network learn, in the kernel and in a thread: the page stays responsive."""

from __future__ import annotations

import html
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from labkit import machine
from labkit.explore import figures, kit
from labkit.networks.checkpoint import Training

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

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

    def __init__(
        self,
        model: keras.Model,
        x: np.ndarray,
        y: np.ndarray,
        validation_data: tuple[np.ndarray, np.ndarray],
        epochs: int = 5,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        machine.needs("LiveTraining", "threads")
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

    def start(self) -> None:
        """Train on in the background until the end, `pause` or `stop`."""
        if not self.running and self._can_go_on():
            self._halt.clear()
            self._thread = threading.Thread(target=self._work, daemon=True, name="LiveTraining")
            self._thread.start()
            self._buttons()

    def pause(self) -> None:
        """Wait for the update that is running, then stand still."""
        self._halt.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._show()

    def stop(self) -> None:
        """Stand still, measure once more, and say how good the network is now."""
        self.pause()
        self._measure()
        self._stopped = True
        self._show()

    def run(self, updates: int) -> None:
        """Do so many updates now, and wait for them; fewer at the end."""
        self.pause()
        self._advance(updates)
        self._measure()
        self._show()

    def reset(self) -> None:
        """Back to the starting weights."""
        self.pause()
        self.training.restore(self._start)
        self._forget()
        self._set_rate()
        self._show()

    @property
    def running(self) -> bool:
        """Whether the thread trains."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def params(self) -> dict:
        """The settings that are parameters of the lesson."""
        return {"learning_rate": kit.read(self.controls["learning_rate"])}

    @property
    def text(self) -> str:
        """Where the training stands, in words."""
        return self._in_words()

    def texts(self) -> dict[str, str]:
        """Return what the copy buttons copy: label -> text."""
        return {
            "Copy as parameters": kit.as_parameters(self.params),
            "Copy as command": kit.as_command(self.lesson, self.params),
        }

    def walk(self) -> int:
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

    def _walk_once(self, rate: kit.LogSlider, value: float) -> None:
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

    def _build_controls(self) -> None:
        rate = _learning_rate(self.training.model)
        slow, fast = min(1e-5, rate), max(10.0, rate)
        self.controls = {
            "learning_rate": kit.log_slider(rate, slow, fast, description="learning rate"),
            "speed": kit.choice(0, SPEEDS, description="speed"),
        }
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
        self._view, self._status, self._copies = widgets.HTML(), widgets.HTML(), kit.CopyButtons()
        self._status.add_class("labkit-status")
        row = widgets.HBox(list(self._button.values()), layout={"flex_flow": "row wrap"})
        controls = kit.arranged(self.controls)
        parts = [row, controls, self._view, self._status, self._copies]
        super().__init__(children=parts)
        self.add_class("labkit-explorer")

    def _act(self, action: Callable[[], None]) -> None:
        """Run what a button asks for; a failure is said in the status line and raised."""
        try:
            action()
        except Exception as error:
            self._status.value = f"{type(error).__name__}: {error}"
            raise

    def _rate_changed(self, _change: dict) -> None:
        self._set_rate()
        self._show()

    def _set_rate(self) -> None:
        self.training.model.optimizer.learning_rate = kit.read(self.controls["learning_rate"])

    def _forget(self) -> None:
        self.curves = {"updates": [], "loss": [], "accuracy": []}
        self._failure, self._stopped = "", False

    def _can_go_on(self) -> bool:
        return self.training.step < self.total and not self._diverged()

    def _diverged(self) -> bool:
        losses = self.training.losses
        return bool(losses) and not math.isfinite(losses[-1])

    def _work(self) -> None:
        """Do update after update in the thread, with pictures, until told to stand still."""
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

    def _advance(self, updates: int) -> None:
        every = max(1, self.training.steps_per_epoch // CHECKS)
        for _ in range(updates):
            if not self._can_go_on():
                break
            with self._lock:
                self.training.take_step()
                self._stopped = False
                if self.training.step % every == 0:
                    self._measure()

    def _measure(self) -> None:
        """Note loss and accuracy on the validation data; nothing is learned from them."""
        with self._lock:
            if self.curves["updates"][-1:] == [self.training.step]:
                return
            x, y = self.validation_data
            logs = self.training.model.test_on_batch(x, y, return_dict=True)
            for name in ("loss", "accuracy"):
                self.curves[name].append(float(logs[name]))
            self.curves["updates"].append(self.training.step)

    # ---- picture and words

    def _build(self, figure: Figure) -> dict:
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

    def _render(self) -> None:
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
    def png(self) -> bytes:
        """The picture, bytes of a PNG file; few colors make it small in an executed copy."""
        self._render()
        return figures.small_png(self._pixels)

    def _show(self) -> None:
        with self._lock:
            self._render()
            height, width = self._pixels.shape[:2]
            png = figures.encode_png(self._pixels, level=1)
            self._view.value = figures.image(png, self.text, (width, height))
            self._status.value = html.escape(self.text)
            self._copies.texts = self.texts()
            self._buttons()

    def _buttons(self) -> None:
        running, more = self.running, self._can_go_on()
        self._button["start"].description = "Go on" if self.training.step else "Start"
        self._button["start"].disabled = running or not more
        self._button["pause"].disabled = not running
        for name in ("step", "epoch"):
            self._button[name].disabled = not more

    def _in_words(self) -> str:
        done, per_epoch = self.training.step, self.training.steps_per_epoch
        rate = kit.short(kit.read(self.controls["learning_rate"]))
        where = f"Learning rate {rate}; {done} of {self.total} updates"
        where += f", epoch {done / per_epoch:.2f}"
        if self._failure:
            return f"{where}: it failed with {self._failure}."
        if self._diverged():
            return f"{where}: diverged, the loss is no longer a number. Reset, and a smaller rate."
        if done == 0:
            return f"{where}: not trained yet."
        loss = np.mean(self.training.losses[-SMOOTH:])
        now = f"training loss {kit.short(loss)} (mean of the last {min(done, SMOOTH)} batches)"
        if self.curves["updates"]:
            right = self.curves["accuracy"][-1]
            now += f"; {right:.1%} of the validation images right"
        state = "training" if self.running else "standing still; the network keeps what it learned"
        if done >= self.total:
            state = "finished; the network keeps what it learned"
        elif self._stopped:
            state = "stopped; the network keeps what it learned and is yours to use"
        return f"{where}: {now}. It is {state}."

    def _repr_mimebundle_(self, **options: Any) -> dict:
        """Return the live widget, and a picture for viewers without a kernel."""
        live = super()._repr_mimebundle_(**options) or {}
        shown = (self._pixels.shape[1], type(self).__name__, self.params)
        still = kit.still_bundle(self.png, self.text, *shown, note=kit.headless())
        return still if kit.headless() else live | still


def _learning_rate(model: keras.Model) -> float:
    """Return the learning rate of the optimizer in few digits: 0.001, not 0.0010000000474974513."""
    rate = model.optimizer.get_config()["learning_rate"]
    if isinstance(rate, dict):  # a schedule
        raise ValueError(
            f"the learning rate of the optimizer is a {rate['class_name']}; LiveTraining turns it "
            "by hand, so give the optimizer a number"
        )
    return float(f"{rate:.6g}")


def _running_mean(values: np.ndarray, count: int) -> np.ndarray:
    """Return means of `count` neighbors, one for each place that has as many before it.

    >>> _running_mean(np.array([1.0, 2.0, 3.0]), 2).tolist()
    [1.5, 2.5]
    """
    if len(values) < count:
        return np.zeros(0)
    sums = np.cumsum(np.concatenate([[0.0], values]))
    return (sums[count:] - sums[:-count]) / count
