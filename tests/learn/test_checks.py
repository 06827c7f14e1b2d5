import math
import re

import numpy as np
import pytest
from colors import DARK, LIGHT, contrast

from labkit.learn import checks
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


def test_another_answer_shows_the_first_case_that_differs():
    feedback = UPDATE.check(lambda w, g: w - 0.1 * g * g + 7 * g)
    assert feedback.kind == "other"
    assert feedback.message == (
        "For ([1.0, 2.0], [1.0, -1.0]) the right answer is [0.9, 2.1]; yours is [7.9, -5.1]."
    )


def hinted(answer, exercise=UPDATE) -> bool:
    return "Hint: " in exercise.check(answer).message


def test_the_hint_comes_with_the_second_different_answer():
    assert not hinted(lambda w, g: w)
    assert not hinted(lambda w, g: w + 0)  # gives the same: the same try once more
    assert hinted(lambda w, g: g)
    assert hinted(lambda w, g: w)


def test_blanks_planned_mistakes_and_right_answers_bring_no_hint():
    assert not hinted(lambda w, g: ...)
    assert not hinted(lambda w, g: w + 0.1 * g)  # a try, with a message of its own
    assert not hinted(lambda w, g: w - 0.1 * g)
    assert not hinted(None)
    assert hinted(lambda w, g: 1 / 0)  # the second


def test_each_exercise_counts_its_own_tries():
    other = Exercise("other", right=2.0, hint="think.")
    assert not hinted(lambda w, g: w)
    assert not hinted(3.0, other)
    assert hinted(4.0, other)


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
    assert feedback.kind == "nothing returned"
    assert "Not right yet" in repr(feedback)
    assert "returns nothing: it changes what it is given, in place" in feedback.message


def test_an_answer_that_is_only_printed_is_told_so(capsys):
    feedback = UPDATE.check(lambda w, g: print(w - 0.1 * g))
    assert "`print` shows a value, and gives nothing back" in feedback.message
    assert "[0.9 2.1]" in capsys.readouterr().out  # it is still shown


def test_a_result_that_is_kept_in_a_name_only_is_no_answer():
    def forgets(w, gradient):
        new = w - 0.1 * gradient  # noqa: F841

    assert "nothing: its answer stands after `return`" in UPDATE.check(forgets).message


def test_a_way_past_return_is_shown_where_it_is_taken():
    def only_downhill(w, gradient):
        if w.any():
            return w - 0.1 * gradient
        return None

    feedback = UPDATE.check(only_downhill)
    assert feedback.kind == "nothing returned"
    assert "returns nothing for ([0.0, 0.0], [1.0, 1.0]): there is a way" in feedback.message


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
        (raises(SystemExit("bye")), "raised SystemExit: bye"),
        (np.array([0.9, 2.1]), "Give the function itself, not its result: got [0.9, 2.1]"),
        ("text" * 1000, "Give the function itself"),
    ],
)
def test_code_that_fails_is_feedback_and_not_a_crash(answer, reason):
    feedback = UPDATE.check(answer)
    assert feedback.kind == "error"
    assert reason in feedback.message
    assert len(feedback.message) < 200


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (lambda w, g: w ^ 2, "written `**`"),
        (lambda w, g: float(w[0]) ^ 2, "written `**`"),
        (lambda w, g: max(0, w - g), "`np.maximum`"),
        (lambda w, g: w if g > 0 else -w, "`np.where`"),
        (lambda w, g: np.ones((2, 3)) / np.ones((2, 3)).sum(axis=1), "`keepdims=True`"),
        (lambda w, g: np.ones((2, 3)) @ w, "columns on its left"),
        (lambda w, g: math.exp(w), "`np.exp`"),
    ],
)
def test_the_commonest_errors_of_numpy_are_explained(answer, meaning):
    feedback = UPDATE.check(answer)
    assert feedback.kind == "error"
    assert "Your code raised" in feedback.message
    assert meaning in feedback.message


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
    for feedback in (UPDATE.check(lambda *_: answer), value([0.9, 2.1]).check(answer)):
        assert feedback.kind not in ("right", "not tried", "error", "other")


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
        (["a", "b"], ("A", " b ")),
        (["a", "b"], np.array(["a", "B"])),
        (("a", "b"), ["a", "b"]),
        (["adam", 0.1], ("Adam", np.float32(0.1))),
        ([["a"], ["b", "c"]], [("A",), ("b", "c")]),
        ("a", np.array("A")),
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
        (["a", "b"], ["a", "b", "b"]),
        (["a", "b"], "ab"),
        (["a", "b"], {"a", "b"}),
        (["a", "b"], [0, 1]),
        (["a", "1"], ["a", 1]),
        (0.25, len),
    ],
)
def test_unequal_values_are_not(right, answer):
    assert value(right).check(answer).kind not in ("right", "not tried", "error")


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
    assert exercise.check(0.3).message == "You answered 0.3. Hint: 1 / x²."  # the second try


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ([0.1 + 0.2, np.float64(1 / 3)], "[0.3, 0.333333]"),
        ((np.float64(0.5), 2), "(0.5, 2)"),
        ({"w": [np.float32(0.1)]}, "{'w': [0.1]}"),
        (np.float64(2 / 3), "0.666667"),
        ([np.str_("a"), np.int64(3)], "['a', 3]"),
    ],
)
def test_numbers_are_shown_plainly_and_rounded_wherever_they_stand(answer, shown):
    assert value("right").check(answer).message.endswith(f"You answered {shown}.")


