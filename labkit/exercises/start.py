"""Exercises of lesson 00, Start here: a first function, and a first pair of runs to compare."""

import os

import numpy as np

from labkit.learn.checks import Exercise, Feedback
from labkit.maths.start import fit_line

prediction = Exercise(
    name="prediction",
    lesson="00",
    right=lambda length, w, b: w * length + b,
    cases=[(1.4, 0.5, -0.2), (6.0, 0.3, 0.1), (2.0, -0.5, 4.0), (1.37, -0.83, 0.45)],
    mistakes={
        "the intercept is missing": (
            lambda length, w, b: w * length,
            "You left out b. Set w to 0: the line should then lie at height b, yours lies at 0.",
        ),
        "w and b are swapped": (
            lambda length, w, b: b * length + w,
            "Set the length to 0: the line should then lie at height b, yours lies at height w.",
        ),
        "a sum instead of a product": (
            lambda length, w, b: w + length + b,
            "You added w to the length. A slope multiplies: twice the length, twice its effect.",
        ),
        "b is multiplied too": (
            lambda length, w, b: w * (length + b),
            "You multiplied b by w as well: your parentheses hold too much.",
        ),
        "the sign of b": (
            lambda length, w, b: w * length - b,
            "Set w to 0: the line should then lie at height b, yours lies at height -b.",
        ),
    },
    hint="How wide is a petal of length 0? And how much wider does each further cm make it?",
)

# A drawing that is no digit: strokes x, y, x, y, ... on the field of 28 x 28 pixels.
HEART = [
    [14.0, 24.0, 5.0, 14.0, 5.0, 8.0, 9.0, 6.0, 14.0, 10.0],
    [14.0, 10.0, 19.0, 6.0, 23.0, 8.0, 23.0, 14.0, 14.0, 24.0],
]

# What a network may say to a drawing that is no digit -> what is right or wrong about expecting it.
SAYINGS = {
    "It says that this is no digit.": "It has no such answer.",
    "It is torn: no digit gets more than 0.5.": "That would be wise of it.",
    "It leans to one digit, between 0.5 and 0.9.": "That would be careful of it.",
    "It is sure of one digit: more than 0.9.": "That would be rash of it.",
}


def saying(probabilities):
    """Return which of `SAYINGS` these ten probabilities are.

    >>> saying([0.97] + [0.03 / 9] * 9)
    'It is sure of one digit: more than 0.9.'
    """
    _, torn, leans, sure = SAYINGS
    top = max(probabilities)
    return sure if top > 0.9 else leans if top > 0.5 else torn


GOAL = 0.05  # cm^2: a little above the best possible loss
TO_BEAT = 95  # steps that learning rate 0.04 needs

YOURS = ["started", "param.learning_rate", "param.steps", "result.loss", "result.diverged"]


def your_rows(table):
    """Return the rows that a learner made in JupyterLab, and of those the columns to compare.

    Args:
        table: the pandas table of `results("00")`; rows of headless runs are left out.

    Returns:
        A pandas table: started, param.learning_rate, param.steps, result.loss (in cm^2, of the
        last step done) and result.diverged (whether the run was stopped).
    """
    live = table.reindex(columns=["env.mode"])["env.mode"] == "live"
    rows = table[live].reindex(columns=YOURS).reset_index(drop=True)
    rows["started"] = rows["started"].astype(str).str[:19]  # to the second
    return rows


def settings(rows):
    """Return the different (learning_rate, steps) of a learner's rows, in the order first tried."""
    # A row has no parameters when the saved second cell could not be read, so drop those.
    columns = rows[YOURS[1:3]].dropna().drop_duplicates()
    return [(float(rate), int(steps)) for rate, steps in columns.itertuples(index=False)]


def check_rows(rows):
    """Return feedback on the learner's rows: two with different settings are the goal.

    Args:
        rows: what `your_rows` returned.
    """
    if os.environ.get("LABKIT_HEADLESS"):
        return _say(
            "not tried",
            "This copy ran without a reader (headlessly). Its row is written when the run ends: "
            "labkit results 00 shows it. Open the lesson in JupyterLab to make rows of your own.",
        )
    tried = len(settings(rows))
    if tried == 0:
        return _say("not tried", "No row yet: run the cell with record(...), then this one.")
    if tried == 1:
        return _say(
            "not tried",
            "One row so far: change learning_rate in the cell of the parameters, then choose "
            "Run > Run Selected Cell and All Below.",
        )
    losses = rows["result.loss"]
    return _say(
        "right",
        f"{tried} settings, {tried} rows to compare. The smallest loss so far is "
        f"{losses.min():.3g} cm², with learning_rate = "
        f"{rows['param.learning_rate'][losses.idxmin()]:g}.",
    )


def score(rows):
    """Return feedback on the fewest steps with which one of the learner's rows meets the goal.

    Args:
        rows: what `your_rows` returned.
    """
    reached = rows[(rows["result.loss"] <= GOAL) & rows["param.steps"].notna()]
    if len(settings(rows)) < 2 or os.environ.get("LABKIT_HEADLESS"):
        return _say("not tried", f"Make a row with a loss of at most {GOAL} cm².")
    if len(reached) == 0:
        return _say(
            "above the goal",
            f"The smallest loss in your table is {rows['result.loss'].min():.3g} cm²; it should "
            f"be at most {GOAL}. The explorer shows which settings come further.",
        )
    steps = int(reached["param.steps"].min())
    if steps >= TO_BEAT:
        told = f"You need {steps} steps; the score to beat is {TO_BEAT}. Does it need all of them?"
        return _say("too many steps", told)
    return _say("right", f"{steps} steps: that beats {TO_BEAT}. The fewest are {fewest_steps()}.")


def fewest_steps():
    """Return the fewest steps that meet the goal, over learning rates 0.0005 apart.

    >>> fewest_steps() < TO_BEAT
    True
    """
    curves = [fit_line(rate, 100)["losses"] for rate in np.arange(0.001, 0.1, 0.0005)]
    return min(int(np.argmax(losses <= GOAL)) for losses in curves if losses.min() <= GOAL)


def _say(kind, message):
    return Feedback("rows", kind, message)
