"""What nobody planned for is named by what came back."""

import math

import numpy as np
import pytest

from labkit.learn.checks import Exercise

LINE = Exercise(
    "line",
    right=lambda x, k, b: k * x + b,
    cases=[(1.5, 2.0, -0.7), (-0.4, 0.3, 1.1), (np.array([0.2, -3.0, 1.7]), -1.2, 0.4)],
    hint="the hint",
)
MEAN = Exercise(
    "mean",
    right=lambda a: np.mean(a),
    cases=[(np.array([1.0, 2.5, 4.0]),), (np.array([0.3, -2.0, 7.0, 1.1]),), (np.array([3.0, 9]),)],
)
CENTERED = Exercise(
    "centered",
    right=lambda a: a - a.mean(),
    cases=[(np.array([1.0, 2.5, 5.0]),), (np.array([0.3, -2.0, 7.0, 1.1]),)],
)
SHARES = Exercise(
    "shares",
    right=lambda X: X / X.sum(axis=1, keepdims=True),
    cases=[(np.array([[1.0, 2, 5], [4, 3, 3]]),), (np.array([[2.0, 7], [5, 6], [1, 9]]),)],
)
COLUMN = Exercise(
    "column", right=lambda a: 2 * a[:, None], cases=[(np.array([1.0, 3, 4]),), (np.ones(2),)]
)
COUNT = Exercise("count", right=lambda n, k: (n - k) // 2 + 1, cases=[(9, 2), (8, 3), (20, 5)])
BOTH = Exercise(
    "both", right=lambda a, b: (a - b, a * b + 1), cases=[(3.0, 1.5), (0.2, -4.0), (7.0, 2.0)]
)
TABLE = Exercise("table", right=lambda a: {"sum": a.sum(), "n": len(a)}, cases=[(np.arange(3.0),)])
RAGGED = Exercise(
    "ragged",
    right=lambda parts: 1.5 * sum(map(len, parts)),
    cases=[([[1.0, 2.0], [3.0]],), ([[1.0], [2.0, 3.0], [4.0]],)],
)
WITH_DEFAULT = Exercise("power", right=lambda a, b, c=2: a**c + b, cases=[(2.0, 1.5), (3.0, 0.7)])
NAMES = Exercise("names", right=lambda d: max(d, key=d.get), cases=[({"a": 1, "b": 2},)])


def done_to(exercise, function):
    return lambda *arguments: function(exercise.right(*arguments))


THINGS = [
    (LINE, lambda x, k, b: str(k * x + b), "text", "without quotes"),
    (LINE, lambda x, k, b: {"y": k * x + b}, "a dictionary", "Asked is a number"),
    (CENTERED, lambda a: set(a), "a set", "no order"),
    (CENTERED, lambda a: (v - a.mean() for v in a), "a generator", "computed nothing yet"),
    (CENTERED, lambda a: map(lambda v: v - a.mean(), a), "a generator", "Your answer is a map"),
    (LINE, lambda x, k, b: k * x + b > 0, "True or False", "a comparison"),
    (LINE, lambda x, k, b: lambda: k * x + b, "a function", "call it"),
    (MEAN, lambda a: a.mean, "a function", "call it"),
    (CENTERED, lambda a: [None] * len(a), "None inside", "without `return`"),
    (CENTERED, lambda a: [print] * len(a), "a function inside", "call it"),
    (CENTERED, lambda a: [str(v) for v in a], "text inside", "without quotes"),
    (LINE, lambda x, k, b: np.sqrt(k * x + b + 0j), "complex numbers", "real numbers"),
    (SHARES, lambda X: np.matrix(X / X.sum(axis=1, keepdims=True)), "np.matrix", "an array"),
    (SHARES, lambda X: [[1.0], [1.0, 2.0]], "parts of unequal length", "different lengths"),
    (NAMES, lambda d: 3, "no word", "in quotes"),
    (NAMES, lambda d: ["b"], "a word in a list", "the word itself"),
]

SHAPES = [
    (LINE, lambda x, k, b: [k * x + b], "wrapped in a list", "brackets"),
    (MEAN, lambda a: np.mean(a, keepdims=True), "wrapped in a list", "take it out"),
    (CENTERED, done_to(CENTERED, lambda y: y[:, None]), "a column", "`.ravel()`"),
    (COLUMN, lambda a: 2 * a, "flat", "`keepdims=True`"),
    (COLUMN, lambda a: 2 * a[None, :], "a row", "`.T`"),
    (SHARES, done_to(SHARES, np.ravel), "flat", "the shape (2, 3)"),
    (SHARES, done_to(SHARES, np.transpose), "transposed", "exchanged"),
    (SHARES, lambda X: X.sum(axis=1), "an axis is gone", "the axis of"),
    (SHARES, done_to(SHARES, np.sum), "the sum of them", "a step is too much"),
    (CENTERED, done_to(CENTERED, lambda y: y[0]), "only the first", "inside the loop"),
    (CENTERED, lambda a: a.max(), "one number for many", "one number for each place"),
    (MEAN, lambda a: a, "a came back", "as it came in"),
    (MEAN, lambda a: a / len(a), "the sum is missing", "the last step"),
    (MEAN, lambda a: a**2, "many numbers for one", "Asked is one"),
    (MEAN, lambda a: [], "no argument used", "`a`"),
    (CENTERED, done_to(CENTERED, lambda y: y[:-1]), "the end is missing", "the last 1"),
    (CENTERED, done_to(CENTERED, lambda y: y[1:]), "the beginning is missing", "the first 1"),
    (CENTERED, lambda a: a[:2] * 7, "too few numbers", "a slice or a loop"),
    (CENTERED, lambda a: a[:, None] - a, "each with each", "a column of shape"),
    (LINE, lambda x, k, b: (k * x + b, b), "too many values", "The first of them is right"),
]

NUMBERS = [
    (LINE, done_to(LINE, np.negative), "sign", "wrong sign"),
    (LINE, done_to(LINE, np.abs), "absolute value", "never negative"),
    (CENTERED, done_to(CENTERED, lambda y: np.maximum(y, 0)), "nothing below 0", "cut off at 0"),
    (LINE, done_to(LINE, lambda y: 2 * y), "a factor of 2", "twice"),
    (LINE, done_to(LINE, lambda y: y / 2), "a factor of 0.5", "half"),
    (LINE, done_to(LINE, lambda y: -2 * y), "a factor of 2", "The sign is wrong as well"),
    (LINE, done_to(LINE, lambda y: 100 * y), "a factor of 100", "in percent"),
    (LINE, done_to(LINE, lambda y: 10 * y), "a factor of 10", "power of ten"),
    (LINE, done_to(LINE, lambda y: 1.7 * y), "a factor of 1.7", "a constant factor"),
    (LINE, done_to(LINE, lambda y: y / math.log(2)), "a factor of 1.443", "base 2"),
    (LINE, done_to(LINE, lambda y: y / math.log(10)), "a factor of 0.4343", "base 10"),
    (MEAN, lambda a: a.sum(), "times the length of a", "a sum where a mean"),
    (MEAN, lambda a: a.mean() / len(a), "divided by the length of a", "a mean where a sum"),
    (MEAN, lambda a: a.sum() / len(a) ** 0.5, "times the root of length of a", "by a factor"),
    (MEAN, lambda a: a.sum() / (len(a) - 1), "n - 1", "ddof=1"),
    (RAGGED, lambda p: RAGGED.right(p) * len(p), "times the length of p", "a sum where"),
    (LINE, done_to(LINE, lambda y: y + 0.25), "an offset", "too large by 0.25"),
    (LINE, lambda x, k, b: k * x + 2 * b, "off by b", "too much"),
    (COUNT, lambda n, k: (n - k) // 2, "off by one", "off by one"),
    (COUNT, lambda n, k: (n - k) / 2 + 1, "not whole", "whole number"),
    (LINE, done_to(LINE, np.square), "squared", "the square"),
    (MEAN, lambda a: np.sqrt(a.mean()), "the root", "the root"),
    (MEAN, lambda a: 1 / a.mean(), "upside down", "one over"),
    (SHARES, done_to(SHARES, lambda y: 1 - y), "the rest to 1", "one minus"),
    (SHARES, done_to(SHARES, np.log), "the logarithm", "the logarithm"),
    (SHARES, lambda X: X * 1.0 + 0, "X came back", "as it came in"),
    (SHARES, lambda X: X**1.0 * 3, "not divided by the sum", "add up to 1"),
    (SHARES, done_to(SHARES, lambda y: np.round(y, 2)), "rounded", "all its digits"),
    (LINE, done_to(LINE, np.trunc), "whole numbers", "dtype is int"),
    (CENTERED, done_to(CENTERED, lambda y: y[::-1]), "reversed", "the other way round"),
    (SHARES, done_to(SHARES, lambda y: y[:, ::-1]), "columns reversed", "reverse order"),
    (CENTERED, done_to(CENTERED, np.sort), "order", "another order"),
    (CENTERED, done_to(CENTERED, np.cumsum), "the running sum", "all before it"),
    (LINE, done_to(LINE, lambda y: y * np.nan), "nan", "0 / 0"),
    (MEAN, lambda a: a.mean() * np.inf, "infinity", "overflow"),
    (LINE, done_to(LINE, lambda y: y * 0.0), "zeros", "never filled"),
    (LINE, done_to(LINE, lambda y: y * 1.0004), "a factor of 1", "a constant factor"),
    (CENTERED, done_to(CENTERED, lambda y: y + np.sign(y) * 1e-3), "nearly right", "three digits"),
]

ARGUMENTS = [
    (LINE, lambda x, k, b: k * x, "b not used", "never uses `b`"),
    (WITH_DEFAULT, lambda a, b, c=2: a**c + 1, "b not used", "never uses `b`"),
    (WITH_DEFAULT, lambda a, b: a**2 + 1, "b not used", "never uses `b`"),
    (LINE, lambda x, k, b: 1.0, "no argument used", "`x`, `k`, `b`"),
    (LINE, lambda x, k, b: x, "x came back", "as it came in"),
    (LINE, lambda x, k, b: b * x + k, "k and b exchanged", "exchanged"),
    (LINE, lambda x, k, b: k * x - b, "sign of b", "before `b`"),
    (LINE, lambda x, k, b: k * abs(x) + b, "size of x", "loses the sign of `x`"),
    (LINE, lambda x, k, b: k * x**2 + b, "x squared", "the square of `x`"),
    (LINE, lambda x, k, b: x / k + b, "k upside down", "`k`"),
    (LINE, lambda x, k, b: k * np.sign(x) + b, "only the sign of x", "loses its size"),
    (MEAN, lambda a: a[:-1].mean(), "all samples but the last only", "a loop end too early"),
]

PARTS = [
    (
        LINE,
        lambda x, k, b: k * x + b if np.ndim(x) == 0 else x + 7,
        "right for some cases",
        "wrong where `x` is an array",
    ),
    (
        CENTERED,
        lambda a: np.append(a[:-1] - a.mean(), 99.0),
        "all but the last",
        "end one too early",
    ),
    (
        CENTERED,
        lambda a: np.append(a[:1] - a.mean(), 99.0 + a[1:] ** 2),
        "only the first",
        "overwritten",
    ),
    (
        SHARES,
        lambda X: np.where(X.max() == X, X / 77, SHARES.right(X)),
        "some columns",
        "Some columns",
    ),
    (
        SHARES,
        lambda X: np.where(X % 2 == 1, X / 77, SHARES.right(X)),
        "right in some places",
        "which",
    ),
    (
        CENTERED,
        lambda a: np.where(a > 2, -a, CENTERED.right(a)),
        "right up to a point",
        "Right up to `a` = 1.1",
    ),
    (CENTERED, lambda a: a.mean() + 0 * a, "the same at each place", "too early"),
    (CENTERED, lambda a: a - np.median(a), "zero", "something added"),
    (CENTERED, lambda a: (a - a.min()) / 3.3, "scale and zero", "what is subtracted"),
    (SHARES, lambda X: X * X[:, :1] + 0.3, "above 1", "between 0 and 1"),
    (SHARES, lambda X: SHARES.right(X) ** 3 - 0.01, "below 0", "never is"),
    (BOTH, lambda a, b: (a - b, a - b, 1), "too many values", "Asked are 2"),
    (BOTH, lambda a, b: a - b, "one value too few", "`return a, b`"),
    (BOTH, lambda a, b: (a * b + 1, a - b), "order", "another order"),
    (BOTH, lambda a, b: (a - b, a * b), "second value: an offset", "only the second"),
    (BOTH, lambda a, b: (b - a, a * b + 1), "first value: sign", "only the first"),
    (BOTH, lambda a, b: [(a - b, a * b + 1)], "wrapped twice", "leave it out"),
    (TABLE, lambda a: {"sum": a.sum()}, "a key is missing", "'n'"),
    (TABLE, lambda a: {"sum": a.sum(), "n": len(a), "m": 1}, "a key too many", "'m'"),
    (TABLE, lambda a: {"sum": -a.sum(), "n": len(a)}, "sum: sign", "wrong sign"),
    (TABLE, lambda a: [a.sum(), len(a)], "no dictionary", "{name: value"),
]

ALL = [each for group in (THINGS, SHAPES, NUMBERS, ARGUMENTS, PARTS) for each in group]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.filterwarnings("error:The lab has no name")
@pytest.mark.parametrize(("exercise", "answer", "kind", "words"), ALL)
def test_it_says_what_kind_of_thing_came_back(exercise, answer, kind, words):
    feedback = exercise.check(answer)
    assert feedback.kind == kind, feedback
    assert words in feedback.message
    assert "Hint" not in feedback.message


def test_beside_infinity_nothing_is_called_off_by_an_argument():
    rent = Exercise(
        "rent",
        right=lambda price, rent, cost: price / (rent - cost) if rent > cost else math.inf,
        cases=[(100.0, 3.0, 1.0), (100.0, 1.0, 2.0)],
    )
    said = rent.check(lambda price, rent, cost: price / abs(rent - cost) + price)
    assert "exactly" not in said.message
    assert not said.kind.startswith("off by")


def no_return_at_first(a):
    for value in a:
        total = value
        return total / len(a)
    return 0


def compares_with_nan(a):
    return np.where(a == np.nan, 0, a).mean() + 1


def power_of_bits(n, k):
    return (n - k) ^ 2 + 1


def one_array_two_names(a):
    other = a
    for place in range(len(a)):
        other[place] = a[place] - a.mean()
    return other


def overwritten(a):
    for value in a:
        total = value**3
    return total / len(a)


def short_loop(a):
    total = 0
    for place in range(1, len(a)):
        total += a[place] ** 2
    return total


def never_read(a):
    new = a - a.mean()  # noqa: F841
    return a**2 + 1


def equals_for_assign(a):
    new = a * 1
    new == a - 2  # noqa: B015
    return new


@pytest.mark.parametrize(
    ("exercise", "answer", "kind", "words"),
    [
        (MEAN, no_return_at_first, "return inside the loop", "Move it to the left"),
        (MEAN, compares_with_nan, "compared with nan", "`np.isnan`"),
        (COUNT, power_of_bits, "^", "`**`"),
        (CENTERED, one_array_two_names, "one array under two names", "`.copy()`"),
        (MEAN, overwritten, "total overwritten", "`+=`"),
        (MEAN, short_loop, "a loop one too short", "`range(1, len(a))`"),
        (CENTERED, never_read, "new not used", "never use it"),
        (CENTERED, equals_for_assign, "== for =", "only compares"),
    ],
)
def test_it_reads_the_code(exercise, answer, kind, words):
    feedback = exercise.check(answer)
    assert feedback.kind == kind, feedback
    assert words in feedback.message


# --- one change away ------------------------------------------------------------------------------


def half_divided(a):
    return a - a.sum() / len(a) / 2


def wrong_name(a, b):
    product = a * b
    difference = a - product
    return difference, product + 1


def another_function(a):
    return np.median(a)


def off_in_a_loop(a):
    total = 0
    for value in a:
        total -= value
    return total / len(a) + 2 * total / len(a) if total > 1e9 else -total / (len(a) + 1)


def one_branch_wrong(x, k, b):
    if np.all(x < 0):
        return k * x - b
    return k * x + b


def slope_for_difference(a):
    return -a.mean() / a


@pytest.mark.parametrize(
    ("exercise", "answer", "kind", "place"),
    [
        (LINE, one_branch_wrong, "one sign", "`k * x - b`"),
        (MEAN, another_function, "one function", "`np.median(a)`"),
        (BOTH, wrong_name, "one name", "`a - product`"),
        (CENTERED, half_divided, "a part too much", "`a.sum() / len(a) / 2`"),
        (MEAN, off_in_a_loop, "a part too much", "`len(a) + 1`"),
    ],
)
def test_it_says_where_one_change_makes_it_right(exercise, answer, kind, place):
    feedback = exercise.check(answer)
    assert feedback.kind == kind, feedback
    assert place in feedback.message


def test_a_change_that_nobody_would_have_meant_is_not_told():
    assert CENTERED.check(slope_for_difference).kind not in ("one operator", "plus or times")


def test_a_number_that_should_be_counted_is_named():
    feedback = CENTERED.check(lambda a: a - a.sum() / 4)
    assert feedback.kind == "a fixed number"
    assert "Right for 4 rows of `a`" in feedback.message


def test_of_matrices_one_number_is_shown():
    turned = Exercise("turned", right=lambda a, b: a @ b.T, cases=[(np.eye(3) / 7, np.eye(3) / 3)])
    message = turned.check(lambda a, b: a @ b.T + np.diag([0, 0.001, 7])).message
    assert "it should be" in message
    assert len(message) < 250


def test_what_is_changed_for_a_trial_prints_and_spoils_nothing(capsys):
    def loud(a):
        print("called")
        return np.median(a)

    assert MEAN.check(loud).kind == "one function"
    assert capsys.readouterr().out.count("called") == len(MEAN.cases)
    assert loud(np.array([1.0, 2.0, 9.0])) == 2.0


def test_a_line_is_fitted_to_no_nan_for_a_trial(capfd):
    slope = Exercise(
        "slope",
        right=lambda x, y: np.cov(np.log(x), np.log(y))[0, 1] / np.var(np.log(x), ddof=1),
        cases=[(np.array([1e3, 4e3, 1e5]), np.array([5.0, 4.0, 2.5]))],
    )

    def other(x, y):
        return -np.polyfit(np.sqrt(x), np.sqrt(y), 1)[0]

    slope.check(other)
    assert capfd.readouterr() == ("", "")  # LAPACK writes past Python, to the terminal itself


def test_code_that_may_not_end_is_not_changed():
    def waits(a):
        place = 0
        while place < len(a):
            place += 1
        return np.median(a) * place / len(a)

    assert MEAN.check(waits).kind not in ("one function", "error")


# --- values: nothing tells the right one ----------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (-0.37, "sign"),
        (0.74, "a factor of 2"),
        (0.185, "a factor of 2"),
        (37, "a power of ten"),
        (1 / 0.37, "upside down"),
        (0.4, "rounded"),
        ("0.37", "text"),
        ([0.37], "wrapped in a list"),
        ([0.1, 0.2], "many numbers for one"),
        (float("nan"), "nan"),
        (True, "True or False"),
        (len, "a function"),
        (1j, "complex numbers"),
        (0.5, "other"),
    ],
)
def test_a_value_is_named_without_telling_the_right_one(answer, kind):
    feedback = Exercise("share", right=0.37).check(answer)
    assert feedback.kind == kind, feedback
    told = feedback.message.split("You answered")[0]
    assert "0.37" not in told


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (["a", "b"], "too few words", "You give 2"),
        (["a", "b", "c", "d"], "too many words", "You give 4"),
        ([["a", "b", "c"]], "wrapped twice", "leave one out"),
        ("a b c", "text", "a list of 3 words"),
        (3, "no list", "with commas"),
        (["a", "b", 3], "C", "a word, in quotes, and not 3"),
        (["a", "x", "c"], "B", "none of the words of the task"),
        (["a", "b", "acuracy"], "C", "did you mean 'accuracy'"),
    ],
)
def test_words_are_named_by_what_is_wrong_with_them(answer, kind, words):
    three = Exercise(
        "three", right=["a", "b", "c"], mistakes={"C: accuracy": (["a", "b", "accuracy"], "No.")}
    )
    feedback = three.check(answer)
    assert feedback.kind == kind, feedback
    assert words in feedback.message