def test_two_answers_that_differ_late_are_shown_with_more_digits():
    message = Exercise("third", right=lambda x: x / 3, cases=[(1.0,)]).check(lambda x: 0.3333326)
    assert "the right answer is 0.333333333333; yours is 0.3333326." in message.message


LETTERS = value(
    ["one", "two", "three"],
    mistakes={"B: one": (["one", "one", "three"], "B: one is taken, and smaller.")},
)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (("two", "one", "Three"), "Right: C. A: it is not 'two'. B: one is taken, and smaller."),
        (["one", "three", "two"], "Right: A. B: it is not 'three'. C: it is not 'two'."),
        (["two", "three", "one"], "A: it is not 'two'. B: it is not 'three'. C: it is not 'one'."),
    ],
)
def test_words_in_a_row_are_judged_letter_by_letter(answer, message):
    assert LETTERS.check(answer).message == message


def test_feedback_as_html_is_escaped_and_announced():
    html = value(1, hint="<b>").check("<script>")._repr_html_()
    assert 'role="status"' in html
    assert "<script>" not in html
    assert "<b>" not in html


@pytest.mark.parametrize("kind", ["right", "not tried", "other"])
def test_the_bar_of_each_verdict_stands_out_in_both_themes(kind):
    (color,) = re.findall(r"solid (#\w+)", Feedback("update", kind, "")._repr_html_())
    assert min(contrast(color, ground) for ground in (LIGHT, DARK)) >= 3


def test_code_in_a_message_is_code_in_html_without_backticks():
    html = UPDATE.check(lambda w, g: None)._repr_html_()
    assert "stands after <code>return</code>." in html
    assert "`" not in html


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("use `<`", "use <code>&lt;</code>"),
        ("one ` alone", "one  alone"),
        ("`a` and ` b", "<code>a</code> and  b"),
        ("``a``", "<code>a</code>"),
        ("````", ""),
        ("`a``b`", "<code>a</code>"),
    ],
)
def test_no_backtick_is_left_in_html(message, shown):
    html = Feedback("update", "`kind`", message)._repr_html_()
    assert "`" not in html
    assert shown in html
    assert "<code>kind</code>" in html


def test_backticks_of_an_error_are_not_taken_for_ours():
    html = UPDATE.check(raises(TypeError("a ` b 'list' and 'list'")))._repr_html_()
    assert "a &#x27; b" in html
    assert "<code>np.array(...)</code>" in html


def test_a_part_that_is_blank_is_not_tried_yet():
    assert LETTERS.check(["one", ..., "three"]).kind == "not tried"
    assert UPDATE.check(lambda w, g: [..., 1.0]).kind == "not tried"
    assert UPDATE.check(lambda w, g: w - ...).kind == "not tried"


@pytest.mark.filterwarnings("default")
def test_when_the_lab_fails_to_name_an_answer_the_learner_goes_on(monkeypatch):
    monkeypatch.setattr(checks.kinds, "named", raises(ValueError("a slip of ours")))
    with pytest.warns(UserWarning, match="no name for this answer: ValueError: a slip of ours"):
        assert UPDATE.check(lambda w, g: g).kind == "other"


def test_an_answer_with_a_random_number_in_it_is_named():
    half = Exercise("half", right=lambda x: (x / 2, x), cases=[(3.0,), (5.0,)])
    random = np.random.default_rng(0)
    assert half.check(lambda x: (random.normal(0, x), x)).kind == "by chance"
    assert half.check(lambda x: (x / 3, x)).kind != "by chance"


def test_an_exercise_says_how_long_its_answers_may_take():
    def endless(x):
        while True:
            x += 1

    quick = Exercise("quick", right=lambda x: x, cases=[(1.0,)], seconds=0.05)
    feedback = quick.check(endless)
    assert feedback.kind == "error"
    assert "0.05 s" in feedback.message
