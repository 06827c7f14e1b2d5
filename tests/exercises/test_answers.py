"""Many answers as people write them: the right ones are accepted, the wrong ones are named."""

import linecache
import math
import re
import runpy
import statistics
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pandas
import pytest
import scipy.special
import scipy.stats
import sklearn.impute
import sklearn.metrics
import sklearn.pipeline
import sklearn.preprocessing
from every_exercise import all_exercises

from labkit.learn import checks
from labkit.maths.activations import relu, sigmoid

EXERCISES = all_exercises()
TOOLS = {
    each.__name__.split(".")[0]: each for each in (math, statistics, pandas, scipy, sklearn)
} | {"np": np, "relu": relu, "sigmoid": sigmoid}
STUBS = {  # the arguments of the lessons' stubs
    "start.prediction": "length, w, b",
    "descent.update": "w, gradient, learning_rate",
    "descent.momentum": "w, velocity, gradient, learning_rate, momentum",
    "descent.stable_rate": "hessian",
    "losses.mse": "y_true, y_pred",
    "losses.mse_gradient": "y_true, y_pred",
    "losses.stable_cross_entropy": "y_true, logits",
    "losses.softmax_gradient": "y_true, logits",
    "activations.sigmoid_slope": "x",
    "activations.softmax": "z",
    "activations.network": "x, W1, b1, W2, b2",
    "activations.hat": "x",
    "backprop.output_delta": "prediction, y",
    "backprop.hidden_delta": "delta, W, h",
    "backprop.gradient": "loss, w, tiny",
    "metrics.f1": "tp, fp, fn, tn",
    "metrics.pipeline": "rows, test_count",
}


def answers(file: str) -> list[tuple[str, str]]:
    """Return (exercise, source) for each answer of a file; lines that are indented go on."""
    (found,) = [
        table
        for name, table in runpy.run_path(Path(__file__).with_name(file)).items()
        if name.isupper()
    ]
    return [
        (name, source)
        for name, text in found.items()
        for source in re.split(r"\n(?! )", text.strip())
    ]


RIGHT, WRONG = answers("answers_right.py"), answers("answers_wrong.py")


def written(name: str, source: str):
    """Return the function, or the value, that a learner's cell makes of an answer."""
    exercise = EXERCISES[name]
    if exercise.cases is None:
        return eval(source, dict(TOOLS))
    first, *rest = source.split("\n")
    body = "\n".join([first, *(line.removeprefix("  ") for line in rest)])
    statement = rest or re.match(r"(return|print)\b", first)
    body = body if statement or _is_statement(first) else f"return {body}"
    code = f"def my_answer({STUBS[name]}):\n{textwrap.indent(body, '    ')}"
    cell = dict(TOOLS)
    # As IPython does: errors and checks may look at the source.
    linecache.cache["cell"] = len(code), None, code.splitlines(keepends=True), "cell"
    exec(compile(code, "cell", "exec"), cell)
    return cell["my_answer"]


def _is_statement(line: str) -> bool:
    try:
        compile(line, "cell", "eval")
    except SyntaxError:
        return True
    return False


def checked(name: str, source: str) -> checks.Feedback:
    """Return the feedback on an answer as the first one in a kernel."""
    checks._tries.clear()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return EXERCISES[name].check(written(name, source))


@pytest.mark.parametrize(("name", "source"), RIGHT)
def test_a_right_answer_in_any_form_is_right(name, source):
    feedback = checked(name, source)
    assert feedback.ok, feedback


@pytest.mark.parametrize(("name", "source"), WRONG)
def test_a_wrong_answer_is_wrong_and_no_first_try_gets_the_hint(name, source):
    feedback = checked(name, source)
    assert feedback.kind not in ("right", "not tried")
    assert "Hint:" not in feedback.message
    assert not EXERCISES[name].hint or EXERCISES[name].hint not in feedback.message


def is_named(feedback: checks.Feedback) -> bool:
    """Return whether more was said than that it is wrong, or than what Python says itself."""
    raw = re.fullmatch(r"Your code raised .*\(line \d+(: `.*`)?\)\.", feedback.message)
    return feedback.kind != "other" and not raw


def test_nine_of_ten_wrong_answers_that_nobody_planned_for_are_named(capsys):
    found = [(name, checked(name, source)) for name, source in WRONG]
    planned = [f for name, f in found if f.kind in EXERCISES[name].mistakes]
    unplanned = [f for name, f in found if f.kind not in EXERCISES[name].mistakes]
    named = [f for f in unplanned if is_named(f)]
    kinds = Counter(f.kind for f in named)
    with capsys.disabled():
        print(
            f"\n{len(RIGHT)} right answers; {len(WRONG)} wrong ones, {len(planned)} of them planned; "
            f"of the other {len(unplanned)} are named {len(named)}, of {len(kinds)} kinds"
        )
    assert len(named) > 0.9 * len(unplanned)


KERAS = {
    "losses.mse": ["keras.losses.MeanSquaredError()(y_true, y_pred)"],
    "losses.stable_cross_entropy": [
        "keras.losses.binary_crossentropy(y_true, logits, from_logits=True)",
        "keras.losses.BinaryCrossentropy(from_logits=True)(y_true[:, None], logits[:, None])",
    ],
    "activations.softmax": [
        "keras.ops.softmax(z, axis=-1)",
        "keras.ops.convert_to_numpy(keras.activations.softmax(keras.ops.convert_to_tensor(z)))",
    ],
    "activations.network": ["keras.ops.relu(x @ W1 + b1) @ W2 + b2"],
    "activations.hat": ["keras.ops.relu(x) - 2 * keras.ops.relu(x - 1) + keras.ops.relu(x - 2)"],
}


@pytest.mark.slow
def test_answers_by_keras_are_right(monkeypatch):
    import keras

    monkeypatch.setitem(TOOLS, "keras", keras)
    for name, sources in KERAS.items():
        for source in sources:
            feedback = checked(name, source)
            assert feedback.ok, (source, feedback)
