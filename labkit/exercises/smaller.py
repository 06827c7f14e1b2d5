"""Exercises of lesson 22: a temperature, a grid of integers, a budget, a file of a kilobyte."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labkit.datacenter.smaller import distillation, recipes
from labkit.datacenter.smaller.distillation import soften
from labkit.learn import values
from labkit.learn.checks import Exercise

# --- temperature: my_error(scores, targets, temperature) -> gradient by the scores ----------------

_Z = np.array([[2.0, 0.0, -1.0], [0.5, 3.0, 1.0]])
_T = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
_Z4 = np.array([[4.0, 1.0], [-2.0, 2.5], [0.0, 0.3], [1.0, -6.0]])
_T4 = np.array([[0.6, 0.4], [0.5, 0.5], [0.9, 0.1], [0.25, 0.75]])


def _cross_entropy(z, t, T):
    return -(t * np.log(soften(z, T))).sum(axis=-1)


def _over_rows(z, T):
    return soften(z.T, T).T


error = Exercise(
    name="error",
    lesson="22",
    right=distillation.error,
    cases=[(_Z, _T, 2.0), (_Z4, _T4, 4.0), (_Z, _T, 1.0), (_Z4[:1], _T4[:1], 0.5)],
    mistakes={
        "T² forgotten": (
            lambda z, t, T: (soften(z, T) - t) / T,
            "This is the gradient of the cross-entropy alone. The loss here is T² times that, so "
            "that a temperature does not act as a smaller learning rate.",
        ),
        "the inner derivative forgotten": (
            lambda z, t, T: T**2 * (soften(z, T) - t),
            "You multiply by all of T². The scores stand divided by T inside of the softmax, and "
            "the chain rule knows it.",
        ),
        "difference alone": (
            lambda z, t, T: soften(z, T) - t,
            "Right at temperature 1. Otherwise two factors are missing: T² of the loss, and what "
            "the chain rule makes of z / T.",
        ),
        "T divides the difference twice": (
            lambda z, t, T: (soften(z, T) - t) / T**2,
            "You divide by T². The loss is multiplied by it.",
        ),
        "the student is not cooled": (
            lambda z, t, T: T * (soften(z) - t),
            "Your student answers at temperature 1, and the teacher at T. Then even a perfect copy "
            "of the teacher would have an error.",
        ),
        "the student is not cooled, and the difference stays": (
            lambda z, t, T: soften(z) - t,
            "The temperature plays no part. The student answers at the temperature of the targets.",
        ),
        "heated instead of cooled": (
            lambda z, t, T: T * (soften(z * T) - t),
            "You multiply the scores by T, which makes the answers harder. Divide.",
        ),
        "targets softened again": (
            lambda z, t, T: T * (soften(z, T) - soften(t, T)),
            "You put the targets through a softmax. They are probabilities already, made at this "
            "temperature.",
        ),
        "sign": (
            lambda z, t, T: T * (t - soften(z, T)),
            "The sign is turned over. Where the student gives too much, its score must fall, and "
            "descent subtracts the gradient.",
        ),
        "mean over the rows": (
            lambda z, t, T: T * (soften(z, T) - t) / len(z),
            "You divide by the number of rows. Asked is the gradient of each row's own loss; the "
            "training takes the mean.",
        ),
        "softmax over the rows": (
            lambda z, t, T: T * (_over_rows(z, T) - t),
            "Your softmax runs down the columns, over the images. It must run over the classes of "
            "each image.",
        ),
        "the loss": (
            lambda z, t, T: T**2 * _cross_entropy(z, t, T),
            "You return the loss of each row. Asked is its gradient by each score.",
        ),
        "scores against probabilities": (
            lambda z, t, T: T * (z / T - t),
            "You compare scores with probabilities. Put the cooled scores through a softmax first.",
        ),
    },
    hint="At temperature 1 the gradient of cross-entropy is softmax(z) - targets. Which factor "
    "does z / T add by the chain rule, and which one stands before the loss?",
)


# --- a grid: my_grid(low, high, bits) -> (scale, zero point) --------------------------------------


def _grid(low, high, bits):
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (2**bits - 1)
    return scale, round(-low / scale)


def _from_scale(scale, low):
    return scale, round(-low / scale)


def _widened(low, high):
    return min(low, 0.0), max(high, 0.0)


def _as_many_steps_as_integers(low, high, bits):
    low, high = _widened(low, high)
    return _from_scale((high - low) / 2**bits, low)


def _symmetric(low, high, bits):
    return 2 * max(abs(low), abs(high)) / (2**bits - 1), 2 ** (bits - 1)


def _turned(low, high, bits):
    scale, zero = _grid(low, high, bits)
    return scale, -zero


def _not_rounded(low, high, bits):
    low, high = _widened(low, high)
    scale = (high - low) / (2**bits - 1)
    return scale, -low / scale


def _cut(low, high, bits):
    scale, zero = _not_rounded(low, high, bits)
    return scale, int(zero + 1e-9)


def _signed(low, high, bits):
    scale, zero = _grid(low, high, bits)
    return scale, zero - 2 ** (bits - 1)


def _upside_down(low, high, bits):
    scale, zero = _grid(low, high, bits)
    return 1 / scale, zero


def _range_alone(low, high, bits):
    low, high = _widened(low, high)
    return _from_scale(high - low, low)


def _read_pair(answer, *_):
    scale, zero = answer
    return float(scale), float(zero)


grid = Exercise(
    name="grid",
    lesson="22",
    right=_grid,
    cases=[
        (-1.0, 1.55, 8),
        (-1.0, 1.3, 8),
        (0.0, 6.0, 8),
        (2.0, 4.0, 8),
        (-3.0, -1.0, 4),
        (-0.6, 2.4, 4),
    ],
    read=_read_pair,
    mistakes={
        "as many steps as integers": (
            _as_many_steps_as_integers,
            "With 8 bits there are 256 integers, and you divide the range into 256 steps. Between "
            "256 posts there are fewer fences.",
        ),
        "zero is not in the range": (
            lambda low, high, bits: _from_scale((high - low) / (2**bits - 1), low),
            "Your range does not always hold 0, so that 0 has no integer, or one outside of the "
            "limits. Widen the range first.",
        ),
        "sign of the zero point": (
            _turned,
            "Your zero point has the wrong sign: `low` becomes the integer 0, so 0 lies above it.",
        ),
        "a symmetric grid": (
            _symmetric,
            "Your grid is symmetric about 0, and spends integers on numbers that never come. Here "
            "the lowest integer stands for `low`, the highest for `high`.",
        ),
        "zero point not rounded": (
            _not_rounded,
            "The zero point must be an integer: it is the one that stands for 0.",
        ),
        "zero point cut off": (
            _cut,
            "You cut the zero point off. Take the nearest integer.",
        ),
        "signed integers": (
            _signed,
            "That is the zero point of signed integers, which begin at -128 with 8 bits. Here they "
            "begin at 0.",
        ),
        "steps for each unit": (
            _upside_down,
            "You return how many steps there are in 1. The scale is the size of a step.",
        ),
        "the range instead of a step": (
            _range_alone,
            "Your scale is the whole range. It is the range of one step.",
        ),
        "zero point in the unit of the numbers": (
            lambda low, high, bits: (_grid(low, high, bits)[0], -min(low, 0.0)),
            "Your zero point is a distance in the unit of the numbers. How many steps are that?",
        ),
        "values swapped": (
            lambda low, high, bits: _grid(low, high, bits)[::-1],
            "Both values are right, but in the other order. Return the scale first.",
        ),
        "always 8 bits": (
            lambda low, high, bits: _grid(low, high, 8),
            "You take 255 steps whatever `bits` is.",
        ),
    },
    hint="Widen the range so that it holds 0. How many steps lie between the lowest and the "
    "highest integer? And how many of them lie between `low` and 0?",
)


# --- under a budget: my_choose(models, kilobytes, milliseconds) -> name ---------------------------

_MODELS = {
    "huge": (900.0, 0.98, 30.0),
    "large": (400.0, 0.97, 8.0),
    "int8": (100.0, 0.97, 5.0),
    "pruned": (120.0, 0.96, 8.0),
    "narrow": (60.0, 0.92, 1.0),
    "tiny": (10.0, 0.85, 0.5),
}
_TIES = {
    "first": (44.0, 0.9, 4.5),
    "second": (40.0, 0.9, 4.0),
    "third": (45.0, 0.9, 3.0),
    "fourth": (90.0, 0.95, 2.0),
    "fifth": (30.0, 0.8, 9.0),
}


def _fits(model, kilobytes, milliseconds):
    return model[0] <= kilobytes and model[2] <= milliseconds


def _best(models, key):
    return max(models, key=lambda name: key(models[name])) if models else "none"


def _fitting(models, kilobytes, milliseconds):
    return {n: m for n, m in models.items() if _fits(m, kilobytes, milliseconds)}


def _choose(models, kilobytes, milliseconds):
    return _best(_fitting(models, kilobytes, milliseconds), lambda m: (m[1], -m[0]))


def _first(models, kilobytes, milliseconds):
    return next(iter(_fitting(models, kilobytes, milliseconds)), "none")


def _either(models, kilobytes, milliseconds):
    some = {n: m for n, m in models.items() if m[0] <= kilobytes or m[2] <= milliseconds}
    return _best(some, lambda m: (m[1], -m[0]))


def _below(models, kilobytes, milliseconds):
    some = {n: m for n, m in models.items() if m[0] < kilobytes and m[2] < milliseconds}
    return _best(some, lambda m: (m[1], -m[0]))


def _tie_to_the_first(models, kilobytes, milliseconds):
    return _best(_fitting(models, kilobytes, milliseconds), lambda m: m[1])


def _tie_to_the_fastest(models, kilobytes, milliseconds):
    return _best(_fitting(models, kilobytes, milliseconds), lambda m: (m[1], -m[2]))


choose = Exercise(
    name="choose",
    lesson="22",
    right=_choose,
    cases=[
        (_MODELS, 100.0, 6.0),
        (_MODELS, 1000.0, 0.9),
        (_MODELS, 99.0, 100.0),
        (_MODELS, 500.0, 20.0),
        (_TIES, 60.0, 5.0),
        (_TIES, 35.0, 9.0),
        (_TIES, 90.0, 3.0),
    ],
    then=[(_MODELS, 5.0, 5.0), ({}, 5.0, 5.0)],
    mistakes={
        "the budget is ignored": (
            lambda models, *_: _best(models, lambda m: (m[1], -m[0])),
            "You take the most accurate of all, whatever it needs.",
        ),
        "latency is ignored": (
            lambda models, kilobytes, _: _choose(models, kilobytes, np.inf),
            "Your model is small enough, but too slow: nothing asks for the milliseconds.",
        ),
        "size is ignored": (
            lambda models, _, milliseconds: _choose(models, np.inf, milliseconds),
            "Your model is fast enough, but too large: nothing asks for the kilobytes.",
        ),
        "one of both is enough": (
            _either,
            "You also take what fits one of the two budgets. Both must hold.",
        ),
        "the limit itself is refused": (
            _below,
            "A model of exactly as many kilobytes or milliseconds as the budget has still fits.",
        ),
        "the first that fits": (
            _first,
            "You take the first that fits. Asked is the most accurate of those that fit.",
        ),
        "the smallest": (
            lambda *given: _best(_fitting(*given), lambda m: -m[0]),
            "You take the smallest. Asked is the most accurate of those that fit.",
        ),
        "the fastest": (
            lambda *given: _best(_fitting(*given), lambda m: -m[2]),
            "You take the fastest. Asked is the most accurate of those that fit.",
        ),
        "the largest": (
            lambda *given: _best(_fitting(*given), lambda m: m[0]),
            "You take the largest that fits. Larger is not more accurate: compare the accuracies.",
        ),
        "the least accurate": (
            lambda *given: _best(_fitting(*given), lambda m: -m[1]),
            "You take the least accurate of those that fit.",
        ),
        "a tie goes to the first": (
            _tie_to_the_first,
            "Two models of the same accuracy fit, and you take the one that stands first. Take the "
            "smaller one.",
        ),
        "a tie goes to the fastest": (
            _tie_to_the_fastest,
            "Two models of the same accuracy fit, and you take the faster one. Take the smaller "
            "one.",
        ),
    },
    hint="First keep what fits both budgets. Then take the largest accuracy; where two are equal, "
    "the smaller size. Where nothing fits, there is no largest one to take.",
)


# --- a file of a kilobyte: my_recipe() -> hidden units, share of zeros, bits ----------------------

GOAL = 0.89  # of the digits that are there to choose by
BUDGET = 0.1  # of the bytes of the usual file
LIMITS = {"hidden": (1, 100), "share": (0, 0.99), "bits": (2, 16)}


def recipe_of(recipe) -> recipes.Recipe:
    """Return a learner's recipe as numbers: hidden units, share of zeros, bits."""
    return recipes.Recipe(*_read_recipe(recipe()))


