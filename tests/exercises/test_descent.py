"""The exercises of lesson 01 ask for what labkit.maths.descent does."""

import numpy as np
import pytest

from labkit.exercises import descent as exercise
from labkit.maths import descent as maths


def test_the_right_update_walks_like_sgd():
    path = maths.descend("ravine", exercise.update.right, learning_rate=0.1, steps=20)
    np.testing.assert_array_equal(path, maths.descend("ravine", "sgd", 0.1, steps=20))


def test_the_right_momentum_walks_like_momentum():
    ravine = maths.SURFACES["ravine"]
    w, velocity = np.array(ravine.start), 0.0
    for _ in range(20):
        w, velocity = exercise.momentum.right(w, velocity, ravine.gradient(w), 0.1, 0.9)
    np.testing.assert_allclose(w, maths.descend(ravine, "momentum", 0.1, steps=20)[-1])


@pytest.mark.parametrize("share", [0.999, 1.001])
def test_the_right_rate_parts_stable_from_unstable_on_data(share):
    X = np.random.default_rng(0).normal(size=(50, 4))
    rate = share * exercise.stable_rate.right(maths.linear_hessian(X))
    weights = maths.fit_linear(X, X.sum(axis=1), learning_rate=rate, epochs=20_000)
    assert maths.diverged(weights) == (share > 1)


def test_an_answer_that_changes_w_in_place_is_right():
    def in_place(w, gradient, learning_rate):
        w -= learning_rate * gradient
        return w

    assert exercise.update.check(in_place).ok


def test_other_ways_to_the_right_rate_count():
    assert exercise.stable_rate.check(lambda hessian: 2 / np.linalg.norm(hessian, 2)).ok
    assert exercise.stable_rate.check(lambda h: 2 / max(np.linalg.eigvals(h).real)).ok


def test_the_largest_entry_is_called_the_diagonal():
    feedback = exercise.stable_rate.check(lambda hessian: 2 / hessian.max())
    assert feedback.kind == "diagonal only"


def test_a_forgotten_second_value_is_shown():
    feedback = exercise.momentum.check(lambda w, v, g, rate, momentum: w + momentum * v - rate * g)
    assert feedback.kind == "one value too few"
    assert "velocity" in feedback.message or "return a, b" in feedback.message


def test_the_conventions_of_other_books_are_right_and_walk_the_same_way():
    def uphill(w, v, gradient, rate, momentum):  # d2l.ai
        v = momentum * v + rate * gradient
        return w - v, v

    def rate_outside(w, v, gradient, rate, momentum):  # PyTorch
        v = momentum * v + gradient
        return w - rate * v, v

    for rule, named in ((uphill, "points uphill"), (rate_outside, "PyTorch")):
        feedback = exercise.momentum.check(rule)
        assert feedback.ok
        assert named in feedback.message
        w, v, u, velocity = 5.0, 0.0, 5.0, 0.0
        for _ in range(9):
            w, v = rule(w, v, 0.3 * w, 0.1, 0.9)
            u, velocity = exercise.momentum.right(u, velocity, 0.3 * u, 0.1, 0.9)
        assert w == pytest.approx(u)


def in_rule(update):
    """An entry of the race that remembers nothing."""
    return lambda w, memory, gradient, rate, step: (update(w, gradient, rate), memory)


def adam(w, memory, gradient, learning_rate, step):
    mean, squares = memory if step > 1 else (0.0, 0.0)
    mean, squares = mean + 0.1 * (gradient - mean), squares + 0.001 * (gradient**2 - squares)
    rate = learning_rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    return w - rate * mean / (np.sqrt(squares) + 1e-7), (mean, squares)


def sums(w, memory, gradient, learning_rate, step):
    """Adagrad, with a memory of its own kind."""
    memory = {"squares": gradient**2 + (memory["squares"] if step > 1 else 0)}
    return w - learning_rate * gradient / np.sqrt(memory["squares"] + 1e-9), memory


def late(w, memory, gradient, learning_rate, step):
    if step > 60:
        raise ValueError("I am tired")
    return w - learning_rate * gradient, memory


def test_no_rule_is_told_to_be_another_one():
    message = exercise.optimizer.check(lambda w, memory, g, rate, step: (w, memory, step)).message
    assert "the right answer" not in message


def test_any_rule_that_goes_down_may_enter_the_race():
    plain = in_rule(exercise.update.right)

    def momentum(w, v, gradient, rate, step):
        return exercise.momentum.right(w, v, gradient, rate, 0.9)

    for rule in (plain, momentum, adam, sums):
        assert exercise.optimizer.check(rule).ok
        assert exercise.optimizer.use(rule) is rule
        assert exercise.optimizer.whose == "yours"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (in_rule(lambda w, g, rate: 0.999 * w), "does not go down"),
        (in_rule(lambda w, g, rate: w - g / rate), "does not go down"),
        (lambda w, memory, g, rate, step: w - rate * g, "the new w alone"),
        (lambda w, memory, g, rate, step: w.upper(), "upper"),
        (in_rule(lambda w, g, rate: w * np.nan), "does not go down"),
        (in_rule(lambda w, g, rate: w + rate * np.sign(g)), "walks uphill"),
        (late, "I am tired"),
        (lambda w, memory, g, rate, step: (w - rate * g, step, memory), "returns 3 values"),
    ],
)
def test_a_rule_that_goes_nowhere_may_not(rule, words):
    with np.errstate(all="ignore"):
        feedback = exercise.optimizer.check(rule)
    assert not feedback.ok
    assert words in feedback.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda H: 2 / sum(np.linalg.eigvalsh(H)[[0, -1]]), "arrives soonest"),
        (lambda H: 2 / np.linalg.eigvals(H)[0], "in no order"),
        (lambda H: 2 / np.linalg.eigh(H)[-1], "two arrays"),
    ],
)
def test_slips_with_the_eigenvalues_are_named(answer, words):
    with np.errstate(divide="ignore"):
        assert words in exercise.stable_rate.check(answer).message
