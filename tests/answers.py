"""Answers to the exercises as people write them, right and wrong, and what the checks say."""

import re
import runpy
import warnings
from pathlib import Path

import numpy as np
from every_exercise import all_exercises
from written import written

from labkit.learn import checks

EXERCISES = all_exercises()


def answers(file: str) -> list[tuple[str, str]]:
    """Return (exercise, source) for each answer of a file; lines that are indented go on."""
    (found,) = [
        table
        for name, table in runpy.run_path(Path(__file__).with_name("exercises") / file).items()
        if name.isupper()
    ]
    return [
        (name, source)
        for name, text in found.items()
        for source in re.split(r"\n(?! )", text.strip())
    ]


RIGHT, WRONG = answers("answers_right.py"), answers("answers_wrong.py")


def checked(name: str, source: str, **tools) -> checks.Feedback:
    """Return the feedback on an answer as the first one in a kernel."""
    checks._tries.clear()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        return EXERCISES[name].check(written(name, source, **tools))
