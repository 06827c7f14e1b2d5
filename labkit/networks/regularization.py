"""Train well: watch every epoch, repeat, compare with intervals, find a rate, schedule, ensemble.

The cures themselves (L1, L2, dropout, batch normalization) are plain Keras layers and options;
here is what is needed around them to say whether they helped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import pi
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labkit.maths.intervals import Comparison as Comparison
from labkit.maths.intervals import compare as compare
from labkit.maths.intervals import mean_interval as mean_interval
from labkit.networks.training import fit

if TYPE_CHECKING:
    import keras
    from keras.optimizers.schedules import LearningRateSchedule

Data = tuple[np.ndarray, np.ndarray]


# --- draw, measure, watch ----------------------------------------------------------------------


def draw_per_class(labels: ArrayLike, count: int, seed: int = 0) -> np.ndarray:
    """Return row numbers of `count` samples of each class, drawn at random, in random order.

    A larger draw with the same seed contains the smaller ones.

    Args:
        labels: class of each row, shape (n,).
        count: samples of each class, at least 1.
        seed: the same seed draws the same rows.

    Raises:
        ValueError: a class has fewer than `count` rows.

    Lesson: 12_training_well, 15_transfer_learning.

    >>> labels = np.array([0, 0, 0, 1, 1, 1])
    >>> np.bincount(labels[draw_per_class(labels, 2)]).tolist()
    [2, 2]
    """
    labels = np.asarray(labels)
    random = np.random.default_rng(seed)
    classes, sizes = np.unique(labels, return_counts=True)
    if count < 1 or count > sizes.min():
        raise ValueError(
            f"count must lie in 1 to {sizes.min()}, the rows of the rarest class. Received: {count}"
        )
    rows = [random.permutation(np.flatnonzero(labels == one))[:count] for one in classes]
    return random.permutation(np.concatenate(rows))


def accuracy_and_loss(probabilities: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
    """Return the share of right answers and the cross-entropy in nats.

    Args:
        probabilities: shape (n, classes).
        labels: class of each row as a column number, shape (n,).

    Raises:
        ValueError: shapes that do not fit.

    >>> accuracy_and_loss([[0.5, 0.5], [1.0, 0.0]], [0, 0])
    (1.0, 0.34657359027997264)
    """
    probabilities, labels = np.asarray(probabilities, dtype=float), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise ValueError(
            "probabilities must have shape (n, classes) and labels (n,). "
            f"Received: {probabilities.shape} and {labels.shape}"
        )
    own = probabilities[np.arange(len(labels)), labels]
    # A probability of exactly 0 comes from rounding; Keras bounds it by the same 1e-7.
    loss = -np.log(np.maximum(own, 1e-7)).mean()
    return float((probabilities.argmax(axis=1) == labels).mean()), float(loss)


def probabilities(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Return what a model answers, with dropout off, as a NumPy array (n, classes).

    For a few thousand small inputs at a time; `model.predict` cuts many into batches.

    Args:
        model: a Keras model.
        x: inputs, shape (n, ...).
    """
    import keras

    return keras.ops.convert_to_numpy(model(x, training=False))


@dataclass
class Watched:
    """What a training went through, measured from outside: dropout off, no penalty counted.

    Attributes:
        accuracy, loss: name of a set -> one value after 0, 1, 2, ... epochs.
        best_epoch: epochs after which the loss on the set `stop_on` was lowest.
        best_weights: the weights of that moment; None without `stop_on`.
    """

    accuracy: dict[str, list[float]] = field(default_factory=dict)
    loss: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    best_weights: list[np.ndarray] | None = None


