"""Find a learning rate in one short run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labkit.networks.loops import create_variables

if TYPE_CHECKING:
    import keras


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
    create_variables(model, (x, y))
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
