"""Many answers as people write them: the right ones are accepted, the wrong ones are named."""

import math
import re
import runpy
import statistics
import textwrap
import warnings
from collections import Counter
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
    each.__name__.split(".")[0]: each
    for each in (math, statistics, pandas, scipy, sklearn)
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
