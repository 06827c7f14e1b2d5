"""All exercises of the lab, for the tests that try each of them."""

import importlib
import pkgutil
import re

import labkit.exercises
from labkit.learn.checks import Exercise, Feedback


def all_exercises(keras: bool = False) -> dict[str, Exercise]:
    """Return 'module.name' -> exercise for every exercise of the lab.

    Those whose answers are Keras models have tests of their own, for they are slow: keras=True
    returns them, and no others.
    """
    found = {}
    for info in pkgutil.iter_modules(labkit.exercises.__path__):
        module = importlib.import_module(f"labkit.exercises.{info.name}")
        for name, value in vars(module).items():
            if isinstance(value, Exercise) and getattr(value, "needs_keras", False) == keras:
                found[f"{info.name}.{name}"] = value
    return found


def is_named(feedback: Feedback) -> bool:
    """Return whether more was said than that it is wrong, or than what Python says itself."""
    raw = re.fullmatch(r"Your code raised .*\(line \d+(: `.*`)?\)\.", feedback.message)
    return feedback.kind != "other" and not raw
