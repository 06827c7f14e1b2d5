"""Exercises of lesson 01: update, momentum, largest stable rate, an optimizer of one's own."""

from copy import deepcopy
from dataclasses import replace

import numpy as np

from labkit.learn import values
from labkit.learn.checks import Exercise
from labkit.learn.limits import limited
from labkit.maths.descent import largest_stable_rate, start_optimizer

# --- the update: my_update(w, gradient, learning_rate) -> new w ---------------------------------

update = Exercise(
    name="update",
    lesson="01",
    right=lambda w, gradient, learning_rate: w - learning_rate * gradient,
    cases=[
        (0.0, -4.0, 0.1),
        (0.4, -0.8, 0.1),
        (3.0, 5.0, 0.02),
        (np.array([-5.0, 2.0]), np.array([-1.0, 10.0]), 0.3),
    ],
    mistakes={
        "sign of the gradient": (
            lambda w, gradient, learning_rate: w + learning_rate * gradient,
            "You walk uphill: the gradient points to where the loss grows.",
        ),
        "learning rate missing": (
            lambda w, gradient, learning_rate: w - gradient,
            "You take the whole gradient as your step. The learning rate says how much of it.",
        ),
        "only the step": (
            lambda w, gradient, learning_rate: -learning_rate * gradient,
            "You return the step alone. Asked is the place to which it leads from w.",
        ),
        "divided by the learning rate": (
            lambda w, gradient, learning_rate: w - gradient / learning_rate,
            "You divide by the learning rate, so a smaller rate takes a larger step.",
        ),
        "only the direction": (
            lambda w, gradient, learning_rate: w - learning_rate * np.sign(gradient),
            "You use the sign of the gradient and lose its size. Where the slope is gentle, "
            "the step must be short.",
        ),
        "learning rate on the weight": (
            lambda w, gradient, learning_rate: learning_rate * (w - gradient),
            "You scale the weight too: with a gradient of 0, w should stay where it is.",
        ),
    },
    hint="Start at w. In which direction does the loss fall, and how long is the step?",
)


# --- momentum: my_momentum(w, velocity, gradient, learning_rate, momentum) -> (w, velocity) ------


