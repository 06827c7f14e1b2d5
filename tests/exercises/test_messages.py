"""What is said of a wrong answer points at it, and does not hand out the right one."""

import inspect
import re
import warnings

import numpy as np
import pytest
from every_exercise import all_exercises

from labkit.learn.values import same
from labkit.maths.activations import relu, sigmoid

EXERCISES = all_exercises()
FUNCTIONS = [name for name, exercise in EXERCISES.items() if exercise.cases is not None]
TOOLS = {"np": np, "relu": relu, "sigmoid": sigmoid, "sqrt": np.sqrt, "exp": np.exp}


def texts(exercise):
    yield exercise.hint
    yield from (message for _, message in exercise.mistakes.values())


def pieces(text: str):
    """Yield what may be code in a text: all runs of its words that name something."""
    text = text.replace("`", " ").replace("²", "**2")
    for part in re.split(r"[.;:?!](?:\s|$)|, (?:not|then|and|so|but) ", text):
        words = part.replace(" times ", " * ").replace(" minus ", " - ").split()
        words = [word.rstrip(",") for word in words]
        for start in range(len(words)):
            for end in range(start + 1, min(len(words), start + 16) + 1):
                yield " ".join(words[start:end])


def is_right(code, exercise, names: list[str]) -> bool:
    for case in exercise.cases:
        try:
            got = eval(code, TOOLS | dict(zip(names, case, strict=True)))
        except Exception:
            return False
        if not same(got, exercise.right(*case), exercise.tolerance):
            return False
    return True


def given_away(exercise) -> list[str]:
    """Return the pieces of code in an exercise's texts that are its right answer."""
    found = []
    functions = [exercise.right, *(wrong for wrong, _ in exercise.mistakes.values())]
    signatures = {tuple(inspect.signature(function).parameters) for function in functions}
    signatures = [names for names in signatures if len(names) == len(exercise.cases[0])]
    for piece in {piece for text in texts(exercise) for piece in pieces(text)}:
        for side in {piece, piece.partition("= ")[2]}:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    code = compile(side, "message", "eval")
            except SyntaxError:
                continue
            if code.co_names and any(is_right(code, exercise, names) for names in signatures):
                found.append(side)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_message_and_no_hint_holds_the_answer(name):
    assert given_away(EXERCISES[name]) == []


def test_an_answer_that_is_given_away_is_found():
    from labkit.learn.checks import Exercise

    for hint in (
        "Write w - rate * gradient.",
        "new w = w - rate * gradient, of course",
        "take `w` minus rate times gradient!",
    ):
        told = Exercise(
            "told",
            right=lambda w, gradient, rate: w - rate * gradient,
            cases=[(1.0, 2.0, 3.0)],
            hint=hint,
        )
        assert given_away(told), hint
