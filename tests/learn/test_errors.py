"""The errors that learners meet are explained in a sentence each."""

import math

import numpy as np
import pytest

from labkit.learn.checks import Exercise
from labkit.maths.activations import sigmoid

TABLE = np.array([[1.0, 2.0, 0.5], [4.0, 3.0, 1.0]])
MIXED = Exercise(
    "mixed",
    right=lambda x, table, learning_rate: (x + table.sum()) * learning_rate,
    cases=[(1.5, TABLE, 0.1), (2.5, TABLE + 1, 0.2)],
)


class Net:
    def forward(x):
        return x


def missing_name(x, table, learning_rate):
    return x + tabel.sum()  # noqa: F821


def initials(x, table, learning_rate):
    return x * lr  # noqa: F821


def numpy_name(x, table, learning_rate):
    return mean(table)  # noqa: F821


def nobodys_name(x, table, learning_rate):
    return x + quux  # noqa: F821


def too_early(x, table, learning_rate):
    total = total + x  # noqa: F821
    return total, learning_rate


def endless(x, table, learning_rate):
    return endless(x, table, learning_rate)


def unpacks(x, table, learning_rate):
    a, b = table.shape[:1]
    return a + b


EXPLAINED = [
    (missing_name, "did you mean `table`?"),
    (initials, "did you mean `learning_rate`?"),
    (numpy_name, "did you mean `np.mean`?"),
    (nobodys_name, "Your function is given `x`, `table`, `learning_rate`."),
    (too_early, "`total` is used before it gets its first value"),
    (endless, "calls itself without end"),
    (unpacks, "as many names as values"),
    (lambda x: x, "It is given 3 arguments"),
    (lambda self, x, table, learning_rate: x, "`self` belongs to the functions of a class"),
    (lambda x, table, learning_rate: Net().forward(x), "first argument of each function is `self`"),
    (lambda x, table, learning_rate: sigmoid(), "Another function that you call"),
    (lambda x, table, learning_rate: x / 0, "below the line became 0"),
    (lambda x, table, learning_rate: table[5], "Counting starts at 0"),
    (lambda x, table, learning_rate: table[0, 0, 0], "than the array has axes"),
    (lambda x, table, learning_rate: table[1.0], "`//` divides to one"),
    (lambda x, table, learning_rate: [1, 2][learning_rate], "`//` divides to one"),
    (lambda x, table, learning_rate: range(2.0), "`//` divides to one"),
    (lambda x, table, learning_rate: np.zeros(2.5), "`//` divides to one"),
    (lambda x, table, learning_rate: table.sum(axis=2), "Its `shape` says how many"),
    (lambda x, table, learning_rate: x.shape, "a plain number"),
    (lambda x, table, learning_rate: [x].shape, "A list is no array"),
    (lambda x, table, learning_rate: table.maxx(), "`.max`"),
    (lambda x, table, learning_rate: table.exp(), "`np.exp(...)`"),
    (lambda x, table, learning_rate: np.sqr(x), "`.sqrt`"),
    (lambda x, table, learning_rate: table.sum(keepdim=True), "Did you mean `keepdims=`?"),
    (lambda x, table, learning_rate: [1.0] - [2.0], "A list is no array"),
    (lambda x, table, learning_rate: [1.0] * 0.5, "A list is no array"),
    (lambda x, table, learning_rate: [1.0] + 0.5, "A list is no array"),
    (lambda x, table, learning_rate: "1" + x, "text"),
    (lambda x, table, learning_rate: float("one"), "text"),
    (lambda x, table, learning_rate: x + None, "without `return`"),
    (lambda x, table, learning_rate: [3, 1].sort().max(), "The value before the dot is None"),
    (lambda x, table, learning_rate: 1 - sigmoid, "call it, with parentheses"),
    (lambda x, table, learning_rate: x(table), "Is a `*` missing"),
    (lambda x, table, learning_rate: table(0), "square brackets"),
    (lambda x, table, learning_rate: x[0], "a single number"),
    (lambda x, table, learning_rate: len(x), "a single number"),
    (lambda x, table, learning_rate: sum(x), "a single number"),
    (lambda x, table, learning_rate: x ^ 2, "written `**`"),
    (lambda x, table, learning_rate: table ^ 2, "written `**`"),
    (lambda x, table, learning_rate: x @ learning_rate, "multiplied with `*`"),
    (lambda x, table, learning_rate: table @ x, "multiplied with `*`"),
    (lambda x, table, learning_rate: table @ table, "columns on its left"),
    (lambda x, table, learning_rate: table / table.sum(axis=1), "`keepdims=True`"),
    (lambda x, table, learning_rate: max(0, table), "`np.maximum`"),
    (lambda x, table, learning_rate: table if table > 0 else 0, "`np.where`"),
    (lambda x, table, learning_rate: math.exp(table), "`np.exp`"),
    (lambda x, table, learning_rate: math.log(-x), "above 0"),
    (lambda x, table, learning_rate: math.exp(1000), "overflows above about 709"),
    (lambda x, table, learning_rate: round(table), "`np.round`"),
    (lambda x, table, learning_rate: np.array([[1.0], [1.0, 2.0]]), "different lengths"),
    (lambda x, table, learning_rate: table.reshape(4, 4), "another count of numbers"),
    (lambda x, table, learning_rate: np.concatenate([table, table.T]), "different lengths"),
    (lambda x, table, learning_rate: table[:, 3:].max(), "empty"),
    (lambda x, table, learning_rate: {"a": 1}["b"], "no such key"),
    (lambda x, table, learning_rate: np.linalg.inv(table), "square"),
    (lambda x, table, learning_rate: __import__("nummpy"), "no module of that name"),
    (lambda x, table, learning_rate: exit(), "ends with `return`"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("answer", "meaning"), EXPLAINED)
def test_an_error_is_explained_in_a_sentence(answer, meaning):
    feedback = MIXED.check(answer)
    assert feedback.kind == "error"
    assert "Your code raised" in feedback.message
    told = feedback.message.split("Your code raised", 1)[1].partition(": ")[2]
    assert meaning in told


def test_the_line_that_raised_is_shown():
    def fails(x, table, learning_rate):
        total = table.sum()
        return total * (1 / (x - x))

    message = MIXED.check(fails).message
    assert "ZeroDivisionError: float division by zero (line 3: `return total * (1" in message


def test_an_error_in_a_function_that_was_called_shows_the_learners_line():
    def fails(x, table, learning_rate):
        y = x + 1
        return math.sqrt("y") + y

    assert '(line 3: `return math.sqrt("y") + y`)' in MIXED.check(fails).message


def test_an_error_inside_a_function_of_the_lab_is_not_explained_as_the_learners_own():
    from labkit.exercises.backprop import gradient

    def goes_over_numbers(loss, w, tiny):
        return [(loss(value + tiny) - loss(value - tiny)) / (2 * tiny) for value in w]

    message = gradient.check(goes_over_numbers).message
    assert "A function that you call could not compute with what it was given" in message
    assert "brackets" not in message


def test_a_module_that_was_not_imported_is_named():
    def forgets(x, table, learning_rate):
        return statistics.mean(table)  # noqa: F821

    assert "is an `import` missing?" in MIXED.check(forgets).message


def test_an_unknown_error_keeps_its_own_words():
    def fails(x, table, learning_rate):
        raise RuntimeError("only I know `why`")

    message = MIXED.check(fails).message
    assert message.startswith("Your code raised RuntimeError: only I know 'why' (line 2: ")
    assert message.endswith(").")


def test_a_long_error_is_cut():
    def fails(x, table, learning_rate):
        raise ValueError("x" * 1000 + "\nmore")

    assert len(MIXED.check(fails).message) < 250
