"""Every exercise tells the right answer, the untouched stub and each planted mistake apart."""

import re
from copy import deepcopy

import nbformat
import numpy as np
import pytest
from every_exercise import all_exercises

from labkit.lab import places
from labkit.learn.checks import Exercise
from labkit.learn.values import numbers

# Their texts promise arrays and numbers.
MATHEMATICS = ("start", "descent", "losses", "activations", "backprop", "metrics")


EXERCISES = all_exercises()
MISTAKES = [(name, kind) for name, exercise in EXERCISES.items() for kind in exercise.mistakes]
every_exercise = pytest.mark.parametrize("name", EXERCISES)


def blanks(exercise: Exercise) -> list:
    if exercise.cases is None:
        return [None, ...]

    def unwritten(*_):
        raise NotImplementedError

    return [lambda *_: ..., unwritten]


@every_exercise
def test_it_carries_its_own_name(name):
    assert EXERCISES[name].name == name.split(".")[1]


@every_exercise
def test_the_right_answer_is_right(name):
    exercise = EXERCISES[name]
    assert exercise.check(exercise.right).ok


@every_exercise
def test_the_untouched_stub_is_not_a_mistake(name):
    for blank in blanks(EXERCISES[name]):
        assert EXERCISES[name].check(blank).kind == "not tried"


@every_exercise
def test_a_forgotten_return_is_no_untouched_stub(name):
    if EXERCISES[name].cases is None:
        pytest.skip("this exercise asks for a value, not for a function")
    assert EXERCISES[name].check(lambda *_: None).kind == "nothing returned"


@every_exercise
def test_each_argument_has_one_type_in_all_cases(name):
    """Where one case has an array, no other has a list: right code may use `.shape`."""
    for arguments in zip(*(EXERCISES[name].cases or []), strict=True):
        arrays = [isinstance(argument, np.ndarray) for argument in arguments]
        plain = [isinstance(argument, (int, float)) for argument in arguments]
        kinds = {type(argument) for argument in arguments}
        # A number or an array of them is all the same to code that only computes.
        assert len(kinds) == 1 or all(a or n for a, n in zip(arrays, plain, strict=True))


@pytest.mark.parametrize("name", [name for name in EXERCISES if name.split(".")[0] in MATHEMATICS])
def test_cases_of_the_mathematics_hold_arrays_and_numbers_only(name):
    for case in EXERCISES[name].cases or []:
        for argument in case:
            assert isinstance(argument, (np.ndarray, int, float)) or callable(argument)


@every_exercise
def test_each_case_can_tell_a_wrong_answer(name):
    """A right answer of 1e-13 counts as 0, so that any tiny number would pass."""
    exercise = EXERCISES[name]
    for case in exercise.cases or []:
        answer = exercise.right(*deepcopy(case))
        for part in answer if isinstance(answer, tuple) else [answer]:
            found = numbers(part)
            size = 0 if found is None else np.abs(found).max()
            assert size == 0 or size > 1e-12, case


@every_exercise
def test_it_knows_at_least_four_mistakes(name):
    assert len(EXERCISES[name].mistakes) >= 4


@pytest.mark.parametrize(("name", "kind"), MISTAKES)
def test_each_mistake_is_named(name, kind):
    exercise = EXERCISES[name]
    wrong, message = exercise.mistakes[kind]
    feedback = exercise.check(wrong)
    assert feedback.kind == kind
    assert feedback.message == message
    assert len(message) > 30
    assert message.endswith((".", "?"))


@every_exercise
def test_any_other_answer_is_wrong_and_says_where(name):
    exercise = EXERCISES[name]
    other = 123456.789 if exercise.cases is None else lambda *_: 123456.789
    feedback = exercise.check(other)
    assert feedback.kind not in ("right", "not tried", "error")
    assert "123457" in feedback.message


NEURAL = (
    "attention",
    "convolution",
    "language",
    "network",
    "recurrent",
    "sweeps",
    "training",
    "transfer",
)


@every_exercise
def test_the_case_that_is_shown_first_can_be_read(name):
    """'For (an array of shape (7, 2)) the right answer is ...' shows nobody what went wrong."""
    exercise = EXERCISES[name]
    if exercise.cases is None or name.split(".")[0] not in NEURAL:
        pytest.skip("its cases are numbers, or none")
    feedback = exercise.check(lambda *_: 123456.789)
    assert "an array of shape" not in feedback.message.split("the right answer is")[0]


@every_exercise
def test_code_that_raises_is_feedback_and_not_a_crash(name):
    exercise = EXERCISES[name]
    if exercise.cases is None:
        pytest.skip("this exercise asks for a value, not for a function")
    feedback = exercise.check(lambda *_: 1 / 0)
    assert feedback.kind == "error"
    assert "ZeroDivisionError" in feedback.message


@every_exercise
def test_its_lesson_shows_it(name):
    exercise = EXERCISES[name]
    cells = nbformat.read(places.lesson_files()[exercise.lesson], as_version=4).cells
    checks = [cell.source for cell in cells if "check" in cell.metadata.get("tags", [])]
    assert any(re.search(rf"\bexercise\.{exercise.name}\.(use|check)\(", each) for each in checks)


@every_exercise
def test_the_labs_own_function_is_used_as_it_is(name):
    exercise = EXERCISES[name]
    used = exercise.use(exercise.right)
    assert used is exercise.right or (exercise.cases is None and used == exercise.right)
    assert exercise.whose == "yours"


@every_exercise
def test_no_message_and_no_hint_has_a_lone_backtick(name):
    exercise = EXERCISES[name]
    for text in (exercise.hint, *(message for _, message in exercise.mistakes.values())):
        assert text.count("`") % 2 == 0