def size_share(recipe: recipes.Recipe) -> float:
    """Return the bytes of a recipe's file over those of the usual one."""
    return recipes.outcome(recipe).size_in_bytes / recipes.outcome(recipes.USUAL).size_in_bytes


def _read_recipe(answer, *_):
    hidden, share, bits = map(answer.get, LIMITS) if isinstance(answer, dict) else answer
    if int(hidden) != float(hidden) or int(bits) != float(bits):
        raise ValueError("units and bits must be whole numbers")
    return [int(hidden), float(share), int(bits)]


def _inside(recipe) -> bool:
    return all(low <= getattr(recipe, name) <= high for name, (low, high) in LIMITS.items())


class _Small(Exercise):
    """An exercise without one right answer: every file that is good and small enough is right."""

    def _judged(self, answer):
        found = super()._judged(answer)
        if found.kind in ("not tried", "nothing returned", "error", "an older version"):
            return found
        try:
            recipe = recipe_of(answer)
        except (Exception, SystemExit):
            told = self._first_difference([answer()], [])
            return replace(found, kind="not three numbers", message=told)
        kind = self._fault(recipe)
        if kind:
            return replace(found, kind=kind, message=self.mistakes[kind][1])
        told = "It reads the digits well enough, in few enough bytes."
        return replace(found, kind="right", message=told, usable=answer)

    def _first_difference(self, got: list, right: list) -> str:
        return f"You return {values.short(got[0])}. Asked: whole units, share, whole bits."

    def _fault(self, recipe) -> str | None:
        """Return what is wrong with a recipe."""
        if not _inside(recipe):
            return "outside the limits"
        reached = recipes.outcome(recipe).validation
        if reached < 0.4:
            return "it forgot what it knew"
        if reached < GOAL:
            return "not good enough"
        return "too large" if size_share(recipe) > BUDGET else None


