"""Answers on which a check once erred: right ones it rejected, wrong ones it took.

Most stand in the files of their lessons as well, with what makes them right or wrong.
"""

import warnings

import numpy as np
import pytest
import scipy.stats
from every_exercise import all_exercises
from written import written

from labkit.exercises import metrics
from labkit.maths import recurrent

EXERCISES = all_exercises()
SCIPY = """low, high = scipy.stats.t.interval(
      0.95, len(values) - 1, np.mean(values), scipy.stats.sem(values)
  )
  return low, high"""

RIGHT = [
    ("backprop.output_delta", "(prediction - y) / y.shape[0]"),
    (
        "backprop.output_delta",
        "(-(y / prediction) + (1 - y) / (1 - prediction)) * prediction * (1 - prediction) / len(y)",
    ),
    ("backprop.output_delta", "np.where(y == 1, prediction - 1, prediction) / len(y)"),
    ("metrics.which_metric", '("recall", "precision", "accuracy", "auc", "f1")'),
    ("metrics.which_metric", '["recall", "precision", "accuracy", "AUC", "F1"]'),
    ("training.reading", '"overfits", "underfits", "fine", "rate too high"'),
    ("training.reading", 'np.array(["overfits", "underfits", "fine", "rate too high"])'),
    ("training.reading", '["Overfits", "UNDERFITS", "fine ", " rate too high"]'),
    ("network.swapped", "{2, 7}"),
    ("network.swapped", '"2 and 7"'),
    ("network.swapped", "(2, 7)"),
    ("sweeps.interval", SCIPY),
    (
        "recurrent.leak_free",
        "learn = series[:train_rows]\n  z = (series - learn.mean()) / learn.std(ddof=1)\n"
        "  n = len(series) - width + 1 - steps\n"
        "  return [[*z[i : i + width], z[i + width - 1 + steps]] for i in range(n)]",
    ),
    (
        "transfer.freeze",
        "mine = [l for l in layers if len(l.weights) > 0]\n"
        "  for i, layer in enumerate(mine):\n      layer.trainable = i >= count\n"
        "  return [l.trainable for l in mine]",
    ),
    (
        "transfer.freeze",
        "mine = [l for l in layers if l.get_weights()]\n"
        "  for i, layer in enumerate(mine):\n      layer.trainable = i >= count\n"
        "  return [l.trainable for l in mine]",
    ),
    (
        "transfer.freeze",
        "mine = [l for l in layers if l.count_params()]\n"
        "  for i, layer in enumerate(mine):\n      layer.trainable = i >= count\n"
        "  return [l.trainable for l in mine]",
    ),
]

