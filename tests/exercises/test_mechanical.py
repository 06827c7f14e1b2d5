"""Every function asked for, bent in ways that need no knowledge of it.

The right answer in another form stays right; negated, doubled, transposed and so on it is wrong,
and most of such answers are named.
"""

import numpy as np
import pytest
from every_exercise import all_exercises, is_named

from labkit.learn import checks, values

MANY_ANSWERS = {
    "descent.optimizer",
    "activations.activation",
    "losses.own_slope",
}  # judged by what they reach
OF_SYMBOLS = {"attention.block"}  # must run on Keras' symbols, which are no list and no array
EXERCISES = {
    name: each
    for name, each in all_exercises().items()
    if each.cases is not None and name not in MANY_ANSWERS
}


def numbers(value):
    """Return what is to be bent: an array of numbers; None where a value is no such thing."""
    if isinstance(value, bool | str | dict | set) or value is None:
        return None
    try:
        array = np.asarray(value)
    except ValueError:  # arrays of several shapes
        return None
    return array if array.dtype.kind in "iuf" and array.size else None


def bent(exercise, change):
    """Return the right function with its answer changed, or None where that changes nothing."""
    outputs = [exercise.right(*map(values.copied, case)) for case in exercise.cases]
    arrays = [numbers(each) for each in outputs]
    if any(each is None for each in arrays):
        return None
    changed = [change(each) for each in arrays]
    alike = [np.shape(a) == np.shape(b) and np.allclose(a, b, equal_nan=True)
             for a, b in zip(arrays, changed, strict=True)]  # fmt: skip
    if all(alike):
        return None
    return lambda *case: change(numbers(exercise.right(*case)))


FORMS = {
    "a list": lambda a: a.tolist(),
    "a tuple": lambda a: tuple(a.tolist()) if a.ndim else a.item(),
    "an array": lambda a: np.array(a),
    "of another order in memory": lambda a: a.copy(order="F"),
    "of double precision": lambda a: a.astype(np.float64),
}
SLIPS = {
    "negated": lambda a: -a,
    "doubled": lambda a: 2 * a,
    "halved": lambda a: a / 2,
    "turned over": lambda a: np.divide(1, a, out=np.zeros(a.shape), where=a != 0),
    "transposed": lambda a: a.T,
    "a column": lambda a: a.reshape(-1, 1),
    "in another list": lambda a: [a.tolist()],
    "summed": lambda a: a.sum(),
    "averaged": lambda a: a.mean() if a.ndim else a + 1,
    "squared": lambda a: a * a,
    "reversed": lambda a: a[::-1] if a.ndim else a,
    "one too many": lambda a: a + 1,
}


def checked(name, answer):
    checks._tries.clear()
    with np.errstate(all="ignore"):
        return EXERCISES[name].check(answer)


@pytest.mark.parametrize("name", [name for name in EXERCISES if name not in OF_SYMBOLS])
def test_a_right_answer_stays_right_in_every_form(name):
    exercise = EXERCISES[name]
    for form, change in FORMS.items():
        answer = bent_form(exercise, change)
        if answer:
            feedback = checked(name, answer)
            assert feedback.ok, (form, feedback)


def bent_form(exercise, change):
    outputs = [exercise.right(*map(values.copied, case)) for case in exercise.cases]
    if any(numbers(each) is None for each in outputs):
        return None
    return lambda *case: change(numbers(exercise.right(*case)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bent_answers_are_wrong_and_most_are_named(capsys):
    found = []
    for name, exercise in EXERCISES.items():
        for slip, change in SLIPS.items():
            answer = bent(exercise, change)
            if answer:
                found.append((name, slip, checked(name, answer)))
        found.append((name, "no return", checked(name, lambda *case: None)))
    accepted = [(name, slip) for name, slip, feedback in found if feedback.ok]
    named = [feedback for *_, feedback in found if is_named(feedback)]
    with capsys.disabled():
        print(f"\n{len(found)} bent answers, {len(named)} named")
    assert accepted == []
    assert len(named) > 0.8 * len(found)
