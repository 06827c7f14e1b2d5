"""Learning rates that fall, as functions of the step; formulas as in `keras.optimizers.schedules`.

Lesson: 01_gradient_descent.
"""

from collections.abc import Callable

import numpy as np

# Each returns a function from the step (0, 1, 2, ...) to the learning rate of that step.

Schedule = Callable[[int], float]


def constant(learning_rate: float) -> Schedule:
    """Return the schedule that never changes.

    >>> constant(0.1)(1000)
    0.1
    """
    return lambda step: learning_rate


def exponential_decay(learning_rate: float, decay_steps: int, decay_rate: float) -> Schedule:
    """Return learning_rate * decay_rate ** (step / decay_steps), smoothly falling.

    Args:
        learning_rate: rate at step 0.
        decay_steps: steps over which the rate is multiplied by `decay_rate` once, above 0.
        decay_rate: factor per `decay_steps`, usually in (0, 1).

    Source: keras.optimizers.schedules.ExponentialDecay.

    >>> exponential_decay(0.8, decay_steps=10, decay_rate=0.5)(20)
    0.2
    """
    _check_positive(decay_steps=decay_steps)
    return lambda step: learning_rate * decay_rate ** (step / decay_steps)


def step_decay(learning_rate: float, decay_steps: int, decay_rate: float) -> Schedule:
    """Return a staircase: the rate is multiplied by `decay_rate` after every `decay_steps` steps.

    Args: as for `exponential_decay`.

    Source: keras.optimizers.schedules.ExponentialDecay(staircase=True).

    >>> [step_decay(0.8, decay_steps=10, decay_rate=0.5)(step) for step in (9, 10)]
    [0.8, 0.4]
    """
    _check_positive(decay_steps=decay_steps)
    return lambda step: learning_rate * decay_rate ** (step // decay_steps)


def cosine_decay(
    learning_rate: float, decay_steps: int, alpha: float = 0.0, warmup_steps: int = 0
) -> Schedule:
    """Return half a cosine from learning_rate down to alpha * learning_rate, after a warm-up.

    Args:
        learning_rate: highest rate, reached at the end of the warm-up.
        decay_steps: length of the fall, above 0; the rate stays at its end value afterwards.
        alpha: share of the rate that is left at the end, in [0, 1].
        warmup_steps: steps of straight rise from 0 before the fall; 0 for none.

    Source: keras.optimizers.schedules.CosineDecay; with a warm-up, CosineDecay(0.0, decay_steps,
    warmup_target=learning_rate, warmup_steps=warmup_steps).

    >>> schedule = cosine_decay(0.4, decay_steps=10, warmup_steps=4)
    >>> [round(schedule(step), 6) for step in (0, 2, 4, 9, 14, 99)]
    [0.0, 0.2, 0.4, 0.2, 0.0, 0.0]
    """
    _check_positive(decay_steps=decay_steps)
    if warmup_steps < 0:
        raise ValueError(f"warmup_steps is {warmup_steps!r}; it must be 0 or more")

    def rate(step: int) -> float:
        if step < warmup_steps:
            return learning_rate * step / warmup_steps
        done = min(step - warmup_steps, decay_steps) / decay_steps  # 0 at the top, 1 at the end
        cosine = float(0.5 * (1 + np.cos(np.pi * done)))
        return learning_rate * ((1 - alpha) * cosine + alpha)

    return rate


def _check_positive(**named) -> None:
    for name, value in named.items():
        if not value > 0:
            raise ValueError(f"{name} is {value!r}; it must be above 0")
