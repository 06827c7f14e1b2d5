"""What the walker over all exercises does not see: learners' own ways of writing the answers."""

import numpy as np
import pytest

from labkit.exercises import attention as exercise


def test_loops_are_as_right_as_matrices():
    def loops(Q, K, V):
        out = np.zeros((len(Q), V.shape[1]))
        for i, query in enumerate(Q):
            parts = [np.exp(query @ key / len(key) ** 0.5) for key in K]
            out[i] = sum(part * value for part, value in zip(parts, V, strict=True)) / sum(parts)
        return out.tolist()

    assert exercise.attention.check(loops).ok


def test_forgotten_keepdims_is_no_right_answer():
    def forgot(Q, K, V):
        parts = np.exp(Q @ K.T / np.sqrt(K.shape[1]))
        return parts / parts.sum(axis=1) @ V  # divides columns by the sums of rows

    assert not exercise.attention.check(forgot).ok


@pytest.mark.parametrize(
    "mask",
    [
        lambda n: np.tril(np.ones((n, n))),
        lambda n: [[j <= i for j in range(n)] for i in range(n)],
        lambda n: np.arange(n) <= np.arange(n)[:, None],
    ],
)
def test_the_mask_may_be_numbers_or_a_list(mask):
    assert exercise.causal_mask.check(mask).ok


@pytest.mark.parametrize("name", ["attention", "causal_mask", "split", "block"])
def test_mistakes_differ_from_each_other(name):
    each = getattr(exercise, name)
    kinds = [each.check(wrong).kind for wrong, _ in each.mistakes.values()]
    assert kinds == list(each.mistakes)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda Q, K, V: _attend(Q, K, V, np.sqrt(V.shape[1])), "scaled by the width of a value"),
        (lambda Q, K, V: _attend(Q, K, V, keepdims=False), "sum without keepdims"),
        (lambda Q, K, V: _attend(Q, K, V), "right"),
    ],
)
def test_each_of_four_sizes_has_its_own_place(answer, kind):
    assert exercise.attention.check(answer).kind == kind


def test_as_many_rows_as_keys_is_wrong_where_there_are_fewer_queries():
    feedback = exercise.attention.check(
        lambda Q, K, V: np.stack([_attend(Q, K, V)[i] for i in range(len(K))])
    )
    assert feedback.kind == "error"
    assert "IndexError" in feedback.message


def _attend(Q, K, V, scale=None, keepdims=True):
    parts = np.exp(Q @ K.T / (scale or np.sqrt(K.shape[1])))
    return parts / parts.sum(axis=1, keepdims=keepdims) @ V


@pytest.mark.parametrize("low", [-np.inf, -1e9, -1e4, -1e30, np.finfo("float32").min])
def test_any_very_large_negative_number_is_a_mask_to_add(low):
    numbers = lambda length: np.where(np.tri(length) > 0, 0.0, low)
    assert exercise.causal_mask.check(numbers).kind == "numbers to add"
    assert exercise.causal_mask.check(lambda length: (1 - np.tri(length)) * -1e9).kind == (
        "numbers to add"
    )


def test_a_block_of_numpy_functions_cannot_build_a_network():
    def block(x, norm_1, attend, norm_2, feed):
        y = np.add(x, attend(norm_1(x)))
        return np.add(y, feed(norm_2(y)))

    feedback = exercise.block.check(block)
    assert feedback.kind == "NumPy alone"
    assert "Keras' symbols" in feedback.message


def test_a_block_that_adds_in_place_builds_a_network_as_it_stands(monkeypatch):
    def block(x, norm_1, attend, norm_2, feed):
        x += attend(norm_1(x))
        x += feed(norm_2(x))
        return x

    monkeypatch.setattr("labkit.learn.checks.is_headless", lambda: False)
    assert exercise.block.use(block) is block
