import re

import numpy as np
import pytest
from colors import DARK, LIGHT, contrast

from labkit.learn.checks import Exercise, Feedback

UPDATE = Exercise(
    "update",
    right=lambda w, gradient: w - 0.1 * gradient,
    cases=[(np.array([1.0, 2.0]), np.array([1.0, -1.0])), (np.zeros(2), np.ones(2))],
    mistakes={"sign": (lambda w, gradient: w + 0.1 * gradient, "You step uphill.")},
    hint="downhill is against the gradient.",
)


def value(right, **more) -> Exercise:
    return Exercise("value", right=right, **more)


def test_the_right_function_in_another_form_is_right():
    feedback = UPDATE.check(lambda w, g: (w * 10 - g) / 10)
    assert feedback.ok
    assert repr(feedback) == "✓ Right."


def test_a_known_mistake_gets_its_name_and_its_message():
    feedback = UPDATE.check(lambda w, g: w + g / 10)
    assert repr(feedback) == "✗ Not right yet: sign. You step uphill."
    assert not feedback.ok


def test_another_answer_shows_the_first_case_that_differs_and_the_hint():
    message = UPDATE.check(lambda w, g: w).message
    assert message == (
        "For ([1.0, 2.0], [1.0, -1.0]) the right answer is [0.9, 2.1]; yours is [1.0, 2.0]. "
        "Hint: downhill is against the gradient."
    )


def test_changing_an_argument_in_place_spoils_nothing():
    def in_place(w, gradient):
        w -= 0.1 * gradient
        return w

    for _ in range(2):
        assert UPDATE.check(in_place).ok
    assert UPDATE.cases[0][0].tolist() == [1.0, 2.0]


def test_a_function_that_returns_nothing_is_told_so():
    def forgot_return(w, gradient):
        w -= 0.1 * gradient

    feedback = UPDATE.check(forgot_return)
    assert feedback.kind == "not tried"
    assert "returns nothing" in feedback.message


def raises(error):
    def answer(*_):
        raise error

    return answer


@pytest.mark.parametrize("blank", [None, ..., lambda *_: ..., raises(NotImplementedError)])
def test_a_blank_is_not_a_mistake(blank):
    feedback = UPDATE.check(blank)
    assert feedback.kind == "not tried"
    assert "Replace the ..." in feedback.message


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (raises(ZeroDivisionError("by zero")), "raised ZeroDivisionError: by zero"),
        (raises(KeyError("w")), "raised KeyError: 'w'"),
        (lambda: 0, "takes 0 positional arguments but 2 were given"),
        (lambda w, g, rate: 0, "missing 1 required positional argument: 'rate'"),
        (lambda w, g: w.shape.nope, "raised AttributeError"),
        (np.array([0.9, 2.1]), "Give the function itself, not its result: got [0.9, 2.1]"),
        ("text" * 1000, "Give the function itself"),
    ],
)
def test_code_that_fails_is_feedback_and_not_a_crash(answer, reason):
    feedback = UPDATE.check(answer)
    assert feedback.kind == "error"
    assert reason in feedback.message
    assert len(feedback.message) < 200


class Hostile:
    """An object that does not compare, does not convert and cannot be shown."""

    def __eq__(self, other):
        raise RuntimeError("no comparing")

    def __array__(self, *_, **__):
        raise RuntimeError("no converting")

    def __repr__(self):
        raise RuntimeError("no showing")

    __hash__ = None


@pytest.mark.parametrize(
    "answer",
    [
        Hostile(),
        {"w": np.zeros(2)},
        [[1], [2, 3]],
        np.array(["a", "b"]),
        1 + 2j,
        np.array([1j, 2]),
        object,
        float("nan"),
        "0.9",
        np.zeros((2, 1)),
    ],
)
def test_any_return_value_is_only_a_wrong_one(answer):
    assert UPDATE.check(lambda *_: answer).kind == "other"
    assert value([0.9, 2.1]).check(answer).kind == "other"


@pytest.mark.parametrize(
    ("right", "answer"),
    [
        (0.25, 0.25),
        (0.25, np.float32(0.25)),
        (2, 2.0),
        (True, True),
        ("Momentum", " momentum "),
        ([1, 2], (1, 2)),
        ([1, 2], np.array([1.0, 2.0])),
        (np.array([np.inf, np.nan]), [float("inf"), float("nan")]),
        (["a", "b"], ["a", "b"]),
        (1e-17, 0.0),  # rounding
        (0.0, 1e-9),
    ],
)
def test_equal_values_in_other_clothes_are_right(right, answer):
    assert value(right).check(answer).ok


@pytest.mark.parametrize(
    ("right", "answer"),
    [
        (0.25, 0.2501),
        (0.25, "0.25"),
        ("sgd", 3),
        (1e-7, 0.0),  # the size of the right answer sets the tolerance
        (1e-7, 2e-7),
        (1e9, 1e9 + 1e5),
        ([1, 2], [1, 2, 3]),
        ([1, 2], [[1], [2]]),  # broadcasting must not hide a shape
        (1.0, [1.0]),
        (["a", "b"], ["a", "c"]),
        (0.25, len),
    ],
)
def test_unequal_values_are_not(right, answer):
    assert value(right).check(answer).kind == "other"


def test_the_tolerance_is_relative_to_the_right_answer():
    loose = value(200.0, tolerance=0.01)
    assert loose.check(201.9).ok
    assert not loose.check(202.1).ok


def test_large_arrays_that_differ_say_where():
    ones = Exercise("ones", right=lambda n: np.ones((n, n)), cases=[(4,)])

    def almost(n):
        answer = np.ones((n, n))
        answer[2, 1] = 5
        return answer

    message = ones.check(almost).message
    assert "an array of shape (4, 4); at [2, 1] it should be 1 and is 5." in message
    assert "shape (3,)" not in message
    assert "yours is an array of shape (16,)." in ones.check(lambda n: np.ones(n * n)).message


def test_a_value_exercise_tells_a_blank_a_mistake_and_another_answer_apart():
    exercise = value(0.25, mistakes={"inverted": (4.0, "That is one over it.")}, hint="1 / x².")
    assert exercise.check(...).kind == "not tried"
    assert exercise.check(4).kind == "inverted"
    assert exercise.check(0.3).message == "You answered 0.3. Hint: 1 / x²."


def test_feedback_as_html_is_escaped_and_announced():
    html = value(1, hint="<b>").check("<script>")._repr_html_()
    assert 'role="status"' in html
    assert "<script>" not in html
    assert "<b>" not in html


@pytest.mark.parametrize("kind", ["right", "not tried", "other"])
def test_the_bar_of_each_verdict_stands_out_in_both_themes(kind):
    (color,) = re.findall(r"solid (#\w+)", Feedback("update", kind, "")._repr_html_())
    assert min(contrast(color, ground) for ground in (LIGHT, DARK)) >= 3
