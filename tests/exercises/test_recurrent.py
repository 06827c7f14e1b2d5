"""What the walker over all exercises does not see: learners' own ways of writing the answers."""

import numpy as np
import pytest

from labkit.data.sequences import windows
from labkit.exercises import recurrent as exercise


def test_the_step_of_the_library_is_right_as_tuple_or_as_array():
    right = exercise.lstm_step.right
    assert exercise.lstm_step.check(lambda *a: right(*a)).ok
    assert exercise.lstm_step.check(lambda *a: np.array(right(*a))).ok
    assert exercise.lstm_step.check(lambda *a: right(*a)[::-1]).kind == "exchanged"


def test_windows_of_labkit_give_the_right_table():
    def answer(series, width, horizon, train_rows):
        scaled = (series - series[:train_rows].mean()) / series[:train_rows].std()
        x, y = windows(scaled, width, horizon)
        return np.column_stack([x[:, :, 0], y])

    assert exercise.leak_free.check(answer).ok


def test_the_baseline_repeats_a_season_that_it_was_never_told():
    """A season that repeats exactly is forecast exactly, however far ahead."""
    season = np.random.default_rng(0).normal(size=7)
    values = np.tile(season, 5)[:30]
    np.testing.assert_array_equal(exercise.baseline.right(values, 7, 20), np.tile(season, 9)[30:50])


def test_clipping_is_that_of_keras():
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(1)
    gradients = [rng.normal(size=shape).astype("float32") for shape in ((3, 4), (4,), (2, 2))]
    weights = [keras.Variable(np.zeros_like(g)) for g in gradients]
    keras.optimizers.SGD(1.0, global_clipnorm=0.7).apply(
        [keras.ops.array(g) for g in gradients], weights
    )
    for ours, theirs in zip(exercise.clip.right(gradients, 0.7), weights, strict=True):
        np.testing.assert_allclose(ours, -keras.ops.convert_to_numpy(theirs), atol=1e-6)


def test_loops_and_lists_are_welcome():
    def answer(values, period, horizon):
        season = list(values[-period:])
        return [season[k % period] for k in range(horizon)]

    assert exercise.baseline.check(answer).ok


@pytest.mark.parametrize("name", ["clip", "lstm_step", "leak_free", "baseline"])
def test_at_least_four_mistakes_that_differ_from_each_other(name):
    each = getattr(exercise, name)
    assert len(each.mistakes) >= 4
    kinds = [each.check(wrong).kind for wrong, _ in each.mistakes.values()]
    assert kinds == list(each.mistakes)


@pytest.mark.parametrize("name", ["leak_free", "baseline"])
def test_feedback_speaks_of_the_names_that_the_stub_has(name):
    """The notebook has a global `horizon`: who follows a hint with that name is misled."""
    each = getattr(exercise, name)
    words = [each.hint, *(message for _, message in each.mistakes.values())]
    assert not [text for text in words if "horizon" in text]


@pytest.mark.parametrize("ddof", [0, 1])
def test_either_standard_deviation_scales_without_a_leak(ddof):
    def answer(series, width, steps, train_rows):
        known = series[:train_rows]
        x, y = windows((series - known.mean()) / known.std(ddof=ddof), width, steps)
        return np.column_stack([x[:, :, 0], y])

    assert exercise.leak_free.check(answer).ok


def test_commonest_slips_of_the_step_are_named():
    def step(x, h, c, W, U, b, squash=lambda z: 1 / (1 + np.exp(-z))):
        i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
        c = squash(f) * c + squash(i) * np.tanh(g)
        return squash(o) * np.tanh(c), c

    kind = lambda answer: exercise.lstm_step.check(answer).kind
    assert kind(step) == "right"
    assert kind(lambda *a: step(*a)[::-1]) == "exchanged"
    assert kind(lambda *a: step(*a, squash=lambda z: z)) == "gates without sigmoid"
    assert kind(lambda *a: step(*a[:5], 0)) == "bias left out"
    assert kind(lambda x, h, c, *a: step(x, h, h, *a)) == "state for cell state"