SOFTMAX = "e = np.exp(z - {})\n  return e / e.sum(axis=1, keepdims=True)"
WRONG = [  # (exercise, answer, kind)
    ("start.prediction", "abs(w * length + b)", "absolute value"),
    ("start.prediction", "round(w * length + b, 1)", "rounded"),
    ("activations.softmax", SOFTMAX.format("z.max()"), "one maximum for all rows"),
    (
        "activations.softmax",
        SOFTMAX.format("np.abs(z).max(axis=1, keepdims=True)"),
        "the largest size",
    ),
    (
        "activations.sigmoid_slope",
        "np.where(abs(x) > 20, 0, sigmoid(x) * (1 - sigmoid(x)))",
        "one number",
    ),
    (
        "backprop.gradient",
        "t = 1e-5\n  return [(loss(w + e) - loss(w - e)) / (2 * t) for e in t * np.eye(len(w))]",
        "a tiny of your own",
    ),
    (
        "backprop.gradient",
        "above = w\n  below = w\n  g = np.zeros(len(w))\n  for i in range(len(w)):\n"
        "      above[i] += tiny\n      below[i] -= tiny\n"
        "      g[i] = (loss(above) - loss(below)) / (2 * tiny)\n  return g",
        "one array under two names",
    ),
    ("descent.update", "[w - learning_rate * gradient]", "wrapped in a list"),
    ("network.swapped", "[4, 9]", "digits that look alike"),
    ("network.swapped", "(9, 4)", "digits that look alike"),
    (
        "transfer.freeze",
        "return [i >= count for i in range(len([l for l in layers if l.weights]))]",
        "only returned",
    ),
    ("convolution.features", "filters * ((size - kernel + 1) / pool) ** 2", "half a block"),
    (
        "convolution.features",
        "filters * (size - kernel + 1) ** 2 // pool**2",
        "squared before dividing",
    ),
    (
        "convolution.output_size",
        "round((size + 2 * padding - kernel) / stride) + 1",
        "rounded to the nearest",
    ),
    (
        "attention.attention",
        "e = np.exp(Q @ K.T / np.sqrt(V.shape[1]))\n  return e / e.sum(axis=1, keepdims=True) @ V",
        "scaled by the width of a value",
    ),
    (
        "attention.attention",
        "e = np.exp(Q @ K.T / np.sqrt(K.shape[1]))\n  return e / e.sum(1) @ V",
        "sum without keepdims",
    ),
    ("attention.causal_mask", "np.triu(np.full((length, length), -1e9), 1)", "numbers to add"),
    ("sweeps.flattery", "abs(chosen - np.mean(fresh))", "size of the flattery"),
    ("sweeps.flattery", "max(0, chosen - np.mean(fresh))", "no flattery below 0"),
    (
        "transfer.gain",
        "d = np.subtract(transfer, scratch)\n"
        "  return abs(d.mean()), t * d.std(ddof=1) / np.sqrt(len(d))",
        "size of the gain",
    ),
    (
        "recurrent.lstm_step",
        "h, c, _ = recurrent.lstm_step(x, h, c, recurrent.Weights('lstm', W, U, b))\n  return c, h",
        "exchanged",
    ),
]


def checked(name, source):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        answer = written(name, source, scipy=scipy, recurrent=recurrent)
        return EXERCISES[name].check(answer)


@pytest.mark.parametrize(("name", "source"), RIGHT)
def test_right_answers_are_right(name, source):
    feedback = checked(name, source)
    assert feedback.ok, feedback


@pytest.mark.parametrize(("name", "source", "kind"), WRONG)
def test_wrong_answers_are_wrong_and_named(name, source, kind):
    feedback = checked(name, source)
    assert feedback.kind == kind, feedback
    assert "np.float64" not in feedback.message


SAFE = [
    "np.mean(np.maximum(logits, 0) - y_true * logits + np.log1p(np.exp(-logits)))",
    "p = np.clip(sigmoid(logits), 1e-15, 1 - 1e-15)\n"
    "  return -np.mean(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))",
    "p = sigmoid(logits)\n"
    "  return -np.mean(y_true * np.log(p + 1e-9) + (1 - y_true) * np.log(1 - p + 1e-9))",
]


@pytest.mark.parametrize("source", SAFE)
def test_what_only_looks_stable_is_a_mistake_on_the_list(source):
    name = "losses.stable_cross_entropy"
    assert checked(name, source).kind in EXERCISES[name].mistakes


@pytest.mark.parametrize(("one", "other"), [(2, 4), (3, 4), (2, 3), (0, 4), (1, 4)])
def test_a_swap_of_two_words_says_which_letters_are_wrong(one, other):
    words = list(metrics.which_metric.right)
    words[one], words[other] = words[other], words[one]
    feedback = metrics.which_metric.check(words)
    assert feedback.kind == f"{'ABCDE'[one]}, {'ABCDE'[other]}"
    assert f"{'ABCDE'[one]}: " in feedback.message
    assert f"{'ABCDE'[other]}: " in feedback.message


@pytest.mark.parametrize("stop", [SystemExit, SystemExit("bye")])
def test_no_answer_ends_the_lesson(stop):
    def quits(*_):
        raise stop

    for name, exercise in EXERCISES.items():
        if exercise.cases is not None:
            assert exercise.check(quits).kind == "error", name


def test_the_stop_button_still_works():
    def waits(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EXERCISES["descent.update"].check(waits)