def fit_watched(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    watch: Mapping[str, Data],
    epochs: int = 5,
    batch_size: int = 64,
    augment: Callable[..., np.ndarray] | None = None,
    stop_on: str | None = None,
    seed: int = 0,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> Watched:
    """Train with `fit`, and measure the model on each named set before and after every epoch.

    Args:
        model: a compiled Keras model that ends in class probabilities.
        x: inputs, shape (n, ...).
        y: classes, shape (n,).
        watch: name -> (inputs, classes) to measure on; at least one set.
        epochs, batch_size, augment, seed: as in `fit`.
        stop_on: name of the set whose lowest loss decides which weights are noted as best. The
            training itself goes on, so that what early stopping would have saved can be seen.
        on_epoch: called as on_epoch(epoch, losses) after each epoch with the loss on each set.

    Raises:
        ValueError: `stop_on` is none of the watched sets, or what `fit` raises.

    Lesson: 12_training_well.
    """
    if stop_on is not None and stop_on not in watch:
        raise ValueError(f"stop_on must be one of {', '.join(watch)}. Received: {stop_on!r}")
    watched = Watched({name: [] for name in watch}, {name: [] for name in watch})

    together = np.concatenate([inputs for inputs, _ in watch.values()])  # one call, not several
    borders = np.cumsum([len(inputs) for inputs, _ in watch.values()])[:-1]

    def measure() -> None:
        parts = np.split(probabilities(model, together), borders)
        for (name, (_, labels)), answers in zip(watch.items(), parts, strict=True):
            accuracy, loss = accuracy_and_loss(answers, labels)
            watched.accuracy[name].append(accuracy)
            watched.loss[name].append(loss)
        if stop_on and watched.loss[stop_on][-1] <= min(watched.loss[stop_on]):
            watched.best_epoch = len(watched.loss[stop_on]) - 1
            watched.best_weights = model.get_weights()

    def after_epoch(epoch: int, logs: dict[str, float]) -> None:
        measure()
        if on_epoch is not None:
            on_epoch(epoch, {name: values[-1] for name, values in watched.loss.items()})

    measure()
    options = {"augment": augment, "seed": seed, "verbose": 0, "on_epoch": after_epoch}
    fit(model, x, y, epochs, batch_size, **options)
    return watched


# --- repeat and compare ------------------------------------------------------------------------


def ensemble(probabilities: Sequence[ArrayLike]) -> np.ndarray:
    """Return the mean of the members' probabilities, shape (n, classes).

    Args:
        probabilities: what each member answered to the same inputs, each of shape (n, classes).

    Raises:
        ValueError: no member, or members that answered with different shapes.

    Source: Hansen and Salamon, Neural network ensembles, IEEE PAMI (1990).
    Lesson: 12_training_well.

    >>> ensemble([[[0.9, 0.1]], [[0.4, 0.6]]]).round(2).tolist()
    [[0.65, 0.35]]
    """
    members = [np.asarray(each, dtype=float) for each in probabilities]
    shapes = {each.shape for each in members}
    if len(shapes) != 1:
        raise ValueError(f"members must answer with one and the same shape. Received: {shapes}")
    return np.mean(members, axis=0)


# --- learning rates ----------------------------------------------------------------------------


class RateSearch(NamedTuple):
    """Rates tried, the smoothed loss at each, and the rate at which the loss fell fastest."""

    rates: np.ndarray
    losses: np.ndarray
    steepest: float
    diverged: bool  # True if the loss rose so far that the search ended before the last rate


def find_learning_rate(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    low: float = 1e-5,
    high: float = 1.0,
    steps: int = 100,
    batch_size: int = 32,
    seed: int = 0,
) -> RateSearch:
    """Return the loss of single updates while the learning rate grows from `low` to `high`.

    Each update multiplies the rate by the same factor. The losses are averaged over the last
    few updates with weights that fall off. The search ends when the loss is four times its
    lowest. Model and optimizer are put back as they were.

    Args:
        model: a compiled Keras model, not trained yet, with a constant learning rate.
        x: inputs, shape (n, ...).
        y: targets, shape (n, ...).
        low, high: first and last rate.
        steps: updates, at least 10.
        batch_size: samples of each update, drawn at random.
        seed: decides which samples.

    Raises:
        ValueError: rates that do not grow, too few steps, or an optimizer with a schedule.

    Source: Smith, Cyclical learning rates for training neural networks (2017).
    Lesson: 12_training_well.
    """
    import keras

    if not 0 < low < high or steps < 10:
        raise ValueError(f"need 0 < low < high and steps >= 10; got {low}, {high}, {steps}")
    optimizer = model.optimizer
    if isinstance(optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        raise ValueError("the optimizer follows a schedule; the search needs a constant rate")
    optimizer.build(model.trainable_variables)
    state = [keras.ops.convert_to_numpy(v) for v in (*model.variables, *optimizer.variables)]
    random, smooth, losses = np.random.default_rng(seed), 0.0, []
    rates = np.geomspace(low, high, steps)
    for step, rate in enumerate(rates):
        optimizer.learning_rate = rate
        rows = random.choice(len(x), min(batch_size, len(x)), replace=False)
        model.reset_metrics()  # else Keras reports the mean of all updates so far
        loss = float(np.ravel(model.train_on_batch(x[rows], y[rows]))[0])
        smooth = 0.9 * smooth + 0.1 * loss
        losses.append(smooth / (1 - 0.9 ** (step + 1)))  # the first ones are not pulled to 0
        if not np.isfinite(loss) or losses[-1] > 4 * min(losses):
            break
    for variable, value in zip((*model.variables, *optimizer.variables), state, strict=True):
        variable.assign(value)
    model.reset_metrics()
    losses = np.array(losses)
    rates = rates[: len(losses)]
    slope = np.gradient(losses, np.log(rates))
    before = slice(0, max(int(np.nanargmin(losses)), 1))  # look only where it still falls
    return RateSearch(rates, losses, float(rates[np.argmin(slope[before])]), len(rates) < steps)


def one_cycle(peak: float, steps: int, warm_up: float = 0.3) -> LearningRateSchedule:
    """Return a Keras schedule that rises to `peak` and falls to almost nothing, once.

    The rate starts at peak / 25, rises along half a cosine for the share `warm_up` of the steps,
    and falls along half a cosine to peak / 10,000. Keras has no such schedule of its own (its
    CosineDecay with a warm-up rises in a straight line).

    Args:
        peak: the highest rate.
        steps: updates of the whole training, at least 2.
        warm_up: share of the steps in which the rate rises, in (0, 1).

    Raises:
        ValueError: a rate or steps that are not positive, or a warm-up outside (0, 1).

    Source: Smith and Topin, Super-convergence (2018).
    Lesson: 12_training_well.
    """
    if peak <= 0 or steps < 2 or not 0 < warm_up < 1:
        raise ValueError(
            "peak must be above 0, steps at least 2 and warm_up in (0, 1). "
            f"Received: {peak}, {steps}, {warm_up}"
        )
    import keras

    class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            step = keras.ops.cast(step, "float32")
            rise = keras.ops.clip(step / (warm_up * steps), 0, 1)
            fall = keras.ops.clip((step / steps - warm_up) / (1 - warm_up), 0, 1)
            up = _half_cosine(keras.ops.cos, rise, peak / 25, peak)
            down = _half_cosine(keras.ops.cos, fall, peak, peak / 10_000)
            return keras.ops.where(rise < 1, up, down)

        def get_config(self):
            return {"peak": peak, "steps": steps, "warm_up": warm_up}

    return OneCycle()


def _half_cosine(cosine: Callable, share: float, start: float, end: float) -> float:
    """Return the way from start to end along half a cosine: flat at both ends.

    >>> from math import cos
    >>> [round(_half_cosine(cos, share, 1.0, 3.0), 6) for share in (0, 0.5, 1)]
    [1.0, 2.0, 3.0]
    """
    return start + (end - start) * (1 - cosine(pi * share)) / 2