recipe = _Small(
    name="recipe",
    lesson="22",
    right=lambda: (16, 0.8, 4),
    cases=[()],
    read=_read_recipe,
    mistakes={
        "too large": (
            lambda: (32, 0.0, 8),
            "It reads well, and its file has more than a tenth of the usual bytes. Units, zeros "
            "and bits all make it smaller, and the packer sees all three.",
        ),
        "not good enough": (
            lambda: (8, 0.8, 4),
            "It reads too few digits, whatever its size. Which of your three numbers costs "
            "most? Relax one at a time.",
        ),
        "it forgot what it knew": (
            lambda: (16, 0.99, 2),
            "This student reads hardly more than by guessing. One of your numbers is beyond its "
            "cliff.",
        ),
        "outside the limits": (
            lambda: (16, 1.5, 4),
            "One of your numbers lies outside of what the lesson tries, in this order: 1 to 100 "
            "units, a share of zeros from 0 to 0.99, 2 to 16 bits.",
        ),
    },
    hint="Where does each of the three fall off its cliff, alone? Stay a step before each of them.",
)


def tried(answer) -> str:
    """Return in a sentence what a learner's recipe takes and brings; nothing of what is no recipe.

    >>> tried(lambda: ...), tried(lambda: (16, 2.0, 4))
    ('', '')
    """
    try:
        found = recipe_of(answer)
    except Exception:  # not written yet, or told by the check
        return ""
    if not _inside(found):
        return ""
    brought = recipes.outcome(found)
    told = f"Your recipe: {brought.size_in_bytes:,.0f} bytes, {size_share(found):.1%} of the usual "
    return f"{told}file; it reads {brought.validation:.1%} of the digits to choose by."
