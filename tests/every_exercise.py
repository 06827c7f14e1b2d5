"""All exercises of the lab, for the tests that try each of them."""

import importlib
import pkgutil
import re

import labkit.exercises
from labkit.learn.checks import Exercise, Feedback


def all_exercises() -> dict[str, Exercise]:
    """Return 'module.name' -> exercise for every exercise of the lab."""
    found = {}
    for info in pkgutil.iter_modules(labkit.exercises.__path__):
        module = importlib.import_module(f"labkit.exercises.{info.name}")
        for name, value in vars(module).items():
            if isinstance(value, Exercise):
                found[f"{info.name}.{name}"] = value
    return found


def is_named(feedback: Feedback) -> bool:
    """Return whether more was said than that it is wrong, or than what Python says itself."""
    raw = re.fullmatch(r"Your code raised .*\(line \d+(: `.*`)?\)\.", feedback.message)
    return feedback.kind != "other" and not raw