def _momentum(w, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return w + velocity, velocity


def _swapped(*arguments):
    w, velocity = _momentum(*arguments)
    return velocity, w


def _velocity_too_late(w, velocity, gradient, learning_rate, momentum):
    return w + velocity, momentum * velocity - learning_rate * gradient


def _uphill(w, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity + learning_rate * gradient
    return w + velocity, velocity


def _rate_twice(w, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return w + learning_rate * velocity, velocity


def _average(w, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity - (1 - momentum) * learning_rate * gradient
    return w + velocity, velocity


def _average_of_gradients(w, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity + (1 - momentum) * gradient
    return w - learning_rate * velocity, velocity


def _forgets(w, velocity, gradient, learning_rate, momentum):
    velocity = -learning_rate * gradient
    return w + velocity, velocity


def _never_slows(w, velocity, gradient, learning_rate, momentum):
    velocity = velocity - learning_rate * gradient
    return w + velocity, velocity


def _nesterov(w, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return w + momentum * velocity - learning_rate * gradient, velocity


def _velocity_uphill(w, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity + learning_rate * gradient
    return w - velocity, velocity


def _rate_outside(w, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return w - learning_rate * velocity, velocity


momentum = Exercise(
    name="momentum",
    lesson="01",
    right=_momentum,
    also=[
        (
            _velocity_uphill,
            "Your velocity points uphill and is subtracted. That is another convention, and walks "
            "the same way: the lesson's velocity is the step itself, yours is its negative.",
        ),
        (
            _rate_outside,
            "Your velocity holds no rate, as in PyTorch and d2l.ai. From a velocity of 0, and at a "
            "rate that stays the same, it walks the same way as the lesson's.",
        ),
    ],
    cases=[
        (1.0, 0.0, 2.0, 0.1, 0.9),
        (0.8, -0.2, 1.6, 0.1, 0.9),
        (np.array([-5.0, 2.0]), np.array([0.3, -0.5]), np.array([-1.0, 10.0]), 0.05, 0.5),
    ],
    mistakes={
        "w and velocity swapped": (
            _swapped,
            "Both values are right, but in the other order. Return the new w first.",
        ),
        "old velocity used": (
            _velocity_too_late,
            "You move with the velocity of the step before. The new velocity comes first.",
        ),
        "sign of the gradient": (
            _uphill,
            "Your velocity grows uphill. The gradient points to where the loss grows.",
        ),
        "learning rate used twice": (
            _rate_twice,
            "The learning rate is already inside the velocity. You used it a second time.",
        ),
        "gradient multiplied by 1 - momentum": (
            _average,
            "You average the old velocity and the new step. Some libraries do that; here, as in "
            "Keras, the new step counts in full: no factor 1 - momentum.",
        ),
        "an average of the gradients": (
            _average_of_gradients,
            "You average the gradients, and walk along the average. Some courses do that; here "
            "the velocity is the step itself, and the new step counts in full.",
        ),
        "velocity forgotten": (
            _forgets,
            "Your velocity is only the newest step, so this is plain gradient descent. "
            "A share of the old velocity must be kept.",
        ),
        "velocity never slows": (
            _never_slows,
            "You keep the whole old velocity, so nothing ever brakes. Which share shall stay?",
        ),
        "Nesterov": (
            _nesterov,
            "This is Nesterov's version, which looks one step further ahead. "
            "It is a good rule, but here w moves by the velocity itself.",
        ),
    },
    hint="Two lines: first the new velocity, from a share of the old one and the step of plain "
    "gradient descent; then the new w.",
)


# --- the largest stable rate: my_stable_rate(hessian) -> float -----------------------------------


def _eigenvalues(hessian):
    return np.linalg.eigvalsh(hessian)


def _over_eigenvectors(hessian):
    with np.errstate(divide="ignore"):
        return 2 / np.linalg.eigh(hessian)[1]


_NO_ORDER = "You took one eigenvalue by its place, but `eigvals` gives them in no order."

stable_rate = Exercise(
    name="stable_rate",
    lesson="01",
    right=largest_stable_rate,
    cases=[
        (np.array([[8.0]]),),
        (np.array([[0.2, 0.0], [0.0, 5.0]]),),
        (np.array([[3.0, 1.0], [1.0, 2.0]]),),  # not diagonal: eigenvalues are needed
        (np.array([[2.0, -1.0, 0.0], [-1.0, 4.0, 1.5], [0.0, 1.5, 1.0]]),),
    ],
    mistakes={
        "smallest curvature": (
            lambda hessian: 2 / _eigenvalues(hessian)[0],
            "You used the smallest curvature. Which direction is the first to diverge?",
        ),
        "rate of one perfect step": (
            lambda hessian: 1 / _eigenvalues(hessian)[-1],
            "1 / curvature lands on the minimum in one step. A larger rate lands behind it: how "
            "far behind, before the walk moves away?",
        ),
        "the fastest rate": (
            lambda hessian: 2 / (_eigenvalues(hessian)[0] + _eigenvalues(hessian)[-1]),
            "At this rate the walk arrives soonest. Asked is the largest at which it arrives.",
        ),
        "the order of the eigenvalues": (
            lambda hessian: 2 / np.linalg.eigvals(hessian)[0],
            _NO_ORDER,
        ),
        "the last of eigvals": (
            lambda hessian: 2 / np.linalg.eigvals(hessian)[-1],
            _NO_ORDER,
        ),
        "eigenvectors": (
            _over_eigenvectors,
            "You divided by the eigenvectors. `eigh` returns two arrays: the eigenvalues, then "
            "the directions.",
        ),
        "upside down": (
            lambda hessian: _eigenvalues(hessian)[-1] / 2,
            "You returned half the curvature. More curvature must allow a smaller rate.",
        ),
        "curvature itself": (
            lambda hessian: _eigenvalues(hessian)[-1],
            "That is the largest curvature. The limit follows from |1 - rate * curvature| = 1.",
        ),
        "diagonal only": (
            lambda hessian: 2 / np.max(np.diag(hessian)),
            "You read the diagonal. That is right only when the other entries are 0; in general "
            "the curvatures are the eigenvalues.",
        ),
        "sum of the curvatures": (
            lambda hessian: 2 / np.trace(hessian),
            "You added the curvatures up. Each direction walks alone; only the largest counts.",
        ),
        "condition number": (
            lambda hessian: _eigenvalues(hessian)[-1] / _eigenvalues(hessian)[0],
            "That is the condition number. It says how slow the walk is, not where it diverges.",
        ),
    },
    hint="`np.linalg.eigvalsh(hessian)` returns the curvatures, smallest first.",
)


# --- an own optimizer: my_optimizer(w, memory, gradient, learning_rate, step) -> (w, memory) -----


def _rising_momentum(w, memory, gradient, learning_rate, step):
    velocity = min(0.95, step / (step + 3)) * memory - learning_rate * gradient
    return w + velocity, velocity


def _uphill_rule(w, memory, gradient, learning_rate, step):
    return w + learning_rate * gradient, memory


def _still(w, memory, gradient, learning_rate, step):
    return w, memory


def _memory_first(*arguments):
    w, memory = _rising_momentum(*arguments)
    return memory, w


def _only_w(*arguments):
    return _rising_momentum(*arguments)[0]


_STEPS = 100  # as many as in the race, so that no rule breaks down there


def _alone(rule) -> bool:
    """Return whether a rule gives back one array, as large as w."""
    try:
        return getattr(rule(np.ones(2), np.zeros(2), np.ones(2), 0.1, 1), "shape", None) == (2,)
    except (Exception, SystemExit):  # what was raised is said already
        return False


def _climbs(rule) -> bool:
    """Return whether the first step of a rule goes along the gradient."""
    w = np.array([1.0, -2.0])
    return bool((np.asarray(rule(w.copy(), np.zeros(2), w.copy(), 0.1, 1)[0]) - w) @ w > 0)


class _Rule(Exercise):
    """An exercise without one right answer: every rule that goes down is right."""

    def _judged(self, answer):
        found = super()._judged(answer)
        if found.kind in (*self.mistakes, "not tried", "nothing returned", "an older version"):
            return found
        try:  # also of what raised an error above: memory may be anything
            with limited():
                left = self._loss_left(answer)
        except (Exception, SystemExit) as error:
            return self._raised(error, answer)
        if left is None:
            alone = self.mistakes["memory missing"][1]
            return replace(found, kind="memory missing", message=alone) if _alone(answer) else found
        if left < 0.1:
            told = "It goes down, so it may enter the race."
            return replace(found, kind="right", message=told, usable=answer)
        if _climbs(answer):
            return replace(found, kind="uphill", message=self.mistakes["uphill"][1])
        told = f"Your rule does not go down. After {_STEPS} steps, at the best rate, {left:.3g} of "
        return replace(found, kind="other", message=f"{told}the loss on a small bowl is left.")

    def _first_difference(self, got: list, right: list) -> str:
        return f"For {values.call(self.cases[0])} you return {values.short(got[0])}."

    def _loss_left(self, rule) -> float | None:
        """Return which share of a loss is left, None if the rule returns something else."""
        left = []
        for rate in (0.003, 0.03, 0.3):
            w, memory = np.array([1.0, -2.0, 0.5]), np.zeros(3)
            for step in range(1, _STEPS + 1):
                given = rule(w.copy(), deepcopy(memory), w * [1.0, 2.0, 3.0], rate, step)
                try:
                    w, memory = given
                    w = np.array(w, dtype=float)
                except (TypeError, ValueError):  # what it is, is said already
                    return None
                if w.shape != (3,):
                    return None
            left.append(np.sum(w**2 * [1.0, 2.0, 3.0]) / 9.75)
        return float(np.nanmin(left)) if np.isfinite(left).any() else np.inf


optimizer = _Rule(
    name="optimizer",
    lesson="01",
    right=_rising_momentum,
    cases=[
        (np.array([1.0, -2.0]), np.zeros(2), np.array([1.0, -4.0]), 0.1, 1),
        (np.array([0.9, -1.6]), np.array([-0.1, 0.4]), np.array([0.9, -3.2]), 0.1, 2),
    ],
    mistakes={
        "uphill": (
            _uphill_rule,
            "Your rule walks uphill: the gradient points to where the loss grows. Subtract it.",
        ),
        "w does not move": (
            _still,
            "You return w as it came. Move it against the gradient first.",
        ),
        "memory first": (
            _memory_first,
            "You return the memory first. The race wants the new w first, then the memory.",
        ),
        "memory missing": (
            _only_w,
            "You return the new w alone. Return two values: the new w, and what to remember "
            "(`memory`, if you remember nothing).",
        ),
    },
    hint="Begin with the momentum rule. Then let one of its two numbers depend on the step.",
)


def rule_of(name: str):
    """Return one of labkit's optimizers as an entry of the race.

    >>> w, memory = rule_of("sgd")(1.0, 0.0, 2.0, 0.1, step=1)
    >>> w
    0.8
    """

    def rule(w, memory, gradient, learning_rate, step):
        memory = start_optimizer(name) if step == 1 else memory  # it remembers by itself
        return memory(w, gradient, learning_rate), memory

    return rule
