"""Under LABKIT_LANG=zh the feedback of the translated lessons is Chinese."""

import re
import warnings

import numpy as np
import pytest
from answers import EXERCISES, RIGHT, WRONG, checked

from labkit.lab.translation.left import untranslated
from labkit.learn import checks

MODULES = (
    "start",
    "descent",
    "losses",
    "activations",
    "backprop",
    "metrics",
    "convolution",
    "recurrent",
)
# What Python says of an error stays as Python says it.
_PYTHON = re.compile(r"引发了 \w+.*?(?:\(line \d+(?:: `[^`]*`)?\)|$)|出错：.*")
# Names and values of the learner, and rare words that are made of pieces.
_ALLOWED = re.compile(
    r"an array of shape|False|, (?:W|size|kernel|pool|steps)\b|(?:times|divided by)|length of|"
    r"of each column|Each column of|wrong at x|(?:nan|infinity) for|too few numbers|"
    r"Right: [A-E]|did you mean"
)


@pytest.fixture(autouse=True)
def chinese(monkeypatch):
    monkeypatch.setenv("LABKIT_LANG", "zh")


def left(feedback):
    runs = untranslated(_PYTHON.sub("", repr(feedback)))
    return [run for run in runs if not _ALLOWED.search(run)]


@pytest.mark.parametrize("module", MODULES)
def test_every_planned_mistake_is_told_in_chinese(module):
    for name, exercise in EXERCISES.items():
        if name.split(".")[0] == module:
            for kind, (wrong, _) in exercise.mistakes.items():
                checks._tries.clear()
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore", RuntimeWarning)
                    feedback = exercise.check(wrong)
                assert not left(feedback), (name, kind, feedback)


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_every_wrong_answer_is_told_in_chinese(module):
    for name, source in [*WRONG, *RIGHT]:
        if name.split(".")[0] == module:
            feedback = checked(name, source)
            assert not left(feedback), (name, source, feedback)


def test_what_is_kept_of_a_check_stays_english():
    feedback = checked("descent.update", "w + learning_rate * gradient")
    assert feedback.kind == "sign of the gradient"
    assert "梯度的符号" in repr(feedback)
    assert "你在往上坡走" in feedback._repr_html_()
