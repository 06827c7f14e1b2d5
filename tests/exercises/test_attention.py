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


def test_the_short_formula_of_the_block_is_right():
    assert exercise.block_parameters.check(lambda d: d * (12 * d + 13)).ok


@pytest.mark.parametrize("name", ["attention", "causal_mask", "block_parameters"])
def test_mistakes_differ_from_each_other(name):
    each = getattr(exercise, name)
    kinds = [each.check(wrong).kind for wrong, _ in each.mistakes.values()]
    assert kinds == list(each.mistakes)
